//! The binary itself, run as a person or a CI runs it: an environment and a home of its own, no terminal.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// No command of a test takes longer: a headless rehearsal must end within it too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A home, and a place for launches and plans.
pub struct Place {
    folder: TempDir,
    env: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    /// With these variables in its environment, and nothing of ours but `PATH`.
    pub fn new(env: &[(&str, &str)]) -> Self {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { folder: tempfile::tempdir().expect("a folder"), env }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
        let home = self.path("home");
        std::fs::create_dir_all(&home).expect("a home");
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.args(arguments).env_clear().env("PATH", path).env("HOME", home).env("USER", "ada");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("tminus starts")
    }

    pub async fn run(&self, arguments: &[&str]) -> Ran {
        ended(self.start(arguments)).await
    }
}

pub fn pid(child: &Child) -> Pid {
    child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("it runs")
}

pub fn signal(child: &Child, signal: Signal) {
    kill_process(pid(child), signal).expect("told");
}

pub async fn ended(child: Child) -> Ran {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").expect("it ran");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
