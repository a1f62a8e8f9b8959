//! Records to test with: one of each event, chains, and any record at all.

use std::time::Duration;

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::chain::{Head, Link};
use super::record;
use crate::launch::artifact::Artifact;
use crate::launch::countdown::Passage;
use crate::launch::criteria::{Bound, Sight};
use crate::launch::event::{Actor, Event, Mode, Recorded, RollbackEnd, RollbackFact, Vote};
use crate::launch::id::{Attempt, ItemId, RoleId};
use crate::launch::incident::{Change, Due, Stage};
use crate::launch::plan::Release;
use crate::launch::time::{Instant, Mark, Wall};
use crate::launch::verdict::{Captured, Exchange, Finding, Outcome, Report, Verdict};

mod watched;

pub fn wall(ms: i64) -> Wall {
    DateTime::from_timestamp_millis(ms).expect("a time of this era")
}

pub fn recorded(seq: u64, event: Event) -> Recorded {
    let ms = i64::try_from(seq).expect("small");
    let at = wall(1_700_000_000_000 + ms);
    let actor = Actor::person("ann", Some(RoleId::new("lead")));
    Recorded { seq, at: Instant(ms * 100), occurred_at: at, recorded_at: at, actor, event }
}

pub fn gate_passed() -> Event {
    Event::GatePassed { phase: "gate-a".into(), waivers: 1, marked: 0 }
}

pub fn noted(text: &str) -> Event {
    Event::noted(text)
}

pub fn captured(value: Value) -> Event {
    Event::BaselineCaptured { name: "previous_version".into(), value: Captured::Value(value) }
}

pub fn draft(text: &str) -> record::Draft {
    record::Draft::from(recorded(1, noted(text)))
}

/// A sound chain of these records.
pub fn chain(records: impl IntoIterator<Item = Recorded>) -> Vec<Link> {
    let mut head = Head::default();
    let link = |recorded| {
        let bytes = record::encode(&recorded).expect("encodes");
        head = head.then(&bytes);
        Link { seq: head.seq, hash: head.hash, bytes }
    };
    records.into_iter().map(link).collect()
}

pub fn links(count: u64) -> Vec<Link> {
    chain((1..=count).map(|seq| recorded(seq, noted(&format!("note {seq}")))))
}

fn report() -> Report {
    let took = Duration::from_millis(52);
    let findings = vec![
        Finding::held("status", "200", "503", false).in_row("https://a.example"),
        Finding::unknown(".ok", "true", "no JSON"),
    ];
    let exchange = Exchange {
        request: "GET https://a.example/health".into(),
        request_headers: vec![("accept".into(), "*/*".into())],
        response: "503 Service Unavailable".into(),
        response_headers: vec![("retry-after".into(), "1".into())],
        response_body: "\u{fffd} \"down\"".into(),
        body_cut: true,
        ..Exchange::default()
    };
    Report { exchange: Some(exchange), ..Report::of(findings, took) }
}

fn bound() -> Bound {
    let release = Release { commit: Some("00ff".into()), ..Release::default() };
    let criteria = [("smoke", Sight::Pass), ("leak", Sight::Waived), ("way-back", Sight::Unknown)];
    let criteria = criteria.map(|(id, sight)| (id.into(), sight)).into();
    Bound { release, plan_hash: "00ff".into(), criteria }
}

fn outcome() -> Outcome {
    Outcome {
        exit: Some(3),
        signal: None,
        error: None,
        cancelled: true,
        took: Duration::from_secs(61),
        survivors: vec![4711],
        simulated: true,
        never_ran: true,
        left_behind: vec![4712],
        lost_bytes: 9,
        held_open: true,
        unsynced: false,
        said: Some("the guard said no".into()),
        weight: Some(crate::launch::verdict::Weight { wanted: Some(5_000), seen: None }),
        ready: false,
        ended_at: Some(wall(1_700_000_000_123)),
        kept: kept(true, "stdout"),
    }
}

/// What people decide, sign, judge, open and close.
fn of_the_crew() -> Vec<Event> {
    let item = || ItemId::new("tunnel");
    let why = || "because \"so\"".to_owned();
    let mut all = vec![
        Event::Slipped { published: Instant(7_200_000), why: why() },
        Event::ItemRecurred { item: item(), occurrence: 3, missed: 2 },
        Event::Chosen { item: item(), option: "named".into(), reason: why() },
        Event::PassedOver { item: item(), by: "tunnel is named".into() },
        Event::Signed { item: item(), role: "lead".into(), note: why() },
        Event::VoteVoided { poll: None, role: "lead".into(), why: why() },
        Event::VoteVoided { poll: Some(item()), role: "lead".into(), why: why() },
        Event::Voted { poll: Some(item()), role: "lead".into(), vote: Vote::Go, bound: Some(bound()) },
        Event::PollDecided { poll: None, go: true, blocking: Vec::new() },
        Event::PollDecided { poll: Some(item()), go: false, blocking: vec![why()] },
        Event::CriterionChanged { criterion: "smoke".into(), verdict: None, waivers: 0, why: why() },
        Event::CriterionChanged { criterion: "smoke".into(), verdict: Some(Verdict::Warn), waivers: 2, why: why() },
        Event::CriterionJudged { criterion: "smoke".into(), met: true, note: why() },
        Event::CriterionWaived { criterion: "smoke".into(), reason: why(), until: None },
        Event::CriterionWaived { criterion: "smoke".into(), reason: why(), until: Some(Instant(5)) },
        Event::IncidentOpened { incident: 1, title: why(), severity: None, detected_by: "smoke".into() },
        Event::IncidentOpened { incident: 2, title: why(), severity: Some("sev-1".into()), detected_by: why() },
        Event::PlanAmended {
            revision: 2,
            plan_hash: "00ff".into(),
            reason: why(),
            changes: vec!["+ a".into()],
            again: vec![item()],
            recapture: vec!["previous".into()],
            asked: vec!["monitor.api".into()],
        },
        Event::EvidenceGiven { evidence: "log".into(), what: why() },
        Event::LaunchClosed { why: why(), missing: vec![why()] },
    ];
    let changes = [
        Change::Severity("sev-1".into()),
        Change::Commander("ana".into()),
        Change::Impact(why()),
        Change::Mitigation(why()),
        Change::FollowUp("bd-12".into()),
        Change::Relapsed(why()),
        Change::Note(why()),
        Change::Acknowledged,
    ];
    let stages = Stage::WORDS.map(|(_, stage)| Change::Stage(stage));
    all.extend(changes.into_iter().chain(stages).map(|change| Event::IncidentChanged { incident: 1, change }));
    let due = [Due::Triage, Due::Level("L2".into())];
    all.extend(due.map(|due| Event::IncidentRang { incident: 1, due }));
    all
}

/// Every event, and every variant inside one, at least once.
pub fn one_of_each() -> Vec<Event> {
    let item = ItemId::keyed("login", Some("https://a.example"));
    let attempt = Attempt(2);
    let why = || "because \"so\"".to_owned();
    let release = Release { version: Some("1.0.0".into()), commit: None, artifact: Some("img@sha256:0".into()) };
    let mut all = vec![
        Event::LaunchOpened {
            plan: "omniai-v1".into(),
            plan_hash: "00ff".into(),
            mode: Mode::Rehearsal,
            start: 7_200_000,
            release: release.clone(),
            target: None,
        },
        Event::ConsoleReturned { clean: false, t: -5 },
        Event::ConsoleLeft,
        Event::TookOver { from: "ann".into(), pid: 4711, host: "war-room".into() },
        Event::RequestDecided { request: "0f".into(), what: why(), refused: None },
        Event::RequestDecided { request: "1f".into(), what: why(), refused: Some(why()) },
        Event::Slept { gap: Duration::from_millis(1_500) },
        Event::TimeJumped { by: Duration::from_secs(600) },
        Event::HoldCalled { who: "release".into(), why: why() },
        Event::HoldReleased { who: "release".into() },
        Event::Resumed,
        Event::CaughtUp,
        Event::Recycled { mark: Mark(1_800_000) },
        Event::Scrubbed { why: why() },
        Event::CutOff { why: why() },
        Event::Frozen { why: why() },
        Event::Thawed { why: why() },
        Event::PhaseOpened { phase: "gate-a".into() },
        Event::PhaseRunAgain { phase: "gate-a".into() },
        gate_passed(),
        Event::ItemStarted { item: item.clone(), attempt },
        Event::ItemEnded { item: item.clone(), attempt, report: report() },
        Event::ItemBlocked { item: item.clone(), by: "csrf".into() },
        Event::StepIntended { item: item.clone(), attempt },
        Event::StepStarted { item: item.clone(), attempt, pid: 77 },
        Event::StepEnded { item: item.clone(), attempt, verdict: Verdict::Fail, outcome: outcome() },
        Event::ProcessReady {
            item: item.clone(),
            attempt,
            pid: 4713,
            captured: [("tunnel_url".to_owned(), json!("https://a-b.example"))].into(),
        },
        Event::ProcessEnded { item: item.clone(), attempt, why: why(), asked: true, outcome: outcome() },
        Event::PlaybookStarted { playbook: "login-fails".into(), run: 1 },
        Event::PlaybookStepEnded {
            playbook: "login-fails".into(),
            run: 1,
            step: "login-fails/pods".into(),
            verdict: Verdict::Fail,
            outcome: outcome(),
        },
        Event::PlaybookEnded { playbook: "login-fails".into(), run: 1, why: why() },
        Event::CancelAsked { item: item.clone(), attempt, why: why() },
        Event::ItemCancelled { item: item.clone(), attempt, why: why() },
        Event::StepMarked { item: item.clone(), attempt, passed: true, reason: why() },
        Event::StepUndone { item: item.clone(), attempt, run: 1, why: why() },
        Event::FieldFilled { item: item.clone(), field: "impact".into(), value: why() },
        Event::RepeatOrdered { item: item.clone(), attempt, reason: why() },
        Event::Attested { item: item.clone(), note: why(), passed: true },
        Event::Waived { item: item.clone(), reason: why(), until: None },
        Event::Waived { item: item.clone(), reason: why(), until: Some(Instant(7)) },
        Event::WaiverExpired { item: item.clone() },
        Event::Noted { text: why(), amends: Some(3) },
        Event::Acknowledged { item },
        captured(json!({ "b": [1, null, "x"], "a": -0.5 })),
        Event::BaselineCaptured { name: "image".into(), value: Captured::Missing(why()) },
        Event::StreamChanged { stream: "chat".into(), open: true, why: why() },
        Event::VotesVoided { why: why() },
        noted("é \u{1F680} \\ \" \n"),
        Event::RollbackRequested { rollback: "frontend".into(), run: 1, why: why() },
        Event::FaultSwitched { fault: "down".into(), on: true },
        Event::LaunchEnded { why: why() },
    ];
    all.extend(of_the_crew());
    all.extend(watched::one_of_each());
    all.extend([Mode::Launch, Mode::Gate].map(|mode| Event::LaunchOpened {
        plan: String::new(),
        plan_hash: String::new(),
        mode,
        start: i64::MIN,
        release: release.clone(),
        target: None,
    }));
    all.extend([Passage::Held(Mark(600_000)), Passage::Liftoff, Passage::CutOff].map(Event::Passed));
    all.extend(Verdict::ALL.map(|verdict| Event::MonitorChanged { monitor: "api".into(), verdict, why: why() }));
    all.extend(
        [Vote::Go, Vote::NoGo { reason: why() }, Vote::GoWithWaiver { reason: why() }].map(|vote| Event::Voted {
            poll: None,
            role: "lead".into(),
            vote,
            bound: None,
        }),
    );
    let step = || ItemId::new("frontend/redeploy");
    all.extend(
        [
            RollbackFact::Started { pid: 1 },
            RollbackFact::StepStarted { step: step() },
            RollbackFact::StepEnded { step: step(), verdict: Verdict::Pass, outcome: outcome() },
            RollbackFact::ApprovalAwaited { step: step(), role: "dba".into() },
            RollbackFact::Approved { step: step(), by: Actor::person("ben", Some("dba".into())) },
            RollbackFact::ApprovalRefused { step: step(), why: why() },
            RollbackFact::FallbackStarted { step: step() },
            RollbackFact::FallbackEnded { step: step(), verdict: Verdict::Fail, outcome: outcome() },
            RollbackFact::Verified { check: step(), report: Report::plain(Verdict::Pass, "ok", Duration::ZERO) },
        ]
        .map(|fact| Event::RollbackTold { run: 1, fact }),
    );
    let ends = [
        RollbackEnd::Verified,
        RollbackEnd::NotVerified { checks: vec![step()] },
        RollbackEnd::FailedAtStep { step: step(), why: why(), by_hand: why() },
        RollbackEnd::Joined { run: 1, rollback: "back".into() },
    ];
    all.extend(ends.map(|end| {
        let took = Duration::from_millis(12_345);
        Event::RollbackTold { run: 2, fact: RollbackFact::Ended { end, took } }
    }));
    all
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,20}", any::<String>()]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any_text(), inner), 0..4).prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

fn any_span() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_millis)
}

fn any_report() -> impl Strategy<Value = Report> {
    let finding = (any::<Option<bool>>(), any_text(), 0..6usize).prop_map(|(row, text, verdict)| Finding {
        row: row.map(|_| text.clone()),
        subject: text.clone(),
        expected: text.clone(),
        seen: text,
        verdict: Verdict::ALL[verdict],
    });
    let exchange = (any_text(), any::<bool>()).prop_map(|(text, body_cut)| Exchange {
        request: text.clone(),
        request_headers: vec![(text.clone(), text.clone())],
        request_body: text.clone(),
        response: text.clone(),
        response_headers: vec![],
        response_body: text.clone(),
        body_cut,
        kept: kept(body_cut, &text),
        ..Exchange::default()
    });
    (0..6usize, any_text(), prop::collection::vec(finding, 0..4), any_span(), prop::option::of(exchange)).prop_map(
        |(verdict, summary, findings, took, exchange)| Report {
            verdict: Verdict::ALL[verdict],
            summary,
            findings,
            took,
            exchange,
        },
    )
}

fn kept(some: bool, name: &str) -> Vec<Artifact> {
    let artifact = |cut| Artifact { name: name.to_owned(), sha256: "ab".repeat(32), bytes: 70_000, cut };
    if some { vec![artifact(false), artifact(true)] } else { Vec::new() }
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let ends = (any::<Option<i32>>(), any::<Option<i32>>(), prop::option::of(any_text()));
    (ends, any::<bool>(), any_span(), any::<Vec<u32>>(), any::<bool>()).prop_map(
        |((exit, signal, error), cancelled, took, survivors, simulated)| Outcome {
            exit,
            signal,
            error,
            cancelled,
            took,
            survivors,
            simulated,
            kept: kept(simulated, "stdout"),
            ..Outcome::default()
        },
    )
}

fn any_event() -> impl Strategy<Value = Event> {
    let id = || any_text().prop_map(ItemId::new);
    let attempt = || any::<u32>().prop_map(Attempt);
    prop_oneof![
        4 => prop::sample::select(one_of_each()),
        1 => (id(), attempt(), any_report())
            .prop_map(|(item, attempt, report)| Event::ItemEnded { item, attempt, report }),
        1 => (id(), attempt(), 0..6usize, any_outcome()).prop_map(|(item, attempt, verdict, outcome)| {
            Event::StepEnded { item, attempt, verdict: Verdict::ALL[verdict], outcome }
        }),
        1 => (any_text(), any_value())
            .prop_map(|(name, value)| Event::BaselineCaptured { name, value: Captured::Value(value) }),
        1 => (any_text(), any_text()).prop_map(|(who, why)| Event::HoldCalled { who, why }),
        1 => any_span().prop_map(|gap| Event::Slept { gap }),
        1 => any_text().prop_map(Event::noted),
        1 => watched::any_evaluated(),
    ]
}

pub fn any_recorded() -> impl Strategy<Value = Recorded> {
    let times = (any::<i64>(), 0..4_000_000_000_000i64, 0..4_000_000_000_000i64);
    let maybe = || prop::option::of(any_text());
    let actor = (any_text(), maybe(), any::<bool>(), maybe()).prop_map(|(name, role, scripted, recorded_by)| Actor {
        name,
        role: role.map(RoleId::new),
        scripted,
        recorded_by,
    });
    (any::<u64>(), times, actor, any_event()).prop_map(|(seq, (at, occurred, wrote), actor, event)| Recorded {
        seq,
        at: Instant(at),
        occurred_at: wall(occurred),
        recorded_at: wall(wrote),
        actor,
        event,
    })
}
