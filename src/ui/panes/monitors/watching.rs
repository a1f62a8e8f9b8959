//! `watching 5 of 6, oldest 4s`: how much of what the plan wants watched has a fresh sample. Part of [`super`].

use std::time::Duration;

use crate::launch::live::MonitorView;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::watched::OLD_AFTER;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::span;

/// How much is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watching {
    pub fresh: usize,
    pub of: usize,
    /// The age of the oldest of the newest samples.
    pub oldest: Option<Duration>,
}

/// How much of what is asked for has a fresh sample; none at a console that has no samples of its own.
#[must_use]
pub fn watching(view: &View<'_>) -> Option<Watching> {
    if view.attached() {
        return None;
    }
    let (plan, live) = (view.plan(), view.live());
    let monitors = plan.monitors.iter().filter(|known| known.ready_for.is_none());
    let monitors = monitors.map(|monitor| {
        let age = live.monitors.get(&monitor.id).and_then(|known| age(view, known));
        (age, (monitor.every + monitor.timeout) * OLD_AFTER)
    });
    let signals = plan.signals.iter().map(|signal| {
        let newest = live.signals.get(&signal.id).and_then(|known| known.numbers.back());
        let age = newest.map(|(at, _)| (view.now.wall - *at).to_std().unwrap_or_default());
        (age, signal.stale_after)
    });
    let mut watching = Watching { fresh: 0, of: 0, oldest: None };
    for (age, most) in monitors.chain(signals) {
        watching.of += 1;
        if let Some(age) = age.filter(|age| *age <= most) {
            watching.fresh += 1;
            watching.oldest = watching.oldest.max(Some(age));
        }
    }
    Some(watching)
}

pub(super) fn age(view: &View<'_>, known: &MonitorView) -> Option<Duration> {
    known.samples.back().map(|sample| (view.now.wall - sample.at).to_std().unwrap_or_default())
}

pub(super) fn row<'v>(view: &View<'v>) -> Row<'v> {
    let Some(watching) = watching(view) else {
        return Row::new(view.theme).say(Role::Muted, "samples: at the operator's");
    };
    let Watching { fresh, of, oldest } = watching;
    let oldest = oldest.map(|oldest| format!(", oldest {}", span::seconds(oldest))).unwrap_or_default();
    let missed: u64 = view.live().monitors.values().map(|known| known.missed).sum();
    let missed = if missed > 0 { format!(", {missed} looks missed") } else { String::new() };
    let role = if fresh == of && missed.is_empty() { Role::Muted } else { Role::Warned };
    Row::new(view.theme).say(role, format!("watching {fresh} of {of}{oldest}{missed}"))
}
