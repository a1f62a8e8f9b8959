//! One attempt in a folder of its own, run by the shim as it is built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, test_kill_process};
use tempfile::TempDir;
use tminus::base::proc::{self, Intent, OutcomeFile, Private, Standing};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tminus");
/// No test waits longer for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Attempt {
    pub folder: TempDir,
    pub intent: Intent,
    pub private: Private,
}

impl Attempt {
    pub fn of(argv: &[&str]) -> Self {
        let argv = argv.iter().map(ToString::to_string).collect();
        let intent = Intent {
            argv,
            cwd: None,
            env: Vec::new(),
            timeout_ms: 20_000,
            grace_ms: 200,
            signal: None,
            simulated: false,
            unless: None,
            unsynced: false,
        };
        Self { folder: tempfile::tempdir().expect("a folder"), intent, private: Private::default() }
    }

    pub fn bash(script: &str) -> Self {
        Self::of(&["bash", "-c", script])
    }

    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("attempt")
    }

    /// A fifo whose path the command knows as `$READY`: a first line in it is its word that it runs.
    pub fn with_fifo(mut self) -> Self {
        let path = self.fifo();
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        self.private.env.push(("READY".into(), path.display().to_string()));
        self
    }

    pub fn fifo(&self) -> PathBuf {
        self.folder.path().join("ready")
    }

    /// What the command wrote into its fifo, once it did.
    pub async fn ready(&self) -> String {
        let path = self.fifo();
        let read = tokio::task::spawn_blocking(move || fs::read_to_string(path).expect("read"));
        tokio::time::timeout(PATIENCE, read).await.expect("in time").expect("joined")
    }

    pub fn start(&self) -> proc::Started {
        proc::start(Path::new(PROGRAM), &self.dir(), &self.intent, &self.private).expect("started")
    }

    pub async fn run(&self) -> OutcomeFile {
        ended(self.start().ended()).await
    }

    pub fn stdout(&self) -> String {
        fs::read_to_string(self.dir().join("stdout")).expect("stdout")
    }
}

pub async fn ended(wait: impl Future<Output = std::io::Result<Standing>>) -> OutcomeFile {
    match tokio::time::timeout(PATIENCE, wait).await.expect("in time").expect("looked") {
        Standing::Ended(outcome) => *outcome,
        other => panic!("no outcome: {other:?}"),
    }
}

pub fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let zombie = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
    let pid = Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    test_kill_process(pid).is_ok() && !zombie
}

pub fn pids(words: &str) -> Vec<u32> {
    words.split_whitespace().map(|word| word.parse().expect("a pid")).collect()
}
