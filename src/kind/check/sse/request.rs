//! The requests of an `sse` check and of a live tail, made from their table, the values at hand and
//! the session. It sends nothing.

use url::Url;

use super::Call;
use crate::base::template::{Scope, Template, Unbound};
use crate::base::wire::{Cause, Request};
use crate::kind::session::Session;

impl Call {
    /// The request with every name replaced, the session's headers and cookies with it.
    ///
    /// # Errors
    /// A name without a value, or an address that is none.
    pub fn request(&self, scope: &Scope, session: Option<&Session>) -> Result<Request, Cause> {
        let ours = |unbound: Unbound| Cause::Ours(unbound.to_string());
        let url = self.url(scope, session).map_err(ours)?;
        let url = Url::parse(&url).map_err(|why| Cause::Ours(format!("`{url}` is no address: {why}")))?;
        let mut headers: Vec<(String, String)> = Vec::new();
        let shared = session.into_iter().flat_map(|session| session.plan.headers.iter());
        for (name, value) in shared.chain(&self.headers) {
            headers.retain(|(earlier, _)| !earlier.eq_ignore_ascii_case(name));
            headers.push((name.clone(), value.text(scope).map_err(ours)?));
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
        if let Some(cookies) = session.and_then(|session| cookies(session, &url)) {
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

    /// The address, absolute as far as the session has a base.
    pub(super) fn url(&self, scope: &Scope, session: Option<&Session>) -> Result<String, Unbound> {
        let address = self.address.text(scope)?;
        if address.starts_with("http://") || address.starts_with("https://") {
            return Ok(address);
        }
        let base = session.and_then(|session| session.plan.base.as_ref()).map(|base| base.text(scope)).transpose()?;
        Ok(match base {
            Some(base) => format!("{}/{}", base.trim_end_matches('/'), address.trim_start_matches('/')),
            None => address,
        })
    }

    /// Every name without a value bound to itself in braces: for addresses that are shown or matched
    /// before the values are there.
    pub(super) fn open_scope(&self, scope: &Scope, session: Option<&Session>) -> Scope {
        let mut open = scope.clone();
        let shared = session.map(|session| &session.plan);
        let templates = [&self.address]
            .into_iter()
            .chain(shared.and_then(|plan| plan.base.as_ref()))
            .chain(shared.into_iter().flat_map(|plan| &plan.headers).map(|(_, value)| value))
            .chain(self.headers.iter().map(|(_, value)| value));
        for name in templates.flat_map(Template::names).chain(self.json.iter().flat_map(|json| json.names())) {
            if open.get(name).is_err() {
                open.bind(name, format!("{{{{ {name} }}}}").into());
            }
        }
        open
    }
}

fn cookies(session: &Session, url: &Url) -> Option<String> {
    if !session.plan.cookies {
        return None;
    }
    let state = session.state();
    let pairs: Vec<String> = state.jar.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
    (!pairs.is_empty()).then(|| pairs.join("; "))
}

/// Keeps the cookies of an answer, where the session has a jar.
pub(crate) fn keep_cookies(session: Option<&Session>, url: &str, headers: &http::HeaderMap) {
    let (Some(session), Ok(url)) = (session.filter(|session| session.plan.cookies), Url::parse(url)) else { return };
    let mut state = session.state();
    for cookie in headers.get_all(http::header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
        // A cookie that is none, or not for us, is left out as a browser leaves it out.
        let _ = state.jar.parse(cookie, &url);
    }
}
