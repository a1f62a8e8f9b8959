//! Reads a window of a file or of a command's output. What is longer than the limits is said, not cut.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout};

use super::file::Growing;
use super::{Log, MOST_BYTES, MOST_LINES, Source, Window};
use crate::base::proc::{self, Program};
use crate::base::wire::{self, Cause};
use crate::kind::check::{Answer, Check, Context, Ended, Seen};
use crate::launch::verdict::Verdict;

/// How often a file is looked at for more.
const LOOK: Duration = Duration::from_millis(200);
/// How often what has come is judged, where the window ends once all has.
const JUDGE: Duration = Duration::from_millis(500);

/// What one look saw.
pub(super) async fn seen(log: &Log, cx: &Context) -> Seen {
    let began = Instant::now();
    let (label, answer) = match &log.source {
        Source::File(file) => match file.text(&cx.values()) {
            Ok(path) => (path.clone(), of_file(log, cx, &cx.base.join(path)).await),
            Err(unbound) => (file.written(), Err(Cause::Ours(unbound.to_string()))),
        },
        Source::Command(invocation) => match invocation.command(&cx.values()) {
            Ok(command) => (invocation.written(), of_command(log, cx, &command.program(&cx.base)).await),
            Err(unbound) => (invocation.written(), Err(Cause::Ours(unbound.to_string()))),
        },
    };
    let answer = answer.map(|(body, ended)| {
        let http = wire::Answer { body, took: began.elapsed(), ..wire::Answer::default() };
        Answer { http, ended, ..Answer::default() }
    });
    Seen { answers: vec![(label, answer)], control_answers: false }
}

type Found = Result<(Bytes, Option<Ended>), Cause>;

/// How long the window is; none where it is what there is now. The check has at least as long.
fn ends(log: &Log) -> Option<Duration> {
    match log.window {
        Window::Now => None,
        Window::For(span) | Window::Within(span) => Some(span),
    }
}

async fn of_file(log: &Log, cx: &Context, path: &Path) -> Found {
    let wrong = |error: io::Error| Cause::Ours(format!("{}: {error}", path.display()));
    let mut tail = Growing::open(path, log.begin).map_err(wrong)?;
    let began = Instant::now();
    let (mut kept, mut judged) = (Vec::new(), began);
    loop {
        tail.read(&mut kept, MOST_BYTES + 1).map_err(wrong)?;
        fits(&kept)?;
        let Some(span) = ends(log) else { break };
        if began.elapsed() >= span {
            break;
        }
        if judged.elapsed() >= JUDGE {
            judged = Instant::now();
            if is_satisfied(log, cx, &kept).await {
                break;
            }
        }
        sleep(LOOK.min(span.saturating_sub(began.elapsed()))).await;
    }
    Ok((kept.into(), None))
}

async fn of_command(log: &Log, cx: &Context, program: &Program) -> Found {
    let Some(span) = ends(log) else {
        let ended = proc::run(program, cx.timeout, MOST_BYTES).await;
        if ended.is_cut() {
            return Err(too_much());
        }
        fits(&ended.stdout)?;
        if ended.timed_out {
            return Err(Cause::Ours("the command did not end: say `for` or `within` to follow it".to_owned()));
        }
        let how = Ended::from(&ended);
        return Ok((ended.stdout, Some(how)));
    };
    let mut follower = proc::follow(program).map_err(Cause::Ours)?;
    let began = Instant::now();
    let (mut kept, mut judged) = (Vec::new(), began);
    loop {
        let left = span.saturating_sub(began.elapsed());
        match timeout(left.min(JUDGE), follower.next()).await {
            Ok(Some(line)) => {
                kept.extend_from_slice(line.text.as_bytes());
                kept.push(b'\n');
                fits(&kept)?;
            }
            // It ended by itself: of the rest of the window nothing is known.
            Ok(None) if matches!(log.window, Window::For(_)) => {
                return Err(Cause::Ours("the command ended before its window".to_owned()));
            }
            Ok(None) => {
                let how = Ended::from(&follower.ended().await);
                return Ok((kept.into(), Some(how)));
            }
            Err(_) => {}
        }
        if began.elapsed() >= span {
            break;
        }
        if judged.elapsed() >= JUDGE {
            judged = Instant::now();
            if is_satisfied(log, cx, &kept).await {
                break;
            }
        }
    }
    // We end it here, so how it ended says nothing.
    Ok((kept.into(), Some(Ended::default())))
}

/// Whether everything has come that only time can bring. What must never come is looked at when the time is up.
async fn is_satisfied(log: &Log, cx: &Context, kept: &[u8]) -> bool {
    if !matches!(log.window, Window::Within(_)) || !log.expect.asks_for_something() {
        return false;
    }
    let answer =
        Answer { http: wire::Answer { body: kept.to_vec().into(), ..wire::Answer::default() }, ..Answer::default() };
    let seen = Seen { answers: vec![(String::new(), Ok(answer))], control_answers: false };
    log.judge(&seen, &cx.values(), &cx.jq).await.verdict == Verdict::Pass
}

fn fits(kept: &[u8]) -> Result<(), Cause> {
    let lines = || kept.iter().filter(|byte| **byte == b'\n').count();
    if kept.len() > MOST_BYTES || lines() > MOST_LINES { Err(too_much()) } else { Ok(()) }
}

fn too_much() -> Cause {
    Cause::Ours(format!("more than {} MiB or {MOST_LINES} lines in the window: narrow it", MOST_BYTES >> 20))
}
