//! Places: what the variables are at each, what is missing where, and what may name one.

use super::{Environment, Loaded, Options, load};
use crate::base::source::{Diagnostic, Severity, Source};
use crate::kind::{Spec, check};
use crate::launch::id::ItemId;
use crate::launch::threshold::Threshold;

const PLAN: &str = r#"
[plan]
schema = 1
id = "p"
title = "P"
environment = "production"

[vars]
api = { env = "API", required = true }
most = "5%"
names = ["a", "d"]

[target.production]
vars = { most = "1%" }

[target.staging]
vars = { api = "https://staging.example.com", names = ["b", "c"] }

[target.lab]
vars = { api = { env = "LAB_API", required = true } }

[session.lab]
base = "{{ api }}"
target = "lab"

[[phase]]
id = "gate"
title = "Gate"
at = "T-1h"
gate = true

[[phase.item]]
id = "here"
http = { get = "{{ api }}/health", expect = { status = 200 } }

[[phase.item]]
id = "there"
target = "staging"
for_each = { name = "names" }
http = { get = "{{ api }}/{{ name }}", expect = { status = 200 } }

[[monitor]]
id = "api"
every = "1s"
http = { get = "{{ api }}/health" }

[[monitor]]
id = "staging"
every = "1s"
target = "staging"
http = { get = "{{ api }}/health" }

[[objective]]
id = "errors"
signal = "monitor.api"
that = "error_rate <= {{ most }}"
window = "10m"
min_samples = 100
"#;

fn read(text: &str, set: &[(&str, &str)], target: Option<&str>) -> Result<Loaded, Vec<Diagnostic>> {
    let environment = set.iter().copied().collect::<Environment>();
    let options = Options { target: target.map(str::to_owned), ..Options::default() };
    load(Source::new("plan.toml", text), &environment, &options)
}

/// The address that an item or a monitor asks.
fn asked(loaded: &Loaded, owner: &str) -> String {
    let owner = ItemId::new(owner);
    let entry = loaded.catalogue.entries.iter().find(|entry| entry.owner == owner).expect("an entry");
    let Spec::Check(check::Spec::Http(http)) = &entry.spec else { panic!("http") };
    http.call.address.text(&entry.scope).expect("bound")
}

fn most(loaded: &Loaded) -> Threshold {
    loaded.plan.objectives.first().expect("one objective").that.clone()
}

fn at_most(share: &str) -> Threshold {
    Threshold::parse(&format!("error_rate <= {share}")).expect("a threshold")
}

fn messages(text: &str, set: &[(&str, &str)], target: Option<&str>) -> Vec<String> {
    let found = read(text, set, target).expect_err("a mistake");
    let errors = found.into_iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| found.message).collect()
}

const API: &[(&str, &str)] = &[("API", "https://api.example.com"), ("LAB_API", "https://lab.example.com")];

#[test]
fn the_plans_own_environment_is_launched_to_with_its_own_values_unless_another_is_asked_for() {
    let loaded = read(PLAN, API, None).expect("sound");
    assert_eq!((loaded.plan.environment.as_str(), loaded.plan.target.as_deref()), ("production", None));
    assert_eq!(asked(&loaded, "here"), "https://api.example.com/health");
    assert_eq!(most(&loaded), at_most("1%"), "the values of [target.production]");

    let loaded = read(PLAN, API, Some("staging")).expect("sound");
    assert_eq!((loaded.plan.environment.as_str(), loaded.plan.target.as_deref()), ("staging", Some("staging")));
    assert_eq!(asked(&loaded, "here"), "https://staging.example.com/health");
    assert_eq!(most(&loaded), at_most("5%"));
}

#[test]
fn what_names_a_place_has_its_values_and_what_stands_after_it_has_not() {
    let loaded = read(PLAN, API, None).expect("sound");
    assert_eq!(asked(&loaded, "there[b]"), "https://staging.example.com/b", "the list too is that of the place");
    assert_eq!(loaded.plan.items[&ItemId::new("there[b]")].target.as_deref(), Some("staging"));
    assert_eq!(loaded.plan.items[&ItemId::new("here")].target, None);
    assert_eq!(asked(&loaded, "monitor.staging"), "https://staging.example.com/health");
    assert_eq!(asked(&loaded, "monitor.api"), "https://api.example.com/health");
    // Seen from there it is no other place.
    let loaded = read(PLAN, API, Some("staging")).expect("sound");
    assert_eq!(loaded.plan.items[&ItemId::new("there[b]")].target, None);
}

#[test]
fn from_another_place_the_plans_own_environment_is_as_written_and_not_as_that_place() {
    let text = PLAN.replace("target = \"staging\"\nfor_each", "target = \"production\"\nfor_each");
    let loaded = read(&text, API, Some("staging")).expect("sound");
    assert_eq!(asked(&loaded, "there[a]"), "https://api.example.com/a");
    assert_eq!(asked(&loaded, "here"), "https://staging.example.com/health");
}

#[test]
fn a_variable_is_missing_where_something_stands_on_it_and_nowhere_else() {
    let without_lab = PLAN.replace("[session.lab]\nbase = \"{{ api }}\"\ntarget = \"lab\"\n", "");
    assert!(read(&without_lab, &[], Some("staging")).is_ok(), "staging sets the address itself, nobody stands on lab");
    let told = messages(&without_lab, &[], None);
    assert_eq!(told, ["`api` needs the environment variable API, which is not set"], "once, however many use it");
    let told = messages(PLAN, &[], Some("staging"));
    assert_eq!(told, ["`api` needs the environment variable LAB_API, which is not set"]);
    assert!(read(PLAN, &API[1..], Some("lab")).is_ok(), "lab has its own");
}

#[test]
fn an_item_of_a_session_is_where_its_session_is() {
    let item =
        "\n[[phase.item]]\nid = \"in-lab\"\nsession = \"lab\"\nhttp = { get = \"/x\", expect = { status = 200 } }\n";
    let at = PLAN.find("\n[[monitor]]").expect("there");
    let with = |item: &str| format!("{}{item}{}", &PLAN[..at], &PLAN[at..]);
    let loaded = read(&with(item), API, None).expect("sound");
    assert_eq!(loaded.plan.items[&ItemId::new("in-lab")].target.as_deref(), Some("lab"));
    let session = loaded.catalogue.sessions.values().next().expect("one session");
    assert_eq!(session.base.as_ref().expect("a base").text(&session.scope).expect("bound"), "https://lab.example.com");
    for other in ["staging", "production"] {
        let item = item.replace("session =", &format!("target = \"{other}\"\nsession ="));
        let told = messages(&with(&item), API, None);
        assert_eq!(told, [format!("an item of session `lab`, which is at lab, and not at {other}")]);
    }
}

#[test]
fn a_monitor_of_a_session_is_where_its_session_is() {
    let round = "\n[[monitor]]\nid = \"round\"\nevery = \"1s\"\nsession = \"lab\"\n[[monitor.item]]\nid = \"x\"\n\
                 http = { get = \"/x\", expect = { status = 200 } }\n";
    let with = |target: &str| {
        let named = format!("session = \"lab\"\ntarget = \"{target}\"");
        format!("{PLAN}{}", round.replace("session = \"lab\"", &named))
    };
    for text in [format!("{PLAN}{round}"), with("lab")] {
        let loaded = read(&text, API, None).expect("sound");
        let of_round = loaded.catalogue.sessions.iter().find(|(id, _)| id.as_str() == "monitor.round");
        let (_, session) = of_round.expect("a session of its own");
        assert_eq!(
            session.base.as_ref().expect("a base").text(&session.scope).expect("bound"),
            "https://lab.example.com"
        );
    }
    for other in ["staging", "production"] {
        let told = messages(&with(other), API, None);
        assert_eq!(told, [format!("[monitor] of session `lab`, which is at lab, and not at {other}")]);
    }
    assert_eq!(messages(&with("stagign"), API, None), ["no target `stagign`: there is no [target.stagign]"]);
}

#[test]
fn a_place_that_is_none_is_a_mistake_wherever_it_is_named() {
    for (named, instead) in [
        ("target = \"staging\"\nfor_each", "target = \"stagign\"\nfor_each"),
        ("every = \"1s\"\ntarget = \"staging\"", "every = \"1s\"\ntarget = \"stagign\""),
        ("target = \"lab\"", "target = \"stagign\""),
    ] {
        assert!(PLAN.contains(named), "{named}");
        let told = messages(&PLAN.replacen(named, instead, 1), API, None);
        assert_eq!(told, ["no target `stagign`: there is no [target.stagign]"], "{instead}");
    }
    assert_eq!(messages(PLAN, API, Some("moon")), ["no target `moon` in this plan, which is for `production`"]);
    let told = messages(&PLAN.replace("{{ most }}", "{{ least }}"), API, None);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn in_a_rehearsal_the_plans_own_value_stands_in_for_what_a_target_lacks() {
    let text = PLAN.replace("api = { env = \"API\", required = true }", "api = \"https://api.example.com\"");
    let options = Options { rehearsal: true, target: Some("lab".into()), ..Options::default() };
    let loaded = load(Source::new("plan.toml", text), &Environment::default(), &options).expect("sound");
    assert_eq!(asked(&loaded, "here"), "https://api.example.com/health");
    let unset: Vec<&str> = loaded.unset.iter().map(|unset| unset.variable.as_str()).collect();
    assert_eq!(unset, ["LAB_API"], "and is told");
}

#[test]
fn a_drill_is_never_where_the_launch_is_whatever_place_was_asked_for() {
    let drill =
        "\n[[phase.item]]\nid = \"drill\"\nclass = \"once\"\ndrill = { rollback = \"back\", target = \"staging\" }\n";
    let back = "\n[[rollback]]\nid = \"back\"\nkey = \"1\"\nstep = [{ id = \"s\", class = \"idempotent\", run = { command = \
                [\"true\"] } }]\nverify = [{ id = \"v\", http = { get = \"{{ api }}\", expect = { status = 200 } } }]\n";
    let at = PLAN.find("\n[[monitor]]").expect("there");
    let text = format!("{}{drill}{}{back}", &PLAN[..at], &PLAN[at..]);
    let load = |target: &str, rehearsal, no_launch| {
        let options = Options { target: Some(target.to_owned()), rehearsal, no_launch, ..Options::default() };
        let environment = API.iter().copied().collect::<Environment>();
        load(Source::new("plan.toml", text.clone()), &environment, &options)
    };
    assert!(load("lab", false, false).is_ok());
    assert!(read(&text, API, None).is_ok());
    let told = load("staging", false, false).expect_err("a drill against the launch itself");
    let told = told.iter().filter(|told| told.severity == Severity::Error);
    let told: Vec<_> = told.map(|told| (told.code, told.message.as_str())).collect();
    assert_eq!(told, [("drill-on-launch", "a drill against `staging`, which is where this plan is launched to")]);
    assert!(load("staging", true, false).is_ok(), "a rehearsal drills nothing for real");
    assert!(load("staging", false, true).is_ok(), "the drill itself reads the plan from there");
}

const SECRETS: &str = r#"
[plan]
schema = 1
id = "p"
title = "P"
environment = "production"
[vars]
api = "https://api.example"
[target.production]
secrets = { token = { env = "LIVE_TOKEN" } }
[target.staging]
vars = { api = { env = "STAGING_API", default = "https://staging.example" } }
secrets = { token = { env = "STAGING_TOKEN" } }
[target.test.vars]
api = "https://test.example"
[secrets]
token = { env = "TOKEN" }
[[phase]]
id = "a"
at = "T-1h"
[[phase.item]]
id = "here"
http = { get = "{{ api }}/", headers = { X-Token = "{{ token }}" } }
[[phase.item]]
id = "there"
target = "staging"
http = { get = "{{ api }}/", headers = { X-Token = "{{ token }}" } }
[[phase.item]]
id = "here-again"
http = { get = "{{ api }}/", headers = { X-Token = "{{ token }}" } }
"#;

fn token(loaded: &Loaded, owner: &str) -> String {
    let entry = loaded.catalogue.entries.iter().find(|entry| entry.owner.as_str() == owner).expect(owner);
    entry.scope.get("token").expect("bound").value.as_str().expect("text").to_owned()
}

#[test]
fn a_secret_is_the_one_of_the_place_where_it_is_used() {
    let set = [("TOKEN", "token-of-all"), ("LIVE_TOKEN", "token-of-live"), ("STAGING_TOKEN", "token-of-staging")];
    let of = |target: Option<&str>| {
        let loaded = read(SECRETS, &set, target).expect("sound");
        ["here", "there", "here-again"].map(|owner| token(&loaded, owner).replace("token-of-", "")).join(" ")
    };
    assert_eq!(of(None), "live staging live");
    assert_eq!(of(Some("staging")), "staging staging staging");
    assert_eq!(of(Some("test")), "all staging all");
}

#[test]
fn a_secret_is_wanted_where_something_stands_at_its_place_and_nowhere_else() {
    assert!(read(SECRETS, &[("STAGING_TOKEN", "token-of-staging")], Some("staging")).is_ok(), "neither of the others");
    let missing = messages(SECRETS, &[("TOKEN", "token-of-all")], None).join("; ");
    assert!(missing.contains("LIVE_TOKEN") && missing.contains("STAGING_TOKEN"), "{missing}");
    let known =
        SECRETS.replace("secrets = { token = { env = \"STAGING_TOKEN\" } }", "secrets = { tokn = { env = \"X\" } }");
    assert!(messages(&known, &[], None).join("; ").contains("which is no secret of [secrets]"));
    let literal = SECRETS.replace("{ env = \"STAGING_TOKEN\" }", "\"hunter22\"");
    assert!(messages(&literal, &[], None).join("; ").contains("stands in the plan"));
}
