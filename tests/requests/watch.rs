//! `tminus watch`: a second terminal on a launch that another console holds, on a real pseudo-terminal and
//! without one.

use rustix::process::Signal;
use tminus::launch::event::Event;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{Held, is_hold, is_note};
use crate::binary::{PATIENCE, ended, signal};
use crate::pty::{Seat, WIDE};

/// A terminal with `tminus watch` on it.
pub fn watch(held: &Held, size: (u16, u16)) -> Seat {
    let folder = held.folder.display().to_string();
    let arguments = ["watch", &folder, "--as", "backend", "--name", "bob"];
    Seat::start(&held.place.path("home"), &arguments, &[], size)
}

#[tokio::test]
async fn it_shows_the_launch_asks_for_it_and_leaves_without_a_trace() {
    let held = Held::new(&[]).await;
    let mut seat = watch(&held, (80, 24));
    let shown = seat.until("the launch", |shown| shown.contains("ATTACHED") && shown.contains("counting"));
    assert!(shown.contains("watching as bob · Backend lead"), "{shown}");
    seat.press("n");
    seat.sees("Note");
    seat.press("calm from here\r");
    seat.sees("accepted");
    seat.press("p");
    seat.press("the pager rings\r");
    seat.sees("HOLD · backend: the pager rings");
    let [note] = &held.told(is_note)[..] else { panic!("one note") };
    assert_eq!((note.actor.name.as_str(), note.event.clone()), ("bob", Event::noted("calm from here")));
    assert_eq!(held.told(is_hold).len(), 1);
    // Something runs; it is not this console's to ask about.
    seat.press("q");
    assert_eq!(seat.ends(), 0);
    let left = |event: &Event| matches!(event, Event::ConsoleLeft | Event::ConsoleReturned { .. });
    assert_eq!(held.told(left), Vec::new());
}

#[tokio::test]
async fn a_holder_that_is_silent_or_gone_is_told_and_t_stands() {
    let mut held = Held::new(&[]).await;
    let mut seat = watch(&held, WIDE);
    seat.sees("counting");
    signal(&held.holder, Signal::STOP);
    let shown = seat.sees("the operator's console is silent for");
    assert!(shown.contains("ana, process") && shown.contains("last known") && !shown.contains("counting"), "{shown}");
    signal(&held.holder, Signal::CONT);
    // It had not watched meanwhile, and holds.
    seat.until("the holder again", |shown| !shown.contains("silent for") && shown.contains("HOLDING"));
    let _ = held.holder.kill().await;
    let shown = seat.sees("nobody holds this launch since");
    assert!(shown.contains("last known"), "{shown}");
    seat.press("p");
    seat.press("stop\r");
    seat.sees("nobody is there to decide it");
    held.go_on().await;
    seat.until("the next console", |shown| !shown.contains("nobody holds this launch since"));
    seat.press("q");
    assert_eq!(seat.ends(), 0);
    assert_eq!(held.told(is_hold), Vec::new(), "what nobody decided never happened");
}

#[tokio::test]
async fn without_a_terminal_it_prints_what_is_recorded_until_it_is_interrupted() {
    let held = Held::new(&[]).await;
    let folder = held.folder.display().to_string();
    let mut watching = held.place.start(&["watch", &folder]);
    let mut lines = BufReader::new(watching.stdout.take().expect("an output")).lines();
    let mut next = async || tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("read");
    let first = next().await.expect("a line");
    assert!(first.contains("launch of one-step opened by ana"), "{first}");
    assert_eq!(held.ask("note", &["from afar", "--name", "cy"]).await.code, Some(0));
    loop {
        let line = next().await.expect("the note");
        if line.contains("note by cy: from afar") {
            break;
        }
    }
    signal(&watching, Signal::INT);
    assert_eq!(ended(watching).await.code, Some(130));
}
