//! The examples of a `file` check: a good file made from plain expectations, and what would be seen if there
//! were one as an example says. In an example `status = 404` is a file that is not there, and `after` its age.

use super::judge::{ABSENT, THERE};
use super::{Expect, File};
use crate::base::template::Scope;
use crate::kind::check::http::answer;
use crate::kind::check::{Answered, Seen};
use crate::kind::document::{Good, Taken, lines};

pub(super) fn good(file: &File, scope: &Scope) -> Result<Answered, String> {
    let Expect { absent, size, sha256, text, text_absent, json, numbers, schema, .. } = file.expect.as_ref();
    if *absent {
        return Ok(Answered { status: Some(ABSENT), ..Answered::default() });
    }
    if sha256.is_some() {
        return Err("no text follows from its SHA-256: write an example".to_owned());
    }
    if schema.is_some() {
        return Err("what the schema asks for is not plain: write an example".to_owned());
    }
    let mut good = Good::default();
    good.hold(json, scope)?;
    numbers.iter().try_for_each(|number| number.derive(&mut good))?;
    for (path, value) in crate::kind::expect::skipped::derived(&file.skipped)? {
        good.put(&path, value)?;
    }
    for capture in &file.captures {
        match &capture.from {
            Taken::Json(program) => good.hand(&capture.name, program)?,
            Taken::Text(pattern) => return Err(format!("`{pattern}` captures from text: write an example")),
        }
    }
    let json = good.shape();
    if json.is_some() && !text.is_empty() {
        return Err("it holds JSON and text: write an example".to_owned());
    }
    let mut body = if json.is_some() { None } else { lines(text, text_absent)? };
    let least = size.map_or(0, |size| size.least);
    let length = body.as_ref().map_or(0, String::len) as u64;
    if least > 1 && (json.is_some() || length < least) {
        return Err("what makes it so long is not plain: write an example".to_owned());
    }
    if json.is_none() && body.is_none() {
        body = Some("all well".to_owned());
    }
    Ok(Answered { status: Some(THERE), json, body, ..Answered::default() })
}

pub(super) fn seen(file: &File, example: &Answered, scope: &Scope) -> Seen {
    let status = example.status.unwrap_or(THERE);
    Seen { answers: vec![(file.path.written(), answer(example, status, scope))], control_answers: false }
}
