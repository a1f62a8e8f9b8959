//! The lines that a whole room must read: a trigger that fired with its countdown and its keys, what it saw, and a
//! source that is lost. The first line says what happens and what stops it; a narrow screen cuts the rest.

use super::header::Band;
use crate::base::text::printable;
use crate::launch::lost::LATCH;
use crate::ui::action::Action;
use crate::ui::attached;
use crate::ui::firing::{self, Fired};
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::watched;
use crate::ui::widgets::span;

/// What fired, most urgent first: what happens next, then why. Two lines, or one where it is over.
#[must_use]
pub fn fired(view: &View<'_>) -> Vec<Band> {
    if view.board().ended.is_some() {
        return Vec::new();
    }
    let fired = firing::fired(view);
    let danger = |text: String| Band { role: Role::Danger, text };
    if let Some(first) = fired.first() {
        let more = fired.len() - 1 + firing::started(view).count();
        let more = if more > 0 { format!(" · +{more} more") } else { String::new() };
        let why = printable(first.why);
        let ago = span::stopwatch(view.now.instant.since(first.at));
        let saw = format!("TRIGGER {} fired {ago} ago: {why}{more}", first.trigger.id);
        return vec![danger(next(first, view)), danger(saw)];
    }
    let started = firing::started(view).next().filter(|_| view.board().rolling_back().is_none());
    let over = started.map(|(trigger, at)| {
        let ago = span::stopwatch(view.now.instant.since(at));
        let keys = keys(view, &[(Action::Acknowledge, "takes it on")]);
        let began = watched::began(view.board(), trigger, at);
        let text = format!("TRIGGER {} fired, rollback {began} {ago} ago · {keys}", trigger.id);
        Band { role: Role::Held, text }
    });
    over.into_iter().collect()
}

/// What happens next, and the keys: `ROLLBACK canary starts in 7 s · V vetoes · ! starts it now`.
fn next(fired: &Fired<'_>, view: &View<'_>) -> String {
    let then = &fired.trigger.then;
    let take = (Action::Acknowledge, "takes it on");
    match fired.starts.map(|at| watched::seconds_to(at, view.now.instant)) {
        _ if view.board().rolling_back().is_some() => {
            format!("a rollback runs already, {then} joins it · {}", keys(view, &[take]))
        }
        Some(0) => format!("ROLLBACK {then} STARTS NOW · {}", keys(view, &[(Action::Veto, "vetoes")])),
        Some(left) => {
            let known = if view.last_known() { ", as last known" } else { "" };
            let keys = keys(view, &[(Action::Veto, "vetoes"), (Action::Rollback, "starts it now")]);
            format!("ROLLBACK {then} starts in {left} s{known} · {keys}")
        }
        None => {
            let keys = keys(view, &[(Action::Rollback, "opens it"), (Action::Veto, "says no"), take]);
            format!("ROLLBACK {then}? It waits for you · {keys}")
        }
    }
}

/// Those of `keys` that this console's person may press.
fn keys(view: &View<'_>, keys: &[(Action, &str)]) -> String {
    let may = keys.iter().filter(|(action, _)| attached::refused(*action, view).is_none());
    let words = may.filter_map(|(action, word)| Some(format!("{} {word}", view.keymap.label(*action)?)));
    words.collect::<Vec<_>>().join(" · ")
}

/// What a latch or freeze of the launch's own for a lost source means, after its reason; none for any other.
#[must_use]
pub fn lost(who: &str, view: &View<'_>) -> Option<String> {
    who.strip_prefix(LATCH)?;
    let on = keys(view, &[(Action::Release, "goes on without it")]);
    let on = if on.is_empty() { on } else { format!("; {on}") };
    Some(format!("look at its source: it clears itself once that tells again{on}"))
}

/// `watching 5 of 6`, where not all that is to be watched is.
#[must_use]
pub fn unwatched(view: &View<'_>) -> Option<String> {
    let heard = super::monitors::watching(view).filter(|known| known.heard < known.of)?;
    Some(format!("watching {} of {}", heard.heard, heard.of))
}
