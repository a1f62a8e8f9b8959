//! A journal that grows, breaks and is newer, watched from beside.

use std::path::Path;

use super::*;
use crate::base::secret::Redactor;
use crate::journal::{self, Draft, Durable, Holder, Purpose};
use crate::launch::board::Board;
use crate::launch::command::{Command, Refusal};
use crate::launch::event::{Actor, Event};
use crate::launch::plan::Release;
use crate::launch::port::Ask;
use crate::launch::samples::plan;
use tokio::sync::oneshot;

fn opened(plan: &Plan) -> Event {
    let (plan, plan_hash) = (plan.id.clone(), plan.hash.clone());
    Event::LaunchOpened {
        plan,
        plan_hash,
        mode: Mode::Launch,
        start: 3_600_000,
        release: Release::default(),
        target: None,
    }
}

fn draft(event: Event) -> Draft {
    Draft::now(Now { instant: Instant(0), wall: clock::wall() }, Actor::engine(), event)
}

struct Place {
    folder: LaunchFolder,
    plan: Arc<Plan>,
    _dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = LaunchFolder::create(dir.path().join("l")).expect("made");
        Self { folder, plan: Arc::new(plan()), _dir: dir }
    }

    fn holder(&self) -> journal::Journal {
        let purpose = Purpose::Act(Holder::here("ana", clock::wall()));
        journal::open(&self.folder, purpose).expect("opened").journal.expect("to write")
    }

    fn reading(&self) -> Reading {
        Reading::new(self.folder.clone(), Arc::clone(&self.plan))
    }

    fn watched(&self) -> Watched {
        let (folder, name) = (self.folder.clone(), "bob".to_owned());
        let redactor = Redactor::default();
        let asker = Asker { folder: folder.clone(), rehearsal: false, name, role: None, redactor };
        Watched { folder, plan: Arc::clone(&self.plan), mode: Mode::Launch, asker }
    }
}

fn change(db: &Path, sql: &str) {
    rusqlite::Connection::open(db).expect("opened").execute(sql, []).expect("changed");
}

#[tokio::test]
async fn the_board_grows_with_the_journal_and_is_the_one_a_replay_makes() {
    let place = Place::new();
    let journal = place.holder();
    let mut reading = place.reading();
    assert!(!reading.read_on(&mut |_, _| {}), "nothing is there yet");
    let note = |text: &str| draft(Event::noted(text));
    let mut seen = Vec::new();
    for drafts in [vec![draft(opened(&place.plan)), note("a")], vec![note("b")], vec![]] {
        let grows = !drafts.is_empty();
        journal.append(drafts, Durable::Written).await.expect("kept");
        assert_eq!(reading.read_on(&mut |record, _| seen.push(record.clone())), grows);
    }
    assert_eq!(seen.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3], "each once");
    assert_eq!(*reading.board(), Board::replay(Arc::clone(&place.plan), &seen));
    assert_eq!(reading.signs().wrong, None);
    journal.close().await;
}

#[tokio::test]
async fn what_is_altered_cut_or_newer_is_shown_as_far_as_it_reads_and_said() {
    let cases = [
        ("UPDATE records SET bytes = x'7b7d' WHERE seq = 2", 1, "record 2 is not what was written"),
        ("DELETE FROM records WHERE seq = 2", 1, "record 2 is missing"),
        ("DELETE FROM records WHERE seq = 3", 2, "the records end at 2, but record 3 was written"),
    ];
    for (sql, last, told) in cases {
        let place = Place::new();
        let journal = place.holder();
        let drafts = vec![draft(opened(&place.plan)), draft(Event::Resumed), draft(Event::Resumed)];
        journal.append(drafts, Durable::Synced).await.expect("kept");
        journal.close().await;
        change(&place.folder.journal(), sql);
        let mut reading = place.reading();
        reading.read_on(&mut |_, _| {});
        assert_eq!(reading.board().seq, last, "{sql}");
        let wrong = reading.signs().wrong.unwrap_or_default();
        assert!(wrong.contains(told), "{sql}: {wrong}");
    }
    let place = Place::new();
    place.holder().close().await;
    change(&place.folder.journal(), "PRAGMA user_version = 9");
    let mut reading = place.reading();
    reading.read_on(&mut |_, _| {});
    assert!(reading.signs().wrong.unwrap_or_default().contains("newer than this tminus"));
}

#[tokio::test]
async fn a_plan_that_was_exchanged_is_told() {
    let place = Place::new();
    let journal = place.holder();
    let other = Plan { hash: "another".into(), ..plan() };
    journal.append(vec![draft(opened(&other))], Durable::Synced).await.expect("kept");
    let mut reading = place.reading();
    reading.read_on(&mut |_, _| {});
    assert!(reading.signs().wrong.unwrap_or_default().contains("not the plan this launch was opened with"));
    journal.close().await;
}

#[tokio::test]
async fn a_port_shows_the_launch_asks_for_it_and_acts_on_nothing() {
    let place = Place::new();
    let journal = place.holder();
    journal.append(vec![draft(opened(&place.plan))], Durable::Synced).await.expect("kept");
    let mut port = attach(place.watched());
    let heard = port.snapshots.wait_for(|snapshot| snapshot.seat == Seat::Attached { heard: true });
    tokio::time::timeout(Duration::from_secs(20), heard).await.expect("in time").expect("it follows");
    assert_eq!(port.snapshots.borrow().board.seq, 1);
    let ask = |command| {
        let asks = port.asks.clone();
        async move {
            let (reply, answer) = oneshot::channel();
            asks.send(Ask { by: None, command, reply }).await.expect("taken");
            answer.await.expect("answered")
        }
    };
    let refused = |answer: Result<(), Refusal>| answer.expect_err("refused").0;
    assert!(refused(ask(Command::Resume).await).contains("this console is attached"));
    assert_eq!(ask(Command::Leave).await, Ok(()), "nothing is left, and nothing recorded");
    // Nobody is there any more: it says so, and T stands.
    journal.close().await;
    let alone = port.snapshots.wait_for(|snapshot| snapshot.alarm.is_some());
    let alone =
        tokio::time::timeout(Duration::from_secs(20), alone).await.expect("in time").expect("it follows").clone();
    assert_eq!(alone.seat, Seat::Attached { heard: false });
    assert!(alone.alarm.as_ref().is_some_and(|alarm| alarm.contains("nobody holds this launch since")));
    let answer = refused(ask(Command::CallHold { why: "a".into() }).await);
    assert!(answer.contains("nobody is there to decide"), "{answer}");
    let records = journal::open(&place.folder, Purpose::Read).expect("read").records;
    assert_eq!(records.len(), 1, "it wrote nothing");
}

#[tokio::test]
async fn with_nobody_there_a_rollback_is_told_from_its_runners_own_files() {
    use crate::engine::rollback::{Log, Request, log_of};
    use crate::launch::event::RollbackFact;
    let place = Place::new();
    let journal = place.holder();
    journal.append(vec![draft(opened(&place.plan))], Durable::Synced).await.expect("kept");
    journal.close().await;
    let (launch, id) = (place.folder.path(), crate::launch::id::RollbackId::new("back"));
    let asked_at = clock::wall() - chrono::TimeDelta::seconds(30);
    let request = Request::new(id.clone(), 1, &Actor::person("cy", None), "it burns", asked_at);
    request.publish(launch).expect("published");
    let log = Log::open(&log_of(launch, 1, &id), &launch.join("reserve")).expect("opened");
    let crate::engine::rollback::Opened::Ours(mut log, _) = log else { panic!("held by nobody") };
    log.tell(clock::wall(), &RollbackFact::StepStarted { step: "back/one".into() }).expect("told");
    let mut port = attach(place.watched());
    let runs =
        port.snapshots.wait_for(|snapshot| snapshot.board.rolling_back().is_some_and(|run| run.steps.len() == 1));
    let snapshot =
        tokio::time::timeout(Duration::from_secs(20), runs).await.expect("in time").expect("it follows").clone();
    let run = snapshot.board.rolling_back().expect("under way");
    assert_eq!((run.by.name.as_str(), run.why.as_str()), ("cy", "it burns"));
    let seconds = run.elapsed(snapshot.now.instant).as_secs();
    assert!((30..60).contains(&seconds), "its stopwatch runs though T stands: {seconds}");
}
