//! The `sequence` step: the same steps for one value after the other, with a wait after each, in which guards
//! look. A guard that says no, or a step that fails, stops it at once and may take back. The steps and checks
//! inside are kinds like all others; this only orders them.

mod course;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::{Acting, Exposed, Spec, Step};
use crate::base::table::Table;
use crate::base::template::{Scope, Template, Unbound, as_text};
use crate::kind::{Kind, check};
use crate::launch::verdict::Report;

/// More rounds than this are a mistake, or another thing.
const MOST_ROUNDS: usize = 1_000;

/// The table of a `sequence` step.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// What each round's value is called.
    name: String,
    values: Values,
    steps: Vec<Nested<Spec>>,
    /// After the steps of each round, the last too.
    wait: Duration,
    /// Between two looks of the guards.
    every: Duration,
    guard: Vec<Nested<check::Spec>>,
    /// Whether a guard that cannot tell stops it.
    unknown_stops: bool,
    undoes: bool,
    undo: Vec<Nested<Spec>>,
    /// Whether it begins at the round that the canary's share as it is read stands for.
    from_read: bool,
}

#[derive(Debug, Clone)]
enum Values {
    Plain(Vec<Value>),
    /// A variable that is a list.
    Named(Template),
}

/// A check or step inside, as messages call it.
#[derive(Debug, Clone)]
struct Nested<T> {
    called: String,
    spec: T,
}

impl Step for Sequence {
    const KIND: Kind = Kind {
        name: "sequence",
        family: "step",
        line: "the same steps for one value after the other, a wait after each in which guards look; a guard that \
               says no stops it at once, and may undo",
        example: "for_each = { weight = [75, 50, 25, 10, 0] }\n\
                  wait = \"300s\"\n\
                  steps = [{ traffic = { driver = \"nginx\", action = \"set\", context = \"production\", namespace = \"shop\", \
                  ingress = \"shop-canary\", weight = \"{{ weight }}\" } }]\n\
                  guard = [{ id = \"health\", http = { get = \"https://shop.example.com/health\", expect = { status = 200 } } }]\n",
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        let rounds = match self.rounds(scope) {
            Ok(values) => {
                let words = values.iter().map(as_text).collect::<Vec<_>>().join(", ");
                format!("{} {words}: each step passes, then {} go by", self.name, humantime::format_duration(self.wait))
            }
            Err(_) => format!("each step passes for each {}", self.name),
        };
        let guards = self.guard.iter().flat_map(|guard| {
            guard.spec.expects(scope).into_iter().map(|expects| format!("meanwhile {}: {expects}", guard.called))
        });
        std::iter::once(rounds).chain(guards).collect()
    }

    fn exposed(&self, scope: &Scope) -> Vec<Exposed> {
        let own = match &self.values {
            Values::Named(template) if template.is_secret(scope) => {
                Some(Exposed { span: template.span, by_name: true })
            }
            _ => None,
        };
        let steps = self.steps.iter().chain(&self.undo).flat_map(|nested| nested.spec.exposed(scope));
        let guards = self.guard.iter().filter_map(|guard| guard.spec.invoked()).flat_map(|run| run.exposed(scope));
        own.into_iter().chain(steps).chain(guards).collect()
    }

    fn least(&self, scope: &Scope) -> Duration {
        let rounds = self.rounds(scope).map_or(1, |values| values.len());
        self.wait.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }

    fn checks(&self, scope: &Scope) -> Vec<(Cow<'_, check::Spec>, Scope)> {
        let first = self.rounds(scope).ok().and_then(|values| values.into_iter().next());
        let within = self.bound(scope, first.unwrap_or(Value::Null));
        let guards = self.guard.iter().map(|guard| (Cow::Borrowed(&guard.spec), within.clone()));
        let inside = self.steps.iter().chain(&self.undo).flat_map(|step| {
            let asked = step.spec.asks().map(|check| (Cow::Owned(check), within.clone()));
            asked.into_iter().chain(step.spec.checks(&within))
        });
        guards.chain(inside).collect()
    }

    fn changes(&self) -> Option<String> {
        self.steps
            .iter()
            .chain(&self.undo)
            .find_map(|nested| Some(format!("{}: {}", nested.called, nested.spec.changes()?)))
    }

    fn shares(&self, scope: &Scope) -> Option<BTreeSet<String>> {
        let each = self.steps.iter().chain(&self.undo).map(|nested| nested.spec.shares(scope));
        each.collect::<Option<Vec<_>>>().map(|sets| sets.into_iter().flatten().collect())
    }

    async fn act(&self, cx: &Acting) -> Report {
        course::act(self, cx).await
    }
}

impl Sequence {
    /// The value of each round, in their order.
    fn rounds(&self, scope: &Scope) -> Result<Vec<Value>, Unbound> {
        Ok(match &self.values {
            Values::Plain(values) => values.clone(),
            // A secret has no value here: it would be shown in every line.
            Values::Named(template) => match template.value(&scope.without_secrets())? {
                Value::Array(values) => values,
                one => vec![one],
            },
        })
    }

    fn bound(&self, scope: &Scope, value: Value) -> Scope {
        let mut within = scope.clone();
        within.bind(self.name.as_str(), value);
        within
    }
}
