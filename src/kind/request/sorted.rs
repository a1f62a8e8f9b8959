//! JSON with its keys sorted at every depth and written as JavaScript writes it: what a receiver that parses a
//! body and writes it anew signs. It knows no other canonical form.

use serde_json::{Number, Value};

/// The text of `value`: keys by their UTF-16 units, no spaces, numbers as `JSON.stringify` has them.
pub(super) fn sorted(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            let mut all: Vec<_> = entries.iter().collect();
            all.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (at, (key, value)) in all.into_iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (at, value) in values.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                write(value, text);
            }
            text.push(']');
        }
        Value::Number(number) => text.push_str(&script_number(number)),
        plain => text.push_str(&plain.to_string()),
    }
}

/// A number as JavaScript writes it (ECMA-262, Number::toString): 64 bits of floating point, the shortest
/// digits, an exponent only from 1e21 and below 1e-6.
fn script_number(number: &Number) -> String {
    let Some(value) = number.as_f64().filter(|value| *value != 0.0) else { return "0".to_owned() };
    let written = format!("{value:e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    // Where the point stands, counted from the first digit.
    let point = exponent.parse::<i32>().unwrap_or_default() + 1;
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let at = usize::try_from(point).unwrap_or_default();
    let zeros = |many: i32| "0".repeat(usize::try_from(many).unwrap_or_default());
    let body = match point {
        _ if count <= point && point <= 21 => format!("{digits}{}", zeros(point - count)),
        1..=21 => format!("{}.{}", &digits[..at], &digits[at..]),
        -5..=0 => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            let plus = if point > 0 { "+" } else { "" };
            format!("{first}{dot}{rest}e{plus}{}", point - 1)
        }
    };
    format!("{sign}{body}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth_and_nothing_else_moves() {
        let value =
            json!({ "b": [{ "z": 1, "a": null }, "é\n"], "a": { "y": true, "B": "x" }, "\u{1f600}": 1, "\u{ffff}": 2 });
        let wanted = r#"{"a":{"B":"x","y":true},"b":[{"a":null,"z":1},"é\n"],"😀":1,"￿":2}"#;
        assert_eq!(sorted(&value), wanted);
    }

    /// As node 20 writes them.
    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (written, wanted) in [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("0", "0"),
            ("100", "100"),
            ("0.1", "0.1"),
            ("-12.50", "-12.5"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("123456789012345680000", "123456789012345680000"),
            ("1.5e300", "1.5e+300"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("1.25e-9", "1.25e-9"),
            ("9007199254740993", "9007199254740992"),
            ("18446744073709551615", "18446744073709552000"),
        ] {
            let value: Value = serde_json::from_str(written).expect("JSON");
            assert_eq!(sorted(&value), wanted, "{written}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..4).prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_says_the_same_and_is_written_the_same_again(value in any_json()) {
            let once = sorted(&value);
            let read: Value = serde_json::from_str(&once).expect("JSON still");
            prop_assert_eq!(sorted(&read), once);
        }
    }
}
