//! What a check that asks nothing over HTTP captures: a value of its document by jq, or a piece of its text.

use regex::Regex;
use serde_json::Value;
use toml::de::DeValue;

use super::{Read, Text};
use crate::base::jq::{Jq, Program};
use crate::base::known::Wanted;
use crate::base::table::{Placed, Table};
use crate::base::template::Scope;
use crate::kind::document::number::grouped;
use crate::kind::exchange::HIDDEN;
use crate::kind::expect::program;
use crate::launch::verdict::Finding;

/// Texts of one captured value: each becomes a secret, and each secret costs memory.
const TEXTS: usize = 256;

/// A value taken from what was seen.
#[derive(Debug, Clone)]
pub struct Capture {
    pub name: String,
    pub from: Taken,
}

#[derive(Debug, Clone)]
pub enum Taken {
    Json(Program),
    /// Its one group: every match gives the same.
    Text(Regex),
}

/// Reads `capture`: names, each with a jq program or with a table that `inner` reads. `forms` ends the sentence
/// about what is neither.
pub fn captures<T>(
    table: &Table<'_>,
    forms: &str,
    json: impl Fn(Program) -> T,
    inner: impl Fn(Table<'_>) -> Option<T>,
) -> Vec<(String, T)> {
    table.learn("capture", Wanted::Named);
    let Some(table) = table.table("capture") else { return Vec::new() };
    let mut all = Vec::new();
    for (name, span) in table.keys() {
        let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !named {
            table.wrong_value(span, format!("`{name}` is no name: only letters, digits, `_` and `-`"));
            continue;
        }
        let from = match table.any(name) {
            Some(Placed { value: DeValue::String(text), span }) => program(&table, text, span).map(&json),
            Some(Placed { value: DeValue::Table(_), .. }) => table.table_named(name).and_then(&inner),
            Some(Placed { span, .. }) => {
                table.wrong_value(span, format!("`{name}` is a jq program, {forms}"));
                None
            }
            None => None,
        };
        all.extend(from.map(|from| (name.to_owned(), from)));
    }
    table.accept_all();
    all
}

impl Capture {
    /// Reads `capture = { name = ".jq" }`, or `{ name = { regex = '…(…)…' } }`.
    #[must_use]
    pub fn read(table: &Table<'_>) -> Vec<Self> {
        let all = captures(table, "or `{ regex = '…(…)…' }`", Taken::Json, from);
        all.into_iter().map(|(name, from)| Self { name, from }).collect()
    }

    fn words(&self) -> String {
        match &self.from {
            Taken::Json(program) => program.text.clone(),
            Taken::Text(pattern) => format!("/{pattern}/"),
        }
    }

    /// # Errors
    /// Why there is no value.
    pub async fn take(&self, document: &Read, text: &Text, scope: &Scope, jq: &Jq) -> Result<Value, String> {
        let value = match &self.from {
            Taken::Json(program) => jq.value(program, document.as_ref().map_err(Clone::clone)?, scope).await?,
            Taken::Text(pattern) => {
                let mut groups = pattern.captures_iter(&text.text).filter_map(|found| found.get(1));
                let first = groups.next().ok_or("no match")?.as_str();
                if groups.any(|other| other.as_str() != first) {
                    return Err("matches that differ: which of them is meant?".to_owned());
                }
                Value::String(first.to_owned())
            }
        };
        match value {
            Value::Null => Err("null".to_owned()),
            Value::String(text) if text.is_empty() => Err("an empty text".to_owned()),
            value if texts(&value) > TEXTS => Err(format!("a value of more than {TEXTS} texts")),
            value => Ok(value),
        }
    }

    /// The finding on what was taken; the value itself is not shown.
    #[must_use]
    pub fn finding(&self, taken: &Result<Value, String>) -> Finding {
        let subject = format!("capture {}", self.name);
        match taken {
            Ok(_) => Finding::held(subject, self.words(), HIDDEN, true),
            Err(why) => Finding::unknown(subject, format!("a value at {}", self.words()), why.as_str()),
        }
    }
}

fn from(table: Table<'_>) -> Option<Taken> {
    let jq = table.text("jq").and_then(|text| program(&table, &text.value, text.span)).map(Taken::Json);
    let regex = table.text("regex").and_then(|text| grouped(&table, &text.value, text.span)).map(Taken::Text);
    if table.has("jq") == table.has("regex") {
        table.wrong_value(table.span, format!("{} needs exactly one of `jq`, `regex`", table.path));
    }
    table.finish();
    jq.or(regex)
}

fn texts(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(texts).sum(),
        Value::Object(entries) => entries.values().map(texts).sum(),
        _ => 1,
    }
}
