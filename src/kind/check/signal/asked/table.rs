//! Reads what a `[[signal]]` says of its question, with every mistake at its place.

use super::{Asked, Each};
use crate::base::table::Table;
use crate::kind::check::signal::table::{headers, over_zero, program, promql, server};
use crate::kind::check::signal::{Json, Promql, STALE, Source, command, selectors};
use crate::launch::threshold::{Dimension, Unit};

/// Addresses of one signal.
const MOST_ADDRESSES: usize = 100;

impl Asked {
    /// Reads `promql`, `json`, or `command` with what goes with it, and `unit`, `counter`, `instance`,
    /// `stale_after`. `from` is its caller's.
    #[must_use]
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let unit = unit(table)?;
        let counter = table.flag("counter").unwrap_or(false);
        let stale_after = over_zero(table, "stale_after");
        let instance = table.text("instance");
        let mut others = Vec::new();
        let mut each = Each::One;
        let mut whose = None;
        let source = if let Some(asked) = table.table("promql") {
            let buckets = asked.has("histogram");
            let label = instance.as_ref().map(|label| label.value.clone());
            each = match (buckets, label) {
                (true, label) => Each::Buckets(label),
                (false, Some(label)) => Each::Of(label),
                (false, None) => Each::One,
            };
            if let Some(label) = instance.as_ref().filter(|label| !is_label(&label.value)) {
                table.wrong_value(label.span, "`instance` is the label of a series: `instance = \"pod\"`");
            }
            query(asked, &each).map(|promql| Source::Promql(Box::new(promql)))
        } else if let Some(json) = table.table("json") {
            let mut all = documents(json);
            whose = instance.as_ref().and_then(|_| program(table, "instance"));
            others = all.split_off(all.len().min(1));
            all.pop().map(|json| Source::Json(Box::new(json)))
        } else if table.has("command") || table.has("shell") {
            if let Some(instance) = &instance {
                table.wrong_value(instance.span, "`instance` goes with `promql` or `json`");
            }
            command::read(table, program(table, "jq"), program(table, "samples"))
                .map(|command| Source::Command(Box::new(command)))
        } else {
            None
        };
        let mut asked = Self { source: source?, others, each, instance: whose, unit, counter, stale_after };
        asked.fits(table).then_some(asked)
    }

    fn fits(&mut self, table: &Table<'_>) -> bool {
        let at = |key: &str| table.keys().into_iter().find(|(there, _)| *there == key).map_or(table.span, |(_, at)| at);
        let aged = match &self.source {
            Source::Promql(_) => {
                self.stale_after = self.stale_after.or(Some(STALE));
                true
            }
            Source::Json(json) => {
                self.stale_after = self.stale_after.or_else(|| json.at.is_some().then_some(STALE));
                json.at.is_some()
            }
            _ => false,
        };
        let grows = match self.each {
            Each::One => self.counter,
            Each::Buckets(None) => true,
            Each::Of(_) | Each::Buckets(Some(_)) => false,
        };
        if let (Source::Promql(promql), true) = (&self.source, grows)
            && let Some(word) = selectors::aggregation(&promql.query.written())
        {
            let why = format!(
                "`{word}` of counters falls where a process goes away, and what is left reads as a burst: let each count \
                 for itself, with `sum by (pod) (…)` and `instance = \"pod\"`, or without `counter` write `sum(increase(…))`"
            );
            table.wrong_value(promql.query.span, why);
            return false;
        }
        if self.stale_after.is_some() && !aged {
            let why = "`stale_after` needs to know how old a number is: of a document `at` says it";
            table.wrong_value(at("stale_after"), why);
            return false;
        }
        true
    }
}

/// A label's name.
fn is_label(text: &str) -> bool {
    let mut all = text.chars();
    all.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && all.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unit(table: &Table<'_>) -> Option<Unit> {
    let Some(text) = table.text("unit") else { return Some(Unit::base(Dimension::Plain)) };
    match Unit::parse(&text.value) {
        Ok(unit) => Some(unit),
        Err(why) => {
            table.wrong_value(text.span, why);
            None
        }
    }
}

/// `histogram` in the place of `query`: the series of its buckets.
fn histogram(table: &Table<'_>) -> Option<Promql> {
    let server = server(table, "server", "`server = \"https://prometheus.example.com\"`");
    let query = table.need_template("histogram", "`histogram = 'http_request_duration_seconds_bucket'`");
    let age = table.template("age");
    if let Some(both) = table.template("query") {
        table.wrong_value(both.span, "`histogram` stands in the place of `query`");
    }
    Some(Promql { server: server?, query: query?, samples: None, age })
}

fn query(table: Table<'_>, each: &Each) -> Option<Promql> {
    let promql = match each {
        Each::Buckets(_) => histogram(&table),
        _ => promql(&table),
    };
    if let (Some(samples), Each::Of(_)) = (promql.as_ref().and_then(|promql| promql.samples.as_ref()), each) {
        let why = "`samples` counts those of one number: each process counts for itself here";
        table.wrong_value(samples.span, why);
    }
    table.finish();
    promql
}

/// A document of each address.
fn documents(table: Table<'_>) -> Vec<Json> {
    let addresses = table.templates("get");
    if !table.has("get") || table.is_empty_list("get") {
        table.missing("get", "`get = \"https://…\"`, or a list: each address counts for itself");
    }
    let headers = headers(&table);
    if !table.has("jq") {
        table.missing("jq", "`jq = \".requests_total\"`");
    }
    let (jq, samples, at) = (program(&table, "jq"), program(&table, "samples"), program(&table, "at"));
    let span = table.span;
    if addresses.len() > MOST_ADDRESSES {
        table.wrong_value(span, format!("{} addresses: at most {MOST_ADDRESSES}", addresses.len()));
    }
    table.finish();
    let Some(jq) = jq else { return Vec::new() };
    let document =
        |address| Json { address, headers: headers.clone(), jq: jq.clone(), samples: samples.clone(), at: at.clone() };
    addresses.into_iter().map(document).collect()
}
