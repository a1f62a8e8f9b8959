//! Reads the `signal` table, with every mistake at its place.

use std::time::Duration;

use super::{Json, Promql, STALE, Signal, Source, Watched, command, selectors};
use crate::base::jq::Program;
use crate::base::source::{Diagnostic, Span};
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::kind::check::prometheus::Server;
use crate::launch::id::MonitorId;
use crate::launch::threshold::{Dimension, Of, Threshold, Unit};

const SOURCES: [&str; 5] = ["promql", "json", "command", "shell", "from"];

const UNITLESS: &str = "what is the number that is read a number of? say `unit = \"ms\"`, `\"%\"` or `\"ratio\"`";

pub(super) fn read(table: &Table<'_>) -> Option<Signal> {
    let source = source(table);
    let that = table.need_text("that", "`that = \"<= 5%\"`").and_then(|text| match Threshold::parse(&text.value) {
        Ok(threshold) => Some((threshold, text.span)),
        Err(why) => {
            table.wrong_value(text.span, why);
            None
        }
    });
    let unit = table
        .text("unit")
        .map(|text| (Unit::parse(&text.value).map_err(|why| table.wrong_value(text.span, why)), text.span));
    let window = over_zero(table, "window");
    let stale_after = over_zero(table, "stale_after");
    let (min_samples, samples_at) = min_samples(table);
    let (source, (that, that_at)) = (source?, that?);
    let unit = match unit {
        Some((Ok(unit), span)) => Some((unit, span)),
        Some((Err(()), _)) => return None,
        None => None,
    };
    let mut signal = Signal {
        unit: unit.map_or(Unit::base(that.limit.unit.dimension), |(unit, _)| unit),
        source,
        that,
        window,
        min_samples,
        stale_after,
        samples_at,
    };
    fits(&mut signal, unit, that_at, table).then_some(signal)
}

fn source(table: &Table<'_>) -> Option<Source> {
    let there: Vec<(&str, Span)> = table.keys().into_iter().filter(|(key, _)| SOURCES.contains(key)).collect();
    if let [(first, _), (second, span), ..] = there.as_slice() {
        table.notes().report(
            Diagnostic::error("wrong-value", *span, format!("{} has both `{first}` and `{second}`", table.path))
                .label("one source a signal"),
        );
    }
    if there.is_empty() {
        table.missing("promql", "one source: `promql`, `json`, `command` or `from = \"monitor.api\"`");
    }
    let promql = table.table("promql").and_then(|table| {
        let read = promql(&table);
        table.finish();
        read
    });
    let promql = promql.map(|promql| Source::Promql(Box::new(promql)));
    let json = table.table("json").and_then(json).map(|json| Source::Json(Box::new(json)));
    let monitor = table.text("from").and_then(|from| match from.value.strip_prefix("monitor.") {
        Some(id) if !id.is_empty() => Some(Source::Monitor(Watched { monitor: MonitorId::new(id), span: from.span })),
        _ => {
            table.wrong_value(from.span, format!("`{}` is no source: write `from = \"monitor.api\"`", from.value));
            None
        }
    });
    let command = (table.has("command") || table.has("shell"))
        .then(|| command::read(table, program(table, "jq"), program(table, "samples")));
    let command = command.flatten().map(|command| Source::Command(Box::new(command)));
    promql.or(json).or(command).or(monitor)
}

pub(super) fn headers(table: &Table<'_>) -> Vec<(String, Template)> {
    let all = table.named_templates("headers").into_iter();
    let fit = |name: &str, span: Span| {
        let right = http::HeaderName::from_bytes(name.as_bytes()).is_ok();
        if !right {
            table.wrong_value(span, format!("`{name}` is no header name"));
        }
        right
    };
    all.filter_map(|(name, value)| fit(&name.value, name.span).then_some((name.value, value))).collect()
}

/// Where a server is, and what goes with every request.
pub(crate) fn server(table: &Table<'_>, key: &'static str, what: &str) -> Option<Server> {
    let address = table.need_template(key, what);
    let headers = headers(table);
    Some(Server { address: address?, headers })
}

pub(super) fn promql(table: &Table<'_>) -> Option<Promql> {
    let server = server(table, "server", "`server = \"https://prometheus.example.com\"`");
    let query = table.need_template("query", "`query = 'sum(rate(errors_total[5m]))'`");
    let samples = table.template("samples");
    let age = table.template("age");
    // A query of names alone is known only once they have values.
    if let Some(query) = &query
        && age.is_none()
        && query.names().next().is_none()
        && query.text(&Scope::default()).is_ok_and(|text| selectors::age(&text).is_none())
    {
        let wrong =
            Diagnostic::error("wrong-value", query.span, "this query looks at no series: nothing can change it");
        table.notes().report(wrong.label("no data, no check").help("or say `age`, a query for the age of its data"));
    }
    Some(Promql { server: server?, query: query?, samples, age })
}

fn json(table: Table<'_>) -> Option<Json> {
    let address = table.need_template("get", "`get = \"https://…\"`");
    let headers = headers(&table);
    if !table.has("jq") {
        table.missing("jq", "`jq = \".error_rate\"`");
    }
    let (jq, samples, at) = (program(&table, "jq"), program(&table, "samples"), program(&table, "at"));
    table.finish();
    Some(Json { address: address?, headers, jq: jq?, samples, at })
}

pub(super) fn program(table: &Table<'_>, key: &'static str) -> Option<Program> {
    let text = table.text(key)?;
    match Program::parse(&text.value) {
        Ok(program) => {
            program.variables().into_iter().for_each(|name| table.notes().uses(name, text.span));
            Some(program)
        }
        Err(why) => {
            table.wrong_value(text.span, format!("this is no jq program: {why}"));
            None
        }
    }
}

pub(super) fn over_zero(table: &Table<'_>, key: &'static str) -> Option<Duration> {
    let span = table.duration(key)?;
    if span.is_zero() {
        table.wrong_value(table.span, format!("`{key}` is no time at all"));
    }
    (!span.is_zero()).then_some(span)
}

fn min_samples(table: &Table<'_>) -> (Option<u64>, Span) {
    let Some(asked) = table.integer("min_samples") else { return (None, table.span) };
    match u64::try_from(asked.value) {
        Ok(least) if least > 0 => (Some(least), asked.span),
        _ => {
            table.wrong_value(asked.span, format!("`min_samples = {}`: at least 1", asked.value));
            (None, asked.span)
        }
    }
}

/// Whether the parts fit together, and what is not said filled in.
fn fits(signal: &mut Signal, unit: Option<(Unit, Span)>, that_at: Span, table: &Table<'_>) -> bool {
    let mut wrong = Vec::new();
    let mut no = |span: Span, why: String| wrong.push((span, why));
    let at = |key: &str| table.keys().into_iter().find(|(there, _)| *there == key).map_or(table.span, |(_, at)| at);
    let dimension = signal.that.limit.unit.dimension;
    if let Some((unit, span)) = unit
        && unit.dimension != dimension
    {
        no(span, format!("`unit` and `that` are of different things: {} and {}", unit.word, signal.that.limit.words()));
    }
    if let Source::Monitor(_) = signal.source {
        if !signal.that.of.is_counted() {
            no(
                that_at,
                "a monitor has samples, no one number: `error_rate <= 5%`, `p95 <= 2s`, `up >= 99%`".to_owned(),
            );
        }
        if signal.window.is_none() {
            no(table.span, "`from` needs `window`: how far back its samples are looked at".to_owned());
        }
        if let Some((_, span)) = unit {
            no(span, "`unit` has no effect on a monitor: its shares and latencies have theirs".to_owned());
        }
        let least = signal.that.least_samples();
        match signal.min_samples {
            Some(asked) if asked < least => {
                no(
                    signal.samples_at,
                    format!("one sample of {asked} could breach {}: at least {least}", signal.that.words()),
                );
            }
            _ => signal.min_samples = signal.min_samples.or(Some(least)),
        }
        signal.stale_after = signal.stale_after.or(signal.window);
    } else {
        if signal.that.of != Of::Value {
            no(that_at, "this source gives one number, no samples: `<= 5%`".to_owned());
        }
        if signal.window.is_some() {
            no(at("window"), "`window` has no effect here: the source has its own".to_owned());
        }
    }
    let (counts, ages) = match &mut signal.source {
        Source::Promql(promql) => {
            signal.stale_after = signal.stale_after.or(Some(STALE));
            (promql.samples.is_some(), true)
        }
        Source::Json(json) => {
            if dimension != Dimension::Plain && unit.is_none() {
                no(that_at, UNITLESS.to_owned());
            }
            (json.samples.is_some(), json.at.is_some())
        }
        Source::Command(command) => {
            if dimension != Dimension::Plain && unit.is_none() {
                no(that_at, UNITLESS.to_owned());
            }
            if signal.stale_after.take().is_some() {
                no(at("stale_after"), "`stale_after` has no effect on a command: it runs now".to_owned());
            }
            (command.samples.is_some(), false)
        }
        Source::Monitor(_) => (true, true),
    };
    match (counts, signal.min_samples) {
        (false, Some(_)) => {
            no(signal.samples_at, "`min_samples` needs `samples` beside its source: what counts them".to_owned());
        }
        (true, None) => no(table.span, "`samples` needs `min_samples`: how many are enough?".to_owned()),
        _ => {}
    }
    match (ages, signal.stale_after) {
        (false, Some(_)) => {
            no(at("stale_after"), "`stale_after` needs `at`: a jq program for when it was made".to_owned());
        }
        (true, None) => no(table.span, "`at` needs `stale_after`: how old may it be?".to_owned()),
        _ => {}
    }
    let right = wrong.is_empty();
    wrong.into_iter().for_each(|(span, why)| table.wrong_value(span, why));
    right
}
