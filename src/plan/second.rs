//! `second = true`, or the role of whoever gives it: a word that needs another person's beside it.

use serde_json::Value;

use super::reader::Reader;
use crate::base::source::Diagnostic;
use crate::base::table::{Placed, Table};
use crate::launch::id::RoleId;
use crate::launch::plan::Second;

impl Reader<'_> {
    /// The `second` of `table`. That an automatic step has none to wait for is refused where it stands.
    pub(super) fn read_second(&self, table: &Table<'_>) -> Second {
        match table.plain("second") {
            None | Some(Placed { value: Value::Bool(false), .. }) => Second::None,
            Some(Placed { value: Value::Bool(true), .. }) => Second::Anyone,
            Some(Placed { value: Value::String(role), span }) => {
                if let Some(wrong) = self.unknown_role(&Placed { value: role.clone(), span }) {
                    self.notes.report(wrong);
                }
                Second::Role(RoleId::new(role))
            }
            Some(Placed { span, .. }) => {
                let wrong = Diagnostic::error("wrong-type", span, "`second` is `true`, or the id of a role");
                self.notes.report(wrong.label("whose second word"));
                Second::None
            }
        }
    }
}
