//! How long a console that leaves tries to tell what waits.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{Instant, sleep};

use super::*;
use crate::base::secret::Redactor;
use crate::base::wire::{Answer, Cause};
use crate::launch::plan::{AtMost, Topic, Via};
use crate::launch::time::Wall;
use crate::notify::queue::tests::message;

/// A console that has read its journal to the end: one message for a target that refuses `refusals` times.
async fn leaving(launch: &Path, refusals: usize) -> Following {
    let asked = AtomicUsize::new(0);
    let send = move |_| {
        let taken = asked.fetch_add(1, Ordering::SeqCst) >= refusals;
        let answer = if taken { Ok(Answer { status: 200, ..Answer::default() }) } else { Err(Cause::Refused) };
        Box::pin(async move { answer }) as _
    };
    let target = Notify {
        id: "bus".into(),
        title: "the bus".into(),
        via: Via::Webhook,
        events: BTreeSet::from([Topic::Hold]),
        at_most: AtMost { count: 100, per: Duration::from_secs(1) },
        text: BTreeMap::new(),
    };
    let reach = Reach { address: Hidden::new("http://bus.example.com/hook"), key: None, headers: Vec::new() };
    let hands = Hands {
        send: Arc::new(send),
        redactor: Redactor::default(),
        reaches: [("bus".into(), reach)].into(),
        simulated: false,
        launch: launch.to_owned(),
        may: Arc::new(|| true),
        wall: Wall::default,
        chance: || 0.5,
    };
    let outbox = Outbox::default();
    outbox.begin(hands, std::slice::from_ref(&target), 0);
    outbox.put(&[target], &message(1));
    while refusals > 0 && outbox.words().is_none() {
        sleep(Duration::from_millis(10)).await;
    }
    let (acting, stop, reading) = (Acting::default(), CancellationToken::new(), tokio::spawn(async {}));
    Following { outbox, launch: launch.to_owned(), acting, stop, reading }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_failed_once_is_tried_again_for_as_long_as_there_is_patience() {
    let launch = tempfile::tempdir().expect("a folder");
    let began = Instant::now();
    let untold = leaving(launch.path(), 2).await.finish(Duration::from_secs(5)).await;
    assert_eq!(untold, Vec::<String>::new());
    assert!(began.elapsed() < Duration::from_secs(4), "and no longer than it takes: {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_stays_down_is_waited_for_no_longer_and_named() {
    let launch = tempfile::tempdir().expect("a folder");
    let following = leaving(launch.path(), usize::MAX).await;
    let began = Instant::now();
    let untold = following.finish(Duration::from_secs(5)).await;
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let [line] = untold.as_slice() else { panic!("one: {untold:?}") };
    assert!(line.contains("the bus (webhook) is not being told since") && line.contains("1 wait"), "{line}");
}
