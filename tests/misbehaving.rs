//! Checks against servers that do what no server should, one table of cases a kind, and against a real nginx.
//! Whatever comes: a verdict that is true, no panic, and little kept.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails by panicking")]

#[path = "misbehaving/asked.rs"]
mod asked;
#[expect(dead_code, reason = "each test file uses a part of this")]
mod binary;
#[path = "misbehaving/cases.rs"]
mod cases;
#[path = "misbehaving/nginx.rs"]
mod nginx;
#[path = "misbehaving/server.rs"]
mod server;

use std::time::Duration;

use tminus::base::jq::Jq;
use tminus::base::table::{Notes, Table};
use tminus::base::wire::{Client, Limits, Network};
use tminus::kind::check::{Context, Spec};
use tminus::launch::verdict::Report;
use toml::de::DeTable;

/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(40);
/// Where it must run out.
const SHORT: Duration = Duration::from_millis(400);
/// Characters of a report, whatever the server sent: what is kept is cut.
const KEPT: usize = 128 << 10;

fn spec(kind: &str, text: &str) -> Spec {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let notes = Notes::default();
    let table = Table::new(format!("[phase.item.{kind}]"), parsed.span().into(), parsed.get_ref(), &notes);
    let read = Spec::read(kind, &table);
    table.finish();
    let found = notes.take_diagnostics();
    assert!(found.is_empty(), "{text}: {found:?}");
    read.expect("a check")
}

/// Looks once, and holds what is kept of it to [`KEPT`].
async fn look(kind: &str, text: &str, timeout: Duration) -> Report {
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    let jq = Jq::with_worker(env!("CARGO_BIN_EXE_tminus"));
    let cx = Context { timeout, jq, ..Context::new(client) };
    let report = spec(kind, text).run(&cx).await.report;
    let kept = serde_json::to_string(&report).expect("a report is JSON").len();
    assert!(kept < KEPT, "{kept} characters are kept of {text}");
    report
}
