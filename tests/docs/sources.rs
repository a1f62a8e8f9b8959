//! The words of docs/plan.md on where samples come from: monitors, streams and signals. Part of `docs.rs`.

use super::format::{Section, section};

pub const SOURCES: &[Section] = &[
    section(
        "[monitor]",
        "A check that is repeated, and yields samples. The keys below, and the table of one check; or `session` and \
         `item`: then each round begins the session anew, with a cookie jar and captured values of its own, the items run \
         in order, the first that does not pass ends the round and is named, and what they took is added up.",
        &[
            ("id", "required"),
            ("title", "for the screen; the id otherwise"),
            ("every", "at least 100ms; required"),
            ("timeout", "of one look, in a session of each item; 10s unless said"),
            ("session", "the `[session.ID]` that its items share; one monitor for each session of that name"),
            ("item", "what is looked at in that session, in order"),
            ("fails_after", "down after more than this many failures in a row; 3 unless said"),
            ("example", "as an item's"),
            ("rehearse", "`\"real\"`: a rehearsal does it for real; else it is answered from the example"),
        ],
    ),
    section(
        "[monitor.item]",
        "An item of a monitor that is a session: the keys below, and the table of a check. What it captures has a value \
         for the items after it, in that round alone; nothing that the launch captured reaches it.",
        &[
            ("id", "unique in its monitor; required"),
            ("example", "as an item's"),
            ("rehearse", "`\"real\"`: a rehearsal does it for real; else it is answered from the example"),
        ],
    ),
    section(
        "[stream]",
        "What is shown as it comes, and opened again when it breaks: the keys below, and an `sse` table; or the lines of \
         `log`, or of a program (`command` or `shell`). A log that is silent is no health: nothing follows from it. \
         Rotation and truncation are followed; of a line longer than 16 KiB the beginning is kept, and no signal is \
         taken out of it. An example shows lines (`body`); a good one has no error, a bad one gives `fail`.",
        &[
            ("id", "required"),
            ("title", "for the screen; the id otherwise"),
            ("session", "of `sse`: whose cookies and values it opens with; one stream for each session of that name"),
            ("after", "the item that must have passed before it opens"),
            ("log", "a file whose lines are followed, from the plan's own folder; it need not be there yet"),
            ("begin", "of `log`: `end` (unless said) or `start`; what was there before is shown, and is no sample"),
            ("command", "a program and its arguments, whose output is followed; started again where it ended"),
            ("shell", "a script for bash, instead of `command`"),
            ("cwd", "of a program: where it runs, from the plan's own folder"),
            ("env", "of a program: its environment, on top of ours; the place for secrets"),
            ("stdin", "of a program: what it reads; secrets may stand here"),
            ("errors", "which lines are errors"),
            ("redact", "patterns that are taken out of each line before it is kept or shown"),
            ("example", "as an item's"),
            ("rehearse", "`\"real\"`: a rehearsal does it for real; else it is answered from the example"),
        ],
    ),
    section(
        "[stream.errors]",
        "A line is an error where any of these says so.",
        &[
            ("level", "words of a level: `level` or `severity` in JSON, the first such word of a text"),
            ("regex", "patterns on the line"),
            ("jq", "jq programs on a line that is JSON, or ends with it; `true` makes it one"),
        ],
    ),
    section(
        "[[signal]]",
        "A named series of samples for objectives: exactly one source. What cannot tell is told as that, never as a \
         number: no series or several, an absent path, an answer that is too old. A number counts for when it was so: \
         now, less the age that its source tells. The looks of a monitor are a signal by themselves: `monitor.ID`. An \
         example tells what is read, as a `signal` check's; of several processes `{ series = [{ instance, value }] }`, of \
         a histogram `{ series = [{ buckets = { \"0.5\" = 90, \"+Inf\" = 100 } }] }`; a bad one gives `unknown` or `stale`.",
        &[
            ("id", "required"),
            ("title", "for the screen; the id otherwise"),
            ("promql", "a query to Prometheus: one series, or with `instance` or `histogram` several"),
            ("json", "a number in a JSON document"),
            ("command", "a program and its arguments, whose standard output is the number; it must exit with 0"),
            ("shell", "a script for bash, instead of `command`"),
            ("jq", "of a command or a stream: a jq program for the number in JSON"),
            ("regex", "of a command or a stream: a pattern with one group around the number"),
            ("samples", "of a command: a jq program for how many samples it is made of"),
            ("cwd", "of a command: where it runs, from the plan's own folder"),
            ("env", "of a command: its environment, on top of ours; the place for secrets"),
            ("stdin", "of a command: what it reads; secrets may stand here"),
            ("from", "a stream whose lines it is taken out of: `stream.app`; each line that is meant is a sample"),
            ("where", "of a stream: a jq program for which lines are meant; without it all that have the number"),
            (
                "errors",
                "of a stream: `true`, each line that is meant failed if it is an error of its stream; the number is \
                        then how long it took",
            ),
            ("every", "how often it is asked; 10s unless said"),
            ("timeout", "of one question; 10s unless said"),
            ("unit", "what the number is a number of: `ms`, `%`, `MiB`; a plain number unless said"),
            ("counter", "`true`: it only grows, but where a process starts anew"),
            (
                "instance",
                "each process counts for itself: the label of a series, or of a document a jq program for whose \
                          numbers it has",
            ),
            ("stale_after", "an older number tells nothing: 2m unless said; of a document it needs `at`"),
            ("example", "as an item's"),
            ("rehearse", "of a command, `\"real\"`: a rehearsal runs it; else it is answered from the example"),
        ],
    ),
    section(
        "[[signal]].promql",
        "Asked for one instant that is said, each query encoded; how old the answer is follows from the query's own \
         series.",
        &[
            ("server", "the address of Prometheus; required"),
            ("headers", "sent with it"),
            ("query", "gives the number; required, or `histogram`"),
            (
                "histogram",
                "in the place of `query`: the buckets of a histogram, by `le`; of each process where `instance` \
                           is said, else of each set of labels",
            ),
            ("samples", "a query for how many samples the number is made of"),
            ("age", "a query for the age of the data in seconds, where the query's series do not tell it"),
        ],
    ),
    section(
        "[[signal]].json",
        "A document that is asked for with GET.",
        &[
            ("get", "the address, or a list: each address counts for itself; required"),
            ("headers", "sent with it"),
            ("jq", "a jq program for the number; required"),
            ("samples", "a jq program for how many samples it is made of"),
            ("at", "a jq program for when it was made: RFC 3339, or seconds or milliseconds since 1970"),
        ],
    ),
];
