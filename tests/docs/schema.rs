//! `docs/plan.schema.json`: the plan format for editors, made from what the readers ask for and from the words of
//! docs/plan.md. Draft 2020-12, and only what draft 7 means alike: some editors read no newer one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use tminus::base::known::{Known, Wanted};
use tminus::plan::kinds;

use super::format::Section;
use super::{canonical, is_kind};

/// As `humantime` reads it: any number of numbers with their units.
const SPAN: &str = r"([0-9][0-9\s]*(\.[0-9\s]+)?(nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds|second|secs|sec|s|minutes|minute|mins|min|m|hours|hour|hrs|hr|h|days|day|d|weeks|week|wks|wk|w|months|month|M|years|year|yrs|yr|y)\s*)+";

/// What may stand there besides a table, where its readers take several forms: types of JSON, and a text's pattern.
const SHORTER: &[(&str, &str, &[&str], &str)] = &[
    ("[http.expect.security]", "csp", &["boolean", "string", "array"], ""),
    ("[http.expect.security]", "hsts", &["string"], "span"),
    ("[http.expect.header]", "NAME", &["string"], ""),
    ("[http.capture]", "NAME", &["string"], ""),
    ("[command.capture]", "NAME", &["string"], ""),
    ("[file.capture]", "NAME", &["string"], ""),
    ("[process]", "stop", &["string"], ""),
    ("[traffic]", "cookie", &["string"], ""),
    ("[env]", "source", &["string"], "^process$"),
    ("[env.vars.NAME]", "url", &["boolean", "string", "array"], ""),
    ("[env.vars.NAME]", "int", &["boolean"], ""),
    ("[env.vars]", "NAME", ANY, ""),
    ("[vars]", "NAME", ANY, ""),
    ("[target.NAME.vars]", "NAME", ANY, ""),
];
const ANY: &[&str] = &["string", "boolean", "number", "array"];

/// The tables, each once, by what refers to them.
struct Made<'a> {
    known: &'a Known,
    told: BTreeMap<&'static str, &'static Section>,
    defined: BTreeMap<String, Value>,
    waiting: BTreeSet<String>,
}

/// The whole schema.
pub fn schema(known: &Known, sections: impl Iterator<Item = &'static Section>) -> Value {
    let told = sections.map(|section| (section.path, section)).collect();
    let mut made = Made { known, told, defined: BTreeMap::new(), waiting: BTreeSet::new() };
    let mut whole = Map::new();
    whole.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    whole.insert("title".into(), "tminus plan".into());
    whole.extend(made.table("[]"));
    while let Some(path) = made.waiting.pop_first() {
        let table = made.table(&path).into_iter().collect();
        made.defined.insert(name(&path), Value::Object(table));
    }
    whole.insert("$defs".into(), Value::Object(made.defined.into_iter().collect()));
    Value::Object(whole)
}

/// How a table is called among the definitions.
pub fn name(path: &str) -> String {
    path.replace("[[", "launch.").replace(['[', ']'], "")
}

impl Made<'_> {
    /// `[path]` as an object that has its keys and no others.
    fn table(&mut self, path: &str) -> Vec<(String, Value)> {
        let known = self.known;
        let keys = known.get(path).unwrap_or_else(|| panic!("{path} is never read"));
        let section = self.told.get(path).copied();
        let mut out: Vec<(String, Value)> = Vec::new();
        let mut say = |key: &str, value: Value| out.push((key.to_owned(), value));
        if path != "[]" {
            say("title", path.into());
        }
        if let Some(section) = section {
            say("description", section.about.into());
        }
        say("type", "object".into());
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (key, wanted) in keys.iter().filter(|(key, wanted)| **key != "NAME" && **wanted != Wanted::Refused) {
            let sentence = section.and_then(|section| section.keys.iter().find(|(said, _)| said == key));
            let sentence = sentence.map(|(_, sentence)| *sentence);
            if sentence.is_some_and(is_required) {
                required.push(Value::from(*key));
            }
            let of_kind = kinds::all().find(|kind| kind.name == *key).map(|kind| kind.line);
            let wanted = if is_one(section, key, wanted) { &Wanted::Table } else { wanted };
            let mut property = self.value(path, key, wanted);
            if let Some(words) = sentence.or(of_kind) {
                property.insert("description".into(), words.into());
            }
            properties.insert((*key).to_owned(), Value::Object(property));
        }
        let others = keys.contains_key("NAME").then(|| self.named(path));
        if !properties.is_empty() {
            say("properties", Value::Object(properties));
        }
        if !required.is_empty() {
            say("required", Value::Array(required));
        }
        say("additionalProperties", others.unwrap_or(Value::Bool(false)));
        let mut of_kinds: Vec<&str> =
            keys.iter().filter(|(key, wanted)| is_one(section, key, wanted)).map(|(key, _)| *key).collect();
        if path == "[monitor]" {
            of_kinds.push("item");
        }
        if of_kinds.len() > 1 {
            let each: Vec<Value> = of_kinds.into_iter().map(|kind| json!({ "required": [kind] })).collect();
            say("oneOf", each.into());
        }
        out
    }

    /// What the value of one key must be.
    fn value(&mut self, path: &str, key: &str, wanted: &Wanted) -> Map<String, Value> {
        let is = |value: Value| value.as_object().cloned().unwrap_or_default();
        let shorter = SHORTER.iter().find(|(of, known, ..)| (*of, *known) == (path, key));
        if let (Some((.., types, _)), false) = (shorter, matches!(wanted, Wanted::Table | Wanted::Named)) {
            return is(json!({ "type": types.iter().copied().chain(["object"]).collect::<Vec<_>>() }));
        }
        is(match wanted {
            Wanted::There | Wanted::Any | Wanted::Shape | Wanted::Refused => json!({}),
            Wanted::Text | Wanted::Template => json!({ "type": "string" }),
            Wanted::Mark => json!({ "type": "string", "pattern": format!(r"^T(-0|\+0|[-+]\s*{SPAN})$") }),
            Wanted::Duration => json!({ "type": "string", "pattern": format!(r"^\s*{SPAN}$") }),
            Wanted::Words(words) => json!({ "enum": words }),
            Wanted::Flag => json!({ "type": "boolean" }),
            Wanted::Integer => json!({ "type": "integer" }),
            Wanted::Texts | Wanted::Templates => json!({ "type": ["string", "array"], "items": { "type": "string" } }),
            Wanted::NamedTemplates => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
            Wanted::Table | Wanted::Named => match self.inner(path, key) {
                Inner::Table(inner) => self.or_shorter(path, key, &inner),
                Inner::Names(inner) => json!({ "type": "object", "additionalProperties": self.named_by(&inner) }),
                Inner::Values => json!({ "type": "object" }),
            },
            // One table stands for a list of one. No `anyOf`: it would blame the list for a mistake in one of its tables.
            Wanted::Tables => {
                let Inner::Table(inner) = self.inner(path, key) else { panic!("{path}.{key} has no tables") };
                let each = self.refer(&inner);
                json!({ "type": ["array", "object"], "items": each, "if": { "type": "object" }, "then": each })
            }
        })
    }

    fn refer(&mut self, path: &str) -> Value {
        if !self.defined.contains_key(&name(path)) {
            self.waiting.insert(path.to_owned());
        }
        json!({ "$ref": format!("#/$defs/{}", name(path)) })
    }

    /// The values of the user's own names in `[path]`.
    fn named(&mut self, path: &str) -> Value {
        self.named_by(&format!("[{}.NAME]", path.trim_matches(['[', ']'])))
    }

    fn named_by(&mut self, inner: &str) -> Value {
        let Some(holder) = inner.strip_suffix(".NAME]").filter(|_| self.known.contains_key(inner)) else {
            return json!(true);
        };
        self.or_shorter(&format!("{holder}]"), "NAME", inner)
    }

    /// The table `inner`, or what may stand in its place. No `anyOf`: it would blame the whole for a mistake inside.
    fn or_shorter(&mut self, path: &str, key: &str, inner: &str) -> Value {
        let refer = self.refer(inner);
        let Some((.., types, pattern)) = SHORTER.iter().find(|(of, known, ..)| (*of, *known) == (path, key)) else {
            return refer;
        };
        let types: Vec<&str> = types.iter().copied().chain(["object"]).collect();
        let mut value = json!({ "type": types, "if": { "type": "object" }, "then": refer });
        let pattern = if *pattern == "span" { format!(r"^\s*{SPAN}$") } else { (*pattern).to_owned() };
        if !pattern.is_empty() {
            value["pattern"] = pattern.into();
        }
        value
    }

    fn inner(&self, path: &str, key: &str) -> Inner {
        let bare = path.replace(['[', ']'], "");
        let of_kind = !path.starts_with("[[") && bare.split('.').next().is_some_and(is_kind);
        let before = if of_kind { "phase.item." } else { "" };
        let inner = canonical(&format!("[{}]", format!("{before}{bare}.{key}").trim_matches('.')));
        let named = format!("[{}.NAME]", inner.trim_matches(['[', ']']));
        match (self.known.contains_key(&inner), self.known.contains_key(&named)) {
            (true, _) => Inner::Table(inner),
            (false, true) => Inner::Names(named),
            (false, false) => Inner::Values,
        }
    }
}

enum Inner {
    Table(String),
    /// A table whose keys are the user's own: what each of them is.
    Names(String),
    /// One whose values may be anything.
    Values,
}

/// Whether the words of a key say that its table needs it, whatever else stands there.
pub fn is_required(sentence: &str) -> bool {
    sentence.split("; ").any(|part| part == "required" || part.starts_with("required. "))
}

/// Whether a key is one of the kinds of which its table has exactly one: the page tells those elsewhere.
fn is_one(section: Option<&Section>, key: &str, wanted: &Wanted) -> bool {
    let told = section.is_some_and(|section| section.keys.iter().any(|(said, _)| *said == key));
    is_kind(key) && !told && matches!(wanted, Wanted::There | Wanted::Table)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use jsonschema::Validator;
    use tminus::base::table::plain_value;
    use tminus::kind::Kind;
    use tminus::plan;
    use toml::de::{DeTable, DeValue};

    use super::super::{AROUND, EVERY_KEY, held, known, rehearsing, sections};
    use super::*;

    fn made() -> Value {
        schema(&known(), sections())
    }

    fn validator() -> Validator {
        jsonschema::draft202012::meta::validate(&made()).expect("a schema of its draft");
        jsonschema::validator_for(&made()).expect("a schema")
    }

    fn json_of(text: &str) -> Value {
        let table = DeTable::parse(text).expect("TOML").into_inner();
        plain_value(&DeValue::Table(table))
    }

    fn mistakes(validator: &Validator, text: &str) -> Vec<String> {
        let told = |error: jsonschema::ValidationError<'_>| format!("{}: {}", error.instance_path(), error.masked());
        validator.iter_errors(&json_of(text)).map(told).collect()
    }

    #[test]
    fn the_schema_is_fresh() {
        let mut text = serde_json::to_string_pretty(&made()).expect("JSON");
        text.push('\n');
        held("plan.schema.json", &text);
    }

    #[test]
    fn every_table_that_is_read_is_in_it() {
        let made = made();
        let defined = made["$defs"].as_object().expect("definitions");
        let known = known();
        let told = |path: &&String| *path != "[]" && known[*path].values().any(|wanted| *wanted != Wanted::Refused);
        let left_out: Vec<&String> =
            known.keys().filter(told).filter(|path| !defined.contains_key(&name(path))).collect();
        // A table of the user's own names is told where it stands.
        let left_out: Vec<_> = left_out.iter().filter(|path| known[**path].keys().any(|key| *key != "NAME")).collect();
        assert!(left_out.is_empty(), "{left_out:?}");
    }

    fn tomls(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                tomls(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                found.push(path);
            }
        }
    }

    #[test]
    fn every_plan_of_ours_is_valid() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for folder in ["config", "tests"] {
            tomls(&root.join(folder), &mut files);
        }
        let validator = validator();
        let mut seen = 0;
        for file in files {
            let text = std::fs::read_to_string(&file).expect("text");
            if !text.lines().any(|line| line == "[plan]") {
                continue;
            }
            seen += 1;
            let wrong = mistakes(&validator, &text);
            assert!(wrong.is_empty(), "{}: {wrong:#?}", file.display());
        }
        assert!(seen > 12, "only {seen} plans seen");
    }

    fn with_kind(kind: &Kind) -> String {
        let class = if kind.family == "step" { "class = \"once\"\n" } else { "" };
        format!("{HEAD}{class}[phase.item.{}]\n{}\n{AROUND}", kind.name, kind.example)
    }

    #[test]
    fn every_kinds_example_is_valid() {
        let validator = validator();
        for kind in kinds::all() {
            let wrong = mistakes(&validator, &with_kind(&kind));
            assert!(wrong.is_empty(), "{}: {wrong:#?}", kind.name);
        }
    }

    const HEAD: &str = "[plan]\nschema = 1\nid = \"x\"\ntitle = \"X\"\n\n[roles.scribe]\ntitle = \"Scribe\"\n\n[[phase]]\nid = \
                        \"p\"\nat = \"T-1h\"\n\n[[phase.item]]\nid = \"i\"\n";

    /// What people get wrong, and where the schema says so.
    const MISTAKES: &[(&str, &str, &str)] = &[
        ("schema = 1\n", "", "/plan"),
        ("title = \"X\"\n", "titel = \"X\"\n", "/plan"),
        ("schema = 1\n", "schema = \"1\"\n", "/plan/schema"),
        ("[roles.scribe]", "[role.scribe]", ""),
        ("title = \"Scribe\"", "votes = \"yes\"", "/roles/scribe/votes"),
        ("at = \"T-1h\"", "at = \"1h\"", "/phase/0/at"),
        ("at = \"T-1h\"", "at = \"T-1x\"", "/phase/0/at"),
        ("at = \"T-1h\"\n", "", "/phase/0"),
        ("at = \"T-1h\"", "at = \"T-1h\"\ngates = true", "/phase/0"),
        ("id = \"i\"\n", "", "/phase/0/item/0"),
        ("manual = {}", "", "/phase/0/item/0"),
        ("manual = {}", "manual = {}\nwait = { for = \"1m\" }", "/phase/0/item/0"),
        ("manual = {}", "manual = { rolle = \"scribe\" }", "/phase/0/item/0/manual"),
        ("manual = {}", "wait = { for = 90 }", "/phase/0/item/0/wait/for"),
        ("manual = {}", "wait = { for = \"90\" }", "/phase/0/item/0/wait/for"),
        ("manual = {}", "manual = {}\nclass = \"twice\"", "/phase/0/item/0/class"),
        ("manual = {}", "manual = {}\nvalid_for = \"an hour\"", "/phase/0/item/0/valid_for"),
        ("manual = {}", "manual = {}\nretries = \"2\"", "/phase/0/item/0/retries"),
        ("manual = {}", "http = { get = \"{{ api }}\", expect = { stauts = 200 } }", "/phase/0/item/0/http/expect"),
        ("window = \"30s\"", "window = 30", "/objective/0/window"),
        ("every = \"1s\"", "every = \"1s\"\nhtpt = {}", "/monitor/0"),
        ("class = \"idempotent\"", "class = \"idem\"", "/rollback/0/step/0/class"),
    ];

    #[test]
    fn what_people_get_wrong_is_told_where_it_stands() {
        let validator = validator();
        let sound = format!("{HEAD}manual = {{}}\n{AROUND}");
        assert_eq!(mistakes(&validator, &sound), Vec::<String>::new());
        for (right, wrong, place) in MISTAKES {
            assert!(sound.contains(right), "{right}");
            let found = mistakes(&validator, &sound.replacen(right, wrong, 1));
            assert!(found.iter().any(|found| found.starts_with(&format!("{place}: "))), "{wrong}: {found:?}");
        }
    }

    /// Each form that the readers take, they take; and the schema with them.
    const SHORT: &[&str] = &[
        "http = { get = \"{{ api }}\", expect = { security = { csp = true, hsts = \"365d\" }, header = { via = \"x\" } } }",
        "http = { get = \"{{ api }}\", expect = { security = { csp = [\"default-src\"], hsts = { max_age = \"1d\" } } } }",
        "env = { source = \"process\", vars = { A = \"x\", B = { url = true }, C = { url = \"https\", int = true } } }",
        "command = { command = [\"true\"], capture = { run = \".run\", built = { regex = '(x)' } } }",
        "file = { path = \"x\", expect = { schema = \"x.json\" } }",
    ];

    #[test]
    fn what_may_be_written_shorter_is_valid() {
        let validator = validator();
        for short in SHORT {
            let text = format!("{HEAD}{short}\n{AROUND}");
            let (source, environment, options) = rehearsing(&text);
            let told = plan::load(source, &environment, &options).err().unwrap_or_default();
            assert!(told.is_empty(), "{short}: {told:?}");
            assert_eq!(mistakes(&validator, &text), Vec::<String>::new(), "{short}");
        }
    }

    type Pointer = Vec<String>;

    /// Every key of a table and of those in it: where it stands, its table's path, and its name.
    fn keys(value: &DeValue<'_>, path: &str, at: &Pointer, found: &mut Vec<(Pointer, String, String)>) {
        let inside = |name: &str| at.iter().cloned().chain([name.to_owned()]).collect::<Pointer>();
        match value {
            DeValue::Table(table) => {
                for (key, value) in table {
                    let name = key.get_ref().as_ref();
                    found.push((inside(name), path.to_owned(), name.to_owned()));
                    let child = format!("[{}]", format!("{}.{name}", path.trim_matches(['[', ']'])).trim_matches('.'));
                    keys(value.get_ref(), &child, &inside(name), found);
                }
            }
            DeValue::Array(values) => {
                for (n, value) in values.iter().enumerate() {
                    keys(value.get_ref(), path, &inside(&n.to_string()), found);
                }
            }
            _ => {}
        }
    }

    fn without(value: &mut DeValue<'_>, at: &[String]) {
        let [name, rest @ ..] = at else { return };
        match value {
            DeValue::Table(table) if rest.is_empty() => {
                table.remove(name.as_str());
            }
            DeValue::Table(table) => {
                for (_, value) in table.iter_mut().filter(|(key, _)| key.get_ref().as_ref() == name.as_str()) {
                    without(value.get_mut(), rest);
                }
            }
            DeValue::Array(values) => {
                let place: usize = name.parse().expect("a place");
                without(values.as_mut()[place].get_mut(), rest);
            }
            _ => {}
        }
    }

    /// What the readers say of the plan with every key, once the key `at` is taken out of it.
    fn told_without(at: &Pointer) -> Vec<String> {
        let mut plan = DeValue::Table(DeTable::parse(EVERY_KEY).expect("TOML").into_inner());
        without(&mut plan, at);
        let DeValue::Table(plan) = &plan else { return Vec::new() };
        let (source, environment, options) = rehearsing(&tminus::base::written::document(plan));
        let mistakes = plan::load(source, &environment, &options).err().unwrap_or_default();
        let needs = |code: &str| ["missing-key", "step-without-class"].contains(&code);
        mistakes.into_iter().filter(|mistake| needs(mistake.code)).map(|mistake| mistake.message).collect()
    }

    /// Else an editor would ask for what the readers do not need, or pass over what they do.
    #[test]
    fn what_it_requires_the_readers_need() {
        let plan = DeValue::Table(DeTable::parse(EVERY_KEY).expect("TOML").into_inner());
        let mut found = Vec::new();
        keys(&plan, "[]", &Vec::new(), &mut found);
        let told: BTreeMap<&str, &Section> = sections().map(|section| (section.path, section)).collect();
        let mut seen = BTreeSet::new();
        let mut wrong = Vec::new();
        for (at, path, key) in found {
            let path = canonical(&path);
            let said = told.get(path.as_str()).and_then(|section| section.keys.iter().find(|(said, _)| *said == key));
            if !said.is_some_and(|(_, sentence)| is_required(sentence)) || !seen.insert((path.clone(), key.clone())) {
                continue;
            }
            let needed = told_without(&at).iter().any(|told| told.contains(&format!("`{key}`")));
            if !needed {
                wrong.push(format!("{path} does without `{key}`"));
            }
        }
        assert!(wrong.is_empty() && seen.len() > 80, "{seen:?}: {}", wrong.join("\n"));
    }

    #[test]
    fn whatever_is_a_span_or_a_mark_fits_its_pattern() {
        let pattern = |text: String| regex::Regex::new(&text).expect("a pattern");
        let (span, mark) = (pattern(format!(r"^\s*{SPAN}$")), pattern(format!(r"^T(-0|\+0|[-+]\s*{SPAN})$")));
        for text in ["500ms", "90s", "1h 30m", " 1 h 30 min", "1.5h", "2days", "1month", "1M", "365d", "90 s ", "1h30m"]
        {
            assert!(humantime::parse_duration(text).is_ok(), "{text}");
            assert!(span.is_match(text), "{text}");
            assert!(mark.is_match(&format!("T-{text}")), "{text}");
        }
        for text in ["", "90", "s", "1x", "-1s", "1h30", "1h-30m"] {
            assert!(humantime::parse_duration(text).is_err(), "{text}");
            assert!(!span.is_match(text), "{text}");
        }
    }
}
