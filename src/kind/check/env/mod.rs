//! The `env` check: variables of this process, of a file, or of what a command prints, held to rules. No value
//! is ever shown: a finding tells names, lengths, and whether one is set, missing or a placeholder. Every value
//! that may be a secret is known to the redactor before it is judged.

mod derive;
mod judge;
mod look;
mod rule;
mod table;
#[cfg(test)]
mod tests;
mod variables;

use regex::Regex;

use super::{Answered, Check, Context, Ran, Seen};
use crate::base::jq::Jq;
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::kind::Kind;
use crate::kind::invocation::Invocation;
use crate::launch::verdict::Report;

use rule::Rule;

/// The table of an `env` check.
#[derive(Debug, Clone)]
pub struct Env {
    pub source: Source,
    /// In the order of the plan.
    pub rules: Vec<(String, Rule)>,
    /// Placeholders that no value may hold, the known ones among them.
    pub banned: Vec<Regex>,
    /// Every value is held to `banned`, also one without a rule.
    pub everywhere: bool,
}

/// Whose variables.
#[derive(Debug, Clone)]
pub enum Source {
    /// This process's own.
    Process,
    /// In dotenv form, relative to the plan's folder.
    File(Template),
    /// `NAME=value` lines of its output, as of `env`.
    Command(Box<Invocation>),
}

impl Check for Env {
    const KIND: Kind = Kind {
        name: "env",
        family: "check",
        line: "holds the variables of this process, of a .env file or of a command's output to rules (set, equal, \
               long enough, a URL, no placeholder, rotated) without ever showing a value",
        example: concat!(
            "source = { file = \"deploy/.env.production\" }\n",
            "set = [\"SENTRY_DSN\"]\n",
            "vars = { SAFE_MODE = \"false\", JWT_SECRET = { min_length = 32 } }\n",
        ),
    };

    const WIRE: bool = false;
    const TOLD: &'static [&'static str] = &["json"];

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn invoked(&self) -> Option<&Invocation> {
        match &self.source {
            Source::Command(invocation) => Some(invocation),
            Source::Process | Source::File(_) => None,
        }
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        let rules = self.rules.iter().map(|(name, rule)| format!("{name} {}", rule.words(scope)));
        rules.chain(self.everywhere.then(|| format!("every value {}", judge::NO_PLACEHOLDER))).collect()
    }

    async fn run(&self, cx: &Context) -> Ran {
        look::look(self, cx).await
    }

    async fn judge(&self, seen: &Seen, scope: &Scope, _jq: &Jq) -> Report {
        judge::report(self, seen, scope)
    }

    fn derive(&self, scope: &Scope) -> Result<Answered, String> {
        derive::good(self, scope)
    }

    fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        derive::seen(self, example, scope)
    }
}

impl Source {
    /// `.env`, `this process`, `kubectl exec …`.
    fn words(&self) -> String {
        match self {
            Self::Process => "this process".to_owned(),
            Self::File(file) => file.written(),
            Self::Command(invocation) => invocation.written(),
        }
    }
}
