//! A text with a name, places in it, and what is wrong there. All mistakes of a file are reported at
//! once; each names file, line and column, underlines the source, and says what to do.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Byte offsets into a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// A stable name a user can look up or waive: `unknown-key`, `vacuous-check`.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    pub span: Span,
    /// What stands under the underline.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Another place that has to do with it.
    pub also: Option<(Span, String)>,
}

/// A named text.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    pub text: String,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

impl Diagnostic {
    #[must_use]
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span,
            label: String::new(),
            help: None,
            also: None,
        }
    }

    #[must_use]
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn also(mut self, span: Span, what: impl Into<String>) -> Self {
        self.also = Some((span, what.into()));
        self
    }
}

impl Source {
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    #[must_use]
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        (line, column)
    }

    /// `file:line:column` of a span's start.
    #[must_use]
    pub fn at(&self, span: Span) -> String {
        let (line, column) = self.place(span.start);
        format!("{}:{line}:{column}", self.name)
    }

    /// All of `found`, in the order of the file, as text for a terminal (`colour`) or a log.
    #[must_use]
    pub fn render(&self, found: &[Diagnostic], colour: bool) -> String {
        let mut found: Vec<&Diagnostic> = found.iter().collect();
        found.sort_by_key(|diagnostic| diagnostic.span);
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        found.iter().map(|diagnostic| renderer.render(&self.group(diagnostic)) + "\n").collect::<Vec<_>>().join("\n")
    }

    fn clamp(&self, span: Span) -> Range<usize> {
        let boundary = |mut at: usize| {
            at = at.min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = boundary(span.start);
        start..boundary(span.end).max(start)
    }

    fn group<'a>(&'a self, diagnostic: &'a Diagnostic) -> Vec<annotate_snippets::Group<'a>> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let primary = AnnotationKind::Primary.span(self.clamp(diagnostic.span)).label(diagnostic.label.as_str());
        let mut snippet = Snippet::source(self.text.as_str()).path(self.name.as_str()).annotation(primary);
        if let Some((span, what)) = &diagnostic.also {
            snippet = snippet.annotation(AnnotationKind::Context.span(self.clamp(*span)).label(what.as_str()));
        }
        let mut group = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code).element(snippet);
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        vec![group]
    }
}

/// The candidate nearest to `name`, where one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(name.chars().count()) / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_names_file_line_and_column_and_underlines_the_source() {
        let source = Source::new("plan.toml", "[plan]\nschéma = 1\ntitel = \"x\"\n");
        let start = source.text.find("titel").expect("there");
        let wrong = Diagnostic::error("unknown-key", (start..start + 5).into(), "unknown key `titel`")
            .label("not a key of [plan]")
            .help("did you mean `title`?");
        let text = source.render(&[wrong], false);
        assert!(text.contains("plan.toml:3:1"), "{text}");
        assert!(text.contains("^^^^^ not a key of [plan]"), "{text}");
        assert!(text.contains("did you mean `title`?"), "{text}");
    }

    #[test]
    fn a_span_beyond_the_text_is_no_panic() {
        let source = Source::new("p", "é");
        let wrong = Diagnostic::error("x", Span { start: 1, end: 99 }, "m").also(Span { start: 7, end: 3 }, "w");
        assert!(!source.render(&[wrong], false).is_empty());
        assert_eq!(source.place(99), (1, 2));
    }

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        assert_eq!(nearest("titel", ["id", "title"]), Some("title"));
        assert_eq!(nearest("htp", ["http", "cors"]), Some("http"));
        assert_eq!(nearest("banana", ["http", "cors"]), None);
    }
}
