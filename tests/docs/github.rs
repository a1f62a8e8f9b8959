//! The words of docs/plan.md for `github` and `dispatch`.

use super::format::{Section, section};

pub const GITHUB: &[Section] = &[
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
];
