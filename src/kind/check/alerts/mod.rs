//! The `alerts` check: what Prometheus and Alertmanager are ringing for. That nothing rings proves something only
//! where the rules are loaded, healthy and evaluated lately: an Alertmanager without alerts may have nobody who
//! sends it any. What is silenced, inhibited or pending is amber.

mod ask;
mod judge;
mod matcher;
mod read;
mod table;
#[cfg(test)]
mod tests;
mod told;

use std::time::Duration;

use super::prometheus::Server;
use super::{Answered, Check, Context, Ran, Route, Seen, Session};
use crate::base::jq::Jq;
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::kind::Kind;
use crate::launch::verdict::Report;
use matcher::Matcher;

/// The label that tells how bad an alert is, where the plan names none.
const SEVERITY: &str = "severity";

/// The table of an `alerts` check.
#[derive(Debug, Clone)]
pub struct Alerts {
    prometheus: Option<Box<Server>>,
    alertmanager: Option<Box<Server>>,
    /// Severities of which nothing may ring.
    none: Vec<String>,
    severity_label: String,
    /// Alerts that must not ring.
    not_firing: Vec<String>,
    /// Alerts that must: a watchdog.
    firing: Vec<String>,
    /// Rules that must be loaded and healthy.
    rules: Vec<String>,
    /// Whether Prometheus must know an Alertmanager.
    delivers: bool,
    /// A rule evaluated longer ago than this tells nothing; three times its group's interval unless said.
    stale_after: Option<Duration>,
    /// Only alerts with these labels are looked at; a rule of which nothing shows that it rings with them proves
    /// nothing.
    matchers: Vec<Matcher>,
    /// Where a trigger asks for one rule: nothing else counts.
    only: Option<String>,
    /// Rules that others ask the same servers for: examples tell them too.
    beside: Vec<String>,
}

impl Check for Alerts {
    const KIND: Kind = Kind {
        name: "alerts",
        family: "check",
        line: "asks Prometheus and Alertmanager what rings: none of a severity, or of these names; without loaded, \
               healthy rules silence is no proof",
        example: concat!(
            "prometheus = \"https://prometheus.example.com\"\n",
            "alertmanager = \"https://alertmanager.example.com\"\n",
            "none = [\"critical\"]\n",
            "not_firing = [\"HighErrorRate\"]\n",
            "delivers = true\n",
        ),
    };

    const TOLD: &'static [&'static str] = &["status", "json"];

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn expects(&self, _scope: &Scope) -> Vec<String> {
        self.wants().into_iter().map(|want| format!("{}: {}", want.subject(), want.expected())).collect()
    }

    async fn run(&self, cx: &Context) -> Ran {
        ask::look(self, cx).await
    }

    async fn judge(&self, seen: &Seen, _scope: &Scope, _jq: &Jq) -> Report {
        judge::report(self, seen)
    }

    fn derive(&self, _scope: &Scope) -> Result<Answered, String> {
        Ok(told::good(self))
    }

    fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        told::seen(self, example, scope)
    }

    fn routes(&self, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
        told::routes(self, good, session, scope)
    }
}

/// One expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want<'a> {
    NoneOf(&'a str),
    Quiet(&'a str),
    Rings(&'a str),
    Loaded(&'a str),
    Delivers,
}

impl Want<'_> {
    fn subject(self) -> String {
        match self {
            Self::NoneOf(severity) => format!("severity {severity}"),
            Self::Quiet(name) | Self::Rings(name) => format!("alert {name}"),
            Self::Loaded(name) => format!("rule {name}"),
            Self::Delivers => "delivery".to_owned(),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::NoneOf(_) | Self::Quiet(_) => "rules loaded and healthy, none firing",
            Self::Rings(_) => "firing",
            Self::Loaded(_) => "loaded and healthy",
            Self::Delivers => "Prometheus knows an Alertmanager",
        }
    }
}

impl Alerts {
    /// The same servers asked for one rule alone: it must be loaded and healthy, and must not ring. None where the
    /// rules are not looked at: there silence proves nothing.
    #[must_use]
    pub fn asking_for(&self, rule: &str) -> Option<Self> {
        self.prometheus.as_ref()?;
        let mut alone = Self { only: Some(rule.to_owned()), ..self.clone() };
        alone.tells_too(rule);
        Some(alone)
    }

    /// Examples of it tell `rule` as quiet, where they tell nothing else of it: one server answers all who ask.
    pub fn tells_too(&mut self, rule: &str) {
        if !self.names().any(|known| known == rule) {
            self.beside.push(rule.to_owned());
        }
    }

    fn wants(&self) -> Vec<Want<'_>> {
        if let Some(only) = &self.only {
            return vec![Want::Quiet(only)];
        }
        let none = self.none.iter().map(|name| Want::NoneOf(name));
        let quiet = self.not_firing.iter().map(|name| Want::Quiet(name));
        let rings = self.firing.iter().map(|name| Want::Rings(name));
        let loaded = self.rules.iter().map(|name| Want::Loaded(name));
        none.chain(quiet).chain(rings).chain(loaded).chain(self.delivers.then_some(Want::Delivers)).collect()
    }

    /// Every rule that is named, by whomever.
    fn names(&self) -> impl Iterator<Item = &String> {
        self.not_firing.iter().chain(&self.firing).chain(&self.rules).chain(&self.beside)
    }
}
