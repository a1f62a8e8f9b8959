//! What plans get wrong although they can be read (rules.md, "Lint"). Most are warnings; a secret among a
//! command's arguments is an error, because every process list would show it.

use std::sync::LazyLock;

use regex::Regex;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::inside;
use super::names::Names;
use crate::base::jq::Program;
use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Notes, Placed, Table};
use crate::base::template::{Scope, Template};
use crate::kind::invocation::{Exposed, Invocation};
use crate::kind::{Kind, step};
use crate::launch::plan::Confirm;

/// A pattern of this file; none would be a mistake a test finds.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static DESTRUCTIVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?x) \bprune\b | (?i:\bdrop\s+(?:table|database|schema|index|collection)\b) | \bDROP\b
        | \brm\s+(?:-\w+\s+)*-\w*(?:rf|fr)\w* | \brm\s+-r\s+-f\b | \brm\s+-f\s+-r\b | \bKEYS\b.*\bDEL\b",
    )
});

static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r"(?i:your-?domain|change[_-]?me|replace[_-]me)|<[A-Za-z][A-Za-z0-9_.-]*(?:[ -][A-Za-z0-9_.-]+)*>")
});

static PYTHON: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?:^|[\s;&|(])(?:[^\s;&|(]*/)?(?:bash|sh|dash|zsh)\s+(?:-\w+\s+)*[^\s;&|]+\.py\b"));

fn found<'t>(pattern: &LazyLock<Option<Regex>>, text: &'t str) -> Option<&'t str> {
    pattern.as_ref().and_then(|pattern| pattern.find(text)).map(|found| found.as_str())
}

/// What is wrong with a step's command.
pub(super) fn command(owner: &Table<'_>, kind: Kind, confirm: Confirm, names: &Names, notes: &Notes) {
    let Some(Placed { value: DeValue::Table(step), .. }) = owner.any(kind.name) else { return };
    command_of(step, confirm, names, notes);
    for (_, step) in inside::steps(kind, step) {
        command_of(step, confirm, names, notes);
    }
}

fn command_of(step: &DeTable<'_>, confirm: Confirm, names: &Names, notes: &Notes) {
    // `read` and `set` are the commands of a driver of traffic.
    for argv in ["command", "shell", "read", "set"].into_iter().filter_map(|key| step.get(key)) {
        argv_of(argv, step, confirm, names, notes);
    }
}

fn argv_of(argv: &Spanned<DeValue<'_>>, step: &DeTable<'_>, confirm: Confirm, names: &Names, notes: &Notes) {
    let words = strings(argv.get_ref(), argv.span().into());
    let place = step.get("cwd").map(|cwd| strings(cwd.get_ref(), cwd.span().into())).unwrap_or_default();
    for (word, span) in words.iter().chain(&place) {
        let template = Template::parse(word, *span).ok();
        let secret =
            template.iter().flat_map(Template::names).find(|name| names.is_secret(name) || names.is_captured(name));
        if let Some(secret) = secret {
            let message = format!("the secret `{secret}` among the arguments of a command: every `ps` shows them");
            let wrong = Diagnostic::error("secret-in-argv", *span, message);
            notes.report(wrong.help(format!("hand it over as `env = {{ NAME = \"{{{{ {secret} }}}}\" }}` or `stdin`")));
        }
    }
    let line = words.iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>().join(" ");
    let span = Span::from(argv.span());
    if let Some(word) = found(&DESTRUCTIVE, &line).filter(|_| confirm != Confirm::Type) {
        let message = format!("`{word}` destroys, and one key starts it");
        let wrong = Diagnostic::warning("destructive-on-one-key", span, message);
        notes.report(wrong.help("add `confirm = \"type\"`"));
    }
    if found(&PYTHON, &line).is_some() {
        let wrong = Diagnostic::warning("python-run-by-bash", span, "a Python file run by a shell");
        notes.report(wrong.help("write `[\"python3\", …]`"));
    }
}

/// What is wrong with a command that only looks: one that destroys does not.
pub(super) fn readonly(owner: &Table<'_>, kind: Kind, names: &Names, notes: &Notes) {
    // Its own word on destruction is an error, not the question of a key.
    command(owner, kind, Confirm::Type, names, notes);
    let Some(Placed { value: DeValue::Table(step), .. }) = owner.any(kind.name) else { return };
    let Some(argv) = step.get("command").or_else(|| step.get("shell")) else { return };
    let words = strings(argv.get_ref(), argv.span().into());
    let line = words.iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>().join(" ");
    if let Some(word) = found(&DESTRUCTIVE, &line) {
        let message = format!("`{word}` in a playbook: its commands look, and change nothing");
        notes.report(Diagnostic::error("playbook-not-readonly", argv.span().into(), message).label("destroys"));
    }
}

/// What is wrong with the command that a check runs: where names say a secret, what destroys, and Python under
/// a shell.
pub(super) fn invoked(invocation: &Invocation, names: &Names, scope: &Scope, table: Span, notes: &Notes) {
    let place = |span: Span| if span == Span::default() { table } else { span };
    let mut named = Vec::new();
    for template in invocation.in_sight() {
        if let Some(secret) = template.names().find(|name| names.is_secret(name) || names.is_captured(name)) {
            let message = format!("the secret `{secret}` among the arguments of a command: every `ps` shows them");
            let wrong = Diagnostic::error("secret-in-argv", place(template.span), message);
            notes.report(wrong.help(format!("hand it over as `env = {{ NAME = \"{{{{ {secret} }}}}\" }}` or `stdin`")));
            named.push(template.span);
        }
    }
    let found_there: Vec<Exposed> =
        invocation.exposed(scope).into_iter().filter(|found| !named.contains(&found.span)).collect();
    by_value(found_there, table, notes);
    let line = invocation.line();
    if let Some(word) = found(&DESTRUCTIVE, &line) {
        let message = format!("`{word}` destroys, and a check runs by itself");
        let wrong = Diagnostic::warning("destructive-check", table, message).label("a check looks and changes nothing");
        notes.report(wrong.help("make it a step: `[phase.item.run]` with a `class` and `confirm = \"type\"`"));
    }
    if found(&PYTHON, &line).is_some() {
        let wrong = Diagnostic::warning("python-run-by-bash", table, "a Python file run by a shell");
        notes.report(wrong.help("write `[\"python3\", …]`"));
    }
}

/// A secret's value where `ps` shows it, under another name than its own or none: [`command`] tells the rest.
pub(super) fn exposed(step: &step::Spec, scope: &Scope, table: Span, notes: &Notes) {
    by_value(step.exposed(scope), table, notes);
}

fn by_value(found: Vec<Exposed>, table: Span, notes: &Notes) {
    for found in found.into_iter().filter(|found| !found.by_name) {
        let span = if found.span == Span::default() { table } else { found.span };
        let message = "the value of a secret among the arguments of a command: every `ps` shows them";
        let wrong = Diagnostic::error("secret-in-argv", span, message).label("a secret has this very value");
        notes.report(wrong.help("hand it over as `env = { NAME = \"{{ secret }}\" }` or `stdin`"));
    }
}

/// What is wrong with the jq programs of a check's expectations.
pub(super) fn programs(kind: Kind, table: &Table<'_>) {
    if kind.family != "check" && kind.name != "send" {
        return;
    }
    for part in ["expect", "until", "meanwhile", "burst"] {
        if let Some(placed) = table.any(part) {
            // Where a timestamp stands is no question of truth.
            let place = placed.value.as_table().and_then(|table| table.get("fresh_within")).map(toml::Spanned::span);
            walk(placed.value, placed.span, &mut |key, text, span| {
                if key == "json" && place.as_ref().is_none_or(|place| !place.contains(&span.start)) {
                    truthiness(text, span, table.notes());
                }
            });
        }
    }
}

/// A path alone is true only where the answer says `true` itself: whatever else is there comes to unknown.
fn truthiness(program: &str, span: Span, notes: &Notes) {
    let parts = program.split(" and ").flat_map(|part| part.split(" or ")).map(str::trim);
    let bare = |part: &&str| *part != "." && Program::parse(part).is_ok_and(|program| program.is_bare());
    if let Some(path) = parts.map(|part| part.trim_matches(['(', ')', ' '])).find(bare) {
        let wrong = Diagnostic::warning("jq-truthiness", span, format!("`{path}` is only tested for being there"));
        notes.report(wrong.label("what may it be?").help(format!("write `{path} == true` or `{path} | length > 0`")));
    }
}

/// What was left to be filled in, anywhere in the file.
pub(super) fn placeholders(root: &DeTable<'_>, notes: &Notes) {
    for value in root.values() {
        walk(value.get_ref(), value.span().into(), &mut |key, text, span| {
            let prose = matches!(key, "why" | "title" | "description" | "by_hand" | "body" | "stdout");
            if let Some(left) = found(&PLACEHOLDER, text).filter(|_| !prose) {
                let wrong = Diagnostic::warning("placeholder-left", span, format!("`{left}` was left to be filled in"));
                notes.report(wrong.label("fill this in"));
            }
        });
    }
}

/// Every string below a value, with the key it stands under. As deep as the parser lets a file be.
fn walk(value: &DeValue<'_>, span: Span, see: &mut dyn FnMut(&str, &str, Span)) {
    fn below(key: &str, value: &DeValue<'_>, span: Span, see: &mut dyn FnMut(&str, &str, Span)) {
        match value {
            DeValue::String(text) => see(key, text, span),
            DeValue::Array(values) => {
                values.iter().for_each(|value| below(key, value.get_ref(), value.span().into(), see));
            }
            DeValue::Table(entries) => {
                for (key, value) in entries {
                    below(key.get_ref(), value.get_ref(), value.span().into(), see);
                }
            }
            _ => {}
        }
    }
    below("", value, span, see);
}

fn strings(value: &DeValue<'_>, span: Span) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    walk(value, span, &mut |_, text, span| found.push((text.to_owned(), span)));
    found
}
