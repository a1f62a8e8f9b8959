//! Pages of a bundle that are made from the journal alone: the matrix of gates, the polls, the decisions, the
//! incidents, the logs by origin. Made again from the same records they are the same.

use std::fmt::Write as _;

use super::Page;
use super::logs::{Logs, key};
use crate::base::secret::Redactor;
use crate::evidence::markdown::{plain, row};
use crate::evidence::{decision, incident};
use crate::journal::chain::Head;
use crate::launch::ballot;
use crate::launch::board::{Board, Progress};
use crate::launch::closing::{Archived, archived};
use crate::launch::event::{Event, Mode, Recorded};
use crate::launch::gate::{self, Clear};
use crate::launch::id::ItemId;
use crate::launch::plan::Phase;

/// What is made while a journal is read.
pub struct Pages {
    board: Board,
    decisions: Vec<Page>,
    logs: Logs,
    redactor: Redactor,
}

impl Pages {
    /// `board` is empty, and knows every plan of the launch.
    #[must_use]
    pub fn new(board: Board, redactor: Redactor) -> Self {
        Self { board, decisions: Vec::new(), logs: Logs::default(), redactor }
    }

    /// The next record, at `head` in its chain.
    pub fn take(&mut self, record: &Recorded, head: Head) {
        self.board.apply(record);
        self.logs.take(record);
        if matches!(record.event, Event::PollDecided { .. })
            && let Some(page) = decision::render(&self.board, record, head)
        {
            self.decisions.push((format!("decisions/go-no-go-{}.md", record.seq), page.into_bytes()));
        }
    }

    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Every page, without secrets.
    #[must_use]
    pub fn end(self) -> Vec<Page> {
        let Self { board, decisions, logs, redactor } = self;
        let incidents = board.incidents.iter().map(|known| {
            (format!("incidents/incident-{}.md", known.number), incident::markdown(known, &board).into_bytes())
        });
        let made = [
            ("gates.md".to_owned(), gates(&board).into_bytes()),
            ("poll.md".to_owned(), polls(&board).into_bytes()),
            ("evidence.md".to_owned(), wanted(&board).into_bytes()),
        ];
        let all = made.into_iter().chain(incidents).chain(decisions).chain(logs.pages());
        all.map(|(name, bytes)| (name, redactor.bytes(&bytes))).collect()
    }
}

fn title(board: &Board, what: &str) -> String {
    let rehearsal = if board.mode == Mode::Rehearsal { "REHEARSAL: " } else { "" };
    format!("# {rehearsal}{what}: {}\n", plain(&board.plan.title))
}

/// Each phase as a table: an item a row, what it is repeated for a column.
fn gates(board: &Board) -> String {
    let mut out = title(board, "Gates");
    for phase in &board.plan.phases {
        let standing = gate::standing(board, phase, board.at);
        let word = match (phase.gate, standing.is_clear()) {
            (true, true) => "gate passed",
            (true, false) => "gate not passed",
            (false, _) => "no gate",
        };
        let taken = standing.taken_on_words(", ");
        let counted = format!("{} of {} clear, {} waived{taken}", standing.clear, standing.total, standing.waivers);
        let _ = writeln!(out, "\n## {}\n\n{word}: {counted}\n", plain(&phase.title));
        matrix(&mut out, board, phase);
    }
    out
}

fn matrix(out: &mut String, board: &Board, phase: &Phase) {
    let mut columns: Vec<Option<&str>> = Vec::new();
    let mut rows: Vec<&str> = Vec::new();
    for id in &phase.items {
        if !columns.contains(&key(id)) {
            columns.push(key(id));
        }
        if !rows.contains(&id.slug()) {
            rows.push(id.slug());
        }
    }
    columns.sort_by_key(Option::is_some);
    let heads = columns.iter().map(|column| column.unwrap_or("verdict"));
    out.push_str(&row(std::iter::once("item").chain(heads)));
    let _ = writeln!(out, "|{}", "---|".repeat(columns.len() + 1));
    for slug in rows {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| {
                let id = phase.items.iter().find(|id| id.slug() == slug && key(id) == *column);
                id.map_or_else(String::new, |id| cell(board, id))
            })
            .collect();
        out.push_str(&row(std::iter::once(slug).chain(cells.iter().map(String::as_str))));
    }
}

fn cell(board: &Board, id: &ItemId) -> String {
    let (Some(item), Some(state)) = (board.plan.item(id), board.item(id)) else { return String::new() };
    let word = match state.verdict(item.valid_for, board.at) {
        Some(verdict) => verdict.word(),
        None => match state.progress {
            Progress::Waiting => "not run",
            Progress::Blocked { .. } => "blocked",
            _ => "running",
        },
    };
    let mut cell = word.to_owned();
    if let Some(waiver) = state.waiver.as_ref().filter(|_| gate::clear(board, item, board.at) == Clear::ByWaiver) {
        let _ = write!(cell, ", waived by {}: {}", waiver.by.name, waiver.reason);
    }
    if state.marked.is_some() {
        cell.push_str(", by a person's word");
    }
    if state.history.len() > 1 {
        let _ = write!(cell, " ({} attempts)", state.history.len());
    }
    cell
}

/// Every poll with its votes as they stand.
fn polls(board: &Board) -> String {
    let mut out = title(board, "Polls");
    let items = board.plan.phases.iter().flat_map(|phase| &phase.items);
    let polls = items.filter(|id| ballot::roles(&board.plan, Some(id)).is_some()).map(Some);
    let own = (!board.plan.poll.is_empty()).then_some(None);
    for poll in own.into_iter().chain(polls) {
        let name = poll.and_then(|id| board.plan.item(id)).map_or("Before T-0", |item| item.title.as_str());
        let _ = writeln!(out, "\n## {}\n\n| role | name | vote | reason | time |\n|---|---|---|---|---|", plain(name));
        let votes = ballot::votes(board, poll);
        for role in ballot::roles(&board.plan, poll).unwrap_or_default() {
            let title = board.plan.role(role).map_or(role.as_str(), |role| role.title.as_str());
            let cells = match votes.get(role) {
                Some(ballot) => {
                    let (word, reason) = decision::words(&ballot.vote);
                    [decision::named(&ballot.by), word.to_owned(), reason.to_owned(), decision::stamp(ballot.at)]
                }
                None => ["", "no vote that counts", "", ""].map(str::to_owned),
            };
            out.push_str(&row(std::iter::once(title).chain(cells.iter().map(String::as_str))));
        }
    }
    out
}

/// What the plan wants archived, and where that stands.
fn wanted(board: &Board) -> String {
    let mut out = title(board, "Evidence");
    if board.plan.evidence.is_empty() {
        out.push_str("\nThe plan asks for none.\n");
        return out;
    }
    out.push_str("\n| evidence | stands | given |\n|---|---|---|\n");
    for known in &board.plan.evidence {
        let given = board.evidence.get(&known.id);
        let stands = match archived(board, known) {
            Archived::Yes if given.is_some() => "given".to_owned(),
            Archived::Yes => "by its items".to_owned(),
            Archived::Waits(items) => format!("MISSING: waits for {}", items.join(", ")),
            Archived::No => "MISSING".to_owned(),
        };
        let given = given
            .map(|given| format!("{} ({}, {})", given.what, decision::named(&given.by), decision::stamp(given.at)));
        out.push_str(&row([known.title.as_str(), &stands, given.as_deref().unwrap_or_default()]));
    }
    out
}
