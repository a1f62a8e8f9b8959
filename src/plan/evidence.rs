//! `[[evidence]]`: what must be archived before the launch may be closed, and the items that say that they are it.

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
            let mut items: Vec<ItemId> = items.iter().flat_map(|asked| self.archived(asked, drafts)).collect();
            // An item may say it itself, beside what it does.
            let own = drafts.iter().filter(|draft| draft.evidence.iter().any(|asked| asked.value == id));
            for (_, copy) in own.flat_map(|draft| &draft.copies) {
                if !items.contains(copy) {
                    items.push(copy.clone());
                }
            }
            table.finish();
            self.plan.evidence.push(Evidence { id: EvidenceId::new(id), title, items });
        }
        drafts.iter().flat_map(|draft| &draft.evidence).for_each(|asked| self.known_evidence(asked));
    }

    fn known_evidence(&self, asked: &Placed<String>) {
        let known = || self.plan.evidence.iter().map(|known| known.id.as_str());
        if known().any(|id| id == asked.value) {
            return;
        }
        let message = format!("no `[[evidence]]` is called `{}`", printable(&asked.value));
        let label = nearest(&asked.value, known())
            .map_or("it would be part of it".to_owned(), |near| format!("did you mean `{near}`?"));
        self.notes.report(Diagnostic::error("unknown-evidence", asked.span, message).label(label));
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

#[cfg(test)]
mod tests {
    use crate::base::source::Source;
    use crate::plan::{Environment, Options, load};

    #[test]
    fn an_item_may_say_itself_what_evidence_it_is_with_every_copy() {
        let text = "[plan]\nschema = 1\nid = \"x\"\ntitle = \"X\"\n[vars]\norigins = [\"a\", \"b\"]\n[[phase]]\nid = \
                    \"p\"\nat = \"T-1h\"\n[[phase.item]]\nid = \"smoke\"\nfor_each = { origin = \"origins\" }\nevidence \
                    = [\"log\"]\nmanual = {}\n[[phase.item]]\nid = \"look\"\nmanual = {}\n[[phase.item]]\nid = \"sign\"\n\
                    evidence = [\"log\", \"word\"]\nmanual = {}\n[[evidence]]\nid = \"log\"\nitems = [\"sign\", \
                    \"look\"]\n[[evidence]]\nid = \"word\"\n";
        let options = Options { rehearsal: true, ..Options::default() };
        let loaded = load(Source::new("x.toml", text), &Environment::default(), &options).expect("sound");
        let items =
            |at: usize| -> Vec<String> { loaded.plan.evidence[at].items.iter().map(ToString::to_string).collect() };
        assert_eq!(items(0), ["sign", "look", "smoke[a]", "smoke[b]"], "each once");
        assert_eq!(items(1), ["sign"]);
    }
}
