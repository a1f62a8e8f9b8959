//! Finds the run that a dispatch began, by the nonce in its name.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;
use tokio::time::Instant;

use super::Stop;
use super::hub::Hub;
use crate::kind::check::github::encoded;
use crate::launch::verdict::Verdict;

/// Between our asking and a run's creation, as far as clocks of one service may differ.
const SLACK: i64 = 300;

/// A run as a list tells it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub id: u64,
    pub url: String,
}

/// The runs whose name holds the nonce, now.
///
/// # Errors
/// The list could not be read.
pub(super) async fn named(hub: &Hub<'_>, workflow: &str, nonce: &str, since: Option<i64>) -> Result<Vec<Found>, Stop> {
    let mut path = format!("/actions/workflows/{}/runs?event=workflow_dispatch&per_page=100", encoded(workflow));
    let since = since.and_then(|at| DateTime::from_timestamp(at - SLACK, 0));
    if let Some(since) = since {
        path.push_str(&format!(
            "&created={}",
            encoded(&format!(">={}", since.to_rfc3339_opts(SecondsFormat::Secs, true)))
        ));
    }
    let runs = hub.list(&hub.place.of_repo(&path), Some("workflow_runs")).await?;
    let holds = |run: &&Value, key: &str| run.get(key).and_then(Value::as_str).is_some_and(|name| name.contains(nonce));
    let mine = runs.iter().filter(|run| holds(run, "display_title") || holds(run, "name"));
    let mut found: Vec<Found> = mine.filter_map(of).collect();
    found.sort_by_key(|run| run.id);
    found.dedup_by_key(|run| run.id);
    Ok(found)
}

pub(super) fn of(run: &Value) -> Option<Found> {
    let url = run.get("html_url").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Found { id: run.get("id")?.as_u64()?, url })
}

/// Looks for the run until `search` has gone by; none where there is none.
///
/// # Errors
/// The list could not be read, or there are two.
pub(super) async fn search(
    hub: &Hub<'_>,
    workflow: &str,
    nonce: &str,
    since: Option<i64>,
    search: Duration,
) -> Result<Option<Found>, Stop> {
    let until = Instant::now() + search;
    loop {
        let found = named(hub, workflow, nonce, since).await?;
        match found.as_slice() {
            [] => {}
            [one] => return Ok(Some(one.clone())),
            many => return Err(two(nonce, many)),
        }
        if Instant::now() + hub.poll >= until {
            return Ok(None);
        }
        // Not looked for long enough to say that there is none.
        hub.rest(hub.poll).await.map_err(|()| {
            let why = format!("our time was up before {nonce} was looked for long enough: nothing more was started");
            Stop(Verdict::Unknown, why)
        })?;
    }
}

/// What it means that one dispatch made several runs.
pub(super) fn two(nonce: &str, many: &[Found]) -> Stop {
    let urls: Vec<&str> = many.iter().map(|run| run.url.as_str()).take(5).collect();
    Stop(Verdict::Fail, format!("{} runs carry {nonce}: {}", many.len(), urls.join(", ")))
}
