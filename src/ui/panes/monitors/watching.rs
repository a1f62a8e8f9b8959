//! `watching 5 of 6, oldest sample 4s`: how much of what the plan wants watched is heard. Part of [`super`].

use std::time::Duration;

use crate::launch::live::{Heard, MonitorView, heard};
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::span;

/// What is heard just now; none at a console that has no samples of its own.
#[must_use]
pub fn watching(view: &View<'_>) -> Option<Heard> {
    (!view.unsampled()).then(|| heard(view.plan(), view.live(), view.wall))
}

pub(super) fn age(view: &View<'_>, known: &MonitorView) -> Option<Duration> {
    known.samples.back().map(|sample| (view.wall - sample.at).to_std().unwrap_or_default())
}

pub(super) fn row<'v>(view: &View<'v>) -> Row<'v> {
    let Some(heard) = watching(view) else {
        return Row::new(view.theme).say(Role::Muted, format!("samples: {}", view.samples_are()));
    };
    if let Some(since) = view.untold() {
        let age = (view.wall - since).to_std().unwrap_or_default();
        let words = format!("no samples since {}, {}", view.time(since), span::seconds(age));
        return Row::new(view.theme).say(Role::Stale, words);
    }
    let missed: u64 = view.live().monitors.values().map(|known| known.missed).sum();
    let missed = if missed > 0 { format!(", {missed} looks missed") } else { String::new() };
    let role = if heard.heard == heard.of && missed.is_empty() { Role::Muted } else { Role::Warned };
    // As console.md has it: the pane is narrow.
    let words = heard.words().replace(", oldest sample ", ", oldest ");
    Row::new(view.theme).say(role, format!("{words}{missed}"))
}
