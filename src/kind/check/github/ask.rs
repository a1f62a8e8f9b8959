//! Which request comes next, from the answers there are: pages of a list, what an annotated tag stands for,
//! check runs after statuses. Pure; it sends nothing.

use serde_json::Value;

use super::place::{Place, encoded};
use super::{Github, Question};
use crate::base::template::{Scope, Template};
use crate::base::wire::Cause;
use crate::kind::check::Answer;

/// Pages of one list that are read: 100 entries each.
pub(super) const PAGES: usize = 50;
/// Annotated tags that stand for another.
const PEELED: usize = 5;

/// Answers so far, in order.
pub(super) type Answers = [(String, Result<Answer, Cause>)];

/// What an answer is about. Its word is the key of an example's `json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Run,
    Runs,
    Refs,
    TagObject,
    Tags,
    Releases,
    Status,
    CheckRuns,
    Repo,
    Workflow,
}

impl Part {
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Runs => "runs",
            Self::Refs => "refs",
            Self::TagObject => "tag",
            Self::Tags => "tags",
            Self::Releases => "releases",
            Self::Status => "status",
            Self::CheckRuns => "check_runs",
            Self::Repo => "repo",
            Self::Workflow => "workflow",
        }
    }

    fn has_pages(self) -> bool {
        matches!(self, Self::Tags | Self::Releases | Self::Status | Self::CheckRuns)
    }

    /// Whether an answer so called is about this.
    pub fn is_of(self, label: &str) -> bool {
        label.split(' ').next() == Some(self.word())
    }
}

pub(super) fn label(part: Part, path: &str) -> String {
    format!("{} {path}", part.word())
}

/// A question with its values.
pub(super) struct Asked<'a> {
    pub place: Place,
    question: &'a Question,
    /// Empty where the plan names none.
    pub commit: String,
    /// The run's id, the tag, the workflow's file: what the question is about.
    pub name: String,
    pub branch: Option<String>,
    pub above: Option<String>,
}

impl Github {
    /// # Errors
    /// What has no value, or is not what it should be, as a sentence.
    pub(super) fn asked(&self, scope: &Scope) -> Result<Asked<'_>, String> {
        let text = |template: &Template| template.text(scope).map_err(|unbound| unbound.to_string());
        let maybe = |template: Option<&Template>| template.map(text).transpose();
        let (mut name, mut branch, mut above) = (None, None, None);
        match &self.question {
            Question::Run(run) => {
                name = run.id.as_ref().or(run.workflow.as_ref());
                branch = run.branch.as_ref();
            }
            Question::Tag(tag) => name = Some(tag),
            Question::Tags(tags) => above = tags.above.as_ref(),
            Question::Release(release) => name = Some(&release.tag),
            Question::Workflow(file, _) => name = Some(file),
            Question::Status(_) | Question::Permissions(_) => {}
        }
        Ok(Asked {
            place: self.repo.place(scope)?,
            question: &self.question,
            commit: maybe(self.commit.as_ref())?.unwrap_or_default(),
            name: maybe(name)?.unwrap_or_default(),
            branch: maybe(branch)?,
            above: maybe(above)?,
        })
    }
}

impl Asked<'_> {
    /// The next request: what it is about, and its path. None where all was asked, or an answer leads nowhere.
    pub fn next(&self, answers: &Answers) -> Option<(Part, String)> {
        let Some((label, answer)) = answers.last() else { return Some(self.first()) };
        let http = answer.as_ref().ok().map(|answer| &answer.http).filter(|http| http.status == 200)?;
        let part = [Part::Tags, Part::Releases, Part::Status, Part::CheckRuns, Part::Refs, Part::TagObject];
        let part = part.into_iter().find(|part| part.is_of(label))?;
        if part.has_pages()
            && let Ok(Some(path)) = self.place.next(&http.headers)
        {
            let asked = answers.iter().filter(|(label, _)| part.is_of(label)).count();
            return (asked < PAGES).then_some((part, path));
        }
        match part {
            Part::Status => Some((Part::CheckRuns, self.of_commit("check-runs?filter=latest&per_page=100"))),
            Part::Refs | Part::TagObject => {
                let json = serde_json::from_slice::<Value>(&http.body).ok()?;
                let object = match part {
                    Part::Refs => exact(&json, &self.name)?.get("object")?,
                    _ => json.get("object")?,
                };
                let peeled = answers.iter().filter(|(label, _)| Part::TagObject.is_of(label)).count();
                let sha =
                    object.get("sha").and_then(Value::as_str).filter(|_| object.get("type") == Some(&"tag".into()))?;
                let path = self.place.of_repo(&format!("/git/tags/{}", encoded(sha)));
                (peeled < PEELED).then_some((Part::TagObject, path))
            }
            _ => None,
        }
    }

    fn first(&self) -> (Part, String) {
        let name = encoded(&self.name);
        let (part, path) = match self.question {
            Question::Run(run) if run.id.is_some() => (Part::Run, format!("/actions/runs/{name}")),
            Question::Run(run) => {
                let mut path = format!("/actions/workflows/{name}/runs?per_page=20");
                for (key, value) in [("branch", self.branch.as_deref()), ("event", run.event.as_deref())] {
                    path.extend(value.map(|value| format!("&{key}={}", encoded(value))));
                }
                (Part::Runs, path)
            }
            Question::Tag(_) => (Part::Refs, format!("/git/matching-refs/tags/{name}")),
            Question::Tags(_) => (Part::Tags, "/tags?per_page=100".to_owned()),
            Question::Release(_) => (Part::Releases, "/releases?per_page=100".to_owned()),
            Question::Status(_) => return (Part::Status, self.of_commit("status?per_page=100")),
            Question::Permissions(_) => (Part::Repo, String::new()),
            Question::Workflow(..) => {
                let path = if self.name.contains('/') { name } else { format!(".github/workflows/{name}") };
                (Part::Workflow, format!("/contents/{path}?ref={}", encoded(&self.commit)))
            }
        };
        (part, self.place.of_repo(&path))
    }

    fn of_commit(&self, what: &str) -> String {
        self.place.of_repo(&format!("/commits/{}/{what}", encoded(&self.commit)))
    }
}

/// The one ref of a list that is the tag itself, not one that only begins like it.
pub(super) fn exact<'a>(refs: &'a Value, tag: &str) -> Option<&'a Value> {
    let name = format!("refs/tags/{tag}");
    refs.as_array()?.iter().find(|one| one.get("ref").and_then(Value::as_str) == Some(&name))
}
