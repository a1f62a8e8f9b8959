//! A live tail of lines: a log file that grows, may be cut short and replaced, or a program that is started again
//! where it ended. Each line is looked at once, redacted, kept and shown; a log that is silent says nothing.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::outlet::Outlet;
use super::pane::{COLUMNS, Pane};
use super::raw::Raw;
use super::stream::{FIRST_WAIT, LONGEST_WAIT};
use super::taking::Taking;
use crate::base::jq::Jq;
use crate::base::proc;
use crate::clock;
use crate::kind::check::log::file::Growing;
use crate::kind::check::log::lines::Line as Read;
use crate::kind::check::log::{Begin, Source};
use crate::kind::check::{Context, simulated};
use crate::kind::exchange::shown;
use crate::kind::invocation::Invocation;
use crate::kind::tail::{self, Tail};
use crate::launch::command::Observation;
use crate::launch::id::StreamId;
use crate::launch::live::Line;

/// How often a file is looked at for more.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes read at one look; more of them are read at once after it.
const CHUNK: usize = 256 << 10;
/// Bytes of one line that are looked at; the rest of a longer one is passed over.
const LONGEST: usize = 16 << 10;
/// How often a rehearsal's target tells its lines again.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// One stream of lines.
pub(super) struct Follow {
    pub id: StreamId,
    pub tail: Tail,
    pub cx: Context,
    pub raw: Raw,
    pub outlet: Outlet,
    pub taking: Taking,
    pub cancel: CancellationToken,
}

/// Where in the course of things a stream is.
struct State<'a> {
    pane: Pane<'a>,
    jq: Jq,
    told: Option<bool>,
    /// Why it was lost.
    why: String,
}

impl Follow {
    /// Follows until cancelled.
    pub(super) async fn keep(self) {
        let pane = Pane::new(&self.id, &self.outlet, &self.raw, &self.cx.redactor);
        let mut state =
            State { pane, jq: self.cx.jq.redacting(self.cx.redactor.clone()), told: None, why: String::new() };
        let follow = async {
            match (&self.tail.source, self.cx.simulated) {
                (_, Some(target)) => self.rehearsed(target, &mut state).await,
                (Source::File(file), None) => match file.text(&self.cx.values()) {
                    Ok(path) => self.file(&self.cx.base.join(path), &mut state).await,
                    Err(unbound) => self.lost(&mut state, unbound.to_string()).await,
                },
                (Source::Command(command), None) => self.command(command, &mut state).await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => {}
            () = follow => {}
        }
        state.pane.close(None);
    }

    async fn file(&self, path: &Path, state: &mut State<'_>) {
        let (mut begin, mut file) = (self.tail.begin, None);
        let (mut lines, mut bytes, mut opened) = (Lines::default(), Vec::new(), 0_u32);
        // What was there before anybody looked is shown, and is no sample of now.
        let mut past = 0_u64;
        loop {
            if file.is_none() {
                match Growing::open(path, begin) {
                    Ok(found) => {
                        past = if begin == self.tail.begin && opened == 0 { found.behind() } else { 0 };
                        file = Some(found);
                        self.open(state, opened).await;
                        opened += 1;
                    }
                    Err(why) => self.lost(state, format!("{}: {why}", path.display())).await,
                }
                // Whatever comes under this name from now on is new.
                begin = Begin::Start;
            }
            bytes.clear();
            if let Some(growing) = &mut file
                && let Err(why) = growing.read(&mut bytes, CHUNK)
            {
                self.lost(state, format!("{}: {why}", path.display())).await;
                file = None;
            }
            let old = past > 0;
            past = past.saturating_sub(bytes.len() as u64);
            lines.feed(&bytes);
            while let Some((text, cut)) = lines.next() {
                self.line(state, &text, cut, old).await;
            }
            if state.pane.has_more() && state.pane.due() <= Instant::now() {
                state.pane.render();
            }
            // More may be there already.
            let pause = if bytes.len() >= CHUNK { Duration::ZERO } else { LOOK };
            sleep(pause).await;
        }
    }

    async fn command(&self, command: &Invocation, state: &mut State<'_>) {
        let mut wait = FIRST_WAIT;
        for attempt in 0_u32.. {
            let before = state.pane.total;
            let started = command.command(&self.cx.values()).map_err(|unbound| unbound.to_string());
            let started = started.and_then(|command| proc::follow(&command.program(&self.cx.base)));
            let why = match started {
                Ok(mut follower) => {
                    self.open(state, attempt).await;
                    loop {
                        let line = tokio::select! {
                            biased;
                            () = sleep_until(state.pane.due()), if state.pane.has_more() => {
                                state.pane.render();
                                continue;
                            }
                            line = follower.next() => line,
                        };
                        let Some(line) = line else { break };
                        self.line(state, &line.text, line.cut, false).await;
                    }
                    ended(&follower.ended().await)
                }
                Err(why) => why,
            };
            self.lost(state, why).await;
            if state.pane.total > before {
                wait = FIRST_WAIT;
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// A rehearsal's target tells the lines of the example, again and again.
    async fn rehearsed(&self, target: std::net::SocketAddr, state: &mut State<'_>) {
        let mut opened = 0;
        loop {
            match simulated::ask(&self.cx, target).await {
                Ok(example) => {
                    if state.told != Some(true) {
                        self.open(state, opened).await;
                        opened += 1;
                    }
                    for line in Tail::lines(&example) {
                        self.line(state, &line.text, false, false).await;
                    }
                    state.pane.render();
                }
                Err(cause) => self.lost(state, cause.words()).await,
            }
            sleep(TOLD_EVERY).await;
        }
    }

    async fn line(&self, state: &mut State<'_>, text: &str, cut: bool, old: bool) {
        let Some(line) = Read::of(0, text) else { return };
        let error = self.tail.errors.has(&line, &self.cx.scope, &state.jq).await;
        let level = tail::level(&line);
        // Of half a line neither a number nor what must not be seen is known to be whole.
        if !old && !cut {
            self.taking.line(&line, error).await;
        }
        let mut kept = self.tail.redacted(&line.text);
        if cut {
            kept = format!("{} … (cut)", shown(&kept, COLUMNS, &self.cx.redactor));
        }
        self.raw.write(self.cx.redactor.text(&kept).as_bytes());
        self.raw.write(b"\n");
        state.pane.came(Instant::now(), error);
        state.pane.keep(Line { at: clock::wall(), tag: level.to_owned(), text: kept, error });
    }

    async fn open(&self, state: &mut State<'_>, earlier: u32) {
        state.pane.open(Instant::now());
        if earlier > 0 {
            state.pane.change(|view| view.reconnects = earlier);
        }
        self.tell(state, true, "open".to_owned()).await;
    }

    async fn lost(&self, state: &mut State<'_>, why: String) {
        let why = shown(&why, COLUMNS, &self.cx.redactor);
        // A file that is waited for is looked at often: no new picture comes of it.
        if state.told == Some(false) && state.why == why {
            return;
        }
        state.why.clone_from(&why);
        state.pane.close(Some(&why));
        self.tell(state, false, why).await;
    }

    async fn tell(&self, state: &mut State<'_>, open: bool, why: String) {
        if state.told != Some(open) {
            state.told = Some(open);
            let observation = Observation::StreamChanged { stream: self.id.clone(), open, why };
            self.outlet.tell(observation, &self.cancel).await;
        }
    }
}

/// How a program ended that should not have.
fn ended(ended: &proc::Ended) -> String {
    let last = String::from_utf8_lossy(ended.stderr_lines()).trim().lines().next_back().unwrap_or_default().to_owned();
    let how = match (&ended.error, ended.exit, ended.signal) {
        (Some(error), _, _) => error.clone(),
        (None, Some(exit), _) => format!("it ended: exit {exit}"),
        (None, None, Some(signal)) => format!("signal {signal} ended it"),
        (None, None, None) => "it ended".to_owned(),
    };
    if last.is_empty() { how } else { format!("{how}: {last}") }
}

/// Lines out of bytes as they come; of a long one the beginning.
#[derive(Debug, Default)]
struct Lines {
    partial: Vec<u8>,
    /// The rest of the line is passed over.
    cut: bool,
    whole: std::collections::VecDeque<(String, bool)>,
}

impl Lines {
    fn feed(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let room = LONGEST.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&piece[..piece.len().min(room)]);
            self.cut |= piece.len() > room;
            if pieces.peek().is_some() {
                let text = String::from_utf8_lossy(&self.partial).into_owned();
                self.whole.push_back((text, self.cut));
                self.partial.clear();
                self.cut = false;
            }
        }
    }

    fn next(&mut self) -> Option<(String, bool)> {
        self.whole.pop_front()
    }
}
