//! The words of docs/plan.md for the tables of the steps, and of what people do.

use super::format::{Section, section};

pub const STEPS: &[Section] = &[
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
        "[notify.NAME]",
        "Who is told while the launch runs; the step `notify` tells once, and nothing else. Messages are made of the journal \
         and told in order, each once as far as the target tells whether it came; one that does not answer is tried again, \
         said on the screen and in `tminus brief`, and holds up nothing. Of more than 1,000 that wait for it the oldest are \
         dropped, counted and said. What was told stands in the launch's folder \
         (`notify/NAME.ledger`). A rehearsal tells its simulated target alone.",
        &[
            ("title", "who that is, for the screen: `#launch`; the name otherwise"),
            ("slack", "one of `[secrets]`: the address of an incoming webhook"),
            ("pagerduty", "one of `[secrets]`: the key of a service, for Events API v2"),
            (
                "webhook",
                "one of `[secrets]`: an address that takes CloudEvents 1.0, structured, which carry CDEvents 0.5; what those \
                 have no word for is a custom event `dev.cdeventsx.tminus-…`",
            ),
            ("region", "where PagerDuty keeps the service: `us` unless said"),
            (
                "sign",
                "one of `[secrets]`: signs what a webhook is sent, `X-Tminus-Signature: sha256=` and hex of HMAC-SHA256 over \
                 `X-Tminus-Timestamp`, a point and the body",
            ),
            ("headers", "sent to a webhook with it; a secret may stand here"),
            (
                "events",
                "what it is told of: `launch`, `gate`, `hold`, `poll`, `liftoff`, `trigger`, `rollback`, `freeze`, \
                 `incident`, `step`; unless said, Slack of all but steps, PagerDuty of what wakes somebody, a webhook of \
                 everything",
            ),
            ("at_most", "how much it is told; Slack gets what is more in one message, others later"),
            ("text", "what stands above its messages"),
        ],
    ),
    section(
        "[notify.NAME.at_most]",
        "Unless said 30 messages a minute for Slack, 60 for PagerDuty, 300 for a webhook; in a rehearsal any number.",
        &[("count", "so many messages; required"), ("per", "in so long, an hour at most; required")],
    ),
    section(
        "[notify.NAME.text]",
        "Text of `[vars]` above the messages of a topic, in the target's own markup: `<!here>`. Everybody there reads it.",
        &[
            ("launch", "it opened, was amended or taken over, fell short of T-0, ended"),
            ("gate", "a gate opened for its checks, turned red, passed"),
            ("hold", "holds, and where T went back or T-0 slipped"),
            ("poll", "what it came to, and each NO-GO"),
            ("liftoff", "T-0"),
            ("trigger", "it fired, was vetoed or taken on, is quiet again"),
            ("rollback", "it began, waits for a second key, failed at a step, ended"),
            ("freeze", "after T-0 every step but rollback is stopped, or no more"),
            ("incident", "it was opened, changed, escalated, resolved"),
            ("step", "a step of the checklist began or ended"),
        ],
    ),
    section(
        "[snapshot]",
        "Exactly one of `http`, `command`, `shell`, `file`. It is kept without the plan's secrets as `artifacts/SHA-256` in the \
         launch's folder; more than 64 MiB is refused, and an empty answer is no snapshot.",
        &[
            ("http", "an address; a GET that must answer 2xx"),
            ("headers", "sent with it"),
            ("command", "a program and its arguments; exit 0 and its standard output"),
            ("shell", "a line for bash with `pipefail`, in place of `command`"),
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
            ("ready", "what tells that it is ready; only one that stops another does without"),
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
         values and a baseline captured there. It passes once it is verified within its deadline. What it is verified \
         by is looked at before its first step, too: where all of that holds already, nothing was there to take back, and \
         the drill is unknown. Second keys are not asked for. One against the place that is launched to is refused.",
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
            ("ingress", "of `nginx`, which needs it: the canary's own Ingress, never the main one"),
            ("route", "of `gateway`, which needs it: the HTTPRoute"),
            (
                "rollout",
                "of `rollouts`, which needs it: the Rollout; a weight must be one of its steps with a `pause` after it",
            ),
            ("stable", "the service that serves the rest; `gateway`: required"),
            ("canary", "the canary's service; `gateway`: required"),
            ("read", "of `command`, which needs it: the program that prints the weight in percent"),
            ("set", "`command`: the program that sets it; the weight is in `TMINUS_WEIGHT`"),
            (
                "weight",
                "whole percent, `10` or `\"10%\"`; what `set` writes, and what `read` compares with. What is read may have a fraction",
            ),
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
        "[signoff]",
        "Each role puts its name under it, once. One person signs for two roles only where both list him in `people`.",
        &[("roles", "who signs, in order; required")],
    ),
    section("[wait]", "Time that has to go by.", &[("for", "from when it was opened; required")]),
    section(
        "[soak]",
        "Objectives that hold for a continuous time. It begins at its mark, survives consoles that come and go, and \
         passes once so much time was known to be well: unknown time earns nothing, one breached evaluation begins the \
         time anew. It fails at its `deadline`.",
        &[
            ("objectives", "all of them must hold; at each instant the worst counts; required"),
            ("for", "how long, without a breach; required"),
            (
                "max_gap",
                "holes in the watching and unknown time longer than this begin the time anew, unless a person waives \
                 them by name (`w`), who gives back what was credited before; 5m unless said",
            ),
            ("deadline", "given up as failed after so long; it goes on until it is through unless said"),
        ],
    ),
];

const NESTED_STEP: &[(&str, &str)] = &[("id", "how messages call it; the kind unless said")];
