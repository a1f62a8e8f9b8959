//! A step that is no command of the plan's: this same binary acts, started by the shim as any command is, so
//! that it outlives the console, is ended with all it started, and leaves its output and its outcome in files.
//! Its task comes over standard input, secrets and all, and never lies on a disk.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::de::DeTable;

use super::act::Ground;
use super::{Command, Spec};
use crate::base::jq::Jq;
use crate::base::proc::MARK;
use crate::base::regular;
use crate::base::secret::Redactor;
use crate::base::table::{Notes, Table};
use crate::base::template::Scope;
use crate::base::wire::{Client, Limits, Network};
use crate::kind::Entry;
use crate::kind::check::Context;
use crate::kind::exchange::{fit, shown};
use crate::launch::id::ItemId;
use crate::launch::verdict::{Report, Verdict};

/// The hidden subcommand: `tminus __act KIND ITEM-ID`. Both are for `ps` alone.
pub const ACT: &str = "__act";

/// What each exit code means.
pub const EXITS: [(i32, Verdict); 7] = [
    (0, Verdict::Pass),
    (1, Verdict::Fail),
    (3, Verdict::Warn),
    (4, Verdict::Unknown),
    (5, Verdict::Skipped),
    (6, Verdict::Stale),
    // A panic of ours: what was done by then is not known.
    (101, Verdict::Unknown),
];

/// The report of a step of ours, in the folder of its attempt.
pub const REPORT: &str = "report.json";

/// Columns of a line it says.
const LINE: usize = 2_000;
/// A task with more has values nobody wrote into a plan.
const TASK_LIMIT: u64 = 16 << 20;

/// What is to be done: everything a process of its own must know.
#[derive(Serialize, Deserialize)]
pub struct Task {
    kind: String,
    /// The kind's table as a TOML document.
    table: String,
    scope: Vec<(String, Value, bool)>,
    item: String,
    base: PathBuf,
    network: Network,
    timeout: Duration,
    secrets: Vec<String>,
    /// In a rehearsal: the target that says what it comes to.
    #[serde(default)]
    simulated: Option<SocketAddr>,
}

impl Task {
    pub(super) fn of(
        entry: &Entry,
        id: &ItemId,
        scope: &Scope,
        timeout: Duration,
        ground: Ground<'_>,
        secrets: &[String],
    ) -> Self {
        let kind = match &entry.spec {
            crate::kind::Spec::Step(step) => step.kind().name,
            crate::kind::Spec::Check(check) => check.kind().name,
            crate::kind::Spec::Signal(_) | crate::kind::Spec::Tail(_) => "",
        };
        let bound = scope.iter().map(|(name, bound)| (name.to_owned(), bound.value.clone(), bound.secret));
        Self {
            kind: kind.to_owned(),
            table: entry.text.to_string(),
            scope: bound.collect(),
            item: id.to_string(),
            base: ground.base.to_owned(),
            network: ground.network.clone(),
            timeout,
            secrets: secrets.to_vec(),
            simulated: ground.simulated.filter(|_| !entry.real),
        }
    }

    pub(super) fn command(&self, program: &Path) -> Result<Command, String> {
        let stdin = serde_json::to_string(self).map_err(|error| format!("its task cannot be told: {error}"))?;
        let argv = vec![program.display().to_string(), ACT.to_owned(), self.kind.clone(), self.item.clone()];
        Ok(Command { argv, cwd: None, env: Vec::new(), stdin: Some(stdin) })
    }
}

/// What a step of ours acts with.
#[derive(Clone)]
pub struct Acting {
    /// How it looks: client, jq, redactor, the values in scope, the plan's folder, the time there is in all.
    pub look: Context,
    /// The folder of this attempt, for what is to be kept beside its output. Readable by our user alone.
    pub dir: PathBuf,
}

impl Acting {
    /// Says one line, now: on standard output, redacted, without control sequences.
    pub fn say(&self, line: &str) {
        // A pipe that nobody reads any more must not end what acts.
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{}", shown(line, LINE, &self.look.redactor)).and_then(|()| out.flush());
    }
}

/// What a step of ours told of its end in the folder of its attempt, in a sentence.
#[must_use]
pub fn told(dir: &Path) -> Option<String> {
    let kept = regular::read(&dir.join(REPORT), TASK_LIMIT).ok()?;
    serde_json::from_slice::<Report>(&kept).ok().map(|report| report.summary)
}

/// Acts as the task on standard input says. The exit code is one of [`EXITS`].
#[must_use]
pub fn main() -> i32 {
    match acted() {
        Ok(report) => exit_of(report.verdict),
        Err(why) => {
            let _ = writeln!(io::stderr(), "failed to begin the step: {why}");
            exit_of(Verdict::Unknown)
        }
    }
}

fn exit_of(verdict: Verdict) -> i32 {
    EXITS.iter().find(|(_, known)| *known == verdict).map_or(1, |(code, _)| *code)
}

fn acted() -> Result<Report, String> {
    let mut told = Vec::new();
    io::stdin().take(TASK_LIMIT).read_to_end(&mut told).map_err(|error| error.to_string())?;
    // Its words hold secrets: an error of the reader is not repeated.
    let task: Task = serde_json::from_slice(&told).map_err(|_| "its task is not whole".to_owned())?;
    let redactor = Redactor::new(task.secrets.iter().cloned());
    let step = task.read()?;
    let mut scope = Scope::default();
    for (name, value, secret) in task.scope {
        if secret { scope.bind_secret(name, value) } else { scope.bind(name, value) }
    }
    let client = Client::new(&task.network, Limits::default())?;
    let look = Context {
        jq: Jq::default().redacting(redactor.clone()),
        redactor,
        scope,
        timeout: task.timeout,
        owner: ItemId::new(task.item),
        base: task.base,
        simulated: task.simulated,
        ..Context::new(client)
    };
    let dir = std::env::var_os(MARK).map(PathBuf::from).ok_or("it was not started by the shim")?;
    let cx = Acting { look, dir };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let report = fit(runtime.block_on(step.act(&cx)), &cx.look.redactor);
    for finding in report.findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
        cx.say(&format!(
            "{}: {} expected {}, seen {}",
            finding.verdict, finding.subject, finding.expected, finding.seen
        ));
    }
    cx.say(&format!("{}: {}", report.verdict, report.summary));
    let kept = serde_json::to_vec_pretty(&report).map_err(|error| error.to_string())?;
    if let Err(error) = crate::base::proc::write_whole(&cx.dir.join(REPORT), &kept) {
        cx.say(&format!("the report could not be kept: {error}"));
    }
    Ok(report)
}

impl Task {
    fn read(&self) -> Result<Spec, String> {
        let (parsed, wrong) = DeTable::parse_recoverable(&self.table);
        if !wrong.is_empty() {
            return Err("its table cannot be read again".to_owned());
        }
        let notes = Notes::default();
        let table = Table::new("[step]", parsed.span().into(), parsed.get_ref(), &notes);
        Spec::read(&self.kind, &table).ok_or_else(|| format!("its table is no `{}` any more", self.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_ours_leaves_unknown_what_was_done() {
        let died = |exit| crate::launch::verdict::Outcome { exit: Some(exit), ..Default::default() };
        // What the runtime ends a process with that panicked.
        assert_eq!(died(101).verdict(&EXITS), Verdict::Unknown);
        assert_eq!(died(102).verdict(&EXITS), Verdict::Fail);
    }

    #[test]
    fn each_verdict_has_an_exit_code_that_means_it_again() {
        for verdict in Verdict::ALL {
            let outcome = crate::launch::verdict::Outcome { exit: Some(exit_of(verdict)), ..Default::default() };
            assert_eq!(outcome.verdict(&EXITS), verdict);
        }
    }
}
