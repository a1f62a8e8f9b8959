//! The command line: one file a subcommand. Each answers with an exit code (console.md): 0 go, 1 no-go,
//! 2 cannot tell, 3 the plan or the arguments are wrong, 4 rolled back, 130 interrupted.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::base::secret::covered;
use crate::base::text::printable_lines;

mod amend;
mod anchor;
mod approve;
mod archive;
mod ask;
mod assemble;
mod brief;
mod bundle;
mod check;
mod closing;
mod console;
mod frozen;
mod gate;
mod group;
mod headless;
mod incident;
mod inside;
mod judge;
mod keys;

mod kinds;
mod log;
mod logging;
mod look;
mod manual;
mod moment;
mod note;
mod outfile;
mod person;
mod plans;

mod rehearse;
mod reopen;
mod replay;
mod report;
mod rollback;
mod run;
mod say;
mod schema;
mod site;
mod strangers;
mod summary;
mod take_over;
mod unwritten;
mod verify;
mod waiting;
mod watch;
mod what_if;

/// Something of the user's is wrong: the plan, the arguments, the folder.
pub const WRONG: i32 = 3;
/// No-go: it was refused, or something failed.
const NO_GO: i32 = 1;
/// Nobody could tell, or nobody was there to decide.
const CANNOT_TELL: i32 = 2;
/// A signal ended it.
pub const INTERRUPTED: i32 = 130;

/// A launch war-room console for the terminal.
#[derive(Debug, Parser)]
#[command(name = "tminus", version, max_term_width = 100, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fly a plan against a target simulated from it; without a PLAN, the bundled OmniAI launch.
    Rehearse(rehearse::Arguments),
    /// Open a launch of PLAN, or continue the one in --launch DIR.
    Run(run::Arguments),
    /// Run the checks of gates, phases or items once, without a launch; for CI.
    Gate(gate::Arguments),
    /// Say everything that is wrong with a plan, and try its checks on their examples.
    Check(check::Arguments),

    /// Print the kinds of check and step, each with an example; or those that are named.
    Kinds(kinds::Arguments),
    /// Print every key of the console, with your own keymap over the built-in one.
    Keys,
    /// Print the JSON Schema of the plan format, for editors.
    Schema,
    /// Print the script that lets a shell complete commands and options.
    Completions(manual::Completions),
    /// Print the manual's page, or write one for each command.
    Man(manual::Pages),
    /// Roll a launch back, from any terminal: the journal and the console may be gone, frozen or broken.
    Rollback(rollback::Arguments),
    /// Approve a step of the rollback that runs, as a second person; works as `rollback` does.
    Approve(approve::Arguments),
    /// Print what happened in a launch, one record a line.
    Log(log::Arguments),
    /// Tell what a launch came to, as one HTML file or as Markdown.
    Report(report::Arguments),
    /// Say when triggers would have fired by another plan's thresholds, from the samples that a launch kept.
    WhatIf(what_if::Arguments),
    /// Say whether everything a launch keeps, or a bundle, is as it was written; changes nothing.
    Verify(verify::Arguments),
    /// Make one file of everything that a launch leaves: it verifies offline.
    Bundle(bundle::Bundle),
    /// Make a pair of keys to sign bundles with.
    Keygen(bundle::Keygen),
    /// Look again at what happened in a launch, by its folder or its bundle: forward, back, record by record. Nothing acts.
    Replay(replay::Arguments),
    /// Watch a launch that another console holds, and ask things of it; without a terminal, print its records.
    Watch(watch::Arguments),
    /// Have a note recorded in a running launch, from any terminal.
    Note(note::Note),
    /// Open incidents in a running launch from any terminal, say what is known of them, list and export them.
    Incident(incident::Arguments),
    /// Call a hold in a running launch, for the role you carry.
    Hold(ask::Hold),
    /// Release your role's hold, or (with a role that may waive) another's.
    Release(ask::Release),
    /// Vote in a running launch's poll, for the role you carry.
    Vote(ask::Vote),
    /// Take on an item's warning, for the role you carry.
    Acknowledge(ask::Acknowledge),
    /// Change the plan of a launch under way: the difference is shown, a reason asked, every vote void.
    Amend(amend::Arguments),
    /// Say whether a criterion is met, or waive it for a time, for the role you carry.
    Judge(judge::Judge),
    /// Put the name of the role you carry under a sign-off.
    Sign(judge::Sign),
    /// Attest an item, or give a second person's word on it, for the role you carry.
    Attest(ask::Attest),
    /// Say where a launch stands, what happened since you left, and what is due next.
    Brief(brief::Arguments),
    /// Archive what the plan asks for: a link, words, or a file.
    Evidence(closing::Evidence),
    /// Close a launch for good, once everything asked for is there.
    Close(closing::Close),
    /// Waive what an item found, for a time and with a reason, for the role you carry.
    Waive(ask::Waive),
    /// Have the console that holds a launch run a playbook: readonly commands for when something is red.
    Playbook(ask::Playbook),
    /// Say a word on a trigger: veto its rollback before it starts, take on that it fired, or fire it.
    Trigger(ask::Trigger),
    /// Choose a branch of the plan, with a reason, for the role you carry.
    Choose(ask::Choose),
}

/// What `run` and `rehearse` share.
#[derive(Debug, Clone, Args)]
struct Common {
    /// Run without a console: the outcome is the exit code.
    #[arg(long)]
    headless: bool,
    /// Print one JSON document of what the launch came to, instead of words; without a console alone.
    #[arg(long, requires = "headless")]
    json: bool,
    /// Write what the launch came to as JUnit XML, for a CI server; without a console alone.
    #[arg(long, value_name = "FILE", requires = "headless")]
    junit: Option<PathBuf>,
    /// Where the launch is kept: a new folder, or the one of a launch to go on with.
    #[arg(long, value_name = "DIR")]
    launch: Option<PathBuf>,
    /// Take the launch over from the console that holds it, be it frozen or at work: that one can no longer act.
    #[arg(long, requires = "launch")]
    take_over: bool,
    /// Where records wait while the launch's disk refuses them; unless named, a folder of yours on another disk.
    #[arg(long, value_name = "DIR")]
    side: Option<PathBuf>,
    /// The group whose members may watch this launch and ask in it, each from an account of its own. They can stop,
    /// change and start nothing else.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// The role you act for.
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<String>,
    /// Your name in the journal.
    #[arg(long, env = "USER", value_name = "NAME", default_value = "operator")]
    name: String,
    #[command(flatten)]
    look: look::Wanted,
}

impl Common {
    /// Takes away what an earlier run left where this one is to write, before anything that may fail.
    ///
    /// # Errors
    /// Nothing can be written there.
    fn clear(&self) -> anyhow::Result<()> {
        self.junit.as_deref().map_or(Ok(()), outfile::clear)
    }
}

/// Parses the arguments, runs the subcommand, and answers with its exit code.
#[must_use]
pub fn run() -> i32 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { WRONG } else { 0 };
        }
    };
    // What these print is all they say: whoever stops reading it has seen enough.
    let says_all = matches!(
        cli.command,
        Command::Kinds(_)
            | Command::Keys
            | Command::Schema
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Log(_)
    );
    let done = match cli.command {
        Command::Rehearse(arguments) => rehearse::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Gate(arguments) => gate::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),

        Command::Kinds(arguments) => kinds::run(&arguments),
        Command::Keys => keys::run(),
        Command::Schema => schema::run(),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man(arguments) => manual::pages(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
        Command::Approve(arguments) => approve::run(&arguments),
        Command::Log(arguments) => log::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::WhatIf(arguments) => what_if::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Bundle(arguments) => bundle::bundle(&arguments),
        Command::Keygen(arguments) => bundle::keygen(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Watch(arguments) => watch::run(&arguments),
        Command::Incident(arguments) => incident::run(&arguments),
        Command::Note(arguments) => note::note(&arguments),
        Command::Hold(arguments) => ask::hold(&arguments),
        Command::Release(arguments) => ask::release(&arguments),
        Command::Vote(arguments) => ask::vote(&arguments),
        Command::Acknowledge(arguments) => ask::acknowledge(&arguments),
        Command::Amend(arguments) => amend::run(&arguments),
        Command::Judge(arguments) => judge::judge(&arguments),
        Command::Sign(arguments) => judge::sign(&arguments),
        Command::Attest(arguments) => ask::attest(&arguments),
        Command::Brief(arguments) => brief::run(&arguments),
        Command::Evidence(arguments) => closing::evidence(&arguments),
        Command::Close(arguments) => closing::close(&arguments),
        Command::Waive(arguments) => ask::waive(&arguments),
        Command::Playbook(arguments) => ask::playbook(&arguments),
        Command::Trigger(arguments) => ask::trigger(&arguments),
        Command::Choose(arguments) => ask::choose(&arguments),
    };
    done.unwrap_or_else(|error| {
        let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
        if says_all && error.downcast_ref::<std::io::Error>().is_some_and(gone) {
            return 0;
        }
        say::err!("tminus: {}", printable_lines(&covered(&format!("{error:#}"))));
        WRONG
    })
}

/// The table of subcommands.
fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// How long what still reads or writes may take once a command is through: a disk that hangs keeps nobody here.
const PARTING: Duration = Duration::from_secs(1);

/// Runs what flies a launch on a runtime of its own.
fn fly<T>(flying: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = runtime()?;
    let flown = runtime.block_on(flying);
    runtime.shutdown_timeout(PARTING);
    flown
}

/// The runtime of every subcommand that needs one.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
