//! The journal: one line a record, the newest at the bottom. A note that was written later than it happened
//! shows both times; one that was amended says by which record.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::event::{Event, Recorded, RollbackEnd, RollbackFact};
use crate::launch::note;
use crate::launch::telling::{tell, written_later};
use crate::launch::turned::Turn;
use crate::launch::verdict::Verdict;
use crate::ui::state::{Pane, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::Step;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::sheet;

#[derive(Debug, Clone, Default)]
pub struct State {
    pub filter: String,
    /// The record that a person went to; the newest while there is none.
    selected: Option<u64>,
}

impl State {
    /// Shows all again, and stays where the filter led.
    pub fn drop_filter(&mut self, view: &View<'_>) {
        if !self.filter.is_empty() {
            let led = self.selected(view).map(|record| record.seq);
            self.selected = led.or(self.selected);
            self.filter.clear();
        }
    }

    pub fn step(&mut self, step: Step, page: usize, view: &View<'_>) {
        let kept: Vec<u64> = self.kept(view).map(|record| record.seq).collect();
        // The newest stands at the bottom.
        let step = match step {
            Step::Up => Step::Down,
            Step::Down => Step::Up,
            Step::PageUp => Step::PageDown,
            Step::PageDown => Step::PageUp,
            Step::First => Step::Last,
            Step::Last => Step::First,
        };
        let to = step.from(self.place(view), kept.len(), page);
        self.selected = if to == 0 { None } else { kept.get(to).copied() };
    }

    /// Selects the record that stands at `line` of so many.
    pub fn select_at(&mut self, line: usize, height: usize, view: &View<'_>) {
        let under = self.under(view, height);
        let seen: Vec<u64> = self.kept(view).skip(under).take(height).map(|record| record.seq).collect();
        // The newest stands at the bottom, and is what is selected while nobody went anywhere.
        if let Some(up) = seen.len().checked_sub(line + 1) {
            self.selected = if under + up == 0 { None } else { Some(seen[up]) };
        }
    }

    /// How many stand under the last line that is seen. The oldest leaves a line for what says that there were others.
    fn under(&self, view: &View<'_>, height: usize) -> usize {
        let (place, count) = (self.place(view), self.kept(view).count());
        let older = usize::from(place + 1 == count && older(view));
        (place + older).saturating_sub(height.saturating_sub(1))
    }

    /// The selected record; one that is too old by now leaves the oldest that is shown.
    #[must_use]
    pub fn selected<'v>(&self, view: &View<'v>) -> Option<&'v Recorded> {
        self.kept(view).nth(self.place(view))
    }

    /// How many stand under the selected one.
    fn place(&self, view: &View<'_>) -> usize {
        let Some(selected) = self.selected else { return 0 };
        let newer = self.kept(view).take_while(|record| record.seq > selected).count();
        newer.min(self.kept(view).count().saturating_sub(1))
    }

    /// Newest first.
    fn kept<'v>(&self, view: &View<'v>) -> impl Iterator<Item = &'v Recorded> {
        let wanted = self.filter.to_lowercase();
        let board = view.board();
        // What was only counted is folded away: it is found by a filter.
        let mut routine = board.routine.iter().rev().filter(|_| !self.filter.is_empty()).peekable();
        let mut recent = board.recent.iter().rev().filter(|record| !board.is_quiet(record)).peekable();
        let records = std::iter::from_fn(move || match (routine.peek(), recent.peek()) {
            (Some(one), Some(other)) if one.seq > other.seq => routine.next(),
            (Some(_), None) => routine.next(),
            _ => recent.next(),
        });
        let records = records.map(AsRef::as_ref);
        records.filter(move |record| wanted.is_empty() || words(view, record).to_lowercase().contains(&wanted))
    }
}

pub fn draw(state: &State, view: &View<'_>, frame: Role, area: Rect, buf: &mut Buffer) {
    let mut remark = if state.filter.is_empty() { String::new() } else { format!("filter: {}", state.filter) };
    let at = state.place(view);
    if at > 0 {
        remark = format!("{at} back {remark}");
    }
    let inner = sheet::pane(area, Pane::Journal.title(), remark.trim(), frame, view.theme, buf);
    let room = usize::from(inner.height);
    let under = state.under(view, room);
    let seen = state.kept(view).enumerate().skip(under).take(room);
    let mut rows: Vec<Row<'_>> = seen
        .map(|(place, record)| {
            let row = line(view, record);
            if place == at && frame == Role::Focus { row.over(view.theme.selected(true)) } else { row }
        })
        .collect();
    let above = state.kept(view).count().saturating_sub(under + rows.len());
    // The oldest line says that there were others, where there were.
    if above == 0 && rows.len() < room && older(view) {
        rows.push(Row::new(view.theme).say(Role::Muted, "older records: tminus log LAUNCH"));
    }
    if rows.is_empty() {
        let nothing = if state.filter.is_empty() { "nothing is recorded yet" } else { "nothing matches the filter" };
        rows.push(Row::new(view.theme).say(Role::Muted, nothing));
    }
    rows.reverse();
    sheet::beyond(inner, above, under, frame, view.theme, buf);
    sheet::rows(rows, inner, buf);
}

/// Whether there are records that are not at hand here.
fn older(view: &View<'_>) -> bool {
    let board = view.board();
    let oldest = board.recent.iter().chain(&board.routine).map(|record| record.seq).min();
    oldest.is_some_and(|oldest| oldest > 1)
}

fn line<'v>(view: &View<'v>, record: &Recorded) -> Row<'v> {
    let at = view.time_beside(record.occurred_at, record.recorded_at);
    let row = Row::new(view.theme).say(Role::Muted, format!("{at} "));
    let row = if written_later(record) {
        let short = |wall| view.time(wall).get(..5).unwrap_or_default().to_owned();
        let (said, written) = (short(record.occurred_at), short(record.recorded_at));
        let written = if said == written { view.time(record.recorded_at) } else { written };
        row.say(Role::Muted, format!("(written {written}) "))
    } else {
        row
    };
    let row = match note::mark(view.board(), record.seq) {
        Some(mark) => row.say(Role::Warned, format!("#{} {mark} ", record.seq)),
        None => row,
    };
    let role = turned(view, record).map(|turn| of(turn.verdict)).max().unwrap_or_else(|| role(&record.event));
    row.say(role, words(view, record))
}

/// What a record is told as: an evaluation by what turned with it.
fn words(view: &View<'_>, record: &Recorded) -> String {
    let turns: Vec<String> = turned(view, record).map(Turn::tell).collect();
    if turns.is_empty() { tell(record) } else { turns.join("; ") }
}

fn turned<'v>(view: &View<'v>, record: &Recorded) -> impl Iterator<Item = &'v Turn> {
    view.board().turned.with(record.seq)
}

fn role(event: &Event) -> Role {
    match event {
        Event::ItemEnded { report, .. } => of(report.verdict),
        Event::StepEnded { verdict, .. } | Event::MonitorChanged { verdict, .. } => of(*verdict),
        Event::ProcessReady { .. } => Role::Passed,
        Event::ProcessEnded { asked: false, .. } => Role::Failed,
        Event::GatePassed { waivers: 0, .. } | Event::Resumed => Role::Passed,
        Event::GatePassed { .. } | Event::WaiverExpired { .. } => Role::Warned,
        Event::Chosen { .. } => Role::Focus,
        Event::PassedOver { .. } => Role::Skipped,
        Event::HoldCalled { .. }
        | Event::Waived { .. }
        | Event::VotesVoided { .. }
        | Event::PlanAmended { .. }
        | Event::StepUndone { .. }
        | Event::StreamChanged { open: false, .. } => Role::Warned,
        Event::TriggerFired { .. } => Role::Failed,
        Event::TriggerVetoed { .. } | Event::TriggerAcknowledged { .. } | Event::SoakHoleWaived { .. } => Role::Warned,
        Event::ItemBlocked { .. } => Role::Unknown,
        Event::Attested { passed: false, .. }
        | Event::Scrubbed { .. }
        | Event::CutOff { .. }
        | Event::Frozen { .. } => Role::Failed,
        Event::RollbackRequested { .. } => Role::Failed,
        Event::RollbackTold { fact: RollbackFact::Ended { end, .. }, .. } => match end {
            RollbackEnd::Verified => Role::Passed,
            RollbackEnd::NotVerified { .. } | RollbackEnd::Joined { .. } => Role::Warned,
            RollbackEnd::FailedAtStep { .. } => Role::Failed,
        },
        Event::RollbackTold {
            fact: RollbackFact::StepEnded { verdict, .. } | RollbackFact::FallbackEnded { verdict, .. },
            ..
        } => of(*verdict),
        Event::RollbackTold {
            fact: RollbackFact::ApprovalAwaited { .. } | RollbackFact::ApprovalRefused { .. },
            ..
        } => Role::Warned,
        Event::Noted { .. } => Role::Focus,
        _ => Role::Plain,
    }
}

fn of(verdict: Verdict) -> Role {
    if verdict == Verdict::Pass { Role::Plain } else { Role::of(verdict) }
}
