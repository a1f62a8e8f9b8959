//! Whatever keys are pressed, at whatever sizes, while the launch goes on: nothing panics, the way back and T stay on
//! the screen, and no key but those of a person's yes asks for anything.

use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tminus::ui::state::Effect;

use super::console::watched::watched;
use super::*;

/// What comes to a console.
#[derive(Debug, Clone)]
enum Came {
    Key(KeyCode, bool),
    Size(u16, u16),
    /// The launch has gone on so far in its story.
    Later(usize),
    Paste(String),
}

fn came() -> impl Strategy<Value = Came> {
    let code = prop_oneof![
        4 => prop::char::range('!', '~').prop_map(KeyCode::Char),
        1 => Just(KeyCode::Char(' ')),
        2 => Just(KeyCode::Enter),
        2 => Just(KeyCode::Esc),
        2 => Just(KeyCode::Tab),
        1 => Just(KeyCode::BackTab),
        3 => prop_oneof![Just(KeyCode::Up), Just(KeyCode::Down), Just(KeyCode::PageUp), Just(KeyCode::PageDown)],
        2 => prop_oneof![Just(KeyCode::Home), Just(KeyCode::End), Just(KeyCode::Left), Just(KeyCode::Right)],
        1 => (1_u8..=12).prop_map(KeyCode::F),
        1 => prop_oneof![Just(KeyCode::Backspace), Just(KeyCode::Delete), Just(KeyCode::Insert), Just(KeyCode::Null)],
    ];
    prop_oneof![
        12 => (code, prop::bool::weighted(0.1)).prop_map(|(code, ctrl)| Came::Key(code, ctrl)),
        2 => (1_u16..=250, 1_u16..=70).prop_map(|(width, height)| Came::Size(width, height)),
        1 => (60_u16..=120, 16_u16..=36).prop_map(|(width, height)| Came::Size(width, height)),
        2 => (0_usize..6).prop_map(Came::Later),
        1 => "\\PC{0,60}".prop_map(Came::Paste),
    ]
}

/// The same launch further and further on, and then in other ways.
fn stories() -> Vec<(Story, i64)> {
    let mut incident = watched(Mode::Launch);
    let detected_by = "smoke".to_owned();
    incident.person(1805, Event::IncidentOpened { incident: 1, title: "down".into(), severity: None, detected_by });
    let mut held = watched(Mode::Launch);
    held.person(1805, Event::HoldCalled { who: "ana".into(), why: "odd".into() });
    let failed = ended(RollbackEnd::FailedAtStep {
        step: "frontend/redeploy".into(),
        why: "exit 3".into(),
        by_hand: "scale it up".into(),
    });
    let mut facts = step("frontend/redeploy", 3).to_vec();
    facts.push(failed);
    let mut over = under_way(Mode::Launch);
    over.at(1_808, Event::LaunchEnded { why: "enough".into() });
    vec![
        (watched(Mode::Launch), 1_810),
        (held, 1_811),
        (incident, 1_812),
        (rolled(facts), 1_840),
        (crashed(), 2_000),
        (over, 2_010),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn no_keys_break_the_screen_or_act_by_themselves(coming in prop::collection::vec(came(), 1..80)) {
        let stories = stories();
        let (mut width, mut height) = (120, 36);
        let mut console = console(stories[0].0.snapshot(stories[0].1), width, height);
        for one in coming {
            let had = format!("{:?}", console.state().overlay);
            match one.clone() {
                Came::Key(code, ctrl) => {
                    let modifiers = if ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
                    let effect = console.press(KeyEvent::new(code, modifiers));
                    // A rollback is asked for from its own dialog alone.
                    if let Some(Effect::Ask(Command::Rollback { .. })) = effect {
                        prop_assert!(had.contains("Confirm"), "{one:?} on {had}");
                    }
                }
                Came::Size(to_width, to_height) => {
                    (width, height) = (to_width, to_height);
                    console.terminal().backend_mut().resize(width, height);
                }
                Came::Later(at) => {
                    let (story, second) = &stories[at];
                    console.take(story.snapshot(*second));
                }
                Came::Paste(text) => console.paste(&text),
            }
            let shown = text(&screen(&mut console));
            if width >= 60 && height >= 16 {
                prop_assert!(shown.contains("ROLLBACK"), "after {one:?} at {width}x{height}:\n{shown}");
                prop_assert!(shown.contains("T-") || shown.contains("ENDED"), "after {one:?} at {width}x{height}:\n{shown}");
            }
        }
    }
}
