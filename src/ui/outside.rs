//! What goes to the terminal beside the frames, and what comes beside its keys: clipboard, bell, notices, the way
//! through tmux, signals, and the stop and return of the whole process.

use std::io::{self, Write as _};
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;

use ratatui::crossterm::clipboard::CopyToClipboard;
use ratatui::crossterm::event::Event;
use ratatui::crossterm::execute;
use rustix::process::{Signal as Stop, kill_current_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use super::look::{self, Notify};
use super::terminal::{self, Taken};
use crate::base::secret::covered;
use crate::base::text::{cut, printable};

/// How long tmux may take for anything.
const TMUX: Duration = Duration::from_secs(2);
/// Columns of a notice: desktops cut them anyway.
const NOTICE: usize = 160;

/// What goes to the terminal beside the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out<'t> {
    /// Into its clipboard.
    Copy(&'t str),
    Bell,
    /// To the desktop it stands on: a title and a text.
    Notice(&'t str, &'t str),
    /// The terminal is given back, with these words, and the process stops.
    Suspend(&'t str),
    /// The terminal is taken once more.
    Again,
}

/// What comes to a console that is driven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Terminal(Event),
    /// SIGCONT: it may have stood still, and somebody else had the terminal.
    Continued,
}

impl From<Event> for Input {
    fn from(event: Event) -> Self {
        Self::Terminal(event)
    }
}

/// Does it, on this process's terminal.
///
/// # Errors
/// The terminal's own.
pub fn put(what: Out<'_>, asks: look::Terminal, taken: &Taken) -> io::Result<()> {
    let mut out = io::stdout();
    match what {
        Out::Copy(text) => execute!(out, CopyToClipboard::to_clipboard_from(text))?,
        Out::Bell if asks.bell => out.write_all(b"\x07")?,
        Out::Bell => {}
        Out::Notice(title, text) => {
            if let Some(sequence) = notice(asks.notify, asks.tmux, title, text) {
                out.write_all(&sequence)?;
            }
        }
        Out::Suspend(words) => {
            terminal::restore();
            writeln!(out, "{}", printable(words))?;
            out.flush()?;
            // All of the job, as the key would do by itself: a program that started us waits with us.
            kill_current_process_group(Stop::TSTP)?;
        }
        Out::Again => taken.again()?,
    }
    out.flush()
}

/// The sequence by which a terminal notifies. Nothing of the text steers: it has no control characters, begins with
/// no number (which would be another command), and its parts are the two we give it.
fn notice(how: Notify, tmux: bool, title: &str, text: &str) -> Option<Vec<u8>> {
    let clean = |text: &str| cut(&printable(&covered(text)), NOTICE).replace(';', ",");
    let (title, text) = (clean(title), clean(text));
    let sequence = match how {
        Notify::Off => return None,
        Notify::Osc9 => format!("\x1b]9;tminus: {title}: {text}\x07"),
        Notify::Osc777 => format!("\x1b]777;notify;tminus: {title};{text}\x07"),
    };
    Some(if tmux { through(&sequence) } else { sequence.into_bytes() })
}

/// Past tmux to the terminal it is on; tmux does that where `allow-passthrough` is on.
fn through(sequence: &str) -> Vec<u8> {
    format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")).into_bytes()
}

/// Whether tmux passes sequences on to its terminal.
pub async fn tmux_passes() -> bool {
    let mut asking = Command::new("tmux");
    let asking = asking.args(["show-options", "-Apv", "allow-passthrough"]).stdin(Stdio::null()).kill_on_drop(true);
    let told = timeout(TMUX, asking.output()).await;
    told.is_ok_and(|told| told.is_ok_and(|told| matches!(told.stdout.trim_ascii(), b"on" | b"all")))
}

/// Copies into a buffer of tmux, which sets the clipboard of its terminal: unless told to, it drops what programs
/// send to the clipboard themselves, and says nothing.
///
/// # Errors
/// tmux did not do it.
pub async fn tmux_copy(text: String) -> io::Result<()> {
    let copying = async {
        let mut tmux = Command::new("tmux")
            .args(["load-buffer", "-w", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut input) = tmux.stdin.take() {
            input.write_all(text.as_bytes()).await?;
        }
        let told = tmux.wait_with_output().await?;
        match told.status.success() {
            true => Ok(()),
            false => Err(io::Error::other(String::from_utf8_lossy(&told.stderr).trim().to_owned())),
        }
    };
    timeout(TMUX, copying).await.unwrap_or_else(|_| Err(io::Error::other("tmux does not answer")))
}

/// The signals that end a console.
pub struct Signals([(i32, Signal); 3]);

impl Signals {
    /// # Errors
    /// They cannot be listened for.
    pub fn new() -> io::Result<Self> {
        let of = |kind: SignalKind| Ok::<_, io::Error>((kind.as_raw_value(), signal(kind)?));
        Ok(Self([of(SignalKind::terminate())?, of(SignalKind::hangup())?, of(SignalKind::interrupt())?]))
    }

    /// The number of the next one.
    pub async fn next(self) -> i32 {
        let Self([(term, mut on_term), (hup, mut on_hup), (int, mut on_int)]) = self;
        tokio::select! {
            _ = on_term.recv() => term,
            _ = on_hup.recv() => hup,
            _ = on_int.recv() => int,
        }
    }
}

/// The signal that lets a stopped process go on.
pub struct Continued(Signal);

impl Continued {
    /// # Errors
    /// It cannot be listened for.
    pub fn new() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::from_raw(Stop::CONT.as_raw()))?))
    }

    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Input>>> {
        self.0.poll_recv(cx).map(|came| came.map(|()| Ok(Input::Continued)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_notice_says_what_rings_in_the_way_the_terminal_knows() {
        let told =
            |how, tmux| notice(how, tmux, "OmniAI", "INCIDENT 1").map(|raw| String::from_utf8_lossy(&raw).into_owned());
        assert_eq!(told(Notify::Off, false), None);
        assert_eq!(told(Notify::Osc9, false).as_deref(), Some("\x1b]9;tminus: OmniAI: INCIDENT 1\x07"));
        assert_eq!(told(Notify::Osc777, false).as_deref(), Some("\x1b]777;notify;tminus: OmniAI;INCIDENT 1\x07"));
        let through = "\x1bPtmux;\x1b\x1b]9;tminus: OmniAI: INCIDENT 1\x07\x1b\\";
        assert_eq!(told(Notify::Osc9, true).as_deref(), Some(through));
    }

    proptest! {
        #[test]
        fn nothing_of_outside_text_steers_in_a_notice(title in "\\PC*|[\\x00-\\x9f;4]*", text in "\\PC*|[\\x00-\\x9f;\\\\\\]]*") {
            for how in [Notify::Osc9, Notify::Osc777] {
                let told = notice(how, false, &title, &text).expect("a notice");
                let told = String::from_utf8(told).expect("text");
                let inner = told.strip_prefix("\x1b]").and_then(|rest| rest.strip_suffix('\x07')).expect("one sequence");
                prop_assert!(!inner.chars().any(char::is_control), "{inner:?}");
                prop_assert_eq!(inner.matches(';').count(), if how == Notify::Osc9 { 1 } else { 3 });
            }
        }
    }
}
