//! The ways on from a hold: latches to release, catching up after a crash, resuming, another T-0; and the
//! marks a recycle may go back to.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::answers;
use crate::launch::command::Command;
use crate::launch::countdown::{BUILT_IN, CONSOLE_RESTART, Phase};
use crate::launch::poll;
use crate::launch::time::Mark;
use crate::ui::action::Action;
use crate::ui::state::{Purpose, State, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::around;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::sheet;

/// A way on from the present hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    Ask(Command),
    /// Another T-0 is typed first.
    Slip,
}

/// What can be done about the present hold: what it says, and the way.
#[must_use]
pub fn ways(view: &View<'_>) -> Vec<(String, Way)> {
    let Some(clock) = view.board().clock_at(view.now.instant) else { return Vec::new() };
    let mut ways = Vec::new();
    for (who, whys) in clock.latches.iter().filter(|(who, _)| *who != BUILT_IN) {
        let why = whys.join(", ");
        ways.push((format!("release the hold of {who}: {why}"), Way::Ask(Command::ReleaseHold { who: who.clone() })));
        if who == CONSOLE_RESTART && !view.attached() {
            ways.push(("catch up: take T to where it would be now".into(), Way::Ask(Command::CatchUp)));
        }
    }
    // Only the operator's console resumes.
    if view.attached() {
        return ways;
    }
    let tally = poll::tally(view.board(), view.now.instant);
    let word = match (poll::at_poll_hold(view.board(), view.now.instant), tally.blocking.len()) {
        (true, 0) => "resume the countdown: the poll is GO".to_owned(),
        (true, n) => format!("resume the countdown (the poll is NO-GO: {n} in its way)"),
        (false, _) => "resume the countdown".to_owned(),
    };
    ways.push((word, Way::Ask(Command::Resume)));
    if may_slip(view) {
        ways.push(("slip: publish another T-0".into(), Way::Slip));
    }
    ways
}

/// T-0 can be published anew where the countdown holds.
#[must_use]
pub fn may_slip(view: &View<'_>) -> bool {
    view.board().clock_at(view.now.instant).is_some_and(|clock| clock.phase == Phase::Holding)
}

/// Asks for another T-0, or says when that can be.
pub fn slip(state: &mut State, view: &View<'_>) {
    if may_slip(view) {
        return state.prompt(Purpose::Slip);
    }
    let key = view.keymap.label(Action::Hold).unwrap_or_default();
    state.say(Role::Warned, format!("T-0 slips while the countdown holds: {key} holds it"));
}

/// The marks a recycle may go back to from here, nearest first.
#[must_use]
pub fn marks(view: &View<'_>) -> Vec<Mark> {
    let t = view.board().mark_at(view.now.instant);
    view.plan().clock.recycle.iter().copied().filter(|mark| *mark > t).collect()
}

pub fn draw(selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let lines: Vec<String> = ways(view).into_iter().map(|(words, _)| words).collect();
    choose("Holds", &lines, selected, view, area, buf);
}

pub fn draw_recycle(selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let lines: Vec<String> = marks(view).iter().map(|mark| format!("back to {mark}; votes are void")).collect();
    choose("Recycle", &lines, selected, view, area, buf);
}

fn choose(title: &str, lines: &[String], selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4);
    let inner = sheet::sheet(sheet::middle(area, 76, height), title, "", Role::Warned, view.theme, buf);
    let seen = around(0, selected, lines.len(), usize::from(inner.height).saturating_sub(2).max(1));
    sheet::window(inner, &seen, lines.len(), Role::Warned, view.theme, buf);
    let mut rows: Vec<Row<'_>> = seen
        .map(|at| {
            let row = Row::new(view.theme).say(Role::Plain, format!(" {}", lines[at]));
            if at == selected { row.over(view.theme.selected(true)) } else { row }
        })
        .collect();
    rows.push(Row::new(view.theme));
    rows.push(answers(view, "do it", "close"));
    sheet::rows(rows, inner, buf);
}
