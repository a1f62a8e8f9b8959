//! A `[[stream]]` of lines: a log file, or a program whose output is followed. What of it is an error, and what is
//! taken out of each line before anybody sees it. It reads nothing itself: `watch` does, for as long as a launch is
//! open.

mod take;
#[cfg(test)]
mod tests;

use regex::Regex;

use super::check::log::lines::Line;
use super::check::log::{Begin, Source};
use super::document::patterns;
use super::example::Answered;
use super::invocation::Invocation;
use crate::base::jq::{Jq, Program, Said};
use crate::base::table::Table;
use crate::base::template::Scope;

pub use take::{Sampled, Take};

/// What stands in the place of what is not to be seen.
const GONE: &str = "(redacted)";
/// Where a line says how grave it is.
const LEVELS: [&str; 4] = ["level", "severity", "lvl", "levelname"];

/// The lines of a file or of a program.
#[derive(Debug, Clone)]
pub struct Tail {
    pub source: Source,
    /// Whether what a file holds already counts.
    pub begin: Begin,
    pub errors: Errors,
    /// What no line is kept or shown with.
    pub redact: Vec<Regex>,
}

/// Which lines are errors: any of these makes one.
#[derive(Debug, Clone, Default)]
pub struct Errors {
    /// In lower case.
    pub levels: Vec<String>,
    pub text: Vec<Regex>,
    pub json: Vec<Program>,
}

impl Tail {
    /// Reads `log`, or `command` or `shell` with what goes with it, `begin`, `errors` and `redact` of a stream.
    #[must_use]
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let file = table.template("log");
        let source = match file {
            Some(file) => Some(Source::File(file)),
            None => Invocation::read(table).map(Source::Command),
        };
        let begin = table.word("begin", &[("start", Begin::Start), ("end", Begin::End)]);
        if let (Some(_), Some(Source::Command(_))) = (begin, &source) {
            let span = table.any("begin").map_or(table.span, |placed| placed.span);
            table.wrong_value(span, "`begin` goes with `log`: a program says what it says");
        }
        let errors = table.table("errors").map(errors).unwrap_or_default();
        let redact = patterns(table, "redact");
        for (pattern, text) in redact.iter().zip(table.texts("redact")) {
            if pattern.is_match("") {
                table.wrong_value(text.span, format!("`{pattern}` matches nothing at all, everywhere"));
            }
        }
        Some(Self { source: source?, begin: begin.unwrap_or(Begin::End), errors, redact })
    }

    #[must_use]
    pub fn invoked(&self) -> Option<&Invocation> {
        match &self.source {
            Source::Command(invocation) => Some(invocation),
            Source::File(_) => None,
        }
    }

    /// `text` as it may be kept.
    #[must_use]
    pub fn redacted(&self, text: &str) -> String {
        self.redact.iter().fold(text.to_owned(), |text, pattern| match pattern.is_match(&text) {
            true => pattern.replace_all(&text, regex::NoExpand(GONE)).into_owned(),
            false => text,
        })
    }

    /// What a rehearsal shows where the plan has no example.
    #[must_use]
    pub fn derive() -> Answered {
        Answered { body: Some("a line of the rehearsal".to_owned()), ..Answered::default() }
    }

    /// `line` as an error of this stream, where it says by a word which lines are.
    #[must_use]
    pub fn failing(&self, line: &Line) -> Option<String> {
        let level = self.errors.levels.first()?;
        let Some(json) = &line.json else { return Some(format!("{level}: simulated: the service failed")) };
        let mut json = json.clone();
        let key = LEVELS.into_iter().find(|key| json.get(*key).is_some()).unwrap_or(LEVELS[0]);
        json.as_object_mut()?.insert(key.to_owned(), level.clone().into());
        Some(json.to_string())
    }

    /// The lines of an example.
    #[must_use]
    pub fn lines(example: &Answered) -> Vec<Line> {
        let text = example.stdout.clone().or_else(|| example.body.clone()).unwrap_or_default();
        super::check::log::lines::read(text.as_bytes())
    }
}

fn errors(table: Table<'_>) -> Errors {
    let mut json = Vec::new();
    for text in table.texts("jq") {
        json.extend(super::expect::program(&table, &text.value, text.span));
    }
    let levels = table.texts("level").into_iter().map(|level| level.value.to_ascii_lowercase()).collect();
    let read = Errors { levels, text: patterns(&table, "regex"), json };
    if read.levels.is_empty() && read.text.is_empty() && read.json.is_empty() {
        table.missing("level", "`level = [\"error\", \"fatal\"]`, `regex` or `jq`: which lines are errors");
    }
    table.finish();
    read
}

impl Errors {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty() && self.text.is_empty() && self.json.is_empty()
    }

    /// Whether the line is an error. What a program cannot tell of it makes none.
    pub async fn has(&self, line: &Line, scope: &Scope, jq: &Jq) -> bool {
        if self.text.iter().any(|pattern| pattern.is_match(&line.text)) {
            return true;
        }
        let level = level(line).to_ascii_lowercase();
        if !level.is_empty() && self.levels.contains(&level) {
            return true;
        }
        let Some(json) = &line.json else { return false };
        for program in &self.json {
            if jq.holds(program, json, scope).await == Said::True {
                return true;
            }
        }
        false
    }
}

/// How grave a line says it is: of JSON what stands there, of text the first word that says so.
#[must_use]
pub fn level(line: &Line) -> &str {
    if let Some(json) = &line.json {
        let told = LEVELS.iter().find_map(|key| json.get(key)?.as_str());
        return told.unwrap_or_default();
    }
    let known = ["trace", "debug", "info", "notice", "warn", "warning", "error", "err", "critical", "fatal", "panic"];
    let mut words = line.text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).take(12);
    words.find(|word| known.iter().any(|level| level.eq_ignore_ascii_case(word))).unwrap_or_default()
}
