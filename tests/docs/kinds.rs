//! The words of docs/plan.md for the kinds' own tables.

use super::format::{Section, section};

pub const KINDS: &[Section] = &[
    section(
        "[http]",
        "One request, compared with what is expected. Exactly one method key, at most one body. The item's `timeout` is \
         for all of it, redirects too; an answer has at most 100 headers of 400 KiB in all. A proxy is taken from the \
         environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), never for this machine itself.",
        &[
            ("get", "the address: whole, or a path behind the session's base"),
            ("post", "as `get`"),
            ("put", "as `get`"),
            ("patch", "as `get`"),
            ("delete", "as `get`"),
            ("head", "as `get`"),
            ("options", "as `get`"),
            ("headers", "sent with it"),
            ("json", "the body, sent as JSON"),
            ("form", "the body, as a form sends it"),
            ("body", "the body as it is; its `Content-Type` stands in `headers`"),
            ("multipart", "the body in parts: texts and files"),
            ("bearer", "a token for `Authorization`; no literal, as every credential"),
            ("basic", "a user and a password for `Authorization`; not beside `bearer`"),
            ("hmac", "a signature in a header"),
            ("auth", "`none`: without its session's `bearer`, `basic`, `hmac` and `Authorization`"),
            (
                "redirects",
                "`none`: a redirect is the answer (unless said otherwise); `follow`: at most 10, none in a circle, nothing of ours \
                 to another origin but what its cookie jar holds for it; `expect`: the answer must be one",
            ),
            ("http", "the protocol the answer must come by: `1.1` offers nothing else, `2` is asked for by ALPN"),
            ("tls", "whom https trusts, and our certificate; in place of the session's"),
            ("limit", "how large the answer's body may be: `64KiB`; 8MiB unless said"),
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
            ("redirect", "the redirect it must be"),
        ],
    ),
    section(
        "[http.expect.redirect]",
        "In place of `status`.",
        &[
            ("status", "a code, or a list of them; 301 or 308 unless said"),
            ("to", "the address it must lead to, whole; required"),
        ],
    ),
    section(
        "[http.basic]",
        "Sent as RFC 7617 says. So for every request and session.",
        &[("user", "required; no colon"), ("password", "required; a secret")],
    ),
    section(
        "[http.hmac]",
        "Hex of HMAC-SHA256.",
        &[
            ("secret", "the key; required; a secret"),
            ("header", "where the signature goes; required"),
            ("prefix", "what stands before the hex: `sha256=`, `v1=`"),
            ("timestamp_header", "where the time goes, in whole seconds of Unix time"),
            (
                "over",
                "what is signed: `body` (the bytes sent; unless said otherwise), `timestamp.body` or `timestamp.sorted-json` \
                 (the time, a point, the JSON with keys sorted at every depth, without spaces, numbers as JavaScript writes \
                 them)",
            ),
        ],
    ),
    section(
        "[http.multipart]",
        "A part of the body. All files of a request have at most 16 MiB.",
        &[
            ("name", "the field's name; required"),
            ("value", "its text; or `file`"),
            ("file", "a file, relative to the plan's folder"),
            ("type", "its `Content-Type`; a file's is `application/octet-stream` otherwise"),
            ("filename", "what the file is called; its own name otherwise"),
        ],
    ),
    section(
        "[http.tls]",
        "PEM files, relative to the plan's folder, read for each request: a renewed one counts. A rehearsal reads none.",
        &[
            ("ca", "certificates that are trusted in place of the host's"),
            ("cert", "our certificate with its chain; beside `key`"),
            ("key", "its private key"),
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
            ("json", "the body, sent as JSON"),
            ("form", "as in `http`, and so the keys to `tls`"),
            ("body", "the body as it is"),
            ("multipart", "the body in parts"),
            ("bearer", "a token"),
            ("basic", "a user and a password"),
            ("hmac", "a signature in a header"),
            ("auth", "`none`: without its session's"),
            ("tls", "whom https trusts, and our certificate"),
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
            ("json", "the body, sent as JSON"),
            ("form", "as in `http`, and so the keys to `tls`"),
            ("body", "the body as it is"),
            ("multipart", "the body in parts"),
            ("bearer", "a token"),
            ("basic", "a user and a password"),
            ("hmac", "a signature in a header"),
            ("auth", "`none`: without its session's"),
            ("tls", "whom https trusts, and our certificate"),
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
        "[send]",
        "A request that changes something, sent once, in no session: as in `http`, with every key of its tables. Where \
         no answer came and it may have arrived, it is unknown what it did; where nothing can have arrived it failed. 30 s \
         unless `timeout` says otherwise. In a rehearsal nothing is sent.",
        &[
            ("get", "the address, whole; exactly one method"),
            ("post", "as `get`"),
            ("put", "as `get`"),
            ("patch", "as `get`"),
            ("delete", "as `get`"),
            ("head", "as `get`"),
            ("options", "as `get`"),
            ("headers", "sent with it"),
            ("json", "the body, sent as JSON"),
            ("form", "the body, as a form sends it"),
            ("body", "the body as it is"),
            ("multipart", "the body in parts"),
            ("bearer", "a token"),
            ("basic", "a user and a password"),
            ("hmac", "a signature in a header"),
            ("redirects", "`none`, `follow` or `expect`"),
            ("http", "the protocol the answer must come by"),
            ("tls", "whom https trusts, and our certificate"),
            ("limit", "how large the answer's body may be"),
            ("expect", "what the answer must be; any 2xx where nothing is said"),
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
