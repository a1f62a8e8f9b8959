//! Every promise, a module each, in one binary: it compiles and links once, and one suite waits while another works.
//! Binaries of their own are only those that measure their own process, and those that are run alone by name.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails by panicking")]

mod anywhere;
mod attempt;
#[path = "contract/mod.rs"]
mod backend;
mod binary;
mod browser;
mod cluster;
mod crude;
mod forms;
mod preload;
mod pty;
mod rehearsal_plan;
mod request_server;
mod told;
mod wait;

#[path = "amend.rs"]
mod amend;
#[path = "announce.rs"]
mod announce;
#[path = "approve.rs"]
mod approve;
#[path = "board_rules.rs"]
mod board_rules;
#[path = "bundle.rs"]
mod bundle;
#[path = "continue.rs"]
mod continued;
#[path = "contract.rs"]
mod contract;
#[path = "contract_stream.rs"]
mod contract_stream;
#[path = "crew.rs"]
mod crew;
#[path = "days.rs"]
mod days;
#[path = "disk.rs"]
mod disk;
#[path = "drill.rs"]
mod drill;
#[path = "failing.rs"]
mod failing;
#[path = "false_greens.rs"]
mod false_greens;
#[path = "faults.rs"]
mod faults;
#[path = "gate.rs"]
mod gate;
#[path = "github.rs"]
mod github;
#[path = "headless.rs"]
mod headless;
#[path = "http_request.rs"]
mod http_request;
#[path = "incidents.rs"]
mod incidents;
#[path = "journal_compat.rs"]
mod journal_compat;
#[path = "jq.rs"]
mod jq;
#[path = "launches.rs"]
mod launches;
#[path = "lint.rs"]
mod lint;
#[path = "machine.rs"]
mod machine;
#[path = "notify.rs"]
mod notify;
#[path = "opening.rs"]
mod opening;
#[path = "places.rs"]
mod places;
#[path = "plans.rs"]
mod plans;
#[path = "process.rs"]
mod process;
#[path = "prometheus.rs"]
mod prometheus;
#[path = "recovery.rs"]
mod recovery;
#[path = "replay.rs"]
mod replay;
#[path = "report.rs"]
mod report;
#[path = "requests.rs"]
mod requests;
#[path = "rollback_anywhere.rs"]
mod rollback_anywhere;
#[path = "rollback_request.rs"]
mod rollback_request;
#[path = "rollback_runner.rs"]
mod rollback_runner;
#[path = "secrets.rs"]
mod secrets;
#[path = "soak.rs"]
mod soak;
#[path = "sources.rs"]
mod sources;
#[path = "stand_by.rs"]
mod stand_by;
#[path = "step_shim.rs"]
mod step_shim;
#[path = "stood_still.rs"]
mod stood_still;
#[path = "stories.rs"]
mod stories;
#[path = "take_over.rs"]
mod take_over;
#[path = "terminal.rs"]
mod terminal;
#[path = "tls_dns.rs"]
mod tls_dns;
#[path = "traffic.rs"]
mod traffic;
#[path = "unwritable.rs"]
mod unwritable;
#[path = "verify.rs"]
mod verify;
#[path = "watched_faults.rs"]
mod watched_faults;
#[path = "watching.rs"]
mod watching;
