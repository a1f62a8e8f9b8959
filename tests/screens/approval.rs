//! The second key of a rollback's step, as it is seen: who is waited for and since when, who may turn it here, and
//! what stood in for a step that failed.

use tminus::launch::command::Command;
use tminus::launch::event::{Actor, Event, Mode, RollbackEnd, RollbackFact};
use tminus::launch::plan::{Power, Role};
use tminus::launch::verdict::{Report, Verdict};
use tminus::ui::state::{Effect, Overlay};
use tminus::ui::theme::Theme;

use super::console::{Story, outcome, plan, press, screen, seen, setup, text, type_in};
use super::{SIZES, ended, step};

const PURGE: &str = "frontend/purge";

/// A rollback by bob that runs since 30:20, of which the second step is the DB owner's.
fn story(facts: Vec<RollbackFact>) -> Story {
    let mut plan = plan();
    plan.roles.push(Role {
        id: "dba".into(),
        title: "DB owner".into(),
        people: vec!["Ana".into(), "Ben".into()],
        votes: false,
        may: [Power::Approve].into(),
    });
    plan.rollbacks[0].steps[1].needs_approval = Some("dba".into());
    let mut story = Story::of(plan, Mode::Launch);
    let why = "the API answers 500".to_owned();
    let bob = Actor::person("bob", Some("lead".into()));
    story.by(bob, 1820, Event::RollbackRequested { rollback: "frontend".into(), run: 1, why });
    for (second, fact) in (1821..).zip(facts) {
        story.at(second, Event::RollbackTold { run: 1, fact });
    }
    story
}

fn awaited() -> RollbackFact {
    RollbackFact::ApprovalAwaited { step: PURGE.into(), role: "dba".into() }
}

fn stands() -> Vec<RollbackFact> {
    let up = Report::plain(Verdict::Pass, "v0.9.4", std::time::Duration::from_millis(9));
    let mut facts = step("frontend/redeploy", 0).to_vec();
    facts.extend([awaited(), RollbackFact::Verified { check: "frontend/version".into(), report: up }]);
    facts
}

/// The console of `name`, who carries `role`.
fn console(
    story: &Story,
    (width, height): (u16, u16),
    name: &str,
    role: Option<&str>,
) -> tminus::ui::Console<ratatui::backend::TestBackend> {
    let mut setup = setup(Theme::default());
    setup.operator = name.into();
    setup.role = role.map(Into::into);
    let terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(width, height)).expect("a buffer");
    let mut console = tminus::ui::Console::new(terminal, setup, story.snapshot(1865));
    console.draw().expect("a buffer");
    console
}

#[test]
fn a_step_that_stands_says_for_whom_and_since_when() {
    for size in SIZES {
        let mut console = console(&story(stands()), size, "ana", Some("dba"));
        seen("approval_band", &mut console);
        press(&mut console, "!");
        seen("approval_stands", &mut console);
        press(&mut console, "A");
        seen("approval_asked", &mut console);
    }
}

#[test]
fn what_became_of_a_key_and_of_a_fallback_is_seen() {
    let by = Actor::person("Ben", Some("dba".into()));
    let why = "eve does not hold DB owner: the plan names Ana, Ben".to_owned();
    let mut went_on = stands();
    went_on.push(RollbackFact::ApprovalRefused { step: PURGE.into(), why });
    let refused = went_on.clone();
    went_on.extend([
        RollbackFact::Approved { step: PURGE.into(), by },
        RollbackFact::StepStarted { step: PURGE.into() },
        RollbackFact::StepEnded { step: PURGE.into(), verdict: Verdict::Fail, outcome: outcome(4) },
        RollbackFact::FallbackStarted { step: PURGE.into() },
        RollbackFact::FallbackEnded { step: PURGE.into(), verdict: Verdict::Pass, outcome: outcome(0) },
    ]);
    let mut never = stands();
    never.push(ended(RollbackEnd::FailedAtStep {
        step: PURGE.into(),
        why: "not approved by DB owner before the deadline; every other step ran; the checks pass without it, which \
              does not prove it unneeded"
            .into(),
        by_hand: "frontend/purge: purge the edge by hand".into(),
    }));
    for (name, facts) in [("refused", refused), ("fallback", went_on), ("never", never)] {
        for size in SIZES {
            let mut running = console(&story(stands()), size, "ana", Some("dba"));
            press(&mut running, "!");
            running.take(story(facts.clone()).snapshot(1890));
            seen(&format!("approval_{name}"), &mut running);
        }
    }
}

#[test]
fn one_key_and_a_yes_turn_it_and_only_another_person_of_the_role_may() {
    let approve = Some(Effect::Ask(Command::Approve { step: PURGE.into() }));
    for opened in ["", "!"] {
        let mut ana = console(&story(stands()), (80, 24), "ana", Some("dba"));
        press(&mut ana, opened);
        assert_eq!(press(&mut ana, "A"), None, "a slip of the finger turns no key");
        assert_eq!(press(&mut ana, "enter"), approve, "{opened:?}");
        let sheet = text(&screen(&mut ana)).contains("ROLLBACK frontend · run 1");
        assert_eq!(sheet, opened == "!", "the sheet is there again, where it was");
    }
    let mut palette = console(&story(stands()), (80, 24), "ana", Some("dba"));
    press(&mut palette, ":");
    type_in(&mut palette, "approve");
    press(&mut palette, "enter");
    assert_eq!(press(&mut palette, "enter"), approve);
    for (name, role, why) in [
        ("bob", Some("dba"), "bob asked for this rollback: the second key is another person's"),
        ("eve", Some("dba"), "eve does not hold DB owner"),
        ("ana", Some("lead"), "it is for DB owner to approve"),
        ("ana", None, "say that you act for DB owner"),
    ] {
        for opened in ["", "!"] {
            let mut console = console(&story(stands()), (120, 36), name, role);
            press(&mut console, opened);
            assert_eq!(press(&mut console, "A"), None, "{name}");
            assert!(!matches!(console.state().overlay, Some(Overlay::Ask { .. })), "{name} is not asked");
            let shown = text(&screen(&mut console));
            assert!(shown.contains(why), "{why} is not in\n{shown}");
        }
    }
    let mut small = console(&story(stands()), (50, 12), "ana", Some("dba"));
    assert_eq!(press(&mut small, "A enter"), None, "nobody approves what is not seen");
    let mut nothing = console(&story(step("frontend/redeploy", 0).to_vec()), (80, 24), "ana", Some("dba"));
    press(&mut nothing, "A");
    assert!(text(&screen(&mut nothing)).contains("Approve frontend/purge"), "before it is come to, too");
}
