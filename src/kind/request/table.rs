//! Reads what a table says of a request, every mistake at its place. Nothing is opened.

use http::HeaderName;

use super::auth::{Auth, Hmac, Over, User};
use super::body::Body;
use super::multipart::{Part, What};
use super::tls::Files;
use super::{Call, Redirects};
use crate::base::known::Wanted;
use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Placed, Table};
use crate::base::template::Template;
use crate::base::wire::Version;

/// Keys that name the method, and the method.
const METHODS: [(&str, &str); 7] = [
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("head", "HEAD"),
    ("options", "OPTIONS"),
];

/// Bytes of an answer that a plan may let in.
const MOST_LIMIT: u64 = 256 << 20;
/// Parts of one body.
const MOST_PARTS: usize = 100;

/// Which of a request's keys a table takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Every method and every key.
    All,
    /// `get` and `post`; what bounds a whole answer has no place.
    Stream,
}

/// The request of `table`; none where that was reported.
pub(crate) fn read(table: &Table<'_>, takes: Takes) -> Option<Call> {
    let methods = match takes {
        Takes::All => &METHODS[..],
        Takes::Stream => &METHODS[..2],
    };
    let asked = method(table, methods);
    let headers = headers_of(table);
    let body = body(table);
    let auth = auth_of(table, &headers, true);
    check_signed(table, &auth, body.as_ref());
    let tls = tls_of(table);
    let (redirects, version, limit) = match takes {
        Takes::Stream => (Redirects::None, None, None),
        Takes::All => {
            let redirects = [("none", Redirects::None), ("follow", Redirects::Follow), ("expect", Redirects::Expect)];
            let versions = [("1.1", Version::One), ("2", Version::Two)];
            let redirects = table.word("redirects", &redirects).unwrap_or_default();
            (redirects, table.word("http", &versions), limit(table))
        }
    };
    let (method, address) = asked?;
    Some(Call { method, address, headers, body, auth, redirects, version, tls, limit })
}

fn method(table: &Table<'_>, methods: &[(&'static str, &'static str)]) -> Option<(&'static str, Template)> {
    let asked = methods.iter().map(|(key, method)| {
        table.learn(key, Wanted::Template);
        (*key, *method, table.has(key))
    });
    let mut written = asked.filter(|(.., there)| *there).collect::<Vec<_>>().into_iter();
    let first = written.next();
    for (key, ..) in written {
        let one = first.map_or("get", |(key, ..)| key);
        table.notes().report(
            Diagnostic::error(
                "wrong-value",
                span_of(table, key),
                format!("{} has both `{one}` and `{key}`", table.path),
            )
            .label("one request an item"),
        );
    }
    let Some((key, method, _)) = first else {
        let others = methods.iter().skip(1).map(|(key, _)| *key).collect::<Vec<_>>().join(", ");
        table.missing("get", &format!("`get = \"https://…\"`, or {others}"));
        return None;
    };
    table.template(key).map(|address| (method, address))
}

/// Request headers; a name no header may have is reported.
pub(crate) fn headers_of(table: &Table<'_>) -> Vec<(String, Template)> {
    let all = table.named_templates("headers").into_iter();
    all.filter_map(|(name, value)| header_name(table, &name.value, name.span).then_some((name.value, value))).collect()
}

pub(crate) fn header_name(table: &Table<'_>, name: &str, span: Span) -> bool {
    let right = HeaderName::from_bytes(name.as_bytes()).is_ok();
    if !right {
        table.wrong_value(span, format!("`{name}` is no header name"));
    }
    right
}

fn body(table: &Table<'_>) -> Option<Body> {
    let json = table.shape("json").map(|json| Body::Json(json.value));
    let form = table.has("form").then(|| {
        let fields = table.named_templates("form").into_iter();
        Body::Form(fields.map(|(name, value)| (name.value, value)).collect())
    });
    let text = table.text("body").and_then(|text| table.templated(&text.value, text.span)).map(Body::Text);
    let parts = table.tables("multipart");
    if parts.len() > MOST_PARTS || (parts.is_empty() && table.is_empty_list("multipart")) {
        table.wrong_value(span_of(table, "multipart"), format!("`multipart` has 1 to {MOST_PARTS} parts"));
    }
    let there = ["json", "form", "body", "multipart"].into_iter().filter(|key| table.has(key));
    if let Some(second) = there.skip(1).last() {
        table.wrong_value(
            span_of(table, second),
            "one body a request: `json`, `form`, `body` or `multipart`, not two of them",
        );
    }
    let parts: Vec<Part> = parts.into_iter().take(MOST_PARTS).filter_map(part).collect();
    json.or(form).or(text).or_else(|| (!parts.is_empty()).then_some(Body::Multipart(parts)))
}

fn part(table: Table<'_>) -> Option<Part> {
    let name = table.need_text("name", "`name = \"file\"`");
    let (value, file) = (table.template("value"), table.template("file"));
    let kind = table.text("type");
    if let Some(kind) = kind.as_ref().filter(|kind| http::HeaderValue::from_str(&kind.value).is_err()) {
        table.wrong_value(kind.span, "this cannot stand in a header");
    }
    let filename = table.template("filename");
    if filename.is_some() && file.is_none() {
        table.wrong_value(span_of(&table, "filename"), "only a `file` has a name of its own");
    }
    let what = match (value, file) {
        (Some(value), None) => Some(What::Value(value)),
        (None, Some(file)) => Some(What::File(file)),
        (Some(_), Some(_)) => {
            table.wrong_value(span_of(&table, "file"), "a part is a `value` or a `file`");
            None
        }
        (None, None) => {
            table.missing("value", "`value = \"…\"`, or `file = \"path\"`");
            None
        }
    };
    table.finish();
    Some(Part { name: name?.value, what: what?, kind: kind.map(|kind| kind.value), filename })
}

/// Who sends it. `headers` are the table's own: one of them must not say it too.
pub(crate) fn auth_of(table: &Table<'_>, headers: &[(String, Template)], of_request: bool) -> Auth {
    let nobody = of_request && table.word("auth", &[("none", ())]).is_some();
    let bearer = table.template("bearer");
    if let Some(bearer) = &bearer {
        no_literal(table, bearer, "bearer");
    }
    let basic = table.table("basic").and_then(basic);
    if bearer.is_some() && basic.is_some() {
        table.wrong_value(span_of(table, "basic"), "one `Authorization` a request: `bearer` or `basic`, not both");
    }
    let user = bearer.map(User::Bearer).or(basic);
    let hmac = table.table("hmac").and_then(hmac);
    let said = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    if user.is_some() && said("authorization") {
        table.wrong_value(span_of(table, "headers"), "`headers` says `Authorization` too: keep one of them");
    }
    if let Some(taken) = hmac.as_ref().and_then(|hmac| hmac.names().find(|name| said(name))) {
        table.wrong_value(span_of(table, "headers"), format!("`headers` says `{taken}` too, which `hmac` makes"));
    }
    Auth { user, hmac, nobody }
}

fn basic(table: Table<'_>) -> Option<User> {
    let user = table.need_template("user", "`user = \"…\"`");
    let password = table.need_template("password", "`password = \"{{ secret }}\"`");
    if let Some(password) = &password {
        no_literal(&table, password, "password");
    }
    table.finish();
    Some(User::Basic { user: user?, password: password? })
}

fn hmac(table: Table<'_>) -> Option<Hmac> {
    let secret = table.need_template("secret", "`secret = \"{{ signing_secret }}\"`");
    if let Some(secret) = &secret {
        no_literal(&table, secret, "secret");
    }
    let header = table.need_text("header", "`header = \"X-Signature\"`");
    let time = table.text("timestamp_header");
    for name in header.iter().chain(&time) {
        header_name(&table, &name.value, name.span);
    }
    let prefix = table.text("prefix");
    if let Some(prefix) = prefix.as_ref().filter(|prefix| http::HeaderValue::from_str(&prefix.value).is_err()) {
        table.wrong_value(prefix.span, "this cannot stand in a header");
    }
    let over = table.word("over", &Over::WORDS).unwrap_or(Over::Body);
    match (&time, over.has_time()) {
        (None, true) => table.missing("timestamp_header", "`timestamp_header = \"X-Timestamp\"`: the time is signed"),
        (Some(time), false) => {
            table.wrong_value(time.span, "this time is not signed: say `over = \"timestamp.body\"`, or leave it out");
        }
        _ => {}
    }
    table.finish();
    Some(Hmac {
        secret: secret?,
        header: header?.value,
        prefix: prefix.map(|prefix| prefix.value).unwrap_or_default(),
        timestamp_header: time.map(|time| time.value),
        over,
    })
}

/// A credential that stands in the plan is shown, sent and kept with it.
fn no_literal(table: &Table<'_>, template: &Template, key: &str) {
    if template.names().next().is_none() {
        let wrong = Diagnostic::error("literal-secret", template.span, format!("the `{key}` stands in the plan"));
        table.notes().report(
            wrong
                .label("a plan is shown, sent and kept")
                .help("name it under [secrets] and write `{{ name }}` here; change this one"),
        );
    }
}

/// A signature over fields needs fields.
fn check_signed(table: &Table<'_>, auth: &Auth, body: Option<&Body>) {
    let sorted = auth.hmac.as_ref().is_some_and(|hmac| hmac.over == Over::TimestampSorted);
    if sorted && !matches!(body, Some(Body::Json(_))) {
        table.wrong_value(span_of(table, "hmac"), "`timestamp.sorted-json` signs a body of JSON: write one as `json`");
    }
}

/// Whom TLS trusts and who it says we are.
pub(crate) fn tls_of(table: &Table<'_>) -> Option<Files> {
    let table = table.table("tls")?;
    let (ca, cert, key) = (table.template("ca"), table.template("cert"), table.template("key"));
    let own = match (cert, key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        (Some(_), None) => {
            table.missing("key", "`key = \"client.key\"`: a certificate is shown with its key");
            None
        }
        (None, Some(_)) => {
            table.missing("cert", "`cert = \"client.pem\"`: a key belongs to a certificate");
            None
        }
    };
    if ca.is_none() && own.is_none() && !table.has("cert") && !table.has("key") {
        table.missing("ca", "`ca = \"ca.pem\"`, or `cert` and `key`");
    }
    table.finish();
    Some(Files { ca, own })
}

fn limit(table: &Table<'_>) -> Option<u64> {
    let Placed { value, span } = table.text("limit")?;
    let found = size(&value).filter(|bytes| (1..=MOST_LIMIT).contains(bytes));
    if found.is_none() {
        table.wrong_value(span, format!("`{value}` is no size up to 256 MiB: write \"64KiB\" or \"1MiB\""));
    }
    found
}

/// Bytes of `64KiB`, `1 MiB`, `512B`.
fn size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let by = match unit.trim() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(by)
}

fn span_of(table: &Table<'_>, key: &str) -> Span {
    table.keys().into_iter().find(|(name, _)| *name == key).map_or(table.span, |(_, span)| span)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_has_a_unit_and_never_overflows() {
        for (text, bytes) in [("64KiB", Some(65536)), ("1 MiB", Some(1 << 20)), ("7B", Some(7))] {
            assert_eq!(size(text), bytes, "{text}");
        }
        for text in ["", "1", "MiB", "1MB", "-1B", "18446744073709551615MiB", "1.5MiB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_size_panics(text in "[0-9]{0,30} ?[A-Za-z]{0,4}") {
            let _ = size(&text);
        }
    }
}
