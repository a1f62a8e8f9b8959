//! What an event stream asks for beside its request, for the `sse` check and for a live tail. It sends nothing.

use std::path::Path;

use url::Url;

use crate::base::secret::Redactor;
use crate::base::template::Scope;
use crate::base::wire::Cause;
use crate::kind::request::{Asked, Call};
use crate::kind::session::Session;

/// The request of `call`, asking for an event stream. Files are relative to `base`.
///
/// # Errors
/// As [`Call::asked`].
pub(crate) async fn stream_request(
    call: &Call,
    scope: &Scope,
    session: Option<&Session>,
    base: &Path,
) -> Result<Asked, Cause> {
    let mut asked = call.asked(scope, session, base).await?;
    let headers = &mut asked.request.headers;
    for (name, value) in [("Accept", "text/event-stream"), ("Cache-Control", "no-cache")] {
        if !headers.iter().any(|(written, _)| written.eq_ignore_ascii_case(name)) {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(asked)
}

/// Keeps the cookies of an answer, where there is a session, each known to the redactor first.
pub(crate) fn keep_cookies(session: Option<&Session>, url: &str, headers: &http::HeaderMap, redactor: &Redactor) {
    if let (Some(session), Ok(url)) = (session, Url::parse(url)) {
        session.keep_cookies(&url, headers, redactor);
    }
}
