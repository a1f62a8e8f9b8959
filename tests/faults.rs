//! Every fault turns exactly the checks it concerns, to the verdict the rules name, and nothing else.
//! The table below is written from the rules, item by item; what it does not name passes.

#![expect(clippy::panic, reason = "a helper of tests fails by panicking")]

mod rehearsal_plan;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use rehearsal_plan::{Flight, small};
use tminus::launch::plan::Act;
use tminus::launch::verdict::{Report, Verdict};
use tminus::rehearsal::Fault;

use Verdict::{Fail, Pass, Unknown};

/// Items that need what an item before them captured, in the order of the plan.
const AFTER_CSRF: [&str; 5] = ["login", "conversation", "run", "stream", "cancel"];

/// Without an answer the positive checks fail, and what needed a captured value cannot be asked. The
/// matrix fails by its allowed origin; its denied ones are looked at below.
fn silence() -> BTreeMap<&'static str, Verdict> {
    let fail = ["health", "preflight", "front-page", "csrf", "telemetry", "build-info"].map(|slug| (slug, Fail));
    fail.into_iter().chain(AFTER_CSRF.map(|slug| (slug, Unknown))).collect()
}

fn expected(fault: Fault) -> BTreeMap<&'static str, Verdict> {
    match fault {
        // No connection, half an answer, or down at the first try: no usable answer.
        // Every request answered 500: the answer is wrong, and nothing was captured from it.
        Fault::Down | Fault::Reset | Fault::Flap | Fault::Errors => silence(),
        // Only these three say how long it may take.
        Fault::Slow => [("health", Fail), ("stream", Fail), ("cancel", Fail)].into(),
        // Unparsable output is unknown. The front page is no JSON, and a preflight has no body.
        Fault::BadJson => {
            let json = ["health", "csrf", "telemetry", "build-info"];
            json.into_iter().chain(AFTER_CSRF).map(|slug| (slug, Unknown)).collect()
        }
        // The world answered and the answer is wrong; its body still hands out what comes next.
        Fault::WrongStatus => {
            let all = ["health", "preflight", "front-page", "csrf", "telemetry", "build-info"];
            all.into_iter().chain(AFTER_CSRF).map(|slug| (slug, Fail)).collect()
        }
        Fault::CorsOpen => [("preflight", Fail)].into(),
        Fault::StreamStalls | Fault::StreamDrops | Fault::StreamNeverEnds => {
            [("stream", Fail), ("cancel", Fail)].into()
        }
        // `login` and `conversation` bring the token back and are refused; the others need the
        // conversation that was never made.
        Fault::CsrfRotates => {
            [("login", Fail), ("conversation", Fail), ("run", Unknown), ("stream", Unknown), ("cancel", Unknown)].into()
        }
        // The steps of a rollback lie, no check does.
        Fault::RollbackLies => BTreeMap::new(),
    }
}

/// The name by which a fault is asked for so that it concerns every request it can.
fn asked(fault: Fault) -> String {
    match fault {
        Fault::Errors => "errors=100%".to_owned(),
        other => other.name().to_owned(),
    }
}

async fn flown(fault: Fault) -> (Fault, Vec<(String, Report)>) {
    let mut flight = Flight::of(small(), &[&asked(fault)]).await;
    let found = flight.fly().await;
    (fault, found.into_iter().map(|(id, report)| (id.slug().to_owned(), report)).collect())
}

fn report<'a>(found: &'a [(String, Report)], slug: &str) -> &'a Report {
    &found.iter().find(|(id, _)| id == slug).unwrap_or_else(|| panic!("no {slug}")).1
}

/// Verdicts of the matrix's rows.
fn rows(report: &Report) -> BTreeMap<String, Verdict> {
    let mut rows = BTreeMap::new();
    for finding in &report.findings {
        let row = rows.entry(finding.row.clone().expect("a row")).or_insert(Pass);
        *row = (*row).max(finding.verdict);
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_turns_what_it_concerns_and_nothing_else() {
    let all = join_all(Fault::ALL.map(|(fault, ..)| flown(fault))).await;
    let mut wrong = Vec::new();
    for (fault, found) in &all {
        let expected = expected(*fault);
        for slug in expected.keys() {
            assert!(found.iter().any(|(id, _)| id == slug), "the plan has no {slug}");
        }
        for (slug, report) in found {
            let wanted = expected.get(slug.as_str()).copied().unwrap_or(Pass);
            if report.verdict != wanted {
                wrong.push(format!("{fault}: {slug} is {}, not {wanted}: {}", report.verdict, report.summary));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_denied_origin_never_passes_on_silence() {
    let cases = [
        (Fault::Down, Fail, Unknown),
        (Fault::Reset, Fail, Unknown),
        // A server in trouble did not decide about the origin.
        (Fault::Errors, Fail, Unknown),
        (Fault::WrongStatus, Fail, Unknown),
        (Fault::CorsOpen, Pass, Fail),
        (Fault::BadJson, Pass, Pass),
        (Fault::CsrfRotates, Pass, Pass),
    ];
    for (fault, allowed, denied) in cases {
        let flight = Flight::of(small(), &[&asked(fault)]).await;
        let item = flight.loaded.plan.items.values().find(|item| item.id.slug() == "preflight").expect("the matrix");
        let Act::Check(spec) = item.act else { panic!("no check") };
        let rows = rows(&flight.look_at(spec, item.timeout).await.report);
        assert_eq!(rows.len(), 4, "{fault}");
        for (origin, verdict) in rows {
            let wanted = if origin == "https://app.rehearsal.test" { allowed } else { denied };
            assert_eq!(verdict, wanted, "{fault}: {origin}");
        }
    }
}

#[tokio::test]
async fn a_refused_token_shows_the_code_the_plan_writes() {
    let (_, found) = flown(Fault::CsrfRotates).await;
    let login = report(&found, "login");
    assert!(login.summary.contains("403") && login.summary.contains("E2002"), "{}", login.summary);
    let conversation = report(&found, "conversation");
    assert!(conversation.summary.contains("403") && conversation.summary.contains("x-csrf-token"), "{conversation:?}");
}

#[tokio::test]
async fn a_share_of_errors_and_a_flap_come_and_go_by_count() {
    let cases: [(&str, [Verdict; 10]); 2] = [
        // Health is the second request of the plan: its fourth turn is the plan's fifth place.
        ("errors=20%", [Pass, Pass, Pass, Fail, Pass, Pass, Pass, Pass, Fail, Pass]),
        ("flap", [Fail, Pass, Fail, Pass, Fail, Pass, Fail, Pass, Fail, Pass]),
    ];
    for (fault, wanted) in cases {
        let flight = Flight::of(small(), &[fault]).await;
        let health = flight.loaded.plan.items.values().find(|item| item.id.slug() == "health").expect("health");
        let Act::Check(spec) = health.act else { panic!("no check") };
        let mut seen = Vec::new();
        for _ in 0..10 {
            seen.push(flight.look_at(spec, health.timeout).await.report.verdict);
        }
        assert_eq!(seen, wanted, "{fault}");
    }
}

#[tokio::test]
async fn a_lying_rollback_is_found_out_by_its_verify_alone() {
    for (faults, wanted) in [(&[][..], Pass), (&["rollback-lies"][..], Fail)] {
        let mut flight = Flight::of(small(), faults).await;
        for (id, report) in flight.fly().await {
            assert_eq!(report.verdict, Pass, "{id}: {}", report.summary);
        }
        let verify = flight.roll_back(0).await;
        assert_eq!(verify[0].1.verdict, wanted, "{faults:?}: {}", verify[0].1.summary);
        let build = if wanted == Pass { "1.4.1" } else { "1.5.0" };
        assert_eq!(flight.target.state()["build"], build);
    }
}

#[tokio::test]
async fn a_fault_that_is_switched_off_is_over() {
    let mut flight = Flight::of(small(), &["down", "bad-json@T-5m"]).await;
    assert_eq!(flight.target.faults.on(), [Fault::Down]);
    flight.target.faults.switch(Fault::Down, false);
    for (id, report) in flight.fly().await {
        assert_eq!(report.verdict, Pass, "{id}: {}", report.summary);
    }
    let mark = tminus::launch::time::Mark::before(Duration::from_secs(300));
    assert_eq!(flight.target.faults.at(mark), [Fault::BadJson]);
    let health = flight.loaded.plan.items.values().find(|item| item.id.slug() == "health").expect("health");
    let Act::Check(spec) = health.act else { panic!("no check") };
    assert_eq!(flight.look_at(spec, health.timeout).await.report.verdict, Unknown);
}
