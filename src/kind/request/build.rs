//! Makes a request whole: every name replaced, the session's headers, cookies and credentials with it. It
//! sends nothing.

use std::path::Path;

use url::Url;

use super::Call;
use super::auth::User;
use super::body::Made;
use crate::base::template::{Scope, Template, Unbound};
use crate::base::wire::{Cause, Request, Way};
use crate::clock;
use crate::kind::check::http::open;
use crate::kind::session::Session;

type Headers = Vec<(String, String)>;

/// A request with what is to be said about it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub request: Request,
    pub url: Url,
    /// Names of cookies for this place that may not go there over plain http.
    pub withheld: Vec<String>,
    /// By what way it goes: for [`crate::base::wire::Client::by`].
    pub way: Way,
    /// Headers that belong to the body as it is.
    pub(super) signed: Vec<String>,
    /// The session's cookies are in it, not the plan's own.
    pub(super) from_jar: bool,
    pub(super) redirects: super::Redirects,
}

impl Call {
    /// The request as it is sent now. Files are relative to `base`, the plan's own folder.
    ///
    /// # Errors
    /// A name without a value, an address that is none, a file that cannot be read.
    pub async fn asked(&self, scope: &Scope, session: Option<&Session>, base: &Path) -> Result<Asked, Cause> {
        self.asked_at(scope, session, base, clock::wall().timestamp()).await
    }

    /// The same at a given second of Unix time.
    ///
    /// # Errors
    /// As [`Self::asked`].
    pub(super) async fn asked_at(
        &self,
        scope: &Scope,
        session: Option<&Session>,
        base: &Path,
        now: i64,
    ) -> Result<Asked, Cause> {
        let ours = |unbound: Unbound| Cause::Ours(unbound.to_string());
        let address = Session::join(session, &self.address, scope).map_err(ours)?;
        let url = Url::parse(&address).map_err(|why| Cause::Ours(format!("`{address}` is no address: {why}")))?;
        let made = match &self.body {
            Some(body) => body.made(scope, base).await?,
            None => Made::default(),
        };
        let (mut headers, signed) = self.headers_at(&made, scope, session, now)?;
        if let Some(kind) = made.content_type.filter(|_| !has(&headers, "content-type")) {
            headers.push(("Content-Type".to_owned(), kind));
        }
        let cookies = session.map(|session| session.cookies_for(&url)).unwrap_or_default();
        let from_jar = !has(&headers, "cookie");
        if let Some(cookies) = cookies.header.filter(|_| from_jar) {
            headers.push(("Cookie".to_owned(), cookies));
        }
        let tls = self.tls.as_ref().or_else(|| session?.plan.tls.as_ref());
        let identity = match tls {
            Some(files) if url.scheme() == "https" => Some(files.read(scope, base).await?),
            _ => None,
        };
        let way = Way { identity, version: self.version, body: self.limit };
        let request = Request { method: self.method.to_owned(), url: address, headers, body: made.bytes };
        let (withheld, redirects) = (cookies.withheld, self.redirects);
        Ok(Asked { request, url, withheld, way, signed, from_jar, redirects })
    }

    /// Who sends it. The nearest word counts: a header of the request's own stands over its session's user.
    fn user<'a>(&'a self, session: Option<&'a Session>) -> Option<&'a User> {
        let (user, _) = self.auth.over(session.map(|session| &session.plan.auth));
        user.filter(|_| self.auth.user.is_some() || !self.says_authorization())
    }

    fn says_authorization(&self) -> bool {
        has_template(&self.headers, "authorization")
    }

    /// Its headers as far as the plan says them, for the simulated target: a name without a value stays
    /// `{{ name }}`. A signature is not among them: it differs each time.
    #[must_use]
    pub fn open_headers(&self, session: Option<&Session>, scope: &Scope) -> Vec<(String, String)> {
        let open = |value: &Template| open(|scope| value.text(scope), scope);
        let bearer = match self.user(session) {
            Some(User::Bearer(token)) => {
                open(token).map(|token| ("Authorization".to_owned(), format!("Bearer {token}")))
            }
            _ => None,
        };
        let headers = Session::headers(session, &self.headers).into_iter();
        let headers = headers.filter_map(|(name, value)| Some((name.to_owned(), open(value)?)));
        let kept = headers.filter(|(name, _)| bearer.is_none() || !name.eq_ignore_ascii_case("authorization"));
        let mut all: Vec<(String, String)> = kept.collect();
        all.extend(bearer);
        all
    }

    /// Its headers with the session's, who sends it, and its signature; and the names of the latter's.
    fn headers_at(
        &self,
        body: &Made,
        scope: &Scope,
        session: Option<&Session>,
        now: i64,
    ) -> Result<(Headers, Vec<String>), Cause> {
        let (_, hmac) = self.auth.over(session.map(|session| &session.plan.auth));
        let mut headers = Vec::new();
        for (name, value) in Session::headers(session, &self.headers) {
            let value = value.text(scope).map_err(|unbound| Cause::Ours(unbound.to_string()))?;
            headers.push((name.to_owned(), value));
        }
        if let Some(user) = self.user(session) {
            put(&mut headers, "Authorization", user.value(scope)?);
        } else if self.auth.nobody && !self.says_authorization() {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        }
        let mut signed = Vec::new();
        if let Some(hmac) = hmac {
            for (name, value) in hmac.headers(body, scope, now)? {
                put(&mut headers, &name, value);
            }
            signed.extend(hmac.names().map(str::to_owned));
        }
        Ok((headers, signed))
    }
}

pub(super) fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
}

fn has_template(headers: &[(String, Template)], name: &str) -> bool {
    headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
}

fn put(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value));
}
