//! `[target.ID]`: another place than the plan's own environment, by the variables that are different there.
//! And what stands on targets: drills, which run a rollback against one.

use toml::de::DeValue;

use super::reader::Reader;
use crate::base::known::Wanted;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table, plain_value};
use crate::base::text::printable;
use crate::kind::Spec;
use crate::kind::step::{self, drill::Drill};
use crate::launch::id::RollbackId;
use crate::launch::plan::Act;

/// What connecting, capturing that target's baseline and telling the end may take on top of the rollback's own
/// deadline.
const AROUND: std::time::Duration = std::time::Duration::from_secs(120);

impl<'a> Reader<'a> {
    /// Reads every target, and takes over the variables of the one that was asked for. Stands after `[vars]`.
    pub(super) fn read_targets(&mut self, root: &Table<'a>) {
        root.learn("target", Wanted::Named);
        let mut known = Vec::new();
        if let Some(targets) = root.table("target") {
            for (id, span) in targets.keys() {
                let Some(target) = targets.table_named(id) else { continue };
                let chosen = self.options.target.as_deref() == Some(id);
                self.read_target(&target, chosen);
                target.finish();
                known.push((id.to_owned(), span));
            }
            targets.accept_all();
        }
        self.choose_target(root, &known);
        self.targets = known.into_iter().map(|(id, _)| id).collect();
    }

    fn read_target(&mut self, target: &Table<'a>, chosen: bool) {
        target.learn("vars", Wanted::Named);
        let Some(vars) = target.table("vars") else {
            if !target.has("vars") {
                target.missing("vars", "`vars = { api = \"https://…\" }`: what is different there");
            }
            return;
        };
        for (name, span) in vars.keys() {
            let Some(placed) = vars.any(name) else { continue };
            if self.scope.get(name).is_err() {
                let known: Vec<String> = self.scope.iter().map(|(name, _)| name.to_owned()).collect();
                let message = format!("{} changes `{}`, which is no variable of [vars]", target.path, printable(name));
                let near = nearest(name, known.iter().map(String::as_str));
                let wrong = Diagnostic::error("unknown-name", span, message);
                self.notes.report(wrong.label(near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default()));
                continue;
            }
            let value = match placed.value {
                DeValue::Table(_) => vars.table_named(name).and_then(|table| self.environment_var(name, table, chosen)),
                plain if !vars.fits(plain, placed.span) => None,
                plain => self.plain_var(name, &Placed { value: plain_value(plain), span: placed.span }),
            };
            if let (true, Some(value)) = (chosen, value) {
                self.scope.bind(name, value);
            }
        }
        vars.accept_all();
    }

    fn choose_target(&mut self, root: &Table<'_>, known: &[(String, Span)]) {
        let Some(asked) = self.options.target.clone() else { return };
        if known.iter().any(|(id, _)| *id == asked) {
            self.plan.environment = asked;
        } else if asked != self.plan.environment {
            let message =
                format!("no target `{}` in this plan, which is for `{}`", printable(&asked), self.plan.environment);
            let wrong = Diagnostic::error("unknown-target", root.span, message);
            let ids = known.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ");
            let help = if ids.is_empty() { "it has no [target.ID] at all".to_owned() } else { format!("it has {ids}") };
            self.notes.report(wrong.help(help));
        }
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
            let id = RollbackId::new(drill.rollback.value.as_str());
            let Some(rollback) = self.plan.rollback(&id) else {
                let known = self.plan.rollbacks.iter().map(|rollback| rollback.id.as_str());
                let near = nearest(&drill.rollback.value, known);
                let message = format!("no rollback `{}` to drill", printable(&drill.rollback.value));
                let wrong = Diagnostic::error("unknown-name", drill.rollback.span, message);
                self.notes.report(wrong.label(near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default()));
                continue;
            };
            let time = rollback.deadline.saturating_mul(2).saturating_add(AROUND);
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
        if asked.value == self.plan.environment && self.options.target.is_none() {
            let message =
                format!("a drill against `{}`, which is where this plan launches to", printable(&asked.value));
            let wrong = Diagnostic::error("drill-on-launch", asked.span, message).label("a drill needs another place");
            self.notes.report(wrong);
        } else if !self.targets.contains(&asked.value) {
            let near = nearest(&asked.value, self.targets.iter().map(String::as_str));
            let message =
                format!("no target `{}`: there is no [target.{}]", printable(&asked.value), printable(&asked.value));
            let wrong = Diagnostic::error("unknown-target", asked.span, message);
            self.notes.report(wrong.label(near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default()));
        }
    }
}
