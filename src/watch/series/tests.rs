//! What a series counts: buckets, lateness, counters, histograms, and any order of all of it.

use proptest::prelude::*;

use super::*;

const WIDTH: i64 = 10_000;

fn terms(that: &str, counter: bool) -> Terms {
    Terms {
        that: Threshold::parse(that).expect("a threshold"),
        unit: Unit::parse("s").expect("a unit"),
        counter,
        width: Duration::from_secs(10),
        window: Duration::from_secs(30),
        patience: Duration::from_secs(60),
    }
}

fn series(that: &str) -> Series {
    Series::new(terms(that, false))
}

fn counter() -> Series {
    Series::new(terms("<= 100", true))
}

fn point(at: i64, taken: Taken) -> Point {
    Point { at: Instant(at), taken, generated: false }
}

fn looked(at: i64, verdict: Verdict, ms: u64) -> Point {
    point(at, Taken::Look { verdict, took: Duration::from_millis(ms) })
}

fn number(at: i64, value: f64, instance: Option<&str>) -> Point {
    point(at, Taken::Number { value, instance: instance.map(Arc::from), samples: None })
}

fn histogram(at: i64, upto: &[(f64, f64)]) -> Point {
    point(at, Taken::Histogram { upto: upto.into(), instance: None })
}

/// Takes points as they happen.
fn take(series: &mut Series, points: &[Point]) {
    points.iter().for_each(|point| series.take(point, point.at));
}

fn measured(series: &Series, at: i64) -> Measured {
    series.measure(Instant(at)).measured
}

fn counts(series: &Series, at: i64) -> (u64, u64, u64) {
    let Measured { of, against, untold, .. } = measured(series, at);
    (of, against, untold)
}

fn value(series: &Series, at: i64) -> Option<f64> {
    measured(series, at).value.map(Number::get)
}

#[test]
fn a_window_is_the_whole_buckets_before_its_end() {
    use Verdict::{Fail, Pass};
    let mut series = series("error_rate <= 5%");
    let all = [(0, Pass), (9_999, Fail), (10_000, Pass), (29_999, Fail), (30_000, Fail), (39_999, Pass)];
    take(&mut series, &all.map(|(at, verdict)| looked(at, verdict, 5)));
    // What falls on the end is the next bucket's, and what falls on the beginning is the first's.
    assert_eq!(counts(&series, 30_000), (4, 2, 0));
    assert_eq!(counts(&series, 40_000), (4, 2, 0));
    assert_eq!(counts(&series, 10_000), (2, 1, 0));
    assert_eq!(counts(&series, 0), (0, 0, 0));
    assert_eq!(series.measure(Instant(30_000)).newest, Some(Instant(29_999)));
    // The newest of all is known after its window has passed.
    assert_eq!(series.measure(Instant(90_000)).newest, Some(Instant(39_999)));
}

#[test]
fn what_cannot_be_told_is_neither_health_nor_failure_and_a_timeout_is_a_failure() {
    use Verdict::{Fail, Pass, Skipped, Stale, Unknown, Warn};
    let mut rates = series("error_rate <= 5%");
    let all = [Pass, Warn, Fail, Unknown, Stale, Skipped];
    take(&mut rates, &all.map(|verdict| looked(1_000, verdict, 5)));
    take(&mut rates, &[point(1_500, Taken::Nothing)]);
    assert_eq!(counts(&rates, 10_000), (3, 1, 3));
    let mut late = series("p95 <= 1.5s");
    // At the limit is within it; a refusal that came fast is no fast answer; what took no time was not measured.
    let all = [(Pass, 1_500), (Pass, 1_501), (Fail, 1), (Fail, 0), (Pass, 0), (Unknown, 9_000)];
    take(&mut late, &all.map(|(verdict, ms)| looked(1_000, verdict, ms)));
    assert_eq!(counts(&late, 10_000), (4, 3, 2));
}

#[test]
fn a_sample_counts_up_to_a_bucket_late_and_then_as_late() {
    let mut series = series("error_rate <= 5%");
    let late = looked(5_000, Verdict::Fail, 5);
    series.take(&late, Instant(19_999));
    assert_eq!((counts(&series, 10_000), series.measure(Instant(10_000)).late), ((1, 1, 0), 0));
    series.take(&late, Instant(20_000));
    assert_eq!((counts(&series, 10_000), series.measure(Instant(20_000)).late), ((1, 1, 0), 1));
    // From a clock that is a little ahead it counts now, from one far ahead it tells nothing.
    series.take(&looked(31_000, Verdict::Pass, 5), Instant(29_500));
    assert_eq!(counts(&series, 30_000), (2, 1, 0));
    series.take(&looked(90_000, Verdict::Pass, 5), Instant(29_500));
    let side = series.measure(Instant(30_000));
    assert_eq!((side.measured.of, side.measured.untold, side.newest), (2, 1, Some(Instant(29_500))));
}

#[test]
fn a_level_is_its_newest_number_with_its_own_samples() {
    let mut series = series("<= 100s");
    let of = |at, value, samples| point(at, Taken::Number { value, instance: None, samples });
    take(&mut series, &[of(1_000, 7.0, Some(40)), of(9_000, 8.0, Some(50))]);
    series.take(&of(5_000, 9.0, Some(60)), Instant(11_000));
    assert_eq!((value(&series, 10_000), counts(&series, 10_000).0), (Some(8.0), 50), "by event time");
    take(&mut series, &[of(12_000, 3.0, None), of(13_000, f64::NAN, None)]);
    assert_eq!((value(&series, 20_000), counts(&series, 20_000)), (Some(3.0), (4, 0, 1)), "as many as came");
    assert_eq!((value(&series, 60_000), series.measure(Instant(60_000)).newest), (None, Some(Instant(12_000))));
}

#[test]
fn a_counter_counts_what_grew_each_process_for_itself() {
    let mut series = counter();
    // Its first stand tells where it counts from, and nothing of what grew.
    take(&mut series, &[number(1_000, 500.0, Some("a"))]);
    assert_eq!((value(&series, 10_000), counts(&series, 10_000).0), (None, 0));
    take(&mut series, &[number(2_000, 510.0, Some("a")), number(3_000, 90.0, Some("b"))]);
    assert_eq!(value(&series, 10_000), Some(10.0));
    // One that began anew has grown what it stands at; one that is gone takes nothing away.
    take(&mut series, &[number(12_000, 4.0, Some("a")), number(13_000, 6.0, Some("a"))]);
    let seen = measured(&series, 20_000);
    assert_eq!((seen.value.map(Number::get), seen.resets, seen.of), (Some(16.0), 1, 3));
    // An increase is of the bucket of its later end, once.
    take(&mut series, &[number(45_000, 7.0, Some("a"))]);
    assert_eq!(value(&series, 50_000), Some(1.0));
    assert_eq!(value(&series, 40_000), Some(6.0));
    // After a silence it counts from where it is seen again.
    take(&mut series, &[number(106_000, 9_000.0, Some("a")), number(107_000, 9_001.0, Some("a"))]);
    assert_eq!(value(&series, 110_000), Some(1.0));
}

#[test]
fn a_restart_never_looks_like_recovery() {
    // Ten errors a second; the process begins anew every five seconds, and so does its counter.
    let mut series = counter();
    let points: Vec<Point> =
        (0..60).map(|second| number(second * 1_000, f64::from((second as u32 % 5) * 10 + 10), Some("a"))).collect();
    take(&mut series, &points);
    for at in [30_000, 40_000, 60_000] {
        let grown = value(&series, at).expect("steps");
        assert!((290.0..=300.0).contains(&grown), "{at}: {grown}");
    }
}

#[test]
fn a_histogram_is_counted_by_a_bucket_that_ends_at_the_threshold_and_by_no_other() {
    let upto = |half: f64, one: f64, all: f64| [(0.5, half), (1.0, one), (f64::INFINITY, all)];
    let mut seen = series("p95 <= 1s");
    take(&mut seen, &[histogram(1_000, &upto(10.0, 20.0, 30.0)), histogram(2_000, &upto(50.0, 100.0, 130.0))]);
    assert_eq!(counts(&seen, 10_000), (100, 20, 0));
    // Begun anew: what it stands at counts.
    take(&mut seen, &[histogram(3_000, &upto(1.0, 3.0, 10.0))]);
    assert_eq!((counts(&seen, 10_000), measured(&seen, 10_000).resets), ((110, 27, 0), 1));
    for (that, why) in [
        ("p95 <= 1.5s", "1.5s is above the top bucket of the histogram, which ends at 1s"),
        ("p95 <= 750ms", "no bucket of the histogram ends at 750ms: the nearest end at 0.5s and 1s"),
        ("p95 <= 0.25s", "no bucket of the histogram ends at 0.25s: the nearest end at 0s and 0.5s"),
        ("p95 < 1s", "a histogram counts what is at most 1s: compare with `<=` or `>`"),
        ("<= 5", "a histogram is no number: write `p95`"),
    ] {
        let mut series = series(that);
        take(&mut series, &[histogram(1_000, &upto(1.0, 1.0, 1.0)), histogram(2_000, &upto(9.0, 9.0, 9.0))]);
        let side = series.measure(Instant(10_000));
        assert_eq!(side.refused.as_deref(), Some(why));
        assert_eq!((side.measured.of, side.measured.untold, side.newest), (0, 2, None), "{that}");
    }
    // Without its last bucket, or running backwards, it tells nothing.
    for upto in [&[(0.5, 1.0), (1.0, 2.0)][..], &[(1.0, 2.0), (f64::INFINITY, 1.0)], &[]] {
        let mut series = series("p95 <= 1s");
        take(&mut series, &[histogram(1_000, upto)]);
        assert_eq!(counts(&series, 10_000), (0, 0, 1));
    }
}

#[test]
fn samples_that_the_threshold_does_not_fit_are_refused_with_a_reason() {
    let refused = |that: &str, counts: bool, point: Point| {
        let mut series = Series::new(terms(that, counts));
        take(&mut series, &[point]);
        let side = series.measure(Instant(10_000));
        assert_eq!((side.measured.of, side.measured.untold), (0, 1));
        side.refused.expect("a reason")
    };
    assert!(refused("<= 5", false, looked(1, Verdict::Pass, 1)).contains("`error_rate`"));
    assert!(refused("error_rate <= 5%", false, number(1, 0.0, None)).contains("neither fails nor passes"));
    assert!(refused("p95 <= 1s", true, number(1, 0.0, None)).contains("no latencies"));
}

#[test]
fn a_day_of_samples_is_as_many_buckets() {
    let day = Duration::from_secs(86_400);
    let mut series = Series::new(Terms { window: day, ..terms("p95 <= 1s", false) });
    for second in 0..3 * 86_400 {
        take(&mut series, &[looked(second * 1_000, Verdict::Pass, 1 + second.unsigned_abs() % 5)]);
    }
    // The oldest of them lie in a span that is let go of as a whole.
    assert!((8_644..8_644 + 64).contains(&series.ring.len()), "{}", series.ring.len());
    assert!(series.ring.bytes() < 8_640 * 45, "{}", series.ring.bytes());
    assert_eq!(counts(&series, 3 * 86_400_000).0, 86_400);
    let mut counter = Series::new(Terms { window: day, ..terms("<= 1", true) });
    for second in 0..86_400 {
        let pod = format!("pod-{}", second / 600);
        take(&mut counter, &[number(second * 1_000, f64::from(second as u32), Some(&pod))]);
    }
    assert!(counter.growth.len() <= 145, "{}", counter.growth.len());
}

/// Any points within the lateness that is allowed, each with when it comes.
fn arrivals() -> impl Strategy<Value = Vec<(Point, i64)>> {
    let taken = prop_oneof![
        (0_u8..6, 0_u64..3_000).prop_map(|(verdict, ms)| {
            let all = [Verdict::Pass, Verdict::Fail, Verdict::Warn, Verdict::Unknown, Verdict::Stale, Verdict::Skipped];
            Taken::Look { verdict: all[usize::from(verdict)], took: Duration::from_millis(ms) }
        }),
        (-1_i32..40, 0_u8..3, prop::option::of(0_u64..9)).prop_map(|(value, instance, samples)| {
            let instance = (instance > 0).then(|| Arc::from(instance.to_string()));
            Taken::Number { value: f64::from(value), instance, samples }
        }),
        prop::collection::vec(0_i32..40, 3).prop_map(|mut counts| {
            counts.sort_unstable();
            let bounds = [0.5, 1.0, f64::INFINITY];
            let upto: Vec<(f64, f64)> = bounds.into_iter().zip(counts.into_iter().map(f64::from)).collect();
            Taken::Histogram { upto: upto.into(), instance: None }
        }),
        Just(Taken::Nothing),
    ];
    let each = (0_i64..120_000, taken, 0_i64..20_000).prop_map(|(at, taken, lag)| {
        // Never more than a bucket late.
        let latest = (at.div_euclid(WIDTH) + 2) * WIDTH - 1;
        (point(at, taken), (at + lag).min(latest))
    });
    prop::collection::vec(each, 0..60)
}

proptest! {
    #[test]
    fn any_order_within_the_lateness_gives_the_same_counts(
        arrivals in arrivals(),
        kind in 0_usize..4,
    ) {
        let (that, counter) = [("error_rate <= 5%", false), ("p95 <= 1s", false), ("<= 5s", false), ("<= 5", true)][kind];
        let mut in_order = Series::new(terms(that, counter));
        let mut points: Vec<Point> = arrivals.iter().map(|(point, _)| point.clone()).collect();
        points.sort_by_key(|point| point.at);
        take(&mut in_order, &points);
        let mut as_they_came = Series::new(terms(that, counter));
        let mut arrivals = arrivals;
        arrivals.sort_by_key(|(_, came)| *came);
        for (point, came) in &arrivals {
            as_they_came.take(point, Instant(*came));
        }
        for at in (120_000..=160_000).step_by(10_000) {
            let (one, other) = (in_order.measure(Instant(at)), as_they_came.measure(Instant(at)));
            // The sketch is for people.
            let bare = |side: &Side| Side { measured: Measured { shown: None, ..side.measured }, ..side.clone() };
            prop_assert_eq!(bare(&one), bare(&other), "{} at {}", that, at);
        }
    }

    #[test]
    fn no_sample_makes_it_panic_and_no_more_count_against_than_there_are(
        points in prop::collection::vec((any::<i64>(), any::<i64>(), any::<f64>(), prop::num::f64::ANY), 0..40),
        at in any::<i64>(),
    ) {
        for (that, counter) in [("error_rate <= 5%", false), ("p95 <= 1s", false), ("<= 5s", false), ("<= 5", true)] {
            let mut series = Series::new(terms(that, counter));
            for (at, now, value, bound) in &points {
                let upto: Arc<[(f64, f64)]> = [(*bound, *value), (1.0, *value), (f64::INFINITY, *value)].into();
                series.take(&number(*at, *value, None), Instant(*now));
                series.take(&point(*at, Taken::Histogram { upto, instance: None }), Instant(*now));
                series.take(&looked(*at, Verdict::Fail, 7), Instant(*now));
            }
            let side = series.measure(Instant(at));
            prop_assert!(side.measured.against <= side.measured.of);
        }
    }
}
