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

/// A variable as the file and the environment give it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Var {
    Known(Value),
    /// Required, and not set: a mistake where something stands on it.
    Missing {
        env: Placed<String>,
        default: Option<Value>,
    },
}

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
    /// What they come to is known with the target: its own stand in their place.
    pub(super) fn read_vars(&mut self, root: &Table<'a>) {
        let Some(vars) = root.table("vars") else { return };
        for (name, span) in vars.keys() {
            self.names.bind(name, span, Stands::Var, self.notes);
            // A wrong variable still has a name: what uses it is not wrong too.
            let var = self.var(&vars, name).unwrap_or(Var::Known(Value::Null));
            self.vars.insert(name.to_owned(), var);
        }
        vars.accept_all();
    }

    /// The variable `name` of a table of variables.
    pub(super) fn var(&mut self, vars: &Table<'a>, name: &'a str) -> Option<Var> {
        let placed = vars.any(name)?;
        match placed.value {
            DeValue::Table(_) => self.environment_var(name, vars.table_named(name)?),
            plain if !vars.fits(plain, placed.span) => None,
            plain => self.plain_var(name, &Placed { value: plain_value(plain), span: placed.span }).map(Var::Known),
        }
    }

    fn plain_var(&self, name: &str, placed: &Placed<Value>) -> Option<Value> {
        if as_text(&placed.value).contains("{{") {
            let message = format!("`{name}` uses `{{{{ … }}}}`: a variable is a plain value");
            self.notes.report(Diagnostic::error("wrong-value", placed.span, message));
            return None;
        }
        Some(placed.value.clone())
    }

    /// `{ env = "NAME", default = …, required = true }`
    fn environment_var(&mut self, name: &str, table: Table<'a>) -> Option<Var> {
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
        let set = match self.options.opened_with.get(&env.value) {
            Some(then) => then.clone(),
            None => self.environment.get(&env.value).map(str::to_owned),
        };
        // One that is required and missing is asked for again: it may be set by then.
        if set.is_some() || !required {
            self.named.insert(env.value.clone(), set.clone());
        }
        match set.as_deref() {
            Some(text) => {
                let value = typed(text, default.as_ref());
                if value.is_none() {
                    let message = format!("{} is set to what is not of the type of its default", env.value);
                    self.notes.report(Diagnostic::error("wrong-variable", env.span, message));
                }
                value.map(Var::Known)
            }
            None if required => Some(Var::Missing { env, default }),
            None => Some(Var::Known(default.unwrap_or(Value::Null))),
        }
    }

    /// The value of a variable that something stands on: one that the environment lacks is a mistake now, once. In a
    /// rehearsal one of the same form (`like`) stands in for it.
    pub(super) fn value_of(&mut self, name: &str, var: &Var, like: Option<Value>) -> Value {
        let (env, default) = match var {
            Var::Known(value) => return value.clone(),
            Var::Missing { env, default } => (env, default.clone()),
        };
        let first = self.wanted.insert(env.span);
        if self.options.rehearsal {
            if first {
                self.unset.push(Unset { variable: env.value.clone(), span: env.span });
            }
            return default.or(like).unwrap_or_else(|| Value::String(format!("rehearsal-{name}")));
        }
        if first {
            self.missing_variable(env, &format!("`{name}`"));
        }
        default.unwrap_or(Value::Null)
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
