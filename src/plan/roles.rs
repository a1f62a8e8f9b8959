//! `[roles.ID]` and `[poll]`: who votes, who may do what, and in which order the poll asks.

use std::collections::BTreeSet;

use super::reader::Reader;
use super::unbuilt;
use crate::base::source::{Diagnostic, nearest};
use crate::base::table::{Placed, Table};
use crate::base::text::printable;
use crate::launch::id::RoleId;
use crate::launch::plan::{Power, Role};
use crate::launch::schedule::is_own_latch;

impl<'a> Reader<'a> {
    pub(super) fn read_roles(&mut self, root: &Table<'a>) {
        let Some(roles) = root.table("roles") else { return };
        for (id, span) in roles.keys() {
            if !fits(id) {
                roles.wrong_value(span, format!("`{}` is no id: letters, digits, `-` and `_`", printable(id)));
            }
            if is_own_latch(id) {
                roles.wrong_value(span, format!("`{id}` is how the launch's own holds are called: take another id"));
            }
            let Some(role) = roles.table_named(id) else { continue };
            let title = self.title(&role, id);
            let people = role.texts("people").iter().map(|person| printable(&person.value)).collect();
            let votes = role.flag("votes").unwrap_or(false);
            let id = RoleId::new(id);
            let may = self.powers(&role, &id);
            role.finish();
            self.plan.roles.push(Role { id, title, people, votes, may });
        }
        roles.accept_all();
    }

    fn powers(&mut self, role: &Table<'_>, id: &RoleId) -> BTreeSet<Power> {
        let mut may = BTreeSet::new();
        for Placed { value: word, span } in role.texts("may") {
            match Power::WORDS.iter().find(|(known, _)| *known == word) {
                Some((_, power)) => {
                    if *power == Power::Approve {
                        self.approvers.push((id.clone(), span));
                    }
                    may.insert(*power);
                }
                None => {
                    let known = Power::WORDS.map(|(word, _)| word);
                    let message = format!("a role cannot be given `{}`", printable(&word));
                    let label = nearest(&word, known).map(|near| format!("did you mean `{near}`?"));
                    let wrong = Diagnostic::error("wrong-value", span, message).label(label.unwrap_or_default());
                    self.notes.report(wrong.help(format!("one of {}", known.join(", "))));
                }
            }
        }
        may
    }

    /// `[poll]`: `order = ["backend", "director"]`; without it the voting roles in the order of the file. `director`
    /// votes last, `lasts` is how long a vote counts.
    pub(super) fn read_poll(&mut self, root: &Table<'a>) {
        let voting = || self.plan.roles.iter().filter(|role| role.votes).map(|role| role.id.clone());
        let Some(poll) = root.table("poll") else {
            self.plan.poll = voting().collect();
            return;
        };
        unbuilt::refuse(&poll, unbuilt::POLL_KEYS);
        if !poll.has("order") {
            self.plan.poll = voting().collect();
        }
        let mut order: Vec<RoleId> = Vec::new();
        for asked in poll.texts("order") {
            let wrong = match self.plan.roles.iter().find(|role| role.id.as_str() == asked.value) {
                None => self.unknown_role(&asked),
                Some(role) if !role.votes => {
                    let message = format!("`{}` is in the poll and does not vote", asked.value);
                    Some(Diagnostic::error("wrong-value", asked.span, message).help("give the role `votes = true`"))
                }
                Some(role) if order.contains(&role.id) => {
                    let message = format!("`{}` is in the poll twice", asked.value);
                    Some(Diagnostic::error("wrong-value", asked.span, message))
                }
                Some(role) => {
                    order.push(role.id.clone());
                    None
                }
            };
            wrong.into_iter().for_each(|wrong| self.notes.report(wrong));
        }
        if !order.is_empty() {
            for left_out in voting().filter(|role| !order.contains(role)) {
                let message = format!("`{left_out}` votes and is not in the poll's order");
                self.notes.report(Diagnostic::error("wrong-value", poll.span, message));
            }
            self.plan.poll = order;
        }
        self.plan.director = self.director(&poll);
        self.plan.vote_lasts = self.span_over_zero(&poll, "lasts");
        poll.finish();
    }

    /// `director = "ROLE"`: who votes last.
    fn director(&self, poll: &Table<'_>) -> Option<RoleId> {
        let asked = poll.text("director")?;
        if let Some(wrong) = self.unknown_role(&asked) {
            self.notes.report(wrong);
            return None;
        }
        let id = RoleId::new(&asked.value);
        if !self.plan.poll.contains(&id) {
            let message = format!("`{}` directs the poll and does not vote", asked.value);
            self.notes
                .report(Diagnostic::error("wrong-value", asked.span, message).help("give the role `votes = true`"));
        }
        Some(id)
    }

    pub(super) fn unknown_role(&self, asked: &Placed<String>) -> Option<Diagnostic> {
        let roles = || self.plan.roles.iter().map(|role| role.id.as_str());
        if roles().any(|role| role == asked.value) {
            return None;
        }
        let message = format!("there is no role `{}`", printable(&asked.value));
        let wrong = Diagnostic::error("unknown-role", asked.span, message);
        Some(match nearest(&asked.value, roles()) {
            Some(near) => wrong.label(format!("did you mean `{near}`?")),
            None => wrong.label("no [roles] table of this name"),
        })
    }
}

fn fits(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use crate::base::source::Source;
    use crate::launch::schedule::{GO_LATCH, is_own_latch};
    use crate::plan::{Environment, Options, load};

    #[test]
    fn a_role_is_not_called_as_a_hold_of_the_launch_s_own() {
        for (id, sound) in
            [(GO_LATCH, false), ("rollback", false), ("journal", false), ("built-in", false), ("lead", true)]
        {
            let text = format!(
                "[plan]\nschema = 1\nid = \"p\"\ntitle = \"P\"\nenvironment = \"test\"\n[roles.{id}]\ntitle = \"R\"\n\
                 [[phase]]\nid = \"a\"\ntitle = \"A\"\nat = \"T-0\"\n[[phase.item]]\nid = \"i\"\nwait.for = \"1s\"\n"
            );
            let loaded = load(Source::new("plan.toml", text), &Environment::default(), &Options::default());
            let mistakes = loaded.map(|_| ()).map_err(|all| all.into_iter().map(|one| one.message).collect::<Vec<_>>());
            assert_eq!(mistakes.is_ok(), sound, "{id}: {mistakes:?}");
            assert!(sound || mistakes.is_err_and(|all| all.iter().any(|one| one.contains("the launch's own"))), "{id}");
        }
        assert!(is_own_latch("gate smoke") && !is_own_latch("gatekeeper"));
    }
}
