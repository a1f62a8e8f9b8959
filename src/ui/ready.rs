//! The readiness light as a console may show it: what the board says, and nothing better than what this console
//! can know. Judges no check itself.

use std::time::Duration;

use crate::launch::plan::{Monitor, Rollback};
use crate::launch::rollback::{Light, Readiness, readiness};
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::span;

/// A look that is older than this many of its intervals tells nothing of now.
const OLD_AFTER: u32 = 3;

/// The light of `rollback`.
#[must_use]
pub fn of(view: &View<'_>, rollback: &Rollback) -> Readiness {
    let told = readiness(view.board(), rollback);
    if told.light != Light::Ready {
        return told;
    }
    let unknown = |why: String| Readiness { light: Light::Unknown, why: vec![why] };
    if view.last_known() {
        return unknown("nothing new is heard, this is the last known".to_owned());
    }
    let checks = view.plan().monitors.iter().filter(|monitor| monitor.ready_for.as_ref() == Some(&rollback.id));
    let old = checks.filter_map(|monitor| Some((monitor, old(view, monitor)?))).max_by_key(|(_, age)| *age);
    old.map_or(told, |(monitor, age)| unknown(format!("{}: last looked at {} ago", monitor.title, span::words(age))))
}

/// How old the last look is, where that is too old.
fn old(view: &View<'_>, monitor: &Monitor) -> Option<Duration> {
    let last = view.live().monitors.get(&monitor.id)?.samples.back()?;
    let age = (view.wall - last.at).to_std().ok()?;
    (age > (monitor.every + monitor.timeout) * OLD_AFTER).then_some(age)
}

/// Its glyph and role.
#[must_use]
pub fn sign(view: &View<'_>, light: Light) -> (&'static str, Role) {
    let glyphs = view.theme.glyphs;
    match light {
        Light::Unasked => ("", Role::Muted),
        Light::Ready => (glyphs.pass, Role::Passed),
        Light::Unknown => (glyphs.unknown, Role::Unknown),
        Light::NotReady => (glyphs.fail, Role::Failed),
    }
}
