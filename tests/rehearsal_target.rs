//! The simulated target is made from the plan alone, and a plan that is well passes against it: every
//! kind's good example, written or derived, over the real wire.

#![expect(clippy::panic, clippy::expect_used, reason = "a helper of tests fails by panicking")]

mod rehearsal_plan;

use std::time::Duration;

use rehearsal_plan::{Flight, bundled, small};
use tminus::base::wire::Request;
use tminus::launch::verdict::Verdict;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn passes(loaded: tminus::plan::Loaded) -> Flight {
    let mut flight = Flight::of(loaded, &[]).await;
    assert_eq!(flight.target.left_out(), [], "every entry has its route");
    for (id, report) in flight.fly().await {
        assert_eq!(report.verdict, Verdict::Pass, "{id}: {report:#?}");
    }
    for monitor in flight.loaded.plan.monitors.clone() {
        let report = flight.look_at(monitor.spec, monitor.timeout).await.report;
        assert_eq!(report.verdict, Verdict::Pass, "{}: {report:#?}", monitor.id);
    }
    for which in 0..flight.loaded.plan.rollbacks.len() {
        for (id, report) in flight.roll_back(which).await {
            assert_eq!(report.verdict, Verdict::Pass, "{id}: {report:#?}");
        }
    }
    flight
}

#[tokio::test]
async fn every_check_of_a_plan_passes_against_its_own_target() {
    assert_eq!(passes(small()).await.target.state()["build"], "1.4.1");
}

#[tokio::test]
async fn every_check_of_the_bundled_plan_passes_and_its_rollbacks_are_verified() {
    assert_eq!(passes(bundled()).await.target.state()["build"], "previous");
}

#[tokio::test]
async fn the_small_plan_uses_every_kind_of_check() {
    let loaded = small();
    let used: Vec<&str> = loaded.plan.items.values().map(|item| item.kind).collect();
    for kind in tminus::kind::check::KINDS {
        assert!(used.contains(&kind.name), "{}", kind.name);
    }
}

#[tokio::test]
async fn a_session_may_start_again() {
    let mut flight = Flight::of(small(), &[]).await;
    for _ in 0..2 {
        for (id, report) in flight.fly().await {
            assert_eq!(report.verdict, Verdict::Pass, "{id}: {}", report.summary);
        }
    }
}

#[tokio::test]
async fn the_target_knows_nothing_the_plan_does_not_say() {
    let flight = Flight::of(small(), &[]).await;
    for url in [
        "https://api.rehearsal.test/healthz",
        "https://api.rehearsal.test/health?verbose=1",
        "https://api.rehearsal.test/",
        "https://front.rehearsal.test/",
        "http://api.rehearsal.test/health",
        "http://front.rehearsal.test/health",
        "http://front.rehearsal.test/../etc/passwd",
    ] {
        let request = Request { method: "GET".into(), url: url.into(), ..Request::default() };
        let answer = flight.client.send(request, Duration::from_secs(10)).await.expect(url);
        assert_eq!(answer.status, 404, "{url}");
        assert!(String::from_utf8_lossy(&answer.body).contains("the plan says nothing of this request"), "{url}");
    }
}

/// Kibibytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[tokio::test]
async fn ten_thousand_requests_keep_the_memory_flat() {
    let flight = Flight::of(small(), &[]).await;
    let mut line = TcpStream::connect(flight.target.address).await.expect("a connection");
    // A hundred at a time on one connection: what the target keeps is measured, not the client.
    let mut ask = async |batches: usize| {
        for batch in 0..batches {
            let known = "GET / HTTP/1.1\r\nhost: front.rehearsal.test\r\n\r\n".repeat(50);
            let other = |n: usize| format!("GET /{batch}/{n} HTTP/1.1\r\nhost: front.rehearsal.test\r\n\r\n");
            let sent = known + &(0..50).map(other).collect::<String>();
            line.write_all(sent.as_bytes()).await.expect("sent");
            let mut seen = Vec::new();
            while seen.windows(9).filter(|window| window == b"HTTP/1.1 ").count() < 100 {
                assert_ne!(line.read_buf(&mut seen).await.expect("an answer"), 0);
            }
        }
    };
    ask(10).await;
    let before = resident();
    ask(100).await;
    let grown = resident().saturating_sub(before);
    // Other tests of this file run beside it; a leak of a kilobyte a request would be 10 MiB.
    assert!(grown < 8 << 10, "{grown} KiB more");
}
