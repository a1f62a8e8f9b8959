//! A set of HTTP statuses: `200`, `"2xx"`, `"500-504"`, or a list of them.

use serde_json::Value;

use crate::base::table::{Placed, Table};

/// Statuses that are right. Empty is any 2xx.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statuses(Vec<(u16, u16)>);

impl Statuses {
    /// Exactly one status.
    #[must_use]
    pub fn one(status: u16) -> Self {
        Self(vec![(status, status)])
    }

    /// Any of these; none is any 2xx.
    #[must_use]
    pub fn any_of(statuses: &[u16]) -> Self {
        Self(statuses.iter().map(|status| (*status, *status)).collect())
    }

    /// Reads `key`; where it is not there, any 2xx.
    #[must_use]
    pub fn read(table: &Table<'_>, key: &'static str) -> Self {
        let Some(Placed { value, span }) = table.plain(key) else { return Self::default() };
        let all = match &value {
            Value::Array(values) if !values.is_empty() => values.iter().map(range).collect(),
            other => range(other).map(|range| vec![range]),
        };
        Self(all.unwrap_or_else(|| {
            let forms = "a code from 100 to 599, a range as `\"2xx\"` or `\"500-504\"`, or a list of them";
            table.wrong_value(span, format!("`{key}` is {forms}: `{key} = [200, 202]`"));
            Vec::new()
        }))
    }

    #[must_use]
    pub fn holds(&self, status: u16) -> bool {
        match self.0.as_slice() {
            [] => (200..300).contains(&status),
            ranges => ranges.iter().any(|(low, high)| (*low..=*high).contains(&status)),
        }
    }

    /// The first that is right: what an example answers.
    #[must_use]
    pub fn first(&self) -> u16 {
        self.0.first().map_or(200, |(low, _)| *low)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `200`, `200 or 202`, `2xx`, `500-504`.
    #[must_use]
    pub fn words(&self) -> String {
        let range = |(low, high): &(u16, u16)| match (low % 100, high - low) {
            (_, 0) => low.to_string(),
            (0, 99) => format!("{}xx", low / 100),
            _ => format!("{low}-{high}"),
        };
        match self.0.as_slice() {
            [] => "2xx".to_owned(),
            ranges => ranges.iter().map(range).collect::<Vec<_>>().join(" or "),
        }
    }
}

fn range(value: &Value) -> Option<(u16, u16)> {
    let code = |number: u64| u16::try_from(number).ok().filter(|code| (100..600).contains(code));
    let text = match value {
        Value::String(text) => text.as_str(),
        number => return number.as_u64().and_then(code).map(|code| (code, code)),
    };
    if let Some(hundreds) = text.strip_suffix("xx") {
        let low = code(hundreds.parse::<u64>().ok().filter(|hundreds| *hundreds < 6)? * 100)?;
        return Some((low, low + 99));
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (code(low.parse().ok()?)?, code(high.parse().ok()?)?);
    (low <= high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn set(value: &Value) -> Option<Statuses> {
        range(value).map(|range| Statuses(vec![range]))
    }

    #[test]
    fn a_code_a_class_and_a_range_hold_what_they_say() {
        for (value, words, inside, outside) in [
            (json!(204), "204", [204, 204], [200, 205]),
            (json!("2xx"), "2xx", [200, 299], [199, 300]),
            (json!("500-504"), "500-504", [500, 504], [499, 505]),
            (json!("404"), "404", [404, 404], [403, 405]),
        ] {
            let set = set(&value).expect("a set");
            assert_eq!(set.words(), words);
            assert!(inside.iter().all(|status| set.holds(*status)), "{words}");
            assert!(!outside.iter().any(|status| set.holds(*status)), "{words}");
        }
        let any = Statuses::default();
        assert!(any.holds(204) && !any.holds(302) && any.words() == "2xx" && any.first() == 200);
    }

    #[test]
    fn what_is_no_status_is_none() {
        for value in [json!(99), json!(600), json!("6xx"), json!("xx"), json!("504-500"), json!("2x"), json!(true)] {
            assert_eq!(set(&value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "\\PC{0,12}") {
            if let Some(set) = set(&Value::String(text)) {
                prop_assert!(set.holds(set.first()));
            }
        }
    }
}
