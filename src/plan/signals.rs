//! Signals that look at a monitor: that it is there, that it can bring the samples asked for, and that it runs
//! where they are judged.

use std::collections::BTreeSet;

use super::reader::Reader;
use crate::base::source::{Diagnostic, nearest};
use crate::kind::check::signal::{Signal, Source, Watched};
use crate::kind::{Spec, check};
use crate::launch::live::SAMPLES_KEPT;
use crate::launch::plan::SpecId;

impl Reader<'_> {
    /// After every table that may hold a check.
    pub(super) fn check_signals(&self) {
        let verify = self.plan.rollbacks.iter().flat_map(|rollback| &rollback.verify).map(|verify| verify.spec);
        let verify: BTreeSet<SpecId> = verify.collect();
        for (at, entry) in self.catalogue.entries.iter().enumerate() {
            if let Spec::Step(step) = &entry.spec {
                step.checks(&entry.scope).into_iter().for_each(|(check, _)| self.judged_inside(&check));
            }
            let Spec::Check(check::Spec::Signal(signal)) = &entry.spec else { continue };
            let Source::Monitor(watched) = &signal.source else { continue };
            let wrong = |what: String| Diagnostic::error("wrong-value", watched.span, what);
            let its_own = entry.owner.as_str() == format!("monitor.{}", watched.monitor);
            let found = if its_own {
                Some(wrong(format!("monitor `{}` judges itself", watched.monitor)))
            } else if verify.contains(&SpecId(at)) {
                let wrong = wrong("no monitor runs where a rollback is verified".to_owned());
                Some(wrong.help("ask for the number itself: `promql`, `json`, or a check"))
            } else {
                self.reaches(signal, watched)
            };
            found.into_iter().for_each(|found| self.notes.report(found));
        }
    }

    /// A step acts in a process of its own, where no monitor runs.
    fn judged_inside(&self, check: &check::Spec) {
        let check::Spec::Signal(Signal { source: Source::Monitor(watched), .. }) = check else { return };
        let wrong = Diagnostic::error("wrong-value", watched.span, "no monitor runs inside a step");
        self.notes.report(wrong.help("ask for the number itself: `promql`, `json`, or a check"));
    }

    /// Whether the monitor can bring as many samples as are asked for.
    fn reaches(&self, signal: &Signal, watched: &Watched) -> Option<Diagnostic> {
        let all = &self.plan.monitors;
        let Some(monitor) = all.iter().find(|monitor| monitor.id == watched.monitor) else {
            let wrong = format!("no monitor `{}`", watched.monitor);
            let wrong = Diagnostic::error("unknown-monitor", watched.span, wrong);
            return Some(match nearest(watched.monitor.as_str(), all.iter().map(|monitor| monitor.id.as_str())) {
                Some(near) => wrong.label(format!("did you mean `monitor.{near}`?")),
                None => wrong.label("not a monitor of this plan"),
            });
        };
        let (window, least) = (signal.window?, signal.min_samples?);
        let (long, every) = (humantime::format_duration(window), humantime::format_duration(monitor.every));
        let most = window.as_nanos() / monitor.every.as_nanos().max(1);
        if most < u128::from(least) {
            let message = format!("{least} samples never come in {long}: monitor `{}` looks every {every}", monitor.id);
            let wrong = Diagnostic::error("too-few-samples", signal.samples_at, message);
            return Some(
                wrong.label(format!("{most} at most")).help("a longer `window`, or a monitor that looks more often"),
            );
        }
        if most > SAMPLES_KEPT as u128 {
            let message = format!("{long} of monitor `{}` are {most} samples: {SAMPLES_KEPT} are kept", monitor.id);
            return Some(Diagnostic::error("wrong-value", watched.span, message).help("a shorter `window`"));
        }
        None
    }
}
