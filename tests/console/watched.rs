//! A plan that is watched: signals, objectives, triggers, and boards where they stand in every way.

use std::collections::BTreeMap;
use std::time::Duration;

use tminus::launch::board::Board;
use tminus::launch::event::{Actor, Event, Mode};
use tminus::launch::id::{ObjectiveId, TriggerId};
use tminus::launch::live::SignalView;
use tminus::launch::objective::{Counts, Measured, ObjectiveState, Round};
use tminus::launch::plan::{Beside, Condition, FireMode, Objective, Plan, Signal, SignalSource, Trigger};
use tminus::launch::threshold::{Dimension, Threshold, Unit};
use tminus::launch::time::{Instant, Mark};
use tminus::launch::trigger::{Stage, TriggerState};
use tminus::launch::verdict::Verdict;

use super::{SPEC, Story, plan, under_way_of, wall};

pub fn signal(id: &str, unit: &str) -> Signal {
    Signal {
        id: id.into(),
        title: format!("Signal {id}"),
        source: SignalSource::Asked(SPEC),
        unit: Unit::parse(unit).unwrap_or_else(|_| Unit::base(Dimension::Plain)),
        counter: false,
        every: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        stale_after: Duration::from_secs(30),
        baseline: Vec::new(),
    }
}

pub fn objective(id: &str, title: &str, signal: &str, that: &str) -> Objective {
    Objective {
        id: id.into(),
        title: title.into(),
        signal: signal.into(),
        beside: Beside::Nothing,
        that: Threshold::parse(that).expect("a threshold"),
        window: Duration::from_secs(30),
        min_samples: 100,
        stale_after: Duration::from_secs(30),
        evaluate_every: Duration::from_secs(10),
        unknown_for: Duration::from_secs(120),
    }
}

pub fn trigger(id: &str, when: Condition, then: &str, mode: FireMode) -> Trigger {
    Trigger {
        id: id.into(),
        title: format!("Trigger {id}"),
        when,
        lasts: Duration::from_secs(120),
        recovers_after: Duration::from_secs(300),
        then: then.into(),
        mode,
        armed_from: Some(Mark(7_000_000)),
        armed_until: Some(Mark(-1_800_000)),
    }
}

/// Two signals, three objectives, four triggers over the plan of [`plan`].
pub fn watched_plan() -> Plan {
    let on = |id: &str| Condition::Objective(id.into());
    let auto = FireMode::Auto { veto: Duration::from_secs(10) };
    Plan {
        signals: vec![signal("traffic", ""), signal("latency", "ms")],
        objectives: vec![
            objective("errors", "Error rate of the canary", "monitor.api", "error_rate <= 5%"),
            objective("p95", "Slowest answers", "latency", "p95 <= 1.5s"),
            objective("orders", "Orders still come", "traffic", ">= 40"),
        ],
        triggers: vec![
            trigger("canary-errors", on("errors"), "frontend", auto),
            trigger("slow", on("p95"), "database", FireMode::Ask),
            Trigger { armed_from: Some(Mark::T0), ..trigger("late", on("orders"), "frontend", FireMode::Ask) },
            Trigger {
                armed_from: None,
                armed_until: None,
                ..trigger("by-eye", Condition::Manual, "frontend", FireMode::Ask)
            },
        ],
        ..plan()
    }
}

pub fn counts(second: i64, against: u64, of: u64) -> Counts {
    Counts {
        seen: Measured { of, against, ..Measured::default() },
        newest: Some(Instant((second - 2) * 1000)),
        known: Duration::from_secs(30).into(),
        ..Counts::default()
    }
}

/// What an evaluation of one objective is recorded as.
pub fn evaluated(id: &str, second: i64, counts: Counts) -> Event {
    let counts: BTreeMap<ObjectiveId, Counts> = [(id.into(), counts)].into();
    Event::Evaluated { rounds: vec![Round { at: Instant(second * 1000), counts }] }
}

/// An objective as it is set on a board that nobody folded.
pub fn stands(id: &str, verdict: Verdict, since: i64, why: &str, counts: Counts) -> impl Fn(&mut Board) + 'static {
    let (id, why) = (ObjectiveId::new(id), why.to_owned());
    move |board| {
        let state = ObjectiveState {
            verdict,
            since: Instant(since * 1000),
            untold: None,
            why: why.clone(),
            counts: counts.clone(),
            evaluated_at: Instant(1_810_000),
        };
        board.objectives.insert(id.clone(), state);
    }
}

pub fn stage(id: &str, stage: Stage, held: u64) -> impl Fn(&mut Board) + 'static {
    let id = TriggerId::new(id);
    move |board| {
        let fired = u32::from(stage != Stage::Quiet);
        let state = TriggerState { stage: stage.clone(), held, fired, ..TriggerState::default() };
        board.triggers.insert(id.clone(), state);
    }
}

pub const WHY: &str = "6.1% of 240 for 2m";

/// Its rollback starts `in_seconds` after 30:10.
pub fn auto(in_seconds: i64) -> Stage {
    let at = Instant(1_806_000);
    Stage::Fired { at, why: WHY.into(), starts: Some(Instant(1_810_000 + in_seconds * 1000)) }
}

pub fn asks() -> Stage {
    Stage::Fired { at: Instant(1_769_000), why: "9% of 240 beyond 1.5s for 2m".into(), starts: None }
}

pub fn ana() -> Actor {
    Actor { name: "ana".into(), role: None, scripted: false, recorded_by: None }
}

/// A launch under way at 30:10 whose errors are breached for 1:12, whose latency is well, and whose orders nobody
/// can tell.
pub fn watched(mode: Mode) -> Story {
    watched_of(watched_plan(), mode)
}

pub fn watched_of(plan: Plan, mode: Mode) -> Story {
    let mut story = under_way_of(plan, mode);
    let numbers = |last: f64| (0..40).map(|n| (wall(1_611 + n * 5), last * (1.0 + (n % 7) as f64 / 20.0))).collect();
    let fresh = SignalView { numbers: numbers(41.0), looked: Some(wall(1_808)), ..SignalView::default() };
    let lost = SignalView {
        last_error: Some("no series of {job=\"api\"}".into()),
        looked: Some(wall(1_808)),
        ..SignalView::default()
    };
    story.live.signals = [("traffic".into(), lost), ("latency".into(), fresh)].into();
    story.set(stands("errors", Verdict::Fail, 1_738, "6.1% of 240", counts(1_810, 15, 240)));
    story.set(stands("p95", Verdict::Pass, 600, "2.1% of 240 beyond 1.5s", counts(1_810, 5, 240)));
    let nothing = Counts { newest: None, known: Duration::from_secs(12).into(), ..counts(1_810, 0, 0) };
    story.set(stands("orders", Verdict::Unknown, 1_769, "no data", nothing));
    story.set(stage("canary-errors", Stage::Quiet, 72_000));
    story
}
