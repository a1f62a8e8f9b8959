//! From the plan file to [`launch::plan::Plan`](crate::launch::plan::Plan) and a catalogue of kinds'
//! tables. One pass finds every mistake; nothing of a plan that has one is used. It reads the file and
//! the environment it is given, and starts nothing.
//!
//! One file per noun of the format: `clock`, `vars`, `secrets`, `roles`, `sessions`, `phases`, `items`,
//! `people`, `soaks`, `processes`, `playbooks`, `monitors`, `streams`, `sources`, `objectives` (with `fits` and
//! `canaries`), `triggers` (with `alerts`), `baseline`, `rollbacks`, `escalations`, `notify`, `criteria`. `needs` orders the items,
//! `branches` puts them on what a choice selects, `addresses` knows whom one can ask,
//! `classes` holds a step's class to its kind, `names` knows what templates may use,
//! `examples` reads examples
//! and `trial` tests checks on them, `lint` knows what plans get wrong, `effects` which keys do nothing where they
//! stand.
//!
//! Limits: a file of at most 4 MiB and 80 levels, 10 000 items after `for_each`, 1 000 values in a list.

mod addresses;
mod alerts;
mod baseline;
mod branches;
mod canaries;
mod classes;
mod clock;
mod criteria;
pub mod diff;
mod effects;
mod environment;
mod escalations;
mod every;
mod evidence;
mod examples;
mod fits;
mod inside;
mod items;
pub mod kinds;
mod lint;
mod lint_kube;
mod lint_watched;
mod monitors;
mod mutations;
mod names;
mod needs;
mod notify;
mod objectives;
mod people;
mod phases;
mod playbooks;
mod processes;
mod reader;
mod ready;
mod report;
mod roles;
mod rollbacks;
mod second;
mod secrets;
mod sessions;
mod shell;
mod signals;
mod soaks;
mod sources;
mod streams;
mod summary;
mod targets;
mod trial;
mod trial_sources;
mod triggers;
mod unbuilt;
mod vars;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use toml::de::DeTable;

pub use self::canaries::Canary;
pub use self::environment::Environment;
pub use self::reader::{Inside, Place, Unset};
pub use self::report::{Checked, check_report, counts};
use crate::base::known::Known;
use crate::base::secret::Redactor;
use crate::base::source::{Diagnostic, Severity, Source, Span};
use crate::base::table::{Notes, Table};
use crate::base::text::hex;
use crate::kind::Catalogue;
use crate::launch::plan::Plan;

/// The largest plan file that is read, in bytes.
pub const LARGEST: usize = 4 << 20;
/// The most items a plan may have, after `for_each`.
pub const MOST_ITEMS: usize = 10_000;
/// The most values a list may have that something is repeated for.
pub const MOST_VALUES: usize = 1_000;

/// Environment variables by name, as they are set; none is not set.
pub type Variables = BTreeMap<String, Option<String>>;

/// What a plan's secrets stand in, which is written down nowhere.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    names: BTreeSet<String>,
    redactor: Redactor,
}

impl Hidden {
    /// The environment variables that secrets are taken from.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether an environment variable has a secret, or holds one.
    #[must_use]
    pub fn hides(&self, name: &str, value: Option<&str>) -> bool {
        self.names.contains(name) || value.is_some_and(|value| self.redactor.text(value) != value)
    }
}

/// How a plan is loaded.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What `--env` asked for: the plan's own environment, or one of its targets.
    pub target: Option<String>,
    /// The environment variables that the plan's variables stood on when its launch was opened: they are what they were
    /// then, whoever reads the plan again, and from where. Secrets are asked of the process.
    pub opened_with: Variables,
    /// Secrets are stand-ins, the environment's own are not read, and what is not set is no mistake.
    pub rehearsal: bool,
    /// A secret whose variable is not set is left without a value instead of being a mistake: what needs it
    /// says so when it is tried, everything else runs. For a gate that needs no secret, and for a rollback,
    /// which must not fail for want of what it does not use.
    pub without_secrets: bool,
    /// No launch is opened with it: it was before, or its checks alone are run. Then it may drill at this very place,
    /// which is where a drill reads it.
    pub no_launch: bool,
}

/// A sound plan.
#[derive(Debug)]
pub struct Loaded {
    pub plan: Plan,
    pub catalogue: Catalogue,
    pub source: Source,
    /// What a plan can get wrong and still be sound, as far as it shows without trying the checks.
    pub warnings: Vec<Diagnostic>,
    /// Where the table of each catalogue entry stands; the same order as the entries.
    pub places: Vec<Place>,
    /// What the environment does not set: stood in for by a rehearsal, or left without a value.
    pub unset: Vec<Unset>,
    /// How long each canary must run to see what it is meant to see.
    pub canaries: Vec<Canary>,
    /// Every `[target.ID]`, in the order of the file.
    pub targets: Vec<String>,
    /// The environment variables that its variables name, as they are.
    pub environment: Variables,
    pub hidden: Hidden,
}

/// Reads a plan.
///
/// # Errors
/// Every mistake of the file: the syntax errors alone where there are some (what follows from a
/// broken line would only mislead), else all others at once.
pub fn load(source: Source, environment: &Environment, options: &Options) -> Result<Loaded, Vec<Diagnostic>> {
    let read = read(&source, environment, options, &Notes::default())?;
    let reader::Read { plan, catalogue, warnings, places, unset, canaries, targets, environment, hidden } = read;
    Ok(Loaded { plan, catalogue, source, warnings, places, unset, canaries, targets, environment, hidden })
}

/// Every key that the readers ask for in the tables this plan has: what the format's reference is made
/// from. A plan with every table shows them all.
///
/// # Errors
/// As [`load`].
pub fn keys(source: &Source, environment: &Environment, options: &Options) -> Result<Known, Vec<Diagnostic>> {
    let notes = Notes::learning();
    read(source, environment, options, &notes)?;
    Ok(notes.take_known())
}

fn read(
    source: &Source,
    environment: &Environment,
    options: &Options,
    notes: &Notes,
) -> Result<reader::Read, Vec<Diagnostic>> {
    if source.text.len() > LARGEST {
        let size = source.text.len().div_ceil(1 << 20);
        let message = format!("a plan of {size} MiB: at most {} MiB are read", LARGEST >> 20);
        return Err(vec![Diagnostic::error("too-large", Span::default(), message)]);
    }
    let (parsed, wrong) = DeTable::parse_recoverable(&source.text);
    if !wrong.is_empty() {
        let error = |error: &toml::de::Error| {
            let span = error.span().map(Span::from).unwrap_or_default();
            Diagnostic::error("syntax", span, error.message().replace('\n', ", "))
        };
        return Err(wrong.iter().take(MOST_SHOWN).map(error).collect());
    }
    let table = Table::new("[]", parsed.span().into(), parsed.get_ref(), notes);
    // A mistake may be told with the value it is in, and so may a panic.
    let redactor = Redactor::default();
    let covered = redactor.cover();
    let mut read = reader::Reader::new(source, notes, environment, options, redactor.clone()).read(table);
    drop(covered);
    lint::placeholders(parsed.get_ref(), notes);
    lint_kube::file(parsed.get_ref(), notes);
    read.plan.hash = hash(&source.text);
    let mut found: Vec<_> = notes.take_diagnostics().into_iter().map(|found| without(found, &redactor)).collect();
    // One mistake in a session is met by each of its items.
    found.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
    found.dedup_by(|a, b| (a.span, a.code, &a.message) == (b.span, b.code, &b.message));
    let (errors, warnings): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.severity == Severity::Error);
    if errors.is_empty() {
        Ok(reader::Read { warnings, ..read })
    } else {
        Err(errors.into_iter().chain(warnings).take(MOST_SHOWN).collect())
    }
}

/// The diagnostic without a value of a secret in its words; what it underlines is the plan's own text.
fn without(mut found: Diagnostic, redactor: &Redactor) -> Diagnostic {
    for words in [Some(&mut found.message), Some(&mut found.label), found.help.as_mut()].into_iter().flatten() {
        *words = redactor.text(words);
    }
    found
}

/// More mistakes than this help nobody, and each shows a piece of the file.
const MOST_SHOWN: usize = 500;

/// SHA-256 of a plan's text, in hex.
#[must_use]
pub fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod targets_tests;
#[cfg(test)]
mod watched_tests;
