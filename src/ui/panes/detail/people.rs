//! What people said of an item: waivers with their end, attestations, words on a step, choices; and the
//! branch it stands on.

use super::Page;
use crate::launch::board::{Attest, ItemState, Waiver};
use crate::launch::people::called;
use crate::launch::plan::{Act, Item, Second};
use crate::launch::second;
use crate::ui::theme::Role;

impl Page<'_> {
    pub(super) fn people(&mut self, state: &ItemState) {
        if let Some(waiver) = &state.waiver {
            self.waiver(waiver);
        }
        let words = [
            ("attested", &state.attested),
            ("and by", &state.seconded),
            ("first word", &state.half),
            ("armed", &state.armed),
        ];
        for (name, word) in words.into_iter().filter_map(|(name, word)| Some((name, word.as_ref()?))) {
            let role = if word.passed { Role::Passed } else { Role::Failed };
            let name = if word.passed { name } else { "attested as failed" };
            self.word(name, role, word);
        }
        if let Some(word) = &state.marked {
            let (role, name) =
                if word.passed { (Role::Warned, "marked done") } else { (Role::Failed, "marked failed") };
            self.word(name, role, word);
        }
    }

    /// Whose word is wanted beside the one that is there.
    pub(super) fn wants_second(&mut self, item: &Item, state: &ItemState) {
        let whose = second::whose(self.view.plan(), item);
        let text = match (&item.act, second::wanted(item)) {
            (_, Second::None) => return,
            (Act::Step { .. }, _) if state.armed.is_some() => "another person runs it".to_owned(),
            (Act::Step { .. }, _) => format!("it runs after the word of {whose}, given before each attempt"),
            _ if state.half.is_some() => format!("1 of 2 words, the second: {whose}"),
            _ if state.seconded.is_some() => return,
            _ => format!("two words, the second: {whose}"),
        };
        self.named("second", Role::Focus, &text);
    }

    fn word(&mut self, name: &str, role: Role, word: &Attest) {
        let text = format!("{} · {} at {}", word.note, called(self.view.plan(), &word.by), self.view.time(word.at));
        self.named(name, role, &text);
    }

    fn waiver(&mut self, waiver: &Waiver) {
        let text =
            format!("{} · {} at {}", waiver.reason, called(self.view.plan(), &waiver.by), self.view.time(waiver.at));
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
            let text = format!(
                "{}: {} · {} at {}",
                made.option,
                made.reason,
                called(self.view.plan(), &made.by),
                self.view.time(made.at)
            );
            self.named("chosen", Role::Passed, &text);
        }
        for branch in options {
            let chosen = state.chosen.as_ref().is_some_and(|made| made.option == branch.id);
            let role = if chosen { Role::Passed } else { Role::Plain };
            self.named(&branch.id, role, &branch.title);
        }
    }
}
