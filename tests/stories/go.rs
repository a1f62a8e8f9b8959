//! The operator's go path: a gate by a check and by a word, the poll at its hold, T-0, the release, and the end.

use super::*;
use tminus::launch::countdown::Passage;
use tminus::launch::event::Vote;
use tminus::launch::verdict::Verdict;

const PLAN: &str = r#"
[plan]
schema = 1
id = "go"
title = "Going"

[clock]
start = "T-1h"
holds = [{ at = "T-10m", for = "5m", title = "Final poll", poll = true }]

[roles.lead]
title = "Release lead"
votes = true
[roles.security]
title = "Security"
votes = true
[poll]
order = ["lead", "security"]
director = "security"

[[phase]]
id = "gate-a"
title = "Gate A"
at = "T-1h"
gate = true
[[phase.item]]
id = "health"
title = "The API answers"
http = { get = "https://api.example.com/health" }
[[phase.item]]
id = "look"
title = "The dashboards are calm"
manual = {}

[[phase]]
id = "release"
title = "Release"
at = "T-0"
[[phase.item]]
id = "publish"
title = "Publish the release"
class = "once"
run = { command = ["true"] }
example = { good = { exit = 0, stdout = "" } }

[[phase]]
id = "after"
title = "After"
at = "T+5m"
gate = true
[[phase.item]]
id = "served"
title = "It is served"
http = { get = "https://api.example.com/health" }
"#;

#[test]
fn from_the_first_gate_to_the_end_by_the_keys_that_the_screen_names() {
    let stage = Stage::new(PLAN);
    let mut seat = stage.opens("rehearse", &["--speed", "3600"]);
    as_role(&mut seat, "REHEARSAL", Role::Held);
    as_role(&mut seat, "NO-GO 0/2", Role::Failed);
    // The check has passed by itself; the word is a person's, one key away.
    as_role(&mut seat, "● 1 due 1/2", Role::Focus);
    seat.press("m");
    seat.sees("┌ look ");
    as_role(&mut seat, "Space attest", Role::Focus);
    seat.press(" ");
    seat.sees("What you saw:");
    as_role(&mut seat, "it holds", Role::Passed);
    seat.press("calm since noon\r");
    as_role(&mut seat, "✓ pass 2/2", Role::Passed);
    // At its hold the poll is what waits.
    as_role(&mut seat, "HOLD · Final poll", Role::Held);
    as_role(&mut seat, "HOLDING", Role::Held);
    seat.press("m");
    seat.press("v");
    seat.sees("Release lead: GO");
    seat.press("\r");
    as_role(&mut seat, "✓ Release lead", Role::Passed);
    seat.press("v");
    seat.sees("Security: GO");
    seat.press("\r");
    as_role(&mut seat, "GO 2/2", Role::Passed);
    seat.press("P");
    as_role(&mut seat, "▶ after T-0", Role::Passed);
    seat.until("the release due", |shown| shown.contains("Enter run"));
    seat.press("m");
    seat.sees("┌ publish ");
    seat.press("\r");
    seat.sees("Run publish: Publish the release?");
    seat.press("y");
    as_role(&mut seat, "✓ pass 1/1", Role::Passed);
    stage.comes("the last gate", |event| matches!(event, Event::GatePassed { phase, .. } if phase.as_str() == "after"));
    as_role(&mut seat, "GO 2/2", Role::Passed);
    // Before the screen knows that nothing runs it would ask.
    seat.sees("gate after passed");
    seat.press("q");
    assert_eq!(seat.ends(), 0);
    seat.gave_back();

    let gates = stage.told(|record| match &record.event {
        Event::GatePassed { phase, waivers, .. } => Some((phase.to_string(), *waivers)),
        _ => None,
    });
    assert_eq!(gates, [("gate-a".to_owned(), 0), ("after".to_owned(), 0)]);
    let way = stage.told(|record| match &record.event {
        Event::Attested { item, passed: true, .. } => Some(format!("{} attests {item}", record.actor.name)),
        Event::Voted { role, vote: Vote::Go, .. } => Some(format!("GO of {role}")),
        Event::Resumed => Some("resumed".to_owned()),
        Event::Passed(Passage::Liftoff) => Some("liftoff".to_owned()),
        Event::StepEnded { item, verdict: Verdict::Pass, .. } => Some(format!("{item} passed")),
        _ => None,
    });
    assert_eq!(
        way,
        ["ana attests look", "GO of lead", "GO of security", "resumed", "liftoff", "publish passed"],
        "in this order, and each once"
    );
}
