//! TOML tables read with their spans, so that a mistake points at its own line. A reader asks for the
//! keys it knows; [`Table::finish`] reports every other one with the nearest known name. No getter
//! stops at a mistake: it reports it and answers `None`, so that one pass finds them all.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::hint;
use super::known::{Known, Wanted};
use super::source::{Diagnostic, Span, nearest};
use super::template::{Shape, Template};

/// The longest span of time a file may ask for: sums of a few stay far from any limit.
pub const LONGEST: Duration = Duration::from_secs(3_660 * 86_400);

/// What reading gathers besides values.
#[derive(Debug, Default)]
pub struct Notes {
    diagnostics: RefCell<Vec<Diagnostic>>,
    names: RefCell<Vec<(String, Span)>>,
    learnt: Option<RefCell<Known>>,
}

/// One table of the file, being read.
#[derive(Debug)]
pub struct Table<'a> {
    /// How messages call it: `[phase.item.http]`.
    pub path: String,
    pub span: Span,
    entries: &'a DeTable<'a>,
    asked: RefCell<BTreeSet<&'a str>>,
    /// Keys that are read to be refused: nobody is told to write them.
    refused: RefCell<BTreeSet<&'a str>>,
    notes: &'a Notes,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    pub value: T,
    pub span: Span,
}

impl Notes {
    /// Notes that also gather which keys the readers ask for: for the reference of the format.
    #[must_use]
    pub fn learning() -> Self {
        Self { learnt: Some(RefCell::default()), ..Self::default() }
    }

    /// What was asked for; empty unless these notes are [`Self::learning`].
    #[must_use]
    pub fn take_known(&self) -> Known {
        self.learnt.as_ref().map(RefCell::take).unwrap_or_default()
    }

    pub fn report(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    /// Notes that `name` must have a value where `span` is (a template's, or a jq program's `$name`).
    pub fn uses(&self, name: impl Into<String>, span: Span) {
        self.names.borrow_mut().push((name.into(), span));
    }

    #[must_use]
    pub fn take_diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.take()
    }

    /// Names used since the last call, with their places.
    #[must_use]
    pub fn take_names(&self) -> Vec<(String, Span)> {
        self.names.take()
    }
}

impl<'a> Table<'a> {
    #[must_use]
    pub fn new(path: impl Into<String>, span: Span, entries: &'a DeTable<'a>, notes: &'a Notes) -> Self {
        Self { path: path.into(), span, entries, asked: RefCell::default(), refused: RefCell::default(), notes }
    }

    #[must_use]
    pub fn notes(&self) -> &'a Notes {
        self.notes
    }

    /// The keys that are there, in the order of the file, with their places.
    #[must_use]
    pub fn keys(&self) -> Vec<(&'a str, Span)> {
        let mut keys: Vec<(&str, Span)> =
            self.entries.iter().map(|(key, _)| (key.get_ref().as_ref(), key.span().into())).collect();
        keys.sort_by_key(|(_, span)| *span);
        keys
    }

    /// Notes what the value of `key` must be, where a reader knows it better than its getter.
    pub fn learn(&self, key: &'static str, wanted: Wanted) {
        let Some(learnt) = &self.notes.learnt else { return };
        let mut learnt = learnt.borrow_mut();
        let known = learnt.entry(self.path.clone()).or_default().entry(key).or_insert(Wanted::There);
        *known = wanted.max(known.clone());
    }

    #[must_use]
    pub fn has(&self, key: &'static str) -> bool {
        self.learn(key, Wanted::There);
        self.asked.borrow_mut().insert(key);
        self.entries.contains_key(key)
    }

    /// Counts `key` as known although nobody reads it: what is wrong with it was said already.
    pub fn accept(&self, key: &'a str) {
        self.asked.borrow_mut().insert(key);
    }

    /// `key` is known, and refused: it is offered to nobody who wrote another wrongly.
    pub fn refuse(&self, key: &'static str) {
        self.learn(key, Wanted::Refused);
        self.refused.borrow_mut().insert(key);
    }

    /// Counts every key as known: for tables whose keys are the user's own names.
    pub fn accept_all(self) {
        self.learn("NAME", Wanted::There);
    }

    /// Reports every key nobody asked for.
    pub fn finish(self) {
        let (asked, refused) = (self.asked.borrow(), self.refused.borrow());
        let offered = || asked.difference(&refused).copied();
        for (key, span) in self.keys() {
            if asked.contains(key) {
                continue;
            }
            let unknown = Diagnostic::error("unknown-key", span, format!("unknown key `{key}` in {}", self.path));
            let known = || offered().collect::<Vec<_>>().join(", ");
            self.notes.report(match nearest(key, offered()) {
                Some(near) => unknown.label(format!("did you mean `{near}`?")).help(format!("known: {}", known())),
                None => unknown.label("not a key of this table").help(format!("known: {}", known())),
            });
        }
    }

    fn raw(&self, key: &'static str, wanted: Wanted) -> Option<(&'a DeValue<'a>, Span)> {
        self.learn(key, wanted);
        self.asked.borrow_mut().insert(key);
        self.entries.get(key).map(|value| (value.get_ref(), value.span().into()))
    }

    /// The whole table as a TOML document, for a reader in another process.
    #[must_use]
    pub fn written(&self) -> String {
        super::written::document(self.entries)
    }

    /// Any value, by a key that is the user's own name.
    #[must_use]
    pub fn any(&self, key: &str) -> Option<Placed<&'a DeValue<'a>>> {
        self.entries.get(key).map(|value| Placed { value: value.get_ref(), span: value.span().into() })
    }

    fn wrong_type(&self, key: &str, span: Span, wanted: &Wanted, found: &DeValue<'_>) {
        self.mistyped(key, span, wanted, hint::written(key, wanted), found);
    }

    fn mistyped(&self, key: &str, span: Span, wanted: &Wanted, help: String, found: &DeValue<'_>) {
        let message = format!("`{key}` in {} must be {}", self.path, hint::what(wanted));
        let label = format!("this is {}", hint::article(found.type_str()));
        self.notes.report(Diagnostic::error("wrong-type", span, message).label(label).help(help));
    }

    /// Reports a value that is of the right type and still wrong.
    pub fn wrong_value(&self, span: Span, why: impl Into<String>) {
        self.notes.report(Diagnostic::error("wrong-value", span, why));
    }

    /// Reports that `key` is not there.
    pub fn missing(&self, key: &str, what: &str) {
        let message = format!("{} needs `{key}`", self.path);
        self.notes.report(Diagnostic::error("missing-key", self.span, message).label(format!("add {what}")));
    }

    #[must_use]
    pub fn text(&self, key: &'static str) -> Option<Placed<String>> {
        self.text_of(key, &Wanted::Text)
    }

    /// A string that stands for what is `wanted`.
    fn text_of(&self, key: &'static str, wanted: &Wanted) -> Option<Placed<String>> {
        let (value, span) = self.raw(key, wanted.clone())?;
        match value {
            DeValue::String(text) => Some(Placed { value: text.to_string(), span }),
            other => {
                self.wrong_type(key, span, wanted, other);
                None
            }
        }
    }

    /// A string that must be there; `what` shows how to write it: `` `id = "gate-a"` ``.
    #[must_use]
    pub fn need_text(&self, key: &'static str, what: &str) -> Option<Placed<String>> {
        if !self.has(key) {
            self.missing(key, what);
        }
        self.text(key)
    }

    #[must_use]
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let (value, span) = self.raw(key, Wanted::Flag)?;
        match value {
            DeValue::Boolean(flag) => Some(*flag),
            other => {
                self.wrong_type(key, span, &Wanted::Flag, other);
                None
            }
        }
    }

    #[must_use]
    pub fn integer(&self, key: &'static str) -> Option<Placed<i64>> {
        let (value, span) = self.raw(key, Wanted::Integer)?;
        match as_integer(value) {
            Some(value) => Some(Placed { value, span }),
            None if !self.fits(value, span) => None,
            None => {
                self.wrong_type(key, span, &Wanted::Integer, value);
                None
            }
        }
    }

    /// A span of time with its unit: `"90s"`, `"48h"`.
    #[must_use]
    pub fn duration(&self, key: &'static str) -> Option<Duration> {
        let text = self.text_of(key, &Wanted::Duration)?;
        match humantime::parse_duration(&text.value) {
            Ok(span) if span <= LONGEST => Some(span),
            Ok(_) => {
                self.wrong_value(text.span, format!("`{}` is more than ten years (3660 days)", text.value));
                None
            }
            Err(_) => {
                self.wrong_value(text.span, format!("`{}` is no duration: write 500ms, 90s, 10m or 48h", text.value));
                None
            }
        }
    }

    /// One of a closed set of words.
    #[must_use]
    pub fn word<T: Copy>(&self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text_of(key, &Wanted::Words(words.iter().map(|(word, _)| *word).collect()))?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let known = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let wrong = Diagnostic::error("wrong-value", text.span, format!("`{}` is no `{key}`", text.value));
        let near = nearest(&text.value, words.iter().map(|(word, _)| *word));
        let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
        self.notes.report(wrong.label(label).help(format!("one of {known}")));
        None
    }

    #[must_use]
    pub fn template(&self, key: &'static str) -> Option<Template> {
        self.learn(key, Wanted::Template);
        self.text(key).and_then(|text| self.templated(&text.value, text.span))
    }

    #[must_use]
    pub fn need_template(&self, key: &'static str, what: &str) -> Option<Template> {
        self.learn(key, Wanted::Template);
        self.need_text(key, what).and_then(|text| self.templated(&text.value, text.span))
    }

    /// A string as a template, its names noted.
    #[must_use]
    pub fn templated(&self, text: &str, span: Span) -> Option<Template> {
        match Template::parse(text, span) {
            Ok(template) => {
                for name in template.names() {
                    self.notes.uses(name, span);
                }
                Some(template)
            }
            Err(why) => {
                self.wrong_value(span, why);
                None
            }
        }
    }

    /// True where a list stands there, and nothing in it.
    #[must_use]
    pub fn is_empty_list(&self, key: &str) -> bool {
        matches!(self.any(key), Some(Placed { value: DeValue::Array(values), .. }) if values.is_empty())
    }

    /// A list of strings, or one string standing for a list of one.
    #[must_use]
    pub fn texts(&self, key: &'static str) -> Vec<Placed<String>> {
        match self.raw(key, Wanted::Texts) {
            None => Vec::new(),
            Some((DeValue::String(text), span)) => vec![Placed { value: text.to_string(), span }],
            Some((DeValue::Array(values), _)) => values
                .iter()
                .filter_map(|value| match value.get_ref() {
                    DeValue::String(text) => Some(Placed { value: text.to_string(), span: value.span().into() }),
                    other => {
                        self.wrong_type(key, value.span().into(), &Wanted::Texts, other);
                        None
                    }
                })
                .collect(),
            Some((other, span)) => {
                self.wrong_type(key, span, &Wanted::Texts, other);
                Vec::new()
            }
        }
    }

    /// [`Self::texts`] as templates.
    #[must_use]
    pub fn templates(&self, key: &'static str) -> Vec<Template> {
        self.learn(key, Wanted::Templates);
        self.texts(key).iter().filter_map(|text| self.templated(&text.value, text.span)).collect()
    }

    /// A table whose keys are the user's own and whose values are templates: headers, environment.
    #[must_use]
    pub fn named_templates(&self, key: &'static str) -> Vec<(Placed<String>, Template)> {
        self.learn(key, Wanted::NamedTemplates);
        let Some(table) = self.table(key) else { return Vec::new() };
        let mut found = Vec::new();
        for (name, span) in table.keys() {
            match table.any(name) {
                Some(Placed { value: DeValue::String(text), span: at }) => {
                    if let Some(template) = self.templated(text, at) {
                        found.push((Placed { value: name.to_owned(), span }, template));
                    }
                }
                Some(Placed { value, span }) => table.wrong_type(name, span, &Wanted::Text, value),
                None => {}
            }
        }
        found
    }

    /// Any JSON value, strings inside being templates.
    #[must_use]
    pub fn shape(&self, key: &'static str) -> Option<Placed<Shape>> {
        let (value, span) = self.raw(key, Wanted::Shape)?;
        Some(Placed { value: self.shaped(value, span)?, span })
    }

    fn shaped(&self, value: &DeValue<'_>, span: Span) -> Option<Shape> {
        Some(match value {
            DeValue::String(text) => Shape::Text(self.templated(text, span)?),
            DeValue::Array(values) => {
                Shape::List(values.iter().filter_map(|v| self.shaped(v.get_ref(), v.span().into())).collect())
            }
            DeValue::Table(table) => {
                let mut entries: Vec<_> = table.iter().collect();
                entries.sort_by_key(|(key, _)| key.span().start);
                let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                    let key: &std::borrow::Cow<'_, str> = key.get_ref();
                    Some((key.to_string(), self.shaped(value.get_ref(), value.span().into())?))
                };
                Shape::Table(entries.into_iter().filter_map(entry).collect())
            }
            plain => {
                self.fits(plain, span).then_some(())?;
                Shape::Plain(plain_value(plain))
            }
        })
    }

    /// A plain JSON value: templates are not looked for.
    #[must_use]
    pub fn plain(&self, key: &'static str) -> Option<Placed<Value>> {
        let (value, span) = self.raw(key, Wanted::Any)?;
        self.fits(value, span).then_some(())?;
        Some(Placed { value: plain_value(value), span })
    }

    /// True where every number in `value` has a JSON form; reports each that has none.
    pub fn fits(&self, value: &DeValue<'_>, span: Span) -> bool {
        match value {
            DeValue::Integer(integer) if as_integer(value).is_none() => {
                self.wrong_value(span, format!("`{integer}` is beyond 64 bits"));
                false
            }
            DeValue::Float(float) if !plain_value(value).is_number() => {
                self.wrong_value(span, format!("`{float}` is no number that JSON knows"));
                false
            }
            DeValue::Array(values) => {
                values.iter().filter(|value| !self.fits(value.get_ref(), value.span().into())).count() == 0
            }
            DeValue::Table(table) => {
                table.values().filter(|value| !self.fits(value.get_ref(), value.span().into())).count() == 0
            }
            _ => true,
        }
    }

    #[must_use]
    pub fn table(&self, key: &'static str) -> Option<Table<'a>> {
        let (value, span) = self.raw(key, Wanted::Table)?;
        self.as_table(key, value, span)
    }

    /// The same; whoever wrote no table is shown `example`.
    #[must_use]
    pub fn table_like(&self, key: &'static str, example: &str) -> Option<Table<'a>> {
        let (value, span) = self.raw(key, Wanted::Table)?;
        match value {
            DeValue::Table(_) => self.as_table(key, value, span),
            other => {
                self.mistyped(key, span, &Wanted::Table, format!("write `{example}`"), other);
                None
            }
        }
    }

    /// A table by a key that is the user's own name.
    #[must_use]
    pub fn table_named(&self, key: &'a str) -> Option<Table<'a>> {
        let placed = self.any(key)?;
        let called = if self.notes.learnt.is_some() { "NAME" } else { key };
        self.as_table(called, placed.value, placed.span)
    }

    fn as_table(&self, key: &str, value: &'a DeValue<'a>, span: Span) -> Option<Table<'a>> {
        match value {
            DeValue::Table(entries) => Some(Table::new(self.child(key), span, entries, self.notes)),
            other => {
                self.wrong_type(key, span, &Wanted::Table, other);
                None
            }
        }
    }

    /// `[[key]]`: an array of tables; one table stands for a list of one.
    #[must_use]
    pub fn tables(&self, key: &'static str) -> Vec<Table<'a>> {
        match self.raw(key, Wanted::Tables) {
            None => Vec::new(),
            Some((DeValue::Array(values), _)) => {
                values.iter().filter_map(|value| self.as_table(key, value.get_ref(), value.span().into())).collect()
            }
            Some((value, span)) => self.as_table(key, value, span).into_iter().collect(),
        }
    }

    fn child(&self, key: &str) -> String {
        match self.path.strip_prefix('[').and_then(|path| path.strip_suffix(']')) {
            Some("") | None => format!("[{key}]"),
            Some(path) => format!("[{path}.{key}]"),
        }
    }
}

fn as_integer(value: &DeValue<'_>) -> Option<i64> {
    value.as_integer().and_then(|integer| i64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok())
}

/// A TOML value as JSON; dates become their text, and numbers that do not [fit](Table::fits) null.
#[must_use]
pub fn plain_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(_) => as_integer(value).map_or(Value::Null, Value::from),
        DeValue::Float(float) => float.as_str().replace('_', "").parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(at) => Value::String(at.to_string()),
        DeValue::Array(values) => values.iter().map(|value| plain_value(value.get_ref())).collect(),
        DeValue::Table(table) => {
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by_key(|(key, _)| key.span().start);
            entries.into_iter().map(|(key, value)| (key.get_ref().to_string(), plain_value(value.get_ref()))).collect()
        }
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
