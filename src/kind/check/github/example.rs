//! The examples of a `github` check: a good one where its expectations are plain, what would be seen of one, and
//! the routes of the simulated target. `json` holds a document for each thing asked, by its word (`run`, `refs`,
//! `status`); of a workflow the example is the file's text, as `body`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::ask::{Asked, Part, label};
use super::audit;
use super::place::{marked, unmarked};
use super::{Github, Question, ROLES};
use crate::base::template::{Scope, Shape, Template};
use crate::base::wire::Cause;
use crate::kind::check::http::answer;
use crate::kind::check::{Answer, Answered, Route, Seen};

/// Requests of one check: more than any question takes.
const MOST: usize = 200;

pub(super) fn good(github: &Github, asked: &Asked<'_>) -> Result<Answered, String> {
    let Asked { commit, name, .. } = asked;
    let mut good = Answered { status: Some(200), ..Answered::default() };
    let json = match &github.question {
        Question::Run(run) => {
            let mut one = json!({ "status": "completed", "conclusion": "success", "head_sha": commit });
            let event = run.event.as_deref();
            for (key, value) in [("event", event), ("head_branch", asked.branch.as_deref())] {
                if let (Some(value), Value::Object(one)) = (value, &mut one) {
                    one.insert(key.to_owned(), value.into());
                }
            }
            match &run.id {
                Some(_) => json!({ "run": one }),
                None => json!({ "runs": { "workflow_runs": [one] } }),
            }
        }
        Question::Tag(_) => {
            let object = json!({ "type": "commit", "sha": commit });
            json!({ "refs": [{ "ref": format!("refs/tags/{name}"), "object": object }] })
        }
        Question::Tags(_) => return Err("which tag comes next is not plain: write an example".to_owned()),
        Question::Release(release) => {
            let prerelease = release.prerelease.unwrap_or(false);
            json!({ "releases": [{ "tag_name": name, "draft": release.draft, "prerelease": prerelease }] })
        }
        Question::Status(required) => {
            let names = if required.is_empty() { vec!["ci".to_owned()] } else { required.clone() };
            let run = |name: &String| json!({ "name": name, "status": "completed", "conclusion": "success" });
            let runs: Vec<Value> = names.iter().map(run).collect();
            json!({ "status": { "sha": commit, "statuses": [] }, "check_runs": { "check_runs": runs } })
        }
        Question::Permissions(role) => {
            good.headers.push(("X-OAuth-Scopes".to_owned(), "repo, workflow".to_owned()));
            let upto = ROLES.iter().position(|known| known == role).unwrap_or(0);
            let may: serde_json::Map<String, Value> =
                ROLES.iter().enumerate().map(|(at, role)| ((*role).to_owned(), (at <= upto).into())).collect();
            json!({ "repo": { "private": true, "permissions": may } })
        }
        Question::Workflow(_, expected) => {
            good.body = Some(audit::example(expected));
            return Ok(good);
        }
    };
    good.json = Some(Shape::Plain(json));
    Ok(good)
}

/// The answer to one request, as the example tells it.
fn told(example: &Answered, part: Part) -> Answered {
    let status = example.status.unwrap_or(200);
    let mut one = Answered { json: None, body: None, status: Some(status), ..example.clone() };
    if status != 200 {
        return Answered { json: example.json.clone(), body: example.body.clone(), ..one };
    }
    let document = match &example.json {
        Some(Shape::Table(entries)) => {
            entries.iter().find(|(key, _)| key == part.word()).map(|(_, shape)| shape.clone())
        }
        Some(Shape::Plain(json)) => json.get(part.word()).cloned().map(Shape::Plain),
        _ => None,
    };
    one.json = document.or_else(|| match part {
        Part::Status => Some(Shape::Plain(json!({ "statuses": [] }))),
        Part::CheckRuns => Some(Shape::Plain(json!({ "check_runs": [] }))),
        Part::Workflow => {
            let text = example.body.as_deref()?;
            Some(Shape::Plain(json!({ "encoding": "base64", "content": STANDARD.encode(text) })))
        }
        _ => None,
    });
    if one.json.is_none() {
        one.status = Some(404);
    }
    one
}

/// Each request with the example's answer to it.
fn walk(github: &Github, example: &Answered, scope: &Scope) -> Vec<(Part, String, Answered, Result<Answer, Cause>)> {
    let Ok(asked) = github.asked(scope) else { return Vec::new() };
    let mut all = Vec::new();
    let mut answers = Vec::new();
    while let Some((part, path)) = asked.next(&answers).filter(|_| answers.len() < MOST) {
        let one = told(example, part);
        let seen = answer(&one, one.status.unwrap_or(200), scope);
        answers.push((label(part, &path), seen.clone()));
        all.push((part, asked.place.url(&path), one, seen));
    }
    all
}

/// `scope` with a value for each name that has none yet.
fn filled(github: &Github, scope: &Scope, value: impl Fn(&str) -> String) -> (Scope, Vec<String>) {
    let mut scope = scope.clone();
    let mut names = Vec::new();
    for template in github.templates() {
        for name in template.names() {
            if scope.get(name).is_err() {
                scope.bind(name, Value::String(value(name)));
                names.push(name.to_owned());
            }
        }
    }
    (scope, names)
}

pub(super) fn seen(github: &Github, example: &Answered, scope: &Scope) -> Seen {
    let (scope, _) = filled(github, scope, |name| format!("tok-{name}-1"));
    let asked = github.asked(&scope).map(|_| ());
    let mut answers: Vec<_> =
        walk(github, example, &scope).into_iter().map(|(part, url, _, answer)| (label(part, &url), answer)).collect();
    if let (Err(why), true) = (asked, answers.is_empty()) {
        answers.push((github.repo.repo.written(), Err(Cause::Ours(why))));
    }
    Seen { answers, control_answers: false }
}

pub(super) fn routes(github: &Github, example: &Answered, scope: &Scope) -> Vec<Route> {
    let (scope, names) = filled(github, scope, marked);
    let route = |(_, url, answer, _): (Part, String, Answered, Result<Answer, Cause>)| Route {
        method: "GET".to_owned(),
        url: unmarked(&url, &names),
        headers: Vec::new(),
        answer,
        captures: Vec::new(),
        row: None,
        denied: false,
        stream: false,
    };
    walk(github, example, &scope).into_iter().map(route).collect()
}

impl Github {
    /// Every text of the table that may hold a name.
    fn templates(&self) -> Vec<&Template> {
        let mut all = vec![&self.repo.api, &self.repo.repo];
        all.extend(&self.repo.token);
        all.extend(&self.commit);
        match &self.question {
            Question::Run(run) => all.extend(run.id.iter().chain(&run.workflow).chain(&run.branch)),
            Question::Tag(tag) => all.push(tag),
            Question::Tags(tags) => all.extend(&tags.above),
            Question::Release(release) => all.push(&release.tag),
            Question::Workflow(file, _) => all.push(file),
            Question::Status(_) | Question::Permissions(_) => {}
        }
        all
    }
}
