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
        "[github]",
        "One question about a repository on GitHub; nothing is changed. Lists are read to their last page, or prove \
         nothing. A limit that is used up is unknown and says until when; so is a 404, which may mean that the token \
         may not see what is there. An example's `json` holds a document for each thing asked, by its word: `run`, \
         `runs`, `refs`, `tag` (an annotated tag's object), `tags`, `releases`, `status`, `check_runs`, `repo`; of a \
         workflow it is the file's text, as `body`.",
        &[
            ("repo", "`owner/name`; required"),
            ("api", "`https://api.github.com` unless said; an Enterprise server's ends in `/api/v3`"),
            ("token", "from `[secrets]`; sent over TLS alone"),
            ("api_version", "of the API, a day; `2022-11-28` unless said"),
            ("commit", "the launch's, whole; for `run`, `tag`, `status` and `workflow`, and `tags` may have it"),
            ("run", "a run that ended in success, for the commit"),
            ("tag", "a tag that is there once and stands for the commit, annotated or not"),
            ("tags", "tags that count up"),
            ("release", "a release that is there once"),
            ("status", "statuses and check runs of the commit are green; where nothing was reported it is unknown"),
            (
                "permissions",
                "what the token may do to the repository, at least: by its role, and by its scopes where told",
            ),
            ("workflow", "a workflow's file as it is at the commit: its name, or its path"),
            ("audit", "what that file must say; required with `workflow`"),
        ],
    ),
    section(
        "[github.run]",
        "A run by its id, or the latest of a workflow.",
        &[
            ("id", "the run's; or `workflow`"),
            ("workflow", "the file's name: its run with the highest number"),
            ("branch", "the run's branch"),
            ("event", "what began it: `workflow_dispatch`"),
        ],
    ),
    section(
        "[github.tags]",
        "Each number stands once. With `commit` the newest stands for it, and no other tag of the pattern does.",
        &[
            ("pattern", "the whole tag as a regular expression, its number as the one group; required"),
            ("above", "a tag, or a number, that the newest is above"),
        ],
    ),
    section(
        "[github.release]",
        "Drafts count where the token may see them.",
        &[
            ("tag", "the release's; required"),
            ("draft", "whether it is one; `false` unless said"),
            ("prerelease", "whether it is one; not looked at unless said"),
        ],
    ),
    section(
        "[github.status]",
        "What must be there.",
        &[("require", "names of statuses or checks that must be among them")],
    ),
    section(
        "[github.audit]",
        "At least one key. Conditions of steps are not looked at: those of jobs are.",
        &[
            ("triggers_only", "no other event starts the workflow"),
            ("automatic", "what the run before it must have been, where it runs by itself after one"),
            ("permissions", "of its token, by name: `{ contents = \"write\" }`, in at least one job"),
            ("nonce_input", "an input that `run-name` shows, for a `dispatch` to find its run"),
        ],
    ),
    section(
        "[github.audit.automatic]",
        "Worked out from the trigger's `branches` and from the `if` of each job and of the jobs it needs. What the text \
         alone does not tell is unknown.",
        &[
            ("conclusion", "no job runs after another: `success`"),
            ("branch", "no job runs after a run on another"),
            ("event", "no job runs after a run that another event began: `push`"),
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
        "[drill]",
        "One of the plan's rollbacks, for real, against another target: in a folder of its own, with that target's \
         values and a baseline captured there. It passes once it is verified within its deadline. Second keys are not \
         asked for. `tminus check` refuses one against the plan's own environment.",
        &[("rollback", "which rollback; required"), ("target", "a `[target.NAME]` of the plan; required")],
    ),
    section(
        "[dispatch]",
        "Starts a workflow and follows its run; passes where it ends in success, for the commit. What it asks for is kept \
         in the attempt's folder before it is asked, so that a repeat looks for what an earlier attempt began. An answer \
         that never comes is searched for by the nonce, never asked for again. A limit is waited out.",
        &[
            ("repo", "as `github`'s; required"),
            ("api", "as `github`'s"),
            ("token", "as `github`'s; it must be allowed to write actions"),
            ("api_version", "as `github`'s"),
            ("commit", "the launch's, whole: where the ref stands elsewhere, nothing is started; required"),
            ("workflow", "the file's name; required but for `rerun`"),
            ("ref", "a branch or a tag; required but for `rerun`"),
            ("inputs", "of the workflow; whoever sees the run sees them"),
            ("nonce_input", "an input that the workflow's `run-name` shows; filled in by the step, it finds the run"),
            ("search", "how long a run is looked for; 2m unless said"),
            ("poll", "between two looks; 10s unless said"),
            ("cancel_run", "`true`: a cancel of the step cancels the run; else the run goes on"),
            ("rerun", "a run to do again instead"),
        ],
    ),
    section(
        "[dispatch.rerun]",
        "Passes where the run ends in success with one attempt more, and number, commit, tags and releases are as before.",
        &[
            ("run", "its id; or `workflow`"),
            ("workflow", "the file's name: its latest run of the commit"),
            ("tags", "a regular expression: the tags, and their releases, that must be as before; all unless said"),
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
