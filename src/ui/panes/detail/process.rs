//! What a step left living, in the page of its item: since when it is ready, as which process, what it handed
//! out, and how it ended.

use super::Page;
use crate::base::template::as_text;
use crate::base::text::printable;
use crate::launch::process::Living;
use crate::ui::action::Action;
use crate::ui::theme::Role;

impl Page<'_> {
    pub(super) fn process(&mut self, known: &Living) {
        let ready_at = self.view.date_with_offset(known.ready_at);
        self.named("ready", Role::Plain, &format!("since {ready_at}, process {}", known.pid));
        for (name, value) in &known.captured {
            self.named(name, Role::Focus, &printable(&as_text(value)));
        }
        match (&known.end, &known.asked) {
            (Some(end), _) => {
                let role = if end.asked { Role::Muted } else { Role::Failed };
                let word = if end.asked { "ended" } else { "DIED" };
                let at = self.view.date_with_offset(end.wall);
                self.named(word, role, &format!("{at}: {}", printable(&end.why)));
            }
            (None, Some(why)) => self.named("lives", Role::Warned, &format!("asked to end: {}", printable(why))),
            (None, None) => {
                let key = self.view.keymap.label(Action::Cancel).unwrap_or_default();
                self.named("lives", Role::Passed, &format!("also without this console; {key} ends it"));
            }
        }
    }
}
