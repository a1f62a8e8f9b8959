//! The report as Markdown, for a wiki or a post-mortem: the same words and tables; of each picture what it shows, and
//! of each line a row of blocks.

use std::fmt::Write as _;

use super::document::{Block, Cell, Document, Section, Table};
use super::picture::{Line, Picture, What};
use crate::base::text::visible;
use crate::evidence::markdown::plain;

/// Blocks of a line.
const BLOCKS: usize = 60;
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `document` as Markdown. The same document, the same bytes.
#[must_use]
pub fn markdown(document: &Document) -> String {
    let Document { title, rehearsal, outcome, warnings, facts, sections, foot } = document;
    let stamp = if *rehearsal { "REHEARSAL: " } else { "" };
    let mut out = format!("# {stamp}{}\n\n", text(title));
    if *rehearsal {
        out.push_str("> **REHEARSAL: nothing of this was real.** It was flown against a simulated target.\n\n");
    }
    let _ = writeln!(out, "**{}**\n", cell(outcome));
    write_facts(&mut out, facts);
    for warning in warnings {
        let _ = writeln!(out, "> {}\n", cell(warning));
    }
    out.push_str("All times are UTC.\n");
    for section in sections {
        write_section(&mut out, section, *rehearsal);
    }
    out.push_str("\n---\n\n");
    for line in foot {
        let _ = writeln!(out, "{}\n", text(line));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Text from anywhere on one line, its marks taken for themselves and what steers or hides shown.
fn text(raw: &str) -> String {
    plain(&visible(raw))
}

fn cell(cell: &Cell) -> String {
    let words = text(&cell.text);
    match cell.tone.sign().map(|sign| text(&sign.to_string())) {
        Some(sign) if !words.is_empty() => format!("{sign} {words}"),
        _ => words,
    }
}

fn write_section(out: &mut String, section: &Section, rehearsal: bool) {
    let stamp = if rehearsal { " (REHEARSAL)" } else { "" };
    let _ = writeln!(out, "\n## {}{stamp}\n", text(section.title));
    for block in &section.blocks {
        match block {
            Block::Heading(words) => {
                let _ = writeln!(out, "### {}\n", text(words));
            }
            Block::Text(words) => {
                let _ = writeln!(out, "{}\n", cell(words));
            }
            Block::List(all) => {
                for words in all {
                    let _ = writeln!(out, "- {}", cell(words));
                }
                out.push('\n');
            }
            Block::Facts(facts) => write_facts(out, facts),
            Block::Table(table) => write_table(out, table),
            Block::Picture(picture) => write_picture(out, picture),
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
}

fn write_facts(out: &mut String, facts: &[(String, Cell)]) {
    out.push_str("| | |\n|---|---|\n");
    for (name, words) in facts {
        let _ = writeln!(out, "| {} | {} |", text(name), cell(words));
    }
    out.push('\n');
}

fn write_table(out: &mut String, table: &Table) {
    let _ = writeln!(out, "**{}**\n", text(&table.caption));
    let head: Vec<String> = table.head.iter().map(|name| text(name)).collect();
    let _ = writeln!(out, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(cell).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out.push('\n');
}

fn write_picture(out: &mut String, picture: &Picture) {
    let _ = writeln!(out, "**{}**: {}\n", text(&picture.title), text(&picture.told));
    let What::Plot(plot) = &picture.what else { return };
    for line in &plot.lines {
        let _ = writeln!(out, "- {} `{}`", text(&line.name), blocks(line, plot.top));
    }
    let Some((_, top)) = plot.scale.last() else { return };
    let _ = writeln!(out, "\nA full block is {}; a dot is a time without data.\n", text(top));
}

/// A line as blocks, each the highest of its part; a dot where nothing is known.
fn blocks(line: &Line, top: f64) -> String {
    let (first, last) = {
        let mut known = line.points.iter().flatten().map(|(at, _)| *at);
        let Some(first) = known.next() else { return "·".to_owned() };
        (first, known.next_back().unwrap_or(first))
    };
    let long = last.saturating_sub(first).max(1);
    let mut parts = [None::<f64>; BLOCKS];
    for (at, value) in line.points.iter().flatten() {
        let share = at.saturating_sub(first) as f64 / long as f64;
        let part = ((share * BLOCKS as f64) as usize).min(BLOCKS - 1);
        parts[part] = Some(parts[part].map_or(*value, |known| known.max(*value)));
    }
    let block = |part: &Option<f64>| match part {
        None => '·',
        Some(value) => {
            let steps = (value / top.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0) * 7.0;
            let step = (steps.round() as usize).min(HEIGHTS.len() - 1);
            HEIGHTS[step]
        }
    };
    parts.iter().map(block).collect()
}
