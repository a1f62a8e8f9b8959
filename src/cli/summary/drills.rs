//! Planned against actual, for every fault that a rehearsal drilled: time to notice, to decide, to start, to verified.
//! What did not happen is said as that. Part of [`super`].

use std::fmt::Write as _;
use std::time::Duration;

use crate::base::text::printable;
use crate::launch::board::Board;
use crate::launch::drilled::{Drilled, Noticed, Run};
use crate::launch::event::{Actor, RollbackEnd};
use crate::launch::id::{SignalId, TriggerId};
use crate::launch::plan::{Condition, FireMode, Plan, SignalSource, Trigger};
use crate::launch::time::{Instant, Mark};
use crate::launch::verdict::Verdict;
use crate::rehearsal::{Fault, Injection, caught_by};
use crate::ui::watched;

const VERIFIED: &str = "verified";
/// Longer than planned by this is no longer as planned: a process has to start.
const GRACE: Duration = Duration::from_secs(1);

/// What became of a fault, by the trigger that is for it.
struct Met {
    began: Instant,
    mark: Mark,
    noticed: Option<Noticed>,
    fired: Option<(Instant, TriggerId)>,
    run: Option<Run>,
}

/// One line of the table.
struct Row {
    what: &'static str,
    /// At most; none where a person's key is waited for, or nothing is planned.
    planned: Option<Duration>,
    actual: Option<Duration>,
    by: String,
}

/// What a drill comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Judged {
    /// None where the plan has nothing to hold it to.
    held: Option<bool>,
    words: String,
}

/// The table of all that was drilled.
#[must_use]
pub fn text(board: &Board, faults: &[Injection]) -> String {
    let mut out = String::from("\ndrills                      planned     actual\n");
    let by_hand = by_hand(board, faults);
    let all: Vec<Injection> = faults.iter().chain(by_hand.iter().map(|(fault, _)| fault)).cloned().collect();
    for (n, fault) in all.iter().enumerate() {
        let drilled = found(board, &all, fault);
        let drilled = drilled.as_ref();
        let trigger = trigger(&board.plan, fault, drilled);
        let at = drilled.map(|drilled| format!(", began at {}", whole(drilled.mark))).unwrap_or_default();
        let (called, by) = match n.checked_sub(faults.len()).and_then(|n| by_hand.get(n)) {
            Some((fault, by)) => (fault.switched().to_string(), format!(", switched by {by}")),
            None => (fault.to_string(), String::new()),
        };
        let _ = writeln!(out, "{}", printable(&format!("{called}{at}{by}")));
        for row in drilled.into_iter().flat_map(|drilled| rows(&board.plan, drilled, trigger)) {
            let planned = row.planned.map_or_else(|| "-".to_owned(), shown);
            let actual = row.actual.map_or_else(|| "never".to_owned(), shown);
            let by = printable(&row.by);
            let _ = writeln!(out, "{}", format!("  {:<24}  {planned:<10}  {actual:<8}  {by}", row.what).trim_end());
        }
        let _ = writeln!(out, "  {}", printable(&judged(board, fault, drilled).words));
    }
    out
}

/// 0 where every fault was met as the plan says, 1 where one was not.
#[must_use]
pub fn exit_code(board: &Board, faults: &[Injection]) -> i32 {
    let by_hand = by_hand(board, faults).into_iter().map(|(fault, _)| fault);
    let all: Vec<Injection> = faults.iter().cloned().chain(by_hand).collect();
    let missed = |fault: &Injection| judged(board, fault, found(board, &all, fault).as_ref()).held == Some(false);
    i32::from(all.iter().any(missed))
}

/// What was switched on besides `faults`, as if it had been asked for at that mark, and by whom.
fn by_hand(board: &Board, faults: &[Injection]) -> Vec<(Injection, String)> {
    let asked: Vec<&Drilled> = faults.iter().filter_map(|fault| began(board, fault)).collect();
    let others = board.drilled.iter().filter(|known| known.by != Actor::engine());
    let others = others.filter(|known| !asked.iter().any(|asked| std::ptr::eq(*asked, *known)));
    let told = others.filter_map(|known| {
        let lasted = known.over.map(|over| over.0 - known.began.0);
        let until = lasted.filter(|lasted| *lasted > 0).map(|lasted| Mark(known.mark.0 - lasted));
        let fault = known.fault.parse::<Injection>().ok()?;
        Some((Injection { from: Some(known.mark), until, ..fault }, known.by.name.clone()))
    });
    told.collect()
}

/// What became of a fault. What another one that was on explains, by the plan's own limits, is not this one's.
fn found(board: &Board, faults: &[Injection], fault: &Injection) -> Option<Met> {
    let mut own = began(board, fault)?.clone();
    let expected: Vec<&TriggerId> = caught_by(&board.plan, fault).map(|trigger| &trigger.id).collect();
    if expected.is_empty() {
        let others = faults.iter().filter(|other| *other != fault && caught_by(&board.plan, other).next().is_some());
        for other in others.filter_map(|other| began(board, other)) {
            let explains = |at: Instant| other.began <= at;
            own.noticed = own.noticed.filter(|noticed| !explains(noticed.at));
            own.fired.retain(|(at, _)| !explains(*at));
            own.runs.retain(|run| !explains(run.decided.at));
        }
    }
    // Another may fire before the one that is for it, and begin a way back of its own.
    let by_plan = own.fired.iter().find(|(_, id)| expected.contains(&id));
    let fired = by_plan.or(own.fired.first()).cloned();
    let then = fired.as_ref().and_then(|(_, id)| board.plan.triggers.iter().find(|trigger| trigger.id == *id));
    let of_it = own.runs.iter().find(|run| then.is_some_and(|trigger| trigger.then == run.decided.rollback));
    let run = of_it.or(own.runs.first()).cloned();
    Some(Met { began: own.began, mark: own.mark, noticed: own.noticed, fired, run })
}

fn began<'b>(board: &'b Board, fault: &Injection) -> Option<&'b Drilled> {
    let switched = fault.switched().to_string();
    // Of two that are called the same, the one that began where this was to begin.
    let of = |drilled: &&Drilled| drilled.fault == switched;
    let near = |drilled: &&Drilled| fault.from.map_or(0, |from| (drilled.mark.0 - from.0).abs());
    board.drilled.iter().filter(of).min_by_key(near)
}

/// The trigger that fired, or else the first that should have.
fn trigger<'p>(plan: &'p Plan, fault: &'p Injection, drilled: Option<&Met>) -> Option<&'p Trigger> {
    let fired = drilled.and_then(|drilled| drilled.fired.as_ref()).map(|(_, id)| id);
    let fired = fired.and_then(|id| plan.triggers.iter().find(|trigger| trigger.id == *id));
    fired.or_else(|| caught_by(plan, fault).next())
}

fn rows(plan: &Plan, drilled: &Met, trigger: Option<&Trigger>) -> Vec<Row> {
    let (mut notice, mut every) = (None, Duration::ZERO);
    match trigger.map(|trigger| &trigger.when) {
        Some(Condition::Objective(id)) => {
            let objective = plan.objectives.iter().find(|objective| objective.id == *id);
            every = objective.map_or(every, |objective| objective.evaluate_every);
            notice = objective.map(|objective| objective.window + 2 * objective.evaluate_every);
        }
        Some(Condition::Monitor(id)) => {
            let monitor = plan.monitors.iter().find(|monitor| monitor.id == *id);
            let looks = |every: Duration, fails: u32| every.saturating_mul(fails.saturating_add(1));
            notice = monitor.map(|monitor| looks(monitor.every, monitor.fails_after) + monitor.timeout);
        }
        Some(Condition::Manual) | None => {}
    }
    let seen = drilled.noticed.as_ref();
    let by = seen.map(|seen| {
        let word = if seen.verdict == Verdict::Fail && seen.by.starts_with("monitor") {
            "fails"
        } else {
            watched::word(seen.verdict)
        };
        format!("{} {word}: {}", seen.by, seen.why)
    });
    let mut rows = vec![Row {
        what: "noticed",
        planned: notice,
        actual: seen.map(|seen| seen.at.since(drilled.began)),
        by: by.unwrap_or_default(),
    }];
    let Some(trigger) = trigger else { return rows };
    let fired = drilled.fired.as_ref();
    rows.push(Row {
        what: "decided",
        planned: Some(trigger.lasts + every),
        actual: fired.map(|(at, _)| at.since(seen.map_or(drilled.began, |seen| seen.at))),
        by: format!("trigger {}", trigger.id),
    });
    let (veto, how) = match trigger.mode {
        FireMode::Auto { veto } => (Some(veto), "by itself"),
        FireMode::Ask => (None, "a person's key"),
    };
    let run = drilled.run.as_ref();
    let decided = run.map(|run| &run.decided);
    let by = decided.map_or_else(
        || how.to_owned(),
        |decided| {
            let scripted = if decided.by.scripted { " (scripted)" } else { "" };
            format!("{how}: rollback {} by {}{scripted}", decided.rollback, decided.by.name)
        },
    );
    let before = fired.map(|(at, _)| *at).or(decided.map(|decided| decided.at));
    rows.push(Row {
        what: "started",
        planned: veto,
        actual: run.and_then(|run| run.started).zip(before).map(|(started, before)| started.since(before)),
        by,
    });
    let deadline = plan.rollback(&trigger.then).map(|rollback| rollback.deadline);
    let ended = run.and_then(|run| run.ended.as_ref());
    let verified = ended.filter(|(_, end)| *end == RollbackEnd::Verified);
    rows.push(Row {
        what: VERIFIED,
        planned: deadline,
        actual: verified.zip(decided).map(|((at, _), decided)| at.since(decided.at)),
        by: ended.map(|(_, end)| end.words().to_owned()).unwrap_or_default(),
    });
    rows
}

fn judged(board: &Board, fault: &Injection, drilled: Option<&Met>) -> Judged {
    let is = |held, words: &str| Judged { held, words: words.to_owned() };
    let missed = |words: String| Judged { held: Some(false), words };
    let Some(drilled) = drilled else {
        return is(Some(false), "NEVER BEGAN: the launch did not come to its mark");
    };
    let expected: Vec<&str> = caught_by(&board.plan, fault).map(|trigger| trigger.id.as_str()).collect();
    let noticed = drilled.noticed.is_some();
    let fired = drilled.fired.as_ref().map(|(_, id)| id);
    if expected.is_empty() {
        return match (fault.fault, fired) {
            (Fault::NoData | Fault::ClockSkew | Fault::CounterReset, Some(trigger)) => {
                missed(format!("FALSE ALARM: trigger {trigger} fired, and nothing was known to be wrong"))
            }
            (Fault::CounterReset, None) => is(Some(true), "as planned: nobody took it for errors"),
            (Fault::NoData, None) if !noticed && is_watched(&board.plan, fault) => {
                is(Some(false), "NOT NOTICED: its silence was taken for something else")
            }
            (_, Some(trigger)) => is(None, &format!("trigger {trigger} fired, though by its limits none is for this")),
            (_, None) if noticed => is(None, "noticed; no trigger of the plan is for this"),
            (_, None) => is(None, "not noticed; no trigger of the plan is for this"),
        };
    }
    let names = expected.join(", ");
    if let Some(other) = fired.filter(|id| !expected.contains(&id.as_str())) {
        return missed(format!(
            "NOT DECIDED by what is for it: trigger {other} fired, and of {names} nothing is known"
        ));
    }
    if fired.is_none() {
        let word = if noticed { "NOT DECIDED" } else { "NOT NOTICED" };
        return missed(format!("{word}: trigger {names} is for this, and did not fire"));
    }
    let Some(Run { decided, started, ended }) = &drilled.run else {
        return is(Some(false), "NOT STARTED: nobody began the way back");
    };
    if started.is_none() {
        return missed(format!("NOT STARTED: rollback {} came to no step", decided.rollback));
    }
    match ended {
        Some((_, RollbackEnd::Verified)) => {}
        Some((_, end)) => return missed(format!("NOT VERIFIED: {}", end.words())),
        None => return is(Some(false), "NOT VERIFIED: it was still running"),
    }
    let rows = rows(&board.plan, drilled, trigger(&board.plan, fault, Some(drilled)));
    let slow = |row: &&Row| row.planned.zip(row.actual).is_some_and(|(planned, actual)| actual > planned + GRACE);
    let slower: Vec<&str> = rows.iter().filter(slow).map(|row| row.what).collect();
    match (slower.is_empty(), slower.contains(&VERIFIED)) {
        (true, _) => is(Some(true), "as planned"),
        (false, true) => missed(format!("TOO LATE: it was verified after its deadline ({})", slower.join(", "))),
        (false, false) => is(Some(true), &format!("met, but SLOWER THAN PLANNED: {}", slower.join(", "))),
    }
}

/// Whether an objective stands on a signal that the fault silences.
fn is_watched(plan: &Plan, fault: &Injection) -> bool {
    let concerned = |id: &SignalId| {
        let signal = plan.signals.iter().find(|signal| signal.id == *id);
        signal.is_some_and(|signal| match &signal.source {
            SignalSource::Asked(_) => fault.concerns(&format!("signal.{id}")),
            SignalSource::Stream(stream) => fault.concerns(&format!("stream.{stream}")),
        })
    };
    plan.objectives.iter().any(|objective| objective.signals().any(concerned))
}

fn whole(mark: Mark) -> Mark {
    Mark(mark.0.div_euclid(1_000) * 1_000)
}

/// Tenths of a second, where they matter.
fn shown(span: Duration) -> String {
    if span < Duration::from_secs(60) {
        return format!("{:.1}s", span.as_secs_f64());
    }
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string().replace(' ', "")
}

#[cfg(test)]
#[path = "drills_tests.rs"]
mod tests;
