//! A server on loopback that knows no HTTP: it reads to the end of a request's head and writes bytes,
//! right or wrong, for as long as the other side takes them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What is written to who asks for a path.
#[derive(Debug, Clone)]
pub struct Answer {
    pub head: Vec<u8>,
    /// Written so often after the head.
    pub piece: Vec<u8>,
    pub times: usize,
}

/// The server. It ends when this is dropped.
pub struct Crude {
    pub address: SocketAddr,
    listening: JoinHandle<()>,
}

impl Answer {
    /// A whole answer with a body of known length.
    pub fn whole(kind: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        Self { head: [head.as_bytes(), body].concat(), piece: Vec::new(), times: 0 }
    }
}

impl Crude {
    /// Answers each path of `answers`; closes on any other.
    pub async fn start(answers: impl IntoIterator<Item = (&'static str, Answer)>) -> Self {
        let answers: Arc<BTreeMap<&str, Answer>> = Arc::new(answers.into_iter().collect());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(answer(stream, answers.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, listening }
    }
}

impl Drop for Crude {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn answer(mut stream: TcpStream, answers: Arc<BTreeMap<&str, Answer>>) -> Option<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        asked.push(stream.read_u8().await.ok()?);
    }
    let asked = String::from_utf8_lossy(&asked).into_owned();
    let answer = answers.get(asked.split(' ').nth(1)?)?;
    stream.write_all(&answer.head).await.ok()?;
    for _ in 0..answer.times {
        stream.write_all(&answer.piece).await.ok()?;
    }
    stream.shutdown().await.ok()
}
