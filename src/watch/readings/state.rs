//! What [`super::Readings`] holds: each objective with its sides, which signal feeds which, when somebody watched.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::{horizon, is_due};
use crate::launch::id::{ObjectiveId, SignalId};
use crate::launch::objective::{Counts, Span};
use crate::launch::plan::{Beside, Objective, Plan};
use crate::launch::threshold::{Dimension, Unit};
use crate::launch::time::{Instant, millis};
use crate::watch::echo::Echoes;
use crate::watch::kept::{Back, Page, Pending, Sealed};
use crate::watch::made::Making;
use crate::watch::point::{Point, Taken};
use crate::watch::series::growth::whole;
use crate::watch::series::{Series, Side, Terms};
use crate::watch::spans::Spans;

#[derive(Default)]
pub(super) struct State {
    objectives: Vec<Read>,
    /// Which of them a signal's samples are for.
    feeds: HashMap<SignalId, Vec<Feed>>,
    /// Every signal and monitor of the plan.
    signals: Vec<SignalId>,
    /// When this launch was watched, by this console and those before it.
    watched: Spans,
    /// Up to where the loop said that somebody watches.
    until: Option<Instant>,
    /// Up to where the disk has when it was watched.
    told: Instant,
    /// When what a signal said is lost, though somebody watched.
    holes: HashMap<SignalId, Spans>,
    /// How far back anything is needed.
    horizon: Duration,
    echoes: Echoes,
    /// Who makes up what a rehearsal skips.
    making: Option<Arc<dyn Making>>,
    /// Signals that cannot be asked just now: what their questions name has no value.
    unasked: BTreeSet<SignalId>,
    /// Up to where a rehearsal skipped time.
    jumped: Option<Instant>,
    /// Before when each source was heard or spoken for, since somebody watches without a break.
    heard: HashMap<SignalId, Instant>,
    /// What is to be written; none where nothing is kept.
    pending: Option<Pending>,
    sealed: Sealed,
    trouble: Option<String>,
    /// Who of a signal's several sources is silent, and since when.
    silent: HashMap<SignalId, BTreeMap<Arc<str>, Instant>>,
    /// Signals that were asked about by this console.
    asked: BTreeSet<SignalId>,
    /// Consoles were here before: what is silent may have been so for any time.
    again: bool,
    /// How many plans it went by.
    pub plans: u32,
}

/// An objective with its sides.
struct Read {
    objective: Objective,
    seen: Series,
    beside: Option<Series>,
    /// Since when its signals are watched: an amendment may have brought it.
    since: Instant,
    /// Samples that came too late in earlier consoles.
    late: u64,
}

#[derive(Debug, Clone, Copy)]
struct Feed {
    objective: usize,
    beside: bool,
}

impl State {
    pub fn under(&mut self, plan: &Plan, asked: &[SignalId], now: Instant) {
        self.plans = self.plans.saturating_add(1);
        let asks_on = |signal: &SignalId| !asked.contains(signal);
        self.silent.retain(|signal, _| asks_on(signal));
        let mut earlier = std::mem::take(&mut self.objectives);
        for objective in &plan.objectives {
            let read = Read::new(objective, plan, now);
            let same = |known: &Read| known.objective == *objective && known.terms() == read.terms();
            let same = |known: &Read| same(known) && objective.signals().all(asks_on);
            let kept = earlier.iter().position(same).map(|place| earlier.swap_remove(place));
            self.objectives.push(kept.unwrap_or(read));
        }
        self.feeds.clear();
        for (place, read) in self.objectives.iter().enumerate() {
            for (signal, beside) in read.objective.signals().zip([false, true]) {
                self.feeds.entry(signal.clone()).or_default().push(Feed { objective: place, beside });
            }
        }
        let monitors = plan.monitors.iter().map(|monitor| SignalId::of_monitor(&monitor.id));
        self.signals = monitors.chain(plan.signals.iter().map(|signal| signal.id.clone())).collect();
        self.echoes.under(plan, asked);
        self.horizon = horizon(plan);
    }

    /// Takes what a source said by itself. True where there is much to write now.
    pub fn hear(&mut self, signal: &SignalId, point: Point, now: Instant) -> bool {
        if let (Some(jumped), Some(making)) = (self.jumped, &self.making) {
            // Asked before a jump and answered after it: of the time in between samples were made. And of two counts
            // that know nothing of each other each would be a reset of the other.
            if making.makes(signal) && (point.at < jumped || making.counts_apart(signal)) {
                return false;
            }
        }
        let point = rounded(point);
        self.heard.insert(signal.clone(), Instant(now.0.saturating_add(1)));
        self.echoes.hear(signal, &point);
        self.take(signal, &point, now);
        self.pending.as_mut().is_some_and(|pending| pending.put(signal, &point, now))
    }

    /// Counts a sample that came at `now`.
    pub fn take(&mut self, signal: &SignalId, point: &Point, now: Instant) {
        for feed in self.feeds.get(signal).into_iter().flatten() {
            let Some(read) = self.objectives.get_mut(feed.objective) else { continue };
            let series = if feed.beside { read.beside.as_mut() } else { Some(&mut read.seen) };
            if let Some(series) = series {
                series.take(point, now);
            }
        }
    }

    pub fn watched(&mut self, now: Instant, gap: Option<Duration>) {
        match self.until.filter(|_| gap.is_none()) {
            Some(until) => self.watched.add(until, now),
            None => self.heard.clear(),
        }
        self.until = Some(now);
        self.forget(now);
    }

    /// All of [`from`, `until`) is known, but for what is [`State::lost`].
    pub fn told_afterwards(&mut self, from: Instant, until: Instant) {
        self.watched.add(from, until);
    }

    /// What `signal` said then is not known.
    pub fn lost(&mut self, signal: &SignalId, from: Instant, until: Instant) {
        self.holes.entry(signal.clone()).or_default().add(from, until);
    }

    /// True while a rehearsal is to wait for what a source says.
    pub fn awaits(&self) -> bool {
        self.echoes.awaits(self.feeds.keys(), self.making.as_deref())
    }

    pub fn falls_short(&self, signal: &SignalId) -> bool {
        self.echoes.falls_short(signal)
    }

    pub fn stirred(&mut self) {
        self.echoes.stirred();
    }

    pub fn made_by(&mut self, making: Arc<dyn Making>) {
        self.making = Some(making);
    }

    /// From here on these alone cannot be asked.
    pub fn unasked(&mut self, signals: BTreeSet<SignalId>) {
        self.unasked = signals;
    }

    pub fn skipped(&mut self, from: Instant, until: Instant) -> bool {
        let (mut soon, mut upto) = (false, from);
        while upto < until {
            let (said, after) = self.echoes.repeat(upto, until, self.making.as_deref());
            let mut all: Vec<_> = said.into_iter().map(|(signal, point)| (signal, point.at, point)).collect();
            if let Some(making) = &self.making {
                for signal in self.feeds.keys().filter(|signal| making.makes(signal)) {
                    // Also what fell due since the last jump, and no question came to.
                    let since = self.heard.insert(signal.clone(), after).map_or(upto, |heard| heard.min(upto));
                    if self.unasked.contains(signal) {
                        continue;
                    }
                    let made = making.points(signal, since, after);
                    all.extend(made.into_iter().map(|(came, point)| (signal.clone(), came, point)));
                }
            }
            for (signal, came, point) in all {
                self.take(&signal, &point, came);
                soon |= self.pending.as_mut().is_some_and(|pending| pending.put(&signal, &point, came));
            }
            upto = after;
        }
        self.jumped = self.jumped.max(Some(until));
        self.watched.add(from, until);
        self.until = Some(until);
        self.forget(until);
        soon
    }

    /// Twice as far back as any window reaches: what is evaluated late still knows it.
    fn forget(&mut self, now: Instant) {
        let oldest = Instant(self.oldest(now).0.saturating_sub(millis(self.horizon)));
        self.watched.forget(oldest);
        self.holes.retain(|_, holes| {
            holes.forget(oldest);
            !holes.is_empty()
        });
    }

    /// What lies before is in no window.
    pub fn oldest(&self, now: Instant) -> Instant {
        Instant(now.0.saturating_sub(millis(self.horizon)))
    }

    /// Signals that an objective stands on.
    pub fn fed(&self) -> impl Iterator<Item = SignalId> {
        self.feeds.keys().cloned()
    }

    pub fn evaluate(&self, at: Instant) -> BTreeMap<ObjectiveId, Counts> {
        let due = self.objectives.iter().filter(|read| is_due(&read.objective, at));
        due.map(|read| (read.objective.id.clone(), self.counts(read, at))).collect()
    }

    fn counts(&self, read: &Read, at: Instant) -> Counts {
        let from = Instant(at.0.saturating_sub(millis(read.objective.window)));
        let mut seen = read.seen.measure(at);
        let mut beside = read.beside.as_ref().map(|series| series.measure(at));
        if let (Beside::Per(_), Some(beside)) = (&read.objective.beside, &mut beside) {
            share(&mut seen, beside);
        }
        let newest = match &beside {
            Some(beside) => seen.newest.zip(beside.newest).map(|(one, other)| one.min(other)),
            None => seen.newest,
        };
        let other = beside.as_ref();
        Counts {
            seen: seen.measured,
            beside: other.map(|side| side.measured),
            newest,
            known: Span(self.known(read, from.max(read.since), at)),
            late: read.late.saturating_add(seen.late).saturating_add(other.map_or(0, |side| side.late)),
            generated: seen.generated || other.is_some_and(|side| side.generated),
            refused: seen.refused.clone().or_else(|| other.and_then(|side| side.refused.clone())),
            silent: self.silent_too_long(&read.objective, at),
        }
    }

    /// All sources of a signal were asked at `at`, and these told nothing.
    pub fn silent(&mut self, signal: &SignalId, at: Instant, who: &[Arc<str>]) {
        let first = self.asked.insert(signal.clone());
        let since = if first && self.again { Instant(i64::MIN) } else { at };
        let mut known = self.silent.remove(signal).unwrap_or_default();
        known.retain(|name, _| who.contains(name));
        for name in who {
            known.entry(Arc::clone(name)).or_insert(since);
        }
        if !known.is_empty() {
            self.silent.insert(signal.clone(), known);
        }
    }

    /// The one that is silent for longest of those that are for too long.
    fn silent_too_long(&self, objective: &Objective, at: Instant) -> Option<String> {
        let all = objective.signals().filter_map(|signal| self.silent.get(signal)).flatten();
        let late = all.filter(|(_, since)| at.since(**since) > objective.stale_after);
        let mut late: Vec<_> = late.map(|(name, since)| (*since, name)).collect();
        late.sort();
        let (_, first) = late.first()?;
        Some(match late.len() {
            1 => first.to_string(),
            many => format!("{first} and {} more", many - 1),
        })
    }

    /// Milliseconds in which somebody watched, and all it stands on is known.
    fn known(&self, read: &Read, from: Instant, until: Instant) -> u64 {
        let holes: Vec<&Spans> = read.objective.signals().filter_map(|signal| self.holes.get(signal)).collect();
        if holes.is_empty() {
            return self.watched.within(from, until);
        }
        let mut known = self.watched.clone();
        for (begin, end) in holes.into_iter().flat_map(Spans::iter) {
            known.remove(begin, end);
        }
        known.within(from, until)
    }

    /// From here on what is taken is to be written.
    pub fn keeps(&mut self) {
        self.pending.get_or_insert_default();
    }

    /// What waits to be written.
    pub fn pages(&mut self) -> Vec<(SignalId, Page)> {
        let Some(pending) = &mut self.pending else { return Vec::new() };
        let told = self.told;
        let untold = self.watched.iter().map(|(from, until)| (from.max(told), until));
        pending.watched(untold.filter(|(from, until)| from < until));
        // Where it was told last, and not when: between the two nobody has watched yet.
        self.told = self.watched.iter().map(|(_, until)| until).fold(told, Instant::max);
        pending.take()
    }

    pub fn kept(&mut self, kept: std::io::Result<Sealed>) {
        match kept {
            Ok(sealed) => {
                for (minute, blocks) in sealed {
                    self.sealed.entry(minute).or_default().extend(blocks);
                }
                self.trouble = None;
            }
            Err(why) => self.trouble = Some(format!("samples cannot be kept: {why}")),
        }
    }

    pub fn sealed(&mut self) -> Sealed {
        std::mem::take(&mut self.sealed)
    }

    pub fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }

    /// From when on the samples of each signal are wanted: those of a window, and what no record vouches for yet.
    pub fn wanted(&self, now: Instant, newest: Option<i64>) -> BTreeMap<SignalId, Instant> {
        let oldest = self.oldest(now);
        let tail = newest.map_or(Instant(i64::MIN), |minute| Instant(minute.saturating_mul(super::MINUTE)));
        let from = |signal: &SignalId| if self.feeds.contains_key(signal) { oldest.min(tail) } else { tail };
        self.signals.iter().map(|signal| (signal.clone(), from(signal))).collect()
    }

    /// What the consoles before this one watched is known again.
    pub fn returned(
        &mut self,
        back: Back,
        late: &HashMap<ObjectiveId, u64>,
        asked: &BTreeMap<SignalId, Instant>,
    ) -> Vec<String> {
        let first = back.watched.iter().map(|(from, _)| *from).min();
        self.again = first.is_some();
        for (from, until) in back.watched {
            self.watched.add(from, until);
            // It stands on disk already.
            self.told = self.told.max(until);
        }
        for (signal, from, until) in back.holes {
            self.lost(&signal, from, until);
        }
        for (minute, blocks) in back.unsealed {
            self.sealed.entry(minute).or_default().extend(blocks);
        }
        for read in &mut self.objectives {
            let asked = read.objective.signals().filter_map(|signal| asked.get(signal)).max();
            read.since = first
                .map_or(read.since, |first| first.min(read.since))
                .max(asked.copied().unwrap_or(Instant(i64::MIN)));
            // What was read back came too late once more.
            read.late = late.get(&read.objective.id).copied().unwrap_or(0);
            read.seen.late_elsewhere();
            read.beside.iter_mut().for_each(Series::late_elsewhere);
        }
        back.told
    }
}

impl Read {
    fn new(objective: &Objective, plan: &Plan, now: Instant) -> Self {
        let per = matches!(objective.beside, Beside::Per(_));
        let mut sides = objective.signals().map(|signal| Series::new(terms(objective, signal, per, plan)));
        let seen = sides.next().unwrap_or_else(|| Series::new(terms(objective, &objective.signal, per, plan)));
        let beside = sides.next();
        Self { objective: objective.clone(), seen, beside, since: now, late: 0 }
    }

    fn terms(&self) -> (&Terms, Option<&Terms>) {
        (self.seen.terms(), self.beside.as_ref().map(Series::terms))
    }
}

/// As it is kept on disk: what is read back counts the same.
fn rounded(mut point: Point) -> Point {
    if let Taken::Look { took, .. } = &mut point.taken {
        *took = Duration::from_micros(u64::from(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)));
    }
    point
}

/// So many of the one counter for so many of the other, in whole numbers: what is counted exactly.
fn share(seen: &mut Side, per: &mut Side) {
    let grown = per.measured.value.map_or(0, |_| whole(per.growth));
    let against = seen.measured.value.map(|_| whole(seen.growth));
    per.measured.of = grown;
    // A counter that did not tell anything is no counter that did not grow.
    seen.measured.of = if against.is_some() { grown } else { 0 };
    seen.measured.against = against.unwrap_or(0);
}

fn terms(objective: &Objective, signal: &SignalId, per: bool, plan: &Plan) -> Terms {
    let known = plan.signals.iter().find(|known| known.id == *signal);
    Terms {
        that: objective.that.clone(),
        unit: known.map_or(Unit::base(Dimension::Time), |known| known.unit),
        // The other side of a share is a counter by what it is there for.
        counter: per || known.is_some_and(|known| known.counter),
        width: objective.evaluate_every,
        window: objective.window,
        patience: objective.stale_after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::plan::Beside;
    use crate::launch::threshold::Threshold;

    /// What the objective is told of who is silent, an instant after the first answers of a console.
    fn told(again: bool) -> Option<String> {
        let objective = Objective {
            id: "o".into(),
            title: String::new(),
            signal: "load".into(),
            beside: Beside::Nothing,
            that: Threshold::parse("<= 5").expect("a threshold"),
            window: Duration::from_secs(30),
            min_samples: 1,
            stale_after: Duration::from_secs(60),
            evaluate_every: Duration::from_secs(10),
            unknown_for: Duration::from_secs(60),
        };
        let mut state = State { again, ..State::default() };
        state.silent(&"load".into(), Instant(1_000), &["b".into()]);
        state.silent_too_long(&objective, Instant(2_000))
    }

    #[test]
    fn who_is_silent_when_a_console_comes_back_was_so_before_for_all_it_knows() {
        assert_eq!(told(true).as_deref(), Some("b"));
        assert_eq!(told(false), None, "in a new launch it has its time");
    }
}
