//! The readiness light: on the bar in every size, with its reasons in the dialogs, and never better than what this
//! console can know.

use tminus::launch::id::RollbackId;
use tminus::launch::live::{MonitorView, Sample, WeightView};
use tminus::launch::plan::{Monitor, SpecId};
use tminus::launch::port::Seat;

use super::console::{plan, wall};
use super::*;

/// The plan of the other screens, whose rollback `frontend` asks twice and `database` once.
fn asking() -> Story {
    let mut plan = plan();
    let check = |id: &str, title: &str, rollback: &str| Monitor {
        id: id.into(),
        title: title.into(),
        spec: SpecId(0),
        every: Duration::from_secs(30),
        timeout: Duration::from_secs(10),
        fails_after: 0,
        items: Vec::new(),
        ready_for: Some(RollbackId::new(rollback)),
    };
    plan.monitors.push(check("frontend/artifact", "The previous artifact is there", "frontend"));
    plan.monitors.push(check("frontend/context", "The context is production", "frontend"));
    plan.monitors.push(check("database/login", "The login of the migration works", "database"));
    Story::of(plan, Mode::Launch)
}

fn saw(story: &mut Story, second: i64, monitor: &str, verdict: Verdict, why: &str) {
    story.at(second, Event::MonitorChanged { monitor: monitor.into(), verdict, why: why.into() });
}

fn half_open() -> Story {
    let mut story = asking();
    saw(&mut story, 5, "frontend/artifact", Verdict::Fail, "exit 1: no such artifact");
    saw(&mut story, 5, "database/login", Verdict::Pass, "exit 0");
    story
}

#[test]
fn the_light_stands_on_the_bar_with_a_word_and_the_dialogs_say_why() {
    let story = half_open();
    for (width, height) in SIZES {
        let mut console = console(story.snapshot(60), width, height);
        let shown = text(&screen(&mut console));
        assert!(shown.contains("NOT READY") && shown.contains("ready"), "{shown}");
    }
    looked("ready_choose", &story, 60, "!");
    looked("ready_confirm", &story, 60, "! 1");
}

#[test]
fn a_rollback_that_is_not_ready_starts_by_the_same_keys() {
    let mut console = console(half_open().snapshot(60), 80, 24);
    let started = press(&mut console, "! 1 enter");
    assert!(matches!(started, Some(Effect::Ask(Command::Rollback { .. }))), "{started:?}");
}

/// The bar of a console that shows `story`.
fn bar(story: &Story) -> String {
    let mut console = console(story.snapshot(60), 120, 36);
    let shown = text(&screen(&mut console));
    shown.lines().find(|line| line.contains("! ROLLBACK")).unwrap_or_default().to_owned()
}

#[test]
fn what_is_not_heard_or_looked_at_lately_is_not_ready() {
    let mut story = half_open();
    saw(&mut story, 6, "frontend/artifact", Verdict::Pass, "exit 0");
    assert!(bar(&story).contains("frontend ≤30m ? unknown"), "one of two says nothing: {}", bar(&story));
    saw(&mut story, 6, "frontend/context", Verdict::Pass, "exit 0");
    assert!(bar(&story).contains("frontend ≤30m ✓ ready"), "{}", bar(&story));
    let looked = |second: i64| {
        let sample = Sample { at: wall(second), verdict: Verdict::Pass, took: Duration::from_millis(5) };
        MonitorView { samples: [sample].into(), ..MonitorView::default() }
    };
    story.live.monitors.insert("frontend/context".into(), looked(50));
    assert!(bar(&story).contains("frontend ≤30m ✓ ready"), "{}", bar(&story));
    story.live.monitors.insert("frontend/context".into(), looked(-70));
    assert!(bar(&story).contains("frontend ≤30m ? unknown"), "a look two minutes old: {}", bar(&story));
    story.live.monitors.remove(&"frontend/context".into());
    story.seat = Seat::Attached { heard: true };
    assert!(bar(&story).contains("frontend ≤30m ✓ ready"), "an attached console has the board: {}", bar(&story));
    story.seat = Seat::Attached { heard: false };
    assert!(bar(&story).contains("frontend ≤30m ? unknown"), "nobody looks that is heard: {}", bar(&story));
}

/// A console that shows the step `warm`, which moves a canary.
fn at_the_canary(weight: WeightView, width: u16, height: u16) -> Console<TestBackend> {
    let mut story = under_way(Mode::Launch);
    story.live.weights.insert("warm".into(), weight);
    let mut console = console(story.snapshot(1810), width, height);
    let mut left = 20;
    while !text(&screen(&mut console)).contains("canary ") {
        left -= 1;
        assert!(left > 0, "no canary: {}", text(&screen(&mut console)));
        press(&mut console, "j");
    }
    console
}

#[test]
fn the_share_of_a_canary_is_what_was_read_back_beside_what_is_wanted() {
    let of = |wanted, seen| WeightView { wanted: Some(wanted), seen, at: Some(wall(1805)) };
    for (width, height) in [(120, 36), (80, 24)] {
        let shown = text(&screen(&mut at_the_canary(of(50.0, Some(50.0)), width, height)));
        assert!(shown.contains("50% as wanted"), "{shown}");
        let shown = text(&screen(&mut at_the_canary(of(50.0, None), width, height)));
        assert!(shown.contains("? not read wanted 50%"), "{shown}");
        seen("gauge", &mut at_the_canary(of(50.0, Some(10.0)), width, height));
    }
}
