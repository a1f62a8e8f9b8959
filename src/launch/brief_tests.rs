//! Where a brief begins, what it tells, and what comes next.

use super::super::board::Board;
use super::super::command::Command;
use super::super::event::{Actor, Event, Recorded};
use super::super::plan::{Act, Criterion, DecidedBy, GoStage, Second};
use super::super::samples::{Flight, minutes, plan};
use super::super::time::{Instant, Now, Wall};
use super::super::verdict::Verdict;
use super::*;

fn told(board: &Board, records: &[Recorded], since: Since, now: Instant) -> Brief {
    let mut finder = Finder::new(since);
    records.iter().for_each(|record| finder.take(record));
    let begin = finder.begin();
    let mut happened = Happened::after(&begin);
    records.iter().for_each(|record| happened.take(record));
    brief(board, &begin, happened, Now { instant: now, wall: Wall::default() }, &|_| "12:03".to_owned())
}

fn lines(brief: &Brief, title: &str) -> Vec<String> {
    let part = brief.parts.iter().find(|part| part.title == title);
    part.map(|part| part.lines.iter().map(|line| line.text.clone()).collect()).unwrap_or_default()
}

fn of(flight: &Flight, since: Since) -> Brief {
    told(&flight.board, &flight.records, since, flight.now)
}

#[test]
fn it_begins_with_ones_own_last_act_else_with_the_last_leaving_and_says_which() {
    let mut flight = Flight::of(plan());
    assert_eq!(of(&flight, Since::Own("Ana".into())).head.split(':').nth(1), Some("03, the launch was opened"));
    let at = flight.now;
    let ana = || Actor::person("Ana", None);
    flight.record(at, Actor::person("op", None), Event::ConsoleLeft);
    let left = flight.board.seq;
    flight.record(at, ana(), Event::ConsoleReturned { clean: true, t: 0 });
    flight.record(at, ana(), Event::noted("calm"));
    let own = flight.board.seq;
    flight.record(at, Actor::person("Bo", None), Event::noted("not so calm"));
    let head = of(&flight, Since::Own(" ana ".into())).head;
    assert_eq!(head, format!("since 12:03, the last act of ana, record {own}: 1 record"));
    assert_eq!(lines(&of(&flight, Since::Own("ana".into())), "Notes"), ["12:03 note by Bo: not so calm"]);
    // Coming back is no act: of one who did nothing else, it is since the console was left.
    let head = of(&flight, Since::Own("Cy".into())).head;
    assert_eq!(head, format!("since 12:03, a console was left, record {left}: 3 records"));
    let since = of(&flight, Since::Record(own - 1));
    assert_eq!(lines(&since, "Notes").len(), 2);
    // Of a console that keeps the newest records alone.
    let kept = &flight.records[2..];
    let head = told(&flight.board, kept, Since::Opening, flight.now).head;
    assert!(head.contains("the oldest at hand here"), "{head}");
}

#[test]
fn what_turned_is_told_once_as_it_stands_and_everything_else_by_its_kind() {
    let mut flight = Flight::of(plan());
    flight.answer("health", Verdict::Fail);
    flight.answer("login", Verdict::Pass);
    flight.command(Command::note("mark")).expect("noted");
    let from = flight.board.seq;
    flight.command(Command::RunItem { item: "health".into() }).expect("runs");
    flight.answer("health", Verdict::Unknown);
    flight.command(Command::RunItem { item: "health".into() }).expect("runs");
    flight.answer("health", Verdict::Pass);
    flight.answer("chat", Verdict::Fail);
    flight.command_as("backend", Command::CallHold { why: "odd".into() }).expect("held");
    let brief = of(&flight, Since::Record(from));
    assert_eq!(lines(&brief, "Turned green"), ["12:03 health pass, was fail"]);
    let red = lines(&brief, "Turned red");
    assert!(red.len() == 1 && red[0].starts_with("12:03 chat fail"), "{red:?}");
    let clock = lines(&brief, "Countdown, holds and gates");
    assert_eq!(clock, ["12:03 HOLD by bo (backend): odd"]);
    let stands = lines(&brief, "Now");
    assert!(stands.iter().any(|line| line == "HOLDING at T-01:00:00: backend: odd"), "{stands:?}");
    assert!(stands.iter().any(|line| line == "gate gate-a 2/3: chat fail"), "{stands:?}");
    assert!(stands.iter().any(|line| line.starts_with("NO-GO, 0 of 2 votes: gate gate-a is not open")), "{stands:?}");
    let next = lines(&brief, "Next");
    assert_eq!(next[0], "now: the hold of backend is to be released · backend");
    assert_eq!(next[1], "now: chat is fail: right it, or waive it · lead");
    assert!(next.iter().any(|line| line == "T-30m: gate gate-b gate-b, 1 item · anybody"), "{next:?}");
}

#[test]
fn what_is_late_comes_first_and_no_more_than_ten_are_told() {
    let mut plan = plan();
    let mut order = Vec::new();
    for n in 0..12 {
        let mut item = plan.items[&"attest".into()].clone();
        item.id = format!("task-{n}").as_str().into();
        item.act = Act::Manual { role: Some("lead".into()), second: Second::None };
        (item.phase, item.at) = ("gate-a".into(), plan.phases[0].at);
        if n == 11 {
            item.at.0 -= 300_000;
        }
        order.push(item.id.clone());
        plan.items.insert(item.id.clone(), item);
    }
    plan.phases[0].items.extend(order);
    let mut flight = Flight::of(plan);
    flight.pass(minutes(6));
    let next = lines(&of(&flight, Since::Opening), "Next");
    assert_eq!(next.len(), 11);
    assert!(next[0].starts_with("late 00:06:00: task-0 ") && next[0].ends_with(" · lead"), "{next:?}");
    assert!(next[10].starts_with("and ") && next[10].ends_with(" more"), "{next:?}");
}

#[test]
fn a_gate_that_a_person_let_on_is_no_plain_pass() {
    let mut flight = Flight::of(plan());
    for (item, verdict) in [("health", Verdict::Warn), ("login", Verdict::Pass), ("chat", Verdict::Pass)] {
        flight.answer(item, verdict);
    }
    flight.command(Command::Acknowledge { item: "health".into() }).expect("taken on");
    let brief = of(&flight, Since::Opening);
    let stands = brief.parts.iter().find(|part| part.title == "Now").expect("how it stands");
    let gate = Line { tone: Tone::Warn, text: "gate gate-a passed 3/3, 1 taken on".to_owned() };
    assert!(stands.lines.contains(&gate), "{stands:?}");
}

#[test]
fn of_a_launch_that_has_ended_nothing_comes() {
    let mut flight = Flight::of(plan());
    flight.command(Command::End { why: "enough".into() }).expect("ended");
    let brief = of(&flight, Since::Opening);
    assert_eq!(lines(&brief, "Next"), ["nothing: the launch has ended"]);
    assert_eq!(lines(&brief, "Now")[0], "the launch has ended: enough");
}

#[test]
fn it_says_how_the_criteria_of_each_stage_stand() {
    let mut plan = plan();
    let person = || DecidedBy::Person { role: None };
    let criterion =
        |id: &str, no_go, stage| Criterion { id: id.into(), text: id.to_uppercase(), no_go, stage, by: person() };
    let launch = ["loss", "back"].map(|id| criterion(id, true, GoStage::Launch));
    plan.criteria = launch.into_iter().chain([criterion("calm", false, GoStage::Observed)]).collect();
    let mut flight = Flight::of(plan);
    let judge = |id: &str, met| Command::Judge { criterion: id.into(), met, note: "seen".into() };
    flight.command(judge("loss", true)).expect("judged");
    flight.command(judge("calm", true)).expect("judged");
    let stands = lines(&of(&flight, Since::Opening), "Now");
    let open = "criteria before T-0: 1 of 2: no-go back open: BACK (nobody has said)";
    assert!(stands.iter().any(|line| line == open), "{stands:?}");
    assert!(stands.iter().any(|line| line == "criteria of what is observed: 1 of 1"), "{stands:?}");
    flight.command(judge("back", false)).expect("judged");
    let by = super::super::event::Actor::person("ana", None);
    let reason = "known".to_owned();
    let waive = Command::WaiveCriterion { criterion: "back".into(), reason, lasts: super::super::waiver::LASTS };
    flight.input(&super::super::command::Input::Command { by, command: waive }).expect("waived");
    let stands = lines(&of(&flight, Since::Opening), "Now");
    assert!(stands.iter().any(|line| line == "criteria before T-0: 2 of 2"), "{stands:?}");
    assert!(stands.iter().any(|line| line == "criterion back waived by ana: known"), "{stands:?}");
}

#[test]
fn an_open_incident_and_a_waiver_stand_until_they_are_over() {
    let mut flight = Flight::of(plan());
    flight.answer("health", Verdict::Fail);
    let waive =
        Command::Waive { item: "health".into(), reason: "known".into(), lasts: std::time::Duration::from_secs(7_200) };
    flight.command(waive).expect("waived");
    let open = Command::OpenIncident { title: "orders fail".into(), severity: None, detected_by: "bo".into() };
    flight.command(open).expect("opened");
    let brief = of(&flight, Since::Opening);
    let (stands, next) = (lines(&brief, "Now"), lines(&brief, "Next"));
    assert!(
        stands.iter().any(|line| line.starts_with("incident 1 without severity ACTIVE: orders fail")),
        "{stands:?}"
    );
    assert!(
        stands
            .iter()
            .any(|line| line.starts_with("health is waived by") && line.contains(", until ") && line.contains(" UTC")),
        "{stands:?}"
    );
    assert!(next.iter().any(|line| line == "in 00:10:00: incident 1: triage"), "{next:?}");
    assert!(next.iter().any(|line| line == "in 02:00:00: the waiver of health ends"), "{next:?}");
    flight.pass(minutes(121));
    let brief = of(&flight, Since::Opening);
    let (stands, next) = (lines(&brief, "Now"), lines(&brief, "Next"));
    assert!(!stands.iter().any(|line| line.contains("is waived by")), "{stands:?}");
    assert!(next.iter().any(|line| line.starts_with("now: incident 1 orders fail · it has no severity")), "{next:?}");
    let words = lines(&brief, "The crew's words");
    assert!(words.iter().any(|line| line.contains("EXPIRED")), "{:?}", brief.parts);
}
