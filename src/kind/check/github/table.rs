//! Reads the `github` table, with every mistake at its place, and says its expectations in words.

use regex::Regex;

use super::audit::Audit;
use super::place::is_commit;
use super::{Github, Question, ROLES, Release, Repo, Run, Tags};
use crate::base::source::Diagnostic;
use crate::base::table::Table;
use crate::base::template::{Scope, Template};

/// Keys that say what is asked, and whether that takes the commit.
const QUESTIONS: [(&str, Commit); 7] = [
    ("run", Commit::Needed),
    ("tag", Commit::Needed),
    ("tags", Commit::Read),
    ("release", Commit::Useless),
    ("status", Commit::Needed),
    ("permissions", Commit::Useless),
    ("workflow", Commit::Needed),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Commit {
    Needed,
    Read,
    Useless,
}

pub(super) fn read(table: &Table<'_>) -> Option<Github> {
    let repo = Repo::read(table);
    let commit = table.template("commit");
    if let Some(commit) = commit.as_ref().filter(|commit| commit.names().next().is_none())
        && !is_commit(&commit.written())
    {
        table.wrong_value(commit.span, "a commit is compared whole: 40 hexadecimal digits, or 64");
    }
    let there = QUESTIONS.map(|(key, takes)| (key, takes, table.has(key)));
    let mut there = there.into_iter().filter(|(.., there)| *there);
    let Some((key, takes, _)) = there.next() else {
        table.missing(
            "tag",
            "what is asked: one of `run`, `tag`, `tags`, `release`, `status`, `permissions`, `workflow`",
        );
        return None;
    };
    for (other, ..) in there {
        let span = table.keys().into_iter().find(|(name, _)| *name == other).map_or(table.span, |(_, span)| span);
        let wrong = Diagnostic::error("wrong-value", span, format!("{} has both `{key}` and `{other}`", table.path));
        table.notes().report(wrong.label("one question an item"));
    }
    match (takes, &commit) {
        (Commit::Needed, None) => table.missing("commit", "`commit = \"{{ commit }}\"`: the launch's, whole"),
        (Commit::Useless, Some(commit)) => {
            table.wrong_value(commit.span, format!("`commit` has no effect beside `{key}`"));
        }
        _ => {}
    }
    let question = match key {
        "run" => table.table("run").and_then(run),
        "tag" => table.template("tag").map(Question::Tag),
        "tags" => table.table("tags").and_then(tags),
        "release" => table.table("release").and_then(release),
        "status" => table.table("status").map(|table| {
            let required = table.texts("require").into_iter().map(|name| name.value).collect();
            table.finish();
            Question::Status(required)
        }),
        "permissions" => table.word("permissions", &ROLES.map(|role| (role, role))).map(Question::Permissions),
        _ => workflow(table),
    };
    let needed = takes != Commit::Needed || commit.is_some();
    Some(Github { repo: repo?, commit, question: question.filter(|_| needed)? })
}

fn run(table: Table<'_>) -> Option<Question> {
    let read = Run {
        id: table.template("id"),
        workflow: table.template("workflow"),
        branch: table.template("branch"),
        event: table.text("event").map(|event| event.value),
    };
    match (&read.id, &read.workflow) {
        (None, None) => table.missing("id", "`id = \"{{ run_id }}\"`, or `workflow = \"release.yml\"` for its latest"),
        (Some(_), Some(workflow)) => table.wrong_value(workflow.span, "`id` names the run already"),
        _ => {}
    }
    table.finish();
    (read.id.is_some() != read.workflow.is_some()).then_some(Question::Run(read))
}

fn tags(table: Table<'_>) -> Option<Question> {
    let pattern = table.need_text("pattern", "`pattern = 'v1\\.0\\.(\\d+)'`");
    let pattern = pattern.and_then(|text| match Regex::new(&format!("^(?:{})$", text.value)) {
        Ok(pattern) if pattern.captures_len() == 2 => Some(pattern),
        Ok(_) => {
            table.wrong_value(text.span, "one group must hold the number: `'v1\\.0\\.(\\d+)'`");
            None
        }
        Err(why) => {
            let why = why.to_string();
            let last = why.lines().last().unwrap_or_default().to_owned();
            table.wrong_value(text.span, format!("no regular expression: {last}"));
            None
        }
    });
    let above = table.template("above");
    table.finish();
    Some(Question::Tags(Tags { pattern: pattern?, above }))
}

fn release(table: Table<'_>) -> Option<Question> {
    let tag = table.need_template("tag", "`tag = \"v1.0.42\"`");
    let (draft, prerelease) = (table.flag("draft").unwrap_or(false), table.flag("prerelease"));
    table.finish();
    Some(Question::Release(Release { tag: tag?, draft, prerelease }))
}

fn workflow(table: &Table<'_>) -> Option<Question> {
    let file = table.template("workflow");
    if !table.has("audit") {
        table.missing("audit", "`audit = { triggers_only = [\"workflow_dispatch\"] }`");
    }
    let audit = table.table("audit").map(|table| {
        let audit = Audit::read(&table);
        table.finish();
        audit
    });
    Some(Question::Workflow(file?, audit?))
}

pub(super) fn words(github: &Github, scope: &Scope) -> Vec<String> {
    let text = |template: &Template| match template.text(scope) {
        Ok(text) if !template.is_secret(scope) => text,
        _ => template.written(),
    };
    let commit = github.commit.as_ref().map(text).unwrap_or_default();
    match &github.question {
        Question::Run(run) => {
            let what = match (&run.id, &run.workflow) {
                (Some(id), _) => format!("run {}", text(id)),
                (None, workflow) => format!("the latest run of {}", workflow.as_ref().map(text).unwrap_or_default()),
            };
            let mut lines = vec![format!("{what} ended in success"), format!("for commit {commit}")];
            lines.extend(run.event.as_ref().map(|event| format!("begun by {event}")));
            lines.extend(run.branch.as_ref().map(|branch| format!("on branch {}", text(branch))));
            lines
        }
        Question::Tag(tag) => {
            vec![format!("tag {} is there once", text(tag)), format!("it stands for commit {commit}")]
        }
        Question::Tags(tags) => {
            let mut lines = vec![format!("tags {} have each number once", bare(&tags.pattern))];
            lines.extend(tags.above.as_ref().map(|above| format!("the newest is above {}", text(above))));
            if github.commit.is_some() {
                lines.push(format!("the newest stands for commit {commit}, and no other does"));
            }
            lines
        }
        Question::Release(release) => vec![format!("one release of tag {}", text(&release.tag))],
        Question::Status(required) if required.is_empty() => vec![format!("statuses and checks of {commit} are green")],
        Question::Status(required) => {
            vec![format!("statuses and checks of {commit} are green, {} among them", required.join(", "))]
        }
        Question::Permissions(role) => vec![format!("the token may {role}")],
        Question::Workflow(_, audit) => audit.words(),
    }
}

/// The pattern as the plan writes it.
pub(super) fn bare(pattern: &Regex) -> &str {
    pattern.as_str().strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$")).unwrap_or(pattern.as_str())
}
