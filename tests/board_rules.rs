//! No order of commands and observations reaches a state that the rules forbid: random walks over a whole board,
//! 100,000 steps, each record held against the rules as it is folded. The rules are told here in their own words
//! and ask `decide` and `schedule` nothing.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::FileFailurePersistence;

#[path = "board_rules/rules.rs"]
mod rules;
#[path = "board_rules/triggers.rs"]
mod triggers;
#[path = "board_rules/walk.rs"]
mod walk;

/// Steps of one walk; times the cases it is the 100,000 that are promised.
const STEPS: usize = 1_000;
const WALKS: u32 = 100;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: WALKS,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_order_of_inputs_reaches_what_the_rules_forbid(
        flown: bool,
        steps in prop::collection::vec(any::<[u16; 4]>(), STEPS..=STEPS),
    ) {
        let mut walk = if flown { walk::Walk::flown() } else { walk::Walk::new() };
        let mut rules = rules::Rules::new(walk.afresh(), &walk.opening);
        for dice in steps {
            let step = walk.step(dice);
            prop_assert!(rules.hold(&step).is_ok(), "{}", rules.told(&step));
        }
        prop_assert!(rules.is_where(walk.board()), "replay(journal) == board");
    }
}

/// The walk gets about: what is never reached is never proven.
#[test]
fn the_walks_reach_every_part_of_the_board() {
    let mut seen = std::collections::BTreeSet::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let steps = prop::collection::vec(any::<[u16; 4]>(), STEPS..=STEPS);
    for nth in 0..60 {
        let steps = steps.new_tree(&mut runner).expect("a value").current();
        let mut walk = if nth % 2 == 0 { walk::Walk::flown() } else { walk::Walk::new() };
        for dice in steps {
            seen.extend(walk.step(dice).records.iter().map(|record| walk::name(&record.event)));
        }
    }
    let missing: Vec<&str> = walk::REACHED.iter().copied().filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}
