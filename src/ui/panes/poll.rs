//! The poll: roles in their order with their votes, and what blocks GO in plain words. The machine's
//! own verdict stands beside the votes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::event::Vote;
use crate::launch::id::RoleId;
use crate::launch::people::called;
use crate::launch::poll::{self, Tally};
use crate::ui::state::{Pane, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::Window;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

/// More lines than this are not shown.
pub const LINES_AT_MOST: usize = 500;

#[derive(Debug, Clone, Default)]
pub struct State {
    pub window: Window,
}

pub fn draw(state: &State, view: &View<'_>, frame: Role, area: Rect, buf: &mut Buffer) {
    let tally = poll::tally(view.board(), view.now.instant);
    let word = if tally.is_go() { "GO" } else { "NO-GO" };
    let remark = format!("{word} {}/{}", tally.go, tally.votes.len());
    let inner = sheet::pane(area, Pane::Poll.title(), &remark, frame, view.theme, buf);
    let rows = page(view, &tally, usize::from(inner.width));
    let seen = state.window.seen(rows.len(), usize::from(inner.height));
    sheet::rows(rows.into_iter().skip(seen.start), inner, buf);
}

fn page<'v>(view: &View<'v>, tally: &Tally, width: usize) -> Vec<Row<'v>> {
    let lines = tally.votes.iter().flat_map(|(role, vote)| {
        let line = role_line(view, role, vote.as_ref());
        std::iter::once(line).chain(cast_by(view, role, width))
    });
    let mut rows: Vec<Row<'v>> = lines.collect();
    if let Some(why) = &view.board().voided {
        for line in wrap(&format!("votes void: {why}"), width) {
            rows.push(Row::new(view.theme).say(Role::Warned, line));
        }
    }
    for word in tally.marked.iter().chain(&tally.waived) {
        for (at, line) in wrap(word, width.saturating_sub(2)).into_iter().enumerate() {
            let lead = if at == 0 { view.theme.glyphs.warn } else { " " };
            rows.push(Row::new(view.theme).say(Role::Warned, format!("{lead} {line}")));
        }
    }
    if tally.is_go() {
        rows.push(Row::new(view.theme).say(Role::Passed, format!("{} GO", view.theme.glyphs.pass)));
        return rows;
    }
    for why in &tally.blocking {
        for (at, line) in wrap(why, width.saturating_sub(2)).into_iter().enumerate() {
            let lead = if at == 0 { view.theme.glyphs.fail } else { " " };
            rows.push(Row::new(view.theme).say(Role::Failed, format!("{lead} ")).say(Role::Plain, line));
        }
    }
    rows.truncate(LINES_AT_MOST);
    rows
}

/// Whose word a vote was, and who wrote it down.
fn cast_by<'v>(view: &View<'v>, role: &RoleId, width: usize) -> Vec<Row<'v>> {
    let Some(ballot) = view.board().votes.get(role).filter(|ballot| !ballot.by.scripted) else { return Vec::new() };
    let by = called(view.plan(), &ballot.by);
    let lines = wrap(&by, width.saturating_sub(2));
    lines.into_iter().map(|line| Row::new(view.theme).say(Role::Muted, format!("  {line}"))).collect()
}

fn role_line<'v>(view: &View<'v>, role: &RoleId, vote: Option<&Vote>) -> Row<'v> {
    let title = view.plan().role(role).map_or(role.as_str(), |role| role.title.as_str());
    let row = Row::new(view.theme);
    let glyphs = view.theme.glyphs;
    let (sign, role_of, word) = match vote {
        Some(Vote::Go) => (glyphs.pass, Role::Passed, "GO"),
        Some(Vote::GoWithWaiver { .. }) => (glyphs.warn, Role::Warned, "GO+WAIVER"),
        Some(Vote::NoGo { .. }) => (glyphs.fail, Role::Failed, "NO-GO"),
        None => (glyphs.waiting, Role::Muted, "silent"),
    };
    let ballot = view.board().votes.get(role);
    let stamp = match ballot {
        Some(ballot) if ballot.by.scripted => " scripted".to_owned(),
        Some(ballot) => format!(" {}", view.time(ballot.at).get(..5).unwrap_or_default()),
        None => String::new(),
    };
    row.say(role_of, format!("{sign} ")).say(Role::Plain, title).right(role_of, word).right(Role::Muted, stamp)
}
