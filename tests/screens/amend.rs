//! Another plan, as it is seen: how it differs, what it is too late for, and the reason that is asked; or why the
//! launch cannot go by it.

use std::sync::Arc;

use tminus::launch::amend::Amendment;
use tminus::launch::command::Command;
use tminus::launch::event::Mode;
use tminus::launch::port::{Proposal, Snapshot};
use tminus::ui::state::Effect;

use super::console::{SIZES, console, press, screen, seen, text, type_in, under_way};

fn amendment() -> Amendment {
    Amendment {
        from: "old".into(),
        plan_hash: "new".into(),
        changes: [
            "~ phase gate-a item health.http.expect.status: 200 → 204",
            "- phase gate-b item stream (Stream)",
            "+ phase late (Late checks)",
        ]
        .map(str::to_owned)
        .into(),
        changed: vec!["health".into()],
        recapture: Vec::new(),
        asked: Vec::new(),
    }
}

fn shown(second: i64, number: u32, found: Result<Amendment, String>) -> Arc<Snapshot> {
    let notes = vec!["every vote is void".to_owned()];
    let proposal = Some(Arc::new(Proposal { number, path: "new.toml".into(), found, notes }));
    Arc::new(Snapshot { proposal, ..(*under_way(Mode::Launch).snapshot(second)).clone() })
}

#[test]
fn how_a_plan_differs_is_shown_before_a_reason_is_asked() {
    for (width, height) in SIZES {
        // What an earlier look found is not taken for this one's.
        let mut console = console(shown(1810, 1, Err("another file".into())), width, height);
        press(&mut console, ":");
        type_in(&mut console, "amend");
        press(&mut console, "enter");
        type_in(&mut console, "new.toml");
        assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(Command::Propose { path: "new.toml".into() })));
        assert!(text(&screen(&mut console)).contains("being looked over"));
        assert_eq!(press(&mut console, "enter"), None);
        console.take(shown(1811, 2, Ok(amendment())));
        seen("amend_plan", &mut console);
        assert_eq!(press(&mut console, "enter"), None, "nothing without a reason");
        assert!(text(&screen(&mut console)).contains("say why"));
        type_in(&mut console, "the API moved");
        let asked = Command::Amend { amendment: Ok(amendment()), reason: "the API moved".into() };
        assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(asked)));
        assert!(!text(&screen(&mut console)).contains("Amend the plan"));
    }
}

#[test]
fn a_plan_that_is_not_sound_says_so_and_asks_nothing() {
    let mut console = console(shown(1810, 1, Err("another file".into())), 80, 24);
    press(&mut console, ":");
    type_in(&mut console, "amend");
    press(&mut console, "enter");
    press(&mut console, "enter");
    assert!(text(&screen(&mut console)).contains("say which file"));
    type_in(&mut console, "new.toml");
    press(&mut console, "enter");
    let why = "the plan is not sound:\nerror[unknown-key]: no key `titel`\n  --> new.toml:3:1";
    console.take(shown(1811, 2, Err(why.to_owned())));
    for (width, height) in [(120, 36), (80, 24)] {
        console.terminal().backend_mut().resize(width, height);
        seen("amend_not_sound", &mut console);
    }
    type_in(&mut console, "so");
    assert_eq!(press(&mut console, "enter"), None);
}

#[test]
fn a_long_difference_is_scrolled_and_the_reason_stays() {
    let long = Amendment { changes: (0..100).map(|n| format!("~ vars.v{n}: 1 → 2")).collect(), ..amendment() };
    let mut console = console(shown(1810, 1, Err("another file".into())), 80, 24);
    press(&mut console, ":");
    type_in(&mut console, "amend");
    press(&mut console, "enter");
    type_in(&mut console, "new.toml");
    press(&mut console, "enter");
    console.take(shown(1811, 2, Ok(long)));
    let top = text(&screen(&mut console));
    assert!(top.contains("vars.v0:") && top.contains("lines more") && top.contains("amend"), "{top}");
    press(&mut console, "pagedown pagedown down");
    let below = text(&screen(&mut console));
    assert!(!below.contains("vars.v0:") && below.contains("Every vote is void"), "{below}");
}
