//! A server on loopback that does one thing to every connection, after it read the request's head.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is done.
#[derive(Debug, Clone)]
pub enum Act {
    /// These bytes at once, and the connection is closed.
    Says(Vec<u8>),
    /// The same, each byte a packet of its own.
    Split(Vec<u8>),
    /// These bytes, and nothing more: the connection stays open.
    Stalls(Vec<u8>),
    /// These bytes, and a reset.
    Resets(Vec<u8>),
    /// The first bytes, then the second for as long as somebody takes them.
    Floods(Vec<u8>, Vec<u8>),
    /// The first bytes, then one `x` at a time, each late.
    Drips(Vec<u8>),
}

/// Starts one; answers its address.
pub async fn start(act: Act) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, act.clone()));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, act: Act) {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    // That the client is gone is what some of them are for.
    let _ = acted(&mut stream, act).await;
}

async fn acted(stream: &mut TcpStream, act: Act) -> std::io::Result<()> {
    match act {
        Act::Says(bytes) => {
            stream.write_all(&bytes).await?;
            closed(stream).await
        }
        Act::Split(bytes) => {
            stream.set_nodelay(true)?;
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::task::yield_now().await;
            }
            closed(stream).await
        }
        Act::Stalls(bytes) => {
            stream.write_all(&bytes).await?;
            until_gone(stream).await
        }
        Act::Resets(bytes) => {
            stream.write_all(&bytes).await?;
            stream.set_zero_linger()
        }
        Act::Floods(bytes, more) => {
            stream.write_all(&bytes).await?;
            loop {
                stream.write_all(&more).await?;
            }
        }
        Act::Drips(bytes) => {
            stream.write_all(&bytes).await?;
            let mut late = tokio::time::interval(Duration::from_millis(50));
            loop {
                late.tick().await;
                stream.write_all(b"x").await?;
            }
        }
    }
}

async fn closed(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.shutdown().await?;
    // Read on, so that the close is no reset.
    until_gone(stream).await
}

async fn until_gone(stream: &mut TcpStream) -> std::io::Result<()> {
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}

/// A gzip stream that unpacks to `mebibytes` of `x`: one literal and matches of 258 bytes one byte back, 13
/// bits each (RFC 1951, 3.2.6). Its checksum is not written: nobody is to get that far.
pub fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut bits = Bits::default();
    // The last block, fixed codes; then `x` is 0x30 + 120 in eight bits.
    bits.low_first(0b011, 3);
    bits.high_first(0x30 + 120, 8);
    for _ in 0..mebibytes * (1 << 20) / 258 {
        bits.high_first(0b1100_0101, 8);
        bits.high_first(0, 5);
    }
    bits.high_first(0, 7);
    packed.extend(bits.whole());
    packed
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn low_first(&mut self, value: u32, width: u32) {
        self.held |= value << self.count;
        self.count += width;
        while self.count >= 8 {
            self.bytes.push((self.held & 0xff) as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    fn high_first(&mut self, value: u32, width: u32) {
        (0..width).rev().for_each(|bit| self.low_first((value >> bit) & 1, 1));
    }

    fn whole(mut self) -> Vec<u8> {
        self.low_first(0, (8 - self.count) % 8);
        self.bytes
    }
}
