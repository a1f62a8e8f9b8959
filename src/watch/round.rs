//! A monitor that is a session: its items one after another, begun anew at each look, with a cookie jar and captured
//! values of its own. The first item that does not pass ends the round.

use std::sync::Arc;
use std::time::Duration;

use super::{Contexts, OVERRUN, within};
use crate::kind::check::Context;
use crate::kind::session::Session;
use crate::kind::{Catalogue, Spec};
use crate::launch::plan::SpecId;
use crate::launch::verdict::{Report, Verdict};

/// One round. What it took is the sum of its items.
pub(super) async fn look(
    catalogue: Arc<Catalogue>,
    contexts: Contexts,
    items: Arc<[SpecId]>,
    timeout: Duration,
) -> Report {
    let mut session: Option<Session> = None;
    let (mut took, mut passed, mut verdict) = (Duration::ZERO, Vec::new(), Verdict::Pass);
    let mut last = None;
    for spec in items.iter() {
        let Some(entry) = catalogue.get(*spec) else { break };
        let Spec::Check(check) = &entry.spec else { break };
        if session.is_none() {
            let plan = entry.session.as_ref().and_then(|id| catalogue.sessions.get(id));
            session = Some(Session::new(plan.cloned().unwrap_or_default()));
        }
        let cx = Context { timeout, session: session.clone(), ..contexts(entry) };
        let limit = check.lasts().map_or(timeout, |lasts| lasts.max(timeout)) + OVERRUN;
        let report = within(limit, async { check.run(&cx).await.report }).await;
        took += report.took;
        let name = entry.owner.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        match report.verdict {
            Verdict::Pass => {}
            Verdict::Warn => verdict = Verdict::Warn,
            // It was not looked at, so the whole was not.
            Verdict::Skipped if verdict == Verdict::Pass => verdict = Verdict::Skipped,
            Verdict::Skipped => {}
            Verdict::Fail | Verdict::Unknown | Verdict::Stale => {
                return Report { summary: format!("{name}: {}", report.summary), took, ..report };
            }
        }
        passed.push(name);
        last = Some(report);
    }
    match last {
        Some(report) if passed.len() == items.len() => {
            let summary = match verdict {
                Verdict::Pass => passed.join(", "),
                _ => format!("{}: {}", passed.join(", "), report.summary),
            };
            Report { verdict, summary, took, ..report }
        }
        _ => Report::plain(Verdict::Unknown, "the plan has no check for an item of this monitor", took),
    }
}
