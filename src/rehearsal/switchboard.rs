//! What is on, and since when: the target asks it, the engine works it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fault::{Fault, Injection};
use crate::launch::time::{Instant, Mark};
use crate::watch::point::Axis;

/// The faults of one target. Cheap to clone; all clones are the same switchboard.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    board: Arc<Mutex<Board>>,
}

/// A fault with the time it was on, on the launch's axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    pub what: Injection,
    pub from: Instant,
    /// None while it is on.
    pub until: Option<Instant>,
}

#[derive(Default)]
struct Board {
    /// Without their marks.
    on: Vec<Injection>,
    /// As it was asked for last: it outlives its being switched off.
    last: Vec<Injection>,
    /// Those that wait for their mark, in the order they were asked for.
    waiting: Vec<(Mark, Injection)>,
    /// The launch's, where there is one.
    axis: Option<Axis>,
    episodes: Vec<Episode>,
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").field("on", &self.on).field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Faults {
    /// A switchboard with every fault that has no mark on, and the others waiting.
    #[must_use]
    pub fn new(injections: impl IntoIterator<Item = Injection>) -> Self {
        let faults = Self::default();
        for injection in injections {
            faults.inject(injection);
        }
        faults
    }

    /// Whatever is switched from here on has its time on this axis; what is on has been from now.
    pub fn along(&self, axis: Axis) {
        let mut board = self.board();
        let now = axis();
        board.axis = Some(axis);
        board.episodes = board.on.iter().map(|what| Episode { what: what.clone(), from: now, until: None }).collect();
    }

    /// Switches a fault on, or lets it wait for its mark.
    pub fn inject(&self, injection: Injection) {
        let mut board = self.board();
        match injection.from {
            Some(mark) => board.waiting.push((mark, injection)),
            None => board.begin(&injection),
        }
    }

    /// Switches off what was switched on as this.
    pub fn withdraw(&self, injection: &Injection) {
        let what = injection.switched();
        self.board().end(|known| *known == what);
    }

    /// Switches a fault, whatever its size, for all that it concerns.
    pub fn switch(&self, fault: Fault, on: bool) {
        let mut board = self.board();
        if on {
            let last = board.last.iter().find(|known| known.fault == fault).cloned();
            board.begin(&last.unwrap_or_else(|| Injection::of(fault)));
        } else {
            board.end(|known| known.fault == fault);
        }
    }

    /// The marks at which something is still to begin, earliest on the countdown first.
    #[must_use]
    pub fn schedule(&self) -> Vec<(Mark, Fault)> {
        let mut waiting: Vec<_> = self.board().waiting.iter().map(|(mark, what)| (*mark, what.fault)).collect();
        waiting.sort_by_key(|(mark, _)| std::cmp::Reverse(*mark));
        waiting
    }

    /// Switches on everything whose mark is `mark` or lies before it on the countdown; answers what
    /// that was.
    pub fn at(&self, mark: Mark) -> Vec<Fault> {
        let mut board = self.board();
        let (due, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut board.waiting).into_iter().partition(|(begins, _)| *begins >= mark);
        board.waiting = waiting;
        for (_, injection) in &due {
            board.begin(injection);
        }
        due.into_iter().map(|(_, injection)| injection.fault).collect()
    }

    #[must_use]
    pub fn is_on(&self, fault: Fault) -> bool {
        self.board().on.iter().any(|known| known.fault == fault)
    }

    /// What is on now, in the order of [`Fault::ALL`].
    #[must_use]
    pub fn on(&self) -> Vec<Fault> {
        let all: BTreeSet<Fault> = self.board().on.iter().map(|known| known.fault).collect();
        all.into_iter().collect()
    }

    /// What is on of all that concerns what the plan calls `owner`, in the order of [`Fault::ALL`].
    #[must_use]
    pub fn of(&self, owner: &str) -> Vec<Injection> {
        let board = self.board();
        let mut all: Vec<Injection> = board.on.iter().filter(|known| known.concerns(owner)).cloned().collect();
        all.sort_by_key(|known| known.fault);
        all
    }

    /// What is on for everybody.
    #[must_use]
    pub fn of_all(&self) -> Vec<Fault> {
        self.board().on.iter().filter(|known| known.only.is_none()).map(|known| known.fault).collect()
    }

    /// How many of a hundred requests `errors` fails; none where it is off.
    #[must_use]
    pub fn share(&self) -> Option<u8> {
        let board = self.board();
        board.on.iter().find(|known| known.fault == Fault::Errors).map(Injection::percent)
    }

    /// When what was on, oldest first; none before there is an axis.
    #[must_use]
    pub fn episodes(&self) -> Vec<Episode> {
        self.board().episodes.clone()
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn begin(&mut self, injection: &Injection) {
        let what = injection.switched();
        // Of one fault for the same, the newest size counts.
        self.end(|known| known.fault == what.fault && known.only == what.only);
        self.last.retain(|known| known.fault != what.fault);
        self.last.push(what.clone());
        if let Some(axis) = &self.axis {
            self.episodes.push(Episode { what: what.clone(), from: axis(), until: None });
        }
        self.on.push(what);
    }

    fn end(&mut self, which: impl Fn(&Injection) -> bool) {
        self.on.retain(|known| !which(known));
        let Some(axis) = &self.axis else { return };
        let now = axis();
        for episode in self.episodes.iter_mut().filter(|episode| episode.until.is_none() && which(&episode.what)) {
            episode.until = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn injection(text: &str) -> Injection {
        text.parse().expect(text)
    }

    #[test]
    fn a_fault_waits_for_its_mark_and_one_passed_over_still_begins() {
        let faults = Faults::new(["flap@T-5m", "down", "errors=50%@T-10m"].map(injection));
        let mark = |text| Mark::parse(text).expect("a mark");
        assert_eq!(faults.on(), [Fault::Down]);
        assert_eq!(faults.schedule(), [(mark("T-10m"), Fault::Errors), (mark("T-5m"), Fault::Flap)]);
        assert!(faults.at(mark("T-11m")).is_empty());
        assert_eq!(faults.at(mark("T-10m")), [Fault::Errors]);
        assert_eq!(faults.share(), Some(50));
        assert_eq!(faults.at(mark("T+1m")), [Fault::Flap]);
        faults.switch(Fault::Down, false);
        assert_eq!(faults.on(), [Fault::Errors, Fault::Flap]);
        faults.switch(Fault::Errors, false);
        assert_eq!(faults.share(), None);
        faults.switch(Fault::Errors, true);
        assert_eq!(faults.share(), Some(50), "the share asked for is kept");
        assert!(faults.schedule().is_empty());
    }

    #[test]
    fn a_fault_is_on_from_when_it_was_switched_and_for_whom_it_was() {
        let now = Arc::new(AtomicI64::new(5));
        let told = Arc::clone(&now);
        let faults = Faults::new([injection("down:api")]);
        faults.along(Arc::new(move || Instant(told.load(Ordering::SeqCst))));
        now.store(10, Ordering::SeqCst);
        faults.inject(injection("errors=60%"));
        now.store(20, Ordering::SeqCst);
        faults.inject(injection("errors=5%:api"));
        faults.withdraw(&injection("errors=60%@T-5m..T-1m"));
        let told: Vec<_> = faults.episodes().iter().map(|one| (one.what.to_string(), one.from.0, one.until)).collect();
        let wanted = [("down:api", 5, None), ("errors=60%", 10, Some(Instant(20))), ("errors=5%:api", 20, None)];
        assert_eq!(told, wanted.map(|(what, from, until)| (what.to_owned(), from, until)));
        assert_eq!(faults.of("monitor.api").len(), 2);
        assert!(faults.of("monitor.web").is_empty() && faults.of_all().is_empty());
    }
}
