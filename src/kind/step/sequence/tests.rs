//! What the table of a `sequence` step refuses, and what it says of itself.

use proptest::prelude::*;
use serde_json::json;
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;

fn read(text: &str) -> (Option<Sequence>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let notes = Notes::default();
    let table = Table::new("[sequence]", parsed.span().into(), parsed.get_ref(), &notes);
    let sequence = Sequence::read(&table);
    table.finish();
    (sequence, notes.take_diagnostics())
}

const STEPS: &str = "steps = [{ run = { command = ['x', '{{ n }}'] } }]\n";

#[test]
fn the_example_of_the_kind_is_sound_and_its_waits_are_counted() {
    let (sequence, found) = read(Sequence::KIND.example);
    assert!(found.is_empty(), "{found:?}");
    let sequence = sequence.expect("read");
    assert_eq!(sequence.least(&Scope::default()), Duration::from_secs(1_500));
    let (check, scope) = &sequence.checks(&Scope::default())[0];
    assert_eq!((check.kind().name, &scope.get("weight").expect("bound").value), ("http", &json!(75)));
}

#[test]
fn the_values_of_a_variable_are_its_rounds_and_no_secrets() {
    let (sequence, found) = read(&format!("for_each = {{ n = 'list' }}\n{STEPS}"));
    assert!(found.is_empty(), "{found:?}");
    let sequence = sequence.expect("read");
    let mut scope = Scope::default();
    assert!(sequence.rounds(&scope).is_err());
    scope.bind("list", json!([1, 2]));
    assert_eq!(sequence.rounds(&scope), Ok(vec![json!(1), json!(2)]));
    scope.bind_secret("list", json!("hunter22"));
    assert!(sequence.rounds(&scope).is_err() && !sequence.exposed(&scope).is_empty());
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    for (text, code, at) in [
        (format!("for_each = {{ n = [] }}\n{STEPS}"), "wrong-value", "[]"),
        (format!("for_each = {{ n = [[1]] }}\n{STEPS}"), "wrong-value", "[[1]]"),
        (format!("for_each = {{ n = 3 }}\n{STEPS}"), "wrong-value", "n"),
        (format!("for_each = {{ n = [1], m = [2] }}\n{STEPS}"), "wrong-value", "{ n = [1], m = [2] }"),
        ("for_each = { n = [1] }".to_owned(), "missing-key", ""),
        (format!("for_each = {{ n = [1] }}\n{STEPS}gaurd = []"), "unknown-key", "gaurd"),
        (format!("for_each = {{ n = [1] }}\n{STEPS}guard_unknown = 'stop'"), "wrong-value", "guard_unknown"),
        (format!("for_each = {{ n = [1] }}\n{STEPS}undo = [{{ run = {{ command = 'x' }} }}]"), "wrong-value", "undo"),
        (format!("for_each = {{ n = [1] }}\n{STEPS}every = '1ms'"), "wrong-value", "every"),
        ("for_each = { n = [1] }\nsteps = [{ run = { comand = 'x' } }]".to_owned(), "unknown-key", "comand"),
        ("for_each = { n = [1] }\nsteps = [{ sequence = {} }]".to_owned(), "wrong-kind", "sequence"),
        (format!("for_each = {{ n = [1] }}\n{STEPS}guard = [{{ run = {{ command = 'x' }} }}]"), "wrong-kind", "run"),
    ] {
        let (_, found) = read(&text);
        let told: Vec<_> = found.iter().map(|found| (found.code, &text[found.span.start..found.span.end])).collect();
        assert!(
            told.iter().any(|(found, place)| *found == code && (at.is_empty() || *place == at)),
            "{text}: {told:?}"
        );
    }
}

proptest! {
    #[test]
    fn no_table_panics(
        key in "for_each|steps|guard|undo|wait|every|on_breach|from",
        value in "[0-9]{1,3}|'[a-z{} %]{0,8}'|\\[\\]|\\[1, 'a'\\]|\\{ n = \\[1\\] \\}|\\[\\{ run = \\{ command = 'a' \\} \\}\\]",
    ) {
        let text = format!("{key} = {value}");
        let (parsed, errors) = DeTable::parse_recoverable(&text);
        if errors.is_empty() {
            let notes = Notes::default();
            let _ = Sequence::read(&Table::new("[sequence]", parsed.span().into(), parsed.get_ref(), &notes));
        }
    }
}
