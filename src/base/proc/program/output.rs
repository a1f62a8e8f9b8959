//! What is kept of a program's outputs: the beginning of one, the end of another, or lines as they come.
//! Memory is bounded by what is kept and one buffer a pipe.

use std::collections::VecDeque;
use std::future::pending;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::mpsc::Sender;

use super::{Channel, Line, STDERR_KEPT};

const CHUNK: usize = 64 << 10;
/// Bytes of one line that are kept.
const LONGEST_LINE: usize = 16 << 10;

/// One output that is being read.
#[derive(Debug)]
pub struct Pipe<R> {
    pipe: Option<R>,
    buffer: Vec<u8>,
    /// Bytes read.
    pub read: u64,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    pub fn new(pipe: Option<R>) -> Self {
        Self { pipe, buffer: vec![0; CHUNK], read: 0 }
    }

    pub fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// What came; nothing at its end, and for ever nothing once it is closed. Cancel-safe.
    pub async fn turn(&mut self) -> &[u8] {
        let Some(pipe) = &mut self.pipe else { return pending().await };
        match pipe.read(&mut self.buffer).await {
            Ok(read @ 1..) => {
                self.read += read as u64;
                &self.buffer[..read]
            }
            Ok(0) | Err(_) => {
                self.pipe = None;
                &[]
            }
        }
    }
}

/// The end of an output.
#[derive(Debug, Default)]
pub struct Tail {
    kept: VecDeque<u8>,
}

impl Tail {
    pub fn take(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(STDERR_KEPT)..];
        let over = (self.kept.len() + bytes.len()).saturating_sub(STDERR_KEPT);
        self.kept.drain(..over);
        self.kept.extend(bytes);
    }

    pub fn bytes(self) -> Bytes {
        Vec::from(self.kept).into()
    }
}

/// Where an output goes.
#[derive(Debug)]
pub enum Sink {
    /// Its beginning, up to so many bytes.
    Head { kept: Vec<u8>, most: usize },
    /// Lines, to whoever follows.
    Lines(Lines),
}

#[derive(Debug)]
pub struct Lines {
    sender: Sender<Line>,
    waiting: VecDeque<Line>,
    partial: [Partial; 2],
}

#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    cut: bool,
}

impl Sink {
    pub fn head(most: usize) -> Self {
        Self::Head { kept: Vec::new(), most }
    }

    pub fn lines(sender: Sender<Line>) -> Self {
        Self::Lines(Lines { sender, waiting: VecDeque::new(), partial: Default::default() })
    }

    pub fn take(&mut self, from: Channel, bytes: &[u8]) {
        match self {
            Self::Head { kept, most } if from == Channel::Stdout => {
                let room = most.saturating_sub(kept.len()).min(bytes.len());
                kept.extend_from_slice(&bytes[..room]);
            }
            Self::Head { .. } => {}
            Self::Lines(lines) if lines.sender.is_closed() => lines.waiting.clear(),
            Self::Lines(lines) => lines.take(from, bytes),
        }
    }

    /// True where nothing more is to be read before its lines were taken.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Lines(lines) if !lines.waiting.is_empty() && !lines.sender.is_closed())
    }

    /// True where nobody follows any more.
    pub fn is_left(&self) -> bool {
        matches!(self, Self::Lines(lines) if lines.sender.is_closed())
    }

    /// Hands a line over once there is room; waits for ever where there is none to hand over, but for the
    /// follower to go. Cancel-safe.
    pub async fn turn(&mut self) {
        let Self::Lines(lines) = self else { return pending().await };
        if lines.waiting.is_empty() {
            return lines.sender.closed().await;
        }
        match lines.sender.reserve().await {
            Ok(room) => {
                if let Some(line) = lines.waiting.pop_front() {
                    room.send(line);
                }
            }
            Err(_) => lines.waiting.clear(),
        }
    }

    /// The end of the outputs: a last line needs no line break.
    pub fn finish(&mut self) {
        if let Self::Lines(lines) = self {
            for from in [Channel::Stdout, Channel::Stderr] {
                if !lines.partial[from as usize].bytes.is_empty() {
                    lines.line(from);
                }
            }
        }
    }

    pub fn kept(self) -> Bytes {
        match self {
            Self::Head { kept, .. } => kept.into(),
            Self::Lines(_) => Bytes::new(),
        }
    }
}

impl Lines {
    fn take(&mut self, from: Channel, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let partial = &mut self.partial[from as usize];
            let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            let room = LONGEST_LINE.saturating_sub(partial.bytes.len()).min(text.len());
            partial.bytes.extend_from_slice(&text[..room]);
            partial.cut |= room < text.len();
            if ends {
                self.line(from);
            }
        }
    }

    fn line(&mut self, from: Channel) {
        let Partial { bytes, cut } = std::mem::take(&mut self.partial[from as usize]);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(&bytes);
        self.waiting.push_back(Line { from, text: String::from_utf8_lossy(bytes).into_owned(), cut });
    }
}
