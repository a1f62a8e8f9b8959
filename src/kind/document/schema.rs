//! A JSON Schema that a document must satisfy: written in the plan, or a file beside it. It asks nobody: what
//! refers outside itself is no schema here, and its patterns take linear time.

use std::sync::Arc;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::Read;
use crate::base::table::{Placed, Table};
use crate::launch::verdict::Finding;

/// Bytes of a schema's file.
pub const MOST_SCHEMA: u64 = 1 << 20;
/// Mistakes that are told in one finding.
const TOLD: usize = 3;

/// `schema = "report.schema.json"`, or the schema itself as a table.
#[derive(Debug, Clone)]
pub enum Schema {
    Written(Compiled),
    /// Relative to the plan's folder; read where the check looks.
    File(String),
}

/// A schema, ready.
#[derive(Debug, Clone)]
pub struct Compiled(Arc<Validator>);

impl Compiled {
    /// # Errors
    /// What is wrong with the schema.
    pub fn of(schema: &Value) -> Result<Self, String> {
        let options = jsonschema::options().offline().with_pattern_options(PatternOptions::regex());
        let built = options.should_validate_formats(true).build(schema);
        built.map(|validator| Self(Arc::new(validator))).map_err(|why| why.to_string())
    }

    /// # Errors
    /// That these bytes are no JSON, or what is wrong with the schema.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let schema = serde_json::from_slice::<Value>(bytes).map_err(|why| format!("unparsable JSON: {why}"))?;
        Self::of(&schema)
    }

    /// What of `document` breaks it, a sentence each with its place.
    fn mistakes(&self, document: &Value) -> Vec<String> {
        let errors = self.0.iter_errors(document).take(TOLD + 1);
        let told = errors.map(|error| {
            let at = error.instance_path().as_str();
            // Values may be anything, and long: the place tells where to look.
            let what = error.masked().to_string();
            if at.is_empty() { what } else { format!("{at}: {what}") }
        });
        told.collect()
    }
}

impl Schema {
    /// Reads `schema`; what is wrong with one that is written in the plan is reported at its place.
    #[must_use]
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let Placed { value, span } = table.plain("schema")?;
        match value {
            Value::String(file) if file.is_empty() => {
                table.wrong_value(span, "`schema` is a file's name, or the schema itself");
                None
            }
            Value::String(file) => Some(Self::File(file)),
            schema @ (Value::Object(_) | Value::Bool(_)) => match Compiled::of(&schema) {
                Ok(compiled) => Some(Self::Written(compiled)),
                Err(why) => {
                    table.wrong_value(span, format!("this is no JSON Schema: {why}"));
                    None
                }
            },
            _ => {
                table.wrong_value(span, "`schema` is a file's name, or the schema itself");
                None
            }
        }
    }

    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Written(_) => "as the schema says".to_owned(),
            Self::File(file) => format!("as the schema {file} says"),
        }
    }

    /// The finding on a document. `file` is the schema's text where it is a file's, or why that was not read;
    /// none where nobody read one, as of an example: then nothing is said.
    #[must_use]
    pub fn judge(&self, document: &Read, file: Option<Result<&[u8], String>>) -> Option<Finding> {
        let read;
        let compiled = match (self, file) {
            (Self::Written(compiled), _) => Ok(compiled),
            (Self::File(_), None) => return None,
            (Self::File(name), Some(text)) => {
                read = text.and_then(Compiled::read).map_err(|why| format!("the schema {name}: {why}"));
                read.as_ref().map_err(Clone::clone)
            }
        };
        Some(match (compiled, document) {
            (Err(why), _) => Finding::unknown("schema", self.words(), why),
            (_, Err(why)) => Finding::unknown("schema", self.words(), why.as_str()),
            (Ok(compiled), Ok(document)) => {
                let mistakes = compiled.mistakes(document);
                let more = if mistakes.len() > TOLD { ", and more" } else { "" };
                let told = mistakes.iter().take(TOLD).cloned().collect::<Vec<_>>().join("; ");
                let seen = if mistakes.is_empty() { "valid".to_owned() } else { format!("{told}{more}") };
                Finding::held("schema", self.words(), seen, mistakes.is_empty())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::launch::verdict::Verdict;

    fn verdict(schema: &Value, document: &Read) -> Verdict {
        let schema = Schema::Written(Compiled::of(schema).expect("a schema"));
        schema.judge(document, None).expect("a finding").verdict
    }

    #[test]
    fn a_document_is_held_to_its_schema_and_told_where_it_breaks_it() {
        let schema = json!({
            "type": "object",
            "required": ["summary"],
            "properties": { "summary": { "type": "object", "properties": { "pass": { "type": "boolean" } } } },
        });
        assert_eq!(verdict(&schema, &Ok(json!({ "summary": { "pass": false } }))), Verdict::Pass);
        assert_eq!(verdict(&schema, &Ok(json!({}))), Verdict::Fail);
        assert_eq!(verdict(&schema, &Err("no JSON".into())), Verdict::Unknown);
        let schema = Schema::Written(Compiled::of(&schema).expect("a schema"));
        let told = schema.judge(&Ok(json!({ "summary": { "pass": "yes" } })), None).expect("a finding").seen;
        assert!(told.starts_with("/summary/pass: ") && told.contains("boolean") && !told.contains("yes"), "{told}");
    }

    #[test]
    fn a_schema_asks_nobody_and_has_an_end() {
        for outside in ["https://example.com/s.json", "file:///etc/passwd", "other.json"] {
            assert!(Compiled::of(&json!({ "$ref": outside })).is_err(), "{outside}");
        }
        for endless in [
            json!({ "$ref": "#" }),
            json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } }, "$ref": "#/$defs/a" }),
            json!({ "allOf": [{ "$ref": "#" }] }),
            json!({ "properties": { "child": { "$ref": "#" } }, "required": ["child"] }),
        ] {
            if let Ok(compiled) = Compiled::of(&endless) {
                let _ = compiled.mistakes(&json!({ "child": { "child": {} } }));
            }
        }
    }

    #[test]
    fn a_schema_that_cannot_be_read_is_unknown_and_one_nobody_read_says_nothing() {
        let schema = Schema::File("s.json".into());
        let document = Ok(json!({}));
        for text in [Ok(&b"{"[..]), Ok(&b"{\"type\": 3}"[..]), Err("there is no such file".to_owned())] {
            assert_eq!(schema.judge(&document, Some(text)).map(|finding| finding.verdict), Some(Verdict::Unknown));
        }
        let right = schema.judge(&document, Some(Ok(b"{\"type\": \"object\"}")));
        assert_eq!(right.map(|finding| finding.verdict), Some(Verdict::Pass));
        assert_eq!(schema.judge(&document, None), None);
    }
}
