//! Reads a launch back: each record is folded as it comes and let go, so that a long journal costs no
//! more memory than its board.

use std::path::Path;
use std::sync::Arc;

use anyhow::{anyhow, bail};

use super::plans::Plans;
use crate::base::text::printable;
use crate::journal::store::StoreError;
use crate::journal::{self, LaunchFolder, LeaseError, OpenError, Opened, Purpose, TookOver};
use crate::launch::board::Board;
use crate::launch::event::{Event, Recorded, RollbackFact};
use crate::launch::id::ItemId;
use crate::launch::verdict::Verdict;
use crate::watch::{self, kept::Vouched};

/// A launch as its journal tells it.
pub struct Told {
    pub board: Board,
    /// The steps that succeeded, in the order they ended: what a new simulated target takes over.
    pub done: Vec<ItemId>,
    /// The hash of the plan it was opened with; none in a new launch.
    pub plan_hash: Option<String>,
    /// The target it was opened for.
    pub target: Option<String>,
    /// What it vouches for of the samples that a window may still need.
    pub vouched: Vouched,
}

impl Told {
    #[must_use]
    pub fn new(plans: &Plans) -> Self {
        let vouched = Vouched::lately(watch::horizon(&plans.newest));
        Self { board: plans.board(), done: Vec::new(), plan_hash: None, target: None, vouched }
    }

    pub fn take(&mut self, record: Recorded) {
        match &record.event {
            Event::LaunchOpened { plan_hash, target, .. } if record.seq == 1 => {
                self.plan_hash = Some(plan_hash.clone());
                self.target.clone_from(target);
            }
            Event::StepEnded { item: step, verdict: Verdict::Pass, .. }
            // By a person's word too.
            | Event::StepMarked { item: step, passed: true, .. }
            | Event::RollbackTold { fact: RollbackFact::StepEnded { step, verdict: Verdict::Pass, .. }, .. } => {
                self.done.push(step.clone());
            }
            Event::RollbackTold { fact: RollbackFact::FallbackEnded { step, verdict: Verdict::Pass, .. }, .. } => {
                let step = self.board.plan.rollback_step(step).and_then(|(_, step)| step.fallback.as_ref());
                self.done.extend(step.map(|fallback| fallback.id.clone()));
            }
            Event::SamplesKept { minute, blocks } => self.vouched.take(*minute, blocks),
            _ => {}
        }
        self.board.take(Arc::new(record));
    }

    /// The last record; none in a new launch.
    #[must_use]
    pub fn last(&self) -> Option<&Recorded> {
        self.board.recent.back().map(AsRef::as_ref)
    }

    /// # Errors
    /// The plans in `folder` are not those the launch went by: they would fold to another board.
    pub fn same_plan(&self, folder: &LaunchFolder) -> anyhow::Result<()> {
        let revisions = &self.board.revisions;
        if self.plan_hash.as_ref().is_some_and(|hash| *hash != revisions.opened_with) {
            let first = folder.revision(1);
            let file = if first.exists() || revisions.number > 1 { first } else { folder.plan() };
            bail!("{} is not the plan this launch was opened with: put the frozen copy back", file.display())
        }
        if self.plan_hash.is_some() && self.target != self.board.plan.target {
            let (file, named) = (folder.launch(), self.target.as_deref().unwrap_or("no target"));
            bail!("{} names another target than the launch was opened for: {}", file.display(), printable(named))
        }
        if revisions.missing.is_some() {
            let file = folder.revision(revisions.number);
            bail!("{} is not the plan this launch was amended to: put it back", file.display())
        }
        Ok(())
    }
}

/// Opens the journal in `folder` and folds it over `plans`. Blocks.
///
/// # Errors
/// As [`journal::open_each`], or the plans are others than the launch's.
pub fn reopen(folder: &LaunchFolder, plans: &Plans, purpose: Purpose) -> anyhow::Result<(Opened, Told)> {
    if matches!(purpose, Purpose::TakeOver(_)) {
        // Nobody is stopped for a launch that is then not gone on with.
        let mut first = Told::new(plans);
        journal::first(folder).into_iter().for_each(|record| first.take(record));
        first.same_plan(folder)?;
    }
    let mut told = Told::new(plans);
    let opened = journal::open_each(folder, purpose, &mut |record| told.take(record))
        .map_err(|wrong| advised(wrong, folder.path()))?;
    told.same_plan(folder)?;
    if told.last().is_some() && told.board.plan.hash != plans.newest.hash {
        bail!("the plan of this launch was amended just now: try again");
    }
    Ok((opened, told))
}

/// What can still be done with a launch whose journal cannot be acted on.
fn advised(wrong: OpenError, folder: &Path) -> anyhow::Error {
    let (half_way, cause) = match &wrong {
        OpenError::HalfWay { why, .. } => (true, &**why),
        whole => (false, whole),
    };
    let (unfit, still) = match cause {
        OpenError::Broken(_)
        | OpenError::Undecodable { .. }
        | OpenError::Store { why: StoreError::NoJournal(_) | StoreError::NewerLayout(_), .. } => {
            (true, "nothing was changed, and no console acts on it. ")
        }
        OpenError::Store { .. } | OpenError::File { .. } | OpenError::Lease(LeaseError::Failed(_)) => {
            (LaunchFolder::began(folder), "this console does not act. ")
        }
        _ => (half_way, ""),
    };
    if !unfit {
        return wrong.into();
    }
    let busy = match cause {
        OpenError::Store { path, why: StoreError::Busy } => format!(
            "\n  `fuser -v {}` names the process in the way; `--take-over` ends it, where the launch was taken over \
             from it before",
            printable(&path.display().to_string())
        ),
        _ => String::new(),
    };
    let still = if half_way { "" } else { still };
    anyhow!("{wrong}\n  {still}{}{busy}", ways_out(folder))
}

/// What works without a console.
pub fn ways_out(folder: &Path) -> String {
    let launch = printable(&folder.display().to_string());
    format!(
        "What can be done:\n  \
         `tminus verify {launch}` says all that is wrong\n  \
         `tminus log {launch}` and `tminus watch {launch}` show what can be read\n  \
         `tminus rollback {launch} ID` rolls back: it does not need the journal"
    )
}

/// Why a launch that was opened before could not be gone on with, once its journal was open.
#[must_use]
pub fn stranded(why: &anyhow::Error, took: Option<&TookOver>, folder: &Path) -> anyhow::Error {
    let neither = took.map(|took| format!("; {}", took.neither())).unwrap_or_default();
    anyhow!("{why:#}{neither}\n  {}", ways_out(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Draft, Durable, Holder};
    use crate::launch::board::RECENT_KEPT;
    use crate::launch::event::Actor;
    use crate::launch::plan::Plan;
    use crate::launch::time::{Instant, Now};
    use crate::plan::{Environment, Options};
    use crate::{base, clock, plan};

    fn bundled() -> Arc<Plan> {
        let source = base::source::Source::new("omniai.toml", include_str!("../../config/omniai.toml"));
        let options = Options { rehearsal: true, ..Options::default() };
        Arc::new(plan::load(source, &Environment::of_process(), &options).expect("sound").plan)
    }

    fn only(plan: &Arc<Plan>) -> Plans {
        Plans { earlier: Vec::new(), newest: Arc::clone(plan) }
    }

    fn events(plan: &Plan) -> Vec<Event> {
        let outcome = crate::launch::verdict::Outcome { exit: Some(0), ..Default::default() };
        let opened = Event::LaunchOpened {
            plan: plan.id.clone(),
            plan_hash: plan.hash.clone(),
            mode: crate::launch::event::Mode::Rehearsal,
            start: plan.start(clock::wall()),
            release: plan.release.clone(),
            target: None,
        };
        let ended = |step: &str, verdict| Event::StepEnded {
            item: step.into(),
            attempt: crate::launch::id::Attempt(1),
            verdict,
            outcome: outcome.clone(),
        };
        let told = |step: &str| Event::RollbackTold {
            run: 1,
            fact: RollbackFact::StepEnded { step: step.into(), verdict: Verdict::Pass, outcome: outcome.clone() },
        };
        let notes = (0..700).map(|n| Event::noted(format!("note {n}")));
        [opened]
            .into_iter()
            .chain(notes)
            .chain([ended("cut", Verdict::Pass), ended("other", Verdict::Fail), told("frontend/redeploy")])
            .chain([Event::ConsoleLeft])
            .collect()
    }

    #[tokio::test]
    async fn a_launch_read_back_is_the_board_of_all_its_records() {
        let (place, plan) = (tempfile::tempdir().expect("a folder"), bundled());
        let folder = LaunchFolder::create(place.path().join("launch")).expect("made");
        let ann = || Purpose::Act(Holder::here("ann", clock::wall()));
        let (opened, told) = reopen(&folder, &only(&plan), ann()).expect("opens");
        assert!(told.last().is_none() && told.plan_hash.is_none() && told.done.is_empty());
        let journal = opened.journal.expect("to act");
        let now = |n| Now { instant: Instant(n), wall: clock::wall() };
        let drafts = (0..).zip(events(&plan)).map(|(n, event)| Draft::now(now(n), Actor::engine(), event)).collect();
        let records = journal.append(drafts, Durable::Synced).await.expect("appends");
        journal.close().await;

        let (opened, told) = reopen(&folder, &only(&plan), ann()).expect("opens");
        assert_eq!(told.board, Board::replay(Arc::clone(&plan), &records));
        assert_eq!(told.last(), records.last());
        assert_eq!(told.board.recent.len(), RECENT_KEPT, "of a long journal the newest are kept, no more");
        assert_eq!(told.done, [ItemId::new("cut"), ItemId::new("frontend/redeploy")]);
        assert!(opened.records.is_empty(), "the records are not kept");
        opened.journal.expect("to act").close().await;

        let other = Arc::new(Plan { hash: "another".into(), ..Plan::clone(&plan) });
        let refused = reopen(&folder, &only(&other), Purpose::Read).err().expect("another plan").to_string();
        assert!(refused.contains("put the frozen copy back"), "{refused}");

        let (opened, _) = reopen(&folder, &only(&plan), ann()).expect("opens");
        let journal = opened.journal.expect("to act");
        let bob = Purpose::TakeOver(Holder::here("bob", clock::wall()));
        let refused = reopen(&folder, &only(&other), bob).err().expect("another plan").to_string();
        assert!(refused.contains("put the frozen copy back"), "{refused}");
        assert_eq!(journal.taken_over(), None, "nobody is stopped for it");
    }

    #[test]
    fn a_disk_that_fails_leaves_the_ways_that_need_no_journal() {
        let place = tempfile::tempdir().expect("a folder");
        let path = || place.path().join("journal.db");
        let store = |why| OpenError::Store { path: path(), why };
        let file = || OpenError::File { path: path(), why: std::io::ErrorKind::StorageFull.into() };
        let took = || TookOver { from: Some(Holder::here("ann", clock::wall())), ended: None };
        let wrongs = || {
            [
                store(StoreError::Full),
                store(StoreError::NotSynced("EIO".into())),
                store(StoreError::Failed("EIO".into())),
                store(StoreError::Busy),
                file(),
                OpenError::Lease(LeaseError::Failed(std::io::ErrorKind::StorageFull.into())),
                OpenError::HalfWay { why: Box::new(file()), took: Box::new(took()) },
            ]
        };
        let rollback = format!("`tminus rollback {} ID` rolls back", place.path().display());
        for wrong in wrongs().into_iter().take(6) {
            let told = advised(wrong, place.path()).to_string();
            assert!(!told.contains("rollback"), "there is nothing to go back from: {told}");
        }
        for name in ["launch.json", "journal.db"] {
            std::fs::write(place.path().join(name), "").expect("written");
        }
        for wrong in wrongs() {
            let (busy, said) = (matches!(wrong, OpenError::Store { why: StoreError::Busy, .. }), wrong.to_string());
            let told = advised(wrong, place.path()).to_string();
            assert!(told.starts_with(&said) && told.contains(&rollback), "{told}");
            assert_eq!(told.contains(&format!("`fuser -v {}`", path().display())), busy, "{told}");
        }
        let held = OpenError::Lease(LeaseError::Held(None));
        assert!(advised(held, place.path()).downcast_ref::<OpenError>().is_some(), "it is told what to do elsewhere");
        let told = stranded(&anyhow!("no"), Some(&took()), place.path()).to_string();
        assert!(told.starts_with("no; the console of ann (process ") && told.contains(&rollback), "{told}");
    }
}
