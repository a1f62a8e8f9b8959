//! `expects` of an objective with `against`: what the canary is meant to see, and so how long it must run.

use std::time::Duration;

use super::effects;
use super::objectives::ObjectivePlace;
use super::reader::Reader;
use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Placed, Table};
use crate::base::text::printable;
use crate::launch::canary::{Expected, POWER, Size, size};
use crate::launch::id::ObjectiveId;
use crate::launch::plan::{Act, Beside, Objective};
use crate::launch::threshold::{Limit, Of};

/// What is usual where the plan says nothing: one in a thousand fails.
const USUAL: f64 = 0.001;
/// How far a window may reach.
const LONGEST_WINDOW: Duration = Duration::from_secs(86_400);

/// `expects`, as it is written.
#[derive(Debug, Clone)]
pub(super) struct Expects {
    usual: Option<f64>,
    sees: f64,
    sees_at: Span,
    /// Requests in a second, with what part of them goes to the canary.
    traffic: Option<(f64, f64)>,
    span: Span,
}

/// How long a canary of the plan must run.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    pub objective: ObjectiveId,
    pub expected: Expected,
    pub size: Size,
    /// As the objective says it, in thousandths of a percent.
    pub confidence: u32,
}

impl Canary {
    /// In words, for `tminus check`.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { objective, expected, size, confidence } = self;
        format!(
            "canary {objective}: to see {} beside {} takes {} samples of it and {} of its baseline, {} ({}% power, {} sure)",
            share(expected.sees),
            share(expected.usual),
            size.canary,
            size.baseline,
            humantime::format_duration(size.time),
            POWER * 100.0,
            share(f64::from(*confidence) / 100_000.0),
        )
    }
}

/// `2%`, `0.05%`.
fn share(of_one: f64) -> String {
    let text = format!("{:.3}", of_one * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

impl<'a> Reader<'a> {
    /// Reads `expects`; none where it is not there, or wrong.
    pub(super) fn expects(&self, table: &Table<'a>, against: bool) -> Option<Expects> {
        let inner = table.table("expects")?;
        if !against {
            effects::refuse(table, "expects", "without `against`: it says what a canary is meant to see");
        }
        let usual = self.share(&inner, "usual").map(|usual| usual.value);
        if !inner.has("sees") {
            inner.missing("sees", "`sees = \"2%\"`: the share of bad samples that must be noticed");
        }
        let sees = self.share(&inner, "sees");
        let traffic = self.per_second(&inner);
        let weight = self.share(&inner, "weight");
        let span = inner.span;
        if let Some(weight) = weight.as_ref().filter(|weight| !(weight.value > 0.0 && weight.value < 1.0)) {
            inner.wrong_value(weight.span, "a canary has some of the traffic, and its baseline the rest: `10%`");
        }
        if traffic.is_some() != weight.is_some() && inner.has("traffic") != inner.has("weight") {
            let (missing, what) =
                if weight.is_none() { ("weight", "`weight = \"10%\"`") } else { ("traffic", "`traffic = \"20/s\"`") };
            inner.missing(missing, what);
        }
        inner.finish();
        let sees = sees?;
        let traffic = traffic.zip(weight.map(|weight| weight.value).filter(|weight| *weight > 0.0 && *weight < 1.0));
        Some(Expects { usual, sees: sees.value, sees_at: sees.span, traffic, span })
    }

    fn share(&self, table: &Table<'_>, key: &'static str) -> Option<Placed<f64>> {
        let text = table.text(key)?;
        match Limit::parse(&text.value).ok().and_then(|limit| limit.thousandths()) {
            Some(thousandths) => Some(Placed { value: f64::from(thousandths) / 100_000.0, span: text.span }),
            None => {
                table.wrong_value(text.span, format!("`{}` is no share: `2%`, to 0.001%", printable(&text.value)));
                None
            }
        }
    }

    /// `traffic = "20/s"`, in a second.
    fn per_second(&self, table: &Table<'_>) -> Option<f64> {
        let text = table.text("traffic")?;
        let parsed = text.value.split_once('/').and_then(|(number, unit)| {
            let seconds = match unit.trim() {
                "s" => 1.0,
                "min" | "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
            let plain = number.trim();
            let digits = plain.chars().all(|c| c.is_ascii_digit() || c == '.');
            let number: f64 = plain.parse().ok().filter(|number: &f64| digits && number.is_finite())?;
            (number > 0.0 && number < 1e12).then_some(number / seconds)
        });
        if parsed.is_none() {
            table.wrong_value(
                text.span,
                format!("`{}` is no traffic: `20/s`, `300/min`, `5000/h`", printable(&text.value)),
            );
        }
        parsed
    }

    /// How long each canary must run; reports those that cannot see what they are meant to see where they stand.
    pub(super) fn size_canaries(&mut self) {
        let sized: Vec<Canary> = self
            .plan
            .objectives
            .iter()
            .zip(&self.objective_places)
            .filter_map(|(objective, place)| self.size_canary(objective, place))
            .collect();
        self.canaries = sized;
    }

    fn size_canary(&self, objective: &Objective, place: &ObjectivePlace) -> Option<Canary> {
        let Beside::Against { baseline, confidence, .. } = &objective.beside else { return None };
        let Some(expects) = &place.expects else {
            let message = format!("canary `{}` does not say what it is meant to see", objective.id);
            let wrong = Diagnostic::warning("canary-unsized", place.span, message).label("how long must it run?");
            let help = "`expects = { sees = \"5%\" }`, with `traffic` and `weight` where no monitor looks";
            self.notes.report(wrong.help(help));
            return None;
        };
        let rates = self.rates(objective, baseline, expects)?;
        let usual = expects.usual.unwrap_or_else(|| self.usual(objective));
        let expected = Expected { usual, sees: expects.sees, rates };
        let words = humantime::format_duration;
        let Some(size) = size(objective, &expected) else {
            let message = format!(
                "canary `{}` never sees {}: {} is usual, and its limit lets {} more pass",
                objective.id,
                share(expected.sees),
                share(usual),
                share(objective.that.margin())
            );
            let wrong = Diagnostic::error("canary-too-small", expects.sees_at, message);
            self.notes.report(wrong.label("within what it allows").help("a stricter `that`, or a greater `sees`"));
            return None;
        };
        let canary = Canary { objective: objective.id.clone(), expected, size, confidence: *confidence };
        if size.time > objective.window {
            let message = format!("a window of {} is too short for canary `{}`", words(objective.window), objective.id);
            let wrong = Diagnostic::warning("canary-too-small", place.window_at, message);
            let help = match size.time > LONGEST_WINDOW {
                true => "more traffic, a greater `sees`, or less `confidence`: no window is that long".to_owned(),
                false => format!("`window = \"{}\"` and more", words(rounded(size.time, objective.evaluate_every))),
            };
            let label = format!("{} samples of the canary take {}", size.canary, words(size.time));
            self.notes.report(wrong.label(label).also(expects.span, "to see this").help(help));
        }
        for item in self.plan.items.values() {
            let Act::Soak(soak) = &item.act else { continue };
            if soak.objectives.contains(&objective.id) && soak.lasts < size.time {
                let message = format!(
                    "soak `{}` lasts {}, and canary `{}` needs {}",
                    item.id,
                    words(soak.lasts),
                    objective.id,
                    words(size.time)
                );
                let wrong = Diagnostic::warning("canary-too-small", place.span, message);
                self.notes.report(wrong.label("over before it could see it").help("a longer soak, or more traffic"));
            }
        }
        Some(canary)
    }

    /// Samples in a second of both sides: a monitor's looks, or what the traffic brings.
    fn rates(
        &self,
        objective: &Objective,
        baseline: &crate::launch::id::SignalId,
        expects: &Expects,
    ) -> Option<(f64, f64)> {
        let looks = |id: &crate::launch::id::SignalId| {
            let (every, _) = id.monitor().and_then(|_| self.asked_every(id))?;
            Some(1.0 / every.as_secs_f64().max(1e-3))
        };
        match (looks(&objective.signal).zip(looks(baseline)), expects.traffic) {
            (Some(rates), None) => Some(rates),
            (Some(_), Some(_)) => {
                let message = "`traffic` and `weight` have no effect on monitors: their samples are their own looks";
                self.notes.report(Diagnostic::error("no-effect", expects.span, message));
                None
            }
            (None, Some((traffic, weight))) => Some((traffic * weight, traffic * (1.0 - weight))),
            (None, None) => {
                let message =
                    "how many samples come is not known: how much traffic there is, and the canary's part of it";
                let wrong = Diagnostic::error("missing-key", expects.span, message);
                self.notes.report(wrong.label("add `traffic = \"20/s\", weight = \"10%\"`"));
                None
            }
        }
    }

    /// Of a percentile what is usual is its tail.
    fn usual(&self, objective: &Objective) -> f64 {
        match objective.that.of {
            Of::Percentile(part) => f64::from(100_000 - part.min(100_000)) / 100_000.0,
            _ => USUAL,
        }
    }
}

/// The next whole number of `every`.
fn rounded(time: Duration, every: Duration) -> Duration {
    let count = time.as_millis().div_ceil(every.as_millis().max(1));
    every.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}
