//! Programs that live on after their step: the values they hand out have a name for every item after them, and
//! whoever uses such a name needs that item; what stops one must name one.

use std::collections::BTreeMap;

use super::names::Stands;
use super::reader::{Body, Place, Reader};
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::base::template::Scope;
use crate::base::text::printable;
use crate::kind::example::Answered;
use crate::kind::{Catalogue, Entry, Spec, step};
use crate::launch::id::ItemId;

/// The names that programs hand out so far, each with the item it comes from.
pub(super) type Handed = BTreeMap<String, String>;

impl<'a> Reader<'a> {
    /// Binds what the program of `body` hands out, for the items after it and in their sessions.
    pub(super) fn bind_process(&mut self, slug: &Placed<String>, place: &Place, repeats: bool) {
        if let Some((_, span, _)) = place.captures.first().filter(|_| repeats) {
            let message = format!("`{}` repeats: each of its programs would hand out another value", slug.value);
            let wrong = Diagnostic::error("wrong-value", *span, message).label("one name, many values");
            self.notes.report(wrong.help("write an item for each, with names of their own"));
            return;
        }
        for (name, span, _) in &place.captures {
            self.names.bind(name, *span, Stands::Process, self.notes);
            for session in &mut self.sessions {
                session.names.know(name, *span, Stands::Process);
            }
            self.handed.insert(name.clone(), slug.value.clone());
        }
    }

    /// Notes which items' programs hand out what `used` names.
    pub(super) fn stand_on(&mut self, used: &[(String, Span)]) {
        for (name, span) in used {
            if let Some(slug) = self.handed.get(name) {
                self.stands_on.push(Placed { value: slug.clone(), span: *span });
            }
        }
    }

    /// What the item just entered needs for the values it uses.
    pub(super) fn needs_of_values(&mut self, needs: &mut Vec<Placed<String>>) {
        for need in std::mem::take(&mut self.stands_on) {
            if needs.iter().all(|known| known.value != need.value) {
                needs.push(need);
            }
        }
    }

    /// After the phases: nothing else has an order among the items.
    pub(super) fn close_processes(&mut self) {
        self.names.forget(Stands::Process);
        self.sessions.iter_mut().for_each(|session| session.names.forget(Stands::Process));
        self.handed.clear();
        self.catalogue.handed = handed(&self.catalogue);
    }

    /// A rollback's runner waits for each of its steps: one that lives on would never be done.
    pub(super) fn refuse_living(&self, table: &Table<'_>, body: Option<&Body>) {
        if let Some(Spec::Step(step)) = body.and_then(|body| body.spec.as_ref())
            && step.life().is_some()
        {
            let message = format!("{} would start a program that lives on: a rollback has no place for it", table.path);
            let wrong = Diagnostic::error("wrong-value", table.span, message).label("never done");
            self.notes.report(wrong.help("`process = { stop = \"ITEM\" }` stops one; `run` starts what ends"));
        }
    }

    /// Whatever stops a program must name the item that starts one.
    pub(super) fn resolve_stops(&self) {
        for (entry, place) in self.catalogue.entries.iter().zip(&self.places) {
            let Spec::Step(step) = &entry.spec else { continue };
            let Some(asked) = step.stops().filter(|_| !place.repeats) else { continue };
            let known = || self.catalogue.entries.iter().filter(|entry| starts(entry)).map(|entry| &entry.owner);
            if known().any(|owner| owner.as_str() == asked.value) {
                continue;
            }
            let message = format!("no item `{}` starts a process", printable(&asked.value));
            let wrong = Diagnostic::error("unknown-process", asked.span, message);
            self.notes.report(match nearest(&asked.value, known().map(ItemId::as_str)) {
                Some(near) => wrong.label(format!("did you mean `{near}`?")),
                None => wrong.label("no such program in this plan"),
            });
        }
    }
}

fn starts(entry: &Entry) -> bool {
    matches!(&entry.spec, Spec::Step(step) if step.life().is_some())
}

/// What the good examples of the programs hand out: checks are tried, and rehearsed, with these values.
fn handed(catalogue: &Catalogue) -> Scope {
    let mut scope = Scope::default();
    for entry in &catalogue.entries {
        let Spec::Step(step) = &entry.spec else { continue };
        let Some(example) = entry.examples.good.first().filter(|_| step.life().is_some()) else { continue };
        for (name, value) in step.said(example).unwrap_or_default() {
            scope.bind(name.as_str(), value);
        }
    }
    scope
}

/// Holds the examples of a program to what makes it ready. Nothing is run.
pub(super) fn tried(step: &step::Spec, entry: &Entry, place: &Place) -> Vec<Diagnostic> {
    if step.life().is_none() {
        return Vec::new();
    }
    if entry.examples.good.is_empty() {
        let Err(why) = step.said(&Answered::default()) else { return Vec::new() };
        let message = format!("{} cannot be rehearsed: it has no good example, and so {why}", place.called);
        let wrong = Diagnostic::warning("no-example", place.span, message);
        return vec![wrong.help("write an `example` with `good = { stdout = \"…\" }` as the program says it")];
    }
    let wrong = |example: &Answered| {
        let why = step.said(example).err()?;
        let message = format!("a good example of {} does not make it ready", place.called);
        Some(Diagnostic::error("wrong-example", example.span, message).label(why))
    };
    entry.examples.good.iter().filter_map(wrong).collect()
}
