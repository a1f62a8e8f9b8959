//! GitHub's published OpenAPI document, cut down to the calls that are made (`cut.py`; npm `@octokit/openapi`
//! 23.0.2, MIT licence, Copyright (c) 2020 Octokit contributors): what a request must be, and an answer.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("openapi.json");

pub struct Spec {
    document: Value,
    /// By the schema's text: each takes a while to be made.
    made: Mutex<BTreeMap<String, Arc<jsonschema::Validator>>>,
}

/// A call of the document that a request is.
pub struct Call<'a> {
    pub template: String,
    pub values: BTreeMap<String, String>,
    call: &'a Value,
}

/// Headers that are asked for of every call, beside the document.
const HEADERS: [(&str, &str); 2] = [("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")];

impl Spec {
    pub fn new() -> Self {
        Self { document: asserting(serde_json::from_str(DOCUMENT).expect("the document")), made: Mutex::default() }
    }

    /// One for all tests of this process.
    pub fn shared() -> Arc<Self> {
        static SHARED: LazyLock<Arc<Spec>> = LazyLock::new(|| Arc::new(Spec::new()));
        Arc::clone(&SHARED)
    }

    fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node.get("$ref").and_then(Value::as_str) {
            Some(to) => self.document.pointer(to.trim_start_matches('#')).expect("a reference"),
            None => node,
        }
    }

    /// The call that `method` on `path` is; of several the one with the fewest gaps.
    pub fn call(&self, method: &str, path: &str) -> Option<Call<'_>> {
        let paths = self.document["paths"].as_object().expect("paths");
        let fitting = paths.iter().filter_map(|(template, methods)| {
            let call = methods.get(method.to_ascii_lowercase())?;
            Some(Call { values: values(template, path)?, template: template.clone(), call })
        });
        fitting.min_by_key(|call| call.values.len())
    }

    /// What is wrong with a request, by the document.
    pub fn mistakes(
        &self,
        call: &Call<'_>,
        query: &[(String, String)],
        headers: &[(String, String)],
        body: &[u8],
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let parameters: Vec<&Value> =
            call.call["parameters"].as_array().into_iter().flatten().map(|one| self.resolve(one)).collect();
        let named =
            |place: &str, name: &str| parameters.iter().find(|one| one["in"] == place && one["name"] == name).copied();
        for (place, given) in
            [("path", call.values.iter().map(|(a, b)| (a.clone(), b.clone())).collect()), ("query", query.to_vec())]
        {
            for (name, value) in &given {
                match named(place, name) {
                    Some(known) => {
                        wrong.extend(self.unfit(&known["schema"], value).map(|why| format!("{place} {name}: {why}")));
                    }
                    None => wrong.push(format!("{} takes no {place} `{name}`", call.template)),
                }
            }
            let needed = parameters.iter().filter(|one| one["in"] == place && one["required"] == true);
            for one in needed.filter(|one| !given.iter().any(|(name, _)| one["name"] == name.as_str())) {
                wrong.push(format!("{} lacks {place} {}", call.template, one["name"]));
            }
        }
        for (name, value) in HEADERS {
            if !headers.iter().any(|(known, given)| known == name && given == value) {
                wrong.push(format!("header {name} is not {value}"));
            }
        }
        let wanted = call.call.pointer("/requestBody/content/application~1json/schema");
        match (wanted, body.is_empty()) {
            (Some(schema), false) => match serde_json::from_slice::<Value>(body) {
                Ok(json) => {
                    wrong.extend(self.faults(schema, &json));
                    // The document leaves unknown keys open; GitHub refuses them.
                    let known = schema["properties"].as_object().expect("properties");
                    let keys = json.as_object().into_iter().flat_map(|body| body.keys());
                    wrong.extend(
                        keys.filter(|key| !known.contains_key(*key)).map(|key| format!("no `{key}` in a body")),
                    );
                }
                Err(why) => wrong.push(format!("body: {why}")),
            },
            (Some(_), true) if call.call["requestBody"]["required"] == true => wrong.push("no body".to_owned()),
            (None, false) => wrong.push(format!("{} takes no body", call.template)),
            (_, true) => {}
        }
        wrong
    }

    /// Why a text is no value of a parameter.
    fn unfit(&self, schema: &Value, text: &str) -> Option<String> {
        let as_number = || text.parse::<i64>().map(Value::from).unwrap_or(json!(text));
        let fits = [json!(text), as_number()].iter().any(|value| self.faults(schema, value).is_empty());
        (!fits).then(|| format!("`{text}` is not of {schema}"))
    }

    fn faults(&self, schema: &Value, json: &Value) -> Vec<String> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = Arc::clone(made.entry(schema.to_string()).or_insert_with(|| {
            let mut root = schema.clone();
            root["components"] = self.document["components"].clone();
            Arc::new(jsonschema::validator_for(&root).expect("a schema"))
        }));
        drop(made);
        validator.iter_errors(json).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// What the document publishes as an answer to this call.
    pub fn example(&self, call: &Call<'_>) -> Value {
        let contents = self.success(call).1.expect("an answer with a body");
        let first = contents["examples"].as_object().expect("examples").values().next().expect("an example");
        self.resolve(first)["value"].clone()
    }

    /// What is wrong with an answer of success, by the document.
    pub fn answer_mistakes(&self, call: &Call<'_>, json: &Value) -> Vec<String> {
        match self.success(call).1 {
            Some(content) => self.faults(&content["schema"], json),
            None => vec!["a body where none belongs".to_owned()],
        }
    }

    fn success<'a>(&self, call: &'a Call<'_>) -> (&'a str, Option<&'a Value>) {
        let answers = call.call["responses"].as_object().expect("responses");
        let (code, answer) = answers.iter().next().expect("a success");
        (code, answer.get("content").and_then(|content| content.as_object()?.values().next()))
    }
}

/// OpenAPI 3.0 says `nullable`, where JSON Schema says `null` is one of the types.
fn asserting(node: Value) -> Value {
    match node {
        Value::Array(all) => all.into_iter().map(asserting).collect(),
        Value::Object(entries) => {
            let nullable = entries.get("nullable") == Some(&json!(true));
            let kept: serde_json::Map<String, Value> = entries
                .into_iter()
                .filter(|(key, value)| key != "nullable" || !value.is_boolean())
                .map(|(key, value)| (key, asserting(value)))
                .collect();
            if nullable { json!({ "anyOf": [kept, { "type": "null" }] }) } else { Value::Object(kept) }
        }
        plain => plain,
    }
}

/// What the names of a path's template stand for; only the last may hold a slash (`ref`, `path`).
fn values(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut given = path.split('/').peekable();
    let mut wanted = template.split('/').peekable();
    while let Some(want) = wanted.next() {
        let part = given.next()?;
        match want.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if wanted.peek().is_none() && matches!(name, "ref" | "path") => {
                let rest: Vec<&str> = std::iter::once(part).chain(given.by_ref()).collect();
                found.insert(name.to_owned(), rest.join("/"));
            }
            Some(name) => {
                found.insert(name.to_owned(), part.to_owned());
            }
            None if want == part => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(found)
}
