//! The examples of a `tls` check: the document a good endpoint would give, and one as it would be seen.

use serde_json::{Map, Value, json};

use super::address::Endpoint;
use super::{Tls, judge};
use crate::base::template::{Scope, Shape};
use crate::kind::check::{Answered, Seen, http};

/// Days left of a good example beyond those a warning begins at.
const SPARE: u64 = 60;
const DAY: u64 = 86_400;

pub(super) fn good(tls: &Tls, scope: &Scope) -> Result<Answered, String> {
    for name in &tls.names {
        name.list(scope).map_err(|unbound| unbound.to_string())?;
    }
    Endpoint::of(tls, scope)?;
    let names = judge::wanted(tls, scope);
    let said = |versions: &[super::Version], accepted: bool| {
        versions.iter().map(|version| (version.word().to_owned(), json!(accepted))).collect::<Map<_, _>>()
    };
    let mut versions = said(&tls.offer, true);
    versions.extend(said(&tls.refuse, false));
    let mut document = Map::new();
    document.insert("days_left".to_owned(), json!(tls.warn.as_secs() / DAY + SPARE));
    document.insert("names".to_owned(), json!(names));
    document.insert("verified".to_owned(), json!(true));
    if !versions.is_empty() {
        document.insert("versions".to_owned(), json!(versions));
    }
    Ok(Answered { json: Some(Shape::Plain(Value::Object(document))), ..Answered::default() })
}

pub(super) fn seen(tls: &Tls, example: &Answered, scope: &Scope) -> Seen {
    let label = Endpoint::of(tls, scope).map_or_else(|_| tls.host.written(), |endpoint| endpoint.label());
    Seen { answers: vec![(label, http::answer(example, 0, scope))], control_answers: false }
}
