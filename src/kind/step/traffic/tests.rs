//! What the table of a `traffic` step refuses, and how shares compare. The drivers are tested with kubectl.

use proptest::prelude::*;
use serde_json::json;
use toml::de::DeTable;

use super::gauge::{Gauge, Rule, Share, Wanted};
use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;

fn read(text: &str) -> (Option<Traffic>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let notes = Notes::default();
    let table = Table::new("[traffic]", parsed.span().into(), parsed.get_ref(), &notes);
    let traffic = Traffic::read(&table);
    table.finish();
    (traffic, notes.take_diagnostics())
}

const NGINX: &str = "driver = 'nginx'\ncontext = 'p'\nnamespace = 's'\ningress = 'c'\n";

#[test]
fn the_example_of_the_kind_is_sound() {
    let (traffic, found) = read(Traffic::KIND.example);
    assert!(traffic.is_some() && found.is_empty(), "{found:?}");
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    for (text, code, at) in [
        ("action = 'set'\nweight = 101".to_owned(), "wrong-value", "101"),
        ("action = 'set'\nweight = '1.5'".to_owned(), "wrong-value", "'1.5'"),
        ("action = 'sat'\nweight = 1".to_owned(), "wrong-value", "'sat'"),
        ("action = 'undo'\nweight = 1".to_owned(), "wrong-value", "weight"),
        ("action = 'set'\nweight = 1\nroute = 'x'".to_owned(), "wrong-value", "route"),
        ("action = 'set'\nweight = 1\nverify = { htpp = {} }".to_owned(), "unknown-kind", "htpp"),
        ("action = 'set'\ncookie = { name = 'c', value = 'on' }".to_owned(), "canary-cookie", "'on'"),
        ("action = 'set'\nweight = 1\nwaight = 2".to_owned(), "unknown-key", "waight"),
        ("action = 'set'\nweight = 1\nstable = 'A b'".to_owned(), "wrong-value", "'A b'"),
    ] {
        let text = format!("{NGINX}{text}");
        let (_, found) = read(&text);
        let told: Vec<_> = found.iter().map(|found| (found.code, &text[found.span.start..found.span.end])).collect();
        assert!(told.contains(&(code, at)), "{text}: {told:?}");
    }
    for (left_out, code) in [
        ("context = 'p'\n", "ambient-kubectl"),
        ("namespace = 's'\n", "ambient-kubectl"),
        ("ingress = 'c'\n", "missing-key"),
    ] {
        let (_, found) = read(&format!("{}action = 'undo'", NGINX.replace(left_out, "")));
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [code], "{left_out}");
    }
}

#[test]
fn a_secret_among_what_kubectl_is_given_is_found() {
    let (traffic, _) = read(&format!("{}action = 'undo'", NGINX.replace("'p'", "'{{ token }}'")));
    let mut scope = Scope::default();
    scope.bind_secret("token", json!("hunter22"));
    assert_eq!(traffic.expect("read").exposed(&scope).len(), 1);
}

#[test]
fn shares_are_compared_exactly() {
    let third = Gauge::of(Share { part: 1, of: 3 });
    let wanted = |percent| Wanted { share: Some(Share::of_percent(percent)), ..Wanted::default() };
    assert!(!wanted(33).is_met(&third) && third.words() == "33.33%");
    assert!(wanted(10).is_met(&Gauge::of(Share { part: 100, of: 1_000 })));
    assert!(!wanted(0).is_met(&Gauge::of(Share::MIXED)), "rules that differ are no share");
    assert_eq!((Share::of_percent(10).counted_in(1_000), Share::of_percent(1).counted_in(10)), (Some(100), None));
    let kept = Gauge { cookie: Some("c".to_owned()), ..third.clone() };
    assert!(Wanted::back(&kept).is_met(&kept) && !Wanted::back(&third).is_met(&kept));
    assert!(!Wanted { cookie: Rule::Gone, ..Wanted::default() }.is_met(&kept));
}

#[test]
fn a_weight_is_whole_percent() {
    for (value, wanted) in
        [(json!(10), Some(10)), (json!("10%"), Some(10)), (json!("0"), Some(0)), (json!(100), Some(100))]
    {
        assert_eq!(percent(&value).ok(), wanted, "{value}");
    }
    for value in
        [json!(101), json!(-1), json!(1.5), json!("ten"), json!(""), json!("%"), json!(null), json!([10]), json!("256")]
    {
        assert!(percent(&value).is_err(), "{value}");
    }
}

proptest! {
    #[test]
    fn no_table_panics(
        driver in "nginx|gateway|rollouts|command|x",
        action in "read|set|undo|finish|x",
        key in "weight|header|cookie|promote|verify|stable|canary|read|set|context|ingress",
        value in "[0-9]{1,3}|'[a-z{} %]{0,8}'|\\['a'\\]|\\{ name = 'a' \\}|\\{ http = \\{ get = 'x' \\} \\}",
    ) {
        let text = format!("driver = '{driver}'\naction = '{action}'\n{key} = {value}");
        let (parsed, errors) = DeTable::parse_recoverable(&text);
        if errors.is_empty() {
            let notes = Notes::default();
            let _ = Traffic::read(&Table::new("[traffic]", parsed.span().into(), parsed.get_ref(), &notes));
        }
    }
}
