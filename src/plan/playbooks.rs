//! `[[playbook]]`: readonly commands for when something is red, one key away. Whatever is not readonly is
//! refused: nobody thinks twice before he runs one.

use std::time::Duration;

use super::items::Draft;
use super::lint;
use super::phases::Slugs;
use super::reader::Reader;
use crate::base::source::{Diagnostic, nearest};
use crate::base::table::{Placed, Table};
use crate::base::template::Scope;
use crate::base::text::printable;
use crate::kind::Kind;
use crate::kind::step::{self, Step, run::Run};
use crate::launch::id::{ItemId, PlaybookId};
use crate::launch::playbook::{Look, Playbook};

/// What a command may take where it says nothing.
const TIMEOUT: Duration = Duration::from_secs(60);

impl<'a> Reader<'a> {
    pub(super) fn read_playbooks(&mut self, root: &Table<'a>, drafts: &[Draft]) {
        let mut ids = Slugs::new();
        for table in root.tables("playbook") {
            let id = self.need_id(&table, "`id = \"login-fails\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut ids, id);
            }
            let slug = id.map(|id| id.value).unwrap_or_default();
            let title = self.title(&table, &slug);
            let items = self.playbook_items(&table, drafts);
            let steps = self.playbook_steps(&table, &slug);
            table.finish();
            self.plan.playbooks.push(Playbook { id: PlaybookId::new(slug), title, items, steps });
        }
    }

    /// `for`: the items, every copy of each.
    fn playbook_items(&self, table: &Table<'_>, drafts: &[Draft]) -> Vec<ItemId> {
        let asked = table.texts("for");
        if asked.is_empty() {
            table.missing("for", "`for = [\"login\"]`: the items it helps with when they are red");
        }
        let mut items = Vec::new();
        for slug in asked {
            match drafts.iter().find(|draft| draft.slug.value == slug.value) {
                Some(draft) => items.extend(draft.copies.iter().map(|(_, id)| id.clone())),
                None => self.notes.report(unknown(&slug, drafts)),
            }
        }
        items
    }

    fn playbook_steps(&mut self, table: &Table<'a>, slug: &str) -> Vec<Look> {
        let tables = table.tables("step");
        if tables.is_empty() {
            table.missing("step", "`[[playbook.step]]` with an `id` and a `run` table");
        }
        let mut parts = Slugs::new();
        tables.into_iter().filter_map(|table| self.playbook_step(table, slug, &mut parts)).collect()
    }

    fn playbook_step(&mut self, table: Table<'a>, slug: &str, parts: &mut Slugs) -> Option<Look> {
        let id = self.need_id(&table, "`id = \"pods\"`");
        if let Some(id) = &id {
            self.claim_slug(parts, id);
        }
        let part = id.map(|id| id.value).unwrap_or_default();
        let id = ItemId::new(format!("{slug}/{part}"));
        let title = self.title(&table, &part);
        let timeout = self.span_over_zero(&table, "timeout").unwrap_or(TIMEOUT);
        self.only_readonly(&table);
        // What acts by itself, or lives on, is no look.
        let fit: Vec<Kind> = step::KINDS.iter().copied().filter(|kind| kind.name == Run::KIND.name).collect();
        let body = self.body(&table, &fit, &format!("playbook step {id}"));
        let names = self.names.clone();
        if let Some(body) = &body {
            lint::readonly(&table, body.kind, &names, self.notes);
        }
        table.finish();
        let spec = self.enter(id.clone(), body?, &names, &Scope::default(), None, false)?;
        Some(Look { id, title, spec, timeout })
    }

    fn only_readonly(&self, table: &Table<'_>) {
        let Some(class) = table.text("class").filter(|class| class.value != "readonly") else { return };
        let message = format!("`class = \"{}\"` in a playbook: its commands look, and change nothing", printable(&class.value));
        let wrong = Diagnostic::error("playbook-not-readonly", class.span, message).label("one key runs it");
        self.notes.report(wrong.help("what changes something is an item of a phase, or a step of a rollback"));
    }
}

fn unknown(slug: &Placed<String>, drafts: &[Draft]) -> Diagnostic {
    let wrong =
        Diagnostic::error("unknown-item", slug.span, format!("there is no item `{}`", printable(&slug.value)));
    match nearest(&slug.value, drafts.iter().map(|draft| draft.slug.value.as_str())) {
        Some(near) => wrong.label(format!("did you mean `{near}`?")),
        None => wrong.label("not in this plan"),
    }
}
