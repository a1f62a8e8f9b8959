//! Incidents: all of them in one list, the worst open one first, and of the selected one everything that is
//! known, its ladder, and its timeline. Also the band that a whole room must see.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::header::Band;
use crate::base::text::{cut, printable};
use crate::launch::incident::{Deadline, Due, Incident, Rung, Stage, by_weight, calls, deadlines};
use crate::ui::action::Action;
use crate::ui::state::{Pane, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::{Step, Window, around};
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::{sheet, span};

/// More lines than this are not shown of one incident: `tminus incident LAUNCH show N` has them all.
const LINES_AT_MOST: usize = 1_000;
/// Of a timeline the newest.
const ENTRIES_AT_MOST: usize = 200;
/// Where the values of fields begin.
const COLUMN: usize = 11;
/// Lines of one field, and of an entry of the timeline.
const FIELD_LINES: usize = 8;

#[derive(Debug, Clone, Default)]
pub struct State {
    /// The number of the selected one; the first of the list where there is no such.
    selected: Option<u32>,
    /// Lines down in what is known of it.
    window: Window,
}

impl State {
    /// The incident that keys are for.
    #[must_use]
    pub fn selected<'v>(&self, view: &View<'v>) -> Option<&'v Incident> {
        let all = by_weight(view.board());
        all.iter().find(|known| Some(known.number) == self.selected).or(all.first()).copied()
    }

    pub fn select(&mut self, number: u32) {
        *self = Self { selected: Some(number), window: Window::default() };
    }

    /// Selects the incident that the list has at `line`.
    pub fn select_at(&mut self, line: usize, height: usize, view: &View<'_>) {
        let all = by_weight(view.board());
        let at = self.place(&all);
        if let Some(known) = listed(at, all.len(), height).nth(line).and_then(|at| all.get(at)) {
            self.select(known.number);
        }
    }

    fn place(&self, all: &[&Incident]) -> usize {
        all.iter().position(|known| Some(known.number) == self.selected).unwrap_or(0)
    }

    /// Lines go through the list, pages through what is known of the selected one.
    pub fn step(&mut self, step: Step, (columns, page): (usize, usize), view: &View<'_>) {
        let all = by_weight(view.board());
        let at = self.place(&all);
        match step {
            Step::PageUp | Step::PageDown => {
                let below = page.saturating_sub(listed(at, all.len(), page).len());
                let count = self.selected(view).map_or(0, |known| self::page(view, known, columns).len());
                self.window.step(step, count, below);
            }
            _ => {
                if let Some(next) = all.get(step.from(at, all.len(), page)) {
                    self.select(next.number);
                }
            }
        }
    }
}

pub fn draw(state: &State, view: &View<'_>, frame: Role, area: Rect, buf: &mut Buffer) {
    let all = by_weight(view.board());
    let open = all.iter().filter(|known| known.is_open()).count();
    let remark = if all.is_empty() { String::new() } else { format!("{open} open of {}", all.len()) };
    let inner = sheet::pane(area, Pane::Incidents.title(), &remark, frame, view.theme, buf);
    let Some(selected) = state.selected(view) else {
        let key = view.keymap.label(Action::Incident).unwrap_or_default();
        sheet::rows([Row::new(view.theme).say(Role::Muted, format!("none was opened; {key} opens one"))], inner, buf);
        return;
    };
    let height = usize::from(inner.height);
    let focused = frame == Role::Focus;
    let seen = listed(state.place(&all), all.len(), height);
    let listed = seen.len();
    let hidden = (seen.start, all.len() - seen.end);
    let lines = all[seen].iter().map(|known| {
        let row = line(view, known, usize::from(inner.width));
        if known.number == selected.number { row.over(view.theme.selected(focused)) } else { row }
    });
    sheet::rows(lines, inner, buf);
    let shift = u16::try_from(listed).unwrap_or(inner.height).min(inner.height);
    let below = Rect { y: inner.y + shift, height: inner.height - shift, ..inner };
    let rows = page(view, selected, usize::from(inner.width));
    let seen = state.window.seen(rows.len(), usize::from(below.height));
    // Those of the list too: its pages are one pane.
    let more = (hidden.0 + seen.start, hidden.1 + rows.len() - seen.end);
    sheet::beyond(inner, more.0, more.1, frame, view.theme, buf);
    sheet::rows(rows.into_iter().skip(seen.start), below, buf);
}

/// Which of the list are seen in a pane of that height: what is known of one needs the rest.
fn listed(at: usize, count: usize, height: usize) -> std::ops::Range<usize> {
    around(0, at, count, count.min((height / 3).max(1)))
}

/// Glyph and role of a stage.
fn sign(view: &View<'_>, stage: Stage) -> (&'static str, Role) {
    let glyphs = view.theme.glyphs;
    match stage {
        Stage::Active => (glyphs.fail, Role::Failed),
        Stage::Mitigated => (glyphs.warn, Role::Warned),
        Stage::Resolved => (glyphs.pass, Role::Passed),
        Stage::Closed => (glyphs.skipped, Role::Muted),
    }
}

fn line<'v>(view: &View<'v>, known: &Incident, width: usize) -> Row<'v> {
    let (glyph, role) = sign(view, known.stage);
    let age = span::stopwatch(lasted(view, known));
    let severity = known.severity.as_ref().map_or("sev?", |severity| severity.as_str());
    let row = Row::new(view.theme).say(role, format!("{glyph} {} {severity} ", known.number));
    let row = row.say(role, known.stage.word().to_uppercase()).say(Role::Plain, format!(" {age}"));
    let row = match &known.commander {
        Some(name) => row.say(Role::Plain, format!(" {}", clean(name, 16))),
        None if known.is_open() => row.say(Role::Warned, " no commander"),
        None => row,
    };
    let row = row.say(Role::Muted, format!(" {}", clean(&known.title, width)));
    match next(view, known) {
        Some((words, role)) => row.right(role, words),
        None => row,
    }
}

/// The next deadline, or the one that rings: `L2 in 2:19`.
fn next(view: &View<'_>, known: &Incident) -> Option<(String, Role)> {
    if !known.is_open() {
        return None;
    }
    if let Some(rung) = known.unanswered().last() {
        return Some((format!("{} {} DUE", view.theme.glyphs.due, rung.due.word()), Role::Danger));
    }
    let Deadline { at, due } = deadlines(view.plan(), known).into_iter().next()?;
    let left = at.since(view.now.instant);
    let role = if left <= crate::launch::incident::SOON { Role::Warned } else { Role::Plain };
    Some((format!("{} in {}", due.word(), span::stopwatch(left)), role))
}

/// One line of outside text, at most `width` columns.
fn clean(text: &str, width: usize) -> String {
    // A cut in front of the cleaning bounds its work.
    let bounded: String = text.chars().take(width.saturating_mul(4).saturating_add(64)).collect();
    cut(&printable(&bounded), width)
}

fn page<'v>(view: &View<'v>, known: &Incident, width: usize) -> Vec<Row<'v>> {
    let mut page = Page { view, width, rows: Vec::new() };
    for line in wrap(&clean(&known.title, width.saturating_mul(3)), width) {
        page.rows.push(Row::new(view.theme).say(Role::Title, line));
    }
    let (glyph, role) = sign(view, known.stage);
    let age = span::stopwatch(lasted(view, known));
    page.field("stage", &format!("{glyph} {} · {age}", known.stage.word().to_uppercase()), role);
    // Whom to call comes before what is known.
    ladder(&mut page, known);
    fields(&mut page, known);
    page.rows.push(Row::new(view.theme).say(Role::Muted, "timeline"));
    let hidden = known.timeline.len().saturating_sub(ENTRIES_AT_MOST);
    if hidden > 0 {
        page.field("", &format!("{hidden} earlier lines are in the journal"), Role::Muted);
    }
    for entry in &known.timeline[hidden..] {
        let scripted = if entry.by.scripted { " (scripted)" } else { "" };
        let who = if entry.by.name == "engine" { String::new() } else { format!(" · {}{scripted}", entry.by.name) };
        page.field(&view.time(entry.occurred_at), &format!("{}{who}", entry.words), Role::Plain);
    }
    if page.rows.len() > LINES_AT_MOST {
        page.rows.truncate(LINES_AT_MOST - 1);
        let words = format!("… and more: tminus incident LAUNCH show {}", known.number);
        page.rows.push(Row::new(view.theme).say(Role::Warned, words));
    }
    page.rows
}

/// From its opening until it was over, or until now.
fn lasted(view: &View<'_>, known: &Incident) -> Duration {
    let over = known.resolved.or(known.closed).filter(|_| !known.is_open());
    over.map_or(view.now.instant, |over| over.at).since(known.opened.at)
}

fn fields(page: &mut Page<'_, '_>, known: &Incident) {
    let view = page.view;
    match known.severity(view.plan()) {
        Some(severity) => {
            page.field("severity", &format!("{} {}: {}", severity.id, severity.title, severity.guide), Role::Plain);
        }
        None => page.given("severity", known.severity.as_ref().map(|severity| severity.as_str()), known.is_open()),
    }
    page.given("commander", known.commander.as_deref(), known.is_open());
    page.field("noticed", &format!("{} by {}", view.time(known.opened.wall), known.detected_by), Role::Plain);
    page.given("impact", known.impact.as_deref(), known.is_open());
    page.given("mitigation", known.mitigations.last().map(String::as_str), known.is_open());
    page.given("follow-up", Some(known.follow_ups.join(", ")).filter(|ids| !ids.is_empty()).as_deref(), false);
    for (name, at) in [("mitigated", known.mitigated), ("resolved", known.resolved), ("closed", known.closed)] {
        if let Some(at) = at {
            page.field(name, &view.time(at.wall), Role::Plain);
        }
    }
}

fn ladder(page: &mut Page<'_, '_>, known: &Incident) {
    let view = page.view;
    for rung in &known.rung {
        let told = view.time(rung.told.wall);
        let late = if rung.late.as_secs() > 0 { format!(", {} late", span::seconds(rung.late)) } else { String::new() };
        let (words, role) = match &rung.acknowledged {
            Some(by) => (format!("rang {told}{late}, acknowledged by {}", by.name), Role::Plain),
            None if !known.is_open() => (format!("rang {told}{late}"), Role::Plain),
            None => (format!("{} RANG {told}{late}{}", view.theme.glyphs.due, call(view, known, rung)), Role::Warned),
        };
        page.field(rung.due.word(), &words, role);
    }
    for Deadline { at, due } in deadlines(view.plan(), known) {
        let left = span::stopwatch(at.since(view.now.instant));
        page.field(due.word(), &format!("in {left}"), Role::Muted);
    }
    // Whoever was called last stays in sight.
    if let Some(level) = known.level(view.plan()).filter(|_| known.is_open()) {
        page.field("call", &format!("{}: {}", level.title, level.contacts.join(", ")), Role::Title);
    }
}

/// What a ring asks for: ` · call NAMES`, or what triage lacks.
fn call(view: &View<'_>, known: &Incident, rung: &Rung) -> String {
    match &rung.due {
        Due::Triage => format!(" · no {}", known.lacks().join(", no ")),
        Due::Level(id) => {
            let levels = known.severity(view.plan()).map_or(&[][..], |severity| &severity.levels);
            let contacts = levels.iter().find(|level| level.id == *id).map(|level| level.contacts.join(", "));
            contacts.filter(|all| !all.is_empty()).map(|all| format!(" · call {all}")).unwrap_or_default()
        }
    }
}

struct Page<'p, 'v> {
    view: &'p View<'v>,
    width: usize,
    rows: Vec<Row<'v>>,
}

impl Page<'_, '_> {
    fn field(&mut self, name: &str, value: &str, role: Role) {
        let width = self.width.saturating_sub(COLUMN).max(8);
        for (at, line) in wrap(&clean(value, width * FIELD_LINES), width).into_iter().enumerate() {
            let name = if at == 0 { clean(name, COLUMN - 1) } else { String::new() };
            self.rows.push(Row::new(self.view.theme).say(Role::Muted, name).tab(COLUMN).say(role, line));
        }
    }

    fn given(&mut self, name: &str, value: Option<&str>, wanted: bool) {
        match value {
            Some(value) => self.field(name, value, Role::Plain),
            None if wanted => self.field(name, "not said yet", Role::Warned),
            None => {}
        }
    }
}

/// The line for the far end of the room: the worst open incident of a grave severity, or one that rings.
#[must_use]
pub fn band(view: &View<'_>) -> Option<Band> {
    let calls = calls(view.board(), view.now.instant);
    let all = by_weight(view.board());
    let grave: Vec<&&Incident> = all.iter().filter(|known| known.is_grave(view.plan())).collect();
    let known = calls.first().or(grave.first().copied())?;
    let severity = known.severity.as_ref().map_or("NOT TRIAGED".to_owned(), |known| known.as_str().to_uppercase());
    let age = span::stopwatch(lasted(view, known));
    let (glyph, _) = sign(view, known.stage);
    let stage = known.stage.word().to_uppercase();
    let mut words = vec![format!("{glyph} INCIDENT {} {severity} {stage} {age}", known.number)];
    let key = view.keymap.label(Action::Acknowledge).unwrap_or_default();
    if let Some(rung) = known.unanswered().last() {
        words.push(match &rung.due {
            Due::Triage => format!("TRIAGE OVERDUE: no {} · {key} acknowledges", known.lacks().join(", no ")),
            Due::Level(level) => format!("ESCALATE {level}{} · {key} acknowledges", call(view, known, rung)),
        });
    } else if let Some(triage) = deadlines(view.plan(), known).iter().find(|deadline| deadline.due == Due::Triage) {
        let left = span::stopwatch(triage.at.since(view.now.instant));
        words.push(format!("triage in {left}: no {}", known.lacks().join(", no ")));
    }
    words.extend(known.commander.as_ref().map(|name| format!("commander {}", clean(name, 16))));
    words.push(clean(&known.title, 60));
    let others = grave.iter().filter(|other| other.number != known.number).count();
    if others > 0 {
        words.insert(1, format!("+{others} more"));
    }
    let loud = known.is_grave(view.plan()) && known.stage == Stage::Active;
    Some(Band { role: if loud { Role::Danger } else { Role::Held }, text: words.join(" · ") })
}
