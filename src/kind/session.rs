//! What HTTP items of one session share: base address, headers, cookie jar, captured values. It lives
//! in memory only; cookies and captured values are never on disk, so a session that was interrupted
//! starts again at its first item. It sends nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cookie_store::{CookieStore, RawCookie};
use http::HeaderMap;
use http::header::SET_COOKIE;
use serde_json::Value;
use url::{Host, Url};

use crate::base::secret::Redactor;
use crate::base::template::{Scope, Template, Unbound, as_text};
use crate::kind::request::{Auth, Files};

/// A session as the plan says it, for one value of its `for_each`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionPlan {
    pub base: Option<Template>,
    pub headers: Vec<(String, Template)>,
    /// Whether it keeps a cookie jar.
    pub cookies: bool,
    /// Who its requests say they are, unless they say it themselves.
    pub auth: Auth,
    pub tls: Option<Files>,
    /// Values known at load, the `for_each` value among them.
    pub scope: Scope,
}

/// A session under way. Cheap to clone; all clones are the same session.
#[derive(Debug, Clone, Default)]
pub struct Session {
    pub plan: Arc<SessionPlan>,
    state: Arc<Mutex<State>>,
}

/// What a session has gathered.
#[derive(Default)]
pub struct State {
    pub jar: CookieStore,
    /// Values captured so far, by name; each is a secret for the redactor if it is long enough.
    pub captured: Scope,
}

/// The cookies for one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cookies {
    /// The value of the `Cookie` header; none where there is no cookie to send.
    pub header: Option<String>,
    /// Names of cookies for this place that are `Secure`, and this is plain http to another machine.
    pub withheld: Vec<String>,
}

impl std::fmt::Debug for State {
    /// Names and counts only: the values are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let captured: Vec<&str> = self.captured.iter().map(|(name, _)| name).collect();
        f.debug_struct("State").field("cookies", &self.jar.iter_any().count()).field("captured", &captured).finish()
    }
}

impl Session {
    #[must_use]
    pub fn new(plan: SessionPlan) -> Self {
        Self { plan: Arc::new(plan), state: Arc::default() }
    }

    /// Never held across an await.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plan's values with everything captured so far.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.plan.scope.with(&self.state().captured)
    }

    /// The cookies a browser would send to `url`.
    #[must_use]
    pub fn cookies_for(&self, url: &Url) -> Cookies {
        if !self.plan.cookies {
            return Cookies::default();
        }
        let state = self.state();
        let pairs: Vec<String> =
            state.jar.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        let here = |cookie: &&cookie_store::Cookie<'static>| cookie.domain.matches(url) && cookie.path.matches(url);
        let withheld = match is_safe(url) {
            true => Vec::new(),
            false => {
                let here = state.jar.iter_unexpired().filter(here).filter(|cookie| cookie.secure() == Some(true));
                here.map(|cookie| cookie.name().to_owned()).collect()
            }
        };
        Cookies { header: (!pairs.is_empty()).then(|| pairs.join("; ")), withheld }
    }

    /// Keeps the cookies of an answer from `url` as a browser would, each value known to the redactor
    /// first. Answers the names of those refused because they are `Secure` and came over plain http.
    pub fn keep_cookies(&self, url: &Url, headers: &HeaderMap, redactor: &Redactor) -> Vec<String> {
        let mut refused = Vec::new();
        for cookie in set_cookies(headers) {
            redactor.learn(cookie.value());
            if !self.plan.cookies {
                continue;
            }
            if cookie.secure() == Some(true) && !is_safe(url) {
                refused.push(cookie.name().to_owned());
                continue;
            }
            // One of another domain, or that deletes itself, is left out, as a browser leaves it out.
            let _ = self.state().jar.insert_raw(&cookie, url);
        }
        refused
    }

    /// Binds a captured value, every text of it known to the redactor first.
    pub fn capture(&self, name: &str, value: &Value, redactor: &Redactor) {
        learn(value, redactor);
        self.state().captured.bind_secret(name, value.clone());
    }

    /// `address` as it is, or behind the session's base where it is a path.
    ///
    /// # Errors
    /// A name without a value.
    pub fn join(session: Option<&Self>, address: &Template, scope: &Scope) -> Result<String, Unbound> {
        let address = address.text(scope)?;
        if address.starts_with("http://") || address.starts_with("https://") {
            return Ok(address);
        }
        Ok(match session.and_then(|session| session.plan.base.as_ref()) {
            Some(base) => format!("{}/{}", base.text(scope)?.trim_end_matches('/'), address.trim_start_matches('/')),
            None => address,
        })
    }

    /// The session's headers with `own` on top, a name of `own` taking the place of the session's.
    #[must_use]
    pub fn headers<'a>(session: Option<&'a Self>, own: &'a [(String, Template)]) -> Vec<(&'a str, &'a Template)> {
        let shared = session.into_iter().flat_map(|session| &session.plan.headers);
        let shared = shared.filter(|(name, _)| !own.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
        shared.chain(own).map(|(name, value)| (name.as_str(), value)).collect()
    }
}

/// Makes every text of a captured value a secret: an object may be shown in parts, or written with
/// other spaces than ours.
pub fn learn(value: &Value, redactor: &Redactor) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| learn(item, redactor)),
        Value::Object(entries) => entries.values().for_each(|value| learn(value, redactor)),
        scalar => redactor.learn(&as_text(scalar)),
    }
}

/// The cookies an answer sets; what is no cookie is left out.
pub fn set_cookies(headers: &HeaderMap) -> impl Iterator<Item = RawCookie<'static>> + '_ {
    headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| RawCookie::parse(String::from_utf8_lossy(value.as_bytes()).into_owned()).ok())
}

/// Where browsers send and take `Secure` cookies: https, and this very machine.
fn is_safe(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn setting(cookies: &[&'static str]) -> HeaderMap {
        cookies.iter().map(|cookie| (SET_COOKIE, HeaderValue::from_static(cookie))).collect()
    }

    fn session() -> Session {
        let base = Some(Template::literal("https://api.example/v1/"));
        let headers = vec![("Origin".to_owned(), Template::literal("https://a.example"))];
        Session::new(SessionPlan { base, headers, cookies: true, ..SessionPlan::default() })
    }

    #[test]
    fn cookies_come_back_to_where_they_belong_and_nowhere_else() {
        let session = session();
        let set = setting(&["omni_session=abc; HttpOnly; Secure; Path=/", "deep=1; Path=/v1/chat", "not a cookie"]);
        assert!(session.keep_cookies(&url("https://api.example/v1/login"), &set, &Redactor::default()).is_empty());
        let sent = |to: &str| session.cookies_for(&url(to)).header.unwrap_or_default();
        assert_eq!(sent("https://api.example/x"), "omni_session=abc");
        assert!(sent("https://api.example/v1/chat/stream").contains("deep=1"));
        assert_eq!(sent("https://other.example/x"), "");
        session.keep_cookies(
            &url("https://api.example/"),
            &setting(&["omni_session=new; Secure; Path=/"]),
            &Redactor::default(),
        );
        assert_eq!(sent("https://api.example/x"), "omni_session=new");
    }

    #[test]
    fn a_secure_cookie_stays_off_plain_http_to_another_machine_and_that_is_said() {
        let session = session();
        let set = setting(&["s=abc; Secure; Path=/"]);
        session.keep_cookies(&url("https://api.example/"), &set, &Redactor::default());
        let plain = session.cookies_for(&url("http://api.example/"));
        assert_eq!(plain, Cookies { header: None, withheld: vec!["s".into()] });
        assert_eq!(session.cookies_for(&url("http://other.example/")), Cookies::default());
        assert_eq!(session.keep_cookies(&url("http://api.example/"), &set, &Redactor::default()), ["s"]);
        assert!(session.keep_cookies(&url("http://127.0.0.1:8000/"), &set, &Redactor::default()).is_empty());
        assert_eq!(session.cookies_for(&url("http://127.0.0.1:8000/")).header.as_deref(), Some("s=abc"));
    }

    #[test]
    fn without_a_jar_nothing_is_kept() {
        let session = Session::new(SessionPlan::default());
        session.keep_cookies(&url("https://a.example/"), &setting(&["s=1"]), &Redactor::default());
        assert_eq!(session.cookies_for(&url("https://a.example/")), Cookies::default());
    }

    #[test]
    fn the_last_capture_wins_and_no_debug_print_shows_it() {
        let session = session();
        session.capture("csrf", &json!("first-token"), &Redactor::default());
        session.capture("csrf", &json!("second-token"), &Redactor::default());
        assert_eq!(session.scope().get("csrf").expect("bound").value, json!("second-token"));
        assert!(!format!("{:?}", session.state()).contains("second-token"));
    }

    #[test]
    fn each_text_of_a_captured_object_is_a_secret_however_it_is_written() {
        let (session, redactor) = (session(), Redactor::default());
        session.capture("login", &json!({ "user": { "token": "tok-deep-1" }, "ids": ["id-in-list"] }), &redactor);
        let shown = redactor.text("{ \"token\" : \"tok-deep-1\" } id-in-list");
        assert!(!shown.contains("tok-deep-1") && !shown.contains("id-in-list"), "{shown}");
    }

    #[test]
    fn a_path_stands_behind_the_base_and_an_address_by_itself() {
        let session = session();
        let join = |text: &str| Session::join(Some(&session), &Template::literal(text), &Scope::default());
        assert_eq!(join("/chat?x=1"), Ok("https://api.example/v1/chat?x=1".into()));
        assert_eq!(join("http://else.example/"), Ok("http://else.example/".into()));
        assert_eq!(Session::join(None, &Template::literal("/x"), &Scope::default()), Ok("/x".into()));
    }
}
