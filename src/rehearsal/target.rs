//! The listener of a rehearsal: plain or TLS by the first byte of a connection, HTTP/1.1, answers and
//! streams as the world decides. Every host of the plan is this one address. It decides nothing itself.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::line::{Line, Scissors};
use super::pattern::Asked;
use super::reply::{Flow, Reply, Then, Whole};
use super::switchboard::Faults;
use super::traffic::Traffic;
use super::world::{Question, STEPS, World};
use super::{StartError, certificate};
use crate::base::wire::Network;
use crate::kind::Catalogue;
use crate::kind::check::simulated::CHECKS;
use crate::launch::id::ItemId;
use crate::launch::plan::{Notify, Plan};

/// A simulated target, up as long as this lives.
#[derive(Debug)]
pub struct Target {
    pub address: SocketAddr,
    /// What a client must trust to reach the plan's hosts over TLS here.
    pub certificate_pem: String,
    pub faults: Faults,
    world: Arc<World>,
    /// Connections that may still be taken.
    open: Arc<Semaphore>,
    accepting: JoinHandle<()>,
}

/// Connections waiting to be taken: a small backlog costs a burst one second.
const BACKLOG: u32 = 4096;
/// Connections served at one moment; more wait.
const CONNECTIONS: usize = 1024;
/// Bytes of a request's line and headers; more is answered 431.
const HEAD: usize = 64 << 10;
/// Bytes of a request's body; more is answered 413. It is read and thrown away.
const BODY: usize = 1 << 20;
/// How long a client may take to say hello, to send a head, or a body.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between the comments of a stream that has said everything.
const PING: Duration = Duration::from_secs(5);
/// What was sent is seen before the line breaks.
const BREATH: Duration = Duration::from_millis(50);
/// Bytes of an answer that arrive before a reset in its middle: not even the status line is whole.
const CUT: usize = 12;

type Body = UnsyncBoxBody<Bytes, Broken>;

/// The end of a connection that is broken off on purpose.
#[derive(Debug, thiserror::Error)]
#[error("broken off, as the fault says")]
struct Broken;

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;

impl Target {
    /// Opens the target of a plan on a free port of loopback. It answers at once.
    ///
    /// # Errors
    /// The listener, the certificate or TLS could not be set up.
    pub async fn start(plan: &Plan, catalogue: &Catalogue, faults: Faults) -> Result<Self, StartError> {
        Self::with(plan, catalogue, Arc::new(Traffic::new(faults))).await
    }

    /// The same with numbers that go on from those of an earlier target.
    ///
    /// # Errors
    /// As [`Target::start`].
    pub async fn with(plan: &Plan, catalogue: &Catalogue, traffic: Arc<Traffic>) -> Result<Self, StartError> {
        traffic.under(plan, catalogue).await;
        let faults = traffic.faults().clone();
        Self::over(World::new(plan, catalogue, traffic), faults)
    }

    /// Must be called inside a runtime.
    fn over(world: World, faults: Faults) -> Result<Self, StartError> {
        let world = Arc::new(world);
        let certificate = certificate::make(&world.routes().hosts)?;
        let listener = listen().map_err(StartError::Listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let acceptor = TlsAcceptor::from(certificate.server);
        let open = Arc::new(Semaphore::new(CONNECTIONS));
        let accepting = tokio::spawn(accept(listener, acceptor, Arc::clone(&world), Arc::clone(&open)));
        Ok(Self { address, certificate_pem: certificate.pem, faults, world, open, accepting })
    }

    /// What a client must be given so that every host of the plan is this target.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::Loopback { address: self.address, certificate_pem: self.certificate_pem.clone() }
    }

    /// What the plan says too little about to be answered, and why.
    #[must_use]
    pub fn left_out(&self) -> &[(ItemId, String)] {
        &self.world.routes().left_out
    }

    /// How many connections are served now, or being taken.
    #[must_use]
    pub fn connections(&self) -> usize {
        CONNECTIONS - self.open.available_permits()
    }

    /// Takes over what a step did to the target that was here before: its `example.sets`.
    pub fn restore(&self, step: &ItemId) {
        let _ = self.world.act(step.as_str());
    }

    /// The state of the simulated world, as `example.sets` made it.
    #[must_use]
    pub fn state(&self) -> std::collections::BTreeMap<String, serde_json::Value> {
        self.world.state()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // The set of connections goes with the task.
        self.accepting.abort();
    }
}

fn listen() -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(BACKLOG)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, world: Arc<World>, open: Arc<Semaphore>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&open).acquire_owned().await else { return };
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((tcp, _)) => {
                let (acceptor, world) = (acceptor.clone(), Arc::clone(&world));
                connections.spawn(async move {
                    connection(tcp, acceptor, world).await;
                    drop(place);
                });
            }
            // No file descriptors left, or a client that is gone already: the others go on.
            Err(_) => sleep(BREATH).await,
        }
    }
}

async fn connection(tcp: TcpStream, acceptor: TlsAcceptor, world: Arc<World>) {
    // Small frames go out as they are.
    let _ = tcp.set_nodelay(true);
    let mut first = [0];
    let Ok(Ok(1)) = timeout(PATIENCE, tcp.peek(&mut first)).await else { return };
    let (line, scissors) = Line::new(tcp);
    // 22 is the handshake record that every TLS connection begins with.
    if first == [22] {
        if let Ok(Ok(tls)) = timeout(PATIENCE, acceptor.accept(line)).await {
            serve(tls, true, scissors, world).await;
        }
    } else {
        serve(line, false, scissors, world).await;
    }
}

async fn serve(io: impl AsyncRead + AsyncWrite + Unpin, tls: bool, scissors: Scissors, world: Arc<World>) {
    let service = service_fn(move |request| answer(request, tls, scissors.clone(), Arc::clone(&world)));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(HEAD);
    // A client that breaks the protocol has been told so, or is gone.
    let _ = server.serve_connection(TokioIo::new(io), service).await;
}

async fn answer(
    request: Request<Incoming>,
    tls: bool,
    scissors: Scissors,
    world: Arc<World>,
) -> Result<Response<Body>, Broken> {
    let (head, body) = request.into_parts();
    match timeout(PATIENCE, Limited::new(body, BODY).collect()).await {
        Ok(Ok(_)) => {}
        Ok(Err(_)) => {
            return response(own(StatusCode::PAYLOAD_TOO_LARGE, "more body than a rehearsal takes"), &scissors).await;
        }
        Err(_) => return response(own(StatusCode::REQUEST_TIMEOUT, "the body did not come"), &scissors).await,
    }
    let path = head.uri.path();
    let reply = match path.strip_prefix(STEPS) {
        Some(id) if head.method == http::Method::POST => world.act(id),
        _ if path.starts_with(Notify::SIMULATED) && head.method == http::Method::POST => {
            Reply::own(StatusCode::ACCEPTED, &json!({ "simulated": true }))
        }
        _ if path.starts_with(CHECKS) && head.method == http::Method::GET => world.look(&path[CHECKS.len()..]),
        _ => {
            let named = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
            let host = head.uri.authority().map(http::uri::Authority::as_str).or(named).unwrap_or("");
            let address = Asked { tls, host, path, query: head.uri.query() };
            world.answer(&Question { method: head.method.as_str(), address, headers: &head.headers }).await
        }
    };
    response(reply, &scissors).await
}

fn own(status: StatusCode, why: &str) -> Reply {
    Reply::own(status, &json!({ "error": why }))
}

async fn response(reply: Reply, scissors: &Scissors) -> Result<Response<Body>, Broken> {
    let (status, headers, after, body) = match reply {
        Reply::Reset => {
            scissors.cut_after(0);
            return Err(Broken);
        }
        Reply::Cut => {
            scissors.cut_after(CUT);
            return Ok(Response::new(whole(Bytes::new())));
        }
        Reply::Whole(Whole { status, headers, body, after }) => (status, headers, after, whole(body)),
        Reply::Stream(flow) => (flow.status, flow.headers.clone(), flow.after, events(flow)),
    };
    if !after.is_zero() {
        sleep(after).await;
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// The frames of a stream at their pace, then what comes after them. It holds nothing but its frames,
/// and goes when the connection does.
fn events(flow: Flow) -> Body {
    let again = (flow.then == Then::Again).then(|| flow.frames.clone());
    let steps = stream::unfold((flow.frames, false), move |(mut frames, broken)| {
        let again = again.clone();
        async move {
            if broken {
                return None;
            }
            if frames.is_empty()
                && let Some(again) = again
            {
                frames = again;
            }
            if let Some((after, frame)) = frames.pop_front() {
                sleep(after).await;
                return Some((Ok(Frame::data(frame)), (frames, false)));
            }
            match flow.then {
                Then::Break => {
                    sleep(BREATH).await;
                    Some((Err(Broken), (frames, true)))
                }
                Then::Silent => std::future::pending().await,
                Then::Ping | Then::Again => {
                    sleep(PING).await;
                    Some((Ok(Frame::data(Bytes::from_static(b": ping\n\n"))), (frames, false)))
                }
            }
        }
    });
    StreamBody::new(steps).boxed_unsync()
}
