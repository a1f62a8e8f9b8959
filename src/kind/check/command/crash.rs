//! Whether a program ended because it could not go on, rather than because it found something: a traceback, a
//! panic, a script for another interpreter, a Makefile that make cannot read. Such an end says nothing about
//! the world, whatever its exit code. Where it is in doubt, an end is a verdict.

use std::sync::LazyLock;

use regex::Regex;

/// Exit codes by which a shell tells the signals of a crash: ILL, TRAP, ABRT, BUS, FPE, KILL, SEGV.
const BY_SIGNAL: [i32; 7] = [132, 133, 134, 135, 136, 137, 139];

/// Lines of a traceback that are told.
const SHOWN: usize = 3;
/// Lines at the end of standard output that may be a crash's.
const LAST: usize = 40;

const CRASHES: &[(&str, &str)] = &[
    (r"^thread '.*' (?:\(\d+\) )?panicked at ", "a panic"),
    (r"^panic: ", "a panic"),
    (r"^fatal error: ", "a crash of its runtime"),
    (r#"^Exception in thread ""#, "an exception that nobody caught"),
    (r"^Node\.js v\d+\.\d+", "an exception that nobody caught"),
    (r"(?i)^(?:\S+: line \d+: +\d+ )?(?:segmentation fault|bus error|illegal instruction)\b", "a crash"),
    (r": line \d+: syntax error\b|: syntax error near unexpected token|: Syntax error: ", "its shell cannot read it"),
    (r": bad interpreter: ", "a wrong interpreter"),
    (r"^\S*make(?:\[\d+\])?: \*\*\* .*\bStop\.$|^\S+:\d+: \*\*\* .*\bStop\.$", "make cannot begin"),
    (r"(?i)^npm (?:err!|error) missing script\b|^error: script not found", "a script that is not there"),
];

static LINES: LazyLock<Vec<(Regex, &str)>> =
    LazyLock::new(|| CRASHES.iter().filter_map(|(pattern, what)| Some((Regex::new(pattern).ok()?, *what))).collect());

/// The last word of a test runner: what came before it are its findings.
static RUNNER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:FAILED \(|=+ .*\b(?:failed|errors?|passed)\b.* =+$|\s*Tests?:? )").ok());

/// What kept the program from going on, where its words or its exit code show it.
pub(super) fn told(exit: i32, stdout: &str, stderr: &str) -> Option<String> {
    if exit == 0 {
        return None;
    }
    if BY_SIGNAL.contains(&exit) {
        return Some(format!("the code of a crash, signal {}", exit - 128));
    }
    [stderr, stdout].into_iter().find_map(traceback).or_else(|| by_line(stderr)).or_else(|| by_line(end_of(stdout)))
}

fn by_line(text: &str) -> Option<String> {
    let found = |line: &str| LINES.iter().find(|(pattern, _)| pattern.is_match(line)).map(|(_, what)| *what);
    text.lines().find_map(|line| found(line).map(|what| format!("{what}: {}", line.trim())))
}

/// A program's own crash is the last that it says.
fn end_of(text: &str) -> &str {
    let from = text.match_indices('\n').rev().nth(LAST).map_or(0, |(at, _)| at);
    &text[from..]
}

/// Python's: its last line says what it was, unless a test runner has the last word.
fn traceback(text: &str) -> Option<String> {
    let at = text.rfind("Traceback (most recent call last):")?;
    let lines: Vec<&str> = text[at..].lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.last()?;
    if RUNNER.as_ref().is_some_and(|runner| runner.is_match(last)) {
        return None;
    }
    let words = lines.iter().skip(1).filter(|line| !line.starts_with(char::is_whitespace)).take(SHOWN);
    Some(format!("a traceback: {}", words.map(|line| line.trim()).collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_a_crash_is_one() {
        assert_eq!(LINES.len(), CRASHES.len());
        assert!(RUNNER.is_some());
    }

    #[test]
    fn an_end_that_says_nothing_of_the_world_is_told_from_a_finding() {
        let python = "Traceback (most recent call last):\n  File \"soak.py\", line 3, in <module>\n    quantiles(x)\n\
                      statistics.StatisticsError: must have at least two data points\n";
        let by_bash =
            "v.py: line 8: import: command not found\nv.py: line 20: syntax error near unexpected token `('\n";
        let unittest = format!("{python}\n-----\nRan 3 tests in 0.1s\n\nFAILED (errors=1)\n");
        for (exit, stderr, crashed) in [
            (1, python, true),
            (101, "thread 'main' panicked at src/main.rs:2:5:\nboom\n", true),
            (2, "panic: runtime error\n\ngoroutine 1 [running]:\n", true),
            (1, "throw new Error('x')\n^\nError: x\n    at Object.<anonymous> (a.js:1:7)\n\nNode.js v20.1.0\n", true),
            (139, "", true),
            (134, "core dumped", true),
            (2, by_bash, true),
            (2, "Makefile:1: *** multiple target patterns.  Stop.\n", true),
            (2, "make: *** No rule to make target 'smoke'.  Stop.\n", true),
            (1, "npm error Missing script: \"smoke\"\n", true),
            (1, "error: Script not found \"smoke\"\n", true),
            (1, "Missing required settings: JWT_SECRET\n", false),
            (2, "make: *** [Makefile:12: test] Error 1\n", false),
            (1, "", false),
            (1, &unittest, false),
            (0, python, false),
        ] {
            assert_eq!(told(exit, "", stderr).is_some(), crashed, "{exit}: {stderr}");
        }
        let why = told(1, &format!("Soak test\n{python}"), "").expect("a crash");
        assert_eq!(why, "a traceback: statistics.StatisticsError: must have at least two data points");
    }
}
