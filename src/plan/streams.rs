//! `[[stream]]`: a live tail. One that names a session opens with that session's cookies and captured
//! values, once the item it comes `after` has passed; a session with `for_each` gives one per value.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::items::Draft;
use super::names::Names;
use super::reader::{Body, Place, Reader};
use super::{effects, examples};
use crate::base::source::{Diagnostic, nearest};
use crate::base::table::{Placed, Table};
use crate::base::template::Scope;
use crate::base::text::printable;
use crate::kind::Spec;
use crate::kind::check::{self, Check};
use crate::kind::tail::Tail as Lines;
use crate::launch::id::{ItemId, SessionId, StreamId};
use crate::launch::plan::Stream;

/// What makes a stream one of lines.
const LINES: [&str; 3] = ["log", "command", "shell"];
/// What goes with lines alone.
const OF_LINES: [&str; 7] = ["errors", "redact", "begin", "cwd", "env", "stdin", "rehearse"];

/// One tail of a stream: the value it is for, its session, and the item it opens after.
type Tail = (Option<String>, Scope, Option<SessionId>, Option<ItemId>);

impl<'a> Reader<'a> {
    pub(super) fn read_streams(&mut self, root: &Table<'a>, drafts: &[Draft]) {
        let mut ids = BTreeMap::new();
        for table in root.tables("stream") {
            let id = self.need_id(&table, "`id = \"chat\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut ids, id);
            }
            let slug = id.map(|id| id.value).unwrap_or_default();
            let title = self.title(&table, &slug);
            let session = self.session_of(&table);
            let after = table.text("after").and_then(|after| self.draft_of(&after, drafts));
            let target = self.item_target(&table, None);
            if LINES.iter().any(|key| table.has(key)) {
                let launch = self.stand_at(target.as_deref());
                self.read_tail(&table, &slug, &title, after);
                self.scope = launch;
                table.finish();
                continue;
            }
            for key in OF_LINES {
                if let Some(placed) = table.any(key) {
                    let message = format!("`{key}` has no effect on an event stream");
                    let wrong = Diagnostic::error("no-effect", placed.span, message);
                    self.notes.report(wrong.help("say in `sse` which events must `never` come"));
                    table.accept(key);
                }
            }
            let body = self.body(&table, &[check::sse::Sse::KIND], &format!("stream {slug}"));
            effects::stream(&table);
            table.finish();
            let (Some(body), Ok(session)) = (body, session) else { continue };
            let launch = self.stand_at(target.as_deref());
            self.open_tails(&slug, &title, &body, session, after);
            self.scope = launch;
        }
    }

    /// A log file, or a program whose output is followed.
    fn read_tail(&mut self, table: &Table<'a>, slug: &str, title: &str, after: Option<&Draft>) {
        let there: Vec<&str> = LINES.into_iter().chain(["sse"]).filter(|key| table.has(key)).collect();
        if let [first, second, ..] = there.as_slice() {
            let span = table.any(second).map_or(table.span, |placed| placed.span);
            let message = format!("{} is `{first}` and `{second}` at once: one source each", table.path);
            self.notes.report(Diagnostic::error("two-kinds", span, message));
            there.iter().for_each(|key| table.accept(key));
        }
        effects::refuse(table, "session", "here: lines share no cookies");
        let _ = self.notes.take_names();
        let examples = examples::read(table);
        let told = self.notes.take_names();
        effects::examples(table, check::log::Log::KIND);
        let read = Lines::read(table);
        let real = table.word("rehearse", &[("simulated", false), ("real", true)]).unwrap_or(false);
        let place = Place { span: table.span, called: format!("stream {slug}"), ..Place::default() };
        let spec = read.map(|tail| Spec::Tail(Box::new(tail)));
        let (deadline, text) = (None, Arc::from(""));
        let body = Body { kind: check::log::Log::KIND, spec, examples, place, told, deadline, text, real };
        let names = self.names.clone();
        let owner = ItemId::new(format!("stream.{slug}"));
        if let Some(spec) = self.enter(owner, body, &names, &Scope::default(), None, false) {
            let after = after.and_then(|draft| draft.copies.last()).map(|(_, id)| id.clone());
            self.plan.streams.push(Stream {
                id: StreamId::new(slug),
                title: title.to_owned(),
                spec,
                session: None,
                after,
            });
        }
    }

    fn draft_of<'d>(&self, after: &Placed<String>, drafts: &'d [Draft]) -> Option<&'d Draft> {
        let found = drafts.iter().find(|draft| draft.slug.value == after.value);
        if found.is_none() {
            let message = format!("there is no item `{}`", printable(&after.value));
            let wrong = Diagnostic::error("unknown-item", after.span, message);
            let near = nearest(&after.value, drafts.iter().map(|draft| draft.slug.value.as_str()));
            let label = near.map_or_else(|| "not in this plan".to_owned(), |near| format!("did you mean `{near}`?"));
            self.notes.report(wrong.label(label));
        }
        found
    }

    fn open_tails(&mut self, slug: &str, title: &str, body: &Body, session: Option<usize>, after: Option<&Draft>) {
        let after_for = |key: Option<&String>| {
            let copies = &after?.copies;
            let paired = copies.iter().find(|(theirs, _)| theirs.as_ref() == key);
            paired.or(copies.last()).map(|(_, id)| id.clone())
        };
        let (names, tails): (Names, Vec<Tail>) = match session {
            None => (self.names.clone(), vec![(None, Scope::default(), None, after_for(None))]),
            Some(index) => {
                let session = &self.sessions[index];
                let tail = |(id, key, scope): (SessionId, Option<String>, Scope)| {
                    let after = after_for(key.as_ref());
                    (key, scope, Some(id), after)
                };
                (session.names.clone(), session.each().into_iter().map(tail).collect())
            }
        };
        let used = self.notes.take_names();
        for (index, (key, scope, session, after)) in tails.into_iter().enumerate() {
            let id = ItemId::keyed(slug, key.as_deref());
            let owner = ItemId::new(format!("stream.{id}"));
            if index == 0 {
                used.iter().for_each(|(name, span)| self.notes.uses(name.as_str(), *span));
            }
            if let Some(spec) = self.enter(owner, body.copy(), &names, &scope, session.clone(), index > 0) {
                let id = StreamId::new(id.as_str());
                self.plan.streams.push(Stream { id, title: title.to_owned(), spec, session, after });
            }
        }
    }
}
