//! Looks at every record of a chain and goes on after a break, to tell all that is wrong with it as far
//! as that can be told apart. It reads no file and knows no event.
//!
//! A record is proven by the hash of the one before it, so that a break leaves the next one unproven at
//! most: it is named as such, never called sound.

use super::chain::{Hash, Head, Link};
use super::finding::{Finding, Span};

/// More is not told.
const MOST: usize = 1_000;

/// What a record's bytes hold.
pub trait Content: Sized {
    /// # Errors
    /// The bytes are none.
    fn read(bytes: &[u8]) -> Result<Self, Unread>;

    /// The place it says it has.
    fn seq(&self) -> u64;
}

/// Why bytes were not read; each a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// By a newer tminus, it seems.
    Newer(String),
    Not(String),
}

/// A chain that is being looked at, record by record in the order they are kept.
#[derive(Debug)]
pub struct Audit {
    synced: Option<Head>,
    /// The last place that was reached.
    at: u64,
    base: Base,
    /// The record at `at` says that it is another.
    astray: bool,
    strays: Vec<Stray>,
    /// What stands at the place whose hash was synced.
    vouched: Option<Hash>,
    told: Told,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// How many records there are, sound or not.
    pub count: u64,
    pub first: Option<Head>,
    /// The last one in its place.
    pub last: Head,
    /// In the order of their records.
    pub findings: Vec<Finding>,
    /// Sound as far as hashes say, and for a newer tminus to read.
    pub newer: Vec<(u64, String)>,
    /// The record before each is not as it was written, so nothing proves their bytes.
    pub unproven: Vec<Span>,
}

/// What the next record's hash is taken over.
#[derive(Debug, Clone, Copy)]
enum Base {
    Known(Hash),
    /// Of a record that is not sound: the one beside it, or that of its bytes. The next record tells which.
    Either {
        stored: Hash,
        computed: Hash,
    },
    /// Of a record that nothing proves.
    Unproven(Hash),
    Unknown,
}

/// How a record stands to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Sound,
    /// Its hash would have to be this one.
    Unsound(Hash),
    Unproven,
}

#[derive(Debug)]
struct Stray {
    place: u64,
    says: u64,
    /// The hash beside it is what the next one follows: only its bytes are others.
    stands: bool,
}

impl Audit {
    /// An audit that also holds the chain against the head that was synced.
    #[must_use]
    pub fn new(synced: Option<Head>) -> Self {
        let base = Base::Known(Hash::default());
        Self { synced, at: 0, base, astray: false, strays: Vec::new(), vouched: None, told: Told::default() }
    }

    /// Takes the next record; what it holds goes to `each` unless it is known to be another than was
    /// written. False where so much is wrong that no more is told.
    pub fn take<C: Content>(&mut self, link: &Link, each: &mut dyn FnMut(C)) -> bool {
        if self.told.findings.len() + self.strays.len() + self.told.unproven.len() >= MOST {
            self.told.findings.push(Finding::TooMany);
            return false;
        }
        self.told.count += 1;
        let (place, before) = (link.seq, self.at);
        if place <= before {
            self.behind(place);
            return true;
        }
        let content = C::read(&link.bytes);
        let says = content.as_ref().map_or(place, Content::seq);
        if place > before + 1 {
            if says != place {
                // One that was moved here: the places it skips were never taken.
                self.strays.push(Stray { place, says, stands: false });
                return true;
            }
            self.close(false);
            self.told.findings.push(Finding::Missing(Span { from: before + 1, to: place - 1 }));
            self.base = Base::Unknown;
        }
        let standing = self.stand(place, says != place, link);
        self.base = match standing {
            Standing::Sound => Base::Known(link.hash),
            Standing::Unsound(computed) => Base::Either { stored: link.hash, computed },
            Standing::Unproven => Base::Unproven(link.hash),
        };
        if says != place {
            self.strays.push(Stray { place, says, stands: false });
        } else if !matches!(standing, Standing::Unsound(_)) {
            match content {
                Ok(content) => each(content),
                Err(Unread::Newer(why)) => self.told.newer.push((place, why)),
                Err(Unread::Not(why)) => self.told.findings.push(Finding::Unreadable { seq: place, why }),
            }
        }
        (self.at, self.astray) = (place, says != place);
        self.told.last = Head { seq: place, hash: link.hash };
        self.told.first.get_or_insert(self.told.last);
        if self.synced.is_some_and(|synced| synced.seq == place) {
            self.vouched = Some(link.hash);
        }
        true
    }

    /// The records end here.
    #[must_use]
    pub fn end(mut self) -> Told {
        self.close(true);
        self.settle_strays();
        let (at, Self { synced, vouched, mut told, .. }) = (self.at, self);
        let named = |seq| told.findings.iter().filter_map(Finding::records).any(|span| span.holds(seq));
        let unproven = |seq| told.unproven.iter().any(|span| span.holds(seq));
        let wrong = match synced {
            Some(synced) if synced.seq > at => Some(Finding::TailCut { last: at, head: synced.seq }),
            Some(Head { seq, hash }) if vouched.is_some_and(|found| found != hash) && !named(seq) && !unproven(seq) => {
                Some(Finding::Rewritten(seq))
            }
            _ => None,
        };
        told.findings.extend(wrong);
        told.findings.sort_by_key(|finding| finding.records().map_or(u64::MAX, |span| span.from));
        told.findings.dedup_by(|next, known| known.joins(next));
        told
    }

    /// Kept behind a record that follows it, or once more.
    fn behind(&mut self, place: u64) {
        let missing = |finding: &Finding| matches!(finding, Finding::Missing(span) if span.holds(place));
        let finding = match self.told.findings.iter().position(missing) {
            _ if place == 0 => Finding::NoPlace,
            None => Finding::Twice(place),
            Some(gap) => {
                if let Finding::Missing(Span { from, to }) = self.told.findings.remove(gap) {
                    let left = [(from, place - 1), (place + 1, to)].map(|(from, to)| Span { from, to });
                    let left = left.into_iter().filter(|span| span.from <= span.to);
                    self.told.findings.extend(left.map(Finding::Missing));
                }
                Finding::OutOfOrder { seq: place, after: self.at }
            }
        };
        self.told.findings.push(finding);
    }

    fn stand(&mut self, place: u64, astray: bool, link: &Link) -> Standing {
        match self.base {
            Base::Known(hash) => match hash.then(&link.bytes) {
                computed if computed == link.hash => return Standing::Sound,
                computed => return Standing::Unsound(computed),
            },
            Base::Either { stored, .. } if stored.then(&link.bytes) == link.hash => {
                // Two that moved together follow each other as before.
                self.altered(!astray);
                return Standing::Sound;
            }
            Base::Either { computed, .. } if computed.then(&link.bytes) == link.hash => {
                if !self.astray {
                    self.told.findings.push(Finding::HashAltered(Span::one(self.at)));
                }
                return Standing::Sound;
            }
            Base::Either { .. } => self.altered(false),
            Base::Unproven(hash) if hash.then(&link.bytes) == link.hash => return Standing::Sound,
            Base::Unproven(_) if !self.astray => self.told.findings.push(Finding::Unlinked(place)),
            Base::Unproven(_) | Base::Unknown => {}
        }
        match self.told.unproven.last_mut() {
            Some(span) if span.to + 1 == place => span.to = place,
            _ => self.told.unproven.push(Span::one(place)),
        }
        Standing::Unproven
    }

    /// The record at `at` is not the one that was written, by its bytes alone where its hash `stands`.
    fn altered(&mut self, stands: bool) {
        match self.strays.last_mut().filter(|_| self.astray) {
            Some(stray) => stray.stands = stands,
            None => self.told.findings.push(Finding::Altered(Span::one(self.at))),
        }
    }

    /// No record follows the one at `at`: what can be said of it without one.
    fn close(&mut self, last: bool) {
        let (at, Base::Either { computed, .. }) = (self.at, self.base) else { return };
        match self.synced {
            _ if self.astray => {}
            Some(synced) if synced.seq == at && synced.hash == computed => {
                self.told.findings.push(Finding::HashAltered(Span::one(at)));
            }
            Some(synced) if last && synced.seq < at => self.told.findings.push(Finding::Torn(at)),
            _ => self.altered(false),
        }
    }

    fn settle_strays(&mut self) {
        let strays = std::mem::take(&mut self.strays);
        let pairs = |one: &Stray| strays.iter().any(|other| (other.place, other.says) == (one.says, one.place));
        self.told.findings.extend(strays.iter().filter_map(|stray| match stray {
            Stray { place, says, .. } if pairs(stray) => (place < says).then_some(Finding::Swapped(*place, *says)),
            // Where nothing else says that it is another record, its bytes were altered where they say so.
            Stray { place, stands: true, .. } => Some(Finding::Altered(Span::one(*place))),
            Stray { place, says, .. } => Some(Finding::Strayed { places: Span::one(*place), says: *says }),
        }));
    }
}
