//! Real servers of Debian's packages on loopback, each in a folder of its own, and a service whose metrics the
//! test sets. All end with their guard.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::wait::PATIENCE;

/// The tool, or none outside CI, where that is told.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{name} is not installed");
        eprintln!("SKIPPED: {name} is not installed (apt-get install prometheus prometheus-alertmanager)");
    }
    found
}

/// A server that ends with its guard.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts it on a port of the system's choice, which its log tells.
    fn start(program: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let log = BufReader::new(child.stderr.take().expect("a log"));
        let (found, address) = mpsc::channel();
        // Read to its end, so that the server never waits for us.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok).filter(|line| line.contains("msg=\"Listening on\"")) {
                let at = line.rsplit_once("address=").and_then(|(_, at)| at.trim().parse::<SocketAddr>().ok());
                at.into_iter().for_each(|at| _ = found.send(at));
            }
        });
        let Ok(address) = address.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("{} does not listen", program.display());
        };
        Self { child, address }
    }

    pub fn prometheus(program: &Path, folder: &Path, config: &str, rules: &str) -> Self {
        Self::prometheus_at("127.0.0.1:0", program, folder, config, rules)
    }

    /// The same where another was: its data is what that one left in its folder.
    pub fn prometheus_at(at: &str, program: &Path, folder: &Path, config: &str, rules: &str) -> Self {
        std::fs::write(folder.join("rules.yml"), rules).expect("written");
        std::fs::write(folder.join("prometheus.yml"), config).expect("written");
        let arguments = [
            format!("--config.file={}", folder.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address={at}"),
            // What it sent before it knew whom to tell comes again soon.
            "--rules.alert.resend-delay=1s".to_owned(),
        ];
        Self::start(program, &arguments)
    }

    pub fn alertmanager(program: &Path, folder: &Path, config: &str) -> Self {
        std::fs::write(folder.join("alertmanager.yml"), config).expect("written");
        let arguments = [
            format!("--config.file={}", folder.join("alertmanager.yml").display()),
            format!("--storage.path={}", folder.join("silences").display()),
            "--web.listen-address=127.0.0.1:0".to_owned(),
            "--cluster.listen-address=".to_owned(),
        ];
        Self::start(program, &arguments)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the service tells of itself.
#[derive(Default)]
pub struct State {
    scrapes: AtomicU64,
    pub gone: AtomicBool,
    pub ringing: AtomicBool,
}

impl State {
    /// How often it was asked.
    pub fn scrapes(&self) -> u64 {
        self.scrapes.load(Ordering::SeqCst)
    }

    /// A hundred requests a scrape; two of a hundred fail of the one kind, eight of the other.
    fn metrics(&self) -> String {
        let scrapes = self.scrapes.fetch_add(1, Ordering::SeqCst) + 1;
        let ringing = u8::from(self.ringing.load(Ordering::SeqCst));
        format!(
            "requests_total {}\nerrors_total{{kind=\"few\"}} {}\nerrors_total{{kind=\"many\"}} {}\nnot_a_number NaN\n\
             seconds 1.5\npaths{{path=\"/a+b\",q=\"x&y=1 #%\"}} 7\nringing {ringing}\npair{{side=\"a\"}} 1\npair{{side=\"b\"}} 1\n\
             # TYPE took_seconds histogram\ntook_seconds_bucket{{le=\"0.5\"}} {}\ntook_seconds_bucket{{le=\"1\"}} {}\n\
             took_seconds_bucket{{le=\"+Inf\"}} {}\ntook_seconds_sum {}\ntook_seconds_count {}\n",
            scrapes * 100,
            scrapes * 2,
            scrapes * 8,
            scrapes * 90,
            scrapes * 99,
            scrapes * 100,
            scrapes * 30,
            scrapes * 100
        )
    }
}

/// Serves the metrics of `state`, until the test ends.
pub async fn service(state: Arc<State>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let state = Arc::clone(&state);
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let gone = state.gone.load(Ordering::SeqCst);
                let (status, body) = if gone { ("503 Gone away", String::new()) } else { ("200 OK", state.metrics()) };
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: \
                     close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}
