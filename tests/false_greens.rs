//! False greens: what says that it passes and does not, and what cannot say. Each case is what a script or an
//! endpoint of the five systems answers, in its shape; an item of the plan must come to the verdict it names.

#[path = "false_greens/asked.rs"]
mod asked;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use tminus::base::jq::Jq;
use tminus::base::source::Source;
use tminus::base::template::{Scope, Shape};
use tminus::base::wire::{Client, Limits, Network};
use tminus::kind::Spec;
use tminus::kind::check::Context;
use tminus::kind::example::Answered;
use tminus::launch::plan::Act;
use tminus::launch::verdict::Report;
use tminus::plan::{Environment, Loaded, Options, check_report, load};

const PLAN: &str = include_str!("false_greens/plan.toml");

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/false_greens")
}

pub fn jq() -> Jq {
    Jq::with_worker(env!("CARGO_BIN_EXE_tminus")).with_deadline(Duration::from_secs(20))
}

pub fn plan(text: &str) -> Loaded {
    let source = Source::new("plan.toml", text);
    load(source.clone(), &Environment::default(), &Options::default())
        .unwrap_or_else(|wrong| unsound(&source.render(&wrong, false)))
}

#[expect(clippy::panic, reason = "a helper of tests fails by panicking")]
fn unsound(told: &str) -> Loaded {
    panic!("{told}")
}

/// What happens in the world in one case.
struct Case {
    name: String,
    table: toml::Table,
}

impl Case {
    fn all() -> Vec<Self> {
        let entries = fs::read_dir(home().join("cases")).expect("the cases");
        let mut all: Vec<Self> = entries.map(|entry| Self::read(&entry.expect("an entry").path())).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn read(path: &Path) -> Self {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(path).expect("a case");
        Self { table: toml::from_str(&text).expect(&name), name }
    }

    fn text(&self, key: &str) -> &str {
        self.table.get(key).and_then(toml::Value::as_str).unwrap_or_default()
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.table.get(key).and_then(toml::Value::as_integer)
    }

    /// A folder in which `say.sh` says and does what the case says.
    fn world(&self) -> tempfile::TempDir {
        let place = tempfile::tempdir().expect("a folder");
        for name in ["say.sh", "report.schema.json"] {
            fs::copy(home().join(name), place.path().join(name)).expect("copied");
        }
        fs::write(place.path().join("code"), self.number("exit").unwrap_or(0).to_string()).expect("written");
        for said in ["stdout", "stderr"].into_iter().filter(|said| self.table.contains_key(*said)) {
            fs::write(place.path().join(said), self.text(said)).expect("written");
        }
        for (key, folder, age) in [("writes", "new", None), ("before", "", Some(Duration::from_secs(1_000_000)))] {
            let files = self.table.get(key).and_then(toml::Value::as_table).cloned().unwrap_or_default();
            for (name, text) in files {
                let path = place.path().join(folder).join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("made");
                fs::write(&path, text.as_str().expect("a text")).expect("written");
                if let Some(age) = age {
                    let file = fs::File::options().write(true).open(&path).expect("opened");
                    file.set_modified(UNIX_EPOCH + age).expect("set");
                }
            }
        }
        place
    }
}

/// Looks at one item for real.
pub async fn look(loaded: &Loaded, item: &str, base: &Path) -> Report {
    let found = loaded.plan.items.values().find(|one| one.id.as_str() == item).expect(item);
    let Act::Check(spec) = &found.act else { unreachable!("{item} is no check") };
    let entry = loaded.catalogue.get(*spec).expect("an entry");
    let Spec::Check(check) = &entry.spec else { unreachable!("{item} is no check") };
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    let cx = Context { jq: jq(), base: base.to_owned(), timeout: found.timeout, ..Context::new(client) };
    check.run(&cx).await.report
}

async fn reported(loaded: &Loaded, case: &Case) -> Report {
    let item = case.text("item");
    let Some(status) = case.number("status") else {
        let world = case.world();
        return look(loaded, item, world.path()).await;
    };
    let json = serde_json::from_str::<Value>(case.text("json")).expect("JSON");
    let status = u16::try_from(status).ok();
    let told = Answered { status, json: Some(Shape::Plain(json)), ..Answered::default() };
    let entry = loaded.catalogue.entries.iter().find(|entry| entry.owner.as_str() == item).expect(item);
    let Spec::Check(check) = &entry.spec else { unreachable!("{item} is no check") };
    check.judge(&check.seen(&told, &Scope::default()), &Scope::default(), &jq()).await
}

#[tokio::test]
async fn every_false_green_is_told_for_what_it_is() {
    let loaded = plan(PLAN);
    let mut wrong = Vec::new();
    for case in Case::all() {
        let report = reported(&loaded, &case).await;
        let (wanted, said) = (case.text("wanted"), case.text("said"));
        if report.verdict.word() != wanted || !report.summary.contains(said) {
            wrong.push(format!("{}: {} and not {wanted}: {} ({said})", case.name, report.verdict, report.summary));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A case that passes shows that the others do not fail by an item that fails always.
#[tokio::test]
async fn every_item_has_a_case_that_is_no_pass() {
    let cases = Case::all();
    let denied: BTreeSet<&str> =
        cases.iter().filter(|case| case.text("wanted") != "pass").map(|case| case.text("item")).collect();
    for item in plan(PLAN).plan.items.keys() {
        assert!(denied.contains(item.as_str()), "{item}");
    }
}

#[tokio::test]
async fn the_items_are_tried_on_their_examples_without_a_warning() {
    let checked = check_report(&Source::new("plan.toml", PLAN), &Environment::default(), None, &jq(), false).await;
    assert_eq!((checked.errors, checked.warnings), (0, 0), "{}", checked.text);
}
