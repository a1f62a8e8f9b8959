//! Keys while something lies over the panes: dialogs take actions, text fields take what is typed. The
//! rollback key works in all of them.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent};
use ratatui::layout::Rect;
use tui_input::backend::crossterm::EventHandler as _;

use super::action::{Action, Place, Where};
use super::keymap::Key;
use super::overlays::act_as::ActAs;
use super::overlays::amend::{self, Amending};
use super::overlays::prompt::LONGEST_TEXT;
use super::overlays::{
    brief, faults, help, holds, incident, palette, playbooks, prompt, recovery, rollback, seen, waive, why,
};
use super::panes::checklist;
use super::state::{Effect, Overlay, Pane, Prompt, Purpose, Rolling, State, View};
use super::theme::Role;
use super::update::{mark, may_be_twice, open_rollback, set_filter, step_of, update};
use super::widgets::list::{Step, Window};
use super::{approving, attached, firing, replaying};
use crate::launch::command::Command;
use crate::launch::fields;
use crate::launch::plan::{Act, Confirm, Item};
use crate::launch::recovery::{Way, way};

/// What becomes of a key pressed while `state.overlay` is there.
pub fn press(state: &mut State, event: KeyEvent, view: &View<'_>) -> Option<Effect> {
    let effect = pressed(state, event, view);
    if state.overlay.is_none() {
        state.overlay = state.under.take();
    }
    effect
}

/// What a key of a dialog is answered that the screen has no room for.
pub const NO_ROOM: &str = "no room for this dialog: enlarge the terminal; Esc leaves it";

fn pressed(state: &mut State, event: KeyEvent, view: &View<'_>) -> Option<Effect> {
    let key = Key::from(event);
    let mut overlay = state.overlay.take()?;
    let listed = matches!(overlay, Overlay::Recovery { .. });
    let action = view.keymap.action(key, if listed { Place::Recovery } else { Place::Dialog });
    let has_field = overlay.input().is_some();
    let blind = state.cramped && !matches!(overlay, Overlay::Rollback(_));
    if blind && !matches!(action, Some(Action::Rollback | Action::Veto | Action::Dismiss)) {
        // Nobody acts on what is not seen, nor writes it.
        state.overlay = Some(overlay);
        state.say(Role::Warned, NO_ROOM);
        return None;
    }
    if let Some(field) = overlay.input().filter(|_| key.types() || action.is_none()) {
        if field.value().chars().count() < LONGEST_TEXT || !key.types() {
            field.handle_event(&Event::Key(event));
        }
        typed(state, &mut overlay);
        state.overlay = Some(overlay);
        return None;
    }
    // A procedure's own key chooses it, whatever it means elsewhere.
    if let (Overlay::Rollback(Rolling::Choose { .. }), KeyCode::Char(c), false) = (&overlay, key.code, key.ctrl)
        && let Some(known) = view.plan().rollbacks.iter().find(|known| known.key == c)
    {
        state.overlay = rollback::chosen(view, &known.id).map(Overlay::Rollback);
        return None;
    }
    if let (Overlay::Incident(dialog), KeyCode::Char(c), false) = (&mut overlay, key.code, key.ctrl)
        && dialog.choose(c, view)
    {
        return confirm(state, overlay, view);
    }
    let settles = [Action::MarkDone, Action::MarkFailed, Action::Repeat, Action::CatchUp];
    if let (Overlay::Recovery { selected }, Some(action)) = (&overlay, action.filter(|action| settles.contains(action)))
    {
        return recover(state, action, *selected, view);
    }
    if let Some(why) = action.and_then(|action| replaying::refused(action, view)) {
        state.overlay = Some(overlay);
        state.say(Role::Warned, why);
        return None;
    }
    // A replay moves on under a sheet, too.
    if let Some(wished) = replaying::action(key, view).filter(|_| action.is_none()) {
        state.overlay = Some(overlay);
        return update(state, wished, view);
    }
    match action {
        Some(Action::Rollback) => {
            match overlay {
                // From what a trigger asks for on to all of them.
                Overlay::Rollback(Rolling::Confirm { because: Some(_), typed: None, .. }) => {
                    state.overlay = Some(Overlay::Rollback(Rolling::Choose { selected: 0 }));
                }
                Overlay::Rollback(_) => state.overlay = Some(overlay),
                _ => {
                    open_rollback(state, view);
                    state.under = listed.then_some(overlay).or(state.under.take());
                }
            }
            None
        }
        Some(Action::Veto) => {
            state.overlay = Some(overlay);
            match attached::refused(Action::Veto, view) {
                Some(why) => {
                    state.say(Role::Warned, why);
                    None
                }
                None => firing::veto(state, view),
            }
        }
        Some(Action::Approve) => {
            if matches!(overlay, Overlay::Rollback(Rolling::Watch { .. })) {
                approving::ask(state, view);
            }
            if state.overlay.is_some() {
                state.under = Some(overlay);
            } else {
                state.overlay = Some(overlay);
            }
            None
        }
        Some(Action::Dismiss) => {
            dismissed(state, &overlay);
            None
        }
        Some(Action::Confirm) => confirm(state, overlay, view),
        Some(action) => {
            if matches!(action, Action::Choice | Action::Speaker) {
                other_answer(&mut overlay, action, view);
            } else if let Some(step) =
                step_of(action).filter(|step| !has_field || !matches!(step, Step::First | Step::Last))
            {
                moved(&mut overlay, step, (state.page, state.body), view);
            }
            state.overlay = Some(overlay);
            None
        }
        None => {
            state.overlay = Some(overlay);
            None
        }
    }
}

/// Pasted text goes into a text field and is never taken for keys.
pub fn paste(state: &mut State, text: &str) {
    let Some(mut overlay) = state.overlay.take() else { return };
    if let Some(field) = overlay.input() {
        let room = LONGEST_TEXT.saturating_sub(field.value().chars().count());
        for c in crate::base::text::printable(text).chars().take(room) {
            field.handle(tui_input::InputRequest::InsertChar(c));
        }
        typed(state, &mut overlay);
    }
    state.overlay = Some(overlay);
}

/// A filter works while it is typed; a palette starts from the top again.
fn typed(state: &mut State, overlay: &mut Overlay) {
    match overlay {
        Overlay::Prompt(Prompt { purpose: Purpose::Filter(pane), input, .. }) => {
            set_filter(state, *pane, input.value());
        }
        Overlay::Palette { selected, .. } => *selected = 0,
        Overlay::Prompt(prompt) => prompt.wrong = None,
        Overlay::Amend(amending) => amending.wrong = None,
        Overlay::Incident(dialog) => dialog.typed(),
        Overlay::ActAs(dialog) => dialog.wrong = None,
        _ => {}
    }
}

fn dismissed(state: &mut State, overlay: &Overlay) {
    if let Overlay::Prompt(Prompt { purpose: Purpose::Filter(pane), .. }) = overlay {
        set_filter(state, *pane, "");
    }
}

fn other_answer(overlay: &mut Overlay, action: Action, view: &View<'_>) {
    match overlay {
        Overlay::ActAs(dialog) => dialog.next_person(view),
        Overlay::Brief { window, from } => (*window, *from) = (Window::default(), (*from + 1) % brief::BEGINNINGS),
        _ => {}
    }
    let Overlay::Prompt(prompt) = overlay else { return };
    if action == Action::Speaker {
        return prompt.purpose.next_speaker(view);
    }
    match &mut prompt.purpose {
        Purpose::Attest { passed, .. } => *passed = !*passed,
        Purpose::Vote { vote, .. } => *vote = (*vote + 1) % prompt::VOTES.len(),
        Purpose::Judge { met, .. } => *met = !*met,
        Purpose::WaiveCriterion { lasts, .. } | Purpose::Waive { lasts, .. } => {
            *lasts = (*lasts + 1) % waive::LASTS.len();
        }
        Purpose::Choose { option, of, .. } => *option = (*option + 1) % (*of).max(1),
        _ => {}
    }
}

/// Opens what the selected line of a list stands for, as its key does.
pub fn open(state: &mut State, view: &View<'_>) -> Option<Effect> {
    let overlay = state.overlay.take()?;
    let effect = confirm(state, overlay, view);
    if state.overlay.is_none() {
        state.overlay = state.under.take();
    }
    effect
}

/// Moves in what lies over the panes by a step of the wheel.
pub fn wheel(state: &mut State, step: Step, view: &View<'_>) {
    let Some(mut overlay) = state.overlay.take() else { return };
    moved(&mut overlay, step, (state.page, state.body), view);
    state.overlay = Some(overlay);
}

fn scrolled(window: &mut Window, step: Step, (count, height): (usize, usize)) {
    window.step(step, count, height);
}

fn moved(overlay: &mut Overlay, step: Step, (page, body): (usize, Rect), view: &View<'_>) {
    match overlay {
        Overlay::Help { window } => scrolled(window, step, help::lines(view, body)),
        Overlay::Brief { window, from } => scrolled(window, step, brief::lines(*from, view, body)),
        Overlay::Evidence { selected } => *selected = step.from(*selected, view.plan().evidence.len(), page),
        Overlay::Seen { item, selected } => *selected = step.from(*selected, seen::lines(item, view).len(), page),
        Overlay::Faults { selected, beside } => {
            *selected = step.from(*selected, faults::count(beside.as_ref(), view), page);
        }
        Overlay::Why { selected } => *selected = step.from(*selected, why::links(view).len(), page),
        Overlay::Triggers { selected } => *selected = step.from(*selected, view.plan().triggers.len(), page),
        Overlay::Playbooks { item, selected } => {
            *selected = step.from(*selected, playbooks::listed(item.as_ref(), view).len(), page);
        }
        Overlay::ActAs(dialog) => dialog.selected = step.from(dialog.selected, ActAs::choices(view), page),
        Overlay::Palette { input, selected } => {
            *selected = step.from(*selected, palette::found(input.value(), view).len(), page);
        }
        Overlay::Holds { selected } => *selected = step.from(*selected, holds::ways(view).len(), page),
        Overlay::Recycle { selected } => *selected = step.from(*selected, holds::marks(view).len(), page),
        Overlay::Recovery { selected } => *selected = step.from(*selected, recovery::lines(view).len(), page),
        Overlay::Incident(dialog) => dialog.step(step, page, view),
        Overlay::Rollback(Rolling::Choose { selected }) => {
            *selected = step.from(*selected, view.plan().rollbacks.len(), page);
        }
        Overlay::Rollback(Rolling::Watch { window }) => scrolled(window, step, rollback::lines(view, body)),
        Overlay::Amend(amending) => amending.step(step, page, view),
        Overlay::Prompt(Prompt {
            purpose: Purpose::Waive { lasts, .. } | Purpose::WaiveCriterion { lasts, .. },
            ..
        }) => {
            *lasts = step.from(*lasts, waive::LASTS.len(), page);
        }
        Overlay::Prompt(Prompt { purpose: Purpose::Choose { option, of, .. }, .. }) => {
            *option = step.from(*option, *of, page);
        }
        // A person with a role votes for it alone.
        Overlay::Prompt(Prompt { purpose, .. }) if view.role.is_none() => {
            let count = purpose.voters(view).len();
            if let Purpose::Vote { role, .. } | Purpose::Sign { role, .. } = purpose {
                *role = step.from(*role, count, page);
            }
            if let Purpose::Vote { who, .. } = purpose {
                *who = None;
            }
        }
        _ => {}
    }
}

fn confirm(state: &mut State, overlay: Overlay, view: &View<'_>) -> Option<Effect> {
    match overlay {
        Overlay::Help { .. } | Overlay::Countdown | Overlay::Brief { .. } => None,
        Overlay::Evidence { selected } => {
            let known = view.plan().evidence.get(selected)?;
            state.prompt(Purpose::Evidence(known.id.clone()));
            None
        }
        Overlay::Playbooks { item, selected } => playbooks::confirm(state, item, selected, view),
        Overlay::Seen { item, selected } => seen::copy(state, &item, selected, view),
        Overlay::Faults { selected, beside } => faults::confirm(state, selected, beside, view),
        Overlay::Why { selected } => {
            why::go(state, why::links(view).get(selected)?, view);
            None
        }
        Overlay::Triggers { selected } => {
            firing::choose(state, view.plan().triggers.get(selected)?, view);
            None
        }
        Overlay::ActAs(dialog) => act_as(state, dialog, view),
        Overlay::Ask { yes, .. } => Some(yes),
        Overlay::Palette { input, selected } => {
            let found = palette::found(input.value(), view);
            let entry = found.get(selected.min(found.len().saturating_sub(1)))?;
            let here = Place::Pane(state.focus);
            if !entry.place.covers(here) && !matches!(entry.place, Where::Everywhere | Where::Replay) {
                state.say(Role::Warned, format!("{} is for the {}", entry.id, entry.place.word()));
                return None;
            }
            update(state, entry.action, view)
        }
        Overlay::Prompt(prompt) => answer(state, prompt, view),
        Overlay::Holds { selected } => match holds::ways(view).into_iter().nth(selected)?.1 {
            holds::Way::Ask(command) => Some(Effect::Ask(command)),
            holds::Way::Slip => {
                state.prompt(Purpose::Slip);
                None
            }
        },
        Overlay::Recycle { selected } => {
            let mark = holds::marks(view).get(selected).copied()?;
            Some(Effect::Ask(Command::Recycle { mark }))
        }
        Overlay::Recovery { selected } => recover(state, Action::Confirm, selected, view),
        Overlay::Amend(amending) => amend::confirm(state, amending, view),
        Overlay::Incident(dialog) => incident::confirm(state, dialog, view),
        Overlay::Rollback(rolling) => confirm_rollback(state, rolling, view),
    }
}

/// A key of the recovery screen. The screen stays, or comes back once a reason was typed.
fn recover(state: &mut State, action: Action, selected: usize, view: &View<'_>) -> Option<Effect> {
    let line = recovery::lines(view).into_iter().nth(selected);
    let of = line.as_ref().and_then(|line| recovery::step(view, line));
    let way = of.and_then(|(item, known)| way(item, known));
    let mut effect = None;
    match (action, of, way) {
        (Action::CatchUp, ..) => effect = Some(Effect::Ask(Command::CatchUp)),
        (Action::MarkDone | Action::MarkFailed, ..) => mark(state, action, of),
        (Action::Repeat, Some((item, _)), Some(Way::Word)) => state.prompt(Purpose::Repeat(item.id.clone())),
        (_, Some((item, _)), Some(Way::Key)) => effect = again(state, item),
        // Known to have failed: once more is right with a reason as well.
        (Action::Repeat, Some((item, known)), None) if may_be_twice(known) => {
            state.prompt(Purpose::Repeat(item.id.clone()));
        }
        (Action::Repeat, ..) => state.say(Role::Warned, "there is nothing here to repeat"),
        (_, Some((item, _)), Some(Way::Word)) => {
            state.say(Role::Warned, format!("{} may have happened: look by hand what it did, then say so", item.id));
        }
        (_, Some((item, _)), None) => {
            state.checklist.select(checklist::Line::Item(item.id.clone()));
            state.focus(Pane::Detail);
            return None;
        }
        _ => state.overlay = Some(Overlay::Rollback(Rolling::Watch { window: Window::default() })),
    }
    if state.overlay.is_some() {
        state.under = Some(Overlay::Recovery { selected });
    } else {
        state.overlay = Some(Overlay::Recovery { selected });
    }
    effect
}

/// One key does it again, but where the plan wants the step's id typed.
fn again(state: &mut State, item: &Item) -> Option<Effect> {
    if matches!(item.act, Act::Step { confirm: Confirm::Type, .. }) {
        state.prompt(Purpose::TypeItem(item.id.clone()));
        return None;
    }
    Some(Effect::Ask(Command::RunItem { item: item.id.clone() }))
}

/// From here on whoever was chosen acts.
fn act_as(state: &mut State, mut dialog: ActAs, view: &View<'_>) -> Option<Effect> {
    match dialog.answer(view) {
        Ok(acting) => state.acting = acting,
        Err(wrong) => {
            dialog.wrong = Some(wrong);
            state.overlay = Some(Overlay::ActAs(dialog));
        }
    }
    None
}

fn answer(state: &mut State, mut prompt: Prompt, view: &View<'_>) -> Option<Effect> {
    let asked = prompt.purpose.command(prompt.input.value(), view);
    match asked.and_then(|command| Ok((command, prompt.purpose.speaker(view)?))) {
        Ok((Some(command), Some(by))) => Some(Effect::AskAs(by, command)),
        Ok((command, _)) => {
            if matches!(command, Some(Command::Propose { .. })) {
                state.overlay = Some(Overlay::Amend(Amending::after(view)));
            }
            // The next field at once: what is typed on must not become keys of the console.
            if let Some(Command::Fill { item, field, .. }) = &command
                && let Some(next) = fields::after(view.plan(), item, field, view.board().item(item))
            {
                let (item, field) = (item.clone(), next.to_owned());
                state.prompt(Purpose::Fill { item, field });
            }
            command.map(Effect::Ask)
        }
        Err(wrong) => {
            prompt.wrong = Some(wrong);
            state.overlay = Some(Overlay::Prompt(prompt));
            None
        }
    }
}

fn confirm_rollback(state: &mut State, rolling: Rolling, view: &View<'_>) -> Option<Effect> {
    match rolling {
        Rolling::Choose { selected } => {
            let id = &view.plan().rollbacks.get(selected)?.id;
            state.overlay = rollback::chosen(view, id).map(Overlay::Rollback);
            None
        }
        Rolling::Confirm { id, typed: Some(typed), because, .. } if typed.value().trim() != id.as_str() => {
            state.overlay = Some(Overlay::Rollback(Rolling::Confirm { id, typed: Some(typed), wrong: true, because }));
            None
        }
        Rolling::Confirm { id, because, .. } => {
            state.overlay = Some(Overlay::Rollback(Rolling::Watch { window: Window::default() }));
            let because = because.map(|because| format!(" on {because}")).unwrap_or_default();
            let why = format!("called by {}{because}", view.operator);
            Some(Effect::Ask(Command::Rollback { rollback: id, why }))
        }
        Rolling::Watch { .. } => None,
    }
}
