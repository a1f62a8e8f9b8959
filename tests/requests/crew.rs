//! A scribe's times and amendments, a choice and a waiver, asked from another terminal.

use chrono::TimeDelta;
use tminus::launch::event::Event;

use super::{Held, PLAN, until};

/// The step that stands, a choice with a branch each, and a check that nobody answers.
fn plan() -> String {
    let of = |id: &str, is: &str| {
        format!("\n[[phase.item]]\nid = \"{id}\"\nwhen = {{ choice = \"mode\", is = \"{is}\" }}\nmanual = {{}}\n")
    };
    let choice = "\n[[phase.item]]\nid = \"mode\"\nchoice = { role = \"backend\", options = [{ id = \"named\" }, { id = \"quick\" }] }\n";
    let red =
        "\n[[phase.item]]\nid = \"red\"\n[phase.item.http]\nget = \"http://127.0.0.1:1/\"\nexpect = { status = 200 }\n";
    [PLAN, choice, &of("token", "named"), &of("link", "quick"), red].concat()
}

#[tokio::test]
async fn a_note_tells_when_it_happened_and_corrects_another() {
    let held = Held::new(&[]).await;
    let said = (tminus::clock::wall() - TimeDelta::minutes(3)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ran = held.ask("note", &["--name", "bob", "--at", &said, "the page went red"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = held.ask("note", &["--name", "bob", "2m", "ago", "and", "green"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let notes = held.told(|event| matches!(event, Event::Noted { .. }));
    let [red, green] = notes.as_slice() else { panic!("two notes: {notes:?}") };
    assert_eq!(red.occurred_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(), said);
    assert_eq!(green.event, Event::noted("and green"));
    let ago = (green.recorded_at - green.occurred_at).num_seconds();
    assert!((119..180).contains(&ago), "{ago}");

    // The number that its asker was told is that of the answer.
    let (seq, answer) = (red.seq.to_string(), (red.seq + 1).to_string());
    let ran = held.ask("note", &["--name", "bob", "--amends", &answer, "the page went amber"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let amended = held.told(|event| matches!(event, Event::Noted { amends: Some(_), .. }));
    assert_eq!((amended[0].occurred_at, amended.len()), (red.occurred_at, 1), "it happened when the note says");
    let ran = held.ask("note", &["--name", "bob", "--amends", "1", "no"]).await;
    assert!(ran.code == Some(1) && ran.err.contains("record #1 is no note"), "{ran:?}");
    let soon = (tminus::clock::wall() + TimeDelta::hours(2)).to_rfc3339();
    let ran = held.ask("note", &["--name", "bob", "--at", &soon, "later"]).await;
    assert!(ran.code == Some(3) && ran.err.contains("has not come yet"), "{ran:?}");
    let ran = held.ask("note", &["--name", "bob", "--at", "T-5m", "later"]).await;
    assert!(ran.code == Some(3) && ran.err.contains("T-5m has not come yet"), "{ran:?}");
    let log = held.ask("log", &[]).await.out;
    assert!(log.contains("(written ") && log.contains(&format!("AMENDS #{seq}: the page went amber")), "{log}");
}

#[tokio::test]
async fn a_note_asked_while_nobody_holds_the_launch_keeps_its_time() {
    let mut held = Held::new(&[]).await;
    held.holder.kill().await.expect("killed");
    let ran = held.ask("note", &["--name", "bob", "10m ago it went dark"]).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    held.go_on().await;
    until(&held.folder, |record| record.event == Event::noted("it went dark")).await;
    let note = held.told(|event| *event == Event::noted("it went dark")).remove(0);
    assert!((note.recorded_at - note.occurred_at).num_seconds() >= 600, "{note:?}");
}

#[tokio::test]
async fn a_role_chooses_and_waives_and_nobody_else_does() {
    let held = Held::of(&[], &plan()).await;
    let plain = |ran: &super::Ran| (ran.code, ran.err.clone());
    let ran = held.ask("choose", &["mode", "named", "partners"]).await;
    assert!(ran.code == Some(3) && ran.err.contains("--as ROLE"), "{ran:?}");
    let ran = held.ask("choose", &["mode", "nmed", "--as", "backend", "--name", "bob", "partners"]).await;
    assert!(ran.code == Some(3) && ran.err.contains("did you mean `named`?"), "{ran:?}");
    let ran = held.ask("choose", &["mode", "named", "--as", "frontend", "--name", "bob", "partners"]).await;
    assert_eq!(plain(&ran), (Some(1), "tminus: refused: mode is chosen by backend\n".into()));
    let ran = held.ask("choose", &["mode", "named", "--as", "backend", "--name", "bob", "partners", "come back"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    until(&held.folder, |record| matches!(&record.event, Event::PassedOver { item, .. } if item.as_str() == "link"))
        .await;

    until(&held.folder, |record| matches!(&record.event, Event::ItemEnded { item, .. } if item.as_str() == "red"))
        .await;
    let ran = held.ask("waive", &["red", "--for", "0s", "--as", "backend", "--name", "bob", "known"]).await;
    assert!(ran.code == Some(1) && ran.err.contains("for some time"), "{ran:?}");
    let ran = held.ask("waive", &["red", "--for", "2h", "--as", "frontend", "--name", "bob", "known"]).await;
    assert!(ran.code == Some(1) && ran.err.contains("may not waive"), "{ran:?}");
    let ran = held.ask("waive", &["red", "--for", "2h", "--as", "backend", "--name", "bob", "known"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let waived = held.told(|event| matches!(event, Event::Waived { .. })).remove(0);
    let Event::Waived { until: Some(until), .. } = waived.event else { panic!("it ends") };
    assert_eq!(until.0 - waived.at.0, 7_200_000);
    let log = held.ask("log", &[]).await.out;
    assert!(log.contains("mode: named CHOSEN") && log.contains("red WAIVED by bob (backend) for 2h: known"), "{log}");
}
