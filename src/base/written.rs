//! A table of a TOML file as one text again, so that another process can read it with the same reader. What
//! it says is kept; its spans, comments and layout are not.

use toml::de::{DeTable, DeValue};

/// `entries` as a TOML document: one line a key.
#[must_use]
pub fn document(entries: &DeTable<'_>) -> String {
    let line = |(key, value): (&toml::Spanned<std::borrow::Cow<'_, str>>, &toml::Spanned<DeValue<'_>>)| {
        format!("{} = {}\n", quoted(key.get_ref()), written(value.get_ref()))
    };
    entries.iter().map(line).collect()
}

fn written(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(number) => match number.radix() {
            16 => format!("0x{}", number.as_str()),
            8 => format!("0o{}", number.as_str()),
            2 => format!("0b{}", number.as_str()),
            _ => number.as_str().to_owned(),
        },
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(at) => at.to_string(),
        DeValue::Array(values) => {
            let values: Vec<String> = values.iter().map(|value| written(value.get_ref())).collect();
            format!("[{}]", values.join(", "))
        }
        DeValue::Table(entries) => {
            let pair = |(key, value): (&toml::Spanned<std::borrow::Cow<'_, str>>, &toml::Spanned<DeValue<'_>>)| {
                format!("{} = {}", quoted(key.get_ref()), written(value.get_ref()))
            };
            let pairs: Vec<String> = entries.iter().map(pair).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

/// A basic string. JSON's escapes are TOML's, but for DEL, which only TOML wants escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string().replace('\u{7f}', "\\u007F")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::table::plain_value;

    fn same(text: &str) {
        let (first, errors) = DeTable::parse_recoverable(text);
        assert!(errors.is_empty(), "{text}: {errors:?}");
        let again = document(first.get_ref());
        let (second, errors) = DeTable::parse_recoverable(&again);
        assert!(errors.is_empty(), "{again}: {errors:?}");
        let value = |table: &DeTable<'_>| plain_value(&DeValue::Table(table.clone()));
        assert_eq!(value(first.get_ref()), value(second.get_ref()), "{again}");
    }

    #[test]
    fn what_a_table_says_is_said_again() {
        same("a = 'x\\n\\\\ \"'\nb = 0x1F\nc = -1.5e3\nd = [1, { e = true }, []]\n\"a b\" = {}\nf.g.h = '{{ x }}'");
        same("t = 2026-11-21T10:00:00Z\nn = \"\"\"two\nlines\"\"\"\ni = 1_000");
    }

    proptest! {
        #[test]
        fn any_text_survives(text in any::<String>()) {
            let quoted = format!("k = {}", quoted(&text));
            let (parsed, errors) = DeTable::parse_recoverable(&quoted);
            prop_assert!(errors.is_empty(), "{quoted}");
            prop_assert_eq!(parsed.get_ref().get("k").and_then(|v| v.get_ref().as_str().map(str::to_owned)), Some(text));
        }
    }
}
