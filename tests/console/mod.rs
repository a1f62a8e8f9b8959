//! A launch made by hand for the console's tests: a plan, the events that brought it where it stands,
//! and a console over a buffer. The boards are folded, so they are boards that can be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::crossterm::event::{KeyEvent, KeyModifiers};
use tminus::launch::board::Board;
use tminus::launch::event::{Actor, Event, Mode, Recorded, Vote};
use tminus::launch::fault::Offered;
use tminus::launch::id::{Attempt, ItemId};
use tminus::launch::live::{Line, Live, MonitorView, OutputView, Sample, StreamView};
use tminus::launch::plan::{
    Act, BuiltInHold, Class, ClockPlan, Confirm, Item, Monitor, OnFail, Phase, Plan, Release, Role, Rollback,
    RollbackStep, Second, SpecId, Stream, Verify,
};
use tminus::launch::port::{Seat, Snapshot};
use tminus::launch::time::{Instant, Mark, Now, Wall};
use tminus::launch::verdict::{Finding, Outcome, Report, Verdict};
use tminus::ui::keymap::{Key, Keymap};
use tminus::ui::state::Effect;
use tminus::ui::theme::Theme;
use tminus::ui::{Console, Setup};

mod rendered;
pub mod watched;

pub use rendered::rendered;

pub const SPEC: SpecId = SpecId(0);

pub fn wall(seconds: i64) -> Wall {
    let start = DateTime::parse_from_rfc3339("2026-11-20T12:00:00Z").expect("a time").to_utc();
    start + TimeDelta::seconds(seconds)
}

pub fn item(phase: &str, id: &str, title: &str, act: Act) -> Item {
    let at = if phase == "gate-a" { Mark(7_200_000) } else { Mark(5_400_000) };
    let kind = match act {
        Act::Check(_) => "http",
        Act::Step { .. } => "run",
        Act::Manual { .. } => "manual",
        Act::Choice { .. } => "choice",
        Act::Poll { .. } => "poll",
        Act::Signoff { .. } => "signoff",
        Act::Wait { .. } => "wait",
        Act::Soak(_) => "soak",
    };
    Item {
        id: id.into(),
        title: title.into(),
        why: String::new(),
        phase: phase.into(),
        kind,
        act,
        at,
        needs: Vec::new(),
        target: None,
        session: None,
        timeout: Duration::from_secs(10),
        retries: 0,
        valid_for: None,
        allow_skipped: false,
        auto: false,
        on_fail: OnFail::Block,
        on_preempt: Default::default(),
        expects: vec!["status 200".into(), ".status == \"ok\"".into()],
        when: None,
        every: None,
        baseline: Vec::new(),
    }
}

fn role(id: &str, title: &str) -> Role {
    Role { id: id.into(), title: title.into(), people: Vec::new(), votes: true, may: Default::default() }
}

fn rollback(id: &str, key: char, confirm: Confirm) -> Rollback {
    let step = |name: &str, title: &str| RollbackStep {
        id: format!("{id}/{name}").as_str().into(),
        title: title.into(),
        spec: SPEC,
        class: Class::Idempotent,
        timeout: Duration::from_secs(60),
        by_hand: "scale the old deployment up and shift the traffic".into(),
        needs_approval: None,
        fallback: None,
    };
    Rollback {
        id: id.into(),
        title: format!("Bring the last good {id} back"),
        key,
        deadline: Duration::from_secs(1_800),
        confirm,
        steps: vec![step("redeploy", "Redeploy the previous artifact"), step("purge", "Purge the edge")],
        verify: vec![Verify {
            id: format!("{id}/version").as_str().into(),
            title: "The previous version is served".into(),
            spec: SPEC,
            timeout: Duration::from_secs(5),
            within: Duration::from_secs(60),
            lasts: Duration::ZERO,
        }],
        uses: Vec::new(),
    }
}

fn stream(id: &str, title: &str, after: Option<&str>) -> Stream {
    Stream { id: id.into(), title: title.into(), spec: SPEC, session: None, after: after.map(Into::into) }
}

/// Three phases, a poll hold, two monitors, a stream, two rollbacks.
pub fn plan() -> Plan {
    let check = || Act::Check(SPEC);
    let step = |confirm| Act::Step { spec: SPEC, class: Class::Idempotent, confirm, second: Second::None };
    let mut items = vec![
        item("gate-a", "health", "The API is up", check()),
        item("gate-a", "preflight", "CORS preflight matrix", check()),
        item("gate-b", "login", "The smoke account logs in", check()),
        item("gate-b", "stream", "The answer streams in and ends", check()),
        item("gate-b", "sign", "The dashboards look right", Act::Manual { role: None, second: Second::None }),
        item("gate-b", "warm", "Warm the caches", step(Confirm::Key)),
        item("gate-b", "drop", "Drop the old index", step(Confirm::Type)),
        item("cut", "publish", "Publish the release", step(Confirm::Key)),
    ];
    items[2].why = "Everything after this needs a session.".into();
    items[7].at = Mark::T0;
    let of =
        |phase: &str| items.iter().filter(|item| item.phase.as_str() == phase).map(|item| item.id.clone()).collect();
    let phase = |id: &str, title: &str, at: i64, gate: bool| Phase {
        id: id.into(),
        title: title.into(),
        at: Mark(at),
        gate,
        needs: Vec::new(),
        items: of(id),
    };
    let phases = vec![
        phase("gate-a", "Gate A: health", 7_200_000, true),
        phase("gate-b", "Gate B: smoke", 5_400_000, true),
        phase("cut", "Cut the release", 0, false),
    ];
    let monitor = |id: &str| Monitor {
        id: id.into(),
        title: id.into(),
        spec: SPEC,
        every: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        fails_after: 3,
        items: Vec::new(),
        ready_for: None,
    };
    Plan {
        id: "omniai".into(),
        title: "OmniAI v1.0".into(),
        environment: "production".into(),
        clock: ClockPlan {
            start: 7_200_000,
            holds: vec![BuiltInHold {
                at: Mark(600_000),
                length: Duration::from_secs(600),
                title: "Final poll".into(),
                poll: true,
            }],
            recycle: [Mark(1_800_000)].into(),
            no_hold_below: Some(Mark(30_000)),
            ..ClockPlan::default()
        },
        roles: vec![role("lead", "Release lead"), role("security", "Security")],
        poll: vec!["lead".into(), "security".into()],
        phases,
        items: items.into_iter().map(|item| (item.id.clone(), item)).collect::<BTreeMap<_, _>>(),
        monitors: vec![monitor("api"), monitor("web")],
        streams: vec![stream("chat", "chat run", None), stream("log", "server log", Some("login"))],
        rollbacks: vec![rollback("frontend", '1', Confirm::Key), rollback("database", '2', Confirm::Type)],
        ..Plan::default()
    }
}

/// What is set on a board that nobody folded.
type Setting = Box<dyn Fn(&mut Board)>;

/// A launch being told: events with the second they happened at.
pub struct Story {
    plan: Arc<Plan>,
    pub records: Vec<Recorded>,
    pub live: Live,
    pub alarm: Option<String>,
    pub taken_over: Option<String>,
    pub seat: Seat,
    pub faults: Arc<[Offered]>,
    mode: Mode,
    /// What is set on the board beside what was folded.
    set: Vec<Setting>,
}

impl Story {
    pub fn opened(mode: Mode) -> Self {
        Self::of(plan(), mode)
    }

    pub fn of(plan: Plan, mode: Mode) -> Self {
        let (plan, records, seat) = (Arc::new(plan), Vec::new(), Seat::Operator);
        let (faults, set) = (Arc::default(), Vec::new());
        let mut story = Self { plan, records, live: live(), alarm: None, taken_over: None, seat, faults, mode, set };
        let release = Release { version: Some("1.0.0".into()), ..Release::default() };
        let opened = Event::LaunchOpened {
            plan: "omniai".into(),
            plan_hash: "00".into(),
            mode,
            start: story.plan.clock.start,
            release,
            target: None,
        };
        story.at(0, opened);
        story.at(0, Event::PhaseOpened { phase: "gate-a".into() });
        story
    }

    pub fn by(&mut self, actor: Actor, second: i64, event: Event) -> &mut Self {
        let seq = self.records.len() as u64 + 1;
        let at = Instant(second * 1000);
        let (occurred_at, recorded_at) = (wall(second), wall(second));
        self.records.push(Recorded { seq, at, occurred_at, recorded_at, actor, event });
        self
    }

    pub fn at(&mut self, second: i64, event: Event) -> &mut Self {
        self.by(Actor::engine(), second, event)
    }

    pub fn person(&mut self, second: i64, event: Event) -> &mut Self {
        self.by(
            Actor { name: "ana".into(), role: None, scripted: self.mode == Mode::Rehearsal, recorded_by: None },
            second,
            event,
        )
    }

    /// A check that began and ended.
    pub fn check(&mut self, id: &str, second: i64, report: Report) -> &mut Self {
        let item = ItemId::new(id);
        self.at(second, Event::ItemStarted { item: item.clone(), attempt: Attempt(1) });
        self.at(second, Event::ItemEnded { item, attempt: Attempt(1), report })
    }

    pub fn set(&mut self, set: impl Fn(&mut Board) + 'static) -> &mut Self {
        self.set.push(Box::new(set));
        self
    }

    pub fn board(&self) -> Board {
        let mut board = Board::replay(Arc::clone(&self.plan), &self.records);
        self.set.iter().for_each(|set| set(&mut board));
        board
    }

    pub fn snapshot(&self, second: i64) -> Arc<Snapshot> {
        let now = Now { instant: Instant(second * 1000), wall: wall(second) };
        let first = Snapshot::unopened(Arc::clone(&self.plan), Mode::Launch, now, 0, "/launches/omniai".into());
        Arc::new(Snapshot {
            seat: self.seat,
            board: Arc::new(self.board()),
            live: Arc::new(self.live.clone()),
            alarm: self.alarm.clone(),
            taken_over: self.taken_over.clone(),
            faults: Arc::clone(&self.faults),
            ..first
        })
    }
}

/// Gate A passed, gate B under way with a failure, a run, a human task that is due.
pub fn under_way(mode: Mode) -> Story {
    under_way_of(plan(), mode)
}

pub fn under_way_of(plan: Plan, mode: Mode) -> Story {
    let mut story = Story::of(plan, mode);
    let rows = vec![
        Finding::held("preflight", "2xx", "204", true).in_row("https://omniplexity.github.io"),
        Finding::held("access-control-allow-origin", "absent", "absent", true).in_row("https://evil.example.com"),
    ];
    story.check("health", 1, Report::of(vec![Finding::held("status", "200", "200", true)], Duration::from_millis(14)));
    story.check("preflight", 2, Report::of(rows, Duration::from_millis(9)));
    story.at(2, Event::GatePassed { phase: "gate-a".into(), waivers: 0, marked: 0 });
    story.at(1800, Event::PhaseOpened { phase: "gate-b".into() });
    let findings = vec![
        Finding::held("status", "200", "401", false),
        Finding::held("cookie omni_session", "set", "set", true),
        Finding::unknown(
            ".csrf_token | length > 0",
            "true",
            "no such path in {\"error\":\"E2002: the token has rotated\"}",
        ),
    ];
    story.check("login", 1801, Report::of(findings, Duration::from_millis(41)));
    story.at(1802, Event::ItemStarted { item: "stream".into(), attempt: Attempt(1) });
    story.person(1803, Event::Voted { poll: None, role: "lead".into(), vote: Vote::Go, bound: None });
    story.person(1804, Event::noted("dashboards are open"));
    story
}

/// Steps that must not happen twice, in gate B.
const ONCE: [(&str, &str); 4] = [
    ("migrate", "Migrate the schema"),
    ("seed", "Seed the tenants"),
    ("index", "Build the index"),
    ("notify", "Tell the partners"),
];

/// An attempt at a step whose shim told nothing more.
pub fn lost() -> Outcome {
    let error = "its shim died: what the command did, and whether it still runs, is not known";
    Outcome { error: Some(error.into()), ..Outcome::default() }
}

/// The console was killed at 31:40 while five steps were under way, and came back 95 seconds later. One has no
/// outcome, one never ran, one runs on, one ended meanwhile, and one may be repeated.
pub fn crashed() -> Story {
    let mut plan = plan();
    for (id, title) in ONCE {
        let act = Act::Step { spec: SPEC, class: Class::Once, confirm: Confirm::Key, second: Second::None };
        plan.items.insert(id.into(), item("gate-b", id, title, act));
        plan.phases[1].items.push(id.into());
    }
    let mut story = Story::of(plan, Mode::Launch);
    story.at(1800, Event::PhaseOpened { phase: "gate-b".into() });
    let attempt = Attempt(1);
    for id in ["warm", "migrate", "seed", "index", "notify"] {
        story.person(1810, Event::StepIntended { item: id.into(), attempt });
        if id != "seed" {
            story.at(1811, Event::StepStarted { item: id.into(), attempt, pid: 4711 });
        }
    }
    story.person(1995, Event::ConsoleReturned { clean: false, t: 5_300_000 });
    let ended = |item: &str, verdict, outcome| Event::StepEnded { item: item.into(), attempt, verdict, outcome };
    let fenced = Outcome {
        error: Some("its console went before it began; it never ran".into()),
        never_ran: true,
        ..Outcome::default()
    };
    story.at(1995, ended("warm", Verdict::Unknown, lost()));
    story.at(1995, ended("migrate", Verdict::Unknown, lost()));
    story.at(1995, ended("seed", Verdict::Unknown, fenced));
    story.at(1995, Event::StepStarted { item: "index".into(), attempt, pid: 4712 });
    let away = Outcome { ended_at: Some(wall(1950)), ..outcome(0) };
    story.at(1995, ended("notify", Verdict::Pass, away));
    story
}

pub fn live() -> Live {
    let sample =
        |second: i64, millis: u64, verdict| Sample { at: wall(second), verdict, took: Duration::from_millis(millis) };
    let up = MonitorView {
        samples: (0..40).map(|n| sample(1780 + n, 8 + n as u64 % 7, Verdict::Pass)).collect(),
        verdict: Some(Verdict::Pass),
        p50: Some(Duration::from_millis(11)),
        p95: Some(Duration::from_millis(14)),
        up: Some(1.0),
        ..MonitorView::default()
    };
    let down = MonitorView {
        samples: (0..40).map(|n| sample(1780 + n, 20, if n < 36 { Verdict::Pass } else { Verdict::Fail })).collect(),
        verdict: Some(Verdict::Fail),
        failures: 4,
        last_error: Some("refused".into()),
        p50: Some(Duration::from_millis(20)),
        p95: Some(Duration::from_millis(20)),
        up: Some(0.9),
        ..MonitorView::default()
    };
    let line = |second: i64, tag: &str, text: &str, error| Line {
        at: wall(second),
        tag: tag.into(),
        text: text.into(),
        error,
    };
    let stream = StreamView {
        open: true,
        lines: [line(1803, "message", "delta \"Hel\"", false), line(1804, "error", "E4290 too many", true)].into(),
        total: 2,
        per_second: 41.0,
        longest_gap: Duration::from_millis(1_200),
        reconnects: 1,
        dropped: 3,
        errors: 1,
        ..StreamView::default()
    };
    let output = OutputView { tail: ["pulling v0.9.4".into(), "published".into()].into(), bytes: 25, weight: None };
    Live {
        monitors: [("api".into(), up), ("web".into(), down)].into(),
        streams: [("chat".into(), stream)].into(),
        outputs: [("frontend/redeploy".into(), output)].into(),
        ..Live::default()
    }
}

pub fn outcome(exit: i32) -> Outcome {
    Outcome { exit: Some(exit), took: Duration::from_millis(2_300), ..Outcome::default() }
}

pub fn setup(theme: Theme) -> Setup {
    Setup {
        operator: "ana".into(),
        role: None,
        theme,
        terminal: Default::default(),
        keymap: Keymap::default(),
        offset: FixedOffset::east_opt(7200).expect("an offset"),
        boot: || 0,
    }
}

pub fn console(snapshot: Arc<Snapshot>, width: u16, height: u16) -> Console<TestBackend> {
    let terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
    let mut console = Console::new(terminal, setup(Theme::default()), snapshot);
    console.draw().expect("a buffer");
    console
}

/// Presses keys as a keymap writes them, one after another; the last effect.
pub fn press(console: &mut Console<TestBackend>, keys: &str) -> Option<Effect> {
    let mut effect = None;
    for key in keys.split_whitespace() {
        let key = Key::parse(key).expect("a key");
        let modifiers = if key.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        effect = console.press(KeyEvent::new(key.code, modifiers));
        console.draw().expect("a buffer");
    }
    effect
}

/// Types a text into a field.
pub fn type_in(console: &mut Console<TestBackend>, text: &str) {
    for c in text.chars() {
        console.press(KeyEvent::from(ratatui::crossterm::event::KeyCode::Char(c)));
    }
    console.draw().expect("a buffer");
}

pub fn screen(console: &mut Console<TestBackend>) -> Buffer {
    console.draw().expect("a buffer");
    console.terminal().backend().buffer().clone()
}

pub fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let lines = buffer.content().chunks(width).map(|line| line.iter().map(Cell::symbol).collect::<String>());
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The two sizes everything is looked at in.
pub const SIZES: [(u16, u16); 2] = [(120, 36), (80, 24)];

pub fn seen(name: &str, console: &mut Console<TestBackend>) {
    let area = screen(console).area;
    let name = format!("{name}_{}x{}", area.width, area.height);
    let theme = Theme::default();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../snapshots/screens" }, {
        insta::assert_snapshot!(name, rendered(&screen(console), &theme));
    });
}

/// Looks at what `keys` lead to in a launch under way, at both sizes.
pub fn looked(name: &str, story: &Story, second: i64, keys: &str) {
    for (width, height) in SIZES {
        let mut console = self::console(story.snapshot(second), width, height);
        press(&mut console, keys);
        seen(name, &mut console);
    }
}
