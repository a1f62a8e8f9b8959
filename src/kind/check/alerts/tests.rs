//! What the `alerts` check promises, on its table and on answers in the shape of the real servers.

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use serde_json::{Value, json};
use toml::de::DeTable;

use super::read::{Answers, document, is_unrouted};
use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::kind::check::prometheus::{data, seen as as_seen};
use crate::launch::time::Wall;
use crate::launch::verdict::Verdict::{self, Fail, Pass, Unknown, Warn};

const BOTH: &str = "prometheus = 'http://p'\nalertmanager = 'http://a'\n";

fn read(text: &str) -> (Option<Alerts>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.alerts]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Alerts::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn alerts(text: &str) -> Alerts {
    let (read, found) = read(&format!("{BOTH}{text}"));
    assert!(found.is_empty(), "{text}: {found:?}");
    read.expect("a check")
}

fn now() -> Wall {
    DateTime::parse_from_rfc3339("2026-01-01T12:00:00Z").expect("an instant").to_utc()
}

/// A rule as Prometheus tells it, with its alerts: labels and state.
fn rule(name: &str, severity: &str, alerts: &[(&str, &str)]) -> Value {
    let told = alerts.iter().map(|(instance, state)| {
        json!({ "labels": { "alertname": name, "severity": severity, "instance": instance }, "state": state, "value": "1e+00" })
    });
    json!({
        "name": name, "type": "alerting", "query": "up == 0", "duration": 60, "labels": { "severity": severity },
        "health": "ok", "state": "inactive", "evaluationTime": 0.001,
        "lastEvaluation": "2026-01-01T11:59:50.123456789Z", "alerts": told.collect::<Value>(),
    })
}

fn with(mut rule: Value, key: &str, value: Value) -> Value {
    rule[key] = value;
    rule
}

fn groups(rules: &[Value]) -> Option<Result<Value, String>> {
    let recording = json!({ "name": "job:x", "type": "recording", "health": "err" });
    let all: Vec<Value> = rules.iter().cloned().chain([recording]).collect();
    Some(Ok(json!({ "groups": [{ "name": "g", "file": "f", "interval": 15, "rules": all }] })))
}

/// An alert as Alertmanager tells it: it has the labels that Prometheus adds.
fn routed(name: &str, severity: &str, instance: &str, silenced: &[&str], inhibited: &[&str]) -> Value {
    let state = if silenced.is_empty() && inhibited.is_empty() { "active" } else { "suppressed" };
    json!({
        "labels": { "alertname": name, "severity": severity, "instance": instance, "cluster": "prod" },
        "status": { "state": state, "silencedBy": silenced, "inhibitedBy": inhibited },
        "fingerprint": "f", "startsAt": "2026-01-01T11:00:00Z", "endsAt": "2026-01-01T12:04:00Z",
    })
}

async fn judged(alerts: &Alerts, answers: &Answers, now: Result<Wall, String>) -> Report {
    let document = document(alerts, answers, &now);
    let seen = Seen { answers: vec![("it".into(), Ok(as_seen(&document, Duration::ZERO)))], control_answers: false };
    alerts.judge(&seen, &Scope::default(), &Jq::default()).await
}

async fn verdict(alerts: &Alerts, rules: &[Value], routed: Vec<Value>) -> (Verdict, String) {
    let answers =
        Answers { rules: groups(rules), alerts: Some(Ok(Value::Array(routed))), silences: None, alertmanagers: None };
    let report = judged(alerts, &answers, Ok(now())).await;
    (report.verdict, report.findings.iter().map(|finding| finding.seen.clone()).collect::<Vec<_>>().join(" | "))
}

#[test]
fn every_mistake_is_told_at_its_place() {
    for (text, place, told) in [
        ("prometheus = 'http://p'", "", "what may not ring"),
        ("alertmanager = 'http://a'\nnone = ['critical']", "none", "needs `prometheus`"),
        ("alertmanager = 'http://a'\nfiring = ['W']\ndelivers = true", "delivers", "needs `prometheus`"),
        ("firing = ['W']", "", "whom to ask"),
        ("prometheus = 'http://p'\nfiring = ['W']\nnot_firing = ['W']", "firing", "firing and not firing"),
        ("prometheus = 'http://p'\nnone = ['']", "''", "empty name"),
        ("prometheus = 'http://p'\nnone = ['x']\nmatchers = ['team']", "'team'", "no matcher"),
        ("prometheus = 'http://p'\nnone = ['x']\nsilent = true", "silent", "unknown key"),
        ("prometheus = 'http://p'\nnone = ['x']\nmatchers = ['severity!=x']", "'severity!=x'", "leaves out `x`"),
        ("prometheus = 'http://p'\nnot_firing = ['X']\nmatchers = ['alertname=Y']", "'alertname=Y'", "leaves out `X`"),
    ] {
        let (_, found) = read(text);
        let wrong = found.iter().find(|wrong| wrong.message.contains(told));
        let wrong = wrong.unwrap_or_else(|| panic!("{text}: {found:?}"));
        assert!(text[wrong.span.start..wrong.span.end].contains(place), "{text}: {wrong:?}");
    }
}

#[test]
fn what_was_meant_and_written_wrongly_is_one_mistake() {
    for (text, codes) in [
        ("none = true", ["wrong-type"]),
        ("nome = ['critical']", ["unknown-key"]),
        ("none = []", ["wrong-value"]),
        ("delivers = 'yes'", ["wrong-type"]),
    ] {
        let (_, found) = read(&format!("prometheus = 'http://p'\n{text}"));
        assert_eq!(found.iter().map(|wrong| wrong.code).collect::<Vec<_>>(), codes, "{text}: {found:?}");
    }
}

#[tokio::test]
async fn silence_counts_only_where_the_rules_would_ring() {
    let check = alerts("none = ['critical']");
    let quiet = rule("HighErrorRate", "critical", &[]);
    for (rules, wanted, told) in [
        (vec![quiet.clone()], Pass, "1 rule loaded and healthy, none firing"),
        (vec![], Unknown, "nothing would ring"),
        (vec![rule("Slow", "warning", &[])], Unknown, "nothing would ring"),
        (vec![with(quiet.clone(), "health", json!("err"))], Unknown, "HighErrorRate is err"),
        (vec![with(quiet.clone(), "health", json!("unknown"))], Unknown, "HighErrorRate is unknown"),
        (vec![with(quiet.clone(), "lastEvaluation", json!("0001-01-01T00:00:00Z"))], Unknown, "never evaluated"),
        (vec![with(quiet.clone(), "lastEvaluation", json!("2026-01-01T11:59:00Z"))], Unknown, "60 s ago"),
        (vec![with(quiet.clone(), "lastEvaluation", Value::Null)], Unknown, "never evaluated"),
        (vec![quiet.clone(), with(quiet, "health", json!("err"))], Unknown, "is err"),
    ] {
        let (verdict, seen) = verdict(&check, &rules, Vec::new()).await;
        assert!(verdict == wanted && seen.contains(told), "{told}: {verdict} {seen}");
    }
}

#[tokio::test]
async fn what_rings_fails_and_what_is_held_back_is_amber() {
    let check = alerts("none = ['critical']\nnot_firing = ['SchemaFailuresHigh']");
    let named = rule("SchemaFailuresHigh", "page", &[]);
    let down = |alerts: &[(&str, &str)]| vec![rule("Down", "critical", alerts), named.clone()];
    let active = routed("Down", "critical", "a", &[], &[]);
    let silenced = routed("Down", "critical", "a", &["s1"], &[]);
    let inhibited = routed("Down", "critical", "a", &[], &["f1"]);
    let other = routed("Down", "critical", "b", &["s1"], &[]);
    for (rules, routed, wanted, told) in [
        (down(&[("a", "firing")]), vec![active.clone()], Fail, "1 firing: Down"),
        // Not there yet, or never: it rings for Prometheus.
        (down(&[("a", "firing")]), vec![], Fail, "1 firing: Down"),
        (down(&[("a", "firing")]), vec![silenced.clone()], Warn, "1 silenced: Down"),
        (down(&[("a", "firing")]), vec![inhibited.clone()], Warn, "1 inhibited: Down"),
        (down(&[("a", "firing")]), vec![other.clone()], Fail, "1 firing: Down"),
        (down(&[("a", "firing")]), vec![silenced.clone(), active.clone()], Fail, "1 firing: Down"),
        (down(&[("a", "firing"), ("b", "firing")]), vec![silenced, other.clone()], Warn, "2 silenced: Down"),
        (down(&[("a", "pending")]), vec![], Warn, "1 pending: Down"),
        // Of another Prometheus.
        (down(&[]), vec![active], Fail, "1 firing: Down"),
        (down(&[]), vec![other], Warn, "1 silenced: Down"),
        (vec![rule("Down", "critical", &[])], vec![], Unknown, "nothing would ring"),
        (
            vec![rule("SchemaFailuresHigh", "critical", &[("x", "firing")])],
            vec![],
            Fail,
            "1 firing: SchemaFailuresHigh",
        ),
        (down(&[]), vec![], Pass, "none firing"),
    ] {
        let (verdict, seen) = verdict(&check, &rules, routed).await;
        assert!(verdict == wanted && seen.contains(told), "{told}: {verdict} {seen}");
    }
}

#[tokio::test]
async fn what_alertmanager_does_not_know_yet_is_silenced_where_a_silence_covers_it() {
    let check = alerts("none = ['critical']");
    let is = |name: &str, value: &str| json!({ "name": name, "value": value, "isRegex": false, "isEqual": true });
    let like = |name: &str, value: &str| json!({ "name": name, "value": value, "isRegex": true });
    let not = |name: &str, value: &str| json!({ "name": name, "value": value, "isRegex": false, "isEqual": false });
    let of = |state: &str, matchers: &[Value]| json!({ "id": "s", "status": { "state": state }, "matchers": matchers });
    let down = is("alertname", "Down");
    let only = |state: &str| of(state, std::slice::from_ref(&down));
    for (silences, wanted, told) in [
        (Some(Ok(json!([only("active")]))), Warn, "1 silenced: Down"),
        (Some(Ok(json!([of("active", &[down.clone(), like("instance", "a|b")])]))), Warn, "1 silenced: Down"),
        (Some(Ok(json!([of("active", &[down.clone(), not("instance", "b")])]))), Warn, "1 silenced: Down"),
        (Some(Ok(json!([only("expired")]))), Fail, "1 firing: Down"),
        (Some(Ok(json!([only("pending")]))), Fail, "1 firing: Down"),
        (Some(Ok(json!([of("active", &[is("alertname", "Slow")])]))), Fail, "1 firing: Down"),
        (Some(Ok(json!([of("active", &[down.clone(), like("instance", "(")])]))), Fail, "1 firing: Down"),
        // What label Prometheus adds to it nobody knows here.
        (Some(Ok(json!([of("active", &[down.clone(), not("cluster", "prod")])]))), Fail, "1 firing: Down"),
        (Some(Ok(json!([of("active", &[])]))), Fail, "1 firing: Down"),
        (Some(Ok(json!({ "status": "error" }))), Fail, "1 firing: Down"),
        (Some(Err("connection refused".to_owned())), Fail, "1 firing: Down"),
        (None, Fail, "1 firing: Down"),
    ] {
        let rules = groups(&[rule("Down", "critical", &[("a", "firing")])]);
        let answers = Answers { rules, alerts: Some(Ok(json!([]))), silences, alertmanagers: None };
        assert!(is_unrouted(&answers), "so it is asked for");
        let report = judged(&check, &answers, Ok(now())).await;
        assert!(report.verdict == wanted && report.summary.contains(told), "{told}: {:?} {report:?}", answers.silences);
    }
    let answers = |alerts: &[(&str, &str)], routed: Value| Answers {
        rules: groups(&[rule("Down", "critical", alerts)]),
        alerts: Some(Ok(routed)),
        ..Answers::default()
    };
    let known = json!([routed("Down", "critical", "a", &[], &[])]);
    assert!(!is_unrouted(&answers(&[("a", "firing"), ("b", "pending")], known.clone())), "nothing more is asked");
    assert!(is_unrouted(&answers(&[("a", "firing"), ("b", "firing")], known)));
}

#[tokio::test]
async fn a_watchdog_must_ring_and_a_named_rule_must_be_there() {
    let check = alerts("firing = ['Watchdog']\nrules = ['RedisDown']");
    let redis = rule("RedisDown", "page", &[]);
    let watchdog = |alerts: &[(&str, &str)]| rule("Watchdog", "none", alerts);
    for (rules, wanted, told) in [
        (vec![watchdog(&[("a", "firing")]), redis.clone()], Pass, "1 firing"),
        (vec![watchdog(&[("a", "pending")]), redis.clone()], Warn, "1 pending"),
        (vec![watchdog(&[]), redis.clone()], Fail, "not firing"),
        (vec![redis.clone()], Fail, "no such rule"),
        (vec![watchdog(&[("a", "firing")])], Fail, "no such rule"),
        (vec![watchdog(&[("a", "firing")]), with(redis, "health", json!("err"))], Fail, "RedisDown is err"),
    ] {
        let (verdict, seen) = verdict(&check, &rules, Vec::new()).await;
        assert!(verdict == wanted && seen.contains(told), "{told}: {verdict} {seen}");
    }
}

#[tokio::test]
async fn servers_that_do_not_answer_are_no_silence() {
    let check = alerts("none = ['critical']\ndelivers = true");
    let good = || groups(&[rule("Down", "critical", &[])]);
    let known = |many: usize| Some(Ok(json!({ "activeAlertmanagers": vec![json!({ "url": "u" }); many] })));
    let none = || Some(Ok(json!([])));
    let away = || Some(Err("connection refused".to_owned()));
    for (answers, wanted, told) in [
        (Answers { rules: good(), alerts: none(), silences: None, alertmanagers: known(1) }, Pass, ""),
        (Answers { rules: good(), alerts: none(), silences: None, alertmanagers: known(0) }, Fail, "no active one"),
        (
            Answers { rules: good(), alerts: away(), silences: None, alertmanagers: known(1) },
            Unknown,
            "Alertmanager: connection refused",
        ),
        (
            Answers { rules: away(), alerts: none(), silences: None, alertmanagers: known(1) },
            Unknown,
            "Prometheus: connection refused",
        ),
        (
            Answers { rules: good(), alerts: none(), silences: None, alertmanagers: away() },
            Unknown,
            "connection refused",
        ),
        (
            Answers { rules: Some(Ok(json!({}))), alerts: none(), silences: None, alertmanagers: known(1) },
            Unknown,
            "no groups",
        ),
        (
            Answers { rules: good(), alerts: Some(Ok(json!({}))), silences: None, alertmanagers: known(1) },
            Unknown,
            "no list",
        ),
        (
            Answers {
                rules: groups(&[rule("Down", "critical", &[("a", "firing")])]),
                alerts: away(),
                silences: None,
                alertmanagers: known(1),
            },
            Fail,
            "1 firing",
        ),
    ] {
        let report = judged(&check, &answers, Ok(now())).await;
        assert!(report.verdict == wanted && report.summary.contains(told), "{told}: {report:?}");
    }
    let healthy = Answers { rules: good(), alerts: none(), silences: None, alertmanagers: known(1) };
    for clock in [Err("our clock and the server's are 90 s apart".to_owned()), Ok(now() + TimeDelta::seconds(60))] {
        assert_eq!(judged(&check, &healthy, clock).await.verdict, Unknown);
    }
}

#[tokio::test]
async fn only_alerts_with_the_labels_asked_for_are_looked_at() {
    let check = alerts("none = ['critical']\nmatchers = ['instance=~\"api-.*\"']");
    let both = rule("Down", "critical", &[("db-1", "firing"), ("api-1", "pending")]);
    assert_eq!(verdict(&check, &[both], vec![routed("Down", "critical", "db-1", &[], &[])]).await.0, Warn);
    let rules = [rule("Down", "critical", &[("api-1", "firing")])];
    assert_eq!(verdict(&check, &rules, Vec::new()).await.0, Fail);
    // What the rule itself is labelled with, it rings with.
    let check = alerts("none = ['critical']\nmatchers = ['team=\"api\"']");
    let labelled = |team: &str, alerts| {
        with(rule("Down", "critical", alerts), "labels", json!({ "severity": "critical", "team": team }))
    };
    let (verdict, seen) =
        verdict(&check, &[labelled("api", &[]), labelled("db", &[("a", "firing")])], Vec::new()).await;
    assert!(verdict == Pass && seen.starts_with("1 rule loaded"), "{verdict} {seen}");
}

#[tokio::test]
async fn a_matcher_that_fits_no_rule_and_no_alert_proves_nothing() {
    let rings = || [rule("HighErrorRate", "critical", &[("a", "firing")])];
    let sent = || vec![routed("HighErrorRate", "critical", "a", &[], &[])];
    for matcher in ["severty=\"critical\"", "team=\"api\"", "instance=\"b\"", "instance=~\"api-.*\""] {
        let check = alerts(&format!("none = ['critical']\nnot_firing = ['HighErrorRate']\nmatchers = ['{matcher}']"));
        for rules in [rings(), [rule("HighErrorRate", "critical", &[])]] {
            for routed in [sent(), Vec::new()] {
                let (verdict, seen) = verdict(&check, &rules, routed).await;
                assert!(verdict == Unknown && seen.contains("fit no alert of 1 rule"), "{matcher}: {verdict} {seen}");
            }
        }
    }
    let check = alerts("none = ['critical']\nmatchers = ['alertname=\"Nope\"']");
    assert_eq!(verdict(&check, &rings(), sent()).await.0, Unknown);
    // Labels that its own Prometheus adds are known by what was sent.
    let check = alerts("none = ['critical']\nmatchers = ['cluster=\"prod\"']");
    assert_eq!(verdict(&check, &rings(), sent()).await.0, Fail);
}

#[tokio::test]
async fn examples_come_back_from_the_wire_as_they_were_told() {
    let text = "none = ['critical', 'page']\nnot_firing = ['X']\nfiring = ['Watchdog']\nrules = ['X', 'Y']\ndelivers = true\n\
         matchers = ['team=~\"api|web\"', 'env!=\"\"']";
    let check = alerts(text);
    let scope = Scope::default();
    let good = check.derive(&scope).expect("an example");
    let changed = |json: Value| told::seen(&check, &crate::kind::check::prometheus::told(&good, json), &scope);
    for (more, wanted) in [
        (json!({}), Pass),
        (json!({ "severities": { "page": { "silenced": 1 } } }), Warn),
        (json!({ "severities": { "page": { "inhibited": 2, "pending": 1 } } }), Warn),
        (json!({ "severities": { "page": { "firing": 1 } } }), Fail),
        (json!({ "severities": { "page": { "unhealthy": ["it is err"] } } }), Unknown),
        (json!({ "rules": { "X": { "rules": 0 } } }), Fail),
        (json!({ "severities": { "page": { "unfit": 1 } } }), Unknown),
        (json!({ "rules": { "Watchdog": { "firing": 0 } } }), Fail),
        (json!({ "alertmanagers": 0 }), Fail),
    ] {
        let direct = check.judge(&changed(more.clone()), &scope, &Jq::default()).await;
        assert_eq!(direct.verdict, wanted, "{more}: {direct:?}");
        let example = crate::kind::check::prometheus::told(&good, more.clone());
        let routes = check.routes(&[example], None, &scope);
        let body = |path: &str| {
            let route = routes.iter().find(|route| route.url.contains(path)).expect(path);
            crate::kind::check::http::answer(&route.answer, 200, &scope).expect("an answer").http
        };
        let rules = body("/rules");
        let answers = Answers {
            alerts: Some(Ok(serde_json::from_slice(&body("/alerts").body).expect("JSON"))),
            silences: None,
            alertmanagers: Some(Ok(data(&body("/alertmanagers")).expect("data").0)),
            rules: Some(Ok(data(&rules).expect("data").0)),
        };
        let date = crate::kind::check::prometheus::date(&rules).expect("a date");
        let wire = judged(&check, &answers, Ok(date)).await;
        assert_eq!(wire.verdict, wanted, "{more}: {wire:?}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_counted_without_a_panic(rules in "[\\[\\]{}\":,a-z0-9.]{0,80}", routed in "[\\[\\]{}\":,a-z0-9.]{0,80}", held in "\\PC{0,9}") {
        let value = |text: &str| Ok(serde_json::from_str(text).unwrap_or_else(|_| json!({ "groups": [{ "rules": [text, 1, {"type": "alerting", "alerts": [text]}] }] })));
        let check = alerts("none = ['critical']\ndelivers = true");
        let silences = json!([{ "status": { "state": "active" }, "matchers": [{ "name": held, "value": held, "isRegex": true }] }]);
        let answers = Answers { rules: Some(value(&rules)), alerts: Some(value(&routed)), silences: Some(Ok(silences)), alertmanagers: Some(value(&rules)) };
        let _ = judge::report(&check, &Seen {
            answers: vec![("it".into(), Ok(as_seen(&document(&check, &answers, &Ok(now())), Duration::ZERO)))],
            control_answers: false,
        });
    }
}
