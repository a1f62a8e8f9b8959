//! What is due next, and who acts: what waits for a person now, what is late first; then what comes, by its
//! time.

use super::{Line, Tone};
use crate::launch::board::{Board, Progress};
use crate::launch::countdown::{BUILT_IN, CONSOLE_RESTART, Countdown, Phase};
use crate::launch::gate::{self, Clear};
use crate::launch::lost::LATCH;
use crate::launch::people::title;
use crate::launch::plan::{Act, Item, Power, Second};
use crate::launch::recovery;
use crate::launch::schedule::{Due, due};
use crate::launch::time::{Instant, Mark, clock_face, millis};
use crate::launch::{incident, late, poll, recurring, second, watching};

/// More is not a brief.
const AT_MOST: usize = 10;

pub(super) fn lines(board: &Board, now: Instant) -> Vec<Line> {
    if board.ended.is_some() {
        return vec![Line::new(Tone::Plain, "nothing: the launch has ended")];
    }
    let mut lines = waiting(board, now);
    lines.extend(deadlines(board, now));
    lines.extend(coming(board, now));
    let more = lines.len().saturating_sub(AT_MOST);
    lines.truncate(AT_MOST);
    if more > 0 {
        lines.push(Line::new(Tone::Plain, format!("and {more} more")));
    }
    if lines.is_empty() {
        lines.push(Line::new(Tone::Plain, "nothing is due, and nothing comes by itself"));
    }
    lines
}

/// What wants a person now, late first.
fn waiting(board: &Board, now: Instant) -> Vec<Line> {
    let mut lines = Vec::new();
    let clock = board.clock_at(now);
    let doubts = recovery::waiting(board);
    lines.extend(doubts.map(|(item, _)| {
        Line::new(Tone::Bad, format!("now: {} · nobody knows what it came to: look, then mark or repeat it", item.id))
    }));
    if board.frozen.is_some() {
        lines.push(Line::new(
            Tone::Bad,
            format!("now: lift the freeze, once it is right · {}", who_may(board, Power::Resume)),
        ));
    }
    if let Some(clock) = clock.as_ref().filter(|clock| clock.phase == Phase::Holding) {
        lines.extend(hold(board, clock, now));
    }
    if let Some(run) = board.rolling_back() {
        lines.extend(run.waits().map(|wait| {
            let role = title(&board.plan, &wait.role);
            Line::new(Tone::Bad, format!("now: approve {} of the rollback · another person, as {role}", wait.step))
        }));
    }
    for call in watching::calls(board, now) {
        lines.push(Line::new(Tone::Bad, format!("now: {call}")));
    }
    for known in incident::calls(board, now) {
        let lacks = known.lacks();
        let wants =
            if lacks.is_empty() { "take it on".to_owned() } else { format!("it has no {}", lacks.join(", no ")) };
        lines.push(Line::new(Tone::Bad, format!("now: incident {} {} · {wants}", known.number, known.title)));
    }
    let order = board.plan.phases.iter().flat_map(|phase| &phase.items).filter_map(|id| board.plan.item(id));
    let mut mine: Vec<(i64, Line)> = Vec::new();
    for item in order {
        let Some(state) = board.item(&item.id) else { continue };
        let by_key = item.act.is_persons() || (matches!(item.act, Act::Step { .. }) && !item.auto);
        if by_key && matches!(state.progress, Progress::Waiting) && due(board, item, now) == Due::Now {
            let late = late::late(board, item, now).map_or(0, millis);
            let is_late = late > 0;
            let (tone, when) = match is_late {
                true => (Tone::Warn, format!("late {}", clock_face(late))),
                false => (Tone::Plain, "now".to_owned()),
            };
            let line = Line::new(tone, format!("{when}: {} {} · {}", item.id, item.title, who(board, item)));
            mine.push((if is_late { late } else { 0 }, line));
        } else if let Clear::No(Some(verdict)) = gate::clear(board, item, now) {
            // Without a verdict of its own it only waits for what is told here too.
            if !matches!(state.progress, Progress::Blocked { .. }) && recovery::way(item, state).is_none() {
                let who = who_may(board, Power::Waive);
                lines.push(Line::new(
                    Tone::Bad,
                    format!("now: {} is {verdict}: right it, or waive it · {who}", item.id),
                ));
            }
        }
    }
    mine.sort_by_key(|(late, _)| std::cmp::Reverse(*late));
    lines.extend(mine.into_iter().map(|(_, line)| line));
    lines
}

fn hold(board: &Board, clock: &Countdown, now: Instant) -> Vec<Line> {
    let mut lines = Vec::new();
    for who in clock.latches.keys().filter(|who| *who != BUILT_IN) {
        let own = who.starts_with("gate ") || who.starts_with(LATCH) || who == crate::launch::schedule::GO_LATCH;
        if who == CONSOLE_RESTART {
            lines.push(Line::new(Tone::Warn, "now: catch up after the crash · the operator"));
        } else if !own {
            lines.push(Line::new(Tone::Warn, format!("now: the hold of {who} is to be released · {who}")));
        }
    }
    if poll::at_poll_hold(board, now) {
        let silent = board.plan.poll.iter().filter(|role| !board.votes.contains_key(*role));
        let silent: Vec<&str> = silent.map(|role| title(&board.plan, role)).collect();
        if !silent.is_empty() {
            lines.push(Line::new(Tone::Warn, format!("now: the poll · {}", silent.join(", "))));
        }
    }
    let served = clock.hold_left().is_none_or(|left| left.is_zero());
    if clock.latches.keys().all(|who| who == BUILT_IN) && served {
        lines.push(Line::new(Tone::Plain, format!("now: resume the countdown · {}", who_may(board, Power::Resume))));
    }
    lines
}

/// What comes by time alone whatever T does, nearest first: deadlines of incidents, ends of waivers, recurrences.
fn deadlines(board: &Board, now: Instant) -> Vec<Line> {
    let mut all: Vec<(Instant, String)> = Vec::new();
    for known in incident::by_weight(board) {
        let due = incident::deadlines(&board.plan, known);
        all.extend(due.into_iter().map(|due| (due.at, format!("incident {}: {}", known.number, due.due.word()))));
    }
    for (id, state) in &board.items {
        let until = state.waiver.as_ref().filter(|waiver| waiver.counts(now)).and_then(|waiver| waiver.until);
        all.extend(until.map(|at| (at, format!("the waiver of {id} ends"))));
    }
    for item in board.plan.items.values().filter(|item| item.every.is_some()) {
        let again = recurring::next(board, item, now);
        all.extend(again.map(|at| (at, format!("{} is due once more · {}", item.id, who(board, item)))));
    }
    all.retain(|(at, _)| *at > now);
    all.sort();
    let line =
        |(at, text): (Instant, String)| Line::new(Tone::Plain, format!("in {}: {text}", clock_face(at.0 - now.0)));
    all.into_iter().map(line).collect()
}

/// What comes by its mark, nearest first.
fn coming(board: &Board, now: Instant) -> Vec<Line> {
    let Some(clock) = board.clock_at(now) else { return Vec::new() };
    if matches!(clock.phase, Phase::Scrubbed | Phase::Cutoff) {
        return Vec::new();
    }
    let t = clock.mark();
    let mut all: Vec<(Mark, String)> = Vec::new();
    for phase in &board.plan.phases {
        if board.phases.get(&phase.id).is_some_and(|state| state.opened.is_some()) {
            continue;
        }
        let kind = if phase.gate { "gate" } else { "phase" };
        let people: Vec<String> = {
            let items = phase.items.iter().filter_map(|id| board.plan.item(id));
            let mut known: Vec<String> =
                items.filter(|item| item.act.is_persons()).map(|item| who(board, item)).collect();
            known.dedup();
            known
        };
        let people = if people.is_empty() { String::new() } else { format!(" · {}", people.join(", ")) };
        all.push((phase.at, format!("{kind} {} {}, {}{people}", phase.id, phase.title, counted(phase.items.len()))));
    }
    for item in board.plan.items.values() {
        let opens = board.plan.phase(&item.phase).map(|phase| phase.at);
        let waits = board.item(&item.id).is_some_and(|state| matches!(state.progress, Progress::Waiting));
        if waits && Some(item.at) != opens && item.at < t {
            all.push((item.at, format!("{} {} · {}", item.id, item.title, who(board, item))));
        }
    }
    if clock.t0.is_none() {
        let holds = board.plan.clock.holds.iter().filter(|hold| hold.at < t);
        all.extend(holds.map(|hold| (hold.at, format!("hold: {}", hold.title))));
        all.push((Mark::T0, "T-0".to_owned()));
    }
    all.retain(|(mark, _)| *mark <= t || clock.t0.is_none());
    // The clock runs down: the greatest mark comes first.
    all.sort_by_key(|(mark, _)| std::cmp::Reverse(*mark));
    let line = |(mark, text): (Mark, String)| {
        let left = t.0 - mark.0;
        let when = match left {
            ..=0 => format!("{mark}, due"),
            // While it holds nobody knows how long that is.
            _ if clock.phase == Phase::Holding => mark.to_string(),
            _ => format!("{mark}, in {}", clock_face(left)),
        };
        Line::new(Tone::Plain, format!("{when}: {text}"))
    };
    all.into_iter().map(line).collect()
}

fn counted(items: usize) -> String {
    if items == 1 { "1 item".to_owned() } else { format!("{items} items") }
}

/// Who acts on an item.
fn who(board: &Board, item: &Item) -> String {
    let plan = &board.plan;
    let roles =
        |roles: &[crate::launch::id::RoleId]| roles.iter().map(|role| title(plan, role)).collect::<Vec<_>>().join(", ");
    let half = board.item(&item.id).is_some_and(|state| state.half.is_some());
    let armed = board.item(&item.id).is_some_and(|state| state.armed.is_some());
    match &item.act {
        Act::Manual { .. } if half => format!("{}, the second word", second::whose(plan, item)),
        Act::Manual { role: Some(role), .. } | Act::Choice { role: Some(role), .. } => title(plan, role).to_owned(),
        Act::Manual { .. } | Act::Choice { .. } => "anybody".to_owned(),
        Act::Poll { roles: all, .. } | Act::Signoff { roles: all } => roles(all),
        Act::Step { second: Second::Anyone | Second::Role(_), .. } if !armed => {
            format!("{} arms it, the operator runs it", second::whose(plan, item))
        }
        Act::Step { .. } if !item.auto => "the operator's key".to_owned(),
        Act::Step { .. } | Act::Check(_) | Act::Wait { .. } | Act::Soak(_) => "by itself".to_owned(),
    }
}

/// The roles with a power, or the operator.
fn who_may(board: &Board, power: Power) -> String {
    let able = board.plan.roles.iter().filter(|role| role.may.contains(&power)).map(|role| role.title.as_str());
    let able: Vec<&str> = able.collect();
    if able.is_empty() { "the operator".to_owned() } else { able.join(" or ") }
}
