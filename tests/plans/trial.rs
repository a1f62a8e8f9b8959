//! Plans whose checks are tried: on their examples, and on answers made wrong.

use super::{checked, with_items};

/// What a plan gets wrong and what is nearly the same and right.
#[tokio::test]
async fn each_lint_has_a_plan_that_triggers_it_and_one_that_does_not() {
    let run = |argv: &str, extra: &str| {
        let secrets = "[secrets]\npin = { env = \"SMOKE_PASSWORD\" }\n";
        with_items(
            secrets,
            &format!("[[phase.item]]\nid = \"x\"\nclass = \"once\"\n{extra}\n[phase.item.run]\ncommand = {argv}\n"),
        )
    };
    let http = |rest: &str| {
        with_items("", &format!("[[phase.item]]\nid = \"x\"\n[phase.item.http]\nget = \"https://a.example\"\n{rest}\n"))
    };
    let meanwhile = |program: &str| {
        let rest = "until = { any = [{ event = \"done\" }] }\nmeanwhile = { after = { event = \"message\" }, post";
        let head = "[[phase.item]]\nid = \"x\"\n[phase.item.sse]\nget = \"https://a.example\"";
        let expect = format!("expect = {{ json = ['{program}'] }}");
        with_items("", &format!("{head}\n{rest} = \"https://a.example/c\", {expect} }}\n"))
    };
    let typed = "confirm = \"type\"";
    let ok = "[phase.item.example]\ngood = { status = 200, json = { ok = true, n = 3 } }";
    let cases = [
        ("destructive-on-one-key", run(r#"["rm", "-rf", "/srv/old"]"#, ""), run(r#"["rm", "-rf", "/srv/old"]"#, typed)),
        ("destructive-on-one-key", run(r#"["docker", "system", "prune"]"#, ""), run(r#"["prunejuice"]"#, "")),
        (
            "destructive-on-one-key",
            run(r#"["psql", "-c", "drop table users"]"#, ""),
            run(r#"["raindrop", "table"]"#, ""),
        ),
        (
            "destructive-on-one-key",
            run(r#"["sh", "-c", "redis-cli KEYS 's:*' | xargs redis-cli DEL"]"#, ""),
            run(r#"["redis-cli", "KEYS", "s:*"]"#, ""),
        ),
        ("python-run-by-bash", run(r#"["bash", "scripts/x.py"]"#, ""), run(r#"["python3", "scripts/x.py"]"#, "")),
        ("secret-in-argv", run(r#"["login", "{{ pin }}"]"#, ""), run("[\"login\"]\nenv = { PIN = \"{{ pin }}\" }", "")),
        ("placeholder-left", run(r#"["ping", "yourdomain.com"]"#, ""), run(r#"["ping", "ourdomain.com"]"#, "")),
        ("placeholder-left", run(r#"["echo", "<your token>"]"#, ""), run(r#"["test", "1 < 2 > 0"]"#, "")),
        (
            "jq-truthiness",
            http(&format!("expect = {{ json = ['.ok'] }}\n{ok}")),
            http(&format!("expect = {{ json = ['.ok == true'] }}\n{ok}")),
        ),
        (
            "vacuous-check",
            http(&format!("expect = {{ json = ['length >= 0'] }}\n{ok}")),
            http(&format!("expect = {{ json = ['.n > 0'] }}\n{ok}")),
        ),
        (
            "vacuous-check",
            http(&format!("expect = {{ body = '.*' }}\n{ok}")),
            http(&format!("expect = {{ body = 'ok' }}\n{ok}")),
        ),
        (
            "never-fails",
            http(&format!("expect = {{ json = ['.n | length >= 0'] }}\n{ok}")),
            http(&format!("expect = {{ json = ['.n | length > 0'] }}\n{ok}")),
        ),
        ("no-example", meanwhile("[.a, .b] | add > 3"), meanwhile(".a > 3")),
        ("no-example", http("expect = { json = ['[.a, .b] | add > 3'] }"), http("expect = { json = ['.a > 3'] }")),
    ];
    for (code, triggers, does_not) in cases {
        let (.., text) = checked(&triggers).await;
        assert!(text.contains(&format!("[{code}]")), "{code} in\n{text}\n{triggers}");
        let (errors, warnings, text) = checked(&does_not).await;
        assert_eq!((errors, warnings), (0, 0), "{code}:\n{text}\n{does_not}");
    }
    // Whatever the stream is expected to be, its longest silence can be what is wrong.
    let stream = |expect: &str| {
        let table = format!(
            "get = \"https://a.example\"\nexpect = {{ {expect} }}\nuntil = {{ any = [{{ event = \"done\" }}] }}"
        );
        with_items("", &format!("[[phase.item]]\nid = \"x\"\n[phase.item.sse]\n{table}\n"))
    };
    for expect in ["max_gap = \"500ms\"", "first_event = \"500ms\", max_gap = \"1s\""] {
        let (errors, warnings, text) = checked(&stream(expect)).await;
        assert_eq!((errors, warnings), (0, 0), "{text}");
    }
    let framed = http("expect = { security = { csp = [\"frame-ancestors\"] } }");
    let (errors, warnings, text) = checked(&framed).await;
    assert_eq!((errors, warnings), (0, 0), "{text}");
}

#[tokio::test]
async fn examples_are_held_to_what_they_say() {
    let item = |id: &str, expect: &str, example: &str| {
        format!(
            "[[phase.item]]\nid = \"{id}\"\n[phase.item.http]\nget = \"https://a.example\"\nexpect = {expect}\n\
             [phase.item.example]\n{example}\n"
        )
    };
    let expect = "{ status = 200, json = ['.n > 0'] }";
    let right = "good = { status = 200, json = { n = 1 } }";
    let cases = [
        (item("x", expect, "good = { status = 200, json = { n = 0 } }"), Some("wrong-example")),
        (
            item("x", expect, &format!("{right}\nbad = [{{ status = 200, json = {{ n = 2 }}, gives = \"fail\" }}]")),
            Some("wrong-example"),
        ),
        (item("x", expect, &format!("{right}\nbad = [{{ status = 200, json = {{ }}, gives = \"unknown\" }}]")), None),
        (
            item("x", expect, right) + &item("y", expect, "good = { status = 200, json = { n = 2 } }"),
            Some("contradicting-examples"),
        ),
        (
            item("x", expect, right)
                + &item("y", expect, "good = { status = 200, json = { n = 2 }, when = { s = 1 } }"),
            None,
        ),
        (item("x", expect, right) + &item("y", expect, "good = { status = 200, json = { n = 1, m = 2 } }"), None),
    ];
    for (items, code) in cases {
        let (errors, _, text) = checked(&with_items("", &items)).await;
        match code {
            Some(code) => assert!(errors == 1 && text.contains(&format!("[{code}]")), "{code} in\n{text}\n{items}"),
            None => assert_eq!(errors, 0, "{text}\n{items}"),
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_before_its_end_breaks_every_stream_expectation() {
    let sse = |expect: &str| {
        with_items(
            "",
            &format!(
                "[[phase.item]]\nid = \"x\"\n[phase.item.sse]\nget = \"https://a.example\"\nuntil = {{ any = [{{ event = \"done\" }}] }}\nexpect = {expect}\n"
            ),
        )
    };
    let right = "{ first_event = \"5s\", max_gap = \"9s\", at_least = [{ event = \"message\", count = 2 }], never = [{ event = \"error\" }] }";
    let (errors, warnings, text) = checked(&sse(right)).await;
    assert_eq!((errors, warnings), (0, 0), "{text}");
}

#[tokio::test]
async fn a_stream_without_a_terminal_event_fails_by_never_ending() {
    let text = "[[phase.item]]\nid = \"x\"\n[phase.item.sse]\nget = \"https://a.example\"\n\
                expect = { at_least = [{ event = \"message\" }] }\n";
    let (errors, warnings, text) = checked(&with_items("", text)).await;
    assert_eq!((errors, warnings), (0, 0), "{text}");
}

#[tokio::test]
async fn the_exits_of_a_steps_examples_come_to_what_they_say() {
    let run = |exits: &str, example: &str| {
        let head = "[[phase.item]]\nid = \"x\"\nclass = \"once\"\n[phase.item.run]\ncommand = [\"true\"]\n";
        with_items("", &format!("{head}{exits}\n[phase.item.example]\n{example}\n"))
    };
    for (exits, example, errors, warnings) in [
        ("", "good = { exit = 0 }\nbad = [{ exit = 1, gives = \"fail\" }]", 0, 0),
        ("", "good = { stdout = \"done\" }", 0, 0),
        ("", "good = { exit = 3 }", 1, 0),
        ("exit = { 3 = \"pass\" }", "good = { exit = 3 }", 0, 0),
        ("exit = { 0 = \"warn\" }", "good = { exit = 0 }", 1, 0),
        ("", "good = { exit = 0 }\nbad = [{ exit = 127, gives = \"fail\" }]", 1, 0),
        ("", "good = { exit = 0 }\nbad = [{ exit = 127, gives = \"unknown\" }]", 0, 0),
        ("exit = { 2 = \"warn\" }", "good = { exit = 0 }\nbad = [{ exit = 2, gives = \"warn\" }]", 0, 0),
        ("", "good = { exit = 0 }\nbad = [{ stdout = \"no\", gives = \"fail\" }]", 1, 0),
        ("exit = { 1 = \"pass\" }", "good = { exit = 0 }", 0, 1),
        ("exit = { 1 = \"pass\" }", "good = [{ exit = 0 }, { exit = 1, when = { n = 1 } }]", 0, 0),
    ] {
        let (is, are, text) = checked(&run(exits, example)).await;
        assert_eq!((is, are), (errors, warnings), "{exits} {example}\n{text}");
        assert!(errors == 0 || text.contains("[wrong-example]"), "{text}");
        assert!(warnings == 0 || text.contains("[vacuous-check]"), "{text}");
    }
}

/// What a program's text gives is compared with what another says: the pattern tells it, no stand-in.
#[tokio::test]
async fn a_value_taken_by_a_pattern_is_known_to_the_checks_after_it() {
    let plan = |revision: &str| {
        let baseline = "[baseline.revision]\ncommand = [\"kubectl\", \"rollout\", \"history\"]\nregex = 'revision=(\\d+)'\n\
                        example = { good = { stdout = \"revision=7\" } }\n";
        let item = "[[phase.item]]\nid = \"x\"\n[phase.item.http]\nget = \"https://a.example\"\n\
                    expect = { json = ['.revision == $revision'] }\n";
        with_items(
            baseline,
            &format!("{item}[phase.item.example]\ngood = {{ json = {{ revision = \"{revision}\" }} }}\n"),
        )
    };
    let (errors, _, text) = checked(&plan("7")).await;
    assert_eq!(errors, 0, "{text}");
    let (errors, _, text) = checked(&plan("8")).await;
    assert!(errors == 1 && text.contains("[wrong-example]"), "{text}");
}
