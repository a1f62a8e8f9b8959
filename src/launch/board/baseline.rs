//! What of the baseline is not there, and why: a rollback could not go back to it.

use super::Board;
use crate::launch::verdict::Captured;

impl Board {
    /// Baseline values that are not captured, each with why as it was last told.
    pub fn uncaptured(&self) -> impl Iterator<Item = (&str, String)> {
        self.plan.baseline.iter().filter_map(|wanted| {
            let why = match self.baseline.get(&wanted.name) {
                Some(Captured::Value(_)) => return None,
                Some(Captured::Missing(why)) => format!("not captured: {why}"),
                None => "not captured yet".to_owned(),
            };
            Some((wanted.name.as_str(), why))
        })
    }
}
