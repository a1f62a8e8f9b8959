//! What people said of an item: waivers with their end, attestations, words on a step, choices; and the
//! branch it stands on.

use super::Page;
use crate::launch::board::{Attest, ItemState, Waiver};
use crate::launch::event::Actor;
use crate::launch::plan::{Act, Item};
use crate::ui::theme::Role;

impl Page<'_> {
    pub(super) fn people(&mut self, state: &ItemState) {
        if let Some(waiver) = &state.waiver {
            self.waiver(waiver);
        }
        if let Some(word) = &state.attested {
            let (role, name) =
                if word.passed { (Role::Passed, "attested") } else { (Role::Failed, "attested as failed") };
            self.word(name, role, word);
        }
        if let Some(word) = &state.marked {
            let (role, name) =
                if word.passed { (Role::Warned, "marked done") } else { (Role::Failed, "marked failed") };
            self.word(name, role, word);
        }
    }

    fn word(&mut self, name: &str, role: Role, word: &Attest) {
        let text = format!("{} · {} at {}", word.note, who(&word.by), self.view.time(word.at));
        self.named(name, role, &text);
    }

    fn waiver(&mut self, waiver: &Waiver) {
        let text = format!("{} · {} at {}", waiver.reason, who(&waiver.by), self.view.time(waiver.at));
        let ends = waiver.ends_at.map(|at| self.view.time_beside(at, waiver.at));
        match ends {
            Some(at) if !waiver.counts(self.view.now.instant) => {
                self.named("waived", Role::Muted, &text);
                self.named("expired", Role::Failed, &format!("{at}: the gate is shut again"));
            }
            Some(at) => self.named("waived", Role::Warned, &format!("{text}, until {at}")),
            None => self.named("waived", Role::Warned, &text),
        }
    }

    /// The branch an item stands on, why it is passed over, and what a choice offers and came to.
    pub(super) fn branch(&mut self, item: &Item, state: &ItemState) {
        match (&state.passed_over, &item.when) {
            (Some(why), _) => self.named("skipped", Role::Skipped, why),
            (None, Some(when)) => {
                self.named("branch", Role::Muted, &format!("{} of {}", when.is.join(" or "), when.choice));
            }
            (None, None) => {}
        }
        let Act::Choice { options, .. } = &item.act else { return };
        if let Some(made) = &state.chosen {
            let text = format!("{}: {} · {} at {}", made.option, made.reason, who(&made.by), self.view.time(made.at));
            self.named("chosen", Role::Passed, &text);
        }
        for branch in options {
            let chosen = state.chosen.as_ref().is_some_and(|made| made.option == branch.id);
            let role = if chosen { Role::Passed } else { Role::Plain };
            self.named(&branch.id, role, &branch.title);
        }
    }
}

fn who(actor: &Actor) -> String {
    if actor.scripted { format!("{} (scripted)", actor.name) } else { actor.name.clone() }
}
