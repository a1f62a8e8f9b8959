//! Parse, run, exit code: the only file that exits. The hidden subcommands come first: they are this
//! same binary, started by itself.

use std::ffi::OsString;
use std::path::Path;

use tminus::base::secret::{LastWords, keep_last_words};
use tminus::base::{jq, proc};
use tminus::clock;
use tminus::engine::rollback;
use tminus::kind::step::act::SIMULATE;
use tminus::kind::step::drill::DRILL;
use tminus::kind::step::ours::{self, ACT};
use tminus::kind::step::simulate::simulate;
use tminus::launch::id::RollbackId;

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let first = arguments.first().and_then(|first| first.to_str());
    // A worker is given answers of the world, and not which values in them are secrets.
    keep_last_words(if first == Some("__jq") { LastWords::Place } else { LastWords::Redacted });
    let code = match (first, arguments.get(1..).unwrap_or_default()) {
        (Some("__jq"), []) => jq::worker::main(),
        (Some(proc::SHIM), [dir]) => proc::shim(Path::new(dir), clock::HANDED),
        (Some(ACT), [_kind, _item]) => ours::main(),
        (Some(DRILL), [id, target]) => rollback::drill::main(&id.to_string_lossy(), &target.to_string_lossy()),
        (Some(SIMULATE), [url, step]) => simulate(&url.to_string_lossy(), &step.to_string_lossy()),
        (Some(rollback::ROLLBACK), [launch, run, id]) => roll_back(Path::new(launch), run, id),
        _ => tminus::cli::run(),
    };
    exit(code);
}

fn roll_back(launch: &Path, run: &OsString, id: &OsString) -> i32 {
    match run.to_str().and_then(|run| run.parse().ok()) {
        Some(run) => rollback::main(launch, run, &RollbackId::new(id.to_string_lossy())),
        None => rollback::code::FAILED,
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the file that exits")]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}
