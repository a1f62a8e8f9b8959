//! `[[trigger]]`: what starts a rollback, or proposes one, where it lasts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::effects;
use super::reader::Reader;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::base::text::printable;
use crate::launch::id::{MonitorId, ObjectiveId, RollbackId, TriggerId};
use crate::launch::plan::{Condition, Confirm, FireMode, Trigger};

/// How long a rollback that starts by itself waits for a no, where the plan says nothing.
const VETO: Duration = Duration::from_secs(10);
/// Nobody reads a banner and finds a key in less.
const SHORTEST_VETO: Duration = Duration::from_secs(5);
/// The least time something must be gone before it counts as recovered.
const RECOVERS_AFTER: Duration = Duration::from_secs(60);
const MOST: usize = 200;
const MODES: [(&str, bool); 2] = [("auto", true), ("ask", false)];

/// Where a trigger stands in the file.
#[derive(Debug, Clone)]
pub(super) struct TriggerPlace {
    pub id: TriggerId,
    /// Of its `id`.
    pub span: Span,
    pub when_at: Span,
}

impl<'a> Reader<'a> {
    pub(super) fn read_triggers(&mut self, root: &Table<'a>) {
        let mut ids = BTreeMap::new();
        let tables = root.tables("trigger");
        if let Some(table) = tables.get(MOST) {
            self.notes.report(Diagnostic::error("wrong-value", table.span, format!("more than {MOST} triggers")));
        }
        for table in tables.into_iter().take(MOST) {
            let id = self.need_id(&table, "`id = \"errors-2m\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut ids, id);
            }
            let read = self.read_trigger(&table, id);
            table.finish();
            let Some((trigger, place)) = read else { continue };
            self.plan.triggers.push(trigger);
            self.trigger_places.push(place);
        }
    }

    fn read_trigger(&mut self, table: &Table<'a>, id: Option<Placed<String>>) -> Option<(Trigger, TriggerPlace)> {
        let slug = id.as_ref().map(|id| id.value.clone()).unwrap_or_default();
        let title = self.title(table, &slug);
        let asked = table.need_text("when", "`when = \"objective.errors\"`");
        let alerts = table.text("alerts");
        let when = asked.as_ref().and_then(|asked| self.condition(asked, alerts.as_ref()));
        if asked.as_ref().is_some_and(|asked| !asked.value.starts_with("alert.")) {
            effects::refuse(table, "alerts", "without `when = \"alert.NAME\"`: nobody is asked for an alert");
        }
        let lasts = self.lasts(table, when.as_ref());
        let recovers_after = self.recovers_after(table, when.as_ref(), lasts);
        let then = self.then(table);
        let mode = self.fire_mode(table);
        let (armed_from, armed_until) = self.armed(table);
        let (id, asked, when, then) = (id?, asked?, when?, then?);
        self.typed_for_nobody(table, &then, mode);
        let place = TriggerPlace { id: TriggerId::new(&id.value), span: id.span, when_at: asked.span };
        let id = place.id.clone();
        let trigger = Trigger { id, title, when, lasts, recovers_after, then, mode, armed_from, armed_until };
        Some((trigger, place))
    }

    fn condition(&mut self, asked: &Placed<String>, alerts: Option<&Placed<String>>) -> Option<Condition> {
        let text = asked.value.as_str();
        if text == "manual" {
            return Some(Condition::Manual);
        }
        if let Some(id) = text.strip_prefix("objective.") {
            let id = ObjectiveId::new(id);
            let known = self.plan.objectives.iter().any(|known| known.id == id);
            // What is wrong with it was told where it stands.
            let there = known || self.objectives_seen.contains(&id);
            if !there {
                self.no_such(asked, "objective", self.objectives_seen.iter().map(|id| format!("objective.{id}")));
            }
            return known.then_some(Condition::Objective(id));
        }
        if let Some(id) = text.strip_prefix("monitor.").and_then(|rest| rest.strip_suffix(".down")) {
            let id = MonitorId::new(id);
            if self.plan.monitors.iter().any(|known| known.id == id) {
                return Some(Condition::Monitor(id));
            }
            self.no_such(asked, "monitor", self.plan.monitors.iter().map(|known| format!("monitor.{}.down", known.id)));
            return None;
        }
        if let Some(name) = text.strip_prefix("alert.").filter(|name| !name.is_empty()) {
            return self.alert(name, asked.span, alerts).map(Condition::Monitor);
        }
        let message = format!("`{}` is no condition", printable(text));
        let wrong = Diagnostic::error("wrong-value", asked.span, message);
        let help = "`objective.ID`, `monitor.ID.down`, `alert.NAME`, or `manual`";
        self.notes.report(wrong.label("what does it fire on?").help(help));
        None
    }

    fn no_such(&self, asked: &Placed<String>, what: &str, known: impl Iterator<Item = String>) {
        let known: Vec<String> = known.collect();
        let message = format!("there is no {what} for `{}`", printable(&asked.value));
        let wrong = Diagnostic::error("unknown-id", asked.span, message);
        let label = match nearest(&asked.value, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "not in this plan".to_owned(),
        };
        self.notes.report(wrong.label(label));
    }

    /// `for`: a figure that wavers must say how long; a monitor that is down has counted its failures already.
    fn lasts(&self, table: &Table<'_>, when: Option<&Condition>) -> Duration {
        if matches!(when, Some(Condition::Manual)) {
            effects::refuse(table, "for", "on `manual`: a person says so once");
            table.accept("for");
            return Duration::ZERO;
        }
        if matches!(when, Some(Condition::Objective(_))) && !table.has("for") {
            table.missing("for", "`for = \"2m\"`: how long it must be breached; `\"0s\"` fires at once");
        }
        table.duration("for").unwrap_or_default()
    }

    fn recovers_after(&self, table: &Table<'_>, when: Option<&Condition>, lasts: Duration) -> Duration {
        let usual = lasts.saturating_mul(2).max(RECOVERS_AFTER);
        if matches!(when, Some(Condition::Manual)) {
            effects::refuse(table, "recovers_after", "on `manual`: there is nothing that could be gone");
            table.accept("recovers_after");
            return usual;
        }
        let Some(asked) = self.span_over_zero(table, "recovers_after") else { return usual };
        if asked <= lasts {
            let span = table.any("recovers_after").map_or(table.span, |placed| placed.span);
            let words = humantime::format_duration;
            let message = format!("recovered after {}, and it must last {} to fire", words(asked), words(lasts));
            let wrong = Diagnostic::error("wrong-value", span, message).label("longer than `for`");
            self.notes.report(wrong.help(format!("leave it out: {} then", words(usual))));
            return usual;
        }
        asked
    }

    fn then(&self, table: &Table<'_>) -> Option<RollbackId> {
        let asked = table.need_text("then", "`then = \"rollback.frontend\"`")?;
        let known = || self.plan.rollbacks.iter().map(|known| format!("rollback.{}", known.id));
        let id = asked.value.strip_prefix("rollback.").map(RollbackId::new);
        if let Some(id) = id.filter(|id| self.plan.rollback(id).is_some()) {
            return Some(id);
        }
        let message = format!("there is no rollback for `{}`", printable(&asked.value));
        let wrong = Diagnostic::error("unknown-rollback", asked.span, message);
        let bare = known().find(|known| known.strip_prefix("rollback.") == Some(asked.value.as_str()));
        let known: Vec<String> = known().collect();
        let near = bare.or_else(|| nearest(&asked.value, known.iter().map(String::as_str)).map(str::to_owned));
        let label = near.map_or_else(|| "not in this plan".to_owned(), |near| format!("did you mean `{near}`?"));
        self.notes.report(wrong.label(label).help("`rollback.ID` of a `[[rollback]]`"));
        None
    }

    fn fire_mode(&self, table: &Table<'_>) -> FireMode {
        let auto = table.word("mode", &MODES).unwrap_or(false);
        if !auto {
            effects::refuse(table, "veto", "without `mode = \"auto\"`: nothing starts by itself");
            table.accept("veto");
            return FireMode::Ask;
        }
        let veto = self.span_over_zero(table, "veto").unwrap_or(VETO);
        if veto < SHORTEST_VETO {
            let span = table.any("veto").map_or(table.span, |placed| placed.span);
            let message =
                format!("a veto of {}: nobody reads and presses a key in that", humantime::format_duration(veto));
            self.notes.report(Diagnostic::error("wrong-value", span, message).label("at least 5s"));
        }
        FireMode::Auto { veto: veto.max(SHORTEST_VETO) }
    }

    /// What asks a person to type its name must not start without one.
    fn typed_for_nobody(&self, table: &Table<'_>, then: &RollbackId, mode: FireMode) {
        let typed = self.plan.rollback(then).is_some_and(|rollback| rollback.confirm == Confirm::Type);
        if typed && mode != FireMode::Ask {
            let span = table.any("mode").map_or(table.span, |placed| placed.span);
            let message = format!("rollback `{then}` is confirmed by typing, and would start by itself");
            let wrong = Diagnostic::error("wrong-value", span, message).label("nobody types then");
            self.notes.report(wrong.help("`mode = \"ask\"`, or `confirm = \"key\"` on the rollback"));
        }
    }

    fn armed(&self, table: &Table<'_>) -> (Option<crate::launch::time::Mark>, Option<crate::launch::time::Mark>) {
        let (from, until) = (self.mark(table, "armed_from"), self.mark(table, "armed_until"));
        // A mark counts down: the later one is the smaller.
        if let (Some(from), Some(until)) = (&from, &until)
            && from.value <= until.value
        {
            let message = format!("armed from {} until {}: never", from.value, until.value);
            let wrong = Diagnostic::error("never-armed", until.span, message).label("not after `armed_from`");
            self.notes.report(wrong.also(from.span, "from here"));
        }
        (from.map(|mark| mark.value), until.map(|mark| mark.value))
    }
}
