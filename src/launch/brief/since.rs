//! Since when a brief tells, and what happened from there on. Both are folds, so that a long journal costs
//! no more memory than the brief.

use std::collections::{BTreeMap, VecDeque};

use super::{Line, Part, Tone};
use crate::launch::event::{Event, Recorded, RollbackEnd, RollbackFact, Vote};
use crate::launch::people::is_same;
use crate::launch::telling::tell;
use crate::launch::time::Wall;
use crate::launch::turned;
use crate::launch::verdict::Verdict;

/// Lines of one part; what is older is counted.
const LINES_AT_MOST: usize = 50;

/// From when on a brief is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// The last record of this person, coming back aside; else the last time a console was left.
    Own(String),
    /// The last time a console was left.
    Left,
    At(Wall),
    /// After this record.
    Record(u64),
    Opening,
}

/// Where a brief begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// What was recorded after this is told.
    pub after: u64,
    at: Option<Wall>,
    why: String,
}

/// Finds where a brief begins, fed with every record there is.
#[derive(Debug)]
pub struct Finder {
    wanted: Since,
    own: Option<(u64, Wall)>,
    left: Option<(u64, Wall)>,
    before: Option<(u64, Wall)>,
    /// The first record that was fed.
    first: Option<(u64, Wall)>,
}

impl Finder {
    #[must_use]
    pub fn new(wanted: Since) -> Self {
        Self { wanted, own: None, left: None, before: None, first: None }
    }

    pub fn take(&mut self, record: &Recorded) {
        let place = Some((record.seq, record.recorded_at));
        self.first = self.first.or(place);
        if record.event == Event::ConsoleLeft {
            self.left = place;
        }
        // Whoever comes back has not acted yet.
        let back = matches!(record.event, Event::ConsoleReturned { .. } | Event::TookOver { .. });
        match &self.wanted {
            Since::Own(name) if !back && is_same(name, &record.actor.name) => self.own = place,
            Since::At(wall) if record.recorded_at <= *wall => self.before = place,
            Since::Record(seq) if record.seq <= *seq => self.before = place,
            _ => {}
        }
    }

    #[must_use]
    pub fn begin(self) -> Begin {
        let of = |(seq, at): (u64, Wall), why: String| Begin { after: seq, at: Some(at), why };
        let left = self.left.map(|left| of(left, format!("a console was left, record {}", left.0)));
        let opening = match self.first {
            // Not all of it is at hand.
            Some((seq, at)) if seq > 1 => Begin {
                after: seq - 1,
                at: Some(at),
                why: format!("record {seq}, the oldest at hand here; `tminus brief` reads the whole journal"),
            },
            first => Begin { after: 0, at: first.map(|(_, at)| at), why: "the launch was opened".into() },
        };
        match self.wanted {
            Since::Own(name) => self
                .own
                .map(|own| of(own, format!("the last act of {}, record {}", name.trim(), own.0)))
                .or(left)
                .unwrap_or(opening),
            Since::Left => left.unwrap_or(opening),
            Since::At(at) => {
                Begin { after: self.before.map_or(0, |(seq, _)| seq), at: Some(at), why: "as asked".into() }
            }
            Since::Record(seq) => {
                Begin { after: seq, at: self.before.map(|(_, at)| at), why: format!("record {seq}, as asked") }
            }
            Since::Opening => opening,
        }
    }
}

impl Begin {
    pub(super) fn head(&self, count: u64, face: &dyn Fn(Wall) -> String) -> String {
        let at = self.at.map(|at| format!("{}, ", face(at))).unwrap_or_default();
        let records = if count == 1 { "1 record".to_owned() } else { format!("{count} records") };
        format!("since {at}{}: {records}", self.why)
    }
}

/// The parts of what happened, in the order they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Rollbacks,
    Incidents,
    Countdown,
    Steps,
    Votes,
    Words,
    Notes,
    Consoles,
}

impl Group {
    fn title(self) -> &'static str {
        match self {
            Self::Rollbacks => "Rollbacks",
            Self::Incidents => "Incidents",
            Self::Countdown => "Countdown, holds and gates",
            Self::Steps => "Steps",
            Self::Votes => "Votes",
            Self::Words => "The crew's words",
            Self::Notes => "Notes",
            Self::Consoles => "Consoles",
        }
    }
}

/// A verdict before and after.
#[derive(Debug, Default)]
struct Turned {
    before: Option<Verdict>,
    last: Option<(Verdict, Wall, String)>,
}

/// The newest of one part, and how many came before them.
#[derive(Debug, Default)]
struct Told {
    dropped: u64,
    lines: VecDeque<(Wall, Tone, String)>,
}

/// What happened after a record, fed with every record there is.
#[derive(Debug)]
pub struct Happened {
    after: u64,
    count: u64,
    turned: BTreeMap<String, Turned>,
    told: BTreeMap<Group, Told>,
}

impl Happened {
    #[must_use]
    pub fn after(begin: &Begin) -> Self {
        Self { after: begin.after, count: 0, turned: BTreeMap::new(), told: BTreeMap::new() }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub fn take(&mut self, record: &Recorded) {
        let now = record.seq > self.after;
        self.count += u64::from(now);
        if let Some((name, verdict, why)) = verdict(&record.event) {
            let turned = self.turned.entry(name).or_default();
            if now {
                turned.last = Some((verdict, record.occurred_at, why));
            } else {
                turned.before = Some(verdict);
            }
        }
        if let (true, Some((group, tone))) = (now, group(&record.event)) {
            let Told { dropped, lines } = self.told.entry(group).or_default();
            if lines.len() == LINES_AT_MOST {
                lines.pop_front();
                *dropped += 1;
            }
            lines.push_back((record.occurred_at, tone, tell(record)));
        }
    }

    /// Takes in when objectives turned: their records hold counts, the board the verdicts.
    pub(super) fn turned(&mut self, turns: &turned::Turned) {
        for turn in turns.iter() {
            let turned = self.turned.entry(format!("objective {}", turn.objective)).or_default();
            if turn.seq > self.after {
                turned.before = turned.before.or(turn.before);
                turned.last = Some((turn.verdict, turn.wall, turn.why.clone()));
            } else {
                turned.before = Some(turn.verdict);
            }
        }
    }

    /// What turned first: red, then green again; then everything else by its kind.
    pub(super) fn parts(self, face: &dyn Fn(Wall) -> String) -> Vec<Part> {
        let (mut red, mut green) = (Vec::new(), Vec::new());
        for (name, turned) in self.turned {
            let Some((verdict, at, why)) = turned.last.filter(|(verdict, ..)| Some(*verdict) != turned.before) else {
                continue;
            };
            let before = turned.before.map(|before| format!(", was {before}")).unwrap_or_default();
            let at = face(at);
            match verdict {
                Verdict::Pass => green.push(Line::new(Tone::Good, format!("{at} {name} pass{before}"))),
                Verdict::Warn | Verdict::Skipped => {
                    red.push(Line::new(Tone::Warn, format!("{at} {name} {verdict}{before}: {why}")));
                }
                Verdict::Fail | Verdict::Unknown | Verdict::Stale => {
                    red.push(Line::new(Tone::Bad, format!("{at} {name} {verdict}{before}: {why}")));
                }
            }
        }
        // Of a long list of passes the count is enough.
        if green.len() > LINES_AT_MOST {
            let count = green.len();
            green = vec![Line::new(Tone::Good, format!("{count} checks pass that did not, or were not tried"))];
        }
        let turned = [("Turned red", red), ("Turned green", green)];
        let turned = turned.into_iter().map(|(title, lines)| Part { title, lines });
        let told = self.told.into_iter().map(|(group, Told { dropped, lines })| {
            let earlier = (dropped > 0).then(|| Line::new(Tone::Plain, format!("{dropped} earlier are not shown")));
            let lines = lines.into_iter().map(|(at, tone, text)| Line::new(tone, format!("{} {text}", face(at))));
            Part { title: group.title(), lines: earlier.into_iter().chain(lines).collect() }
        });
        turned.chain(told).filter(|part| !part.lines.is_empty()).collect()
    }
}

/// Something that can turn, its verdict, and why.
fn verdict(event: &Event) -> Option<(String, Verdict, String)> {
    Some(match event {
        Event::ItemEnded { item, report, .. } => (item.to_string(), report.verdict, report.summary.clone()),
        Event::ItemBlocked { item, by } => (item.to_string(), Verdict::Unknown, format!("blocked by {by}")),
        Event::ItemCancelled { item, why, .. } => (item.to_string(), Verdict::Unknown, why.clone()),
        Event::MonitorChanged { monitor, verdict, why } => (format!("monitor {monitor}"), *verdict, why.clone()),
        Event::CriterionChanged { criterion, verdict: Some(verdict), why, .. } => {
            (format!("criterion {criterion}"), *verdict, why.clone())
        }
        _ => return None,
    })
}

/// Where a record is told, and how it is meant. What only begins is told by its end.
fn group(event: &Event) -> Option<(Group, Tone)> {
    let of = |verdict: &Verdict| if *verdict == Verdict::Pass { Tone::Good } else { Tone::Bad };
    Some(match event {
        Event::Passed(_)
        | Event::HoldReleased { .. }
        | Event::CaughtUp
        | Event::Recycled { .. }
        | Event::Thawed { .. }
        | Event::PhaseOpened { .. } => (Group::Countdown, Tone::Plain),
        Event::Resumed | Event::GatePassed { waivers: 0, .. } => (Group::Countdown, Tone::Good),
        Event::HoldCalled { .. } | Event::GatePassed { .. } | Event::Slipped { .. } => (Group::Countdown, Tone::Warn),
        Event::Scrubbed { .. } | Event::CutOff { .. } | Event::Frozen { .. } => (Group::Countdown, Tone::Bad),
        Event::Voted { vote: Vote::Go, .. } => (Group::Votes, Tone::Good),
        Event::Voted { vote: Vote::GoWithWaiver { .. }, .. } | Event::VotesVoided { .. } | Event::VoteVoided { .. } => {
            (Group::Votes, Tone::Warn)
        }
        Event::Voted { .. } => (Group::Votes, Tone::Bad),
        Event::PollDecided { go, .. } => (Group::Votes, if *go { Tone::Good } else { Tone::Bad }),
        Event::StepEnded { verdict, .. } => (Group::Steps, of(verdict)),
        Event::ProcessReady { .. } => (Group::Steps, Tone::Good),
        Event::ProcessEnded { asked, .. } => (Group::Steps, if *asked { Tone::Plain } else { Tone::Bad }),
        Event::StepUndone { .. } => (Group::Steps, Tone::Bad),
        Event::StepMarked { .. } | Event::RepeatOrdered { .. } | Event::CancelAsked { .. } => {
            (Group::Steps, Tone::Warn)
        }
        Event::RollbackRequested { .. } | Event::TriggerFired { .. } => (Group::Rollbacks, Tone::Bad),
        Event::TriggerVetoed { .. } | Event::TriggerAcknowledged { .. } => (Group::Rollbacks, Tone::Warn),
        Event::RollbackTold { fact: RollbackFact::StepEnded { verdict, .. }, .. } => (Group::Rollbacks, of(verdict)),
        Event::RollbackTold { fact: RollbackFact::Ended { end, .. }, .. } => {
            (Group::Rollbacks, if *end == RollbackEnd::Verified { Tone::Good } else { Tone::Bad })
        }
        Event::WaiverExpired { .. } => (Group::Words, Tone::Bad),
        Event::ItemRecurred { missed, .. } => (Group::Words, if *missed > 0 { Tone::Warn } else { Tone::Plain }),
        Event::PassedOver { .. } => (Group::Words, Tone::Plain),
        Event::CriterionChanged { verdict: Some(verdict), .. } => (Group::Words, of(verdict)),
        Event::Attested { passed: false, .. } | Event::CriterionJudged { met: false, .. } => (Group::Words, Tone::Bad),
        Event::Waived { .. }
        | Event::CriterionWaived { .. }
        | Event::PlanAmended { .. }
        | Event::Acknowledged { .. }
        | Event::SoakHoleWaived { .. }
        | Event::LaunchEnded { .. }
        | Event::LaunchClosed { .. } => (Group::Words, Tone::Warn),
        Event::Attested { .. }
        | Event::CriterionJudged { .. }
        | Event::Chosen { .. }
        | Event::FieldFilled { .. }
        | Event::Signed { .. }
        | Event::EvidenceGiven { .. } => (Group::Words, Tone::Plain),
        Event::IncidentOpened { .. } | Event::IncidentRang { .. } => (Group::Incidents, Tone::Bad),
        Event::IncidentChanged { .. } => (Group::Incidents, Tone::Plain),
        Event::Noted { .. } => (Group::Notes, Tone::Plain),
        Event::ConsoleReturned { .. } | Event::ConsoleLeft => (Group::Consoles, Tone::Plain),
        Event::TookOver { .. } | Event::Slept { .. } | Event::RequestDecided { refused: Some(_), .. } => {
            (Group::Consoles, Tone::Warn)
        }
        Event::StreamChanged { open: false, .. } => (Group::Consoles, Tone::Warn),
        _ => return None,
    })
}
