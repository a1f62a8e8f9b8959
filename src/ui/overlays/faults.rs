//! The faults of a rehearsal: what this plan's simulated target can do wrong, each on or off, what it does in words, and
//! since when it is on. One key switches it; the journal has it as it has a fault of the command line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::answers;
use crate::base::text::printable;
use crate::launch::command::Command;
use crate::launch::event::{Actor, Mode};
use crate::launch::fault::{self, Line};
use crate::launch::id::ItemId;
use crate::launch::time::Mark;
use crate::ui::state::{Effect, Overlay, State, View};
use crate::ui::theme::Role;
use crate::ui::update::selected;
use crate::ui::widgets::list::around;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

const WIDTH: u16 = 100;
/// Where the words of a fault begin.
const TEXT: usize = 22;
/// Lines for the whole sentence of the selected one.
const SENTENCE: usize = 3;

/// Why there is nothing to switch here, as a sentence.
#[must_use]
pub fn refused(view: &View<'_>) -> Option<&'static str> {
    let board = view.board();
    if board.mode != Mode::Rehearsal {
        Some("faults are for rehearsals: nobody makes a real service misbehave from here")
    } else if board.ended.is_some() {
        Some("this rehearsal is over")
    } else if view.snapshot.faults.is_empty() && board.faults.is_empty() {
        Some("nothing of this plan's target can be made to misbehave")
    } else {
        None
    }
}

fn lines<'v>(beside: Option<&ItemId>, view: &View<'v>) -> Vec<Line<'v>> {
    fault::lines(&view.snapshot.faults, beside, view.board())
}

#[must_use]
pub fn count(beside: Option<&ItemId>, view: &View<'_>) -> usize {
    lines(beside, view).len()
}

/// Opens the list at what is on.
pub fn open(state: &mut State, view: &View<'_>) {
    if let Some(why) = refused(view) {
        return state.say(Role::Warned, why);
    }
    let beside = selected(state, view).map(|(item, _)| item.id.clone());
    let lines = lines(beside.as_ref(), view);
    if lines.is_empty() {
        return state.say(Role::Warned, "select the item that is to fail");
    }
    let selected = lines.iter().position(|line| line.on.is_some()).unwrap_or(0);
    state.overlay = Some(Overlay::Faults { selected, beside });
}

/// Switches the selected one; the list stays, and shows it.
pub fn confirm(state: &mut State, selected: usize, beside: Option<ItemId>, view: &View<'_>) -> Option<Effect> {
    let lines = lines(beside.as_ref(), view);
    let known = lines.get(selected).map(|line| (line.fault.to_owned(), line.on.is_none()));
    state.overlay = Some(Overlay::Faults { selected, beside });
    known.map(|(fault, on)| Effect::Ask(Command::SwitchFault { fault, on }))
}

pub fn draw(selected: usize, beside: Option<&ItemId>, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let lines = lines(beside, view);
    let selected = selected.min(lines.len().saturating_sub(1));
    let height = u16::try_from(lines.len() + SENTENCE + 5).unwrap_or(u16::MAX);
    let on = lines.iter().filter(|line| line.on.is_some()).count();
    let remark = if on == 0 { "all off".to_owned() } else { format!("{on} on") };
    let place = sheet::middle(area, WIDTH, height);
    let inner = sheet::sheet(place, "Faults of the rehearsal", &remark, Role::Warned, view.theme, buf);
    let room = usize::from(inner.height).saturating_sub(SENTENCE + 3).max(1);
    let seen = around(0, selected, lines.len(), room);
    sheet::window(inner, &seen, lines.len(), Role::Warned, view.theme, buf);
    let mut rows: Vec<Row<'_>> = Vec::new();
    for at in seen {
        let row = row(&lines[at], view);
        rows.push(if at == selected { row.over(view.theme.selected(true)) } else { row });
    }
    rows.push(Row::new(view.theme));
    let chosen = lines.get(selected);
    let told = chosen.map(|line| wrap(line.does, usize::from(inner.width).saturating_sub(2))).unwrap_or_default();
    let told = told.into_iter().map(Some).chain(std::iter::repeat_with(|| None)).take(SENTENCE);
    rows.extend(told.map(|line| match line {
        Some(line) => Row::new(view.theme).say(Role::Plain, format!(" {line}")),
        None => Row::new(view.theme),
    }));
    rows.push(Row::new(view.theme));
    let yes = if chosen.is_some_and(|line| line.on.is_some()) { "switch it off" } else { "switch it on" };
    rows.push(answers(view, yes, "close"));
    sheet::rows(rows, inner, buf);
}

fn row<'v>(line: &Line<'v>, view: &View<'v>) -> Row<'v> {
    let glyphs = view.theme.glyphs;
    let (glyph, role, state) = match (line.on, line.before) {
        (Some(known), _) => {
            // What a mark switched, the command line asked for.
            let by = if known.by == Actor::engine() { "--fault".to_owned() } else { printable(&known.by.name) };
            (glyphs.fail, Role::Failed, format!("ON since {} by {by}", mark(known.mark)))
        }
        (None, Some(known)) => (glyphs.waiting, Role::Muted, format!("off, was on at {}", mark(known.mark))),
        (None, None) => (glyphs.waiting, Role::Muted, "off".to_owned()),
    };
    let row = Row::new(view.theme).say(role, format!(" {glyph} ")).say(Role::Title, printable(line.fault)).tab(TEXT);
    row.say(Role::Plain, line.does).right(role, format!("{state} "))
}

/// Whole seconds.
fn mark(mark: Mark) -> Mark {
    Mark(mark.0.div_euclid(1_000) * 1_000)
}
