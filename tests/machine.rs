//! `tminus gate` for CI: the exit code, the JSON document and the JUnit XML say the same, and both are of their
//! published forms, whatever became of the checks.

use crate::backend::{Behaviour, Contract, PASSWORD, USERNAME};
use crate::binary::Place;
use crate::forms;
use serde_json::Value;

const PLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/omniai.toml");

fn place(api: &str) -> Place {
    Place::new(&[
        ("API_BASE_URL", api),
        ("WEB_BASE_URL", "http://127.0.0.1:9"),
        ("SMOKE_USERNAME", USERNAME),
        ("SMOKE_PASSWORD", PASSWORD),
        ("LAUNCH_COMMIT", "3f6c1a9be07d2458f1c0ade49b72563d8e0fa174"),
    ])
}

/// Runs `names`, holds what is written to its form, and answers with the document and the XML.
async fn gated(place: &Place, names: &[&str], exit: i32) -> (Value, String) {
    let junit = place.path("out.xml");
    let named = junit.display().to_string();
    let ran = place.run(&[&["gate", PLAN, "--json", "--junit", &named], names].concat()).await;
    assert_eq!(ran.code, Some(exit), "{ran:?}");
    let document: Value = serde_json::from_str(&ran.out).expect("one document and nothing else");
    forms::held("gate", &document);
    assert_eq!(document["exit"], exit);
    let xml = std::fs::read_to_string(junit).expect("JUnit XML");
    forms::junit(&xml, &place.path("held.xml"));
    assert!(!xml.contains(PASSWORD), "{xml}");
    // Whoever reads the one sees what whoever reads the other sees.
    let green = xml.contains("failures=\"0\" errors=\"0\" time");
    assert_eq!(green, exit == 0, "{xml}");
    let items = document["items"].as_array().expect("items");
    for (verdict, element) in [("fail", "<failure type=\"fail\""), ("unknown", "<error type=\"")] {
        let told = items.iter().filter(|item| item["verdict"] == verdict).count();
        let own = usize::from(verdict == "unknown" && exit == 2);
        assert_eq!(xml.matches(element).count(), told + own, "{verdict} in {xml}");
    }
    (document, xml)
}

#[tokio::test]
async fn what_passes_is_green_in_every_form() {
    let contract = Contract::with(Behaviour { vary_in_two_lines: true, ..Behaviour::default() }).await;
    let place = place(&contract.url(""));
    let (document, xml) = gated(&place, &["health", "preflight"], 0).await;
    assert_eq!(document["items"].as_array().map(Vec::len), Some(2));
    assert!(xml.contains("classname=\"omniai-v1.gate-a\""), "{xml}");
}

#[tokio::test]
async fn what_fails_and_what_was_not_run_for_it_is_red_in_every_form() {
    let mut contract = Contract::start().await;
    let place = place(&contract.url(""));
    contract.stop().await;
    let (_, xml) = gated(&place, &["gate-b"], 1).await;
    assert!(xml.contains("<error type=\"not-run\" message=\"not run: "), "{xml}");
}

#[tokio::test]
async fn what_nobody_can_tell_is_an_error_and_no_failure() {
    let place = place("http://no-such-host.invalid");
    let (document, xml) = gated(&place, &["health"], 2).await;
    assert_eq!(document["verdict"], "unknown");
    assert!(xml.contains("<error type=\"unknown\"") && xml.contains("<error type=\"cannot-tell\""), "{xml}");
    assert!(!xml.contains("<failure"), "{xml}");
}

#[tokio::test]
async fn a_run_that_never_began_leaves_no_green_of_before() {
    let place = place("http://127.0.0.1:9");
    let junit = place.path("out.xml");
    std::fs::write(&junit, "<testsuites name=\"old\"/>").expect("written");
    let named = place.path("no/such/folder.xml").display().to_string();
    let ran = place.run(&["gate", PLAN, "--junit", &named, "health"]).await;
    assert_eq!(ran.code, Some(3), "told before anything is asked: {ran:?}");
    let named = junit.display().to_string();
    let child = place.start(&["gate", PLAN, "--junit", &named, "health"]);
    let ran = crate::binary::ended(child).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(!std::fs::read_to_string(&junit).expect("written").contains("old"));
}

#[tokio::test]
async fn a_plan_that_does_not_load_leaves_no_green_of_before() {
    let place = place("http://127.0.0.1:9");
    let plan = place.path("broken.toml");
    std::fs::write(&plan, "[plan]\nschema = 1\n").expect("written");
    let (plan, junit) = (plan.display().to_string(), place.path("out.xml"));
    let named = junit.display().to_string();
    for command in [vec!["gate"], vec!["run", "--headless"], vec!["rehearse", "--headless"]] {
        std::fs::write(&junit, "<testsuites name=\"old\"/>").expect("written");
        let ran = place.run(&[&command[..], &[&plan, "--junit", &named]].concat()).await;
        assert_eq!(ran.code, Some(3), "{command:?}: {ran:?}");
        assert!(!junit.exists(), "{command:?}");
    }
}

#[tokio::test]
async fn verdicts_are_printed_though_their_file_cannot_be_written() {
    let place = place("http://127.0.0.1:9");
    let (folder, plan) = (place.path("goes"), place.path("plan.toml"));
    let named = folder.join("out.xml").display().to_string();
    // The folder of the file is gone by the time it is to be written: the checks themselves take it away.
    let text = format!(
        "[plan]\nschema = 1\nid = 'p'\ntitle = 'P'\nenvironment = 'test'\n[[phase]]\nid = 'a'\ntitle = 'A'\nat = 'T-1h'\n\
         gate = true\n[[phase.item]]\nid = 'look'\ntitle = 'Look'\n[phase.item.command]\nshell = \"rmdir {}; FAILS\"\n",
        folder.display()
    );
    for (ends, code) in [("exit 1", 1), ("exit 0", 3)] {
        std::fs::create_dir(&folder).expect("made");
        std::fs::write(&plan, text.replace("FAILS", ends)).expect("written");
        let ran = place.run(&["gate", &plan.display().to_string(), "--json", "--junit", &named]).await;
        let document: Value = serde_json::from_str(&ran.out).unwrap_or_default();
        assert!(document["exit"] == i32::from(ends == "exit 1") && ran.code == Some(code), "{ran:?}");
        assert!(ran.err.contains("failed to write"), "{ran:?}");
    }
}

#[test]
fn a_form_refuses_what_is_not_of_it() {
    for name in ["gate", "launch"] {
        let text =
            std::fs::read_to_string(format!("{}/docs/{name}.schema.json", env!("CARGO_MANIFEST_DIR"))).expect(name);
        let schema: Value = serde_json::from_str(&text).expect("JSON");
        assert!(!forms::wrong(&schema, &serde_json::json!({ "version": 1 })).is_empty());
    }
}
