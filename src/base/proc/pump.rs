//! Bytes between the command and its files: outputs through the redactor as they come, standard input
//! as the command takes it. Memory is one buffer a pipe; nobody who reads the files can slow it down.

use std::fs::File;
use std::future::pending;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use sha2::{Digest as _, Sha256};
use tokio::net::unix::pipe::{Receiver, Sender};

use crate::base::secret::{Redacting, Redactor};
use crate::base::text::hex;

const CHUNK: usize = 64 * 1024;
/// Chunks moved before the shim looks at its signals and clocks again.
const CHUNKS_A_TURN: usize = 16;

/// One output of the command on its way to its file.
#[derive(Debug)]
pub struct Output {
    pipe: Option<Receiver>,
    file: File,
    redacting: Option<Redacting>,
    buffer: Vec<u8>,
    hash: Sha256,
    /// Bytes in the file.
    pub written: u64,
    /// Bytes the disk refused.
    pub lost: u64,
}

/// Standard input, fed as it is taken.
#[derive(Debug)]
pub struct Input {
    pipe: Option<Sender>,
    left: Vec<u8>,
    at: usize,
}

impl Output {
    /// `redactor` is none where there is nothing to remove.
    pub fn new(pipe: OwnedFd, file: File, redactor: Option<&Redactor>) -> io::Result<Self> {
        let redacting = redactor.map(Redactor::stream);
        let pipe = Some(Receiver::from_owned_fd(pipe)?);
        Ok(Self { pipe, file, redacting, buffer: vec![0; CHUNK], hash: Sha256::new(), written: 0, lost: 0 })
    }

    pub fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// The SHA-256 of the file; none where the disk refused some of it, and nobody knows how much.
    pub fn sha256(&self) -> Option<String> {
        (self.lost == 0).then(|| hex(&self.hash.clone().finalize()))
    }

    /// Moves what is there; waits where nothing is, for ever once the pipe is closed. Cancel-safe.
    pub async fn turn(&mut self) {
        let Some(pipe) = &self.pipe else { return pending().await };
        if pipe.readable().await.is_err() {
            return self.close();
        }
        for _ in 0..CHUNKS_A_TURN {
            let Some(pipe) = &self.pipe else { return };
            match pipe.try_read(&mut self.buffer) {
                Ok(0) => return self.close(),
                Ok(read) => self.keep(read),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.close(),
            }
        }
    }

    /// Writes what the redactor held back, and reads no more.
    pub fn close(&mut self) {
        self.pipe = None;
        if let Some(redacting) = self.redacting.take() {
            let tail = redacting.finish();
            self.write(&tail);
        }
    }

    fn keep(&mut self, read: usize) {
        match &mut self.redacting {
            Some(redacting) => {
                let shown = redacting.feed(&self.buffer[..read]);
                self.write(&shown);
            }
            None => {
                let buffer = std::mem::take(&mut self.buffer);
                self.write(&buffer[..read]);
                self.buffer = buffer;
            }
        }
    }

    /// A disk that refuses must not block the command: what it refuses is counted.
    fn write(&mut self, bytes: &[u8]) {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.hash.update(bytes);
                self.written += bytes.len() as u64;
            }
            Err(_) => self.lost += bytes.len() as u64,
        }
    }
}

impl Input {
    pub fn new(pipe: Option<OwnedFd>, text: Option<String>) -> io::Result<Self> {
        let pipe = pipe.map(Sender::from_owned_fd).transpose()?;
        Ok(Self { pipe, left: text.unwrap_or_default().into_bytes(), at: 0 })
    }

    /// Feeds what is taken; waits for ever once all is fed or the command stopped reading. Cancel-safe.
    pub async fn turn(&mut self) {
        let Some(pipe) = &self.pipe else { return pending().await };
        if self.at < self.left.len() && pipe.writable().await.is_ok() {
            match pipe.try_write(&self.left[self.at..]) {
                Ok(taken) => self.at += taken,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.at = self.left.len(),
            }
        }
        if self.at >= self.left.len() {
            self.pipe = None;
            self.left = Vec::new();
        }
    }
}
