//! `{{ name }}` in the plan's strings, and the values names stand for. A string that is one
//! `{{ name }}` keeps the value's type; anything else becomes text. Names only: no expressions.

use std::collections::BTreeMap;

use serde_json::Value;

use super::source::Span;

/// A string of the plan with its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub span: Span,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name(String),
}

/// A JSON value whose strings are templates.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Plain(Value),
    Text(Template),
    List(Vec<Shape>),
    Table(Vec<(String, Shape)>),
}

/// A value bound to a name; `secret` values must not reach disk, screen or argv.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    pub value: Value,
    pub secret: bool,
}

/// What names stand for at one place of the plan. Later bindings win.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    bound: BTreeMap<String, Bound>,
}

/// A name without a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no value for `{0}`: it was not captured before this, or its secret is not set")]
pub struct Unbound(pub String);

impl Template {
    /// # Errors
    /// A sentence about the braces or the name.
    pub fn parse(text: &str, span: Span) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let after = &rest[open + 2..];
            let close = after.find("}}").ok_or("`{{` without its `}}`")?;
            let name = after[..close].trim();
            let named = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            if name.is_empty() || !named {
                return Err(format!("`{{{{ {name} }}}}` is no name: only letters, digits, `_` and `-`"));
            }
            pieces.push(Piece::Name(name.to_owned()));
            rest = &after[close + 2..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { span, pieces })
    }

    /// A template without names.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        Self { span: Span::default(), pieces: vec![Piece::Text(text.into())] }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// # Errors
    /// The first name without a value.
    pub fn value(&self, scope: &Scope) -> Result<Value, Unbound> {
        if let [Piece::Name(name)] = self.pieces.as_slice() {
            return scope.get(name).map(|bound| bound.value.clone());
        }
        self.text(scope).map(Value::String)
    }

    /// # Errors
    /// The first name without a value.
    pub fn text(&self, scope: &Scope) -> Result<String, Unbound> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Name(name) => text.push_str(&as_text(&scope.get(name)?.value)),
            }
        }
        Ok(text)
    }

    /// The values of a template that stands for a list: `"{{ origins }}"` gives each of them.
    ///
    /// # Errors
    /// The first name without a value.
    pub fn list(&self, scope: &Scope) -> Result<Vec<String>, Unbound> {
        Ok(match self.value(scope)? {
            Value::Array(values) => values.iter().map(as_text).collect(),
            one => vec![as_text(&one)],
        })
    }

    /// As written in the plan, for display.
    #[must_use]
    pub fn written(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Name(name) => format!("{{{{ {name} }}}}"),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// Its text for people: as written where a secret stands in it, or a name without a value.
    #[must_use]
    pub fn open(&self, scope: &Scope) -> String {
        match self.text(scope) {
            Ok(text) if !self.is_secret(scope) => text,
            _ => self.written(),
        }
    }

    /// True where a name of this template is bound to a secret.
    #[must_use]
    pub fn is_secret(&self, scope: &Scope) -> bool {
        self.names().any(|name| scope.get(name).is_ok_and(|bound| bound.secret))
    }
}

impl Shape {
    /// # Errors
    /// The first name without a value.
    pub fn value(&self, scope: &Scope) -> Result<Value, Unbound> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(template) => template.value(scope)?,
            Self::List(shapes) => {
                Value::Array(shapes.iter().map(|shape| shape.value(scope)).collect::<Result<_, _>>()?)
            }
            Self::Table(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, shape)| shape.value(scope).map(|value| (key.clone(), value)))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    /// Its value for people, as [`Template::open`] tells each text.
    #[must_use]
    pub fn open(&self, scope: &Scope) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Text(template) => match template.value(scope) {
                Ok(value) if !template.is_secret(scope) => value,
                _ => Value::String(template.written()),
            },
            Self::List(shapes) => shapes.iter().map(|shape| shape.open(scope)).collect(),
            Self::Table(entries) => entries.iter().map(|(key, shape)| (key.clone(), shape.open(scope))).collect(),
        }
    }

    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Text(template) => template.names().collect(),
            Self::List(shapes) => shapes.iter().flat_map(Self::names).collect(),
            Self::Table(entries) => entries.iter().flat_map(|(_, shape)| shape.names()).collect(),
        }
    }
}

impl Scope {
    pub fn bind(&mut self, name: impl Into<String>, value: Value) {
        self.bound.insert(name.into(), Bound { value, secret: false });
    }

    pub fn bind_secret(&mut self, name: impl Into<String>, value: Value) {
        self.bound.insert(name.into(), Bound { value, secret: true });
    }

    /// # Errors
    /// The name, where nothing is bound to it.
    pub fn get(&self, name: &str) -> Result<&Bound, Unbound> {
        self.bound.get(name).ok_or_else(|| Unbound(name.to_owned()))
    }

    /// All of `other` on top of this.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.bound.extend(other.bound.iter().map(|(name, bound)| (name.clone(), bound.clone())));
        all
    }

    /// This without its secrets: for what others can see.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let open = self.bound.iter().filter(|(_, bound)| !bound.secret);
        Self { bound: open.map(|(name, bound)| (name.clone(), bound.clone())).collect() }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bound)> {
        self.bound.iter().map(|(name, bound)| (name.as_str(), bound))
    }

    /// Every secret value as text, for the redactor.
    pub fn secrets(&self) -> impl Iterator<Item = String> + '_ {
        self.bound.values().filter(|bound| bound.secret).map(|bound| as_text(&bound.value))
    }
}

/// A value as it stands in text: strings without quotes, everything else as JSON.
#[must_use]
pub fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        let mut scope = Scope::default();
        scope.bind("api", json!("https://a.example"));
        scope.bind("rate", json!(0.1));
        scope.bind("origins", json!(["a", "b"]));
        scope.bind_secret("password", json!("hunter22"));
        scope
    }

    fn template(text: &str) -> Template {
        Template::parse(text, Span::default()).expect("a template")
    }

    #[test]
    fn one_name_keeps_its_type_and_more_become_text() {
        assert_eq!(template("{{ rate }}").value(&scope()), Ok(json!(0.1)));
        assert_eq!(template("{{api}}/x?r={{ rate }}").value(&scope()), Ok(json!("https://a.example/x?r=0.1")));
        assert_eq!(template("{{ origins }}").list(&scope()), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(template("plain").list(&scope()), Ok(vec!["plain".to_owned()]));
    }

    #[test]
    fn a_name_without_a_value_is_said() {
        assert_eq!(template("x{{ run_id }}").text(&scope()), Err(Unbound("run_id".into())));
    }

    #[test]
    fn secrets_are_known() {
        assert!(template("Bearer {{ password }}").is_secret(&scope()));
        assert!(!template("{{ api }}").is_secret(&scope()));
        assert_eq!(scope().secrets().collect::<Vec<_>>(), ["hunter22"]);
    }

    #[test]
    fn wrong_braces_are_refused() {
        for text in ["{{", "{{ }}", "{{ a b }}", "{{ a | b }}", "x {{ a"] {
            assert!(Template::parse(text, Span::default()).is_err(), "{text}");
        }
    }
}
