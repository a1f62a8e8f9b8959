//! What a launch without a console waits for, in words: said when it changes, and when it is left.

use crate::base::text::printable;
use crate::launch::board::{Board, Progress};
use crate::launch::countdown::{BUILT_IN, Phase};
use crate::launch::late;
use crate::launch::plan::{Act, Item};
use crate::launch::recovery::{self, Way};
use crate::launch::time::{Instant, Mark};
use crate::launch::verdict::Outcome;
use crate::launch::{poll, recurring, schedule};
use crate::ui::action::Action;
use crate::ui::keymap::Keymap;

/// Says, once, whatever it waits for next.
#[derive(Debug, Default)]
pub struct Said(String);

impl Said {
    /// The line to say, where it is another than the last.
    pub fn next(&mut self, board: &Board, now: Instant) -> Option<String> {
        let words = words(board, now)?;
        if words == self.0 {
            return None;
        }
        self.0.clone_from(&words);
        Some(format!("{} waits: {words}", board.mark_at(now).face()))
    }
}

/// What it waits for by itself or for a person; none while checks look, and once it is over.
fn words(board: &Board, now: Instant) -> Option<String> {
    let clock = board.clock_at(now).filter(|_| board.ended.is_none())?;
    let steps: Vec<&str> = running_steps(board).collect();
    if !steps.is_empty() {
        return Some(format!("{} to end", steps.join(", ")));
    }
    if board.is_busy() {
        return None;
    }
    // What a freeze or a doubt wants of a person was said in full when it came.
    let thawed = board.frozen.iter().map(|_| "a person to lift the freeze".to_owned());
    let cut_off = recovery::waiting(board).map(|(item, _)| format!("a person to settle {}", item.id));
    let mut reasons: Vec<String> = thawed.chain(cut_off).chain(persons(board, now)).collect();
    if reasons.is_empty() {
        reasons.extend(held(board, now));
    }
    if matches!(clock.phase, Phase::Counting | Phase::Liftoff) {
        reasons.extend(ahead(board, now));
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// What a launch that stands still waits for, in the words of the first of it.
pub fn first(board: &Board, now: Instant) -> String {
    let blocked = poll::tally(board, now).blocking;
    let due = frozen(board).into_iter().chain(doubts(board)).chain(persons(board, now));
    let mut reasons = due.chain(blocked).chain(held(board, now)).chain(again(board, now));
    reasons.next().unwrap_or_else(|| "only a person can go on".to_owned())
}

fn in_order(board: &Board) -> impl Iterator<Item = &Item> {
    board.plan.phases.iter().flat_map(|phase| &phase.items).filter_map(|id| board.plan.0.items.get(id))
}

fn running_steps(board: &Board) -> impl Iterator<Item = &str> {
    let runs = |item: &&Item| board.item(&item.id).is_some_and(|state| state.is_running());
    in_order(board).filter(|item| matches!(item.act, Act::Step { .. })).filter(runs).map(|item| item.id.as_str())
}

/// Items that are due and wait for a person, with how late they are.
fn persons(board: &Board, now: Instant) -> impl Iterator<Item = String> {
    let due = in_order(board).filter(move |item| {
        let ended = board.item(&item.id).is_some_and(|state| matches!(state.progress, Progress::Ended { .. }));
        !ended && schedule::due(board, item, now) == schedule::Due::Now
    });
    due.filter_map(move |item| {
        let words = match &item.act {
            Act::Step { .. } if !item.auto => format!("{} waits for a person's key", item.id),
            Act::Poll { .. } => format!("{} waits for its votes", item.id),
            Act::Signoff { .. } => format!("{} waits for its signatures", item.id),
            act if act.is_persons() => format!("{} needs a person's word", item.id),
            _ => return None,
        };
        let late = late::late(board, item, now).map(|_| ", and is late").unwrap_or_default();
        Some(format!("{words}{late}"))
    })
}

fn held(board: &Board, now: Instant) -> Vec<String> {
    let Some(clock) = board.clock_at(now) else { return Vec::new() };
    let held = clock.latches.iter().map(|(who, why)| match (who.as_str(), clock.hold_left()) {
        (BUILT_IN, Some(left)) if left.is_zero() => "the hold is over, and a person resumes".to_owned(),
        (BUILT_IN, _) => format!("the hold at {} lasts on", clock.mark()),
        _ => printable(&format!("held by {who}: {}", why.join(", "))),
    });
    let mut held: Vec<String> = held.collect();
    if clock.phase == Phase::Holding && held.is_empty() {
        held.push("every hold is released, and a person resumes".to_owned());
    }
    held
}

/// What comes next by time alone, by its mark: it does not change while T runs.
fn ahead(board: &Board, now: Instant) -> Option<String> {
    let t = board.mark_at(now);
    let clock = board.clock_at(now)?;
    let phases = board.plan.phases.iter().filter(|phase| phase.at < t).map(|phase| (phase.at, phase.id.to_string()));
    let items = in_order(board).filter(|item| item.at < t).map(|item| (item.at, item.id.to_string()));
    let holds = board.plan.clock.holds.iter().filter(|hold| clock.t0.is_none() && hold.at < t);
    let holds = holds.map(|hold| (hold.at, hold.title.clone()));
    let zero = clock.t0.is_none().then(|| (Mark::T0, "liftoff".to_owned()));
    // Of what shares a mark the last named: a phase tells more than its items.
    let next = items.chain(zero).chain(holds).chain(phases).max_by_key(|(mark, _)| *mark);
    next.map(|(mark, what)| printable(&format!("{what} at {mark}"))).or_else(|| again(board, now))
}

/// The next of what recurs, by its mark.
pub fn again(board: &Board, now: Instant) -> Option<String> {
    let due = in_order(board).filter_map(|item| Some((recurring::next(board, item, now)?, item)));
    let (at, item) = due.filter(|(at, _)| *at > now).min_by_key(|(at, _)| *at)?;
    let mark = board.mark_at(now).0.saturating_sub(at.0.saturating_sub(now.0));
    Some(format!("{} comes again at {}", item.id, Mark(mark.div_euclid(1000) * 1000)))
}

fn frozen(board: &Board) -> Option<String> {
    board.frozen.as_ref().map(|why| thaw(why))
}

/// What a freeze wants of a person.
pub fn thaw(why: &str) -> String {
    format!(
        "FROZEN: {}; only a rollback runs. Look what is right now; then, in the console, press `{}` to lift the freeze \
         with a reason",
        printable(why),
        Keymap::default().label(Action::Release).unwrap_or_else(|| "release".to_owned()),
    )
}

/// The steps whose outcome nobody knows, and what a person has to do about each.
fn doubts(board: &Board) -> Option<String> {
    let told = in_order(board).filter_map(|item| Some(doubt(board, item, recovery::way(item, board.item(&item.id)?)?)));
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("\n          "))
}

pub fn doubt(board: &Board, item: &Item, way: Way) -> String {
    let outcome = board.item(&item.id).and_then(|state| state.outcome.as_ref());
    let why = printable(&outcome.map(Outcome::words).unwrap_or_default());
    match way {
        Way::Key => format!("{} waits for a person's key to run again: {why}", item.id),
        Way::Word => format!(
            "{} needs a person's word: {why}. Look by hand what it did; then, in the console, mark it done, mark it \
             failed, or repeat it, each with a reason",
            item.id
        ),
    }
}
