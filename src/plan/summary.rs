//! What `tminus check` says of a sound plan's watching: each objective, each trigger, each canary, whoever is told of the
//! launch, one line each.

use crate::launch::plan::{AtMost, Beside, Condition, FireMode, Notify, Objective, Plan, Trigger, Via};

use super::Loaded;

/// The lines; none where nothing is watched.
pub(super) fn watched(loaded: &Loaded) -> Vec<String> {
    let plan = &loaded.plan;
    let objectives = plan.objectives.iter().map(objective);
    let triggers = plan.triggers.iter().map(|one| trigger(plan, one));
    let canaries = loaded.canaries.iter().map(super::canaries::Canary::words);
    objectives.chain(triggers).chain(canaries).chain(plan.notify.iter().map(notify)).collect()
}

/// Who is told of what, and what that is sent as.
fn notify(one: &Notify) -> String {
    let events = one.events.iter().map(|topic| topic.word()).collect::<Vec<_>>().join(", ");
    let form = match one.via {
        Via::Slack => "posted to a Slack webhook",
        Via::PagerDuty => "PagerDuty events",
        Via::Webhook => "CDEvents posted as CloudEvents",
    };
    let beyond = match one.via {
        Via::Slack => "what is more comes in one message",
        Via::PagerDuty | Via::Webhook => "what is more waits",
    };
    let AtMost { count, per } = one.at_most;
    format!("notify {}: tells {} of {events}; {form}, at most {count} in {}: {beyond}", one.id, one.title, words(per))
}

fn words(span: std::time::Duration) -> String {
    humantime::format_duration(span).to_string().replace(' ', "")
}

fn objective(one: &Objective) -> String {
    let beside = match &one.beside {
        Beside::Nothing => String::new(),
        Beside::Per(other) => format!(" per {other}"),
        Beside::Minus(other) => format!(" minus {other}"),
        Beside::Against { baseline, .. } => format!(" against {baseline}"),
    };
    let (that, signal, window) = (one.that.words(), &one.signal, words(one.window));
    let (every, least) = (words(one.evaluate_every), one.min_samples);
    format!("objective {}: {that} of {signal}{beside} in {window}, of at least {least}, every {every}", one.id)
}

fn trigger(plan: &Plan, one: &Trigger) -> String {
    let when = match &one.when {
        Condition::Objective(id) => format!("objective {id} breached"),
        Condition::Monitor(id) => match id.as_str().strip_prefix("alert.") {
            Some(alert) if plan.monitors.iter().all(|known| known.id != *id || known.fails_after == 0) => {
                format!("alert {alert} firing")
            }
            _ => format!("monitor {id} down"),
        },
        Condition::Manual => "a person says so".to_owned(),
    };
    let lasts = if one.lasts.is_zero() { String::new() } else { format!(" for {}", words(one.lasts)) };
    let then = match one.mode {
        FireMode::Auto { veto } => format!("starts rollback {} unless vetoed in {}", one.then, words(veto)),
        FireMode::Ask => format!("asks for rollback {}", one.then),
    };
    let armed = match (one.armed_from, one.armed_until) {
        (None, None) => String::new(),
        (Some(from), None) => format!(", armed from {from}"),
        (None, Some(until)) => format!(", armed until {until}"),
        (Some(from), Some(until)) => format!(", armed from {from} until {until}"),
    };
    format!("trigger {}: {when}{lasts} {then}{armed}", one.id)
}
