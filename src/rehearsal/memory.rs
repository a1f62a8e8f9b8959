//! What the target handed out in one session of the plan, and the values for names in its answers. A
//! name that nothing gave a value gets a fresh one, as a server would mint it.

use serde_json::{Map, Value};

use super::routes::{Capture, From, at_path};
use crate::base::source::Span;
use crate::base::template::{Scope, Shape, Template, as_text};
use crate::clock;
use crate::kind::example::{Answered, Told};
use crate::kind::expect::fresh::present;

/// Values handed out last, by name.
#[derive(Debug, Default)]
pub struct Memory {
    handed: Scope,
}

/// What an answer hands out.
#[derive(Debug, Clone, Copy)]
pub struct Handing<'a> {
    pub captures: &'a [Capture],
    /// Another value each time, as a token; a baseline's value stays what it is.
    pub anew: bool,
}

impl Handing<'_> {
    pub const NOTHING: Self = Self { captures: &[], anew: false };
}

/// An answer with every name filled in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filled {
    pub json: Option<Value>,
    pub body: Option<String>,
    pub headers: Vec<(String, String)>,
    pub cookies: Vec<(String, String)>,
    pub events: Vec<FilledEvent>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct FilledEvent {
    pub event: Option<String>,
    pub id: Option<String>,
    pub data: String,
    pub after: std::time::Duration,
}

impl Memory {
    /// The value handed out last under `name`.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<String> {
        self.handed.get(name).ok().map(|bound| as_text(&bound.value))
    }

    /// Everything handed out, for the answers of other sessions.
    #[must_use]
    pub fn handed(&self) -> &Scope {
        &self.handed
    }

    /// Fills `answer` in, mints what it hands out, and remembers it. `minted` counts what was ever
    /// minted, so that no two values are the same.
    pub fn fill(&mut self, answer: &Answered, handing: Handing<'_>, known: &Scope, minted: &mut u64) -> Filled {
        let Handing { captures, anew } = handing;
        for name in names(answer) {
            let fresh = anew && captures.iter().any(|capture| capture.name == name);
            let bound = known.get(&name).is_ok() || self.handed.get(&name).is_ok();
            if let Some(now) = present(&name, clock::wall()).filter(|_| known.get(&name).is_err()) {
                self.handed.bind(name, now);
            } else if fresh || !bound {
                *minted += 1;
                self.handed.bind(name.clone(), Value::String(format!("{name}-{minted:06}")));
            }
        }
        let scope = known.with(&self.handed);
        let text = |text: &String| match Template::parse(text, Span::default()) {
            Ok(template) => template.text(&scope).unwrap_or_else(|_| text.clone()),
            Err(_) => text.clone(),
        };
        let pairs = |all: &[(String, String)]| all.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let filled = Filled {
            json: answer.json.as_ref().map(|shape| value(shape, &scope)),
            body: answer.body.as_ref().map(text),
            headers: pairs(&answer.headers),
            cookies: pairs(&answer.cookies),
            events: answer.events.iter().map(|told| event(told, &scope)).collect(),
        };
        for capture in captures {
            if let Some(value) = filled.at(&capture.from) {
                self.handed.bind(capture.name.clone(), value);
            }
        }
        filled
    }
}

impl Filled {
    fn at(&self, from: &From) -> Option<Value> {
        let named = |all: &[(String, String)], wanted: &str| {
            let found = all.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| Value::String(value.clone()))
        };
        match from {
            From::Json(path) => at_path(self.json.as_ref()?, path).cloned(),
            From::Cookie(name) => named(&self.cookies, name),
            From::Header(name) => named(&self.headers, name),
            From::Unsaid => None,
        }
    }
}

/// Every name an answer uses, once.
fn names(answer: &Answered) -> Vec<String> {
    let shapes = answer.json.iter().chain(answer.events.iter().filter_map(|told| told.data.as_ref()));
    let mut all: Vec<String> = shapes.flat_map(|shape| shape.names()).map(str::to_owned).collect();
    let pairs = answer.headers.iter().chain(&answer.cookies).map(|(_, value)| value);
    for text in pairs.chain(&answer.body) {
        if let Ok(template) = Template::parse(text, Span::default()) {
            all.extend(template.names().map(str::to_owned));
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn value(shape: &Shape, scope: &Scope) -> Value {
    match shape {
        Shape::Plain(value) => value.clone(),
        Shape::Text(template) => template.value(scope).unwrap_or_else(|_| Value::String(template.written())),
        Shape::List(shapes) => shapes.iter().map(|shape| value(shape, scope)).collect(),
        Shape::Table(entries) => {
            let entries = entries.iter().map(|(key, shape)| (key.clone(), value(shape, scope)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

fn event(told: &Told, scope: &Scope) -> FilledEvent {
    FilledEvent {
        event: told.event.clone(),
        id: told.id.clone(),
        data: told.data.as_ref().map(|shape| as_text(&value(shape, scope))).unwrap_or_default(),
        after: told.after.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(entries: &[(&str, &str)]) -> Shape {
        let text = |value: &str| Shape::Text(Template::parse(value, Span::default()).expect("a template"));
        Shape::Table(entries.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect())
    }

    fn hand_out(memory: &mut Memory, json: Shape, captures: &[&str], minted: &mut u64) -> Value {
        let captures: Vec<Capture> = captures.iter().map(|text| Capture::parse(text)).collect();
        let answer = Answered { json: Some(json), ..Answered::default() };
        memory.fill(&answer, Handing { captures: &captures, anew: true }, &Scope::default(), minted).json.expect("JSON")
    }

    #[test]
    fn a_captured_name_is_fresh_each_time_and_any_other_is_what_was_handed_out_last() {
        let (mut memory, mut minted) = (Memory::default(), 0);
        let token = shape(&[("token", "{{ csrf }}")]);
        let first = hand_out(&mut memory, token.clone(), &["csrf"], &mut minted);
        assert_eq!(first, json!({ "token": "csrf-000001" }));
        let second = hand_out(&mut memory, token.clone(), &["csrf"], &mut minted);
        assert_eq!(second, json!({ "token": "csrf-000002" }));
        assert_eq!(hand_out(&mut memory, token, &[], &mut minted), second);
        assert_eq!(memory.last("csrf").as_deref(), Some("csrf-000002"));
    }

    #[test]
    fn a_literal_value_is_remembered_from_where_it_stands() {
        let (mut memory, mut minted) = (Memory::default(), 0);
        hand_out(&mut memory, shape(&[("token", "tok-one")]), &["csrf = .token"], &mut minted);
        assert_eq!(memory.last("csrf").as_deref(), Some("tok-one"));
        let answer = Answered { cookies: vec![("omni".into(), "{{ s }}".into())], ..Answered::default() };
        let captures = [Capture::parse("s = cookie omni")];
        let once = |memory: &mut Memory, minted: &mut u64| {
            memory.fill(&answer, Handing { captures: &captures, anew: false }, &Scope::default(), minted)
        };
        let filled = once(&mut memory, &mut minted);
        assert_eq!(filled, once(&mut memory, &mut minted), "what is frozen stays");
        assert_eq!(filled.cookies[0].1, memory.last("s").expect("remembered"));
    }

    #[test]
    fn a_value_known_at_load_is_not_minted() {
        let mut known = Scope::default();
        known.bind("version", json!("1.4.1"));
        let answer = Answered { body: Some("v{{ version }}".into()), ..Answered::default() };
        let filled = Memory::default().fill(&answer, Handing::NOTHING, &known, &mut 0);
        assert_eq!(filled.body.as_deref(), Some("v1.4.1"));
    }
}
