//! `fail:ID`: whatever it is offered for fails by its plan's own example, of every kind and in each of the five plans,
//! leaves nothing behind, and is well again afterwards. Whom it cannot reach it is refused for, with what to do.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::binary::Place;
use crate::rehearsal_plan::{Flight, read};
use futures_util::future::join_all;
use tminus::kind::Spec;
use tminus::launch::id::ItemId;
use tminus::launch::plan::{Act, SpecId};
use tminus::launch::verdict::{Outcome, Verdict};
use tminus::rehearsal::{Injection, able};

/// How many things of each kind were made to fail, and what did not.
#[derive(Default)]
struct Tally {
    failed: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

struct Failing<'f> {
    flight: &'f Flight,
    able: Vec<ItemId>,
    tally: Tally,
}

impl Failing<'_> {
    /// Makes `id` fail for as long as `looked` takes.
    async fn under<T>(&self, id: &ItemId, looked: impl Future<Output = T>) -> T {
        let fault: Injection = format!("fail:{id}").parse().expect("a fault");
        self.flight.target.faults.inject(fault.clone());
        let found = looked.await;
        self.flight.target.faults.withdraw(&fault);
        found
    }

    async fn check(&mut self, owner: &ItemId, spec: SpecId, timeout: Duration) {
        let entry = self.flight.loaded.catalogue.get(spec).expect("an entry");
        let (Spec::Check(check), true) = (&entry.spec, self.able.contains(owner)) else { return };
        let ran = self.under(owner, self.flight.look_at(spec, timeout)).await;
        self.tell(check.kind().name, owner, ran.report.verdict, &ran.report.summary);
    }

    async fn step(&mut self, id: &ItemId, spec: SpecId) {
        let entry = self.flight.loaded.catalogue.get(spec).expect("an entry");
        let (Spec::Step(step), false) = (&entry.spec, entry.real) else { return };
        let told = self.under(id, self.flight.act(id)).await;
        let exit = told["exit"].as_i64().and_then(|exit| i32::try_from(exit).ok());
        let verdict = Outcome { exit, ..Outcome::default() }.verdict(step.exits());
        self.tell(step.kind().name, id, verdict, &told.to_string());
    }

    fn tell(&mut self, kind: &'static str, id: &ItemId, verdict: Verdict, summary: &str) {
        match verdict {
            // An address that a process says which does not run here.
            Verdict::Unknown if summary.contains("_url`: it was not captured") => {}
            Verdict::Fail => *self.tally.failed.entry(kind).or_default() += 1,
            other => self.tally.wrong.push(format!("{id} ({kind}) is {other}: {summary}")),
        }
    }
}

async fn fails(plan: &str) -> Tally {
    let path = format!("{}/config/{plan}.toml", env!("CARGO_MANIFEST_DIR"));
    let loaded = read(&path, &std::fs::read_to_string(&path).expect("the plan"));
    let able = able(&loaded.plan, &loaded.catalogue);
    let mut flight = Flight::of(loaded, &[]).await;
    flight.capture_baseline().await;
    let flight = &flight;
    let mut failing = Failing { flight, able, tally: Tally::default() };
    let plan = &flight.loaded.plan;
    for id in plan.phases.iter().flat_map(|phase| &phase.items) {
        let item = plan.item(id).expect("an item of the plan");
        match item.act {
            Act::Check(spec) => {
                let _ = flight.look_at(spec, item.timeout).await;
                failing.check(id, spec, item.timeout).await;
            }
            Act::Step { spec, .. } => {
                failing.step(id, spec).await;
                let state = flight.target.state();
                failing.step(id, spec).await;
                assert_eq!(flight.target.state(), state, "{id}: what failed changed nothing");
                flight.act(id).await;
            }
            _ => {}
        }
    }
    for rollback in &plan.rollbacks {
        for step in &rollback.steps {
            failing.step(&step.id, step.spec).await;
            flight.act(&step.id).await;
        }
        for verify in &rollback.verify {
            failing.check(&verify.id, verify.spec, verify.timeout).await;
        }
    }
    failing.tally
}

#[tokio::test]
async fn whatever_is_said_to_be_able_to_fail_fails_in_each_of_the_five_plans() {
    let plans = ["omniai", "nanostyle", "oneshot", "onesource", "socialproject"];
    let tallies = join_all(plans.map(fails)).await;
    let wrong: Vec<&String> = tallies.iter().flat_map(|tally| &tally.wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let count = |kind: &str| tallies.iter().filter_map(|tally| tally.failed.get(kind)).sum::<usize>();
    for kind in ["http", "command", "env", "file", "github", "log", "alerts", "signal", "tls", "sse", "run", "drill"] {
        assert!(count(kind) > 0, "no {kind} was made to fail");
    }
    assert!(count("command") > 60 && count("http") > 90, "{} {}", count("command"), count("http"));
}

const PLAN: &str = r#"
[plan]
schema = 1
id = "p"
title = "P"
[roles.lead]
title = "Lead"
[[criterion]]
id = "calm"
no_go = "Something speaks against it"
role = "lead"
[[phase]]
id = "a"
at = "T-1h"
gate = true
[[phase.item]]
id = "lint"
command = { command = ["true"] }
[[phase.item]]
id = "origins"
cors = { url = "http://a.example/", method = "GET", allow = ["https://a.example"] }
[[phase.item]]
id = "seen"
manual = {}
"#;

#[tokio::test]
async fn a_headless_rehearsal_ends_with_no_go_where_a_program_a_person_or_a_word_says_no() {
    let cases = [("fail:lint", "lint: fail"), ("fail:seen", "seen: fail"), ("fail:calm", "calm speaks against GO")];
    let flown = cases.map(|(fault, why)| async move {
        let place = Place::new(&[]);
        let (file, folder) = (place.path("plan.toml"), place.path("launch").display().to_string());
        std::fs::write(&file, PLAN).expect("written");
        let file = file.display().to_string();
        let ran = place.run(&["rehearse", &file, "--headless", "--launch", &folder, "--fault", fault]).await;
        assert_eq!(ran.code, Some(1), "{fault}: {}\n{}", ran.out, ran.err);
        let log = place.run(&["log", &folder]).await.out;
        assert!(log.contains(why), "{fault}: no `{why}` in {log}");
    });
    join_all(flown).await;
}

#[tokio::test]
async fn whom_it_cannot_reach_it_is_refused_for_with_what_to_do() {
    let place = Place::new(&[]);
    let file = place.path("plan.toml");
    std::fs::write(&file, PLAN).expect("written");
    let file = file.display().to_string();
    for (fault, why) in [
        ("fail", "`fail@T-2h:lint`"),
        ("fail:lynt", "did you mean `lint`?"),
        ("fail:origins", "the plan shows no failure of `origins`: give its `example` a `bad`"),
    ] {
        let ran = place.run(&["rehearse", &file, "--headless", "--fault", fault]).await;
        assert!(ran.code != Some(0) && ran.err.contains(why), "{fault}: {:?} {}", ran.code, ran.err);
    }
}
