//! How much of the traffic a canary is to have, and how much was read back, as a step tells it while it acts: a
//! file of one fixed form in the folder of its attempt, read in this one place. No line of an output can be taken
//! for it. What is not known stays empty: a number that was read once is gone when the next look brings none.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::{proc, regular};
use crate::clock;
use crate::launch::time::Wall;
use crate::launch::verdict::Weight;

/// Its file.
const FILE: &str = "weight.json";
const LIMIT: u64 = 4_096;
/// All of the traffic, in hundredths of a percent.
const ALL: u32 = 10_000;
/// A disk that hangs keeps nobody from acting.
const PATIENCE: Duration = Duration::from_millis(50);

/// The number of the last that was told, and of the last that was written.
static TOLD: AtomicU64 = AtomicU64::new(0);
static WRITTEN: Mutex<u64> = Mutex::new(0);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    wanted: Option<u32>,
    seen: Option<u32>,
    at_ms: i64,
}

/// Tells it in the folder of the attempt. Without room on the disk nothing is told, and nothing old stays.
pub fn tell(dir: &Path, weight: Weight) {
    let kept = Kept { wanted: weight.wanted, seen: weight.seen, at_ms: clock::wall().timestamp_millis() };
    let Ok(bytes) = serde_json::to_vec(&kept) else { return };
    let (path, number) = (dir.join(FILE), TOLD.fetch_add(1, Ordering::Relaxed) + 1);
    let (done, written) = mpsc::channel();
    std::thread::spawn(move || {
        let mut last = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
        if *last < number {
            *last = number;
            if proc::write_shown(&path, &bytes).is_err() {
                let _ = std::fs::remove_file(&path);
            }
        }
        let _ = done.send(());
    });
    let _ = written.recv_timeout(PATIENCE);
}

/// What the attempt in `dir` told last, and when; none where it told nothing that is one.
#[must_use]
pub fn told(dir: &Path) -> Option<(Weight, Wall)> {
    read(&regular::read(&dir.join(FILE), LIMIT).ok()?)
}

fn read(bytes: &[u8]) -> Option<(Weight, Wall)> {
    let Kept { wanted, seen, at_ms } = serde_json::from_slice(bytes).ok()?;
    let fits = |share: Option<u32>| share.is_none_or(|share| share <= ALL);
    let at = Wall::from_timestamp_millis(at_ms)?;
    (fits(wanted) && fits(seen)).then_some((Weight { wanted, seen }, at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_told_last_is_read_and_what_is_not_known_is_empty() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(told(dir.path()), None);
        tell(dir.path(), Weight { wanted: Some(5_000), seen: Some(1_000) });
        tell(dir.path(), Weight { wanted: Some(5_000), seen: None });
        let (weight, at) = told(dir.path()).expect("told");
        assert_eq!(weight, Weight { wanted: Some(5_000), seen: None });
        let view = crate::launch::live::WeightView::of(weight, Some(at));
        assert_eq!((view.wanted, view.seen, view.at), (Some(50.0), None, Some(at)));
    }

    #[test]
    fn what_cannot_be_told_leaves_nothing_old_behind() {
        let dir = tempfile::tempdir().expect("a folder");
        tell(dir.path(), Weight { wanted: Some(5_000), seen: Some(5_000) });
        // Its new file has no place: a folder stands there.
        std::fs::create_dir(dir.path().join(format!("weight.{}.new", std::process::id()))).expect("made");
        tell(dir.path(), Weight { wanted: Some(2_500), seen: Some(5_000) });
        assert_eq!(told(dir.path()), None, "half of the truth is none");
    }

    #[test]
    fn what_is_no_share_is_nothing() {
        for text in [
            "",
            "{}",
            r#"{"wanted":10001,"seen":0,"at_ms":0}"#,
            r#"{"wanted":-1,"seen":0,"at_ms":0}"#,
            r#"{"wanted":1.5,"seen":0,"at_ms":0}"#,
            r#"{"wanted":1,"seen":0,"at_ms":0,"more":1}"#,
            r#"{"wanted":1,"seen":0,"at_ms":9223372036854775807}"#,
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_file_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&bytes);
        }
    }
}
