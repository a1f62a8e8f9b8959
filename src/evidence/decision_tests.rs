//! What the decision record says, and that it is made again the same.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::base::secret::Redactor;
use crate::evidence::{Decisions, decision_file};
use crate::journal::chain::Hash;
use crate::journal::{self, Draft, Durable, Holder, LaunchFolder, Purpose};
use crate::launch::command::Command;
use crate::launch::plan::{Criterion, GoStage};
use crate::launch::samples::{Flight, minutes, plan};
use crate::launch::verdict::Verdict;

/// A flight to the poll, with a criterion of each kind, and texts that would be Markdown.
fn flight() -> Flight {
    let mut plan = plan();
    let person = DecidedBy::Person { role: None };
    let seen = DecidedBy::Seen {
        phases: vec!["gate-a".into()],
        items: Vec::new(),
        monitors: Vec::new(),
        objectives: Vec::new(),
    };
    let criterion = |id: &str, no_go, by| Criterion {
        id: id.into(),
        text: format!("{id} | <b>holds</b>"),
        no_go,
        stage: GoStage::Launch,
        by,
    };
    plan.criteria = vec![criterion("smoke", false, seen), criterion("way-back", true, person)];
    let mut flight = Flight::of(plan);
    for (item, verdict) in [("health", Verdict::Fail), ("login", Verdict::Pass), ("chat", Verdict::Pass)] {
        flight.answer(item, verdict);
    }
    flight
        .command(Command::Waive {
            item: "health".into(),
            reason: "known | outage".into(),
            lasts: crate::launch::waiver::LASTS,
        })
        .expect("waived");
    flight.pass(minutes(30));
    flight.command(Command::Attest { item: "attest".into(), note: "ok".into(), passed: true }).expect("attested");
    flight.pass(minutes(20));
    let judged = |met| Command::Judge { criterion: "way-back".into(), met, note: "drilled".into() };
    flight.command(judged(false)).expect("judged");
    let (reason, lasts) = ("# pages are up".to_owned(), Duration::from_secs(5_400));
    flight.command(Command::WaiveCriterion { criterion: "way-back".into(), reason, lasts }).expect("waived");
    for (role, vote) in [("backend", Vote::GoWithWaiver { reason: "lag".into() }), ("lead", Vote::Go)] {
        flight.command_as(role, Command::Vote { poll: None, role: role.into(), vote }).expect("a vote");
    }
    flight
}

/// A launch's folder with these records, left in good order.
async fn journal(launch: &std::path::Path, records: &[Recorded]) {
    append(LaunchFolder::create(launch).expect("made"), records).await;
}

async fn append(folder: LaunchFolder, records: &[Recorded]) {
    let ann = Purpose::Act(Holder::here("ann", Wall::default()));
    let journal = journal::open(&folder, ann).expect("opens").journal.expect("to act");
    journal.append(records.iter().cloned().map(Draft::from).collect(), Durable::Synced).await.expect("appends");
    journal.close().await;
}

/// The newest decision, as a console folds it from its records.
fn newest(flight: &Flight) -> String {
    let is = |record: &&Recorded| matches!(record.event, Event::PollDecided { .. });
    let record = flight.records.iter().rfind(is).expect("a decision");
    let before = flight.records.iter().take_while(|known| known.seq <= record.seq);
    let board = Board::replay(Arc::clone(&flight.board.plan.0), before);
    render(&board, record, Head { seq: record.seq, hash: Hash([7; 32]) }).expect("a page")
}

#[test]
fn the_record_says_what_was_decided_on_what_and_by_whom() {
    let page = newest(&flight());
    for wanted in [
        "# Go/no-go record: GO\n",
        "| Plan | Sample (sample) |",
        "| Plan hash | hash |",
        "| Decided at | T-00:10:00, 1970-01-01 00:00:00 +00:00 |",
        "| go | smoke \\| \\<b\\>holds\\</b\\> | met with waiver | pass | the console: 3 of 3, 1 waived |",
        "| no-go | way-back \\| \\<b\\>holds\\</b\\> | waived | a person's word: occurs | ada at 1970-01-01 00:00:00 +00:00: drilled |",
        "| backend | bo, backend | GO WITH WAIVER | lag | 1970-01-01 00:00:00 +00:00 |",
        "| lead | bo, lead | GO |  | 1970-01-01 00:00:00 +00:00 |",
        "| criterion way-back | ada | \\# pages are up | 1970-01-01 00:00:00 +00:00 | 1970-01-01 01:30:00 +00:00 |",
        "| health | ada | known \\| outage | 1970-01-01 00:00:00 +00:00 |",
        "## What stood against GO\n\nNothing.\n",
        "SHA-256 `0707070707",
    ] {
        assert!(page.contains(wanted), "{wanted}\n\n{page}");
    }
}

#[test]
fn a_no_go_says_what_stood_against_it_and_which_votes_were_void() {
    let mut flight = flight();
    let no = Vote::NoGo { reason: "the queue grows".into() };
    flight.command_as("backend", Command::Vote { poll: None, role: "backend".into(), vote: no }).expect("a vote");
    let page = newest(&flight);
    for wanted in [
        "# Go/no-go record: NO-GO\n",
        "| backend | bo, backend | NO-GO | the queue grows |",
        "| lead | bo, lead | VOID (GO) | backend voted after it, and lead votes last |",
        "- backend says NO-GO: the queue grows\n",
    ] {
        assert!(page.contains(wanted), "{wanted}\n\n{page}");
    }
}

#[tokio::test]
async fn files_are_made_from_the_journal_and_made_again_the_same() {
    use std::os::unix::fs::PermissionsExt as _;
    let flight = flight();
    let place = tempfile::tempdir().expect("a folder");
    let launch = place.path().join("launch");
    journal(&launch, &flight.records).await;
    let redactor = Redactor::new(["outage".to_owned()]);
    let mut keeper = Decisions::default();
    let made = keeper.keep(&launch, &flight.board.revisions, &redactor).expect("kept");
    let decisions = flight.board.polls.records.clone();
    assert_eq!((made, decisions.is_empty()), (decisions.len(), false));
    let pages: Vec<String> =
        decisions.iter().map(|seq| std::fs::read_to_string(decision_file(&launch, *seq)).expect("a file")).collect();
    assert!(pages.iter().all(|page| page.contains("«redacted»") && !page.contains("outage")), "{pages:?}");
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&launch.join("evidence")), mode(&decision_file(&launch, decisions[0]))), (0o700, 0o600));
    assert_eq!(keeper.keep(&launch, &flight.board.revisions, &redactor).expect("kept"), 0, "they are there");
    std::fs::remove_dir_all(launch.join("evidence")).expect("lost");
    keeper.keep(&launch, &flight.board.revisions, &redactor).expect("kept");
    for (seq, page) in decisions.iter().zip(&pages) {
        assert_eq!(&std::fs::read_to_string(decision_file(&launch, *seq)).expect("a file"), page);
    }
}

#[tokio::test]
async fn one_that_goes_on_from_where_it_read_makes_what_one_that_reads_all_makes() {
    let mut flight = flight();
    let no = Vote::NoGo { reason: "the queue grows".into() };
    flight.command_as("backend", Command::Vote { poll: None, role: "backend".into(), vote: no }).expect("a vote");
    let place = tempfile::tempdir().expect("a folder");
    let launches = ["by-and-by", "at-once"].map(|name| place.path().join(name));
    let first = flight.board.polls.records[0];
    let (before, after) = flight.records.split_at(usize::try_from(first).expect("few"));
    assert!(flight.board.polls.records.len() > 1);
    let (revisions, redactor) = (&flight.board.revisions, Redactor::default());
    journal(&launches[1], &flight.records).await;
    Decisions::default().keep(&launches[1], revisions, &redactor).expect("kept");
    let mut keeper = Decisions::default();
    journal(&launches[0], before).await;
    assert_eq!(keeper.keep(&launches[0], revisions, &redactor).expect("kept"), 1);
    append(LaunchFolder::open(&launches[0]).expect("a launch"), after).await;
    keeper.keep(&launches[0], revisions, &redactor).expect("kept");
    for seq in &flight.board.polls.records {
        let [one, all] = launches.each_ref().map(|launch| std::fs::read_to_string(decision_file(launch, *seq)));
        assert_eq!(one.expect("a file"), all.expect("a file"), "{seq}");
    }
}

#[tokio::test]
async fn a_decision_from_before_an_amendment_is_told_by_the_plan_it_was_come_to_by() {
    use crate::launch::amend::Amendment;
    let mut flight = flight();
    let wanted = newest(&flight);
    let mut plan = crate::launch::plan::Plan::clone(&flight.board.plan);
    // The new plan has neither the criteria nor the voters that were decided by.
    (plan.hash, plan.criteria, plan.title) = ("second".into(), Vec::new(), "Another".into());
    let plan = Arc::new(plan);
    let opened = flight.board.revisions.clone();
    flight.board.revisions.learn(&plan);
    let amendment = Amendment {
        from: flight.board.plan.hash.clone(),
        plan_hash: "second".into(),
        changes: vec!["- criteria".into()],
        changed: Vec::new(),
        recapture: Vec::new(),
        asked: Vec::new(),
    };
    let seq = *flight.board.polls.records.last().expect("a decision");
    let before = flight.records.len();
    flight.command(Command::Amend { amendment: Ok(amendment), reason: "so".into() }).expect("amended");
    assert_eq!((flight.board.revisions.number, flight.board.plan.hash.as_str()), (2, "second"));
    for role in ["backend", "lead"] {
        flight.command_as(role, Command::Vote { poll: None, role: role.into(), vote: Vote::Go }).expect("a vote");
    }
    let place = tempfile::tempdir().expect("a folder");
    let launches = ["at-once", "by-and-by"].map(|name| place.path().join(name));
    let redactor = Redactor::default();
    journal(&launches[0], &flight.records).await;
    Decisions::default().keep(&launches[0], &flight.board.revisions, &redactor).expect("kept");
    let page = std::fs::read_to_string(decision_file(&launches[0], seq)).expect("a file");
    for line in wanted.lines().filter(|line| line.starts_with("| ") && !line.contains("0707")) {
        assert!(page.contains(line), "{line}\n\n{page}");
    }
    // One that read what was before it goes on by the plan that it learned of since.
    let (before, after) = flight.records.split_at(before);
    let mut keeper = Decisions::default();
    journal(&launches[1], before).await;
    keeper.keep(&launches[1], &opened, &redactor).expect("kept");
    append(LaunchFolder::open(&launches[1]).expect("a launch"), after).await;
    keeper.keep(&launches[1], &flight.board.revisions, &redactor).expect("kept");
    let last = *flight.board.polls.records.last().expect("a decision");
    assert!(last > seq, "none since");
    let [one, all] = launches.each_ref().map(|launch| std::fs::read_to_string(decision_file(launch, last)));
    assert_eq!(one.expect("a file"), all.expect("a file"));
}
