//! Playbooks: readonly commands for when something is red. Who ran one, and how each of its commands ended, is in
//! the journal; what they said is in the launch's folder. Nothing stands on a playbook: no gate, no verdict.

use std::time::Duration;

use super::board::Board;
use super::command::Refusal;
use super::event::{Actor, Event, Recorded};
use super::gate::{self, Clear};
use super::id::{ItemId, PlaybookId};
use super::plan::SpecId;
use super::time::{Instant, Wall};
use super::verdict::{Outcome, Verdict};

/// One playbook of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playbook {
    pub id: PlaybookId,
    pub title: String,
    /// What it is for: one key away while any of these is red.
    pub items: Vec<ItemId>,
    pub steps: Vec<Look>,
}

/// One of its commands: it looks, and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// `PLAYBOOK/STEP`.
    pub id: ItemId,
    pub title: String,
    pub spec: SpecId,
    pub timeout: Duration,
}

/// The last run of a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaybookRun {
    /// 1 for the first of this launch.
    pub run: u32,
    pub by: Actor,
    pub at: Wall,
    pub ended: Vec<(ItemId, Verdict, Outcome)>,
    /// When it was through, or why it is not going on.
    pub end: Option<String>,
}

impl PlaybookRun {
    #[must_use]
    pub fn runs(&self) -> bool {
        self.end.is_none()
    }
}

/// The playbooks for `item`, in the order of the plan; all of them without one.
pub fn of<'b>(board: &'b Board, item: Option<&'b ItemId>) -> impl Iterator<Item = &'b Playbook> {
    board.plan.playbooks.iter().filter(move |known| item.is_none_or(|item| known.items.contains(item)))
}

/// Whether anything that `playbook` is for is red.
#[must_use]
pub fn is_wanted(board: &Board, playbook: &Playbook, now: Instant) -> bool {
    playbook.items.iter().filter_map(|id| board.plan.item(id)).any(|item| {
        matches!(gate::clear(board, item, now), Clear::No(Some(Verdict::Fail | Verdict::Unknown | Verdict::Stale)))
    })
}

/// It looks, whatever is held, frozen or rolled back.
///
/// # Errors
/// There is no such playbook, or it runs.
pub(super) fn begin(board: &Board, playbook: &PlaybookId) -> Result<Vec<Event>, Refusal> {
    if board.plan.playbook(playbook).is_none() {
        return Err(Refusal(format!("no playbook {playbook}")));
    }
    let last = board.playbooks.get(playbook);
    if last.is_some_and(PlaybookRun::runs) {
        return Err(Refusal(format!("playbook {playbook} is running")));
    }
    let run = last.map_or(1, |last| last.run.saturating_add(1));
    Ok(vec![Event::PlaybookStarted { playbook: playbook.clone(), run }])
}

/// Nothing where that run is no news any more.
pub(super) fn heard(board: &Board, playbook: &PlaybookId, run: u32, event: Event) -> Vec<Event> {
    let known = board.playbooks.get(playbook).is_some_and(|known| known.run == run && known.runs());
    if known && board.ended.is_none() { vec![event] } else { Vec::new() }
}

/// Folds in what concerns playbooks alone; true where the event was about one.
pub(super) fn fold(board: &mut Board, record: &Recorded) -> bool {
    match &record.event {
        Event::PlaybookStarted { playbook, run } => {
            let (by, at) = (record.actor.clone(), record.occurred_at);
            let begun = PlaybookRun { run: *run, by, at, ended: Vec::new(), end: None };
            board.playbooks.insert(playbook.clone(), begun);
        }
        Event::PlaybookStepEnded { playbook, run, step, verdict, outcome } => {
            if let Some(known) = board.playbooks.get_mut(playbook).filter(|known| known.run == *run) {
                known.ended.push((step.clone(), *verdict, outcome.clone()));
            }
        }
        Event::PlaybookEnded { playbook, run, why } => {
            if let Some(known) = board.playbooks.get_mut(playbook).filter(|known| known.run == *run) {
                known.end = Some(why.clone());
            }
        }
        _ => return false,
    }
    true
}

/// A console that went takes the run of a playbook with it: its command goes on, the next ones do not begin.
pub(super) fn cut_off(board: &mut Board) {
    for known in board.playbooks.values_mut().filter(|known| known.runs()) {
        known.end = Some("its console went before it was through".to_owned());
    }
}
