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
                let wrong =
                    Diagnostic::error("duplicate-id", asked.span, format!("`{}` twice", printable(&asked.value)));
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
            let message =
                format!("a hole of {} is longer than the whole {long}", humantime::format_duration(gap.value));
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
                    Some(known) => asked.lasts.iter().for_each(|lasts| self.is_evaluated(known, lasts, name.span)),
                    // What is wrong with it was told at its own place.
                    None if self.objectives_seen.contains(&ObjectiveId::new(&name.value)) => {}
                    None => self.unknown_objective(name),
                }
            }
        }
    }

    fn unknown_objective(&self, name: &Placed<String>) {
        let message = format!("there is no objective `{}`", printable(&name.value));
        let wrong = Diagnostic::error("unknown-objective", name.span, message);
        let known = self.objectives_seen.iter().map(ObjectiveId::as_str);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Source;
    use crate::plan::{Environment, Options, load};

    const AROUND: &str = "[[monitor]]\nid = \"api\"\nevery = \"1s\"\nhttp = { get = \"https://a.example\" }\n\
        [[objective]]\nid = \"errors\"\nsignal = \"monitor.api\"\nthat = \"error_rate <= 5%\"\nwindow = \"60s\"\n\
        evaluate_every = \"30s\"\nmin_samples = 20\n[[criterion]]\nid = \"quiet\"\ngo = \"It was quiet\"\n\
        stage = \"observed\"\nitems = [\"i\"]\n";

    fn soak(body: &str) -> Result<Act, String> {
        let text = format!(
            "[plan]\nschema = 1\nid = \"x\"\ntitle = \"X\"\n[[phase]]\nid = \"p\"\nat = \"T-0\"\n[[phase.item]]\nid = \
             \"i\"\n{body}{AROUND}"
        );
        let source = Source::new("x.toml", text);
        match load(source.clone(), &Environment::of_process(), &Options { rehearsal: true, ..Options::default() }) {
            Ok(loaded) => Ok(loaded.plan.items.values().next().expect("one").act.clone()),
            Err(mistakes) => Err(source.render(&mistakes, false)),
        }
    }

    fn spans(lasts: u64, max_gap: u64, deadline: Option<u64>) -> Act {
        let of = Duration::from_secs;
        let objectives = vec![ObjectiveId::new("errors")];
        Act::Soak(Soak { objectives, lasts: of(lasts), max_gap: of(max_gap), deadline: deadline.map(of) })
    }

    #[test]
    fn a_soak_reads_and_a_hole_is_5_minutes_at_most_unless_it_says_so() {
        for (keys, read) in [
            ("for = \"48h\"", spans(48 * 3_600, 300, None)),
            ("for = \"1m\"", spans(60, 60, None)),
            ("for = \"5m\"\nmax_gap = \"30s\"\ndeadline = \"5m\"", spans(300, 30, Some(300))),
        ] {
            let body = format!("[phase.item.soak]\nobjectives = [\"errors\"]\n{keys}\n");
            assert_eq!(soak(&body), Ok(read), "{keys}");
        }
    }

    #[test]
    fn every_mistake_is_told_at_its_place() {
        let table = |objectives: &str, rest: &str| format!("[phase.item.soak]\n{objectives}\n{rest}\n");
        let known = "objectives = [\"errors\"]";
        let whole = |rest: &str| format!("{rest}\n{}", table(known, "for = \"48h\""));
        for (body, told) in [
            (table("objectives = [\"erors\"]", "for = \"48h\""), "did you mean `errors`?"),
            (table("objectives = [\"latency-of-search\"]", "for = \"48h\""), "not an `[[objective]]` of this plan"),
            (table("objectives = []", "for = \"48h\""), "holds whatever happens"),
            (table("objectives = [\"errors\", \"errors\"]", "for = \"48h\""), "`errors` twice"),
            (table("objectives = \"errors\"", "for = 48"), "must be a string"),
            (table("", "for = \"48h\""), "`objectives = "),
            (table(known, ""), "`for = \"48h\"`"),
            (table(known, "for = \"0s\""), "longer than 0s"),
            (table(known, "for = \"20s\""), "20s are over before objective `errors` is evaluated, every 30s"),
            (table(known, "for = \"1m\"\nmax_gap = \"2m\""), "a hole of 2m is longer than the whole 1m"),
            (table(known, "for = \"1h\"\ndeadline = \"59m\""), "59m are over before 1h can be"),
            (table(known, "for = \"1h\"\ngap = \"1m\""), "unknown key `gap`"),
            (whole("class = \"once\""), "only a step repeats or not"),
            (whole("every = \"daily\""), "it goes on by itself until it is through"),
            (whole("retries = 1"), "only a check is tried again"),
            (whole("timeout = \"1m\""), "nothing is asked or run"),
        ] {
            let wrong = soak(&body).expect_err(&body);
            assert!(wrong.contains(told) && wrong.contains("x.toml:"), "{told}\n{wrong}");
        }
    }
}
