//! `[[phase]]`: the ordered parts of the plan, with their place on the clock.

use std::collections::BTreeMap;

use super::items::Draft;
use super::reader::Reader;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::base::text::printable;
use crate::launch::id::PhaseId;
use crate::launch::plan::Phase;
use crate::launch::time::Mark;

/// Slugs of phases and items, with where each was first used: one namespace, as `needs` names both.
pub(super) type Slugs = BTreeMap<String, Span>;

impl<'a> Reader<'a> {
    /// Reads the phases with their items; what items need is resolved when all are known.
    pub(super) fn read_phases(&mut self, root: &Table<'a>) -> Vec<Draft> {
        let mut slugs = Slugs::new();
        let mut drafts = Vec::new();
        let mut needs = Vec::new();
        let mut before: Option<Placed<Mark>> = None;
        for table in root.tables("phase") {
            let id = self.need_id(&table, "`id = \"gate-a\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut slugs, id);
            }
            let id = id.map(|id| id.value).unwrap_or_default();
            let title = self.title(&table, &id);
            if !table.has("at") {
                table.missing("at", "`at = \"T-2h\"`");
            }
            let at = self.mark(&table, "at");
            if let Some(at) = &at {
                self.check_order(&id, at, before.as_ref());
                before = Some(at.clone());
            }
            let at = at.map(|at| at.value).or(before.as_ref().map(|before| before.value)).unwrap_or_default();
            let gate = table.flag("gate").unwrap_or(false);
            needs.push(table.texts("needs"));
            let when = self.read_when(&table);
            let target = self.target_of(&table);
            let phase = Phase { id: PhaseId::new(&id), title, at, gate, needs: Vec::new(), items: Vec::new() };
            self.plan.phases.push(phase);
            let items = table.tables("item");
            if gate && items.is_empty() {
                let message = format!("the gate `{id}` has no items: nothing would hold it shut");
                self.notes.report(Diagnostic::error("empty-gate", table.span, message));
            }
            for item in items {
                self.read_item(item, (when.as_ref(), target.as_ref()), &mut slugs, &mut drafts);
            }
            table.finish();
        }
        self.resolve_phases(&needs);
        drafts
    }

    pub(super) fn claim_slug(&self, slugs: &mut Slugs, id: &Placed<String>) {
        if let Some(first) = slugs.get(&id.value) {
            let wrong = Diagnostic::error("duplicate-id", id.span, format!("`{}` is the id of two", id.value));
            self.notes.report(wrong.label("again here").also(*first, "first here"));
        } else {
            slugs.insert(id.value.clone(), id.span);
        }
    }

    /// Phases stand in the file as they come on the clock.
    fn check_order(&self, id: &str, at: &Placed<Mark>, before: Option<&Placed<Mark>>) {
        if let Some(before) = before.filter(|before| at.value > before.value) {
            let message = format!("phase `{id}` at {} stands after one at {}", at.value, before.value);
            let wrong = Diagnostic::error("wrong-order", at.span, message).label("earlier on the clock");
            self.notes.report(wrong.also(before.span, "the phase before it").help("order the phases by their marks"));
        }
    }

    fn resolve_phases(&mut self, needs: &[Vec<Placed<String>>]) {
        let ids: Vec<PhaseId> = self.plan.phases.iter().map(|phase| phase.id.clone()).collect();
        for (phase, needs) in self.plan.phases.iter_mut().zip(needs) {
            for need in needs {
                match ids.iter().find(|id| id.as_str() == need.value) {
                    Some(id) => phase.needs.push(id.clone()),
                    None => {
                        let message = format!("there is no phase `{}`", printable(&need.value));
                        let wrong = Diagnostic::error("unknown-need", need.span, message);
                        let near = nearest(&need.value, ids.iter().map(PhaseId::as_str));
                        let label = near.map(|near| format!("did you mean `{near}`?"));
                        self.notes.report(wrong.label(label.unwrap_or_else(|| "a phase needs phases".to_owned())));
                    }
                }
            }
        }
    }
}
