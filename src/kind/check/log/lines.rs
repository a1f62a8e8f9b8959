//! The lines of a log: JSON objects, wherever on a line they begin (a container's name may stand before them),
//! mixed with text. Any bytes are lines.

use serde_json::Value;

/// A line of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    pub text: String,
    pub json: Option<Value>,
}

/// The lines of `bytes` that say anything, without their colours.
#[must_use]
pub fn read(bytes: &[u8]) -> Vec<Line> {
    let text = String::from_utf8_lossy(bytes);
    text.split('\n').enumerate().filter_map(|(at, text)| Line::of(at + 1, text)).collect()
}

impl Line {
    /// One line without its break; none where it says nothing.
    #[must_use]
    pub fn of(number: usize, text: &str) -> Option<Self> {
        let text = plain(text.trim_end_matches('\r'));
        let json = object(&text);
        (!text.trim().is_empty()).then_some(Self { number, text, json })
    }
}

/// The object that a line is, or ends with.
fn object(text: &str) -> Option<Value> {
    // The first brace that opens an object to the line's end: a prefix may hold one that does not.
    let opens = text.char_indices().filter(|(_, c)| *c == '{').map(|(at, _)| at).take(4);
    opens.filter_map(|at| serde_json::from_str::<Value>(text[at..].trim()).ok()).find(Value::is_object)
}

/// `text` without colours and cursor movements.
fn plain(text: &str) -> String {
    if !text.contains('\u{1b}') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            plain.push(c);
            continue;
        }
        if rest.next_if_eq(&'[').is_some() {
            while rest.next_if(|c| !('@'..='~').contains(c)).is_some() {}
            rest.next();
        } else {
            rest.next();
        }
    }
    plain
}

/// Every key of `value` at any depth, with its path.
pub fn keys(value: &Value, path: &str, see: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let path = format!("{path}.{key}");
                see(key, &path);
                keys(value, &path, see);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, &format!("{path}[]"), see)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_found_behind_a_prefix_and_text_stays_text() {
        let text =
            "03:49:12 [@astrojs/node] {ready}\napi-1 | {\"a\":1}\r\n\u{1b}[32m{\"b\":2}\u{1b}[0m\n\n[1,2]\n{\"c\":";
        let lines = read(text.as_bytes());
        let json: Vec<_> = lines.iter().map(|line| (line.number, line.json.clone())).collect();
        assert_eq!(json, [(1, None), (2, Some(json!({"a": 1}))), (3, Some(json!({"b": 2}))), (5, None), (6, None)]);
        assert_eq!(lines[2].text, "{\"b\":2}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_lines(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let lines = read(&bytes);
            prop_assert!(lines.len() <= bytes.len() + 1);
        }
    }
}
