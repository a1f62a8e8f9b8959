//! Variables as files and programs write them: dotenv, and the output of `env`. What is wrong is told by its
//! line, never by its text.

use serde_json::{Map, Value, json};

/// Variables of one source.
const MOST: usize = 10_000;

type Read = Result<Map<String, Value>, String>;

/// The variables of a dotenv file: `NAME=value`, `export NAME='…'`, `NAME="…\n…"`, comments. A value in double
/// quotes or none that holds `${` stands for others, and is told as an object instead of a text.
///
/// # Errors
/// The line that is none of these.
pub(super) fn dotenv(text: &str) -> Read {
    let mut all = Map::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while let Some((line, after)) = next_line(rest) {
        let number = text[..text.len() - rest.len()].matches('\n').count() + 1;
        let wrong = |what: &str| format!("line {number} {what}");
        let entry = line.trim_start();
        if entry.trim_end().is_empty() || entry.starts_with('#') {
            rest = after;
            continue;
        }
        let entry = entry.strip_prefix("export ").map_or(entry, str::trim_start);
        let (name, value) = entry.split_once('=').ok_or_else(|| wrong("is no `NAME=value`"))?;
        let name = name.trim_end();
        if !is_name(name) {
            return Err(wrong("does not begin with a variable's name"));
        }
        let value = value.trim_start_matches([' ', '\t']);
        match value.chars().next() {
            Some(quote @ ('\'' | '"' | '`')) => {
                let from = offset(rest, value) + quote.len_utf8();
                let (inside, end) = quoted(&rest[from..], quote).ok_or_else(|| wrong("has a quote that never ends"))?;
                let (tail, next) = next_line(&rest[from + end..]).unwrap_or(("", ""));
                if !tail.trim().is_empty() && !tail.trim_start().starts_with('#') {
                    return Err(wrong("goes on after its quote"));
                }
                let refers = quote == '"' && inside.contains("${");
                put(&mut all, name, inside, refers)?;
                rest = next;
            }
            _ => {
                let bare = value.split(" #").next().unwrap_or_default().split("\t#").next().unwrap_or_default().trim();
                let bare = if bare.starts_with('#') { "" } else { bare };
                put(&mut all, name, bare.to_owned(), bare.contains("${"))?;
                rest = after;
            }
        }
    }
    Ok(all)
}

/// The variables that `env` prints, one a line or, as of `env -0`, ended by a zero byte. A line that begins with
/// no name goes on with the value before it.
///
/// # Errors
/// The first line is no `NAME=value`.
pub(super) fn printed(text: &str) -> Read {
    let mut all: Map<String, Value> = Map::new();
    let by_zero = text.contains('\0');
    let lines: Vec<&str> = if by_zero { text.split('\0').collect() } else { text.lines().collect() };
    let mut last: Option<String> = None;
    for (at, line) in lines.iter().enumerate() {
        match (line.split_once('=').filter(|(name, _)| is_name(name)), &last) {
            (Some((name, value)), _) => {
                put(&mut all, name, value.trim_end_matches('\r').to_owned(), false)?;
                last = Some(name.to_owned());
            }
            (None, Some(known)) => {
                if let Some(Value::String(value)) = all.get_mut(known).filter(|_| !by_zero) {
                    value.push('\n');
                    value.push_str(line);
                }
            }
            (None, None) if line.trim().is_empty() => {}
            (None, None) => return Err(format!("line {} is no `NAME=value`", at + 1)),
        }
    }
    // The last line break is of the output, not of the value.
    if let Some(Value::String(value)) = last.and_then(|last| all.get_mut(&last)) {
        value.truncate(value.trim_end_matches('\n').len());
    }
    Ok(all)
}

/// Where `part` begins in `whole`, which it is a piece of.
fn offset(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len())
}

fn put(all: &mut Map<String, Value>, name: &str, value: String, refers: bool) -> Result<(), String> {
    if all.len() >= MOST && !all.contains_key(name) {
        return Err(format!("more than {MOST} variables"));
    }
    // The last of two is what every shell would take.
    all.insert(name.to_owned(), if refers { json!({ "refers": true }) } else { Value::String(value) });
    Ok(())
}

/// The next line and what comes after it; none at the end.
fn next_line(text: &str) -> Option<(&str, &str)> {
    (!text.is_empty()).then(|| text.split_once('\n').unwrap_or((text, "")))
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// What stands up to the closing quote, and where that ends.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut inside = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((inside, at + c.len_utf8())),
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => inside.push('\n'),
                'r' => inside.push('\r'),
                't' => inside.push('\t'),
                other @ ('"' | '\\' | '$' | '`') => inside.push(other),
                other => inside.extend(['\\', other]),
            },
            c => inside.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Value {
        Value::Object(dotenv(text).expect("a file"))
    }

    #[test]
    fn a_file_is_read_as_programs_read_it() {
        let text = concat!(
            "\u{feff}# of production\n\nA=1\nexport B = two words # said\r\nC='single # $X ${X} \\n'\n",
            "D=\"line\\nnext \\\"x\\\"\" # ok\nE=\nF=#none\nG=a#b\nKEY=\"-----BEGIN\nabc\n-----END\"\nH=\"${A}/x\"\nI=${A}\nA=2\nJ=x=y",
        );
        let wanted = json!({
            "A": "2", "B": "two words", "C": "single # $X ${X} \\n", "D": "line\nnext \"x\"", "E": "", "F": "",
            "G": "a#b", "KEY": "-----BEGIN\nabc\n-----END", "H": { "refers": true }, "I": { "refers": true }, "J": "x=y",
        });
        assert_eq!(of(text), wanted);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line_and_not_by_its_text() {
        for (text, line) in [
            ("A=1\nhunter22\n", "line 2"),
            ("A='hunter22\nB=2\n", "line 1"),
            ("A=1\n1B=hunter22", "line 2"),
            ("A='x' hunter22", "line 1"),
            ("\n\nA B=hunter22", "line 3"),
        ] {
            let why = dotenv(text).expect_err(text);
            assert!(why.starts_with(line) && !why.contains("hunter22"), "{why}");
        }
    }

    #[test]
    fn the_output_of_env_is_read_with_values_of_several_lines() {
        let read = |text: &str| printed(text).map(Value::Object);
        assert_eq!(
            read("A=1\nKEY=-----BEGIN\nabc\n-----END\nB=\n"),
            Ok(json!({ "A": "1", "KEY": "-----BEGIN\nabc\n-----END", "B": "" }))
        );
        assert_eq!(read("A=1\nB=2\n3\0C=4\0"), Ok(json!({ "A": "1\nB=2\n3", "C": "4" })));
        assert!(read("error: pod not found\n").is_err());
        assert_eq!(read(""), Ok(json!({})));
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "([A-Z_]{0,3}=?['\"`]?[a-z$\\{\\}#\\\\ é]{0,6}['\"`]?\\r?\\n?){0,8}|\\PC{0,60}") {
            let _ = (dotenv(&text), printed(&text));
        }

        #[test]
        fn what_is_in_single_quotes_comes_back_as_it_is(value in "[^']{0,40}") {
            let read = dotenv(&format!("A='{value}'\n"));
            prop_assert_eq!(read.map(Value::Object), Ok(json!({ "A": value })));
        }
    }
}
