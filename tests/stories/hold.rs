//! A hold by a person, from the call to the resumed count: T stands, the slip grows, and nothing resumes by itself.

use super::*;

#[test]
fn t_stands_from_the_call_until_somebody_resumes_and_the_slip_says_for_how_long() {
    let stage = Stage::new(&calm("hold", ""));
    let mut seat = stage.opens("run", &[]);
    as_role(&mut seat, "▶ counting", Role::Running);
    seat.press("p");
    seat.sees("Hold the countdown");
    seat.press("the pager rings\r");
    as_role(&mut seat, "HOLD · ana: the pager rings", Role::Held);
    as_role(&mut seat, "‖ HOLDING", Role::Held);
    let stood = t(&mut seat);
    as_role(&mut seat, "slip +0:01", Role::Warned);
    assert_eq!(t(&mut seat), stood, "T stands while the slip grows");
    // Releasing is not resuming: both are keys of a person.
    seat.press("P");
    let shown = seat.sees("release the hold of ana");
    assert!(shown.contains("Holds") && shown.contains("slip: publish another T-0"), "{shown}");
    seat.press("\r");
    as_role(&mut seat, "every hold is released", Role::Held);
    assert_eq!(t(&mut seat), stood, "nothing resumed by itself");
    seat.press("P");
    as_role(&mut seat, "▶ counting", Role::Running);
    seat.until("no band", |shown| !shown.contains("HOLD ·"));
    seat.press("q");
    assert_eq!(seat.ends(), 0);

    let way = stage.told(|record| match &record.event {
        Event::HoldCalled { who, why } => Some(format!("{who} holds: {why}")),
        Event::HoldReleased { who } => Some(format!("{who} released")),
        Event::Resumed => Some(format!("{} resumes", record.actor.name)),
        _ => None,
    });
    assert_eq!(way, ["ana holds: the pager rings", "ana released", "ana resumes"]);
    let clock = stage.board().clock.expect("a countdown");
    assert!(clock.slip() >= 1_000, "{} ms", clock.slip());
}
