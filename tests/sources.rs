//! Where samples come from beside plain monitors: signals, streams of lines, monitors that are sessions. Their
//! tables, their examples, and what they bring over a real wire and in a rehearsal.

#[path = "sources/kept.rs"]
mod kept;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tminus::base::jq::Jq;
use tminus::base::source::{Diagnostic, Source};
use tminus::base::wire::{Client, Limits, Network};
use tminus::kind::Entry;
use tminus::kind::check::Context;
use tminus::kind::session::Session;
use tminus::launch::id::{MonitorId, SignalId, StreamId};
use tminus::launch::live::Live;
use tminus::launch::plan::SignalSource;
use tminus::launch::time::Instant;
use tminus::launch::verdict::Verdict;
use tminus::plan::{Environment, Loaded, Options, check_report, load};
use tminus::rehearsal::{Faults, Target};
use tminus::watch::point::{Axis, Intake, Point, Taken};
use tminus::watch::{Readings, Watch};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(60);

const HEAD: &str = "[plan]\nschema = 1\nid = \"p\"\ntitle = \"P\"\n[[phase]]\nid = \"a\"\nat = \"T-1h\"\n[[phase.item]]\nid = \"told\"\nmanual = {}\n";

fn read(rest: &str) -> Result<Loaded, Vec<Diagnostic>> {
    let text = format!("{HEAD}{rest}");
    load(Source::new("plan.toml", text), &Environment::default(), &Options::default())
}

fn sound(rest: &str) -> Loaded {
    read(rest)
        .unwrap_or_else(|wrong| panic!("{}", Source::new("plan.toml", format!("{HEAD}{rest}")).render(&wrong, false)))
}

/// Errors, warnings and what `tminus check` says.
async fn checked(rest: &str) -> (usize, usize, String) {
    let jq = Jq::with_worker(env!("CARGO_BIN_EXE_tminus")).with_deadline(Duration::from_secs(20));
    let source = Source::new("plan.toml", format!("{HEAD}{rest}"));
    let checked = check_report(&source, &Environment::default(), None, &jq, false).await;
    (checked.errors, checked.warnings, checked.text)
}

const SIGNAL: &str = "[[signal]]\nid = \"s\"\n";
const STREAM: &str = "[[stream]]\nid = \"app\"\nlog = \"app.log\"\n";
const SESSION: &str = "[session.user]\nbase = \"http://api\"\ncookies = true\n";
const ROUND: &str = "[[monitor]]\nid = \"smoke\"\nevery = \"1s\"\nsession = \"user\"\n";

#[test]
fn every_mistake_is_told_at_its_place() {
    let asked = "json = { get = \"http://a\", jq = \".x\" }\n";
    for (text, place, told) in [
        (SIGNAL.to_owned(), "", "needs `promql`"),
        (format!("{SIGNAL}{asked}from = \"stream.app\""), "from", "both"),
        (format!("{SIGNAL}from = \"stream.ap\"\njq = \".x\"\n{STREAM}"), "stream.ap", "no stream `ap`"),
        (format!("{SIGNAL}from = \"monitor.api\"\njq = \".x\"\n{STREAM}"), "monitor.api", "no source"),
        (format!("{SIGNAL}from = \"stream.app\"\n{STREAM}"), "", "takes nothing"),
        (format!("{SIGNAL}from = \"stream.app\"\njq = \".x\"\nevery = \"5s\"\n{STREAM}"), "every", "no effect"),
        (format!("{SIGNAL}from = \"stream.app\"\njq = \".x\"\ncounter = true\n{STREAM}"), "counter", "no effect"),
        (format!("{SIGNAL}{asked}evry = \"5s\""), "evry", "did you mean `every`"),
        (format!("{SIGNAL}{asked}where = '.a'"), "where", "unknown key"),
        (format!("{SIGNAL}{asked}every = \"1ms\""), "", "load test"),
        (format!("{SIGNAL}{asked}{SIGNAL}{asked}"), "\"s\"", "again here"),
        (format!("[[signal]]\nid = \"monitor.api\"\n{asked}"), "monitor.api", "a monitor's own looks"),
        (format!("{SIGNAL}json = {{ get = \"{{{{ nowhere }}}}\", jq = \".x\" }}"), "nowhere", "nowhere"),
        (format!("{STREAM}sse = {{ get = \"http://a\" }}"), "http://a", "at once"),
        (format!("{STREAM}session = \"user\"\n{SESSION}"), "session", "share no cookies"),
        (
            "[[stream]]\nid = \"x\"\nerrors = { level = [\"error\"] }\nsse = { get = \"http://a\" }".to_owned(),
            "error",
            "no effect",
        ),
        ("[[stream]]\nid = \"x\"\ncommand = [\"x\"]\nshell = \"x\"".to_owned(), "", "shell"),
        (format!("{ROUND}{SESSION}"), "", "needs `item`"),
        (
            "[[monitor]]\nid = \"x\"\nevery = \"1s\"\n[[monitor.item]]\nid = \"a\"\nhttp = { get = \"http://a\" }"
                .to_owned(),
            "",
            "needs `session`",
        ),
        (
            format!(
                "{ROUND}http = {{ get = \"http://a\" }}\n[[monitor.item]]\nid = \"a\"\nhttp = {{ get = \"/\" }}\n{SESSION}"
            ),
            "get",
            "at once",
        ),
        (
            format!("{ROUND}[[monitor.item]]\nid = \"a\"\nrun = {{ command = [\"x\"] }}\n{SESSION}"),
            "run",
            "cannot stand",
        ),
        (
            format!(
                "{ROUND}[[monitor.item]]\nid = \"a\"\nhttp = {{ get = \"/{{{{ late }}}}\" }}\n[[monitor.item]]\nid = \"b\"\nhttp = {{ get = \"/\", capture = {{ late = \".x\" }} }}\n{SESSION}"
            ),
            "late",
            "late",
        ),
    ] {
        let whole = format!("{HEAD}{text}");
        let found = read(&text).err().unwrap_or_else(|| panic!("{text}: is sound"));
        let wrong = found.iter().find(|wrong| {
            format!("{} {} {}", wrong.message, wrong.label, wrong.help.as_deref().unwrap_or("")).contains(told)
        });
        let wrong = wrong.unwrap_or_else(|| panic!("{told}: {text}: {found:#?}"));
        assert!(whole[wrong.span.start..wrong.span.end].contains(place), "{text}: {wrong:?}");
    }
}

#[test]
fn what_the_launch_captured_is_no_value_of_a_monitor_that_begins_anew() {
    let launch = "[[phase.item]]\nid = \"login\"\nsession = \"user\"\nhttp = { get = \"/login\", capture = { token = \".token\" } }\n";
    let item = "[[monitor.item]]\nid = \"a\"\nhttp = { get = \"/home?token={{ token }}\" }\n";
    let found = read(&format!("{launch}{SESSION}{ROUND}{item}")).expect_err("a value that it never has");
    assert!(found.iter().any(|wrong| wrong.message.contains("token")), "{found:#?}");
    let own = "[[monitor.item]]\nid = \"login\"\nhttp = { get = \"/login\", capture = { token = \".token\" } }\n";
    let loaded = sound(&format!("{launch}{SESSION}{ROUND}{own}{item}"));
    let monitor = &loaded.plan.monitors[0];
    assert_eq!((monitor.items.len(), monitor.items.first()), (2, Some(&monitor.spec)));
}

#[test]
fn a_stream_for_each_value_is_one_signal_of_several() {
    let text = "[vars]\norigins = [\"a\", \"b\"]\n[session.user]\nbase = \"http://api\"\nfor_each = { origin = \"origins\" }\n[[stream]]\nid = \"chat\"\nsession = \"user\"\nsse = { get = \"/chat\" }\n[[signal]]\nid = \"s\"\nfrom = \"stream.chat\"\njq = \".ms\"\nunit = \"ms\"\n";
    let loaded = sound(text);
    assert!(matches!(&loaded.plan.signals[0].source, SignalSource::Stream(id) if id.as_str() == "chat[a]"));
    let whose: Vec<_> = loaded.catalogue.taken.values().flatten().map(|take| take.instance.as_deref()).collect();
    assert_eq!(whose, [Some("a"), Some("b")]);
}

#[test]
fn an_objective_counts_what_a_signal_brings() {
    let objective =
        |that: &str| format!("[[objective]]\nid = \"o\"\nsignal = \"s\"\nthat = \"{that}\"\nwindow = \"30s\"\n");
    let from = format!("{STREAM}{SIGNAL}from = \"stream.app\"\njq = \".ms\"\nunit = \"ms\"\n");
    let buckets = format!("{SIGNAL}unit = \"s\"\npromql = {{ server = \"http://p\", histogram = \"took_bucket\" }}\n");
    for (text, told) in [
        (format!("{from}errors = true\n{}", objective("error_rate <= 5%")), None),
        (format!("{from}errors = true\n{}", objective("p95 <= 1s")), None),
        (format!("{from}{}", objective("error_rate <= 5%")), Some("no failures")),
        // One answer tells of many: how many is not known from how often it is asked.
        (format!("{buckets}{}", objective("p95 <= 1s")), None),
    ] {
        let found = read(&text).err();
        match (told, found) {
            (None, None) => {}
            (Some(told), Some(found)) if found.iter().any(|wrong| wrong.message.contains(told)) => {}
            (_, found) => panic!("{text}: {found:#?}"),
        }
    }
}

#[tokio::test]
async fn signals_and_streams_are_tried_on_their_examples() {
    let promql = format!("{SIGNAL}promql = {{ server = \"http://p\", query = \"sum(errors)\" }}\n");
    let took = format!("{STREAM}errors = {{ level = [\"error\"] }}\n");
    let from = format!("{SIGNAL}from = \"stream.app\"\njq = \".ms\"\n");
    for (text, errors, warnings, told) in [
        (promql.clone(), 0, 0, ""),
        (
            format!(
                "{promql}[signal.example]\ngood = {{ json = {{ value = 3 }} }}\nbad = [{{ json = {{ value = \"x\" }}, gives = \"unknown\" }}]\n"
            ),
            0,
            0,
            "",
        ),
        (format!("{promql}[signal.example]\ngood = {{ json = {{ value = \"NaN\" }} }}\n"), 1, 0, "reads no number"),
        (format!("{promql}[signal.example]\ngood = {{ json = {{ value = 3, age = 999 }} }}\n"), 1, 0, "old"),
        (
            format!("{promql}[signal.example]\nbad = [{{ json = {{ value = 3 }}, gives = \"unknown\" }}]\n"),
            1,
            0,
            "a bad example",
        ),
        (
            format!("{promql}[signal.example]\nbad = [{{ json = {{ value = 3 }}, gives = \"fail\" }}]\n"),
            1,
            0,
            "cannot come to fail",
        ),
        (format!("{SIGNAL}command = [\"x\"]\nregex = \"n=([0-9]+)\"\n"), 0, 1, "no good example"),
        (took.clone(), 0, 0, ""),
        (format!("{took}{from}"), 0, 1, "no-example"),
        (format!("{took}[stream.example]\ngood = {{ body = '{{\"ms\":3}}' }}\n{from}"), 0, 0, ""),
        (format!("{took}[stream.example]\ngood = {{ body = '{{\"mss\":3}}' }}\n{from}"), 1, 0, "takes nothing out of"),
        (
            format!("{took}[stream.example]\ngood = {{ body = '{{\"level\":\"error\"}}' }}\n"),
            1,
            0,
            "an error stands in",
        ),
        (format!("{took}[stream.example]\nbad = [{{ body = 'all well', gives = \"fail\" }}]\n"), 1, 0, "not fail"),
        (format!("{took}[stream.example]\nbad = [{{ body = 'ERROR no', gives = \"fail\" }}]\n"), 0, 0, ""),
    ] {
        let checked = checked(&text).await;
        assert_eq!((checked.0, checked.1), (errors, warnings), "{text}\n{}", checked.2);
        assert!(checked.2.contains(told), "{told}: {}", checked.2);
    }
}

/// What came to a watch, and the watch.
struct Watching {
    watch: Watch,
    points: Arc<Mutex<Vec<(SignalId, Point)>>>,
    _told: mpsc::Receiver<tminus::launch::command::Observation>,
    folder: tempfile::TempDir,
}

fn watching(loaded: Loaded, rehearsal: Option<&Target>) -> Watching {
    let folder = tempfile::tempdir().expect("a folder");
    let network = rehearsal.map_or(Network::Outside, Target::network);
    let client = Client::new(&network, Limits::default()).expect("a client");
    let jq = Jq::with_worker(env!("CARGO_BIN_EXE_tminus")).with_deadline(Duration::from_secs(20));
    let (base, simulated) = (folder.path().to_owned(), rehearsal.map(|target| target.address));
    let sessions = loaded.catalogue.sessions.clone();
    let contexts = Arc::new(move |entry: &Entry| Context {
        jq: jq.clone(),
        scope: entry.scope.clone(),
        session: entry.session.as_ref().and_then(|id| sessions.get(id)).cloned().map(Session::new),
        owner: entry.owner.clone(),
        base: base.clone(),
        simulated: simulated.filter(|_| !entry.real),
        ..Context::new(client.clone())
    });
    let points: Arc<Mutex<Vec<(SignalId, Point)>>> = Arc::default();
    let to = Arc::clone(&points);
    let sink = move |signal: &SignalId, point| to.lock().expect("ours").push((signal.clone(), point));
    let began = tokio::time::Instant::now();
    let axis: Axis = Arc::new(move || Instant(0).plus(began.elapsed()));
    let (sender, told) = mpsc::channel(4096);
    let (plan, catalogue) = (&loaded.plan, Arc::new(loaded.catalogue));
    let (readings, streams) = (Readings::new(Arc::clone(&axis), plan), folder.path().join("streams"));
    let intake = Intake::new(axis, Arc::new(sink));
    let watch = Watch::sampling(plan, catalogue, contexts, sender, streams, readings, intake);
    Watching { watch, points, _told: told, folder }
}

impl Watching {
    async fn sees(&self, what: &str, is: impl FnMut(&Arc<Live>) -> bool) -> Arc<Live> {
        let mut live = self.watch.live();
        let seen = tokio::time::timeout(PATIENCE, live.wait_for(is)).await;
        let Ok(seen) = seen else { panic!("{what}: {:#?}", self.watch.live().borrow()) };
        Arc::clone(&seen.expect("still watching"))
    }

    fn of(&self, signal: &str) -> Vec<Taken> {
        let points = self.points.lock().expect("ours");
        points.iter().filter(|(id, _)| id.as_str() == signal).map(|(_, point)| point.taken.clone()).collect()
    }
}

/// Answers every request by its first line and its headers, until the test ends.
async fn server(answer: impl Fn(&str) -> (u16, &'static str, String) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut head = vec![0; 8192];
                let length = stream.read(&mut head).await.unwrap_or(0);
                let (status, headers, body) = answer(&String::from_utf8_lossy(&head[..length]));
                let text = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\
                     Connection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(text.as_bytes()).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn replicas_count_for_themselves_and_one_that_is_gone_is_told() {
    let (well, count) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let a = server({
        let count = Arc::clone(&count);
        move |_| (200, "", format!("{{\"n\":{}}}", count.fetch_add(1, Ordering::SeqCst)))
    })
    .await;
    let b = server({
        let well = Arc::clone(&well);
        move |_| match well.load(Ordering::SeqCst) {
            true => (200, "", "{\"n\":900}".to_owned()),
            false => (503, "", "{\"n\":900}".to_owned()),
        }
    })
    .await;
    let watching = watching(
        sound(&format!(
            "{SIGNAL}every = \"200ms\"\ncounter = true\njson = {{ get = [\"http://{a}/m\", \"http://{b}/m\"], jq = \".n\" }}\n"
        )),
        None,
    );
    watching.sees("numbers of both", |live| live.signals.values().any(|view| view.numbers.len() >= 3)).await;
    let first = watching.of("s");
    let whose = |taken: &Taken| match taken {
        Taken::Number { instance, .. } => instance.as_deref().map(str::to_owned),
        _ => None,
    };
    let mut names: Vec<String> = first.iter().filter_map(whose).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 2, "{first:?}");
    assert!(!first.contains(&Taken::Nothing), "{first:?}");
    well.store(false, Ordering::SeqCst);
    let live = watching.sees("why", |live| live.signals.values().any(|view| view.last_error.is_some())).await;
    let why = live.signals[&SignalId::new("s")].last_error.clone().unwrap_or_default();
    assert!(why.contains("503"), "{why}");
    let before = watching.of("s").len();
    watching.sees("the other goes on", |_| watching.of("s").len() > before + 4).await;
    let later = watching.of("s").split_off(before);
    assert!(later.contains(&Taken::Nothing), "{later:?}");
    assert!(later.iter().any(|taken| matches!(taken, Taken::Number { value, .. } if *value < 900.0)), "{later:?}");
    tokio::time::timeout(PATIENCE, watching.watch.stop()).await.expect("it stops");
}

/// A login that sets a cookie, and a page that wants it; each login must come without one.
async fn portal(well: Arc<AtomicBool>, logins: Arc<AtomicUsize>) -> SocketAddr {
    server(move |head| {
        let cookie = head.to_ascii_lowercase().contains("cookie: sid=");
        if head.starts_with("GET /login") {
            let fresh = !cookie;
            logins.fetch_add(1, Ordering::SeqCst);
            let headers = "Set-Cookie: sid=s3ss10n-value; Path=/\r\n";
            return (if fresh { 200 } else { 409 }, headers, "{\"token\":\"tok-4711-abc\"}".to_owned());
        }
        let right = cookie && head.contains("token=tok-4711-abc") && well.load(Ordering::SeqCst);
        (if right { 200 } else { 401 }, "", "{\"ok\":true}".to_owned())
    })
    .await
}

#[tokio::test]
async fn each_round_logs_in_anew_and_the_item_that_failed_is_named() {
    let (well, logins) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let at = portal(Arc::clone(&well), Arc::clone(&logins)).await;
    let text = format!(
        "[session.user]\nbase = \"http://{at}\"\ncookies = true\n[[monitor]]\nid = \"smoke\"\nevery = \"200ms\"\nfails_after = 1\n\
         session = \"user\"\n[[monitor.item]]\nid = \"login\"\nhttp = {{ get = \"/login\", expect = {{ status = 200 }}, \
         capture = {{ token = \".token\" }} }}\n[[monitor.item]]\nid = \"home\"\nhttp = {{ get = \"/home?token={{{{ token }}}}\", \
         expect = {{ status = 200 }} }}\n"
    );
    let watching = watching(sound(&text), None);
    let id = MonitorId::new("smoke");
    let is = |live: &Arc<Live>, verdict| live.monitors.get(&id).is_some_and(|view| view.verdict == Some(verdict));
    let live =
        watching.sees("five rounds", |live| live.monitors.get(&id).is_some_and(|view| view.samples.len() >= 5)).await;
    // With the jar of the round before, the login would have been refused.
    assert!(live.monitors[&id].samples.iter().all(|sample| sample.verdict == Verdict::Pass), "{live:#?}");
    assert!(logins.load(Ordering::SeqCst) >= 5);
    well.store(false, Ordering::SeqCst);
    let live = watching.sees("down", |live| is(live, Verdict::Fail)).await;
    let view = &live.monitors[&id];
    assert!(view.last_error.as_deref().is_some_and(|why| why.starts_with("home: ") && why.contains("401")), "{view:?}");
    assert!(view.failures >= 2, "the first failure does not count: {view:?}");
    well.store(true, Ordering::SeqCst);
    watching.sees("up again", |live| is(live, Verdict::Pass)).await;
}

#[tokio::test]
async fn the_first_item_that_fails_ends_the_round() {
    let homes = Arc::new(AtomicUsize::new(0));
    let at = server({
        let homes = Arc::clone(&homes);
        move |head| {
            homes.fetch_add(usize::from(head.starts_with("GET /home")), Ordering::SeqCst);
            (if head.starts_with("GET /login") { 500 } else { 200 }, "", "{}".to_owned())
        }
    })
    .await;
    let text = format!(
        "[session.user]\nbase = \"http://{at}\"\n[[monitor]]\nid = \"smoke\"\nevery = \"200ms\"\nfails_after = 0\nsession = \"user\"\n\
         [[monitor.item]]\nid = \"login\"\nhttp = {{ get = \"/login\", expect = {{ status = 200 }} }}\n[[monitor.item]]\nid = \
         \"home\"\nhttp = {{ get = \"/home\", expect = {{ status = 200 }} }}\n"
    );
    let watching = watching(sound(&text), None);
    let id = MonitorId::new("smoke");
    let live =
        watching.sees("three rounds", |live| live.monitors.get(&id).is_some_and(|view| view.samples.len() >= 3)).await;
    assert!(live.monitors[&id].last_error.as_deref().is_some_and(|why| why.starts_with("login: ")), "{live:#?}");
    assert_eq!(homes.load(Ordering::SeqCst), 0);
}

const REHEARSED: &str = r#"
[session.user]
base = "https://api.rehearsal.test"
cookies = true
[[monitor]]
id = "smoke"
every = "200ms"
session = "user"
[[monitor.item]]
id = "login"
http = { post = "/login", json = { a = "b" }, expect = { status = 200 }, capture = { token = ".token" } }
example = { good = { status = 200, json = { token = "{{ token }}" } } }
[[monitor.item]]
id = "home"
http = { get = "/home?token={{ token }}", expect = { status = 200, json = ['.ok == true'] } }
[[stream]]
id = "app"
log = "app.log"
[stream.example]
good = { body = '{"ms":12}' }
[[signal]]
id = "from-log"
from = "stream.app"
jq = ".ms"
unit = "ms"
[[signal]]
id = "share"
every = "200ms"
promql = { server = "https://prometheus.rehearsal.test", query = "sum(rate(errors[1m])) / sum(rate(all[1m]))", samples = "sum(increase(all[1m]))" }
[signal.example]
good = { json = { value = 0.02, samples = 400 } }
[[signal]]
id = "pods"
every = "200ms"
instance = "pod"
promql = { server = "https://prometheus.rehearsal.test", query = "errors_total" }
[signal.example]
good = { json = { series = [{ instance = "a", value = 3 }, { instance = "b", value = 4 }] } }
[[signal]]
id = "took"
every = "200ms"
unit = "s"
promql = { server = "https://prometheus.rehearsal.test", histogram = "took_seconds_bucket" }
[signal.example]
good = { json = { series = [{ buckets = { "0.5" = 9, "+Inf" = 10 } }] } }
[[signal]]
id = "repairs"
every = "200ms"
json = { get = "https://api.rehearsal.test/metrics", jq = ".schema.repairs" }
[[signal]]
id = "queue"
every = "200ms"
command = ["redis-cli", "llen", "jobs"]
[signal.example]
good = { stdout = "17" }
"#;

#[tokio::test]
async fn a_rehearsal_answers_every_source_from_its_examples() {
    let loaded = sound(REHEARSED);
    let target = Target::start(&loaded.plan, &loaded.catalogue, Faults::default()).await.expect("a target");
    assert_eq!(target.left_out(), [], "every source has its answer");
    let watching = watching(loaded, Some(&target));
    let smoke = MonitorId::new("smoke");
    let live = watching
        .sees("something of each", |live| {
            let signals = live.signals.values().filter(|view| !view.numbers.is_empty()).count();
            signals == 6 && live.monitors.get(&smoke).is_some_and(|view| view.samples.len() >= 3)
        })
        .await;
    assert!(live.monitors[&smoke].samples.iter().all(|sample| sample.verdict == Verdict::Pass), "{live:#?}");
    let of = |signal: &str| watching.of(signal).first().cloned();
    let number = |value, samples| Some(Taken::Number { value, instance: None, samples });
    assert_eq!(of("share"), number(0.02, Some(400)));
    assert_eq!(of("from-log"), number(12.0, None));
    assert_eq!(of("repairs"), number(1.0, None));
    assert_eq!(of("queue"), number(17.0, None));
    let pods: Vec<Taken> = watching.of("pods").into_iter().take(2).collect();
    let pod = |name: &str, value| Taken::Number { value, instance: Some(name.into()), samples: None };
    assert_eq!(pods, [pod("a", 3.0), pod("b", 4.0)]);
    let upto: Arc<[(f64, f64)]> = [(0.5, 9.0), (f64::INFINITY, 10.0)].into();
    assert_eq!(of("took"), Some(Taken::Histogram { upto, instance: None }));
    let stream = &live.streams[&StreamId::new("app")];
    assert!(stream.open && stream.total >= 1, "{stream:?}");
    assert!(!watching.folder.path().join("app.log").exists(), "nothing was read");
}
