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
        "[command]",
        "A program, run for a look and ended with all it started. Exit 0 passes, others fail unless `exit` maps them; \
         126, 127 and signals are unknown. What could not go on (a traceback, a panic, a script for another interpreter, \
         a Makefile that make cannot use) is unknown whatever its exit code, and so is an exit code without the JSON \
         that was asked for.",
        &[
            ("command", "the program and its arguments; no secret may stand here"),
            ("shell", "a bash script instead, under `-e -o pipefail`; it holds no `{{ }}`: give it values by `env`"),
            ("cwd", "where it runs; the plan's folder otherwise"),
            ("env", "variables it is given; secrets may stand here"),
            ("stdin", "what it reads; secrets may stand here"),
            ("exit", "exit codes that mean something else: `{ 2 = \"warn\" }`"),
            ("expect", "what it must say"),
            ("output", "the file it must write"),
            ("skipped", "jq programs that say what was skipped, on the output file or else on the JSON"),
            ("capture", "values for what comes after, from the output file or else from the JSON"),
        ],
    ),
    section(
        "[command.expect]",
        "On its output without colours. JSON may stand between lines of text, which is told; two documents are none.",
        &[
            ("stdout", "regular expressions that standard output must match"),
            ("stdout_absent", "regular expressions that it must not match"),
            ("stderr", "regular expressions that standard error must match"),
            ("stderr_absent", "regular expressions that it must not match"),
            ("json", "jq programs on the JSON it prints; each must come to one `true`"),
            ("number", "numbers and their bounds, one table or a list"),
        ],
    ),
    section("[command.expect.number]", "A number. One that is not there is unknown.", NUMBER),
    section(
        "[command.output]",
        "A file that it writes. One that is older than this run is stale, whatever it says.",
        &[
            ("file", "relative to `cwd`; one `*` in its name stands for the newest; required"),
            ("json", "jq programs on it; each must come to one `true`"),
            ("schema", "a JSON Schema: a file beside the plan, or the schema itself. It may refer to nothing outside"),
            ("fresh", "it was written by this run; true unless said"),
        ],
    ),
    section("[command.capture.NAME]", "A jq program as a text, or one of these.", TAKEN),
    section(
        "[file]",
        "A file as it is. No link is followed and no device waited for; 4 MiB of it are looked at.",
        &[
            ("path", "relative to the plan's folder; one `*` in its name stands for the newest; required"),
            ("expect", "what it must be; there, where nothing is said"),
            ("skipped", "jq programs that say what was skipped"),
            ("capture", "values for what comes after"),
        ],
    ),
    section(
        "[file.expect]",
        "What is not written is not looked at.",
        &[
            ("absent", "`true`: it must not be there"),
            ("fresh", "written within this; older is stale"),
            ("size", "how long it may be"),
            ("sha256", "its SHA-256 in hex"),
            ("text", "regular expressions that it must match"),
            ("text_absent", "regular expressions that it must not match"),
            ("json", "jq programs; each must come to one `true`"),
            ("number", "numbers and their bounds, one table or a list"),
            ("schema", "a JSON Schema: a file beside the plan, or the schema itself"),
        ],
    ),
    section("[file.expect.number]", "A number. One that is not there is unknown.", NUMBER),
    section(
        "[file.expect.size]",
        "Bytes, as a number or with a unit: `\"2 KiB\"`.",
        &[("min", "at least; 1 unless said"), ("max", "at most")],
    ),
    section("[file.capture.NAME]", "A jq program as a text, or one of these.", TAKEN),
    section(
        "[env]",
        "Variables, held to rules. No value is ever shown: only names, lengths, and what is wrong. A source that cannot \
         be read is unknown.",
        &[
            ("source", "`\"process\"` for this one's, or a table; required"),
            ("set", "variables that must be set, to no placeholder"),
            ("vars", "variables with rules, by name: the value it must have, or a table"),
            ("banned", "regular expressions of more placeholders than the known ones"),
            ("every_value", "no value may be a placeholder, ruled or not; true for a file unless said"),
        ],
    ),
    section(
        "[env.source]",
        "A file, or what a program prints.",
        &[
            ("file", "in dotenv form, beside the plan"),
            ("command", "prints `NAME=value` lines as `env` does: `[\"kubectl\", \"exec\", …, \"env\"]`"),
            ("shell", "a bash script instead"),
            ("cwd", "where it runs; the plan's folder otherwise"),
            ("env", "variables it is given; secrets may stand here"),
            ("stdin", "what it reads"),
        ],
    ),
    section(
        "[env.vars.NAME]",
        "It must be set, and to no placeholder, unless these say otherwise.",
        &[
            ("optional", "`true`: it may be unset"),
            ("absent", "`true`: it must not be set"),
            ("public", "`true`: its value is no secret, and is not removed from what is shown elsewhere"),
            ("placeholder", "`true`: a value that looks like a placeholder is right"),
            ("equals", "its value"),
            ("one_of", "its possible values"),
            ("min_length", "characters"),
            ("url", "`true`, a scheme, or a table: an absolute URL whose host is not this machine"),
            ("int", "`true` or a table: a whole number"),
            ("matches", "regular expressions that it must match"),
            ("bans", "regular expressions that it must not match"),
            (
                "required_if",
                "it must be set only where another variable has this value: `{ GPU_PROVIDER = \"runpod\" }`",
            ),
            ("differs_from", "beginnings of the SHA-256 of values that it must no longer have: after a rotation"),
            ("same_as", "another variable with the same value"),
        ],
    ),
    section(
        "[env.vars.NAME.url]",
        "An absolute URL.",
        &[
            ("schemes", "any of these; any unless said"),
            ("local", "`true`: its host may be this machine"),
            ("password", "`true`: it must carry a password"),
        ],
    ),
    section("[env.vars.NAME.int]", "A whole number within bounds.", &[("min", "at least"), ("max", "at most")]),
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
        "[drill]",
        "One of the plan's rollbacks, for real, against another target: in a folder of its own, with that target's \
         values and a baseline captured there. It passes once it is verified within its deadline. Second keys are not \
         asked for. `tminus check` refuses one against the plan's own environment.",
        &[("rollback", "which rollback; required"), ("target", "a `[target.NAME]` of the plan; required")],
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

const PATTERN: &[(&str, &str)] = &[
    ("event", "its name; an event without one is `message`"),
    ("data", "its data, whole"),
    ("json", "a jq program on its data that must come to `true`"),
];

const COUNTED: &[(&str, &str)] = &[PATTERN[0], PATTERN[1], PATTERN[2], ("count", "how often; once unless said")];

const NUMBER: &[(&str, &str)] = &[
    ("jq", "where it stands in the JSON; or `regex`, one of them"),
    ("regex", "its one group is the number; every match must hold"),
    ("that", "`\"<= 960\"`, or one of <, >=, >, ==, !=; required"),
];

const TAKEN: &[(&str, &str)] =
    &[("jq", "a jq program on the JSON"), ("regex", "its one group, of the first match in the text")];
