//! What is watched: monitors, signals, objectives, triggers, each in a part of its own, one line selected. Where a
//! part has more than fits, what is not well stands first, and its heading counts the rest. What is not seen is
//! never shown as well.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::id::{MonitorId, ObjectiveId, SignalId, TriggerId};
use crate::launch::trigger::Stage;
use crate::launch::verdict::Verdict;
use crate::ui::state::{Pane, View};
use crate::ui::theme::Role;
use crate::ui::watched;
use crate::ui::widgets::list::{Step, around};
use crate::ui::widgets::row::Row;
use crate::ui::widgets::sheet;
use now::Now;

mod lines;
mod now;
mod watching;

pub use watching::watching;

/// A part of more lines than this has what is not well in front: nobody knows a hundred lines by their place.
const LONG: usize = 8;

/// One line of the pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Monitor(MonitorId),
    Signal(SignalId),
    Objective(ObjectiveId),
    Trigger(TriggerId),
}

#[derive(Debug, Clone, Default)]
pub struct State {
    /// The line that a person went to; the first while there is none.
    selected: Option<Line>,
    pub filter: String,
    /// Only what is not well.
    pub wrong_only: bool,
    order: Order,
}

/// In which order the lines of a part stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    /// The plan's; a long part has what is not well in front.
    #[default]
    Plan,
    Worst,
    Name,
}

impl State {
    #[must_use]
    pub fn selected(&self, view: &View<'_>) -> Option<Line> {
        let all = self.all(view);
        let known = self.selected.as_ref().filter(|line| all.contains(line));
        known.or(all.first()).cloned()
    }

    /// Shows all again, and stays where the filter led.
    pub fn drop_filter(&mut self, view: &View<'_>) {
        if !self.filter.is_empty() {
            self.selected = self.selected(view);
            self.filter.clear();
        }
    }

    pub fn step(&mut self, step: Step, page: usize, view: &View<'_>) {
        let all = self.all(view);
        let at = self.selected.as_ref().and_then(|line| all.iter().position(|known| known == line));
        let to = step.from(at.unwrap_or(0), all.len(), page);
        self.selected = all.into_iter().nth(to);
    }

    /// Takes the next order.
    pub fn sort(&mut self) {
        self.order = match self.order {
            Order::Plan => Order::Worst,
            Order::Worst => Order::Name,
            Order::Name => Order::Plan,
        };
    }

    /// Every line in the order of the pane.
    fn all(&self, view: &View<'_>) -> Vec<Line> {
        parts(self, view).into_iter().flat_map(|part| part.lines).collect()
    }

    /// What is not shown as it stands in the plan, in words.
    fn remark(&self) -> String {
        let order = match self.order {
            Order::Plan => "",
            Order::Worst => "worst first",
            Order::Name => "by name",
        };
        let wrong = if self.wrong_only { "wrong only" } else { "" };
        let filter = if self.filter.is_empty() { String::new() } else { format!("filter: {}", self.filter) };
        let said = [order, wrong, &filter].into_iter().filter(|words| !words.is_empty());
        said.collect::<Vec<_>>().join(" · ")
    }

    /// Selects what stands at `line`; whether there is something.
    pub fn select_at(&mut self, line: usize, inner: Rect, view: &View<'_>) -> bool {
        let picture = picture(self, view, true, inner);
        let Some((Some(line), _)) = picture.rows.into_iter().nth(line) else { return false };
        self.selected = Some(line);
        true
    }
}

/// What the pane shows: its rows, each with the line it belongs to.
struct Picture<'v> {
    title: &'static str,
    remark: String,
    rows: Vec<(Option<Line>, Row<'v>)>,
    /// Lines above and below, where no heading counts them.
    beyond: (usize, usize),
}

/// A part of the pane.
struct Part {
    title: &'static str,
    lines: Vec<Line>,
    /// How many lines it got.
    given: usize,
    /// How many of them are not well or for now.
    wanted: usize,
}

impl Line {
    /// What it is called, and its title.
    fn names<'v>(&'v self, view: &View<'v>) -> (&'v str, &'v str) {
        let plan = view.plan();
        let title = match self {
            Self::Monitor(id) => plan.monitors.iter().find(|known| known.id == *id).map(|known| known.title.as_str()),
            Self::Signal(id) => plan.signals.iter().find(|known| known.id == *id).map(|known| known.title.as_str()),
            Self::Objective(id) => {
                plan.objectives.iter().find(|known| known.id == *id).map(|known| known.title.as_str())
            }
            Self::Trigger(id) => plan.triggers.iter().find(|known| known.id == *id).map(|known| known.title.as_str()),
        };
        let id = match self {
            Self::Monitor(id) => id.as_str(),
            Self::Signal(id) => id.as_str(),
            Self::Objective(id) => id.as_str(),
            Self::Trigger(id) => id.as_str(),
        };
        (id, title.unwrap_or_default())
    }
}

fn parts(state: &State, view: &View<'_>) -> Vec<Part> {
    let plan = view.plan();
    let monitors = plan.monitors.iter().filter(|known| known.ready_for.is_none());
    let parts = [
        ("Monitors", monitors.map(|known| Line::Monitor(known.id.clone())).collect::<Vec<_>>()),
        ("Signals", plan.signals.iter().map(|known| Line::Signal(known.id.clone())).collect()),
        ("Objectives", plan.objectives.iter().map(|known| Line::Objective(known.id.clone())).collect()),
        ("Triggers", plan.triggers.iter().map(|known| Line::Trigger(known.id.clone())).collect()),
    ];
    let now = Now::of(view);
    let want = |line: &Line| (urgency(line, view), now.has(line));
    let wanted = state.filter.to_lowercase();
    let is_shown = |line: &Line| {
        let (id, title) = line.names(view);
        let found = wanted.is_empty() || id.to_lowercase().contains(&wanted) || title.to_lowercase().contains(&wanted);
        found && (!state.wrong_only || urgency(line, view) > 0)
    };
    let parts = parts.into_iter().map(|(title, mut lines)| {
        lines.retain(is_shown);
        match state.order {
            Order::Plan if lines.len() <= LONG => {}
            Order::Plan | Order::Worst => lines.sort_by_cached_key(|line| std::cmp::Reverse(want(line))),
            Order::Name => lines.sort_by(|one, other| one.names(view).0.cmp(other.names(view).0)),
        }
        let wanted = lines.iter().filter(|line| want(line) > (0, false)).count();
        Part { title, lines, given: 0, wanted }
    });
    parts.filter(|part| !part.lines.is_empty()).collect()
}

/// How much a line wants to be seen: none where all is well.
fn urgency(line: &Line, view: &View<'_>) -> u8 {
    let of = |verdict: Verdict| match verdict {
        Verdict::Pass | Verdict::Skipped => 0,
        Verdict::Warn => 1,
        Verdict::Stale | Verdict::Unknown => 2,
        Verdict::Fail => 3,
    };
    if let Line::Trigger(id) = line {
        return match view.board().triggers.get(id) {
            Some(known) if matches!(known.stage, Stage::Fired { .. }) => 4,
            Some(known) if known.stage != Stage::Quiet => 2,
            Some(known) => u8::from(known.held > 0),
            None => 0,
        };
    }
    of(verdict(line, view))
}

fn verdict(line: &Line, view: &View<'_>) -> Verdict {
    let plan = view.plan();
    let known = match line {
        Line::Monitor(id) => plan
            .monitors
            .iter()
            .find(|known| known.id == *id)
            .map(|known| lines::standing(view, known, view.live().monitors.get(id))),
        Line::Signal(id) => plan
            .signals
            .iter()
            .find(|known| known.id == *id)
            .map(|known| watched::signal(known, view.live().signals.get(id), view.wall)),
        Line::Objective(id) => {
            plan.objectives.iter().find(|known| known.id == *id).map(|known| watched::shown(view, known).verdict)
        }
        Line::Trigger(_) => None,
    };
    known.unwrap_or(Verdict::Unknown)
}

pub fn draw(state: &State, view: &View<'_>, frame: Role, area: Rect, buf: &mut Buffer) {
    let inner = Rect { width: area.width.saturating_sub(2), height: area.height.saturating_sub(2), ..area };
    let picture = picture(state, view, frame == Role::Focus, inner);
    let inner = sheet::pane(area, picture.title, &picture.remark, frame, view.theme, buf);
    sheet::beyond(inner, picture.beyond.0, picture.beyond.1, frame, view.theme, buf);
    sheet::rows(picture.rows.into_iter().map(|(_, row)| row), inner, buf);
}

fn picture<'v>(state: &State, view: &View<'v>, focused: bool, inner: Rect) -> Picture<'v> {
    let mut parts = parts(state, view);
    let first = parts.first().map_or("", |part| part.title);
    let title = if matches!(first, "" | "Monitors") { Pane::Monitors.title() } else { first };
    let room = usize::from(inner.height).saturating_sub(1);
    let headed = share(&mut parts, room);
    let remark = parts.first().filter(|part| headed && part.given < part.lines.len()).map(|part| tally(part, view));
    let said = [state.remark(), remark.unwrap_or_default()].into_iter().filter(|words| !words.is_empty());
    let remark = said.collect::<Vec<_>>().join(" · ");
    if parts.is_empty() {
        let nothing = match (state.filter.is_empty(), state.wrong_only) {
            (false, _) => "nothing matches the filter",
            (true, true) => "nothing that is watched is wrong",
            (true, false) => "the plan has no monitors",
        };
        let mut rows = vec![(None, Row::new(view.theme).say(Role::Muted, nothing))];
        if !state.remark().is_empty() {
            rows.push((None, watching::row(view)));
        }
        return Picture { title, remark, rows, beyond: (0, 0) };
    }
    let width = usize::from(inner.width);
    let selected = state.selected(view);
    let shown = state.selected.is_some() || focused;
    let put = |line: &Line, most: usize, rows: &mut Vec<(Option<Line>, Row<'v>)>| {
        let own = lines::rows(line, view, width, most);
        for (at, row) in own.into_iter().enumerate() {
            let over = at == 0 && shown && selected.as_ref() == Some(line);
            rows.push((Some(line.clone()), if over { row.over(view.theme.selected(focused)) } else { row }));
        }
    };
    let mut rows = Vec::new();
    let mut beyond = (0, 0);
    if headed {
        let most = second_lines(&parts, room, width, view);
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                rows.push((None, heading(part, view, width)));
            }
            let here = selected.as_ref().and_then(|line| part.lines.iter().position(|known| known == line));
            let seen = match here.filter(|_| shown) {
                Some(at) => around(0, at, part.lines.len(), part.given).collect(),
                None => wanted_most(part, view),
            };
            for at in seen {
                put(&part.lines[at], most[place][at], &mut rows);
            }
        }
    } else {
        let mut flat: Vec<Line> = parts.into_iter().flat_map(|part| part.lines).collect();
        if state.order == Order::Plan {
            let now = Now::of(view);
            flat.sort_by_cached_key(|line| std::cmp::Reverse((urgency(line, view), now.has(line))));
        }
        let at = flat.iter().position(|line| shown && selected.as_ref() == Some(line)).unwrap_or(0);
        let seen = around(0, at, flat.len(), room);
        beyond = (seen.start, flat.len() - seen.end);
        for at in seen {
            put(&flat[at], 1, &mut rows);
        }
    }
    rows.truncate(room);
    rows.push((None, watching::row(view)));
    Picture { title, remark, rows, beyond }
}

/// The lines of a part that nobody goes through: as many as it got, those before all that are not well or for now.
fn wanted_most(part: &Part, view: &View<'_>) -> Vec<usize> {
    let all = 0..part.lines.len();
    if part.given >= part.lines.len() {
        return all.collect();
    }
    let now = Now::of(view);
    let mut order: Vec<usize> = all.collect();
    order.sort_by_cached_key(|at| std::cmp::Reverse((urgency(&part.lines[*at], view), now.has(&part.lines[*at]))));
    order.truncate(part.given);
    order.sort_unstable();
    order
}

/// Gives every part its lines of `room`, headings aside; false where there is too little for headings at all.
fn share(parts: &mut [Part], room: usize) -> bool {
    let headings = parts.len().saturating_sub(1);
    let Some(mut left) = room.checked_sub(headings).filter(|left| *left >= parts.len() * 2 || parts.len() < 2) else {
        return false;
    };
    // One line at a time in turns, so that a hundred monitors leave the objectives theirs. What an emergency needs
    // first has the first turn.
    let half = left / 2;
    for all in [false, true] {
        // What is well and for later has what is left, a line of each part aside; and no part takes all of it.
        let most = |part: &Part| if all { part.lines.len() } else { part.wanted.clamp(1, half.max(1)) };
        let order = |title| ["Objectives", "Triggers", "Monitors", "Signals"].iter().position(|known| *known == title);
        while left > 0 {
            let wants = parts.iter_mut().filter(|part| part.given < most(part));
            let Some(part) = wants.min_by_key(|part| (part.given, order(part.title))) else { break };
            part.given += 1;
            left -= 1;
        }
    }
    true
}

/// How many lines each line may take of what is left once every one has its own: first those that are not well, then
/// the monitors, then whatever says more.
fn second_lines(parts: &[Part], room: usize, width: usize, view: &View<'_>) -> Vec<Vec<usize>> {
    let mut most: Vec<Vec<usize>> = parts.iter().map(|part| vec![1; part.lines.len()]).collect();
    let given: usize = parts.iter().map(|part| part.given).sum();
    if parts.iter().any(|part| part.given < part.lines.len()) {
        return most;
    }
    let mut spare = room.saturating_sub(given + parts.len() - 1);
    let more = |line: &Line, wanted: usize| lines::rows(line, view, width, wanted).len().saturating_sub(1);
    for title in ["Objectives", "Triggers", "Signals"] {
        let Some((place, part)) = parts.iter().enumerate().find(|(_, part)| part.title == title) else { continue };
        for (at, line) in part.lines.iter().enumerate() {
            let own = more(line, 2);
            if own > 0 && own <= spare && urgency(line, view) > 0 {
                most[place][at] = 2;
                spare -= own;
            }
        }
    }
    for title in ["Monitors", "Objectives", "Triggers", "Signals"] {
        let Some(place) = parts.iter().position(|part| part.title == title) else { continue };
        for wanted in [3, 2] {
            let own: usize = parts[place]
                .lines
                .iter()
                .zip(&most[place])
                .map(|(line, most)| if *most > 1 { 0 } else { more(line, wanted) })
                .sum();
            if own <= spare {
                spare -= own;
                most[place].iter_mut().for_each(|most| *most = (*most).max(wanted));
                break;
            }
        }
    }
    most
}

fn heading<'v>(part: &Part, view: &View<'v>, width: usize) -> Row<'v> {
    let tally = if part.given < part.lines.len() { format!("{} ", tally(part, view)) } else { String::new() };
    let rule = view.theme.glyphs.rule.repeat(width.saturating_sub(part.title.len() + tally.chars().count() + 1));
    Row::new(view.theme).say(Role::Title, format!("{} ", part.title)).say(Role::Warned, tally).say(Role::Muted, rule)
}

/// `40: ✗ 2 · ? 1`: how many a part has, and how many of them are not well.
fn tally(part: &Part, view: &View<'_>) -> String {
    let triggers = || part.lines.iter().filter(|line| urgency(line, view) > 0).count();
    let count = |wanted: Verdict| part.lines.iter().filter(|line| verdict(line, view) == wanted).count();
    let all = part.lines.len();
    if part.title == "Triggers" {
        return match triggers() {
            0 => format!("{all}"),
            n => format!("{all}: {} {n}", view.theme.glyphs.warn),
        };
    }
    let bad = [Verdict::Fail, Verdict::Unknown, Verdict::Stale, Verdict::Warn];
    let bad = bad.into_iter().map(|verdict| (view.theme.glyph(verdict), count(verdict))).filter(|(_, n)| *n > 0);
    let bad: Vec<String> = bad.map(|(glyph, n)| format!("{glyph} {n}")).collect();
    if bad.is_empty() { format!("{all}") } else { format!("{all}: {}", bad.join(" · ")) }
}
