//! A soak on a real Prometheus whose console is killed: the hole in our watching is told by the source afterwards, and
//! what that did not see itself stays a hole.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::process::Signal;
use tminus::launch::board::Board;
use tminus::launch::event::Event;
use tminus::launch::soak::Ledger;

use super::servers::{Server, State, service, tool};
use super::{config, wait};
use crate::binary::{Place, signal};
use crate::told::{board, records};

const PLAN: &str = r#"
[plan]
schema = 1
id = "filled"
title = "Filled"
[clock]
t0 = "now + 1s"

[[signal]]
id = "share"
every = "1s"
unit = "ratio"
stale_after = "4s"
[signal.promql]
server = "PROMETHEUS"
query = 'sum(rate(errors_total{service="api",kind="few"}[5s])) / sum(rate(requests_total{service="api"}[5s]))'
samples = 'sum(increase(requests_total{service="api"}[5s]))'

[[objective]]
id = "errors"
signal = "share"
that = "<= 5%"
window = "2s"
min_samples = 50
stale_after = "5s"
evaluate_every = "1s"

[[phase]]
id = "watch"
at = "T-0"
[[phase.item]]
id = "quiet"
[phase.item.soak]
objectives = ["errors"]
for = "1h"
max_gap = "5s"
"#;

/// Longer than a hole may be, in seconds and in scrapes.
const AWAY: u64 = 9;

fn ledger(board: &Board) -> Option<&Ledger> {
    board.soaks.get(&"quiet".into()).map(AsRef::as_ref)
}

fn now(folder: &Path) -> Board {
    board(folder, &records(folder))
}

/// Waits until the soak has seen `more` wells since it had `credited`.
async fn credit(folder: &Path, at_least: Duration) {
    wait::comes("credit", || ledger(&now(folder)).is_some_and(|known| known.credited >= at_least)).await;
}

#[tokio::test]
async fn prometheus_tells_of_the_time_that_a_killed_console_missed_and_not_of_what_it_missed_itself() {
    let Some(program) = tool("prometheus") else { return };
    let place = Place::new(&[]);
    let data = place.path("prometheus");
    std::fs::create_dir(&data).expect("a folder");
    let (state, other) = (Arc::new(State::default()), Arc::new(State::default()));
    let (at, beside) = (service(Arc::clone(&state)).await, service(Arc::clone(&other)).await);
    let prometheus = Server::prometheus(&program, &data, &config(at, beside, None), "groups: []\n");
    wait::comes("a rate", || state.scrapes() > 6).await;
    let (plan, folder) = (place.path("plan.toml"), place.path("launch"));
    std::fs::write(&plan, PLAN.replace("PROMETHEUS", &prometheus.url())).expect("written");
    let [at, file] = [&folder, &plan].map(|path| path.display().to_string());
    let arguments = ["run", &file, "--headless", "--launch", &at];
    let mut console = place.start(&arguments);
    wait::comes("the launch", || !records(&folder).is_empty()).await;
    credit(&folder, Duration::from_secs(4)).await;
    signal(&console, Signal::KILL);
    console.wait().await.expect("it is gone");
    let before = ledger(&now(&folder)).expect("it soaks").clone();
    let away = async |gone: bool| {
        let until = other.scrapes() + AWAY;
        state.gone.store(gone, Ordering::SeqCst);
        wait::comes("scrapes", || other.scrapes() >= until).await;
        state.gone.store(false, Ordering::SeqCst);
    };
    away(false).await;

    let again = ["run", "--headless", "--launch", &at];
    let mut console = place.start(&again);
    credit(&folder, before.credited + Duration::from_secs(AWAY + 3)).await;
    let all = records(&folder);
    let filled: Vec<_> = all
        .iter()
        .filter_map(|record| match &record.event {
            Event::HoleFilled { rounds } => Some(rounds.len()),
            _ => None,
        })
        .collect();
    let known = ledger(&board(&folder, &all)).expect("it soaks").clone();
    assert!(filled.len() == 1 && filled[0] >= 7, "{filled:?}");
    // What a machine at work did to it before the kill is not this hole's.
    assert_eq!((known.restarts, &known.anew), (before.restarts, &before.anew), "{known:#?}");
    let hole = known.sums.hole.saturating_sub(before.sums.hole);
    assert!(hole < Duration::from_secs(3), "{:?} after {:?}", known.sums, before.sums);
    signal(&console, Signal::KILL);
    console.wait().await.expect("it is gone");

    // Its service tells nothing: Prometheus has a hole there too.
    away(true).await;
    away(false).await;
    let before = known;
    let mut console = place.start(&again);
    wait::comes("another hole", || ledger(&now(&folder)).is_some_and(|known| known.restarts > before.restarts)).await;
    let known = ledger(&now(&folder)).expect("it soaks").clone();
    let hole = known.sums.hole.saturating_sub(before.sums.hole);
    assert!(hole > Duration::from_secs(5), "{:?} after {:?}", known.sums, before.sums);
    signal(&console, Signal::KILL);
    console.wait().await.expect("it is gone");
}
