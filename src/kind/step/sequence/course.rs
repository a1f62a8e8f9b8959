//! A sequence on its way. It says where it is; whatever stops it is its verdict, also where taking back went
//! well.

use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Nested, Sequence};
use crate::base::template::as_text;
use crate::kind::check::Context;
use crate::kind::step::traffic::percent;
use crate::kind::step::{Acting, How, Spec, child, nested};
use crate::launch::verdict::{Finding, Report, Verdict};

/// A long wait is told of at least this often.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// What stopped it, as a sentence.
struct Breach(String);

pub(super) async fn act(sequence: &Sequence, cx: &Acting) -> Report {
    let began = Instant::now();
    let values = match sequence.rounds(&cx.look.scope) {
        Ok(values) if !values.is_empty() => values,
        Ok(_) => return Report::plain(Verdict::Unknown, "nothing was done: it has no values", began.elapsed()),
        Err(unbound) => {
            return Report::plain(Verdict::Unknown, format!("nothing was done: {unbound}"), began.elapsed());
        }
    };
    let first = match begin(sequence, &values, cx).await {
        Ok(first) => first,
        Err(report) => return Report { took: began.elapsed(), ..report },
    };
    let mut findings = Vec::new();
    let mut stopped = None;
    for (at, value) in values.iter().enumerate().skip(first) {
        let place = format!("round {} of {} ({} = {})", at + 1, values.len(), sequence.name, as_text(value));
        let within = Acting {
            look: Context { scope: sequence.bound(&cx.look.scope, value.clone()), ..cx.look.clone() },
            ..cx.clone()
        };
        if let Err(Breach(why)) = round(sequence, &place, &within, &mut findings).await {
            cx.say(&format!("stopped in {place}: {why}"));
            stopped = Some((format!("stopped in {place}: {why}"), within));
            break;
        }
    }
    let took = began.elapsed();
    let Some((why, within)) = stopped else {
        let mut report = Report::of(findings, took);
        if report.verdict == Verdict::Pass {
            let last = values.last().map(as_text).unwrap_or_default();
            report.summary = format!("{} rounds, to {} = {last}", values.len() - first, sequence.name);
        }
        return report;
    };
    let undone =
        if sequence.undoes { undo(sequence, &within, &mut findings).await } else { "; nothing was taken back" };
    // Half of it was done: whatever stopped it, that is at best not known to be well.
    let verdict = Verdict::worst(findings.iter().map(|finding| finding.verdict)).max(Verdict::Unknown);
    Report { verdict, summary: format!("{why}{undone}"), ..Report::of(findings, began.elapsed()) }
}

/// The round to begin with. Where the rounds are shares of the canary that go one way, it is the first that
/// does not lead back behind what is read.
async fn begin(sequence: &Sequence, values: &[Value], cx: &Acting) -> Result<usize, Report> {
    let traffic = sequence.steps.iter().find_map(|step| match &step.spec {
        Spec::Traffic(traffic) if traffic.sets() == Some(&sequence.name) => Some(traffic),
        _ => None,
    });
    let shares: Option<Vec<f64>> = values.iter().map(|value| percent(value).ok().map(f64::from)).collect();
    let (Some(traffic), Some(shares), true) = (traffic, shares, sequence.from_read) else { return Ok(0) };
    let (up, down) = (shares.is_sorted_by(|a, b| a < b), shares.is_sorted_by(|a, b| a > b));
    if !up && !down || shares.len() < 2 {
        return Ok(0);
    }
    let look = Context { scope: sequence.bound(&cx.look.scope, values[0].clone()), ..cx.look.clone() };
    let share = match traffic.share(&Acting { look, ..cx.clone() }).await {
        Ok(share) => share,
        Err(why) => {
            let summary = format!("nothing was done: where it stands cannot be read: {why}");
            return Err(Report::plain(Verdict::Unknown, summary, Duration::ZERO));
        }
    };
    match shares.iter().position(|wanted| if up { *wanted >= share } else { *wanted <= share }) {
        Some(0) => Ok(0),
        Some(at) => {
            cx.say(&format!("the canary has {share}%: begins with round {} of {}", at + 1, shares.len()));
            Ok(at)
        }
        None => {
            let summary = format!("nothing was done: the canary has {share}%, beyond every round");
            Err(Report::plain(Verdict::Fail, summary, Duration::ZERO))
        }
    }
}

async fn round(sequence: &Sequence, place: &str, cx: &Acting, findings: &mut Vec<Finding>) -> Result<(), Breach> {
    for (at, step) in sequence.steps.iter().enumerate() {
        cx.say(&format!("{place}: step {} of {}: {}", at + 1, sequence.steps.len(), step.called));
        let (verdict, seen) = run(step, place, cx, findings).await;
        findings.push(found(place, &step.called, "it passes", &seen, verdict));
        if !goes_on(verdict) {
            return Err(Breach(format!("`{}` is {verdict}: {seen}", step.called)));
        }
    }
    wait(sequence, place, cx, findings).await
}

fn found(place: &str, subject: &str, expected: &str, seen: &str, verdict: Verdict) -> Finding {
    let (subject, expected, seen) = (subject.to_owned(), expected.to_owned(), seen.to_owned());
    Finding { row: Some(place.to_owned()), subject, expected, seen, verdict }
}

/// A step that was not made is none that succeeded.
fn goes_on(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Warn)
}

/// The guards look at once, every so often, and once more when the wait is over.
async fn wait(sequence: &Sequence, place: &str, cx: &Acting, findings: &mut Vec<Finding>) -> Result<(), Breach> {
    let began = Instant::now();
    let until = began + sequence.wait;
    if !sequence.wait.is_zero() {
        let guards = if sequence.guard.is_empty() { ", unguarded" } else { "" };
        cx.say(&format!("{place}: waiting {}{guards}", humantime::format_duration(sequence.wait)));
    }
    let mut told = began;
    let mut before: Vec<Option<Verdict>> = vec![None; sequence.guard.len()];
    let mut worst = vec![Verdict::Pass; sequence.guard.len()];
    let mut looks = 0_u32;
    loop {
        // What looks now looks at the last instant of the wait, or after it.
        let last = Instant::now() >= until;
        for (at, (guard, before)) in sequence.guard.iter().zip(&mut before).enumerate() {
            let look = Context { timeout: nested::timeout(&guard.spec, Duration::MAX), ..cx.look.clone() };
            let report = guard.spec.run(&look).await.report;
            worst[at] = worst[at].max(report.verdict);
            if before.replace(report.verdict) != Some(report.verdict) {
                cx.say(&format!("{place}: guard {}: {}: {}", guard.called, report.verdict, report.summary));
            }
            let stops = match report.verdict {
                Verdict::Pass | Verdict::Warn => false,
                Verdict::Fail => true,
                Verdict::Unknown | Verdict::Stale | Verdict::Skipped => sequence.unknown_stops,
            };
            if stops {
                let expected = guard.spec.expects(&look.scope).join("; ");
                findings.push(found(place, &guard.called, &expected, &report.summary, report.verdict));
                return Err(Breach(format!("guard `{}` is {}: {}", guard.called, report.verdict, report.summary)));
            }
        }
        looks += 1;
        let now = Instant::now();
        if last {
            break;
        }
        if now.duration_since(told) >= TOLD_EVERY {
            told = now;
            let waited = Duration::from_secs(now.duration_since(began).as_secs());
            cx.say(&format!(
                "{place}: waited {} of {}",
                humantime::format_duration(waited),
                humantime::format_duration(sequence.wait)
            ));
        }
        sleep(sequence.every.min(until.saturating_duration_since(now))).await;
    }
    for (guard, worst) in sequence.guard.iter().zip(worst) {
        // Unknown is no pass, also where the plan goes on in spite of it and a later look passed.
        let verdict = if worst == Verdict::Pass { Verdict::Pass } else { Verdict::Warn };
        let seen = format!("{} at worst, of {looks} looks", worst.word());
        findings.push(found(place, &guard.called, "it says no at no look", &seen, verdict));
    }
    Ok(())
}

/// All of it, also where a part fails: each takes back what it can.
async fn undo(sequence: &Sequence, cx: &Acting, findings: &mut Vec<Finding>) -> &'static str {
    let mut whole = true;
    for (at, step) in sequence.undo.iter().enumerate() {
        cx.say(&format!("undo: step {} of {}: {}", at + 1, sequence.undo.len(), step.called));
        let (verdict, seen) = run(step, "undo", cx, findings).await;
        cx.say(&format!("undo: {}: {verdict}: {seen}", step.called));
        whole &= goes_on(verdict);
        findings.push(found("undo", &step.called, "it passes", &seen, verdict));
    }
    if whole { "; taken back" } else { "; it was NOT taken back" }
}

/// One step inside: a command as a child of this process, or what acts itself, whose findings are kept.
async fn run(step: &Nested<Spec>, place: &str, cx: &Acting, findings: &mut Vec<Finding>) -> (Verdict, String) {
    let how = match step.spec.how(&cx.look.scope) {
        Ok(how) => how,
        Err(unbound) => return (Verdict::Unknown, unbound.to_string()),
    };
    match how {
        How::Command(command) => {
            let outcome = child::through(&command, &cx.look.base).await;
            (outcome.verdict(step.spec.exits()), outcome.words())
        }
        // None of those that may stand inside is one.
        How::Hidden(_) => (Verdict::Unknown, "it cannot be run inside another step".to_owned()),
        How::Ours => {
            let report = acted(&step.spec, cx).await;
            findings.extend(report.findings.into_iter().map(|finding| finding.in_row(place)));
            (report.verdict, report.summary)
        }
    }
}

/// A step may hold steps, so its future is on the heap.
fn acted<'a>(step: &'a Spec, cx: &'a Acting) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
    Box::pin(step.act(cx))
}
