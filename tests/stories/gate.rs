//! A red gate: it is found, read, explained, and opened by a waiver that everything shows.

use super::*;
use crate::crude::{Answer, Crude};

fn plan(target: std::net::SocketAddr) -> String {
    format!(
        r#"
[plan]
schema = 1
id = "red"
title = "Red"
environment = "test"

[clock]
start = "T-1h"

[[phase]]
id = "gate-a"
title = "Gate A"
at = "T-1h"
gate = true
[[phase.item]]
id = "up"
title = "It is up"
timeout = "5s"
http = {{ get = "http://{target}/up", expect = {{ status = 200 }} }}
[[phase.item]]
id = "quick"
title = "It answers with its version"
timeout = "5s"
http = {{ get = "http://{target}/up", expect = {{ json = ['.version == "2.0"'] }} }}

[[phase]]
id = "later"
title = "Later"
at = "T-30m"
needs = ["gate-a"]
[[phase.item]]
id = "look"
title = "Somebody looks"
manual = {{}}
"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_red_is_found_read_explained_and_waived_for_all_to_see() {
    let up = Answer::whole("application/json", r#"{"version":"1.9"}"#);
    let target = Crude::start([("/up", up)]).await;
    let stage = Stage::new(&plan(target.address));
    let mut seat = stage.opens("run", &[]);
    as_role(&mut seat, "✗ fail 1/2", Role::Failed);
    as_role(&mut seat, "NO-GO", Role::Failed);
    // Found: one key from wherever one is.
    seat.press("]");
    seat.sees("┌ quick ");
    let shown = seat.sees("expected");
    assert!(shown.contains("\"2.0\"") && shown.contains("1.9"), "both, side by side: {shown}");
    // Explained.
    seat.press("W");
    let shown = seat.sees("Why not GO?");
    assert!(shown.contains("gate gate-a is not open: 1 of 2"), "{shown}");
    seat.press("\x1b");
    seat.until("the sheet gone", |shown| !shown.contains("Why not GO?"));
    // Waived, with a reason and an end.
    seat.press("w");
    seat.sees("The gate opens in spite of what was found");
    seat.press("\r");
    seat.sees("say why");
    seat.press("known: 2.0 follows at noon\r");
    as_role(&mut seat, "! pass with 1 waiver 2/2", Role::Warned);
    seat.sees("fail, waived");
    // The red stays red, whoever waived it.
    as_role(&mut seat, "✗ fail", Role::Failed);
    seat.press("q");
    seat.ends();
    seat.gave_back();

    let told = stage.told(|record| match &record.event {
        Event::Waived { item, reason, until } => Some((item.to_string(), reason.clone(), until.is_some())),
        _ => None,
    });
    assert_eq!(told, [("quick".to_owned(), "known: 2.0 follows at noon".to_owned(), true)]);
    let passed = stage.told(|record| match &record.event {
        Event::GatePassed { phase, waivers, .. } => Some((phase.to_string(), *waivers)),
        _ => None,
    });
    assert_eq!(passed, [("gate-a".to_owned(), 1)], "it is open, and says by what");
}
