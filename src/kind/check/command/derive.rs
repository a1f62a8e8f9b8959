//! The examples of a `command` check: what a program says where all is well, made from plain expectations, and
//! what would be seen if it said what an example says.

use serde_json::Value;

use super::judge::OUTPUT;
use super::{Command, Expect, Taken};
use crate::base::template::{Scope, Shape};
use crate::kind::check::http::answer;
use crate::kind::check::{Answer, Answered, Ended, Seen};
use crate::kind::document::{Good, lines};
use crate::launch::verdict::{Outcome, Verdict};

/// The lowest exit code that passes.
fn passing(command: &Command) -> Option<i32> {
    let passes = |exit: &i32| {
        let outcome = Outcome { exit: Some(*exit), ..Outcome::default() };
        outcome.verdict(&command.exits) == Verdict::Pass
    };
    (0..=255).find(passes)
}

pub(super) fn good(command: &Command, scope: &Scope) -> Result<Answered, String> {
    let Expect { stdout, stdout_absent, stderr, json, numbers, .. } = command.expect.as_ref();
    let exit = passing(command).ok_or("no exit code passes")?;
    let (mut own, mut of_file) = (Good::default(), Good::default());
    own.hold(json, scope)?;
    numbers.iter().try_for_each(|number| number.derive(&mut own))?;
    if let Some(output) = &command.output {
        of_file.hold(&output.json, scope)?;
        if output.schema.is_some() {
            return Err("what the schema asks for is not plain: write an example".to_owned());
        }
    }
    let document = if command.output.is_some() { &mut of_file } else { &mut own };
    for (path, value) in crate::kind::expect::skipped::derived(&command.skipped)? {
        document.put(&path, value)?;
    }
    for capture in &command.captures {
        match &capture.from {
            Taken::Json(program) => document.hand(&capture.name, program)?,
            Taken::Text(pattern) => return Err(format!("`{pattern}` captures from text: write an example")),
        }
    }
    if command.asks_json() && !stdout.is_empty() {
        return Err("it says JSON and text: write an example".to_owned());
    }
    let text = if command.asks_json() { None } else { lines(stdout, stdout_absent)? };
    let stderr = lines(stderr, &[])?;
    let mut good = Answered { exit: Some(exit), stdout: text, stderr, ..Answered::default() };
    if command.output.is_some() {
        good.stdout = if command.asks_json() { own.text() } else { good.stdout };
        good.json = Some(of_file.shape().unwrap_or(Shape::Plain(Value::Object(serde_json::Map::new()))));
    } else {
        good.json = own.shape();
    }
    Ok(good)
}

pub(super) fn seen(command: &Command, example: &Answered, scope: &Scope) -> Seen {
    let said = match (&example.stdout, &command.output) {
        (Some(stdout), _) => Answered { body: Some(stdout.clone()), ..Answered::default() },
        (None, Some(_)) => Answered::default(),
        (None, None) => Answered { json: example.json.clone(), body: example.body.clone(), ..Answered::default() },
    };
    let stderr = example.stderr.clone().unwrap_or_default().into();
    let exit = example.exit.or_else(|| passing(command));
    let ended = Ended { exit, stderr, ..Ended::default() };
    let first = answer(&said, 0, scope).map(|answer| Answer { ended: Some(ended), ..answer });
    let mut answers = vec![(command.invocation.written(), first)];
    if command.output.is_some() {
        let status = if example.json.is_some() || example.body.is_some() { 200 } else { 404 };
        let Answered { json, body, after, .. } = example.clone();
        let file = Answered { json, body, after, ..Answered::default() };
        answers.push((OUTPUT.to_owned(), answer(&file, status, scope)));
    }
    Seen { answers, control_answers: false }
}
