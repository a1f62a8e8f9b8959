//! The lines of a stream: those of its example, told every second, and of errors a share. What signals take out of
//! each is read once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::jq::Jq;
use crate::base::template::Scope;
use crate::kind::check::log::lines::Line;
use crate::kind::tail::{Sampled, Tail, Take};
use crate::kind::{Catalogue, Spec};
use crate::launch::id::SignalId;
use crate::launch::plan::Plan;
use crate::launch::verdict::Verdict;
use crate::rehearsal::fault::falls_on;
use crate::watch::point::Taken;

/// How often a rehearsal's target tells its lines.
pub const EVERY: Duration = Duration::from_secs(1);

/// The lines of one stream.
#[derive(Debug, Default)]
pub struct Lines {
    pub owner: String,
    good: Vec<Told>,
    /// What stands for a line that is an error; none where the plan does not say what one is.
    bad: Vec<Told>,
}

/// A line, and what each signal takes out of it.
#[derive(Debug, Default)]
struct Told {
    text: String,
    taken: BTreeMap<SignalId, Taken>,
}

impl Lines {
    /// The text of one telling, `percent` of a hundred lines of it errors.
    pub fn told(&self, telling: u64, percent: u8) -> String {
        let lines: Vec<&str> = self.each(telling, percent).map(|told| told.text.as_str()).collect();
        lines.join("\n")
    }

    /// What a signal takes out of one telling.
    pub fn taken<'a>(&'a self, signal: &'a SignalId, telling: u64, percent: u8) -> impl Iterator<Item = Taken> + 'a {
        self.each(telling, percent).filter_map(|told| told.taken.get(signal).cloned())
    }

    fn each(&self, telling: u64, percent: u8) -> impl Iterator<Item = &Told> {
        let first = telling.saturating_mul(self.good.len() as u64);
        (first..).zip(&self.good).enumerate().map(move |(nth, (count, good))| {
            let bad =
                if percent > 0 && falls_on(count, percent) { self.bad.get(nth % self.bad.len().max(1)) } else { None };
            bad.unwrap_or(good)
        })
    }
}

/// Of every signal that is taken out of a stream of lines.
pub async fn read(plan: &Plan, catalogue: &Catalogue, jq: &Jq) -> BTreeMap<SignalId, Vec<Arc<Lines>>> {
    let mut all: BTreeMap<SignalId, Vec<Arc<Lines>>> = BTreeMap::new();
    for stream in &plan.streams {
        let Some(takes) = catalogue.taken.get(&stream.id).filter(|takes| !takes.is_empty()) else { continue };
        let Some(entry) = catalogue.get(stream.spec) else { continue };
        let Spec::Tail(tail) = &entry.spec else { continue };
        // With other states come other lines.
        if entry.real || entry.examples.good.len() > 1 {
            continue;
        }
        let good = entry.examples.good.first().cloned().unwrap_or_else(Tail::derive);
        let scope = crate::rehearsal::routes::scope_of(entry, catalogue);
        let good = Tail::lines(&good);
        let written = entry.examples.bad.first().map(|(bad, _)| Tail::lines(bad)).unwrap_or_default();
        let bad = if written.is_empty() {
            good.iter().filter_map(|line| Line::of(0, &tail.failing(line)?)).collect()
        } else {
            written
        };
        let told = async |lines: &[Line]| {
            let mut all = Vec::new();
            for line in lines {
                all.push(of_line(tail, takes, line, &scope, jq).await);
            }
            all
        };
        let lines = Lines { owner: entry.owner.to_string(), good: told(&good).await, bad: told(&bad).await };
        let lines = Arc::new(lines);
        takes.iter().for_each(|take| all.entry(take.signal.clone()).or_default().push(Arc::clone(&lines)));
    }
    all
}

async fn of_line(tail: &Tail, takes: &[Take], line: &Line, scope: &Scope, jq: &Jq) -> Told {
    let error = tail.errors.has(line, scope, jq).await;
    let mut taken = BTreeMap::new();
    for take in takes {
        let found = match take.of(line, error, scope, jq).await {
            Some(Sampled::Number(value)) => Taken::Number { value, instance: take.instance.clone(), samples: None },
            Some(Sampled::Ended { failed, took }) => {
                let verdict = if failed { Verdict::Fail } else { Verdict::Pass };
                Taken::Look { verdict, took }
            }
            Some(Sampled::Nothing(_)) => Taken::Nothing,
            None => continue,
        };
        taken.insert(take.signal.clone(), found);
    }
    Told { text: line.text.clone(), taken }
}
