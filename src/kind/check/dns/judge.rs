//! The verdict on what resolvers said: for each whether the records are as expected, and whether all say the
//! same. Pure; the same for the wire and for an example of the plan.

use std::time::Duration;

use serde_json::Value;

use super::{Dns, table};
use crate::base::template::{Scope, Template};
use crate::kind::check::Seen;
use crate::launch::verdict::{Finding, Report, Verdict};

/// What one resolver said.
struct Told {
    /// None where it proves neither; then `why`.
    exists: Option<bool>,
    records: Option<Vec<String>>,
    ttl: Option<u64>,
    rcode: String,
    why: String,
}

impl Told {
    fn of(body: &[u8]) -> Self {
        let unclear = |why: String| Self { exists: None, records: None, ttl: None, rcode: String::new(), why };
        let document = match serde_json::from_slice::<Value>(body) {
            Ok(document) => document,
            Err(why) => return unclear(format!("what was seen is no JSON: {why}")),
        };
        let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let records = document.get("records").and_then(Value::as_array);
        let records: Option<Vec<String>> =
            records.and_then(|all| all.iter().map(|one| one.as_str().map(str::to_owned)).collect());
        let exists = match document.get("exists") {
            // An example that gives records and no more says enough.
            None => records.as_ref().filter(|records| !records.is_empty()).map(|_| true),
            Some(exists) => exists.as_bool(),
        };
        let ttl = document.get("ttl").and_then(Value::as_f64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a TTL is rounded up, and saturates"
        )]
        let ttl = ttl.filter(|ttl| *ttl >= 0.0).map(|ttl| ttl.ceil() as u64);
        let why = Some(text("why")).filter(|why| !why.is_empty());
        let why = why.unwrap_or_else(|| "it is not told whether there are any".to_owned());
        Self { exists, records, ttl, rcode: text("rcode"), why }
    }

    fn words(&self) -> String {
        match (&self.records, self.exists) {
            (Some(records), _) if !records.is_empty() => records.join(", "),
            (_, Some(false)) if self.rcode == "NXDOMAIN" => "none: the name does not exist (NXDOMAIN)".to_owned(),
            (_, Some(false)) => "none".to_owned(),
            (Some(_), Some(true)) => "no records".to_owned(),
            (None, Some(true)) => "records that are not told".to_owned(),
            (_, None) => self.why.clone(),
        }
    }
}

/// Expectations in words.
pub(super) fn words(dns: &Dns, scope: &Scope) -> Vec<String> {
    let mut all: Vec<String> = wanted(dns, scope).into_iter().map(|(words, _)| words).collect();
    all.iter_mut().for_each(|words| *words = format!("{} {words}", dns.kind.word()));
    all.extend(dns.expect.ttl_max.map(|most| format!("TTL at most {}", humantime::format_duration(most))));
    if dns.agree && dns.resolvers.len() > 1 {
        all.push("the same from all resolvers".to_owned());
    }
    all
}

/// How one resolver's records are looked at.
enum Wanted {
    Absent,
    Any,
    Equals(Result<Vec<String>, String>),
    Contains(Result<Vec<String>, String>),
}

fn wanted(dns: &Dns, scope: &Scope) -> Vec<(String, Wanted)> {
    let expect = &dns.expect;
    let records = |templates: &[Template]| table::records(dns.kind, templates, scope);
    let said = |templates: &[Template], records: &Result<Vec<String>, String>| match records {
        Ok(records) => records.join(", "),
        Err(_) => templates.iter().map(Template::written).collect::<Vec<_>>().join(", "),
    };
    let mut all = Vec::new();
    if expect.absent {
        all.push(("absent".to_owned(), Wanted::Absent));
    }
    if !expect.equals.is_empty() {
        let wanted = records(&expect.equals);
        all.push((format!("exactly {}", said(&expect.equals, &wanted)), Wanted::Equals(wanted)));
    }
    if !expect.contains.is_empty() {
        let wanted = records(&expect.contains);
        all.push((format!("with {}", said(&expect.contains, &wanted)), Wanted::Contains(wanted)));
    }
    if all.is_empty() {
        all.push(("present".to_owned(), Wanted::Any));
    }
    all
}

pub(super) fn report(dns: &Dns, seen: &Seen, scope: &Scope) -> Report {
    let wanted = wanted(dns, scope);
    let many = seen.answers.len() > 1;
    let subject = format!("{} {}", dns.kind.word(), dns.name.text(scope).unwrap_or_else(|_| dns.name.written()));
    let mut findings = Vec::new();
    let mut said = Vec::new();
    let mut took = Duration::ZERO;
    for (label, answer) in &seen.answers {
        let row = |finding: Finding| if many { finding.in_row(label) } else { finding };
        let told = match answer {
            Ok(answer) => {
                took = took.max(answer.http.took);
                Ok(Told::of(&answer.http.body))
            }
            // That a resolver is silent tells nothing of the name.
            Err(cause) => Err(format!("{label} tells nothing: {}", cause.words())),
        };
        for (words, wanted) in &wanted {
            findings.push(row(held(&subject, words, wanted, &told)));
        }
        findings.extend(dns.expect.ttl_max.map(|most| row(ttl(most, &told))));
        said.push((label.clone(), told));
    }
    if dns.agree && many {
        findings.push(agreement(&said));
    }
    let mut report = Report::of(findings, took);
    if let (Verdict::Pass, Some((_, Ok(told)))) = (report.verdict, said.first()) {
        let from = if many { format!(" from all {}", said.len()) } else { String::new() };
        report.summary = format!("{subject}: {}{from}", told.words());
    }
    report
}

fn held(subject: &str, expected: &str, wanted: &Wanted, told: &Result<Told, String>) -> Finding {
    let told = match told {
        Ok(told) => told,
        Err(why) => return Finding::unknown(subject, expected, why),
    };
    let Some(exists) = told.exists else { return Finding::unknown(subject, expected, told.words()) };
    let compared = |wanted: &Result<Vec<String>, String>, holds: fn(&[String], &[String]) -> bool| {
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(why) => return Finding::unknown(subject, expected, why),
        };
        match (&told.records, exists) {
            (_, false) => Finding::held(subject, expected, told.words(), false),
            (Some(records), true) => Finding::held(subject, expected, told.words(), holds(records, wanted)),
            (None, true) => Finding::unknown(subject, expected, told.words()),
        }
    };
    match wanted {
        Wanted::Absent => Finding::held(subject, expected, told.words(), !exists),
        Wanted::Any => compared(&Ok(Vec::new()), |records, _| !records.is_empty()),
        Wanted::Equals(wanted) => compared(wanted, |records, wanted| {
            records.len() == wanted.len() && wanted.iter().all(|one| records.contains(one))
        }),
        Wanted::Contains(wanted) => compared(wanted, |records, wanted| wanted.iter().all(|one| records.contains(one))),
    }
}

fn ttl(most: Duration, told: &Result<Told, String>) -> Finding {
    let expected = format!("at most {}", humantime::format_duration(most));
    match told.as_ref().map(|told| told.ttl) {
        Ok(Some(ttl)) => {
            let seen = humantime::format_duration(Duration::from_secs(ttl)).to_string();
            Finding::held("ttl", expected, seen, ttl <= most.as_secs())
        }
        Ok(None) => Finding::unknown("ttl", expected, "not told"),
        Err(why) => Finding::unknown("ttl", expected, why),
    }
}

/// Whether all say the same; what they differ in is told with who says it.
fn agreement(said: &[(String, Result<Told, String>)]) -> Finding {
    let (subject, expected) = ("agreement", format!("the same from all {} resolvers", said.len()));
    let each = |(label, told): &(String, Result<Told, String>)| match told {
        Ok(told) => format!("{label}: {}", told.words()),
        Err(why) => why.clone(),
    };
    let seen = said.iter().map(each).collect::<Vec<_>>().join("; ");
    let clear: Vec<(bool, Vec<String>)> = said
        .iter()
        .filter_map(|(_, told)| told.as_ref().ok())
        .filter_map(|told| Some((told.exists?, sorted(told.records.clone().unwrap_or_default()))))
        .collect();
    // Two that contradict each other do so whatever a third would say.
    let differ = clear.windows(2).any(|pair| pair[0] != pair[1]);
    match (differ, clear.len() == said.len()) {
        (true, _) => Finding::held(subject, expected, seen, false),
        (false, false) => Finding::unknown(subject, expected, seen),
        (false, true) => {
            let all = said.first().and_then(|(_, told)| told.as_ref().ok()).map(Told::words).unwrap_or_default();
            Finding::held(subject, expected, all, true)
        }
    }
}

fn sorted(mut records: Vec<String>) -> Vec<String> {
    records.sort();
    records
}
