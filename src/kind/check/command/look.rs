//! Runs the program of a `command` check and reads the file it wrote. Values it captured are known to the
//! redactor before anything of it is kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use serde_json::Value;

use super::judge::{self, OUTPUT, SCHEMA};
use super::{Command, Output};
use crate::base::proc::{self, Program};
use crate::base::regular;
use crate::base::template::Scope;
use crate::base::wire::{self, Cause};
use crate::clock;
use crate::kind::check::{Answer, Context, Ran, Seen};
use crate::kind::document::newest::{self, About, Found};
use crate::kind::document::schema::MOST_SCHEMA;
use crate::kind::document::{MOST, Schema};
use crate::kind::exchange::{self, fit};
use crate::kind::invocation::Invocation;
use crate::kind::session::learn;
use crate::launch::verdict::Verdict;

/// A file that was written this much before the start may still be of this run: clocks of file systems are
/// coarse. That it is another file than before is asked in any case.
const COARSE_MS: i64 = 2_000;

pub(super) async fn look(command: &Command, cx: &Context) -> Ran {
    let scope = cx.values();
    let (seen, said) = see(command, cx, &scope).await;
    // What the evaluator says is cut: it must know what to take out first.
    let jq = cx.jq.redacting(cx.redactor.clone());
    let captured = judge::captured(command, &seen, &scope, &jq).await;
    // Outside a session it is no secret: a version, say, that every text may show.
    if cx.session.is_some() {
        captured.iter().for_each(|(_, value)| learn(value, &cx.redactor));
    }
    let mut report = judge::report(command, &seen, &scope, &jq).await;
    // A value out of a wrong answer is no base for what comes after.
    let captured: Vec<(String, Value)> = match report.verdict {
        Verdict::Pass | Verdict::Warn => captured,
        _ => Vec::new(),
    };
    if let Some(session) = &cx.session {
        captured.iter().for_each(|(name, value)| session.capture(name, value, &cx.redactor));
    }
    if let Some(left) = said.as_ref().and_then(left_words) {
        report.summary.push_str(&left);
    }
    report.exchange = said.map(|said| exchange::ran(&command.invocation.written(), &said, &cx.redactor));
    Ran { report: fit(report, &cx.redactor), captured }
}

/// What of the program did not end with it.
fn left_words(ended: &proc::Ended) -> Option<String> {
    let many = |count: usize| format!("{count} process{}", if count == 1 { "" } else { "es" });
    match (ended.survivors, ended.left_behind, ended.held_open) {
        (0, 0, false) => None,
        (0, 0, true) => Some(" · its output is still held open from outside".to_owned()),
        (0, left, _) => Some(format!(" · left {} behind, ended by us", many(left))),
        (still, ..) => Some(format!(" · {} still alive after KILL", many(still))),
    }
}

async fn see(command: &Command, cx: &Context, scope: &Scope) -> (Seen, Option<proc::Ended>) {
    let label = command.invocation.written();
    let nothing = |cause: Cause| (Seen { answers: vec![(label.clone(), Err(cause))], control_answers: false }, None);
    let program = match program(&command.invocation, cx, scope) {
        Ok(program) => program,
        Err(cause) => return nothing(cause),
    };
    let file = command.output.as_ref().map(|output| path_of(output, &program, scope)).transpose();
    let file = match file {
        Ok(file) => file,
        Err(cause) => return nothing(cause),
    };
    let before = match &file {
        Some(file) => apart(file, newest::about).await.flatten(),
        None => None,
    };
    let began_ms = clock::wall().timestamp_millis();
    let ended = proc::run(&program, cx.timeout, MOST).await;
    let mut answers = vec![(label, Ok(answer_of(&ended)))];
    if let Some(file) = &file {
        let found = apart(file, |path| newest::read(path, MOST)).await;
        let found = found.unwrap_or_else(|| Err(std::io::Error::other("the look was broken off")));
        let answer = match found {
            Ok(found) => Ok(file_answer(found, before, began_ms)),
            Err(error) => Err(Cause::Ours(format!("{}: {error}", file.display()))),
        };
        answers.push((OUTPUT.to_owned(), answer));
    }
    let schema = command.output.as_ref().and_then(|output| output.schema.as_ref());
    answers.extend(schema_answer(schema, cx).await);
    (Seen { answers, control_answers: false }, Some(ended))
}

/// What a file's schema is read from; none where the plan holds it.
pub(crate) async fn schema_answer(schema: Option<&Schema>, cx: &Context) -> Option<(String, Result<Answer, Cause>)> {
    let Some(Schema::File(file)) = schema else { return None };
    let read = apart(&cx.base.join(file), |path| regular::read(path, MOST_SCHEMA)).await;
    let answer = match read {
        Some(Ok(bytes)) => {
            Ok(Answer { http: wire::Answer { body: bytes.into(), ..wire::Answer::default() }, ..Answer::default() })
        }
        Some(Err(error)) => Err(Cause::Ours(error.to_string())),
        None => Err(Cause::Ours("the look was broken off".to_owned())),
    };
    Some((SCHEMA.to_owned(), answer))
}

/// Off the runtime's threads: a disk may hang.
pub(crate) async fn apart<T: Send + 'static>(path: &Path, look: impl FnOnce(&Path) -> T + Send + 'static) -> Option<T> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || look(&path)).await.ok()
}

fn program(invocation: &Invocation, cx: &Context, scope: &Scope) -> Result<Program, Cause> {
    let command = invocation.command(scope).map_err(|unbound| Cause::Ours(unbound.to_string()))?;
    Ok(command.program(&cx.base))
}

/// Runs what an invocation says, and no more.
///
/// # Errors
/// A name without a value.
pub(crate) async fn run_for(invocation: &Invocation, cx: &Context, scope: &Scope) -> Result<proc::Ended, Cause> {
    let program = program(invocation, cx, scope)?;
    Ok(proc::run(&program, cx.timeout, MOST).await)
}

fn path_of(output: &Output, program: &Program, scope: &Scope) -> Result<PathBuf, Cause> {
    let file = output.file.text(&scope.without_secrets()).map_err(|unbound| Cause::Ours(unbound.to_string()))?;
    Ok(program.cwd.as_deref().unwrap_or(Path::new(".")).join(file))
}

/// How a program ended, as a check looks at it.
fn answer_of(ended: &proc::Ended) -> Answer {
    let mut http = wire::Answer { body: ended.stdout.clone(), took: ended.took, ..wire::Answer::default() };
    if ended.is_cut() {
        http.headers.insert(CONTENT_LENGTH, ended.stdout_bytes.into());
    }
    Answer { http, ended: Some(ended.into()), ..Answer::default() }
}

/// The output file. What it took is by how much it is older than this run; nothing where it is of this run.
fn file_answer(found: Option<Found>, before: Option<(PathBuf, About)>, began_ms: i64) -> Answer {
    let Some(Found { path, about, bytes }) = found else {
        return Answer { http: wire::Answer { status: 404, ..wire::Answer::default() }, ..Answer::default() };
    };
    let since = about.modified_ms.saturating_sub(began_ms);
    let untouched = before.is_some_and(|(known, was)| known == path && was == about);
    let age = Duration::from_millis(since.min(0).unsigned_abs());
    let took = match untouched || since < -COARSE_MS {
        true => age.max(Duration::from_millis(1)),
        false => Duration::ZERO,
    };
    let mut http = wire::Answer { status: 200, took, ..wire::Answer::default() };
    if about.length > bytes.len() as u64 {
        http.headers.insert(CONTENT_LENGTH, about.length.into());
    }
    http.body = bytes.into();
    Answer { http, ..Answer::default() }
}
