//! `[session.ID]`: what HTTP items share. One session per value of its `for_each`; its items run in the
//! order of the file, and what they capture has a value only for those after them.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Names, Stands};
use super::reader::Reader;
use super::vars::Repeat;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::base::template::{Scope, Template};
use crate::base::text::printable;
use crate::kind::request::{Auth, Files, auth_of, headers_of, tls_of};
use crate::kind::session::SessionPlan;
use crate::launch::id::SessionId;

/// A session as written, with the names its items have captured so far.
#[derive(Debug, Clone)]
pub(super) struct SessionDraft {
    pub slug: String,
    pub repeat: Option<Repeat>,
    pub names: Names,
    /// `names` before any item captured something.
    pub bare: Names,
    /// Where it is, where that is not where the launch is.
    pub target: Option<String>,
    /// Names that its own table uses.
    pub used: BTreeSet<String>,
    /// The names as they are there.
    scope: Scope,
    base: Option<Template>,
    headers: Vec<(String, Template)>,
    cookies: bool,
    auth: Auth,
    tls: Option<Files>,
}

impl SessionDraft {
    /// Each of its sessions: the id, the value it is for, and the scope that binds that value.
    pub fn each(&self) -> Vec<(SessionId, Option<String>, Scope)> {
        each(self.repeat.as_ref())
            .into_iter()
            .map(|(key, scope)| (SessionId::keyed(&self.slug, key.as_deref()), key, scope))
            .collect()
    }
}

/// Once, or once per value.
pub(super) fn each(repeat: Option<&Repeat>) -> Vec<(Option<String>, Scope)> {
    match repeat {
        None => vec![(None, Scope::default())],
        Some(repeat) => repeat.scopes().map(|(key, scope)| (Some(key), scope)).collect(),
    }
}

impl Reader<'_> {
    /// Whether a path can stand behind the base of this session.
    pub(super) fn has_base(&self, id: &SessionId) -> bool {
        let all = self.sessions.iter().chain(&self.of_monitors);
        let mut of = all.filter(|session| session.each().iter().any(|(each, ..)| each == id));
        of.any(|session| session.base.is_some())
    }
}

impl<'a> Reader<'a> {
    pub(super) fn read_sessions(&mut self, root: &Table<'a>) {
        let Some(sessions) = root.table("session") else { return };
        for (slug, span) in sessions.keys() {
            let Some(session) = sessions.table_named(slug) else { continue };
            self.read_session(slug, span, session);
        }
        sessions.accept_all();
    }

    fn read_session(&mut self, slug: &str, span: Span, session: Table<'a>) {
        let _ = self.notes.take_names();
        let target = self.target_of(&session).map(|target| target.value);
        let launch = self.stand_at(target.as_deref());
        let repeat = self.read_repeat(&session);
        let scope = std::mem::replace(&mut self.scope, launch);
        let mut names = self.names.clone();
        if let Some(repeat) = &repeat {
            names.bind(&repeat.name, repeat.span, Stands::Key, self.notes);
        }
        let base = session.template("base");
        let headers = headers_of(&session);
        let cookies = session.flag("cookies").unwrap_or(false);
        let auth = auth_of(&session, &headers, false);
        let tls = tls_of(&session);
        session.finish();
        let used = self.notes.take_names();
        names.check(&used, self.source, self.notes);
        let used = used.into_iter().map(|(name, _)| name).collect();
        if slug.contains(['[', ']']) || slug.is_empty() || printable(slug) != slug {
            self.notes.report(Diagnostic::error("wrong-value", span, "the name of a session holds no brackets"));
        }
        let bare = names.clone();
        self.sessions.push(SessionDraft {
            slug: slug.to_owned(),
            repeat,
            names,
            bare,
            target,
            used,
            scope,
            base,
            headers,
            cookies,
            auth,
            tls,
        });
    }

    /// Which session of the plan `owner` names; reports one that does not exist.
    pub(super) fn session_of(&self, owner: &Table<'a>) -> Result<Option<usize>, ()> {
        let Some(asked) = owner.text("session") else { return Ok(None) };
        if let Some(found) = self.sessions.iter().position(|session| session.slug == asked.value) {
            return Ok(Some(found));
        }
        self.notes.report(self.unknown_session(&asked));
        Err(())
    }

    fn unknown_session(&self, asked: &Placed<String>) -> Diagnostic {
        let message = format!("there is no session `{}`", printable(&asked.value));
        let wrong = Diagnostic::error("unknown-session", asked.span, message);
        match nearest(&asked.value, self.sessions.iter().map(|session| session.slug.as_str())) {
            Some(near) => wrong.label(format!("did you mean `{near}`?")),
            None => wrong.label("no [session] table of this name"),
        }
    }

    /// Every session of the plan, for the catalogue.
    pub(super) fn session_plans(&self) -> BTreeMap<SessionId, SessionPlan> {
        let plan = |session: &SessionDraft, scope: &Scope| SessionPlan {
            base: session.base.clone(),
            headers: session.headers.clone(),
            cookies: session.cookies,
            auth: session.auth.clone(),
            tls: session.tls.clone(),
            scope: session.scope.with(scope),
        };
        self.sessions
            .iter()
            .chain(&self.of_monitors)
            .flat_map(|session| session.each().into_iter().map(|(id, _, scope)| (id, plan(session, &scope))))
            .collect()
    }
}
