//! Asks the sources of a soak's objectives for a time that nobody watched. Prometheus alone keeps what it would have
//! said; a soak that stands on anything else has its hole. It decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use super::point::{Point, Taken};
use super::readings::{Said, refilled};
use super::signals::{Newest, point};
use super::{Watch, horizon};
use crate::kind::check::Context;
use crate::kind::check::signal::asked::Steps;
use crate::kind::{Entry, Spec};
use crate::launch::id::{ObjectiveId, SignalId};
use crate::launch::objective::Round;
use crate::launch::plan::{Plan, Signal, SignalSource};
use crate::launch::soak::Hole;
use crate::launch::time::{Instant, Now, millis};

/// More than this is not asked for: two days, every ten seconds.
const MOST_STEPS: u32 = 20_000;

const FOREVER: Instant = Instant(i64::MAX);

/// A signal with its question, and the steps of a time.
struct Question {
    signal: Signal,
    entry: Arc<Entry>,
    cx: Context,
    steps: Steps,
    from: Instant,
}

impl Watch {
    /// What the objectives of `holes` would have counted in them, as far as every source they stand on can tell;
    /// none where there is nobody to ask.
    pub fn fill(
        &self,
        plan: &Arc<Plan>,
        holes: &[Hole],
        now: Now,
    ) -> Option<impl Future<Output = Vec<Round>> + Send + 'static> {
        let told = |objective: &ObjectiveId| {
            let objective = plan.objectives.iter().find(|known| known.id == *objective);
            objective.is_some_and(|known| known.signals().all(|signal| self.asked(plan, signal).is_some()))
        };
        let holes: Vec<&Hole> = holes.iter().filter(|hole| hole.objectives.iter().all(told)).collect();
        let hole = (holes.iter().map(|hole| hole.from).min()?, holes.iter().map(|hole| hole.until).max()?);
        let mut objectives: Vec<ObjectiveId> = holes.iter().flat_map(|hole| hole.objectives.iter().cloned()).collect();
        objectives.sort();
        objectives.dedup();
        // The first window is full too.
        let from = Instant(hole.0.0.saturating_sub(millis(horizon(plan))));
        let known = plan.objectives.iter().filter(|objective| objectives.contains(&objective.id));
        let signals: BTreeMap<SignalId, (Signal, Arc<Entry>)> = known
            .flat_map(|objective| objective.signals())
            .filter_map(|id| Some((id.clone(), self.asked(plan, id)?)))
            .collect();
        let mut questions = Vec::new();
        for (signal, entry) in signals.into_values() {
            // Where it is evaluated a step ends as well, as a rule; none lies in a time to come.
            let every = millis(signal.every).max(1);
            let from = Instant(from.0.div_euclid(every).saturating_mul(every));
            let count = u32::try_from(hole.1.0.saturating_sub(from.0).div_euclid(every)).ok()?.saturating_add(1);
            if count > MOST_STEPS {
                tracing::info!("a hole of {count} looks at {} is too long to be filled", signal.id);
                return None;
            }
            let first = now.wall - now.instant.since(from);
            let steps = Steps { first, apart: signal.every, count };
            let cx = Context { timeout: signal.timeout, ..(self.contexts)(&entry) };
            questions.push(Question { signal, entry, cx, steps, from });
        }
        let plan = Arc::clone(plan);
        Some(async move {
            let said = join_all(questions.into_iter().map(Question::asked)).await;
            refilled(&plan, &objectives, from, hole, said)
        })
    }

    /// A signal with the question that can be asked for a time that has gone by.
    fn asked(&self, plan: &Plan, id: &SignalId) -> Option<(Signal, Arc<Entry>)> {
        let signal = plan.signals.iter().find(|signal| signal.id == *id)?;
        let SignalSource::Asked(spec) = signal.source else { return None };
        let entry = self.catalogue.get(spec)?;
        let keeps = matches!(&entry.spec, Spec::Signal(asked) if asked.keeps());
        keeps.then(|| (signal.clone(), Arc::clone(entry)))
    }
}

impl Question {
    async fn asked(self) -> (SignalId, Said) {
        let Self { signal, entry, cx, steps, from } = self;
        let told = match &entry.spec {
            Spec::Signal(asked) => asked.over(&cx, steps).await,
            _ => Err("it asks nothing".to_owned()),
        };
        let mut said = Said::default();
        let at = |step: usize| from.plus(steps.apart.saturating_mul(u32::try_from(step).unwrap_or(u32::MAX)));
        match told {
            Ok(all) => {
                let mut newest = Newest::default();
                for (step, told) in all.iter().enumerate() {
                    let at = at(step);
                    said.points.extend(newest.of(&told.samples, at).into_iter().map(|sample| (at, point(sample, at))));
                    if told.wrong.is_some() || told.samples.is_empty() {
                        said.points.push((at, Point { at, taken: Taken::Nothing, generated: false }));
                        said.holes.push((Instant(at.0.saturating_sub(millis(steps.apart))), at));
                    }
                }
                said.holes.push((at(all.len().saturating_sub(1)), FOREVER));
            }
            Err(why) => {
                tracing::info!("{} cannot tell of a time that nobody watched: {why}", signal.id);
                said.holes.push((Instant(from.0.saturating_sub(millis(steps.apart))), FOREVER));
            }
        }
        (signal.id, said)
    }
}
