//! Sends the request of an `http` check with what its session holds, and takes from the answer what
//! the session keeps, before any of it is kept elsewhere.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Http, judge, rounds};
use crate::base::template::Scope;
use crate::base::wire::Cause;
use crate::clock;
use crate::kind::check::{Answer, Check, Context, Ran, Seen};
use crate::kind::exchange::{exchange, fit};
use crate::kind::request::Sent;
use crate::kind::session::learn;
use crate::launch::verdict::{Report, Verdict};

impl Http {
    /// Asks once.
    pub(super) async fn once(&self, cx: &Context) -> Ran {
        let scope = cx.values();
        let session = cx.session.as_ref();
        let asked = match self.call.asked(&scope, session, &cx.base).await {
            Ok(asked) => asked,
            Err(cause) => return self.unsent(cause, &scope, cx).await,
        };
        let Sent { answer, request, trail, withheld, refused } =
            asked.send(&cx.client, cx.timeout, session, &cx.redactor).await;
        let notes: Vec<String> = withheld_note(&withheld).into_iter().chain(refused_note(&refused)).collect();
        let silent = matches!(&answer, Err(Cause::NotResolved | Cause::NoRoute));
        let control_answers = silent && control_answers(cx).await;
        let http = answer.map(|http| Answer { http, trail, at: Some(clock::wall()), ..Answer::default() });
        let seen = Seen { answers: vec![(request.url.clone(), http)], control_answers };
        // What the evaluator says is cut: it must know what to take out first.
        let jq = cx.jq.redacting(cx.redactor.clone());
        let taken = judge::take(self, &seen, &scope, &jq).await;
        let captured: Vec<(String, Value)> = taken.captured.iter().flatten().cloned().collect();
        // Outside a session it is no secret: a version, say, that every text may show.
        if cx.session.is_some() {
            captured.iter().for_each(|(_, value)| learn(value, &cx.redactor));
        }
        let mut report = judge::report(self, &seen, taken, &scope, &jq).await;
        if let Some((_, Ok(answer))) = seen.answers.first() {
            rounds::report_stops(self, &mut report, answer, &scope, &jq).await;
        }
        // A value out of a wrong answer is no base for what comes after.
        let captured = match report.verdict {
            Verdict::Pass | Verdict::Warn => captured,
            _ => Vec::new(),
        };
        if let Some(session) = &cx.session {
            captured.iter().for_each(|(name, value)| session.capture(name, value, &cx.redactor));
        }
        let http = seen.answers.first().map(|(_, answer)| answer.as_ref().map(|answer| &answer.http));
        report.exchange = http.map(|answer| exchange(&request, answer, &cx.redactor));
        if report.verdict != Verdict::Pass {
            notes.iter().for_each(|note| report.summary.push_str(note));
        }
        Ran { report: fit(report, &cx.redactor), captured }
    }

    /// Nothing could be sent: a name without a value, an address that is none.
    async fn unsent(&self, cause: Cause, scope: &Scope, cx: &Context) -> Ran {
        let seen = Seen { answers: vec![(self.call.address.written(), Err(cause))], control_answers: false };
        let report: Report = self.judge(&seen, scope, &cx.jq).await;
        Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
    }
}

/// How long an answer of the control probe counts: an outage asks for it once an item and attempt.
const LATELY: Duration = Duration::from_secs(30);

/// When the control probe was last asked, and whether it answered. All clones know the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Lately(Arc<Mutex<Option<(Instant, bool)>>>);

/// Whether the plan's control probe answers: any HTTP answer shows that our own network works. One asks,
/// and those that come meanwhile or within [`LATELY`] are told the same.
pub(crate) async fn control_answers(cx: &Context) -> bool {
    let Some(control) = &cx.control else { return false };
    let mut lately = control.lately.0.lock().await;
    if let Some((at, answered)) = *lately
        && at.elapsed() < LATELY
    {
        return answered;
    }
    let answered = match control.call.asked(&cx.scope, None, &cx.base).await {
        Ok(asked) => {
            let answer = asked.send(&cx.client, cx.timeout, None, &cx.redactor).await.answer;
            matches!(answer, Ok(_) | Err(Cause::HeadTooLarge | Cause::BodyTooLarge { .. }))
        }
        Err(_) => false,
    };
    *lately = Some((Instant::now(), answered));
    answered
}

pub(crate) fn withheld_note(names: &[String]) -> Option<String> {
    let all = names.join(", ");
    (!names.is_empty()).then(|| format!(" · withheld: cookie {all} is Secure and this is plain http"))
}

fn refused_note(names: &[String]) -> Option<String> {
    let all = names.join(", ");
    (!names.is_empty()).then(|| format!(" · refused: cookie {all} is Secure and came over plain http"))
}
