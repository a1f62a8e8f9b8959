//! The one loop: inputs in, turns made, records appended, the board published, effects started. It alone
//! owns the board. Nothing here decides: `dispatch` does, through the pure functions of `launch`.

mod amending;
mod closing;
mod evaluating;
mod filling;
mod hung;
mod recording;
mod settling;
mod switching;
mod triggered;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant as WireInstant;

pub use self::switching::{SwitchDue, Switching};
use super::approving;
use super::dispatch::Dispatch;
use super::door;
use super::effects::Effects;
use super::found::Finder;
use super::inbox::desk::{self, Desk};
use super::picture::tell::Teller;
use super::time::{Axis, Pace};
use super::unwritten::Unwritten;
use crate::clock;
use crate::journal::{Holder, Journal};
use crate::launch::board::Board;
use crate::launch::command::{Command, Input, Observation, Refusal};
use crate::launch::event::{Actor, Event};
use crate::launch::live::Live;
use crate::launch::port::{Ask, Picture, Port, Seat, Snapshot};
use crate::launch::schedule;
use crate::launch::time::{Instant, Now};
use crate::launch::watching;
use hung::Hung;

/// Inputs taken into one turn.
const BATCH: usize = 1_024;
/// The loop looks at the clock at least this often, for the seconds on the screen and the heartbeat.
const SECOND: Duration = Duration::from_secs(1);
/// How long a disk may take to sync everything and give the launch up.
const CLOSING: Duration = Duration::from_secs(10);
/// How often a rehearsal's idle time is passed where nobody looks on, and where people read its countdown.
const SKIPPED: Duration = Duration::from_millis(100);
const PASSED: Duration = Duration::from_millis(250);

/// What a loop is made of.
pub struct Parts {
    pub board: Board,
    pub axis: Axis,
    pub journal: Journal,
    pub effects: Effects,
    pub observations: mpsc::Receiver<Observation>,
    /// What monitors, streams and outputs show.
    pub live: watch::Receiver<Arc<Live>>,
    pub pace: Pace,
    /// What a rehearsal switches by itself.
    pub script: Vec<Switching>,
    /// Who acts at this console.
    pub operator: Actor,
    /// The launch's folder; none for `tminus gate`.
    pub folder: Option<PathBuf>,
}

/// The loop's end of a port.
pub struct Wires {
    pub(super) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(super) asks: mpsc::Receiver<Ask>,
}

/// A port that shows `first` until a loop takes the other end: a console can draw before there is one.
#[must_use]
pub fn wires(first: Snapshot) -> (Wires, Port) {
    let (asks_in, asks) = mpsc::channel(64);
    let (snapshots, watching) = watch::channel(Arc::new(first));
    (Wires { snapshots, asks }, Port { snapshots: watching, asks: asks_in, by_files: None, wishes: None })
}

/// The loop of one launch.
pub struct Loop {
    parts: Parts,
    dispatch: Dispatch,
    snapshots: watch::Sender<Arc<Snapshot>>,
    asks: mpsc::Receiver<Ask>,
    /// Set while the journal cannot be written.
    unwritten: Option<Unwritten>,
    /// Where records wait meanwhile, beside memory.
    side: Option<PathBuf>,
    /// What stays wrong though the journal is well.
    trouble: Option<String>,
    /// Up to here everything is recorded.
    settled: Now,
    /// When what no input decides was recorded.
    stated: Option<Now>,
    paced_at: WireInstant,
    beaten_at: WireInstant,
    /// Rollbacks that were begun at another terminal.
    finder: Finder,
    /// When time alone is looked at next, however much the panes' news interrupts.
    look_at: WireInstant,
    /// Another console acts now: the sentence that says so.
    taken_over: Option<String>,
    hung: Hung,
    amending: amending::Amending,
    /// Up to here the objectives are evaluated.
    evaluated: Instant,
    filling: filling::Filling,
}

/// A question of a headless crew or a gate run, asked once a turn: what to do next?
pub type Crew = Box<dyn FnMut(&Board, Instant) -> Option<(Actor, Command)> + Send>;

impl Loop {
    #[must_use]
    pub fn new(parts: Parts, wires: Wires) -> Self {
        let dispatch = Dispatch::new(parts.board.clone());
        let Wires { snapshots, asks } = wires;
        let now = WireInstant::now();
        let settled = parts.axis.now();
        let finder = Finder::new(parts.folder.clone());
        Self {
            parts,
            dispatch,
            snapshots,
            asks,
            unwritten: None,
            side: None,
            trouble: None,
            settled,
            stated: None,
            paced_at: now,
            beaten_at: now,
            finder,
            look_at: now,
            taken_over: None,
            hung: Hung::default(),
            amending: amending::Amending::default(),
            evaluated: settled.instant,
            filling: filling::Filling::default(),
        }
    }

    /// Records what no input decides, before the loop runs: the opening, a return.
    ///
    /// # Errors
    /// The journal could not be written.
    pub async fn state(&mut self, event: Event, actor: Actor) -> Result<(), String> {
        // From here on it is watched. All of it is at one time: what followed in between would be passed unsaid.
        let now = *self.stated.get_or_insert_with(|| self.parts.axis.look().0);
        let turn = self.dispatch.state(event, actor, now);
        if let Err(wrong) = self.append(&turn.records, recording::OPENING).await {
            let taken_over = if self.is_taken_over() { self.taken_over.clone() } else { None };
            return Err(taken_over.unwrap_or_else(|| wrong.to_string()));
        }
        self.dispatch.commit();
        self.publish();
        Ok(())
    }

    /// Runs until the launch has ended or this console leaves. The board as it is then.
    pub async fn run(mut self, mut crew: Option<Crew>) -> Arc<Board> {
        let headless = crew.is_some();
        if self.is_taken_over() {
            return self.stand_by(None, headless).await;
        }
        // A console killed between the record and the file left a rollback without its way back.
        let kept = self.parts.effects.world.keep_baseline(self.dispatch.published());
        settling::awaited(kept).await;
        self.parts.effects.begin(self.dispatch.published());
        let (mut console_open, mut live_open) = (true, true);
        let mut desk = self.parts.folder.as_deref().map_or_else(Desk::closed, |folder| {
            Desk::open(desk::of(folder), self.parts.effects.world.redactor.clone(), self.parts.journal.health())
        });
        let teller = self.teller();
        let mut found = self.found().await;
        let (now, slept) = self.look();
        self.evaluated = now.instant;
        found.splice(..0, slept);
        let turn = self.dispatch.turn(&found, now);
        self.settle(turn, now, &found, Vec::new()).await;
        loop {
            let (mut news, mut asked, mut handed, mut shown) = (None, None, None, false);
            tokio::select! {
                observation = self.parts.observations.recv() => news = observation,
                ask = self.asks.recv(), if console_open => match ask {
                    Some(ask) => asked = Some(ask),
                    None => console_open = false,
                },
                requests = desk.next() => handed = Some(requests),
                changed = self.parts.live.changed(), if live_open => {
                    live_open = changed.is_ok();
                    shown = true;
                }
                () = self.finder.due() => if !self.finder.changed().await {
                    continue;
                },
                () = tokio::time::sleep_until(self.look_at) => {}
            }
            // Before anything else: this process may have stood still for an hour.
            if self.is_taken_over() {
                drop((desk, handed, teller));
                return self.stand_by(asked, headless).await;
            }
            if shown {
                self.publish();
                continue;
            }
            // Before what is asked here: a request joins what runs already.
            let mut inputs = self.found().await;
            inputs.extend(news.map(Input::Observation));
            let (mut now, slept) = self.look();
            // After the look: what is asked for is never younger than the turn it is decided in.
            let decided = handed.map(|handed| {
                let (requests, decided) = handed.at(clock::boot());
                inputs.extend(requests);
                decided
            });
            let mut replies: Vec<Option<Reply>> = inputs.iter().map(|_| None).collect();
            if let Some(ask) = asked.and_then(|ask| self.proposed(ask)) {
                self.take(ask, &mut inputs, &mut replies).await;
            }
            while inputs.len() < BATCH {
                match self.parts.observations.try_recv() {
                    Ok(observation) => inputs.push(Input::Observation(observation)),
                    Err(_) => break,
                }
            }
            // Never from a time that nobody watched: it would be counted through.
            // Nor before what came is recorded, at its own instant.
            let idle = self.idle_time(now).filter(|_| slept.is_none() && inputs.is_empty());
            let filled = self.filled(now);
            let (rounds, idle) = self.evaluated(now, idle);
            if let Some(by) = idle {
                self.parts.axis.jump(by);
                now.instant = now.instant.plus(by);
            }
            let first: Vec<Input> = slept.into_iter().chain(filled).chain(rounds).chain(self.samples_kept()).collect();
            replies.splice(..0, first.iter().map(|_| None));
            inputs.splice(..0, first);
            self.due_faults(now, &mut inputs);
            inputs.extend(self.remarks());
            replies.resize_with(inputs.len(), || None);
            self.make_ready(&mut inputs).await;
            self.look_for_given(&mut inputs).await;
            let turn = self.dispatch.turn(&inputs, now);
            self.settle(turn, now, &inputs, replies).await;
            self.start_triggered().await;
            self.write_again(false).await;
            if let Some(decided) = decided {
                let _ = decided.send(Arc::clone(self.dispatch.published()));
            }
            if let Some(crew) = crew.as_mut().filter(|_| self.unwritten.is_none()) {
                self.let_act(crew).await;
            }
            self.beat().await;
            self.look_at = WireInstant::now() + self.pause();
            if self.is_over() || (crew.is_some() && self.is_lost()) {
                // It may be what was written just now that told us.
                if self.is_taken_over() {
                    return self.stand_by(None, headless).await;
                }
                return self.end().await;
            }
        }
    }

    /// Tells attached consoles what this one sees, where there can be a socket for it.
    fn teller(&self) -> Option<Teller> {
        let folder = self.parts.folder.as_deref()?;
        let redactor = self.parts.effects.world.redactor.clone();
        let holder = Holder::here(self.parts.operator.name.clone(), clock::wall());
        let telling = Teller::open(folder, &holder, self.snapshots.subscribe(), redactor);
        telling.inspect_err(|why| tracing::warn!("attached consoles see no samples: no socket: {why}")).ok()
    }

    /// Nothing more is watched; everything recorded is synced, and the folder is another console's to take.
    async fn end(mut self) -> Arc<Board> {
        self.write_again(true).await;
        self.stop_watching().await;
        let board = self.dispatch.shown();
        let patience = if self.hung.is_hanging() { Duration::ZERO } else { CLOSING };
        // A disk that does not answer keeps nobody here; what it holds of us is for the next console.
        let _ = tokio::time::timeout(patience, self.parts.journal.close()).await;
        board
    }

    async fn take(&mut self, ask: Ask, inputs: &mut Vec<Input>, replies: &mut Vec<Option<Reply>>) {
        // Whoever asked did not wait for us: it was begun by plain files, and not twice.
        if matches!(ask.command, Command::Rollback { .. }) && ask.reply.is_closed() {
            return;
        }
        let (plan, folder) = (&self.dispatch.published().plan.0, self.parts.folder.as_ref());
        let Some(ask) = approving::aside(ask, &self.parts.operator, plan, folder) else { return };
        let command = door::clean(ask.command, &self.parts.effects.world.redactor);
        // One that runs already is told before it in this turn: what comes to that needs no number.
        let under_way = inputs.iter().any(begins_rollback);
        let command = if under_way { command } else { self.numbered(command).await };
        let by = door::whose(ask.by, &self.parts.operator, &self.parts.effects.world.redactor);
        inputs.push(Input::Command { by, command });
        replies.push(Some(ask.reply));
    }

    /// Rollbacks that were begun elsewhere, as commands of whoever asked.
    async fn found(&mut self) -> Vec<Input> {
        let found = self.finder.look(&self.dispatch.shown()).await;
        let clean = |command| door::clean(command, &self.parts.effects.world.redactor);
        found.into_iter().map(|(by, command)| Input::Command { by, command: clean(command) }).collect()
    }

    /// A rollback has a number that no other terminal has taken, unless the disk refuses one.
    async fn numbered(&mut self, command: Command) -> Command {
        let board = self.dispatch.shown();
        match command {
            Command::Rollback { rollback, why } if board.rolling_back().is_none() && board.ended.is_none() => {
                match self.finder.number(&board).await {
                    Some(run) => Command::RollbackAs { rollback, run, why },
                    None => Command::Rollback { rollback, why },
                }
            }
            other => other,
        }
    }

    /// The scripted crew acts until it has nothing more to do just now.
    async fn let_act(&mut self, crew: &mut Crew) {
        // Its leaving is the last record of a console.
        while !self.is_over() {
            let (now, slept) = self.look();
            let input = match slept {
                Some(slept) => slept,
                None => {
                    let Some((by, command)) = crew(self.dispatch.published(), now.instant) else { break };
                    Input::Command { by, command: self.numbered(command).await }
                }
            };
            let turn = self.dispatch.turn(std::slice::from_ref(&input), now);
            let refused = turn.answers.iter().any(Result::is_err);
            self.settle(turn, now, std::slice::from_ref(&input), Vec::new()).await;
            // What could not be written did not happen: asked again at once, it would be for ever.
            if refused || self.unwritten.is_some() || self.taken_over.is_some() {
                break;
            }
        }
    }

    /// What time it is, and what is to be told first: that nobody watched before.
    fn look(&mut self) -> (Now, Option<Input>) {
        let (now, gap) = self.parts.axis.look();
        if let Some(gap) = gap {
            self.unwatched(now.instant, gap);
        }
        (now, gap.map(|gap| Input::Observation(Observation::Slept { gap })))
    }

    fn is_over(&self) -> bool {
        let board = self.dispatch.shown();
        let left = board.recent.back().is_some_and(|record| record.event == Event::ConsoleLeft);
        board.ended.is_some() || left
    }

    /// How long nothing can happen by time alone.
    fn pause(&self) -> Duration {
        if self.filling.is_behind() {
            return Duration::ZERO;
        }
        let again = self.unwritten.as_ref().and_then(Unwritten::try_at);
        let again = again.map_or(SECOND, |at| at.duration_since(WireInstant::now()));
        match self.parts.pace {
            Pace::Skip => return SKIPPED.min(again),
            Pace::Times(2..) => return PASSED.min(again),
            Pace::Real | Pace::Times(_) => {}
        }
        let now = self.parts.axis.now().instant;
        let board = self.dispatch.shown();
        // A rollback that starts by itself does so in time, also while nothing can be recorded.
        let evaluated = watching::next_evaluation(&board.plan, now);
        let next = schedule::next_at(&board, now).into_iter().chain(evaluated).min();
        next.map_or(again, |at| at.since(now).clamp(Duration::from_millis(1), SECOND).min(again))
    }

    /// How much of a rehearsal's idle time is passed.
    fn idle_time(&mut self, now: Now) -> Option<Duration> {
        let elapsed = self.paced_at.elapsed();
        self.paced_at = WireInstant::now();
        let board = self.dispatch.published();
        if self.unwritten.is_some()
            || board.is_busy()
            || self.parts.pace == Pace::Real
            || schedule::waits_for_baseline(board, now.instant)
            || !self.parts.observations.is_empty()
        {
            return None;
        }
        let now = now.instant;
        // While a person is wanted the clock runs as it will on the day.
        if matches!(self.parts.pace, Pace::Times(_)) && schedule::wants_person(board, now) {
            return None;
        }
        let t = board.mark_at(now);
        let (begin, end) = self.next_switch(now, t);
        let next = schedule::next_at(board, now).map(|next| begin.into_iter().fold(next, Instant::min));
        // One that ends does so though T holds.
        let next = next.into_iter().chain(end).min();
        self.parts.pace.jump(elapsed, now, next)
    }
}

#[path = "stand_by.rs"]
mod stand_by;

type Reply = oneshot::Sender<Result<(), Refusal>>;

fn begins_rollback(input: &Input) -> bool {
    let Input::Command { command, .. } = input else { return false };
    matches!(command, Command::Rollback { .. } | Command::RollbackAs { .. } | Command::RollbackFound { .. })
}

fn snapshot(board: Arc<Board>, live: Arc<Live>, parts: &Parts, alarm: Option<String>) -> Snapshot {
    let now = parts.axis.now();
    Snapshot {
        board,
        live,
        now,
        taken_at: parts.axis.boot(),
        speed: match parts.pace {
            Pace::Times(times) => times,
            Pace::Real | Pace::Skip => 1,
        },
        alarm,
        waits: None,
        taken_over: None,
        proposal: None,
        faults: parts.effects.faults.as_ref().map(|faults| Arc::clone(&faults.offered)).unwrap_or_default(),
        folder: parts.folder.as_ref().map(|folder| folder.display().to_string()).unwrap_or_default(),
        seat: Seat::Operator,
        picture: Picture::Own,
        wall: now.wall,
    }
}
