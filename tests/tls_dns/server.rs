//! TLS servers on loopback with certificates made here, and servers that are none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A certificate with its key and what is sent with it.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: KeyPair,
}

pub type Authority = CertifiedIssuer<'static, KeyPair>;

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

pub fn authority(name: &str) -> Authority {
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(ca(name), key).expect("an authority")
}

pub fn intermediate(root: &Issuer<'_, KeyPair>) -> Authority {
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::signed_by(ca("Test Intermediate"), key, root).expect("an authority")
}

/// A leaf for `names`, good for a year that has begun, from `from` to `until` where they are given.
pub fn leaf(names: &[&str], issuer: &Issuer<'_, KeyPair>, years: Option<(i32, i32)>) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let mut params = params(names, years);
    params.distinguished_name.push(DnType::CommonName, "Leaf");
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    Identity { chain: vec![certificate.der().clone()], key }
}

pub fn self_signed(names: &[&str]) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let mut params = params(names, None);
    params.distinguished_name.push(DnType::CommonName, "Alone");
    let certificate = params.self_signed(&key).expect("a certificate");
    Identity { chain: vec![certificate.der().clone()], key }
}

fn params(names: &[&str], years: Option<(i32, i32)>) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    let (from, until) = years.unwrap_or((2020, 2200));
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params
}

/// What a server does with a client it does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    /// As the library does: an alert.
    Alert,
    /// It goes on in the version that was asked for.
    Accept,
    /// It closes the connection without a word.
    Close,
    /// It resets the connection.
    Reset,
    /// It says nothing and waits.
    Silent,
    /// It closes, and serves nobody any more.
    Die,
    /// It says that it failed by itself.
    Fail,
}

pub const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

/// Serves `identity` in `versions` and treats old clients as `old` says.
pub async fn serve(identity: Identity, versions: &[&'static SupportedProtocolVersion], old: Old) -> SocketAddr {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(identity.chain, key)
        .expect("a config");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let dead = Arc::new(AtomicBool::new(false));
    each(move |mut stream| {
        let (acceptor, dead) = (acceptor.clone(), Arc::clone(&dead));
        async move {
            if dead.load(Ordering::SeqCst) {
                return;
            }
            let mut head = [0; 11];
            // A hello's own version stands behind two headers.
            let is_old = loop {
                match stream.peek(&mut head).await {
                    Ok(0) | Err(_) => return,
                    Ok(11) => break [head[9], head[10]] < [3, 3],
                    Ok(_) => tokio::task::yield_now().await,
                }
            };
            match old {
                Old::Die if is_old => {
                    let _ = stream.read(&mut [0; 4096]).await;
                    dead.store(true, Ordering::SeqCst);
                }
                _ if is_old && old != Old::Alert => treat(stream, old, [head[9], head[10]]).await,
                _ => {
                    if let Ok(mut stream) = acceptor.accept(stream).await {
                        let _ = stream.read(&mut [0; 64]).await;
                    }
                }
            }
        }
    })
    .await
}

async fn treat(mut stream: TcpStream, old: Old, version: [u8; 2]) {
    match old {
        Old::Accept => {
            let _ = stream.read(&mut [0; 4096]).await;
            let mut hello = vec![22, 3, version[1], 0, 42, 2, 0, 0, 38];
            hello.extend(version);
            hello.extend([7; 32]);
            hello.extend([0, 0xc0, 0x13, 0]);
            let _ = stream.write_all(&hello).await;
        }
        Old::Fail => {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&[21, 3, 1, 0, 2, 2, 80]).await;
        }
        Old::Close => {
            let _ = stream.read(&mut [0; 4096]).await;
        }
        // What was not read is answered with a reset.
        Old::Reset => drop(stream),
        Old::Silent => {
            let mut bytes = [0; 4096];
            while matches!(stream.read(&mut bytes).await, Ok(read) if read > 0) {}
        }
        Old::Alert | Old::Die => {}
    }
}

/// Accepts for as long as the test runs.
pub async fn each<F, Done>(mut serve: F) -> SocketAddr
where
    F: FnMut(TcpStream) -> Done + Send + 'static,
    Done: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}
