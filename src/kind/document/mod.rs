//! A JSON document that is no HTTP answer: of a program's output, a file. Found in text, held to programs,
//! numbers and a schema, and made up where the expectations are plain. It runs nothing.

pub mod capture;
pub mod find;
pub mod newest;
pub mod number;
pub mod schema;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::base::jq::{Jq, Program, Said};
use crate::base::source::Span;
use crate::base::table::Table;
use crate::base::template::{Scope, Shape, Template};
use crate::launch::verdict::Finding;

use super::expect::program;
pub use capture::{Capture, Taken, captures};
pub use number::{Number, Of};
pub use schema::Schema;

/// Bytes of an output or a file that are read.
pub const MOST: usize = 4 << 20;
/// Indices an example may hold: a path like `.items[4000000000]` is no reason to fill the memory.
const MOST_ENTRIES: u64 = 100;

/// A document as it was found, or why there is none.
pub type Read = Result<Value, String>;

/// Reads the jq programs under `key`.
#[must_use]
pub fn programs(table: &Table<'_>, key: &'static str) -> Vec<Program> {
    table.texts(key).iter().filter_map(|text| program(table, &text.value, text.span)).collect()
}

/// One finding a program: each must come to one `true`.
pub async fn hold(programs: &[Program], document: &Read, scope: &Scope, jq: &Jq) -> Vec<Finding> {
    let mut findings = Vec::new();
    for program in programs {
        findings.push(match document {
            Ok(json) => match jq.holds(program, json, scope).await {
                Said::True => Finding::held(&program.text, "true", "true", true),
                Said::False { seen } => Finding::held(&program.text, "true", seen, false),
                Said::Unknown { why } => Finding::unknown(&program.text, "true", why),
            },
            Err(why) => Finding::unknown(&program.text, "true", why.as_str()),
        });
    }
    findings
}

/// A good document that is made up piece by piece.
#[derive(Debug, Default)]
pub struct Good(Value);

impl Good {
    /// Makes `programs` hold.
    ///
    /// # Errors
    /// Which of them is more than a plain comparison, or cannot stand beside the others.
    pub fn hold(&mut self, programs: &[Program], scope: &Scope) -> Result<(), String> {
        for program in programs {
            let (path, value) = program
                .satisfied_by(scope)
                .ok_or_else(|| format!("`{}` is more than a plain comparison: write an example", program.text))?;
            self.put(&path, value)?;
        }
        Ok(())
    }

    /// Puts something to capture where `program` looks; what is there already stays.
    ///
    /// # Errors
    /// That the program is more than a plain path.
    pub fn hand(&mut self, name: &str, program: &Program) -> Result<(), String> {
        let [path] = <[Vec<Value>; 1]>::try_from(program.paths())
            .map_err(|_| format!("`{}` captures from more than a plain path: write an example", program.text))?;
        match self.at(&path) {
            Some(value) if !value.is_null() => Ok(()),
            _ => self.put(&path, Value::String(format!("{{{{ {name} }}}}"))),
        }
    }

    fn at(&self, path: &[Value]) -> Option<&Value> {
        path.iter().try_fold(&self.0, |value, step| match step {
            Value::String(key) => value.get(key),
            index => value.get(usize::try_from(index.as_u64()?).ok()?),
        })
    }

    /// Puts `value` at a path of keys and indices, making what is missing on the way.
    ///
    /// # Errors
    /// Something else stands there.
    pub fn put(&mut self, path: &[Value], value: Value) -> Result<(), String> {
        let clash = || format!("`{}` cannot stand beside the other expectations: write an example", written(path));
        let mut at = &mut self.0;
        for step in path {
            at = match step {
                Value::String(key) => {
                    if at.is_null() {
                        *at = Value::Object(Map::new());
                    }
                    at.as_object_mut().ok_or_else(clash)?.entry(key.clone()).or_insert(Value::Null)
                }
                index => {
                    let index = index.as_u64().filter(|index| *index < MOST_ENTRIES).ok_or_else(clash)?;
                    let index = usize::try_from(index).map_err(|_| clash())?;
                    if at.is_null() {
                        *at = Value::Array(Vec::new());
                    }
                    let entries = at.as_array_mut().ok_or_else(clash)?;
                    if entries.len() <= index {
                        entries.resize(index + 1, Value::Null);
                    }
                    &mut entries[index]
                }
            };
        }
        if at.is_object() || at.is_array() {
            return Err(clash());
        }
        *at = value;
        Ok(())
    }

    /// The document as text; none where nothing was put.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        (!self.0.is_null()).then(|| self.0.to_string())
    }

    /// The document with its `{{ name }}` as templates; none where nothing was put.
    #[must_use]
    pub fn shape(self) -> Option<Shape> {
        (!self.0.is_null()).then(|| shape(self.0))
    }
}

fn written(path: &[Value]) -> String {
    let step = |step: &Value| match step {
        Value::String(key) => format!(".{key}"),
        index => format!("[{index}]"),
    };
    path.iter().map(step).collect()
}

fn shape(value: Value) -> Shape {
    match value {
        Value::Object(entries) => Shape::Table(entries.into_iter().map(|(key, value)| (key, shape(value))).collect()),
        Value::Array(values) => Shape::List(values.into_iter().map(shape).collect()),
        Value::String(text) if text.starts_with("{{") => {
            Template::parse(&text, Span::default()).map_or(Shape::Plain(Value::String(text)), Shape::Text)
        }
        plain => Shape::Plain(plain),
    }
}

/// Lines that a text of an example must hold, from patterns that are plain text.
///
/// # Errors
/// Which pattern is more than that, or must be absent and is part of another.
pub fn lines(there: &[regex::Regex], absent: &[regex::Regex]) -> Result<Option<String>, String> {
    if let Some(pattern) = there.iter().find(|pattern| regex::escape(pattern.as_str()) != pattern.as_str()) {
        return Err(format!("`{pattern}` is more than plain text: write an example"));
    }
    let mut lines: Vec<&str> = there.iter().map(regex::Regex::as_str).collect();
    if lines.is_empty() && !absent.is_empty() {
        // Nothing is in nothing: alone, an empty text would not do.
        lines.push("all well");
    }
    let text = lines.join("\n");
    match absent.iter().find(|pattern| pattern.is_match(&text)) {
        Some(pattern) => Err(format!("`{pattern}` must be absent and is part of what must be there")),
        None => Ok((!text.is_empty()).then_some(text)),
    }
}

/// Reads the regular expressions under `key`.
#[must_use]
pub fn patterns(table: &Table<'_>, key: &'static str) -> Vec<regex::Regex> {
    table.texts(key).iter().filter_map(|text| pattern(table, key, &text.value, text.span)).collect()
}

/// One regular expression; a mistake is reported at `span`.
#[must_use]
pub fn pattern(table: &Table<'_>, key: &str, text: &str, span: Span) -> Option<regex::Regex> {
    match regex::Regex::new(text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            let why = why.to_string();
            let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            table.wrong_value(span, format!("`{key}` is no regular expression: {last}"));
            None
        }
    }
}

/// A text that patterns look into, as a person would read it: without colours and other control sequences.
#[derive(Debug, Clone)]
pub struct Text {
    pub text: String,
    /// Why it is not all that there was to say, where it is not.
    pub lacks: Option<&'static str>,
}

/// What a text lacks of which only the beginning was kept.
pub const REST: &str = "the rest was not kept";

impl Text {
    #[must_use]
    pub fn of(bytes: &Bytes, cut: bool) -> Self {
        let text = crate::base::text::printable_lines(&String::from_utf8_lossy(bytes));
        Self { text, lacks: cut.then_some(REST) }
    }

    /// One finding a pattern. An empty text proves no absence.
    #[must_use]
    pub fn hold(&self, subject: &str, there: &[regex::Regex], absent: &[regex::Regex]) -> Vec<Finding> {
        let found = |pattern: &regex::Regex| pattern.find(&self.text).map(|found| found.as_str().to_owned());
        let there = there.iter().map(|pattern| {
            let expected = format!("matches {pattern}");
            match found(pattern) {
                Some(found) => Finding::held(subject, expected, found, true),
                None => match self.lacks {
                    Some(lacks) => Finding::unknown(subject, expected, format!("no match, and {lacks}")),
                    None => Finding::held(subject, expected, format!("no match in {} bytes", self.text.len()), false),
                },
            }
        });
        let told = !self.text.trim().is_empty();
        let absent = absent.iter().map(|pattern| {
            let expected = format!("does not match {pattern}");
            match (found(pattern), self.lacks) {
                (Some(found), _) => Finding::held(subject, expected, found, false),
                (None, Some(lacks)) => Finding::unknown(subject, expected, format!("no match, and {lacks}")),
                (None, None) if !told && subject != "stderr" => Finding::unknown(subject, expected, "nothing was said"),
                (None, None) => Finding::held(subject, expected, "no match", true),
            }
        });
        there.chain(absent).collect()
    }
}
