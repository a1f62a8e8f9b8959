//! The table of `process`: what it reads, what it refuses, and what it hears.

use proptest::prelude::*;
use serde_json::json;
use toml::de::DeTable;

use super::watch::Lines;
use super::*;
use crate::base::table::Notes;

fn read(text: &str) -> (Option<Process>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[process]", parsed.span().into(), parsed.get_ref(), &notes);
    let process = Process::read(&table);
    table.finish();
    (process, notes.take_diagnostics())
}

fn sound(text: &str) -> Process {
    let (process, found) = read(text);
    assert!(found.is_empty(), "{found:?}");
    process.expect("a step")
}

fn says(stdout: &str) -> Answered {
    Answered { stdout: Some(stdout.to_owned()), ..Answered::default() }
}

const TUNNEL: &str = "command = 'tunnel'\nready = { line = 'Registered|https://' }\n\
                      capture = { url = '(https://[a-z-]+\\.example)', id = 'id=([0-9]+)' }";

#[test]
fn the_example_of_the_kind_is_sound_and_says_what_it_waits_for() {
    let process = sound(Process::KIND.example);
    assert_eq!(
        process.expects(&Scope::default())[1..],
        [r"says /https://[a-z0-9-]+\.trycloudflare\.com/ within 30s", "hands out tunnel_url", "lives on"]
    );
    assert_eq!(process.life(), Some(Life { signal: StopSignal::Term, grace: Duration::from_secs(5) }));
    let said = process.said(&says("INF |  https://brave-otter-12.trycloudflare.com  |\n")).expect("ready");
    assert_eq!(said["tunnel_url"], json!("https://brave-otter-12.trycloudflare.com"));
}

#[test]
fn values_are_taken_from_any_line_and_the_first_of_a_name_stays() {
    let process = sound(TUNNEL);
    let said = process.said(&says("at https://a-b.example\nid=7\nid=8 https://c.example")).expect("ready");
    assert_eq!(said, [("url".to_owned(), json!("https://a-b.example")), ("id".to_owned(), json!("7"))].into());
    let missing = process.said(&says("at https://a-b.example")).expect_err("no id");
    assert!(missing.contains("id"), "{missing}");
    assert!(process.said(&says("id=7")).expect_err("not ready").contains("no line fits"));
}

#[test]
fn control_sequences_are_no_part_of_a_value() {
    let said = sound(TUNNEL).said(&says("\u{1b}[32mhttps://a.example\u{1b}[0m id=1")).expect("ready");
    assert_eq!(said["url"], json!("https://a.example"));
}

#[test]
fn one_that_stops_names_an_item_and_nothing_lives_on() {
    let process = sound("stop = 'tunnel'");
    assert_eq!(process.stops().map(|item| item.value.as_str()), Some("tunnel"));
    assert_eq!((process.life(), process.expects(&Scope::default())), (None, vec!["tunnel runs no more".to_owned()]));
}

#[test]
fn how_it_is_stopped_is_read() {
    let process = sound("shell = 'x'\nready = { tcp = 'localhost:1' }\nstop = { signal = 'INT', grace = '2s' }");
    assert_eq!(process.life(), Some(Life { signal: StopSignal::Int, grace: Duration::from_secs(2) }));
}

#[test]
fn a_secret_never_gets_into_the_arguments() {
    let mut scope = Scope::default();
    scope.bind_secret("token", json!("hunter22"));
    let process = sound("command = ['tunnel', '{{ token }}']\nready = { line = 'up' }");
    assert_eq!(process.exposed(&scope).len(), 1);
    assert_eq!(process.how(&scope), Err(Unbound("token".into())));
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    let ready = "ready = { line = 'up' }";
    for (text, code, at) in [
        (ready, "missing-key", ""),
        ("command = 'x'", "missing-key", ""),
        ("command = 'x'\nready = { within = '1s' }", "wrong-value", "{ within = '1s' }"),
        ("command = 'x'\nready = { line = 'up', tcp = 'a:1' }", "wrong-value", "{ line = 'up', tcp = 'a:1' }"),
        ("command = 'x'\nready = { line = '(' }", "wrong-value", "'('"),
        ("command = 'x'\nready = { line = '.*' }", "vacuous-check", "'.*'"),
        ("command = 'x'\nready = { line = 'up' }\ncapture = { url = '.*' }", "vacuous-check", "'.*'"),
        ("command = 'x'\nready = { line = 'up' }\ncapture = { url = 3 }", "wrong-value", "url"),
        ("command = 'x'\nready = { line = 'up' }\nstop = { signal = 'USR1' }", "wrong-value", "'USR1'"),
        ("command = 'x'\nready = { line = 'up' }\nexit = { 2 = 'warn' }", "unknown-key", "exit"),
        ("command = 'x'\nready = { line = 'up', witin = '1s' }", "unknown-key", "witin"),
    ] {
        let (_, found) = read(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].code, &text[found[0].span.start..found[0].span.end]), (code, at), "{text}");
    }
}

#[test]
fn half_a_line_is_no_line_until_the_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("stdout");
    let mut lines = Lines::of(path.clone());
    let mut heard = Vec::new();
    lines.look(false, |line| heard.push(line.to_owned()));
    for (text, end) in [("https://a", false), ("https://a-b.example\nnext", false), ("https://a-b.example\nnext", true)]
    {
        std::fs::write(&path, text).expect("written");
        lines.look(end, |line| heard.push(line.to_owned()));
        if text == "https://a" {
            assert!(heard.is_empty(), "{heard:?}");
        }
    }
    assert_eq!(heard, ["https://a-b.example", "next"]);
}

proptest! {
    #[test]
    fn no_table_panics(
        text in "(command|shell|ready|capture|stop) = ('[a-z{} .*(]*'|\\{ (line|tcp|within|signal|grace|http) = '[A-Za-z0-9.*(]*' \\}|[0-9])",
    ) {
        let (parsed, errors) = DeTable::parse_recoverable(&text);
        if errors.is_empty() {
            let notes = Notes::default();
            let _ = Process::read(&Table::new("[process]", parsed.span().into(), parsed.get_ref(), &notes));
        }
    }

    #[test]
    fn whatever_is_said_values_are_bounded(lines in proptest::collection::vec("\\PC{0,200}", 0..20)) {
        let said = sound(TUNNEL).said(&says(&lines.join("\n")));
        for value in said.unwrap_or_default().values() {
            prop_assert!(value.as_str().is_some_and(|value| !value.is_empty() && value.chars().count() <= 2_000));
        }
    }
}
