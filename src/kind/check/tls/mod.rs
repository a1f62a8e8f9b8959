//! The `tls` check: one TLS endpoint. How long its certificate lasts, which names it covers, whether its chain
//! is trusted, and which versions of the protocol it accepts and refuses. It reads the certificate also where
//! nothing trusts it, and speaks no HTTP. It goes to the endpoint itself, past any proxy.

mod address;
mod certificate;
mod derive;
mod handshake;
mod hello;
mod judge;
mod look;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{Answered, Check, Context, Ran, Seen};
use crate::base::jq::Jq;
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::kind::Kind;
use crate::launch::verdict::Report;

/// The table of a `tls` check.
#[derive(Debug, Clone)]
pub struct Tls {
    /// A name, an IP address, or an https address whose host and port are taken.
    host: Template,
    /// Over the port of `host`; 443 where neither says one.
    port: Option<u16>,
    /// The name that is asked for, where it is not `host`.
    server_name: Option<Template>,
    /// Names that the certificate must cover besides the one asked for.
    names: Vec<Template>,
    /// Less than this left is a warning.
    warn: Duration,
    /// Less than this left is a fail.
    fail: Duration,
    /// A PEM file whose certificates are trusted instead of the system's.
    ca: Option<Template>,
    /// Versions that must be accepted.
    offer: Vec<Version>,
    /// Versions that must be refused.
    refuse: Vec<Version>,
}

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V10,
    V11,
    V12,
    V13,
}

impl Version {
    const ALL: [(&'static str, Self); 4] =
        [("1.0", Self::V10), ("1.1", Self::V11), ("1.2", Self::V12), ("1.3", Self::V13)];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, version)| *version == self).map_or("", |(word, _)| *word)
    }
}

impl Check for Tls {
    const KIND: Kind = Kind {
        name: "tls",
        family: "check",
        line: "looks at an endpoint's certificate (days left, names, chain) and at the TLS versions it accepts and \
               refuses",
        example: concat!(
            "host = \"api.example.com\"\n",
            "names = [\"www.example.com\"]\n",
            "offer = [\"1.3\"]\n",
            "refuse = [\"1.0\", \"1.1\"]\n",
        ),
    };
    const WIRE: bool = false;
    const TOLD: &'static [&'static str] = &["json", "body"];

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        judge::words(self, scope)
    }

    async fn run(&self, cx: &Context) -> Ran {
        look::look(self, cx).await
    }

    async fn judge(&self, seen: &Seen, scope: &Scope, _jq: &Jq) -> Report {
        judge::report(self, seen, scope)
    }

    fn derive(&self, scope: &Scope) -> Result<Answered, String> {
        derive::good(self, scope)
    }

    fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        derive::seen(self, example, scope)
    }
}
