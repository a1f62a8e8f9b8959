//! The five launches of `config/` at their real places: a user sets what `tminus check PLAN --env PLACE` lists as missing,
//! and nothing else. Nothing of a place is reached: every address is one of this machine where nobody listens.

use std::path::Path;

use crate::binary::Place;

/// Each with an item that is soon through.
const PLANS: [(&str, &str); 5] = [
    ("omniai", "health"),
    ("nanostyle", "commit"),
    ("oneshot", "hardened-settings"),
    ("socialproject", "checkout-stands"),
    ("onesource", "contexts"),
];
const PLACES: [&str; 2] = ["staging", "production"];
const MISSING: &str = "a launch needs these in the environment, which are not set here: ";

/// A value of the kind that the name tells of; no two secrets have the same.
fn value(name: &str, folder: &str) -> String {
    let of = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let lower = name.to_lowercase().replace('_', "-");
    match name {
        _ if of(&["COMMIT"]) || name.ends_with("_SHA") => "a".repeat(40),
        _ if name.ends_with("_DIR") => folder.to_owned(),
        _ if of(&["DATABASE_URL"]) => format!("postgres://127.0.0.1:9/{lower}"),
        _ if of(&["WEBHOOK"]) && !of(&["SECRET"]) => format!("https://127.0.0.1:9/{lower}"),
        _ if of(&["SECRET", "TOKEN", "PASSWORD", "KEY"]) => format!("x9{lower}-long-enough-to-be-one"),
        _ if name.ends_with("_AAAA") => "::1".to_owned(),
        _ if of(&["HOST"]) || name.ends_with("_A") => "127.0.0.1".to_owned(),
        // One that is rightly refused as the address of a service: `localhost`, or a number.
        _ if of(&["URL", "ORIGIN", "ASSET"]) => "https://service.invalid".to_owned(),
        _ if of(&["EMAIL"]) => "someone@example.org".to_owned(),
        _ if of(&["VERSION"]) => "1.2.3".to_owned(),
        _ => lower,
    }
}

fn missing(out: &str) -> Vec<String> {
    let listed = out.lines().find_map(|line| line.strip_prefix(MISSING));
    listed.map(|names| names.split(", ").map(str::to_owned).collect()).unwrap_or_default()
}

#[tokio::test]
async fn a_user_sets_what_check_lists_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    for (plan, item) in PLANS {
        for at in PLACES {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/{plan}.toml")).display().to_string();
            let check = ["check", path.as_str(), "--env", at];
            let bare = Place::new(&[]).run(&check).await;
            let names = missing(&bare.out);
            assert!(bare.code == Some(0) && !names.is_empty(), "{plan} {at}: {bare:?}");
            let folder = folder.path().display().to_string();
            let set: Vec<(String, String)> = names.iter().map(|name| (name.clone(), value(name, &folder))).collect();
            let with = |left_out: Option<&str>| {
                let kept = set.iter().filter(|(name, _)| Some(name.as_str()) != left_out);
                Place::new(&kept.map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>())
            };
            // A launch there begins: what is not sound, or not set, would be said.
            let gate = ["gate", path.as_str(), "--env", at, item];
            let began = with(None).run(&gate).await;
            let unset = began.err.contains("is not set");
            assert!(matches!(began.code, Some(0..=2)) && !unset, "{plan} {at}: {}{}", began.out, began.err);
            // A secret that is not set is said, and what needs it cannot be told; of anything else nothing begins.
            let told = with(Some(&names[0])).run(&gate).await;
            assert!(told.code != Some(0) && told.err.contains(&names[0]), "{plan} {at}: {told:?}");
        }
    }
}
