//! What the `file` check promises, on its table and on files that are there or not.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::base::wire::{Client, Limits, Network};
use crate::launch::verdict::Verdict;

fn read(text: &str) -> (Option<File>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.file]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = File::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn file(text: &str) -> File {
    let (read, found) = read(text);
    assert!(found.is_empty(), "{found:?}");
    read.expect("a check")
}

async fn ran(text: &str, base: &Path) -> Ran {
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    let cx = Context { base: base.to_owned(), ..Context::new(client) };
    file(text).run(&cx).await
}

async fn verdict(text: &str, base: &Path) -> Verdict {
    ran(text, base).await.report.verdict
}

#[test]
fn every_mistake_is_told_at_its_place_in_one_pass() {
    let text = "path = '*/a'\n[expect]\nfresh = 'soon'\nsize = { min = '3', max = '2 B' }\nsha256 = 'abc'\ntext = '('\nexits = true\n";
    let (_, found) = read(text);
    let at: Vec<&str> = found.iter().map(|wrong| &text[wrong.span.start..wrong.span.end]).collect();
    for place in ["'*/a'", "'soon'", "'3'", "'abc'", "'('", "exits"] {
        assert!(at.contains(&place), "nothing at {place}: {found:#?}");
    }
    assert_eq!(read("path = 'a'\nexpect = { absent = true, fresh = '1h' }").1.len(), 1);
    assert_eq!(read("expect = {}").1[0].code, "missing-key");
}

#[tokio::test]
async fn a_file_is_there_or_absent_and_what_cannot_be_told_is_unknown() {
    let place = tempfile::tempdir().expect("a folder");
    let at = |name: &str| place.path().join(name);
    fs::write(at("there"), "x").expect("written");
    std::os::unix::fs::symlink("/etc/passwd", at("link")).expect("linked");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, mode, 0).expect("made");
    for (name, there, absent) in [
        ("there", Verdict::Pass, Verdict::Fail),
        ("none", Verdict::Fail, Verdict::Pass),
        ("no/folder/at-all", Verdict::Fail, Verdict::Pass),
        ("there/below", Verdict::Fail, Verdict::Pass),
        ("link", Verdict::Unknown, Verdict::Unknown),
        ("fifo", Verdict::Unknown, Verdict::Unknown),
        (".", Verdict::Unknown, Verdict::Unknown),
        ("/dev/zero", Verdict::Unknown, Verdict::Unknown),
        ("ther*", Verdict::Pass, Verdict::Fail),
        ("lin*", Verdict::Fail, Verdict::Pass),
    ] {
        assert_eq!(verdict(&format!("path = '{name}'"), place.path()).await, there, "{name}");
        assert_eq!(
            verdict(&format!("path = '{name}'\nexpect = {{ absent = true }}"), place.path()).await,
            absent,
            "{name}"
        );
    }
    let missing = ran("path = 'none'\nexpect = { fresh = '1h' }", place.path()).await.report;
    assert_eq!(missing.summary, "none: expected there, seen absent");
}

#[tokio::test]
async fn an_old_file_is_stale_whatever_it_says() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("summary.json");
    fs::write(&path, r#"{"pass":true}"#).expect("written");
    let text = "path = 'summary.json'\nexpect = { fresh = '1h', json = ['.pass == true'] }";
    assert_eq!(verdict(text, place.path()).await, Verdict::Pass);
    let set = |at| fs::File::options().write(true).open(&path).expect("opened").set_modified(at).expect("set");
    set(UNIX_EPOCH + Duration::from_secs(1_000_000));
    assert_eq!(verdict(text, place.path()).await, Verdict::Stale);
    set(UNIX_EPOCH + Duration::from_secs(40_000_000_000));
    assert_eq!(verdict(text, place.path()).await, Verdict::Fail, "written in the future");
}

#[tokio::test]
async fn length_sum_text_and_json_are_findings() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("a.json"), r#"{"pass":true,"p95":800}"#).expect("written");
    fs::write(place.path().join("a.txt"), "Build\u{1b}[32m complete\u{1b}[0m in 8s\n").expect("written");
    fs::write(place.path().join("empty"), "").expect("written");
    let sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for (text, wanted) in [
        ("path = 'a.json'\nexpect = { size = { min = 23, max = '1 KiB' } }", Verdict::Pass),
        ("path = 'a.json'\nexpect = { size = { max = 22 } }", Verdict::Fail),
        ("path = 'empty'\nexpect = { size = { max = 22 } }", Verdict::Fail),
        ("path = 'empty'\nexpect = { size = { min = 0, max = 22 } }", Verdict::Pass),
        (&format!("path = 'empty'\nexpect = {{ sha256 = '{sum}' }}"), Verdict::Pass),
        (&format!("path = 'a.txt'\nexpect = {{ sha256 = '{sum}' }}"), Verdict::Fail),
        ("path = 'a.txt'\nexpect = { text = 'Build complete', text_absent = 'ERROR' }", Verdict::Pass),
        ("path = 'a.txt'\nexpect = { text_absent = 'Build complete' }", Verdict::Fail),
        ("path = 'empty'\nexpect = { text_absent = 'ERROR' }", Verdict::Unknown),
        ("path = 'a.txt'\nexpect = { number = { regex = 'in (\\d+)s', that = '<= 10' } }", Verdict::Pass),
        ("path = 'a.txt'\nexpect = { json = ['.pass == true'] }", Verdict::Unknown),
        ("path = 'empty'\nexpect = { json = ['.pass == true'] }", Verdict::Unknown),
        (
            "path = 'a.json'\nexpect = { json = ['.pass == true'], number = { jq = '.p95', that = '<= 960' } }",
            Verdict::Pass,
        ),
        ("path = 'a.json'\nexpect = { json = ['.pass == false'] }", Verdict::Fail),
        ("path = 'a.json'\nexpect = { schema = { required = ['generatedAtUtc'] } }", Verdict::Fail),
        ("path = 'a.json'\nexpect = { schema = { required = ['pass'] } }", Verdict::Pass),
        ("path = 'a.json'\nexpect = { schema = 'none.json' }", Verdict::Unknown),
    ] {
        let report = ran(text, place.path()).await.report;
        assert_eq!(report.verdict, wanted, "{text}: {report:#?}");
    }
}

#[tokio::test]
async fn a_large_file_is_summed_whole_and_read_in_part() {
    let place = tempfile::tempdir().expect("a folder");
    let body = vec![b'x'; 5 << 20];
    fs::write(place.path().join("large"), &body).expect("written");
    let sum = crate::base::text::hex(&<sha2::Sha256 as sha2::Digest>::digest(&body));
    let text = format!(
        "path = 'large'\nexpect = {{ sha256 = '{sum}', size = {{ min = '5 MiB', max = '5 MiB' }}, text = 'xx' }}"
    );
    assert_eq!(verdict(&text, place.path()).await, Verdict::Pass);
    assert_eq!(verdict("path = 'large'\nexpect = { text = 'y' }", place.path()).await, Verdict::Unknown);
    assert_eq!(verdict("path = 'large'\nexpect = { text_absent = 'y' }", place.path()).await, Verdict::Unknown);
}

#[tokio::test]
async fn a_value_is_captured_from_a_file() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("last"), "image: api:1.4.1\n").expect("written");
    let captured = ran("path = 'last'\ncapture = { image = { regex = 'image: (\\S+)' } }", place.path()).await.captured;
    assert_eq!(captured, [("image".to_owned(), json!("api:1.4.1"))]);
}

#[tokio::test]
async fn the_example_that_follows_from_plain_expectations_passes() {
    for text in [
        File::KIND.example,
        "path = 'a'",
        "path = 'a'\nexpect = { absent = true }",
        "path = 'a'\nexpect = { text = 'done', text_absent = 'ERROR', fresh = '1h' }",
        "path = 'a'\nexpect = { size = { max = 100 } }",
        "path = 'a'\nskipped = '.skipped'\ncapture = { v = '.v' }",
    ] {
        let check = file(text);
        let scope = Scope::default();
        let good = check.derive(&scope).expect(text);
        let report = check.judge(&check.seen(&good, &scope), &scope, &Jq::default()).await;
        assert_eq!(report.verdict, Verdict::Pass, "{text}: {report:#?}");
    }
}
