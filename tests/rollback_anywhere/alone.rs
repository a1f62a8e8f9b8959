//! What a rollback does without: a journal, a network. Part of `rollback_anywhere`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use tokio::process::Command;

use crate::anywhere::{self, Launch, verified};
use crate::binary::{Place, ended};

#[tokio::test]
async fn it_needs_no_journal() {
    for what in ["flipped", "gone", "readonly"] {
        let launch = Launch::new("true").await;
        launch.abandoned().await;
        let journal = launch.folder.join("journal.db");
        match what {
            "flipped" => {
                let mut bytes = fs::read(&journal).expect("read");
                let wal = launch.folder.join("journal.db-wal");
                let path = if bytes.len() > 8_192 { &journal } else { &wal };
                bytes = fs::read(path).expect("read");
                let middle = bytes.len() / 2;
                bytes[middle..].iter_mut().for_each(|byte| *byte ^= 1);
                fs::write(path, bytes).expect("written");
            }
            "gone" => fs::remove_file(&journal).expect("removed"),
            _ => fs::set_permissions(&journal, fs::Permissions::from_mode(0o400)).expect("set"),
        }
        let before = fs::read(&journal).ok();
        verified(&ended(launch.ask("back", &[])).await);
        assert_eq!(launch.rolled(), "back/one\nback/two\n", "{what}");
        assert_eq!(fs::read(&journal).ok(), before, "{what}: it never opened the journal");
    }
}

#[tokio::test]
async fn it_needs_no_network() {
    let without = ["--user", "--map-current-user", "--net"];
    let given = std::process::Command::new("unshare").args(without).arg("true").output();
    if !given.is_ok_and(|ran| ran.status.success()) {
        println!("the system gives no namespace: there is nothing to see");
        return;
    }
    // Its check looks at a file: what must be asked over a network cannot be verified without one.
    let of = |place: &Place, target| {
        let plan = anywhere::plan(place, target, "true");
        let asked = format!(
            "[rollback.verify.http]\nget = \"http://{target}/up\"\nexpect = {{ json = ['.status == \"ok\"'] }}\n"
        );
        assert!(plan.contains(&asked), "{plan}");
        plan.replace(&asked, &format!("[rollback.verify.file]\npath = \"{}\"\n", place.path("ran").display()))
    };
    let launch = Launch::of(of).await;
    launch.abandoned().await;
    let at = launch.at();
    let alone = Command::new("unshare")
        .args(without)
        .args([env!("CARGO_BIN_EXE_tminus"), "rollback", at.as_str(), "back", "--yes"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("unshare starts");
    verified(&ended(alone).await);
    assert_eq!(launch.rolled(), "back/one\nback/two\n");
}
