//! Where a rollback acts: where the launch was opened for, by the variables as they were set then, whatever the
//! terminal that asks for it has in its environment.

use std::fs;

use tokio::process::Child;

use crate::anywhere::{Launch, plan, verified};
use crate::binary::{ended, signal};
use rustix::process::Signal;
use tminus::launch::event::Event;

const VARS: &str = r#"
[vars]
where = { env = "WHERE", default = "by-default" }
must = { env = "MUST", required = true }

[target.staging]
vars = { where = { env = "STAGING", default = "staging-by-default" } }

[plan]"#;

async fn launch() -> Launch {
    Launch::of(|place, target| {
        let plan = plan(place, target, "echo $WHERE $MUST >> PLACE/where");
        let told = "'''\nenv = { WHERE = \"{{ where }}\", MUST = \"{{ must }}\" }\n[[rollback.verify]]";
        plan.replace("\n[plan]", VARS).replace("'''\n[[rollback.verify]]", told)
    })
    .await
}

async fn killed(mut holder: Child, launch: &Launch) {
    launch.until(|record| matches!(record.event, Event::StepStarted { .. })).await;
    signal(&holder, Signal::KILL);
    holder.wait().await.expect("gone");
}

fn acted(launch: &Launch) -> String {
    fs::read_to_string(launch.place.path("where")).unwrap_or_default()
}

#[tokio::test]
async fn a_rollback_acts_where_the_launch_was_opened_for_and_not_where_its_terminal_points() {
    let launch = launch().await;
    killed(launch.fly(&[("WHERE", "here"), ("MUST", "this")]), &launch).await;
    verified(&ended(launch.ask("back", &[])).await);
    assert_eq!(acted(&launch), "here this\n", "a terminal without the environment");
    verified(&ended(launch.ask_with("back", &[], &[("WHERE", "elsewhere"), ("MUST", "that")])).await);
    assert_eq!(acted(&launch), "here this\nhere this\n", "a terminal with another");
}

#[tokio::test]
async fn what_was_not_set_at_the_opening_is_not_set_afterwards() {
    let launch = launch().await;
    killed(launch.fly(&[("MUST", "this")]), &launch).await;
    verified(&ended(launch.ask_with("back", &[], &[("WHERE", "elsewhere")])).await);
    assert_eq!(acted(&launch), "by-default this\n");
}

#[tokio::test]
async fn a_launch_for_another_place_is_gone_on_with_and_rolled_back_there() {
    let launch = launch().await;
    let (path, at) = (launch.place.path("plan.toml").display().to_string(), launch.at());
    let env = [("WHERE", "here"), ("MUST", "this"), ("STAGING", "staging")];
    let opened = ["run", "--headless", "--env", "staging", "--launch", &at, &path];
    killed(launch.start(&opened, &env), &launch).await;
    verified(&ended(launch.ask("back", &[])).await);
    assert_eq!(acted(&launch), "staging this\n");

    let other = ended(launch.start(&["run", "--headless", "--env", "test", "--launch", &at], &[])).await;
    assert_eq!(other.code, Some(3), "{other:?}");
    assert!(other.err.contains("opened for staging, not test"), "{other:?}");
    let verify = ended(launch.start(&["verify", &at], &[])).await;
    assert_eq!(verify.code, Some(0), "{verify:?}");
    let site = launch.folder.join("launch.json");
    let changed = fs::read_to_string(&site).expect("there").replace("\"target\": \"staging\"", "\"target\": \"test\"");
    fs::write(&site, changed).expect("written");
    let verify = ended(launch.start(&["verify", &at], &[])).await;
    assert!(verify.code == Some(1) && verify.out.contains("names another target"), "{verify:?}");
    let back = ended(launch.start(&["run", "--headless", "--launch", &at], &[])).await;
    assert!(back.code == Some(3) && back.err.contains("names another target"), "{back:?}");
}
