//! The truth table of stages, and deadlines that ring once whatever happens to the console.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::launch::command::Command;
use crate::launch::event::{Actor, Event};
use crate::launch::samples::{Flight, MINUTE, minutes, plan};
use crate::launch::schedule;

fn level(id: &str, after: u64) -> Level {
    Level { id: id.into(), title: id.into(), after: minutes(after), contacts: vec![format!("#{id}")] }
}

/// sev-1 with L1 at 0, L2 at 15, L3 at 30 minutes; sev-2 with L2 at 20 and L4 at 25; sev-3 without a ladder.
fn laddered() -> Plan {
    let mut plan = plan();
    plan.severities = built_in();
    plan.severities[0].levels = vec![level("L1", 0), level("L2", 15), level("L3", 30)];
    plan.severities[1].levels = vec![level("L2", 20), level("L4", 25)];
    plan
}

fn flight() -> Flight {
    Flight::of(laddered())
}

fn open(flight: &mut Flight, severity: Option<&str>) {
    let command = Command::OpenIncident {
        title: "checkout is down".into(),
        severity: severity.map(Into::into),
        detected_by: "smoke".into(),
    };
    flight.command(command).expect("opened");
}

fn change(flight: &mut Flight, change: Change) -> Result<(), String> {
    flight.command(Command::ChangeIncident { incident: 1, change })
}

fn first(flight: &Flight) -> &Incident {
    find(&flight.board, 1).expect("opened")
}

/// What rang so far, with the minute it was recorded at.
fn rang(flight: &Flight) -> Vec<(String, i64)> {
    let rang = flight.records.iter().filter_map(|record| match &record.event {
        Event::IncidentRang { due, .. } => Some((due.word().to_owned(), record.at.0 / MINUTE)),
        _ => None,
    });
    rang.collect()
}

fn words(rang: &[(&str, i64)]) -> Vec<(String, i64)> {
    rang.iter().map(|(due, minute)| ((*due).to_owned(), *minute)).collect()
}

#[test]
fn an_incident_keeps_all_that_is_said_of_it() {
    let mut flight = flight();
    flight.pass(minutes(3));
    open(&mut flight, None);
    for said in [
        Change::Severity("sev-2".into()),
        Change::Commander("  ana ".into()),
        Change::Impact("no orders".into()),
        Change::Mitigation("traffic to the old version".into()),
        Change::Mitigation("cache off".into()),
        Change::FollowUp("bd-12".into()),
        Change::Note("looks like the cache".into()),
    ] {
        change(&mut flight, said).expect("taken");
    }
    flight.pass(minutes(4));
    change(&mut flight, Change::Stage(Stage::Mitigated)).expect("taken");
    flight.pass(minutes(5));
    change(&mut flight, Change::Stage(Stage::Resolved)).expect("taken");
    change(&mut flight, Change::Stage(Stage::Closed)).expect("taken");
    let known = first(&flight);
    assert_eq!(known.commander.as_deref(), Some("ana"));
    assert_eq!(known.mitigations, ["traffic to the old version", "cache off"]);
    assert_eq!((known.follow_ups.as_slice(), known.impact.as_deref()), (&["bd-12".to_owned()][..], Some("no orders")));
    let at = |moment: Option<Moment>| moment.map(|moment| moment.at.0 / MINUTE);
    let stages = [known.mitigated, known.resolved, known.closed].map(at);
    assert_eq!((known.opened.at.0 / MINUTE, stages), (3, [Some(7), Some(12), Some(12)]));
    let lines: Vec<&str> = known.timeline.iter().map(|entry| entry.words.as_str()).collect();
    assert_eq!(lines[0], "opened: checkout is down; noticed by smoke");
    assert_eq!(lines[1..3], ["is sev-2", "is commanded by ana"]);
    assert_eq!(lines.last(), Some(&"is CLOSED"));
    assert!(known.timeline.iter().all(|entry| entry.by.name == "ada"));
}

/// From each stage to each, without and with a follow-up.
#[test]
fn the_truth_table_of_stages() {
    use Stage::{Active, Closed, Mitigated, Resolved};
    let reached = |stage: Stage, tracked: bool| {
        let mut flight = flight();
        open(&mut flight, Some("sev-3"));
        if stage == Closed {
            change(&mut flight, Change::Stage(Resolved)).expect("resolved");
        }
        if stage != Active {
            change(&mut flight, Change::Stage(stage)).expect("reached");
        }
        if tracked {
            change(&mut flight, Change::FollowUp("bd-1".into())).expect("tracked");
        }
        flight
    };
    let already = "already";
    let back = "it goes back to active alone";
    let why = "say why it is active again";
    let open_still = "it is closed once it is resolved, or has the id of a follow-up";
    for (from, to, untracked, tracked) in [
        (Active, Active, Some(already), Some(already)),
        (Active, Mitigated, None, None),
        (Active, Resolved, None, None),
        (Active, Closed, Some(open_still), None),
        (Mitigated, Active, Some(why), Some(why)),
        (Mitigated, Mitigated, Some(already), Some(already)),
        (Mitigated, Resolved, None, None),
        (Mitigated, Closed, Some(open_still), None),
        (Resolved, Active, Some(why), Some(why)),
        (Resolved, Mitigated, Some(back), Some(back)),
        (Resolved, Resolved, Some(already), Some(already)),
        (Resolved, Closed, None, None),
        (Closed, Active, Some(why), Some(why)),
        (Closed, Mitigated, Some(back), Some(back)),
        (Closed, Resolved, Some(back), Some(back)),
        (Closed, Closed, Some(already), Some(already)),
    ] {
        for (has, refused) in [(false, untracked), (true, tracked)] {
            let mut flight = reached(from, has);
            let done = change(&mut flight, Change::Stage(to));
            match refused {
                None => assert_eq!((done, first(&flight).stage), (Ok(()), to), "{from:?} to {to:?}, {has}"),
                Some(part) => {
                    let why = done.expect_err("refused");
                    assert!(why.contains(part) && why.starts_with("incident 1 is"), "{from:?} to {to:?}: {why}");
                    assert_eq!(first(&flight).stage, from);
                }
            }
        }
        let mut flight = reached(from, false);
        let again = change(&mut flight, Change::Relapsed("it is back".into()));
        assert_eq!(again.is_ok(), from != Active, "{from:?}: {again:?}");
        assert_eq!(first(&flight).stage, Active);
        assert_eq!(first(&flight).closed, None);
        let silent = change(&mut flight, Change::Relapsed("  ".into()));
        assert!(silent.is_err());
    }
}

#[test]
fn a_refusal_says_what_is_wrong_and_what_there_is() {
    let mut flight = flight();
    let opening = |title: &str, severity: Option<&str>, by: &str| Command::OpenIncident {
        title: title.into(),
        severity: severity.map(Into::into),
        detected_by: by.into(),
    };
    let note = |incident, text: &str| Command::ChangeIncident { incident, change: Change::Note(text.into()) };
    for (command, wanted) in [
        (opening(" \n", None, "ana"), "an incident needs a title"),
        (opening("down", None, " "), "say who or what noticed it"),
        (
            opening("down", Some("sev1"), "ana"),
            "no severity `sev1` in this plan: did you mean `sev-1`? it has sev-1, sev-2, sev-3",
        ),
        (note(1, "x"), "no incident 1: none was opened"),
    ] {
        let why = flight.command(command).expect_err("refused");
        assert!(why.contains(wanted), "{why}");
    }
    assert!(flight.board.incidents.is_empty());
    open(&mut flight, Some("sev-2"));
    assert_eq!(flight.command(note(2, "x")), Err("no incident 2: there is 1 alone".into()));
    open(&mut flight, Some("sev-2"));
    for (command, wanted) in [
        (note(7, "x"), "no incident 7: there are 1 to 2"),
        (note(1, ""), "an empty note says nothing"),
        (
            Command::ChangeIncident { incident: 1, change: Change::Severity("sev-2".into()) },
            "incident 1 is sev-2 already",
        ),
        (Command::ChangeIncident { incident: 1, change: Change::Severity("p1".into()) }, "no severity `p1`"),
        (Command::ChangeIncident { incident: 1, change: Change::Commander(" ".into()) }, "say who commands it"),
        (Command::ChangeIncident { incident: 1, change: Change::Acknowledged }, "incident 1 rings for nothing"),
    ] {
        let why = flight.command(command).expect_err("refused");
        assert!(why.contains(wanted), "{why}");
    }
}

#[test]
fn triage_rings_once_at_its_deadline_and_not_where_all_is_there() {
    let mut flight = flight();
    open(&mut flight, None);
    assert_eq!(schedule::next_at(&flight.board, flight.now), Some(Instant(10 * MINUTE)));
    flight.pass(minutes(9));
    assert_eq!(rang(&flight), []);
    flight.pass(minutes(1));
    assert_eq!(rang(&flight), words(&[("triage", 10)]));
    flight.pass(minutes(60));
    assert_eq!(rang(&flight).len(), 1);
    assert!(first(&flight).timeline[1].words.contains("TRIAGE DUE: it has no severity and no commander"));

    let mut flight = self::flight();
    open(&mut flight, None);
    change(&mut flight, Change::Commander("ana".into())).expect("taken");
    change(&mut flight, Change::Severity("sev-3".into())).expect("taken");
    flight.pass(minutes(60));
    assert_eq!(rang(&flight), [], "severity and commander were there");

    let mut flight = self::flight();
    open(&mut flight, Some("sev-3"));
    flight.pass(minutes(11));
    assert_eq!(rang(&flight), words(&[("triage", 10)]), "no commander");
}

#[test]
fn the_ladder_is_climbed_from_the_opening_until_it_is_resolved() {
    let mut flight = flight();
    flight.pass(minutes(2));
    open(&mut flight, Some("sev-1"));
    change(&mut flight, Change::Commander("ana".into())).expect("taken");
    assert_eq!(rang(&flight), words(&[("L1", 2)]));
    assert_eq!(first(&flight).level(&flight.board.plan).map(|level| level.contacts.clone()), Some(vec!["#L1".into()]));
    flight.pass(minutes(15));
    change(&mut flight, Change::Stage(Stage::Mitigated)).expect("taken");
    flight.pass(minutes(14));
    assert_eq!(rang(&flight), words(&[("L1", 2), ("L2", 17)]));
    change(&mut flight, Change::Stage(Stage::Resolved)).expect("taken");
    flight.pass(minutes(60));
    assert_eq!(rang(&flight).len(), 2, "it was resolved a minute before L3");
    // It comes again: whoever was called has gone home.
    change(&mut flight, Change::Relapsed("orders fail again".into())).expect("taken");
    flight.pass(minutes(15));
    assert_eq!(rang(&flight), words(&[("L1", 2), ("L2", 17), ("L1", 91), ("L2", 106)]));
}

#[test]
fn another_severity_has_another_ladder_and_no_level_rings_twice() {
    let mut flight = flight();
    open(&mut flight, Some("sev-1"));
    change(&mut flight, Change::Commander("ana".into())).expect("taken");
    flight.pass(minutes(16));
    assert_eq!(rang(&flight), words(&[("L1", 0), ("L2", 15)]));
    change(&mut flight, Change::Severity("sev-2".into())).expect("taken");
    flight.pass(minutes(10));
    assert_eq!(rang(&flight), words(&[("L1", 0), ("L2", 15), ("L4", 25)]), "L2 of sev-2 was reached already");
    change(&mut flight, Change::Severity("sev-3".into())).expect("taken");
    flight.pass(minutes(60));
    assert_eq!(rang(&flight).len(), 3);
    change(&mut flight, Change::Severity("sev-1".into())).expect("taken");
    assert_eq!(rang(&flight)[3..], words(&[("L3", 86)]), "passed long ago, told now");
    assert!(first(&flight).timeline.last().is_some_and(|entry| entry.words.contains("told 56m late")));
}

#[test]
fn deadlines_run_while_the_countdown_holds_after_t0_and_after_a_scrub() {
    let mut held = flight();
    held.command(Command::CallHold { why: "wait".into() }).expect("held");
    let mut scrubbed = flight();
    scrubbed.command(Command::Scrub { why: "enough".into() }).expect("scrubbed");
    for flight in [&mut held, &mut scrubbed] {
        open(flight, Some("sev-1"));
        for _ in 0..31 {
            flight.pass(minutes(1));
        }
        assert_eq!(rang(flight), words(&[("L1", 0), ("triage", 10), ("L2", 15), ("L3", 30)]));
    }
}

/// A console dies between the opening and the tenth minute; the next one comes back long after.
#[test]
fn what_passed_while_nobody_was_there_is_told_once_oldest_first_with_how_late() {
    let mut flight = flight();
    open(&mut flight, Some("sev-1"));
    flight.pass(minutes(4));
    let replayed = Board::replay(Arc::clone(&flight.board.plan.0), &flight.records);
    assert_eq!(replayed, flight.board);
    let mut after = Flight { board: replayed, records: flight.records.clone(), now: Instant(20 * MINUTE) };
    after.record(after.now, Actor::engine(), Event::ConsoleReturned { clean: false, t: 56 * MINUTE });
    after.follow();
    assert_eq!(rang(&after), words(&[("L1", 0), ("triage", 20), ("L2", 20)]));
    let late: Vec<u64> = first(&after).rung.iter().map(|rung| rung.late.as_secs() / 60).collect();
    assert_eq!(late, [0, 10, 5]);
    // And once more: nothing is told twice.
    let board = Board::replay(Arc::clone(&after.board.plan.0), &after.records);
    let mut again = Flight { board, records: after.records.clone(), now: Instant(25 * MINUTE) };
    again.record(again.now, Actor::engine(), Event::ConsoleReturned { clean: true, t: 56 * MINUTE });
    again.follow();
    assert_eq!(rang(&again).len(), 3);
    again.pass(minutes(5));
    assert_eq!(rang(&again)[3..], words(&[("L3", 30)]));
}

#[test]
fn a_ring_calls_until_it_is_acknowledged_and_triage_calls_five_minutes_before() {
    let mut flight = flight();
    open(&mut flight, None);
    let called = |flight: &Flight| !calls(&flight.board, flight.now).is_empty();
    flight.pass(Duration::from_secs(299));
    assert!(!called(&flight));
    flight.pass(Duration::from_secs(1));
    assert!(called(&flight), "five minutes are left");
    change(&mut flight, Change::Acknowledged).expect("taken on");
    assert!(!called(&flight));
    flight.pass(minutes(5));
    assert!(called(&flight), "it rang");
    flight.pass(minutes(5));
    assert!(called(&flight));
    change(&mut flight, Change::Acknowledged).expect("taken on");
    assert!(!called(&flight));
    assert_eq!(first(&flight).rung[0].acknowledged.as_ref().map(|by| by.name.as_str()), Some("ada"));
    // The severity brings levels that passed already.
    change(&mut flight, Change::Severity("sev-1".into())).expect("taken");
    assert!(called(&flight));
    change(&mut flight, Change::Stage(Stage::Resolved)).expect("taken");
    assert!(!called(&flight), "what is resolved calls nobody");
}

#[test]
fn the_worst_open_one_comes_first_and_what_nobody_judged_counts_as_bad() {
    let mut flight = flight();
    for severity in [Some("sev-3"), Some("sev-2"), None, Some("sev-1")] {
        open(&mut flight, severity);
    }
    let resolved = Change::Stage(Stage::Resolved);
    flight.command(Command::ChangeIncident { incident: 4, change: resolved }).expect("taken");
    let order: Vec<u32> = by_weight(&flight.board).iter().map(|known| known.number).collect();
    assert_eq!(order, [3, 2, 1, 4]);
    let grave: Vec<bool> =
        [1, 2, 3, 4].map(|n| find(&flight.board, n).expect("there").is_grave(&flight.board.plan)).into();
    assert_eq!(grave, [false, true, true, false]);
}

#[test]
fn nothing_is_asked_of_incidents_once_the_launch_has_ended() {
    let mut flight = flight();
    open(&mut flight, Some("sev-1"));
    flight.command(Command::End { why: "done".into() }).expect("ended");
    assert!(change(&mut flight, Change::Stage(Stage::Resolved)).expect_err("over").contains("has ended"));
    flight.pass(minutes(60));
    assert_eq!(rang(&flight).len(), 1);
}

fn any_change() -> impl Strategy<Value = Change> {
    let stage = (0..4_usize).prop_map(|at| Change::Stage(Stage::WORDS[at].1));
    let severity = (0..4_usize).prop_map(|at| Change::Severity(["sev-1", "sev-2", "sev-3", "sev-9"][at].into()));
    let text = "[a-z ]{0,3}".prop_map(Change::Note);
    prop_oneof![
        stage,
        severity,
        text,
        Just(Change::Relapsed("again".into())),
        Just(Change::FollowUp("bd-1".into())),
        Just(Change::Commander("ana".into())),
        Just(Change::Acknowledged),
    ]
}

proptest! {
    /// Whatever people say in whatever order: no level rings twice in one run of the ladder, nothing is closed
    /// that is neither resolved nor tracked, and a replay comes to the same.
    #[test]
    fn no_order_of_words_rings_twice_or_closes_what_is_open(steps in proptest::collection::vec((any_change(), 0_u64..12), 1..40)) {
        let mut flight = flight();
        open(&mut flight, None);
        let mut before = first(&flight).stage;
        for (asked, passed) in steps {
            flight.pass(minutes(passed));
            let taken = change(&mut flight, asked).is_ok();
            let known = first(&flight);
            prop_assert!(taken || known.stage == before);
            if known.stage == Stage::Closed && before < Stage::Resolved {
                prop_assert!(!known.follow_ups.is_empty());
            }
            before = known.stage;
            for (at, rung) in known.rung.iter().enumerate() {
                prop_assert!(known.rung[at + 1..].iter().all(|other| other.due != rung.due), "{:?}", known.rung);
            }
            let passed = deadlines(&flight.board.plan, known);
            prop_assert!(passed.iter().all(|deadline| deadline.at > flight.now), "{passed:?}");
        }
        let replayed = Board::replay(Arc::clone(&flight.board.plan.0), &flight.records);
        prop_assert_eq!(replayed, flight.board);
    }
}

#[test]
fn what_a_request_opened_late_counts_from_when_it_was_asked() {
    let mut flight = flight();
    flight.pass(minutes(20));
    let event = Event::IncidentOpened {
        incident: 1,
        title: "down".into(),
        severity: Some("sev-1".into()),
        detected_by: "bob".into(),
    };
    let (seq, recorded_at) = (flight.board.seq + 1, crate::launch::time::Wall::default() + minutes(20));
    let record = crate::launch::event::Recorded {
        seq,
        at: flight.now,
        occurred_at: recorded_at - minutes(12),
        recorded_at,
        actor: Actor::person("bob", None),
        event,
    };
    flight.board.apply(&record);
    flight.records.push(record);
    flight.follow();
    assert_eq!(first(&flight).since, Instant(8 * MINUTE));
    assert_eq!(rang(&flight), words(&[("L1", 20), ("triage", 20)]), "L1 at minute 8 and triage at 18 were missed");
}

#[test]
fn who_ends_what_rings_from_another_terminal_carries_a_role() {
    use crate::launch::command::Input;
    use crate::launch::time::Wall;
    let ask = |flight: &mut Flight, role: Option<&str>, change: Change| {
        let by = Actor::person("cy", role.map(Into::into));
        let id = format!("r{}", flight.records.len());
        let command = Command::ChangeIncident { incident: 1, change };
        let (asked_at, age) = (Wall::default(), Duration::ZERO);
        flight.input(&Input::Request { id: id.as_str().into(), by, command, asked_at, age })
    };
    let mut flight = flight();
    open(&mut flight, Some("sev-1"));
    flight.pass(minutes(16));
    let follow_up = Change::FollowUp("OPS-1".into());
    for scribe in [Change::Note("seen".into()), follow_up, Change::Stage(Stage::Mitigated)] {
        ask(&mut flight, None, scribe).expect("a scribe's");
    }
    for ends in [Stage::Resolved, Stage::Closed] {
        let refused = ask(&mut flight, None, Change::Stage(ends)).expect_err("not a scribe's");
        assert!(refused.contains("ask as a role"), "{refused}");
        assert!(first(&flight).stage < Stage::Resolved);
    }
    ask(&mut flight, Some("backend"), Change::Stage(Stage::Resolved)).expect("a role's");
}

#[test]
fn a_full_timeline_takes_its_stages_alone() {
    let mut flight = flight();
    open(&mut flight, Some("sev-1"));
    change(&mut flight, Change::Impact("no orders".into())).expect("taken");
    assert!(change(&mut flight, Change::Impact(" no orders ".into())).expect_err("said before").contains("already"));
    change(&mut flight, Change::Mitigation("cache off".into())).expect("taken");
    let again = change(&mut flight, Change::Mitigation("cache off".into()));
    assert!(again.expect_err("said before").contains("already"));
    let line = first(&flight).timeline[0].clone();
    Arc::make_mut(&mut flight.board.incidents[0]).timeline.resize(2_000, line);
    for more in [
        Change::Note("more".into()),
        Change::Impact("more".into()),
        Change::Mitigation("more".into()),
        Change::FollowUp("more".into()),
        Change::Commander("more".into()),
        Change::Severity("sev-2".into()),
    ] {
        assert!(change(&mut flight, more.clone()).expect_err("full").contains("is full"), "{more:?}");
    }
    change(&mut flight, Change::Acknowledged).expect("it rings");
    change(&mut flight, Change::Stage(Stage::Resolved)).expect("taken");
}
