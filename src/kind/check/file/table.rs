//! Reads the `file` table, with every mistake at its place, and says its expectations in words.

use super::size::Size;
use super::{Expect, File};
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::kind::document::newest::wrong_star;
use crate::kind::document::{Capture, Number, Schema, patterns, programs};
use crate::kind::expect::skipped;

pub(super) fn read(table: &Table<'_>) -> Option<File> {
    let path = table.need_template("path", "`path = \"artifacts/report.json\"`");
    if let Some(path) = &path
        && let Some(wrong) = wrong_star(&path.written())
    {
        table.wrong_value(path.span, wrong);
    }
    let expect = Box::new(table.table("expect").map(expect).unwrap_or_default());
    let (skipped, captures) = (skipped::read(table), Capture::read(table));
    if expect.absent && (expect.is_of_content() || !skipped.is_empty() || !captures.is_empty()) {
        table.wrong_value(table.span, "a file that must be absent has no age, size or content");
    }
    Some(File { path: path?, expect, skipped, captures })
}

fn expect(table: Table<'_>) -> Expect {
    let read = Expect {
        absent: table.flag("absent").unwrap_or(false),
        fresh: table.duration("fresh"),
        size: Size::read(&table),
        sha256: table.template("sha256").filter(|sum| fits(&table, sum)),
        text: patterns(&table, "text"),
        text_absent: patterns(&table, "text_absent"),
        json: programs(&table, "json"),
        numbers: Number::read(&table),
        schema: Schema::read(&table),
    };
    table.finish();
    read
}

fn fits(table: &Table<'_>, sum: &Template) -> bool {
    let written = sum.written();
    let right = sum.names().next().is_some() || is_sum(&written);
    if !right {
        table.wrong_value(sum.span, format!("`{written}` is no SHA-256: 64 digits in hex"));
    }
    right
}

/// 64 digits in hex.
pub(super) fn is_sum(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Expect {
    fn is_of_content(&self) -> bool {
        let Self { absent: _, fresh, size, sha256, text, text_absent, json, numbers, schema } = self;
        let values = fresh.is_some() || size.is_some() || sha256.is_some() || schema.is_some();
        values || !(text.is_empty() && text_absent.is_empty() && json.is_empty() && numbers.is_empty())
    }
}

pub(super) fn words(file: &File, scope: &Scope) -> Vec<String> {
    let Expect { absent, fresh, size, sha256, text, text_absent, json, numbers, schema } = file.expect.as_ref();
    let mut all = vec![format!("{} {}", file.path.written(), there_words(*absent))];
    all.extend(fresh.map(|fresh| format!("written within {}", humantime::format_duration(fresh))));
    all.extend(size.map(|size| format!("size {}", size.words())));
    all.extend(sha256.as_ref().map(|sum| format!("SHA-256 {}", sum_words(sum, scope))));
    all.extend(text.iter().map(|pattern| format!("text matches {pattern}")));
    all.extend(text_absent.iter().map(|pattern| format!("text does not match {pattern}")));
    all.extend(json.iter().map(|program| program.text.clone()));
    all.extend(numbers.iter().map(Number::words));
    all.extend(schema.iter().map(Schema::words));
    all.extend(file.skipped.iter().map(|program| format!("nothing skipped by {}", program.text)));
    all
}

pub(super) fn there_words(absent: bool) -> &'static str {
    if absent { "absent" } else { "there" }
}

/// A name without a value yet stays as the plan writes it.
pub(super) fn sum_words(sum: &Template, scope: &Scope) -> String {
    sum.text(&scope.without_secrets()).unwrap_or_else(|_| sum.written())
}
