//! A ramp for connecting: at most so many connections are being opened at one moment. A burst of
//! hundreds overruns a small listen backlog, and each connection lost there costs a whole second.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::Semaphore;
use tower_layer::Layer;
use tower_service::Service;

/// The layer around a connector. All clones share one allowance.
#[derive(Debug, Clone)]
pub(super) struct Ramp {
    allowance: Arc<Semaphore>,
}

/// A connector behind the ramp.
#[derive(Debug, Clone)]
pub(super) struct Ramped<S> {
    connector: S,
    allowance: Arc<Semaphore>,
}

impl Ramp {
    /// `at_once` connections at one moment; none counts as one.
    pub(super) fn new(at_once: usize) -> Self {
        Self { allowance: Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS))) }
    }
}

impl<S> Layer<S> for Ramp {
    type Service = Ramped<S>;

    fn layer(&self, connector: S) -> Self::Service {
        Ramped { connector, allowance: self.allowance.clone() }
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
        let allowance = self.allowance.clone();
        Box::pin(async move {
            // A closed semaphore never is: nobody closes this one.
            let _held = allowance.acquire_owned().await;
            ready.call(request).await
        })
    }
}
