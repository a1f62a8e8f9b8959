//! Where things are: three arrangements by size, and the zoom. Pure arithmetic on areas.

use ratatui::layout::{Constraint, Layout, Rect};

use super::state::{Pane, State};

/// Lines that may stand under the header.
const BANDS: u16 = super::panes::header::BANDS as u16;

/// Below this size only what an emergency needs is drawn.
pub const SMALLEST: (u16, u16) = (60, 16);
/// From this size on every pane has its place at once.
pub const WIDE: (u16, u16) = (110, 30);

/// The areas of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub header: Rect,
    pub bands: Rect,
    pub timeline: Rect,
    /// A line for each soak that runs.
    pub soaks: Rect,
    pub panes: Vec<(Pane, Rect)>,
    pub bar: Rect,
    pub footer: Rect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    TooSmall,
    Narrow,
    Wide,
}

#[must_use]
pub fn size(area: Rect) -> Size {
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        Size::TooSmall
    } else if area.width < WIDE.0 || area.height < WIDE.1 {
        Size::Narrow
    } else {
        Size::Wide
    }
}

/// Where everything goes; `bands` is how many lines there are to say under the header, `soaks` how many soaks run,
/// `watched` that there is more to watch than monitors.
#[must_use]
pub fn places(state: &State, area: Rect, bands: usize, soaks: usize, watched: bool) -> Places {
    let wide = size(area) == Size::Wide;
    let rows = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(u16::try_from(bands).unwrap_or(0).min(BANDS)),
        Constraint::Length(if wide { 2 } else { 1 }),
        Constraint::Length(u16::try_from(soaks).unwrap_or(0).min(if wide { 2 } else { 1 })),
        Constraint::Min(3),
        Constraint::Length(1),
        Constraint::Length(1),
    ]);
    let [header, bands, timeline, soaks, body, bar, footer] = rows.areas(area);
    let panes = match (state.zoom, wide) {
        (true, _) => vec![(state.focus, body)],
        (false, true) => everything(state, watched, body),
        (false, false) => beside(state, body),
    };
    Places { header, bands, timeline, soaks, panes, bar, footer }
}

fn everything(state: &State, watched: bool, body: Rect) -> Vec<(Pane, Rect)> {
    let [left, middle, right] =
        Layout::horizontal([Constraint::Percentage(37), Constraint::Percentage(36), Constraint::Fill(1)]).areas(body);
    let [detail, streams, journal] =
        Layout::vertical([Constraint::Percentage(45), Constraint::Percentage(28), Constraint::Fill(1)]).areas(middle);
    // An incident has more to say than a poll.
    let above = match (state.incidents_shown, watched) {
        (true, false) => 30,
        (true, true) => 55,
        (false, false) => 50,
        (false, true) => 64,
    };
    let [monitors, poll] = Layout::vertical([Constraint::Percentage(above), Constraint::Fill(1)]).areas(right);
    vec![
        (Pane::Checklist, left),
        (Pane::Detail, detail),
        (Pane::Streams, streams),
        (Pane::Journal, journal),
        (Pane::Monitors, monitors),
        (if state.incidents_shown { Pane::Incidents } else { Pane::Poll }, poll),
    ]
}

fn beside(state: &State, body: Rect) -> Vec<(Pane, Rect)> {
    let [left, right] = Layout::horizontal([Constraint::Percentage(48), Constraint::Fill(1)]).areas(body);
    vec![(Pane::Checklist, left), (state.beside.0, right)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_overlaps_or_leaves_the_screen(width in 60_u16..240, height in 16_u16..90, zoom: bool, watched: bool, bands in 0_usize..6, soaks in 0_usize..4) {
            let area = Rect::new(0, 0, width, height);
            let places = places(&State { zoom, ..State::default() }, area, bands, soaks, watched);
            let fixed = [places.header, places.bands, places.timeline, places.soaks, places.bar, places.footer];
            let all: Vec<Rect> = places.panes.iter().map(|(_, area)| *area).chain(fixed).collect();
            let covered: u32 = all.iter().map(|part| part.area()).sum();
            prop_assert_eq!(covered, area.area());
            for (at, one) in all.iter().enumerate() {
                prop_assert!(area.intersection(*one) == *one);
                for other in &all[at + 1..] {
                    prop_assert!(one.intersection(*other).is_empty());
                }
            }
        }
    }
}
