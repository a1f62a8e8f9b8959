//! A pattern that an event fits, does not fit, or fits unclearly: where jq cannot tell, no one
//! pretends. It counts nothing.

use std::sync::OnceLock;

use serde_json::Value;

use super::Received;
use crate::base::jq::{Jq, Program, Said};
use crate::base::template::Scope;

/// What an event must be: all that is written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pattern {
    /// Its name; `message` is the name of events without one.
    pub event: Option<String>,
    /// Its data, whole.
    pub data: Option<String>,
    /// What its data, read as JSON, must satisfy.
    pub json: Option<Program>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    Yes,
    No,
    /// Why it cannot be told.
    Unclear(String),
}

/// An event being looked at by several patterns: its data is read as JSON once, if at all.
#[derive(Debug)]
pub struct Look<'a> {
    pub event: &'a Received,
    json: OnceLock<Option<Value>>,
}

impl<'a> Look<'a> {
    #[must_use]
    pub fn new(event: &'a Received) -> Self {
        Self { event, json: OnceLock::new() }
    }

    fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_str(&self.event.data).ok()).as_ref()
    }
}

impl Pattern {
    /// True where the event has the name and the data asked for; JSON is not looked at.
    #[must_use]
    pub fn names(&self, event: &str, data: &str) -> bool {
        self.event.as_deref().is_none_or(|wanted| wanted == event)
            && self.data.as_deref().is_none_or(|wanted| wanted == data)
    }

    pub async fn fits(&self, look: &Look<'_>, scope: &Scope, jq: &Jq) -> Fit {
        if !self.names(&look.event.event, &look.event.data) {
            return Fit::No;
        }
        let Some(program) = &self.json else { return Fit::Yes };
        let Some(value) = look.json() else {
            return Fit::Unclear("its data is no JSON".to_owned());
        };
        match jq.holds(program, value, scope).await {
            Said::True => Fit::Yes,
            Said::False { .. } => Fit::No,
            Said::Unknown { why } => Fit::Unclear(why),
        }
    }

    /// For people: `` `message` with .type == "delta" ``.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = match (&self.event, &self.data) {
            (Some(event), None) => format!("`{event}`"),
            (None, Some(data)) => format!("data `{data}`"),
            (Some(event), Some(data)) => format!("`{event}` with data `{data}`"),
            (None, None) => "an event".to_owned(),
        };
        if let Some(program) = &self.json {
            words.push_str(" with ");
            words.push_str(&program.text);
        }
        words
    }
}

/// Several patterns as an alternative: `` `done` or data `[DONE]` ``.
#[must_use]
pub(super) fn any_of(patterns: &[Pattern]) -> String {
    patterns.iter().map(Pattern::words).collect::<Vec<_>>().join(" or ")
}
