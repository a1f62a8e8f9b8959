//! `tminus report`: what a flown launch came to, in two forms that are made again the same, opened in a real browser;
//! and what a CI server reads of the same flight, held to the published forms.

use std::path::Path;

use crate::binary::{Place, Ran};
use crate::browser::Browser;
use crate::forms;
use serde_json::Value;

const PLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/omniai.toml");
/// What a plan's author could have a browser do, if it were let.
const EVIL: &str = "<img src=x onerror=console.log(1)><script>console.log(2)</script>";

/// The bundled plan under a hostile title, flown with a fault that a trigger answers.
async fn flown(place: &Place) -> (Ran, String) {
    let text = std::fs::read_to_string(PLAN).expect("the plan");
    let (title, into) = ("title = \"OmniAI v1.0\"", format!("title = \"OmniAI v1.0 {EVIL}\""));
    assert_eq!(text.matches(title).count(), 1, "the plan's own title");
    let (plan, folder) = (place.path("plan.toml"), place.path("launch").display().to_string());
    std::fs::write(&plan, text.replace(title, &into)).expect("written");
    let (plan, junit) = (plan.display().to_string(), place.path("out.xml").display().to_string());
    let faults = ["--drill-faults", "--fault", "errors=60%@T+10m..rollback"];
    let arguments = ["rehearse", &plan, "--headless", "--launch", &folder, "--json", "--junit", &junit];
    (place.run(&[&arguments[..], &faults].concat()).await, folder)
}

async fn report(place: &Place, folder: &str, more: &[&str]) -> Ran {
    place.run(&[&["report", folder], more].concat()).await
}

fn holds(page: &str, all: &[&str]) {
    for said in all {
        assert!(page.contains(said), "no `{said}` in\n{page}");
    }
}

#[tokio::test]
async fn a_flown_launch_is_told_in_every_form() {
    let place = Place::new(&[]);
    let (ran, folder) = flown(&place).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    // For machines.
    let document: Value = serde_json::from_str(&ran.out).expect("one document and nothing else");
    forms::held("launch", &document);
    assert_eq!((&document["rehearsal"], &document["exit"]), (&true.into(), &0.into()));
    assert_eq!(document["countdown"]["phase"], "liftoff");
    let xml = std::fs::read_to_string(place.path("out.xml")).expect("JUnit XML");
    forms::junit(&xml, &place.path("junit"));
    holds(&xml, &["REHEARSAL: OmniAI v1.0 &lt;img", "failures=\"0\" errors=\"0\""]);
    // For people.
    let page = report(&place, &folder, &[]).await;
    assert_eq!((page.code, page.err.as_str()), (Some(0), ""), "{}", page.err);
    let mark = report(&place, &folder, &["--markdown"]).await;
    holds(
        &page.out,
        &[
            "<!doctype html>",
            "REHEARSAL",
            "REHEARSED to T-0",
            "errors-2m",
            "ROLLBACK frontend",
            "Samples of monitor.api",
        ],
    );
    holds(&mark.out, &["# REHEARSAL: OmniAI v1.0", "errors-2m", "| Backend lead | ✓ GO |", "✗ breached", "GENERATED"]);
    assert!(!page.out.contains("<img") && !page.out.contains("<script"), "a title is text");
    let file = place.path("report.html");
    let named = file.display().to_string();
    for _ in 0..2 {
        let again = report(&place, &folder, &["-o", &named]).await;
        assert_eq!((again.code, again.out.as_str()), (Some(0), ""));
        assert_eq!(std::fs::read_to_string(&file).expect("written"), page.out, "the same launch, the same bytes");
    }
    in_a_browser(&place, &page.out).await;
    what_if(&place, &folder).await;
    broken(&place, &folder).await;
}

/// A real browser makes of it what was meant, and has nothing to say against it.
async fn in_a_browser(place: &Place, page: &str) {
    let Some(browser) = Browser::find() else { return };
    let file = place.path("page.html");
    std::fs::write(&file, page).expect("written");
    let seen = browser.opens(&file, &place.path("browser")).await;
    assert_eq!(seen.said, Vec::<String>::new(), "nothing on its console");
    let sections = page.matches("<section id=").count();
    assert!(sections >= 10, "{sections}");
    assert_eq!(seen.dom.matches("<section id=").count(), sections);
    assert_eq!(seen.dom.matches("<svg ").count(), page.matches("<svg ").count());
    assert!(!seen.dom.contains("<img") && !seen.dom.contains("<script"), "no text became a tag");
    holds(
        &seen.dom,
        &["onerror=console.log(1)", "REHEARSAL · nothing of this was real", "Made by tminus from records"],
    );
    // That it would have been heard: a sheet that is not the one whose hash the policy has.
    let other = page.replacen("<style>", "<style> ", 1);
    std::fs::write(&file, other).expect("written");
    let seen = browser.opens(&file, &place.path("browser")).await;
    assert!(seen.said.iter().any(|line| line.contains("Content Security Policy")), "{:?}", seen.said);
}

/// The samples of the flight through other thresholds: by its own plan triggers fire when they fired, by one that allows
/// more they never do, and every run says the same.
async fn what_if(place: &Place, folder: &str) {
    let own = std::fs::read_to_string(place.path("plan.toml")).expect("the plan");
    let ask = async |name: &str, plan: String| {
        let path = place.path(name);
        std::fs::write(&path, plan).expect("written");
        let ran = place.run(&["what-if", folder, &path.display().to_string()]).await;
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
        ran.out
    };
    let line = |out: &str, of: &str| out.lines().find(|line| line.starts_with(of)).expect("a line").to_owned();
    let same = line(&ask("same.toml", own.clone()).await, "trigger errors-2m");
    let (fired, would) = same.split_once(", would have fired ").expect("both");
    let fired = fired.split_once(": fired ").expect("a time").1;
    assert!(fired.starts_with("at T+00:12:") && would.starts_with(fired), "{same}");
    let lax = own.replace("error_rate <= 5%", "error_rate <= 90%");
    assert_ne!(lax, own);
    let out = ask("lax.toml", lax.clone()).await;
    assert_eq!(out, ask("lax.toml", lax).await, "bit by bit");
    assert!(line(&out, "trigger errors-2m").ends_with("would have fired never"), "{out}");
    assert!(line(&out, "objective errors").contains("error rate at most 90%: no breach"), "{out}");
}

/// A journal that does not read to its end is told as far as it does, and that stands at the head of it.
async fn broken(place: &Place, folder: &str) {
    let journal = Path::new(folder).join("journal.db");
    let store = rusqlite::Connection::open(journal).expect("opens");
    store.execute_batch("UPDATE records SET bytes = X'7b7d' WHERE seq = 40").expect("changed");
    drop(store);
    let page = report(place, folder, &["--markdown"]).await;
    assert_eq!(page.code, Some(2), "{}", page.err);
    holds(&page.err, &["not all of the journal could be read", "tminus verify"]);
    holds(&page.out, &["> ✗ The journal:", "records 1 to 39"]);
}

#[tokio::test]
async fn what_is_no_launch_is_said_and_nothing_is_written() {
    let place = Place::new(&[]);
    let (folder, out) = (place.path("none").display().to_string(), place.path("x.html"));
    let ran = report(&place, &folder, &["-o", &out.display().to_string()]).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("there is no launch at") && !out.exists(), "{ran:?}");
}
