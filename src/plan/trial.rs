//! A check is tested before it is trusted: its good examples must pass, its bad ones must give the verdict
//! they name, and every expectation must be one that some wrong answer makes fail: what can at most become
//! unknown has never said no. Examples of different items that contradict each other are told. Nothing here
//! touches a wire.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::reader::Place;
use super::{Loaded, examples, mutations, processes, trial_sources};
use crate::base::jq::{Jq, Program};
use crate::base::source::{Diagnostic, Span};
use crate::base::template::{Scope, Shape};
use crate::kind::check::sse::{Pattern, Received};
use crate::kind::check::{self, Seen};
use crate::kind::example::Answered;
use crate::kind::session::Session;
use crate::kind::{Entry, Spec};
use crate::launch::id::SessionId;
use crate::launch::verdict::{Finding, Outcome, Report, Verdict};

/// Values captured by what came before, as the good examples give them.
#[derive(Default)]
struct Captured {
    sessions: BTreeMap<SessionId, Scope>,
    baseline: Scope,
}

/// Tries every check of a plan on its examples; errors and warnings as they were found.
pub(super) async fn all(loaded: &Loaded, jq: &Jq) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut captured = Captured::default();
    let mut told = Vec::new();
    for (entry, place) in loaded.catalogue.entries.iter().zip(&loaded.places) {
        // The first of a for_each stands for all: they differ in one value.
        if let (Spec::Check(check), false) = (&entry.spec, place.repeats) {
            let scope = loaded.catalogue.handed.with(&captured.scope(entry));
            let good = one(check, entry, place, &scope, jq, &mut found).await;
            if let Some(good) = good {
                captured.keep(check, entry, place, &good, &scope, jq).await;
            }
            tell(check, entry, place, loaded, &mut told);
        }
        if let Spec::Signal(asked) = &entry.spec {
            let session = None;
            let routes = asked.routes(&entry.examples.good, session, &entry.scope);
            told.extend(routes.into_iter().map(|route| Told::of(route, place)));
        }
        if let (Spec::Step(step), false) = (&entry.spec, place.repeats) {
            let scope = loaded.catalogue.handed.with(&captured.scope(entry));
            match step.asks() {
                Some(check) => {
                    one(&check, entry, place, &scope, jq, &mut found).await;
                }
                None => found.extend(exits(step.exits(), entry, place)),
            }
            found.extend(processes::tried(step, entry, place));
            for ((check, scope), inside) in step.checks(&scope).into_iter().zip(&place.inside) {
                let alone = Entry { examples: inside.examples.clone(), session: None, ..Entry::clone(entry) };
                let place = Place { span: inside.span, called: inside.called.clone(), ..Place::default() };
                one(&check, &alone, &place, &scope, jq, &mut found).await;
            }
        }
    }
    found.extend(trial_sources::all(loaded, jq).await);
    found.extend(contradictions(&told));
    found
}

impl Captured {
    fn scope(&self, entry: &Entry) -> Scope {
        let session = entry.session.as_ref().and_then(|session| self.sessions.get(session));
        let scope = self.baseline.with(&entry.scope);
        session.map_or_else(|| scope.clone(), |session| scope.with(session))
    }

    async fn keep(&mut self, check: &check::Spec, entry: &Entry, place: &Place, good: &Seen, scope: &Scope, jq: &Jq) {
        let told = check.captured(good, scope, jq).await;
        let body = good.answers.first().and_then(|(_, answer)| answer.as_ref().ok());
        let json = body.and_then(|answer| serde_json::from_slice::<Value>(&answer.http.body).ok()).unwrap_or_default();
        for (name, _, program) in &place.captures {
            let told = told.iter().find(|(told, _)| told == name).map(|(_, value)| value.clone());
            let value = match program.as_deref().map(Program::parse) {
                _ if told.is_some() => told,
                Some(Ok(program)) => jq.value(&program, &json, scope).await.ok(),
                _ => None,
            };
            let value = value.unwrap_or_else(|| Value::String(format!("tok-{name}-1")));
            match &entry.session {
                Some(session) => self.sessions.entry(session.clone()).or_default().bind(name.as_str(), value),
                None if entry.owner.as_str().starts_with("baseline.") => self.baseline.bind(name.as_str(), value),
                None => {}
            }
        }
    }
}

/// Tries one check; answers its first good example as seen.
async fn one(
    check: &check::Spec,
    entry: &Entry,
    place: &Place,
    scope: &Scope,
    jq: &Jq,
    found: &mut Vec<Diagnostic>,
) -> Option<Seen> {
    let goods = match entry.examples.good.is_empty() {
        false => entry.examples.good.clone(),
        true => match check.derive(scope) {
            Ok(derived) => vec![Answered { span: place.span, ..derived }],
            Err(why) => {
                let message = format!("{} cannot be tried: no good example: {why}", place.called);
                let wrong = Diagnostic::warning("no-example", place.span, message);
                found.push(
                    wrong.help("write an `example` with `good = { … }`, so that it is tried before it is trusted"),
                );
                return None;
            }
        },
    };
    if let Some(program) = untold(check, scope) {
        let message =
            format!("{} cannot be tried: `{program}` of its `meanwhile` is no plain comparison", place.called);
        let wrong = Diagnostic::warning("no-example", place.span, message);
        found.push(wrong.help("an example has no place for that answer: split the program into plain comparisons"));
        return None;
    }
    let mut first = None;
    let mut expectations: Vec<Finding> = Vec::new();
    for good in &goods {
        let seen = check.seen(good, scope);
        let report = check.judge(&seen, scope, jq).await;
        if report.verdict == Verdict::Pass {
            expectations.extend(report.findings);
            first.get_or_insert(seen);
        } else {
            found.push(not_passed(place, good, &report, entry.examples.good.is_empty()));
        }
    }
    let first = first?;
    let mut open = Open::of(&expectations);
    for (bad, gives) in &entry.examples.bad {
        let report = check.judge(&check.seen(bad, scope), scope, jq).await;
        open.strike(&report);
        if report.verdict != *gives {
            let message = format!("a bad example of {} comes to {}, not {gives}", place.called, report.verdict);
            found.push(Diagnostic::error("wrong-example", bad.span, message).label(report.summary));
        }
    }
    let unwanted = unwanted(check, scope);
    for wrong in mutations::of(&first, &expectations, &unwanted) {
        if open.left.is_empty() {
            break;
        }
        open.strike(&check.judge(&wrong, scope, jq).await);
    }
    found.extend(open.told(place));
    Some(first)
}

/// Row, subject and what is expected of it.
type Expectation = (String, String, String);

fn expectation(finding: &Finding) -> Option<Expectation> {
    // Browsers let these methods through unlisted: what is said of them cannot be wrong, nor left out.
    let safelisted = || ["covers GET", "covers HEAD", "covers POST"].contains(&finding.expected.as_str());
    if finding.subject.starts_with("capture ") || finding.row.is_some() && safelisted() {
        return None;
    }
    Some((finding.row.clone().unwrap_or_default(), finding.subject.clone(), finding.expected.clone()))
}

/// The expectations that no answer made fail so far.
struct Open {
    left: BTreeSet<Expectation>,
    /// Those that at least became unknown.
    unclear: BTreeSet<Expectation>,
}

impl Open {
    fn of(findings: &[Finding]) -> Self {
        Self { left: findings.iter().filter_map(expectation).collect(), unclear: BTreeSet::new() }
    }

    fn strike(&mut self, report: &Report) {
        for finding in &report.findings {
            let Some(expectation) = expectation(finding) else { continue };
            match finding.verdict {
                Verdict::Pass => {}
                // What is too old, or was not done, said no as well: no gate opens on it.
                Verdict::Fail | Verdict::Stale | Verdict::Skipped => {
                    self.left.remove(&expectation);
                }
                _ => {
                    self.unclear.insert(expectation);
                }
            }
        }
    }

    fn told(self, place: &Place) -> Vec<Diagnostic> {
        let Self { left, unclear } = self;
        let told = |left: Expectation| {
            let (row, subject, expected) = &left;
            let of_row = if row.is_empty() { String::new() } else { format!(" of the row {row}") };
            let what = format!("`{subject}` ({expected}){of_row}");
            let help = "compare with what a right answer says, or show a `bad` example that makes it fail";
            let wrong = if unclear.contains(&left) {
                let message = format!("{} can become unknown but never fail by {what}", place.called);
                Diagnostic::warning("never-fails", place.span, message).label("never says no")
            } else {
                let message = format!("{} cannot fail: no wrong answer breaks {what}", place.called);
                Diagnostic::warning("vacuous-check", place.span, message).label("holds whatever is answered")
            };
            wrong.help(help)
        };
        left.into_iter().map(told).collect()
    }
}

/// A program on the answer to `meanwhile` for which no answer can be made up.
fn untold<'a>(check: &'a check::Spec, scope: &Scope) -> Option<&'a str> {
    let check::Spec::Sse(sse) = check else { return None };
    let programs = &sse.meanwhile.as_ref()?.json;
    programs.iter().find(|program| program.satisfied_by(scope).is_none()).map(|program| program.text.as_str())
}

/// Events that must never come, as far as one follows from its pattern.
fn unwanted(check: &check::Spec, scope: &Scope) -> Vec<Received> {
    let check::Spec::Sse(sse) = check else { return Vec::new() };
    let event = |pattern: &Pattern| {
        let data = match (&pattern.data, &pattern.json) {
            (Some(data), _) => data.clone(),
            (None, Some(program)) => {
                let (path, value) = program.satisfied_by(scope)?;
                let inside = |value, key: &Value| match key {
                    Value::String(key) => Some(serde_json::json!({ key.as_str(): value })),
                    Value::Number(at) if at.as_u64() == Some(0) => Some(serde_json::json!([value])),
                    _ => None,
                };
                path.iter().rev().try_fold(value, inside)?.to_string()
            }
            (None, None) => "{}".to_owned(),
        };
        let event = pattern.event.clone().unwrap_or_else(|| "message".to_owned());
        Some(Received { event, data, ..Received::default() })
    };
    sse.expect.never.iter().filter_map(event).collect()
}

/// Holds a step's examples to its exit codes. Nothing is run.
fn exits(map: &[(i32, Verdict)], entry: &Entry, place: &Place) -> Vec<Diagnostic> {
    let ended = |exit: i32| {
        let outcome = Outcome { exit: Some(exit), simulated: true, ..Outcome::default() };
        outcome.verdict(map)
    };
    // What a target without a word on it exits with, as in a rehearsal.
    let exit_of = |example: &Answered| example.exit.unwrap_or(0);
    let good = entry.examples.good.iter().map(|example| (example, Verdict::Pass, "good"));
    let bad = entry.examples.bad.iter().map(|(example, gives)| (example, *gives, "bad"));
    let mut found = Vec::new();
    for (example, wanted, which) in good.chain(bad) {
        let verdict = ended(exit_of(example));
        if verdict != wanted {
            let message = format!("a {which} example of {} comes to {verdict}, not {wanted}", place.called);
            let wrong = Diagnostic::error("wrong-example", example.span, message);
            found.push(wrong.label(format!("exit {}", exit_of(example))));
        }
    }
    let meant = entry.examples.good.iter().any(|example| example.exit == Some(1));
    if ended(1) == Verdict::Pass && !meant {
        let message = format!("{} passes on exit 1, with which most commands say that they failed", place.called);
        let wrong = Diagnostic::warning("vacuous-check", place.span, message).label("`exit` maps 1 to pass");
        found.push(wrong.help("where that is right, show it: `good = [{ exit = 0 }, { exit = 1 }]`"));
    }
    found
}

fn not_passed(place: &Place, good: &Answered, report: &Report, derived: bool) -> Diagnostic {
    let whose = if derived { "the example that follows from its expectations" } else { "its good example" };
    let message = format!("{} comes to {} on {whose}", place.called, report.verdict);
    Diagnostic::error("wrong-example", good.span, message).label(report.summary.as_str())
}

/// A written answer, for its request in one state.
struct Told {
    request: String,
    state: String,
    answer: Answered,
    called: String,
    span: Span,
}

fn tell(check: &check::Spec, entry: &Entry, place: &Place, loaded: &Loaded, told: &mut Vec<Told>) {
    if entry.examples.good.is_empty() {
        return;
    }
    let plan = entry.session.as_ref().and_then(|session| loaded.catalogue.sessions.get(session));
    let session = plan.cloned().map(Session::new);
    for route in check.routes(&entry.examples, session.as_ref(), &entry.scope) {
        told.push(Told::of(route, place));
    }
}

impl Told {
    fn of(route: check::Route, place: &Place) -> Self {
        let mut headers = route.headers.clone();
        headers.sort();
        Self {
            request: format!("{} {} {headers:?}", route.method, route.url),
            state: examples::state(&route.answer.when),
            span: route.answer.span,
            answer: route.answer,
            called: place.called.clone(),
        }
    }
}

fn contradictions(told: &[Told]) -> Vec<Diagnostic> {
    let mut by_request: BTreeMap<(&str, &str), Vec<&Told>> = BTreeMap::new();
    for one in told.iter().filter(|one| one.span != Span::default()) {
        by_request.entry((&one.request, &one.state)).or_default().push(one);
    }
    let mut found = Vec::new();
    for same in by_request.values() {
        for (at, later) in same.iter().enumerate() {
            let clash = same[..at].iter().find_map(|first| Some((first, differ(&first.answer, &later.answer)?)));
            if let Some((first, what)) = clash {
                let state = if later.state.is_empty() { String::new() } else { format!(" while {}", later.state) };
                let message =
                    format!("{} and {} tell different answers to one request{state}", first.called, later.called);
                let wrong = Diagnostic::error("contradicting-examples", later.span, message);
                let wrong = wrong.label(format!("differs in {what}")).also(first.span, "the other answer");
                found.push(wrong.help("say which state each belongs to: `when = { … }`, and what `sets` it"));
            }
        }
    }
    found
}

/// In what two answers contradict each other; what one leaves out the other may say.
fn differ(a: &Answered, b: &Answered) -> Option<String> {
    if a.status.unwrap_or(200) != b.status.unwrap_or(200) {
        return Some("its status".to_owned());
    }
    if matches!((&a.body, &b.body), (Some(a), Some(b)) if a != b) {
        return Some("its body".to_owned());
    }
    let names = |answer: &Answered| answer.events.iter().map(|told| told.event.clone()).collect::<Vec<_>>();
    if !a.events.is_empty() && !b.events.is_empty() && names(a) != names(b) {
        return Some("its events".to_owned());
    }
    let (a, b) = (a.json.as_ref()?, b.json.as_ref()?);
    clash(&loose(a), &loose(b), "").map(|at| format!("`{at}`"))
}

/// The JSON of an example, null where a name stands whose value is not known yet.
fn loose(shape: &Shape) -> Value {
    match shape {
        Shape::Plain(value) => value.clone(),
        Shape::Text(template) if template.names().next().is_none() => Value::String(template.written()),
        Shape::Text(_) => Value::Null,
        Shape::List(shapes) => shapes.iter().map(loose).collect(),
        Shape::Table(entries) => entries.iter().map(|(key, shape)| (key.clone(), loose(shape))).collect(),
    }
}

fn clash(a: &Value, b: &Value, at: &str) -> Option<String> {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Object(a), Value::Object(b)) => {
            a.iter().find_map(|(key, value)| clash(value, b.get(key)?, &format!("{at}.{key}")))
        }
        (a, b) if a == b => None,
        _ => Some(if at.is_empty() { ".".to_owned() } else { at.to_owned() }),
    }
}
