//! The mouse: it goes to panes and lines, does what a key on the screen says, and never acts on the launch.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails by panicking")]

use ratatui::crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use tminus::ui::layout;
use tminus::ui::state::Overlay;

use super::*;

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> MouseEvent {
    MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
}

fn click(console: &mut Console<TestBackend>, column: u16, row: u16) -> Option<Effect> {
    let effect = console.point(mouse(MouseEventKind::Down(MouseButton::Left), column, row));
    console.draw().expect("a buffer");
    effect
}

/// Where `wanted` stands on the screen.
fn place(console: &mut Console<TestBackend>, wanted: &str) -> (u16, u16) {
    let buffer = screen(console);
    let found = buffer.content().chunks(usize::from(buffer.area.width)).enumerate().find_map(|(y, line)| {
        let symbols: Vec<&str> = line.iter().map(ratatui::buffer::Cell::symbol).collect();
        let at = (0..symbols.len()).find(|at| symbols[*at..].concat().starts_with(wanted))?;
        Some((u16::try_from(at).expect("small"), u16::try_from(y).expect("small")))
    });
    found.unwrap_or_else(|| panic!("no {wanted} in\n{}", text(&buffer)))
}

#[test]
fn a_click_goes_to_a_pane_and_selects_the_line_it_is_on() {
    for (width, height) in SIZES {
        let mut console = console(under_way(Mode::Launch).snapshot(1810), width, height);
        let (x, y) = place(&mut console, "Warm the caches");
        assert_eq!(click(&mut console, x, y), None);
        assert_eq!(console.state().focus, Pane::Checklist);
        place(&mut console, "┌ warm ─");
        let (x, y) = place(&mut console, "┌ warm ─");
        click(&mut console, x + 3, y + 1);
        assert_eq!(console.state().focus, Pane::Detail);
    }
}

#[test]
fn every_line_that_can_be_selected_is_where_it_is_clicked() {
    let mut story = under_way(Mode::Launch);
    for second in 1811..1850 {
        story.person(second, Event::noted("a note"));
    }
    let criteria = polls::polled();
    for (story, focus) in
        [(&story, Pane::Checklist), (&story, Pane::Monitors), (&story, Pane::Journal), (&criteria, Pane::Poll)]
    {
        let mut console = console(story.snapshot(1860), 120, 36);
        let mut selected = 0;
        let area = layout::places(console.state(), Rect::new(0, 0, 120, 36), 0, 0, false).panes;
        let area = area.into_iter().find(|(pane, _)| *pane == focus).expect("a pane").1;
        for y in area.top() + 1..area.bottom() - 1 {
            click(&mut console, area.x + 2, y);
            assert_eq!(console.state().focus, focus);
            let shown = screen(&mut console);
            let marked = |y: u16| {
                (area.left() + 1..area.right() - 1).any(|x| shown[(x, y)].modifier.contains(Modifier::REVERSED))
            };
            selected += usize::from(marked(y));
        }
        assert!(selected >= 2, "{focus:?}: {selected} lines could be selected\n{}", text(&screen(&mut console)));
    }
}

#[test]
fn a_key_on_the_screen_does_what_it_says_but_never_acts_on_the_launch() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 120, 36);
    let (x, y) = place(&mut console, "? help");
    click(&mut console, x, y);
    assert!(matches!(console.state().overlay, Some(Overlay::Help { .. })));
    // Nothing behind a dialog is clicked.
    let focus = console.state().focus;
    assert_eq!(click(&mut console, 70, 8), None);
    assert_eq!(console.state().focus, focus);
    press(&mut console, "esc end k k k");
    let (x, y) = place(&mut console, "p hold");
    assert_eq!(click(&mut console, x, y), None);
    assert!(console.state().overlay.is_none());
    assert!(text(&screen(&mut console)).contains("hold: press p; a click never acts on the launch"));
    let (x, y) = place(&mut console, "! ROLLBACK");
    assert_eq!(click(&mut console, x, y), None);
    assert!(text(&screen(&mut console)).contains("ROLLBACK: choose"));
}

#[test]
fn no_click_anywhere_acts_on_the_launch() {
    let mut story = under_way(Mode::Launch);
    story.person(1805, Event::HoldCalled { who: "ana".into(), why: "odd".into() });
    for (width, height) in [(120, 36), (80, 24), (60, 16), (50, 12)] {
        for (x, y) in (0..height).flat_map(|y| (0..width).step_by(3).map(move |x| (x, y))) {
            let mut console = console(story.snapshot(1810), width, height);
            press(&mut console, "j");
            for _ in 0..2 {
                let effect = console.point(mouse(MouseEventKind::Down(MouseButton::Left), x, y));
                assert!(!matches!(effect, Some(Effect::Ask(_) | Effect::AskAs(..))), "{effect:?} at {x},{y}");
            }
        }
    }
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 120, 36);
    let (x, y) = place(&mut console, "Warm the caches");
    console.point(mouse(MouseEventKind::ScrollDown, x, y));
    assert!(text(&screen(&mut console)).contains("┌ preflight ─"), "three lines down from the first phase");
    console.point(mouse(MouseEventKind::ScrollUp, x, y));
    assert!(text(&screen(&mut console)).contains("┌ gate-a ─"));
    press(&mut console, "?");
    let before = text(&screen(&mut console));
    console.point(mouse(MouseEventKind::ScrollDown, x, y));
    assert_ne!(text(&screen(&mut console)), before);
    // What is typed is not changed by a wheel.
    press(&mut console, "esc v");
    let before = text(&screen(&mut console));
    console.point(mouse(MouseEventKind::ScrollDown, x, y));
    assert_eq!(text(&screen(&mut console)), before);
}

#[test]
fn a_wheel_moves_through_no_dialog_that_is_not_seen() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 80, 24);
    press(&mut console, "?");
    console.terminal().backend_mut().resize(50, 12);
    console.draw().expect("a buffer");
    let before = told(&console);
    console.point(mouse(MouseEventKind::ScrollDown, 5, 5));
    assert_eq!(told(&console), before);
}

/// Rows of the screen that are marked inside a dialog.
fn marked(console: &mut Console<TestBackend>, row: u16, column: u16) -> bool {
    screen(console)[(column, row)].modifier.contains(Modifier::REVERSED)
}

#[test]
fn a_click_in_a_list_over_the_panes_goes_to_its_line() {
    let mut story = under_way(Mode::Launch);
    story.person(1805, Event::HoldCalled { who: "ana".into(), why: "odd".into() });
    for (width, height) in SIZES {
        for (keys, line) in
            [(":", "Copy what"), ("!", "last good database"), ("W", "drop waits for its key"), ("P", "skip")]
        {
            let mut console = console(story.snapshot(1810), width, height);
            press(&mut console, keys);
            if keys == ":" {
                // Scrolled to its end and back up: the list moves under the mouse.
                press(&mut console, "end pagedown pagedown pagedown");
            }
            let shown = text(&screen(&mut console));
            let Some(_) = shown.lines().skip(4).find(|shown| shown.contains(line)) else { continue };
            let (x, y) = (0..height)
                .rev()
                .find_map(|y| {
                    let line_of = shown.lines().nth(usize::from(y))?;
                    let before = line_of.split_once(line)?.0;
                    Some((u16::try_from(before.chars().count()).expect("small"), y))
                })
                .expect("it is there");
            let was = marked(&mut console, y, x);
            assert_eq!(click(&mut console, x, y), None, "{keys}");
            let after = text(&screen(&mut console));
            let still = (0..height).any(|y| {
                marked(&mut console, y, x)
                    && after.lines().nth(usize::from(y)).is_some_and(|shown| shown.contains(line))
            });
            assert!(was || still, "{keys} {width}x{height}: {line} is not selected in\n{after}");
        }
    }
}

#[test]
fn a_second_click_opens_what_is_another_dialog_and_a_key_does_the_rest() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 120, 36);
    press(&mut console, "!");
    let (x, y) = place(&mut console, "Bring the last good database back");
    click(&mut console, x, y);
    assert!(text(&screen(&mut console)).contains("ROLLBACK: choose"), "it is only gone to");
    assert_eq!(click(&mut console, x, y), None);
    let shown = text(&screen(&mut console));
    assert!(shown.contains("database") && !shown.contains("ROLLBACK: choose"), "{shown}");
    // Where a text is typed there is nothing to pick.
    let before = text(&screen(&mut console));
    click(&mut console, x, y);
    assert_eq!(text(&screen(&mut console)), before);
}

#[test]
fn no_click_in_a_dialog_acts_on_the_launch() {
    let mut story = under_way(Mode::Rehearsal);
    story.person(1805, Event::HoldCalled { who: "ana".into(), why: "odd".into() });
    story.faults = std::sync::Arc::new([
        tminus::launch::fault::Offered { fault: "down".into(), does: "nothing answers", of: None },
        tminus::launch::fault::Offered { fault: "slow".into(), does: "everything is late", of: None },
    ]);
    for keys in ["P", "F", ":", "!", "W", "A", "q"] {
        for (x, y) in (2..34).step_by(2).flat_map(|y| [20, 60].map(|x| (x, y))) {
            let mut console = console(story.snapshot(1810), 120, 36);
            press(&mut console, keys);
            for _ in 0..3 {
                let effect = console.point(mouse(MouseEventKind::Down(MouseButton::Left), x, y));
                assert!(!matches!(effect, Some(Effect::Ask(_) | Effect::AskAs(..))), "{keys}: {effect:?} at {x},{y}");
                console.draw().expect("a buffer");
            }
        }
    }
}
