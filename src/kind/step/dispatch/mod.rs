//! The `dispatch` step: starts a workflow on GitHub, finds the run that this began, and follows it to its
//! conclusion; or runs a run again and proves that nothing but its attempt is new. What was asked for is on disk
//! before it is asked: a request whose answer never came is searched for, never sent again blindly.

mod begin;
mod find;
mod follow;
mod hub;
mod record;
mod rerun;
#[cfg(test)]
mod tests;

use std::time::Duration;

use regex::Regex;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::{Acting, Step};
use crate::base::source::Diagnostic;
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::kind::Kind;
use crate::kind::check::github::{Repo, is_commit};
use crate::launch::verdict::{Finding, Report, Verdict};

use hub::Hub;
use record::Record;

/// The table of a `dispatch` step.
#[derive(Debug, Clone)]
pub struct Dispatch {
    repo: Repo,
    /// The launch's commit, whole: what the run must be of.
    commit: Template,
    work: Work,
    /// How long a run is looked for after it was asked for.
    search: Duration,
    /// Between two looks.
    poll: Duration,
    /// Whether a cancel of the step cancels the run.
    cancel_run: bool,
}

#[derive(Debug, Clone)]
enum Work {
    Start(Start),
    Rerun(Rerun),
}

/// A workflow to start.
#[derive(Debug, Clone)]
struct Start {
    workflow: Template,
    /// A branch or a tag.
    reference: Template,
    inputs: Vec<(String, Template)>,
    /// The input whose value the workflow shows in its run's name.
    nonce_input: Option<String>,
}

/// A run to do again: by its id, or the latest of a workflow for the commit.
#[derive(Debug, Clone)]
struct Rerun {
    run: Option<Template>,
    workflow: Option<Template>,
    /// The tags and releases that must stay as they were; all where none is said.
    tags: Option<Regex>,
}

/// Inputs that GitHub takes.
const INPUTS: usize = 25;
const SEARCH: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_secs(10);
/// Before the shim's own end, so that what is known is still told.
const MARGIN: Duration = Duration::from_secs(5);

/// Why the work ended before its end: a verdict and a sentence.
#[derive(Debug, Clone, PartialEq)]
struct Stop(Verdict, String);

impl Step for Dispatch {
    const KIND: Kind = Kind {
        name: "dispatch",
        family: "step",
        line: "starts a workflow on GitHub, finds its run, and follows it to its conclusion; or runs a run again and \
               proves that it made no other tag",
        example: concat!(
            "repo = \"owner/name\"\n",
            "commit = \"0123456789abcdef0123456789abcdef01234567\"\n",
            "workflow = \"release-tag.yml\"\n",
            "ref = \"main\"\n",
            "nonce_input = \"launch_nonce\"\n",
        ),
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        let repo = Repo::read(table);
        let commit = table.need_template("commit", "`commit = \"{{ commit }}\"`: the launch's, whole");
        if let Some(commit) = commit.as_ref().filter(|commit| commit.names().next().is_none())
            && !is_commit(&commit.written())
        {
            table.wrong_value(commit.span, "a commit is compared whole: 40 hexadecimal digits, or 64");
        }
        let span = |key: &'static str, otherwise: Duration| {
            let read = table.duration(key);
            if read == Some(Duration::ZERO) {
                table.wrong_value(table.span, format!("`{key}` must be more than nothing"));
            }
            read.unwrap_or(otherwise)
        };
        let (search, poll) = (span("search", SEARCH), span("poll", POLL));
        let cancel_run = table.flag("cancel_run").unwrap_or(false);
        let start = start(table);
        let rerun = table.table("rerun").map(rerun);
        let work = match (start, rerun) {
            (start, None) => Work::Start(start?),
            (_, Some(again)) => {
                let started = ["workflow", "ref", "inputs", "nonce_input"];
                let keys = table.keys();
                for (key, span) in keys.iter().filter(|(key, _)| started.contains(key)) {
                    table.wrong_value(*span, format!("`{key}` has no effect beside `rerun`"));
                }
                Work::Rerun(again?)
            }
        };
        Some(Self { repo: repo?, commit: commit?, work, search, poll, cancel_run })
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        let text = |template: &Template| match template.text(scope) {
            Ok(text) if !template.is_secret(scope) => text,
            _ => template.written(),
        };
        let commit = text(&self.commit);
        let mut lines = match &self.work {
            Work::Start(start) => vec![format!("one run of {} on {}", text(&start.workflow), text(&start.reference))],
            Work::Rerun(again) => {
                let which = again.run.as_ref().or(again.workflow.as_ref()).map(text).unwrap_or_default();
                vec![format!("one attempt more of {which}"), "no other tag and no other release".to_owned()]
            }
        };
        lines.push(format!("it ends in success, for commit {commit}"));
        lines
    }

    fn changes(&self) -> Option<String> {
        Some("each time it starts a run".to_owned())
    }

    async fn act(&self, cx: &Acting) -> Report {
        let started = Instant::now();
        let mut report = match self.hub(cx) {
            Ok(hub) => {
                let work = self.work(&hub);
                if self.cancel_run {
                    tokio::select! {
                        report = work => report,
                        report = self.cancelled(&hub) => report,
                    }
                } else {
                    work.await
                }
            }
            Err(why) => Report::plain(Verdict::Unknown, format!("nothing was asked: {why}"), Duration::ZERO),
        };
        report.took = started.elapsed();
        report
    }
}

fn start(table: &Table<'_>) -> Option<Start> {
    let rerun = table.has("rerun");
    let need = |key: &'static str, what: &str| {
        if rerun { table.template(key) } else { table.need_template(key, what) }
    };
    let workflow = need("workflow", "`workflow = \"release.yml\"`, or `rerun`");
    let reference = need("ref", "`ref = \"main\"`: a branch or a tag");
    let inputs = table.named_templates("inputs");
    let nonce_input = table.text("nonce_input");
    if let Some(nonce) = &nonce_input
        && let Some((given, _)) = inputs.iter().find(|(name, _)| name.value == nonce.value)
    {
        table.wrong_value(given.span, format!("`{}` is filled in by the step itself", nonce.value));
    }
    if nonce_input.is_none() && !rerun {
        let message = "without `nonce_input` a run is found only where the API itself says which it began";
        let wrong = Diagnostic::warning("no-nonce", table.span, message);
        let help = "give the workflow an input that its `run-name` shows, and name it: `nonce_input = \"nonce\"`";
        table.notes().report(wrong.help(help));
    }
    if inputs.len() + usize::from(nonce_input.is_some()) > INPUTS {
        table.wrong_value(table.span, format!("more than {INPUTS} inputs"));
    }
    let inputs = inputs.into_iter().map(|(name, value)| (name.value, value)).collect();
    Some(Start { workflow: workflow?, reference: reference?, inputs, nonce_input: nonce_input.map(|text| text.value) })
}

fn rerun(table: Table<'_>) -> Option<Rerun> {
    let (run, workflow) = (table.template("run"), table.template("workflow"));
    match (&run, &workflow) {
        (None, None) => table.missing("run", "`run = \"{{ run_id }}\"`, or `workflow` for its latest of the commit"),
        (Some(_), Some(workflow)) => table.wrong_value(workflow.span, "`run` names the run already"),
        _ => {}
    }
    let tags = table.text("tags").and_then(|text| match Regex::new(&format!("^(?:{})$", text.value)) {
        Ok(tags) => Some(tags),
        Err(_) => {
            table.wrong_value(text.span, "no regular expression");
            None
        }
    });
    table.finish();
    (run.is_some() != workflow.is_some()).then_some(Rerun { run, workflow, tags })
}

impl Dispatch {
    fn hub<'a>(&self, cx: &'a Acting) -> Result<Hub<'a>, String> {
        let scope = &cx.look.scope;
        let commit = self.commit.text(scope).map_err(|unbound| unbound.to_string())?;
        if !is_commit(&commit) {
            return Err(format!("`{commit}` is no whole commit id"));
        }
        let left = cx.look.timeout.saturating_sub(MARGIN.min(cx.look.timeout / 10));
        Ok(Hub { cx, place: self.repo.place(scope)?, commit, until: Instant::now() + left, poll: self.poll })
    }

    async fn work(&self, hub: &Hub<'_>) -> Report {
        let done = match &self.work {
            Work::Start(start) => self.begin(start, hub).await,
            Work::Rerun(again) => self.again(again, hub).await,
        };
        match done {
            Ok(findings) => Report::of(findings, Duration::ZERO),
            Err(Stop(verdict, why)) => Report::plain(verdict, why, Duration::ZERO),
        }
    }

    /// Waits for TERM, then cancels the run, as far as it is known.
    async fn cancelled(&self, hub: &Hub<'_>) -> Report {
        match signal(SignalKind::terminate()) {
            Ok(mut term) => {
                term.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
        let run = Record::read(&hub.cx.dir).ok().flatten().and_then(|record| record.run);
        let told = match run {
            Some(run) => hub.cancel(run).await,
            None => "cancelled before its run was known: look whether one began".to_owned(),
        };
        hub.cx.say(&told);
        Report::plain(Verdict::Unknown, told, Duration::ZERO)
    }
}

/// A finding whose verdict is `verdict`.
fn finding(verdict: Verdict, subject: &str, expected: &str, seen: impl Into<String>) -> Finding {
    Finding { verdict, ..Finding::unknown(subject, expected, seen) }
}
