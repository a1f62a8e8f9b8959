//! `[[monitor]]`: a check repeated for as long as the launch is open.

use std::collections::BTreeMap;
use std::time::Duration;

use super::items::timeout_of;
use super::names::Stands;
use super::reader::Reader;
use crate::base::source::Diagnostic;
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::kind::check;
use crate::launch::id::{ItemId, MonitorId};
use crate::launch::plan::{Monitor, SpecId};

/// Rounds closer than this are a load test, not a look.
pub(super) const SHORTEST_EVERY: Duration = Duration::from_millis(100);
/// The fourth failure in a row is the one that counts.
const FAILS_AFTER: u32 = 3;

/// What a monitor says of itself, whatever it looks at.
struct Course {
    title: String,
    every: Duration,
    timeout: Option<Duration>,
    fails_after: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn read_monitors(&mut self, root: &Table<'a>) {
        let mut ids = BTreeMap::new();
        for table in root.tables("monitor") {
            let id = self.need_id(&table, "`id = \"api\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut ids, id);
            }
            let slug = id.map(|id| id.value).unwrap_or_default();
            let title = self.title(&table, &slug);
            if !table.has("every") {
                table.missing("every", "`every = \"5s\"`");
            }
            let every = self.span_over_zero(&table, "every").unwrap_or(Duration::from_secs(1));
            if every < SHORTEST_EVERY {
                table.wrong_value(table.span, "`every` is less than 100ms: that is a load test, not a look");
            }
            let timeout = self.span_over_zero(&table, "timeout");
            let fails_after = self.fails_after(&table, FAILS_AFTER);
            let target = self.item_target(&table, None);
            if table.has("session") || table.has("item") {
                let course = Course { title, every, timeout, fails_after };
                self.read_round(&table, &slug, course);
                table.finish();
                continue;
            }
            let body = self.body(&table, check::KINDS, &format!("monitor {slug}"));
            table.finish();
            let Some(body) = body else { continue };
            let launch = self.stand_at(target.as_deref());
            let timeout = timeout.unwrap_or_else(|| timeout_of(body.kind, body.deadline, Duration::ZERO));
            let owner = ItemId::new(format!("monitor.{slug}"));
            let names = self.names.clone();
            let spec = self.enter(owner, body, &names, &Scope::default(), None, false);
            self.scope = launch;
            if let Some(spec) = spec {
                let id = MonitorId::new(slug);
                let (items, ready_for) = (Vec::new(), None);
                self.plan.monitors.push(Monitor { id, title, spec, every, timeout, fails_after, items, ready_for });
            }
        }
    }

    /// A session that is begun anew for each look: its items in order, none of which anything of the launch reaches.
    fn read_round(&mut self, table: &Table<'a>, slug: &str, course: Course) {
        let session = self.session_of(table);
        if !table.has("session") {
            table.missing("session", "`session = \"smoke\"`: the `[session.ID]` that its items share");
        }
        for kind in check::KINDS.iter().filter(|kind| table.has(kind.name)) {
            let span = table.any(kind.name).map_or(table.span, |placed| placed.span);
            let message = format!("{} is a session, and `{}` at once", table.path, kind.name);
            self.notes.report(Diagnostic::error("two-kinds", span, message).help("write it as one of its items"));
            table.accept(kind.name);
        }
        let items = table.tables("item");
        if items.is_empty() {
            table.missing("item", "`[[monitor.item]]`: what is looked at, in order");
        }
        let Ok(Some(at)) = session else { return };
        let mut draft = self.sessions[at].clone();
        draft.names = draft.bare.clone();
        draft.slug = format!("monitor.{slug}");
        let each = draft.each();
        self.of_monitors.push(draft.clone());
        let mut rounds: Vec<Vec<SpecId>> = vec![Vec::new(); each.len()];
        let (mut ids, mut longest) = (BTreeMap::new(), Duration::ZERO);
        let launch = self.stand_at(draft.target.as_deref());
        for item in items {
            let id = self.need_id(&item, "`id = \"login\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut ids, id);
            }
            let id = id.map(|id| id.value).unwrap_or_default();
            let body = self.body(&item, check::KINDS, &format!("item {id} of monitor {slug}"));
            item.finish();
            let Some(body) = body else { continue };
            longest = longest.max(timeout_of(body.kind, body.deadline, Duration::ZERO));
            for (name, at, _) in &body.place.captures {
                draft.names.bind(name, *at, Stands::Capture, self.notes);
            }
            let used = self.notes.take_names();
            for (index, (session, key, scope)) in each.iter().enumerate() {
                used.iter().for_each(|(name, span)| self.notes.uses(name.as_str(), *span));
                let owner = ItemId::new(format!("{}/{id}", ItemId::keyed(&format!("monitor.{slug}"), key.as_deref())));
                let names = draft.names.clone();
                let spec = self.enter(owner, body.copy(), &names, scope, Some(session.clone()), index > 0);
                rounds[index].extend(spec);
            }
        }
        self.scope = launch;
        let Course { title, every, timeout, fails_after } = course;
        let timeout = timeout.unwrap_or(longest);
        for ((_, key, _), items) in each.iter().zip(rounds) {
            let Some(spec) = items.first().copied() else { continue };
            let id = MonitorId::new(ItemId::keyed(slug, key.as_deref()).as_str());
            let (title, ready_for) = (title.clone(), None);
            self.plan.monitors.push(Monitor { id, title, spec, every, timeout, fails_after, items, ready_for });
        }
    }

    pub(super) fn fails_after(&self, table: &Table<'_>, else_: u32) -> u32 {
        let Some(asked) = table.integer("fails_after") else { return else_ };
        match u32::try_from(asked.value) {
            Ok(count) if count <= 1_000 => count,
            _ => {
                table.wrong_value(asked.span, format!("`fails_after = {}`: 0 to 1000", asked.value));
                else_
            }
        }
    }
}
