//! What plans get wrong about watching: triggers that noise or a burst fires, triggers that come too late or never,
//! objectives that decide nothing (rules.md, "Lint").

use std::collections::BTreeSet;
use std::time::Duration;

use super::objectives::ObjectivePlace;
use super::reader::Reader;
use super::triggers::TriggerPlace;
use crate::base::source::Diagnostic;
use crate::launch::id::ObjectiveId;
use crate::launch::plan::{Act, Beside, Condition, DecidedBy, FireMode, Objective, Trigger};

/// A burst stays in sight for as long as a window: a longer part of `for` would let it fire alone (rules.md).
const OF_THE_WINDOW: u32 = 4;

impl Reader<'_> {
    /// After everything that may use an objective.
    pub(super) fn lint_watched(&self) {
        for (trigger, place) in self.plan.triggers.iter().zip(&self.trigger_places) {
            self.lint_armed(trigger, place);
            let Condition::Objective(id) = &trigger.when else { continue };
            let found = self.plan.objectives.iter().zip(&self.objective_places).find(|(known, _)| known.id == *id);
            let Some((objective, objective_at)) = found else { continue };
            self.lint_samples(trigger, place, objective, objective_at);
            self.lint_burst(trigger, place, objective, objective_at);
        }
        self.lint_verified();
        self.lint_unused();
    }

    /// What acts by itself says itself how many samples it takes for a proof.
    fn lint_samples(&self, trigger: &Trigger, place: &TriggerPlace, objective: &Objective, at: &ObjectivePlace) {
        let of_samples = objective.that.of.is_counted() || matches!(objective.beside, Beside::Per(_));
        if trigger.mode == FireMode::Ask || at.samples_at.is_some() || !of_samples {
            return;
        }
        let message =
            format!("`{}` starts a rollback by itself, and `{}` says no `min_samples`", trigger.id, objective.id);
        let wrong = Diagnostic::error("auto-without-min-samples", at.span, message).label("how many samples prove it?");
        let help = format!("`min_samples = {}` or more", objective.min_samples);
        self.notes.report(wrong.also(place.span, "starts by itself").help(help));
    }

    fn lint_burst(&self, trigger: &Trigger, place: &TriggerPlace, objective: &Objective, at: &ObjectivePlace) {
        let words = humantime::format_duration;
        if objective.window.saturating_mul(OF_THE_WINDOW) > trigger.lasts {
            let (window, lasts) = (words(objective.window), words(trigger.lasts));
            let message =
                format!("a window of {window} for `{}`, which must last {lasts}: a burst could fire it", trigger.id);
            let wrong = Diagnostic::warning("burst-fires", at.window_at, message);
            let most = trigger.lasts / OF_THE_WINDOW;
            let help = match most.is_zero() {
                true => format!("`for` of {} and more", words(objective.window.saturating_mul(OF_THE_WINDOW))),
                false => format!("at most a quarter of its `for`: {}", words(most)),
            };
            self.notes
                .report(wrong.label("longer than a quarter of `for`").also(place.span, "this trigger").help(help));
        }
        if !trigger.lasts.is_zero() && objective.evaluate_every > trigger.lasts {
            let (every, lasts) = (words(objective.evaluate_every), words(trigger.lasts));
            let message =
                format!("`{}` is evaluated every {every}, and `{}` fires after {lasts}", objective.id, trigger.id);
            let wrong = Diagnostic::warning("evaluated-too-late", place.when_at, message);
            self.notes.report(
                wrong.label("nobody looks in time").also(at.span, "this objective").help("a shorter `evaluate_every`"),
            );
        }
    }

    /// Where a share of the requests fails, one good answer proves nothing.
    fn lint_verified(&self) {
        let counts = |trigger: &Trigger| match &trigger.when {
            Condition::Objective(id) => {
                self.plan.objectives.iter().any(|known| known.id == *id && known.that.of.is_counted())
            }
            Condition::Monitor(_) | Condition::Manual => false,
        };
        let triggers: Vec<_> = self.plan.triggers.iter().zip(&self.trigger_places).collect();
        for (rollback, item, span) in &self.verified_at_once {
            let Some((trigger, place)) = triggers.iter().find(|(known, _)| known.then == *rollback && counts(known))
            else {
                continue;
            };
            let message =
                format!("one good answer verifies `{item}`, and `{}` starts at a share of bad ones", trigger.id);
            let wrong = Diagnostic::warning("verified-by-one-answer", *span, message).label("asked until one is good");
            let help = "`for = \"10s\"`: every look must pass for so long before it counts";
            self.notes.report(wrong.also(place.span, "starts this rollback").help(help));
        }
    }

    /// An armed time in which it cannot last long enough.
    fn lint_armed(&self, trigger: &Trigger, place: &TriggerPlace) {
        let (Some(from), Some(until)) = (trigger.armed_from, trigger.armed_until) else { return };
        let armed = Duration::from_millis(u64::try_from(from.0.saturating_sub(until.0)).unwrap_or(0));
        if armed.is_zero() || armed >= trigger.lasts {
            return;
        }
        let words = humantime::format_duration;
        let message = format!("`{}` is armed for {}, and must last {}", trigger.id, words(armed), words(trigger.lasts));
        self.notes.report(Diagnostic::error("never-armed", place.span, message).label("it can never fire"));
    }

    fn lint_unused(&self) {
        let plan = &self.plan;
        let by_trigger = plan.triggers.iter().filter_map(|trigger| match &trigger.when {
            Condition::Objective(id) => Some(id),
            _ => None,
        });
        let by_soak = plan.items.values().flat_map(|item| match &item.act {
            Act::Soak(soak) => soak.objectives.as_slice(),
            _ => &[],
        });
        let by_criterion = plan.criteria.iter().flat_map(|criterion| match &criterion.by {
            DecidedBy::Seen { objectives, .. } => objectives.as_slice(),
            DecidedBy::Person { .. } => &[],
        });
        let used: BTreeSet<&ObjectiveId> = by_trigger.chain(by_soak).chain(by_criterion).collect();
        for place in self.objective_places.iter().filter(|place| !used.contains(&place.id)) {
            let message = format!("objective `{}` decides nothing", place.id);
            let wrong = Diagnostic::warning("unused-objective", place.span, message);
            self.notes.report(
                wrong
                    .label("evaluated, and nobody asks")
                    .help("a `[[trigger]]`, a `soak` or a criterion's `objectives`"),
            );
        }
    }
}
