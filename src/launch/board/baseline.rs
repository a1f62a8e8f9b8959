//! What of the baseline is not there, and why: a rollback could not go back to it.

use super::Board;
use crate::launch::verdict::Captured;

impl Board {
    /// Baseline values that are not captured, each with why, where that was told.
    pub fn uncaptured(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.plan.baseline.iter().filter_map(|wanted| match self.baseline.get(&wanted.name) {
            Some(Captured::Value(_)) => None,
            Some(Captured::Missing(why)) => Some((wanted.name.as_str(), Some(why.as_str()))),
            None => Some((wanted.name.as_str(), None)),
        })
    }

    /// ` (exit expected 0, seen 2)`: why `name` is not captured, for the end of a sentence that says so.
    #[must_use]
    pub fn why_uncaptured(&self, name: &str) -> String {
        let told = self.uncaptured().find(|(known, _)| *known == name).and_then(|(_, why)| why);
        told.map(|why| format!(" ({why})")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::launch::plan::{Baseline, Plan, SpecId};

    #[test]
    fn what_is_not_captured_is_told_with_why() {
        let baseline = ["there", "missing", "open"].map(|name| Baseline { name: name.to_owned(), spec: SpecId(0) });
        let mut board = Board::new(Arc::new(Plan { baseline: baseline.to_vec(), ..Plan::default() }));
        board.baseline.insert("there".to_owned(), Captured::Value("v41".into()));
        board.baseline.insert("missing".to_owned(), Captured::Missing("exit expected 0, seen 2".to_owned()));
        let all: Vec<_> = board.uncaptured().collect();
        assert_eq!(all, [("missing", Some("exit expected 0, seen 2")), ("open", None)]);
        assert_eq!(board.why_uncaptured("missing"), " (exit expected 0, seen 2)");
        assert_eq!(board.why_uncaptured("open"), "");
    }
}
