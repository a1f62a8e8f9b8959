//! What resolvers say and how it is told: wanted records, absence, silence, disagreement.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use hickory_proto::op::ResponseCode::{NXDomain, NoError, Refused, ServFail};
use tminus::launch::verdict::Verdict::{Fail, Pass, Unknown};
use tminus::launch::verdict::{Report, Verdict};

use super::resolver::{Says, a, aaaa, caa, cname, mx, ns, resolver, soa, txt};
use super::{PATIENCE, SILENCE, finding, run};

const NAME: &str = "api.example.com";

async fn asked(resolvers: &[SocketAddr], more: &str, timeout: Duration) -> Report {
    let resolvers: Vec<String> = resolvers.iter().map(|at| format!("'{at}'")).collect();
    let text = format!("name = '{NAME}'\nresolvers = [{}]\n{more}", resolvers.join(", "));
    run("dns", &text, Path::new("."), timeout).await
}

fn good() -> Says {
    Says::Tells(NoError, vec![a(NAME, [203, 0, 113, 1]), a(NAME, [203, 0, 113, 2])], Vec::new())
}

#[tokio::test]
async fn what_a_resolver_says_is_what_it_is() {
    let equals = "expect = { equals = ['203.0.113.2', '203.0.113.1'], ttl_max = '60s' }";
    let absent = "expect = { absent = true }";
    let soa = || vec![soa("example.com")];
    let other = || vec![a("evil.example.com", [203, 0, 113, 1]), a("evil.example.com", [203, 0, 113, 2])];
    for (case, says, more, verdict) in [
        ("good", good(), equals, Pass),
        ("another set", Says::Tells(NoError, vec![a(NAME, [203, 0, 113, 1])], Vec::new()), equals, Fail),
        ("records of another name", Says::Tells(NoError, other(), Vec::new()), equals, Unknown),
        ("no such name", Says::Tells(NXDomain, Vec::new(), soa()), equals, Fail),
        ("no such records", Says::Tells(NoError, Vec::new(), soa()), equals, Fail),
        ("a failure", Says::Tells(ServFail, Vec::new(), Vec::new()), equals, Unknown),
        ("no business of its", Says::Tells(Refused, Vec::new(), Vec::new()), equals, Unknown),
        ("there, and unwanted", good(), absent, Fail),
        ("no such name, as wanted", Says::Tells(NXDomain, Vec::new(), soa()), absent, Pass),
        ("no such records, as wanted", Says::Tells(NoError, Vec::new(), soa()), absent, Pass),
        ("empty", Says::Tells(NoError, Vec::new(), Vec::new()), absent, Unknown),
        ("a referral", Says::Tells(NoError, Vec::new(), vec![ns("example.com", "ns1.example.com")]), absent, Unknown),
        ("a failure is no absence", Says::Tells(ServFail, Vec::new(), soa()), absent, Unknown),
        ("an absence with records", Says::Tells(NXDomain, vec![a(NAME, [203, 0, 113, 1])], soa()), absent, Unknown),
        ("garbage", Says::Garbage, equals, Unknown),
        ("garbage is no absence", Says::Garbage, absent, Unknown),
    ] {
        let report = asked(&[resolver(says).await], more, PATIENCE).await;
        assert_eq!(report.verdict, verdict, "{case}: {report:#?}");
    }
}

#[tokio::test]
async fn silence_and_answers_to_others_are_unknown_and_a_lost_question_is_asked_again() {
    let foreign = Says::Foreign(vec![a(NAME, [203, 0, 113, 1])]);
    for (says, expect) in [
        (Says::Silent, ""),
        (Says::Silent, "expect = { absent = true }"),
        (foreign.clone(), ""),
        (foreign, "expect = { absent = true }"),
    ] {
        let report = asked(&[resolver(says).await], expect, SILENCE).await;
        assert_eq!(report.verdict, Unknown, "{expect}: {report:#?}");
    }
    let lost = Says::After(1, vec![a(NAME, [203, 0, 113, 1])]);
    let report = asked(&[resolver(lost).await], "expect = { equals = '203.0.113.1' }", PATIENCE).await;
    assert_eq!(report.verdict, Pass, "{report:#?}");
}

#[tokio::test]
async fn an_answer_that_was_cut_is_asked_for_over_tcp() {
    let many: Vec<_> = (0..200).map(|last| a(NAME, [203, 0, 113, last])).collect();
    let report = asked(&[resolver(Says::Cut(many)).await], "expect = { contains = '203.0.113.199' }", PATIENCE).await;
    assert_eq!(report.verdict, Pass, "{report:#?}");
    let report = asked(&[resolver(Says::CutAndGone).await], "expect = { absent = true }", PATIENCE).await;
    assert_eq!(report.verdict, Unknown, "{report:#?}");
    assert!(finding(&report, "A api.example.com").1.contains("the answer was cut, and TCP failed"), "{report:#?}");
}

#[tokio::test]
async fn an_alias_is_followed_in_the_answer_and_the_least_ttl_counts() {
    let chain = vec![cname(NAME, 20, "Edge.example.net"), cname("edge.example.net", 300, "e1.example.net")];
    let whole = [chain.clone(), vec![a("e1.example.net", [203, 0, 113, 1])]].concat();
    let says = |answers: &[_], authorities: &[_]| Says::Tells(NoError, answers.to_vec(), authorities.to_vec());
    let equals = "expect = { equals = '203.0.113.1', ttl_max = '20s' }";
    for (case, says, more, verdict) in [
        ("followed", says(&whole, &[]), equals, Pass),
        ("too long", says(&whole, &[]), "expect = { ttl_max = '19s' }", Fail),
        ("itself", says(&whole, &[]), "type = 'CNAME'\nexpect = { equals = 'EDGE.example.net.' }", Pass),
        ("not followed", says(&chain, &[]), equals, Unknown),
        ("dangling", says(&chain, &[soa("example.net")]), equals, Fail),
        ("to no name", Says::Tells(NXDomain, chain.clone(), vec![soa("example.net")]), equals, Fail),
        ("a ring", says(&[cname(NAME, 1, "b.example.com"), cname("b.example.com", 1, NAME)], &[]), equals, Unknown),
    ] {
        let report = asked(&[resolver(says).await], more, PATIENCE).await;
        assert_eq!(report.verdict, verdict, "{case}: {report:#?}");
    }
}

#[tokio::test]
async fn every_type_is_read_in_its_form() {
    for (kind, record, written) in [
        ("AAAA", aaaa(NAME, "2001:db8::10"), "2001:DB8:0::10"),
        ("TXT", txt(NAME, &["v=spf1 ", "-all"]), "v=spf1 -all"),
        ("CAA", caa(NAME, "ca.example.net"), "0 issue \"ca.example.net\""),
        ("MX", mx(NAME, "Mail.example.net"), "10 mail.example.net."),
        ("NS", ns(NAME, "ns1.example.net"), "NS1.example.net"),
    ] {
        let more = format!("type = '{kind}'\nexpect = {{ equals = '{written}' }}");
        let says = Says::Tells(NoError, vec![record], Vec::new());
        let report = asked(&[resolver(says).await], &more, PATIENCE).await;
        assert_eq!(report.verdict, Pass, "{kind}: {report:#?}");
    }
}

#[tokio::test]
async fn resolvers_must_agree_and_one_that_is_silent_lets_nobody_say_so() {
    let lying = || Says::Tells(NoError, vec![a(NAME, [198, 51, 100, 66])], Vec::new());
    let judge = async |first: Says, second: Says, more: &str, timeout| -> (Verdict, Report) {
        let at = [resolver(first).await, resolver(second).await];
        let report = asked(&at, more, timeout).await;
        (report.verdict, report)
    };
    let (verdict, report) = judge(good(), good(), "", PATIENCE).await;
    assert_eq!(verdict, Pass, "{report:#?}");
    let (verdict, report) = judge(good(), lying(), "", PATIENCE).await;
    assert_eq!(verdict, Fail, "{report:#?}");
    let seen = finding(&report, "agreement").1;
    assert!(seen.contains(": 203.0.113.1, 203.0.113.2; ") && seen.ends_with(": 198.51.100.66"), "{seen}");
    let (verdict, report) = judge(good(), lying(), "agree = false", PATIENCE).await;
    assert_eq!(verdict, Pass, "{report:#?}");
    let (verdict, report) = judge(good(), Says::Silent, "", SILENCE).await;
    assert_eq!(verdict, Unknown, "{report:#?}");
    let (verdict, report) = judge(good(), Says::Tells(ServFail, vec![], vec![]), "", PATIENCE).await;
    assert_eq!(verdict, Unknown, "{report:#?}");
}
