//! What a `[[signal]]` asks, again and again: a number, one number of each process that counts for itself, or the
//! buckets of a histogram. It is asked and read as the `signal` check asks and reads; nothing is held to a
//! threshold here, and what cannot be told is told as that.

mod many;
mod over;
mod table;
#[cfg(test)]
mod tests;
mod told;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::ask::{self, Brought};
use super::judge::{self, Reading};
use super::{Json, Source, command, told as of_source};
use crate::base::jq::{Jq, Program};
use crate::base::template::{Scope, Template};
use crate::kind::check::{Answered, Context, Route, Seen, Session, simulated};
use crate::kind::exchange::shown;
use crate::kind::invocation::Invocation;
use crate::launch::threshold::Unit;

pub use over::Steps;

/// Samples of one answer. More series than this are a query that was meant otherwise.
pub const MOST_SERIES: usize = 1_000;

/// One question.
#[derive(Debug, Clone)]
pub struct Asked {
    pub(super) source: Source,
    /// Further addresses of a document: each counts for itself.
    pub(super) others: Vec<Json>,
    pub(super) each: Each,
    /// Where a document says whose numbers it has.
    pub(super) instance: Option<Program>,
    pub unit: Unit,
    pub counter: bool,
    /// What is older when it is read tells nothing; none where no age is known.
    pub stale_after: Option<Duration>,
}

impl Asked {
    /// True where it asks for the buckets of a histogram: how many took at most so long.
    #[must_use]
    pub fn is_histogram(&self) -> bool {
        matches!(self.each, Each::Buckets(_))
    }
}

/// How many numbers one answer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Each {
    One,
    /// One for each value of this label.
    Of(String),
    /// The buckets of a histogram, by this label, or else by all that are there.
    Buckets(Option<String>),
}

/// What one answer came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    pub samples: Vec<Sample>,
    /// Why there is none, or of whom there is none.
    pub wrong: Option<String>,
    /// What the server warned of.
    pub warning: Option<String>,
    /// Those of several that told nothing: they were asked, or are known to the server.
    pub silent: Vec<Arc<str>>,
}

/// One number, or the buckets of one histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub instance: Option<Arc<str>>,
    pub what: What,
    /// How old it was when it was asked for.
    pub age: Duration,
    /// How many samples it is made of, where the source says so.
    pub of: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Number(f64),
    /// How many were at most so much: ascending, the last bound infinite.
    Buckets(Arc<[(f64, f64)]>),
}

impl Asked {
    /// What it runs, where it runs a program.
    #[must_use]
    pub fn invoked(&self) -> Option<&Invocation> {
        match &self.source {
            Source::Command(command) => Some(&command.invocation),
            _ => None,
        }
    }

    /// Whom it asks.
    pub fn addresses(&self) -> impl Iterator<Item = &Template> {
        let first = match &self.source {
            Source::Promql(promql) => Some(&promql.server.address),
            Source::Json(json) => Some(&json.address),
            Source::Command(_) | Source::Monitor(_) => None,
        };
        first.into_iter().chain(self.others.iter().map(|json| &json.address))
    }

    /// False where it asks nothing over HTTP.
    #[must_use]
    pub fn is_wire(&self) -> bool {
        !matches!(self.source, Source::Command(_))
    }

    /// Asks once. It ends within a few times the context's timeout.
    pub async fn ask(&self, cx: &Context) -> Told {
        let jq = cx.jq.redacting(cx.redactor.clone());
        let mut told = match (&self.source, cx.simulated) {
            (Source::Promql(promql), _) if self.each != Each::One => {
                self.told(&many::ask(promql, &self.each, cx).await, &cx.values(), &jq).await
            }
            (Source::Promql(promql), _) => self.brought(ask::promql(promql, cx).await, &jq).await,
            (Source::Json(first), _) => {
                let all = std::iter::once(first.as_ref()).chain(&self.others);
                let all = futures_util::future::join_all(all.map(|json| ask::json(json, cx))).await;
                let mut told = Told::default();
                for brought in all {
                    told.take(self.brought(brought, &jq).await);
                }
                told
            }
            (Source::Command(_), Some(target)) => match simulated::ask(cx, target).await {
                Ok(example) => self.told(&self.seen(&example, &cx.scope), &cx.scope, &jq).await,
                Err(cause) => Told::none(cause.words()),
            },
            (Source::Command(command), None) => self.brought(command::look(command, cx).await, &jq).await,
            (Source::Monitor(_), _) => Told::none("a monitor has samples, no number".to_owned()),
        };
        let shown = |text: &str| shown(text, SHOWN, &cx.redactor);
        told.wrong = told.wrong.map(|why| shown(&why));
        told.warning = told.warning.map(|why| shown(&why));
        for sample in &mut told.samples {
            sample.instance = sample.instance.take().map(|name| shown(&name).into());
        }
        for name in &mut told.silent {
            *name = shown(name).into();
        }
        told
    }

    async fn brought(&self, brought: Brought, jq: &Jq) -> Told {
        self.told(&brought.seen, &brought.scope, jq).await
    }

    /// What was seen, read: the same for the wire and for examples.
    pub async fn told(&self, seen: &Seen, scope: &Scope, jq: &Jq) -> Told {
        if let (Source::Promql(_), true) = (&self.source, self.each != Each::One) {
            return self.fresh(many::read(&self.each, seen));
        }
        let reading = judge::taken(&self.source, seen, scope, jq).await;
        let instance = match (&self.instance, seen.answers.first()) {
            (Some(program), Some((_, Ok(answer)))) => {
                let document: Value = serde_json::from_slice(&answer.http.body).unwrap_or_default();
                Some(jq.value(program, &document, scope).await.and_then(|name| whose(&name)))
            }
            (None, Some((label, _))) if !self.others.is_empty() => Some(Ok(label.as_str().into())),
            _ => None,
        };
        let mut told = self.one(reading, instance.transpose());
        // One document of several, whoever's it would have been.
        let silent = told.samples.is_empty() && !self.others.is_empty();
        told.silent.extend(seen.answers.first().filter(|_| silent).map(|(label, _)| label.as_str().into()));
        self.fresh(told)
    }

    fn one(&self, reading: Reading, instance: Result<Option<Arc<str>>, String>) -> Told {
        let Reading { value, samples, age, warnings } = reading;
        let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
        let sample = value.and_then(|value| {
            let instance = instance.map_err(|why| format!("whose number it is: {why}"))?;
            let age = match (age, self.stale_after) {
                (Some(age), Some(_)) => age.map_err(|why| format!("of an age that cannot be told: {why}"))?,
                _ => 0.0,
            };
            let counted = self.counts().then_some(samples).flatten();
            let of = counted.transpose()?.map(|count| count.max(0.0) as u64);
            Ok(Sample { instance, what: What::Number(value), age: seconds(age), of })
        });
        match sample {
            Ok(sample) => Told { samples: vec![sample], warning, ..Told::default() },
            Err(why) => Told { warning, ..Told::none(why) },
        }
    }

    /// Whether one answer may be made of more samples than one.
    #[must_use]
    pub fn tells_many(&self) -> bool {
        self.counts() || self.each != Each::One || self.instance.is_some() || !self.others.is_empty()
    }

    /// Whether it tells a number of each of several: of processes by a label or a name, or of several addresses.
    #[must_use]
    pub fn is_of_several(&self) -> bool {
        matches!(self.each, Each::Of(_)) || self.instance.is_some() || !self.others.is_empty()
    }

    /// Whether its source says how many samples a number is made of.
    fn counts(&self) -> bool {
        match &self.source {
            Source::Promql(promql) => promql.samples.is_some(),
            Source::Json(json) => json.samples.is_some(),
            Source::Command(command) => command.samples.is_some(),
            Source::Monitor(_) => false,
        }
    }

    /// Without what is too old: it tells nothing of now.
    fn fresh(&self, mut told: Told) -> Told {
        let Some(most) = self.stale_after else { return told };
        let mut old = None;
        let silent = &mut told.silent;
        told.samples.retain(|sample| {
            let fresh = sample.age <= most;
            if !fresh {
                silent.extend(sample.instance.clone());
                let whose = sample.instance.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
                let age = humantime::format_duration(Duration::from_secs(sample.age.as_secs()));
                old.get_or_insert(format!("the newest sample{whose} is {age} old"));
            }
            fresh
        });
        told.wrong = told.wrong.or(old);
        told
    }

    /// A good example, where none is written.
    ///
    /// # Errors
    /// What is not plain, as the end of "no good example: …".
    pub fn derive(&self) -> Result<Answered, String> {
        told::good(self)
    }

    /// What was seen if the world answered with this example.
    #[must_use]
    pub fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        match self.each {
            Each::One => of_source::seen(&self.source, 1, example, scope),
            _ => told::seen(self, example, scope),
        }
    }

    /// `example` with these numbers in the place of its own, by a clock so far `ahead`; none where they stand at no
    /// plain place.
    #[must_use]
    pub fn showing(&self, example: &Answered, samples: &[Sample], ahead: Duration, scope: &Scope) -> Option<Answered> {
        told::showing(self, example, samples, ahead, scope)
    }

    /// Whom each of several addresses counts for, as far as the plan says where they are; empty where one is asked.
    #[must_use]
    pub fn instances(&self, session: Option<&Session>, scope: &Scope) -> Vec<Option<String>> {
        let Source::Json(first) = &self.source else { return Vec::new() };
        let all = std::iter::once(first.as_ref()).chain(&self.others).filter(|_| !self.others.is_empty());
        all.map(|json| Session::join(session, &json.address, scope).ok()).collect()
    }

    /// True where its source says how old a number is by a clock of its own.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        match &self.source {
            Source::Promql(_) => true,
            Source::Json(json) => json.at.is_some(),
            Source::Command(_) | Source::Monitor(_) => false,
        }
    }

    /// True where another server keeps the numbers, whose clock is compared with ours.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        matches!(self.source, Source::Promql(_))
    }

    /// What the simulated target must answer, given good examples.
    #[must_use]
    pub fn routes(&self, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
        told::routes(self, good, session, scope)
    }
}

impl Told {
    fn none(why: String) -> Self {
        Self { wrong: Some(why), ..Self::default() }
    }

    fn take(&mut self, other: Self) {
        self.samples.extend(other.samples);
        self.wrong = self.wrong.take().or(other.wrong);
        self.warning = self.warning.take().or(other.warning);
        self.silent.extend(other.silent);
    }
}

/// Columns of a reason that is shown.
const SHOWN: usize = 300;

fn seconds(age: f64) -> Duration {
    Duration::try_from_secs_f64(age.max(0.0)).unwrap_or(Duration::MAX)
}

/// A name that a document gives its process.
fn whose(name: &Value) -> Result<Arc<str>, String> {
    match name {
        Value::String(name) if !name.is_empty() && name.len() <= NAME => Ok(name.as_str().into()),
        Value::Number(number) => Ok(number.to_string().into()),
        _ => Err("no name".to_owned()),
    }
}

/// Bytes of the name of a process.
const NAME: usize = 200;
