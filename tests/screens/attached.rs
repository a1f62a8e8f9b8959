//! A console that watches what another one holds, as it is seen.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tminus::launch::command::Command;
use tminus::launch::event::Mode;
use tminus::launch::port::Seat;
use tminus::ui::Console;
use tminus::ui::state::Effect;
use tminus::ui::theme::Theme;

use super::console::{Story, console, press, screen, setup, text, type_in, under_way};
use super::looked;

fn attached(heard: bool) -> Story {
    let mut story = under_way(Mode::Launch);
    story.live = tminus::launch::live::Live::default();
    story.seat = Seat::Attached { heard };
    if !heard {
        story.alarm = Some("nobody holds this launch since 12:30:09 UTC, 12s ago: T is the last known".into());
    }
    story
}

#[test]
fn a_console_that_watches_is_never_mistaken_for_the_one_that_acts() {
    looked("attached", &attached(true), 1810, "");
    looked("attached_alone", &attached(false), 1810, "");
    for (width, height) in [(120, 36), (80, 24), (60, 16), (50, 12)] {
        let mut console = console(attached(true).snapshot(1810), width, height);
        assert!(text(&screen(&mut console)).contains(" ATTACHED "), "{width}x{height}");
    }
}

#[test]
fn an_attached_console_asks_and_never_acts() {
    let mut console = console(attached(true).snapshot(1810), 80, 24);
    for key in ["r", "R", "w", "x", "S"] {
        assert_eq!(press(&mut console, "j j j j j j"), None);
        assert_eq!(press(&mut console, key), None, "{key}");
        assert!(console.state().overlay.is_none(), "{key}: {}", text(&screen(&mut console)));
    }
    // Without a role there are notes alone.
    press(&mut console, "p");
    assert!(text(&screen(&mut console)).contains("needs --as ROLE"));
    press(&mut console, "n");
    type_in(&mut console, "calm");
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(Command::note("calm"))));
    console.answer(Ok(()));
    assert!(text(&screen(&mut console)).contains("accepted"));
    let busy = attached(true);
    assert!(busy.board().is_busy(), "something runs");
    assert_eq!(press(&mut console, "q"), Some(Effect::Leave), "it leaves at once, whatever runs");
}

#[test]
fn t_stands_while_the_operators_console_is_not_heard() {
    for (heard, moves) in [(true, true), (false, false)] {
        let mut later = setup(Theme::default());
        later.boot = || 30_000;
        let screen = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
        let console = Console::new(screen, later, attached(heard).snapshot(1810));
        assert_eq!(console.now().instant != tminus::launch::time::Instant(1_810_000), moves, "heard: {heard}");
    }
}
