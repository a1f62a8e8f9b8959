//! The `file` check: a file is there or is not, how old and how long it is, and what it holds. Relative to the
//! plan's folder. It follows no link and waits for no device.

mod derive;
mod judge;
mod look;
mod size;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use super::{Answered, Check, Context, Ran, Seen};
use crate::base::jq::{Jq, Program};
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::kind::Kind;
use crate::kind::document::{Capture, Number, Schema};
use crate::launch::verdict::Report;

use size::Size;

/// The table of a `file` check.
#[derive(Debug, Clone)]
pub struct File {
    /// Relative to the plan's folder. One `*` in its name: the newest of those.
    pub path: Template,
    pub expect: Box<Expect>,
    pub skipped: Vec<Program>,
    pub captures: Vec<Capture>,
}

/// What the file must be. What is not written is not looked at.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// It must not be there.
    pub absent: bool,
    /// How long ago it may have been written.
    pub fresh: Option<Duration>,
    pub size: Option<Size>,
    /// SHA-256 in hex.
    pub sha256: Option<Template>,
    pub text: Vec<Regex>,
    pub text_absent: Vec<Regex>,
    pub json: Vec<Program>,
    pub numbers: Vec<Number>,
    pub schema: Option<Schema>,
}

impl Check for File {
    const KIND: Kind = Kind {
        name: "file",
        family: "check",
        line: "looks at a file: there or absent, age, size, SHA-256, text, JSON and JSON Schema; relative to the \
               plan's folder, one `*` in its name for the newest",
        example: concat!(
            "path = \"artifacts/smoke-results.json\"\n",
            "expect = { fresh = \"1h\", json = ['.summary.pass == true'] }\n",
        ),
    };

    const WIRE: bool = false;
    const TOLD: &'static [&'static str] = &["status", "json", "body"];

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        table::words(self, scope)
    }

    async fn run(&self, cx: &Context) -> Ran {
        look::look(self, cx).await
    }

    async fn judge(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
        judge::report(self, seen, scope, jq).await
    }

    fn derive(&self, scope: &Scope) -> Result<Answered, String> {
        derive::good(self, scope)
    }

    fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        derive::seen(self, example, scope)
    }

    async fn captured(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> Vec<(String, Value)> {
        judge::captured(self, seen, scope, jq).await
    }
}
