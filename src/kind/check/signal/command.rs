//! A number out of the standard output of a program: all of it, a place in its JSON, or what a pattern finds. The
//! exit code is looked at besides: a number of a program that failed is none.

use bytes::Bytes;
use regex::Regex;

use super::ask::Brought;
use super::judge::Reading;
use crate::base::jq::{Jq, Program};
use crate::base::proc;
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::base::wire::{self, Cause};
use crate::kind::check::{Answer, Context, Ended, Seen};
use crate::kind::document::find::find;
use crate::kind::invocation::Invocation;
use crate::launch::verdict::{Finding, Outcome};

/// Bytes of standard output that a number is looked for in.
const MOST: usize = 1 << 20;

/// A program, and where in its output the number is.
#[derive(Debug, Clone)]
pub struct Command {
    pub invocation: Invocation,
    pub(super) place: Place,
    pub(super) samples: Option<Program>,
}

#[derive(Debug, Clone)]
pub(super) enum Place {
    /// It is all there is.
    Whole,
    Json(Program),
    /// Its one group, which must match once.
    Pattern(Regex),
}

/// Reads what stands beside `command`.
pub(super) fn read(table: &Table<'_>, jq: Option<Program>, samples: Option<Program>) -> Option<Command> {
    let invocation = Invocation::read(table);
    let pattern = table.text("regex").and_then(|text| match Regex::new(&text.value) {
        Ok(pattern) if pattern.captures_len() == 2 => Some(pattern),
        Ok(_) => {
            table.wrong_value(text.span, "`regex` needs one group, around the number: `p95=([0-9.]+)ms`");
            None
        }
        Err(_) => {
            table.wrong_value(text.span, "`regex` is no regular expression");
            None
        }
    });
    if jq.is_some() && pattern.is_some() {
        table.wrong_value(table.span, "the number is found by `jq` or by `regex`, not by both");
    }
    if samples.is_some() && jq.is_none() {
        table.wrong_value(table.span, "`samples` is looked for in JSON: it needs `jq`");
    }
    let place = match (jq, pattern) {
        (Some(program), _) => Place::Json(program),
        (None, Some(pattern)) => Place::Pattern(pattern),
        (None, None) => Place::Whole,
    };
    Some(Command { invocation: invocation?, place, samples })
}

pub(super) async fn look(command: &Command, cx: &Context) -> Brought {
    let scope = super::ask::scope(cx);
    let answer = match command.invocation.command(&scope) {
        Ok(invoked) => Ok(answer(&proc::run(&invoked.program(&cx.base), cx.timeout, MOST).await)),
        Err(unbound) => Err(Cause::Ours(unbound.to_string())),
    };
    let seen = Seen { answers: vec![(command.invocation.written(), answer)], control_answers: false };
    Brought { seen, scope, asked: None }
}

fn answer(ended: &proc::Ended) -> Answer {
    // Half an output may hold half a number.
    let body = if ended.is_cut() { Bytes::new() } else { ended.stdout.clone() };
    let mut how = Ended::from(ended);
    how.error = how.error.or_else(|| ended.is_cut().then(|| format!("more than {} MiB of output", MOST >> 20)));
    let http = wire::Answer { body, took: ended.took, ..wire::Answer::default() };
    Answer { http, ended: Some(how), ..Answer::default() }
}

/// How the program ended.
pub(super) fn exit(answer: &Answer) -> Finding {
    let ended = answer.ended.clone().unwrap_or_default();
    let outcome = Outcome {
        exit: ended.exit,
        signal: ended.signal,
        error: ended.error,
        cancelled: ended.timed_out,
        ..Outcome::default()
    };
    let verdict = outcome.verdict(&[]);
    let stderr = String::from_utf8_lossy(&ended.stderr).trim().lines().next_back().unwrap_or_default().to_owned();
    let beside = find(&answer.http.body).1.words().map(|words| format!(", {words}")).unwrap_or_default();
    let said = if stderr.is_empty() { String::new() } else { format!(": {stderr}") };
    Finding { verdict, ..Finding::unknown("exit", "0", format!("{}{beside}{said}", outcome.words())) }
}

/// The number, and how many samples it is made of.
pub(super) async fn reading(command: &Command, body: &[u8], scope: &Scope, jq: &Jq) -> Reading {
    let text = String::from_utf8_lossy(body);
    let parsed = |text: &str| match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("its output is no number".to_owned()),
    };
    let by_jq = async |program: &Program| {
        let value = jq.value(program, &find(body).0?, scope).await?;
        value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| format!("{}: no number", program.text))
    };
    let value = match &command.place {
        Place::Whole if text.trim().is_empty() => Err("no output".to_owned()),
        Place::Whole => parsed(&text),
        Place::Json(program) => by_jq(program).await,
        Place::Pattern(pattern) => {
            let mut found = pattern.captures_iter(&text).filter_map(|found| found.get(1));
            match (found.next(), found.next()) {
                (Some(one), None) => parsed(one.as_str()),
                (None, _) => Err(format!("nothing matches {pattern}")),
                _ => Err(format!("more than one match of {pattern}")),
            }
        }
    };
    let samples = match &command.samples {
        Some(program) => Some(by_jq(program).await),
        None => None,
    };
    Reading { value, samples, age: None, warnings: Vec::new() }
}
