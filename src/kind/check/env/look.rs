//! Reads the variables of an `env` check. What may be a secret is known to the redactor before it is judged.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::{Env, Source, judge, variables};
use crate::base::regular;
use crate::base::template::Scope;
use crate::base::wire::{self, Cause};
use crate::kind::check::command::{apart, run_for};
use crate::kind::check::{Answer, Context, Ran, Seen};
use crate::kind::exchange::fit;

/// Bytes of a file of variables.
const MOST: u64 = 1 << 20;

/// Names that say themselves that they hold a secret.
static SECRET: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("(?i)secret|token|key|pass|dsn|url|auth|cred|hmac|jwt|sign|private|salt").ok());

pub(super) async fn look(env: &Env, cx: &Context) -> Ran {
    let scope = cx.values();
    let answer = read(env, cx, &scope).await.map(|variables| {
        learn(env, &variables, cx, &scope);
        let body = Value::Object(variables).to_string().into();
        Answer { http: wire::Answer { body, ..wire::Answer::default() }, ..Answer::default() }
    });
    let answer = answer.map_err(Cause::Ours);
    let seen = Seen { answers: vec![(env.source.words(), answer)], control_answers: false };
    let report = judge::report(env, &seen, &scope);
    Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
}

async fn read(env: &Env, cx: &Context, scope: &Scope) -> Result<Map<String, Value>, String> {
    match &env.source {
        Source::Process => Ok(of_process(env)),
        Source::File(file) => {
            let file = file.text(&scope.without_secrets()).map_err(|unbound| unbound.to_string())?;
            let read = apart(&cx.base.join(&file), |path| regular::read(path, MOST)).await;
            let bytes = read.ok_or("the look was broken off")?.map_err(|error| error.to_string())?;
            let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
            variables::dotenv(&text)
        }
        Source::Command(invocation) => {
            let ended = run_for(invocation, cx, scope).await.map_err(|cause| cause.words())?;
            let last =
                String::from_utf8_lossy(ended.stderr_lines()).trim().lines().last().unwrap_or_default().to_owned();
            let said = if last.is_empty() { String::new() } else { format!(": {last}") };
            if let Some(error) = ended.error {
                return Err(error);
            }
            if ended.timed_out {
                return Err("its time was up".to_owned());
            }
            match ended.exit {
                Some(0) if ended.is_cut() => Err(format!("it said more than {} bytes", ended.stdout.len())),
                Some(0) => match variables::printed(&String::from_utf8_lossy(&ended.stdout))? {
                    none if none.is_empty() => Err("it said no variables".to_owned()),
                    some => Ok(some),
                },
                Some(code) => Err(format!("exit {code}{said}")),
                None => Err(format!("ended by signal {}{said}", ended.signal.unwrap_or_default())),
            }
        }
    }
}

/// Those alone that the rules name: the rest of this process is nobody's business.
fn of_process(env: &Env) -> Map<String, Value> {
    let named = env.rules.iter().flat_map(|(name, rule)| {
        let others = rule.required_if.iter().map(|(name, _)| name).chain(&rule.same_as);
        std::iter::once(name).chain(others)
    });
    let value = |name: &String| {
        let value = std::env::var_os(name)?.to_string_lossy().into_owned();
        Some((name.clone(), Value::String(value)))
    };
    named.filter(|name| !name.is_empty() && !name.contains(['=', '\0'])).filter_map(value).collect()
}

/// What the plan states, or calls public, is no secret, and a plain word under a name that says nothing of one
/// (`production`) would make ordinary text unreadable.
fn learn(env: &Env, variables: &Map<String, Value>, cx: &Context, scope: &Scope) {
    for (name, value) in variables {
        let Value::String(value) = value else { continue };
        let rule = env.rules.iter().find(|(known, _)| known == name).map(|(_, rule)| rule);
        let open = rule.is_some_and(|rule| rule.public || rule.states(value, scope));
        if !open && (by_name(name) || !is_word(value)) {
            cx.redactor.learn(value);
        }
    }
}

fn by_name(name: &str) -> bool {
    SECRET.as_ref().is_none_or(|pattern| pattern.is_match(name))
}

fn is_word(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphabetic()) || value.chars().all(|c| c.is_ascii_digit())
}
