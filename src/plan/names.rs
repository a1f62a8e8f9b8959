//! The names templates and jq programs may use at each place of the plan: vars, secrets and baseline
//! values everywhere, `for_each` keys and captured values where they are. A name without a value is a
//! mistake of the plan, found before anything runs.

use std::collections::BTreeMap;

use crate::base::source::{Diagnostic, Source, Span, nearest};
use crate::base::table::Notes;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    Var,
    Secret,
    Baseline,
    /// The value of a `for_each`.
    Key,
    /// Captured by an item from an answer.
    Capture,
    /// Handed out by a program that lives on.
    Process,
    /// Typed by a person before a step.
    Field,
}

/// Names bound at one place.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    bound: BTreeMap<String, (Stands, Span)>,
}

/// Whether a name can stand in a template and, with a `$` before it, in a jq program.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Names {
    /// Binds a name; reports one that is no name, or that is taken: a value must not hide another.
    /// Captured values alone may be captured again (a token that rotates).
    pub(super) fn bind(&mut self, name: &str, span: Span, stands: Stands, notes: &Notes) {
        if !is_name(name) {
            let message = format!("`{name}` is no name: letters, digits and `_`, not first a digit");
            notes.report(Diagnostic::error("wrong-name", span, message));
            return;
        }
        match self.bound.get(name) {
            Some((Stands::Capture, _)) if stands == Stands::Capture => {}
            Some((taken, first)) => {
                let message = format!("`{name}` is {} already", taken.words());
                let wrong = Diagnostic::error("duplicate-name", span, message).label("bound again here");
                notes.report(wrong.also(*first, "first here"));
            }
            None => {
                self.bound.insert(name.to_owned(), (stands, span));
            }
        }
    }

    /// As [`Self::bind`], where what is wrong with it was said already.
    pub(super) fn know(&mut self, name: &str, span: Span, stands: Stands) {
        self.bound.entry(name.to_owned()).or_insert((stands, span));
    }

    /// From here on these names are unknown.
    pub(super) fn forget(&mut self, stands: Stands) {
        self.bound.retain(|_, (known, _)| *known != stands);
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.bound.contains_key(name)
    }

    pub(super) fn is_secret(&self, name: &str) -> bool {
        matches!(self.bound.get(name), Some((Stands::Secret, _)))
    }

    /// True for values of the session: the outside's, not known to be harmless.
    pub(super) fn is_captured(&self, name: &str) -> bool {
        matches!(self.bound.get(name), Some((Stands::Capture, _)))
    }

    /// Reports every used name that is not bound, with the nearest that is.
    pub(super) fn check(&self, used: &[(String, Span)], source: &Source, notes: &Notes) {
        let mut seen = std::collections::BTreeSet::new();
        for (name, span) in used {
            let span = narrowed(name, *span, source);
            if self.bound.contains_key(name) || !seen.insert((name, span)) {
                continue;
            }
            let wrong = Diagnostic::error("unknown-name", span, format!("nothing is called `{name}` here"));
            let label = match nearest(name, self.bound.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "no such name".to_owned(),
            };
            notes.report(wrong.label(label).help(self.help()));
        }
    }

    fn help(&self) -> String {
        const SHOWN: usize = 12;
        let known: Vec<_> = self.bound.keys().take(SHOWN).map(String::as_str).collect();
        let more = if self.bound.len() > SHOWN { ", …" } else { "" };
        match known.is_empty() {
            true => "no name has a value here: [vars], [secrets], for_each and earlier captures give them".to_owned(),
            false => format!("known here: {}{more}", known.join(", ")),
        }
    }
}

impl Stands {
    fn words(self) -> &'static str {
        match self {
            Self::Var => "a variable",
            Self::Secret => "a secret",
            Self::Baseline => "a baseline value",
            Self::Key => "a for_each key",
            Self::Capture => "a captured value",
            Self::Process => "a value that a program hands out",
            Self::Field => "a field that a person types",
        }
    }
}

/// The name itself inside the string that uses it, where it stands there as written.
fn narrowed(name: &str, span: Span, source: &Source) -> Span {
    let Some(text) = source.text.get(span.start..span.end) else { return span };
    let ends = |at: usize| !text[at + name.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let begins = |at: usize| {
        let before = text[..at].trim_end();
        before.ends_with("{{") || text[..at].ends_with('$')
    };
    let found = text.match_indices(name).map(|(at, _)| at).find(|at| begins(*at) && ends(*at));
    found.map_or(span, |at| Span { start: span.start + at, end: span.start + at + name.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_itself_is_underlined() {
        let source = Source::new("p", "get = \"{{ api }}/x?a=apii&b={{ apii }}\"");
        let at = narrowed("apii", Span { start: 6, end: source.text.len() }, &source);
        assert_eq!(&source.text[at.start - 3..at.end], "{{ apii");
        assert_eq!(at.end - at.start, 4);
    }

    #[test]
    fn only_captured_values_may_be_bound_again() {
        let notes = Notes::default();
        let mut names = Names::default();
        names.bind("csrf", Span::default(), Stands::Capture, &notes);
        names.bind("csrf", Span::default(), Stands::Capture, &notes);
        assert!(notes.take_diagnostics().is_empty());
        names.bind("csrf", Span::default(), Stands::Key, &notes);
        names.bind("9x", Span::default(), Stands::Var, &notes);
        let codes: Vec<_> = notes.take_diagnostics().iter().map(|found| found.code).collect();
        assert_eq!(codes, ["duplicate-name", "wrong-name"]);
    }
}
