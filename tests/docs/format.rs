//! The words of docs/plan.md: each table of the plan format, each of its keys, one sentence. Which keys
//! there are is not decided here: `docs.rs` holds this list to what the readers ask for.

/// A table of the format.
pub struct Section {
    /// Its path; `NAME` is a name of the plan's own. A kind's table stands for itself, wherever it is.
    pub path: &'static str,
    pub about: &'static str,
    pub keys: &'static [(&'static str, &'static str)],
}

pub const fn section(
    path: &'static str,
    about: &'static str,
    keys: &'static [(&'static str, &'static str)],
) -> Section {
    Section { path, about, keys }
}

pub const TABLES: &[Section] = &[
    section(
        "[]",
        "Only `[plan]` is required.",
        &[
            ("plan", "what is launched, and where; required"),
            ("clock", "when the countdown starts and where it holds; without it, it counts from the earliest mark"),
            ("vars", "values by name"),
            ("target", "other places, by the variables that are different there"),
            ("secrets", "where secret values come from"),
            ("baseline", "values captured when the launch opens, and frozen: what a rollback goes back to"),
            ("control", "a request to a third party, as an `http` table: does our own network work?"),
            ("roles", "who takes part, who votes, and who may do what"),
            ("poll", "the order in which roles are asked for GO"),
            ("session", "what several items share: address, headers, cookies, captured values"),
            ("phase", "the checklist, in the order of the clock"),
            ("monitor", "checks repeated for as long as the launch is open"),
            ("stream", "event streams, logs and programs followed on the screen"),
            ("signal", "numbers asked for again and again, or taken out of streams"),
            ("objective", "what must hold of a signal over a window"),
            ("trigger", "what starts a rollback, or proposes one"),
            ("evidence", "what must be archived before the launch may be closed"),
            ("rollback", "ways back, each one key away"),
            ("playbook", "readonly commands for when something is red, one key away"),
            ("criterion", "the go and no-go lists"),
            ("escalation", "the guide to severities of incidents, worst first, and whom to call when"),
            ("notify", "who is told while the launch runs, by names: Slack, PagerDuty, a webhook"),
        ],
    ),
    section(
        "[plan]",
        "Required.",
        &[
            ("schema", "the version of this format: 1; required"),
            ("id", "names the launch folders; required"),
            ("title", "for the header; required"),
            ("environment", "where it is launched to: `production`"),
            ("description", "a sentence for whoever opens the plan"),
            ("release", "what is released: what a vote is bound to"),
        ],
    ),
    section(
        "[plan.release]",
        "What a vote is bound to; each is optional.",
        &[
            ("version", "its name"),
            ("commit", "its commit"),
            ("artifact", "where it is served from, or what is deployed"),
        ],
    ),
    section(
        "[clock]",
        "Every key is optional.",
        &[
            ("start", "where the countdown starts; the plan's earliest mark otherwise"),
            ("t0", "the published time of T-0: RFC 3339, or `now + 2h`"),
            ("window_closes", "RFC 3339; nothing is launched after it"),
            ("holds", "where the clock stops by itself, and does not go on by itself"),
            ("recycle", "marks that the countdown may be taken back to"),
            ("terminal", "below this mark the terminal count runs"),
            ("no_hold_below", "below this mark a hold is a cutoff"),
            ("max_terminal_hold", "a hold in the terminal count that lasts longer is a cutoff"),
        ],
    ),
    section(
        "[clock.holds]",
        "A built-in hold.",
        &[
            ("at", "before T-0; required"),
            ("for", "how long it is planned to last, and L counts; a person ends it; required"),
            ("title", "what it is for"),
            (
                "poll",
                "whether the countdown goes on from it only on GO; the last hold is the one unless another is named",
            ),
        ],
    ),
    section(
        "[vars.NAME]",
        "A plain value stands for itself (`web = \"https://…\"`); a table takes it from the environment.",
        &[
            ("env", "the environment variable; required"),
            ("default", "where it is not set; its type is the variable's, lists are written with commas there"),
            ("required", "without it the plan is not sound; true where there is no default"),
        ],
    ),
    section(
        "[target.NAME]",
        "A place to launch to, or to try things at. `--env NAME` makes it the launch's own; without it that is the \
         plan's `environment`, with the values of its own `[target]` where it has one. A rehearsal of a plan for \
         production is for its first other target, unless `--env` says so. A phase, an item, a session, a \
         monitor, a stream or a signal may name the target it is at (`target = \"staging\"`), and a drill runs \
         against one. Thresholds differ by place through variables: `that = \"error_rate <= {{ most_errors }}\"`.",
        &[
            (
                "vars",
                "the variables of `[vars]` that are different there, written as they are there; this or `secrets`",
            ),
            ("secrets", "the secrets of `[secrets]` that come from somewhere else there, written as they are there"),
        ],
    ),
    section(
        "[target.NAME.vars.NAME]",
        "As in `[vars]`. What is not set there is a mistake only once the target is used.",
        &[
            ("env", "the environment variable; required"),
            ("default", "where it is not set"),
            ("required", "without it that target cannot be used; true where there is no default"),
        ],
    ),
    section(
        "[target.NAME.secrets.NAME]",
        "As in `[secrets]`. What is not set there is a mistake only once the target is used.",
        &[
            ("env", "the environment variable that holds it there"),
            ("file", "a file that holds it, beside the plan"),
            ("command", "refused by this version"),
        ],
    ),
    section(
        "[secrets.NAME]",
        "Never a value: a plan is shown, sent and kept. Exactly one of `env` and `file`; at least 6 characters. A \
         rehearsal reads none of them and uses stand-ins. Removed, wherever it turns up, from everything \
         kept and shown: as it is, in base64, in URLs, in JSON. Out of reach is a secret that a server cuts into several \
         events of a stream, and one that is encoded twice.",
        &[
            ("env", "the environment variable that holds it"),
            ("file", "a file that holds it, beside the plan; at most 64 KiB"),
            ("command", "refused by this version"),
        ],
    ),
    section(
        "[baseline.NAME]",
        "A launch whose values are not captured has no GO. Exactly one of `http`, `command`, `shell` and `file`.",
        &[
            ("http", "the address that is asked, with GET"),
            ("command", "the program that is run, with its arguments"),
            ("shell", "a bash script instead"),
            ("cwd", "where it runs; the plan's folder otherwise"),
            ("env", "variables it is given"),
            ("file", "the file that is read, beside the plan"),
            ("jq", "what of the JSON is the value; or `regex`, one of them"),
            ("regex", "of a command's output or a file: its one group is the value"),
            ("example", "what a rehearsal's target answers"),
        ],
    ),
    section(
        "[roles.NAME]",
        "A role of the crew: `--as NAME` acts for it.",
        &[
            ("title", "for the screen; the name otherwise"),
            ("people", "who holds it: where any are listed, nobody else acts for it"),
            ("votes", "whether the poll asks it"),
            ("may", "any of `resume`, `waive`, `abort`, and `approve`: the second key of a rollback's step"),
        ],
    ),
    section(
        "[poll]",
        "Without it the voting roles are asked in the order of the file.",
        &[
            ("order", "every voting role, once"),
            ("director", "votes last: his vote is refused while another role is silent; the last in order otherwise"),
            ("lasts", "a vote older than this is void; for ever unless said"),
        ],
    ),
    section(
        "[session.NAME]",
        "Items that name a session run in the order of the file, and share what is here. An HTTP item sees what the \
         ones before it captured.",
        &[
            ("base", "put before addresses that begin with `/`"),
            ("target", "where it is, where that is not where the launch is: a `[target.NAME]`"),
            ("headers", "sent with every request"),
            ("cookies", "whether answers fill a cookie jar that later requests send; false unless said"),
            (
                "bearer",
                "a token for `Authorization`; as `basic` and `hmac` for requests that say nothing of it themselves",
            ),
            ("basic", "a user and a password for `Authorization`; not beside `bearer`"),
            ("hmac", "a signature in a header"),
            ("tls", "whom https trusts, and our certificate"),
            ("for_each", "one session for each value: `{ origin = \"origins\" }`"),
        ],
    ),
    section(
        "[phase]",
        "Phases stand in the file as they come on the clock.",
        &[
            ("id", "unique among phases and items; required"),
            ("title", "for the screen; the id otherwise"),
            ("at", "when it opens; required"),
            ("gate", "whether the countdown holds at the next phase's mark until all its items are clear"),
            ("needs", "phases that come first: a gate must be open, another phase begun"),
            ("item", "the lines of the checklist"),
            ("target", "where its items act, but those that name their own or have a session: a `[target.NAME]`"),
            ("when", "the branch that all its items stand on, but those that name their own"),
        ],
    ),
    section("[phase.when]", "As `[phase.item.when]`.", WHEN),
    section(
        "[phase.item.when]",
        "The branch an item stands on: due once it is chosen, skipped when another one is. What needs it counts it as \
         through.",
        WHEN,
    ),
    section(
        "[phase.item]",
        "One line of the checklist: the keys below, and the table of exactly one kind. A phase's items run at once \
         unless `needs` or a session orders them.",
        &[
            ("id", "unique among phases and items; required"),
            ("title", "for the screen; the id otherwise"),
            ("why", "what it protects from: shown in the detail"),
            ("at", "its own mark, at or after its phase's"),
            ("needs", "items or phases that come first"),
            ("evidence", "the pieces of `[[evidence]]` that its report is, as if they named it in their `items`"),
            ("when", "the branch it stands on: `{ choice = \"tunnel-mode\", is = \"named\" }`"),
            ("session", "the session whose address, cookies and values it uses; checks only"),
            (
                "target",
                "where it acts, where that is not where the launch is: a `[target.NAME]`; with a session, the session's",
            ),
            ("for_each", "one item for each value: `{ origin = \"origins\" }`"),
            (
                "timeout",
                "of one attempt: 10s for a check, 60s for a `command`, and as long as `repeat`, `until` or `burst` last; 10m for a \
                 step; a stream's deadline and 5s",
            ),
            ("retries", "of a check: further attempts after one that did not pass, 0 to 100; they are shown"),
            ("valid_for", "a pass older than this is stale"),
            (
                "every",
                "due again and again from its mark on: `daily`, `weekly`, `monthly`, or a span as `36h`; a check, a person's, or a step that may be repeated",
            ),
            ("allow_skipped", "an answer that says it skipped something opens the gate all the same"),
            ("on_fail", "`warn`: a verdict that is not pass may be acknowledged instead of waived"),
            (
                "on_preempt",
                "of a step: whether a rollback cancels it in flight (`kill`), or lets it run on beside it; readonly \
                 steps are cancelled anyway",
            ),
            ("auto", "a step that runs by itself at its mark; otherwise it waits for Enter"),
            ("class", "of a step, required: what repeating it after a crash may do"),
            ("confirm", "of a step: what a person does before it runs; `none` for readonly, else `key`"),
            (
                "second",
                "of a step: `true`, or a role: it runs only after another person's word, given before each attempt",
            ),
            ("example", "what the world answers: the check is tried on it, and the rehearsal answers with it"),
            ("rehearse", "`\"real\"`: a rehearsal does it for real; else it is answered from the example"),
        ],
    ),
    section(
        "[evidence]",
        "What must be archived before `tminus close`. Any piece can be given by a person, with `tminus evidence`: a \
         link, words, or a file, of which a copy is kept.",
        &[
            ("id", "unique among evidence; required"),
            ("title", "for the screen; the id otherwise"),
            ("items", "items whose reports are it, once each of them has ended; without any a person gives it"),
        ],
    ),
    section(
        "[example]",
        "An item's, a monitor's, a stream's, a rollback part's or a baseline value's. Where no `good` is written it is \
         derived, if the expectations are plain.",
        &[
            ("good", "answers that must pass; the target gives the one whose `when` fits its state best"),
            ("bad", "answers, each with the verdict that it must come to"),
            ("when", "the state of the target that all the good answers belong to"),
            ("sets", "the state of the target after this item acted: `{ build = \"new\" }`"),
        ],
    ),
    section("[example.good]", "One answer; what is not said is left out.", ANSWERED),
    section("[example.bad]", "One answer, as under `good`, and its verdict.", VERDICT_OF_ANSWER),
    section(
        "[example.good.events]",
        "One server-sent event. Under `bad` the same.",
        &[
            ("event", "its name"),
            ("id", "its id"),
            ("data", "its data; a table is sent as JSON"),
            ("after", "how long after the event before"),
        ],
    ),
    section(
        "[playbook]",
        "Commands that look and change nothing, for when something is red: `b` in the console lists and runs them, \
         `tminus playbook` asks for one. Who ran it and how each command ended is in the journal, what they said in the \
         launch's folder. One that fails does not stop the next.",
        &[
            ("id", "unique among playbooks; required"),
            ("title", "for the screen; the id otherwise"),
            ("for", "the items that it helps with when they are red; required"),
            ("step", "its commands, in order; required"),
        ],
    ),
    section(
        "[playbook.step]",
        "The keys below, and a `run` table.",
        &[
            ("id", "unique in its playbook; required"),
            ("title", "for the screen; the id otherwise"),
            ("class", "`readonly`: anything else is refused"),
            ("timeout", "60 seconds unless said"),
            ("example", "as an item's"),
            ("rehearse", "`\"real\"`: a rehearsal does it for real; else it is answered from the example"),
        ],
    ),
    section(
        "[criterion]",
        "A line of the go or no-go list. Any no-go that is not excluded, and any go that is not met, blocks the GO of its \
         stage: an item counts as it does for its gate, and no data is not health. Exactly one of `items`, `phases`, \
         `monitors` and `objectives` together, `role`, and `person` decides it.",
        &[
            ("id", "required"),
            ("go", "what must be so; or `no_go`, one of them"),
            ("no_go", "what must not be: where what decides it fails, it occurs"),
            ("stage", "`launch` (unless said): before T-0; `observed`: for the poll after the observation window"),
            ("items", "items that decide it; an item with `for_each` stands for all its copies"),
            ("phases", "phases whose items decide it"),
            ("monitors", "monitors that decide it"),
            ("objectives", "objectives that decide it: breached fails, too little data is unknown"),
            ("role", "a person of this role decides it"),
            ("person", "`true`: a person decides it, of whatever role"),
        ],
    ),
    section(
        "[escalation]",
        "A severity of incidents, the worst first. Without any there are `sev-1`, `sev-2` and `sev-3`, with short \
         guides and no ladder.",
        &[
            ("severity", "its id, as people say it: `sev-1`; required"),
            ("title", "a word for it; its id unless said"),
            ("guide", "what makes an incident one of this severity; stands beside it where it is chosen"),
            ("triage", "how long severity and commander may take from the opening on: 10m unless said"),
            ("levels", "the ladder, in the order of `after`"),
        ],
    ),
    section(
        "[escalation.levels]",
        "A level rings while the incident is active or mitigated, once, though the console restarts; it rings every \
         minute until somebody acknowledges it.",
        &[
            ("id", "`L1`; a level of the same id rings once, whichever severity's ladder it was reached on; required"),
            ("title", "what is done there"),
            ("after", "how long after the opening, or after the incident came again: `0m`, `15m`; required"),
            ("contacts", "whom to call: names, channels, addresses; shown when the level is due"),
        ],
    ),
    section(
        "[rollback]",
        "A procedure that a detached runner carries through. Only its `verify` items turn it green.",
        &[
            ("id", "required"),
            ("title", "for the screen; the id otherwise"),
            ("key", "one letter or digit, unique: `!`, then this; required"),
            ("deadline", "the stopwatch counts towards it; 30m unless said"),
            ("confirm", "how the start is confirmed; `key` unless said"),
            ("step", "what is done, in order; at least one"),
            ("verify", "what must be true afterwards; at least one"),
            ("ready", "what must be there for it to be started at all: its readiness light"),
        ],
    ),
    section(
        "[rollback.step]",
        "The keys below, and a step's table; `process` only stops.",
        &[
            ("id", "unique in its rollback; required"),
            ("title", "for the screen; the id otherwise"),
            ("class", "what repeating it may do; required"),
            ("timeout", "10m unless said"),
            ("by_hand", "what a person does where the step fails"),
            (
                "needs_approval",
                "a role that may `approve`: this step alone waits until another person than who asked for the rollback \
                 approves it for that role; without that it fails at the deadline",
            ),
            ("fallback", "what runs where the step failed; the step then counts as its fallback does"),
            ("example", "as an item's"),
            ("rehearse", "`\"real\"`: a rehearsal does it for real; else it is answered from the example"),
        ],
    ),
    section(
        "[rollback.step.fallback]",
        "The keys below, and a step's table. Not run where nobody knows what became of the step.",
        &[
            ("timeout", "10m unless said"),
            ("example", "as an item's"),
            ("rehearse", "`\"real\"`: a rehearsal does it for real; else it is answered from the example"),
        ],
    ),
    section(
        "[rollback.verify]",
        "The keys below, and the table of a check.",
        &[
            ("id", "unique in its rollback; required"),
            ("title", "for the screen; the id otherwise"),
            ("timeout", "of one attempt; 10s unless said"),
            ("within", "tried again until it passes or this has gone by; 60s unless said"),
            (
                "for",
                "every look must pass for so long, and six at least, before it counts; the first that passes unless said",
            ),
            ("example", "as an item's"),
            ("rehearse", "`\"real\"`: a rehearsal does it for real; else it is answered from the example"),
        ],
    ),
    section(
        "[rollback.ready]",
        "The keys below, and the table of a check: credentials, a context, the artifact that it goes back to. Looked at \
         for as long as the launch is open. A rollback that is not ready, or not known to be, stands red on the \
         rollback bar and gives no GO; it may be started all the same.",
        &[
            ("id", "unique in its rollback; required"),
            ("title", "for the screen; the id otherwise"),
            ("every", "from one look to the next; 30s unless said, at least 1s"),
            ("timeout", "of one look; 10s unless said"),
            ("fails_after", "how many failures in a row do not count yet; 0 unless said"),
            ("example", "as an item's"),
            ("rehearse", "`\"real\"`: a rehearsal does it for real; else it is answered from the example"),
        ],
    ),
];

const WHEN: &[(&str, &str)] = &[
    ("choice", "a `choice` item, not later than this; required"),
    ("is", "the option of it, or a list of them; required"),
];

const ANSWERED: &[(&str, &str)] = &[
    ("status", "100 to 599; of a file 200, and 404 for one that is not there"),
    ("headers", "by name"),
    ("cookies", "cookies that the answer sets"),
    ("json", "the body as JSON; a captured `{{ name }}` is made up by the target, which wants it back later"),
    ("body", "the body as text"),
    ("events", "a stream's events"),
    ("exit", "a command's exit code"),
    ("stdout", "what a command prints"),
    ("stderr", "what a command says on standard error"),
    ("when", "the state of the target this answer belongs to"),
    ("after", "how long the answer takes; of a file how old it is"),
];

const VERDICT_OF_ANSWER: &[(&str, &str)] = &[
    ANSWERED[0],
    ANSWERED[1],
    ANSWERED[2],
    ANSWERED[3],
    ANSWERED[4],
    ANSWERED[5],
    ANSWERED[6],
    ANSWERED[7],
    ANSWERED[8],
    ANSWERED[9],
    ANSWERED[10],
    ("gives", "the verdict; required"),
];
