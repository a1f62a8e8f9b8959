//! Which of what is watched is for now: what an armed trigger or a running soak stands on. It has the room before what
//! is well and for later. Part of [`super`].

use std::collections::BTreeSet;

use super::Line;
use crate::launch::board::Progress;
use crate::launch::plan::{Beside, Condition, Objective};
use crate::launch::soak;
use crate::ui::state::View;
use crate::ui::watched::{Armed, armed};

/// What a signal of an objective is called that is a monitor's.
const MONITOR: &str = "monitor.";

/// The ids of all that is for now, each kind apart.
#[derive(Debug, Default)]
pub(super) struct Now<'v> {
    triggers: BTreeSet<&'v str>,
    objectives: BTreeSet<&'v str>,
    /// A monitor's as `monitor.ID`.
    signals: BTreeSet<String>,
}

impl<'v> Now<'v> {
    pub(super) fn of(view: &View<'v>) -> Self {
        let (plan, board) = (view.plan(), view.board());
        let mut now = Self::default();
        // One by hand is always armed, and looks at nothing.
        let looks = plan.triggers.iter().filter(|trigger| trigger.when != Condition::Manual);
        for trigger in looks.filter(|trigger| armed(board, trigger, view.now.instant) == Armed::Yes) {
            now.triggers.insert(trigger.id.as_str());
            match &trigger.when {
                Condition::Objective(id) => _ = now.objectives.insert(id.as_str()),
                Condition::Monitor(id) => _ = now.signals.insert(format!("{MONITOR}{id}")),
                Condition::Manual => {}
            }
        }
        for id in board.soaks.keys() {
            let runs = board.item(id).is_some_and(|state| matches!(state.progress, Progress::Running { .. }));
            if let Some(soak) = plan.item(id).and_then(soak::of).filter(|_| runs) {
                now.objectives.extend(soak.objectives.iter().map(|id| id.as_str()));
            }
        }
        let own = |objective: &&Objective| now.objectives.contains(objective.id.as_str());
        let signals: Vec<String> = plan.objectives.iter().filter(own).flat_map(signals).collect();
        now.signals.extend(signals);
        now
    }

    pub(super) fn has(&self, line: &Line) -> bool {
        match line {
            Line::Monitor(id) => self.signals.contains(&format!("{MONITOR}{id}")),
            Line::Signal(id) => self.signals.contains(id.as_str()),
            Line::Objective(id) => self.objectives.contains(id.as_str()),
            Line::Trigger(id) => self.triggers.contains(id.as_str()),
        }
    }
}

/// What an objective looks at.
fn signals(objective: &Objective) -> impl Iterator<Item = String> + use<> {
    let beside = match &objective.beside {
        Beside::Nothing => None,
        Beside::Per(other) | Beside::Minus(other) | Beside::Against { baseline: other, .. } => Some(other.to_string()),
    };
    std::iter::once(objective.signal.to_string()).chain(beside)
}
