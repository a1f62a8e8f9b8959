//! A store that lasts as long as the process: for `tminus gate`, and for tests.

use super::chain::{Head, Link};
use super::store::{Beat, Durable, Expected, Store, StoreError};

#[derive(Debug, Default)]
pub struct Memory {
    links: Vec<Link>,
    epoch: u64,
    beat: Option<Beat>,
}

impl Memory {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn holds(&self, ours: u64) -> Result<(), StoreError> {
        let found = self.epoch;
        if found == ours { Ok(()) } else { Err(StoreError::LeaseLost { ours, found }) }
    }

    fn head(&self) -> Head {
        self.links.last().map_or_else(Head::default, |link| Head { seq: link.seq, hash: link.hash })
    }
}

impl Store for Memory {
    fn read(&mut self, each: &mut dyn FnMut(Link) -> bool) -> Result<(), StoreError> {
        self.links.iter().all(|link| each(link.clone()));
        Ok(())
    }

    fn epoch(&mut self) -> Result<u64, StoreError> {
        Ok(self.epoch)
    }

    fn raise_epoch(&mut self) -> Result<u64, StoreError> {
        self.epoch += 1;
        Ok(self.epoch)
    }

    fn append(&mut self, expected: Expected, links: &[Link], _: Durable) -> Result<(), StoreError> {
        self.holds(expected.epoch)?;
        let found = self.head();
        if found != expected.head {
            return Err(StoreError::Moved { expected: expected.head.seq, found: found.seq });
        }
        self.links.extend_from_slice(links);
        Ok(())
    }

    fn cut(&mut self, epoch: u64, seq: u64) -> Result<(), StoreError> {
        self.holds(epoch)?;
        let found = self.head().seq;
        if found != seq {
            return Err(StoreError::Moved { expected: seq, found });
        }
        self.links.pop();
        Ok(())
    }

    fn beat(&mut self) -> Result<Option<Beat>, StoreError> {
        Ok(self.beat)
    }

    fn set_beat(&mut self, epoch: u64, beat: Beat, _: Durable) -> Result<(), StoreError> {
        self.holds(epoch)?;
        self.beat = Some(beat);
        Ok(())
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
