//! What happened, as one line for a person: the journal pane's wording, and the headless log's.

use std::time::Duration;

use super::command::Command;
use super::countdown::Passage;
use super::event::{Actor, Event, Recorded, RollbackEnd, RollbackFact, Vote};
use super::verdict::{Captured, Verdict};
use super::waiver;
use crate::base::template::as_text;

mod crew;
mod watched;

/// Whether a note was written down noticeably later than what it tells happened: both times are shown then.
#[must_use]
pub fn written_later(record: &Recorded) -> bool {
    matches!(record.event, Event::Noted { .. }) && record.recorded_at - record.occurred_at > UNWATCHED
}

/// What was learnt longer after it happened was not watched.
const UNWATCHED: chrono::TimeDelta = chrono::TimeDelta::seconds(2);

/// One line about a record. Text from outside is in it as it was recorded: pass it through
/// `base::text::printable` where it is shown.
#[must_use]
pub fn tell(record: &Recorded) -> String {
    let by = by(&record.actor);
    match &record.event {
        Event::LaunchOpened { plan, mode, release, target, .. } => {
            let version = release.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
            let target = target.as_deref().map(|target| format!(" for {target}")).unwrap_or_default();
            format!("{} of {plan}{version}{target} opened{by}", mode.word())
        }
        Event::ConsoleReturned { clean: true, .. } => format!("console came back{by}"),
        Event::ConsoleReturned { clean: false, .. } => format!("console came back after a crash{by}"),
        Event::ConsoleLeft => format!("console left{by}"),
        Event::TookOver { from, pid, host } => format!("launch TAKEN OVER{by} from {from} (process {pid} on {host})"),
        Event::RequestDecided { what, refused: None, .. } => format!("request{by}: {what}"),
        Event::RequestDecided { what, refused: Some(why), .. } => format!("request{by} REFUSED: {what}: {why}"),
        Event::Slept { gap } => format!("the machine slept for {}", span(*gap)),
        Event::TimeJumped { by } => format!("idle time skipped: {}", span(*by)),
        Event::Passed(Passage::Held(mark)) => format!("built-in hold at {mark}"),
        Event::Passed(Passage::Liftoff) => "T-0".into(),
        Event::Passed(Passage::CutOff) => "cut off: the hold in the terminal count lasted too long".into(),
        Event::HoldCalled { who, why } => format!("HOLD{}: {why}", for_latch(&record.actor, who, &by)),
        Event::HoldReleased { who } => format!("hold of {who} released{by}"),
        Event::Resumed => format!("countdown resumed{by}"),
        Event::CaughtUp => format!("countdown caught up{by}"),
        Event::Recycled { mark } => format!("countdown recycled to {mark}{by}"),
        Event::Slipped { published, why } => {
            let after = chrono::TimeDelta::milliseconds(published.0 - record.at.0);
            let at = record.occurred_at.checked_add_signed(after).unwrap_or(record.occurred_at);
            format!("T-0 SLIPPED to {}{by}: {why}", at.format("%Y-%m-%d %H:%M:%S UTC"))
        }
        Event::Scrubbed { why } => format!("SCRUBBED{by}: {why}"),
        Event::CutOff { why } => format!("CUT OFF{by}: {why}"),
        Event::Frozen { why } => format!("FROZEN{by}: {why}"),
        Event::Thawed { why } => format!("freeze lifted{by}: {why}"),
        Event::PhaseOpened { phase } => format!("phase {phase} opened"),
        Event::PhaseRunAgain { phase } => format!("phase {phase} is looked at again"),
        Event::GatePassed { phase, waivers, marked } => {
            let marked = (*marked > 0).then(|| format!(", {marked} marked by hand"));
            format!("gate {phase} passed{}{}", waiver::with(*waivers), marked.unwrap_or_default())
        }
        Event::BaselineCaptured { name, value: Captured::Value(value) } => format!("baseline {name} is {value}"),
        Event::BaselineCaptured { name, value: Captured::Missing(why) } => {
            format!("baseline {name} could not be captured: {why}")
        }
        Event::MonitorChanged { monitor, verdict, why } => format!("monitor {monitor} is {verdict}: {why}"),
        Event::StreamChanged { stream, open: true, why } => format!("stream {stream} open{}", after_colon(why)),
        Event::StreamChanged { stream, open: false, why } => format!("stream {stream} closed{}", after_colon(why)),
        Event::Evaluated { .. }
        | Event::HoleFilled { .. }
        | Event::TriggerFired { .. }
        | Event::TriggerVetoed { .. } => watched::tell(record, &by),
        Event::SamplesKept { blocks, .. } => {
            let samples: u64 = blocks.iter().map(|block| block.samples).fold(0, u64::saturating_add);
            format!("{samples} samples of {} signals kept", blocks.len())
        }
        Event::TriggerAcknowledged { trigger } => format!("trigger {trigger} taken on{by}"),
        Event::SoakHoleWaived { item, reason, .. } => {
            format!("{item}: the hole in the watching is waived{by}: {reason}")
        }
        Event::Voted { poll: None, role, vote, .. } => format!("{role} votes {}{by}", vote_words(vote)),
        Event::Voted { poll: Some(poll), role, vote, .. } => format!("{poll}: {role} votes {}{by}", vote_words(vote)),
        Event::VotesVoided { why } => format!("votes void: {why}"),
        Event::Noted { text, amends: None } => format!("note{by}: {text}"),
        Event::Noted { text, amends: Some(seq) } => format!("note{by}, AMENDS #{seq}: {text}"),
        Event::RollbackRequested { rollback, run, why } => format!("ROLLBACK {rollback} (run {run}){by}: {why}"),
        Event::RollbackTold { run, fact } => format!("rollback run {run}: {}", fact_words(fact)),
        Event::FaultSwitched { fault, on } => format!("fault {fault} {}", if *on { "on" } else { "off" }),
        Event::LaunchEnded { why } => format!("launch ended: {why}"),
        _ => tell_item(record, &by),
    }
}

fn tell_item(record: &Recorded, by: &str) -> String {
    let learnt_late = record.recorded_at - record.occurred_at > UNWATCHED;
    match &record.event {
        Event::ItemStarted { item, attempt } | Event::StepIntended { item, attempt } => {
            format!("{item} started{}{by}", nth(attempt.0))
        }
        Event::ItemEnded { item, attempt, report } => {
            let why = if report.verdict == Verdict::Pass { String::new() } else { format!(": {}", report.summary) };
            format!("{item} {} in {}{}{why}", report.verdict, span(report.took), nth(attempt.0))
        }
        Event::ItemBlocked { item, by } => format!("{item} blocked by {by}"),
        Event::StepStarted { item, pid, .. } => format!("{item} runs as process {pid}"),
        Event::StepEnded { item, verdict, outcome, .. } => {
            let simulated = if outcome.simulated { ", simulated" } else { "" };
            let late = if learnt_late { ", while no console watched" } else { "" };
            let timed = !outcome.is_lost() && !outcome.never_ran;
            let took = if timed { format!(" in {}", span(outcome.took)) } else { String::new() };
            format!("{item} {verdict}{took}: {}{simulated}{late}", outcome.words())
        }
        Event::ProcessReady { item, pid, captured, .. } => {
            let found = captured.iter().map(|(name, value)| format!(", {name} = {}", as_text(value)));
            format!("{item} is ready as process {pid}, and lives on{}", found.collect::<String>())
        }
        Event::ProcessEnded { item, why, asked: true, .. } => format!("{item} has ended: {why}"),
        Event::ProcessEnded { item, why, .. } => format!("{item} DIED: {why}"),
        Event::PlaybookStarted { playbook, .. } => format!("playbook {playbook} run{by}"),
        Event::PlaybookStepEnded { step, verdict, outcome, .. } => {
            format!("playbook: {step} {verdict}: {}", outcome.words())
        }
        Event::PlaybookEnded { playbook, why, .. } => format!("playbook {playbook} is through: {why}"),
        Event::CancelAsked { item, why, .. } => format!("{item} is asked to end: {why}"),
        Event::ItemCancelled { item, why, .. } => format!("{item} stopped: {why}"),
        Event::StepMarked { item, passed: true, reason, .. } => format!("{item} marked DONE{by}: {reason}"),
        Event::StepMarked { item, passed: false, reason, .. } => format!("{item} marked FAILED{by}: {reason}"),
        Event::StepUndone { item, why, .. } => format!("{item} is UNPROVEN: {why}"),
        Event::FieldFilled { item, field, value } => format!("{item}: {field} is {value:?}{by}"),
        Event::RepeatOrdered { item, reason, .. } => format!("{item} is done AGAIN{by}: {reason}"),
        Event::Attested { item, note, passed: true } => format!("{item} attested{by}{}", after_colon(note)),
        Event::Attested { item, note, passed: false } => format!("{item} attested as FAILED{by}{}", after_colon(note)),
        Event::Waived { item, reason, until } => {
            let lasts = until.map(|until| format!(" for {}", span(until.since(record.at)))).unwrap_or_default();
            format!("{item} WAIVED{by}{lasts}: {reason}")
        }
        Event::WaiverExpired { item } => format!("the waiver of {item} EXPIRED: what it let open is shut again"),
        Event::Acknowledged { item } => format!("{item} acknowledged{by}"),
        // `tell` has taken every other event.
        other => crew::tell(other, by).unwrap_or_else(|| format!("{other:?}")),
    }
}

/// A request as one line: what was asked, not what came of it.
#[must_use]
pub fn asked_for(command: &Command) -> String {
    match command {
        Command::Note { text, amends: None, .. } => format!("note: {text}"),
        Command::Note { text, amends: Some(seq), .. } => format!("note, amends #{seq}: {text}"),
        Command::Waive { item, reason, lasts } => format!("waive {item} for {}: {reason}", span(*lasts)),
        Command::Choose { item, option, reason } => format!("{item}: choose {option}: {reason}"),
        Command::Veto { trigger, why } => format!("veto trigger {trigger}{}", after_colon(why)),
        Command::AcknowledgeTrigger { trigger } => format!("take on trigger {trigger}"),
        Command::FireTrigger { trigger, why } => format!("fire trigger {trigger}: {why}"),
        Command::WaiveHole { item, reason, .. } => format!("{item}: waive the hole in the watching: {reason}"),
        Command::RunPlaybook { playbook } => format!("run playbook {playbook}"),
        Command::CallHold { why } => format!("hold: {why}"),
        Command::ReleaseHold { who } => format!("release the hold of {who}"),
        Command::Vote { poll: None, role, vote } => format!("{role} votes {}", vote_words(vote)),
        Command::Vote { poll: Some(poll), role, vote } => format!("{poll}: {role} votes {}", vote_words(vote)),
        Command::Judge { criterion, met, note } => {
            format!("judge criterion {criterion} {}: {note}", if *met { "for GO" } else { "against GO" })
        }
        Command::WaiveCriterion { criterion, reason, .. } => format!("waive criterion {criterion}: {reason}"),
        Command::Sign { item, role, .. } => format!("sign {item} for {role}"),
        Command::Acknowledge { item } => format!("acknowledge {item}"),
        Command::Amend { reason, .. } => format!("amend the plan: {reason}"),
        Command::OpenIncident { title, severity: None, .. } => format!("incident: {title}"),
        Command::OpenIncident { title, severity: Some(severity), .. } => format!("incident, {severity}: {title}"),
        Command::ChangeIncident { incident, change } => format!("incident {incident} {}", change.words()),
        Command::Attest { item, note, passed: true } => format!("attest {item}: {note}"),
        Command::Attest { item, note, passed: false } => format!("attest {item} as failed: {note}"),
        Command::GiveEvidence { evidence, what } => format!("evidence {evidence}: {what}"),
        Command::Close { why, anyway, .. } => {
            let said = [Some(why.as_str()), anyway.as_deref()].into_iter().flatten().filter(|text| !text.is_empty());
            format!("close the launch{}", after_colon(&said.collect::<Vec<_>>().join("; ")))
        }
        other => {
            let debug = format!("{other:?}");
            debug.split([' ', '{']).next().unwrap_or_default().to_owned()
        }
    }
}

/// ` by NAME (ROLE)`, nothing for the engine itself; a scripted crew is always said to be one.
fn by(actor: &Actor) -> String {
    match actor.name.as_str() {
        "engine" if !actor.scripted => String::new(),
        _ => format!(" by {}", actor.called(ToString::to_string)),
    }
}

/// Who called a hold: both name and role where a person did, else the latch alone.
fn for_latch(actor: &Actor, who: &str, by: &str) -> String {
    let own = actor.role.as_ref().is_some_and(|role| role.as_str() == who);
    if own { by.to_owned() } else { format!(" by {who}") }
}

fn nth(attempt: u32) -> String {
    if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() }
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// A vote in words: `GO`, `NO-GO: the reason`.
#[must_use]
pub fn vote_words(vote: &Vote) -> String {
    match vote {
        Vote::Go => "GO".into(),
        Vote::NoGo { reason } => format!("NO-GO: {reason}"),
        Vote::GoWithWaiver { reason } => format!("GO WITH WAIVER: {reason}"),
    }
}

/// What the runner of a rollback told, as one line.
#[must_use]
pub fn fact_words(fact: &RollbackFact) -> String {
    match fact {
        RollbackFact::Started { pid } => format!("its runner is process {pid}"),
        RollbackFact::StepStarted { step } => format!("{step} started"),
        RollbackFact::StepEnded { step, verdict, outcome } => format!("{step} {verdict}: {}", outcome.words()),
        RollbackFact::ApprovalAwaited { step, role } => format!("{step} waits for approval by {role}"),
        RollbackFact::Approved { step, by } => format!("{step} approved by {}", approver(by)),
        RollbackFact::ApprovalRefused { step, why } => format!("an approval of {step} does not count: {why}"),
        RollbackFact::FallbackStarted { step } => format!("{step} failed: its fallback started"),
        RollbackFact::FallbackEnded { step, verdict, outcome } => {
            format!("the fallback of {step} {verdict}: {}", outcome.words())
        }
        RollbackFact::Verified { check, report } => format!("{check} {}: {}", report.verdict, report.summary),
        RollbackFact::Ended { end, took } => format!("{} after {}", end_words(end), span(*took)),
    }
}

/// Who turned a second key: `bob for dba`, `crew for dba (scripted)`.
#[must_use]
pub fn approver(by: &Actor) -> String {
    let role = by.role.as_ref().map(|role| format!(" for {role}")).unwrap_or_default();
    let scripted = if by.scripted { " (scripted)" } else { "" };
    let hand = by.recorded_by.as_ref().map(|hand| format!(", recorded by {hand}")).unwrap_or_default();
    format!("{}{role}{scripted}{hand}", by.name)
}

/// How a rollback ended, in words that cannot be mixed up.
#[must_use]
pub fn end_words(end: &RollbackEnd) -> String {
    match end {
        RollbackEnd::Verified => "VERIFIED".into(),
        RollbackEnd::NotVerified { checks } => {
            let checks: Vec<&str> = checks.iter().map(super::id::ItemId::as_str).collect();
            format!("DONE BUT NOT VERIFIED ({})", checks.join(", "))
        }
        RollbackEnd::FailedAtStep { step, why, by_hand } => {
            let by_hand = if by_hand.is_empty() { String::new() } else { format!("; do by hand: {by_hand}") };
            format!("FAILED AT {step}: {why}{by_hand}")
        }
        RollbackEnd::Joined { run, rollback } => format!("did nothing: it joined run {run} of {rollback}"),
    }
}

fn span(span: Duration) -> String {
    if span.as_secs() == 0 {
        return format!("{} ms", span.as_millis());
    }
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    humantime::format_duration(Duration::from_millis(millis - millis % 100)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::id::Attempt;
    use crate::launch::time::{Instant, Wall};
    use crate::launch::verdict::Report;

    fn said(actor: Actor, event: Event) -> String {
        let wall = Wall::default();
        tell(&Recorded { seq: 1, at: Instant(0), occurred_at: wall, recorded_at: wall, actor, event })
    }

    #[test]
    fn a_scripted_crew_is_always_said_to_be_one() {
        let crew = Actor { name: "crew".into(), role: None, scripted: true, recorded_by: None };
        let vote = Event::Voted { poll: None, role: "lead".into(), vote: Vote::Go, bound: None };
        assert_eq!(said(crew, vote.clone()), "lead votes GO by crew (scripted)");
        assert_eq!(said(Actor::person("ana", None), vote), "lead votes GO by ana");
    }

    #[test]
    fn an_end_says_why_unless_it_passed() {
        let ended = |verdict| {
            let report = Report::plain(verdict, "status expected 200, seen 503", Duration::from_millis(41));
            said(Actor::engine(), Event::ItemEnded { item: "login".into(), attempt: Attempt(2), report })
        };
        assert_eq!(ended(Verdict::Pass), "login pass in 41 ms (attempt 2)");
        assert_eq!(ended(Verdict::Fail), "login fail in 41 ms (attempt 2): status expected 200, seen 503");
    }

    #[test]
    fn the_three_endings_of_a_rollback_differ() {
        let told = |end| {
            let fact = RollbackFact::Ended { end, took: Duration::from_millis(2_345) };
            said(Actor::engine(), Event::RollbackTold { run: 1, fact })
        };
        assert_eq!(told(RollbackEnd::Verified), "rollback run 1: VERIFIED after 2s 300ms");
        let checks = vec!["frontend/build-info".into()];
        assert!(told(RollbackEnd::NotVerified { checks }).contains("DONE BUT NOT VERIFIED (frontend/build-info)"));
        let failed = RollbackEnd::FailedAtStep {
            step: "frontend/redeploy".into(),
            why: "exit 1".into(),
            by_hand: "deploy the previous artifact".into(),
        };
        let words = told(failed);
        assert!(words.contains("FAILED AT frontend/redeploy: exit 1; do by hand: deploy the previous art"), "{words}");
    }
}
