//! The verdict on variables: one finding a variable, with all that is wrong with it and nothing of its value.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Env;
use super::rule::Rule;
use crate::base::template::{Scope, as_text};
use crate::kind::check::{Answer, Seen};
use crate::launch::verdict::{Finding, Report, Verdict};

/// What is expected of values without a rule; its last word is one of the placeholders.
pub(super) const NO_PLACEHOLDER: &str = "no placeholder such as changeme";
/// Names that one finding tells.
const TOLD: usize = 8;

/// Variables as they were found: name and value. What is set to nothing is not set.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    set: BTreeMap<String, String>,
    /// Their values refer to others, as nobody here can tell how.
    referring: Vec<String>,
    empty: Vec<String>,
}

impl Variables {
    /// From the document of a look or an example: texts, and what is neither text, number nor truth for a value
    /// that refers to others.
    pub(super) fn of(answer: &Answer) -> Result<Self, String> {
        let document = serde_json::from_slice::<Value>(&answer.http.body);
        let Ok(Value::Object(entries)) = document else { return Err("no variables".to_owned()) };
        let mut all = Self::default();
        for (name, value) in entries {
            match value {
                Value::Null => {}
                Value::Array(_) | Value::Object(_) => all.referring.push(name),
                scalar => {
                    let text = as_text(&scalar);
                    if text.trim().is_empty() {
                        all.empty.push(name);
                    } else {
                        all.set.insert(name, text);
                    }
                }
            }
        }
        Ok(all)
    }

    /// The value of `name`, where it is set to something.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.set.get(name).map(String::as_str)
    }
}

pub(super) fn report(env: &Env, seen: &Seen, scope: &Scope) -> Report {
    let source = env.source.words();
    let unknown = |why: String| {
        let finding = Finding::unknown("variables", "to be read", why.as_str());
        Report { summary: format!("{source}: {why}"), ..Report::of(vec![finding], Duration::ZERO) }
    };
    let variables = match seen.answers.first() {
        Some((_, Ok(answer))) => Variables::of(answer),
        Some((_, Err(cause))) => Err(cause.words()),
        None => Err("nobody looked".to_owned()),
    };
    match variables {
        Ok(variables) => judged(env, &variables, scope),
        Err(why) => unknown(why),
    }
}

pub(super) fn judged(env: &Env, variables: &Variables, scope: &Scope) -> Report {
    let mut findings: Vec<Finding> =
        env.rules.iter().map(|(name, rule)| one(name, rule, env, variables, scope)).collect();
    if env.everywhere {
        findings.push(everywhere(env, variables));
    }
    let wrong: Vec<String> = findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Pass)
        .map(|finding| format!("{} {}", finding.subject, finding.seen))
        .collect();
    let report = Report::of(findings, Duration::ZERO);
    match wrong.len() {
        0 => report,
        many => {
            let more = if many > TOLD { format!(" and {} more", many - TOLD) } else { String::new() };
            let told = wrong.into_iter().take(TOLD).collect::<Vec<_>>().join("; ");
            Report { summary: format!("{many} wrong: {told}{more}"), ..report }
        }
    }
}

fn one(name: &str, rule: &Rule, env: &Env, variables: &Variables, scope: &Scope) -> Finding {
    let expected = rule.words(scope);
    if variables.referring.iter().any(|other| other == name) {
        return Finding::unknown(name, expected, "refers to other variables: its value is not known here");
    }
    let Some(value) = variables.get(name) else {
        let empty = variables.empty.iter().any(|other| other == name);
        let seen = if empty { "set to nothing" } else { "not set" };
        return Finding::held(name, expected, seen, rule.absent || !rule.is_required(variables));
    };
    if rule.absent {
        return Finding::held(name, expected, "set", false);
    }
    match rule.mistakes(value, variables, &env.banned, scope) {
        Ok(wrong) if wrong.is_empty() => {
            Finding::held(name, expected, format!("set, {} characters", value.chars().count()), true)
        }
        Ok(wrong) => Finding::held(name, expected, format!("is {}", wrong.join(", ")), false),
        Err(why) => Finding::unknown(name, expected, why),
    }
}

/// Values without a rule of their own.
fn everywhere(env: &Env, variables: &Variables) -> Finding {
    let ruled = |name: &str| env.rules.iter().any(|(known, _)| known == name);
    let left = variables.set.iter().filter(|(name, _)| !ruled(name));
    let banned: Vec<&str> = left
        .filter(|(_, value)| env.banned.iter().any(|pattern| pattern.is_match(value)))
        .map(|(name, _)| name.as_str())
        .collect();
    let more = if banned.len() > TOLD { format!(" and {} more", banned.len() - TOLD) } else { String::new() };
    let unknown = |why: &str| Finding::unknown("every value", NO_PLACEHOLDER, why);
    if variables.set.is_empty() && variables.referring.is_empty() {
        return unknown("no variable is set at all");
    }
    if banned.is_empty() && variables.referring.iter().any(|name| !ruled(name)) {
        return unknown("a value refers to another, and what it comes to is not known here");
    }
    let seen = match banned.is_empty() {
        true => "none".to_owned(),
        false => format!("a placeholder in {}{more}", banned.iter().take(TOLD).copied().collect::<Vec<_>>().join(", ")),
    };
    Finding::held("every value", NO_PLACEHOLDER, seen, banned.is_empty())
}
