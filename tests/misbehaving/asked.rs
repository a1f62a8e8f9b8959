//! A plan with all of it: nothing in it is vacuous, and it rehearses; a target that answers wrong turns it.

use std::time::Duration;

use tminus::base::source::Source;
use tminus::plan::{self, Options};

use super::binary::Place;

const PLAN: &str = include_str!("asked.toml");

#[tokio::test]
async fn everything_that_may_be_expected_can_fail_and_rehearses() {
    let place = Place::new(&[]);
    let plan = place.path("asked.toml");
    std::fs::write(&plan, PLAN).expect("a plan");
    let plan = plan.display().to_string();
    let checked = place.run(&["check", &plan]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(!checked.out.contains("warning[") && !checked.err.contains("warning["), "{checked:?}");
    let fly = async |folder: &str, more: &[&str]| {
        let folder = place.path(folder).display().to_string();
        place.run(&[&["rehearse", &plan, "--headless", "--launch", &folder][..], more].concat()).await
    };
    let (right, wrong) = tokio::join!(fly("right", &[]), fly("wrong", &["--fault", "wrong-status"]));
    assert_eq!(right.code, Some(0), "{right:?}");
    assert!(right.out.lines().any(|line| line.ends_with("pass 9/9")), "{}", right.out);
    assert_ne!(wrong.code, Some(0), "{wrong:?}");
    assert!(!wrong.out.contains("pass 9/9"), "{}", wrong.out);
}

#[test]
fn a_check_that_asks_more_than_once_is_given_the_time_and_never_less() {
    let load = |text: &str| {
        let environment = std::iter::empty::<(&str, &str)>().collect();
        plan::load(Source::new("asked.toml", text), &environment, &Options::default())
    };
    let loaded = load(PLAN).expect("a sound plan");
    let timeout = |id: &str| loaded.plan.items.values().find(|item| item.id.as_str() == id).expect("an item").timeout;
    for (id, seconds) in [("edge", 60 + 10), ("job", 600 + 10), ("limit", 2 * 7 + 60 + 10), ("dated", 10)] {
        assert_eq!(timeout(id), Duration::from_secs(seconds), "{id}");
    }
    let short = PLAN.replace("id = \"job\"\n", "id = \"job\"\ntimeout = \"10s\"\n");
    let found = load(&short).expect_err("too short");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(&short[found[0].span.start..found[0].span.end], "\"10s\"");
}
