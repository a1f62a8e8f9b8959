//! `tminus amend`: another plan for a launch under way. Whoever holds the launch decides, as of a request;
//! where nobody does, this command is its console for the moment. Exit codes: 0 the launch goes by it, 1 it was
//! refused, 2 nobody decided, 3 the plan or the arguments are wrong.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::assemble;
use super::plans::{self, Plans};
use super::reopen::{reopen, stranded};
use super::say::{err, out};
use super::site::Site;
use super::{CANNOT_TELL, NO_GO, runtime};
use crate::base::secret::Redactor;
use crate::base::source::Source;
use crate::base::text::{printable, printable_lines};
use crate::clock;
use crate::engine::amending::{self, Prepared};
use crate::engine::dispatch::Dispatch;
use crate::engine::inbox::bring::{Asker, Came};
use crate::engine::inbox::form;
use crate::engine::{revisions, rollback};
use crate::journal::{Draft, Durable, Held, Holder, LaunchFolder, Purpose, side};
use crate::launch::amend::told;
use crate::launch::board::Board;
use crate::launch::command::{Command, Input, Refusal};
use crate::launch::decide::decide;
use crate::launch::event::{Actor, Event, Recorded};
use crate::launch::id::RoleId;
use crate::plan::Options;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
    /// The plan file that it goes by from here on.
    plan: PathBuf,
    /// Why; asked on a terminal.
    #[arg(long, value_name = "REASON")]
    why: Option<String>,
    /// Amend without asking.
    #[arg(long)]
    yes: bool,
    /// The role you act for.
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<String>,
    /// Your name in the journal.
    #[arg(long, env = "USER", value_name = "NAME", default_value = "operator")]
    name: String,
    /// How long to wait for the answer of the console that holds the launch.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    wait: Duration,
}

/// # Errors
/// The arguments, the plan or the folder are wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let answered = arguments.yes && arguments.why.is_some();
    if !answered && !std::io::stdin().is_terminal() {
        bail!("standard input is no terminal: say --why REASON and --yes");
    }
    let folder = LaunchFolder::open(&arguments.launch)?;
    let site = assemble::site(&folder)?;
    let name = form::named(&arguments.name)?;
    let plans = plans::all(&folder)?;
    let board = read(&folder, &plans)?;
    let prepared = prepared(arguments, &folder, &site, &board)?;
    let by = Actor::person(name, arguments.role.as_deref().map(RoleId::new));
    let known = Known { folder, site, plans, by };
    // What is refused at once is asked nobody; what is decided is decided anew, by then.
    if let Err(Refusal(why)) = tried(&board, &prepared, &known.by) {
        return refused(&why);
    }
    show(&board, &prepared);
    let Some(why) = reason(arguments)? else {
        err!("tminus: nothing was changed");
        return Ok(NO_GO);
    };
    let redactor = Redactor::default();
    let asker = Asker {
        folder: known.folder.clone(),
        rehearsal: known.site.rehearsal,
        name: known.by.name.clone(),
        role: known.by.role.clone(),
        redactor,
    };
    if asker.holder() == Held::Free {
        return runtime()?.block_on(alone(known, prepared, why));
    }
    let command = Command::Amend { amendment: Ok(prepared.amendment.clone()), reason: why };
    match asker.bring_with(command, Some(&prepared.text), arguments.wait)? {
        Came::Recorded(seq) => {
            out!("amended, recorded as #{seq}: every vote is void");
            Ok(0)
        }
        Came::Refused(why) => refused(&why),
        Came::Undecided(why) => {
            err!("tminus: {why}");
            Ok(CANNOT_TELL)
        }
    }
}

/// The launch, and who changes its plan.
struct Known {
    folder: LaunchFolder,
    site: Site,
    plans: Plans,
    by: Actor,
}

fn refused(why: &str) -> anyhow::Result<i32> {
    err!("tminus: refused: {}", printable_lines(why));
    Ok(NO_GO)
}

/// The board as the journal tells it, without holding the launch.
fn read(folder: &LaunchFolder, plans: &Plans) -> anyhow::Result<Board> {
    let (opened, told) = reopen(folder, plans, Purpose::Read)?;
    if let Some(notice) = opened.noticed.iter().find(|notice| notice.is_short()) {
        bail!("{notice}: the plan of this launch cannot be changed");
    }
    Ok(told.board)
}

/// The new plan; its mistakes are told as `tminus check` does.
fn prepared(arguments: &Arguments, folder: &LaunchFolder, site: &Site, board: &Board) -> anyhow::Result<Prepared> {
    let text = amending::read(&arguments.plan).map_err(anyhow::Error::msg)?;
    let options = Options { without_secrets: true, no_launch: false, ..site.options() };
    let name = arguments.plan.file_name().unwrap_or_default();
    assemble::load(&Source::new(arguments.plan.display().to_string(), text.clone()), &options)?;
    // As it will be loaded by the console: files are told from the folder of the launch's own plan.
    let source = Source::new(site.base.join(name).display().to_string(), text);
    amending::prepare(folder, &source, &options, board).map_err(anyhow::Error::msg)
}

/// What would be decided of it right now.
fn tried(board: &Board, prepared: &Prepared, by: &Actor) -> Result<(), Refusal> {
    let mut board = board.clone();
    board.revisions.learn(&prepared.plan);
    let command = Command::Amend { amendment: Ok(prepared.amendment.clone()), reason: "tried".into() };
    decide(&board, &Input::Command { by: by.clone(), command }, board.at).map(drop)
}

fn show(board: &Board, prepared: &Prepared) {
    out!("revision {} of the plan of {}:", board.revisions.number.saturating_add(1), printable(&board.plan.title));
    for line in &prepared.amendment.changes {
        out!("  {}", printable(line));
    }
    for note in told(board, &prepared.plan, board.at) {
        out!("note: {}", printable(&note));
    }
}

/// Why, where the person at the terminal wants it.
fn reason(arguments: &Arguments) -> anyhow::Result<Option<String>> {
    let line = |question: &str| -> anyhow::Result<String> {
        let mut out = std::io::stdout();
        out.write_all(question.as_bytes()).and_then(|()| out.flush()).context("failed to ask")?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("failed to read the terminal")?;
        Ok(printable(line.trim()))
    };
    let why = match &arguments.why {
        Some(why) => printable_lines(why.trim()),
        None => line("why? ")?,
    };
    if why.is_empty() {
        bail!("an amendment needs a reason");
    }
    let yes = arguments.yes || matches!(line("amend the plan? type yes: ")?.to_lowercase().as_str(), "y" | "yes");
    Ok(yes.then_some(why))
}

/// Is the console of the launch for a moment: it comes back, amends and leaves, in one transaction.
async fn alone(known: Known, prepared: Prepared, why: String) -> anyhow::Result<i32> {
    let Known { folder, site, plans, by } = known;
    if let Some(words) = waits(&folder, &site)? {
        let launch = printable(&folder.path().display().to_string());
        return refused(&format!("{words}: go on with the launch first, `tminus {} --launch {launch}`", site.word()));
    }
    let holder = Holder::here(by.name.clone(), clock::wall());
    let place = folder.clone();
    let (opened, told) = tokio::task::spawn_blocking(move || reopen(&place, &plans, Purpose::Act(holder))).await??;
    let Some(journal) = opened.journal else { bail!("the journal was opened for reading only") };
    if let Some(why) = told.board.ended.clone() {
        journal.close().await;
        return refused(&format!("the launch has ended: {why}"));
    }
    if let Some(run) = unknown(&folder, &told.board) {
        journal.close().await;
        return refused(&format!("rollback run {run} is not in the journal yet: go on with the launch first"));
    }
    let (left, t) = assemble::left_at(&told.board, opened.beat);
    let axis = assemble::axis(&told.board, opened.beat, site.anchor.as_ref().filter(|_| !site.rehearsal));
    let now = axis.now();
    let mut dispatch = Dispatch::new(told.board);
    dispatch.learn(&prepared.plan);
    let mut records: Vec<Recorded> = Vec::new();
    let mut state = |event: Event, actor: &Actor| {
        let turn = dispatch.state(event, actor.clone(), now);
        dispatch.commit();
        records.extend(turn.into_records());
        Arc::clone(dispatch.published())
    };
    let board = state(assemble::first_event(&prepared.plan, left, t, site.rehearsal), &by);
    let command = Command::Amend { amendment: Ok(prepared.amendment.clone()), reason: why };
    let events = match decide(&board, &Input::Command { by: by.clone(), command }, now.instant) {
        Ok(events) => events,
        Err(Refusal(why)) => {
            journal.close().await;
            return refused(&why);
        }
    };
    for event in events.into_iter().chain([Event::ConsoleLeft]) {
        state(event, &by);
    }
    let number = board.revisions.number;
    let kept = keep(&folder, &prepared, &board, &journal, &records).await;
    journal.close().await;
    kept.map_err(|why| stranded(&why, None, folder.path()))?;
    out!("amended to revision {}: every vote is void", number.saturating_add(1));
    Ok(0)
}

/// Files the plan, records that the launch goes by it, and makes it the one in force.
async fn keep(
    folder: &LaunchFolder,
    prepared: &Prepared,
    board: &Board,
    journal: &crate::journal::Journal,
    records: &[Recorded],
) -> anyhow::Result<()> {
    let before = revisions::text(folder, board.revisions.number, &board.plan.hash).map_err(anyhow::Error::msg)?;
    revisions::file(folder, (board.revisions.number, &before), &prepared.text)?;
    let drafts = records.iter().cloned().map(Draft::from);
    journal.append(drafts.collect(), Durable::Synced).await.map_err(|why| anyhow::anyhow!("{why}"))?;
    revisions::put_in_force(folder, &prepared.text, &prepared.environment, &prepared.hidden)
        .context("the amendment is recorded, and the next console to open the launch puts the plan in force")?;
    Ok(())
}

/// A rollback that was begun at another terminal, and that no console has read in.
fn unknown(folder: &LaunchFolder, board: &Board) -> Option<u32> {
    let runs = rollback::runs(folder.path()).unwrap_or_default();
    runs.into_iter().map(|found| found.run).find(|run| !board.rollbacks.iter().any(|known| known.run == *run))
}

/// What a console that goes on has to read in before anything is decided on this board.
fn waits(folder: &LaunchFolder, site: &Site) -> anyhow::Result<Option<String>> {
    if let Some(under) = rollback::under_way(folder.path()).context("failed to look for rollbacks")? {
        return Ok(Some(format!("rollback {} (run {}) is under way", under.rollback, under.run)));
    }
    let left = side::places(folder.path(), site.side.as_deref()).into_iter().find(|path| path.exists());
    Ok(left.map(|path| format!("records wait in {}", printable(&path.display().to_string()))))
}
