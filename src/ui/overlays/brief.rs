//! The brief: where the launch stands, what happened since somebody left, what is due next. Made of the
//! records that the board keeps; `tminus brief` reads them all.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::brief::{Finder, Happened, Line, Since, Tone, brief};
use crate::ui::action::Action;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::list::Window;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

/// More lines than this are not shown.
const LINES_AT_MOST: usize = 500;
/// From where a brief can begin: one's own last act, the last leaving, and everything at hand.
pub const BEGINNINGS: usize = 3;
const WIDTH: u16 = 110;

fn since(view: &View<'_>, from: usize) -> Since {
    match from {
        0 => Since::Own(view.operator.to_owned()),
        1 => Since::Left,
        _ => Since::Opening,
    }
}

pub fn draw(window: Window, from: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let width = WIDTH.min(area.width);
    let rows = rows(from, view, usize::from(width.saturating_sub(4)));
    let height = u16::try_from(rows.len() + 2).unwrap_or(u16::MAX);
    let keys = format!(
        "{} from elsewhere · {} closes",
        view.keymap.label(Action::Choice).unwrap_or_default(),
        view.keymap.label(Action::Dismiss).unwrap_or_default()
    );
    let inner = sheet::sheet(sheet::middle(area, width, height), "Brief", &keys, Role::Focus, view.theme, buf);
    let seen = window.seen(rows.len(), usize::from(inner.height));
    sheet::window(inner, &seen, rows.len(), Role::Focus, view.theme, buf);
    sheet::rows(rows.into_iter().skip(seen.start), inner, buf);
}

/// How many lines it has in `area`, and how many are seen.
#[must_use]
pub fn lines(from: usize, view: &View<'_>, area: Rect) -> (usize, usize) {
    let count = rows(from, view, usize::from(WIDTH.min(area.width).saturating_sub(4))).len();
    (count, count.min(usize::from(area.height.saturating_sub(2))))
}

fn rows<'v>(from: usize, view: &View<'v>, width: usize) -> Vec<Row<'v>> {
    let mut finder = Finder::new(since(view, from));
    view.board().recent.iter().for_each(|record| finder.take(record));
    let begin = finder.begin();
    let mut happened = Happened::after(&begin);
    view.board().recent.iter().for_each(|record| happened.take(record));
    let told = brief(view.board(), &begin, happened, view.now, &|at| view.time(at));
    let row = || Row::new(view.theme);
    let mut rows: Vec<Row<'v>> =
        wrap(&told.head, width).into_iter().map(|line| row().say(Role::Muted, format!(" {line}"))).collect();
    for part in told.parts {
        rows.push(row());
        rows.push(row().say(Role::Title, format!(" {}", part.title)));
        for Line { tone, text } in part.lines {
            let (role, glyph) = match tone {
                Tone::Plain => (Role::Plain, " "),
                Tone::Good => (Role::Passed, view.theme.glyphs.pass),
                Tone::Warn => (Role::Warned, view.theme.glyphs.warn),
                Tone::Bad => (Role::Failed, view.theme.glyphs.fail),
            };
            for (at, line) in wrap(&text, width.saturating_sub(3)).into_iter().enumerate() {
                let lead = if at == 0 { glyph } else { " " };
                rows.push(row().say(role, format!(" {lead} ")).say(Role::Plain, line));
            }
        }
    }
    if rows.len() > LINES_AT_MOST {
        rows.truncate(LINES_AT_MOST - 1);
        rows.push(row().say(Role::Warned, " … and more: tminus brief LAUNCH tells all of it"));
    }
    rows
}
