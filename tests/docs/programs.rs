//! The words of docs/plan.md for the tables of the checks of programs, files, variables and logs.

use super::format::{Section, section};

pub const PROGRAMS: &[Section] = &[
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
         be read is unknown. An example is `json = { NAME = \"value\" }`.",
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
            ("shell", "a bash script instead, as in `run`"),
            ("cwd", "of a command: where it runs; the plan's folder otherwise"),
            ("env", "variables the command is given; secrets may stand here"),
            ("stdin", "of a command: what it reads; secrets may stand here"),
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
            ("jq", "the path at which it stands; required"),
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
];

const TAKEN: &[(&str, &str)] =
    &[("jq", "a jq program on the JSON"), ("regex", "its one group; matches that differ are unknown")];

const NUMBER: &[(&str, &str)] = &[
    ("jq", "where it stands in the JSON; or `regex`, one of them"),
    ("regex", "its one group is the number; every match must hold"),
    ("that", "`\"<= 960\"`, or one of <, >=, >, ==, !=; required"),
];
