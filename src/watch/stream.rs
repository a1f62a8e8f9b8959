//! A live tail of server-sent events: one client an attempt, reconnects with our own patience, and
//! what a console shows of it. It judges nothing: the `sse` check does that.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use eventsource_client::{Client as _, ClientBuilder, ReconnectOptions, SSE};
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::guard::{Guard, Lost, Noted, Opens};
use super::outlet::Outlet;
use super::pane::{COLUMNS, Pane};
use super::raw::Raw;
use super::taking::Taking;
use crate::base::jq::Jq;
use crate::base::secret::Redactor;
use crate::base::template::Scope;
use crate::clock;
use crate::kind::check::sse::{Fit, Look, Pattern, Received, Sse, stream_request};
use crate::kind::exchange::shown;
use crate::kind::session::Session;
use crate::launch::command::Observation;
use crate::launch::id::StreamId;
use crate::launch::live::Line;
use crate::launch::time::Wall;

/// The wait before a reconnect: first, and at most; a server's own wish is held within these.
const SHORTEST_WAIT: Duration = Duration::from_millis(500);
pub(super) const FIRST_WAIT: Duration = Duration::from_secs(1);
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Refusals in a row (401, 404, no event stream) after which the tail stops asking.
const REFUSALS: u32 = 5;
/// Events taken at once.
const BATCH: usize = 1_024;

/// One stream to tail.
pub(super) struct Tail<O> {
    pub id: StreamId,
    pub sse: Sse,
    pub opens: O,
    pub jq: Jq,
    pub redactor: Redactor,
    /// Values known before the session's own.
    pub scope: Scope,
    /// The plan's own folder.
    pub base: PathBuf,
    pub session: Option<Session>,
    pub raw: Raw,
    pub outlet: Outlet,
    /// What signals take out of its events.
    pub taking: Taking,
    pub cancel: CancellationToken,
}

/// How one attempt ended.
enum Ended {
    Cancelled,
    /// The terminal event came; the connection is dropped, so that the server's slot is free again.
    Finished,
    /// The server closed the stream.
    Closed,
    Lost(Lost),
}

impl<O: Opens> Tail<O> {
    /// Tails until cancelled, until the terminal event, or until the server has said no often enough.
    pub(super) async fn keep(self) {
        let mut pane = Pane::new(&self.id, &self.outlet, &self.raw, &self.redactor);
        let (mut wait, mut refusals, mut told) = (FIRST_WAIT, 0, None);
        let mut last_id = None;
        for attempt in 0_u32.. {
            let (before, noted) = (pane.total, Arc::default());
            if attempt > 0 {
                pane.change(|view| view.reconnects = attempt);
            }
            let ended = self.attempt(&mut pane, &mut told, last_id.take(), &noted).await;
            let noted = std::mem::take(&mut *noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            last_id = noted.last_id;
            let (why, refused, last) = match &ended {
                Ended::Cancelled => return pane.close(None),
                Ended::Finished => {
                    pane.close(None);
                    return self.tell(&mut told, false, "finished: its terminal event came".to_owned()).await;
                }
                Ended::Closed => ("the server closed it".to_owned(), false, false),
                Ended::Lost(Lost::Status(204)) => ("204: the server has nothing to stream".to_owned(), false, true),
                Ended::Lost(lost) => (shown(&lost.to_string(), COLUMNS, &self.redactor), lost.refused(), false),
            };
            refusals = if refused { refusals + 1 } else { 0 };
            let last = last || refusals == REFUSALS;
            let why = if last { format!("{why}; not tried again") } else { why };
            pane.close(Some(&why));
            self.tell(&mut told, false, why).await;
            if last {
                return;
            }
            wait = match noted.retry {
                Some(wish) if pane.total > before => wish,
                _ if pane.total > before => FIRST_WAIT,
                Some(wish) => wish.max(wait),
                None => wait,
            };
            wait = wait.clamp(SHORTEST_WAIT, LONGEST_WAIT);
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn tell(&self, told: &mut Option<bool>, open: bool, why: String) {
        if *told != Some(open) {
            *told = Some(open);
            let observation = Observation::StreamChanged { stream: self.id.clone(), open, why };
            self.outlet.tell(observation, &self.cancel).await;
        }
    }

    async fn attempt(
        &self,
        pane: &mut Pane<'_>,
        told: &mut Option<bool>,
        last_id: Option<String>,
        noted: &Arc<std::sync::Mutex<Noted>>,
    ) -> Ended {
        let scope =
            self.session.as_ref().map_or_else(|| self.scope.clone(), |session| self.scope.with(&session.scope()));
        let asked = stream_request(&self.sse.call, &scope, self.session.as_ref(), &self.base).await;
        let (mut request, way) = match asked {
            Ok(asked) => (asked.request, asked.way),
            Err(cause) => return Ended::Lost(Lost::Wire(cause)),
        };
        // An id that no header can carry is not worth failing for.
        if let Some(id) = last_id.filter(|id| !id.is_empty() && http::HeaderValue::from_str(id).is_ok()) {
            request.headers.push(("Last-Event-ID".to_owned(), id));
            noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).last_id =
                request.headers.last().map(|(_, id)| id.clone());
        }
        self.raw.write(format!("\n\n: attempt at {}\n", clock::wall().to_rfc3339()).as_bytes());
        let guard = Guard {
            opens: self.opens.by(way),
            request,
            session: self.session.clone(),
            redactor: self.redactor.clone(),
            raw: self.raw.clone(),
            patience: self.sse.expect.max_gap,
            noted: Arc::clone(noted),
        };
        // The address is the guard's secret too: the client logs the one it knows.
        let builder = match ClientBuilder::for_url("http://stream.invalid/") {
            Ok(builder) => builder,
            Err(why) => return Ended::Lost(Lost::Wire(crate::base::wire::Cause::Ours(why.to_string()))),
        };
        let alone = ReconnectOptions::reconnect(false).retry_initial(false).build();
        let client = builder.reconnect(alone).redirect_limit(0).build_with_transport(guard);
        let mut batches = client.stream().ready_chunks(BATCH);
        loop {
            let batch = tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Ended::Cancelled,
                () = sleep_until(pane.due()), if pane.has_more() => {
                    pane.render();
                    continue;
                }
                batch = batches.next() => batch,
            };
            let Some(batch) = batch else { return Self::ended(noted) };
            let (now, at) = (Instant::now(), clock::wall());
            for item in batch {
                if self.cancel.is_cancelled() {
                    return Ended::Cancelled;
                }
                match item {
                    Ok(SSE::Connected(_)) => {
                        pane.open(now);
                        self.tell(told, true, "open".to_owned()).await;
                    }
                    Ok(SSE::Event(event)) => {
                        self.take(event, pane, now, at, &scope).await;
                        if pane.finished {
                            return Ended::Finished;
                        }
                    }
                    Ok(SSE::Comment(_)) => {}
                    Err(_) => return Self::ended(noted),
                }
            }
        }
    }

    async fn take(&self, event: eventsource_client::Event, pane: &mut Pane<'_>, now: Instant, at: Wall, scope: &Scope) {
        let error = event.event_type == "error" || self.any(&self.sse.expect.never, &event, scope).await;
        pane.came(now, error);
        pane.finished = self.any(&self.sse.until, &event, scope).await;
        self.taking.text(&event.data, error).await;
        pane.keep(Line { at, tag: event.event_type, text: event.data, error });
    }

    async fn any(&self, patterns: &[Pattern], event: &eventsource_client::Event, scope: &Scope) -> bool {
        for pattern in patterns.iter().filter(|pattern| pattern.names(&event.event_type, &event.data)) {
            if pattern.json.is_none() {
                return true;
            }
            let (name, data) = (event.event_type.clone(), event.data.clone());
            let received = Received { event: name, data, ..Received::default() };
            if pattern.fits(&Look::new(&received), scope, &self.jq).await == Fit::Yes {
                return true;
            }
        }
        false
    }

    fn ended(noted: &std::sync::Mutex<Noted>) -> Ended {
        let lost = noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).lost.take();
        lost.map_or(Ended::Closed, Ended::Lost)
    }
}
