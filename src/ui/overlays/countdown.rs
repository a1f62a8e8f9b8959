//! All of the countdown on one sheet: what the header has no room for on a small screen.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::countdown::{BUILT_IN, Countdown, Phase};
use crate::launch::slip::wall_of;
use crate::launch::time::{Instant, Mark, clock_face};
use crate::ui::action::Action;
use crate::ui::panes::header::{buys_back, early, l_face, signed};
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::{sheet, span};

/// Columns of the names at the left.
const NAMES: usize = 16;

pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let mut rows = match view.board().clock_at(view.now.instant) {
        Some(clock) => lines(view, &clock),
        None => vec![Row::new(view.theme).say(Role::Muted, " this launch has no countdown")],
    };
    rows.push(Row::new(view.theme));
    rows.push(
        Row::new(view.theme)
            .say(Role::Focus, format!(" {}", view.keymap.label(Action::Dismiss).unwrap_or_default()))
            .say(Role::Plain, " close"),
    );
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inner = sheet::sheet(sheet::middle(area, 76, height), "Countdown", "", Role::Focus, view.theme, buf);
    // Of a screen that is too small the last lines give way, never the keys.
    let cut = rows.len().saturating_sub(usize::from(inner.height));
    let keys = rows.len().saturating_sub(2);
    rows.drain(keys.saturating_sub(cut)..keys);
    sheet::rows(rows, inner, buf);
}

fn lines<'v>(view: &View<'v>, clock: &Countdown) -> Vec<Row<'v>> {
    let named = |name: &str, role: Role, text: String| {
        Row::new(view.theme).say(Role::Muted, format!(" {name}")).tab(NAMES).say(role, text)
    };
    let phase = match clock.phase {
        Phase::Counting => "counting",
        Phase::Holding => "HOLDING",
        Phase::Liftoff => "after T-0",
        Phase::Scrubbed => "SCRUBBED",
        Phase::Cutoff => "CUT OFF",
    };
    let known = if view.last_known() { ", last known" } else { "" };
    let mut rows = vec![
        named("T", Role::Title, format!("{} {phase}{known}", clock.mark().face())),
        named("L", Role::Plain, format!("{}, to the published T-0; it never stops", l_face(clock))),
        named("T-0 published", Role::Plain, at(view, clock.published)),
    ];
    if let Some(t0) = clock.t0 {
        rows.push(named("T-0 was", Role::Plain, at(view, t0)));
        rows.push(named("late", Role::Plain, signed(clock.slip())));
    }
    if let Some(projected) = clock.projected() {
        rows.push(named("T-0 projected", Role::Plain, at(view, projected)));
        let role = if clock.slip() > 0 { Role::Warned } else { Role::Plain };
        let back = match buys_back(clock) {
            Some(back) => format!(", {} of it can be bought back from the holds ahead", span::stopwatch(back)),
            None => early(clock).map(|at| format!(": resume at {} to meet it", self::at(view, at))).unwrap_or_default(),
        };
        rows.push(named("slip", role, format!("{}{back}", signed(clock.slip()))));
    }
    if let Some(latest) = clock.latest_resume().filter(|_| clock.projected().is_some()) {
        let past = latest < view.now.instant;
        let words = if past { "PAST: slip the window or scrub".to_owned() } else { left(view, latest) };
        let role = if past { Role::Danger } else { Role::Plain };
        rows.push(named("resume by", role, format!("{}, {words}", at(view, latest))));
    }
    if let Some(closes) = view.plan().clock.window_closes {
        rows.push(named("window closes", Role::Plain, view.date_with_offset(closes)));
    }
    for (who, whys) in &clock.latches {
        let why = if who == BUILT_IN { hold_words(view, clock) } else { format!("{who}: {}", whys.join(", ")) };
        rows.push(named("held by", Role::Held, why));
    }
    rows.extend(ahead(view, clock).map(|words| named("next", Role::Plain, words)));
    rows.push(named("attempt", Role::Plain, clock.attempt.to_string()));
    rows.extend(rules(view).map(|words| named("of the plan", Role::Muted, words)));
    rows
}

/// `2026-03-01 14:30:00 +02:00`
fn at(view: &View<'_>, at: Instant) -> String {
    view.date_with_offset(wall_of(at, view.now))
}

fn left(view: &View<'_>, at: Instant) -> String {
    format!("{} left", clock_face(at.0.saturating_sub(view.now.instant.0)))
}

fn hold_words(view: &View<'_>, clock: &Countdown) -> String {
    let hold = view.plan().clock.holds.iter().find(|hold| hold.at == clock.mark());
    let title = hold.map_or("built-in hold", |hold| hold.title.as_str());
    let left = clock.hold_left().unwrap_or_default();
    format!("{title}, {} left; a resume ends it", span::stopwatch(left))
}

/// The next mark of the plan, and what comes there.
fn ahead(view: &View<'_>, clock: &Countdown) -> Option<String> {
    let t = clock.mark();
    let holds = view.plan().clock.holds.iter().filter(|hold| clock.t0.is_none() && hold.at < t);
    let holds = holds.map(|hold| (hold.at, format!("{}, a hold of {}", hold.title, span::short(hold.length))));
    let phases = view.plan().phases.iter().filter(|phase| phase.at < t);
    let phases = phases.map(|phase| (phase.at, phase.title.clone()));
    let zero = (clock.t0.is_none()).then(|| (Mark::T0, "T-0".to_owned()));
    let (mark, what) = phases.chain(holds).chain(zero).max_by_key(|(mark, _)| *mark)?;
    Some(format!("{mark} {what}, {} of T away", clock_face(t.0.saturating_sub(mark.0))))
}

/// What the plan says of the terminal count and of going back, where it says anything.
fn rules(view: &View<'_>) -> Option<String> {
    let plan = &view.plan().clock;
    let most = plan.max_terminal_hold.map(|most: Duration| format!("no hold longer than {} in it", span::short(most)));
    let marks = plan.recycle.iter().rev().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let words = [
        plan.terminal.map(|mark| format!("terminal count from {mark}")),
        most,
        plan.no_hold_below.map(|mark| format!("below {mark} a cutoff")),
        (!marks.is_empty()).then(|| format!("recycle to {marks}")),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" · "))
}
