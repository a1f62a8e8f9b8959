//! The `http` check: a request, its answer compared with what the plan expects, values captured for the
//! items after it; several requests only where the plan says so (`rounds`). Tries nothing twice: retries are
//! the engine's, and shown.

mod ask;
mod derive;
#[cfg(test)]
mod expect_tests;
mod judge;
mod rounds;
mod table;
#[cfg(test)]
mod tests;
mod way;

use std::time::Duration;

use regex::Regex;

use super::{Answered, Check, Context, Ran, Route, Seen, Session};
use crate::base::jq::{Jq, Program};
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::kind::Kind;
use crate::kind::expect::{Fresh, Security, Statuses};
use crate::kind::request::Call;
use crate::launch::verdict::Report;

pub(crate) use ask::{control_answers, withheld_note};
pub(crate) use derive::{answer, open};
pub(crate) use judge::{header_values, members};
pub use rounds::{Burst, Rounds};
pub use way::Redirect;

/// The table of an `http` check.
#[derive(Debug, Clone)]
pub struct Http {
    pub call: Box<Call>,
    pub expect: Box<Expect>,
    pub captures: Vec<Capture>,
    pub rounds: Rounds,
    /// What it came to when it was asked as the control probe.
    lately: ask::Lately,
}

/// What the answer must be. What is not written is not looked at, but for the status: 2xx then.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    pub status: Statuses,
    pub headers: Vec<(String, Is)>,
    /// Each must come to one `true`.
    pub json: Vec<Program>,
    pub body: Vec<Regex>,
    pub body_absent: Vec<Regex>,
    pub latency: Option<Duration>,
    /// Names of cookies this answer must set.
    pub cookies: Vec<String>,
    /// The redirect it must be; its status is in `status`.
    pub redirect: Option<Redirect>,
    pub security: Security,
    /// How old the document may be.
    pub fresh: Option<Fresh>,
    /// Where one of these is true, the answer says that something was skipped.
    pub skipped: Vec<Program>,
}

/// What a header must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Is {
    Equals(Template),
    Contains(Template),
    Absent,
    /// Each is a member of the comma-separated list, over several header lines, in any case.
    Lists(Vec<Template>),
    /// These are the members, no more and no fewer, in any order and case.
    Set(Vec<Template>),
}

/// A value taken from the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    pub name: String,
    pub from: From,
}

#[derive(Debug, Clone, PartialEq)]
pub enum From {
    Json(Program),
    Header(String),
    Cookie(String),
}

impl From {
    /// As messages and routes say it: `.csrf_token`, `cookie omni_csrf`, `header x-id`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Json(program) => program.text.clone(),
            Self::Header(name) => format!("header {name}"),
            Self::Cookie(name) => format!("cookie {name}"),
        }
    }
}

impl Check for Http {
    const KIND: Kind = Kind {
        name: "http",
        family: "check",
        line: "sends a request, or several, and compares status, headers, cookies, JSON, body and latency with what is expected",
        example: concat!(
            "get = \"https://api.example.com/health\"\n",
            "expect = { status = 200, json = ['.status == \"ok\"'], latency = \"500ms\" }\n",
        ),
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        self.expect.words(scope).into_iter().chain(self.rounds.words()).collect()
    }

    fn address(&self) -> Option<&Template> {
        Some(&self.call.address)
    }

    async fn run(&self, cx: &Context) -> Ran {
        self.look(cx).await
    }

    async fn judge(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
        rounds::judge(self, seen, scope, jq).await
    }

    fn lasts(&self) -> Option<Duration> {
        self.rounds.lasts()
    }

    fn derive(&self, scope: &Scope) -> Result<Answered, String> {
        derive::good(self, scope)
    }

    fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        derive::seen(self, example, scope)
    }

    fn routes(&self, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
        derive::routes(self, good, session, scope)
    }
}
