//! What the parts of `expect` that all kinds share come to in an `http` check.

use super::tests::{answer, http, judged, read};
use super::*;
use crate::clock;
use crate::launch::verdict::{Report, Verdict};

async fn example(check: &Http) -> Report {
    let good = check.derive(&Scope::default()).expect("plain expectations");
    check.judge(&check.seen(&good, &Scope::default()), &Scope::default(), &Jq::default()).await
}

#[tokio::test]
async fn a_set_of_statuses_is_written_with_codes_classes_and_ranges() {
    let text = "get = '/'\nexpect = { status = [204, \"3xx\", \"500-503\"] }";
    for (status, wanted) in [(204, true), (301, true), (503, true), (200, false), (504, false)] {
        let verdict = judged(text, answer(status, &[], "")).await.verdict;
        assert_eq!(verdict == Verdict::Pass, wanted, "{status}");
    }
    assert_eq!(http(text).expects(&Scope::default()), ["status 204 or 3xx or 500-503"]);
}

#[tokio::test]
async fn a_header_that_is_a_set_has_these_members_and_no_other_in_any_order() {
    let text = "get = '/'\nexpect = { header = { allow = { set = ['GET', 'POST'] } } }";
    for (lines, wanted) in [
        (vec![("allow", "post, get")], true),
        (vec![("allow", "GET"), ("allow", "POST")], true),
        (vec![("allow", "GET")], false),
        (vec![("allow", "GET, POST, DELETE")], false),
        (vec![], false),
    ] {
        let verdict = judged(text, answer(200, &lines, "")).await.verdict;
        assert_eq!(verdict == Verdict::Pass, wanted, "{lines:?}");
    }
    assert_eq!(example(&http(text)).await.verdict, Verdict::Pass);
}

#[tokio::test]
async fn an_old_document_is_stale_and_one_without_a_time_is_unknown() {
    let text = "get = '/'\nexpect = { fresh_within = { json = '.timestamp', within = '5m' } }";
    let at = |minutes: i64| {
        let at = clock::wall() - chrono::TimeDelta::minutes(minutes);
        format!("{{\"timestamp\":\"{}\"}}", at.to_rfc3339())
    };
    for (body, wanted) in [
        (at(0), Verdict::Pass),
        (at(6), Verdict::Stale),
        (at(-3), Verdict::Fail),
        ("{}".to_owned(), Verdict::Unknown),
        ("no JSON".to_owned(), Verdict::Unknown),
    ] {
        assert_eq!(judged(text, answer(200, &[], &body)).await.verdict, wanted, "{body}");
    }
    // What fails is not made better by its age.
    let failed = judged(text, answer(500, &[], &at(6))).await;
    assert_eq!(failed.verdict, Verdict::Fail);
    assert_eq!(example(&http(text)).await.verdict, Verdict::Pass);
    let by_header = "get = '/'\nexpect = { fresh_within = { header = 'Last-Modified', within = '1h' } }";
    let old = answer(200, &[("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")], "");
    assert_eq!(judged(by_header, old).await.verdict, Verdict::Stale);
    assert_eq!(judged(by_header, answer(200, &[], "")).await.verdict, Verdict::Unknown);
    assert_eq!(example(&http(by_header)).await.verdict, Verdict::Pass);
}

#[tokio::test]
async fn a_passing_report_that_says_skipped_is_skipped_and_nothing_gets_better_by_it() {
    let text = "get = '/'\nexpect = { json = ['.pass == true'], skipped = '.checks.gate.skipped' }";
    for (body, wanted) in [
        (r#"{"pass":true,"checks":{"gate":{"pass":true,"skipped":true}}}"#, Verdict::Skipped),
        (r#"{"pass":true,"checks":{"gate":{"pass":true,"skipped":false}}}"#, Verdict::Pass),
        (r#"{"pass":true,"checks":{}}"#, Verdict::Pass),
        (r#"{"pass":false,"checks":{"gate":{"pass":true,"skipped":true}}}"#, Verdict::Fail),
        (r#"{"checks":{"gate":{"pass":true,"skipped":true}}}"#, Verdict::Unknown),
    ] {
        assert_eq!(judged(text, answer(200, &[], body)).await.verdict, wanted, "{body}");
    }
    assert_eq!(example(&http(text)).await.verdict, Verdict::Pass);
}

#[tokio::test]
async fn security_headers_are_judged_one_by_one() {
    let text = concat!(
        "get = '/'\n[expect.security]\nhsts = { max_age = '365d', include_subdomains = true }\n",
        "csp = [\"frame-ancestors 'none'\"]\nnosniff = true\nframe = 'deny'\nreferrer = 'no-referrer'\n",
    );
    let right = [
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("content-security-policy", "default-src 'self'; frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ];
    let report = judged(text, answer(200, &right, "")).await;
    assert_eq!((report.verdict, report.findings.len()), (Verdict::Pass, 6), "{report:#?}");
    for left_out in 0..right.len() {
        let mut some = right.to_vec();
        some.remove(left_out);
        let report = judged(text, answer(200, &some, "")).await;
        assert_eq!(report.findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count(), 1);
    }
    let off = [("strict-transport-security", "max-age=0")];
    let hsts = "get = '/'\nexpect = { security = { hsts = '1d' } }";
    assert_eq!(judged(hsts, answer(200, &off, "")).await.verdict, Verdict::Fail);
    assert_eq!(example(&http(text)).await.verdict, Verdict::Pass);
}

#[test]
fn every_mistake_of_the_shared_expectations_is_told_at_its_place() {
    for (text, place) in [
        ("status = '2x'", "'2x'"),
        ("status = ['2xx', 700]", "700"),
        ("fresh_within = { json = '.a' }", "json"),
        ("fresh_within = { within = '5m' }", "within"),
        ("fresh_within = { json = '.a ==', within = '5m' }", "'.a =='"),
        ("fresh_within = { json = '.a', header = 'date', within = '5m' }", "'date'"),
        ("skipped = '.a | nosuch'", "nosuch"),
        ("security = {}", "{}"),
        ("security = { hsts = '0s' }", "'0s'"),
        ("security = { hsts = { preload = true } }", "preload"),
        ("security = { frame = 'allow' }", "'allow'"),
        ("security = { xss = true }", "xss"),
        ("header = { vary = { set = ['a'], list = ['b'] } }", "set"),
    ] {
        let text = format!("get = '/'\nexpect = {{ {text} }}");
        let (_, found) = read(&text);
        let at: Vec<&str> = found.iter().map(|wrong| &text[wrong.span.start..wrong.span.end]).collect();
        assert!(at.iter().any(|span| span.contains(place)), "{text}: {found:?}");
    }
}
