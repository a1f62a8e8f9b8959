//! Which triggers of a plan are there for a fault, by the plan's own limits: what a drill is held to. A fault that is
//! too small or too short for a trigger is none that it should catch.

use std::time::Duration;

use super::fault::{Fault, Injection};
use crate::launch::id::MonitorId;
use crate::launch::plan::{Beside, Condition, Objective, Plan, SignalSource, Trigger};
use crate::launch::threshold::{Dimension, Is, Of, Unit};

/// Of so many: shares are held to limits as counts are.
const HUNDRED: u64 = 100;

/// The triggers that should fire by `fault`, in the order of the plan.
pub fn caught_by<'p>(plan: &'p Plan, fault: &'p Injection) -> impl Iterator<Item = &'p Trigger> {
    plan.triggers.iter().filter(move |trigger| {
        let (breached, interval) = match &trigger.when {
            Condition::Objective(id) => match plan.objectives.iter().find(|objective| objective.id == *id) {
                Some(objective) => (breaches(plan, objective, fault), objective.evaluate_every),
                None => return false,
            },
            Condition::Monitor(id) => (fails(plan, id, fault), Duration::ZERO),
            Condition::Manual => return false,
        };
        breached && lasts(trigger, fault, interval)
    })
}

/// Whether it is on, while the trigger is armed, for as long as that waits.
fn lasts(trigger: &Trigger, fault: &Injection, interval: Duration) -> bool {
    // Marks count down: what is later is less.
    let from = match (fault.from, trigger.armed_from) {
        (Some(from), Some(armed)) => Some(from.min(armed)),
        (from, armed) => from.or(armed),
    };
    let until = match (fault.until, trigger.armed_until) {
        (Some(until), Some(armed)) => Some(until.max(armed)),
        (until, armed) => until.or(armed),
    };
    let Some(until) = until else { return true };
    let Some(from) = from else { return true };
    let on = Duration::from_millis(u64::try_from(from.0.saturating_sub(until.0)).unwrap_or(0));
    on > trigger.lasts + 2 * interval
}

/// How a fault makes looks fail: so many of a hundred, and by how much the others are late.
fn looks(plan: &Plan, id: &MonitorId, fault: &Injection) -> (u8, Duration) {
    if !fault.concerns(&format!("monitor.{id}")) {
        return (0, Duration::ZERO);
    }
    let timeout = plan.monitors.iter().find(|monitor| monitor.id == *id).map(|monitor| monitor.timeout);
    match fault.fault {
        Fault::Errors => (fault.percent(), Duration::ZERO),
        Fault::Down | Fault::Reset | Fault::WrongStatus | Fault::Fail => (100, Duration::ZERO),
        Fault::Flap => (50, Duration::ZERO),
        Fault::Latency => {
            let late = Duration::from_millis(fault.millis().unsigned_abs());
            if timeout.is_some_and(|timeout| late >= timeout) { (100, late) } else { (0, late) }
        }
        _ => (0, Duration::ZERO),
    }
}

/// Whether so many of a monitor's looks fail in a row that it counts.
fn fails(plan: &Plan, id: &MonitorId, fault: &Injection) -> bool {
    let Some(monitor) = plan.monitors.iter().find(|monitor| monitor.id == *id) else { return false };
    let (share, _) = looks(plan, id, fault);
    // Spread evenly: at 75% three fail for each that does not.
    let row = if share >= 100 { u32::MAX } else { u32::from(share) / (100 - u32::from(share)) };
    row > monitor.fails_after
}

fn breaches(plan: &Plan, objective: &Objective, fault: &Injection) -> bool {
    let that = &objective.that;
    if let Some(id) = objective.signal.monitor() {
        let (share, late) = looks(plan, &id, fault);
        let late =
            !late.is_zero() && matches!(that.of, Of::Percentile(_) | Of::Max) && that.is_against(false, Some(late));
        return !that.holds_counted(if late { HUNDRED } else { u64::from(share) }, HUNDRED);
    }
    let Some(signal) = plan.signals.iter().find(|signal| signal.id == objective.signal) else { return false };
    let owner = match &signal.source {
        SignalSource::Asked(_) => format!("signal.{}", signal.id),
        SignalSource::Stream(stream) => format!("stream.{stream}"),
    };
    if !fault.concerns(&owner) {
        return false;
    }
    let share = f64::from(fault.percent()) / 100.0;
    let above = matches!(that.is, Is::AtMost | Is::Less);
    let moved = if above { share } else { 1.0 - share };
    match (fault.fault, &objective.beside) {
        (Fault::Errors, Beside::Per(_)) => !that.holds(moved, Unit::base(Dimension::Share)),
        (Fault::Errors, _) if matches!(that.of, Of::ErrorRate | Of::Up) => {
            !that.holds_counted(u64::from(fault.percent()), HUNDRED)
        }
        (Fault::Errors, Beside::Nothing) if signal.unit.dimension == Dimension::Share => {
            !that.holds(moved, Unit::base(Dimension::Share))
        }
        // Past its limit, as whoever named it asked for.
        (Fault::Errors, Beside::Nothing) => fault.only.is_some(),
        (Fault::Latency, Beside::Nothing) if signal.unit.dimension == Dimension::Time => {
            let late = fault.millis() as f64 / 1_000.0;
            match that.of {
                Of::Percentile(_) | Of::Max => that.is_number_against(late, Unit::base(Dimension::Time)),
                _ => !that.holds(late, Unit::base(Dimension::Time)),
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Source;
    use crate::plan::{Environment, Options, load};

    fn caught(fault: &str) -> Vec<String> {
        let text = include_str!("../../tests/rehearsal_plan/watched.toml");
        let more = "[[trigger]]\nid = \"down\"\nwhen = \"monitor.api.down\"\nfor = \"1m\"\nthen = \"rollback.back\"\nmode = \"ask\"\n\
                    [[trigger]]\nid = \"slow\"\nwhen = \"objective.spans\"\nfor = \"2m\"\nthen = \"rollback.back\"\nmode = \"ask\"\n";
        let source = Source::new("plan.toml", format!("{text}\n{more}"));
        let options = Options { rehearsal: true, ..Options::default() };
        let loaded = load(source.clone(), &Environment::default(), &options)
            .unwrap_or_else(|wrong| panic!("{}", source.render(&wrong, false)));
        let fault: Injection = fault.parse().expect(fault);
        caught_by(&loaded.plan, &fault).map(|trigger| trigger.id.to_string()).collect()
    }

    #[test]
    fn a_fault_is_for_the_triggers_whose_limits_it_breaks_for_long_enough() {
        for (fault, wanted) in [
            ("errors=60%@T+10m", &["too-many"][..]),
            ("errors=6%@T+10m", &["too-many"]),
            ("errors=5%@T+10m", &[]),
            ("errors=60%@T+10m:failed", &[]),
            ("errors=60%@T+10m..T+11m", &[]),
            ("errors=60%@T-20m..T-10m", &[]),
            ("errors=60%@T-20m..T+2m", &[]),
            ("errors=60%@T-20m..T+5m", &["too-many"]),
            ("errors=100%@T+10m", &["too-many", "down"]),
            ("down", &["down"]),
            ("down@T+10m..T+10m30s", &[]),
            ("latency=900ms", &[]),
            ("latency=2s", &["slow"]),
            ("latency=6s", &["down", "slow"]),
            ("no-data", &[]),
            ("counter-reset", &[]),
        ] {
            assert_eq!(caught(fault), wanted, "{fault}");
        }
    }
}
