//! What a stream of lines promises: which lines are errors, what is never seen, what signals take out of them.

use proptest::prelude::*;
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::launch::id::SignalId;

fn with<T>(text: &str, read: impl FnOnce(&Table<'_>) -> T) -> (T, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[stream]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn tail(text: &str) -> Tail {
    let (read, found) = with(text, Tail::read);
    assert!(found.is_empty(), "{text}: {found:?}");
    read.expect("a tail")
}

fn take(text: &str) -> Take {
    let (read, found) = with(text, |table| Take::read(table, SignalId::new("s")));
    assert!(found.is_empty(), "{text}: {found:?}");
    read.expect("a take")
}

fn line(text: &str) -> Line {
    Line::of(1, text).expect("a line")
}

#[test]
fn every_mistake_is_told_at_its_place() {
    for (text, place, said) in [
        ("log = 'a'\nerrors = {}", "{}", "needs `level`"),
        ("log = 'a'\nerrors = { regex = '(' }", "'('", "no regular expression"),
        ("log = 'a'\nerrors = { jq = '.a |' }", "'.a |'", "jq"),
        ("log = 'a'\nredact = ['x*']", "'x*'", "everywhere"),
        ("command = ['x']\nbegin = 'start'", "'start'", "goes with `log`"),
        ("log = 'a'\nbegin = 'middle'", "'middle'", "begin"),
    ] {
        let (_, found) = with(text, Tail::read);
        let wrong = found.iter().find(|wrong| wrong.message.contains(said));
        let wrong = wrong.unwrap_or_else(|| panic!("{text}: {found:?}"));
        assert!(text[wrong.span.start..wrong.span.end].contains(place.trim_matches('\'')), "{text}: {wrong:?}");
    }
    for (text, said) in [
        ("where = '.a == 1'", "takes nothing"),
        ("jq = '.a'\nregex = '(a)'", "not by both"),
        ("regex = 'a'", "one group"),
        ("jq = '.a'\nerrors = true", "needs `unit`"),
        ("jq = '.a'\nerrors = true\nunit = '%'", "how long it took"),
        ("jq = '.a'\nunit = 'parsec'", "no unit"),
    ] {
        let (read, found) = with(text, |table| Take::read(table, SignalId::new("s")));
        assert!(read.is_none() && found.iter().any(|wrong| wrong.message.contains(said)), "{text}: {found:?}");
    }
}

#[tokio::test]
async fn an_error_is_what_the_stream_says_is_one() {
    let tail = tail("log = 'a'\nerrors = { level = ['ERROR', 'fatal'], regex = 'panic(ked)?', jq = '.status >= 500' }");
    let (scope, jq) = (Scope::default(), Jq::default());
    for (text, error) in [
        ("{\"level\":\"error\"}", true),
        ("api-1 | {\"severity\":\"FATAL\",\"status\":200}", true),
        ("{\"level\":\"info\",\"message\":\"no error here\"}", false),
        ("2026-01-01 12:00:00 ERROR no route", true),
        ("2026-01-01 12:00:00 INFO answered with an error page", false),
        ("thread main panicked at", true),
        ("{\"status\":503}", true),
        ("{\"status\":200}", false),
        ("{\"status\":null}", false),
        ("all is well", false),
    ] {
        assert_eq!(tail.errors.has(&line(text), &scope, &jq).await, error, "{text}");
    }
}

#[test]
fn what_must_not_be_seen_is_taken_out_wherever_it_stands() {
    let tail = tail("log = 'a'\nredact = ['user=\\S+', '\"prompt\":\"[^\"]*\"']");
    let kept = tail.redacted("user=anna id=3 user=$0 {\"prompt\":\"my name is\"}");
    assert_eq!(kept, "(redacted) id=3 (redacted) {(redacted)}");
}

#[tokio::test]
async fn a_line_that_is_meant_is_one_sample() {
    let (scope, jq) = (Scope::default(), Jq::default());
    let number = take("jq = '.ms'");
    let meant = take("jq = '.ms'\nwhere = '.event == \"request\"'");
    let text = take("regex = 'took ([0-9.]+)ms'\nunit = 'ms'");
    let failing = take("errors = true");
    let timed = take("errors = true\njq = '.ms'\nunit = 'ms'");
    let both = take("errors = true\njq = '.ms'\nunit = 'ms'\nwhere = '.event == \"request\"'");
    let ended = |failed, ms| Some(Sampled::Ended { failed, took: std::time::Duration::from_millis(ms) });
    for (take, text, error, wanted) in [
        (&number, "{\"ms\":12.5}", false, Some(Sampled::Number(12.5))),
        (&number, "{\"ms\":\"12\"}", false, None),
        (&number, "ms 12", false, None),
        (&meant, "{\"ms\":12,\"event\":\"request\"}", true, Some(Sampled::Number(12.0))),
        (&meant, "{\"ms\":12,\"event\":\"other\"}", false, None),
        (&text, "GET / took 7.5ms", false, Some(Sampled::Number(7.5))),
        (&text, "GET / took long", false, None),
        (&failing, "anything", false, ended(false, 0)),
        (&failing, "anything", true, ended(true, 0)),
        (&timed, "{\"ms\":250}", false, ended(false, 250)),
        (&timed, "{\"ms\":250}", true, ended(true, 250)),
        (&timed, "stack overflow", true, ended(true, 0)),
        (&timed, "a line about nothing", false, None),
        (&both, "{\"event\":\"other\",\"ms\":3}", true, None),
        (&both, "{\"event\":\"request\"}", true, ended(true, 0)),
    ] {
        assert_eq!(take.of(&line(text), error, &scope, &jq).await, wanted, "{text}");
    }
    // A line that is meant and has no number is no sample that may be left out in silence.
    for take in [&meant, &both] {
        let told = take.of(&line("{\"event\":\"request\"}"), false, &scope, &jq).await;
        assert!(matches!(told, Some(Sampled::Nothing(_))), "{told:?}");
    }
}

proptest! {
    #[test]
    fn any_line_is_read_without_a_panic(text in "\\PC{0,80}", json in "[\\[\\]{}\":,a-z0-9. ]{0,60}") {
        let tail = tail("log = 'a'\nredact = '[a-c]+'\nerrors = { level = 'error', regex = 'x' }");
        let timed = take("errors = true\nregex = '([0-9]+)'\nunit = 'ms'");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        for text in [text, json] {
            let Some(line) = Line::of(1, &text) else { continue };
            let _ = level(&line);
            prop_assert!(!tail.redacted(&line.text).contains('b'.to_string().repeat(2).as_str()));
            runtime.block_on(async {
                let error = tail.errors.has(&line, &Scope::default(), &Jq::default()).await;
                let _ = timed.of(&line, error, &Scope::default(), &Jq::default()).await;
            });
        }
    }
}
