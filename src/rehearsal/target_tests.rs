//! The listener asked over real sockets, plain and TLS, by clients that behave and clients that do not.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::super::world::tests::{HOST, small_with_faults};
use super::*;

fn target(faults: &[&str]) -> Target {
    let (world, switchboard) = small_with_faults();
    for fault in faults {
        switchboard.inject(fault.parse().expect(fault));
    }
    Target::over(world, switchboard).expect("a target")
}

async fn tcp(target: &Target) -> TcpStream {
    TcpStream::connect(target.address).await.expect("a connection")
}

async fn tls(target: &Target) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(target.certificate_pem.as_bytes()).expect("PEM");
    roots.add(root).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(HOST).expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, tcp(target).await).await.expect("TLS")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n")
}

/// What came until the end, and how it ended.
async fn exchange(
    mut io: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
) -> (String, Result<(), std::io::ErrorKind>) {
    let mut seen = Vec::new();
    // A server that has heard enough may close while this still writes.
    let _ = io.write_all(request).await;
    let end = io.read_to_end(&mut seen).await.map(|_| ()).map_err(|why| why.kind());
    (String::from_utf8_lossy(&seen).into_owned(), end)
}

/// Reads until `text` was seen.
async fn until(io: &mut (impl AsyncRead + Unpin), text: &str) -> String {
    let mut seen = String::new();
    let mut some = [0; 1024];
    while !seen.contains(text) {
        let read = io.read(&mut some).await.expect("more");
        assert_ne!(read, 0, "ended early: {seen}");
        seen.push_str(&String::from_utf8_lossy(&some[..read]));
    }
    seen
}

#[tokio::test]
async fn the_first_byte_tells_tls_from_plain_on_one_port() {
    let target = target(&[]);
    let (secure, _) = exchange(tls(&target).await, get("/health").as_bytes()).await;
    assert!(secure.starts_with("HTTP/1.1 200") && secure.ends_with("{\"status\":\"ok\"}"), "{secure}");
    let (plain, _) = exchange(tcp(&target).await, get("/health").as_bytes()).await;
    assert!(plain.starts_with("HTTP/1.1 404"), "the plan says https: {plain}");
    assert!(plain.contains("GET http://api.example/health"), "{plain}");
}

#[tokio::test]
async fn a_step_is_acted_over_plain_http_whatever_the_fault() {
    let target = target(&["down", "reset", "errors=100%", "bad-json", "wrong-status"]);
    let request =
        format!("POST /__tminus/step/deploy HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", target.address);
    let (seen, _) = exchange(tcp(&target).await, request.as_bytes()).await;
    assert!(seen.starts_with("HTTP/1.1 200") && seen.ends_with("{\"exit\":0,\"stdout\":\"done\\n\"}"), "{seen}");
    assert_eq!(target.state()["build"], "new");
}

#[tokio::test]
async fn down_resets_before_a_byte_and_reset_before_the_head_is_whole() {
    for fault in ["down", "reset"] {
        let target = target(&[fault]);
        let (seen, end) = exchange(tcp(&target).await, get("/health").as_bytes()).await;
        assert!(!seen.contains("\r\n"), "{fault}: {seen}");
        assert_eq!(end, Err(std::io::ErrorKind::ConnectionReset), "{fault}");
        let (seen, end) = exchange(tls(&target).await, get("/health").as_bytes()).await;
        assert!(!seen.contains("\r\n"), "{fault}: {seen}");
        assert!(end.is_err(), "{fault}: a clean end");
    }
}

#[tokio::test]
async fn a_stream_stays_open_after_its_last_event_and_is_freed_when_the_client_goes() {
    let target = target(&[]);
    let mut io = tls(&target).await;
    io.write_all(get("/stream?run_id=any").as_bytes()).await.expect("sent");
    let seen = until(&mut io, "data: end\n\n").await;
    assert!(seen.contains("content-type: text/event-stream"), "{seen}");
    assert_eq!(target.connections(), 2, "one served, and the place of the next");
    drop(io);
    let free = timeout(Duration::from_secs(20), async {
        while target.connections() > 1 {
            tokio::task::yield_now().await;
        }
    });
    free.await.expect("the stream's place is free again");
}

#[tokio::test]
async fn stream_faults_each_end_in_their_own_way() {
    let dropped = target(&["stream-drops"]);
    let (seen, end) = exchange(tls(&dropped).await, get("/stream?run_id=any").as_bytes()).await;
    assert!(seen.contains("data: b\n\n") && !seen.contains("data: end") && !seen.ends_with("0\r\n\r\n"), "{seen}");
    assert!(end.is_err(), "TLS ended cleanly");

    let endless = target(&["stream-never-ends"]);
    let mut io = tls(&endless).await;
    io.write_all(get("/stream?run_id=any").as_bytes()).await.expect("sent");
    let mut seen = String::new();
    while seen.matches("data: b\n").count() < 3 {
        seen.push_str(&until(&mut io, "data: ").await);
    }
    assert!(!seen.contains("data: end"), "{seen}");
}

#[tokio::test]
async fn hostile_requests_do_not_bring_it_down() {
    let target = target(&[]);
    let endless_header = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(1 << 20));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    let long_body =
        format!("POST /health HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: {}\r\n\r\n{}", 2 << 20, "b".repeat(2 << 20));
    let requests: Vec<(&[u8], &str)> = vec![
        (endless_header.as_bytes(), "4"),
        (many_headers.as_bytes(), "4"),
        (long_body.as_bytes(), "413"),
        (b"\x00\xff\xfe garbage \r\n\r\n", "400"),
        (b"\x16\x03\x01\x00\x05hello, not TLS", ""),
        (b"GET /\xff\xfe%zz?%%% HTTP/1.1\r\nhost: \xff\r\nconnection: close\r\n\r\n", ""),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""),
        (b"GET http://[::1/ HTTP/1.1\r\n\r\n", "400"),
        (b"POST /__tminus/step/%00%ff%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "404"),
    ];
    for (request, status) in requests {
        let what = String::from_utf8_lossy(&request[..request.len().min(40)]).into_owned();
        let done = timeout(Duration::from_secs(20), exchange(tcp(&target).await, request)).await;
        let (seen, end) = done.unwrap_or_else(|_| panic!("no end: {what}"));
        // A reset may swallow the refusal; where one arrives, it is the right one.
        if end.is_ok() && !status.is_empty() {
            assert!(seen.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {seen}");
        }
    }
    let (seen, _) = exchange(tls(&target).await, get("/health").as_bytes()).await;
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
}

#[tokio::test]
async fn it_is_gone_with_its_value() {
    let target = target(&[]);
    let address = target.address;
    let mut io = tls(&target).await;
    drop(target);
    assert!(matches!(io.read(&mut [0; 8]).await, Ok(0) | Err(_)), "an open connection ends");
    assert!(TcpStream::connect(address).await.is_err(), "nothing listens");
}
