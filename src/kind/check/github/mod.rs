//! The `github` check: what GitHub says of a run, a tag, tags, a release, a commit, a token or a workflow file.
//! It only reads. One question an item; where it takes several requests (pages, an annotated tag, statuses and
//! check runs), each answer says what is asked next. A list that was not read to its end proves nothing.

mod ask;
mod audit;
mod example;
mod expression;
mod judge;
mod place;
mod table;
#[cfg(test)]
mod tests;
mod yaml;

use std::time::Duration;

use regex::Regex;
use tokio::time::Instant;

use super::http::control_answers;
use super::{Answered, Check, Context, Ran, Route, Seen, Session};
use crate::base::jq::Jq;
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::base::wire::Cause;
use crate::kind::Kind;
use crate::kind::exchange::{exchange, fit};
use crate::launch::verdict::{Report, Verdict};

pub(crate) use judge::{items, parsed};
pub(crate) use place::{Place, Repo, encoded, is_commit, limited, meaning};

/// The table of a `github` check.
#[derive(Debug, Clone)]
pub struct Github {
    pub(crate) repo: Repo,
    /// The launch's commit, whole.
    pub(crate) commit: Option<Template>,
    pub(crate) question: Question,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    Run(Run),
    /// It is there once, and stands for the commit.
    Tag(Template),
    Tags(Tags),
    Release(Release),
    /// Statuses and check runs of the commit. These names must be among them.
    Status(Vec<String>),
    /// What the token may do, at least.
    Permissions(&'static str),
    Workflow(Template, audit::Audit),
}

/// One run by its id, or the latest of a workflow.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub id: Option<Template>,
    pub workflow: Option<Template>,
    pub branch: Option<Template>,
    pub event: Option<String>,
}

/// Tags that count up.
#[derive(Debug, Clone)]
pub(crate) struct Tags {
    /// One group: the number.
    pub pattern: Regex,
    /// A tag, or a number, that the newest must be above.
    pub above: Option<Template>,
}

#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub tag: Template,
    pub draft: bool,
    pub prerelease: Option<bool>,
}

/// Roles on a repository, each with all that those before it may.
pub(crate) const ROLES: [&str; 5] = ["pull", "triage", "push", "maintain", "admin"];

impl Check for Github {
    const KIND: Kind = Kind {
        name: "github",
        family: "check",
        line: "asks GitHub about one thing of a repository: a run, a tag, tags that count up, a release, a commit's \
               statuses and checks, what the token may, or when a workflow runs by itself",
        example: concat!(
            "repo = \"owner/name\"\n",
            "commit = \"0123456789abcdef0123456789abcdef01234567\"\n",
            "tag = \"v1.0.42\"\n",
        ),
    };

    const TOLD: &'static [&'static str] = &["status", "headers", "json", "body"];

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        table::words(self, scope)
    }

    async fn run(&self, cx: &Context) -> Ran {
        let started = Instant::now();
        let scope = cx.values();
        let mut seen = Seen { answers: Vec::new(), control_answers: false };
        let mut shown = None;
        match self.asked(&scope) {
            Ok(asked) => {
                while let Some((part, path)) = asked.next(&seen.answers) {
                    let request = asked.place.get(&path);
                    let left = cx.timeout.saturating_sub(started.elapsed());
                    let answer = cx.client.send(request.clone(), left).await;
                    shown = Some(exchange(&request, answer.as_ref(), &cx.redactor));
                    let answer = answer.map(|http| super::Answer { http, ..super::Answer::default() });
                    seen.answers.push((ask::label(part, &path), answer));
                }
            }
            Err(why) => seen.answers.push((self.repo.repo.written(), Err(Cause::Ours(why)))),
        }
        let silent = matches!(seen.answers.last(), Some((_, Err(Cause::NotResolved | Cause::NoRoute))));
        seen.control_answers = silent && control_answers(cx).await;
        let mut report = self.judge(&seen, &scope, &cx.jq).await;
        report.took = started.elapsed();
        report.exchange = shown;
        Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
    }

    async fn judge(&self, seen: &Seen, scope: &Scope, _jq: &Jq) -> Report {
        match self.asked(scope) {
            Ok(asked) => Report::of(judge::findings(self, &asked, seen), judge::took(seen)),
            Err(why) => Report::plain(Verdict::Unknown, why, Duration::ZERO),
        }
    }

    fn derive(&self, scope: &Scope) -> Result<Answered, String> {
        example::good(self, &self.asked(scope)?)
    }

    fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        example::seen(self, example, scope)
    }

    fn routes(&self, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
        let scope = session.map_or_else(|| scope.clone(), |session| scope.with(&session.scope()));
        good.iter().flat_map(|good| example::routes(self, good, &scope)).collect()
    }
}
