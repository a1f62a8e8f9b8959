//! The countdown as it went: what T-0 was published for, each hold with who called it and who let go, recycles and
//! slips, and what became of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::document::{Block, Cell, Section, Table, Tone};
use super::say;
use super::story::Story;
use crate::launch::board::Board;
use crate::launch::countdown::{BUILT_IN, Countdown, Passage, Phase};
use crate::launch::event::{Event, Mode, Recorded};
use crate::launch::time::{Instant, Mark};

/// What the countdown forgets.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// What T-0 was published for, in order, each with who said so and why; the first is the plan's.
    pub published: Vec<Published>,
    pub holds: Vec<Hold>,
    /// When it was scrubbed or cut off.
    pub over: Option<Instant>,
    turns: Vec<Turn>,
}

#[derive(Debug)]
pub(super) struct Published {
    pub at: Instant,
    pub t0: Instant,
    by: String,
    why: String,
}

/// One time that T stood.
#[derive(Debug)]
pub(super) struct Hold {
    pub from: Instant,
    pub until: Option<Instant>,
    pub mark: Mark,
    /// What the plan calls it, and how long it was to last, of a built-in one.
    pub planned: Option<(String, Duration)>,
    /// Everybody who held, with why; what lets go is no longer open.
    latches: Vec<Latch>,
    /// How it ended, in words.
    ended: String,
}

#[derive(Debug)]
struct Latch {
    who: String,
    why: String,
    by: String,
    from: Instant,
    until: Option<Instant>,
}

/// What else happened to T.
#[derive(Debug)]
struct Turn {
    at: Instant,
    what: &'static str,
    by: String,
    why: String,
}

impl Course {
    pub fn take(&mut self, board: &Board, record: &Recorded, before: Option<(Phase, u32, Instant)>) {
        let Some(clock) = &board.clock else { return };
        let by = say::name(&board.plan, &record.actor);
        if before.is_none_or(|(.., published)| published != clock.published) {
            let why = match &record.event {
                Event::Slipped { why, .. } => why.clone(),
                _ => "as planned".to_owned(),
            };
            self.published.push(Published { at: record.at, t0: clock.published, by: by.clone(), why });
        }
        if matches!(clock.phase, Phase::Scrubbed | Phase::Cutoff) {
            self.over.get_or_insert(record.at);
        }
        let held = before.is_some_and(|(phase, ..)| phase == Phase::Holding);
        let recycled = before.is_some_and(|(_, attempt, _)| attempt != clock.attempt);
        let (begins, ends) = match (held, clock.phase == Phase::Holding) {
            (true, true) => (recycled, recycled),
            (held, holds) => (holds && !held, held && !holds),
        };
        if ends && let Some(last) = self.holds.last_mut().filter(|last| last.until.is_none()) {
            last.end(record, &by);
        }
        if begins {
            self.begin(board, record);
        }
        self.latch(board, record, &by);
        self.turn(record, by);
    }

    fn begin(&mut self, board: &Board, record: &Recorded) {
        let mark = board.mark_at(record.at);
        let built_in = board.clock.as_ref().is_some_and(|clock| clock.latches.contains_key(BUILT_IN));
        let planned = board.plan.clock.holds.iter().find(|hold| built_in && hold.at == mark);
        let planned = planned.map(|hold| (hold.title.clone(), hold.length));
        let ended = String::new();
        self.holds.push(Hold { from: record.at, until: None, mark, planned, latches: Vec::new(), ended });
    }

    /// Latches by what the countdown has: whoever set one, its name is there.
    fn latch(&mut self, board: &Board, record: &Recorded, by: &str) {
        let Some(clock) = &board.clock else { return };
        let Some(hold) = self.holds.last_mut().filter(|hold| hold.until.is_none()) else { return };
        for latch in hold.latches.iter_mut().filter(|latch| latch.until.is_none()) {
            if !clock.latches.contains_key(&latch.who) {
                latch.until = Some(record.at);
            }
        }
        for (who, whys) in clock.latches.iter().filter(|(who, _)| *who != BUILT_IN) {
            if !hold.latches.iter().any(|latch| latch.until.is_none() && latch.who == *who) {
                let (who, why, by) = (who.clone(), whys.join("; "), by.to_owned());
                hold.latches.push(Latch { who, why, by, from: record.at, until: None });
            }
        }
    }

    fn turn(&mut self, record: &Recorded, by: String) {
        let (what, why) = match &record.event {
            Event::Passed(Passage::Liftoff) => ("T-0", String::new()),
            Event::Passed(Passage::CutOff) => ("CUT OFF", "held for too long in the terminal count".to_owned()),
            Event::Recycled { mark } => ("recycled", format!("back to {mark}")),
            Event::Scrubbed { why } => ("SCRUBBED", why.clone()),
            Event::CutOff { why } => ("CUT OFF", why.clone()),
            Event::Frozen { why } => ("FROZEN", why.clone()),
            Event::Thawed { why } => ("freeze lifted", why.clone()),
            Event::CaughtUp => ("caught up", String::new()),
            Event::Slept { gap } => ("the machine slept", format!("for {}", say::span(*gap))),
            Event::ConsoleReturned { clean: false, .. } => ("the console came back after a crash", String::new()),
            Event::ConsoleReturned { clean: true, .. } => ("the console came back", String::new()),
            _ => return,
        };
        self.turns.push(Turn { at: record.at, what, by, why });
    }
}

impl Hold {
    fn end(&mut self, record: &Recorded, by: &str) {
        self.until = Some(record.at);
        self.ended = match &record.event {
            Event::Resumed => format!("resumed by {by}"),
            Event::CaughtUp => format!("caught up by {by}"),
            Event::Recycled { mark } => format!("recycled to {mark} by {by}"),
            Event::Scrubbed { .. } => format!("scrubbed by {by}"),
            Event::CutOff { .. } | Event::Passed(Passage::CutOff) => "cut off".to_owned(),
            _ => "the countdown went on".to_owned(),
        };
        for latch in self.latches.iter_mut() {
            latch.until.get_or_insert(record.at);
        }
    }

    pub fn lasted(&self, now: Instant) -> Duration {
        self.until.unwrap_or(now).since(self.from)
    }
}

/// The section.
pub(super) fn section(story: &Story) -> Section {
    let mut section = Section::new("countdown", "Countdown");
    let Some(clock) = story.board.clock_at(story.board.at) else {
        section.text(Cell::muted("This was no launch: there was no countdown."));
        return section;
    };
    section.blocks.push(Block::Facts(facts(story, &clock)));
    let mut slips = Table::new("What T-0 was published for", &["when", "T-0", "moved by", "by", "why"]);
    let mut last: Option<Instant> = None;
    for told in &story.course.published {
        let moved = last.map_or("".to_owned(), |last| say::late(say::between(last, told.t0)));
        last = Some(told.t0);
        let t0 = planned_wall(story, told);
        slips.row([
            story.when(told.at).into(),
            t0.into(),
            moved.into(),
            told.by.as_str().into(),
            told.why.as_str().into(),
        ]);
    }
    section.table(slips);
    section.table(holds(story));
    let mut turns = Table::new("What else happened to T", &["when", "what", "why", "by"]);
    for turn in &story.course.turns {
        let tone = match turn.what {
            "SCRUBBED" | "CUT OFF" | "FROZEN" => Tone::Fail,
            "T-0" => Tone::Pass,
            _ => Tone::Plain,
        };
        turns.row([
            story.when(turn.at).into(),
            Cell::toned(tone, turn.what),
            turn.why.as_str().into(),
            turn.by.as_str().into(),
        ]);
    }
    section.table(turns);
    section
}

fn wall(story: &Story, at: Instant) -> String {
    story.wall(at).map(say::stamp).unwrap_or_default()
}

/// What T-0 was published for, by the wall as it was when that was said; a rehearsal's wall knows nothing of it.
fn planned_wall(story: &Story, told: &Published) -> String {
    if story.board.mode == Mode::Rehearsal {
        return format!("in {}", say::span(told.t0.since(told.at)));
    }
    let Some(wall) = story.wall(told.at) else { return String::new() };
    let ahead = chrono::TimeDelta::try_milliseconds(say::between(told.at, told.t0)).unwrap_or_default();
    wall.checked_add_signed(ahead).map(say::stamp).unwrap_or_default()
}

fn facts(story: &Story, clock: &Countdown) -> Vec<(String, Cell)> {
    let ends = match clock.phase {
        Phase::Counting => Cell::toned(Tone::Warn, format!("counting, at {}", say::t(clock.mark()))),
        Phase::Holding => Cell::toned(Tone::Warn, format!("holding at {}", say::t(clock.mark()))),
        Phase::Liftoff => {
            let at = clock.t0.map(|at| wall(story, at)).unwrap_or_default();
            Cell::toned(Tone::Pass, format!("T-0 was reached, {at} UTC"))
        }
        Phase::Scrubbed => Cell::toned(Tone::Fail, format!("scrubbed at {}", say::t(clock.mark()))),
        Phase::Cutoff => Cell::toned(Tone::Fail, format!("cut off at {}", say::t(clock.mark()))),
    };
    let now = story.board.at;
    let held: Duration = story.course.holds.iter().map(|hold| hold.lasted(now)).sum();
    let planned: Duration =
        story.course.holds.iter().filter_map(|hold| hold.planned.as_ref()).map(|(_, length)| *length).sum();
    let holds = say::count(story.course.holds.len(), "hold", "holds");
    let first = story.course.published.first().map(|first| first.t0);
    let moved = first.map_or(0, |first| say::between(first, clock.published));
    let mut facts = vec![
        ("Came to".to_owned(), ends),
        ("Slip".to_owned(), format!("{} against what was last published", say::late(clock.slip())).into()),
    ];
    if moved != 0 {
        facts.push(("Published T-0".to_owned(), format!("moved by {} in all", say::late(moved)).into()));
    }
    facts.push((
        "Held".to_owned(),
        format!("{holds}, {} in all, of which the plan has {}", say::span(held), say::span(planned)).into(),
    ));
    facts.push(("Attempts".to_owned(), clock.attempt.to_string().into()));
    facts
}

fn holds(story: &Story) -> Table {
    let mut table = Table::new("Every hold", &["from", "until", "lasted", "planned", "who and why", "ended"]);
    for hold in &story.course.holds {
        let (lasted, planned) = (hold.lasted(story.board.at), hold.planned.as_ref());
        let over = planned.is_some_and(|(_, length)| lasted > *length + Duration::from_secs(1));
        let tone = if planned.is_none() || over { Tone::Warn } else { Tone::Plain };
        let mut whys: Vec<String> = planned.map(|(title, _)| format!("built in: {title}")).into_iter().collect();
        // One that comes and goes is told once, with how often.
        let mut told: BTreeMap<(&str, &str, &str), (usize, Duration)> = BTreeMap::new();
        for latch in &hold.latches {
            let span = latch.until.unwrap_or(story.board.at).since(latch.from);
            let known = told.entry((&latch.who, &latch.why, &latch.by)).or_default();
            *known = (known.0 + 1, known.1 + span);
        }
        for ((who, why, by), (times, open)) in told {
            let times = if times > 1 { format!(", {times} times") } else { String::new() };
            whys.push(format!("{who}: {why} (called by {by}, open for {}{times})", say::span(open)));
        }
        table.row([
            story.when(hold.from).into(),
            hold.until.map_or_else(|| Cell::toned(Tone::Warn, "holds still"), |until| story.when(until).into()),
            Cell::toned(tone, say::span(lasted)),
            planned.map_or_else(|| Cell::muted("not planned"), |(_, length)| say::span(*length).into()),
            whys.join("; ").into(),
            hold.ended.as_str().into(),
        ]);
    }
    table
}
