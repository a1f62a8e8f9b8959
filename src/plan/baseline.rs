//! `[baseline]`: values captured before T-0 and frozen. Each is a check of its own that captures one value:
//! `previous_version = { http = "https://…", jq = ".version" }`, `{ command = [..], regex = '…(…)…' }`,
//! `{ file = "…", jq = "…" }`.

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

    /// The baseline values that what was entered lately uses.
    pub(super) fn baseline_used(&self) -> Vec<String> {
        let baseline = self.plan.baseline.iter().map(|wanted| &wanted.name);
        baseline.filter(|name| self.used.contains(*name)).cloned().collect()
    }

    /// The check of one value, as a table of its kind that was never written.
    fn baseline_body(&self, name: &str, span: Span, table: &Table<'a>) -> Option<Body> {
        let sources = SOURCES.map(|key| (key, table.has(key)));
        let mut written = sources.into_iter().filter(|(_, there)| *there).map(|(key, _)| key);
        let (first, second) = (written.next(), written.next());
        if let (Some(first), Some(second)) = (first, second) {
            table.wrong_value(table.span, format!("one source: `{first}` or `{second}`, not both"));
        }
        let Some(source) = first else {
            // How the value is taken is no mistake of its own.
            for beside in ["jq", "regex", "cwd", "env", "example"] {
                let _ = table.has(beside);
            }
            table.missing("http", "`http = \"https://…\"`, `command = [\"…\"]` or `file = \"…\"`");
            return None;
        };
        let kind = match source {
            "http" => check::http::Http::KIND,
            "file" => check::file::File::KIND,
            _ => check::command::Command::KIND,
        };
        let how = match source {
            "http" => table.need_text("jq", "`jq = \".version\"`").map(|jq| ("jq", jq)),
            _ => one_of_two(table),
        };
        let asked = match source {
            "http" => vec![("get", table.text("http")?)],
            "file" => vec![("path", table.text("file")?)],
            _ => Vec::new(),
        };
        let examples = examples::read(table);
        effects::examples(table, kind);
        let told = self.notes.take_names();
        let (how, jq) = how?;
        let text = |placed: &Placed<String>| string(&placed.value, placed.span);
        let inner = |entries: DeTable<'a>| Spanned::new(range(span), DeValue::Table(entries));
        let from = DeTable::from_iter([(key(how, jq.span), text(&jq))]);
        let capture = match how {
            // As a plan would write it: a program alone.
            "jq" => DeTable::from_iter([(key(name, span), text(&jq))]),
            _ => DeTable::from_iter([(key(name, span), inner(from))]),
        };
        let mut entries = DeTable::from_iter([(key("capture", jq.span), inner(capture))]);
        for (name, value) in &asked {
            entries.insert(key(name, value.span), text(value));
        }
        if source == "http" {
            let expect = DeTable::from_iter([(key("status", span), Spanned::new(range(span), integer("200")?))]);
            entries.insert(key("expect", span), inner(expect));
        }
        if kind.name == "command" {
            for of_command in ["command", "shell", "cwd", "env"] {
                let _ = table.has(of_command);
                if let Some(Placed { value, span }) = table.any(of_command) {
                    entries.insert(key(of_command, span), Spanned::new(range(span), value.clone()));
                }
            }
        }
        let path = format!("{}.{}]", table.path.trim_end_matches(']'), kind.name);
        let made = Table::new(path, span, &entries, self.notes);
        let body = self.body_of(kind, made, &format!("baseline {name}"));
        Some(Body { examples, told, ..body })
    }
}

/// Where a value may come from; a script is a command.
const SOURCES: [&str; 4] = ["http", "command", "shell", "file"];

/// `jq` or `regex`: how a value is taken.
fn one_of_two(table: &Table<'_>) -> Option<(&'static str, Placed<String>)> {
    match (table.text("jq"), table.text("regex")) {
        (Some(jq), None) => Some(("jq", jq)),
        (None, Some(regex)) => Some(("regex", regex)),
        (None, None) => {
            if !table.has("jq") && !table.has("regex") {
                table.missing("jq", "`jq = \".version\"` or `regex = 'version: (.+)'`");
            }
            None
        }
        (Some(_), Some(regex)) => {
            table.wrong_value(regex.span, "one way to the value: `jq` or `regex`, not both");
            None
        }
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

#[cfg(test)]
mod tests {
    use crate::base::source::Source;
    use crate::launch::id::ItemId;
    use crate::plan::{Environment, Options, load};

    const PLAN: &str = r#"
[plan]
schema = 1
id = "p"
title = "P"
[baseline.previous]
http = "https://a.example/v"
jq = ".v"
[baseline.image]
http = "https://a.example/v"
jq = ".image"
[session.old]
base = "https://{{ image }}.example"
[[phase]]
id = "a"
at = "T-1h"
[[phase.item]]
id = "plain"
http = { get = "https://a.example/", expect = { status = 200 } }
[[phase.item]]
id = "same"
for_each = { lang = ["de", "en"] }
http = { get = "https://a.example/{{ lang }}", expect = { json = [".v == $previous"] } }
[[phase.item]]
id = "undo"
class = "once"
run = { command = ["undo", "{{ previous }}", "{{ image }}"] }
[[phase.item]]
id = "in-old"
session = "old"
http = { get = "/x", expect = { status = 200 } }
[[phase.item]]
id = "after"
manual = {}
[[signal]]
id = "errors"
unit = "ratio"
promql = { server = "http://prom", query = "errors{version='{{ previous }}'}" }
[[signal]]
id = "load"
promql = { server = "http://prom", query = "load" }
[[objective]]
id = "few"
signal = "errors"
that = "<= 5%"
window = "1m"
[[criterion]]
id = "few"
no_go = "many"
objectives = ["few"]
"#;

    #[test]
    fn an_item_knows_the_baseline_values_that_it_uses_and_no_others() {
        let options = Options { rehearsal: true, ..Options::default() };
        let loaded = load(Source::new("p.toml", PLAN), &Environment::default(), &options).expect("sound");
        let uses = |id: &str| loaded.plan.items[&ItemId::new(id)].baseline.join(" ");
        for (item, wanted) in [
            ("plain", ""),
            ("same[de]", "previous"),
            ("same[en]", "previous"),
            ("undo", "previous image"),
            ("in-old", "image"),
            ("after", ""),
        ] {
            assert_eq!(uses(item), wanted, "{item}");
        }
        let signals: Vec<_> = loaded.plan.signals.iter().map(|signal| signal.baseline.join(" ")).collect();
        assert_eq!(signals, ["previous", ""]);
    }
}
