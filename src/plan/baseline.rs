//! `[baseline]`: values captured before T-0 and frozen. Each is an `http` check of its own that captures
//! one value: `previous_version = { http = "https://…", jq = ".version" }`.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::names::Stands;
use super::reader::{Body, Reader};
use super::{effects, examples};
use crate::base::source::Span;
use crate::base::table::{Placed, Table};
use crate::base::template::Scope;
use crate::kind::check::{self, Check};
use crate::launch::id::ItemId;
use crate::launch::plan::Baseline;

impl<'a> Reader<'a> {
    pub(super) fn read_baseline(&mut self, root: &Table<'a>) {
        let Some(baseline) = root.table("baseline") else { return };
        // A value may not be taken with the help of another: each sees vars and secrets alone.
        let names = self.names.clone();
        for (name, span) in baseline.keys() {
            if let Some(table) = baseline.table_named(name) {
                let _ = self.notes.take_names();
                let body = self.baseline_body(name, span, &table);
                table.finish();
                let owner = ItemId::new(format!("baseline.{name}"));
                if let Some(body) = body
                    && let Some(spec) = self.enter(owner, body, &names, &Scope::default(), None, false)
                {
                    self.plan.baseline.push(Baseline { name: name.to_owned(), spec });
                }
            }
            self.names.bind(name, span, Stands::Baseline, self.notes);
        }
        baseline.accept_all();
    }

    /// The check of one value, as an `http` table that was never written.
    fn baseline_body(&self, name: &str, span: Span, table: &Table<'a>) -> Option<Body> {
        let get = table.need_text("http", "`http = \"https://…\"`");
        let jq = table.need_text("jq", "`jq = \".version\"`");
        let examples = examples::read(table);
        effects::examples(table, check::http::Http::KIND);
        let told = self.notes.take_names();
        let (get, jq) = (get?, jq?);
        let text = |placed: &Placed<String>| string(&placed.value, placed.span);
        let expect = DeTable::from_iter([(key("status", span), Spanned::new(range(span), integer("200")?))]);
        let capture = DeTable::from_iter([(key(name, span), text(&jq))]);
        let entries = DeTable::from_iter([
            (key("get", get.span), text(&get)),
            (key("expect", span), Spanned::new(range(span), DeValue::Table(expect))),
            (key("capture", jq.span), Spanned::new(range(jq.span), DeValue::Table(capture))),
        ]);
        let path = format!("{}.http]", table.path.trim_end_matches(']'));
        let http = Table::new(path, span, &entries, self.notes);
        let body = self.body_of(check::http::Http::KIND, http, &format!("baseline {name}"));
        Some(Body { examples, told, ..body })
    }
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.start..span.end
}

fn key<'k>(name: &str, span: Span) -> Spanned<std::borrow::Cow<'k, str>> {
    Spanned::new(range(span), std::borrow::Cow::Owned(name.to_owned()))
}

fn string<'k>(text: &str, span: Span) -> Spanned<DeValue<'k>> {
    Spanned::new(range(span), DeValue::String(std::borrow::Cow::Owned(text.to_owned())))
}

/// An integer as the parser makes it: the crate has no other way to one.
fn integer<'k>(text: &'k str) -> Option<DeValue<'k>> {
    DeValue::parse(text).ok().map(Spanned::into_inner)
}
