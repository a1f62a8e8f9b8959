//! Examples of answers inside the plan: a check is tested on them before it is trusted, and the
//! rehearsal target answers with them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::base::source::Span;
use crate::base::template::Shape;
use crate::launch::verdict::Verdict;

/// What stands under an item's `example` table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Examples {
    /// Empty where none is written: then one is derived, if the expectations are plain.
    pub good: Vec<Answered>,
    /// Each with the verdict it must give.
    pub bad: Vec<(Answered, Verdict)>,
    /// State of the target after this item acted.
    pub sets: BTreeMap<String, Value>,
}

/// One answer of the world, as an example tells it. What is not said is left out, not guessed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answered {
    pub span: Span,
    pub status: Option<u16>,
    pub headers: Vec<(String, String)>,
    /// Cookies the answer sets: name and value.
    pub cookies: Vec<(String, String)>,
    pub json: Option<Shape>,
    pub body: Option<String>,
    pub events: Vec<Told>,
    pub exit: Option<i32>,
    pub stdout: Option<String>,
    pub stderr: Option<String>,
    /// The answer is given only in this state of the target.
    pub when: BTreeMap<String, Value>,
    /// How long the answer takes.
    pub after: Option<Duration>,
}

/// One server-sent event of an example.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    pub event: Option<String>,
    pub id: Option<String>,
    pub data: Option<Shape>,
    /// How long after the one before.
    pub after: Option<Duration>,
}
