//! Parse, run, exit code: the only file that exits. The hidden subcommands come first: they are this
//! same binary, started by itself.

use std::ffi::OsString;
use std::path::Path;

use tminus::base::{jq, proc};
use tminus::clock;
use tminus::kind::step::act::SIMULATE;
use tminus::kind::step::simulate::simulate;

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let first = arguments.first().and_then(|first| first.to_str());
    let code = match (first, arguments.get(1..).unwrap_or_default()) {
        (Some("__jq"), []) => jq::worker::main(),
        (Some(proc::SHIM), [dir]) => proc::shim(Path::new(dir), clock::HANDED),
        (Some(SIMULATE), [url, step]) => simulate(&url.to_string_lossy(), &step.to_string_lossy()),
        _ => 2,
    };
    exit(code);
}

#[expect(clippy::disallowed_methods, reason = "this is the file that exits")]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}
