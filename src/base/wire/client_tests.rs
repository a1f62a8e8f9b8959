//! The client against servers that misbehave.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Name, Resolve, Resolving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::phase::{Phase, Progress};
use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

fn client() -> Client {
    Client::new(&Network::Outside, Limits::default()).expect("a client")
}

fn get(address: SocketAddr) -> Request {
    Request { method: "GET".into(), url: format!("http://{address}/"), ..Request::default() }
}

/// A server that does `act` to each connection after the request's head was read.
async fn serve<F, R>(act: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            act(stream).await;
        }
    });
    address
}

/// A server that writes these bytes and closes.
async fn says(bytes: impl Into<Vec<u8>>) -> SocketAddr {
    let bytes = bytes.into();
    serve(move |mut stream| {
        let bytes = bytes.clone();
        async move {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            // Read on, so that the close is no reset.
            let _ = stream.read(&mut [0; 64]).await;
        }
    })
    .await
}

async fn cause(address: SocketAddr) -> Cause {
    client().send(get(address), PATIENCE).await.expect_err("no usable answer")
}

#[tokio::test]
async fn an_answer_comes_whole() {
    let answer = says("HTTP/1.1 201 Created\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 5\r\n\r\nhello").await;
    let answer = client().send(get(answer), PATIENCE).await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_ref()), (201, b"hello".as_slice()));
    assert_eq!(answer.headers.get_all("x-a").iter().count(), 2);
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    assert_eq!(cause(address).await, Cause::Refused);
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let address = serve(|stream| async move {
        stream.set_zero_linger().expect("linger");
    })
    .await;
    assert_eq!(cause(address).await, Cause::Reset);
}

#[tokio::test]
async fn closing_without_an_answer_and_in_the_middle_of_one_is_closing_early() {
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
    ] {
        assert_eq!(cause(says(bytes).await).await, Cause::ClosedEarly, "{bytes:?}");
    }
}

#[tokio::test]
async fn a_stall_in_the_head_or_the_body_ends_at_the_deadline() {
    for bytes in ["HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"] {
        let address = serve(move |mut stream| async move {
            let _ = stream.write_all(bytes.as_bytes()).await;
            std::future::pending::<()>().await;
        })
        .await;
        let seen = client().send(get(address), Duration::from_millis(80)).await;
        assert_eq!(seen.expect_err("nothing"), Cause::TimedOut, "{bytes:?}");
    }
}

#[tokio::test]
async fn an_endless_header_is_given_up() {
    let one_line = serve(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
        while stream.write_all(&[b'a'; 4096]).await.is_ok() {}
    });
    let many_lines = serve(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x-again: and again\r\n").await.is_ok() {}
    });
    assert_eq!(cause(one_line.await).await, Cause::HeadTooLarge);
    assert_eq!(cause(many_lines.await).await, Cause::HeadTooLarge);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read_on() {
    let (sent, told) = tokio::sync::oneshot::channel();
    let sent = std::sync::Mutex::new(Some(sent));
    let address = serve(move |mut stream| {
        let sent = sent.lock().expect("a lock").take();
        async move {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n").await;
            let mut written = 0_u64;
            while written < 104_857_600 && stream.write_all(&[b'x'; 65_536]).await.is_ok() {
                written += 65_536;
            }
            let _ = sent.map(|sent| sent.send(written));
        }
    })
    .await;
    assert_eq!(cause(address).await, Cause::BodyTooLarge { limit: 8 << 20 });
    // What the server could write besides the limit is what the sockets' buffers hold.
    assert!(told.await.expect("a count") < 32 << 20);
}

#[tokio::test]
async fn a_packed_body_is_unpacked_and_its_limit_counts_unpacked() {
    let pack = |bytes: &[u8]| {
        let mut packed = Vec::new();
        packed.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        // One stored block: what it takes to be a valid stream without a compressor.
        let length = u16::try_from(bytes.len()).expect("short");
        packed.push(1);
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(&(!length).to_le_bytes());
        packed.extend_from_slice(bytes);
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        packed.extend_from_slice(&(!crc).to_le_bytes());
        packed.extend_from_slice(&u32::from(length).to_le_bytes());
        packed
    };
    let whole = |body: Vec<u8>| {
        let mut bytes = Vec::new();
        let length = body.len();
        write!(bytes, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n").expect("memory");
        bytes.extend_from_slice(&body);
        bytes
    };
    let address = says(whole(pack(b"hello"))).await;
    assert_eq!(client().send(get(address), PATIENCE).await.expect("an answer").body.as_ref(), b"hello");
    let small = Client::new(&Network::Outside, Limits { body: 4, ..Limits::default() }).expect("a client");
    let seen = small.send(get(address), PATIENCE).await;
    assert_eq!(seen.expect_err("too large"), Cause::BodyTooLarge { limit: 4 });
    assert!(matches!(cause(says(whole(b"not gzip at all".to_vec())).await).await, Cause::Malformed(_)));
}

#[tokio::test]
async fn garbage_is_malformed_and_invalid_utf8_is_just_bytes() {
    assert!(matches!(cause(says("\0\x01 SSH-2.0 hello\r\n\r\n").await).await, Cause::Malformed(_)));
    assert!(matches!(cause(says("HTTP/1.1 abc OK\r\n\r\n").await).await, Cause::Malformed(_)));
    let broken = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab\r\n";
    assert!(matches!(cause(says(broken).await).await, Cause::Malformed(_)));
    let address = says(b"HTTP/1.1 200 OK\r\nx: \xff\xfe\r\ncontent-length: 2\r\n\r\n\xff\xfe".as_slice()).await;
    let answer = client().send(get(address), PATIENCE).await.expect("an answer");
    assert_eq!(answer.body.as_ref(), b"\xff\xfe");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let address = says("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(client().send(get(address), PATIENCE).await.expect("an answer").status, 302);
}

#[tokio::test]
async fn plain_words_to_a_tls_client_are_a_tls_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    let request = Request { method: "GET".into(), url: format!("https://{address}/"), ..Request::default() };
    let seen = client().send(request, PATIENCE).await;
    assert!(matches!(seen, Err(Cause::Tls(_))), "{seen:?}");
}

#[tokio::test]
async fn what_cannot_be_sent_is_ours_and_names_no_value() {
    let wrong = |method: &str, url: &str, headers: &[(&str, &str)]| Request {
        method: method.into(),
        url: url.into(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: None,
    };
    for request in [
        wrong("GET", "not a url", &[]),
        wrong("GET", "ftp://host/x", &[]),
        wrong("GET", "http://user:hunter22@127.0.0.1:1/", &[]),
        wrong("G ET", "http://127.0.0.1:1/", &[]),
        wrong("GET", "http://127.0.0.1:1/", &[("x y", "1")]),
        wrong("GET", "http://127.0.0.1:1/", &[("x", "hunter22\r\nevil: 1")]),
    ] {
        match client().send(request.clone(), PATIENCE).await {
            Err(Cause::Ours(why)) => assert!(!why.contains("hunter22"), "{why}"),
            other => panic!("{request:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_body_may_be_read_as_it_comes() {
    let address = serve(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n").await;
        std::future::pending::<()>().await;
    })
    .await;
    let mut opening = client().open(get(address), PATIENCE).await.expect("a head");
    assert_eq!(opening.status, 200);
    assert_eq!(opening.body.chunk().await.expect("a chunk").as_deref(), Some(b"ab".as_slice()));
}

/// A listener that answers plain and TLS with the `Host` it was asked for.
async fn rehearsal() -> Network {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).expect("a key");
    let server = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .expect("a server");
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    async fn echo(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
        let mut head = Vec::new();
        while !head.windows(4).any(|four| four == b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
        let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{host}", host.len());
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut first = [0];
            let _ = stream.peek(&mut first).await;
            match first {
                [22] => match acceptor.accept(stream).await {
                    Ok(stream) => echo(stream).await,
                    Err(_) => continue,
                },
                _ => echo(stream).await,
            }
        }
    });
    Network::Loopback { address, certificate_pem: certified.cert.pem() }
}

#[tokio::test]
async fn in_a_rehearsal_every_host_and_port_is_the_one_listener() {
    let client = Client::new(&rehearsal().await, Limits::default()).expect("a client");
    for (url, host) in [
        ("http://api.example.com/x", "api.example.com"),
        ("https://api.example.com/x", "api.example.com"),
        ("https://api.example.com:8443/x", "api.example.com:8443"),
        ("http://10.9.8.7:1/x", "10.9.8.7:1"),
        ("https://[2001:db8::1]:9/x", "[2001:db8::1]:9"),
        ("https://localhost:3000/", "localhost:3000"),
    ] {
        let request = Request { method: "GET".into(), url: url.into(), ..Request::default() };
        let answer = client.send(request, PATIENCE).await.unwrap_or_else(|cause| panic!("{url}: {cause:?}"));
        assert_eq!(String::from_utf8_lossy(&answer.body), host, "{url}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_is_not_trusted_in_a_rehearsal() {
    let (one, other) = (rehearsal().await, rehearsal().await);
    let (Network::Loopback { address, .. }, Network::Loopback { certificate_pem, .. }) = (one, other) else {
        panic!("loopback")
    };
    let client = Client::new(&Network::Loopback { address, certificate_pem }, Limits::default()).expect("a client");
    let request = Request { method: "GET".into(), url: "https://a.example/".into(), ..Request::default() };
    assert!(matches!(client.send(request, PATIENCE).await, Err(Cause::Tls(_))));
}

#[tokio::test]
async fn no_more_connections_are_opened_at_once_than_allowed() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tower_layer::Layer as _;
    use tower_service::Service as _;

    #[derive(Clone)]
    struct Connector(Arc<(AtomicUsize, AtomicUsize)>);
    impl tower_service::Service<()> for Connector {
        type Response = ();
        type Error = std::convert::Infallible;
        type Future = std::pin::Pin<Box<dyn Future<Output = Result<(), Self::Error>> + Send>>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, (): ()) -> Self::Future {
            let counts = self.0.clone();
            Box::pin(async move {
                let now = counts.0.fetch_add(1, Ordering::SeqCst) + 1;
                counts.1.fetch_max(now, Ordering::SeqCst);
                tokio::task::yield_now().await;
                counts.0.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            })
        }
    }
    let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let ramped = super::ramp::Ramp::new(3).layer(Connector(counts.clone()));
    let calls = (0..20).map(|_| ramped.clone().call(()));
    futures_util::future::join_all(calls).await;
    assert_eq!(counts.1.load(Ordering::SeqCst), 3);
}

/// A resolver that never says anything.
struct Hung;

impl Resolve for Hung {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(std::future::pending())
    }
}

fn hanging(connects: usize) -> Client {
    let limits = Limits { connects, ..Limits::default() };
    Client::resolving(&Network::Outside, limits, Arc::new(Hung)).expect("a client")
}

fn named(url: &str) -> Request {
    Request { method: "GET".into(), url: url.into(), ..Request::default() }
}

#[tokio::test]
async fn a_resolver_that_hangs_is_no_target_that_does() {
    let seen = hanging(64).send(named("http://dead.test/"), Duration::from_millis(80)).await;
    assert_eq!(seen.expect_err("nothing"), Cause::NotResolved);
    let seen = hanging(64).open(named("http://dead.test/"), Duration::from_millis(80)).await;
    assert_eq!(seen.expect_err("nothing"), Cause::NotResolved);
}

#[tokio::test]
async fn a_place_that_swallows_connections_holds_up_no_other_and_a_wait_for_it_is_ours() {
    let client = hanging(1);
    let first = client.send(named("http://dead.test/"), PATIENCE);
    let others = async {
        let second = client.send(named("http://dead.test/"), Duration::from_millis(80)).await;
        assert!(matches!(second, Err(Cause::Ours(_))), "{second:?}");
        let address = says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(client.send(get(address), PATIENCE).await.expect("an answer").status, 200);
    };
    tokio::select! {
        biased;
        first = first => panic!("it hangs: {first:?}"),
        () = others => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_the_ramp_is_not_the_target_s_time() {
    let progress = Progress::new("a.test:80".into());
    let waits = async |waited: u64, asked: u64| {
        progress.enter(Phase::Waiting(Instant::now()));
        tokio::time::sleep(Duration::from_secs(waited)).await;
        progress.enter(Phase::Under);
        tokio::time::sleep(Duration::from_secs(asked)).await;
        Ok(())
    };
    assert_eq!(progress.within(Duration::from_secs(5), waits(4, 4)).await, Ok(()));
    assert_eq!(progress.waited(), Duration::from_secs(4));
    assert_eq!(progress.within(Duration::from_secs(5), waits(0, 60)).await, Err(Cause::TimedOut));
    let late = progress.within(Duration::from_secs(5), waits(6, 0)).await;
    assert!(matches!(late, Err(Cause::Ours(_))), "{late:?}");
}
