//! jq programs over JSON, evaluated where they can do no harm: plain ones (a path compared with a
//! literal, a length, presence) in this process, all others in supervised worker children.
//!
//! It must not read anything but the input and the values it is given: no environment, no files, no
//! modules, no text pasted into a program.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use self::plain::{Operand, Plain, Tri, written};
use self::pool::Pool;
use super::secret::Redactor;
use super::template::Scope;
use super::text::{cut, printable};

mod engine;
mod library;
mod parse;
mod plain;
mod pool;
pub mod worker;

#[cfg(test)]
mod tests;

/// Columns of a value that is shown.
const SHOWN: usize = 160;

/// A program of the plan, parsed. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub text: String,
    parsed: Arc<Parsed>,
}

/// What reading a program found out.
#[derive(Debug, PartialEq)]
struct Parsed {
    variables: Vec<String>,
    paths: Vec<Vec<Value>>,
    /// The program as an assertion and as a value, where it is plain.
    assertion: Option<Plain>,
    value: Option<Operand>,
}

/// The evaluator. Cheap to clone; workers start with the first program that needs one.
#[derive(Debug, Clone, Default)]
pub struct Jq {
    pool: Arc<Pool>,
    redactor: Redactor,
}

/// What a program came to as an assertion (plan.md: one `true` passes, one `false` fails, and null, an
/// error, none or several results, or an absent path in a plain comparison are unknown).
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    True,
    False { seen: String },
    Unknown { why: String },
}

impl Program {
    /// # Errors
    /// What is wrong with the program, in words: its syntax, or a filter that is not known.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), parsed: Arc::new(parse::read(text)?) })
    }

    /// Names of the `$variables` it uses, without the `$`, each once, in the order of the text.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        self.parsed.variables.clone()
    }

    /// Paths the program looks at, as far as they are plain: `.a.b[0]` as `["a", "b", 0]`.
    #[must_use]
    pub fn paths(&self) -> Vec<Vec<Value>> {
        self.parsed.paths.clone()
    }

    /// True for a bare path as an assertion: it holds only for `true`, and says nothing of other values.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        matches!(self.parsed.value, Some(Operand::Path(_)))
    }

    /// `.a.b == LITERAL`, or a bare presence or length test, as a value that satisfies it: for derived
    /// examples. None where the program is not plain, joins several tests, or names something unbound.
    #[must_use]
    pub fn satisfied_by(&self, scope: &Scope) -> Option<(Vec<Value>, Value)> {
        self.parsed.assertion.as_ref()?.satisfied_by(scope)
    }
}

impl Jq {
    /// An evaluator whose workers are this executable, which must answer to `__jq` as `tminus` does: for
    /// programs that are not `tminus` themselves.
    #[must_use]
    pub fn with_worker(executable: impl Into<PathBuf>) -> Self {
        Self { pool: Arc::new(Pool::of(executable.into())), redactor: Redactor::default() }
    }

    /// The same evaluator, which takes secrets out of everything it says before it is cut.
    #[must_use]
    pub fn redacting(&self, redactor: Redactor) -> Self {
        Self { pool: Arc::clone(&self.pool), redactor }
    }

    /// The same worker executable with another deadline for one evaluation (default 1 s).
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { pool: Arc::new(self.pool.with_deadline(deadline)), redactor: self.redactor.clone() }
    }

    /// Evaluates an assertion.
    pub async fn holds(&self, program: &Program, input: &Value, scope: &Scope) -> Said {
        if let Some(assertion) = &program.parsed.assertion {
            return match assertion.judge(input, scope) {
                Tri::Known { holds: true, .. } => Said::True,
                Tri::Known { holds: false, seen } => Said::False { seen: self.shown(&seen, scope) },
                Tri::Unknown(why) => Said::Unknown { why: self.shown(&why, scope) },
            };
        }
        match self.evaluated(program, input, scope).await {
            Ok(Value::Bool(true)) => Said::True,
            Ok(Value::Bool(false)) => Said::False { seen: self.shown(&looked_at(program, input), scope) },
            Ok(other) => {
                let why = format!("gave {}, neither true nor false", plain::compact(&other));
                Said::Unknown { why: self.shown(&why, scope) }
            }
            Err(why) => Said::Unknown { why: self.shown(&why, scope) },
        }
    }

    /// Evaluates to exactly one value that is not null.
    ///
    /// # Errors
    /// Why there is not one.
    pub async fn value(&self, program: &Program, input: &Value, scope: &Scope) -> Result<Value, String> {
        let value = match &program.parsed.value {
            Some(operand) => operand.value(input, scope).map(std::borrow::Cow::into_owned),
            None => self.evaluated(program, input, scope).await,
        };
        match value {
            Ok(Value::Null) => Err("gave null".into()),
            Ok(value) => Ok(value),
            Err(why) => Err(self.shown(&why, scope)),
        }
    }

    async fn evaluated(&self, program: &Program, input: &Value, scope: &Scope) -> Result<Value, String> {
        let mut bound = Vec::new();
        for name in &program.parsed.variables {
            let value = scope.get(name).map_err(|unbound| unbound.to_string())?;
            bound.push((name.as_str(), &value.value));
        }
        let request = engine::Request::encode(&program.text, &bound, input)?;
        self.pool.evaluate(request).await
    }

    /// Redacted before it is cut: half a secret would pass unknown.
    fn shown(&self, text: &str, scope: &Scope) -> String {
        let mut text = self.redactor.text(text);
        for secret in scope.secrets().filter(|secret| secret.len() >= 4) {
            text = text.replace(&secret, "‹secret›");
        }
        cut(&printable(&text), SHOWN)
    }
}

/// What stands at the paths a program looks at, for programs whose comparison cannot be seen from here.
fn looked_at(program: &Program, input: &Value) -> String {
    let found = |path: &Vec<Value>| {
        let value = plain::walk(input, path).map_or_else(|why| why, plain::compact);
        if path.is_empty() { value } else { format!("{}: {value}", written(path)) }
    };
    let seen: Vec<String> = program.parsed.paths.iter().take(3).map(found).collect();
    if seen.is_empty() { "false".into() } else { seen.join(", ") }
}
