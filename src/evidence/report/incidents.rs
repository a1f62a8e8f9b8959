//! Incidents, each with the fields that a log of incidents must have and its own timeline. What nobody recorded is
//! said to be missing.

use super::document::{Block, Cell, Section, Table, Tone};
use super::say;
use super::story::Story;
use crate::evidence::incident::{deadlines, fields};
use crate::launch::incident::Stage;

pub(super) fn section(story: &Story) -> Section {
    let mut section = Section::new("incidents", "Incidents");
    if story.board.incidents.is_empty() {
        section.text(Cell::muted("None was opened."));
    }
    for incident in &story.board.incidents {
        section.heading(format!("Incident {}: {}", incident.number, incident.title));
        let tone = |name: &str| match (name, incident.stage) {
            ("Stage", Stage::Active) => Tone::Fail,
            ("Stage", Stage::Mitigated) => Tone::Warn,
            ("Stage", Stage::Resolved | Stage::Closed) => Tone::Pass,
            _ => Tone::Plain,
        };
        let told = fields(incident, &story.board).into_iter().map(|(name, value)| {
            let missing = || Cell::toned(Tone::Unknown, "not recorded");
            (name.to_owned(), value.map_or_else(missing, |value| Cell::toned(tone(name), value)))
        });
        section.blocks.push(Block::Facts(told.collect()));
        let mut rung =
            Table::new(format!("Deadlines of incident {}", incident.number), &["deadline", "told", "acknowledged"]);
        for [due, told, by] in deadlines(incident) {
            rung.row([due.into(), told.into(), by.into()]);
        }
        section.table(rung);
        let mut table =
            Table::new(format!("Timeline of incident {}", incident.number), &["when, UTC", "what", "by", "record"]);
        for entry in &incident.timeline {
            table.row([
                say::stamp(entry.occurred_at).into(),
                entry.words.as_str().into(),
                say::name(&story.board.plan, &entry.by).into(),
                entry.seq.to_string().into(),
            ]);
        }
        section.table(table);
    }
    section
}
