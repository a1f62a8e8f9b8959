//! The `tls` and `dns` checks against servers made here: certificates of every kind of wrong, versions accepted
//! and refused, resolvers that tell, cut, lie and keep silent; and both in a plan that is checked and rehearsed.

#[path = "tls_dns/dns.rs"]
mod dns;
#[path = "tls_dns/plan.rs"]
mod plan;
#[path = "tls_dns/resolver.rs"]
mod resolver;
#[path = "tls_dns/server.rs"]
mod server;
#[path = "tls_dns/tls.rs"]
mod tls;

use std::path::Path;
use std::time::Duration;

use tminus::base::table::{Notes, Table};
use tminus::base::wire::{Client, Limits, Network};
use tminus::kind::check::{Context, Spec};
use tminus::launch::verdict::{Report, Verdict};
use toml::de::DeTable;

/// Longer than anything here takes, where an answer is awaited.
const PATIENCE: Duration = Duration::from_secs(30);
/// As long as a silent server is waited for.
const SILENCE: Duration = Duration::from_millis(600);

/// Runs the check of `kind` with the table `text`.
async fn run(kind: &str, text: &str, base: &Path, timeout: Duration) -> Report {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[check]", parsed.span().into(), parsed.get_ref(), &notes);
    let check = Spec::read(kind, &table).expect("a check");
    table.finish();
    let found = notes.take_diagnostics();
    assert!(found.is_empty(), "{found:?}");
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    let cx = Context { timeout, base: base.to_owned(), ..Context::new(client) };
    tokio::time::timeout(2 * PATIENCE, check.run(&cx)).await.expect("it ends").report
}

/// The verdict of the finding on `subject`, and what was seen.
fn finding(report: &Report, subject: &str) -> (Verdict, String) {
    let finding = report.findings.iter().find(|finding| finding.subject == subject);
    let finding = finding.unwrap_or_else(|| panic!("no finding on {subject}: {report:?}"));
    (finding.verdict, finding.seen.clone())
}
