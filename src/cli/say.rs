//! Words on standard output and standard error that may find nobody: the reader has gone, or the disk they
//! go to is full. They are dropped. `println!` and `eprintln!` panic there, and an error in their place would
//! stand where the exit code tells what became of a launch.

use std::io::{self, Write as _};

/// A line on standard output, or none.
macro_rules! out {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// A line on standard error, or none.
macro_rules! err {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}

pub(crate) use {err, out};

/// Writes the whole of `text`. Where it cannot, that is said; a reader who left has seen enough.
pub fn whole(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(why) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && why.kind() != io::ErrorKind::BrokenPipe
    {
        err!("tminus: not all could be written to standard output: {why}");
    }
}
