//! Plans, sound and broken: the bundled ones load and check clean, and every mistake is told at its place,
//! all of a file at once.

#[path = "plans/branches.rs"]
mod branches;
#[path = "plans/bundled.rs"]
mod bundled;
#[path = "plans/kinds.rs"]
mod kinds;
#[path = "plans/requests.rs"]
mod requests;
#[path = "plans/signals.rs"]
mod signals;
#[path = "plans/trial.rs"]
mod trial;

use tminus::base::source::{Diagnostic, Source};
use tminus::plan::{Environment, Loaded, Options, check_report, load};

fn environment() -> Environment {
    [
        ("SMOKE_USERNAME", "smoke-account"),
        ("SMOKE_PASSWORD", "correct horse battery"),
        ("GITHUB_TOKEN", "a-token-of-github"),
        ("LAUNCH_COMMIT", "3f6c1a9be07d2458f1c0ade49b72563d8e0fa174"),
        // Of the place that the bundled plan drills at.
        ("STAGING_API_BASE_URL", "https://api.staging.example.com"),
        ("STAGING_WEB_BASE_URL", "https://web.staging.example.com"),
        ("STAGING_ALLOWED_ORIGINS", "https://web.staging.example.com"),
    ]
    .into_iter()
    .collect()
}

fn read(text: &str) -> Result<Loaded, Vec<Diagnostic>> {
    load(Source::new("plan.toml", text), &environment(), &Options::default())
}

const HEAD: &str = "[plan]\nschema = 1\nid = \"p\"\ntitle = \"P\"\n";

/// A plan with a head and one phase around `items`.
fn with_items(before: &str, items: &str) -> String {
    format!("{HEAD}{before}\n[[phase]]\nid = \"a\"\nat = \"T-1h\"\n{items}")
}

/// What is wrong with a plan: code, and what is underlined.
fn wrong(text: &str) -> Vec<(&'static str, String)> {
    let found = match read(text) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    found.iter().map(|wrong| (wrong.code, text[wrong.span.start..wrong.span.end].to_owned())).collect()
}

#[test]
fn one_ring_is_told_whole_with_both_places() {
    let item = |id: &str, needs: &str| format!("[[phase.item]]\nid = \"{id}\"\nneeds = [\"{needs}\"]\nmanual = {{}}\n");
    let text = with_items("", &(item("x", "y") + &item("y", "z") + &item("z", "x")));
    let found = read(&text).expect_err("a ring");
    let shown = Source::new("plan.toml", text.as_str()).render(&found, false);
    assert!(shown.contains("a ring: `x` needs `y` needs `z` needs `x`"), "{shown}");
    assert_eq!(found.len(), 1, "{shown}");
    assert!(found[0].also.is_some());
    let _ = wrong(&text);
}

fn jq() -> tminus::base::jq::Jq {
    tminus::base::jq::Jq::with_worker(env!("CARGO_BIN_EXE_tminus"))
}

#[tokio::test]
async fn every_bundled_plan_is_sound_without_a_warning() {
    let mut seen = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config")).expect("config/") {
        let path = file.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "toml") || path.ends_with("keymap.toml") {
            continue;
        }
        let source = Source::new(path.display().to_string(), std::fs::read_to_string(&path).expect("text"));
        let rehearsed =
            load(source.clone(), &Environment::default(), &Options { rehearsal: true, ..Options::default() });
        let rehearsed = rehearsed.unwrap_or_else(|wrong| panic!("{}", source.render(&wrong, false)));
        let places = rehearsed.targets.into_iter().filter(|target| target == "production").map(Some).chain([None]);
        for target in places {
            let options = Options { rehearsal: true, target: target.clone(), ..Options::default() };
            let wanted = load(source.clone(), &Environment::default(), &options).expect("sound at each place").unset;
            let checked = check_report(&source, &Environment::default(), target.clone(), &jq(), false).await;
            assert_eq!((checked.errors, checked.warnings), (0, 0), "{target:?}: {}", checked.text);
            assert!(wanted.iter().all(|unset| checked.text.contains(&unset.variable)), "{target:?}: {}", checked.text);
            // What it lists is all that a launch there needs.
            let set: Environment = wanted.iter().map(|unset| (unset.variable.as_str(), "a-stand-in")).collect();
            let flown = load(source.clone(), &set, &Options { target: target.clone(), ..Options::default() });
            let wrong = flown.err().unwrap_or_default();
            let missing = wrong.iter().filter(|wrong| wrong.code.starts_with("missing-"));
            assert_eq!(missing.count(), 0, "{target:?}: {}", source.render(&wrong, false));
        }
        seen += 1;
    }
    assert!(seen > 0, "no plan is bundled");
}

async fn checked(text: &str) -> (usize, usize, String) {
    let checked = check_report(&Source::new("plan.toml", text), &environment(), None, &jq(), false).await;
    (checked.errors, checked.warnings, checked.text)
}

#[test]
fn several_mistakes_are_told_at_once_each_underlined_with_the_nearest_name() {
    let text = r#"[plan]
schema = 1
id = "demo"
titel = "Demo"

[vars]
api = "https://api.example"

[[phase]]
id = "gate-a"
at = "T-2h"
gate = true

[[phase.item]]
id = "health"
timeout = "soon"
[phase.item.htp]
get = "{{ api }}/health"

[[phase.item]]
id = "ready"
needs = ["helth"]
[phase.item.http]
get = "{{ apii }}/ready"
expct = { status = 200 }
"#;
    let found = read(text).expect_err("mistakes");
    let shown = Source::new("plan.toml", text).render(&found, false);
    insta::assert_snapshot!(shown);
}

#[test]
fn syntax_errors_are_told_alone_and_all_of_them() {
    let text = "[plan]\nschema = \nid = \"x\"\nwhat = = 2\nunknown = 1\n";
    let found = read(text).expect_err("syntax");
    assert!(found.len() >= 2, "{found:?}");
    assert!(found.iter().all(|found| found.code == "syntax"), "{found:?}");
}

/// Each mistake: the plan, what it is called, what is underlined.
#[test]
fn each_mistake_is_told_at_its_place() {
    let manual = "[[phase.item]]\nid = \"x\"\nmanual = {}\n";
    let run = |extra: &str| format!("[[phase.item]]\nid = \"x\"\n{extra}\n[phase.item.run]\ncommand = [\"true\"]\n");
    let get =
        |extra: &str| format!("[[phase.item]]\nid = \"x\"\n[phase.item.http]\nget = \"https://a.example\"\n{extra}");
    let rollback = |rest: &str| format!("{}[[rollback]]\nid = \"back\"\nkey = \"1\"\n{rest}", with_items("", manual));
    let keyed = |who: &str, rest: &str| {
        let roles = "[roles.dba]\nmay = [\"approve\"]\n[roles.lead]\n";
        let roles = if who == "lead" {
            roles.replace("[roles.lead]\n", "[roles.lead]\nmay = [\"approve\"]\n")
        } else {
            roles.to_owned()
        };
        format!("{}[[rollback]]\nid = \"back\"\nkey = \"1\"\n{rest}", with_items(&roles, manual))
    };
    let step = "[[rollback.step]]\nid = \"s\"\nclass = \"once\"\nrun = { command = [\"true\"] }\n";
    let verify = "[[rollback.verify]]\nid = \"v\"\nhttp = { get = \"https://a.example\" }\n";
    let listed = |criterion: &str| {
        let late = "[[phase]]\nid = \"after\"\nat = \"T+1h\"\n[[phase.item]]\nid = \"late\"\nmanual = {}\n";
        with_items("", &format!("{manual}{late}[[criterion]]\nid = \"c\"\n{criterion}\n"))
    };
    let told = |example: &str| format!("[phase.item.example]\n{example}\n");
    let tail = |rest: &str| {
        with_items("", &format!("{manual}[[stream]]\nid = \"s\"\n[stream.sse]\nget = \"https://a.example\"\n{rest}\n"))
    };
    let cases: Vec<(String, &str, &str)> = vec![
        (with_items("", "[[phase.item]]\nid = \"x\"\n"), "no-kind", "[[phase.item]]"),
        (with_items("", "[[phase.item]]\nid = \"x\"\nhtpp = { get = \"x\" }\n"), "unknown-kind", "htpp"),
        (with_items("", &format!("{manual}wait = {{ for = \"1s\" }}\n")), "two-kinds", "wait"),
        (
            with_items(
                "",
                "[[phase.item]]\nid = \"x\"\nevidence = [\"logs\"]\nmanual = {}\n[[evidence]]\nid = \"log\"\n",
            ),
            "unknown-evidence",
            "\"logs\"",
        ),
        (with_items("[notify.ops]\nslack = \"x\"\n", manual), "literal-secret", "\"x\""),
        (with_items("[target.staging]\nx = 1\n", manual), "unknown-key", "x"),
        (with_items("", &format!("{manual}{manual}")), "duplicate-id", "\"x\""),
        (with_items("", "[[phase.item]]\nid = \"a\"\nmanual = {}\n"), "duplicate-id", "\"a\""),
        (with_items("", "[[phase.item]]\nid = \"x\"\nneeds = [\"y\"]\nmanual = {}\n"), "unknown-need", "\"y\""),
        (with_items("", "[[phase.item]]\nid = \"x\"\nneeds = [\"x\"]\nmanual = {}\n"), "ring", "\"x\""),
        (with_items("", &format!("{manual}[[phase]]\nid = \"b\"\nat = \"T-2h\"\n")), "wrong-order", "\"T-2h\""),
        (with_items("", "[[phase.item]]\nid = \"x\"\nat = \"T-3h\"\nmanual = {}\n"), "wrong-order", "\"T-3h\""),
        (format!("{HEAD}[[phase]]\nid = \"a\"\nat = \"T-1h\"\ngate = true\n"), "empty-gate", "[[phase]]"),
        (with_items("", &run("")), "step-without-class", "[phase.item.run]"),
        (with_items("", "[[phase.item]]\nid = \"x\"\nclass = \"once\"\nmanual = {}\n"), "wrong-key", "class"),
        (with_items("", "[[phase.item]]\nid = \"x\"\nmanual = { role = \"boss\" }\n"), "unknown-role", "\"boss\""),
        (with_items("", "[[phase.item]]\nid = \"x\"\nsession = \"s\"\nmanual = {}\n"), "unknown-session", "\"s\""),
        (with_items("[secrets]\ns = \"hunter22\"\n", manual), "literal-secret", "\"hunter22\""),
        (with_items("[secrets]\ns = { command = \"pass\" }\n", manual), "not-built-yet", "\"pass\""),
        (with_items("[secrets]\ns = { env = \"SMOKE_USER\" }\n", manual), "missing-variable", "\"SMOKE_USER\""),
        (with_items("[secrets]\ns = { file = \"no/such/file\" }\n", manual), "missing-file", "\"no/such/file\""),
        (
            with_items("[vars]\nv = { env = \"NOT_SET_ANYWHERE\" }\n", manual),
            "missing-variable",
            "\"NOT_SET_ANYWHERE\"",
        ),
        (with_items("[vars]\nv = 1\n[secrets]\nv = { env = \"SMOKE_USERNAME\" }\n", manual), "duplicate-name", "v"),
        (with_items("", &get("expect = { json = ['.a == $b'] }")), "unknown-name", "b"),
        (with_items("[clock]\nholds = [{ at = \"T+5m\", for = \"1m\" }]\n", manual), "wrong-value", "\"T+5m\""),
        (with_items("[clock]\nholds = [{ at = \"T-5h\", for = \"1m\" }]\n", manual), "wrong-order", "\"T-5h\""),
        (with_items("[clock]\nrecycle = [\"T-9h\"]\n", manual), "wrong-value", "\"T-9h\""),
        (with_items("[clock]\nt0 = \"tomorrow\"\n", manual), "wrong-value", "\"tomorrow\""),
        (with_items("[poll]\norder = [\"nobody\"]\n", manual), "unknown-role", "\"nobody\""),
        (with_items("[poll]\ndirector = \"boss\"\n", manual), "unknown-role", "\"boss\""),
        (with_items("[roles.r]\n[poll]\ndirector = \"r\"\n", manual), "wrong-value", "\"r\""),
        (with_items("[poll]\nlasts = \"0s\"\n", manual), "wrong-value", "\"0s\""),
        (listed("go = \"g\"\nitems = [\"y\"]"), "unknown-id", "\"y\""),
        (listed("go = \"g\"\nphases = [\"y\"]"), "unknown-id", "\"y\""),
        (listed("go = \"g\"\nmonitors = [\"y\"]"), "unknown-id", "\"y\""),
        (listed("go = \"g\"\nrole = \"boss\""), "unknown-role", "\"boss\""),
        (listed("go = \"g\"\nobjectives = [\"p95\"]"), "unknown-id", "\"p95\""),
        (listed("go = \"g\""), "no-decider", "[[criterion]]"),
        (listed("go = \"g\"\nitems = []"), "wrong-value", "[[criterion]]"),
        (listed("go = \"g\"\nitems = [\"x\"]\nperson = true"), "two-deciders", "[[criterion]]"),
        (listed("go = \"g\"\nno_go = \"n\"\nperson = true"), "wrong-value", "\"n\""),
        (listed("person = true"), "missing-key", "[[criterion]]"),
        (listed("go = \"g\"\nitems = [\"late\"]"), "wrong-stage", "\"late\""),
        (listed("go = \"g\"\nstage = \"lunch\"\nperson = true"), "wrong-value", "\"lunch\""),
        (with_items("", "[[phase.item]]\nid = \"x\"\nsignoff = {}\n"), "missing-key", "{}"),
        (with_items("", "[[phase.item]]\nid = \"x\"\nsignoff = { roles = [\"boss\"] }\n"), "unknown-role", "\"boss\""),
        (with_items("", "[[phase.item]]\nid = \"x\"\npoll = {}\n"), "no-voters", "{}"),
        (with_items("[roles.r]\nmay = [\"resum\"]\n", manual), "wrong-value", "\"resum\""),
        (
            with_items("[[stream]]\nid = \"s\"\nafter = \"nope\"\nsse = { get = \"https://a.example\" }\n", manual),
            "unknown-item",
            "\"nope\"",
        ),
        (rollback(step), "rollback-without-verify", "[[rollback]]"),
        (rollback(verify), "empty-rollback", "[[rollback]]"),
        (rollback(&format!("confirm = \"none\"\n{step}{verify}")), "wrong-value", "\"none\""),
        (
            rollback(&format!("{step}{verify}[[rollback]]\nid = \"other\"\nkey = \"1\"\n{step}{verify}")),
            "duplicate-key",
            "\"1\"",
        ),
        (
            rollback(&format!("{}{verify}", step.replace("class = \"once\"\n", ""))),
            "step-without-class",
            "{ command = [\"true\"] }",
        ),
        (with_items("", "[[phase.item]]\nid = \"x\"\nfor_each = { k = [] }\nmanual = {}\n"), "wrong-value", "[]"),
        (
            with_items("", "[[phase.item]]\nid = \"x\"\nfor_each = { k = [\"a\", \"a\"] }\nmanual = {}\n"),
            "wrong-value",
            "[\"a\", \"a\"]",
        ),
        (
            with_items("[vars]\nv = { env = \"NOT_SET_ANYWHERE\", required = false }\n", manual),
            "missing-key",
            "{ env = \"NOT_SET_ANYWHERE\", required = false }",
        ),
        (with_items("[vars]\nv = 9223372036854775808\n", manual), "wrong-value", "9223372036854775808"),
        (
            with_items("", "[[phase.item]]\nid = \"x\"\nwait = { for = \"99999days\" }\n"),
            "wrong-value",
            "\"99999days\"",
        ),
        (with_items("", &run("class = \"once\"\nretries = 1")), "no-effect", "retries"),
        (with_items("", "[[phase.item]]\nid = \"x\"\nretries = 0\nmanual = {}\n"), "no-effect", "retries"),
        (with_items("", "[[phase.item]]\nid = \"x\"\ntimeout = \"1s\"\nmanual = {}\n"), "no-effect", "timeout"),
        (
            with_items("", "[[phase.item]]\nid = \"x\"\ntimeout = \"1s\"\nwait = { for = \"1s\" }\n"),
            "no-effect",
            "timeout",
        ),
        (with_items("", &format!("{manual}[phase.item.example]\nsets = {{ a = 1 }}\n")), "no-effect", "example"),
        (tail("deadline = \"1s\""), "no-effect", "deadline"),
        (tail("meanwhile = { after = { event = \"a\" }, post = \"https://a.example\" }"), "no-effect", "meanwhile"),
        (tail("expect = { status = 200, max_gap = \"1s\" }"), "no-effect", "status"),
        (tail("expect = { first_event = \"1s\" }"), "no-effect", "first_event"),
        (tail("expect = { at_least = [{ event = \"a\" }], never = [{ event = \"b\" }] }"), "no-effect", "at_least"),
        (tail("expect = { order = [{ event = \"a\" }] }"), "no-effect", "order"),
        (with_items("[roles.r]\nmay = [\"approve\"]\n", manual), "no-effect", "\"approve\""),
        (keyed("dba", &format!("{step}needs_approval = \"dbs\"\n{verify}")), "unknown-role", "\"dbs\""),
        (keyed("dba", &format!("{step}needs_approval = \"lead\"\n{verify}")), "may-not-approve", "\"lead\""),
        (keyed("lead", &format!("{step}needs_approval = \"lead\"\n{verify}")), "no-effect", "\"approve\""),
        (keyed("dba", &format!("{step}needs_approval = 1\n{verify}")), "wrong-type", "1"),
        (rollback(&format!("{step}on_preempt = \"kill\"\n{verify}")), "no-effect", "on_preempt"),
        (rollback(&format!("{step}fallback = \"x\"\n{verify}")), "wrong-type", "\"x\""),
        (rollback(&format!("{step}fallback = {{ timeout = \"1s\" }}\n{verify}")), "no-kind", "{ timeout = \"1s\" }"),
        (
            rollback(&format!("{step}fallback = {{ http = {{ get = \"https://a.example\" }} }}\n{verify}")),
            "wrong-kind",
            "http",
        ),
        (
            rollback(&format!("{step}fallback = {{ run = {{ command = [\"true\"] }}, tmeout = \"1s\" }}\n{verify}")),
            "unknown-key",
            "tmeout",
        ),
        (
            rollback(&format!("ready = [{{ id = \"s\", command = {{ command = [\"true\"] }} }}]\n{step}{verify}")),
            "duplicate-id",
            "\"s\"",
        ),
        (rollback(&format!("ready = [{{ id = \"c\" }}]\n{step}{verify}")), "no-kind", "{ id = \"c\" }"),
        (
            rollback(&format!("ready = [{{ id = \"c\", run = {{ command = [\"true\"] }} }}]\n{step}{verify}")),
            "wrong-kind",
            "run",
        ),
        (
            rollback(&format!(
                "ready = [{{ id = \"c\", within = \"1m\", file = {{ path = \"a\" }} }}]\n{step}{verify}"
            )),
            "unknown-key",
            "within",
        ),
        (with_items("", &run("class = \"once\"\non_preempt = \"stop\"")), "wrong-value", "\"stop\""),
        (with_items("", "[[phase.item]]\nid = \"x\"\non_preempt = \"kill\"\nmanual = {}\n"), "wrong-key", "on_preempt"),
        (with_items("", &get(&told("good = { status = 200, exit = 0 }"))), "no-effect", "exit"),
        (with_items("", &get(&told("good = [{ stdout = \"x\" }]"))), "no-effect", "stdout"),
        (with_items("", &get(&told("good = { events = [] }"))), "no-effect", "events"),
        (
            with_items("", &get(&told("bad = [{ status = 500, when = { a = 1 }, gives = \"fail\" }]"))),
            "no-effect",
            "when",
        ),
        (
            with_items("", &(run("class = \"once\"") + &told("good = { exit = 0, status = 200 }"))),
            "no-effect",
            "status",
        ),
        (HEAD.replace("schema = 1", "schema = 2"), "wrong-value", "2"),
        ("title = 1\n".to_owned(), "missing-key", ""),
    ];
    for (text, code, underlined) in cases {
        let found = wrong(&text);
        assert!(
            found.iter().any(|(is, at)| *is == code && at == underlined),
            "wanted {code} at {underlined:?}, got {found:?} in\n{text}"
        );
        let same = found.iter().filter(|(is, _)| *is == code).count();
        assert_eq!(same, 1, "{found:?} in\n{text}");
    }
}

#[test]
fn a_short_secret_is_refused_and_a_rehearsal_reads_none() {
    let text = with_items("[secrets]\npin = { env = \"PIN\" }\n", "[[phase.item]]\nid = \"x\"\nmanual = {}\n");
    let short: Environment = [("PIN", "12345")].into_iter().collect();
    let source = || Source::new("plan.toml", text.as_str());
    let found = load(source(), &short, &Options::default()).expect_err("short");
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["short-secret"]);
    assert!(!format!("{found:?}").contains("12345"), "the value is not shown");
    let rehearsal = Options { rehearsal: true, ..Options::default() };
    for environment in [short, [("PIN", "a real one")].into_iter().collect(), Environment::default()] {
        let loaded = load(source(), &environment, &rehearsal).expect("a stand-in");
        assert_eq!(loaded.catalogue.secrets, ["rehearsal-pin"]);
    }
}

#[test]
fn a_missing_variable_is_named_with_its_line() {
    let text =
        with_items("[secrets]\npin = { env = \"SMOKE_USRNAME\" }\n", "[[phase.item]]\nid = \"x\"\nmanual = {}\n");
    let found = read(&text).expect_err("not set");
    let shown = Source::new("plan.toml", text).render(&found, false);
    for part in ["plan.toml:6:15", "SMOKE_USRNAME, which is not set", "did you mean SMOKE_USERNAME"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn copies_carry_their_value_and_follow_their_own_kind() {
    let items = "[[phase.item]]\nid = \"x\"\nfor_each = { k = \"list\" }\nmanual = {}\n\
                 [[phase.item]]\nid = \"y\"\nneeds = [\"x\"]\nfor_each = { k = \"list\" }\nmanual = {}\n\
                 [[phase.item]]\nid = \"z\"\nneeds = [\"x\"]\nmanual = {}\n";
    let plan = read(&with_items("[vars]\nlist = [\"a\", \"b\"]\n", items)).expect("sound").plan;
    let needs = |id: &str| {
        let item = plan.item(&id.into()).expect(id);
        item.needs.iter().map(|need| need.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(plan.items.len(), 5);
    assert_eq!(needs("y[a]"), ["x[a]"]);
    assert_eq!(needs("z"), ["x[a]", "x[b]"]);
}

#[test]
fn a_captured_name_has_a_value_only_after_its_item_and_in_its_session() {
    let item = |id: &str, session: &str, path: &str, capture: &str| {
        format!(
            "[[phase.item]]\nid = \"{id}\"\n{session}\n[phase.item.http]\nget = \"https://a.example/{path}\"\n{capture}\n"
        )
    };
    let (smoke, token) = ("session = \"smoke\"", "capture = { token = \".t\" }");
    let before = "[session.smoke]\ncookies = true\n[session.other]\n";
    let uses = "{{ token }}";
    let sound = with_items(before, &(item("x", smoke, "", token) + &item("y", smoke, uses, "")));
    assert_eq!(wrong(&sound), []);
    for broken in [
        item("y", smoke, uses, "") + &item("x", smoke, "", token),
        item("x", smoke, "", token) + &item("y", "session = \"other\"", uses, ""),
        item("x", smoke, "", token) + &item("y", "", uses, ""),
        item("x", smoke, uses, token),
    ] {
        assert_eq!(wrong(&with_items(before, &broken)), [("unknown-name", "token".to_owned())], "{broken}");
    }
}

#[tokio::test]
async fn what_a_launch_needs_of_the_environment_is_told_and_is_no_mistake() {
    let text = with_items("[secrets]\npin = { env = \"PIN\" }\n", "[[phase.item]]\nid = \"x\"\nmanual = {}\n");
    let (errors, warnings, text) = checked(&text).await;
    assert_eq!((errors, warnings), (0, 0));
    assert!(
        text.ends_with("plan.toml: sound\na launch needs these in the environment, which are not set here: PIN\n"),
        "{text}"
    );
}

#[test]
fn hostile_sizes_end_in_a_message() {
    let deep = format!("{HEAD}x = {}", "[".repeat(100_000));
    let dotted = format!("{HEAD}{} = 1", vec!["a"; 100_000].join("."));
    let huge = format!("{HEAD}# {}", "x".repeat(5 << 20));
    let values = (0..200).map(|value| value.to_string()).collect::<Vec<_>>().join(",");
    let item = |n: usize| format!("[[phase.item]]\nid = \"i{n}\"\nfor_each = {{ k = \"list\" }}\nmanual = {{}}\n");
    let many = with_items(&format!("[vars]\nlist = [{values}]\n"), &(0..60).map(item).collect::<String>());
    for (text, code) in [(deep, "syntax"), (dotted, "syntax"), (huge, "too-large"), (many, "too-many-items")] {
        let found = read(&text).expect_err(code);
        assert!(found.iter().any(|found| found.code == code), "{code}: {:?}", found.first());
    }
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    /// The bundled plan with a piece cut out, doubled, or replaced.
    fn mutated() -> impl Strategy<Value = String> {
        let text = include_str!("../config/omniai.toml");
        let piece = prop_oneof![
            Just(String::new()),
            "[\\[\\]{}\"'=.,\\n a-z0-9-]{0,12}",
            Just("\n[[phase.item]]\n".to_owned()),
            Just("T-99999999999999999h".to_owned()),
            Just("{{ x }}".to_owned()),
            Just("\u{1b}[2Jé".to_owned()),
        ];
        (0..text.len(), 0..400_usize, piece).prop_map(move |(from, length, piece)| {
            let boundary = |mut at: usize| {
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let (from, to) = (boundary(from), boundary((from + length).min(text.len())));
            format!("{}{piece}{}", &text[..from], &text[to.max(from)..])
        })
    }

    fn never_panics(text: &str) {
        let source = Source::new("plan.toml", text);
        if let Err(found) = load(source.clone(), &environment(), &Options::default()) {
            assert!(!found.is_empty());
            let shown = source.render(&found, false);
            assert!(!shown.contains('\u{1b}'), "{shown:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_mutated_plan_never_panics(text in mutated()) {
            never_panics(&text);
        }

        #[test]
        fn any_text_never_panics(text in "\\PC{0,200}|[\\[\\]{}\"'=.,#\\n a-z0-9]{0,200}") {
            never_panics(&text);
        }
    }
}
