//! The `sse` check (to come).

use super::{Answered, Check, Context, Ran, Route, Seen, Session};
use crate::base::jq::Jq;
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::kind::Kind;
use crate::launch::verdict::{Report, Verdict};

#[derive(Debug, Clone)]
pub struct Sse {}

impl Check for Sse {
    const KIND: Kind = Kind { name: "sse", family: "check", line: "to come", example: "" };

    fn read(_table: &Table<'_>) -> Option<Self> {
        Some(Self {})
    }
    fn expects(&self, _scope: &Scope) -> Vec<String> {
        Vec::new()
    }
    async fn run(&self, _cx: &Context) -> Ran {
        Ran { report: Report::plain(Verdict::Unknown, "to come", std::time::Duration::ZERO), captured: Vec::new() }
    }
    async fn judge(&self, _seen: &Seen, _scope: &Scope, _jq: &Jq) -> Report {
        Report::plain(Verdict::Unknown, "to come", std::time::Duration::ZERO)
    }
    fn derive(&self, _scope: &Scope) -> Result<Answered, String> {
        Err("to come".into())
    }
    fn seen(&self, _example: &Answered, _scope: &Scope) -> Seen {
        Seen { answers: Vec::new(), control_answers: false }
    }
    fn routes(&self, _good: &[Answered], _session: Option<&Session>, _scope: &Scope) -> Vec<Route> {
        Vec::new()
    }
}

/// One event as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// `message` where the stream named none.
    pub event: String,
    pub id: Option<String>,
    pub data: String,
    /// Since the request was sent.
    pub at: std::time::Duration,
}

/// How the reading of a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The terminal event came; the socket may be open still.
    Terminal,
    /// The server closed it.
    Closed,
    /// The deadline passed.
    Deadline,
    /// A limit on line, event or total size was passed: which.
    Limit(&'static str),
    Broken(crate::base::wire::Cause),
}
