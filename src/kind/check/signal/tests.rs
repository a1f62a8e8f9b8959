//! What the `signal` check promises, on its table, on answers made by hand and on samples.

use std::sync::Arc;

use serde_json::{Value, json};
use toml::de::DeTable;

use super::ask::read as reading;
use super::monitor::Count;
use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::base::wire::{self, Cause, Client, Limits, Network};
use crate::clock;
use crate::kind::check::{Answer, Spec};
use crate::launch::live::Sample;
use crate::launch::verdict::Verdict::{self, Fail, Pass, Stale, Unknown, Warn};

const PROMQL: &str = "promql = { server = 'http://p', query = 'sum(errors) / sum(all)', samples = 'sum(all)' }\n";

fn read(text: &str) -> (Option<Signal>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.signal]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Signal::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn signal(text: &str) -> Signal {
    let (read, found) = read(text);
    assert!(found.is_empty(), "{text}: {found:?}");
    read.expect("a check")
}

async fn judged(signal: &Signal, document: &Value) -> Report {
    let seen = Seen {
        answers: vec![("it".into(), Ok(super::super::prometheus::seen(document, Duration::ZERO)))],
        control_answers: false,
    };
    signal.judge(&seen, &Scope::default(), &Jq::default()).await
}

fn envelope(data: &Value) -> wire::Answer {
    let body = json!({ "status": "success", "data": data }).to_string();
    wire::Answer { status: 200, body: body.into(), ..wire::Answer::default() }
}

fn vector(values: &[&str]) -> wire::Answer {
    let series: Vec<Value> = values.iter().map(|value| json!({ "metric": {}, "value": [1, value] })).collect();
    envelope(&json!({ "resultType": "vector", "result": series }))
}

#[test]
fn every_mistake_is_told_at_its_place() {
    for (text, place, told) in [
        ("that = '<= 5%'", "", "needs `promql`"),
        ("from = 'api'\nthat = 'up >= 99%'\nwindow = '1m'", "'api'", "monitor.api"),
        ("from = 'monitor.api'\nthat = '<= 5%'\nwindow = '1m'", "'<= 5%'", "no one number"),
        ("from = 'monitor.api'\nthat = 'p95 <= 2s'", "", "needs `window`"),
        ("from = 'monitor.api'\nthat = 'error_rate <= 5%'\nwindow = '1m'\nmin_samples = 19", "19", "one sample of 19"),
        ("from = 'monitor.api'\nthat = 'p95 <= 2s'\nwindow = '1m'\nunit = 'ms'", "'ms'", "no effect"),
        ("promql = { server = 'http://p', query = 'vector(1)' }\nthat = '< 5'", "'vector(1)'", "no series"),
        ("promql = { server = 'http://p', query = 'x' }\nthat = 'p95 <= 2s'", "'p95", "one number"),
        ("promql = { server = 'http://p', query = 'x' }\nthat = '< 5'\nwindow = '1m'", "window", "no effect"),
        ("promql = { server = 'http://p', query = 'x' }\nthat = '< 5'\nmin_samples = 3", "3", "needs `samples`"),
        ("promql = { server = 'http://p', query = 'x', samples = 'y' }\nthat = '< 5'", "", "needs `min_samples`"),
        ("promql = { server = 'http://p', query = 'x' }\nthat = '< 5%'\nunit = 'ms'", "'ms'", "different things"),
        ("json = { get = 'http://a', jq = '.x' }\nthat = '< 5s'", "'< 5s'", "unit = "),
        ("json = { get = 'http://a', jq = '.x' }\nthat = '< 5'\nstale_after = '1m'", "stale_after", "needs `at`"),
        ("json = { get = 'http://a', jq = '.x', at = '.t' }\nthat = '< 5'", "", "needs `stale_after`"),
        ("json = { get = 'http://a', jq = '.x |' }\nthat = '< 5'", "'.x |'", "no jq program"),
        ("json = { get = 'http://a', jq = '.x' }\nfrom = 'monitor.a'\nthat = '< 5'", "from", "both"),
        ("json = { get = 'http://a', jq = '.x', jg = '' }\nthat = 'under 5'", "jg", "unknown key"),
        ("json = { get = 'http://a', jq = '.x' }\nthat = 'under 5'", "'under 5'", "compares nothing"),
        ("json = { get = 'http://a', jq = '.x' }\nthat = '< 5'\nmin_samples = 0", "0", "at least 1"),
    ] {
        let (_, found) = read(text);
        let wrong = found.iter().find(|wrong| wrong.message.contains(told));
        let wrong = wrong.unwrap_or_else(|| panic!("{text}: {found:?}"));
        assert!(text[wrong.span.start..wrong.span.end].contains(place), "{text}: {wrong:?}");
    }
}

#[tokio::test]
async fn a_number_of_prometheus_is_held_to_its_threshold() {
    let signal = signal(&format!("{PROMQL}that = '<= 5%'\nmin_samples = 100\nstale_after = '1m'"));
    for (document, verdict, told) in [
        (json!({ "value": 0.05, "samples": 100, "age": 60 }), Pass, "5% of 100 samples, 60 s old"),
        (json!({ "value": 0.08, "samples": 500, "age": 4 }), Fail, "8% of 500 samples"),
        (json!({ "value": 0.0, "samples": 99, "age": 4 }), Unknown, "too few"),
        (json!({ "value": 0.0, "samples": "an empty vector: no series", "age": 4 }), Unknown, "samples: an empty"),
        (json!({ "value": 0.0, "samples": 500, "age": 61 }), Stale, "61 s old"),
        (json!({ "value": 0.0, "samples": 500, "age": "an empty vector: no series" }), Unknown, "cannot be told"),
        (json!({ "value": "2 series, not one", "samples": 500, "age": 4 }), Unknown, "2 series"),
        (json!({ "samples": 500, "age": 4 }), Unknown, "not told"),
        (json!({ "value": 0.0, "samples": 500, "age": 4, "warnings": ["a store is away"] }), Warn, "a store is away"),
        (json!({ "value": 0.08, "samples": 500, "age": 4, "warnings": ["a store is away"] }), Fail, "8%"),
        (json!(null), Unknown, "not told"),
    ] {
        let report = judged(&signal, &document).await;
        assert_eq!(report.verdict, verdict, "{document}: {report:?}");
        assert!(report.summary.contains(told), "{document}: {}", report.summary);
    }
}

#[tokio::test]
async fn a_prometheus_that_is_away_tells_nothing_of_the_service() {
    let signal = signal(&format!("{PROMQL}that = '<= 5%'\nmin_samples = 100"));
    for cause in [Cause::Refused, Cause::TimedOut, Cause::NotResolved] {
        let seen = Seen { answers: vec![("it".into(), Err(cause))], control_answers: true };
        assert_eq!(signal.judge(&seen, &Scope::default(), &Jq::default()).await.verdict, Unknown);
    }
}

#[test]
fn the_answers_of_prometheus_are_read_together() {
    let now = clock::wall();
    let good = reading(&vector(&["0.02"]), Some(&vector(&["500"])), Some(&vector(&["4.5"])), now);
    assert_eq!(good.document(), json!({ "value": 0.02, "samples": 500.0, "age": 4.5 }));
    let empty = reading(&vector(&[]), Some(&vector(&["NaN"])), Some(&vector(&[])), now).document();
    assert!(empty["value"].as_str().is_some_and(|why| why.contains("no series")), "{empty}");
    assert!(empty["samples"].as_str().is_some_and(|why| why.contains("NaN")), "{empty}");
    assert!(empty["age"].as_str().is_some_and(|why| why.contains("no series")), "{empty}");
    // The instant of an answer is that of the question: without a query for it, no age is known.
    assert!(reading(&vector(&["0"]), None, None, now).age.is_some_and(|age| age.is_err()));
    let mut skewed = vector(&["0.02"]);
    skewed.headers.insert(http::header::DATE, http::HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT"));
    let skewed = reading(&skewed, None, Some(&vector(&["4"])), now).document();
    assert!(skewed["age"].as_str().is_some_and(|why| why.contains("clock")), "{skewed}");
}

#[tokio::test]
async fn a_number_in_a_document_is_held_with_its_count_and_its_age() {
    let text = concat!(
        "json = { get = 'http://a/metrics', jq = '.schema.repair_percent', samples = '.schema.validated', at = '.timestamp' }\n",
        "that = '<= 0.5%'\nunit = '%'\nmin_samples = 200\nstale_after = '1m'",
    );
    let signal = signal(text);
    let document = |percent: Value, count: i64, at: &str| json!({ "schema": { "repair_percent": percent, "validated": count }, "timestamp": at });
    let (now, old) = ("2026-01-01T11:59:30Z", "2026-01-01T11:58:00+00:00");
    for (body, status, verdict, told) in [
        (document(json!(0.5), 200, now), 200, Pass, "0.5% of 200 samples, 30 s old"),
        (document(json!(0.51), 900, now), 200, Fail, "0.51%"),
        (document(json!(0), 0, now), 200, Unknown, "too few"),
        (document(json!(0.1), 900, old), 200, Stale, "120 s old"),
        (document(json!(0.1), 900, "2026-01-01T13:00:00Z"), 200, Unknown, "ahead of now"),
        (document(json!(0.1), 900, "soon"), 200, Unknown, "no instant"),
        (document(Value::Null, 900, now), 200, Unknown, "null"),
        (document(json!("0.1"), 900, now), 200, Unknown, "no number"),
        (json!({ "error": "metrics are away" }), 200, Unknown, "not there"),
        (document(json!(0.1), 900, now), 503, Fail, "503"),
    ] {
        let date = [(http::header::DATE, http::HeaderValue::from_static("Thu, 01 Jan 2026 12:00:00 GMT"))];
        let http = wire::Answer {
            status,
            headers: date.into_iter().collect(),
            body: body.to_string().into(),
            took: Duration::from_millis(5),
            ..wire::Answer::default()
        };
        let answers = vec![("http://a/metrics".to_owned(), Ok(Answer { http, ..Answer::default() }))];
        let seen = Seen { answers, control_answers: false };
        let report = signal.judge(&seen, &Scope::default(), &Jq::default()).await;
        assert_eq!(report.verdict, verdict, "{body}: {report:?}");
        assert!(report.summary.contains(told) || report.summary.contains("absent"), "{body}: {}", report.summary);
    }
    let refused = Seen { answers: vec![("a".into(), Err(Cause::Refused))], control_answers: false };
    assert_eq!(signal.judge(&refused, &Scope::default(), &Jq::default()).await.verdict, Fail);
}

fn sample(seconds_ago: i64, verdict: Verdict, ms: u64) -> Sample {
    let at = clock::wall() - chrono::TimeDelta::seconds(seconds_ago);
    Sample { at, verdict, took: Duration::from_millis(ms) }
}

fn context(samples: Option<Vec<Sample>>) -> Context {
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    let lent: super::super::Samples = Arc::new(move |id| (id.as_str() == "api").then(|| samples.clone())?);
    Context { samples: Some(lent), ..Context::new(client) }
}

#[tokio::test]
async fn samples_of_a_monitor_are_counted_in_the_window() {
    let text = "from = 'monitor.api'\nthat = 'error_rate <= 5%'\nwindow = '30s'\nstale_after = '10s'";
    let signal = Spec::Signal(signal(text));
    let at = |range: std::ops::Range<i64>, verdict, ms| range.map(move |ago| sample(ago, verdict, ms));
    for (samples, verdict, told) in [
        (at(0..20, Pass, 5).collect::<Vec<_>>(), Pass, "0 of 20"),
        (at(1..20, Pass, 5).chain(at(0..1, Fail, 5)).collect(), Pass, "1 of 20"),
        (at(2..20, Pass, 5).chain(at(0..2, Fail, 5)).collect(), Fail, "2 of 20"),
        (at(0..19, Pass, 5).collect(), Unknown, "too few"),
        (at(0..19, Pass, 5).chain(at(31..200, Pass, 5)).collect(), Unknown, "too few"),
        (at(0..19, Pass, 5).chain(at(19..25, Unknown, 5)).collect(), Unknown, "6 that tell nothing"),
        (at(11..31, Pass, 5).collect(), Stale, "newest sample is 11"),
        (at(-90..-60, Pass, 5).collect(), Unknown, "no sample"),
        (Vec::new(), Unknown, "no sample"),
    ] {
        let report = signal.run(&context(Some(samples))).await.report;
        assert_eq!(report.verdict, verdict, "{told}: {report:?}");
        assert!(report.summary.contains(told), "{told}: {}", report.summary);
    }
    let nobody = signal.run(&context(None)).await.report;
    assert!(nobody.verdict == Unknown && nobody.summary.contains("no sample yet"), "{nobody:?}");
    let gate = Context { samples: None, ..context(None) };
    let gate = signal.run(&gate).await.report;
    assert!(gate.verdict == Unknown && gate.summary.contains("no monitor runs here"), "{gate:?}");
}

#[test]
fn a_failure_without_an_answer_is_slower_than_any_limit() {
    let that = Threshold::parse("p95 <= 2s").expect("a threshold");
    let count = |samples: &[Sample]| Count::of(samples, &that, Duration::from_secs(60), clock::wall());
    let mut samples: Vec<Sample> = (0..18).map(|ago| sample(ago, Pass, 1_999)).collect();
    samples.extend([sample(1, Fail, 0), sample(2, Fail, 2_001)]);
    let of = count(&samples);
    assert_eq!((of.samples, of.against), (20, 2));
    assert!(!that.holds_counted(of.against, of.samples));
    // A pass that took no time was not measured: it is no proof of speed.
    let unmeasured = count(&[sample(1, Pass, 0), sample(2, Warn, 3)]);
    assert_eq!((unmeasured.samples, unmeasured.unclear), (1, 1));
}

#[tokio::test]
async fn a_rehearsal_fills_up_what_its_monitors_had_no_time_for_and_says_so() {
    let text = "from = 'monitor.api'\nthat = 'error_rate <= 5%'\nwindow = '30s'";
    let signal = Spec::Signal(signal(text));
    let nowhere = "127.0.0.1:9".parse().expect("an address");
    for (verdicts, verdict) in [(vec![Pass, Pass, Pass], Pass), (vec![Pass, Fail, Pass], Fail)] {
        let samples = verdicts.into_iter().map(|verdict| sample(1, verdict, 3)).collect();
        let cx = Context { simulated: Some(nowhere), ..context(Some(samples)) };
        let report = signal.run(&cx).await.report;
        assert_eq!(report.verdict, verdict, "{report:?}");
        assert!(report.summary.contains("generated from 3 samples"), "{}", report.summary);
    }
}

#[tokio::test]
async fn the_example_that_follows_passes() {
    for text in [
        format!("{PROMQL}that = '<= 5%'\nmin_samples = 100"),
        format!("{PROMQL}that = '> 99.9%'\nmin_samples = 100"),
        "promql = { server = 'http://p', query = 'x' }\nthat = '!= 0'".to_owned(),
        "json = { get = 'http://a', jq = '.a.b', samples = '.n', at = '.t' }\nthat = '< 1.5s'\nunit = 'ms'\nmin_samples = 3\nstale_after = '1m'".to_owned(),
        "json = { get = 'http://a', jq = '.a' }\nthat = '== 0.7%'\nunit = '%'".to_owned(),
        "from = 'monitor.api'\nthat = 'up >= 99.9%'\nwindow = '1h'".to_owned(),
        "from = 'monitor.api'\nthat = 'p95 > 1s'\nwindow = '1h'".to_owned(),
    ] {
        let signal = signal(&text);
        let scope = Scope::default();
        let good = signal.derive(&scope).unwrap_or_else(|why| panic!("{text}: {why}"));
        let report = signal.judge(&signal.seen(&good, &scope), &scope, &Jq::default()).await;
        assert_eq!(report.verdict, Pass, "{text}: {report:?}");
        let routes = signal.routes(&[good], None, &scope);
        assert_eq!(routes.is_empty(), text.starts_with("from"), "{text}");
    }
}
