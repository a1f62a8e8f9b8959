//! The file a stream's bytes are kept in, already redacted. A file that cannot be written is said
//! once and costs the tail nothing else.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::rights;

/// Bytes kept of one stream; what comes after is shown and not kept.
const KEPT: u64 = 256 << 20;

/// Cheap to clone; all clones are the same file.
#[derive(Debug, Clone, Default)]
pub(super) struct Raw {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    file: Option<File>,
    bytes: u64,
    /// Why nothing more is kept, until it was told.
    stopped: Option<String>,
}

impl Raw {
    /// Opens `path` to append, readable by whom its folder says.
    pub(super) fn open(path: &Path) -> Self {
        let open = || {
            path.parent().map_or(Ok(()), rights::make)?;
            let file = rights::follow(path, OpenOptions::new().create(true).append(true).mode(0o600).open(path)?)?;
            let bytes = file.metadata()?.len();
            Ok::<_, std::io::Error>((file, bytes))
        };
        let kept = match open() {
            Ok((file, bytes)) => Kept { file: Some(file), bytes, stopped: None },
            Err(why) => Kept { stopped: Some(format!("its file cannot be opened: {why}")), ..Kept::default() },
        };
        Self { kept: Arc::new(Mutex::new(kept)) }
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &mut kept.file else { return };
        let written = file.write_all(bytes);
        kept.bytes += bytes.len() as u64;
        let stopped = match written {
            Err(why) => format!("its file cannot be written: {why}"),
            Ok(()) if kept.bytes >= KEPT => format!("its file is full at {} MiB", KEPT >> 20),
            Ok(()) => return,
        };
        kept.stopped = Some(stopped);
        kept.file = None;
    }

    /// Why nothing more is kept, once.
    pub(super) fn stopped(&self) -> Option<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).stopped.take()
    }
}
