//! A ramp for connecting: at most so many connections to one place are being opened at one moment. A
//! burst of hundreds overruns a small listen backlog, and each connection lost there costs a whole
//! second. Each place has its own allowance: one that swallows connections holds up no other.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::phase::{Phase, Progress};

/// The layer around a connector. All clones share the allowances.
#[derive(Debug, Clone)]
pub(super) struct Ramp {
    at_once: usize,
    /// By host and port: as many as a plan has places.
    places: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// A connector behind the ramp.
#[derive(Debug, Clone)]
pub(super) struct Ramped<S> {
    connector: S,
    ramp: Ramp,
}

impl Ramp {
    /// `at_once` connections to one place at one moment; none counts as one.
    pub(super) fn new(at_once: usize) -> Self {
        Self { at_once: at_once.clamp(1, Semaphore::MAX_PERMITS), places: Arc::default() }
    }

    fn allowance(&self, place: &str) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = places.get(place) {
            return Arc::clone(known);
        }
        let allowance = Arc::new(Semaphore::new(self.at_once));
        places.insert(place.to_owned(), Arc::clone(&allowance));
        allowance
    }
}

impl<S> Layer<S> for Ramp {
    type Service = Ramped<S>;

    fn layer(&self, connector: S) -> Self::Service {
        Ramped { connector, ramp: self.clone() }
    }
}

impl<S, R> Service<R> for Ramped<S>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let fresh = self.connector.clone();
        // The one that was polled ready must be the one that is called.
        let mut ready = std::mem::replace(&mut self.connector, fresh);
        // The library asks for a connection in the task of the request that wants it.
        let progress = Progress::current();
        let allowance = self.ramp.allowance(progress.as_ref().map_or("", |progress| &progress.authority));
        Box::pin(async move {
            let enter = |phase| progress.iter().for_each(|progress| progress.enter(phase));
            enter(Phase::Waiting(Instant::now()));
            // A closed semaphore never is: nobody closes this one.
            let _held = allowance.acquire_owned().await;
            enter(Phase::Under);
            ready.call(request).await
        })
    }
}
