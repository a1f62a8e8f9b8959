//! One connection that can be broken off in the middle: with a reset instead of a clean end, and
//! after so many bytes more.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// No end is set.
const WHOLE: usize = usize::MAX;

/// Breaks a [`Line`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Scissors {
    left: Arc<AtomicUsize>,
}

/// A TCP connection under scissors.
#[derive(Debug)]
pub struct Line {
    tcp: TcpStream,
    left: Arc<AtomicUsize>,
}

impl Scissors {
    /// After `bytes` more, nothing is sent; when the connection is dropped, it is reset.
    pub fn cut_after(&self, bytes: usize) {
        self.left.store(bytes, Ordering::SeqCst);
    }
}

impl Line {
    #[must_use]
    pub fn new(tcp: TcpStream) -> (Self, Scissors) {
        let left = Arc::new(AtomicUsize::new(WHOLE));
        (Self { tcp, left: Arc::clone(&left) }, Scissors { left })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.left.load(Ordering::SeqCst) != WHOLE {
            // Where the system refuses, the connection ends cleanly, which a client tells as closed early.
            let _ = self.tcp.set_zero_linger();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.left.load(Ordering::SeqCst);
        if left == WHOLE {
            return Pin::new(&mut self.tcp).poll_write(cx, buf);
        }
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let written = Pin::new(&mut self.tcp).poll_write(cx, &buf[..buf.len().min(left)]);
        if let Poll::Ready(Ok(written)) = &written {
            self.left.store(left - written, Ordering::SeqCst);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.left.load(Ordering::SeqCst) != WHOLE {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
