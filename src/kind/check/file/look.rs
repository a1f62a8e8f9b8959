//! Reads the file of a `file` check, bounded and away from the runtime's threads.

use std::fs::File as Opened;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use http::HeaderValue;
use http::header::CONTENT_LENGTH;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::File;
use super::judge::{self, ABSENT, FUTURE, SUM, THERE};
use crate::base::regular;
use crate::base::template::Scope;
use crate::base::text::hex;
use crate::base::wire::{self, Cause};
use crate::clock;
use crate::kind::check::command::{apart, schema_answer};
use crate::kind::check::{Answer, Context, Ran, Seen};
use crate::kind::document::MOST;
use crate::kind::document::newest::{self, Found};
use crate::kind::exchange::fit;
use crate::kind::session::learn;
use crate::launch::verdict::Verdict;

/// Clocks of two machines may be this far apart.
const SKEW_MS: i64 = 60_000;
const CHUNK: usize = 256 << 10;

pub(super) async fn look(file: &File, cx: &Context) -> Ran {
    let scope = cx.values();
    let answer = match tokio::time::timeout(cx.timeout, see(file, cx, &scope)).await {
        Ok(answer) => answer,
        Err(_) => Err(Cause::Ours("the disk did not answer in time".to_owned())),
    };
    let mut answers = vec![(file.path.written(), answer)];
    answers.extend(schema_answer(file.expect.schema.as_ref(), cx).await);
    let seen = Seen { answers, control_answers: false };
    let jq = cx.jq.redacting(cx.redactor.clone());
    let captured = judge::captured(file, &seen, &scope, &jq).await;
    if cx.session.is_some() {
        captured.iter().for_each(|(_, value)| learn(value, &cx.redactor));
    }
    let report = judge::report(file, &seen, &scope, &jq).await;
    let captured: Vec<(String, Value)> = match report.verdict {
        Verdict::Pass | Verdict::Warn => captured,
        _ => Vec::new(),
    };
    if let Some(session) = &cx.session {
        captured.iter().for_each(|(name, value)| session.capture(name, value, &cx.redactor));
    }
    Ran { report: fit(report, &cx.redactor), captured }
}

async fn see(file: &File, cx: &Context, scope: &Scope) -> Result<Answer, Cause> {
    let path = file.path.text(&scope.without_secrets()).map_err(|unbound| Cause::Ours(unbound.to_string()))?;
    let summed = file.expect.sha256.is_some();
    let read = apart(&cx.base.join(path), move |path| read(path, summed)).await;
    let read = read.unwrap_or_else(|| Err(io::Error::other("the look was broken off")));
    let Some((found, sum)) = read.map_err(|error| Cause::Ours(error.to_string()))? else {
        return Ok(Answer { http: wire::Answer { status: ABSENT, ..wire::Answer::default() }, ..Answer::default() });
    };
    let age_ms = clock::wall().timestamp_millis().saturating_sub(found.about.modified_ms);
    let took = if age_ms < -SKEW_MS { FUTURE } else { Duration::from_millis(age_ms.max(0).unsigned_abs()) };
    let mut http = wire::Answer { status: THERE, took, ..wire::Answer::default() };
    if found.about.length > found.bytes.len() as u64 {
        http.headers.insert(CONTENT_LENGTH, found.about.length.into());
    }
    if let Some(sum) = sum.and_then(|sum| HeaderValue::from_str(&sum).ok()) {
        http.headers.insert(SUM, sum);
    }
    http.body = found.bytes.into();
    Ok(Answer { http, ..Answer::default() })
}

/// The file, and its sum where that is asked for and not all of it was kept.
fn read(path: &Path, summed: bool) -> io::Result<Option<(Found, Option<String>)>> {
    let Some(found) = newest::read(path, MOST)? else { return Ok(None) };
    let cut = found.about.length > found.bytes.len() as u64;
    let sum = (summed && cut).then(|| sum(regular::open(&found.path)?)).transpose()?;
    Ok(Some((found, sum)))
}

fn sum(mut file: Opened) -> io::Result<String> {
    let (mut sum, mut buffer) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&sum.finalize())),
            read => sum.update(&buffer[..read]),
        }
    }
}
