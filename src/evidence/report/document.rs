//! What a report says, without a word on how it looks: sections of facts, tables and pictures. Text in it is from
//! anywhere; whoever renders it makes it harmless. Both renderings say the same, since both are made from this.

use super::picture::Picture;
use crate::base::secret::Redactor;
use crate::launch::verdict::Verdict;

/// A whole report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// The launch's.
    pub title: String,
    /// Nothing of it was real: said wherever a reader may begin.
    pub rehearsal: bool,
    /// What it came to, in a few words.
    pub outcome: Cell,
    /// What a reader must know before the first section, the worst first.
    pub warnings: Vec<Cell>,
    pub facts: Vec<(String, Cell)>,
    pub sections: Vec<Section>,
    /// What it was made from.
    pub foot: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    /// Where a link leads to; of lower-case letters alone.
    pub id: &'static str,
    pub title: &'static str,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    Heading(String),
    Text(Cell),
    List(Vec<Cell>),
    Facts(Vec<(String, Cell)>),
    Table(Table),
    Picture(Picture),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// What it is a table of, for whoever hears it read.
    pub caption: String,
    pub head: Vec<&'static str>,
    /// Each as long as the head.
    pub rows: Vec<Vec<Cell>>,
}

/// A piece of text, and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    pub text: String,
    pub tone: Tone,
}

/// What a piece of text means; each has a sign besides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub enum Tone {
    #[default]
    Plain,
    Muted,
    Pass,
    Skipped,
    Warn,
    Stale,
    Unknown,
    Fail,
}

impl Tone {
    pub const ALL: [Self; 8] =
        [Self::Plain, Self::Muted, Self::Pass, Self::Skipped, Self::Warn, Self::Stale, Self::Unknown, Self::Fail];

    /// The console's own signs.
    #[must_use]
    pub fn sign(self) -> Option<char> {
        match self {
            Self::Plain | Self::Muted => None,
            Self::Pass => Some('✓'),
            Self::Skipped => Some('–'),
            Self::Warn => Some('!'),
            Self::Stale => Some('~'),
            Self::Unknown => Some('?'),
            Self::Fail => Some('✗'),
        }
    }

    /// Its name in a style sheet.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Muted => "muted",
            Self::Pass => "pass",
            Self::Skipped => "skipped",
            Self::Warn => "warn",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Skipped => Self::Skipped,
            Verdict::Warn => Self::Warn,
            Verdict::Stale => Self::Stale,
            Verdict::Unknown => Self::Unknown,
            Verdict::Fail => Self::Fail,
        }
    }
}

impl Cell {
    pub fn toned(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }

    pub fn muted(text: impl Into<String>) -> Self {
        Self::toned(Tone::Muted, text)
    }
}

impl From<Verdict> for Cell {
    fn from(verdict: Verdict) -> Self {
        Self::toned(verdict.into(), verdict.word())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, tone: Tone::Plain }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Table {
    pub fn new(caption: impl Into<String>, head: &[&'static str]) -> Self {
        Self { caption: caption.into(), head: head.to_vec(), rows: Vec::new() }
    }

    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }
}

impl Section {
    #[must_use]
    pub fn new(id: &'static str, title: &'static str) -> Self {
        Self { id, title, blocks: Vec::new() }
    }

    pub fn text(&mut self, text: impl Into<Cell>) {
        self.blocks.push(Block::Text(text.into()));
    }

    pub fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    /// A table that has rows; of nothing there is none.
    pub fn table(&mut self, table: Table) {
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table));
        }
    }
}

impl Document {
    /// Takes every secret out that `redactor` knows. What is journaled has none in it; a report leaves the house, so
    /// it is looked over once more before anything in it is written another way.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        self.each_text(&mut |text| {
            let clean = redactor.text(text);
            if clean != *text {
                *text = clean;
            }
        });
        self
    }

    fn each_text(&mut self, each: &mut dyn FnMut(&mut String)) {
        each(&mut self.title);
        each(&mut self.outcome.text);
        self.warnings.iter_mut().for_each(|cell| each(&mut cell.text));
        for (name, cell) in &mut self.facts {
            each(name);
            each(&mut cell.text);
        }
        for block in self.sections.iter_mut().flat_map(|section| &mut section.blocks) {
            match block {
                Block::Heading(text) => each(text),
                Block::Text(cell) => each(&mut cell.text),
                Block::List(all) => all.iter_mut().for_each(|cell| each(&mut cell.text)),
                Block::Facts(all) => all.iter_mut().for_each(|(name, cell)| {
                    each(name);
                    each(&mut cell.text);
                }),
                Block::Table(table) => {
                    each(&mut table.caption);
                    table.rows.iter_mut().flatten().for_each(|cell| each(&mut cell.text));
                }
                Block::Picture(picture) => picture.each_text(each),
            }
        }
        self.foot.iter_mut().for_each(each);
    }
}
