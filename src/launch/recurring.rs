//! Items that are due again and again: from the launch's own time alone it follows that the next occurrence
//! has come, so a console that comes back after days counts what was missed, once. A gate that the item let
//! on stays so until the new occurrence has a verdict. Pure; starts nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::{Months, TimeDelta};

use super::board::{Board, item_of};
use super::branch;
use super::countdown::{self, Countdown};
use super::event::{Event, Recorded};
use super::id::ItemId;
use super::item::{ItemState, Progress};
use super::plan::{Act, Every, Item, Plan};
use super::recovery;
use super::schedule::Timed;
use super::time::{Instant, millis};

/// An item that was due more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurring {
    /// When its mark came: occurrences are counted from here, whatever the countdown does later.
    pub from: Instant,
    /// 1 for the first time after the one at its mark.
    pub occurrence: u32,
    pub due_at: Instant,
    /// Occurrences that nobody did, all in all.
    pub missed: u32,
    /// How it stood before it was due once more, until this occurrence has a verdict.
    before: Option<Arc<ItemState>>,
}

/// When the present occurrence of an item became due; none before the first after its mark.
#[must_use]
pub fn due_at(board: &Board, item: &ItemId) -> Option<Instant> {
    board.recurring.get(item).map(|known| known.due_at)
}

/// How an item that is due once more stood before, until the new occurrence has a verdict.
#[must_use]
pub fn stood<'b>(board: &'b Board, item: &ItemId, state: &ItemState) -> Option<&'b ItemState> {
    let before = board.recurring.get(item)?.before.as_deref()?;
    (matches!(state.progress, Progress::Waiting) || state.is_running()).then_some(before)
}

/// When `item` is due once more; none where it does not recur, or its mark has not come.
#[must_use]
pub fn next(board: &Board, item: &Item, now: Instant) -> Option<Instant> {
    let (every, known) = (item.every?, board.recurring.get(&item.id));
    if board.mark_at(now) > item.at {
        return None;
    }
    let from = known.map_or_else(|| board.course.came(item.at, now), |known| Some(known.from))?;
    occurrence_at(board, every, from, known.map_or(1, |known| known.occurrence.saturating_add(1)))
}

/// The next instants at which something recurs by time alone.
pub(super) fn next_at(board: &Board, now: Instant) -> impl Iterator<Item = Instant> {
    all(board).filter(|(item, state)| may(board, item, state)).filter_map(move |(item, _)| next(board, item, now))
}

/// Items whose next occurrence has come at `now`.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let mut events: Vec<Timed> = all(board).filter_map(|(item, state)| recurred(board, item, state, now)).collect();
    events.sort_by_key(|(at, _)| *at);
    events.into_iter().map(|(at, event)| (at.max(board.at), event)).collect()
}

/// Whether an occurrence of `item` has come by `now` that no record tells of yet.
#[must_use]
pub fn has_come(board: &Board, item: &Item, now: Instant) -> bool {
    next(board, item, now).is_some_and(|at| at <= now)
}

fn all(board: &Board) -> impl Iterator<Item = (&Item, &ItemState)> {
    let over = |clock: &Countdown| matches!(clock.phase, countdown::Phase::Scrubbed | countdown::Phase::Cutoff);
    let over = board.clock.as_ref().is_none_or(over);
    let recurring = board.plan.items.values().filter(move |item| item.every.is_some() && !over);
    recurring.filter_map(|item| Some((item, board.item(&item.id)?)))
}

/// What runs is not started beside itself, and a step of unknown outcome waits for a person.
fn may(board: &Board, item: &Item, state: &ItemState) -> bool {
    let opened = board.phases.get(&item.phase).is_some_and(|phase| phase.opened.is_some());
    opened && !state.is_running() && !branch::is_over(state) && recovery::way(item, state).is_none()
}

fn recurred(board: &Board, item: &Item, state: &ItemState, now: Instant) -> Option<Timed> {
    let first = next(board, item, now).filter(|at| *at <= now && may(board, item, state))?;
    let (every, known) = (item.every?, board.recurring.get(&item.id));
    let from = known.map_or_else(|| board.course.came(item.at, now), |known| Some(known.from))?;
    let last = known.map_or(0, |known| known.occurrence);
    let mut due = (last.saturating_add(1), first);
    if let Every::Span(span) = every {
        let whole = now.0.saturating_sub(from.0) / millis(span).max(1);
        due.0 = due.0.max(u32::try_from(whole).unwrap_or(u32::MAX));
        due.1 = occurrence_at(board, every, from, due.0)?;
    } else {
        while let Some(at) = occurrence_at(board, every, from, due.0 + 1).filter(|at| *at <= now) {
            due = (due.0 + 1, at);
        }
    }
    let undone = u32::from(matches!(state.progress, Progress::Waiting | Progress::Blocked { .. }));
    let missed = due.0 - last - 1 + undone;
    Some((due.1, Event::ItemRecurred { item: item.id.clone(), occurrence: due.0, missed }))
}

/// When occurrence `nth` is due: each is reckoned from the first, so that the last of a month stays it.
fn occurrence_at(board: &Board, every: Every, from: Instant, nth: u32) -> Option<Instant> {
    match every {
        Every::Span(span) => {
            let all = millis(span).checked_mul(i64::from(nth)).filter(|all| *all > 0)?;
            from.0.checked_add(all).map(Instant)
        }
        Every::Month => {
            let since = TimeDelta::try_milliseconds(from.0 - board.course.opened()?.0)?;
            let wall = board.opened_at?.checked_add_signed(since)?;
            let due = wall.checked_add_months(Months::new(nth))?;
            from.0.checked_add((due - wall).num_milliseconds()).map(Instant)
        }
    }
}

/// Folds what concerns recurring items; any other record changes nothing.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    if let Event::ItemRecurred { item, occurrence, missed } = &record.event {
        return fold_recurred(board, record.at, item, *occurrence, *missed);
    }
    let Some(id) = item_of(&record.event) else { return };
    let (Some(known), Some(state)) = (board.recurring.get_mut(id), board.items.get(id)) else { return };
    // That it could not look is a word on this occurrence too.
    if matches!(state.progress, Progress::Ended { .. } | Progress::Blocked { .. }) {
        known.before = None;
    } else if let Some(before) = known.before.as_mut().map(Arc::make_mut) {
        // Said, if anything was, of the verdict it still stands by.
        before.waiver = state.waiver.clone().or(before.waiver.take());
        before.acknowledged |= state.acknowledged;
    }
}

fn fold_recurred(board: &mut Board, at: Instant, id: &ItemId, occurrence: u32, missed: u32) {
    let plan = Arc::clone(&board.plan.0);
    let Some((item, state)) = plan.items.get(id).zip(board.items.get(id).cloned()) else { return };
    let Some(every) = item.every else { return };
    let known = board.recurring.get(id);
    let from = known.map_or_else(|| board.course.came(item.at, at), |known| Some(known.from)).unwrap_or(at);
    let due_at = occurrence_at(board, every, from, occurrence).unwrap_or(at);
    // Of one that nobody did, what stood before it stands on.
    let before = Some(known.and_then(|known| known.before.clone()).unwrap_or(state));
    let missed = known.map_or(0, |known| known.missed).saturating_add(missed);
    board.recurring.insert(id.clone(), Recurring { from, occurrence, due_at, missed, before });
    if let Some(state) = board.items.get_mut(id).filter(|state| !state.is_running()) {
        let state = Arc::make_mut(state);
        state.progress = Progress::Waiting;
        (state.retries, state.cancelled) = (0, false);
        (state.waiver, state.acknowledged) = (None, false);
    }
}

/// The waiver of what stood before is over.
pub(super) fn waiver_ends(board: &mut Board, item: &ItemId) {
    let before = board.recurring.get_mut(item).and_then(|known| known.before.as_mut());
    if let Some(waiver) = before.and_then(|before| Arc::make_mut(before).waiver.as_mut()) {
        waiver.expired = true;
    }
}

/// How `item` stood before counts no more: the plan has passed over it.
pub(super) fn forget(board: &mut Board, item: &ItemId) {
    if let Some(known) = board.recurring.get_mut(item) {
        known.before = None;
    }
}

/// Under another plan, as of `now`: what recurs otherwise, or is done otherwise, is counted by the new plan from
/// here on, and nothing is missed that the old one did not ask for. What recurs no more stands as it stood.
pub(super) fn amended(board: &mut Board, old: &Plan, anew: impl Fn(&ItemId) -> bool, now: Instant) {
    let plan = Arc::clone(&board.plan.0);
    let mut earlier = std::mem::take(&mut board.recurring);
    for item in plan.items.values() {
        let (known, again) = (earlier.remove(&item.id), anew(&item.id));
        let same = old.item(&item.id).is_some_and(|was| was.every == item.every) && !again;
        let before = known.as_ref().and_then(|known| known.before.clone()).filter(|_| !again);
        let next = match item.every {
            _ if same => known,
            Some(every) => {
                let missed = known.as_ref().filter(|_| !again).map_or(0, |known| known.missed);
                let from = known.map(|known| known.from).or_else(|| board.course.came(item.at, now));
                let newest = from.and_then(|from| Some((from, newest_at(board, every, from, now)?)));
                newest.map(|(from, (occurrence, due_at))| Recurring { from, occurrence, due_at, missed, before })
            }
            None => {
                let state = board.items.get_mut(&item.id).filter(|state| !state.is_running());
                if let (Some(state), Some(before)) = (state, before) {
                    *state = before;
                }
                None
            }
        };
        board.recurring.extend(next.map(|next| (item.id.clone(), next)));
    }
}

/// The last occurrence after the one at the mark that has come by `now`, and when.
fn newest_at(board: &Board, every: Every, from: Instant, now: Instant) -> Option<(u32, Instant)> {
    let nth = match every {
        Every::Span(span) => {
            let whole = now.0.saturating_sub(from.0) / millis(span).max(1);
            u32::try_from(whole).unwrap_or(u32::MAX)
        }
        Every::Month => {
            let come = |nth: &u32| occurrence_at(board, every, from, *nth).is_some_and(|at| at <= now);
            u32::try_from((1..).take_while(come).count()).unwrap_or(u32::MAX)
        }
    };
    (nth > 0).then(|| Some((nth, occurrence_at(board, every, from, nth)?)))?
}

/// `daily · 3rd, missed 2`: how often an item is due, which time this is, what nobody did.
#[must_use]
pub fn words(board: &Board, item: &Item) -> Option<String> {
    let every = every_word(item.every?);
    let Some(known) = board.recurring.get(&item.id) else { return Some(every) };
    let missed = if known.missed > 0 { format!(", missed {}", known.missed) } else { String::new() };
    // The one at the mark was the first.
    Some(format!("{every} · {}{missed}", ordinal(known.occurrence.saturating_add(1))))
}

/// `daily`, `weekly`, `monthly`, `every 36h`.
#[must_use]
pub fn every_word(every: Every) -> String {
    const DAY: u64 = 86_400;
    match every {
        Every::Month => "monthly".into(),
        Every::Span(span) if span == Duration::from_secs(DAY) => "daily".into(),
        Every::Span(span) if span == Duration::from_secs(7 * DAY) => "weekly".into(),
        Every::Span(span) => format!("every {}", humantime::format_duration(span).to_string().replace(' ', "")),
    }
}

fn ordinal(n: u32) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

/// Whether an item of this kind may recur: it looks, is for a person, or may be repeated without harm.
///
/// # Errors
/// Why not, as the end of a sentence that names the key and the kind.
pub fn may_recur(act: &Act) -> Result<(), &'static str> {
    use super::plan::Class;
    match act {
        Act::Check(_) | Act::Manual { .. } => Ok(()),
        Act::Step { class: Class::Readonly | Class::Idempotent, .. } => Ok(()),
        Act::Step { class: Class::Once, .. } => Err("a step of class once never happens twice by a clock"),
        Act::Choice { .. } => Err("a branch is chosen once"),
        Act::Poll { .. } => Err("a poll is taken where it stands"),
        Act::Signoff { .. } => Err("a name is put under it once"),
        Act::Wait { .. } => Err("time passes once"),
        Act::Soak(_) => Err("it goes on by itself until it is through"),
    }
}

#[cfg(test)]
#[path = "recurring_tests.rs"]
mod tests;
