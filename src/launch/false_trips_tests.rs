//! False trips: exact tables, days of the launch's own rules in simulated time, and the bound over both.

use super::*;
use crate::launch::plan::FireMode;
use crate::launch::proportions::difference;
use crate::launch::threshold::Threshold;
use crate::launch::time::Instant;
use crate::launch::trigger::{Told, TriggerState};

const SECOND: Duration = Duration::from_secs(1);
/// 50 samples a window of 30 s: so many in each bucket of 10 s.
const BUCKETS: [u64; 3] = [17, 17, 16];

fn objective(that: &str) -> Objective {
    Objective {
        id: "errors".into(),
        title: String::new(),
        signal: "monitor.api".into(),
        beside: Beside::Nothing,
        that: Threshold::parse(that).expect("a threshold"),
        window: 30 * SECOND,
        min_samples: 50,
        stale_after: 30 * SECOND,
        evaluate_every: 10 * SECOND,
        unknown_for: 60 * SECOND,
    }
}

fn trigger(lasts: u64) -> Trigger {
    Trigger {
        id: "errors-2m".into(),
        title: String::new(),
        when: Condition::Objective("errors".into()),
        lasts: Duration::from_secs(lasts),
        recovers_after: Duration::ZERO,
        then: "back".into(),
        mode: FireMode::Ask,
        armed_from: None,
        armed_until: None,
    }
}

/// The exact distribution of how many of `of` fail, one more sample at a time.
fn table(of: u64, share: f64) -> Vec<f64> {
    let mut table = vec![1.0];
    for _ in 0..of {
        let with = |count: usize| if count == 0 { 0.0 } else { table[count - 1] * share };
        let without = |count: usize| table.get(count).map_or(0.0, |known| known * (1.0 - share));
        table = (0..=table.len()).map(|count| with(count) + without(count)).collect();
    }
    table
}

#[test]
fn tails_are_those_of_the_exact_tables() {
    for (of, share) in [(50, 0.01), (50, 0.05), (20, 0.3), (400, 0.01), (1, 0.5), (7, 0.999)] {
        let table = table(of, share);
        for hits in 0..=of + 1 {
            let exact: f64 = table.iter().skip(usize::try_from(hits).expect("small")).sum();
            let seen = at_least(hits, of, share);
            assert!((seen - exact).abs() <= exact * 1e-9 + 1e-15, "{hits} of {of} at {share}: {seen} {exact}");
        }
    }
    // A printed table: P(X >= 3), n = 50, p = 0.01.
    assert!((at_least(3, 50, 0.01) - 0.013_817).abs() < 1e-6, "{}", at_least(3, 50, 0.01));
    assert!(at_least(30_000, 100_000, 0.01) < 1e-200);
}

/// xorshift: the same days at every run.
struct Chance(u64);

impl Chance {
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What so many days of evaluations come to, by the launch's own rules: how often it fired, and how many of the
/// evaluations were breached. Each fire is taken on and well again at once, so that it may fire anew.
fn simulate(days: u64, objective: &Objective, trigger: &Trigger, share: f64) -> (u64, u64, u64) {
    let cumulative = |of: u64| -> Vec<f64> {
        let sum = |sum: &mut f64, part: f64| {
            *sum += part;
            Some(*sum)
        };
        table(of, share).into_iter().scan(0.0, sum).collect()
    };
    let tables: Vec<Vec<f64>> = BUCKETS.iter().map(|of| cumulative(*of)).collect();
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let mut buckets = [0_u64; 3];
    let (mut state, mut fired, mut breached) = (TriggerState::default(), 0, 0);
    let evaluations = days * 8_640;
    for place in 0..evaluations {
        let slot = usize::try_from(place % 3).expect("small");
        let drawn = chance.share();
        buckets[slot] = tables[slot].iter().take_while(|sum| **sum < drawn).count() as u64;
        let at = Instant(i64::try_from(place + 1).expect("small") * 10_000);
        let holds = objective.that.holds_counted(buckets.iter().sum(), 50);
        breached += u64::from(!holds);
        let told = if holds { Told::Gone } else { Told::Holds(String::new()) };
        state.evaluated(trigger, told, objective.evaluate_every, at, true);
        if state.due.is_some() {
            fired += 1;
            state = TriggerState::default();
        }
    }
    (fired, breached, evaluations)
}

#[test]
fn one_percent_of_true_errors_trips_less_than_once_in_a_thousand_days() {
    let (errors, trigger) = (objective("error_rate <= 5%"), trigger(120));
    let noise = Noise { share: 0.01, samples: 50 };
    let bound = of_objective(&errors, trigger.lasts, noise).expect("samples are counted");
    // Of 50 samples 3 are a breach; in two minutes five windows of 30 s share no sample.
    let exact: f64 = table(50, 0.01).iter().skip(3).sum();
    assert!((bound.breach - exact).abs() < 1e-12, "{bound:?} {exact}");
    assert_eq!(bound.windows, 5);
    assert!(bound.per_day * 1_000.0 < 1.0 && bound.per_day > 0.0, "{bound:?}");
    let (fired, breached, evaluations) = simulate(1_000, &errors, &trigger, 0.01);
    assert_eq!(fired, 0, "in a thousand days");
    let seen = breached as f64 / evaluations as f64;
    // Neighbouring windows share samples: about three evaluations tell as much as one.
    let sigma = (3.0 * exact * (1.0 - exact) / evaluations as f64).sqrt();
    assert!((seen - exact).abs() < 5.0 * sigma, "{seen} of the evaluations were breached, {exact} by the table");
}

#[test]
fn the_bound_is_one_where_trips_are_many_enough_to_be_counted() {
    for (that, share, lasts) in [
        ("error_rate <= 5%", 0.04, 0),
        ("error_rate <= 5%", 0.04, 30),
        ("error_rate <= 5%", 0.04, 60),
        ("up >= 90%", 0.08, 60),
    ] {
        let (objective, trigger) = (objective(that), trigger(lasts));
        let bound = of_objective(&objective, trigger.lasts, Noise { share, samples: 50 }).expect("counted");
        let (fired, ..) = simulate(60, &objective, &trigger, share);
        let seen = fired as f64 / 60.0;
        assert!(fired > 50, "{that} at {share} for {lasts} s: too few to say anything, {fired}");
        assert!(seen <= bound.per_day * 1.02, "{that} at {share} for {lasts} s: {seen} a day, bound {}", bound.per_day);
        assert!(bound.per_day < seen * 60.0, "no bound that says nothing: {seen} {}", bound.per_day);
    }
}

#[test]
fn a_share_of_two_counters_is_as_noisy_as_samples_are() {
    let noise = Noise { share: 0.01, samples: 50 };
    let counted = of_objective(&objective("error_rate <= 5%"), 120 * SECOND, noise);
    let per = Objective { beside: Beside::Per("requests".into()), ..objective("<= 5%") };
    assert_eq!(of_objective(&per, 120 * SECOND, noise), counted);
    assert_eq!(of_objective(&objective("<= 5"), 120 * SECOND, noise), None, "of a level nobody knows");
}

#[test]
fn a_canary_like_its_baseline_is_told_apart_no_more_often_than_the_bound_says() {
    for (confidence, both_ways) in [(99_900, false), (95_000, false), (99_900, true), (99_990, false)] {
        let beside = Beside::Against { baseline: "old".into(), both_ways, confidence };
        let z = deviations(if both_ways { f64::midpoint(1.0, sure(confidence)) } else { sure(confidence) });
        for canary in [20, 33, 50, 100] {
            let objective = Objective { beside: beside.clone(), min_samples: canary, ..objective("error_rate <= 0%") };
            for share in [0.001, 0.01, 0.02, 0.05, 0.3] {
                let bound = of_objective(&objective, 60 * SECOND, Noise { share, samples: canary }).expect("counted");
                let seen = table(canary, share);
                for baseline in [canary, canary * 5, canary * 20] {
                    let beside = table(baseline, share);
                    let likely = |(hits, chance): (usize, &f64)| (*chance > 1e-9).then_some((hits as u64, *chance));
                    let mut apart = 0.0;
                    for (hits, chance) in seen.iter().enumerate().filter_map(likely) {
                        for (others, other) in beside.iter().enumerate().filter_map(likely) {
                            let (low, high) = difference((hits, canary), (others, baseline), z);
                            if low > 0.0 || (both_ways && high < 0.0) {
                                apart += chance * other;
                            }
                        }
                    }
                    assert!(
                        apart <= bound.breach,
                        "{canary} beside {baseline} at {share}: {apart}, bound {}",
                        bound.breach
                    );
                }
            }
        }
    }
}

#[test]
fn fewer_samples_than_usual_are_noisier_and_counted_in() {
    let mut few = objective("error_rate <= 5%");
    few.min_samples = 20;
    let noise = Noise { share: 0.01, samples: 100 };
    let (few, many) =
        (of_objective(&few, 120 * SECOND, noise), of_objective(&objective("error_rate <= 5%"), 120 * SECOND, noise));
    assert!(few.expect("counted").breach > many.expect("counted").breach);
}

#[test]
fn monitors_need_a_row_of_failures_and_words_never_promise_more() {
    let monitor = crate::launch::plan::Monitor {
        id: "api".into(),
        title: String::new(),
        spec: crate::launch::plan::SpecId(0),
        every: SECOND,
        timeout: SECOND,
        fails_after: 3,
        items: Vec::new(),
        ready_for: None,
    };
    let plan = Plan { monitors: vec![monitor], ..Plan::default() };
    let api = Trigger { when: Condition::Monitor("api".into()), ..trigger(2) };
    let trips = false_trips(&plan, &api, Noise { share: 0.01, samples: 0 }).expect("looks are counted");
    assert_eq!(trips.windows, 6, "four in a row, and two seconds more");
    assert!((trips.per_day - 86_400.0 * 1e-12).abs() < 1e-15);
    let manual = Trigger { when: Condition::Manual, ..trigger(0) };
    assert_eq!(false_trips(&plan, &manual, Noise { share: 0.5, samples: 9 }), None);
    let words = |per_day| FalseTrips { per_day, breach: 0.0, windows: 1 }.words();
    for (per_day, said) in [
        (0.0, "less than once in a billion days"),
        (1e-10, "less than once in a billion days"),
        (4.4e-6, "less than once in 200000 days"),
        (0.9, "up to once a day"),
        (1.5, "up to 2 times a day"),
    ] {
        assert_eq!(words(per_day), said);
    }
}
