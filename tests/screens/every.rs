//! Every pane and every overlay has a picture at both sizes, with the role of every run of text: a list that is read
//! from the source itself, so that none is forgotten. And a picture notices what changes in it.

use std::path::{Path, PathBuf};

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use tminus::launch::port::Snapshot;
use tminus::launch::time::{Instant, Now};
use tminus::ui::theme::{Depth, Palette, Role};

use super::console::{self, rendered, wall, watched};
use super::*;

/// A picture made here: its name, the launch and its second, the keys, and how the overlay they lead to is called.
struct Scene {
    name: &'static str,
    story: Story,
    second: i64,
    keys: &'static str,
    overlay: &'static str,
}

fn scene(name: &'static str, story: Story, second: i64, keys: &'static str, overlay: &'static str) -> Scene {
    Scene { name, story, second, keys, overlay }
}

/// Held at the poll and gone on with, T is at 25 s before T-0 at second 7775, and five after it at 7805.
fn at_the_end(liftoff: bool) -> Story {
    let mut story = Story::opened(Mode::Launch);
    story.at(6_600, Event::Passed(Passage::Held(Mark(600_000))));
    story.person(7_200, Event::Resumed);
    if liftoff {
        story.at(7_800, Event::Passed(Passage::Liftoff));
    }
    story
}

fn frozen() -> Story {
    let mut story = at_the_end(true);
    story.at(7_802, Event::Frozen { why: "errors of the canary".into() });
    story
}

fn fields_asked() -> Story {
    let mut plan = console::plan();
    plan.fields.insert("warm".into(), vec!["impact".to_owned()]);
    let mut story = Story::of(plan, Mode::Launch);
    story.at(1800, Event::PhaseOpened { phase: "gate-b".into() });
    story
}

fn archived() -> Story {
    let mut plan = console::plan();
    let evidence = |id: &str, title: &str| tminus::launch::plan::Evidence {
        id: id.into(),
        title: title.into(),
        items: Vec::new(),
    };
    plan.evidence = vec![evidence("logs", "The logs of the day"), evidence("signoff", "The signed page")];
    let mut story = Story::of(plan, Mode::Launch);
    story.at(1800, Event::PhaseOpened { phase: "gate-b".into() });
    story
}

fn scenes() -> Vec<Scene> {
    let under = || under_way(Mode::Launch);
    let mut fired = watched::watched(Mode::Launch);
    fired.set(watched::stage("canary-errors", watched::auto(7), 120_000));
    let seen = || watched::watched(Mode::Launch);
    let incident = || incident_screens::three();
    vec![
        scene("cut_off", at_the_end(false), 7_775, "p", "Prompt(Prompt { purpose: CutOff"),
        scene("freeze", at_the_end(true), 7_805, "p", "Prompt(Prompt { purpose: Freeze"),
        scene("thaw", frozen(), 7_805, "P", "Prompt(Prompt { purpose: Thaw"),
        scene("scrub", under(), 1810, ": s c r u b enter", "Prompt(Prompt { purpose: Scrub"),
        scene("amend_note", under(), 1810, "tab tab tab N", "Prompt(Prompt { purpose: Amend("),
        scene("filter", under(), 1810, "/ o l d", "Prompt(Prompt { purpose: Filter"),
        scene("mark_done", crashed(), 2000, "esc end k k k k k d", "Prompt(Prompt { purpose: Mark"),
        scene("mark_failed", crashed(), 2000, "esc end k k k k k f", "Prompt(Prompt { purpose: Mark"),
        scene("repeat", crashed(), 2000, "esc end k k k k k r", "Prompt(Prompt { purpose: Repeat"),
        scene("fill", fields_asked(), 1810, "end k k k r", "Prompt(Prompt { purpose: Fill"),
        scene("evidence_given", archived(), 1810, ": e v i d e n c e enter enter", "Prompt(Prompt { purpose: Evidence"),
        scene("veto", fired, 1810, "V", "Prompt(Prompt { purpose: WhyVetoed"),
        scene("fire", seen(), 1810, "T end enter", "Prompt(Prompt { purpose: Fire"),
        scene("recycle", under(), 6_000, ": r e c y c l e enter", "Recycle"),
        scene("incident_title", incident(), 1_910, "i", "Incident(Title"),
        scene("incident_noticed", incident(), 1_910, "i d o w n enter 2", "Incident(Noticed"),
        scene("incident_stage", incident(), 1_910, "I 6", "Incident(Stage"),
        scene("incident_text", incident(), 1_910, "I 3", "Incident(Text"),
    ]
}

#[test]
fn overlays_that_no_other_suite_looks_at() {
    for Scene { name, story, second, keys, overlay } in scenes() {
        for (width, height) in SIZES {
            let mut console = console::console(story.snapshot(second), width, height);
            press(&mut console, keys);
            let there = format!("{:?}", console.state().overlay);
            assert!(there.starts_with(&format!("Some({overlay}")), "{name}: {keys} leads to {there}");
            seen(name, &mut console);
        }
    }
}

#[test]
fn the_incidents_have_the_whole_screen_too() {
    looked("zoomed_incidents_three", &incident_screens::three(), 1_910, ": i n c i d e n t s enter z");
}

/// A plan with nothing in it, and a launch that is not open yet.
#[test]
fn what_is_empty_and_what_is_not_there_yet_says_so() {
    let plan = || tminus::launch::plan::Plan { title: "Nothing yet".into(), ..Default::default() };
    let now = Now { instant: Instant(0), wall: wall(0) };
    let unopened = |plan| {
        std::sync::Arc::new(Snapshot::unopened(
            std::sync::Arc::new(plan),
            Mode::Launch,
            now,
            0,
            "/launches/omniai".into(),
        ))
    };
    for (width, height) in SIZES {
        let mut console = console::console(unopened(plan()), width, height);
        seen("empty", &mut console);
        for (tabs, words) in [
            (0, "the plan has no items"),
            (1, "nothing selected"),
            (2, "the plan has no streams"),
            (3, "nothing is recorded yet"),
            (4, "the plan has no monitors"),
            (5, "the plan has no poll"),
        ] {
            press(&mut console, &format!("{} z", "tab ".repeat(tabs)));
            let shown = text(&screen(&mut console));
            assert!(shown.contains(words), "{words} in\n{shown}");
            press(&mut console, &format!("z {}", "backtab ".repeat(tabs)));
        }
        assert!(text(&screen(&mut console)).contains("the plan has none"), "no way back");
        let mut console = console::console(unopened(console::plan()), width, height);
        seen("loading", &mut console);
    }
}

/// The names of an enum's variants, as its source has them.
fn variants(name: &str) -> Vec<String> {
    let source = include_str!("../../src/ui/state.rs");
    let (_, body) = source.split_once(&format!("pub enum {name} {{\n")).expect("the enum");
    let (body, _) = body.split_once("\n}").expect("its end");
    let own =
        body.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with(char::is_uppercase));
    own.map(|line| line.chars().take_while(|c| c.is_alphanumeric()).collect()).collect()
}

/// Which picture shows each of them.
const PICTURES: &[(&str, &str, &str)] = &[
    ("Pane", "Checklist", "zoomed_checklist"),
    ("Pane", "Detail", "zoomed_detail"),
    ("Pane", "Streams", "zoomed_streams"),
    ("Pane", "Journal", "zoomed_journal"),
    ("Pane", "Monitors", "zoomed_monitors"),
    ("Pane", "Poll", "zoomed_poll"),
    ("Pane", "Incidents", "zoomed_incidents"),
    ("Overlay", "Seen", "evidence_of_item"),
    ("Overlay", "Help", "help"),
    ("Overlay", "Palette", "palette"),
    ("Overlay", "Prompt", "note"),
    ("Overlay", "Ask", "quit"),
    ("Overlay", "Holds", "holding"),
    ("Overlay", "Recycle", "recycle"),
    ("Overlay", "Countdown", "countdown"),
    ("Overlay", "Recovery", "recovery"),
    ("Overlay", "Amend", "amend_plan"),
    ("Overlay", "Rollback", "rollback_choose"),
    ("Overlay", "Incident", "incident_menu"),
    ("Overlay", "ActAs", "crew_act_as"),
    ("Overlay", "Brief", "crew_brief"),
    ("Overlay", "Evidence", "crew_evidence"),
    ("Overlay", "Triggers", "triggers"),
    ("Overlay", "Faults", "faults"),
    ("Overlay", "Why", "why"),
    ("Overlay", "Playbooks", "playbooks"),
    ("Purpose", "Note", "note"),
    ("Purpose", "Hold", "hold"),
    ("Purpose", "CutOff", "cut_off"),
    ("Purpose", "Freeze", "freeze"),
    ("Purpose", "Thaw", "thaw"),
    ("Purpose", "Scrub", "scrub"),
    ("Purpose", "Plan", "amend"),
    ("Purpose", "Slip", "slip"),
    ("Purpose", "Waive", "waive"),
    ("Purpose", "WaiveHole", "soak_waive"),
    ("Purpose", "Amend", "amend_note"),
    ("Purpose", "Choose", "choice"),
    ("Purpose", "Attest", "attest"),
    ("Purpose", "Sign", "sign"),
    ("Purpose", "Judge", "judge"),
    ("Purpose", "WaiveCriterion", "waive_criterion"),
    ("Purpose", "Vote", "vote"),
    ("Purpose", "Evidence", "evidence_given"),
    ("Purpose", "Close", "crew_close"),
    ("Purpose", "Filter", "filter"),
    ("Purpose", "Mark", "mark_done"),
    ("Purpose", "Fill", "fill"),
    ("Purpose", "Repeat", "repeat"),
    ("Purpose", "TypeItem", "run_typed"),
    ("Purpose", "WhyVetoed", "veto"),
    ("Purpose", "Fire", "fire"),
    ("Rolling", "Choose", "rollback_choose"),
    ("Rolling", "Confirm", "rollback_confirm"),
    ("Rolling", "Confirm", "rollback_typed"),
    ("Rolling", "Watch", "rollback_running"),
];

fn picture(name: &str, (width, height): (u16, u16)) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/screens");
    folder.join(format!("{name}_{width}x{height}.snap"))
}

#[test]
fn every_pane_and_overlay_has_its_picture_with_roles_at_both_sizes() {
    for of in ["Pane", "Overlay", "Purpose", "Rolling"] {
        let there = variants(of);
        assert!(there.len() > 2, "{of}");
        for variant in there {
            let name = PICTURES.iter().find(|(kind, known, _)| *kind == of && *known == variant);
            let (_, _, name) = name.unwrap_or_else(|| panic!("{of}::{variant} has no picture"));
            for size in SIZES {
                let path = picture(name, size);
                let kept = std::fs::read_to_string(&path).unwrap_or_default();
                let roles = kept.split_once("--- roles\n").map_or(0, |(_, roles)| roles.lines().count());
                assert!(roles >= 3, "{of}::{variant}: {} has {roles} lines of roles", path.display());
            }
        }
    }
    // And none was left at one size alone.
    let folder = std::fs::read_dir(picture("x", (1, 1)).parent().expect("a folder")).expect("pictures");
    let names: Vec<String> =
        folder.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    for name in names.iter().filter_map(|name| name.strip_suffix("_80x24.snap")) {
        assert!(names.contains(&format!("{name}_120x36.snap")), "{name} has no picture at 120x36");
    }
    for name in names.iter().filter_map(|name| name.strip_suffix("_120x36.snap")) {
        assert!(names.contains(&format!("{name}_80x24.snap")), "{name} has no picture at 80x24");
    }
}

/// In the theme of the pictures no two roles look the same; in every one with colours no two that tell of a verdict.
#[test]
fn no_two_roles_look_the_same() {
    let differ = |theme: &Theme, roles: &[Role], word: &str| {
        for (at, one) in roles.iter().enumerate() {
            for other in &roles[at + 1..] {
                assert_ne!(theme.style(*one), theme.style(*other), "{word}: {one:?} and {other:?}");
            }
        }
    };
    differ(&Theme::default(), &Role::ALL, "the default");
    use Role::{Danger, Failed, Focus, Held, Passed, Running, Stale, Unknown, Warned};
    let verdicts = [Passed, Failed, Warned, Unknown, Stale, Running, Held, Focus, Danger];
    for (word, palette) in Palette::WORDS.into_iter().zip(Palette::ALL).filter(|(_, known)| *known != Palette::Mono) {
        for depth in [Depth::Sixteen, Depth::Indexed] {
            differ(&Theme::of(palette, depth, false), &verdicts, word);
        }
    }
}

/// Another style in place of one, where there is any to see.
fn other(theme: &Theme, cell: &ratatui::buffer::Cell, nth: usize) -> Style {
    let roles = Role::ALL.iter().cycle().skip(nth).take(Role::ALL.len());
    let styles = roles.map(|role| Style::reset().patch(theme.style(*role)));
    styles.into_iter().find(|style| *style != Style::reset().patch(cell.style())).expect("another style")
}

/// A picture that did not notice would guard nothing: of a screen any cell is given another role, or another sign.
#[test]
fn a_picture_notices_a_role_or_a_glyph_that_changes_anywhere() {
    let theme = Theme::default();
    let seen = || watched::watched(Mode::Launch);
    let screens = [
        (under_way(Mode::Launch), 1_810, ""),
        (under_way(Mode::Rehearsal), 1_810, "?"),
        (seen(), 1_810, "tab tab tab tab z"),
        (polls::polled(), 1_810, "g z"),
        (under_way(Mode::Launch), 1_810, "! 1"),
        (incident_screens::three(), 1_910, ": i n c i d e n t s enter"),
        (crashed(), 2_000, ""),
    ];
    for (story, second, keys) in screens {
        let mut console = console::console(story.snapshot(second), 80, 24);
        press(&mut console, keys);
        let buffer: Buffer = screen(&mut console);
        let kept = rendered(&buffer, &theme);
        let told = (0..buffer.content().len()).filter(|at| buffer.content()[*at].symbol() != " ");
        // Frames are bare in the list of roles, and stand in the picture.
        let told = told.filter(|at| !"┌┐└┘│─┬".contains(buffer.content()[*at].symbol()));
        for (nth, at) in told.step_by(23).enumerate() {
            let mut changed = buffer.clone();
            let style = other(&theme, &buffer.content()[at], nth);
            changed.content[at].set_style(style);
            assert_ne!(rendered(&changed, &theme), kept, "{keys}: a role at {:?}", buffer.pos_of(at));
            let mut changed = buffer.clone();
            let glyph = if buffer.content()[at].symbol() == "✓" { "✗" } else { "✓" };
            changed.content[at].set_symbol(glyph);
            assert_ne!(rendered(&changed, &theme), kept, "{keys}: a glyph at {:?}", buffer.pos_of(at));
        }
    }
}
