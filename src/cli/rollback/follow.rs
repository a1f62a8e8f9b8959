//! A run of a rollback as its log tells it, on standard output: steps, the stopwatch against the deadline,
//! checks, the end in words. It only reads; the rollback goes on without it, and what finds no reader here is
//! dropped: the answer is the log's.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::span;
use crate::base::text::{printable, printable_lines};
use crate::cli::INTERRUPTED;
use crate::cli::say::out;
use crate::clock;
use crate::engine::rollback::{self, Entry, Follow, Log, Request, Runner, code};
use crate::launch::event::{RollbackEnd, RollbackFact};
use crate::launch::id::{ItemId, RoleId, RollbackId};
use crate::launch::plan::{Plan, Rollback};
use crate::launch::telling::{approver, fact_words};
use crate::launch::time::Wall;
use crate::launch::verdict::Verdict;

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(25);
/// How long a runner that nobody here started may take to show up in its log.
const PATIENCE: Duration = Duration::from_secs(5);

/// A rollback's exit codes: see the arguments' help.
const ROLLED_BACK: i32 = 4;
const NOT_VERIFIED: i32 = 1;
const CANNOT_TELL: i32 = 2;

/// What detaches this terminal. Caught before anything is started: an error then is one of nothing done.
pub struct Signals {
    hung_up: Signal,
    ended: Signal,
    broken: Signal,
}

impl Signals {
    /// # Errors
    /// The system's own.
    pub fn catch() -> std::io::Result<Self> {
        let (hung_up, ended) = (signal(SignalKind::hangup())?, signal(SignalKind::terminate())?);
        Ok(Self { hung_up, ended, broken: signal(SignalKind::interrupt())? })
    }
}

/// Follows `run` of `id`, and whatever it joined, to its end. The exit code.
pub async fn to_its_end(
    launch: &Path,
    plan: &Plan,
    run: u32,
    id: RollbackId,
    runner: Option<Runner>,
    signals: &mut Signals,
) -> i32 {
    tokio::select! {
        code = follow(launch, plan, run, id.clone(), runner) => code,
        _ = signals.broken.recv() => {
            out!(
                "\nDetached: the rollback goes on without this terminal. While it runs the same command attaches \
                 again; how it stands, and how it ended, is told by\n  tminus rollback {}",
                printable(&launch.display().to_string())
            );
            INTERRUPTED
        }
        // Nobody reads any more.
        _ = signals.hung_up.recv() => INTERRUPTED,
        _ = signals.ended.recv() => INTERRUPTED,
    }
}

async fn follow(launch: &Path, plan: &Plan, mut run: u32, mut id: RollbackId, runner: Option<Runner>) -> i32 {
    let mut runner = runner.map(|runner| Box::pin(runner.ended()));
    loop {
        let mut screen = Screen::new(launch, plan, run, &id);
        screen.head();
        let end = loop {
            // Before the log is read: all that a runner told is in it when it is gone.
            let alive = runner.is_some() || Log::is_held(&screen.path).unwrap_or(true) || screen.is_young();
            match screen.log.read() {
                Ok(entries) => {
                    for entry in &entries {
                        screen.tell(entry);
                    }
                    if let Some(end) = rollback::ended(&entries) {
                        break Some(end);
                    }
                }
                // A runner that begins puts a broken log aside.
                Err(_) if alive => screen.log = Log::follow(&screen.path),
                Err(error) => {
                    screen.clear();
                    out!("{}", printable(&error.to_string()));
                    break None;
                }
            }
            if !alive {
                break None;
            }
            screen.tick();
            match &mut runner {
                Some(gone) => tokio::select! {
                    exit = gone => {
                        runner = None;
                        let joined = matches!(exit, Ok(Some(code::JOINED)));
                        screen.began = if joined { clock::boot() } else { i64::MIN };
                    }
                    () = tokio::time::sleep(LOOK) => {}
                },
                None => tokio::time::sleep(LOOK).await,
            }
        };
        match end {
            Some(RollbackEnd::Joined { run: other, rollback }) => {
                out!("Run {other} of {} was first: this request joined it.", printable(rollback.as_str()));
                (run, id) = (other, rollback);
            }
            Some(RollbackEnd::Verified) => return ROLLED_BACK,
            Some(_) => return NOT_VERIFIED,
            None => {
                let folder = rollback::folder(launch, run, &id);
                out!(
                    "CANNOT TELL: the runner of run {run} is gone and told no end. The same command goes on where it \
                     stood; what was done lies in {}",
                    printable(&folder.display().to_string())
                );
                return CANNOT_TELL;
            }
        }
    }
}

struct Screen<'p> {
    path: PathBuf,
    log: Follow,
    request: Option<Request>,
    rollback: Option<&'p Rollback>,
    run: u32,
    id: RollbackId,
    /// When this began to look, in milliseconds since the machine booted.
    began: i64,
    /// The first fact's time: where the stopwatch starts.
    since: Option<Wall>,
    launch: PathBuf,
    /// The step that runs.
    step: Option<ItemId>,
    /// Steps that stand for want of a second key.
    waits: BTreeMap<ItemId, RoleId>,
    terminal: bool,
    /// The second that the bottom line shows.
    shown: Option<i64>,
}

impl<'p> Screen<'p> {
    fn new(launch: &Path, plan: &'p Plan, run: u32, id: &RollbackId) -> Self {
        let path = rollback::log_of(launch, run, id);
        Self {
            log: Log::follow(&path),
            request: Request::read(launch, &rollback::folder(launch, run, id)),
            path,
            rollback: plan.rollback(id),
            run,
            id: id.clone(),
            began: clock::boot(),
            since: None,
            launch: launch.to_owned(),
            step: None,
            waits: BTreeMap::new(),
            terminal: std::io::stdout().is_terminal(),
            shown: None,
        }
    }

    /// True while its runner, or that of a run it joined, may only be beginning.
    fn is_young(&self) -> bool {
        self.since.is_none()
            && clock::boot().saturating_sub(self.began) < i64::try_from(PATIENCE.as_millis()).unwrap_or(0)
    }

    fn deadline(&self) -> Duration {
        self.rollback.map(|rollback| rollback.deadline).unwrap_or_default()
    }

    fn head(&self) {
        let asked = self.request.as_ref().map(|request| format!(" · by {}: {}", request.name, request.why));
        let (run, id, deadline) = (self.run, printable(self.id.as_str()), span(self.deadline()));
        out!("ROLLBACK {id} · run {run} · within {deadline}{}", asked.unwrap_or_default());
    }

    /// One fact in words, with the stopwatch before it.
    fn tell(&mut self, entry: &Entry) {
        self.clear();
        let since = *self.since.get_or_insert(entry.at);
        let clock = stopwatch((entry.at - since).num_seconds());
        let words = match &entry.fact {
            RollbackFact::StepStarted { step } => {
                self.step = Some(step.clone());
                format!("{} started: {}", self.nth(step), self.title(step))
            }
            RollbackFact::StepEnded { step, verdict, outcome } => {
                self.step = None;
                // An exit code turns nothing green: that is for the checks.
                let word = if *verdict == Verdict::Pass { "ran" } else { verdict.word() };
                format!("{} {word}: {}", self.nth(step), outcome.words())
            }
            RollbackFact::Verified { check, report } => {
                format!("verify {check}: {} · {}", report.verdict, report.summary)
            }
            RollbackFact::Ended { end, took } => self.end(end, *took),
            RollbackFact::ApprovalAwaited { step, role } => {
                self.waits.insert(step.clone(), role.clone());
                let launch = self.launch.display();
                format!(
                    "{} waits for approval by {role}; what follows it goes on. Another person says\n         tminus \
                     approve {launch} {step} --as {role}",
                    self.nth(step)
                )
            }
            RollbackFact::Approved { step, by } => {
                self.waits.remove(step);
                format!("{} approved by {}", self.nth(step), approver(by))
            }
            RollbackFact::FallbackStarted { step } => {
                self.step = Some(step.clone());
                format!("{} failed: its fallback started", self.nth(step))
            }
            RollbackFact::FallbackEnded { step, verdict, outcome } => {
                self.step = None;
                let word = if *verdict == Verdict::Pass { "ran" } else { verdict.word() };
                format!("{} its fallback {word}: {}", self.nth(step), outcome.words())
            }
            fact @ (RollbackFact::Started { .. } | RollbackFact::ApprovalRefused { .. }) => fact_words(fact),
        };
        out!("{clock:>7}  {}", printable_lines(&words));
    }

    fn end(&self, end: &RollbackEnd, took: Duration) -> String {
        let late = if took > self.deadline() { ", PAST ITS DEADLINE" } else { "" };
        let times = format!("{} of {}{late}", span_words(took), span(self.deadline()));
        match end {
            RollbackEnd::Verified => format!("VERIFIED: the old state is back · {times}"),
            RollbackEnd::NotVerified { checks } => {
                let checks: Vec<&str> = checks.iter().map(ItemId::as_str).collect();
                format!(
                    "DONE BUT NOT VERIFIED · {times}\n         every step ran, and these checks do not agree that it \
                     worked: {}",
                    checks.join(", ")
                )
            }
            RollbackEnd::FailedAtStep { step, why, by_hand } => {
                let by_hand =
                    if by_hand.is_empty() { String::new() } else { format!("\n         do by hand: {by_hand}") };
                format!("FAILED AT STEP {}: {why} · {times}{by_hand}", self.nth(step))
            }
            RollbackEnd::Joined { .. } => fact_words(&RollbackFact::Ended { end: end.clone(), took }),
        }
    }

    /// `2/3 ROLLBACK/STEP`; the id alone of what is no step.
    fn nth(&self, step: &ItemId) -> String {
        let steps = self.rollback.map(|rollback| rollback.steps.as_slice()).unwrap_or_default();
        match steps.iter().position(|known| known.id == *step) {
            Some(at) => format!("{}/{} {step}", at + 1, steps.len()),
            None => step.to_string(),
        }
    }

    fn title(&self, step: &ItemId) -> &str {
        let steps = self.rollback.map(|rollback| rollback.steps.as_slice()).unwrap_or_default();
        steps.iter().find(|known| known.id == *step).map(|known| known.title.as_str()).unwrap_or_default()
    }

    /// The bottom line, on a terminal: the stopwatch, counted in sight.
    fn tick(&mut self) {
        let Some(since) = self.since.filter(|_| self.terminal) else { return };
        let elapsed = (clock::wall() - since).num_seconds();
        if self.shown.replace(elapsed) == Some(elapsed) {
            return;
        }
        let deadline = i64::try_from(self.deadline().as_secs()).unwrap_or(i64::MAX);
        let late = if elapsed > deadline { " · PAST ITS DEADLINE" } else { "" };
        let what = match (&self.step, self.waits.first_key_value()) {
            (Some(step), _) => format!("{} runs", self.nth(step)),
            (None, Some((step, role))) => format!("{} waits for approval by {role}", self.nth(step)),
            (None, None) => "verifying".to_owned(),
        };
        let mut out = std::io::stdout();
        let line = format!("{} of {} · {what}{late}", stopwatch(elapsed), stopwatch(deadline));
        let _ = write!(out, "\r\x1b[K{:>7}  {}", "", printable(&line)).and_then(|()| out.flush());
    }

    fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(std::io::stdout(), "\r\x1b[K");
        }
    }
}

/// `0:07`, `12:41`, `1:00:02`.
fn stopwatch(seconds: i64) -> String {
    let all = seconds.max(0);
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn span_words(span: Duration) -> String {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    humantime::format_duration(Duration::from_millis(millis)).to_string()
}
