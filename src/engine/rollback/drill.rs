//! A drill: one of the plan's rollbacks, for real, against another target of the plan. It runs in a folder of
//! its own inside the attempt's, with the frozen plan, that target's values and that target's own baseline, so
//! that nothing of it can be taken for a rollback of the launch. It opens no database. What it is verified by is looked
//! at before the first step too: where all of it holds already, the end proves nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::load::{Frozen, looking};
use super::verified::looked_at;
use super::{LaunchFile, code, ended, frozen, load, log_of, serve};
use crate::base::proc::{MARK, create_private_dir, write_whole};
use crate::base::text::printable;
use crate::kind::Spec;
use crate::launch::event::RollbackEnd;
use crate::launch::id::RollbackId;
use crate::launch::telling::fact_words;
use crate::launch::verdict::{Captured, Verdict};

/// How often the log is looked at for what to say.
const LOOK: Duration = Duration::from_millis(100);
/// One try at a value of the target's baseline, and how often it is tried.
const TIMEOUT: Duration = Duration::from_secs(10);
const TRIES: u32 = 3;
/// A drill is the first run of its folder.
const RUN: u32 = 1;

/// As `say!`, which is the module's own: what nobody reads is dropped.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", printable(line)).and_then(|()| out.flush());
}

/// `tminus __drill ROLLBACK TARGET`, under the shim of its attempt. Answers a code of [`code`]: one that was
/// verified after its deadline is not verified.
#[must_use]
pub fn main(rollback: &str, target: &str) -> i32 {
    let id = RollbackId::new(rollback);
    let place = match prepare(target) {
        Ok(place) => place,
        Err(why) => {
            let _ = writeln!(io::stderr(), "the drill cannot begin: {}", printable(&why));
            return code::FAILED;
        }
    };
    let held = holds_already(&place, &id).unwrap_or(false);
    let over = Arc::new(AtomicBool::new(false));
    let telling = {
        let (place, id, over) = (place.clone(), id.clone(), Arc::clone(&over));
        std::thread::spawn(move || tell(&place, &id, &over))
    };
    let mut deadline = Duration::MAX;
    let found = serve(&place, RUN, &id, || {
        let (mut orders, look) = load(&place, RUN, &id)?;
        orders.redactor.cover().for_good();
        deadline = orders.rollback.deadline;
        for step in orders.rollback.steps.iter_mut().filter(|step| step.needs_approval.is_some()) {
            say(&format!("{}: its second key is not asked for in a drill", step.id));
            step.needs_approval = None;
        }
        Ok((orders, look))
    });
    over.store(true, Ordering::SeqCst);
    let (took, end) = telling.join().unwrap_or_default();
    let words = |span: Duration| humantime::format_duration(Duration::from_secs(span.as_secs())).to_string();
    match end {
        Some(end) if found == code::VERIFIED && took > deadline => {
            say(&format!("{}, but it took {} where {} is the deadline", end.words(), words(took), words(deadline)));
            code::NOT_VERIFIED
        }
        Some(end) => {
            say(&format!("drill of {rollback} on {target}: {}, {} of {}", end.words(), words(took), words(deadline)));
            if found == code::VERIFIED && held {
                say("it was no less so before anything was done: nothing was there to take back, and whether this \
                     rollback takes anything back is not known");
                return code::UNPROVEN;
            }
            found
        }
        None => found,
    }
}

/// The folder of the drill inside the attempt's: what the runner reads in a launch.
fn prepare(target: &str) -> Result<PathBuf, String> {
    let attempt = std::env::var_os(MARK).map(PathBuf::from).ok_or("it was not started by the shim")?;
    let launch = attempt.ancestors().skip(1).find(|folder| folder.join("launch.json").exists());
    let launch = launch.ok_or_else(|| format!("no launch is around {}", attempt.display()))?;
    let place = attempt.join("drill");
    let wrong = |error: io::Error| format!("failed to write {}: {error}", place.display());
    create_private_dir(&place).map_err(wrong)?;
    let plan =
        fs::read(launch.join("plan.toml")).map_err(|error| format!("failed to read the frozen plan: {error}"))?;
    write_whole(&place.join("plan.toml"), &plan).map_err(wrong)?;
    let file = fs::read(launch.join("launch.json")).map_err(|error| format!("failed to read launch.json: {error}"))?;
    let file: LaunchFile = serde_json::from_slice(&file).map_err(|error| format!("launch.json: {error}"))?;
    let file = LaunchFile { target: Some(target.to_owned()), ..file };
    let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|error| error.to_string());
    write_whole(&place.join("launch.json"), &json(serde_json::to_vec_pretty(&file))?).map_err(wrong)?;
    let baseline = captured(&place)?;
    write_whole(&place.join("baseline.json"), &json(serde_json::to_vec(&baseline))?).map_err(wrong)?;
    Ok(place)
}

/// Whether everything that the rollback is verified by holds before its first step. One look at each, up to the first
/// that does not hold. What cannot be loaded is told by the runner.
fn holds_already(place: &Path, rollback: &RollbackId) -> Result<bool, String> {
    let (orders, look) = load(place, RUN, rollback)?;
    orders.redactor.cover().for_good();
    in_place()?.block_on(async {
        for check in &orders.rollback.verify {
            let verdict = looked_at(check, &look).await.verdict;
            say(&format!("before anything is done {} is {verdict}", check.id));
            if verdict != Verdict::Pass {
                return Ok(false);
            }
        }
        Ok(!orders.rollback.verify.is_empty())
    })
}

fn in_place() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())
}

/// What is good on the target now: the launch's own baseline is of another place.
fn captured(place: &Path) -> Result<BTreeMap<String, Captured>, String> {
    let frozen = frozen(place)?;
    if frozen.plan.baseline.is_empty() {
        return Ok(BTreeMap::new());
    }
    in_place()?.block_on(look_at(&frozen))
}

async fn look_at(frozen: &Frozen) -> Result<BTreeMap<String, Captured>, String> {
    let looking = looking(frozen)?;
    let mut all = BTreeMap::new();
    for wanted in &frozen.plan.baseline {
        let Some(entry) = frozen.catalogue.get(wanted.spec) else { continue };
        let Spec::Check(spec) = &entry.spec else { continue };
        let mut value = Captured::Missing("it was not looked at".into());
        for _ in 0..TRIES {
            let ran = spec.run(&looking.context(entry, TIMEOUT)).await;
            let found = ran.captured.into_iter().find(|(name, _)| *name == wanted.name).map(|(_, value)| value);
            value = found.map_or_else(|| Captured::Missing(ran.report.summary), Captured::of);
            if value.value().is_some() {
                break;
            }
        }
        if let Captured::Missing(why) = &value {
            say(&format!("baseline {}: {why}", wanted.name));
        }
        all.insert(wanted.name.clone(), value);
    }
    Ok(all)
}

/// Says what the log tells, until the drill is over and told: how long it took, and its end.
fn tell(place: &Path, rollback: &RollbackId, over: &AtomicBool) -> (Duration, Option<RollbackEnd>) {
    let mut log = super::Log::follow(&log_of(place, RUN, rollback));
    let mut found = (Duration::ZERO, None);
    let mut began = None;
    loop {
        let last = over.load(Ordering::SeqCst);
        for entry in log.read().unwrap_or_default() {
            let since = (entry.at - *began.get_or_insert(entry.at)).num_seconds().max(0);
            say(&format!("+{since}s {}", fact_words(&entry.fact)));
            if let crate::launch::event::RollbackFact::Ended { took, .. } = &entry.fact {
                found = (*took, ended(std::slice::from_ref(&entry)));
            }
        }
        if last {
            return found;
        }
        std::thread::sleep(LOOK);
    }
}
