//! What a `[[signal]]` promises of its question: on its table, on answers made by hand, on its examples.

use proptest::prelude::*;
use serde_json::json;
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::{Notes, Table};
use crate::base::wire;
use crate::clock;
use crate::kind::check::{Answer, prometheus};

fn read(text: &str) -> (Option<Asked>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[signal]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Asked::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn asked(text: &str) -> Asked {
    let (read, found) = read(text);
    assert!(found.is_empty(), "{text}: {found:?}");
    read.expect("a question")
}

const ONE: &str = "promql = { server = 'http://p', query = 'sum(errors)', samples = 'sum(all)' }\n";
const EACH: &str = "instance = 'pod'\npromql = { server = 'http://p', query = 'errors' }\n";
const BUCKETS: &str = "promql = { server = 'http://p', histogram = 'took_bucket' }\n";

async fn told(asked: &Asked, document: &Value) -> Told {
    let seen =
        Seen { answers: vec![("it".into(), Ok(prometheus::seen(document, Duration::ZERO)))], control_answers: false };
    asked.told(&seen, &Scope::default(), &Jq::default()).await
}

fn vector(rows: &[(Value, &str)]) -> wire::Answer {
    let rows: Vec<Value> =
        rows.iter().map(|(metric, value)| json!({ "metric": metric, "value": [1, value] })).collect();
    let data = json!({ "resultType": "vector", "result": rows });
    let body = json!({ "status": "success", "data": data }).to_string();
    wire::Answer { status: 200, body: body.into(), ..wire::Answer::default() }
}

#[test]
fn every_mistake_is_told_at_its_place() {
    for (text, place, said) in [
        ("promql = { server = 'http://p', query = 'x' }\nunit = 'parsec'", "'parsec'", "no unit"),
        ("promql = { server = 'http://p', query = 'x' }\ninstance = '.pod'", "'.pod'", "label of a series"),
        ("promql = { server = 'http://p', histogram = 'x', query = 'x' }", "'x'", "in the place of"),
        ("promql = { server = 'http://p', query = 'x', samples = 'y' }\ninstance = 'pod'", "'y'", "each process"),
        ("promql = { server = 'http://p', query = 'vector(1)' }", "'vector(1)'", "no series"),
        ("json = { get = 'http://a', jq = '.x' }\nstale_after = '1m'", "stale_after", "how old"),
        ("json = { get = [], jq = '.x' }", "", "needs `get`"),
        ("json = { get = 'http://a', jq = '.x' }\ninstance = '.x |'", "'.x |'", "no jq program"),
        ("command = ['x']\ninstance = 'pod'", "'pod'", "goes with"),
        ("command = ['x']\nstale_after = '1m'", "stale_after", "how old"),
        ("json = { get = 'http://a', jq = '.x' }\ncounter = 3", "3", "counter"),
    ] {
        let (_, found) = read(text);
        let wrong = found.iter().find(|wrong| wrong.message.contains(said));
        let wrong = wrong.unwrap_or_else(|| panic!("{text}: {found:?}"));
        assert!(text[wrong.span.start..wrong.span.end].contains(place), "{text}: {wrong:?}");
    }
}

#[tokio::test]
async fn one_number_counts_with_its_age_and_what_cannot_tell_is_no_number() {
    let asked = asked(&format!("{ONE}stale_after = '1m'"));
    let good =
        told(&asked, &json!({ "value": 0.05, "samples": 120, "age": 4.5, "warnings": ["a store is away"] })).await;
    let age = Duration::from_millis(4_500);
    assert_eq!(good.samples, [Sample { instance: None, what: What::Number(0.05), age, of: Some(120) }]);
    assert_eq!((good.wrong, good.warning.as_deref()), (None, Some("a store is away")));
    for (document, why) in [
        (json!({ "value": "an empty vector: no series", "samples": 1, "age": 4 }), "no series"),
        (json!({ "value": "2 series, not one", "samples": 1, "age": 4 }), "2 series"),
        (json!({ "value": 1, "samples": "NaN, no number", "age": 4 }), "NaN"),
        (json!({ "value": 1, "samples": 1, "age": "an empty vector" }), "age that cannot be told"),
        (json!({ "value": 1, "samples": 1, "age": 61 }), "is 1m 1s old"),
        (json!({ "samples": 1, "age": 4 }), "not told"),
        (json!(null), "not told"),
    ] {
        let none = told(&asked, &document).await;
        assert!(none.samples.is_empty(), "{document}: {none:?}");
        assert!(none.wrong.as_deref().is_some_and(|told| told.contains(why)), "{document}: {none:?}");
    }
    let away = Seen { answers: vec![("it".into(), Err(wire::Cause::Refused))], control_answers: true };
    let away = asked.told(&away, &Scope::default(), &Jq::default()).await;
    assert!(away.samples.is_empty() && away.wrong.is_some(), "{away:?}");
}

#[tokio::test]
async fn each_process_has_its_own_number_and_its_own_age() {
    let asked = asked(&format!("{EACH}counter = true"));
    let now = clock::wall();
    let rows = vector(&[
        (json!({ "__name__": "errors", "pod": "a", "job": "x" }), "5"),
        (json!({ "__name__": "errors", "pod": "b", "job": "x" }), "7"),
    ]);
    let ages = vector(&[(json!({ "pod": "b", "job": "x" }), "300"), (json!({ "pod": "a", "job": "x" }), "2")]);
    let document = many::document(&asked.each, &rows, Some(&ages), now);
    let each = told(&asked, &document).await;
    let one = Sample { instance: Some("a".into()), what: What::Number(5.0), age: Duration::from_secs(2), of: None };
    assert_eq!(each.samples, [one]);
    assert!(each.wrong.as_deref().is_some_and(|why| why.contains("of b is 5m old")), "{each:?}");
    for (rows, ages, why) in [
        (
            vector(&[(json!({ "job": "x" }), "5")]),
            Some(vector(&[(json!({ "job": "x" }), "5")])),
            "without the label `pod`",
        ),
        (
            vector(&[(json!({ "pod": "a", "job": "x" }), "5"), (json!({ "pod": "a", "job": "y" }), "5")]),
            Some(vector(&[(json!({}), "1")])),
            "several series",
        ),
        (vector(&[(json!({ "pod": "a" }), "5")]), Some(vector(&[(json!({ "pod": "b" }), "5")])), "how old"),
        (vector(&[(json!({ "pod": "a" }), "5")]), Some(vector(&[])), "age of its series"),
        (vector(&[(json!({ "pod": "a" }), "5")]), None, "no series"),
        (vector(&[]), Some(vector(&[(json!({}), "1")])), "no series"),
    ] {
        let none = told(&asked, &many::document(&asked.each, &rows, ages.as_ref(), now)).await;
        assert!(none.samples.is_empty(), "{why}: {none:?}");
        assert!(none.wrong.as_deref().is_some_and(|told| told.contains(why)), "{why}: {none:?}");
    }
    // A number that is none spoils nobody else's.
    let rows = vector(&[(json!({ "pod": "a" }), "NaN"), (json!({ "pod": "b" }), "7")]);
    let part = told(&asked, &many::document(&asked.each, &rows, Some(&vector(&[(json!({}), "1")])), now)).await;
    assert_eq!(part.samples.len(), 1, "{part:?}");
    assert!(part.wrong.as_deref().is_some_and(|why| why.contains("a: no number")), "{part:?}");
    assert_eq!(part.silent, ["a".into()], "who is known to be there is named");
    let rows = vector(&[(json!({ "pod": "a" }), "3"), (json!({ "pod": "b" }), "7")]);
    let ages = vector(&[(json!({ "pod": "a" }), "3"), (json!({ "pod": "b" }), "400")]);
    let part = told(&asked, &many::document(&asked.each, &rows, Some(&ages), now)).await;
    assert_eq!((part.samples.len(), part.silent), (1, vec!["b".into()]), "and who was not scraped any more");
}

#[tokio::test]
async fn buckets_add_up_by_process_and_half_a_histogram_is_none() {
    let row =
        |le: &str, path: &str, pod: &str| json!({ "__name__": "took_bucket", "le": le, "path": path, "pod": pod });
    let rows = vector(&[
        (row("0.5", "/a", "p"), "3"),
        (row("+Inf", "/a", "p"), "4"),
        (row("0.5", "/b", "p"), "10"),
        (row("+Inf", "/b", "p"), "10"),
    ]);
    let ages = vector(&[(json!({}), "3")]);
    let of_pod = asked(&format!("{BUCKETS}instance = 'pod'"));
    let summed = told(&of_pod, &many::document(&of_pod.each, &rows, Some(&ages), clock::wall())).await;
    let buckets = What::Buckets([(0.5, 13.0), (f64::INFINITY, 14.0)].into());
    let whole = Sample { instance: Some("p".into()), what: buckets, age: Duration::from_secs(3), of: None };
    assert_eq!(summed.samples, [whole]);
    // Without a label each set of labels is a counter of its own: a sum would hide that one began anew.
    let all = asked(BUCKETS);
    let apart = told(&all, &many::document(&all.each, &rows, Some(&ages), clock::wall())).await;
    assert_eq!(apart.samples.len(), 2, "{apart:?}");
    for (series, why) in [
        (json!([{ "buckets": { "0.5": 1 } }]), "+Inf"),
        (json!([{ "buckets": { "0.5": 3, "+Inf": 2 } }]), "less than"),
        (json!([{ "buckets": { "x": 3, "+Inf": 2 } }]), "bound"),
        (json!([{ "buckets": { "1": "y", "+Inf": 2 } }]), "without a count"),
        (json!([{ "value": 3 }]), "no buckets"),
        (json!([]), "no series"),
        (json!("the server answers 500"), "500"),
    ] {
        let none = told(&all, &json!({ "series": series })).await;
        assert!(none.samples.is_empty(), "{why}: {none:?}");
        assert!(none.wrong.as_deref().is_some_and(|told| told.contains(why)), "{why}: {none:?}");
    }
}

#[tokio::test]
async fn a_document_says_whose_numbers_it_has() {
    let asked = asked("json = { get = 'http://a', jq = '.n' }\ninstance = '.pod'\ncounter = true");
    let of = async |status: u16, body: &str| {
        let http = wire::Answer { status, body: body.to_owned().into(), ..wire::Answer::default() };
        let seen = Seen {
            answers: vec![("http://a".into(), Ok(Answer { http, ..Answer::default() }))],
            control_answers: false,
        };
        asked.told(&seen, &Scope::default(), &Jq::default()).await
    };
    let good = of(200, "{\"n\":4,\"pod\":\"api-2\"}").await;
    assert_eq!(good.samples.first().and_then(|one| one.instance.as_deref()), Some("api-2"), "{good:?}");
    for (status, body, why) in [
        (200, "{\"n\":4}", "whose number"),
        (200, "{\"n\":null,\"pod\":\"a\"}", "null"),
        (200, "{\"pod\":\"a\"}", ""),
        (500, "{\"n\":4,\"pod\":\"a\"}", "500"),
        (200, "<html>", "unparsable"),
    ] {
        let none = of(status, body).await;
        assert!(none.samples.is_empty(), "{body}: {none:?}");
        assert!(none.wrong.as_deref().is_some_and(|told| told.contains(why)), "{body}: {none:?}");
    }
}

#[tokio::test]
async fn the_example_that_follows_is_read_and_answered_on_the_wire() {
    for (text, routes) in [
        (ONE, 3),
        (EACH, 2),
        (BUCKETS, 2),
        ("json = { get = ['http://a', 'http://b'], jq = '.x', samples = '.n', at = '.t' }", 2),
        ("json = { get = 'http://a', jq = '.x.y' }\ninstance = '.pod'", 1),
        ("command = ['x']\njq = '.n'", 0),
        ("command = ['x']\nunit = 'ms'", 0),
    ] {
        let asked = asked(text);
        let good = asked.derive().unwrap_or_else(|why| panic!("{text}: {why}"));
        let scope = Scope::default();
        let read = asked.told(&asked.seen(&good, &scope), &scope, &Jq::default()).await;
        assert!(read.wrong.is_none() && !read.samples.is_empty(), "{text}: {read:?}");
        assert_eq!(asked.routes(&[good], None, &scope).len(), routes, "{text}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_read_without_a_panic(body in "[\\[\\]{}\":,a-zN0-9.+]{0,80}", rows in prop::collection::vec(("[a-c]{0,2}", "[0-9NaIinf+.-]{0,5}", any::<bool>()), 0..6)) {
        let rows: Vec<(Value, String)> = rows
            .into_iter()
            .map(|(pod, value, le)| (if le { json!({ "pod": pod, "le": value }) } else { json!({ "pod": pod }) }, value))
            .collect();
        let rows: Vec<(Value, &str)> = rows.iter().map(|(labels, value)| (labels.clone(), value.as_str())).collect();
        for each in [Each::Of("pod".into()), Each::Buckets(None), Each::Buckets(Some("pod".into()))] {
            let told = many::document(&each, &vector(&rows), Some(&vector(&rows)), clock::wall());
            let seen = Seen { answers: vec![("it".into(), Ok(prometheus::seen(&told, Duration::ZERO)))], control_answers: false };
            for sample in many::read(&each, &seen).samples {
                if let What::Buckets(upto) = sample.what {
                    prop_assert!(upto.windows(2).all(|pair| pair[0].1 <= pair[1].1 && pair[0].0 <= pair[1].0));
                }
            }
            let http = wire::Answer { status: 200, body: body.clone().into(), ..wire::Answer::default() };
            let seen = Seen { answers: vec![("it".into(), Ok(Answer { http, ..Answer::default() }))], control_answers: false };
            let _ = many::read(&each, &seen);
        }
    }
}
