//! The words of docs/plan.md on what is watched: monitors, streams, signals, objectives, triggers. Part of `docs.rs`.

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
            ("target", "where it is, where that is not where the launch is: a `[target.NAME]`"),
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
            ("target", "where it is, where that is not where the launch is: a `[target.NAME]`"),
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
            ("target", "where it is, where that is not where the launch is: a `[target.NAME]`"),
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
    section(
        "[objective]",
        "A threshold on a signal over a window, evaluated again and again for as long as the launch is open. Samples are \
         counted exactly, by the time at which they were so: `p95 <= 1.5s` is breached by more than 5% of them above \
         1.5 s. Missing data is not health: too few samples, or none that is new, is unknown. Alone it is held to its \
         limit; one of `per`, `minus` and `against` holds it beside another signal in the same window.",
        &[
            ("id", "required"),
            ("title", "for the screen; the id otherwise"),
            ("signal", "a `[[signal]]`, or `monitor.ID`: the looks of a monitor; required"),
            (
                "that",
                "`error_rate <= 5%`, `up >= 99%`, `p95 <= 1.5s`, `max <= 3s` of a monitor's looks, and of lines that fail or do \
                 not; percentiles also of a signal of times, and of a histogram with a bucket that ends there; `<= 80%` of a \
                 level's newest number, and with `per`; `rate <= 10`, `change <= 5`: how much a counter grew each second, \
                 and in the window; required",
            ),
            ("per", "a counter: the signal's growth is divided by this one's, as errors by requests"),
            ("minus", "a signal: the difference of both is held to the limit"),
            (
                "against",
                "the baseline of a canary: both are counted over the same window, and it is breached where the canary \
                 is worse by more than the limit, beyond what noise explains (Newcombe's interval of the difference); of latencies, by more than the tail: \
                 5% of p95",
            ),
            ("expects", "with `against`, what the canary is meant to see: `tminus check` says how long it must run"),
            ("both_ways", "`true`: with `against`, a canary that is better breaches too"),
            ("confidence", "with `against`, how sure it must be; 99.9% unless said, from 90% to 99.999%"),
            ("window", "how far back its samples are looked at: whole `evaluate_every`, at most 24h; required"),
            (
                "min_samples",
                "fewer tell nothing, of either side; with `per`, how much that counter must have grown. As many as one \
                 over the threshold unless said, and never fewer: one failure alone can never breach 5%",
            ),
            (
                "stale_after",
                "with nothing newer it is stale; three times the signal's `every`, and its `timeout`, unless said",
            ),
            ("evaluate_every", "how often, and how wide a bucket of samples is; 10s unless said, at least 100ms"),
            (
                "unknown_for",
                "unknown for longer, it holds the launch and rings, and after T-0 freezes it; 1m unless said",
            ),
        ],
    ),
    section(
        "[objective.expects]",
        "What a canary is meant to see. `tminus check` says how many samples of both sides one window must hold, so that \
         the breach is seen in nine of ten, and warns where the window or a soak is shorter. A monitor's samples are its \
         looks; else `traffic` and `weight` say how many come.",
        &[
            ("sees", "the share of bad samples of the canary that must be noticed: `2%`; required"),
            ("usual", "the share that is usual, the baseline's; 0.1% unless said, of a percentile its tail"),
            ("traffic", "requests to both together: `20/s`, `300/min`, `5000/h`"),
            ("weight", "the canary's part of them: `10%`"),
        ],
    ),
    section(
        "[trigger]",
        "What starts a rollback where it lasts, or proposes one. It fires once, and rings until a person acknowledges it; \
         unknown neither clears a breach nor counts towards `for`.",
        &[
            ("id", "required"),
            ("title", "for the screen; the id otherwise"),
            (
                "when",
                "`objective.ID`: it is breached; `monitor.ID.down`: it failed more than `fails_after` times in a row; \
                 `alert.NAME`: that alert fires; `manual`: a person says so; required",
            ),
            (
                "alerts",
                "with `alert.NAME`, `monitor.ID`: the monitor of kind `alerts` whose servers are asked, as often as it asks; \
                 not needed where there is one. The rule must be loaded and healthy, else no alert is no proof",
            ),
            (
                "for",
                "how long it must be so in every evaluation; `0s` fires at once. Required for an objective; nothing unless \
                 said for the others",
            ),
            (
                "recovers_after",
                "how long it must be gone before it may fire again; twice `for`, at least 1m, unless said",
            ),
            ("then", "`rollback.ID`; required"),
            ("mode", "`ask` (unless said) rings and waits; `auto` starts by itself unless somebody vetoes"),
            ("veto", "with `auto`, how long a person may say no; 10s unless said, at least 5s"),
            ("armed_from", "the mark from which it may fire; from the beginning unless said"),
            ("armed_until", "the mark until which it may fire; to the end unless said"),
        ],
    ),
];
