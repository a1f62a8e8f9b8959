//! A random walk: four numbers drawn by chance become an input that could come at this board. It asks the
//! board what runs and what there is, and nothing of what is allowed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tminus::base::source::Source;
use tminus::engine::crew;
use tminus::engine::dispatch::Dispatch;
use tminus::engine::time::{Axis, Reader};
use tminus::launch::ballot;
use tminus::launch::board::{Board, Progress};
use tminus::launch::command::{Command, Input, Observation};
use tminus::launch::event::{Actor, Event, Mode, Recorded, RollbackEnd, RollbackFact, Vote};
use tminus::launch::id::{Attempt, ItemId, TriggerId};
use tminus::launch::objective::{Counts, Measured, Round, Span};
use tminus::launch::plan::{Act, Plan};
use tminus::launch::schedule;
use tminus::launch::time::{Instant, Mark};
use tminus::launch::trigger::{TriggerState, starting};
use tminus::launch::verdict::{Outcome, Report, Verdict};
use tminus::plan::diff::amendment;
use tminus::plan::{Environment, Options, load};

/// What every set of walks must come by.
pub const REACHED: &[&str] = &[
    "Passed",
    "HoldCalled",
    "HoldReleased",
    "Resumed",
    "CaughtUp",
    "Recycled",
    "Scrubbed",
    "CutOff",
    "Frozen",
    "Thawed",
    "PhaseOpened",
    "GatePassed",
    "ItemStarted",
    "ItemEnded",
    "StepIntended",
    "StepEnded",
    "StepMarked",
    "StepUndone",
    "RepeatOrdered",
    "Attested",
    "Waived",
    "Acknowledged",
    "Voted",
    "VoteVoided",
    "PollDecided",
    "CriterionChanged",
    "CriterionJudged",
    "CriterionWaived",
    "Noted",
    "RollbackRequested",
    "RollbackTold",
    "ConsoleReturned",
    "RequestDecided",
    "Evaluated",
    "TriggerFired",
    "TriggerVetoed",
    "TriggerAcknowledged",
    "PlanAmended",
    "Slept",
    "LaunchEnded",
];

/// What one step gave in, and what came of it.
pub struct Step {
    pub input: Option<Input>,
    pub refused: bool,
    pub records: Vec<Recorded>,
}

pub struct Walk {
    dispatch: Dispatch,
    axis: Axis,
    boot: Arc<Mutex<i64>>,
    requests: u32,
    left: bool,
    /// The text of each plan that it may be amended to, the one that it was opened with among them.
    texts: Vec<(String, Arc<Plan>)>,
    /// The records before the first step.
    pub opening: Vec<Recorded>,
}

/// The name of an event's kind.
pub fn name(event: &Event) -> &'static str {
    let debug = format!("{event:?}");
    let end = debug.find([' ', '(', '{']).unwrap_or(debug.len());
    tminus::journal::wire::TYPES.iter().find(|name| **name == &debug[..end]).copied().unwrap_or("unknown")
}

impl Walk {
    pub fn new() -> Self {
        let boot = Arc::new(Mutex::new(0_i64));
        let read = Arc::clone(&boot);
        let start = chrono::DateTime::parse_from_rfc3339("2026-01-30T12:00:00Z").expect("a time").to_utc();
        let reader: Reader = Arc::new(move || {
            let boot = *read.lock().expect("one thread");
            (boot, start + chrono::TimeDelta::milliseconds(boot))
        });
        let texts = texts();
        let plan = Arc::clone(&texts[0].1);
        let axis = Axis::new(reader, Instant(0));
        let opened = Event::LaunchOpened {
            plan: plan.id.clone(),
            plan_hash: plan.hash.clone(),
            mode: Mode::Launch,
            start: plan.clock.start,
            release: plan.release.clone(),
            target: None,
        };
        let mut dispatch = Dispatch::new(Board::new(plan));
        texts.iter().for_each(|(_, plan)| dispatch.learn(plan));
        let opening = dispatch.state(opened, Actor::engine(), axis.now()).into_records();
        dispatch.commit();
        Self { dispatch, axis, boot, requests: 0, left: false, texts, opening }
    }

    /// Past T-0, by a crew that does all that is asked of it and a world where all is well: from there on the walk
    /// is among steps.
    pub fn flown() -> Self {
        let mut walk = Self::new();
        let well = Observation::MonitorChanged { monitor: "api".into(), verdict: Verdict::Pass, why: "up".into() };
        let step = walk.turn(Some(Input::Observation(well)));
        walk.opening.extend(step.records);
        for _ in 0..500 {
            if walk.board().clock.as_ref().is_some_and(|clock| clock.t0.is_some()) {
                break;
            }
            let mut running = walk.board().items.iter().filter(|(_, state)| state.is_running());
            let answer = running.find_map(|(id, state)| {
                let (item, attempt) = (id.clone(), state.attempt?);
                match walk.board().plan.item(id)?.act {
                    Act::Check(_) => {
                        let report = Report::plain(Verdict::Pass, "seen", Duration::from_millis(5));
                        Some(Observation::CheckEnded { item, attempt, report })
                    }
                    Act::Step { .. } => {
                        let outcome = Outcome { exit: Some(0), ..Outcome::default() };
                        Some(Observation::StepEnded { item, attempt, verdict: Verdict::Pass, outcome })
                    }
                    _ => None,
                }
            });
            let now = walk.axis.now().instant;
            let step = match (answer, crew::next(walk.board(), now, None, false)) {
                (Some(answer), _) => walk.turn(Some(Input::Observation(answer))),
                (None, Some(command)) => walk.turn(Some(Input::Command { by: crew::actor(), command })),
                (None, None) => walk.wait(0, 2),
            };
            walk.opening.extend(step.records);
        }
        walk
    }

    /// A board that knows every plan, with nothing on it.
    pub fn afresh(&self) -> Board {
        self.board().revisions.afresh().expect("it was opened with one")
    }

    pub fn board(&self) -> &Board {
        self.dispatch.published()
    }

    /// One thing happens.
    pub fn step(&mut self, [what, a, b, c]: [u16; 4]) -> Step {
        if self.left {
            self.left = false;
            self.pass(i64::from(a) * [1, 100, 5_000][usize::from(b) % 3]);
            let t = self.board().clock.as_ref().map_or(0, |clock| clock.t);
            return self.state(Event::ConsoleReturned { clean: true, t });
        }
        // The loop's part, though not always at once.
        let now = self.axis.now().instant;
        if let Some((_, rollback, why)) = starting(self.board(), now).filter(|_| !what.is_multiple_of(4)) {
            let command = Command::Rollback { rollback, why };
            return self.turn(Some(Input::Command { by: Actor::engine(), command }));
        }
        match what % 100 {
            0..14 => self.wait(a, b),
            // A crew that wants to get on, so that walks get past T-0.
            14..40 => {
                let now = self.axis.now().instant;
                let command = match crew::next(self.board(), now, None, false) {
                    Some(Command::Leave | Command::End { .. } | Command::Scrub { .. }) | None => {
                        return self.wait(a, b % 5);
                    }
                    Some(command) => command,
                };
                self.turn(Some(Input::Command { by: crew::actor(), command }))
            }
            40..55 => {
                let input = self.observed(a, b, c);
                self.turn(input)
            }
            55..57 => {
                let gap = Duration::from_millis(2_500 + u64::from(a) * 50);
                self.pass(i64::try_from(gap.as_millis()).expect("short"));
                self.turn(Some(Input::Observation(Observation::Slept { gap })))
            }
            57..59 => {
                let t =
                    self.board().clock_at(self.axis.now().instant).map_or(0, |clock| clock.t) + i64::from(b % 1_000);
                self.pass(i64::from(a) * 10);
                self.state(Event::ConsoleReturned { clean: false, t })
            }
            59..66 => {
                let command = self.command(a, b, c);
                self.requests += 1;
                let (asked_at, age) = (self.axis.now().wall, Duration::from_secs(u64::from(c % 90)));
                let id = format!("{:032x}", if b % 9 == 0 { 1 } else { self.requests }).as_str().into();
                let by = self.somebody(c);
                self.turn(Some(Input::Request { id, by, command, asked_at, age }))
            }
            _ => {
                let (by, command) = (self.somebody(c), self.command(a, b, c));
                self.left = command == Command::Leave;
                let step = self.turn(Some(Input::Command { by, command }));
                self.left &= !step.refused;
                step
            }
        }
    }

    fn pass(&self, ms: i64) {
        *self.boot.lock().expect("one thread") += ms;
    }

    /// A moment, a minute, to just at or before or after the next thing, or hours.
    fn wait(&mut self, a: u16, b: u16) -> Step {
        let now = self.axis.now().instant;
        let next = schedule::next_at(self.board(), now).map_or(1_000, |at| at.0 - now.0);
        self.pass(match b % 8 {
            0 => i64::from(a % 2_000),
            1 => i64::from(a) * 2,
            2..5 => next,
            5 => (next - 1).max(0),
            6 => next + 1,
            _ => i64::from(a) * 60,
        });
        self.turn(None)
    }

    fn state(&mut self, event: Event) -> Step {
        let now = self.axis.now();
        let records = self.dispatch.state(event, Actor::engine(), now).into_records();
        self.dispatch.commit();
        Step { input: None, refused: false, records }
    }

    fn turn(&mut self, input: Option<Input>) -> Step {
        let now = self.axis.now();
        let inputs: Vec<Input> = input.iter().cloned().collect();
        let turn = self.dispatch.turn(&inputs, now);
        self.dispatch.commit();
        let refused = turn.answers.first().is_some_and(Result::is_err);
        Step { input, refused, records: turn.into_records() }
    }

    fn somebody(&self, dice: u16) -> Actor {
        let roles = &self.board().plan.roles;
        match usize::from(dice / 7) % (roles.len() + 3) {
            at if at < roles.len() => Actor::person(format!("person of {}", roles[at].id), Some(roles[at].id.clone())),
            at if at == roles.len() => Actor::person("stranger", Some("nobody".into())),
            _ => Actor::person("olga", None),
        }
    }

    fn item(&self, dice: u16) -> ItemId {
        let items = &self.board().plan.items;
        items.keys().nth(usize::from(dice) % items.len()).expect("one").clone()
    }

    /// A step: one whose end nobody knows before one that failed before any.
    fn acted(&self, dice: u16) -> ItemId {
        let board = self.board();
        let is_step = |id: &&ItemId| matches!(board.plan.item(id).map(|item| &item.act), Some(Act::Step { .. }));
        let steps: Vec<&ItemId> = board.items.keys().filter(is_step).collect();
        let came_to = |wanted: Verdict| {
            let is = move |id: &&&ItemId| {
                let progress = board.item(id).map(|state| &state.progress);
                matches!(progress, Some(Progress::Ended { verdict, .. }) if *verdict == wanted)
            };
            steps.iter().find(is)
        };
        let of = came_to(Verdict::Unknown).or_else(|| came_to(Verdict::Fail));
        (*of.unwrap_or(&steps[usize::from(dice) % steps.len()])).clone()
    }

    /// Mostly of what runs; sometimes of what does not, or not any more.
    fn observed(&self, a: u16, b: u16, c: u16) -> Option<Input> {
        let board = self.board();
        let seen = |observation| Some(Input::Observation(observation));
        if let Some(run) = board.rolling_back().filter(|_| c.is_multiple_of(3)) {
            let rollback = board.plan.rollback(&run.id).expect("known");
            let step = rollback.steps[usize::from(a) % rollback.steps.len()].id.clone();
            let fact = match b % 5 {
                0 => RollbackFact::Started { pid: 9 },
                1 => RollbackFact::StepStarted { step },
                2 => RollbackFact::StepEnded { step, verdict: Verdict::Pass, outcome: outcome(0) },
                3 => RollbackFact::Ended { end: RollbackEnd::Verified, took: Duration::from_secs(5) },
                _ => RollbackFact::Ended {
                    end: RollbackEnd::FailedAtStep { step, why: "exit 1".into(), by_hand: String::new() },
                    took: Duration::from_secs(5),
                },
            };
            return seen(Observation::RollbackTold { run: run.run, fact });
        }
        if c.is_multiple_of(7) {
            let now = self.axis.now().instant.0;
            return seen(Observation::Evaluated { rounds: rounds(now, a, b) });
        }
        if c.is_multiple_of(11) {
            // Mostly well: what is down stands against every GO.
            let verdict =
                if a.is_multiple_of(20) { Verdict::ALL[usize::from(b) % Verdict::ALL.len()] } else { Verdict::Pass };
            return seen(Observation::MonitorChanged { monitor: "api".into(), verdict, why: "so".into() });
        }
        let running: Vec<&ItemId> =
            board.items.iter().filter(|(_, state)| state.is_running()).map(|(item, _)| item).collect();
        let id = match running.get(usize::from(a) % running.len().max(1)) {
            Some(id) if !c.is_multiple_of(13) => (*id).clone(),
            _ => self.item(a),
        };
        let state = board.item(&id).expect("known");
        let attempt =
            if c.is_multiple_of(17) { Attempt(u32::from(b % 4)) } else { state.attempt.unwrap_or(Attempt(1)) };
        let verdict = match b % 30 {
            0 => Verdict::Fail,
            1 => Verdict::Unknown,
            2 => Verdict::Warn,
            3 => Verdict::Skipped,
            _ => Verdict::Pass,
        };
        match board.plan.item(&id).expect("known").act {
            Act::Check(_) => {
                let report = Report::plain(verdict, "seen", Duration::from_millis(5));
                seen(Observation::CheckEnded { item: id, attempt, report })
            }
            Act::Step { .. } if matches!(state.progress, Progress::Intended { .. }) && b.is_multiple_of(2) => {
                seen(Observation::StepStarted { item: id, attempt, pid: 7 })
            }
            Act::Step { .. } => {
                let verdict = if b % 4 == 2 { Verdict::Unknown } else { verdict };
                let verdict = if verdict == Verdict::Skipped { Verdict::Fail } else { verdict };
                let lost = Outcome { error: Some("its shim died without a word".into()), ..Outcome::default() };
                let outcome =
                    if verdict == Verdict::Unknown { lost } else { outcome(i32::from(verdict != Verdict::Pass)) };
                seen(Observation::StepEnded { item: id, attempt, verdict, outcome })
            }
            _ => None,
        }
    }

    fn command(&self, a: u16, b: u16, c: u16) -> Command {
        let board = self.board();
        let why = || if c.is_multiple_of(23) { "  ".to_owned() } else { "because".to_owned() };
        let item = self.item(b);
        let roles = &board.plan.roles;
        // Mostly who is asked: the director votes last.
        let asked = ballot::asked(board, None).filter(|_| !b.is_multiple_of(4)).cloned();
        let role = asked.unwrap_or_else(|| roles[usize::from(b) % roles.len()].id.clone());
        let latch = || {
            let latches = board.clock.iter().flat_map(|clock| clock.latches.keys());
            let all: Vec<&String> = latches.collect();
            all.get(usize::from(b) % all.len().max(1)).map_or_else(|| "nobody".to_owned(), ToString::to_string)
        };
        match a % 64 {
            0..8 => Command::RunItem { item },
            8..10 => Command::Cancel { item },
            10..14 => Command::Attest { item, note: why(), passed: !c.is_multiple_of(5) },
            14..18 => Command::MarkStep { item: self.acted(b), passed: c.is_multiple_of(2), reason: why() },
            18..24 => Command::Repeat { item: self.acted(b), reason: why() },
            24..28 => Command::Waive { item, reason: why(), lasts: Duration::from_secs(60 * u64::from(c)) },
            28 => self.amends(b, why()),
            29 | 30 => Command::Acknowledge { item },
            31 | 32 => self.on_trigger(b, c, why()),
            33 => Command::CallHold { why: why() },
            34..38 => Command::ReleaseHold { who: latch() },
            38..44 => Command::Resume,
            44 => Command::CatchUp,
            45 => Command::Recycle { mark: if b.is_multiple_of(3) { Mark(5) } else { Mark(1_800_000) } },
            46 if c.is_multiple_of(13) => Command::Scrub { why: why() },
            47 if c.is_multiple_of(13) => Command::CutOff { why: why() },
            48 => Command::Freeze { why: why() },
            49 | 50 => Command::Thaw { why: why() },
            51..57 => Command::Vote {
                poll: None,
                role,
                vote: match c % 16 {
                    0 => Vote::NoGo { reason: why() },
                    1 => Vote::GoWithWaiver { reason: why() },
                    _ => Vote::Go,
                },
            },
            57 => Command::note(why()),
            58 if c.is_multiple_of(3) => {
                let rollback = if b.is_multiple_of(3) { "other" } else { "back" };
                Command::Rollback { rollback: rollback.into(), why: why() }
            }
            59 => Command::RunPhase { phase: board.plan.phases[usize::from(b) % board.plan.phases.len()].id.clone() },
            60 => Command::Leave,
            61 if c.is_multiple_of(37) => Command::End { why: why() },
            46 | 47 | 62 => self.on_criterion(b, c, why()),
            63 if c.is_multiple_of(2) => Command::Sign { item: "sign-off".into(), role, note: why() },
            63 => Command::Vote { poll: Some("second-go".into()), role, vote: Vote::Go },
            _ if c.is_multiple_of(2) => {
                Command::MarkStep { item: self.acted(b), passed: b.is_multiple_of(2), reason: why() }
            }
            _ => Command::Resume,
        }
    }

    /// Mostly of one that rings.
    fn on_trigger(&self, b: u16, c: u16, why: String) -> Command {
        let board = self.board();
        let all = || board.plan.triggers.iter().map(|trigger| &trigger.id);
        let rings = |id: &&TriggerId| board.triggers.get(*id).is_some_and(TriggerState::rings);
        let known: Vec<&TriggerId> = all().filter(|id| b.is_multiple_of(5) || rings(id)).collect();
        let some = known.get(usize::from(c) % known.len().max(1)).map_or("nothing".into(), |id| (*id).clone());
        match b % 4 {
            0 => Command::Veto { trigger: some, why },
            1 | 2 => Command::AcknowledgeTrigger { trigger: some },
            _ => {
                let trigger = all().nth(usize::from(c) % all().count().max(1)).cloned().unwrap_or(some);
                Command::FireTrigger { trigger, why }
            }
        }
    }

    /// To another plan, now and then to the one that it goes by or compared with one that it does not go by.
    fn amends(&self, b: u16, reason: String) -> Command {
        let hash = &self.board().plan.hash;
        let (text, plan) = &self.texts[usize::from(b) % self.texts.len()];
        let goes_by = self.texts.iter().find(|(_, known)| known.hash == *hash).filter(|_| !b.is_multiple_of(16));
        let from = goes_by.map_or(text, |(text, _)| text);
        Command::Amend { amendment: Ok(amendment(from, text, plan)), reason }
    }

    fn on_criterion(&self, b: u16, c: u16, why: String) -> Command {
        let all = &self.board().plan.criteria;
        let criterion = all[usize::from(b) % all.len()].id.clone();
        match c % 4 {
            0 => {
                let lasts = Duration::from_secs(u64::from(c % 600));
                Command::WaiveCriterion { criterion, reason: why, lasts }
            }
            _ => Command::Judge { criterion: "way-back".into(), met: !b.is_multiple_of(7), note: why },
        }
    }
}

/// The plan of the walk, and what it may be amended to: other words, another question, a trigger less.
fn texts() -> Vec<(String, Arc<Plan>)> {
    let first = include_str!("launch.toml");
    let edits = [
        ("title = \"Random walk\"", "title = \"Another walk\""),
        ("min_samples = 20", "min_samples = 40"),
        ("id = \"asks\"", "id = \"asks-too\""),
        ("for = \"20s\"", "for = \"40s\""),
    ];
    let edited = |(from, to): (&str, &str)| {
        assert!(first.contains(from), "{from}");
        first.replacen(from, to, 1)
    };
    let texts = std::iter::once(first.to_owned()).chain(edits.map(edited));
    let read = |text: String| {
        let source = Source::new("launch.toml", text.clone());
        let loaded = load(source.clone(), &Environment::default(), &Options::default());
        let plan = loaded.map_err(|wrong| panic!("{}", source.render(&wrong, false))).map(|loaded| loaded.plan);
        (text, Arc::new(plan.expect("sound")))
    };
    texts.map(read).collect()
}

/// What the windows up to now came to: all well, all bad or nothing at all, over some minutes or less; now and then
/// told again, or of a time to come.
fn rounds(now: i64, a: u16, b: u16) -> Vec<Round> {
    let percent = [Some(0), Some(0), Some(0), Some(0), Some(9), None][usize::from(a) % 6];
    let last = now.div_euclid(10_000) + if b.is_multiple_of(17) { 30 } else { 0 };
    let first = last - i64::from(b % 20);
    let round = |place: i64| {
        let at = Instant(place * 10_000);
        let seen = percent.map_or(Measured::default(), |against| Measured { of: 100, against, ..Measured::default() });
        let newest = percent.map(|_| Instant(at.0 - 1_000));
        let counts = Counts { seen, newest, known: Span(60_000), ..Counts::default() };
        Round { at, counts: [("errors".into(), counts)].into() }
    };
    (first..=last).map(round).collect()
}

fn outcome(exit: i32) -> Outcome {
    Outcome { exit: Some(exit), took: Duration::from_secs(1), ..Outcome::default() }
}
