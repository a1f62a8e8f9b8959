//! What the canary gets: as it was read, and as it is wanted. It knows no driver.

use serde_json::Value;

/// A share of the traffic, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub part: u64,
    pub of: u64,
}

/// The header that leads to the canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub name: String,
    /// What it must say; none where the controller knows its own words.
    pub value: Option<String>,
    /// The value is a pattern.
    pub matching: bool,
}

/// What the canary gets, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gauge {
    pub share: Share,
    pub header: Option<Header>,
    pub cookie: Option<String>,
    /// Why what is written is not yet what is done, where that is known.
    pub pending: Option<String>,
}

/// What of a rule is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Rule<T> {
    /// As it is.
    #[default]
    Kept,
    Is(T),
    Gone,
}

/// What the canary is to get.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub share: Option<Share>,
    pub header: Rule<Header>,
    pub cookie: Rule<String>,
}

impl Share {
    pub const NONE: Self = Self { part: 0, of: 100 };
    /// Several shares that differ: it is like no other.
    pub const MIXED: Self = Self { part: 0, of: 0 };

    pub fn of_percent(percent: u8) -> Self {
        Self { part: percent.into(), of: 100 }
    }

    /// The same share, whatever it is counted in.
    pub fn is(self, other: Self) -> bool {
        let (ours, theirs) =
            (u128::from(self.part) * u128::from(other.of), u128::from(other.part) * u128::from(self.of));
        self.of > 0 && other.of > 0 && ours == theirs
    }

    /// The same share counted in `of`, where that is a whole number.
    pub fn counted_in(self, of: u64) -> Option<u64> {
        let part = u128::from(self.part) * u128::from(of);
        let whole = self.of > 0 && part % u128::from(self.of) == 0;
        whole.then(|| u64::try_from(part / u128::from(self.of)).ok()).flatten()
    }

    /// `10%`.
    pub fn words(self) -> String {
        match self.percent() {
            _ if self.of == 0 => "no one share".to_owned(),
            whole if whole.fract() == 0.0 => format!("{whole}%"),
            part => format!("{part:.2}%"),
        }
    }

    /// In hundredths of a percent, rounded; none of rules that differ.
    pub fn hundredths(self) -> Option<u32> {
        let part = (u128::from(self.part) * 10_000 + u128::from(self.of) / 2).checked_div(u128::from(self.of))?;
        u32::try_from(part).ok().filter(|part| *part <= 10_000)
    }

    /// For people and for comparing where a round begins.
    #[expect(clippy::cast_precision_loss, reason = "shares are small numbers")]
    pub fn percent(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.part as f64 * 100.0 / self.of as f64 }
    }
}

impl Header {
    fn words(&self) -> String {
        match &self.value {
            Some(value) => format!("header {}{} {value}", self.name, if self.matching { " ~" } else { ":" }),
            None => format!("header {}", self.name),
        }
    }
}

impl Gauge {
    pub fn of(share: Share) -> Self {
        Self { share, header: None, cookie: None, pending: None }
    }

    pub fn words(&self) -> String {
        let mut words = self.share.words();
        if let Some(header) = &self.header {
            words.push_str(&format!(", {}", header.words()));
        }
        if let Some(name) = &self.cookie {
            words.push_str(&format!(", cookie {name}"));
        }
        words
    }
}

impl Wanted {
    /// Nothing at all.
    pub fn nothing() -> Self {
        Self { share: Some(Share::NONE), header: Rule::Gone, cookie: Rule::Gone }
    }

    /// What was read, wanted back.
    pub fn back(gauge: &Gauge) -> Self {
        let header = gauge.header.clone().map_or(Rule::Gone, Rule::Is);
        Self { share: Some(gauge.share), header, cookie: gauge.cookie.clone().map_or(Rule::Gone, Rule::Is) }
    }

    /// Whether `gauge` is what is wanted; whether it is done yet is another thing.
    pub fn is_met(&self, gauge: &Gauge) -> bool {
        self.share.is_none_or(|share| gauge.share.is(share))
            && self.header.is_met(gauge.header.as_ref())
            && self.cookie.is_met(gauge.cookie.as_ref())
    }

    pub fn words(&self) -> String {
        let mut words: Vec<String> = self.share.iter().map(|share| share.words()).collect();
        words.extend(match &self.header {
            Rule::Kept => None,
            Rule::Is(header) => Some(header.words()),
            Rule::Gone => Some("no header".to_owned()),
        });
        words.extend(match &self.cookie {
            Rule::Kept => None,
            Rule::Is(name) => Some(format!("cookie {name}")),
            Rule::Gone => Some("no cookie".to_owned()),
        });
        words.join(", ")
    }
}

impl<T: PartialEq> Rule<T> {
    fn is_met(&self, there: Option<&T>) -> bool {
        match self {
            Self::Kept => true,
            Self::Is(wanted) => there == Some(wanted),
            Self::Gone => there.is_none(),
        }
    }
}

/// A weight as a plan says it, `10` or `"10%"`: whole percent, 0 to 100.
///
/// # Errors
/// That it is none, as a sentence.
pub fn percent(value: &Value) -> Result<u8, String> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().trim_end_matches('%').trim_end().parse::<u64>().ok(),
        _ => None,
    };
    let fits = number.and_then(|number| u8::try_from(number).ok()).filter(|percent| *percent <= 100);
    fits.ok_or_else(|| format!("{value} is no weight: a whole number of percent, 0 to 100"))
}
