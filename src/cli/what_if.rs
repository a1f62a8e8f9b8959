//! `tminus what-if LAUNCH PLAN`: the samples that a launch kept, through the thresholds of another plan: when each trigger
//! would have fired beside when it did. Reads only. Exit codes: 0 it is told, 2 not all of the journal or of the samples
//! could be believed, or the launch was amended under way.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::frozen::Frozen;
use super::say::{self, err};
use super::{CANNOT_TELL, assemble};
use crate::base::text::printable;
use crate::engine::what_if::{Course, Flown, Told};
use crate::journal::{self, Purpose};
use crate::launch::board::Board;
use crate::launch::event::Event;
use crate::launch::id::{ObjectiveId, TriggerId};
use crate::launch::plan::{Objective, Plan};
use crate::launch::time::{Mark, clock_face};
use crate::plan::{self, Environment, Options};
use crate::ui::widgets::span;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
    /// The plan with other thresholds, windows or triggers. What it asks is what the launch's plan asked: its samples are
    /// all there is.
    plan: PathBuf,
}

/// # Errors
/// The folder is no launch, or a plan does not load.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let frozen = Frozen::open(&arguments.launch)?;
    let source = assemble::read(&arguments.plan)?;
    let options = Options { without_secrets: true, ..frozen.site.options() };
    let loaded = plan::load(source.clone(), &Environment::of_process(), &options);
    let loaded = loaded.map_err(|wrong| anyhow::anyhow!("{}", source.render(&wrong, false)))?;
    let edited = Arc::new(loaded.plan);
    let (mut flown, mut board) = (Flown::default(), Board::new(Arc::clone(&frozen.first)));
    board.revisions.learn(&frozen.plan);
    let mut fired: BTreeMap<TriggerId, Mark> = BTreeMap::new();
    let opened = journal::open_each(&frozen.folder, Purpose::Read, &mut |record| {
        board.apply(&record);
        if let Event::TriggerFired { trigger, .. } = &record.event {
            fired.entry(trigger.clone()).or_insert_with(|| board.mark_at(record.at));
        }
        flown.take(record);
    })?;
    let samples = frozen.folder.samples();
    let (was, told) = (flown.told(&frozen.plan, &samples), flown.told(&edited, &samples));
    say::whole(&text(&board, &fired, &was, &told, &edited));
    for notice in &opened.noticed {
        err!("tminus: {notice}");
    }
    for doubt in &told.doubts {
        err!("tminus: {}", printable(doubt));
    }
    Ok(if opened.noticed.is_empty() && told.doubts.is_empty() { 0 } else { CANNOT_TELL })
}

fn text(board: &Board, fired: &BTreeMap<TriggerId, Mark>, was: &Told, told: &Told, edited: &Plan) -> String {
    let mut out = format!("{}: its samples through other thresholds\n\n", printable(&board.plan.title));
    let never = || "never".to_owned();
    for trigger in &edited.triggers {
        let fired = fired.get(&trigger.id).map_or_else(never, |mark| face(*mark));
        let would = told.fired.get(&trigger.id);
        let words = would.map_or_else(never, |fired| face(fired.mark));
        let why = would.map(|fired| format!(": {}", printable(&fired.why))).unwrap_or_default();
        let _ = writeln!(out, "trigger {}: fired {fired}, would have fired {words}{why}", trigger.id);
    }
    for (trigger, mark) in fired.iter().filter(|(id, _)| !edited.triggers.iter().any(|known| known.id == **id)) {
        let _ = writeln!(out, "trigger {trigger}: fired {}, and is not in the edited plan", face(*mark));
    }
    out.push('\n');
    for objective in &edited.objectives {
        let line = |known: Option<&Course>| known.map_or_else(|| "not evaluated".to_owned(), words);
        let old = board.plan.objectives.iter().find(|known| known.id == objective.id);
        let old = old.map_or_else(|| "not in the plan".to_owned(), |old: &Objective| old.that.words());
        let (before, after) = (line(was.objectives.get(&objective.id)), line(told.objectives.get(&objective.id)));
        let _ = writeln!(out, "objective {}: {old}: {before}; {}: {after}", objective.id, objective.that.words());
    }
    let gone = |id: &ObjectiveId| !edited.objectives.iter().any(|known| known.id == *id);
    for (id, course) in was.objectives.iter().filter(|(id, _)| gone(id)) {
        let _ = writeln!(out, "objective {id}: {}; not in the edited plan", words(course));
    }
    out.push_str(
        "\nWhat people and rollbacks did then is left as it was: from the first that differs it is a guess.\n",
    );
    out
}

fn words(course: &Course) -> String {
    let untold = match course.untold.is_zero() {
        true => String::new(),
        false => format!(", {} not told", span::short(course.untold)),
    };
    match course.breaches {
        0 => format!("no breach{untold}"),
        1 => format!("1 breach of {}{untold}", span::short(course.breached)),
        n => format!("{n} breaches of {} in all{untold}", span::short(course.breached)),
    }
}

fn face(mark: Mark) -> String {
    let whole = mark.0.saturating_add(500).div_euclid(1_000).saturating_mul(1_000);
    let sign = if whole > 0 { '-' } else { '+' };
    format!("at T{sign}{}", clock_face(whole))
}
