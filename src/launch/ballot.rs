//! Votes: who may cast one, what it is bound to, and when it is void. A vote counts for the release, the plan
//! and the criteria that its voter saw; where one of them is no longer so, it is void and shown so.

use std::collections::BTreeMap;
use std::time::Duration;

use super::board::{Board, Progress};
use super::command::Refusal;
use super::countdown::Passage;
use super::criteria::{self, Bound, Sight};
use super::event::{Actor, Event, Recorded, Vote};
use super::id::{CriterionId, ItemId, RoleId};
use super::people;
use super::plan::{Act, GoStage, Plan};
use super::schedule::{Due, Timed, due};
use super::time::{Instant, Wall};

/// A criterion that has been worse than its voter saw for this long voids the vote; a flap does not.
pub const WORSE_FOR: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    pub vote: Vote,
    pub by: Actor,
    pub at: Wall,
    /// The same on the launch's axis: a vote expires.
    pub cast: Instant,
    pub bound: Option<Bound>,
    /// Criteria that are worse than the voter saw, each since when without a break.
    pub worse: BTreeMap<CriterionId, Instant>,
}

/// A vote that counts no more, until another is cast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Void {
    pub ballot: Ballot,
    pub why: String,
}

/// What a poll came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub go: bool,
    pub blocking: Vec<String>,
    /// Who said NO-GO then, and why.
    pub against: Vec<(RoleId, String)>,
    /// The record that says so.
    pub seq: u64,
    pub at: Instant,
}

/// Polls besides the votes of the plan's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Polls {
    /// The votes of the checklist's polls.
    pub items: BTreeMap<ItemId, BTreeMap<RoleId, Ballot>>,
    pub void: BTreeMap<(Option<ItemId>, RoleId), Void>,
    /// The newest of each poll; the plan's own is none.
    pub decisions: BTreeMap<Option<ItemId>, Decision>,
    /// The records of all decisions.
    pub records: Vec<u64>,
    /// T-0 came, and what the poll was at it is not recorded yet.
    pub at_liftoff: Option<Instant>,
}

/// Whose votes a poll takes, in order; none where it is no poll.
#[must_use]
pub fn roles<'a>(plan: &'a Plan, poll: Option<&ItemId>) -> Option<&'a [RoleId]> {
    match poll {
        None => Some(&plan.poll),
        Some(item) => match &plan.item(item)?.act {
            Act::Poll { roles, .. } => Some(roles),
            _ => None,
        },
    }
}

/// The stage whose criteria a poll stands on.
#[must_use]
pub fn stage(plan: &Plan, poll: Option<&ItemId>) -> GoStage {
    match poll.and_then(|item| plan.item(item)).map(|item| &item.act) {
        Some(Act::Poll { stage, .. }) => *stage,
        _ => GoStage::Launch,
    }
}

/// Who votes last: the director where he votes in it, else the last in order.
#[must_use]
pub fn director<'a>(plan: &'a Plan, roles: &'a [RoleId]) -> Option<&'a RoleId> {
    plan.director.as_ref().filter(|director| roles.contains(director)).or_else(|| roles.last())
}

/// The votes of a poll that count.
#[must_use]
pub fn votes<'a>(board: &'a Board, poll: Option<&ItemId>) -> &'a BTreeMap<RoleId, Ballot> {
    static NONE: BTreeMap<RoleId, Ballot> = BTreeMap::new();
    match poll {
        None => &board.votes,
        Some(item) => board.polls.items.get(item).unwrap_or(&NONE),
    }
}

/// The role that is asked next: in the plan's order, the director when all others have spoken.
#[must_use]
pub fn asked<'a>(board: &'a Board, poll: Option<&ItemId>) -> Option<&'a RoleId> {
    let plan: &'a Plan = &board.plan.0;
    let (roles, votes) = (roles(plan, poll)?, votes(board, poll));
    let last = director(plan, roles);
    let mut silent = roles.iter().filter(|role| !votes.contains_key(*role));
    silent.clone().find(|role| Some(*role) != last).or_else(|| silent.next())
}

/// How a role is asked.
#[must_use]
pub fn question(plan: &Plan, role: &RoleId) -> String {
    let title = plan.role(role).map_or(role.as_str(), |role| role.title.as_str());
    format!("{title}, go or no-go?")
}

/// The polls that take votes at `now`: the plan's own (none) before T-0, and those of the checklist that are due.
pub fn open(board: &Board, now: Instant) -> impl Iterator<Item = Option<&ItemId>> {
    let own = !board.plan.poll.is_empty() && is_open(board, None, now);
    let items = board.plan.phases.iter().flat_map(|phase| &phase.items);
    let polls = items.filter(|id| roles(&board.plan, Some(id)).is_some());
    own.then_some(None).into_iter().chain(polls.map(Some).filter(move |poll| is_open(board, *poll, now)))
}

fn is_open(board: &Board, poll: Option<&ItemId>, now: Instant) -> bool {
    match poll {
        None => board.clock_at(now).is_none_or(|clock| clock.t0.is_none()),
        Some(id) => board.plan.item(id).is_some_and(|item| is_waiting(board, id) && due(board, item, now) == Due::Now),
    }
}

/// Whether votes of this poll can still come to something.
fn is_pending(board: &Board, poll: Option<&ItemId>) -> bool {
    match poll {
        None => board.clock.as_ref().is_none_or(|clock| clock.t0.is_none()),
        Some(id) => is_waiting(board, id),
    }
}

fn is_waiting(board: &Board, id: &ItemId) -> bool {
    board.item(id).is_some_and(|state| matches!(state.progress, Progress::Waiting | Progress::Blocked { .. }))
}

/// Casts a vote.
///
/// # Errors
/// Who asks has no vote there, the poll is not open, it is not his turn, or the vote lacks its reason.
pub(super) fn vote(
    board: &Board,
    by: &Actor,
    poll: Option<&ItemId>,
    role: &RoleId,
    vote: &Vote,
    now: Instant,
) -> Result<Vec<Event>, Refusal> {
    let plan: &Plan = &board.plan;
    let Some(roles) = roles(plan, poll) else {
        let poll = poll.map(ToString::to_string).unwrap_or_default();
        return Err(Refusal(format!("{poll} is no poll of this plan")));
    };
    if !roles.contains(role) {
        return Err(Refusal(format!("{role} has no vote in this poll")));
    }
    if let Some(has) = by.role.as_ref().filter(|has| *has != role) {
        return Err(Refusal(format!("{has} cannot vote for {role}")));
    }
    people::spoke(plan, by, role)?;
    may_vote(board, poll, now)?;
    if let Vote::NoGo { reason } | Vote::GoWithWaiver { reason } = vote
        && reason.trim().is_empty()
    {
        return Err(Refusal("this vote needs a reason".into()));
    }
    let cast = votes(board, poll);
    let director = director(plan, roles);
    let title = |role: &RoleId| plan.role(role).map_or_else(|| role.to_string(), |role| role.title.clone());
    let silent = roles.iter().filter(|other| *other != role && !cast.contains_key(*other));
    let silent: Vec<String> = silent.map(title).collect();
    if director == Some(role) && !silent.is_empty() {
        let (who, have) = (silent.join(", "), if silent.len() == 1 { "has" } else { "have" });
        return Err(Refusal(format!("{} votes last: {who} {have} not voted yet", title(role))));
    }
    let stage = stage(plan, poll);
    let seen =
        criteria::of_stage(board, stage, now).map(|(criterion, standing)| (criterion.id.clone(), standing.sight()));
    let bound = Bound { release: plan.release.clone(), plan_hash: plan.hash.clone(), criteria: seen.collect() };
    let voted = Event::Voted { poll: poll.cloned(), role: role.clone(), vote: vote.clone(), bound: Some(bound) };
    let last = director.filter(|last| *last != role && cast.contains_key(*last));
    let void = last.map(|last| Event::VoteVoided {
        poll: poll.cloned(),
        role: last.clone(),
        why: format!("{} voted after it, and {} votes last", title(role), title(last)),
    });
    Ok(std::iter::once(voted).chain(void).collect())
}

fn may_vote(board: &Board, poll: Option<&ItemId>, now: Instant) -> Result<(), Refusal> {
    let Some(id) = poll else {
        return match is_open(board, None, now) {
            true => Ok(()),
            false => Err(Refusal("T-0 has passed: this poll is over".into())),
        };
    };
    let item = board.plan.item(id).ok_or_else(|| Refusal(format!("no item {id}")))?;
    if !is_waiting(board, id) {
        return Err(Refusal(format!("{id} is decided: run it again to poll again")));
    }
    match due(board, item, now) {
        Due::NotYet { at } => Err(Refusal(format!("{id} opens at {at}"))),
        due => due.may(id),
    }
}

/// Folds votes, and what voids them.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    match &record.event {
        Event::Voted { poll, role, vote, bound } => {
            let ballot = Ballot {
                vote: vote.clone(),
                by: record.actor.clone(),
                at: record.occurred_at,
                cast: record.at,
                bound: bound.clone(),
                worse: BTreeMap::new(),
            };
            board.polls.void.remove(&(poll.clone(), role.clone()));
            let votes = match poll {
                None => &mut board.votes,
                Some(item) => board.polls.items.entry(item.clone()).or_default(),
            };
            votes.insert(role.clone(), ballot);
            if poll.is_none() {
                board.voided = None;
            }
        }
        Event::VoteVoided { poll, role, why } => void(board, poll.as_ref(), role, why),
        Event::VotesVoided { why } => void_all(board, why),
        Event::PlanAmended { reason, .. } => void_all(board, &format!("the plan was amended: {reason}")),
        Event::Recycled { .. } => void_all(board, "the countdown was recycled"),
        Event::Passed(Passage::Liftoff) => board.polls.at_liftoff = Some(record.at),
        // Polled again: nothing of the last time counts.
        Event::ItemStarted { item, .. } | Event::ItemRecurred { item, .. }
            if roles(&board.plan.0, Some(item)).is_some() =>
        {
            board.polls.items.remove(item);
            board.polls.void.retain(|(poll, _), _| poll.as_ref() != Some(item));
        }
        _ => {}
    }
}

fn void(board: &mut Board, poll: Option<&ItemId>, role: &RoleId, why: &str) {
    let votes = match poll {
        None => Some(&mut board.votes),
        Some(item) => board.polls.items.get_mut(item),
    };
    if let Some(ballot) = votes.and_then(|votes| votes.remove(role)) {
        board.polls.void.insert((poll.cloned(), role.clone()), Void { ballot, why: why.to_owned() });
    }
}

/// Every vote of a poll that is not over: what was decided with the others stays decided.
pub(super) fn void_all(board: &mut Board, why: &str) {
    if !board.votes.is_empty() && is_pending(board, None) {
        board.voided = Some(why.to_owned());
    }
    for (poll, role) in pending(board) {
        void(board, poll.as_ref(), &role, why);
    }
}

/// Polls and roles whose vote counts and may come to something.
fn pending(board: &Board) -> Vec<(Option<ItemId>, RoleId)> {
    let own = board.votes.keys().map(|role| (None, role.clone()));
    let items = board.polls.items.iter();
    let items = items.flat_map(|(item, votes)| votes.keys().map(|role| (Some(item.clone()), role.clone())));
    own.chain(items).filter(|(poll, _)| is_pending(board, poll.as_ref())).collect()
}

/// A criterion is seen otherwise from `at` on: keeps since when it is worse than each voter saw it.
pub(super) fn compare(board: &mut Board, criterion: &CriterionId, sight: Sight, at: Instant) {
    let all = board.votes.values_mut().chain(board.polls.items.values_mut().flat_map(BTreeMap::values_mut));
    for ballot in all {
        let Some(saw) = ballot.bound.as_ref().and_then(|bound| bound.criteria.get(criterion)) else { continue };
        if sight > *saw {
            ballot.worse.entry(criterion.clone()).or_insert(at);
        } else {
            ballot.worse.remove(criterion);
        }
    }
}

/// Votes that are void by now, each at the instant it became so.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let mut events: Vec<Timed> = Vec::new();
    for (poll, role) in pending(board) {
        let Some(ballot) = votes(board, poll.as_ref()).get(&role) else { continue };
        if let Some((at, why)) = voids(board, ballot).into_iter().filter(|(at, _)| *at <= now).min() {
            events.push((at.max(board.at), Event::VoteVoided { poll, role, why }));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

/// Everything that voids a vote by itself, with when it does.
fn voids(board: &Board, ballot: &Ballot) -> Vec<(Instant, String)> {
    let mut voids = Vec::new();
    if let Some(bound) = &ballot.bound {
        if bound.release != board.plan.release {
            voids.push((board.at, "it was given for another release".to_owned()));
        }
        if bound.plan_hash != board.plan.hash {
            voids.push((board.at, "it was given for another plan".to_owned()));
        }
    }
    if let Some(lasts) = board.plan.vote_lasts {
        let words = humantime::format_duration(lasts);
        voids.push((ballot.cast.plus(lasts), format!("it lasts {words}, and is older")));
    }
    for (criterion, since) in &ballot.worse {
        let saw = ballot.bound.as_ref().and_then(|bound| bound.criteria.get(criterion)).map_or("", |saw| saw.word());
        let words = humantime::format_duration(WORSE_FOR);
        voids.push((since.plus(WORSE_FOR), format!("{criterion} has been worse than {saw} for {words}")));
    }
    voids
}

/// When votes become void by time alone.
pub(super) fn next_at(board: &Board) -> impl Iterator<Item = Instant> {
    let ballots = pending(board).into_iter().filter_map(|(poll, role)| votes(board, poll.as_ref()).get(&role));
    ballots.flat_map(|ballot| voids(board, ballot).into_iter().map(|(at, _)| at))
}
