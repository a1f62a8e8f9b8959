//! Flies an assembled launch: in the console on a terminal, else without one. A real launch without a
//! console acts on nobody's behalf: it runs what runs by itself, waits, and says why it cannot go on.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::assemble::Flight;
use super::say::err;
use super::waiting::{self, Said};
use super::{CANNOT_TELL, Common, INTERRUPTED, outfile, say, summary, take_over, unwritten};
use crate::clock;
use crate::engine::outbox::Following;
use crate::engine::run::{Crew, Wires, wires};
use crate::engine::{approving, crew};
use crate::evidence::junit::{Run, junit};
use crate::journal::LaunchFolder;
use crate::launch::board::Board;
use crate::launch::command::Command;
use crate::launch::event::{Actor, Mode};
use crate::launch::id::RollbackId;
use crate::launch::plan::Plan;
use crate::launch::port::{Ask, Port, Snapshot};
use crate::launch::process;
use crate::launch::recovery;
use crate::launch::time::{Instant, Mark, Now};
use crate::launch::{countdown, gate, poll, schedule, soak};
use crate::rehearsal::Injection;

/// How long an interrupted launch may take to write down that it was left.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long whoever is told may take for the last of it.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long the scripted crew waits at the poll for a baseline value that comes late, in milliseconds.
const PATIENCE_MS: i64 = 12_000;

/// Without a console, whether a scripted crew acts, and what it drills.
pub struct Script {
    pub drill: Option<RollbackId>,
    /// Where its drills are over.
    pub until: Option<Mark>,
}

/// What is known of a launch before it is opened.
pub struct Front {
    pub first: Snapshot,
    pub operator: Actor,
    pub folder: PathBuf,
    /// The faults that are drilled, in a rehearsal that does.
    pub drills: Option<Vec<Injection>>,
}

impl Front {
    #[must_use]
    pub fn new(plan: &Arc<Plan>, mode: Mode, folder: &LaunchFolder, operator: &Actor) -> Self {
        let now = Now { instant: Instant(0), wall: clock::wall() };
        let folder = folder.path().to_owned();
        let first = Snapshot::unopened(Arc::clone(plan), mode, now, clock::boot(), folder.display().to_string());
        Self { first, operator: operator.clone(), folder, drills: None }
    }

    /// What it says at its end, and the exit code.
    #[must_use]
    pub fn summary(&self, board: &Board, now: Instant) -> (String, i32) {
        let text = summary::text(board, now, &self.folder.display().to_string());
        match self.drills.as_ref().filter(|_| board.unwritten.is_none()) {
            Some(drills) => (text + &summary::drills::text(board, drills), summary::drills::exit_code(board, drills)),
            None => (text, summary::exit_code(board, now)),
        }
    }

    /// The command that goes on with the launch.
    #[must_use]
    pub fn again(&self) -> String {
        let word = if self.first.board.mode == Mode::Rehearsal { "rehearse" } else { "run" };
        format!("tminus {word} --launch {}", self.folder.display())
    }
}

/// Opens a launch and flies it to its end, or until this console leaves. The exit code.
///
/// # Errors
/// It cannot be opened, or the terminal could not be used.
pub async fn fly<O, F>(front: Front, common: &Common, script: Option<Script>, open: O) -> anyhow::Result<i32>
where
    O: FnOnce(Wires) -> F,
    F: Future<Output = anyhow::Result<Flight>> + Send + 'static,
{
    let (wires, port) = wires(front.first.clone());
    let opening = open(wires);
    if wants_console(common) {
        return super::console::fly(front, port, common, opening).await;
    }
    let flight = opening.await?;
    for notice in &flight.noticed {
        err!("tminus: {notice}");
    }
    without_console(flight, &front, port, script, common).await
}

/// Whether this invocation opens the console.
#[must_use]
pub fn wants_console(common: &Common) -> bool {
    !common.headless && std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

async fn without_console(
    flight: Flight,
    front: &Front,
    port: Port,
    script: Option<Script>,
    common: &Common,
) -> anyhow::Result<i32> {
    let began = clock::boot();
    let Flight { looping, target: _target, telling, .. } = flight;
    let (again, folder) = (front.again(), &front.folder);
    if let Some(why) = &port.snapshots.borrow().board.ended {
        err!("tminus: this launch has ended ({why}); nothing of it runs again");
    }
    let launch = folder.clone();
    let drills = front.drills.is_some();
    let (mut held_since, mut in_doubt, mut frozen) = (None, BTreeSet::new(), None);
    let mut said = Said::default();
    let crew: Crew = Box::new(move |board, now| match &script {
        Some(script) => {
            turn_key(board, &launch);
            let polled = poll::at_poll_hold(board, now) && !board.is_busy();
            let since = if polled { *held_since.get_or_insert_with(clock::boot) } else { clock::boot() };
            let patient = clock::boot() - since < PATIENCE_MS;
            let answer = crew::answer(board).filter(|_| drills);
            let over = script.until.filter(|until| board.mark_at(now) <= *until).and_then(|_| crew::over(board));
            let next = answer.or(over).or_else(|| crew::next(board, now, script.drill.as_ref(), patient));
            next.map(|command| (crew::who(board, &command), command))
        }
        None => {
            // At once, not when nothing else is left to do: what runs by itself goes on meanwhile.
            if frozen != board.frozen {
                frozen.clone_from(&board.frozen);
                if let Some(why) = &frozen {
                    err!("tminus: {}", waiting::thaw(why));
                }
            }
            for (item, way) in recovery::waiting(board).filter(|(item, _)| in_doubt.insert(item.id.clone())) {
                err!("tminus: {}", waiting::doubt(board, item, way));
            }
            let next = unattended(board, now);
            if let Some(line) = said.next(board, now).filter(|_| next.is_none()) {
                err!("tminus: {line}");
            }
            next.map(|command| (Actor::engine(), command))
        }
    });
    let progress = Progress::start(&port);
    let saying = unwritten::say(&port);
    let mut flying = tokio::spawn(looping.run(Some(crew)));
    let board = tokio::select! {
        board = &mut flying => board?,
        () = interrupted() => {
            // Written down as leaving: an interrupt is no crash, the countdown need not come back latched.
            let (reply, told) = oneshot::channel();
            let leaving = async {
                let _ = port.asks.send(Ask { by: None, command: Command::Leave, reply }).await;
                let _ = told.await;
                let _ = flying.await;
            };
            tokio::select! {
                _ = tokio::time::timeout(FAREWELL, leaving) => {}
                () = interrupted() => {}
            }
            progress.stop();
            untold(telling, FAREWELL / 2).await;
            if let Some(farewell) = unwritten::farewell(&port.snapshots) {
                err!("tminus: {farewell}");
            }
            if let Some(words) = process::words(&port.snapshots.borrow().board) {
                err!("tminus: still lives, and goes on without this console: {words}");
            }
            err!("tminus: interrupted; go on with `{again}`");
            return Ok(INTERRUPTED);
        }
    };
    progress.stop();
    // The loop is gone: what it said last is said before the summary.
    let _ = tokio::time::timeout(FAREWELL, saying).await;
    untold(telling, LAST_WORDS).await;
    if let Some(farewell) = unwritten::farewell(&port.snapshots) {
        err!("tminus: {farewell}");
    }
    if let Some(words) = take_over::left(&port.snapshots.borrow(), &again) {
        err!("tminus: {words}");
        return Ok(CANNOT_TELL);
    }
    let now = port.snapshots.borrow().now.instant;
    if let Some(words) = process::words(&board).filter(|_| board.ended.is_none()) {
        err!("tminus: still lives, and goes on without this console: {words}");
    }
    let (mut text, code) = front.summary(&board, now);
    if board.ended.is_none() {
        text.push_str(&format!("\nnot over: {}\ngo on with `{again}` on a terminal\n", waiting::first(&board, now)));
    }
    // It was left with a journal that nobody could write: what the board shows is not what is recorded.
    let code = if board.unwritten.is_some() { CANNOT_TELL } else { code };
    if common.json {
        let document = summary::document(&board, now, &folder.display().to_string(), code);
        text = serde_json::to_string_pretty(&document)? + "\n";
        // The exit code may be the drills', and their table is for people.
        if let Some(drills) = &front.drills {
            err!("{}", summary::drills::text(&board, drills).trim());
        }
    }
    say::whole(&text);
    let Some(path) = &common.junit else { return Ok(code) };
    let took = Duration::from_millis(u64::try_from(clock::boot() - began).unwrap_or(0));
    Ok(outfile::last(path, junit(&board, now, Run { left_out: &[], exit: code, took }).as_bytes(), code))
}

/// Who was not told of everything, once that was tried for so long.
async fn untold(telling: Following, patience: Duration) {
    for line in telling.finish(patience).await {
        err!("tminus: {line}");
    }
}

/// The crew's second key goes past the loop, as a person's. One that the runner has not looked at yet is written
/// again: the same.
fn turn_key(board: &Board, launch: &Path) {
    if let Some((step, by)) = crew::second_key(board)
        && let Err(why) = approving::approve(launch, &board.plan, &step, &by)
    {
        tracing::warn!("the crew could not approve {step}: {why}");
    }
}

/// Nobody is there to attest, vote or resume. Once only a person could go on, this process leaves and says
/// so: the launch is not over, whoever is there goes on with it. It ends where nothing is left to do.
fn unattended(board: &Board, now: Instant) -> Option<Command> {
    let clock = board.clock_at(now)?;
    // A console that leaves a soak is a hole in it.
    if board.is_busy() || soak::under_way(board) || board.ended.is_some() {
        return None;
    }
    // What follows by itself from where the board stands begins before anybody leaves.
    if !schedule::follow(board, now, board.in_flight()).is_empty() {
        return None;
    }
    let over = match clock.phase {
        countdown::Phase::Scrubbed | countdown::Phase::Cutoff => Some("the countdown ended short of T-0"),
        countdown::Phase::Liftoff => {
            let clear = board.plan.phases.iter().all(|phase| gate::standing(board, phase, now).is_clear());
            clear.then_some("the launch is through")
        }
        _ => None,
    };
    match over {
        // What comes again and again is never through: whoever opens it next goes on with it.
        Some(_) if waiting::again(board, now).is_some() => {
            return (!crew::has_left(board)).then_some(Command::Leave);
        }
        Some(why) => return Some(Command::End { why: why.into() }),
        None => {}
    }
    let holding = clock.phase == countdown::Phase::Holding;
    let served = clock.hold_left().is_none_or(|left| left.is_zero());
    // A freeze is lifted by a person alone: what comes due meanwhile waits for one, too.
    let stands = schedule::next_at(board, now).is_none() || (holding && served) || board.frozen.is_some();
    (stands && !crew::has_left(board)).then_some(Command::Leave)
}

pub async fn interrupted() {
    let term = signal(SignalKind::terminate());
    match term {
        Ok(mut term) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

/// A bar on standard error while a headless launch flies; on a terminal only.
pub struct Progress(Option<(indicatif::ProgressBar, tokio::task::JoinHandle<()>)>);

impl Progress {
    pub fn start(port: &Port) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = indicatif::ProgressBar::new(1);
        let (mut snapshots, shown) = (port.snapshots.clone(), bar.clone());
        let following = tokio::spawn(async move {
            while snapshots.changed().await.is_ok() {
                let snapshot = Arc::clone(&snapshots.borrow_and_update());
                let ended = snapshot.board.items.values().filter(|item| item.report.is_some()).count();
                shown.set_length(snapshot.board.items.len() as u64);
                shown.set_position(ended as u64);
                shown.set_message(snapshot.board.mark_at(snapshot.now.instant).to_string());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Self(Some((bar, following)))
    }

    pub fn stop(self) {
        if let Some((bar, following)) = self.0 {
            following.abort();
            bar.finish_and_clear();
        }
    }
}
