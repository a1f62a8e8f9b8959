//! The rollback sheet: choose, confirm, watch. The three endings cannot be mistaken for one another.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{answers, field};
use crate::launch::event::RollbackEnd;
use crate::launch::id::RollbackId;
use crate::launch::plan::{Act, Confirm, Item, Rollback, RollbackStep};
use crate::launch::rollback::{FallbackTold, Light, RollbackRun, StepTold};
use crate::launch::telling::approver;
use crate::launch::verdict::{Outcome, Verdict};
use crate::ui::action::Action;
use crate::ui::approving;
use crate::ui::ready;
use crate::ui::state::{Rolling, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::{self, Window};
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::{sheet, span};

/// Lines of a run that stay in sight: its stopwatch, and its end in big words.
const HEAD: usize = 4;

pub fn draw(rolling: &Rolling, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    match rolling {
        Rolling::Choose { selected } => choose(*selected, view, area, buf),
        Rolling::Confirm { id, typed, wrong, because } => {
            let rollback = view.plan().rollback(id)?;
            return confirm(rollback, typed.as_ref(), *wrong, because.as_deref(), view, area, buf);
        }
        Rolling::Watch { window } => watch(*window, view, area, buf),
    }
    None
}

/// A sheet as high as its rows, and a line more for what is typed.
fn sheet_of<'t>(rows: &[Row<'t>], title: &str, remark: &str, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(3);
    sheet::sheet(sheet::middle(area, 100, height), title, remark, Role::Failed, view.theme, buf)
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn choose(selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut chosen = 0..0;
    if view.plan().rollbacks.is_empty() {
        rows.push(Row::new(view.theme).say(Role::Warned, " the plan has no rollback"));
    }
    for (at, rollback) in view.plan().rollbacks.iter().enumerate() {
        let steps = format!(
            "{}, {}, within {} ",
            counted(rollback.steps.len(), "step"),
            counted(rollback.verify.len(), "check"),
            span::short(rollback.deadline)
        );
        let row =
            Row::new(view.theme).say(Role::Title, format!(" {}  ", rollback.key)).say(Role::Plain, &rollback.title);
        let row = row.right(Role::Muted, steps);
        let from = rows.len();
        rows.push(if at == selected { row.over(view.theme.selected(true)) } else { row });
        rows.extend(light(rollback, view, 1));
        if at == selected {
            chosen = from..rows.len();
        }
    }
    for run in view.board().rollbacks.iter().rev().take(3) {
        let end = run.end.as_ref().map_or("running", RollbackEnd::words);
        rows.push(Row::new(view.theme).say(Role::Muted, format!("    run {} of {}: {end}", run.run, run.id)));
    }
    let foot = [Row::new(view.theme), answers(view, "choose", "close")];
    let height = u16::try_from(rows.len() + foot.len()).unwrap_or(u16::MAX).saturating_add(3);
    let place = sheet::middle(area, 100, height);
    let inner = sheet::sheet(place, "ROLLBACK: choose", "its key, or Enter", Role::Failed, view.theme, buf);
    // The keys below are always seen, and so is what is selected: its title above all.
    let room = usize::from(inner.height).saturating_sub(foot.len());
    let seen = list::around(0, chosen.end.saturating_sub(1), rows.len(), room);
    let seen = list::around(seen.start, chosen.start, rows.len(), room);
    sheet::window(inner, &seen, rows.len(), Role::Failed, view.theme, buf);
    sheet::rows(rows.drain(seen).chain(foot), inner, buf);
}

/// How ready it is, in words: why not, at most `most` reasons. Nothing where the plan does not ask.
fn light<'v>(rollback: &Rollback, view: &View<'v>, most: usize) -> Vec<Row<'v>> {
    let told = ready::of(view, rollback);
    let (glyph, role) = ready::sign(view, told.light);
    let row = |text: String| Row::new(view.theme).say(role, text);
    let words = match told.light {
        Light::Unasked => return Vec::new(),
        Light::Ready => return vec![row(format!("    {glyph} ready"))],
        Light::Unknown => "not known to be ready",
        Light::NotReady => "NOT READY",
    };
    let more = told.why.len().saturating_sub(most);
    let more = (more > 0).then(|| row(format!("      and {more} more")));
    let mut why = told.why.into_iter().take(most);
    let first = why.next().map(|first| format!(": {first}")).unwrap_or_default();
    let rest = why.map(|why| row(format!("      {why}")));
    std::iter::once(row(format!("    {glyph} {words}{first}"))).chain(rest).chain(more).collect()
}

fn confirm(
    rollback: &Rollback,
    typed: Option<&tui_input::Input>,
    wrong: bool,
    because: Option<&str>,
    view: &View<'_>,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let title = format!("ROLLBACK {}: start it?", rollback.id);
    let theme = view.theme;
    let mut rows = vec![
        Row::new(theme).say(Role::Title, format!(" {}", rollback.title)),
        Row::new(theme).say(Role::Plain, format!(" within {}", span::short(rollback.deadline))),
    ];
    let width = usize::from(area.width.min(100)).saturating_sub(4);
    rows.extend(
        because
            .map(|why| wrap(why, width))
            .into_iter()
            .flatten()
            .take(2)
            .map(|line| Row::new(theme).say(Role::Failed, format!(" {line}"))),
    );
    // It warns, and stands in nobody's way.
    rows.extend(light(rollback, view, 3));
    for (at, step) in rollback.steps.iter().enumerate() {
        let row = Row::new(theme).say(Role::Muted, format!("  {}. ", at + 1)).say(Role::Plain, &step.title);
        rows.push(match &step.needs_approval {
            Some(role) => row.right(Role::Held, format!("waits for another person, as {role} ")),
            None => row,
        });
    }
    for verify in &rollback.verify {
        rows.push(Row::new(theme).say(Role::Muted, "  then verify: ").say(Role::Plain, &verify.title));
    }
    if ready::of(view, rollback).light == Light::Unasked {
        rows.push(Row::new(theme).say(Role::Muted, "  the plan has no ready checks for it"));
    }
    // The answer must be seen however long the list of steps is.
    let room = usize::from(area.height).saturating_sub(6);
    if rows.len() > room {
        let hidden = rows.len() - room.saturating_sub(1);
        rows.truncate(room.saturating_sub(1));
        rows.push(Row::new(theme).say(Role::Warned, format!("  … and {hidden} lines more: tminus check tells them")));
    }
    rows.push(Row::new(theme));
    let Some(typed) = typed else {
        rows.push(answers(view, "START IT", "no"));
        let inner = sheet_of(&rows, &title, "", view, area, buf);
        sheet::rows(rows, inner, buf);
        return None;
    };
    rows.push(
        Row::new(theme)
            .say(if wrong { Role::Failed } else { Role::Plain }, format!(" type {} and press Enter", rollback.id)),
    );
    let at = u16::try_from(rows.len()).unwrap_or(0);
    let inner = sheet_of(&rows, &title, "", view, area, buf);
    sheet::rows(rows, inner, buf);
    let line = Rect { x: inner.x + 1, y: inner.y + at, width: inner.width.saturating_sub(2), height: 1 };
    field(typed, "> ", view, line.intersection(inner), buf)
}

fn watch(window: Window, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let Some(run) = view.board().last_rollback() else {
        let replayed = view.replayed().is_some();
        let inner = sheet::sheet(area, "ROLLBACK", "", Role::Failed, view.theme, buf);
        sheet::rows(
            [Row::new(view.theme).say(
                Role::Warned,
                if replayed { " none so far" } else { " asked for; the engine has not begun it yet" },
            )],
            inner,
            buf,
        );
        return;
    };
    let title = format!("ROLLBACK {} · run {}", run.id, run.run);
    let frame = if run.end == Some(RollbackEnd::Verified) { Role::Passed } else { Role::Failed };
    let approves = view.keymap.label(Action::Approve).filter(|_| run.waits().next().is_some());
    let approves = approves.map(|key| format!("{key} approves · ")).unwrap_or_default();
    let remark = format!("{approves}Esc closes{}", if run.end.is_none() { ", it goes on" } else { "" });
    let [head, body] = told(view, run, area);
    let height = u16::try_from(head.len() + body.len() + 2).unwrap_or(u16::MAX);
    let inner = sheet::sheet(sheet::middle(area, 100, height), &title, &remark, frame, view.theme, buf);
    let head_height = u16::try_from(head.len()).unwrap_or(u16::MAX).min(inner.height);
    sheet::rows(head, Rect { height: head_height, ..inner }, buf);
    let below = Rect { y: inner.y + head_height, height: inner.height - head_height, ..inner };
    let seen = window.seen(body.len(), usize::from(below.height));
    sheet::window(inner, &seen, body.len(), frame, view.theme, buf);
    sheet::rows(body.into_iter().skip(seen.start), below, buf);
}

/// What stays in sight of a run, and what scrolls below it.
fn told<'v>(view: &View<'v>, run: &RollbackRun, area: Rect) -> [Vec<Row<'v>>; 2] {
    let width = usize::from(area.width.min(100).saturating_sub(2));
    let mut head = vec![stopwatch(view, run)];
    head.extend(ending(view, run, width));
    // Of what is to be done by hand every line can be read.
    let mut body = if head.len() > HEAD { head.split_off(HEAD) } else { Vec::new() };
    body.extend(steps(view, run, width));
    [head, body]
}

/// How many lines scroll in `area`, and how many of them are seen.
#[must_use]
pub fn lines(view: &View<'_>, area: Rect) -> (usize, usize) {
    let Some(run) = view.board().last_rollback() else { return (0, 0) };
    let [head, body] = told(view, run, area);
    (body.len(), body.len().min(usize::from(area.height).saturating_sub(2 + head.len())))
}

fn stopwatch<'v>(view: &View<'v>, run: &RollbackRun) -> Row<'v> {
    let deadline = view.plan().rollback(&run.id).map(|rollback| rollback.deadline).unwrap_or_default();
    let elapsed = run.elapsed(view.now.instant);
    let late = elapsed > deadline;
    let role = if late { Role::Danger } else { Role::Title };
    let row =
        Row::new(view.theme).say(role, format!(" {} of {} ", span::stopwatch(elapsed), span::stopwatch(deadline)));
    let row = if late { row.say(Role::Danger, "PAST ITS DEADLINE ") } else { row };
    row.right(Role::Muted, format!("by {} · {} ", run.by.name, run.why))
}

/// The end in big words; while it runs, that it does.
fn ending<'v>(view: &View<'v>, run: &RollbackRun, width: usize) -> Vec<Row<'v>> {
    let theme = view.theme;
    let line = |role: Role, text: &str| Row::new(theme).say(role, format!(" {text}"));
    let big = |role: Role, text: &str| {
        let padded = format!("   {text}");
        let style = theme.style(role);
        vec![Row::new(theme), Row::new(theme).say(role, padded).over(style), Row::new(theme)]
    };
    match &run.end {
        None => vec![under_way(view, run)],
        Some(RollbackEnd::Verified) => {
            big(Role::Passed, &format!("{}  VERIFIED: the old state is back", theme.glyphs.pass))
        }
        Some(RollbackEnd::NotVerified { checks }) => {
            let mut rows = big(Role::Held, &format!("{}  DONE BUT NOT VERIFIED", theme.glyphs.unknown));
            rows.push(line(Role::Warned, "every step ran, and these checks do not agree that it worked:"));
            rows.extend(checks.iter().map(|check| line(Role::Plain, &format!("  {check}"))));
            rows
        }
        Some(RollbackEnd::FailedAtStep { step, why, by_hand }) => {
            let rollback = view.plan().rollback(&run.id);
            let at = rollback.and_then(|known| known.steps.iter().position(|known| known.id == *step));
            let nth = at.map(|at| (at + 1).to_string()).unwrap_or_default();
            let mut rows = big(Role::Danger, &format!("{}  FAILED AT STEP {nth}: {step}", theme.glyphs.fail));
            rows.extend(wrap(why, width.saturating_sub(2)).iter().map(|text| line(Role::Failed, text)));
            if !by_hand.is_empty() {
                rows.push(line(Role::Title, "do by hand:"));
                rows.extend(
                    wrap(by_hand, width.saturating_sub(4)).iter().map(|text| line(Role::Plain, &format!("  {text}"))),
                );
            }
            rows
        }
        Some(RollbackEnd::Joined { run, rollback }) => {
            vec![line(Role::Warned, &format!("did nothing: it joined run {run} of {rollback}"))]
        }
    }
}

/// That it runs; that it stands, where nothing but a person's word moves it.
fn under_way<'v>(view: &View<'v>, run: &RollbackRun) -> Row<'v> {
    let glyphs = view.theme.glyphs;
    let acts = run.steps.iter().any(|told| match (&told.end, &told.fallback) {
        (None, _) => true,
        (_, Some(fallback)) => fallback.end.is_none(),
        _ => false,
    });
    match run.waits().next().filter(|_| !acts) {
        Some(wait) => {
            let since = span::stopwatch(view.now.instant.since(wait.since));
            let text = format!(" {} waits {since} for {} to approve {}", glyphs.holding, wait.role, wait.step);
            Row::new(view.theme).say(Role::Held, text)
        }
        None => Row::new(view.theme).say(Role::Running, format!(" {} running", glyphs.running)),
    }
}

/// Steps of the launch that a rollback let run on (rules.md, "Rollback").
fn beside<'v>(view: &View<'v>, run: &RollbackRun) -> Vec<Row<'v>> {
    let plan = view.plan();
    let steps = plan.items.values().filter(|item| matches!(item.act, Act::Step { .. }) && run.end.is_none());
    let still = steps.filter(|item| view.board().item(&item.id).is_some_and(|known| known.is_running()));
    let row = |item: &Item| {
        let text = format!(" {} {} runs on beside it", view.theme.glyphs.running, item.title);
        Row::new(view.theme).say(Role::Warned, text)
    };
    still.map(row).collect()
}

/// What a step's second key and its fallback came to, under its line.
fn under_step<'v>(
    view: &View<'v>,
    run: &RollbackRun,
    step: &RollbackStep,
    told: Option<&StepTold>,
    width: usize,
) -> Vec<Row<'v>> {
    let line = |role: Role, text: String| Row::new(view.theme).say(role, format!("     {text}"));
    let mut rows = Vec::new();
    if let Some(key) = run.approvals.iter().find(|key| key.step == step.id) {
        if let Some(why) = &key.refused {
            let text = format!("an approval did not count: {why}");
            rows.extend(wrap(&text, width.saturating_sub(6)).into_iter().map(|text| line(Role::Warned, text)));
        }
        match &key.by {
            Some(by) => rows.push(line(Role::Muted, format!("approved by {}", approver(by)))),
            None if run.end.is_none() => {
                // Whole, however narrow: it is to be typed elsewhere.
                let text = format!("another person: {}", approving::command(view, &step.id, &key.role));
                rows.extend(wrap(&text, width.saturating_sub(6)).into_iter().map(|text| line(Role::Plain, text)));
            }
            None => {}
        }
    }
    match told.and_then(|told| told.fallback.as_ref()) {
        Some(FallbackTold { end: Some((verdict, outcome)), .. }) => {
            let role = if *verdict == Verdict::Pass { Role::Warned } else { Role::of(*verdict) };
            rows.push(line(role, format!("its fallback {}", ended(*verdict, outcome))));
        }
        Some(fallback) => {
            let since = span::stopwatch(view.now.instant.since(fallback.since));
            rows.push(line(Role::Running, format!("its fallback runs {since}")));
        }
        None => {}
    }
    rows
}

fn steps<'v>(view: &View<'v>, run: &RollbackRun, width: usize) -> Vec<Row<'v>> {
    let theme = view.theme;
    let mut rows = beside(view, run);
    let Some(rollback) = view.plan().rollback(&run.id) else { return rows };
    for (at, step) in rollback.steps.iter().enumerate() {
        let told = run.steps.iter().rev().find(|told| told.step == step.id);
        let (role, glyph, words) =
            if told.is_none() { step_to_come(view, run, step) } else { step_sign(view, told, run.end.is_some()) };
        let row = Row::new(theme).say(role, format!(" {glyph} ")).say(Role::Muted, format!("{}. ", at + 1));
        rows.push(row.say(Role::Plain, &step.title).right(role, format!("{words} ")));
        rows.extend(under_step(view, run, step, told, width));
        if let Some(output) = view.live().outputs.get(&step.id) {
            let kept = output.tail.len().saturating_sub(8);
            rows.extend(
                output
                    .tail
                    .iter()
                    .skip(kept)
                    .map(|line| Row::new(theme).say(Role::Muted, "     ").say(Role::Plain, line)),
            );
        }
    }
    rows.push(
        Row::new(theme).say(Role::Muted, format!(" verify {}", theme.glyphs.rule.repeat(width.saturating_sub(9)))),
    );
    for verify in &rollback.verify {
        let report = run.verified.iter().find(|(check, _)| *check == verify.id).map(|(_, report)| report);
        let (role, glyph, words) = match report {
            Some(report) => (Role::of(report.verdict), theme.glyph(report.verdict), report.verdict.word().to_owned()),
            None => (Role::Muted, theme.glyphs.waiting, "not looked yet".to_owned()),
        };
        rows.push(
            Row::new(theme)
                .say(role, format!(" {glyph} "))
                .say(Role::Plain, &verify.title)
                .right(role, format!("{words} ")),
        );
        for finding in report.into_iter().flat_map(|report| &report.findings) {
            let row = Row::new(theme).say(Role::of(finding.verdict), format!("     {} ", theme.glyph(finding.verdict)));
            let row = row
                .say(Role::Plain, format!("{} {}", finding.subject, finding.expected))
                .at_most(width / 2)
                .tab(width / 2 + 1);
            rows.push(row.say(Role::of(finding.verdict), format!("seen {}", finding.seen)));
        }
        if let Some(report) = report.filter(|report| report.findings.is_empty()) {
            rows.push(Row::new(theme).say(Role::Plain, format!("     {}", report.summary)));
        }
    }
    rows
}

/// A step that has not begun: for want of a key, or because it is not its turn.
fn step_to_come(view: &View<'_>, run: &RollbackRun, step: &RollbackStep) -> (Role, &'static str, String) {
    let glyphs = view.theme.glyphs;
    let key = run.approvals.iter().find(|key| key.step == step.id && key.by.is_none());
    match (key, &step.needs_approval) {
        (Some(key), _) if run.end.is_none() => {
            let since = span::stopwatch(view.now.instant.since(key.since));
            (Role::Held, glyphs.holding, format!("waits for {} {since}", key.role))
        }
        (Some(key), _) => (Role::Danger, glyphs.fail, format!("NOT APPROVED by {}", key.role)),
        (None, Some(role)) if run.end.is_none() && !run.is_approved(&step.id) => {
            (Role::Muted, glyphs.waiting, format!("to come, needs {role} to approve"))
        }
        _ => step_sign(view, None, run.end.is_some()),
    }
}

fn step_sign(view: &View<'_>, told: Option<&StepTold>, over: bool) -> (Role, &'static str, String) {
    let glyphs = view.theme.glyphs;
    match told {
        // An exit code turns nothing green: that is for the checks.
        Some(StepTold { end: Some((Verdict::Pass, outcome)), .. }) => {
            (Role::Plain, glyphs.due, ended(Verdict::Pass, outcome))
        }
        Some(StepTold { end: Some((verdict, outcome)), .. }) => {
            (Role::of(*verdict), view.theme.glyph(*verdict), ended(*verdict, outcome))
        }
        Some(told) => {
            (Role::Running, glyphs.running, format!("running {}", span::stopwatch(view.now.instant.since(told.since))))
        }
        None if over => (Role::Muted, glyphs.skipped, "not reached".to_owned()),
        None => (Role::Muted, glyphs.waiting, "to come".to_owned()),
    }
}

/// An exit code is told, and never as success: that is for the checks to say.
fn ended(verdict: Verdict, outcome: &Outcome) -> String {
    let simulated = if outcome.simulated { ", simulated" } else { "" };
    let word = if verdict == Verdict::Pass { "ran" } else { verdict.word() };
    format!("{word}: {} in {}{simulated}", outcome.words(), span::words(outcome.took))
}

/// The next place of the sheet when a procedure was chosen.
#[must_use]
pub fn chosen(view: &View<'_>, id: &RollbackId) -> Option<Rolling> {
    let rollback = view.plan().rollback(id)?;
    let typed = (rollback.confirm == Confirm::Type).then(tui_input::Input::default);
    Some(Rolling::Confirm { id: rollback.id.clone(), typed, wrong: false, because: None })
}
