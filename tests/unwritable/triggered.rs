//! A trigger's rollback: nobody presses a key, and nothing can be recorded.

use std::collections::BTreeMap;

use tminus::launch::objective::{Counts, Measured, Round, Span};
use tminus::launch::plan::{Beside, Condition, FireMode, Objective, Plan, Trigger};
use tminus::launch::threshold::Threshold;
use tminus::launch::trigger::Stage;

use super::*;

const VETO: Duration = Duration::from_millis(400);

/// Objectives that only a test evaluates, and a trigger on each: one that starts at once, nearly, and one that nobody
/// waits for.
pub fn watch_over(plan: &mut Plan) {
    let second = Duration::from_secs(1);
    for (id, veto) in [("errors", VETO), ("later", 3_600 * second)] {
        plan.objectives.push(Objective {
            id: id.into(),
            title: id.to_owned(),
            signal: "monitor.api".into(),
            beside: Beside::Nothing,
            that: Threshold::parse("error_rate <= 5%").expect("a threshold"),
            window: 30 * second,
            min_samples: 20,
            stale_after: 30 * second,
            evaluate_every: 10 * second,
            unknown_for: 60 * second,
        });
        plan.triggers.push(Trigger {
            id: id.into(),
            title: id.to_owned(),
            when: Condition::Objective(id.into()),
            lasts: Duration::ZERO,
            recovers_after: 60 * second,
            then: "back".into(),
            mode: FireMode::Auto { veto },
            armed_from: None,
            armed_until: None,
        });
    }
}

fn breach(objective: &str, at: i64) -> Observation {
    let seen = Measured { of: 100, against: 6, ..Measured::default() };
    let at = Instant(at);
    let counts = Counts { seen, newest: Some(at), known: Span(30_000), ..Counts::default() };
    Observation::Evaluated { rounds: vec![Round { at, counts: BTreeMap::from([(objective.into(), counts)]) }] }
}

fn stage<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a Stage> {
    snapshot.board.triggers.get(&id.into()).map(|state| &state.stage)
}

fn is_over(snapshot: &Snapshot) -> bool {
    snapshot.alarm.is_none() && snapshot.board.rollbacks.iter().any(|run| run.end.is_some())
}

#[tokio::test]
async fn a_rollback_starts_by_itself_after_its_veto_and_once() {
    let launch = launch(None).await;
    launch.observations.send(breach("errors", 10_000)).await.expect("the loop runs");
    launch.until(|snapshot| is_over(snapshot)).await;
    launch.observations.send(breach("errors", 20_000)).await.expect("the loop runs");
    let over =
        launch.until(|snapshot| snapshot.board.objectives.values().any(|known| known.evaluated_at.0 == 20_000)).await;
    let [run] = over.board.rollbacks.as_slice() else { panic!("{:?}", over.board.rollbacks) };
    assert_eq!((run.by.name.as_str(), run.why.as_str()), ("engine", "trigger errors: 6% of 100"));
    assert_eq!(launch.runs(), "ran\n");
    assert!(matches!(stage(&over, "errors"), Some(Stage::Started { .. })), "{:?}", stage(&over, "errors"));
    let records = launch.disk.records();
    let fired = records.iter().find(|record| matches!(record.event, Event::TriggerFired { .. })).expect("it fired");
    assert!(run.requested >= fired.at.plus(VETO), "its whole countdown was there to be seen");
    // A loop that only looked at its clock each second would be half a second late; this machine may be slow.
    let late = run.requested.since(fired.at.plus(VETO));
    assert!(late < Duration::from_secs(5), "{late:?} late");
}

#[tokio::test]
async fn it_starts_with_nothing_recorded_and_is_recorded_when_that_can_be() {
    let launch = launch(None).await;
    launch.full.store(true, Ordering::SeqCst);
    launch.observations.send(breach("errors", 10_000)).await.expect("the loop runs");
    let begun = launch.until(|snapshot| !snapshot.board.rollbacks.is_empty()).await;
    assert!(begun.alarm.is_some(), "nothing can be written");
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let ran = async {
        while launch.runs().is_empty() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, ran).await.expect("its step runs while nothing can be written");
    launch.full.store(false, Ordering::SeqCst);
    let over = launch.until(|snapshot| is_over(snapshot)).await;
    assert_eq!((over.board.rollbacks.len(), launch.runs().as_str()), (1, "ran\n"));
    let kept = launch.disk.records();
    let count = |wanted: fn(&Event) -> bool| kept.iter().filter(|record| wanted(&record.event)).count();
    assert_eq!(count(|event| matches!(event, Event::Evaluated { .. })), 1);
    assert_eq!(count(|event| matches!(event, Event::TriggerFired { .. })), 1);
    assert_eq!(count(|event| matches!(event, Event::RollbackRequested { .. })), 1);
    let replayed = Board::replay(Arc::clone(&over.board.plan.0), &kept);
    assert_eq!((replayed.triggers, replayed.objectives), (over.board.triggers.clone(), over.board.objectives.clone()));
}

#[tokio::test]
async fn a_veto_stops_it_though_nothing_can_be_recorded() {
    let launch = launch(None).await;
    launch.full.store(true, Ordering::SeqCst);
    launch.observations.send(breach("later", 10_000)).await.expect("the loop runs");
    launch.until(|snapshot| matches!(stage(snapshot, "later"), Some(Stage::Fired { starts: Some(_), .. }))).await;
    let no = Command::Veto { trigger: "later".into(), why: "a test".into() };
    launch.ask(no).await.expect("it stops something");
    launch.full.store(false, Ordering::SeqCst);
    let back = launch.until(|snapshot| snapshot.alarm.is_none()).await;
    assert!(
        matches!(stage(&back, "later"), Some(Stage::Vetoed { by, .. }) if by.name == "ada"),
        "{:?}",
        stage(&back, "later")
    );
    launch.ask(attest()).await.expect("recorded again");
    assert!(launch.disk.records().iter().any(|record| matches!(record.event, Event::TriggerVetoed { .. })));
    assert_eq!((launch.runs().as_str(), back.board.rollbacks.len()), ("", 0));
}
