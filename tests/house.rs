//! What the house depends on: permissive licences only, nothing that needs a system library or another
//! toolchain, nothing from outside the registry. `deny.toml` is the one list; this test needs no tool but
//! cargo.

#![expect(clippy::expect_used, reason = "a helper of tests fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Not to be taken, whatever deny.toml says: it may ban more.
const BANNED: [&str; 7] = ["aws-lc-rs", "aws-lc-sys", "cmake", "native-tls", "openssl", "openssl-sys", "prost-build"];

fn read(name: &str) -> toml::Table {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect(name);
    toml::from_str(&text).expect(name)
}

fn texts(value: &toml::Value) -> BTreeSet<String> {
    let entries = value.as_array().expect("a list").iter();
    let text = |entry: &toml::Value| entry.as_str().or_else(|| entry.get("crate")?.as_str()).map(str::to_owned);
    entries.map(|entry| text(entry).expect("a string or a crate")).collect()
}

/// Name and licence of every package that is built, of every platform where their manifests are here; of
/// this platform otherwise, since plain `cargo test` fetches no more. From `cargo tree`, which leaves out
/// what no chosen feature asks for; `cargo metadata` lists all that is locked.
fn built() -> Vec<(String, String)> {
    let ask = |target: &[&str]| {
        Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--locked", "--edges", "normal,build,dev"])
            .args(["--prefix", "none", "--format", "{p}|{l}|"])
            .args(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs")
    };
    let mut told = ask(&["--target", "all"]);
    if !told.status.success() {
        told = ask(&[]);
    }
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let text = String::from_utf8(told.stdout).expect("UTF-8");
    let package = |line: &str| {
        let mut fields = line.split('|').map(str::to_owned);
        Some((fields.next()?, fields.next()?))
    };
    text.lines().filter_map(package).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether an SPDX expression can be satisfied with allowed licences alone.
fn permitted(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ").replace(" WITH ", "+");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest, allowed) && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut holds = both(rest, allowed);
    while let ["OR", tail @ ..] = *rest {
        *rest = tail;
        holds |= both(rest, allowed);
    }
    holds
}

fn both(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut holds = single(rest, allowed);
    while let ["AND", tail @ ..] = *rest {
        *rest = tail;
        holds &= single(rest, allowed);
    }
    holds
}

fn single(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    match *rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let holds = either(rest, allowed);
            let closed = rest.first() == Some(&")");
            *rest = rest.get(1..).unwrap_or_default();
            holds && closed
        }
        [name, tail @ ..] => {
            *rest = tail;
            allowed.contains(&name.replace('+', " WITH "))
        }
        [] => false,
    }
}

#[test]
fn every_licence_is_permissive() {
    let allowed = texts(&read("deny.toml")["licenses"]["allow"]);
    let packages = built();
    assert!(packages.len() > 100, "only {} packages seen", packages.len());
    let refused: Vec<_> = packages.iter().filter(|(_, licence)| !permitted(licence, &allowed)).collect();
    assert!(refused.is_empty(), "not permitted by deny.toml: {refused:?}");
}

#[test]
fn copyleft_is_on_no_list() {
    let allowed = texts(&read("deny.toml")["licenses"]["allow"]);
    let copyleft: Vec<_> = allowed
        .iter()
        .filter(|name| ["GPL", "MPL", "EPL", "CDDL", "SSPL", "BUSL"].iter().any(|word| name.contains(word)))
        .collect();
    assert!(copyleft.is_empty(), "{copyleft:?}");
}

#[test]
fn what_is_banned_is_not_locked_and_nothing_comes_from_elsewhere() {
    let banned = texts(&read("deny.toml")["bans"]["deny"]);
    for name in BANNED {
        assert!(banned.contains(name), "deny.toml no longer bans {name}");
    }
    let lock = read("Cargo.lock");
    for package in lock["package"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        assert!(!banned.contains(name), "{name} is banned by deny.toml and locked in Cargo.lock");
        let source = package.get("source").and_then(toml::Value::as_str);
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        assert!(source.is_none_or(|source| source == registry), "{name} comes from {source:?}");
    }
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let allowed: BTreeSet<String> = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    for (expression, holds) in [
        ("MIT", true),
        ("MIT/GPL-3.0", true),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(MIT OR GPL-3.0) AND Apache-2.0", true),
        ("(MIT OR Apache-2.0) AND ISC", false),
        ("GPL-3.0 OR MIT AND GPL-2.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-2.0 WITH LLVM-exception", false),
        ("(MIT", false),
        ("MIT MIT", false),
        ("", false),
    ] {
        assert_eq!(permitted(expression, &allowed), holds, "{expression}");
    }
}

/// With `autotests = false` a file that nobody names would be a test that nobody runs.
#[test]
fn every_file_of_tests_is_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let manifest = read("Cargo.toml");
    let targets = manifest["test"].as_array().expect("targets").iter();
    let mut run: BTreeSet<String> = targets.map(|test| test["name"].as_str().expect("a name").to_owned()).collect();
    for root in ["whole.rs", "screens.rs"] {
        let text = std::fs::read_to_string(folder.join(root)).expect(root);
        let named = text.lines().filter_map(|line| line.strip_prefix("#[path = \"")?.strip_suffix(".rs\"]"));
        run.extend(named.map(str::to_owned));
    }
    for entry in std::fs::read_dir(&folder).expect("tests") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == "rs") {
            assert!(run.contains(&name), "tests/{name}.rs stands in no binary: name it in tests/whole.rs");
        }
    }
}
