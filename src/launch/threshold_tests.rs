//! What a threshold promises: exact decimals, counted percentiles, no panic on any text.

use proptest::prelude::*;

use super::*;

fn that(text: &str) -> Threshold {
    Threshold::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn base(threshold: &Threshold) -> Unit {
    Unit::base(threshold.limit.unit.dimension)
}

#[test]
fn every_form_is_read_and_said_again() {
    for (text, words) in [
        ("<= 5%", "at most 5%"),
        ("error_rate<=0.3%", "error rate at most 0.3%"),
        ("p95 <= 1.5s", "p95 at most 1.5s"),
        ("p99.9 < 800 ms", "p99.9 less than 800ms"),
        ("up >= 99.90%", "up at least 99.90%"),
        ("max <= 2m", "longest at most 2m"),
        ("value > -0.5", "more than -0.5"),
        ("== 3", "equal to 3"),
        ("!= 0", "other than 0"),
        ("<= 64 MiB", "at most 64MiB"),
    ] {
        assert_eq!(that(text).words(), words, "{text}");
    }
}

#[test]
fn what_is_no_threshold_is_told_with_what_is_near() {
    for (text, told) in [
        ("5%", "compares nothing"),
        ("<= fast", "no number"),
        ("<= 5 prozent", "no unit"),
        ("<= 5 Kib", "did you mean `KiB`"),
        ("eror_rate <= 5%", "did you mean `error_rate`"),
        ("p0 <= 5ms", "no percentile"),
        ("rat <= 5", "did you mean `rate`"),
        ("p100 <= 5ms", "no percentile"),
        ("p95 <= 5", "unit of time"),
        ("p95 == 5ms", "counted"),
        ("p95 <= 0ms", "that short"),
        ("error_rate <= 5s", "percentage"),
        ("error_rate <= 100%", "always"),
        ("error_rate >= 0", "always"),
        ("up > 100%", "no share"),
        ("<= 1234567890123456789", "no number"),
        ("<= 1.", "no number"),
        ("<= .5", "no number"),
        ("=> 5", "no comparison"),
    ] {
        let why = Threshold::parse(text).expect_err(text);
        assert!(why.contains(told), "{text}: {why}");
    }
}

#[test]
fn a_number_is_compared_as_it_is_written() {
    for (text, value, holds) in [
        ("<= 5%", 0.05, true),
        ("<= 5%", 0.050_000_001, false),
        ("< 5%", 0.05, false),
        (">= 0.7%", 0.007, true),
        ("<= 1500ms", 1.5, true),
        ("<= 1.5s", 1.500_1, false),
        ("<= 2min", 120.0, true),
        ("<= 1KiB", 1024.0, true),
        ("== 0.1", 0.1, true),
        ("!= 0", 0.0, false),
        (">= -1", -1.0, true),
    ] {
        let threshold = that(text);
        assert_eq!(threshold.holds(value, base(&threshold)), holds, "{value} {text}");
    }
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for text in ["<= 5", ">= 5", "!= 5"] {
            assert!(!that(text).holds(odd, PLAIN), "{odd} {text}");
        }
    }
}

#[test]
fn a_number_in_its_own_unit_is_compared_exactly() {
    let (percent, ms) = (Unit::parse("%").expect("a unit"), Unit::parse("ms").expect("a unit"));
    assert!(that(">= 0.7%").holds(0.7, percent) && that("<= 0.7%").holds(0.7, percent));
    assert!(!that("<= 0.7%").holds(0.700_1, percent));
    assert!(that("<= 1.5s").holds(1500.0, ms) && !that("<= 1.5s").holds(1500.5, ms));
    assert_eq!(shown(1500.5, ms, &that("<= 1.5s").limit), "1.5005s");
    assert_eq!(shown(0.08, SHARE, &that("<= 5%").limit), "8%");
}

#[test]
fn a_percentile_is_a_count_of_those_beyond() {
    let p95 = that("p95 <= 2s");
    assert!(p95.holds_counted(1, 20) && !p95.holds_counted(2, 20) && p95.holds_counted(5, 100));
    assert!(!p95.holds_counted(6, 100) && p95.holds_counted(50, 1_000) && !p95.holds_counted(51, 1_000));
    let over = that("p95 > 2s");
    assert!(over.holds_counted(6, 100) && !over.holds_counted(5, 100));
    let ms = |ms| Some(Duration::from_millis(ms));
    assert!(!p95.is_against(false, ms(2_000)) && p95.is_against(false, ms(2_001)));
    assert!(that("p95 < 2s").is_against(false, ms(2_000)));
    assert!(p95.is_against(true, None), "no answer is slower than any");
    assert!(!p95.is_against(true, ms(10)), "a quick refusal is quick");
    assert!(that("max <= 2s").holds_counted(0, 3) && !that("max <= 2s").holds_counted(1, 300));
}

#[test]
fn shares_are_counted_without_rounding() {
    for (text, against, of, holds) in [
        ("error_rate <= 29%", 29, 100, true),
        ("error_rate <= 29%", 30, 100, false),
        ("error_rate < 5%", 1, 20, false),
        ("error_rate <= 5%", 1, 20, true),
        ("error_rate <= 0%", 0, 5, true),
        ("error_rate <= 0%", 1, 1_000_000, false),
        ("up >= 99.9%", 1, 1_000, true),
        ("up >= 99.9%", 2, 1_000, false),
    ] {
        assert_eq!(that(text).holds_counted(against, of), holds, "{text} {against}/{of}");
    }
    for text in ["error_rate <= 5%", "error_rate > 5%", "p95 <= 1s", "p95 > 1s", "up >= 5%"] {
        assert!(!that(text).holds_counted(0, 0), "missing data is not health: {text}");
    }
}

#[test]
fn one_sample_alone_never_breaches_with_enough_of_them() {
    for (text, least) in [
        ("error_rate <= 5%", 20),
        ("error_rate < 5%", 21),
        ("error_rate <= 0.3%", 334),
        ("up >= 99.9%", 1_000),
        ("p95 <= 1s", 20),
        ("p99.9 <= 1s", 1_000),
        ("max <= 1s", 1),
        ("<= 5%", 1),
        ("error_rate <= 0%", 1),
    ] {
        let threshold = that(text);
        assert_eq!(threshold.least_samples(), least, "{text}");
        if least > 1 {
            assert!(threshold.holds_counted(1, least) && !threshold.holds_counted(1, least - 1), "{text}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,40}", form in "(p[0-9.]{0,6}|up|max|error_rate|)? ?[<>=!]{1,2} ?-?[0-9.]{0,20} ?[a-zA-Z%]{0,4}") {
        for text in [text, form] {
            if let Ok(threshold) = Threshold::parse(&text) {
                prop_assert!(Threshold::parse(&threshold.limit.words()).is_err(), "a limit alone compares nothing");
                let _ = (threshold.words(), threshold.least_samples(), threshold.example(), threshold.limit.value());
                let _ = threshold.is_against(false, Some(Duration::MAX));
                let _ = threshold.holds_counted(u64::MAX, u64::MAX);
            }
        }
    }

    #[test]
    fn a_percentile_is_what_sorting_would_say(
        mut took in proptest::collection::vec(0_u64..100, 1..60), limit in 1_u64..100, part in 1_u32..100
    ) {
        let threshold = that(&format!("p{part} <= {limit}ms"));
        let against = took.iter().filter(|ms| threshold.is_against(false, Some(Duration::from_millis(**ms)))).count();
        let holds = threshold.holds_counted(against as u64, took.len() as u64);
        took.sort_unstable();
        let rank = (took.len() * part as usize).div_ceil(100);
        prop_assert_eq!(holds, took[rank - 1] <= limit);
    }

    #[test]
    fn an_example_holds_its_own_threshold(is in 0_usize..6, number in 0_u32..1_000_000, places in 0_u32..4, unit in 0_usize..UNITS.len()) {
        let text = format!("{} {}{}", COMPARISONS[is].0, f64::from(number) / 10_f64.powi(places as i32), UNITS[unit].word);
        if let Ok(threshold) = Threshold::parse(&text) {
            let base = Unit::base(UNITS[unit].dimension);
            match threshold.example() {
                Some(example) => prop_assert!(threshold.holds(example, base), "{} {}", text, example),
                // A limit that has no decimal in its base (a third of a minute, say) is equalled by no number.
                None => prop_assert_eq!(COMPARISONS[is].0, "==", "{}", text),
            }
        }
    }
}

#[test]
fn a_share_is_told_in_thousandths_of_a_percent_or_not_at_all() {
    for (text, thousandths) in [
        ("99.9%", Some(99_900)),
        ("0.999", Some(99_900)),
        ("100%", Some(100_000)),
        ("0%", Some(0)),
        ("101%", None),
        ("-1%", None),
        ("99.9999%", None),
        ("1s", None),
    ] {
        let limit = Limit::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(limit.thousandths(), thousandths, "{text}");
    }
}
