//! One line of text with what it is for; for a vote or an attest, with the answer that Tab changes.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::field;
use crate::launch::ballot;
use crate::launch::command::Command;
use crate::launch::event::Vote;
use crate::launch::id::{CriterionId, RoleId};
use crate::launch::plan::Act;
use crate::ui::action::Action;
use crate::ui::state::{Prompt, Purpose, View};
use crate::ui::theme::Role;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

/// How long a waiver of a criterion counts, as Tab goes through them.
pub const LASTS: [(&str, Duration); 5] = [
    ("1 hour", Duration::from_secs(3_600)),
    ("4 hours", Duration::from_secs(4 * 3_600)),
    ("12 hours", Duration::from_secs(12 * 3_600)),
    ("1 day", Duration::from_secs(86_400)),
    ("7 days", Duration::from_secs(7 * 86_400)),
];

/// The answers of a vote, as Tab goes through them.
pub const VOTES: [&str; 3] = ["GO", "NO-GO", "GO WITH WAIVER"];

impl Purpose {
    fn title(&self) -> &'static str {
        match self {
            Self::Note => "Note",
            Self::Hold => "Hold the countdown",
            Self::CutOff => "Cut off",
            Self::Freeze => "Freeze",
            Self::Thaw => "Lift the freeze",
            Self::Scrub => "Scrub",
            Self::Waive(_) => "Waive",
            Self::Attest { .. } => "Attest",
            Self::Vote { .. } => "Vote",
            Self::Sign { .. } => "Sign",
            Self::Judge { .. } => "Judge",
            Self::WaiveCriterion { .. } => "Waive a criterion",
            Self::Filter(_) => "Filter",
            Self::Mark { passed: true, .. } => "Mark done",
            Self::Mark { passed: false, .. } => "Mark failed",
            Self::Repeat(_) => "Repeat",
            Self::TypeItem(_) => "Run",
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
            Self::Scrub => vec!["This attempt at the launch ends here. Why:".into()],
            Self::Waive(item) => vec![title(item), "The gate opens in spite of what was found. Why:".into()],
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
            Self::Filter(pane) => vec![format!("Lines of the {} that hold:", pane.title().to_lowercase())],
            Self::Mark { item, passed: true } => {
                vec![title(item), "It counts as done by your word, and what needs it goes on. How you know:".into()]
            }
            Self::Mark { item, passed: false } => vec![title(item), "It counts as failed. How you know:".into()],
            Self::Repeat(item) => {
                vec![title(item), "It may have happened, and is done once more. Why that is right:".into()]
            }
            Self::TypeItem(item) => vec![title(item), format!("Type {item} to run it:")],
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
            Self::Note if text.is_empty() => return Err("an empty note says nothing".into()),
            Self::Note => Command::Note { text },
            Self::Hold => Command::CallHold { why: reason()? },
            Self::CutOff => Command::CutOff { why: reason()? },
            Self::Freeze => Command::Freeze { why: reason()? },
            Self::Thaw => Command::Thaw { why: reason()? },
            Self::Scrub => Command::Scrub { why: reason()? },
            Self::Waive(item) => Command::Waive { item: item.clone(), reason: reason()? },
            Self::Attest { item, passed } => Command::Attest { item: item.clone(), note: text, passed: *passed },
            Self::Sign { item, role } => {
                let role = self.voter(view, *role).ok_or("nobody signs here")?.clone();
                Command::Sign { item: item.clone(), role, note: text }
            }
            Self::Judge { criterion, met } => Command::Judge { criterion: criterion.clone(), met: *met, note: text },
            Self::WaiveCriterion { criterion, lasts } => {
                let lasts = LASTS.get(*lasts).map_or(LASTS[0].1, |(_, lasts)| *lasts);
                Command::WaiveCriterion { criterion: criterion.clone(), reason: reason()?, lasts }
            }
            Self::Vote { poll, role, vote } => {
                let role = self.voter(view, *role).ok_or("the plan's poll has no roles")?.clone();
                let vote = match vote {
                    0 => Vote::Go,
                    1 => Vote::NoGo { reason: reason()? },
                    _ => Vote::GoWithWaiver { reason: reason()? },
                };
                Command::Vote { poll: poll.clone(), role, vote }
            }
            Self::Mark { item, passed } => Command::MarkStep { item: item.clone(), passed: *passed, reason: reason()? },
            Self::Repeat(item) => Command::Repeat { item: item.clone(), reason: reason()? },
            Self::TypeItem(item) if text == item.as_str() => Command::RunItem { item: item.clone() },
            Self::TypeItem(item) => return Err(format!("that is not {item}")),
            Self::Filter(_) => return Ok(None),
        }))
    }
}

pub fn draw(prompt: &Prompt, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let width = 76.min(area.width);
    let text: Vec<String> =
        prompt.purpose.lines(view).iter().flat_map(|line| wrap(line, usize::from(width.saturating_sub(4)))).collect();
    let choice = choice(&prompt.purpose, view);
    let height = text.len() + usize::from(choice.is_some()) + 5;
    let sheet_area = sheet::middle(area, width, u16::try_from(height).unwrap_or(u16::MAX));
    let inner = sheet::sheet(sheet_area, prompt.purpose.title(), "", Role::Focus, view.theme, buf);
    let mut rows: Vec<Row<'_>> =
        text.iter().map(|line| Row::new(view.theme).say(Role::Plain, format!(" {line}"))).collect();
    rows.extend(choice);
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

fn choice<'v>(purpose: &Purpose, view: &View<'v>) -> Option<Row<'v>> {
    let row = Row::new(view.theme);
    let change = format!("{} changes it", view.keymap.label(Action::Choice).unwrap_or_default());
    match purpose {
        Purpose::Attest { passed, .. } => {
            let (role, word) = if *passed { (Role::Passed, "it holds") } else { (Role::Failed, "it does NOT hold") };
            Some(row.say(role, format!(" {word}")).right(Role::Muted, format!("{change} ")))
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
            Some(row.say(role, format!(" {word}")).right(Role::Muted, format!("{change} ")))
        }
        Purpose::WaiveCriterion { lasts, .. } => {
            let (word, _) = LASTS.get(*lasts).copied().unwrap_or(LASTS[0]);
            Some(row.say(Role::Warned, format!(" for {word}")).right(Role::Muted, format!("{change} ")))
        }
        Purpose::Sign { role, .. } => {
            let title = purpose.voter(view, *role).and_then(|id| view.plan().role(id));
            let title = title.map_or("", |role| role.title.as_str());
            let other = if view.role.is_none() { "arrows the role " } else { "" };
            Some(row.say(Role::Plain, format!(" {title}: {}", view.operator)).right(Role::Muted, other))
        }
        Purpose::Vote { role, vote, .. } => {
            let title = purpose.voter(view, *role).and_then(|id| view.plan().role(id));
            let title = title.map_or("", |role| role.title.as_str());
            let role = [Role::Passed, Role::Failed, Role::Warned].get(*vote).copied().unwrap_or(Role::Plain);
            let word = VOTES.get(*vote).copied().unwrap_or("");
            let other = if view.role.is_none() { format!("{change}, arrows the role ") } else { format!("{change} ") };
            Some(row.say(Role::Plain, format!(" {title}: ")).say(role, word).right(Role::Muted, other))
        }
        _ => None,
    }
}
