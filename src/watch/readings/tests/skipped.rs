//! What stands in the windows of time that a rehearsal skips.

use super::*;
use crate::watch::made::Making;

#[tokio::test(start_paused = true)]
async fn time_that_a_rehearsal_skips_is_filled_with_what_was_said_last_and_stamped() {
    let desk = Desk::of(&errors());
    assert!(desk.readings.awaits());
    tokio::time::advance(span(1)).await;
    desk.looks("monitor.api", 5_000, |_| Verdict::Pass);
    desk.looks("monitor.api", 6_000, |_| Verdict::Fail);
    desk.readings.skipped(Instant(6_000), Instant(40_000));
    desk.now.store(40_000, Ordering::SeqCst);
    let counts = desk.counts("errors", 40_000);
    assert_eq!((counts.seen.of, counts.seen.against, counts.generated), (30, 30, true));
    assert_eq!(counts.known, Span(30_000));
    // A world that was changed is waited for, and nothing of before is repeated.
    assert!(!desk.readings.awaits());
    tokio::time::advance(span(1)).await;
    desk.readings.stirred();
    desk.look("monitor.api", Verdict::Pass);
    assert!(desk.readings.awaits(), "it was asked before");
    tokio::time::advance(span(1)).await;
    desk.look("monitor.api", Verdict::Pass);
    assert!(!desk.readings.awaits());
    // One that has fallen silent is not spoken for.
    tokio::time::advance(span(60)).await;
    desk.readings.skipped(Instant(40_000), Instant(80_000));
    assert_eq!(desk.counts("errors", 80_000).seen.of, 0);
}

/// A counter that grows by one each second, told every so many seconds.
struct Grows {
    every: i64,
    apart: bool,
}

impl Making for Grows {
    fn makes(&self, signal: &SignalId) -> bool {
        ["errors", "requests"].contains(&signal.as_str())
    }

    fn counts_apart(&self, _: &SignalId) -> bool {
        self.apart
    }

    fn points(&self, _: &SignalId, from: Instant, until: Instant) -> Vec<(Instant, Point)> {
        let ticks = (from.0..until.0).filter(|at| at % (self.every * SECOND) == 0);
        let taken = |at: i64| Taken::Number { value: (at / SECOND) as f64, instance: None, samples: None };
        ticks.map(|at| (Instant(at), Point { at: Instant(at), taken: taken(at), generated: true })).collect()
    }

    fn hit(&self, _: &SignalId, _: Instant, _: Duration) -> Option<Verdict> {
        None
    }

    fn spares(&self, _: &SignalId) -> bool {
        false
    }
}

#[test]
fn what_was_asked_before_a_jump_and_answered_after_it_is_no_reset() {
    let plan = plan(vec![objective("share", "errors", "<= 150%", Beside::Per("requests".into()))]);
    let desk = Desk::of(&plan);
    desk.readings.made_by(Arc::new(Grows { every: 5, apart: false }));
    desk.readings.skipped(Instant(0), Instant(60 * SECOND));
    // Asked at 54 s, answered once time had gone on to 60 s, with where it stood then.
    desk.now.store(60 * SECOND, Ordering::SeqCst);
    let taken = Taken::Number { value: 60.0, instance: None, samples: None };
    desk.intake.take(&"errors".into(), Point { at: Instant(54 * SECOND), taken, generated: false });
    desk.readings.skipped(Instant(60 * SECOND), Instant(90 * SECOND));
    let counts = &desk.readings.evaluate(Instant(80 * SECOND))[&"share".into()];
    assert_eq!((counts.seen.resets, counts.seen.against, counts.seen.of), (0, 30, 30), "{counts:?}");
    assert!(counts.generated);
}

#[test]
fn nothing_is_made_up_for_a_signal_that_cannot_be_asked_yet() {
    let plan = plan(vec![objective("share", "errors", "<= 150%", Beside::Per("requests".into()))]);
    let desk = Desk::of(&plan);
    desk.readings.made_by(Arc::new(Grows { every: 5, apart: false }));
    let seen = |at: i64| desk.readings.evaluate(Instant(at * SECOND))[&"share".into()].seen.of;
    desk.readings.unasked(["errors".into(), "requests".into()].into());
    desk.readings.skipped(Instant(0), Instant(60 * SECOND));
    assert_eq!(seen(50), 0);
    desk.readings.unasked(Default::default());
    desk.readings.skipped(Instant(60 * SECOND), Instant(120 * SECOND));
    assert_eq!(seen(110), 30);
}

#[test]
fn what_falls_due_between_two_jumps_is_made_up_unless_somebody_was_asked_or_nobody_watched() {
    let mut plan = plan(vec![objective("share", "errors", "<= 150%", Beside::Per("requests".into()))]);
    plan.objectives[0].window = span(600);
    let desk = Desk::of(&plan);
    desk.readings.made_by(Arc::new(Grows { every: 60, apart: false }));
    // Each jump goes to just where a sample falls due, and the next begins a little later.
    let jump = |minute: i64| {
        desk.pass(minute * 60 * SECOND + 7);
        desk.readings.skipped(Instant(minute * 60 * SECOND + 7), Instant((minute + 1) * 60 * SECOND));
        desk.now.store((minute + 1) * 60 * SECOND, Ordering::SeqCst);
    };
    (0..10).for_each(jump);
    let counts = desk.counts("share", 600_000);
    assert_eq!((counts.seen.of, counts.newest), (480, Some(Instant(540_000))), "{counts:?}");
    // The source itself told it, with another number: it is not made up beside that.
    for signal in ["errors", "requests"] {
        desk.number(signal, 603.0);
    }
    jump(10);
    desk.now.store(660 * SECOND + 7, Ordering::SeqCst);
    desk.readings.watched(Instant(660 * SECOND + 7), Some(Duration::from_millis(7)));
    desk.readings.skipped(Instant(660 * SECOND + 7), Instant(720 * SECOND));
    let counts = desk.counts("share", 720_000);
    assert_eq!((counts.seen.resets, counts.newest), (0, Some(Instant(600_000))), "{counts:?}");
}

#[test]
fn a_count_that_a_source_has_written_down_is_no_reset_of_what_is_made_up() {
    let plan = plan(vec![objective("share", "errors", "<= 150%", Beside::Per("requests".into()))]);
    for (apart, resets) in [(true, 0), (false, 1)] {
        let desk = Desk::of(&plan);
        desk.readings.made_by(Arc::new(Grows { every: 5, apart }));
        desk.readings.skipped(Instant(0), Instant(60 * SECOND));
        desk.now.store(60 * SECOND + 100, Ordering::SeqCst);
        desk.number("errors", 3.0);
        desk.readings.skipped(Instant(60 * SECOND + 100), Instant(90 * SECOND));
        assert_eq!(desk.readings.evaluate(Instant(80 * SECOND))[&"share".into()].seen.resets, resets);
    }
}
