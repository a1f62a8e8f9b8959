//! How another plan differs from the one this launch goes by, shown before a reason is asked for it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_input::Input;

use super::field;
use crate::launch::command::Command;
use crate::launch::port::Proposal;
use crate::ui::action::Action;
use crate::ui::state::{Effect, Overlay, State, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::{Step, Window};
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

/// Columns of the sheet.
const WIDTH: u16 = 110;

/// A difference being looked at.
#[derive(Debug, Clone, Default)]
pub struct Amending {
    /// The look that was there before: what comes is another.
    pub before: Option<u32>,
    pub reason: Input,
    pub window: Window,
    /// Why the last answer was not taken.
    pub wrong: Option<String>,
}

impl Amending {
    /// Waits for the next look at a plan.
    #[must_use]
    pub fn after(view: &View<'_>) -> Self {
        let before = view.snapshot.proposal.as_ref().map(|known| known.number);
        Self { before, ..Self::default() }
    }

    fn proposal<'v>(&self, view: &View<'v>) -> Option<&'v Proposal> {
        view.snapshot.proposal.as_deref().filter(|known| Some(known.number) != self.before)
    }

    pub fn step(&mut self, step: Step, page: usize, view: &View<'_>) {
        let count = lines(self, view, usize::from(WIDTH - 4)).len();
        self.window.step(step, count, page);
    }
}

/// Amends, where there is something to amend by and a reason.
pub fn confirm(state: &mut State, mut amending: Amending, view: &View<'_>) -> Option<Effect> {
    let reason = amending.reason.value().trim().to_owned();
    match amending.proposal(view).map(|known| &known.found) {
        Some(Ok(amendment)) if !reason.is_empty() => {
            return Some(Effect::Ask(Command::Amend { amendment: Ok(amendment.clone()), reason }));
        }
        Some(Ok(_)) => amending.wrong = Some("say why".to_owned()),
        Some(Err(_)) => return None,
        None => {}
    }
    state.overlay = Some(Overlay::Amend(amending));
    None
}

/// The difference, or why there is none to take, as lines that fit.
fn lines(amending: &Amending, view: &View<'_>, width: usize) -> Vec<(Role, String)> {
    let Some(proposal) = amending.proposal(view) else {
        return vec![(Role::Muted, "the plan is being looked over …".to_owned())];
    };
    let amendment = match &proposal.found {
        Ok(amendment) => amendment,
        Err(why) => {
            let lines = why.lines().flat_map(|line| wrap(line, width));
            return lines.map(|line| (Role::Failed, line)).collect();
        }
    };
    let of = |line: &str| match line.chars().next() {
        Some('+') => Role::Passed,
        Some('-') => Role::Failed,
        _ => Role::Warned,
    };
    let changes = amendment.changes.iter().map(|line| (of(line), line.clone()));
    let notes = proposal.notes.iter().map(|note| (Role::Held, format!("note: {note}")));
    let again = amendment.changed.iter().map(|item| (Role::Muted, format!("{item} waits again")));
    let all = changes.chain(again).chain(notes);
    all.flat_map(|(role, line)| wrap(&line, width).into_iter().map(move |line| (role, line))).collect()
}

pub fn draw(amending: &Amending, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let width = WIDTH.min(area.width);
    let lines = lines(amending, view, usize::from(width.saturating_sub(4)));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(6);
    let revision = format!("revision {}", view.board().revisions.number.saturating_add(1));
    let place = sheet::middle(area, width, height.min(area.height.saturating_sub(2)));
    let inner = sheet::sheet(place, "Amend the plan", &revision, Role::Warned, view.theme, buf);
    let takes = amending.proposal(view).is_some_and(|known| known.found.is_ok());
    let foot = 4_u16.min(inner.height);
    let seen = amending.window.seen(lines.len(), usize::from(inner.height - foot));
    let hidden = lines.len() - seen.len();
    let mut rows: Vec<Row<'_>> =
        lines[seen].iter().map(|(role, line)| Row::new(view.theme).say(*role, format!(" {line}"))).collect();
    if !takes {
        rows.push(Row::new(view.theme));
        rows.push(super::answers(view, "close", "close"));
        sheet::rows(rows, inner, buf);
        return None;
    }
    let why = match &amending.wrong {
        Some(wrong) => Row::new(view.theme).say(Role::Failed, format!(" {wrong}")),
        None => Row::new(view.theme).say(Role::Plain, " Every vote is void. Why:"),
    };
    let more = if hidden > 0 { format!("{hidden} lines more, {} ", scrolls(view)) } else { String::new() };
    let at = u16::try_from(rows.len() + 1).unwrap_or(u16::MAX);
    rows.push(why.right(Role::Muted, more));
    rows.push(Row::new(view.theme));
    rows.push(Row::new(view.theme));
    rows.push(super::answers(view, "amend", "leave it"));
    sheet::rows(rows, inner, buf);
    let line = Rect { x: inner.x + 1, y: inner.y.saturating_add(at), width: inner.width.saturating_sub(2), height: 1 };
    field(&amending.reason, "> ", view, line.intersection(inner), buf)
}

fn scrolls(view: &View<'_>) -> String {
    let label = |action| view.keymap.keys(action).iter().map(ToString::to_string).find(|key| key.len() > 1);
    [Action::PageDown, Action::PageUp].into_iter().filter_map(label).collect::<Vec<_>>().join(" ")
}
