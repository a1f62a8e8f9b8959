//! What `traffic` and `sequence` promise, with the real kubectl against an API server that refuses a write over
//! what was not read: nothing is believed that was not read back, nothing is lost to a conflict, a lone
//! Ingress is never touched, and a canary goes only once the version is seen.

#[path = "staged/mod.rs"]
mod staged;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cluster::{Cluster, kubectl};
use serde_json::{Value, json};
use tminus::launch::verdict::{Verdict, Weight};

const INGRESSES: &str = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses";
const CANARY: &str = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/shop-canary";
const ROUTE: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/shop";
const ROLLOUT: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/shop";
const STABLE: &str = "/apis/apps/v1/namespaces/shop/deployments/shop";
const NEXT: &str = "/apis/apps/v1/namespaces/shop/deployments/shop-canary";
const A: &str = "nginx.ingress.kubernetes.io/";

fn ingress(name: &str, service: &str, annotations: &[(&str, &str)]) -> (String, Value) {
    let annotations: BTreeMap<String, &str> =
        annotations.iter().map(|(name, value)| (format!("{A}{name}"), *value)).collect();
    let path = json!({ "path": "/", "pathType": "Prefix",
        "backend": { "service": { "name": service, "port": { "number": 80 } } } });
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": { "name": name, "namespace": "shop", "annotations": annotations },
        "spec": { "ingressClassName": "nginx", "rules": [{ "host": "shop.example.com", "http": { "paths": [path] } }] },
    });
    (format!("{INGRESSES}/{name}"), object)
}

/// A shop and its canary with this weight.
async fn shop(weight: &str) -> Cluster {
    let canary = ingress("shop-canary", "shop-canary", &[("canary", "true"), ("canary-weight", weight)]);
    Cluster::start([ingress("shop", "shop", &[]), canary]).await
}

fn nginx(rest: &str) -> String {
    format!(
        "[phase.item.traffic]\ndriver = \"nginx\"\ncontext = \"prod\"\nnamespace = \"shop\"\nkubeconfig = \
         \"kubeconfig\"\ningress = \"shop-canary\"\nwithin = \"1s\"\n{rest}\n"
    )
}

fn annotation(cluster: &Cluster, name: &str) -> Value {
    cluster.object(CANARY)["metadata"]["annotations"][format!("{A}{name}")].clone()
}

#[tokio::test]
async fn a_weight_is_written_once_and_read_back() {
    if !kubectl("a_weight_is_written_once_and_read_back") {
        return;
    }
    let cluster = shop("0").await;
    let came = cluster
        .run(&nginx("action = \"set\"\nweight = \"10%\"\nheader = { name = \"X-Canary\", value = \"yes\" }"))
        .await;
    assert_eq!((came.outcome.exit, came.report.verdict), (Some(0), Verdict::Pass), "{}", came.said);
    assert!(came.report.summary.contains("10%, header X-Canary: yes, read back; it had 0%"), "{}", came.report.summary);
    let gauge = &came.report.findings[0];
    assert_eq!(
        (gauge.expected.as_str(), gauge.seen.as_str()),
        ("10%, header X-Canary: yes", "10%, header X-Canary: yes")
    );
    assert_eq!(annotation(&cluster, "canary-weight"), "10");
    assert_eq!(annotation(&cluster, "canary-by-header-value"), "yes");
    assert_eq!(cluster.state().writes, [CANARY]);
    assert_eq!(came.weight, Some(Weight { wanted: Some(1_000), seen: Some(1_000) }), "the gauge has it");
    assert_eq!(
        cluster.object(&format!("{INGRESSES}/shop"))["metadata"]["annotations"],
        json!({}),
        "never the main one"
    );

    let again = cluster.run(&nginx("action = \"set\"\nweight = 10")).await;
    assert_eq!(again.report.verdict, Verdict::Pass);
    assert!(again.report.summary.contains("had 10% already: nothing was written"), "{}", again.report.summary);
    let read = cluster.run(&nginx("action = \"read\"\nweight = 20")).await;
    assert_eq!(read.report.verdict, Verdict::Fail, "{}", read.report.summary);
    assert_eq!(cluster.run(&nginx("action = \"read\"")).await.report.verdict, Verdict::Pass);
    assert_eq!(cluster.state().writes.len(), 1, "nothing more was written");
}

#[tokio::test]
async fn what_is_taken_back_by_another_hand_fails_with_what_was_wanted_and_seen() {
    if !kubectl("what_is_taken_back_by_another_hand_fails_with_what_was_wanted_and_seen") {
        return;
    }
    let cluster = shop("0").await;
    cluster.state().controller = Some(Box::new(|path, objects| {
        objects.get_mut(path).expect("written")["metadata"]["annotations"][format!("{A}canary-weight")] = json!("5");
    }));
    let came = cluster.run(&nginx("action = \"set\"\nweight = 10")).await;
    assert_eq!((came.outcome.exit, came.report.verdict), (Some(1), Verdict::Fail), "{}", came.said);
    let gauge = &came.report.findings[0];
    assert_eq!(gauge.expected, "10%");
    assert!(gauge.seen.starts_with("5%, after 1s"), "{}", gauge.seen);
    assert_eq!(cluster.state().writes.len(), 1, "it is read back, not fought for");
}

/// Writes that were refused, and those that were taken.
fn counts(cluster: &Cluster) -> (usize, usize) {
    let state = cluster.state();
    (state.conflicts, state.writes.len())
}

#[tokio::test]
async fn a_conflict_is_read_and_decided_again_and_never_written_over() {
    if !kubectl("a_conflict_is_read_and_decided_again_and_never_written_over") {
        return;
    }
    let cluster = shop("0").await;
    cluster.state().rivals = 1;
    let came = cluster.run(&nginx("action = \"set\"\nweight = 10")).await;
    assert_eq!(came.report.verdict, Verdict::Pass, "{}", came.said);
    assert!(came.said.contains("changed by another since it was read (1 of 5)"), "{}", came.said);
    assert_eq!(counts(&cluster), (1, 1));
    assert_eq!(cluster.object(CANARY)["metadata"]["labels"]["rival"], "0", "what the other wrote is still there");

    cluster.state().rivals = 1_000;
    let came = cluster.run(&nginx("action = \"set\"\nweight = 20")).await;
    assert_eq!(came.report.verdict, Verdict::Fail, "{}", came.said);
    assert!(came.report.summary.contains("5 times it was changed by another"), "{}", came.report.summary);
    assert_eq!(counts(&cluster), (6, 1));
    assert_eq!(annotation(&cluster, "canary-weight"), "10");
}

#[tokio::test]
async fn a_lone_ingress_is_refused_with_nothing_written() {
    if !kubectl("a_lone_ingress_is_refused_with_nothing_written") {
        return;
    }
    let marked = [("canary", "true"), ("canary-weight", "10")];
    let mut elsewhere = ingress("other", "other", &[]);
    elsewhere.1["spec"]["rules"][0]["host"] = json!("other.example.com");
    let mut other_class = ingress("internal", "shop", &[]);
    other_class.1["spec"]["ingressClassName"] = json!("internal");
    for (siblings, told) in [
        (vec![], "stands alone"),
        (vec![elsewhere], "stands alone"),
        (vec![other_class], "stands alone"),
        (vec![ingress("twin", "shop", &marked)], "stands alone"),
    ] {
        let canary = ingress("shop-canary", "shop-canary", &marked);
        let cluster = Cluster::start(siblings.into_iter().chain([canary])).await;
        for action in ["action = \"set\"\nweight = 50", "action = \"undo\"", "action = \"read\""] {
            let came = cluster.run(&nginx(action)).await;
            assert_eq!((came.outcome.exit, came.report.verdict), (Some(1), Verdict::Fail), "{}", came.said);
            assert!(came.report.summary.contains(told), "{}", came.report.summary);
        }
        assert!(cluster.state().writes.is_empty());
    }
    // The only one, not yet a canary: it is never made one.
    let cluster = Cluster::start([ingress("shop-canary", "shop", &[])]).await;
    let came = cluster.run(&nginx("action = \"set\"\nweight = 10")).await;
    assert_eq!(came.report.verdict, Verdict::Fail);
    assert!(came.report.summary.contains("is no canary"), "{}", came.report.summary);
    // And one that leads to other services than those that were said.
    let cluster = shop("0").await;
    let came = cluster.run(&nginx("action = \"set\"\nweight = 10\nstable = \"shop\"\ncanary = \"shop-next\"")).await;
    assert!(
        came.report.verdict == Verdict::Fail && came.report.summary.contains("stands `shop-canary`"),
        "{}",
        came.said
    );
    assert!(cluster.state().writes.is_empty());
}

#[tokio::test]
async fn taking_back_leaves_no_way_to_the_canary() {
    if !kubectl("taking_back_leaves_no_way_to_the_canary") {
        return;
    }
    let marks = [
        ("canary", "true"),
        ("canary-weight", "25"),
        ("canary-by-header", "X-Canary"),
        ("canary-by-header-pattern", "y.*"),
        ("canary-by-cookie", "canary"),
    ];
    let canary = ingress("shop-canary", "shop-canary", &marks);
    let cluster = Cluster::start([ingress("shop", "shop", &[]), canary]).await;
    let came = cluster.run(&nginx("action = \"undo\"")).await;
    assert_eq!(came.report.verdict, Verdict::Pass, "{}", came.said);
    assert!(
        came.report.summary.contains("it had 25%, header X-Canary ~ y.*, cookie canary"),
        "{}",
        came.report.summary
    );
    let left = cluster.object(CANARY)["metadata"]["annotations"].clone();
    assert_eq!(left, json!({ format!("{A}canary"): "true", format!("{A}canary-weight"): "0" }));
}

#[tokio::test]
async fn where_people_stick_to_the_canary_nobody_new_comes_before_they_are_taken_away() {
    if !kubectl("where_people_stick_to_the_canary_nobody_new_comes_before_they_are_taken_away") {
        return;
    }
    let marks = [("canary", "true"), ("canary-weight", "25"), ("canary-by-cookie", "canary")];
    let canary = ingress("shop-canary", "shop-canary", &marks);
    let cluster = Cluster::start([ingress("shop", "shop", &[]), canary]).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    cluster.state().controller = Some(Box::new(move |path, objects| {
        let annotations = &objects[path]["metadata"]["annotations"];
        let weight = annotations[format!("{A}canary-weight")].as_str().unwrap_or_default().to_owned();
        let sticks = annotations.get(format!("{A}canary-by-cookie")).is_some();
        told.lock().unwrap_or_else(PoisonError::into_inner).push((weight, sticks));
    }));
    let came = cluster.run(&nginx("action = \"undo\"")).await;
    assert_eq!(came.report.verdict, Verdict::Pass, "{}", came.said);
    let order = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(order, [("0".to_owned(), true), ("0".to_owned(), false)], "{}", came.said);
    let place = |words: &str| came.said.find(words).unwrap_or_else(|| panic!("{words}: {}", came.said));
    assert!(place("first no new users") < place("now those who stick to it"), "{}", came.said);
    assert!(came.report.summary.contains("it had 25%, cookie canary"), "{}", came.report.summary);
    assert_eq!(came.weight, Some(Weight { wanted: Some(0), seen: Some(0) }));
}

#[tokio::test]
async fn whoever_cannot_be_asked_makes_it_unknown_and_whoever_is_not_there_a_fail() {
    if !kubectl("whoever_cannot_be_asked_makes_it_unknown_and_whoever_is_not_there_a_fail") {
        return;
    }
    let cluster = shop("0").await;
    let set = nginx("action = \"set\"\nweight = 10");
    let came = cluster.run(&set.replace("\"prod\"", "\"staging\"")).await;
    assert_eq!((came.outcome.exit, came.report.verdict), (Some(4), Verdict::Unknown), "{}", came.said);
    assert!(came.report.summary.contains("context \"staging\" does not exist"), "{}", came.report.summary);

    let came = cluster.run(&set.replace("namespace = \"shop\"", "namespace = \"shpo\"")).await;
    assert_eq!(came.report.verdict, Verdict::Fail, "{}", came.said);
    assert!(
        came.report.summary.contains("no ingress `shop-canary` in the namespace `shpo`"),
        "{}",
        came.report.summary
    );

    cluster.state().refuses = Some(403);
    let came = cluster.run(&set).await;
    assert_eq!(came.report.verdict, Verdict::Unknown, "{}", came.said);
    assert!(came.report.summary.contains("Forbidden"), "{}", came.report.summary);
    cluster.state().refuses = None;

    let came = cluster.run_with(&set, &[("PATH", "/nonexistent")]).await;
    assert_eq!(came.report.verdict, Verdict::Unknown, "{}", came.said);
    assert!(came.report.summary.contains("`kubectl`: there is no such program on the PATH"), "{}", came.report.summary);

    cluster.stop();
    let came = cluster.run(&set).await;
    assert_eq!(came.report.verdict, Verdict::Unknown, "{}", came.said);
    assert!(came.report.summary.contains("refused"), "{}", came.report.summary);
    assert!(cluster.state().writes.is_empty());
}

fn deployment(path: &str, name: &str, image: &str) -> (String, Value) {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": "shop" },
        "spec": { "replicas": 2, "template": { "spec": { "containers": [{ "name": "app", "image": image }] } } },
        "status": { "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 },
    });
    (path.to_owned(), object)
}

/// A shop whose canary has all the traffic: `v2`, while `v1` is stable.
async fn finishing(rolls_out: bool, serves_stable: bool) -> Cluster {
    let canary = ingress("shop-canary", "shop-canary", &[("canary", "true"), ("canary-weight", "100")]);
    let (stable, next) = (deployment(STABLE, "shop", "shop:v1"), deployment(NEXT, "shop-canary", "shop:v2"));
    let cluster = Cluster::start([ingress("shop", "shop", &[]), canary, stable, next]).await;
    cluster.state().controller = Some(Box::new(move |path, objects| {
        let object = objects.get_mut(path).expect("written");
        if path == STABLE && rolls_out {
            object["status"]["observedGeneration"] = object["metadata"]["generation"].clone();
        }
    }));
    cluster.state().served = Some(Box::new(move |objects| {
        let by_canary = objects[CANARY]["metadata"]["annotations"][format!("{A}canary-weight")] == "100";
        // What a stable service that keeps serving the old version looks like: only the canary hides it.
        let from = if by_canary { NEXT } else { STABLE };
        let image = objects[from]["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("an image");
        let version = if by_canary || serves_stable { image.trim_start_matches("shop:") } else { "v1" };
        json!({ "version": version })
    }));
    cluster
}

fn finish(version: &str) -> String {
    nginx(&format!(
        "action = \"finish\"\npromote = {{ from = \"shop-canary\", to = \"shop\", within = \"1s\" }}\nverify = {{ within = \
         \"1s\", http = {{ get = \"SERVED\", expect = {{ json = ['.version == \"{version}\"'] }} }} }}"
    ))
}

#[tokio::test]
async fn the_canary_goes_once_the_version_is_verified_with_and_without_it() {
    if !kubectl("the_canary_goes_once_the_version_is_verified_with_and_without_it") {
        return;
    }
    let cluster = finishing(true, true).await;
    let came = cluster.run(&finish("v2")).await;
    assert_eq!(came.report.verdict, Verdict::Pass, "{}", came.said);
    assert_eq!(annotation(&cluster, "canary-weight"), "0");
    assert_eq!(cluster.object(STABLE)["spec"]["template"]["spec"]["containers"][0]["image"], "shop:v2");
    assert_eq!(cluster.state().writes, [STABLE, CANARY], "promoted first");
    let subjects: Vec<&str> = came.report.findings.iter().map(|finding| finding.subject.as_str()).collect();
    assert_eq!(subjects, ["promote", "verify", "canary", "verify without the canary"]);
}

#[tokio::test]
async fn the_canary_stays_where_the_version_is_not_seen() {
    if !kubectl("the_canary_stays_where_the_version_is_not_seen") {
        return;
    }
    // Another version is served.
    let cluster = finishing(true, true).await;
    let came = cluster.run(&finish("v3")).await;
    assert_eq!(came.report.verdict, Verdict::Fail, "{}", came.said);
    assert!(came.said.contains("the canary stays as it is: 100%"), "{}", came.said);
    assert_eq!(
        (annotation(&cluster, "canary-weight"), cluster.state().writes.clone()),
        (json!("100"), vec![STABLE.to_owned()])
    );
    // The promotion never comes through: whatever answers is the canary.
    let cluster = finishing(false, true).await;
    let came = cluster.run(&finish("v2")).await;
    assert_eq!(came.report.verdict, Verdict::Fail, "{}", came.said);
    assert!(came.report.summary.contains("its controller has not seen the change"), "{}", came.report.summary);
    assert_eq!(annotation(&cluster, "canary-weight"), "100");
}

#[tokio::test]
async fn a_version_that_only_the_canary_served_gives_it_its_share_back() {
    if !kubectl("a_version_that_only_the_canary_served_gives_it_its_share_back") {
        return;
    }
    let cluster = finishing(true, false).await;
    let came = cluster.run(&finish("v2")).await;
    assert_eq!(came.report.verdict, Verdict::Fail, "{}", came.said);
    assert!(came.report.summary.starts_with("verify without the canary"), "{}", came.report.summary);
    assert_eq!(annotation(&cluster, "canary-weight"), "100");
    assert_eq!(cluster.state().writes, [STABLE, CANARY, CANARY]);
}

fn route(accepted: bool) -> (String, Value) {
    let condition = |kind: &str| json!({ "type": kind, "status": "True", "observedGeneration": 1 });
    let parents = if accepted {
        json!([{ "conditions": [condition("Accepted"), condition("ResolvedRefs")] }])
    } else {
        json!([])
    };
    let object = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": { "name": "shop", "namespace": "shop" },
        "spec": { "rules": [{ "backendRefs": [{ "name": "shop", "port": 80 }, { "name": "shop-canary", "port": 80, "weight": 0 }] }] },
        "status": { "parents": parents },
    });
    (ROUTE.to_owned(), object)
}

fn gateway(rest: &str) -> String {
    format!(
        "[phase.item.traffic]\ndriver = \"gateway\"\ncontext = \"prod\"\nnamespace = \"shop\"\nkubeconfig = \
         \"kubeconfig\"\nroute = \"shop\"\nstable = \"shop\"\ncanary = \"shop-canary\"\nwithin = \"1s\"\n{rest}\n"
    )
}

#[tokio::test]
async fn a_routes_weights_count_once_a_gateway_has_taken_them() {
    if !kubectl("a_routes_weights_count_once_a_gateway_has_taken_them") {
        return;
    }
    let cluster = Cluster::start([route(true)]).await;
    let came = cluster.run(&gateway("action = \"set\"\nweight = 10")).await;
    assert_eq!(came.report.verdict, Verdict::Fail, "{}", came.said);
    assert!(came.report.summary.contains("10%, a gateway has not yet taken generation 2"), "{}", came.report.summary);
    cluster.state().controller = Some(Box::new(|path, objects| {
        let object = objects.get_mut(path).expect("written");
        let generation = object["metadata"]["generation"].clone();
        for condition in object["status"]["parents"][0]["conditions"].as_array_mut().expect("conditions") {
            condition["observedGeneration"] = generation.clone();
        }
    }));
    let came = cluster.run(&gateway("action = \"set\"\nweight = 25")).await;
    assert_eq!(came.report.verdict, Verdict::Pass, "{}", came.said);
    let backends = cluster.object(ROUTE)["spec"]["rules"][0]["backendRefs"].clone();
    assert_eq!((&backends[0]["weight"], &backends[1]["weight"]), (&json!(75), &json!(25)));
    let came = cluster.run(&gateway("action = \"undo\"")).await;
    assert!(came.report.summary.contains("it had 25%"), "{}", came.report.summary);
    let unattached = Cluster::start([route(false)]).await;
    let came = unattached.run(&gateway("action = \"read\"\nweight = 0")).await;
    assert!(came.report.verdict == Verdict::Fail && came.said.contains("no gateway has accepted"), "{}", came.said);
}

fn rollout() -> (String, Value) {
    let steps = json!([{ "setWeight": 10 }, { "pause": {} }, { "setWeight": 50 }, { "pause": { "duration": "15m" } }]);
    let object = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "shop", "namespace": "shop" },
        "spec": { "strategy": { "canary": { "steps": steps } } },
        "status": {
            "observedGeneration": "1", "phase": "Paused", "stableRS": "old", "currentPodHash": "new", "currentStepIndex": 0,
            "pauseConditions": [{ "reason": "CanaryPauseStep" }],
        },
    });
    (ROLLOUT.to_owned(), object)
}

fn rollouts(rest: &str) -> String {
    format!(
        "[phase.item.traffic]\ndriver = \"rollouts\"\ncontext = \"prod\"\nnamespace = \"shop\"\nkubeconfig = \
         \"kubeconfig\"\nrollout = \"shop\"\nwithin = \"1s\"\n{rest}\n"
    )
}

/// Argo's controller, as far as these tests see it.
fn argo(path: &str, objects: &mut BTreeMap<String, Value>) {
    let status = &mut objects.get_mut(path).expect("written")["status"];
    let weight =
        |status: &mut Value, weight: u64| status["canary"] = json!({ "weights": { "canary": { "weight": weight } } });
    if status["abort"] == true {
        status["phase"] = json!("Degraded");
        weight(status, 0);
    } else if status["promoteFull"] == true {
        status["stableRS"] = status["currentPodHash"].clone();
        status["phase"] = json!("Healthy");
        weight(status, 0);
    } else if status["currentStepIndex"] == 0 {
        status["currentStepIndex"] = json!(1);
        weight(status, 10);
    }
}

#[tokio::test]
async fn a_rollout_moves_along_its_own_steps_only() {
    if !kubectl("a_rollout_moves_along_its_own_steps_only") {
        return;
    }
    let mut placed = rollout();
    placed.1["status"]["canary"] = json!({ "weights": { "canary": { "weight": 0 } } });
    let cluster = Cluster::start([placed]).await;
    cluster.state().controller = Some(Box::new(argo));
    let came = cluster.run(&rollouts("action = \"set\"\nweight = 10")).await;
    assert_eq!(came.report.verdict, Verdict::Pass, "{}", came.said);
    assert_eq!(cluster.object(ROLLOUT)["status"]["pauseConditions"], Value::Null);
    for (weight, told) in [(20, "its steps set 10%, 50%, and never 20%"), (50, "goes on by itself")] {
        let came = cluster.run(&rollouts(&format!("action = \"set\"\nweight = {weight}"))).await;
        assert!(came.report.verdict == Verdict::Fail && came.report.summary.contains(told), "{}", came.said);
    }
    assert_eq!(cluster.state().writes.len(), 1);
    let came = cluster.run(&rollouts("action = \"undo\"")).await;
    assert_eq!(
        (came.report.verdict, &cluster.object(ROLLOUT)["status"]["abort"]),
        (Verdict::Pass, &json!(true)),
        "{}",
        came.said
    );

    let cluster = Cluster::start([rollout()]).await;
    cluster.state().controller = Some(Box::new(argo));
    cluster.state().served = Some(Box::new(|objects| json!({ "version": objects[ROLLOUT]["status"]["stableRS"] })));
    let verify =
        "verify = { within = \"1s\", http = { get = \"SERVED\", expect = { json = ['.version == \"new\"'] } } }";
    let came = cluster.run(&rollouts(&format!("action = \"finish\"\n{verify}"))).await;
    assert_eq!(came.report.verdict, Verdict::Pass, "{}", came.said);
    assert_eq!(cluster.object(ROLLOUT)["status"]["stableRS"], "new");
}

/// A plan's own commands: the weight is in a file.
fn own(rest: &str, set: &str) -> String {
    format!(
        "[phase.item.traffic]\ndriver = \"command\"\nread = [\"cat\", \"weight\"]\nset = [\"bash\", \"-c\", '{set}']\nwithin = \
         \"200ms\"\n{rest}\n"
    )
}

#[tokio::test]
async fn a_command_is_not_believed_but_asked_again() {
    let cluster = Cluster::start([]).await;
    let weight = cluster.path("weight");
    std::fs::write(&weight, "0%\n").expect("written");
    let came = cluster.run(&own("action = \"set\"\nweight = 10", "echo $TMINUS_WEIGHT% > weight")).await;
    assert_eq!(came.report.verdict, Verdict::Pass, "{}", came.said);
    assert_eq!(std::fs::read_to_string(&weight).expect("read"), "10%\n");
    let came = cluster.run(&own("action = \"set\"\nweight = 20", "true")).await;
    assert_eq!((came.report.verdict, came.report.findings[0].seen.as_str()), (Verdict::Fail, "10%, after 200ms"));
    let came = cluster.run(&own("action = \"set\"\nweight = 20", "echo 20 > weight; exit 1")).await;
    assert_eq!(came.report.verdict, Verdict::Pass, "what is read counts: {}", came.said);
    std::fs::write(&weight, "about ten").expect("written");
    let came = cluster.run(&own("action = \"set\"\nweight = 30", "true")).await;
    assert_eq!(came.report.verdict, Verdict::Unknown, "{}", came.said);
}
