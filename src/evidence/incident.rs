//! The record of an incident: the fields that every incident log must have, and its timeline. As Markdown for
//! the evidence, and as plain lines for a terminal. A field that nobody filled is said to be missing.

use std::fmt::Write as _;

use crate::base::text::{cut, printable};
use crate::launch::board::Board;
use crate::launch::event::{Actor, Mode};
use crate::launch::incident::{Due, Incident, Moment};
use crate::launch::time::Wall;

/// Columns of a title in a heading; whole it stands below.
const HEADING: usize = 120;
const MISSING: &str = "not recorded";

/// The record of `incident` as Markdown.
#[must_use]
pub fn markdown(incident: &Incident, board: &Board) -> String {
    let mut page =
        format!("# Incident {}: {}\n\n", incident.number, escaped(&cut(&printable(&incident.title), HEADING)));
    if board.mode == Mode::Rehearsal {
        page.push_str("**REHEARSAL**: this happened against a simulated target.\n\n");
    }
    let plan = &board.plan;
    let of = [&plan.title, &plan.environment].map(|text| escaped(text)).join(", ");
    let _ = writeln!(
        page,
        "Launch: {of}{}\n",
        release(board).map(|words| format!(", {}", escaped(&words))).unwrap_or_default()
    );
    for (name, value) in fields(incident, board) {
        let value = value.map_or_else(|| format!("*{MISSING}*"), |value| escaped(&value));
        let _ = writeln!(page, "- **{name}:** {value}");
    }
    if !incident.rung.is_empty() {
        page.push_str("\n## Deadlines since it began\n\n| deadline | told | acknowledged |\n|---|---|---|\n");
        for [due, told, by] in deadlines(incident) {
            let _ = writeln!(page, "| {} | {} | {} |", escaped(&due), escaped(&told), escaped(&by));
        }
    }
    page.push_str("\n## Timeline\n\nTimes in UTC; the number is that of the record in the journal.\n\n");
    page.push_str("| time | what | by | record |\n|---|---|---|---|\n");
    for entry in &incident.timeline {
        let (what, by) = (escaped(&entry.words), escaped(&name(&entry.by)));
        let _ = writeln!(page, "| {} | {what} | {by} | {} |", stamp(entry.occurred_at), entry.seq);
    }
    page
}

/// The same for a terminal, a line each.
#[must_use]
pub fn lines(incident: &Incident, board: &Board) -> Vec<String> {
    let rehearsal = if board.mode == Mode::Rehearsal { " (REHEARSAL)" } else { "" };
    let mut lines = vec![format!("Incident {}{rehearsal}", incident.number)];
    for (name, value) in fields(incident, board) {
        lines.push(format!("{name:<22}{}", value.as_deref().map_or(MISSING.to_owned(), printable)));
    }
    for [due, told, by] in deadlines(incident) {
        lines.push(format!("{:<22}told {}, acknowledged: {}", printable(&due), printable(&told), printable(&by)));
    }
    for entry in &incident.timeline {
        let (by, words) = (printable(&name(&entry.by)), printable(&entry.words));
        lines.push(format!("{}  {by}: {words}", stamp(entry.occurred_at)));
    }
    lines
}

/// The fields of an incident log, in the order people read them.
fn fields(incident: &Incident, board: &Board) -> Vec<(&'static str, Option<String>)> {
    let at = |moment: Option<Moment>| moment.map(|moment| stamp(moment.wall));
    let severity = incident.severity.as_ref().map(|id| match incident.severity(&board.plan) {
        Some(known) => format!("{id}, {}: {}", known.title, known.guide),
        None => id.to_string(),
    });
    let joined = |all: &[String]| Some(all.join("; ")).filter(|text| !text.is_empty());
    let mut fields = vec![
        ("Title", Some(incident.title.clone())),
        ("Stage", Some(incident.stage.word().to_uppercase())),
        ("Severity", severity),
        ("Start", Some(stamp(incident.opened.wall))),
        ("Detected by", Some(incident.detected_by.clone())),
        ("Commander", incident.commander.clone()),
        ("Impact summary", incident.impact.clone()),
        ("Mitigation decision", joined(&incident.mitigations)),
        ("Mitigated", at(incident.mitigated)),
        ("Recovery", at(incident.resolved)),
        ("Closed", at(incident.closed)),
        ("Follow-up issues", joined(&incident.follow_ups)),
    ];
    // One that was resolved at once was never only mitigated; one that is open is not closed yet.
    fields.retain(|(name, value)| value.is_some() || !matches!(*name, "Mitigated" | "Closed"));
    fields
}

fn deadlines(incident: &Incident) -> Vec<[String; 3]> {
    let words = |rung: &crate::launch::incident::Rung| {
        let due = match &rung.due {
            Due::Triage => "triage".to_owned(),
            Due::Level(level) => format!("escalation to {level}"),
        };
        let late = match rung.late.as_secs() {
            0 => String::new(),
            seconds => format!(", {} late", humantime::format_duration(std::time::Duration::from_secs(seconds))),
        };
        let by = rung.acknowledged.as_ref().map_or_else(|| "nobody".to_owned(), name);
        [due, format!("{}{late}", stamp(rung.told.wall)), by]
    };
    incident.rung.iter().map(words).collect()
}

fn release(board: &Board) -> Option<String> {
    let release = &board.plan.release;
    let parts: Vec<&str> = [&release.version, &release.commit].into_iter().flatten().map(String::as_str).collect();
    (!parts.is_empty()).then(|| format!("release {}", parts.join(" ")))
}

fn name(by: &Actor) -> String {
    let role = by.role.as_ref().map(|role| format!(" ({role})")).unwrap_or_default();
    let scripted = if by.scripted { " (scripted)" } else { "" };
    format!("{}{role}{scripted}", by.name)
}

fn stamp(at: Wall) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Outside text on one line in which nothing steers, marks up, links, or ends a table's cell.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '!' | '~' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::launch::command::{Command, Input};
    use crate::launch::decide::decide;
    use crate::launch::event::{Event, Recorded};
    use crate::launch::incident::{Change, Stage, built_in, find};
    use crate::launch::plan::Plan;
    use crate::launch::time::Instant;

    fn at(seconds: i64) -> (Instant, Wall) {
        let wall = chrono::DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time");
        (Instant(seconds * 1000), wall)
    }

    fn board(mode: Mode) -> Board {
        let plan =
            Plan { title: "Shop".into(), environment: "production".into(), severities: built_in(), ..Plan::default() };
        let mut board = Board::new(Arc::new(plan));
        board.mode = mode;
        board
    }

    fn said(board: &mut Board, seconds: i64, command: Command) {
        let by = Actor::person("ana", None);
        let (instant, _) = at(seconds);
        let input = Input::Command { by: by.clone(), command };
        for event in decide(board, &input, instant).expect("taken") {
            put(board, seconds, by.clone(), event);
        }
    }

    fn put(board: &mut Board, seconds: i64, actor: Actor, event: Event) {
        let (instant, wall) = at(seconds);
        let seq = board.seq + 1;
        board.apply(&Recorded { seq, at: instant, occurred_at: wall, recorded_at: wall, actor, event });
    }

    fn open(title: &str) -> Command {
        Command::OpenIncident { title: title.into(), severity: Some("sev-2".into()), detected_by: "smoke test".into() }
    }

    #[test]
    fn the_record_has_every_field_an_incident_log_must_have() {
        let mut board = board(Mode::Rehearsal);
        said(&mut board, 0, open("orders fail"));
        let change = |change| Command::ChangeIncident { incident: 1, change };
        said(&mut board, 60, change(Change::Commander("bo".into())));
        said(&mut board, 70, change(Change::Impact("no orders for *all* | partners".into())));
        said(&mut board, 80, change(Change::Mitigation("old version back".into())));
        said(&mut board, 90, change(Change::Mitigation("cache off".into())));
        said(&mut board, 120, change(Change::FollowUp("bd-12".into())));
        said(&mut board, 300, change(Change::Stage(Stage::Resolved)));
        let page = markdown(find(&board, 1).expect("opened"), &board);
        for part in [
            "# Incident 1: orders fail\n",
            "**REHEARSAL**",
            "Launch: Shop, production\n",
            "- **Stage:** RESOLVED",
            "- **Severity:** sev-2, Major: ",
            "- **Start:** 2023-11-14T22:13:20Z",
            "- **Detected by:** smoke test",
            "- **Commander:** bo",
            "- **Impact summary:** no orders for \\*all\\* \\| partners",
            "- **Mitigation decision:** old version back; cache off",
            "- **Recovery:** 2023-11-14T22:18:20Z",
            "- **Follow-up issues:** bd-12",
            "| 2023-11-14T22:13:20Z | opened as sev-2: orders fail; noticed by smoke test | ana | 1 |",
            "| 2023-11-14T22:18:20Z | is RESOLVED | ana | 7 |",
        ] {
            assert!(page.contains(part), "{part} in\n{page}");
        }
        assert!(!page.contains("**Closed") && !page.contains("**Mitigated"));
    }

    #[test]
    fn what_nobody_said_is_missing_and_said_to_be() {
        let mut board = board(Mode::Launch);
        said(&mut board, 0, open("orders fail"));
        put(&mut board, 700, Actor::engine(), Event::IncidentRang { incident: 1, due: Due::Triage });
        let page = markdown(find(&board, 1).expect("opened"), &board);
        for name in ["Commander", "Impact summary", "Mitigation decision", "Recovery", "Follow-up issues"] {
            assert!(page.contains(&format!("- **{name}:** *not recorded*")), "{name} in\n{page}");
        }
        assert!(page.contains("| triage | 2023-11-14T22:25:00Z, 1m 40s late | nobody |"), "{page}");
        assert!(!page.contains("REHEARSAL"));
    }

    #[test]
    fn hostile_words_stay_words_in_their_line() {
        let mut board = board(Mode::Launch);
        let evil =
            "\u{1b}]0;owned\u{7}x\n# Not a heading\n| a | b |\n[click](javascript:1) <script>\u{202e}`".to_owned();
        said(&mut board, 0, open(&format!("{evil}{}", "y".repeat(100))));
        let note = format!("{evil}{}", "y".repeat(16 * 1024));
        said(&mut board, 1, Command::ChangeIncident { incident: 1, change: Change::Note(note) });
        let known = find(&board, 1).expect("opened");
        let page = markdown(known, &board);
        assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "{page:?}");
        assert!(!page.contains("<script") && !page.contains("[click]") && !page.contains("\n# Not"));
        assert_eq!(page.lines().filter(|line| line.starts_with('#')).count(), 2);
        for row in page.lines().filter(|line| line.starts_with("| 20")) {
            let bars = row.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 5, "{row}");
        }
        assert!(lines(known, &board).iter().all(|line| !line.chars().any(char::is_control)));
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_line_or_its_cell(text in "\\PC{0,40}|[\\x00-\\x9f|*_`<>\\\\#\\[\\]()!~]{0,40}") {
            let shown = escaped(&text);
            prop_assert!(!shown.chars().any(char::is_control));
            let mut bare = shown.replace("\\\\", "");
            for mark in ['|', '*', '`', '[', '#'] {
                bare = bare.replace(&format!("\\{mark}"), "");
                prop_assert!(!bare.contains(mark), "{shown}");
            }
            prop_assert!(!bare.contains('<') && !bare.contains('>'));
        }
    }
}
