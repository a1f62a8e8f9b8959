//! The head of the screen: what is launched, the countdown, the verdict, who is at the keys; and the
//! band that says why nothing counts, or that something is very wrong.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{alarms, incidents};
use crate::launch::countdown::{BUILT_IN, Countdown, Phase, ROLLBACK};
use crate::launch::event::{Mode, RollbackEnd};
use crate::launch::lost::LATCH;
use crate::launch::poll;
use crate::launch::rollback::RollbackRun;
use crate::launch::slip::wall_of;
use crate::launch::time::{Instant, hours_face};
use crate::launch::verdict::Verdict;
use crate::launch::waiver;
use crate::ui::action::Action;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::{sheet, span};

/// Lines under the header at most.
pub const BANDS: usize = 4;

/// The line under the header, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    pub role: Role,
    pub text: String,
}

/// Draws two lines: what is launched and its verdict, and the countdown.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let clock = view.board().clock_at(view.now.instant);
    verdict(title(view), view).put(area, buf);
    let who = format!("{} ", who(view));
    let room = usize::from(area.width).saturating_sub(who.width() + 1);
    let row = countdown(Row::new(view.theme).say(Role::Plain, " "), view, clock.as_ref(), room);
    row.right(Role::Muted, who).put(Rect { y: area.y + 1, height: 1, ..area }.intersection(area), buf);
}

/// The countdown alone, for a screen that has room for nothing else.
pub fn draw_small(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let clock = view.board().clock_at(view.now.instant);
    let first = stamp(Row::new(view.theme), view);
    let room = usize::from(area.width);
    sheet::rows([countdown(first, view, clock.as_ref(), room), verdict(Row::new(view.theme), view)], area, buf);
}

fn title<'v>(view: &View<'v>) -> Row<'v> {
    let plan = view.plan();
    // The stamp takes the program's place.
    let program = if view.attached() { "" } else { " tminus " };
    let row = stamp(Row::new(view.theme).say(Role::Muted, program), view);
    let row = row.say(Role::Title, &plan.title);
    let row = if plan.environment.is_empty() { row } else { row.say(Role::Muted, format!(" · {}", plan.environment)) };
    match view.board().revisions.number {
        1 => row,
        number => row.say(Role::Held, format!(" · plan rev {number}")),
    }
}

/// A rehearsal is never mistaken for a launch, nor a console that watches for the one that acts.
fn stamp<'v>(row: Row<'v>, view: &View<'v>) -> Row<'v> {
    let word = if view.replayed().is_some() { " REPLAY " } else { " ATTACHED " };
    let row = if view.attached() { row.say(Role::Held, word).say(Role::Plain, " ") } else { row };
    if view.board().mode != Mode::Rehearsal {
        return row;
    }
    row.say(Role::Held, " REHEARSAL ").say(Role::Plain, " ")
}

fn who(view: &View<'_>) -> String {
    if view.replayed().is_some() {
        return "nobody acts".to_owned();
    }
    let watching = if view.attached() { "watching as " } else { "" };
    match view.role.and_then(|role| view.plan().role(role)) {
        Some(role) if view.acting => format!("{watching}{} as {}", view.operator, role.title),
        Some(role) => format!("{watching}{} · {}", view.operator, role.title),
        None => format!("{watching}{}", view.operator),
    }
}

/// T and how it goes always; what else fits into `room` columns, the most important first.
fn countdown<'v>(row: Row<'v>, view: &View<'v>, clock: Option<&Countdown>, room: usize) -> Row<'v> {
    let Some(clock) = clock else {
        let words = if view.board().seq == 0 { "the launch is being opened" } else { "no countdown" };
        return row.say(Role::Muted, words);
    };
    let glyphs = view.theme.glyphs;
    let (role, sign) = match clock.phase {
        // Whether it counts on, nobody told.
        Phase::Counting | Phase::Liftoff if view.last_known() => {
            (Role::Stale, format!("{} last known", view.theme.glyph(Verdict::Stale)))
        }
        Phase::Counting => (Role::Running, format!("{} counting", glyphs.counting)),
        Phase::Holding => (Role::Held, format!("{} HOLDING", glyphs.holding)),
        Phase::Liftoff => (Role::Passed, format!("{} after T-0", glyphs.counting)),
        Phase::Scrubbed => (Role::Danger, "SCRUBBED".to_owned()),
        Phase::Cutoff => (Role::Danger, "CUT OFF".to_owned()),
    };
    let mut row = match view.board().ended {
        // Nothing counts any more, whatever T would be.
        Some(_) => row.say(Role::Held, "ENDED"),
        None => row.say(Role::Title, clock.mark().face()).say(Role::Plain, " ").say(role, sign),
    };
    for (role, part) in parts(view, clock) {
        let longer = row.clone().say(role, format!("  {part}"));
        if longer.width() > room {
            break;
        }
        row = longer;
    }
    row
}

/// What is told of the countdown beside T. A small screen shows the first of it, and all on its own sheet.
fn parts(view: &View<'_>, clock: &Countdown) -> Vec<(Role, String)> {
    let at = |at: Instant| view.time_with_offset(wall_of(at, view.now));
    let slip = clock.slip();
    if let Some(t0) = clock.t0 {
        return vec![(Role::Muted, format!("late {}", signed(slip))), (Role::Muted, format!("T-0 was {}", at(t0)))];
    }
    let slipped = if slip > 0 { Role::Warned } else { Role::Muted };
    let mut parts = vec![(Role::Muted, l_face(clock)), (slipped, format!("slip {}", signed(slip)))];
    let Some(projected) = clock.projected() else { return parts };
    parts.push((Role::Muted, format!("T-0 {}", at(projected))));
    if let Some(latest) = clock.latest_resume() {
        let past = latest < view.now.instant;
        let (role, word) = if past { (Role::Danger, " PAST") } else { (Role::Muted, "") };
        parts.push((role, format!("resume by {}{word}", view.time_or_day(wall_of(latest, view.now)))));
    }
    if slip.abs() >= 1000 {
        parts.push((Role::Muted, format!("published {}", view.time_or_day(wall_of(clock.published, view.now)))));
    }
    parts
        .extend(early(clock).map(|on| (Role::Muted, format!("resume at {}", view.time_or_day(wall_of(on, view.now))))));
    parts.extend(buys_back(clock).map(|back| (Role::Muted, format!("{} to buy back", span::stopwatch(back)))));
    if clock.attempt > 1 {
        parts.push((Role::Warned, format!("attempt {}", clock.attempt)));
    }
    parts
}

/// When a hold is to end that T-0 comes as late as it was published for.
#[must_use]
pub fn early(clock: &Countdown) -> Option<Instant> {
    let early = clock.phase == Phase::Holding && clock.slip() <= -1000;
    early.then(|| Instant(clock.now.0.saturating_sub(clock.slip())))
}

/// `L-00:24:32`: to the published T-0, whatever holds.
#[must_use]
pub fn l_face(clock: &Countdown) -> String {
    let l = clock.l();
    format!("L{}{}", if l >= 0 { '-' } else { '+' }, hours_face(l))
}

/// How much of the slip shortening the built-in holds ahead could win back.
#[must_use]
pub fn buys_back(clock: &Countdown) -> Option<Duration> {
    let back = clock.hold_credit().min(clock.slip());
    u64::try_from(back).ok().filter(|back| *back >= 1000).map(Duration::from_millis)
}

/// `+0:00`, `+12:30`.
#[must_use]
pub fn signed(ms: i64) -> String {
    let sign = if ms < 0 { '-' } else { '+' };
    format!("{sign}{}", span::stopwatch(Duration::from_millis(ms.unsigned_abs())))
}

fn verdict<'v>(row: Row<'v>, view: &View<'v>) -> Row<'v> {
    // Before the launch has begun nothing can be watched.
    let blind = alarms::unwatched(view).filter(|_| view.board().seq > 0);
    let row = blind.into_iter().fold(row, |row, words| row.right(Role::Warned, format!("{words}  ")));
    if view.board().clock.is_none() {
        return row;
    }
    let tally = poll::tally(view.board(), view.now.instant);
    let role = if tally.is_go() { Role::Passed } else { Role::Failed };
    // What may be long past is no GO to act on.
    let role = if view.last_known() { Role::Stale } else { role };
    let waived = waiver::with(u32::try_from(tally.waivers).unwrap_or(u32::MAX));
    row.right(role, tally.words()).right(Role::Warned, waived).right(role, " ")
}

/// What must be seen from the far end of the room, or at least be read: an emergency, an incident, then why
/// the countdown holds.
#[must_use]
pub fn bands(view: &View<'_>) -> Vec<Band> {
    let held = view.board().clock_at(view.now.instant).and_then(|clock| holds(view, &clock));
    // An alarm hides no emergency: a rollback goes on whoever is heard of.
    let alarms = view.snapshot.taken_over.iter().chain(&view.snapshot.alarm).cloned();
    let alarms = silence(view).into_iter().chain(alarms).map(|text| Band { role: Role::Danger, text });
    let fired = alarms::fired(view);
    alarms.chain(fired).chain(emergency(view)).chain(incidents::band(view)).chain(held).take(BANDS).collect()
}

/// Nothing moves what is seen. What matters most comes first: a narrow screen cuts the rest.
fn silence(view: &View<'_>) -> Option<String> {
    let silent = span::stopwatch(view.silent?);
    let key = view.keymap.label(Action::Rollback).unwrap_or_default();
    Some(match (view.board().seq, view.attached()) {
        (0, false) => format!("NOT OPEN after {silent}: its disk does not answer yet, nothing runs from here"),
        (_, true) => {
            format!("NOTHING NEW for {silent}: T is the last known · this console reads nothing · {key} rolls back")
        }
        (_, false) => format!(
            "STANDS STILL for {silent}: T is the last known · this console's loop does not answer · {key} rolls back \
             without it"
        ),
    })
}

fn emergency(view: &View<'_>) -> Option<Band> {
    let board = view.board();
    let danger = |text: String| Some(Band { role: Role::Danger, text });
    if let Some(run) = board.rolling_back() {
        let deadline = view.plan().rollback(&run.id).map(|rollback| rollback.deadline).unwrap_or_default();
        let elapsed = run.elapsed(view.now.instant);
        let late = if elapsed > deadline { " · PAST ITS DEADLINE" } else { "" };
        let times = format!("{} of {}{late}", span::stopwatch(elapsed), span::stopwatch(deadline));
        let waits = run.waits().next().map_or_else(String::new, |wait| {
            let since = span::stopwatch(view.now.instant.since(wait.since));
            format!(" · WAITS FOR {} {since}: {}", wait.role, wait.step)
        });
        return danger(format!("ROLLBACK {} RUNNING · {times}{waits} · {}", run.id, run.why));
    }
    if let Some(why) = &board.frozen {
        let key = view.keymap.label(Action::Release).unwrap_or_default();
        let lost = why.starts_with(LATCH).then(|| format!(" · look at its source; {key} goes on without it"));
        return danger(format!("FROZEN · {why}{} · only a rollback runs", lost.unwrap_or_default()));
    }
    let clock = board.clock_at(view.now.instant)?;
    match clock.phase {
        Phase::Cutoff => return danger("CUT OFF short of T-0 · recycle or scrub".into()),
        Phase::Scrubbed => return danger("SCRUBBED · this attempt is over".into()),
        _ => {}
    }
    // Once a person has let go of its hold, it is taken on; one that proved nothing stays in sight.
    let taken_on = |run: &RollbackRun| {
        let counts = match clock.phase {
            Phase::Counting => true,
            Phase::Holding => !clock.latches.contains_key(ROLLBACK),
            _ => clock.t0.is_some_and(|t0| run.requested < t0),
        };
        // Where nobody counts that is heard of, nobody let it go on either.
        run.end == Some(RollbackEnd::Verified) && !view.last_known() && (counts || board.ended.is_some())
    };
    if let Some(run) = board.last_rollback().filter(|run| !taken_on(run)) {
        let ended = run.end.as_ref().map_or("", RollbackEnd::words).to_uppercase();
        let role = if run.end == Some(RollbackEnd::Verified) { Role::Held } else { Role::Danger };
        let took = run.took.map(span::words).unwrap_or_default();
        let over = board.ended.as_ref().map(|why| format!(" · THE LAUNCH HAS ENDED · {why}")).unwrap_or_default();
        return Some(Band { role, text: format!("ROLLBACK {} {ended} after {took}{over}", run.id) });
    }
    board.ended.as_ref().map(|why| Band { role: Role::Held, text: format!("THE LAUNCH HAS ENDED · {why}") })
}

fn holds(view: &View<'_>, clock: &Countdown) -> Option<Band> {
    if clock.phase != Phase::Holding {
        return None;
    }
    let mut reasons = Vec::new();
    for (who, whys) in &clock.latches {
        if who == BUILT_IN {
            let hold = view.plan().clock.holds.iter().find(|hold| hold.at == clock.mark());
            let title = hold.map_or("built-in hold", |hold| hold.title.as_str());
            let left = clock.hold_left().unwrap_or_default();
            let left = if left.is_zero() { "time is up".into() } else { format!("{} left", span::stopwatch(left)) };
            reasons.push(format!("{title}, {left}"));
        } else {
            let more = alarms::lost(who, view).map(|more| format!(" · {more}")).unwrap_or_default();
            reasons.push(format!("{who}: {}{more}", whys.join(", ")));
        }
    }
    if reasons.is_empty() {
        let key = view.keymap.label(Action::Release).unwrap_or_default();
        let who = if view.attached() { "the operator's console".to_owned() } else { key };
        reasons.push(format!("every hold is released; {who} resumes"));
    }
    Some(Band { role: Role::Held, text: format!("{} HOLD · {}", view.theme.glyphs.holding, reasons.join(" · ")) })
}

/// Draws a band over the whole width.
pub fn draw_band(band: &Band, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let style = view.theme.style(band.role);
    sheet::band(area, style, buf);
    Row::new(view.theme).say(band.role, format!(" {}", band.text)).over(style).put(area, buf);
}
