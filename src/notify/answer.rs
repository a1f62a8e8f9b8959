//! What came back of what was sent: it is there, it never will be, or it is sent again. One pure table.

use std::time::Duration;

use chrono::DateTime;

use crate::base::wire::{Answer, Cause};
use crate::launch::time::Wall;

/// No answer makes us wait for longer.
const LONGEST: Duration = Duration::from_secs(3_600);

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// The target has it.
    There { status: u16 },
    /// The target will not have this one, whenever it is sent: why.
    Never { why: String },
    /// It is sent again: why, not before this long, and whether it may be there already.
    Again { why: String, after: Option<Duration>, maybe: bool },
}

/// What `answer` says, read at `now`.
#[must_use]
pub fn came(answer: &Result<Answer, Cause>, now: Wall) -> Came {
    match answer {
        Ok(answer) => {
            let status = answer.status;
            let why = words(status);
            match status {
                200..300 => Came::There { status },
                // What is wrong with the message is wrong with it tomorrow.
                400 | 413 | 415 | 422 => Came::Never { why },
                // Taken or not: whoever failed may have failed after taking it.
                500..600 if status != 503 => Came::Again { why, after: retry_after(answer, now), maybe: true },
                // An address that is wrong, gone or closed to us may be put right; what waits is not lost for it.
                _ => Came::Again { why, after: retry_after(answer, now), maybe: false },
            }
        }
        Err(cause) => Came::Again { why: cause.words(), after: None, maybe: cause.may_have_arrived() },
    }
}

fn words(status: u16) -> String {
    let known = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    known.map_or_else(|| format!("answered {status}"), |reason| format!("answered {status} {reason}"))
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(answer: &Answer, now: Wall) -> Option<Duration> {
    let text = answer.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let span = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().unwrap_or_default(),
    };
    Some(span.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry: Option<&str>) -> Result<Answer, Cause> {
        let mut answer = Answer { status, ..Answer::default() };
        if let Some(retry) = retry {
            answer.headers.insert(http::header::RETRY_AFTER, retry.parse().expect("a value"));
        }
        Ok(answer)
    }

    #[test]
    fn every_answer_is_there_never_or_again() {
        let now: Wall = "2026-05-01T12:00:00Z".parse().expect("a time");
        for status in 100..=999 {
            let came = came(&answered(status, None), now);
            let wanted = match status {
                200..=299 => matches!(came, Came::There { .. }),
                400 | 413 | 415 | 422 => matches!(came, Came::Never { .. }),
                500 | 502 | 504 => matches!(came, Came::Again { maybe: true, .. }),
                429 | 503 | 401 | 404 | 301 => matches!(came, Came::Again { maybe: false, .. }),
                _ => matches!(came, Came::Again { .. }),
            };
            assert!(wanted, "{status}: {came:?}");
        }
    }

    #[test]
    fn a_limit_is_waited_for_as_long_as_the_target_says() {
        let now: Wall = "2026-05-01T12:00:00Z".parse().expect("a time");
        for (said, wanted) in [
            ("30", Some(30)),
            ("0", Some(0)),
            ("Fri, 01 May 2026 12:01:30 GMT", Some(90)),
            ("Fri, 01 May 2026 11:00:00 GMT", Some(0)),
            ("999999999", Some(3_600)),
            ("soon", None),
            ("-5", None),
        ] {
            let Came::Again { after, .. } = came(&answered(429, Some(said)), now) else { panic!("again: {said}") };
            assert_eq!(after.map(|after| after.as_secs()), wanted, "{said}");
        }
    }

    #[test]
    fn what_never_left_is_no_repeat_and_what_may_have_is_said_to_be_one() {
        let now = Wall::default();
        for (cause, wanted) in
            [(Cause::Refused, false), (Cause::NotResolved, false), (Cause::TimedOut, true), (Cause::Reset, true)]
        {
            let Came::Again { maybe, .. } = came(&Err(cause.clone()), now) else { panic!("again") };
            assert_eq!(maybe, wanted, "{cause:?}");
        }
    }
}
