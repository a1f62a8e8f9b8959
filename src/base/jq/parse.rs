//! Reading a program with jaq's parser: its mistakes in words, its variables, the paths it looks at,
//! and whether it is plain. Reading never evaluates.

use jaq_core::load::lex::{Lexer, StrPart, Token};
use jaq_core::load::parse::{BinaryOp, Def, Parser, Pattern, Term};
use jaq_core::load::span;
use jaq_core::ops::Cmp;
use jaq_core::path::{Opt, Part, Path};
use serde_json::{Number, Value};

use super::plain::{Comparison, Operand, Plain};
use super::{Parsed, engine};

/// Bytes of a program. Parser, compiler and the tree's own end recurse with the program's depth, which its
/// length bounds: [`STACK`] holds the deepest program of this length (a test tries them).
const LONGEST: usize = 4096;
/// A program up to this length is read on the caller's stack.
const SHORT: usize = 96;
/// Bytes of stack for reading a longer one; only pages that are touched are ever there.
const STACK: usize = 256 << 20;
/// Depth of `and`, `or`, `not` in a program that counts as plain.
const PLAIN_DEPTH: usize = 32;

/// # Errors
/// The first mistake, as a sentence's end.
pub(super) fn read(text: &str) -> Result<Parsed, String> {
    if text.len() > LONGEST {
        return Err(format!("a program of {} bytes is longer than the {LONGEST} it may have", text.len()));
    }
    if text.len() <= SHORT {
        return analyse(text);
    }
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || analyse(text));
        let reader = reader.map_err(|error| format!("no thread to read the program: {error}"))?;
        reader.join().unwrap_or_else(|_| Err("jaq's parser gave up on it".into()))
    })
}

fn analyse(text: &str) -> Result<Parsed, String> {
    let tokens = Lexer::new(text).lex().map_err(|errors| match errors.first() {
        Some((expected, at)) => format!("expected {}{}", expected.as_str(), place(text, at)),
        None => "not a jq program".into(),
    })?;
    let term = Parser::new(&tokens).parse(|parser| parser.term()).map_err(|errors| match errors.first() {
        Some((expected, found)) => {
            let expected = match expected.as_str() {
                "" | "nothing" => "the end",
                other => other,
            };
            format!("expected {expected}{}", place(text, Token::opt_as_str(*found, text)))
        }
        None => "not a jq program".into(),
    })?;
    let mut variables = Vec::new();
    free(&term, &mut Vec::new(), &mut variables);
    let assertion = plain(&term, &[], 0);
    let value = operand(&term, &[]).filter(|operand| operand.path().is_some());
    if assertion.is_none() && value.is_none() {
        engine::compile(text, &variables)?;
    }
    let mut paths = Vec::new();
    looks(&term, Some(&[]), &mut paths);
    Ok(Parsed { variables, paths, assertion, value })
}

fn place(text: &str, at: &str) -> String {
    if at.is_empty() {
        return ", found the end of the program".into();
    }
    let column = text[..span(text, at).start].chars().count() + 1;
    let found: String = at.chars().take(12).collect();
    format!(", found `{found}` at character {column}")
}

/// Gathers variables that nothing inside the program binds.
fn free<'s>(term: &Term<&'s str>, bound: &mut Vec<&'s str>, found: &mut Vec<String>) {
    let depth = bound.len();
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Arr(None) | Term::Break(_) => {}
        Term::Var(name) => {
            let plain = name.trim_start_matches('$');
            if !bound.contains(name) && !found.iter().any(|known| known == plain) {
                found.push(plain.to_owned());
            }
        }
        Term::Str(_, parts) => parts.iter().for_each(|part| {
            if let StrPart::Term(term) = part {
                free(term, bound, found);
            }
        }),
        Term::Arr(Some(inner)) | Term::Neg(inner) | Term::Label(_, inner) => free(inner, bound, found),
        Term::Obj(entries) => entries.iter().for_each(|(key, value)| {
            free(key, bound, found);
            value.iter().for_each(|value| free(value, bound, found));
        }),
        Term::BinOp(left, op, right) => {
            free(left, bound, found);
            if let BinaryOp::Pipe(Some(pattern)) = op {
                binds(pattern, bound, found);
            }
            free(right, bound, found);
        }
        Term::Fold(_, over, pattern, arguments) => {
            free(over, bound, found);
            let mut arguments = arguments.iter();
            arguments.next().iter().for_each(|first| free(first, bound, found));
            binds(pattern, bound, found);
            arguments.for_each(|argument| free(argument, bound, found));
        }
        Term::TryCatch(inner, caught) => {
            free(inner, bound, found);
            caught.iter().for_each(|caught| free(caught, bound, found));
        }
        Term::IfThenElse(branches, otherwise) => {
            for (condition, then) in branches {
                free(condition, bound, found);
                free(then, bound, found);
            }
            otherwise.iter().for_each(|otherwise| free(otherwise, bound, found));
        }
        Term::Def(definitions, body) => {
            definitions.iter().for_each(|definition| defines(definition, bound, found));
            free(body, bound, found);
        }
        Term::Call(_, arguments) => arguments.iter().for_each(|argument| free(argument, bound, found)),
        Term::Path(head, path) => {
            free(head, bound, found);
            parts(path).for_each(|part| free(part, bound, found));
        }
    }
    bound.truncate(depth);
}

fn defines<'s>(definition: &Def<&'s str>, bound: &mut Vec<&'s str>, found: &mut Vec<String>) {
    let depth = bound.len();
    bound.extend(definition.args.iter().filter(|argument| argument.starts_with('$')));
    free(&definition.body, bound, found);
    bound.truncate(depth);
}

fn binds<'s>(pattern: &Pattern<&'s str>, bound: &mut Vec<&'s str>, found: &mut Vec<String>) {
    match pattern {
        Pattern::Var(name) => bound.push(name),
        Pattern::Arr(patterns) => patterns.iter().for_each(|pattern| binds(pattern, bound, found)),
        Pattern::Obj(entries) => entries.iter().for_each(|(key, pattern)| {
            free(key, bound, found);
            binds(pattern, bound, found);
        }),
    }
}

fn parts<'t, 's>(path: &'t Path<Term<&'s str>>) -> impl Iterator<Item = &'t Term<&'s str>> {
    path.0
        .iter()
        .flat_map(|(part, _)| match part {
            Part::Index(key) => [Some(key), None],
            Part::Range(from, to) => [from.as_ref(), to.as_ref()],
        })
        .flatten()
}

/// Gathers plain paths; `at` is where the term's input stands in the document, None where it cannot be
/// seen. Answers where the term's output stands.
fn looks(term: &Term<&str>, at: Option<&[Value]>, found: &mut Vec<Vec<Value>>) -> Option<Vec<Value>> {
    match term {
        Term::Id => at.map(<[Value]>::to_vec),
        Term::Path(head, path) => {
            let start = looks(head, at, found)?;
            let (whole, complete) = along(&start, path);
            if whole.len() > start.len() && !found.contains(&whole) {
                found.retain(|known| *known != start || start.is_empty());
                found.push(whole.clone());
            }
            parts(path).for_each(|part| {
                looks(part, at, found);
            });
            complete.then_some(whole)
        }
        Term::BinOp(left, BinaryOp::Pipe(None), right) => {
            let middle = looks(left, at, found);
            looks(right, middle.as_deref(), found)
        }
        Term::BinOp(left, BinaryOp::Pipe(Some(_)) | BinaryOp::Comma | BinaryOp::Alt, right) => {
            looks(left, at, found);
            looks(right, at, found);
            None
        }
        Term::BinOp(left, _, right) => {
            for side in [left, right] {
                if matches!(**side, Term::Id)
                    && let Some(at) = at
                {
                    note_once(found, at);
                }
                looks(side, at, found);
            }
            None
        }
        Term::Call(name, arguments) => {
            match (*name, arguments.as_slice(), at) {
                ("has", [Term::Str(None, key)], Some(at)) => {
                    if let Some(key) = literal_text(key) {
                        let mut whole = at.to_vec();
                        whole.push(key.into());
                        note_once(found, &whole);
                    }
                }
                ("length" | "type" | "not" | "test" | "startswith" | "endswith" | "contains", _, Some(at)) => {
                    note_once(found, at);
                }
                ("select", [condition], at) => {
                    looks(condition, at, found);
                    return at.map(<[Value]>::to_vec);
                }
                _ => {}
            }
            None
        }
        Term::Arr(Some(inner)) | Term::Neg(inner) | Term::Label(_, inner) => {
            looks(inner, at, found);
            None
        }
        Term::Obj(entries) => {
            entries.iter().filter_map(|(_, value)| value.as_ref()).for_each(|value| {
                looks(value, at, found);
            });
            None
        }
        Term::Str(_, parts) => {
            parts.iter().for_each(|part| {
                if let StrPart::Term(term) = part {
                    looks(term, at, found);
                }
            });
            None
        }
        Term::TryCatch(inner, _) => looks(inner, at, found),
        Term::IfThenElse(branches, otherwise) => {
            for (condition, then) in branches {
                looks(condition, at, found);
                looks(then, at, found);
            }
            otherwise.iter().for_each(|otherwise| {
                looks(otherwise, at, found);
            });
            None
        }
        Term::Fold(_, over, _, _) => {
            looks(over, at, found);
            None
        }
        Term::Def(_, body) => looks(body, at, found),
        Term::Recurse | Term::Num(_) | Term::Arr(None) | Term::Break(_) | Term::Var(_) => None,
    }
}

fn note_once(found: &mut Vec<Vec<Value>>, path: &[Value]) {
    if !found.iter().any(|known| known == path) {
        found.push(path.to_vec());
    }
}

/// `start` and the literal keys of `path` behind it; false where the path goes on beyond them.
fn along(start: &[Value], path: &Path<Term<&str>>) -> (Vec<Value>, bool) {
    let mut whole = start.to_vec();
    for (part, _) in &path.0 {
        match part {
            Part::Index(key) => match literal(key) {
                Some(key @ (Value::String(_) | Value::Number(_))) => whole.push(key),
                _ => return (whole, false),
            },
            Part::Range(..) => return (whole, false),
        }
    }
    (whole, true)
}

fn plain(term: &Term<&str>, at: &[Value], depth: usize) -> Option<Plain> {
    if depth > PLAIN_DEPTH {
        return None;
    }
    let joined = |left: &Term<&str>, right: &Term<&str>| {
        Some((Box::new(plain(left, at, depth + 1)?), Box::new(plain(right, at, depth + 1)?)))
    };
    match term {
        Term::Id | Term::Path(..) => match operand(term, at)? {
            Operand::Path(path) => Some(Plain::Truth(path)),
            _ => None,
        },
        Term::Call("not", arguments) if arguments.is_empty() => Some(Plain::Not(Box::new(Plain::Truth(at.to_vec())))),
        Term::Call("has", arguments) => match arguments.as_slice() {
            [key] => match literal(key)? {
                key @ (Value::String(_) | Value::Number(_)) => Some(Plain::Has(at.to_vec(), key)),
                _ => None,
            },
            _ => None,
        },
        Term::BinOp(left, BinaryOp::Pipe(None), right) => match (&**right, operand(left, at)) {
            (Term::Call("not", arguments), _) if arguments.is_empty() => {
                Some(Plain::Not(Box::new(plain(left, at, depth + 1)?)))
            }
            (_, Some(Operand::Path(path))) => plain(right, &path, depth + 1),
            _ => None,
        },
        Term::BinOp(left, BinaryOp::And, right) => joined(left, right).map(|(l, r)| Plain::And(l, r)),
        Term::BinOp(left, BinaryOp::Or, right) => joined(left, right).map(|(l, r)| Plain::Or(l, r)),
        Term::BinOp(left, BinaryOp::Cmp(comparison), right) => {
            let comparison = match comparison {
                Cmp::Eq => Comparison::Equal,
                Cmp::Ne => Comparison::NotEqual,
                Cmp::Lt => Comparison::Less,
                Cmp::Le => Comparison::AtMost,
                Cmp::Gt => Comparison::More,
                Cmp::Ge => Comparison::AtLeast,
            };
            Some(Plain::Compare(operand(left, at)?, comparison, operand(right, at)?))
        }
        _ => None,
    }
}

fn operand(term: &Term<&str>, at: &[Value]) -> Option<Operand> {
    match term {
        Term::Id => Some(Operand::Path(at.to_vec())),
        Term::Path(head, path) if matches!(**head, Term::Id) => {
            let essential = path.0.iter().all(|(_, optional)| matches!(optional, Opt::Essential));
            let (whole, complete) = along(at, path);
            (essential && complete).then_some(Operand::Path(whole))
        }
        Term::Var(name) => Some(Operand::Variable(name.trim_start_matches('$').to_owned())),
        Term::Call("length", arguments) if arguments.is_empty() => Some(Operand::Length(at.to_vec())),
        Term::Call("type", arguments) if arguments.is_empty() => Some(Operand::Type(at.to_vec())),
        Term::BinOp(left, BinaryOp::Pipe(None), right) => match operand(left, at)? {
            Operand::Path(path) => match operand(right, &path)? {
                Operand::Literal(_) | Operand::Variable(_) => None,
                looked => Some(looked),
            },
            _ => None,
        },
        other => literal(other).map(Operand::Literal),
    }
}

/// Numbers, strings without interpolation, `true`, `false`, `null`.
fn literal(term: &Term<&str>) -> Option<Value> {
    match term {
        Term::Num(text) => number(text),
        Term::Neg(inner) => match &**inner {
            Term::Num(text) => number(&format!("-{text}")),
            _ => None,
        },
        Term::Str(None, parts) => literal_text(parts).map(Value::String),
        Term::Call("true", arguments) if arguments.is_empty() => Some(Value::Bool(true)),
        Term::Call("false", arguments) if arguments.is_empty() => Some(Value::Bool(false)),
        Term::Call("null", arguments) if arguments.is_empty() => Some(Value::Null),
        _ => None,
    }
}

fn number(text: &str) -> Option<Value> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return text.parse::<i64>().ok().map(Value::from);
    }
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}

fn literal_text(parts: &[StrPart<&str, Term<&str>>]) -> Option<String> {
    parts
        .iter()
        .map(|part| match part {
            StrPart::Str(text) => Some((*text).to_owned()),
            StrPart::Char(c) => Some(c.to_string()),
            StrPart::Term(_) => None,
        })
        .collect()
}
