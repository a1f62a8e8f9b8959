//! Signals of a plan: whom they look at is there, and can bring what is asked for.

use super::{HEAD, checked, with_items, wrong};

const MONITOR: &str = "\n[[monitor]]\nid = \"api\"\nevery = \"1s\"\nhttp = { get = \"https://a.example/health\" }\n";

fn signal(rest: &str) -> String {
    with_items("", &format!("[[phase.item]]\nid = \"i\"\n[phase.item.signal]\n{rest}\n")) + MONITOR
}

#[test]
fn a_signal_looks_at_a_monitor_that_can_bring_its_samples() {
    let error_rate = "that = \"error_rate <= 5%\"\n";
    for (rest, found) in [
        ("from = \"monitor.api\"\nwindow = \"30s\"", vec![]),
        ("from = \"monitor.apo\"\nwindow = \"30s\"", vec![("unknown-monitor", "\"monitor.apo\"")]),
        ("from = \"monitor.api\"\nwindow = \"30s\"\nmin_samples = 31", vec![("too-few-samples", "31")]),
        ("from = \"monitor.api\"\nwindow = \"5m\"", vec![("wrong-value", "\"monitor.api\"")]),
    ] {
        let text = signal(&format!("{error_rate}{rest}"));
        let wanted: Vec<(&str, String)> = found.into_iter().map(|(code, at)| (code, at.to_owned())).collect();
        assert_eq!(wrong(&text), wanted, "{rest}");
    }
}

#[test]
fn no_monitor_judges_itself_and_none_runs_where_a_rollback_is_verified() {
    let signal = "signal = { from = \"monitor.api\", that = \"up >= 99%\", window = \"3m\" }";
    let itself = format!("{HEAD}[[monitor]]\nid = \"api\"\nevery = \"1s\"\n{signal}\n");
    assert!(wrong(&itself).contains(&("wrong-value", "\"monitor.api\"".to_owned())), "{:?}", wrong(&itself));
    let rollback = concat!(
        "\n[[rollback]]\nid = \"back\"\nkey = \"1\"\n[[rollback.step]]\nid = \"s\"\nclass = \"idempotent\"\n",
        "run = { command = [\"true\"] }\n[[rollback.verify]]\nid = \"v\"\n"
    );
    let verified = with_items("", "[[phase.item]]\nid = \"i\"\nmanual = {}\n") + MONITOR + rollback + signal;
    assert!(wrong(&verified).contains(&("wrong-value", "\"monitor.api\"".to_owned())), "{:?}", wrong(&verified));
}

#[tokio::test]
async fn signals_and_alerts_are_tried_and_none_of_their_expectations_is_vacuous() {
    for rest in [
        "promql = { server = \"https://p.example\", query = 'sum(x)', samples = 'count(x)' }\nthat = \"<= 5%\"\nmin_samples = 9",
        "promql = { server = \"https://p.example\", query = 'sum(x)' }\nthat = \">= 99.9%\"",
        "promql = { server = \"https://p.example\", query = 'sum(x)' }\nthat = \"== 3\"",
        "json = { get = \"https://a.example/m\", jq = \".a\", samples = \".n\" }\nthat = \"<= 1.5s\"\nunit = \"ms\"\nmin_samples = 9",
        "from = \"monitor.api\"\nthat = \"p95 <= 2s\"\nwindow = \"30s\"",
    ] {
        let (errors, warnings, text) = checked(&signal(rest)).await;
        assert_eq!((errors, warnings), (0, 0), "{rest}: {text}");
    }
    let alerts = concat!(
        "[[phase.item]]\nid = \"i\"\n[phase.item.alerts]\nprometheus = \"https://p.example\"\ndelivers = true\n",
        "none = [\"critical\"]\nnot_firing = [\"A\"]\nfiring = [\"Watchdog\"]\nrules = [\"B\"]\n"
    );
    let (errors, warnings, text) = checked(&with_items("", alerts)).await;
    assert_eq!((errors, warnings), (0, 0), "{text}");
}
