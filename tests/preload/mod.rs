//! The library that makes writes and syncs fail: see `tests/disk/faults.c`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The library, built once a run of the tests.
pub fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/disk/faults.c");
        let library = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}.so", std::process::id()));
        let mut build = Command::new("cc");
        let built = build.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").output();
        let built = built.expect("a C compiler: cargo needs one too");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        library
    })
}
