//! The samples of a launch that is looked back on.

use std::collections::BTreeMap;

use super::back::read_back;
use super::found::{Files, Vouched};
use crate::launch::id::SignalId;
use crate::launch::time::Instant;
use crate::watch::point::Point;

/// Hands over every sample of `signal` that is as it was kept, in the order they came, with when it came; what is
/// not, or is missing, is answered as sentences. Blocks.
#[must_use]
pub fn history(
    all: &dyn Files,
    signal: &SignalId,
    vouched: &Vouched,
    take: &mut dyn FnMut(Point, Instant),
) -> Vec<String> {
    let signals = BTreeMap::from([(signal.clone(), Instant(i64::MIN))]);
    read_back(all, &signals, vouched, &mut |_, point, came| take(point, came)).told
}
