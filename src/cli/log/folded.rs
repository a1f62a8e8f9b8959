//! What was only counted, folded into a line: two days of evaluations are seventeen thousand records, and those at
//! which nothing turned tell a reader nothing. Where the launch's plan loads, what turned is told. Part of [`super`].

use std::io::Write;
use std::sync::Arc;

use super::stamp;
use crate::base::text::printable;
use crate::launch::board::Board;
use crate::launch::event::{Event, Recorded};
use crate::launch::plan::Plan;
use crate::launch::time::Wall;
use crate::launch::turned::is_routine;

/// Folds what was only counted out of a log.
pub(super) struct Folded {
    /// The launch as far as it was read; none where nothing is folded, or its plan does not load.
    board: Option<Board>,
    all: bool,
    run: Option<Run>,
}

/// Records one after another that only counted.
struct Run {
    first: Wall,
    last: Wall,
    evaluations: u64,
    minutes: u64,
}

impl Folded {
    /// With `all` nothing is folded. `plans` are the first and the newest that the launch goes by.
    pub(super) fn new(plans: Option<[Arc<Plan>; 2]>, all: bool) -> Self {
        let board = plans.map(|[first, newest]| {
            let mut board = Board::new(first);
            board.revisions.learn(&newest);
            board
        });
        Self { board, all, run: None }
    }

    /// Takes a record in; true where it is a line of its own.
    ///
    /// # Errors
    /// The output's own.
    pub(super) fn take(&mut self, out: &mut impl Write, record: &Recorded) -> std::io::Result<bool> {
        if let Some(board) = &mut self.board {
            board.apply(record);
            // Amended to a plan that is not at hand: nobody judges by another one.
            if board.revisions.missing.is_some() {
                self.board = None;
                return self.counted(out, record);
            }
            let turns: Vec<String> = board.turned.with(record.seq).map(|turn| printable(&turn.tell())).collect();
            if !turns.is_empty() && !self.all {
                self.end(out)?;
                for turn in turns {
                    writeln!(out, "{:>6}  {}  {}: {turn}", record.seq, stamp(record.occurred_at), record.actor.name)?;
                }
                return Ok(false);
            }
        }
        self.counted(out, record)
    }

    fn counted(&mut self, out: &mut impl Write, record: &Recorded) -> std::io::Result<bool> {
        if self.all || !is_routine(&record.event) {
            self.end(out)?;
            return Ok(true);
        }
        let at = record.occurred_at;
        let run = self.run.get_or_insert(Run { first: at, last: at, evaluations: 0, minutes: 0 });
        run.last = at;
        match &record.event {
            Event::Evaluated { rounds } => run.evaluations += u64::try_from(rounds.len()).unwrap_or(0),
            _ => run.minutes += 1,
        }
        Ok(false)
    }

    /// Writes what was folded last.
    ///
    /// # Errors
    /// The output's own.
    pub(super) fn end(&mut self, out: &mut impl Write) -> std::io::Result<()> {
        let Some(Run { first, last, evaluations, minutes }) = self.run.take() else { return Ok(()) };
        let counted = |n: u64, one: &str, many: &str| match n {
            0 => None,
            1 => Some(one.to_owned()),
            n => Some(format!("{n} {many}")),
        };
        let words = [
            counted(evaluations, "1 evaluation of objectives", "evaluations of objectives"),
            counted(minutes, "samples of 1 minute kept", "times samples kept"),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        let until = if first == last { String::new() } else { format!(" until {}", last.format("%H:%M:%S")) };
        writeln!(out, "     …  {}{until}  engine: {} (--all shows each)", stamp(first), words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::launch::event::Actor;
    use crate::launch::objective::Round;
    use crate::launch::time::Instant;

    fn told(all: bool) -> Vec<String> {
        let evaluated = |at| Event::Evaluated { rounds: vec![Round { at: Instant(at), counts: BTreeMap::new() }] };
        let mut events = vec![Event::noted("before")];
        events.extend((0..360).map(|n| evaluated(n * 10_000)));
        events.push(Event::SamplesKept { minute: Instant(0), blocks: Vec::new() });
        events.extend([Event::noted("between"), evaluated(3_600_000)]);
        let (mut out, mut folded) = (Vec::new(), Folded::new(None, all));
        for (seq, event) in (1..).zip(events) {
            let wall = Wall::UNIX_EPOCH + chrono::TimeDelta::seconds(i64::try_from(seq).expect("few") * 10);
            let record =
                Recorded { seq, at: Instant(0), occurred_at: wall, recorded_at: wall, actor: Actor::engine(), event };
            if folded.take(&mut out, &record).expect("memory") {
                super::super::line(&mut out, &record).expect("memory");
            }
        }
        folded.end(&mut out).expect("memory");
        String::from_utf8(out).expect("text").lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_was_only_counted_is_one_line_between_what_happened() {
        let told = told(false);
        assert_eq!(told.len(), 4, "{told:#?}");
        assert!(told[1].contains("360 evaluations of objectives, samples of 1 minute kept"), "{told:#?}");
        assert!(told[1].contains("until 01:00:20"), "{told:#?}");
        assert!(told[2].contains("between") && told[3].contains("1 evaluation of objectives"), "{told:#?}");
    }

    #[test]
    fn asked_for_each_is_told() {
        assert_eq!(told(true).len(), 364);
    }
}
