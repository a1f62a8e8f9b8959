//! Logs by what an item is repeated for: of each origin, region or whatever the plan's `for_each` has, what happened,
//! a record a paragraph, with the exchange that it stands on. Bounded; a cut is said.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::base::text::printable;
use crate::launch::event::{Event, Recorded};
use crate::launch::id::ItemId;
use crate::launch::seen;
use crate::launch::telling::tell;
use crate::launch::verdict::Report;

/// Bytes of one log.
const LONGEST: usize = 4 << 20;
/// Bytes of all of them: they are in memory until they are written.
const LONGEST_ALL: usize = 32 << 20;
/// Logs of one launch.
const MOST: usize = 256;

/// The logs of a launch, as far as they are told.
#[derive(Debug, Default)]
pub struct Logs {
    all: BTreeMap<String, Log>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Log {
    text: String,
    /// Records that it has no room for.
    cut: u64,
}

/// What an item is repeated for; none where it is not.
#[must_use]
pub fn key(item: &ItemId) -> Option<&str> {
    item.as_str().split_once('[')?.1.strip_suffix(']')
}

impl Logs {
    pub fn take(&mut self, record: &Recorded) {
        let Some((key, report)) = of(&record.event).and_then(|(item, report)| Some((key(item)?, report))) else {
            return;
        };
        if !self.all.contains_key(key) && self.all.len() >= MOST {
            return;
        }
        let log = self.all.entry(key.to_owned()).or_default();
        if log.text.len() >= LONGEST || self.bytes >= LONGEST_ALL {
            log.cut += 1;
            return;
        }
        let before = log.text.len();
        let at = record.occurred_at.format("%Y-%m-%dT%H:%M:%S%.3fZ");
        let _ = writeln!(log.text, "{:>6}  {at}  {}", record.seq, printable(&tell(record)));
        report.into_iter().flat_map(seen::of_report).for_each(|line| {
            let _ = writeln!(log.text, "        {}", line.text);
        });
        self.bytes += log.text.len() - before;
    }

    /// Each with the name of its file.
    pub fn pages(self) -> impl Iterator<Item = (String, Vec<u8>)> {
        self.all.into_iter().map(|(key, Log { mut text, cut })| {
            if cut > 0 {
                let _ = writeln!(text, "cut here: {cut} records more stand in the journal");
            }
            (format!("logs/{}.log", ItemId::new(key).folder()), text.into_bytes())
        })
    }
}

fn of(event: &Event) -> Option<(&ItemId, Option<&Report>)> {
    match event {
        Event::ItemEnded { item, report, .. } => Some((item, Some(report))),
        Event::ItemBlocked { item, .. }
        | Event::StepIntended { item, .. }
        | Event::StepEnded { item, .. }
        | Event::ItemCancelled { item, .. }
        | Event::StepMarked { item, .. }
        | Event::Attested { item, .. }
        | Event::Waived { item, .. } => Some((item, None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_of_the_origin_it_is_repeated_for() {
        assert_eq!(key(&"smoke[https://a.example]".into()), Some("https://a.example"));
        assert_eq!(key(&"smoke".into()), None);
        assert_eq!(key(&ItemId::keyed("a", Some("[x]"))), Some("[x]"));
    }
}
