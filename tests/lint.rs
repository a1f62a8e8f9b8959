//! Every finding of the lint has a plan that triggers it and one that does not.

use tminus::base::jq::Jq;
use tminus::base::source::Source;
use tminus::plan::{Environment, check_report};

const HEAD: &str = "[plan]\nschema = 1\nid = \"x\"\ntitle = \"X\"\n[secrets]\ntoken = { env = \"TOKEN\" }\n";
const ITEM: &str = "[[phase]]\nid = \"p\"\nat = \"T-1h\"\n[[phase.item]]\nid = \"i\"\n";

fn check(table: &str) -> String {
    format!("{HEAD}{ITEM}{table}\n")
}

fn run(table: &str) -> String {
    check(&format!("class = \"idempotent\"\n{table}"))
}

fn command(argv: &str) -> String {
    run(&format!("run = {{ command = {argv} }}"))
}

fn shell(script: &str) -> String {
    run(&format!("run = {{ shell = '''{script}''' }}"))
}

fn http(rest: &str) -> String {
    check(&format!("http = {{ get = \"https://a.example\", {rest} }}"))
}

fn traffic(rest: &str) -> String {
    run(&format!(
        "[phase.item.traffic]\ndriver = \"nginx\"\naction = \"set\"\nweight = 10\ningress = \"shop-canary\"\n{rest}"
    ))
}

fn rollback(rest: &str) -> String {
    format!(
        "{HEAD}[[rollback]]\nid = \"r\"\nkey = \"1\"\n[[rollback.step]]\nid = \"s\"\nclass = \"once\"\nrun = {{ command = \
         [\"true\"] }}\n{rest}\n"
    )
}

/// An objective on a monitor that looks every second, and a trigger on it.
fn watched(objective: &str, trigger: &str) -> String {
    let verify = "[[rollback.verify]]\nid = \"v\"\nhttp = { get = \"https://a.example\", expect = { status = 200 } }\n";
    let monitor = |id: &str| {
        format!("[[monitor]]\nid = \"{id}\"\nevery = \"1s\"\nhttp = {{ get = \"https://a.example/{id}\" }}\n")
    };
    format!(
        "{}{}{}[[objective]]\nid = \"o\"\nsignal = \"monitor.canary\"\n{objective}\n{}",
        rollback(verify),
        monitor("api"),
        monitor("canary"),
        if trigger.is_empty() { String::new() } else { format!("[[trigger]]\nid = \"t\"\n{trigger}\n") },
    )
}

const ERRORS: &str = "that = \"error_rate <= 5%\"\nwindow = \"30s\"\nmin_samples = 20";
const FIRES: &str = "when = \"objective.o\"\nfor = \"2m\"\nthen = \"rollback.r\"\nmode = \"auto\"";

fn canary(window: &str, expects: &str) -> String {
    let objective = format!(
        "that = \"error_rate <= 5%\"\nagainst = \"monitor.api\"\nmin_samples = 20\nwindow = \"{window}\"\n{expects}"
    );
    watched(&objective, &FIRES.replace("2m", "1h"))
}

const PLACE: &str = "context = \"prod\"\nnamespace = \"shop\"\n";

/// The code of a finding, a plan that has it, and one that is like it and has not.
fn table() -> Vec<(&'static str, String, String)> {
    let marks = "nginx.ingress.kubernetes.io/canary";
    let annotate = |name: &str| {
        command(&format!(
            "[\"kubectl\", \"--context=prod\", \"-n\", \"shop\", \"annotate\", \"ingress\", \"{name}\", \"{marks}=true\"]"
        ))
    };
    let patch = |name: &str| {
        shell(&format!(
            "kubectl --context prod --namespace shop patch ingress/{name} -p \"{{metadata: {{annotations: {{{marks}-weight: 10}}}}}}\""
        ))
    };
    let sends = |cookie: &str| http(&format!("headers = {{ Cookie = \"{cookie}\" }}, expect = {{ status = 200 }}"));
    let with_example = |bad: &str| {
        check(&format!(
            "http = {{ get = \"https://a.example\", expect = {{ json = ['.n | type == \"number\"'] }} }}\nexample = {{ good = {{ \
             status = 200, json = {{ n = 1 }} }}{bad} }}"
        ))
    };
    vec![
        (
            "vacuous-check",
            check(
                "http = { get = \"https://a.example\", expect = { status = 200, body = [\".*\"] } }\nexample = { good = { status = \
                 200, body = \"x\" } }",
            ),
            http("expect = { status = 200 }"),
        ),
        ("never-fails", with_example("").replace("'.n | type == \"number\"'", "'.n > 0 or .n <= 0'"), with_example("")),
        ("lone-canary-ingress", annotate("shop"), annotate("shop-canary")),
        ("lone-canary-ingress", patch("shop"), patch("shop-canary")),
        (
            "lone-canary-ingress",
            traffic(&format!("{PLACE}stable = \"shop-canary\"")),
            traffic(&format!("{PLACE}stable = \"shop\"")),
        ),
        (
            "lone-canary-ingress",
            annotate("shop"),
            annotate("shop").replace(&format!("{marks}=true"), &format!("{marks}-")),
        ),
        ("canary-cookie", sends("canary=enabled"), sends("canary=always")),
        ("canary-cookie", sends("a=b; canary=enabled"), sends("session=enabled")),
        (
            "canary-cookie",
            shell("curl -H \"Cookie: canary=enabled\" https://a.example"),
            shell("curl -H \"Cookie: canary=never\" https://a.example"),
        ),
        (
            "canary-cookie",
            traffic(&format!("{PLACE}cookie = {{ name = \"beta\", value = \"yes\" }}")),
            traffic(&format!("{PLACE}cookie = {{ name = \"beta\", value = \"always\" }}")),
        ),
        ("jq-truthiness", http("expect = { json = ['.ok'] }"), http("expect = { json = ['.ok == true'] }")),
        ("step-without-class", check("run = { command = [\"true\"] }"), command("[\"true\"]")),
        (
            "rollback-without-verify",
            rollback(""),
            rollback(
                "[[rollback.verify]]\nid = \"v\"\nhttp = { get = \"https://a.example\", expect = { status = 200 } }",
            ),
        ),
        (
            "destructive-on-one-key",
            command("[\"docker\", \"system\", \"prune\"]"),
            run("confirm = \"type\"\nrun = { command = [\"docker\", \"system\", \"prune\"] }"),
        ),
        ("destructive-on-one-key", shell("psql -c \"DROP TABLE runs\""), shell("psql -c \"SELECT 1\"")),
        ("destructive-on-one-key", shell("rm -rf /srv/data"), shell("rm /srv/data/lock")),
        (
            "destructive-on-one-key",
            shell("redis-cli KEYS \"conv:*\" | xargs redis-cli DEL"),
            shell("redis-cli GET conv:1"),
        ),
        (
            "destructive-on-one-key",
            run(
                "sequence = { for_each = { n = [1] }, steps = [{ run = { command = [\"rm\", \"-rf\", \"/srv/data\"] } }] }",
            ),
            run("sequence = { for_each = { n = [1] }, steps = [{ run = { command = [\"true\"] } }] }"),
        ),
        (
            "python-run-by-bash",
            command("[\"bash\", \"scripts/check.py\"]"),
            command("[\"python3\", \"scripts/check.py\"]"),
        ),
        (
            "placeholder-left",
            http("expect = { status = 200 }").replace("a.example", "yourdomain.com"),
            http("expect = { status = 200 }"),
        ),
        ("placeholder-left", command("[\"deploy\", \"CHANGE_ME\"]"), command("[\"deploy\", \"v1\"]")),
        ("placeholder-left", command("[\"deploy\", \"<version>\"]"), command("[\"deploy\", \"a < b\"]")),
        (
            "secret-in-argv",
            command("[\"deploy\", \"--token={{ token }}\"]"),
            run("run = { command = [\"deploy\"], env = { TOKEN = \"{{ token }}\" } }"),
        ),
        (
            "secret-in-argv",
            run(
                "sequence = { for_each = { n = [1] }, steps = [{ run = { command = [\"deploy\", \"{{ token }}\"] } }] }",
            ),
            run("sequence = { for_each = { n = [1] }, steps = [{ run = { command = [\"deploy\", \"{{ n }}\"] } }] }"),
        ),
        (
            "ambient-kubectl",
            command("[\"kubectl\", \"get\", \"pods\"]"),
            command("[\"kubectl\", \"--context=prod\", \"-n\", \"shop\", \"get\", \"pods\"]"),
        ),
        (
            "ambient-kubectl",
            shell("for w in 75 50; do\n kubectl -n shop get pods; done"),
            shell("for w in 75 50; do\n kubectl -n shop --context prod get pods; done"),
        ),
        (
            "ambient-kubectl",
            shell("x=$(kubectl --context prod get pods)"),
            shell("x=$(kubectl --context prod get pods -A)"),
        ),
        ("ambient-kubectl", shell("kubectl config use-context production"), shell("kubectl config get-contexts")),
        ("ambient-kubectl", shell("kubectl get nodes"), shell("kubectl --context prod get nodes")),
        ("ambient-kubectl", traffic("namespace = \"shop\""), traffic(PLACE)),
        ("ambient-kubectl", shell("kubectl apply -f x"), shell("echo kubectl apply -f x")),
        ("auto-without-min-samples", watched(&ERRORS.replace("min_samples = 20", ""), FIRES), watched(ERRORS, FIRES)),
        (
            "auto-without-min-samples",
            watched(&ERRORS.replace("min_samples = 20", ""), FIRES),
            watched(&ERRORS.replace("min_samples = 20", ""), &FIRES.replace("auto", "ask")),
        ),
        ("too-few-samples", watched(&ERRORS.replace("20", "19"), FIRES), watched(ERRORS, FIRES)),
        ("too-few-samples", watched(&ERRORS.replace("20", "31"), FIRES), watched(&ERRORS.replace("20", "30"), FIRES)),
        ("burst-fires", watched(&ERRORS.replace("30s", "40s"), FIRES), watched(ERRORS, FIRES)),
        ("burst-fires", watched(ERRORS, &FIRES.replace("2m", "0s")), watched(ERRORS, FIRES)),
        (
            "evaluated-too-late",
            watched(&format!("{}\nevaluate_every = \"5m\"", ERRORS.replace("30s", "5m")), FIRES),
            watched(ERRORS, FIRES),
        ),
        ("unused-objective", watched(ERRORS, ""), watched(ERRORS, FIRES)),
        (
            "unused-objective",
            watched(ERRORS, ""),
            format!("{}[[criterion]]\nid = \"c\"\ngo = \"Calm\"\nobjectives = [\"o\"]\n", watched(ERRORS, "")),
        ),
        ("unknown-rollback", watched(ERRORS, &FIRES.replace("rollback.r", "rollback.s")), watched(ERRORS, FIRES)),
        (
            "rollback-without-verify",
            watched(ERRORS, FIRES).replace("[[rollback.verify]]", "[[rollback.verified]]"),
            watched(ERRORS, FIRES),
        ),
        (
            "never-armed",
            watched(ERRORS, &format!("{FIRES}\narmed_from = \"T-0\"\narmed_until = \"T-1m\"")),
            watched(ERRORS, &format!("{FIRES}\narmed_from = \"T-0\"\narmed_until = \"T+1h\"")),
        ),
        (
            "never-armed",
            watched(ERRORS, &format!("{FIRES}\narmed_from = \"T-0\"\narmed_until = \"T+1m\"")),
            watched(ERRORS, &format!("{FIRES}\narmed_from = \"T-0\"\narmed_until = \"T+2m\"")),
        ),
        ("canary-unsized", canary("5m", ""), canary("5m", "expects = { sees = \"50%\" }")),
        (
            "canary-too-small",
            canary("30s", "expects = { sees = \"50%\" }"),
            canary("5m", "expects = { sees = \"50%\" }"),
        ),
        (
            "canary-too-small",
            canary("5m", "expects = { sees = \"5%\" }"),
            canary("10m", "expects = { sees = \"20%\" }"),
        ),
    ]
}

#[tokio::test]
async fn every_finding_has_a_plan_that_triggers_it_and_one_that_does_not() {
    let jq = Jq::with_worker(env!("CARGO_BIN_EXE_tminus"));
    let environment = Environment::of_process();
    let mut wrong = Vec::new();
    for (code, has, has_not) in table() {
        for (plan, expected) in [(has, true), (has_not, false)] {
            let source = Source::new("plan.toml", plan.clone());
            let told = check_report(&source, &environment, None, &jq, false).await.text;
            // Told by its code, with a line.
            let found = told.contains(&format!("[{code}]"));
            if found != expected || expected && !told.contains("plan.toml:") {
                wrong.push(format!("{code}, {expected}:\n{plan}\n{told}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
}

#[test]
fn every_finding_of_the_rules_stands_in_the_table() {
    let told: Vec<&str> = table().iter().map(|(code, _, _)| *code).collect();
    for code in [
        "vacuous-check",
        "never-fails",
        "lone-canary-ingress",
        "canary-cookie",
        "jq-truthiness",
        "step-without-class",
        "rollback-without-verify",
        "destructive-on-one-key",
        "python-run-by-bash",
        "placeholder-left",
        "secret-in-argv",
        "ambient-kubectl",
        "auto-without-min-samples",
        "too-few-samples",
        "burst-fires",
        "evaluated-too-late",
        "unused-objective",
        "unknown-rollback",
        "never-armed",
        "canary-unsized",
        "canary-too-small",
    ] {
        assert!(told.contains(&code), "{code}");
    }
}
