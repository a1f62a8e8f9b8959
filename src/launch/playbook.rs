//! Playbooks: readonly commands for when something is red. Who ran one, and how each of its commands ended, is in
//! the journal; what they said is in the launch's folder. Nothing stands on a playbook: no gate, no verdict.

use std::time::Duration;

use super::board::Board;
use super::command::{Observation, Refusal};
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
pub(super) fn heard(board: &Board, observation: &Observation) -> Vec<Event> {
    let (event, of, run) = match observation.clone() {
        Observation::PlaybookStepEnded { playbook, run, step, verdict, outcome } => {
            (Event::PlaybookStepEnded { playbook: playbook.clone(), run, step, verdict, outcome }, playbook, run)
        }
        Observation::PlaybookEnded { playbook, run, why } => {
            (Event::PlaybookEnded { playbook: playbook.clone(), run, why }, playbook, run)
        }
        _ => return Vec::new(),
    };
    let known = board.playbooks.get(&of).is_some_and(|known| known.run == run && known.runs());
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::plan::Plan;
    use super::*;

    fn board() -> Board {
        let look = Look { id: "why/pods".into(), title: "Pods".into(), spec: SpecId(0), timeout: Duration::ZERO };
        let known = Playbook { id: "why".into(), title: "Why".into(), items: vec!["login".into()], steps: vec![look] };
        Board::new(Arc::new(Plan { playbooks: vec![known], ..Plan::default() }))
    }

    fn told(board: &mut Board, event: Event) {
        let (seq, at, wall) = (board.seq + 1, Instant(0), Wall::default());
        let actor = Actor::person("ann", None);
        board.apply(&Recorded { seq, at, occurred_at: wall, recorded_at: wall, actor, event });
    }

    fn ended(run: u32) -> Observation {
        Observation::PlaybookEnded { playbook: "why".into(), run, why: "1 of 1 commands passed".into() }
    }

    #[test]
    fn one_runs_once_at_a_time_and_is_numbered() {
        let mut board = board();
        assert!(begin(&board, &"how".into()).is_err());
        for run in 1..=2 {
            let events = begin(&board, &"why".into()).expect("begun");
            assert_eq!(events, [Event::PlaybookStarted { playbook: "why".into(), run }]);
            told(&mut board, events[0].clone());
            assert!(begin(&board, &"why".into()).is_err(), "it runs");
            let events = heard(&board, &ended(run));
            told(&mut board, events[0].clone());
            assert!(heard(&board, &ended(run)).is_empty(), "told once");
        }
    }

    #[test]
    fn a_console_that_went_takes_its_run_with_it() {
        let mut board = board();
        told(&mut board, Event::PlaybookStarted { playbook: "why".into(), run: 1 });
        told(&mut board, Event::ConsoleReturned { clean: false, t: 0 });
        assert!(heard(&board, &ended(1)).is_empty(), "nobody follows it any more");
        assert!(begin(&board, &"why".into()).is_ok());
        assert!(board.playbooks[&"why".into()].end.as_deref().is_some_and(|why| why.contains("went")));
    }
}
