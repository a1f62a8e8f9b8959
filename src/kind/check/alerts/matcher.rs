//! A matcher of labels as Prometheus and Alertmanager write it: `team="api"`, `code=~"5.."`. A label that is not
//! there is empty.

use regex::{Regex, RegexBuilder};
use serde_json::Value;

/// Bytes of a pattern that an answer brings, compiled.
const LARGEST: usize = 64 << 10;

/// One matcher.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    label: String,
    is: Is,
    /// The value as it is written.
    value: String,
}

#[derive(Debug, Clone)]
enum Is {
    Equal(String),
    Other(String),
    Like(Regex),
    Unlike(Regex),
}

impl Matcher {
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let end = text.find(['=', '!']).ok_or_else(|| format!("`{text}` is no matcher: write `team=\"api\"`"))?;
        let (label, rest) = (text[..end].trim(), &text[end..]);
        let named = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if label.is_empty() || !label.chars().all(named) || label.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("`{label}` is no label"));
        }
        let sign = ["=~", "!~", "!=", "="].into_iter().find(|sign| rest.starts_with(sign));
        let sign = sign.ok_or_else(|| format!("`{rest}` compares nothing: =, !=, =~ or !~"))?;
        let value = rest[sign.len()..].trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let pattern =
            || Regex::new(&format!("^(?s:{value})$")).map_err(|_| format!("`{value}` is no regular expression"));
        let is = match sign {
            "=" => Is::Equal(value.to_owned()),
            "!=" => Is::Other(value.to_owned()),
            "=~" => Is::Like(pattern()?),
            _ => Is::Unlike(pattern()?),
        };
        Ok(Self { label: label.to_owned(), is, value: value.to_owned() })
    }

    /// One of a silence, as Alertmanager tells it; none of what cannot be read.
    pub fn told(told: &Value) -> Option<Self> {
        let (label, value) = (told["name"].as_str()?.to_owned(), told["value"].as_str()?.to_owned());
        let pattern = || RegexBuilder::new(&format!("^(?s:{value})$")).size_limit(LARGEST).build().ok();
        // Before there was another, each was equal.
        let is = match (told["isRegex"].as_bool()?, told["isEqual"].as_bool().unwrap_or(true)) {
            (false, true) => Is::Equal(value.clone()),
            (false, false) => Is::Other(value.clone()),
            (true, true) => Is::Like(pattern()?),
            (true, false) => Is::Unlike(pattern()?),
        };
        Some(Self { label, is, value })
    }

    pub fn label(&self) -> &str {
        &self.label
    }

    pub fn admits(&self, labels: &Value) -> bool {
        self.fits(labels[&self.label].as_str().unwrap_or_default())
    }

    /// Whether it admits a label of this value; none is empty.
    pub fn fits(&self, value: &str) -> bool {
        match &self.is {
            Is::Equal(wanted) => value == wanted,
            Is::Other(wanted) => value != wanted,
            Is::Like(pattern) => pattern.is_match(value),
            Is::Unlike(pattern) => !pattern.is_match(value),
        }
    }

    /// A value that it admits, for what is simulated; none where there must be no label, or no value was found.
    pub fn example(&self) -> Option<String> {
        let first = self.value.split('|').next().unwrap_or_default();
        let plain = |with: &str| {
            let text = first.replace(".*", "").replace(".+", with).replace('\\', "");
            text.chars().filter(|c| !"()[]?*+^$".contains(*c)).collect::<String>().replace('.', with)
        };
        let all = [String::new(), plain("0"), plain("x"), self.value.clone(), "0".to_owned(), "x".to_owned()];
        all.into_iter().find(|value| self.fits(value)).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_are_matched_as_prometheus_does() {
        let labels = json!({ "team": "api", "code": "503" });
        for (text, admits) in [
            ("team=\"api\"", true),
            ("team = api", true),
            ("team!=\"api\"", false),
            ("code=~\"5..\"", true),
            ("code=~\"5\"", false),
            ("code!~\"4..\"", true),
            ("other=\"\"", true),
            ("other!=\"\"", false),
        ] {
            assert_eq!(Matcher::parse(text).expect(text).admits(&labels), admits, "{text}");
        }
        for text in ["team", "=x", "9a=x", "a=~(", "a!x"] {
            assert!(Matcher::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_label_is_found_that_is_admitted() {
        for (text, value) in [
            ("team=\"api\"", Some("api")),
            ("team!=\"api\"", None),
            ("team!=\"\"", Some("0")),
            ("instance=~\"api-.*\"", Some("api-")),
            ("instance=~\"api-.+|db\"", Some("api-0")),
            ("code=~\"5..\"", Some("500")),
            ("code!~\"5..\"", None),
        ] {
            let matcher = Matcher::parse(text).expect(text);
            assert_eq!(matcher.example().as_deref(), value, "{text}");
            assert!(matcher.fits(value.unwrap_or_default()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}", like in "[a-z]{0,3}[=!~]{0,3}\\PC{0,10}") {
            for text in [text, like] {
                let _ = Matcher::parse(&text).map(|matcher| (matcher.admits(&json!({})), matcher.example()));
            }
        }
    }
}
