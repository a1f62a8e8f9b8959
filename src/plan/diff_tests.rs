//! Differences by name, and which items do something else.

use super::*;

const PLAN: &str = r#"
[plan]
schema = 1
id = "p"
title = "P"
environment = "test"
[vars]
api = "http://old.example"
other = "x"
[session.smoke]
base = "{{ api }}"
[[phase]]
id = "a"
title = "A"
at = "T-1h"
[[phase.item]]
id = "up"
title = "Up"
[phase.item.http]
get = "{{ api }}/up"
expect = { status = 200 }
[[phase.item]]
id = "in"
title = "In"
session = "smoke"
[phase.item.http]
get = "/in"
expect = { status = 200 }
[[phase.item]]
id = "alone"
title = "Alone"
at = "T-30m"
[phase.item.http]
get = "http://x.example/"
expect = { status = 200 }
[[phase]]
id = "b"
title = "B"
at = "T-10m"
[[phase.item]]
id = "pause"
title = "Pause"
wait.for = "1s"
"#;

fn changed(from: &str, to: &str) -> Vec<String> {
    let new = PLAN.replacen(from, to, 1);
    assert_ne!(new, PLAN, "{from}");
    let (was, is) = (document(PLAN), document(&new));
    other(&was, &is, None)
}

/// The items that do something else.
fn other(old: &Value, new: &Value, home: Option<&str>) -> Vec<String> {
    let (was, is) = (definitions(&Places::new(old, home)), definitions(&Places::new(new, home)));
    was.into_iter().filter(|(id, was)| is.get(id).is_some_and(|is| is != was)).map(|(id, _)| id).collect()
}

#[test]
fn an_item_does_something_else_where_anything_it_uses_is_declared_otherwise() {
    for (from, to, wanted) in [
        ("http://old.example", "http://new.example", vec!["in", "up"]),
        ("status = 200", "status = 204", vec!["up"]),
        ("base = \"{{ api }}\"", "base = \"{{ other }}\"", vec!["in"]),
        ("other = \"x\"", "other = \"y\"", vec![]),
        ("title = \"Up\"", "title = \"Upper\"\nwhy = \"so\"\nretries = 2", vec![]),
        ("at = \"T-30m\"", "at = \"T-20m\"", vec![]),
        ("at = \"T-30m\"", "at = \"T-30m\"\ntimeout = \"5s\"", vec!["alone"]),
        ("wait.for = \"1s\"", "wait.for = \"2s\"", vec!["pause"]),
        ("at = \"T-1h\"", "# a word\nat = \"T-1h\"", vec![]),
    ] {
        assert_eq!(changed(from, to), wanted, "{from} → {to}");
    }
}

#[test]
fn the_order_of_keys_is_no_change() {
    let new = PLAN.replace("id = \"up\"\ntitle = \"Up\"", "title = \"Up\"\nid = \"up\"");
    assert_ne!(new, PLAN);
    assert_eq!(changes(PLAN, &new), ["~ comments or layout alone"]);
}

#[test]
fn a_difference_is_told_by_names_and_values() {
    let told = |from: &str, to: &str| {
        let new = PLAN.replacen(from, to, 1);
        assert_ne!(new, PLAN, "{from}");
        changes(PLAN, &new)
    };
    assert_eq!(told("status = 200", "status = 204"), ["~ phase a item up.http.expect.status: 200 → 204"]);
    assert_eq!(told("other = \"x\"", ""), ["- vars.other: \"x\""]);
    assert_eq!(
        told("at = \"T-10m\"", "at = \"T-5m\"\ngate = true"),
        ["~ phase b.at: \"T-10m\" → \"T-5m\"", "+ phase b.gate: true"]
    );
    assert_eq!(told("[[phase]]\nid = \"b\"", "[[phase]]\nid = \"c\""), ["- phase b (B)", "+ phase c (B)"]);
    let item = "[[phase.item]]\nid = \"new\"\ntitle = \"New \\u001b[31mred\"\nwait.for = \"1s\"\n";
    let added = told("[[phase]]\nid = \"b\"", &format!("{item}[[phase]]\nid = \"b\""));
    assert_eq!(added, ["+ phase a item new (New red)"], "no escape sequence passes");
    let (first, second) = (
        "[clock]\nholds = [{ at = \"T-10m\", for = \"1m\" }]\n",
        "[clock]\nholds = [{ at = \"T-9m\", for = \"1m\" }]\n",
    );
    assert_eq!(
        changes(&format!("{PLAN}{first}"), &format!("{PLAN}{second}")),
        ["- clock holds T-10m", "+ clock holds T-9m"]
    );
}

#[test]
fn another_order_is_told() {
    let list = |order: [&str; 2]| order.map(|id| format!("[[phase]]\nid = \"{id}\"\n")).concat();
    assert_eq!(changes(&list(["a", "b"]), &list(["b", "a"])), ["~ order of phase: a, b → b, a"]);
}

#[test]
fn a_flood_of_changes_is_cut_and_counted() {
    let plan = |n: usize| (0..1000).map(|at| format!("v{at} = {n}\n")).collect::<String>();
    let told = changes(&plan(1), &plan(2));
    assert_eq!((told.len(), told.last().map(String::as_str)), (MOST_LINES + 1, Some("… and 600 more")));
}

const WATCHED: &str = r#"
[vars]
api = "http://old.example"
[[monitor]]
id = "api"
every = "1s"
session = "smoke"
[[monitor.item]]
id = "login"
http = { post = "/login" }
[[monitor]]
id = "web"
every = "1s"
http = { get = "{{ api }}/" }
[[signal]]
id = "load"
every = "10s"
command = { run = ["load"] }
[[objective]]
id = "errors"
title = "Errors"
signal = "monitor.web"
that = "error_rate <= 5%"
window = "30s"
[[objective]]
id = "busy"
signal = "load"
that = "<= 80%"
window = "1m"
[[trigger]]
id = "errors-2m"
when = "objective.errors"
for = "2m"
then = "rollback.back"
[[rollback]]
id = "back"
[[rollback.ready]]
id = "kept"
title = "The artifact is kept"
[[phase]]
id = "a"
[[phase.item]]
id = "day"
soak = { objectives = ["errors"], for = "24h" }
[[phase.item]]
id = "calm"
signal = { from = "monitor.web", that = "up >= 99%", window = "1m" }
"#;

fn watched(from: &str, to: &str) -> (Vec<String>, Vec<String>) {
    let new = WATCHED.replacen(from, to, 1);
    assert_ne!(new, WATCHED, "{from}");
    (changes(WATCHED, &new), other(&document(WATCHED), &document(&new), None))
}

#[test]
fn a_signal_asks_something_else_where_anything_it_stands_on_is_declared_otherwise() {
    let more = r#"
[session.smoke]
base = "http://one.example"
[[stream]]
id = "app"
log = "/var/log/app"
[[signal]]
id = "took"
from = "stream.app"
jq = ".ms"
[[monitor]]
id = "rings"
every = "10s"
alerts = { prometheus = "http://p" }
[[trigger]]
id = "rings-too"
when = "alert.Down"
"#;
    for (from, to, wanted) in [
        ("{{ api }}/", "{{ api }}/x", vec!["monitor.web"]),
        ("http://old", "http://new", vec!["monitor.web"]),
        ("post = \"/login\"", "post = \"/in\"", vec!["monitor.api"]),
        ("http://one", "http://two", vec!["monitor.api"]),
        ("/var/log/app", "/var/log/web", vec!["took"]),
        ("\".ms\"", "\".s\"", vec!["took"]),
        ("http://p", "http://q", vec!["monitor.alert.Down", "monitor.rings"]),
        ("[\"load\"]", "[\"uptime\"]", vec!["load"]),
        // How often, after how many failures, and what it is called are no question.
        ("every = \"10s\"", "every = \"20s\"", vec![]),
        ("every = \"1s\"", "every = \"1s\"\ntitle = \"It\"\nwhy = \"so\"\nfails_after = 5", vec![]),
        ("id = \"login\"", "id = \"login\"\ntitle = \"Log in\"\nexample.good = { status = 200 }", vec![]),
        ("\"error_rate <= 5%\"", "\"error_rate <= 1%\"", vec![]),
        ("id = \"load\"", "id = \"loaded\"", vec![]),
    ] {
        let old = format!("{WATCHED}{more}");
        let new = old.replacen(from, to, 1);
        assert_ne!(new, old, "{from}");
        assert_eq!(asked_anew(&old, &new, None), wanted, "{from} → {to}");
    }
}

/// The signals that ask something else.
fn asked_anew(old: &str, new: &str, home: Option<&str>) -> Vec<String> {
    let (old, new) = (document(old), document(new));
    asked(&Places::new(&old, home), &Places::new(&new, home)).iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_watched_is_told_by_its_names() {
    for (from, to, told, items) in [
        ("\"error_rate <= 5%\"", "\"error_rate <= 1%\"", "~ objective errors.that: ", vec!["day"]),
        ("title = \"Errors\"", "title = \"Failures\"", "~ objective errors.title: ", vec![]),
        ("\"<= 80%\"", "\"<= 90%\"", "~ objective busy.that: ", vec![]),
        ("for = \"2m\"", "for = \"3m\"", "~ trigger errors-2m.for: \"2m\" → \"3m\"", vec![]),
        ("every = \"10s\"", "every = \"20s\"", "~ signal load.every: \"10s\" → \"20s\"", vec![]),
        ("post = \"/login\"", "post = \"/in\"", "~ monitor api item login.http.post: \"/login\" → \"/in\"", vec![]),
        ("{{ api }}/", "{{ api }}/x", "~ monitor web.http.get: ", vec!["calm", "day"]),
        ("http://old", "http://new", "~ vars.api: ", vec!["calm", "day"]),
        ("id = \"kept\"", "id = \"there\"", "- rollback back ready kept (The artifact is kept)", vec![]),
        ("id = \"busy\"", "id = \"load-80\"", "+ objective load-80", vec![]),
    ] {
        let (lines, other) = watched(from, to);
        assert!(lines.iter().any(|line| line.starts_with(told)), "{told}: {lines:?}");
        assert_eq!(other, items, "{from} → {to}");
    }
}

const PLACES: &str = r#"
[plan]
environment = "production"
[vars]
api = "http://own"
[target.production]
vars = { api = "http://here" }
[target.lab]
vars = { api = "http://there" }
[target.staging]
vars = { api = "http://beside" }
[baseline.previous]
http = "{{ api }}/version"
[session.far]
target = "lab"
base = "{{ api }}"
[session.near]
base = "{{ api }}"
[[phase]]
id = "a"
[[phase.item]]
id = "here"
http = { get = "{{ api }}/" }
[[phase.item]]
id = "there"
target = "lab"
http = { get = "{{ api }}/" }
[[phase.item]]
id = "in-far"
session = "far"
http = { get = "/" }
[[phase.item]]
id = "alone"
http = { get = "http://x/" }
[[phase]]
id = "b"
target = "staging"
[[phase.item]]
id = "beside"
http = { get = "{{ api }}/" }
[[phase.item]]
id = "as-before"
http = { get = "http://x/$previous" }
[[phase.item]]
id = "seen"
signal = { from = "monitor.there", that = "up >= 99%" }
[[monitor]]
id = "here"
http = { get = "{{ api }}/" }
[[monitor]]
id = "there"
target = "lab"
http = { get = "{{ api }}/" }
[[monitor]]
id = "round"
session = "far"
[[stream]]
id = "app"
target = "staging"
log = "{{ api }}"
[[signal]]
id = "took"
from = "stream.app"
[[signal]]
id = "asked"
target = "lab"
json = { get = "{{ api }}/" }
"#;

#[test]
fn what_acts_at_another_place_is_something_else_where_that_place_is_declared_otherwise() {
    let nothing = || Vec::<&str>::new();
    for (from, to, items, signals, baseline) in [
        ("http://here", "http://new", vec!["as-before", "here"], vec!["monitor.here"], vec!["previous"]),
        (
            "http://there",
            "http://new",
            vec!["in-far", "seen", "there"],
            vec!["asked", "monitor.round", "monitor.there"],
            vec![],
        ),
        ("http://beside", "http://new", vec!["beside"], vec!["took"], vec![]),
        // Every place has a value of its own.
        ("http://own", "http://new", nothing(), nothing(), vec![]),
        ("id = \"here\"\nhttp", "id = \"here\"\ntarget = \"lab\"\nhttp", vec!["here"], nothing(), vec![]),
        ("id = \"there\"\ntarget = \"lab\"", "id = \"there\"", vec!["there"], nothing(), vec![]),
        ("target = \"lab\"\nbase", "target = \"staging\"\nbase", vec!["in-far"], vec!["monitor.round"], vec![]),
        ("id = \"b\"\ntarget = \"staging\"", "id = \"b\"", vec!["as-before", "beside", "seen"], nothing(), vec![]),
        ("id = \"a\"", "id = \"a\"\ntarget = \"production\"", nothing(), nothing(), vec![]),
        (
            "[[monitor]]\nid = \"here\"",
            "[[monitor]]\nid = \"here\"\ntarget = \"lab\"",
            nothing(),
            vec!["monitor.here"],
            vec![],
        ),
        ("id = \"app\"\ntarget = \"staging\"", "id = \"app\"", nothing(), vec!["took"], vec![]),
        ("id = \"asked\"\ntarget = \"lab\"", "id = \"asked\"", nothing(), vec!["asked"], vec![]),
    ] {
        let new = PLACES.replacen(from, to, 1);
        assert_ne!(new, PLACES, "{from}");
        let called = format!("{from} → {to}");
        assert_eq!(other(&document(PLACES), &document(&new), None), items, "{called}");
        assert_eq!(asked_anew(PLACES, &new, None), signals, "{called}");
        let loaded = Plan::default();
        assert_eq!(amendment(PLACES, &new, &loaded).recapture, baseline, "{called}");
    }
}

#[test]
fn a_launch_that_was_opened_elsewhere_stands_on_that_places_values() {
    let (new, lab) = (PLACES.replacen("http://there", "http://new", 1), Some("lab"));
    let all = ["as-before", "here", "in-far", "seen", "there"];
    assert_eq!(other(&document(PLACES), &document(&new), lab), all);
    let loaded = Plan { target: Some("lab".into()), ..Plan::default() };
    assert_eq!(amendment(PLACES, &new, &loaded).recapture, ["previous"]);
    let new = PLACES.replacen("http://here", "http://new", 1);
    assert_eq!(other(&document(PLACES), &document(&new), lab), Vec::<String>::new());
}
