//! What a record stands on, as lines for people: what was sent and seen, what was expected of it, and the files that
//! hold the rest. Text from outside is escaped.

use super::artifact::{Artifact, FOLDER, is_name};
use super::event::{Event, Recorded, RollbackFact};
use super::id::{Attempt, ItemId};
use super::verdict::{Outcome, Report};
use crate::base::text::{printable, printable_lines};

/// A line of what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub text: String,
    /// The file it tells of, from the launch's folder.
    pub place: Option<String>,
}

impl From<String> for Seen {
    fn from(text: String) -> Self {
        Self { text, place: None }
    }
}

/// The lines of `record`; none where it says all there is.
#[must_use]
pub fn of(record: &Recorded) -> Vec<Seen> {
    match &record.event {
        Event::ItemEnded { report, .. } => of_report(report),
        Event::StepEnded { item, attempt, outcome, .. } | Event::ProcessEnded { item, attempt, outcome, .. } => {
            of_step(outcome, item, *attempt)
        }
        Event::PlaybookStepEnded { outcome, .. } => of_outcome(outcome, &|_| "playbooks/".to_owned()),
        Event::RollbackTold { fact, .. } => match fact {
            RollbackFact::StepEnded { outcome, .. } | RollbackFact::FallbackEnded { outcome, .. } => {
                of_outcome(outcome, &|_| "rollback/".to_owned())
            }
            RollbackFact::Verified { report, .. } => of_report(report),
            _ => Vec::new(),
        },
        Event::EvidenceGiven { what, .. } => given(what).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The findings and the exchange of a look.
#[must_use]
pub fn of_report(report: &Report) -> Vec<Seen> {
    let mut lines: Vec<Seen> = Vec::new();
    for finding in &report.findings {
        let row = finding.row.as_deref().map(|row| format!("{row}: ")).unwrap_or_default();
        let words = format!("{row}{}: expected {}, seen {}", finding.subject, finding.expected, finding.seen);
        lines.push(format!("  {} {}", finding.verdict, printable(&words)).into());
    }
    let Some(exchange) = &report.exchange else { return lines };
    let parts = [
        (">", &exchange.request, &exchange.request_headers, &exchange.request_body),
        ("<", &exchange.response, &exchange.response_headers, &exchange.response_body),
    ];
    for (mark, line, headers, body) in parts {
        lines.push(format!("{mark} {}", printable(line)).into());
        lines.extend(
            headers.iter().map(|(name, value)| format!("{mark} {}", printable(&format!("{name}: {value}"))).into()),
        );
        lines.extend(printable_lines(body).lines().map(|line| format!("{mark}   {line}").into()));
    }
    if exchange.body_cut && exchange.kept.is_empty() {
        lines.push("<   (the body goes on, and is not kept)".to_owned().into());
    }
    lines.extend(exchange.kept.iter().map(|kept| of_artifact(kept, kept.place())));
    lines
}

/// What an attempt at a step left.
#[must_use]
pub fn of_step(outcome: &Outcome, item: &ItemId, attempt: Attempt) -> Vec<Seen> {
    of_outcome(outcome, &|kept| kept.place_of_output(item, attempt))
}

fn of_outcome(outcome: &Outcome, place: &dyn Fn(&Artifact) -> String) -> Vec<Seen> {
    let outputs = outcome.kept.iter().map(|kept| of_artifact(kept, place(kept)));
    outputs.chain(outcome.said.as_deref().and_then(given)).collect()
}

fn of_artifact(artifact: &Artifact, place: String) -> Seen {
    let text = format!("= {}: {place} (sha256 {})", printable(&artifact.words()), printable(&artifact.sha256));
    Seen { text, place: Some(place) }
}

/// The file that a line tells of: one that was given, or a snapshot.
fn given(line: &str) -> Option<Seen> {
    let place = format!("{FOLDER}/{}", name_in(line)?);
    Some(Seen { text: format!("= {place}"), place: Some(place) })
}

/// The hash in the line in which a file that was given, or a snapshot, is told: `name (12 bytes, sha256 ab…`.
#[must_use]
pub fn name_in(line: &str) -> Option<&str> {
    let (before, after) = line.split_once(" bytes, sha256 ")?;
    let counted = before.rsplit_once('(').is_some_and(|(_, count)| count.bytes().all(|byte| byte.is_ascii_digit()));
    after.get(..64).filter(|name| counted && is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_tells_of_a_file_is_known_by_its_form_and_free_words_are_not() {
        let hash = "ab".repeat(32);
        assert_eq!(name_in(&format!("smoke.log (28 bytes, sha256 {hash}, secrets removed)")), Some(hash.as_str()));
        for line in ["a link", "sha256 of it", "x (many bytes, sha256 ab)", &format!("it has 3 bytes, sha256 {hash}")] {
            assert_eq!(name_in(line), None, "{line}");
        }
    }

    #[test]
    fn nothing_from_outside_steers_a_terminal() {
        let exchange = super::super::verdict::Exchange {
            request: "GET \u{1b}]0;x\u{7}".into(),
            response: "200".into(),
            response_body: "one\n\u{1b}[31mtwo".into(),
            body_cut: true,
            ..Default::default()
        };
        let took = std::time::Duration::ZERO;
        let report =
            Report { exchange: Some(exchange), ..Report::plain(super::super::verdict::Verdict::Pass, "fine", took) };
        let lines = of_report(&report);
        assert!(lines.iter().all(|line| !line.text.contains('\u{1b}')), "{lines:?}");
        assert_eq!(lines.last().map(|line| line.text.as_str()), Some("<   (the body goes on, and is not kept)"));
    }
}
