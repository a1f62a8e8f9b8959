//! The bundled plan beside what its product is known to answer.

use tminus::base::template::Shape;
use tminus::kind::Spec;
use tminus::kind::check::Route;
use tminus::kind::example::Answered;
use tminus::launch::plan::Act;
use tminus::launch::verdict::Verdict;
use tminus::plan::Loaded;

use super::{jq, read};

fn bundled() -> Loaded {
    read(include_str!("../../config/omniai.toml")).expect("sound")
}

/// What a check of a plan asks.
fn requests(loaded: &Loaded, owner: &str) -> Vec<Route> {
    let entry = loaded.catalogue.entries.iter().find(|entry| entry.owner.as_str() == owner).expect(owner);
    let Spec::Check(check) = &entry.spec else { panic!("{owner} is no check") };
    check.routes(&entry.examples, None, &entry.scope)
}

/// What a check comes to on an answer.
async fn judged(loaded: &Loaded, owner: &str, status: u16, body: serde_json::Value, previous: &str) -> Verdict {
    let entry = loaded.catalogue.entries.iter().find(|entry| entry.owner.slug() == owner).expect(owner);
    let Spec::Check(check) = &entry.spec else { panic!("{owner} is no check") };
    let json = Some(Shape::Plain(body));
    let answered = Answered { status: Some(status), json, ..Answered::default() };
    let mut scope = entry.scope.clone();
    scope.bind("previous_version", previous.into());
    check.judge(&check.seen(&answered, &scope), &scope, &jq()).await.verdict
}

/// A verify item has no session, so no CSRF token: the backend refuses every write of it, whatever is true.
#[test]
fn no_rollback_of_a_bundled_plan_is_verified_by_a_write() {
    let loaded = bundled();
    for verify in loaded.plan.rollbacks.iter().flat_map(|rollback| &rollback.verify) {
        for route in requests(&loaded, verify.id.as_str()) {
            assert_eq!(route.method, "GET", "{}", verify.id);
        }
    }
}

#[tokio::test]
async fn the_release_is_known_by_its_line_and_time_passes_before_it_is_looked_for() {
    let loaded = bundled();
    for (version, wanted) in [
        ("v1.0.1", Verdict::Pass),
        ("v1.0.314", Verdict::Pass),
        ("v1.0.3", Verdict::Fail),
        ("v1.0", Verdict::Fail),
        ("v1.01.1", Verdict::Fail),
    ] {
        let body = serde_json::json!({ "BUILD_INFO": { "version": version } });
        assert_eq!(judged(&loaded, "new-build", 200, body, "v1.0.3").await, wanted, "{version}");
    }
    let item = |id: &str| loaded.plan.item(&id.into()).expect(id);
    let before = |id: &str| item(id).needs.iter().map(|need| item(need.as_str())).collect::<Vec<_>>();
    assert!(before("new-build").iter().any(|item| matches!(item.act, Act::Wait { .. })), "retries have no pause");
}

#[tokio::test]
async fn an_event_that_is_neither_taken_nor_dropped_was_not_counted() {
    let loaded = bundled();
    for (accepted, dropped, wanted) in
        [(1, 0, Verdict::Pass), (0, 1, Verdict::Pass), (0, 0, Verdict::Fail), (1, 1, Verdict::Fail)]
    {
        let body = serde_json::json!({
            "status": "accepted", "accepted_count": accepted, "dropped_count": dropped,
            "effective_sample_rate": 0.1, "sampling_mode": "client",
        });
        assert_eq!(judged(&loaded, "telemetry", 202, body, "").await, wanted, "{accepted} and {dropped}");
    }
}
