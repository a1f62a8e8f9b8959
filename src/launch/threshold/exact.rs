//! Numbers that are compared as the decimals they are written as: a sum, a difference or a share of them is a
//! fraction, so that what is equal to a limit is not told from it by a bit. Part of [`super`].

use super::{Of, Threshold, Unit, plain_decimal};

/// A number that was measured, or made of such.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// Numerator and denominator; none where they are too long to be kept.
    exact: Option<(i128, i128)>,
    about: f64,
}

impl Figure {
    #[must_use]
    pub fn of(value: f64) -> Self {
        Self { exact: decimal(value), about: value }
    }

    #[must_use]
    pub fn share(part: u64, whole: u64) -> Self {
        let about = part as f64 / whole as f64;
        Self { exact: reduced(i128::from(part), i128::from(whole)), about }
    }

    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        let exact = self
            .exact
            .zip(other.exact)
            .and_then(|((a, b), (c, d))| reduced(a.checked_mul(d)?.checked_sub(c.checked_mul(b)?)?, b.checked_mul(d)?));
        Self { exact, about: self.about - other.about }
    }

    /// Nothing finite where `other` is nothing.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        let exact = self.exact.zip(other.exact).and_then(|((a, b), (c, d))| {
            let (over, by) = (a.checked_mul(d)?, b.checked_mul(c)?);
            if by < 0 { reduced(over.checked_neg()?, by.checked_neg()?) } else { reduced(over, by) }
        });
        Self { exact, about: self.about / other.about }
    }

    #[must_use]
    pub fn get(self) -> f64 {
        self.about
    }
}

impl Threshold {
    /// Whether a number in `unit` holds it; none that is not finite does.
    #[must_use]
    pub fn holds_figure(&self, figure: Figure, unit: Unit) -> bool {
        let exact = || {
            let (number, by) = figure.exact?;
            let (limit, of) = self.limit.ratio();
            let left = number.checked_mul(unit.times)?.checked_mul(of)?;
            Some(left.cmp(&limit.checked_mul(unit.by)?.checked_mul(by)?))
        };
        let about = || {
            let base = figure.about * unit.times as f64 / unit.by as f64;
            base.partial_cmp(&self.limit.value())
        };
        figure.about.is_finite() && exact().or_else(about).is_some_and(|order| self.is.admits(order))
    }

    /// True where more of what counts against it breaches it, not less.
    #[must_use]
    pub fn is_upper(&self) -> bool {
        let upper = matches!(self.is, super::Is::AtMost | super::Is::Less);
        if self.of == Of::Up { !upper } else { upper }
    }

    /// The share that samples are held to, as numerator and denominator: its limit, or the tail of a percentile.
    #[must_use]
    pub fn share(&self) -> (i128, i128) {
        match self.of {
            Of::ErrorRate | Of::Up => self.limit.ratio(),
            Of::Percentile(part) => (100_000 - i128::from(part.min(100_000)), 100_000),
            Of::Max | Of::Value | Of::Rate | Of::Change => (0, 1),
        }
    }

    /// Its limit as a share, whatever is compared with it.
    #[must_use]
    pub fn limit_share(&self) -> (i128, i128) {
        self.limit.ratio()
    }

    /// The fewest of which one alone cannot be more than the limit, where that is a share.
    #[must_use]
    pub fn least_of_share(&self) -> u64 {
        let (part, whole) = self.limit.ratio();
        if part <= 0 || part >= whole || !matches!(self.is, super::Is::AtMost | super::Is::Less) {
            return 1;
        }
        let least = whole / part + i128::from(self.is == super::Is::Less || whole % part != 0);
        u64::try_from(least).unwrap_or(u64::MAX)
    }

    /// The share of bad samples that it allows: what a canary may be worse by than its baseline. Where good ones
    /// are limited (`up`, a negative control), bad is what is not good.
    #[must_use]
    pub fn margin(&self) -> f64 {
        let (number, by) = self.share();
        let upper = matches!(self.is, super::Is::AtMost | super::Is::Less);
        let number = if upper { number } else { by - number };
        (number as f64 / by as f64).clamp(0.0, 1.0)
    }

    /// How many of `of` samples are bad, for what [`Threshold::margin`] says.
    #[must_use]
    pub fn bad(&self, against: u64, of: u64) -> u64 {
        let against = against.min(of);
        if self.is_upper() { against } else { of - against }
    }
}

/// `part` of `whole` as a percentage, with as few decimals as tell it from the share `beside`.
#[must_use]
pub fn percent(part: u64, whole: u64, beside: (i128, i128)) -> String {
    let whole = whole.max(1);
    let shown = |places: u32| {
        let by = 10_i128.pow(places);
        let rounded = (i128::from(part) * 200 * by + i128::from(whole)) / (2 * i128::from(whole));
        (rounded, by, places)
    };
    let order = |part: i128, whole: i128| part.saturating_mul(beside.1).cmp(&beside.0.saturating_mul(whole));
    let exact = order(i128::from(part), i128::from(whole));
    let tells = |(rounded, by, _): &(i128, i128, u32)| order(*rounded, by * 100) == exact;
    let (rounded, by, places) = (1..=6).map(shown).find(tells).unwrap_or_else(|| shown(6));
    let digits = format!("{}.{:0width$}", rounded / by, rounded % by, width = places as usize);
    format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'))
}

fn decimal(value: f64) -> Option<(i128, i128)> {
    let text = value.abs().to_string();
    let (number, places) = (value.is_finite() && text.len() <= 24).then(|| plain_decimal(&text)).flatten()?;
    reduced(if value < 0.0 { -number } else { number }, 10_i128.checked_pow(places)?)
}

fn reduced(number: i128, by: i128) -> Option<(i128, i128)> {
    let (mut a, mut b) = (number.checked_abs()?, by);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (by > 0).then(|| (number / a.max(1), by / a.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(text: &str) -> Threshold {
        Threshold::parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}"))
    }

    #[test]
    fn what_equals_a_limit_holds_it_however_it_was_reckoned() {
        let unit = Unit::parse("ms").expect("a unit");
        let difference = Figure::of(0.3).minus(Figure::of(0.1));
        assert!(threshold("<= 0.2ms").holds_figure(difference, unit), "0.3 - 0.1 is 0.2");
        assert!(!threshold("< 0.2ms").holds_figure(difference, unit));
        let share = Figure::of(1.0).over(Figure::of(3.0));
        let three = Figure::of(3.0);
        let plain = Unit::base(super::super::Dimension::Plain);
        assert!(threshold("<= 1").holds_figure(share.over(Figure::of(1.0).over(three)), plain));
        assert!(!threshold("<= 5").holds_figure(Figure::of(1.0).over(Figure::of(0.0)), unit), "nothing finite");
    }

    #[test]
    fn a_share_is_shown_on_its_own_side_of_the_limit() {
        let limit = threshold("error_rate <= 5%").share();
        for (part, whole, shown) in
            [(1, 20, "5%"), (501, 10_000, "5.01%"), (61, 1_000, "6.1%"), (0, 9, "0%"), (1, 3, "33.3%"), (9, 9, "100%")]
        {
            assert_eq!(percent(part, whole, limit), shown);
        }
    }

    #[test]
    fn a_margin_is_the_bad_share_that_is_allowed() {
        for (text, margin, bad) in [
            ("error_rate <= 5%", 0.05, 3),
            ("up >= 99%", 0.01, 3),
            ("p95 <= 1.5s", 0.05, 3),
            ("max <= 1.5s", 0.0, 3),
            ("error_rate >= 90%", 0.1, 97),
        ] {
            let that = threshold(text);
            assert!((that.margin() - margin).abs() < 1e-12, "{text}: {}", that.margin());
            assert_eq!(that.bad(3, 100), bad, "{text}");
        }
    }
}
