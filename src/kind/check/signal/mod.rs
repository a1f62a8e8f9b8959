//! The `signal` check: one number, or a share of samples, held to a threshold. The number comes from Prometheus,
//! a JSON document or a command; samples from a monitor of this launch. Missing data is not health: too few
//! samples, none that is new enough, no number or several are unknown or stale, never right.

mod ask;
pub mod asked;
mod command;
mod judge;
mod monitor;
mod selectors;
mod table;
#[cfg(test)]
mod tests;
mod told;

use std::net::SocketAddr;
use std::time::Duration;

use super::prometheus::Server;
use super::{Answered, Check, Context, Ran, Route, Seen, Session, simulated};
use crate::base::jq::{Jq, Program};
use crate::base::source::Span;
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::kind::Kind;
use crate::kind::invocation::Invocation;
use crate::launch::id::MonitorId;
use crate::launch::threshold::{Threshold, Unit};
use crate::launch::verdict::Report;

pub use command::Command;

/// What Prometheus scraped longer ago than this tells nothing of now: two scrapes of a minute.
pub const STALE: Duration = Duration::from_secs(120);

/// The table of a `signal` check.
#[derive(Debug, Clone)]
pub struct Signal {
    pub source: Source,
    pub that: Threshold,
    /// What the source's number is a number of.
    pub unit: Unit,
    /// Samples of a monitor that are looked at: those of this long.
    pub window: Option<Duration>,
    /// Fewer samples than this tell nothing.
    pub min_samples: Option<u64>,
    /// Data older than this tells nothing; none where its age is not looked at.
    pub stale_after: Option<Duration>,
    /// Of `min_samples`, or of the table.
    pub samples_at: Span,
}

/// Where the number comes from.
#[derive(Debug, Clone)]
pub enum Source {
    Promql(Box<Promql>),
    Json(Box<Json>),
    Command(Box<Command>),
    Monitor(Watched),
}

/// A query to Prometheus.
#[derive(Debug, Clone)]
pub struct Promql {
    server: Server,
    query: Template,
    /// A query for how many samples it is made of.
    samples: Option<Template>,
    /// A query for the age of the data in seconds, where the query's own series do not tell it.
    age: Option<Template>,
}

/// A number in a JSON document.
#[derive(Debug, Clone)]
pub struct Json {
    address: Template,
    headers: Vec<(String, Template)>,
    jq: Program,
    samples: Option<Program>,
    /// When the document was made.
    at: Option<Program>,
}

/// A monitor of this launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    pub monitor: MonitorId,
    pub span: Span,
}

impl Check for Signal {
    const KIND: Kind = Kind {
        name: "signal",
        family: "check",
        line: "holds one number to a threshold: a PromQL query, a number in JSON, the output of a command, or the \
               samples of a monitor",
        example: concat!(
            "promql = { server = \"https://prometheus.example.com\", query = 'sum(rate(errors_total[5m])) / ",
            "sum(rate(requests_total[5m]))', samples = 'sum(increase(requests_total[5m]))' }\n",
            "that = \"<= 5%\"\n",
            "min_samples = 100\n",
        ),
    };

    const TOLD: &'static [&'static str] = &["status", "headers", "json", "body", "exit", "stdout"];

    fn is_wire(&self) -> bool {
        !matches!(self.source, Source::Monitor(_) | Source::Command(_))
    }

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn invoked(&self) -> Option<&Invocation> {
        match &self.source {
            Source::Command(command) => Some(&command.invocation),
            _ => None,
        }
    }

    fn expects(&self, _scope: &Scope) -> Vec<String> {
        vec![self.expected()]
    }

    async fn run(&self, cx: &Context) -> Ran {
        match &self.source {
            Source::Monitor(watched) => monitor::look(self, watched, cx, None).await,
            Source::Promql(promql) => ask::promql(promql, cx).await.judged(self, cx).await,
            Source::Json(json) => ask::json(json, cx).await.judged(self, cx).await,
            Source::Command(command) => command::look(command, cx).await.judged(self, cx).await,
        }
    }

    async fn rehearse(&self, cx: &Context, target: SocketAddr) -> Ran {
        match &self.source {
            // Its monitor asks the simulated target, and so its samples are of it.
            Source::Monitor(watched) if monitor::has_samples(self, watched, cx).await => {
                monitor::look(self, watched, cx, self.min_samples).await
            }
            _ => simulated::look(self, cx, target).await,
        }
    }

    async fn judge(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
        judge::report(self, seen, scope, jq).await
    }

    fn derive(&self, _scope: &Scope) -> Result<Answered, String> {
        told::good(self)
    }

    fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        told::seen(&self.source, self.least(), example, scope)
    }

    fn routes(&self, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
        told::routes(&self.source, self.least(), good, session, scope)
    }
}

impl Signal {
    /// As many samples as are enough.
    fn least(&self) -> u64 {
        self.min_samples.unwrap_or(1)
    }

    /// What it must be, in words.
    fn expected(&self) -> String {
        let mut words = self.that.words();
        words.extend(self.window.map(|window| format!(" in {}", humantime::format_duration(window))));
        words.extend(self.min_samples.map(|least| format!(", of at least {least} samples")));
        words.extend(self.stale_after.map(|most| format!(", none older than {}", humantime::format_duration(most))));
        words
    }
}
