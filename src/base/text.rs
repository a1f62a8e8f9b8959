//! Outside text made fit for a screen, a journal and a log: no control sequence, no bidirectional
//! override, no width surprise ever passes.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// `text` with everything removed or shown that could steer a terminal.
///
/// Whole escape sequences (CSI, OSC, DCS, two-byte) are dropped, newlines and tabs become spaces,
/// other controls, direction marks and invisible characters become `·`.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_csi(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            '\n' | '\t' | '\r' => out.push(' '),
            c if c.is_control() || steers(c) => out.push('·'),
            c => out.push(c),
        }
    }
    out
}

/// `text` on one line with everything shown that could steer, hide or turn the writing around: `\u{202e}` stands where
/// it was. For pages that are read and searched, where a dot would not say what lay there.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\r' => out.push(' '),
            c if c.is_control() || steers(c) || is_bare(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Text from anywhere as text of HTML and XML 1.0, between tags and inside quotes alike: it makes no tag, no attribute and
/// no character of its own; what they cannot hold, and what steers or hides, is written out.
#[must_use]
pub fn markup(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Two digits a byte, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// No character for anybody: a page that has one in it is malformed.
fn is_bare(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || (c as u32) & 0xfffe == 0xfffe
}

/// [`printable`] line by line, so that lines survive.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    text.lines().map(|line| printable(line.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n")
}

/// How many columns `text` takes, character by character: what every terminal agrees on. Clusters of which the sum
/// is not the whole have no place on a screen.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// At most `width` columns of `text`, with `…` where it was cut. Characters without a width count too:
/// at most four a column, and sixteen.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    let most = width.saturating_mul(4).saturating_add(16);
    let (mut used, mut end) = (0, 0);
    for (count, (at, c)) in text.char_indices().enumerate() {
        let wide = c.width().unwrap_or(0);
        if used + wide > width || count == most {
            let dots = if width > 0 { "…" } else { "" };
            return format!("{}{dots}", &text[..end]);
        }
        used += wide;
        if used < width && count + 1 < most {
            end = at + c.len_utf8();
        }
    }
    text.to_owned()
}

/// True for what turns the writing around, breaks a line outside ASCII, or takes part in a text unseen.
fn steers(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(chars: &mut Chars<'_>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_csi(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        Some(' '..='/') => {
            while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            chars.next_if(|c| matches!(c, '0'..='~'));
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

fn skip_csi(chars: &mut Chars<'_>) {
    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    chars.next_if(|c| matches!(c, '@'..='~'));
}

/// Up to BEL or ST; a string that is never ended swallows its line only.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if chars.next_if_eq(&'\\').is_some() => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_do_not_pass() {
        for (raw, shown) in [
            ("a\u{1b}[31mred\u{1b}[0m", "ared"),
            ("\u{1b}]0;title\u{7}x", "x"),
            ("\u{1b}]52;c;AAAA\u{1b}\\x", "x"),
            ("\u{1b}Pq#0\u{1b}\\x", "x"),
            ("\u{9b}2Jx", "x"),
            ("\u{1b}(0x", "x"),
            ("a\rb\tc\u{8}", "a b c·"),
            ("a\u{202e}b", "a·b"),
            ("tail\u{1b}", "tail"),
        ] {
            assert_eq!(printable(raw), shown, "{raw:?}");
        }
    }

    #[test]
    fn a_cut_fits_its_width_with_wide_characters() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn characters_without_a_width_do_not_escape_the_cut() {
        let marks = format!("a{}", "\u{301}".repeat(4_000_000));
        assert_eq!(cut(&marks, 10).chars().count(), 56);
        assert_eq!(cut("e\u{301}e\u{301}", 2), "e\u{301}e\u{301}");
    }

    /// Written apart from the code on purpose: what the Unicode data call format controls, separators
    /// and letters without a shape.
    const UNSEEN: &[char] = &[
        '\u{00AD}',
        '\u{061C}',
        '\u{115F}',
        '\u{1160}',
        '\u{180E}',
        '\u{200B}',
        '\u{200D}',
        '\u{200E}',
        '\u{200F}',
        '\u{2028}',
        '\u{2029}',
        '\u{202A}',
        '\u{202B}',
        '\u{202C}',
        '\u{202D}',
        '\u{202E}',
        '\u{2060}',
        '\u{2066}',
        '\u{2067}',
        '\u{2068}',
        '\u{2069}',
        '\u{3164}',
        '\u{FEFF}',
        '\u{FFA0}',
        '\u{FFF9}',
        '\u{E0001}',
        '\u{E0020}',
        '\u{E0041}',
        '\u{E007F}',
        '\u{E0100}',
    ];

    #[test]
    fn what_steers_or_hides_is_shown_as_a_dot() {
        for c in UNSEEN {
            assert_eq!(printable(&format!("a{c}b")), "a·b", "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_passes_is_a_control(text in "\\PC*|[\\x00-\\x9f\\[\\]0-9;mP\\\\]*|[\\u{2000}-\\u{206f}\\u{ad}\\u{61c}\\u{e0000}-\\u{e007f}]*") {
            prop_assert!(!printable(&text).chars().any(|c| c.is_control() || UNSEEN.contains(&c)));
        }

        #[test]
        fn a_cut_is_never_wider_nor_longer_than_it_may(text in "\\PC{0,200}", width in 0_usize..40) {
            let short = cut(&text, width);
            let wide: usize = short.chars().map(|c| c.width().unwrap_or(0)).sum();
            prop_assert!(wide <= width && short.chars().count() <= 4 * width + 16, "{short:?}");
        }
    }
}
