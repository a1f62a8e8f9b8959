//! What a poll comes to: recorded when it is decided, when GO is lost again, and at T-0. A poll of the checklist
//! is decided when all of its roles have voted; it passes on GO and fails on NO-GO, with the reasons.

use std::time::Duration;

use super::ballot::{self, Decision};
use super::board::{Board, Progress};
use super::command::Refusal;
use super::event::{Event, Recorded, Vote};
use super::id::{Attempt, ItemId, RoleId};
use super::item::ItemState;
use super::plan::{Act, Item};
use super::poll;
use super::schedule::{Due, Timed, due};
use super::telling::vote_words;
use super::time::Instant;
use super::verdict::{Finding, Report, Verdict};

/// Opens a poll or a sign-off once more.
///
/// # Errors
/// It is open: it waits for people.
pub(super) fn again(item: &Item, state: &ItemState, attempt: Attempt) -> Result<Event, Refusal> {
    match state.progress {
        Progress::Ended { .. } => Ok(Event::ItemStarted { item: item.id.clone(), attempt }),
        _ if matches!(item.act, Act::Poll { .. }) => Err(Refusal(format!("{} is open: vote in it", item.id))),
        _ => Err(Refusal(format!("{} is open: sign it", item.id))),
    }
}

/// The attempt that ends now, of an item that people decide.
pub(super) fn attempt(state: &ItemState) -> Attempt {
    match state.attempt {
        Some(attempt) if state.history.last().is_none_or(|(last, _)| *last != attempt) => attempt,
        last => Attempt(last.map_or(1, |attempt| attempt.0 + 1)),
    }
}

pub(super) fn fold(board: &mut Board, record: &Recorded) {
    match &record.event {
        Event::PollDecided { poll, go, blocking } => {
            let against = against(board, poll.as_ref());
            let (seq, at) = (record.seq, record.at);
            let decision = Decision { go: *go, blocking: blocking.clone(), against, seq, at };
            board.polls.decisions.insert(poll.clone(), decision);
            board.polls.records.push(seq);
            if poll.is_none() {
                board.polls.at_liftoff = None;
            }
        }
        // It takes votes again: nothing runs.
        Event::ItemStarted { item, .. } if opens_for_people(board, item) => {
            if let Some(state) = board.items.get_mut(item) {
                std::sync::Arc::make_mut(state).progress = Progress::Waiting;
            }
        }
        _ => {}
    }
}

fn opens_for_people(board: &Board, item: &ItemId) -> bool {
    matches!(board.plan.item(item).map(|item| &item.act), Some(Act::Poll { .. } | Act::Signoff { .. }))
}

/// Who said NO-GO, and why.
fn against(board: &Board, poll: Option<&ItemId>) -> Vec<(RoleId, String)> {
    let votes = ballot::votes(board, poll).iter();
    let no = votes.filter_map(|(role, ballot)| match &ballot.vote {
        Vote::NoGo { reason } => Some((role.clone(), reason.clone())),
        _ => None,
    });
    no.collect()
}

/// Decisions that follow from the votes and the board.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    own(board, now).into_iter().chain(of_the_checklist(board, now)).collect()
}

fn own(board: &Board, now: Instant) -> Option<Timed> {
    if let Some(at) = board.polls.at_liftoff {
        // A journal of before there were decisions has none at its T-0.
        let bound = board.votes.values().any(|ballot| ballot.bound.is_some());
        let decides = bound || !board.plan.criteria.is_empty();
        let tally = poll::tally(board, at);
        let decided = || Event::PollDecided { poll: None, go: tally.is_go(), blocking: tally.blocking.clone() };
        return decides.then(|| (at.max(board.at), decided()));
    }
    let over = board.clock.as_ref().is_none_or(|clock| clock.t0.is_some());
    if over || board.plan.poll.is_empty() {
        return None;
    }
    let last = board.polls.decisions.get(&None);
    let was_go = last.is_some_and(|last| last.go);
    let against = against(board, None);
    let spoken = board.plan.poll.iter().all(|role| board.votes.contains_key(role));
    if !was_go && !spoken && against.is_empty() {
        return None;
    }
    let tally = poll::tally(board, now);
    let news = match last {
        None => true,
        Some(last) if tally.is_go() => !last.go,
        Some(last) => last.go || (!against.is_empty() && against != last.against),
    };
    news.then(|| (now.max(board.at), Event::PollDecided { poll: None, go: tally.is_go(), blocking: tally.blocking }))
}

fn of_the_checklist(board: &Board, now: Instant) -> Vec<Timed> {
    let mut events = Vec::new();
    for (id, votes) in &board.polls.items {
        let (Some(item), Some(state)) = (board.plan.item(id), board.item(id)) else { continue };
        let Act::Poll { roles, .. } = &item.act else { continue };
        let waits = matches!(state.progress, Progress::Waiting) && due(board, item, now) == Due::Now;
        if !waits || !roles.iter().all(|role| votes.contains_key(role)) {
            continue;
        }
        let tally = poll::tally_of(board, Some(id), now);
        let go = tally.is_go();
        let at = now.max(board.at);
        let report = report(board, id, &tally);
        events.push((at, Event::PollDecided { poll: Some(id.clone()), go, blocking: tally.blocking }));
        events.push((at, Event::ItemEnded { item: id.clone(), attempt: attempt(state), report }));
    }
    events
}

/// Each vote as a finding; what the machine says against GO as others.
fn report(board: &Board, id: &ItemId, tally: &poll::Tally) -> Report {
    let votes = ballot::votes(board, Some(id));
    let mut findings: Vec<Finding> = Vec::new();
    for (role, vote) in &tally.votes {
        let title = board.plan.role(role).map_or(role.as_str(), |role| role.title.as_str());
        let by = votes.get(role).map(|ballot| format!(" by {}", ballot.by.name)).unwrap_or_default();
        let (seen, go) = match vote {
            Some(vote) => (format!("{}{by}", vote_words(vote)), !matches!(vote, Vote::NoGo { .. })),
            None => ("silent".to_owned(), false),
        };
        findings.push(Finding::held(title, "GO", seen, go));
    }
    findings.extend(tally.machine.iter().map(|why| Finding::held("criteria", "nothing against GO", why, false)));
    let (verdict, summary) = match tally.blocking.as_slice() {
        [] => (Verdict::Pass, format!("GO, {} of {}", tally.go, tally.votes.len())),
        blocking => (Verdict::Fail, format!("NO-GO: {}", blocking.join("; "))),
    };
    Report { findings, ..Report::plain(verdict, summary, Duration::ZERO) }
}
