//! What was sent and what came back, made fit to be kept and shown: secrets hidden, control sequences
//! gone, everything cut to the lengths below. What of a body is cut goes beside it, on its way to become an artifact.
//! It judges nothing.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use crate::base::secret::Redactor;
use crate::base::text::{cut, printable, printable_lines};
use crate::base::wire::{Answer, Cause, Request};
use crate::launch::artifact::Whole;
use crate::launch::verdict::{Exchange, Report};

/// What stands in the place of a value that is not shown.
pub const HIDDEN: &str = "(hidden)";
/// Columns of a finding's texts and of a summary.
pub const FINDING: usize = 400;
/// Columns of one header's value.
pub const HEADER: usize = 500;
/// Headers of one message.
pub const HEADERS: usize = 60;
/// Bytes of a body that a record holds.
pub const BODY: usize = 16 << 10;

/// Headers whose values are credentials by their nature, whatever they hold.
const CREDENTIALS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"];

/// `text` without secrets and control sequences, at most `columns` wide.
#[must_use]
pub fn shown(text: &str, columns: usize, redactor: &Redactor) -> String {
    // Twice: taking an escape sequence out may join the halves of a secret.
    cut(&redactor.text(&printable(&redactor.text(text))), columns)
}

/// A report as it may be kept: every text of it [`shown`].
#[must_use]
pub fn fit(mut report: Report, redactor: &Redactor) -> Report {
    report.summary = shown(&report.summary, FINDING, redactor);
    for finding in &mut report.findings {
        finding.row = finding.row.as_deref().map(|row| shown(row, FINDING, redactor));
        for text in [&mut finding.subject, &mut finding.expected, &mut finding.seen] {
            *text = shown(text, FINDING, redactor);
        }
    }
    report
}

/// The exchange as it may be kept.
#[must_use]
pub fn exchange(request: &Request, answer: Result<&Answer, &Cause>, redactor: &Redactor) -> Exchange {
    let mut told = Exchange {
        request: shown(&format!("{} {}", request.method, request.url), HEADER, redactor),
        request_headers: headers(request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())), redactor),
        ..Exchange::default()
    };
    // That the request's own is cut is told by what is kept of it.
    (told.request_body, _) =
        body("request body", request.body.as_ref().unwrap_or(&Bytes::new()), redactor, &mut told.whole);
    match answer {
        Ok(answer) => {
            told.response = status_words(answer.status);
            let lossy = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let all: Vec<(String, String)> =
                answer.headers.iter().map(|(name, value)| (name.to_string(), lossy(value))).collect();
            told.response_headers = headers(all.iter().map(|(name, value)| (name.as_str(), value.as_str())), redactor);
            (told.response_body, told.body_cut) = body("response body", &answer.body, redactor, &mut told.whole);
        }
        Err(cause) => told.response = shown(&cause.words(), FINDING, redactor),
    }
    told
}

/// What a program said, as it may be kept: its output, and its standard error behind that.
#[must_use]
pub fn ran(called: &str, ended: &crate::base::proc::Ended, redactor: &Redactor) -> Exchange {
    let end = match (&ended.error, ended.exit, ended.signal) {
        (Some(error), ..) => error.clone(),
        (None, Some(code), _) => format!("exit {code}"),
        (None, None, Some(signal)) => format!("signal {signal}"),
        (None, None, None) => "no end".to_owned(),
    };
    let end = if ended.timed_out { format!("its time was up: {end}") } else { end };
    let mut whole = Vec::new();
    let (out, out_cut) = body("stdout", &ended.stdout, redactor, &mut whole);
    // Its end, without secrets before it is cut: half of one would pass unknown.
    let clean = redactor.bytes(ended.stderr_lines());
    let last = Bytes::copy_from_slice(&clean[clean.len().saturating_sub(BODY)..]);
    let (err, err_cut) = body("stderr", &last, redactor, &mut Vec::new());
    if clean.len() > BODY {
        let cut = ended.stderr_bytes > ended.stderr.len() as u64;
        whole.push(Whole { name: "stderr", bytes: clean.into(), cut });
    }
    whole.iter_mut().filter(|whole| whole.name == "stdout").for_each(|whole| whole.cut |= ended.is_cut());
    let parts = [("", out), ("stderr:\n", err)].into_iter().filter(|(_, text)| !text.trim().is_empty());
    Exchange {
        request: shown(called, HEADER, redactor),
        response: shown(&end, FINDING, redactor),
        response_body: parts.map(|(head, text)| format!("{head}{text}")).collect::<Vec<_>>().join("\n"),
        body_cut: out_cut || err_cut || ended.is_cut() || ended.stderr_bytes > ended.stderr.len() as u64,
        whole,
        ..Exchange::default()
    }
}

/// `403 Forbidden`.
#[must_use]
pub fn status_words(status: u16) -> String {
    let known = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    known.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

/// What an error's body says about itself: its code and its message, where common shapes hold them
/// (`error.code`, `error.message`, `code`, `detail`, `message`, `title`). It is as the world wrote it, and
/// whole: [`fit`] takes secrets out of it, and cuts it after that.
#[must_use]
pub fn error_told(body: &Value) -> Option<String> {
    let text = |value: Option<&Value>| match value? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let inner = body.get("error");
    let code = text(inner.and_then(|error| error.get("code"))).or_else(|| text(body.get("code")));
    let message = text(inner.and_then(|error| error.get("message")))
        .or_else(|| text(inner))
        .or_else(|| ["detail", "message", "title"].iter().find_map(|key| text(body.get(*key))));
    match (code, message) {
        (Some(code), Some(message)) if code != message => Some(format!("{code} {message}")),
        (code, message) => code.or(message),
    }
}

fn headers<'a>(all: impl Iterator<Item = (&'a str, &'a str)>, redactor: &Redactor) -> Vec<(String, String)> {
    let value = |name: &str, value: &str| match name.to_ascii_lowercase().as_str() {
        "cookie" => value.split(';').map(hidden_pair).collect::<Vec<_>>().join(";"),
        "set-cookie" => match value.split_once(';') {
            Some((pair, attributes)) => format!("{};{attributes}", hidden_pair(pair)),
            None => hidden_pair(value),
        },
        name if CREDENTIALS.contains(&name) => HIDDEN.to_owned(),
        _ => value.to_owned(),
    };
    all.take(HEADERS)
        .map(|(name, text)| (shown(name, HEADER, redactor), shown(&value(name, text), HEADER, redactor)))
        .collect()
}

/// `name=(hidden)`.
fn hidden_pair(pair: &str) -> String {
    pair.split_once('=').map_or_else(|| HIDDEN.to_owned(), |(name, _)| format!("{name}={HIDDEN}"))
}

/// The head of a body, and whether there was more; then all of it goes beside, as it came.
fn body(name: &'static str, bytes: &Bytes, redactor: &Redactor, whole: &mut Vec<Whole>) -> (String, bool) {
    // Beyond what is shown, so that a secret across the cut is whole when it is looked for.
    let mut stream = redactor.stream();
    let mut clean = stream.feed(&bytes[..bytes.len().min(2 * BODY)]);
    if bytes.len() <= 2 * BODY {
        clean.extend(stream.finish());
    }
    let mut text = redactor.text(&printable_lines(&String::from_utf8_lossy(&clean)));
    let more = bytes.len() > 2 * BODY || text.len() > BODY;
    let mut end = text.len().min(BODY);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    if more {
        whole.push(Whole { name, bytes: bytes.clone(), cut: false });
    }
    (text, more)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn credentials_are_hidden_by_the_name_of_their_header() {
        let all = [("Authorization", "Bearer abc"), ("cookie", "a=1; b=2"), ("Set-Cookie", "s=xyz; Path=/; Secure")];
        let hidden = headers(all.into_iter(), &Redactor::default());
        let values: Vec<&str> = hidden.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["(hidden)", "a=(hidden); b=(hidden)", "s=(hidden); Path=/; Secure"]);
    }

    #[test]
    fn an_error_tells_its_code_in_any_common_shape() {
        for (body, told) in [
            (
                json!({"detail": "CSRF", "error": {"code": "E2002", "message": "CSRF token mismatch"}}),
                "E2002 CSRF token mismatch",
            ),
            (json!({"detail": "Not Found"}), "Not Found"),
            (json!({"error": "no such run", "code": "E4040"}), "E4040 no such run"),
            (json!({"code": 17}), "17"),
        ] {
            assert_eq!(error_told(&body).as_deref(), Some(told), "{body}");
        }
        assert_eq!(error_told(&json!({"status": "ok"})), None);
        assert_eq!(error_told(&json!([1])), None);
    }

    #[test]
    fn a_large_body_is_cut_and_that_is_said() {
        let answer = Answer { status: 200, body: Bytes::from(vec![b'x'; 3 * BODY]), ..Answer::default() };
        let told = exchange(&Request::default(), Ok(&answer), &Redactor::default());
        assert!(told.body_cut && told.response_body.len() == BODY);
        assert_eq!(told.response, "200 OK");
        let [whole] = told.whole.as_slice() else { panic!("one body: {:?}", told.whole) };
        assert_eq!((whole.name, whole.bytes.len(), whole.cut), ("response body", 3 * BODY, false));
    }

    #[test]
    fn what_a_record_holds_does_not_go_beside_it() {
        let body = |length: usize| Bytes::from(vec![b'x'; length]);
        let request = Request { body: Some(body(BODY + 1)), ..Request::default() };
        let answer = Answer { status: 200, body: body(BODY), ..Answer::default() };
        let told = exchange(&request, Ok(&answer), &Redactor::default());
        let [sent] = told.whole.as_slice() else { panic!("one body: {:?}", told.whole) };
        assert_eq!((sent.name, sent.bytes.len()), ("request body", BODY + 1));
        assert!(!told.body_cut);
    }

    proptest! {
        #[test]
        fn no_outside_text_steers_a_terminal(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let answer = Answer { status: 200, body: bytes.into(), ..Answer::default() };
            let told = exchange(&Request::default(), Ok(&answer), &Redactor::default());
            prop_assert!(!told.response_body.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
