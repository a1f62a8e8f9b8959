//! A server on loopback that answers as the OmniAI backend was measured to answer, whatever any plan
//! says about it. Start one with [`Contract::start`]; [`Behaviour`] makes it misbehave.

mod account;
mod reply;
mod run;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Method, Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use reply::Reply;

/// The frontend that is let in.
pub const ORIGIN: &str = "https://omniplexity.github.io";
pub const USERNAME: &str = "smoke-user";
pub const PASSWORD: &str = "correct-horse-battery";
/// Streams a user may hold open at once.
const STREAMS: usize = 3;
/// Batches a minute that client-events takes.
const BATCHES: usize = 120;

/// How this server differs from the measured one.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// `Vary` in two header lines, as newer servers send it.
    pub vary_in_two_lines: bool,
    /// What a preflight of an origin that begins like the allowed one, or is `null`, is answered.
    pub lookalike: Lookalike,
    /// CLIENT_EVENTS_ENABLED=false.
    pub client_events_off: bool,
    /// CLIENT_EVENTS_FORCE_SAMPLE_RATE.
    pub forced_sample_rate: Option<f64>,
    /// Cancel says so and stops nothing.
    pub cancel_lies: bool,
    /// Streams that the same account holds open elsewhere.
    pub streams_of_others: usize,
    /// Every call is answered 503.
    pub unavailable: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lookalike {
    /// 400, as measured.
    #[default]
    Denied,
    /// 200 without the headers that let it in.
    Answered,
    /// 200 with its own name.
    LetIn,
}

/// The server. It ends when this is dropped.
pub struct Contract {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

struct Shared {
    behaviour: Behaviour,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    account: account::Account,
    runs: Vec<Arc<run::Run>>,
    conversations: usize,
    open_streams: usize,
    batches: usize,
    /// Method and path of every request, in order.
    asked: Vec<String>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contract {
    pub async fn start() -> Self {
        Self::with(Behaviour::default()).await
    }

    pub async fn with(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { behaviour, state: Mutex::default() });
        let serving = shared.clone();
        let listening = tokio::spawn(async move {
            // Dropped with this task, and every connection with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let shared = serving.clone();
                connections.spawn(async move {
                    let answer = service_fn(|request| answer(shared.clone(), request));
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Self { address, shared, listening }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Takes the server away: its port is closed when this returns.
    pub async fn stop(&mut self) {
        self.listening.abort();
        let _ = (&mut self.listening).await;
    }

    /// How many event streams are being read.
    pub fn open_streams(&self) -> usize {
        self.shared.state().open_streams
    }

    /// `POST /v1/chat` and so on, in the order they came.
    pub fn asked(&self) -> Vec<String> {
        self.shared.state().asked.clone()
    }
}

impl Drop for Contract {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// One request as the routes see it.
struct Asked {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: http::HeaderMap,
    json: Value,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header(header::COOKIE.as_str())?.split(';');
        pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<reply::Body>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let query = head.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let asked = Asked {
        query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        json: serde_json::from_slice(&body).unwrap_or_default(),
        method: head.method,
        path: head.uri.path().to_owned(),
        headers: head.headers,
    };
    shared.state().asked.push(format!("{} {}", asked.method, asked.path));
    if shared.behaviour.unavailable {
        return Ok(Reply::error(503, "E5030", "maintenance").into_response());
    }
    if asked.method == Method::OPTIONS {
        return Ok(reply::preflight(&asked, &shared.behaviour).into_response());
    }
    let reply = route(&shared, &asked).await;
    Ok(reply.for_origin(asked.header("origin")).into_response())
}

async fn route(shared: &Arc<Shared>, asked: &Asked) -> Reply {
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/health") => return reply::health(),
        (_, "/health") => return Reply::detail(405, "Method Not Allowed"),
        ("GET", "/readyz") => return Reply::json(200, &serde_json::json!({ "status": "ready" })),
        (_, path) if !path.starts_with("/v1/") || path == "/v1/health" => return Reply::detail(404, "Not Found"),
        _ => {}
    }
    let refused = shared.state().account.refuse(asked);
    if let Some(refused) = refused {
        return refused;
    }
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/v1/auth/csrf/bootstrap") => shared.state().account.bootstrap(),
        ("POST", "/v1/auth/login") => shared.state().account.login(asked),
        ("POST", "/v1/client-events") => reply::client_events(shared, asked),
        _ if !shared.state().account.knows(asked) => Reply::error(401, "E4010", "Not authenticated"),
        ("POST", "/v1/conversations") => {
            let mut state = shared.state();
            state.conversations += 1;
            let id = format!("conversation-{:04}", state.conversations);
            Reply::json(200, &serde_json::json!({ "id": id, "title": asked.json["title"] }))
        }
        ("POST", "/v1/chat") => run::start(shared, asked),
        ("GET", "/v1/chat/stream") => run::stream(shared, asked),
        ("POST", "/v1/chat/cancel") => run::cancel(shared, asked),
        _ => Reply::detail(404, "Not Found"),
    }
}
