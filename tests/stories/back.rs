//! Two ways back in one launch: one whose checks agree that it worked, one whose checks do not. Only the first is
//! ever green.

use super::*;
use crate::crude::{Answer, Crude};
use tminus::launch::event::{RollbackEnd, RollbackFact};

fn plan(target: std::net::SocketAddr) -> String {
    let back = |id: &str, key: u8, wanted: &str| {
        format!(
            r#"
[[rollback]]
id = "{id}"
title = "Bring {id} back"
key = "{key}"
deadline = "5m"
[[rollback.step]]
id = "redeploy"
title = "Redeploy {id}"
class = "idempotent"
timeout = "20s"
by_hand = "do it by hand"
run = {{ shell = "echo {id} >> PLACE/ran" }}
[[rollback.verify]]
id = "version"
title = "The old one is served"
timeout = "5s"
within = "1s"
http = {{ get = "http://{target}/version", expect = {{ json = ['.version == "{wanted}"'] }} }}
"#
        )
    };
    calm("back", &(back("frontend", 1, "1.9") + &back("backend", 2, "1.8")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_verified_is_green_and_what_is_not_stays_in_sight_as_that() {
    let version = Answer::whole("application/json", r#"{"version":"1.9"}"#);
    let target = Crude::start([("/version", version)]).await;
    let stage = Stage::new(&plan(target.address));
    let mut seat = stage.opens("run", &[]);
    as_role(&mut seat, "! ROLLBACK", Role::Danger);
    seat.press("!");
    seat.sees("ROLLBACK: choose");
    seat.press("1");
    let shown = seat.sees("START IT");
    assert!(shown.contains("1. Redeploy frontend") && shown.contains("then verify: The old one"), "{shown}");
    seat.press("\r");
    as_role(&mut seat, "✓  VERIFIED: the old state is back", Role::Passed);
    seat.press("\x1b");
    seat.until("the sheet gone", |shown| !shown.contains("Esc closes"));
    as_role(&mut seat, "ROLLBACK frontend VERIFIED", Role::Held);
    // The other runs to its end too, and its check does not agree.
    seat.press("!");
    seat.sees("ROLLBACK: choose");
    seat.press("2");
    seat.sees("START IT");
    seat.press("\r");
    as_role(&mut seat, "?  DONE BUT NOT VERIFIED", Role::Held);
    let shown = seat.sees("these checks do not agree that it worked:");
    assert!(shown.contains("backend/version"), "{shown}");
    as_role(&mut seat, "✗", Role::Failed);
    seat.press("\x1b");
    seat.until("the sheet gone", |shown| !shown.contains("Esc closes"));
    as_role(&mut seat, "ROLLBACK backend DONE BUT NOT VERIFIED", Role::Danger);
    as_role(&mut seat, "‖ HOLDING", Role::Held);
    stage.comes("its end", |event| matches!(event, Event::RollbackTold { run: 2, fact: RollbackFact::Ended { .. } }));
    seat.press("q");
    seat.ends();
    seat.gave_back();

    let ends = stage.told(|record| match &record.event {
        Event::RollbackTold { run, fact: RollbackFact::Ended { end, .. } } => Some((*run, end.clone())),
        _ => None,
    });
    let not = RollbackEnd::NotVerified { checks: vec!["backend/version".into()] };
    assert_eq!(ends, [(1, RollbackEnd::Verified), (2, not)]);
    let ran = std::fs::read_to_string(stage.place.path("ran")).expect("they ran");
    assert_eq!(ran, "frontend\nbackend\n", "each once");
    let asked = stage.told(|record| match &record.event {
        Event::RollbackRequested { rollback, why, .. } => Some(format!("{rollback} {why}")),
        _ => None,
    });
    assert_eq!(asked, ["frontend called by ana", "backend called by ana"]);
}
