//! `[[objective]]`: a threshold on a signal over a window, alone or beside another signal. What fits what is
//! `fits`'; what is sound and still a mistake is the lint's.

use std::collections::BTreeMap;
use std::time::Duration;

use super::canaries::Expects;
use super::reader::Reader;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::base::template::Template;
use crate::base::text::printable;
use crate::launch::id::{ObjectiveId, SignalId};
use crate::launch::plan::{Beside, Objective};
use crate::launch::threshold::{Limit, Threshold};

/// How often an objective is evaluated, and how wide a bucket of samples is, where the plan says nothing (rules.md).
const EVALUATE_EVERY: Duration = Duration::from_secs(10);
/// Evaluations closer than this tell nothing new.
const SHORTEST_EVERY: Duration = Duration::from_millis(100);
const LONGEST_WINDOW: Duration = Duration::from_secs(86_400);
/// Buckets of a window: a day of the usual ones.
const MOST_BUCKETS: u128 = 8_640;
/// How long it may be unknown before it holds the launch, where the plan says nothing.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);
/// Objectives of a plan: each is measured at every one of its evaluations.
const MOST: usize = 200;
/// How sure one must be that two sides differ, in thousandths of a percent, where the plan says nothing.
const CONFIDENCE: u32 = 99_900;
/// Less is a coin; more needs samples that no launch has.
const CONFIDENCES: std::ops::RangeInclusive<u32> = 90_000..=99_999;
/// Looks that may be missing before what is newest is too old.
const LOOKS_MISSED: u32 = 3;

/// Where an objective stands in the file, and what of it was written.
#[derive(Debug, Clone)]
pub(super) struct ObjectivePlace {
    pub id: ObjectiveId,
    /// Of its `id`.
    pub span: Span,
    /// Of its `window`.
    pub window_at: Span,
    /// Of its `min_samples`, where it is written.
    pub samples_at: Option<Span>,
    /// Of its `signal`.
    pub signal_at: Span,
    pub expects: Option<Expects>,
}

impl<'a> Reader<'a> {
    pub(super) fn read_objectives(&mut self, root: &Table<'a>) {
        let mut ids = BTreeMap::new();
        let tables = root.tables("objective");
        if let Some(table) = tables.get(MOST) {
            self.notes.report(Diagnostic::error("wrong-value", table.span, format!("more than {MOST} objectives")));
        }
        for table in tables.into_iter().take(MOST) {
            let id = self.need_id(&table, "`id = \"errors\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut ids, id);
                self.objectives_seen.insert(ObjectiveId::new(&id.value));
            }
            let read = self.read_objective(&table, id);
            table.finish();
            let Some((objective, place)) = read else { continue };
            self.plan.objectives.push(objective);
            self.objective_places.push(place);
        }
    }

    fn read_objective(&self, table: &Table<'a>, id: Option<Placed<String>>) -> Option<(Objective, ObjectivePlace)> {
        let slug = id.as_ref().map(|id| id.value.clone()).unwrap_or_default();
        let title = self.title(table, &slug);
        let asked = table.need_text("signal", "`signal = \"monitor.api\"`");
        let signal = asked.as_ref().and_then(|asked| self.signal_id(asked));
        let that = self.threshold(table);
        let beside = self.beside(table);
        let expects = self.expects(table, table.has("against"));
        let evaluate_every = self.evaluate_every(table);
        let window = self.window(table, evaluate_every);
        let min_samples = objective_samples(table);
        let stale_after = self.span_over_zero(table, "stale_after");
        let unknown_for = self.span_over_zero(table, "unknown_for").unwrap_or(UNKNOWN_FOR);
        let (id, asked, signal, (that, that_at), beside, window) = (id?, asked?, signal?, that?, beside?, window?);
        let place = ObjectivePlace {
            id: ObjectiveId::new(&id.value),
            span: id.span,
            window_at: window.span,
            samples_at: min_samples.as_ref().map(|asked| asked.span),
            signal_at: asked.span,
            expects,
        };
        let mut objective = Objective {
            id: place.id.clone(),
            title,
            signal,
            beside,
            that,
            window: window.value,
            min_samples: min_samples.as_ref().map_or(0, |asked| asked.value),
            stale_after: stale_after.unwrap_or_default(),
            evaluate_every,
            unknown_for,
        };
        // What does not go together is one mistake: how many samples come of it is no question.
        if !self.fits_signal(&objective, that_at, table, &place) {
            return None;
        }
        objective.min_samples = self.enough_samples(&objective, &place)?;
        match stale_after {
            None => objective.stale_after = self.usual_age(&objective),
            Some(asked) => self.check_age(table, &objective, asked),
        }
        Some((objective, place))
    }

    fn threshold(&self, table: &Table<'_>) -> Option<(Threshold, Span)> {
        let text = table.need_text("that", "`that = \"error_rate <= 5%\"`")?;
        match self.filled(&text).and_then(|filled| Threshold::parse(&filled)) {
            Ok(that) => Some((that, text.span)),
            Err(why) => {
                table.wrong_value(text.span, why);
                None
            }
        }
    }

    /// A threshold with the values of its variables: it may be another at another target.
    fn filled(&self, text: &Placed<String>) -> Result<String, String> {
        let template = Template::parse(&text.value, text.span)?;
        if let Some(secret) = template.names().find(|name| self.scope.get(name).is_ok_and(|bound| bound.secret)) {
            return Err(format!("`{}` is a secret: a threshold is shown", printable(secret)));
        }
        template.text(&self.scope).map_err(|unbound| format!("no variable `{}`", printable(&unbound.0)))
    }

    /// The signal that is named; reports one that is not there.
    pub(super) fn signal_id(&self, asked: &Placed<String>) -> Option<SignalId> {
        let id = SignalId::new(&asked.value);
        let there = match id.monitor() {
            Some(monitor) => self.plan.monitors.iter().any(|known| known.id == monitor),
            None => self.plan.signals.iter().any(|known| known.id == id),
        };
        if there {
            return Some(id);
        }
        let monitors = self.plan.monitors.iter().map(|known| SignalId::of_monitor(&known.id).to_string());
        let known: Vec<String> = self.plan.signals.iter().map(|known| known.id.to_string()).chain(monitors).collect();
        let wrong = format!("there is no signal `{}`", printable(&asked.value));
        let wrong = Diagnostic::error("unknown-signal", asked.span, wrong);
        let label = match nearest(&asked.value, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "not in this plan".to_owned(),
        };
        self.notes
            .report(wrong.label(label).help("the `id` of a `[[signal]]`, or `monitor.ID`: the looks of a monitor"));
        None
    }

    /// What it stands beside; none where that is wrong.
    fn beside(&self, table: &Table<'_>) -> Option<Beside> {
        let keys = ["per", "minus", "against"];
        let asked: Vec<_> = keys.into_iter().filter_map(|key| Some((key, table.text(key)?))).collect();
        let both_ways = table.flag("both_ways");
        let confidence = self.confidence(table);
        if let [(first, _), (second, again), ..] = asked.as_slice() {
            let message = format!("`{first}` and `{second}`: a signal stands beside one other");
            self.notes.report(Diagnostic::error("wrong-value", again.span, message).label("one of them"));
            return None;
        }
        let against = asked.first().is_some_and(|(key, _)| *key == "against");
        for key in ["both_ways", "confidence"].into_iter().filter(|_| !against) {
            super::effects::refuse(table, key, "without `against`: nothing is tested");
        }
        let (key, asked) = match asked.into_iter().next() {
            Some(one) => one,
            None => return keys.iter().all(|key| table.any(key).is_none()).then_some(Beside::Nothing),
        };
        let other = self.signal_id(&asked)?;
        Some(match key {
            "per" => Beside::Per(other),
            "minus" => Beside::Minus(other),
            _ => Beside::Against { baseline: other, both_ways: both_ways.unwrap_or(false), confidence },
        })
    }

    fn confidence(&self, table: &Table<'_>) -> u32 {
        let Some(text) = table.text("confidence") else { return CONFIDENCE };
        match Limit::parse(&text.value).ok().and_then(|limit| limit.thousandths()) {
            Some(sure) if CONFIDENCES.contains(&sure) => sure,
            _ => {
                let message = format!("`{}` is no confidence: `99.9%`, from 90% to 99.999%", printable(&text.value));
                table.wrong_value(text.span, message);
                CONFIDENCE
            }
        }
    }

    fn evaluate_every(&self, table: &Table<'_>) -> Duration {
        let Some(every) = self.span_over_zero(table, "evaluate_every") else { return EVALUATE_EVERY };
        let at = || table.any("evaluate_every").map_or(table.span, |placed| placed.span);
        let why = if every < SHORTEST_EVERY {
            "`evaluate_every` is less than 100ms: no number changes its meaning so fast"
        } else if every > LONGEST_WINDOW {
            "`evaluate_every` is more than a day: nobody would notice in time"
        } else if every.subsec_nanos() % 1_000_000 != 0 {
            "`evaluate_every` is whole milliseconds"
        } else {
            return every;
        };
        table.wrong_value(at(), why);
        EVALUATE_EVERY
    }

    /// How far back it looks: whole buckets, and not too many.
    fn window(&self, table: &Table<'_>, every: Duration) -> Option<Placed<Duration>> {
        if !table.has("window") {
            table.missing("window", "`window = \"30s\"`: how far back its samples are looked at");
        }
        let window = self.span_over_zero(table, "window")?;
        let span = table.any("window").map_or(table.span, |placed| placed.span);
        let words = |span| humantime::format_duration(span);
        let wrong = if window > LONGEST_WINDOW {
            let help = "what must hold for longer is a `soak` of an objective";
            Diagnostic::error("wrong-value", span, "a window of more than 24h").help(help)
        } else if window.as_nanos() % every.as_nanos() != 0 {
            let buckets = u32::try_from(window.as_nanos().div_ceil(every.as_nanos())).unwrap_or(u32::MAX);
            let message = format!("a window of {} is no whole number of {}", words(window), words(every));
            let wrong = Diagnostic::error("wrong-value", span, message).label("samples are kept in whole buckets");
            wrong.help(format!("`window = \"{}\"`, or another `evaluate_every`", words(every.saturating_mul(buckets))))
        } else if window.as_nanos() / every.as_nanos() > MOST_BUCKETS {
            let message = format!("a window of {} in buckets of {}", words(window), words(every));
            let wrong =
                Diagnostic::error("wrong-value", span, message).label(format!("more than {MOST_BUCKETS} buckets"));
            wrong.help("a shorter `window`, or a longer `evaluate_every`")
        } else {
            return Some(Placed { value: window, span });
        };
        self.notes.report(wrong);
        None
    }

    /// How old its newest sample may be, where the plan does not say: a few looks may be missing. What tells by
    /// itself may be silent for a window.
    fn usual_age(&self, objective: &Objective) -> Duration {
        let ages = objective.signals().filter_map(|id| {
            let (every, timeout) = self.asked_every(id)?;
            Some(every.saturating_mul(LOOKS_MISSED).saturating_add(timeout))
        });
        ages.max().unwrap_or(objective.window)
    }

    /// What is looked at less often than it may be old is stale by itself, now and again.
    fn check_age(&self, table: &Table<'_>, objective: &Objective, asked: Duration) {
        let slow =
            objective.signals().filter_map(|id| Some((id, self.asked_every(id)?.0))).max_by_key(|(_, every)| *every);
        let Some((id, every)) = slow.filter(|(_, every)| *every >= asked) else { return };
        let span = table.any("stale_after").map_or(table.span, |placed| placed.span);
        let [asked, every] = [asked, every].map(humantime::format_duration);
        let message = format!("after {asked} `{id}` is stale between any two looks: it is looked at every {every}");
        let wrong = Diagnostic::error("wrong-value", span, message).label("longer than that");
        self.notes.report(wrong.help("leave it out: three looks may be missing then"));
    }

    /// How often a signal is asked, and how long an answer may take; none for one that tells by itself.
    pub(super) fn asked_every(&self, id: &SignalId) -> Option<(Duration, Duration)> {
        use crate::launch::plan::SignalSource;
        match id.monitor() {
            Some(monitor) => {
                let monitor = self.plan.monitors.iter().find(|known| known.id == monitor)?;
                Some((monitor.every, monitor.timeout))
            }
            None => {
                let signal = self.plan.signals.iter().find(|known| known.id == *id)?;
                matches!(signal.source, SignalSource::Asked(_)).then_some((signal.every, signal.timeout))
            }
        }
    }
}

fn objective_samples(table: &Table<'_>) -> Option<Placed<u64>> {
    let asked = table.integer("min_samples")?;
    match u64::try_from(asked.value) {
        Ok(least) if least > 0 => Some(Placed { value: least, span: asked.span }),
        _ => {
            table.wrong_value(asked.span, format!("`min_samples = {}`: at least 1", asked.value));
            None
        }
    }
}
