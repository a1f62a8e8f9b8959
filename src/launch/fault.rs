//! The faults of a rehearsal as a console lists and switches them: what the plan's simulated target can have, what was
//! switched besides, since when and by whom. It knows no fault by name; what one does is `rehearsal`'s.

use super::board::Board;
use super::command::Refusal;
use super::drilled::Drilled;
use super::event::{Event, Mode};
use super::id::ItemId;

/// A fault that the simulated target of a plan can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// As it is switched: `errors=20%`.
    pub fault: String,
    /// In one sentence, without a full stop.
    pub does: &'static str,
    /// The one item that it is of, where it is of one alone: offered beside that item only.
    pub of: Option<ItemId>,
}

/// One of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    pub fault: &'a str,
    /// Empty where nobody told.
    pub does: &'a str,
    /// Since it is on.
    pub on: Option<&'a Drilled>,
    /// The last time it was on, where it was and is no more.
    pub before: Option<&'a Drilled>,
}

/// What is on offer, of one item alone where that is the one `beside` it, and after each what else of it was switched:
/// another size, or for one alone.
#[must_use]
pub fn lines<'a>(offered: &'a [Offered], beside: Option<&ItemId>, board: &'a Board) -> Vec<Line<'a>> {
    let here = |known: &&Offered| known.of.is_none() || known.of.as_ref() == beside;
    let name = |known: &'a Offered| (known.fault.as_str(), known.does);
    let mut names: Vec<(&str, &str)> = offered.iter().filter(here).map(name).collect();
    for fault in board.drilled.iter().map(|known| known.fault.as_str()).chain(board.faults.iter().map(String::as_str)) {
        if names.iter().any(|(known, _)| *known == fault) {
            continue;
        }
        let same = |(known, _): &(&str, &str)| called(known).0 == called(fault).0;
        let known = offered.iter().map(name).find(same);
        let does = known.map_or("", |(_, does)| does);
        let place = names.iter().rposition(same).map_or(names.len(), |at| at + 1);
        names.insert(place, (fault, does));
    }
    let line = |(fault, does): (&'a str, &'a str)| {
        let last = board.drilled.iter().rfind(|known| known.fault == fault);
        let is_on = board.faults.iter().any(|known| known == fault);
        Line { fault, does, on: last.filter(|_| is_on), before: last.filter(|_| !is_on) }
    };
    names.into_iter().map(line).collect()
}

/// What becomes of switching `fault`.
///
/// # Errors
/// The launch is no rehearsal.
pub(super) fn switch(board: &Board, fault: &str, on: bool) -> Result<Vec<Event>, Refusal> {
    if board.mode != Mode::Rehearsal {
        return Err(Refusal("faults are for rehearsals".into()));
    }
    let event = |fault: &str, on| Event::FaultSwitched { fault: fault.to_owned(), on };
    // The target has one size of a fault at a time: what it has no more is not told as on.
    let ends = |known: &&String| on && known.as_str() != fault && called(known) == called(fault);
    let ended = board.faults.iter().filter(ends).map(|known| event(known, false));
    Ok(ended.chain([event(fault, on)]).collect())
}

/// `errors=20%:api` is `errors`, for `api` alone.
fn called(fault: &str) -> (&str, Option<&str>) {
    let (what, only) = fault.split_once(':').map_or((fault, None), |(what, only)| (what, Some(only)));
    (what.split('=').next().unwrap_or(what), only)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::event::{Actor, Recorded};
    use crate::launch::time::{Instant, Wall};

    fn offered() -> Vec<Offered> {
        [("down", "nobody answers"), ("errors=20%", "some fail"), ("latency=2s", "all are late")]
            .map(|(fault, does)| Offered { fault: fault.to_owned(), does, of: None })
            .into()
    }

    fn rehearsal() -> Board {
        let mut board = Board::new(std::sync::Arc::default());
        board.mode = Mode::Rehearsal;
        board
    }

    /// Switches, and records it at that second.
    fn at(board: &mut Board, second: i64, fault: &str, on: bool) {
        for event in switch(board, fault, on).expect("a rehearsal") {
            let seq = u64::try_from(second).expect("after the start");
            let (at, wall, actor) = (Instant(second * 1_000), Wall::UNIX_EPOCH, Actor::person("ann", None));
            board.apply(&Recorded { seq, at, occurred_at: wall, recorded_at: wall, actor, event });
        }
    }

    #[test]
    fn a_launch_has_no_faults_to_switch() {
        let mut board = rehearsal();
        board.mode = Mode::Launch;
        assert_eq!(switch(&board, "down", true), Err(Refusal("faults are for rehearsals".into())));
    }

    #[test]
    fn the_list_tells_what_is_on_since_when_and_by_whom() {
        let (mut board, offered) = (rehearsal(), offered());
        at(&mut board, 5, "down", true);
        at(&mut board, 9, "errors=60%:api", true);
        at(&mut board, 12, "down", false);
        let told = lines(&offered, None, &board);
        let names: Vec<&str> = told.iter().map(|line| line.fault).collect();
        assert_eq!(names, ["down", "errors=20%", "errors=60%:api", "latency=2s"]);
        assert_eq!((told[0].on, told[0].before.map(|known| known.over)), (None, Some(Some(Instant(12_000)))));
        let on = told[2].on.expect("on");
        assert_eq!((on.began, on.by.name.as_str(), told[2].does), (Instant(9_000), "ann", "some fail"));
        assert_eq!((told[3].on, told[3].before), (None, None));
    }

    #[test]
    fn what_is_of_one_item_is_offered_beside_it_and_stays_once_it_is_on() {
        let (mut board, mut offered) = (rehearsal(), offered());
        for id in ["lint", "build"] {
            offered.push(Offered { fault: format!("fail:{id}"), does: "it fails", of: Some(id.into()) });
        }
        let names = |board: &Board, beside: Option<&ItemId>| -> String {
            lines(&offered, beside, board).iter().map(|line| format!("{} ", line.fault)).collect()
        };
        assert_eq!(names(&board, None), "down errors=20% latency=2s ");
        assert_eq!(names(&board, Some(&"lint".into())), "down errors=20% latency=2s fail:lint ");
        at(&mut board, 5, "fail:build", true);
        assert_eq!(names(&board, Some(&"lint".into())), "down errors=20% latency=2s fail:lint fail:build ");
        let told = lines(&offered, None, &board);
        assert_eq!(told.last().map(|line| (line.fault, line.does)), Some(("fail:build", "it fails")));
    }

    /// As the target has it: else the screen would tell of a fault that it has no more.
    #[test]
    fn another_size_of_a_fault_ends_the_one_before_it() {
        let mut board = rehearsal();
        at(&mut board, 1, "errors=60%", true);
        at(&mut board, 2, "errors=5%:api", true);
        at(&mut board, 3, "errors=20%", true);
        assert_eq!(board.faults, ["errors=5%:api", "errors=20%"]);
        assert_eq!(board.drilled[0].over, Some(Instant(3_000)));
        at(&mut board, 4, "errors=20%", true);
        assert_eq!(board.faults, ["errors=5%:api", "errors=20%"]);
    }
}
