//! `tminus incident LAUNCH …`: incidents from any terminal. Opening and changing one is a request to the
//! console that holds the launch; looking reads the journal. Exit codes as of `tminus note`; 3 where there is no
//! such incident.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::ask::{Asking, ask_of};
use super::frozen::{Frozen, one_of};
use super::say::{err, out, whole};
use crate::base::text::{cut, printable};
use crate::engine::attached::reading::Reading;
use crate::evidence;
use crate::launch::board::Board;
use crate::launch::command::Command;
use crate::launch::id::SeverityId;
use crate::launch::incident::{Change, Incident, Stage, by_weight, find};

/// A title in the list, in columns.
const TITLE: usize = 60;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
    #[command(subcommand)]
    what: What,
    /// The role you act for; a scribe needs none.
    #[arg(long = "as", value_name = "ROLE", global = true)]
    role: Option<String>,
    /// Your name in the journal.
    #[arg(long, env = "USER", value_name = "NAME", default_value = "operator", global = true)]
    name: String,
    /// How long to wait for the answer of the console that holds the launch.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration, global = true)]
    wait: Duration,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Open an incident.
    Open {
        /// What is wrong.
        #[arg(required = true)]
        title: Vec<String>,
        /// How bad it is, by the plan's guide; triage decides where nobody knows yet.
        #[arg(long)]
        severity: Option<String>,
        /// Who or what noticed it: you, unless named.
        #[arg(long, value_name = "WHO")]
        detected_by: Option<String>,
    },
    /// Say more of incident N: severity, commander, impact, mitigation, follow-up, stage, note, acknowledge.
    Set {
        /// Its number, as `tminus incident LAUNCH list` tells it.
        number: u32,
        /// One of severity, commander, impact, mitigation, follow-up, stage, note, and acknowledge, which takes no value.
        field: String,
        /// What it is. Of `stage` one of active, mitigated, resolved and closed; for `stage active` also why it is active
        /// again.
        value: Vec<String>,
    },
    /// One line for each incident, the worst open one first.
    List,
    /// Everything known of incident N.
    Show { number: u32 },
    /// The record of incident N as Markdown.
    Export { number: u32 },
}

const FIELDS: [&str; 8] =
    ["severity", "commander", "impact", "mitigation", "follow-up", "stage", "note", "acknowledge"];

/// # Errors
/// The arguments or the folder are wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let Arguments { launch, what, role, name, wait } = arguments;
    let asking = || Asking { launch: launch.clone(), role: role.clone(), name: name.clone(), wait: *wait };
    match what {
        What::Open { title, severity, detected_by } => ask_of(&asking(), |frozen, _| {
            let severity = severity.as_deref().map(|severity| known_severity(frozen, severity)).transpose()?;
            let detected_by = detected_by.clone().unwrap_or_else(|| name.clone());
            Ok(Command::OpenIncident { title: title.join(" "), severity, detected_by })
        }),
        What::Set { number, field, value } => ask_of(&asking(), |frozen, _| {
            Ok(Command::ChangeIncident { incident: *number, change: change(frozen, field, &value.join(" "))? })
        }),
        What::List => {
            let board = read(&Frozen::open(launch)?)?;
            by_weight(&board).into_iter().for_each(|known| out!("{}", line(known)));
            Ok(0)
        }
        What::Show { number } => {
            let board = read(&Frozen::open(launch)?)?;
            evidence::incident::lines(one(&board, *number)?, &board).iter().for_each(|line| out!("{line}"));
            Ok(0)
        }
        What::Export { number } => {
            let frozen = Frozen::open(launch)?;
            let board = read(&frozen)?;
            whole(&frozen.redactor.text(&evidence::incident::markdown(one(&board, *number)?, &board)));
            Ok(0)
        }
    }
}

fn known_severity(frozen: &Frozen, severity: &str) -> anyhow::Result<SeverityId> {
    let known = frozen.plan.severities.iter().map(|known| known.id.as_str());
    one_of("severity", severity, known).map(SeverityId::new)
}

fn change(frozen: &Frozen, field: &str, value: &str) -> anyhow::Result<Change> {
    let field = one_of("field of an incident", field, FIELDS.into_iter())?;
    if value.trim().is_empty() != (field == "acknowledge") {
        bail!(if field == "acknowledge" {
            "`acknowledge` takes no value"
        } else {
            "say what it is: the value is missing"
        });
    }
    let words = value.trim().to_owned();
    Ok(match field {
        "severity" => Change::Severity(known_severity(frozen, value)?),
        "commander" => Change::Commander(words),
        "impact" => Change::Impact(words),
        "mitigation" => Change::Mitigation(words),
        "follow-up" => Change::FollowUp(words),
        "note" => Change::Note(words),
        "acknowledge" => Change::Acknowledged,
        _ => {
            let (word, why) = words.split_once(char::is_whitespace).unwrap_or((&words, ""));
            let known = one_of("stage", word, Stage::WORDS.into_iter().map(|(known, _)| known))?;
            let stage =
                Stage::WORDS.iter().find(|(other, _)| *other == known).map_or(Stage::Active, |(_, stage)| *stage);
            match (stage, why.trim()) {
                (Stage::Active, "") => bail!("say why it is active again: `stage active WHY`"),
                (Stage::Active, why) => Change::Relapsed(why.to_owned()),
                (stage, "") => Change::Stage(stage),
                _ => bail!("`stage {word}` takes no reason: say it as a note or a mitigation"),
            }
        }
    })
}

/// The board as the journal tells it now; what makes it doubtful is said on standard error.
fn read(frozen: &Frozen) -> anyhow::Result<Board> {
    let mut reading = Reading::new(frozen.folder.clone(), Arc::clone(&frozen.plan));
    reading.read_on(&mut |_, _| {});
    if let Some(wrong) = reading.signs().wrong {
        err!("tminus: {}", printable(wrong));
    }
    Ok(reading.board().clone())
}

fn one(board: &Board, number: u32) -> anyhow::Result<&Incident> {
    let Some(known) = find(board, number) else {
        let all: Vec<String> = board.incidents.iter().map(|known| known.number.to_string()).collect();
        let all = if all.is_empty() { "none was opened".to_owned() } else { format!("there are {}", all.join(", ")) };
        bail!("no incident {number}: {all}");
    };
    Ok(known)
}

fn line(known: &Incident) -> String {
    let severity = known.severity.as_ref().map_or("no severity", |severity| severity.as_str());
    let commander = known.commander.as_deref().map_or("no commander".to_owned(), printable);
    let (stage, opened) = (known.stage.word().to_uppercase(), known.opened.wall.format("%Y-%m-%dT%H:%M:%SZ"));
    let title = cut(&printable(&known.title), TITLE);
    format!("{:>3}  {severity:<11}  {stage:<9}  {opened}  {commander}  {title}", known.number)
}
