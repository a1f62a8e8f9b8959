//! The words of docs/plan.md for the kinds' own tables.

use super::format::{Section, section};

pub const KINDS: &[Section] = &[
    section(
        "[http]",
        "One request, compared with what is expected. Exactly one method key. No redirect is followed.",
        &[
            ("get", "the address: whole, or a path behind the session's base"),
            ("post", "as `get`"),
            ("put", "as `get`"),
            ("patch", "as `get`"),
            ("delete", "as `get`"),
            ("head", "as `get`"),
            ("options", "as `get`"),
            ("headers", "sent with it"),
            ("json", "the body, sent as JSON; not beside `body`"),
            ("body", "the body, a template; not beside `json`"),
            ("expect", "what the answer must be; any 2xx where nothing is said"),
            ("capture", "values taken from the answer, for the items after it"),
        ],
    ),
    section(
        "[http.expect]",
        "What is not written is not looked at, but for the status.",
        &[
            ("status", "a code, or a list of them; any 2xx otherwise"),
            ("header", "headers by name, each a value or a form below"),
            ("json", "jq programs; each must come to one `true`. Values are `$name`"),
            ("body", "regular expressions that the body must match"),
            ("body_absent", "regular expressions that it must not match"),
            ("latency", "the answer is complete within this"),
            ("cookie", "names of cookies the answer must set"),
        ],
    ),
    section(
        "[http.expect.header.NAME]",
        "Exactly one form.",
        &[
            ("equals", "the value is this"),
            ("contains", "the value holds this"),
            ("absent", "`true`: there is no such header"),
            ("list", "the comma-separated value has these members, in any case"),
        ],
    ),
    section(
        "[http.capture.NAME]",
        "A jq program as a text, or one of these. A captured value is kept out of what is shown.",
        &[("jq", "a jq program on the JSON body"), ("header", "a header's value"), ("cookie", "a cookie's value")],
    ),
    section(
        "[cors]",
        "One preflight for each origin. A kept-out origin passes only while the service answers the others.",
        &[
            ("url", "whole, or a path behind the session's base; required"),
            ("method", "the method asked for; `GET` unless said"),
            ("request_headers", "the header names asked for"),
            ("allow", "origins that must get exactly their own name back; required. A list variable gives them all"),
            ("deny", "origins that must not be let in"),
            ("credentials", "whether those let in may send cookies"),
        ],
    ),
    section(
        "[sse]",
        "A stream of server-sent events, read to its terminal event; the socket may stay open after it.",
        &[
            ("get", "the address; or `post`, one of them"),
            ("post", "as `get`"),
            ("headers", "sent with it"),
            ("json", "the body of a `post`"),
            ("expect", "what the stream must be"),
            ("until", "the terminal event; without it reading stops once `at_least` holds"),
            ("deadline", "for the whole stream, connecting included; the item's timeout otherwise"),
            ("meanwhile", "a request sent while the stream is read: a cancel, say"),
        ],
    ),
    section(
        "[sse.expect]",
        "What is not written is not looked at, but for the status and the content type.",
        &[
            ("status", "200 unless said"),
            ("first_event", "from the request to the first event"),
            ("max_gap", "between two events, and to the end; comments are no events"),
            ("at_least", "events that must come, each `count` times"),
            ("order", "events that must come in this order, others between them or not"),
            ("never", "events that must not come"),
        ],
    ),
    section("[sse.expect.at_least]", "A pattern and how often.", COUNTED),
    section("[sse.expect.order]", "A pattern: an event fits if all that is written fits.", PATTERN),
    section("[sse.expect.never]", "A pattern.", PATTERN),
    section(
        "[sse.until]",
        "What ends the stream.",
        &[("any", "the stream is over at the first event that fits one of these; required")],
    ),
    section("[sse.until.any]", "A pattern.", PATTERN),
    section(
        "[sse.meanwhile]",
        "Sent once, when `after` has come.",
        &[
            ("after", "the event that sets it off; required"),
            ("get", "the address; or `post`, one of them"),
            ("post", "as `get`"),
            ("headers", "sent with it"),
            ("json", "the body of a `post`"),
            ("expect", "what its answer must be"),
        ],
    ),
    section("[sse.meanwhile.after]", "A pattern and how often.", COUNTED),
    section(
        "[sse.meanwhile.expect]",
        "What the answer must be.",
        &[("status", "200 unless said"), ("json", "jq programs; each must come to one `true`")],
    ),
    section(
        "[run]",
        "A command, run under a shim that outlives the console. Exit 0 passes, others fail; 126, 127 and foreign \
         signals are unknown. In a rehearsal nothing is run: the target answers with the example.",
        &[
            ("command", "the program and its arguments; no secret may stand here"),
            ("shell", "a bash script instead, under `-e -o pipefail`; it holds no `{{ }}`: give it values by `env`"),
            ("cwd", "where it runs; the plan's folder otherwise"),
            ("env", "variables it is given; secrets may stand here"),
            ("stdin", "what it reads; secrets may stand here"),
            ("exit", "exit codes that mean something else: `{ 2 = \"warn\" }`"),
        ],
    ),
    section(
        "[process]",
        "A program that lives on, under a shim that outlives the console: the step passes once it is ready. Ending \
         before that fails, as does not being ready in time; dying later turns its item to fail. A rollback leaves \
         it; cancelling the item, the launch's end and a step that stops it end its whole tree. A rehearsal hears the \
         example's `stdout` and runs nothing.",
        &[
            ("command", "the program and its arguments; no secret may stand here"),
            ("shell", "a bash script instead, as in `run`"),
            ("cwd", "where it runs; the plan's folder otherwise"),
            ("env", "variables it is given; secrets may stand here"),
            ("ready", "what tells that it is ready; required"),
            (
                "capture",
                "values by a pattern on a line of its output: the first group, or all that matches; they have a name in \
                 every item after this one, which then needs it",
            ),
            ("stop", "how it is ended; or, alone, the id of the item whose program this step ends"),
        ],
    ),
    section(
        "[process.ready]",
        "One of `line`, `http` and `tcp`. What answers a probe before the program was started is a failure.",
        &[
            ("line", "a pattern that a line of its output fits"),
            ("http", "a request that comes to pass, as an `http` table"),
            ("tcp", "`HOST:PORT` that accepts a connection"),
            ("within", "30 seconds unless said"),
        ],
    ),
    section(
        "[process.stop]",
        "Its whole tree is asked, and then killed.",
        &[("signal", "what it is asked by: `TERM` unless said"), ("grace", "from that to KILL; 5 seconds unless said")],
    ),
    section(
        "[drill]",
        "One of the plan's rollbacks, for real, against another target: in a folder of its own, with that target's \
         values and a baseline captured there. It passes once it is verified within its deadline. Second keys are not \
         asked for. `tminus check` refuses one against the plan's own environment.",
        &[("rollback", "which rollback; required"), ("target", "a `[target.NAME]` of the plan; required")],
    ),
    section(
        "[traffic]",
        "How much of the traffic a canary gets: as it is read, never as it was written. What is written carries the \
         `resourceVersion` it was read with; a conflict is looked at again and decided again, five times. kubectl is \
         told its context and namespace in every call. A canary that stands alone is refused, with nothing changed.",
        &[
            (
                "driver",
                "`nginx`: annotations on the canary's own Ingress; `gateway`: weights of an HTTPRoute; `rollouts`: an \
                 Argo Rollout; `command`: commands of the plan; required",
            ),
            (
                "action",
                "`read`; `set` and read back; `undo`: back to nothing; `finish`: promote, verify, and only then remove \
                 the canary; required",
            ),
            ("context", "kubectl's; required, but for `command`"),
            ("namespace", "required, but for `command`"),
            ("kubeconfig", "a file beside the plan; kubectl's own otherwise"),
            ("ingress", "`nginx`: the canary's own Ingress, never the main one; required"),
            ("route", "`gateway`: the HTTPRoute; required"),
            ("rollout", "`rollouts`: the Rollout; a weight must be one of its steps with a `pause` after it; required"),
            ("stable", "the service that serves the rest; `gateway`: required"),
            ("canary", "the canary's service; `gateway`: required"),
            ("read", "`command`: the program that prints the weight in percent; required"),
            ("set", "`command`: the program that sets it; the weight is in `TMINUS_WEIGHT`"),
            ("weight", "whole percent, `10` or `\"10%\"`; what `set` writes, and what `read` compares with"),
            ("header", "`nginx`: a header that leads to the canary"),
            ("cookie", "`nginx`: the name of a cookie that leads there when it says `always`"),
            ("within", "how long what was written may take to be read back; 60s unless said"),
            ("promote", "`finish`: how the stable version becomes the canary's; a Rollout does it by itself"),
            ("verify", "a check of what is served, after a `set` or `undo`; for `finish` required"),
        ],
    ),
    section(
        "[traffic.header]",
        "With `value` it leads there on that value alone, without it on `always`.",
        &[("name", "required"), ("value", "what it must say")],
    ),
    section(
        "[traffic.cookie]",
        "Or the name alone.",
        &[
            ("name", "required"),
            ("value", "what test users send: `always`, or `never`; any other is refused, it never matches"),
        ],
    ),
    section(
        "[traffic.promote]",
        "A Deployment gets the image of another, or a command does it.",
        &[
            ("from", "the canary's Deployment, whose image is taken"),
            ("to", "the Deployment that gets it, waited for until every replica runs it"),
            ("container", "the container's name, where there are several"),
            ("within", "how long that may take; 5m unless said"),
            ("command", "instead: a program and its arguments; exit 0 promises nothing, `verify` tells"),
        ],
    ),
    section(
        "[traffic.verify]",
        "The keys below, and the table of a check. Only a pass verifies. `finish` looks twice: before the canary is \
         removed, and after; where the second look fails the canary gets back what it had.",
        &[("within", "tried again until it passes or this has gone by; 60s unless said"), ("example", "as an item's")],
    ),
    section(
        "[sequence]",
        "The same steps for one value after the other. A step that is not pass or warn stops it, and so does a guard. \
         Its timeout is 10m and its waits, unless said.",
        &[
            ("for_each", "`{ weight = [75, 50, 25, 10, 0] }`, or the name of a variable that is a list; required"),
            ("steps", "what each round does, in order: tables of `run`, `send` or `traffic`; required"),
            ("wait", "after the steps of each round, the last too; none unless said"),
            ("guard", "checks that look during the wait, at its beginning and at its end"),
            ("every", "between two looks of the guards; 10s unless said"),
            ("guard_unknown", "what a guard that cannot tell does: `stop` unless said"),
            (
                "on_breach",
                "what a guard that says no, or a failed step, leads to besides the stop: nothing unless said",
            ),
            ("undo", "the steps of `on_breach = \"undo\"`; all are tried"),
            (
                "from",
                "`read`: where the rounds are weights that only rise or only fall, it begins at the first that does not \
                 lead back behind what is read now; `first`: always at the first; `read` unless said",
            ),
        ],
    ),
    section("[sequence.steps]", "The key below, and a table of `run`, `send` or `traffic`.", NESTED_STEP),
    section("[sequence.undo]", "The key below, and a table of `run`, `send` or `traffic`.", NESTED_STEP),
    section(
        "[sequence.guard]",
        "The keys below, and the table of a check.",
        &[("id", "how messages call it; the kind unless said"), ("example", "as an item's")],
    ),
    section(
        "[log]",
        "The lines of a file or of a command in a window of time, JSON mixed with text. A window without a line, and one \
         in which no line says anything of what is asked, are unknown. No text of a line is kept. At most 8 MiB and 50,000 \
         lines a window.",
        &[
            ("file", "the file, relative to the plan's folder; it may be cut or rotated meanwhile"),
            (
                "command",
                "a program whose outputs are read instead; no secret may stand here. Exit other than 0 is unknown",
            ),
            ("env", "variables the command is given; secrets may stand here"),
            ("begin", "`start`: what is in the file counts; `end`: what comes from now on; that, where it is followed"),
            ("for", "followed for all of this time"),
            ("within", "followed until all that was asked for has come, so long at most"),
            ("expect", "what the lines must be; required"),
        ],
    ),
    section(
        "[log.expect]",
        "What is not written is not looked at.",
        &[
            ("events", "names that must have come: `{ at = \".event\", all = [\"started\", \"done\"] }`"),
            ("count", "how many JSON lines hold a program: `[{ where = '.level == \"error\"', that = \"<= 0\" }]`"),
            ("ratio", "the share of some lines among others"),
            ("number", "what a number in the lines comes to"),
            ("forbidden", "what must never be logged"),
            ("text", "regular expressions; each must be on some line"),
            ("text_absent", "regular expressions; none may be on any line"),
        ],
    ),
    section(
        "[log.expect.events]",
        "Metadata of a run: which events it left.",
        &[("at", "the path at which a line names its event; required"), ("all", "the names; required")],
    ),
    section(
        "[log.expect.count]",
        "Lines that say nothing of it do not count; where none does, it is unknown.",
        &[("where", "a jq program; required"), ("that", "`<= 0`, `>= 1`; required")],
    ),
    section(
        "[log.expect.ratio]",
        "A share.",
        &[
            ("of", "a jq program: which lines; required"),
            ("to", "a jq program: among which; all JSON lines otherwise"),
            ("that", "`<= 5%`; required"),
            ("min", "fewer lines than this are unknown; 1 unless said"),
        ],
    ),
    section(
        "[log.expect.number]",
        "A number out of the lines.",
        &[
            ("json", "the path at which it stands; required"),
            ("unit", "what the log writes it in, where `that` has a unit: `ms`"),
            ("where", "a jq program: in which lines"),
            (
                "stat",
                "`last` unless said, or `min`, `max`, `mean`, `sum`, `p50`, `p95`, `p99` (a number that is there, not between two)",
            ),
            ("that", "`<= 1500`, `<= 1.5s`; required"),
            ("min", "fewer numbers than this are unknown; 1 unless said"),
        ],
    ),
    section(
        "[log.expect.forbidden]",
        "Metadata only. What is found is named by its line and key, never shown.",
        &[
            ("keys", "regular expressions on keys, at any depth; without a JSON line it is unknown"),
            ("values", "regular expressions on whole lines"),
        ],
    ),
    section(
        "[manual]",
        "A person attests, with a note.",
        &[
            ("role", "whose word it takes; anybody's otherwise"),
            ("second", "`true`, or a role: another person's word too, of that role; the same person cannot give both"),
        ],
    ),
    section(
        "[choice]",
        "A person selects a branch, with a reason. It can be chosen anew while no step of the branch that is left has \
         begun.",
        &[("role", "who chooses; anybody otherwise"), ("options", "the branches, at least two; required")],
    ),
    section(
        "[choice.options]",
        "A branch.",
        &[
            ("id", "what `when` calls it; unique in its choice; required"),
            ("title", "for the screen; the id otherwise"),
        ],
    ),
    section(
        "[phase.item.poll]",
        "A poll of its own, for the second GO: it opens when it is due, passes on GO and fails on NO-GO, once all of its \
         roles have voted. Running it again polls again.",
        &[
            ("stage", "whose criteria stand beside the votes; `observed` unless said"),
            ("roles", "who votes, in order; the plan's poll otherwise"),
        ],
    ),
    section(
        "[signoff]",
        "Each role puts its name under it, once. One person signs for two roles only where both list him in `people`.",
        &[("roles", "who signs, in order; required")],
    ),
    section("[wait]", "Time that has to go by.", &[("for", "from when it was opened; required")]),
];

const NESTED_STEP: &[(&str, &str)] = &[("id", "how messages call it; the kind unless said")];

const PATTERN: &[(&str, &str)] = &[
    ("event", "its name; an event without one is `message`"),
    ("data", "its data, whole"),
    ("json", "a jq program on its data that must come to `true`"),
];

const COUNTED: &[(&str, &str)] = &[PATTERN[0], PATTERN[1], PATTERN[2], ("count", "how often; once unless said")];
