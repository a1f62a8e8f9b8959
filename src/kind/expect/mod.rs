//! What an answer, an output or a file must be, beyond one value: sets of statuses, the age of a document, what
//! says of itself that it skipped something, the headers that protect a browser. Shared by the kinds; each
//! part reads its own key, says itself in words, and judges. It asks nothing.

pub mod fresh;
pub mod security;
pub mod skipped;
pub mod status;

pub use fresh::Fresh;
pub use security::Security;
pub use status::Statuses;

use crate::base::jq::Program;
use crate::base::source::Span;
use crate::base::table::Table;

/// A jq program of the plan, the names it uses noted.
#[must_use]
pub fn program(table: &Table<'_>, text: &str, span: Span) -> Option<Program> {
    match Program::parse(text) {
        Ok(program) => {
            for name in program.variables() {
                table.notes().uses(name, span);
            }
            Some(program)
        }
        Err(why) => {
            table.wrong_value(span, format!("this is no jq program: {why}"));
            None
        }
    }
}
