//! How long a waiver lasts: chosen among a few spans, with the instant it ends at, so that nobody types one
//! wrong. And what the waiver of a soak's hole is about.

use std::time::Duration;

use crate::launch::id::ItemId;
use crate::launch::slip::wall_of;
use crate::launch::time::Instant;
use crate::launch::waiver;
use crate::ui::panes::soak;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::span;

const HOUR: u64 = 3_600;
/// The spans that are offered.
pub const LASTS: [Duration; 8] = [
    Duration::from_secs(HOUR / 2),
    Duration::from_secs(HOUR),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(4 * HOUR),
    Duration::from_secs(8 * HOUR),
    waiver::LASTS,
    Duration::from_secs(72 * HOUR),
    Duration::from_secs(168 * HOUR),
];
/// The place of an hour among them: what a poll goes by is looked at again soon.
pub const AN_HOUR: usize = 1;
/// The place of a day among them.
pub const A_DAY: usize = 5;

/// The span at `place`.
#[must_use]
pub fn lasts(place: usize) -> Duration {
    LASTS.get(place).copied().unwrap_or(waiver::LASTS)
}

fn words(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds < HOUR => format!("{}m", seconds / 60),
        seconds if seconds <= 24 * HOUR => format!("{}h", seconds / HOUR),
        seconds => format!("{} days", seconds / (24 * HOUR)),
    }
}

/// Until when, and whether that is before T-0.
#[must_use]
pub fn rows<'v>(place: usize, keys: &str, view: &View<'v>) -> Vec<Row<'v>> {
    let lasts = lasts(place);
    let until = view.now.instant.plus(lasts);
    let wall = chrono::TimeDelta::from_std(lasts).ok().and_then(|span| view.now.wall.checked_add_signed(span));
    let wall = wall.map(|wall| view.time_beside(wall, view.now.wall)).unwrap_or_default();
    let row = Row::new(view.theme).say(Role::Plain, " for ").say(Role::Title, words(lasts));
    let mut rows = vec![row.say(Role::Plain, format!(", until {wall}")).right(Role::Muted, keys)];
    let clock = view.board().clock_at(view.now.instant).filter(|clock| clock.t0.is_none());
    if clock.and_then(|clock| clock.projected()).is_some_and(|t0| until < t0) {
        rows.push(Row::new(view.theme).say(Role::Warned, " it ends before T-0: the gate blocks GO again then"));
    }
    rows
}

/// What a person signs for who waives the hole of a soak that began at `hole`.
#[must_use]
pub fn hole(item: &ItemId, hole: Instant, view: &View<'_>) -> Vec<String> {
    let title = view.plan().item(item).map(|item| item.title.clone()).unwrap_or_default();
    let Some((soak, lost)) = soak::waivable(view, item).filter(|(_, lost)| lost.from == hole) else {
        return vec![title, "This hole is not there any more: leave it, and look again.".into()];
    };
    let [from, until] = [lost.from, lost.until].map(|at| view.time_beside(wall_of(at, view.now), view.now.wall));
    let long = span::words(lost.until.since(lost.from));
    let most = span::short(soak.max_gap);
    vec![
        title,
        format!("Nothing is known from {from} to {until}: {long}, where at most {most} may be."),
        format!("By your word the time goes on over it, with the {} from before. Why:", span::words(lost.credited)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_what_nobody_changes() {
        assert_eq!(lasts(A_DAY), waiver::LASTS);
        assert!(LASTS.is_sorted());
        assert_eq!(LASTS.map(words).join(" "), "30m 1h 2h 4h 8h 24h 3 days 7 days");
    }
}
