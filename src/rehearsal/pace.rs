//! How late an answer must come to be too late: found by asking the check itself, on its own good
//! example, so that `slow` concerns exactly the items that expect something of time.

use std::time::Duration;

use super::routes::Place;
use crate::base::jq::Jq;
use crate::base::template::Scope;
use crate::kind::Spec;
use crate::kind::check::{self, Seen};
use crate::launch::verdict::{Report, Verdict};

/// How late an answer is for an item that expects nothing of time.
const HARMLESS: Duration = Duration::from_millis(250);
/// The first lateness tried.
const FIRST: Duration = Duration::from_millis(50);

/// The least lateness (within a twentieth or so) that changes what the check finds.
pub async fn too_late(place: &Place, scope: &Scope) -> Duration {
    let Spec::Check(spec) = &place.entry.spec else { return HARMLESS };
    let jq = Jq::default();
    let seen = spec.seen(&place.answer, scope);
    let on_time = found(&judged(spec, &seen, Duration::ZERO, scope, &jq).await);
    let mut fine = Duration::ZERO;
    let mut late = FIRST;
    while found(&judged(spec, &seen, late, scope, &jq).await) == on_time {
        if late > place.timeout {
            return HARMLESS;
        }
        (fine, late) = (late, late * 2);
    }
    for _ in 0..4 {
        let between = (fine + late) / 2;
        match found(&judged(spec, &seen, between, scope, &jq).await) == on_time {
            true => fine = between,
            false => late = between,
        }
    }
    // What is sent at the very limit could still arrive just within it.
    late + late / 10
}

async fn judged(spec: &check::Spec, seen: &Seen, late: Duration, scope: &Scope, jq: &Jq) -> Report {
    let mut seen = seen.clone();
    for (_, answer) in &mut seen.answers {
        if let Ok(answer) = answer {
            answer.http.took += late;
            for event in &mut answer.events {
                event.at += late;
            }
        }
    }
    spec.judge(&seen, scope, jq).await
}

fn found(report: &Report) -> (Verdict, Vec<Verdict>) {
    (report.verdict, report.findings.iter().map(|finding| finding.verdict).collect())
}
