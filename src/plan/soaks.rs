//! `[phase.item.soak]`: objectives that hold for a continuous time. Objectives stand in the file after the phases,
//! so what a soak names is looked up once all of it was read.

use std::time::Duration;

use super::reader::Reader;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::base::text::printable;
use crate::launch::id::ObjectiveId;
use crate::launch::plan::{Act, Objective};
use crate::launch::soak::{MAX_GAP, Soak};

/// A soak as written: what can be held against the objectives only later.
#[derive(Debug)]
pub(super) struct Asked {
    objectives: Vec<Placed<String>>,
    lasts: Option<Placed<Duration>>,
}

impl<'a> Reader<'a> {
    pub(super) fn read_soak(&mut self, item: &Table<'a>) -> Option<Act> {
        let soak = item.table("soak")?;
        if !soak.has("objectives") {
            soak.missing("objectives", "`objectives = [\"errors\"]`");
        }
        if !soak.has("for") {
            soak.missing("for", "`for = \"48h\"`");
        }
        let objectives = soak.texts("objectives");
        if soak.has("objectives") && soak.is_empty_list("objectives") {
            let span = soak.any("objectives").map_or(soak.span, |placed| placed.span);
            soak.wrong_value(span, "a soak of no objectives holds whatever happens");
        }
        for (at, asked) in objectives.iter().enumerate() {
            if let Some(first) = objectives[..at].iter().find(|first| first.value == asked.value) {
                let wrong = Diagnostic::error("duplicate-id", asked.span, format!("`{}` twice", printable(&asked.value)));
                self.notes.report(wrong.label("again here").also(first.span, "first here"));
            }
        }
        let span = |key: &'static str| {
            let value = self.span_over_zero(&soak, key)?;
            Some(Placed { value, span: soak.any(key).map_or(soak.span, |placed| placed.span) })
        };
        let (lasts, max_gap, deadline) = (span("for"), span("max_gap"), span("deadline"));
        soak.finish();
        self.check_spans(lasts.as_ref(), max_gap.as_ref(), deadline.as_ref());
        let long = lasts.as_ref().map_or(Duration::ZERO, |placed| placed.value);
        let act = Act::Soak(Soak {
            objectives: objectives.iter().map(|asked| ObjectiveId::new(&asked.value)).collect(),
            lasts: long,
            max_gap: max_gap.map_or(MAX_GAP.min(long), |placed| placed.value),
            deadline: deadline.map(|placed| placed.value),
        });
        self.soaks.push(Asked { objectives, lasts });
        Some(act)
    }

    fn check_spans(
        &self,
        lasts: Option<&Placed<Duration>>,
        max_gap: Option<&Placed<Duration>>,
        deadline: Option<&Placed<Duration>>,
    ) {
        let Some(lasts) = lasts else { return };
        let long = humantime::format_duration(lasts.value);
        if let Some(gap) = max_gap.filter(|gap| gap.value > lasts.value) {
            let message = format!("a hole of {} is longer than the whole {long}", humantime::format_duration(gap.value));
            let wrong = Diagnostic::error("wrong-value", gap.span, message).label("longer than `for`");
            self.notes.report(wrong.also(lasts.span, "`for`").help("a hole earns nothing: let it be a small part"));
        }
        if let Some(deadline) = deadline.filter(|deadline| deadline.value < lasts.value) {
            let message = format!("{} are over before {long} can be", humantime::format_duration(deadline.value));
            let wrong = Diagnostic::error("wrong-value", deadline.span, message).label("shorter than `for`");
            self.notes.report(wrong.also(lasts.span, "`for`").help("leave room for what begins the time anew"));
        }
    }

    /// After every table was read: that each objective is there, and is evaluated in the time it must hold.
    pub(super) fn resolve_soaks(&self) {
        let all = &self.plan.objectives;
        for asked in &self.soaks {
            for name in &asked.objectives {
                match all.iter().find(|known| known.id.as_str() == name.value) {
                    None => self.unknown_objective(name),
                    Some(known) => asked.lasts.iter().for_each(|lasts| self.is_evaluated(known, lasts, name.span)),
                }
            }
        }
    }

    fn unknown_objective(&self, name: &Placed<String>) {
        let message = format!("there is no objective `{}`", printable(&name.value));
        let wrong = Diagnostic::error("unknown-objective", name.span, message);
        let known = self.plan.objectives.iter().map(|known| known.id.as_str());
        self.notes.report(match nearest(&name.value, known) {
            Some(near) => wrong.label(format!("did you mean `{near}`?")),
            None => wrong.label("not an `[[objective]]` of this plan"),
        });
    }

    fn is_evaluated(&self, objective: &Objective, lasts: &Placed<Duration>, named: Span) {
        if lasts.value >= objective.evaluate_every {
            return;
        }
        let [long, every] = [lasts.value, objective.evaluate_every].map(humantime::format_duration);
        let message = format!("{long} are over before objective `{}` is evaluated, every {every}", objective.id);
        let wrong = Diagnostic::error("wrong-value", lasts.span, message).label("shorter than one evaluation");
        self.notes.report(wrong.also(named, "evaluated less often").help("a longer `for`"));
    }
}
