//! How long a file may be: bytes as a number, or with a unit.

use serde_json::Value;

use crate::base::table::{Placed, Table};

/// Bytes, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub least: u64,
    pub most: Option<u64>,
}

const UNITS: [(&str, u64); 8] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

impl Size {
    /// Reads `size = { min = "1 KiB", max = "10 MiB" }`. Where no least size is said, an empty file is none.
    #[must_use]
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let table = table.table("size")?;
        let (least, most) = (bytes(&table, "min"), bytes(&table, "max"));
        if !table.has("min") && !table.has("max") {
            table.missing("min", "`min = \"1 KiB\"` or `max = \"10 MiB\"`");
        }
        let size = Self { least: least.unwrap_or(1), most };
        if size.most.is_some_and(|most| most < size.least) {
            table.wrong_value(table.span, "`max` is less than `min`");
        }
        table.finish();
        Some(size)
    }

    #[must_use]
    pub fn holds(self, bytes: u64) -> bool {
        bytes >= self.least && self.most.is_none_or(|most| bytes <= most)
    }

    /// `at least 1 byte and at most 1048576 bytes`.
    #[must_use]
    pub fn words(self) -> String {
        let most = self.most.map(|most| format!(" and at most {}", told(most))).unwrap_or_default();
        format!("at least {}{most}", told(self.least))
    }
}

/// `1 byte`, `2048 bytes`.
pub(super) fn told(bytes: u64) -> String {
    format!("{bytes} byte{}", if bytes == 1 { "" } else { "s" })
}

fn bytes(table: &Table<'_>, key: &'static str) -> Option<u64> {
    let Placed { value, span } = table.plain(key)?;
    let bytes = match &value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => parse(text),
        _ => None,
    };
    if bytes.is_none() {
        table.wrong_value(span, format!("`{key}` is bytes: 2048, \"2 KiB\" or \"10 MiB\""));
    }
    bytes
}

fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = UNITS.into_iter().find_map(|(word, unit)| Some((text.strip_suffix(word)?, unit)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_has_a_unit_and_two_ends() {
        for (text, wanted) in [
            ("2 KiB", Some(2048)),
            ("10MiB", Some(10 << 20)),
            ("3 MB", Some(3_000_000)),
            ("7 B", Some(7)),
            ("7", None),
            ("-1 B", None),
            ("1.5 MiB", None),
            ("99999999999999 GiB", None),
        ] {
            assert_eq!(parse(text), wanted, "{text}");
        }
        let size = Size { least: 1, most: Some(3) };
        assert_eq!([0, 1, 3, 4].map(|bytes| size.holds(bytes)), [false, true, true, false]);
        assert_eq!(size.words(), "at least 1 byte and at most 3 bytes");
    }

    proptest! {
        #[test]
        fn no_size_panics(text in "[0-9]{0,25} ?[KMGib]{0,3}B?|\\PC{0,9}") {
            let _ = parse(&text);
        }
    }
}
