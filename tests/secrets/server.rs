//! A server that gives every secret back in every way it can: bodies, headers, error pages, redirects,
//! events. It hands out three values of its own, which are secrets from then on.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::forms::carriers;

/// What the login hands out.
pub const IN_JSON: &str = "captured-\"json\"/é-41c7";
pub const IN_HEADER: &str = "captured+header/41c7==";
pub const IN_COOKIE: &str = "captured-cookie-41c7";

pub struct Echo {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// Every way of writing every secret.
    loot: Vec<String>,
    /// What was asked for: path, headers and body, as they came.
    asked: Mutex<Vec<String>>,
}

impl Echo {
    pub async fn start(secrets: &[(String, String)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let loot = secrets.iter().flat_map(|(_, secret)| carriers(secret)).collect();
        let shared = Arc::new(Shared { loot, asked: Mutex::default() });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    let answer = service_fn(|request| answer(Arc::clone(&shared), request));
                    let _ =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Self { address, shared }
    }

    /// Every request that came, whole.
    pub fn asked(&self) -> String {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let sent = format!("{} {} {:?} {}", head.method, head.uri, head.headers, String::from_utf8_lossy(&body));
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(sent.clone());
    let loot = shared.loot.join(" | ");
    let visible: String = shared
        .loot
        .iter()
        .filter(|text| text.bytes().all(|b| (b' '..0x7f).contains(&b)))
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    let answer = Response::builder().header("X-Echo", HeaderValue::from_str(&visible).expect("a header"));
    let json = |value: serde_json::Value| Full::from(value.to_string());
    let answer = match head.uri.path() {
        "/login" => answer
            .header("Content-Type", "application/json")
            .header("Set-Cookie", format!("sid={IN_COOKIE}; Path=/"))
            .header("X-Cap", IN_HEADER)
            .body(json(serde_json::json!({ "csrf": IN_JSON, "echo": loot, "sent": sent }))),
        "/events" => {
            let mut events = String::new();
            for text in &shared.loot {
                events.push_str("event: echo\n");
                text.lines().for_each(|line| events.push_str(&format!("data: {line}\n")));
                events.push('\n');
            }
            events.push_str("event: done\ndata: {}\n\n");
            answer.header("Content-Type", "text/event-stream").body(Full::from(events))
        }
        "/redirect" => {
            let to = format!(
                "/elsewhere?{}",
                shared
                    .loot
                    .iter()
                    .filter(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-_.~=".contains(&b)))
                    .cloned()
                    .collect::<Vec<_>>()
                    .join("&")
            );
            answer.status(302).header("Location", to).body(Full::from(loot))
        }
        "/json" => answer
            .header("Content-Type", "application/json")
            .body(json(serde_json::json!({ "value": loot, "list": shared.loot, "version": shared.loot[0] }))),
        _ => answer.status(500).body(Full::from(format!("<html>{loot}\n{sent}</html>"))),
    };
    Ok(answer.expect("an answer"))
}
