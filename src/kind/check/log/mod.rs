//! The `log` check: the lines that a file or a command gives in a window of time, JSON mixed with text: which
//! events must be among them, how many, what share, what their numbers come to, and what must never be in them.
//! It keeps no line: a log may hold what nobody should have written there.

mod derive;
pub mod file;
mod follow;
mod judge;
pub mod lines;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use regex::Regex;

use super::{Answered, Check, Context, Ran, Seen};
use crate::base::jq::{Jq, Program};
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::kind::Kind;
use crate::kind::exchange::fit;
use crate::kind::invocation::Invocation;
use crate::launch::threshold::{Threshold, Unit};
use crate::launch::verdict::Report;

/// Bytes of one window; a log that says more in it is narrowed by its plan, not cut in silence.
pub const MOST_BYTES: usize = 8 << 20;
/// Lines of one window.
pub const MOST_LINES: usize = 50_000;

/// The table of a `log` check.
#[derive(Debug, Clone)]
pub struct Log {
    pub source: Source,
    /// Where in a file the window begins.
    pub begin: Begin,
    pub window: Window,
    pub expect: Expect,
}

/// Where the lines come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Behind the plan's folder where it is relative.
    File(Template),
    Command(Invocation),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// What is there already counts.
    Start,
    /// Only what comes from now on.
    End,
}

/// How long it is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// What is there now; of a command, all that it says.
    Now,
    /// All of this time.
    For(Duration),
    /// Until everything asked for has come, so long at most.
    Within(Duration),
}

/// What the lines must be. What is not written is not looked at.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// Each of these names must stand somewhere at this path.
    pub events: Option<(Program, Vec<String>)>,
    pub counts: Vec<Count>,
    pub ratios: Vec<Ratio>,
    pub numbers: Vec<Number>,
    /// Names of keys that no line may have, at any depth.
    pub forbidden_keys: Vec<Regex>,
    /// What no line may hold anywhere.
    pub forbidden_values: Vec<Regex>,
    pub text: Vec<Regex>,
    pub text_absent: Vec<Regex>,
}

/// How many JSON lines hold a program.
#[derive(Debug, Clone)]
pub struct Count {
    pub of: Program,
    pub that: Threshold,
}

/// The share of the lines that hold one program among those that hold another.
#[derive(Debug, Clone)]
pub struct Ratio {
    pub of: Program,
    pub to: Option<Program>,
    pub that: Threshold,
    /// Fewer lines than this say nothing.
    pub min: u64,
}

/// A number taken out of the lines.
#[derive(Debug, Clone)]
pub struct Number {
    pub json: Program,
    pub of: Option<Program>,
    pub stat: Stat,
    pub that: Threshold,
    /// What the log writes it in.
    pub unit: Unit,
    pub min: u64,
}

/// What several numbers come to. A percentile is the smallest of them that so many are no greater than.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stat {
    Last,
    Min,
    Max,
    Mean,
    Sum,
    P50,
    P95,
    P99,
}

impl Stat {
    pub const WORDS: [(&'static str, Self); 8] = [
        ("last", Self::Last),
        ("min", Self::Min),
        ("max", Self::Max),
        ("mean", Self::Mean),
        ("sum", Self::Sum),
        ("p50", Self::P50),
        ("p95", Self::P95),
        ("p99", Self::P99),
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, stat)| *stat == self).map_or("", |(word, _)| word)
    }
}

impl Check for Log {
    const KIND: Kind = Kind {
        name: "log",
        family: "check",
        line: "reads the lines of a file or a command in a window of time: events, counts, shares, numbers, and what must never be logged",
        example: concat!(
            "file = \"logs/app.log\"\n",
            "within = \"30s\"\n",
            "expect = { events = { at = \".event\", all = [\"session_started\", \"image_succeeded\"] }, ",
            "count = [{ where = '.level == \"error\"', that = \"<= 0\" }], ",
            "forbidden = { keys = [\"prompt\", \"authorization\"] } }\n",
        ),
    };

    const WIRE: bool = false;

    const TOLD: &'static [&'static str] = &["body", "stdout", "exit"];

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn invoked(&self) -> Option<&Invocation> {
        match &self.source {
            Source::Command(invocation) => Some(invocation),
            Source::File(_) => None,
        }
    }

    fn lasts(&self) -> Option<Duration> {
        match self.window {
            Window::Now => None,
            Window::For(span) | Window::Within(span) => Some(span),
        }
    }

    fn expects(&self, _scope: &Scope) -> Vec<String> {
        self.expect.words()
    }

    async fn run(&self, cx: &Context) -> Ran {
        let seen = follow::seen(self, cx).await;
        let jq = cx.jq.redacting(cx.redactor.clone());
        let mut report = self.judge(&seen, &cx.values(), &jq).await;
        report.took = seen
            .answers
            .first()
            .and_then(|(_, answer)| answer.as_ref().ok())
            .map_or(Duration::ZERO, |answer| answer.http.took);
        Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
    }

    async fn judge(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
        judge::report(self, seen, scope, jq).await
    }

    fn derive(&self, scope: &Scope) -> Result<Answered, String> {
        derive::good(self, scope)
    }

    fn seen(&self, example: &Answered, _scope: &Scope) -> Seen {
        derive::seen(self, example)
    }
}
