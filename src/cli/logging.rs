//! The console's own log: what failed that is no event of the launch. Into the launch's folder, never on
//! the screen, and through the redactor like everything that reaches a disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::base::rights;
use crate::base::secret::Redactor;
use crate::watch::LOG_DIRECTIVES;

/// Logs to `path` from here on. A log that cannot be opened is done without.
pub fn to(path: &Path, redactor: &Redactor) {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let Ok(file) = file.and_then(|file| rights::follow(path, file)) else { return };
    let directives = LOG_DIRECTIVES.iter().filter_map(|directive| directive.parse().ok());
    let filter = directives.fold(EnvFilter::new("warn"), EnvFilter::add_directive);
    let sink = Sink { file: Arc::new(Mutex::new(file)), redactor: redactor.clone() };
    // A second launch in one process keeps the first one's log.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(sink).try_init();
}

#[derive(Clone)]
struct Sink {
    file: Arc<Mutex<File>>,
    redactor: Redactor,
}

/// One line: the formatter writes each event whole.
impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Before the lock: should this panic, its last words come here too.
        let clean = self.redactor.bytes(bytes);
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&clean)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
