//! The bytes of samples on disk: pages of a signal's samples of one minute, each with its own check. A look is seven
//! bytes. What was altered or torn is found by its page's check; what was altered with care, by the journal's hash.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::launch::time::Instant;
use crate::launch::verdict::Verdict;
use crate::watch::point::{Point, Taken};

/// Milliseconds of a block.
pub(in crate::watch) const MINUTE: i64 = 60_000;
/// How every page begins: the form, and its version.
const MAGIC: [u8; 2] = [b't', 1];
/// Magic, minute, samples, samples that were not kept, bytes of the body, flags, check.
const HEAD: usize = 2 + 4 + 4 + 4 + 4 + 1 + CHECK;
/// Bytes of the hash of a page that stand in it.
const CHECK: usize = 8;
/// No page is larger.
pub(super) const LARGEST: usize = 1 << 20;
/// The page begins a block.
const FIRST: u8 = 1;

/// What a sample is, in the low bits of its first byte.
const NUMBER: u8 = 6;
const OF_MANY: u8 = 7;
const HISTOGRAM: u8 = 8;
const NOTHING: u8 = 9;
const INSTANCE: u8 = 10;
const BOUNDS: u8 = 11;
const WATCHED: u8 = 12;
/// What is said of it beside, in the high bits.
const GENERATED: u8 = 0x10;
const LAGS: u8 = 0x20;
const OWN: u8 = 0x40;
const LOOKS: [Verdict; 6] =
    [Verdict::Pass, Verdict::Fail, Verdict::Warn, Verdict::Skipped, Verdict::Unknown, Verdict::Stale];

/// A page that is being filled.
#[derive(Debug, Default)]
pub(in crate::watch) struct Page {
    /// Since the axis began.
    pub minute: i64,
    pub samples: u32,
    /// Samples that it has no room for.
    pub cut: u32,
    body: Vec<u8>,
    instances: HashMap<Arc<str>, u16>,
    bounds: Vec<Vec<f64>>,
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    /// A sample, and when it came.
    Sample(Point, Instant),
    /// Somebody watched.
    Watched(Instant, Instant),
}

/// A page as it was read.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    pub minute: i64,
    pub samples: u32,
    pub cut: u32,
    pub first: bool,
    pub entries: Vec<Entry>,
    /// Bytes of all of it.
    pub length: usize,
}

impl Page {
    pub fn new(minute: i64) -> Self {
        Self { minute, ..Self::default() }
    }

    /// Of what is not kept it is kept that it was.
    pub fn emptied(&self) -> Self {
        Self { minute: self.minute, cut: self.cut.saturating_add(self.samples), ..Self::default() }
    }

    /// Bytes of its samples.
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Takes a sample that came at `came`, in its minute.
    pub fn put(&mut self, point: &Point, came: Instant) {
        self.samples = self.samples.saturating_add(1);
        let lag = came.0.saturating_sub(point.at.0);
        let mut beside = if point.generated { GENERATED } else { 0 };
        if lag != 0 {
            beside |= LAGS;
        }
        match &point.taken {
            Taken::Look { verdict, took } => {
                let kind = LOOKS.iter().position(|known| known == verdict).unwrap_or(0);
                self.begin(u8::try_from(kind).unwrap_or(0) | beside, came, lag);
                let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
                self.body.extend(took.to_le_bytes());
            }
            Taken::Number { value, instance, samples } => {
                let own = instance.as_ref().map(|name| self.instance(name));
                let kind = if samples.is_some() { OF_MANY } else { NUMBER };
                self.begin(kind | beside | own.map_or(0, |_| OWN), came, lag);
                self.body.extend(own.iter().flat_map(|own| own.to_le_bytes()));
                self.body.extend(value.to_le_bytes());
                self.body.extend(samples.iter().flat_map(|samples| samples.to_le_bytes()));
            }
            Taken::Histogram { upto, instance } => {
                let own = instance.as_ref().map(|name| self.instance(name));
                let bounds = self.bounds(upto);
                self.begin(HISTOGRAM | beside | own.map_or(0, |_| OWN), came, lag);
                self.body.extend(own.iter().flat_map(|own| own.to_le_bytes()));
                self.body.extend(bounds.to_le_bytes());
                self.body.extend(upto.iter().flat_map(|(_, count)| count.to_le_bytes()));
            }
            Taken::Nothing => self.begin(NOTHING | beside, came, lag),
        }
    }

    /// Somebody watched from `from` to `until`, which is in its minute.
    pub fn watched(&mut self, from: Instant, until: Instant) {
        self.begin(WATCHED | LAGS, until, until.0.saturating_sub(from.0));
    }

    fn begin(&mut self, kind: u8, came: Instant, lag: i64) {
        self.body.push(kind);
        let within = came.0.saturating_sub(self.minute.saturating_mul(MINUTE)).clamp(0, MINUTE - 1);
        self.body.extend(u16::try_from(within).unwrap_or(0).to_le_bytes());
        if kind & LAGS != 0 {
            let most = i64::from(i32::MAX);
            self.body.extend(i32::try_from(lag.clamp(-most, most)).unwrap_or(0).to_le_bytes());
        }
    }

    fn instance(&mut self, name: &Arc<str>) -> u16 {
        if let Some(known) = self.instances.get(name) {
            return *known;
        }
        // More than can be numbered share the last number: they are too many to be told apart anyway.
        let number = u16::try_from(self.instances.len()).unwrap_or(u16::MAX);
        let bytes = name.as_bytes();
        let length = bytes.len().min(usize::from(u16::MAX));
        self.body.push(INSTANCE);
        self.body.extend(number.to_le_bytes());
        self.body.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        self.body.extend(&bytes[..length]);
        self.instances.insert(Arc::clone(name), number);
        number
    }

    fn bounds(&mut self, upto: &[(f64, f64)]) -> u16 {
        let bits = |bounds: &[f64]| bounds.iter().map(|bound| bound.to_bits()).collect::<Vec<_>>();
        let bounds: Vec<f64> = upto.iter().map(|(bound, _)| *bound).take(usize::from(u16::MAX)).collect();
        if let Some(known) = self.bounds.iter().position(|known| bits(known) == bits(&bounds)) {
            return u16::try_from(known).unwrap_or(0);
        }
        let number = u16::try_from(self.bounds.len()).unwrap_or(u16::MAX);
        self.body.push(BOUNDS);
        self.body.extend(number.to_le_bytes());
        self.body.extend(u16::try_from(bounds.len()).unwrap_or(u16::MAX).to_le_bytes());
        self.body.extend(bounds.iter().flat_map(|bound| bound.to_le_bytes()));
        self.bounds.push(bounds);
        number
    }

    /// Its bytes; `first` where it begins a block.
    pub fn bytes(&self, first: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.body.len());
        bytes.extend(MAGIC);
        bytes.extend(u32::try_from(self.minute).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(self.samples.to_le_bytes());
        bytes.extend(self.cut.to_le_bytes());
        bytes.extend(u32::try_from(self.body.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.push(if first { FIRST } else { 0 });
        let check = check(&bytes, &self.body);
        bytes.extend(check);
        bytes.extend(&self.body);
        bytes
    }
}

fn check(head: &[u8], body: &[u8]) -> [u8; CHECK] {
    let hash = Sha256::new().chain_update(head).chain_update(body).finalize();
    std::array::from_fn(|place| hash.get(place).copied().unwrap_or(0))
}

/// Bytes that are taken one after another.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn word(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn float(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes)
    }
}

/// Reads the page that `bytes` begin with; none where it is not whole, or not as it was written.
pub(super) fn read(bytes: &[u8]) -> Option<Read> {
    let mut rest = Bytes(bytes);
    if rest.array()? != MAGIC {
        return None;
    }
    let (minute, samples, cut) = (i64::from(rest.word()?), rest.word()?, rest.word()?);
    let length = usize::try_from(rest.word()?).ok().filter(|length| *length <= LARGEST)?;
    let [flags] = rest.array()?;
    let told: [u8; CHECK] = rest.array()?;
    let body = rest.take(length)?;
    if check(bytes.get(..HEAD - CHECK)?, body) != told {
        return None;
    }
    let entries = entries(body, minute)?;
    Some(Read { minute, samples, cut, first: flags & FIRST != 0, entries, length: HEAD + length })
}

fn entries(body: &[u8], minute: i64) -> Option<Vec<Entry>> {
    let mut rest = Bytes(body);
    let (mut entries, mut instances, mut bounds) = (Vec::new(), HashMap::new(), HashMap::new());
    while !rest.0.is_empty() {
        let [kind] = rest.array()?;
        match kind & 0x0f {
            INSTANCE => {
                let (number, length) = (rest.short()?, rest.short()?);
                let name = std::str::from_utf8(rest.take(usize::from(length))?).ok()?;
                instances.insert(number, Arc::<str>::from(name));
                continue;
            }
            BOUNDS => {
                let (number, length) = (rest.short()?, rest.short()?);
                let all: Option<Vec<f64>> = (0..length).map(|_| rest.float()).collect();
                bounds.insert(number, all?);
                continue;
            }
            _ => {}
        }
        let came = Instant(minute.saturating_mul(MINUTE).saturating_add(i64::from(rest.short()?)));
        let lag = if kind & LAGS == 0 { 0 } else { i64::from(i32::from_le_bytes(rest.array()?)) };
        let at = Instant(came.0.saturating_sub(lag));
        let instance = match kind & OWN {
            0 => None,
            _ => Some(Arc::clone(instances.get(&rest.short()?)?)),
        };
        let taken = match kind & 0x0f {
            WATCHED => {
                entries.push(Entry::Watched(at, came));
                continue;
            }
            NUMBER => Taken::Number { value: rest.float()?, instance, samples: None },
            OF_MANY => {
                let (value, samples) = (rest.float()?, u64::from_le_bytes(rest.array()?));
                Taken::Number { value, instance, samples: Some(samples) }
            }
            HISTOGRAM => {
                let bounds: &Vec<f64> = bounds.get(&rest.short()?)?;
                let upto: Option<Vec<_>> = bounds.iter().map(|bound| Some((*bound, rest.float()?))).collect();
                Taken::Histogram { upto: upto?.into(), instance }
            }
            NOTHING => Taken::Nothing,
            look => {
                let verdict = *LOOKS.get(usize::from(look))?;
                Taken::Look { verdict, took: Duration::from_micros(u64::from(rest.word()?)) }
            }
        };
        entries.push(Entry::Sample(Point { at, taken, generated: kind & GENERATED != 0 }, came));
    }
    Some(entries)
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
