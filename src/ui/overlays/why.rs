//! Why not GO: the chain of what stands in the way, in the poll's order, each with what it waits for below it. One
//! key goes where something can be done about the selected line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::answers;
use crate::launch::why::{About, Link, chain};
use crate::ui::panes::checklist::Line;
use crate::ui::panes::{detail, poll};
use crate::ui::state::{Overlay, Pane, Rolling, State, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::around;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

const WIDTH: u16 = 104;

/// Everything in the way now.
#[must_use]
pub fn links(view: &View<'_>) -> Vec<Link> {
    chain(view.board(), view.now.instant)
}

/// Opens it, or says that nothing is in the way.
pub fn open(state: &mut State, view: &View<'_>) {
    match links(view).is_empty() {
        true if view.board().ended.is_some() => state.say(Role::Plain, "this launch has ended"),
        true => state.say(Role::Passed, "nothing stands in the way"),
        false => state.overlay = Some(Overlay::Why { selected: 0 }),
    }
}

/// To the first link that something can be done about by a person now; to the first of all where none is.
pub fn first(state: &mut State, view: &View<'_>) {
    let links = links(view);
    let deepest = |links: &[Link]| {
        let due = links.iter().find(|link| link.due);
        due.or_else(|| links.iter().find(|link| matches!(link.about, About::Item(_)))).or(links.first()).cloned()
    };
    match deepest(&links) {
        Some(link) => go(state, &link, view),
        None => open(state, view),
    }
}

/// Shows what a link is about.
pub fn go(state: &mut State, link: &Link, view: &View<'_>) {
    let line = match &link.about {
        About::Item(id) => Line::Item(id.clone()),
        About::Gate(id) => Line::Phase(id.clone()),
        About::Criterion(_) | About::Role(_) => {
            if let Some(at) = poll::place(&state.checklist, view, &link.about) {
                state.poll.selected = at;
            }
            return state.focus(Pane::Poll);
        }
        About::Rollback(id) => {
            let selected = view.plan().rollbacks.iter().position(|known| known.id == *id).unwrap_or(0);
            state.overlay = Some(Overlay::Rollback(Rolling::Choose { selected }));
            return;
        }
        About::Hold => {
            state.overlay = Some(Overlay::Holds { selected: 0 });
            return;
        }
        About::Baseline(_) | About::Launch => return state.say(Role::Warned, &link.words),
    };
    state.checklist.reveal(&line, view);
    state.detail = detail::State::default();
    state.focus(Pane::Checklist);
}

pub fn draw(selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let links = links(view);
    let width = WIDTH.min(area.width);
    let selected = selected.min(links.len().saturating_sub(1));
    let title = match view.board().clock_at(view.now.instant).is_some_and(|clock| clock.t0.is_some()) {
        true => "What stands in the way",
        false => "Why not GO?",
    };
    let room = usize::from(width.saturating_sub(2));
    // The whole sentence of the selected line is read, wherever it ends.
    let whole = links.get(selected).map(|link| wrap(&link.words, room.saturating_sub(2))).unwrap_or_default();
    let mut whole = if whole.len() > 1 { whole } else { Vec::new() };
    // The chain itself stays in sight.
    let most = usize::from(area.height).saturating_sub(5) / 2;
    if whole.len() > most {
        whole.truncate(most.saturating_sub(1));
        whole.push("… and more: it stands in its detail".to_owned());
    }
    let height = u16::try_from(links.len().max(1) + whole.len() + 4).unwrap_or(u16::MAX);
    let roots = links.iter().filter(|link| link.depth == 0).count();
    let remark = format!("{roots} in the way");
    let inner = sheet::sheet(sheet::middle(area, width, height), title, &remark, Role::Failed, view.theme, buf);
    let room = usize::from(inner.height).saturating_sub(2 + whole.len());
    let seen = around(0, selected, links.len(), room);
    sheet::window(inner, &seen, links.len(), Role::Failed, view.theme, buf);
    let mut rows: Vec<Row<'_>> = seen.map(|at| line(&links[at], at == selected, view)).collect();
    if links.is_empty() {
        rows.push(Row::new(view.theme).say(Role::Passed, " nothing any more"));
    }
    rows.extend(whole.into_iter().map(|line| Row::new(view.theme).say(Role::Muted, format!("  {line}"))));
    rows.push(Row::new(view.theme));
    rows.push(answers(view, "go there", "close"));
    sheet::rows(rows, inner, buf);
}

fn line<'v>(link: &Link, chosen: bool, view: &View<'v>) -> Row<'v> {
    let glyphs = view.theme.glyphs;
    let (sign, role) = match (link.due, link.verdict) {
        (true, _) => (glyphs.due, Role::Focus),
        (false, Some(verdict)) => (view.theme.glyph(verdict), Role::of(verdict)),
        (false, None) if link.depth == 0 => (glyphs.fail, Role::Failed),
        (false, None) => (glyphs.waiting, Role::Muted),
    };
    let text = if link.depth == 0 { Role::Title } else { Role::Plain };
    let indent = "  ".repeat(link.depth.min(8));
    let row = Row::new(view.theme).say(role, format!(" {indent}{sign} ")).say(text, &link.words);
    let row = if link.due { row.right(Role::Focus, "now ") } else { row };
    if chosen { row.over(view.theme.selected(true)) } else { row }
}
