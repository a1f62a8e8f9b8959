//! 200 asserted and journaled HTTP checks at a fixed delay: `tminus gate` beside hurl and beside the floor
//! (a bare concurrent client with the same assertions and nothing else), whole processes, interleaved.
//! Prints medians and ratios; it judges nothing but that every contender passed.
//!
//! `cargo bench --bench gate -- [ROUNDS]` (default 7, at least 5).

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

const TMINUS: &str = env!("CARGO_BIN_EXE_tminus");
const CHECKS: usize = 200;
const DELAY: Duration = Duration::from_millis(50);
const BACKLOG: u32 = 4096;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["__server"] => serve(),
        ["__floor", port] => floor(port),
        [rounds] => rounds.parse().context("rounds must be a number").and_then(compare),
        _ => compare(7),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A process, ended with its owner.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn compare(rounds: usize) -> Result<()> {
    let rounds = rounds.max(5);
    let (_server, port) = start_server()?;
    let folder = tempfile::tempdir()?;
    let plan = folder.path().join("plan.toml");
    std::fs::write(&plan, plan_text(port))?;
    let files = hurl_files(folder.path(), port)?;
    let this = std::env::current_exe()?;
    let hurl = Command::new("hurl").arg("--version").output().is_ok();
    if !hurl {
        println!("hurl is not installed: not compared (`just bench` says what it needs)");
    }

    let (mut ours, mut theirs, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    // One round unmeasured: the page cache is part of nobody's time.
    for round in 0..=rounds {
        let journal = folder.path().join(format!("journal-{round}"));
        let mut gate = Command::new(TMINUS);
        gate.arg("gate").arg(&plan).arg("--journal").arg(&journal);
        let mut bare = Command::new(&this);
        bare.args(["__floor", &port.to_string()]);
        let times = (timed(&mut gate, "tminus gate")?, timed(&mut bare, "the floor")?);
        if round > 0 {
            ours.push(times.0);
            floors.push(times.1);
        }
        if hurl {
            let mut peer = Command::new("hurl");
            peer.args(["--test", "--parallel", "--jobs", &CHECKS.to_string()]).args(&files);
            let time = timed(&mut peer, "hurl")?;
            if round > 0 {
                theirs.push(time);
            }
        }
    }

    println!("{CHECKS} checks at {DELAY:?}, whole process, median of {rounds} interleaved rounds");
    let (ours, floor) = (median(&mut ours), median(&mut floors));
    println!("  tminus gate  {:>7.1} ms", millis(ours));
    println!("  floor        {:>7.1} ms   ours is {:.2} of it (budget 1.25)", millis(floor), ratio(ours, floor));
    if hurl {
        let hurl = median(&mut theirs);
        println!("  hurl         {:>7.1} ms   ours is {:.2} of it (budget 0.70)", millis(hurl), ratio(ours, hurl));
    }
    Ok(())
}

fn timed(command: &mut Command, name: &str) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let began = Instant::now();
    let ended = command.output().with_context(|| format!("failed to run {name}"))?;
    let took = began.elapsed();
    ensure!(ended.status.success(), "{name} did not pass: {}", String::from_utf8_lossy(&ended.stderr));
    Ok(took)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}

fn plan_text(port: u16) -> String {
    let mut text = String::from(
        "[plan]\nschema = 1\nid = \"bench\"\ntitle = \"Bench\"\nenvironment = \"bench\"\n\n\
         [[phase]]\nid = \"gate\"\ntitle = \"Gate\"\nat = \"T-1h\"\ngate = true\n",
    );
    for n in 0..CHECKS {
        let _ = write!(
            text,
            "\n[[phase.item]]\nid = \"check-{n}\"\ntitle = \"Check {n}\"\n[phase.item.http]\n\
             get = \"http://127.0.0.1:{port}/{n}\"\n\
             expect = {{ status = 200, json = ['.status == \"ok\"', '.n == {n}'] }}\n"
        );
    }
    text
}

/// One file a check: hurl's parallelism is by file.
fn hurl_files(folder: &Path, port: u16) -> Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for n in 0..CHECKS {
        let file = folder.join(format!("{n}.hurl"));
        let text = format!(
            "GET http://127.0.0.1:{port}/{n}\nHTTP 200\n[Asserts]\njsonpath \"$.status\" == \"ok\"\njsonpath \"$.n\" == {n}\n"
        );
        std::fs::write(&file, text)?;
        files.push(file);
    }
    Ok(files)
}

/// The server in a process of its own: its time is nobody's.
fn start_server() -> Result<(Ended, u16)> {
    let mut child = Command::new(std::env::current_exe()?).arg("__server").stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("no pipe to the server")?;
    let server = Ended(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    Ok((server, line.trim().parse().context("the server said no port")?))
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let listener = socket.listen(BACKLOG)?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            // A client that goes away is no failure of the bench.
            let _ = answer(stream).await;
        });
    }
}

async fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut held = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut held).await? == 0 {
                return Ok(());
            }
        };
        let head: Vec<u8> = held.drain(..end).collect();
        let path = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let n = String::from_utf8_lossy(path.strip_prefix(b"/").unwrap_or_default()).into_owned();
        tokio::time::sleep(DELAY).await;
        let body = format!("{{\"status\":\"ok\",\"n\":{n}}}");
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
    }
}

/// The same checks with nothing around them.
#[tokio::main]
async fn floor(port: &str) -> Result<()> {
    let port: u16 = port.parse()?;
    let checks: Vec<_> = (0..CHECKS).map(|n| tokio::spawn(bare_check(port, n))).collect();
    for check in checks {
        check.await??;
    }
    Ok(())
}

async fn bare_check(port: u16, n: usize) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET /{n} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut held = Vec::new();
    loop {
        ensure!(stream.read_buf(&mut held).await? > 0, "check {n} was not answered");
        let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let Ok(body) = serde_json::from_slice::<serde_json::Value>(&held[end + 4..]) else { continue };
        ensure!(held.starts_with(b"HTTP/1.1 200 "), "check {n}: another status");
        ensure!(body["status"] == "ok" && body["n"] == n, "check {n}: another answer");
        return Ok(());
    }
}
