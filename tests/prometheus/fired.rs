//! A launch that stands on a real Prometheus and Alertmanager: what fires its triggers, and what does not.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tminus::launch::board::Board;
use tminus::launch::event::{Event, Recorded};
use tminus::launch::verdict::Verdict::{self, Fail, Pass, Unknown, Warn};

use super::servers::{Server, State, service, tool};
use super::{ROUTES, RULES, becomes, config, silence, wait};
use crate::binary::Place;
use crate::told::{board, records};

const PLAN: &str = r#"
[plan]
schema = 1
id = "watched"
title = "Watched"
[clock]
t0 = "now + 20m"
[[phase]]
id = "before"
at = "T-20m"
[[phase.item]]
id = "rest"
wait = { for = "10m" }

[[signal]]
id = "share"
every = "500ms"
unit = "ratio"
stale_after = "4s"
[signal.promql]
server = "PROMETHEUS"
query = 'sum(rate(errors_total{service="api",kind="many"}[5s])) / sum(rate(requests_total{service="api"}[5s]))'
samples = 'sum(increase(requests_total{service="api"}[5s]))'

[[signal]]
id = "took"
every = "500ms"
unit = "s"
stale_after = "4s"
promql = { server = "PROMETHEUS", histogram = 'took_seconds_bucket{service="api"}' }

[[objective]]
id = "errors"
signal = "share"
that = "<= 5%"
window = "2s"
min_samples = 50
stale_after = "5s"
evaluate_every = "1s"

# Nine of ten are within half a second, 99 of a hundred within one; longer than that nobody counts.
[[objective]]
id = "slow"
signal = "took"
that = "p95 <= 500ms"
window = "4s"
stale_after = "5s"
evaluate_every = "1s"
[[objective]]
id = "quick"
signal = "took"
that = "p95 <= 1s"
window = "4s"
stale_after = "5s"
evaluate_every = "1s"
[[objective]]
id = "tail"
signal = "took"
that = "p95 <= 2s"
window = "4s"
stale_after = "5s"
evaluate_every = "1s"

[[monitor]]
id = "rings"
every = "500ms"
fails_after = 1
alerts = { prometheus = "PROMETHEUS", alertmanager = "ALERTMANAGER", not_firing = ["Rings"] }
[[monitor]]
id = "held"
every = "500ms"
# A Prometheus that began anew rings before Alertmanager knows of it: its silences are known all the same.
fails_after = 0
alerts = { prometheus = "PROMETHEUS", alertmanager = "ALERTMANAGER", none = ["ticket"] }

[[trigger]]
id = "errors"
when = "objective.errors"
for = "8s"
then = "rollback.back"
[[trigger]]
id = "rings"
when = "monitor.rings.down"
then = "rollback.back"
[[trigger]]
id = "held"
when = "monitor.held.down"
then = "rollback.back"

[[rollback]]
id = "back"
key = "1"
[[rollback.step]]
id = "redeploy"
class = "idempotent"
run = { command = ["true"] }
[[rollback.verify]]
id = "served"
http = { get = "PROMETHEUS/-/ready", expect = { status = 200 } }
"#;

fn fired(records: &[Recorded], wanted: &str) -> bool {
    records
        .iter()
        .any(|record| matches!(&record.event, Event::TriggerFired { trigger, .. } if trigger.as_str() == wanted))
}

fn verdict(board: &Board, objective: &str) -> Option<Verdict> {
    board.objectives.get(&objective.into()).map(|state| state.verdict)
}

/// Waits until the journal tells it.
async fn tells(what: &str, folder: &Path, is: impl Fn(&[Recorded], &Board) -> bool) -> Vec<Recorded> {
    let mut known = Vec::new();
    let looking = async {
        let mut looks = tokio::time::interval(wait::LOOK * 10);
        loop {
            looks.tick().await;
            known = records(folder);
            if !known.is_empty() && is(&known, &board(folder, &known)) {
                return;
            }
        }
    };
    let came = tokio::time::timeout(wait::PATIENCE, looking).await;
    assert!(came.is_ok(), "no {what}: {:#?}", board(folder, &known).objectives);
    known
}

#[tokio::test]
async fn triggers_fire_by_promql_and_by_alert_and_neither_silence_nor_a_restart_hides_or_heals() {
    let (Some(prometheus), Some(manager)) = (tool("prometheus"), tool("prometheus-alertmanager")) else { return };
    let place = Place::new(&[]);
    let [ours, theirs, fresh] = ["prometheus", "alertmanager", "fresh"].map(|name| place.path(name));
    [&ours, &theirs, &fresh].into_iter().for_each(|folder| std::fs::create_dir(folder).expect("a folder"));
    let state = Arc::new(State::default());
    let at = service(Arc::clone(&state)).await;
    let alertmanager = Server::alertmanager(&manager, &theirs, ROUTES);
    let config = config(at, at, Some(alertmanager.address));
    let server = Server::prometheus(&prometheus, &ours, &config, RULES);
    let (url, address) = (server.url(), server.address.to_string());
    silence(&alertmanager, "Held").await;
    let held = format!("prometheus = '{url}'\nalertmanager = '{}'\nnone = ['ticket']", alertmanager.url());
    becomes("alerts", &held, Warn, "1 silenced: Held", &[Unknown, Fail]).await;
    let plan = place.path("plan.toml");
    let text = PLAN.replace("PROMETHEUS", &url).replace("ALERTMANAGER", &alertmanager.url());
    std::fs::write(&plan, text).expect("written");
    let launch = place.path("launch");
    let [at, file] = [&launch, &plan].map(|path| path.display().to_string());
    let _console = place.start(&["run", "--headless", "--launch", &at, "--name", "ada", &file]);
    let breached = tells("breach", &launch, |_, board| {
        [("errors", Fail), ("slow", Fail), ("quick", Pass), ("tail", Unknown)]
            .into_iter()
            .all(|(id, wanted)| verdict(board, id) == Some(wanted))
    })
    .await;
    assert!(!fired(&breached, "errors"), "a breach that has not lasted yet");
    // Its top bucket ends at one second: of what lies above nobody knows where.
    let why = board(&launch, &breached).objectives[&"tail".into()].why.clone();
    assert!(why.contains("bucket"), "{why}");
    state.ringing.store(true, Ordering::SeqCst);
    tells("alert and breach that fired", &launch, |records, _| fired(records, "rings") && fired(records, "errors"))
        .await;
    // Gone, and back without all that it knew: neither is health.
    drop(server);
    tells("loss", &launch, |_, board| verdict(board, "errors").is_some_and(|verdict| verdict != Fail)).await;
    let _server = Server::prometheus_at(&address, &prometheus, &fresh, &config, RULES);
    let all = tells("breach once more", &launch, |_, board| verdict(board, "errors") == Some(Fail)).await;
    assert!(!fired(&all, "held"), "a silenced alert is amber");
    for end in 1..=all.len() {
        if matches!(all[end - 1].event, Event::Evaluated { .. }) {
            let board = board(&launch, &all[..end]);
            assert!(verdict(&board, "errors") != Some(Pass), "{:#?}", board.objectives);
            assert!(verdict(&board, "tail") != Some(Pass), "{:#?}", board.objectives);
        }
    }
}
