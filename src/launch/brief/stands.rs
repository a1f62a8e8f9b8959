//! Where the launch stands: the countdown and why it holds, GO or not, the gates with their counts, and
//! what is red or waived just now.

use super::{Line, Tone};
use crate::launch::board::Board;
use crate::launch::countdown::{BUILT_IN, Countdown, Phase};
use crate::launch::criteria::{self, Standing};
use crate::launch::event::RollbackEnd;
use crate::launch::people::called;
use crate::launch::plan::GoStage;
use crate::launch::time::Instant;
use crate::launch::trigger::{Stage, TriggerState};
use crate::launch::verdict::Verdict;
use crate::launch::{gate, incident, poll};

/// Reasons of one line; the panes have the rest.
const REASONS: usize = 3;

pub(super) fn lines(board: &Board, now: Instant) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |tone, text: String| lines.push(Line::new(tone, text));
    if let Some(why) = &board.ended {
        say(Tone::Warn, format!("the launch has ended: {why}"));
    }
    if let Some(why) = &board.unwritten {
        say(Tone::Bad, why.clone());
    }
    let clock = board.clock_at(now);
    match &clock {
        Some(clock) => countdown(board, clock, &mut say),
        None => say(Tone::Plain, "there is no countdown".into()),
    }
    if let Some(why) = &board.frozen {
        say(Tone::Bad, format!("FROZEN: {why}; only a rollback runs"));
    }
    if let Some(run) = board.last_rollback() {
        let (tone, word) = match &run.end {
            None => (Tone::Bad, "is under way"),
            Some(end @ RollbackEnd::Verified) => (Tone::Good, end.words()),
            Some(end) => (Tone::Bad, end.words()),
        };
        say(tone, format!("rollback {} #{}: {word}", run.id, run.run));
    }
    for known in incident::by_weight(board).into_iter().filter(|known| known.is_open()) {
        let severity = known.severity.as_ref().map_or("without severity", |severity| severity.as_str());
        let commander = known.commander.as_deref().map_or_else(|| "nobody commands".to_owned(), str::to_owned);
        let stage = known.stage.word().to_uppercase();
        say(Tone::Bad, format!("incident {} {severity} {stage}: {} · {commander}", known.number, known.title));
    }
    if clock.is_some_and(|clock| clock.t0.is_none()) {
        let tally = poll::tally(board, now);
        let (go, of) = (tally.go, tally.votes.len());
        match tally.blocking.as_slice() {
            [] => say(Tone::Good, format!("GO, {go} of {of} votes")),
            blocking => say(Tone::Bad, format!("NO-GO, {go} of {of} votes: {}", few(blocking))),
        }
    }
    for (stage, words) in
        [(GoStage::Launch, "criteria before T-0"), (GoStage::Observed, "criteria of what is observed")]
    {
        criteria_of(board, stage, words, now, &mut say);
    }
    for phase in &board.plan.phases {
        let opened = board.phases.get(&phase.id).is_some_and(|state| state.opened.is_some());
        let standing = gate::standing(board, phase, now);
        if !opened && !phase.gate {
            continue;
        }
        let kind = if phase.gate { "gate" } else { "phase" };
        let counts = format!("{}/{}", standing.clear, standing.total);
        let bad = standing.blocking.iter().filter_map(|(id, verdict)| Some(format!("{id} {}", (*verdict)?)));
        let bad: Vec<String> = bad.collect();
        let waived = if standing.waivers > 0 { format!(" with {} waived", standing.waivers) } else { String::new() };
        let (tone, word) = match (standing.is_clear(), bad.is_empty()) {
            (true, _) if standing.by_word() > 0 => {
                (Tone::Warn, format!("passed {counts}{waived}{}", standing.taken_on_words(", ")))
            }
            (true, _) => (Tone::Good, format!("passed {counts}")),
            (false, false) => (Tone::Bad, format!("{counts}{waived}: {}", few(&bad))),
            (false, true) if opened => (Tone::Plain, format!("open {counts}{waived}")),
            (false, true) => (Tone::Plain, format!("opens at {}, {counts}", phase.at)),
        };
        say(tone, format!("{kind} {} {word}", phase.id));
    }
    for (id, monitor) in board.monitors.iter().filter(|(_, change)| change.verdict != Verdict::Pass) {
        say(Tone::Bad, format!("monitor {id} is {}: {}", monitor.verdict, monitor.why));
    }
    for (id, known) in board.objectives.iter().filter(|(_, known)| known.verdict != Verdict::Pass) {
        say(Tone::Bad, format!("objective {id} is {}: {}", known.verdict, known.why));
    }
    for (id, known) in &board.triggers {
        if let Some((tone, words)) = trigger(board, known) {
            say(tone, format!("trigger {id} {words}"));
        }
    }
    let order = board.plan.phases.iter().flat_map(|phase| &phase.items);
    for (id, waiver) in order.filter_map(|id| Some((id, board.item(id)?.waiver.as_ref()?))) {
        // One that ended says so where its item stands red.
        if !waiver.counts(now) {
            continue;
        }
        let until = waiver.ends_at.map(|at| at.format(", until %m-%d %H:%M UTC").to_string()).unwrap_or_default();
        say(Tone::Warn, format!("{id} is waived by {}: {}{until}", called(&board.plan, &waiver.by), waiver.reason));
    }
    lines
}

/// What is to be known of a trigger that fired.
fn trigger(board: &Board, known: &TriggerState) -> Option<(Tone, String)> {
    Some(match &known.stage {
        Stage::Quiet => return None,
        Stage::Fired { why, starts: Some(_), .. } => {
            (Tone::Bad, format!("FIRED, its rollback starts by itself: {why}"))
        }
        Stage::Fired { why, starts: None, .. } => (Tone::Bad, format!("FIRED and waits for a person: {why}")),
        Stage::Started { .. } => (Tone::Bad, "fired, and a rollback was begun for it or joined".to_owned()),
        Stage::Vetoed { by, why, .. } => (Tone::Warn, format!("was vetoed by {}: {why}", called(&board.plan, by))),
        Stage::Acknowledged { by, .. } => (Tone::Warn, format!("was taken on by {}", called(&board.plan, by))),
    })
}

/// How many criteria of a stage stand in the way no more, and what the others say.
fn criteria_of(board: &Board, stage: GoStage, words: &str, now: Instant, say: &mut impl FnMut(Tone, String)) {
    let of: Vec<Standing> = criteria::of_stage(board, stage, now).map(|(_, standing)| standing).collect();
    if of.is_empty() {
        return;
    }
    let counts = format!("{} of {}", of.iter().filter(|standing| standing.is_clear()).count(), of.len());
    let waived = criteria::waived(board, stage, now);
    let against = criteria::blocks(board, stage, now);
    let bad = of.iter().any(|standing| !standing.is_clear() && standing.verdict.is_some());
    match (against.is_empty(), bad) {
        (true, _) if waived.is_empty() => say(Tone::Good, format!("{words}: {counts}")),
        (true, _) => say(Tone::Warn, format!("{words}: {counts}")),
        (false, true) => say(Tone::Bad, format!("{words}: {counts}: {}", few(&against))),
        (false, false) => say(Tone::Plain, format!("{words}: {counts}: {}", few(&against))),
    }
    for word in waived {
        say(Tone::Warn, format!("criterion {word}"));
    }
}

fn countdown(board: &Board, clock: &Countdown, say: &mut impl FnMut(Tone, String)) {
    let mark = clock.mark();
    let t = mark.face();
    match clock.phase {
        Phase::Counting => say(Tone::Plain, format!("counting, {t}")),
        Phase::Liftoff => say(Tone::Plain, format!("after T-0, {t}")),
        Phase::Scrubbed => say(Tone::Bad, format!("SCRUBBED at {t}")),
        Phase::Cutoff => say(Tone::Bad, format!("CUT OFF at {t}")),
        Phase::Holding => {
            let why = |(who, whys): (&String, &Vec<String>)| {
                if who == BUILT_IN {
                    let hold = board.plan.clock.holds.iter().find(|hold| hold.at == mark);
                    return hold.map_or("the built-in hold", |hold| hold.title.as_str()).to_owned();
                }
                format!("{who}: {}", whys.join(", "))
            };
            let reasons: Vec<String> = clock.latches.iter().map(why).collect();
            let reasons = if reasons.is_empty() { "every hold is released".to_owned() } else { reasons.join(" · ") };
            say(Tone::Warn, format!("HOLDING at {t}: {reasons}"));
        }
    }
}

fn few(all: &[String]) -> String {
    let shown = all.iter().take(REASONS).map(String::as_str).collect::<Vec<_>>().join("; ");
    match all.len().saturating_sub(REASONS) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
