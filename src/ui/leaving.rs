//! Leaving the console and suspending it: what goes on, and what stops with it.

use super::action::Action;
use super::state::{Effect, State, View};
use crate::launch::countdown::Phase;

/// Leaves, after a question where something runs.
pub fn quit(state: &mut State, view: &View<'_>) -> Option<Effect> {
    // Nothing is this console's to leave behind.
    if view.attached() || view.snapshot.taken_over.is_some() || !view.board().is_busy() {
        return Some(Effect::Leave);
    }
    let question = match view.board().rolling_back() {
        Some(run) => format!("Rollback {} is under way; it goes on without this console. Leave?", run.id),
        None => "Something runs; leaving stops no step. Leave?".to_owned(),
    };
    state.ask(question, Effect::Leave);
    None
}

/// Stops the process, once its person knows what stops with it. Where this console acts, the launch's loop is the
/// same process: no checks, no monitors, no trigger, no countdown.
pub fn suspend(state: &mut State, view: &View<'_>) -> Option<Effect> {
    let board = view.board();
    let acts = !view.attached() && view.snapshot.taken_over.is_none() && board.seq > 0 && board.ended.is_none();
    if !acts {
        return Some(Effect::Suspend { note: None });
    }
    let t = board.clock_at(view.now.instant);
    let t = match t.map(|clock| (clock.phase, clock.mark())) {
        Some((Phase::Counting, mark)) => {
            format!("The countdown stops at {} and holds when you are back.", mark.face())
        }
        Some((Phase::Liftoff, _)) => {
            "T runs on; where a step comes due meanwhile, the launch is frozen when you are back.".to_owned()
        }
        _ => "The countdown stays where it is.".to_owned(),
    };
    let runs = match board.rolling_back() {
        Some(run) => format!("Rollback {} goes on by itself.", run.id),
        None if board.is_busy() => "Steps that run go on by themselves.".to_owned(),
        None => String::new(),
    };
    let rollback = view.keymap.label(Action::Rollback).unwrap_or_default();
    let question = format!(
        "Suspend this console? It is what flies the launch: until `fg` nothing is checked, monitored or evaluated, no \
         trigger fires, and no request is answered.\n{t}\n{runs}\nIn the shell, `tminus rollback` does what {rollback} \
         does here; another terminal can take the launch over."
    );
    let note = "suspended the console: nothing is watched until it is back".to_owned();
    state.ask(question, Effect::Suspend { note: Some(note) });
    None
}
