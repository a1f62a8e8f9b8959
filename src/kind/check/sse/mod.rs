//! The `sse` check: reads a stream of server-sent events until its terminal event and compares what
//! came. It ends there though the socket stays open, and drops the connection, so that the server's
//! slot is free again. It is no live tail: that is `watch::stream`, which reads the same table.

mod judge;
mod pattern;
mod plain;
mod read;
mod request;
mod resume;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{Answered, Check, Context, Ran, Route, Seen, Session};
use crate::base::jq::{Jq, Program};
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::base::wire::{Cause, sse};
use crate::kind::Kind;
use crate::kind::request::Call;
use crate::launch::verdict::Report;

pub(crate) use judge::is_event_stream;
pub use pattern::{Fit, Look, Pattern};
pub(crate) use request::{keep_cookies, stream_request};
pub use resume::Resume;

/// What a checked stream may cost: line and event as everywhere, 16 MiB in all, this many events.
pub const BOUNDS: sse::Bounds = sse::Bounds { line: 64 << 10, event: 1 << 20, total: 16 << 20 };
pub const EVENTS: usize = 100_000;

/// The labels of [`Seen::answers`].
pub(crate) const STREAM: &str = "stream";
pub(crate) const MEANWHILE: &str = "meanwhile";
/// The head of the connection that was opened again; its events are the stream's.
pub(crate) const RESUMED: &str = "resumed";

/// The table of an `sse` check.
#[derive(Debug, Clone, PartialEq)]
pub struct Sse {
    pub call: Box<Call>,
    pub expect: Expect,
    /// The terminal event: any of these. Empty: reading stops once `at_least` holds.
    pub until: Vec<Pattern>,
    /// For the whole stream, connecting included; the item's timeout where it is not written.
    pub deadline: Option<Duration>,
    pub meanwhile: Option<Box<Meanwhile>>,
    pub resume: Option<Resume>,
}

/// What the stream must be. What is not written is not looked at, but for the status and the content
/// type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expect {
    pub status: u16,
    /// From the request sent to the first event.
    pub first_event: Option<Duration>,
    /// Between two events, and from the last one to the end. Comments are no events.
    pub max_gap: Option<Duration>,
    pub at_least: Vec<(Pattern, usize)>,
    /// Events that must come in this order, others between them or not.
    pub order: Vec<Pattern>,
    /// Events that must not come before the terminal one, nor be it.
    pub never: Vec<Pattern>,
}

/// A request sent while the stream is being read: the cancel of a run, say. The terminal event then
/// tells what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Meanwhile {
    /// It is sent when this event has come `count` times.
    pub after: Pattern,
    pub count: usize,
    pub call: Call,
    pub status: u16,
    pub json: Vec<Program>,
}

/// One event as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// `message` where the stream named none.
    pub event: String,
    /// Its own; the id of an earlier event is not repeated.
    pub id: Option<String>,
    pub data: String,
    /// Since the request was sent.
    pub at: Duration,
}

/// How the reading of a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The terminal event came; the socket may be open still.
    Terminal,
    /// The server closed it.
    Closed,
    /// We dropped it, to open it again.
    Cut,
    /// The deadline passed.
    Deadline,
    /// Nothing came for longer than `first_event` or `max_gap` allows.
    Silent,
    /// An event came that must never come; nothing after it could mend that.
    Unwanted,
    /// A limit on line, event, total size or number of events was passed: which.
    Limit(&'static str),
    Broken(Cause),
}

impl Check for Sse {
    const KIND: Kind = Kind {
        name: "sse",
        family: "check",
        line: "reads an event stream until its terminal event; passes if what came is what was expected",
        example: r#"get = "https://api.example.com/v1/chat/stream?run_id=1"
headers = { Origin = "https://app.example.com" }
expect = { status = 200, first_event = "5s", max_gap = "15s", at_least = [{ event = "message", json = '.type == "delta"', count = 1 }], order = [{ event = "message" }, { event = "stopped" }], never = [{ event = "done" }] }
until = { any = [{ event = "stopped" }, { event = "done" }, { data = "[DONE]" }] }
meanwhile = { after = { event = "message", count = 1 }, post = "https://api.example.com/v1/chat/cancel", json = { run_id = 1 }, expect = { status = 200, json = ['.status == "cancelled"'] } }
deadline = "60s"
"#,
    };

    const TOLD: &'static [&'static str] = &["status", "headers", "cookies", "json", "body", "events"];

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        judge::expects(self, scope)
    }

    fn address(&self) -> Option<&Template> {
        Some(&self.call.address)
    }

    async fn run(&self, cx: &Context) -> Ran {
        Ran { report: read::run(self, cx).await, captured: Vec::new() }
    }

    async fn judge(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
        judge::judge(self, seen, scope, jq).await
    }

    fn derive(&self, scope: &Scope) -> Result<Answered, String> {
        plain::derive(self, scope)
    }

    fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        plain::seen(self, example, scope)
    }

    fn routes(&self, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
        plain::routes(self, good, session, scope)
    }
}
