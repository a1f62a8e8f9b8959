//! Resuming a stream: the connection is dropped after some events and opened again with the last id, and what
//! comes must go on where it was left: nothing twice, nothing left out.

use std::collections::BTreeSet;

use http::header::CONTENT_TYPE;
use url::Url;

use super::{Received, judge};
use crate::base::table::Table;
use crate::base::wire::{Cause, Request};
use crate::kind::check::Answer;
use crate::kind::example::Answered;
use crate::launch::verdict::{Finding, Verdict};

/// The header by which the standard resumes (WHATWG HTML, 9.2.4).
pub(super) const LAST_EVENT_ID: &str = "Last-Event-ID";
/// Events before the connection is dropped, at most.
const MOST: usize = 1_000;

/// When to drop the connection, and how to say what was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Resume {
    /// Events with an id of their own that come first.
    pub after: usize,
    /// The parameter of the address that says the last id; the header where none is named.
    pub query: Option<String>,
}

impl Resume {
    /// Reads `resume = { after = 3 }`.
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        let table = table.table("resume")?;
        if !table.has("after") {
            table.missing("after", "`after = 3`: how many events come before the connection is dropped");
        }
        let after = table.integer("after").and_then(|after| {
            let fits = usize::try_from(after.value).ok().filter(|number| (1..=MOST).contains(number));
            if fits.is_none() {
                table.wrong_value(after.span, format!("`after` is 1 to {MOST}"));
            }
            fits
        });
        let query = table.text("query").map(|query| query.value);
        table.finish();
        Some(Self { after: after?, query })
    }

    pub(super) fn words(&self) -> String {
        let by = self.query.as_deref().map_or_else(|| LAST_EVENT_ID.to_owned(), |name| format!("?{name}="));
        format!("resumed by {by} after {} events: nothing twice, nothing left out", self.after)
    }

    /// The request that goes on after the event with this id.
    pub(super) fn request(&self, first: &Request, id: &str) -> Result<Request, Cause> {
        let mut request = first.clone();
        match &self.query {
            None => {
                request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(LAST_EVENT_ID));
                request.headers.push((LAST_EVENT_ID.to_owned(), id.to_owned()));
            }
            Some(name) => request.url = with_query(&first.url, name, id)?,
        }
        Ok(request)
    }

    /// Where the first connection was dropped: the number of events before, and the last id.
    pub(super) fn cut<'a>(&self, events: &'a [Received]) -> Option<(usize, &'a str)> {
        let mut with_id = events.iter().enumerate().filter_map(|(at, event)| Some((at + 1, event.id.as_deref()?)));
        with_id.nth(self.after - 1)
    }

    /// What came after the connection was opened again. `resumed`: its head, or why there is none.
    pub(super) fn findings(
        &self,
        wanted: u16,
        resumed: Option<&Result<Answer, Cause>>,
        events: &[Received],
    ) -> Vec<Finding> {
        let expected = "goes on after the last id";
        let Some((at, id)) = self.cut(events) else {
            let told = format!("{} events with an id came, {} are wanted first", with_ids(events), self.after);
            return vec![Finding::unknown(SUBJECT, expected, told)];
        };
        let head = match resumed {
            None => return vec![Finding::unknown(SUBJECT, expected, "it was not opened again")],
            Some(Err(cause)) => {
                let verdict = Verdict::of_silence(cause, false);
                return vec![Finding { verdict, ..Finding::held(SUBJECT, expected, cause.words(), false) }];
            }
            Some(Ok(answer)) => &answer.http,
        };
        let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none");
        let opened = format!("{} {kind}", head.status);
        let holds = head.status == wanted && judge::is_event_stream(kind);
        let mut findings = vec![Finding::held("opened again", format!("{wanted} text/event-stream"), opened, holds)];
        if holds {
            findings.push(goes_on(&events[..at], &events[at..], id));
        }
        findings
    }

    /// The part of an example that comes after the connection is opened again, and the last id before.
    pub(super) fn rest(&self, example: &Answered) -> Option<(Answered, String)> {
        let mut with_id = example.events.iter().enumerate().filter(|(_, told)| told.id.is_some());
        let (at, told) = with_id.nth(self.after - 1)?;
        let rest = Answered { events: example.events[at + 1..].to_vec(), ..example.clone() };
        Some((rest, told.id.clone()?))
    }
}

const SUBJECT: &str = "resumed";

/// An address with one parameter set.
pub(super) fn with_query(url: &str, name: &str, value: &str) -> Result<String, Cause> {
    let mut url = Url::parse(url).map_err(|why| Cause::Ours(format!("`{url}` is no address: {why}")))?;
    let others: Vec<(String, String)> =
        url.query_pairs().filter(|(other, _)| other != name).map(|(name, value)| (name.into(), value.into())).collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    Ok(url.into())
}

fn with_ids(events: &[Received]) -> usize {
    events.iter().filter(|event| event.id.is_some()).count()
}

fn goes_on(before: &[Received], after: &[Received], last: &str) -> Finding {
    let ids = |events: &[Received]| events.iter().filter_map(|event| event.id.clone()).collect::<Vec<_>>();
    let (seen, next) = (ids(before), ids(after));
    let numbers: Option<Vec<u64>> = seen.iter().chain(&next).map(|id| id.parse().ok()).collect();
    let wanted = match &numbers {
        Some(_) => format!("each id once and in order after {last}"),
        None => format!("no id again after {last}"),
    };
    let finding = |told: String, holds: bool| Finding::held(SUBJECT, &wanted, told, holds);
    let known: BTreeSet<&String> = seen.iter().collect();
    if next.is_empty() {
        return Finding::unknown(SUBJECT, wanted, "no event with an id came after it");
    }
    if let Some(again) = next.iter().find(|id| known.contains(id)) {
        return finding(format!("{again} came again"), false);
    }
    let twice = next.iter().enumerate().find(|(at, id)| next[..*at].contains(id));
    if let Some((_, twice)) = twice {
        return finding(format!("{twice} came twice"), false);
    }
    // Numbers that count up before the break must do so across it.
    if let Some(numbers) = numbers {
        let gap = numbers.windows(2).find(|pair| pair[1] != pair[0].wrapping_add(1));
        if let Some([one, other]) = gap {
            return finding(format!("{other} after {one}"), false);
        }
    }
    let first = next.first().map(String::as_str).unwrap_or_default();
    finding(format!("went on with {first}, {} events", next.len()), true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(ids: &[&str]) -> Vec<Received> {
        let event = |id: &&str| Received {
            id: (!id.is_empty()).then(|| (*id).to_owned()),
            event: "message".into(),
            ..Received::default()
        };
        ids.iter().map(event).collect()
    }

    fn verdict(after: usize, ids: &[&str]) -> Verdict {
        let mut http = crate::base::wire::Answer { status: 200, ..Default::default() };
        http.headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("text/event-stream"));
        let resumed = Ok(Answer { http, ..Answer::default() });
        let findings = Resume { after, query: None }.findings(200, Some(&resumed), &events(ids));
        Verdict::worst(findings.iter().map(|finding| finding.verdict))
    }

    #[test]
    fn what_comes_again_and_what_is_left_out_fails() {
        for (ids, wanted) in [
            (["1", "2", "3", "4"], Verdict::Pass),
            (["1", "2", "1", "2"], Verdict::Fail),
            (["1", "2", "2", "3"], Verdict::Fail),
            (["1", "2", "4", "5"], Verdict::Fail),
            (["1", "2", "3", "3"], Verdict::Fail),
            (["7", "8", "9", "10"], Verdict::Pass),
            (["a", "b", "c", "d"], Verdict::Pass),
            (["a", "b", "b", "c"], Verdict::Fail),
            (["a", "b", "c", "c"], Verdict::Fail),
            (["1", "2", "", ""], Verdict::Unknown),
            (["", "", "", "1"], Verdict::Unknown),
        ] {
            assert_eq!(verdict(2, &ids), wanted, "{ids:?}");
        }
    }

    #[test]
    fn the_id_goes_into_the_header_or_the_address() {
        let first = Request { url: "https://a.example/s?run=1&after=0".into(), ..Request::default() };
        let by_header = Resume { after: 1, query: None }.request(&first, "7").expect("a request");
        assert_eq!(by_header.headers, [(LAST_EVENT_ID.to_owned(), "7".to_owned())]);
        let by_query = Resume { after: 1, query: Some("after".into()) }.request(&first, "a b").expect("a request");
        assert_eq!(by_query.url, "https://a.example/s?run=1&after=a+b");
        assert!(by_query.headers.is_empty());
    }

    proptest! {
        #[test]
        fn no_ids_make_judging_panic(ids in proptest::collection::vec("[0-9a]{0,20}", 0..8), after in 1..6_usize) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let _ = verdict(after, &ids);
        }
    }
}
