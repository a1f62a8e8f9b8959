//! Between a step and the shim: its command as an intent, and what the shim wrote as an outcome.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::Command;
use crate::base::proc::{Intent, OutcomeFile, Private, Standing};
use crate::base::text::{cut, printable};
use crate::launch::id::ItemId;
use crate::launch::time::Wall;
use crate::launch::verdict::Outcome;

/// The hidden subcommand that stands for a command in a rehearsal: `tminus __simulate URL STEP-ID`.
pub const SIMULATE: &str = "__simulate";

/// From TERM to KILL.
const GRACE: Duration = Duration::from_secs(5);
/// Columns of an error's text that are kept.
const ERROR_KEPT: usize = 400;

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
        simulated: false,
    };
    (intent, Private { env: command.env, stdin: command.stdin, secrets: secrets.to_vec() })
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
    let intent = Intent { argv, cwd: None, env: Vec::new(), timeout_ms, grace_ms, simulated: true };
    (intent, Private::default())
}

/// How an attempt that stands so came out. Its text still has to pass the redactor.
#[must_use]
pub fn outcome(standing: Standing) -> Outcome {
    match standing {
        Standing::Ended(file) => of_file(*file),
        Standing::NotClaimed => never("it never ran"),
        Standing::Running { pid } => never(&format!("it still runs, under process {pid}")),
        Standing::Lost => never("its shim died: what the command did, and whether it still runs, is not known"),
    }
}

/// The outcome of what could not even be tried.
#[must_use]
pub fn never(why: &str) -> Outcome {
    Outcome { error: Some(cut(&printable(why), ERROR_KEPT)), ..Outcome::default() }
}

fn of_file(file: OutcomeFile) -> Outcome {
    Outcome {
        exit: file.exit,
        signal: file.signal,
        error: file.error.map(|error| cut(&printable(&error), ERROR_KEPT)),
        cancelled: file.ended_by.is_some(),
        took: Duration::from_millis(file.took_ms),
        survivors: file.survivors,
        simulated: file.simulated,
        never_ran: file.never_ran,
        left_behind: file.left_behind,
        lost_bytes: file.lost_bytes,
        held_open: file.held_open,
        // A fence writes no times: nothing began, nothing ended.
        ended_at: Wall::from_timestamp_millis(file.ended_ms).filter(|_| file.ended_ms > 0),
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
            assert_eq!(outcome(standing).verdict(&[(0, Verdict::Pass)]), Verdict::Unknown);
        }
        let missing = OutcomeFile { error: Some("no \u{1b}[31mprogram".into()), ..OutcomeFile::default() };
        let missing = outcome(Standing::Ended(Box::new(missing)));
        assert_eq!((missing.verdict(&[]), missing.words()), (Verdict::Unknown, "no program".to_owned()));
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
