//! The playbooks for what is red: before one was run, while it runs and after it.

use std::time::Duration;

use tminus::launch::command::Command;
use tminus::launch::event::{Event, Mode};
use tminus::launch::live::OutputView;
use tminus::launch::plan::SpecId;
use tminus::launch::playbook::{Look, Playbook};
use tminus::launch::verdict::Verdict;
use tminus::ui::state::Effect;

use super::console::{Story, console, looked, outcome, plan, press, screen, text, under_way};

pub fn story() -> Story {
    let look = |part: &str, title: &str| Look {
        id: format!("login-fails/{part}").as_str().into(),
        title: title.into(),
        spec: SpecId(0),
        timeout: Duration::from_secs(60),
    };
    let playbook = |id: &str, title: &str, item: &str| Playbook {
        id: id.into(),
        title: title.into(),
        items: vec![item.into()],
        steps: vec![
            look("pods", "Pods of the API"),
            look("secret", "Is the session secret set"),
            look("log", "Its log"),
        ],
    };
    let mut plan = plan();
    plan.playbooks =
        vec![playbook("slow", "The API is slow", "health"), playbook("login-fails", "Nobody gets in", "login")];
    let mut story = Story::of(plan, Mode::Launch);
    story.records = under_way(Mode::Launch).records;
    story
}

fn run(story: &mut Story) {
    let playbook = || "login-fails".into();
    story.person(1900, Event::PlaybookStarted { playbook: playbook(), run: 1 });
    for (part, verdict, exit) in [("pods", Verdict::Pass, 0), ("secret", Verdict::Fail, 1)] {
        let step = format!("login-fails/{part}").as_str().into();
        let outcome = outcome(exit);
        story.at(1902, Event::PlaybookStepEnded { playbook: playbook(), run: 1, step, verdict, outcome });
    }
    let output =
        |lines: &[&str]| OutputView { tail: lines.iter().map(|line| (*line).into()).collect(), bytes: 9, weight: None };
    let said = [
        ("login-fails/pods", output(&["NAME   READY", "api-0  1/1", "api-1  0/1"])),
        ("login-fails/secret", output(&["SESSION_SECRET is not set"])),
    ];
    story.live.outputs.extend(said.map(|(step, output)| (step.into(), output)));
}

/// To the item that failed.
const TO_LOGIN: &str = "j j j j j j";

#[test]
fn playbooks_are_seen_before_and_while_one_runs() {
    let mut story = story();
    looked("playbooks", &story, 1899, &format!("{TO_LOGIN} b"));
    run(&mut story);
    looked("playbooks_run", &story, 1903, &format!("{TO_LOGIN} b"));
}

#[test]
fn one_key_runs_the_selected_one_and_the_list_stays() {
    let mut console = console(story().snapshot(1899), 120, 36);
    press(&mut console, TO_LOGIN);
    assert!(text(&screen(&mut console)).contains("b looks: Nobody gets in"));
    press(&mut console, "b");
    let effect = press(&mut console, "enter");
    assert_eq!(effect, Some(Effect::Ask(Command::RunPlaybook { playbook: "login-fails".into() })));
    assert!(text(&screen(&mut console)).contains("Is the session secret set"));
}
