//! `[[objective]]` and `[[trigger]]`: what is read, and every mistake at its place.

use std::time::Duration;

use super::reader::Reader;
use super::{Environment, Loaded, Options, load};
use crate::base::secret::Redactor;
use crate::base::source::{Source, Span};
use crate::base::table::{Notes, Table};
use crate::kind::tail::Take;
use crate::kind::{Spec, check};
use crate::launch::plan::{Beside, Condition, DecidedBy, FireMode, Signal, SignalSource, SpecId};
use crate::launch::threshold::{Dimension, Unit};
use crate::launch::time::Mark;

const HEAD: &str = r#"
[plan]
schema = 1
id = "p"
title = "P"
[[phase]]
id = "a"
at = "T-1h"
item = [{ id = "i", manual = {} }]
[[monitor]]
id = "api"
every = "1s"
timeout = "2s"
http = { get = "https://a.example/health" }
[[monitor]]
id = "canary"
every = "1s"
http = { get = "https://a.example/health", headers = { Canary = "always" } }
[[rollback]]
id = "back"
key = "1"
step = [{ id = "s", class = "idempotent", run = { command = ["true"] } }]
verify = [{ id = "v", for = "10s", http = { get = "https://a.example/version", expect = { json = ['.version == "v0"'] } } }]
"#;

fn read(text: &str) -> Result<Loaded, String> {
    let source = Source::new("plan.toml", format!("{HEAD}{text}"));
    let options = Options { rehearsal: true, ..Options::default() };
    let loaded = load(source.clone(), &Environment::default(), &options);
    loaded.map_err(|wrong| source.render(&wrong, false))
}

fn objective(body: &str) -> String {
    format!("[[objective]]\nid = \"o\"\nsignal = \"monitor.api\"\n{body}\n")
}

const ERRORS: &str = "[[objective]]\nid = \"errors\"\nsignal = \"monitor.api\"\nthat = \"error_rate <= 5%\"\nwindow = \"30s\"\nmin_samples = 20\n";

fn trigger(body: &str) -> String {
    format!("{ERRORS}[[trigger]]\nid = \"t\"\n{body}\n")
}

fn canary(more: &str) -> String {
    objective(&format!("that = \"error_rate <= 5%\"\nwindow = \"5m\"\nagainst = \"monitor.canary\"\n{more}"))
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn an_objective_says_what_it_is_and_the_rest_is_filled_in() {
    let text = objective("that = \"p95 <= 1.5s\"\nwindow = \"1m\"");
    let plan = read(&text).expect("sound").plan;
    let [one] = plan.objectives.as_slice() else { panic!("one objective") };
    assert_eq!((one.id.as_str(), one.title.as_str(), one.signal.as_str()), ("o", "o", "monitor.api"));
    assert_eq!((one.window, one.evaluate_every, one.unknown_for), (seconds(60), seconds(10), seconds(60)));
    assert_eq!(one.min_samples, 20, "one over 5%");
    assert_eq!(one.stale_after, seconds(5), "three looks and the time of one");
    assert_eq!(one.beside, Beside::Nothing);

    let text = objective(
        "title = \"Slow\"\nthat = \"error_rate <= 1%\"\nwindow = \"5m\"\nmin_samples = 150\nstale_after = \"20s\"\nevaluate_every \
         = \"5s\"\nunknown_for = \"3m\"\nagainst = \"monitor.canary\"\nboth_ways = true\nconfidence = \"99%\"",
    );
    let one = read(&text).expect("sound").plan.objectives.remove(0);
    assert_eq!((one.title.as_str(), one.min_samples, one.stale_after), ("Slow", 150, seconds(20)));
    assert_eq!((one.evaluate_every, one.unknown_for), (seconds(5), seconds(180)));
    assert_eq!(one.beside, Beside::Against { baseline: "monitor.canary".into(), both_ways: true, confidence: 99_000 });
}

#[test]
fn every_mistake_of_an_objective_is_told_at_its_place() {
    let window = |body: &str| objective(&format!("window = \"30s\"\n{body}"));
    let errors = |body: &str| objective(&format!("that = \"error_rate <= 5%\"\n{body}"));
    for (text, told) in [
        ("[[objective]]\nid = \"o\"\n".to_owned(), "needs `signal`"),
        (objective("window = \"30s\""), "needs `that`"),
        (errors(""), "needs `window`"),
        (errors("windw = \"30s\""), "did you mean `window`?"),
        (errors("window = \"30s\"").replace("monitor.api", "monitor.ap"), "did you mean `monitor.api`?"),
        (errors("window = \"25s\""), "`window = \"30s\"`"),
        (errors("window = \"25h\""), "more than 24h"),
        (errors("window = \"20m\"\nevaluate_every = \"100ms\""), "more than 8640 buckets"),
        (errors("window = \"30s\"\nevaluate_every = \"50ms\""), "less than 100ms"),
        (errors("window = \"30s\"\nevaluate_every = \"1500us\""), "less than 100ms"),
        (errors("window = \"30s\"\nevaluate_every = \"1000500us\""), "whole milliseconds"),
        (errors("window = \"0s\""), "of nothing"),
        (errors("window = \"10s\""), "20 samples never come in 10s"),
        (errors("window = \"30s\"\nmin_samples = 31"), "31 samples never come in 30s"),
        (errors("window = \"30s\"\nmin_samples = 19"), "at least 20"),
        (errors("window = \"30s\"\nmin_samples = 0"), "at least 1"),
        (window("that = \"<= 5%\""), "no one number"),
        (window("that = \"rate <= 5\""), "no one number"),
        (window("that = \"p95 <= 5\""), "unit of time"),
        (errors("window = \"30s\"\nper = \"monitor.canary\""), "`per` divides how much two counters grew"),
        (errors("window = \"30s\"\nminus = \"monitor.canary\"\nagainst = \"monitor.canary\""), "beside one other"),
        (errors("window = \"30s\"\nagainst = \"monitor.api\""), "beside itself"),
        (errors("window = \"30s\"\nagainst = \"monitor.canry\""), "did you mean `monitor.canary`?"),
        (errors("window = \"30s\"\nboth_ways = true"), "without `against`"),
        (errors("window = \"30s\"\nconfidence = \"99%\""), "without `against`"),
        (errors("window = \"30s\"\nexpects = { sees = \"9%\" }"), "`expects` has no effect"),
        (canary("expects = {}"), "needs `sees`"),
        (canary("expects = { sees = \"2 in 9\" }"), "is no share"),
        (canary("expects = { sees = \"5%\" }"), "never sees 5%: 0.1% is usual, and its limit lets 5% more pass"),
        (canary("expects = { sees = \"50%\", usual = \"45%\" }"), "never sees"),
        (canary("expects = { sees = \"50%\", traffic = \"20/s\", weight = \"10%\" }"), "no effect on monitors"),
        (canary("expects = { sees = \"50%\", traffic = \"20/s\" }"), "needs `weight`"),
        (canary("expects = { sees = \"50%\", weight = \"10%\" }"), "needs `traffic`"),
        (canary("expects = { sees = \"50%\", traffic = \"many\", weight = \"10%\" }"), "is no traffic"),
        (canary("expects = { sees = \"50%\", traffic = \"1/s\", weight = \"100%\" }"), "its baseline the rest"),
        (canary("expects = { sees = \"50%\", trafic = \"1/s\" }"), "did you mean `traffic`?"),
        (errors("window = \"30s\"\nagainst = \"monitor.canary\"\nconfidence = \"100%\""), "from 90% to 99.999%"),
        (errors("window = \"30s\"\nagainst = \"monitor.canary\"\nconfidence = \"sure\""), "is no confidence"),
        (window("that = \"p95 <= 1s\"\nminus = \"monitor.canary\""), "a difference of two has none"),
        (format!("{ERRORS}{ERRORS}"), "errors"),
    ] {
        let wrong = read(&text).expect_err(told);
        assert!(wrong.contains(told) && wrong.contains("plan.toml:"), "{told}\n{text}\n{wrong}");
    }
}

#[test]
fn one_number_of_several_processes_is_held_to_no_limit() {
    let signal = |more: &str| format!("[[signal]]\nid = \"load\"\n{more}\n");
    let asked = |more: &str, that: &str| {
        format!("{}[[objective]]\nid = \"o\"\nsignal = \"load\"\nthat = \"{that}\"\nwindow = \"1m\"\n", signal(more))
    };
    let one = "json = { get = \"http://a\", jq = \".load\" }";
    let several = "json = { get = [\"http://a\", \"http://b\"], jq = \".load\" }";
    let whose = format!("instance = \".pod\"\n{one}");
    let label = "instance = \"pod\"\npromql = { server = \"http://p\", query = \"load\" }";
    let (streams, sessions) = (
        "from = \"stream.chat\"\njq = \".n\"",
        "[vars]\nkeys = [\"a\", \"b\"]\n[session.user]\nbase = \"http://api\"\nfor_each = { key = \"keys\" }\n[[stream]]\nid = \"chat\"\nsession = \"user\"\nsse = { get = \"/chat\" }\n",
    );
    for (text, told) in [
        (asked(one, "<= 5"), None),
        (asked(several, "<= 5"), Some("a level for each")),
        (asked(&whose, "<= 5"), Some("a level for each")),
        (asked(label, "<= 5"), Some("a level for each")),
        (format!("{sessions}{}", asked(streams, "<= 5")), Some("a level for each")),
        (
            asked(several, "<= 5\"\nminus = \"other")
                .replace("[[objective]]", &format!("{}[[objective]]", signal(one).replace("load\"\n", "other\"\n"))),
            Some("a level for each"),
        ),
        (
            asked(one, "<= 5\"\nminus = \"other").replace(
                "[[objective]]",
                &format!("{}[[objective]]", signal(several).replace("load\"\n", "other\"\n")),
            ),
            Some("a level for each"),
        ),
        // Each is a sample for itself, or grows for itself.
        (asked(&format!("unit = \"ms\"\n{several}"), "p95 <= 1s"), None),
        (asked(&format!("counter = true\n{several}"), "change <= 5"), None),
    ] {
        match (read(&text), told) {
            (Ok(_), None) => {}
            (Err(wrong), Some(told)) if wrong.contains(told) && wrong.contains("plan.toml:") => {}
            (Err(wrong), _) => panic!("{text}\n{wrong}"),
            (Ok(_), Some(told)) => panic!("{told}: {text}"),
        }
    }
}

#[test]
fn a_counter_is_no_sum_of_processes_that_come_and_go() {
    let signal = |more: &str| format!("[[signal]]\nid = \"s\"\n{more}\n");
    let query = |query: &str| format!("promql = {{ server = \"http://p\", query = '{query}' }}");
    let histogram = |query: &str| format!("unit = \"s\"\npromql = {{ server = \"http://p\", histogram = '{query}' }}");
    let counter = |text: &str| signal(&format!("counter = true\n{}", query(text)));
    let own = |text: &str| format!("instance = \"pod\"\n{text}");
    for (text, refused) in [
        (counter("errors_total"), false),
        (counter("sum(errors_total)"), true),
        (counter("sum by (job) (errors_total{a=\"b\"})"), true),
        (counter("SUM without(pod) (errors_total)"), true),
        (counter("topk (1, errors_total)"), true),
        (counter("checksum_total"), false),
        (counter("errors_total{path=\"sum(a)\"}"), false),
        (signal(&query("sum(increase(errors_total[1m]))")), false),
        (signal(&format!("counter = true\n{}", own(&query("sum by (pod) (errors_total)")))), false),
        (signal(&histogram("took_bucket")), false),
        (signal(&histogram("sum by (le) (took_bucket)")), true),
        (signal(&own(&histogram("sum by (le, pod) (took_bucket)"))), false),
    ] {
        match (read(&text), refused) {
            (Ok(_), false) => {}
            (Err(wrong), true) if wrong.contains("goes away") && wrong.contains("instance") => {}
            (Err(wrong), _) => panic!("{text}\n{wrong}"),
            (Ok(_), true) => panic!("{text}"),
        }
    }
}

#[test]
fn a_trigger_says_when_and_what_then() {
    let text = trigger("when = \"objective.errors\"\nfor = \"2m\"\nthen = \"rollback.back\"");
    let one = read(&text).expect("sound").plan.triggers.remove(0);
    assert_eq!((one.id.as_str(), one.title.as_str(), one.then.as_str()), ("t", "t", "back"));
    assert_eq!(one.when, Condition::Objective("errors".into()));
    assert_eq!((one.lasts, one.recovers_after, one.mode), (seconds(120), seconds(240), FireMode::Ask));
    assert_eq!((one.armed_from, one.armed_until), (None, None));

    let text = trigger(
        "title = \"Errors\"\nwhen = \"objective.errors\"\nfor = \"2m\"\nrecovers_after = \"10m\"\nthen = \"rollback.back\"\nmode = \
         \"auto\"\nveto = \"30s\"\narmed_from = \"T-5m\"\narmed_until = \"T+1h\"",
    );
    let one = read(&text).expect("sound").plan.triggers.remove(0);
    assert_eq!((one.mode, one.recovers_after), (FireMode::Auto { veto: seconds(30) }, seconds(600)));
    assert_eq!((one.armed_from, one.armed_until), (Some(Mark(300_000)), Some(Mark(-3_600_000))));

    let down = read(&trigger("when = \"monitor.api.down\"\nthen = \"rollback.back\"")).expect("sound").plan;
    assert_eq!(down.triggers[0].when, Condition::Monitor("api".into()));
    assert_eq!((down.triggers[0].lasts, down.triggers[0].recovers_after), (Duration::ZERO, seconds(60)));
    let manual = trigger("when = \"manual\"\nmode = \"auto\"\nthen = \"rollback.back\"");
    let manual = read(&manual).expect("sound").plan;
    assert_eq!(
        (&manual.triggers[0].when, manual.triggers[0].mode),
        (&Condition::Manual, FireMode::Auto { veto: seconds(10) })
    );
}

#[test]
fn every_mistake_of_a_trigger_is_told_at_its_place() {
    let lasts = |body: &str| trigger(&format!("when = \"objective.errors\"\nfor = \"2m\"\n{body}"));
    let back = |body: &str| lasts(&format!("then = \"rollback.back\"\n{body}"));
    for (text, told) in [
        (trigger("then = \"rollback.back\""), "needs `when`"),
        (lasts(""), "needs `then`"),
        (trigger("when = \"objective.errors\"\nthen = \"rollback.back\""), "needs `for`"),
        (trigger("when = \"errors\"\nthen = \"rollback.back\""), "is no condition"),
        (trigger("when = \"objective.erors\"\nthen = \"rollback.back\""), "did you mean `objective.errors`?"),
        (trigger("when = \"monitor.apy.down\"\nthen = \"rollback.back\""), "did you mean `monitor.api.down`?"),
        (trigger("when = \"monitor.api\"\nthen = \"rollback.back\""), "is no condition"),
        (trigger("when = \"alert.\"\nthen = \"rollback.back\""), "is no condition"),
        (trigger("when = \"alert.Errors\"\nthen = \"rollback.back\""), "no monitor of this plan asks for alerts"),
        (lasts("then = \"back\""), "did you mean `rollback.back`?"),
        (lasts("then = \"rollback.bakc\""), "did you mean `rollback.back`?"),
        (back("mode = \"atuo\""), "did you mean `auto`?"),
        (back("veto = \"10s\""), "`veto` has no effect"),
        (back("mode = \"auto\"\nveto = \"4s\""), "at least 5s"),
        (back("recovers_after = \"2m\""), "longer than `for`"),
        (back("alerts = \"monitor.api\""), "`alerts` has no effect"),
        (back("armed_from = \"T-0\"\narmed_until = \"T-5m\""), "never"),
        (back("armed_from = \"T-5m\"\narmed_until = \"T-4m\""), "it can never fire"),
        (back("armd_from = \"T-0\""), "did you mean `armed_from`?"),
        (trigger("when = \"manual\"\nfor = \"2m\"\nthen = \"rollback.back\""), "`for` has no effect"),
        (
            trigger("when = \"manual\"\nrecovers_after = \"2m\"\nthen = \"rollback.back\""),
            "`recovers_after` has no effect",
        ),
        (back("mode = \"auto\"").replace("min_samples = 20\n", ""), "says no `min_samples`"),
    ] {
        let wrong = read(&text).expect_err(told);
        assert!(wrong.contains(told) && wrong.contains("plan.toml:"), "{told}\n{text}\n{wrong}");
    }
    let source = format!("{HEAD}{}", back("mode = \"auto\"")).replace("key = \"1\"", "key = \"1\"\nconfirm = \"type\"");
    let wrong =
        load(Source::new("plan.toml", source), &Environment::default(), &Options::default()).expect_err("typed");
    assert!(wrong.iter().any(|wrong| wrong.message.contains("confirmed by typing")), "{wrong:?}");
}

const PAGES: &str = "[[monitor]]\nid = \"pages\"\nevery = \"30s\"\nalerts = { prometheus = \"https://p.example\", none = \
                     [\"critical\"] }\n";

#[test]
fn an_alert_is_asked_for_where_the_plan_asks_for_alerts() {
    let one = |name: &str, more: &str| {
        format!("[[trigger]]\nid = \"t-{name}\"\nwhen = \"alert.{name}\"\nthen = \"rollback.back\"\n{more}")
    };
    let text = format!("{PAGES}{}{}", one("HighErrors", ""), one("Slow", "alerts = \"monitor.pages\"\n"));
    let loaded = read(&text).expect("sound");
    let implied: Vec<_> = loaded.plan.monitors.iter().filter(|known| known.id.as_str().starts_with("alert.")).collect();
    let seen: Vec<_> = implied.iter().map(|known| (known.id.as_str(), known.every, known.fails_after)).collect();
    assert_eq!(seen, [("alert.HighErrors", seconds(30), 0), ("alert.Slow", seconds(30), 0)]);
    assert_eq!(loaded.plan.triggers[0].when, Condition::Monitor("alert.HighErrors".into()));
    assert_eq!(loaded.places.len(), loaded.catalogue.entries.len(), "a place for each entry");
    // Of one server there is one answer, whoever asks: all of its rules stand in it.
    let mut told = Vec::new();
    for entry in &loaded.catalogue.entries {
        if let Spec::Check(spec @ check::Spec::Alerts(_)) = &entry.spec {
            let routes = spec.routes(&entry.examples, None, &entry.scope);
            let rules = routes.into_iter().find(|route| route.url.contains("/rules")).expect("asks for rules");
            told.push(format!("{:?}", rules.answer.json));
        }
    }
    assert_eq!(told.len(), 3);
    for text in &told {
        assert!(text.contains("HighErrors") && text.contains("Slow") && text.contains("any-critical"), "{text}");
    }

    let wrong = read(&format!("{PAGES}{}{}", PAGES.replace("pages", "other"), one("A", ""))).expect_err("which?");
    assert!(wrong.contains("several monitors") && wrong.contains("alerts = \"monitor.pages\""), "{wrong}");
    let wrong = read(&format!("{PAGES}{}", one("A", "alerts = \"monitor.page\"\n"))).expect_err("no such");
    assert!(wrong.contains("did you mean `monitor.pages`?"), "{wrong}");
    let wrong = read(&format!("{PAGES}{}", one("A b", ""))).expect_err("no name");
    assert!(wrong.contains("no name of an alert"), "{wrong}");
    let manager = PAGES.replace("prometheus =", "alertmanager =").replace("none", "firing");
    let wrong = read(&format!("{manager}{}", one("A", ""))).expect_err("silence");
    assert!(wrong.contains("asks no Prometheus"), "{wrong}");
}

#[test]
fn a_criterion_may_stand_on_objectives() {
    let criterion =
        |list: &str| format!("{ERRORS}[[criterion]]\nid = \"calm\"\ngo = \"It is calm\"\nobjectives = {list}\n");
    let plan = read(&criterion("[\"errors\"]")).expect("sound").plan;
    let DecidedBy::Seen { objectives, .. } = &plan.criteria[0].by else { panic!("seen") };
    assert_eq!(objectives.as_slice(), ["errors".into()]);
    let wrong = read(&criterion("[\"erors\"]")).expect_err("no such");
    assert!(wrong.contains("did you mean `errors`?"), "{wrong}");
    let wrong = read(&criterion("[]")).expect_err("empty");
    assert!(wrong.contains("nothing decides"), "{wrong}");
}

/// What is wrong with an objective in a plan that has these signals.
fn beside_signals(body: &str) -> Vec<String> {
    let signal = |id: &str, unit: &str, counter: bool, asked: bool| Signal {
        id: id.into(),
        title: id.to_owned(),
        source: if asked { SignalSource::Asked(SpecId(0)) } else { SignalSource::Stream("lines".into()) },
        unit: if unit.is_empty() { Unit::base(Dimension::Plain) } else { Unit::parse(unit).expect("a unit") },
        counter,
        every: seconds(10),
        timeout: seconds(5),
        stale_after: seconds(60),
        baseline: Vec::new(),
    };
    let source = Source::new("plan.toml", format!("[[objective]]\nid = \"o\"\nwindow = \"1m\"\n{body}\n"));
    let (notes, environment, options) = (Notes::default(), Environment::default(), Options::default());
    let (parsed, _) = toml::de::DeTable::parse_recoverable(&source.text);
    let table = Table::new("[]", parsed.span().into(), parsed.get_ref(), &notes);
    let mut reader = Reader::new(&source, &notes, &environment, &options, Redactor::default());
    reader.plan.signals = vec![
        signal("cpu", "%", false, true),
        signal("depth", "", false, true),
        signal("lag", "ms", false, false),
        signal("lag-canary", "s", false, false),
        signal("errors", "", true, true),
        signal("requests", "", true, true),
        signal("sent", "B", true, true),
    ];
    // Lines that fail or do not, one signal of them with how long it took.
    for (id, more) in [("lines", ""), ("timed", "\njq = \".ms\"\nunit = \"ms\"")] {
        let text = format!("errors = true{more}");
        let (parsed, _) = toml::de::DeTable::parse_recoverable(&text);
        let unread = Notes::default();
        let take = Take::read(&Table::new("[signal]", Span::default(), parsed.get_ref(), &unread), id.into());
        reader.catalogue.taken.entry("stream".into()).or_default().push(take.expect("sound"));
        reader.plan.signals.push(signal(id, if more.is_empty() { "" } else { "ms" }, false, false));
    }
    reader.read_objectives(&table);
    let objectives: Vec<String> = reader.plan.objectives.iter().map(|one| format!("{one:?}")).collect();
    let found: Vec<String> = notes.take_diagnostics().into_iter().map(|found| found.message).collect();
    assert_eq!(objectives.is_empty(), !found.is_empty(), "{body}\n{found:?}");
    found
}

#[test]
fn a_figure_fits_its_signal_and_units_agree() {
    for sound in [
        "signal = \"cpu\"\nthat = \"<= 80%\"",
        "signal = \"cpu\"\nthat = \"value <= 0.8\"",
        "signal = \"depth\"\nthat = \"<= 100\"",
        "signal = \"lag\"\nthat = \"p95 <= 1.5s\"",
        "signal = \"lag\"\nthat = \"max <= 1.5s\"",
        "signal = \"lag\"\nthat = \"<= 1.5s\"",
        "signal = \"lag-canary\"\nagainst = \"lag\"\nthat = \"p95 <= 1.5s\"",
        "signal = \"lag-canary\"\nminus = \"lag\"\nthat = \"<= 100ms\"",
        "signal = \"errors\"\nthat = \"rate <= 10\"",
        "signal = \"lines\"\nthat = \"error_rate <= 5%\"",
        "signal = \"lines\"\nagainst = \"timed\"\nthat = \"error_rate <= 5%\"\nexpects = { sees = \"50%\", traffic = \"1/s\", weight = \"10%\" }",
        "signal = \"timed\"\nthat = \"p95 <= 5s\"",
        "signal = \"errors\"\nthat = \"change <= 10\"",
        "signal = \"sent\"\nthat = \"rate <= 10MB\"",
        "signal = \"errors\"\nper = \"requests\"\nthat = \"<= 0.1%\"",
        "signal = \"errors\"\nper = \"requests\"\nthat = \"<= 5%\"\nmin_samples = 5000",
        "signal = \"cpu\"\nminus = \"cpu-b\"\nthat = \"<= 5%\"",
    ] {
        let found = beside_signals(sound);
        let expected: &[&str] = if sound.contains("cpu-b") { &["there is no signal `cpu-b`"] } else { &[] };
        assert_eq!(found, expected, "{sound}");
    }
    for (body, told) in [
        ("signal = \"cpu\"\nthat = \"<= 80MB\"", "the signal is a share, and 80MB is a size"),
        ("signal = \"depth\"\nthat = \"<= 5%\"", "the signal is a plain number, and 5% is a share"),
        ("signal = \"depth\"\nthat = \"p95 <= 5s\"", "a percentile is of spans of time"),
        ("signal = \"cpu\"\nthat = \"error_rate <= 5%\"", "or of lines; of counters write `per`"),
        ("signal = \"cpu\"\nthat = \"rate <= 5%\"", "only of a counter"),
        ("signal = \"cpu\"\nthat = \"change <= 5%\"", "only of a counter"),
        ("signal = \"errors\"\nthat = \"<= 5\"", "a counter only grows"),
        ("signal = \"errors\"\nthat = \"rate <= 5s\"", "the signal is a plain number, and 5s is a time"),
        ("signal = \"cpu\"\nper = \"requests\"\nthat = \"<= 5%\"", "this one is a level"),
        ("signal = \"errors\"\nper = \"cpu\"\nthat = \"<= 5%\"", "this one is a level"),
        ("signal = \"errors\"\nper = \"sent\"\nthat = \"<= 5%\"", "two counters of one unit"),
        ("signal = \"errors\"\nper = \"requests\"\nthat = \"rate <= 5\"", "the share itself is held to a limit"),
        ("signal = \"errors\"\nper = \"requests\"\nthat = \"<= 5s\"", "is a percentage, and 5s is not"),
        ("signal = \"errors\"\nper = \"requests\"\nthat = \"<= 5%\"\nmin_samples = 19", "one sample of 19"),
        ("signal = \"lag\"\nminus = \"cpu\"\nthat = \"<= 5s\"", "one signal is a time, the other a share"),
        ("signal = \"errors\"\nminus = \"depth\"\nthat = \"rate <= 5\"", "one signal is a counter, the other a level"),
        ("signal = \"cpu\"\nagainst = \"depth\"\nthat = \"<= 5%\"", "one signal is a share, the other a plain number"),
        ("signal = \"lines\"\nthat = \"p95 <= 5s\"", "do not say how long they took"),
        ("signal = \"lines\"\nthat = \"<= 5\"", "no one number"),
        (
            "signal = \"lines\"\nminus = \"cpu\"\nthat = \"error_rate <= 5%\"",
            "lines that fail or do not, the other a level",
        ),
        ("signal = \"errors\"\nagainst = \"requests\"\nthat = \"rate <= 5\"", "tests shares of samples"),
    ] {
        let found = beside_signals(body);
        assert!(found.len() == 1 && found[0].contains(told), "{told}\n{body}\n{found:?}");
    }
}

#[test]
fn what_is_silent_may_be_old_by_its_own_measure() {
    let stale = |signal: &str| {
        let text =
            format!("{HEAD}{}", objective("that = \"p95 <= 1s\"\nwindow = \"1m\"").replace("monitor.api", signal));
        let loaded = load(Source::new("plan.toml", text), &Environment::default(), &Options::default()).expect("sound");
        loaded.plan.objectives[0].stale_after
    };
    assert_eq!(stale("monitor.api"), seconds(5));
    let wrong =
        read(&objective("that = \"p95 <= 1s\"\nwindow = \"1m\"\nstale_after = \"1s\"")).expect_err("always stale");
    assert!(wrong.contains("is stale between any two looks"), "{wrong}");
}

#[test]
fn a_canary_is_told_how_long_it_must_run() {
    let loaded = read(&canary("expects = { usual = \"0.1%\", sees = \"20%\" }")).expect("sound");
    let words: Vec<String> = loaded.canaries.iter().map(super::Canary::words).collect();
    assert_eq!(
        words,
        [
            "canary o: to see 20% beside 0.1% takes 141 samples of it and 141 of its baseline, 2m 21s (90% power, 99.9% sure)"
        ]
    );
    let codes: Vec<_> = loaded.warnings.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["unused-objective"]);
}

/// A mistake in an objective is not told again where it is used.
#[test]
fn one_mistake_is_told_once() {
    let broken = trigger("when = \"objective.errors\"\nfor = \"2m\"\nthen = \"rollback.back\"")
        .replace("error_rate <= 5%", "eror_rate <= 5%");
    let text = format!("{broken}[[criterion]]\nid = \"calm\"\ngo = \"It is calm\"\nobjectives = [\"errors\"]\n");
    let source = Source::new("plan.toml", format!("{HEAD}{text}"));
    let wrong = load(source, &Environment::default(), &Options::default()).expect_err("one");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
}

#[test]
fn one_good_answer_is_no_proof_where_a_share_of_bad_ones_starts_the_rollback() {
    let text = format!(
        "{HEAD}{}",
        trigger("when = \"objective.errors\"\nfor = \"2m\"\nthen = \"rollback.back\"\nmode = \"ask\"")
    );
    let told = |text: &str| {
        let options = Options { rehearsal: true, ..Options::default() };
        let loaded = load(Source::new("plan.toml", text), &Environment::default(), &options).expect("sound");
        loaded.warnings.iter().map(|warning| warning.code.to_string()).collect::<Vec<_>>()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(told(&text), none);
    let at_once = text.replace("for = \"10s\", ", "");
    assert_eq!(told(&at_once), ["verified-by-one-answer"]);
    let manual = at_once.replace("when = \"objective.errors\"\nfor = \"2m\"", "when = \"manual\"");
    assert!(!told(&manual).contains(&"verified-by-one-answer".to_owned()));
}
