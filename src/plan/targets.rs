//! `[target.ID]`: a place that a launch acts on, by the variables and secrets that are different there. `--env` chooses the
//! launch's own; a phase, an item, a session or a monitor may name another. And what stands on targets: drills, which run a rollback against one.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeValue;

use super::reader::Reader;
use super::secrets::Secret;
use super::vars::Var;
use crate::base::known::Wanted;
use crate::base::source::{Diagnostic, nearest};
use crate::base::table::{Placed, Table};
use crate::base::template::Scope;
use crate::base::text::printable;
use crate::kind::Spec;
use crate::kind::step::{self, drill::Drill};
use crate::launch::id::RollbackId;
use crate::launch::plan::Act;

/// What connecting, capturing that target's baseline and telling the end may take on top of the rollback's own
/// deadline.
const AROUND: std::time::Duration = std::time::Duration::from_secs(120);

/// A place as written: the variables and secrets that are different there.
#[derive(Debug)]
pub(super) struct Target {
    pub id: String,
    vars: BTreeMap<String, Var>,
    /// Where secrets come from that are other ones there.
    secrets: BTreeMap<String, Secret>,
}

impl<'a> Reader<'a> {
    /// Reads every target, and gives the variables the values they have at the one that was asked for, else at the
    /// plan's own environment. Stands after `[vars]`.
    pub(super) fn read_targets(&mut self, root: &Table<'a>) {
        root.learn("target", Wanted::Named);
        let known: BTreeSet<String> = match root.table("secrets") {
            Some(secrets) => secrets.keys().into_iter().map(|(name, _)| name.to_owned()).collect(),
            None => BTreeSet::new(),
        };
        if let Some(targets) = root.table("target") {
            for (id, _) in targets.keys() {
                let Some(target) = targets.table_named(id) else { continue };
                let vars = self.read_target(&target);
                let secrets = self.read_secrets_of(&target, &known);
                target.finish();
                self.targets.push(Target { id: id.to_owned(), vars, secrets });
            }
            targets.accept_all();
        }
        self.written_for = self.plan.environment.clone();
        self.choose_target(root);
        self.scope = self.values_at(&self.plan.environment.clone());
    }

    fn read_target(&mut self, target: &Table<'a>) -> BTreeMap<String, Var> {
        target.learn("vars", Wanted::Named);
        let mut found = BTreeMap::new();
        let Some(vars) = target.table("vars") else {
            if !target.has("vars") && !target.has("secrets") {
                target.missing("vars", "`vars = { api = \"https://…\" }`: what is different there");
            }
            return found;
        };
        for (name, span) in vars.keys() {
            if !self.vars.contains_key(name) {
                let message = format!("{} changes `{}`, which is no variable of [vars]", target.path, printable(name));
                let near = nearest(name, self.vars.keys().map(String::as_str));
                let wrong = Diagnostic::error("unknown-name", span, message);
                self.notes.report(wrong.label(near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default()));
                continue;
            }
            found.extend(self.var(&vars, name).map(|var| (name.to_owned(), var)));
        }
        vars.accept_all();
        found
    }

    /// The secrets of a target, each one of `known`.
    fn read_secrets_of(&mut self, target: &Table<'a>, known: &BTreeSet<String>) -> BTreeMap<String, Secret> {
        target.learn("secrets", Wanted::Named);
        let Some(secrets) = target.table("secrets") else { return BTreeMap::new() };
        let mut found = BTreeMap::new();
        for (name, span) in secrets.keys() {
            if known.contains(name) {
                found.extend(self.read_secret(name, &secrets).map(|secret| (name.to_owned(), secret)));
                continue;
            }
            let message = format!("{} changes `{}`, which is no secret of [secrets]", target.path, printable(name));
            let near = nearest(name, known.iter().map(String::as_str));
            let wrong = Diagnostic::error("unknown-name", span, message);
            self.notes.report(wrong.label(near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default()));
        }
        secrets.accept_all();
        found
    }

    /// Where the secret `name` of [secrets] comes from at a target, where that is another place.
    pub(super) fn secret_at(&self, target: &str, name: &str) -> Option<&Secret> {
        self.targets.iter().find(|known| known.id == target)?.secrets.get(name)
    }

    fn choose_target(&mut self, root: &Table<'_>) {
        let Some(asked) = self.options.target.clone() else { return };
        if self.is_target(&asked) {
            self.plan.environment.clone_from(&asked);
            self.plan.target = Some(asked);
            return;
        }
        let message = format!("no target `{}` in this plan, which is for `{}`", printable(&asked), self.written_for);
        let wrong = Diagnostic::error("unknown-target", root.span, message);
        let ids = self.targets.iter().map(|target| target.id.as_str()).collect::<Vec<_>>().join(", ");
        let help = if ids.is_empty() { "it has no [target.ID] at all".to_owned() } else { format!("it has {ids}") };
        self.notes.report(wrong.help(help));
    }

    /// A `[target.ID]`, or the environment that the plan is written for.
    fn is_target(&self, id: &str) -> bool {
        id == self.written_for || self.targets.iter().any(|target| target.id == id)
    }

    /// What the variables are at a target; as written where `[vars]` alone says it.
    fn values_at(&mut self, target: &str) -> Scope {
        let own = self.targets.iter().find(|known| known.id == target).map(|known| known.vars.clone());
        let mut vars = self.vars.clone();
        vars.extend(own.unwrap_or_default());
        let mut scope = Scope::default();
        for (name, var) in &vars {
            // Of what a target lacks the plan's own value has at least the form.
            let like = match self.vars.get(name) {
                Some(Var::Known(value)) if !value.is_null() => Some(value.clone()),
                Some(Var::Missing { default, .. }) => default.clone(),
                _ => None,
            };
            let value = self.value_of(name, var, like);
            scope.bind(name.as_str(), value);
        }
        // Those that are the same here stand in the scope already.
        let here = self.plan.environment.clone();
        let own = self.secrets.clone();
        for (name, secret) in own {
            let (there, at_home) = (self.secret_at(target, &name).cloned(), self.secret_at(&here, &name));
            if target != here && (there.is_some() || at_home.is_some()) {
                self.bind_secret(&name, &there.unwrap_or(secret), &mut scope);
            }
        }
        scope
    }

    /// The `target` of `owner`, where it names another place than the launch's own.
    pub(super) fn target_of(&self, owner: &Table<'a>) -> Option<Placed<String>> {
        let asked = owner.text("target")?;
        if !self.is_target(&asked.value) {
            self.notes.report(self.unknown_target(&asked));
            return None;
        }
        Some(asked)
    }

    /// From here on the variables have the values of `target`. What they were before, to be put back.
    pub(super) fn stand_at(&mut self, target: Option<&str>) -> Scope {
        let before = self.scope.clone();
        if let Some(target) = target.filter(|target| *target != self.plan.environment) {
            self.scope = before.with(&self.values_at(target));
        }
        before
    }

    /// Where an item, a monitor or a stream acts: what it says, else its phase; with a session it is where that is.
    pub(super) fn item_target(&self, table: &Table<'a>, of_phase: Option<&Placed<String>>) -> Option<String> {
        let own = self.target_of(table);
        let asked = own.as_ref().or(of_phase);
        let session = match table.any("session").map(|session| session.value) {
            Some(DeValue::String(slug)) => self.sessions.iter().find(|session| session.slug == *slug),
            _ => None,
        };
        let Some(session) = session else { return asked.map(|asked| asked.value.clone()) };
        let place = |target: Option<&String>| target.cloned().unwrap_or_else(|| self.plan.environment.clone());
        let stands = place(session.target.as_ref());
        if let Some(asked) = asked.filter(|asked| asked.value != stands) {
            let owner = if table.path.ends_with("item]") { "an item" } else { &table.path };
            let message = format!(
                "{owner} of session `{}`, which is at {}, and not at {}",
                session.slug,
                printable(&stands),
                printable(&asked.value)
            );
            let wrong = Diagnostic::error("two-targets", own.as_ref().map_or(table.span, |own| own.span), message);
            self.notes.report(wrong.help(format!("write `target = \"{}\"` at a session", printable(&asked.value))));
        }
        session.target.clone()
    }

    /// Holds each drill to the rollbacks and targets there are, and gives it the time its rollback has.
    pub(super) fn resolve_drills(&mut self) {
        let drills: Vec<(usize, Drill)> = self
            .catalogue
            .entries
            .iter()
            .enumerate()
            .filter_map(|(at, entry)| match &entry.spec {
                Spec::Step(step::Spec::Drill(drill)) => Some((at, drill.clone())),
                _ => None,
            })
            .collect();
        for (at, drill) in drills {
            self.check_target_of(&drill);
            // What it needs must be there before it is due; a gate and a rollback run none.
            if !self.options.without_secrets && self.is_target(&drill.target.value) {
                drop(self.values_at(&drill.target.value));
            }
            let id = RollbackId::new(drill.rollback.value.as_str());
            let Some(rollback) = self.plan.rollback(&id) else {
                let known = self.plan.rollbacks.iter().map(|rollback| rollback.id.as_str());
                let near = nearest(&drill.rollback.value, known);
                let message = format!("no rollback `{}` to drill", printable(&drill.rollback.value));
                let wrong = Diagnostic::error("unknown-name", drill.rollback.span, message);
                self.notes.report(wrong.label(near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default()));
                continue;
            };
            // What it is verified by is looked at before it begins, too.
            let looks = rollback.verify.iter().fold(AROUND, |time, check| time.saturating_add(check.timeout));
            let time = rollback.deadline.saturating_mul(2).saturating_add(looks);
            for item in self.plan.items.values_mut() {
                if matches!(item.act, Act::Step { spec, .. } if spec.0 == at)
                    && item.timeout == super::items::STEP_TIMEOUT
                {
                    item.timeout = time;
                }
            }
        }
    }

    fn check_target_of(&self, drill: &Drill) {
        let asked = &drill.target;
        // A rehearsal that is asked for a place touches nothing there.
        let rehearsed = self.options.rehearsal && self.options.target.is_some();
        if asked.value == self.plan.environment && !rehearsed && !self.options.no_launch {
            let message =
                format!("a drill against `{}`, which is where this plan is launched to", printable(&asked.value));
            let wrong = Diagnostic::error("drill-on-launch", asked.span, message).label("a drill needs another place");
            self.notes.report(wrong);
        } else if !self.targets.iter().any(|target| target.id == asked.value) {
            self.notes.report(self.unknown_target(asked));
        }
    }

    fn unknown_target(&self, asked: &Placed<String>) -> Diagnostic {
        let message = format!("no target `{}`: there is no [target.{0}]", printable(&asked.value));
        let near = nearest(&asked.value, self.targets.iter().map(|target| target.id.as_str()));
        let wrong = Diagnostic::error("unknown-target", asked.span, message);
        wrong.label(near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default())
    }
}
