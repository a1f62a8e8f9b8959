//! A soak outlives the console that began it, by the binary itself and its journal: a console is killed, another
//! comes back later than may be, and a person's word lets the time go on.

use crate::binary;

use std::path::Path;
use std::time::Duration;

use crate::binary::Place;
use crate::crude::{Answer, Crude};
use crate::pty::{Seat, WIDE};
use crate::told::{board, records};
use crate::wait::comes;
use rustix::process::Signal;
use tminus::launch::board::{Board, Progress};
use tminus::launch::event::Event;
use tminus::launch::id::ItemId;
use tminus::launch::soak::{Known, Ledger, Why};
use tminus::launch::verdict::Verdict;

/// T-0 is one second after it is opened; then fifteen seconds of a service that answers.
const PLAN: &str = r#"
[plan]
schema = 1
id = "quiet"
title = "Quiet"

[clock]
t0 = "now + 1s"

[[monitor]]
id = "api"
every = "200ms"
timeout = "1s"
http = { get = "http://ADDRESS/health", expect = { status = 200 } }

[[objective]]
id = "errors"
signal = "monitor.api"
that = "error_rate <= 50%"
window = "2s"
evaluate_every = "1s"
min_samples = 2
stale_after = "2s"

[[phase]]
id = "watch"
title = "Watch"
at = "T-0"

[[phase.item]]
id = "quiet"
title = "Fifteen quiet seconds"
[phase.item.soak]
objectives = ["errors"]
for = "15s"
max_gap = "10s"
"#;

/// Longer than a hole may be.
const AWAY_MS: i64 = 60_000;

fn now(folder: &Path) -> Board {
    board(folder, &records(folder))
}

fn ledger(board: &Board) -> Option<&Ledger> {
    board.soaks.get(&ItemId::new("quiet")).map(AsRef::as_ref)
}

fn progress(board: &Board) -> Progress {
    board.item(&"quiet".into()).expect("there").progress.clone()
}

/// As a console does that finds the machine so much further on: where the axis was at 0 is longer ago.
fn time_passes(folder: &Path) {
    let path = folder.join("launch.json");
    let mut site: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("launch.json")).expect("JSON");
    let zero = site["anchor"]["zero"].as_i64().expect("fixed to this machine's clock");
    site["anchor"]["zero"] = (zero - AWAY_MS).into();
    std::fs::write(&path, serde_json::to_vec(&site).expect("JSON")).expect("written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_killed_and_come_back_leaves_a_hole_that_a_person_waives() {
    let service = Crude::start([("/health", Answer::whole("text/plain", "well"))]).await;
    let place = Place::new(&[]);
    let (folder, plan) = (place.path("launch"), place.path("plan.toml"));
    std::fs::write(&plan, PLAN.replace("ADDRESS", &service.address.to_string())).expect("written");
    let (at, plan) = (folder.display().to_string(), plan.display().to_string());

    let mut first = place.start(&["run", &plan, "--headless", "--launch", &at]);
    let credited = |board: &Board| ledger(board).map_or(Duration::ZERO, |known| known.credited);
    comes("the launch", || !records(&folder).is_empty()).await;
    comes("credit", || credited(&now(&folder)) >= Duration::from_secs(4)).await;
    binary::signal(&first, Signal::KILL);
    first.wait().await.expect("it is gone");
    let before = now(&folder);
    assert!(matches!(progress(&before), Progress::Running { .. }), "{:?}", progress(&before));
    let begun = ledger(&before).expect("begun");
    let hole = begun.blind.map_or(begun.until, |blind| blind.from);

    time_passes(&folder);
    let mut seat = Seat::start(&place.path(""), &["run", "--launch", &at, "--name", "ann"], &[], WIDE);
    let lost = |board: &Board| ledger(board).and_then(|known| known.lost.last().copied()).filter(|lost| !lost.open);
    comes("the end of the hole", || lost(&now(&folder)).is_some()).await;
    let back = now(&folder);
    let known = ledger(&back).expect("there");
    assert_eq!((progress(&back), known.since), (progress(&before), begun.since));
    assert_eq!((known.restarts, known.anew.map(|anew| anew.why)), (1, Some(Why::Hole)));
    assert_eq!(lost(&back).map(|lost| (lost.from, lost.credited)), Some((hole, credited(&before))));
    assert!(known.sums.hole >= Duration::from_secs(60), "{:?}", known.sums);
    assert!(known.spans.iter().any(|span| span.was == Known::Hole), "{:?}", known.spans);

    seat.sees("waives a hole");
    seat.press("j");
    seat.rests();
    seat.press("w");
    seat.sees("By your word the time goes on over it");
    seat.press("the bastion was down\r");
    comes("the waiver", || ledger(&now(&folder)).is_some_and(|known| known.waived == 1)).await;
    comes("its end", || matches!(progress(&now(&folder)), Progress::Ended { .. })).await;
    seat.kill();

    let all = records(&folder);
    let last = board(&folder, &all);
    assert!(matches!(progress(&last), Progress::Ended { verdict: Verdict::Pass, .. }), "{:?}", progress(&last));
    let report = all.iter().find_map(|record| match &record.event {
        Event::ItemEnded { item, report, .. } if item.as_str() == "quiet" => Some(report),
        _ => None,
    });
    let report = report.expect("told");
    assert_eq!(report.summary, "held for 15s, with 1 hole waived");
    let word = report.findings.iter().find(|finding| finding.subject.starts_with("hole of")).expect("told");
    assert_eq!(word.seen, "waived by ann: the bastion was down");
    // What the console that was there told is what the journal alone comes to.
    let known = ledger(&last).expect("there");
    let holes = report.findings.iter().find(|finding| finding.subject == "holes").expect("told");
    assert_eq!(holes.seen, tminus::launch::soak::span(known.sums.hole));
    assert!(known.credited >= Duration::from_secs(15) && known.credited <= known.sums.pass);
    let by = known.waivers.first().map(|waiver| (waiver.by.name.as_str(), waiver.from));
    assert_eq!(by, Some(("ann", hole)));
}
