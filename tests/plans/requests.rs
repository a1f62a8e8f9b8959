//! Requests in plans: what they say of themselves is tried as every expectation is, a step's as a check's.

use super::{checked, with_items, wrong};

const SECRETS: &str = "[secrets]\npin = { env = \"SMOKE_PASSWORD\" }\n";

fn send(table: &str, more: &str) -> String {
    let head = "[[phase.item]]\nid = \"x\"\nclass = \"once\"\n";
    with_items(SECRETS, &format!("{head}{more}\n[phase.item.send]\npost = \"https://a.example/hook\"\n{table}\n"))
}

#[tokio::test]
async fn redirects_and_protocols_are_expectations_that_some_answer_breaks() {
    for table in [
        "redirects = \"follow\"",
        "http = \"2\"",
        "http = \"1.1\"\nredirects = \"follow\"\nexpect = { status = 200 }",
        "redirects = \"expect\"\nexpect = { redirect = { to = \"https://b.example/\" } }",
        "expect = { redirect = { status = 308, to = \"https://b.example/\" } }",
    ] {
        let text = with_items(
            "",
            &format!("[[phase.item]]\nid = \"x\"\n[phase.item.http]\nget = \"http://a.example\"\n{table}\n"),
        );
        let (errors, warnings, told) = checked(&text).await;
        assert_eq!((errors, warnings), (0, 0), "{table}\n{told}");
    }
}

#[tokio::test]
async fn a_steps_expectations_are_tried_on_its_examples() {
    let expect = "expect = { status = 201, json = ['.status == \"queued\"'] }";
    let good = "good = { status = 201, json = { status = \"queued\" } }";
    let bad = "bad = [{ status = 409, json = {}, gives = \"fail\" }]";
    for (table, example, errors, warnings) in [
        (expect, "", 0, 0),
        (expect, good, 0, 0),
        (expect, &format!("{good}\n{bad}"), 0, 0),
        (expect, "good = { status = 200, json = { status = \"queued\" } }", 1, 0),
        (
            expect,
            &format!("{good}\nbad = [{{ status = 201, json = {{ status = \"queued\" }}, gives = \"fail\" }}]"),
            1,
            0,
        ),
        ("expect = { json = ['length >= 0'] }", "good = { status = 200, json = { a = 1 } }", 0, 1),
        ("expect = { json = ['.ok'] }", "good = { status = 200, json = { ok = true } }", 0, 1),
        (expect, "good = { status = 201, json = { status = \"queued\" }, events = [] }", 0, 1),
    ] {
        let example = if example.is_empty() { String::new() } else { format!("[phase.item.example]\n{example}\n") };
        let (is, are, told) = checked(&format!("{}{example}", send(table, ""))).await;
        assert_eq!((is, are), (errors, warnings), "{table}\n{example}\n{told}");
    }
}

#[test]
fn a_step_that_sends_names_its_own_credentials_and_nothing_of_a_check() {
    for (table, more, code, at) in [
        ("bearer = \"{{ pin }}\"", "", "", ""),
        ("bearer = \"tok-in-the-plan\"", "", "literal-secret", "\"tok-in-the-plan\""),
        ("capture = { id = \".id\" }", "", "no-effect", "capture"),
        ("auth = \"none\"", "", "no-effect", "auth"),
        ("", "rehearse = \"real\"", "no-effect", "rehearse"),
        ("", "retries = 2", "no-effect", "retries"),
    ] {
        let text = send(table, more);
        let wanted: Vec<_> = Some((code, at.to_owned())).filter(|(code, _)| !code.is_empty()).into_iter().collect();
        assert_eq!(wrong(&text), wanted, "{text}");
    }
    let session = "[session.s]\nbase = \"https://a.example\"\n";
    let text = send("", "session = \"s\"").replace(SECRETS, &format!("{SECRETS}{session}"));
    assert_eq!(wrong(&text), [("wrong-key", "session".to_owned())], "{text}");
}

#[test]
fn what_redirect_and_status_say_does_not_contradict() {
    let http = |table: &str| {
        with_items("", &format!("[[phase.item]]\nid = \"x\"\n[phase.item.http]\nget = \"http://a.example\"\n{table}\n"))
    };
    for (table, code, at) in [
        ("redirects = \"expect\"", "missing-key", "[phase.item.http]"),
        ("redirects = \"follow\"\nexpect = { redirect = { to = \"https://b.example\" } }", "wrong-value", "\"follow\""),
        ("expect = { status = 301, redirect = { to = \"https://b.example\" } }", "wrong-value", "expect"),
        ("expect = { redirect = { status = 301 } }", "missing-key", "{ status = 301 }"),
    ] {
        assert_eq!(wrong(&http(table)), [(code, at.to_owned())], "{table}");
    }
}
