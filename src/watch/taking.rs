//! What signals take out of the lines of one stream, sample by sample. It keeps no line.

use super::outlet::Outlet;
use super::point::{Intake, Point, Taken};
use super::signals;
use crate::base::jq::Jq;
use crate::base::secret::Redactor;
use crate::base::template::Scope;
use crate::kind::check::log::lines::Line;
use crate::kind::exchange::shown;
use crate::kind::tail::{Sampled, Take};
use crate::launch::verdict::Verdict;

/// Columns of a reason that is shown.
const WHY: usize = 300;

/// Who takes what, and where it goes.
pub(super) struct Taking {
    pub takes: Vec<Take>,
    pub intake: Intake,
    pub outlet: Outlet,
    pub scope: Scope,
    pub jq: Jq,
    pub redactor: Redactor,
}

impl Taking {
    /// Takes from one event of a stream, or one line without its break.
    pub(super) async fn text(&self, text: &str, error: bool) {
        if self.takes.is_empty() {
            return;
        }
        if let Some(line) = Line::of(0, text) {
            self.line(&line, error).await;
        }
    }

    pub(super) async fn line(&self, line: &Line, error: bool) {
        // A line has no clock of its own that could be believed: it was so when it came.
        for take in &self.takes {
            let Some(sampled) = take.of(line, error, &self.scope, &self.jq).await else { continue };
            let at = self.intake.now();
            let (taken, number, why) = match sampled {
                Sampled::Number(value) => {
                    let instance = take.instance.as_deref().map(|whose| shown(whose, WHY, &self.redactor).into());
                    (Taken::Number { value, instance, samples: None }, Some(value), None)
                }
                Sampled::Ended { failed, took } => {
                    let verdict = if failed { Verdict::Fail } else { Verdict::Pass };
                    let number = (!took.is_zero()).then(|| took.as_secs_f64() / take.unit.in_base());
                    (Taken::Look { verdict, took }, number, None)
                }
                Sampled::Nothing(why) => (Taken::Nothing, None, Some(shown(&why, WHY, &self.redactor))),
            };
            self.intake.take(&take.signal, Point { at, taken, generated: false });
            self.outlet.show(|live| {
                let view = live.signals.entry(take.signal.clone()).or_default();
                let now = crate::clock::wall();
                signals::show(view, number.map(|number| (now, number)), why, now);
            });
        }
    }
}
