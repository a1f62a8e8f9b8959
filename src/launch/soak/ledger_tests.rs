//! The truth tables of a ledger in simulated time, and what no order of evaluations and holes may come to.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Known, Soak};
use super::{Ledger, SPANS_KEPT, Seen, Why};
use crate::launch::event::Actor;
use crate::launch::id::ObjectiveId;
use crate::launch::time::{Instant, millis};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const EVERY: Duration = Duration::from_secs(10);

fn soak(objectives: &[&str], hours: u64) -> Soak {
    Soak {
        objectives: objectives.iter().map(|id| ObjectiveId::new(*id)).collect(),
        lasts: Duration::from_secs(hours * 3_600),
        max_gap: Duration::from_secs(300),
        deadline: None,
    }
}

fn seen(was: Known) -> Seen {
    Seen { was, whole: true, generated: false }
}

/// A ledger of one objective, `errors`, that is evaluated on the whole ten seconds.
struct Told {
    soak: Soak,
    ledger: Ledger,
}

impl Told {
    fn two_days() -> Self {
        Self::of(soak(&["errors"], 48))
    }

    fn of(soak: Soak) -> Self {
        let ledger = Ledger::begun(&soak, Instant(0));
        Self { soak, ledger }
    }

    fn round(&mut self, at: i64, was: impl Fn(&ObjectiveId) -> Option<Seen>) {
        self.ledger.evaluated(&self.soak, Instant(at), |_| Some(EVERY), was);
    }

    /// Every evaluation after `from` up to `until`.
    fn all(&mut self, from: i64, until: i64, was: Known) {
        let step = millis(EVERY);
        let mut at = (from.div_euclid(step) + 1) * step;
        while at <= until {
            self.round(at, |_| Some(seen(was)));
            at += step;
        }
    }

    fn through(&self) -> Option<i64> {
        self.ledger.through.map(|at| at.0)
    }

    fn credited(&self) -> i64 {
        millis(self.ledger.credited)
    }

    fn waive(&mut self, hole: i64, at: i64) {
        self.ledger.waive(&self.soak, Instant(hole), &Actor::person("ana", None), "the bastion was down", Instant(at));
    }
}

#[test]
fn two_days_without_a_breach_are_two_days() {
    let mut told = Told::two_days();
    told.all(0, 48 * HOUR - 10 * SECOND, Known::Pass);
    assert_eq!((told.through(), told.credited()), (None, 48 * HOUR - 10 * SECOND));
    told.all(48 * HOUR - 10 * SECOND, 48 * HOUR, Known::Pass);
    assert_eq!((told.through(), told.ledger.restarts), (Some(48 * HOUR), 0));
    // What comes after it is no part of it.
    told.all(48 * HOUR, 48 * HOUR + MINUTE, Known::Breach);
    assert_eq!((told.through(), told.credited(), told.ledger.restarts), (Some(48 * HOUR), 48 * HOUR, 0));
}

#[test]
fn a_hole_of_4_59_earns_nothing_and_begins_nothing_anew() {
    let mut told = Told::two_days();
    told.all(0, 20 * HOUR, Known::Pass);
    let back = 20 * HOUR + 4 * MINUTE + 59 * SECOND;
    told.ledger.unwatched(Instant(20 * HOUR), Instant(back));
    told.all(back, 50 * HOUR, Known::Pass);
    assert_eq!(told.through(), Some(48 * HOUR + 4 * MINUTE + 59 * SECOND));
    assert_eq!((told.ledger.restarts, millis(told.ledger.sums.hole)), (0, 4 * MINUTE + 59 * SECOND));
    assert!(told.ledger.lost.is_empty(), "{:?}", told.ledger.lost);
}

#[test]
fn a_hole_of_5_01_begins_the_time_anew() {
    let mut told = Told::two_days();
    told.all(0, 20 * HOUR, Known::Pass);
    let back = 20 * HOUR + 5 * MINUTE + SECOND;
    told.ledger.unwatched(Instant(20 * HOUR), Instant(back));
    told.all(back, 60 * HOUR, Known::Pass);
    assert_eq!((told.through(), told.ledger.restarts), (None, 1));
    assert_eq!(told.ledger.anew.map(|anew| (anew.at, anew.why)), Some((Instant(20 * HOUR), Why::Hole)));
    told.all(60 * HOUR, 70 * HOUR, Known::Pass);
    assert_eq!(told.through(), Some(back + 48 * HOUR));
}

#[test]
fn a_hole_of_5_01_that_a_person_waives_lets_the_credit_go_on_from_where_it_stood() {
    let mut told = Told::two_days();
    told.all(0, 20 * HOUR, Known::Pass);
    let back = 20 * HOUR + 5 * MINUTE + SECOND;
    told.ledger.unwatched(Instant(20 * HOUR), Instant(back));
    told.all(back, 21 * HOUR, Known::Pass);
    told.waive(20 * HOUR + 1, 21 * HOUR);
    assert_eq!(told.ledger.waived, 0, "another hole than this was meant");
    told.waive(20 * HOUR, 21 * HOUR);
    assert_eq!((told.ledger.waived, told.ledger.restarts), (1, 0));
    assert_eq!(told.credited(), 21 * HOUR - 5 * MINUTE - SECOND);
    told.waive(20 * HOUR, 21 * HOUR);
    assert_eq!(told.credited(), 21 * HOUR - 5 * MINUTE - SECOND, "a hole is waived once");
    told.all(21 * HOUR, 50 * HOUR, Known::Pass);
    assert_eq!(told.through(), Some(48 * HOUR + 5 * MINUTE + SECOND));
    assert_eq!(told.ledger.waivers.len(), 1);
}

#[test]
fn a_waiver_that_fills_the_time_ends_it_where_it_was_given() {
    let mut told = Told::two_days();
    told.all(0, 47 * HOUR, Known::Pass);
    told.ledger.unwatched(Instant(47 * HOUR), Instant(48 * HOUR));
    told.all(48 * HOUR, 50 * HOUR, Known::Pass);
    assert_eq!((told.through(), told.credited()), (None, 2 * HOUR));
    told.waive(47 * HOUR, 50 * HOUR + 3 * SECOND);
    assert_eq!((told.through(), told.credited()), (Some(50 * HOUR + 3 * SECOND), 49 * HOUR));
}

#[test]
fn a_hole_is_not_waived_before_it_is_over() {
    let mut told = Told::two_days();
    told.all(0, HOUR, Known::Pass);
    told.all(HOUR, HOUR + 6 * MINUTE, Known::Unknown);
    assert!(told.ledger.lost.last().is_some_and(|lost| lost.open));
    told.waive(HOUR, HOUR + 6 * MINUTE);
    assert_eq!((told.credited(), told.ledger.waived), (0, 0));
    told.all(HOUR + 6 * MINUTE, HOUR + 7 * MINUTE, Known::Pass);
    told.waive(HOUR, HOUR + 7 * MINUTE);
    assert_eq!((told.credited(), told.ledger.waived), (HOUR + MINUTE, 1));
}

#[test]
fn unknown_for_an_hour_earns_nothing_and_begins_the_time_anew_where_it_may_be_5_minutes() {
    for (max_gap, credited, restarts) in [(2 * HOUR, 2 * HOUR, 0), (5 * MINUTE, HOUR, 1)] {
        let mut soak = soak(&["errors"], 48);
        soak.max_gap = Duration::from_millis(max_gap.unsigned_abs());
        let mut told = Told::of(soak);
        told.all(0, HOUR, Known::Pass);
        told.all(HOUR, 2 * HOUR, Known::Unknown);
        told.all(2 * HOUR, 3 * HOUR, Known::Pass);
        assert_eq!((told.credited(), told.ledger.restarts), (credited, restarts), "max_gap {max_gap}");
        assert_eq!(millis(told.ledger.sums.unknown), HOUR);
    }
}

#[test]
fn unknown_of_5_minutes_begins_nothing_anew_and_one_evaluation_more_does() {
    for (more, restarts) in [(0, 0), (10 * SECOND, 1)] {
        let mut told = Told::two_days();
        told.all(0, HOUR, Known::Pass);
        told.all(HOUR, HOUR + 5 * MINUTE + more, Known::Unknown);
        told.all(HOUR + 5 * MINUTE + more, 2 * HOUR, Known::Pass);
        assert_eq!(told.ledger.restarts, restarts, "{more} more");
    }
}

#[test]
fn unknown_clears_no_breach() {
    let mut told = Told::two_days();
    told.all(0, HOUR, Known::Breach);
    told.all(HOUR, HOUR + MINUTE, Known::Unknown);
    assert_eq!((told.credited(), millis(told.ledger.sums.pass)), (0, 0));
    // Nothing was credited: there was nothing to begin anew.
    assert_eq!((told.ledger.restarts, told.ledger.anew), (0, None));
}

#[test]
fn one_breached_evaluation_at_hour_47_begins_the_time_anew_and_cannot_be_waived() {
    let mut told = Told::two_days();
    told.all(0, 47 * HOUR, Known::Pass);
    told.all(47 * HOUR, 47 * HOUR + 10 * SECOND, Known::Breach);
    assert_eq!((told.credited(), told.ledger.restarts), (0, 1));
    assert_eq!(told.ledger.anew.map(|anew| anew.why), Some(Why::Breach));
    told.waive(47 * HOUR, 47 * HOUR + 10 * SECOND);
    assert_eq!(told.credited(), 0);
    told.all(47 * HOUR + 10 * SECOND, 96 * HOUR, Known::Pass);
    assert_eq!(told.through(), Some(95 * HOUR + 10 * SECOND));
}

#[test]
fn a_breach_after_a_hole_leaves_nothing_to_waive() {
    let mut told = Told::two_days();
    told.all(0, 20 * HOUR, Known::Pass);
    told.ledger.unwatched(Instant(20 * HOUR), Instant(21 * HOUR));
    told.all(21 * HOUR, 22 * HOUR, Known::Pass);
    told.all(22 * HOUR, 22 * HOUR + 10 * SECOND, Known::Breach);
    told.waive(20 * HOUR, 22 * HOUR + 10 * SECOND);
    assert_eq!((told.credited(), told.ledger.restarts, told.ledger.waived), (0, 2, 0));
}

#[test]
fn evaluations_that_were_not_made_are_a_hole_though_no_record_says_so() {
    for (away, restarts) in [(5 * MINUTE, 0), (5 * MINUTE + 10 * SECOND, 1)] {
        let mut told = Told::two_days();
        told.all(0, HOUR, Known::Pass);
        told.all(HOUR + away, 2 * HOUR, Known::Pass);
        assert_eq!((millis(told.ledger.sums.hole), told.ledger.restarts), (away, restarts));
    }
}

#[test]
fn windows_that_fill_again_after_a_hole_do_not_lengthen_it() {
    let mut told = Told::two_days();
    told.all(0, HOUR, Known::Pass);
    let back = HOUR + 4 * MINUTE + 55 * SECOND;
    told.ledger.unwatched(Instant(HOUR + 4 * SECOND), Instant(back));
    told.all(back, back + MINUTE, Known::Unknown);
    told.all(back + MINUTE, 2 * HOUR, Known::Pass);
    assert_eq!(told.ledger.restarts, 0);
    // The four seconds before it were watched and never evaluated.
    assert_eq!(millis(told.ledger.sums.hole), 4 * MINUTE + 51 * SECOND);
    assert_eq!(millis(told.ledger.sums.unknown), 4 * SECOND + 55 * SECOND);
}

#[test]
fn consoles_that_come_and_go_without_an_evaluation_leave_one_hole() {
    let mut told = Told::two_days();
    told.all(0, HOUR, Known::Pass);
    for minute in 0..4 {
        let at = HOUR + minute * 2 * MINUTE;
        told.ledger.unwatched(Instant(at), Instant(at + MINUTE));
    }
    told.all(HOUR + 7 * MINUTE, 2 * HOUR, Known::Pass);
    assert_eq!((millis(told.ledger.sums.hole), told.ledger.restarts), (7 * MINUTE, 1));
}

#[test]
fn what_the_source_tells_of_a_hole_counts_where_it_tells_all_of_it() {
    for (whole, hole, credited) in [(true, 0, 2 * HOUR), (false, 30 * MINUTE, HOUR + 30 * MINUTE)] {
        let mut soak = soak(&["errors"], 48);
        soak.max_gap = Duration::from_secs(3_600);
        let mut told = Told::of(soak);
        told.all(0, HOUR, Known::Pass);
        told.ledger.unwatched(Instant(HOUR), Instant(HOUR + 30 * MINUTE));
        for at in 1..=180 {
            told.round(HOUR + at * 10 * SECOND, |_| Some(Seen { whole, ..seen(Known::Pass) }));
        }
        told.all(HOUR + 30 * MINUTE, 2 * HOUR, Known::Pass);
        assert_eq!((millis(told.ledger.sums.hole), told.credited()), (hole, credited), "{whole}");
    }
}

#[test]
fn of_several_objectives_the_worst_counts_at_each_instant() {
    let mut told = Told::of(soak(&["errors", "p95"], 48));
    let table = [
        (Known::Pass, Known::Pass, Known::Pass),
        (Known::Pass, Known::Unknown, Known::Unknown),
        (Known::Unknown, Known::Breach, Known::Breach),
        (Known::Breach, Known::Pass, Known::Breach),
    ];
    for (step, (errors, p95, both)) in (1..).zip(table) {
        let of = |id: &ObjectiveId| Some(seen(if id.as_str() == "errors" { errors } else { p95 }));
        told.round(step * 10 * SECOND, of);
        assert_eq!(told.ledger.spans.last().map(|span| span.was), Some(both), "{errors:?} {p95:?}");
    }
    let breaches: Vec<u32> = told.ledger.objectives.values().map(|looked| looked.breaches).collect();
    assert_eq!(breaches, [1, 1]);
}

#[test]
fn an_objective_that_is_looked_at_less_often_is_waited_for() {
    let mut told = Told::of(soak(&["errors", "slow"], 48));
    let every = |id: &ObjectiveId| Some(if id.as_str() == "slow" { Duration::from_secs(60) } else { EVERY });
    for at in 1..=6 {
        assert_eq!(told.credited(), 0, "only one of two is known");
        let of = |id: &ObjectiveId| (id.as_str() == "errors" || at == 6).then(|| seen(Known::Pass));
        told.ledger.evaluated(&told.soak, Instant(at * 10 * SECOND), every, of);
    }
    assert_eq!(told.credited(), MINUTE);
    // One that is not told of is a hole, however well the other is.
    for at in 7..=60 {
        let of = |id: &ObjectiveId| (id.as_str() == "errors").then(|| seen(Known::Pass));
        told.ledger.evaluated(&told.soak, Instant(at * 10 * SECOND), every, of);
    }
    assert_eq!((told.credited(), told.ledger.restarts), (0, 1));
    assert!(told.ledger.blind.is_some_and(|blind| blind.hole >= Duration::from_secs(300)));
}

#[test]
fn a_sleep_shorter_than_an_evaluation_earns_nothing_either() {
    let mut told = Told::two_days();
    told.all(0, MINUTE, Known::Pass);
    told.ledger.unwatched(Instant(MINUTE + 2 * SECOND), Instant(MINUTE + 6 * SECOND));
    told.all(MINUTE, 2 * MINUTE, Known::Pass);
    assert_eq!(told.credited(), 2 * MINUTE - 6 * SECOND);
}

#[test]
fn what_was_generated_is_marked_and_stays_so() {
    let mut told = Told::two_days();
    told.all(0, MINUTE, Known::Pass);
    told.round(MINUTE + 10 * SECOND, |_| Some(Seen { generated: true, ..seen(Known::Pass) }));
    told.all(MINUTE + 10 * SECOND, 2 * MINUTE, Known::Pass);
    let marks: Vec<bool> = told.ledger.spans.iter().map(|span| span.generated).collect();
    assert_eq!((marks, told.ledger.generated), (vec![false, true, false], true));
}

#[test]
fn the_strip_is_bounded_and_the_sums_are_not() {
    let mut told = Told::two_days();
    let rounds: i64 = 3 * i64::try_from(SPANS_KEPT).expect("small");
    for at in 1..=rounds {
        let was = if at % 2 == 0 { Known::Pass } else { Known::Unknown };
        told.round(at * 10 * SECOND, |_| Some(seen(was)));
    }
    assert!(told.ledger.spans.len() <= SPANS_KEPT);
    assert_eq!(told.ledger.spans.last().map(|span| span.until), Some(Instant(rounds * 10 * SECOND)));
    assert_eq!(millis(told.ledger.sums.pass + told.ledger.sums.unknown), rounds * 10 * SECOND);
}

#[derive(Debug, Clone)]
enum Said {
    /// So many seconds on; what is told of each objective, where anything is.
    Round(i64, [Option<(Known, bool)>; 2]),
    /// An evaluation of an instant before: so many steps back.
    Again(i64, Known),
    /// Left so long ago.
    Away(i64),
    Waive,
    Amended,
}

fn said() -> impl Strategy<Value = Said> {
    let known = || prop_oneof![4 => Just(Known::Pass), 1 => Just(Known::Breach), 2 => Just(Known::Unknown)];
    let seen = move || proptest::option::weighted(0.9, (known(), any::<bool>()));
    prop_oneof![
        12 => (prop_oneof![6 => Just(10_i64), 2 => 1_i64..30, 1 => 100_i64..900], [seen(), seen()])
            .prop_map(|(on, seen)| Said::Round(on, seen)),
        2 => (0_i64..60, known()).prop_map(|(back, was)| Said::Again(back, was)),
        2 => (1_i64..700).prop_map(Said::Away),
        2 => Just(Said::Waive),
        1 => Just(Said::Amended),
    ]
}

const OBJECTIVES: [&str; 2] = ["errors", "slow"];

fn interval(id: &str) -> i64 {
    if id == "slow" { 30 } else { 10 }
}

proptest! {
    #[test]
    fn no_order_of_anything_credits_more_than_was_known_to_be_well(all in proptest::collection::vec(said(), 0..120)) {
        let mut told = Told::of(soak(&OBJECTIVES, 1));
        // Seconds that an evaluation has called well, of each objective.
        let mut well: BTreeMap<&str, std::collections::BTreeSet<i64>> = BTreeMap::new();
        let mut now = 0_i64;
        let every = |id: &ObjectiveId| Some(Duration::from_secs(interval(id.as_str()).unsigned_abs()));
        for said in all {
            match said {
                Said::Round(on, seen) => {
                    now += on;
                    for (id, seen) in OBJECTIVES.into_iter().zip(seen) {
                        if seen.is_some_and(|(was, _)| was == Known::Pass) {
                            well.entry(id).or_default().extend(now - interval(id)..now);
                        }
                    }
                    let of = |id: &ObjectiveId| {
                        let at = OBJECTIVES.iter().position(|known| *known == id.as_str())?;
                        seen[at].map(|(was, whole)| Seen { was, whole, generated: false })
                    };
                    told.ledger.evaluated(&told.soak, Instant(now * SECOND), every, of);
                }
                Said::Again(back, was) => {
                    let at = (now - 10 * back).max(0);
                    if was == Known::Pass {
                        for id in OBJECTIVES {
                            well.entry(id).or_default().extend(at - interval(id)..at);
                        }
                    }
                    told.ledger.evaluated(&told.soak, Instant(at * SECOND), every, |_| Some(self::seen(was)));
                }
                Said::Away(long) => {
                    now += long;
                    told.ledger.unwatched(Instant((now - long) * SECOND), Instant(now * SECOND));
                }
                Said::Waive => {
                    let before = told.ledger.credited;
                    let hole = told.ledger.lost.last().map_or(-1, |lost| lost.from.0);
                    told.waive(hole, now * SECOND);
                    prop_assert!(told.ledger.credited >= before);
                }
                Said::Amended => told.ledger.anew(Why::Amended, Instant(now * SECOND)),
            }
            let ledger = &told.ledger;
            let both = match (well.get("errors"), well.get("slow")) {
                (Some(errors), Some(slow)) => errors.intersection(slow).count(),
                _ => 0,
            };
            let sums = ledger.sums;
            prop_assert!(ledger.credited <= sums.pass, "{ledger:?}");
            prop_assert!(sums.pass <= Duration::from_secs(both as u64), "{both} s were well: {ledger:?}");
            prop_assert_eq!(sums.pass + sums.breach + sums.unknown + sums.hole, ledger.until.since(ledger.since));
            for pair in ledger.spans.windows(2) {
                prop_assert_eq!(pair[0].until, pair[1].from);
                prop_assert_ne!(pair[0].was, pair[1].was);
            }
            prop_assert!(ledger.until.0 <= now * SECOND);
            let kept: Duration = ledger.lost.iter().map(|lost| lost.credited).sum();
            prop_assert!(kept + ledger.credited <= sums.pass);
            prop_assert_eq!(ledger.through.is_some(), ledger.credited >= told.soak.lasts);
        }
    }
}
