//! Choices that a printed seed repeats.

/// splitmix64: small, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The choices of one flight.
    pub fn of(seed: u64, flight: u32) -> Self {
        Self(seed ^ u64::from(flight).wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `most`, without it.
    pub fn below(&mut self, most: u64) -> u64 {
        self.next() % most.max(1)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub fn of_slice<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let most = u64::try_from(all.len()).expect("a length");
        &all[usize::try_from(self.below(most)).expect("an index")]
    }
}
