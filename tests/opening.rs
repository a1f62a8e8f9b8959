//! A launch whose console is killed while it is being opened: it opens again when its plan is named, or is
//! refused with a sentence. Never is it half there.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use crate::binary::{PATIENCE, Place, Ran};
use crate::told::records;
use tminus::launch::event::Event;

/// In the order they are reached; from `launch-filed` on, all that going on needs is there.
const BOUNDARIES: [&str; 9] = [
    "folder-made",
    "journal-made",
    "journal-begun",
    "epoch-raised",
    "plan-frozen",
    "reserve-kept",
    "launch-filed",
    "append",
    "append-kept",
];

const PLAN: &str = r#"
[plan]
schema = 1
id = "short"
title = "Short"
environment = "test"

[[phase]]
id = "after"
title = "After"
at = "T-0"

[[phase.item]]
id = "pause"
wait.for = "1ms"
"#;

/// A console of `word` that dies at `boundary` while it opens a launch in `launch`.
async fn killed(word: &str, boundary: &str) -> (Place, String, String) {
    let (place, deadly) = (Place::new(&[]), Place::new(&[("TMINUS_BOUNDARY", &format!("{boundary}=kill"))]));
    let plan = place.path("plan.toml");
    std::fs::write(&plan, PLAN).expect("written");
    let (plan, launch) = (plan.display().to_string(), place.path("launch").display().to_string());
    let mut child = deadly.start(&[word, &plan, "--headless", "--launch", &launch]);
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("in time").expect("a child");
    assert_eq!(status.signal(), Some(9), "{word} dies at {boundary}");
    (place, plan, launch)
}

fn opened(launch: &str) -> usize {
    let all = records(Path::new(launch));
    all.iter().filter(|record| matches!(record.event, Event::LaunchOpened { .. })).count()
}

fn is_a_sentence(ran: &Ran, told: &str) {
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.out.is_empty() && ran.err.contains(told) && !ran.err.contains("panicked"), "{ran:?}");
}

#[tokio::test]
async fn killed_anywhere_while_it_is_opened_it_opens_with_its_plan() {
    for word in ["run", "rehearse"] {
        for boundary in BOUNDARIES {
            let (place, plan, launch) = killed(word, boundary).await;
            let ran = place.run(&[word, &plan, "--headless", "--launch", &launch]).await;
            // After its first record the launch has begun: a countdown comes back holding, and nobody is there.
            let begun = boundary == "append-kept" && word == "run";
            assert_eq!(ran.code, Some(if begun { 2 } else { 0 }), "{word} at {boundary}: {ran:?}");
            assert_eq!(opened(&launch), 1, "{word} at {boundary}");
            let frozen = std::fs::read_to_string(place.path("launch/plan.toml")).expect("a frozen plan");
            assert_eq!(frozen, PLAN);
            assert!(place.path("launch/reserve").exists(), "{word} at {boundary}");
        }
    }
}

#[tokio::test]
async fn without_its_plan_it_goes_on_or_says_what_to_name() {
    for word in ["run", "rehearse"] {
        for boundary in BOUNDARIES {
            let (place, _, launch) = killed(word, boundary).await;
            let ran = place.run(&[word, "--headless", "--launch", &launch]).await;
            if matches!(boundary, "launch-filed" | "append" | "append-kept") {
                assert!(matches!(ran.code, Some(0 | 2)), "{word} at {boundary}: {ran:?}");
                assert_eq!(opened(&launch), 1);
            } else {
                is_a_sentence(&ran, "was ended before it began, and nothing of it happened: name its plan");
                assert_eq!(opened(&launch), 0);
            }
            let log = place.run(&["log", &launch]).await;
            assert!(matches!(log.code, Some(0 | 3)) && !log.err.contains("panicked"), "{word} at {boundary}: {log:?}");
        }
    }
}

#[tokio::test]
async fn a_journal_without_its_site_is_refused_and_left_as_it_is() {
    let place = Place::new(&[]);
    let plan = place.path("plan.toml");
    std::fs::write(&plan, PLAN).expect("written");
    let (plan, launch) = (plan.display().to_string(), place.path("launch").display().to_string());
    assert_eq!(place.run(&["rehearse", &plan, "--launch", &launch]).await.code, Some(0));
    let before = records(Path::new(&launch));
    std::fs::remove_file(place.path("launch/launch.json")).expect("removed");
    let ran = place.run(&["rehearse", &plan, "--headless", "--launch", &launch]).await;
    is_a_sentence(&ran, "holds the journal of a launch, and not how it was opened (launch.json)");
    assert_eq!(records(Path::new(&launch)), before);
}
