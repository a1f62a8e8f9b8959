//! What `sequence` promises: rounds in their order, from where it stands, stopped at once by a guard that says no
//! or nothing. And what both kinds' tables are told, and come to in a rehearsal.

use serde_json::json;
use tminus::base::jq::Jq;
use tminus::base::source::Source;
use tminus::launch::event::Event;
use tminus::launch::verdict::{Verdict, Weight};
use tminus::plan::{Environment, check_report};

use super::{finish, nginx};
use crate::binary::Place;
use crate::cluster::{self, Cluster, in_plan};
use crate::told::records;

fn staged(rest: &str, guard: &str) -> String {
    format!(
        "[phase.item.sequence]\nfor_each = {{ weight = [75, 50, 25, 0] }}\nwait = \"200ms\"\nevery = \"100ms\"\n{rest}\nguard = \
         [{{ id = \"calm\", http = {{ get = \"SERVED\", expect = {{ json = ['.calm == {guard}'] }} }} }}]\n[[phase.item.sequence.steps]]\n\
         traffic = {{ driver = \"command\", action = \"set\", read = [\"cat\", \"weight\"], set = [\"bash\", \"-c\", \"echo \
         $TMINUS_WEIGHT | tee -a all > weight\"], weight = \"{{{{ weight }}}}\", within = \"1s\" }}\n"
    )
}

fn steps_taken(cluster: &Cluster) -> String {
    std::fs::read_to_string(cluster.path("all")).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn rounds_follow_each_other_and_begin_where_it_stands() {
    let cluster = Cluster::start([]).await;
    cluster.state().served = Some(Box::new(|_| json!({ "calm": true })));
    std::fs::write(cluster.path("weight"), "100").expect("written");
    let came = cluster.run(&staged("", "true")).await;
    assert_eq!(came.report.verdict, Verdict::Pass, "{}", came.said);
    assert_eq!(steps_taken(&cluster), "75 50 25 0");
    for told in ["round 1 of 4 (weight = 75): step 1 of 1: traffic", "round 4 of 4 (weight = 0): guard calm: pass"] {
        assert!(came.said.contains(told), "{told}: {}", came.said);
    }
    // A repetition from half way never leads back up.
    std::fs::write(cluster.path("weight"), "40").expect("written");
    std::fs::write(cluster.path("all"), "").expect("written");
    let came = cluster.run(&staged("", "true")).await;
    assert_eq!((came.report.verdict, steps_taken(&cluster).as_str()), (Verdict::Pass, "25 0"), "{}", came.said);
    let came = cluster.run(&staged("from = \"first\"", "true")).await;
    assert_eq!(
        (came.report.verdict, steps_taken(&cluster).as_str()),
        (Verdict::Pass, "25 0 75 50 25 0"),
        "{}",
        came.said
    );
}

#[tokio::test]
async fn a_guard_that_says_no_or_nothing_stops_it_at_once_and_may_undo() {
    let cluster = Cluster::start([]).await;
    let begin = || {
        std::fs::write(cluster.path("weight"), "100").expect("written");
        std::fs::write(cluster.path("all"), "").expect("written");
    };
    begin();
    cluster.state().served = Some(Box::new(|_| json!({ "calm": false })));
    let came = cluster.run(&staged("", "true")).await;
    assert_eq!((came.outcome.exit, came.report.verdict), (Some(1), Verdict::Fail), "{}", came.said);
    assert_eq!(steps_taken(&cluster), "75");
    let summary = &came.report.summary;
    assert!(summary.starts_with("stopped in round 1 of 4 (weight = 75): guard `calm` is fail"), "{summary}");
    assert!(summary.ends_with("nothing was taken back"), "{summary}");

    begin();
    let undo = "on_breach = \"undo\"\nundo = [{ run = { command = [\"cp\", \"all\", \"undone\"] } }]";
    let came = cluster.run(&staged(undo, "true")).await;
    assert_eq!(came.report.verdict, Verdict::Fail, "{}", came.said);
    assert!(came.report.summary.ends_with("; taken back") && cluster.path("undone").exists(), "{}", came.said);

    begin();
    cluster.state().served = Some(Box::new(|_| json!({})));
    let came = cluster.run(&staged("", "true")).await;
    assert_eq!((came.report.verdict, steps_taken(&cluster).as_str()), (Verdict::Unknown, "75"), "{}", came.said);
    begin();
    let came = cluster.run(&staged("guard_unknown = \"go_on\"", "true")).await;
    assert_eq!((came.report.verdict, steps_taken(&cluster).as_str()), (Verdict::Warn, "75 50 25 0"), "{}", came.said);
}

/// The way up of a canary, 10 to 50 to 100, that goes back by itself: 75, 50, 25, 10, 0 of what it has.
fn ramp() -> String {
    let set = |weight: &str| {
        format!(
            "traffic = {{ driver = \"command\", action = \"set\", read = [\"cat\", \"weight\"], set = [\"bash\", \"-c\", \
             \"echo $TMINUS_WEIGHT | tee -a all > weight\"], weight = \"{weight}\", within = \"1s\" }}"
        )
    };
    let back: Vec<String> = ["25", "10", "0"].iter().map(|weight| format!("{{ {} }}", set(weight))).collect();
    format!(
        "[phase.item.sequence]\nfor_each = {{ weight = [10, 50, 100] }}\nwait = \"300ms\"\nevery = \"100ms\"\n\
         on_breach = \"undo\"\nsteps = [{{ {} }}]\nundo = [{}]\nguard = [{{ id = \"calm\", command = {{ command = \
         [\"bash\", \"-c\", \"test $(cat weight) -lt 50\"] }} }}]\n",
        set("{{ weight }}"),
        back.join(", ")
    )
}

#[tokio::test]
async fn a_breach_between_two_weights_goes_back_in_order_and_the_gauge_follows() {
    let cluster = Cluster::start([]).await;
    std::fs::write(cluster.path("weight"), "0").expect("written");
    let came = cluster.run(&ramp()).await;
    assert_eq!(came.report.verdict, Verdict::Fail, "{}", came.said);
    assert_eq!(steps_taken(&cluster), "10 50 25 10 0", "never 100, and down as it says: {}", came.said);
    let summary = &came.report.summary;
    assert!(summary.starts_with("stopped in round 2 of 3 (weight = 50): guard `calm` is fail"), "{summary}");
    assert!(summary.ends_with("; taken back"), "{summary}");
    assert_eq!(came.weight, Some(Weight { wanted: Some(0), seen: Some(0) }));
}

#[tokio::test]
async fn a_sequence_that_stopped_half_way_is_at_least_unknown() {
    let cluster = Cluster::start([]).await;
    // Its step was passed over: no step that was made says no, and half of it was done.
    let table = "[phase.item.sequence]\nfor_each = { n = [1, 2] }\nsteps = [{ id = \"try\", run = { command = [\"bash\", \
                 \"-c\", \"exit $(( $0 - 1 ))\", \"{{ n }}\"], exit = { 1 = \"skipped\" } } }]\n";
    let came = cluster.run(table).await;
    assert_eq!(came.report.verdict, Verdict::Unknown, "{}", came.said);
    assert!(came.report.summary.contains("stopped in round 2 of 2"), "{}", came.report.summary);
}

#[tokio::test]
async fn what_a_guard_could_not_tell_once_is_kept_though_it_passes_later() {
    let cluster = Cluster::start([]).await;
    std::fs::write(cluster.path("weight"), "100").expect("written");
    let looks = std::sync::atomic::AtomicU32::new(0);
    cluster.state().served = Some(Box::new(move |_| match looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        1 => json!({}),
        _ => json!({ "calm": true }),
    }));
    let came = cluster.run(&staged("guard_unknown = \"go_on\"", "true")).await;
    assert_eq!((came.report.verdict, steps_taken(&cluster).as_str()), (Verdict::Warn, "75 50 25 0"), "{}", came.said);
    let kept: Vec<_> = came.report.findings.iter().filter(|finding| finding.verdict == Verdict::Warn).collect();
    assert!(kept.len() == 1 && kept[0].seen.starts_with("unknown at worst"), "{:#?}", came.report);
}

#[tokio::test]
async fn what_stands_inside_a_sequence_is_tried_on_its_examples() {
    let jq = Jq::with_worker(cluster::PROGRAM);
    let verified = |body: &str| {
        nginx("action = \"set\"\nweight = 10").replace("[phase.item.traffic]\n", "").replace('\n', ", ").replacen(
            "driver",
            &format!(
                "verify = {{ http = {{ get = \"https://shop.example.com/v\", expect = {{ status = 200, json = ['.v == \
                 \"2\"'] }} }}, example = {{ good = {{ status = 200, json = {{ v = \"{body}\" }} }} }} }}, driver"
            ),
            1,
        )
    };
    let sent = |status: u16| {
        format!(
            "{{ send = {{ post = \"https://shop.example.com/x\", expect = {{ status = 201 }} }}, example = {{ good = {{ \
             status = {status} }} }} }}"
        )
    };
    for (what, wrong) in [
        (format!("{{ traffic = {{ {} }} }}", verified("2").trim_end_matches(", ")), None),
        (format!("{{ traffic = {{ {} }} }}", verified("1").trim_end_matches(", ")), Some("verify of `traffic` of")),
        (sent(201), None),
        (sent(500), Some("`send` of item i")),
    ] {
        for key in ["steps", "undo"] {
            let other = match key {
                "steps" => String::new(),
                _ => "steps = [{ run = { command = [\"true\"] } }]\non_breach = \"undo\"\n".to_owned(),
            };
            let table = format!("[phase.item.sequence]\nfor_each = {{ n = [1] }}\n{other}{key} = [{what}]\n");
            let source = Source::new("plan.toml", in_plan(&table));
            let checked = check_report(&source, &Environment::of_process(), None, &jq, false).await;
            match wrong {
                None => assert!(checked.errors == 0, "{}", checked.text),
                Some(wrong) => assert!(checked.errors > 0 && checked.text.contains(wrong), "{wrong}: {}", checked.text),
            }
        }
    }
}

#[tokio::test]
async fn a_step_that_fails_stops_the_rounds() {
    let cluster = Cluster::start([]).await;
    let table = "[phase.item.sequence]\nfor_each = { n = [1, 2, 3] }\nsteps = [{ id = \"try\", run = { command = [\"bash\", \
                 \"-c\", 'echo said-$0; test $0 -lt 2', \"{{ n }}\"] } }]\n";
    let came = cluster.run(table).await;
    assert_eq!(came.report.verdict, Verdict::Fail, "{}", came.said);
    assert!(
        came.said.contains("said-1") && came.said.contains("said-2") && !came.said.contains("said-3"),
        "{}",
        came.said
    );
    assert!(came.report.summary.contains("round 2 of 3 (n = 2): `try` is fail: exit 1"), "{}", came.report.summary);
}

#[tokio::test]
async fn mistakes_inside_are_told_at_their_own_place() {
    let checked = |table: String| async move {
        let jq = Jq::with_worker(cluster::PROGRAM);
        check_report(&Source::new("plan.toml", in_plan(&table)), &Environment::of_process(), None, &jq, false).await
    };
    for (table, told) in [
        (
            nginx("action = \"set\"\nweight = 10").replace("context = \"prod\"\n", ""),
            "takes kubectl's context as it stands",
        ),
        (
            nginx("action = \"set\"\nweight = 10").replace("namespace = \"shop\"", "namespace = \"\""),
            "takes kubectl's namespace",
        ),
        (nginx("action = \"set\"\nweight = 110"), "no weight"),
        (nginx("action = \"set\"\ncookie = { name = \"canary\", value = \"enabled\" }"), "never matches"),
        (nginx("action = \"set\"\nweight = 10\nstable = \"shop-canary\""), "made its own canary"),
        (nginx("action = \"set\"\nweight = 10\nroute = \"x\""), "does not go with this driver"),
        (nginx("action = \"finish\""), "needs `verify`"),
        (nginx("action = \"undo\"\nweight = 10"), "has no effect"),
        (
            finish("v2").replace("expect = { json = ['.version == \"v2\"'] }", "expect = { json = ['.version'] }"),
            "only tested for being there",
        ),
        (staged("", "true").replace("http = { get", "htpp = { get"), "plan.toml:16:25"),
        (
            staged("", "true").replace("weight = \"{{ weight }}\"", "weight = \"{{ wieght }}\""),
            "did you mean `weight`?",
        ),
        (
            staged("", "true").replace("wait = \"200ms\"", "wait = \"300s\"").replacen(
                "[phase.item.seq",
                "timeout = \"10m\"\n[phase.item.seq",
                1,
            ),
            "its waits alone take 20m",
        ),
        (staged("on_breach = \"undo\"", "true"), "needs `undo`"),
        (staged("", "true").replace("traffic = {", "drill = {"), "`drill` cannot stand in"),
    ] {
        let found = checked(table.clone()).await;
        assert!(found.text.contains(told), "{told} is not in\n{}\n{table}", found.text);
    }
    let sound = checked(staged("", "true").replace("SERVED", "https://a.example/calm")).await;
    assert_eq!((sound.errors, sound.warnings), (0, 0), "{}", sound.text);
}

#[tokio::test]
async fn a_rehearsal_answers_both_from_their_examples() {
    let place = Place::new(&[]);
    let (plan, folder) = (place.path("plan.toml"), place.path("launch"));
    let example = "[phase.item.example]\ngood = { exit = 0, stdout = \"the canary has 10%\" }\n";
    let second = staged("", "true").replace("SERVED", "https://a.example/calm");
    let text = format!(
        "{}{example}[[phase.item]]\nid = \"rounds\"\nclass = \"idempotent\"\n{second}{example}",
        in_plan(&nginx("action = \"set\"\nweight = 10"))
    );
    std::fs::write(&plan, text).expect("written");
    let (plan, launch) = (plan.display().to_string(), folder.display().to_string());
    let ran = place.run(&["rehearse", &plan, "--headless", "--launch", &launch]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let records = records(&folder);
    let outcomes: Vec<(bool, Option<i32>)> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::StepEnded { outcome, .. } => Some((outcome.simulated, outcome.exit)),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, [(true, Some(0)), (true, Some(0))], "{}", ran.out);
}
