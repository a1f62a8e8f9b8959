//! The age of a document, by a timestamp that it carries: too old is stale, from the future is a fail, none is
//! unknown. It reads no clock: it is told when the document was seen.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use http::HeaderMap;
use serde_json::Value;

use super::program;
use crate::base::jq::{Jq, Program};
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::launch::time::Wall;
use crate::launch::verdict::{Finding, Verdict};

/// Clocks of two machines may be this far apart unless the plan says otherwise.
const SKEW: Duration = Duration::from_secs(60);

/// Names that stand for the present in an example, where the plan binds none of them: RFC 3339, whole seconds
/// and milliseconds since 1970.
pub const NOW: [&str; 3] = ["now", "now_s", "now_ms"];

/// How old a document may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Fresh {
    pub from: Place,
    pub within: Duration,
    /// How far in the future its timestamp may lie.
    pub skew: Duration,
    /// A timestamp without an offset is in UTC; else nobody knows what it means.
    pub utc: bool,
}

/// Where the timestamp stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    Json(Program),
    /// A header: `last-modified`, `date`.
    Header(String),
}

/// The value of one of the names of [`NOW`].
#[must_use]
pub fn present(name: &str, now: Wall) -> Option<Value> {
    match name {
        "now" => Some(Value::String(now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))),
        "now_s" => Some(now.timestamp().into()),
        "now_ms" => Some(now.timestamp_millis().into()),
        _ => None,
    }
}

impl Fresh {
    /// Reads `fresh_within = { json = ".timestamp", within = "5m" }`. `headers`: whether there are any.
    #[must_use]
    pub fn read(table: &Table<'_>, headers: bool) -> Option<Self> {
        let table = table.table_like("fresh_within", "fresh_within = { json = \".timestamp\", within = \"5m\" }")?;
        let json = table.text("json").and_then(|text| program(&table, &text.value, text.span)).map(Place::Json);
        let header = if headers { table.text("header") } else { None };
        let from = match (json, header) {
            (Some(_), Some(header)) => {
                table.wrong_value(header.span, "one timestamp: `json` or `header`, not both");
                None
            }
            (Some(json), None) => Some(json),
            (None, Some(header)) => Some(Place::Header(header.value.to_ascii_lowercase())),
            (None, None) => {
                if !table.has("json") {
                    table.missing("json", "`json = \".timestamp\"`: where the timestamp stands");
                }
                None
            }
        };
        if !table.has("within") {
            table.missing("within", "`within = \"5m\"`: how old it may be");
        }
        let within = table.duration("within");
        let skew = table.duration("skew").unwrap_or(SKEW);
        let utc = table.flag("utc").unwrap_or(false);
        table.finish();
        Some(Self { from: from?, within: within?, skew, utc })
    }

    fn subject(&self) -> String {
        match &self.from {
            Place::Json(program) => format!("age by {}", program.text),
            Place::Header(name) => format!("age by header {name}"),
        }
    }

    /// `age by .timestamp at most 5m`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {}", self.subject(), self.expected())
    }

    fn expected(&self) -> String {
        format!("at most {}", humantime::format_duration(self.within))
    }

    /// The finding on a document that was seen at `now`. `Err`: why there is no document.
    pub async fn judge(
        &self,
        document: Result<&Value, &str>,
        headers: Option<&HeaderMap>,
        now: Wall,
        scope: &Scope,
        jq: &Jq,
    ) -> Finding {
        let value = match &self.from {
            Place::Json(program) => match document {
                Ok(document) => jq.value(program, document, scope).await,
                Err(why) => Err(why.to_owned()),
            },
            Place::Header(name) => {
                let header = headers.and_then(|headers| headers.get(name));
                let text = header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
                text.map(Value::String).ok_or_else(|| format!("no header {name}"))
            }
        };
        match value.and_then(|value| instant(&value, self.utc)) {
            Ok(at) => self.aged(at, now),
            Err(why) => Finding::unknown(self.subject(), self.expected(), why),
        }
    }

    fn aged(&self, at: Wall, now: Wall) -> Finding {
        let age = now.signed_duration_since(at);
        let told = |age: TimeDelta| {
            let whole = Duration::from_secs(age.num_seconds().unsigned_abs());
            format!("{} ({})", humantime::format_duration(whole), at.format("%Y-%m-%d %H:%M:%S UTC"))
        };
        let limit = |span: Duration| TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        let finding = |seen: String, holds| Finding::held(self.subject(), self.expected(), seen, holds);
        if -age > limit(self.skew) {
            return finding(format!("in the future by {}", told(age)), false);
        }
        if age > limit(self.within) {
            return Finding { verdict: Verdict::Stale, ..finding(told(age), false) };
        }
        finding(told(age.max(TimeDelta::zero())), true)
    }

    /// What a good document says, for derived examples: a path and a value, or a header.
    ///
    /// # Errors
    /// That the program is more than a plain path.
    pub fn derived(&self) -> Result<(Option<Vec<Value>>, String), String> {
        let now = "{{ now }}".to_owned();
        match &self.from {
            Place::Header(_) => Ok((None, now)),
            Place::Json(program) => match (program.is_bare(), program.paths().as_slice()) {
                (true, [path]) => Ok((Some(path.clone()), now)),
                _ => Err(format!("`{}` is more than a plain path: write an example", program.text)),
            },
        }
    }
}

/// A timestamp: RFC 3339, the date of an HTTP header, seconds or milliseconds (by size, micro- and
/// nanoseconds too) since 1970, as a number or its text. `utc`: without an offset it is in UTC.
///
/// # Errors
/// What is wrong with it.
pub fn instant(value: &Value, utc: bool) -> Result<Wall, String> {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|float| float.is_finite());
            float.and_then(since_1970).ok_or_else(|| format!("{number} is no time"))
        }
        Value::String(text) => of_text(text.trim(), utc),
        other => Err(format!("{other} is no time")),
    }
}

fn since_1970(number: f64) -> Option<Wall> {
    // Seconds reach 1e11 in the year 5138; milliseconds were there in 1973.
    let scale = match number.abs() {
        size if size < 1e11 => 1e3,
        size if size < 1e14 => 1.0,
        size if size < 1e17 => 1e-3,
        _ => 1e-6,
    };
    let millis = number * scale;
    #[expect(clippy::cast_possible_truncation, reason = "held to the range of dates")]
    let whole = (millis.abs() < 8e15).then_some(millis as i64)?;
    DateTime::from_timestamp_millis(whole)
}

fn of_text(text: &str, utc: bool) -> Result<Wall, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text)) {
        return Ok(at.with_timezone(&Utc));
    }
    if let Some(at) = text.parse::<f64>().ok().filter(|float| float.is_finite()).and_then(since_1970) {
        return Ok(at);
    }
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    match naive.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()) {
        Some(at) if utc => Ok(at.and_utc()),
        Some(_) => Err(format!("`{text}` has no offset: write `utc = true` if it is in UTC")),
        None => Err(format!("`{text}` is no time")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn now() -> Wall {
        DateTime::from_timestamp(1_763_760_000, 0).expect("a time")
    }

    fn fresh() -> Fresh {
        let program = Program::parse(".timestamp").expect("a program");
        Fresh { from: Place::Json(program), within: Duration::from_secs(300), skew: SKEW, utc: false }
    }

    async fn verdict(fresh: &Fresh, document: &Value) -> Verdict {
        fresh.judge(Ok(document), None, now(), &Scope::default(), &Jq::default()).await.verdict
    }

    #[tokio::test]
    async fn old_is_stale_the_future_fails_and_what_is_no_time_is_unknown() {
        let at = |seconds: i64| now() + TimeDelta::seconds(seconds);
        for (age, wanted) in [
            (0, Verdict::Pass),
            (-300, Verdict::Pass),
            (-301, Verdict::Stale),
            (-86_400_000, Verdict::Stale),
            (60, Verdict::Pass),
            (61, Verdict::Fail),
        ] {
            let at = at(age);
            let zoned = at.with_timezone(&chrono::FixedOffset::east_opt(7200).expect("an offset"));
            for value in [
                json!(at.to_rfc3339()),
                json!(zoned.to_rfc3339()),
                json!(at.timestamp()),
                json!(at.timestamp_millis()),
                json!(at.timestamp_micros()),
                json!(at.timestamp().to_string()),
                json!(at.to_rfc2822()),
            ] {
                assert_eq!(verdict(&fresh(), &json!({ "timestamp": value })).await, wanted, "{age} {value}");
            }
        }
        for value in [json!(null), json!("soon"), json!(""), json!(true), json!({}), json!(1e300), json!("NaN")] {
            assert_eq!(verdict(&fresh(), &json!({ "timestamp": value })).await, Verdict::Unknown, "{value}");
        }
        assert_eq!(verdict(&fresh(), &json!({})).await, Verdict::Unknown);
    }

    #[tokio::test]
    async fn a_time_without_an_offset_is_one_only_where_the_plan_says_which() {
        let document = json!({ "timestamp": "2025-11-21T21:19:59.5" });
        let finding = fresh().judge(Ok(&document), None, now(), &Scope::default(), &Jq::default()).await;
        assert!(finding.verdict == Verdict::Unknown && finding.seen.contains("utc = true"), "{finding:?}");
        assert_eq!(verdict(&Fresh { utc: true, ..fresh() }, &document).await, Verdict::Pass);
    }

    #[tokio::test]
    async fn the_present_of_an_example_is_fresh_in_every_form() {
        for name in NOW {
            let value = present(name, now()).expect("a value");
            assert_eq!(verdict(&fresh(), &json!({ "timestamp": value })).await, Verdict::Pass, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_value_makes_reading_a_time_panic(text in "\\PC{0,40}", number in any::<f64>(), whole in any::<i64>()) {
            for value in [json!(text), json!(number), json!(whole)] {
                if let Ok(at) = instant(&value, true) {
                    let _ = fresh().aged(at, now());
                }
            }
        }
    }
}
