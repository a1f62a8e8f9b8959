//! What the check promises, on documents made by hand.

use serde_json::{Value, json};
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::base::template::Shape;
use crate::base::wire::Cause;
use crate::launch::verdict::Verdict;

fn read(text: &str) -> (Option<Tls>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.tls]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Tls::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn tls(text: &str) -> Tls {
    let (read, found) = read(text);
    assert!(found.is_empty(), "{found:?}");
    read.expect("a check")
}

const WHOLE: &str = "host = 'api.example.com'\noffer = ['1.3']\nrefuse = ['1.0', '1.1']";

fn good() -> Value {
    json!({
        "days_left": 90.5, "not_after": "2027-02-01T00:00:00Z", "names": ["*.example.com"], "issuer": "CN=Example CA",
        "verified": true, "versions": { "1.0": false, "1.1": false, "1.3": true },
    })
}

async fn judged(check: &Tls, document: Value) -> Report {
    let example = Answered { json: Some(Shape::Plain(document)), ..Answered::default() };
    check.judge(&check.seen(&example, &Scope::default()), &Scope::default(), &Jq::default()).await
}

/// The good document with one key another.
fn with(key: &str, value: Value) -> Value {
    let mut document = good();
    document[key] = value;
    document
}

#[tokio::test]
async fn each_expectation_fails_by_itself_and_what_is_not_told_is_unknown() {
    use Verdict::{Fail, Pass, Unknown, Warn};
    for (document, subject, verdict) in [
        (good(), "chain", Pass),
        (with("verified", json!(false)), "chain", Fail),
        (with("verified", json!(null)), "chain", Unknown),
        (with("days_left", json!(29.99)), "expiry", Warn),
        (with("days_left", json!(30)), "expiry", Pass),
        (with("days_left", json!(6.99)), "expiry", Fail),
        (with("days_left", json!(-0.01)), "expiry", Fail),
        (with("days_left", json!(null)), "expiry", Unknown),
        (with("names", json!(["www.example.org"])), "name api.example.com", Fail),
        (with("names", json!([])), "name api.example.com", Fail),
        (with("names", json!(null)), "name api.example.com", Unknown),
        (with("versions", json!({ "1.0": true, "1.1": false, "1.3": true })), "TLS 1.0", Fail),
        (with("versions", json!({ "1.0": null, "1.1": false, "1.3": true })), "TLS 1.0", Unknown),
        (with("versions", json!({ "1.0": false, "1.3": true })), "TLS 1.1", Unknown),
        (with("versions", json!({ "1.0": false, "1.1": false, "1.3": false })), "TLS 1.3", Fail),
    ] {
        let report = judged(&tls(WHOLE), document.clone()).await;
        assert_eq!(report.verdict, verdict, "{document}: {}", report.summary);
        let finding = report.findings.iter().find(|finding| finding.subject == subject).expect(subject);
        assert_eq!(finding.verdict, verdict, "{document}");
    }
}

#[tokio::test]
async fn days_are_compared_with_what_the_plan_says() {
    let strict = tls("host = 'api.example.com'\nwarn = '100d'\nfail = '91d'");
    assert_eq!(judged(&strict, good()).await.verdict, Verdict::Fail);
    let loose = tls("host = 'api.example.com'\nwarn = '0s'\nfail = '0s'");
    assert_eq!(judged(&loose, with("days_left", json!(0.01))).await.verdict, Verdict::Pass);
    assert_eq!(judged(&loose, with("days_left", json!(-0.01))).await.verdict, Verdict::Fail);
}

#[tokio::test]
async fn silence_is_a_fail_and_our_own_network_is_not() {
    let check = tls(WHOLE);
    for (cause, control_answers, verdict) in [
        (Cause::Refused, false, Verdict::Fail),
        (Cause::TimedOut, false, Verdict::Fail),
        (Cause::Tls("no TLS".into()), false, Verdict::Fail),
        (Cause::NotResolved, false, Verdict::Unknown),
        (Cause::NotResolved, true, Verdict::Fail),
        (Cause::Ours("no file descriptors".into()), true, Verdict::Unknown),
    ] {
        let seen = Seen { answers: vec![("api.example.com:443".into(), Err(cause.clone()))], control_answers };
        let report = check.judge(&seen, &Scope::default(), &Jq::default()).await;
        assert_eq!(report.verdict, verdict, "{cause:?}");
    }
}

#[tokio::test]
async fn the_example_that_follows_passes_and_names_every_expectation() {
    let check =
        tls("host = 'https://api.example.com:8443'\nnames = ['www.example.com']\nrefuse = '1.1'\noffer = '1.2'");
    let derived = check.derive(&Scope::default()).expect("a good example");
    let report = check.judge(&check.seen(&derived, &Scope::default()), &Scope::default(), &Jq::default()).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.summary);
    assert_eq!(report.findings.len(), check.expects(&Scope::default()).len());
    assert!(report.summary.starts_with("api.example.com:8443: "), "{}", report.summary);
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    for (text, code, at) in [
        ("port = 443", "missing-key", ""),
        ("host = 'a'\nport = 0", "wrong-value", "0"),
        ("host = 'a'\nport = 70000", "wrong-value", "70000"),
        ("host = 'a'\nrefuse = ['1.O']", "wrong-value", "'1.O'"),
        ("host = 'a'\noffer = '1.3'\nrefuse = '1.3'", "wrong-value", ""),
        ("host = 'a'\nwarn = '1d'\nfail = '7d'", "wrong-value", "warn"),
        ("host = 'a'\nfail = '7'", "wrong-value", "'7'"),
        ("host = 'a'\nverify = false", "unknown-key", "verify"),
    ] {
        let (_, found) = read(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        let span = &text[found[0].span.start..found[0].span.end];
        assert_eq!((found[0].code, if at.is_empty() { "" } else { span }), (code, at), "{text}");
    }
    // Who fails earlier than the default warns is warned then.
    assert_eq!(tls("host = 'a'\nfail = '60d'").warn, Duration::from_secs(60 * 86_400));
}

#[test]
fn the_example_of_the_kind_is_sound() {
    let _ = tls(Tls::KIND.example);
}
