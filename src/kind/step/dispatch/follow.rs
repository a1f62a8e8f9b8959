//! Follows a run to its conclusion, saying what its jobs come to.

use std::collections::BTreeMap;

use serde_json::Value;

use super::hub::Hub;
use super::{Stop, finding};
use crate::launch::verdict::{Finding, Verdict};

/// Jobs whose end is told as a finding.
const JOBS: usize = 10;

/// A run that ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    pub conclusion: String,
    pub url: String,
    pub attempt: u64,
    pub number: u64,
    /// Name and conclusion of the jobs that did not succeed.
    pub failed: Vec<(String, String)>,
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// The run as it stands.
///
/// # Errors
/// It cannot be read, or is not of the launch's commit.
pub(super) async fn look(hub: &Hub<'_>, run: u64) -> Result<Value, Stop> {
    let path = hub.place.of_repo(&format!("/actions/runs/{run}"));
    let (json, _) = match hub.read(&path).await {
        // A run that was just begun is not known everywhere at once.
        Err(Stop(_, why)) if why.contains("404") => {
            hub.rest(hub.poll).await.map_err(|()| Stop(Verdict::Unknown, why))?;
            hub.read(&path).await?
        }
        read => read?,
    };
    let sha = text(&json, "head_sha");
    if !sha.eq_ignore_ascii_case(&hub.commit) {
        let told = if sha.is_empty() { "no commit" } else { sha };
        let (verdict, commit) = (if sha.is_empty() { Verdict::Unknown } else { Verdict::Fail }, &hub.commit);
        return Err(Stop(verdict, format!("run {run} is of {told}, not of {commit}: {}", text(&json, "html_url"))));
    }
    Ok(json)
}

/// Waits until attempt `least` of the run, or a later one, has ended.
///
/// # Errors
/// It cannot be read, is not of the launch's commit, or goes on when our time is up.
pub(super) async fn follow(hub: &Hub<'_>, run: u64, least: u64) -> Result<Ended, Stop> {
    let open = |stop: Stop| match stop {
        Stop(Verdict::Unknown, why) => Stop(Verdict::Unknown, format!("how run {run} ends is not known: {why}")),
        stop => stop,
    };
    let mut said = String::new();
    let mut jobs = BTreeMap::new();
    loop {
        let json = look(hub, run).await.map_err(open)?;
        let (status, url) = (text(&json, "status").to_owned(), text(&json, "html_url").to_owned());
        let attempt = number(&json, "run_attempt").max(1);
        if status != said {
            hub.cx.say(&format!("run {run} attempt {attempt}: {status} {url}"));
            said.clone_from(&status);
        }
        if attempt >= least {
            tell_jobs(hub, run, &mut jobs).await.map_err(open)?;
        }
        if status == "completed" && attempt >= least {
            let failed = |(name, state): (String, String)| (!is_fine(&state)).then_some((name, state));
            return Ok(Ended {
                conclusion: text(&json, "conclusion").to_owned(),
                url,
                attempt,
                number: number(&json, "run_number"),
                failed: jobs.into_iter().filter_map(failed).collect(),
            });
        }
        let going = || Stop(Verdict::Unknown, format!("it goes on, {status} {url}"));
        hub.rest(hub.poll).await.map_err(|()| open(going()))?;
    }
}

fn is_fine(state: &str) -> bool {
    matches!(state, "success" | "skipped" | "neutral")
}

/// Says each job whose state is another than it was.
async fn tell_jobs(hub: &Hub<'_>, run: u64, known: &mut BTreeMap<String, String>) -> Result<(), Stop> {
    let path = hub.place.of_repo(&format!("/actions/runs/{run}/jobs?filter=latest&per_page=100"));
    for job in hub.list(&path, Some("jobs")).await? {
        let state = match text(&job, "conclusion") {
            "" => text(&job, "status"),
            conclusion => conclusion,
        };
        let name = text(&job, "name").to_owned();
        if known.get(&name).is_none_or(|before| before != state) {
            hub.cx.say(&format!("job {name}: {state}"));
            known.insert(name, state.to_owned());
        }
    }
    Ok(())
}

/// What a run that ended comes to.
pub(super) fn judged(hub: &Hub<'_>, run: u64, ended: &Ended) -> Vec<Finding> {
    let verdict = match ended.conclusion.as_str() {
        "success" => Verdict::Pass,
        "skipped" => Verdict::Skipped,
        "neutral" => Verdict::Warn,
        "" => Verdict::Unknown,
        _ => Verdict::Fail,
    };
    let conclusion = if ended.conclusion.is_empty() { "none" } else { &ended.conclusion };
    let mut all = vec![finding(verdict, "conclusion", "success", format!("{conclusion}, run {run}, {}", ended.url))];
    all.push(Finding::held("commit", &hub.commit, &hub.commit, true));
    // Of a run that succeeded, a job that failed was allowed to.
    let failed = if verdict == Verdict::Pass { Verdict::Warn } else { Verdict::Fail };
    let told = ended.failed.iter().take(JOBS);
    all.extend(told.map(|(name, state)| finding(failed, &format!("job {name}"), "success", state.as_str())));
    all
}
