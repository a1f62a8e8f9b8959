//! Programs that a step of ours starts itself, as children of its own process: the shim ends whatever they
//! leave. It judges nothing.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use std::os::unix::process::ExitStatusExt;

use tokio::io::AsyncWriteExt;

use super::Command;
use crate::base::proc;
use crate::launch::verdict::Outcome;

/// Bytes of an output that are read. What says more has not answered what was asked.
const OUTPUT_LIMIT: usize = 8 << 20;

/// What a program that was listened to came to.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    pub outcome: Outcome,
    pub stdout: Vec<u8>,
    /// The end of its standard error.
    pub stderr: String,
}

/// Runs `command` with its outputs as ours, to its end.
pub async fn through(command: &Command, base: &Path) -> Outcome {
    let began = tokio::time::Instant::now();
    let mut child = match starting(command, base).spawn() {
        Ok(child) => child,
        Err(error) => return never(command, &error),
    };
    let told = tell(child.stdin.take(), command.stdin.as_deref().map(str::as_bytes));
    let (ended, ()) = tokio::join!(child.wait(), told);
    Outcome { took: began.elapsed(), ..outcome(ended) }
}

/// Runs `command` and listens; ended where it takes longer than `within`.
pub async fn heard(command: &Command, base: &Path, within: Duration) -> Heard {
    let ended = proc::run(&command.clone().program(base), within, OUTPUT_LIMIT).await;
    // One that talks without end is told as that, not as slow.
    let error = match (&ended.error, ended.is_cut(), ended.timed_out) {
        (Some(error), ..) => Some(error.clone()),
        (None, true, _) => Some(format!("`{}` printed more than {OUTPUT_LIMIT} bytes", program(command))),
        (None, false, true) => {
            Some(format!("`{}` took longer than {}", program(command), humantime::format_duration(within)))
        }
        (None, false, false) => None,
    };
    let outcome = Outcome {
        exit: ended.exit,
        signal: ended.signal,
        error,
        never_ran: ended.error.is_some(),
        took: ended.took,
        ..Outcome::default()
    };
    let stderr = String::from_utf8_lossy(ended.stderr_lines()).into_owned();
    Heard { outcome, stdout: ended.stdout.to_vec(), stderr }
}

fn program(command: &Command) -> &str {
    command.argv.first().map_or("", String::as_str)
}

fn starting(command: &Command, base: &Path) -> tokio::process::Command {
    let mut starting = tokio::process::Command::new(program(command));
    starting.args(command.argv.iter().skip(1)).envs(command.env.iter().map(|(name, value)| (name, value)));
    starting.current_dir(command.cwd.as_ref().map_or_else(|| base.to_owned(), |cwd| base.join(cwd)));
    starting.stdin(if command.stdin.is_some() { Stdio::piped() } else { Stdio::null() }).kill_on_drop(true);
    starting
}

fn never(command: &Command, error: &std::io::Error) -> Outcome {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => format!("`{}` is not here", program(command)),
        _ => format!("`{}` could not be started: {error}", program(command)),
    };
    Outcome { error: Some(why), never_ran: true, ..Outcome::default() }
}

fn outcome(ended: std::io::Result<ExitStatus>) -> Outcome {
    match ended {
        Ok(status) => Outcome { exit: status.code(), signal: status.signal(), ..Outcome::default() },
        Err(error) => Outcome { error: Some(format!("its end was not seen: {error}")), ..Outcome::default() },
    }
}

async fn tell(pipe: Option<tokio::process::ChildStdin>, bytes: Option<&[u8]>) {
    if let (Some(mut pipe), Some(bytes)) = (pipe, bytes) {
        // One that does not read to the end is no mistake of ours.
        let _ = pipe.write_all(bytes).await;
        let _ = pipe.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::verdict::Verdict;

    const LONG: Duration = Duration::from_secs(20);

    fn bash(script: &str) -> Command {
        Command { argv: vec!["bash".into(), "-c".into(), script.into()], cwd: None, env: Vec::new(), stdin: None }
    }

    #[tokio::test]
    async fn what_it_says_and_how_it_ends_are_told() {
        let mut command = bash("cat; echo \"$NAME\"; echo no >&2; exit 3");
        command.stdin = Some("in ".into());
        command.env = vec![("NAME".into(), "value".into())];
        let heard = heard(&command, Path::new("/"), LONG).await;
        assert_eq!((heard.outcome.exit, heard.stdout.as_slice()), (Some(3), b"in value\n".as_slice()));
        assert_eq!(heard.stderr, "no\n");
        assert_eq!(through(&bash("kill -9 $$"), Path::new("/")).await.signal, Some(9));
    }

    #[tokio::test]
    async fn what_is_not_here_or_takes_too_long_is_unknown() {
        let missing = Command { argv: vec!["no-such-program".into()], ..bash("") };
        let missing = heard(&missing, Path::new("/"), LONG).await.outcome;
        assert_eq!((missing.verdict(&[]), missing.never_ran), (Verdict::Unknown, true));
        assert!(missing.error.is_some_and(|error| error.contains("no-such-program")));
        let slow = heard(&bash("read x < <(tail -f /dev/null)"), Path::new("/"), Duration::from_millis(50)).await;
        assert_eq!(slow.outcome.verdict(&[]), Verdict::Unknown);
        let loud = heard(&bash("yes"), Path::new("/"), Duration::from_secs(2)).await;
        assert!(loud.outcome.error.is_some_and(|error| error.contains("more than")));
    }
}
