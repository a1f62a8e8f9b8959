//! The `process` step: starts a program that lives on, waits until it is ready, and takes values from what it
//! says; or stops one by its item. A tunnel is one. The program is a child of the attempt's own process under
//! the shim, so it outlives the console, and its whole tree is ended with it.
//!
//! Owns the table and what an example comes to; `start` and `stop` act, `watch` reads what the program says.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use super::{Acting, Exposed, How, Life, Step};
use crate::base::known::Wanted;
use crate::base::proc::StopSignal;
use crate::base::source::Diagnostic;
use crate::base::table::{Placed, Table};
use crate::base::template::{Scope, Template, Unbound};
use crate::kind::Kind;
use crate::kind::check::{Check, http::Http};
use crate::kind::example::Answered;
use crate::kind::invocation::Invocation;
use crate::launch::verdict::Report;

mod start;
mod stop;
mod watch;

/// How long a program may take to be ready where the plan says nothing.
const WITHIN: Duration = Duration::from_secs(30);
/// From the first signal to KILL where the plan says nothing.
const GRACE: Duration = Duration::from_secs(5);
/// Values taken from one program.
const MOST_CAPTURES: usize = 20;

#[derive(Debug, Clone)]
pub enum Process {
    Start(Box<Start>),
    Stop(Placed<String>),
}

/// A program to be started.
#[derive(Debug, Clone)]
pub struct Start {
    program: Invocation,
    ready: Ready,
    within: Duration,
    captures: Vec<Capture>,
    signal: StopSignal,
    grace: Duration,
}

/// What tells that it is ready.
#[derive(Debug, Clone)]
enum Ready {
    /// A line of its output.
    Line(Regex),
    /// It answers.
    Http(Box<Http>),
    /// It accepts a connection: `HOST:PORT`.
    Tcp(Template),
}

/// A value taken from its output: the first group, or all that matches.
#[derive(Debug, Clone)]
struct Capture {
    name: String,
    pattern: Regex,
}

impl Step for Process {
    const KIND: Kind = Kind {
        name: "process",
        family: "step",
        line: "starts a program in its own group and passes once it is `ready`: a line of its output, an `http` or \
               `tcp` probe; it lives on without the console until it is stopped, and dying is a failure of its item; \
               `stop = \"ITEM\"` ends one that another item started",
        example: "command = [\"bun\", \"run\", \"tunnel:quick\"]\n\
                  ready = { line = \"https://[a-z0-9-]+\\\\.trycloudflare\\\\.com\", within = \"30s\" }\n\
                  capture = { tunnel_url = \"https://[a-z0-9-]+\\\\.trycloudflare\\\\.com\" }\n\
                  stop = { signal = \"TERM\", grace = \"5s\" }\n",
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        let starts = table.has("command") || table.has("shell");
        if !starts && matches!(table.any("stop"), Some(Placed { value: toml::de::DeValue::String(_), .. })) {
            return table.text("stop").map(Self::Stop);
        }
        let program = Invocation::without_input(table);
        let ready = read_ready(table);
        let captures = read_captures(table);
        let (signal, grace) = read_stop(table);
        let (ready, within) = ready?;
        Some(Self::Start(Box::new(Start { program: program?, ready, within, captures, signal, grace })))
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        match self {
            Self::Stop(item) => vec![format!("{} runs no more", item.value)],
            Self::Start(start) => {
                let within = humantime::format_duration(start.within);
                let ready = match &start.ready {
                    Ready::Line(pattern) => format!("says /{pattern}/ within {within}"),
                    Ready::Http(_) => format!("answers as expected within {within}"),
                    Ready::Tcp(place) => format!("accepts at {} within {within}", place.written()),
                };
                let captures = start.captures.iter().map(|wanted| format!("hands out {}", wanted.name));
                let starts = format!("starts: {}", start.program.open(scope));
                [starts, ready].into_iter().chain(captures).chain(["lives on".to_owned()]).collect()
            }
        }
    }

    fn how(&self, scope: &Scope) -> Result<How, Unbound> {
        if let Self::Start(start) = self {
            start.program.command(scope)?;
        }
        Ok(How::Ours)
    }

    fn exposed(&self, scope: &Scope) -> Vec<Exposed> {
        match self {
            Self::Start(start) => start.program.exposed(scope),
            Self::Stop(_) => Vec::new(),
        }
    }

    fn life(&self) -> Option<Life> {
        match self {
            Self::Start(start) => Some(Life { signal: start.signal, grace: start.grace }),
            Self::Stop(_) => None,
        }
    }

    fn simulates(&self) -> bool {
        true
    }

    fn stops(&self) -> Option<&Placed<String>> {
        match self {
            Self::Stop(item) => Some(item),
            Self::Start(_) => None,
        }
    }

    fn said(&self, example: &Answered) -> Result<BTreeMap<String, Value>, String> {
        let Self::Start(start) = self else { return Ok(BTreeMap::new()) };
        let mut heard = watch::Heard::of(start);
        for line in example.stdout.as_deref().unwrap_or_default().lines() {
            heard.hear(line);
        }
        match heard.missing() {
            None => Ok(heard.captured().clone()),
            Some(missing) => Err(missing),
        }
    }

    async fn act(&self, cx: &Acting) -> Report {
        match self {
            Self::Start(start) => start::act(start, cx).await,
            Self::Stop(item) => stop::act(&item.value, cx).await,
        }
    }
}

fn read_ready(table: &Table<'_>) -> Option<(Ready, Duration)> {
    if !table.has("ready") {
        table.missing("ready", "`ready = { line = \"listening\" }`, or `http`, or `tcp`");
    }
    let ready = table.table("ready")?;
    let within = ready.duration("within").filter(|span| !span.is_zero()).unwrap_or(WITHIN);
    let line = ready.text("line");
    let http = ready.table("http");
    let tcp = ready.template("tcp");
    let many = [line.is_some(), http.is_some(), tcp.is_some()].into_iter().filter(|there| *there).count();
    if many != 1 && !(many == 0 && (ready.has("line") || ready.has("http") || ready.has("tcp"))) {
        let message = format!("{} says {many} ways in which it is ready: one of `line`, `http`, `tcp`", ready.path);
        ready.notes().report(Diagnostic::error("wrong-value", ready.span, message));
    }
    let read = match (line, http, tcp) {
        (Some(line), None, None) => pattern(&ready, &line).map(Ready::Line),
        (None, Some(http), None) => {
            let probe = Http::read(&http);
            http.finish();
            probe.map(|probe| Ready::Http(Box::new(probe)))
        }
        (None, None, Some(tcp)) => Some(Ready::Tcp(tcp)),
        _ => None,
    };
    ready.finish();
    Some((read?, within))
}

/// A pattern that some line does not match: one that fits nothing at all tells nothing.
fn pattern(table: &Table<'_>, written: &Placed<String>) -> Option<Regex> {
    let compiled = match Regex::new(&written.value) {
        Ok(compiled) => compiled,
        Err(error) => {
            let why = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
            table.wrong_value(written.span, format!("no regular expression: {why}"));
            return None;
        }
    };
    if compiled.is_match("") {
        let message = "this pattern fits an empty line, so whatever is said fits it";
        table.notes().report(Diagnostic::error("vacuous-check", written.span, message).label("never says no"));
        return None;
    }
    Some(compiled)
}

fn read_captures(table: &Table<'_>) -> Vec<Capture> {
    table.learn("capture", Wanted::Named);
    let Some(inner) = table.table("capture") else { return Vec::new() };
    let mut captures = Vec::new();
    for (name, span) in inner.keys() {
        match inner.any(name) {
            Some(Placed { value: toml::de::DeValue::String(text), span }) => {
                let written = Placed { value: text.to_string(), span };
                captures.extend(pattern(&inner, &written).map(|pattern| Capture { name: name.to_owned(), pattern }));
            }
            _ => inner.wrong_value(span, format!("`{name}` is captured by a pattern: `{name} = \"https://\\\\S+\"`")),
        }
    }
    if captures.len() > MOST_CAPTURES {
        inner.wrong_value(inner.span, format!("more than {MOST_CAPTURES} captures"));
    }
    inner.accept_all();
    captures
}

fn read_stop(table: &Table<'_>) -> (StopSignal, Duration) {
    let Some(stop) = table.table("stop") else { return (StopSignal::default(), GRACE) };
    let signal = stop.word("signal", &StopSignal::WORDS).unwrap_or_default();
    let grace = stop.duration("grace").unwrap_or(GRACE);
    stop.finish();
    (signal, grace)
}

#[cfg(test)]
mod tests;
