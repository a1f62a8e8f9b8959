//! Reads the `env` table, with every mistake at its place.

use regex::Regex;
use toml::de::DeValue;

use super::rule::{Address, Range, Rule};
use super::{Env, Source};
use crate::base::known::Wanted;
use crate::base::table::{Placed, Table};
use crate::kind::document::patterns;
use crate::kind::invocation::Invocation;

/// What was left to be filled in, or is known to everybody: of the example files and the defaults of programs.
const PLACEHOLDERS: &[&str] = &[
    "(?i)change[_-]?(?:this|me)",
    "(?i)^your[_-]",
    "(?i)your-",
    r"(?i)your-?domain\.",
    "(?i)example",
    "(?i)user:password@",
    "(?i)replace[_-](?:with|me)",
    "(?i)^(?:dev-)?(?:secret|csrf|admin-token|password|passwd|token)$",
    r"^<[^<>]*>$",
    "(?i)^(?:x{3,}|todo|tbd|none|null|undefined)$",
];

/// Digits of a fingerprint: fewer would meet another value's too often.
const SHORTEST_PRINT: usize = 8;

pub(super) fn read(table: &Table<'_>) -> Option<Env> {
    let source = source(table);
    let mut rules = vars(table);
    for name in table.texts("set") {
        if rules.iter().any(|(known, _)| *known == name.value) {
            table.wrong_value(name.span, format!("`{}` has rules in `vars`, which say that it is set", name.value));
        } else {
            rules.push((name.value, Rule::default()));
        }
    }
    let mut banned: Vec<Regex> = PLACEHOLDERS.iter().filter_map(|text| Regex::new(text).ok()).collect();
    banned.extend(patterns(table, "banned"));
    let everywhere = table.flag("every_value");
    if rules.is_empty() && everywhere == Some(false) || rules.is_empty() && matches!(source, Some(Source::Process)) {
        table.missing("set", "`set = [\"NAME\"]` or `vars = { NAME = { … } }`");
    }
    let everywhere = everywhere.unwrap_or(matches!(source, Some(Source::File(_))));
    Some(Env { source: source?, rules, banned, everywhere })
}

fn source(table: &Table<'_>) -> Option<Source> {
    table.learn("source", Wanted::There);
    if !table.has("source") {
        table.missing("source", "`source = \"process\"`, `{ file = \".env\" }` or `{ command = [\"…\"] }`");
        return None;
    }
    let forms = "`source` is \"process\", `{ file = \".env\" }` or `{ command = [\"…\"] }`";
    match table.any("source")? {
        Placed { value: DeValue::String(word), .. } if word == "process" => Some(Source::Process),
        Placed { value: DeValue::Table(_), .. } => {
            let inner = table.table("source")?;
            let source = if inner.has("file") {
                inner.template("file").map(Source::File)
            } else if inner.has("command") || inner.has("shell") {
                Invocation::read(&inner).map(|invocation| Source::Command(Box::new(invocation)))
            } else {
                table.wrong_value(inner.span, forms);
                None
            };
            inner.finish();
            source
        }
        Placed { span, .. } => {
            table.wrong_value(span, forms);
            None
        }
    }
}

fn vars(table: &Table<'_>) -> Vec<(String, Rule)> {
    table.learn("vars", Wanted::Named);
    let Some(table) = table.table("vars") else { return Vec::new() };
    let mut all = Vec::new();
    for (name, span) in table.keys() {
        let rule = match table.any(name) {
            Some(Placed { value: DeValue::String(text), span }) => {
                table.templated(text, span).map(|equals| Rule { equals: Some(equals), ..Rule::default() })
            }
            Some(Placed { value: DeValue::Table(_), .. }) => table.table_named(name).map(rule),
            Some(_) => {
                table.wrong_value(span, format!("`{name}` is the value it must have, or a table of rules"));
                None
            }
            None => None,
        };
        all.extend(rule.map(|rule| (name.to_owned(), rule)));
    }
    table.accept_all();
    all
}

fn rule(table: Table<'_>) -> Rule {
    let flag = |key| table.flag(key).unwrap_or(false);
    let rule = Rule {
        optional: flag("optional"),
        absent: flag("absent"),
        public: flag("public"),
        placeholder: flag("placeholder"),
        equals: table.template("equals"),
        one_of: table.templates("one_of"),
        min_length: table.integer("min_length").and_then(|least| {
            let length = usize::try_from(least.value).ok().filter(|least| (1..=65_536).contains(least));
            if length.is_none() {
                table.wrong_value(least.span, "`min_length` is 1 to 65536 characters");
            }
            length
        }),
        url: address(&table),
        int: range(&table),
        matches: patterns(&table, "matches"),
        bans: patterns(&table, "bans"),
        required_if: required_if(&table),
        differs_from: prints(&table),
        same_as: table.text("same_as").map(|name| name.value),
    };
    let alone = rule.absent && (rule.optional || rule.equals.is_some() || rule.min_length.is_some());
    if alone {
        table.wrong_value(table.span, "a variable that must be absent has no value");
    }
    table.finish();
    rule
}

/// `url = true`, `url = "https"`, `url = { schemes = ["https"], local = true, password = true }`.
fn address(table: &Table<'_>) -> Option<Address> {
    table.learn("url", Wanted::There);
    if !table.has("url") {
        return None;
    }
    match table.any("url")? {
        Placed { value: DeValue::Boolean(true), .. } => Some(Address::default()),
        Placed { value: DeValue::String(_) | DeValue::Array(_), .. } => {
            let schemes = table.texts("url").into_iter().map(|scheme| scheme.value.to_ascii_lowercase()).collect();
            Some(Address { schemes, ..Address::default() })
        }
        Placed { value: DeValue::Table(_), .. } => {
            let inner = table.table("url")?;
            let schemes = inner.texts("schemes").into_iter().map(|scheme| scheme.value.to_ascii_lowercase()).collect();
            let flag = |key| inner.flag(key).unwrap_or(false);
            let address = Address { schemes, local: flag("local"), password: flag("password") };
            inner.finish();
            Some(address)
        }
        Placed { span, .. } => {
            table.wrong_value(span, "`url` is true, a scheme, or `{ schemes = [\"https\"], local = true }`");
            None
        }
    }
}

/// `int = true`, `int = { min = 1, max = 65535 }`.
fn range(table: &Table<'_>) -> Option<Range> {
    table.learn("int", Wanted::There);
    if !table.has("int") {
        return None;
    }
    match table.any("int")? {
        Placed { value: DeValue::Boolean(true), .. } => Some(Range::default()),
        Placed { value: DeValue::Table(_), .. } => {
            let inner = table.table("int")?;
            let number = |key| inner.integer(key).map(|number| number.value);
            let range = Range { min: number("min"), max: number("max") };
            if range.min.zip(range.max).is_some_and(|(min, max)| min > max) {
                inner.wrong_value(inner.span, "`max` is less than `min`");
            }
            inner.finish();
            Some(range)
        }
        Placed { span, .. } => {
            table.wrong_value(span, "`int` is true, or `{ min = 1, max = 65535 }`");
            None
        }
    }
}

fn required_if(table: &Table<'_>) -> Vec<(String, String)> {
    table.learn("required_if", Wanted::Named);
    let Some(inner) = table.table("required_if") else { return Vec::new() };
    let mut all = Vec::new();
    for (name, span) in inner.keys() {
        match inner.any(name) {
            Some(Placed { value: DeValue::String(text), .. }) => all.push((name.to_owned(), text.to_string())),
            _ => inner.wrong_value(span, format!("`{name}` is the value with which this must be set")),
        }
    }
    inner.accept_all();
    all
}

fn prints(table: &Table<'_>) -> Vec<String> {
    let right =
        |text: &str| (SHORTEST_PRINT..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut all = Vec::new();
    for print in table.texts("differs_from") {
        if right(&print.value) {
            all.push(print.value);
        } else {
            let what = format!("the beginning of a SHA-256 in hex, {SHORTEST_PRINT} to 64 digits");
            table.wrong_value(print.span, format!("`differs_from` is {what}"));
        }
    }
    all
}

#[cfg(test)]
pub(super) fn placeholders() -> usize {
    PLACEHOLDERS.len()
}
