//! The verdict on what a program said: one finding an expectation, expected beside seen. Pure but for jq; the
//! same for a run and an example of the plan.

use std::time::Duration;

use serde_json::Value;

use super::table::{exit_words, fresh_words};
use super::{Command, Output, crash};
use crate::base::jq::Jq;
use crate::base::template::Scope;
use crate::base::wire::Cause;
use crate::kind::check::{Answer, Ended, Seen};
use crate::kind::document::find::{Beside, find};
use crate::kind::document::{Read, Text, hold};
use crate::kind::expect::skipped;
use crate::launch::verdict::{Finding, Outcome, Report, Verdict};

/// What the answers of [`Seen`] are called after the program's own.
pub(super) const OUTPUT: &str = "output";
pub(super) const SCHEMA: &str = "schema";

/// What was heard of a program and of the file it writes.
struct Heard<'a> {
    ended: &'a Ended,
    stdout: Text,
    stderr: Text,
    json: Read,
    beside: Beside,
    /// The output file's document, and its finding; none where none is asked for.
    file: Option<(Read, Finding)>,
}

impl<'a> Heard<'a> {
    fn of(command: &Command, seen: &'a Seen, answer: &'a Answer, ended: &'a Ended) -> Self {
        let cut = answer.is_cut();
        let (json, beside) = match cut {
            true => (Err(format!("more than {} bytes were said", answer.http.body.len())), Beside::default()),
            false => find(&answer.http.body),
        };
        let file = command.output.as_ref().map(|output| written(output, command, answer_called(seen, OUTPUT)));
        let stdout = Text::of(&answer.http.body, cut);
        Self { ended, stdout, stderr: Text::of(&ended.stderr, ended.stderr_cut), json, beside, file }
    }

    /// What `skipped` and `capture` look at.
    fn document(&self) -> &Read {
        self.file.as_ref().map_or(&self.json, |(document, _)| document)
    }

    /// Why there is no document where one is asked for.
    fn silence(&self, command: &Command) -> Option<&str> {
        let own = command.asks_json().then_some(&self.json);
        let file = self.file.as_ref().filter(|_| command.reads_file()).map(|(document, _)| document);
        [own, file].into_iter().flatten().find_map(|read| read.as_ref().err()).map(String::as_str)
    }

    fn is_stale(&self) -> bool {
        self.file.as_ref().is_some_and(|(_, finding)| finding.verdict == Verdict::Stale)
    }
}

impl Command {
    /// Whether the output file must be JSON.
    fn reads_file(&self) -> bool {
        let Some(output) = &self.output else { return false };
        let asked = !output.json.is_empty() || output.schema.is_some() || !self.skipped.is_empty();
        asked || !self.captures.is_empty() || output.file.written().ends_with(".json")
    }
}

fn answer_called<'a>(seen: &'a Seen, label: &str) -> Option<&'a Result<Answer, Cause>> {
    seen.answers.iter().skip(1).find(|(called, _)| called == label).map(|(_, answer)| answer)
}

/// The output file: its document and the finding on it.
fn written(output: &Output, command: &Command, answer: Option<&Result<Answer, Cause>>) -> (Read, Finding) {
    let subject = output.file.written();
    let expected = fresh_words(output.fresh);
    let unknown = |why: String| (Err(why.clone()), Finding::unknown(&subject, expected, why));
    let answer = match answer {
        None => return unknown("nobody looked".to_owned()),
        Some(Err(cause)) => return unknown(cause.words()),
        Some(Ok(answer)) if answer.http.status == 404 => return unknown("there is no such file".to_owned()),
        Some(Ok(answer)) => answer,
    };
    if output.fresh && !answer.http.took.is_zero() {
        let whole = Duration::from_secs(answer.http.took.as_secs());
        let age = if whole.is_zero() { String::new() } else { format!(" by {}", humantime::format_duration(whole)) };
        let why = format!("of an earlier run, older than this one{age}");
        let finding = Finding { verdict: Verdict::Stale, ..Finding::unknown(&subject, expected, why.as_str()) };
        return (Err(why), finding);
    }
    if answer.is_cut() {
        return unknown(format!("longer than {} bytes", answer.http.body.len()));
    }
    let document = match answer.http.body.iter().all(u8::is_ascii_whitespace) {
        true => Err("it is empty".to_owned()),
        false => serde_json::from_slice::<Value>(&answer.http.body).map_err(|why| format!("unparsable JSON: {why}")),
    };
    let finding = match &document {
        Err(why) if command.reads_file() => Finding::unknown(&subject, expected, why.as_str()),
        _ => Finding::held(&subject, expected, expected, true),
    };
    (document, finding)
}

/// The report, its text still as the world wrote it.
pub(super) async fn report(command: &Command, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
    let (asked, answer) = match seen.answers.first() {
        Some((asked, Ok(answer))) => (asked, answer),
        Some((asked, Err(cause))) => {
            let finding = Finding {
                verdict: Verdict::of_silence(cause, seen.control_answers),
                ..Finding::unknown("exit", exit_words(&command.exits), cause.words())
            };
            let summary = format!("{asked}: {}", cause.words());
            return Report { summary, ..Report::of(vec![finding], Duration::ZERO) };
        }
        None => return Report::plain(Verdict::Unknown, "nothing was run", Duration::ZERO),
    };
    let none = Ended::default();
    let ended = answer.ended.as_ref().unwrap_or(&none);
    let mut heard = Heard::of(command, seen, answer, ended);
    let exit = exit(command, &heard);
    if exit.verdict == Verdict::Unknown {
        // What a program would have said that could not go on is not known either.
        for text in [&mut heard.stdout, &mut heard.stderr] {
            text.lacks = text.lacks.or(Some("it did not come to its end"));
        }
    }
    if ended.error.is_some() {
        let summary = format!("{asked}: {}", exit.seen);
        return Report { summary, ..Report::of(vec![exit], answer.http.took) };
    }
    let (by_exit, mut findings) = (exit.verdict, vec![exit]);
    let expect = &command.expect;
    findings.extend(heard.stdout.hold("stdout", &expect.stdout, &expect.stdout_absent));
    findings.extend(heard.stderr.hold("stderr", &expect.stderr, &expect.stderr_absent));
    let told = told(command, &heard, seen, scope, jq).await;
    let by_json = told.iter().map(|finding| finding.verdict).max();
    findings.extend(heard.file.iter().map(|(_, finding)| finding.clone()));
    findings.extend(told);
    for capture in &command.captures {
        let taken = capture.take(heard.document(), &heard.stdout, scope, jq).await;
        findings.push(capture.finding(&taken));
    }
    let mut report = Report::of(findings, answer.http.took);
    notes(&mut report, &heard, by_exit, by_json, command);
    report
}

/// What the documents say.
async fn told(command: &Command, heard: &Heard<'_>, seen: &Seen, scope: &Scope, jq: &Jq) -> Vec<Finding> {
    let mut told = hold(&command.expect.json, &heard.json, scope, jq).await;
    for number in &command.expect.numbers {
        told.push(number.judge(&heard.json, &heard.stdout, scope, jq).await);
    }
    if let (Some(output), Some((document, _))) = (&command.output, &heard.file) {
        let mut of_file = hold(&output.json, document, scope, jq).await;
        let text = answer_called(seen, SCHEMA).map(|answer| match answer {
            Ok(answer) => Ok(answer.http.body.as_ref()),
            Err(cause) => Err(cause.words()),
        });
        of_file.extend(output.schema.as_ref().and_then(|schema| schema.judge(document, text)));
        told.extend(of_file.into_iter().map(|finding| aged(finding, heard)));
    }
    let skipped = skipped::judge(&command.skipped, heard.document().as_ref().map_err(String::as_str), scope, jq).await;
    told.extend(skipped.into_iter().map(|finding| aged(finding, heard)));
    told
}

/// What a report of an earlier run says is neither right nor wrong: it is old.
fn aged(finding: Finding, heard: &Heard<'_>) -> Finding {
    let verdict = if heard.is_stale() { Verdict::Stale } else { finding.verdict };
    Finding { verdict, ..finding }
}

/// What a person must know beside the findings.
fn notes(report: &mut Report, heard: &Heard<'_>, by_exit: Verdict, by_json: Option<Verdict>, command: &Command) {
    let mut note = |text: &str| report.summary.push_str(&format!(" · {text}"));
    if let Some(words) = heard.beside.words().filter(|_| command.asks_json()) {
        note(&words);
    }
    match (by_exit, by_json) {
        (Verdict::Pass, Some(Verdict::Fail)) => note("although its exit code says it is well"),
        (Verdict::Fail, Some(Verdict::Pass)) => note("although its JSON says it is well"),
        _ => {}
    }
    let last = heard.stderr.text.lines().rev().find(|line| !line.trim().is_empty());
    if let Some(last) = last.filter(|last| report.verdict != Verdict::Pass && !report.summary.contains(last.trim())) {
        report.summary.push_str(&format!(" · stderr: {}", last.trim()));
    }
}

fn exit(command: &Command, heard: &Heard<'_>) -> Finding {
    let ended = heard.ended;
    let expected = exit_words(&command.exits);
    if let Some(why) = &ended.error {
        return Finding::unknown("exit", expected, format!("it never ran: {why}"));
    }
    if ended.timed_out {
        return Finding::held("exit", expected, "no end within its time", false);
    }
    let Some(code) = ended.exit else {
        let how = ended.signal.map_or_else(|| "nobody knows how".to_owned(), |signal| format!("by signal {signal}"));
        return Finding::unknown("exit", expected, format!("ended {how}"));
    };
    let outcome = Outcome { exit: Some(code), ..Outcome::default() };
    let verdict = outcome.verdict(&command.exits);
    if let Some(crash) = crash::told(code, &heard.stdout.text, &heard.stderr.text) {
        return Finding::unknown("exit", expected, format!("{code}, {crash}"));
    }
    if verdict != Verdict::Pass
        && let Some(why) = heard.silence(command)
    {
        return Finding::unknown("exit", expected, format!("{code}, and no JSON that tells why: {why}"));
    }
    Finding { verdict, ..Finding::held("exit", expected, code.to_string(), true) }
}

/// The values that `capture` takes.
pub(super) async fn captured(command: &Command, seen: &Seen, scope: &Scope, jq: &Jq) -> Vec<(String, Value)> {
    let Some((_, Ok(answer))) = seen.answers.first() else { return Vec::new() };
    let none = Ended::default();
    let heard = Heard::of(command, seen, answer, answer.ended.as_ref().unwrap_or(&none));
    let mut all = Vec::new();
    for capture in &command.captures {
        if let Ok(value) = capture.take(heard.document(), &heard.stdout, scope, jq).await {
            all.push((capture.name.clone(), value));
        }
    }
    all
}
