//! The words of docs/plan.md for the kinds' own tables.

use super::format::{Section, section};

pub const KINDS: &[Section] = &[
    section(
        "[http]",
        "A request, compared with what is expected. Exactly one method key. No redirect is followed. It is asked once, \
         unless `repeat`, `until` or `burst` says otherwise: at most one of them.",
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
            ("repeat", "asked several times, each of which must pass"),
            ("until", "asked until it passes, or its time is up"),
            ("burst", "asked many times, until the service limits it"),
        ],
    ),
    section(
        "[http.repeat]",
        "How many of how many passed is told. An item's.",
        &[("times", "2 to 100; required"), ("every", "from one to the next, at least 100ms; 1s unless said")],
    ),
    section(
        "[http.until]",
        "The last answer is the verdict. Values are captured from it. An item's.",
        &[
            ("within", "no request begins later; at most 1h; required"),
            ("every", "from one request to the next, at least 100ms; 1s unless said"),
            ("stop", "jq programs: where one is true of an answer, no later one will pass, and it fails at once"),
        ],
    ),
    section(
        "[http.burst]",
        "Requests one after the other, until one is limited. All before it must have the status that `expect` says; a \
         burst without a limited answer fails. An item's.",
        &[
            ("requests", "2 to 300: the last of them at the latest is limited; required"),
            ("free", "so many are let through before the first that is limited; 0 unless said"),
            ("a_second", "1 to 100; 10 unless said, and fewer where the service is slow"),
            ("expect", "what the limited answer must be, as under `expect`; status 429 unless said"),
            ("hold", "answers stay open until the last: for a limit on what is open at once; at most 32 requests"),
            ("cool_down", "waited after the limit, so that what follows is not limited too"),
        ],
    ),
    section("[http.expect.security]", "Headers that protect a browser, judged by what they mean.", SECURITY),
    section(
        "[http.expect.security.hsts]",
        "As a text it is `max_age` alone. A max-age of 0 fails.",
        &[
            ("max_age", "at least this; required"),
            ("include_subdomains", "`true`: it says `includeSubDomains`"),
            ("preload", "`true`: it says `preload`"),
        ],
    ),
    section(
        "[http.expect.fresh_within]",
        "An older document is stale, one without a time unknown, one from the future fails. In an example `{{ now }}` is \
         the present, `{{ now_s }}` and `{{ now_ms }}` are it in seconds and milliseconds since 1970.",
        &[
            ("json", "where its timestamp stands: RFC 3339, or seconds or milliseconds since 1970"),
            ("header", "or the header that is its timestamp: `last-modified`"),
            ("within", "how old it may be; required"),
            ("skew", "how far in the future it may lie; 1m unless said"),
            ("utc", "`true`: a timestamp without an offset is in UTC; unknown otherwise"),
        ],
    ),
    section("[http.expect]", "What is not written is not looked at, but for the status.", EXPECT),
    section(
        "[http.expect.header.NAME]",
        "Exactly one form.",
        &[
            ("equals", "the value is this"),
            ("contains", "the value holds this"),
            ("absent", "`true`: there is no such header"),
            ("list", "the comma-separated value has these members, in any case"),
            ("set", "it has these members and no other, in any order and case"),
        ],
    ),
    section(
        "[http.capture.NAME]",
        "A jq program as a text, or one of these. A captured value is kept out of what is shown.",
        &[("jq", "a jq program on the JSON body"), ("header", "a header's value"), ("cookie", "a cookie's value")],
    ),
    section(
        "[cors]",
        "One preflight for each origin and method, and simple requests beside them where asked for: 200 requests at \
         most. A kept-out origin passes only while the service answers the others.",
        &[
            ("url", "whole, or a path behind the session's base; required"),
            ("method", "the methods asked for; `GET` unless said"),
            ("request_headers", "the header names asked for"),
            ("allow", "origins that must get exactly their own name back; required. A list variable gives them all"),
            ("deny", "origins that must not be let in"),
            ("lookalikes", "`true`: origins that look like the allowed ones, and `null`, must not be let in either"),
            ("deny_methods", "methods that those let in must not get: refused by status, or not listed"),
            ("simple", "this request too, without a preflight: those let in may read its answer, the others get one"),
            ("expose", "headers of that answer that those let in may read"),
            ("max_age", "how long a preflight's answer may be kept, at least"),
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
            ("resume", "the connection is dropped and opened again: what comes must go on where it was left"),
        ],
    ),
    section(
        "[sse.resume]",
        "Ids that are numbers must count up by one across the break; of others none may come again.",
        &[
            ("after", "so many events with an id come first, 1 to 1000; required"),
            ("query", "the parameter that says the last id: `after`; the header `Last-Event-ID` otherwise"),
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
        "[tls]",
        "One handshake of today with the endpoint itself, past any proxy, and one of each version named. The certificate \
         is read also where nothing trusts it. An example is a JSON document: `days_left`, `names`, `verified`, and \
         `versions = { \"1.0\" = false }`.",
        &[
            ("host", "a name or an IP address; or an https address, whose host and port are taken; required"),
            ("port", "over that of `host`; 443 otherwise"),
            ("server_name", "the name asked for, where it is not `host`"),
            ("names", "names that the certificate must cover besides the one asked for"),
            ("warn", "less than this left is a warning; `30d` unless said"),
            ("fail", "less than this left is a fail; `7d` unless said"),
            ("ca", "a PEM file, relative to the plan; what it holds is trusted instead of what the system trusts"),
            ("offer", "versions that must be accepted: `1.0`, `1.1`, `1.2`, `1.3`"),
            (
                "refuse",
                "versions that must be refused, by an alert or by closing; a server that keeps silent is unknown",
            ),
        ],
    ),
    section(
        "[signal.promql]",
        "Asked for one instant, each query encoded. An instant query answers with the time it was asked for: how old the \
         data is follows from the query's own series, by a second query.",
        &[
            ("server", "the address of Prometheus; required"),
            ("headers", "sent with it"),
            ("query", "gives one number; required"),
            ("samples", "a query for how many samples that is made of: what `min_samples` counts"),
            (
                "age",
                "a query for the age of the data in seconds, where the query's series do not tell it: behind a recording rule",
            ),
        ],
    ),
    section(
        "[dns]",
        "Each resolver is asked anew, over UDP, and over TCP where the answer was cut; no search domain is tried. One that \
         keeps silent or fails is unknown. An example is a JSON document: `records`, `ttl`, `exists`, `rcode`.",
        &[
            ("name", "the whole name; required"),
            ("type", "`A` unless said"),
            ("resolvers", "IP addresses, with a port where it is not 53; the system's otherwise"),
            ("agree", "`false`: they may differ, as they do for a name that is answered by place"),
            ("expect", "what the records must be; any where nothing is said"),
        ],
    ),
    section(
        "[dns.expect]",
        "Records are compared in one form: names in lower case without their last dot, `0 issue ca.example.net` for CAA, \
         `10 mail.example.net` for MX.",
        &[
            ("equals", "these and no others, in any order"),
            ("contains", "these, and others may be there"),
            ("absent", "`true`: a resolver proves that there are none; stands alone"),
            ("ttl_max", "the least time to live, of aliases too, is at most this"),
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
        "[signal.json]",
        "A document that is asked for with GET.",
        &[
            ("get", "the address: whole, or a path behind the session's base; required"),
            ("headers", "sent with it"),
            ("jq", "a jq program for the number; required"),
            ("samples", "a jq program for how many samples it is made of"),
            ("at", "a jq program for when it was made: RFC 3339, or seconds or milliseconds since 1970"),
        ],
    ),
    section(
        "[alerts]",
        "What rings at Prometheus, and what Alertmanager makes of it. Silence passes only where rules are loaded, healthy \
         and evaluated lately; what is silenced, inhibited or pending is a warning. An example tells counts: `{ severities \
         = { critical = { rules, firing, pending, silenced, inhibited, unhealthy = [] } }, rules = { NAME = { … } }, \
         alertmanagers }`.",
        &[
            ("prometheus", "the address of Prometheus, whose rules are looked at; only `firing` goes without it"),
            ("alertmanager", "the address of Alertmanager: what is silenced or inhibited, and what others sent it"),
            ("headers", "sent to both"),
            ("none", "severities of which nothing may ring"),
            ("severity_label", "the label that tells the severity; `severity` unless said"),
            ("not_firing", "names of alerts that must not ring"),
            ("firing", "names of alerts that must ring: a watchdog"),
            ("rules", "names of rules that must be loaded and healthy"),
            ("delivers", "whether Prometheus must know an active Alertmanager"),
            ("stale_after", "a rule evaluated longer ago tells nothing; three intervals of its group unless said"),
            ("matchers", "only alerts with these labels are looked at: `team=\"api\"`, with `=`, `!=`, `=~` or `!~`"),
        ],
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
        "[notify]",
        "Posts a text, once; it is not tried again. Without `url` the text is shown and the step ends in warn: a person \
         posts it. In a rollback its failure is told and stops nothing. The address is never shown, nor is a secret ever \
         posted.",
        &[
            ("text", "the message; required"),
            ("title", "stands above it"),
            ("to", "who or where it is for, in words"),
            (
                "fields",
                "names that a person types before each attempt, said as `{{ name }}` in what is sent; at most 8",
            ),
            ("url", "a webhook, a secret best; it passes on 2xx"),
            ("format", "`slack`: `{ text }`; `json`: `{ title, text, timestamp }`; `json` unless said"),
            ("headers", "sent with it"),
            ("json", "a table of keys beside or in place of the format's"),
        ],
    ),
    section(
        "[snapshot]",
        "Exactly one of `http`, `command`, `file`. It is kept without the plan's secrets as `artifacts/SHA-256` in the \
         launch's folder; more than 64 MiB is refused, and an empty answer is no snapshot.",
        &[
            ("http", "an address; a GET that must answer 2xx"),
            ("headers", "sent with it"),
            ("command", "a program and its arguments; exit 0 and its standard output"),
            ("cwd", "relative to the plan's folder"),
            ("env", "on top of the console's environment; a secret may stand here"),
            ("file", "relative to the plan's folder"),
            ("as", "what it is called; required"),
            ("jq", "a program that takes the part which is kept"),
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

const EXPECT: &[(&str, &str)] = &[
    ("status", "a code, a class as `\"2xx\"`, a range as `\"500-504\"`, or a list of them; any 2xx otherwise"),
    ("header", "headers by name, each a value or a form below"),
    ("json", "jq programs; each must come to one `true`. Values are `$name`"),
    ("body", "regular expressions that the body must match"),
    ("body_absent", "regular expressions that it must not match"),
    ("latency", "the answer is complete within this"),
    ("cookie", "names of cookies the answer must set"),
    ("security", "headers that protect a browser"),
    ("fresh_within", "how old the document may be, by a time that it carries"),
    (
        "skipped",
        "jq programs: where one is true, the answer says that something was skipped, and so is the item. A path \
         alone may be absent",
    ),
];

const SECURITY: &[(&str, &str)] = &[
    ("hsts", "`Strict-Transport-Security` for at least this: `\"365d\"`, or a table"),
    ("csp", "`true`: a policy is enforced; or directives that it must have, by name or with exactly these sources"),
    ("nosniff", "`true`: `X-Content-Type-Options` is `nosniff`"),
    ("frame", "`X-Frame-Options`: `sameorigin` is met by DENY too"),
    ("referrer", "`Referrer-Policy` comes to one of these"),
    ("permissions", "`Permissions-Policy` has each of these: `camera=()`"),
];
const NUMBER: &[(&str, &str)] = &[
    ("jq", "where it stands in the JSON; or `regex`, one of them"),
    ("regex", "its one group is the number; every match must hold"),
    ("that", "`\"<= 960\"`, or one of <, >=, >, ==, !=; required"),
];

const TAKEN: &[(&str, &str)] =
    &[("jq", "a jq program on the JSON"), ("regex", "its one group, of the first match in the text")];
