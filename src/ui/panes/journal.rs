//! The journal: one line a record, the newest at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::event::{Event, Recorded, RollbackEnd, RollbackFact};
use crate::launch::telling::tell;
use crate::launch::verdict::Verdict;
use crate::ui::state::{Pane, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::{Step, Window};
use crate::ui::widgets::row::Row;
use crate::ui::widgets::sheet;

#[derive(Debug, Clone, Default)]
pub struct State {
    pub filter: String,
    /// Lines up from the newest.
    back: Window,
}

impl State {
    pub fn step(&mut self, step: Step, page: usize, view: &View<'_>) {
        let count = self.kept(view).count();
        let step = match step {
            Step::Up => Step::Down,
            Step::Down => Step::Up,
            Step::PageUp => Step::PageDown,
            Step::PageDown => Step::PageUp,
            Step::First => Step::Last,
            Step::Last => Step::First,
        };
        self.back.step(step, count, page);
    }

    /// Newest first.
    fn kept<'v>(&self, view: &View<'v>) -> impl Iterator<Item = &'v Recorded> {
        let wanted = self.filter.to_lowercase();
        let records = view.board().recent.iter().rev().map(AsRef::as_ref);
        records.filter(move |record| wanted.is_empty() || tell(record).to_lowercase().contains(&wanted))
    }
}

pub fn draw(state: &State, view: &View<'_>, frame: Role, area: Rect, buf: &mut Buffer) {
    let mut remark = if state.filter.is_empty() { String::new() } else { format!("filter: {}", state.filter) };
    if state.back.top > 0 {
        remark = format!("{} back {remark}", state.back.top);
    }
    let inner = sheet::pane(area, Pane::Journal.title(), remark.trim(), frame, view.theme, buf);
    let room = usize::from(inner.height);
    let mut rows: Vec<Row<'_>> =
        state.kept(view).skip(state.back.top).take(room).map(|record| line(view, record)).collect();
    rows.reverse();
    sheet::rows(rows, inner, buf);
}

fn line<'v>(view: &View<'v>, record: &Recorded) -> Row<'v> {
    Row::new(view.theme)
        .say(Role::Muted, format!("{} ", view.time(record.occurred_at)))
        .say(role(&record.event), tell(record))
}

fn role(event: &Event) -> Role {
    match event {
        Event::ItemEnded { report, .. } => of(report.verdict),
        Event::StepEnded { verdict, .. } | Event::MonitorChanged { verdict, .. } => of(*verdict),
        Event::GatePassed { .. } | Event::Resumed => Role::Passed,
        Event::HoldCalled { .. }
        | Event::Waived { .. }
        | Event::VotesVoided { .. }
        | Event::StreamChanged { open: false, .. } => Role::Warned,
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
