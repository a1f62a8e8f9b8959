//! Both kinds in a plan: it is checked without a warning, and what it can never fail by is said.

use tminus::base::jq::Jq;
use tminus::base::source::Source;
use tminus::plan::{Environment, check_report};

use crate::binary::Place;

const PLAN: &str = r#"
[plan]
schema = 1
id = "edge"
title = "Edge"

[vars]
api = "https://api.example.com"
addresses = ["203.0.113.10", "203.0.113.11"]

[[phase]]
id = "gate"
at = "T-1h"
gate = true

[[phase.item]]
id = "certificate"
tls = { host = "{{ api }}", names = ["www.example.com"], offer = ["1.3"], refuse = ["1.0", "1.1"] }
[phase.item.example]
good = { json = { days_left = 60, names = ["*.example.com"], verified = true, versions = { "1.0" = false, "1.1" = false, "1.3" = true } } }
bad = [{ json = { days_left = 12, names = ["*.example.com"], verified = true, versions = { "1.0" = false, "1.1" = false, "1.3" = true } }, gives = "warn" }]

[[phase.item]]
id = "plain-certificate"
tls = { host = "api.example.com" }

[[phase.item]]
id = "address"
dns = { name = "api.example.com", resolvers = ["192.0.2.1", "192.0.2.2"], expect = { equals = ["{{ addresses }}"], ttl_max = "5m" } }

[[phase.item]]
id = "any"
dns = { name = "api.example.com", type = "AAAA" }

[[phase.item]]
id = "old-name"
dns = { name = "beta.example.com", resolvers = ["192.0.2.1", "192.0.2.2"], expect = { absent = true } }

[[phase.item]]
id = "issuers"
dns = { name = "example.com", type = "CAA", expect = { contains = ["0 issue \"ca.example.net\""] } }
"#;

#[tokio::test]
async fn a_plan_with_both_is_sound_without_a_warning() {
    let jq = Jq::with_worker(env!("CARGO_BIN_EXE_tminus"));
    let checked = check_report(&Source::new("plan.toml", PLAN), &Environment::default(), None, &jq, false).await;
    assert_eq!((checked.errors, checked.warnings), (0, 0), "{}", checked.text);
}

#[tokio::test]
async fn a_rehearsal_looks_at_the_examples_and_asks_nobody() {
    let place = Place::new(&[]);
    let plan = place.path("plan.toml");
    std::fs::write(&plan, PLAN).expect("written");
    let (plan, launch) = (plan.display().to_string(), place.path("launch").display().to_string());
    let ran = place.run(&["rehearse", &plan, "--headless", "--launch", &launch]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("pass 6/6"), "{}", ran.out);
}
