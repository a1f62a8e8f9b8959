//! The samples of a launch that is looked back on, for its report.

use std::collections::BTreeMap;
use std::path::Path;

use super::back::read_back;
use super::found::Vouched;
use crate::launch::id::SignalId;
use crate::launch::time::Instant;
use crate::watch::point::Point;

/// Hands over every sample of `signal` in the folder `all` that is as it was kept, in the order they came; what is
/// not, or is missing, is answered as sentences. Blocks.
#[must_use]
pub fn history(all: &Path, signal: &SignalId, vouched: &Vouched, take: &mut dyn FnMut(Point)) -> Vec<String> {
    let signals = BTreeMap::from([(signal.clone(), Instant(i64::MIN))]);
    read_back(all, &signals, vouched, &mut |_, point, _| take(point)).told
}
