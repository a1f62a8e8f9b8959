//! The checks `signal` and `alerts` against a real Prometheus and a real Alertmanager: what they say of data that
//! is there, wrong, missing, old, and of alerts that ring, are held back, or have no rule.

use crate::wait;

#[path = "prometheus/filled.rs"]
mod filled;
#[path = "prometheus/fired.rs"]
mod fired;
#[path = "prometheus/servers.rs"]
mod servers;
#[path = "prometheus/watched.rs"]
mod watched;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use servers::{Server, State, service, tool};
use tminus::base::table::{Notes, Table};
use tminus::base::wire::{Client, Limits, Network, Request};
use tminus::kind::check::{Context, Spec};
use tminus::launch::verdict::Report;
use tminus::launch::verdict::Verdict::{self, Fail, Pass, Stale, Unknown, Warn};
use toml::de::DeTable;

fn check(kind: &str, text: &str) -> Spec {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let notes = Notes::default();
    let table = Table::new(format!("[{kind}]"), parsed.span().into(), parsed.get_ref(), &notes);
    let spec = Spec::read(kind, &table);
    table.finish();
    let found = notes.take_diagnostics();
    assert!(found.is_empty(), "{text}: {found:?}");
    spec.expect("a check")
}

fn client() -> Client {
    Client::new(&Network::Outside, Limits::default()).expect("a client")
}

async fn look(kind: &str, text: &str) -> Report {
    let cx = Context { timeout: Duration::from_secs(5), ..Context::new(client()) };
    check(kind, text).run(&cx).await.report
}

/// Looks until the verdict is `wanted`, passing through none but `meanwhile`.
async fn becomes(kind: &str, text: &str, wanted: Verdict, told: &str, meanwhile: &[Verdict]) {
    let mut last = None;
    let until = async {
        let mut looks = tokio::time::interval(wait::LOOK * 5);
        loop {
            looks.tick().await;
            let report = look(kind, text).await;
            if report.verdict == wanted && report.summary.contains(told) {
                return;
            }
            assert!(meanwhile.contains(&report.verdict), "{text}: {report:#?}");
            last = Some(report);
        }
    };
    let came = tokio::time::timeout(wait::PATIENCE, until).await;
    assert!(came.is_ok(), "{text} is never {wanted} ({told}): {last:#?}");
}

async fn is(kind: &str, text: &str, wanted: Verdict, told: &str) {
    let report = look(kind, text).await;
    assert!(report.verdict == wanted && report.summary.contains(told), "{text}: {wanted} ({told}): {report:#?}");
}

fn config(
    service: std::net::SocketAddr,
    mortal: std::net::SocketAddr,
    alertmanager: Option<std::net::SocketAddr>,
) -> String {
    let job = |name: &str, at| {
        format!("- job_name: {name}\n  static_configs:\n  - targets: ['{at}']\n    labels: {{ service: {name} }}\n")
    };
    let alerting = alertmanager.map_or_else(String::new, |at| {
        format!("alerting:\n  alertmanagers:\n  - static_configs:\n    - targets: ['{at}']\n")
    });
    format!(
        "global:\n  scrape_interval: 1s\n  scrape_timeout: 900ms\n  evaluation_interval: 1s\n  external_labels: \
         {{ cluster: prod }}\nrule_files: [rules.yml]\n{alerting}scrape_configs:\n{}{}",
        job("api", service),
        job("mortal", mortal)
    )
}

#[tokio::test]
async fn a_number_of_a_real_prometheus_counts_only_while_it_is_one_new_and_of_enough() {
    let Some(program) = tool("prometheus") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (steady, mortal) = (Arc::new(State::default()), Arc::new(State::default()));
    let (at, mortal_at) = (service(steady).await, service(Arc::clone(&mortal)).await);
    let prometheus = Server::prometheus(&program, folder.path(), &config(at, mortal_at, None), "groups: []\n");
    let server = prometheus.url();
    let signal = |query: &str, rest: &str| {
        let query = query.replace('"', "\\\"");
        format!("promql = {{ server = '{server}', query = \"{query}\" }}\n{rest}")
    };
    let share = |kind: &str, enough: u64| {
        format!(
            "promql = {{ server = '{server}', query = 'sum(rate(errors_total{{service=\"api\",kind=\"{kind}\"}}[10s])) / \
             sum(rate(requests_total{{service=\"api\"}}[10s]))', samples = 'sum(increase(requests_total{{service=\"api\"}}[10s]))' \
             }}\nthat = '<= 5%'\nmin_samples = {enough}\nstale_after = '5s'"
        )
    };
    // Nothing was scraped yet: that is no health, and no failure.
    becomes("signal", &share("few", 50), Pass, "2%", &[Unknown, Stale]).await;
    is("signal", &share("many", 50), Fail, "seen 8%").await;
    is("signal", &share("few", 1_000_000), Unknown, "too few").await;
    for (query, that, wanted, told) in [
        ("seconds{service=\"api\"}", "<= 1500ms", Pass, "1500ms"),
        ("seconds{service=\"api\"}", "< 1.5s", Fail, "seen 1.5s"),
        ("no_such_metric", "<= 5%", Unknown, "no series"),
        ("errors_total{service=\"api\"}", "<= 5", Unknown, "2 series"),
        ("not_a_number{service=\"api\"}", "<= 5", Unknown, "NaN"),
        ("seconds{service=\"api\"} / 0", "<= 5", Unknown, "+Inf"),
        // A default hides that nobody counts: what it hides has no age.
        ("sum(rate(no_such_metric[10s])) or vector(0)", "<= 5%", Unknown, "age that cannot be told"),
        ("sum(seconds", "<= 5", Unknown, "bad_data"),
        ("seconds{service=\"api\"}[10s]", "<= 5", Unknown, "matrix"),
        ("sum(paths{path=~\"/a[+]b|c{2}\", q=\"x&y=1 #%\", service=\"api\"}) + 1", "== 8", Pass, "8"),
        ("paths{path=\"/a b\"}", "== 7", Unknown, "no series"),
    ] {
        let text = signal(query, &format!("that = '{that}'"));
        is("signal", &text, wanted, told).await;
    }
    // A rate goes on for as long as its range, though nobody is there any more.
    let rate = "sum(rate(requests_total{service=\"mortal\"}[60s]))";
    let lasting = signal(rate, "that = '> 0'\nstale_after = '4s'");
    let unheeding = signal(rate, "that = '> 0'\nstale_after = '60s'");
    becomes("signal", &lasting, Pass, "more than 0", &[Unknown]).await;
    mortal.gone.store(true, Ordering::SeqCst);
    becomes("signal", &lasting, Stale, "old", &[Pass]).await;
    is("signal", &unheeding, Pass, "old").await;
    is("signal", &signal("seconds{service=\"mortal\"}", "that = '< 5s'"), Unknown, "no series").await;
    is("signal", &share("few", 50), Pass, "2%").await;
    drop(prometheus);
    is("signal", &share("few", 50), Unknown, "refused").await;
}

const RULES: &str = r#"groups:
- name: launch
  interval: 1s
  rules:
  - { alert: Quiet, expr: 'requests_total < 0', labels: { severity: critical } }
  - { alert: Rings, expr: 'ringing{service="api"} > 0', labels: { severity: page } }
  - { alert: Held, expr: 'vector(1)', labels: { severity: ticket } }
  - { alert: Under, expr: 'vector(1)', labels: { severity: minor } }
  - { alert: Boss, expr: 'vector(1)', labels: { severity: boss } }
  - { alert: Slowly, expr: 'vector(1)', for: 1h, labels: { severity: slow } }
  - { alert: Broken, expr: 'pair * on(service) pair', labels: { severity: broken } }
  - { alert: Watchdog, expr: 'vector(1)', labels: { severity: none } }
"#;

const ROUTES: &str = r#"route: { receiver: nobody, group_wait: 1s }
receivers: [{ name: nobody }]
inhibit_rules:
- source_matchers: ['alertname="Boss"']
  target_matchers: ['alertname="Under"']
"#;

async fn silence(alertmanager: &Server, name: &str) {
    let until =
        chrono::DateTime::from_timestamp_millis((tminus::clock::HANDED.wall_ms)() + 600_000).expect("an instant");
    let body = json!({
        "matchers": [{ "name": "alertname", "value": name, "isRegex": false, "isEqual": true }],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": until.to_rfc3339(), "createdBy": "test", "comment": "test",
    });
    let request = Request {
        method: "POST".into(),
        url: format!("{}/api/v2/silences", alertmanager.url()),
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: Some(Value::to_string(&body).into()),
    };
    let answer = client().send(request, Duration::from_secs(10)).await.expect("an answer");
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

async fn servers(folder: &Path, programs: [&Path; 2], state: &Arc<State>) -> (Server, Server) {
    let at = service(Arc::clone(state)).await;
    let (ours, theirs) = (folder.join("prometheus"), folder.join("alertmanager"));
    [&ours, &theirs].into_iter().for_each(|folder| std::fs::create_dir(folder).expect("a folder"));
    let alertmanager = Server::alertmanager(programs[1], &theirs, ROUTES);
    let prometheus = Server::prometheus(programs[0], &ours, &config(at, at, Some(alertmanager.address)), RULES);
    (prometheus, alertmanager)
}

#[tokio::test]
async fn silence_of_a_real_prometheus_counts_only_where_its_rules_would_ring() {
    let (Some(prometheus), Some(alertmanager)) = (tool("prometheus"), tool("prometheus-alertmanager")) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let state = Arc::new(State::default());
    let (prometheus, alertmanager) = servers(folder.path(), [&prometheus, &alertmanager], &state).await;
    let (ours, theirs) = (prometheus.url(), alertmanager.url());
    let alone = |rest: &str| format!("prometheus = '{ours}'\n{rest}");
    let both = |rest: &str| format!("prometheus = '{ours}'\nalertmanager = '{theirs}'\n{rest}");
    let early = [Unknown, Fail];
    // Its rules were not evaluated yet, and no Alertmanager was found: both are told.
    becomes("alerts", &both("none = ['critical']\ndelivers = true"), Pass, "2 of 2", &early).await;
    becomes("alerts", &both("firing = ['Watchdog']\nrules = ['Quiet']"), Pass, "2 of 2", &early).await;
    becomes("alerts", &format!("alertmanager = '{theirs}'\nfiring = ['Watchdog']"), Pass, "1 of 1", &[Fail]).await;
    is("alerts", &alone("none = ['no-such-severity']"), Unknown, "nothing would ring").await;
    is("alerts", &both("not_firing = ['NoSuchRule']"), Unknown, "no such rule").await;
    is("alerts", &both("rules = ['NoSuchRule']"), Fail, "no such rule").await;
    becomes("alerts", &both("none = ['broken']"), Unknown, "Broken is err", &[Unknown, Pass]).await;
    is("alerts", &both("none = ['slow']"), Warn, "1 pending: Slowly").await;
    is("alerts", &alone("none = ['ticket']"), Fail, "1 firing: Held").await;
    is("alerts", &alone("none = ['ticket']\nmatchers = ['alertname!=\"Held\"']"), Unknown, "fit no alert").await;
    is("alerts", &alone("none = ['ticket']\nmatchers = ['alertname=\"Held\"']"), Fail, "1 firing: Held").await;
    is("alerts", &both("not_firing = ['Rings']\nmatchers = ['severity=page']"), Pass, "1 of 1").await;
    becomes("alerts", &both("none = ['minor']"), Warn, "1 inhibited: Under", &[Fail]).await;
    silence(&alertmanager, "Held").await;
    becomes("alerts", &both("none = ['ticket']"), Warn, "1 silenced: Held", &[Fail]).await;
    is("alerts", &both("not_firing = ['Rings']"), Pass, "1 of 1").await;
    state.ringing.store(true, Ordering::SeqCst);
    becomes("alerts", &both("not_firing = ['Rings']"), Fail, "1 firing: Rings", &[Pass, Warn]).await;
    drop(alertmanager);
    is("alerts", &both("none = ['critical']"), Unknown, "Alertmanager: connection refused").await;
    is("alerts", &alone("none = ['critical']"), Pass, "1 of 1").await;
    drop(prometheus);
    is("alerts", &alone("none = ['critical']"), Unknown, "Prometheus: connection refused").await;
}
