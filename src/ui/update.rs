//! From an action to what changes: the console's own state, or an [`Effect`]. Pure: nothing here reads
//! a clock, writes to a terminal or asks the loop.

use super::action::Action;
use super::overlays::act_as::ActAs;
use super::overlays::{
    archive, choose, faults, holds, incident, playbooks, recovery, scribe, seen, triggers, waive, why,
};
use super::panes::{self, checklist::Line, detail, soak};
use super::state::{Effect, Overlay, Pane, Purpose, Rolling, State, View};
use super::theme::Role;
use super::voting;
use super::widgets::list::{Step, Window};
use super::{approving, attached, firing, leaving, replaying, waits};
use crate::launch::board::{ItemState, Progress};
use crate::launch::branch;
use crate::launch::command::Command;
use crate::launch::countdown::{BUILT_IN, Phase};
use crate::launch::fields;
use crate::launch::id::ItemId;
use crate::launch::plan::{Act, Class, Confirm, Item, Second};
use crate::launch::process;
use crate::launch::recovery::{is_over, may_mark, over};
use crate::launch::schedule::{Due, due};
use crate::launch::second;
use crate::launch::verdict::Verdict;

/// What becomes of `action` in a pane.
pub fn update(state: &mut State, action: Action, view: &View<'_>) -> Option<Effect> {
    state.message = None;
    if let Some(step) = step_of(action) {
        panes::step(state, step, view);
        return None;
    }
    if let Some(wish) = replaying::wish(action) {
        return replaying::asked(state, action, wish, view);
    }
    if let Some(why) = attached::refused(action, view) {
        state.say(Role::Warned, why);
        return None;
    }
    if let (Action::Acknowledge, Some(taken)) = (action, firing::acknowledged(view)) {
        return match taken {
            Ok((trigger, effect)) => {
                state.say(Role::Plain, format!("trigger {trigger} is taken on"));
                Some(effect)
            }
            Err(why) => {
                state.say(Role::Warned, why);
                None
            }
        };
    }
    if let (Action::Acknowledge, Some((number, effect))) = (action, incident::acknowledged(view)) {
        state.say(Role::Plain, format!("what incident {number} rang for is acknowledged"));
        return Some(effect);
    }
    match action {
        Action::Rollback => open_rollback(state, view),
        Action::Veto => return firing::veto(state, view),
        Action::Triggers => triggers::open(state, view),
        Action::Faults => faults::open(state, view),
        Action::Approve => approving::ask(state, view),
        action if of_items(action) && state.focus == Pane::Detail && state.detail.watched => {
            state.say(Role::Warned, "what is watched is shown: go to the checklist to act on an item");
        }
        Action::Open if state.focus == Pane::Monitors => {
            state.detail = detail::State::watched();
            state.focus(Pane::Detail);
        }
        Action::Open if state.focus == Pane::Incidents => return update(state, Action::ChangeIncident, view),
        Action::Open => return open(state, view),
        Action::Incident => state.overlay = Some(incident::opened(state, view)),
        Action::Incidents => state.focus(Pane::Incidents),
        Action::ChangeIncident => match incident::menu(state, view) {
            Some(menu) => state.overlay = Some(menu),
            None => state.say(Role::Warned, "no incident was opened"),
        },
        Action::RunAgain => return run(state, view),
        Action::RunPhase => return run_phase(state, view),
        Action::Waive if voting::waive(state, view) => {}
        Action::Attest | Action::Waive | Action::Acknowledge | Action::Cancel | Action::Sign => {
            return on_item(state, action, view);
        }
        Action::Judge => voting::judge(state, view),
        Action::MarkDone | Action::MarkFailed => {
            let selected = selected(state, view);
            mark(state, action, selected);
        }
        Action::Playbooks => {
            let selected = selected(state, view);
            playbooks::open(state, selected, view);
        }
        Action::Recovery => open_recovery(state, view),
        Action::Hold => hold(state, view),
        Action::Release => return release(state, view),
        Action::Recycle if holds::marks(view).is_empty() => {
            state.say(Role::Warned, "there is no recycle mark above the present T");
        }
        Action::Recycle => state.overlay = Some(Overlay::Recycle { selected: 0 }),
        Action::Slip => holds::slip(state, view),
        Action::Countdown => state.overlay = Some(Overlay::Countdown),
        Action::Scrub => state.prompt(Purpose::Scrub),
        Action::Amend => state.prompt(Purpose::Plan),
        Action::Poll => state.focus(Pane::Poll),
        Action::Why => why::open(state, view),
        Action::Blocker => why::first(state, view),
        Action::NextDue => waits::next(state, view),
        Action::NextWrong | Action::PreviousWrong => next_wrong(state, action == Action::NextWrong, view),
        Action::Vote => voting::vote(state, view),
        Action::Note => state.prompt(Purpose::Note),
        Action::ActAs => state.overlay = Some(Overlay::ActAs(ActAs::default())),
        Action::Brief => state.overlay = Some(Overlay::Brief { window: Window::default(), from: 0 }),
        Action::Evidence => archive::open(state, view),
        Action::Artifacts => {
            let selected = selected(state, view);
            seen::open(state, selected, view);
        }
        Action::Close => archive::close(state, view),
        Action::AmendNote => scribe::amend(state, view),
        Action::Fold => state.checklist.fold(view),
        Action::Unfold => state.checklist.unfold(view),
        Action::NextPane => turn(state, 1, view),
        Action::PreviousPane => turn(state, Pane::ALL.len() - 1, view),
        Action::Zoom => state.zoom = !state.zoom,
        Action::Filter => filter(state),
        Action::Pause => state.streams.pause(view),
        Action::Errors => match state.focus {
            Pane::Checklist => state.checklist.wrong_only = !state.checklist.wrong_only,
            Pane::Monitors => state.monitors.wrong_only = !state.monitors.wrong_only,
            _ => state.streams.errors_only = !state.streams.errors_only,
        },
        Action::Sort => state.monitors.sort(),
        Action::PreviousStream => state.streams.previous(view),
        Action::NextStream => state.streams.next(1, view),
        Action::Copy => return Some(Effect::Copy(detail::text(&panes::subject(state, view), view))),
        Action::Utc => state.utc = !state.utc,
        Action::Palette => {
            state.overlay = Some(Overlay::Palette { input: tui_input::Input::default(), selected: 0 });
        }
        Action::Help => state.overlay = Some(Overlay::Help { window: Window::default() }),
        Action::Back => back(state, view),
        Action::Suspend => return leaving::suspend(state, view),
        Action::Quit => return leaving::quit(state, view),
        _ => {}
    }
    None
}

/// True for what acts on the selected item: nobody does that by a key while something else is shown as selected.
#[must_use]
pub fn of_items(action: Action) -> bool {
    matches!(
        action,
        Action::Open
            | Action::RunAgain
            | Action::RunPhase
            | Action::Acknowledge
            | Action::Attest
            | Action::Waive
            | Action::Cancel
            | Action::Sign
            | Action::MarkDone
            | Action::MarkFailed
            | Action::Playbooks
            | Action::Artifacts
    )
}

/// The movement an action asks for.
#[must_use]
pub fn step_of(action: Action) -> Option<Step> {
    Some(match action {
        Action::Down => Step::Down,
        Action::Up => Step::Up,
        Action::PageDown => Step::PageDown,
        Action::PageUp => Step::PageUp,
        Action::First => Step::First,
        Action::Last => Step::Last,
        _ => return None,
    })
}

/// The selected item, where an item is selected.
#[must_use]
pub fn selected<'v>(state: &State, view: &View<'v>) -> Option<(&'v Item, &'v ItemState)> {
    let line = state.checklist.selected(view)?;
    let id: &ItemId = line.item()?;
    Some((view.plan().item(id)?, view.board().item(id)?))
}

fn open(state: &mut State, view: &View<'_>) -> Option<Effect> {
    let line = state.checklist.selected(view)?;
    if let Line::Phase(phase) = &line {
        if state.focus == Pane::Checklist {
            state.checklist.toggle(phase);
        }
        return None;
    }
    let (item, known) = selected(state, view)?;
    let fresh = matches!(known.progress, Progress::Waiting) && due(view.board(), item, view.now.instant) == Due::Now;
    if fresh && (!view.attached() || (view.role.is_some() && matches!(item.act, Act::Choice { .. }))) {
        return run(state, view);
    }
    state.focus(Pane::Detail);
    None
}

/// Runs the selected item, after the confirmation its plan wants.
fn run(state: &mut State, view: &View<'_>) -> Option<Effect> {
    let Some((item, known)) = selected(state, view) else {
        state.say(Role::Warned, "select an item to run");
        return None;
    };
    let command = Command::RunItem { item: item.id.clone() };
    match &item.act {
        Act::Manual { .. } => {
            state.prompt(Purpose::Attest { item: item.id.clone(), passed: true });
            None
        }
        Act::Choice { .. } => {
            choose(state, item, view);
            None
        }
        Act::Poll { .. } | Act::Signoff { .. } => {
            let ended = matches!(known.progress, Progress::Ended { .. });
            voting::run(state, item, ended, view)
        }
        // One field a dialog; the same key asks for the next, and runs it once all are there.
        Act::Step { .. } if !known.is_running() && fields::missing(view.plan(), &item.id, known).is_some() => {
            let field = fields::missing(view.plan(), &item.id, known)?.to_owned();
            state.prompt(Purpose::Fill { item: item.id.clone(), field });
            None
        }
        Act::Step { .. } if is_over(item, known) => {
            state.say(Role::Warned, over(item));
            None
        }
        // It may have happened: once more needs a reason.
        Act::Step { class: Class::Once, .. } if may_be_twice(known) => {
            state.prompt(Purpose::Repeat(item.id.clone()));
            None
        }
        Act::Step { confirm: Confirm::Type, .. } => {
            state.prompt(Purpose::TypeItem(item.id.clone()));
            None
        }
        Act::Step { confirm: Confirm::Key, .. } => {
            let again = if known.attempt.is_some() { " again" } else { "" };
            // What it does is read before it is done.
            let told = item.expects.iter().map(|line| format!("\n{line}")).collect::<String>();
            state.ask(format!("Run {}{again}: {}?{told}", item.id, item.title), Effect::Ask(command));
            None
        }
        _ => Some(Effect::Ask(command)),
    }
}

/// Whether the last attempt ended, not as it should, and may have happened.
#[must_use]
pub fn may_be_twice(known: &ItemState) -> bool {
    let never_ran = known.outcome.as_ref().is_some_and(|outcome| outcome.never_ran);
    let undone = known.undone.is_some();
    !never_ran && matches!(known.progress, Progress::Ended { verdict, .. } if undone || verdict != Verdict::Pass)
}

/// Asks how a person knows what a step came to.
pub fn mark(state: &mut State, action: Action, of: Option<(&Item, &ItemState)>) {
    match of {
        Some((item, known)) if may_mark(item, known) => {
            let passed = action == Action::MarkDone;
            state.prompt(Purpose::Mark { item: item.id.clone(), passed });
        }
        Some((item, _)) => state.say(Role::Warned, format!("{} is no step of unknown outcome", item.id)),
        None => state.say(Role::Warned, format!("select a step to {}", action.entry().short)),
    }
}

fn open_recovery(state: &mut State, view: &View<'_>) {
    match recovery::opened(view) {
        Some(overlay) => state.overlay = Some(overlay),
        None if view.board().recovery.is_none() => state.say(Role::Warned, "no console has come back to this launch"),
        None => state.say(Role::Plain, "nothing was open when this console came back"),
    }
}

fn run_phase(state: &mut State, view: &View<'_>) -> Option<Effect> {
    let phase = match state.checklist.selected(view)? {
        Line::Phase(phase) => phase,
        line => view.plan().item(line.item()?)?.phase.clone(),
    };
    Some(Effect::Ask(Command::RunPhase { phase }))
}

fn on_item(state: &mut State, action: Action, view: &View<'_>) -> Option<Effect> {
    let Some((item, known)) = selected(state, view) else {
        state.say(Role::Warned, format!("select an item to {}", action.entry().short));
        return None;
    };
    let id = item.id.clone();
    match action {
        Action::Sign => voting::sign(state, item, view),
        Action::Attest if voting::on_item(state, item, view) => {}
        Action::Attest if matches!(item.act, Act::Choice { .. }) => choose(state, item, view),
        Action::Attest if !matches!(item.act, Act::Manual { .. }) && *second::wanted(item) == Second::None => {
            state.say(Role::Warned, format!("{id} is decided by what it sees, not by a word; it can be waived"));
        }
        Action::Attest => match others_word(item, view) {
            Some(why) => state.say(Role::Warned, why),
            None => state.prompt(Purpose::Attest { item: id, passed: true }),
        },
        Action::Waive => state.prompt(match soak::waivable(view, &id) {
            Some((_, lost)) => Purpose::WaiveHole { item: id, hole: lost.from },
            None => Purpose::Waive { item: id, lasts: waive::A_DAY },
        }),
        Action::Acknowledge => return Some(Effect::Ask(Command::Acknowledge { item: id })),
        _ if !known.is_running() && process::of(view.board(), &item.id).is_some() => {
            state.ask(format!("End what {id} left living?"), Effect::Ask(Command::Cancel { item: id }));
        }
        _ if !known.is_running() => state.say(Role::Warned, format!("{id} is not running")),
        _ if matches!(item.act, Act::Step { .. }) => {
            state.ask(format!("Cancel {id} while it runs?"), Effect::Ask(Command::Cancel { item: id }));
        }
        _ => return Some(Effect::Ask(Command::Cancel { item: id })),
    }
    None
}

/// Why the word of the role carried here is not the one that an item waits for: said before it is typed.
fn others_word(item: &Item, view: &View<'_>) -> Option<String> {
    let (Act::Manual { role: Some(wanted), second: two }, Some(has)) = (&item.act, view.role) else { return None };
    if wanted == has || *two != Second::None {
        return None;
    }
    let title = |id| view.plan().role(id).map_or_else(|| format!("{id}"), |role| role.title.clone());
    let people = view.plan().role(wanted).map(|role| role.people.join(", ")).filter(|people| !people.is_empty());
    let people = people.map(|people| format!(" ({people})")).unwrap_or_default();
    Some(format!("{} is attested by {}{people}; you act as {}", item.id, title(wanted), title(has)))
}

/// Asks which branch, and why; the one that was chosen is not the first that is offered.
fn choose(state: &mut State, item: &Item, view: &View<'_>) {
    if let Some(off) = branch::off(view.board(), item) {
        return state.say(Role::Warned, format!("{} is skipped: {}", item.id, off.words()));
    }
    let of = choose::options(&item.id, view).len();
    let option = usize::from(choose::present(&item.id, view) == Some(0));
    state.prompt(Purpose::Choose { item: item.id.clone(), option, of });
}

fn hold(state: &mut State, view: &View<'_>) {
    let Some(clock) = view.board().clock_at(view.now.instant) else {
        state.say(Role::Warned, "this launch has no countdown");
        return;
    };
    let no_hold_below = view.plan().clock.no_hold_below.unwrap_or_default();
    if view.attached() {
        state.prompt(Purpose::Hold);
    } else if clock.t0.is_some() {
        state.prompt(Purpose::Freeze);
    } else if clock.t < no_hold_below.0 {
        state.prompt(Purpose::CutOff);
    } else {
        state.prompt(Purpose::Hold);
    }
}

/// Resumes at once where nothing else is open; else shows what is.
fn release(state: &mut State, view: &View<'_>) -> Option<Effect> {
    if view.board().frozen.is_some() && !view.attached() {
        state.prompt(Purpose::Thaw);
        return None;
    }
    let Some(clock) = view.board().clock_at(view.now.instant).filter(|clock| clock.phase == Phase::Holding) else {
        state.say(Role::Warned, "the countdown is not holding");
        return None;
    };
    if clock.latches.keys().any(|who| who != BUILT_IN) {
        state.overlay = Some(Overlay::Holds { selected: 0 });
        return None;
    }
    if view.attached() {
        state.say(Role::Warned, "every hold is released: the operator's console resumes");
        return None;
    }
    Some(Effect::Ask(Command::Resume))
}

/// Goes to the next item that is not well, around the end; what hides it is lifted.
fn next_wrong(state: &mut State, onward: bool, view: &View<'_>) {
    match state.checklist.wrong(onward, view) {
        Some(id) => {
            state.checklist.reveal(&Line::Item(id), view);
            state.detail = detail::State::default();
            state.focus(Pane::Checklist);
        }
        None => state.say(Role::Passed, "no item is wrong"),
    }
}

fn filter(state: &mut State) {
    let pane = state.focus;
    let known = match pane {
        Pane::Checklist => &state.checklist.filter,
        Pane::Streams => &state.streams.filter,
        Pane::Journal => &state.journal.filter,
        Pane::Monitors => &state.monitors.filter,
        _ => return,
    };
    let input = tui_input::Input::new(known.clone());
    state.prompt(Purpose::Filter(pane));
    if let Some(field) = state.overlay.as_mut().and_then(Overlay::input) {
        *field = input;
    }
}

/// Sets the filter of a pane.
pub fn set_filter(state: &mut State, pane: Pane, text: &str) {
    match pane {
        Pane::Checklist => state.checklist.set_filter(text),
        Pane::Streams => text.clone_into(&mut state.streams.filter),
        Pane::Journal => text.clone_into(&mut state.journal.filter),
        Pane::Monitors => text.clone_into(&mut state.monitors.filter),
        Pane::Detail | Pane::Poll | Pane::Incidents => {}
    }
}

/// What a filter led to stays selected without it.
fn back(state: &mut State, view: &View<'_>) {
    if state.zoom {
        state.zoom = false;
        return;
    }
    match state.focus {
        Pane::Checklist => state.checklist.drop_filter(view),
        Pane::Monitors => state.monitors.drop_filter(view),
        Pane::Journal => state.journal.drop_filter(view),
        other => set_filter(state, other, ""),
    }
}

/// To the pane after, or before. One that has nothing to show is passed by, and takes nobody's place for longer than
/// it is looked at.
fn turn(state: &mut State, by: usize, view: &View<'_>) {
    let next = state.focus.next(by);
    let empty = next == Pane::Incidents && view.board().incidents.is_empty();
    state.focus(if empty { next.next(by) } else { next });
    let open = view.board().incidents.iter().any(|known| known.is_open());
    state.incidents_shown &= open || state.focus == Pane::Incidents;
}

/// From everywhere: to the rollback that runs, or to choose one.
pub fn open_rollback(state: &mut State, view: &View<'_>) {
    let rolling = match view.board().rolling_back() {
        // What ran is looked at; none is chosen.
        _ if view.replayed().is_some() => Rolling::Watch { window: Window::default() },
        Some(_) => Rolling::Watch { window: Window::default() },
        None => firing::rolling(view).unwrap_or(Rolling::Choose { selected: 0 }),
    };
    state.overlay = Some(Overlay::Rollback(rolling));
}
