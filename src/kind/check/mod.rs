//! Checks: they look and change nothing, and end in a verdict. One file or folder a kind, one line in
//! the list below.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use serde_json::Value;

use super::Kind;
use super::example::{Answered, Examples};
use super::invocation::Invocation;
use super::request::Trail;
use super::session::Session;
use crate::base::jq::Jq;
use crate::base::proc;
use crate::base::secret::Redactor;
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::base::wire::{Cause, Client};
use crate::launch::id::{ItemId, MonitorId};
use crate::launch::live::Sample;
use crate::launch::time::Wall;
use crate::launch::verdict::Report;

pub mod alerts;
pub mod command;
pub mod cors;
pub mod dns;
pub mod env;
pub mod file;
pub mod github;
pub mod http;
pub mod log;
mod prometheus;
pub mod signal;
pub mod simulated;
pub mod sse;
pub mod tls;

/// The samples of a monitor that are kept, oldest first; none where no such monitor runs here.
pub type Samples = Arc<dyn Fn(&MonitorId) -> Option<Vec<Sample>> + Send + Sync>;

/// What a check runs with. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub client: Client,
    pub jq: Jq,
    pub redactor: Redactor,
    /// Values known at load (vars, secrets, `for_each`) and the baseline.
    pub scope: Scope,
    pub session: Option<Session>,
    pub timeout: Duration,
    /// The plan's control probe: does our own network work?
    pub control: Option<Arc<http::Http>>,
    /// Whose check this is, as the simulated target knows it.
    pub owner: ItemId,
    /// The plan's own folder: files and a program's `cwd` are relative to it.
    pub base: PathBuf,
    /// In a rehearsal: the target that answers for a check which asks nothing over HTTP; none where it is to
    /// look for real.
    pub simulated: Option<SocketAddr>,
    /// What the monitors of this launch saw; none where none run: in a gate, a rollback's runner, a step.
    pub samples: Option<Samples>,
}

impl Context {
    /// The plan's values, with what the session captured so far.
    #[must_use]
    pub fn values(&self) -> Scope {
        self.session.as_ref().map_or_else(|| self.scope.clone(), |session| self.scope.with(&session.scope()))
    }

    /// A context that knows nothing but how to ask.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            jq: Jq::default(),
            redactor: Redactor::default(),
            scope: Scope::default(),
            session: None,
            timeout: Duration::from_secs(10),
            control: None,
            owner: ItemId::new(""),
            base: PathBuf::from("."),
            simulated: None,
            samples: None,
        }
    }
}

/// What one attempt came to: the report, and the values captured (bound in the session by the kind
/// itself, before its report is kept).
#[derive(Debug, Clone)]
pub struct Ran {
    pub report: Report,
    pub captured: Vec<(String, Value)>,
}

/// What the world answered, for [`Check::judge`]: made from the wire by `run`, from an example by
/// `tminus check` and by the mutations.
#[derive(Debug, Clone)]
pub struct Seen {
    /// For each request of the check (one for most; the matrix's cells for `cors`): its label and
    /// its answer, or why there was none.
    pub answers: Vec<(String, Result<Answer, Cause>)>,
    /// True when the control probe answered although names or routes failed.
    pub control_answers: bool,
}

/// An answer with its events, where it was a stream. A check that asks nothing over HTTP puts what it saw
/// into the same form, so that examples and mutations are one for all kinds: the standard output of a
/// program, the text of a file, or a JSON document about what was seen (of records, a certificate,
/// variables) is `http.body`, and `http.status` is 0.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub http: crate::base::wire::Answer,
    pub events: Vec<sse::Received>,
    /// Where a stream was read: how the reading ended.
    pub end: Option<sse::End>,
    /// Where a program ran: how it ended.
    pub ended: Option<Ended>,
    /// Where redirects were followed.
    pub trail: Trail,
    /// When it was seen; none where no age is looked at.
    pub at: Option<Wall>,
}

impl Answer {
    /// True where the body is only the beginning of what there was: its length is then told as a header.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        let length = self.http.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let length = length.and_then(|length| length.parse::<u64>().ok());
        length.is_some_and(|length| length > self.http.body.len() as u64)
    }
}

/// How a program that a check ran ended. Its standard output is the answer's body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    pub exit: Option<i32>,
    /// The signal that ended it, if one did that was not ours.
    pub signal: Option<i32>,
    /// Why it never ran, in words.
    pub error: Option<String>,
    /// We ended it because its time was up.
    pub timed_out: bool,
    /// The end of its standard error, at most [`STDERR_KEPT`] bytes.
    pub stderr: Bytes,
    /// There was more of it before.
    pub stderr_cut: bool,
}

impl From<&proc::Ended> for Ended {
    fn from(ended: &proc::Ended) -> Self {
        let lines = ended.stderr_lines();
        Self {
            exit: ended.exit,
            signal: ended.signal,
            error: ended.error.clone(),
            timed_out: ended.timed_out,
            stderr: Bytes::copy_from_slice(&lines[lines.len().saturating_sub(STDERR_KEPT)..]),
            stderr_cut: ended.stderr_bytes > ended.stderr.len() as u64,
        }
    }
}

/// Bytes of a program's standard error that are looked at: its end.
pub const STDERR_KEPT: usize = 64 << 10;

/// What the simulated target answers for a check: request line and distinguishing headers, as far as
/// the plan says them, and the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    pub method: String,
    /// Absolute; names without a value at load stay as `{{ name }}` and match anything.
    pub url: String,
    /// Headers the request must carry for this route: name, value; `{{ name }}` as above.
    pub headers: Vec<(String, String)>,
    pub answer: Answered,
    /// Names whose values this answer gives out (captures): name and jq path or cookie.
    pub captures: Vec<String>,
    /// The row of the check this serves, where it has several: an origin.
    pub row: Option<String>,
    /// True for a negative control: what must be denied.
    pub denied: bool,
    /// True for a stream of events.
    pub stream: bool,
}

/// A kind of check. Implementations keep `judge` pure but for jq: the same for wire and example.
pub trait Check: Sized + Clone + Send + Sync {
    const KIND: Kind;

    /// False where it asks nothing over HTTP: the simulated target then has no request to answer and tells
    /// the example itself, which [`Check::seen`] makes into what would have been seen.
    const WIRE: bool = true;

    /// [`Self::WIRE`], for a kind of which it depends on the table.
    fn is_wire(&self) -> bool {
        Self::WIRE
    }

    /// Keys of an example that this kind looks at.
    const TOLD: &'static [&'static str] = &["status", "headers", "cookies", "json", "body"];

    /// Reads the kind's own table; reports every mistake to the table's notes.
    fn read(table: &Table<'_>) -> Option<Self>;

    /// What it runs, where it runs a program: no secret of the plan may be in sight there.
    fn invoked(&self) -> Option<&Invocation> {
        None
    }

    /// What it asks, where the plan says that whole or as a path behind a session's base.
    fn address(&self) -> Option<&Template> {
        None
    }

    /// Expectations in words, before anything was seen.
    fn expects(&self, scope: &Scope) -> Vec<String>;

    /// Looks once.
    fn run(&self, cx: &Context) -> impl Future<Output = Ran> + Send;

    /// Looks in a rehearsal, where it asks nothing over HTTP: at the example, unless the kind knows better.
    fn rehearse(&self, cx: &Context, target: SocketAddr) -> impl Future<Output = Ran> + Send {
        simulated::look(self, cx, target)
    }

    /// The verdict on what was seen.
    fn judge(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> impl Future<Output = Report> + Send;

    /// How long one attempt may have to last, where it asks for a time of its own: the item's timeout is
    /// longer by default.
    fn lasts(&self) -> Option<Duration> {
        None
    }

    /// The good example, where none is written and the expectations are plain.
    ///
    /// # Errors
    /// Which expectation is not plain, as the end of "no good example: …".
    fn derive(&self, scope: &Scope) -> Result<Answered, String>;

    /// What was seen if the world answered with this example.
    fn seen(&self, example: &Answered, scope: &Scope) -> Seen;

    /// What the simulated target must answer for this check, given its good examples (written, or
    /// derived). Nothing for a check that asks nothing over HTTP.
    fn routes(&self, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
        let _ = (good, session, scope);
        Vec::new()
    }

    /// The values that `capture` takes from what was seen, for a check that asks nothing over HTTP.
    fn captured(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> impl Future<Output = Vec<(String, Value)>> + Send {
        let _ = (seen, scope, jq);
        std::future::ready(Vec::new())
    }
}

macro_rules! checks {
    ($($module:ident :: $kind:ident),* $(,)?) => {
        /// Any check's table, read.
        #[derive(Debug, Clone)]
        pub enum Spec { $($kind($module::$kind),)* }

        /// Every kind of check, in the order of the reference page.
        pub const KINDS: &[Kind] = &[$($module::$kind::KIND,)*];

        /// Keys of an example that the kind called `name` looks at; none where there is no such check.
        #[must_use]
        pub fn told(name: &str) -> Option<&'static [&'static str]> {
            $(if name == $module::$kind::KIND.name {
                return Some(<$module::$kind as Check>::TOLD);
            })*
            None
        }

        impl Spec {
            /// Reads the table of the kind called `name`; none where there is no such kind, or the
            /// table is wrong (then that was reported).
            #[must_use]
            pub fn read(name: &str, table: &Table<'_>) -> Option<Self> {
                $(if name == $module::$kind::KIND.name {
                    return $module::$kind::read(table).map(Self::$kind);
                })*
                None
            }

            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => $module::$kind::KIND,)* }
            }

            #[must_use]
            pub fn invoked(&self) -> Option<&Invocation> {
                match self { $(Self::$kind(check) => check.invoked(),)* }
            }

            /// What it asks: whole, or a path behind a session's base.
            #[must_use]
            pub fn address(&self) -> Option<&Template> {
                match self { $(Self::$kind(check) => check.address(),)* }
            }

            #[must_use]
            pub fn expects(&self, scope: &Scope) -> Vec<String> {
                match self { $(Self::$kind(check) => check.expects(scope),)* }
            }

            /// True where it asks over HTTP, so that the simulated target answers it on the wire.
            #[must_use]
            pub fn is_wire(&self) -> bool {
                match self { $(Self::$kind(check) => check.is_wire(),)* }
            }

            #[must_use]
            pub fn lasts(&self) -> Option<Duration> {
                match self { $(Self::$kind(check) => check.lasts(),)* }
            }

            pub async fn run(&self, cx: &Context) -> Ran {
                match (self, cx.simulated) {
                    $((Self::$kind(check), Some(target)) if !check.is_wire() => check.rehearse(cx, target).await,)*
                    $((Self::$kind(check), _) => check.run(cx).await,)*
                }
            }

            pub async fn judge(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
                match self { $(Self::$kind(check) => check.judge(seen, scope, jq).await,)* }
            }

            pub async fn captured(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> Vec<(String, Value)> {
                match self { $(Self::$kind(check) => check.captured(seen, scope, jq).await,)* }
            }

            /// # Errors
            /// Which expectation is not plain.
            pub fn derive(&self, scope: &Scope) -> Result<Answered, String> {
                match self { $(Self::$kind(check) => check.derive(scope),)* }
            }

            #[must_use]
            pub fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
                match self { $(Self::$kind(check) => check.seen(example, scope),)* }
            }

            /// The routes of this check for its examples, the good one derived where none is written.
            #[must_use]
            pub fn routes(&self, examples: &Examples, session: Option<&Session>, scope: &Scope) -> Vec<Route> {
                let good = match examples.good.is_empty() {
                    true => self.derive(scope).into_iter().collect(),
                    false => examples.good.clone(),
                };
                match self { $(Self::$kind(check) => check.routes(&good, session, scope),)* }
            }
        }
    };
}

checks![
    http::Http,
    cors::Cors,
    sse::Sse,
    tls::Tls,
    dns::Dns,
    command::Command,
    file::File,
    env::Env,
    log::Log,
    signal::Signal,
    alerts::Alerts,
    github::Github
];
