//! The `dns` check: the records of one name and type, as each resolver of a list tells them, compared with what
//! the plan expects and with each other. Every question goes out anew: no cache, no hosts file, no search domain,
//! no name that is answered without asking. A resolver that keeps silent proves nothing.

mod ask;
mod derive;
mod judge;
mod look;
mod read;
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

/// The table of a `dns` check.
#[derive(Debug, Clone)]
pub struct Dns {
    /// Whole, with or without its last dot: no search domain is tried.
    name: Template,
    kind: Type,
    /// IP addresses, with a port where it is not 53; empty is the system's.
    resolvers: Vec<Template>,
    /// False where resolvers may differ: a name that is answered by place.
    agree: bool,
    expect: Expect,
}

/// What the records must be. What is not written is not looked at, but for there being any.
#[derive(Debug, Clone, Default)]
struct Expect {
    /// These and no others, in any order.
    equals: Vec<Template>,
    /// These, and others may be there.
    contains: Vec<Template>,
    /// There are none, and a resolver says so.
    absent: bool,
    ttl_max: Option<Duration>,
}

/// A type of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    A,
    Aaaa,
    Cname,
    Txt,
    Caa,
    Mx,
    Ns,
}

impl Type {
    const ALL: [(&'static str, Self); 7] = [
        ("A", Self::A),
        ("AAAA", Self::Aaaa),
        ("CNAME", Self::Cname),
        ("TXT", Self::Txt),
        ("CAA", Self::Caa),
        ("MX", Self::Mx),
        ("NS", Self::Ns),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| *word)
    }
}

impl Check for Dns {
    const KIND: Kind = Kind {
        name: "dns",
        family: "check",
        line: "asks resolvers for a name's records (A, AAAA, CNAME, TXT, CAA, MX, NS) and compares them with what is \
               expected and with each other",
        example: concat!(
            "name = \"api.example.com\"\n",
            "type = \"A\"\n",
            "resolvers = [\"1.1.1.1\", \"9.9.9.9\"]\n",
            "expect = { equals = [\"203.0.113.10\"], ttl_max = \"5m\" }\n",
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
