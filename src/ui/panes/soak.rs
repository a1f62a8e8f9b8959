//! The ledger of a soak as a strip and in a few words: what timeline, checklist and detail show of it. Pass,
//! breach, unknown and hole have each a glyph besides their colour.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::board::Progress;
use crate::launch::id::ItemId;
use crate::launch::plan::Item;
use crate::launch::soak::{self, Known, Ledger, Lost, Soak};
use crate::launch::time::{Instant, millis};
use crate::ui::action::Action;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::span;

/// Columns of a soak's name beside its strip.
const NAME: usize = 22;
/// So many strips stand in the timeline at most; the detail has each.
const STRIPS: usize = 2;

/// A soak with its ledger, while it runs or once it has ended.
pub fn of<'v>(view: &View<'v>, id: &ItemId) -> Option<(&'v Soak, &'v Ledger)> {
    let soak = view.plan().item(id).and_then(soak::of)?;
    let begun = view.board().item(id).is_some_and(|state| !matches!(state.progress, Progress::Waiting));
    let ledger = view.board().soaks.get(id).filter(|_| begun)?;
    Some((soak, ledger.as_ref()))
}

/// Soaks that run, in the order of the plan.
fn running<'v>(view: &View<'v>) -> impl Iterator<Item = (&'v Item, &'v Soak, &'v Ledger)> + use<'v> {
    let view = *view;
    let order =
        view.plan().phases.iter().flat_map(|phase| &phase.items).filter(move |_| !view.board().soaks.is_empty());
    order.filter_map(move |id| {
        let runs = view.board().item(id).is_some_and(|state| matches!(state.progress, Progress::Running { .. }));
        let (soak, ledger) = of(&view, id).filter(|_| runs)?;
        Some((view.plan().item(id)?, soak, ledger))
    })
}

/// How many lines the strips of the timeline want.
#[must_use]
pub fn lines(view: &View<'_>) -> usize {
    running(view).take(STRIPS).count()
}

/// The strips of what soaks just now, a line each.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    for (y, (item, soak, ledger)) in (area.top()..area.bottom()).zip(running(view)) {
        let (role, words) = words(view, soak, ledger);
        let name = Row::new(view.theme).say(Role::Muted, " soak ").say(Role::Plain, &item.title);
        let row = name.at_most(NAME).tab(NAME + 1).right(role, words);
        let room = usize::from(area.width).saturating_sub(row.whole_width() + 1);
        let until = view.now.instant.max(ledger.until);
        strip(row, view, soak, ledger, until, room).put(Rect { y, height: 1, ..area }, buf);
    }
}

/// The glyph and the role of a stretch.
#[must_use]
pub fn sign(view: &View<'_>, was: Known, generated: bool) -> (&'static str, Role) {
    let glyphs = view.theme.glyphs;
    match (was, generated, glyphs.ascii) {
        (Known::Pass, false, false) => ("━", Role::Passed),
        (Known::Pass, true, false) => ("╍", Role::Passed),
        (Known::Pass, false, true) => ("=", Role::Passed),
        (Known::Pass, true, true) => ("~", Role::Passed),
        (Known::Breach, ..) => (glyphs.fail, Role::Failed),
        (Known::Unknown, ..) => (glyphs.unknown, Role::Unknown),
        (Known::Hole, _, false) => ("░", Role::Warned),
        (Known::Hole, _, true) => (".", Role::Warned),
    }
}

/// Adds the ledger up to `until` in `width` columns, the worst of each column's time, and as a track what is still
/// to be credited.
pub fn strip<'v>(row: Row<'v>, view: &View<'v>, soak: &Soak, ledger: &Ledger, until: Instant, width: usize) -> Row<'v> {
    let from = ledger.spans.first().map_or(ledger.since, |span| span.from);
    let left = if ledger.through.is_some() { Duration::ZERO } else { soak.lasts.saturating_sub(ledger.credited) };
    let whole = millis(until.since(from)).saturating_add(millis(left)).max(1);
    let columns = i64::try_from(width).unwrap_or(0);
    let at = |column: i64| {
        let part = i128::from(whole) * i128::from(column) / i128::from(columns.max(1));
        from.0.saturating_add(i64::try_from(part).unwrap_or(i64::MAX))
    };
    let mut runs: Vec<((&'static str, Role), usize)> = Vec::new();
    for column in 0..columns {
        let cell = cell(view, ledger, at(column), at(column + 1).max(at(column) + 1), until.0);
        match runs.last_mut() {
            Some((last, count)) if *last == cell => *count += 1,
            _ => runs.push((cell, 1)),
        }
    }
    runs.into_iter().fold(row, |row, ((glyph, role), count)| row.say(role, glyph.repeat(count)))
}

/// What stands for the time from `from` to `to`: its worst; what is not settled yet is blank.
fn cell(view: &View<'_>, ledger: &Ledger, from: i64, to: i64, now: i64) -> (&'static str, Role) {
    let first = ledger.spans.partition_point(|span| span.until.0 <= from);
    let there = ledger.spans[first..].iter().take_while(|span| span.from.0 < to);
    match there.max_by_key(|span| (span.was, span.generated)) {
        Some(worst) => sign(view, worst.was, worst.generated),
        None if from < now => (" ", Role::Plain),
        None => (view.theme.glyphs.track, Role::Muted),
    }
}

/// How often the slowest of its objectives is evaluated.
fn every(view: &View<'_>, soak: &Soak) -> Duration {
    let known = view.plan().objectives.iter().filter(|known| soak.objectives.contains(&known.id));
    known.map(|known| known.evaluate_every).max().unwrap_or(Duration::from_secs(10))
}

/// Since when no evaluation has come, where one should have.
#[must_use]
pub fn silent(view: &View<'_>, soak: &Soak, ledger: &Ledger) -> Option<Instant> {
    ledger.silent_since(view.now.instant, every(view, soak))
}

/// The hole that a person may waive, with the soak it is one of.
#[must_use]
pub fn waivable<'v>(view: &View<'v>, id: &ItemId) -> Option<(&'v Soak, Lost)> {
    let runs = view.board().item(id).is_some_and(|state| matches!(state.progress, Progress::Running { .. }));
    let (soak, ledger) = of(view, id).filter(|_| runs)?;
    ledger.lost.last().filter(|lost| !lost.open).map(|lost| (soak, *lost))
}

/// How a running soak stands, in a few words: what is wrong first, then what is credited.
#[must_use]
pub fn words(view: &View<'_>, soak: &Soak, ledger: &Ledger) -> (Role, String) {
    let now = view.now.instant;
    let last = ledger.spans.last().map(|span| span.was);
    let (role, state) = match (silent(view, soak, ledger), ledger.blind, last) {
        (Some(since), ..) => (Role::Unknown, Some(format!("nothing known {}", span::seconds(now.since(since))))),
        (None, Some(blind), _) => (Role::Unknown, Some(format!("unknown {}", span::seconds(now.since(blind.from))))),
        (None, None, Some(Known::Breach)) => (Role::Failed, Some("BREACHED".to_owned())),
        (None, None, _) if ledger.lost.iter().any(|lost| !lost.open) => {
            let key = view.keymap.label(Action::Waive).unwrap_or_default();
            (Role::Warned, Some(format!("{key} waives a hole")))
        }
        (None, None, _) => (Role::Running, None),
    };
    let credit = soak::credit(ledger.credited, soak.lasts);
    let anew = (ledger.restarts > 0).then(|| format!("anew {}", ledger.restarts));
    let generated = ledger.generated.then(|| "GENERATED".to_owned());
    let parts: Vec<String> = state.into_iter().chain([credit]).chain(anew).chain(generated).collect();
    (role, parts.join(" · "))
}
