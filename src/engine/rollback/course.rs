//! The course of a rollback: its steps in their order, then the checks that decide. A step that wants a second
//! key stands by itself: what follows it goes on, and so do the checks. It tells facts and keeps nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::approval::{Gates, title};
use super::run::{Done, Look, Orders, Work, act, unprepared};
use super::verified::{self, AGAIN, looked_at};
use crate::base::boundary::reach;
use crate::clock;
use crate::launch::event::{RollbackEnd, RollbackFact};
use crate::launch::id::ItemId;
use crate::launch::plan::RollbackStep;
use crate::launch::verdict::Verdict;

/// Between two rounds of checks that pass while a step still stands.
const STANDING: Duration = Duration::from_secs(5);
/// How often the clock is looked at while nothing but the deadline is waited for: it counts a sleep of the machine.
const CLOCK: Duration = Duration::from_secs(1);

/// Runs it to one of its three ends. `tell` is called with each fact as it happens, the end left out.
pub async fn run(orders: &Orders, look: &impl Look, tell: &mut impl FnMut(RollbackFact)) -> RollbackEnd {
    if let Some(end) = unprepared(orders) {
        return end;
    }
    let mut course = Course::new(orders);
    loop {
        course.gates.look().into_iter().for_each(&mut *tell);
        let next = course.left.iter().position(|step| course.gates.is_open(step));
        course.stand(next.unwrap_or(course.left.len()), tell);
        let end = match next {
            Some(at) => {
                let step = course.left.remove(at);
                course.step(step, tell).await
            }
            None if course.left.is_empty() => return verified::run(&orders.rollback.verify, look, tell).await,
            None => course.wait(look, tell).await,
        };
        if let Some(end) = end {
            return end;
        }
    }
}

struct Course<'o> {
    orders: &'o Orders,
    gates: Gates<'o>,
    /// The steps that have not run, in their order.
    left: Vec<&'o RollbackStep>,
    /// Those that are told to stand.
    stands: BTreeSet<&'o ItemId>,
    /// The deadline, in milliseconds since the machine booted.
    until: i64,
}

impl<'o> Course<'o> {
    fn new(orders: &'o Orders) -> Self {
        let left = orders.rollback.deadline.saturating_sub(orders.earlier.spent);
        let until = clock::boot().saturating_add(i64::try_from(left.as_millis()).unwrap_or(i64::MAX));
        let (gates, stands) = (Gates::new(orders), BTreeSet::new());
        Self { orders, gates, left: orders.rollback.steps.iter().collect(), stands, until }
    }

    /// Tells of the steps before the next, which are passed by for want of a key.
    fn stand(&mut self, next: usize, tell: &mut impl FnMut(RollbackFact)) {
        for step in self.left.iter().take(next) {
            let Some(role) = step.needs_approval.clone() else { continue };
            if self.stands.insert(&step.id) {
                tell(RollbackFact::ApprovalAwaited { step: step.id.clone(), role });
            }
        }
    }

    /// Runs one step, and what stands in for it where it fails. The end, where that is one.
    async fn step(&mut self, step: &'o RollbackStep, tell: &mut impl FnMut(RollbackFact)) -> Option<RollbackEnd> {
        tell(RollbackFact::StepStarted { step: step.id.clone() });
        reach("rollback-step-intent");
        let done = self.attended(step.into(), tell).await;
        let (verdict, outcome) = (done.verdict, done.outcome.clone());
        tell(RollbackFact::StepEnded { step: step.id.clone(), verdict, outcome });
        reach("rollback-step-ended");
        if done.is_well() {
            return None;
        }
        // Of one whose outcome is lost nobody knows whether it still acts: nothing runs in its place.
        let Some(fallback) = step.fallback.as_ref().filter(|_| !done.lost) else {
            return (!done.lets_on()).then(|| self.failed(step, &done, done.why()));
        };
        tell(RollbackFact::FallbackStarted { step: step.id.clone() });
        let second = self.attended(fallback.into(), tell).await;
        let (verdict, outcome) = (second.verdict, second.outcome.clone());
        tell(RollbackFact::FallbackEnded { step: step.id.clone(), verdict, outcome });
        if second.is_well() || !done.blocks {
            return None;
        }
        Some(self.failed(step, &second, format!("{}; its fallback: {}", done.why(), second.why())))
    }

    /// Acts to its end, and tells of keys that are turned meanwhile.
    async fn attended(&mut self, work: Work<'o>, tell: &mut impl FnMut(RollbackFact)) -> Done {
        let mut acting = pin!(act(self.orders, work));
        loop {
            tokio::select! {
                biased;
                done = &mut acting => return done,
                facts = self.gates.news() => facts.into_iter().for_each(&mut *tell),
            }
        }
    }

    fn failed(&self, step: &RollbackStep, done: &Done, why: String) -> RollbackEnd {
        let by_hand = match done.lost {
            true => format!("its outcome is unknown: look whether it happened or still runs; then {}", step.by_hand),
            false => step.by_hand.clone(),
        };
        let stands = self.left.iter().filter(|left| self.stands.contains(&left.id));
        let by_hand =
            stands.fold(by_hand, |by_hand, left| format!("{by_hand}; not approved, so not done: {}", hand(left)));
        RollbackEnd::FailedAtStep { step: step.id.clone(), why, by_hand }
    }

    /// Everything else has run: the checks look on until a key is turned, or the deadline has come. Each looks once
    /// at least. What they find turns nothing green while a step stands.
    async fn wait(&mut self, look: &impl Look, tell: &mut impl FnMut(RollbackFact)) -> Option<RollbackEnd> {
        let checks = &self.orders.rollback.verify;
        let began = Instant::now();
        let mut seen: BTreeMap<&ItemId, Verdict> = BTreeMap::new();
        loop {
            for check in checks {
                let mut looking = pin!(looked_at(check, look));
                let report = loop {
                    tokio::select! {
                        biased;
                        facts = self.gates.news() => if self.heard(facts, tell) {
                            return None;
                        },
                        () = over(self.until), if seen.len() == checks.len() => return Some(self.not_approved(&seen)),
                        report = &mut looking => break report,
                    }
                };
                // Tried for as long as a person takes: only what changed is told.
                if seen.insert(&check.id, report.verdict) != Some(report.verdict) {
                    tell(RollbackFact::Verified { check: check.id.clone(), report });
                }
            }
            let open = checks.iter().any(|check| {
                began.elapsed() < check.within && seen.get(&check.id).is_some_and(|seen| *seen != Verdict::Pass)
            });
            let mut pause = pin!(sleep(if open { AGAIN } else { STANDING }));
            loop {
                tokio::select! {
                    biased;
                    facts = self.gates.news() => if self.heard(facts, tell) {
                        return None;
                    },
                    () = over(self.until) => return Some(self.not_approved(&seen)),
                    () = &mut pause => break,
                }
            }
        }
    }

    /// Tells what was heard of keys; true where a step may run now.
    fn heard(&self, facts: Vec<RollbackFact>, tell: &mut impl FnMut(RollbackFact)) -> bool {
        facts.into_iter().for_each(tell);
        self.left.iter().any(|step| self.gates.is_open(step))
    }

    /// The deadline came, and nobody turned the key.
    fn not_approved(&self, seen: &BTreeMap<&ItemId, Verdict>) -> RollbackEnd {
        let mut stands = self.left.iter();
        let first = stands.next().map_or_else(|| ItemId::new(self.orders.rollback.id.as_str()), |step| step.id.clone());
        let names: Vec<String> = self
            .left
            .iter()
            .filter_map(|step| step.needs_approval.as_ref())
            .map(|role| title(&self.orders.roles, role).to_owned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let red: Vec<&str> =
            seen.iter().filter(|(_, verdict)| **verdict != Verdict::Pass).map(|(check, _)| check.as_str()).collect();
        let checks = match red.as_slice() {
            [] => "the checks pass without it, which does not prove it unneeded".to_owned(),
            red => format!("these checks do not pass: {}", red.join(", ")),
        };
        let why = format!("not approved by {} before the deadline; every other step ran; {checks}", names.join(", "));
        let by_hand: Vec<String> = self.left.iter().map(|step| hand(step)).collect();
        RollbackEnd::FailedAtStep { step: first, why, by_hand: by_hand.join("; ") }
    }
}

/// What a person does in the place of a step.
fn hand(step: &RollbackStep) -> String {
    if step.by_hand.is_empty() { format!("do {} by hand", step.id) } else { format!("{}: {}", step.id, step.by_hand) }
}

/// Returns once the deadline has come.
async fn over(until: i64) {
    loop {
        let left = until.saturating_sub(clock::boot());
        let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else { return };
        sleep(Duration::from_millis(left).min(CLOCK)).await;
    }
}
