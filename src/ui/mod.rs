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
pub mod leaving;
pub mod look;
pub mod mouse;
pub mod outside;
pub mod overlays;
pub mod panes;
mod pick;
pub mod possible;
pub mod ready;
pub mod replaying;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod voting;
pub mod waits;
pub mod watched;
pub mod widgets;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::{self, FuturesUnordered, StreamExt as _};
use ratatui::backend::Backend;
use ratatui::crossterm::event::{Event, EventStream};
use ratatui::crossterm::style::force_color_output;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::launch::command::{Command, Refusal};
use crate::launch::event::Actor;
use crate::launch::port::{Ask, Port, ROLLBACK_WITHIN};

pub use console::{Console, Setup};
use look::Notify;
use outside::{Continued, Signals};
pub use outside::{Input, Out};
use state::Effect;
use theme::Role;

/// The shortest time between two frames that data asks for; a key draws at once.
const FRAME: Duration = Duration::from_millis(33);
/// How long the loop may take to write down that the console left.
const FAREWELL: Duration = Duration::from_millis(250);
/// How long a process that was told to stop may take to; one that nobody waits for is not stopped at all.
const STOPS: Duration = Duration::from_millis(300);

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
    let mut continued = Continued::new().map_err(Error::Signals)?;
    // Who chose a theme chose it over `NO_COLOR`, which the terminal's own library obeys too.
    force_color_output(setup.theme.has_colour());
    let asks = setup.terminal;
    let taken = terminal::Taken::new(asks.mouse).map_err(Error::Terminal)?;
    let screen = taken.screen().map_err(Error::Terminal)?;
    let mut port = port;
    let first = port.snapshots.borrow_and_update().clone();
    let mut console = Console::new(screen, setup, first);
    console.draw().map_err(Error::Draw)?;
    drawn();
    if asks.tmux && asks.notify != Notify::Off && !outside::tmux_passes().await {
        console
            .say(Role::Warned, "no notices: tmux passes none on to its terminal before `set -g allow-passthrough on`");
    }
    // A terminal that has gone is told as an error: the signal's stream never ends.
    let gone = || stream::iter([Err(io::Error::other("the terminal has gone"))]);
    let events = EventStream::new().map(|event| event.map(Input::Terminal)).chain(gone());
    let events = stream::select(events, stream::poll_fn(move |cx| continued.poll(cx)));
    let put = |what: Out<'_>| outside::put(what, asks, &taken);
    let left = drive(&mut console, &mut port, events, signals.next(), put).await.map_err(Error::Draw);
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
pub async fn drive<B: Backend, E: Into<Input>>(
    console: &mut Console<B>,
    port: &mut Port,
    mut events: impl Stream<Item = io::Result<E>> + Unpin,
    signalled: impl Future<Output = i32>,
    mut put: impl FnMut(Out<'_>) -> io::Result<()>,
) -> Result<Leave, B::Error> {
    let mut signalled = std::pin::pin!(signalled);
    let mut answers: FuturesUnordered<Pin<Box<dyn Future<Output = Answer>>>> = FuturesUnordered::new();
    let mut drawn = Instant::now();
    // Until when the process should have stopped, while the terminal is not ours.
    let mut stops: Option<Instant> = None;
    loop {
        console.tick();
        let second = Instant::now() + Duration::from_millis(console.next_second());
        let frame = stops.unwrap_or(if console.is_dirty() { drawn + FRAME } else { second });
        let mut at_once = false;
        let mut back = None;
        tokio::select! {
            biased;
            number = &mut signalled => return Ok(Leave::Signal(number)),
            event = events.next() => {
                let mut next = Some(event);
                // A held key or a paste comes as many events: one frame is enough for those that wait.
                while let Some(event) = next {
                    let Some(Ok(event)) = event else { return Ok(Leave::Hangup) };
                    match event.into() {
                        Input::Continued => back = Some(true),
                        Input::Terminal(_) if stops.is_some() => {}
                        Input::Terminal(event) => match take(console, event) {
                            Some(Effect::Leave) => return Ok(Leave::Quit),
                            Some(Effect::Ask(command)) => {
                                let by = console.state().acting.clone();
                                answers.push(Box::pin(asked(port, by, command, console.silent().is_some())));
                            }
                            Some(Effect::AskAs(by, command)) => {
                                answers.push(Box::pin(asked(port, Some(by), command, console.silent().is_some())));
                            }
                            Some(Effect::Replay(wish)) => {
                                // One that is gone closes the snapshots, too.
                                let _ = port.wishes.as_ref().map(|wishes| wishes.send(wish));
                            }
                            Some(Effect::Copy(text)) if console.asks().tmux => {
                                answers.push(Box::pin(copied(text)));
                            }
                            Some(Effect::Copy(text)) => copy(console, &text, &mut put),
                            Some(Effect::Suspend { note }) => {
                                if let Some(note) = note {
                                    // Whoever watches reads why nothing comes; nobody waits for a loop that hangs.
                                    let by = console.state().acting.clone();
                                    let _ = tokio::time::timeout(FAREWELL, ask(port, by, Command::note(note))).await;
                                }
                                console.looked();
                                match put(Out::Suspend(SUSPENDED)) {
                                    Ok(()) => stops = Some(Instant::now() + STOPS),
                                    Err(wrong) => console.say(Role::Failed, &format!("not suspended: {wrong}")),
                                }
                            }
                            None => {}
                        },
                    }
                    next = at_hand(&mut events).await;
                }
                at_once = true;
            }
            Some(answer) = answers.next() => match answer {
                Answer::Asked(Ok(Some(words))) => console.say(Role::Warned, &words),
                Answer::Asked(Ok(None)) => console.answer(Ok(())),
                Answer::Asked(Err(refusal)) => console.answer(Err(refusal)),
                Answer::Copied(_, Ok(())) => console.say(Role::Passed, "copied, to tmux's buffer and its terminal's clipboard"),
                // A tmux of before 3.2: it may take what it is sent.
                Answer::Copied(text, Err(wrong)) => {
                    copy(console, &text, &mut put);
                    console.say(Role::Warned, &format!("sent to tmux, which takes it with `set-clipboard on`: {wrong}"));
                }
            },
            changed = port.snapshots.changed() => {
                if changed.is_err() {
                    return Ok(Leave::Closed);
                }
                let snapshot = port.snapshots.borrow_and_update().clone();
                console.take(snapshot);
            }
            () = sleep_until(frame) => {
                // It has not stopped, so nothing lets it go on.
                back = stops.filter(|at| Instant::now() >= *at).map(|_| false);
            }
        }
        if let Some(stopped) = back {
            let asked = stops.take().is_some();
            if let Err(wrong) = put(Out::Again) {
                console.say(Role::Failed, &format!("the terminal is not ours again: {wrong}"));
            }
            console.back(asked, stopped)?;
            at_once = true;
        }
        if stops.is_none() {
            console.looked();
        }
        if console.rings() {
            // A terminal without a bell still shows the band.
            let _ = put(Out::Bell);
            if let Some((title, text)) = console.notice() {
                let _ = put(Out::Notice(&title, &text));
            }
        }
        console.tick();
        if stops.is_none() && console.is_dirty() && (at_once || drawn.elapsed() >= FRAME) {
            console.draw()?;
            drawn = Instant::now();
        }
    }
}

/// What is read on the usual screen while the console is suspended.
const SUSPENDED: &str = "tminus is suspended: nothing of its launch is watched or runs from here until `fg`";

/// What came of something that was asked for.
enum Answer {
    Asked(Result<Option<String>, Refusal>),
    /// The text, and whether tmux has it.
    Copied(String, io::Result<()>),
}

async fn copied(text: String) -> Answer {
    let done = outside::tmux_copy(text.clone()).await;
    Answer::Copied(text, done)
}

fn copy<B: Backend>(console: &mut Console<B>, text: &str, put: &mut impl FnMut(Out<'_>) -> io::Result<()>) {
    match put(Out::Copy(text)) {
        // Whether it did, no terminal tells.
        Ok(()) => console.say(Role::Passed, "copied: the terminal was asked to (OSC 52)"),
        Err(wrong) => console.say(Role::Failed, &format!("not copied: {wrong}")),
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

/// Gives one event to the console.
fn take<B: Backend>(console: &mut Console<B>, event: Event) -> Option<Effect> {
    match event {
        Event::Key(key) => return console.press(key),
        Event::Mouse(event) => return console.point(event),
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
) -> impl Future<Output = Answer> + 'static + use<> {
    let by_files = match &command {
        Command::Rollback { rollback, why } => {
            port.by_files.clone().map(|begin| (begin, rollback.clone(), why.clone()))
        }
        _ => None,
    };
    let asking = ask(port, by, command);
    async move {
        let Some((begin, rollback, why)) = by_files else { return Answer::Asked(asking.await.map(|()| None)) };
        // Given up, the loop does not take it any more should it come to itself.
        let answer = if silent { None } else { tokio::time::timeout(ROLLBACK_WITHIN, asking).await.ok() };
        if let Some(answer) = answer {
            return Answer::Asked(answer.map(|()| None));
        }
        let begun = tokio::task::spawn_blocking(move || (begin.0)(&rollback, &why)).await;
        let failed = |_| Err(Refusal("failed to begin the rollback: `tminus rollback` in a shell does".into()));
        Answer::Asked(begun.unwrap_or_else(failed).map(Some))
    }
}
