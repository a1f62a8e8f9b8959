//! One line of the screen. Every text that reaches the buffer goes through here: control sequences are
//! taken out and widths are measured in one place, so that no outside text can break a border.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text::{columns, cut, printable};
use crate::ui::theme::{Role, Theme};

#[derive(Debug, Clone)]
pub struct Row<'t> {
    theme: &'t Theme,
    left: Vec<(String, Style)>,
    right: Vec<(String, Style)>,
    over: Style,
}

/// `text` as it may stand on a screen of `theme`: nothing that steers, nothing of doubtful width.
#[must_use]
pub fn clean(theme: &Theme, text: &str) -> String {
    let text = printable(text);
    let kept = text.chars().filter(|c| !presents(*c)).map(letter);
    if theme.glyphs.ascii { kept.map(plain).collect() } else { kept.collect() }
}

/// What only says how the sign before it looks: emoji presentation, and the colour of a skin. Terminals disagree
/// about the width of both, and one that is wrong moves the rest of its line.
fn presents(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// A flag is written by two letters, which some terminals draw as one sign and some as two. Halfwidth voicing marks
/// are a column to some and none to others; their full forms are the same to all.
fn letter(c: char) -> char {
    match c {
        '\u{ff9e}' => return '\u{309b}',
        '\u{ff9f}' => return '\u{309c}',
        _ => {}
    }
    let place = u32::from(c).wrapping_sub(0x1f1e6);
    if place < 26 { char::from_u32(u32::from('A') + place).unwrap_or(c) } else { c }
}

/// The console's own punctuation in ASCII.
fn plain(c: char) -> char {
    match c {
        '·' | '—' | '–' | '─' => '-',
        '…' => '~',
        '≤' => '<',
        '≥' => '>',
        '→' => '>',
        '“' | '”' => '"',
        '‖' => '=',
        '▶' => '>',
        '⏎' => '/',
        other => other,
    }
}

impl<'t> Row<'t> {
    #[must_use]
    pub fn new(theme: &'t Theme) -> Self {
        Self { theme, left: Vec::new(), right: Vec::new(), over: Style::new() }
    }

    #[must_use]
    pub fn say(mut self, role: Role, text: impl AsRef<str>) -> Self {
        self.left.push((clean(self.theme, text.as_ref()), self.theme.style(role)));
        self
    }

    /// Adds what is at the left of another.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.left.extend(other.left);
        self
    }

    /// Adds at the right edge; the left part gives way to it.
    #[must_use]
    pub fn right(mut self, role: Role, text: impl AsRef<str>) -> Self {
        self.right.push((clean(self.theme, text.as_ref()), self.theme.style(role)));
        self
    }

    /// A style over the whole line: the selection, a band.
    #[must_use]
    pub fn over(mut self, style: Style) -> Self {
        self.over = self.over.patch(style);
        self
    }

    /// Columns of the left part.
    #[must_use]
    pub fn width(&self) -> usize {
        self.left.iter().map(|(text, _)| columns(text)).sum()
    }

    /// Columns of both parts.
    #[must_use]
    pub fn whole_width(&self) -> usize {
        self.width() + self.right.iter().map(|(text, _)| columns(text)).sum::<usize>()
    }

    /// Fills the left part up to `column`, so that columns line up.
    #[must_use]
    pub fn tab(mut self, column: usize) -> Self {
        let missing = column.saturating_sub(self.width());
        self.left.push((" ".repeat(missing), Style::new()));
        self
    }

    /// Cuts the left part to `width` columns.
    #[must_use]
    pub fn at_most(mut self, width: usize) -> Self {
        self.left = fit(std::mem::take(&mut self.left), width, self.theme);
        self
    }

    /// Cuts the right part to `width` columns, so that what a line is about stays in sight.
    #[must_use]
    pub fn right_at_most(mut self, width: usize) -> Self {
        self.right = fit(std::mem::take(&mut self.right), width, self.theme);
        self
    }

    /// The text without its styles.
    #[must_use]
    pub fn text(&self) -> String {
        let said = |parts: &[(String, Style)]| parts.iter().map(|(text, _)| text.as_str()).collect::<String>();
        let (left, right) = (said(&self.left), said(&self.right));
        let gap = if left.is_empty() || right.is_empty() { "" } else { " " };
        format!("{left}{gap}{right}")
    }

    /// Draws into the first line of `area`.
    pub fn put(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let width = usize::from(area.width);
        let mut right: usize = self.right.iter().map(|(text, _)| columns(text)).sum();
        let mut tail = self.right;
        if right > width {
            tail = fit(tail, width, self.theme);
            right = width;
        }
        let room = if right == 0 { width } else { width.saturating_sub(right + 1) };
        let line = Rect { height: 1, ..area };
        let mut x = area.x;
        for (text, style) in fit(self.left, room, self.theme) {
            let left = usize::from(area.right().saturating_sub(x));
            x = buf.set_stringn(x, area.y, &text, left, style).0;
        }
        let mut x = area.x + u16::try_from(width - right).unwrap_or(0);
        for (text, style) in tail {
            let left = usize::from(area.right().saturating_sub(x));
            x = buf.set_stringn(x, area.y, &text, left, style).0;
        }
        buf.set_style(line, self.over);
    }
}

fn fit(parts: Vec<(String, Style)>, width: usize, theme: &Theme) -> Vec<(String, Style)> {
    let whole: usize = parts.iter().map(|(text, _)| columns(text)).sum();
    if whole <= width {
        return parts;
    }
    let mut room = width;
    let mut out = Vec::new();
    for (text, style) in parts {
        let wide = columns(&text);
        // The part that reaches the edge is cut with a sign, also where it ends exactly there.
        if wide >= room {
            let marked = if wide == room { format!("{text} ") } else { text };
            out.push((clean(theme, &cut(&marked, room)), style));
            break;
        }
        room -= wide;
        out.push((text, style));
    }
    out
}

/// `text` in lines of at most `width` columns, broken at spaces where there are any.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        let gap = usize::from(!line.is_empty());
        if columns(&line) + gap + columns(&word) > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while columns(&word) > width {
            let (head, rest) = break_at(&word, width);
            lines.push(head);
            word = rest;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

fn break_at(word: &str, width: usize) -> (String, String) {
    let mut used = 0;
    for (at, c) in word.char_indices() {
        let wide = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used + wide > width && at > 0 {
            return (word[..at].to_owned(), word[at..].to_owned());
        }
        used += wide;
    }
    (word.to_owned(), String::new())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(row: Row<'_>, width: u16) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        row.put(buf.area, &mut buf);
        buf.content().iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn the_left_part_gives_way_to_the_right() {
        let theme = Theme::default();
        let row = || Row::new(&theme).say(Role::Plain, "a long title").right(Role::Passed, "41 ms");
        assert_eq!(drawn(row(), 18), "a long title 41 ms");
        assert_eq!(drawn(row(), 14), "a long … 41 ms");
        assert_eq!(drawn(row(), 3), "41…");
    }

    #[test]
    fn a_cut_is_always_marked() {
        let theme = Theme::default();
        let row = Row::new(&theme).say(Role::Plain, "abc").say(Role::Plain, "def");
        assert_eq!(drawn(row, 3), "ab…");
    }

    #[test]
    fn ascii_has_no_sign_of_ours_outside_it() {
        let theme = Theme::new(true, true);
        assert!(drawn(Row::new(&theme).say(Role::Plain, "a · b … ≤ — c cut"), 12).is_ascii());
    }

    #[test]
    fn wrapping_keeps_every_word() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert!(wrap("", 5).is_empty());
    }

    #[test]
    fn signs_that_terminals_disagree_about_are_written_so_that_all_agree() {
        let theme = Theme::default();
        for (raw, shown) in [
            ("👍🏽 ok", "👍 ok"),
            ("🇩🇪 ok", "DE ok"),
            ("❤\u{fe0f} ok", "❤ ok"),
            ("👩\u{200d}🚀 ok", "👩·🚀 ok"),
            ("ｶﾞ ok", "ｶ゛ ok"),
            ("1\u{fe0f}\u{20e3} ok", "1\u{20e3} ok"),
        ] {
            assert_eq!(clean(&theme, raw), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_measured_is_what_is_drawn(text in "\\PC{0,40}|[\u{600}-\u{1800}\u{a4d0}-\u{a4ff}\u{ac00}-\u{d7ff}\u{1f1e6}-\u{1f6ff}\u{ff66}-\u{ffa0}e\u{301}日]{0,40}") {
            let theme = Theme::default();
            let text = clean(&theme, &text);
            let mut buf = Buffer::empty(Rect::new(0, 0, 200, 1));
            let end = buf.set_stringn(0, 0, &text, 200, Style::new()).0;
            prop_assert_eq!(usize::from(end), columns(&text), "{:?}", text);
        }

        #[test]
        fn nothing_steers_or_leaves_its_area(text in "\\PC*|[\\x00-\\x9f\\[\\]0-9;mP\\\\]*|[日本e\u{301}👩\u{200d}🚀❤\u{fe0f}]*", width in 1_u16..20) {
            let theme = Theme::default();
            let mut buf = Buffer::empty(Rect::new(0, 0, width + 2, 1));
            Row::new(&theme).say(Role::Plain, &text).right(Role::Plain, &text).put(Rect::new(1, 0, width, 1), &mut buf);
            prop_assert_eq!(buf[(0, 0)].symbol(), " ");
            prop_assert_eq!(buf[(width + 1, 0)].symbol(), " ");
            let shown: String = buf.content().iter().map(ratatui::buffer::Cell::symbol).collect();
            prop_assert!(!shown.chars().any(char::is_control));
        }

        #[test]
        fn wrapped_lines_fit(text in "[a-z日 ]{0,60}", width in 2_usize..20) {
            for line in wrap(&text, width) {
                prop_assert!(columns(&line) <= width, "{line:?}");
            }
        }
    }
}
