//! `[[monitor]]`: a check repeated for as long as the launch is open.

use std::collections::BTreeMap;
use std::time::Duration;

use super::items::timeout_of;
use super::reader::Reader;
use super::unbuilt;
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::kind::check;
use crate::launch::id::{ItemId, MonitorId};
use crate::launch::plan::Monitor;

/// Rounds closer than this are a load test, not a look.
const SHORTEST_EVERY: Duration = Duration::from_millis(100);
/// The fourth failure in a row is the one that counts.
const FAILS_AFTER: u32 = 3;

impl<'a> Reader<'a> {
    pub(super) fn read_monitors(&mut self, root: &Table<'a>) {
        let mut ids = BTreeMap::new();
        for table in root.tables("monitor") {
            unbuilt::refuse(&table, unbuilt::MONITOR_KEYS);
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
            let body = self.body(&table, check::KINDS, &format!("monitor {slug}"));
            table.finish();
            let Some(body) = body else { continue };
            let timeout = timeout.unwrap_or_else(|| timeout_of(body.kind, body.deadline, Duration::ZERO));
            let owner = ItemId::new(format!("monitor.{slug}"));
            let names = self.names.clone();
            if let Some(spec) = self.enter(owner, body, &names, &Scope::default(), None, false) {
                let id = MonitorId::new(slug);
                let (items, ready_for) = (Vec::new(), None);
                self.plan.monitors.push(Monitor { id, title, spec, every, timeout, fails_after, items, ready_for });
            }
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
