//! A repository on GitHub, or on an Enterprise server: how it is asked, which pages follow, and what an
//! answer that is no document means. Shared by the `github` check and the `dispatch` step. It judges no
//! expectation.

use chrono::DateTime;
use http::HeaderMap;
use serde_json::Value;
use url::{Host, Url};

use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::base::text::hex;
use crate::base::wire::{Answer, Request};
use crate::kind::check::http::header_values;
use crate::kind::exchange::{error_told, status_words};
use crate::launch::verdict::{Finding, Verdict};

const API: &str = "https://api.github.com";
/// Answers of this version are read here; a newer one may be asked for.
const VERSION: &str = "2022-11-28";

/// Where a repository is asked, as the plan says it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Repo {
    pub api: Template,
    /// `owner/name`.
    pub repo: Template,
    pub token: Option<Template>,
    version: String,
}

/// The same with its values. Has no `Debug`: it holds the token.
#[derive(Clone)]
pub(crate) struct Place {
    /// Without a slash at its end.
    base: String,
    pub repo: String,
    token: Option<String>,
    version: String,
}

impl Repo {
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let repo = table.need_template("repo", "`repo = \"owner/name\"`");
        if let Some(repo) = &repo
            && repo.names().next().is_none()
            && !is_repo(&repo.written())
        {
            table.wrong_value(repo.span, format!("`{}` is no repository: write `owner/name`", repo.written()));
        }
        let api = table.template("api").unwrap_or_else(|| Template::literal(API));
        if api.names().next().is_none()
            && let Err(why) = base(&api.written())
        {
            table.wrong_value(api.span, why);
        }
        let token = table.template("token");
        if let Some(token) = token.as_ref().filter(|token| token.names().next().is_none()) {
            table.wrong_value(token.span, "a token is no text of a plan: take it from `[secrets]`, as `{{ name }}`");
        }
        let version = table.text("api_version");
        if let Some(version) = &version
            && !is_date(&version.value)
        {
            table.wrong_value(version.span, format!("`{}` is no version: they are days, `{VERSION}`", version.value));
        }
        let version = version.map_or_else(|| VERSION.to_owned(), |version| version.value);
        Some(Self { api, repo: repo?, token, version })
    }

    /// # Errors
    /// A name without a value, an address or a repository that is none, as a sentence.
    pub fn place(&self, scope: &Scope) -> Result<Place, String> {
        let text = |template: &Template| template.text(scope).map_err(|unbound| unbound.to_string());
        let (base, repo) = (base(&text(&self.api)?)?, text(&self.repo)?);
        if !is_repo(&repo) {
            return Err(format!("`{repo}` is no repository: they are `owner/name`"));
        }
        let token = self.token.as_ref().map(text).transpose()?;
        if token.is_some() && !keeps_secrets(&base) {
            return Err(format!("a token does not go over plain http to `{base}`"));
        }
        Ok(Place { base, repo, token, version: self.version.clone() })
    }
}

impl Place {
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// `path` behind the repository: `/releases?per_page=100`.
    pub fn of_repo(&self, path: &str) -> String {
        format!("/repos/{}{path}", self.repo)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path, None)
    }

    pub fn post(&self, path: &str, json: Option<&Value>) -> Request {
        self.request("POST", path, json)
    }

    fn request(&self, method: &str, path: &str, json: Option<&Value>) -> Request {
        let mut headers = vec![
            ("Accept".to_owned(), "application/vnd.github+json".to_owned()),
            ("X-GitHub-Api-Version".to_owned(), self.version.clone()),
        ];
        if let Some(token) = &self.token {
            headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
        }
        if json.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let body = json.map(|json| json.to_string().into());
        Request { method: method.to_owned(), url: self.url(path), headers, body }
    }

    /// The path of the page after this one; none at the end.
    ///
    /// # Errors
    /// It would be asked elsewhere: a token does not follow a link to another place.
    pub fn next(&self, headers: &HeaderMap) -> Result<Option<String>, String> {
        let Some(link) = next_link(headers) else { return Ok(None) };
        match link.strip_prefix(self.base.as_str()).filter(|path| path.starts_with('/')) {
            Some(path) => Ok(Some(path.to_owned())),
            None => Err(format!("the next page is said to be elsewhere: {link}")),
        }
    }
}

/// The address marked `rel="next"` (RFC 8288).
fn next_link(headers: &HeaderMap) -> Option<String> {
    let lines = header_values(headers, "link");
    let mut links = lines.iter().flat_map(|line| line.split(','));
    links.find_map(|link| {
        let (address, marks) = link.trim().strip_prefix('<')?.split_once('>')?;
        let next = marks.split(';').any(|mark| matches!(mark.trim(), "rel=\"next\"" | "rel=next"));
        next.then(|| address.to_owned())
    })
}

fn base(text: &str) -> Result<String, String> {
    let none = || format!("`{text}` is no address of an API: write `https://…`");
    let url = Url::parse(text).map_err(|_| none())?;
    let plain = url.query().is_none() && url.fragment().is_none();
    match matches!(url.scheme(), "http" | "https") && url.has_host() && plain {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err(none()),
    }
}

/// TLS, or a host that is this one.
fn keeps_secrets(base: &str) -> bool {
    let Ok(url) = Url::parse(base) else { return false };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || local
}

fn is_repo(text: &str) -> bool {
    let plain = |part: &str| {
        let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && !part.starts_with("..") && part.chars().all(right)
    };
    text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name))
}

fn is_date(text: &str) -> bool {
    let digits = |at: usize, c: char| if matches!(at, 4 | 7) { c == '-' } else { c.is_ascii_digit() };
    text.len() == 10 && text.char_indices().all(|(at, c)| digits(at, c))
}

/// A whole commit id: 40 hexadecimal digits, or 64.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// `text` as one or several segments of a path, or as a value of a query: `/` stays.
pub(crate) fn encoded(text: &str) -> String {
    crate::kind::check::simulated::encoded(text)
}

/// What an answer that is not `wanted` means; none where it is. `asked` is the path.
pub(crate) fn trouble(answer: &Answer, asked: &str, token: bool) -> Option<Finding> {
    if answer.status == 200 {
        return None;
    }
    let (verdict, why) = meaning(answer, token);
    let seen = format!("{}{why}", status_words(answer.status));
    Some(Finding { row: None, subject: path_of(asked), expected: "200".to_owned(), seen, verdict })
}

/// The verdict of a status that is no success, and what is to be said beside it.
pub(crate) fn meaning(answer: &Answer, token: bool) -> (Verdict, String) {
    let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    let told = error_told(&body).map(|told| format!(": {told}")).unwrap_or_default();
    if let Some(limit) = limited(answer) {
        return (Verdict::Unknown, format!("{told}; {limit}"));
    }
    let (verdict, more) = match answer.status {
        401 => (Verdict::Unknown, "; the token is not accepted".to_owned()),
        403 => (Verdict::Unknown, "; the token may not ask this".to_owned()),
        404 if token => (Verdict::Unknown, "; it is not there, or the token may not see it".to_owned()),
        404 => (Verdict::Unknown, "; it is not there, or it takes a token to see it".to_owned()),
        300..=399 => {
            let place = header_values(&answer.headers, "location").into_iter().next();
            (Verdict::Fail, place.map(|place| format!("; moved to {place}")).unwrap_or_default())
        }
        409 | 410 | 422 | 500.. => (Verdict::Fail, String::new()),
        _ => (Verdict::Unknown, String::new()),
    };
    (verdict, format!("{told}{more}"))
}

/// Where an answer says that we asked too often: until when, as a clause.
pub(crate) fn limited(answer: &Answer) -> Option<String> {
    if !matches!(answer.status, 403 | 429) {
        return None;
    }
    let number = |name: &str| header_values(&answer.headers, name).first()?.trim().parse::<i64>().ok();
    let until = |at: i64| DateTime::from_timestamp(at, 0).map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string());
    if let Some(seconds) = number("retry-after") {
        return Some(format!("the rate limit is used up: again in {seconds} s"));
    }
    let told = String::from_utf8_lossy(&answer.body).to_ascii_lowercase().contains("rate limit");
    if number("x-ratelimit-remaining") == Some(0) || answer.status == 429 || told {
        let reset = number("x-ratelimit-reset").and_then(until);
        let when = reset.map_or_else(|| "no word until when".to_owned(), |at| format!("it resets at {at}"));
        return Some(format!("the rate limit is used up: {when}"));
    }
    None
}

/// A path without its query: what a finding is about.
pub(crate) fn path_of(asked: &str) -> String {
    asked.split('?').next().unwrap_or_default().to_owned()
}

/// For routes: a name that has no value yet, as a text that no encoding changes, and back.
pub(crate) fn marked(name: &str) -> String {
    format!("tminusname{}end", hex(name.as_bytes()))
}

/// The text with its [`marked`] names written as the plan writes them.
pub(crate) fn unmarked(text: &str, names: &[String]) -> String {
    names.iter().fold(text.to_owned(), |text, name| text.replace(&marked(name), &format!("{{{{ {name} }}}}")))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"));
        }
        Answer { status, headers: map, body: Bytes::copy_from_slice(body.as_bytes()), ..Answer::default() }
    }

    fn place() -> Place {
        let (base, repo) = ("https://ghe.example/api/v3".to_owned(), "o/r".to_owned());
        Place { base, repo, token: Some("secret-token".into()), version: VERSION.into() }
    }

    #[test]
    fn the_next_page_is_followed_only_where_the_token_belongs() {
        let link =
            |to: &str| answer(200, &[("link", &format!("<https://x/1>; rel=\"prev\", <{to}>; rel=\"next\""))], "");
        let next = |to: &str| place().next(&link(to).headers);
        assert_eq!(
            next("https://ghe.example/api/v3/repositories/7/tags?page=2"),
            Ok(Some("/repositories/7/tags?page=2".into()))
        );
        for elsewhere in
            ["https://evil.example/tags", "https://ghe.example/api/v3.evil.example/", "http://ghe.example/api/v3/x"]
        {
            assert!(next(elsewhere).is_err(), "{elsewhere}");
        }
        assert_eq!(place().next(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn a_used_up_limit_is_unknown_and_says_until_when() {
        for (answer, words) in [
            (
                answer(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1792000000")], ""),
                "2026-10-14 17:46:40",
            ),
            (answer(429, &[("retry-after", "61")], ""), "again in 61 s"),
            (answer(403, &[], "{\"message\":\"You have exceeded a secondary rate limit\"}"), "no word until when"),
        ] {
            let (verdict, why) = meaning(&answer, true);
            assert_eq!(verdict, Verdict::Unknown);
            assert!(why.contains(words), "{why}");
        }
        let (verdict, why) = meaning(&answer(403, &[("x-ratelimit-remaining", "4000")], ""), true);
        assert_eq!((verdict, why.as_str()), (Verdict::Unknown, "; the token may not ask this"));
    }

    #[test]
    fn what_is_not_found_may_be_hidden_and_a_broken_service_fails() {
        assert!(meaning(&answer(404, &[], ""), true).1.contains("or the token may not see it"));
        assert!(meaning(&answer(404, &[], ""), false).1.contains("it takes a token"));
        assert_eq!(meaning(&answer(502, &[], ""), true).0, Verdict::Fail);
        assert_eq!(meaning(&answer(301, &[("location", "https://x/2")], ""), true).1, "; moved to https://x/2");
    }

    #[test]
    fn a_token_goes_over_tls_or_nowhere() {
        for (api, sound) in [("https://a.example", true), ("http://127.0.0.1:1", true), ("http://a.example", false)] {
            assert_eq!(keeps_secrets(api), sound, "{api}");
        }
    }

    proptest! {
        #[test]
        fn no_link_panics(line in "[<>;,=\"a-z:/ ]{0,60}") {
            let _ = place().next(&answer(200, &[("link", &line)], "").headers);
        }

        #[test]
        fn a_marked_name_survives_its_path(name in "[a-z][a-z0-9_-]{0,12}") {
            let path = encoded(&format!("tags/{}", marked(&name)));
            prop_assert_eq!(unmarked(&path, std::slice::from_ref(&name)), format!("tags/{{{{ {name} }}}}"));
        }
    }
}
