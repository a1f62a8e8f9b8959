//! The head of the screen: what is launched, the countdown, the verdict, who is at the keys; and the
//! band that says why nothing counts, or that something is very wrong.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::countdown::{BUILT_IN, Countdown, Phase};
use crate::launch::event::{Mode, RollbackEnd};
use crate::launch::poll;
use crate::launch::time::{Mark, clock_face};
use crate::launch::verdict::Verdict;
use crate::ui::action::Action;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::{sheet, span};

/// The line under the header, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    pub role: Role,
    pub text: String,
}

/// Columns that a title is never cut below: room for its stamps.
const STAMPED: usize = 32;

/// Draws one line where it is wide enough, else two.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let clock = view.board().clock_at(view.now.instant);
    if area.height >= 2 {
        verdict(title(view), view).put(area, buf);
        let who = format!("{} ", who(view));
        let start = Row::new(view.theme).say(Role::Plain, " ");
        let full = countdown(start.clone(), view, clock.as_ref(), true).right(Role::Muted, &who);
        let fits = full.whole_width() < usize::from(area.width);
        let row = if fits { full } else { countdown(start, view, clock.as_ref(), false).right(Role::Muted, &who) };
        row.put(Rect { y: area.y + 1, height: 1, ..area }, buf);
        return;
    }
    let tail = verdict(Row::new(view.theme), view).right(Role::Muted, format!("  {} ", who(view)));
    let room = usize::from(area.width).saturating_sub(tail.whole_width() + 1);
    // Above all the countdown; of the title what is left, and its stamps.
    let counts = countdown(Row::new(view.theme), view, clock.as_ref(), false).width();
    let title = title(view).at_most((room / 2).min(room.saturating_sub(counts + 3)).max(STAMPED));
    let row = title.say(Role::Plain, "   ");
    // Where not everything fits, the projected T-0 goes first.
    let full = countdown(row.clone(), view, clock.as_ref(), true);
    let row = if full.width() <= room { full } else { countdown(row, view, clock.as_ref(), false) };
    verdict(row, view).right(Role::Muted, format!("  {} ", who(view))).put(area, buf);
}

/// The countdown alone, for a screen that has room for nothing else.
pub fn draw_small(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let clock = view.board().clock_at(view.now.instant);
    let first = stamp(Row::new(view.theme), view);
    sheet::rows([countdown(first, view, clock.as_ref(), false), verdict(Row::new(view.theme), view)], area, buf);
}

fn title<'v>(view: &View<'v>) -> Row<'v> {
    let plan = view.plan();
    // The stamp takes the program's place.
    let program = if view.attached() { "" } else { " tminus " };
    let row = stamp(Row::new(view.theme).say(Role::Muted, program), view);
    let row = row.say(Role::Title, &plan.title);
    if plan.environment.is_empty() { row } else { row.say(Role::Muted, format!(" · {}", plan.environment)) }
}

/// A rehearsal is never mistaken for a launch, nor a console that watches for the one that acts.
fn stamp<'v>(row: Row<'v>, view: &View<'v>) -> Row<'v> {
    let row = if view.attached() { row.say(Role::Held, " ATTACHED ").say(Role::Plain, " ") } else { row };
    if view.board().mode != Mode::Rehearsal {
        return row;
    }
    row.say(Role::Held, " REHEARSAL ").say(Role::Plain, " ")
}

fn who(view: &View<'_>) -> String {
    let watching = if view.attached() { "watching as " } else { "" };
    match view.role.and_then(|role| view.plan().role(role)) {
        Some(role) => format!("{watching}{} · {}", view.operator, role.title),
        None => format!("{watching}{}", view.operator),
    }
}

/// `T-00:14:32` or `T+00:00:05`: rounded up before T-0 and down after it, so that zero is liftoff.
#[must_use]
pub fn t_face(mark: Mark) -> String {
    if mark.0 > 0 { format!("T-{}", clock_face(mark.0)) } else { format!("T+{}", clock_face(mark.0 / 1000 * 1000)) }
}

fn countdown<'v>(row: Row<'v>, view: &View<'v>, clock: Option<&Countdown>, projected: bool) -> Row<'v> {
    let Some(clock) = clock else { return row.say(Role::Muted, "no countdown") };
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
    let row = row.say(Role::Title, t_face(clock.mark())).say(Role::Plain, " ").say(role, sign);
    if clock.t0.is_some() {
        return row.say(Role::Muted, format!("  late {}", signed(clock.slip())));
    }
    let l = clock.l();
    let sign = if l >= 0 { '-' } else { '+' };
    let row = row.say(Role::Muted, format!("  L{sign}{}", clock_face(l)));
    let slip = clock.slip();
    let row = row.say(if slip > 0 { Role::Warned } else { Role::Muted }, format!("  slip {}", signed(slip)));
    match clock.projected().filter(|_| projected) {
        Some(at) => {
            let wall = view.now.wall + chrono::TimeDelta::milliseconds(at.0 - view.now.instant.0);
            row.say(Role::Muted, format!("  T-0 {}", view.time_with_offset(wall)))
        }
        None => row,
    }
}

/// `+0:00`, `+12:30`.
fn signed(ms: i64) -> String {
    let sign = if ms < 0 { '-' } else { '+' };
    format!("{sign}{}", span::stopwatch(std::time::Duration::from_millis(ms.unsigned_abs())))
}

fn verdict<'v>(row: Row<'v>, view: &View<'v>) -> Row<'v> {
    if view.board().clock.is_none() {
        return row;
    }
    let tally = poll::tally(view.board(), view.now.instant);
    let role = if tally.is_go() { Role::Passed } else { Role::Failed };
    // What may be long past is no GO to act on.
    let role = if view.last_known() { Role::Stale } else { role };
    row.right(role, format!("{} ", tally.words()))
}

/// What must be seen from the far end of the room, or at least be read: an emergency, then why the
/// countdown holds.
#[must_use]
pub fn bands(view: &View<'_>) -> Vec<Band> {
    let held = view.board().clock_at(view.now.instant).and_then(|clock| holds(view, &clock));
    // An alarm hides no emergency: a rollback goes on whoever is heard of.
    let alarms = view.snapshot.taken_over.iter().chain(&view.snapshot.alarm).cloned();
    let alarms = silence(view).into_iter().chain(alarms).map(|text| Band { role: Role::Danger, text });
    alarms.chain(emergency(view)).chain(held).take(2).collect()
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
        return danger(format!("FROZEN · {why} · only a rollback runs"));
    }
    let clock = board.clock_at(view.now.instant)?;
    match clock.phase {
        Phase::Cutoff => return danger("CUT OFF short of T-0 · recycle or scrub".into()),
        Phase::Scrubbed => return danger("SCRUBBED · this attempt is over".into()),
        _ => {}
    }
    if let Some(run) = board.last_rollback() {
        let ended = run.end.as_ref().map_or("", RollbackEnd::words).to_uppercase();
        let role = if run.end == Some(RollbackEnd::Verified) { Role::Held } else { Role::Danger };
        let took = run.took.map(span::words).unwrap_or_default();
        return Some(Band { role, text: format!("ROLLBACK {} {ended} after {took}", run.id) });
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
            reasons.push(format!("{who}: {}", whys.join(", ")));
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
