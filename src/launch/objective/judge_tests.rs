//! The verdict on an objective as tables: what is counted, what is too little, what a hole hides and what not.

use super::*;
use crate::launch::objective::{Number, Span};
use crate::launch::threshold::Threshold;
use crate::launch::verdict::Verdict::{Fail, Pass, Stale, Unknown};

const AT: Instant = Instant(600_000);

fn objective(that: &str, beside: Beside) -> Objective {
    Objective {
        id: "errors".into(),
        title: "errors".into(),
        signal: "monitor.api".into(),
        beside,
        that: Threshold::parse(that).unwrap_or_else(|wrong| panic!("{that}: {wrong}")),
        window: Duration::from_secs(30),
        min_samples: 20,
        stale_after: Duration::from_secs(20),
        evaluate_every: Duration::from_secs(10),
        unknown_for: Duration::from_secs(60),
    }
}

fn samples(against: u64, of: u64) -> Measured {
    Measured { of, against, ..Measured::default() }
}

fn valued(value: f64) -> Measured {
    Measured { of: 30, value: Number::new(value), ..Measured::default() }
}

fn counts(seen: Measured, beside: Option<Measured>) -> Counts {
    let newest = Some(Instant(AT.0 - 1_000));
    Counts { seen, beside, newest, known: Span(30_000), ..Counts::default() }
}

fn unit(word: &str) -> Unit {
    if word.is_empty() {
        Unit::base(crate::launch::threshold::Dimension::Plain)
    } else {
        Unit::parse(word).expect("a unit")
    }
}

fn told(that: &str, seen: Measured) -> (Verdict, String) {
    judge(&objective(that, Beside::Nothing), unit("ms"), &counts(seen, None), AT)
}

#[test]
fn samples_are_counted_and_what_equals_the_limit_holds() {
    for (that, against, of, verdict, why) in [
        ("error_rate <= 5%", 12, 240, Pass, "5% of 240"),
        ("error_rate <= 5%", 13, 240, Fail, "5.4% of 240"),
        ("error_rate < 5%", 12, 240, Fail, "5% of 240"),
        ("error_rate <= 5%", 501, 10_000, Fail, "5.01% of 10000"),
        ("up >= 99.5%", 1, 200, Pass, "99.5% of 200"),
        ("up >= 99.5%", 2, 200, Fail, "99% of 200"),
        ("p95 <= 1.5s", 12, 240, Pass, "5% of 240 beyond 1.5s"),
        ("p95 <= 1.5s", 13, 240, Fail, "5.4% of 240 beyond 1.5s"),
        ("max <= 2s", 0, 240, Pass, "0 of 240 beyond 2s"),
        ("max <= 2s", 1, 240, Fail, "1 of 240 beyond 2s"),
        ("error_rate >= 90%", 240, 240, Pass, "100% of 240"),
        ("error_rate >= 90%", 200, 240, Fail, "83.3% of 240"),
    ] {
        assert_eq!(told(that, samples(against, of)), (verdict, why.to_owned()), "{that}");
    }
}

#[test]
fn too_few_samples_tell_nothing_neither_health_nor_a_breach() {
    assert_eq!(told("error_rate <= 5%", samples(19, 19)), (Unknown, "19 of 20 samples".to_owned()));
    assert_eq!(told("error_rate <= 5%", samples(0, 19)), (Unknown, "19 of 20 samples".to_owned()));
    // One failure alone is no breach of 1%: of fewer than a hundred none is asked.
    assert_eq!(told("error_rate <= 1%", samples(1, 99)), (Unknown, "99 of 100 samples".to_owned()));
    assert_eq!(told("error_rate <= 1%", samples(0, 100)).0, Pass);
    let none = judge(&objective("error_rate <= 5%", Beside::Nothing), unit(""), &Counts::default(), AT);
    assert_eq!(none, (Unknown, "no data".to_owned()));
}

#[test]
fn old_samples_are_stale_whatever_they_say() {
    for against in [0, 240] {
        let mut counts = counts(samples(against, 240), None);
        counts.newest = Some(Instant(AT.0 - 20_000));
        let errors = objective("error_rate <= 5%", Beside::Nothing);
        assert_ne!(judge(&errors, unit(""), &counts, AT).0, Stale, "just in time");
        counts.newest = Some(Instant(AT.0 - 20_001));
        assert_eq!(judge(&errors, unit(""), &counts, AT), (Stale, "nothing for 20s".to_owned()));
    }
}

#[test]
fn a_hole_takes_a_pass_away_and_hides_no_breach() {
    let errors = objective("error_rate <= 5%", Beside::Nothing);
    for (known, against, verdict) in [
        (30_000, 0, Pass),
        // One bucket may be missing: nobody is told of the newest at once.
        (20_000, 0, Pass),
        (19_999, 0, Unknown),
        (19_999, 240, Fail),
        (0, 0, Unknown),
    ] {
        let counts = Counts { known: Span(known), ..counts(samples(against, 240), None) };
        let (seen, why) = judge(&errors, unit(""), &counts, AT);
        assert_eq!(seen, verdict, "{known} ms known: {why}");
    }
    let narrow = Objective { window: Duration::from_secs(10), ..objective("error_rate <= 5%", Beside::Nothing) };
    let none = Counts { known: Span(0), ..counts(samples(0, 240), None) };
    assert_eq!(judge(&narrow, unit(""), &none, AT).0, Unknown, "one bucket that nobody watched is no window");
    // What grew while nobody watched is missing: that too little did is not seen.
    let traffic = objective("rate >= 10", Beside::Nothing);
    let hole = Counts { known: Span(10_000), ..counts(valued(100.0), None) };
    assert_eq!(judge(&traffic, unit(""), &hole, AT).0, Unknown);
    let growth = objective("rate <= 1", Beside::Nothing);
    assert_eq!(judge(&growth, unit(""), &hole, AT).0, Fail, "that too much did, is");
}

#[test]
fn one_of_several_that_is_silent_takes_a_pass_away_and_hides_no_breach() {
    let errors = objective("error_rate <= 5%", Beside::Per("requests".into()));
    let silent = |counts: Counts| Counts { silent: Some("api-2".into()), ..counts };
    let judged = |objective: &Objective, counts: Counts| judge(objective, unit(""), &silent(counts), AT);
    let (well, bad) = (counts(valued(2.0), Some(valued(240.0))), counts(valued(40.0), Some(valued(240.0))));
    assert_eq!(judged(&errors, well), (Unknown, "0.8% of 240, but api-2 tells nothing".to_owned()));
    assert_eq!(judged(&errors, bad).0, Fail);
    // What the silent one grew by is missing: that too little did is not seen, that too much did is.
    let traffic = objective("rate >= 10", Beside::Nothing);
    assert_eq!(judged(&traffic, counts(valued(100.0), None)), (Unknown, "3.333/s, but api-2 tells nothing".to_owned()));
    assert_eq!(judged(&objective("rate <= 1", Beside::Nothing), counts(valued(100.0), None)).0, Fail);
}

#[test]
fn numbers_are_compared_in_the_unit_of_their_signal() {
    for (that, value, verdict, why) in [
        ("<= 1.5s", 1_500.0, Pass, "1.5s"),
        ("<= 1.5s", 1_500.1, Fail, "1.5001s"),
        ("<= 250ms", 212.0, Pass, "212ms"),
        ("rate <= 10ms", 300.0, Pass, "10ms/s"),
        ("rate <= 10ms", 301.0, Fail, "10.033ms/s"),
        ("rate <= 0.1ms", 3.0, Pass, "0.1ms/s"),
        ("change <= 30ms", 31.0, Fail, "31ms in 30s"),
        ("change >= 1ms", 0.0, Fail, "0ms in 30s"),
    ] {
        assert_eq!(told(that, valued(value)), (verdict, why.to_owned()), "{that}");
    }
    let none = Measured { of: 30, ..Measured::default() };
    assert_eq!(told("<= 1.5s", none), (Unknown, "no number".to_owned()));
    assert_eq!(told("rate <= 1ms", none), (Unknown, "too few samples to grow".to_owned()));
}

#[test]
fn a_ratio_of_growths_needs_enough_to_be_a_share_of() {
    let errors = objective("error_rate <= 5%", Beside::Per("requests".into()));
    for (part, whole, verdict, why) in [
        (12.0, 240.0, Pass, "5% of 240"),
        (13.0, 240.0, Fail, "5.4% of 240"),
        (3.0, 19.0, Unknown, "19 of 20"),
        (0.0, 0.0, Unknown, "nothing grew that it could be a share of"),
        (2.0, 0.0, Unknown, "nothing grew that it could be a share of"),
    ] {
        let counts = counts(valued(part), Some(valued(whole)));
        assert_eq!(judge(&errors, unit(""), &counts, AT), (verdict, why.to_owned()), "{part} of {whole}");
    }
    let alone = counts(valued(0.0), None);
    assert_eq!(judge(&errors, unit(""), &alone, AT).0, Unknown, "the other side is missing");
}

#[test]
fn a_difference_is_of_the_same_figure_of_both() {
    let judged = |that: &str, seen, beside| {
        judge(&objective(that, Beside::Minus("old".into())), unit("ms"), &counts(seen, Some(beside)), AT)
    };
    assert_eq!(judged("error_rate <= 2%", samples(7, 100), samples(5, 100)).0, Pass, "2% exactly");
    let worse = judged("error_rate <= 2%", samples(8, 100), samples(5, 100));
    assert_eq!(worse, (Fail, "3% (8% − 5%)".to_owned()));
    assert_eq!(judged("<= 0.2ms", valued(0.3), valued(0.1)).0, Pass, "0.3 - 0.1 is 0.2");
    assert_eq!(judged("<= 0.2ms", valued(0.31), valued(0.1)).0, Fail);
    assert_eq!(judged("error_rate <= 2%", samples(7, 100), samples(0, 19)).0, Unknown, "too few beside");
    assert_eq!(judged("p95 <= 2s", samples(7, 100), samples(0, 100)).0, Unknown, "no percentile is known");
}

#[test]
fn a_canary_breaches_only_where_the_whole_interval_lies_beyond_the_limit() {
    let judged = |that: &str, both_ways, seen, beside| {
        let against = Beside::Against { baseline: "old".into(), both_ways, confidence: 99_900 };
        judge(&objective(that, against), unit(""), &counts(seen, Some(beside)), AT).0
    };
    // Twice as many errors, but of few: noise.
    assert_eq!(judged("error_rate <= 0%", false, samples(4, 100), samples(20, 1_000)), Pass);
    assert_eq!(judged("error_rate <= 0%", false, samples(40, 1_000), samples(20, 1_000)), Pass);
    assert_eq!(judged("error_rate <= 0%", false, samples(50, 1_000), samples(20, 1_000)), Fail);
    assert_eq!(judged("error_rate <= 5%", false, samples(50, 1_000), samples(20, 1_000)), Pass, "five points allowed");
    assert_eq!(judged("up >= 95%", false, samples(500, 1_000), samples(20, 1_000)), Fail);
    // Better is no breach, unless a difference is.
    assert_eq!(judged("error_rate <= 0%", false, samples(20, 1_000), samples(80, 1_000)), Pass);
    assert_eq!(judged("error_rate <= 0%", true, samples(20, 1_000), samples(80, 1_000)), Fail);
    // Both sides need enough.
    assert_eq!(judged("error_rate <= 0%", false, samples(19, 19), samples(0, 1_000)), Unknown);
    assert_eq!(judged("error_rate <= 0%", false, samples(1_000, 1_000), samples(0, 19)), Unknown);
    let more = objective("<= 5ms", Beside::Against { baseline: "old".into(), both_ways: false, confidence: 99_900 });
    assert_eq!(judge(&more, unit("ms"), &counts(valued(9.0), Some(valued(1.0))), AT).0, Unknown, "no samples");
}

proptest::proptest! {
    /// However odd the counts are, there is a verdict, and of nothing it is never a pass.
    #[test]
    fn every_count_has_a_verdict(
        that in proptest::sample::select(vec![
            "error_rate <= 5%", "up > 99%", "p99.9 <= 1ms", "max <= 1s", "rate <= 5", "change > 0.1", "<= 5", "!= 3",
        ]),
        of in 0_u64.., against in 0_u64.., value in proptest::num::f64::ANY, known in 0_u64..60_000,
        form in 0_u8..5, newest in proptest::option::of(0_i64..700_000), confidence in 0_u32..,
    ) {
        let beside = match form {
            0 => Beside::Nothing,
            1 => Beside::Per("b".into()),
            2 => Beside::Minus("b".into()),
            other => Beside::Against { baseline: "b".into(), both_ways: other == 3, confidence },
        };
        let measured = Measured { of, against, value: Number::new(value), ..Measured::default() };
        let counts = Counts {
            seen: measured, beside: Some(measured), newest: newest.map(Instant), known: Span(known), ..Counts::default()
        };
        let (verdict, why) = judge(&objective(that, beside), unit(""), &counts, AT);
        proptest::prop_assert!(!why.is_empty());
        if verdict == Pass {
            let enough = if form == 1 { value >= 20.0 } else { of >= 20 };
            proptest::prop_assert!(enough && newest.is_some() && known >= 20_000);
        }
    }
}
