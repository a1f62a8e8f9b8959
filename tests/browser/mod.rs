//! A page opened in headless Chromium: what it makes of it, and what it says on its console.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// A browser on a machine at work begins slowly.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Browser(PathBuf);

/// What it made of a page.
pub struct Seen {
    pub dom: String,
    /// Every line of its console.
    pub said: Vec<String>,
}

impl Browser {
    /// The machine's; `.ci/run` installs one, elsewhere none is needed.
    pub fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|file| file.exists());
        assert!(found.is_some() || std::env::var_os("CI").is_none(), "a CI without chromium: .ci/run installs it");
        if found.is_none() {
            println!("not opened in a browser: there is no chromium here");
        }
        found.map(Self)
    }

    pub async fn opens(&self, page: &Path, home: &Path) -> Seen {
        std::fs::create_dir_all(home).expect("a home");
        let child = Command::new(&self.0)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"])
            .args(["--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom"])
            .arg(format!("--user-data-dir={}", home.display()))
            .arg(format!("file://{}", page.display()))
            .env("HOME", home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("chromium starts");
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").expect("it ran");
        let err = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{err}");
        let said = err.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
        Seen { dom: String::from_utf8(ended.stdout).expect("text"), said }
    }
}
