//! The checklist: phases with where they stand, items, and the rows of a matrix. The selection is a
//! name, never a line number: updates and resizes do not lose it.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::standing;
use crate::launch::id::{ItemId, PhaseId};
use crate::launch::plan::Phase;
use crate::launch::verdict::{Report, Verdict};
use crate::ui::state::{Pane, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::{self, Step};
use crate::ui::widgets::row::Row;
use crate::ui::widgets::sheet;

/// What a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Phase(PhaseId),
    Item(ItemId),
    /// One row of a matrix.
    Row(ItemId, String),
}

#[derive(Debug, Clone, Default)]
pub struct State {
    selected: Option<Line>,
    /// Where the window stands; moved only as far as the selection needs.
    top: usize,
    folded: BTreeSet<PhaseId>,
    folded_items: BTreeSet<ItemId>,
    pub filter: String,
    /// The phase that was selected before a filter led on: it comes back with a filter that is given up.
    before: Option<PhaseId>,
    /// Only items that are not well.
    pub wrong_only: bool,
}

impl Line {
    #[must_use]
    pub fn item(&self) -> Option<&ItemId> {
        match self {
            Self::Phase(_) => None,
            Self::Item(item) | Self::Row(item, _) => Some(item),
        }
    }
}

impl State {
    /// The selected line; the first one while nothing was chosen, or when it is gone.
    #[must_use]
    pub fn selected(&self, view: &View<'_>) -> Option<Line> {
        let lines = self.lines(view);
        lines.get(self.place(&lines)).cloned()
    }

    pub fn select(&mut self, line: Line) {
        self.selected = Some(line);
    }

    fn place(&self, lines: &[Line]) -> usize {
        // Whoever filters looks for an item, not for its phase.
        let item = || lines.iter().position(|line| line.item().is_some());
        let first = || if self.is_filtered() { item().unwrap_or(0) } else { 0 };
        let Some(selected) = &self.selected else { return first() };
        let exact = lines.iter().position(|line| line == selected);
        // A row that went with a new report leaves the selection on its item, a folded item on its phase.
        let near = || lines.iter().position(|line| line.item().is_some() && line.item() == selected.item());
        exact.or_else(near).unwrap_or_else(first)
    }

    /// Narrows the list while a text is typed: its first item is what it leads to. Without a text all is as before.
    pub fn set_filter(&mut self, text: &str) {
        match (&self.selected, text.is_empty()) {
            (Some(Line::Phase(phase)), false) => {
                self.before = Some(phase.clone());
                self.selected = None;
            }
            (None, true) => self.selected = self.before.take().map(Line::Phase),
            _ => {}
        }
        text.clone_into(&mut self.filter);
    }

    /// Shows all again, and stays where the filter led.
    pub fn drop_filter(&mut self, view: &View<'_>) {
        let led = self.selected(view).filter(|_| !self.filter.is_empty());
        self.filter.clear();
        self.before = None;
        if let Some(line) = led {
            self.reveal(&line, view);
        }
    }

    /// Selects the line that stands at `line` of so many; whether there is one.
    pub fn select_at(&mut self, line: usize, height: usize, view: &View<'_>) -> bool {
        let lines = self.lines(view);
        let seen = list::around(self.top, self.place(&lines), lines.len(), height);
        let at = seen.start + line;
        if !seen.contains(&at) {
            return false;
        }
        self.top = seen.start;
        self.selected = lines.into_iter().nth(at);
        true
    }

    pub fn step(&mut self, step: Step, page: usize, view: &View<'_>) {
        let lines = self.lines(view);
        let to = step.from(self.place(&lines), lines.len(), page);
        self.top = list::around(self.top, to, lines.len(), page.max(1)).start;
        self.selected = lines.into_iter().nth(to);
    }

    /// Folds what is selected, or goes up to what it belongs to.
    pub fn fold(&mut self, view: &View<'_>) {
        match self.selected(view) {
            Some(Line::Phase(phase)) => {
                self.folded.insert(phase);
            }
            Some(Line::Item(id)) if has_rows(view, &id) && self.folded_items.insert(id.clone()) => {}
            Some(Line::Item(id)) => {
                self.selected = view.plan().item(&id).map(|item| Line::Phase(item.phase.clone()));
            }
            Some(Line::Row(id, _)) => self.selected = Some(Line::Item(id)),
            None => {}
        }
    }

    pub fn unfold(&mut self, view: &View<'_>) {
        match self.selected(view) {
            Some(Line::Phase(phase)) => {
                self.folded.remove(&phase);
            }
            Some(Line::Item(id)) => {
                self.folded_items.remove(&id);
            }
            _ => {}
        }
    }

    pub fn toggle(&mut self, phase: &PhaseId) {
        if !self.folded.remove(phase) {
            self.folded.insert(phase.clone());
        }
    }

    fn is_filtered(&self) -> bool {
        self.wrong_only || !self.filter.is_empty()
    }

    /// Selects `line`, and lifts whatever would hide it.
    pub fn reveal(&mut self, line: &Line, view: &View<'_>) {
        let phase = match line {
            Line::Phase(phase) => Some(phase),
            Line::Item(id) | Line::Row(id, _) => view.plan().item(id).map(|item| &item.phase),
        };
        if let Some(phase) = phase.filter(|_| line.item().is_some()) {
            self.folded.remove(phase);
        }
        self.selected = Some(line.clone());
        if self.is_filtered() && !self.lines(view).contains(line) {
            self.filter.clear();
            self.wrong_only = false;
        }
    }

    /// The item that is not well next after the selected line, or before it, around the end.
    #[must_use]
    pub fn wrong(&self, onward: bool, view: &View<'_>) -> Option<ItemId> {
        let mut order: Vec<Line> = Vec::new();
        for phase in &view.plan().phases {
            order.push(Line::Phase(phase.id.clone()));
            order.extend(phase.items.iter().cloned().map(Line::Item));
        }
        let selected = match self.selected(view) {
            Some(Line::Row(id, _)) => Some(Line::Item(id)),
            selected => selected,
        };
        let at = selected.and_then(|line| order.iter().position(|known| *known == line)).unwrap_or(0);
        // The selected one comes last.
        order.rotate_left(at);
        let last = order.first().cloned();
        let mut rest = order.into_iter().skip(1).collect::<Vec<_>>();
        if !onward {
            rest.reverse();
        }
        let mut items = rest.iter().chain(&last).filter_map(|line| match line {
            Line::Item(id) => Some(id),
            _ => None,
        });
        items.find(|id| is_wrong(view, id)).cloned()
    }

    /// Every line that could be seen, without what is folded or filtered away.
    #[must_use]
    pub fn lines(&self, view: &View<'_>) -> Vec<Line> {
        let wanted = self.filter.to_lowercase();
        let mut lines = Vec::new();
        for phase in &view.plan().phases {
            let items = phase.items.iter().filter(|id| wanted.is_empty() || matches(view, id, &wanted));
            let items: Vec<&ItemId> = items.filter(|id| !self.wrong_only || is_wrong(view, id)).collect();
            if items.is_empty() && self.is_filtered() {
                continue;
            }
            lines.push(Line::Phase(phase.id.clone()));
            if self.folded.contains(&phase.id) && !self.is_filtered() {
                continue;
            }
            for id in items {
                lines.push(Line::Item(id.clone()));
                if !self.folded_items.contains(id) {
                    lines.extend(rows_of(view, id).into_iter().map(|(row, _)| Line::Row(id.clone(), row)));
                }
            }
        }
        lines
    }
}

/// What is not well, or may not be: failed, unknown, stale, blocked, warned of, late.
fn is_wrong(view: &View<'_>, id: &ItemId) -> bool {
    let known = view.plan().item(id).zip(view.board().item(id));
    let role = known.map(|(item, state)| standing::item(view, item, state).role);
    role.is_some_and(|role| matches!(role, Role::Failed | Role::Unknown | Role::Stale | Role::Warned | Role::Danger))
}

fn matches(view: &View<'_>, id: &ItemId, wanted: &str) -> bool {
    let title = view.plan().item(id).map_or("", |item| item.title.as_str());
    id.as_str().to_lowercase().contains(wanted) || title.to_lowercase().contains(wanted)
}

fn report<'a>(view: &View<'a>, id: &ItemId) -> Option<&'a Report> {
    view.board().item(id)?.report.as_deref()
}

fn has_rows(view: &View<'_>, id: &ItemId) -> bool {
    report(view, id).is_some_and(|report| report.findings.iter().any(|finding| finding.row.is_some()))
}

/// The rows of an item's last report in their order, each with its worst verdict.
fn rows_of(view: &View<'_>, id: &ItemId) -> Vec<(String, Verdict)> {
    let mut rows: Vec<(String, Verdict)> = Vec::new();
    for finding in report(view, id).into_iter().flat_map(|report| &report.findings) {
        let Some(row) = &finding.row else { continue };
        match rows.iter_mut().find(|(known, _)| known == row) {
            Some((_, verdict)) => *verdict = (*verdict).max(finding.verdict),
            None => rows.push((row.clone(), finding.verdict)),
        }
    }
    rows
}

pub fn draw(state: &State, view: &View<'_>, frame: Role, area: Rect, buf: &mut Buffer) {
    let lines = state.lines(view);
    let at = state.place(&lines);
    let mut remarks = Vec::new();
    if state.wrong_only {
        remarks.push("wrong only".to_owned());
    }
    if !state.filter.is_empty() {
        remarks.push(format!("filter: {}", state.filter));
    }
    let remark = remarks.join(" · ");
    let inner = sheet::pane(area, Pane::Checklist.title(), &remark, frame, view.theme, buf);
    if lines.is_empty() {
        let nothing = match (state.wrong_only, state.filter.is_empty()) {
            (true, true) => "no item is wrong",
            (_, false) => "nothing matches the filter",
            (false, true) => "the plan has no items",
        };
        sheet::rows([Row::new(view.theme).say(Role::Muted, nothing)], inner, buf);
        return;
    }
    let seen = list::around(state.top, at, lines.len(), usize::from(inner.height));
    sheet::window(inner, &seen, lines.len(), frame, view.theme, buf);
    for (y, index) in (inner.top()..).zip(seen) {
        let row = line(state, view, &lines[index]);
        // Of an item its glyph and the beginning of its title stay in sight.
        let row = if lines[index].item().is_some() { row.right_at_most(usize::from(inner.width) * 2 / 3) } else { row };
        let row = if index == at { row.over(view.theme.selected(frame == Role::Focus)) } else { row };
        row.put(Rect { y, height: 1, ..inner }, buf);
    }
}

fn line<'v>(state: &State, view: &View<'v>, line: &Line) -> Row<'v> {
    let row = Row::new(view.theme);
    match line {
        Line::Phase(id) => match view.plan().phase(id) {
            Some(phase) => phase_line(state, view, phase),
            None => row,
        },
        Line::Item(id) => {
            let (Some(item), Some(known)) = (view.plan().item(id), view.board().item(id)) else { return row };
            let sign = standing::item(view, item, known);
            let name = if sign.role == Role::Muted { Role::Muted } else { Role::Plain };
            let row = row.say(sign.role, format!("  {} ", sign.glyph)).say(name, &item.title);
            let row = match &item.target {
                Some(target) => row.say(Role::Warned, format!(" @{target}")),
                None => row,
            };
            row.right(sign.role, &sign.words)
        }
        Line::Row(id, name) => {
            let verdict = rows_of(view, id).into_iter().find(|(known, _)| known == name).map(|(_, verdict)| verdict);
            let verdict = verdict.unwrap_or(Verdict::Unknown);
            let word = if verdict == Verdict::Pass { "" } else { verdict.word() };
            row.say(Role::of(verdict), format!("      {} ", view.theme.glyph(verdict)))
                .say(Role::Plain, name)
                .right(Role::of(verdict), word)
        }
    }
}

fn phase_line<'v>(state: &State, view: &View<'v>, phase: &Phase) -> Row<'v> {
    let glyphs = view.theme.glyphs;
    let fold = if state.folded.contains(&phase.id) { glyphs.folded } else { glyphs.unfolded };
    let sign = standing::phase(view, phase);
    Row::new(view.theme)
        .say(Role::Plain, format!("{fold} "))
        .say(Role::Title, &phase.title)
        .right(sign.role, format!("{} {}", sign.glyph, sign.words))
}
