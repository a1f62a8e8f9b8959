//! What a headless launch came to as one JSON document, whose form is `docs/launch.schema.json`. Part of [`super`]: it
//! says what the summary says, by the same rules.

use serde_json::{Value, json};

use crate::launch::board::{Board, ItemState, Progress};
use crate::launch::countdown;
use crate::launch::event::{Mode, RollbackEnd, Vote};
use crate::launch::gate::{self, Clear};
use crate::launch::id::RoleId;
use crate::launch::plan::{Act, Criterion, GoStage, Item, Phase, Trigger};
use crate::launch::time::{Instant, millis};
use crate::launch::trigger::Stage;
use crate::launch::verdict::{Outcome, Verdict};
use crate::launch::{ballot, criteria};

/// The document.
#[must_use]
pub fn document(board: &Board, now: Instant, folder: &str, exit: i32) -> Value {
    let plan = &board.plan;
    json!({
        "version": 1,
        "mode": board.mode.word(),
        "rehearsal": board.mode == Mode::Rehearsal,
        "plan": plan.id,
        "title": plan.title,
        "environment": plan.environment,
        "plan_sha256": plan.hash,
        "release": { "version": plan.release.version, "commit": plan.release.commit, "artifact": plan.release.artifact },
        "exit": exit,
        "ended": board.ended,
        "launch": folder,
        "records": board.seq,
        "unwritten": board.unwritten,
        "frozen": board.frozen,
        "countdown": countdown(board, now),
        "phases": phases(board, now),
        "poll": poll(board),
        "criteria": criteria(board, now),
        "objectives": plan.objectives.iter().map(|objective| {
            let known = board.objectives.get(&objective.id);
            json!({
                "id": objective.id,
                "that": objective.that.words(),
                "verdict": known.map_or(Verdict::Unknown, |known| known.verdict),
                "why": known.map_or("never evaluated", |known| known.why.as_str()),
                "generated": known.is_some_and(|known| known.counts.generated),
            })
        }).collect::<Vec<_>>(),
        "triggers": triggers(board),
        "soaks": board.soaks.iter().filter_map(|(id, ledger)| {
            let Act::Soak(soak) = &plan.item(id)?.act else { return None };
            Some(json!({
                "id": id,
                "lasts_ms": millis(soak.lasts),
                "credited_ms": millis(ledger.credited),
                "through": ledger.through.is_some(),
                "restarts": ledger.restarts,
                "waived": ledger.waived,
                "generated": ledger.generated,
            }))
        }).collect::<Vec<_>>(),
        "rollbacks": board.rollbacks.iter().map(|run| json!({
            "id": run.id,
            "run": run.run,
            "end": run.end.as_ref().map(RollbackEnd::words),
            "took_ms": millis(run.elapsed(now)),
        })).collect::<Vec<_>>(),
        "incidents": board.incidents.iter().map(|known| json!({
            "number": known.number,
            "title": known.title,
            "severity": known.severity,
            "stage": known.stage.word(),
        })).collect::<Vec<_>>(),
    })
}

fn phases(board: &Board, now: Instant) -> Vec<Value> {
    let one = |phase: &Phase| {
        let standing = gate::standing(board, phase, now);
        let state = board.phases.get(&phase.id);
        let items = phase.items.iter().filter_map(|id| Some(item(board, board.plan.item(id)?, board.item(id)?, now)));
        json!({
            "id": phase.id,
            "title": phase.title,
            "mark": phase.at.to_string(),
            "gate": phase.gate,
            "clear": standing.is_clear(),
            "opened": state.is_some_and(|state| state.opened.is_some()),
            "waivers": standing.waivers,
            "marked": standing.marked,
            "taken_on": standing.taken_on,
            "items": items.collect::<Vec<_>>(),
        })
    };
    board.plan.phases.iter().map(one).collect()
}

fn poll(board: &Board) -> Vec<Value> {
    let one = |role: &RoleId| {
        let ballot = ballot::votes(board, None).get(role);
        let (vote, reason) = match ballot.map(|ballot| &ballot.vote) {
            None => (None, None),
            Some(Vote::Go) => (Some("go"), None),
            Some(Vote::NoGo { reason }) => (Some("no-go"), Some(reason)),
            Some(Vote::GoWithWaiver { reason }) => (Some("go-with-waiver"), Some(reason)),
        };
        let by = ballot.map(|ballot| ballot.by.name.as_str());
        let scripted = ballot.is_some_and(|ballot| ballot.by.scripted);
        json!({ "role": role, "vote": vote, "reason": reason, "by": by, "scripted": scripted })
    };
    board.plan.poll.iter().map(one).collect()
}

fn criteria(board: &Board, now: Instant) -> Vec<Value> {
    let one = |(criterion, standing): (&Criterion, criteria::Standing)| {
        let stage = if criterion.stage == GoStage::Launch { "launch" } else { "observed" };
        json!({
            "id": criterion.id,
            "text": criterion.text,
            "stage": stage,
            "no_go": criterion.no_go,
            "clear": standing.is_clear(),
            "verdict": standing.verdict,
            "waived": standing.waiver.is_some(),
            "why": standing.why,
        })
    };
    let stages = [GoStage::Launch, GoStage::Observed];
    stages.into_iter().flat_map(|stage| criteria::of_stage(board, stage, now)).map(one).collect()
}

fn triggers(board: &Board) -> Vec<Value> {
    let one = |trigger: &Trigger| {
        let known = board.triggers.get(&trigger.id);
        let stage = match known.map(|known| &known.stage) {
            None | Some(Stage::Quiet) => "quiet",
            Some(Stage::Fired { .. }) => "fired",
            Some(Stage::Started { .. }) => "started",
            Some(Stage::Vetoed { .. }) => "vetoed",
            Some(Stage::Acknowledged { .. }) => "acknowledged",
        };
        json!({ "id": trigger.id, "fired": known.map_or(0, |known| known.fired), "stage": stage })
    };
    board.plan.triggers.iter().map(one).collect()
}

fn countdown(board: &Board, now: Instant) -> Option<Value> {
    let clock = board.clock_at(now)?;
    let phase = match clock.phase {
        countdown::Phase::Counting => "counting",
        countdown::Phase::Holding => "holding",
        countdown::Phase::Liftoff => "liftoff",
        countdown::Phase::Scrubbed => "scrubbed",
        countdown::Phase::Cutoff => "cutoff",
    };
    let (t, slip) = (clock.mark().0, clock.slip());
    Some(json!({ "phase": phase, "t_ms": t, "slip_ms": slip, "attempt": clock.attempt, "lifted": clock.t0.is_some() }))
}

fn item(board: &Board, item: &Item, state: &ItemState, now: Instant) -> Value {
    let clear = gate::clear(board, item, now);
    let blocked = match &state.progress {
        Progress::Blocked { by } => Some(format!("not run: {by}")),
        _ => None,
    };
    let report = state.report.as_ref();
    let outcome = || state.outcome.as_ref().map(Outcome::words);
    let summary = blocked.or_else(|| state.undone.clone()).or_else(|| state.passed_over.clone());
    let summary = summary.or_else(|| report.map(|report| report.summary.clone())).or_else(outcome);
    let took = report.map(|report| report.took).or(state.outcome.as_ref().map(|outcome| outcome.took));
    json!({
        "id": item.id,
        "title": item.title,
        "kind": item.kind,
        // None of what was not tried.
        "verdict": state.verdict(item.valid_for, now),
        "clear": !matches!(clear, Clear::No(_)),
        "waived": clear == Clear::ByWaiver,
        "marked": state.marked.is_some(),
        "simulated": state.outcome.as_ref().is_some_and(|outcome| outcome.simulated),
        "attempt": state.attempt,
        "retries": state.retries,
        "took_ms": took.map(millis),
        "summary": summary,
    })
}
