//! The generated pages of docs/: each is made here from the code it tells of, and fails while the file
//! is another. `just docs` writes them again.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails by panicking")]

#[path = "docs/coverage.rs"]
mod coverage;
#[path = "docs/format.rs"]
mod format;
#[path = "docs/github.rs"]
mod github_tables;
#[path = "docs/kinds.rs"]
mod kind_tables;
#[path = "docs/programs.rs"]
mod program_tables;
#[path = "docs/requests.rs"]
mod requests;
#[path = "docs/schema.rs"]
mod schema;
#[path = "docs/sources.rs"]
mod source_tables;
#[path = "docs/steps.rs"]
mod step_tables;
#[path = "docs/trips.rs"]
mod trips;
#[path = "docs/walkthrough.rs"]
mod walkthrough;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use tminus::base::known::{Known, Wanted};
use tminus::base::source::Source;
use tminus::plan::{self, Environment, Options, kinds};
use tminus::rehearsal::Fault;
use tminus::ui::action;
use tminus::ui::keymap::Keymap;

use format::{Section, TABLES};
use github_tables::GITHUB;
use kind_tables::KINDS;
use program_tables::PROGRAMS;
use requests::REQUESTS;
use source_tables::SOURCES;
use step_tables::STEPS;

const EVERY_KEY: &str = include_str!("docs/every-key.toml");
const MADE: &str = "Made from the code by `just docs`; a test fails while it is stale.";

fn sections() -> impl Iterator<Item = &'static Section> {
    TABLES.iter().chain(SOURCES).chain(REQUESTS).chain(KINDS).chain(GITHUB).chain(STEPS).chain(PROGRAMS)
}

/// Fails while `docs/NAME` is not `page`; writes it where `TMINUS_WRITE_DOCS` is set.
fn held(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("TMINUS_WRITE_DOCS").is_some() {
        std::fs::write(&path, page).expect("written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    if there == page {
        return;
    }
    let line = there.lines().zip(page.lines()).position(|(old, new)| old != new);
    let line = line.unwrap_or_else(|| there.lines().count().min(page.lines().count()));
    panic!("docs/{name} is stale from line {}: run `just docs`", line + 1);
}

fn rehearsing(text: &str) -> (Source, Environment, Options) {
    let options = Options { rehearsal: true, ..Options::default() };
    (Source::new("every-key.toml", text), Environment::of_process(), options)
}

/// A kind's or an example's table wherever it stands: `[monitor.http.expect]` is `[http.expect]`.
fn canonical(path: &str) -> String {
    let parts: Vec<&str> = path.trim_matches(['[', ']']).split('.').collect();
    // A probe is a check's own table.
    if let Some(at) = parts.windows(3).position(|inner| inner == ["process", "ready", "http"]) {
        return format!("[{}]", parts[at + 2..].join("."));
    }
    // A signal of the launch is another table than the check of that name.
    if let ["signal", rest @ ..] = parts.as_slice() {
        return match rest {
            [] => "[[signal]]".to_owned(),
            ["example", ..] => canonical(&rest.join(".")),
            rest => format!("[[signal]].{}", rest.join(".")),
        };
    }
    // So is whoever is told of the launch another than the step of that name.
    match parts.as_slice() {
        ["notify"] => return "[[notify]]".to_owned(),
        ["notify", "NAME", ..] => return path.to_owned(),
        _ => {}
    }
    let own = |part: &&str| *part == "example" || kinds::all().any(|kind| kind.name == *part);
    match (parts.as_slice(), parts.iter().position(own)) {
        // The plan's own poll is a table of another meaning.
        (["phase", "item", "poll"], _) => path.to_owned(),
        // What a request says is told once.
        ([.., holder, part @ ("basic" | "hmac" | "multipart" | "tls")], _)
            if parts[0] == "session" || ["http", "send", "sse", "meanwhile", "control"].contains(holder) =>
        {
            format!("[http.{part}]")
        }
        (["control", rest @ ..], _) => format!("[{}]", [&["http"], rest].concat().join(".")),
        // An answer's events are the same, good and bad, and so is what is expected of a limited answer.
        (_, Some(at)) => {
            let parts = without_holder(&parts[at..], &own);
            let path = parts.join(".").replace("example.bad.events", "example.good.events");
            let path = path.replace("http.burst.expect", "http.expect");
            // And what a step sends is told as what a check asks.
            format!("[{}]", path.strip_prefix("send.").map_or(path.clone(), |rest| format!("http.{rest}")))
        }
        _ => path.to_owned(),
    }
}

/// A kind inside a step's own table stands for itself too.
fn without_holder<'p, 'q>(parts: &'p [&'q str], own: &impl Fn(&&'q str) -> bool) -> &'p [&'q str] {
    match parts {
        ["sequence", "steps" | "guard" | "undo", rest @ ..] | ["traffic", "verify", rest @ ..]
            if rest.first().is_some_and(own) =>
        {
            without_holder(rest, own)
        }
        _ => parts,
    }
}

/// What the readers ask for, each table once.
fn known() -> Known {
    let (source, environment, options) = rehearsing(EVERY_KEY);
    let asked = plan::keys(&source, &environment, &options)
        .unwrap_or_else(|mistakes| panic!("{}", source.render(&mistakes, false)));
    let mut known = Known::new();
    for (path, keys) in asked {
        let table = known.entry(canonical(&path)).or_default();
        for (key, wanted) in keys {
            let there = table.entry(key).or_insert_with(|| wanted.clone());
            *there = wanted.max(there.clone());
        }
    }
    known
}

/// Keys whose tables the page tells elsewhere: a kind's own.
fn is_kind(key: &str) -> bool {
    kinds::all().any(|kind| kind.name == key)
}

#[test]
fn every_key_that_is_read_is_told_and_no_other() {
    let known = known();
    let told: BTreeMap<&str, &Section> = sections().map(|section| (section.path, section)).collect();
    assert_eq!(told.len(), sections().count(), "a table is told twice");
    let mut wrong = Vec::new();
    for (path, keys) in &known {
        let own = |(key, wanted): &(&&str, &Wanted)| {
            **key != "NAME" && **wanted != Wanted::Refused && (!is_kind(key) || told_key(&told, path, key))
        };
        let read: BTreeSet<&str> = keys.iter().filter(own).map(|(key, _)| *key).collect();
        match told.get(path.as_str()) {
            Some(section) => {
                let said: BTreeSet<&str> = section.keys.iter().map(|(key, _)| *key).collect();
                wrong.extend(read.difference(&said).map(|key| format!("{path} reads `{key}`, which is not told")));
                wrong.extend(said.difference(&read).map(|key| format!("{path} does not read `{key}`, which is told")));
            }
            None if read.is_empty() => {}
            None => wrong.push(format!("{path} is read and not told: {read:?}")),
        }
    }
    wrong.extend(told.keys().filter(|path| !known.contains_key(**path)).map(|path| format!("{path} is never read")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn told_key(told: &BTreeMap<&str, &Section>, path: &str, key: &str) -> bool {
    told.get(path).is_some_and(|section| section.keys.iter().any(|(said, _)| *said == key))
}

/// Else keys could be read, and not be here, because no table of theirs is in the plan.
#[test]
fn the_plan_with_every_key_has_every_table() {
    let known = known();
    let kinds = kinds::all().map(|kind| format!("[{}]", kind.name));
    let mut left_out: Vec<String> = kinds.filter(|path| !known.contains_key(path)).collect();
    for (path, keys) in &known {
        for (key, _) in keys.iter().filter(|(_, wanted)| matches!(wanted, Wanted::Table | Wanted::Tables)) {
            let inner =
                canonical(&format!("[{}]", format!("{}.{key}", path.trim_matches(['[', ']'])).trim_matches('.')));
            if !known.contains_key(&inner) && !known.keys().any(|path| path.starts_with(&inner.replace(']', "."))) {
                left_out.push(inner);
            }
        }
    }
    assert!(left_out.is_empty(), "not in tests/docs/every-key.toml: {left_out:?}");
}

/// What an example may name.
const AROUND: &str = r#"
[vars]
api = "https://api.example.com"
[target.staging]
vars = { api = "https://staging.example.com" }
[[monitor]]
id = "api"
every = "1s"
http = { get = "{{ api }}/health" }
[[objective]]
id = "errors"
signal = "monitor.api"
that = "error_rate <= 5%"
window = "30s"
[[rollback]]
id = "frontend"
key = "1"
step = [{ id = "redeploy", class = "idempotent", run = { command = ["true"] } }]
verify = [{ id = "served", http = { get = "{{ api }}/version", expect = { json = ['.version == "v0"'] } } }]
"#;

#[test]
fn every_kinds_example_is_sound_in_a_plan() {
    for kind in kinds::all() {
        let class = if kind.family == "step" { "class = \"once\"\n" } else { "" };
        let text = format!(
            "[plan]\nschema = 1\nid = \"x\"\ntitle = \"X\"\n\n[roles.scribe]\ntitle = \"Scribe\"\n\n[[phase]]\nid = \
             \"p\"\nat = \"T-1h\"\n\n[[phase.item]]\nid = \"i\"\n{class}[phase.item.{}]\n{}\n{AROUND}",
            kind.name, kind.example
        );
        let (source, environment, options) = rehearsing(&text);
        let loaded = plan::load(source.clone(), &environment, &options)
            .unwrap_or_else(|mistakes| panic!("{}: {}", kind.name, source.render(&mistakes, false)));
        let item = loaded.plan.items.values().next().expect("an item");
        assert_eq!(item.kind, kind.name);
    }
}

#[test]
fn the_page_of_kinds_is_fresh() {
    let mut page =
        format!("# Kinds of item\n\n{MADE} `tminus kinds` prints the same; the keys are in [plan.md](plan.md).\n\n");
    page.push_str("| kind | family | what it does |\n|---|---|---|\n");
    for kind in kinds::all() {
        let _ = writeln!(page, "| [`{0}`](#{0}) | {1} | {2} |", kind.name, kind.family, kind.line);
    }
    for kind in kinds::all() {
        let (name, family, line) = (kind.name, kind.family, kind.line);
        let _ =
            write!(page, "\n## {name}\n\n*{family}*: {line}.\n\n```toml\n[phase.item.{name}]\n{}```\n", kind.example);
    }
    held("kinds.md", &page);
}

#[test]
fn the_page_of_faults_is_fresh() {
    let mut page = format!(
        "# Faults of a rehearsal\n\n{MADE}\n\n`tminus rehearse --fault NAME` begins with the fault, `--fault NAME@T-5m` \
         brings it at a mark, `--fault NAME@T-5m..T+5m` for a while, `--fault NAME@T-5m..rollback` until the steps of a rollback \
         have run: what they take back was its cause; `:ID` at the end (`errors=60%@T+10m:api`) lets it \
         concern one item, monitor, signal or stream alone. `fail` needs that id; it is the one that reaches programs, files, \
         the environment, certificates, releases, steps and people: whatever the plan shows a failure of. The option can be repeated. In the console `F` lists those that the plan's target can have, `fail` of the selected item among them, and switches them live. Numbers are healthy by the \
         plan alone, its examples and its objectives' limits; in time that a rehearsal skips they are made up by the \
         same rule, and stamped as generated. A counter whose example is 0 in a state of the world stands still in it. \
         A signal whose number stands at more than a plain path tells its example. With `--drill-faults` the crew answers \
         triggers as the plan says, and planned stands beside actual at the end. Every other item must stay as it was: `tests/faults.rs` \
         holds the table of which items of the bundled plan each fault turns, and to which verdict.\n\n\
         | fault | what the target does |\n|---|---|\n"
    );
    for (fault, name, line) in Fault::ALL {
        let whose = if fault == Fault::Fail { ":ID" } else { "" };
        let _ = writeln!(page, "| `{name}{}{whose}` | {line} |", fault.size());
    }
    held("faults.md", &page);
}

#[test]
fn the_page_of_false_trips_is_fresh() {
    held("false-trips.md", &trips::page(MADE));
}

#[test]
fn the_page_of_keys_is_fresh() {
    held("keys.md", &action::keys_page(&Keymap::default(), None));
}

#[test]
fn the_page_of_the_plan_is_fresh() {
    let known = known();
    let mut page = format!("# The plan file\n\n{MADE}\n\n{}", include_str!("docs/plan-head.md"));
    let mut told_before = BTreeSet::new();
    for section in sections() {
        let keys = known.get(section.path).unwrap_or_else(|| panic!("{} is never read", section.path));
        let title = if section.path == "[]" { "PLAN" } else { section.path };
        let _ = write!(page, "\n## `{title}`\n\n{}\n\n| key | is | what it says |\n|---|---|---|\n", section.about);
        for (key, sentence) in section.keys {
            let wanted = keys.get(key).unwrap_or(&Wanted::There);
            let _ = writeln!(page, "| `{key}` | {wanted} | {} |", sentence.replace('|', "\\|"));
        }
        let refused: Vec<String> = keys
            .iter()
            .filter(|(key, wanted)| **wanted == Wanted::Refused && !told_before.contains(*key))
            .map(|(key, _)| format!("`{key}`"))
            .collect();
        if section.path == "[phase.item]" {
            told_before.extend(keys.iter().filter(|(_, wanted)| **wanted == Wanted::Refused).map(|(key, _)| *key));
        }
        if !refused.is_empty() {
            let _ = writeln!(page, "\nOf the format, and refused by this version: {}.", refused.join(", "));
        }
    }
    held("plan.md", &page);
}

#[test]
fn the_page_of_the_coverage_is_fresh() {
    held("coverage.md", &coverage::page(MADE));
}
