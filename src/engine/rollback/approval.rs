//! The second key as a file: `approval.STEP` in the run's folder, renamed in place and readable to its owner
//! alone. Whoever can write there hands it in, with the console gone or frozen; the runner alone decides, and its
//! log tells. Nothing is waited for: a file that lies there before its step is reached counts as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::{Request, login};
use super::run::Orders;
use super::{Log, ended, folder, log_of, one};
use crate::base::regular;
use crate::base::text::{cut, printable};
use crate::launch::approval::judge;
use crate::launch::event::{Actor, RollbackFact};
use crate::launch::id::{ItemId, RoleId, RollbackId};
use crate::launch::plan::{Plan, Role, RollbackStep};
use crate::launch::time::Wall;

/// The version this program writes.
const VERSION: u32 = 1;
/// A longer file is no approval.
const LIMIT: u64 = 4_096;
/// Columns of a name that are kept.
const KEPT: usize = 200;
/// How often the runner looks whether one lies there.
const LOOK: Duration = Duration::from_millis(100);
/// So many that do not count are told of, for one step: whoever goes on would only fill the log.
const MOST_TOLD: u32 = 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileV1 {
    v: u32,
    run: u32,
    step: ItemId,
    role: RoleId,
    name: String,
    /// Whose hand wrote it down, where that is another's than the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded_by: Option<String>,
    /// By the crew of a rehearsal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    scripted: bool,
    at: Wall,
}

/// What came of handing an approval in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub run: u32,
    pub rollback: RollbackId,
    pub at: Wall,
}

/// Where the approval of `step` lies in a run's folder.
#[must_use]
pub fn path(folder: &Path, step: &ItemId) -> PathBuf {
    folder.join(format!("approval.{}", step.folder()))
}

/// Hands the approval of `step` in, by `by`, in the rollback of `launch` that runs. Its runner decides.
///
/// # Errors
/// Why it could not count, or could not be written, as a sentence; nothing was handed in.
pub fn approve(launch: &Path, plan: &Plan, step: &ItemId, by: &Actor, at: Wall) -> Result<Given, String> {
    let (rollback, known) = plan.rollback_step(step).ok_or_else(|| format!("no rollback has a step {step}"))?;
    let wanted = known.needs_approval.as_ref().ok_or_else(|| format!("{step} needs nobody's approval"))?;
    let under = one::under_way(launch).map_err(|error| format!("the launch's rollbacks cannot be read: {error}"))?;
    let Some(under) = under else { return Err(format!("no rollback is under way: {step} waits for nobody")) };
    if under.rollback != rollback.id {
        return Err(format!("rollback {} (run {}) is under way, {step} is no step of it", under.rollback, under.run));
    }
    let entries = Log::follow(&log_of(launch, under.run, &under.rollback)).read().unwrap_or_default();
    for entry in &entries {
        match &entry.fact {
            RollbackFact::Approved { step: told, by } if told == step => {
                return Err(format!("{step} is approved already, by {}", crate::launch::telling::approver(by)));
            }
            RollbackFact::StepStarted { step: told } if told == step => {
                return Err(format!("{step} has begun already"));
            }
            _ => {}
        }
    }
    if ended(&entries).is_some() {
        return Err(format!("run {} of {} has ended", under.run, under.rollback));
    }
    let place = folder(launch, under.run, &under.rollback);
    let asker = Request::read(launch, &place).map(|request| request.by());
    // Whether this is a rehearsal the runner knows, and holds a scripted crew to it.
    judge(&plan.roles, wanted, asker.as_ref(), by, by.scripted)?;
    let form = FileV1 {
        v: VERSION,
        run: under.run,
        step: step.clone(),
        role: wanted.clone(),
        name: by.name.clone(),
        recorded_by: by.recorded_by.clone(),
        scripted: by.scripted,
        at,
    };
    put(&place, &form).map_err(|error| format!("failed to write the approval of {step}: {error}"))?;
    Ok(Given { run: under.run, rollback: under.rollback, at })
}

/// Whole or not there. Not synced: the runner reads it at once, and syncs what it made of it.
fn put(folder: &Path, form: &FileV1) -> io::Result<()> {
    let own = folder.join(format!(".approval.{}.{}", form.step.folder(), std::process::id()));
    let json = serde_json::to_vec(form)?;
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&own)?;
        file.write_all(&json)?;
        fs::rename(&own, path(folder, &form.step))
    };
    written().inspect_err(|_| drop(fs::remove_file(&own)))
}

/// The second keys of one run, as its runner sees them.
pub(super) struct Gates<'o> {
    orders: &'o Orders,
    open: BTreeSet<ItemId>,
    /// What was looked at, by what the file system says of it, and how many did not count.
    seen: BTreeMap<ItemId, (Stamp, u32)>,
}

/// Device, file, length, time of change: another file, or another content, has another.
type Stamp = (u64, u64, u64, i64, i64);

impl<'o> Gates<'o> {
    /// What an earlier runner of this run was told stays told.
    pub fn new(orders: &'o Orders) -> Self {
        Self { orders, open: orders.earlier.approved.clone(), seen: BTreeMap::new() }
    }

    /// Whether `step` may run, as far as other people are concerned.
    pub fn is_open(&self, step: &RollbackStep) -> bool {
        step.needs_approval.is_none() || self.open.contains(&step.id)
    }

    /// What came since the last look: facts to tell.
    pub fn look(&mut self) -> Vec<RollbackFact> {
        let mut facts = Vec::new();
        for step in &self.orders.rollback.steps {
            if self.is_open(step) {
                continue;
            }
            let Some(wanted) = &step.needs_approval else { continue };
            let path = path(&self.orders.folder, &step.id);
            let Some(stamp) = stamp(&path) else { continue };
            let (before, told) = self.seen.get(&step.id).copied().unzip();
            if before == Some(stamp) {
                continue;
            }
            let told = told.unwrap_or(0);
            match self.read(&path, step, wanted) {
                Ok(by) => {
                    self.open.insert(step.id.clone());
                    facts.push(RollbackFact::Approved { step: step.id.clone(), by });
                }
                Err(why) => {
                    self.seen.insert(step.id.clone(), (stamp, told.saturating_add(1)));
                    if told < MOST_TOLD {
                        let why = self.orders.redactor.text(&cut(&printable(&why), 2 * KEPT));
                        facts.push(RollbackFact::ApprovalRefused { step: step.id.clone(), why });
                    }
                }
            }
        }
        facts
    }

    /// The next facts; never, where no gate is left to open. Giving this up loses nothing.
    pub async fn news(&mut self) -> Vec<RollbackFact> {
        if self.orders.rollback.steps.iter().all(|step| self.is_open(step)) {
            return std::future::pending().await;
        }
        loop {
            let facts = self.look();
            if !facts.is_empty() {
                return facts;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Who approves, where the file at `path` does so. Its owner is the identity: a name in it stands only where
    /// that is the launch's own user.
    fn read(&self, path: &Path, step: &RollbackStep, wanted: &RoleId) -> Result<Actor, String> {
        let odd = |error: io::Error| format!("it cannot be read: {error}");
        let file = regular::open(path).map_err(odd)?;
        let told = file.metadata().map_err(odd)?;
        // A second name of a stranger's file would make that stranger approve.
        if told.nlink() != 1 {
            return Err("the file has another name besides".to_owned());
        }
        let mut bytes = Vec::new();
        file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(odd)?;
        if bytes.len() as u64 > LIMIT {
            return Err(format!("it is longer than {LIMIT} bytes"));
        }
        let form: FileV1 = serde_json::from_slice(&bytes).map_err(|wrong| format!("it is no approval: {wrong}"))?;
        if form.v != VERSION {
            return Err(format!("it is of version {}, and this tminus reads {VERSION}", form.v));
        }
        let launch = self.orders.folder.ancestors().nth(2).ok_or("its run lies in no launch")?;
        let request = Request::read(launch, &self.orders.folder);
        let run = request.as_ref().map(|request| request.run);
        if form.step != step.id || run.is_some_and(|run| run != form.run) {
            return Err(format!("it is of {} in run {}", form.step, form.run));
        }
        let owner = fs::metadata(launch).map_err(odd)?.uid();
        let kept = |name: &str| cut(printable(name).trim(), KEPT);
        let own = told.uid() == owner;
        let name = if own { kept(&form.name) } else { login(told.uid()) };
        if name.is_empty() {
            return Err("it names nobody".to_owned());
        }
        let by = Actor {
            name: self.orders.redactor.text(&name),
            role: Some(form.role),
            scripted: form.scripted,
            recorded_by: form.recorded_by.filter(|_| own).map(|hand| self.orders.redactor.text(&kept(&hand))),
        };
        let asker = request.map(|request| request.by());
        judge(&self.orders.roles, wanted, asker.as_ref(), &by, self.orders.simulated.is_some())?;
        Ok(by)
    }
}

/// None where nothing lies there.
fn stamp(path: &Path) -> Option<Stamp> {
    let told = fs::symlink_metadata(path).ok()?;
    Some((told.dev(), told.ino(), told.size(), told.ctime(), told.ctime_nsec()))
}

/// The title of a role, for a sentence.
pub(super) fn title<'r>(roles: &'r [Role], id: &'r RoleId) -> &'r str {
    roles.iter().find(|role| role.id == *id).map_or(id.as_str(), |role| role.title.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::run::Earlier;
    use super::*;
    use crate::base::secret::Redactor;
    use crate::clock;
    use crate::launch::plan::{Class, Confirm, Power, Rollback, SpecId};

    /// A launch in which bob asked for run 1 of `back`, of which the step `back/two` is the DB owner's.
    fn orders() -> (tempfile::TempDir, Orders) {
        let place = tempfile::tempdir().expect("a folder");
        Request::new("back".into(), 1, &Actor::person("bob", None), "bad", clock::wall())
            .publish(place.path())
            .expect("published");
        let step = RollbackStep {
            id: "back/two".into(),
            title: "Two".into(),
            spec: SpecId(0),
            class: Class::Once,
            timeout: Duration::from_secs(1),
            by_hand: String::new(),
            needs_approval: Some("dba".into()),
            fallback: None,
        };
        let may = [Power::Approve].into();
        let role = Role { id: "dba".into(), title: "DBA".into(), people: Vec::new(), votes: false, may };
        let rollback = Rollback {
            id: "back".into(),
            title: "Back".into(),
            key: '1',
            deadline: Duration::from_secs(60),
            confirm: Confirm::Key,
            steps: vec![step],
            verify: Vec::new(),
            uses: Vec::new(),
        };
        let orders = Orders {
            rollback,
            roles: vec![role],
            earlier: Earlier::default(),
            catalogue: crate::kind::Catalogue::default(),
            baseline: crate::base::template::Scope::default(),
            folder: folder(place.path(), 1, &"back".into()),
            base: PathBuf::new(),
            program: PathBuf::new(),
            redactor: Redactor::default(),
            unset: Vec::new(),
            network: crate::base::wire::Network::Outside,
            simulated: None,
        };
        (place, orders)
    }

    fn hand_in(orders: &Orders, name: &str) {
        written_down(orders, name, None);
    }

    fn written_down(orders: &Orders, name: &str, hand: Option<&str>) {
        let (at, recorded_by) = (clock::wall(), hand.map(str::to_owned));
        let (step, role) = ("back/two".into(), "dba".into());
        let form = FileV1 { v: VERSION, run: 1, step, role, name: name.into(), recorded_by, scripted: false, at };
        put(&orders.folder, &form).expect("written");
    }

    #[test]
    fn whoever_goes_on_with_what_is_no_approval_does_not_fill_the_log_and_locks_nobody_out() {
        let (_place, orders) = orders();
        let mut gates = Gates::new(&orders);
        let mut told = 0;
        for _ in 0..2 * MOST_TOLD {
            hand_in(&orders, "bob");
            told += gates.look().len();
            assert_eq!(gates.look(), [], "what was looked at is not told again");
        }
        assert_eq!(told, MOST_TOLD as usize);
        hand_in(&orders, "ben");
        let by = Actor::person("ben", Some("dba".into()));
        assert_eq!(gates.look(), [RollbackFact::Approved { step: "back/two".into(), by }]);
        assert!(gates.is_open(&orders.rollback.steps[0]) && gates.look().is_empty());
    }

    #[test]
    fn the_asker_s_hand_turns_no_second_key_and_another_s_is_told() {
        let (_place, orders) = orders();
        let mut gates = Gates::new(&orders);
        written_down(&orders, "ben", Some("Bob"));
        let facts = gates.look();
        assert!(matches!(&facts[..], [RollbackFact::ApprovalRefused { why, .. }] if why.contains("own hand")));
        written_down(&orders, "ben", Some("eve"));
        let by = Actor { recorded_by: Some("eve".into()), ..Actor::person("ben", Some("dba".into())) };
        assert_eq!(gates.look(), [RollbackFact::Approved { step: "back/two".into(), by }]);
    }

    #[test]
    fn where_nobody_can_tell_who_asked_there_is_no_second_person() {
        let (_place, orders) = orders();
        fs::remove_file(orders.folder.join("request.json")).expect("gone");
        let mut gates = Gates::new(&orders);
        hand_in(&orders, "ben");
        let facts = gates.look();
        assert!(matches!(&facts[..], [RollbackFact::ApprovalRefused { why, .. }] if why.contains("nobody can tell")));
        assert!(!gates.is_open(&orders.rollback.steps[0]));
    }
}
