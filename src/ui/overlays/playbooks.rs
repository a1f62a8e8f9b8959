//! The playbooks for what is red: each with its last run, and of the selected one every command, how it ended and
//! the end of what it said. One key runs it; nothing in it changes anything.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::answers;
use crate::base::text::printable;
use crate::launch::board::ItemState;
use crate::launch::command::Command;
use crate::launch::id::ItemId;
use crate::launch::plan::Item;
use crate::launch::playbook::{self, Look, Playbook, PlaybookRun};
use crate::launch::verdict::{Outcome, Verdict};
use crate::ui::state::{Effect, Overlay, State, View};
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::{list, sheet};

/// Playbooks seen at once.
const LISTED: usize = 6;
/// Columns and lines of the sheet, where the screen has them.
const SIZE: (u16, u16) = (112, 32);

/// Those of the selected item where it has some, else all of the plan's, those first whose items are red.
#[must_use]
pub fn listed<'v>(item: Option<&ItemId>, view: &View<'v>) -> Vec<&'v Playbook> {
    let all: Vec<&Playbook> = view.plan().playbooks.iter().collect();
    let own: Vec<&Playbook> =
        all.iter().copied().filter(|known| item.is_some_and(|item| known.items.contains(item))).collect();
    if !own.is_empty() {
        return own;
    }
    let now = view.now.instant;
    let (mut red, rest): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|known| playbook::is_wanted(view.board(), known, now));
    red.extend(rest);
    red
}

/// Opens the list for the selected item.
pub fn open(state: &mut State, item: Option<(&Item, &ItemState)>, view: &View<'_>) {
    if view.plan().playbooks.is_empty() {
        return state.say(Role::Warned, "the plan has no playbooks");
    }
    state.overlay = Some(Overlay::Playbooks { item: item.map(|(item, _)| item.id.clone()), selected: 0 });
}

/// Runs the selected one; the list stays, and shows what it says.
pub fn confirm(state: &mut State, item: Option<ItemId>, selected: usize, view: &View<'_>) -> Option<Effect> {
    let known = listed(item.as_ref(), view).get(selected).map(|known| known.id.clone());
    state.overlay = Some(Overlay::Playbooks { item, selected });
    known.map(|playbook| Effect::Ask(Command::RunPlaybook { playbook }))
}

pub fn draw(item: Option<&ItemId>, selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let listed = listed(item, view);
    let remark = item.map(|item| format!("for {item}")).unwrap_or_default();
    let place = sheet::middle(area, SIZE.0, SIZE.1);
    let inner = sheet::sheet(place, "Playbooks", &remark, Role::Focus, view.theme, buf);
    let mut rows: Vec<Row<'_>> = Vec::new();
    let most = LISTED.min(usize::from(inner.height).saturating_sub(2)).max(1);
    let seen = list::around(0, selected, listed.len(), most);
    sheet::window(inner, &seen, listed.len(), Role::Focus, view.theme, buf);
    for at in seen {
        let known = listed[at];
        let row = Row::new(view.theme).say(Role::Title, format!(" {}", known.title));
        let row = match view.board().playbooks.get(&known.id) {
            Some(run) => row.right(role(run), format!("{} ", words(run, view))),
            None => row.right(Role::Muted, "not run "),
        };
        rows.push(if at == selected { row.over(view.theme.selected(true)) } else { row });
    }
    rows.push(Row::new(view.theme));
    let room = usize::from(inner.height).saturating_sub(rows.len() + 2);
    if let Some(known) = listed.get(selected) {
        rows.extend(steps(known, room, view));
    }
    rows.truncate(usize::from(inner.height).saturating_sub(2));
    while rows.len() + 1 < usize::from(inner.height) {
        rows.push(Row::new(view.theme));
    }
    rows.push(answers(view, "run it", "close"));
    sheet::rows(rows, inner, buf);
}

fn role(run: &PlaybookRun) -> Role {
    match run.runs() {
        true => Role::Focus,
        false if run.ended.iter().all(|(_, verdict, _)| *verdict == Verdict::Pass) => Role::Muted,
        false => Role::Warned,
    }
}

fn words(run: &PlaybookRun, view: &View<'_>) -> String {
    let end = run.end.as_deref().unwrap_or("runs");
    format!("{} by {}: {end}", view.time(run.at), run.by.name)
}

/// Its commands, each with its end and as much of its output as fits.
fn steps<'v>(known: &'v Playbook, room: usize, view: &View<'v>) -> Vec<Row<'v>> {
    let run = view.board().playbooks.get(&known.id);
    let each = room / known.steps.len().max(1);
    let mut rows = Vec::new();
    for step in &known.steps {
        let ended = run.and_then(|run| run.ended.iter().rev().find(|(id, ..)| *id == step.id));
        rows.push(head(step, ended.map(|(_, verdict, outcome)| (*verdict, outcome)), run, view));
        let Some(output) = run.and_then(|_| view.live().outputs.get(&step.id)) else { continue };
        let lines: Vec<&String> = output.tail.iter().collect();
        let from = lines.len().saturating_sub(each.saturating_sub(1));
        rows.extend(lines[from..].iter().map(|line| Row::new(view.theme).say(Role::Plain, format!("    {line}"))));
    }
    if let Some(run) = run {
        let place = format!(" the whole output lies in playbooks/{}-{}", run.run, known.id);
        rows.push(Row::new(view.theme).say(Role::Muted, place));
    }
    rows
}

fn head<'v>(step: &'v Look, ended: Option<(Verdict, &Outcome)>, run: Option<&PlaybookRun>, view: &View<'v>) -> Row<'v> {
    let glyphs = view.theme.glyphs;
    let (role, glyph, words) = match (ended, run.is_some_and(PlaybookRun::runs)) {
        (Some((verdict, outcome)), _) => (Role::of(verdict), view.theme.glyph(verdict), printable(&outcome.words())),
        (None, true) => (Role::Focus, glyphs.due, String::new()),
        (None, false) => (Role::Muted, glyphs.waiting, String::new()),
    };
    Row::new(view.theme).say(role, format!(" {glyph} ")).say(Role::Plain, &step.title).right(role, format!("{words} "))
}
