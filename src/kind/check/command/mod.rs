//! The `command` check: a program is run for a look, and what it said is compared with what is expected. No
//! exit code is a verdict by itself where more was asked for: what crashed, or said nothing of what it should
//! say, has told us nothing. It acts on nothing and tries nothing twice.

mod crash;
mod derive;
mod judge;
mod look;
mod table;
#[cfg(test)]
mod tests;

use regex::Regex;
use serde_json::Value;

use super::{Answered, Check, Context, Ran, Seen};
use crate::base::jq::{Jq, Program};
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::kind::Kind;
use crate::kind::document::{Capture, Number, Of, Schema, Taken};
use crate::kind::invocation::Invocation;
use crate::launch::verdict::{Report, Verdict};

pub(crate) use look::{apart, run_for, schema_answer};

/// The table of a `command` check.
#[derive(Debug, Clone)]
pub struct Command {
    pub invocation: Invocation,
    /// What exit codes mean; 0 passes and others fail where nothing is said.
    pub exits: Vec<(i32, Verdict)>,
    pub expect: Box<Expect>,
    /// Programs that say what was skipped; on the output file where there is one.
    pub skipped: Vec<Program>,
    pub output: Option<Box<Output>>,
    /// Taken from the output file where there is one.
    pub captures: Vec<Capture>,
}

/// What the program must say.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    pub stdout: Vec<Regex>,
    pub stdout_absent: Vec<Regex>,
    pub stderr: Vec<Regex>,
    pub stderr_absent: Vec<Regex>,
    /// On the JSON of its standard output.
    pub json: Vec<Program>,
    pub numbers: Vec<Number>,
}

/// A file that the program must have written.
#[derive(Debug, Clone)]
pub struct Output {
    /// Relative to the command's own folder. One `*` in its name: the newest of those.
    pub file: Template,
    pub json: Vec<Program>,
    pub schema: Option<Schema>,
    /// It must have been written since the check began.
    pub fresh: bool,
}

impl Command {
    /// Whether the JSON of standard output is asked for.
    fn asks_json(&self) -> bool {
        let jq = |number: &Number| matches!(number.of, Of::Jq(_));
        let taken = self.captures.iter().any(|capture| matches!(capture.from, Taken::Json(_)));
        let loose = !self.skipped.is_empty() || taken;
        !self.expect.json.is_empty() || self.expect.numbers.iter().any(jq) || loose && self.output.is_none()
    }

    /// Whether it must say anything of its own, beside its exit code.
    fn asks_for_words(&self) -> bool {
        let Expect { stdout, stderr, numbers, .. } = self.expect.as_ref();
        let words = !stdout.is_empty() || !stderr.is_empty() || !numbers.is_empty();
        words || self.asks_json() || self.output.is_some()
    }
}

impl Check for Command {
    const KIND: Kind = Kind {
        name: "command",
        family: "check",
        line: "runs a program for a look (`command = [..]`, or a bash script as `shell`) and compares exit code, \
               output, JSON, numbers and the file it writes with what is expected; what crashed is unknown",
        example: concat!(
            "command = [\"node\", \"scripts/preflight.mjs\", \"--json\"]\n",
            "expect = { json = ['.status == \"pass\"'] }\n",
        ),
    };

    const WIRE: bool = false;
    const TOLD: &'static [&'static str] = &["exit", "stdout", "stderr", "json", "body"];

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn expects(&self, _scope: &Scope) -> Vec<String> {
        table::words(self)
    }

    fn invoked(&self) -> Option<&Invocation> {
        Some(&self.invocation)
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
