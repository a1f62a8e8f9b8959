//! `[clock]`: where the countdown starts, holds and may go back to. Everything here is optional: a plan
//! without it counts from its earliest mark to T-0 without a hold.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::reader::{Reader, mark_of, shown};
use crate::base::known::Wanted;
use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Placed, Table};
use crate::launch::plan::{BuiltInHold, T0};
use crate::launch::time::Mark;

/// A hold as written.
struct Hold {
    hold: BuiltInHold,
    /// `poll`, where the plan says it.
    poll: Option<bool>,
    span: Span,
}

impl<'a> Reader<'a> {
    pub(super) fn read_clock(&mut self, root: &Table<'a>) {
        let earliest = self.plan.marks().first().copied().unwrap_or_default().max(Mark::T0);
        self.plan.clock.start = earliest.0;
        let Some(clock) = root.table("clock") else { return };
        if let Some(start) = self.mark(&clock, "start") {
            if start.value < earliest {
                let message = format!("the launch opens at {}, and the plan begins at {earliest}", start.value);
                self.notes.report(Diagnostic::error("wrong-order", start.span, message).label("too late"));
            }
            self.plan.clock.start = start.value.0.max(earliest.0);
        }
        self.plan.clock.t0 = instant(&clock, "t0", true);
        self.plan.clock.window_closes = match instant(&clock, "window_closes", false) {
            Some(T0::At(at)) => Some(at),
            _ => None,
        };
        self.read_holds(&clock);
        self.read_recycle(&clock);
        self.plan.clock.terminal = self.mark(&clock, "terminal").map(|mark| mark.value);
        self.plan.clock.no_hold_below = self.mark(&clock, "no_hold_below").map(|mark| mark.value);
        self.plan.clock.max_terminal_hold = self.span_over_zero(&clock, "max_terminal_hold");
        self.check_terminal(&clock);
        clock.finish();
    }

    /// The last hold before T-0 is where the poll is taken, unless a hold says so itself, or nobody votes.
    fn read_holds(&mut self, clock: &Table<'a>) {
        let mut holds: Vec<Hold> = Vec::new();
        for table in clock.tables("holds") {
            if !table.has("at") {
                table.missing("at", "`at = \"T-10m\"`");
            }
            if !table.has("for") {
                table.missing("for", "`for = \"10m\"`");
            }
            let at = self.mark(&table, "at");
            let length = self.span_over_zero(&table, "for");
            let title = table.text("title").map(|text| shown(&text));
            let poll = table.flag("poll");
            table.finish();
            let (Some(at), Some(length)) = (at, length) else { continue };
            if let Some(wrong) = self.misplaced(&at, &holds) {
                self.notes.report(wrong);
                continue;
            }
            let title = title.unwrap_or_else(|| format!("Hold at {}", at.value));
            let hold = BuiltInHold { at: at.value, length, title, poll: false };
            holds.push(Hold { hold, poll, span: at.span });
        }
        holds.sort_by_key(|hold| std::cmp::Reverse(hold.hold.at));
        let said = holds.iter().any(|hold| hold.poll == Some(true));
        let last = holds.len().saturating_sub(1);
        let votes = !self.plan.poll.is_empty();
        for (index, mut hold) in holds.into_iter().enumerate() {
            if hold.poll == Some(true) && !votes {
                let message = "a poll hold, and nobody votes";
                let wrong = Diagnostic::error("no-poll", hold.span, message);
                self.notes.report(wrong.help("give a role `votes = true`, or the hold `poll = false`"));
            }
            hold.hold.poll = hold.poll.unwrap_or(index == last && votes && !said);
            self.plan.clock.holds.push(hold.hold);
        }
    }

    fn misplaced(&self, at: &Placed<Mark>, before: &[Hold]) -> Option<Diagnostic> {
        let start = self.plan.clock.start;
        if at.value <= Mark::T0 {
            let message = format!("a hold at {}: after T-0 there is no hold", at.value);
            return Some(Diagnostic::error("wrong-value", at.span, message));
        }
        if at.value.0 > start {
            let message = format!("a hold at {}, before the launch opens at {}", at.value, Mark(start));
            return Some(Diagnostic::error("wrong-order", at.span, message));
        }
        let same = before.iter().find(|hold| hold.hold.at == at.value)?;
        let wrong = Diagnostic::error("duplicate-hold", at.span, format!("two holds at {}", at.value));
        Some(wrong.also(same.span, "the first"))
    }

    fn read_recycle(&mut self, clock: &Table<'a>) {
        for asked in clock.texts("recycle") {
            let start = self.plan.clock.start;
            match mark_of(&asked.value) {
                Ok(mark) if mark > Mark::T0 && mark.0 <= start => {
                    self.plan.clock.recycle.insert(mark);
                }
                Ok(mark) => {
                    let message = format!("recycle to {mark}: not between {} and T-0", Mark(start));
                    clock.wrong_value(asked.span, message);
                }
                Err(why) => clock.wrong_value(asked.span, why),
            }
        }
    }

    fn check_terminal(&self, clock: &Table<'a>) {
        let (terminal, no_hold) = (self.plan.clock.terminal, self.plan.clock.no_hold_below);
        for (name, mark) in [("terminal", terminal), ("no_hold_below", no_hold)] {
            if mark.is_some_and(|mark| mark < Mark::T0) {
                let at = clock.plain(if name == "terminal" { "terminal" } else { "no_hold_below" });
                let span = at.map_or(clock.span, |placed| placed.span);
                clock.wrong_value(span, format!("`{name}` after T-0: the terminal count ends there"));
            }
        }
        if let (Some(terminal), Some(no_hold)) = (terminal, no_hold)
            && no_hold > terminal
        {
            let span = clock.plain("no_hold_below").map_or(clock.span, |placed| placed.span);
            clock.wrong_value(span, format!("no hold below {no_hold}, before the terminal count begins at {terminal}"));
        }
    }
}

/// An instant: RFC 3339 as a string or a TOML date, or `now + 90m` where that is allowed.
fn instant(clock: &Table<'_>, key: &'static str, from_now: bool) -> Option<T0> {
    clock.learn(key, Wanted::Text);
    let Placed { value, span } = clock.plain(key)?;
    let wrong = || {
        let how = if from_now { "2026-03-01T14:00:00Z or \"now + 2h\"" } else { "2026-03-01T14:00:00Z" };
        clock.wrong_value(span, format!("`{key}` is no instant: write {how}"));
        None
    };
    let Value::String(text) = value else { return wrong() };
    if let Ok(at) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Some(T0::At(at.with_timezone(&Utc)));
    }
    let after_now =
        text.trim().strip_prefix("now").map(|rest| rest.trim_start().strip_prefix('+').unwrap_or("").trim());
    match after_now.filter(|_| from_now).map(humantime::parse_duration) {
        Some(Ok(span)) if span <= Duration::from_secs(366 * 86_400) => Some(T0::In(span)),
        _ => wrong(),
    }
}
