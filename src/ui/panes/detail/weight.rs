//! The canary's share of the traffic, in the page of the step that sets or reads it: what was read back last, and
//! when. Once nobody tells it any more, what the journal kept of the last attempt.

use super::Page;
use crate::launch::board::ItemState;
use crate::launch::id::ItemId;
use crate::launch::live::WeightView;
use crate::ui::theme::Role;
use crate::ui::widgets::gauge::gauge;
use crate::ui::widgets::row::Row;

impl Page<'_> {
    pub(super) fn weight(&mut self, id: &ItemId, state: &ItemState) {
        let kept = || {
            let outcome = state.outcome.as_ref()?;
            outcome.weight.map(|weight| WeightView::of(weight, outcome.ended_at))
        };
        let Some(weight) = self.view.live().weights.get(id).cloned().or_else(kept) else { return };
        self.section("canary");
        self.rows.push(gauge(self.view.theme, weight.wanted, weight.seen));
        if let Some(at) = weight.at {
            self.rows.push(Row::new(self.view.theme).say(Role::Muted, format!("at {}", self.view.time(at))));
        }
    }
}
