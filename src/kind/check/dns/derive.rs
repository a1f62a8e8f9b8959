//! The examples of a `dns` check: the answer that each resolver would give, and one as it would be seen.

use serde_json::json;

use super::{Dns, Type, table};
use crate::base::template::{Scope, Shape};
use crate::kind::check::{Answered, Seen, http};

/// The resolver that is asked where the plan names none.
pub(super) const SYSTEM: &str = "the system's resolver";
/// Seconds that records live in an example, where the plan does not say.
const TTL: u64 = 300;

pub(super) fn good(dns: &Dns, scope: &Scope) -> Result<Answered, String> {
    let expect = &dns.expect;
    let document = if expect.absent {
        json!({ "rcode": "NXDOMAIN", "exists": false, "records": [] })
    } else {
        let (equals, contains) =
            (table::records(dns.kind, &expect.equals, scope)?, table::records(dns.kind, &expect.contains, scope)?);
        let records = match (equals.is_empty(), contains.is_empty()) {
            (false, _) => equals,
            (true, false) => contains,
            (true, true) => vec![some(dns.kind).to_owned()],
        };
        let ttl = expect.ttl_max.map_or(TTL, |most| most.as_secs());
        json!({ "rcode": "NOERROR", "exists": true, "records": records, "ttl": ttl })
    };
    Ok(Answered { json: Some(Shape::Plain(document)), ..Answered::default() })
}

/// A record of the type, of the names and addresses that are kept for examples.
fn some(kind: Type) -> &'static str {
    match kind {
        Type::A => "203.0.113.10",
        Type::Aaaa => "2001:db8::10",
        Type::Cname => "target.example.net",
        Type::Txt => "example",
        Type::Caa => "0 issue ca.example.net",
        Type::Mx => "10 mail.example.net",
        Type::Ns => "ns1.example.net",
    }
}

/// Every resolver says the same.
pub(super) fn seen(dns: &Dns, example: &Answered, scope: &Scope) -> Seen {
    let named = dns.resolvers.iter().flat_map(|one| one.list(scope).unwrap_or_else(|_| vec![one.written()]));
    let mut labels: Vec<String> = named.collect();
    if labels.is_empty() {
        labels.push(SYSTEM.to_owned());
    }
    let answer = |label| (label, http::answer(example, 0, scope));
    Seen { answers: labels.into_iter().map(answer).collect(), control_answers: false }
}
