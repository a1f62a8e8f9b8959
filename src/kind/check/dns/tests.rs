//! What the check promises, on answers made by hand.

use proptest::prelude::*;
use serde_json::{Value, json};
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::base::template::Shape;
use crate::base::wire::Cause;
use crate::launch::verdict::Verdict;

fn read(text: &str) -> (Option<Dns>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.dns]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Dns::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn dns(expect: &str) -> Dns {
    let text = format!("name = 'api.example.com'\nresolvers = ['192.0.2.1', '192.0.2.2']\n{expect}");
    let (read, found) = read(&text);
    assert!(found.is_empty(), "{found:?}");
    read.expect("a check")
}

/// What two resolvers say: a document each, or silence.
async fn judged(check: &Dns, said: [Option<Value>; 2]) -> Report {
    let labels = ["192.0.2.1", "192.0.2.2"].map(str::to_owned).into_iter();
    let answer = |said: Option<Value>| {
        let example = Answered { json: Some(Shape::Plain(said?)), ..Answered::default() };
        let mut seen = check.seen(&example, &Scope::default());
        seen.answers.swap_remove(0).1.ok()
    };
    let answers = labels.zip(said.into_iter().map(|said| answer(said).ok_or(Cause::TimedOut))).collect();
    check.judge(&Seen { answers, control_answers: false }, &Scope::default(), &Jq::default()).await
}

fn with(records: &[&str]) -> Option<Value> {
    Some(json!({ "rcode": "NOERROR", "exists": true, "records": records, "ttl": 60 }))
}

fn none() -> Option<Value> {
    Some(json!({ "rcode": "NXDOMAIN", "exists": false, "records": [] }))
}

fn unclear() -> Option<Value> {
    Some(json!({ "rcode": "SERVFAIL", "exists": null, "records": [], "why": "it answered SERVFAIL" }))
}

#[tokio::test]
async fn records_are_as_expected_or_not_and_silence_tells_nothing() {
    use Verdict::{Fail, Pass, Unknown};
    let equals = "expect = { equals = ['203.0.113.1', '203.0.113.2'] }";
    let contains = "expect = { contains = ['203.0.113.1'] }";
    let absent = "expect = { absent = true }";
    let both = || with(&["203.0.113.2", "203.0.113.1"]);
    for (expect, first, second, verdict) in [
        (equals, both(), both(), Pass),
        (equals, both(), with(&["203.0.113.1"]), Fail),
        (equals, with(&["203.0.113.1"]), with(&["203.0.113.1"]), Fail),
        (equals, both(), none(), Fail),
        (equals, both(), unclear(), Unknown),
        (equals, both(), None, Unknown),
        (equals, none(), None, Fail),
        (contains, both(), both(), Pass),
        (contains, both(), with(&["203.0.113.1", "203.0.113.3"]), Fail),
        (contains, with(&["203.0.113.2"]), with(&["203.0.113.2"]), Fail),
        ("", both(), both(), Pass),
        ("", none(), none(), Fail),
        ("", with(&[]), with(&[]), Fail),
        (absent, none(), none(), Pass),
        (absent, both(), both(), Fail),
        (absent, none(), unclear(), Unknown),
        (absent, none(), None, Unknown),
        (absent, None, None, Unknown),
        ("expect = { ttl_max = '60s' }", both(), both(), Pass),
        ("expect = { ttl_max = '59s' }", both(), both(), Fail),
    ] {
        let report = judged(&dns(expect), [first.clone(), second.clone()]).await;
        assert_eq!(report.verdict, verdict, "{expect} {first:?} {second:?}: {}", report.summary);
    }
}

#[tokio::test]
async fn resolvers_that_disagree_are_named_with_what_they_say() {
    let report = judged(&dns(""), [with(&["203.0.113.1"]), with(&["203.0.113.9"])]).await;
    let finding = report.findings.iter().find(|finding| finding.subject == "agreement").expect("a finding");
    assert_eq!(finding.verdict, Verdict::Fail);
    assert_eq!(finding.seen, "192.0.2.1: 203.0.113.1; 192.0.2.2: 203.0.113.9");
    let by_place = dns("agree = false");
    let report = judged(&by_place, [with(&["203.0.113.1"]), with(&["203.0.113.9"])]).await;
    assert_eq!(report.verdict, Verdict::Pass);
}

#[tokio::test]
async fn the_example_that_follows_passes_for_every_type() {
    for (kind, _) in Type::ALL {
        for expect in ["", "expect = { ttl_max = '90s' }", "expect = { absent = true }"] {
            let check = dns(&format!("type = '{kind}'\n{expect}"));
            let derived = check.derive(&Scope::default()).expect("a good example");
            let seen = check.seen(&derived, &Scope::default());
            let report = check.judge(&seen, &Scope::default(), &Jq::default()).await;
            assert_eq!(report.verdict, Verdict::Pass, "{kind} {expect}: {}", report.summary);
        }
    }
}

#[test]
fn a_record_has_one_form() {
    for (kind, written, normal) in [
        (Type::Aaaa, "2001:DB8:0:0::1", "2001:db8::1"),
        (Type::Cname, "Target.Example.NET.", "target.example.net"),
        (Type::Caa, "0 ISSUE \"ca.example.net\"", "0 issue ca.example.net"),
        (Type::Caa, "128 issue ;", "128 issue ;"),
        (Type::Mx, "10  Mail.example.net.", "10 mail.example.net"),
        (Type::Mx, "0 .", "0 ."),
        (Type::Txt, "v=spf1 -all", "v=spf1 -all"),
    ] {
        assert_eq!(table::normal(kind, written).as_deref(), Ok(normal), "{written}");
    }
    for (kind, wrong) in
        [(Type::A, "::1"), (Type::A, "host"), (Type::Cname, "a b"), (Type::Caa, "issue x"), (Type::Mx, "mail")]
    {
        assert!(table::normal(kind, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    for (text, code, at) in [
        ("type = 'A'", "missing-key", ""),
        ("name = 'a'\ntype = 'AAA'", "wrong-value", "'AAA'"),
        ("name = 'a'\nresolvers = ['dns.example.com']", "wrong-value", "'dns.example.com'"),
        ("name = 'a'\nresolvers = []", "wrong-value", ""),
        ("name = 'a'\nexpect = { equals = ['host'] }", "wrong-value", "'host'"),
        ("name = 'a'\nexpect = { equals = [] }", "wrong-value", ""),
        ("name = 'a'\nexpect = { absent = true, contains = ['192.0.2.1'] }", "wrong-value", ""),
        ("name = 'a'\nserver = '1.1.1.1'", "unknown-key", "server"),
    ] {
        let (_, found) = read(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        let span = &text[found[0].span.start..found[0].span.end];
        assert_eq!((found[0].code, if at.is_empty() { "" } else { span }), (code, at), "{text}");
    }
}

#[test]
fn the_example_of_the_kind_is_sound() {
    let (check, found) = read(Dns::KIND.example);
    assert!(check.is_some() && found.is_empty(), "{found:?}");
}

proptest! {
    #[test]
    fn no_record_panics_and_its_form_is_its_own(kind in 0usize..7, text in "[ -~]{0,40}") {
        let (_, kind) = Type::ALL[kind];
        if let Ok(once) = table::normal(kind, &text) {
            let again = table::normal(kind, &once);
            prop_assert_eq!(again, Ok(once));
        }
    }
}
