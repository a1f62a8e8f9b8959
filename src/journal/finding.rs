//! What an audit of a chain can find, each as a sentence that names the record.

use std::fmt;

/// Records `from` to `to`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: u64,
    pub to: u64,
}

/// One thing that is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Their bytes are not those that were hashed. A single altered record cannot be told from one before it
    /// that was altered together with its hash.
    Altered(Span),
    /// Their bytes are as they were hashed, the hashes beside them are not.
    HashAltered(Span),
    Missing(Span),
    Swapped(u64, u64),
    /// The records at these places say that they are others: `says` and those that follow it.
    Strayed {
        places: Span,
        says: u64,
    },
    /// Kept behind one that follows it.
    OutOfOrder {
        seq: u64,
        after: u64,
    },
    Twice(u64),
    /// At a place that no record has.
    NoPlace,
    /// After one that could not be proven itself.
    Unlinked(u64),
    Unreadable {
        seq: u64,
        why: String,
    },
    /// The head file vouches for records behind the last.
    TailCut {
        last: u64,
        head: u64,
    },
    /// The last one, which no head vouches for: the next console cuts it off.
    Torn(u64),
    /// The chain is whole, and not the one whose head was synced.
    Rewritten(u64),
    /// So much is wrong that the rest was not read.
    TooMany,
}

impl Span {
    #[must_use]
    pub fn one(seq: u64) -> Self {
        Self { from: seq, to: seq }
    }

    #[must_use]
    pub fn holds(self, seq: u64) -> bool {
        (self.from..=self.to).contains(&seq)
    }

    /// As words, with its verb for one and for many.
    #[must_use]
    pub fn with(self, one: &str, many: &str) -> String {
        match self {
            Self { from, to } if from == to => format!("record {from} {one}"),
            Self { from, to } if from + 1 == to => format!("records {from} and {to} {many}"),
            Self { from, to } => format!("records {from} to {to} {many}"),
        }
    }
}

impl Finding {
    /// The records it is about, for machines; none where it is about no single one.
    #[must_use]
    pub fn records(&self) -> Option<Span> {
        Some(match self {
            Self::Altered(span) | Self::HashAltered(span) | Self::Missing(span) => *span,
            Self::Strayed { places, .. } => *places,
            Self::Swapped(from, to) => Span { from: *from, to: *to },
            Self::OutOfOrder { seq, .. } | Self::Unreadable { seq, .. } => Span::one(*seq),
            Self::Twice(seq) | Self::Unlinked(seq) | Self::Torn(seq) | Self::Rewritten(seq) => Span::one(*seq),
            Self::TailCut { last, head } => Span { from: last + 1, to: *head },
            Self::NoPlace | Self::TooMany => return None,
        })
    }

    /// Takes in `next` where both are one thing told of neighbours.
    pub(super) fn joins(&mut self, next: &Self) -> bool {
        let follows = |span: &Span, next: &Span| next.from == span.to.saturating_add(1);
        match (self, next) {
            (Self::Altered(span), Self::Altered(more))
            | (Self::HashAltered(span), Self::HashAltered(more))
            | (Self::Missing(span), Self::Missing(more))
                if follows(span, more) =>
            {
                span.to = more.to;
                true
            }
            (Self::Strayed { places, says }, Self::Strayed { places: more, says: next })
                if follows(places, more) && says.wrapping_add(more.from - places.from) == *next =>
            {
                places.to = more.to;
                true
            }
            _ => false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered(Span { from, to }) if from == to && *from > 1 => {
                write!(f, "record {from} was altered (or record {} was, and its hash made anew)", from - 1)
            }
            Self::Altered(span) => f.write_str(&span.with("was altered", "were altered")),
            Self::HashAltered(span) => f.write_str(&span.with(
                "has another hash beside it than that of its bytes, which are as they were written",
                "have other hashes beside them than those of their bytes, which are as they were written",
            )),
            Self::Missing(span) => f.write_str(&span.with("is missing", "are missing")),
            Self::Swapped(first, second) => write!(f, "records {first} and {second} changed places"),
            Self::Strayed { places: Span { from, to }, says } if from == to => {
                write!(f, "the record at place {from} says that it is record {says}")
            }
            Self::Strayed { places: Span { from, to }, says } => {
                let last = says.wrapping_add(to - from);
                write!(f, "the records at places {from} to {to} say that they are records {says} to {last}")
            }
            Self::OutOfOrder { seq, after } => write!(f, "record {seq} stands behind record {after}"),
            Self::Twice(seq) => write!(f, "record {seq} is there twice"),
            Self::NoPlace => f.write_str("there is a record at a place that no record has"),
            Self::Unlinked(seq) => {
                write!(f, "record {seq} does not follow record {}: one of the two was altered", seq - 1)
            }
            Self::Unreadable { seq, why } => write!(f, "record {seq} cannot be read: {why}"),
            Self::TailCut { last, head } => match last {
                0 => write!(f, "every record was cut off: the head says {head}"),
                last => write!(f, "the tail after record {last} was cut: the head says {head}"),
            },
            Self::Torn(seq) => {
                write!(
                    f,
                    "record {seq}, the last, is damaged, and the head file had not confirmed it: whether something "
                )?;
                f.write_str("was done on its strength cannot be told, and the next console cuts it off")
            }
            Self::Rewritten(seq) => {
                write!(f, "the chain up to record {seq} was made anew: the head file holds another hash of that record")
            }
            Self::TooMany => f.write_str("more is wrong than is told: the rest was not read"),
        }
    }
}
