//! What the rules forbid of triggers, of the rollbacks they start, and of sources that tell nothing.

use std::collections::BTreeMap;

use tminus::launch::board::Board;
use tminus::launch::countdown;
use tminus::launch::event::{Event, Recorded};
use tminus::launch::id::TriggerId;
use tminus::launch::plan::{Condition, FireMode, Trigger};
use tminus::launch::trigger::{Stage, TriggerState};
use tminus::launch::verdict::Verdict;

fn is(holds: bool, rule: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

fn known<'b>(board: &'b Board, id: &TriggerId) -> Result<(&'b Trigger, TriggerState), String> {
    let trigger = board.plan.triggers.iter().find(|known| known.id == *id).ok_or("a trigger of the plan")?;
    Ok((trigger, board.triggers.get(id).cloned().unwrap_or_default()))
}

/// Whether nothing of it is started by a machine any more.
fn is_for_a_person(board: &Board, trigger: &Trigger, by_itself: &BTreeMap<TriggerId, usize>) -> bool {
    use countdown::Phase::{Cutoff, Scrubbed};
    let over = board.clock.as_ref().is_some_and(|clock| matches!(clock.phase, Scrubbed | Cutoff));
    over || by_itself.contains_key(&trigger.id) || board.rollbacks.iter().any(|run| run.id == trigger.then)
}

/// Holds `record` against `board`, which is as it was before it.
pub fn decided(board: &Board, record: &Recorded, by_itself: &mut BTreeMap<TriggerId, usize>) -> Result<(), String> {
    match &record.event {
        Event::TriggerFired { trigger, starts, why } => {
            let (trigger, state) = known(board, trigger)?;
            let by_hand = record.actor.name != "engine";
            is(state.is_quiet() || (by_hand && !state.rings()), "what has fired is latched until a person has a word")?;
            is(!why.is_empty(), "it says why")?;
            let Some(starts) = starts else { return Ok(()) };
            let FireMode::Auto { veto } = trigger.mode else { return Err("what asks starts nothing".into()) };
            is(*starts == record.at.plus(veto), "the whole time for a veto")?;
            is(board.rolling_back().is_none(), "it joins what runs")?;
            is(!is_for_a_person(board, trigger, by_itself), "a second time is for a person")
        }
        Event::TriggerVetoed { trigger, .. } => {
            let (_, state) = known(board, trigger)?;
            is(matches!(state.stage, Stage::Fired { .. }), "only what fired and has not started is vetoed")
        }
        Event::TriggerAcknowledged { trigger } => {
            let (trigger, state) = known(board, trigger)?;
            is(state.rings(), "only what rings is taken on")?;
            let counts = state.starts().is_some() && !is_for_a_person(board, trigger, by_itself);
            is(!counts, "to take it on is no word on a rollback that starts by itself")
        }
        Event::RollbackRequested { rollback, why, .. } if record.actor.name == "engine" => {
            let id =
                why.strip_prefix("trigger ").and_then(|why| why.split(':').next()).ok_or("it names its trigger")?;
            let (trigger, state) = known(board, &TriggerId::new(id))?;
            is(trigger.then == *rollback, "a trigger starts its own rollback")?;
            is(
                state.starts().is_some_and(|starts| starts <= record.at),
                "nothing starts before its time for a veto is over",
            )?;
            is(!is_for_a_person(board, trigger, by_itself), "no machine starts it twice, or after the countdown")?;
            *by_itself.entry(trigger.id.clone()).or_default() += 1;
            Ok(())
        }
        Event::HoldReleased { who } if record.actor.name == "engine" => match who.strip_prefix("watch ") {
            Some(source) => is(!tells_nothing(board, source), "silence releases nothing"),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Whether a trigger that could still fire stands on a source that has told nothing.
fn tells_nothing(board: &Board, source: &str) -> bool {
    let waits = board.plan.triggers.iter().any(|trigger| {
        let stands = matches!(&trigger.when, Condition::Objective(id) if id.as_str() == source);
        stands && board.triggers.get(&trigger.id).is_none_or(TriggerState::is_quiet)
    });
    let told = board.objectives.iter().find(|(id, _)| id.as_str() == source).map(|(_, state)| state.verdict);
    waits && !matches!(told, Some(Verdict::Pass | Verdict::Warn | Verdict::Fail))
}

/// What is true of every board.
pub fn stand(board: &Board) -> Result<(), String> {
    for trigger in &board.plan.triggers {
        let Some(state) = board.triggers.get(&trigger.id) else { continue };
        let runs = board.rolling_back().is_some();
        let ran = board.rollbacks.iter().any(|run| run.id == trigger.then);
        match &state.stage {
            Stage::Started { .. } => is(runs || ran, "a rollback that never ran answers no trigger")?,
            _ => is(state.joined.is_none(), "only what has started has joined another")?,
        }
        is(state.joined.is_none() || runs, "what it joined is over, and it waits for a person")?;
    }
    let at = board.at;
    is(board.objectives.values().all(|known| known.evaluated_at <= at), "what is to come was not seen")
}
