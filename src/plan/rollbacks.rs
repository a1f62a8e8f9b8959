//! `[[rollback]]`: a named procedure with steps, a deadline and its own checks afterwards. Only the
//! checks turn it green, so a rollback without any is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use super::items::timeout_of;
use super::phases::Slugs;
use super::reader::{Body, Reader, shown};
use super::{effects, lint};
use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Placed, Table};
use crate::base::template::Scope;
use crate::kind::check::Check;
use crate::kind::check::http::Http;
use crate::kind::step::Step;
use crate::kind::{Kind, check, step};
use crate::launch::id::{ItemId, RoleId, RollbackId};
use crate::launch::plan::{Class, Confirm, Fallback, Power, Rollback, RollbackStep, Verify};

/// The time a rollback has where it says none.
const DEADLINE: Duration = Duration::from_secs(1_800);
/// How long a verify item is tried again where it says nothing.
const WITHIN: Duration = Duration::from_secs(60);

/// What a rollback may do: everything but a rollback against another place.
fn acts() -> Vec<Kind> {
    step::KINDS.iter().copied().filter(|kind| *kind != step::drill::Drill::KIND).collect()
}

impl<'a> Reader<'a> {
    pub(super) fn read_rollbacks(&mut self, root: &Table<'a>) {
        let mut ids = Slugs::new();
        let mut keys: BTreeMap<char, Span> = BTreeMap::new();
        for table in root.tables("rollback") {
            self.used.clear();
            let id = self.need_id(&table, "`id = \"frontend\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut ids, id);
            }
            let slug = id.map(|id| id.value).unwrap_or_default();
            let title = self.title(&table, &slug);
            let key = self.rollback_key(&table, &mut keys);
            let deadline = self.span_over_zero(&table, "deadline").unwrap_or(DEADLINE);
            let confirm = self.rollback_confirm(&table);
            let mut parts = Slugs::new();
            let steps = self.rollback_steps(&table, &slug, confirm, &mut parts);
            let verify = self.verify_items(&table, &slug, &mut parts);
            self.ready_checks(&table, &slug, &mut parts);
            table.finish();
            let id = RollbackId::new(slug);
            let key = key.unwrap_or('1');
            let uses = self.baseline_used();
            self.plan.rollbacks.push(Rollback { id, title, key, deadline, confirm, steps, verify, uses });
        }
        self.idle_approvers();
    }

    /// A power that no step ever asks for is one somebody relies on in vain.
    fn idle_approvers(&self) {
        let wanted = |role: &RoleId| {
            let mut steps = self.plan.rollbacks.iter().flat_map(|rollback| &rollback.steps);
            steps.any(|step| step.needs_approval.as_ref() == Some(role))
        };
        for (role, span) in self.approvers.iter().filter(|(role, _)| !wanted(role)) {
            let message = format!("`approve` has no effect: no rollback's step needs the approval of `{role}`");
            let idle = Diagnostic::warning("no-effect", *span, message);
            self.notes.report(idle.help(format!("a step says `needs_approval = \"{role}\"`")));
        }
    }

    /// The role whose second key a step needs: there, and with the power to turn it.
    fn needs_approval(&self, table: &Table<'_>) -> Option<RoleId> {
        let asked = table.text("needs_approval")?;
        if let Some(wrong) = self.unknown_role(&asked) {
            self.notes.report(wrong);
            return None;
        }
        let role = RoleId::new(&asked.value);
        let may = self.plan.role(&role).is_some_and(|role| role.may.contains(&Power::Approve));
        if !may {
            let message = format!("`{role}` may not approve");
            let wrong = Diagnostic::error("may-not-approve", asked.span, message).label("nobody could turn this key");
            self.notes.report(wrong.help(format!("give `[roles.{role}]` `may = [\"approve\"]`")));
        }
        Some(role)
    }

    /// `fallback`: a table of a step's kind, with a `timeout` of its own.
    fn fallback(
        &mut self,
        owner: &Table<'a>,
        step: &ItemId,
        class: Option<Class>,
        confirm: Confirm,
    ) -> Option<Fallback> {
        let table = owner.table("fallback")?;
        let timeout = self.span_over_zero(&table, "timeout");
        let body = self.body(&table, &acts(), &format!("the fallback of rollback step {step}"));
        let timeout = self.time_for(&table, timeout, body.as_ref());
        let names = self.names.clone();
        self.refuse_living(&table, body.as_ref());
        if let Some(body) = &body {
            self.check_class(owner, class, Some(body), &body.place.called);
            lint::command(&table, body.kind, confirm, &names, self.notes);
        }
        table.finish();
        let id = Fallback::of(step);
        let spec = self.enter(id.clone(), body?, &names, &Scope::default(), None, false)?;
        Some(Fallback { id, spec, timeout })
    }

    /// The timeout of a step: as said, or long enough for its own waits.
    fn time_for(&self, table: &Table<'_>, said: Option<Duration>, body: Option<&Body>) -> Duration {
        let least = body.map_or(Duration::ZERO, |body| body.least(&self.scope));
        self.enough(table, said, least);
        said.unwrap_or_else(|| body.map_or(Duration::ZERO, |body| timeout_of(body.kind, None, least)))
    }

    fn rollback_key(&self, table: &Table<'_>, keys: &mut BTreeMap<char, Span>) -> Option<char> {
        let Placed { value, span } = table.need_text("key", "`key = \"1\"`")?;
        let mut chars = value.chars();
        let (Some(key), None) = (chars.next().filter(char::is_ascii_alphanumeric), chars.next()) else {
            let message = format!("`{}` is no key: one letter or digit", crate::base::text::printable(&value));
            table.wrong_value(span, message);
            return None;
        };
        if let Some(first) = keys.insert(key, span) {
            let wrong = Diagnostic::error("duplicate-key", span, format!("`{key}` chooses two rollbacks"));
            self.notes.report(wrong.label("again here").also(first, "first here"));
        }
        Some(key)
    }

    /// A rollback is confirmed by a key or by typing; one that a slip of the finger starts is refused.
    fn rollback_confirm(&self, table: &Table<'_>) -> Confirm {
        let words: Vec<_> = Confirm::WORDS.into_iter().filter(|(_, confirm)| *confirm != Confirm::None).collect();
        table.word("confirm", &words).unwrap_or(Confirm::Key)
    }

    fn rollback_steps(
        &mut self,
        table: &Table<'a>,
        slug: &str,
        confirm: Confirm,
        parts: &mut Slugs,
    ) -> Vec<RollbackStep> {
        let tables = table.tables("step");
        if tables.is_empty() {
            let message = format!("the rollback `{slug}` has no step");
            self.notes.report(Diagnostic::error("empty-rollback", table.span, message).label("add [[rollback.step]]"));
        }
        tables.into_iter().filter_map(|table| self.rollback_step(table, slug, confirm, parts)).collect()
    }

    fn rollback_step(
        &mut self,
        table: Table<'a>,
        slug: &str,
        confirm: Confirm,
        parts: &mut Slugs,
    ) -> Option<RollbackStep> {
        let (id, part) = self.part(&table, slug, parts);
        effects::refuse(&table, "on_preempt", "on a rollback's step: nothing pre-empts a rollback");
        table.accept("on_preempt");
        let title = self.title(&table, &part);
        let timeout = self.span_over_zero(&table, "timeout");
        let by_hand = table.text("by_hand").map(|text| shown(&text)).unwrap_or_default();
        let class = table.word("class", &Class::WORDS);
        let needs_approval = self.needs_approval(&table);
        let body = self.body(&table, &acts(), &format!("rollback step {id}"));
        let timeout = self.time_for(&table, timeout, body.as_ref());
        self.check_class(&table, class, body.as_ref(), id.as_str());
        let names = self.names.clone();
        self.refuse_living(&table, body.as_ref());
        if let Some(body) = &body {
            lint::command(&table, body.kind, confirm, &names, self.notes);
        }
        // The step stands before its fallback in the catalogue, as in the file.
        let spec = body.and_then(|body| self.enter(id.clone(), body, &names, &Scope::default(), None, false));
        let fallback = self.fallback(&table, &id, class, confirm);
        table.finish();
        let class = class.unwrap_or(Class::Once);
        Some(RollbackStep { id, title, spec: spec?, class, timeout, by_hand, needs_approval, fallback })
    }

    fn verify_items(&mut self, table: &Table<'a>, slug: &str, parts: &mut Slugs) -> Vec<Verify> {
        let tables = table.tables("verify");
        if tables.is_empty() {
            let message = format!("the rollback `{slug}` has no verify item: nothing could tell that it worked");
            let wrong = Diagnostic::error("rollback-without-verify", table.span, message);
            self.notes.report(wrong.label("add [[rollback.verify]]").help("an exit code does not prove a rollback"));
        }
        tables.into_iter().filter_map(|table| self.verify_item(table, slug, parts)).collect()
    }

    fn verify_item(&mut self, table: Table<'a>, slug: &str, parts: &mut Slugs) -> Option<Verify> {
        let (id, part) = self.part(&table, slug, parts);
        let title = self.title(&table, &part);
        let timeout = self.span_over_zero(&table, "timeout");
        let within = self.span_over_zero(&table, "within").unwrap_or(WITHIN);
        let lasts = self.span_over_zero(&table, "for");
        let body = self.body(&table, check::KINDS, &format!("rollback check {id}"));
        if lasts.is_none() && body.as_ref().is_some_and(|body| body.kind == Http::KIND) {
            self.verified_at_once.push((RollbackId::new(slug), id.clone(), table.span));
        }
        table.finish();
        let names = self.names.clone();
        let body = body?;
        let timeout = timeout.unwrap_or_else(|| timeout_of(body.kind, body.deadline, Duration::ZERO));
        let spec = self.enter(id.clone(), body, &names, &Scope::default(), None, false)?;
        Some(Verify { id, title, spec, timeout, within, lasts: lasts.unwrap_or_default() })
    }

    /// The id of a step, a verify item or a ready check: `ROLLBACK/PART`.
    pub(super) fn part(&self, table: &Table<'_>, slug: &str, parts: &mut Slugs) -> (ItemId, String) {
        let id = self.need_id(table, "`id = \"redeploy\"`");
        if let Some(id) = &id {
            self.claim_slug(parts, id);
        }
        let part = id.map(|id| id.value).unwrap_or_default();
        (ItemId::new(format!("{slug}/{part}")), part)
    }
}
