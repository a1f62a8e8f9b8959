//! Starts the program, waits until it is ready, tells that, and stays its parent until it ends. Runs under the
//! shim, which writes its outputs and ends its tree; told to end, it only waits for that.

use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};

use super::watch::{Heard, Lines};
use super::{Ready, Start};
use crate::base::proc::{self, Standing};
use crate::kind::check::Check;
use crate::kind::step::{Acting, simulate};
use crate::launch::verdict::{Outcome, Report, Verdict};

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// One try of a probe.
const TRY: Duration = Duration::from_secs(2);
/// Between two tries of a probe.
const AGAIN: Duration = Duration::from_millis(200);
/// The last lines of what it said that a reason quotes.
const QUOTED: usize = 3;

/// How it came out, without a time: that is measured around all of it.
type Came = (Verdict, String);

pub(super) async fn act(start: &Start, cx: &Acting) -> Report {
    let began = Instant::now();
    let (verdict, summary) = match cx.look.simulated {
        Some(target) => simulated(start, cx, &format!("http://{target}")).await,
        None => real(start, cx, began).await,
    };
    Report::plain(verdict, summary, began.elapsed())
}

async fn real(start: &Start, cx: &Acting, began: Instant) -> Came {
    // Before it runs: a probe that another program answers would never fail.
    if let Some(why) = answered(start, cx).await {
        return (Verdict::Fail, why);
    }
    let mut asked = match Asked::listening() {
        Ok(asked) => asked,
        Err(error) => return (Verdict::Unknown, format!("signals cannot be heard: {error}")),
    };
    let mut child = match spawn(start, cx) {
        Ok(child) => child,
        Err(why) => return (Verdict::Unknown, why),
    };
    let pid = child.id().unwrap_or(0);
    // Nothing is said from here until it is ready: it would be heard as the program's own words.
    let mut ears = Ears::of(start, cx);
    let mut tried = Box::pin(probed(start, cx));
    let mut answers = matches!(start.ready, Ready::Line(_));
    loop {
        ears.listen(false);
        if answers && ears.heard.missing().is_none() {
            break;
        }
        if began.elapsed() >= start.within {
            end(start, &mut child, pid).await;
            let within = humantime::format_duration(start.within);
            let missing = ears.heard.missing().unwrap_or_else(|| "its probe did not pass".to_owned());
            return (Verdict::Fail, format!("not ready within {within}, and so ended: {missing}{}", ears.last()));
        }
        tokio::select! {
            status = child.wait() => {
                if asked.in_time().await {
                    return (Verdict::Fail, format!("stopped before it was ready: {}", words(status)));
                }
                ears.listen(true);
                return before(status, &ears);
            }
            () = asked.asked() => {
                let ended = ended(start, &mut child).await;
                return (Verdict::Fail, format!("stopped before it was ready: {ended}"));
            }
            () = &mut tried, if !answers => answers = true,
            () = sleep(LOOK) => {}
        }
    }
    drop(tried);
    // A probe passes also where the port is another's: it must live itself.
    if let Ok(Some(status)) = child.try_wait() {
        ears.listen(true);
        return before(Ok(status), &ears);
    }
    let captured = ears.heard.captured().clone();
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let ready = proc::Ready { v: 1, pid, took_ms, captured, at_ms: 0 };
    if let Err(error) = proc::tell_ready(&cx.dir, &ready) {
        end(start, &mut child, pid).await;
        return (Verdict::Unknown, format!("ready, and the disk refuses to keep that, so it was ended: {error}"));
    }
    cx.say(&format!("ready after {}", humantime::format_duration(Duration::from_millis(took_ms))));
    let since = Instant::now();
    tokio::select! {
        status = child.wait() => {
            if asked.in_time().await {
                return (Verdict::Pass, format!("stopped: {}", words(status)));
            }
            ears.listen(true);
            let after = humantime::format_duration(Duration::from_secs(since.elapsed().as_secs()));
            (Verdict::Fail, format!("it ended by itself {after} after it was ready: {}{}", words(status), ears.last()))
        }
        () = asked.asked() => (Verdict::Pass, format!("stopped: {}", ended(start, &mut child).await)),
    }
}

/// What answers though nothing was started yet.
async fn answered(start: &Start, cx: &Acting) -> Option<String> {
    match &start.ready {
        Ready::Line(_) => None,
        _ if is_up(start, cx).await => {
            Some("something answers its probe already, before it was started: it would never fail".to_owned())
        }
        _ => None,
    }
}

/// Returns once the probe passes.
async fn probed(start: &Start, cx: &Acting) {
    if matches!(start.ready, Ready::Line(_)) {
        std::future::pending::<()>().await;
    }
    while !is_up(start, cx).await {
        sleep(AGAIN).await;
    }
}

async fn is_up(start: &Start, cx: &Acting) -> bool {
    match &start.ready {
        Ready::Line(_) => false,
        Ready::Http(probe) => {
            let mut look = cx.look.clone();
            look.timeout = TRY;
            probe.run(&look).await.report.verdict == Verdict::Pass
        }
        Ready::Tcp(place) => {
            let Ok(place) = place.text(&cx.look.scope) else { return false };
            matches!(timeout(TRY, TcpStream::connect(place)).await, Ok(Ok(_)))
        }
    }
}

fn spawn(start: &Start, cx: &Acting) -> Result<Child, String> {
    let wanted = start.program.command(&cx.look.scope).map_err(|unbound| unbound.to_string())?;
    let (program, arguments) = wanted.argv.split_first().ok_or("the command is empty")?;
    let cwd = wanted.cwd.map_or_else(|| cx.look.base.clone(), |cwd| cx.look.base.join(cwd));
    if !cwd.is_dir() {
        return Err(format!("failed to start `{program}`: there is no folder {}", cwd.display()));
    }
    // Its outputs are the shim's pipes, its group its own: neither our end nor a key reaches it.
    let mut command = Command::new(program);
    command.args(arguments).envs(wanted.env).current_dir(cwd).process_group(0).stdin(Stdio::null());
    command.spawn().map_err(|error| format!("failed to start `{program}`: {error}"))
}

/// It ended before it was ready.
fn before(status: std::io::Result<std::process::ExitStatus>, ears: &Ears<'_>) -> Came {
    let code = status.as_ref().ok().and_then(std::process::ExitStatus::code);
    // What the shell says of a program that is not there, or cannot be run.
    let verdict = if matches!(code, Some(126 | 127)) { Verdict::Unknown } else { Verdict::Fail };
    (verdict, format!("it ended before it was ready: {}{}", words(status), ears.last()))
}

fn words(status: std::io::Result<std::process::ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "no status".to_owned(),
        },
        Err(error) => format!("its end is not known: {error}"),
    }
}

/// Ends the program's group; what left the group is the shim's to find.
async fn end(start: &Start, child: &mut Child, pid: u32) {
    proc::signal_group(pid, start.signal);
    if timeout(start.grace, child.wait()).await.is_err() {
        proc::kill_group(pid);
        let _ = child.wait().await;
    }
}

/// How it ended, once the shim has asked it to.
async fn ended(start: &Start, child: &mut Child) -> String {
    match timeout(start.grace, child.wait()).await {
        Ok(status) => words(status),
        Err(_) => "it did not end in its grace".to_owned(),
    }
}

/// The signals that ask this process to end.
struct Asked([tokio::signal::unix::Signal; 4]);

impl Asked {
    fn listening() -> std::io::Result<Self> {
        Ok(Self([
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::quit())?,
        ]))
    }

    /// Whether we were asked too: of a tree that is ended, the program may be the first. What it said last is on
    /// its way to the files meanwhile.
    async fn in_time(&mut self) -> bool {
        timeout(LOOK * 2, self.asked()).await.is_ok()
    }

    async fn asked(&mut self) {
        let [term, interrupt, hang_up, quit] = &mut self.0;
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
            _ = quit.recv() => {}
        }
    }
}

/// Both outputs, heard.
struct Ears<'s> {
    heard: Heard<'s>,
    outputs: [Lines; 2],
    last: std::collections::VecDeque<String>,
}

impl<'s> Ears<'s> {
    fn of(start: &'s Start, cx: &Acting) -> Self {
        let outputs = ["stdout", "stderr"].map(|name| Lines::of(cx.dir.join(name)));
        Self { heard: Heard::of(start), outputs, last: std::collections::VecDeque::new() }
    }

    fn listen(&mut self, end: bool) {
        let Self { heard, outputs, last } = self;
        for output in outputs {
            output.look(end, |line| {
                heard.hear(line);
                if !line.trim().is_empty() {
                    last.push_back(line.trim().to_owned());
                }
                if last.len() > QUOTED {
                    last.pop_front();
                }
            });
        }
    }

    /// The last that was said, as the end of a sentence.
    fn last(&self) -> String {
        if self.last.is_empty() {
            return "; it said nothing".to_owned();
        }
        let lines: Vec<&str> = self.last.iter().map(String::as_str).collect();
        format!("; it said: {}", lines.join(" | "))
    }
}

/// In a rehearsal: the target tells what it says, and it lives until it is asked to end. Nothing is run.
async fn simulated(start: &Start, cx: &Acting, target: &str) -> Came {
    let mut asked = match Asked::listening() {
        Ok(asked) => asked,
        Err(error) => return (Verdict::Unknown, format!("signals cannot be heard: {error}")),
    };
    let told = match simulate::ask(target, cx.look.owner.as_str()) {
        Ok(told) => told,
        Err(error) => return (Verdict::Unknown, format!("the simulated target does not tell: {error}")),
    };
    told.stdout.lines().for_each(|line| cx.say(line));
    if told.exit != 0 {
        let verdict = Outcome { exit: Some(told.exit), ..Outcome::default() }.verdict(&crate::kind::step::ours::EXITS);
        return (verdict, format!("it ended before it was ready: exit {}; simulated", told.exit));
    }
    let mut heard = Heard::of(start);
    told.stdout.lines().for_each(|line| heard.hear(line));
    if let Some(missing) = heard.missing() {
        return (Verdict::Fail, format!("its example does not make it ready: {missing}"));
    }
    let captured = heard.captured().clone();
    let ready = proc::Ready { v: 1, pid: std::process::id(), took_ms: 0, captured, at_ms: 0 };
    if let Err(error) = proc::tell_ready(&cx.dir, &ready) {
        return (Verdict::Unknown, format!("ready, and the disk refuses to keep that: {error}"));
    }
    asked.asked().await;
    (Verdict::Pass, "stopped; simulated".to_owned())
}

/// True while somebody holds the claim of `dir`, or may still.
pub(super) fn may_live(standing: &Standing) -> bool {
    matches!(standing, Standing::Running { .. } | Standing::NotClaimed)
}
