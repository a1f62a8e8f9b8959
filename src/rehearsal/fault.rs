//! Faults by name: `errors=20%@T-5m..T+10m:api` is what, how much, when, and whom alone it concerns. What a fault does
//! to an answer is in `reply` and `world`, what it does to numbers in `traffic`; what is on is the `switchboard`'s.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::base::source::nearest;
use crate::launch::time::{Mark, millis};

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
    Latency,
    NoData,
    CounterReset,
    ClockSkew,
    StickyUsers,
    Fail,
}

/// A fault as the command line or a key asks for it: `NAME[=SIZE][@FROM[..UNTIL]][:ID]`; UNTIL is a mark, or
/// `rollback`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    pub fault: Fault,
    pub size: Size,
    /// When it begins; none is from the start.
    pub from: Option<Mark>,
    /// When it is over; none is never.
    pub until: Option<Mark>,
    /// It is over once a rollback's steps have run: what is taken back was its cause.
    pub cured: bool,
    /// The one item, monitor, signal or stream that it concerns; none is all of them.
    pub only: Option<String>,
}

/// How much of a fault there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// All of it.
    Whole,
    /// So many of a hundred, 1 to 100.
    Share(u8),
    /// Milliseconds; of a clock, below zero where it is behind.
    Span(i64),
}

/// Why a text is no fault, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoFault {
    #[error("there is no fault `{name}`{}", .near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default())]
    Name { name: String, near: Option<&'static str> },
    #[error("`{0}` takes no argument")]
    NoArgument(&'static str),
    #[error("`{0}={1}` needs a share from 1% to 100%")]
    Share(&'static str, String),
    #[error("`{0}={1}` needs a span of time, as `{example}`", example = Self::span(.0))]
    Span(&'static str, String),
    #[error("{0}")]
    Mark(String),
    #[error("`{0}` ends before it begins")]
    Backwards(String),
    #[error("`{0}` ends with the id of the one thing that it concerns: `errors=60%@T+10m:api`")]
    Nobody(String),
    #[error("`fail` is of one item, monitor, criterion or step of a rollback, whose id it ends with: `fail@T-2h:lint`")]
    Whose,
}

impl NoFault {
    fn span(name: &str) -> &'static str {
        if name == Fault::ClockSkew.name() { "clock-skew=-5m" } else { "latency=2s" }
    }
}

/// In the place of the mark that ends a fault.
const ROLLBACK: &str = "rollback";

/// A fault lasts for so long at most, in milliseconds: a year.
const LONGEST: i64 = 365 * 86_400_000;

impl Fault {
    /// Every fault, its name, and what it does, in one sentence.
    pub const ALL: [(Self, &'static str, &'static str); 19] = [
        (Self::Down, "down", "every connection is reset before a byte of an answer"),
        (
            Self::Slow,
            "slow",
            "every answer comes later than its item allows, or a quarter of a second late where it allows anything",
        ),
        (
            Self::Errors,
            "errors",
            "a share of the requests is answered 500; `errors=20%` is every fifth of each request. What signals count \
             and streams tell has the same share of errors",
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
        (
            Self::Latency,
            "latency",
            "every answer comes so much later, and every time that a signal tells is so much longer",
        ),
        (
            Self::NoData,
            "no-data",
            "signals are answered without a number, alerts without a rule, and streams of lines fall silent",
        ),
        (
            Self::CounterReset,
            "counter-reset",
            "every counter falls to 0 once, as of processes that were started anew, and grows on from there",
        ),
        (
            Self::ClockSkew,
            "clock-skew",
            "the target's clock is wrong: its answers and its samples are dated so much too early, or too late",
        ),
        (
            Self::StickyUsers,
            "sticky-users",
            "what steps undo takes only a part of the users along: signals tell of the others as if nothing had changed",
        ),
        (
            Self::Fail,
            "fail",
            "one item, named as in `fail:lint`, is told its first example that gives `fail`, and so is whoever asks the same; a \
             step or a program without one exits 1, a person of the scripted crew says no",
        ),
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(fault, ..)| *fault == self).map_or("", |(_, name, _)| name)
    }

    /// How much of it there is where nobody says; what kind of size it has.
    #[must_use]
    pub fn size(self) -> Size {
        match self {
            Self::Errors | Self::StickyUsers => Size::Share(20),
            Self::Latency => Size::Span(2_000),
            Self::ClockSkew => Size::Span(-300_000),
            _ => Size::Whole,
        }
    }

    fn sized(self, text: &str) -> Result<Size, NoFault> {
        match self.size() {
            Size::Whole => Err(NoFault::NoArgument(self.name())),
            Size::Share(_) => text
                .strip_suffix('%')
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok())
                .filter(|percent| (1..=100).contains(percent))
                .map(Size::Share)
                .ok_or_else(|| NoFault::Share(self.name(), text.to_owned())),
            Size::Span(_) => {
                let (sign, span) = match (self, text.strip_prefix('-'), text.strip_prefix('+')) {
                    (Self::ClockSkew, Some(span), _) => (-1, span),
                    (Self::ClockSkew, _, Some(span)) => (1, span),
                    _ => (1, text),
                };
                let span = humantime::parse_duration(span).map(millis).ok();
                let span = span.filter(|span| (1..=LONGEST).contains(span));
                span.map(|span| Size::Span(sign * span)).ok_or_else(|| NoFault::Span(self.name(), text.to_owned()))
            }
        }
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

impl Injection {
    /// The fault alone, as large as it is where nobody says.
    #[must_use]
    pub fn of(fault: Fault) -> Self {
        Self { fault, size: fault.size(), from: None, until: None, cured: false, only: None }
    }

    /// The same without its marks: as it is switched on and off.
    #[must_use]
    pub fn switched(&self) -> Self {
        Self { from: None, until: None, cured: false, ..self.clone() }
    }

    /// Whether it concerns what the plan calls `owner`: `monitor.api`, `signal.errors`, an item's id.
    #[must_use]
    pub fn concerns(&self, owner: &str) -> bool {
        let Some(only) = &self.only else { return true };
        let bare = ["monitor.", "signal.", "stream."].iter().find_map(|family| owner.strip_prefix(family));
        // Of several rows of one item, all.
        let item = owner.split_once('[').map(|(item, _)| item);
        only == owner || bare == Some(only.as_str()) || item == Some(only.as_str())
    }

    /// Of `errors` and `sticky-users`: how many of a hundred.
    #[must_use]
    pub fn percent(&self) -> u8 {
        if let Size::Share(percent) = self.size { percent } else { 0 }
    }

    /// Of `latency` and `clock-skew`: milliseconds, of a clock that is behind below zero.
    #[must_use]
    pub fn millis(&self) -> i64 {
        if let Size::Span(millis) = self.size { millis } else { 0 }
    }
}

impl FromStr for Injection {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        // Neither a size nor a mark has a colon; an id may.
        let (rest, only) = match text.split_once(':') {
            Some((_, "")) => return Err(NoFault::Nobody(text.to_owned())),
            Some((rest, only)) => (rest, Some(only.to_owned())),
            None => (text, None),
        };
        let mark = |mark: &str| Mark::parse(mark).map_err(NoFault::Mark);
        let (what, from, until, cured) = match rest.split_once('@') {
            Some((what, marks)) => match marks.split_once("..") {
                Some((from, ROLLBACK)) => (what, Some(mark(from)?), None, true),
                Some((from, until)) => (what, Some(mark(from)?), Some(mark(until)?), false),
                None => (what, Some(mark(marks)?), None, false),
            },
            None => (rest, None, None, false),
        };
        if from.zip(until).is_some_and(|(from, until)| until >= from) {
            return Err(NoFault::Backwards(text.to_owned()));
        }
        let (name, argument) = match what.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (what, None),
        };
        let fault: Fault = name.parse()?;
        let size = argument.map_or(Ok(fault.size()), |argument| fault.sized(argument))?;
        if fault == Fault::Fail && only.is_none() {
            return Err(NoFault::Whose);
        }
        Ok(Self { fault, size, from, until, cured, only })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Share(percent) => write!(f, "={percent}%"),
            Self::Span(millis) => {
                let span = humantime::format_duration(Duration::from_millis(millis.unsigned_abs())).to_string();
                write!(f, "={}{}", if *millis < 0 { "-" } else { "" }, span.replace(' ', ""))
            }
        }
    }
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.fault.name(), self.size)?;
        if let Some(from) = self.from {
            write!(f, "@{from}")?;
        }
        if let Some(until) = self.until {
            write!(f, "..{until}")?;
        } else if self.cured {
            write!(f, "..{ROLLBACK}")?;
        }
        self.only.as_ref().map_or(Ok(()), |only| write!(f, ":{only}"))
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
        assert_eq!(injection("down"), Injection::of(Fault::Down));
        let errors = Injection { size: Size::Share(35), from: mark("T-5m"), ..Injection::of(Fault::Errors) };
        assert_eq!(injection("errors=35%@T-5m"), errors);
        assert_eq!(injection("rollback-lies@T+30m").from, mark("T+30m"));
        let window = Injection { until: mark("T+10m"), only: Some("web[https://a.example]".into()), ..errors };
        assert_eq!(injection("errors=35%@T-5m..T+10m:web[https://a.example]"), window);
        let cured = Injection { until: None, cured: true, only: None, ..window };
        assert_eq!(injection("errors=35%@T-5m..rollback"), cured);
        assert_eq!(cured.switched(), Injection { from: None, cured: false, ..cured });
        assert_eq!(injection("latency").size, Size::Span(2_000));
        assert_eq!(injection("clock-skew=+1h").size, Size::Span(3_600_000));
        assert_eq!(injection("clock-skew").to_string(), "clock-skew=-5m");
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
        assert!(wrong("down@T-5m..T-9m").contains("before it begins"));
        assert!(wrong("down@T-5m..T-5m").contains("before it begins"));
        assert!(wrong("down:").contains("the id of the one"));
        assert!(wrong("fail@T-2h").contains("`fail@T-2h:lint`"));
        assert!(wrong("fail=20%:lint").contains("takes no argument"));
        for text in ["latency=5", "latency=-5s", "latency=0s", "clock-skew=--5m", "latency=900y"] {
            assert!(wrong(text).contains("a span of time"), "{text}");
        }
    }

    #[test]
    fn every_name_is_listed_once_in_the_order_of_the_faults_and_reads_back() {
        for (at, (fault, name, line)) in Fault::ALL.iter().enumerate() {
            assert_eq!(*fault as usize, at, "{name}");
            assert_eq!(name.parse(), Ok(*fault));
            assert!(!line.is_empty() && !line.ends_with('.'), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_fault_or_a_sentence(text in "\\PC{0,24}|(errors|down|latency|clock-skew)?=?[-0-9%ms]{0,5}@?T?[-+]?[0-9a-z]{0,4}(..T[-+][0-9]{1,2}m|..rollback)?(:[a-z:]{0,3})?") {
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
