//! Between a step and the shim: its command as an intent, and what the shim wrote as an outcome.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::{Command, How, Spec, ours, weight};
use crate::base::proc::{Intent, OutcomeFile, Private, Standing, still_running};
use crate::base::secret::Redactor;
use crate::base::template::Scope;
use crate::base::wire::Network;
use crate::kind::exchange::shown;
use crate::kind::{self, Entry};
use crate::launch::artifact::{Artifact, OUTPUTS, is_name};
use crate::launch::id::ItemId;
use crate::launch::time::Wall;
use crate::launch::verdict::Outcome;

/// The hidden subcommand that stands for a command in a rehearsal: `tminus __simulate URL STEP-ID`.
pub const SIMULATE: &str = "__simulate";

/// No launch is longer: ten years.
const FOREVER_MS: u64 = 3_653 * 86_400_000;
/// From TERM to KILL.
const GRACE: Duration = Duration::from_secs(5);
/// Columns of an error's text that are kept.
const ERROR_KEPT: usize = 400;
/// Process ids that a sentence names.
const PIDS_TOLD: usize = 8;

/// What a step is started with.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// This binary.
    pub program: &'a Path,
    /// The plan's own folder.
    pub base: &'a Path,
    pub redactor: &'a Redactor,
    /// Where a step of ours connects to.
    pub network: &'a Network,
    /// In a rehearsal: the target that answers for steps.
    pub simulated: Option<SocketAddr>,
}

/// What the shim is given for the step of `entry`, as `id`, with the values of `scope`.
///
/// # Errors
/// Why it cannot be begun: a name without a value, a secret in sight, a table that is no step.
pub fn prepared(
    entry: &Entry,
    id: &ItemId,
    scope: &Scope,
    timeout: Duration,
    ground: Ground<'_>,
) -> Result<(Intent, Private), String> {
    let kind::Spec::Step(step) = &entry.spec else { return Err("this is no step".to_owned()) };
    let target = ground.simulated.filter(|_| !entry.real);
    if let Some(target) = target.filter(|_| !step.simulates()) {
        return Ok(simulated(ground.program, target, id, timeout));
    }
    let how = step.how(scope).map_err(|unbound| unbound.to_string())?;
    out_of_sight(step, scope)?;
    let secrets = ground.redactor.secrets();
    let command = match how {
        How::Command(command) => command,
        How::Hidden(arguments) => {
            let argv = std::iter::once(ground.program.display().to_string()).chain(arguments).collect();
            Command { argv, cwd: None, env: Vec::new(), stdin: None }
        }
        How::Ours => ours::Task::of(entry, id, scope, timeout, ground, &secrets).command(ground.program)?,
    };
    let (mut intent, private) = intent(command, timeout, ground.base, &secrets);
    intent.simulated = target.is_some();
    if let Some(life) = step.life() {
        // Until it is ready its own time counts; after that it has none.
        (intent.timeout_ms, intent.grace_ms) = (FOREVER_MS, millis(life.grace));
        intent.signal = Some(life.signal);
    }
    Ok((intent, private))
}

/// What the shim is given for `command`. `secrets` are all of the plan's, for its redactor. A command's
/// `cwd` is relative to `base`, the plan's own folder.
#[must_use]
pub fn intent(command: Command, timeout: Duration, base: &Path, secrets: &[String]) -> (Intent, Private) {
    let intent = Intent {
        argv: command.argv,
        cwd: Some(command.cwd.map_or_else(|| base.to_owned(), |cwd| base.join(cwd))),
        env: command.env.iter().map(|(name, _)| name.clone()).collect(),
        timeout_ms: millis(timeout),
        grace_ms: millis(GRACE),
        signal: None,
        simulated: false,
        unless: None,
        unsynced: false,
    };
    (intent, Private { env: command.env, stdin: command.stdin, secrets: secrets.to_vec() })
}

/// Whether the arguments hold no secret's value, however it came there: what was captured for the baseline
/// is not known when the plan is read.
///
/// # Errors
/// That they do, as a sentence.
pub fn out_of_sight(step: &Spec, scope: &Scope) -> Result<(), String> {
    match step.exposed(scope).is_empty() {
        true => Ok(()),
        false => Err("it never ran: the value of a secret would stand among its arguments, where `ps` shows it".into()),
    }
}

/// What the shim is given in a rehearsal: `program` asks the simulated target what `step` comes to.
#[must_use]
pub fn simulated(program: impl AsRef<Path>, target: SocketAddr, step: &ItemId, timeout: Duration) -> (Intent, Private) {
    let argv = vec![
        program.as_ref().display().to_string(),
        SIMULATE.to_owned(),
        format!("http://{target}"),
        step.as_str().to_owned(),
    ];
    let (timeout_ms, grace_ms) = (millis(timeout), millis(GRACE));
    let intent = Intent {
        argv,
        cwd: None,
        env: Vec::new(),
        timeout_ms,
        grace_ms,
        signal: None,
        simulated: true,
        unless: None,
        unsynced: false,
    };
    (intent, Private::default())
}

/// How the attempt in `dir`, that stands so, came out.
#[must_use]
pub fn outcome(standing: Standing, dir: &Path, redactor: &Redactor) -> Outcome {
    let never = |why: &str| never(why, redactor);
    match standing {
        Standing::Ended(file) => {
            let said = file.exit.and_then(|_| ours::told(dir));
            let said = said.map(|said| shown(&said, ERROR_KEPT, redactor));
            let weight = weight::told(dir).map(|(weight, _)| weight);
            Outcome { said, weight, ..of_file(*file, redactor) }
        }
        Standing::NotClaimed => never("it never ran"),
        Standing::Running { pid } => never(&format!("it still runs, under process {pid}")),
        Standing::Lost => never(&lost(&still_running(dir))),
    }
}

/// Nobody ends what a dead shim left: whoever looks must at least know whether it still runs.
fn lost(running: &[u32]) -> String {
    let why = "its shim died: what the command did is not known";
    match running {
        // Its mark may have been taken off: that none is found proves nothing.
        [] => format!("{why}; none of its processes was found, which does not prove that none runs"),
        [one] => format!("{why}; still running, and nobody ends it: process {one}"),
        all => {
            let pids = all.iter().take(PIDS_TOLD).map(u32::to_string).collect::<Vec<_>>().join(", ");
            let more = if all.len() > PIDS_TOLD { ", …" } else { "" };
            format!("{why}; still running, and nobody ends them: processes {pids}{more}")
        }
    }
}

/// The outcome of what could not even be tried.
#[must_use]
pub fn never(why: &str, redactor: &Redactor) -> Outcome {
    Outcome { error: Some(shown(why, ERROR_KEPT, redactor)), ..Outcome::default() }
}

fn of_file(file: OutcomeFile, redactor: &Redactor) -> Outcome {
    let outputs = [(file.stdout_sha256, file.stdout_bytes), (file.stderr_sha256, file.stderr_bytes)];
    let outputs = OUTPUTS.into_iter().zip(outputs).filter(|(_, (_, bytes))| *bytes > 0);
    let kept = outputs
        .filter_map(|(name, (sha256, bytes))| {
            let sha256 = sha256.filter(|hash| is_name(hash))?;
            Some(Artifact { name: name.to_owned(), sha256, bytes, cut: false })
        })
        .collect();
    Outcome {
        exit: file.exit,
        signal: file.signal,
        error: file.error.map(|error| shown(&error, ERROR_KEPT, redactor)),
        cancelled: file.ended_by.is_some(),
        took: Duration::from_millis(file.took_ms),
        survivors: file.survivors,
        simulated: file.simulated,
        never_ran: file.never_ran,
        left_behind: file.left_behind,
        lost_bytes: file.lost_bytes,
        held_open: file.held_open,
        unsynced: file.unsynced,
        said: None,
        weight: None,
        ready: false,
        // A fence writes no times: nothing began, nothing ended.
        ended_at: Wall::from_timestamp_millis(file.ended_ms).filter(|_| file.ended_ms > 0),
        kept,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::verdict::Verdict;

    #[test]
    fn what_has_no_outcome_is_unknown() {
        for standing in [Standing::NotClaimed, Standing::Lost, Standing::Running { pid: 1 }] {
            assert_eq!(
                outcome(standing, Path::new("/nowhere"), &Redactor::default()).verdict(&[(0, Verdict::Pass)]),
                Verdict::Unknown
            );
        }
        let missing = OutcomeFile { error: Some("no \u{1b}[31mprogram".into()), ..OutcomeFile::default() };
        let missing = outcome(Standing::Ended(Box::new(missing)), Path::new("/nowhere"), &Redactor::default());
        assert_eq!((missing.verdict(&[]), missing.words()), (Verdict::Unknown, "no program".to_owned()));
    }

    #[test]
    fn what_a_dead_shim_left_running_is_named_and_silence_is_no_proof() {
        assert!(lost(&[]).ends_with("does not prove that none runs"));
        assert!(lost(&[7]).ends_with("nobody ends it: process 7"));
        assert!(lost(&[7, 8]).ends_with("nobody ends them: processes 7, 8"));
    }

    #[test]
    fn a_secret_across_the_cut_of_an_error_does_not_leave_its_beginning() {
        let error = format!("{}hunter22", "x".repeat(ERROR_KEPT - 4));
        let file = OutcomeFile { error: Some(error), ..OutcomeFile::default() };
        let redactor = Redactor::new(["hunter22".to_owned()]);
        let told = outcome(Standing::Ended(Box::new(file)), Path::new("/nowhere"), &redactor).words();
        assert!(!told.contains("hun"), "{told}");
    }

    #[test]
    fn secrets_are_handed_over_and_not_written_down() {
        let command = Command {
            argv: vec!["deploy".into()],
            cwd: Some("sub".into()),
            env: vec![("TOKEN".into(), "hunter22".into())],
            stdin: Some("hunter22".into()),
        };
        let (intent, private) = intent(command, Duration::from_secs(1), Path::new("/plan"), &["hunter22".into()]);
        assert!(!serde_json::to_string(&intent).expect("json").contains("hunter22"));
        assert_eq!(intent.cwd.as_deref(), Some(Path::new("/plan/sub")));
        assert_eq!(private.env, [("TOKEN".to_owned(), "hunter22".to_owned())]);
        assert!(!format!("{private:?}").contains("hunter22"));
    }
}
