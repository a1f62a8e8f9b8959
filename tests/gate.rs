//! `tminus gate` with the bundled plan against a server that answers as the real backend does: what the
//! product's own gate script gets wrong, this gets right.

use crate::backend::{Behaviour, Contract, Lookalike, ORIGIN, PASSWORD, USERNAME};
use crate::binary::{Place, Ran};
use crate::crude::{Answer, Crude};
use serde_json::Value;

const PLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/omniai.toml");
const EVIL: &str = "https://evil.example.com";
const LOOKALIKE: &str = "https://omniplexity.github.io.evil.com";
const GATES: [&str; 2] = ["gate-a", "gate-b"];
const COMMIT: &str = "3f6c1a9be07d2458f1c0ade49b72563d8e0fa174";

/// A place whose plan means `contract`, and a frontend that is served.
async fn place(contract: &Contract) -> (Place, Crude) {
    let config = Answer::whole("application/json", r#"{"BUILD_INFO":{"version":"v0.9.7"}}"#);
    let web = Crude::start([("/runtime-config.json", config)]).await;
    let (api, web_base) = (contract.url(""), format!("http://{}", web.address));
    let place = Place::new(&[
        ("API_BASE_URL", &api),
        ("WEB_BASE_URL", &web_base),
        ("SMOKE_USERNAME", USERNAME),
        ("SMOKE_PASSWORD", PASSWORD),
        ("LAUNCH_COMMIT", COMMIT),
    ]);
    (place, web)
}

async fn gate(place: &Place, plan: &str, names: &[&str]) -> (Ran, Value) {
    let ran = place.run(&[&["gate", plan, "--json"], names].concat()).await;
    let document = serde_json::from_str(&ran.out).unwrap_or_default();
    (ran, document)
}

/// The bundled plan with one line of it changed.
fn changed(place: &Place, line: &str, into: &str) -> String {
    let text = std::fs::read_to_string(PLAN).expect("the plan");
    assert!(text.contains(line), "{line}");
    let path = place.path("plan.toml");
    std::fs::write(&path, text.replace(line, into)).expect("written");
    path.display().to_string()
}

fn items(document: &Value) -> &Vec<Value> {
    document["items"].as_array().expect("items")
}

fn item<'a>(document: &'a Value, slug: &str) -> &'a Value {
    let is = |item: &&Value| item["id"].as_str().is_some_and(|id| id == slug || id.starts_with(&format!("{slug}[")));
    items(document).iter().find(is).expect("an item of that name")
}

/// The verdicts of a matrix on one origin.
fn on_origin<'a>(document: &'a Value, origin: &str) -> Vec<&'a str> {
    let findings = item(document, "preflight")["findings"].as_array().expect("findings");
    let of = findings.iter().filter(|finding| finding["row"] == origin);
    of.filter_map(|finding| finding["verdict"].as_str()).collect()
}

#[tokio::test]
async fn gates_a_and_b_pass_on_the_real_contract_in_one_document() {
    let contract = Contract::with(Behaviour { vary_in_two_lines: true, ..Behaviour::default() }).await;
    let (place, _web) = place(&contract).await;
    let (ran, document) = gate(&place, PLAN, &GATES).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!((&document["verdict"], &document["exit"]), (&"pass".into(), &0.into()));
    assert_eq!(items(&document).len(), 10);
    for item in items(&document) {
        assert_eq!(item["verdict"], "pass", "{item}");
        assert!(item["took_ms"].is_u64() && item["attempt"] == 1, "{item}");
        let findings = item["findings"].as_array().expect("findings");
        assert!(!findings.is_empty());
        for finding in findings {
            assert!(finding["expected"].is_string() && finding["seen"].is_string(), "{finding}");
            assert_eq!(finding["verdict"], "pass", "{finding}");
        }
    }
    // 400 with allow-headers and without ACAO is a correct denial.
    for origin in [ORIGIN, EVIL, LOOKALIKE, "null"] {
        assert!(!on_origin(&document, origin).is_empty(), "{origin}");
    }
    // The server keeps the socket open after `done`, and its next comment is ten seconds away.
    assert!(item(&document, "stream")["took_ms"].as_u64() < Some(2_000), "{document}");
    assert_eq!(contract.open_streams(), 0, "nothing is read on");
    assert_eq!(contract.asked().iter().filter(|asked| *asked == "POST /v1/chat/cancel").count(), 1);
    assert!(!ran.out.contains(PASSWORD) && !ran.err.contains(PASSWORD));
}

#[tokio::test]
async fn with_the_backend_down_nothing_passes_and_a_denial_proves_nothing() {
    let mut contract = Contract::start().await;
    let (place, web) = place(&contract).await;
    contract.stop().await;
    drop(web);
    let (ran, document) = gate(&place, PLAN, &GATES).await;
    assert_eq!((ran.code, &document["exit"]), (Some(1), &1.into()), "{ran:?}");
    assert!(items(&document).iter().all(|item| item["verdict"] != "pass"), "{document}");
    assert_eq!(item(&document, "health")["verdict"], "fail");
    assert!(on_origin(&document, ORIGIN).iter().all(|verdict| *verdict == "fail"));
    for origin in [EVIL, LOOKALIKE, "null"] {
        let verdicts = on_origin(&document, origin);
        assert!(!verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == "unknown"), "{origin}: {verdicts:?}");
    }
    assert_eq!(item(&document, "login")["verdict"], "unknown");
    assert!(item(&document, "login")["summary"].as_str().is_some_and(|why| why.starts_with("not run: csrf")));
}

#[tokio::test]
async fn a_service_that_refuses_everything_denies_nobody() {
    let contract = Contract::with(Behaviour { unavailable: true, ..Behaviour::default() }).await;
    let (place, _web) = place(&contract).await;
    let (ran, document) = gate(&place, PLAN, &["preflight"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(!on_origin(&document, EVIL).contains(&"pass"), "{document}");
}

#[tokio::test]
async fn the_token_that_login_replaced_is_refused_with_its_code() {
    let contract = Contract::start().await;
    let (place, _web) = place(&contract).await;
    let stale = changed(
        &place,
        "capture = { csrf = \".csrf_token\" }\n[phase.item.example]\ngood = { status = 200, json = { user",
        "[phase.item.example]\ngood = { status = 200, json = { user",
    );
    let (ran, document) = gate(&place, &stale, &["conversation"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(item(&document, "login")["verdict"], "pass", "what it needs ran too");
    let refused = item(&document, "conversation");
    assert_eq!(refused["verdict"], "fail");
    assert!(refused["findings"].to_string().contains("E2002"), "{refused}");
}

#[tokio::test]
async fn a_cancel_counts_only_with_stopped_and_without_done() {
    let lies = Contract::with(Behaviour { cancel_lies: true, ..Behaviour::default() }).await;
    let (liar, _web) = place(&lies).await;
    let short = changed(
        &liar,
        "deadline = \"30s\"\n[phase.item.sse.expect]\nstatus = 200\norder = [{ event = \"message\" }, { event = \"stopped\" }]",
        "deadline = \"2s\"\n[phase.item.sse.expect]\nstatus = 200\norder = [{ event = \"message\" }, { event = \"stopped\" }]",
    );
    let (ran, document) = gate(&liar, &short, &["cancel"]).await;
    assert_eq!((ran.code, &item(&document, "cancel")["verdict"]), (Some(1), &"fail".into()), "{document}");

    let contract = Contract::start().await;
    let (place, _web) = place(&contract).await;
    let over = changed(&place, "Count down from five thousand in words", "Count down from two");
    let (ran, document) = gate(&place, &over, &["cancel"]).await;
    assert_eq!((ran.code, &item(&document, "cancel")["verdict"]), (Some(1), &"fail".into()), "{document}");
    assert!(item(&document, "cancel")["findings"].to_string().contains("done"), "{document}");
}

#[tokio::test]
async fn a_fourth_stream_is_told_as_too_many() {
    let contract = Contract::with(Behaviour { streams_of_others: 3, ..Behaviour::default() }).await;
    let (place, _web) = place(&contract).await;
    let (ran, document) = gate(&place, PLAN, &["stream"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let stream = item(&document, "stream");
    assert_eq!(stream["verdict"], "fail");
    let told = stream.to_string();
    assert!(told.contains("429") && told.contains("E4290") && told.contains("Too many concurrent streams"), "{told}");
}

#[tokio::test]
async fn a_lookalike_that_is_let_in_or_answered_fails() {
    for lookalike in [Lookalike::Answered, Lookalike::LetIn] {
        let contract = Contract::with(Behaviour { lookalike, ..Behaviour::default() }).await;
        let (place, _web) = place(&contract).await;
        let (ran, document) = gate(&place, PLAN, &["preflight"]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        for origin in [LOOKALIKE, "null"] {
            assert!(on_origin(&document, origin).contains(&"fail"), "{lookalike:?} {origin}: {document}");
        }
        assert!(on_origin(&document, EVIL).iter().all(|verdict| *verdict == "pass"));
    }
}

#[tokio::test]
async fn what_is_selected_brings_what_it_needs_and_names_what_it_leaves_out() {
    let contract = Contract::start().await;
    let (place, _web) = place(&contract).await;
    let (ran, document) = gate(&place, PLAN, &["login", "gate-d", "cut"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ids: Vec<&str> = items(&document).iter().filter_map(|item| item["id"].as_str()).collect();
    assert_eq!(ids, ["csrf", "login"].map(|slug| format!("{slug}[{ORIGIN}]")));
    let left: Vec<(&str, &str)> = document["left_out"]
        .as_array()
        .expect("left_out")
        .iter()
        .filter_map(|out| Some((out["id"].as_str()?, out["why"].as_str()?)))
        .collect();
    assert!(left.contains(&("release-trigger", "is for a person")), "{left:?}");
    assert!(left.contains(&("cut", "acts on the world")), "{left:?}");
}

#[tokio::test]
async fn an_unknown_name_says_the_nearest() {
    let place = Place::new(&[("SMOKE_USERNAME", USERNAME), ("SMOKE_PASSWORD", PASSWORD), ("LAUNCH_COMMIT", COMMIT)]);
    for (name, near) in [("gate-q", "did you mean `gate-"), ("logn", "did you mean `login`?")] {
        let (ran, _) = gate(&place, PLAN, &[name]).await;
        assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
        assert!(ran.err.contains(&format!("`{name}`")) && ran.err.contains(near), "{ran:?}");
    }
}

#[tokio::test]
async fn a_run_of_nothing_but_people_is_no_go() {
    let place = Place::new(&[("SMOKE_USERNAME", USERNAME), ("SMOKE_PASSWORD", PASSWORD), ("LAUNCH_COMMIT", COMMIT)]);
    let (ran, document) = gate(&place, PLAN, &["gate-d"]).await;
    assert_ne!(ran.code, Some(0), "nothing was looked at: {ran:?}");
    assert!(items(&document).is_empty());
}

#[tokio::test]
async fn a_gate_that_needs_no_secret_runs_without_and_one_that_does_cannot_tell() {
    let contract = Contract::start().await;
    let (_, served) = place(&contract).await;
    let (api, web) = (contract.url(""), format!("http://{}", served.address));
    let bare = Place::new(&[("API_BASE_URL", &api), ("WEB_BASE_URL", &web), ("LAUNCH_COMMIT", COMMIT)]);
    let (ran, document) = gate(&bare, PLAN, &["gate-a"]).await;
    assert_eq!((ran.code, &document["verdict"]), (Some(0), &"pass".into()), "{ran:?}");
    assert!(ran.err.contains("SMOKE_PASSWORD is not set"), "{ran:?}");
    let (ran, document) = gate(&bare, PLAN, &["login"]).await;
    assert_eq!((ran.code, &item(&document, "login")["verdict"]), (Some(2), &"unknown".into()), "{ran:?}");
    let why = item(&document, "login")["summary"].as_str().unwrap_or_default();
    assert!(why.contains("smoke_") && why.contains("not set"), "{why}");
}
