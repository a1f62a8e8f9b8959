//! A number that must stay on one side of a bound: from a document by jq, or from text by a regular expression.

use regex::Regex;
use serde_json::{Number as Json, Value};

use super::{Good, Read, Text, pattern};
use crate::base::jq::{Jq, Program};
use crate::base::source::Span;
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::kind::expect::program;
use crate::launch::verdict::Finding;

/// Places of a text that are told in one finding.
const TOLD: usize = 5;

/// `{ jq = ".api.p95Ms", that = "<= 960" }`
#[derive(Debug, Clone)]
pub struct Number {
    pub of: Of,
    pub that: Bound,
}

/// Where the number stands.
#[derive(Debug, Clone)]
pub enum Of {
    Jq(Program),
    /// Its one group is the number; every match must hold.
    Regex(Regex),
}

/// `<= 960`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    is: Is,
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    Other,
}

const WORDS: [(&str, Is); 6] =
    [("<=", Is::AtMost), (">=", Is::AtLeast), ("==", Is::Equal), ("!=", Is::Other), ("<", Is::Below), (">", Is::Above)];

impl Bound {
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no bound: write `<= 960`, or one of <, >=, >, ==, !=");
        let text = text.trim();
        let (word, is) = WORDS.into_iter().find(|(word, _)| text.starts_with(word)).ok_or_else(wrong)?;
        let limit =
            text[word.len()..].trim().parse::<f64>().ok().filter(|limit| limit.is_finite()).ok_or_else(wrong)?;
        Ok(Self { is, limit })
    }

    #[must_use]
    pub fn holds(self, number: f64) -> bool {
        match self.is {
            Is::AtMost => number <= self.limit,
            Is::Below => number < self.limit,
            Is::AtLeast => number >= self.limit,
            Is::Above => number > self.limit,
            #[expect(clippy::float_cmp, reason = "the plan asks for this very number")]
            Is::Equal => number == self.limit,
            #[expect(clippy::float_cmp, reason = "the plan asks for any other number")]
            Is::Other => number != self.limit,
        }
    }

    /// A number that holds.
    fn good(self) -> Option<Value> {
        let number = match self.is {
            Is::AtMost | Is::AtLeast | Is::Equal => self.limit,
            Is::Below => self.limit - 1.0,
            Is::Above | Is::Other => self.limit + 1.0,
        };
        Json::from_f64(number).map(Value::Number)
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = WORDS.iter().find(|(_, is)| *is == self.is).map_or("", |(word, _)| *word);
        write!(f, "{word} {}", self.limit)
    }
}

impl Number {
    /// Reads `number`: one table, or a list of them.
    #[must_use]
    pub fn read(table: &Table<'_>) -> Vec<Self> {
        table.tables("number").into_iter().filter_map(one).collect()
    }

    fn subject(&self) -> String {
        match &self.of {
            Of::Jq(program) => program.text.clone(),
            Of::Regex(pattern) => format!("/{pattern}/"),
        }
    }

    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {}", self.subject(), self.that)
    }

    pub async fn judge(&self, document: &Read, text: &Text, scope: &Scope, jq: &Jq) -> Finding {
        let numbers = match &self.of {
            Of::Jq(program) => of_json(program, document, scope, jq).await.map(|number| vec![number]),
            Of::Regex(pattern) => of_text(pattern, text),
        };
        let expected = self.that.to_string();
        match numbers {
            Err(why) => Finding::unknown(self.subject(), expected, why),
            Ok(numbers) => {
                let wrong: Vec<f64> = numbers.iter().copied().filter(|number| !self.that.holds(*number)).collect();
                let told = if wrong.is_empty() { &numbers } else { &wrong };
                let mut seen = told.iter().take(TOLD).map(f64::to_string).collect::<Vec<_>>().join(", ");
                if told.len() > TOLD {
                    seen.push_str(&format!(" and {} more", told.len() - TOLD));
                }
                Finding::held(self.subject(), expected, seen, wrong.is_empty())
            }
        }
    }

    /// Puts a number that holds into a good document.
    ///
    /// # Errors
    /// That it is of a text, or its program more than a plain path.
    pub fn derive(&self, good: &mut Good) -> Result<(), String> {
        let more = || format!("`{}` is more than a plain path: write an example", self.subject());
        match &self.of {
            Of::Jq(program) if program.is_bare() => match program.paths().as_slice() {
                [path] => good.put(path, self.that.good().ok_or_else(more)?),
                _ => Err(more()),
            },
            _ => Err(more()),
        }
    }
}

fn one(table: Table<'_>) -> Option<Number> {
    let jq = table.text("jq").and_then(|text| program(&table, &text.value, text.span)).map(Of::Jq);
    let regex = table.text("regex").and_then(|text| grouped(&table, &text.value, text.span)).map(Of::Regex);
    let that = table.need_text("that", "`that = \"<= 960\"`").and_then(|text| match Bound::parse(&text.value) {
        Ok(bound) => Some(bound),
        Err(why) => {
            table.wrong_value(text.span, why);
            None
        }
    });
    let of = match (jq, regex) {
        (Some(_), Some(_)) => {
            table.wrong_value(table.span, "one number: `jq` or `regex`, not both");
            None
        }
        (None, None) => {
            if !table.has("jq") && !table.has("regex") {
                table.missing("jq", "`jq = \".p95\"` or `regex = 'p95: ([0-9.]+)'`");
            }
            None
        }
        (jq, regex) => jq.or(regex),
    };
    table.finish();
    Some(Number { of: of?, that: that? })
}

/// A pattern with one group: what it captures.
#[must_use]
pub fn grouped(table: &Table<'_>, text: &str, span: Span) -> Option<Regex> {
    let pattern = pattern(table, "regex", text, span)?;
    if pattern.captures_len() != 2 {
        let groups = pattern.captures_len() - 1;
        table.wrong_value(span, format!("{groups} groups: exactly one says what is taken, as in 'p95: ([0-9.]+)'"));
        return None;
    }
    Some(pattern)
}

async fn of_json(program: &Program, document: &Read, scope: &Scope, jq: &Jq) -> Result<f64, String> {
    let document = document.as_ref().map_err(Clone::clone)?;
    let value = jq.value(program, document, scope).await?;
    let number = value.as_f64().filter(|number| number.is_finite());
    number.ok_or_else(|| match value {
        Value::String(_) => "a text, no number".to_owned(),
        Value::Number(_) => "a number beyond 64 bits".to_owned(),
        _ => "no number".to_owned(),
    })
}

fn of_text(pattern: &Regex, text: &Text) -> Result<Vec<f64>, String> {
    let mut numbers = Vec::new();
    for found in pattern.captures_iter(&text.text) {
        let Some(group) = found.get(1) else { continue };
        let number = group.as_str().trim().parse::<f64>().ok().filter(|number| number.is_finite());
        numbers.push(number.ok_or_else(|| format!("`{}` is no number", group.as_str()))?);
    }
    match (numbers.is_empty(), text.lacks) {
        (true, _) => Err("no match, so no number".to_owned()),
        (false, Some(lacks)) => Err(format!("{} of it, and {lacks}", numbers.len())),
        (false, None) => Ok(numbers),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::launch::verdict::Verdict;

    async fn verdict(of: Of, that: &str, document: Read, text: &str) -> Verdict {
        let number = Number { of, that: Bound::parse(that).expect("a bound") };
        let text = Text { text: text.to_owned(), lacks: None };
        number.judge(&document, &text, &Scope::default(), &Jq::default()).await.verdict
    }

    #[test]
    fn a_bound_holds_on_its_side_alone() {
        for (text, holds, not) in [
            ("<= 5", 5.0, 5.1),
            ("< 5", 4.9, 5.0),
            (">=5", 5.0, 4.9),
            ("> 0.5", 0.6, 0.5),
            ("== 0", 0.0, 1.0),
            ("!= 0", 1.0, 0.0),
        ] {
            let bound = Bound::parse(text).expect("a bound");
            assert!(bound.holds(holds) && !bound.holds(not), "{text}");
            assert!(bound.holds(bound.good().and_then(|good| good.as_f64()).expect("a number")), "{text}");
        }
        for text in ["5", "<=", "<= five", "=< 5", "<= inf", "<= NaN", ""] {
            assert!(Bound::parse(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_number_that_is_not_there_is_unknown_and_every_match_must_hold() {
        let jq = || Of::Jq(Program::parse(".p95").expect("a program"));
        for (document, wanted) in [
            (Ok(json!({ "p95": 900 })), Verdict::Pass),
            (Ok(json!({ "p95": 960.5 })), Verdict::Fail),
            (Ok(json!({ "p95": "900" })), Verdict::Unknown),
            (Ok(json!({ "p95": null })), Verdict::Unknown),
            (Ok(json!({})), Verdict::Unknown),
            (Err("no JSON".to_owned()), Verdict::Unknown),
        ] {
            assert_eq!(verdict(jq(), "<= 960", document.clone(), "").await, wanted, "{document:?}");
        }
        let regex = || Of::Regex(Regex::new(r"Turn \d+: (\d+)ms").expect("a pattern"));
        for (text, wanted) in [
            ("Turn 1: 33ms\nTurn 2: 41ms", Verdict::Pass),
            ("Turn 1: 33ms\nTurn 2: 2041ms", Verdict::Fail),
            ("Traceback", Verdict::Unknown),
        ] {
            assert_eq!(verdict(regex(), "<= 1500", Err(String::new()), text).await, wanted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bound_panics(text in "\\PC{0,20}|[<>=! ]{0,3}[0-9eE.+-]{0,9}") {
            if let Ok(bound) = Bound::parse(&text) {
                let _ = (bound.holds(1.0), bound.good());
                prop_assert_eq!(Bound::parse(&bound.to_string()), Ok(bound));
            }
        }
    }
}
