//! The six verdicts and what a check found (rules.md, "Verdicts"). A verdict is never made anywhere
//! but from findings, causes and ages, by the functions of this file.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::artifact::{Artifact, Whole};
use super::time::Wall;
use crate::base::proc::MOST_PIDS;
use crate::base::wire::Cause;

/// What a check or step came to. Ordered from best to worst for [`Verdict::worst`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The world answered and the answer is right.
    Pass,
    /// The plan or the answer itself said so; opens a gate only if the plan skipped it or allows it.
    Skipped,
    /// Right, with something a person must acknowledge.
    Warn,
    /// The answer is older than it may be.
    Stale,
    /// We could not tell. No data is not health.
    Unknown,
    /// The world answered and the answer is wrong.
    Fail,
}

impl Verdict {
    pub const ALL: [Self; 6] = [Self::Pass, Self::Skipped, Self::Warn, Self::Stale, Self::Unknown, Self::Fail];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skipped => "skipped",
            Self::Warn => "warn",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }

    /// The worst of several; `Unknown` of none: a check that looked at nothing proves nothing.
    #[must_use]
    pub fn worst(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().max().unwrap_or(Self::Unknown)
    }

    /// The verdict of a cause for which there is no answer, where an answer was wanted.
    ///
    /// rules.md: refused, reset or no answer in time is fail for a positive check; our own resolver
    /// or network failing is unknown unless the control probe answers, which makes it fail.
    #[must_use]
    pub fn of_silence(cause: &Cause, control_answers: bool) -> Self {
        match cause {
            Cause::Refused | Cause::Reset | Cause::TimedOut | Cause::ClosedEarly => Self::Fail,
            Cause::NotResolved | Cause::NoRoute if control_answers => Self::Fail,
            Cause::NotResolved | Cause::NoRoute | Cause::Cancelled | Cause::Ours(_) => Self::Unknown,
            // The peer answered, and what it answered breaks the protocol or our documented limits.
            Cause::Tls(_) | Cause::HeadTooLarge | Cause::BodyTooLarge { .. } | Cause::Malformed(_) => Self::Fail,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// One expectation beside what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The row of a matrix this belongs to (an origin, say); none where the check has one row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// What was looked at: `status`, `.csrf_token | length > 0`, `header vary`.
    pub subject: String,
    pub expected: String,
    pub seen: String,
    pub verdict: Verdict,
}

/// What one attempt at a check found. Text in it is redacted and free of control sequences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub verdict: Verdict,
    /// One line for a person: why the verdict is what it is.
    pub summary: String,
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// How long the attempt took, on the wire's clock.
    #[serde(with = "as_millis")]
    pub took: Duration,
    /// Request and response as sent and seen, redacted, cut to a documented length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

/// The outside of one HTTP exchange, for the detail pane and the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exchange {
    /// `POST https://host/path`.
    pub request: String,
    #[serde(default)]
    pub request_headers: Vec<(String, String)>,
    #[serde(default)]
    pub request_body: String,
    /// `200 OK`, or the cause why there was no answer.
    pub response: String,
    #[serde(default)]
    pub response_headers: Vec<(String, String)>,
    /// The head of the body; `body_cut` says that there was more.
    #[serde(default)]
    pub response_body: String,
    #[serde(default)]
    pub body_cut: bool,
    /// The bodies that are cut here, whole, or cut far later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Artifact>,
    /// The same on their way to the disk: no record holds them.
    #[serde(skip)]
    pub whole: Vec<Whole>,
}

impl Report {
    /// A report whose verdict is the worst of its findings, and whose summary is the worst finding.
    #[must_use]
    pub fn of(findings: Vec<Finding>, took: Duration) -> Self {
        let verdict = Verdict::worst(findings.iter().map(|finding| finding.verdict));
        let worst = findings.iter().find(|finding| finding.verdict == verdict);
        let summary = match worst {
            _ if verdict == Verdict::Pass => format!("{} of {} as expected", findings.len(), findings.len()),
            Some(worst) => {
                let row = worst.row.as_deref().map(|row| format!("{row}: ")).unwrap_or_default();
                format!("{row}{} expected {}, seen {}", worst.subject, worst.expected, worst.seen)
            }
            None => "nothing was looked at".to_owned(),
        };
        Self { verdict, summary, findings, took, exchange: None }
    }

    /// A report with one line and no findings.
    #[must_use]
    pub fn plain(verdict: Verdict, summary: impl Into<String>, took: Duration) -> Self {
        Self { verdict, summary: summary.into(), findings: Vec::new(), took, exchange: None }
    }

    /// The row whose exchange is kept, where there are rows: the first that came to the verdict.
    #[must_use]
    pub fn exchanged_row(&self) -> Option<&String> {
        self.findings.iter().find(|finding| finding.verdict == self.verdict)?.row.as_ref()
    }
}

impl Finding {
    /// A finding that passes when `holds`, else fails.
    #[must_use]
    pub fn held(subject: impl Into<String>, expected: impl Into<String>, seen: impl Into<String>, holds: bool) -> Self {
        let verdict = if holds { Verdict::Pass } else { Verdict::Fail };
        Self { row: None, subject: subject.into(), expected: expected.into(), seen: seen.into(), verdict }
    }

    #[must_use]
    pub fn unknown(subject: impl Into<String>, expected: impl Into<String>, seen: impl Into<String>) -> Self {
        let verdict = Verdict::Unknown;
        Self { row: None, subject: subject.into(), expected: expected.into(), seen: seen.into(), verdict }
    }

    #[must_use]
    pub fn in_row(mut self, row: impl Into<String>) -> Self {
        self.row = Some(row.into());
        self
    }
}

/// How a step's process ended, as its shim wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// The exit code, if it exited.
    pub exit: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// Why it never ran, or why its outcome cannot be known.
    #[serde(default)]
    pub error: Option<String>,
    /// True when it was ended by our own timeout or cancel.
    #[serde(default)]
    pub cancelled: bool,
    #[serde(with = "as_millis")]
    pub took: Duration,
    /// Descendants that were still alive after KILL.
    #[serde(default)]
    pub survivors: Vec<u32>,
    /// Said by a rehearsal: nothing ran, the answer is the plan's example.
    #[serde(default)]
    pub simulated: bool,
    /// Proven by the claim: no process of this attempt ever began, so doing it again does it once.
    #[serde(default)]
    pub never_ran: bool,
    /// Descendants that outlived the command and were ended by the shim.
    #[serde(default)]
    pub left_behind: Vec<u32>,
    /// Bytes of output that the disk refused.
    #[serde(default)]
    pub lost_bytes: u64,
    /// Something outside the command's tree still held an output open: what it writes later is not kept.
    #[serde(default)]
    pub held_open: bool,
    /// It ran though the disk refused to sync its claim, as a rollback's step may.
    #[serde(default)]
    pub unsynced: bool,
    /// What a step of ours says of how it ended, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// The canary's share of the traffic as it was told last, of a step that sets or reads one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// What it started is ready, and lives on.
    #[serde(default)]
    pub ready: bool,
    /// When it ended, by its shim's wall clock; none where no shim told.
    #[serde(default, with = "chrono::serde::ts_milliseconds_option", skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Wall>,
    /// What it wrote, in the folder of its attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Artifact>,
}

/// A canary's share of the traffic, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Weight {
    /// None where nothing was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u32>,
    /// As it was read back; none where it could not be, or is written and not yet done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u32>,
}

/// Process ids that a sentence names.
const PIDS_TOLD: usize = 8;

impl Outcome {
    /// Nobody was there to tell how it ended: it may have done anything, or nothing.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let told = self.exit.is_some() || self.signal.is_some() || self.ended_at.is_some();
        !told && !self.never_ran
    }

    /// rules.md: exit 0 passes, others fail unless mapped; 126, 127, a signal not ours and a failed
    /// spawn are unknown; our own timeout is a fail.
    #[must_use]
    pub fn verdict(&self, map: &[(i32, Verdict)]) -> Verdict {
        if self.error.is_some() {
            return Verdict::Unknown;
        }
        if self.cancelled {
            return Verdict::Fail;
        }
        if self.ready {
            return Verdict::Pass;
        }
        match self.exit {
            Some(code) => map.iter().find(|(mapped, _)| *mapped == code).map_or(
                match code {
                    0 => Verdict::Pass,
                    126 | 127 => Verdict::Unknown,
                    _ => Verdict::Fail,
                },
                |(_, verdict)| *verdict,
            ),
            None => Verdict::Unknown,
        }
    }

    /// How it ended, and what a person must know beside that: who outlived it, what of its output is missing.
    #[must_use]
    pub fn words(&self) -> String {
        let end = match (&self.error, self.exit, self.signal) {
            (Some(error), ..) => error.clone(),
            (None, Some(_), _) if self.said.is_some() => self.said.clone().unwrap_or_default(),
            (None, Some(code), _) => format!("exit {code}"),
            (None, None, Some(signal)) => format!("signal {signal}"),
            (None, None, None) if self.ready => "ready, and lives on".to_owned(),
            (None, None, None) => "no outcome".to_owned(),
        };
        let end = if self.cancelled { format!("ended by us: {end}") } else { end };
        std::iter::once(end).chain(self.remarks()).collect::<Vec<_>>().join("; ")
    }

    /// What is true of it besides its end, a sentence each; none of a clean one.
    fn remarks(&self) -> impl Iterator<Item = String> {
        let counted = |many: usize, what: &str| {
            let (more, plural) = (if many >= MOST_PIDS { " or more" } else { "" }, if many == 1 { "" } else { "es" });
            format!("{many}{more} {what}{plural}")
        };
        let left = self.left_behind.len();
        let left = (left > 0).then(|| format!("left {} behind, ended by us", counted(left, "process")));
        let survivors = self.survivors.len();
        let survivors = (survivors > 0).then(|| {
            let pids = self.survivors.iter().take(PIDS_TOLD).map(u32::to_string).collect::<Vec<_>>().join(", ");
            let more = if survivors > PIDS_TOLD { ", …" } else { "" };
            format!("{} still alive after KILL: {pids}{more}", counted(survivors, "process"))
        });
        let held = self.held_open.then(|| "output still held open from outside: what comes later is not kept".into());
        let lost = (self.lost_bytes > 0).then(|| {
            let bytes = if self.lost_bytes == 1 { "byte" } else { "bytes" };
            format!("{} {bytes} of output lost: the disk refused them", self.lost_bytes)
        });
        let unsynced = self.unsynced.then(|| "the disk refused to sync that it began".to_owned());
        left.into_iter().chain(survivors).chain(held).chain(lost).chain(unsynced)
    }
}

/// A value captured before T-0 and frozen: what a rollback goes back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Captured {
    Value(Value),
    /// Why it could not be captured; blocks GO.
    Missing(String),
}

impl Captured {
    /// What was found, where a rollback can be handed it: a text, a number, a truth value, or a list of them.
    #[must_use]
    pub fn of(value: Value) -> Self {
        let what = match &value {
            Value::Null => "null",
            Value::Object(_) => "a table of JSON",
            Value::Array(all) if all.is_empty() => "an empty list",
            Value::Array(all) if all.iter().any(|one| one.is_null() || one.is_object() || one.is_array()) => {
                "a list of more than texts and numbers"
            }
            _ => return Self::Value(value),
        };
        Self::Missing(format!("{what} is no value to go back to: take one text, one number or a list of them"))
    }
}

/// Spans as whole milliseconds on the wire.
pub mod as_millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(span: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    /// # Errors
    /// Where there is no unsigned number.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_looked_at_is_unknown() {
        assert_eq!(Verdict::worst([]), Verdict::Unknown);
        assert_eq!(Report::of(vec![], Duration::ZERO).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_value_to_go_back_to_is_a_text_a_number_or_a_list_of_them() {
        use serde_json::json;
        for value in [json!("v41"), json!(7), json!(["a", "b"])] {
            assert_eq!(Captured::of(value.clone()), Captured::Value(value));
        }
        for value in [json!(null), json!({ "a": 1 }), json!([]), json!([{ "a": 1 }]), json!([null])] {
            assert!(matches!(Captured::of(value.clone()), Captured::Missing(_)), "{value}");
        }
    }

    #[test]
    fn the_exchange_that_is_kept_is_of_the_first_row_that_came_to_the_verdict() {
        let row = |name: &str, holds| Finding::held("origin", "absent", "absent", holds).in_row(name);
        let of = |findings| Report::of(findings, Duration::ZERO).exchanged_row().cloned();
        assert_eq!(of(vec![row("a", true), row("b", false), row("c", false)]).as_deref(), Some("b"));
        assert_eq!(of(vec![row("a", true), row("b", true)]).as_deref(), Some("a"));
        assert_eq!(of(vec![]), None);
    }

    #[test]
    fn silence_is_judged_as_the_rules_say() {
        use Verdict::{Fail, Unknown};
        for (cause, alone, with_control) in [
            (Cause::Refused, Fail, Fail),
            (Cause::Reset, Fail, Fail),
            (Cause::TimedOut, Fail, Fail),
            (Cause::NotResolved, Unknown, Fail),
            (Cause::NoRoute, Unknown, Fail),
            (Cause::Cancelled, Unknown, Unknown),
            (Cause::Ours("no file descriptors".into()), Unknown, Unknown),
        ] {
            assert_eq!(Verdict::of_silence(&cause, false), alone, "{cause:?}");
            assert_eq!(Verdict::of_silence(&cause, true), with_control, "{cause:?}");
        }
    }

    #[test]
    fn what_a_step_says_of_its_end_stands_for_its_exit_code_and_for_nothing_worse() {
        let said = Outcome { exit: Some(4), said: Some("the run was not found".into()), ..Outcome::default() };
        assert_eq!(said.words(), "the run was not found");
        assert_eq!(Outcome { cancelled: true, ..said.clone() }.words(), "ended by us: the run was not found");
        let died = Outcome { exit: None, signal: Some(9), ..said.clone() };
        assert_eq!(died.words(), "signal 9", "what was said before it was killed is not how it ended");
        assert_eq!(Outcome { error: Some("its shim died".into()), ..said }.words(), "its shim died");
    }

    #[test]
    fn who_outlived_a_step_and_what_is_missing_of_its_output_is_told() {
        let clean = Outcome { exit: Some(0), ..Outcome::default() };
        assert_eq!(clean.words(), "exit 0");
        let all = Outcome {
            left_behind: vec![7, 8],
            survivors: vec![9],
            held_open: true,
            lost_bytes: 12,
            unsynced: true,
            cancelled: true,
            ..clean.clone()
        };
        assert_eq!(
            all.words(),
            "ended by us: exit 0; left 2 processes behind, ended by us; 1 process still alive after KILL: 9; output \
             still held open from outside: what comes later is not kept; 12 bytes of output lost: the disk refused them; \
             the disk refused to sync that it began"
        );
        let many = Outcome { survivors: (1..=9).collect(), ..clean };
        assert_eq!(many.words(), "exit 0; 9 processes still alive after KILL: 1, 2, 3, 4, 5, 6, 7, 8, …");
    }

    #[test]
    fn exit_codes_are_judged_as_the_rules_say() {
        let ended = |exit, signal| Outcome { exit, signal, ..Outcome::default() };
        let map = [(2, Verdict::Warn)];
        for (outcome, verdict) in [
            (ended(Some(0), None), Verdict::Pass),
            (ended(Some(1), None), Verdict::Fail),
            (ended(Some(2), None), Verdict::Warn),
            (ended(Some(126), None), Verdict::Unknown),
            (ended(Some(127), None), Verdict::Unknown),
            (ended(None, Some(9)), Verdict::Unknown),
            (Outcome { cancelled: true, ..ended(None, Some(15)) }, Verdict::Fail),
            (Outcome { error: Some("no such file".into()), ..ended(None, None) }, Verdict::Unknown),
        ] {
            assert_eq!(outcome.verdict(&map), verdict, "{outcome:?}");
        }
    }
}
