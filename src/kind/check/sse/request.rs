//! The requests of an `sse` check and of a live tail, made from their table, the values at hand and
//! the session. It sends nothing.

use url::Url;

use super::Call;
use crate::base::secret::Redactor;
use crate::base::template::{Scope, Unbound};
use crate::base::wire::{Cause, Request};
use crate::kind::session::Session;

impl Call {
    /// The request with every name replaced, the session's headers and cookies with it.
    ///
    /// # Errors
    /// A name without a value, or an address that is none.
    pub fn request(&self, scope: &Scope, session: Option<&Session>) -> Result<Request, Cause> {
        let ours = |unbound: Unbound| Cause::Ours(unbound.to_string());
        let url = Session::join(session, &self.address, scope).map_err(ours)?;
        let url = Url::parse(&url).map_err(|why| Cause::Ours(format!("`{url}` is no address: {why}")))?;
        let mut headers = Vec::new();
        for (name, value) in Session::headers(session, &self.headers) {
            headers.push((name.to_owned(), value.text(scope).map_err(ours)?));
        }
        let mut add = |name: &str, value: String| {
            if !headers.iter().any(|(written, _)| written.eq_ignore_ascii_case(name)) {
                headers.push((name.to_owned(), value));
            }
        };
        let body = self.json.as_ref().map(|json| json.value(scope)).transpose().map_err(ours)?;
        if body.is_some() {
            add("Content-Type", "application/json".to_owned());
        }
        if let Some(cookies) = session.and_then(|session| session.cookies_for(&url).header) {
            add("Cookie", cookies);
        }
        let body = body.map(|json| json.to_string().into());
        Ok(Request { method: self.method.to_owned(), url: url.into(), headers, body })
    }

    /// The same, asking for an event stream.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub fn stream_request(&self, scope: &Scope, session: Option<&Session>) -> Result<Request, Cause> {
        let mut request = self.request(scope, session)?;
        for (name, value) in [("Accept", "text/event-stream"), ("Cache-Control", "no-cache")] {
            if !request.headers.iter().any(|(written, _)| written.eq_ignore_ascii_case(name)) {
                request.headers.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(request)
    }
}

/// Keeps the cookies of an answer, where there is a session, each known to the redactor first.
pub(crate) fn keep_cookies(session: Option<&Session>, url: &str, headers: &http::HeaderMap, redactor: &Redactor) {
    if let (Some(session), Ok(url)) = (session, Url::parse(url)) {
        session.keep_cookies(&url, headers, redactor);
    }
}
