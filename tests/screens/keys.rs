//! A key is taken when it is pressed, also in a console in which nothing else happens.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::Stream;

use super::*;

/// Keys as crossterm gives them: whoever finds none first is woken by the next, and nobody else.
#[derive(Clone, Default)]
struct Keys(Arc<Mutex<(VecDeque<Input>, Option<Waker>)>>);

impl Keys {
    fn press(&self, input: Input) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.0.push_back(input);
        if let Some(waker) = keys.1.take() {
            waker.wake();
        }
    }
}

impl Stream for Keys {
    type Item = std::io::Result<Input>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(input) = keys.0.pop_front() {
            return Poll::Ready(Some(Ok(input)));
        }
        keys.1.get_or_insert_with(|| cx.waker().clone());
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_key_waits_for_no_second_to_turn() {
    let _ = boot();
    let (_told, watched) = watch::channel(under_way(Mode::Launch).snapshot(1810));
    let (asks, mut asked) = mpsc::channel(8);
    let mut port = Port { snapshots: watched, asks, by_files: None };
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let setup = tminus::ui::Setup { boot, ..setup(Theme::default()) };
    let mut console = Console::new(terminal, setup, under_way(Mode::Launch).snapshot(1810));
    let keys = Keys::default();
    let pressing = async {
        for input in [key('!'), key('1'), Input::Key(KeyEvent::from(KeyCode::Enter))] {
            tokio::time::advance(Duration::from_millis(50)).await;
            keys.press(input);
        }
        let pressed = tokio::time::Instant::now();
        let ask: tminus::launch::port::Ask = asked.recv().await.expect("a rollback is asked for");
        assert!(matches!(ask.command, Command::Rollback { .. }), "{:?}", ask.command);
        pressed.elapsed()
    };
    let driving = drive(&mut console, &mut port, keys.clone(), std::future::pending(), |_| Ok(()));
    tokio::select! {
        took = pressing => assert!(took < Duration::from_millis(40), "{took:?} from the confirm key to the loop"),
        left = driving => panic!("it left: {left:?}"),
    }
}
