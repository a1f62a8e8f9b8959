//! One console acts. Whoever held a launch and was suspended, frozen in the middle of a write, or simply
//! was not fast enough, can be taken out of the way by another, and does nothing any more when it wakes.

use crate::binary;

use std::path::{Path, PathBuf};

use crate::binary::{Place, Ran};
use crate::pty::{Seat, WIDE};
use crate::told::{board, records};
use crate::wait::{comes, stands_still, wait};
use rustix::process::Signal;
use tminus::journal::{Held, look};
use tminus::launch::countdown::CONSOLE_RESTART;
use tminus::launch::event::{Event, Recorded};

/// What a console says that was taken over.
const BANNER: &str = "this console can no longer act";

/// A launch in a home of its own, and how a person sits down at it.
struct War {
    place: Place,
    launch: PathBuf,
    plan: String,
}

impl War {
    fn of(plan: &str) -> Self {
        let place = Place::new(&[]);
        let (launch, file) = (place.path("launch"), place.path("plan.toml"));
        let runs = place.path("runs").display().to_string();
        std::fs::create_dir_all(place.path("home")).expect("made");
        std::fs::write(&file, plan.replace("RUNS", &runs)).expect("written");
        Self { place, launch, plan: file.display().to_string() }
    }

    fn folder(&self) -> String {
        self.launch.display().to_string()
    }

    /// A console on a terminal of its own.
    fn sits(&self, name: &str, more: &[&str], env: &[(&str, &str)]) -> Seat {
        let folder = self.folder();
        let arguments = [&["run", &self.plan, "--launch", &folder, "--name", name], more].concat();
        Seat::start(&self.place.path("home"), &arguments, env, WIDE)
    }

    /// A console without a terminal, to its end.
    async fn passes_by(&self, name: &str, more: &[&str]) -> Ran {
        let folder = self.folder();
        let arguments = [&["run", "--headless", "--launch", &folder, "--name", name], more].concat();
        self.place.run(&arguments).await
    }

    /// The one who opened the launch, at work.
    fn ann(&self, env: &[(&str, &str)]) -> Seat {
        let mut seat = self.sits("ann", &[], env);
        // The screen is drawn before the launch is opened.
        seat.until("the launch open", |_| !self.records().is_empty());
        seat
    }

    /// Waits until the console has begun to fly it.
    fn is_flown_by(&self, seat: &mut Seat) {
        let opened = |record: &Recorded| matches!(record.event, Event::PhaseOpened { .. });
        seat.until("a phase open", |shown| shown.contains("Someone looked") && self.records().iter().any(opened));
    }

    /// Another who takes it over, at work.
    fn takes(&self, name: &str) -> Seat {
        let mut seat = self.sits(name, &["--take-over"], &[]);
        seat.sees("console-restart");
        seat
    }

    fn records(&self) -> Vec<Recorded> {
        records(&self.launch)
    }

    fn runs(&self) -> String {
        std::fs::read_to_string(self.place.path("runs")).unwrap_or_default()
    }

    fn holder(&self) -> Option<String> {
        match look(&self.launch.join("lock")).expect("looks") {
            Held::By(holder) => Some(holder.expect("named").name),
            Held::Free => None,
        }
    }
}

/// Where the take-over and the return of the console after it stand.
fn taken_over(records: &[Recorded]) -> (&str, u32) {
    let at = records.iter().position(|record| matches!(record.event, Event::TookOver { .. })).expect("taken over");
    assert!(
        records[at + 1..].iter().any(|record| matches!(record.event, Event::ConsoleReturned { clean: false, .. })),
        "{:?}",
        &records[at..]
    );
    let Event::TookOver { from, pid, .. } = &records[at].event else { panic!("another event") };
    (from, *pid)
}

fn count(records: &[Recorded], wanted: impl Fn(&Event) -> bool) -> usize {
    records.iter().filter(|record| wanted(&record.event)).count()
}

/// It says that it was taken over by `by`, refuses, and leaves with exit code 2 when told to.
fn is_out(seat: &mut Seat, by: &str) {
    let shown = seat.sees(BANNER);
    assert!(shown.contains(&format!("the launch was taken over by {by} at ")), "{shown}");
    seat.press("n");
    seat.sees("Note");
    seat.press("am I still there\r");
    seat.until("the refusal", |shown| shown.matches(BANNER).count() > 1);
    seat.press("q");
    assert_eq!(seat.ends(), 2);
    let said = seat.shown().replace('\n', "");
    assert!(said.contains(BANNER) && said.contains("to take it back: `tminus run --launch "), "{said}");
}

#[tokio::test]
async fn a_suspended_console_is_taken_over_and_does_nothing_when_it_wakes() {
    let war = War::of(MANUAL);
    let mut ann = war.ann(&[]);
    war.is_flown_by(&mut ann);
    ann.signal(Signal::STOP);
    wait("standstill", || stands_still(ann.id()));

    let refused = war.passes_by("bob", &[]).await;
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.err.contains("ann holds this launch since "), "{refused:?}");
    assert!(refused.err.contains(&format!("(process {} on ", ann.id())), "{refused:?}");
    let how = format!("`tminus run --launch {} --take-over`", war.folder());
    assert!(refused.err.contains(&how), "{refused:?}");
    assert!(refused.err.contains(&format!("`tminus watch {}`", war.folder())), "{refused:?}");

    let mut bob = war.takes("bob");
    assert_eq!(war.holder().as_deref(), Some("bob"));
    let all = war.records();
    assert_eq!(taken_over(&all), ("ann", ann.id()));
    let clock = board(&war.launch, &all).clock.expect("a clock");
    assert!(clock.latches.contains_key(CONSOLE_RESTART), "{:?}", clock.latches);
    let third = war.passes_by("cat", &[]).await;
    assert_eq!(third.code, Some(3), "{third:?}");
    assert!(third.err.contains("bob holds this launch since "), "{third:?}");

    ann.signal(Signal::CONT);
    is_out(&mut ann, "bob");
    assert_eq!(war.holder().as_deref(), Some("bob"), "a console that leaves takes nothing with it");
    bob.press("n");
    bob.sees("Note");
    bob.press("here I am\r");
    bob.sees("here I am");
    let all = war.records();
    let notes = |record: &&Recorded| matches!(record.event, Event::Noted { .. });
    let by: Vec<&str> = all.iter().filter(notes).map(|record| record.actor.name.as_str()).collect();
    assert_eq!(by, ["bob"]);
}

#[tokio::test]
async fn a_console_at_work_is_taken_over_and_says_so_at_once() {
    let war = War::of(MANUAL);
    let mut ann = war.ann(&[]);
    war.is_flown_by(&mut ann);
    let _bob = war.takes("bob");
    is_out(&mut ann, "bob");
}

#[tokio::test]
async fn of_a_killed_console_there_is_nothing_to_take() {
    let war = War::of(MANUAL);
    let mut ann = war.ann(&[]);
    war.is_flown_by(&mut ann);
    ann.signal(Signal::KILL);
    ann.ends();
    let bob = war.passes_by("bob", &["--take-over"]).await;
    assert_eq!(bob.code, Some(2), "{bob:?}");
    let all = war.records();
    assert_eq!(count(&all, |event| matches!(event, Event::TookOver { .. })), 0);
    assert_eq!(count(&all, |event| matches!(event, Event::ConsoleReturned { clean: false, .. })), 1);
}

#[tokio::test]
async fn a_step_that_was_intended_and_not_begun_never_runs() {
    let war = War::of(STEP);
    let mut ann = war.ann(&[("TMINUS_BOUNDARY", "intent-kept=stop")]);
    wait("standstill", || stands_still(ann.id()));
    let bob = war.passes_by("bob", &["--take-over"]).await;
    let all = war.records();
    assert_eq!(taken_over(&all).0, "ann", "{bob:?}");
    assert_eq!(count(&all, |event| matches!(event, Event::StepIntended { .. })), 1);
    let ended = all.iter().find_map(|record| match &record.event {
        Event::StepEnded { outcome, .. } => Some(outcome),
        _ => None,
    });
    assert!(ended.expect("its end is known").never_ran, "{ended:?}");

    let attempt = war.launch.join("steps/once/1");
    assert!(!attempt.join("intent.json").exists(), "ann's console stopped before its shim");
    ann.signal(Signal::CONT);
    ann.sees(BANNER);
    ann.until("its shim, late", |_| attempt.join("intent.json").exists());
    // The shim is the one process that names this folder; it goes when it has lost the claim.
    wait("end of its shim", || shims(&attempt) == 0);
    ann.press("q");
    assert_eq!(ann.ends(), 2);
    assert_eq!(war.runs(), "", "the step never ran");
    assert_eq!(count(&war.records(), |event| matches!(event, Event::StepEnded { .. })), 1);
}

/// Processes whose arguments name `attempt`.
fn shims(attempt: &Path) -> usize {
    let wanted = attempt.display().to_string();
    let processes = std::fs::read_dir("/proc").expect("processes").filter_map(Result::ok);
    let named = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    named.filter(|line| String::from_utf8_lossy(line).split('\0').any(|word| word == wanted)).count()
}

#[tokio::test]
async fn a_console_stopped_in_the_middle_of_a_write_is_ended() {
    let war = War::of(STEP);
    // The third append is the intent of the step or comes soon after; whichever it is, it is not kept.
    let mut ann = war.ann(&[("TMINUS_BOUNDARY", "append-in-transaction#2=stop")]);
    wait("standstill", || stands_still(ann.id()));
    let before = war.records();
    let process = ann.id();
    let bob = war.passes_by("bob", &["--take-over"]).await;
    assert!(bob.err.contains(&format!("ann (process {process} on ")), "{bob:?}");
    assert!(bob.err.contains("was ended with SIGKILL"), "{bob:?}");
    ann.ends();
    let all = war.records();
    assert_eq!(all[..before.len()], before[..], "what was recorded stays");
    assert_eq!(taken_over(&all), ("ann", process));
    let said = |event: &Event| matches!(event, Event::Noted { text, .. } if text.contains("was ended with SIGKILL"));
    assert_eq!(count(&all, said), 1);
    assert_eq!(war.runs(), "ran\n", "what ann had not intended yet, bob's console did");
}

#[tokio::test]
async fn a_console_stopped_in_a_write_is_ended_even_after_a_taker_that_died() {
    let war = War::of(STEP);
    let mut ann = war.ann(&[("TMINUS_BOUNDARY", "append-in-transaction#2=stop")]);
    wait("standstill", || stands_still(ann.id()));
    let process = ann.id();
    let mut bob = war.sits("bob", &["--take-over"], &[("TMINUS_BOUNDARY", "lock-replaced=kill")]);
    bob.ends();
    assert_eq!(war.holder(), None);
    let cat = war.passes_by("cat", &["--take-over"]).await;
    assert!(cat.err.contains(&format!("taken over from ann (process {process} on ")), "{cat:?}");
    assert!(cat.err.contains("was ended with SIGKILL"), "{cat:?}");
    ann.ends();
    assert_eq!(taken_over(&war.records()), ("ann", process));
    assert_eq!(war.runs(), "ran\n");
}

#[tokio::test]
async fn of_two_that_take_over_at_once_one_holds_and_the_other_says_so() {
    let war = War::of(MANUAL);
    let mut ann = war.ann(&[]);
    war.is_flown_by(&mut ann);
    let both = ["bob", "cat"].map(|name| (name, war.sits(name, &["--take-over"], &[])));
    let settled = |shown: &str| shown.contains("console-restart") || shown.contains("taken over");
    let mut out = Vec::new();
    for (name, mut seat) in both {
        let shown = seat.until("an end to the race", settled);
        out.push((name, seat, shown));
    }
    let holder = war.holder().expect("one holds");
    for (name, mut seat, shown) in out {
        if name == holder {
            assert!(!seat.shown().contains(BANNER), "{shown}");
            continue;
        }
        // Refused before it took anything, or fenced after: while it opened, or at work.
        let lost = |shown: &str| shown.contains(BANNER) || shown.contains("taken over meanwhile");
        let shown = seat.until("the loser's word", lost);
        assert!(shown.contains(&holder), "{shown}");
        seat.press("q");
        assert!([2, 3].contains(&seat.ends()));
    }
    ann.sees(BANNER);
    let all = war.records();
    let last = all.iter().rfind(|record| matches!(record.event, Event::ConsoleReturned { .. })).expect("one came");
    assert_eq!(last.actor.name, holder);
}

#[tokio::test]
async fn a_taker_that_dies_half_way_leaves_the_launch_to_the_next() {
    let war = War::of(MANUAL);
    let mut ann = war.ann(&[]);
    war.is_flown_by(&mut ann);
    let mut bob = war.sits("bob", &["--take-over"], &[("TMINUS_BOUNDARY", "lock-replaced=kill")]);
    bob.ends();
    is_out(&mut ann, "bob");
    assert_eq!(war.holder(), None);
    let cat = war.passes_by("cat", &[]).await;
    assert_eq!(cat.code, Some(2), "{cat:?}");
    assert_eq!(count(&war.records(), |event| matches!(event, Event::ConsoleReturned { clean: false, .. })), 1);
}

#[tokio::test]
async fn a_taker_that_stands_still_half_way_never_takes_over_when_it_wakes() {
    let war = War::of(MANUAL);
    let mut ann = war.ann(&[]);
    war.is_flown_by(&mut ann);
    let mut bob = war.sits("bob", &["--take-over"], &[("TMINUS_BOUNDARY", "take-over=stop")]);
    wait("standstill", || stands_still(bob.id()));
    let _cat = war.takes("cat");
    bob.ends();
    assert_eq!(war.holder().as_deref(), Some("cat"));
    is_out(&mut ann, "cat");
}

#[tokio::test]
async fn without_a_terminal_it_leaves_by_itself() {
    let place = Place::new(&[]);
    let folder = place.path("launch");
    let at = folder.display().to_string();
    let stuck = ["rehearse", "--headless", "--fault", "stream-never-ends", "--launch", &at];
    let first = place.start(&stuck);
    let begun = |record: &Recorded| matches!(record.event, Event::ItemStarted { .. });
    comes("item begun", || records(&folder).iter().any(begun)).await;
    let _second = place.start(&[&stuck[..], &["--take-over", "--name", "bob"]].concat());
    let ran = binary::ended(first).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains(BANNER) && ran.err.contains("taken over by bob at "), "{ran:?}");
    assert!(ran.err.contains("to take it back: `tminus rehearse --launch "), "{ran:?}");
    assert!(ran.out.is_empty(), "no verdict of one that does not know: {ran:?}");
}

#[tokio::test]
async fn taking_over_needs_a_launch() {
    let ran = Place::new(&[]).run(&["rehearse", "--take-over"]).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("--launch"), "{ran:?}");
}

/// A phase that only a person can clear.
const MANUAL: &str = r#"
[plan]
schema = 1
id = "by-hand"
title = "By hand"
environment = "test"

[clock]
start = "T-1h"

[roles.owner]
title = "Owner"

[[phase]]
id = "ready"
title = "Ready"
at = "T-1h"
gate = true

[[phase.item]]
id = "look"
title = "Someone looked"
[phase.item.manual]
role = "owner"

[[phase]]
id = "after"
title = "After"
at = "T-30m"
"#;

/// A step that begins by itself.
const STEP: &str = r#"
[plan]
schema = 1
id = "one-step"
title = "One step"
environment = "test"

[clock]
start = "T-1h"

[[phase]]
id = "act"
title = "Act"
at = "T-1h"

[[phase.item]]
id = "once"
title = "Something that must not happen twice"
class = "once"
auto = true
timeout = "50s"
[phase.item.run]
command = ["bash", "-c", "echo ran >> RUNS"]
"#;
