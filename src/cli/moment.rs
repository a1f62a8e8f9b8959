//! A launch that nobody holds, taken for the moment of one command: the console's return, what was decided,
//! and its leaving stand in the journal together, or nothing does. Nothing of the launch runs meanwhile.

use anyhow::{Context as _, bail};

use super::assemble;
use super::frozen::Frozen;
use super::plans;
use super::reopen::reopen;
use crate::clock;
use crate::engine::dispatch::Dispatch;
use crate::engine::inbox::bring::Came;
use crate::engine::{door, living, rollback};
use crate::evidence::given;
use crate::journal::{Draft, Durable, Holder, Purpose};
use crate::launch::board::Board;
use crate::launch::command::{Command, Input};
use crate::launch::decide::decide;
use crate::launch::event::{Actor, Event, Recorded};
use crate::launch::time::Now;

/// Decides `command` of `by`, and records what it leads to.
///
/// # Errors
/// The launch is somebody's, its journal cannot be written, or something of it is open that only a console
/// can bring in.
pub async fn give(frozen: &Frozen, by: &Actor, command: Command, again: &str) -> anyhow::Result<Came> {
    let mut command = door::clean(command, &frozen.redactor);
    let holder = Holder::here(by.name.clone(), clock::wall());
    let (folder, plans) = (frozen.folder.clone(), plans::all(&frozen.folder)?);
    let (opened, told) = tokio::task::spawn_blocking(move || reopen(&folder, &plans, Purpose::Act(holder))).await??;
    let Some(journal) = opened.journal else { bail!("the journal was opened for reading only") };
    let now =
        assemble::axis(&told.board, opened.beat, frozen.site.anchor.as_ref().filter(|_| !frozen.site.rehearsal)).now();
    // What lives ends with the launch.
    let living = living::dirs(frozen.folder.path(), &told.board);
    if let Command::Close { gone, .. } = &mut command {
        *gone = given::gone(&frozen.folder.artifacts(), &told.board);
    }
    let decided = whole(&told.board, frozen, again).map(|()| turn(told.board, by, &command, now));
    let came = match decided {
        Ok(Ok(records)) => {
            let drafts = records.into_iter().map(Draft::from).collect();
            let records = journal.append(drafts, Durable::Synced).await;
            let records = records.context("nothing was recorded")?;
            if records
                .iter()
                .any(|record| matches!(record.event, Event::LaunchClosed { .. } | Event::LaunchEnded { .. }))
            {
                living::end(&living);
            }
            // What was decided, not the coming and going around it.
            let coming =
                |record: &&Recorded| !matches!(record.event, Event::ConsoleReturned { .. } | Event::ConsoleLeft);
            Ok(Came::Recorded(records.iter().rfind(coming).map_or(0, |record| record.seq)))
        }
        Ok(Err(why)) => Ok(Came::Refused(why)),
        Err(why) => Err(why),
    };
    journal.close().await;
    came
}

/// Everything that happened is in the journal, and its last console left by itself.
fn whole(board: &Board, frozen: &Frozen, again: &str) -> anyhow::Result<()> {
    let first = |what: &str| anyhow::anyhow!("{what}: go on with `{again}` first, it brings that in");
    if board.seq == 0 {
        bail!("nothing of this launch has happened yet");
    }
    if board.ended.is_some() {
        return Ok(());
    }
    if board.recent.back().is_none_or(|last| last.event != Event::ConsoleLeft) {
        return Err(first("the last console did not leave by itself"));
    }
    let runs = rollback::runs(frozen.folder.path()).unwrap_or_default();
    let known = |run: u32| board.rollbacks.iter().any(|known| known.run == run && known.end.is_some());
    if let Some(found) = runs.iter().find(|found| !known(found.run)) {
        return Err(first(&format!(
            "rollback {} #{} is not told in the journal to its end",
            found.rollback, found.run
        )));
    }
    let waiting = std::fs::read_dir(frozen.folder.inbox()).map_or(0, |inside| {
        inside
            .filter_map(Result::ok)
            .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "json"))
            .count()
    });
    if waiting > 0 {
        return Err(first(&format!("{waiting} notes wait in its inbox")));
    }
    Ok(())
}

/// What is recorded: of a launch that has ended what was decided alone.
fn turn(board: Board, by: &Actor, command: &Command, now: Now) -> Result<Vec<Recorded>, String> {
    let over = board.ended.is_some();
    let t = board.clock.as_ref().map(|clock| clock.t).unwrap_or_default();
    let mut dispatch = Dispatch::new(board);
    let mut records = Vec::new();
    let mut say = |dispatch: &mut Dispatch, event| {
        records.extend(dispatch.state(event, by.clone(), now).into_records());
        dispatch.commit();
    };
    if !over {
        say(&mut dispatch, Event::ConsoleReturned { clean: true, t });
    }
    let input = Input::Command { by: by.clone(), command: command.clone() };
    let events = decide(dispatch.published(), &input, now.instant).map_err(|refusal| refusal.0)?;
    for event in events {
        say(&mut dispatch, event);
    }
    if dispatch.published().ended.is_none() {
        say(&mut dispatch, Event::ConsoleLeft);
    }
    Ok(records)
}
