//! Reads the `http` table, with every mistake at its place, and says its expectations in words.

use http::HeaderName;
use regex::Regex;
use toml::de::DeValue;

use super::ask::Lately;
use super::{Body, Capture, Expect, From, Http, Is, rounds};
use crate::base::known::Wanted;
use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Placed, Table};
use crate::base::template::{Scope, Template};
use crate::kind::expect::{Fresh, Security, Statuses, program, skipped};

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

pub(super) fn read(table: &Table<'_>) -> Option<Http> {
    let asked = METHODS.map(|(key, method)| {
        table.learn(key, Wanted::Template);
        (key, method, table.has(key))
    });
    let mut written = asked.into_iter().filter(|(.., there)| *there);
    let first = written.next();
    for (key, ..) in written {
        let span = table.keys().into_iter().find(|(name, _)| *name == key).map_or(table.span, |(_, span)| span);
        let one = first.map_or("get", |(key, ..)| key);
        table.notes().report(
            Diagnostic::error("wrong-value", span, format!("{} has both `{one}` and `{key}`", table.path))
                .label("one request an item"),
        );
    }
    let request = match first {
        Some((key, method, _)) => table.template(key).map(|address| (method, address)),
        None => {
            table.missing("get", "`get = \"https://…\"`, or post, put, patch, delete, head, options");
            None
        }
    };
    let headers = headers(table);
    let body = body(table);
    let expect = Box::new(table.table("expect").map(expect).unwrap_or_default());
    let captures = captures(table);
    let rounds = rounds::read(table);
    rounds::held(table, &rounds);
    let (method, address) = request?;
    Some(Http { method, address, headers, body, expect, captures, rounds, lately: Lately::default() })
}

/// Request headers; a name no header may have is reported.
fn headers(table: &Table<'_>) -> Vec<(String, Template)> {
    let all = table.named_templates("headers").into_iter();
    all.filter_map(|(name, value)| header_name(table, &name.value, name.span).then_some((name.value, value))).collect()
}

/// A table of the plan's own names.
fn named<'a>(table: &Table<'a>, key: &'static str) -> Option<Table<'a>> {
    table.learn(key, Wanted::Named);
    table.table(key)
}

fn header_name(table: &Table<'_>, name: &str, span: Span) -> bool {
    let right = HeaderName::from_bytes(name.as_bytes()).is_ok();
    if !right {
        table.wrong_value(span, format!("`{name}` is no header name"));
    }
    right
}

fn body(table: &Table<'_>) -> Option<Body> {
    let json = table.shape("json");
    let text = table.text("body");
    if let (Some(_), Some(text)) = (&json, &text) {
        table.wrong_value(text.span, "one body a request: `json` or `body`, not both");
    }
    match (json, text) {
        (Some(json), _) => Some(Body::Json(json.value)),
        (None, Some(text)) => table.templated(&text.value, text.span).map(Body::Text),
        (None, None) => None,
    }
}

pub(super) fn expect(table: Table<'_>) -> Expect {
    let read = Expect {
        status: Statuses::read(&table, "status"),
        headers: named(&table, "header").map(header_expectations).unwrap_or_default(),
        json: table.texts("json").iter().filter_map(|text| program(&table, &text.value, text.span)).collect(),
        body: patterns(&table, "body"),
        body_absent: patterns(&table, "body_absent"),
        latency: table.duration("latency"),
        cookies: table.texts("cookie").into_iter().map(|name| name.value).collect(),
        security: Security::read(&table),
        fresh: Fresh::read(&table, true),
        skipped: skipped::read(&table),
    };
    table.finish();
    read
}

fn header_expectations(table: Table<'_>) -> Vec<(String, Is)> {
    let mut all = Vec::new();
    for (name, span) in table.keys() {
        if !header_name(&table, name, span) {
            continue;
        }
        let is = match table.any(name) {
            Some(Placed { value: DeValue::String(text), span }) => table.templated(text, span).map(Is::Equals),
            Some(Placed { value: DeValue::Table(_), .. }) => table.table_named(name).and_then(header_expectation),
            Some(Placed { span, .. }) => {
                table.wrong_value(span, format!("`{name}` is a value, or one of {HEADER_FORMS}"));
                None
            }
            None => None,
        };
        all.extend(is.map(|is| (name.to_ascii_lowercase(), is)));
    }
    table.accept_all();
    all
}

const HEADER_FORMS: &str = "`{ contains = … }`, `{ absent = true }`, `{ list = … }`, `{ set = … }`";

fn header_expectation(table: Table<'_>) -> Option<Is> {
    let forms = [
        table.template("equals").map(Is::Equals),
        table.template("contains").map(Is::Contains),
        table.flag("absent").and_then(|absent| absent.then_some(Is::Absent)),
        Some(table.templates("list")).filter(|list| !list.is_empty()).map(Is::Lists),
        Some(table.templates("set")).filter(|list| !list.is_empty()).map(Is::Set),
    ];
    let mut forms = forms.into_iter().flatten();
    let first = forms.next();
    if first.is_none() || forms.next().is_some() {
        table.wrong_value(table.span, format!("{} needs exactly one of {HEADER_FORMS}", table.path));
    }
    table.finish();
    first
}

fn patterns(table: &Table<'_>, key: &'static str) -> Vec<Regex> {
    let all = table.texts(key).into_iter();
    all.filter_map(|text| match Regex::new(&text.value) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            let why = why.to_string();
            let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            table.wrong_value(text.span, format!("`{key}` is no regular expression: {last}"));
            None
        }
    })
    .collect()
}

fn captures(table: &Table<'_>) -> Vec<Capture> {
    let Some(table) = named(table, "capture") else { return Vec::new() };
    let mut all = Vec::new();
    for (name, span) in table.keys() {
        let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !named {
            table.wrong_value(span, format!("`{name}` is no name: only letters, digits, `_` and `-`"));
            continue;
        }
        let from = match table.any(name) {
            Some(Placed { value: DeValue::String(text), span }) => program(&table, text, span).map(From::Json),
            Some(Placed { value: DeValue::Table(_), .. }) => table.table_named(name).and_then(capture),
            Some(Placed { span, .. }) => {
                table.wrong_value(span, format!("`{name}` is a jq program, `{{ header = … }}` or `{{ cookie = … }}`"));
                None
            }
            None => None,
        };
        all.extend(from.map(|from| Capture { name: name.to_owned(), from }));
    }
    table.accept_all();
    all
}

fn capture(table: Table<'_>) -> Option<From> {
    let jq = table.text("jq").and_then(|text| program(&table, &text.value, text.span)).map(From::Json);
    let header = table.text("header").filter(|name| header_name(&table, &name.value, name.span));
    let header = header.map(|name| From::Header(name.value.to_ascii_lowercase()));
    let cookie = table.text("cookie").map(|name| From::Cookie(name.value));
    let mut forms = [jq, header, cookie].into_iter().flatten();
    let first = forms.next();
    if first.is_none() || forms.next().is_some() {
        table.wrong_value(table.span, format!("{} needs exactly one of `jq`, `header`, `cookie`", table.path));
    }
    table.finish();
    first
}

impl Expect {
    pub(super) fn words(&self, scope: &Scope) -> Vec<String> {
        let mut all = vec![format!("status {}", self.status.words())];
        all.extend(self.headers.iter().map(|(name, is)| format!("header {name} {}", is.words(scope))));
        all.extend(self.cookies.iter().map(|name| format!("cookie {name} set")));
        all.extend(self.json.iter().map(|program| program.text.clone()));
        all.extend(self.body.iter().map(|pattern| format!("body matches {pattern}")));
        all.extend(self.body_absent.iter().map(|pattern| format!("body does not match {pattern}")));
        all.extend(self.security.words());
        all.extend(self.fresh.as_ref().map(Fresh::words));
        all.extend(self.skipped.iter().map(|program| format!("skipped where {}", program.text)));
        all.extend(self.latency.map(|most| format!("latency at most {}", humantime::format_duration(most))));
        all
    }
}

impl Is {
    pub(super) fn words(&self, scope: &Scope) -> String {
        // A secret, or a name without a value yet, stays as the plan writes it.
        let text = |template: &Template| match template.is_secret(scope) {
            true => template.written(),
            false => template.text(scope).unwrap_or_else(|_| template.written()),
        };
        match self {
            Self::Equals(value) => format!("equal to {}", text(value)),
            Self::Contains(part) => format!("containing {}", text(part)),
            Self::Absent => "absent".to_owned(),
            Self::Lists(members) => {
                format!("listing {}", members.iter().map(text).collect::<Vec<_>>().join(", "))
            }
            Self::Set(members) => {
                format!("listing exactly {}", members.iter().map(text).collect::<Vec<_>>().join(", "))
            }
        }
    }
}
