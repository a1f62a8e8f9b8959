//! A trigger fires by itself, its rollback counts down on the screen, and a person says no in time.

use super::*;

#[test]
fn a_rollback_that_counts_down_is_vetoed_and_never_begins() {
    let stage = Stage::new(include_str!("../rehearsal_plan/watched.toml"));
    let mut seat = stage.opens("rehearse", &["--speed", "600", "--fault", "errors=60%@T+2m"]);
    seat.until("what is due", |shown| shown.contains("Space attest"));
    seat.press("m");
    seat.sees("┌ ready ");
    seat.press(" ");
    seat.sees("What you saw:");
    seat.press("ready\r");
    as_role(&mut seat, "▶ after T-0", Role::Passed);
    // Ten seconds, as on the day, whatever the rehearsal's speed.
    as_role(&mut seat, "ROLLBACK back starts in", Role::Danger);
    let shown = seat.shown();
    assert!(shown.contains("V vetoes") && shown.contains("TRIGGER too-many fired"), "{shown}");
    seat.press("V");
    seat.sees("is vetoed");
    seat.press("it is the load test\r");
    seat.until("the band gone", |shown| !shown.contains("starts in") && !shown.contains("┌ Veto"));
    stage.comes("its reason", |event| matches!(event, Event::Noted { text, .. } if text.contains("load test")));
    seat.signal(rustix::process::Signal::TERM);
    seat.ends();
    seat.gave_back();

    let way = stage.told(|record| match &record.event {
        Event::TriggerFired { trigger, .. } => Some(format!("{trigger} fired")),
        Event::TriggerVetoed { trigger, .. } => Some(format!("{trigger} vetoed by {}", record.actor.name)),
        Event::RollbackRequested { rollback, .. } => Some(format!("{rollback} began")),
        Event::Noted { text, .. } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(way, ["too-many fired", "too-many vetoed by ana", "veto of too-many: it is the load test"]);
}
