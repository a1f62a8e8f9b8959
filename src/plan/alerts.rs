//! A trigger on an alert: the monitor that it implies, which asks the servers of a monitor of kind `alerts` that the
//! plan has for that one rule.

use std::sync::Arc;

use super::reader::{Place, Reader};
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::Placed;
use crate::base::text::printable;
use crate::kind::check::alerts::Alerts;
use crate::kind::example::Examples;
use crate::kind::{Entry, Spec, check};
use crate::launch::id::{ItemId, MonitorId};
use crate::launch::plan::{Monitor, SpecId};

impl Reader<'_> {
    /// The monitor of the alert `name`, entered where no trigger asked for it before. An alert has waited for its
    /// own `for` already, so the first look that sees it counts.
    pub(super) fn alert(&mut self, name: &str, span: Span, from: Option<&Placed<String>>) -> Option<MonitorId> {
        let fits = name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
        if !fits {
            let message =
                format!("`{}` is no name of an alert: letters, digits, `-`, `_`, `.` and `:`", printable(name));
            self.notes.report(Diagnostic::error("wrong-value", span, message));
            return None;
        }
        let from = self.asks_for_alerts(span, from)?;
        let id = MonitorId::new(format!("alert.{name}"));
        if let Some((_, by)) = self.alerts_implied.iter().find(|(known, _)| *known == id) {
            if *by == from.id {
                return Some(id);
            }
            let message = format!("two triggers ask `{by}` and `{}` for the alert `{name}`", from.id);
            let wrong = Diagnostic::error("wrong-value", span, message);
            self.notes
                .report(wrong.help("one of them; or a monitor of kind `alerts` with `not_firing`, and its `down`"));
            return None;
        }
        if self.plan.monitors.iter().any(|known| known.id == id) {
            let message = format!("a monitor is called `{id}` already");
            self.notes
                .report(Diagnostic::error("duplicate-id", span, message).label("the trigger makes one of that name"));
            return None;
        }
        let spec = self.one_rule(name, &from, span)?;
        let (title, fails_after) = (format!("Alert {name}"), 0);
        let (items, ready_for) = (Vec::new(), None);
        let Monitor { every, timeout, id: by, .. } = from;
        self.plan.monitors.push(Monitor { id: id.clone(), title, spec, every, timeout, fails_after, items, ready_for });
        self.alerts_implied.push((id.clone(), by));
        Some(id)
    }

    /// The monitor of the plan that knows whom to ask.
    fn asks_for_alerts(&self, span: Span, named: Option<&Placed<String>>) -> Option<Monitor> {
        let implied = |id: &MonitorId| self.alerts_implied.iter().any(|(known, _)| known == id);
        let all = self.plan.monitors.iter().filter(|monitor| !implied(&monitor.id));
        let all: Vec<&Monitor> = all.filter(|monitor| self.alerts_of(monitor.spec).is_some()).collect();
        let (found, at) = match named {
            Some(named) => {
                let known: Vec<String> = all.iter().map(|monitor| format!("monitor.{}", monitor.id)).collect();
                let Some(at) = known.iter().position(|known| *known == named.value) else {
                    let message = format!("there is no monitor of kind `alerts` for `{}`", printable(&named.value));
                    let wrong = Diagnostic::error("unknown-monitor", named.span, message);
                    let near = nearest(&named.value, known.iter().map(String::as_str));
                    let label = near.map_or("not in this plan".to_owned(), |near| format!("did you mean `{near}`?"));
                    self.notes.report(wrong.label(label));
                    return None;
                };
                (all[at], named.span)
            }
            None => match all.as_slice() {
                [one] => (*one, span),
                [] => {
                    let wrong = Diagnostic::error("unknown-monitor", span, "no monitor of this plan asks for alerts");
                    let help =
                        "a `[[monitor]]` with an `alerts` table that names `prometheus`: the trigger asks there too";
                    self.notes.report(wrong.label("whom to ask?").help(help));
                    return None;
                }
                _ => {
                    let wrong = Diagnostic::error("wrong-value", span, "several monitors of this plan ask for alerts");
                    let help = format!("say which: `alerts = \"monitor.{}\"`", all[0].id);
                    self.notes.report(wrong.label("whom to ask?").help(help));
                    return None;
                }
            },
        };
        if self.alerts_of(found.spec).is_some_and(|alerts| alerts.asking_for("any").is_none()) {
            let message = format!("monitor `{}` asks no Prometheus: that nothing rings proves nothing there", found.id);
            let wrong = Diagnostic::error("wrong-value", at, message);
            self.notes
                .report(wrong.help("name `prometheus` in its `alerts` table: the rule must be loaded and healthy"));
            return None;
        }
        Some(found.clone())
    }

    fn alerts_of(&self, spec: SpecId) -> Option<&Alerts> {
        match &self.catalogue.get(spec)?.spec {
            Spec::Check(check::Spec::Alerts(alerts)) => Some(alerts),
            _ => None,
        }
    }

    /// Enters the question for one rule. Everybody who asks there is told of it in examples: one simulated server
    /// answers all.
    fn one_rule(&mut self, name: &str, from: &Monitor, span: Span) -> Option<SpecId> {
        let known = self.catalogue.get(from.spec)?;
        let mut alone = self.alerts_of(from.spec)?.asking_for(name)?;
        let others = self.alerts_implied.iter().filter(|(_, by)| *by == from.id);
        let others: Vec<MonitorId> = others.map(|(id, _)| id.clone()).collect();
        let rules = others.iter().filter_map(|id| id.as_str().strip_prefix("alert."));
        rules.for_each(|rule| alone.tells_too(rule));
        let entry = Entry {
            owner: ItemId::new(format!("monitor.alert.{name}")),
            spec: Spec::Check(check::Spec::Alerts(alone)),
            examples: Examples { good: known.examples.good.clone(), ..Examples::default() },
            ..Entry::clone(known)
        };
        let askers = self.plan.monitors.iter().filter(|known| others.contains(&known.id));
        let askers: Vec<SpecId> = askers.map(|monitor| monitor.spec).chain([from.spec]).collect();
        for asker in askers {
            self.tell_too(asker, name);
        }
        // It is no check of the plan's own words, so there is nothing of them to try.
        self.places.push(Place { span, called: format!("the alert {name}"), repeats: true, ..Place::default() });
        Some(self.catalogue.add(entry))
    }

    fn tell_too(&mut self, spec: SpecId, rule: &str) {
        if let Some(slot) = self.catalogue.entries.get_mut(spec.0)
            && let Spec::Check(check::Spec::Alerts(alerts)) = &slot.spec
        {
            let mut told = alerts.clone();
            told.tells_too(rule);
            *slot = Arc::new(Entry { spec: Spec::Check(check::Spec::Alerts(told)), ..Entry::clone(slot) });
        }
    }
}
