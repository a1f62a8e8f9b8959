//! The examples of an `env` check: variables that keep all rules, and what would be seen of an example's.

use serde_json::{Map, Value};

use super::Env;
use super::judge::{Variables, judged};
use super::rule::Rule;
use crate::base::template::{Scope, Shape};
use crate::kind::check::http::answer;
use crate::kind::check::{Answered, Seen};
use crate::launch::verdict::Verdict;

/// A value that nobody has.
const VALUE: &str = "k9Zq2vT7";

pub(super) fn good(env: &Env, scope: &Scope) -> Result<Answered, String> {
    let mut all = Map::new();
    for (name, rule) in env.rules.iter().filter(|(_, rule)| !rule.absent) {
        if let Some((other, value)) = rule.required_if.first() {
            all.entry(other.clone()).or_insert_with(|| Value::String(value.clone()));
        }
        let value = Value::String(value(name, rule, scope)?);
        all.entry(name.clone()).or_insert(value);
    }
    for (name, rule) in &env.rules {
        if let Some(same) = rule.same_as.as_ref().and_then(|other| all.get(other)).cloned() {
            all.insert(name.clone(), same);
        }
    }
    if all.is_empty() {
        all.insert("NAME".to_owned(), Value::String(VALUE.to_owned()));
    }
    let good = Answered { json: Some(Shape::Plain(Value::Object(all))), ..Answered::default() };
    let seen = seen(env, &good, scope);
    let variables = match seen.answers.first() {
        Some((_, Ok(answer))) => Variables::of(answer)?,
        _ => return Err("no variables".to_owned()),
    };
    let report = judged(env, &variables, scope);
    match report.findings.iter().find(|finding| finding.verdict != Verdict::Pass) {
        Some(wrong) => Err(format!("what `{}` must be is not plain: write an example", wrong.subject)),
        None => Ok(good),
    }
}

fn value(name: &str, rule: &Rule, scope: &Scope) -> Result<String, String> {
    if let Some(stated) = rule.equals.as_ref().or_else(|| rule.one_of.first()) {
        return stated.text(scope).map_err(|unbound| unbound.to_string());
    }
    if !rule.matches.is_empty() {
        return Err(format!("what matches the patterns of `{name}` is not plain: write an example"));
    }
    let mut value = match (&rule.url, rule.int) {
        (Some(address), _) => {
            let scheme = address.schemes.first().map_or("https", String::as_str);
            let user = if address.password { format!("u:{VALUE}@") } else { String::new() };
            format!("{scheme}://{user}launch.test/")
        }
        (None, Some(range)) => return Ok(range.min.or(range.max).unwrap_or(1).to_string()),
        (None, None) => VALUE.to_owned(),
    };
    while rule.min_length.is_some_and(|least| value.chars().count() < least) {
        value.push_str(VALUE);
    }
    Ok(value)
}

pub(super) fn seen(env: &Env, example: &Answered, scope: &Scope) -> Seen {
    Seen { answers: vec![(env.source.words(), answer(example, 0, scope))], control_answers: false }
}
