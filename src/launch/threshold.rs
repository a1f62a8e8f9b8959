//! A threshold on a number: `<= 5%`, `error_rate <= 5%`, `p95 <= 1.5s`, `>= 99.9`. Exact: a limit is kept as the
//! decimal that was written, shares and percentiles are counted, never estimated. Signals and objectives share
//! it. It knows no clock and no source; how many samples are enough is its caller's to ask.

use std::cmp::Ordering;
use std::time::Duration;

use crate::base::source::nearest;

mod exact;

pub use exact::{Figure, percent};

/// A number of the plan has at most this many digits.
const DIGITS: usize = 15;

/// What a number must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    pub of: Of,
    pub is: Is,
    pub limit: Limit,
}

/// What of a signal is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The one number that the source gives.
    Value,
    /// The share of samples that failed.
    ErrorRate,
    /// The share of samples that did not fail.
    Up,
    /// A percentile of the samples' latencies, in thousandths of a percent: p99.9 is 99 900.
    Percentile(u32),
    /// The longest latency.
    Max,
    /// How much a counter grows each second.
    Rate,
    /// How much a counter grows in the window.
    Change,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    AtMost,
    Less,
    AtLeast,
    More,
    Equal,
    Other,
}

/// A limit as it was written: `number / 10^places`, in its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    number: i128,
    places: u32,
    pub unit: Unit,
}

/// What a number is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    Plain,
    /// Of one: 5% is 0.05.
    Share,
    /// Seconds.
    Time,
    /// Bytes.
    Size,
}

/// A unit: how many of its dimension's base it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    pub word: &'static str,
    pub dimension: Dimension,
    times: i128,
    by: i128,
}

const fn unit(word: &'static str, dimension: Dimension, times: i128, by: i128) -> Unit {
    Unit { word, dimension, times, by }
}

const PLAIN: Unit = unit("", Dimension::Plain, 1, 1);
const SHARE: Unit = unit("ratio", Dimension::Share, 1, 1);
const SECOND: Unit = unit("s", Dimension::Time, 1, 1);
const BYTE: Unit = unit("B", Dimension::Size, 1, 1);

/// Every unit that a plan may write.
const UNITS: &[Unit] = &[
    unit("%", Dimension::Share, 1, 100),
    SHARE,
    unit("us", Dimension::Time, 1, 1_000_000),
    unit("ms", Dimension::Time, 1, 1_000),
    SECOND,
    unit("min", Dimension::Time, 60, 1),
    unit("m", Dimension::Time, 60, 1),
    unit("h", Dimension::Time, 3_600, 1),
    unit("d", Dimension::Time, 86_400, 1),
    BYTE,
    unit("kB", Dimension::Size, 1_000, 1),
    unit("MB", Dimension::Size, 1_000_000, 1),
    unit("GB", Dimension::Size, 1_000_000_000, 1),
    unit("TB", Dimension::Size, 1_000_000_000_000, 1),
    unit("KiB", Dimension::Size, 1 << 10, 1),
    unit("MiB", Dimension::Size, 1 << 20, 1),
    unit("GiB", Dimension::Size, 1 << 30, 1),
    unit("TiB", Dimension::Size, 1 << 40, 1),
];

const COMPARISONS: [(&str, Is); 6] =
    [("<=", Is::AtMost), (">=", Is::AtLeast), ("==", Is::Equal), ("!=", Is::Other), ("<", Is::Less), (">", Is::More)];

impl Unit {
    /// # Errors
    /// The units there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known = || UNITS.iter().map(|unit| unit.word);
        UNITS.iter().copied().find(|unit| unit.word == text).ok_or_else(|| {
            let near = nearest(text, known()).map(|near| format!(", did you mean `{near}`")).unwrap_or_default();
            format!("`{text}` is no unit{near}: one of {}", known().collect::<Vec<_>>().join(", "))
        })
    }

    /// How many of its dimension's base one of it is.
    #[must_use]
    pub fn in_base(self) -> f64 {
        self.times as f64 / self.by as f64
    }

    /// What a number without a unit of its own is: a ratio, seconds, bytes.
    #[must_use]
    pub fn base(dimension: Dimension) -> Self {
        match dimension {
            Dimension::Plain => PLAIN,
            Dimension::Share => SHARE,
            Dimension::Time => SECOND,
            Dimension::Size => BYTE,
        }
    }
}

impl Is {
    fn admits(self, order: Ordering) -> bool {
        match self {
            Self::AtMost => order.is_le(),
            Self::Less => order.is_lt(),
            Self::AtLeast => order.is_ge(),
            Self::More => order.is_gt(),
            Self::Equal => order.is_eq(),
            Self::Other => order.is_ne(),
        }
    }

    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::AtMost => "at most",
            Self::Less => "less than",
            Self::AtLeast => "at least",
            Self::More => "more than",
            Self::Equal => "equal to",
            Self::Other => "other than",
        }
    }
}

impl Of {
    /// # Errors
    /// The words there are.
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" | "value" => return Ok(Self::Value),
            "error_rate" => return Ok(Self::ErrorRate),
            "up" => return Ok(Self::Up),
            "max" => return Ok(Self::Max),
            "rate" => return Ok(Self::Rate),
            "change" => return Ok(Self::Change),
            _ => {}
        }
        if let Some(digits) = text.strip_prefix('p')
            && let Some((number, places)) = decimal(digits)
        {
            let thousandths = number.checked_mul(1_000).map(|number| (number, 10_i128.pow(places)));
            return match thousandths {
                Some((number, by)) if number % by == 0 && (1..100_000).contains(&(number / by)) => {
                    Ok(Self::Percentile(u32::try_from(number / by).unwrap_or_default()))
                }
                _ => Err(format!("`{text}` is no percentile: p50, p95, p99.9")),
            };
        }
        let words = ["value", "error_rate", "up", "max", "p50", "p95", "p99", "rate", "change"];
        let near = nearest(text, words).map(|near| format!(", did you mean `{near}`")).unwrap_or_default();
        Err(format!("`{text}` is nothing of a signal{near}: one of {}", words.join(", ")))
    }

    /// True where it is counted over samples; false for the one number of a source, or how it grows.
    #[must_use]
    pub fn is_counted(self) -> bool {
        !matches!(self, Self::Value) && !self.is_growth()
    }

    /// True of what only a counter has.
    #[must_use]
    pub fn is_growth(self) -> bool {
        matches!(self, Self::Rate | Self::Change)
    }

    fn words(self) -> String {
        match self {
            Self::Value => String::new(),
            Self::ErrorRate => "error rate ".to_owned(),
            Self::Up => "up ".to_owned(),
            Self::Max => "longest ".to_owned(),
            Self::Rate => "growth each second ".to_owned(),
            Self::Change => "growth ".to_owned(),
            Self::Percentile(part) => {
                let digits = format!("{}.{:03}", part / 1_000, part % 1_000);
                format!("p{} ", digits.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

impl Threshold {
    /// Reads `[WHAT] COMPARISON NUMBER[UNIT]`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence; also where it holds whatever is seen.
    pub fn parse(text: &str) -> Result<Self, String> {
        let example = "write `<= 5%`, `error_rate <= 5%`, `p95 <= 1.5s`";
        let at = text.find(['<', '>', '=', '!']).ok_or_else(|| format!("`{text}` compares nothing: {example}"))?;
        let (of, rest) = text.split_at(at);
        let found = COMPARISONS.iter().find(|(sign, _)| rest.starts_with(sign));
        let (sign, is) = *found.ok_or_else(|| format!("`{rest}` begins with no comparison: {example}"))?;
        let limit = rest[sign.len()..].trim();
        let threshold = Self { of: Of::parse(of.trim())?, is, limit: Limit::parse(limit)? };
        threshold.sensible()?;
        Ok(threshold)
    }

    fn sensible(&self) -> Result<(), String> {
        let limit = &self.limit;
        let dimension = limit.unit.dimension;
        if self.of.is_counted() && matches!(self.is, Is::Equal | Is::Other) {
            return Err("samples are counted: compare with `<=`, `<`, `>=` or `>`".to_owned());
        }
        match self.of {
            Of::Value | Of::Rate | Of::Change => Ok(()),
            Of::Percentile(_) | Of::Max if dimension != Dimension::Time => {
                Err(format!("a latency needs a unit of time: `{}ms`", limit.written_number()))
            }
            Of::Percentile(_) | Of::Max if limit.number <= 0 => Err("no latency is that short".to_owned()),
            Of::Percentile(_) | Of::Max => Ok(()),
            Of::ErrorRate | Of::Up if !matches!(dimension, Dimension::Share | Dimension::Plain) => {
                Err("a share is a percentage: `5%`".to_owned())
            }
            Of::ErrorRate | Of::Up => {
                let one = limit.against_share(1, 1);
                let none = limit.against_share(0, 1);
                // Of every share from none to all, one must hold and one must not.
                let (all_holds, none_holds) = (self.is.admits(one), self.is.admits(none));
                match (none_holds, all_holds) {
                    (true, true) => Err(format!("a share is always {} {}", self.is.words(), limit.words())),
                    (false, false) => Err(format!("no share is {} {}", self.is.words(), limit.words())),
                    _ => Ok(()),
                }
            }
        }
    }

    /// In words: `p95 at most 1.5s`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}{} {}", self.of.words(), self.is.words(), self.limit.words())
    }

    /// Whether one number holds it; no number that is not finite does. Decimals are compared as they are written.
    #[must_use]
    pub fn holds(&self, value: f64, unit: Unit) -> bool {
        value.is_finite() && self.limit.order(value, unit).is_some_and(|order| self.is.admits(order))
    }

    /// Whether a sample counts against it: a failure for a share, one beyond the limit for latencies, where no
    /// answer (`None`) is beyond any.
    #[must_use]
    pub fn is_against(&self, failed: bool, took: Option<Duration>) -> bool {
        match self.of {
            Of::Value | Of::ErrorRate | Of::Up | Of::Rate | Of::Change => failed,
            Of::Percentile(_) | Of::Max => took.is_none_or(|took| {
                let order = self.limit.against_span(took);
                match self.is {
                    Is::AtMost | Is::More => order.is_gt(),
                    _ => order.is_ge(),
                }
            }),
        }
    }

    /// The same of one number in `unit` that is a sample for itself: as a latency counts that took so long.
    #[must_use]
    pub fn is_number_against(&self, value: f64, unit: Unit) -> bool {
        let order = value.is_finite().then(|| self.limit.order(value, unit)).flatten();
        order.is_none_or(|order| match self.is {
            Is::AtMost | Is::More => order.is_gt(),
            _ => order.is_ge(),
        })
    }

    /// Whether its limit is exactly `value`: what a bucket of a histogram must end at to be counted by.
    #[must_use]
    pub fn is_at(&self, value: f64, unit: Unit) -> bool {
        self.limit.order(value, unit) == Some(Ordering::Equal)
    }

    /// Whether `of` samples, `against` of which count against it, hold it. Of none, none does.
    ///
    /// rules.md: `p95 > 2s` is "more than 5% of samples above 2 s".
    #[must_use]
    pub fn holds_counted(&self, against: u64, of: u64) -> bool {
        if of == 0 {
            return false;
        }
        let against = against.min(of);
        let upper = matches!(self.is, Is::AtMost | Is::Less);
        match self.of {
            Of::Value | Of::Rate | Of::Change => false,
            Of::ErrorRate => self.is.admits(self.limit.against_share(against, of)),
            Of::Up => self.is.admits(self.limit.against_share(of - against, of)),
            Of::Max => (against == 0) == upper,
            Of::Percentile(part) => {
                let tail = u128::from(100_000 - part.min(100_000));
                (u128::from(against) * 100_000 <= tail * u128::from(of)) == upper
            }
        }
    }

    /// The fewest samples that tell anything: with fewer, one alone would breach it (rules.md: at least
    /// 1/threshold).
    #[must_use]
    pub fn least_samples(&self) -> u64 {
        let bad_share = |limit: &Limit| -> (i128, i128) {
            let (number, by) = limit.ratio();
            if self.of == Of::Up { (by - number, by) } else { (number, by) }
        };
        match self.of {
            Of::Value | Of::Max | Of::Rate | Of::Change => 1,
            Of::Percentile(part) => 100_000_u64.div_ceil(u64::from(100_000 - part.min(99_999))),
            Of::ErrorRate | Of::Up => {
                let (part, whole) = bad_share(&self.limit);
                if part <= 0 || part >= whole {
                    return 1;
                }
                let strict = matches!(self.is, Is::Less | Is::More);
                let exact = whole / part + i128::from(strict || whole % part != 0);
                u64::try_from(exact).unwrap_or(u64::MAX)
            }
        }
    }

    /// A number that holds it, in its limit's base: for examples. None where there is no plain one.
    #[must_use]
    pub fn example(&self) -> Option<f64> {
        let limit = self.limit.value();
        let value = match self.is {
            Is::AtMost | Is::AtLeast | Is::Equal => limit,
            Is::Less if limit > 0.0 => limit / 2.0,
            Is::Less => limit - 1.0,
            Is::More | Is::Other => limit.abs() * 2.0 + 1.0,
        };
        // A limit of many digits lies between two numbers of its base; the one on its right side is taken.
        let base = Unit::base(self.limit.unit.dimension);
        [value, value.next_down(), value.next_up()].into_iter().find(|value| self.holds(*value, base))
    }
}

impl Limit {
    /// Reads `NUMBER[UNIT]`: `5%`, `0.05`, `1.5s`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-'))).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (digits, negative) = number.strip_prefix('-').map_or((number, false), |digits| (digits, true));
        let (number, places) =
            decimal(digits).ok_or_else(|| format!("`{text}` is no number: `5`, `0.05`, `5%`, `1.5s`, `64MiB`"))?;
        let unit = match unit.trim() {
            "" => PLAIN,
            word => Unit::parse(word)?,
        };
        Ok(Self { number: if negative { -number } else { number }, places, unit })
    }

    fn written_number(&self) -> String {
        let sign = if self.number < 0 { "-" } else { "" };
        let digits = self.number.unsigned_abs();
        let by = 10_u128.pow(self.places);
        match self.places {
            0 => format!("{sign}{digits}"),
            places => format!("{sign}{}.{:0width$}", digits / by, digits % by, width = places as usize),
        }
    }

    /// As it was written: `1.5s`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}{}", self.written_number(), self.unit.word)
    }

    /// A share in thousandths of a percent: 99.9% is 99 900. None where it is no share of one, or finer than that.
    #[must_use]
    pub fn thousandths(&self) -> Option<u32> {
        let (number, by) = self.ratio();
        let whole = number.checked_mul(100_000).filter(|whole| whole % by == 0)? / by;
        let share = matches!(self.unit.dimension, Dimension::Share | Dimension::Plain);
        u32::try_from(whole).ok().filter(|whole| share && *whole <= 100_000)
    }

    /// In its dimension's base, as numerator and denominator.
    fn ratio(&self) -> (i128, i128) {
        (self.number * self.unit.times, 10_i128.pow(self.places) * self.unit.by)
    }

    /// In its dimension's base: seconds, a ratio, bytes.
    #[must_use]
    pub fn value(&self) -> f64 {
        let (number, by) = self.ratio();
        number as f64 / by as f64
    }

    /// How `part / whole` stands to it.
    fn against_share(&self, part: u64, whole: u64) -> Ordering {
        let (number, by) = self.ratio();
        let (left, right) = (i128::from(part).saturating_mul(by), number.saturating_mul(i128::from(whole)));
        left.cmp(&right)
    }

    fn against_span(&self, took: Duration) -> Ordering {
        let (number, by) = self.ratio();
        let nanos = i128::try_from(took.as_nanos()).unwrap_or(i128::MAX);
        nanos.saturating_mul(by).cmp(&number.saturating_mul(1_000_000_000))
    }

    /// How a number in `unit` stands to it.
    fn order(&self, value: f64, unit: Unit) -> Option<Ordering> {
        let exact = || {
            let text = value.abs().to_string();
            let (number, places) = (text.len() <= 24).then(|| plain_decimal(&text)).flatten()?;
            let number = if value < 0.0 { -number } else { number };
            let (limit, by) = self.ratio();
            let left = number.checked_mul(unit.times)?.checked_mul(by)?;
            let right = limit.checked_mul(unit.by)?.checked_mul(10_i128.checked_pow(places)?)?;
            Some(left.cmp(&right))
        };
        exact().or_else(|| (value * unit.times as f64 / unit.by as f64).partial_cmp(&self.value()))
    }
}

/// A number as it is shown beside a limit of the same dimension: in the limit's unit.
#[must_use]
pub fn shown(value: f64, unit: Unit, beside: &Limit) -> String {
    let base = value * unit.times as f64 / unit.by as f64;
    let own = base * beside.unit.by as f64 / beside.unit.times as f64;
    let digits = format!("{own:.9}");
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    format!("{digits}{}", beside.unit.word)
}

/// `12.50` as 1250 and 2; none where it is more than [`DIGITS`] digits with at most one point among them.
fn decimal(text: &str) -> Option<(i128, u32)> {
    (text.len() <= DIGITS + 1).then(|| plain_decimal(text)).flatten()
}

fn plain_decimal(text: &str) -> Option<(i128, u32)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let right = !whole.is_empty() && digits(whole) && digits(part) && !text.ends_with('.');
    let number = right.then(|| format!("{whole}{part}").parse().ok()).flatten()?;
    Some((number, u32::try_from(part.len()).ok()?))
}

#[cfg(test)]
#[path = "threshold_tests.rs"]
mod tests;
