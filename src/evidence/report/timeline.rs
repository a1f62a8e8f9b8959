//! The timeline: the launch as lanes of time, and what happened, a line each. What was only counted or went as it
//! should is in the journal; here stands what a reader of a post-mortem asks for.

use super::document::{Block, Cell, Section, Table, Tone};
use super::picture::{Lane, Picture, Piece, Point};
use super::revised::Known;
use super::say;
use super::story::Story;
use super::watched::runs;
use crate::launch::away::Stretch;
use crate::launch::board::Board;
use crate::launch::countdown::Passage;
use crate::launch::event::{Event, Recorded, RollbackFact};
use crate::launch::incident::Stage;
use crate::launch::note;
use crate::launch::plan::Monitor;
use crate::launch::telling::{tell, written_later};
use crate::launch::time::{Instant, Mark, Wall};
use crate::launch::verdict::Verdict;

/// Lines of the log at each of its ends; what lies between is counted.
const MOST: usize = 1_000;
/// Lanes of objectives and of monitors.
const LANES: usize = 12;

/// One line of it.
#[derive(Debug)]
pub(super) struct Moment {
    seq: u64,
    at: Instant,
    occurred_at: Wall,
    /// Written down noticeably later.
    written: Option<Wall>,
    mark: Mark,
    by: String,
    what: Cell,
}

pub(super) fn take(moments: &mut Vec<Moment>, board: &Board, record: &Recorded) {
    let by = say::name(&board.plan, &record.actor);
    let mark = board.mark_at(record.at);
    for turn in board.turned.with(record.seq) {
        let tone =
            if turn.before.is_none() && turn.verdict == Verdict::Pass { Tone::Plain } else { turn.verdict.into() };
        moments.push(Moment {
            seq: record.seq,
            at: turn.at,
            occurred_at: turn.wall,
            written: None,
            mark: board.mark_at(record.at),
            by: by.clone(),
            what: Cell::toned(tone, turn.tell()),
        });
    }
    let Some(tone) = tone(record) else { return };
    let words = tell(record);
    let words = note::mark(board, record.seq).map_or(words.clone(), |mark| format!("{words} ({mark})"));
    moments.push(Moment {
        seq: record.seq,
        at: record.at,
        occurred_at: record.occurred_at,
        written: written_later(record).then_some(record.recorded_at),
        mark,
        by,
        what: Cell::toned(tone, words),
    });
}

/// How a record is told; none where it is no line of its own.
fn tone(record: &Recorded) -> Option<Tone> {
    let ill = |verdict: Verdict| (verdict != Verdict::Pass).then(|| verdict.into());
    Some(match &record.event {
        Event::Evaluated { .. }
        | Event::SamplesKept { .. }
        | Event::ItemStarted { .. }
        | Event::StepStarted { .. }
        | Event::ConsoleLeft
        | Event::FieldFilled { .. }
        | Event::PlaybookStepEnded { .. }
        | Event::TimeJumped { .. }
        | Event::CriterionChanged { verdict: None | Some(Verdict::Pass), .. }
        | Event::RequestDecided { refused: None, .. } => return None,
        Event::RollbackTold { fact, .. } => match fact {
            RollbackFact::Started { .. } | RollbackFact::StepStarted { .. } => return None,
            RollbackFact::StepEnded { verdict, .. } | RollbackFact::FallbackEnded { verdict, .. } => (*verdict).into(),
            RollbackFact::Verified { report, .. } => report.verdict.into(),
            RollbackFact::Ended { end, .. } => match end {
                crate::launch::event::RollbackEnd::Verified => Tone::Pass,
                _ => Tone::Fail,
            },
            _ => Tone::Warn,
        },
        // A check that passed is in the matrix; one that did not is news.
        Event::ItemEnded { report, .. } => return ill(report.verdict),
        Event::StepEnded { verdict, .. } => (*verdict).into(),
        Event::MonitorChanged { verdict, .. } => (*verdict).into(),
        Event::CriterionChanged { verdict: Some(verdict), .. } => (*verdict).into(),
        Event::ItemBlocked { .. } => Tone::Unknown,
        Event::GatePassed { waivers: 0, marked: 0, .. } | Event::Passed(Passage::Liftoff) => Tone::Pass,
        Event::PollDecided { go, .. } => {
            if *go {
                Tone::Pass
            } else {
                Tone::Fail
            }
        }
        Event::Scrubbed { .. }
        | Event::CutOff { .. }
        | Event::Passed(Passage::CutOff)
        | Event::Frozen { .. }
        | Event::TriggerFired { .. }
        | Event::RollbackRequested { .. }
        | Event::IncidentOpened { .. }
        | Event::ConsoleReturned { clean: false, .. } => Tone::Fail,
        Event::GatePassed { .. }
        | Event::HoldCalled { .. }
        | Event::Recycled { .. }
        | Event::Slipped { .. }
        | Event::Slept { .. }
        | Event::Waived { .. }
        | Event::WaiverExpired { .. }
        | Event::CriterionWaived { .. }
        | Event::SoakHoleWaived { .. }
        | Event::StepMarked { .. }
        | Event::StepUndone { .. }
        | Event::RepeatOrdered { .. }
        | Event::TookOver { .. }
        | Event::VotesVoided { .. }
        | Event::VoteVoided { .. }
        | Event::PlanAmended { .. }
        | Event::IncidentRang { .. }
        | Event::FaultSwitched { .. }
        | Event::TriggerVetoed { .. }
        | Event::HoleFilled { .. }
        | Event::RequestDecided { .. }
        | Event::ProcessEnded { asked: false, .. } => Tone::Warn,
        _ => Tone::Plain,
    })
}

/// The launch as a picture.
pub(super) fn section(story: &Story) -> Section {
    let mut section = Section::new("timeline", "Timeline");
    let lanes = lanes(story);
    let told = format!("{} of the launch, a lane for each of: {}", say::span(story.lasted()), names(&lanes));
    let (opened, ended) = (story.opened(), story.board.at);
    let whole = Picture::lanes(story, "The whole launch", told, (opened, ended), lanes.clone());
    section.blocks.push(Block::Picture(whole));
    let more = [
        (monitors(story).count().saturating_sub(LANES), "monitor", "monitors"),
        (story.objectives().count().saturating_sub(LANES), "objective", "objectives"),
    ];
    for (more, one, many) in more.into_iter().filter(|(more, ..)| *more > 0) {
        let words =
            format!("{} more without a lane of its own: below stands what it came to.", say::count(more, one, many));
        section.text(Cell::toned(Tone::Warn, words));
    }
    if let Some((from, until)) = story.close() {
        let within = |piece: &Piece| piece.until >= from && piece.from <= until;
        let close = lanes.into_iter().map(|lane| Lane {
            pieces: lane.pieces.into_iter().filter(within).collect(),
            points: lane.points.into_iter().filter(|point| (from..=until).contains(&point.at)).collect(),
            ..lane
        });
        let told = "The same lanes, an hour before T-0 and an hour after it";
        section.blocks.push(Block::Picture(Picture::lanes(story, "Around T-0", told, (from, until), close.collect())));
    }
    section
}

fn names(lanes: &[Lane]) -> String {
    lanes.iter().map(|lane| lane.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn lanes(story: &Story) -> Vec<Lane> {
    let (board, now) = (&story.board, story.board.at);
    let piece = |from, until, tone, label: String| Piece { from, until, tone, label };
    let mut lanes = vec![Lane { name: "countdown".into(), pieces: countdown(story), points: Vec::new() }];
    let phases = board.plan.phases.iter().filter_map(|phase| {
        let at = board.phases.get(&phase.id)?.opened?;
        let (cell, _) = super::gates::came_to(story, phase);
        Some(Point { at, tone: cell.tone, label: format!("phase {} opened; it came to: {}", phase.title, cell.text) })
    });
    lanes.push(Lane { name: "phases".into(), pieces: Vec::new(), points: phases.collect() });
    let mut add = |name: String, pieces: Vec<Piece>| {
        if !pieces.is_empty() {
            lanes.push(Lane { name, pieces, points: Vec::new() });
        }
    };
    let frozen = story
        .frozen
        .iter()
        .map(|told| piece(told.from, told.until.unwrap_or(now), Tone::Fail, format!("frozen: {}", told.why)));
    add("frozen".into(), frozen.collect());
    add("unwatched".into(), unwatched(story, story.opened(), story.away.until()).collect());
    for known in monitors(story).take(LANES) {
        add(format!("{}", known.what.id), looked(story, &known));
    }
    for objective in story.objectives().map(|known| known.what).take(LANES) {
        let all = story.rounds.get(&objective.id).map(Vec::as_slice).unwrap_or_default();
        let pieces = runs(all, objective);
        let pieces = pieces.iter().map(|run| {
            piece(
                run.from,
                run.until,
                run.verdict.into(),
                format!("objective {} {}: {}", objective.id, run.verdict, run.why),
            )
        });
        add(format!("{}", objective.id), pieces.collect());
    }
    let rollbacks = board.rollbacks.iter().map(|run| {
        let cell = super::rollbacks::ending(run);
        let until = run.requested.plus(run.elapsed(now));
        piece(run.requested, until, cell.tone, format!("rollback {} #{}: {}", run.id, run.run, cell.text))
    });
    add("rollbacks".into(), rollbacks.collect());
    let incidents = board.incidents.iter().map(|incident| {
        let over = incident.resolved.or(incident.closed).map(|moment| moment.at);
        let tone = if incident.stage >= Stage::Resolved { Tone::Warn } else { Tone::Fail };
        let label = format!("incident {}: {}", incident.number, incident.title);
        piece(incident.opened.at, over.unwrap_or(now), tone, label)
    });
    add("incidents".into(), incidents.collect());
    lanes
}

/// Those of its own, not those that look whether a rollback is ready.
fn monitors(story: &Story) -> impl Iterator<Item = Known<'_, Monitor>> {
    story.monitors().filter(|known| known.what.ready_for.is_none())
}

/// What a monitor said, as far as somebody watched, and where nobody did.
fn looked(story: &Story, known: &Known<'_, Monitor>) -> Vec<Piece> {
    let (monitor, end) = (known.what, known.until(story.away.until()));
    let changes = story.monitors.get(&monitor.id).map(Vec::as_slice).unwrap_or_default();
    let Some((first, ..)) = changes.first() else { return Vec::new() };
    let ends = changes.iter().skip(1).map(|(at, ..)| *at).chain([end]);
    let pieces = changes.iter().zip(ends).flat_map(|((from, verdict, why), until)| {
        let label = format!("monitor {} {verdict}: {why}", monitor.id);
        let watched = story.away.watched(*from, until).into_iter();
        watched.map(move |(from, until)| Piece { from, until, tone: (*verdict).into(), label: label.clone() })
    });
    pieces.chain(unwatched(story, *first, end)).collect()
}

fn unwatched(story: &Story, from: Instant, until: Instant) -> impl Iterator<Item = Piece> {
    let piece = |told: Stretch| {
        let Stretch { from, until, why } = told;
        Piece { from, until, tone: Tone::Unknown, label: format!("nobody watched: {why}") }
    };
    story.away.within(from, until).into_iter().map(piece)
}

fn countdown(story: &Story) -> Vec<Piece> {
    let (opened, now) = (story.opened(), story.board.at);
    let Some(clock) = &story.board.clock else { return Vec::new() };
    // Scrubbed or cut off, it counts no more.
    let over = story.t0().or(story.course.over).unwrap_or(now);
    let mut pieces = vec![Piece { from: opened, until: over, tone: Tone::Plain, label: "counting".to_owned() }];
    pieces.extend(story.course.holds.iter().map(|hold| {
        let (from, until) = (hold.from, hold.until.unwrap_or(over));
        let what = hold.planned.as_ref().map_or("a hold that was not planned", |(title, _)| title.as_str());
        let label = format!("holding at {} for {}: {what}", say::t(hold.mark), say::span(until.since(from)));
        Piece { from, until, tone: Tone::Warn, label }
    }));
    if let Some(t0) = clock.t0 {
        pieces.push(Piece { from: t0, until: now, tone: Tone::Pass, label: "after T-0".to_owned() });
    }
    pieces
}

/// What happened, a line each.
pub(super) fn log(story: &Story) -> Section {
    let mut section = Section::new("log", "What happened");
    let mut order: Vec<&Moment> = story.moments.iter().collect();
    // A note tells of when it was, not of when it was written down.
    order.sort_by_key(|moment| (moment.occurred_at, moment.seq));
    let left_out = order.len().saturating_sub(2 * MOST);
    let mut table = Table::new("What happened, in its order", &["when, UTC", "T", "what", "by", "record"]);
    let (first, rest) = order.split_at(order.len().min(MOST));
    let last = rest.get(left_out.min(rest.len())..).unwrap_or_default();
    for (n, moment) in first.iter().chain(last).enumerate() {
        if n == MOST && left_out > 0 {
            let words = Cell::toned(Tone::Warn, format!("{left_out} lines are left out here: `tminus log` has them"));
            table.row([Cell::default(), Cell::default(), words, Cell::default(), Cell::default()]);
        }
        let written = moment.written.map(|at| format!(" (written {})", at.format("%H:%M:%S"))).unwrap_or_default();
        let mark = if moment.at == story.board.at { moment.mark } else { story.mark(moment.at) };
        table.row([
            format!("{}{written}", say::stamp(moment.occurred_at)).into(),
            if moment.written.is_some() { String::new() } else { say::t(mark) }.into(),
            moment.what.clone(),
            moment.by.as_str().into(),
            moment.seq.to_string().into(),
        ]);
    }
    section.text(Cell::muted(
        "Checks that passed and evaluations at which nothing turned are counted above and not told here.",
    ));
    section.table(table);
    section
}
