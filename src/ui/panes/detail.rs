//! The selected line in full: what was expected beside what was seen, how it stands, its attempts, its
//! output, its request and response.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::checklist::Line;
use super::monitors::Line as Seen;
use super::standing;
use crate::launch::board::{ItemState, Progress};
use crate::launch::gate;
use crate::launch::id::{ItemId, PhaseId};
use crate::launch::plan::{Act, Class, Confirm, Item};
use crate::launch::recovery::{self, Way};
use crate::launch::slip::wall_of;
use crate::launch::verdict::{Exchange, Finding, Outcome, Report, Verdict};
use crate::launch::{fields, late, recurring};
use crate::ui::action::Action;
use crate::ui::state::{Pane, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::Window;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::{sheet, span};

mod people;
mod process;
mod soak;
mod watched;
mod weight;

/// More lines than this of one item are not shown: the evidence has them.
const LINES_AT_MOST: usize = 2_000;

#[derive(Debug, Clone, Default)]
pub struct State {
    pub window: Window,
    /// It is about what is selected among the monitors and objectives, not in the checklist.
    pub watched: bool,
}

impl State {
    #[must_use]
    pub fn watched() -> Self {
        Self { window: Window::default(), watched: true }
    }
}

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    Item(Option<Line>),
    Watched(Option<Seen>),
}

/// The lines of a page being filled.
struct Page<'v> {
    view: View<'v>,
    width: usize,
    rows: Vec<Row<'v>>,
}

pub fn draw(state: &State, of: &Of, view: &View<'_>, frame: Role, area: Rect, buf: &mut Buffer) {
    let (title, remark) = heading(of, view);
    let inner = sheet::pane(area, &title, &remark, frame, view.theme, buf);
    let rows = page(of, view, usize::from(inner.width));
    let seen = state.window.seen(rows.len(), usize::from(inner.height));
    sheet::window(inner, &seen, rows.len(), frame, view.theme, buf);
    sheet::rows(rows.into_iter().skip(seen.start), inner, buf);
}

/// How many lines there are to tell in so many columns.
#[must_use]
pub fn lines(of: &Of, view: &View<'_>, width: usize) -> usize {
    page(of, view, width).len()
}

/// Everything that is known of a line, as plain text.
#[must_use]
pub fn text(of: &Of, view: &View<'_>) -> String {
    let (title, remark) = heading(of, view);
    let lines = page(of, view, 120).iter().map(|row| row.text().trim_end().to_owned()).collect::<Vec<_>>();
    format!("{title} {remark}\n{}\n", lines.join("\n"))
}

fn heading(of: &Of, view: &View<'_>) -> (String, String) {
    let of = match of {
        Of::Watched(seen) => return watched::heading(seen.as_ref()),
        Of::Item(line) => line.as_ref(),
    };
    match of {
        Some(Line::Phase(id)) => (id.to_string(), String::new()),
        Some(line) => {
            let Some(id) = line.item() else { return (Pane::Detail.title().into(), String::new()) };
            let attempt = view.board().item(id).and_then(|state| state.attempt);
            (id.to_string(), attempt.map(|attempt| format!("attempt {attempt}")).unwrap_or_default())
        }
        None => (Pane::Detail.title().into(), String::new()),
    }
}

fn page<'v>(of: &Of, view: &View<'v>, width: usize) -> Vec<Row<'v>> {
    let mut page = Page { view: *view, width, rows: Vec::new() };
    match of {
        Of::Item(Some(Line::Phase(id))) => page.phase(id),
        Of::Item(Some(Line::Item(id))) => page.item(id, None),
        Of::Item(Some(Line::Row(id, row))) => page.item(id, Some(row)),
        Of::Watched(Some(seen)) => page.watched(seen),
        Of::Item(None) | Of::Watched(None) => page.say(Role::Muted, "nothing selected"),
    }
    if page.rows.len() > LINES_AT_MOST {
        page.rows.truncate(LINES_AT_MOST - 1);
        page.say(Role::Warned, "… and more: the evidence of the launch has all of it");
    }
    page.rows
}

impl<'v> Page<'v> {
    fn row(&self) -> Row<'v> {
        Row::new(self.view.theme)
    }

    fn say(&mut self, role: Role, text: &str) {
        for line in wrap(text, self.width) {
            self.rows.push(self.row().say(role, line));
        }
    }

    /// A text under a name, its further lines indented.
    fn named(&mut self, name: &str, role: Role, text: &str) {
        let indent = name.len() + 1;
        for (at, line) in wrap(text, self.width.saturating_sub(indent)).into_iter().enumerate() {
            let lead = if at == 0 { name } else { "" };
            self.rows.push(self.row().say(Role::Muted, lead).tab(indent).say(role, line));
        }
    }

    fn section(&mut self, title: &str) {
        let rule = self.view.theme.glyphs.rule;
        let rest = self.width.saturating_sub(title.len() + 1);
        self.rows.push(self.row().say(Role::Muted, format!("{title} {}", rule.repeat(rest))));
    }

    /// How it stands, whole, with what it is at the right: on a line of its own where both have no room.
    fn stands(&mut self, sign: &standing::Sign, words: &str, about: &str) {
        let row = self.row().say(sign.role, format!("{} ", sign.glyph));
        let both = row.clone().say(sign.role, words).right(Role::Muted, about);
        if both.whole_width() < self.width {
            return self.rows.push(both);
        }
        let indent = row.width();
        for (at, line) in wrap(words, self.width.saturating_sub(indent)).into_iter().enumerate() {
            let lead = if at == 0 { row.clone() } else { self.row().tab(indent) };
            self.rows.push(lead.say(sign.role, line));
        }
        self.rows.push(self.row().right(Role::Muted, about));
    }

    fn phase(&mut self, id: &PhaseId) {
        let Some(phase) = self.view.plan().phase(id) else { return };
        self.say(Role::Title, &phase.title);
        let sign = standing::phase(&self.view, phase);
        let gate = if phase.gate { "gate" } else { "phase" };
        self.stands(&sign, &sign.words, &format!("{gate} at {}", phase.at));
        if !phase.needs.is_empty() {
            let needs: Vec<&str> = phase.needs.iter().map(PhaseId::as_str).collect();
            self.named("needs", Role::Plain, &needs.join(", "));
        }
        let standing = gate::standing(self.view.board(), phase, self.view.now.instant);
        if !standing.blocking.is_empty() {
            self.section(if phase.gate { "what keeps the gate shut" } else { "not done" });
        }
        for (item, verdict) in &standing.blocking {
            let role = verdict.map_or(Role::Muted, Role::of);
            let glyph = verdict.map_or(self.view.theme.glyphs.waiting, |verdict| self.view.theme.glyph(verdict));
            let word = verdict.map_or("not run", Verdict::word);
            self.rows.push(self.row().say(role, format!("{glyph} ")).say(Role::Plain, item.as_str()).right(role, word));
        }
    }

    fn item(&mut self, id: &ItemId, only: Option<&String>) {
        let (Some(item), Some(state)) = (self.view.plan().item(id), self.view.board().item(id)) else { return };
        self.say(Role::Title, &item.title);
        let sign = standing::item(&self.view, item, state);
        self.stands(&sign, &state_words(&self.view, item, state, &sign.words), &about(item));
        if !item.why.is_empty() {
            self.say(Role::Muted, &item.why);
        }
        if let Some(target) = &item.target {
            self.named("acts on", Role::Warned, &format!("{target}, not {}", self.view.plan().environment));
        }
        self.times(item);
        for field in fields::asked(self.view.plan(), id) {
            match state.fields.get(field) {
                Some(typed) => self.named(field, Role::Plain, typed),
                None => self.named(field, Role::Muted, "typed before it runs"),
            }
        }
        self.branch(item, state);
        self.people(state);
        self.wants_second(item, state);
        match (&state.outcome, self.view.board().processes.get(id)) {
            (_, Some(known)) if state.attempt == Some(known.attempt) => self.process(known),
            (Some(outcome), _) => self.outcome(outcome),
            (None, _) => {}
        }
        self.weight(id, state);
        self.soak(id);
        self.ways(item, state);
        self.playbooks(item);
        let people = super::people::rows(item, &self.view, self.width);
        self.rows.extend(people);
        match &state.report {
            // A person's word is told above.
            Some(_) if state.marked.is_some() || state.chosen.is_some() => {}
            Some(report) => self.report(report, only),
            None => self.expects(item),
        }
        self.output(id);
        self.history(state);
        self.exchanged(state, only);
    }

    /// What was asked and answered. Of several rows one is kept.
    fn exchanged(&mut self, state: &ItemState, only: Option<&String>) {
        let Some(report) = &state.report else { return };
        let Some(exchange) = &report.exchange else { return };
        match (only, report.exchanged_row()) {
            (Some(row), Some(kept)) if row != kept => {
                self.section("request");
                self.say(Role::Muted, &format!("kept is that of {kept} alone"));
            }
            _ => self.exchange(exchange),
        }
    }

    /// How late it is, and when it comes again.
    fn times(&mut self, item: &Item) {
        let (board, now) = (self.view.board(), self.view.now);
        if let Some(late) = late::late(board, item, now.instant) {
            let again = recurring::due_at(board, &item.id);
            let mark = if again.is_some() { String::new() } else { format!("{}, ", item.at) };
            let due = again.or_else(|| board.course.came(item.at, now.instant));
            let at = due.map(|due| self.view.date_with_offset(wall_of(due, now))).unwrap_or_default();
            self.named("late", Role::Warned, &format!("{}: due {mark}{at}", span::seconds(late)));
        }
        if let Some(words) = recurring::words(board, item) {
            let next = recurring::next(board, item, now.instant).filter(|next| *next > now.instant);
            let next = next.map(|next| format!(" · next {}", self.view.date_with_offset(wall_of(next, now))));
            self.named("recurs", Role::Plain, &format!("{words}{}", next.unwrap_or_default()));
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        let simulated = if outcome.simulated { " · simulated, nothing ran" } else { "" };
        self.named("ended", Role::Plain, &format!("{}{simulated}", outcome.words()));
        if !outcome.survivors.is_empty() {
            self.named("still alive", Role::Failed, &format!("processes {:?}", outcome.survivors));
        }
        if outcome.never_ran {
            self.named("never ran", Role::Warned, "no process of it ever began: running it now does it once");
        }
    }

    /// What settles a step of unknown outcome.
    fn ways(&mut self, item: &Item, state: &ItemState) {
        let key = |action: Action| self.view.keymap.label(action).unwrap_or_default();
        let (done, failed, again) = (key(Action::MarkDone), key(Action::MarkFailed), key(Action::RunAgain));
        let never_ran = state.outcome.as_ref().is_some_and(|outcome| outcome.never_ran);
        if let Some(why) = &state.undone {
            self.named("unproven", Role::Warned, why);
            let text = format!("{again} runs it again; or look by hand: {done} marks it done, {failed} failed");
            return self.named("to do", Role::Focus, &text);
        }
        let text = match recovery::way(item, state) {
            Some(Way::Key) if never_ran => format!("{again} runs it"),
            Some(Way::Key) => format!("{again} repeats it; or look by hand: {done} marks it done, {failed} failed"),
            Some(Way::Word) => format!(
                "it may have happened: look by hand, then {done} marks it done, {failed} failed, {again} repeats it; each \
                 with a reason"
            ),
            None => return,
        };
        self.named("to do", Role::Focus, &text);
    }

    fn expects(&mut self, item: &Item) {
        if item.expects.is_empty() {
            return;
        }
        self.section("expected");
        for expected in &item.expects {
            let lines = wrap(expected, self.width.saturating_sub(2));
            for (at, line) in lines.into_iter().enumerate() {
                let glyph = if at == 0 { self.view.theme.glyphs.waiting } else { " " };
                self.rows.push(self.row().say(Role::Muted, format!("{glyph} ")).say(Role::Plain, line));
            }
        }
    }

    fn report(&mut self, report: &Report, only: Option<&String>) {
        // A row speaks for itself.
        let of_row = only.map(|row| {
            let own = report.findings.iter().filter(|finding| finding.row.as_ref() == Some(row)).cloned();
            Report::of(own.collect(), report.took)
        });
        let report = of_row.as_ref().unwrap_or(report);
        if report.verdict != Verdict::Pass || report.findings.is_empty() {
            self.say(Role::of(report.verdict), &report.summary);
        }
        if report.findings.is_empty() {
            return;
        }
        let half = self.width / 2;
        self.rows.push(self.row().say(Role::Muted, "  expected").tab(half).say(Role::Muted, "seen"));
        let mut row: Option<&String> = None;
        for finding in &report.findings {
            if finding.row.is_some() && finding.row.as_ref() != row {
                row = finding.row.as_ref();
                let name = row.cloned().unwrap_or_default();
                self.section(&name);
            }
            self.finding(finding, half);
        }
    }

    /// One line where it fits; else the subject, and under it what was expected beside what was seen, whole.
    fn finding(&mut self, finding: &Finding, half: usize) {
        let role = Role::of(finding.verdict);
        let seen = if finding.verdict == Verdict::Pass { Role::Plain } else { role };
        let sign = self.row().say(role, format!("{} ", self.view.theme.glyph(finding.verdict)));
        let short = sign.clone().say(Role::Plain, format!("{} {}", finding.subject, finding.expected));
        let right = wrap(&finding.seen, self.width.saturating_sub(half));
        if short.width() < half && right.len() <= 1 {
            self.rows.push(short.tab(half).say(seen, &finding.seen));
            return;
        }
        self.rows.push(sign.say(Role::Plain, &finding.subject));
        let left = wrap(&finding.expected, half.saturating_sub(3));
        let line = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
        for at in 0..left.len().max(right.len()) {
            let row = self.row().say(Role::Muted, "  ").say(Role::Muted, line(&left, at)).tab(half);
            self.rows.push(row.say(seen, line(&right, at)));
        }
    }

    fn output(&mut self, id: &ItemId) {
        let Some(output) = self.view.live().outputs.get(id) else { return };
        self.section(&format!("output, {} bytes", output.bytes));
        for line in &output.tail {
            self.rows.push(self.row().say(Role::Plain, line));
        }
    }

    fn history(&mut self, state: &ItemState) {
        if state.history.len() < 2 {
            return;
        }
        let tries = state.history.iter().map(|(attempt, verdict)| format!("{attempt} {verdict}"));
        self.named("attempts", Role::Plain, &tries.collect::<Vec<_>>().join(", "));
    }

    fn exchange(&mut self, exchange: &Exchange) {
        self.section("request");
        self.say(Role::Plain, &exchange.request);
        self.headers(&exchange.request_headers);
        self.body(&exchange.request_body);
        self.section("response");
        self.say(Role::Plain, &exchange.response);
        self.headers(&exchange.response_headers);
        self.body(&exchange.response_body);
        if exchange.body_cut {
            self.say(Role::Muted, "the body goes on; the evidence has more");
        }
    }

    fn headers(&mut self, headers: &[(String, String)]) {
        for (name, value) in headers {
            let row = self.row().say(Role::Muted, format!("{name}: ")).say(Role::Plain, value);
            self.rows.push(row);
        }
    }

    fn body(&mut self, body: &str) {
        for line in body.lines() {
            for part in wrap(line, self.width) {
                self.rows.push(self.row().say(Role::Plain, part));
            }
        }
    }
}

fn about(item: &Item) -> String {
    match &item.act {
        Act::Step { class, confirm, .. } => {
            let class = Class::WORDS.iter().find(|(_, known)| known == class).map_or("", |(word, _)| word);
            let typed = if *confirm == Confirm::Type { ", typed" } else { "" };
            format!("{} · {class}{typed}", item.kind)
        }
        Act::Manual { role: Some(role), .. } | Act::Choice { role: Some(role), .. } => {
            format!("{} · {role}", item.kind)
        }
        _ => item.kind.to_owned(),
    }
}

fn state_words(view: &View<'_>, item: &Item, state: &ItemState, words: &str) -> String {
    match &state.progress {
        Progress::Ended { .. } if state.marked.is_none() && state.chosen.is_none() => {
            let verdict = state.verdict(item.valid_for, view.now.instant).unwrap_or(Verdict::Unknown);
            let took = standing::took(state).map(|took| format!(" in {}", span::words(took))).unwrap_or_default();
            let retried = state.retried().map(|retried| format!(" {retried}")).unwrap_or_default();
            format!("{verdict}{took}{retried}")
        }
        _ => words.to_owned(),
    }
}
