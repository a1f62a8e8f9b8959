//! An attached console sees what the operator's sees, soon: records, samples, lines of streams. Where nobody tells
//! it, it says since when.

use std::fs::OpenOptions;
use std::io::Write as _;

use tminus::clock;
use tminus::engine::inbox::ask;
use tminus::launch::command::Command;
use tminus::launch::event::Event;

use super::watch::watch;
use super::{Held, PLAN};
use crate::pty::{Seat, WIDE};
use crate::wait::comes;

/// The promise: so many milliseconds behind.
const BEHIND: i64 = 250;
const NARROW: (u16, u16) = (80, 24);

/// The step that stands, a monitor of a file, and the lines of another.
pub fn plan() -> String {
    let monitor =
        "\n[[monitor]]\nid = \"disk\"\ntitle = \"The file\"\nevery = \"200ms\"\nfile = { path = \"app.log\" }\n";
    let stream = "\n[[stream]]\nid = \"app\"\ntitle = \"Application\"\nlog = \"app.log\"\n";
    [PLAN, monitor, stream].concat()
}

/// The launch with its lines, and what appends one.
async fn held() -> (Held, impl Fn(&str)) {
    let held = Held::of(&[], &plan()).await;
    let path = held.place.path("app.log");
    let say = move |line: &str| {
        let mut file = OpenOptions::new().create(true).append(true).open(&path).expect("opened");
        writeln!(file, "{line}").expect("written");
    };
    say("the first");
    (held, say)
}

/// Says `words` until they are shown: what was there when the stream was opened is not told.
fn says(seat: &mut Seat, say: &impl Fn(&str), words: &str) -> String {
    say(words);
    seat.sees(words)
}

#[tokio::test]
async fn a_record_is_on_its_screen_soon() {
    let held = Held::new(&[]).await;
    let mut seat = watch(&held, WIDE);
    seat.sees("counting");
    let mut seen = Vec::new();
    for turn in 0..15 {
        let words = format!("mark-{turn:02}");
        let request = ask::request("bob", None, Command::note(words.clone())).expect("a request");
        ask::submit(&held.inbox(), &request).expect("submitted");
        seat.sees(&words);
        seen.push((words, clock::wall()));
    }
    let notes = held.told(|event| matches!(event, Event::Noted { .. }));
    let mut late: Vec<i64> = seen
        .into_iter()
        .map(|(words, at)| {
            let note = notes.iter().find(|note| note.event == Event::noted(words.clone())).expect("recorded");
            (at - note.recorded_at).num_milliseconds()
        })
        .collect();
    late.sort_unstable();
    // A machine that is busy with other tests keeps some of them: one that looks once a second has none in time.
    assert!(late[late.len() / 3] <= BEHIND, "milliseconds behind: {late:?}");
}

#[tokio::test]
async fn samples_and_lines_are_seen_at_two_sizes_and_one_that_leaves_takes_nothing_along() {
    let (held, say) = held().await;
    let (mut wide, mut narrow) = (watch(&held, WIDE), watch(&held, NARROW));
    narrow.sees("counting");
    // There is room for two panes: the monitors are behind the others.
    while !narrow.shown().contains("Monitors") {
        narrow.press("\t");
        narrow.rests();
    }
    for seat in [&mut wide, &mut narrow] {
        let shown = seat.until("samples", |shown| shown.contains("oldest 0s"));
        assert!(shown.contains("ATTACHED") && !shown.contains("at the operator's"), "{shown}");
    }
    say("level=info it-works \u{1b}[31mred");
    let shown = wide.sees("it-works");
    assert!(shown.contains("p50"), "{shown}");
    assert!(!wide.wrote("\u{1b}[31mred"), "what comes from outside steers nothing");
    // Each has its own cursor and panes.
    narrow.press("?");
    narrow.sees("Esc closes");
    assert!(!wide.shown().contains("Esc closes"));
    narrow.press("\x1b");
    wide.press("q");
    assert_eq!(wide.ends(), 0);
    std::fs::remove_file(held.place.path("app.log")).expect("removed");
    narrow.until("the failure", |shown| shown.contains("✗ The file") && shown.contains("oldest 0s"));
    narrow.press("q");
    assert_eq!(narrow.ends(), 0);
}

#[tokio::test]
async fn samples_of_a_console_that_is_gone_grow_old_and_are_no_health() {
    let (mut held, say) = held().await;
    let mut seat = watch(&held, WIDE);
    seat.until("samples", |shown| shown.contains("oldest 0s") && shown.contains("✓ The file"));
    says(&mut seat, &say, "the last line");
    let _ = held.holder.kill().await;
    let shown = seat.until("their end", |shown| shown.contains("no samples since") && !shown.contains("✓ The file"));
    assert!(shown.contains("the last line") && shown.contains("not heard since"), "{shown}");
    assert!(!shown.contains("✓ open") && !shown.contains("at the operator's"), "{shown}");
    // Their age counts on, though T stands.
    seat.until("an age", |shown| shown.contains("nobody holds this launch") && shown.contains(", 3s"));
    held.go_on().await;
    seat.until("the next console", |shown| shown.contains("oldest 0s") && shown.contains("✓ The file"));
    let socket = held.folder.join("console.sock");
    assert!(socket.exists());
    crate::binary::signal(&held.holder, rustix::process::Signal::TERM);
    comes("nothing left of it", || !socket.exists()).await;
}
