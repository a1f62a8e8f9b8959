//! What the rules forbid, held against each record as it is folded into a board of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tminus::launch::board::{Board, Progress};
use tminus::launch::command::Input;
use tminus::launch::countdown::{self, Passage};
use tminus::launch::event::{Event, Recorded, RollbackFact, Vote};
use tminus::launch::id::{Attempt, ItemId, PhaseId, RoleId, TriggerId};
use tminus::launch::plan::{Act, Class, Criterion, DecidedBy, GoStage, Power};
use tminus::launch::time::Mark;
use tminus::launch::verdict::Verdict;

use super::triggers;
use super::walk::Step;

pub struct Rules {
    board: Board,
    records: Vec<Recorded>,
    /// Attempts of steps that were decided, and those a person ordered again.
    intended: BTreeMap<ItemId, Vec<Attempt>>,
    ordered: BTreeMap<ItemId, usize>,
    /// What stood when each rollback was asked for, and what one that acted since may have set back.
    before: BTreeMap<u32, BTreeMap<ItemId, Attempt>>,
    unproven: BTreeMap<ItemId, Attempt>,
    liftoffs: usize,
    /// How often each trigger's rollback was started by the engine.
    by_itself: BTreeMap<TriggerId, usize>,
    wrong: Option<String>,
}

impl Rules {
    /// `board` knows every plan, and has nothing on it.
    pub fn new(mut board: Board, opening: &[Recorded]) -> Self {
        opening.iter().for_each(|record| board.apply(record));
        Self {
            board,
            records: opening.to_vec(),
            intended: BTreeMap::new(),
            ordered: BTreeMap::new(),
            before: BTreeMap::new(),
            unproven: BTreeMap::new(),
            liftoffs: 0,
            by_itself: BTreeMap::new(),
            wrong: None,
        }
    }

    pub fn is_where(&self, board: &Board) -> bool {
        let Some(mut again) = board.revisions.afresh() else { return false };
        self.records.iter().for_each(|record| again.apply(record));
        again == *board
    }

    pub fn told(&self, step: &Step) -> String {
        let last: Vec<String> =
            self.records.iter().rev().take(12).rev().map(|one| format!("{:?} {:?}", one.at, one.event)).collect();
        format!("{}\nafter {:?}\n{}", self.wrong.as_deref().unwrap_or_default(), step.input, last.join("\n"))
    }

    pub fn hold(&mut self, step: &Step) -> Result<(), ()> {
        let by_person = step.records.iter().filter(|record| record.actor.name != "engine");
        let told = |record: &Recorded| matches!(record.event, Event::RequestDecided { .. });
        if step.refused && by_person.clone().any(|record| !told(record)) {
            return self.broken("a refused command left a record of its own");
        }
        for record in &step.records {
            if let Err(why) = self.one(record, step) {
                self.records.push(record.clone());
                return self.broken(&why);
            }
            self.set_back(record);
            self.board.apply(record);
            self.records.push(record.clone());
        }
        let green = |(id, attempt): (&ItemId, &Attempt)| {
            let state = self.board.item(id).filter(|state| state.attempt == Some(*attempt))?;
            state.verdict(None, self.board.at).filter(|verdict| *verdict <= Verdict::Warn)
        };
        if self.board.ended.is_none() && self.unproven.iter().any(|one| green(one).is_some()) {
            return self.broken("a step that a rollback may have set back is green");
        }
        Ok(())
    }

    /// A rollback that began to act leaves no step below the plan's recycle mark proven that began before it: until
    /// it is run again or a person says that it stands.
    fn set_back(&mut self, record: &Recorded) {
        match &record.event {
            Event::RollbackRequested { run, .. } => {
                let t = self.board.clock_at(record.at).map_or(Mark::T0, |clock| clock.mark());
                let back = self.board.plan.clock.recycle.iter().copied().filter(|mark| *mark >= t).max();
                let acts = self.board.plan.items.values().filter(|item| {
                    let acts = matches!(item.act, Act::Step { class: Class::Idempotent | Class::Once, .. });
                    acts && item.kind == "run" && back.is_none_or(|mark| item.at <= mark)
                });
                let acts: Vec<_> = acts.collect();
                // A check is no more proven than the step it needs.
                let seen = self.board.plan.items.values().filter(|item| {
                    let acted = |id: &ItemId| self.board.item(id).is_some_and(|state| state.attempt.is_some());
                    let needs = |id: &ItemId| acts.iter().any(|act| act.id == *id && acted(id));
                    matches!(item.act, Act::Check(_)) && item.needs.iter().any(needs)
                });
                let began = acts.iter().copied().chain(seen);
                let began = began.filter_map(|item| Some((item.id.clone(), self.board.item(&item.id)?.attempt?)));
                let flown = self.board.clock.as_ref().is_none_or(|clock| clock.t0.is_some());
                let began = if flown { BTreeMap::new() } else { began.collect() };
                self.before.insert(*run, began);
            }
            Event::RollbackTold { run, fact: RollbackFact::StepStarted { .. } } => {
                self.unproven.extend(self.before.remove(run).unwrap_or_default());
            }
            Event::StepMarked { item, .. } => {
                self.unproven.remove(item);
            }
            _ => {}
        }
    }

    fn broken(&mut self, why: &str) -> Result<(), ()> {
        self.wrong = Some(why.to_owned());
        Err(())
    }

    fn one(&mut self, record: &Recorded, step: &Step) -> Result<(), String> {
        let board = &self.board;
        let clock = board.clock_at(record.at);
        let is = |holds: bool, rule: &str| if holds { Ok(()) } else { Err(rule.to_owned()) };
        is(record.seq == board.seq + 1, "records have no gaps")?;
        is(record.at >= board.at || matches!(record.event, Event::ItemEnded { .. }), "the axis only grows")?;
        let noted = matches!(
            record.event,
            Event::Noted { .. } | Event::ConsoleLeft | Event::ConsoleReturned { .. } | Event::RequestDecided { .. }
        );
        let seen = matches!(step.input, Some(Input::Observation(_)));
        is(board.ended.is_none() || noted || seen, "nothing is decided after the end")?;
        match &record.event {
            Event::Passed(Passage::Liftoff) => {
                self.liftoffs += 1;
                is(self.liftoffs == 1, "T-0 fires once")?;
                self.go(record)?;
            }
            Event::Resumed => {
                let clock = clock.ok_or("a clock")?;
                let open = clock.latches.keys().filter(|who| *who != countdown::BUILT_IN).count();
                is(open == 0, "a resume needs every latch cleared")?;
                let here = clock.mark();
                let polled = board.plan.clock.holds.iter().any(|hold| hold.poll && hold.at == here);
                if polled && clock.latches.contains_key(countdown::BUILT_IN) {
                    self.go(record)?;
                }
                is(self.may(record, Power::Resume), "a resume needs its power")?;
            }
            Event::Recycled { mark } => {
                is(board.plan.clock.recycle.contains(mark), "a recycle goes to a declared mark")?;
                is(self.may(record, Power::Resume), "a recycle needs its power")?;
            }
            Event::Scrubbed { .. } => is(self.may(record, Power::Abort), "a scrub needs its power")?,
            Event::Waived { .. } => is(self.may(record, Power::Waive), "a waiver needs its power")?,
            Event::Thawed { .. } => is(self.may(record, Power::Resume), "a thaw needs its power")?,
            Event::HoldCalled { .. } => {
                let running = clock
                    .is_some_and(|clock| matches!(clock.phase, countdown::Phase::Counting | countdown::Phase::Holding));
                is(running, "only a countdown that runs is held")?;
            }
            Event::Frozen { .. } => {
                is(board.clock.as_ref().is_some_and(|clock| clock.t0.is_some()), "a freeze is for after T-0")?;
            }
            Event::StepIntended { item, attempt } => self.intent(record, item, *attempt)?,
            Event::RepeatOrdered { item, reason, .. } => {
                is(!reason.trim().is_empty(), "a repetition has its reason")?;
                *self.ordered.entry(item.clone()).or_default() += 1;
            }
            Event::PhaseOpened { phase } => self.opened(phase, record)?,
            Event::GatePassed { phase, .. } => is(self.clear(phase, record), "a gate passes only when it is clear")?,
            Event::ItemEnded { item, attempt, .. } | Event::StepEnded { item, attempt, .. } => {
                let state = board.item(item).ok_or("known")?;
                match &board.plan.item(item).ok_or("known")?.act {
                    Act::Poll { roles, .. } => {
                        let votes = board.polls.items.get(item);
                        let all = roles.iter().all(|role| votes.is_some_and(|votes| votes.contains_key(role)));
                        is(all, "a poll is decided when all have voted")?;
                    }
                    Act::Signoff { roles } => {
                        let signed = board.signed.get(item);
                        let all = roles.iter().all(|role| signed.is_some_and(|signed| signed.contains_key(role)));
                        is(all, "a sign-off is signed by all")?;
                    }
                    _ => {
                        let runs = state.is_running() && state.attempt == Some(*attempt);
                        is(runs, "an end is of the attempt that runs")?;
                    }
                }
            }
            Event::StepMarked { item, .. } => {
                let ended = board.item(item).map(|state| &state.progress);
                is(matches!(ended, Some(Progress::Ended { .. })), "only an attempt that ended is marked")?;
            }
            Event::Attested { item, note, .. } => {
                is(!note.trim().is_empty(), "an attestation has a note")?;
                let act = &board.plan.item(item).ok_or("known")?.act;
                let Act::Manual { role, .. } = act else { return Err("only a manual item is attested".into()) };
                let wrong = role.as_ref().zip(record.actor.role.as_ref()).is_some_and(|(wanted, has)| wanted != has);
                is(!wrong, "the role that is asked for attests")?;
            }
            Event::CriterionWaived { until, reason, .. } => {
                is(self.may(record, Power::Waive), "a waiver needs its power")?;
                is(
                    until.is_some_and(|until| until > record.at) && !reason.trim().is_empty(),
                    "a waiver ends, and says why",
                )?;
            }
            Event::CriterionJudged { note, .. } => {
                let wrong = record.actor.role.as_ref().is_some_and(|has| has.as_str() != "lead");
                is(!wrong && !note.trim().is_empty(), "the role that is asked for judges, with a note")?;
            }
            Event::Voted { poll, role, vote, bound } => {
                let (roles, votes) = match poll {
                    None => (board.plan.poll.clone(), Some(&board.votes)),
                    Some(item) => (vec!["lead".into(), "director".into()], board.polls.items.get(item)),
                };
                is(roles.contains(role), "who votes is in the poll")?;
                is(bound.is_some(), "a vote is bound to what its voter saw")?;
                let heard = |other: &&RoleId| votes.is_some_and(|votes| votes.contains_key(*other));
                let last = role.as_str() != "director" || roles.iter().filter(heard).count() + 1 >= roles.len();
                is(last, "the director votes last")?;
                is(record.actor.role.as_ref().is_none_or(|has| has == role), "a role votes for itself")?;
                let reasoned = match vote {
                    Vote::Go => true,
                    Vote::NoGo { reason } | Vote::GoWithWaiver { reason } => !reason.trim().is_empty(),
                };
                is(reasoned, "NO-GO has a reason")?;
            }
            Event::RollbackRequested { .. } => is(board.rolling_back().is_none(), "one rollback at a time")?,
            Event::PlanAmended { .. } => {
                is(board.rolling_back().is_none(), "a rollback is seen through by the plan it began with")?;
            }
            _ => {}
        }
        triggers::decided(&self.board, record, &mut self.by_itself)?;
        // T only falls, but for a recycle, and never jumps below a built-in hold that was not served.
        let mut after = self.board.clone();
        after.apply(record);
        triggers::stand(&after)?;
        let t = |board: &Board| board.clock.as_ref().map(|clock| (clock.t, clock.attempt));
        if let (Some((before, attempt)), Some((now, again))) = (t(&self.board), t(&after)) {
            is(now <= before || again > attempt, "T only falls, but for a recycle")?;
            is(now >= 0, "T does not pass T-0 by counting")?;
        }
        let holding =
            |board: &Board| board.clock.as_ref().is_some_and(|clock| clock.phase == countdown::Phase::Holding);
        if holding(&self.board) && holding(&after) && !matches!(record.event, Event::CaughtUp | Event::Recycled { .. })
        {
            is(t(&self.board) == t(&after), "T stands while the countdown holds")?;
        }
        self.verdicts(record, &after)
    }

    /// A verdict changes only by what looked, acted, or said so.
    fn verdicts(&self, record: &Recorded, after: &Board) -> Result<(), String> {
        for (item, state) in &after.items {
            let Some(known) = self.board.item(item) else { continue };
            let (was, is) = (ended(&known.progress), ended(&state.progress));
            let passes = is == Some(Verdict::Pass) && was != is;
            let said = matches!(
                &record.event,
                Event::ItemEnded { item: of, .. } | Event::StepEnded { item: of, .. } | Event::StepMarked { item: of, .. }
                    | Event::Attested { item: of, .. } if of == item
            );
            if passes && !said {
                return Err(format!("{item} turned green by {:?}", record.event));
            }
        }
        Ok(())
    }

    /// Every gate before T-0 is clear and every role of the poll has said GO.
    fn go(&self, record: &Recorded) -> Result<(), String> {
        for phase in self.board.plan.phases.iter().filter(|phase| phase.gate && phase.at.0 > 0) {
            if !self.clear(&phase.id, record) {
                return Err(format!("GO with gate {} not clear", phase.id));
            }
        }
        for criterion in self.board.plan.criteria.iter().filter(|known| known.stage == GoStage::Launch) {
            if !self.stands(criterion, record) {
                return Err(format!("GO over criterion {}", criterion.id));
            }
        }
        for role in &self.board.plan.poll {
            let ballot = self.board.votes.get(role);
            if ballot.is_some_and(|ballot| record.at.since(ballot.cast) > Duration::from_secs(10_800)) {
                return Err(format!("GO by a vote of {role} that is over"));
            }
            match self.board.votes.get(role).map(|ballot| &ballot.vote) {
                Some(Vote::Go | Vote::GoWithWaiver { .. }) => {}
                other => return Err(format!("GO while {role} says {other:?}")),
            }
        }
        Ok(())
    }

    /// Whether what decides a criterion is as it should be, or a waiver counts.
    fn stands(&self, criterion: &Criterion, record: &Recorded) -> bool {
        let known = self.board.criteria.get(&criterion.id);
        let waiver = known.and_then(|known| known.waiver.as_ref());
        if waiver.is_some_and(|waiver| waiver.until.is_none_or(|until| record.at < until)) {
            return true;
        }
        match &criterion.by {
            DecidedBy::Person { .. } => known.and_then(|known| known.judged.as_ref()).is_some_and(|word| word.met),
            DecidedBy::Seen { items, monitors, .. } => {
                let monitor = |id| self.board.monitors.get(id).is_some_and(|seen| seen.verdict == Verdict::Pass);
                items.iter().all(|id| self.item_clear(id, record)) && monitors.iter().all(monitor)
            }
        }
    }

    fn clear(&self, phase: &PhaseId, record: &Recorded) -> bool {
        let Some(phase) = self.board.plan.phase(phase) else { return false };
        phase.items.iter().all(|id| self.item_clear(id, record))
    }

    fn item_clear(&self, id: &ItemId, record: &Recorded) -> bool {
        let (Some(item), Some(state)) = (self.board.plan.item(id), self.board.item(id)) else { return false };
        let Some(verdict) = state.verdict(item.valid_for, record.at) else { return false };
        if state.attempt.is_some() && self.unproven.get(id) == state.attempt.as_ref() && verdict <= Verdict::Warn {
            return false;
        }
        match verdict {
            Verdict::Pass => true,
            Verdict::Warn => state.acknowledged || state.waiver.is_some(),
            Verdict::Skipped => item.allow_skipped || state.waiver.is_some(),
            Verdict::Fail | Verdict::Unknown | Verdict::Stale => state.acknowledged || state.waiver.is_some(),
        }
    }

    fn opened(&self, phase: &PhaseId, record: &Recorded) -> Result<(), String> {
        let plan = &self.board.plan;
        let known = plan.phase(phase).ok_or("known")?;
        let t = self.board.clock_at(record.at).map(|clock| clock.mark());
        if t.is_some_and(|t: Mark| t > known.at) {
            return Err(format!("{phase} opens before its mark"));
        }
        let before = plan.phases.iter().take_while(|other| other.id != *phase).filter(|other| other.gate);
        let shut: BTreeSet<&PhaseId> = before.map(|gate| &gate.id).filter(|gate| !self.clear(gate, record)).collect();
        if shut.is_empty() { Ok(()) } else { Err(format!("{phase} opens behind {shut:?}")) }
    }

    fn intent(&mut self, record: &Recorded, item: &ItemId, attempt: Attempt) -> Result<(), String> {
        let board = &self.board;
        let known = board.plan.item(item).ok_or("known")?;
        let Act::Step { class, .. } = known.act else { return Err("only a step has an intent".into()) };
        if board.rolling_back().is_some() {
            return Err("a step begins beside a rollback".into());
        }
        if board.frozen.is_some() {
            return Err("a step begins while frozen".into());
        }
        let clock = board.clock_at(record.at).ok_or("a clock")?;
        if clock.mark() > known.at || board.phases.get(&known.phase).is_none_or(|phase| phase.opened.is_none()) {
            return Err(format!("{item} begins before its time"));
        }
        let so_far = self.intended.entry(item.clone()).or_default();
        if so_far.last().is_some_and(|last| *last >= attempt) {
            return Err(format!("attempt {attempt:?} of {item} is decided twice"));
        }
        so_far.push(attempt);
        let by_itself = record.actor.name == "engine" && so_far.len() > 1;
        if by_itself && class != Class::Readonly {
            return Err(format!("{item} is done again by itself"));
        }
        let ordered = self.ordered.get(item).copied().unwrap_or(0);
        if class == Class::Once && so_far.len() > 1 + ordered {
            return Err(format!("{item} of class once is done twice without a word"));
        }
        Ok(())
    }

    fn may(&self, record: &Recorded, power: Power) -> bool {
        record
            .actor
            .role
            .as_ref()
            .is_none_or(|role| self.board.plan.role(role).is_some_and(|known| known.may.contains(&power)))
    }
}

fn ended(progress: &Progress) -> Option<Verdict> {
    match progress {
        Progress::Ended { verdict, .. } => Some(*verdict),
        _ => None,
    }
}
