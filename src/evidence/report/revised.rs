//! What amendments of the plan changed and took away: what was judged by a plan of before is told though the last one
//! does not have it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::document::Table;
use super::say;
use super::story::Story;
use crate::launch::board::{Board, ItemState};
use crate::launch::event::{Event, Recorded};
use crate::launch::id::{ObjectiveId, SignalId};
use crate::launch::plan::{Item, Monitor, Objective, Plan, Signal, Trigger};
use crate::launch::time::Instant;

/// Something that an amendment took away.
#[derive(Debug)]
pub(super) struct Gone<T> {
    pub what: T,
    /// By which revision, and when.
    pub revision: u32,
    pub at: Instant,
}

/// Something of any plan that the launch went by.
#[derive(Debug)]
pub(super) struct Known<'s, T> {
    pub what: &'s T,
    /// The revision that took it away, and when; none where the last plan has it.
    pub gone: Option<(u32, Instant)>,
}

/// An amendment of the plan.
#[derive(Debug)]
struct Amendment {
    at: Instant,
    revision: u32,
    by: String,
    changes: Vec<String>,
}

/// All of them, and what they took away.
#[derive(Debug, Default)]
pub(super) struct Revised {
    amendments: Vec<Amendment>,
    objectives: Vec<Gone<Objective>>,
    monitors: Vec<Gone<Monitor>>,
    triggers: Vec<Gone<Trigger>>,
    signals: Vec<Gone<Signal>>,
    /// With how each stood.
    pub items: Vec<Gone<(Item, ItemState)>>,
    /// What an objective was held to before, up to which revision.
    held_to: BTreeMap<ObjectiveId, Vec<(u32, String)>>,
}

impl<T> Known<'_, T> {
    /// `, removed by revision 2`; nothing of what is there still.
    pub fn removed(&self) -> String {
        self.gone.map(|(revision, _)| format!(", removed by revision {revision}")).unwrap_or_default()
    }

    /// Up to when it was there, of a launch that was watched up to `end`.
    pub fn until(&self, end: Instant) -> Instant {
        self.gone.map_or(end, |(_, at)| at.min(end))
    }
}

impl Revised {
    /// Takes an amendment in; `before` is the board as it was.
    pub fn take(&mut self, before: &Board, board: &Board, record: &Recorded) {
        let Event::PlanAmended { revision, changes, .. } = &record.event else { return };
        let (at, revision, by) = (record.at, *revision, say::name(&board.plan, &record.actor));
        self.amendments.push(Amendment { at, revision, by, changes: changes.clone() });
        let (old, new): (&Plan, &Plan) = (&before.plan, &board.plan);
        take_away(&mut self.objectives, &old.objectives, &new.objectives, |one| one.id.clone(), (revision, at));
        take_away(&mut self.monitors, &old.monitors, &new.monitors, |one| one.id.clone(), (revision, at));
        take_away(&mut self.triggers, &old.triggers, &new.triggers, |one| one.id.clone(), (revision, at));
        take_away(&mut self.signals, &old.signals, &new.signals, |one| one.id.clone(), (revision, at));
        self.items.retain(|gone| new.item(&gone.what.0.id).is_none());
        let gone = old.items.values().filter(|item| new.item(&item.id).is_none());
        self.items.extend(gone.map(|item| {
            let state = before.item(&item.id).cloned().unwrap_or_default();
            Gone { what: (item.clone(), state), revision, at }
        }));
        for was in &old.objectives {
            let now = new.objectives.iter().find(|now| now.id == was.id);
            if now.is_some_and(|now| now.that != was.that || now.window != was.window) {
                let words = format!("{} over {}", was.that.words(), say::span(was.window));
                self.held_to.entry(was.id.clone()).or_default().push((revision, words));
            }
        }
    }
}

fn take_away<T: Clone, I: PartialEq>(
    kept: &mut Vec<Gone<T>>,
    old: &[T],
    new: &[T],
    id: impl Fn(&T) -> I,
    (revision, at): (u32, Instant),
) {
    let has = |one: &T| new.iter().any(|known| id(known) == id(one));
    kept.retain(|gone| !has(&gone.what));
    let gone = old.iter().filter(|one| !has(one));
    kept.extend(gone.map(|one| Gone { what: one.clone(), revision, at }));
}

fn all<'s, T>(plan: &'s [T], gone: &'s [Gone<T>]) -> impl Iterator<Item = Known<'s, T>> {
    let gone = gone.iter().map(|gone| Known { what: &gone.what, gone: Some((gone.revision, gone.at)) });
    plan.iter().map(|what| Known { what, gone: None }).chain(gone)
}

impl Story {
    /// Every objective that the launch had, those of the last plan first; and so the others.
    pub(super) fn objectives(&self) -> impl Iterator<Item = Known<'_, Objective>> {
        all(&self.board.plan.objectives, &self.revised.objectives)
    }

    pub(super) fn monitors(&self) -> impl Iterator<Item = Known<'_, Monitor>> {
        all(&self.board.plan.monitors, &self.revised.monitors)
    }

    pub(super) fn triggers(&self) -> impl Iterator<Item = Known<'_, Trigger>> {
        all(&self.board.plan.triggers, &self.revised.triggers)
    }

    pub(super) fn signal(&self, id: &SignalId) -> Option<&Signal> {
        all(&self.board.plan.signals, &self.revised.signals).map(|known| known.what).find(|signal| signal.id == *id)
    }

    /// Every signal that may have samples, and of one whose numbers only grow how long it may be silent until nobody
    /// knows when it grew.
    #[must_use]
    pub fn signals(&self) -> BTreeMap<SignalId, Option<Duration>> {
        let looks = self.monitors().map(|known| (SignalId::of_monitor(&known.what.id), None));
        let told = all(&self.board.plan.signals, &self.revised.signals).map(|known| known.what);
        let patience = |signal: &Signal| {
            let on = self.objectives().map(|known| known.what).filter(|one| one.signals().any(|id| *id == signal.id));
            on.map(|one| one.stale_after.max(one.window)).max().unwrap_or(signal.stale_after)
        };
        looks.chain(told.map(|signal| (signal.id.clone(), signal.counter.then(|| patience(signal))))).collect()
    }

    /// ` (until revision 2: error rate at most 1% over 30.0 s)`; nothing where it was always held to the same.
    pub(super) fn held_to(&self, id: &ObjectiveId) -> String {
        let before = self.revised.held_to.get(id).into_iter().flatten();
        before.map(|(revision, words)| format!(" (until revision {revision}: {words})")).collect()
    }
}

/// What each amendment changed, a line each.
pub(super) fn changes(story: &Story) -> Table {
    let mut table = Table::new("What amendments changed", &["revision", "when", "by", "change"]);
    for Amendment { at, revision, by, changes } in &story.revised.amendments {
        let lines = if changes.is_empty() { vec!["not told".to_owned()] } else { changes.clone() };
        for change in lines {
            table.row([revision.to_string().into(), story.when(*at).into(), by.as_str().into(), change.into()]);
        }
    }
    table
}
