//! The palette: actions found by a few letters of their words, in order.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_input::Input;
use unicode_width::UnicodeWidthStr;

use super::field;
use crate::launch::board::ItemState;
use crate::launch::plan::Item;
use crate::ui::action::{Entry, TABLE, Where};
use crate::ui::possible::why_not;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::list;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

/// Where the sentences begin, and what a key at the end of a line takes.
const ID: usize = 18;
const KEY: usize = 8;

/// The actions that match `typed`, best first: in a replay with its own.
#[must_use]
pub fn found(typed: &str, view: &View<'_>) -> Vec<&'static Entry> {
    of(typed, view.replayed().is_some())
}

fn of(typed: &str, replay: bool) -> Vec<&'static Entry> {
    let mut scored: Vec<(usize, &Entry)> = TABLE
        .iter()
        .filter(|entry| entry.place.in_palette() || (replay && entry.place == Where::Replay))
        .filter_map(|entry| {
            let by_id = score(typed, entry.id);
            let by_sentence = score(typed, entry.sentence).map(|score| score + 20);
            Some((by_id.into_iter().chain(by_sentence).min()?, entry))
        })
        .collect();
    scored.sort_by_key(|(score, _)| *score);
    scored.into_iter().map(|(_, entry)| entry).collect()
}

/// How far apart the letters of `typed` lie in `text`, from its beginning; none if they are not all
/// there in order. Less is better.
fn score(typed: &str, text: &str) -> Option<usize> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let mut at = 0;
    let mut apart = 0;
    for wanted in typed.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let gap = text[at..].iter().position(|c| *c == wanted)?;
        apart += gap;
        at += gap + 1;
    }
    Some(apart)
}

pub fn draw(
    (input, selected): (&Input, usize),
    item: Option<(&Item, &ItemState)>,
    view: &View<'_>,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let sheet_area = sheet::middle(area, 90, 18);
    let inner = sheet::sheet(sheet_area, "Actions", "Enter does it", Role::Focus, view.theme, buf);
    let found = found(input.value(), view);
    let below = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let selected = selected.min(found.len().saturating_sub(1));
    // Of the selected one the whole sentence is seen, also where its line is too short for it.
    let room = usize::from(inner.width).saturating_sub(ID + KEY);
    let whole = found.get(selected).filter(|entry| entry.sentence.width() > room);
    let whole: Vec<Row<'_>> = whole
        .into_iter()
        .flat_map(|entry| wrap(entry.sentence, usize::from(inner.width).saturating_sub(2)))
        .map(|line| Row::new(view.theme).say(Role::Muted, format!(" {line}")))
        .collect();
    let refused = found.get(selected).and_then(|entry| why_not(entry.action, item, view));
    let refused = refused.into_iter().flat_map(|why| wrap(&format!("not now: {why}"), usize::from(inner.width) - 2));
    let refused = refused.map(|line| Row::new(view.theme).say(Role::Warned, format!(" {line}")));
    let whole: Vec<Row<'_>> = whole.into_iter().chain(refused).collect();
    let taken = u16::try_from(whole.len()).unwrap_or(0).min(below.height);
    let foot = Rect { y: below.bottom() - taken, height: taken, ..below };
    let below = Rect { height: below.height - taken, ..below };
    let seen = list::around(0, selected, found.len(), usize::from(below.height));
    sheet::window(inner, &seen, found.len(), Role::Focus, view.theme, buf);
    let rows = seen.map(|at| {
        let entry = found[at];
        // Why not is told in full below, where it is selected.
        let refused = why_not(entry.action, item, view).is_some();
        let (name, text) = if refused { (Role::Muted, Role::Muted) } else { (Role::Title, Role::Plain) };
        let row = Row::new(view.theme).say(name, format!(" {}", entry.id)).tab(ID).say(text, entry.sentence);
        let row = row.right(Role::Muted, view.keymap.label(entry.action).unwrap_or_default());
        if at == selected { row.over(view.theme.selected(true)) } else { row }
    });
    sheet::rows(rows, below, buf);
    sheet::rows(whole, foot, buf);
    field(input, ": ", view, inner, buf)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_few_letters_find_an_action() {
        assert_eq!(of("rollb", false)[0].id, "rollback");
        assert_eq!(of("rph", false)[0].id, "run-phase");
        assert_eq!(of("scrub", false)[0].id, "scrub");
        assert!(of("zzzz", false).is_empty());
    }

    #[test]
    fn a_replays_own_actions_are_found_in_a_replay_alone() {
        assert_eq!(of("replay-play", true)[0].id, "replay-play");
        assert!(!of("replay-play", false).iter().any(|known| known.place == Where::Replay));
    }

    #[test]
    fn every_action_of_a_pane_is_found_by_its_own_id() {
        for entry in TABLE.iter().filter(|entry| entry.place.in_palette()) {
            assert!(of(entry.id, false).iter().any(|known| known.id == entry.id), "{}", entry.id);
        }
    }

    proptest! {
        #[test]
        fn anything_can_be_typed(typed in "\\PC{0,12}") {
            let _ = of(&typed, true);
        }
    }
}
