//! HTTP and server-sent events as bytes on the wire: requests out, answers or a closed set of causes
//! in. It judges nothing.

mod cause;
mod client;
#[cfg(test)]
mod client_tests;
mod phase;
mod ramp;
pub mod sse;
mod way;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use client::{Body, Client, Opening};
pub use way::{Identity, Version, Way};

/// Why there is no answer, or none that may be used. Closed: a verdict is made from it in one table
/// (`launch::verdict`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The name did not resolve: ours or the target's fault, the control probe tells.
    NotResolved,
    /// No route or network to the host.
    NoRoute,
    Refused,
    Reset,
    /// No answer within the item's timeout.
    TimedOut,
    /// The connection closed before the answer was whole.
    ClosedEarly,
    /// TLS did not come up, with the library's reason.
    Tls(String),
    /// More than the header limit: 100 headers, or about 400 KiB of them.
    HeadTooLarge,
    /// More than the body limit, in bytes.
    BodyTooLarge {
        limit: u64,
    },
    /// The answer breaks the protocol.
    Malformed(String),
    /// We gave up ourselves: cancel or fence.
    Cancelled,
    /// Something of ours failed: file descriptors, a URL that does not parse, a missing value.
    Ours(String),
}

/// One request, whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Bytes>,
}

/// One answer, whole; the body is at most the client's limit.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
    /// From the start of the request, connecting included, to the last byte received; without the wait
    /// for our own limit on connecting.
    pub took: Duration,
    /// By which protocol it came.
    pub version: http::Version,
}

impl Cause {
    /// A sentence's end: "the connection was refused".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::NotResolved => "the name did not resolve".into(),
            Self::NoRoute => "no route to the host".into(),
            Self::Refused => "connection refused".into(),
            Self::Reset => "connection reset".into(),
            Self::TimedOut => "no answer in time".into(),
            Self::ClosedEarly => "the connection closed before the answer was whole".into(),
            Self::Tls(why) => format!("TLS failed: {why}"),
            Self::HeadTooLarge => "more headers than the limit allows".into(),
            Self::BodyTooLarge { limit } => format!("a body of more than {}", size_words(*limit)),
            Self::Malformed(why) => format!("the answer breaks the protocol: {why}"),
            Self::Cancelled => "cancelled".into(),
            Self::Ours(why) => why.clone(),
        }
    }

    /// Whether the request may have reached whoever acts on it.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Refused | Self::NotResolved | Self::NoRoute | Self::Ours(_) => false,
            // Our own refusal of their certificate comes before the request; an alert of theirs may come after it.
            Self::Tls(why) => !why.starts_with("invalid peer certificate"),
            Self::Cancelled
            | Self::Reset
            | Self::TimedOut
            | Self::ClosedEarly
            | Self::HeadTooLarge
            | Self::BodyTooLarge { .. }
            | Self::Malformed(_) => true,
        }
    }
}

/// `8 MiB`, `1500 bytes`.
#[must_use]
pub fn size_words(bytes: u64) -> String {
    match bytes {
        whole if whole > 0 && whole.trailing_zeros() >= 20 => format!("{} MiB", whole >> 20),
        whole if whole > 0 && whole.trailing_zeros() >= 10 => format!("{} KiB", whole >> 10),
        other => format!("{other} bytes"),
    }
}

/// Where connections go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// The real one.
    Outside,
    /// Every host of the plan is this one listener, plain and TLS: a rehearsal's.
    Loopback { address: std::net::SocketAddr, certificate_pem: String },
}

/// What an answer may cost us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body that are kept.
    pub body: u64,
    /// Connections to one place opened at one moment.
    pub connects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 8 << 20, connects: 64 }
    }
}
