//! The world asked directly, over routes written by hand.

use std::sync::Arc;
use std::time::Duration;

use super::super::routes::{Said, Simulated};
use super::*;
use crate::base::source::Span;
use crate::base::template::{Shape, Template};
use crate::kind::check::Route;
use crate::kind::example::{Examples, Told};
use crate::kind::step::Step;
use crate::kind::{Entry, Spec, step};

pub(in crate::rehearsal) const HOST: &str = "api.example";

/// An entry whose own table plays no part.
fn entry(owner: &str, session: Option<&str>, examples: Examples) -> Arc<Entry> {
    let document = toml::de::DeTable::parse("command = [\"true\"]").expect("a table");
    let notes = crate::base::table::Notes::default();
    let table = crate::base::table::Table::new("[run]", Span::default(), document.get_ref(), &notes);
    let spec = Spec::Step(step::Spec::Run(step::run::Run::read(&table).expect("a step")));
    let session = session.map(SessionId::new);
    let (text, real) = (Arc::from(""), false);
    Arc::new(Entry { owner: ItemId::new(owner), spec, scope: Scope::default(), session, examples, text, real })
}

fn shape(json: &Value) -> Shape {
    match json {
        Value::String(text) => Shape::Text(Template::parse(text, Span::default()).expect("a template")),
        Value::Object(entries) => {
            Shape::Table(entries.iter().map(|(key, value)| (key.clone(), shape(value))).collect())
        }
        other => Shape::Plain(other.clone()),
    }
}

fn answered(status: u16, json: &Value) -> Answered {
    Answered { status: Some(status), json: Some(shape(json)), ..Answered::default() }
}

fn route(method: &str, path: &str, headers: &[(&str, &str)], answer: Answered) -> Route {
    Route {
        method: method.into(),
        url: format!("https://{HOST}{path}"),
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        answer,
        captures: Vec::new(),
        row: None,
        denied: false,
        stream: false,
    }
}

fn said(owner: &str, session: Option<&str>, examples: Examples, routes: Vec<Route>) -> Said {
    Said {
        entry: entry(owner, session, examples),
        routes,
        failing: Vec::new(),
        timeout: Duration::from_secs(1),
        control: false,
        baseline: false,
    }
}

fn world(said: &[Said], steps: Vec<(Arc<Entry>, bool)>) -> World {
    let mut routes = Routes::default();
    routes.tell(said);
    for (entry, rollback) in steps {
        routes.steps.insert(entry.owner.clone(), Simulated { entry, rollback });
    }
    assert!(routes.left_out.is_empty(), "{:?}", routes.left_out);
    let scopes = vec![Scope::default(); routes.places.len()];
    World::with(routes, scopes, Arc::new(Traffic::new(Faults::default())))
}

/// A plan in small: health, a session with a token, a stream, a step that deploys.
fn small() -> World {
    let session = Some("smoke");
    let token = |value: &str, capture: &str| Route {
        captures: vec![capture.into()],
        ..route("GET", "/csrf", &[], answered(200, &json!({ "csrf_token": value })))
    };
    let refusal = answered(403, &json!({ "error": { "code": "E2002" } }));
    let login = Route {
        captures: vec!["csrf = .csrf_token".into(), "run = .run_id".into()],
        ..route(
            "POST",
            "/login",
            &[("X-CSRF-Token", "{{ csrf }}")],
            answered(200, &json!({ "csrf_token": "rotated-token", "run_id": "{{ run }}" })),
        )
    };
    let events = ["a", "b", "end"].map(|data| Told { data: Some(shape(&json!(data))), ..Told::default() }).to_vec();
    let stream = Route {
        stream: true,
        ..route("GET", "/stream?run_id={{ run }}", &[], Answered { events, ..Answered::default() })
    };
    let build = |version: &str, when: Option<&str>| {
        let when = when.map(|value| ("build".to_owned(), json!(value))).into_iter().collect();
        let answer = Answered { when, ..answered(200, &json!({ "version": version })) };
        route("GET", "/build", &[], answer)
    };
    let said = [
        said(
            "health",
            None,
            Examples::default(),
            vec![route("GET", "/health", &[], answered(200, &json!({ "status": "ok" })))],
        ),
        said("csrf", session, Examples::default(), vec![token("{{ csrf }}", "csrf = .csrf_token")]),
        said("login", session, Examples { bad: vec![(refusal, Verdict::Fail)], ..Examples::default() }, vec![login]),
        said("stream", session, Examples::default(), vec![stream]),
        said("build", None, Examples::default(), vec![build("1.4.1", None), build("1.5.0", Some("new"))]),
    ];
    let sets = |value: &str| Examples {
        good: vec![Answered { exit: Some(0), stdout: Some("done\n".into()), ..Answered::default() }],
        sets: [("build".to_owned(), json!(value))].into(),
        ..Examples::default()
    };
    let steps =
        vec![(entry("deploy", None, sets("new")), false), (entry("frontend/redeploy", None, sets("old")), true)];
    world(&said, steps)
}

/// The same, with its switchboard, for the listener's tests.
pub(in crate::rehearsal) fn small_with_faults() -> (World, Faults) {
    let world = small();
    let faults = world.faults.clone();
    (world, faults)
}

fn ask(world: &World, method: &str, path: &str, headers: &[(&'static str, &str)]) -> Reply {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let address = Asked { tls: true, host: HOST, path, query };
    let map = headers.iter().map(|(name, value)| {
        (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).expect("a value"))
    });
    let question = Question { method, address, headers: &map.collect() };
    world.choose(&question).0
}

fn whole(reply: Reply) -> (u16, Value) {
    match reply {
        Reply::Whole(whole) => (whole.status.as_u16(), serde_json::from_slice(&whole.body).unwrap_or(Value::Null)),
        other => panic!("no whole answer: {other:?}"),
    }
}

fn status(world: &World, method: &str, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    whole(ask(world, method, path, headers)).0
}

fn with(fault: &str) -> World {
    let world = small();
    world.faults.inject(fault.parse().expect(fault));
    world
}

#[test]
fn a_request_the_plan_does_not_know_is_named_in_a_404() {
    let (status, json) = whole(ask(&small(), "DELETE", "/health?x=1", &[]));
    assert_eq!(status, 404);
    assert_eq!(json["error"], "the plan says nothing of this request");
    assert_eq!(json["request"], "DELETE https://api.example/health?x=1");
}

#[test]
fn a_token_must_be_the_one_handed_out_last() {
    let world = small();
    let token = whole(ask(&world, "GET", "/csrf", &[])).1["csrf_token"].as_str().expect("a token").to_owned();
    let (wrong, json) = whole(ask(&world, "POST", "/login", &[("x-csrf-token", "another")]));
    assert_eq!((wrong, json["error"]["code"].as_str()), (403, Some("E2002")), "the item's own bad example");
    assert_eq!(status(&world, "POST", "/login", &[]), 403, "no token at all");
    let (right, login) = whole(ask(&world, "POST", "/login", &[("x-csrf-token", &token)]));
    assert_eq!((right, login["csrf_token"].as_str()), (200, Some("rotated-token")));
    assert_eq!(status(&world, "POST", "/login", &[("x-csrf-token", &token)]), 403, "login handed out another");
    assert_eq!(status(&world, "POST", "/login", &[("x-csrf-token", "rotated-token")]), 200);
}

#[test]
fn an_id_in_an_address_must_be_the_one_handed_out() {
    let world = small();
    let token = whole(ask(&world, "GET", "/csrf", &[])).1["csrf_token"].as_str().expect("a token").to_owned();
    let run = whole(ask(&world, "POST", "/login", &[("x-csrf-token", &token)])).1["run_id"].clone();
    let run = run.as_str().expect("an id");
    assert!(matches!(ask(&world, "GET", &format!("/stream?run_id={run}"), &[]), Reply::Stream(_)));
    assert_eq!(status(&world, "GET", "/stream?run_id=other", &[]), 403);
}

#[test]
fn the_most_specific_route_answers() {
    let ok = |text: &str| answered(200, &json!({ "is": text }));
    let routes = vec![
        route("GET", "/v1/{{ id }}", &[], ok("any")),
        route("GET", "/v1/me", &[], ok("literal")),
        route("GET", "/v1/me", &[("Origin", "https://a")], ok("origin")),
    ];
    let world = world(&[said("x", None, Examples::default(), routes)], Vec::new());
    let is = |path, headers: &[(&'static str, &str)]| whole(ask(&world, "GET", path, headers)).1["is"].clone();
    assert_eq!(is("/v1/7", &[]), "any");
    assert_eq!(is("/v1/me", &[]), "literal");
    assert_eq!(is("/v1/me", &[("origin", "https://a")]), "origin");
    assert_eq!(is("/v1/me", &[("origin", "https://b")]), "literal");
}

#[test]
fn a_step_sets_the_state_that_answers_depend_on() {
    let world = small();
    let version = || whole(ask(&world, "GET", "/build", &[])).1["version"].clone();
    assert_eq!(version(), "1.4.1");
    assert_eq!(whole(world.act("deploy")), (200, json!({ "exit": 0, "stdout": "done\n" })));
    assert_eq!(version(), "1.5.0");
    whole(world.act("frontend%2Fredeploy"));
    assert_eq!(version(), "1.4.1");
    assert_eq!(whole(world.act("no-such")).0, 404);
}

#[test]
fn a_request_known_in_another_state_is_not_told_as_an_unknown_one() {
    let when = [("telemetry".to_owned(), json!("off"))].into();
    let routes = vec![route("POST", "/events", &[], Answered { when, ..answered(404, &json!({})) })];
    let world = world(&[said("x", None, Examples::default(), routes)], Vec::new());
    assert_eq!(status(&world, "POST", "/events", &[]), 501, "an expected 404 is not met by chance");
    world.inner().state.insert("telemetry".into(), json!("off"));
    assert_eq!(status(&world, "POST", "/events", &[]), 404);
}

#[test]
fn a_lying_rollback_says_exit_0_and_changes_nothing_and_no_other_step_lies() {
    let world = with("rollback-lies");
    whole(world.act("deploy"));
    assert_eq!(whole(world.act("frontend/redeploy")).1["exit"], 0);
    assert_eq!(whole(ask(&world, "GET", "/build", &[])).1["version"], "1.5.0");
}

#[test]
fn errors_hit_every_fifth_of_each_request_and_the_fifth_request_of_the_plan_first() {
    let world = with("errors=20%");
    let failed = |path: &str| -> Vec<bool> { (0..10).map(|_| status(&world, "GET", path, &[]) == 500).collect() };
    let every_fifth = |first: usize| (0..10).map(|n| n % 5 == first).collect::<Vec<_>>();
    assert_eq!(failed("/health"), every_fifth(4));
    assert_eq!(failed("/csrf"), every_fifth(3));
    assert_eq!(failed("/build"), every_fifth(0));
}

#[test]
fn faults_of_the_connection_reset_it_and_a_flap_takes_turns() {
    assert_eq!(ask(&with("down"), "GET", "/health", &[]), Reply::Reset);
    assert_eq!(ask(&with("down"), "GET", "/nowhere", &[]), Reply::Reset);
    assert_eq!(ask(&with("reset"), "GET", "/health", &[]), Reply::Cut);
    let world = with("flap");
    for _ in 0..3 {
        assert_eq!(ask(&world, "GET", "/health", &[]), Reply::Reset);
        assert_eq!(status(&world, "GET", "/health", &[]), 200);
    }
    assert_eq!(ask(&world, "GET", "/csrf", &[]), Reply::Reset, "each request has its own turns");
}

#[test]
fn a_rotating_token_is_refused_and_nothing_else_is() {
    let world = with("csrf-rotates");
    let token = whole(ask(&world, "GET", "/csrf", &[])).1["csrf_token"].as_str().expect("a token").to_owned();
    let (status_of, json) = whole(ask(&world, "POST", "/login", &[("x-csrf-token", &token)]));
    assert_eq!((status_of, json["error"]["code"].as_str()), (403, Some("E2002")));
    assert_eq!(status(&world, "GET", "/health", &[]), 200);
    assert!(matches!(ask(&world, "GET", "/stream?run_id=any", &[]), Reply::Stream(_)));
}

#[test]
fn the_control_probe_is_beyond_every_fault() {
    for (_, name, _) in Fault::ALL {
        let routes = vec![route("GET", "/", &[], answered(200, &json!({})))];
        let probe = Said { control: true, ..said("control", None, Examples::default(), routes) };
        let world = world(&[probe], Vec::new());
        let fault = if name == "fail" { "fail:control" } else { name };
        world.faults.inject(fault.parse().expect(fault));
        let replies: Vec<u16> = (0..10).map(|_| status(&world, "GET", "/", &[])).collect();
        assert_eq!(replies, [200; 10], "{name}");
    }
}

#[test]
fn two_sessions_of_one_plan_do_not_share_what_was_handed_out() {
    let in_session = |session: &str, origin: &str| {
        let get = Route {
            captures: vec!["csrf = .t".into()],
            ..route("GET", "/csrf", &[("Origin", origin)], answered(200, &json!({ "t": "{{ csrf }}" })))
        };
        let post = route("POST", "/login", &[("Origin", origin), ("X-T", "{{ csrf }}")], answered(200, &json!({})));
        said(session, Some(session), Examples::default(), vec![get, post])
    };
    let world = world(&[in_session("a", "https://a"), in_session("b", "https://b")], Vec::new());
    let token = |origin| whole(ask(&world, "GET", "/csrf", &[("origin", origin)])).1["t"].as_str().map(str::to_owned);
    let (a, b) = (token("https://a").expect("one"), token("https://b").expect("one"));
    let send = |origin, token: &str| status(&world, "POST", "/login", &[("origin", origin), ("x-t", token)]);
    assert_eq!([send("https://a", &a), send("https://b", &b)], [200, 200]);
    assert_eq!(send("https://a", &b), 403);
}

#[test]
fn ten_thousand_requests_leave_the_memory_as_it_was() {
    let world = small();
    let size = |world: &World| {
        let inner = world.inner();
        (inner.state.len(), inner.memories.len(), inner.counts.len(), inner.counts.capacity())
    };
    let ask_all = |times: usize| {
        for n in 0..times {
            status(&world, "GET", "/csrf", &[]);
            status(&world, "GET", &format!("/unknown/{n}"), &[]);
        }
    };
    ask_all(10);
    let before = size(&world);
    ask_all(5_000);
    assert_eq!(size(&world), before);
}

/// The owner that the target finds first is not the one that the fault names.
#[test]
fn a_fault_of_one_alone_reaches_its_request_though_another_asks_the_same() {
    let health = || vec![route("GET", "/health", &[], answered(200, &json!({ "status": "ok" })))];
    let bad =
        Examples { bad: vec![(answered(200, &json!({ "status": "ill" })), Verdict::Fail)], ..Examples::default() };
    let failing = vec![route("GET", "/health", &[], answered(200, &json!({ "status": "ill" })))];
    let monitor = Said { failing, ..said("monitor.api", None, bad, health()) };
    let other =
        said("elsewhere", None, Examples::default(), vec![route("GET", "/other", &[], answered(200, &json!({})))]);
    let world = world(&[said("health", None, Examples::default(), health()), monitor, other], Vec::new());
    for (fault, status_of, said) in [("wrong-status:api", 500, "ok"), ("fail:api", 200, "ill")] {
        let what: Injection = fault.parse().expect(fault);
        world.faults.inject(what.clone());
        let (found, json) = whole(ask(&world, "GET", "/health", &[]));
        assert_eq!((found, json["status"].as_str()), (status_of, Some(said)), "{fault}");
        assert_eq!(status(&world, "GET", "/other", &[]), 200, "{fault}");
        world.faults.withdraw(&what);
        assert_eq!(status(&world, "GET", "/health", &[]), 200, "{fault}: over");
    }
}
