//! The five launches of `config/`: each rehearses to GO, and to NO-GO or a rollback that is told as what it is under the
//! faults that its runbook names as a no-go or a trigger. Which kinds of fault a plan must stand is derived from it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::binary::Place;
use futures_util::future::join_all;
use tminus::base::source::Source;
use tminus::kind::{Spec, check};
use tminus::launch::plan::{Condition, Plan};
use tminus::plan::{self, Environment, Loaded, Options};
use tokio::sync::Semaphore;

/// What a plan is rehearsed with, and what must come of it.
struct Row {
    /// The no-gos and triggers of the plan that it is for.
    shows: &'static [&'static str],
    /// Faults, and options beside them.
    with: &'static [&'static str],
    exit: i32,
    /// What the summary must say. Where a fault fires several triggers, some by themselves and some by asking the crew,
    /// whose word comes first is open, and so whether it is called a drill.
    says: &'static str,
}

const fn row(with: &'static [&'static str], exit: i32, says: &'static str) -> Row {
    Row { shows: &[], with, exit, says }
}

/// No GO, by this criterion, which is red then and before nobody's word.
const fn no_go(shows: &'static [&'static str], with: &'static [&'static str]) -> Row {
    Row { shows, with, exit: 1, says: NO_GO }
}

/// These triggers fire, and the way back is verified; the crew answers those that ask.
const fn back(shows: &'static [&'static str], with: &'static [&'static str], says: &'static str) -> Row {
    Row { shows, with, exit: 0, says }
}

const GO: &str = "ended: the rehearsal is through";
const NO_GO: &str = "ended: the countdown ended short of T-0";
const DRILL: &str = "--drill-faults";

const OMNIAI: &[Row] = &[
    row(&[], 0, GO),
    row(&["rollback-lies"], 0, "rollback drill frontend #1: done but not verified"),
    row(&["cors-open"], 1, NO_GO),
    no_go(&["origins-fail"], &["csrf-rotates"]),
    no_go(&["stream-breaks"], &["stream-drops"]),
    no_go(&["stream-breaks"], &["fail:cancel"]),
    no_go(&["telemetry-leaks"], &["fail:telemetry-log"]),
    no_go(&["release-doubles"], &["fail:release-rerun"]),
    no_go(&[], &["fail:release-tags"]),
    no_go(&["no-way-back"], &["fail:rollback-drill"]),
    no_go(&[], &["fail:staging-differs"]),
    no_go(&["release-doubles"], &["fail:release-made"]),
    row(&["bad-json@T-65m"], 2, NO_GO),
    row(&["errors=100%@T-65m"], 1, NO_GO),
    row(&["down@T-41m"], 1, NO_GO),
    back(&["errors-2m"], &[DRILL, "errors=60%@T+10m..rollback"], "rollback drill frontend #1: verified"),
    back(&["slow-5m"], &[DRILL, "latency=2s@T+40m..rollback:api"], "rollback drill frontend #1: verified"),
    back(&["api-down"], &[DRILL, "fail@T+40m..rollback:monitor.api"], "rollback drill frontend #1: verified"),
    back(&["page-5m"], &[DRILL, "errors=60%@T+40m..rollback:web"], "rollback drill frontend #1: verified"),
    row(&[DRILL, "errors=60%@T+10m"], 1, "rollback drill frontend #1: done but not verified"),
];

const NANOSTYLE: &[Row] = &[
    row(&[], 0, GO),
    no_go(&[], &["fail:tools"]),
    row(&["--drill=unshare"], 0, "rollback drill unshare #1: verified"),
    row(&["rollback-lies"], 0, "rollback drill back #1: done but not verified"),
    no_go(&["gate-fails"], &["fail:lint"]),
    no_go(&["gate-fails"], &["fail:ci"]),
    no_go(&[], &["fail:audit"]),
    no_go(&["secrets-wrong"], &["fail:contract"]),
    no_go(&["partner-shut-out"], &["fail:trial-through"]),
    no_go(&["contract-broken"], &["errors=30%@T-62m"]),
    row(&["wrong-status@T-65m"], 1, NO_GO),
    row(&["bad-json@T-65m"], 2, NO_GO),
    row(&["down@T-40m"], 1, NO_GO),
    back(&["errors-2m"], &[DRILL, "errors=30%@T+21m..rollback:app"], "rollback back #1: verified"),
    back(&["partner-access"], &[DRILL, "fail@T+21m..rollback:monitor.shared"], "rollback back #1: verified"),
    back(&["smoke-fails"], &[DRILL, "fail@T+21m..rollback:monitor.flow/reply"], "rollback back #1: verified"),
    back(&["generation-out"], &[DRILL, "errors=20%@T+21m..rollback:generation"], "rollback drill back #1: verified"),
    row(&["errors=30%@T+22m..rollback"], 0, " back #1: verified"),
    row(&["errors=90%@T+22m"], 1, " back #1: done but not verified"),
];

const ONESHOT: &[Row] = &[
    row(&["rollback-lies"], 0, "rollback drill release #1: done but not verified"),
    row(&["wrong-status"], 1, NO_GO),
    row(&["bad-json"], 2, NO_GO),
    row(&["cors-open"], 1, NO_GO),
    row(&["no-data@T-90m"], 1, NO_GO),
    no_go(&["no-hands"], &["fail:no-hands"]),
    no_go(&["sick"], &["fail@T-20m:monitor.ready"]),
    no_go(&["rings"], &["fail@T-20m:monitor.alerts"]),
    no_go(&["canary-breaks"], &["errors=20%@T-99m:canary-errors"]),
    row(&["down@T+10m"], 1, " release #1: done but not verified"),
    back(&["canary-errors-2m"], &[DRILL, "errors=20%@T-98m..rollback:canary-errors"], "rollback canary #1: verified"),
    back(&["canary-slow-2m"], &[DRILL, "latency=4s@T-98m..rollback:canary-p95"], "rollback canary #1: verified"),
    back(&["canary-sick"], &[DRILL, "errors=50%@T-98m..rollback:canary-health"], "rollback canary #1: verified"),
    back(&["edge-down-with-canary"], &[DRILL, "fail@T-98m..rollback:monitor.edge"], "rollback canary #1: verified"),
    back(&["errors-2m"], &[DRILL, "--until=T+3h", "errors=20%@T+2h..rollback:errors"], "rollback release #1: verified"),
    back(&["slow-2m"], &[DRILL, "--until=T+3h", "latency=4s@T+2h..rollback:p95"], "rollback release #1: verified"),
    back(&["edge-down"], &[DRILL, "--until=T+3h", "fail@T+2h..rollback:monitor.edge"], "rollback release #1: verified"),
    back(
        &["not-ready"],
        &[DRILL, "--until=T+3h", "fail@T+2h..rollback:monitor.ready"],
        "rollback drill release #1: verified",
    ),
    back(
        &["users-fail"],
        &[DRILL, "--until=T+3h", "fail@T+2h..rollback:monitor.user/credits"],
        "rollback drill release #1: verified",
    ),
    back(
        &["cpu-high", "memory-high", "disk-high"],
        &[
            DRILL,
            "--until=T+3h",
            "errors=95%@T+2h..rollback:cpu",
            "errors=95%@T+2h..rollback:memory",
            "errors=95%@T+2h..rollback:disk",
        ],
        "rollback drill release #1: verified",
    ),
    back(
        &["paged"],
        &[DRILL, "--until=T+3h", "fail@T+2h..rollback:monitor.alerts"],
        "rollback drill release #1: verified",
    ),
];

const SOCIALPROJECT: &[Row] = &[
    row(&[], 0, GO),
    row(&["rollback-lies"], 0, "rollback drill release #1: done but not verified"),
    no_go(&[], &["fail:env-preflight"]),
    no_go(&[], &["fail:railway-strict"]),
    no_go(&[], &["fail:qa-critical"]),
    row(&["fail:gate-check"], 1, "ended: gate-check[lastKnownGoodConfig]: fail"),
    no_go(&[], &["fail:env-api"]),
    no_go(&[], &["fail:env-web"]),
    row(&["fail:schema-newest"], 1, "ended: schema-newest: fail"),
    row(&["fail:gate-markers"], 1, "ended: gate-markers: fail"),
    row(&["fail:sessions-stale"], 1, "ended: sessions-stale: fail"),
    row(&["--drill=execution-plane-off"], 0, "rollback drill execution-plane-off #1: verified"),
    no_go(&["control-plane"], &["fail@T-15m:monitor.runtime"]),
    no_go(&["service-unwell"], &["fail@T-15m:monitor.ready"]),
    // After T-0: the release does not stand.
    Row { shows: &["no-blocker"], with: &["fail:no-blocker"], exit: 1, says: "ended: release-stands: fail" },
    row(&["down@T-30m"], 1, NO_GO),
    row(&["bad-json@T-30m"], 2, NO_GO),
    row(&["wrong-status@T+1m"], 1, " release #1: done but not verified"),
    back(&["errors-10m"], &[DRILL, "errors=30%@T+35m..rollback:feed"], "rollback release #1: verified"),
    back(&["slow-15m"], &[DRILL, "latency=3s@T+32m..rollback:feed"], "rollback drill release #1: verified"),
    back(&["not-ready-5m"], &[DRILL, "fail@T+35m..rollback:monitor.ready"], "rollback release #1: verified"),
    back(&["flow-broken"], &[DRILL, "fail@T+35m..rollback:monitor.search"], "rollback drill release #1: verified"),
    back(&["site-down"], &[DRILL, "fail@T+35m..rollback:monitor.web"], "rollback drill release #1: verified"),
    back(
        &["control-plane-10m"],
        &[DRILL, "fail@T+35m..rollback:monitor.runtime"],
        "rollback drill release #1: verified",
    ),
];

const ONESOURCE: &[Row] = &[
    row(&["wrong-status"], 1, NO_GO),
    row(&["bad-json"], 2, NO_GO),
    no_go(&[], &["fail:staging-suite"]),
    no_go(&[], &["fail:ui-tests"]),
    no_go(&["canary-complaints"], &["fail:user-reports"]),
    no_go(&["canary-complaints"], &["latency=200ms@T-1h:canary-chat-p95"]),
    no_go(&["not-now"], &["fail:not-now"]),
    row(&["rollback-lies@T+50h30m"], 0, "rollback drill emergency #1: done but not verified"),
    back(&["canary-down"], &[DRILL, "fail@T-20h..rollback:monitor.canary"], "rollback canary #1: verified"),
    back(&["canary-failing"], &[DRILL, "errors=20%@T-20h..rollback:monitor.canary"], "rollback canary #1: verified"),
    back(&["canary-5xx"], &[DRILL, "errors=20%@T-20h..rollback:canary-errors"], "rollback canary #1: verified"),
    back(
        &["canary-5xx"],
        &[DRILL, "--until=T+2h", "errors=20%@T+45m..rollback:canary-errors"],
        "rollback canary #1: verified",
    ),
    back(
        &["canary-slow"],
        &[DRILL, "latency=3s@T-20h..rollback:canary-chat-p95"],
        "rollback drill canary #1: verified",
    ),
    back(&["canary-delta"], &[DRILL, "errors=20%@T-20h..rollback:canary-delta"], "rollback drill canary #1: verified"),
    back(
        &["canary-loses"],
        &[DRILL, "errors=20%@T-20h..rollback:canary-persistence"],
        "rollback drill canary #1: verified",
    ),
    back(
        &["api-down"],
        &[DRILL, "--until=T+4h", "fail@T+3h..rollback:monitor.api"],
        "rollback drill emergency #1: verified",
    ),
    back(
        &["redis-down"],
        &[DRILL, "--until=T+4h", "fail@T+3h..rollback:monitor.ready"],
        "rollback drill emergency #1: verified",
    ),
    back(
        &["live-5xx"],
        &[DRILL, "--until=T+4h", "errors=20%@T+3h..rollback:live-errors"],
        "rollback drill emergency #1: verified",
    ),
    back(
        &["live-loses"],
        &[DRILL, "--until=T+4h", "errors=20%@T+3h..rollback:live-persistence"],
        "rollback drill emergency #1: verified",
    ),
    back(
        &["live-forgets"],
        &[DRILL, "--until=T+4h", "errors=20%@T+3h..rollback:live-context"],
        "rollback drill emergency #1: verified",
    ),
    back(
        &["live-slow"],
        &[DRILL, "--until=T+4h", "latency=3s@T+3h..rollback:live-chat-p95"],
        "rollback drill features #1: verified",
    ),
    back(
        &["live-repairs"],
        &[DRILL, "--until=T+4h", "errors=20%@T+3h..rollback:live-repair"],
        "rollback drill previous #1: verified",
    ),
    row(&["errors=20%@T-20h..rollback"], 1, " canary #1: verified"),
];

/// Flights at once, of all plans: each keeps a core at work for much of its time.
static FLIGHTS: Semaphore = Semaphore::const_new(4);

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
    let shown: BTreeSet<&str> = rows.iter().flat_map(|row| row.shows).copied().collect();
    let unshown: Vec<_> = named(&loaded.plan).into_iter().filter(|id| !shown.contains(id)).collect();
    assert!(unshown.is_empty(), "{plan}: no row shows {unshown:?}");
    join_all(rows.iter().map(|row| fly(&loaded.plan, plan, row))).await;
}

/// The no-gos and the triggers of a plan, but for those of a person alone: nothing but that person shows them.
fn named(plan: &Plan) -> Vec<&str> {
    let no_gos = plan.criteria.iter().filter(|criterion| criterion.no_go).map(|criterion| criterion.id.as_str());
    let triggers = plan.triggers.iter().filter(|trigger| trigger.when != Condition::Manual);
    no_gos.chain(triggers.map(|trigger| trigger.id.as_str())).collect()
}

async fn fly(known: &Plan, plan: &str, row: &Row) {
    let _flies = FLIGHTS.acquire().await.expect("it is never closed");
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
    let (triggers, criteria): (Vec<&str>, Vec<&str>) =
        row.shows.iter().partition(|id| known.triggers.iter().any(|trigger| trigger.id.as_str() == **id));
    for id in triggers {
        assert!(out.contains(&format!("trigger {id}: fired")), "no trigger {id} in {told}");
    }
    if !criteria.is_empty() {
        let log = place.run(&["log", &folder]).await.out;
        for id in criteria {
            let words = [format!("criterion {id} is fail"), format!("{id} speaks against GO"), format!("no-go {id} ")];
            assert!(words.iter().any(|words| log.contains(words)), "none of {words:?} in {log}\n{told}");
        }
    }
    let short = row.with.iter().any(|word| word.starts_with("--until="));
    assert_eq!(out.contains("ended: the drills are over"), short, "{told}");
    // A launch that goes, goes to its end; a drill's exit code is its own.
    assert!(row.exit != 0 || row.with.contains(&DRILL) || out.contains(GO), "{told}");
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
