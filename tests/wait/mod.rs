//! Waiting for what another process does. It tells nobody: its files are looked at, now and then.

use std::sync::mpsc::channel;
use std::time::Duration;

use tokio::time::Instant;

/// Longer than anything takes here; a wait that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
pub const LOOK: Duration = Duration::from_millis(20);

/// Lets `span` go by.
pub fn pause(span: Duration) {
    let (_silent, never) = channel::<()>();
    let _ = never.recv_timeout(span);
}

/// Blocks until `done`.
pub fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "no {what}");
        pause(LOOK);
    }
}

/// As [`wait`], while other tasks go on.
pub async fn comes(what: &str, mut done: impl FnMut() -> bool) {
    let looking = async {
        let mut looks = tokio::time::interval(LOOK);
        while !done() {
            looks.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, looking).await.is_ok(), "no {what}");
}

/// Whether the process is stopped, by us or by itself.
pub fn stands_still(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}
