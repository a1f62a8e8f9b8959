//! Choices and branches in plans: what a launch with a tunnel mode says, and each mistake at its place.

use super::{read, with_items, wrong};
use tminus::launch::id::ItemId;
use tminus::launch::plan::Act;

const MODE: &str =
    "[[phase.item]]\nid = \"mode\"\n[phase.item.choice]\noptions = [{ id = \"named\" }, { id = \"ephemeral\" }]\n";

fn item(id: &str, more: &str) -> String {
    format!("[[phase.item]]\nid = \"{id}\"\n{more}\nmanual = {{}}\n")
}

fn when(choice: &str, is: &str) -> String {
    format!("when = {{ choice = \"{choice}\", is = {is} }}")
}

#[test]
fn items_and_whole_phases_stand_on_branches() {
    let text = with_items(
        "",
        &(MODE.to_owned()
            + &item("token", &when("mode", "\"named\""))
            + &item("either", &when("mode", "[\"named\", \"ephemeral\"]"))
            + "[[phase]]\nid = \"share\"\nat = \"T-10m\"\nwhen = { choice = \"mode\", is = \"ephemeral\" }\n"
            + &item("quick", "")
            + "[[phase.item]]\nid = \"zone\"\nchoice = { options = [{ id = \"eu\", title = \"Europe\" }, { id = \"us\" }] }\n"
            + &item("eu", &when("zone", "\"eu\""))),
    );
    let plan = read(&text).unwrap_or_else(|found| panic!("{found:?}")).plan;
    let on =
        |id: &str| plan.items[&ItemId::new(id)].when.clone().map(|when| (when.choice.to_string(), when.is.join(" ")));
    assert_eq!(on("mode"), None);
    assert_eq!(on("token"), Some(("mode".into(), "named".into())));
    assert_eq!(on("either"), Some(("mode".into(), "named ephemeral".into())));
    assert_eq!(on("quick"), Some(("mode".into(), "ephemeral".into())), "its phase's");
    assert_eq!(on("eu"), Some(("zone".into(), "eu".into())), "its own: its choice is on the phase's branch");
    let Act::Choice { options, role: None } = &plan.items[&ItemId::new("zone")].act else { panic!("a choice") };
    assert_eq!((options[0].title.as_str(), options[1].title.as_str()), ("Europe", "us"));
}

#[test]
fn each_mistake_of_a_branch_is_told_at_its_place() {
    let early = "at = \"T-30m\"\n";
    for (items, code, at) in [
        (MODE.to_owned() + &item("x", &when("mod", "\"named\"")), "unknown-choice", "\"mod\""),
        (item("y", "") + &item("x", &when("y", "\"named\"")), "unknown-choice", "\"y\""),
        (MODE.to_owned() + &item("x", &when("mode", "\"nmed\"")), "unknown-option", "\"nmed\""),
        (MODE.to_owned() + &item("x", &when("mode", "[\"named\", \"other\"]")), "unknown-option", "\"other\""),
        (MODE.to_owned() + &item("x", &when("mode", "[]")), "wrong-value", "[]"),
        (MODE.to_owned() + &item("x", "when = { choice = \"mode\" }"), "missing-key", "{ choice = \"mode\" }"),
        (
            MODE.replace("[phase.item.choice]", &format!("{early}[phase.item.choice]"))
                + &item("x", &when("mode", "\"named\"")),
            "wrong-order",
            "\"mode\"",
        ),
        (MODE.replace("id = \"mode\"", &format!("id = \"mode\"\n{}", when("mode", "\"named\""))), "ring", "\"mode\""),
        (
            MODE.replace("id = \"mode\"", "id = \"mode\"\nneeds = [\"x\"]") + &item("x", &when("mode", "\"named\"")),
            "ring",
            "\"x\"",
        ),
        (
            "[[phase.item]]\nid = \"c\"\nchoice = { options = [{ id = \"a\" }] }\n".into(),
            "wrong-value",
            "[{ id = \"a\" }]",
        ),
        (
            "[[phase.item]]\nid = \"c\"\nchoice = { options = [{ id = \"a\" }, { id = \"a\" }] }\n".into(),
            "duplicate-id",
            "\"a\"",
        ),
        (
            "[[phase.item]]\nid = \"c\"\nchoice = { options = [{ id = \"a\" }, { id = \"b\u{1b}\" }] }\n".into(),
            "syntax",
            "",
        ),
        (
            "[[phase.item]]\nid = \"c\"\nchoice = { options = [{ id = \"a\" }, { id = \"b b\" }] }\n".into(),
            "wrong-value",
            "\"b b\"",
        ),
        ("[[phase.item]]\nid = \"c\"\nchoice = {}\n".into(), "missing-key", "{}"),
        (
            "[[phase.item]]\nid = \"c\"\nchoice = { role = \"nobody\", options = [{ id = \"a\" }, { id = \"b\" }] }\n"
                .into(),
            "unknown-role",
            "\"nobody\"",
        ),
        (
            MODE.to_owned()
                + "[[phase.item]]\nid = \"n\"\nchoice = { options = [{ id = \"a\" }, { id = \"b\" }] }\n\
                   [[phase]]\nid = \"share\"\nat = \"T-10m\"\nwhen = { choice = \"mode\", is = \"named\" }\n"
                + &item("x", &when("n", "\"a\"")),
            "two-branches",
            "\"n\"",
        ),
    ] {
        let found = wrong(&with_items("", &items));
        let told = found.iter().any(|(known, place)| *known == code && (at.is_empty() || place == at));
        assert!(told, "{code} at {at}: {found:?}\n{items}");
    }
    let found = read(&with_items("", &(MODE.to_owned() + &item("x", &when("mode", "\"nmed\""))))).expect_err("unknown");
    assert_eq!(found[0].label, "did you mean `named`?");
}
