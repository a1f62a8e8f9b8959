//! The go and no-go lists: what each criterion stands at, as a pure function of the board. What a machine can
//! see decides by the rules of gates: no data is not health. A person's word stands as theirs, a waiver is
//! named and ends by itself; neither hides what the machine sees.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::board::{Board, Progress};
use super::command::Refusal;
use super::event::{Actor, Event, Recorded};
use super::gate::{self, Clear};
use super::id::{CriterionId, ItemId, MonitorId, ObjectiveId, PhaseId};
use super::people::permit;
use super::plan::{Criterion, DecidedBy, GoStage, Power, Release};
use super::schedule::Timed;
use super::time::{Instant, Wall};
use super::verdict::Verdict;
use super::waiver;

/// What a vote is given on: it counts for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub release: Release,
    pub plan_hash: String,
    /// The criteria of the poll's stage, as they stood.
    pub criteria: BTreeMap<CriterionId, Sight>,
}

/// What a voter sees of a criterion, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    Pass,
    /// It counts by a waiver, of its own or of an item.
    Waived,
    Open,
    Skipped,
    Warn,
    Stale,
    Unknown,
    Fail,
}

/// What was journaled of a criterion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CriterionState {
    /// The machine's verdict, or what a person's word came to; none while nothing is known.
    pub verdict: Option<Verdict>,
    /// Items that it passes with though they were only waived.
    pub waivers: u32,
    pub since: Instant,
    pub why: String,
    pub judged: Option<Judged>,
    pub waiver: Option<CriterionWaiver>,
}

/// A person's word on a criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub by: Actor,
    /// Go: it is so. No-go: it does not occur.
    pub met: bool,
    pub note: String,
    pub at: Wall,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriterionWaiver {
    pub by: Actor,
    pub reason: String,
    pub at: Wall,
    /// It counts no longer from here on.
    pub until: Option<Instant>,
}

/// How a criterion stands. For a no-go criterion fail is that it occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// None while nothing it stands on was tried, or nobody has said.
    pub verdict: Option<Verdict>,
    /// Items that it passes with though they were only waived.
    pub waivers: u32,
    /// What decides it, in a few words.
    pub why: String,
    /// The waiver that counts now.
    pub waiver: Option<CriterionWaiver>,
}

impl Sight {
    fn of(verdict: Option<Verdict>, waivers: u32, waived: bool) -> Self {
        match verdict {
            Some(Verdict::Pass) if waivers == 0 => Self::Pass,
            Some(Verdict::Pass) => Self::Waived,
            _ if waived => Self::Waived,
            None => Self::Open,
            Some(Verdict::Skipped) => Self::Skipped,
            Some(Verdict::Warn) => Self::Warn,
            Some(Verdict::Stale) => Self::Stale,
            Some(Verdict::Unknown) => Self::Unknown,
            Some(Verdict::Fail) => Self::Fail,
        }
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Waived => "waived",
            Self::Open => "open",
            Self::Skipped => "skipped",
            Self::Warn => "warn",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

impl Standing {
    /// Whether it stands in the way of GO no more.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.sight() <= Sight::Waived
    }

    #[must_use]
    pub fn sight(&self) -> Sight {
        Sight::of(self.verdict, self.waivers, self.waiver.is_some())
    }

    /// What it comes to, in the words of its list.
    #[must_use]
    pub fn words(&self, no_go: bool) -> &'static str {
        match (self.sight(), no_go) {
            (Sight::Pass, false) => "met",
            (Sight::Pass, true) => "excluded",
            (Sight::Waived, _) if self.waiver.is_some() => "waived",
            (Sight::Waived, false) => "met with waiver",
            (Sight::Waived, true) => "excluded with waiver",
            (Sight::Open, _) => "open",
            (Sight::Fail, true) => "OCCURS",
            (_, true) => "not excluded",
            (_, false) => "NOT MET",
        }
    }
}

impl CriterionState {
    fn sight(&self, now: Instant) -> Sight {
        let waived = self.waiver.as_ref().is_some_and(|waiver| waiver.counts(now));
        Sight::of(self.verdict, self.waivers, waived)
    }
}

impl CriterionWaiver {
    fn counts(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// How `criterion` stands at `now`.
#[must_use]
pub fn standing(board: &Board, criterion: &Criterion, now: Instant) -> Standing {
    let known = board.criteria.get(&criterion.id);
    let mut standing = match &criterion.by {
        DecidedBy::Seen { phases, items, monitors, objectives } => {
            seen(board, phases, items, monitors, objectives, now)
        }
        DecidedBy::Person { role } => {
            let waits = || match role.as_ref().and_then(|role| board.plan.role(role)) {
                Some(role) => format!("{} has not said", role.title),
                None => "nobody has said".to_owned(),
            };
            let verdict = known.and_then(|known| known.judged.as_ref().and(known.verdict));
            let why =
                known.and_then(|known| known.judged.as_ref()).map(|word| format!("{}: {}", word.by.name, word.note));
            Standing { verdict, waivers: 0, why: why.unwrap_or_else(waits), waiver: None }
        }
    };
    let waiver = known.and_then(|known| known.waiver.as_ref()).filter(|waiver| waiver.counts(now));
    standing.waiver = waiver.filter(|_| standing.verdict != Some(Verdict::Pass)).cloned();
    standing
}

/// The criteria of a stage in the order of the plan, each with how it stands.
pub fn of_stage(board: &Board, stage: GoStage, now: Instant) -> impl Iterator<Item = (&Criterion, Standing)> {
    let of = board.plan.criteria.iter().filter(move |criterion| criterion.stage == stage);
    of.map(move |criterion| (criterion, standing(board, criterion, now)))
}

/// What the criteria of a stage say against GO, in plain words: any no-go that is not excluded, any go that is
/// not met.
pub fn blocked(board: &Board, stage: GoStage, now: Instant) -> impl Iterator<Item = (&Criterion, String)> {
    let blocks = of_stage(board, stage, now).filter(|(_, standing)| !standing.is_clear());
    blocks.map(|(criterion, standing)| (criterion, sentence(criterion, &standing)))
}

/// The same, as words alone.
#[must_use]
pub fn blocks(board: &Board, stage: GoStage, now: Instant) -> Vec<String> {
    blocked(board, stage, now).map(|(_, words)| words).collect()
}

/// The items that decide a criterion, in the order of the plan's ids; none where a person does.
pub fn items<'a>(board: &'a Board, criterion: &'a Criterion) -> BTreeSet<&'a ItemId> {
    match &criterion.by {
        DecidedBy::Seen { phases, items, .. } => deciding(board, phases, items),
        DecidedBy::Person { .. } => BTreeSet::new(),
    }
}

/// What stands only by a waiver, in plain words.
#[must_use]
pub fn waived(board: &Board, stage: GoStage, now: Instant) -> Vec<String> {
    let waived = of_stage(board, stage, now).filter(|(_, standing)| standing.sight() == Sight::Waived);
    waived
        .map(|(criterion, standing)| match &standing.waiver {
            Some(waiver) => format!("{} waived by {}: {}", criterion.id, waiver.by.name, waiver.reason),
            None => format!("{} passes with {} waived", criterion.id, standing.waivers),
        })
        .collect()
}

fn sentence(criterion: &Criterion, standing: &Standing) -> String {
    let words = standing.words(criterion.no_go);
    let list = if criterion.no_go { "no-go" } else { "go" };
    format!("{list} {} {words}: {} ({})", criterion.id, criterion.text, standing.why)
}

/// The worst of what decides a criterion. An item counts as it does for its gate.
fn seen(
    board: &Board,
    phases: &[PhaseId],
    items: &[ItemId],
    monitors: &[MonitorId],
    objectives: &[ObjectiveId],
    now: Instant,
) -> Standing {
    let mut tally = Seen::default();
    for id in deciding(board, phases, items) {
        let Some(item) = board.plan.item(id) else { continue };
        match gate::clear(board, item, now) {
            Clear::Yes => tally.take(id.as_str(), Some(Verdict::Pass)),
            Clear::ByWaiver => {
                tally.waivers += 1;
                tally.take(id.as_str(), Some(Verdict::Pass));
            }
            Clear::No(verdict) => tally.take(id.as_str(), verdict),
        }
    }
    for id in monitors {
        tally.take(id.as_str(), board.monitors.get(id).map(|known| known.verdict));
    }
    // A breach is a fail, and no data is none of health.
    for id in objectives {
        tally.take(&format!("objective {id}"), board.objectives.get(id).map(|known| known.verdict));
    }
    tally.standing()
}

/// Every item that decides, each once.
fn deciding<'a>(board: &'a Board, phases: &'a [PhaseId], items: &'a [ItemId]) -> BTreeSet<&'a ItemId> {
    let of_phases = phases.iter().filter_map(|id| board.plan.phase(id)).flat_map(|phase| &phase.items);
    items.iter().chain(of_phases).collect()
}

#[derive(Default)]
struct Seen {
    count: u32,
    waivers: u32,
    /// Those not run, and the first of them.
    open: u32,
    first_open: Option<String>,
    /// The worst that ended and is in the way, with whose it is.
    worst: Option<(Verdict, String)>,
}

impl Seen {
    fn take(&mut self, id: &str, verdict: Option<Verdict>) {
        self.count += 1;
        match verdict {
            None => {
                self.open += 1;
                self.first_open.get_or_insert_with(|| id.to_owned());
            }
            Some(Verdict::Pass) => {}
            Some(verdict) if self.worst.as_ref().is_none_or(|(worst, _)| verdict > *worst) => {
                self.worst = Some((verdict, id.to_owned()));
            }
            Some(_) => {}
        }
    }

    fn standing(self) -> Standing {
        let Self { count, waivers, open, first_open, worst } = self;
        let (verdict, why) = match (worst, first_open) {
            (Some((verdict, id)), _) => (Some(verdict), format!("{id}: {verdict}")),
            (None, Some(first)) if open == 1 => (None, format!("{first}: not run")),
            (None, Some(first)) => (None, format!("{open} of {count} not run, first {first}")),
            // Nothing decides it: that is no health either.
            (None, None) if count == 0 => (None, "nothing decides it".to_owned()),
            (None, None) if waivers > 0 => (Some(Verdict::Pass), format!("{count} of {count}, {waivers} waived")),
            (None, None) => (Some(Verdict::Pass), format!("{count} of {count}")),
        };
        Standing { verdict, waivers, why, waiver: None }
    }
}

fn find<'a>(board: &'a Board, id: &CriterionId) -> Result<&'a Criterion, Refusal> {
    let found = board.plan.0.criteria.iter().find(|criterion| criterion.id == *id);
    found.ok_or_else(|| Refusal(format!("no criterion {id}")))
}

/// A person's word on a criterion that is for a person.
///
/// # Errors
/// It is for the machine, for another role, or nothing was said.
pub(super) fn judge(board: &Board, by: &Actor, id: &CriterionId, met: bool, note: &str) -> Result<Vec<Event>, Refusal> {
    let criterion = find(board, id)?;
    let DecidedBy::Person { role } = &criterion.by else {
        return Err(Refusal(format!("{id} is decided by what it sees, not by a word; it can be waived")));
    };
    if let (Some(wanted), Some(has)) = (role, &by.role)
        && wanted != has
    {
        return Err(Refusal(format!("{id} is judged by {wanted}")));
    }
    if note.trim().is_empty() {
        return Err(Refusal("say how you know: a judgement needs a note".into()));
    }
    Ok(vec![Event::CriterionJudged { criterion: id.clone(), met, note: note.to_owned() }])
}

/// Lets a criterion count though it does not stand, until its time is up.
///
/// # Errors
/// The caller may not waive, gave no reason or no time, or there is nothing to waive.
pub(super) fn waive(
    board: &Board,
    by: &Actor,
    id: &CriterionId,
    reason: &str,
    lasts: Duration,
    now: Instant,
) -> Result<Vec<Event>, Refusal> {
    let criterion = find(board, id)?;
    permit(board, by, Power::Waive)?;
    waiver::named(by)?;
    if reason.trim().is_empty() {
        return Err(Refusal("a waiver needs a reason".into()));
    }
    if lasts.is_zero() || lasts > waiver::LONGEST {
        return Err(Refusal("a waiver lasts for some time, and at most a year: say how long".into()));
    }
    let standing = standing(board, criterion, now);
    if standing.verdict.is_none() {
        return Err(Refusal(format!("{id} has no verdict yet to waive")));
    }
    if standing.verdict == Some(Verdict::Pass) {
        return Err(Refusal(format!("{id} needs no waiver")));
    }
    let until = Some(now.plus(lasts));
    Ok(vec![Event::CriterionWaived { criterion: id.clone(), reason: reason.to_owned(), until }])
}

/// Folds what became of a criterion; answers which, and how it is seen from here on.
pub(super) fn fold(board: &mut Board, record: &Recorded) -> Option<(CriterionId, Sight)> {
    let id = match &record.event {
        Event::CriterionChanged { criterion, .. }
        | Event::CriterionJudged { criterion, .. }
        | Event::CriterionWaived { criterion, .. } => criterion,
        _ => return None,
    };
    let state = board.criteria.entry(id.clone()).or_default();
    match &record.event {
        Event::CriterionChanged { verdict, waivers, why, .. } => {
            if (state.verdict, state.waivers) != (*verdict, *waivers) {
                state.since = record.at;
            }
            (state.verdict, state.waivers) = (*verdict, *waivers);
            state.why.clone_from(why);
            if state.waiver.as_ref().is_some_and(|waiver| !waiver.counts(record.at)) {
                state.waiver = None;
            }
        }
        Event::CriterionJudged { met, note, .. } => {
            let verdict = Some(if *met { Verdict::Pass } else { Verdict::Fail });
            if state.verdict != verdict {
                state.since = record.at;
            }
            state.verdict = verdict;
            let by = record.actor.clone();
            state.judged = Some(Judged { by, met: *met, note: note.clone(), at: record.occurred_at });
        }
        Event::CriterionWaived { reason, until, .. } => {
            let by = record.actor.clone();
            let waiver = CriterionWaiver { by, reason: reason.clone(), at: record.occurred_at, until: *until };
            state.waiver = Some(waiver);
        }
        _ => {}
    }
    let sight = state.sight(record.at);
    Some((id.clone(), sight))
}

/// Verdicts of the machine that became others, and waivers whose time is up.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let mut events = Vec::new();
    for criterion in &board.plan.criteria {
        let unknown = CriterionState::default();
        let known = board.criteria.get(&criterion.id).unwrap_or(&unknown);
        let changed =
            |verdict, waivers, why| Event::CriterionChanged { criterion: criterion.id.clone(), verdict, waivers, why };
        let over = known.waiver.as_ref().filter(|waiver| !waiver.counts(now));
        if let Some(waiver) = over {
            let at = waiver.until.unwrap_or(now).max(board.at);
            let why = format!("the waiver of {} is over", waiver.by.name);
            events.push((at, changed(known.verdict, known.waivers, why)));
            continue;
        }
        let DecidedBy::Seen { phases, items, monitors, objectives } = &criterion.by else { continue };
        let live = seen(board, phases, items, monitors, objectives, now);
        if (live.verdict, live.waivers) != (known.verdict, known.waivers) {
            events.push((now.max(board.at), changed(live.verdict, live.waivers, live.why)));
        }
    }
    events
}

/// When waivers end, and when a pass that a criterion stands on is too old.
pub(super) fn next_at(board: &Board) -> impl Iterator<Item = Instant> {
    let ends = board.criteria.values().filter_map(|known| known.waiver.as_ref()?.until);
    let ages = board.plan.criteria.iter().flat_map(|criterion| match &criterion.by {
        DecidedBy::Seen { phases, items, .. } => deciding(board, phases, items),
        DecidedBy::Person { .. } => BTreeSet::new(),
    });
    let ages = ages.filter_map(|id| match (board.plan.item(id)?.valid_for, &board.item(id)?.progress) {
        (Some(span), Progress::Ended { verdict: Verdict::Pass, at }) => Some(at.plus(span + Duration::from_millis(1))),
        _ => None,
    });
    ends.chain(ages)
}
