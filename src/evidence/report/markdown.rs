//! The report as Markdown, for a wiki or a post-mortem: the same words and tables; of each picture what it shows, and
//! of each line a row of blocks.

use std::fmt::Write as _;

use super::document::{Block, Cell, Document, Section, Table};
use super::picture::{Line, Picture, Plot, What};
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
        let _ = writeln!(out, "- {} `{}`", text(&line.name), blocks(line, plot));
    }
    let (Some((_, bottom)), Some((_, top))) = (plot.scale.first(), plot.scale.last()) else { return };
    let (bottom, top) = (text(bottom), text(top));
    let _ = writeln!(out, "\nThe lowest block is {bottom}, a full one {top}; a dot is a time without data.\n");
}

/// A line as blocks, each the worst of its part; a dot where nothing is known.
fn blocks(line: &Line, plot: &Plot) -> String {
    let (first, last) = {
        let mut known = line.points.iter().flatten().map(|(at, _)| *at);
        let Some(first) = known.next() else { return "·".to_owned() };
        (first, known.next_back().unwrap_or(first))
    };
    let long = last.saturating_sub(first).max(1);
    let part = |at: i64| {
        let share = at.saturating_sub(first) as f64 / long as f64;
        ((share * BLOCKS as f64) as usize).min(BLOCKS - 1)
    };
    let worst = |one: f64, other: f64| if line.low { one.min(other) } else { one.max(other) };
    let mut parts = [None::<f64>; BLOCKS];
    let mut before: Option<(i64, f64)> = None;
    for point in &line.points {
        if let Some((at, value)) = *point {
            parts[part(at)] = Some(parts[part(at)].map_or(value, |known| worst(known, value)));
            // Between two points that follow one another the line goes on: there are fewer of them than blocks.
            let (from, was) = before.map_or((part(at), value), |(at, was)| (part(at) + 1, was));
            parts.iter_mut().take(part(at)).skip(from).for_each(|part| *part = Some(was));
        }
        before = *point;
    }
    let block = |part: &Option<f64>| match part {
        None => '·',
        Some(value) => {
            let step = ((plot.part(*value) * 7.0).round() as usize).min(HEIGHTS.len() - 1);
            HEIGHTS[step]
        }
    };
    parts.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks_of(points: Vec<Option<(i64, f64)>>, low: bool) -> String {
        let plot = Plot { top: 1.0, ..Plot::default() };
        blocks(&Line { name: "up".into(), points, low }, &plot)
    }

    #[test]
    fn a_dot_is_a_time_without_data_and_nothing_else() {
        let few = |n| (0..n).map(|at| Some((at * 1_000, 1.0)));
        assert_eq!(blocks_of(few(5).collect(), false), "█".repeat(BLOCKS));
        let broken: Vec<_> = few(3).chain([None, Some((9_000, 1.0)), Some((10_000, 1.0))]).collect();
        let drawn = blocks_of(broken, false);
        assert_eq!(drawn.trim_matches('█').trim_matches('·'), "", "{drawn}");
        assert_eq!(drawn.matches('·').count(), 41, "from the block after 2 s up to that of 9 s: {drawn}");
    }

    #[test]
    fn a_block_is_the_worst_of_its_part() {
        let points = |dip: f64| (0..240).map(move |at| Some((at, if at == 100 { dip } else { 0.5 }))).collect();
        assert!(blocks_of(points(0.0), true).contains('▁'), "what is low is worst");
        assert!(!blocks_of(points(0.0), false).contains('▁'));
        assert!(blocks_of(points(1.0), false).contains('█'));
    }
}
