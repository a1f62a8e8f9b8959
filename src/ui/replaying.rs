//! The console over a replay: its own keys, the line that says where it stands, and the words with which every acting
//! key is refused. What is shown has happened; nothing of it can be changed from here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::{Action, Place, Where};
use super::keymap::Key;
use super::state::{Effect, State, View};
use super::theme::Role;
use super::widgets::row::Row;
use crate::launch::replay::{Standpoint, Way, Wish};

/// What a key means in a replay, where it is one of its own.
#[must_use]
pub fn action(key: Key, view: &View<'_>) -> Option<Action> {
    view.replayed()?;
    view.keymap.action(key, Place::Replay).filter(|action| action.entry().place == Where::Replay)
}

/// What an action wants of a replay, where that is all it does.
#[must_use]
pub fn wish(action: Action) -> Option<Wish> {
    Some(match action {
        Action::Play => Wish::Play,
        Action::Faster => Wish::Faster,
        Action::Slower => Wish::Slower,
        Action::RecordOn => Wish::Record(Way::On),
        Action::RecordBack => Wish::Record(Way::Back),
        Action::MinuteOn => Wish::Minutes(Way::On, 1),
        Action::MinuteBack => Wish::Minutes(Way::Back, 1),
        Action::TenOn => Wish::Minutes(Way::On, 10),
        Action::TenBack => Wish::Minutes(Way::Back, 10),
        Action::NextNotable => Wish::Notable(Way::On),
        Action::PreviousNotable => Wish::Notable(Way::Back),
        Action::ReplayStart => Wish::Whole(Way::Back),
        Action::ReplayEnd => Wish::Whole(Way::On),
        _ => return None,
    })
}

/// What becomes of a replay's own key; where it would lead nowhere that is said.
pub fn asked(state: &mut State, action: Action, wish: Wish, view: &View<'_>) -> Option<Effect> {
    match why_not(action, view) {
        Some(why) => {
            state.say(Role::Warned, why);
            None
        }
        None => Some(Effect::Replay(wish)),
    }
}

/// Why a replay's own key would do nothing just now.
#[must_use]
pub fn why_not(action: Action, view: &View<'_>) -> Option<String> {
    let wish = wish(action)?;
    let Some(at) = view.replayed() else { return Some("this is no replay".to_owned()) };
    let unless = |does: bool, why: &str| (!does).then(|| why.to_owned());
    match wish {
        Wish::Play | Wish::Record(Way::On) | Wish::Minutes(Way::On, _) | Wish::Whole(Way::On) => {
            unless(!at.is_at_end(), "this is the last record")
        }
        Wish::Notable(Way::On) => unless(at.after > 0, "no incident, trigger or rollback after this"),
        Wish::Notable(Way::Back) => unless(at.before > 0, "no incident, trigger or rollback before this"),
        Wish::Record(Way::Back) => unless(at.record > 1, "this is the first record"),
        Wish::Minutes(Way::Back, _) | Wish::Whole(Way::Back) | Wish::Faster | Wish::Slower => None,
    }
}

/// Why `action` does nothing in a replay, where it acts on a launch elsewhere; a sentence for the footer.
#[must_use]
pub fn refused(action: Action, view: &View<'_>) -> Option<String> {
    view.replayed()?;
    let acts = match action {
        // These only look here: a detail, the sheet of a rollback that ran, the shell.
        Action::Open | Action::Suspend => false,
        Action::Rollback => view.board().last_rollback().is_none(),
        Action::Note
        | Action::AmendNote
        | Action::ActAs
        | Action::Faults
        | Action::Playbooks
        | Action::Evidence
        | Action::Recovery => true,
        other => other.entry().danger,
    };
    acts.then(|| words(action.entry().short))
}

fn words(what: &str) -> String {
    format!("this is a replay: `{what}` does nothing, what is shown has happened")
}

/// `effect`, unless it would act: whatever dialog led to it, nothing leaves a replay.
pub fn harmless(state: &mut State, effect: Option<Effect>, view: &View<'_>) -> Option<Effect> {
    let acts = matches!(effect, Some(Effect::Ask(_) | Effect::AskAs(..) | Effect::Suspend { note: Some(_) }));
    if view.replayed().is_some() && acts {
        state.say(Role::Warned, words("that"));
        return None;
    }
    effect
}

/// Where it stands, in the place of the bar of rollbacks: the most important first.
pub fn draw(at: Standpoint, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let glyphs = view.theme.glyphs;
    let (role, sign) = match (at.is_at_end(), at.playing) {
        (true, _) => (Role::Held, format!("{} THE END, {}x", glyphs.holding, at.speed)),
        (_, true) => (Role::Running, format!("{} {}x", glyphs.counting, at.speed)),
        (_, false) => (Role::Held, format!("{} paused, {}x", glyphs.holding, at.speed)),
    };
    let mut row = Row::new(view.theme).say(Role::Plain, " ").say(Role::Held, " REPLAY ");
    row = row.say(role, format!(" {sign}"));
    row = row.say(Role::Muted, " · ").say(Role::Plain, format!("record {} of {}", at.record, at.of));
    let face = view.board().clock_at(view.now.instant).map(|clock| clock.mark().face());
    row = face.and_then(|face| wider(&row, Role::Title, face, area)).unwrap_or(row);
    let wall = view.now.wall;
    let times = [view.date_with_offset(wall), view.time(wall)];
    row = times.into_iter().find_map(|time| wider(&row, Role::Plain, time, area)).unwrap_or(row);
    // The incidents, the triggers that fired and the rollbacks that its keys jump to.
    let notable = format!("notable: {} before, {} after", at.before, at.after);
    row = wider(&row, Role::Muted, notable, area).unwrap_or(row);
    row.put(area, buf);
}

/// `row` with `part` after it, where that fits.
fn wider<'v>(row: &Row<'v>, role: Role, part: String, area: Rect) -> Option<Row<'v>> {
    let wider = row.clone().say(Role::Muted, " · ").say(role, part);
    (wider.whole_width() <= usize::from(area.width)).then_some(wider)
}
