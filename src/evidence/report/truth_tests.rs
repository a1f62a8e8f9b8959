//! That nothing in a report is greener than what happened: waived, taken on, unwatched, unknown and untold.

use std::sync::Arc;
use std::time::Duration;

use super::document::{Block, Cell, Document, Table, Tone};
use super::picture::{Lane, Picture, Plot, What};
use super::*;
use crate::launch::board::Attest;
use crate::launch::command::Command;
use crate::launch::event::{Actor, Event, RollbackEnd};
use crate::launch::id::ItemId;
use crate::launch::objective::{Counts, Measured, Number, Round, Span};
use crate::launch::plan::{Act, Criterion, DecidedBy, Every, GoStage, OnFail, Plan, SpecId};
use crate::launch::samples::{Flight, minutes, monitor, objective, plan};
use crate::launch::soak::Ledger;
use crate::launch::time::{Instant, Wall};
use crate::launch::verdict::Verdict;
use crate::launch::waiver::LASTS;

pub(super) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(super) fn at(seconds: i64) -> Instant {
    Instant(seconds * 1_000)
}

/// One phase of one gate, T-0 by itself.
fn short() -> Plan {
    let mut plan = plan();
    plan.phases.retain(|phase| phase.id.as_str() == "gate-a");
    plan.items.retain(|_, item| item.phase.as_str() == "gate-a");
    plan.clock.holds.clear();
    plan.poll.clear();
    plan
}

/// `objective` was evaluated: so many of a hundred failed.
pub(super) fn evaluated(objective: &str, at: Instant, against: u64) -> Event {
    let seen = Measured { of: 100, against, ..Measured::default() };
    let counts = Counts { seen, newest: Some(at), known: Span(30_000), ..Counts::default() };
    Event::Evaluated { rounds: vec![Round { at, counts: [(objective.into(), counts)].into() }] }
}

pub(super) fn said(monitor: &str, verdict: Verdict) -> Event {
    Event::MonitorChanged { monitor: monitor.into(), verdict, why: "it said so".into() }
}

pub(super) fn tell(flight: &mut Flight, at: Instant, event: Event) {
    flight.record(at, Actor::engine(), event);
}

pub(super) fn story(flight: &Flight) -> Story {
    let mut story = Story::new(Arc::clone(&flight.board.plan.0));
    flight.records.iter().for_each(|record| story.take(record));
    story
}

pub(super) fn tables<'d>(document: &'d Document, caption: &'d str) -> impl Iterator<Item = &'d Table> {
    let blocks = document.sections.iter().flat_map(|section| &section.blocks);
    blocks.filter_map(move |block| match block {
        Block::Table(table) if table.caption == caption => Some(table),
        _ => None,
    })
}

/// The cell of the row that begins with `row`.
pub(super) fn cell<'d>(document: &'d Document, caption: &'d str, row: &str, column: &str) -> &'d Cell {
    let table = tables(document, caption).next().unwrap_or_else(|| panic!("no table {caption}"));
    let place = table.head.iter().position(|name| *name == column).expect("a column");
    let found = table.rows.iter().find(|cells| cells[0].text.starts_with(row));
    &found.unwrap_or_else(|| panic!("no row {row} in {table:?}"))[place]
}

pub(super) fn pictures(document: &Document) -> impl Iterator<Item = &Picture> {
    let blocks = document.sections.iter().flat_map(|section| &section.blocks);
    blocks.filter_map(|block| match block {
        Block::Picture(picture) => Some(picture),
        _ => None,
    })
}

pub(super) fn lane<'d>(document: &'d Document, name: &str) -> &'d Lane {
    let lanes = pictures(document).find_map(|picture| match &picture.what {
        What::Lanes(lanes) => Some(lanes),
        What::Plot(_) => None,
    });
    lanes.expect("lanes").iter().find(|lane| lane.name == name).unwrap_or_else(|| panic!("no lane {name}"))
}

pub(super) fn plot<'d>(document: &'d Document, title: &str) -> (&'d Picture, &'d Plot) {
    let is = |picture: &&Picture| picture.title.starts_with(title);
    let picture = pictures(document).find(is).unwrap_or_else(|| panic!("no picture {title}"));
    let What::Plot(plot) = &picture.what else { panic!("{title} is no plot") };
    (picture, plot)
}

fn ended(flight: &mut Flight) {
    flight.pass(minutes(61));
    let now = flight.now;
    tell(flight, now, Event::LaunchEnded { why: "through".into() });
}

/// A launch of the short plan that is through; `login` and `chat` passed.
fn through(plan: Plan, health: Verdict, more: impl FnOnce(&mut Flight)) -> Flight {
    let mut flight = Flight::of(plan);
    for (item, verdict) in [("health", health), ("login", Verdict::Pass), ("chat", Verdict::Pass)] {
        flight.answer(item, verdict);
    }
    more(&mut flight);
    ended(&mut flight);
    flight
}

fn waive(flight: &mut Flight) {
    flight.command(Command::Waive { item: "health".into(), reason: "known".into(), lasts: LASTS }).expect("waived");
}

#[test]
fn a_rollback_that_the_journal_does_not_tell_leaves_nothing_green() {
    let flight = through(short(), Verdict::Pass, |_| ());
    let mut told = story(&flight);
    assert_eq!(told.told().outcome.tone, Tone::Pass, "by its journal alone");
    assert!(!told.tells_end_of(1));
    let asked = Some((Wall::default(), "bob".to_owned(), "it is <bad>".to_owned()));
    let (rollback, end) = ("front".into(), Some(RollbackEnd::Verified));
    told.stranger(Stranger { run: 1, rollback, asked, begun: true, end });
    let document = told.told();
    assert_eq!(document.outcome.tone, Tone::Fail);
    assert!(document.outcome.text.starts_with("ROLLBACK front (run 1): VERIFIED"), "{:?}", document.outcome);
    assert!(document.warnings.iter().any(|doubt| doubt.text.contains("The journal does not tell of it")));
    let caption = "Rollbacks whose end the journal does not tell, by their runners' own logs";
    assert_eq!(cell(&document, caption, "1", "by").text, "bob");
    for page in [html(&document), markdown(&document)] {
        assert!(!page.contains("None was asked for") && page.contains("ROLLBACK front"), "{page}");
    }
}

#[test]
fn a_rollback_that_the_journal_left_half_way_is_told_by_its_runner() {
    let mut flight = through(short(), Verdict::Pass, |_| ());
    let (rollback, now) = ("front".into(), flight.now);
    tell(&mut flight, now, Event::RollbackRequested { rollback, run: 1, why: "bad".into() });
    let mut told = story(&flight);
    assert!(!told.tells_end_of(1));
    let (rollback, begun) = ("front".into(), true);
    told.stranger(Stranger { run: 1, rollback, asked: None, begun, end: None });
    let document = told.told();
    assert_eq!(document.outcome.tone, Tone::Fail);
    assert!(document.outcome.text.contains("no end of it is told; the journal does not tell its end"));
}

#[test]
fn of_a_lower_bound_what_is_lowest_is_what_is_told() {
    let mut plan = short();
    (plan.objectives, plan.monitors) = (vec![objective("up", "up >= 99%")], vec![monitor("api")]);
    let mut flight = Flight::of(plan);
    // All in one bin of an hour's picture; the launch is read up to its end.
    for (second, against) in [(1_830, 0), (1_840, 10), (1_850, 60), (1_859, 20)] {
        tell(&mut flight, at(second), evaluated("up", at(second), against));
    }
    flight.pass(minutes(60));
    tell(&mut flight, at(3_600), Event::noted("the end"));
    let document = story(&flight).told();
    let (picture, drawn) = plot(&document, "Objective up");
    let points: Vec<f64> = drawn.lines[0].points.iter().flatten().map(|(_, value)| *value).collect();
    assert_eq!(points, [0.4], "{drawn:?}");
    assert!(drawn.lines[0].low && picture.told.contains("worst 40%"), "{}", picture.told);
    let why = cell(&document, "Every breach, and every time that could not be told", "up", "why");
    assert!(why.text.contains("40%") || why.text.contains("60 of 100"), "{why:?}");
    let page = markdown(&document);
    assert!(page.contains("worst 40"), "{page}");
}

#[test]
fn the_limit_and_the_breaches_of_an_objective_are_drawn() {
    let mut plan = short();
    (plan.objectives, plan.monitors) = (vec![objective("errors", "error_rate <= 5%")], vec![monitor("api")]);
    let mut flight = Flight::of(plan);
    for (second, against) in [(10, 0), (20, 0), (30, 50), (40, 50), (50, 0)] {
        tell(&mut flight, at(second), evaluated("errors", at(second), against));
    }
    let document = story(&flight).told();
    let (picture, drawn) = plot(&document, "Objective errors");
    let limit = drawn.limits.first().expect("a limit");
    assert!((limit.0 - 0.05).abs() < 1e-12 && limit.1 == "≤ 5%", "{limit:?}");
    let band = drawn.bands.first().expect("a breach");
    assert_eq!((band.from, band.until, band.tone), (at(20), at(40), Tone::Fail));
    let picture = svg::svg(picture, 1);
    assert!(picture.contains("<line class=\"limit\"") && picture.contains(">≤ 5%</text>"), "{picture}");
    assert!(picture.contains("<rect class=\"f-fail ill\""), "{picture}");
}

#[test]
fn a_phase_is_as_good_as_what_let_it_on() {
    let came_to = |flight: &Flight| cell(&story(flight).told(), "Every phase", "gate-a", "came to").clone();
    let well = through(short(), Verdict::Pass, |_| ());
    assert_eq!(came_to(&well), Cell::toned(Tone::Pass, "pass"));
    let waived = came_to(&through(short(), Verdict::Fail, waive));
    assert_eq!(waived, Cell::toned(Tone::Warn, "pass, with 1 waiver"));
    let mut plan = short();
    plan.items.get_mut(&"health".into()).expect("there").on_fail = OnFail::Warn;
    let acknowledge = |flight: &mut Flight| flight.command(Command::Acknowledge { item: "health".into() }).expect("so");
    for (verdict, words) in [(Verdict::Fail, "a verdict of fail taken on"), (Verdict::Warn, "a warning taken on")] {
        let taken_on = through(plan.clone(), verdict, acknowledge);
        assert_eq!(came_to(&taken_on), Cell::toned(Tone::Warn, format!("pass, with {words}")));
        assert_eq!(story(&taken_on).told().outcome.tone, Tone::Warn);
    }
    let mut plan = short();
    plan.items.get_mut(&"health".into()).expect("there").allow_skipped = true;
    assert_eq!(came_to(&through(plan, Verdict::Skipped, |_| ())).tone, Tone::Skipped);
    // What passed is no word on what was not run.
    let mut half = Flight::of(short());
    half.answer("health", Verdict::Pass);
    assert_ne!(came_to(&half).tone, Tone::Pass);
}

#[test]
fn what_was_marked_by_hand_is_no_pass() {
    let mut told = story(&through(short(), Verdict::Pass, |_| ()));
    let word = Attest { by: Actor::person("ada", None), note: "I saw it".into(), passed: true, at: Wall::default() };
    Arc::make_mut(told.board.items.get_mut(&ItemId::new("health")).expect("there")).marked = Some(word);
    let document = told.told();
    let phase = cell(&document, "Every phase", "gate-a", "came to");
    assert_eq!(phase, &Cell::toned(Tone::Warn, "pass, with 1 step marked by hand"));
    assert_eq!(cell(&document, "Items of gate-a", "HEALTH", "verdict").tone, Tone::Warn);
    assert_eq!(document.outcome.tone, Tone::Warn);
    assert!(document.outcome.text.ends_with("with 1 step marked by hand"), "{:?}", document.outcome);
}

#[test]
fn a_waiver_is_seen_wherever_it_let_something_on() {
    let mut plan = short();
    let by = DecidedBy::Seen {
        phases: Vec::new(),
        items: vec!["health".into()],
        monitors: Vec::new(),
        objectives: Vec::new(),
    };
    plan.criteria =
        vec![Criterion { id: "up".into(), text: "It is up".into(), no_go: false, stage: GoStage::Launch, by }];
    let document = story(&through(plan, Verdict::Fail, waive)).told();
    let outcome = Cell::toned(Tone::Warn, "LAUNCHED, and every phase is through, with 1 waiver");
    assert_eq!(document.outcome, outcome);
    let passed = cell(&document, "Every phase", "gate-a", "passed");
    assert!(passed.tone == Tone::Warn && passed.text.ends_with("with 1 waiver"), "{passed:?}");
    let criterion = tables(&document, "Criteria, before T-0, as they stood at the end").next().expect("criteria");
    assert_eq!(criterion.rows[0][2], Cell::toned(Tone::Warn, "met with waiver"));
}

#[test]
fn a_soak_over_a_waived_hole_or_of_made_up_samples_is_no_pass() {
    let full = |ledger: &Ledger| soaks::full(ledger, "full".to_owned());
    assert_eq!(full(&Ledger::default()), Cell::toned(Tone::Pass, "full"));
    let mut waived = Ledger::default();
    waived.waived = 2;
    assert_eq!(full(&waived), Cell::toned(Tone::Warn, "full, with 2 holes waived"));
    let mut generated = Ledger::default();
    generated.generated = true;
    assert_eq!(full(&generated), Cell::toned(Tone::Warn, "full, with GENERATED samples"));
}

#[test]
fn nothing_is_drawn_through_a_time_that_nobody_watched() {
    let mut plan = short();
    (plan.objectives, plan.monitors) = (vec![objective("errors", "error_rate <= 5%")], vec![monitor("api")]);
    let mut flight = Flight::of(plan);
    tell(&mut flight, at(10), said("api", Verdict::Pass));
    for second in [20, 30] {
        tell(&mut flight, at(second), evaluated("errors", at(second), 0));
    }
    tell(&mut flight, at(100), Event::ConsoleLeft);
    tell(&mut flight, at(700), Event::ConsoleReturned { clean: true, t: 0 });
    tell(&mut flight, at(900), Event::Slept { gap: seconds(100) });
    tell(&mut flight, at(1_000), Event::LaunchEnded { why: "over".into() });
    tell(&mut flight, at(9_000), Event::noted("the day after"));
    let document = story(&flight).told();
    let lane = lane(&document, "api");
    let of = |tone| -> Vec<(Instant, Instant)> {
        lane.pieces.iter().filter(|piece| piece.tone == tone).map(|piece| (piece.from, piece.until)).collect()
    };
    assert_eq!(of(Tone::Pass), [(at(10), at(100)), (at(700), at(800)), (at(900), at(1_000))]);
    assert_eq!(of(Tone::Unknown), [(at(100), at(700)), (at(800), at(900))]);
    let missing = cell(&document, "Monitors", "api", "not watched");
    assert_eq!(missing, &Cell::toned(Tone::Unknown, "11m 40s"));
    // After its last evaluation nobody evaluated it any more, up to the end.
    let missing = cell(&document, "Objectives", "errors", "not evaluated");
    assert_eq!(missing, &Cell::toned(Tone::Unknown, "16m 10s"));
}

#[test]
fn an_objective_that_was_never_evaluated_was_not_evaluated_all_the_time() {
    let mut plan = short();
    plan.objectives = vec![objective("errors", "error_rate <= 5%")];
    let mut flight = Flight::of(plan);
    tell(&mut flight, at(600), Event::noted("the end"));
    let document = story(&flight).told();
    assert_eq!(cell(&document, "Objectives", "errors", "not evaluated"), &Cell::toned(Tone::Unknown, "10m"));
}

#[test]
fn a_signal_that_told_nothing_is_named_and_no_number_is_made_of_it() {
    let mut plan = short();
    plan.monitors = vec![monitor("api"), monitor("web"), monitor("deaf")];
    let mut flight = Flight::of(plan);
    tell(&mut flight, at(60), Event::noted("the end"));
    let mut told = story(&flight);
    let frame = told.frames()[0];
    let mut silent = Series::new(frame, None);
    silent.take(at(1), Sample::Nothing, false);
    let mut unknown = Series::new(frame, None);
    unknown.take(at(1), Sample::Look { failed: false, told: false, took: Duration::ZERO }, false);
    told.samples("monitor.api".into(), vec![silent]);
    told.samples("monitor.web".into(), vec![unknown]);
    let document = told.told();
    let said = |words: &str| {
        let blocks = document.sections.iter().flat_map(|section| &section.blocks);
        blocks
            .filter(|block| matches!(block, Block::Text(cell) if cell.text == words && cell.tone == Tone::Unknown))
            .count()
    };
    assert_eq!(said("Asked, and never told anything: monitor.api (asked 1 time)"), 1);
    assert_eq!(said("No samples are kept of: monitor.deaf"), 1);
    let (picture, _) = plot(&document, "Samples of monitor.web");
    assert!(picture.told.contains("1 looks, 0 failed, 1 could not tell; slowest p95 not known"), "{}", picture.told);
}

#[test]
fn what_failed_and_is_due_again_has_failed() {
    let mut plan = plan();
    plan.phases.retain(|phase| phase.id.as_str() == "late");
    plan.items.retain(|_, item| item.phase.as_str() == "late");
    plan.phases[0].gate = true;
    plan.clock.holds.clear();
    plan.clock.start = 60_000;
    plan.poll.clear();
    let item = plan.items.get_mut(&ItemId::new("look")).expect("there");
    (item.every, item.act) = (Some(Every::Span(minutes(24 * 60))), Act::Check(SpecId(5)));
    let mut flight = Flight::of(plan);
    flight.pass(minutes(31));
    flight.answer("look", Verdict::Fail);
    flight.pass(minutes(24 * 60));
    let now = flight.now;
    tell(&mut flight, now, Event::noted("the end"));
    let document = story(&flight).told();
    assert_eq!(cell(&document, "Items of late", "LOOK", "verdict"), &Cell::toned(Tone::Fail, "fail; runs again"));
    assert_eq!(cell(&document, "Every phase", "late", "came to").tone, Tone::Fail);
    let standing = crate::launch::gate::standing(&flight.board, &flight.board.plan.phases[0], flight.now);
    assert_eq!(standing.worst, Some(Verdict::Fail));
}

#[test]
fn what_has_no_lane_is_counted_and_a_scrub_stops_the_count() {
    let mut plan = short();
    plan.monitors = (0..15).map(|n| monitor(&format!("m{n}"))).collect();
    let mut flight = Flight::of(plan);
    tell(&mut flight, at(60), Event::Scrubbed { why: "no".into() });
    tell(&mut flight, at(600), Event::noted("the end"));
    let document = story(&flight).told();
    let page = markdown(&document);
    assert!(page.contains("3 monitors more without a lane of its own"), "{page}");
    let counting = lane(&document, "countdown").pieces.first().expect("it counted");
    assert_eq!((counting.label.as_str(), counting.until), ("counting", at(60)));
}

#[test]
fn a_number_below_zero_is_drawn_below_zero() {
    let mut plan = short();
    let mut balance = objective("balance", ">= -50");
    balance.signal = "balance".into();
    plan.objectives = vec![balance];
    let mut flight = Flight::of(plan);
    for (second, value) in [(10, 100.0), (20, -60.0)] {
        let seen = Measured { of: 1, value: Number::new(value), ..Measured::default() };
        let counts = Counts { seen, newest: Some(at(second)), known: Span(30_000), ..Counts::default() };
        let rounds = vec![Round { at: at(second), counts: [("balance".into(), counts)].into() }];
        tell(&mut flight, at(second), Event::Evaluated { rounds });
    }
    let document = story(&flight).told();
    let (picture, drawn) = plot(&document, "Objective balance");
    assert!(drawn.bottom <= -60.0 && drawn.top >= 100.0, "{drawn:?}");
    assert!(picture.told.contains("worst -60"), "{}", picture.told);
    assert!(drawn.part(-60.0) < drawn.part(0.0) && drawn.part(0.0) < drawn.part(100.0));
}

#[test]
fn each_verdict_has_its_sign_and_its_class_in_both_forms() {
    for (verdict, sign) in [
        (Verdict::Pass, '✓'),
        (Verdict::Skipped, '–'),
        (Verdict::Warn, '!'),
        (Verdict::Stale, '~'),
        (Verdict::Unknown, '?'),
        (Verdict::Fail, '✗'),
    ] {
        let told = Cell::from(verdict);
        let document = Document { outcome: told.clone(), ..Document::default() };
        let word = verdict.word();
        let page = html(&document);
        let wanted = format!("<span class=\"{word}\"><span class=\"sign\" aria-hidden=\"true\">{sign} </span>{word}");
        assert!(page.contains(&wanted), "{wanted} in {page}");
        let signed = crate::evidence::markdown::plain(&sign.to_string());
        assert!(markdown(&document).contains(&format!("**{signed} {word}**")), "{}", markdown(&document));
    }
}

#[test]
fn paper_and_a_phone_have_rules_of_their_own() {
    let sheet = style::sheet(false);
    let print: String = sheet.split("@media print{").skip(1).collect();
    for rule in [
        ":root{color-scheme:light",
        "nav{display:none}",
        ".scroll{overflow:visible}",
        "thead{display:table-header-group}",
        "tr,figure,li{break-inside:avoid}",
        "print-color-adjust:exact",
    ] {
        assert!(print.contains(rule), "{rule}");
    }
    assert!(sheet.contains("@media (max-width:40rem){dl{grid-template-columns:1fr"), "{sheet}");
    assert!(
        html(&Document::default()).contains("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
    );
}
