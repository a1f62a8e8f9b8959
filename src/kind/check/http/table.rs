//! Reads the `http` table, with every mistake at its place, and says its expectations in words.

use regex::Regex;
use toml::de::DeValue;

use super::ask::Lately;
use super::{Capture, Expect, From, Http, Is, rounds, way};
use crate::base::known::Wanted;
use crate::base::table::{Placed, Table};
use crate::base::template::{Scope, Template};
use crate::kind::document;
use crate::kind::expect::{Fresh, Security, Statuses, program, skipped};
use crate::kind::request::{self, Takes, header_name};

pub(super) fn read(table: &Table<'_>) -> Option<Http> {
    let call = request::read(table, Takes::All);
    let expect = Box::new(table.table("expect").map(expect).unwrap_or_default());
    let captures = captures(table);
    let rounds = rounds::read(table);
    rounds::held(table, &rounds);
    let mut http = Http { call: Box::new(call?), expect, captures, rounds, lately: Lately::default() };
    way::settle(table, &mut http);
    Some(http)
}

/// A table of the plan's own names.
fn named<'a>(table: &Table<'a>, key: &'static str) -> Option<Table<'a>> {
    table.learn(key, Wanted::Named);
    table.table(key)
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
        redirect: way::read(&table),
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
    let all = document::captures(table, "`{ header = … }` or `{ cookie = … }`", From::Json, capture);
    all.into_iter().map(|(name, from)| Capture { name, from }).collect()
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
