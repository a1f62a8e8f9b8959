//! `tminus verify`: a sound launch is called whole, flown or left or killed, and nothing of it changes;
//! whatever was done to one is named, and no console acts on it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::binary::{PATIENCE, Place, Ran, ended};
use crate::told::records;
use proptest::prelude::*;
use rusqlite::Connection;
use tminus::journal::chain::Link;
use tminus::journal::sqlite::Sqlite;
use tminus::journal::store::Store;
use tminus::journal::{Draft, Durable, Holder, LaunchFolder, OpenError, Purpose, inspect, open};
use tminus::launch::event::{Actor, Event, Recorded};
use tminus::launch::time::{Instant, Now};

/// Every file under `root`: its bytes, and when it was last written.
fn state(root: &Path) -> BTreeMap<PathBuf, (Vec<u8>, i64, i64)> {
    let mut all = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("reads") {
            let path = entry.expect("reads").path();
            let meta = fs::metadata(&path).expect("there");
            if meta.is_dir() {
                folders.push(path);
            } else if meta.is_file() && !path.to_string_lossy().ends_with("-shm") {
                all.insert(path.clone(), (fs::read(&path).expect("reads"), meta.mtime(), meta.mtime_nsec()));
            }
        }
    }
    all
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("reads") {
        let entry = entry.expect("reads");
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else if path.is_file() {
            // Not the socket of a console that lives.
            fs::copy(&path, &to).expect("copied");
        }
    }
}

async fn verify(place: &Place, folder: &Path, more: &[&str]) -> Ran {
    let folder = folder.display().to_string();
    place.run(&[&["verify", &folder], more].concat()).await
}

fn sql(folder: &Path, sql: &str) {
    Connection::open(folder.join("journal.db")).expect("opens").execute_batch(sql).expect("runs");
}

/// A flipped byte in the middle of a record.
fn flipped(seq: u64) -> String {
    format!("UPDATE records SET bytes = CAST(replace(bytes, '\"v\":1', '\"v\":7') AS BLOB) WHERE seq = {seq}")
}

#[tokio::test]
async fn a_launch_that_flew_is_whole_and_what_is_done_to_it_is_named() {
    let place = Place::new(&[]);
    let flown = place.path("flown");
    let ran = place.run(&["rehearse", "--headless", "--launch", &flown.display().to_string()]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let before = state(&flown);
    let whole = verify(&place, &flown, &[]).await;
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert_eq!(state(&flown), before, "nothing of it changes");
    assert!(!flown.join("journal.db-shm").exists(), "not even a side file is made");
    let count = records(&flown).len();
    for wanted in [&format!("{count} records"), "nobody holds it", "whole: every record", "rollback 1-"] {
        assert!(whole.out.contains(wanted), "{wanted}: {}", whole.out);
    }
    let json: serde_json::Value =
        serde_json::from_str(&verify(&place, &flown, &["--json"]).await.out).expect("one document");
    assert_eq!((&json["verdict"], json["records"].as_u64()), (&"whole".into(), Some(count as u64)), "{json:#}");
    assert_eq!(json["findings"], serde_json::json!([]));

    let change = |name: &str, change: &dyn Fn(&str) -> String| {
        let name = name.to_owned();
        let text = change(&fs::read_to_string(flown.join(&name)).expect("reads"));
        Box::new(move |folder: &Path| fs::write(folder.join(&name), &text).expect("writes")) as Box<dyn Fn(&Path)>
    };
    let run = |text: String| Box::new(move |folder: &Path| sql(folder, &text)) as Box<dyn Fn(&Path)>;
    let remove = |name: &'static str| {
        Box::new(move |folder: &Path| fs::remove_file(folder.join(name)).expect("removed")) as Box<dyn Fn(&Path)>
    };
    let log = format!("rollback/{}/log", rollback_of(&flown));
    let last_line = |text: &str| text[..text.trim_end_matches(['\0', '\n']).rfind('\n').expect("lines") + 1].to_owned();
    for (code, wanted, damage) in [
        (1, "record 17 was altered".to_owned(), run(flipped(17))),
        (1, "records 18 to 20 are missing".to_owned(), run("DELETE FROM records WHERE seq BETWEEN 18 AND 20".into())),
        (
            1,
            "records 5 and 6 changed places".to_owned(),
            run("UPDATE records SET seq = -1 WHERE seq = 5; UPDATE records SET seq = 5 WHERE seq = 6;
                 UPDATE records SET seq = 6 WHERE seq = -1"
                .into()),
        ),
        (
            1,
            format!("the tail after record 40 was cut: the head says {count}"),
            run("DELETE FROM records WHERE seq > 40".into()),
        ),
        (1, "goes".to_owned(), run("CREATE TRIGGER goes AFTER INSERT ON records BEGIN SELECT 1; END".into())),
        (1, "not the plan this launch was opened with".to_owned(), change("plan.toml", &|plan| format!("{plan}\n"))),
        (1, "the frozen plan is missing".to_owned(), remove("plan.toml")),
        (1, "launch.json: it is missing".to_owned(), remove("launch.json")),
        (
            1,
            "not what the journal captured".to_owned(),
            change("baseline.json", &|_| r#"{"previous_version":{"value":"0.0.1"}}"#.into()),
        ),
        (1, "head: it is no head".to_owned(), change("head", &|head| head[..9].to_owned())),
        (2, "a cut tail cannot be noticed".to_owned(), remove("head")),
        (2, "newer".to_owned(), run("PRAGMA user_version = 2".into())),
        (1, "the journal is missing".to_owned(), remove("journal.db")),
        (1, format!("{log}: record 1 was altered"), change(&log, &|text| text.replacen("pid", "qid", 1))),
        (1, format!("{log}: the journal tells"), change(&log, &last_line)),
        (0, "note: baseline.json: it lacks the last".to_owned(), remove("baseline.json")),
    ] {
        let folder = place.path("damaged");
        let _ = fs::remove_dir_all(&folder);
        copy(&flown, &folder);
        damage(&folder);
        let before = state(&folder);
        let ran = verify(&place, &folder, &[]).await;
        assert_eq!(ran.code, Some(code), "{wanted}: {ran:?}");
        assert!(ran.out.contains(&wanted), "{wanted}: {}", ran.out);
        assert_eq!(state(&folder), before, "{wanted}: nothing of it changes");
    }
    for (path, wanted) in [(place.path("nowhere"), "there is no launch"), (place.path("home"), "is no launch")] {
        let ran = verify(&place, &path, &[]).await;
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.err.contains(wanted), "{ran:?}");
    }
}

fn rollback_of(folder: &Path) -> String {
    let inside = fs::read_dir(folder.join("rollback")).expect("reads").flatten();
    let run = inside.map(|entry| entry.path()).find(|path| path.is_dir()).expect("a rollback");
    run.file_name().expect("a name").to_string_lossy().into_owned()
}

/// A gate that nothing answers.
const RED: &str = r#"
[plan]
schema = 1
id = "red"
title = "Red"
environment = "test"

[clock]
start = "T-1h"

[[phase]]
id = "look"
title = "Look"
at = "T-1h"

[[phase.item]]
id = "up"
title = "It is up"
timeout = "2s"
[phase.item.http]
get = "http://127.0.0.1:1/"
expect = { status = 200 }
"#;

#[test]
fn a_reader_who_has_gone_turns_nothing_green() {
    let place = Place::new(&[]);
    let (folder, _) = notes(&place.path(""), 30);
    sql(folder.path(), &flipped(17));
    let unread = |arguments: &[&str]| {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut tminus = std::process::Command::new(env!("CARGO_BIN_EXE_tminus"));
        let ended = tminus.args(arguments).stdin(std::process::Stdio::null()).stdout(writer).output().expect("ran");
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    let at = folder.path().display().to_string();
    assert_eq!(unread(&["verify", &at]), (Some(1), String::new()));
    let plan = place.path("plan.toml");
    fs::write(&plan, RED).expect("written");
    assert_eq!(unread(&["gate", &plan.display().to_string()]).0, Some(2));
    // What these print is all they say.
    assert_eq!([unread(&["kinds"]).0, unread(&["keys"]).0], [Some(0), Some(0)]);
}

#[tokio::test]
async fn a_launch_that_is_flown_or_was_killed_is_whole_at_any_moment() {
    let place = Place::new(&[]);
    let folder = place.path("launch");
    let name = folder.display().to_string();
    let mut flying = place.start(&["rehearse", "--headless", "--launch", &name, "--fault", "stream-never-ends"]);
    let looking = async {
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
        while records(&folder).is_empty() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("it opens");
    let mut seen = Vec::new();
    for _ in 0..12 {
        let ran = verify(&place, &folder, &["--json"]).await;
        assert_eq!(ran.code, Some(0), "a false alarm: {ran:?}");
        let json: serde_json::Value = serde_json::from_str(&ran.out).expect("one document");
        assert_eq!((&json["held"], &json["holder"]["name"]), (&true.into(), &"ada".into()), "{json:#}");
        assert_eq!(json["epoch"], 1);
        seen.push(json["records"].as_u64());
    }
    assert!(seen.is_sorted(), "{seen:?}");
    flying.kill().await.expect("killed");
    let _ = ended(flying).await;
    assert!(fs::metadata(folder.join("journal.db-wal")).expect("there").len() > 0, "the dead writer's log");
    let before = state(&folder);
    let ran = verify(&place, &folder, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("nobody holds it"), "{}", ran.out);
    assert_eq!(state(&folder), before, "the log of the dead writer is read and left");

    let torn = records(&folder).len() as u64 + 1;
    sql(&folder, &format!("INSERT INTO records VALUES ({torn}, zeroblob(32), CAST('{{\"v\":1,' AS BLOB))"));
    let ran = verify(&place, &folder, &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains(&format!("record {torn}, the last, is damaged")), "{}", ran.out);
    let mut flying = place.start(&["rehearse", "--headless", "--launch", &name]);
    let cut = |record: &Recorded| matches!(&record.event, Event::Noted { text, .. } if text.contains("is damaged and is cut off"));
    let looking = async {
        // With one more behind it, the launch is open and has said so on standard error, too.
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
        while records(&folder).iter().rev().skip(1).all(|record| !cut(record)) {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("what was cut off is recorded");
    flying.kill().await.expect("killed");
    let ran = ended(flying).await;
    assert!(ran.err.contains(&format!("record {torn}, the last, is damaged and is cut off")), "{ran:?}");
    assert_eq!(verify(&place, &folder, &[]).await.code, Some(0));
}

#[tokio::test]
async fn a_broken_or_newer_journal_is_not_acted_on_and_read_as_far_as_it_goes() {
    let place = Place::new(&[]);
    let flown = place.path("flown");
    let ran = place.run(&["rehearse", "--headless", "--drill", "none", "--launch", &flown.display().to_string()]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for (wanted, damage) in [
        ("record 7", flipped(7)),
        ("record 7", "DELETE FROM records WHERE seq = 7".to_owned()),
        ("it can only be read", "DELETE FROM records WHERE seq > 6".to_owned()),
    ] {
        let folder = place.path("damaged");
        let _ = fs::remove_dir_all(&folder);
        copy(&flown, &folder);
        sql(&folder, &damage);
        let (name, before) = (folder.display().to_string(), state(&folder));
        let ran = place.run(&["rehearse", "--headless", "--launch", &name]).await;
        assert_eq!(ran.code, Some(3), "{ran:?}");
        for words in [wanted, "tminus verify", "tminus log", "tminus watch", "tminus rollback", &name] {
            assert!(ran.err.contains(words), "{words}: {}", ran.err);
        }
        let mut after = state(&folder);
        // The lock file holds the name of whoever came last.
        let unlocked = |state: &mut BTreeMap<PathBuf, _>| state.retain(|path, _| !path.ends_with("lock"));
        unlocked(&mut after);
        let mut before = before;
        unlocked(&mut before);
        after.retain(|path, _| before.contains_key(path));
        assert_eq!(after, before, "a refused opening changes nothing");
        let ran = place.run(&["log", &name]).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_eq!(ran.out.lines().count(), 6, "{}", ran.out);
        assert!(ran.err.contains("up to record 6") && ran.err.contains("tminus verify"), "{}", ran.err);
    }
    let ran = place.run(&["log", &flown.display().to_string()]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    sql(&flown, "PRAGMA user_version = 2");
    for command in [
        ["log", &flown.display().to_string()].as_slice(),
        &["rehearse", "--headless", "--launch", &flown.display().to_string()],
    ] {
        let ran = place.run(command).await;
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.err.contains("layout is version 2") && ran.err.contains("use a newer one"), "{}", ran.err);
    }
}

/// A launch of `count` notes, left in good order, and its records.
fn notes(root: &Path, count: u32) -> (LaunchFolder, Vec<Link>) {
    let folder = LaunchFolder::create(root.join("launch")).expect("made");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let holder = Holder::here("ada", "2026-01-02T03:04:05Z".parse().expect("a time"));
        let journal = open(&folder, Purpose::Act(holder)).expect("opens").journal.expect("to act");
        let now = |n| Now { instant: Instant(n), wall: "2026-01-02T03:04:05Z".parse().expect("a time") };
        let note = |n: u32| Event::noted(format!("note {n} {}", "x".repeat(n as usize % 90 * 5)));
        let drafts = (1..=count).map(|n| Draft::now(now(i64::from(n)), Actor::engine(), note(n))).collect();
        journal.append(drafts, Durable::Synced).await.expect("appends");
        journal.close().await;
    });
    let links = links(&folder).expect("reads");
    assert_eq!(links.len(), count as usize);
    (folder, links)
}

fn links(folder: &LaunchFolder) -> Option<Vec<Link>> {
    let mut all = Vec::new();
    let mut each = |link| {
        all.push(link);
        true
    };
    Sqlite::open_still(&folder.journal()).ok()?.read(&mut each).ok()?;
    Some(all)
}

#[test]
fn no_flipped_byte_of_the_database_makes_a_damaged_journal_whole() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, sound) = notes(place.path(), 120);
    let bytes = fs::read(folder.journal()).expect("reads");
    let (found, harmless) = (Cell::new(0), Cell::new(0));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(700));
    let flips = prop::collection::vec((0..bytes.len(), 1..=255u8), 1..4);
    let judged = runner.run(&flips, |flips| {
        let place = tempfile::tempdir().expect("a folder");
        let damaged = LaunchFolder::create(place.path().join("launch")).expect("made");
        fs::copy(folder.head(), damaged.head()).expect("copied");
        let mut bytes = bytes.clone();
        flips.iter().for_each(|(at, with)| bytes[*at] ^= with);
        fs::write(damaged.journal(), &bytes).expect("written");
        let seen = inspect(&damaged, &mut |_| {});
        let whole = seen.as_ref().is_ok_and(|seen| {
            seen.told.findings.is_empty()
                && seen.told.newer.is_empty()
                && seen.damage.is_empty()
                && seen.epoch.is_some()
        });
        let same = links(&damaged).is_some_and(|links| links == sound);
        prop_assert!(same || !whole, "{flips:?} passed: {seen:?}");
        let count = if whole { &harmless } else { &found };
        count.set(count.get() + 1);
        // Reading goes as far as it reads; acting is refused unless every record is there.
        let read = open(&damaged, Purpose::Read);
        let prefix = read.as_ref().map_or(0, |read| read.records.len());
        prop_assert!(prefix <= sound.len());
        let holder = Holder::here("ada", "2026-01-02T03:04:05Z".parse().expect("a time"));
        match open(&damaged, Purpose::Act(holder)) {
            Ok(opened) => prop_assert_eq!(opened.records.len(), sound.len(), "{:?} is acted on", flips),
            Err(OpenError::Lease(held)) => prop_assert!(false, "{held}"),
            Err(_) => {}
        }
        Ok(())
    });
    judged.expect("every flip is judged right");
    let (found, harmless) = (found.get(), harmless.get());
    assert!(found > 300 && harmless > 0, "{found} found, {harmless} harmless");
}
