//! The timeline: phases and built-in holds in their order, and where now is among them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::standing;
use crate::launch::time::Mark;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;

/// Columns a mark needs at least to be told from its neighbours: `○ T-78h Staging`.
const NARROWEST: usize = 16;

struct Stop {
    mark: Mark,
    glyph: &'static str,
    role: Role,
    label: String,
}

/// Draws into two lines, or into one where there is only one.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let stops = stops(view);
    if stops.is_empty() || area.is_empty() {
        return;
    }
    let t = view.board().mark_at(view.now.instant);
    // The first stop that is still to come; now is just before it.
    let next = stops.iter().position(|stop| stop.mark < t).unwrap_or(stops.len());
    let fit = (usize::from(area.width) / NARROWEST).clamp(1, stops.len());
    let first = next.saturating_sub(fit.div_ceil(2)).min(stops.len() - fit);
    let shown = &stops[first..first + fit];
    let each = usize::from(area.width) / fit;
    let now_at = next.checked_sub(first).filter(|at| *at <= fit);
    if area.height >= 2 {
        track(view, shown, each, now_at, area, buf);
        labels(view, shown, each, Rect { y: area.y + 1, height: 1, ..area }, buf);
    } else {
        one_line(view, shown, each, now_at, area, buf);
    }
    let line = Rect { height: 1, ..area };
    for (more, x) in [(first > 0, line.left()), (first + fit < stops.len(), line.right() - 1)] {
        if more {
            Row::new(view.theme).say(Role::Warned, "…").put(Rect { x, width: 1, ..line }, buf);
        }
    }
}

fn stops(view: &View<'_>) -> Vec<Stop> {
    let glyphs = view.theme.glyphs;
    let t = view.board().mark_at(view.now.instant);
    let mut stops: Vec<Stop> = view
        .plan()
        .phases
        .iter()
        .map(|phase| {
            let sign = standing::phase(view, phase);
            Stop { mark: phase.at, glyph: sign.glyph, role: sign.role, label: phase.title.clone() }
        })
        .collect();
    for hold in &view.plan().clock.holds {
        let role = if hold.at < t { Role::Muted } else { Role::Stale };
        let label = if hold.poll { format!("{} (poll)", hold.title) } else { hold.title.clone() };
        stops.push(Stop { mark: hold.at, glyph: glyphs.holding, role, label });
    }
    stops.sort_by_key(|stop| std::cmp::Reverse(stop.mark));
    stops
}

fn track(view: &View<'_>, shown: &[Stop], each: usize, now_at: Option<usize>, area: Rect, buf: &mut Buffer) {
    let glyphs = view.theme.glyphs;
    let now = "[now]";
    let mut row = Row::new(view.theme);
    for (at, stop) in shown.iter().enumerate() {
        let rest = each.saturating_sub(1);
        row = row.say(stop.role, glyphs.tick);
        if now_at == Some(at + 1) && rest > now.len() {
            let before = (rest - now.len()) / 2;
            row = row.say(stop.role, glyphs.track.repeat(before)).say(Role::Focus, now);
            row = row.say(Role::Muted, glyphs.track.repeat(rest - now.len() - before));
        } else {
            let past = now_at.is_some_and(|now| at + 1 < now);
            row = row.say(if past { stop.role } else { Role::Muted }, glyphs.track.repeat(rest));
        }
    }
    row.put(area, buf);
}

fn labels(view: &View<'_>, shown: &[Stop], each: usize, area: Rect, buf: &mut Buffer) {
    for (at, stop) in shown.iter().enumerate() {
        let x = area.x + u16::try_from(at * each).unwrap_or(0);
        let width = u16::try_from(each.saturating_sub(1)).unwrap_or(0);
        let row = Row::new(view.theme).say(stop.role, format!("{} ", stop.glyph));
        let row = row.say(Role::Plain, format!("{} ", stop.mark)).say(Role::Muted, &stop.label);
        row.put(Rect { x, width, ..area }, buf);
    }
}

fn one_line(view: &View<'_>, shown: &[Stop], each: usize, now_at: Option<usize>, area: Rect, buf: &mut Buffer) {
    for (at, stop) in shown.iter().enumerate() {
        let x = area.x + u16::try_from(at * each).unwrap_or(0);
        let width = u16::try_from(each.saturating_sub(1)).unwrap_or(0);
        let row = if now_at == Some(at) {
            Row::new(view.theme).say(Role::Focus, view.theme.glyphs.counting)
        } else {
            Row::new(view.theme).say(Role::Plain, " ")
        };
        let row = row.say(stop.role, format!("{} ", stop.glyph)).say(Role::Plain, format!("{} ", stop.mark));
        row.say(Role::Muted, &stop.label).put(Rect { x, width, ..area }, buf);
    }
}
