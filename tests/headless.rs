//! A rehearsal without a terminal: a scripted crew flies the bundled plan to its end, says so, and leaves
//! a journal that tells the same.

use std::path::Path;

use crate::binary::{Place, Ran};
use crate::told::{board, records};
use tminus::launch::countdown::Phase;
use tminus::launch::event::{Event, RollbackEnd, RollbackFact};
use tminus::launch::verdict::Verdict;

/// Flies the bundled plan in `folder` with `faults`.
async fn fly(place: &Place, folder: &Path, faults: &[&str]) -> Ran {
    let folder = folder.display().to_string();
    let mut arguments = vec!["rehearse", "--headless", "--launch", &folder];
    arguments.extend(faults.iter().flat_map(|fault| ["--fault", fault]));
    place.run(&arguments).await
}

#[tokio::test]
async fn the_bundled_plan_flies_to_its_end() {
    let place = Place::new(&[]);
    let folder = place.path("launch");
    let ran = fly(&place, &folder, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.lines().next().expect("a line").ends_with("REHEARSAL, crew scripted"), "{}", ran.out);
    for phase in &board(&folder, &[]).plan.phases {
        let line = ran.out.lines().find(|line| line.contains(&phase.title)).expect("a line for the phase");
        let whole = format!("pass {0}/{0}", phase.items.len());
        assert!(line.starts_with(&phase.at.to_string()) && line.ends_with(&whole), "{line}");
    }
    let journal = format!("journal    {}/journal.db", folder.display());
    let artifacts = format!("artifacts  {}/", folder.display());
    for told in
        ["countdown: T-0 was reached", "GO (scripted)", "rollback drill frontend #1: verified", &journal, &artifacts]
    {
        assert!(ran.out.contains(told), "{told} is not in\n{}", ran.out);
    }
}

#[tokio::test]
async fn its_journal_tells_the_same_and_who_acted() {
    let place = Place::new(&[]);
    let folder = place.path("launch");
    let ran = fly(&place, &folder, &[]).await;
    let records = records(&folder);
    assert!(ran.out.contains(&format!("({} records)", records.len())), "{}", ran.out);
    let board = board(&folder, &records);
    assert_eq!(board.ended.as_deref(), Some("the rehearsal is through"));
    assert_eq!(board.clock.as_ref().expect("a clock").phase, Phase::Liftoff);
    assert!(board.items.values().all(|item| matches!(item.verdict(None, board.at), Some(Verdict::Pass))));
    let decided = board.polls.decisions.values().all(|decision| decision.go);
    assert!(decided && board.polls.decisions.len() == 2, "before T-0, and after the day's watch: {:?}", board.polls);
    for seq in &board.polls.records {
        let page = std::fs::read_to_string(tminus::evidence::decision_file(&folder, *seq)).expect("a decision record");
        assert!(page.starts_with("# REHEARSAL: Go/no-go record: GO\n"), "{page}");
        assert!(page.contains("crew (scripted)"), "{page}");
    }
    assert_eq!(board.rollbacks.len(), 1);
    assert_eq!(board.rollbacks[0].end, Some(RollbackEnd::Verified));
    for record in &records {
        let crews = matches!(
            record.event,
            Event::Attested { .. }
                | Event::Voted { .. }
                | Event::CriterionJudged { .. }
                | Event::Resumed
                | Event::RollbackRequested { .. }
                | Event::StepIntended { .. }
                | Event::LaunchEnded { .. }
        );
        assert_eq!(record.actor.scripted, crews, "{record:?}");
    }
}

#[tokio::test]
async fn a_plan_of_criteria_and_signatures_flies_too() {
    let place = Place::new(&[]);
    let (plan, folder) = (place.path("partner.toml"), place.path("launch"));
    std::fs::write(&plan, include_str!("polls/partner.toml")).expect("written");
    let (plan, launch) = (plan.display().to_string(), folder.display().to_string());
    let ran = place.run(&["rehearse", &plan, "--headless", "--launch", &launch]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let records = records(&folder);
    let board = board(&folder, &records);
    let signed = &board.signed[&"sign-off".into()];
    assert!(signed.len() == 4 && signed.values().all(|signature| signature.by.scripted), "{signed:?}");
    let judged = records.iter().filter(|record| matches!(record.event, Event::CriterionJudged { .. }));
    assert_eq!(judged.count(), 3, "those that are for people, and no other");
    assert!(board.polls.decisions[&None].go);
}

#[tokio::test]
async fn without_a_terminal_it_is_headless_by_itself() {
    let place = Place::new(&[]);
    let ran = place.run(&["rehearse", "--drill", "none"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.out.contains("rollback drill"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{ran:?}");
    let kept = place.path("home/.local/state/tminus/rehearsals");
    assert!(ran.out.contains(&kept.display().to_string()), "{}", ran.out);
}

#[tokio::test]
async fn a_drill_that_is_not_verified_is_told_and_changes_no_exit_code() {
    let place = Place::new(&[]);
    let folder = place.path("launch");
    let ran = fly(&place, &folder, &["rollback-lies"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("rollback drill frontend #1: done but not verified"), "{}", ran.out);
    assert!(ran.out.contains("verify frontend/build-info: fail"), "{}", ran.out);
    let exits = records(&folder).into_iter().filter_map(|record| match record.event {
        Event::RollbackTold { fact: RollbackFact::StepEnded { verdict, .. }, .. } => Some(verdict),
        _ => None,
    });
    assert_eq!(exits.collect::<Vec<_>>(), [Verdict::Pass, Verdict::Pass], "every step said that it succeeded");
}

#[tokio::test]
async fn a_red_gate_scrubs_and_is_no_go() {
    for (fault, told) in [("cors-open", "https://evil.example.com: denied"), ("down", "health: GET")] {
        let place = Place::new(&[]);
        let folder = place.path("launch");
        let ran = fly(&place, &folder, &[fault]).await;
        assert_eq!(ran.code, Some(1), "{fault}: {ran:?}");
        assert!(ran.out.contains(told) && ran.out.contains("countdown: scrubbed"), "{}", ran.out);
        let board = board(&folder, &records(&folder));
        assert!(board.ended.is_some() && board.rollbacks.is_empty() && board.votes.is_empty());
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_neither_go_nor_no_go() {
    let place = Place::new(&[]);
    let ran = fly(&place, &place.path("launch"), &["bad-json"]).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.out.contains("unknown health"), "{}", ran.out);
}

#[tokio::test]
async fn a_fault_at_a_mark_hits_only_what_comes_later() {
    let place = Place::new(&[]);
    let folder = place.path("launch");
    let ran = fly(&place, &folder, &["down@T-70m"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let line = |title: &str| ran.out.lines().find(|line| line.contains(title)).expect("its line").to_owned();
    assert!(line("Gate A").ends_with("pass 3/3") && line("Gate B").ends_with("pass 7/7"), "{}", ran.out);
    assert!(line("Gate C").ends_with("fail 0/3"), "{}", ran.out);
}

#[tokio::test]
async fn wrong_words_are_told_before_anything_is_made() {
    let place = Place::new(&[]);
    let folder = place.path("launch").display().to_string();
    for (arguments, told) in [
        (["--fault", "dwon"], "dwon"),
        (["--fault", "down@soon"], "`soon` is not a mark"),
        (["--drill", "fronten"], "did you mean `frontend`?"),
        (["--as", "bakend"], "did you mean `backend`?"),
        (["--speed", "0"], "not in 1..=3600"),
    ] {
        let ran = place.run(&[["rehearse", "--launch", &folder].as_slice(), &arguments].concat()).await;
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.err.contains(told) && ran.out.is_empty(), "{ran:?}");
        assert!(!place.path("launch").exists());
    }
}

#[tokio::test]
async fn a_plan_of_branches_flies_to_its_end_and_says_what_was_skipped() {
    let place = Place::new(&[]);
    let (folder, plan) = (place.path("launch"), place.path("tunnel.toml"));
    std::fs::write(&plan, include_str!("plans/tunnel.toml")).expect("written");
    let (shown, plan) = (folder.display().to_string(), plan.display().to_string());
    let ran = place.run(&["rehearse", &plan, "--headless", "--launch", &shown]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("pass 5/5, 1 skipped by a choice"), "{}", ran.out);
    assert!(ran.out.contains("pass 4/4, 3 skipped by a choice"), "nested: {}", ran.out);
    let records = records(&folder);
    let board = board(&folder, &records);
    let over = board.items.iter().filter(|(_, state)| state.passed_over.is_some()).map(|(id, _)| id.as_str());
    assert_eq!(over.collect::<Vec<_>>(), ["ask-the-owner", "quick-up", "restart-gateway", "which-errors"]);
    let chosen = |event: &Event| matches!(event, Event::Chosen { .. });
    assert!(records.iter().filter(|record| chosen(&record.event)).all(|record| record.actor.scripted));
}

#[tokio::test]
async fn a_signal_of_a_monitor_is_judged_by_what_the_monitor_of_the_rehearsal_saw() {
    for (fault, code, told) in [(None, 0, "generated from"), (Some("down"), 1, "against it")] {
        let place = Place::new(&[]);
        let (plan, folder) = (place.path("plan.toml"), place.path("launch"));
        std::fs::write(&plan, include_str!("plans/watched.toml")).expect("written");
        let (plan, launch) = (plan.display().to_string(), folder.display().to_string());
        let mut arguments = vec!["rehearse", &plan, "--headless", "--launch", &launch];
        arguments.extend(fault.iter().flat_map(|fault| ["--fault", fault]));
        let ran = place.run(&arguments).await;
        assert_eq!(ran.code, Some(code), "{ran:?}");
        let report = records(&folder).into_iter().rev().find_map(|record| match record.event {
            Event::ItemEnded { item, report, .. } if item.slug() == "calm" => Some(report),
            _ => None,
        });
        let report = report.expect("it was looked at");
        assert!(report.summary.contains(told), "{report:?}");
    }
}
