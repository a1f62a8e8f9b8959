//! A launch that is left for days and opened again, by the binary itself: the machine's clock is moved under
//! it between two consoles, the wall clock is not asked.

use crate::binary;

use std::path::Path;

use crate::binary::{Place, Ran};
use crate::told::{board, records};
use tminus::launch::countdown::{Phase, REOPENED};
use tminus::launch::event::Event;

const DAY_MS: i64 = 86_400_000;

/// T-0 is one second after it is opened; then lists of people, a daily look, and a step that starts itself.
const PLAN: &str = r#"
[plan]
schema = 1
id = "days"
title = "Days"

[clock]
t0 = "now + 1s"

[[phase]]
id = "watch"
title = "Operations"
at = "T-0"

[[phase.item]]
id = "first"
title = "First look"
every = "daily"
manual = {}

[[phase.item]]
id = "list"
title = "The list of the first day"
at = "T+24h"
manual = {}

[[phase.item]]
id = "scale-down"
title = "Scale down"
at = "T+48h"
class = "idempotent"
auto = true
[phase.item.run]
command = ["touch", "ran"]

[[phase.item]]
id = "week"
title = "The list of the first week"
at = "T+7d"
manual = {}
"#;

/// As a console does that finds the machine so much further on: where the axis was at 0 is longer ago.
fn days_pass(folder: &Path, days: i64) {
    let path = folder.join("launch.json");
    let mut site: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("launch.json")).expect("JSON");
    let zero = site["anchor"]["zero"].as_i64().expect("fixed to this machine's clock");
    site["anchor"]["zero"] = (zero - days * DAY_MS).into();
    std::fs::write(&path, serde_json::to_vec(&site).expect("JSON")).expect("written");
}

async fn opened(place: &Place, folder: &str, plan: Option<&str>) -> Ran {
    let mut child = match plan {
        Some(plan) => place.start(&["run", plan, "--headless", "--launch", folder]),
        None => place.start(&["run", "--headless", "--launch", folder]),
    };
    // Long enough to lift off and to say what it waits for; it leaves by itself or is told to.
    let told = tokio::time::timeout(std::time::Duration::from_secs(4), child.wait()).await;
    if told.is_err() {
        binary::signal(&child, rustix::process::Signal::INT);
    }
    binary::ended(child).await
}

#[tokio::test]
async fn three_days_later_what_is_due_is_late_what_was_missed_is_told_and_nothing_ran_unseen() {
    let place = Place::new(&[]);
    let (folder, plan) = (place.path("launch"), place.path("plan.toml"));
    std::fs::write(&plan, PLAN).expect("written");
    let (at, plan) = (folder.display().to_string(), plan.display().to_string());
    let first = opened(&place, &at, Some(&plan)).await;
    assert!(first.err.contains("first needs a person's word; list at T+24h"), "it says what it waits for: {first:?}");
    let before = board(&folder, &records(&folder));
    assert_eq!(before.clock.as_ref().expect("a clock").phase, Phase::Liftoff);

    days_pass(&folder, 3);
    let second = opened(&place, &at, None).await;
    let all = records(&folder);
    let board = board(&folder, &all);
    let t = board.mark_at(board.at).0;
    assert!((-3 * DAY_MS - 60_000..-3 * DAY_MS).contains(&t), "T went on by the machine's own clock: {t}");
    let missed = Event::ItemRecurred { item: "first".into(), occurrence: 3, missed: 3 };
    assert!(all.iter().any(|record| record.event == missed), "{second:?}");
    assert!(board.frozen.as_ref().is_some_and(|why| why.contains("scale-down became due")), "{:?}", board.frozen);
    assert!(!place.path("ran").exists() && !Path::new("ran").exists(), "nothing ran unseen");
    for line in
        ["late: list for 2d00h, since T+24h", "late: scale-down for 1d00h", "recurs: first daily · 4th, missed 3"]
    {
        assert!(second.out.contains(line), "{line} in\n{}", second.out);
    }
    assert!(!second.out.contains("late: week"), "{}", second.out);
    assert!(second.err.contains("FROZEN: nobody watched for 3days"), "{}", second.err);
}

#[tokio::test]
async fn before_t0_a_clean_quit_counts_on_to_the_next_mark_and_holds_there() {
    let place = Place::new(&[]);
    let (folder, plan) = (place.path("launch"), place.path("plan.toml"));
    std::fs::write(&plan, PLAN.replace("now + 1s", "now + 48h")).expect("written");
    let (at, plan) = (folder.display().to_string(), plan.display().to_string());
    let first = opened(&place, &at, Some(&plan)).await;
    assert!(first.err.contains("waits: watch at T-0"), "{first:?}");
    days_pass(&folder, 1);
    opened(&place, &at, None).await;
    let clock = board(&folder, &records(&folder)).clock.expect("a clock");
    assert!((DAY_MS - 60_000..DAY_MS).contains(&clock.t) && clock.phase == Phase::Counting, "{clock:?}");
    assert_eq!(clock.slip(), 0);
    days_pass(&folder, 2);
    let third = opened(&place, &at, None).await;
    let clock = board(&folder, &records(&folder)).clock.expect("a clock");
    assert_eq!((clock.phase, clock.t), (Phase::Holding, 1), "never T-0 unwatched");
    assert!(clock.latches.contains_key(REOPENED) && third.out.contains("held by reopened"), "{third:?}");
}

/// Everything that comes again, and nothing that ends.
const RECURRING: &str = r#"
[plan]
schema = 1
id = "again"
title = "Again"

[clock]
t0 = "now + 1s"

[[phase]]
id = "watch"
title = "Operations"
at = "T-0"

[[phase.item]]
id = "prune"
title = "Prune"
every = "36h"
class = "idempotent"
auto = true
[phase.item.run]
command = ["true"]
[phase.item.example]
good = { exit = 0 }
"#;

const FOR_PEOPLE: &str = r#"
[[phase.item]]
id = "errors"
title = "Read the errors"
every = "daily"
manual = {}

[[phase.item]]
id = "week"
title = "The first week"
at = "T+7d"
manual = {}
"#;

#[tokio::test]
async fn a_headless_rehearsal_is_through_once_everything_has_passed() {
    let place = Place::new(&[]);
    let (folder, plan) = (place.path("launch"), place.path("plan.toml"));
    std::fs::write(&plan, [RECURRING, FOR_PEOPLE].concat()).expect("written");
    let (at, plan) = (folder.display().to_string(), plan.display().to_string());
    let ran = place.run(&["rehearse", &plan, "--headless", "--launch", &at]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in
        ["pass 3/3", "recurs: errors daily · 8th", "recurs: prune every 1day12h · 5th", "the rehearsal is through"]
    {
        assert!(ran.out.contains(line), "{line} in\n{}", ran.out);
    }
}

#[tokio::test]
async fn a_launch_with_all_done_that_was_due_is_left_open_for_what_comes_again() {
    let place = Place::new(&[]);
    let (folder, plan) = (place.path("launch"), place.path("plan.toml"));
    std::fs::write(&plan, RECURRING).expect("written");
    let (at, plan) = (folder.display().to_string(), plan.display().to_string());
    let first = place.run(&["run", &plan, "--headless", "--launch", &at]).await;
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.out.contains("not over: prune comes again at T+36h"), "{}", first.out);
    assert_eq!(board(&folder, &records(&folder)).ended, None);
    // Nobody watched when it came again: it runs after a person's key.
    days_pass(&folder, 2);
    let second = place.run(&["run", "--headless", "--launch", &at]).await;
    assert!(second.err.contains("FROZEN: nobody watched for 2days"), "{second:?}");
    let intents = records(&folder).iter().filter(|record| matches!(record.event, Event::StepIntended { .. })).count();
    assert_eq!(intents, 1);
}
