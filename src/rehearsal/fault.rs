//! Faults by name (`errors=20%@T-5m`), and the switchboard that the target asks and the engine works.
//! What a fault does to an answer is in `reply` and `world`; here is only what there is and what is on.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::source::nearest;
use crate::launch::time::Mark;

/// One way in which the simulated target misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    Down,
    Slow,
    Errors,
    Flap,
    BadJson,
    WrongStatus,
    CorsOpen,
    StreamStalls,
    StreamDrops,
    StreamNeverEnds,
    CsrfRotates,
    Reset,
    RollbackLies,
}

/// A fault as the command line or a key asks for it: `NAME[=ARG][@MARK]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injection {
    pub fault: Fault,
    /// For `errors`: how many requests of a hundred fail, 1 to 100.
    pub percent: u8,
    /// When it begins; none is from the start.
    pub from: Option<Mark>,
}

/// Why a text is no fault, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoFault {
    #[error("there is no fault `{name}`{}", .near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default())]
    Name { name: String, near: Option<&'static str> },
    #[error("`{0}` takes no argument")]
    NoArgument(&'static str),
    #[error("`errors={0}` needs a share from 1% to 100%")]
    Share(String),
    #[error("{0}")]
    Mark(String),
}

/// What is on. Cheap to clone; all clones are the same switchboard.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    board: Arc<Mutex<Board>>,
}

#[derive(Debug)]
struct Board {
    on: BTreeSet<Fault>,
    /// Of `errors`, as asked for last; it outlives its being switched off.
    percent: u8,
    /// Those that wait for their mark, in the order they were asked for.
    waiting: Vec<(Mark, Injection)>,
}

/// The share of `errors` where none is said.
const SHARE: u8 = 20;

impl Fault {
    /// Every fault, its name, and what it does, in one sentence.
    pub const ALL: [(Self, &'static str, &'static str); 13] = [
        (Self::Down, "down", "every connection is reset before a byte of an answer"),
        (
            Self::Slow,
            "slow",
            "every answer comes later than its item allows, or a quarter of a second late where it allows anything",
        ),
        (
            Self::Errors,
            "errors",
            "a share of the requests is answered 500; `errors=20%` is every fifth of each request",
        ),
        (Self::Flap, "flap", "each request is reset and answered by turns, beginning with a reset"),
        (
            Self::BadJson,
            "bad-json",
            "JSON answers break off in the middle, so that they do not parse; streams are left alone",
        ),
        (Self::WrongStatus, "wrong-status", "every answer keeps its head and body but says status 500"),
        (Self::CorsOpen, "cors-open", "an origin that must be denied is answered as an allowed one"),
        (Self::StreamStalls, "stream-stalls", "a stream falls silent after its first event and stays open"),
        (Self::StreamDrops, "stream-drops", "a stream's connection breaks off before its last event"),
        (
            Self::StreamNeverEnds,
            "stream-never-ends",
            "a stream never says its last event: the ones before it come over and over",
        ),
        (Self::CsrfRotates, "csrf-rotates", "a token handed out has changed before it comes back in a header"),
        (Self::Reset, "reset", "every connection is reset in the middle of the answer's head"),
        (Self::RollbackLies, "rollback-lies", "a rollback's step says exit 0 and changes nothing"),
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(fault, ..)| *fault == self).map_or("", |(_, name, _)| name)
    }

    /// What it does, in one sentence without a full stop.
    #[must_use]
    pub fn line(self) -> &'static str {
        Self::ALL.iter().find(|(fault, ..)| *fault == self).map_or("", |(.., line)| line)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Fault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let all = Self::ALL.iter();
        all.clone().find(|(_, name, _)| *name == text).map(|(fault, ..)| *fault).ok_or_else(|| NoFault::Name {
            name: text.to_owned(),
            near: nearest(text, Self::ALL.iter().map(|(_, name, _)| *name)),
        })
    }
}

impl FromStr for Injection {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let (what, from) = match text.split_once('@') {
            Some((what, mark)) => (what, Some(Mark::parse(mark).map_err(NoFault::Mark)?)),
            None => (text, None),
        };
        let (name, argument) = match what.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (what, None),
        };
        let fault: Fault = name.parse()?;
        let percent = match argument {
            None => SHARE,
            Some(_) if fault != Fault::Errors => return Err(NoFault::NoArgument(fault.name())),
            Some(share) => share
                .strip_suffix('%')
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok())
                .filter(|percent| (1..=100).contains(percent))
                .ok_or_else(|| NoFault::Share(share.to_owned()))?,
        };
        Ok(Self { fault, percent, from })
    }
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault.name())?;
        if self.fault == Fault::Errors {
            write!(f, "={}%", self.percent)?;
        }
        self.from.map_or(Ok(()), |mark| write!(f, "@{mark}"))
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

    /// Switches a fault on, or lets it wait for its mark.
    pub fn inject(&self, injection: Injection) {
        let mut board = self.board();
        match injection.from {
            Some(mark) => board.waiting.push((mark, injection)),
            None => board.begin(injection),
        }
    }

    pub fn switch(&self, fault: Fault, on: bool) {
        let mut board = self.board();
        match on {
            true => {
                board.on.insert(fault);
            }
            false => {
                board.on.remove(&fault);
            }
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
            board.begin(*injection);
        }
        due.into_iter().map(|(_, injection)| injection.fault).collect()
    }

    #[must_use]
    pub fn is_on(&self, fault: Fault) -> bool {
        self.board().on.contains(&fault)
    }

    /// What is on now, in the order of [`Fault::ALL`].
    #[must_use]
    pub fn on(&self) -> Vec<Fault> {
        self.board().on.iter().copied().collect()
    }

    /// How many of a hundred requests `errors` fails; none where it is off.
    #[must_use]
    pub fn share(&self) -> Option<u8> {
        let board = self.board();
        board.on.contains(&Fault::Errors).then_some(board.percent)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Board {
    fn default() -> Self {
        Self { on: BTreeSet::new(), percent: SHARE, waiting: Vec::new() }
    }
}

impl Board {
    fn begin(&mut self, injection: Injection) {
        if injection.fault == Fault::Errors {
            self.percent = injection.percent;
        }
        self.on.insert(injection.fault);
    }
}

/// Whether the `count`th request (from 0) is among `percent` of a hundred, spread evenly: at 20% the
/// fifth, the tenth and so on.
#[must_use]
pub(super) fn falls_on(count: u64, percent: u8) -> bool {
    let before = |n: u64| u128::from(n) * u128::from(percent) / 100;
    before(count) < before(count.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn injection(text: &str) -> Injection {
        text.parse().expect(text)
    }

    #[test]
    fn a_fault_reads_its_argument_and_its_mark() {
        let mark = |text| Some(Mark::parse(text).expect("a mark"));
        assert_eq!(injection("down"), Injection { fault: Fault::Down, percent: 20, from: None });
        assert_eq!(injection("errors=35%@T-5m"), Injection { fault: Fault::Errors, percent: 35, from: mark("T-5m") });
        assert_eq!(injection("rollback-lies@T+30m").from, mark("T+30m"));
    }

    #[test]
    fn what_is_no_fault_is_told_with_the_nearest_name() {
        let wrong = |text: &str| text.parse::<Injection>().expect_err(text).to_string();
        assert_eq!(wrong("slwo"), "there is no fault `slwo`: did you mean `slow`?");
        assert_eq!(wrong("banana-split"), "there is no fault `banana-split`");
        assert_eq!(wrong("down=1"), "`down` takes no argument");
        for text in ["errors=0%", "errors=101%", "errors=20", "errors=%", "errors=+5%"] {
            assert!(wrong(text).contains("from 1% to 100%"), "{text}");
        }
        assert!(wrong("down@noon").contains("T-2h"));
    }

    #[test]
    fn every_name_is_listed_once_in_the_order_of_the_faults_and_reads_back() {
        for (at, (fault, name, line)) in Fault::ALL.iter().enumerate() {
            assert_eq!(*fault as usize, at, "{name}");
            assert_eq!(name.parse(), Ok(*fault));
            assert!(!line.is_empty() && !line.ends_with('.'), "{name}");
        }
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

    proptest! {
        #[test]
        fn any_text_is_a_fault_or_a_sentence(text in "\\PC{0,24}|(errors|down|flap)?=?[0-9%]{0,5}@?T?[-+]?[0-9a-z]{0,4}") {
            if let Ok(read) = text.parse::<Injection>() {
                prop_assert_eq!(read.to_string().parse::<Injection>(), Ok(read));
            }
        }

        #[test]
        fn a_share_is_exact_over_every_hundred(percent in 1u8..=100, start in 0u64..1000) {
            let hit = (start * 100..start * 100 + 100).filter(|count| falls_on(*count, percent)).count();
            prop_assert_eq!(hit, usize::from(percent));
        }
    }
}
