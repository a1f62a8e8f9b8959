//! A small plan for tests: two gates, a step, a human task, a poll, a hold, two rollbacks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::board::Board;
use super::command::{Command, Input, Observation};
use super::decide::decide;
use super::event::{Actor, Event, Mode, Recorded, Vote};
use super::id::{Attempt, ItemId, PhaseId};
use super::plan::{
    Act, Beside, BuiltInHold, Class, Confirm, Item, Monitor, Objective, OnFail, Phase, Plan, Power, Role, Rollback,
    RollbackStep, Second, SpecId, Verify,
};
use super::schedule;
use super::threshold::Threshold;
use super::time::{Instant, Mark, Wall};
use super::verdict::{Finding, Outcome, Report, Verdict};

pub const MINUTE: i64 = 60_000;

pub fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

fn item(plan: &mut Plan, phase: &str, id: &str, act: Act, needs: &[&str]) {
    let at = plan.phase(&phase.into()).map_or(Mark::T0, |phase| phase.at);
    let item = Item {
        id: id.into(),
        title: id.to_uppercase(),
        why: String::new(),
        phase: phase.into(),
        kind: "http",
        act,
        at,
        needs: needs.iter().map(ItemId::new).collect(),
        target: None,
        session: None,
        timeout: Duration::from_secs(10),
        retries: 0,
        valid_for: None,
        allow_skipped: false,
        auto: false,
        on_fail: OnFail::Block,
        on_preempt: super::plan::OnPreempt::Leave,
        expects: Vec::new(),
        when: None,
        every: None,
        baseline: Vec::new(),
    };
    plan.items.insert(item.id.clone(), item);
    if let Some(phase) = plan.phases.iter_mut().find(|known| known.id.as_str() == phase) {
        phase.items.push(id.into());
    }
}

/// gate-a (T-60m): health, login → chat. gate-b (T-30m): attest. hold T-10m with the poll. rollout (T-0):
/// cut (once), after (T-0, needs cut). late (T+30m): look.
pub fn plan() -> Plan {
    let phase = |id: &str, at: i64, gate: bool| Phase {
        id: id.into(),
        title: id.to_owned(),
        at: Mark(at * MINUTE),
        gate,
        needs: Vec::new(),
        items: Vec::new(),
    };
    let mut plan = Plan { id: "sample".into(), title: "Sample".into(), hash: "hash".into(), ..Plan::default() };
    plan.phases = vec![
        phase("gate-a", 60, true),
        phase("gate-b", 30, true),
        phase("rollout", 0, false),
        phase("late", -30, false),
    ];
    plan.clock.start = 60 * MINUTE;
    let hold = BuiltInHold { at: Mark(10 * MINUTE), length: minutes(10), title: "Final poll".into(), poll: true };
    plan.clock.holds = vec![hold];
    plan.clock.recycle = BTreeSet::from([Mark(30 * MINUTE)]);
    let check = |spec| Act::Check(SpecId(spec));
    item(&mut plan, "gate-a", "health", check(0), &[]);
    item(&mut plan, "gate-a", "login", check(1), &[]);
    item(&mut plan, "gate-a", "chat", check(2), &["login"]);
    item(&mut plan, "gate-b", "attest", Act::Manual { role: None, second: Second::None }, &[]);
    item(
        &mut plan,
        "rollout",
        "cut",
        Act::Step { spec: SpecId(3), class: Class::Once, confirm: Confirm::Key, second: Second::None },
        &[],
    );
    item(&mut plan, "rollout", "after", check(4), &["cut"]);
    item(&mut plan, "late", "look", check(5), &[]);
    let role = |id: &str, may: &[Power]| Role {
        id: id.into(),
        title: id.to_owned(),
        people: Vec::new(),
        votes: true,
        may: may.iter().copied().collect(),
    };
    plan.roles = vec![role("backend", &[]), role("lead", &[Power::Resume, Power::Waive, Power::Abort])];
    plan.poll = vec!["backend".into(), "lead".into()];
    let rollback = |id: &str, key| Rollback {
        id: id.into(),
        title: id.to_owned(),
        key,
        deadline: minutes(30),
        confirm: Confirm::Key,
        steps: vec![RollbackStep {
            id: ItemId::new(format!("{id}/redeploy")),
            title: "redeploy".into(),
            spec: SpecId(6),
            class: Class::Idempotent,
            timeout: minutes(5),
            by_hand: "redeploy by hand".into(),
            needs_approval: None,
            fallback: None,
        }],
        verify: vec![Verify {
            id: ItemId::new(format!("{id}/version")),
            title: "version".into(),
            spec: SpecId(7),
            timeout: Duration::from_secs(10),
            within: minutes(1),
            lasts: Duration::ZERO,
        }],
        uses: Vec::new(),
    };
    plan.rollbacks = vec![rollback("front", '1'), rollback("all", '2')];
    plan
}

/// A launch under test: decides, follows and folds like the loop, without it.
pub struct Flight {
    pub board: Board,
    pub records: Vec<Recorded>,
    pub now: Instant,
}

/// One that looks every second, whose fourth failure in a row counts.
pub fn monitor(id: &str) -> Monitor {
    Monitor {
        id: id.into(),
        title: id.to_owned(),
        spec: SpecId(8),
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        fails_after: 3,
        items: Vec::new(),
        ready_for: None,
    }
}

/// On the looks of the monitor `api`, over half a minute, evaluated every ten seconds.
pub fn objective(id: &str, that: &str) -> Objective {
    Objective {
        id: id.into(),
        title: id.to_owned(),
        signal: "monitor.api".into(),
        beside: Beside::Nothing,
        that: Threshold::parse(that).expect("a threshold"),
        window: Duration::from_secs(30),
        min_samples: 1,
        stale_after: Duration::from_secs(30),
        evaluate_every: Duration::from_secs(10),
        unknown_for: Duration::from_secs(60),
    }
}

impl Flight {
    /// After T-0, with all of [`plan`] done but its last item.
    pub fn lifted(plan: Plan) -> Self {
        let mut flight = Self::of(plan);
        for item in ["health", "login", "chat"] {
            flight.answer(item, Verdict::Pass);
        }
        flight.pass(minutes(30));
        flight.command(Command::Attest { item: "attest".into(), note: "ok".into(), passed: true }).expect("attested");
        flight.pass(minutes(30));
        for role in ["backend", "lead"] {
            flight.command(Command::Vote { poll: None, role: role.into(), vote: Vote::Go }).expect("votes");
        }
        flight.command(Command::Resume).expect("GO");
        flight.pass(minutes(10));
        flight.command(Command::RunItem { item: "cut".into() }).expect("runs");
        let outcome = Outcome { exit: Some(0), ..Outcome::default() };
        let ended = Observation::StepEnded { item: "cut".into(), attempt: Attempt(1), verdict: Verdict::Pass, outcome };
        flight.input(&Input::Observation(ended)).expect("no refusal");
        flight.answer("after", Verdict::Pass);
        flight.pass(minutes(30));
        flight
    }

    pub fn of(plan: Plan) -> Self {
        let start = plan.clock.start;
        let mut flight = Self { board: Board::new(Arc::new(plan)), records: Vec::new(), now: Instant(0) };
        let opened = Event::LaunchOpened {
            plan: "sample".into(),
            plan_hash: "hash".into(),
            mode: Mode::Launch,
            start,
            release: super::plan::Release::default(),
            target: None,
        };
        flight.record(Instant(0), Actor::engine(), opened);
        flight.follow();
        flight
    }

    pub fn record(&mut self, at: Instant, actor: Actor, event: Event) {
        let (seq, wall) = (self.board.seq + 1, Wall::default());
        let record = Recorded { seq, at, occurred_at: wall, recorded_at: wall, actor, event };
        self.board.apply(&record);
        self.records.push(record);
    }

    pub fn follow(&mut self) {
        for _ in 0..1000 {
            let events = schedule::follow(&self.board, self.now, self.board.in_flight());
            if events.is_empty() {
                return;
            }
            for (at, event) in events {
                self.record(at, Actor::engine(), event);
            }
        }
        panic!("the schedule does not settle: {:?}", self.records.last());
    }

    /// Time passes.
    pub fn pass(&mut self, span: Duration) {
        self.now = self.now.plus(span);
        self.follow();
    }

    pub fn input(&mut self, input: &Input) -> Result<(), String> {
        let actor = match input {
            Input::Command { by, .. } => by.clone(),
            _ => Actor::engine(),
        };
        let events = decide(&self.board, input, self.now).map_err(|refusal| refusal.0)?;
        for event in events {
            self.record(self.now, actor.clone(), event);
        }
        self.follow();
        Ok(())
    }

    pub fn command(&mut self, command: Command) -> Result<(), String> {
        self.input(&Input::Command { by: Actor::person("ada", None), command })
    }

    pub fn command_as(&mut self, role: &str, command: Command) -> Result<(), String> {
        self.input(&Input::Command { by: Actor::person("bo", Some(role.into())), command })
    }

    /// The world answers the running attempt of `item`.
    pub fn answer(&mut self, item: &str, verdict: Verdict) {
        let item = ItemId::new(item);
        let attempt = self.board.item(&item).and_then(|state| state.attempt).unwrap_or(Attempt(1));
        let report = report(verdict);
        self.input(&Input::Observation(Observation::CheckEnded { item, attempt, report })).expect("no refusal");
    }

    pub fn opened(&self, phase: &str) -> bool {
        self.board.phases.get(&PhaseId::new(phase)).is_some_and(|state| state.opened.is_some())
    }
}

pub fn report(verdict: Verdict) -> Report {
    let finding = Finding { row: None, subject: "status".into(), expected: "200".into(), seen: "…".into(), verdict };
    Report::of(vec![finding], Duration::from_millis(12))
}
