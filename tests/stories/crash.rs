//! The console dies in the middle of the release, and whoever comes back brings the launch to its end: the step is
//! followed, not repeated, and T goes on only when somebody says so.

use super::*;
use crate::wait::wait;
use tminus::launch::countdown::Passage;
use tminus::launch::verdict::Verdict;

const PLAN: &str = r#"
[plan]
schema = 1
id = "crash"
title = "Crash"
environment = "test"

[clock]
start = "T-15s"

[[phase]]
id = "before"
title = "Before"
at = "T-15s"
[[phase.item]]
id = "charge"
title = "Charge the customers"
class = "once"
auto = true
timeout = "50s"
[phase.item.run]
command = ["bash", "-c", "echo charged >> PLACE/runs; read go < PLACE/fifo; echo through"]

[[phase]]
id = "release"
title = "Release"
at = "T-0"
[[phase.item]]
id = "look"
title = "Somebody looks at it"
needs = ["charge"]
manual = {}
"#;

#[test]
fn killed_in_the_middle_it_comes_back_follows_the_step_and_is_flown_to_its_end() {
    let stage = Stage::new(PLAN);
    let fifo = stage.place.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let runs = || std::fs::read_to_string(stage.place.path("runs")).unwrap_or_default();
    let mut first = stage.opens("run", &[]);
    first.sees("▶ counting");
    first.press("p");
    first.sees("Why:");
    first.press("wait for the charge\r");
    first.sees("HOLD · ana: wait for the charge");
    wait("step under way", || runs() == "charged\n");
    stage.comes("its record", |event| matches!(event, Event::StepStarted { .. }));
    first.kill();

    let mut seat = stage.sits(WIDE, &["run", "--launch", &stage.at(), "--name", "bo"]);
    seat.sees("Back after a crash: what was open");
    as_role(&mut seat, "◐", Role::Running);
    seat.sees("still running, adopted");
    as_role(&mut seat, "HOLDING at", Role::Held);
    std::fs::write(&fifo, "go\n").expect("it reads");
    seat.sees("ended: pass, exit 0");
    seat.press("\x1b");
    seat.until("the list gone", |shown| !shown.contains("what was open"));
    as_role(&mut seat, "‖ HOLDING", Role::Held);
    // It held when the console died: that hold is still somebody's to release.
    seat.press("P");
    seat.sees("release the hold of ana");
    seat.press("\r");
    as_role(&mut seat, "every hold is released", Role::Held);
    seat.press("P");
    as_role(&mut seat, "▶ after T-0", Role::Passed);
    seat.until("the word that is due", |shown| shown.contains("Space attest"));
    seat.press("m");
    seat.sees("┌ look ");
    seat.press(" ");
    seat.sees("What you saw:");
    seat.press("charged once\r");
    as_role(&mut seat, "✓ pass 1/1", Role::Passed);
    seat.press(":close\r");
    seat.sees("Close the launch");
    seat.press("all done\r");
    stage.comes("the end", |event| matches!(event, Event::LaunchClosed { .. }));
    seat.press("q");
    let code = seat.ends();
    assert_eq!((code, runs().as_str()), (0, "charged\n"), "it ran once");

    let way = stage.told(|record| match &record.event {
        Event::StepIntended { item, .. } => Some(format!("{item} intended")),
        Event::ConsoleReturned { clean: false, .. } => Some(format!("{} came back", record.actor.name)),
        Event::StepEnded { item, verdict: Verdict::Pass, .. } => Some(format!("{item} passed")),
        Event::Passed(Passage::Liftoff) => Some("liftoff".to_owned()),
        Event::Attested { item, .. } => Some(format!("{item} attested by {}", record.actor.name)),
        Event::LaunchClosed { missing, .. } => Some(format!("closed, {} missing", missing.len())),
        _ => None,
    });
    assert_eq!(
        way,
        ["charge intended", "bo came back", "charge passed", "liftoff", "look attested by bo", "closed, 0 missing"]
    );
}
