//! What is launched: a step that waits for a word and then prints a lot, one that waits for a key, a rollback
//! whose step leaves a line and whose check asks a server.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::told::records;
use tminus::launch::event::{Event, Recorded};

/// Bytes that the noisy step prints.
pub const NOISE: u64 = 300_000;

/// A home on a whole disk, and a launch somewhere.
pub struct Site {
    pub home: tempfile::TempDir,
    pub launch: PathBuf,
    pub plan: PathBuf,
}

impl Site {
    /// A launch in `folder`, or at home.
    pub fn new(folder: Option<&Path>) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let launch = folder.unwrap_or(home.path()).join("launch");
        let plan = home.path().join("plan.toml");
        let site = Self { home, launch, plan };
        std::fs::write(&site.plan, site.text(&server())).expect("written");
        site
    }

    fn text(&self, server: &str) -> String {
        let (begun, go, runs) = (self.begun(), self.go(), self.home.path().join("runs"));
        let (begun, go, runs) = (begun.display(), go.display(), runs.display());
        format!(
            r#"
[plan]
schema = 1
id = "disk"
title = "A launch on a bad disk"
environment = "test"

[roles.owner]
title = "Owner"

[clock]
start = "T-1h"

[[phase]]
id = "ready"
title = "Ready"
at = "T-1h"

[[phase.item]]
id = "noise"
title = "Prints a lot"
class = "once"
auto = true
timeout = "60s"
[phase.item.run]
shell = '''echo begun > {begun}; while [ ! -e {go} ]; do sleep 0.02; done; head -c {NOISE} /dev/zero | tr '\0' x; echo noise >> {runs}'''

[[phase.item]]
id = "act"
title = "Acts by a key"
class = "idempotent"
timeout = "20s"
[phase.item.run]
shell = '''echo acted >> {runs}'''

[[phase.item]]
id = "look"
title = "Someone looked"
[phase.item.manual]
role = "owner"

[[rollback]]
id = "back"
title = "Back"
key = "1"
deadline = "5m"
[[rollback.step]]
id = "redo"
class = "idempotent"
timeout = "20s"
by_hand = "do it by hand"
[rollback.step.run]
shell = '''echo back >> {runs}'''
[[rollback.verify]]
id = "up"
timeout = "5s"
within = "10s"
[rollback.verify.http]
get = "{server}/up"
expect = {{ json = ['.status == "ok"'] }}
"#
        )
    }

    /// What the noisy step leaves first: the journal tells its start before its shim has room for an outcome.
    pub fn begun(&self) -> PathBuf {
        self.home.path().join("begun")
    }

    /// The word that the noisy step waits for.
    pub fn go(&self) -> PathBuf {
        self.home.path().join("go")
    }

    pub fn side(&self) -> PathBuf {
        self.home.path().join("side")
    }

    /// Side files that lie there.
    pub fn sides(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.side()).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }

    pub fn runs(&self) -> String {
        std::fs::read_to_string(self.home.path().join("runs")).unwrap_or_default()
    }

    pub fn arguments(&self) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        let launch = text(&self.launch);
        let side = text(&self.side());
        ["run", &text(&self.plan), "--launch", &launch, "--side", &side, "--name", "ada"].map(str::to_owned).to_vec()
    }

    /// Where the noisy step's attempt lies.
    pub fn attempt(&self) -> PathBuf {
        self.launch.join("steps/noise/1")
    }

    pub fn records(&self) -> Vec<Recorded> {
        records(&self.launch)
    }

    /// How many records are `wanted`.
    pub fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.records().iter().filter(|record| wanted(&record.event)).count()
    }
}

/// Answers everything with `{"status":"ok"}` until the process ends.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { continue };
            let _ = connection.read(&mut [0; 4096]);
            let body = r#"{"status":"ok"}"#;
            let _ = write!(
                connection,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    format!("http://{address}")
}
