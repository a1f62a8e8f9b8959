//! The verdict on what GitHub answered: one finding an expectation. Pure; the same for the wire and for examples.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::Value;

use super::ask::{Asked, PAGES, Part, exact};
use super::audit::Audit;
use super::place::{Place, is_commit, path_of, trouble};
use super::table::bare;
use super::{Github, Question, ROLES, Release, Run, Tags};
use crate::kind::check::Seen;
use crate::kind::check::http::{header_values, members};
use crate::launch::verdict::{Finding, Verdict};

/// Names that a finding lists.
const TOLD: usize = 5;

pub(super) fn took(seen: &Seen) -> Duration {
    seen.answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).map(|answer| answer.http.took).sum()
}

pub(super) fn findings(github: &Github, asked: &Asked<'_>, seen: &Seen) -> Vec<Finding> {
    if github.commit.is_some() && !is_commit(&asked.commit) {
        let commit = if asked.commit.is_empty() { "nothing" } else { &asked.commit };
        return vec![Finding::unknown("commit", "a whole commit id", format!("`{commit}`"))];
    }
    let judged = match &github.question {
        Question::Run(run) => self::run(run, asked, seen),
        Question::Tag(_) => tag(asked, seen),
        Question::Tags(tags) => self::tags(tags, asked, seen),
        Question::Release(release) => self::release(release, asked, seen),
        Question::Status(required) => status(required, asked, seen),
        Question::Permissions(role) => permissions(role, asked, seen),
        Question::Workflow(_, audit) => workflow(audit, asked, seen),
    };
    judged.unwrap_or_else(|finding| vec![finding])
}

/// Every page of one part, read.
fn pages(part: Part, place: &Place, seen: &Seen) -> Result<Vec<Value>, Finding> {
    let mut all = Vec::new();
    let mut headers = None;
    for (label, answer) in seen.answers.iter().filter(|(label, _)| part.is_of(label)) {
        let path = label.split_once(' ').map_or("", |(_, path)| path);
        match answer {
            Ok(answer) => {
                if let Some(finding) = trouble(&answer.http, path, place.has_token()) {
                    return Err(finding);
                }
                all.push(parsed(&answer.http.body).map_err(|why| Finding::unknown(path_of(path), "JSON", why))?);
                headers = Some(&answer.http.headers);
            }
            Err(cause) => {
                let verdict = Verdict::of_silence(cause, seen.control_answers);
                return Err(Finding { verdict, ..Finding::unknown(path_of(path), "200", cause.words()) });
            }
        }
    }
    let Some(headers) = headers else {
        // What stopped it before is what there is to say.
        let cause = seen.answers.iter().find_map(|(label, answer)| Some((label, answer.as_ref().err()?)));
        let (label, cause) = cause.map_or(("", "not asked".to_owned()), |(label, cause)| (label, cause.words()));
        let verdict = Verdict::Unknown;
        return Err(Finding { verdict, ..Finding::unknown(label.trim(), "200", cause) });
    };
    // Of the runs the newest are asked for alone, and they stand first.
    let whole = if part == Part::Runs { None } else { unfinished(place, headers, all.len()) };
    whole.map_or(Ok(all), Err)
}

/// A list that goes on where it was not read.
fn unfinished(place: &Place, headers: &HeaderMap, pages: usize) -> Option<Finding> {
    match place.next(headers) {
        Ok(None) => None,
        Ok(Some(_)) if pages >= PAGES => {
            Some(Finding::unknown("pages", "the whole list", format!("more than {PAGES}")))
        }
        Ok(Some(_)) => Some(Finding::unknown("pages", "the whole list", "a page that was not read")),
        Err(why) => Some(Finding::unknown("pages", "the whole list", why)),
    }
}

/// # Errors
/// Why it is no JSON.
pub(crate) fn parsed(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|why| format!("unparsable JSON: {why}"))
}

/// The entries of a list, over its pages: each page is one, or holds one under `key`.
///
/// # Errors
/// A finding that some page has none.
pub(crate) fn items(pages: &[Value], key: Option<&str>) -> Result<Vec<Value>, Finding> {
    let mut all = Vec::new();
    for page in pages {
        let list = key.map_or(Some(page), |key| page.get(key)).and_then(Value::as_array);
        let subject = key.unwrap_or("the answer");
        all.extend(list.ok_or_else(|| Finding::unknown(subject, "a list", "none"))?.iter().cloned());
    }
    Ok(all)
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// A text that must be just so, in any case where it is a commit.
fn same(subject: &str, expected: &str, value: &Value, pointer: &str) -> Finding {
    match value.pointer(pointer) {
        Some(Value::String(seen)) => {
            let equal = if is_commit(expected) { seen.eq_ignore_ascii_case(expected) } else { seen == expected };
            Finding::held(subject, expected, seen, equal)
        }
        other => Finding::unknown(subject, expected, other.map_or("absent".to_owned(), Value::to_string)),
    }
}

fn flag(subject: &str, expected: bool, value: &Value, key: &str) -> Finding {
    match value.get(key) {
        Some(Value::Bool(seen)) => Finding::held(subject, expected.to_string(), seen.to_string(), *seen == expected),
        other => Finding::unknown(subject, expected.to_string(), other.map_or("absent".to_owned(), Value::to_string)),
    }
}

fn run(run: &Run, asked: &Asked<'_>, seen: &Seen) -> Result<Vec<Finding>, Finding> {
    let found = match &run.id {
        Some(_) => pages(Part::Run, &asked.place, seen)?.into_iter().next().unwrap_or_default(),
        None => {
            let runs = items(&pages(Part::Runs, &asked.place, seen)?, Some("workflow_runs"))?;
            // The newest stands first; numbers say it surely.
            let newest = runs.into_iter().max_by_key(|run| run.get("run_number").and_then(Value::as_u64));
            newest.ok_or_else(|| Finding::held("run", format!("of {}", asked.name), "no run", false))?
        }
    };
    let mut all = vec![conclusion(&found), same("commit", &asked.commit, &found, "/head_sha")];
    all.extend(run.event.as_deref().map(|event| same("event", event, &found, "/event")));
    all.extend(asked.branch.as_deref().map(|branch| same("branch", branch, &found, "/head_branch")));
    Ok(all)
}

/// The conclusion of a run. One that goes on has none.
fn conclusion(run: &Value) -> Finding {
    let (subject, expected) = ("conclusion", "success");
    let place = text(run, "/html_url").map(|url| format!(", {url}")).unwrap_or_default();
    match (text(run, "/status"), run.get("conclusion")) {
        (Some("completed"), Some(Value::String(seen))) => {
            let verdict = match seen.as_str() {
                "success" => Verdict::Pass,
                "skipped" => Verdict::Skipped,
                "neutral" => Verdict::Warn,
                _ => Verdict::Fail,
            };
            Finding { verdict, ..Finding::unknown(subject, expected, format!("{seen}{place}")) }
        }
        (Some(status), _) if status != "completed" => {
            Finding::unknown(subject, expected, format!("not ended: {status}{place}"))
        }
        _ => Finding::unknown(subject, expected, "no status"),
    }
}

fn tag(asked: &Asked<'_>, seen: &Seen) -> Result<Vec<Finding>, Finding> {
    let subject = format!("tag {}", asked.name);
    let refs = pages(Part::Refs, &asked.place, seen)?.into_iter().next().unwrap_or_default();
    let list = refs.as_array().ok_or_else(|| Finding::unknown(&subject, "a list of refs", "none"))?;
    let name = format!("refs/tags/{}", asked.name);
    let named = |exactly: bool| {
        let same = |one: &&Value| match text(one, "/ref") {
            Some(other) if exactly => other == name,
            Some(other) => other != name && other.eq_ignore_ascii_case(&name),
            None => false,
        };
        list.iter().filter(same).count()
    };
    let (there, alike) = (named(true), named(false));
    let seen_words = match (there, alike) {
        (0, _) => "not there".to_owned(),
        (1, 0) => "there once".to_owned(),
        (1, _) => format!("{alike} more in other letters"),
        (many, _) => format!("there {many} times"),
    };
    let once = Finding::held(subject, "there once", seen_words, there == 1 && alike == 0);
    let Some(found) = exact(&refs, &asked.name) else {
        let commit = Finding::held("commit", &asked.commit, "no tag", false);
        return Ok(vec![once, commit]);
    };
    // An annotated tag is an object of its own, which stands for the commit.
    let objects = seen.answers.iter().any(|(label, _)| Part::TagObject.is_of(label));
    let peeled = if objects { pages(Part::TagObject, &asked.place, seen)? } else { Vec::new() };
    let last = peeled.last().unwrap_or(found);
    let commit = match text(last, "/object/type") {
        Some("commit") => same("commit", &asked.commit, last, "/object/sha"),
        Some("tag") => Finding::unknown("commit", &asked.commit, "a tag of a tag that was not followed to its end"),
        Some(other) => Finding::held("commit", &asked.commit, format!("the tag stands for a {other}"), false),
        None => Finding::unknown("commit", &asked.commit, "no word on what the tag stands for"),
    };
    Ok(vec![once, commit])
}

/// The number of a tag.
fn number(tags: &Tags, name: &str) -> Option<u64> {
    tags.pattern.captures(name)?.get(1)?.as_str().parse().ok()
}

fn tags(tags: &Tags, asked: &Asked<'_>, seen: &Seen) -> Result<Vec<Finding>, Finding> {
    let list = items(&pages(Part::Tags, &asked.place, seen)?, None)?;
    let mut by_number: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for tag in &list {
        if let Some(number) = text(tag, "/name").and_then(|name| number(tags, name)) {
            by_number.entry(number).or_default().push(tag);
        }
    }
    let names = |tags: &mut dyn Iterator<Item = &Value>| {
        let names: Vec<&str> = tags.filter_map(|tag| text(tag, "/name")).take(TOLD).collect();
        names.join(", ")
    };
    let subject = format!("tags {}", bare(&tags.pattern));
    let Some((newest, newest_tags)) = by_number.last_key_value() else {
        let none = |subject: &str, expected: &str| Finding::held(subject, expected, "no such tag", false);
        let mut all = vec![none(&subject, "each number once")];
        all.extend(asked.above.as_deref().map(|above| none("newest", &format!("above {above}"))));
        if !asked.commit.is_empty() {
            all.extend([none("newest stands for", &asked.commit), none("tags of the commit", "one")]);
        }
        return Ok(all);
    };
    let twice = by_number.values().find(|tags| tags.len() > 1);
    let told = twice.map_or_else(
        || format!("{} tags, the newest {}", by_number.len(), names(&mut newest_tags.iter().copied())),
        |tags| names(&mut tags.iter().copied()),
    );
    let mut all = vec![Finding::held(subject, "each number once", told, twice.is_none())];
    let newest_names = names(&mut newest_tags.iter().copied());
    if let Some(above) = &asked.above {
        let before = number(tags, above).or_else(|| above.parse().ok());
        let expected = format!("above {above}");
        all.push(match before {
            Some(before) => Finding::held("newest", expected, &newest_names, *newest > before),
            None => Finding::unknown("newest", expected, format!("`{above}` is neither such a tag nor a number")),
        });
    }
    if !asked.commit.is_empty() {
        all.push(match newest_tags.first() {
            Some(tag) => same("newest stands for", &asked.commit, tag, "/commit/sha"),
            None => Finding::unknown("newest stands for", &asked.commit, "nothing"),
        });
        let of_commit =
            |tag: &&&Value| text(tag, "/commit/sha").is_some_and(|sha| sha.eq_ignore_ascii_case(&asked.commit));
        let here: Vec<&Value> = by_number.values().flatten().filter(of_commit).copied().collect();
        let told = if here.is_empty() { "none".to_owned() } else { names(&mut here.iter().copied()) };
        all.push(Finding::held("tags of the commit", "one", told, here.len() == 1));
    }
    Ok(all)
}

fn release(release: &Release, asked: &Asked<'_>, seen: &Seen) -> Result<Vec<Finding>, Finding> {
    let list = items(&pages(Part::Releases, &asked.place, seen)?, None)?;
    let of_tag: Vec<&Value> = list.iter().filter(|one| text(one, "/tag_name") == Some(&asked.name)).collect();
    let told = match of_tag.as_slice() {
        [] => format!("none among {}", list.len()),
        [one] => text(one, "/html_url").unwrap_or("one").to_owned(),
        many => format!("{} releases", many.len()),
    };
    let subject = format!("releases of {}", asked.name);
    let mut all = vec![Finding::held(subject, "one", told, of_tag.len() == 1)];
    if let [one] = of_tag.as_slice() {
        all.push(flag("draft", release.draft, one, "draft"));
        all.extend(release.prerelease.map(|wanted| flag("prerelease", wanted, one, "prerelease")));
    }
    Ok(all)
}

/// How one status or check run stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Light {
    Green,
    /// Skipped, or neutral: no objection, and no proof.
    Pale,
    Waiting,
    Red,
}

fn status(required: &[String], asked: &Asked<'_>, seen: &Seen) -> Result<Vec<Finding>, Finding> {
    let combined = pages(Part::Status, &asked.place, seen)?;
    let runs = items(&pages(Part::CheckRuns, &asked.place, seen)?, Some("check_runs"))?;
    let mut lights: Vec<(String, Light, String)> = Vec::new();
    for status in items(&combined, Some("statuses"))? {
        let state = text(&status, "/state").unwrap_or("no state").to_owned();
        let light = match state.as_str() {
            "success" => Light::Green,
            "pending" => Light::Waiting,
            _ => Light::Red,
        };
        lights.push((text(&status, "/context").unwrap_or_default().to_owned(), light, state));
    }
    for run in &runs {
        let ended = text(run, "/status") == Some("completed");
        let state = text(run, if ended { "/conclusion" } else { "/status" }).unwrap_or("no conclusion").to_owned();
        let light = match (ended, state.as_str()) {
            (false, _) => Light::Waiting,
            (true, "success") => Light::Green,
            (true, "neutral" | "skipped") => Light::Pale,
            (true, _) => Light::Red,
        };
        lights.push((text(run, "/name").unwrap_or_default().to_owned(), light, state));
    }
    let mut all: Vec<Finding> =
        combined.iter().take(1).map(|page| same("commit", &asked.commit, page, "/sha")).collect();
    all.push(green("statuses and checks", &lights.iter().collect::<Vec<_>>()));
    all.extend(required.iter().map(|name| {
        let of_name: Vec<_> = lights.iter().filter(|(known, ..)| known == name).collect();
        green(&format!("check {name}"), &of_name)
    }));
    Ok(all)
}

fn green(subject: &str, lights: &[&(String, Light, String)]) -> Finding {
    let which = |wanted: Light| {
        let those = lights.iter().filter(|(_, light, _)| *light == wanted);
        let told: Vec<String> = those.map(|(name, _, state)| format!("{name} {state}")).collect();
        let more = told.len().saturating_sub(TOLD);
        let listed = told.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
        let listed = if more > 0 { format!("{listed} and {more} more") } else { listed };
        (!told.is_empty()).then_some(listed)
    };
    let greens = lights.iter().filter(|(_, light, _)| *light == Light::Green).count();
    let (verdict, seen) = match (which(Light::Red), which(Light::Waiting)) {
        (Some(red), _) => (Verdict::Fail, red),
        (None, Some(waiting)) => (Verdict::Unknown, waiting),
        _ if lights.is_empty() => (Verdict::Unknown, "nothing was reported".to_owned()),
        _ if greens == 0 => (Verdict::Skipped, which(Light::Pale).unwrap_or_default()),
        _ => (Verdict::Pass, format!("{greens} of {} green", lights.len())),
    };
    Finding { verdict, ..Finding::unknown(subject, "green", seen) }
}

fn permissions(role: &str, asked: &Asked<'_>, seen: &Seen) -> Result<Vec<Finding>, Finding> {
    let subject = "role of the token";
    let answer = seen.answers.first().and_then(|(_, answer)| answer.as_ref().ok()).map(|answer| &answer.http);
    // Here it is the answer to the question: a token that is not accepted, or sees nothing, may nothing.
    if let Some(answer) = answer.filter(|answer| matches!(answer.status, 401 | 404)) {
        let finding = trouble(answer, &asked.place.repo, asked.place.has_token());
        return Ok(finding.into_iter().map(|finding| Finding { verdict: Verdict::Fail, ..finding }).collect());
    }
    let repo = pages(Part::Repo, &asked.place, seen)?.into_iter().next().unwrap_or_default();
    let Some(permissions) = repo.get("permissions").and_then(Value::as_object) else {
        let why = "no `permissions` in the answer: an app's token has no role, and the API does not tell what it may";
        return Ok(vec![Finding::unknown(subject, role, why)]);
    };
    let has = |role: &str| permissions.get(role) == Some(&Value::Bool(true));
    let highest = ROLES.into_iter().rev().find(|role| has(role)).unwrap_or("none");
    let mut all = vec![Finding::held(subject, role, highest, has(role))];
    let scopes = answer
        .map(|answer| (header_values(&answer.headers, "x-oauth-scopes"), members(&answer.headers, "x-oauth-scopes")));
    let open = repo.get("private") == Some(&Value::Bool(false));
    let wanted = if open { "repo or public_repo" } else { "repo" };
    all.push(match scopes {
        Some((lines, scopes)) if !lines.is_empty() => {
            let enough = scopes.iter().any(|scope| scope == "repo" || open && scope == "public_repo");
            let told = if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") };
            Finding::held("scopes of the token", wanted, told, enough || role == "pull" && open)
        }
        _ => {
            let why = "not told: what a fine-grained token may, the API does not say; its owner has the role";
            Finding { verdict: Verdict::Warn, ..Finding::unknown("scopes of the token", wanted, why) }
        }
    });
    Ok(all)
}

fn workflow(audit: &Audit, asked: &Asked<'_>, seen: &Seen) -> Result<Vec<Finding>, Finding> {
    let file = pages(Part::Workflow, &asked.place, seen)?.into_iter().next().unwrap_or_default();
    let unknown = |why: &str| Finding::unknown(asked.name.clone(), "the file's text", why);
    if text(&file, "/encoding") != Some("base64") {
        return Err(unknown("not a file, or too large to be told"));
    }
    let content = text(&file, "/content").ok_or_else(|| unknown("no content"))?;
    let packed: String = content.split_whitespace().collect();
    let bytes = STANDARD.decode(packed).map_err(|_| unknown("content that is no base64"))?;
    let content = String::from_utf8(bytes).map_err(|_| unknown("no text"))?;
    Ok(audit.judge(&content))
}
