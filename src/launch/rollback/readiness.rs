//! The readiness light of a rollback: whether it could be started now, as its `ready` checks saw it and the
//! baseline has it. It warns and keeps GO away; a rollback that is not ready may be started all the same. Pure.

use crate::launch::board::Board;
use crate::launch::plan::{Monitor, Rollback};
use crate::launch::verdict::Verdict;

/// From best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    /// The plan looks at nothing beforehand: nobody knows, and nobody is kept.
    Unasked,
    Ready,
    /// Something was not looked at, or could not be told.
    Unknown,
    NotReady,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    pub light: Light,
    /// Why it is not ready or not known to be, worst first; empty where it is ready.
    pub why: Vec<String>,
}

impl Light {
    /// As it stands on the rollback bar.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unasked => "",
            Self::Ready => "ready",
            Self::Unknown => "unknown",
            Self::NotReady => "NOT READY",
        }
    }
}

impl Readiness {
    /// True where GO would be given without a known way back.
    #[must_use]
    pub fn blocks(&self) -> bool {
        matches!(self.light, Light::Unknown | Light::NotReady)
    }

    /// `not ready: context: prod-2 is set`, for one line; nothing where there is nothing to say.
    #[must_use]
    pub fn words(&self) -> String {
        let word = match self.light {
            Light::Unasked => return String::new(),
            Light::Ready => return "ready".to_owned(),
            Light::Unknown => "not known to be ready",
            Light::NotReady => "not ready",
        };
        let first = self.why.first().map(String::as_str).unwrap_or_default();
        match self.why.len() {
            0 => word.to_owned(),
            1 => format!("{word}: {first}"),
            more => format!("{word}: {first} (and {} more)", more - 1),
        }
    }
}

/// Whether `rollback` could be started now.
#[must_use]
pub fn readiness(board: &Board, rollback: &Rollback) -> Readiness {
    let looked = looked(board, rollback);
    // A value that T-0 passed by never comes; before that it may.
    let past = board.clock.as_ref().is_some_and(|clock| clock.t0.is_some());
    let absent = if past { Light::NotReady } else { Light::Unknown };
    let told = |name: &str| format!("baseline value {name} is not captured{}", board.why_uncaptured(name));
    let values = uncaptured(board, rollback).map(|name| (absent, told(name)));
    summed(looked.into_iter().chain(values).collect())
}

/// The same without the baseline, whose values are told beside it.
#[must_use]
pub(in crate::launch) fn checked(board: &Board, rollback: &Rollback) -> Readiness {
    summed(looked(board, rollback))
}

/// The baseline values that the rollback uses and that are not there.
pub fn uncaptured<'a>(board: &'a Board, rollback: &'a Rollback) -> impl Iterator<Item = &'a str> {
    let there = |name: &str| board.baseline.get(name).and_then(|captured| captured.value()).is_some();
    rollback.uses.iter().map(String::as_str).filter(move |name| !there(name))
}

/// Where one of its checks stands.
#[must_use]
pub fn check(board: &Board, monitor: &Monitor) -> (Light, String) {
    let Some(change) = board.monitors.get(&monitor.id) else {
        return (Light::Unknown, "not looked at yet".to_owned());
    };
    let since_return = board.recovery.as_ref().is_none_or(|recovery| change.since >= recovery.at);
    match change.verdict {
        Verdict::Fail => (Light::NotReady, change.why.clone()),
        // Whoever looked is gone, and a way back may be shut since.
        _ if !since_return => (Light::Unknown, "not looked at since the console came back".to_owned()),
        Verdict::Pass | Verdict::Warn => (Light::Ready, change.why.clone()),
        Verdict::Skipped | Verdict::Unknown | Verdict::Stale => {
            (Light::Unknown, format!("{}: {}", change.verdict, change.why))
        }
    }
}

fn looked(board: &Board, rollback: &Rollback) -> Vec<(Light, String)> {
    let checks = board.plan.monitors.iter().filter(|monitor| monitor.ready_for.as_ref() == Some(&rollback.id));
    let told = checks.map(|monitor| {
        let (light, why) = check(board, monitor);
        (light, format!("{}: {why}", monitor.title))
    });
    told.collect()
}

fn summed(mut told: Vec<(Light, String)>) -> Readiness {
    let light = told.iter().map(|(light, _)| *light).max().unwrap_or(Light::Unasked);
    told.retain(|(light, _)| *light > Light::Ready);
    told.sort_by_key(|(light, _)| std::cmp::Reverse(*light));
    Readiness { light, why: told.into_iter().map(|(_, why)| why).collect() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::launch::command::{Command, Input, Observation};
    use crate::launch::event::{Actor, Event, Vote};
    use crate::launch::plan::{Baseline, Plan, SpecId};
    use crate::launch::poll::{machine_blocks, tally};
    use crate::launch::samples::{Flight, plan};
    use crate::launch::verdict::Captured;

    /// The sample plan with two checks and a value for the rollback `front`.
    fn asked() -> Plan {
        let check = |id: &str| Monitor {
            id: id.into(),
            title: id.rsplit('/').next().unwrap_or(id).to_uppercase(),
            spec: SpecId(9),
            every: Duration::from_secs(30),
            timeout: Duration::from_secs(1),
            fails_after: 0,
            items: Vec::new(),
            ready_for: Some("front".into()),
        };
        let mut plan = plan();
        plan.monitors = vec![check("front/context"), check("front/artifact")];
        plan.baseline = vec![
            Baseline { name: "previous".into(), spec: SpecId(9) },
            Baseline { name: "other".into(), spec: SpecId(9) },
        ];
        plan.rollbacks[0].uses = vec!["previous".into()];
        plan
    }

    fn saw(flight: &mut Flight, monitor: &str, verdict: Verdict) {
        let (monitor, why) = (monitor.into(), format!("seen {verdict}"));
        let told = Observation::MonitorChanged { monitor, verdict, why };
        flight.input(&Input::Observation(told)).expect("no refusal");
    }

    fn capture(flight: &mut Flight, name: &str) {
        let value = Captured::Value(json!("v1"));
        let told = Observation::BaselineCaptured { name: name.into(), value };
        flight.input(&Input::Observation(told)).expect("no refusal");
    }

    fn of(flight: &Flight, at: usize) -> Readiness {
        readiness(&flight.board, &flight.board.plan.rollbacks[at])
    }

    #[test]
    fn silence_is_no_readiness_and_each_check_must_have_said_yes() {
        let mut flight = Flight::of(asked());
        capture(&mut flight, "previous");
        assert_eq!(of(&flight, 0).words(), "not known to be ready: CONTEXT: not looked at yet (and 1 more)");
        saw(&mut flight, "front/context", Verdict::Pass);
        assert_eq!(of(&flight, 0).words(), "not known to be ready: ARTIFACT: not looked at yet");
        saw(&mut flight, "front/artifact", Verdict::Pass);
        assert_eq!(of(&flight, 0), Readiness { light: Light::Ready, why: Vec::new() });
        for verdict in [Verdict::Unknown, Verdict::Stale, Verdict::Skipped] {
            saw(&mut flight, "front/artifact", verdict);
            assert_eq!(of(&flight, 0).words(), format!("not known to be ready: ARTIFACT: {verdict}: seen {verdict}"));
        }
        saw(&mut flight, "front/context", Verdict::Fail);
        assert_eq!(of(&flight, 0).words(), "not ready: CONTEXT: seen fail (and 1 more)");
        assert_eq!(of(&flight, 1).light, Light::Unasked, "the other has no checks");
    }

    #[test]
    fn what_was_seen_before_a_console_went_is_not_known_when_another_comes() {
        let mut flight = Flight::of(asked());
        capture(&mut flight, "previous");
        saw(&mut flight, "front/context", Verdict::Pass);
        saw(&mut flight, "front/artifact", Verdict::Fail);
        flight.now = flight.now.plus(Duration::from_secs(60));
        let returned = Event::ConsoleReturned { clean: false, t: 0 };
        flight.record(flight.now, Actor::engine(), returned);
        let told = of(&flight, 0);
        assert_eq!(told.light, Light::NotReady, "silence turns no failure into anything better");
        assert_eq!(
            told.why,
            ["ARTIFACT: seen fail", "CONTEXT: not looked at since the console came back"].map(str::to_owned)
        );
        saw(&mut flight, "front/context", Verdict::Pass);
        saw(&mut flight, "front/artifact", Verdict::Pass);
        assert_eq!(of(&flight, 0).light, Light::Ready);
    }

    #[test]
    fn a_value_it_goes_back_to_is_part_of_it_and_another_rollbacks_is_not() {
        let mut flight = Flight::of(asked());
        saw(&mut flight, "front/context", Verdict::Pass);
        saw(&mut flight, "front/artifact", Verdict::Pass);
        assert_eq!(of(&flight, 0).words(), "not known to be ready: baseline value previous is not captured");
        let blocks = machine_blocks(&flight.board, flight.now);
        assert!(blocks.contains(&"baseline value previous is not captured: rollback front goes back to it".to_owned()));
        assert!(blocks.iter().any(|block| block.starts_with("baseline value other is not captured")), "{blocks:?}");
        capture(&mut flight, "previous");
        assert_eq!(of(&flight, 0).light, Light::Ready);
    }

    #[test]
    fn go_waits_for_every_rollback_that_asks_and_the_rollback_waits_for_none() {
        let mut flight = Flight::of(asked());
        let about = |flight: &Flight| -> Vec<String> {
            let blocks = machine_blocks(&flight.board, flight.now).into_iter();
            blocks.filter(|block| block.starts_with("rollback")).collect()
        };
        assert_eq!(
            about(&flight),
            ["rollback front is not known to be ready: CONTEXT: not looked at yet (and 1 more)"].map(str::to_owned)
        );
        saw(&mut flight, "front/artifact", Verdict::Pass);
        saw(&mut flight, "front/context", Verdict::Fail);
        assert_eq!(about(&flight), ["rollback front is not ready: CONTEXT: seen fail"].map(str::to_owned));
        for role in ["backend", "lead"] {
            flight.command(Command::Vote { poll: None, role: role.into(), vote: Vote::Go }).expect("a vote");
        }
        assert!(!tally(&flight.board, flight.now).is_go());
        saw(&mut flight, "front/context", Verdict::Pass);
        assert_eq!(about(&flight), Vec::<String>::new());
        saw(&mut flight, "front/context", Verdict::Fail);
        let roll_back = Command::Rollback { rollback: "front".into(), why: "bad".into() };
        flight.command(roll_back).expect("the light warns, and never stands in the way");
    }
}
