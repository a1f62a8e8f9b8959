//! How a step talks to GitHub: patiently where only reading, until its time is up, honouring limits; once where
//! it changes something. It judges nothing but whether an answer may be used.

use std::time::Duration;

use chrono::DateTime;
use http::HeaderMap;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Acting, Stop};
use crate::base::wire::{Answer, Cause, Request};
use crate::kind::check::github::{Place, items, limited, meaning, parsed};
use crate::kind::exchange::status_words;
use crate::launch::verdict::Verdict;

/// Of one request.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where a limit says no time: as GitHub asks for.
const UNSAID: Duration = Duration::from_secs(60);
/// Pages of one list, 100 entries each.
const PAGES: usize = 50;

pub(super) struct Hub<'a> {
    pub cx: &'a Acting,
    pub place: Place,
    /// The launch's, whole.
    pub commit: String,
    pub until: Instant,
    pub poll: Duration,
}

impl Hub<'_> {
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    pub async fn send(&self, request: Request) -> Result<Answer, Cause> {
        self.cx.look.client.send(request, PATIENCE.min(self.left())).await
    }

    /// Reads `path`, again and again while GitHub is silent, broken or limits us.
    ///
    /// # Errors
    /// An answer that will not change, or that its time is up.
    pub async fn read(&self, path: &str) -> Result<(Value, HeaderMap), Stop> {
        let mut said = String::new();
        loop {
            let (why, wait) = match self.send(self.place.get(path)).await {
                Ok(answer) if answer.status == 200 => match parsed(&answer.body) {
                    Ok(json) => return Ok((json, answer.headers)),
                    Err(why) => (why, self.poll),
                },
                Ok(answer) => match limited(&answer) {
                    Some(why) => (why, wait_of(&answer)),
                    None if answer.status >= 500 => (status_words(answer.status), self.poll),
                    None => {
                        let (verdict, why) = meaning(&answer, self.place.has_token());
                        return Err(Stop(verdict, format!("{path}: {}{why}", status_words(answer.status))));
                    }
                },
                Err(cause) => (cause.words(), self.poll),
            };
            if why != said {
                self.cx.say(&format!("{path}: {why}; asked again"));
                said.clone_from(&why);
            }
            self.rest(wait)
                .await
                .map_err(|()| Stop(Verdict::Unknown, format!("{path}: {why}, until our time was up")))?;
        }
    }

    /// Every entry of a list, over its pages.
    ///
    /// # Errors
    /// As [`Self::read`]; a list that does not end.
    pub async fn list(&self, path: &str, key: Option<&str>) -> Result<Vec<Value>, Stop> {
        let mut pages = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            if pages.len() >= PAGES {
                return Err(Stop(Verdict::Unknown, format!("{path}: more than {PAGES} pages")));
            }
            let (json, headers) = self.read(&path).await?;
            pages.push(json);
            next = self.place.next(&headers).map_err(|why| Stop(Verdict::Unknown, why))?;
        }
        items(&pages, key).map_err(|finding| Stop(Verdict::Unknown, format!("{path}: {} is no list", finding.subject)))
    }

    /// Sleeps, but never past our time.
    ///
    /// # Errors
    /// Our time is up, or would be.
    pub async fn rest(&self, wait: Duration) -> Result<(), ()> {
        if wait >= self.left() {
            return Err(());
        }
        sleep(wait).await;
        Ok(())
    }

    /// Asks for a cancel of the run, once; answers what came of it, for people.
    pub async fn cancel(&self, run: u64) -> String {
        let path = self.place.of_repo(&format!("/actions/runs/{run}/cancel"));
        // The shim ends us soon.
        let answer = self.cx.look.client.send(self.place.post(&path, None), Duration::from_secs(3)).await;
        match answer {
            Ok(answer) if answer.status == 202 => format!("run {run}: its cancel was accepted"),
            Ok(answer) => {
                let (_, why) = meaning(&answer, self.place.has_token());
                format!("run {run}: its cancel was not accepted: {}{why}", status_words(answer.status))
            }
            Err(cause) => format!("run {run}: whether it is cancelled is not known: {}", cause.words()),
        }
    }
}

/// How long a limit asks us to wait, by the server's own clock.
pub(super) fn wait_of(answer: &Answer) -> Duration {
    let text = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let number = |name: &str| text(name)?.trim().parse::<i64>().ok();
    let seconds = number("retry-after").or_else(|| Some(number("x-ratelimit-reset")? - server_time(&answer.headers)?));
    match seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
        Some(seconds) => Duration::from_secs(seconds + 1),
        None => UNSAID,
    }
}

/// The `Date` of an answer, in seconds since 1970.
pub(super) fn server_time(headers: &HeaderMap) -> Option<i64> {
    let date = headers.get("date")?.to_str().ok()?;
    DateTime::parse_from_rfc2822(date).ok().map(|at| at.timestamp())
}
