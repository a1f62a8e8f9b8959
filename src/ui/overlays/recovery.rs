//! The recovery screen: what was open when this console came back, how each of it stands by now, and the
//! keys that settle it. Draws from the board alone; what a key does is in `dialog`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::board::ItemState;
use crate::launch::countdown::{CONSOLE_RESTART, Countdown, Phase};
use crate::launch::event::RollbackEnd;
use crate::launch::id::ItemId;
use crate::launch::plan::{Act, Class, Item};
use crate::launch::recovery::{self, Open, Recovery, Standing, Way};
use crate::launch::verdict::{Outcome, Verdict};
use crate::ui::action::Action;
use crate::ui::state::{Overlay, View};
use crate::ui::theme::Role;
use crate::ui::update::may_be_twice;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::{list, sheet, span};

/// Rows of one line of the list: what it is, and how it stands.
const EACH: usize = 2;
/// Rows that are no line of the list: the countdown, the keys, and a gap to each.
const AROUND: usize = 4;

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Step(ItemId),
    Rollback,
}

/// What the list holds just now.
#[must_use]
pub fn lines(view: &View<'_>) -> Vec<Line> {
    let Some(recovery) = &view.board().recovery else { return Vec::new() };
    let steps = recovery.open.iter().map(|open| Line::Step(open.item.clone()));
    steps.chain(recovery.rollback.map(|_| Line::Rollback)).collect()
}

/// The screen, with the first line that wants a person selected; none where there is nothing to list.
#[must_use]
pub fn opened(view: &View<'_>) -> Option<Overlay> {
    let lines = lines(view);
    let wants = |line: &Line| step(view, line).and_then(|(item, state)| recovery::way(item, state)).is_some();
    let selected = lines.iter().position(wants).unwrap_or(0);
    (!lines.is_empty()).then_some(Overlay::Recovery { selected })
}

/// The step of a line, as it stands.
#[must_use]
pub fn step<'v>(view: &View<'v>, line: &Line) -> Option<(&'v Item, &'v ItemState)> {
    let Line::Step(id) = line else { return None };
    Some((view.plan().item(id)?, view.board().item(id)?))
}

pub fn draw(selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let Some(recovery) = &view.board().recovery else { return };
    let lines = lines(view);
    let selected = selected.min(lines.len().saturating_sub(1));
    let height = u16::try_from(lines.len() * EACH + AROUND + 2).unwrap_or(u16::MAX);
    let title = if recovery.clean { "Back: what was open" } else { "Back after a crash: what was open" };
    let at = view.time_with_offset(recovery.wall);
    let inner = sheet::sheet(sheet::middle(area, 104, height), title, &at, Role::Warned, view.theme, buf);
    let room = (usize::from(inner.height).saturating_sub(AROUND) / EACH).max(1);
    let seen = list::around(0, selected, lines.len(), room);
    let clock = view.board().clock_at(view.now.instant);
    let mut head = countdown(view, clock.as_ref());
    if seen.len() < lines.len() {
        head = head.right(Role::Muted, format!("{}-{} of {} ", seen.start + 1, seen.end, lines.len()));
    }
    let mut rows = vec![head, Row::new(view.theme)];
    for index in seen {
        let [what, how] = match (&lines[index], recovery.open.get(index)) {
            (Line::Step(_), Some(open)) => of_step(view, recovery, open),
            _ => of_rollback(view, recovery.rollback),
        };
        rows.push(if index == selected { what.over(view.theme.selected(true)) } else { what });
        rows.push(how);
    }
    rows.push(Row::new(view.theme));
    rows.push(keys(view, lines.get(selected)));
    sheet::rows(rows, inner, buf);
}

fn label(view: &View<'_>, action: Action) -> String {
    view.keymap.label(action).unwrap_or_else(|| "?".to_owned())
}

fn countdown<'v>(view: &View<'v>, clock: Option<&Countdown>) -> Row<'v> {
    let row = Row::new(view.theme).say(Role::Plain, " ");
    let Some(clock) = clock else { return row.say(Role::Muted, "no countdown") };
    let (glyphs, t) = (view.theme.glyphs, clock.mark().face());
    match clock.phase {
        Phase::Liftoff if view.board().frozen.is_some() => row
            .say(Role::Danger, format!(" FROZEN at {t} "))
            .say(Role::Plain, " close, then ")
            .say(Role::Focus, label(view, Action::Release))
            .say(Role::Plain, format!(" thaws · {}", view.board().frozen.as_deref().unwrap_or_default())),
        Phase::Counting => row.say(Role::Running, format!("{} counting at {t}", glyphs.counting)),
        Phase::Liftoff => row.say(Role::Passed, format!("{} after T-0, at {t}", glyphs.counting)),
        Phase::Scrubbed => row.say(Role::Danger, format!("SCRUBBED at {t}")),
        Phase::Cutoff => row.say(Role::Danger, format!("CUT OFF at {t}")),
        Phase::Holding => {
            let row = row.say(Role::Held, format!(" {} HOLDING at {t} ", glyphs.holding));
            if clock.latches.contains_key(CONSOLE_RESTART) {
                return row
                    .say(Role::Plain, format!(" with {CONSOLE_RESTART}: catch up with "))
                    .say(Role::Focus, label(view, Action::CatchUp));
            }
            let held: Vec<&str> = clock.latches.keys().map(String::as_str).collect();
            let why =
                if held.is_empty() { " every hold is released: ".into() } else { format!(" {}: ", held.join(", ")) };
            row.say(Role::Plain, format!("{why}close, then "))
                .say(Role::Focus, label(view, Action::Release))
                .say(Role::Plain, " resumes")
        }
    }
}

fn of_step<'v>(view: &View<'v>, recovery: &Recovery, open: &Open) -> [Row<'v>; 2] {
    let (item, state) = (view.plan().item(&open.item), view.board().item(&open.item));
    let standing = recovery.standing(open, view.board());
    let (glyph, role, words) = sign(view, standing, state);
    let title = item.map_or(open.item.as_str(), |item| item.title.as_str());
    let nth = if open.attempt.0 > 1 { format!(" · attempt {}", open.attempt) } else { String::new() };
    let was = if open.pid.is_some() { "begun" } else { "intended" };
    let ago = span::seconds(view.now.instant.since(open.since));
    let what = Row::new(view.theme)
        .say(role, format!(" {glyph} "))
        .say(Role::Title, title)
        .right(Role::Muted, format!("{}{nth} · {was} {ago} ago ", item.map_or("", class)));
    let how = Row::new(view.theme).say(role, format!("     {words}"));
    let way = item.zip(state).and_then(|(item, state)| recovery::way(item, state));
    [what, ways(view, how, way, standing)]
}

/// What may be done about a line, at its right.
fn ways<'v>(view: &View<'v>, row: Row<'v>, way: Option<Way>, standing: Standing) -> Row<'v> {
    let key = |action| label(view, action);
    match (way, standing) {
        (Some(Way::Key), Standing::NeverRan) => {
            row.right(Role::Focus, key(Action::Confirm)).right(Role::Plain, " runs it ")
        }
        (Some(Way::Key), _) => row.right(Role::Focus, key(Action::Confirm)).right(Role::Plain, " repeats it "),
        (Some(Way::Word), _) => row
            .right(Role::Plain, "look by hand, then ")
            .right(Role::Focus, key(Action::MarkDone))
            .right(Role::Plain, " done, ")
            .right(Role::Focus, key(Action::MarkFailed))
            .right(Role::Plain, " failed, ")
            .right(Role::Focus, key(Action::Repeat))
            .right(Role::Plain, " repeat "),
        (None, _) => row,
    }
}

fn class(item: &Item) -> &'static str {
    let Act::Step { class, .. } = &item.act else { return "" };
    Class::WORDS.iter().find(|(_, known)| known == class).map_or("", |(word, _)| word)
}

fn sign(view: &View<'_>, standing: Standing, state: Option<&ItemState>) -> (&'static str, Role, String) {
    let glyphs = view.theme.glyphs;
    let of = |verdict| (view.theme.glyph(verdict), Role::of(verdict));
    let outcome = || state.and_then(|state| state.outcome.as_ref()).map(Outcome::words).unwrap_or_default();
    match standing {
        Standing::Looking => (glyphs.waiting, Role::Muted, "its files are being looked at".to_owned()),
        Standing::Adopted { pid } => {
            let asked = if state.is_some_and(|state| state.cancelled) { ", asked to end" } else { "" };
            (glyphs.running, Role::Running, format!("still running, adopted (process {pid}){asked}"))
        }
        Standing::EndedAway { verdict, at } => {
            let (glyph, role) = of(verdict);
            (glyph, role, format!("ended while away at {}: {verdict}, {}", view.time(at), outcome()))
        }
        Standing::Ended { verdict } => {
            let (glyph, role) = of(verdict);
            (glyph, role, format!("ended: {verdict}, {}", outcome()))
        }
        Standing::NeverRan => (glyphs.due, Role::Warned, "never ran (fenced): safe to run".to_owned()),
        Standing::Unknown => (glyphs.unknown, Role::Unknown, "UNKNOWN: its shim died".to_owned()),
        Standing::Marked { passed } => {
            let (glyph, role) = of(if passed { Verdict::Pass } else { Verdict::Fail });
            let said = state.and_then(|state| state.report.as_ref()).map(|report| report.summary.clone());
            (glyph, role, said.unwrap_or_default())
        }
        Standing::Repeated { attempt, verdict: None } => {
            (glyphs.running, Role::Running, format!("done again as attempt {attempt}: it runs"))
        }
        Standing::Repeated { attempt, verdict: Some(verdict) } => {
            let (glyph, role) = of(verdict);
            (glyph, role, format!("done again as attempt {attempt}: {verdict}, {}", outcome()))
        }
    }
}

fn of_rollback<'v>(view: &View<'v>, run: Option<u32>) -> [Row<'v>; 2] {
    let known = view.board().rollbacks.iter().find(|known| Some(known.run) == run);
    let row = || Row::new(view.theme);
    let Some(known) = known else { return [row(), row()] };
    let (glyphs, elapsed) = (view.theme.glyphs, span::stopwatch(known.elapsed(view.now.instant)));
    let (glyph, role, words) = match &known.end {
        None => (glyphs.running, Role::Danger, format!("under way for {elapsed}, its runner goes on by itself")),
        Some(RollbackEnd::Verified) => (glyphs.pass, Role::Passed, format!("VERIFIED after {elapsed}")),
        Some(end) => (glyphs.fail, Role::Failed, format!("{} after {elapsed}", end.words().to_uppercase())),
    };
    let what = row()
        .say(role, format!(" {glyph} "))
        .say(Role::Title, format!("ROLLBACK {}", known.id))
        .right(Role::Muted, format!("run {} · by {} ", known.run, known.by.name));
    let how = row().say(role, format!("     {words}"));
    [what, how.right(Role::Focus, label(view, Action::Confirm)).right(Role::Plain, " shows it ")]
}

/// The keys of the selected line.
fn keys<'v>(view: &View<'v>, line: Option<&Line>) -> Row<'v> {
    let row = Row::new(view.theme).say(Role::Plain, " ");
    let say = |row: Row<'v>, action: Action, words: &str| {
        row.say(Role::Focus, label(view, action)).say(Role::Plain, format!(" {words}   "))
    };
    let step = line.and_then(|line| step(view, line));
    let row = match step.and_then(|(item, state)| recovery::way(item, state)) {
        Some(Way::Key) if step.is_some_and(|(item, state)| !recovery::may_mark(item, state)) => {
            say(row, Action::Confirm, "run it")
        }
        Some(Way::Key) => say(row, Action::Confirm, "repeat it"),
        Some(Way::Word) => say(row, Action::Repeat, "repeat"),
        None if step.is_some_and(|(_, state)| may_be_twice(state)) => {
            say(say(row, Action::Confirm, "show it"), Action::Repeat, "repeat")
        }
        None => say(row, Action::Confirm, "show it"),
    };
    let row = match step.filter(|(item, state)| recovery::may_mark(item, state)) {
        Some(_) => say(say(row, Action::MarkDone, "mark done"), Action::MarkFailed, "mark failed"),
        None => row,
    };
    say(row, Action::Dismiss, "close")
}
