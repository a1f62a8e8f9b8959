//! What a table says of what it holds, and of what it cannot.

use super::*;

fn reading<R>(text: &str, read: impl FnOnce(&Table<'_>) -> R) -> (R, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[]", parsed.span().into(), parsed.get_ref(), &notes);
    let got = read(&table);
    table.finish();
    (got, notes.take_diagnostics())
}

#[test]
fn every_mistake_is_reported_in_one_pass() {
    let text = "tilte = 'x'\nid = 3\nevery = '5 parsecs'\nmode = 'atuo'\n";
    let ((), found) = reading(text, |table| {
        let _ = (table.text("title"), table.text("id"), table.duration("every"));
        let _ = table.word("mode", &[("auto", 1), ("ask", 2)]);
    });
    let codes: Vec<_> = found.iter().map(|diagnostic| (diagnostic.code, diagnostic.label.as_str())).collect();
    assert_eq!(
        codes,
        [
            ("wrong-type", "this is an integer"),
            ("wrong-value", ""),
            ("wrong-value", "did you mean `auto`?"),
            ("unknown-key", "did you mean `title`?"),
        ]
    );
    assert_eq!(&text[found[3].span.start..found[3].span.end], "tilte");
}

#[test]
fn numbers_that_json_does_not_know_are_told_where_they_stand() {
    for (value, told) in [
        ("9223372036854775808", true),
        ("-9223372036854775809", true),
        ("0xffffffffffffffff", true),
        ("inf", true),
        ("-nan", true),
        ("1e999", true),
        ("[1, { a = inf }]", true),
        ("9223372036854775807", false),
        ("1e300", false),
        ("0x7f", false),
    ] {
        for read in [
            |table: &Table<'_>| table.plain("x").is_none(),
            |table: &Table<'_>| {
                let _ = table.shape("x");
                true
            },
        ] {
            let (_, found) = reading(&format!("x = {value}"), read);
            assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["wrong-value"][..told.into()]);
        }
    }
    let (got, found) = reading("x = 9223372036854775808", |table| table.integer("x"));
    assert_eq!((got, found.len(), found[0].code), (None, 1, "wrong-value"));
}

#[test]
fn a_span_of_time_ends_after_ten_years() {
    for (text, fits) in [("3660days", true), ("3660days 1ms", false), ("18446744073709551615s", false)] {
        let (got, found) = reading(&format!("for = '{text}'"), |table| table.duration("for"));
        assert_eq!((got.is_some(), found.is_empty()), (fits, fits), "{text}: {found:?}");
    }
}

#[test]
fn shapes_keep_their_order_and_note_their_names() {
    let ((shape, names), found) = reading("json = { b = '{{ x }}', a = [1, 2.5, true] }", |table| {
        (table.shape("json").expect("there").value, table.notes().take_names())
    });
    assert!(found.is_empty());
    assert_eq!(names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["x"]);
    let mut scope = crate::base::template::Scope::default();
    scope.bind("x", serde_json::json!(7));
    assert_eq!(shape.value(&scope).expect("bound").to_string(), r#"{"b":7,"a":[1,2.5,true]}"#);
}
