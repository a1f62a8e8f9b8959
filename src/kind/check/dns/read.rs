//! What a resolver's answer says, as a JSON document: `rcode`, `exists` (true, false, null where it proves
//! neither), `records`, `ttl`, `chain`, `authoritative` and `why`. It judges nothing.

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use serde_json::{Value, json};

use super::Type;
use super::ask::Question;

/// Aliases that are followed within one answer.
const MOST_ALIASES: usize = 16;
/// Records that are told.
const MOST_RECORDS: usize = 500;

pub(super) fn document(message: &Message, question: &Question) -> Value {
    let (chain, records, ttl) = found(message, question);
    let (exists, why) = exists(message, &chain, &records);
    json!({
        "rcode": rcode(message.metadata.response_code),
        "exists": exists,
        "records": records,
        "ttl": ttl,
        "chain": chain,
        "authoritative": message.metadata.authoritative,
        "why": why,
    })
}

/// The names the question's stands for, the records of the last, and the least of their times to live.
fn found(message: &Message, question: &Question) -> (Vec<String>, Vec<String>, Option<u32>) {
    let mut chain = Vec::new();
    let mut current = question.name.clone();
    let mut ttl: Option<u32> = None;
    let mut least = |record: &Record| ttl = Some(ttl.map_or(record.ttl, |ttl| ttl.min(record.ttl)));
    while question.kind != Type::Cname && chain.len() < MOST_ALIASES {
        let alias = message.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == current => Some((record, target.0.clone())),
            _ => None,
        });
        let Some((record, target)) = alias else { break };
        least(record);
        chain.push(plain(&target));
        current = target;
    }
    let mut records = Vec::new();
    for record in message.answers.iter().filter(|record| record.name == current).take(MOST_RECORDS) {
        if let Some(text) = text(&record.data, question.kind) {
            least(record);
            records.push(text);
        }
    }
    records.sort();
    records.dedup();
    // An alias lives on its own, but what it leads to was not told.
    let ttl = if records.is_empty() { None } else { ttl };
    (chain, records, ttl)
}

/// A record in the form of [`super::table::normal`]; none where it is of another type.
fn text(data: &RData, kind: Type) -> Option<String> {
    Some(match (kind, data) {
        (Type::A, RData::A(address)) => address.0.to_string(),
        (Type::Aaaa, RData::AAAA(address)) => address.0.to_string(),
        (Type::Cname, RData::CNAME(name)) => plain(&name.0),
        (Type::Ns, RData::NS(name)) => plain(&name.0),
        (Type::Txt, RData::TXT(text)) => String::from_utf8_lossy(&text.txt_data.concat()).into_owned(),
        (Type::Mx, RData::MX(mx)) => format!("{} {}", mx.preference, plain(&mx.exchange)),
        (Type::Caa, RData::CAA(caa)) => {
            format!("{} {} {}", caa.flags(), caa.tag.to_ascii_lowercase(), String::from_utf8_lossy(&caa.value))
        }
        _ => return None,
    })
}

/// A name in lower case, without its last dot.
fn plain(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    match text.strip_suffix('.') {
        Some(bare) if !bare.is_empty() => bare.to_owned(),
        _ => text,
    }
}

/// Whether there are such records, as far as the answer proves it (RFC 2308 section 2), and why it does not.
fn exists(message: &Message, chain: &[String], records: &[String]) -> (Option<bool>, Option<String>) {
    let of = |kind: RecordType| message.authorities.iter().any(|record| record.record_type() == kind);
    match message.metadata.response_code {
        ResponseCode::NoError if !records.is_empty() => (Some(true), None),
        ResponseCode::NXDomain if records.is_empty() => (Some(false), None),
        ResponseCode::NXDomain => (None, Some("it says that the name does not exist, and gives records".to_owned())),
        ResponseCode::NoError => match chain.last() {
            _ if of(RecordType::SOA) => (Some(false), None),
            None if message.metadata.authoritative && !of(RecordType::NS) => (Some(false), None),
            Some(target) => (None, Some(format!("it does not tell what {target} is, for which the name stands"))),
            None if of(RecordType::NS) => {
                (None, Some("it refers to other servers: it answers for itself alone".to_owned()))
            }
            None => (None, Some("an empty answer without its zone's SOA, which proves nothing".to_owned())),
        },
        code => (None, Some(format!("it answered {}", rcode(code)))),
    }
}

/// As `dig` writes them.
fn rcode(code: ResponseCode) -> String {
    let known = match code {
        ResponseCode::NoError => "NOERROR",
        ResponseCode::FormErr => "FORMERR",
        ResponseCode::ServFail => "SERVFAIL",
        ResponseCode::NXDomain => "NXDOMAIN",
        ResponseCode::NotImp => "NOTIMP",
        ResponseCode::Refused => "REFUSED",
        other => return format!("RCODE{}", u16::from(other)),
    };
    known.to_owned()
}
