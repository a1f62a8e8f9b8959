//! Reads the `command` table, with every mistake at its place, and says its expectations in words.

use super::{Command, Expect, Output};
use crate::base::source::Diagnostic;
use crate::base::table::Table;
use crate::kind::document::newest::wrong_star;
use crate::kind::document::{Capture, Number, Schema, patterns, programs};
use crate::kind::expect::skipped;
use crate::kind::invocation::{Invocation, read_exits};
use crate::launch::verdict::Verdict;

pub(super) fn read(table: &Table<'_>) -> Option<Command> {
    let invocation = Invocation::read(table);
    let exits = read_exits(table);
    let expect = Box::new(table.table("expect").map(expect).unwrap_or_default());
    let skipped = skipped::read(table);
    let output = table.table("output").and_then(output).map(Box::new);
    let captures = Capture::read(table);
    let command = Command { invocation: invocation?, exits, expect, skipped, output, captures };
    if let Some((code, verdict)) = lenient(&command) {
        let span = table.keys().into_iter().find(|(key, _)| *key == "exit").map_or(table.span, |(_, span)| span);
        let message = format!("exit {code} is {verdict}, and nothing that the program says is asked for");
        let wrong = Diagnostic::warning("exit-without-output", span, message);
        let wrong = wrong.label("a shell ends with 2 for a mistake in its script, make for one in its Makefile");
        table.notes().report(wrong.help("expect something of its own output: `expect = { stdout = ['…'] }`"));
    }
    Some(command)
}

/// A code other than 0 that opens a gate although the program need not have said a word.
fn lenient(command: &Command) -> Option<(i32, Verdict)> {
    let opens = |(code, verdict): &&(i32, Verdict)| {
        *code != 0 && matches!(verdict, Verdict::Pass | Verdict::Warn | Verdict::Skipped)
    };
    command.exits.iter().find(opens).filter(|_| !command.asks_for_words()).copied()
}

fn expect(table: Table<'_>) -> Expect {
    let read = Expect {
        stdout: patterns(&table, "stdout"),
        stdout_absent: patterns(&table, "stdout_absent"),
        stderr: patterns(&table, "stderr"),
        stderr_absent: patterns(&table, "stderr_absent"),
        json: programs(&table, "json"),
        numbers: Number::read(&table),
    };
    table.finish();
    read
}

fn output(table: Table<'_>) -> Option<Output> {
    let file = table.need_template("file", "`file = \"report.json\"`");
    if let Some(file) = &file
        && let Some(wrong) = wrong_star(&file.written())
    {
        table.wrong_value(file.span, wrong);
    }
    let json = programs(&table, "json");
    let schema = Schema::read(&table);
    let fresh = table.flag("fresh").unwrap_or(true);
    table.finish();
    Some(Output { file: file?, json, schema, fresh })
}

/// `0`, `0 or 3 (2 is warn)`.
pub(super) fn exit_words(exits: &[(i32, Verdict)]) -> String {
    let zero = exits.iter().find(|(code, _)| *code == 0).map_or(Verdict::Pass, |(_, verdict)| *verdict);
    let passing = exits.iter().filter(|(code, verdict)| *code != 0 && *verdict == Verdict::Pass);
    let zero = (zero == Verdict::Pass).then_some(0);
    let codes = zero.into_iter().chain(passing.map(|(code, _)| *code)).map(|code| code.to_string());
    let codes = codes.collect::<Vec<_>>().join(" or ");
    let codes = if codes.is_empty() { "none passes".to_owned() } else { codes };
    let others = exits.iter().filter(|(_, verdict)| *verdict != Verdict::Pass);
    let others = others.map(|(code, verdict)| format!("{code} is {verdict}")).collect::<Vec<_>>().join(", ");
    if others.is_empty() { codes } else { format!("{codes} ({others})") }
}

pub(super) fn words(command: &Command) -> Vec<String> {
    let Expect { stdout, stdout_absent, stderr, stderr_absent, json, numbers } = command.expect.as_ref();
    let mut all = vec![format!("exit {}", exit_words(&command.exits))];
    for (subject, there, absent) in [("stdout", stdout, stdout_absent), ("stderr", stderr, stderr_absent)] {
        all.extend(there.iter().map(|pattern| format!("{subject} matches {pattern}")));
        all.extend(absent.iter().map(|pattern| format!("{subject} does not match {pattern}")));
    }
    all.extend(json.iter().map(|program| program.text.clone()));
    all.extend(numbers.iter().map(Number::words));
    if let Some(output) = &command.output {
        let file = output.file.written();
        all.push(format!("{file} {}", fresh_words(output.fresh)));
        all.extend(output.json.iter().map(|program| format!("{file}: {}", program.text)));
        all.extend(output.schema.iter().map(|schema| format!("{file} {}", schema.words())));
    }
    all.extend(command.skipped.iter().map(|program| format!("nothing skipped by {}", program.text)));
    all
}

pub(super) fn fresh_words(fresh: bool) -> &'static str {
    if fresh { "written by this run" } else { "there" }
}
