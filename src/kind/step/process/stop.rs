//! Stops what another item started: asks the shim of each of its attempts that may live to end the whole tree,
//! and waits until it has. What does not run is stopped. It finds the attempts in the launch's own folder, so a
//! rollback's runner stops them as a console does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::start::may_live;
use crate::base::proc::{self, Standing, still_running};
use crate::kind::step::{Acting, act, simulate};
use crate::launch::id::ItemId;
use crate::launch::verdict::{Outcome, Report, Verdict};

/// A shim that is only just beginning is asked again.
const AGAIN: Duration = Duration::from_millis(50);

pub(super) async fn act(item: &str, cx: &Acting) -> Report {
    let began = Instant::now();
    if let Some(target) = cx.look.simulated {
        // It ends what a rehearsal left living, and the target's state changes as the example says.
        match simulate::ask(&format!("http://{target}"), cx.look.owner.as_str()) {
            Ok(told) if told.exit != 0 => {
                let outcome = Outcome { exit: Some(told.exit), ..Outcome::default() };
                let verdict = outcome.verdict(&crate::kind::step::ours::EXITS);
                return Report::plain(verdict, format!("exit {}; simulated", told.exit), began.elapsed());
            }
            Ok(told) => told.stdout.lines().for_each(|line| cx.say(line)),
            Err(error) => {
                let why = format!("the simulated target does not tell: {error}");
                return Report::plain(Verdict::Unknown, why, began.elapsed());
            }
        }
    }
    let (verdict, summary) = match attempts(&cx.dir, &ItemId::new(item)) {
        Ok(attempts) => stopped(item, attempts, cx).await,
        Err(why) => (Verdict::Unknown, why),
    };
    Report::plain(verdict, summary, began.elapsed())
}

/// The attempts of `item` in the launch that `dir` lies in, the newest last.
fn attempts(dir: &Path, item: &ItemId) -> Result<Vec<PathBuf>, String> {
    let launch = dir.ancestors().find(|above| above.join("launch.json").exists());
    let launch = launch.ok_or("the launch's folder is not above this attempt's")?;
    let place = launch.join("steps").join(item.folder());
    let inside = match std::fs::read_dir(&place) {
        Ok(inside) => inside,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("failed to read {}: {error}", place.display())),
    };
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut found: Vec<PathBuf> = inside.filter_map(Result::ok).map(|entry| entry.path()).collect();
    found.retain(|path| number(path).is_some());
    found.sort_by_key(number);
    Ok(found)
}

async fn stopped(item: &str, attempts: Vec<PathBuf>, cx: &Acting) -> (Verdict, String) {
    let mut said = Vec::new();
    let mut worst = Verdict::Pass;
    let last = attempts.last().cloned();
    for dir in attempts {
        let standing = match proc::look(&dir) {
            Ok(standing) => standing,
            Err(error) => return (Verdict::Unknown, format!("failed to look at {}: {error}", dir.display())),
        };
        let (verdict, words) = match standing {
            Standing::Lost if last.as_ref() == Some(&dir) => lost(&dir),
            // Whoever repeats a lost attempt leaves what it started: that still serves.
            Standing::Lost if !proc::still_running(&dir).is_empty() => lost(&dir),
            standing if may_live(&standing) => ended(&dir, cx).await,
            _ => continue,
        };
        worst = worst.max(verdict);
        said.push(words);
    }
    match said.is_empty() {
        true => (Verdict::Pass, format!("{item} does not run")),
        false => (worst, format!("{item}: {}", said.join("; "))),
    }
}

async fn ended(dir: &Path, cx: &Acting) -> (Verdict, String) {
    proc::tell_stopped(dir, &format!("stopped by {}", cx.look.owner));
    loop {
        match proc::stop(dir, "stopped before it began; it never ran") {
            Ok(true) => break,
            Ok(false) if proc::look(dir).is_ok_and(|standing| may_live(&standing)) => sleep(AGAIN).await,
            Ok(false) => break,
            Err(error) => return (Verdict::Fail, format!("cannot be asked to end: {error}")),
        }
    }
    match proc::ended(dir).await {
        Ok(Standing::Lost) => lost(dir),
        Ok(standing) => {
            let outcome = act::outcome(standing, dir, &cx.look.redactor);
            let verdict = if outcome.survivors.is_empty() { Verdict::Pass } else { Verdict::Fail };
            (verdict, outcome.words())
        }
        Err(error) => (Verdict::Unknown, format!("its end is not known: {error}")),
    }
}

/// Nobody is left to end what a dead shim had started.
fn lost(dir: &Path) -> (Verdict, String) {
    match still_running(dir).as_slice() {
        [] => (
            Verdict::Warn,
            "its shim had died; none of its processes was found, which does not prove that none runs".to_owned(),
        ),
        all => (Verdict::Fail, format!("its shim had died, and still running, ended by nobody: processes {all:?}")),
    }
}
