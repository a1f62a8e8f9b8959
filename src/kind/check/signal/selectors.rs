//! The series that a PromQL query looks at, and from them a query for the age of the newest data: an instant
//! query answers with the time it was asked for, however old what it is made of. It reads only as much of the
//! language as tells selectors from the rest, and never fails.

use std::time::Duration;

/// Selectors of one query that are looked at.
const MOST: usize = 16;

/// As far back as Prometheus takes a sample for present (its `query.lookback-delta`).
const LOOKBACK: &str = "5m";

/// Steps of a look back.
const STEPS: u64 = 240;

/// Words that are no series, and may have a list of labels behind them.
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const WORDS: [&str; 8] = ["and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"];

/// Operators that make one series of several.
const AGGREGATIONS: [&str; 13] = [
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "quantile",
    "count_values",
    "limitk",
];

/// A selector, and as far back as the query looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    pub text: String,
    /// `5m`; none for an instant.
    pub range: Option<String>,
}

/// A query that gives the age in seconds of the newest sample of `query`'s series, the oldest of them where it
/// looks at several: of each, the newest in as far back as it is looked at. None where it looks at no series.
pub(super) fn age(query: &str) -> Option<String> {
    let all = selectors(query);
    let one = |selector: &Selector| {
        let Selector { text, range } = selector;
        let range = range.as_deref().unwrap_or(LOOKBACK);
        let seconds = humantime::parse_duration(range).unwrap_or(Duration::from_secs(3_600)).as_secs();
        let step = (seconds / STEPS).max(1);
        // What is marked as gone has no time any more: then the look back tells when it was there last.
        format!("time() - (max(timestamp({text})) or max(max_over_time(timestamp({text})[{range}:{step}s])))")
    };
    match all.as_slice() {
        [] => None,
        [only] => Some(one(only)),
        several => {
            let each = several.iter().enumerate();
            let each =
                each.map(|(at, selector)| format!("label_replace({}, \"of\", \"{at}\", \"\", \"\")", one(selector)));
            Some(format!("max({})", each.collect::<Vec<_>>().join(" or ")))
        }
    }
}

/// True where the query is one selector and nothing else: its series have times of their own.
pub(super) fn is_one(query: &str) -> bool {
    matches!(selectors(query).as_slice(), [Selector { text, range: None }] if text == query.trim())
}

/// What a query makes one number of several series by, if it does: `sum`, `topk`.
pub(super) fn aggregation(query: &str) -> Option<&'static str> {
    let mut at = 0;
    while let Some(c) = query[at..].chars().next() {
        let rest = &query[at..];
        let length = match c {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' | '`' => quoted(rest),
            '{' if rest.starts_with("{{") => rest.find("}}").map_or(rest.len(), |end| end + 2),
            '{' => braced(rest),
            c if c.is_ascii_digit() || c == '.' => run(rest, |c| c.is_ascii_alphanumeric() || c == '.'),
            c if is_name(c) => {
                let name = run(rest, |c| is_name(c) || c.is_ascii_digit());
                let next = rest[name..].trim_start();
                let word = AGGREGATIONS.into_iter().find(|word| rest[..name].eq_ignore_ascii_case(word));
                if word.is_some() && (next.starts_with('(') || is_grouped(next)) {
                    return word;
                }
                name
            }
            other => other.len_utf8(),
        };
        at += length.max(1);
    }
    None
}

/// The selectors of a query, each once.
pub(super) fn selectors(query: &str) -> Vec<Selector> {
    let mut found: Vec<Selector> = Vec::new();
    let mut at = 0;
    while let Some(c) = query[at..].chars().next() {
        let rest = &query[at..];
        let length = match c {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' | '`' => quoted(rest),
            '{' if rest.starts_with("{{") => rest.find("}}").map_or(rest.len(), |end| end + 2),
            '{' => {
                let (selector, length) = selector(rest, 0);
                keep(&mut found, selector);
                length
            }
            c if c.is_ascii_digit() || c == '.' => run(rest, |c| c.is_ascii_alphanumeric() || c == '.'),
            c if is_name(c) => {
                let name = run(rest, |c| is_name(c) || c.is_ascii_digit());
                let word = rest[..name].to_ascii_lowercase();
                let after = &rest[name..];
                let next = after.trim_start();
                if GROUPINGS.contains(&word.as_str()) {
                    name + if next.starts_with('(') { after.find(')').map_or(after.len(), |end| end + 1) } else { 0 }
                } else if next.starts_with('(') || WORDS.contains(&word.as_str()) || is_grouped(next) {
                    name
                } else {
                    let (selector, length) = selector(rest, name);
                    keep(&mut found, selector);
                    length
                }
            }
            other => other.len_utf8(),
        };
        at += length.max(1);
    }
    found
}

fn keep(found: &mut Vec<Selector>, selector: Selector) {
    if found.len() < MOST && !found.contains(&selector) {
        found.push(selector);
    }
}

/// An aggregation with its labels before its parentheses: `sum by (job) (…)`.
fn is_grouped(next: &str) -> bool {
    ["by", "without"].iter().any(|word| {
        next.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            && next[word.len()..].trim_start().starts_with('(')
    })
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | ':')
}

fn run(text: &str, within: impl Fn(char) -> bool) -> usize {
    text.find(|c| !within(c)).unwrap_or(text.len())
}

/// Bytes of the text in quotes that `text` begins with.
fn quoted(text: &str) -> usize {
    let Some(quote) = text.chars().next() else { return 0 };
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The selector that `text` begins with, its name `name` bytes long, and how far it and its range reach.
fn selector(text: &str, name: usize) -> (Selector, usize) {
    let skip = |at: usize| at + run(&text[at..], char::is_whitespace);
    let mut end = name;
    let open = skip(name);
    if text[open..].starts_with('{') && !text[open..].starts_with("{{") {
        end = open + braced(&text[open..]);
    }
    let selector = text[..end].to_owned();
    let bracket = skip(end);
    let inside = text[bracket..].strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match inside {
        Some((inside, _)) => {
            let range = inside.split(':').next().unwrap_or_default().trim().to_owned();
            let range = (!range.is_empty()).then_some(range);
            (Selector { text: selector, range }, bracket + inside.len() + 2)
        }
        None => (Selector { text: selector, range: None }, end),
    }
}

/// Bytes of the braces that `text` begins with, quotes inside passed over.
fn braced(text: &str) -> usize {
    let mut at = 1;
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' | '\'' | '`' => at += quoted(&text[at..]),
            '}' => return at + 1,
            other => at += other.len_utf8(),
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(query: &str) -> Vec<(String, Option<String>)> {
        selectors(query).into_iter().map(|selector| (selector.text, selector.range)).collect()
    }

    #[test]
    fn selectors_are_told_from_functions_labels_and_words() {
        for (query, wanted) in [
            ("up", vec![("up", None)]),
            (
                "sum(rate(a_total{code=~\"5..|}\"}[5m])) / sum by (job) (rate(b:total[1h]))",
                vec![("a_total{code=~\"5..|}\"}", Some("5m")), ("b:total", Some("1h"))],
            ),
            ("histogram_quantile(0.95, sum(rate(d_bucket[5m])) by (le)) or vector(0)", vec![("d_bucket", Some("5m"))]),
            ("sum without(instance) (x) * on(job) group_left(team) y > bool 1e3", vec![("x", None), ("y", None)]),
            ("{__name__=\"x\", a='}'} offset 5m", vec![("{__name__=\"x\", a='}'}", None)]),
            ("max_over_time(x {a=\"b\"} [10m:30s]) # y + z\n and w", vec![("x {a=\"b\"}", Some("10m")), ("w", None)]),
            ("x{v=\"{{ version }}\"}[{{ window }}]", vec![("x{v=\"{{ version }}\"}", Some("{{ window }}"))]),
            ("x unless x", vec![("x", None)]),
            ("vector(1) + time()", vec![]),
            ("NaN + Inf", vec![]),
        ] {
            let wanted: Vec<(String, Option<String>)> = wanted
                .into_iter()
                .map(|(text, range): (&str, Option<&str>)| (text.to_owned(), range.map(str::to_owned)))
                .collect();
            assert_eq!(found(query), wanted, "{query}");
        }
    }

    #[test]
    fn the_age_is_of_the_oldest_of_the_series() {
        assert_eq!(age("vector(1)"), None);
        let one = age("rate(x[4m])").expect("a series");
        assert_eq!(one, "time() - (max(timestamp(x)) or max(max_over_time(timestamp(x)[4m:1s])))");
        let two = age("x / y").expect("two series");
        assert!(two.starts_with("max(label_replace(time()") && two.contains("timestamp(y)[5m:1s]"), "{two}");
    }

    proptest! {
        #[test]
        fn no_query_panics_or_goes_without_end(text in "\\PC{0,60}", like in "[a-z_:{}\\[\\]()\"'`\\\\ #.0-9+é-]{0,80}") {
            for text in [text, like] {
                prop_assert!(selectors(&text).len() <= MOST);
                let _ = (age(&text), aggregation(&text));
            }
        }
    }
}
