//! What signals show at an instant: healthy by the plan alone, and with each fault.

use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::base::source::Source as Text;
use crate::kind::check::signal::asked::Asked;
use crate::plan::{Environment, Loaded, Options, load};

const MINUTE: i64 = 60_000;

const PLAN: &str = r#"
[plan]
schema = 1
id = "p"
title = "P"
[[phase]]
id = "a"
at = "T-1h"
[[phase.item]]
id = "told"
manual = {}

[[signal]]
id = "share"
unit = "ratio"
promql = { server = "http://prom", query = "sum(rate(errors[1m])) / sum(rate(requests[1m]))" }
[[signal]]
id = "wait"
unit = "s"
json = { get = "http://api/stats", jq = ".wait", at = ".at" }
[[signal]]
id = "failed"
counter = true
instance = "pod"
promql = { server = "http://prom", query = "errors_total" }
example.good = [{ json = { series = [{ instance = "a", value = 1200 }, { instance = "b", value = 900 }] } }]
[[signal]]
id = "asked"
counter = true
promql = { server = "http://prom", query = "requests_total" }
[[signal]]
id = "spans"
unit = "s"
promql = { server = "http://prom", histogram = "took_bucket" }
[[signal]]
id = "canary"
json = { get = "http://api/canary", jq = ".users" }
example.good = [{ json = { users = 0 } }, { json = { users = 500 }, when = { weight = "10" } }]
[[signal]]
id = "flow"
counter = true
json = { get = "http://api/flow", jq = ".n" }
example.good = [{ json = { n = 1000 } }, { json = { n = 0 }, when = { weight = "1" } }]
[[signal]]
id = "grave"
from = "stream.app"
errors = true
[[stream]]
id = "app"
log = "app.log"
errors = { level = ["error"] }
example.good = [{ body = '{"level":"info","ms":5}' }]
[[monitor]]
id = "api"
every = "1s"
http = { get = "http://api/health", expect = { status = 200 } }

[[objective]]
id = "few"
signal = "signal.share"
that = "<= 5%"
window = "1m"
[[objective]]
id = "fast"
signal = "signal.wait"
that = "p95 <= 2s"
window = "5m"
[[objective]]
id = "fewer"
signal = "signal.failed"
per = "signal.asked"
that = "<= 1%"
window = "1m"
min_samples = 6000
[[objective]]
id = "quick"
signal = "signal.spans"
that = "p95 <= 1s"
window = "1m"
"#;

fn plan() -> Loaded {
    let text = PLAN.replace("signal = \"signal.", "signal = \"").replace("per = \"signal.", "per = \"");
    let options = Options { rehearsal: true, ..Options::default() };
    load(Text::new("plan.toml", text.clone()), &Environment::default(), &options)
        .unwrap_or_else(|wrong| panic!("{}", Text::new("plan.toml", text).render(&wrong, false)))
}

struct Desk {
    loaded: Loaded,
    traffic: Traffic,
    now: Arc<AtomicI64>,
}

impl Desk {
    async fn new() -> Self {
        let loaded = plan();
        let traffic = Traffic::new(Faults::default());
        traffic.under(&loaded.plan, &loaded.catalogue).await;
        let now = Arc::new(AtomicI64::new(0));
        let told = Arc::clone(&now);
        traffic.along(Arc::new(move || Instant(told.load(Ordering::SeqCst))), false);
        Self { loaded, traffic, now }
    }

    fn at(&self, at: i64) -> &Self {
        self.now.store(at, Ordering::SeqCst);
        self
    }

    fn on(&self, fault: &str) -> &Self {
        self.traffic.faults().inject(fault.parse().expect(fault));
        self
    }

    fn off(&self, fault: &str) {
        self.traffic.faults().withdraw(&fault.parse().expect(fault));
    }

    /// What a signal says in a span.
    fn points(&self, signal: &str, from: i64, until: i64) -> Vec<Point> {
        self.traffic.points(&signal.into(), Instant(from), Instant(until)).into_iter().map(|(_, point)| point).collect()
    }

    fn number(&self, signal: &str, at: i64) -> f64 {
        match self.points(signal, at, at + 10_000).first().map(|point| &point.taken) {
            Some(Taken::Number { value, .. }) => *value,
            other => panic!("{other:?}"),
        }
    }

    /// What the wire tells of a signal now, read as the signal reads it.
    async fn wire(&self, owner: &str) -> Vec<Sample> {
        let entry = self.loaded.catalogue.entries.iter().find(|entry| entry.owner.as_str() == owner).expect(owner);
        let Spec::Signal(asked) = &entry.spec else { panic!("no signal") };
        let asked: &Asked = asked;
        let good = entry.examples.good.first().cloned().unwrap_or_else(|| asked.derive().expect("an example"));
        let scope = Scope::default();
        let example = self.traffic.example(owner, &entry.spec, &good, &scope).expect("numbers of now");
        asked.told(&asked.seen(&example, &scope), &scope, &Jq::default()).await.samples
    }
}

#[tokio::test]
async fn without_a_fault_every_number_is_one_that_its_objectives_hold() {
    let desk = Desk::new().await;
    assert_eq!(desk.number("share", 0), 0.025);
    assert_eq!(desk.number("wait", 0), 1.0);
    // Of errors none; of what they are a share of, enough to be counted, and it grows.
    assert_eq!((desk.number("failed", 0), desk.number("failed", 10 * MINUTE)), (1_200.0, 1_200.0));
    assert_eq!((desk.number("asked", 0), desk.number("asked", MINUTE)), (0.0, 12_000.0));
    let spans = desk.points("spans", MINUTE, MINUTE + 1);
    let Taken::Histogram { upto, .. } = &spans[0].taken else { panic!("{spans:?}") };
    assert!(upto[0].1 > 500.0 && upto.iter().all(|(_, count)| *count == upto[0].1), "{upto:?}");
    assert!(upto.iter().any(|(bound, _)| *bound == 1.0), "a bucket ends at the limit");
    assert!(spans[0].generated);
}

#[tokio::test]
async fn the_wire_and_what_is_made_up_are_one_number() {
    let desk = Desk::new().await;
    for fault in ["errors=60%", "latency=3s", "counter-reset"] {
        let at = desk.now.load(Ordering::SeqCst) + 10 * MINUTE;
        desk.at(at).on(fault);
        for signal in ["share", "wait", "failed", "asked", "spans", "canary"] {
            let at = at + 3 * MINUTE;
            desk.at(at);
            let made = desk.points(signal, at, at + 1);
            let wire = desk.wire(&format!("signal.{signal}")).await;
            assert_eq!(made.len(), wire.len(), "{signal}");
            for (made, wire) in made.iter().zip(&wire) {
                let (same, whose) = match (&made.taken, &wire.what) {
                    (Taken::Number { value, instance, .. }, What::Number(told)) => (value == told, instance),
                    (Taken::Histogram { upto, instance }, What::Buckets(told)) => (upto == told, instance),
                    other => panic!("{other:?}"),
                };
                assert!(same && *whose == wire.instance, "{fault}: {signal}: {made:?}, {wire:?}");
            }
        }
    }
}

#[tokio::test]
async fn errors_are_the_share_that_was_asked_for() {
    let desk = Desk::new().await;
    desk.at(MINUTE).on("errors=60%");
    assert_eq!(desk.number("share", MINUTE), 0.6);
    // Both pods together, of 12 000 requests a minute.
    let grown = |at| {
        let both = desk.points("failed", at, at + 1).into_iter().map(|point| match point.taken {
            Taken::Number { value, .. } => value,
            other => panic!("{other:?}"),
        });
        both.sum::<f64>()
    };
    assert_eq!(grown(2 * MINUTE) - grown(MINUTE), 7_200.0);
    let failed = desk.points("grave", MINUTE, MINUTE + 100_000);
    let failed = failed.iter().filter(|point| matches!(point.taken, Taken::Look { verdict: Verdict::Fail, .. }));
    assert_eq!(failed.count(), 60, "of a hundred lines");
    let second = Duration::from_secs(1);
    let hits =
        (0..100).filter_map(|nth| desk.traffic.hit(&"monitor.api".into(), Instant(MINUTE + nth * 1_000), second));
    assert_eq!(hits.collect::<Vec<_>>(), [Verdict::Fail; 60]);
    desk.at(3 * MINUTE).off("errors=60%");
    assert_eq!(grown(9 * MINUTE) - grown(3 * MINUTE), 0.0, "what is over adds nothing");
    assert_eq!(desk.number("share", 4 * MINUTE), 0.025);
    desk.on("errors=1%");
    assert_eq!(desk.number("share", 4 * MINUTE), 0.025, "less than there are anyway");
}

#[tokio::test]
async fn latency_is_in_every_time_and_moves_a_histogram() {
    let desk = Desk::new().await;
    desk.at(MINUTE).on("latency=700ms");
    assert_eq!(desk.number("wait", MINUTE), 1.7);
    assert_eq!(desk.number("share", MINUTE), 0.025, "no time");
    let good = |at| match &desk.points("spans", at, at + 1)[0].taken {
        Taken::Histogram { upto, .. } => {
            let at = |wanted: f64| upto.iter().find(|(bound, _)| *bound == wanted).expect("a bucket").1;
            (at(1.0), at(f64::INFINITY))
        }
        other => panic!("{other:?}"),
    };
    let (before, after) = (good(MINUTE), good(2 * MINUTE));
    assert!(after.1 > before.1 && after.0 == before.0, "none of the new ones was in time: {before:?} {after:?}");
}

#[tokio::test]
async fn without_data_nothing_is_told_and_a_stream_is_silent() {
    let desk = Desk::new().await;
    desk.at(MINUTE).on("no-data");
    for signal in ["share", "wait", "failed", "spans"] {
        let told = desk.points(signal, MINUTE, 2 * MINUTE);
        assert!(!told.is_empty() && told.iter().all(|point| point.taken == Taken::Nothing), "{signal}");
    }
    assert!(desk.points("grave", MINUTE, 2 * MINUTE).is_empty());
    assert_eq!(desk.traffic.lines("stream.app", 0).as_deref(), Some(""));
    desk.off("no-data");
    desk.on("no-data:wait");
    assert_eq!(desk.points("wait", 3 * MINUTE, 3 * MINUTE + 1)[0].taken, Taken::Nothing);
    assert_eq!(desk.number("share", 3 * MINUTE), 0.025, "one alone");
}

#[tokio::test]
async fn a_counter_that_is_reset_falls_to_nothing_and_grows_on() {
    let desk = Desk::new().await;
    let before = desk.number("asked", 5 * MINUTE);
    desk.at(5 * MINUTE).on("counter-reset");
    assert_eq!((before, desk.number("asked", 5 * MINUTE)), (60_000.0, 0.0));
    assert_eq!(desk.number("asked", 6 * MINUTE), 12_000.0);
    assert_eq!(desk.number("failed", 6 * MINUTE), 0.0, "the start of its example is gone, too");
    assert_eq!(desk.number("share", 6 * MINUTE), 0.025, "a level is no counter");
}

#[tokio::test]
async fn a_clock_that_is_wrong_makes_samples_late_or_none() {
    let desk = Desk::new().await;
    desk.at(MINUTE).on("clock-skew=-90s");
    let late = desk.points("wait", MINUTE, MINUTE + 1);
    assert_eq!(late[0].at, Instant(MINUTE - 90_000), "it says so itself");
    assert_eq!(desk.points("share", MINUTE, MINUTE + 1)[0].taken, Taken::Nothing, "its server is not believed");
    assert_eq!(desk.wire("signal.wait").await[0].age, Duration::from_secs(90));
    desk.at(2 * MINUTE).on("clock-skew=-5m");
    assert_eq!(desk.points("wait", 2 * MINUTE, 2 * MINUTE + 1)[0].taken, Taken::Nothing, "older than it may be");
    desk.at(3 * MINUTE).on("clock-skew=+5m");
    assert_eq!(desk.points("wait", 3 * MINUTE, 3 * MINUTE + 1)[0].taken, Taken::Nothing);
    assert!(desk.wire("signal.wait").await.is_empty(), "dated ahead of now");
    assert_eq!(desk.number("canary", 3 * MINUTE), 0.0, "without a date nobody sees it");
}

#[tokio::test]
async fn sticky_users_stay_where_they_were() {
    let desk = Desk::new().await;
    let weight = |weight: &str| {
        desk.traffic.stands(&[("weight".to_owned(), json!(weight))].into_iter().collect());
    };
    desk.at(MINUTE);
    weight("10");
    assert_eq!(desk.number("canary", MINUTE), 500.0);
    desk.on("sticky-users=30%");
    desk.at(2 * MINUTE);
    weight("0");
    assert_eq!(desk.number("canary", 2 * MINUTE), 150.0, "the weight is 0, and traffic arrives");
    desk.off("sticky-users");
    assert_eq!(desk.number("canary", 3 * MINUTE), 150.0, "it was not switched off: another size");
    desk.traffic.faults().switch(Fault::StickyUsers, false);
    assert_eq!(desk.number("canary", 3 * MINUTE), 0.0);
}

#[tokio::test]
async fn of_states_long_gone_is_kept_only_where_counters_stood() {
    let desk = Desk::new().await;
    let mut flown = 1_000.0;
    for nth in 0..400_i64 {
        let at = nth * 10_000;
        desk.at(at);
        desk.traffic.stands(&[("weight".to_owned(), json!((nth % 2).to_string()))].into_iter().collect());
        if nth == 150 {
            desk.on("counter-reset:flow");
            flown = 0.0;
        }
        assert_eq!((desk.number("flow", at), desk.number("asked", at)), (flown, 2_000.0 * nth as f64), "{nth}");
        // Ten each second, but for every other state, in which it stands still.
        flown += if nth % 2 == 0 { 100.0 } else { 0.0 };
        assert!(desk.traffic.inner().states.len() <= STATES);
    }
}

#[tokio::test]
async fn a_target_that_answers_nothing_tells_no_numbers_either() {
    for fault in ["down", "reset", "bad-json", "wrong-status"] {
        let desk = Desk::new().await;
        desk.at(MINUTE).on(fault);
        assert_eq!(desk.points("asked", MINUTE, MINUTE + 1)[0].taken, Taken::Nothing, "{fault}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Whatever is switched when, and however time is cut: a counter falls where it is reset and nowhere else, and
    /// an instant has one number.
    #[test]
    fn a_counter_only_grows(faults in proptest::collection::vec((0i64..40, 0usize..4, proptest::bool::ANY), 0..6), cut in 1i64..60) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let desk = runtime.block_on(Desk::new());
        let mut faults = faults;
        faults.sort_unstable();
        for (at, which, on) in faults {
            desk.at(at * MINUTE);
            let fault = ["errors=60%", "latency=3s", "sticky-users", "errors=5%:failed"][which];
            if on { desk.on(fault); } else { desk.off(fault); }
        }
        for signal in ["asked", "failed", "spans"] {
            let whole = desk.points(signal, 0, 60 * MINUTE);
            let (one, other) = (desk.points(signal, 0, cut * MINUTE), desk.points(signal, cut * MINUTE, 60 * MINUTE));
            prop_assert_eq!(&whole, &[one, other].concat());
            let mut last: BTreeMap<Option<Arc<str>>, f64> = BTreeMap::new();
            for point in &whole {
                let (whose, now) = match &point.taken {
                    Taken::Number { value, instance, .. } => (instance.clone(), *value),
                    Taken::Histogram { upto, instance } => {
                        prop_assert!(upto.windows(2).all(|pair| pair[0].1 <= pair[1].1));
                        (instance.clone(), upto.last().expect("a bucket").1)
                    }
                    other => return Err(TestCaseError::fail(format!("{other:?}"))),
                };
                let before = last.insert(whose, now).unwrap_or(0.0);
                prop_assert!(now >= before, "{signal}: {before} then {now}");
            }
        }
    }
}
