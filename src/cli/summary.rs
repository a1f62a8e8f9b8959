//! What a headless launch leaves on standard output: phases, verdicts, countdown, rollbacks, and where
//! everything lies. And the exit code all of it comes to.

use std::fmt::Write as _;
use std::path::Path;

use super::strangers::strangers;
use crate::base::text::printable;
use crate::engine::rollback;
use crate::launch::board::{Board, ItemState, Progress};
use crate::launch::countdown;
use crate::launch::event::{Mode, RollbackEnd, Vote};
use crate::launch::id::ItemId;
use crate::launch::rollback::RollbackRun;
use crate::launch::telling::{approver, end_words};
use crate::launch::time::{Instant, Mark, clock_face};
use crate::launch::verdict::{Outcome, Verdict};
use crate::launch::{gate, late, poll, recurring, schedule, waiver};
use crate::ui::widgets::span;

mod document;
pub mod drills;
mod watched;

pub use document::document;

/// The exit code of a launch (console.md): 0 go · 1 no-go · 2 cannot tell, as of one that was left half
/// way with nothing red · 4 rolled back. A drill or a
/// rehearsal of a rollback never changes it.
#[must_use]
pub fn exit_code(board: &Board, now: Instant) -> i32 {
    let worst = board
        .plan
        .phases
        .iter()
        .filter_map(|phase| {
            let standing = gate::standing(board, phase, now);
            // What a rollback set back is known: that is no doubt.
            let undone = |id: &ItemId| board.item(id).is_some_and(|state| state.undone.is_some());
            let open = standing.blocking.iter().filter(|(id, _)| !undone(id));
            if standing.is_clear() { None } else { open.filter_map(|(_, verdict)| *verdict).max() }
        })
        .max();
    let rolled_back = board.mode == Mode::Launch && board.rollbacks.iter().any(RollbackRun::has_acted);
    let all_clear = board.plan.phases.iter().all(|phase| gate::standing(board, phase, now).is_clear());
    let lifted = board.clock.as_ref().is_none_or(|clock| clock.t0.is_some());
    match worst {
        // What is not recorded nobody can tell.
        _ if board.unwritten.is_some() => 2,
        _ if rolled_back => 4,
        Some(Verdict::Unknown | Verdict::Stale) => 2,
        None if board.ended.is_none() && !(all_clear && lifted) => 2,
        Some(_) => 1,
        None if !lifted => 1,
        // Something of it has no verdict at all: that is not GO.
        None if !all_clear => 2,
        None => 0,
    }
}

/// The summary, for a person.
#[must_use]
pub fn text(board: &Board, now: Instant, folder: &str) -> String {
    let mut out = String::new();
    let stamp = if board.mode == Mode::Rehearsal { " · REHEARSAL, crew scripted" } else { "" };
    let _ = writeln!(out, "{} · {}{stamp}\n", board.plan.title, board.plan.environment);
    phases(board, now, &mut out);
    times(board, now, &mut out);
    for (name, why) in board.uncaptured() {
        let _ = writeln!(out, "baseline {name}: not captured, {}", printable(why.unwrap_or("not yet looked at")));
    }
    clock(board, now, &mut out);
    watched::tell(board, now, &mut out);
    for run in &board.rollbacks {
        let end = run.end.as_ref().map_or("still running", RollbackEnd::words);
        let took = humantime::format_duration(std::time::Duration::from_millis(
            u64::try_from(run.elapsed(now).as_millis()).unwrap_or(0),
        ));
        let word = if run.by.scripted { "rollback drill" } else { "rollback" };
        let steps = if run.steps.len() == 1 { "step" } else { "steps" };
        let _ = writeln!(out, "{word} {} #{}: {end}, {} {steps} in {took}", run.id, run.run, run.steps.len());
        second_keys(run, &mut out);
        for (check, report) in &run.verified {
            let _ = writeln!(out, "  verify {check}: {} · {}", report.verdict, printable(&report.summary));
        }
    }
    unjournaled(board, Path::new(folder), &mut out);
    let _ = writeln!(
        out,
        "\njournal    {folder}/journal.db ({} records)\nartifacts  {folder}/{{steps,rollback,streams}}",
        board.seq
    );
    // What it came to is the last line that stays on the screen.
    if let Some(why) = &board.ended {
        let _ = writeln!(out, "\nended: {}", printable(why));
    }
    out
}

/// Who turned the second keys of a rollback, and what stood in for steps that failed.
fn second_keys(run: &RollbackRun, out: &mut String) {
    for key in &run.approvals {
        let by = key.by.as_ref().map(|by| format!("approved by {}", approver(by)));
        let by = by.unwrap_or_else(|| format!("NOT APPROVED by {}", key.role));
        let _ = writeln!(out, "  {}: {}", key.step, printable(&by));
    }
    for (told, fallback) in run.steps.iter().filter_map(|told| Some((told, told.fallback.as_ref()?))) {
        let end = fallback.end.as_ref().map_or("still running", |(verdict, _)| verdict.word());
        let _ = writeln!(out, "  {}: failed, its fallback: {end}", told.step);
    }
}

/// Rollbacks that this journal was not told of, as of a launch that had ended before them.
fn unjournaled(board: &Board, launch: &Path, out: &mut String) {
    let known = |run: u32| board.rollbacks.iter().any(|known| known.run == run);
    let found = strangers(launch, known).unwrap_or_else(|why| {
        let _ = writeln!(out, "the folder of rollbacks cannot be read, there may have been some: {why}");
        Vec::new()
    });
    for found in found {
        let end = rollback::progress(launch, found.run, &found.rollback).end;
        let end = end.as_ref().map_or_else(|| "no end is told".to_owned(), |end| printable(&end_words(end)));
        let id = printable(found.rollback.as_str());
        let _ = writeln!(out, "rollback {id} #{}: {end}, by its runner's own log; it is not in the journal", found.run);
    }
}

fn phases(board: &Board, now: Instant, out: &mut String) {
    for phase in &board.plan.phases {
        let standing = gate::standing(board, phase, now);
        let word = match standing.worst {
            _ if standing.is_clear() => "pass",
            Some(worst) if !standing.blocking.is_empty() => worst.word(),
            _ => "not run",
        };
        let waivers = waiver::with(standing.waivers);
        let marked = if standing.marked > 0 { format!(", {} marked by hand", standing.marked) } else { String::new() };
        let taken = standing.taken_on_words(", ");
        let skipped = match standing.passed_over {
            0 => String::new(),
            n => format!(", {n} skipped by a choice"),
        };
        let (title, counts) = (&phase.title, format!("{}/{}", standing.clear, standing.total));
        let _ = writeln!(out, "{:<8} {title}: {word} {counts}{waivers}{marked}{taken}{skipped}", phase.at.to_string());
        for (id, verdict) in standing.blocking.iter().filter(|(_, verdict)| verdict.is_some()) {
            let state = board.item(id);
            let why = state.map(|state| match &state.progress {
                Progress::Blocked { by } => format!("not run, {by}"),
                _ => why(state),
            });
            let verdict = verdict.map_or("not run", Verdict::word);
            let _ = writeln!(out, "           {verdict:<7} {id}: {}", printable(&why.unwrap_or_default()));
        }
        let late = late::unopened(board, phase, now);
        if let Some(late) = late.map(span::seconds) {
            let by = schedule::kept_by(board, phase, now).map(|gate| format!(", kept by {gate}")).unwrap_or_default();
            let _ = writeln!(out, "           late    could not open for {late}{by}");
        }
    }
}

/// What is due and was not done, and what comes again.
fn times(board: &Board, now: Instant, out: &mut String) {
    for (item, late) in late::items(board, now) {
        let _ = writeln!(out, "late: {} for {}, since {}", item.id, span::seconds(late), item.at);
    }
    for item in board.plan.phases.iter().flat_map(|phase| &phase.items).filter_map(|id| board.plan.item(id)) {
        if let Some(words) = recurring::words(board, item) {
            let _ = writeln!(out, "recurs: {} {words}", item.id);
        }
    }
}

/// What a person or a check said of an item; else how its process ended.
fn why(state: &ItemState) -> String {
    if let Some(undone) = &state.undone {
        return undone.clone();
    }
    let retried = state.retried().map(|retried| format!(", {retried}")).unwrap_or_default();
    let report = state.report.as_ref().map(|report| format!("{}{retried}", report.summary));
    report.or_else(|| state.outcome.as_ref().map(Outcome::words)).unwrap_or_default()
}

fn clock(board: &Board, now: Instant, out: &mut String) {
    let Some(clock) = board.clock_at(now) else { return };
    let mark = Mark(clock.mark().0.div_euclid(1000) * 1000);
    let state = match clock.phase {
        countdown::Phase::Counting => format!("counting at {mark}"),
        countdown::Phase::Holding => format!("holding at {mark}"),
        countdown::Phase::Liftoff => "T-0 was reached".to_owned(),
        countdown::Phase::Scrubbed => format!("scrubbed at {mark}"),
        countdown::Phase::Cutoff => format!("cut off at {mark}"),
    };
    let sign = if clock.slip() < 0 { '-' } else { '+' };
    let _ = writeln!(out, "\ncountdown: {state}, slip {sign}{}, attempt {}", clock_face(clock.slip()), clock.attempt);
    let votes: Vec<String> = board
        .plan
        .poll
        .iter()
        .map(|role| {
            let ballot = board.votes.get(role);
            let word = ballot.map_or("no vote", |ballot| match ballot.vote {
                Vote::Go => "GO",
                Vote::NoGo { .. } => "NO-GO",
                Vote::GoWithWaiver { .. } => "GO WITH WAIVER",
            });
            let stamp = if ballot.is_some_and(|ballot| ballot.by.scripted) { " (scripted)" } else { "" };
            format!("{role} {word}{stamp}")
        })
        .collect();
    let tally = poll::tally(board, now);
    for word in &tally.marked {
        let _ = writeln!(out, "by hand: {}", printable(word));
    }
    if tally.criteria > 0 {
        let _ = writeln!(out, "criteria: {} of {}", tally.clear, tally.criteria);
    }
    for word in tally.waived {
        let _ = writeln!(out, "waiver: {}", printable(&word));
    }
    if !votes.is_empty() {
        let _ = writeln!(out, "poll: {}", votes.join(", "));
    }
}
