//! docs/walkthrough.md: made by `just walkthrough`, which takes minutes and a terminal. What can be held to the code
//! without flying it again is: its words, its screens by name, and the keys and commands that it tells to use.

use std::path::Path;
use std::process::Command;

use tminus::ui::action::Action;
use tminus::ui::keymap::{Key, Keymap};

const TEMPLATE: &str = include_str!("../../assets/walkthrough.in.md");
const FLIGHT: &str = include_str!("../../assets/walkthrough.py");
const PLAN: &str = include_str!("../../config/onesource.toml");
const MARK: &str = "<!-- screen: ";

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/walkthrough.md");
    std::fs::read_to_string(path).expect("the page is there: `just walkthrough`")
}

/// The name of a screen that `line` is the mark of.
fn mark(line: &str) -> Option<&str> {
    line.strip_prefix(MARK)?.strip_suffix(" -->")
}

/// Each piece of `text` between `open` and the next `close`.
fn between<'t>(text: &'t str, open: &'t str, close: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split_once(close).map(|(piece, _)| piece))
}

/// The page without its screens: what the template says.
fn words(page: &str) -> String {
    let mut lines = page.lines();
    let mut words = Vec::new();
    while let Some(line) = lines.next() {
        words.push(line);
        if mark(line).is_some() && lines.clone().next() == Some("```text") {
            let _ = lines.by_ref().skip(1).take_while(|line| *line != "```").count();
        }
    }
    words.join("\n")
}

#[test]
fn every_screen_of_the_walkthrough_stands_in_it_filled() {
    let page = page();
    let asked: Vec<&str> = TEMPLATE.lines().filter_map(mark).collect();
    assert!(asked.len() > 10, "a story of {} screens", asked.len());
    for name in &asked {
        let opened = format!("{MARK}{name} -->\n```text\n");
        let screen = between(&page, &opened, "\n```\n").next().unwrap_or_default();
        let rows: Vec<&str> = screen.lines().collect();
        assert!(!screen.trim().is_empty(), "{name}: no screen");
        assert!(rows.len() <= 45, "{name}: {} rows", rows.len());
        let wide = rows.iter().find(|row| !row.starts_with("$ ") && row.chars().count() > 150);
        assert!(wide.is_none(), "{name}: {wide:?}");
        assert!(FLIGHT.contains(&format!("\"{name}\"")), "{name}: the flight keeps no such screen");
    }
}

#[test]
fn the_walkthrough_says_what_its_template_says() {
    let page = page();
    let (made, rest) = page.split_once('\n').expect("lines");
    assert!(made.starts_with("<!-- Made by `just walkthrough`"), "{made}");
    assert_eq!(words(rest).trim_end(), TEMPLATE.trim_end(), "run `just walkthrough`, or put its words right by hand");
}

/// A key is written `<kbd title="ACTION">KEY</kbd>`; one that the plan gives to a way back, `title="rollback ID"`.
#[test]
fn every_key_of_the_walkthrough_does_what_it_is_pressed_for() {
    let keymap = Keymap::default();
    let mut pressed = 0;
    for key in between(TEMPLATE, "<kbd", "</kbd>") {
        let (title, shown) = key.split_once('>').expect("a tag");
        let action = title.trim().strip_prefix("title=\"").and_then(|title| title.strip_suffix('"'));
        let action = action.unwrap_or_else(|| panic!("`{shown}`: what it is pressed for stands in its `title`"));
        pressed += 1;
        if let Some(id) = action.strip_prefix("rollback ") {
            let table = PLAN.split("[[rollback]]").skip(1).find(|table| table.contains(&format!("\nid = \"{id}\"\n")));
            let table = table.unwrap_or_else(|| panic!("no rollback `{id}` in the plan"));
            assert!(table.contains(&format!("\nkey = \"{shown}\"\n")), "`{shown}` is not the key of rollback {id}");
            continue;
        }
        let known = Action::by_id(action).unwrap_or_else(|| panic!("`{shown}`: no action is called `{action}`"));
        let name = if shown.chars().count() == 1 { shown.to_owned() } else { shown.to_lowercase() };
        let key = Key::parse(&name).unwrap_or_else(|why| panic!("{why}"));
        assert!(keymap.keys(known).contains(&key), "`{shown}` does not {action}: {:?}", keymap.label(known));
    }
    assert!(pressed > 10, "it tells of {pressed} keys");
}

#[test]
fn every_command_of_the_walkthrough_is_one() {
    let page = page();
    let quoted = between(&page, "`tminus ", "`");
    let typed = page.lines().filter_map(|line| line.strip_prefix("$ tminus "));
    let mut commands: Vec<&str> = quoted.chain(typed).filter_map(|line| line.split_whitespace().next()).collect();
    commands.sort_unstable();
    commands.dedup();
    assert!(commands.len() > 10, "it tells of {commands:?}");
    for command in commands {
        let help = Command::new(env!("CARGO_BIN_EXE_tminus")).args([command, "--help"]).output().expect("started");
        assert!(help.status.success(), "tminus {command}: {}", String::from_utf8_lossy(&help.stderr));
    }
}
