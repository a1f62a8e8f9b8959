//! What belongs to the plan format and is not run by this version. It is refused by name: a table that
//! is read over in silence is a check nobody makes.

use crate::base::known::Wanted;
use crate::base::source::Diagnostic;
use crate::base::table::Table;

pub(super) const POLL_KEYS: &[&str] = &["binds", "expires"];

/// Reports the keys of `table` that are of the format and not built.
pub(super) fn refuse(table: &Table<'_>, keys: &[&'static str]) {
    keys.iter().for_each(|key| table.learn(key, Wanted::Refused));
    for (key, span) in table.keys() {
        if keys.contains(&key) {
            table.accept(key);
            let message = format!("`{key}` is part of the plan format, but this version does not run it");
            table.notes().report(Diagnostic::error("not-built-yet", span, message).label(format!("in {}", table.path)));
        }
    }
}
