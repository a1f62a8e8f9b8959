//! Poll, criteria and sign-off as they are seen, and what the keys ask there.

use tminus::launch::criteria::{Bound, Sight};
use tminus::launch::event::Actor;
use tminus::launch::plan::{Act, Criterion, DecidedBy, GoStage};

use super::console::{Story, item, plan};
use super::*;

/// A launch under way with both lists, a vote that is void, a sign-off begun and a second poll that is due.
pub fn polled() -> Story {
    let mut plan = plan();
    let roles = || vec!["lead".into(), "security".into()];
    let acts = [
        ("sign-off", "Everybody signs", Act::Signoff { roles: roles() }),
        ("second-go", "GO for patches", Act::Poll { stage: GoStage::Observed, roles: roles() }),
    ];
    for (id, title, act) in acts {
        plan.items.insert(id.into(), item("gate-b", id, title, act));
        plan.phases[1].items.push(id.into());
    }
    let seen = |items: &[&str], monitors: &[&str]| DecidedBy::Seen {
        phases: Vec::new(),
        items: items.iter().map(|id| (*id).into()).collect(),
        monitors: monitors.iter().map(|id| (*id).into()).collect(),
        objectives: Vec::new(),
    };
    let criterion = |id: &str, text: &str, no_go, by| Criterion {
        id: id.into(),
        text: text.into(),
        no_go,
        stage: GoStage::Launch,
        by,
    };
    plan.criteria = vec![
        criterion("reachable", "The service answers, and lets our own pages in", false, seen(&["health"], &[])),
        criterion("smoke", "A user gets in and reads an answer", false, seen(&["login", "stream"], &[])),
        criterion("down", "The service is down", true, seen(&[], &["api"])),
        criterion("way-back", "A rollback could not be done quickly", true, DecidedBy::Person { role: None }),
    ];
    plan.criteria.push(Criterion {
        id: "calm".into(),
        text: "A day without serious trouble".into(),
        no_go: false,
        stage: GoStage::Observed,
        by: DecidedBy::Person { role: Some("lead".into()) },
    });
    let mut story = Story::of(plan, Mode::Launch);
    let report = |holds| Report::of(vec![Finding::held("status", "200", "…", holds)], Duration::from_millis(14));
    story.check("health", 1, report(true));
    story.check("preflight", 2, report(true));
    story.at(1800, Event::PhaseOpened { phase: "gate-b".into() });
    story.check("login", 1801, report(false));
    story.at(1802, Event::ItemStarted { item: "stream".into(), attempt: Attempt(1) });
    story.person(1803, Event::Voted { poll: None, role: "lead".into(), vote: Vote::Go, bound: None });
    let down = || "down".into();
    story.at(1804, Event::MonitorChanged { monitor: "api".into(), verdict: Verdict::Fail, why: "refused".into() });
    let failed = Some(Verdict::Fail);
    let why = "api: fail".to_owned();
    story.at(1804, Event::CriterionChanged { criterion: down(), verdict: failed, waivers: 0, why });
    let until = Some(tminus::launch::time::Instant(5_400_000));
    let reason = "planned maintenance of the probe".to_owned();
    story.person(1805, Event::CriterionWaived { criterion: down(), reason, until });
    let bound = Bound {
        release: Default::default(),
        plan_hash: String::new(),
        criteria: [("reachable".into(), Sight::Pass)].into(),
    };
    let no = Vote::NoGo { reason: "the token rotates too early".into() };
    story.person(1806, Event::Voted { poll: None, role: "security".into(), vote: no, bound: Some(bound) });
    let why = "smoke has been worse than pass for 1m".to_owned();
    story.at(1807, Event::VoteVoided { poll: None, role: "lead".into(), why });
    let bo = Actor::person("bo", Some("lead".into()));
    story.by(bo, 1808, Event::Signed { item: "sign-off".into(), role: "lead".into(), note: "as read".into() });
    story
}

fn asked(keys: &str, typed: &str, then: &str) -> Option<Command> {
    let mut console = console(polled().snapshot(1810), 120, 36);
    press(&mut console, keys);
    type_in(&mut console, typed);
    match press(&mut console, then) {
        Some(Effect::Ask(command)) => Some(command),
        _ => None,
    }
}

#[test]
fn the_poll_with_its_criteria() {
    looked("poll_criteria", &polled(), 1810, "g");
    looked("poll_criterion_waived", &polled(), 1810, "g j j j j j");
    looked("poll_zoomed_criteria", &polled(), 1810, "g j j j j j j z");
    looked("poll_of_the_checklist", &polled(), 1810, "end k k v");
    for (width, height) in [(120, 36), (80, 24)] {
        let mut console = console(polled().snapshot(1810), width, height);
        press(&mut console, "g");
        let shown = text(&screen(&mut console));
        for wanted in ["NO-GO 2/6", "VOID:", "waived"] {
            assert!(shown.contains(wanted), "{wanted} at {width}x{height}\n{shown}");
        }
    }
}

#[test]
fn the_prompts_of_poll_criteria_and_sign_off() {
    for (name, keys) in [
        ("vote_asked", "v"),
        ("judge", "g j j j j j j space tab"),
        ("waive_criterion", "g j j j j w tab"),
        ("sign", "s"),
    ] {
        let keys = if name == "sign" { "end k k k s" } else { keys };
        looked(name, &polled(), 1810, keys);
    }
    looked("signed", &polled(), 1810, "end k k k");
}

#[test]
fn what_the_keys_ask_there() {
    let judged = |met| Some(Command::Judge { criterion: "way-back".into(), met, note: "drilled".into() });
    assert_eq!(asked("g j j j j j j space", "drilled", "enter"), judged(true));
    assert_eq!(asked("g j j j j j j space tab", "drilled", "enter"), judged(false));
    // Where none is selected, the first that waits for a person.
    assert_eq!(asked("g space", "drilled", "enter"), judged(true));
    let waived = |seconds| {
        let lasts = Duration::from_secs(seconds);
        Some(Command::WaiveCriterion { criterion: "smoke".into(), reason: "known".into(), lasts })
    };
    assert_eq!(asked("g j j j j w", "known", "enter"), waived(3_600));
    assert_eq!(asked("g j j j j w tab", "known", "enter"), waived(7_200));
    assert_eq!(asked("g j j j j w", "", "enter"), None, "a waiver has its reason");
    let signed = Command::Sign { item: "sign-off".into(), role: "security".into(), note: String::new() };
    assert_eq!(asked("end k k k s", "", "enter"), Some(signed.clone()));
    assert_eq!(asked("end k k k space", "", "enter"), Some(signed));
    let voted = |poll: Option<&str>, role: &str| {
        let poll = poll.map(Into::into);
        Some(Command::Vote { poll, role: role.into(), vote: Vote::Go })
    };
    assert_eq!(asked("v", "", "enter"), voted(None, "lead"), "his is void, and the director votes last");
    assert_eq!(asked("end k k v", "", "enter"), voted(Some("second-go"), "lead"));
    assert_eq!(asked("end k k space", "", "enter"), voted(Some("second-go"), "lead"));
}
