//! The tails of one stream take turns: a later one begins once the earlier has ended, so that what is shown is never
//! closed by a tail that is gone. It knows nothing of what a tail reads.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::launch::id::StreamId;

#[derive(Debug, Default)]
pub(super) struct Turns {
    tails: Mutex<BTreeMap<StreamId, Tailing>>,
}

#[derive(Debug)]
struct Tailing {
    stop: CancellationToken,
    over: CancellationToken,
}

/// When a tail may begin, and that it has ended.
#[derive(Debug)]
pub(super) struct Turn {
    earlier: Option<CancellationToken>,
    /// Whoever comes next waits for this.
    over: DropGuard,
}

impl Turns {
    /// The next turn of a stream, which `stop` ends; an earlier one is told to end.
    pub fn next(&self, id: &StreamId, stop: CancellationToken) -> Turn {
        let over = CancellationToken::new();
        let earlier = self.tails().insert(id.clone(), Tailing { stop, over: over.clone() });
        if let Some(earlier) = &earlier {
            earlier.stop.cancel();
        }
        Turn { earlier: earlier.map(|earlier| earlier.over), over: over.drop_guard() }
    }

    pub fn close(&self, id: &StreamId) {
        if let Some(tailing) = self.tails().get(id) {
            tailing.stop.cancel();
        }
    }

    fn tails(&self) -> MutexGuard<'_, BTreeMap<StreamId, Tailing>> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    pub async fn of(self, tail: impl Future<Output = ()>) {
        let Self { earlier, over: _over } = self;
        if let Some(earlier) = earlier {
            earlier.cancelled().await;
        }
        tail.await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_later_tail_begins_when_the_earlier_has_ended() {
        let (turns, told) = (Turns::default(), Arc::new(Mutex::new(Vec::new())));
        let tail = |name: &'static str, stop: CancellationToken| {
            let told = Arc::clone(&told);
            async move {
                told.lock().expect("ours").push(format!("{name} opens"));
                stop.cancelled().await;
                // It has its last lines to show.
                sleep(Duration::from_secs(1)).await;
                told.lock().expect("ours").push(format!("{name} closes"));
            }
        };
        let id = StreamId::new("app");
        let mut tasks = Vec::new();
        for name in ["first", "second"] {
            let stop = CancellationToken::new();
            tasks.push(tokio::spawn(turns.next(&id, stop.clone()).of(tail(name, stop))));
            tokio::task::yield_now().await;
        }
        sleep(Duration::from_secs(5)).await;
        assert_eq!(*told.lock().expect("ours"), ["first opens", "first closes", "second opens"]);
        turns.close(&id);
        for task in tasks {
            task.await.expect("no panic");
        }
        assert_eq!(told.lock().expect("ours").last().map(String::as_str), Some("second closes"));
    }
}
