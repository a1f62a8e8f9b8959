//! The poll and the criteria: the roles in their order with their votes, the typed criteria with what the
//! machine says of each, and what blocks GO in plain words. No vote hides a verdict, no void vote hides that
//! it was cast.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};

use super::checklist;
use crate::launch::ballot::{self, Ballot};
use crate::launch::criteria::{self, Sight, Standing};
use crate::launch::event::Vote;
use crate::launch::id::{ItemId, RoleId};
use crate::launch::people::called;
use crate::launch::plan::{Act, Criterion, DecidedBy};
use crate::launch::poll::{self, Tally};
use crate::launch::why::About;
use crate::ui::action::Action;
use crate::ui::state::{Pane, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::{self, Step};
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

/// From this width on the criteria stand beside the votes.
const BESIDE: u16 = 84;

#[derive(Debug, Clone, Default)]
pub struct State {
    /// Which entry is selected, from the top.
    pub selected: usize,
}

/// What stands in the pane, a line or more each.
enum Entry<'a> {
    Voter(&'a RoleId),
    Asked(&'a RoleId),
    Criterion(&'a Criterion, Standing),
    /// With the role and the sign it is told in.
    Words(Role, &'static str, String),
}

impl State {
    pub fn step(&mut self, step: Step, page: usize, checklist: &checklist::State, view: &View<'_>) {
        let poll = shown(checklist, view);
        self.selected = step.from(self.selected, entries(view, poll.as_ref()).len(), page);
    }

    /// Selects what stands at a place of `inner`.
    pub fn select_at(&mut self, inner: Rect, at: Position, checklist: &checklist::State, view: &View<'_>) {
        let poll = shown(checklist, view);
        let tally = poll::tally_of(view.board(), poll.as_ref(), view.now.instant);
        let entries = told(view, poll.as_ref(), &tally);
        let place = self.place(&entries, poll.as_ref(), &tally, true);
        for (which, area) in columns(&entries, inner) {
            let line = usize::from(at.y.saturating_sub(area.y));
            let (rows, above) = rows(&entries, &which, &place, view, area);
            let told = rows.into_iter().nth(above + line).filter(|_| area.contains(at));
            if let Some((entry, _)) = told {
                self.selected = entry;
            }
        }
    }

    fn place<'p>(&self, entries: &[Entry<'_>], poll: Option<&'p ItemId>, tally: &Tally, focused: bool) -> Place<'p> {
        // Keys are for criteria alone: where there are none, nothing is marked.
        let marked = (tally.criteria > 0).then_some(focused);
        Place { poll, selected: self.selected.min(entries.len().saturating_sub(1)), marked }
    }

    /// The criterion that the keys are for.
    #[must_use]
    pub fn criterion<'v>(&self, checklist: &checklist::State, view: &View<'v>) -> Option<&'v Criterion> {
        let poll = shown(checklist, view);
        match entries(view, poll.as_ref()).get(self.selected) {
            Some(Entry::Criterion(criterion, _)) => Some(criterion),
            _ => None,
        }
    }
}

/// The poll that is shown, and that a vote is for: the selected item where it is one, else the first that takes
/// votes, else the plan's own (none).
#[must_use]
pub fn shown(checklist: &checklist::State, view: &View<'_>) -> Option<ItemId> {
    let is_poll = |id: &ItemId| view.plan().item(id).is_some_and(|item| matches!(item.act, Act::Poll { .. }));
    let selected = checklist.selected(view).and_then(|line| line.item().cloned()).filter(is_poll);
    let open = || ballot::open(view.board(), view.now.instant).next().flatten().cloned();
    selected.or_else(open)
}

/// Where a criterion or a role stands in the pane.
#[must_use]
pub fn place(checklist: &checklist::State, view: &View<'_>, about: &About) -> Option<usize> {
    let poll = shown(checklist, view);
    entries(view, poll.as_ref()).iter().position(|entry| match (entry, about) {
        (Entry::Criterion(criterion, _), About::Criterion(id)) => criterion.id == *id,
        (Entry::Voter(role), About::Role(id)) => *role == id,
        _ => false,
    })
}

/// The first criterion that waits for a person's word.
#[must_use]
pub fn first_open<'v>(checklist: &checklist::State, view: &View<'v>) -> Option<&'v Criterion> {
    let poll = shown(checklist, view);
    entries(view, poll.as_ref()).into_iter().find_map(|entry| match entry {
        Entry::Criterion(criterion, standing) => {
            let person = matches!(criterion.by, DecidedBy::Person { .. });
            (person && standing.sight() == Sight::Open).then_some(criterion)
        }
        _ => None,
    })
}

pub fn draw(state: &State, checklist: &checklist::State, view: &View<'_>, frame: Role, area: Rect, buf: &mut Buffer) {
    let poll = shown(checklist, view);
    let tally = poll::tally_of(view.board(), poll.as_ref(), view.now.instant);
    let title = match (&poll, tally.criteria) {
        (Some(poll), _) => format!("Poll {poll}"),
        (None, 0) => Pane::Poll.title().to_owned(),
        (None, _) => "Poll, criteria".to_owned(),
    };
    let words = if view.board().seq > 0 { tally.words() } else { "not open yet".to_owned() };
    let inner = sheet::pane(area, &title, &words, frame, view.theme, buf);
    let entries = told(view, poll.as_ref(), &tally);
    let place = state.place(&entries, poll.as_ref(), &tally, frame == Role::Focus);
    let mut beyond = (0, 0);
    for (which, area) in columns(&entries, inner) {
        let (rows, above) = rows(&entries, &which, &place, view, area);
        let below = rows.len().saturating_sub(above + usize::from(area.height));
        beyond = (above.max(beyond.0), below.max(beyond.1));
        sheet::rows(rows.into_iter().skip(above).map(|(_, row)| row), area, buf);
    }
    sheet::beyond(inner, beyond.0, beyond.1, frame, view.theme, buf);
}

/// The entries of each column: the criteria beside the rest where there is room.
fn columns(entries: &[Entry<'_>], inner: Rect) -> Vec<(Vec<usize>, Rect)> {
    let lists: Vec<bool> = entries.iter().map(|entry| matches!(entry, Entry::Criterion(..))).collect();
    match lists.iter().position(|is| *is) {
        Some(first) if inner.width >= BESIDE => {
            let last = first + lists.iter().filter(|is| **is).count();
            let [left, _, right] =
                Layout::horizontal([Constraint::Fill(2), Constraint::Length(2), Constraint::Fill(3)]).areas(inner);
            let indices = |keep: &dyn Fn(usize) -> bool| (0..entries.len()).filter(|at| keep(*at)).collect::<Vec<_>>();
            vec![(indices(&|at| at < first || at >= last), left), (indices(&|at| (first..last).contains(&at)), right)]
        }
        _ => vec![((0..entries.len()).collect(), inner)],
    }
}

/// Where the selection stands, and whether it is shown.
struct Place<'p> {
    poll: Option<&'p ItemId>,
    selected: usize,
    marked: Option<bool>,
}

/// The rows of a column, each with its entry, and how many stand above those that are seen in `area`.
fn rows<'v>(
    entries: &[Entry<'_>],
    which: &[usize],
    place: &Place<'_>,
    view: &View<'v>,
    area: Rect,
) -> (Vec<(usize, Row<'v>)>, usize) {
    let width = usize::from(area.width);
    let mut rows: Vec<(usize, Row<'v>)> = Vec::new();
    let mut selected: Option<Range<usize>> = None;
    for at in which {
        let Some(entry) = entries.get(*at) else { continue };
        let chosen = *at == place.selected;
        let lines = lines(entry, view, place.poll, chosen && place.marked.is_some(), width);
        let from = rows.len();
        let marked = place.marked.filter(|_| chosen);
        rows.extend(lines.into_iter().map(|row| match marked {
            Some(focused) => (*at, row.over(view.theme.selected(focused))),
            None => (*at, row),
        }));
        if chosen {
            selected = Some(from..rows.len());
        }
    }
    let height = usize::from(area.height);
    // The whole of what is selected, its first line above all.
    let selected = selected.unwrap_or(0..1);
    let seen = list::around(0, selected.end.saturating_sub(1), rows.len(), height);
    let seen = list::around(seen.start, selected.start, rows.len(), height);
    (rows, seen.start)
}

fn entries<'v>(view: &View<'v>, poll: Option<&ItemId>) -> Vec<Entry<'v>> {
    told(view, poll, &poll::tally_of(view.board(), poll, view.now.instant))
}

fn told<'v>(view: &View<'v>, poll: Option<&ItemId>, tally: &Tally) -> Vec<Entry<'v>> {
    let (plan, board, now) = (view.plan(), view.board(), view.now.instant);
    let roles = ballot::roles(plan, poll).unwrap_or_default();
    let mut entries: Vec<Entry<'v>> = roles.iter().map(Entry::Voter).collect();
    if tally.criteria > 0 && ballot::open(board, now).any(|open| open == poll) {
        entries.extend(ballot::asked(board, poll).map(Entry::Asked));
    }
    let of = criteria::of_stage(board, ballot::stage(plan, poll), now);
    entries.extend(of.map(|(criterion, standing)| Entry::Criterion(criterion, standing)));
    let glyphs = view.theme.glyphs;
    let warned = tally.marked.iter().chain(&tally.waived);
    entries.extend(warned.map(|words| Entry::Words(Role::Warned, glyphs.warn, words.clone())));
    if roles.is_empty() && tally.criteria == 0 {
        entries.push(Entry::Words(Role::Muted, glyphs.waiting, "the plan has no poll".to_owned()));
    }
    // Before the launch is open nothing has been looked at.
    if tally.is_go() && board.seq > 0 {
        entries.push(Entry::Words(Role::Passed, glyphs.pass, "GO".to_owned()));
    }
    entries.extend(tally.blocking.iter().map(|why| Entry::Words(Role::Failed, glyphs.fail, why.clone())));
    entries
}

fn lines<'v>(entry: &Entry<'_>, view: &View<'v>, poll: Option<&ItemId>, chosen: bool, width: usize) -> Vec<Row<'v>> {
    let row = || Row::new(view.theme);
    match entry {
        Entry::Voter(role) => voter(view, poll, role, width),
        Entry::Asked(role) => {
            let question = ballot::question(view.plan(), role);
            wrap(&question, width).into_iter().map(|line| row().say(Role::Focus, line)).collect()
        }
        Entry::Criterion(criterion, standing) => of_criterion(view, criterion, standing, chosen, width),
        Entry::Words(role, sign, words) => {
            let text = if *role == Role::Failed { Role::Plain } else { *role };
            let lines = wrap(words, width.saturating_sub(2)).into_iter().enumerate();
            lines
                .map(|(at, line)| row().say(*role, format!("{} ", if at == 0 { sign } else { " " })).say(text, line))
                .collect()
        }
    }
}

fn voter<'v>(view: &View<'v>, poll: Option<&ItemId>, role: &RoleId, width: usize) -> Vec<Row<'v>> {
    let title = view.plan().role(role).map_or(role.as_str(), |role| role.title.as_str());
    let board = view.board();
    if let Some(ballot) = ballot::votes(board, poll).get(role) {
        let mut rows = vec![vote(view, title, ballot)];
        if !ballot.by.scripted {
            // Whose word it was, and who wrote it down.
            let by = wrap(&called(view.plan(), &ballot.by), width.saturating_sub(2));
            rows.extend(by.into_iter().map(|line| Row::new(view.theme).say(Role::Muted, format!("  {line}"))));
        }
        return rows;
    }
    let glyphs = view.theme.glyphs;
    let row = || Row::new(view.theme);
    match board.polls.void.get(&(poll.cloned(), role.clone())) {
        Some(void) => {
            // Not every terminal strikes through: neither sign nor colour is that of a vote that counts.
            let was = format!("void {}", word(&void.ballot.vote));
            let said = row().say(Role::Muted, format!("{} ", glyphs.skipped)).say(Role::Muted, title);
            let mut rows = vec![said.right(Role::Muted, was).over(view.theme.struck())];
            let why = format!("VOID: {}", void.why);
            rows.extend(
                wrap(&why, width.saturating_sub(2)).iter().map(|line| row().say(Role::Warned, format!("  {line}"))),
            );
            rows
        }
        None => {
            let said = row().say(Role::Muted, format!("{} ", glyphs.waiting)).say(Role::Plain, title);
            vec![said.right(Role::Muted, "silent")]
        }
    }
}

fn word(vote: &Vote) -> &'static str {
    match vote {
        Vote::Go => "GO",
        Vote::GoWithWaiver { .. } => "GO+WAIVER",
        Vote::NoGo { .. } => "NO-GO",
    }
}

fn vote<'v>(view: &View<'v>, title: &str, ballot: &Ballot) -> Row<'v> {
    let glyphs = view.theme.glyphs;
    let (sign, role) = match &ballot.vote {
        Vote::Go => (glyphs.pass, Role::Passed),
        Vote::GoWithWaiver { .. } => (glyphs.warn, Role::Warned),
        Vote::NoGo { .. } => (glyphs.fail, Role::Failed),
    };
    let stamp = match ballot.by.scripted {
        true => " scripted".to_owned(),
        false => format!(" {}", view.time(ballot.at).get(..5).unwrap_or_default()),
    };
    let row = Row::new(view.theme).say(role, format!("{sign} ")).say(Role::Plain, title);
    row.right(role, word(&ballot.vote)).right(Role::Muted, stamp)
}

/// One line; all of it, with what decides it and the key, where it is selected.
fn of_criterion<'v>(
    view: &View<'v>,
    criterion: &Criterion,
    standing: &Standing,
    chosen: bool,
    width: usize,
) -> Vec<Row<'v>> {
    let glyphs = view.theme.glyphs;
    let (sign, role) = match standing.sight() {
        Sight::Waived => (glyphs.warn, Role::Warned),
        Sight::Open => (glyphs.waiting, Role::Muted),
        _ => standing
            .verdict
            .map_or((glyphs.waiting, Role::Muted), |verdict| (view.theme.glyph(verdict), Role::of(verdict))),
    };
    let key = |action| view.keymap.label(action).unwrap_or_default();
    let person = matches!(criterion.by, DecidedBy::Person { .. });
    let words = match standing.sight() {
        Sight::Open if person => format!("{} judge", key(Action::Judge)),
        _ => standing.words(criterion.no_go).to_owned(),
    };
    let list = if criterion.no_go { "no-go" } else { "go" };
    let row = || Row::new(view.theme);
    let first = row().say(role, format!("{sign} ")).say(Role::Muted, format!("{list} "));
    if !chosen {
        return vec![first.say(Role::Plain, &criterion.text).right(role, words)];
    }
    let mut rows = vec![first.say(Role::Plain, criterion.id.as_str()).right(role, words)];
    let mut say = |role: Role, text: &str| {
        let lines = wrap(text, width.saturating_sub(2));
        rows.extend(lines.iter().map(|line| row().say(role, format!("  {line}"))));
    };
    say(Role::Plain, &criterion.text);
    say(role, &standing.why);
    if let Some(waiver) = &standing.waiver {
        let until = waiver.until.map(|until| {
            let left = until.0 - view.now.instant.0;
            format!(" until {}", view.time_with_offset(view.now.wall + chrono::TimeDelta::milliseconds(left)))
        });
        say(
            Role::Warned,
            &format!("waived by {}{}: {}", called(view.plan(), &waiver.by), until.unwrap_or_default(), waiver.reason),
        );
    }
    rows
}
