//! What plans get wrong about Kubernetes (rules.md, "Lint"): kubectl pointed at whatever was used last, an NGINX
//! canary made of the only Ingress there is, and a canary cookie whose value leads nowhere. It reads commands
//! as far as they are plain, and asks nobody.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use toml::de::{DeTable, DeValue};

use super::shell;
use crate::base::source::{Diagnostic, Span};
use crate::base::table::Notes;
use crate::kind::step::traffic::{COOKIE_VALUES, PREFIX};

/// Keys under which a command stands, in whatever kind's table.
const COMMANDS: [&str; 4] = ["command", "shell", "read", "set"];
/// Flags of kubectl whose value is the next word.
const VALUED: [&str; 12] = [
    "--context",
    "--namespace",
    "-n",
    "--kubeconfig",
    "--cluster",
    "--user",
    "-o",
    "--output",
    "-l",
    "--selector",
    "-f",
    "--request-timeout",
];
/// Verbs that ask no cluster.
const LOCAL: [&str; 6] = ["completion", "explain", "kustomize", "options", "plugin", "version"];
/// Verbs and objects that belong to no namespace.
const CLUSTER_WIDE: [&str; 18] = [
    "api-resources",
    "api-versions",
    "cluster-info",
    "cordon",
    "uncordon",
    "drain",
    "taint",
    "node",
    "nodes",
    "no",
    "namespace",
    "namespaces",
    "ns",
    "pv",
    "persistentvolumes",
    "crd",
    "storageclass",
    "clusterroles",
];

static COOKIE_NAMED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"canary-by-cookie["']?\s*[=:]\s*["']?([A-Za-z0-9_.-]+)"#).ok());
static COOKIE_SENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"([A-Za-z0-9_.-]+)=([^;,\s"']+)"#).ok());

/// Looks through the whole file.
pub(super) fn file(root: &DeTable<'_>, notes: &Notes) {
    let mut cookies = BTreeSet::new();
    below(root, &mut |key, value, _| {
        if let (Some(named), DeValue::String(text)) = (COOKIE_NAMED.as_ref(), value) {
            cookies.extend(named.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str().to_owned())));
        }
        if let ("traffic", DeValue::Table(traffic)) = (key, value) {
            traffic_table(traffic, &mut cookies, notes);
        }
    });
    below(root, &mut |key, value, span| {
        if COMMANDS.contains(&key) {
            commands(value).iter().for_each(|words| kubectl(words, span, notes));
        }
        if let DeValue::String(text) = value {
            cookie(key, text, &cookies, span, notes);
        }
    });
}

/// Every value below, with the key it stands under: of a list's, the list's.
fn below(table: &DeTable<'_>, see: &mut dyn FnMut(&str, &DeValue<'_>, Span)) {
    fn into(key: &str, value: &DeValue<'_>, span: Span, see: &mut dyn FnMut(&str, &DeValue<'_>, Span)) {
        see(key, value, span);
        match value {
            // A command's words are seen as the command; strings alone are looked at one by one.
            DeValue::Array(values) => values.iter().for_each(|value| {
                let key = if COMMANDS.contains(&key) { "" } else { key };
                into(key, value.get_ref(), value.span().into(), see);
            }),
            DeValue::Table(table) => below(table, see),
            _ => {}
        }
    }
    for (key, value) in table {
        into(key.get_ref(), value.get_ref(), value.span().into(), see);
    }
}

fn traffic_table(traffic: &DeTable<'_>, cookies: &mut BTreeSet<String>, notes: &Notes) {
    let text = |key: &str| traffic.get(key).and_then(|value| value.get_ref().as_str());
    if let Some(name) = text("cookie") {
        cookies.insert(name.to_owned());
    }
    let cookie = traffic.get("cookie").and_then(|cookie| cookie.get_ref().as_table());
    if let Some(name) = cookie.and_then(|cookie| cookie.get("name")?.get_ref().as_str()) {
        cookies.insert(name.to_owned());
    }
    if let (Some(ingress), Some(stable), Some(place)) = (text("ingress"), text("stable"), traffic.get("ingress"))
        && ingress == stable
    {
        lone(ingress, place.span().into(), notes);
    }
}

fn lone(name: &str, span: Span, notes: &Notes) {
    let message = format!("`{name}` would be made its own canary: NGINX needs a second Ingress for that");
    let wrong = Diagnostic::warning("lone-canary-ingress", span, message);
    notes.report(
        wrong.label("the only Ingress of a host, made a canary, serves nobody").help(
            "give the canary an Ingress of its own, and set its share with `traffic`, which looks for both first",
        ),
    );
}

/// The commands that a value is: arguments, or a script, or a script among arguments.
fn commands(value: &DeValue<'_>) -> Vec<Vec<String>> {
    match value {
        DeValue::String(script) => shell::commands(script),
        DeValue::Array(words) => {
            let words: Vec<String> =
                words.iter().filter_map(|word| word.get_ref().as_str().map(str::to_owned)).collect();
            let is_shell = words.first().is_some_and(|program| {
                matches!(program.rsplit('/').next(), Some("bash" | "sh" | "dash" | "zsh" | "ksh"))
            });
            let script = words.iter().position(|word| word.starts_with('-') && word.ends_with('c'));
            match script.filter(|_| is_shell).and_then(|at| words.get(at + 1)) {
                Some(script) => shell::commands(script),
                None => vec![words],
            }
        }
        _ => Vec::new(),
    }
}

fn kubectl(words: &[String], span: Span, notes: &Notes) {
    let Some(arguments) = shell::arguments_of(words, "kubectl") else { return };
    let flag = |names: &[&str]| {
        arguments.iter().any(|word| {
            names.iter().any(|name| word == name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
        })
    };
    let plain = plain(arguments);
    let word = |at: usize| plain.get(at).copied().unwrap_or_default();
    if word(0) == "config" {
        if matches!(word(1), "use-context" | "set-context" | "use") {
            let wrong =
                Diagnostic::warning("ambient-kubectl", span, "the context is changed for every terminal of this user");
            notes.report(wrong.help("say `--context` in each call instead"));
        }
        return;
    }
    if LOCAL.contains(&word(0)) || word(0).is_empty() {
        return;
    }
    let wide = CLUSTER_WIDE.iter().any(|name| {
        [word(0), word(1)]
            .iter()
            .any(|word| word == name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('/')))
    });
    let raw = flag(&["--raw"]);
    let mut left_out = Vec::new();
    if !flag(&["--context"]) {
        left_out.push("--context");
    }
    let namespaced = flag(&["--namespace", "-n", "--all-namespaces", "-A"])
        || arguments.iter().any(|word| word.len() > 2 && word.starts_with("-n") && !word.starts_with("--"));
    if !namespaced && !wide && !raw {
        left_out.push("--namespace");
    }
    if !left_out.is_empty() {
        let message = format!("kubectl without `{}` acts wherever it was pointed at last", left_out.join("` and `"));
        let wrong = Diagnostic::warning("ambient-kubectl", span, message).label("ambient context or namespace");
        notes.report(wrong.help("say which cluster and which namespace are meant, in each call"));
    }
    makes_canary(&plain, arguments, span, notes);
}

/// `annotate` or `patch` of an Ingress with a canary's annotations. Whether it is the only one is not known here;
/// one whose name says that it is the canary's is believed.
fn makes_canary(plain: &[&str], arguments: &[String], span: Span, notes: &Notes) {
    let [verb, rest @ ..] = plain else { return };
    if !matches!(*verb, "annotate" | "patch") || !arguments.iter().any(|word| word.contains(&format!("{PREFIX}canary")))
    {
        return;
    }
    let is_ingress = |word: &str| matches!(word.split('.').next(), Some("ingress" | "ingresses" | "ing"));
    let name = match rest {
        [one, ..] if one.contains('/') => {
            one.split_once('/').filter(|(kind, _)| is_ingress(kind)).map(|(_, name)| name)
        }
        [kind, name, ..] if is_ingress(kind) => Some(*name),
        _ => None,
    };
    // Taking the annotation off (`canary-`) makes none.
    let taken_off = arguments.iter().any(|word| word.starts_with(PREFIX) && word.ends_with('-'));
    if let Some(name) = name.filter(|name| !name.contains("canary") && !taken_off) {
        lone(name, span, notes);
    }
}

/// The words that are no flags and no values of flags.
fn plain(arguments: &[String]) -> Vec<&str> {
    let mut plain = Vec::new();
    let mut skip = false;
    for word in arguments {
        match (skip, word.starts_with('-')) {
            (true, _) => skip = false,
            (false, true) => skip = VALUED.contains(&word.as_str()),
            (false, false) => plain.push(word.as_str()),
        }
    }
    plain
}

/// A canary's cookie, sent with a value that NGINX does not know.
fn cookie(key: &str, text: &str, cookies: &BTreeSet<String>, span: Span, notes: &Notes) {
    if matches!(key, "why" | "title" | "description" | "by_hand" | "body" | "stdout") {
        return;
    }
    let sent = match key.eq_ignore_ascii_case("cookie") {
        true => Some(text),
        false => text.to_ascii_lowercase().find("cookie:").and_then(|at| text.get(at + "cookie:".len()..)),
    };
    let (Some(sent), Some(pairs)) = (sent, COOKIE_SENT.as_ref()) else { return };
    for found in pairs.captures_iter(sent) {
        let (Some(name), Some(value)) = (found.get(1), found.get(2)) else { continue };
        let (name, value) = (name.as_str(), value.as_str());
        let of_canary = cookies.contains(name) || name.to_ascii_lowercase().starts_with("canary");
        if of_canary && !COOKIE_VALUES.contains(&value) && !value.contains("{{") {
            let message = format!("a canary cookie that says `{value}` never matches");
            let wrong = Diagnostic::warning("canary-cookie", span, message).label("NGINX knows `always` and `never`");
            notes.report(wrong.help(format!("send `{name}=always`, or use a header with a value of its own")));
        }
    }
}
