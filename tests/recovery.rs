//! A console killed while a step runs comes back on the recovery screen: what ran on is followed, what
//! ended is told, what nobody knows is settled by a person, and nothing happens twice by itself.

use std::path::PathBuf;

use crate::binary::{Place, Ran, ended};
use crate::pty::{Seat, WIDE};
use crate::told::{board, records};
use crate::wait::wait;
use rustix::process::{Pid, Signal, kill_process};
use tminus::launch::event::{Event, Recorded};
use tminus::launch::recovery::Standing;

/// A launch of one step that writes down that it ran, and ends once the test lets it; what needs it writes
/// down that it ran too.
const PLAN: &str = r#"
[plan]
schema = 1
id = "charge"
title = "Charge"
environment = "test"

[clock]
start = "T-1h"

[[phase]]
id = "act"
title = "Act"
at = "T-1h"

[[phase.item]]
id = "charge"
title = "Charge the customers"
class = "CLASS"
auto = true
timeout = "50s"
[phase.item.run]
command = ["bash", "-c", "echo charged >> RUNS; read go < FIFO; echo through"]
[phase.item.example]
good = { exit = 0, stdout = "through\n" }

[[phase.item]]
id = "after"
title = "What needs it"
class = "readonly"
auto = true
needs = ["charge"]
[phase.item.run]
command = ["bash", "-c", "echo after >> RUNS"]
[phase.item.example]
good = { exit = 0, stdout = "" }
"#;

struct Stage {
    place: Place,
    plan: String,
    at: String,
}

impl Stage {
    fn new(class: &str, env: &[(&str, &str)]) -> Self {
        let place = Place::new(env);
        let path = |name: &str| place.path(name).display().to_string();
        assert!(std::process::Command::new("mkfifo").arg(place.path("fifo")).status().expect("mkfifo").success());
        let text = PLAN.replace("CLASS", class).replace("FIFO", &path("fifo")).replace("RUNS", &path("runs"));
        std::fs::write(place.path("plan.toml"), text).expect("written");
        let (plan, at) = (path("plan.toml"), path("launch"));
        Self { place, plan, at }
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(&self.at)
    }

    fn attempt(&self) -> PathBuf {
        self.folder().join("steps/charge/1")
    }

    fn records(&self) -> Vec<Recorded> {
        records(&self.folder())
    }

    fn runs(&self) -> String {
        std::fs::read_to_string(self.place.path("runs")).unwrap_or_default()
    }

    fn intents(&self) -> usize {
        let of =
            |record: &&Recorded| matches!(&record.event, Event::StepIntended { item, .. } if item.as_str() == "charge");
        self.records().iter().filter(of).count()
    }

    /// A console in which the step has begun, killed.
    fn crash(&self) {
        let seat = self.sit(&["run", &self.plan, "--launch", &self.at]);
        wait("step under way", || self.runs() == "charged\n" && started(&self.records()));
        seat.kill();
    }

    fn sit(&self, arguments: &[&str]) -> Seat {
        Seat::start(&self.place.path(""), &[arguments, &["--name", "ann"]].concat(), &[], WIDE)
    }

    fn come_back(&self) -> Seat {
        self.sit(&["run", "--launch", &self.at])
    }

    /// Kills the step with its shim, so that nobody is left to say how it ended.
    fn lose(&self) {
        let text = std::fs::read_to_string(self.attempt().join("claim")).expect("claimed");
        let shim: i32 = text.trim().parse().expect("a process");
        let children = std::fs::read_to_string(format!("/proc/{shim}/task/{shim}/children")).expect("it lives");
        kill(shim);
        children.split_whitespace().for_each(|child| kill(child.parse().expect("a process")));
    }

    /// Lets the step end, and waits until its shim has said so.
    fn let_go(&self) {
        std::fs::write(self.place.path("fifo"), "go\n").expect("it reads");
        wait("outcome", || self.attempt().join("outcome.json").exists());
    }
}

fn started(records: &[Recorded]) -> bool {
    records.iter().any(|record| matches!(record.event, Event::StepStarted { .. }))
}

fn kill(process: i32) {
    kill_process(Pid::from_raw(process).expect("a process"), Signal::KILL).expect("it lives");
}

#[test]
fn a_once_step_whose_shim_died_is_marked_done_by_hand_and_the_launch_goes_on() {
    let stage = Stage::new("once", &[]);
    stage.crash();
    stage.lose();
    let mut seat = stage.come_back();
    let shown = seat.sees("UNKNOWN: its shim died");
    for part in
        ["Back after a crash", "Charge the customers", "with console-restart: catch up with c", "d done, f failed"]
    {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    seat.press("\r");
    seat.sees("charge may have happened");
    seat.press("d");
    seat.sees("How you know");
    seat.press("the bank shows it\r");
    seat.sees("marked done by ann: the bank shows it");
    seat.press("c");
    seat.sees("every hold is released");
    seat.press("\x1b");
    seat.until("the list gone", |shown| !shown.contains("Back after a crash"));
    seat.press("P");
    seat.sees("counting");
    wait("step after it", || stage.runs() == "charged\nafter\n");
    wait("resumption", || stage.records().iter().any(|record| record.event == Event::Resumed));
    assert_eq!(stage.intents(), 1, "nothing ran twice");
    let marked = stage.records().into_iter().find(|record| matches!(record.event, Event::StepMarked { .. }));
    let marked = marked.expect("a record of the word");
    assert_eq!(marked.actor.name, "ann");
}

#[test]
fn a_step_that_runs_on_is_followed_to_its_end() {
    let stage = Stage::new("once", &[]);
    stage.crash();
    let mut seat = stage.come_back();
    seat.sees("still running, adopted (process ");
    std::fs::write(stage.place.path("fifo"), "go\n").expect("it reads");
    seat.sees("ended: pass, exit 0");
    wait("step after it", || stage.runs() == "charged\nafter\n");
    assert_eq!(stage.intents(), 1);
}

#[test]
fn a_step_that_runs_on_can_be_cancelled_by_the_console_that_adopted_it() {
    let stage = Stage::new("once", &[]);
    stage.crash();
    let mut seat = stage.come_back();
    seat.sees("still running, adopted (process ");
    // Enter goes from the list to the step.
    seat.press("\rx");
    seat.sees("Cancel charge while it runs?");
    seat.press("y");
    seat.sees("ended by us");
    assert_eq!((stage.intents(), stage.runs().as_str()), (1, "charged\n"));
}

#[test]
fn a_step_that_ended_while_nobody_watched_is_told_with_its_own_time() {
    let stage = Stage::new("once", &[]);
    stage.crash();
    stage.let_go();
    let mut seat = stage.come_back();
    seat.sees("ended while away at ");
    wait("step after it", || stage.runs() == "charged\nafter\n");
    let all = stage.records();
    let returned = all.iter().find(|record| matches!(record.event, Event::ConsoleReturned { .. })).expect("a return");
    let end =
        all.iter().find(|record| matches!(&record.event, Event::StepEnded { item, .. } if item.as_str() == "charge"));
    let end = end.expect("learnt");
    assert!(end.occurred_at < returned.recorded_at && returned.recorded_at <= end.recorded_at, "{end:?}");
    let now = board(&stage.folder(), &all);
    let recovery = now.recovery.as_ref().expect("a return");
    let standing = recovery.standing(&recovery.open[0], &now);
    assert!(matches!(standing, Standing::EndedAway { at, .. } if at == end.occurred_at), "{standing:?}");
    assert_eq!(stage.intents(), 1);
}

#[test]
fn one_key_runs_what_provably_never_ran() {
    let stage = killed_before_the_shim("once");
    assert_eq!(stage.runs(), "");
    let mut seat = stage.come_back();
    seat.sees("never ran (fenced): safe to run");
    seat.press("\r");
    seat.sees("done again as attempt 2");
    wait("step", || stage.runs() == "charged\n");
    assert_eq!(stage.intents(), 2);
}

/// Killed between the intent on disk and the shim that would claim it.
fn killed_before_the_shim(class: &str) -> Stage {
    let stage = Stage::new(class, &[("TMINUS_BOUNDARY", "intent-kept=kill")]);
    let ran = headless(&stage, &["run", &stage.plan, "--launch", &stage.at]);
    assert_eq!((ran.code, stage.intents()), (None, 1), "{ran:?}");
    stage
}

fn headless(stage: &Stage, arguments: &[&str]) -> Ran {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async { ended(stage.place.start(&[arguments, &["--headless"]].concat())).await })
}

#[test]
fn a_readonly_step_that_runs_by_itself_is_repeated_without_a_key() {
    let stage = killed_before_the_shim("readonly");
    let seat = stage.come_back();
    wait("step", || stage.runs() == "charged\n");
    assert_eq!(stage.intents(), 2);
    stage_let_go(&stage, 2);
    drop(seat);
}

fn stage_let_go(stage: &Stage, attempt: u32) {
    std::fs::write(stage.place.path("fifo"), "go\n").expect("it reads");
    wait("outcome", || stage.folder().join(format!("steps/charge/{attempt}/outcome.json")).exists());
}

#[test]
fn without_a_console_a_launch_leaves_and_says_whose_word_it_needs() {
    for class in ["once", "idempotent"] {
        let stage = Stage::new(class, &[]);
        stage.crash();
        stage.lose();
        let ran = headless(&stage, &["run", "--launch", &stage.at]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        let word = match class {
            "once" => "charge needs a person's word: its shim died",
            _ => "charge waits for a person's key to run again: its shim died",
        };
        assert!(ran.out.contains(word) && ran.err.contains(word), "{ran:?}");
        assert!(ran.out.contains(&format!("go on with `tminus run --launch {}`", stage.at)), "{}", ran.out);
        assert_eq!((stage.intents(), stage.runs().as_str()), (1, "charged\n"));
        assert_eq!(stage.records().last().map(|record| record.event.clone()), Some(Event::ConsoleLeft));
    }
}

/// A rehearsal killed once its step's shim was there, whose outcome is then taken away.
fn rehearsal_that_lost(class: &str) -> Stage {
    let stage = Stage::new(class, &[("TMINUS_BOUNDARY", "shim-started=kill")]);
    let ran = headless(&stage, &["rehearse", &stage.plan, "--launch", &stage.at]);
    assert_eq!(ran.code, None, "{ran:?}");
    let outcome = stage.attempt().join("outcome.json");
    wait("outcome", || outcome.exists());
    std::fs::remove_file(outcome).expect("there");
    stage
}

#[test]
fn the_scripted_crew_repeats_what_may_be_repeated_and_stops_before_what_may_not() {
    for (class, code, intents) in [("once", 2, 1), ("idempotent", 0, 2)] {
        let stage = rehearsal_that_lost(class);
        let again = Stage { place: Place::new(&[]), plan: stage.plan.clone(), at: stage.at.clone() };
        let ran = headless(&again, &["rehearse", "--launch", &stage.at]);
        assert_eq!((ran.code, stage.intents()), (Some(code), intents), "{class}: {ran:?}");
        if class == "once" {
            assert!(ran.out.contains("charge needs a person's word"), "{}", ran.out);
            assert_eq!(stage.records().last().map(|record| record.event.clone()), Some(Event::ConsoleLeft));
        }
    }
}

#[test]
fn the_scripted_crew_runs_a_once_step_that_provably_never_ran() {
    let stage = Stage::new("once", &[("TMINUS_BOUNDARY", "intent-kept=kill")]);
    let ran = headless(&stage, &["rehearse", &stage.plan, "--launch", &stage.at]);
    assert_eq!(ran.code, None, "{ran:?}");
    let again = Stage { place: Place::new(&[]), plan: stage.plan.clone(), at: stage.at.clone() };
    let ran = headless(&again, &["rehearse", "--launch", &stage.at]);
    assert_eq!((ran.code, stage.intents()), (Some(0), 2), "{ran:?}");
}
