//! One line of text with what it is for; for a vote or an attest, with the answer that Tab changes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{archive, choose, field, scribe, waive};
use crate::launch::ballot;
use crate::launch::command::Command;
use crate::launch::event::{Actor, Vote};
use crate::launch::fields;
use crate::launch::id::{CriterionId, RoleId};
use crate::launch::plan::Act;
use crate::launch::slip;
use crate::ui::action::Action;
use crate::ui::firing;
use crate::ui::state::{Prompt, Purpose, View};
use crate::ui::theme::Role;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

/// The answers of a vote, as Tab goes through them.
pub const VOTES: [&str; 3] = ["GO", "NO-GO", "GO WITH WAIVER"];
/// Lines on what a step does, above the field that runs it.
const TOLD: usize = 4;
/// Lines of its text that stand above many answers.
const ASKED: usize = 3;
/// Longer texts than this are not taken into a field, in characters.
pub const LONGEST_TEXT: usize = 2_000;

impl Purpose {
    fn title(&self) -> &'static str {
        match self {
            Self::Note => "Note",
            Self::Hold => "Hold the countdown",
            Self::CutOff => "Cut off",
            Self::Freeze => "Freeze",
            Self::Thaw => "Lift the freeze",
            Self::Scrub => "Scrub",
            Self::Plan => "Amend the plan",
            Self::Slip => "Slip",
            Self::Amend(_) => "Amend a note",
            Self::Choose { .. } => "Choose",
            Self::Waive { .. } => "Waive",
            Self::WaiveHole { .. } => "Waive a hole",
            Self::Attest { .. } => "Attest",
            Self::Vote { .. } => "Vote",
            Self::Sign { .. } => "Sign",
            Self::Judge { .. } => "Judge",
            Self::WaiveCriterion { .. } => "Waive a criterion",
            Self::Evidence(_) => "Evidence",
            Self::Close { .. } => "Close the launch",
            Self::Filter(_) => "Filter",
            Self::Mark { passed: true, .. } => "Mark done",
            Self::Mark { passed: false, .. } => "Mark failed",
            Self::Fill { .. } => "Fill in",
            Self::Repeat(_) => "Repeat",
            Self::TypeItem(_) => "Run",
            Self::WhyVetoed(_) => "Veto",
            Self::Fire(_) => "Fire a trigger",
        }
    }

    /// What a person is asked for, one line each.
    fn lines(&self, view: &View<'_>) -> Vec<String> {
        let title =
            |id: &crate::launch::id::ItemId| view.plan().item(id).map(|item| item.title.clone()).unwrap_or_default();
        let words = |id: &CriterionId| {
            let known = view.plan().criteria.iter().find(|criterion| criterion.id == *id);
            let list = |no_go| if no_go { "No-go" } else { "Go" };
            known.map(|known| format!("{}: {}", list(known.no_go), known.text)).unwrap_or_default()
        };
        match self {
            Self::Note => vec!["What happened, for the journal:".into()],
            Self::Hold => vec!["The countdown stops until you release it. Why:".into()],
            Self::CutOff => vec!["Below the no-hold mark: this stops the countdown for good short of T-0. Why:".into()],
            Self::Freeze => vec!["Every step but a rollback stops until the freeze is lifted. Why:".into()],
            Self::Thaw => vec!["Steps may run again. Why:".into()],
            Self::Plan => vec!["The plan file to go by from here on; how it differs is shown first. Its path:".into()],
            Self::Scrub => vec!["This attempt at the launch ends here. Why:".into()],
            Self::Slip => slip_lines(view),
            Self::Attest { item, .. } if is_step(view, item) => {
                vec![title(item), "It may run once, by another person's key, after your word. What you checked:".into()]
            }
            Self::Amend(seq) => scribe::lines(*seq, view),
            Self::Choose { item, .. } => {
                vec![title(item), "What stands on the other branches is skipped. Which, and why:".into()]
            }
            Self::Waive { item, .. } => {
                vec![title(item), "The gate opens in spite of what was found, for as long as you say. Why:".into()]
            }
            Self::WaiveHole { item, hole } => waive::hole(item, *hole, view),
            Self::Attest { item, .. } => {
                let why = view.plan().item(item).map(|item| item.why.clone()).unwrap_or_default();
                [title(item), why, "What you saw:".into()].into_iter().filter(|line| !line.is_empty()).collect()
            }
            Self::Vote { poll, role, .. } => {
                let of = poll.as_ref().map(title);
                let asked = self.voter(view, *role).map(|role| ballot::question(view.plan(), role));
                let reason = "The reason, where the answer is not GO:".to_owned();
                // The question stands where there is more than the plan's poll, or criteria to answer for.
                let asks = poll.is_some() || !view.plan().criteria.is_empty();
                of.into_iter().chain(asked.filter(|_| asks)).chain([reason]).collect()
            }
            Self::Sign { item, .. } => {
                vec![title(item), "Your name goes under it. A remark, where there is one:".into()]
            }
            Self::Judge { criterion, .. } => vec![words(criterion), "How you know:".into()],
            Self::WaiveCriterion { criterion, .. } => {
                vec![words(criterion), "It stands in the way no more until the time is up. Why:".into()]
            }
            Self::Evidence(id) => {
                let known = view.plan().evidence.iter().find(|known| known.id == *id);
                let title = known.map(|known| known.title.clone()).unwrap_or_default();
                vec![title, "A link, or words; a file is given with `tminus evidence --file`:".into()]
            }
            Self::Close { anyway: false } => {
                vec!["Everything asked for is there. Nothing of it runs again. Why, or nothing:".into()]
            }
            Self::Close { anyway: true } => {
                let ask = "It is missing in the journal for good. Close it all the same, because:";
                archive::question(view).into_iter().chain([ask.to_owned()]).collect()
            }
            Self::Filter(pane) => vec![format!("Lines of the {} that hold:", pane.title().to_lowercase())],
            Self::Mark { item, passed: true } => {
                vec![title(item), "It counts as done by your word, and what needs it goes on. How you know:".into()]
            }
            Self::Mark { item, passed: false } => vec![title(item), "It counts as failed. How you know:".into()],
            Self::Fill { item, field } => {
                let asked = fields::asked(view.plan(), item);
                let at = asked.iter().position(|known| known == field).map_or(1, |at| at + 1);
                vec![title(item), format!("It goes out with what you type, {at} of {}. {field}:", asked.len())]
            }
            Self::Repeat(item) => {
                vec![title(item), "It may have happened, and is done once more. Why that is right:".into()]
            }
            Self::TypeItem(item) => {
                let told = view.plan().item(item).map(|item| item.expects.clone()).unwrap_or_default();
                let ask = format!("Type {item} to run it:");
                [title(item)].into_iter().chain(told.into_iter().take(TOLD)).chain([ask]).collect()
            }
            Self::WhyVetoed(trigger) => firing::veto_lines(trigger, view),
            Self::Fire(trigger) => firing::fire_lines(trigger, view),
        }
    }

    /// The roles that a vote or a signature can be for.
    #[must_use]
    pub fn voters<'v>(&self, view: &View<'v>) -> &'v [RoleId] {
        match self {
            Self::Vote { poll, .. } => ballot::roles(view.plan(), poll.as_ref()).unwrap_or_default(),
            Self::Sign { item, .. } => match view.plan().item(item).map(|item| &item.act) {
                Some(Act::Signoff { roles }) => roles,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// The role a vote or a signature is for, by its place.
    fn voter<'v>(&self, view: &View<'v>, role: usize) -> Option<&'v RoleId> {
        self.voters(view).get(role)
    }

    /// The command of a finished text.
    ///
    /// # Errors
    /// What is missing, as a sentence.
    pub fn command(&self, text: &str, view: &View<'_>) -> Result<Option<Command>, String> {
        let text = text.trim().to_owned();
        let reason = || if text.is_empty() { Err("say why".to_owned()) } else { Ok(text.clone()) };
        Ok(Some(match self {
            Self::Note => scribe::command(&text, None, view)?,
            Self::Amend(seq) => scribe::command(&text, Some(*seq), view)?,
            Self::Choose { item, option, .. } => {
                let branch = choose::options(item, view).get(*option).ok_or("this choice has no branches")?;
                Command::Choose { item: item.clone(), option: branch.id.clone(), reason: reason()? }
            }
            Self::Hold => Command::CallHold { why: reason()? },
            Self::CutOff => Command::CutOff { why: reason()? },
            Self::Freeze => Command::Freeze { why: reason()? },
            Self::Thaw => Command::Thaw { why: reason()? },
            Self::Scrub => Command::Scrub { why: reason()? },
            Self::Plan if text.is_empty() => return Err("say which file".into()),
            Self::Plan => Command::Propose { path: text },
            Self::Slip => {
                let clock = view.board().clock_at(view.now.instant).ok_or("this launch has no countdown")?;
                let (published, why) = slip::read(&text, &clock, view.now, view.offset)?;
                Command::Slip { published, why }
            }
            Self::Waive { item, lasts } => {
                Command::Waive { item: item.clone(), reason: reason()?, lasts: waive::lasts(*lasts) }
            }
            Self::WaiveHole { item, hole } => Command::WaiveHole { item: item.clone(), hole: *hole, reason: reason()? },
            Self::Attest { item, passed } => Command::Attest { item: item.clone(), note: text, passed: *passed },
            Self::Sign { item, role } => {
                let role = self.voter(view, *role).ok_or("nobody signs here")?.clone();
                Command::Sign { item: item.clone(), role, note: text }
            }
            Self::Judge { criterion, met } => Command::Judge { criterion: criterion.clone(), met: *met, note: text },
            Self::WaiveCriterion { criterion, lasts } => {
                Command::WaiveCriterion { criterion: criterion.clone(), reason: reason()?, lasts: waive::lasts(*lasts) }
            }
            Self::Evidence(id) => Command::GiveEvidence { evidence: id.clone(), what: reason()? },
            Self::Close { anyway: false } => Command::Close { why: text, anyway: None, gone: Vec::new() },
            Self::Close { anyway: true } => {
                Command::Close { why: String::new(), anyway: Some(reason()?), gone: Vec::new() }
            }
            Self::Vote { poll, role, vote, .. } => {
                let role = self.voter(view, *role).ok_or("the plan's poll has no roles")?.clone();
                let vote = match vote {
                    0 => Vote::Go,
                    1 => Vote::NoGo { reason: reason()? },
                    _ => Vote::GoWithWaiver { reason: reason()? },
                };
                Command::Vote { poll: poll.clone(), role, vote }
            }
            Self::Mark { item, passed } => Command::MarkStep { item: item.clone(), passed: *passed, reason: reason()? },
            Self::Fill { field, .. } if text.is_empty() => {
                return Err(format!("say the {field}, or that there is none"));
            }
            Self::Fill { item, field } => Command::Fill { item: item.clone(), field: field.clone(), value: text },
            Self::Repeat(item) => Command::Repeat { item: item.clone(), reason: reason()? },
            Self::TypeItem(item) if text == item.as_str() => Command::RunItem { item: item.clone() },
            Self::TypeItem(item) => return Err(format!("that is not {item}")),
            Self::WhyVetoed(trigger) => Command::note(format!("veto of {trigger}: {}", reason()?)),
            Self::Fire(trigger) => Command::FireTrigger { trigger: trigger.clone(), why: reason()? },
            Self::Filter(_) => return Ok(None),
        }))
    }
}

impl Purpose {
    /// The people of the role that an operator without a role writes a vote down for.
    fn speakers<'v>(&self, view: &View<'v>) -> &'v [String] {
        match self {
            Self::Vote { role, .. } if view.role.is_none() => {
                let role = self.voter(view, *role).and_then(|id| view.plan().role(id));
                role.map_or(&[], |role| role.people.as_slice())
            }
            _ => &[],
        }
    }

    /// Who spoke, where that must be said.
    ///
    /// # Errors
    /// Several could have, and nobody said who did.
    pub fn speaker(&self, view: &View<'_>) -> Result<Option<Actor>, String> {
        let (people, Self::Vote { role, who, .. }) = (self.speakers(view), self) else { return Ok(None) };
        let name = match (people, who) {
            ([], _) => return Ok(None),
            ([one], _) => one,
            (several, who) => {
                let key = view.keymap.label(Action::Speaker).unwrap_or_default();
                let spoke = who.and_then(|who| several.get(who));
                spoke.ok_or_else(|| format!("say who spoke: {key} goes through {}", several.join(", ")))?
            }
        };
        Ok(Some(Actor::person(name, self.voter(view, *role).cloned())))
    }

    pub fn next_speaker(&mut self, view: &View<'_>) {
        let count = self.speakers(view).len();
        if let (Self::Vote { who, .. }, 1..) = (self, count) {
            *who = Some(who.map_or(0, |who| (who + 1) % count));
        }
    }
}

fn is_step(view: &View<'_>, item: &crate::launch::id::ItemId) -> bool {
    view.plan().item(item).is_some_and(|item| matches!(item.act, Act::Step { .. }))
}

/// Who spoke, under a vote that is written down for a role.
fn spoke<'v>(purpose: &Purpose, view: &View<'v>) -> Option<Row<'v>> {
    let people = purpose.speakers(view);
    let row = Row::new(view.theme);
    let key = view.keymap.label(Action::Speaker).unwrap_or_default();
    match (people, purpose.speaker(view)) {
        ([], _) => None,
        ([_], Ok(Some(by))) => Some(row.say(Role::Plain, format!(" spoken by {}", by.name))),
        (_, Ok(Some(by))) => Some(
            row.say(Role::Plain, format!(" spoken by {}", by.name)).right(Role::Muted, format!("{key} changes it ")),
        ),
        _ => {
            let all = people.join(", ");
            Some(row.say(Role::Focus, format!(" who spoke? {all}")).right(Role::Muted, format!("{key} says it ")))
        }
    }
}

/// What stands, and how to say another T-0.
fn slip_lines(view: &View<'_>) -> Vec<String> {
    let clock = view.board().clock_at(view.now.instant);
    let at = |at| view.date_with_offset(slip::wall_of(at, view.now));
    let mut lines = Vec::new();
    if let Some(clock) = &clock {
        lines.push(format!("T-0 is published for {}", at(clock.published)));
        lines.extend(clock.projected().map(|projected| format!("and projected for {}", at(projected))));
    }
    let closes = view.plan().clock.window_closes;
    lines.extend(closes.map(|closes| format!("the window closes at {}", view.date_with_offset(closes))));
    lines.push("The new T-0, then why: +45m, 14:30 or 2026-03-01 14:30, in this zone".into());
    lines
}

pub fn draw(prompt: &Prompt, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let width = 76.min(area.width);
    let mut text: Vec<String> =
        prompt.purpose.lines(view).iter().flat_map(|line| wrap(line, usize::from(width.saturating_sub(4)))).collect();
    // Field and keys are always seen, and of the text what is asked last.
    let room = usize::from(area.height).saturating_sub(5);
    let choice = choice(prompt, room.saturating_sub(text.len().min(ASKED)), view);
    let spoke = spoke(&prompt.purpose, view);
    let room = room.saturating_sub(choice.len() + usize::from(spoke.is_some())).max(1);
    if text.len() > room {
        let asked = text.pop().unwrap_or_default();
        text.truncate(room.saturating_sub(2));
        text.extend((room > 1).then(|| "… more of it stands in its detail".to_owned()));
        text.push(asked);
    }
    let height = text.len() + choice.len() + usize::from(spoke.is_some()) + 5;
    let sheet_area = sheet::middle(area, width, u16::try_from(height).unwrap_or(u16::MAX));
    let inner = sheet::sheet(sheet_area, prompt.purpose.title(), "", Role::Focus, view.theme, buf);
    let mut rows: Vec<Row<'_>> =
        text.iter().map(|line| Row::new(view.theme).say(Role::Plain, format!(" {line}"))).collect();
    rows.extend(choice);
    rows.extend(spoke);
    let at = u16::try_from(rows.len()).unwrap_or(0);
    rows.push(Row::new(view.theme));
    rows.push(match &prompt.wrong {
        Some(wrong) => Row::new(view.theme).say(Role::Failed, format!(" {wrong}")),
        None => Row::new(view.theme),
    });
    rows.push(super::answers(view, "do it", "leave it"));
    sheet::rows(rows, inner, buf);
    let line = Rect { x: inner.x + 1, y: inner.y + at, width: inner.width.saturating_sub(2), height: 1 };
    field(&prompt.input, "> ", view, line.intersection(inner), buf)
}

/// The answers that a key changes, in `most` lines where there are many.
fn choice<'v>(prompt: &Prompt, most: usize, view: &View<'v>) -> Vec<Row<'v>> {
    let row = Row::new(view.theme);
    let change = format!("{} changes it", view.keymap.label(Action::Choice).unwrap_or_default());
    match &prompt.purpose {
        Purpose::Note => vec![scribe::when(prompt.input.value(), None, view)],
        Purpose::Amend(seq) => vec![scribe::when(prompt.input.value(), Some(*seq), view)],
        Purpose::Choose { item, option, .. } => choose::rows(item, *option, (&format!("{change} "), most), view),
        Purpose::Waive { lasts, .. } | Purpose::WaiveCriterion { lasts, .. } => {
            waive::rows(*lasts, &format!("{change} "), view)
        }
        Purpose::Attest { passed, .. } => {
            let (role, word) = if *passed { (Role::Passed, "it holds") } else { (Role::Failed, "it does NOT hold") };
            vec![row.say(role, format!(" {word}")).right(Role::Muted, format!("{change} "))]
        }
        Purpose::Judge { criterion, met } => {
            let no_go = view.plan().criteria.iter().any(|known| known.id == *criterion && known.no_go);
            // In the words of its list: of a no-go that "holds" nobody could tell what is meant.
            let (role, word) = match (no_go, met) {
                (false, true) => (Role::Passed, "it is met"),
                (false, false) => (Role::Failed, "it is NOT met"),
                (true, true) => (Role::Passed, "it does not occur"),
                (true, false) => (Role::Failed, "it OCCURS"),
            };
            vec![row.say(role, format!(" {word}")).right(Role::Muted, format!("{change} "))]
        }
        Purpose::Sign { role, .. } => {
            let title = prompt.purpose.voter(view, *role).and_then(|id| view.plan().role(id));
            let title = title.map_or("", |role| role.title.as_str());
            let other = if view.role.is_none() { "arrows the role " } else { "" };
            vec![row.say(Role::Plain, format!(" {title}: {}", view.operator)).right(Role::Muted, other)]
        }
        Purpose::Vote { role, vote, .. } => {
            let title = prompt.purpose.voter(view, *role).and_then(|id| view.plan().role(id));
            let title = title.map_or("", |role| role.title.as_str());
            let role = [Role::Passed, Role::Failed, Role::Warned].get(*vote).copied().unwrap_or(Role::Plain);
            let word = VOTES.get(*vote).copied().unwrap_or("");
            let other = if view.role.is_none() { format!("{change}, arrows the role ") } else { format!("{change} ") };
            vec![row.say(Role::Plain, format!(" {title}: ")).say(role, word).right(Role::Muted, other)]
        }
        _ => Vec::new(),
    }
}
