//! `[[criterion]]`: the go and no-go lists as data, each decided by what the console sees or by a person.

use super::items::Draft;
use super::phases::Slugs;
use super::reader::{Reader, shown};
use crate::base::source::{Diagnostic, nearest};
use crate::base::table::{Placed, Table};
use crate::base::text::printable;
use crate::launch::id::{CriterionId, ItemId, MonitorId, ObjectiveId, PhaseId, RoleId};
use crate::launch::plan::{Criterion, DecidedBy, GoStage};

/// More lines than this is no list that people go through.
const MOST: usize = 200;
const SEEN: [&str; 4] = ["phases", "items", "monitors", "objectives"];

impl<'a> Reader<'a> {
    pub(super) fn read_criteria(&mut self, root: &Table<'a>, drafts: &[Draft]) {
        let mut ids = Slugs::new();
        let tables = root.tables("criterion");
        if let Some(table) = tables.get(MOST) {
            let message = format!("more than {MOST} criteria");
            self.notes.report(Diagnostic::error("too-many-criteria", table.span, message));
        }
        for table in tables.into_iter().take(MOST) {
            let id = self.need_id(&table, "`id = \"smoke\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut ids, id);
            }
            let said = self.go_or_no_go(&table);
            let stage = table.word("stage", &GoStage::WORDS).unwrap_or_default();
            let by = self.decided_by(&table, stage, drafts);
            table.finish();
            let (Some(id), Some((no_go, text)), Some(by)) = (id, said, by) else { continue };
            self.plan.criteria.push(Criterion { id: CriterionId::new(id.value), text, no_go, stage, by });
        }
    }

    /// Which list it is on, and its words.
    fn go_or_no_go(&self, table: &Table<'_>) -> Option<(bool, String)> {
        let (go, no_go) = (table.text("go"), table.text("no_go"));
        let (no_go, text) = match (go, no_go) {
            (Some(go), None) => (false, go),
            (None, Some(no_go)) => (true, no_go),
            (Some(_), Some(second)) => {
                let wrong =
                    Diagnostic::error("wrong-value", second.span, "a criterion is on one list: `go` or `no_go`");
                self.notes.report(wrong.label("the other list"));
                return None;
            }
            (None, None) => {
                if !table.has("go") && !table.has("no_go") {
                    table.missing("go", "`go = \"Smoke passes on every origin\"`, or `no_go = \"…\"`");
                }
                return None;
            }
        };
        let words = shown(&text);
        if words.is_empty() {
            table.wrong_value(text.span, "a criterion without words says nothing");
            return None;
        }
        Some((no_go, words))
    }

    fn decided_by(&self, table: &Table<'_>, stage: GoStage, drafts: &[Draft]) -> Option<DecidedBy> {
        let seen: Vec<&str> = SEEN.into_iter().filter(|key| table.has(key)).collect();
        let items = self.criterion_items(table, stage, drafts);
        let phases = self.criterion_phases(table, stage);
        let monitors = self.criterion_monitors(table);
        let objectives = self.criterion_objectives(table);
        let role = table.text("role");
        let person = table.flag("person");
        let ways = usize::from(!seen.is_empty()) + usize::from(table.has("role")) + usize::from(table.has("person"));
        match ways {
            0 => {
                let wrong = Diagnostic::error("no-decider", table.span, "nothing decides this criterion");
                let help = "one of `items`, `phases`, `monitors`, `objectives`, `role = \"owner\"` or `person = true`";
                self.notes.report(wrong.label("who or what says that it is so?").help(help));
                return None;
            }
            1 => {}
            _ => {
                let message = "a criterion is decided by what is seen, by a role, or by a person: one of them";
                self.notes.report(Diagnostic::error("two-deciders", table.span, message));
                return None;
            }
        }
        if !seen.is_empty() {
            if items.is_empty() && phases.is_empty() && monitors.is_empty() && objectives.is_empty() {
                // What is in the lists and wrong was told; lists without anything are told here.
                if seen.iter().all(|key| table.is_empty_list(key)) {
                    table.wrong_value(table.span, "its lists are empty: nothing decides this criterion");
                }
                return None;
            }
            return Some(DecidedBy::Seen { phases, items, monitors, objectives });
        }
        if let Some(role) = role {
            if let Some(wrong) = self.unknown_role(&role) {
                self.notes.report(wrong);
            }
            return Some(DecidedBy::Person { role: Some(RoleId::new(role.value)) });
        }
        if person == Some(false) {
            table.wrong_value(table.span, "`person = false`: then what decides this criterion?");
        }
        Some(DecidedBy::Person { role: None })
    }

    fn criterion_items(&self, table: &Table<'_>, stage: GoStage, drafts: &[Draft]) -> Vec<ItemId> {
        let mut found = Vec::new();
        for asked in table.texts("items") {
            match drafts.iter().find(|draft| draft.slug.value == asked.value) {
                Some(draft) => {
                    let copies = draft.copies.iter().map(|(_, id)| id);
                    let late = copies.clone().any(|id| self.plan.items.get(id).is_some_and(|item| item.at.0 <= 0));
                    self.check_stage(&asked, "item", late, stage);
                    found.extend(copies.cloned());
                }
                None => self.unknown(&asked, "item", drafts.iter().map(|draft| draft.slug.value.as_str())),
            }
        }
        found
    }

    fn criterion_phases(&self, table: &Table<'_>, stage: GoStage) -> Vec<PhaseId> {
        let mut found = Vec::new();
        for asked in table.texts("phases") {
            match self.plan.phases.iter().find(|phase| phase.id.as_str() == asked.value) {
                Some(phase) => {
                    let late = |id: &ItemId| self.plan.items.get(id).is_some_and(|item| item.at.0 <= 0);
                    self.check_stage(&asked, "phase", phase.items.iter().any(late), stage);
                    if phase.items.is_empty() {
                        table.wrong_value(
                            asked.span,
                            format!("phase `{}` has no items: it decides nothing", asked.value),
                        );
                    }
                    found.push(phase.id.clone());
                }
                None => self.unknown(&asked, "phase", self.plan.phases.iter().map(|phase| phase.id.as_str())),
            }
        }
        found
    }

    fn criterion_monitors(&self, table: &Table<'_>) -> Vec<MonitorId> {
        let mut found = Vec::new();
        for asked in table.texts("monitors") {
            match self.plan.monitors.iter().find(|monitor| monitor.id.as_str() == asked.value) {
                Some(monitor) => found.push(monitor.id.clone()),
                None => self.unknown(&asked, "monitor", self.plan.monitors.iter().map(|monitor| monitor.id.as_str())),
            }
        }
        found
    }

    fn criterion_objectives(&self, table: &Table<'_>) -> Vec<ObjectiveId> {
        let mut found = Vec::new();
        for asked in table.texts("objectives") {
            let id = ObjectiveId::new(&asked.value);
            if self.plan.objectives.iter().any(|known| known.id == id) {
                found.push(id);
            } else if !self.objectives_seen.contains(&id) {
                self.unknown(&asked, "objective", self.objectives_seen.iter().map(ObjectiveId::as_str));
            }
        }
        found
    }

    /// What is due at T-0 or later can never be clear before it: GO would wait for ever.
    fn check_stage(&self, asked: &Placed<String>, what: &str, late: bool, stage: GoStage) {
        if late && stage == GoStage::Launch {
            let message =
                format!("the {what} `{}` is due at T-0 or later: it cannot decide a GO before that", asked.value);
            let wrong = Diagnostic::error("wrong-stage", asked.span, message).label("after the poll");
            self.notes.report(wrong.help("`stage = \"observed\"` is for the GO after the observation window"));
        }
    }

    fn unknown<'n>(&self, asked: &Placed<String>, what: &str, known: impl Iterator<Item = &'n str>) {
        let message = format!("there is no {what} `{}`", printable(&asked.value));
        let wrong = Diagnostic::error("unknown-id", asked.span, message);
        let label = match nearest(&asked.value, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "not in this plan".to_owned(),
        };
        self.notes.report(wrong.label(label));
    }
}
