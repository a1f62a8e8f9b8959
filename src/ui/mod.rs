//! The console: draws snapshots, turns keys into commands. It knows the launch's types and the port,
//! and nothing of the engine, the journal or the kinds; the board is never changed here.

pub mod action;
pub mod approving;
pub mod attached;
pub mod bell;
pub mod console;
pub mod dialog;
pub mod firing;
pub mod frame;
pub mod keymap;
pub mod layout;
pub mod overlays;
pub mod panes;
pub mod possible;
pub mod ready;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod voting;
pub mod watched;
pub mod widgets;

use std::future::poll_fn;
use std::io::{self, Write as _};
use std::task::Poll;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use ratatui::backend::Backend;
use ratatui::crossterm::clipboard::CopyToClipboard;
use ratatui::crossterm::event::{Event, EventStream};
use ratatui::crossterm::execute;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::launch::command::{Command, Refusal};
use crate::launch::event::Actor;
use crate::launch::port::{Ask, Port, ROLLBACK_WITHIN};

pub use console::{Console, Setup};
use state::Effect;
use theme::Role;

/// The shortest time between two frames that data asks for; a key draws at once.
const FRAME: Duration = Duration::from_millis(33);
/// How long the loop may take to write down that the console left.
const FAREWELL: Duration = Duration::from_millis(250);

/// What goes to the terminal beside the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out<'t> {
    /// Into its clipboard.
    Copy(&'t str),
    Bell,
}

/// Why the console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// By a key.
    Quit,
    /// By SIGTERM, SIGHUP or SIGINT: its number.
    Signal(i32),
    /// The terminal has gone.
    Hangup,
    /// The loop has ended.
    Closed,
}

/// Why the console could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to take over the terminal")]
    Terminal(#[source] io::Error),
    #[error("failed to draw")]
    Draw(#[source] io::Error),
    #[error("failed to listen for signals")]
    Signals(#[source] io::Error),
}

/// Runs the console on this process's terminal until it is left. The loop has been told
/// (`Command::Leave`) when this answers, unless it has ended itself. `drawn` is called once the first
/// frame is on the screen.
///
/// # Errors
/// The terminal's own; it is given back in any case.
pub async fn run(port: Port, setup: Setup, drawn: impl FnOnce()) -> Result<Leave, Error> {
    // Before the terminal is ours: no signal may end the process while it is.
    let signals = Signals::new().map_err(Error::Signals)?;
    let taken = terminal::Taken::new().map_err(Error::Terminal)?;
    let screen = taken.screen().map_err(Error::Terminal)?;
    let mut port = port;
    let first = port.snapshots.borrow_and_update().clone();
    let mut console = Console::new(screen, setup, first);
    console.draw().map_err(Error::Draw)?;
    drawn();
    let left = drive(&mut console, &mut port, EventStream::new(), signals.next(), put).await.map_err(Error::Draw);
    if !matches!(left, Ok(Leave::Closed)) {
        let _ = tokio::time::timeout(FAREWELL, ask(&port, None, Command::Leave)).await;
    }
    drop(taken);
    left
}

/// Draws and listens until the console is left: the loop of [`run`] over any backend and any keys.
///
/// # Errors
/// The backend's own.
pub async fn drive<B: Backend>(
    console: &mut Console<B>,
    port: &mut Port,
    mut events: impl Stream<Item = io::Result<Event>> + Unpin,
    signalled: impl Future<Output = i32>,
    mut put: impl FnMut(Out<'_>) -> io::Result<()>,
) -> Result<Leave, B::Error> {
    let mut signalled = std::pin::pin!(signalled);
    let mut answers = FuturesUnordered::new();
    let mut drawn = Instant::now();
    loop {
        console.tick();
        let second = Instant::now() + Duration::from_millis(console.next_second());
        let frame = if console.is_dirty() { drawn + FRAME } else { second };
        let mut at_once = false;
        tokio::select! {
            biased;
            number = &mut signalled => return Ok(Leave::Signal(number)),
            event = events.next() => {
                let mut next = Some(event);
                // A held key or a paste comes as many events: one frame is enough for those that wait.
                while let Some(event) = next {
                    let Some(Ok(event)) = event else { return Ok(Leave::Hangup) };
                    match take(console, event, &mut put) {
                        Some(Effect::Leave) => return Ok(Leave::Quit),
                        Some(Effect::Ask(command)) => {
                            let by = console.state().acting.clone();
                            answers.push(asked(port, by, command, console.silent().is_some()));
                        }
                        Some(Effect::AskAs(by, command)) => {
                            answers.push(asked(port, Some(by), command, console.silent().is_some()));
                        }
                        _ => {}
                    }
                    next = at_hand(&mut events).await;
                }
                at_once = true;
            }
            Some(answer) = answers.next() => match answer {
                Ok(Some(words)) => console.say(Role::Warned, &words),
                Ok(None) => console.answer(Ok(())),
                Err(refusal) => console.answer(Err(refusal)),
            },
            changed = port.snapshots.changed() => {
                if changed.is_err() {
                    return Ok(Leave::Closed);
                }
                let snapshot = port.snapshots.borrow_and_update().clone();
                console.take(snapshot);
            }
            () = sleep_until(frame) => {}
        }
        if console.rings() {
            // A terminal without a bell still shows the band.
            let _ = put(Out::Bell);
        }
        console.tick();
        if console.is_dirty() && (at_once || drawn.elapsed() >= FRAME) {
            console.draw()?;
            drawn = Instant::now();
        }
    }
}

/// The next event where one waits already. Asked as the loop itself asks: a stream of keys wakes whoever found it
/// empty first, and a waker of nobody's would let the next key lie until the second turns.
async fn at_hand<T>(mut events: impl Stream<Item = T> + Unpin) -> Option<Option<T>> {
    poll_fn(|cx| match events.poll_next_unpin(cx) {
        Poll::Ready(event) => Poll::Ready(Some(event)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Gives one event to the console; what it wants copied is copied here.
fn take<B: Backend>(
    console: &mut Console<B>,
    event: Event,
    put: &mut impl FnMut(Out<'_>) -> io::Result<()>,
) -> Option<Effect> {
    match event {
        Event::Key(key) => match console.press(key)? {
            Effect::Copy(text) => {
                match put(Out::Copy(&text)) {
                    Ok(()) => console.say(Role::Passed, "copied"),
                    Err(wrong) => console.say(Role::Failed, &format!("not copied: {wrong}")),
                }
                return None;
            }
            effect => return Some(effect),
        },
        Event::Paste(text) => console.paste(&text),
        Event::Resize(..) => console.resized(),
        _ => {}
    }
    None
}

/// Asks the loop, and waits for its answer without holding the console up.
fn ask(
    port: &Port,
    by: Option<Actor>,
    command: Command,
) -> impl Future<Output = Result<(), Refusal>> + 'static + use<> {
    let asks = port.asks.clone();
    async move {
        let gone = || Refusal("the launch's loop does not answer any more".into());
        let (reply, answer) = oneshot::channel();
        asks.send(Ask { by, command, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// As [`ask`]. A rollback waits for no loop that does not answer: it is begun by plain files, and that is what is
/// said. `silent` is where the loop is known not to answer.
fn asked(
    port: &Port,
    by: Option<Actor>,
    command: Command,
    silent: bool,
) -> impl Future<Output = Result<Option<String>, Refusal>> + 'static + use<> {
    let by_files = match &command {
        Command::Rollback { rollback, why } => {
            port.by_files.clone().map(|begin| (begin, rollback.clone(), why.clone()))
        }
        _ => None,
    };
    let asking = ask(port, by, command);
    async move {
        let Some((begin, rollback, why)) = by_files else { return asking.await.map(|()| None) };
        // Given up, the loop does not take it any more should it come to itself.
        let answer = if silent { None } else { tokio::time::timeout(ROLLBACK_WITHIN, asking).await.ok() };
        if let Some(answer) = answer {
            return answer.map(|()| None);
        }
        let begun = tokio::task::spawn_blocking(move || (begin.0)(&rollback, &why)).await;
        begun
            .unwrap_or_else(|_| Err(Refusal("failed to begin the rollback: `tminus rollback` in a shell does".into())))
            .map(Some)
    }
}

fn put(what: Out<'_>) -> io::Result<()> {
    let mut out = io::stdout();
    match what {
        Out::Copy(text) => execute!(out, CopyToClipboard::to_clipboard_from(text))?,
        Out::Bell => out.write_all(b"\x07")?,
    }
    out.flush()
}

/// The signals that end a console.
struct Signals([(i32, Signal); 3]);

impl Signals {
    fn new() -> io::Result<Self> {
        let of = |kind: SignalKind| Ok::<_, io::Error>((kind.as_raw_value(), signal(kind)?));
        Ok(Self([of(SignalKind::terminate())?, of(SignalKind::hangup())?, of(SignalKind::interrupt())?]))
    }

    /// The number of the next one.
    async fn next(self) -> i32 {
        let Self([(term, mut on_term), (hup, mut on_hup), (int, mut on_int)]) = self;
        tokio::select! {
            _ = on_term.recv() => term,
            _ = on_hup.recv() => hup,
            _ = on_int.recv() => int,
        }
    }
}
