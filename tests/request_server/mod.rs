//! A server on loopback that answers as it is told, plain or TLS, HTTP/1.1 or 2, and remembers what it was asked;
//! and certificates made for it on the spot.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Got {
    /// `GET /x HTTP/1.1`.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What is answered: the bytes of an HTTP/1.1 answer, or a break.
#[derive(Debug, Clone)]
pub enum Says {
    Bytes(Vec<u8>),
    /// The connection is reset.
    Reset,
    /// Nothing, for as long as it is waited for.
    Nothing,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }
}

impl Says {
    /// A status with headers, each a line, and a body.
    pub fn whole(status: u16, headers: &[&str], body: &str) -> Self {
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let head = format!("HTTP/1.1 {status} Told\r\n{lines}content-length: {}\r\n\r\n", body.len());
        Self::Bytes([head.as_bytes(), body.as_bytes()].concat())
    }

    pub fn ok(body: &str) -> Self {
        Self::whole(200, &[], body)
    }

    pub fn moved(status: u16, to: &str) -> Self {
        Self::whole(status, &[&format!("location: {to}")], "")
    }
}

type Answering = Arc<dyn Fn(&Got) -> Says + Send + Sync>;

/// The server. It ends when this is dropped.
pub struct Server {
    pub address: SocketAddr,
    tls: bool,
    got: Arc<Mutex<Vec<Got>>>,
    listening: JoinHandle<()>,
}

impl Server {
    pub async fn plain(answer: impl Fn(&Got) -> Says + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(answer)).await
    }

    pub async fn tls(config: ServerConfig, answer: impl Fn(&Got) -> Says + Send + Sync + 'static) -> Self {
        Self::start(Some(TlsAcceptor::from(Arc::new(config))), Arc::new(answer)).await
    }

    async fn start(tls: Option<TlsAcceptor>, answer: Answering) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let got = Arc::new(Mutex::new(Vec::new()));
        let (kept, is_tls) = (Arc::clone(&got), tls.is_some());
        let listening = tokio::spawn(async move {
            let mut all = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, answer, got) = (tls.clone(), Arc::clone(&answer), Arc::clone(&kept));
                all.spawn(async move {
                    let Some(tls) = tls else {
                        if let Some(stream) = one(stream, &answer, &got).await {
                            let _ = stream.set_zero_linger();
                        }
                        return;
                    };
                    let Ok(stream) = tls.accept(stream).await else { return };
                    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                        let _ = two(stream, &answer, &got).await;
                    } else {
                        one(stream, &answer, &got).await;
                    }
                });
                while all.try_join_next().is_some() {}
            }
        });
        Self { address, tls: is_tls, got, listening }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.tls { "https" } else { "http" }, self.address)
    }

    /// What it was asked so far.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().expect("ours").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Answers each request of an HTTP/1.1 connection; gives the stream back where it is to be reset.
async fn one<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answer: &Answering, got: &Mutex<Vec<Got>>) -> Option<S> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.lines();
        let line = lines.next()?.to_owned();
        let pairs = lines.filter_map(|line| line.split_once(':'));
        let headers = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        let mut asked = Got { line, headers, body: Vec::new() };
        let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        asked.body = vec![0; length];
        stream.read_exact(&mut asked.body).await.ok()?;
        let says = answer(&asked);
        got.lock().expect("ours").push(asked);
        match says {
            Says::Bytes(bytes) => stream.write_all(&bytes).await.ok()?,
            Says::Reset => return Some(stream),
            Says::Nothing => std::future::pending().await,
        }
    }
}

/// Answers each request of an HTTP/2 connection with the status and the body it would have in HTTP/1.1.
async fn two<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    answer: &Answering,
    got: &Mutex<Vec<Got>>,
) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(asked) = connection.accept().await {
        let (request, mut respond) = asked?;
        let line = format!("{} {} HTTP/2", request.method(), request.uri().path());
        let pairs = request.headers().iter();
        let headers =
            pairs.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let asked = Got { line, headers: headers.collect(), body: Vec::new() };
        let Says::Bytes(bytes) = answer(&asked) else { return Ok(()) };
        got.lock().expect("ours").push(asked);
        let text = String::from_utf8(bytes).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let response = http::Response::builder().status(status).body(()).expect("an answer");
        let mut body_to = respond.send_response(response, false)?;
        body_to.send_data(Bytes::copy_from_slice(body.as_bytes()), true)?;
    }
    Ok(())
}

/// An authority, and what it signed.
pub struct Certificates {
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    /// An authority whose certificate lies in `folder` as `ca.pem`, with a client's as `client.pem` and
    /// `client.key`.
    pub fn new(folder: &Path) -> Self {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "tests");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("signed");
        std::fs::write(folder.join("ca.pem"), authority.pem()).expect("written");
        let key = KeyPair::generate().expect("a key");
        let mut client = CertificateParams::new(vec!["ops.example".to_owned()]).expect("names");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client = client.signed_by(&key, &authority).expect("signed");
        std::fs::write(folder.join("client.pem"), client.pem()).expect("written");
        std::fs::write(folder.join("client.key"), key.serialize_pem()).expect("written");
        Self { authority }
    }

    /// A server's side for 127.0.0.1, speaking `protocols`, that asks for a client's certificate where it is
    /// told to.
    pub fn server(&self, protocols: &[&str], asks: bool) -> ServerConfig {
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("names");
        let leaf = leaf.signed_by(&key, &self.authority).expect("signed");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let config = config.with_safe_default_protocol_versions().expect("versions");
        let config = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(self.authority.der().clone()).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().expect("a verifier"))
        } else {
            config.with_no_client_auth()
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = config.with_single_cert(vec![leaf.der().clone()], key).expect("a certificate");
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }
}
