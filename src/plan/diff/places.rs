//! Where each table of a plan acts, and what the names that it uses stand for there. From the text alone.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::{sorted, write};

/// Names that a text uses: `{{ name }}`, and `$name` in a jq program.
static NAMES: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)|\$([A-Za-z_][A-Za-z0-9_]*)").ok());

/// One plan, seen from where its launch is.
pub(super) struct Places<'p> {
    pub plan: &'p Value,
    /// The launch's own place.
    home: &'p str,
    /// How each baseline value is taken, with all that it uses: always at the launch's own place.
    pub baseline: BTreeMap<&'p str, String>,
}

impl<'p> Places<'p> {
    /// `asked` is what `--env` named when the launch was opened.
    pub fn new(plan: &'p Value, asked: Option<&'p str>) -> Self {
        let written = || plan.get("plan")?.get("environment")?.as_str().map(str::trim);
        let mut places = Self { plan, home: asked.or_else(written).unwrap_or_default(), baseline: BTreeMap::new() };
        let taken = |(name, value): (&'p String, &Value)| (name.as_str(), places.told(&sorted(value), None));
        places.baseline = places.table("baseline").into_iter().flatten().map(taken).collect();
        places
    }

    /// The place that a `target` names, where it is not the launch's own.
    fn elsewhere<'t>(&self, target: Option<&'t Value>) -> Option<&'t str> {
        target?.as_str().filter(|target| *target != self.home)
    }

    /// Where these tables act: what the first that names a place says.
    pub fn of<'t>(&self, tables: impl IntoIterator<Item = &'t Map<String, Value>>) -> Option<&'t str> {
        self.elsewhere(tables.into_iter().find_map(|table| table.get("target")))
    }

    /// A value, where it acts, and what every name in it stands for there.
    pub fn told(&self, value: &Value, place: Option<&str>) -> String {
        let mut text = String::new();
        write(value, &mut text);
        place.iter().for_each(|place| write(&Value::String(format!("at {place}")), &mut text));
        let none = Map::new();
        let (vars, secrets) = (self.vars(place), self.table("secrets").unwrap_or(&none));
        let used = expand(&mut text, &[&vars, secrets]);
        used.iter().filter_map(|name| self.baseline.get(name.as_str())).for_each(|taken| text.push_str(taken));
        text
    }

    /// The variables as they are declared for a place.
    fn vars(&self, place: Option<&str>) -> Cow<'p, Map<String, Value>> {
        let own = self.table("target").and_then(|targets| targets.get(place.unwrap_or(self.home))?.get("vars"));
        match (self.table("vars"), own.and_then(Value::as_object)) {
            (Some(vars), None) => Cow::Borrowed(vars),
            (vars, own) => {
                let all = vars.into_iter().flatten().chain(own.into_iter().flatten());
                Cow::Owned(all.map(|(name, value)| (name.clone(), value.clone())).collect())
            }
        }
    }

    fn table(&self, name: &str) -> Option<&'p Map<String, Value>> {
        self.plan.get(name)?.as_object()
    }
}

/// Adds how each name that `text` uses is declared, and what those use in turn. Answers every name.
fn expand(text: &mut String, declared: &[&Map<String, Value>]) -> BTreeSet<String> {
    let (mut seen, mut read) = (BTreeSet::new(), 0);
    let Some(names) = NAMES.as_ref() else { return seen };
    while read < text.len() {
        let rest = text[read..].to_owned();
        read = text.len();
        let used = names.captures_iter(&rest).filter_map(|found| found.get(1).or(found.get(2)));
        for name in used.map(|name| name.as_str().to_owned()) {
            if seen.insert(name.clone()) {
                declared.iter().filter_map(|known| known.get(&name)).for_each(|value| write(&sorted(value), text));
            }
        }
    }
    seen
}
