//! The five launches of `config/`: each rehearses to GO, and to NO-GO or a rollback that is told as what it is under the
//! faults that its runbook names as a no-go or a trigger. Which kinds of fault a plan must stand is derived from it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::binary::Place;
use futures_util::future::join_all;
use tminus::base::source::Source;
use tminus::kind::{Spec, check};
use tminus::plan::{self, Environment, Loaded, Options};

/// What a plan is rehearsed with, and what must come of it.
struct Row {
    /// Faults, and options beside them.
    with: &'static [&'static str],
    exit: i32,
    /// What the summary must say.
    says: &'static str,
}

const fn row(with: &'static [&'static str], exit: i32, says: &'static str) -> Row {
    Row { with, exit, says }
}

const GO: &str = "ended: the rehearsal is through";
const NO_GO: &str = "ended: the countdown ended short of T-0";

const OMNIAI: &[Row] = &[
    row(&[], 0, GO),
    row(&["rollback-lies"], 0, "rollback drill frontend #1: done but not verified"),
    row(&["cors-open"], 1, NO_GO),
    row(&["csrf-rotates"], 1, NO_GO),
    row(&["stream-drops"], 1, NO_GO),
    row(&["bad-json@T-65m"], 2, NO_GO),
    row(&["errors=100%@T-65m"], 1, NO_GO),
    row(&["down@T-41m"], 1, NO_GO),
    row(&["--drill-faults", "errors=60%@T+10m..rollback"], 0, "rollback drill frontend #1: verified"),
    row(&["--drill-faults", "errors=60%@T+10m"], 1, "rollback drill frontend #1: done but not verified"),
];

const NANOSTYLE: &[Row] = &[
    row(&[], 0, GO),
    row(&["rollback-lies"], 0, "rollback drill back #1: done but not verified"),
    row(&["wrong-status@T-65m"], 1, NO_GO),
    row(&["bad-json@T-65m"], 2, NO_GO),
    row(&["down@T-40m"], 1, NO_GO),
    row(&["errors=30%@T+22m..rollback"], 0, "rollback drill back #1: verified"),
    row(&["errors=30%@T+22m"], 1, "rollback drill back #1: done but not verified"),
];

const ONESHOT: &[Row] = &[
    row(&["rollback-lies"], 0, "rollback drill release #1: done but not verified"),
    row(&["wrong-status"], 1, NO_GO),
    row(&["bad-json"], 2, NO_GO),
    row(&["cors-open"], 1, NO_GO),
    row(&["no-data@T-90m"], 1, NO_GO),
    row(&["down@T+10m"], 1, "rollback drill release #1: done but not verified"),
];

const SOCIALPROJECT: &[Row] = &[
    row(&[], 0, GO),
    row(&["rollback-lies"], 0, "rollback drill release #1: done but not verified"),
    row(&["down@T-30m"], 1, NO_GO),
    row(&["bad-json@T-30m"], 2, NO_GO),
    row(&["wrong-status@T+1m"], 1, "rollback drill release #1: done but not verified"),
];

const ONESOURCE: &[Row] = &[
    row(&["wrong-status"], 1, NO_GO),
    row(&["bad-json"], 2, NO_GO),
    row(&["rollback-lies@T+50h30m"], 0, "rollback drill emergency #1: done but not verified"),
    row(&["errors=20%@T-20h..rollback"], 1, "rollback drill canary #1: verified"),
    row(&["errors=20%@T-20h"], 1, "rollback drill canary #1: done but not verified"),
];

/// Faults that show the same: that the service does not answer, or not right.
const ILL: [&str; 6] = ["down", "reset", "flap", "wrong-status", "errors", "slow"];

fn loaded(plan: &str) -> Loaded {
    let path = format!("{}/config/{plan}.toml", env!("CARGO_MANIFEST_DIR"));
    let source = Source::new(path.clone(), std::fs::read_to_string(&path).expect("the plan"));
    let options = Options { rehearsal: true, ..Options::default() };
    plan::load(source, &Environment::default(), &options).expect("sound")
}

/// The kinds of fault that concern a plan, by what it asks.
fn concerned(loaded: &Loaded) -> BTreeSet<&'static str> {
    let mut kinds = BTreeSet::new();
    for entry in &loaded.catalogue.entries {
        match &entry.spec {
            Spec::Check(check::Spec::Cors(_)) => drop(kinds.insert("cors-open")),
            Spec::Check(check::Spec::Sse(_)) => drop(kinds.insert("stream-drops")),
            Spec::Check(check::Spec::Http(_)) => kinds.extend(["ill", "bad-json"]),
            _ => {}
        }
    }
    if !loaded.plan.rollbacks.is_empty() {
        kinds.insert("rollback-lies");
    }
    kinds
}

/// The kind of a fault as it is written: `errors=60%@T+10m` is one of a service that is ill.
fn kind(fault: &str) -> &str {
    let name = fault.split(['=', '@', ':']).next().unwrap_or(fault);
    if ILL.contains(&name) { "ill" } else { name }
}

async fn flies(plan: &str, rows: &[Row]) {
    let played: BTreeSet<&str> = rows.iter().flat_map(|row| row.with).map(|fault| kind(fault)).collect();
    let loaded = loaded(plan);
    let unplayed: Vec<_> = concerned(&loaded).into_iter().filter(|kind| !played.contains(kind)).collect();
    assert!(unplayed.is_empty(), "{plan}: no row for {unplayed:?}");
    // A rehearsal mostly waits.
    for pair in rows.chunks(2) {
        join_all(pair.iter().map(|row| fly(plan, row))).await;
    }
}

async fn fly(plan: &str, row: &Row) {
    let file = format!("{}/config/{plan}.toml", env!("CARGO_MANIFEST_DIR"));
    let place = Place::new(&[]);
    let folder = place.path("launch").display().to_string();
    let (options, faults): (Vec<&str>, Vec<&str>) = row.with.iter().partition(|word| word.starts_with("--"));
    let mut arguments = vec!["rehearse", &file, "--headless", "--launch", &folder];
    arguments.extend(options);
    arguments.extend(faults.iter().flat_map(|fault| ["--fault", *fault]));
    let ending = place.start(&arguments).wait_with_output();
    let ran = tokio::time::timeout(Duration::from_secs(240), ending).await.expect("it ends").expect("it ran");
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let told = format!("{plan} {:?}\n{out}\n{err}", row.with);
    assert_eq!(ran.status.code(), Some(row.exit), "{told}");
    assert!(out.contains(row.says), "no `{}` in {told}", row.says);
    // A launch that goes, goes to its end.
    assert!(row.exit != 0 || out.contains(GO), "{told}");
    assert!(!out.contains("production · REHEARSAL"), "production is nobody's default: {told}");
}

#[tokio::test]
async fn omniai() {
    flies("omniai", OMNIAI).await;
}

#[tokio::test]
async fn nanostyle() {
    flies("nanostyle", NANOSTYLE).await;
}

#[tokio::test]
async fn oneshot() {
    flies("oneshot", ONESHOT).await;
}

#[tokio::test]
async fn socialproject() {
    flies("socialproject", SOCIALPROJECT).await;
}

#[tokio::test]
async fn onesource() {
    flies("onesource", ONESOURCE).await;
}
