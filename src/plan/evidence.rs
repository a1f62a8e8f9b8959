//! `[[evidence]]`: what must be archived before the launch may be closed.

use std::collections::BTreeMap;

use super::items::Draft;
use super::reader::Reader;
use crate::base::source::{Diagnostic, nearest};
use crate::base::table::{Placed, Table};
use crate::base::text::printable;
use crate::launch::id::{EvidenceId, ItemId};
use crate::launch::plan::Evidence;

impl<'a> Reader<'a> {
    pub(super) fn read_evidence(&mut self, root: &Table<'a>, drafts: &[Draft]) {
        let mut ids = BTreeMap::new();
        for table in root.tables("evidence") {
            let id = self.need_id(&table, "`id = \"smoke-logs\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut ids, id);
            }
            let id = id.map(|id| id.value).unwrap_or_default();
            let title = self.title(&table, &id);
            let items = table.texts("items");
            let items = items.iter().flat_map(|asked| self.archived(asked, drafts)).collect();
            table.finish();
            self.plan.evidence.push(Evidence { id: EvidenceId::new(id), title, items });
        }
    }

    /// Every copy of the item that is asked for.
    fn archived(&self, asked: &Placed<String>, drafts: &[Draft]) -> Vec<ItemId> {
        if let Some(draft) = drafts.iter().find(|draft| draft.slug.value == asked.value) {
            return draft.copies.iter().map(|(_, id)| id.clone()).collect();
        }
        let message = format!("there is no item `{}`", printable(&asked.value));
        let near = nearest(&asked.value, drafts.iter().map(|draft| draft.slug.value.as_str()));
        let label =
            near.map_or("its report would be the evidence".to_owned(), |near| format!("did you mean `{near}`?"));
        self.notes.report(Diagnostic::error("unknown-item", asked.span, message).label(label));
        Vec::new()
    }
}
