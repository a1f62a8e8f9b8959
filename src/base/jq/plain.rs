//! Plain programs, evaluated here without jaq: paths, lengths, types and presence, compared with
//! literals and variables, joined by `and`, `or`, `not`. The answers are jaq's own (a property test holds
//! that) but for two rules: a path that is not there makes the answer unknown, where jq would read null;
//! and `<`, `<=`, `>`, `>=` tell nothing of null or of two values of different types, where jq has an
//! order over all types.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::base::template::Scope;

/// An assertion.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain {
    Compare(Operand, Comparison, Operand),
    /// A bare path.
    Truth(Vec<Value>),
    /// `PATH | has(KEY)`.
    Has(Vec<Value>, Value),
    And(Box<Plain>, Box<Plain>),
    Or(Box<Plain>, Box<Plain>),
    Not(Box<Plain>),
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Path(Vec<Value>),
    Length(Vec<Value>),
    Type(Vec<Value>),
    Literal(Value),
    Variable(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// An answer, with the value that decided it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tri {
    Known { holds: bool, seen: String },
    Unknown(String),
}

impl Comparison {
    fn admits(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }

    /// Why an order between the two would say nothing: in jq's, null is less than every number, and a
    /// limit that was never reported would be kept.
    fn incomparable(self, left: &Value, right: &Value) -> Option<String> {
        let ordered = !matches!(self, Self::Equal | Self::NotEqual);
        let (l, r) = (type_name(left), type_name(right));
        (ordered && (l != r || left.is_null()))
            .then(|| format!("{} ({l}) has no order to {} ({r})", compact(left), compact(right)))
    }
}

impl Plain {
    pub(super) fn judge(&self, input: &Value, scope: &Scope) -> Tri {
        match self {
            Self::Truth(path) => match walk(input, path) {
                Ok(Value::Bool(holds)) => Tri::Known { holds: *holds, seen: holds.to_string() },
                Ok(other) => Tri::Unknown(format!("{} is {}, neither true nor false", written(path), compact(other))),
                Err(why) => Tri::Unknown(why),
            },
            other => other.joined(input, scope),
        }
    }

    /// As part of `and`, `or`, `not`, where jq counts every value but null and false as true.
    fn joined(&self, input: &Value, scope: &Scope) -> Tri {
        match self {
            Self::Compare(left, comparison, right) => {
                let sides = left.value(input, scope).and_then(|l| Ok((l, right.value(input, scope)?)));
                match sides {
                    Ok((l, r)) => {
                        if let Some(why) = comparison.incomparable(&l, &r) {
                            return Tri::Unknown(why);
                        }
                        let seen = if matches!(left, Operand::Literal(_) | Operand::Variable(_)) { &r } else { &l };
                        Tri::Known { holds: comparison.admits(order(&l, &r)), seen: compact(seen) }
                    }
                    Err(why) => Tri::Unknown(why),
                }
            }
            Self::Truth(path) => match walk(input, path) {
                Ok(value) => Tri::Known {
                    holds: !matches!(value, Value::Null | Value::Bool(false)),
                    seen: format!("{}: {}", written(path), compact(value)),
                },
                Err(why) => Tri::Unknown(why),
            },
            Self::Has(path, key) => match (walk(input, path), key) {
                (Ok(Value::Object(entries)), Value::String(key)) => {
                    let keys = || entries.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                    Tri::Known { holds: entries.contains_key(key), seen: format!("keys {}", keys()) }
                }
                (Ok(Value::Array(items)), Value::Number(index)) => {
                    let there = position(index, items.len()).is_some();
                    Tri::Known { holds: there, seen: format!("{} items", items.len()) }
                }
                (Ok(Value::Null), _) => Tri::Known { holds: false, seen: "null".into() },
                (Ok(other), key) => Tri::Unknown(format!("{} has no {}", compact(other), compact(key))),
                (Err(why), _) => Tri::Unknown(why),
            },
            Self::And(left, right) => match left.joined(input, scope) {
                Tri::Known { holds: true, .. } => right.joined(input, scope),
                decided => decided,
            },
            Self::Or(left, right) => match left.joined(input, scope) {
                Tri::Known { holds: false, .. } => right.joined(input, scope),
                decided => decided,
            },
            Self::Not(inner) => match inner.joined(input, scope) {
                Tri::Known { holds, seen } => Tri::Known { holds: !holds, seen },
                unknown => unknown,
            },
        }
    }

    /// A path and a value there that make this true.
    pub(super) fn satisfied_by(&self, scope: &Scope) -> Option<(Vec<Value>, Value)> {
        let (path, value) = match self {
            Self::Truth(path) => (path.clone(), Value::Bool(true)),
            Self::Has(path, key) => {
                let mut whole = path.clone();
                whole.push(key.clone());
                (whole, Value::from("example"))
            }
            Self::Compare(left, comparison, right) => satisfying(left, *comparison, right, scope)?,
            Self::Not(inner) => match inner.as_ref() {
                Self::Truth(path) => (path.clone(), Value::Bool(false)),
                _ => return None,
            },
            Self::And(..) | Self::Or(..) => return None,
        };
        let document = holding(&path, value.clone())?;
        matches!(self.judge(&document, scope), Tri::Known { holds: true, .. }).then_some((path, value))
    }
}

impl Operand {
    /// # Errors
    /// Why there is no value: the path is not there, the variable is not bound.
    pub(super) fn value<'a>(&'a self, input: &'a Value, scope: &'a Scope) -> Result<Cow<'a, Value>, String> {
        match self {
            Self::Path(path) => walk(input, path).map(Cow::Borrowed),
            Self::Length(path) => length(walk(input, path)?).map(Cow::Owned),
            Self::Type(path) => walk(input, path).map(|value| Cow::Owned(type_name(value).into())),
            Self::Literal(value) => Ok(Cow::Borrowed(value)),
            Self::Variable(name) => match scope.get(name) {
                Ok(bound) => Ok(Cow::Borrowed(&bound.value)),
                Err(unbound) => Err(unbound.to_string()),
            },
        }
    }

    pub(super) fn path(&self) -> Option<&Vec<Value>> {
        match self {
            Self::Path(path) | Self::Length(path) | Self::Type(path) => Some(path),
            Self::Literal(_) | Self::Variable(_) => None,
        }
    }
}

fn satisfying(left: &Operand, comparison: Comparison, right: &Operand, scope: &Scope) -> Option<(Vec<Value>, Value)> {
    let (looked, fixed, comparison) = match (left.path(), right.path()) {
        (Some(_), None) => (left, right, comparison),
        (None, Some(_)) => (right, left, mirrored(comparison)),
        _ => return None,
    };
    let wanted = fixed.value(&Value::Null, scope).ok()?.into_owned();
    let value = match looked {
        Operand::Path(_) => beside(&wanted, comparison)?,
        Operand::Length(_) => {
            let length = usize::try_from(beside(&wanted, comparison)?.as_u64()?).ok()?;
            if length > 4096 {
                return None;
            }
            Value::from("x".repeat(length))
        }
        Operand::Type(_) if comparison == Comparison::Equal => of_type(wanted.as_str()?)?,
        _ => return None,
    };
    Some((looked.path()?.clone(), value))
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::More,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::More => Comparison::Less,
        Comparison::AtLeast => Comparison::AtMost,
        same => same,
    }
}

/// A value that stands in this relation to `wanted`.
fn beside(wanted: &Value, comparison: Comparison) -> Option<Value> {
    let by = |step: i64| match wanted {
        Value::Number(number) => Some(match number.as_i64() {
            Some(whole) => Value::from(whole.checked_add(step)?),
            None => Number::from_f64(number.as_f64()? + f64::from(i32::try_from(step).ok()?)).map(Value::Number)?,
        }),
        _ => None,
    };
    match (comparison, wanted) {
        (Comparison::Equal | Comparison::AtMost | Comparison::AtLeast, _) => Some(wanted.clone()),
        (Comparison::More | Comparison::NotEqual, Value::String(text)) => Some(Value::from(format!("{text}x"))),
        (Comparison::NotEqual, Value::Null) => Some(Value::from("example")),
        (Comparison::NotEqual, Value::Bool(flag)) => Some(Value::Bool(!flag)),
        (Comparison::More | Comparison::NotEqual, _) => by(1),
        (Comparison::Less, _) => by(-1),
    }
}

fn of_type(name: &str) -> Option<Value> {
    Some(match name {
        "null" => Value::Null,
        "boolean" => Value::Bool(true),
        "number" => Value::from(1),
        "string" => Value::from("example"),
        "array" => Value::Array(Vec::new()),
        "object" => Value::Object(serde_json::Map::new()),
        _ => return None,
    })
}

/// The smallest document with `value` at `path`.
fn holding(path: &[Value], value: Value) -> Option<Value> {
    path.iter().rev().try_fold(value, |inner, key| match key {
        Value::String(key) => Some(serde_json::json!({ key: inner })),
        Value::Number(index) => {
            let index = usize::try_from(index.as_i64()?).ok().filter(|index| *index < 64)?;
            let mut items = vec![Value::Null; index];
            items.push(inner);
            Some(Value::Array(items))
        }
        _ => None,
    })
}

/// What stands at `path`.
///
/// # Errors
/// Which part of the path is not there, or cannot be.
pub(super) fn walk<'a>(input: &'a Value, path: &[Value]) -> Result<&'a Value, String> {
    let mut at = input;
    for (depth, key) in path.iter().enumerate() {
        let absent = || format!("`{}` is not there", written(&path[..=depth]));
        at = match (at, key) {
            (Value::Object(entries), Value::String(key)) => entries.get(key).ok_or_else(absent)?,
            (Value::Array(items), Value::Number(index)) => {
                position(index, items.len()).and_then(|index| items.get(index)).ok_or_else(absent)?
            }
            (Value::Null | Value::Object(_), _) => return Err(absent()),
            (other, _) => {
                let (whole, holder) = (written(&path[..=depth]), written(&path[..depth]));
                return Err(format!("`{whole}` is not there: `{holder}` is of type {}", type_name(other)));
            }
        };
    }
    Ok(at)
}

/// `-1` is the last of them.
fn position(index: &Number, length: usize) -> Option<usize> {
    let index = index.as_i64()?;
    let whole = usize::try_from(index.unsigned_abs()).ok()?;
    let index = if index < 0 { length.checked_sub(whole)? } else { whole };
    (index < length).then_some(index)
}

fn length(value: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::Null => Value::from(0),
        Value::Bool(_) => return Err(format!("{value} has no length")),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), ..) => Value::from(whole.unsigned_abs()),
            (None, Some(whole), _) => Value::from(whole),
            (None, None, float) => {
                float.and_then(|float| Number::from_f64(float.abs())).map_or(Value::Null, Value::Number)
            }
        },
        Value::String(text) => Value::from(text.chars().count()),
        Value::Array(items) => Value::from(items.len()),
        Value::Object(entries) => Value::from(entries.len()),
    })
}

pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// jq's order: null, booleans, numbers, strings, arrays, objects; within objects the sorted keys decide
/// before the values.
fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(l), Value::Bool(r)) => l.cmp(r),
        (Value::Number(l), Value::Number(r)) => number_order(l, r),
        (Value::String(l), Value::String(r)) => l.as_bytes().cmp(r.as_bytes()),
        (Value::Array(l), Value::Array(r)) => {
            let unequal = l.iter().zip(r).map(|(l, r)| order(l, r)).find(|order| order.is_ne());
            unequal.unwrap_or_else(|| l.len().cmp(&r.len()))
        }
        (Value::Object(l), Value::Object(r)) => {
            let (mut l, mut r): (Vec<_>, Vec<_>) = (l.iter().collect(), r.iter().collect());
            if l.is_empty() || r.is_empty() {
                return l.len().cmp(&r.len());
            }
            l.sort_by_key(|(key, _)| *key);
            r.sort_by_key(|(key, _)| *key);
            let by_keys = l.iter().map(|(key, _)| key).cmp(r.iter().map(|(key, _)| key));
            let by_values = l.iter().zip(&r).map(|((_, l), (_, r))| order(l, r)).find(|order| order.is_ne());
            by_keys.then(by_values.unwrap_or(Ordering::Equal))
        }
        _ => rank(left).cmp(&rank(right)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

fn number_order(left: &Number, right: &Number) -> Ordering {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    if let (Some(l), Some(r)) = (whole(left), whole(right)) {
        return l.cmp(&r);
    }
    let float = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
    float(left).partial_cmp(&float(right)).unwrap_or(Ordering::Less)
}

/// A path as a program writes it: `.a.b[0]`.
pub(super) fn written(path: &[Value]) -> String {
    let mut text = String::new();
    for key in path {
        match key {
            Value::String(key) if is_name(key) => text.push_str(&format!(".{key}")),
            Value::String(_) => text.push_str(&format!(".[{key}]")),
            other => text.push_str(&format!("[{other}]")),
        }
    }
    if text.starts_with('.') { text } else { format!(".{text}") }
}

fn is_name(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A value on one line, its tail left off where it is long: never more than is ever shown.
pub(super) fn compact(value: &Value) -> String {
    match value {
        Value::Array(items) if items.len() > 32 => format!("an array of {} items", items.len()),
        Value::Object(entries) if entries.len() > 32 => format!("an object of {} keys", entries.len()),
        other => other.to_string(),
    }
}
