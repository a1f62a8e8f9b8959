//! A check that asks nothing over HTTP, in a rehearsal: the simulated target tells its example, and that is
//! judged as what was seen. Nothing is run, resolved or read. The example's form on the wire is here too, for
//! both ends.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Check, Context, Ran, Seen};
use crate::base::template::Shape;
use crate::base::wire::{Cause, Request};
use crate::kind::example::Answered;
use crate::kind::exchange::fit;
use crate::launch::verdict::Verdict;

/// Where the target tells an example: `GET /__tminus/check/OWNER`, the id percent-encoded.
pub const CHECKS: &str = "/__tminus/check/";

/// An example as the target tells it, every name filled in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// In milliseconds; what it says is the kind's: how long it takes, or how old it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
}

impl Told {
    fn answered(self) -> Answered {
        let Self { status, json, body, exit, stdout, stderr, after_ms } = self;
        let (json, after) = (json.map(Shape::Plain), after_ms.map(Duration::from_millis));
        Answered { status, json, body, exit, stdout, stderr, after, ..Answered::default() }
    }
}

/// Looks at the example that `target` tells.
pub(super) async fn look<C: Check>(check: &C, cx: &Context, target: SocketAddr) -> Ran {
    let seen = match ask(cx, target).await {
        Ok(answered) => check.seen(&answered, &cx.scope),
        Err(cause) => Seen { answers: vec![(cx.owner.to_string(), Err(cause))], control_answers: false },
    };
    let jq = cx.jq.redacting(cx.redactor.clone());
    let mut report = check.judge(&seen, &cx.scope, &jq).await;
    report.summary.push_str(" · simulated");
    let captured = match report.verdict {
        Verdict::Pass | Verdict::Warn => check.captured(&seen, &cx.scope, &jq).await,
        _ => Vec::new(),
    };
    Ran { report: fit(report, &cx.redactor), captured }
}

/// The example that `target` tells for the owner of this context.
///
/// # Errors
/// It told none.
pub async fn ask(cx: &Context, target: SocketAddr) -> Result<Answered, Cause> {
    let url = format!("http://{target}{CHECKS}{}", encoded(cx.owner.as_str()));
    let request = Request { method: "GET".to_owned(), url, ..Request::default() };
    let answer = cx.client.send(request, cx.timeout).await?;
    match answer.status {
        200 => serde_json::from_slice::<Told>(&answer.body)
            .map(Told::answered)
            .map_err(|why| Cause::Ours(format!("the simulated target told no example: {why}"))),
        404 => Err(Cause::Ours(
            "the plan has no example of it: write `example = { good = … }`, or let it look with `rehearse = \"real\"`"
                .to_owned(),
        )),
        status => Err(Cause::Ours(format!("the simulated target has no example for this: it answered {status}"))),
    }
}

/// An id as a path: `/` stays, what a path may not hold is percent-encoded.
#[must_use]
pub fn encoded(id: &str) -> String {
    let mut path = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => path.push(byte.into()),
            other => path.push_str(&format!("%{other:02X}")),
        }
    }
    path
}
