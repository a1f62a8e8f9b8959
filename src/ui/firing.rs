//! What keys do about a trigger that fired: veto it, take it on, open its rollback; and how one is fired by hand.
//! Each works from any screen. A veto is sent with the key and its reason follows, for nobody types a sentence
//! within a countdown of seconds.

use super::action::Action;
use super::overlays::rollback;
use super::state::{Effect, Overlay, Purpose, Rolling, State, View};
use super::theme::Role;
use super::watched;
use crate::launch::command::Command;
use crate::launch::id::TriggerId;
use crate::launch::plan::Trigger;
use crate::launch::time::Instant;
use crate::launch::trigger::{Stage, TriggerState, counts_down};

/// What a veto says until its reason follows.
const AT_THE_KEY: &str = "vetoed at the key; the reason follows as a note";

/// One trigger that fired and was not answered.
#[derive(Debug, Clone, Copy)]
pub struct Fired<'v> {
    pub trigger: &'v Trigger,
    pub at: Instant,
    pub why: &'v str,
    /// When its rollback starts by itself.
    pub starts: Option<Instant>,
}

/// Those that fired and wait for a word, the one whose rollback starts soonest first.
#[must_use]
pub fn fired<'v>(view: &View<'v>) -> Vec<Fired<'v>> {
    let known = |trigger: &'v Trigger| match view.board().triggers.get(&trigger.id).map(|state| &state.stage) {
        Some(Stage::Fired { at, why, .. }) => {
            Some(Fired { trigger, at: *at, why, starts: counts_down(view.board(), trigger) })
        }
        _ => None,
    };
    let mut fired: Vec<Fired<'v>> = view.plan().triggers.iter().filter_map(known).collect();
    fired.sort_by_key(|fired| (fired.starts.is_none(), fired.starts, fired.at));
    fired
}

/// Those whose rollback was started and that nobody has taken on yet.
pub fn started<'v>(view: &View<'v>) -> impl Iterator<Item = (&'v Trigger, Instant)> {
    let board = view.board();
    view.plan().triggers.iter().filter_map(|trigger| match &board.triggers.get(&trigger.id)?.stage {
        Stage::Started { at } => Some((trigger, *at)),
        _ => None,
    })
}

/// Vetoes the one whose rollback starts soonest, and asks why.
pub fn veto(state: &mut State, view: &View<'_>) -> Option<Effect> {
    let Some(first) = fired(view).into_iter().next() else {
        let words = match started(view).next() {
            Some((trigger, at)) => {
                format!("too late: {} fired, rollback {}", trigger.id, watched::began(view.board(), trigger, at))
            }
            None => "no trigger has fired: there is nothing to veto".to_owned(),
        };
        state.say(Role::Warned, words);
        return None;
    };
    let trigger = first.trigger.id.clone();
    // A screen without room for a field, or a dialog over a dialog, must not swallow the keys that follow.
    if state.cramped || state.under.is_some() {
        state.say(Role::Warned, format!("{trigger}: veto sent; say why in a note"));
    } else {
        state.under = state.overlay.take();
        state.prompt(Purpose::WhyVetoed(trigger.clone()));
    }
    Some(Effect::Ask(Command::Veto { trigger, why: AT_THE_KEY.into() }))
}

/// Takes on what rings: one that asks, or whose rollback has started. None where nothing fired.
///
/// # Errors
/// Its rollback starts by itself: to take it on would be no word on that.
pub fn acknowledged(view: &View<'_>) -> Option<Result<(TriggerId, Effect), String>> {
    let fired = fired(view);
    let asks = fired.iter().find(|fired| fired.starts.is_none()).map(|fired| fired.trigger);
    if let Some(known) = asks.or_else(|| started(view).map(|(trigger, _)| trigger).next()) {
        let trigger = known.id.clone();
        return Some(Ok((trigger.clone(), Effect::Ask(Command::AcknowledgeTrigger { trigger }))));
    }
    let first = fired.first()?;
    let key = |action| view.keymap.label(action).unwrap_or_default();
    Some(Err(format!(
        "rollback {} starts by itself: {} vetoes it, {} starts it now; taken on it is once it runs",
        first.trigger.then,
        key(Action::Veto),
        key(Action::Rollback)
    )))
}

/// The rollback dialog with what fired in it: its rollback chosen, its reason filled in.
#[must_use]
pub fn rolling(view: &View<'_>) -> Option<Rolling> {
    let first = fired(view).into_iter().next()?;
    let because = format!("trigger {}: {}", first.trigger.id, first.why);
    match rollback::chosen(view, &first.trigger.then)? {
        Rolling::Confirm { id, typed, wrong, .. } => {
            Some(Rolling::Confirm { id, typed, wrong, because: Some(because) })
        }
        other => Some(other),
    }
}

/// What a line of the sheet of triggers does.
pub fn choose(state: &mut State, trigger: &Trigger, view: &View<'_>) {
    match view.board().triggers.get(&trigger.id).map(|known| &known.stage) {
        Some(Stage::Fired { why, .. }) => {
            let because = format!("trigger {}: {why}", trigger.id);
            if let Some(Rolling::Confirm { id, typed, wrong, .. }) = rollback::chosen(view, &trigger.then) {
                let because = Some(because);
                state.overlay = Some(Overlay::Rollback(Rolling::Confirm { id, typed, wrong, because }));
            }
        }
        _ => state.prompt(Purpose::Fire(trigger.id.clone())),
    }
}

/// What is asked before a trigger is fired by hand.
#[must_use]
pub fn fire_lines(trigger: &TriggerId, view: &View<'_>) -> Vec<String> {
    let Some(known) = view.plan().triggers.iter().find(|known| known.id == *trigger) else { return Vec::new() };
    let then = match known.mode {
        crate::launch::plan::FireMode::Auto { veto } => format!(
            "Rollback {} starts by itself after {}, unless somebody vetoes it. What you see:",
            known.then,
            crate::ui::widgets::span::short(veto)
        ),
        crate::launch::plan::FireMode::Ask => {
            format!("It rings, and asks for rollback {}. What you see:", known.then)
        }
    };
    vec![known.title.clone(), then]
}

/// What a veto has come to by now, and what is asked.
#[must_use]
pub fn veto_lines(trigger: &TriggerId, view: &View<'_>) -> Vec<String> {
    let stage = view.board().triggers.get(trigger).map(|known: &TriggerState| &known.stage);
    let stands = match stage {
        Some(Stage::Vetoed { .. }) => format!("{trigger} is vetoed: its rollback does not start."),
        Some(Stage::Started { .. }) => format!("TOO LATE: {trigger} has its rollback, or joined one that ran."),
        _ => format!("The veto of {trigger} is on its way."),
    };
    vec![stands, "Why, for the journal; it counts without it too:".to_owned()]
}
