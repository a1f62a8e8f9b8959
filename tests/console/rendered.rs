//! A screen as a snapshot keeps it: its text, and the role of every run of it.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;
use tminus::ui::theme::{Role as Look, Theme};

use super::text;

/// The screen, and under it the role of every run of text that is not plain: a red that turned green
/// changes this.
pub fn rendered(buffer: &Buffer, theme: &Theme) -> String {
    let width = usize::from(buffer.area.width);
    let mut out = text(buffer);
    out.push_str("\n--- roles\n");
    for (y, line) in buffer.content().chunks(width).enumerate() {
        let runs = runs(line, theme);
        if !runs.is_empty() {
            out.push_str(&format!("{y:>2} {}\n", runs.join(" · ")));
        }
    }
    out
}

fn runs(line: &[Cell], theme: &Theme) -> Vec<String> {
    let mut runs: Vec<(String, String)> = Vec::new();
    for cell in line {
        let look = look(cell, theme);
        match runs.last_mut() {
            Some((last, text)) if *last == look || cell.symbol() == " " && !look.contains("Danger") => {
                text.push_str(cell.symbol());
            }
            _ => runs.push((look, cell.symbol().to_owned())),
        }
    }
    let kept =
        runs.into_iter().filter(|(look, text)| look != "Plain" && text.trim_matches(bare).chars().next().is_some());
    kept.map(|(look, text)| format!("{look}[{}]", text.trim_matches(bare))).collect()
}

/// Space and frame: the picture above has them.
fn bare(c: char) -> bool {
    " ┌┐└┘│─┬".contains(c)
}

fn look(cell: &Cell, theme: &Theme) -> String {
    let of = |cell: &Cell| {
        Look::ALL.into_iter().find(|role| {
            let mut plain = Cell::default();
            plain.set_style(theme.style(*role));
            plain.style() == cell.style()
        })
    };
    if let Some(role) = of(cell) {
        return format!("{role:?}");
    }
    for (over, mark) in [(Modifier::REVERSED, "^"), (Modifier::UNDERLINED, "_")] {
        let mut under = cell.clone();
        under.modifier.remove(over);
        if let Some(role) = of(&under).filter(|_| cell.modifier.contains(over)) {
            return format!("{role:?}{mark}");
        }
    }
    format!("{:?}", cell.style())
}
