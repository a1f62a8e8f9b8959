//! The transport under the live tail's client: everything that client would do too trustingly is
//! done here. It alone holds credentials, follows redirects within one origin only, lets no answer
//! through that is no event stream, redacts and keeps the raw bytes, and hands on canonical events
//! within bounds. One guard serves one attempt; it never tries twice.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use launchdarkly_sdk_transport::{ByteStream, HttpTransport, ResponseFuture, TransportError};
use sync_wrapper::{SyncFuture, SyncStream};
use url::Url;

use super::raw::Raw;
use crate::base::secret::{Redacting, Redactor};
use crate::base::wire::{Cause, Client, Opening, Request, Way, sse};
use crate::kind::check::sse::{is_event_stream, keep_cookies};
use crate::kind::exchange::status_words;
use crate::kind::session::Session;

/// Redirects followed, all within the origin.
const REDIRECTS: usize = 5;

/// Why an attempt ended, or never began.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lost {
    #[error("{}", .0.words())]
    Wire(Cause),
    #[error("{}", status_words(*.0))]
    Status(u16),
    #[error("the answer is {0}, not text/event-stream")]
    NoStream(String),
    #[error("a redirect to another origin, {0}, is not followed")]
    OtherOrigin(String),
    #[error("a redirect without a place to go, or too many of them")]
    Redirects,
    #[error("{0}")]
    Bound(sse::Breach),
    #[error("nothing came for {}", humantime::format_duration(*.0))]
    Silent(Duration),
}

impl Lost {
    /// True where the server said no: asking again and again would not change it.
    pub(super) fn refused(&self) -> bool {
        match self {
            Self::Status(status) => (400..500).contains(status) && ![408, 425, 429].contains(status),
            Self::NoStream(_) | Self::OtherOrigin(_) | Self::Redirects => true,
            Self::Wire(_) | Self::Bound(_) | Self::Silent(_) => false,
        }
    }
}

/// An answer whose body is still coming.
pub(super) struct Opened {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Chunks,
}

pub(super) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, Cause>> + Send>>;

/// Who opens requests: the wire, or a test.
pub(super) trait Opens: Clone + Send + Sync + 'static {
    fn open(&self, request: Request) -> impl Future<Output = Result<Opened, Cause>> + Send;

    /// The same by another way.
    #[must_use]
    fn by(&self, way: Way) -> Self {
        let _ = way;
        self.clone()
    }
}

/// The wire, with the time the head of an answer may take.
#[derive(Clone)]
pub(super) struct OverWire {
    pub client: Client,
    pub head_time: Duration,
}

impl Opens for OverWire {
    async fn open(&self, request: Request) -> Result<Opened, Cause> {
        let Opening { status, headers, body, .. } = self.client.open(request, self.head_time).await?;
        let next =
            |mut body: crate::base::wire::Body| async move { Ok(body.chunk().await?.map(|chunk| (chunk, body))) };
        Ok(Opened { status, headers, body: Box::pin(stream::try_unfold(body, next)) })
    }

    fn by(&self, way: Way) -> Self {
        Self { client: self.client.by(way), head_time: self.head_time }
    }
}

/// What an attempt learns on the way.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub last_id: Option<String>,
    /// What the server asks to wait before a reconnect.
    pub retry: Option<Duration>,
    /// Why the attempt ended, in our own terms.
    pub lost: Option<Lost>,
}

#[derive(Clone)]
pub(super) struct Guard<O> {
    pub opens: O,
    pub request: Request,
    pub session: Option<Session>,
    pub redactor: Redactor,
    pub raw: Raw,
    /// No byte for so long, and the connection counts as dead; none: it may be silent for ever.
    pub patience: Option<Duration>,
    pub noted: Arc<Mutex<Noted>>,
}

impl<O> Guard<O> {
    pub(super) fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, lost: Lost) -> TransportError {
        // The client logs what it is given: it is given the kind of error only.
        let told = TransportError::new(std::io::Error::other("the attempt ended"));
        self.noted().lost = Some(lost);
        told
    }
}

impl<O: Opens> HttpTransport for Guard<O> {
    /// The client's own request is not looked at: it holds no credential, and ours is whole.
    fn request(&self, _: http::Request<Option<Bytes>>) -> ResponseFuture {
        let guard = self.clone();
        Box::pin(SyncFuture::new(async move {
            match guard.opened().await {
                // No header of the answer is handed on: the client's log would print it.
                Ok(body) => Ok(http::Response::new(guard.events(body))),
                Err(lost) => Err(guard.lose(lost)),
            }
        }))
    }
}

impl<O: Opens> Guard<O> {
    async fn opened(&self) -> Result<Chunks, Lost> {
        let mut request = self.request.clone();
        for _ in 0..=REDIRECTS {
            let url = request.url.clone();
            let opened = self.opens.open(request.clone()).await.map_err(Lost::Wire)?;
            keep_cookies(self.session.as_ref(), &url, &opened.headers, &self.redactor);
            match opened.status {
                200 => {
                    let kind = opened.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
                    return match kind {
                        Some(kind) if is_event_stream(kind) => Ok(opened.body),
                        other => Err(Lost::NoStream(other.unwrap_or("of no type").to_owned())),
                    };
                }
                301 | 302 | 303 | 307 | 308 => {
                    request.url = self.moved(&url, &opened.headers)?;
                    if opened.status == 303 || (opened.status < 303 && request.method == "POST") {
                        request.method = "GET".to_owned();
                        request.body = None;
                    }
                }
                status => return Err(Lost::Status(status)),
            }
        }
        Err(Lost::Redirects)
    }

    fn moved(&self, from: &str, headers: &http::HeaderMap) -> Result<String, Lost> {
        let to = headers.get(http::header::LOCATION).and_then(|to| to.to_str().ok()).ok_or(Lost::Redirects)?;
        let from = Url::parse(from).map_err(|_| Lost::Redirects)?;
        let to = from.join(to).map_err(|_| Lost::Redirects)?;
        match to.origin() == from.origin() {
            true => Ok(to.into()),
            false => Err(Lost::OtherOrigin(to.origin().ascii_serialization())),
        }
    }

    /// Canonical events of a body: redacted before anything sees them, within bounds, known fields only.
    fn events(self, body: Chunks) -> ByteStream {
        let redacting = Some(self.redactor.stream());
        let reading = Reading { guard: self, body, redacting, parser: sse::Parser::default(), ended: false };
        Box::pin(SyncStream::new(stream::unfold(reading, Reading::next)))
    }
}

/// A body being read.
struct Reading<O> {
    guard: Guard<O>,
    body: Chunks,
    /// None once it was told to finish.
    redacting: Option<Redacting>,
    parser: sse::Parser,
    ended: bool,
}

impl<O: Opens> Reading<O> {
    async fn next(mut self) -> Option<(Result<Bytes, TransportError>, Self)> {
        while !self.ended {
            let chunk = match self.chunk().await {
                Ok(Some(chunk)) => self.redacting.as_mut().map(|redacting| redacting.feed(&chunk)),
                Ok(None) => {
                    self.ended = true;
                    self.redacting.take().map(Redacting::finish)
                }
                Err(lost) => {
                    // What the redactor holds back came before the break: it is kept, and handed on.
                    self.guard.noted().lost = Some(lost);
                    self.ended = true;
                    self.redacting.take().map(Redacting::finish)
                }
            };
            let chunk = chunk.unwrap_or_default();
            self.guard.raw.write(&chunk);
            let mut out = Vec::with_capacity(chunk.len());
            let mut retry = None;
            let mut ids = false;
            let fed = self.parser.feed(&chunk, |item| match item {
                sse::Item::Event(event) => {
                    ids |= event.gives_id;
                    event.write(&mut out);
                }
                sse::Item::Retry(wait) => retry = Some(wait),
                sse::Item::Comment => {}
            });
            if ids || retry.is_some() {
                let mut noted = self.guard.noted();
                noted.retry = retry.or(noted.retry);
                if ids {
                    noted.last_id = self.parser.last_id().map(ToOwned::to_owned);
                }
            }
            if let Err(breach) = fed {
                // What was whole before the breach is handed on first, then the client is told.
                self.guard.noted().lost = Some(Lost::Bound(breach));
                self.ended = true;
            }
            if !out.is_empty() {
                return Some((Ok(out.into()), self));
            }
        }
        None
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Lost> {
        let next = std::future::poll_fn(|cx| self.body.as_mut().poll_next(cx));
        let told = match self.guard.patience {
            Some(patience) => tokio::time::timeout(patience, next).await.map_err(|_| Lost::Silent(patience))?,
            None => next.await,
        };
        told.transpose().map_err(Lost::Wire)
    }
}
