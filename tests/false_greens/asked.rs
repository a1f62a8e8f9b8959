//! What a plan gets wrong when it runs programs for a look, and the baseline's values that are taken from
//! programs and files.

use std::fs;

use tminus::base::source::Source;
use tminus::kind::Spec;
use tminus::launch::verdict::Verdict;
use tminus::plan::{Environment, Options, check_report, load};

use super::{jq, look, plan};

const HEAD: &str = "[plan]\nschema = 1\nid = \"p\"\ntitle = \"P\"\n";

fn with_item(before: &str, body: &str) -> String {
    format!("{HEAD}{before}\n[[phase]]\nid = \"a\"\nat = \"T-1h\"\n[[phase.item]]\nid = \"x\"\n{body}")
}

/// Codes of what is wrong, with what is underlined.
fn wrong(text: &str) -> Vec<(&'static str, String)> {
    let environment: Environment = [("TOKEN", "hunter22-token"), ("SAME", "hunter22-token")].into_iter().collect();
    let found = match load(Source::new("plan.toml", text), &environment, &Options::default()) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    found.iter().map(|wrong| (wrong.code, text[wrong.span.start..wrong.span.end].to_owned())).collect()
}

#[test]
fn what_a_check_runs_is_held_to_the_rules_of_commands() {
    let secrets = "[secrets]\ntoken = { env = \"TOKEN\" }\n[vars]\nsame = { env = \"SAME\" }\n";
    for (body, code) in [
        ("command = { command = [\"curl\", \"-H\", \"{{ token }}\"] }", "secret-in-argv"),
        ("command = { command = [\"curl\", \"-H\", \"{{ same }}\"] }", "secret-in-argv"),
        ("command = { shell = \"curl -H hunter22-token\" }", "secret-in-argv"),
        ("env = { source = { command = [\"ssh\", \"{{ token }}\", \"env\"] }, set = [\"A\"] }", "secret-in-argv"),
        ("command = { command = [\"bash\", \"scripts/verify-backups.py\"] }", "python-run-by-bash"),
        ("command = { shell = \"bash scripts/verify-backups.py\" }", "python-run-by-bash"),
        ("command = { command = [\"docker\", \"system\", \"prune\", \"-f\"] }", "destructive-check"),
        ("command = { shell = \"redis-cli KEYS 'conv:*' | xargs redis-cli DEL\" }", "destructive-check"),
        ("command = { command = [\"x\"], exit = { 2 = \"warn\" } }", "exit-without-output"),
        ("command = { command = [\"x\"], expect = { json = [\".pass\"] } }", "jq-truthiness"),
        ("file = { path = \"x\", expect = { json = [\".pass\"] } }", "jq-truthiness"),
    ] {
        let found = wrong(&with_item(secrets, body));
        assert_eq!(found.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [code], "{body}: {found:?}");
    }
    for body in [
        "command = { command = [\"curl\"], env = { T = \"{{ token }}\" }, stdin = \"{{ token }}\" }",
        "command = { command = [\"python3\", \"scripts/verify-backups.py\"] }",
        "command = { command = [\"x\"], exit = { 2 = \"warn\" }, expect = { stdout = [\"overall\"] } }",
    ] {
        assert_eq!(wrong(&with_item(secrets, body)), [], "{body}");
    }
}

#[tokio::test]
async fn a_python_file_run_by_bash_is_unknown_even_where_its_code_is_mapped() {
    let place = tempfile::tempdir().expect("a folder");
    let text =
        "\"\"\"Verifies backups.\"\"\"\nfrom pathlib import Path\n\ndef main(path: Path) -> int:\n    return 0\n";
    fs::write(place.path().join("verify.py"), text).expect("written");
    let loaded = plan(&with_item("", "command = { command = [\"bash\", \"verify.py\"], exit = { 2 = \"warn\" } }"));
    let report = look(&loaded, "x", place.path()).await;
    assert_eq!(report.verdict, Verdict::Unknown, "{report:#?}");
    assert!(report.summary.contains("syntax error"), "{}", report.summary);
}

const BASELINE: &str = r#"
[baseline.revision]
command = ["sh", "-c", "echo deployment revision=7 ok"]
regex = 'revision=(\d+)'
example = { good = { stdout = "deployment revision=6 ok" } }
[baseline.image]
shell = 'printf "{\"image\": \"api:1.4.1\"}"'
jq = ".image"
[baseline.last]
file = "last.txt"
regex = '^(\S+)$'
example = { good = { body = "1.4.0" } }
[baseline.report]
file = "report.json"
jq = ".build.version"
"#;

#[tokio::test]
async fn the_baseline_is_taken_from_programs_and_files() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("last.txt"), "1.4.0").expect("written");
    fs::write(place.path().join("report.json"), "{\"build\": {\"version\": \"1.4.2\"}}").expect("written");
    let text = with_item(BASELINE, "command = { command = [\"deployed\", \"{{ revision }}\", \"{{ image }}\"] }");
    let loaded = plan(&text);
    let mut taken = Vec::new();
    for baseline in &loaded.plan.baseline {
        let entry = loaded.catalogue.get(baseline.spec).expect("an entry");
        let Spec::Check(check) = &entry.spec else { unreachable!("a baseline is a check") };
        let client = tminus::base::wire::Client::new(&tminus::base::wire::Network::Outside, Default::default())
            .expect("a client");
        let base = place.path().to_owned();
        let cx = tminus::kind::check::Context { jq: jq(), base, ..tminus::kind::check::Context::new(client) };
        let ran = check.run(&cx).await;
        taken.extend(ran.captured.into_iter().map(|(name, value)| format!("{name} = {value}")));
    }
    assert_eq!(taken, ["revision = \"7\"", "image = \"api:1.4.1\"", "last = \"1.4.0\"", "report = \"1.4.2\""]);
    let checked = check_report(&Source::new("plan.toml", text), &Environment::default(), None, &jq(), false).await;
    assert_eq!((checked.errors, checked.warnings), (0, 0), "{}", checked.text);
}

#[test]
fn a_baseline_has_one_source_and_one_way_to_its_value() {
    for (table, code) in [
        ("http = \"http://x/\"\nfile = \"x\"\njq = \".a\"", "wrong-value"),
        ("jq = \".a\"", "missing-key"),
        ("file = \"x\"", "missing-key"),
        ("command = [\"x\"]\njq = \".a\"\nregex = '(a)'", "wrong-value"),
        ("http = \"http://x/\"\nregex = '(a)'", "missing-key"),
        ("command = [\"x\"]\nregex = 'a'", "wrong-value"),
        ("file = \"x\"\njq = \".a\"\npath = \"y\"", "unknown-key"),
    ] {
        let text = with_item(&format!("[baseline.v]\n{table}\n"), "manual = {}");
        let found = wrong(&text);
        assert!(found.iter().any(|(found, _)| *found == code), "{table}: {found:?}");
    }
}
