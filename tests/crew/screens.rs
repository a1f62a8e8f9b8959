//! What the console shows of the crew.

use tminus::launch::command::Command;
use tminus::launch::event::{Actor, Event, Mode, Vote};
use tminus::launch::plan::{Act, Class, Confirm, Evidence, Plan, Second};
use tminus::ui::state::Effect;

use crate::console::{SPEC, Story, console, looked, plan, press, screen, text, type_in};

fn crewed() -> Plan {
    let mut plan = plan();
    plan.roles[0].people = vec!["Ana".into(), "Bo".into()];
    plan.roles[1].people = vec!["Cy".into()];
    let second = Second::Role("security".into());
    plan.items.get_mut(&"sign".into()).expect("there").act = Act::Manual { role: None, second };
    plan.items.get_mut(&"warm".into()).expect("there").act =
        Act::Step { spec: SPEC, class: Class::Idempotent, confirm: Confirm::Key, second: Second::Anyone };
    let piece = |id: &str, title: &str, items: &[&str]| Evidence {
        id: id.into(),
        title: title.into(),
        items: items.iter().map(|id| (*id).into()).collect(),
    };
    plan.evidence = vec![
        piece("smoke", "Smoke logs of every origin", &["health", "preflight"]),
        piece("login", "The authenticated smoke", &["login"]),
        piece("rollback", "Notes of the rollback rehearsal, with the time it took", &[]),
        piece("signoff", "The signed go/no-go record", &[]),
    ];
    plan
}

fn role(name: &str, role: &str) -> Actor {
    Actor::person(name, Some(role.into()))
}

fn under_way() -> Story {
    let mut story = Story::of(crewed(), Mode::Launch);
    let report = |verdict| tminus::launch::verdict::Report::plain(verdict, "looked", std::time::Duration::ZERO);
    use tminus::launch::verdict::Verdict;
    story.check("health", 1, report(Verdict::Pass));
    story.check("preflight", 2, report(Verdict::Pass));
    story.at(2, Event::GatePassed { phase: "gate-a".into(), waivers: 0, marked: 0 });
    story.at(1800, Event::PhaseOpened { phase: "gate-b".into() });
    story.check("login", 1801, report(Verdict::Fail));
    story.by(role("Ana", "lead"), 1803, Event::Voted { poll: None, role: "lead".into(), vote: Vote::Go, bound: None });
    let by = Actor { recorded_by: Some("ana".into()), ..role("Cy", "security") };
    let vote = Vote::NoGo { reason: "login fails".into() };
    story.by(by, 1804, Event::Voted { poll: None, role: "security".into(), vote, bound: None });
    let word = |item: &str| Event::Attested { item: item.into(), note: "all green".into(), passed: true };
    story.by(role("Bo", "lead"), 1805, word("sign"));
    story.by(role("Bo", "lead"), 1806, word("warm"));
    story.person(1807, Event::Waived { item: "login".into(), reason: "a known slip of the stub".into(), until: None });
    let given = Event::EvidenceGiven { evidence: "rollback".into(), what: "https://docs.example/1".into() };
    story.by(role("Bo", "lead"), 1808, given);
    story
}

#[test]
fn a_word_that_waits_for_its_second_and_a_step_that_is_armed() {
    let story = under_way();
    looked("crew_half", &story, 1810, "end k k k k");
    looked("crew_armed", &story, 1810, "end k k k");
    let mut console = console(story.snapshot(1810), 120, 36);
    let shown = text(&screen(&mut console));
    for words in ["1 of 2, second: Security", "armed by Bo 14:30"] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
}

#[test]
fn a_step_is_armed_by_the_key_of_an_attestation() {
    let mut console = console(under_way().snapshot(1810), 80, 24);
    press(&mut console, "end k k k space");
    assert!(text(&screen(&mut console)).contains("It may run once, by another person's key"));
    type_in(&mut console, "backed up");
    let armed = Command::Attest { item: "warm".into(), note: "backed up".into(), passed: true };
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(armed)));
}

#[test]
fn whoever_acts_is_chosen_and_shown_and_the_operator_comes_back() {
    let story = under_way();
    looked("crew_act_as", &story, 1810, "@ tab");
    let mut console = console(story.snapshot(1810), 120, 36);
    press(&mut console, "@");
    type_in(&mut console, "zed");
    press(&mut console, "enter");
    assert!(text(&screen(&mut console)).contains("Release lead is Ana or Bo, not zed"));
    press(&mut console, "esc @ tab tab enter");
    let acting = console.state().acting.clone();
    assert_eq!(acting, Some(role("Bo", "lead")));
    let shown = text(&screen(&mut console));
    assert!(shown.contains("Bo as Release lead"), "{shown}");
    // A role votes for itself alone, and nobody is asked who spoke.
    press(&mut console, "v");
    assert_eq!(
        press(&mut console, "enter"),
        Some(Effect::Ask(Command::Vote { poll: None, role: "lead".into(), vote: Vote::Go }))
    );
    press(&mut console, "@ down down enter");
    assert_eq!(console.state().acting, None);
    assert!(text(&screen(&mut console)).contains("ana"));
}

#[test]
fn who_spoke_is_said_where_it_may_have_been_several() {
    let story = under_way();
    looked("crew_vote", &story, 1810, "v");
    let mut console = console(story.snapshot(1810), 80, 24);
    press(&mut console, "v");
    assert_eq!(press(&mut console, "enter"), None, "nobody said who");
    assert!(text(&screen(&mut console)).contains("say who spoke"), "{}", text(&screen(&mut console)));
    let go = |role: &str| Command::Vote { poll: None, role: role.into(), vote: Vote::Go };
    assert_eq!(press(&mut console, "backtab backtab enter"), Some(Effect::AskAs(role("Bo", "lead"), go("lead"))));
    // There is one alone.
    assert_eq!(press(&mut console, "v down enter"), Some(Effect::AskAs(role("Cy", "security"), go("security"))));
}

#[test]
fn the_brief() {
    let story = under_way();
    looked("crew_brief", &story, 1810, "c tab tab");
    let mut console = console(story.snapshot(1810), 80, 24);
    press(&mut console, "c");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("the last act of ana, record"), "{shown}");
    press(&mut console, "end");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("Next") && shown.contains("T-0"), "its end is reached:\n{shown}");
    press(&mut console, "tab");
    assert!(text(&screen(&mut console)).contains("the launch was opened"), "no console was left");
}

#[test]
fn what_is_archived_and_the_closing() {
    let story = under_way();
    looked("crew_evidence", &story, 1810, ": e v i d e n c e enter");
    looked("crew_close", &story, 1810, ": c l o s e enter");
    let mut console = console(story.snapshot(1810), 80, 24);
    press(&mut console, ": e v i d e n c e enter");
    press(&mut console, "end enter");
    type_in(&mut console, "https://docs.example/2");
    let given = Command::GiveEvidence { evidence: "signoff".into(), what: "https://docs.example/2".into() };
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(given)));
    press(&mut console, ": c l o s e enter");
    assert_eq!(press(&mut console, "enter"), None, "without a reason it stays open");
    type_in(&mut console, "storm");
    let close = Command::Close { why: String::new(), anyway: Some("storm".into()), gone: Vec::new() };
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(close)));
}

#[test]
fn any_size_can_be_drawn() {
    let story = under_way();
    for (width, height) in [(1, 1), (2, 40), (59, 16), (60, 15), (60, 16), (61, 17), (300, 16), (60, 90), (250, 70)] {
        for keys in ["c", "@ tab", ": e v i d e n c e enter", ": c l o s e enter", "v", "end k k"] {
            let mut console = console(story.snapshot(1810), width, height);
            press(&mut console, keys);
        }
    }
}
