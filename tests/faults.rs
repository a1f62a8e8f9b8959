//! Every fault turns exactly the checks it concerns, to the verdict the rules name, and nothing else.
//! The table below is written from the rules, item by item; what it does not name passes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::rehearsal_plan::{Flight, bundled, small};
use futures_util::future::{join, join_all};
use tminus::launch::plan::Act;
use tminus::launch::verdict::{Report, Verdict};
use tminus::plan::Loaded;
use tminus::rehearsal::Fault;

use Verdict::{Fail, Pass, Unknown};

/// What the checks of a plan look at, as far as faults tell them apart.
struct Facts {
    plan: fn() -> Loaded,
    /// Those that read JSON and need nothing from before.
    json: &'static [&'static str],
    /// Those that read text.
    text: &'static [&'static str],
    /// Those that ask somebody else than the service, whose silence tells nothing of it.
    second_hand: &'static [&'static str],
    /// Those of so many requests that late ones take minutes: they fly where nothing is late.
    many: &'static [&'static str],
    /// Those that look at a number that somebody tells.
    numbers: &'static [&'static str],
    /// Those by which an alert must be firing.
    firing: &'static [&'static str],
    matrices: &'static [&'static str],
    /// Those that need what `csrf` and the ones after it captured, in the order of the plan.
    after_csrf: &'static [&'static str],
    /// Those that say how long something may take.
    timed: &'static [&'static str],
    /// Those that ask again what was asked before, as the second (or fourth) request of its kind.
    even_turns: &'static [&'static str],
}

const SMALL: Facts = Facts {
    plan: small,
    json: &["health", "repairs", "tag", "csrf", "telemetry", "build-info"],
    text: &["front-page"],
    second_hand: &["error-rate", "ringing"],
    many: &[],
    numbers: &["error-rate", "repairs"],
    firing: &["ringing"],
    matrices: &["preflight"],
    after_csrf: &["login", "conversation", "run", "stream", "cancel"],
    timed: &["health", "stream", "cancel"],
    even_turns: &[],
};

const BUNDLED: Facts = Facts {
    plan: bundled,
    json: &[
        "health",
        "frontend-up",
        "csrf",
        "page-flags",
        "release-run",
        "release-tags",
        "release-workflow",
        "previous-known",
        "staging-differs",
        "new-build",
        "health-after",
    ],
    text: &[],
    second_hand: &[],
    many: &["telemetry-flood"],
    numbers: &[],
    firing: &[],
    matrices: &["preflight", "preflight-after"],
    after_csrf: &["login", "conversation", "run", "stream", "long-run", "cancel", "telemetry", "telemetry-flood"],
    timed: &["stream", "cancel"],
    // `runtime-config.json` is asked by `frontend-up`, `page-flags`, `previous-known` and `new-build`, in this order.
    even_turns: &["page-flags", "new-build", "health-after", "preflight-after"],
};

const STREAMS: [&str; 2] = ["stream", "cancel"];

type Expected = BTreeMap<&'static str, Verdict>;

fn all<'a>(slugs: impl IntoIterator<Item = &'a &'static str>, verdict: Verdict) -> Expected {
    slugs.into_iter().map(|slug| (*slug, verdict)).collect()
}

impl Facts {
    fn answered_alone(&self) -> impl Iterator<Item = &'static &'static str> {
        self.json.iter().chain(self.text).chain(self.matrices)
    }

    /// Without a usable answer the positive checks fail, and what needed a captured value cannot be
    /// asked. The matrix fails by its allowed origin; its denied ones are looked at below.
    fn silence(&self) -> Expected {
        let mut expected = all(self.answered_alone(), Fail);
        expected.extend(all(self.after_csrf.iter().chain(self.second_hand), Unknown));
        expected
    }

    fn expected(&self, fault: Fault) -> Expected {
        match fault {
            // No connection, half an answer, or every request answered 500 with nothing to capture. Under a
            // wrong status the body hands out what comes next, but nothing of a wrong answer is taken.
            Fault::Down | Fault::Reset | Fault::Errors | Fault::WrongStatus => self.silence(),
            // Down at the first turn of each request, up at the second.
            Fault::Flap => {
                let mut expected = self.silence();
                expected.retain(|slug, _| !self.even_turns.contains(slug));
                expected
            }
            Fault::Slow => all(self.timed, Fail),
            // Unparsable output is unknown. Text is no JSON, and a preflight has no body.
            Fault::BadJson => all(self.json.iter().chain(self.after_csrf).chain(self.second_hand), Unknown),
            Fault::CorsOpen => all(self.matrices, Fail),
            Fault::StreamStalls | Fault::StreamDrops | Fault::StreamNeverEnds => all(&STREAMS, Fail),
            // `login` and `conversation` bring the token back and are refused; the others need the
            // conversation that was never made, or the run that was never started.
            Fault::CsrfRotates => {
                let mut expected = all(self.after_csrf, Unknown);
                expected.extend([("login", Fail), ("conversation", Fail)]);
                expected
            }
            // What allows less than that is too late.
            Fault::Latency => all(self.timed, Fail),
            // Who is asked for numbers and alerts has none, and the one that must be firing is not; the service itself
            // answers as before.
            Fault::NoData => {
                let mut expected = all(self.numbers, Unknown);
                expected.extend(all(self.firing, Fail));
                expected
            }
            // A number of another clock is no number of now.
            Fault::ClockSkew => all(self.second_hand.iter().filter(|slug| **slug == "error-rate"), Unknown),
            // The steps of a rollback lie, no check does; counters and users are what signals look at.
            // What `fail` turns, `launches` looks at.
            Fault::RollbackLies | Fault::CounterReset | Fault::StickyUsers | Fault::Fail => Expected::new(),
        }
    }
}

/// The name by which a fault is asked for so that it concerns every request it can.
fn asked(fault: Fault) -> String {
    match fault {
        Fault::Errors => "errors=100%".to_owned(),
        Fault::Latency => "latency=4500ms".to_owned(),
        other => other.name().to_owned(),
    }
}

/// Those that need nobody's name.
fn everywhere() -> Vec<Fault> {
    Fault::ALL.into_iter().map(|(fault, ..)| fault).filter(|fault| *fault != Fault::Fail).collect()
}

async fn flown(plan: fn() -> Loaded, fault: Fault, without: &[&str]) -> (Fault, Vec<(String, Report)>) {
    let mut loaded = plan();
    loaded.plan.items.retain(|id, _| !without.contains(&id.slug()));
    loaded.plan.phases.iter_mut().for_each(|phase| phase.items.retain(|id| !without.contains(&id.slug())));
    let mut flight = Flight::of(loaded, &[&asked(fault)]).await;
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

async fn each_fault_turns_what_it_concerns_and_nothing_else(facts: &Facts) {
    // Those that wait for something wait at the same time, and need the machine for nothing; the others have it one
    // after another.
    let waits =
        |fault: &Fault| matches!(fault, Fault::Slow | Fault::Latency | Fault::StreamStalls | Fault::StreamNeverEnds);
    let (waiting, quick): (Vec<Fault>, Vec<Fault>) = everywhere().iter().partition(|fault| waits(fault));
    let one_by_one = async {
        let mut found = Vec::new();
        for fault in quick {
            found.push(flown(facts.plan, fault, &[]).await);
        }
        found
    };
    let waiting = join_all(waiting.into_iter().map(|fault| flown(facts.plan, fault, facts.many)));
    let (mut found, waited) = join(one_by_one, waiting).await;
    found.extend(waited);
    let mut wrong = Vec::new();
    for (fault, found) in &found {
        let expected = facts.expected(*fault);
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
async fn each_fault_against_a_plan_in_small() {
    each_fault_turns_what_it_concerns_and_nothing_else(&SMALL).await;
}

#[tokio::test]
async fn each_fault_against_the_bundled_plan() {
    each_fault_turns_what_it_concerns_and_nothing_else(&BUNDLED).await;
}

#[tokio::test]
async fn the_bundled_plans_rollbacks_are_each_caught_lying() {
    for which in 0..2 {
        let mut flight = Flight::of(bundled(), &["rollback-lies"]).await;
        flight.fly().await;
        let verify = flight.roll_back(which).await;
        assert_eq!(verify[0].1.verdict, Fail, "{}: {}", verify[0].0, verify[0].1.summary);
    }
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
    let (_, found) = flown(small, Fault::CsrfRotates, &[]).await;
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
