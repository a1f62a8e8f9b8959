//! What of the baseline is not there, and why: a rollback could not go back to it.

use super::Board;
use crate::launch::event::Mode;
use crate::launch::plan::Item;
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

    /// A baseline value that `item` uses and of which nothing is told yet, while that can still come: one that
    /// could not be captured is told too, and after T-0 none is captured any more.
    #[must_use]
    pub fn untold_for<'i>(&self, item: &'i Item) -> Option<&'i str> {
        let comes = self.mode != Mode::Gate && self.clock.as_ref().is_none_or(|clock| clock.t0.is_none());
        let wanted = |name: &&String| self.plan.baseline.iter().any(|wanted| wanted.name == **name);
        let mut untold = item.baseline.iter().filter(wanted).filter(|name| !self.baseline.contains_key(*name));
        untold.next().filter(|_| comes).map(String::as_str)
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
    use crate::launch::board::Progress;
    use crate::launch::command::{Command, Input, Observation};
    use crate::launch::id::ItemId;
    use crate::launch::plan::{Baseline, Plan, SpecId};
    use crate::launch::samples::{Flight, plan};
    use crate::launch::schedule::waits_for_baseline;

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

    /// The sample plan, in which `login` and the step `cut` use a baseline value.
    fn flight() -> Flight {
        let mut plan = plan();
        plan.baseline = vec![Baseline { name: "previous".to_owned(), spec: SpecId(0) }];
        for item in ["login", "cut"] {
            plan.items.get_mut(&ItemId::new(item)).expect("there").baseline = vec!["previous".to_owned()];
        }
        Flight::of(plan)
    }

    fn told(flight: &mut Flight, value: Captured) {
        let told = Observation::BaselineCaptured { name: "previous".to_owned(), value };
        flight.input(&Input::Observation(told)).expect("taken");
    }

    fn progress(flight: &Flight, item: &str) -> Progress {
        flight.board.item(&item.into()).expect("there").progress.clone()
    }

    #[test]
    fn an_item_waits_until_something_is_told_of_the_baseline_it_uses() {
        for value in [Captured::Value("v41".into()), Captured::Missing("refused".to_owned())] {
            let mut flight = flight();
            assert!(matches!(progress(&flight, "health"), Progress::Running { .. }), "it uses none");
            assert_eq!(progress(&flight, "login"), Progress::Waiting);
            assert!(waits_for_baseline(&flight.board, flight.now));
            let refused = flight.command(Command::RunItem { item: "login".into() }).expect_err("too early");
            assert_eq!(refused, "login waits for baseline value previous, which is being captured");
            told(&mut flight, value);
            assert!(matches!(progress(&flight, "login"), Progress::Running { .. }), "captured or not, it is told");
            assert!(!waits_for_baseline(&flight.board, flight.now));
        }
    }

    #[test]
    fn nothing_waits_for_a_baseline_that_cannot_come_any_more() {
        let mut flight = flight();
        assert_eq!(flight.board.untold_for(&flight.board.plan.items[&ItemId::new("cut")]), Some("previous"));
        let mut clock = flight.board.clock.clone().expect("a clock");
        clock.t0 = Some(flight.now);
        flight.board.clock = Some(clock);
        flight.follow();
        assert!(matches!(progress(&flight, "login"), Progress::Running { .. }), "after T-0 nothing is captured");

        let mut gate = Board::new(Arc::clone(&flight.board.plan.0));
        gate.mode = Mode::Gate;
        assert_eq!(gate.untold_for(&gate.plan.items[&ItemId::new("login")]), None);
        let mut alone = Plan::clone(&flight.board.plan.0);
        alone.baseline.clear();
        let alone = Board::new(Arc::new(alone));
        assert_eq!(alone.untold_for(&alone.plan.items[&ItemId::new("login")]), None, "no value of this launch");
    }
}
