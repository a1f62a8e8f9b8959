//! A console whose loop tells nothing any more: T does not seem to run, that is said, and a rollback is begun
//! without it.

use std::sync::{Arc, Mutex, PoisonError};

use tminus::launch::id::RollbackId;
use tminus::launch::port::{Ask, ByFiles};
use tminus::launch::time::Instant;
use tokio::sync::mpsc::Receiver;

use super::console::SIZES;
use super::*;

/// A console that hears nothing after its first snapshot, for `seconds`.
async fn unheard(seconds: u64, width: u16, height: u16) -> Console<TestBackend> {
    let terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
    let setup = tminus::ui::Setup { boot, ..setup(Theme::default()) };
    let mut console = Console::new(terminal, setup, under_way(Mode::Launch).snapshot(1810));
    tokio::time::advance(Duration::from_secs(seconds)).await;
    console.tick();
    console.draw().expect("a buffer");
    console
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_tells_nothing_is_an_alarm_and_t_stands() {
    let _ = boot();
    for (width, height) in SIZES {
        let mut console = unheard(2, width, height).await;
        assert_ne!(console.now().instant, Instant(1_810_000), "between two snapshots T runs on");
        assert!(!text(&screen(&mut console)).contains("STANDS STILL"));
        let mut console = unheard(5, width, height).await;
        assert_eq!(console.now().instant, Instant(1_810_000), "nobody moves it");
        let shown = text(&screen(&mut console));
        assert!(shown.contains("STANDS STILL for 0:05") && shown.contains("last known"), "{shown}");
        tokio::time::advance(Duration::from_secs(1)).await;
        console.tick();
        assert!(console.is_dirty(), "its age is seen to grow");
        console.take(under_way(Mode::Launch).snapshot(1810));
        assert!(console.silent().is_none(), "it is heard again");
    }
    seen("silent", &mut unheard(5, 120, 36).await);
    seen("silent", &mut unheard(5, 80, 24).await);
}

type Begun = Arc<Mutex<Vec<String>>>;

/// A console whose loop never answers, driven by `keys`; what was begun by plain files, and what it asked.
async fn alone(keys: Vec<(u64, Input)>, span: u64) -> (Console<TestBackend>, Begun, Receiver<Ask>) {
    let _ = boot();
    let (_told, watched) = watch::channel(under_way(Mode::Launch).snapshot(1810));
    let (asks, asked) = mpsc::channel(8);
    let begun: Begun = Arc::default();
    let beginning = Arc::clone(&begun);
    let by_files = ByFiles(Arc::new(move |rollback: &RollbackId, why: &str| {
        let mut begun = beginning.lock().unwrap_or_else(PoisonError::into_inner);
        begun.push(format!("{rollback}: {why}"));
        Ok(format!("rollback {rollback} #1 is begun without this console's loop"))
    }));
    let mut port = Port { snapshots: watched, asks, by_files: Some(by_files), wishes: None };
    let mut console = unheard(0, 120, 36).await;
    let start = tokio::time::Instant::now();
    let keys = Box::pin(stream::unfold(keys.into_iter(), move |mut keys| async move {
        let (at, event) = keys.next()?;
        tokio::time::sleep_until(start + Duration::from_millis(at)).await;
        Some((Ok(event), keys))
    }));
    let keys = futures_util::StreamExt::chain(keys, stream::pending());
    let signal = async move {
        tokio::time::sleep_until(start + Duration::from_millis(span)).await;
        15
    };
    drive(&mut console, &mut port, keys, signal, |_| Ok(())).await.expect("a buffer");
    (console, begun, asked)
}

fn rolls_back(at: u64) -> Vec<(u64, Input)> {
    vec![(at, key('!')), (at + 10, key('1')), (at + 20, Input::Key(KeyEvent::from(KeyCode::Enter)))]
}

#[tokio::test(start_paused = true)]
async fn a_rollback_asked_of_a_silent_loop_begins_at_once_without_it() {
    let (mut console, begun, mut asked) = alone(rolls_back(5_000), 5_100).await;
    assert_eq!(begun.lock().expect("not poisoned").len(), 1);
    assert!(text(&screen(&mut console)).contains("begun without this console's loop"));
    assert!(asked.try_recv().is_err(), "the loop was not even asked");
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_stops_answering_just_now_is_not_waited_for_either_and_begins_no_second() {
    let (_, begun, mut asked) = alone(rolls_back(100), 1_500).await;
    assert!(begun.lock().expect("not poisoned").is_empty(), "it may answer yet");
    assert!(asked.try_recv().is_ok());
    let (_, begun, mut asked) = alone(rolls_back(100), 2_500).await;
    assert_eq!(begun.lock().expect("not poisoned").len(), 1);
    let ask = asked.try_recv().expect("it was asked first");
    assert!(ask.reply.is_closed(), "by which a loop that wakes knows");
}
