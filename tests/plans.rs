//! Plans, sound and broken: the bundled ones load and check clean, and every mistake is told at its place,
//! all of a file at once.

use tminus::base::source::{Diagnostic, Source};
use tminus::plan::{Environment, Loaded, Options, check_report, load};

fn environment() -> Environment {
    [("SMOKE_USERNAME", "smoke-account"), ("SMOKE_PASSWORD", "correct horse battery")].into_iter().collect()
}

fn read(text: &str) -> Result<Loaded, Vec<Diagnostic>> {
    load(Source::new("plan.toml", text), &environment(), &Options::default())
}

const HEAD: &str = "[plan]\nschema = 1\nid = \"p\"\ntitle = \"P\"\n";

/// A plan with a head and one phase around `items`.
fn with_items(before: &str, items: &str) -> String {
    format!("{HEAD}{before}\n[[phase]]\nid = \"a\"\nat = \"T-1h\"\n{items}")
}

/// What is wrong with a plan: code, and what is underlined.
fn wrong(text: &str) -> Vec<(&'static str, String)> {
    let found = match read(text) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    found.iter().map(|wrong| (wrong.code, text[wrong.span.start..wrong.span.end].to_owned())).collect()
}

#[test]
fn one_ring_is_told_whole_with_both_places() {
    let item = |id: &str, needs: &str| format!("[[phase.item]]\nid = \"{id}\"\nneeds = [\"{needs}\"]\nmanual = {{}}\n");
    let text = with_items("", &(item("x", "y") + &item("y", "z") + &item("z", "x")));
    let found = read(&text).expect_err("a ring");
    let shown = Source::new("plan.toml", text.as_str()).render(&found, false);
    assert!(shown.contains("a ring: `x` needs `y` needs `z` needs `x`"), "{shown}");
    assert_eq!(found.len(), 1, "{shown}");
    assert!(found[0].also.is_some());
    let _ = wrong(&text);
}

fn jq() -> tminus::base::jq::Jq {
    tminus::base::jq::Jq::with_worker(env!("CARGO_BIN_EXE_tminus"))
}

#[tokio::test]
async fn every_bundled_plan_is_sound_without_a_warning() {
    let mut seen = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config")).expect("config/") {
        let path = file.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "toml") || path.ends_with("keymap.toml") {
            continue;
        }
        let source = Source::new(path.display().to_string(), std::fs::read_to_string(&path).expect("text"));
        let checked = check_report(&source, &environment(), &jq(), false).await;
        assert_eq!((checked.errors, checked.warnings), (0, 0), "{}", checked.text);
        assert!(load(source, &environment(), &Options::default()).is_ok());
        seen += 1;
    }
    assert!(seen > 0, "no plan is bundled");
}
