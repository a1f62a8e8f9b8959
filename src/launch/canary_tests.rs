//! How long a canary must run, held to exact binomial sums over the judgement of a launch.

use proptest::prelude::*;

use super::*;
use crate::launch::proportions::difference;
use crate::launch::threshold::Threshold;

fn objective(that: &str, confidence: u32, both_ways: bool) -> Objective {
    Objective {
        id: "canary".into(),
        title: String::new(),
        signal: "monitor.canary".into(),
        beside: Beside::Against { baseline: "monitor.api".into(), both_ways, confidence },
        that: Threshold::parse(that).expect("a threshold"),
        window: Duration::from_secs(60),
        min_samples: 1,
        stale_after: Duration::from_secs(10),
        evaluate_every: Duration::from_secs(10),
        unknown_for: Duration::from_secs(60),
    }
}

/// How likely each number of hits is.
fn likely(of: u64, share: f64) -> Vec<f64> {
    let mut logs = vec![0.0];
    for n in 1..=of {
        logs.push(logs[logs.len() - 1] + (n as f64).ln());
    }
    let ways = |hits: u64| logs[of as usize] - logs[hits as usize] - logs[(of - hits) as usize];
    let one = |hits: u64| {
        let (hit, missed) = (hits as f64, (of - hits) as f64);
        let log = |count: f64, share: f64| if count == 0.0 { 0.0 } else { count * share.ln() };
        (ways(hits) + log(hit, share) + log(missed, 1.0 - share)).exp()
    };
    (0..=of).map(one).collect()
}

/// How likely a window of so many samples breaches, summed over all that can be seen.
fn power(objective: &Objective, of: (u64, u64), expected: &Expected) -> f64 {
    let Beside::Against { both_ways, confidence, .. } = objective.beside else { panic!("a canary") };
    let sure = f64::from(confidence) / 100_000.0;
    let z = deviations(if both_ways { f64::midpoint(1.0, sure) } else { sure });
    let (canary, baseline) = (likely(of.0, expected.sees), likely(of.1, expected.usual));
    let mut upto = vec![0.0];
    for one in &baseline {
        upto.push(upto[upto.len() - 1] + one);
    }
    let mut all = 0.0;
    for (hits, one) in canary.iter().enumerate().filter(|(_, one)| **one > 1e-12) {
        // The fewer fail of the baseline, the more the canary is worse.
        let (mut low, mut high) = (0, of.1 + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let worse = difference((hits as u64, of.0), (middle, of.1), z).0 > objective.that.margin();
            if worse && middle <= of.1 { low = middle + 1 } else { high = middle }
        }
        all += one * upto[low as usize];
    }
    all
}

#[test]
fn nine_of_ten_windows_see_the_breach_by_exact_sums() {
    for (that, confidence, usual, sees, rates) in [
        ("error_rate <= 1%", 99_900, 0.001, 0.05, (1.0, 1.0)),
        ("error_rate <= 1%", 99_900, 0.005, 0.05, (2.0, 18.0)),
        ("error_rate <= 5%", 99_900, 0.0, 0.5, (1.0, 1.0)),
        ("error_rate <= 5%", 99_900, 0.001, 0.2, (1.0, 1.0)),
        ("error_rate <= 0.5%", 99_000, 0.01, 0.03, (1.0, 9.0)),
        ("p95 <= 1.5s", 99_900, 0.05, 0.2, (1.0, 4.0)),
        ("p95 <= 1.5s", 99_000, 0.02, 0.3, (1.0, 9.0)),
        ("up >= 99%", 99_900, 0.001, 0.1, (1.0, 1.0)),
    ] {
        let objective = objective(that, confidence, false);
        let expected = Expected { usual, sees, rates };
        let size = size(&objective, &expected).expect("it is seen");
        let seen = power(&objective, (size.canary, size.baseline), &expected);
        assert!((0.895..0.985).contains(&seen), "{that}, {sees}: {size:?} sees {seen}");
        // And two thirds of them are too few: it asks for no more than its words say.
        let fewer = power(&objective, (size.canary * 2 / 3, size.baseline * 2 / 3), &expected);
        assert!(fewer < POWER, "{that}, {sees}: two thirds of {size:?} see {fewer}");
    }
}

#[test]
fn both_ways_and_more_confidence_take_longer() {
    let expected = Expected { usual: 0.001, sees: 0.05, rates: (2.0, 18.0) };
    let of = |confidence, both_ways| size(&objective("error_rate <= 1%", confidence, both_ways), &expected);
    let (less, more) = (of(99_000, false).expect("seen"), of(99_900, false).expect("seen"));
    assert!(less.canary < more.canary && more.canary < of(99_900, true).expect("seen").canary);
    assert_eq!(more.time, Duration::from_secs(more.canary.div_ceil(2)));
    assert_eq!(more.baseline, more.canary * 9);
}

#[test]
fn what_it_lets_pass_it_never_sees() {
    let canary = objective("error_rate <= 2%", 99_900, false);
    let at = |sees: f64| size(&canary, &Expected { usual: 0.01, sees, rates: (1.0, 1.0) });
    assert!(at(0.03).is_none(), "exactly the limit more than usual");
    assert!(at(0.02).is_none() && at(0.005).is_none() && at(1.5).is_none() && at(f64::NAN).is_none());
    assert!(at(0.05).is_some());
    let idle = Expected { usual: 0.01, sees: 0.5, rates: (0.0, 1.0) };
    assert!(size(&canary, &idle).is_none());
    assert!(size(&Objective { beside: Beside::Nothing, ..canary }, &idle).is_none());
}

#[test]
fn never_fewer_than_the_samples_that_are_asked_for() {
    let canary = Objective { min_samples: 500, ..objective("error_rate <= 5%", 99_900, false) };
    let size = size(&canary, &Expected { usual: 0.0, sees: 0.9, rates: (1.0, 0.5) }).expect("seen");
    assert_eq!((size.canary, size.baseline, size.time), (500, 500, Duration::from_secs(1_000)));
}

proptest! {
    #[test]
    fn a_greater_breach_never_takes_longer(usual in 0.0..0.3_f64, more in 0.02..0.3_f64, far in 0.0..0.3_f64, times in 0.1..100.0_f64) {
        let canary = objective("error_rate <= 1%", 99_900, false);
        let of = |sees| size(&canary, &Expected { usual, sees, rates: (1.0, times) });
        let (near, far) = (of(usual + more), of(usual + more + far));
        prop_assert!(near.is_some() && far.is_some());
        prop_assert!(far.map(|size| size.canary) <= near.map(|size| size.canary + 1));
    }
}
