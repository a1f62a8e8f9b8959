//! jq programs over JSON, evaluated where they can do no harm: plain ones (a path compared with a
//! literal, a length, presence) in this process, all others in supervised worker children.

use serde_json::Value;

use super::template::Scope;

/// A program of the plan, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub text: String,
}

/// The evaluator. Cheap to clone; workers start with the first program that needs one.
#[derive(Debug, Clone, Default)]
pub struct Jq {}

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
    /// What is wrong with the program, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned() })
    }

    /// Names of the `$variables` it uses.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        Vec::new()
    }

    /// Paths the program looks at, as far as they are plain: `.a.b[0]` as `["a", "b", 0]`.
    #[must_use]
    pub fn paths(&self) -> Vec<Vec<Value>> {
        Vec::new()
    }

    /// `.a.b == LITERAL`, or a bare presence or length test, as a value that satisfies it: for derived
    /// examples. None where the program is not plain.
    #[must_use]
    pub fn satisfied_by(&self, scope: &Scope) -> Option<(Vec<Value>, Value)> {
        let _ = scope;
        None
    }
}

impl Jq {
    /// Evaluates an assertion.
    pub async fn holds(&self, program: &Program, input: &Value, scope: &Scope) -> Said {
        let _ = (program, input, scope);
        Said::Unknown { why: "not built".into() }
    }

    /// Evaluates to exactly one value.
    ///
    /// # Errors
    /// Why there is not one.
    pub async fn value(&self, program: &Program, input: &Value, scope: &Scope) -> Result<Value, String> {
        let _ = (program, input, scope);
        Err("not built".into())
    }
}
