//! What the builder promises, on tables and values at hand. The signatures' figures were made by Python's `hmac`.

use std::path::Path;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::json;
use toml::de::DeTable;
use url::Url;

use super::table::{Takes, read};
use super::*;
use crate::base::secret::Redactor;
use crate::base::source::Diagnostic;
use crate::base::table::{Notes, Table};
use crate::base::template::Scope;
use crate::base::wire::Cause;
use crate::kind::session::{Session, SessionPlan};

const NOW: i64 = 1_700_000_000;

fn call_of(text: &str, takes: Takes) -> (Option<Call>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.http]", parsed.span().into(), parsed.get_ref(), &notes);
    let call = read(&table, takes);
    table.finish();
    (call, notes.take_diagnostics())
}

fn call(text: &str) -> Call {
    let (call, found) = call_of(text, Takes::All);
    assert!(found.is_empty(), "{found:?}");
    call.expect("a call")
}

fn scope() -> Scope {
    let mut scope = Scope::default();
    scope.bind("name", json!("a b&c"));
    scope.bind_secret("token", json!("tok-hunter22"));
    scope.bind_secret("key", json!("whsec-hunter22"));
    scope
}

async fn asked_in(call: &Call, session: Option<&Session>) -> Result<Asked, Cause> {
    call.asked_at(&scope(), session, Path::new("/nowhere"), NOW).await
}

async fn asked(text: &str) -> Asked {
    asked_in(&call(text), None).await.expect("a request")
}

fn header<'a>(asked: &'a Asked, name: &str) -> Vec<&'a str> {
    let all = asked.request.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    all.map(|(_, value)| value.as_str()).collect()
}

fn body(asked: &Asked) -> String {
    String::from_utf8(asked.request.body.clone().unwrap_or_default().to_vec()).expect("text")
}

/// A session whose table is written here.
fn session(text: &str) -> Session {
    let (parsed, _) = DeTable::parse_recoverable(text);
    let notes = Notes::default();
    let table = Table::new("[session.s]", parsed.span().into(), parsed.get_ref(), &notes);
    let headers = headers_of(&table);
    let plan = SessionPlan {
        cookies: true,
        auth: auth_of(&table, &headers, false),
        tls: tls_of(&table),
        headers,
        ..SessionPlan::default()
    };
    table.finish();
    assert!(notes.take_diagnostics().is_empty());
    Session::new(plan)
}

#[tokio::test]
async fn every_method_and_every_body_says_what_it_is() {
    for (key, method) in [
        ("get", "GET"),
        ("put", "PUT"),
        ("patch", "PATCH"),
        ("delete", "DELETE"),
        ("head", "HEAD"),
        ("options", "OPTIONS"),
    ] {
        assert_eq!(asked(&format!("{key} = 'http://a.example/x'")).await.request.method, method);
    }
    let json = asked("post = 'http://a.example'\njson = { n = '{{ name }}', k = [1, true] }").await;
    assert_eq!(
        (body(&json).as_str(), header(&json, "content-type")),
        (r#"{"n":"a b&c","k":[1,true]}"#, vec!["application/json"])
    );
    let form = asked("post = 'http://a.example'\nform = { b = '{{ name }}', a = 'é' }").await;
    assert_eq!(body(&form), "b=a+b%26c&a=%C3%A9");
    assert_eq!(header(&form, "content-type"), ["application/x-www-form-urlencoded"]);
    let text = asked("post = 'http://a.example'\nbody = 'x {{ name }}'\nheaders = { content-type = 'text/csv' }").await;
    assert_eq!((body(&text).as_str(), header(&text, "content-type")), ("x a b&c", vec!["text/csv"]));
    let own = asked("post = 'http://a.example'\njson = {}\nheaders = { Content-Type = 'application/ld+json' }").await;
    assert_eq!(header(&own, "content-type"), ["application/ld+json"]);
}

#[tokio::test]
async fn parts_stand_between_boundaries_with_their_names_and_types() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("image.bin"), [0_u8, 255, 13, 10]).expect("written");
    let call = call(
        "post = 'http://a.example'\nmultipart = [{ name = 'note', value = '{{ name }}' }, { name = 'file', file = 'image.bin', type = 'image/png', filename = 'a.png' }]",
    );
    let asked = call.asked_at(&scope(), None, folder.path(), NOW).await.expect("a request");
    let kind = header(&asked, "content-type")[0].to_owned();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a boundary");
    let wanted = [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\na b&c\r\n").into_bytes(),
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n").into_bytes(),
        vec![0, 255, 13, 10],
        format!("\r\n--{boundary}--\r\n").into_bytes(),
    ];
    assert_eq!(asked.request.body.expect("a body").as_ref(), wanted.concat());
    let missing = asked_in(&call, None).await.expect_err("no such file there");
    assert!(matches!(&missing, Cause::Ours(why) if why.contains("/nowhere/image.bin")), "{missing:?}");
}

#[tokio::test]
async fn who_asks_is_said_as_the_standards_say() {
    let bearer = asked("get = 'http://a.example'\nbearer = '{{ token }}'").await;
    assert_eq!(header(&bearer, "authorization"), ["Bearer tok-hunter22"]);
    // The example of RFC 7617.
    let mut scope = Scope::default();
    scope.bind_secret("password", json!("open sesame"));
    let basic = call("get = 'http://a.example'\nbasic = { user = 'Aladdin', password = '{{ password }}' }");
    let basic = basic.asked_at(&scope, None, Path::new(""), NOW).await.expect("a request");
    assert_eq!(header(&basic, "authorization"), ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]);
    let colon = call("get = 'http://a.example'\nbasic = { user = 'a:b', password = '{{ token }}' }");
    assert!(matches!(asked_in(&colon, None).await, Err(Cause::Ours(_))));
}

#[tokio::test]
async fn a_body_is_signed_as_the_receivers_verify_it() {
    let hooks = |prefix: &str| {
        format!(
            "post = 'http://a.example'\nbody = '{{\"event\":\"renewal\",\"event_id\":\"e1\"}}'\n\
             hmac = {{ secret = '{{{{ key }}}}', header = 'X-Superwall-Signature', prefix = '{prefix}' }}"
        )
    };
    let hex = "2ca4c5ac9cf63730d3e5dd5fa440f6ad495d73c9bdf50069d955f7fa1a070b39";
    assert_eq!(header(&asked(&hooks("")).await, "x-superwall-signature"), [hex]);
    assert_eq!(header(&asked(&hooks("sha256=")).await, "x-superwall-signature"), [format!("sha256={hex}")]);

    let gateway = |over: &str, json: &str| {
        format!(
            "post = 'http://a.example'\njson = {json}\nhmac = {{ secret = '{{{{ key }}}}', header = 'x-gateway-signature', \
             prefix = 'v1=', timestamp_header = 'x-gateway-timestamp', over = '{over}' }}"
        )
    };
    let sorted =
        asked(&gateway("timestamp.sorted-json", "{ b = [{ z = 1.0, a = 'n' }], a = { y = true, B = 'x' } }")).await;
    assert_eq!(body(&sorted), r#"{"b":[{"z":1.0,"a":"n"}],"a":{"y":true,"B":"x"}}"#, "what is sent stays as written");
    assert_eq!(header(&sorted, "x-gateway-timestamp"), ["1700000000"]);
    assert_eq!(
        header(&sorted, "x-gateway-signature"),
        ["v1=45cde62e01445aa6b9e657f16281f426d0b91764dd29c2c4b0745852096f2935"]
    );
    let plain = asked(&gateway("timestamp.body", "{ b = 1 }")).await;
    assert_eq!(
        header(&plain, "x-gateway-signature"),
        ["v1=a4b204618b500cc30539ef40f44e27f194a34740b28eccb19e5bf2c26b9125ed"]
    );
    let nothing = asked("get = 'http://a.example'\nhmac = { secret = '{{ key }}', header = 's' }").await;
    assert_eq!(header(&nothing, "s"), ["e4e34e579e7028489b6573d8ca802416f73d707ec186ffbbf214e84470dacbdc"]);
    for asked in [&sorted, &plain, &nothing] {
        assert!(!format!("{asked:?}").contains("hunter22"), "the key goes nowhere");
    }
}

#[tokio::test]
async fn the_nearest_word_on_who_asks_counts() {
    let session = session(
        "bearer = '{{ token }}'\nhmac = { secret = '{{ key }}', header = 's' }\nheaders = { X-Own = 'session' }",
    );
    let get = |more: &str| call(&format!("get = 'http://a.example'\n{more}"));
    let said = async |more: &str, name: &str| -> Vec<String> {
        let asked = asked_in(&get(more), Some(&session)).await.expect("a request");
        header(&asked, name).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(said("", "authorization").await, ["Bearer tok-hunter22"]);
    assert_eq!(said("", "s").await.len(), 1);
    assert_eq!(said("auth = 'none'", "authorization").await, Vec::<String>::new());
    assert_eq!(said("auth = 'none'", "s").await, Vec::<String>::new());
    assert_eq!(said("auth = 'none'", "x-own").await, ["session"]);
    assert_eq!(said("bearer = 'other {{ name }}'", "authorization").await, ["Bearer other a b&c"]);
    assert_eq!(said("headers = { authorization = 'Own' }", "authorization").await, ["Own"]);
    assert_eq!(said("headers = { x-own = 'mine' }", "x-own").await, ["mine"]);
}

#[tokio::test]
async fn the_jar_s_cookies_go_along_and_a_withheld_one_is_named() {
    let session = session("headers = {}");
    let place = Url::parse("https://api.example/").expect("a URL");
    let set: HeaderMap = ["s=abc; Secure; Path=/", "open=1; Path=/"]
        .into_iter()
        .map(|cookie| (http::header::SET_COOKIE, HeaderValue::from_static(cookie)))
        .collect();
    session.keep_cookies(&place, &set, &Redactor::default());
    let secure = asked_in(&call("get = 'https://api.example/x'"), Some(&session)).await.expect("a request");
    assert!(header(&secure, "cookie")[0].contains("s=abc") && secure.withheld.is_empty());
    let plain = asked_in(&call("get = 'http://api.example/x'"), Some(&session)).await.expect("a request");
    assert_eq!((header(&plain, "cookie"), plain.withheld.as_slice()), (vec!["open=1"], ["s".to_owned()].as_slice()));
    let own = asked_in(&call("get = 'https://api.example/x'\nheaders = { Cookie = 'mine=1' }"), Some(&session)).await;
    assert_eq!(header(&own.expect("a request"), "cookie"), ["mine=1"]);
    // This very machine counts as safe, as in browsers.
    let local = Url::parse("http://127.0.0.1:9/").expect("a URL");
    session.keep_cookies(&local, &set, &Redactor::default());
    let local = asked_in(&call("get = 'http://127.0.0.1:9/x'"), Some(&session)).await.expect("a request");
    assert!(header(&local, "cookie")[0].contains("s=abc") && local.withheld.is_empty());
}

#[tokio::test]
async fn certificates_are_read_for_https_alone_and_the_nearest_count() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["ca", "cert", "key"] {
        std::fs::write(folder.path().join(name), name).expect("written");
    }
    let session = session("tls = { ca = 'ca' }");
    let with = async |text: &str, session: Option<&Session>| {
        call(text).asked_at(&scope(), session, folder.path(), NOW).await.map(|asked| asked.way.identity)
    };
    assert_eq!(with("get = 'https://a.example'", None).await, Ok(None));
    let of_session = with("get = 'https://a.example'", Some(&session)).await.expect("read").expect("an identity");
    let own = with("get = 'https://a.example'\ntls = { cert = 'cert', key = 'key' }", Some(&session)).await;
    assert_ne!(own.expect("read").expect("an identity"), of_session);
    assert_eq!(with("get = 'http://a.example'\ntls = { ca = 'none' }", None).await, Ok(None));
    assert!(matches!(with("get = 'https://a.example'\ntls = { ca = 'none' }", None).await, Err(Cause::Ours(_))));
}

#[test]
fn every_mistake_of_a_request_is_told_at_its_place() {
    for (text, code, at) in [
        ("json = {}", "missing-key", ""),
        ("get = 'a'\nput = 'b'", "wrong-value", "put"),
        ("get = 'a'\njson = {}\nform = {}", "wrong-value", "form"),
        ("get = 'a'\nbody = 'x'\nmultipart = [{ name = 'n', value = 'v' }]", "wrong-value", "multipart"),
        ("get = 'a'\nmultipart = []", "wrong-value", "multipart"),
        ("get = 'a'\nmultipart = [{ name = 'n' }]", "missing-key", "{ name = 'n' }"),
        ("get = 'a'\nmultipart = [{ name = 'n', value = 'v', file = 'f' }]", "wrong-value", "file"),
        ("get = 'a'\nmultipart = [{ name = 'n', value = 'v', filename = 'f' }]", "wrong-value", "filename"),
        ("get = 'a'\nbearer = 'abc'", "literal-secret", "'abc'"),
        ("get = 'a'\nbasic = { user = 'u', password = 'abc' }", "literal-secret", "'abc'"),
        ("get = 'a'\nbasic = { user = 'u' }", "missing-key", "{ user = 'u' }"),
        ("get = 'a'\nbearer = '{{ t }}'\nbasic = { user = 'u', password = '{{ t }}' }", "wrong-value", "basic"),
        ("get = 'a'\nbearer = '{{ t }}'\nheaders = { authorization = 'x' }", "wrong-value", "headers"),
        ("get = 'a'\nhmac = { secret = 'abc', header = 's' }", "literal-secret", "'abc'"),
        ("get = 'a'\nhmac = { secret = '{{ t }}', header = 's p' }", "wrong-value", "'s p'"),
        (
            "get = 'a'\nhmac = { secret = '{{ t }}', header = 's', over = 'timestamp.body' }",
            "missing-key",
            "{ secret = '{{ t }}', header = 's', over = 'timestamp.body' }",
        ),
        ("get = 'a'\nhmac = { secret = '{{ t }}', header = 's', timestamp_header = 't' }", "wrong-value", "'t'"),
        (
            "get = 'a'\nhmac = { secret = '{{ t }}', header = 's', timestamp_header = 't', over = 'timestamp.sorted-json' }",
            "wrong-value",
            "hmac",
        ),
        ("get = 'a'\nheaders = { S = 'x' }\nhmac = { secret = '{{ t }}', header = 's' }", "wrong-value", "headers"),
        ("get = 'a'\nauth = 'nobody'", "wrong-value", "'nobody'"),
        ("get = 'a'\nredirects = 'folow'", "wrong-value", "'folow'"),
        ("get = 'a'\nhttp = '3'", "wrong-value", "'3'"),
        ("get = 'a'\nlimit = '1GB'", "wrong-value", "'1GB'"),
        ("get = 'a'\nlimit = '0B'", "wrong-value", "'0B'"),
        ("get = 'a'\ntls = {}", "missing-key", "{}"),
        ("get = 'a'\ntls = { cert = 'c' }", "missing-key", "{ cert = 'c' }"),
        ("get = 'a'\ntls = { key = 'k' }", "missing-key", "{ key = 'k' }"),
        ("get = 'a'\ntls = { ca = 'c', cart = 'd' }", "unknown-key", "cart"),
    ] {
        let (_, found) = call_of(text, Takes::All);
        let told: Vec<_> = found.iter().map(|found| (found.code, &text[found.span.start..found.span.end])).collect();
        assert_eq!(told, [(code, at)], "{text}: {found:?}");
    }
    let (_, found) = call_of("get = 'a'\nlimit = '1MiB'", Takes::Stream);
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["unknown-key"]);
}

proptest! {
    #[test]
    fn no_table_panics(text in "(get|json|form|multipart|basic|hmac|tls|limit|http) = (\\['?[a-z{} ]*'?\\]|'[a-z0-9{} ]*'|\\{ (name|user|ca|over|value) = '[a-z.]*' \\}|[0-9])") {
        let (parsed, errors) = DeTable::parse_recoverable(&text);
        if errors.is_empty() {
            let notes = Notes::default();
            let _ = read(&Table::new("[x]", parsed.span().into(), parsed.get_ref(), &notes), Takes::All);
        }
    }
}
