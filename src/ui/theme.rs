//! How things look, by role alone: a palette, and Unicode glyphs or ASCII. Nothing else in the console names a
//! colour. Every state has a glyph and a word besides its colour.

use ratatui::style::{Modifier, Style};

use crate::launch::verdict::Verdict;

mod palette;

pub use palette::{Depth, Palette};

/// What a piece of text is, never how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Plain,
    Muted,
    Title,
    Passed,
    Failed,
    Warned,
    Unknown,
    Stale,
    Running,
    Skipped,
    Held,
    Focus,
    Danger,
}

impl Role {
    pub const ALL: [Self; 13] = [
        Self::Plain,
        Self::Muted,
        Self::Title,
        Self::Passed,
        Self::Failed,
        Self::Warned,
        Self::Unknown,
        Self::Stale,
        Self::Running,
        Self::Skipped,
        Self::Held,
        Self::Focus,
        Self::Danger,
    ];

    #[must_use]
    pub fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Passed,
            Verdict::Skipped => Self::Skipped,
            Verdict::Warn => Self::Warned,
            Verdict::Stale => Self::Stale,
            Verdict::Unknown => Self::Unknown,
            Verdict::Fail => Self::Failed,
        }
    }
}

/// The signs of one glyph set.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    pub pass: &'static str,
    pub skipped: &'static str,
    pub warn: &'static str,
    pub stale: &'static str,
    pub unknown: &'static str,
    pub fail: &'static str,
    pub running: &'static str,
    pub waiting: &'static str,
    pub blocked: &'static str,
    /// Wants a person.
    pub due: &'static str,
    pub folded: &'static str,
    pub unfolded: &'static str,
    /// There is more above what is seen.
    pub above: &'static str,
    pub counting: &'static str,
    pub holding: &'static str,
    pub track: &'static str,
    pub tick: &'static str,
    pub rule: &'static str,
    /// From low to high.
    pub spark: [&'static str; 8],
    /// Corners from the top left clockwise, then the horizontal and the vertical line.
    pub border: [&'static str; 6],
    pub ascii: bool,
}

const UNICODE: Glyphs = Glyphs {
    pass: "✓",
    skipped: "–",
    warn: "!",
    stale: "~",
    unknown: "?",
    fail: "✗",
    running: "◐",
    waiting: "○",
    blocked: "⊘",
    due: "●",
    folded: "▸",
    unfolded: "▾",
    above: "▴",
    counting: "▶",
    holding: "‖",
    track: "─",
    tick: "┬",
    rule: "─",
    spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    border: ["┌", "┐", "┘", "└", "─", "│"],
    ascii: false,
};

const ASCII: Glyphs = Glyphs {
    pass: "+",
    skipped: "-",
    warn: "!",
    stale: "~",
    unknown: "?",
    fail: "x",
    running: "*",
    waiting: "o",
    blocked: "#",
    due: "@",
    folded: ">",
    unfolded: "v",
    above: "^",
    counting: ">",
    holding: "=",
    track: "-",
    tick: "+",
    rule: "-",
    spark: ["_", ".", ":", "-", "=", "+", "*", "#"],
    border: ["+", "+", "+", "+", "-", "|"],
    ascii: true,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub glyphs: &'static Glyphs,
    palette: Palette,
    depth: Depth,
}

impl Default for Theme {
    fn default() -> Self {
        Self::new(true, false)
    }
}

impl Theme {
    /// The usual palette of sixteen colours, or none.
    #[must_use]
    pub fn new(colour: bool, ascii: bool) -> Self {
        Self::of(if colour { Palette::Ansi } else { Palette::Mono }, Depth::Sixteen, ascii)
    }

    #[must_use]
    pub fn of(palette: Palette, depth: Depth, ascii: bool) -> Self {
        Self { glyphs: if ascii { &ASCII } else { &UNICODE }, palette, depth }
    }

    /// Whether there is any colour in it.
    #[must_use]
    pub fn has_colour(&self) -> bool {
        self.palette != Palette::Mono
    }

    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.palette.style(self.depth, role)
    }

    /// What lies over the selected line's own styles.
    #[must_use]
    pub fn selected(&self, focused: bool) -> Style {
        Style::new().add_modifier(if focused { Modifier::REVERSED } else { Modifier::UNDERLINED })
    }

    /// Over a line that counts no more.
    #[must_use]
    pub fn struck(&self) -> Style {
        Style::new().add_modifier(Modifier::CROSSED_OUT)
    }

    /// The role a style was made from: for tests that read a screen back.
    #[must_use]
    pub fn role_of(&self, style: Style) -> Option<Role> {
        Role::ALL.into_iter().find(|role| self.style(*role) == style)
    }

    #[must_use]
    pub fn glyph(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Pass => self.glyphs.pass,
            Verdict::Skipped => self.glyphs.skipped,
            Verdict::Warn => self.glyphs.warn,
            Verdict::Stale => self.glyphs.stale,
            Verdict::Unknown => self.glyphs.unknown,
            Verdict::Fail => self.glyphs.fail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_looks_different_with_colour() {
        let theme = Theme::default();
        for (at, role) in Role::ALL.into_iter().enumerate() {
            for other in &Role::ALL[at + 1..] {
                assert_ne!(theme.style(role), theme.style(*other), "{role:?} {other:?}");
            }
        }
    }

    #[test]
    fn without_colour_there_is_none_and_danger_still_stands_out() {
        let theme = Theme::new(false, false);
        for role in Role::ALL {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
        assert_ne!(theme.style(Role::Danger), theme.style(Role::Plain));
    }

    #[test]
    fn every_verdict_has_a_glyph_of_its_own_in_both_sets() {
        for ascii in [false, true] {
            let theme = Theme::new(true, ascii);
            let mut seen: Vec<_> = Verdict::ALL.map(|verdict| theme.glyph(verdict)).into();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), Verdict::ALL.len());
            assert!(!ascii || seen.iter().all(|glyph| glyph.is_ascii()));
        }
    }
}
