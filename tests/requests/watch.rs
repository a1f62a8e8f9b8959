//! `tminus watch`: a second terminal on a launch that another console holds, on a real pseudo-terminal and
//! without one.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::Signal;
use tminus::launch::event::Event;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::binary::{PATIENCE, ended};
use super::{Held, is_hold, is_note, signal};

/// A terminal with `tminus watch` on it.
struct Seat {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    _master: Box<dyn MasterPty + Send>,
}

impl Seat {
    fn watch(held: &Held, cols: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tminus"));
        command.args(["watch", &held.folder.display().to_string(), "--as", "backend", "--name", "bob"]);
        command.env("HOME", held.place.path("home"));
        command.env("TERM", "xterm-256color");
        let child = pty.slave.spawn_command(command).expect("the program starts");
        drop(pty.slave);
        let mut from = pty.master.try_clone_reader().expect("a reader");
        let keys = pty.master.take_writer().expect("a writer");
        let (to, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count) = from.read(&mut chunk) {
                if count == 0 || to.send(chunk[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let lines = |count| NonZeroU16::new(count).expect("not zero");
        let screen = vt100::Parser::new(lines(rows), lines(cols), 0);
        Self { child, keys, output, screen, _master: pty.master }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the program reads");
        self.keys.flush().expect("the program reads");
    }

    /// Reads until the screen is as wanted.
    fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let began = tminus::clock::boot();
        loop {
            let shown = self.screen.screen().contents();
            if wanted(&shown) {
                return shown;
            }
            // What changes every second would never be waited for in vain.
            assert!(
                u128::try_from(tminus::clock::boot() - began).is_ok_and(|ms| ms < PATIENCE.as_millis()),
                "no {what} in\n{shown}"
            );
            match self.output.recv_timeout(PATIENCE) {
                Ok(chunk) => self.screen.process(&chunk),
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in\n{shown}"),
                Err(RecvTimeoutError::Disconnected) => panic!("ended before {what}:\n{shown}"),
            }
        }
    }

    fn sees(&mut self, wanted: &str) -> String {
        self.until(wanted, |shown| shown.contains(wanted))
    }

    fn ends(&mut self) -> u32 {
        while let Ok(chunk) = self.output.recv_timeout(PATIENCE) {
            self.screen.process(&chunk);
        }
        self.child.wait().expect("it ends").exit_code()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_shows_the_launch_asks_for_it_and_leaves_without_a_trace() {
    let held = Held::new(&[]).await;
    let mut seat = Seat::watch(&held, 80, 24);
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
    assert_eq!((note.actor.name.as_str(), note.event.clone()), ("bob", Event::Noted { text: "calm from here".into() }));
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
    let mut seat = Seat::watch(&held, 120, 36);
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
