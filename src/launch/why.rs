//! Why not GO: everything that stands in its way, and below each what that waits for in turn, down to what somebody
//! or something can do now. From the board alone; what it says first is what the poll says.

use std::collections::BTreeSet;

use super::board::{Board, Progress};
use super::countdown::{BUILT_IN, Phase};
use super::criteria;
use super::gate::{self, Clear};
use super::id::{CriterionId, ItemId, PhaseId, RoleId, RollbackId};
use super::people::title;
use super::plan::{Act, Item};
use super::poll;
use super::recurring;
use super::rollback;
use super::schedule::{self, Due};
use super::time::Instant;
use super::verdict::Verdict;
use super::waiver;

/// What a reason is about, and where a console leads to from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The launch as a whole: its disk, a freeze.
    Launch,
    /// What the countdown holds for.
    Hold,
    Gate(PhaseId),
    Item(ItemId),
    Criterion(CriterionId),
    Role(RoleId),
    Rollback(RollbackId),
    /// A baseline value, by its name.
    Baseline(String),
}

/// One thing in the way, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    pub words: String,
    pub about: About,
}

/// A reason in its place: what stands `depth` deeper is why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub depth: usize,
    pub words: String,
    pub about: About,
    /// Of what has ended; none where something is waited for.
    pub verdict: Option<Verdict>,
    /// Waits for a person now: nothing else is in its way.
    pub due: bool,
}

/// What stands between `now` and GO in the order of the poll; after T-0, what stands in the way of the rollout. Then
/// what the countdown holds for. Empty where nothing does.
#[must_use]
pub fn chain(board: &Board, now: Instant) -> Vec<Link> {
    if board.ended.is_some() || board.seq == 0 {
        return Vec::new();
    }
    let mut chain = Chain { board, now, links: Vec::new(), told: BTreeSet::new() };
    if let Some(why) = &board.frozen {
        chain.say(0, format!("the rollout is frozen: {why}"), About::Launch);
    }
    let clock = board.clock_at(now);
    if clock.as_ref().is_some_and(|clock| clock.t0.is_some()) {
        chain.rollout();
    } else {
        for root in poll::blocked(board, None, now) {
            let about = root.about.clone();
            chain.say(0, root.words, root.about);
            chain.below(&about);
        }
    }
    if let Some(clock) = clock.filter(|clock| clock.phase == Phase::Holding) {
        let own = |who: &String| who == BUILT_IN || schedule::is_own_latch(who);
        for (who, whys) in clock.latches.iter().filter(|(who, _)| !own(who)) {
            chain.say(0, format!("{who} holds the countdown: {}", whys.join(", ")), About::Hold);
        }
    }
    chain.links
}

struct Chain<'b> {
    board: &'b Board,
    now: Instant,
    links: Vec<Link>,
    /// Each item is explained once.
    told: BTreeSet<ItemId>,
}

impl Chain<'_> {
    fn say(&mut self, depth: usize, words: String, about: About) {
        self.links.push(Link { depth, words, about, verdict: None, due: false });
    }

    /// Gates that have begun and are not open.
    fn rollout(&mut self) {
        let board = self.board;
        for phase in board.plan.phases.iter().filter(|phase| phase.gate) {
            let standing = gate::standing(board, phase, self.now);
            let begun = board.phases.get(&phase.id).is_some_and(|state| state.opened.is_some());
            if begun && !standing.is_clear() {
                let words = format!("gate {} is not open: {} of {}", phase.id, standing.clear, standing.total);
                let about = About::Gate(phase.id.clone());
                self.say(0, words, about.clone());
                self.below(&about);
            }
        }
    }

    /// Why what was said last stands in the way.
    fn below(&mut self, about: &About) {
        let board = self.board;
        match about {
            About::Gate(id) => {
                let Some(phase) = board.plan.phase(id) else { return };
                if board.phases.get(id).is_none_or(|state| state.opened.is_none()) {
                    // What has not begun is one reason, however much is in it.
                    let come = board.mark_at(self.now) <= phase.at;
                    let words = match schedule::kept_by(board, phase, self.now).filter(|_| come) {
                        Some(gate) => format!("waits for gate {gate}"),
                        None => format!("begins at {}", phase.at),
                    };
                    return self.say(1, words, about.clone());
                }
                for (item, verdict) in gate::standing(board, phase, self.now).blocking {
                    self.item(&item, verdict, 1);
                }
            }
            About::Criterion(id) => {
                let Some(criterion) = board.plan.criteria.iter().find(|known| known.id == *id) else { return };
                for item in criteria::items(board, criterion) {
                    let Some(known) = board.plan.item(item) else { continue };
                    if let Clear::No(verdict) = gate::clear(board, known, self.now) {
                        self.item(item, verdict, 1);
                    }
                }
            }
            About::Rollback(id) => {
                let Some(rollback) = board.plan.rollback(id) else { return };
                let why = rollback::checked(board, rollback).why;
                // The first of one alone is in its sentence already.
                for why in why.into_iter().skip(1) {
                    self.say(1, why, about.clone());
                }
            }
            About::Launch | About::Hold | About::Item(_) | About::Role(_) | About::Baseline(_) => {}
        }
    }

    fn item(&mut self, id: &ItemId, verdict: Option<Verdict>, depth: usize) {
        let board = self.board;
        let (Some(item), Some(state)) = (board.plan.item(id), board.item(id)) else { return };
        if !self.told.insert(id.clone()) {
            return;
        }
        let mut waits = None;
        let mut due = false;
        let words = match &state.progress {
            Progress::Running { since, .. } | Progress::Intended { since } => {
                let seconds = self.now.since(*since).as_secs();
                format!("{id} runs, for {}", humantime::format_duration(std::time::Duration::from_secs(seconds)))
            }
            Progress::Blocked { by } => {
                waits = schedule::waits_for(board, item, self.now);
                format!("{id} did not run: {by}")
            }
            Progress::Ended { .. } => self.ended(item, verdict),
            Progress::Waiting => {
                let first = schedule::due(board, item, self.now);
                let words = match &first {
                    Due::NotYet { at } => format!("{id} begins at {at}"),
                    Due::After(other) => format!("{id} waits for {other}"),
                    Due::Blocked(why) => format!("{id} cannot run: {why}"),
                    Due::Captured(name) => format!("{id} waits for baseline value {name}"),
                    Due::Now => {
                        due = item.act.is_persons() || !item.auto;
                        format!("{id} {}", self.wanted(item))
                    }
                    Due::Begun => format!("{id} runs"),
                };
                waits = Some(first);
                words
            }
        };
        self.links.push(Link { depth, words, about: About::Item(id.clone()), verdict, due });
        let other = match waits {
            Some(Due::After(other)) => Some(other),
            Some(Due::Blocked(_)) => item.needs.iter().find(|needed| !self.is_clear(needed)).cloned(),
            _ => None,
        };
        if let Some(other) = other {
            let verdict = board.item(&other).zip(board.plan.item(&other)).and_then(|(state, item)| {
                let state = recurring::stood(board, &other, state).unwrap_or(state);
                state.verdict(item.valid_for, self.now)
            });
            self.item(&other, verdict, depth + 1);
        }
    }

    fn is_clear(&self, id: &ItemId) -> bool {
        self.board.plan.item(id).is_some_and(|item| !matches!(gate::clear(self.board, item, self.now), Clear::No(_)))
    }

    /// `login: fail, status expected 200, seen 401`.
    fn ended(&self, item: &Item, verdict: Option<Verdict>) -> String {
        let id = &item.id;
        let word = verdict.map_or("not known", Verdict::word);
        if let Some(lapsed) = waiver::lapsed(self.board, id, self.now) {
            return format!("{id}: {word}, {lapsed}");
        }
        let state = self.board.item(id);
        if verdict == Some(Verdict::Stale) {
            let why = state.and_then(|state| state.undone.as_deref()).unwrap_or("it passed too long ago");
            return format!("{id}: {word}, {why}");
        }
        let report = state.and_then(|state| state.report.as_deref());
        let why = report.and_then(|report| {
            let worst = report.findings.iter().max_by_key(|finding| finding.verdict)?;
            let row = worst.row.as_ref().map(|row| format!("{row}: ")).unwrap_or_default();
            Some(format!("{row}{} expected {}, seen {}", worst.subject, worst.expected, worst.seen))
        });
        let why = why.or_else(|| report.map(|report| report.summary.clone())).filter(|why| !why.trim().is_empty());
        match why {
            Some(why) => format!("{id}: {word}, {why}"),
            None => format!("{id}: {word}"),
        }
    }

    /// Whose word or key an item waits for.
    fn wanted(&self, item: &Item) -> String {
        let plan = &self.board.plan.0;
        let names = |roles: &[RoleId]| roles.iter().map(|role| title(plan, role)).collect::<Vec<_>>().join(", ");
        match &item.act {
            Act::Manual { role: Some(role), .. } => format!("waits for the word of {}", title(plan, role)),
            Act::Manual { role: None, .. } => "waits for a person's word".to_owned(),
            Act::Choice { role: Some(role), .. } => format!("waits for the choice of {}", title(plan, role)),
            Act::Choice { role: None, .. } => "waits for a person's choice".to_owned(),
            Act::Poll { roles, .. } => format!("waits for the votes of {}", names(roles)),
            Act::Signoff { roles } => format!("waits for the names of {}", names(roles)),
            _ if !item.auto => "waits for its key".to_owned(),
            _ => "is due".to_owned(),
        }
    }
}
