//! From records to messages: a pure fold over the journal. A replay makes the same messages in the same places, so
//! what was told of a journal is a number in it. Text from outside is in a record as it was recorded: it leaves here
//! printable.

mod ended;

use std::collections::BTreeSet;
use std::sync::Arc;

use ended::{ALERT, ended, left_open, purl};

use super::message::{Act, Alert, Deed, Launch, Message, Place, Severity, Tone};
use crate::base::template::as_text;
use crate::base::text::printable;
use crate::launch::board::Board;
use crate::launch::countdown::Passage;
use crate::launch::event::{Event, Recorded, RollbackEnd, RollbackFact, Vote};
use crate::launch::gate;
use crate::launch::id::{Attempt, ItemId, PhaseId, TriggerId};
use crate::launch::incident::{self, Change, Stage};
use crate::launch::plan::{Notify, Topic, Via};
use crate::launch::telling::{approver, tell};
use crate::launch::verdict::Verdict;

/// Lines of a message beside its head.
const LINES: usize = 12;

/// What was told so far, as far as what is told next depends on it.
#[derive(Debug, Clone, Default)]
pub struct Telling {
    launch: Option<Arc<Launch>>,
    /// Gates that were told to be red and have not passed since.
    red: BTreeSet<PhaseId>,
    /// Triggers that fired and are not quiet again.
    fired: BTreeSet<TriggerId>,
    /// Alerts that are open. An incident's may outlive the launch, and that of a rollback that is not verified.
    open: BTreeSet<String>,
    /// That it ended was told.
    over: bool,
}

/// Whether `target` is told of `message`.
#[must_use]
pub fn concerns(message: &Message, target: &Notify) -> bool {
    let books = matches!(message.deed, Deed::Own { subject: ALERT, .. });
    let told = match target.via {
        Via::PagerDuty => message.alert.is_some() || message.change,
        Via::Slack | Via::Webhook => !books,
    };
    told && target.events.contains(&message.topic)
}

/// A message in the making.
struct Draft {
    topic: Topic,
    tone: Tone,
    /// None: as the journal tells it.
    head: Option<String>,
    lines: Vec<String>,
    alert: Option<Alert>,
    change: bool,
    deed: Deed,
}

impl Draft {
    fn new(topic: Topic, tone: Tone, deed: Deed) -> Self {
        Self { topic, tone, head: None, lines: Vec::new(), alert: None, change: false, deed }
    }

    /// One that CDEvents has no word for.
    fn own(
        topic: Topic,
        tone: Tone,
        subject: &'static str,
        predicate: &'static str,
        id: &(impl ToString + ?Sized),
    ) -> Self {
        Self::new(topic, tone, Deed::Own { subject, predicate, id: id.to_string() })
    }

    fn head(self, head: impl Into<String>) -> Self {
        Self { head: Some(head.into()), ..self }
    }

    fn lines(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.lines.extend(lines.into_iter().filter(|line| !line.is_empty()));
        self
    }

    fn change(self) -> Self {
        Self { change: true, ..self }
    }

    fn alert(self, act: Act, key: impl Into<String>, severity: Severity) -> Self {
        Self { alert: Some(Alert { key: key.into(), act, severity }), ..self }
    }

    fn resolves(self, key: impl Into<String>) -> Self {
        self.alert(Act::Resolve, key, Severity::Info)
    }
}

impl Telling {
    /// What `record` is to be told as; `board` is what it came to.
    pub fn take(&mut self, record: &Recorded, board: &Board) -> Vec<Message> {
        if let (Event::LaunchOpened { .. }, None) = (&record.event, &self.launch) {
            self.launch = Some(Arc::new(Launch::of(record, board)));
        }
        let Some(launch) = self.launch.clone() else { return Vec::new() };
        let mut drafts = self.drafts(record, board, &launch);
        drafts.extend(self.quiet_again(board));
        if !self.over && matches!(record.event, Event::LaunchEnded { .. } | Event::LaunchClosed { .. }) {
            self.over = true;
            drafts.extend(left_open(&self.open));
        }
        let mut parts = 0..;
        drafts
            .into_iter()
            .zip(&mut parts)
            .map(|(draft, part)| Message {
                place: Place { seq: record.seq, part },
                launch: Arc::clone(&launch),
                topic: draft.topic,
                tone: draft.tone,
                head: printable(&draft.head.unwrap_or_else(|| tell(record))),
                lines: draft.lines.iter().take(LINES).map(|line| printable(line)).collect(),
                at: record.occurred_at,
                mark: board.clock_at(record.at).map(|clock| clock.mark()),
                alert: draft.alert.filter(|alert| self.counts(alert)),
                change: draft.change,
                deed: draft.deed,
            })
            .collect()
    }

    /// Takes down which alerts are open. Nothing takes on or ends one that is not.
    fn counts(&mut self, alert: &Alert) -> bool {
        match alert.act {
            Act::Trigger => {
                self.open.insert(alert.key.clone());
                true
            }
            Act::Resolve => self.open.remove(&alert.key),
            Act::Acknowledge => self.open.contains(&alert.key),
        }
    }

    fn drafts(&mut self, record: &Recorded, board: &Board, launch: &Launch) -> Vec<Draft> {
        use Tone::{Bad, Good, Plain, Warn};
        let own = |topic, tone, subject, predicate| vec![Draft::own(topic, tone, subject, predicate, &launch.key)];
        match &record.event {
            Event::LaunchOpened { .. } => {
                let description = board.plan.description.clone();
                vec![Draft::new(Topic::Launch, Plain, Deed::PipelineStarted).lines([description]).change()]
            }
            Event::LaunchEnded { .. } | Event::LaunchClosed { .. } if self.over => Vec::new(),
            Event::LaunchEnded { .. } => ended(board, launch, None),
            Event::LaunchClosed { missing, .. } => ended(board, launch, Some(missing)),
            Event::ConsoleReturned { clean: false, .. } => own(Topic::Launch, Warn, "console", "returned"),
            Event::TookOver { .. } => own(Topic::Launch, Warn, "console", "takenover"),
            Event::PlanAmended { changes, .. } => {
                let draft = Draft::own(Topic::Launch, Warn, "plan", "amended", &launch.plan);
                vec![draft.lines(changes.iter().cloned())]
            }
            Event::Scrubbed { .. } => {
                vec![Draft::own(Topic::Launch, Bad, "launch", "scrubbed", &launch.key).change()]
            }
            Event::CutOff { .. } | Event::Passed(Passage::CutOff) => {
                vec![Draft::own(Topic::Launch, Bad, "launch", "cutoff", &launch.key).change()]
            }
            Event::Passed(Passage::Liftoff) => {
                vec![Draft::own(Topic::Liftoff, Good, "count", "liftoff", &launch.key).change()]
            }
            Event::Passed(Passage::Held(_)) => own(Topic::Hold, Plain, "hold", "began"),
            Event::HoldCalled { .. } => {
                let draft = Draft::own(Topic::Hold, Warn, "hold", "called", &launch.key);
                vec![draft.alert(Act::Trigger, "hold", Severity::Warning)]
            }
            Event::HoldReleased { .. } => own(Topic::Hold, Plain, "hold", "released"),
            // What held it may stand all the same.
            Event::CaughtUp => own(Topic::Hold, Plain, "count", "caughtup"),
            Event::Resumed => {
                vec![Draft::own(Topic::Hold, Good, "hold", "resumed", &launch.key).resolves("hold")]
            }
            Event::Recycled { .. } => own(Topic::Hold, Warn, "count", "recycled"),
            Event::Slipped { .. } => own(Topic::Hold, Warn, "count", "slipped"),
            Event::Frozen { .. } => {
                let draft = Draft::own(Topic::Freeze, Bad, "launch", "frozen", &launch.key);
                vec![draft.alert(Act::Trigger, "freeze", Severity::Error)]
            }
            Event::Thawed { .. } => {
                vec![Draft::own(Topic::Freeze, Good, "launch", "thawed", &launch.key).resolves("freeze")]
            }
            Event::PollDecided { go, poll, .. } => {
                let id = poll.as_ref().map_or("poll", ItemId::as_str);
                let draft = Draft::own(Topic::Poll, if *go { Good } else { Bad }, "poll", "decided", id);
                vec![match go {
                    true => draft.resolves(format!("poll/{id}")),
                    false => draft.alert(Act::Trigger, format!("poll/{id}"), Severity::Warning),
                }]
            }
            Event::Voted { vote: Vote::NoGo { .. }, role, .. } => {
                vec![Draft::own(Topic::Poll, Bad, "vote", "nogo", role)]
            }
            Event::VotesVoided { .. } => own(Topic::Poll, Warn, "vote", "voided"),
            Event::TriggerFired { trigger, .. } => vec![self.trigger_fired(trigger, board)],
            Event::TriggerVetoed { trigger, .. } => {
                self.fired.remove(trigger);
                let draft = Draft::own(Topic::Trigger, Warn, "trigger", "vetoed", trigger);
                vec![draft.resolves(format!("trigger/{trigger}"))]
            }
            Event::TriggerAcknowledged { trigger } => {
                let draft = Draft::own(Topic::Trigger, Plain, "trigger", "acknowledged", trigger);
                vec![draft.alert(Act::Acknowledge, format!("trigger/{trigger}"), Severity::Info)]
            }
            Event::RollbackRequested { rollback, run, .. } => {
                let title = board.plan.rollback(rollback).map(|known| known.title.clone()).unwrap_or_default();
                let deed = Deed::TaskStarted { id: format!("rollback/{run}"), name: rollback.to_string() };
                let draft = Draft::new(Topic::Rollback, Bad, deed).lines([title]);
                vec![draft.alert(Act::Trigger, format!("rollback/{run}"), Severity::Critical)]
            }
            Event::RollbackTold { run, fact } => rollback_told(*run, fact, board),
            _ => self.checklist(record, board),
        }
    }

    fn trigger_fired(&mut self, trigger: &TriggerId, board: &Board) -> Draft {
        self.fired.insert(trigger.clone());
        let known = board.plan.triggers.iter().find(|known| known.id == *trigger);
        let title = known.map(|known| known.title.clone()).unwrap_or_default();
        let draft = Draft::own(Topic::Trigger, Tone::Bad, "trigger", "fired", trigger).lines([title]);
        draft.alert(Act::Trigger, format!("trigger/{trigger}"), Severity::Critical)
    }

    /// Gates, steps, incidents.
    fn checklist(&mut self, record: &Recorded, board: &Board) -> Vec<Draft> {
        use Tone::{Bad, Good, Plain, Warn};
        match &record.event {
            Event::PhaseOpened { phase } => match board.plan.phase(phase).filter(|known| known.gate) {
                Some(known) => {
                    let deed = Deed::SuiteStarted { id: phase.to_string(), name: known.title.clone() };
                    vec![Draft::new(Topic::Gate, Plain, deed).lines([known.title.clone()])]
                }
                None => Vec::new(),
            },
            Event::GatePassed { phase, waivers, marked } => {
                self.red.remove(phase);
                let title = board.plan.phase(phase).map(|known| known.title.clone()).unwrap_or_default();
                let deed = Deed::SuiteFinished { id: phase.to_string(), name: title.clone(), outcome: "success" };
                let tone = if waivers + marked > 0 { Warn } else { Good };
                vec![Draft::new(Topic::Gate, tone, deed).lines([title]).resolves(format!("gate/{phase}"))]
            }
            Event::ItemEnded { item, .. } | Event::Attested { item, .. } | Event::ItemBlocked { item, .. } => {
                self.turned_red(item, record, board).into_iter().collect()
            }
            Event::StepIntended { item, attempt } => {
                let deed = Deed::TaskStarted { id: try_of(item, *attempt), name: named(item, board) };
                vec![Draft::new(Topic::Step, Plain, deed)]
            }
            Event::StepEnded { item, attempt, verdict, .. } => {
                let told = step_ended(item, *attempt, *verdict, board);
                std::iter::once(told).chain(self.turned_red(item, record, board)).collect()
            }
            Event::StepMarked { item, attempt, passed, .. } => {
                let verdict = if *passed { Verdict::Pass } else { Verdict::Fail };
                let told = step_ended(item, *attempt, verdict, board);
                std::iter::once(told).chain(self.turned_red(item, record, board)).collect()
            }
            Event::IncidentOpened { incident, severity, .. } => {
                let deed = Deed::IncidentDetected { number: *incident };
                let rank = incident::find(board, *incident).map_or(0, |known| known.rank(&board.plan));
                let guide = severity.as_ref().and_then(|id| board.plan.severities.iter().find(|known| known.id == *id));
                let guide = guide.map(|known| known.title.clone()).unwrap_or_default();
                let draft = Draft::new(Topic::Incident, Bad, deed).lines([guide]);
                vec![draft.alert(Act::Trigger, format!("incident/{incident}"), Severity::of_rank(rank))]
            }
            Event::IncidentChanged { incident, change } => vec![incident_changed(*incident, change, board)],
            Event::IncidentRang { incident, .. } => {
                let known = incident::find(board, *incident);
                let rank = known.map_or(0, |known| known.rank(&board.plan));
                let level = known.and_then(|known| known.level(&board.plan));
                let contacts = level.map(|level| level.contacts.join(", ")).unwrap_or_default();
                let draft = Draft::own(Topic::Incident, Bad, "incident", "escalated", incident).lines([contacts]);
                vec![draft.alert(Act::Trigger, format!("incident/{incident}"), Severity::of_rank(rank))]
            }
            _ => Vec::new(),
        }
    }

    /// That a gate is red, once until it has passed or is green again.
    fn turned_red(&mut self, item: &ItemId, record: &Recorded, board: &Board) -> Option<Draft> {
        let phase = board.plan.phase(&board.plan.item(item)?.phase).filter(|known| known.gate)?;
        let red =
            |verdict: &Option<Verdict>| matches!(verdict, Some(Verdict::Fail | Verdict::Unknown | Verdict::Stale));
        let standing = gate::standing(board, phase, record.at);
        let blocking = standing.blocking.iter().filter(|(_, verdict)| red(verdict));
        let lines: Vec<String> =
            blocking.map(|(id, verdict)| format!("{id} {}", verdict.map_or("", Verdict::word))).collect();
        if lines.is_empty() {
            self.red.remove(&phase.id);
            return None;
        }
        if !self.red.insert(phase.id.clone()) {
            return None;
        }
        // Its checks go on: the suite is finished once the gate has passed.
        let draft = Draft::own(Topic::Gate, Tone::Bad, "gate", "red", &phase.id);
        let draft = draft.head(format!("gate {} is RED: {}", phase.id, lines[0])).lines(lines);
        Some(draft.alert(Act::Trigger, format!("gate/{}", phase.id), Severity::Error))
    }

    /// Triggers that fired and are quiet again, which has no record of its own.
    fn quiet_again(&mut self, board: &Board) -> Vec<Draft> {
        let quiet = |id: &TriggerId| board.triggers.get(id).is_none_or(|known| known.is_quiet());
        let over: Vec<TriggerId> = self.fired.iter().filter(|id| quiet(id)).cloned().collect();
        self.fired.retain(|id| !over.contains(id));
        let told = |id: &TriggerId| {
            let draft = Draft::own(Topic::Trigger, Tone::Good, "trigger", "recovered", id);
            draft.head(format!("trigger {id} is quiet again")).resolves(format!("trigger/{id}"))
        };
        over.iter().map(told).collect()
    }
}

/// The title of an item, or its id.
fn named(item: &ItemId, board: &Board) -> String {
    board.plan.item(item).map_or_else(|| item.to_string(), |known| known.title.clone())
}

/// What a verdict comes to, in the words of CDEvents.
fn outcome(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass | Verdict::Warn => "success",
        Verdict::Fail => "failure",
        Verdict::Skipped => "cancel",
        Verdict::Unknown | Verdict::Stale => "error",
    }
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass => Tone::Good,
        Verdict::Warn | Verdict::Skipped => Tone::Warn,
        Verdict::Fail | Verdict::Unknown | Verdict::Stale => Tone::Bad,
    }
}

/// One try at an item: another is another run.
fn try_of(item: &ItemId, attempt: Attempt) -> String {
    format!("{item}/{}", attempt.0)
}

fn step_ended(item: &ItemId, attempt: Attempt, verdict: Verdict, board: &Board) -> Draft {
    let (id, name) = (try_of(item, attempt), named(item, board));
    Draft::new(Topic::Step, tone(verdict), Deed::TaskFinished { id, name, outcome: outcome(verdict) })
}

fn rollback_told(run: u32, fact: &RollbackFact, board: &Board) -> Vec<Draft> {
    let known = board.rollbacks.iter().find(|known| known.run == run);
    let id = known.map(|known| known.id.to_string()).unwrap_or_default();
    let key = format!("rollback/{run}");
    let own = |tone, predicate| Draft::own(Topic::Rollback, tone, "rollback", predicate, &format!("{id}/{run}"));
    match fact {
        RollbackFact::StepEnded { verdict: Verdict::Fail | Verdict::Unknown, .. } => {
            vec![own(Tone::Bad, "stepfailed").alert(Act::Trigger, key, Severity::Critical)]
        }
        RollbackFact::ApprovalAwaited { .. } => {
            vec![own(Tone::Bad, "approvalawaited").alert(Act::Trigger, key, Severity::Critical)]
        }
        RollbackFact::Approved { step, by } => {
            vec![own(Tone::Plain, "approved").head(format!("rollback {id}: {step} approved by {}", approver(by)))]
        }
        RollbackFact::FallbackStarted { .. } => vec![own(Tone::Warn, "fallback")],
        RollbackFact::Ended { end, .. } => rollback_ended(run, end, board),
        _ => Vec::new(),
    }
}

fn rollback_ended(run: u32, end: &RollbackEnd, board: &Board) -> Vec<Draft> {
    let known = board.rollbacks.iter().find(|known| known.run == run);
    let name = known.map(|known| known.id.to_string()).unwrap_or_default();
    let key = format!("rollback/{run}");
    let told = |tone, outcome| {
        let deed = Deed::TaskFinished { id: format!("rollback/{run}"), name: name.clone(), outcome };
        Draft::new(Topic::Rollback, tone, deed)
    };
    match end {
        RollbackEnd::Verified => {
            let mut drafts = vec![told(Tone::Good, "success").resolves(key)];
            // What it goes back to is known where one captured value says it.
            let uses = known.and_then(|known| board.plan.rollback(&known.id)).map(|known| known.uses.as_slice());
            if let Some([one]) = uses
                && let Some(value) = board.baseline.get(one).and_then(|captured| captured.value())
            {
                let artifact = purl(&board.plan.id, &as_text(value));
                let head = format!("{} is back in service", as_text(value));
                drafts.push(Draft::new(Topic::Rollback, Tone::Good, Deed::ServiceRolledBack { artifact }).head(head));
            }
            drafts
        }
        RollbackEnd::Joined { .. } => vec![told(Tone::Plain, "cancel").resolves(key)],
        RollbackEnd::NotVerified { .. } | RollbackEnd::FailedAtStep { .. } => {
            vec![told(Tone::Bad, "failure").alert(Act::Trigger, key, Severity::Critical)]
        }
    }
}

fn incident_changed(number: u32, change: &Change, board: &Board) -> Draft {
    let key = format!("incident/{number}");
    let rank = || incident::find(board, number).map_or(0, |known| known.rank(&board.plan));
    let own = |tone, predicate| Draft::own(Topic::Incident, tone, "incident", predicate, &number);
    match change {
        Change::Stage(Stage::Resolved) => {
            Draft::new(Topic::Incident, Tone::Good, Deed::IncidentResolved { number }).resolves(key)
        }
        Change::Stage(Stage::Closed) => own(Tone::Plain, "closed").resolves(key),
        Change::Stage(Stage::Mitigated) => own(Tone::Warn, "mitigated"),
        Change::Stage(Stage::Active) => own(Tone::Bad, "active"),
        Change::Relapsed(_) => own(Tone::Bad, "relapsed").alert(Act::Trigger, key, Severity::of_rank(rank())),
        Change::Severity(_) => own(Tone::Warn, "severity").alert(Act::Trigger, key, Severity::of_rank(rank())),
        Change::Commander(_) | Change::Acknowledged => {
            own(Tone::Plain, "acknowledged").alert(Act::Acknowledge, key, Severity::Info)
        }
        Change::Impact(_) | Change::Mitigation(_) | Change::FollowUp(_) | Change::Note(_) => {
            own(Tone::Plain, "changed")
        }
    }
}

#[cfg(test)]
#[path = "telling_tests.rs"]
mod tests;

#[cfg(test)]
mod records_tests;
