//! What a step asks for is asked before it runs: one line a field, and nothing runs before all are there.

use tminus::launch::command::Command;
use tminus::launch::event::{Event, Mode};
use tminus::ui::state::Effect;

use super::console::{Story, console, plan, press, screen, text, type_in};

fn asking() -> Story {
    let mut plan = plan();
    plan.fields.insert("warm".into(), vec!["impact".to_owned(), "eta".to_owned()]);
    let mut story = Story::of(plan, Mode::Launch);
    story.at(1800, Event::PhaseOpened { phase: "gate-b".into() });
    story
}

fn filled(field: &str, value: &str) -> Event {
    Event::FieldFilled { item: "warm".into(), field: field.into(), value: value.into() }
}

#[test]
fn a_step_that_asks_is_asked_for_line_by_line_and_then_runs() {
    let mut story = asking();
    let run = "end k k k r";
    for (field, typed) in [("impact", "logins fail"), ("eta", "14:30")] {
        let mut console = console(story.snapshot(1810), 80, 24);
        assert_eq!(press(&mut console, run), None, "it must not run without {field}");
        let seen = text(&screen(&mut console));
        assert!(seen.contains("Fill in") && seen.contains(&format!("{field}:")), "{seen}");
        // Nothing is no answer.
        assert_eq!(press(&mut console, "enter"), None);
        type_in(&mut console, typed);
        let fill = Command::Fill { item: "warm".into(), field: field.into(), value: typed.into() };
        assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(fill)));
        story.person(1811, filled(field, typed));
    }
    let mut console = console(story.snapshot(1812), 120, 36);
    press(&mut console, run);
    let seen = text(&screen(&mut console));
    assert!(seen.contains("logins fail") && seen.contains("14:30"), "what is sent is seen before it is: {seen}");
    assert_eq!(press(&mut console, "y"), Some(Effect::Ask(Command::RunItem { item: "warm".into() })));
}
