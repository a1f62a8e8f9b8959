//! The JSON in an output that says other things too: npm tells what it runs before it, a script where its
//! report lies after it. Exactly one document is one; two are a guess.

use serde_json::Value;

use super::Read;

/// Lines at which a document is looked for.
const MOST_STARTS: usize = 200;

/// What was found beside the document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beside {
    /// Lines of text before it.
    pub before: usize,
    /// Lines of text after it.
    pub after: usize,
}

impl Beside {
    /// `JSON followed by 1 line of text`; none where there was nothing else.
    #[must_use]
    pub fn words(self) -> Option<String> {
        let lines = |count: usize| format!("{count} line{} of text", if count == 1 { "" } else { "s" });
        match (self.before, self.after) {
            (0, 0) => None,
            (0, after) => Some(format!("JSON followed by {}", lines(after))),
            (before, 0) => Some(format!("JSON after {}", lines(before))),
            (before, after) => Some(format!("JSON after {} and followed by {}", lines(before), lines(after))),
        }
    }
}

/// The one JSON document in `bytes`: all of it, or what begins a line as an object or a list.
pub fn find(bytes: &[u8]) -> (Read, Beside) {
    let none = Beside::default();
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return (Err("nothing was said, no JSON".to_owned()), none);
    }
    let whole = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => return (Ok(value), none),
        Err(why) => why,
    };
    let text = String::from_utf8_lossy(bytes);
    let plain;
    let text: &str = if text.contains('\u{1b}') {
        plain = crate::base::text::printable_lines(&text);
        &plain
    } else {
        &text
    };
    let mut found: Option<(Value, usize, usize)> = None;
    let mut tried = 0;
    let mut past = 0;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        // A line that is set in is a part of what stands around it: of a document that does not parse, a part that
        // does is none.
        let begins = line.starts_with(['{', '[']);
        if at < past || !begins {
            continue;
        }
        tried += 1;
        if tried > MOST_STARTS {
            return (Err(format!("more than {MOST_STARTS} lines that may begin JSON")), none);
        }
        let mut stream = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        let Some(Ok(value)) = stream.next() else {
            if line.starts_with('{') || line.trim() == "[" {
                return (Err(format!("unparsable JSON: {whole}")), none);
            }
            continue;
        };
        let end = at + stream.byte_offset();
        // `[build] done` is a word in brackets: a document ends its line.
        let rest = text[end..].split('\n').next().unwrap_or_default();
        if !rest.trim().is_empty() {
            continue;
        }
        if found.is_some() {
            return (Err("more than one JSON document".to_owned()), none);
        }
        past = end;
        found = Some((value, at, end));
    }
    let lines = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count();
    match found {
        Some((value, from, to)) => (Ok(value), Beside { before: lines(&text[..from]), after: lines(&text[to..]) }),
        None => (Err(format!("unparsable JSON: {whole}")), none),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_of_a_document_that_does_not_parse_is_none() {
        let broken =
            "{\n  \"pass\": false,\n  \"p95\": NaN,\n  \"checks\": [\n    {\n      \"pass\": true\n    }\n  ]\n}\n";
        let cut = "{\n  \"pass\": false,\n  \"last\":\n  { \"pass\": true }\n";
        for text in [broken, cut, "[\n  1,\n  {\"pass\": true}\n"] {
            assert!(find(text.as_bytes()).0.is_err(), "{text}");
        }
        assert!(find(b"[build] done\n{\"pass\": true}\n").0.is_ok(), "words in brackets are text");
    }

    #[test]
    fn the_one_document_is_found_among_lines_of_text_and_what_is_beside_it_is_told() {
        let pass = json!({ "pass": true });
        for (text, wanted, words) in [
            (r#"{"pass":true}"#, Some(&pass), None),
            ("{\"pass\":true}\nReport written to a.json\n", Some(&pass), Some("JSON followed by 1 line of text")),
            ("\n> app@1 check\n> node x\n\n{\n  \"pass\": true\n}\n", Some(&pass), Some("JSON after 2 lines of text")),
            ("[build] done\n{\"pass\":true}", Some(&pass), Some("JSON after 1 line of text")),
            (
                "\u{1b}[32mok\u{1b}[0m\n{\"pass\":true}\nbye",
                Some(&pass),
                Some("JSON after 1 line of text and followed by 1 line of text"),
            ),
            ("{\"pass\":true}\n{\"pass\":false}\n", None, None),
            ("bun audit v1.2\n", None, None),
            ("{\"pass\":true", None, None),
            ("{\"pass\":true} and so on", None, None),
            ("", None, None),
            (" \n", None, None),
        ] {
            let (read, beside) = find(text.as_bytes());
            assert_eq!((read.as_ref().ok(), beside.words().as_deref()), (wanted, words), "{text}: {read:?}");
        }
        let many = "[\n".repeat(1_000);
        assert!(find(many.as_bytes()).0.is_err());
    }

    proptest! {
        #[test]
        fn no_output_makes_it_panic(text in "[\\[\\]{}\":,a-z0-9 \\n\u{1b}é]{0,120}") {
            let _ = find(text.as_bytes());
        }

        #[test]
        fn a_document_between_lines_of_words_is_that_document(before in "([a-z ]{0,9}\\n){0,3}", after in "(\\n[a-z ]{0,9}){0,3}", number in any::<i32>()) {
            let text = format!("{before}{{\"n\": {number}}}{after}");
            prop_assert_eq!(find(text.as_bytes()).0, Ok(json!({ "n": number })));
        }
    }
}
