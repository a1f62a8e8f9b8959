//! Reads the table of a `traffic` step. Every mistake is reported at its own place; nothing is asked.

use std::time::Duration;

use toml::de::DeValue;

use super::promote::Promote;
use super::{Action, At, Driver, Traffic, Verify, nginx, percent};
use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Placed, Table};
use crate::base::template::{Shape, Template};
use crate::kind::step::traffic::kube::is_name;

/// How long what was written may take to be read back, and to be served, where the plan says nothing.
const WITHIN: Duration = Duration::from_secs(60);
/// How long a promotion may take.
const PROMOTED: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Nginx,
    Gateway,
    Rollouts,
    Command,
}

const DRIVERS: [(&str, Word); 4] =
    [("nginx", Word::Nginx), ("gateway", Word::Gateway), ("rollouts", Word::Rollouts), ("command", Word::Command)];

pub(super) fn read(table: &Table<'_>) -> Option<Traffic> {
    for (key, what) in [("driver", "`driver = \"nginx\"`"), ("action", "`action = \"set\"`")] {
        if !table.has(key) {
            table.missing(key, what);
        }
    }
    let word = table.word("driver", &DRIVERS);
    let actions = [("read", Action::Read), ("set", Action::Set), ("undo", Action::Undo), ("finish", Action::Finish)];
    let action = table.word("action", &actions);
    let weight = weight(table);
    let (header, cookie) = (header(table), cookie(table));
    let within = table.duration("within").unwrap_or(WITHIN);
    let (promote, verify) = (promote(table), verify(table));
    let driver = driver(table, word);
    let (word, action) = (word?, action?);
    needed(table, word, action);
    let promote = match (word, action) {
        (Word::Rollouts, Action::Finish) => {
            Some(Promote::Full { within: table.duration("within").unwrap_or(PROMOTED) })
        }
        _ => promote,
    };
    Some(Traffic {
        driver: Box::new(driver?),
        action,
        weight,
        header,
        cookie,
        within,
        promote: promote.map(Box::new),
        verify: verify.map(Box::new),
    })
}

fn place(table: &Table<'_>, key: &str) -> Span {
    table.keys().into_iter().find(|(there, _)| *there == key).map_or(table.span, |(_, span)| span)
}

/// What goes with an action and a driver, and what does not.
fn needed(table: &Table<'_>, word: Word, action: Action) {
    let there = |key: &str| table.any(key).is_some();
    let idle = |key: &str, why: &str| {
        if there(key) {
            table.wrong_value(place(table, key), format!("`{key}` has no effect {why}"));
        }
    };
    if word != Word::Nginx {
        ["header", "cookie"].into_iter().for_each(|key| idle(key, "here: only the driver `nginx` knows it"));
    }
    match action {
        Action::Read => idle("verify", "on `read`: nothing was changed"),
        Action::Set if word == Word::Nginx => {
            if !["weight", "header", "cookie"].into_iter().any(there) {
                table.missing("weight", "`weight = \"10%\"`, a `header` or a `cookie`");
            }
        }
        Action::Set if !there("weight") => table.missing("weight", "`weight = \"10%\"`"),
        Action::Undo | Action::Finish => {
            for key in ["weight", "header", "cookie"] {
                idle(key, "here: the canary ends with nothing");
            }
        }
        Action::Set => {}
    }
    if action != Action::Finish {
        idle("promote", "here: only `finish` promotes");
        return;
    }
    if !there("verify") {
        table.missing("verify", "`verify = { http = { … } }`: the canary goes only once the version is seen");
    }
    match word {
        Word::Rollouts => idle("promote", "here: the Rollout promotes itself"),
        _ if !there("promote") => {
            table.missing("promote", "`promote = { from = \"shop-canary\", to = \"shop\" }`, or a `command` in it");
        }
        Word::Command => {
            if let Some(Placed { value: DeValue::Table(promote), span }) = table.any("promote")
                && promote.get("command").is_none()
            {
                table.wrong_value(span, "the driver `command` promotes by a `command` alone");
            }
        }
        _ => {}
    }
}

fn driver(table: &Table<'_>, word: Option<Word>) -> Option<Driver> {
    // Every key is asked for, so that one that stands with another driver is told so and not as unknown.
    let own = |key: &'static str, of: Word| {
        if table.has(key) && word.is_some_and(|word| word != of) {
            table.wrong_value(place(table, key), format!("`{key}` does not go with this driver"));
        }
    };
    own("ingress", Word::Nginx);
    own("route", Word::Gateway);
    own("rollout", Word::Rollouts);
    own("read", Word::Command);
    own("set", Word::Command);
    let at = at(table, word);
    let (stable, canary) = (named(table, "stable"), named(table, "canary"));
    if let (Some(stable), Some(canary)) = (&stable, &canary)
        && stable.written() == canary.written()
    {
        table.wrong_value(canary.span, "`stable` and `canary` are one and the same");
    }
    let need = |key: &'static str, example: &str| {
        if !table.has(key) {
            table.missing(key, example);
        }
        named(table, key)
    };
    match word? {
        Word::Nginx => {
            Some(Driver::Nginx { ingress: need("ingress", "`ingress = \"shop-canary\"`")?, at: at?, stable, canary })
        }
        Word::Gateway => {
            for (key, there) in [("stable", stable.is_some()), ("canary", canary.is_some())] {
                if !there && !table.has(key) {
                    table.missing(key, "the name of its service");
                }
            }
            Some(Driver::Gateway {
                route: need("route", "`route = \"shop\"`")?,
                at: at?,
                stable: stable?,
                canary: canary?,
            })
        }
        Word::Rollouts => Some(Driver::Rollouts { rollout: need("rollout", "`rollout = \"shop\"`")?, at: at? }),
        Word::Command => {
            let (read, set) = (table.templates("read"), table.templates("set"));
            if read.is_empty() {
                table.missing("read", "`read = [\"program\", \"argument\"]`, which prints the weight");
            }
            let reads =
                matches!(table.any("action"), Some(Placed { value: DeValue::String(action), .. }) if action == "read");
            if set.is_empty() && !reads {
                table.missing("set", "`set = [\"program\", \"argument\"]`, which is told the weight as TMINUS_WEIGHT");
            }
            Some(Driver::Command { read, set })
        }
    }
}

/// Where kubectl looks. The ambient context is whatever somebody used last, in whatever terminal.
fn at(table: &Table<'_>, word: Option<Word>) -> Option<At> {
    let (context, namespace) = (table.template("context"), table.template("namespace"));
    let kubeconfig = table.template("kubeconfig");
    // Which driver is meant says what it needs.
    word?;
    if word == Some(Word::Command) {
        for key in ["context", "namespace", "kubeconfig"] {
            if table.any(key).is_some() {
                table.wrong_value(place(table, key), format!("`{key}` does not go with this driver"));
            }
        }
        return None;
    }
    for key in ["context", "namespace"] {
        let said = match table.any(key) {
            Some(Placed { value: DeValue::String(text), .. }) => !text.trim().is_empty(),
            other => other.is_some(),
        };
        if !said {
            let message = format!("{} takes kubectl's {key} as it stands on this machine", table.path);
            let wrong = Diagnostic::error("ambient-kubectl", place(table, key), message).label(format!("no `{key}`"));
            table.notes().report(wrong.help(format!("say which is meant: `{key} = \"…\"`")));
        }
    }
    if let Some(namespace) = &namespace {
        fit(table, namespace, "namespace");
    }
    Some(At { context: context?, namespace: namespace?, kubeconfig })
}

fn named(table: &Table<'_>, key: &'static str) -> Option<Template> {
    let name = table.template(key)?;
    fit(table, &name, "object");
    Some(name)
}

fn fit(table: &Table<'_>, name: &Template, of: &str) {
    let written = name.written();
    if name.names().next().is_none() && !written.trim().is_empty() && !is_name(&written) {
        table.wrong_value(name.span, format!("`{written}` is no name of an {of}: small letters, digits, `-` and `.`"));
    }
}

fn weight(table: &Table<'_>) -> Option<Shape> {
    let Placed { value, span } = table.shape("weight")?;
    let plain = match &value {
        Shape::Text(text) if text.names().next().is_some() => return Some(value),
        Shape::Text(text) => percent(&text.written().into()),
        Shape::Plain(plain) => percent(plain),
        Shape::List(_) | Shape::Table(_) => Err("a weight is one number of percent".to_owned()),
    };
    match plain {
        Ok(_) => Some(value),
        Err(why) => {
            table.wrong_value(span, why);
            None
        }
    }
}

fn header(table: &Table<'_>) -> Option<(Template, Option<Template>)> {
    let header = table.table("header")?;
    let name = header.need_template("name", "`name = \"X-Canary\"`");
    let value = header.template("value");
    header.finish();
    Some((name?, value))
}

/// The cookie's name; a value beside it must be one that NGINX knows.
fn cookie(table: &Table<'_>) -> Option<Template> {
    table.learn("cookie", crate::base::known::Wanted::Template);
    if !matches!(table.any("cookie"), Some(Placed { value: DeValue::Table(_), .. })) {
        return table.template("cookie");
    }
    let cookie = table.table("cookie")?;
    let name = cookie.need_template("name", "`name = \"canary\"`");
    if let Some(value) = cookie.text("value")
        && !nginx::COOKIE_VALUES.contains(&value.value.as_str())
    {
        let message = format!("a canary cookie that says `{}` never matches", value.value);
        let wrong = Diagnostic::error("canary-cookie", value.span, message).label("NGINX knows `always` and `never`");
        table.notes().report(wrong.help("write `always`, or use a `header` with a value of its own"));
    }
    cookie.finish();
    name
}

fn promote(table: &Table<'_>) -> Option<Promote> {
    let promote = table.table("promote")?;
    let (from, to, container) = (named(&promote, "from"), named(&promote, "to"), named(&promote, "container"));
    let within = promote.duration("within").unwrap_or(PROMOTED);
    let command = promote.templates("command");
    let both = !command.is_empty() && (from.is_some() || to.is_some());
    let found = match (from, to) {
        _ if both => {
            promote.wrong_value(promote.span, "`command` and `from`, `to` exclude each other");
            None
        }
        _ if !command.is_empty() => Some(Promote::Command(command)),
        (Some(from), Some(to)) => Some(Promote::Deployment { from, to, container, within }),
        _ => {
            promote.missing("from", "`from = \"shop-canary\"` and `to = \"shop\"`, or a `command`");
            None
        }
    };
    promote.finish();
    found
}

fn verify(table: &Table<'_>) -> Option<Verify> {
    let verify = table.table("verify")?;
    let within = verify.duration("within").unwrap_or(WITHIN);
    // Its examples are the plan's to read.
    verify.accept("example");
    let check = crate::kind::step::nested::check(&verify);
    verify.finish();
    Some(Verify { within, check: check? })
}
