//! Text from outside as text in Markdown: it starts no heading, link, table cell or tag of its own.

use crate::base::text::printable;

/// `text` on one line, its marks taken for themselves.
#[must_use]
pub fn plain(text: &str) -> String {
    let text = printable(text);
    let text = text.trim();
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let marks = matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '&' | '!');
        // `- `, `+ ` and `1. ` begin a list where a line does.
        let numbered = |c: char| matches!(c, '.' | ')') && text[..at].chars().all(|c| c.is_ascii_digit());
        let begins = (at == 0 && matches!(c, '-' | '+' | '=')) || (at > 0 && numbered(c));
        if marks || begins {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A row of a table.
#[must_use]
pub fn row<'c>(cells: impl IntoIterator<Item = &'c str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(plain).collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markdown() {
        for (text, wanted) in [
            ("a | b", "a \\| b"),
            ("# not a heading", "\\# not a heading"),
            ("<script>", "\\<script\\>"),
            ("[x](http://y)", "\\[x\\](http://y)"),
            ("line\n# next", "line \\# next"),
            ("- item", "\\- item"),
            ("1. item", "1\\. item"),
            ("v1.0 - 2", "v1.0 - 2"),
            ("\u{1b}[31mred", "red"),
            ("a\\|b", "a\\\\\\|b"),
        ] {
            assert_eq!(plain(text), wanted, "{text:?}");
        }
        assert_eq!(row(["a|b", "c"]), "| a\\|b | c |\n");
    }
}
