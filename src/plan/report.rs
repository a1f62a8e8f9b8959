//! What `tminus check` says of a plan: every mistake and every warning, with the source underlined, and
//! one line at the end.

use std::collections::BTreeSet;

use super::{Environment, Options, load, summary, trial};
use crate::base::jq::Jq;
use crate::base::source::{Diagnostic, Severity, Source};
use crate::base::text::printable;

/// A plan, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many mistakes there are; with none the plan is sound.
    pub errors: usize,
    pub warnings: usize,
    /// For a terminal or a log, ending with a line that sums up, and one for each thing that is watched.
    pub text: String,
}

/// Loads a plan and tries its checks on their examples. Reads no secret and asks for none: what the
/// environment must set for a launch and does not is told in one line, and is no mistake of the plan.
pub async fn check_report(
    source: &Source,
    environment: &Environment,
    target: Option<String>,
    jq: &Jq,
    colour: bool,
) -> Checked {
    let options = Options { rehearsal: true, target, ..Options::default() };
    match load(source.clone(), environment, &options) {
        Err(found) => told(source, &found, BTreeSet::new(), &[], colour),
        Ok(loaded) => {
            let tried = trial::all(&loaded, jq).await;
            let unset = loaded.unset.iter().map(|unset| printable(&unset.variable)).collect();
            let watched = summary::watched(&loaded);
            let found: Vec<Diagnostic> = loaded.warnings.into_iter().chain(tried).collect();
            told(source, &found, unset, &watched, colour)
        }
    }
}

fn told(source: &Source, found: &[Diagnostic], unset: BTreeSet<String>, watched: &[String], colour: bool) -> Checked {
    let (errors, warnings) = errors_and_warnings(found);
    let mut text = source.render(found, colour);
    if !text.is_empty() {
        text.push('\n');
    }
    let name = printable(&source.name);
    text.push_str(&match (errors, warnings) {
        (0, 0) => format!("{name}: sound\n"),
        (0, _) => format!("{name}: sound, with {}\n", counts(found)),
        _ => format!("{name}: {}\n", counts(found)),
    });
    watched.iter().for_each(|line| text.push_str(&format!("  {}\n", printable(line))));
    if !unset.is_empty() {
        let names = unset.into_iter().collect::<Vec<_>>().join(", ");
        text.push_str(&format!("a launch needs these in the environment, which are not set here: {names}\n"));
    }
    Checked { errors, warnings, text }
}

fn errors_and_warnings(found: &[Diagnostic]) -> (usize, usize) {
    let errors = found.iter().filter(|found| found.severity == Severity::Error).count();
    (errors, found.len() - errors)
}

/// `2 errors, 1 warning`.
#[must_use]
pub fn counts(found: &[Diagnostic]) -> String {
    match errors_and_warnings(found) {
        (0, warnings) => counted(warnings, "warning"),
        (errors, 0) => counted(errors, "error"),
        (errors, warnings) => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
