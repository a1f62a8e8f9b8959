//! The layers and the habits of the house, read from its sources: who may import whom, how long a file
//! is, how it opens, what nothing may be called.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

const BELOW_ALL: &[&str] = &["base"];
const RULES: &[&str] = &["base", "launch"];
const KINDS: &[&str] = &["base", "launch", "clock"];

/// A layer and those it may import besides itself. `clock` reads time for the shells around the pure
/// rules; `base`, `launch` and `ui` are told it.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("launch", BELOW_ALL),
    ("clock", RULES),
    ("journal", KINDS),
    ("kind", KINDS),
    ("watch", &["base", "launch", "clock", "kind"]),
    ("plan", &["base", "launch", "clock", "kind", "watch"]),
    ("notify", RULES),
    ("evidence", &["base", "launch", "journal"]),
    ("engine", &["base", "launch", "clock", "journal", "kind", "watch", "plan", "notify", "evidence"]),
    ("rehearsal", &["base", "launch", "clock", "kind", "watch", "plan"]),
    ("ui", RULES),
    (
        "cli",
        &[
            "base",
            "launch",
            "clock",
            "journal",
            "kind",
            "watch",
            "plan",
            "notify",
            "evidence",
            "engine",
            "rehearsal",
            "ui",
        ],
    ),
];

/// Lines of a source file.
const LONGEST: usize = 500;

/// Source with comments and the insides of strings blanked, line breaks kept.
fn code(source: &str) -> String {
    static BLANK: LazyLock<Regex> = LazyLock::new(|| Regex::new(PATTERN).expect("a pattern"));
    const PATTERN: &str = concat!(
        r"(?s)//[^\n]*",
        r"|/\*.*?\*/",
        "|b?r\"[^\"]*\"",
        "|b?r#\".*?\"#",
        "|b?r##\".*?\"##",
        "|b?\"(?:\\\\.|[^\"\\\\])*\"",
        r"|b?'(?:\\[^u]|\\u\{[0-9a-fA-F]*\}|[^\\'])'",
    );
    let blanked = BLANK.replace_all(source, |found: &regex::Captures<'_>| {
        found[0].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect::<String>()
    });
    blanked.into_owned()
}

/// The first names of every path from the crate's root, with their lines: `crate::x`, `crate::{x, y::{z}}`,
/// and `super::` chains that reach the root, the file's own module being this deep.
fn imports(source: &str, depth: usize) -> Vec<(String, usize)> {
    static START: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b(?:crate|(?:self\s*::\s*)?super(?:\s*::\s*super)*)\s*::\s*").expect("a pattern")
    });
    let code = code(source);
    let mut found = Vec::new();
    for path in START.find_iter(&code) {
        let ups = path.as_str().matches("super").count();
        if ups != 0 && ups < depth + inline_modules(&code, path.start()) {
            continue;
        }
        let line = code[..path.start()].matches('\n').count() + 1;
        let rest = &code[path.end()..];
        let firsts = if rest.starts_with('{') { group(rest) } else { vec![first_name(rest)] };
        found.extend(firsts.into_iter().map(|name| (name, line)));
    }
    found
}

/// How many `mod name { … }` are open at a place of the code.
fn inline_modules(code: &str, at: usize) -> usize {
    static OPENS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bmod\s+\w+\s*\{").expect("a pattern"));
    let open_there = |opened: &regex::Match<'_>| {
        let inside = &code[opened.end()..at];
        let mut depth = 1;
        inside.chars().all(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth > 0
        })
    };
    OPENS.find_iter(&code[..at]).filter(open_there).count()
}

/// First names of the entries of `{a, b::c, d::{e}}`.
fn group(text: &str) -> Vec<String> {
    let (mut nested, mut entries, mut entry) = (0, Vec::new(), String::new());
    for c in text.chars() {
        match c {
            '{' => nested += 1,
            '}' => nested -= 1,
            _ => {}
        }
        if nested == 0 || (nested == 1 && c == ',') {
            entries.push(first_name(entry.trim_start_matches(['{', ' ', '\n'])));
            entry.clear();
        } else {
            entry.push(c);
        }
        if nested == 0 {
            break;
        }
    }
    entries
}

fn first_name(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Arrows that point the wrong way, in a file at this path under `src/`.
fn wrong_arrows(path: &Path, source: &str) -> Vec<String> {
    let mut modules: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).filter(|m| m != "mod").collect();
    // `x_tests.rs` is `x`'s own `mod tests`, kept beside it.
    if modules.last().is_some_and(|last| last.ends_with("_tests")) {
        modules.push("tests".into());
    }
    let layer = modules.first().cloned().unwrap_or_default();
    if layer == "lib" || layer == "main" {
        return Vec::new();
    }
    let Some((_, may)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("{}: `{layer}` is no layer: name it in this test", path.display())];
    };
    imports(source, modules.len())
        .into_iter()
        .filter(|(name, _)| {
            *name != layer && LAYERS.iter().any(|(known, _)| known == name) && !may.contains(&name.as_str())
        })
        .map(|(name, line)| format!("src/{}:{line}: {layer} may not import {name}", path.display()))
        .collect()
}

/// What a source may not hold: the pattern, and what to do instead.
static HABITS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let habits = [
        (r"\b(?:struct|enum|trait|type|union)\s+\w*(?:Manager|Helpers?|Utils?|Handler)\b", "name it by what it is"),
        (r"\bfn\s+handle_\w+", "name it by what it does"),
        (r"\bmod\s+(?:utils?|helpers?|misc|common|managers?|handlers?)\b", "name the module by its noun"),
        (r"#!?\[allow\b", "write #[expect(lint, reason = \"…\")]"),
        (r"#\[ignore\b", "a test that is not run proves nothing"),
        (SLEEP, "wait for the event itself, or pause time"),
    ];
    habits.into_iter().map(|(pattern, instead)| (Regex::new(pattern).expect("a pattern"), instead)).collect()
});

/// Refused in tests only.
const SLEEP: &str = r"\b(?:thread|time)::sleep\b";

fn broken_habits(name: &str, source: &str, tests: bool) -> Vec<String> {
    let code = code(source);
    let mut found = Vec::new();
    for (pattern, instead) in HABITS.iter().filter(|(pattern, _)| tests || pattern.as_str() != SLEEP) {
        for at in pattern.find_iter(&code) {
            let line = code[..at.start()].matches('\n').count() + 1;
            found.push(format!("{name}:{line}: `{}`: {instead}", at.as_str()));
        }
    }
    let later = Regex::new(concat!(r"\b(?:TO", r"DO|FIX", r"ME|XX", r"X)\b")).expect("a pattern");
    found.extend(
        later.find_iter(source).map(|at| format!("{name}: `{}`: do it now or say it in an issue", at.as_str())),
    );
    if source.lines().count() > LONGEST {
        found.push(format!("{name}: longer than {LONGEST} lines: it hides a noun of its own"));
    }
    if !source.starts_with("//!") {
        found.push(format!("{name}: does not open with what it owns (`//!`)"));
    }
    found
}

/// Every Rust file under `folder`, with its path from there.
fn sources(folder: &str) -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut open = vec![root.clone()];
    let mut found = BTreeMap::new();
    while let Some(next) = open.pop() {
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap_or_else(|_| panic!("{path:?} is outside {root:?}"));
                found.insert(name.to_owned(), fs::read_to_string(&path).expect("a source"));
            }
        }
    }
    found
}

#[test]
fn every_arrow_points_down() {
    let sources = sources("src");
    assert!(sources.len() > 20, "only {} files seen", sources.len());
    let wrong: Vec<String> = sources.iter().flat_map(|(path, source)| wrong_arrows(path, source)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_source_keeps_the_habits() {
    let mut broken = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for (path, source) in sources(folder) {
            let name = Path::new(folder).join(&path);
            broken.extend(broken_habits(&name.to_string_lossy(), &source, folder == "tests"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn no_layer_imports_itself_through_another() {
    for (layer, may) in LAYERS {
        for below in *may {
            let back = LAYERS.iter().find(|(name, _)| name == below).is_some_and(|(_, may)| may.contains(layer));
            assert!(!back, "{layer} and {below} import each other");
        }
    }
}

#[test]
fn a_wrong_arrow_is_found_however_it_is_written() {
    for (path, source) in [
        ("base/jq/mod.rs", "use crate::launch::verdict::Report;"),
        ("base/mod.rs", "fn f() { crate::engine::start() }"),
        ("launch/board.rs", "use crate::{\n    base::text::cut,\n    journal::{record, chain},\n};"),
        ("ui/panes/list.rs", "use crate::{base::{text, source}, engine};"),
        ("ui/mod.rs", "pub use super::engine::Engine;"),
        ("launch/board.rs", "use super::super::kind::Kind;"),
        ("launch/event.rs", "mod tests { use super::super::super::cli; }"),
        ("launch/event.rs", "mod tests {} use super::super::cli;"),
        ("launch/plan_tests.rs", "use super::super::super::cli;"),
        ("kind/check/http.rs", "type A = \"crate::\" ; use crate :: plan :: load;"),
        ("rehearsal/mod.rs", "use crate::engine::Loop;"),
        ("somewhere/mod.rs", ""),
    ] {
        assert!(!wrong_arrows(Path::new(path), source).is_empty(), "{path}: {source}");
    }
    for (path, source) in [
        (
            "base/jq/mod.rs",
            "use crate::base::text; // crate::launch\n/* crate::launch */ const A: &str = \"crate::launch\";",
        ),
        ("launch/board.rs", "use super::verdict; use crate::{base::text, launch::{event, engine}};"),
        ("ui/mod.rs", "use super::launch::board; const Q: char = '\"'; const R: &str = \"crate::engine\";"),
        ("kind/check/http.rs", "use super::super::Kind; use super::sse; use crate::clock;"),
        ("launch/event.rs", "mod tests { fn f() { use super::super::plan; } }"),
        ("launch/plan_tests.rs", "use super::super::plan::Plan;"),
        ("main.rs", "use tminus::cli;"),
    ] {
        assert_eq!(wrong_arrows(Path::new(path), source), Vec::<String>::new(), "{path}: {source}");
    }
}

#[test]
fn a_broken_habit_is_found() {
    let opened = "//! Owns a noun.\n";
    for source in [
        "struct LaunchManager;",
        "fn handle_stuff() {}",
        "mod utils;",
        "#[allow(dead_code)] fn f() {}",
        "#[ignore] fn f() {}",
        concat!("// TO", "DO: later"),
        "fn f() { std::thread::sleep(d) }",
        &"\n".repeat(501),
    ] {
        assert_eq!(broken_habits("x", &format!("{opened}{source}"), true).len(), 1, "{source}");
    }
    assert_eq!(broken_habits("x", "struct A;", true).len(), 1);
    let sound = "//! Helper in words, struct Manager in a comment.\nstruct Handlebar; // mod utils\nconst A: &str = \"#[ignore]\";";
    assert_eq!(broken_habits("x", sound, true), Vec::<String>::new());
}
