//! `poll` and `signoff`: the items that several roles decide together.

use super::reader::Reader;
use crate::base::source::Diagnostic;
use crate::base::table::Table;
use crate::launch::id::RoleId;
use crate::launch::plan::{Act, GoStage};

impl<'a> Reader<'a> {
    /// A poll of its own. Without `roles` it takes the plan's poll, which is read later.
    pub(super) fn poll_item(&self, poll: &Table<'a>) -> Act {
        let stage = poll.word("stage", &GoStage::WORDS).unwrap_or(GoStage::Observed);
        let roles = self.roles_in(poll);
        if !poll.has("roles") && !self.plan.roles.iter().any(|role| role.votes) {
            let wrong = Diagnostic::error("no-voters", poll.span, "nobody votes in this poll");
            self.notes.report(wrong.label("add `roles = [\"owner\"]`").help("or give a role `votes = true`"));
        }
        Act::Poll { stage, roles }
    }

    pub(super) fn signoff_item(&self, signoff: &Table<'a>) -> Act {
        if !signoff.has("roles") {
            signoff.missing("roles", "`roles = [\"owner\", \"security\"]`");
        }
        Act::Signoff { roles: self.roles_in(signoff) }
    }

    fn roles_in(&self, table: &Table<'a>) -> Vec<RoleId> {
        let mut roles: Vec<RoleId> = Vec::new();
        for asked in table.texts("roles") {
            if let Some(wrong) = self.unknown_role(&asked) {
                self.notes.report(wrong);
            } else if roles.iter().any(|role| role.as_str() == asked.value) {
                table.wrong_value(asked.span, format!("`{}` is asked twice", asked.value));
            } else {
                roles.push(RoleId::new(asked.value));
            }
        }
        if roles.is_empty() && table.is_empty_list("roles") {
            table.wrong_value(table.span, "`roles` is empty: nobody is asked");
        }
        roles
    }

    /// Polls that name no roles ask those of the plan's poll, in its order.
    pub(super) fn fill_polls(&mut self) {
        let order = self.plan.poll.clone();
        for item in self.plan.items.values_mut() {
            if let Act::Poll { roles, .. } = &mut item.act
                && roles.is_empty()
            {
                roles.clone_from(&order);
            }
        }
    }
}
