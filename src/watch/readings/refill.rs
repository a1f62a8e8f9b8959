//! What objectives would have counted in a time that nobody watched, from what their sources told of it afterwards. It
//! is counted apart: nothing of it gets into the windows of what is watched.

use super::state::State;
use crate::launch::id::{ObjectiveId, SignalId};
use crate::launch::objective::Round;
use crate::launch::plan::{Objective, Plan};
use crate::launch::time::Instant;
use crate::launch::watching::next_evaluation;
use crate::watch::point::Point;

/// What a signal's source told afterwards.
#[derive(Debug, Default)]
pub(in crate::watch) struct Said {
    /// In the order they would have come, each with when that would have been.
    pub points: Vec<(Instant, Point)>,
    /// When it could not tell.
    pub holes: Vec<(Instant, Instant)>,
}

/// The rounds after `hole.0` and up to `hole.1` of `objectives`, from what was said since `from`; of those whose whole
/// window is known.
pub(in crate::watch) fn refilled(
    plan: &Plan,
    objectives: &[ObjectiveId],
    from: Instant,
    hole: (Instant, Instant),
    said: Vec<(SignalId, Said)>,
) -> Vec<Round> {
    let wanted = |objective: &&Objective| objectives.contains(&objective.id);
    let plan = Plan { objectives: plan.objectives.iter().filter(wanted).cloned().collect(), ..plan.clone() };
    let mut state = State::default();
    state.under(&plan, &[], from);
    state.told_afterwards(from, hole.1);
    let mut points = Vec::new();
    for (signal, said) in said {
        said.holes.into_iter().for_each(|(from, until)| state.lost(&signal, from, until));
        points.extend(said.points.into_iter().map(|(came, point)| (came, signal.clone(), point)));
    }
    points.sort_by_key(|(came, ..)| *came);
    let mut points = points.into_iter().peekable();
    let (mut rounds, mut at) = (Vec::new(), hole.0);
    while let Some(due) = next_evaluation(&plan, at).filter(|due| *due <= hole.1) {
        while let Some((came, signal, point)) = points.next_if(|(came, ..)| *came <= due) {
            state.take(&signal, &point, came);
        }
        let mut counts = state.evaluate(due);
        counts.retain(|id, counts| {
            let objective = plan.objectives.iter().find(|objective| objective.id == *id);
            objective.is_some_and(|objective| std::time::Duration::from(counts.known) >= objective.window)
        });
        if !counts.is_empty() {
            rounds.push(Round { at: due, counts });
        }
        at = due;
    }
    rounds
}
