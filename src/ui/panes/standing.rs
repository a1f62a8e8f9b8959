//! How phases and items stand, in glyph, word and role: the one place where the checklist, the detail
//! and the timeline learn it from.

use std::time::Duration;

use super::soak;
use crate::launch::board::{ItemState, Progress};
use crate::launch::branch;
use crate::launch::gate::{self, Standing};
use crate::launch::late;
use crate::launch::plan::{Act, Item, Phase, Second};
use crate::launch::recovery::{self, Way};
use crate::launch::recurring;
use crate::launch::schedule::{Due, due, kept_by};
use crate::launch::second;
use crate::launch::verdict::Verdict;
use crate::launch::waiver;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::span;

/// Glyph, word and role of something, and what stands at its right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    pub glyph: &'static str,
    pub role: Role,
    pub words: String,
    /// Wants a person now.
    pub due: bool,
}

impl Sign {
    fn new(glyph: &'static str, role: Role, words: impl Into<String>) -> Self {
        Self { glyph, role, words: words.into(), due: false }
    }
}

/// How an item stands.
#[must_use]
pub fn item(view: &View<'_>, item: &Item, state: &ItemState) -> Sign {
    let glyphs = view.theme.glyphs;
    match &state.progress {
        Progress::Running { .. } if soak::of(view, &item.id).is_some() => soaking(view, item),
        Progress::Running { since, .. } | Progress::Intended { since } => {
            let span = span::seconds(view.now.instant.since(*since));
            let nth = state.attempt.filter(|attempt| attempt.0 > 1).map(|attempt| format!(" try {attempt}"));
            Sign::new(glyphs.running, Role::Running, format!("run {span}{}", nth.unwrap_or_default()))
        }
        Progress::Blocked { by } => {
            late(view, item, Sign::new(glyphs.blocked, Role::Unknown, format!("blocked: {by}")))
        }
        Progress::Ended { .. } => again(item, ended(view, item, state)),
        Progress::Waiting => late(view, item, waiting(view, item)),
    }
}

/// What is credited of a soak, and what is wrong with it first.
fn soaking(view: &View<'_>, item: &Item) -> Sign {
    let (role, words) = soak::of(view, &item.id)
        .map_or((Role::Running, String::new()), |(soak, ledger)| soak::words(view, soak, ledger));
    Sign::new(view.theme.glyphs.running, role, words)
}

fn ended(view: &View<'_>, item: &Item, state: &ItemState) -> Sign {
    let verdict = state.verdict(item.valid_for, view.now.instant).unwrap_or(Verdict::Unknown);
    let took = took(state).map(span::words).unwrap_or_default();
    if branch::is_over(state) {
        return Sign::new(view.theme.glyph(Verdict::Skipped), Role::Skipped, "skipped, not chosen");
    }
    // It passed when it was ready; what somebody ended since serves nobody any more.
    let living = view.board().processes.get(&item.id).filter(|known| state.attempt == Some(known.attempt));
    if verdict == Verdict::Pass && living.is_some_and(|known| known.end.as_ref().is_some_and(|end| end.asked)) {
        return Sign::new(view.theme.glyph(Verdict::Skipped), Role::Muted, "ended since");
    }
    let words = match (&state.waiver, state.acknowledged, verdict) {
        (Some(waiver), ..) => match waiver.ends_at.filter(|_| !waiver.counts(view.now.instant)) {
            Some(at) => format!("{verdict}, waiver expired {}", view.time(at).get(..5).unwrap_or_default()),
            None => format!("{verdict}, waived"),
        },
        (None, _, Verdict::Pass) if state.chosen.is_some() => {
            state.chosen.as_ref().map(|made| made.option.clone()).unwrap_or_default()
        }
        (None, true, _) => format!("{verdict}, acknowledged"),
        (None, false, _) if state.undone.is_some() => format!("{verdict}, undone"),
        (None, false, Verdict::Pass) if state.attested.is_some() => "attested".to_owned(),
        (None, false, _) if state.marked.is_some() => {
            format!("marked {}", if verdict == Verdict::Pass { "done" } else { "failed" })
        }
        (None, false, Verdict::Unknown) => unknown(view, item, state),
        (None, false, Verdict::Pass) => took,
        (None, false, _) => verdict.word().to_owned(),
    };
    Sign::new(view.theme.glyph(verdict), Role::of(verdict), words)
}

/// The keys that settle a step of unknown outcome.
fn unknown(view: &View<'_>, item: &Item, state: &ItemState) -> String {
    use crate::ui::action::Action;
    let key = |action| view.keymap.label(action).unwrap_or_default();
    let never_ran = state.outcome.as_ref().is_some_and(|outcome| outcome.never_ran);
    match recovery::way(item, state) {
        Some(Way::Key) if never_ran => format!("never ran, {} runs it", key(Action::RunAgain)),
        Some(Way::Key) => format!("unknown, {} repeats", key(Action::RunAgain)),
        Some(Way::Word) => {
            format!("unknown, {} {} {}", key(Action::MarkDone), key(Action::MarkFailed), key(Action::RunAgain))
        }
        None => Verdict::Unknown.word().to_owned(),
    }
}

/// How long the last attempt took.
#[must_use]
pub fn took(state: &ItemState) -> Option<Duration> {
    // Of an attempt that told nothing there is no time either.
    if state.outcome.as_ref().is_some_and(|outcome| outcome.is_lost() || outcome.never_ran) {
        return None;
    }
    let of_step = state.outcome.as_ref().map(|outcome| outcome.took);
    of_step.or_else(|| state.report.as_ref().map(|report| report.took))
}

fn waiting(view: &View<'_>, item: &Item) -> Sign {
    let glyphs = view.theme.glyphs;
    let board = view.board();
    match due(board, item, view.now.instant) {
        Due::NotYet { at } => Sign::new(glyphs.waiting, Role::Muted, at.to_string()),
        Due::After(other) => Sign::new(glyphs.waiting, Role::Muted, format!("after {other}")),
        Due::Captured(name) => Sign::new(glyphs.waiting, Role::Muted, format!("after baseline {name}")),
        Due::Blocked(by) => Sign::new(glyphs.blocked, Role::Unknown, format!("blocked: {by}")),
        Due::Begun => Sign::new(glyphs.running, Role::Running, "run"),
        Due::Now => match call(view, item) {
            Some(call) => Sign { due: true, ..Sign::new(glyphs.due, Role::Focus, call) },
            None => Sign::new(glyphs.waiting, Role::Muted, "starting"),
        },
    }
}

/// What waits past its mark says so before anything else, and how often nobody did it.
fn late(view: &View<'_>, item: &Item, sign: Sign) -> Sign {
    let board = view.board();
    let Some(late) = late::late(board, item, view.now.instant) else { return sign };
    let late = format!("late {}", span::seconds(late));
    let role = if sign.role == Role::Unknown { sign.role } else { Role::Warned };
    let words = match board.recurring.get(&item.id).map_or(0, |known| known.missed) {
        // The row is narrow, and the key is what helps.
        0 if sign.due => format!("{} · {late}", sign.words),
        0 => format!("{late} · {}", sign.words),
        // Of the call its key is left: the row is narrow.
        missed => format!("{late} · missed {missed} · {}", sign.words.split(' ').next().unwrap_or_default()),
    };
    Sign { role, words, ..sign }
}

/// What has ended and comes again says how often.
fn again(item: &Item, sign: Sign) -> Sign {
    let Some(every) = item.every.map(recurring::every_word) else { return sign };
    let words = if sign.words.is_empty() { every } else { format!("{} · {every}", sign.words) };
    Sign { words, ..sign }
}

/// True for items that only a person begins: asking whether they are due costs more than this.
#[must_use]
pub fn wants_person(item: &Item, state: &ItemState) -> bool {
    let person = item.act.is_persons() || (matches!(item.act, Act::Step { .. }) && !item.auto);
    person && matches!(state.progress, Progress::Waiting)
}

/// The key that a due item wants from a person, with its word.
fn call(view: &View<'_>, item: &Item) -> Option<String> {
    use crate::ui::action::Action;
    let state = view.board().item(&item.id);
    let half = state.is_some_and(|state| state.half.is_some());
    let armed = state.and_then(|state| state.armed.as_ref());
    let whose = || second::whose(view.plan(), item);
    let (action, word) = match &item.act {
        Act::Manual { .. } if half => return Some(format!("1 of 2, second: {}", whose())),
        Act::Step { second, .. } if *second != Second::None => {
            return Some(match armed {
                Some(word) => format!("armed by {} {}", word.by.name, view.time(word.at).get(..5).unwrap_or_default()),
                None => format!("to be armed: {}", whose()),
            });
        }
        Act::Manual { .. } => (Action::Attest, "attest"),
        Act::Choice { .. } => (Action::Attest, "choose"),
        Act::Poll { .. } => (Action::Vote, "vote"),
        Act::Signoff { .. } => (Action::Sign, "sign"),
        Act::Step { .. } if !item.auto => (Action::Open, "run"),
        _ => return None,
    };
    // At an attached console the key does nothing.
    if view.attached() {
        return Some(format!("due: {word}"));
    }
    Some(format!("{} {word}", view.keymap.label(action).unwrap_or_default()))
}

/// How a phase stands, with its counts.
#[must_use]
pub fn phase(view: &View<'_>, phase: &Phase) -> Sign {
    let glyphs = view.theme.glyphs;
    let standing = gate::standing(view.board(), phase, view.now.instant);
    // No row of a phase is silent about what was waived in it.
    let waivers = match standing.waivers {
        0 => String::new(),
        1 => " · 1 waiver".to_owned(),
        n => format!(" · {n} waivers"),
    };
    let plain = format!("{}/{}", standing.clear, standing.total);
    let counts = format!("{plain}{waivers}");
    if standing.running > 0 {
        return Sign::new(glyphs.running, Role::Running, format!("run {counts}"));
    }
    if standing.is_clear() && standing.total > 0 {
        if standing.passed_over == standing.total {
            return Sign::new(view.theme.glyph(Verdict::Skipped), Role::Skipped, format!("skipped {plain}"));
        }
        let waived = waiver::with(standing.waivers);
        let skipped =
            if standing.passed_over > 0 { format!(" · {} skipped", standing.passed_over) } else { String::new() };
        let marked = if standing.marked > 0 { format!(" · {} by hand", standing.marked) } else { String::new() };
        let words = format!("pass{waived} {plain}{skipped}{marked}{}", standing.taken_on_words(" · "));
        return match standing.by_word() {
            0 => Sign::new(glyphs.pass, Role::Passed, words),
            _ => Sign::new(glyphs.warn, Role::Warned, words),
        };
    }
    if let Some(sign) = worst(view, phase, &standing, &counts) {
        return sign;
    }
    let opened = view.board().phases.get(&phase.id).is_some_and(|state| state.opened.is_some());
    if opened {
        let due = phase.items.iter().filter_map(|id| Some((view.plan().item(id)?, view.board().item(id)?)));
        let due = due.filter(|(known, state)| wants_person(known, state) && item(view, known, state).due).count();
        return match due {
            0 => Sign::new(glyphs.waiting, Role::Plain, format!("open {counts}")),
            n => Sign { due: true, ..Sign::new(glyphs.due, Role::Focus, format!("{n} due {counts}")) },
        };
    }
    let reached = view.board().mark_at(view.now.instant) <= phase.at && view.board().clock.is_some();
    match kept_by(view.board(), phase, view.now.instant).filter(|_| reached) {
        Some(gate) => {
            let late = late::unopened(view.board(), phase, view.now.instant);
            let late = late.map(|late| format!("late {} · ", span::seconds(late))).unwrap_or_default();
            Sign::new(glyphs.blocked, Role::Unknown, format!("{late}blocked by {gate}"))
        }
        None => Sign::new(glyphs.waiting, Role::Muted, format!("{} {counts}", phase.at)),
    }
}

fn worst(view: &View<'_>, phase: &Phase, standing: &Standing, counts: &str) -> Option<Sign> {
    let bad = |verdict: &Verdict| !matches!(verdict, Verdict::Pass);
    let of_open = standing.blocking.iter().filter_map(|(_, verdict)| *verdict).filter(bad);
    let worst = of_open.max()?;
    // A blocked item counts as unknown; the word says which it is.
    let blocked = |id| matches!(view.board().item(id).map(|state| &state.progress), Some(Progress::Blocked { .. }));
    let all_blocked = worst == Verdict::Unknown
        && standing.blocking.iter().filter(|(_, verdict)| verdict.is_some()).all(|(id, _)| blocked(id));
    let (glyph, word) =
        if all_blocked { (view.theme.glyphs.blocked, "blocked") } else { (view.theme.glyph(worst), worst.word()) };
    let word = if phase.gate { format!("{word} {counts}") } else { format!("{word} · {counts}") };
    Some(Sign::new(glyph, Role::of(worst), word))
}
