//! Runs a run again and proves that this was idempotent: one attempt more, and number, commit, tags and releases
//! as they were.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;
use tokio::time::Instant;

use super::follow::{follow, judged, look};
use super::hub::{Hub, wait_of};
use super::record::{Before, Record, Stage, is_first, left_open};
use super::{Dispatch, Rerun, Stop, finding};
use crate::base::template::Template;
use crate::base::wire::Cause;
use crate::kind::check::github::{encoded, limited, meaning};
use crate::kind::exchange::status_words;
use crate::launch::verdict::{Finding, Verdict};

/// Names that a finding lists.
const TOLD: usize = 5;

fn unknown(why: impl Into<String>) -> Stop {
    Stop(Verdict::Unknown, why.into())
}

fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key).and_then(Value::as_u64)
}

impl Dispatch {
    pub(super) async fn again(&self, again: &Rerun, hub: &Hub<'_>) -> Result<Vec<Finding>, Stop> {
        // Of the first attempt it is known that nothing was asked for yet.
        let first = is_first(&hub.cx.dir);
        let unasked = |Stop(verdict, why): Stop| match first {
            true => Stop(Verdict::Fail, format!("nothing was run again: {why}")),
            false => Stop(verdict, why),
        };
        let run = which(again, hub).await.map_err(unasked)?;
        let mut record = Record::new(&hub.place.repo, &format!("run {run}"));
        let open = left_open(&hub.cx.dir, &record).map_err(unknown)?;
        let now = look(hub, run).await.map_err(unasked)?;
        let attempt = number(&now, "run_attempt").unwrap_or(1);
        record.run = Some(run);
        let mut asked = false;
        if let Some(before) = open.and_then(|open| open.before) {
            asked = attempt > before.attempt;
            let told = if asked { "it is followed, nothing is asked" } else { "it began none" };
            hub.cx.say(&format!("an earlier attempt asked for attempt {} of the run: {told}", before.attempt + 1));
            record.before = Some(before);
        }
        let before = match record.before.clone() {
            Some(before) => before,
            None => {
                let number = number(&now, "run_number").ok_or_else(|| unasked(unknown("the run has no number")))?;
                let (tags, releases) = made(hub, again.tags.as_ref()).await.map_err(unasked)?;
                Before { attempt, number, tags, releases }
            }
        };
        record.before = Some(before.clone());
        if !asked {
            if now.get("status").and_then(Value::as_str) != Some("completed") {
                return Err(unasked(unknown(format!("run {run} has not ended: it is not run again"))));
            }
            record.keep(&hub.cx.dir).map_err(|why| unknown(format!("nothing was asked: {why}")))?;
            self.ask_again(&mut record, run, before.attempt + 1, hub).await?;
        }
        record.stage = Stage::Asked;
        record.keep(&hub.cx.dir).unwrap_or_else(|why| hub.cx.say(&why));
        let ended = follow(hub, run, before.attempt + 1).await?;
        record.stage = Stage::Ended;
        record.conclusion = Some(ended.conclusion.clone());
        record.keep(&hub.cx.dir).unwrap_or_else(|why| hub.cx.say(&why));
        let (tags, releases) = made(hub, again.tags.as_ref()).await?;
        let mut all = judged(hub, run, &ended);
        let same = |subject: &str, wanted: u64, seen: u64| {
            Finding::held(subject, wanted.to_string(), seen.to_string(), wanted == seen)
        };
        all.push(same("attempt", before.attempt + 1, ended.attempt));
        all.push(same("run number", before.number, ended.number));
        all.push(unchanged("tags", &before.tags, &tags));
        let by_id = |all: &BTreeMap<u64, String>| -> BTreeMap<String, String> {
            all.iter().map(|(id, tag)| (format!("{tag} ({id})"), tag.clone())).collect()
        };
        all.push(unchanged("releases", &by_id(&before.releases), &by_id(&releases)));
        Ok(all)
    }

    /// Asks for one attempt more, once, and makes sure that it began.
    async fn ask_again(&self, record: &mut Record, run: u64, wanted: u64, hub: &Hub<'_>) -> Result<(), Stop> {
        let path = hub.place.of_repo(&format!("/actions/runs/{run}/rerun"));
        hub.cx.say(&format!("run {run} is done again, as its attempt {wanted}"));
        let mut refused = |verdict: Verdict, why: String| {
            record.stage = Stage::Refused;
            record.keep(&hub.cx.dir).unwrap_or_else(|why| hub.cx.say(&why));
            Err(Stop(verdict, format!("nothing was run again: {why}")))
        };
        let why = loop {
            match hub.send(hub.place.post(&path, None)).await {
                Ok(answer) if (200..300).contains(&answer.status) => break "it was accepted".to_owned(),
                Ok(answer) if answer.status >= 500 => break status_words(answer.status),
                Ok(answer) => {
                    if let Some(why) = limited(&answer) {
                        hub.cx.say(&format!("not run again: {why}"));
                        match hub.rest(wait_of(&answer)).await {
                            Ok(()) => continue,
                            Err(()) => return refused(Verdict::Unknown, why),
                        }
                    }
                    let (_, why) = meaning(&answer, hub.place.has_token());
                    return refused(Verdict::Fail, format!("{}{why}", status_words(answer.status)));
                }
                Err(
                    cause @ (Cause::NotResolved | Cause::NoRoute | Cause::Refused | Cause::Tls(_) | Cause::Ours(_)),
                ) => {
                    return refused(Verdict::of_silence(&cause, false), cause.words());
                }
                Err(cause) => break format!("whether it was accepted is not known ({})", cause.words()),
            }
        };
        let until = Instant::now() + self.search;
        loop {
            if number(&look(hub, run).await?, "run_attempt").unwrap_or(1) >= wanted {
                return Ok(());
            }
            if Instant::now() + hub.poll >= until || hub.rest(hub.poll).await.is_err() {
                let span = humantime::format_duration(self.search);
                return Err(unknown(format!("{why}, and no attempt {wanted} of run {run} was seen within {span}")));
            }
        }
    }
}

/// The run to do again.
async fn which(again: &Rerun, hub: &Hub<'_>) -> Result<u64, Stop> {
    let text = |template: &Template| template.text(&hub.cx.look.scope).map_err(|no| unknown(no.to_string()));
    if let Some(run) = &again.run {
        let run = text(run)?;
        return run.trim().parse().map_err(|_| unknown(format!("`{run}` is no run's id")));
    }
    let workflow = again.workflow.as_ref().map(text).transpose()?.unwrap_or_default();
    let query = format!("head_sha={}&per_page=100", encoded(&hub.commit));
    let path = hub.place.of_repo(&format!("/actions/workflows/{}/runs?{query}", encoded(&workflow)));
    let runs = hub.list(&path, Some("workflow_runs")).await?;
    let newest = runs.iter().max_by_key(|run| number(run, "run_number"));
    let run = newest.and_then(|run| number(run, "id"));
    run.ok_or_else(|| Stop(Verdict::Fail, format!("no run of {workflow} for {}: nothing to run again", hub.commit)))
}

type Made = (BTreeMap<String, String>, BTreeMap<u64, String>);

/// Tags and releases as they are.
async fn made(hub: &Hub<'_>, only: Option<&Regex>) -> Result<Made, Stop> {
    let concerns = |tag: &str| only.is_none_or(|only| only.is_match(tag));
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let tags = hub.list(&hub.place.of_repo("/tags?per_page=100"), None).await?;
    let releases = hub.list(&hub.place.of_repo("/releases?per_page=100"), None).await?;
    let tag = |tag: &Value| Some((text(tag, "/name")?, text(tag, "/commit/sha")?));
    let release = |release: &Value| Some((number(release, "id")?, text(release, "/tag_name")?));
    Ok((
        tags.iter().filter_map(tag).filter(|(name, _)| concerns(name)).collect(),
        releases.iter().filter_map(release).filter(|(_, tag)| concerns(tag)).collect(),
    ))
}

fn unchanged(subject: &str, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Finding {
    let expected = format!("as before: {}", before.len());
    let new = after.keys().filter(|name| !before.contains_key(*name)).map(|name| format!("{name} is new"));
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| format!("{name} is gone"));
    let moved = after.iter().filter(|(name, value)| before.get(*name).is_some_and(|was| was != *value));
    let moved = moved.map(|(name, _)| format!("{name} was moved"));
    let changes: Vec<String> = new.chain(gone).chain(moved).collect();
    match changes.as_slice() {
        [] => finding(Verdict::Pass, subject, &expected, "as before"),
        all => {
            finding(Verdict::Fail, subject, &expected, all.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", "))
        }
    }
}
