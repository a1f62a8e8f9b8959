//! Asks more than once. In a rehearsal it hardly waits: the simulated target has no limits that pass away.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::burst::{LIMITED, label};
use super::judge::{is_stopped, repeated};
use super::{ATTEMPT, Burst, Rounds, burst};
use crate::base::template::Scope;
use crate::base::wire::{self, Cause, Network, Opening, Request};
use crate::clock;
use crate::kind::check::http::{Http, control_answers};
use crate::kind::check::{Answer, Context, Ran, Seen};
use crate::kind::exchange::{exchange, fit};
use crate::launch::verdict::{Report, Verdict};

/// In a rehearsal `until` is given up after this: the simulated target answers at once, or never.
const REHEARSED: Duration = Duration::from_secs(2);

/// Bytes of a held answer that are read for what it says, and how long that may take.
const HELD_BODY: usize = 64 << 10;
const HELD_TIME: Duration = Duration::from_secs(2);

impl Http {
    /// Looks as often as the plan says.
    pub(in super::super) async fn look(&self, cx: &Context) -> Ran {
        match &self.rounds {
            Rounds::Once => self.once(cx).await,
            Rounds::Repeat { times, every } => self.repeat(cx, *times, *every).await,
            Rounds::Until { within, every, .. } => self.until(cx, *within, *every).await,
            Rounds::Burst(burst) => self.burst(cx, burst).await,
        }
    }

    async fn repeat(&self, cx: &Context, times: u32, every: Duration) -> Ran {
        let started = Instant::now();
        let (mut rounds, mut captured, mut shown) = (Vec::new(), Vec::new(), None);
        for round in 0..times {
            sleep_until(started + paced(cx, every).saturating_mul(round)).await;
            let left = cx.timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            let mut ran = self.once(&within(cx, left)).await;
            captured = ran.captured;
            let exchange = ran.report.exchange.take();
            // The first that is not right is the one to look at, else the last.
            let wrong = ran.report.verdict != Verdict::Pass;
            match &shown {
                Some((true, _)) => {}
                _ => shown = Some((wrong, exchange)),
            }
            rounds.push(ran.report);
        }
        let mut report = fit(repeated(times, rounds), &cx.redactor);
        report.exchange = shown.and_then(|(_, exchange)| exchange);
        if !matches!(report.verdict, Verdict::Pass | Verdict::Warn) {
            captured.clear();
        }
        Ran { report, captured }
    }

    async fn until(&self, cx: &Context, limit: Duration, every: Duration) -> Ran {
        let started = Instant::now();
        let limit = if is_rehearsal(cx) { limit.min(REHEARSED) } else { limit };
        let end = started + limit.min(cx.timeout);
        let mut asked = 0_u32;
        loop {
            let left = cx.timeout.saturating_sub(started.elapsed());
            let mut ran = self.once(&within(cx, left.max(Duration::from_millis(1)))).await;
            asked += 1;
            let pace = if is_rehearsal(cx) { every.min(REHEARSED / 20) } else { every };
            let next = started + pace.saturating_mul(asked);
            let passed = matches!(ran.report.verdict, Verdict::Pass | Verdict::Warn | Verdict::Skipped);
            if passed || is_stopped(&ran.report) || next.max(Instant::now()) >= end {
                let span = humantime::format_duration(Duration::from_millis(
                    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                ))
                .to_string();
                let times = if asked == 1 { "once".to_owned() } else { format!("{asked} times") };
                ran.report.summary.push_str(&format!(" · asked {times} in {span}"));
                return ran;
            }
            sleep_until(next).await;
        }
    }

    async fn burst(&self, cx: &Context, burst: &Burst) -> Ran {
        let started = Instant::now();
        let scope = cx.values();
        let (mut answers, mut open, mut shown) = (Vec::new(), Vec::new(), None);
        let mut limited = false;
        let pace = Duration::from_secs(1) / burst.a_second.max(1);
        let end = started + cx.timeout.saturating_sub(burst.cool_down);
        for number in 1..=burst.requests {
            sleep_until((started + paced(cx, pace).saturating_mul(number - 1)).min(end)).await;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let answer = self.shot(cx, &scope, burst, number, left.min(ATTEMPT), &mut open).await;
            let (request, answer) = match answer {
                Ok(shot) => shot,
                Err(cause) => {
                    answers.push((label(number), Err(cause)));
                    break;
                }
            };
            let first = answer.as_ref().is_ok_and(|answer| burst.expect.status.holds(answer.status)) && !limited;
            let right = answer.as_ref().is_ok_and(|answer| self.expect.status.holds(answer.status)) || limited;
            if first || (!right && shown.is_none()) {
                shown = Some(exchange(&request, answer.as_ref(), &cx.redactor));
            }
            limited |= first;
            let kept = answer.map(|http| match first {
                true => http,
                false => wire::Answer { status: http.status, took: http.took, ..wire::Answer::default() },
            });
            answers
                .push((label(number), kept.map(|http| Answer { http, at: Some(clock::wall()), ..Answer::default() })));
            // What comes after the first tells nothing more, and costs the service.
            if limited {
                break;
            }
        }
        drop(open);
        let silent = |answer: &Result<Answer, Cause>| matches!(answer, Err(Cause::NotResolved | Cause::NoRoute));
        let lost = answers.iter().any(|(_, answer)| silent(answer));
        let seen = Seen { control_answers: lost && control_answers(cx).await, answers };
        let jq = cx.jq.redacting(cx.redactor.clone());
        let mut report: Report = burst::judge(self, burst, &seen, &scope, &jq).await;
        let asked = match seen.answers.len() {
            1 => "1 request".to_owned(),
            many => format!("{many} requests"),
        };
        report.summary.push_str(&format!(" · {asked} in {:.1} s", started.elapsed().as_secs_f64()));
        report.took = started.elapsed();
        report.exchange = shown;
        if limited {
            sleep(paced(cx, burst.cool_down)).await;
        }
        Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
    }

    /// One request of a burst. The outer error is one that no other request would escape.
    async fn shot(
        &self,
        cx: &Context,
        scope: &Scope,
        burst: &Burst,
        number: u32,
        timeout: Duration,
        open: &mut Vec<Opening>,
    ) -> Result<(Request, Result<wire::Answer, Cause>), Cause> {
        let asked = self.call.asked(scope, cx.session.as_ref(), &cx.base).await?;
        let (client, mut request) = (cx.client.by(asked.way), asked.request);
        if is_rehearsal(cx) && number == burst.requests {
            request.headers.push((LIMITED.0.to_owned(), LIMITED.1.to_owned()));
        }
        if !burst.hold {
            let answer = client.send(request.clone(), timeout).await;
            return Ok((request, answer));
        }
        let started = Instant::now();
        let answer = match client.open(request.clone(), timeout).await {
            Ok(mut opening) if burst.expect.status.holds(opening.status) => {
                let body = held_body(&mut opening).await;
                let (status, headers, version) = (opening.status, opening.headers, opening.version);
                Ok(wire::Answer { status, headers, body, took: started.elapsed(), version })
            }
            Ok(opening) => {
                let status = opening.status;
                open.push(opening);
                Ok(wire::Answer { status, took: started.elapsed(), ..wire::Answer::default() })
            }
            Err(cause) => Err(cause),
        };
        Ok((request, answer))
    }
}

async fn held_body(opening: &mut Opening) -> bytes::Bytes {
    let until = Instant::now() + HELD_TIME;
    let mut kept = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout_at(until, opening.body.chunk()).await {
        kept.extend_from_slice(&chunk[..chunk.len().min(HELD_BODY - kept.len())]);
        if kept.len() == HELD_BODY {
            break;
        }
    }
    kept.into()
}

fn within(cx: &Context, left: Duration) -> Context {
    Context { timeout: left.min(ATTEMPT), ..cx.clone() }
}

fn is_rehearsal(cx: &Context) -> bool {
    matches!(cx.client.network(), Network::Loopback { .. })
}

/// How long to wait: not at all in a rehearsal.
fn paced(cx: &Context, wait: Duration) -> Duration {
    if is_rehearsal(cx) { Duration::ZERO } else { wait }
}
