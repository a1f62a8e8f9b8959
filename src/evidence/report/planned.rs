//! Planned against actual: when each phase opened, T-0, how long holds, soaks and rollbacks took, and of a rehearsal
//! how soon each fault was noticed and answered.

use std::time::Duration;

use super::document::{Cell, Section, Table, Tone};
use super::say;
use super::soaks;
use super::story::Story;
use crate::launch::event::{Mode, RollbackEnd};
use crate::launch::plan::Act;
use crate::launch::time::{Instant, Mark, millis};

/// Later than planned by more than this is told as late.
const GRACE: i64 = 60_000;

pub(super) fn section(story: &Story) -> Section {
    let mut section = Section::new("planned", "Planned against actual");
    section.table(marks(story));
    section.table(spans(story));
    section.table(drilled(story));
    if section.blocks.is_empty() {
        section.text(Cell::muted("Nothing was planned for a time."));
    }
    section
}

/// When T was to be at `mark`: by the T-0 that was published first, with the plan's holds on the way.
fn planned_at(story: &Story, mark: Mark) -> Option<Instant> {
    let t0 = story.course.published.first()?.t0;
    let holds = &story.board.plan.clock.holds;
    let held: i64 =
        holds.iter().filter(|hold| hold.at.0 > 0 && hold.at.0 <= mark.0).map(|hold| millis(hold.length)).sum();
    Some(Instant(t0.0.saturating_sub(mark.0).saturating_sub(held)))
}

/// By the wall; of a rehearsal by its own time, since its wall knows nothing of it.
fn at(story: &Story, at: Instant) -> String {
    let since = say::between(story.opened(), at);
    if story.board.mode == Mode::Rehearsal {
        let sign = if since < 0 { '-' } else { '+' };
        return format!("{sign}{}", say::span(Duration::from_millis(since.unsigned_abs())));
    }
    let opened = story.wall(story.opened());
    let ahead = chrono::TimeDelta::try_milliseconds(since).unwrap_or_default();
    opened.and_then(|wall| wall.checked_add_signed(ahead)).map(say::stamp).unwrap_or_default()
}

fn marks(story: &Story) -> Table {
    let unit = if story.board.mode == Mode::Rehearsal { "since it was opened" } else { "UTC" };
    let mut table =
        Table::new(format!("When what came ({unit})"), &["what", "mark", "planned", "actual", "difference"]);
    let mut row = |what: String, mark: Mark, came: Option<Instant>| {
        let Some(planned) = planned_at(story, mark) else { return };
        let late = came.map(|came| say::between(planned, came));
        // Opened after its mark, it could only come at once.
        let before = planned < story.opened() && came == Some(story.opened());
        let tone = if late.is_some_and(|late| late > GRACE) && !before { Tone::Warn } else { Tone::Plain };
        table.row([
            what.into(),
            mark.to_string().into(),
            at(story, planned).into(),
            came.map_or_else(|| Cell::muted("never"), |came| at(story, came).into()),
            late.map_or_else(Cell::default, |late| Cell::toned(tone, say::late(late))),
        ]);
    };
    let mut t0_told = false;
    for phase in &story.board.plan.phases {
        if phase.at.0 <= 0 && !t0_told {
            row("T-0".to_owned(), Mark::T0, story.t0());
            t0_told = true;
        }
        let opened = story.board.phases.get(&phase.id).and_then(|state| state.opened);
        row(format!("phase {}", phase.title), phase.at, opened);
    }
    if !t0_told {
        row("T-0".to_owned(), Mark::T0, story.t0());
    }
    table
}

fn spans(story: &Story) -> Table {
    let (board, plan, now) = (&story.board, &story.board.plan, story.board.at);
    let mut table = Table::new("How long what took", &["what", "planned", "actual", "came to"]);
    for hold in &story.course.holds {
        let Some((title, length)) = &hold.planned else { continue };
        let lasted = hold.lasted(now);
        let tone = if lasted > *length + Duration::from_millis(1_000) { Tone::Warn } else { Tone::Plain };
        table.row([
            format!("hold at {}: {title}", hold.mark).into(),
            say::span(*length).into(),
            Cell::toned(tone, say::span(lasted)),
            if hold.until.is_some() { "over".into() } else { Cell::toned(Tone::Warn, "holds still") },
        ]);
    }
    for (id, ledger) in &board.soaks {
        let Some(Act::Soak(soak)) = plan.item(id).map(|item| &item.act) else { continue };
        let end = ledger.through.unwrap_or(ledger.until);
        let came_to = match ledger.through {
            Some(_) => soaks::full(ledger, "full".to_owned()),
            None => Cell::toned(Tone::Warn, format!("{} credited", say::span(ledger.credited))),
        };
        let took = say::span(end.since(ledger.since));
        table.row([format!("soak {id}").into(), say::span(soak.lasts).into(), took.into(), came_to]);
    }
    for run in board.rollbacks.iter().filter(|run| !matches!(run.end, Some(RollbackEnd::Joined { .. }))) {
        let deadline = plan.rollback(&run.id).map(|known| known.deadline);
        let took = run.elapsed(now);
        let tone = if deadline.is_some_and(|deadline| took > deadline) { Tone::Fail } else { Tone::Plain };
        let came_to = match &run.end {
            Some(RollbackEnd::Verified) => Cell::toned(Tone::Pass, "verified"),
            Some(end) => Cell::toned(Tone::Fail, end.words()),
            None => Cell::toned(Tone::Warn, "runs still"),
        };
        table.row([
            format!("rollback {} #{}", run.id, run.run).into(),
            deadline.map(|deadline| format!("at most {}", say::span(deadline))).unwrap_or_default().into(),
            Cell::toned(tone, say::span(took)),
            came_to,
        ]);
    }
    table
}

/// What became of each fault of a rehearsal.
fn drilled(story: &Story) -> Table {
    let mut table = Table::new(
        "Faults that were drilled",
        &["fault", "began", "noticed after", "by", "decided after", "verified after"],
    );
    for fault in &story.board.drilled {
        let since = |at: Instant| say::span(at.since(fault.began));
        let missing = || Cell::toned(Tone::Warn, "never");
        let verified = fault.runs.iter().find_map(|run| match &run.ended {
            Some((at, RollbackEnd::Verified)) => Some(*at),
            _ => None,
        });
        table.row([
            fault.fault.as_str().into(),
            say::t(fault.mark).into(),
            fault.noticed.as_ref().map_or_else(missing, |noticed| since(noticed.at).into()),
            fault.noticed.as_ref().map(|noticed| format!("{}: {}", noticed.by, noticed.why)).unwrap_or_default().into(),
            fault.fired.first().map_or_else(
                || Cell::muted("no trigger fired"),
                |(at, id)| format!("{} (trigger {id})", since(*at)).into(),
            ),
            match (fault.runs.is_empty(), verified) {
                (true, _) => Cell::muted("no rollback"),
                (false, Some(at)) => since(at).into(),
                (false, None) => missing(),
            },
        ]);
    }
    table
}
