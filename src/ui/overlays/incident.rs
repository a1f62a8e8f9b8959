//! The dialogs of incidents: one is opened in three answers (what is wrong, how bad, who noticed), and one
//! key opens a small menu of all that can be said of it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_input::Input;

use super::{answers, field};
use crate::base::text::{cut, printable};
use crate::launch::board::Progress;
use crate::launch::command::Command;
use crate::launch::id::SeverityId;
use crate::launch::incident::{Change, Incident, Stage, calls, find};
use crate::launch::verdict::Verdict;
use crate::ui::panes::monitors::Line;
use crate::ui::state::{Effect, Overlay, Pane, State, View};
use crate::ui::theme::Role;
use crate::ui::update::selected;
use crate::ui::widgets::list::{Step, around};
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

/// Columns of a title that was made from what is red.
const PREFILLED: usize = 160;
const WIDTH: u16 = 76;

/// Which question is asked.
#[derive(Debug, Clone)]
pub enum Dialog {
    /// What is wrong.
    Title {
        input: Input,
        wrong: Option<String>,
    },
    /// How bad it is: of one that is being opened, or of one that is there.
    Severity {
        of: Of,
        selected: usize,
    },
    /// Who noticed.
    Noticed {
        title: String,
        severity: Option<SeverityId>,
        input: Input,
        wrong: Option<String>,
    },
    Menu {
        incident: u32,
        selected: usize,
    },
    Stage {
        incident: u32,
        selected: usize,
    },
    Text {
        incident: u32,
        field: Field,
        input: Input,
        wrong: Option<String>,
    },
}

#[derive(Debug, Clone)]
pub enum Of {
    New { title: String },
    Known(u32),
}

/// What is said in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Commander,
    Impact,
    Mitigation,
    FollowUp,
    Relapse,
    Note,
}

/// The lines of the menu.
const MENU: [&str; 8] =
    ["severity", "commander", "impact", "mitigation", "follow-up", "stage", "note", "acknowledge the ring"];

impl Dialog {
    pub fn input(&mut self) -> Option<&mut Input> {
        match self {
            Self::Title { input, .. } | Self::Noticed { input, .. } | Self::Text { input, .. } => Some(input),
            _ => None,
        }
    }

    /// Something was typed: what was wrong is being put right.
    pub fn typed(&mut self) {
        if let Self::Title { wrong, .. } | Self::Noticed { wrong, .. } | Self::Text { wrong, .. } = self {
            *wrong = None;
        }
    }

    fn lines(&self, view: &View<'_>) -> usize {
        match self {
            Self::Severity { of: Of::New { .. }, .. } => view.plan().severities.len() + 1,
            Self::Severity { .. } => view.plan().severities.len(),
            Self::Menu { .. } => MENU.len(),
            Self::Stage { .. } => Stage::WORDS.len(),
            _ => 0,
        }
    }

    fn selection(&mut self) -> Option<&mut usize> {
        match self {
            Self::Severity { selected, .. } | Self::Menu { selected, .. } | Self::Stage { selected, .. } => {
                Some(selected)
            }
            _ => None,
        }
    }

    pub fn step(&mut self, step: Step, page: usize, view: &View<'_>) {
        let lines = self.lines(view);
        if let Some(selected) = self.selection() {
            *selected = step.from(*selected, lines, page);
        }
    }

    /// Selects the line whose number was pressed; true where there is one.
    pub fn choose(&mut self, key: char, view: &View<'_>) -> bool {
        let lines = self.lines(view);
        let at = key.to_digit(10).and_then(|digit| usize::try_from(digit).ok()?.checked_sub(1));
        match (at.filter(|at| *at < lines), self.selection()) {
            (Some(at), Some(selected)) => {
                *selected = at;
                true
            }
            _ => false,
        }
    }
}

/// The first question, with what is selected and red for an answer.
#[must_use]
pub fn opened(state: &State, view: &View<'_>) -> Overlay {
    let title = red(state, view).map(|words| cut(&printable(&words), PREFILLED)).unwrap_or_default();
    Overlay::Incident(Dialog::Title { input: Input::new(title), wrong: None })
}

/// The selected item or the first monitor in sight, where it is red.
fn red(state: &State, view: &View<'_>) -> Option<String> {
    let bad = |verdict: Verdict| matches!(verdict, Verdict::Fail | Verdict::Unknown | Verdict::Stale);
    match state.focus {
        Pane::Monitors => {
            let seen = view.plan().monitors.iter();
            let known = |monitor: &crate::launch::plan::Monitor| view.board().monitors.get(&monitor.id);
            let mut red = seen.filter_map(|monitor| Some((monitor, known(monitor)?)));
            let (monitor, change) = match state.monitors.selected(view) {
                Some(Line::Monitor(id)) => red.clone().find(|(monitor, _)| monitor.id == id),
                Some(Line::Objective(id)) => {
                    let known = view.board().objectives.get(&id).filter(|known| bad(known.verdict))?;
                    return Some(format!("objective {id} {}: {}", known.verdict, known.why));
                }
                _ => None,
            }
            .filter(|(_, change)| bad(change.verdict))
            .or_else(|| red.find(|(_, change)| bad(change.verdict)))?;
            Some(format!("{} {}: {}", monitor.title, change.verdict, change.why))
        }
        Pane::Checklist | Pane::Detail => {
            let (item, known) = selected(state, view)?;
            let Progress::Ended { verdict, .. } = known.progress else { return None };
            let seen = known.report.as_ref().map(|report| report.summary.clone());
            let seen = seen.or_else(|| known.outcome.as_ref().map(|outcome| outcome.words())).unwrap_or_default();
            bad(verdict).then(|| format!("{} {verdict}: {seen}", item.id))
        }
        _ => None,
    }
}

/// The menu of the selected incident.
#[must_use]
pub fn menu(state: &State, view: &View<'_>) -> Option<Overlay> {
    let known = state.incidents.selected(view)?;
    Some(Overlay::Incident(Dialog::Menu { incident: known.number, selected: 0 }))
}

/// Takes on what rings, the worst first; none where nothing does.
#[must_use]
pub fn acknowledged(view: &View<'_>) -> Option<(u32, Effect)> {
    let number = calls(view.board(), view.now.instant).first()?.number;
    Some((number, change(number, Change::Acknowledged)))
}

fn change(incident: u32, change: Change) -> Effect {
    Effect::Ask(Command::ChangeIncident { incident, change })
}

/// What becomes of an answer: the next question, or a command.
pub fn confirm(state: &mut State, dialog: Dialog, view: &View<'_>) -> Option<Effect> {
    match dialog {
        Dialog::Title { input, .. } => {
            let title = input.value().trim().to_owned();
            let next = if title.is_empty() {
                Dialog::Title { input, wrong: Some("say what is wrong".into()) }
            } else {
                Dialog::Severity { of: Of::New { title }, selected: 0 }
            };
            ask(state, next)
        }
        Dialog::Severity { of, selected } => {
            let severity = view.plan().severities.get(selected).map(|known| known.id.clone());
            match of {
                Of::New { title } => {
                    let input = Input::new(view.operator.to_owned());
                    ask(state, Dialog::Noticed { title, severity, input, wrong: None })
                }
                Of::Known(incident) => Some(change(incident, Change::Severity(severity?))),
            }
        }
        Dialog::Noticed { title, severity, input, .. } => {
            let detected_by = input.value().trim().to_owned();
            if detected_by.is_empty() {
                let wrong = Some("say who or what noticed it".into());
                return ask(state, Dialog::Noticed { title, severity, input, wrong });
            }
            let last = view.board().incidents.iter().map(|known| known.number).max().unwrap_or(0);
            state.incidents.select(last.saturating_add(1));
            state.focus(Pane::Incidents);
            Some(Effect::Ask(Command::OpenIncident { title, severity, detected_by }))
        }
        Dialog::Menu { incident, selected } => choose(state, incident, selected, view),
        Dialog::Stage { incident, selected } => {
            let (_, stage) = Stage::WORDS.get(selected).copied()?;
            let was = find(view.board(), incident).map(|known| known.stage);
            if stage == Stage::Active && was != Some(Stage::Active) {
                return ask(state, text(incident, Field::Relapse, ""));
            }
            Some(change(incident, Change::Stage(stage)))
        }
        Dialog::Text { incident, field, input, .. } => {
            let words = input.value().trim().to_owned();
            if words.is_empty() {
                let wrong = Some("it cannot be empty".into());
                return ask(state, Dialog::Text { incident, field, input, wrong });
            }
            Some(change(incident, field.change(words)))
        }
    }
}

fn ask(state: &mut State, dialog: Dialog) -> Option<Effect> {
    state.overlay = Some(Overlay::Incident(dialog));
    None
}

fn text(incident: u32, field: Field, known: &str) -> Dialog {
    Dialog::Text { incident, field, input: Input::new(known.to_owned()), wrong: None }
}

fn choose(state: &mut State, incident: u32, selected: usize, view: &View<'_>) -> Option<Effect> {
    let known = find(view.board(), incident)?;
    let plan = view.plan();
    let severity = known.severity(plan).and_then(|is| plan.severities.iter().position(|other| other.id == is.id));
    let own = || known.commander.clone().unwrap_or_else(|| view.operator.to_owned());
    let next = match selected {
        0 => Dialog::Severity { of: Of::Known(incident), selected: severity.unwrap_or(0) },
        1 => text(incident, Field::Commander, &own()),
        2 => text(incident, Field::Impact, known.impact.as_deref().unwrap_or("")),
        3 => text(incident, Field::Mitigation, ""),
        4 => text(incident, Field::FollowUp, ""),
        5 => {
            // The next stage is what is wanted most of the time.
            let at = Stage::WORDS.iter().position(|(_, stage)| *stage == known.stage).unwrap_or(0);
            Dialog::Stage { incident, selected: (at + 1) % Stage::WORDS.len() }
        }
        6 => text(incident, Field::Note, ""),
        _ => return Some(change(incident, Change::Acknowledged)),
    };
    ask(state, next)
}

impl Field {
    fn change(self, words: String) -> Change {
        match self {
            Self::Commander => Change::Commander(words),
            Self::Impact => Change::Impact(words),
            Self::Mitigation => Change::Mitigation(words),
            Self::FollowUp => Change::FollowUp(words),
            Self::Relapse => Change::Relapsed(words),
            Self::Note => Change::Note(words),
        }
    }

    fn asks(self) -> &'static str {
        match self {
            Self::Commander => "Who commands it:",
            Self::Impact => "Whom it hits, and how:",
            Self::Mitigation => "What was decided against it:",
            Self::FollowUp => "The id of the issue that tracks what is left:",
            Self::Relapse => "It becomes active again, and its ladder begins anew if it was resolved. Why:",
            Self::Note => "What happened, for its timeline:",
        }
    }
}

pub fn draw(dialog: &Dialog, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    match dialog {
        Dialog::Title { input, wrong } => {
            question("Incident", &["What is wrong:".into()], input, wrong.as_deref(), view, area, buf)
        }
        Dialog::Noticed { title, input, wrong, .. } => {
            let lines = [printable(title), "Who or what noticed it:".into()];
            question("Incident", &lines, input, wrong.as_deref(), view, area, buf)
        }
        Dialog::Text { incident, field, input, wrong } => {
            let title = find(view.board(), *incident).map(|known| printable(&known.title)).unwrap_or_default();
            let name = format!("Incident {incident}");
            question(&name, &[title, field.asks().into()], input, wrong.as_deref(), view, area, buf)
        }
        Dialog::Severity { of, selected } => {
            severities(of, *selected, view, area, buf);
            None
        }
        Dialog::Menu { incident, selected } => {
            let known = find(view.board(), *incident)?;
            let lines: Vec<String> =
                MENU.iter().zip(values(known)).map(|(word, value)| format!("{word:<22}{value}")).collect();
            list(&format!("Incident {incident}"), &lines, *selected, view, area, buf);
            None
        }
        Dialog::Stage { incident, selected } => {
            let lines = Stage::WORDS.map(|(word, _)| word.to_owned());
            list(&format!("Incident {incident}: stage"), &lines, *selected, view, area, buf);
            None
        }
    }
}

/// What is known already, in the order of the menu.
fn values(known: &Incident) -> [String; 8] {
    let severity = known.severity.as_ref().map(ToString::to_string).unwrap_or_default();
    let text = |words: Option<&String>| words.map(|words| cut(&printable(words), 40)).unwrap_or_default();
    let rings = known.unanswered().last().map(|rung| rung.due.word().to_owned()).unwrap_or_default();
    [
        severity,
        text(known.commander.as_ref()),
        text(known.impact.as_ref()),
        text(known.mitigations.last()),
        text(known.follow_ups.last()),
        known.stage.word().to_owned(),
        String::new(),
        rings,
    ]
}

fn severities(of: &Of, selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let plan = view.plan();
    let mut lines: Vec<String> =
        plan.severities.iter().map(|known| format!("{} {}: {}", known.id.as_str(), known.title, known.guide)).collect();
    if matches!(of, Of::New { .. }) {
        lines.push("not known yet: triage decides".into());
    }
    let title = match of {
        Of::New { title } => format!("How bad is it: {}", cut(&printable(title), 40)),
        Of::Known(incident) => format!("Incident {incident}: how bad is it"),
    };
    list(&title, &lines, selected, view, area, buf);
}

fn list(title: &str, lines: &[String], selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let width = usize::from(WIDTH.min(area.width)).saturating_sub(6);
    // The guide is read in full where there is room for it.
    let texts: Vec<Vec<String>> = lines.iter().map(|line| wrapped(line, width)).collect();
    let tall: usize = texts.iter().map(Vec::len).sum();
    let whole = tall + 4 <= usize::from(area.height);
    let height = if whole { tall } else { lines.len() };
    let sheet_area = sheet::middle(area, WIDTH, u16::try_from(height + 4).unwrap_or(u16::MAX));
    let inner = sheet::sheet(sheet_area, title, "", Role::Focus, view.theme, buf);
    let room = usize::from(inner.height).saturating_sub(2);
    let seen = if whole { 0..lines.len() } else { around(0, selected, lines.len(), room) };
    sheet::window(inner, &seen, lines.len(), Role::Focus, view.theme, buf);
    let mut rows = Vec::new();
    for at in seen {
        let shown = if whole { &texts[at][..] } else { &texts[at][..1.min(texts[at].len())] };
        for (line, words) in shown.iter().enumerate() {
            let key = if line == 0 && at < 9 { format!(" {} ", at + 1) } else { "   ".into() };
            let row = Row::new(view.theme).say(Role::Focus, key).say(Role::Plain, words);
            rows.push(if at == selected { row.over(view.theme.selected(true)) } else { row });
        }
    }
    rows.push(Row::new(view.theme));
    rows.push(answers(view, "choose", "leave it"));
    sheet::rows(rows, inner, buf);
}

/// As [`wrap`], keeping the column of what was put there.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    if line.chars().count() <= width { vec![line.to_owned()] } else { wrap(line, width) }
}

fn question(
    title: &str,
    lines: &[String],
    input: &Input,
    wrong: Option<&str>,
    view: &View<'_>,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let width = usize::from(WIDTH.min(area.width)).saturating_sub(4);
    let text: Vec<String> = lines.iter().flat_map(|line| wrap(&cut(line, width * 3), width)).collect();
    let height = u16::try_from(text.len() + 5).unwrap_or(u16::MAX);
    let inner = sheet::sheet(sheet::middle(area, WIDTH, height), title, "", Role::Focus, view.theme, buf);
    let at = u16::try_from(text.len()).unwrap_or(0);
    let said = |line: &String| Row::new(view.theme).say(Role::Plain, format!(" {line}"));
    let mut rows: Vec<Row<'_>> = text.iter().map(said).collect();
    rows.push(Row::new(view.theme));
    rows.push(Row::new(view.theme).say(Role::Failed, wrong.map(|wrong| format!(" {wrong}")).unwrap_or_default()));
    rows.push(answers(view, "go on", "leave it"));
    sheet::rows(rows, inner, buf);
    let line = Rect { x: inner.x + 1, y: inner.y + at, width: inner.width.saturating_sub(2), height: 1 };
    field(input, "> ", view, line.intersection(inner), buf)
}
