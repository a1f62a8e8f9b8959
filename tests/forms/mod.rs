//! The published forms of what machines read: `docs/*.schema.json` and `docs/junit.xsd`, and whether a document is of one.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn published(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).expect(name)
}

/// Fails where `document` is not of the form `docs/NAME.schema.json`.
pub fn held(name: &str, document: &Value) {
    let schema: Value = serde_json::from_str(&published(&format!("{name}.schema.json"))).expect("JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("a schema of its draft");
    let wrong = wrong(&schema, document);
    assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{document:#}");
}

/// What of `document` is not of the form.
pub fn wrong(schema: &Value, document: &Value) -> Vec<String> {
    let form = jsonschema::validator_for(schema).expect("a schema");
    form.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Fails where `xml` is no JUnit of `docs/junit.xsd`, or its sums are not those of its cases.
pub fn junit(xml: &str, file: &Path) {
    let number = |text: &str, name: &str| -> usize {
        let value = text.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
    };
    let head = xml.lines().find(|line| line.starts_with("<testsuites ")).expect("a head");
    let suites: Vec<&str> = xml.split("<testsuite ").skip(1).collect();
    let of = |text: &str, element: &str| text.matches(&format!("<{element} ")).count();
    for (name, element) in [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
    {
        for suite in &suites {
            let told = number(&format!(" {}", suite.lines().next().expect("a line")), name);
            assert_eq!(told, of(suite, element), "{name} of {suite}");
        }
        if name != "skipped" {
            assert_eq!(number(head, name), of(xml, element), "{name} of all");
        }
    }
    let Some(xmllint) = xmllint() else { return };
    std::fs::write(file, xml).expect("written");
    let form = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/junit.xsd");
    let ran =
        Command::new(xmllint).args(["--noout", "--nonet", "--schema"]).arg(form).arg(file).output().expect("it runs");
    assert!(ran.status.success(), "{}\n{xml}", String::from_utf8_lossy(&ran.stderr));
}

/// libxml2's; `.ci/run` installs it, elsewhere it is not needed.
fn xmllint() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("xmllint")).find(|file| file.exists());
    assert!(
        found.is_some() || std::env::var_os("CI").is_none(),
        "a CI without xmllint: .ci/run installs libxml2-utils"
    );
    if found.is_none() {
        println!("not held to docs/junit.xsd: there is no xmllint here");
    }
    found
}
