//! What a report says, that nothing from outside becomes more than text in it, and that it is made again the same.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::document::{Block, Cell, Section, Table, Tone};
use super::picture::{Axis, Lane, Line, Picture, Piece, Plot, Point, What};
use super::*;
use crate::base::secret::Redactor;
use crate::journal::chain::{Hash, Head};
use crate::launch::command::Command;
use crate::launch::event::{Actor, Event, Mode, Recorded, Vote};
use crate::launch::incident::built_in;
use crate::launch::plan::{Criterion, DecidedBy, GoStage};
use crate::launch::samples::{Flight, minutes, plan};
use crate::launch::time::Instant;
use crate::launch::verdict::Verdict;

/// A launch with `text` wherever people and the world can put any.
fn flown(text: &str, mode: Mode) -> Story {
    let mut plan = plan();
    plan.title = format!("x{text}");
    plan.environment = format!("x{text}");
    plan.release.version = Some(format!("x{text}"));
    plan.severities = built_in();
    plan.clock.holds[0].title = format!("x{text}");
    plan.phases[0].title = format!("x{text}");
    let item = plan.items.get_mut(&"health".into()).expect("an item");
    item.title = format!("x{text}");
    let by = DecidedBy::Person { role: None };
    let criterion = Criterion { id: "way".into(), text: format!("x{text}"), no_go: false, stage: GoStage::Launch, by };
    plan.criteria = vec![criterion];
    let mut flight = Flight::of(plan);
    let said = || format!("x{text}");
    for (item, verdict) in [("health", Verdict::Fail), ("login", Verdict::Pass), ("chat", Verdict::Pass)] {
        flight.answer(item, verdict);
    }
    flight.command(Command::note(said())).expect("noted");
    let lasts = crate::launch::waiver::LASTS;
    flight.command(Command::Waive { item: "health".into(), reason: said(), lasts }).expect("waived");
    flight.pass(minutes(30));
    flight.command(Command::Attest { item: "attest".into(), note: said(), passed: true }).expect("attested");
    flight.pass(minutes(5));
    flight.command_as("backend", Command::CallHold { why: said() }).expect("held");
    flight.pass(minutes(2));
    flight.command(Command::ReleaseHold { who: "backend".into() }).expect("released");
    flight.command_as("lead", Command::Resume).expect("resumed");
    flight.pass(minutes(15));
    flight.command(Command::Judge { criterion: "way".into(), met: true, note: said() }).expect("judged");
    for (role, vote) in [("backend", Vote::GoWithWaiver { reason: said() }), ("lead", Vote::Go)] {
        flight.command_as(role, Command::Vote { poll: None, role: role.into(), vote }).expect("a vote");
    }
    let (title, detected_by) = (said(), said());
    flight.command(Command::OpenIncident { title, severity: None, detected_by }).expect("opened");
    flight.pass(minutes(10));
    let mut story = Story::new(Arc::clone(&flight.board.plan.0));
    for record in &flight.records {
        let mut record = record.clone();
        if let Event::LaunchOpened { mode: told, .. } = &mut record.event {
            *told = mode;
        }
        let wall = chrono::DateTime::from_timestamp_millis(1_767_225_600_000 + record.at.0).expect("a time");
        (record.occurred_at, record.recorded_at) = (wall, wall);
        story.take(&record);
    }
    story.ends(Head { seq: 7, hash: Hash::default() });
    story
}

/// A document with `text` in every place of it.
fn full(text: &str) -> Document {
    let said = || format!("x{text}");
    let cells = || Tone::ALL.map(|tone| Cell::toned(tone, said()));
    let (from, until) = (Instant(0), Instant(9_000));
    let axis = Axis { from: 0, until: 9_000, ticks: vec![(0, said())], named: "time", t0: Some(500) };
    let piece = || Piece { from, until, tone: Tone::Fail, label: said() };
    let point = Point { at: from, tone: Tone::Pass, label: said() };
    let lane = Lane { name: said(), pieces: vec![piece()], points: vec![point] };
    let plot = Plot {
        lines: vec![Line {
            name: said(),
            points: vec![Some((1, 1.0)), None, Some((3, 2.0)), Some((4, 1.0))],
            low: false,
        }],
        limits: vec![(1.5, said())],
        bands: vec![piece()],
        failures: vec![(1, 2, 0.5)],
        bottom: 0.0,
        top: 2.0,
        scale: vec![(0.0, said()), (2.0, said())],
    };
    let picture = |what| Picture { title: said(), told: said(), axis: axis.clone(), what };
    let mut table = Table::new(said(), &["a", "b", "c", "d", "e", "f", "g", "h"]);
    table.rows.push(cells().into());
    let blocks = vec![
        Block::Heading(said()),
        Block::Text(said().into()),
        Block::List(cells().into()),
        Block::Facts(vec![(said(), said().into())]),
        Block::Table(table),
        Block::Picture(picture(What::Lanes(vec![lane]))),
        Block::Picture(picture(What::Plot(plot))),
    ];
    Document {
        title: said(),
        rehearsal: true,
        outcome: said().into(),
        warnings: cells().into(),
        facts: vec![(said(), said().into())],
        sections: vec![Section { blocks, ..Section::new("a", "A") }],
        foot: vec![said()],
    }
}

/// The tags of a page with their attributes' names, nothing else: what a reader's browser makes of it. Fails where a
/// quote is open at the end of a tag.
fn skeleton(page: &str) -> String {
    let body = page.split_once("<body").expect("a body").1;
    let mut out = String::new();
    let mut rest = body;
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').expect("a tag has an end");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let names = tag.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
        out.push_str(&format!("<{names}>"));
        rest = after;
    }
    out
}

/// The lines of a page, each with what of it is Markdown's own.
fn marks(page: &str) -> Vec<String> {
    let bare = |line: &str| {
        let mut out = String::new();
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '|' | '*' | '`' | '[' | ']' | '<' | '>' | '#' | '_' | '~' | '&' | '!' => out.push(c),
                _ => {}
            }
        }
        out
    };
    page.lines().map(bare).collect()
}

#[test]
fn it_tells_the_whole_launch() {
    let document = flown("", Mode::Launch).told();
    let (page, mark) = (html(&document), markdown(&document));
    for said in [
        "Planned against actual",
        "Gate matrix",
        "Soak ledger",
        "Decisions",
        "Incidents",
        "GO WITH WAIVER",
        "WAIVED",
        "backend: x (called by bo (backend)",
        "resumed by bo (lead)",
        "2026-01-01 00:35:00",
        "hash is 0000",
    ] {
        assert!(page.contains(said), "{said} in HTML:\n{page}");
        let said = crate::evidence::markdown::plain(said);
        assert!(mark.contains(&said), "{said} in Markdown:\n{mark}");
    }
    assert!(!page.contains("REHEARSAL") && !mark.contains("REHEARSAL"));
}

#[test]
fn the_same_launch_is_the_same_bytes() {
    let made = || {
        let document = flown("é", Mode::Launch).told();
        (html(&document), markdown(&document))
    };
    assert_eq!(made(), made());
}

#[test]
fn a_rehearsal_says_so_wherever_a_reader_begins() {
    let document = flown("", Mode::Rehearsal).told();
    let (page, mark) = (html(&document), markdown(&document));
    assert!(page.contains("<title>REHEARSAL: ") && page.contains("<p class=\"band\" role=\"note\">REHEARSAL"));
    let sections = document.sections.len();
    assert_eq!(page.matches("<span class=\"tag\">REHEARSAL</span></h2>").count(), sections);
    assert!(mark.starts_with("# REHEARSAL: ") && mark.contains("nothing of this was real"));
    assert_eq!(mark.lines().filter(|line| line.starts_with("## ") && line.ends_with("(REHEARSAL)")).count(), sections);
    assert!(page.contains("@page rehearsal{") && page.contains(".rehearsal{page:rehearsal}"), "on every page of paper");
    assert!(page.contains("<body class=\"rehearsal\">"));
}

#[test]
fn the_page_asks_for_nothing_and_runs_nothing() {
    let page = html(&flown("<script>alert(1)</script><img src=x onerror=alert(1)>", Mode::Launch).told());
    let lower = page.to_lowercase();
    for none in ["<script", "<img", "<link", "<iframe", "<object", "javascript:", "@import", "url(", " style=", " on"] {
        let found = lower.matches(none).count();
        // ` on` in sentences is a word; as an attribute it would have a `=`.
        let found = if none == " on" { lower.matches(" onerror=\"").count() } else { found };
        assert_eq!(found, 0, "{none}");
    }
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).expect("a policy");
    let policy = policy.split('"').next().expect("an end");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn what_steers_or_hides_is_shown() {
    let document = flown("\u{1b}[31m\u{202e}\u{200b}\u{7}", Mode::Launch).told();
    for page in [html(&document), markdown(&document)] {
        assert!(!page.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}' || c == '\u{200b}'), "{page}");
        assert!(page.contains("{202e}") || page.contains("\\{202e\\}"), "{page}");
    }
}

#[test]
fn a_secret_that_came_as_far_as_the_journal_does_not_leave_the_house() {
    let secret = "s3<&>\"t'|*_planted";
    let redactor = Redactor::new([secret.to_owned()]);
    for document in [flown(secret, Mode::Launch).told(), full(secret)] {
        let plainly = html(&document);
        assert!(plainly.contains("planted"), "the test plants it");
        let clean = document.redacted(&redactor);
        for page in [html(&clean), markdown(&clean)] {
            assert!(!page.contains("planted") && !page.contains("s3&lt;") && !page.contains("s3\\<"), "{page}");
        }
    }
}

#[test]
fn what_is_wrong_with_its_source_stands_at_its_head() {
    let mut story = flown("", Mode::Launch);
    story.doubt("the journal ends early");
    let document = story.told();
    let page = html(&document);
    let (doubt, first) = (page.find("the journal ends early"), page.find("<main>"));
    assert!(doubt.is_some() && doubt < first, "{page}");
    assert!(markdown(&document).contains("> ✗ the journal ends early"));
}

#[test]
fn a_hold_that_nobody_ended_and_a_vote_that_nobody_gave_are_told() {
    let mut flight = Flight::of(plan());
    flight.pass(minutes(3));
    flight.command_as("backend", Command::CallHold { why: "pages are slow".into() }).expect("held");
    let mut story = Story::new(Arc::clone(&flight.board.plan.0));
    flight.records.iter().for_each(|record| story.take(record));
    let page = markdown(&story.told());
    for said in ["holds still", "pages are slow", "silent: NO-GO", "not over: T-0 was not reached"] {
        assert!(page.contains(said), "{said} in\n{page}");
    }
}

#[test]
fn no_line_goes_through_a_time_without_data() {
    let points = vec![
        Some((0, 1.0)),
        Some((1_000, 1.0)),
        None,
        Some((3_000, 2.0)),
        Some((4_000, 2.0)),
        None,
        Some((9_000, 1.0)),
    ];
    let plot = Plot { lines: vec![Line { name: "p50".into(), points, low: false }], top: 2.0, ..Plot::default() };
    let axis = Axis { from: 0, until: 9_000, ..Axis::default() };
    let picture = Picture { title: "t".into(), told: "d".into(), axis, what: What::Plot(plot) };
    let drawn = svg::svg(&picture, 1);
    let path = drawn.lines().find(|line| line.starts_with("<path class=\"l0\" d=\"M70")).expect("a line");
    assert_eq!(path.matches('M').count(), 2, "{path}");
    assert!(drawn.contains("<circle class=\"d0\""), "what stands alone is a dot: {drawn}");
}

#[test]
fn nothing_that_was_ill_is_too_short_to_be_seen() {
    let day = Instant(86_400_000);
    let piece = |from, until, tone| Piece { from: Instant(from), until, tone, label: "p".into() };
    let pieces = vec![piece(5_000, Instant(6_000), Tone::Fail), piece(0, day, Tone::Pass)];
    let lane = Lane { name: "api".into(), pieces, points: Vec::new() };
    let axis = Axis { from: 0, until: day.0, ..Axis::default() };
    let picture = Picture { title: "t".into(), told: "d".into(), axis, what: What::Lanes(vec![lane]) };
    let drawn = svg::svg(&picture, 1);
    let (pass, fail) = (drawn.find("f-pass").expect("drawn"), drawn.find("f-fail").expect("drawn"));
    assert!(pass < fail, "it lies above: {drawn}");
    let fail = drawn.lines().find(|line| line.contains("f-fail")).expect("drawn");
    let width: f64 = fail
        .split("width=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a width")
        .parse()
        .expect("a number");
    assert!(width >= 2.0, "{fail}");
}

#[test]
fn times_between_records_never_pass_the_next_one() {
    let mut story = Story::new(Arc::new(plan()));
    let wall = |s: i64| chrono::DateTime::from_timestamp(s, 0).expect("a time");
    for (seq, at, s) in [(1, 0, 100), (2, 3_600_000, 101)] {
        let (actor, event) = (Actor::engine(), Event::noted("n"));
        let record = Recorded { seq, at: Instant(at), occurred_at: wall(s), recorded_at: wall(s), actor, event };
        story.take(&record);
    }
    assert_eq!(story.wall(Instant(1_800_000)), Some(wall(101)), "the axis jumped, the wall did not");
    assert_eq!(story.wall(Instant(3_600_000)), Some(wall(101)));
    assert_eq!(story.wall(Instant(3_602_000)), Some(wall(103)));
    assert_eq!(story.lasted(), Duration::from_secs(3_600));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_text_makes_a_tag_or_an_attribute(text in "[<>&\"'/=a-z !-]{0,24}|\\PC{0,24}|[\\x00-\\x9f\\u{2000}-\\u{206f}]{0,16}") {
        let (page, wanted) = (html(&full(&text)), html(&full("")));
        prop_assert_eq!(skeleton(&page), skeleton(&wanted));
    }

    #[test]
    fn no_text_leaves_its_line_or_its_cell(text in "[|*_`<>\\\\#\\[\\]()!~&\n-]{0,24}|\\PC{0,24}|[\\x00-\\x9f]{0,16}") {
        let (page, wanted) = (markdown(&full(&text)), markdown(&full("")));
        prop_assert_eq!(marks(&page), marks(&wanted));
    }

    #[test]
    fn whatever_is_journaled_is_told(records in prop::collection::vec(crate::journal::samples::any_recorded(), 0..24)) {
        let mut story = Story::new(Arc::new(plan()));
        for (seq, mut record) in (1..).zip(records) {
            // Of an age that a launch can have: the countdown counts in whole milliseconds of it.
            (record.seq, record.at) = (seq, Instant(record.at.0 % 1_000_000_000_000));
            if let Event::LaunchOpened { start, .. } = &mut record.event {
                *start %= 1_000_000_000_000;
            }
            story.take(&record);
        }
        let document = story.told();
        let page = html(&document);
        skeleton(&page);
        prop_assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert!(!markdown(&document).chars().any(|c| c.is_control() && c != '\n'));
    }
}
