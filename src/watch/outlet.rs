//! Where watchers put what they see: the live picture, published when it changed and not too often,
//! and the loop's channel. It decides nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::launch::command::Observation;
use crate::launch::live::Live;

/// At most about fifteen pictures a second.
pub(super) const PUBLISH_EVERY: Duration = Duration::from_millis(66);

/// Cheap to clone; all clones are the same outlet.
#[derive(Debug, Clone)]
pub(super) struct Outlet {
    shared: Arc<Shared>,
    observations: mpsc::Sender<Observation>,
}

#[derive(Debug, Default)]
struct Shared {
    live: Mutex<Live>,
    changed: Notify,
}

impl Outlet {
    pub(super) fn new(observations: mpsc::Sender<Observation>) -> Self {
        Self { shared: Arc::default(), observations }
    }

    /// Changes the live picture. Never held across an await.
    pub(super) fn show<R>(&self, change: impl FnOnce(&mut Live) -> R) -> R {
        let told = change(&mut self.shared.live.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.changed.notify_one();
        told
    }

    /// Tells the loop. A full channel is counted and waited for: a change must not be lost.
    pub(super) async fn tell(&self, observation: Observation, cancel: &CancellationToken) {
        let Err(mpsc::error::TrySendError::Full(observation)) = self.observations.try_send(observation) else { return };
        self.show(|live| live.overflowed += 1);
        tokio::select! {
            biased;
            () = cancel.cancelled() => {}
            // An error means that the loop has ended: nobody is left to tell.
            _ = self.observations.send(observation) => {}
        }
    }

    /// Publishes the picture whenever it changed, until cancelled; then once more.
    pub(super) async fn publish(self, to: watch::Sender<Arc<Live>>, cancel: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                () = self.shared.changed.notified() => {}
            }
            to.send_replace(self.picture());
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(PUBLISH_EVERY) => {}
            }
        }
        to.send_replace(self.picture());
    }

    fn picture(&self) -> Arc<Live> {
        Arc::new(self.shared.live.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::id::StreamId;

    #[tokio::test(start_paused = true)]
    async fn pictures_come_when_something_changed_and_at_most_fifteen_a_second() {
        let (sender, _kept) = mpsc::channel(1);
        let outlet = Outlet::new(sender);
        let (to, mut pictures) = watch::channel(Arc::default());
        let cancel = CancellationToken::new();
        let publisher = tokio::spawn(outlet.clone().publish(to, cancel.clone()));
        let reader = tokio::spawn(async move {
            let mut seen = 0;
            while pictures.changed().await.is_ok() {
                pictures.borrow_and_update();
                seen += 1;
            }
            seen
        });
        for _ in 0..1_000 {
            outlet.show(|live| live.overflowed += 1);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Long quiet: no picture comes of it.
        tokio::time::sleep(Duration::from_secs(60)).await;
        cancel.cancel();
        publisher.await.expect("no panic");
        let seen = reader.await.expect("no panic");
        assert!((14..=18).contains(&seen), "{seen} pictures");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_channel_is_counted_and_nothing_is_lost() {
        let (sender, mut told) = mpsc::channel(1);
        let outlet = Outlet::new(sender);
        let cancel = CancellationToken::new();
        let change = |open| Observation::StreamChanged { stream: StreamId::new("s"), open, why: String::new() };
        outlet.tell(change(true), &cancel).await;
        let second = {
            let (outlet, cancel) = (outlet.clone(), cancel.clone());
            tokio::spawn(async move { outlet.tell(change(false), &cancel).await })
        };
        tokio::task::yield_now().await;
        assert_eq!(outlet.show(|live| live.overflowed), 1);
        assert_eq!(told.recv().await, Some(change(true)));
        assert_eq!(told.recv().await, Some(change(false)));
        second.await.expect("no panic");
    }
}
