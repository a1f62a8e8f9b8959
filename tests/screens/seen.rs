//! `e`: what an item stands on, escaped, with the files that hold the rest and a key that copies where they lie.

use std::time::Duration;

use tminus::launch::artifact::Artifact;
use tminus::launch::event::Mode;
use tminus::launch::verdict::{Exchange, Finding, Report};
use tminus::ui::state::Effect;

use super::console::{Story, console, press, screen, seen, text, under_way};

fn answered() -> Story {
    let mut story = under_way(Mode::Launch);
    let mut report = Report::of(vec![Finding::held("status", "200", "200", true)], Duration::from_millis(41));
    report.exchange = Some(Exchange {
        request: "GET https://api.example.com/health".into(),
        request_headers: vec![("accept".into(), "*/*".into())],
        response: "200 OK".into(),
        response_headers: vec![("content-type".into(), "text/plain".into())],
        response_body: "up \u{1b}[31mand\u{1b}[0m well\nall of it".into(),
        body_cut: true,
        kept: vec![Artifact { name: "response body".into(), sha256: "ab".repeat(32), bytes: 70_000, cut: false }],
        ..Exchange::default()
    });
    story.check("health", 1805, report);
    story
}

#[test]
fn what_an_item_stands_on_is_shown_and_where_its_files_lie_is_copied() {
    let story = answered();
    for (name, width, height) in [("evidence_of_item", 120, 36), ("evidence_of_item", 80, 24)] {
        let mut console = console(story.snapshot(1810), width, height);
        assert_eq!(press(&mut console, "j e"), None);
        seen(name, &mut console);
        let shown = text(&screen(&mut console));
        for wanted in ["Evidence of health", "> GET https://api.example.com/health", "< up and well", "artifacts/abab"]
        {
            assert!(shown.contains(wanted), "{wanted}\n{shown}");
        }
        let path = format!("{}/artifacts/{}", story.snapshot(1810).folder, "ab".repeat(32));
        assert_eq!(press(&mut console, "enter"), Some(Effect::Copy(path)));
        assert!(!text(&screen(&mut console)).contains("Evidence of health"), "it closes");
    }
}

#[test]
fn where_nothing_is_kept_that_is_said() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 120, 36);
    press(&mut console, "end e");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("nothing is kept of") || shown.contains("select an item to see"), "{shown}");
}
