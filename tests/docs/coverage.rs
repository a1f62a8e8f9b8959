//! docs/coverage.md: where each line of the five launch runbooks is done, from `tests/coverage/*.toml`. Those hold line
//! numbers and ids alone; the runbooks are not ours to hand on, and are read where they lie beside the project.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// Where one runbook's lines are done.
struct Coverage {
    /// The mapping's own file.
    file: String,
    runbook: String,
    sha256: String,
    lines: usize,
    plan: String,
    map: Vec<Entry>,
}

struct Entry {
    lines: Vec<RangeInclusive<usize>>,
    by: By,
    why: Option<String>,
}

enum By {
    Done(Vec<String>),
    /// A heading, a blank form, a list's lead: nothing is asked.
    Structure(String),
    /// Only to be read.
    Reference(String),
    /// A person does it off the console.
    Human(String),
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One runbook's lines are told twice, or its file is none: nothing of that is a page.
fn read(path: &Path) -> Coverage {
    let file = path.file_name().expect("a name").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).expect("readable");
    let table: toml::Table = text.parse().unwrap_or_else(|wrong| panic!("{file}: {wrong}"));
    let text_of = |key: &str| table[key].as_str().unwrap_or_else(|| panic!("{file}: `{key}`")).to_owned();
    let entry = |entry: &toml::Value| {
        let told = |key: &str| entry.get(key).map(|value| value.as_str().expect("text").to_owned());
        let lines = told("lines").unwrap_or_else(|| panic!("{file}: an entry without `lines`"));
        let done = entry.get("done_by").map(|all| {
            let all = all.as_array().expect("a list").iter();
            all.map(|id| id.as_str().expect("an id").to_owned()).collect::<Vec<_>>()
        });
        let by = [done.map(By::Done), told("structure").map(By::Structure), told("reference").map(By::Reference)];
        let mut by: Vec<By> = by.into_iter().flatten().chain(told("human").map(By::Human)).collect();
        assert!(by.len() == 1, "{file}: lines {lines} are `done_by`, `structure`, `reference` or `human`, one of them");
        let known = ["lines", "done_by", "structure", "reference", "human", "why"];
        let foreign = entry.as_table().expect("a table").keys().find(|key| !known.contains(&key.as_str()));
        assert!(foreign.is_none(), "{file}: lines {lines}: {foreign:?}");
        Entry { lines: ranges(&lines, &file), by: by.remove(0), why: told("why") }
    };
    Coverage {
        runbook: text_of("runbook"),
        sha256: text_of("sha256"),
        lines: usize::try_from(table["lines"].as_integer().expect("a number")).expect("few"),
        plan: text_of("plan"),
        map: table["map"].as_array().expect("entries").iter().map(entry).collect(),
        file,
    }
}

/// `12-14, 19`
fn ranges(text: &str, file: &str) -> Vec<RangeInclusive<usize>> {
    let number = |text: &str| text.trim().parse::<usize>().unwrap_or_else(|_| panic!("{file}: `{text}` is no line"));
    let range = |part: &str| match part.split_once('-') {
        Some((first, last)) => number(first)..=number(last),
        None => number(part)..=number(part),
    };
    text.split(',').map(range).collect()
}

fn all() -> Vec<Coverage> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join("tests/coverage"))
        .expect("the mappings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    found.sort();
    found.iter().map(|path| read(path)).collect()
}

/// Every id of a plan, as a mapping names it: an item's bare, of anything else with its table.
fn ids(plan: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(plan)).unwrap_or_else(|why| panic!("{plan}: {why}"));
    let table: toml::Table = text.parse().unwrap_or_else(|wrong| panic!("{plan}: {wrong}"));
    let mut ids: BTreeSet<String> = ["plan", "clock", "poll", "control"]
        .into_iter()
        .filter(|key| table.contains_key(*key))
        .map(Into::into)
        .collect();
    let id = |value: &toml::Value| {
        let id = value.get("id").or_else(|| value.get("severity"));
        id.and_then(|id| id.as_str()).map(str::to_owned)
    };
    for (key, value) in &table {
        match value {
            toml::Value::Array(all) => ids.extend(all.iter().filter_map(id).map(|id| format!("{key}.{id}"))),
            toml::Value::Table(named) => ids.extend(named.keys().map(|id| format!("{key}.{id}"))),
            _ => {}
        }
        let inner = |name: &'static str| {
            let all = value.as_array().into_iter().flatten();
            all.flat_map(move |outer| outer.get(name).and_then(|items| items.as_array()).into_iter().flatten())
        };
        match key.as_str() {
            "phase" => ids.extend(inner("item").filter_map(id)),
            "evidence" => drop(ids.insert("evidence".to_owned())),
            _ => {}
        }
    }
    ids
}

/// How the lines of a runbook came out: done, by people, to be read, structure.
fn counts(coverage: &Coverage) -> [usize; 4] {
    let mut counts = [0; 4];
    for entry in &coverage.map {
        let place = match &entry.by {
            By::Done(_) => 0,
            By::Human(_) => 1,
            By::Reference(_) => 2,
            By::Structure(_) => 3,
        };
        counts[place] += entry.lines.iter().map(|range| range.clone().count()).sum::<usize>();
    }
    counts
}

pub fn page(made: &str) -> String {
    let mut page = format!(
        "# Coverage of the five launch runbooks\n\n{made}\n\nEach plan of `config/` does what a real runbook asks for. \
         Below, every line of that runbook that is not blank, by its number, and what does it: an item of the plan by \
         its id, anything else with its table. The runbooks themselves are not part of this project. Where one of them \
         and the product behind it disagree, the plan does what works, and its item says why.\n\n\
         | plan | lines | done | by people | to read | structure |\n|---|---|---|---|---|---|\n"
    );
    let all = all();
    for coverage in &all {
        let [done, human, reference, structure] = counts(coverage);
        let lines = done + human + reference + structure;
        let plan = &coverage.plan;
        writeln!(page, "| [{plan}](../{plan}) | {lines} | {done} | {human} | {reference} | {structure} |")
            .expect("fits");
    }
    for coverage in &all {
        write!(page, "\n## {}\n\n| lines | done by |\n|---|---|\n", coverage.plan).expect("fits");
        let mut rows: Vec<&Entry> = coverage.map.iter().collect();
        rows.sort_by_key(|entry| entry.lines.iter().map(|range| *range.start()).min());
        for entry in rows {
            let lines = entry.lines.iter().map(|range| match (range.start(), range.end()) {
                (first, last) if first == last => first.to_string(),
                (first, last) => format!("{first}–{last}"),
            });
            let by = match &entry.by {
                By::Done(ids) => ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", "),
                By::Human(why) => format!("people: {why}"),
                By::Reference(why) => format!("to read: {why}"),
                By::Structure(what) => format!("structure: {what}"),
            };
            let why = entry.why.as_ref().map(|why| format!(" — {why}")).unwrap_or_default();
            let cell = format!("{by}{why}").replace('|', "\\|");
            writeln!(page, "| {} | {cell} |", lines.collect::<Vec<_>>().join(", ")).expect("fits");
        }
    }
    page
}

/// The folder of the runbooks, where it lies beside the project.
fn runbooks() -> Option<PathBuf> {
    let named = std::env::var_os("TMINUS_RUNBOOKS").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| root().join("../shared/runbooks"));
    folder.is_dir().then_some(folder)
}

#[test]
fn what_does_a_line_is_in_its_plan_and_no_line_is_told_twice() {
    let mut wrong = Vec::new();
    for coverage in all() {
        let known = ids(&coverage.plan);
        let mut told: BTreeMap<usize, usize> = BTreeMap::new();
        for entry in &coverage.map {
            for line in entry.lines.iter().cloned().flatten() {
                *told.entry(line).or_default() += 1;
                if line == 0 || line > coverage.lines {
                    wrong.push(format!("{}: line {line} of {}", coverage.file, coverage.lines));
                }
            }
            let reason = match &entry.by {
                By::Done(ids) => {
                    let gone = ids.iter().filter(|id| !known.contains(*id));
                    wrong.extend(gone.map(|id| format!("{}: `{id}` is not in {}", coverage.file, coverage.plan)));
                    !ids.is_empty()
                }
                By::Structure(why) | By::Reference(why) | By::Human(why) => !why.trim().is_empty(),
            };
            if !reason {
                wrong.push(format!("{}: {:?} without a reason", coverage.file, entry.lines));
            }
        }
        let twice = told.iter().filter(|(_, times)| **times > 1);
        wrong.extend(twice.map(|(line, times)| format!("{}: line {line} is told {times} times", coverage.file)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let plans: Vec<String> = all().into_iter().map(|coverage| coverage.plan).collect();
    let five = ["nanostyle", "omniai", "oneshot", "onesource", "socialproject"];
    assert_eq!(plans, five.map(|plan| format!("config/{plan}.toml")), "one mapping for each of the five");
}

#[test]
fn every_line_of_a_runbook_that_is_not_blank_is_told() {
    let Some(folder) = runbooks() else {
        eprintln!("skipped: no runbooks beside the project, and TMINUS_RUNBOOKS names none");
        return;
    };
    let mut wrong = Vec::new();
    for coverage in all() {
        let bytes = std::fs::read(folder.join(&coverage.runbook)).expect("the runbook it names");
        let hash: String = Sha256::digest(&bytes).iter().fold(String::new(), |mut hash, byte| {
            write!(hash, "{byte:02x}").expect("fits");
            hash
        });
        if hash != coverage.sha256 {
            wrong.push(format!("{}: the runbook is another: {hash}", coverage.file));
        }
        let text = String::from_utf8_lossy(&bytes);
        let told: BTreeSet<usize> =
            coverage.map.iter().flat_map(|entry| entry.lines.iter().cloned().flatten()).collect();
        for (number, line) in (1..).zip(text.lines()) {
            match (line.trim().is_empty(), told.contains(&number)) {
                (false, false) => wrong.push(format!("{}: line {number} is nobody's", coverage.file)),
                (true, true) => wrong.push(format!("{}: line {number} is blank", coverage.file)),
                _ => {}
            }
        }
        if text.lines().count() != coverage.lines {
            wrong.push(format!("{}: the runbook has {} lines", coverage.file, text.lines().count()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
