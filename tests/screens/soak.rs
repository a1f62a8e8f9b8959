//! Soaks as they are seen: the strip in the timeline, the line in the checklist, the ledger in the detail, and the
//! waiver of a hole.

#![expect(clippy::expect_used, reason = "a helper of tests fails by panicking")]

use std::time::Duration;

use super::console::{SIZES, Story, console, item, looked, plan, press, screen, setup, text, type_in};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tminus::launch::command::Command;
use tminus::launch::event::{Event, Mode};
use tminus::launch::id::Attempt;
use tminus::launch::objective::{Counts, Measured, Round};
use tminus::launch::plan::{Act, Beside, Objective, Plan};
use tminus::launch::soak::Soak;
use tminus::launch::threshold::Threshold;
use tminus::launch::time::Instant;
use tminus::ui::Console;
use tminus::ui::state::Effect;
use tminus::ui::theme::Theme;

const HOUR: i64 = 3_600;
/// The second at which it begins.
const FROM: i64 = 1_800;
/// Keys to the soak's line.
const THERE: &str = "end k";

fn objective(id: &str, title: &str) -> Objective {
    Objective {
        id: id.into(),
        title: title.into(),
        signal: "monitor.api".into(),
        beside: Beside::Nothing,
        that: Threshold::parse("error_rate <= 5%").expect("a threshold"),
        window: Duration::from_secs(30),
        min_samples: 20,
        stale_after: Duration::from_secs(30),
        evaluate_every: Duration::from_secs(10),
        unknown_for: Duration::from_secs(60),
    }
}

fn soaking(deadline: Option<u64>) -> Plan {
    let mut plan = plan();
    let soak = Soak {
        objectives: vec!["errors".into(), "p95".into()],
        lasts: Duration::from_secs(48 * 3_600),
        max_gap: Duration::from_secs(300),
        deadline: deadline.map(|hours| Duration::from_secs(hours * 3_600)),
    };
    let soak = item("cut", "soak", "Two quiet days on staging", Act::Soak(soak));
    plan.phases[2].items.insert(0, soak.id.clone());
    plan.items.insert(soak.id.clone(), soak);
    plan.objectives = vec![objective("errors", "Errors of the API"), objective("p95", "Slow answers")];
    plan
}

fn round(second: i64, failed: Option<u64>, generated: bool) -> Round {
    let counts = |failed: Option<u64>| Counts {
        seen: Measured { of: failed.map_or(0, |_| 100), against: failed.unwrap_or(0), ..Measured::default() },
        newest: failed.map(|_| Instant((second - 1) * 1000)),
        known: Duration::from_secs(30).into(),
        generated,
        ..Counts::default()
    };
    let all = [("errors".into(), counts(failed)), ("p95".into(), counts(Some(0)))];
    Round { at: Instant(second * 1000), counts: all.into_iter().collect() }
}

/// A soak being told, from its beginning on.
struct Told {
    story: Story,
    at: i64,
    generated: bool,
}

impl Told {
    fn of(plan: Plan, mode: Mode) -> Self {
        let mut story = Story::of(plan, mode);
        story.at(FROM, Event::PhaseOpened { phase: "cut".into() });
        story.at(FROM, Event::ItemStarted { item: "soak".into(), attempt: Attempt(1) });
        Self { story, at: FROM, generated: mode == Mode::Rehearsal }
    }

    /// Evaluations for so long, each of which saw so many failures of 100; none where there is no data.
    fn was(mut self, seconds: i64, failed: Option<u64>) -> Self {
        let until = self.at + seconds;
        let rounds = (self.at + 10..=until).step_by(10).map(|second| round(second, failed, self.generated)).collect();
        self.story.at(until, Event::Evaluated { rounds });
        self.at = until;
        self
    }

    /// Nobody was there.
    fn away(mut self, seconds: i64) -> Self {
        self.at += seconds;
        self.story.at(self.at, Event::ConsoleReturned { clean: true, t: 600_000 });
        self
    }
}

/// Breached after eight hours, unknown for four minutes.
fn begun_anew() -> Told {
    let told = Told::of(soaking(Some(72)), Mode::Launch).was(8 * HOUR, Some(0)).was(600, Some(40));
    told.was(9 * HOUR, Some(0)).was(240, None).was(6 * HOUR, Some(0))
}

/// Away for six and a half minutes after twenty hours.
fn holed() -> Told {
    Told::of(soaking(None), Mode::Launch).was(20 * HOUR, Some(0)).away(390).was(3 * HOUR + 600, Some(0))
}

#[test]
fn a_soak_under_way_shows_what_it_has_come_to() {
    let told = begun_anew();
    looked("soak_running", &told.story, told.at + 3, &format!("{THERE} tab z"));
    looked("soak_checklist", &told.story, told.at + 3, THERE);
    let mut console = console(told.story.snapshot(told.at + 3), 120, 36);
    press(&mut console, THERE);
    let shown = text(&screen(&mut console));
    assert!(shown.contains("15:00 of 48:00 · anew 1"), "{shown}");
}

#[test]
fn a_hole_that_began_it_anew_is_told_with_its_key_and_waived_by_it() {
    let told = holed();
    looked("soak_hole", &told.story, told.at + 3, &format!("{THERE} tab z"));
    looked("soak_waive", &told.story, told.at + 3, &format!("{THERE} w"));
    let mut console = console(told.story.snapshot(told.at + 3), 120, 36);
    press(&mut console, &format!("{THERE} w"));
    type_in(&mut console, "the bastion was down");
    let (item, hole) = ("soak".into(), Instant((FROM + 20 * HOUR) * 1000));
    let wanted = Command::WaiveHole { item, hole, reason: "the bastion was down".into() };
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(wanted)));
}

#[test]
fn what_was_waived_stands_there_with_a_name() {
    let mut told = holed();
    let (item, hole) = ("soak".into(), Instant((FROM + 20 * HOUR) * 1000));
    told.story.person(told.at, Event::SoakHoleWaived { item, hole, reason: "the bastion was down".into() });
    looked("soak_waived", &told.story, told.at + 3, &format!("{THERE} tab z"));
}

#[test]
fn breached_unknown_and_silent_are_said_before_anything_else() {
    let well = || Told::of(soaking(None), Mode::Launch).was(20 * HOUR, Some(0));
    for (told, after, wanted) in [
        (well().was(20, Some(40)), 3, "BREACHED · 0:00 of 48:00 · anew 1"),
        (well().was(130, None), 0, "unknown 2m10s · 20:00 of 48:00"),
        (well(), 41, "nothing known 41s · 20:00 of 48:00"),
        (well(), 3, "20:00 of 48:00"),
    ] {
        let mut console = console(told.story.snapshot(told.at + after), 120, 36);
        press(&mut console, THERE);
        let shown = text(&screen(&mut console));
        assert!(shown.contains(wanted), "{wanted} in\n{shown}");
    }
}

#[test]
fn a_rehearsal_says_that_its_samples_were_generated() {
    let told = Told::of(soaking(None), Mode::Rehearsal).was(20 * HOUR, Some(0)).was(20, Some(40)).was(HOUR, Some(0));
    looked("soak_generated", &told.story, told.at + 3, &format!("{THERE} tab z"));
}

#[test]
fn without_colour_and_in_ascii_the_four_states_still_differ() {
    let told = begun_anew().away(290).was(HOUR, Some(0));
    let terminal = Terminal::new(TestBackend::new(120, 36)).expect("a buffer");
    let mut console = Console::new(terminal, setup(Theme::new(false, true)), told.story.snapshot(told.at + 3));
    press(&mut console, &format!("{THERE} tab z"));
    let shown = text(&screen(&mut console));
    let strip = shown.lines().find(|line| line.contains("===")).expect("a strip");
    for glyph in ["=", "x", "?", "."] {
        assert!(strip.contains(glyph), "{glyph} in {strip}");
    }
    assert!(shown.is_ascii(), "{shown}");
}

#[test]
fn a_soak_takes_no_line_of_a_launch_that_has_none() {
    for (width, height) in SIZES {
        let story = Story::opened(Mode::Launch);
        let mut console = console(story.snapshot(5), width, height);
        let shown = text(&screen(&mut console));
        assert!(!shown.contains("soak"), "{shown}");
    }
}
