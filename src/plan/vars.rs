//! `[vars]`: values by name, from the file or the environment; and `for_each`, which repeats something
//! for each value of a list.

use serde_json::Value;
use toml::de::DeValue;

use super::MOST_VALUES;
use super::names::Stands;
use super::reader::{Reader, Unset};
use crate::base::known::Wanted;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table, plain_value};
use crate::base::template::{Scope, as_text};
use crate::base::text::printable;

/// What something is repeated for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Repeat {
    pub name: String,
    pub span: Span,
    /// Never empty, no two the same as text.
    pub values: Vec<Value>,
}

impl Repeat {
    /// Each value as text, for ids, with the scope that binds it.
    pub fn scopes(&self) -> impl Iterator<Item = (String, Scope)> + '_ {
        self.values.iter().map(|value| {
            let mut scope = Scope::default();
            scope.bind(self.name.as_str(), value.clone());
            (printable(&as_text(value)), scope)
        })
    }
}

impl<'a> Reader<'a> {
    pub(super) fn read_vars(&mut self, root: &Table<'a>) {
        let Some(vars) = root.table("vars") else { return };
        for (name, span) in vars.keys() {
            let Some(placed) = vars.any(name) else { continue };
            self.names.bind(name, span, Stands::Var, self.notes);
            let value = match placed.value {
                DeValue::Table(_) => vars.table_named(name).and_then(|table| self.environment_var(name, table, true)),
                plain if !vars.fits(plain, placed.span) => None,
                plain => self.plain_var(name, &Placed { value: plain_value(plain), span: placed.span }),
            };
            // A wrong variable still has a name: what uses it is not wrong too.
            self.scope.bind(name, value.unwrap_or(Value::Null));
        }
        vars.accept_all();
    }

    pub(super) fn plain_var(&self, name: &str, placed: &Placed<Value>) -> Option<Value> {
        if as_text(&placed.value).contains("{{") {
            let message = format!("`{name}` uses `{{{{ … }}}}`: a variable is a plain value");
            self.notes.report(Diagnostic::error("wrong-value", placed.span, message));
            return None;
        }
        Some(placed.value.clone())
    }

    /// `{ env = "NAME", default = …, required = true }`. That it must be set is asked where it is `wanted`.
    pub(super) fn environment_var(&mut self, name: &str, table: Table<'a>, wanted: bool) -> Option<Value> {
        let env = table.need_text("env", "`env = \"NAME\"`");
        let default = table.plain("default");
        let required = table.flag("required").unwrap_or(default.is_none());
        if !required && !table.has("default") {
            table.missing("default", "`default = …`: the value where it is not set");
        }
        table.finish();
        let default = match default {
            Some(default) => Some(self.plain_var(name, &default)?),
            None => None,
        };
        let env = env?;
        if let Some(text) = self.environment.get(&env.value) {
            return match typed(text, default.as_ref()) {
                Some(value) => Some(value),
                None => {
                    let message = format!("{} is set to what is not of the type of its default", env.value);
                    self.notes.report(Diagnostic::error("wrong-variable", env.span, message));
                    None
                }
            };
        }
        if !required || !wanted {
            return default.or(Some(Value::Null));
        }
        if self.options.rehearsal {
            self.unset.push(Unset { variable: env.value, span: env.span });
            return default.or_else(|| Some(Value::String(format!("rehearsal-{name}"))));
        }
        self.missing_variable(&env, &format!("`{name}`"));
        None
    }

    pub(super) fn missing_variable(&self, env: &Placed<String>, what: &str) {
        let message = format!("{what} needs the environment variable {}, which is not set", printable(&env.value));
        let near = nearest(&env.value, self.environment.names());
        let wrong = Diagnostic::error("missing-variable", env.span, message);
        let wrong = match near {
            Some(near) => wrong.label(format!("not set; did you mean {}, which is?", printable(near))),
            None => wrong.label("not set"),
        };
        self.notes.report(wrong.help(format!("set {}=…", printable(&env.value))));
    }

    /// `for_each = { origin = "origins" }`: the name it binds, and the list, by the name of a variable or
    /// as it is.
    pub(super) fn read_repeat(&self, table: &Table<'a>) -> Option<Repeat> {
        table.learn("for_each", Wanted::Named);
        let repeat = table.table("for_each")?;
        let keys = repeat.keys();
        let &[(name, span)] = keys.as_slice() else {
            let message = format!("for_each in {} binds {} names: exactly one", table.path, keys.len());
            let wrong = Diagnostic::error("wrong-value", repeat.span, message);
            self.notes.report(wrong.label("write `for_each = { origin = \"origins\" }`"));
            return None;
        };
        let placed = repeat.any(name)?;
        repeat.fits(placed.value, placed.span).then_some(())?;
        let values = self.list(name, &placed)?;
        let mut texts: Vec<String> = values.iter().map(|value| printable(&as_text(value))).collect();
        texts.sort_unstable();
        let twice = texts.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone());
        let wrong = match (values.len(), twice) {
            (0, _) => Some("the list is empty: nothing would be looked at".to_owned()),
            (_, Some(twice)) => Some(format!("`{twice}` is in the list twice")),
            (many, _) if many > MOST_VALUES => Some(format!("a list of {many} values: at most {MOST_VALUES}")),
            _ => None,
        };
        if let Some(wrong) = wrong {
            self.notes.report(Diagnostic::error("wrong-value", placed.span, wrong));
            return None;
        }
        Some(Repeat { name: name.to_owned(), span, values })
    }

    fn list(&self, name: &str, placed: &Placed<&DeValue<'_>>) -> Option<Vec<Value>> {
        let value = match placed.value {
            DeValue::String(list) => match self.scope.get(list) {
                Ok(bound) if bound.secret => {
                    let message = "for_each over a secret: its values would be in ids";
                    self.notes.report(Diagnostic::error("wrong-value", placed.span, message));
                    return None;
                }
                Ok(bound) => bound.value.clone(),
                Err(_) => {
                    self.names.check(&[(list.to_string(), placed.span)], self.source, self.notes);
                    return None;
                }
            },
            other => plain_value(other),
        };
        match value {
            Value::Array(values) if values.iter().all(|value| !value.is_array() && !value.is_object()) => Some(values),
            // A variable that is wrong was reported where it stands.
            Value::Null => None,
            _ => {
                let message = format!(
                    "for_each needs a list of plain values for `{name}`, or the name of a variable that is one"
                );
                self.notes.report(Diagnostic::error("wrong-type", placed.span, message));
                None
            }
        }
    }
}

/// A variable's text as a value of the type of its default; lists are separated by commas.
fn typed(text: &str, default: Option<&Value>) -> Option<Value> {
    match default {
        Some(Value::Array(_)) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Some(parts.map(Value::from).collect())
        }
        Some(Value::Bool(_)) => text.parse::<bool>().ok().map(Value::from),
        Some(Value::Number(_)) => {
            text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from)).ok()
        }
        _ => Some(Value::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_variable_of_the_environment_takes_the_type_of_its_default() {
        for (text, default, value) in [
            ("a, b,", json!(["x"]), Some(json!(["a", "b"]))),
            ("0.5", json!(1), Some(json!(0.5))),
            ("7", json!(1), Some(json!(7))),
            ("yes", json!(true), None),
            ("x", json!("y"), Some(json!("x"))),
        ] {
            assert_eq!(typed(text, Some(&default)), value, "{text}");
        }
        assert_eq!(typed("7", None), Some(json!("7")));
    }
}
