//! Signals of a real Prometheus over time: what they bring while it scrapes, when a target is gone, and while it is
//! started anew.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use tminus::base::source::Source;
use tminus::kind::Entry;
use tminus::kind::check::Context;
use tminus::launch::id::SignalId;
use tminus::launch::live::Live;
use tminus::launch::time::Instant;
use tminus::plan::{Environment, Options, load};
use tminus::watch::point::{Axis, Intake, Point, Taken};
use tminus::watch::{Readings, Watch};
use tokio::sync::mpsc;

use super::servers::{Server, State, service, tool};
use super::{client, config, wait};

/// What the signals of a plan brought, in the order it came.
struct Watching {
    watch: Watch,
    points: Arc<Mutex<Vec<(SignalId, Point)>>>,
    began: tokio::time::Instant,
    _told: mpsc::Receiver<tminus::launch::command::Observation>,
    _folder: tempfile::TempDir,
}

fn watching(signals: &str) -> Watching {
    let text = format!(
        "[plan]\nschema = 1\nid = \"p\"\ntitle = \"P\"\n[[phase]]\nid = \"a\"\nat = \"T-1h\"\n[[phase.item]]\nid = \
         \"told\"\nmanual = {{}}\n{signals}"
    );
    let source = Source::new("plan.toml", text);
    let loaded = load(source.clone(), &Environment::default(), &Options::default())
        .unwrap_or_else(|wrong| panic!("{}", source.render(&wrong, false)));
    let contexts = Arc::new(|entry: &Entry| Context { scope: entry.scope.clone(), ..Context::new(client()) });
    let points: Arc<Mutex<Vec<(SignalId, Point)>>> = Arc::default();
    let to = Arc::clone(&points);
    let sink = move |signal: &SignalId, point| to.lock().expect("ours").push((signal.clone(), point));
    let began = tokio::time::Instant::now();
    let axis: Axis = Arc::new(move || Instant(0).plus(began.elapsed()));
    let (sender, told) = mpsc::channel(4096);
    let folder = tempfile::tempdir().expect("a folder");
    let (plan, catalogue) = (&loaded.plan, Arc::new(loaded.catalogue));
    let (readings, streams) = (Readings::new(Arc::clone(&axis), plan), folder.path().join("streams"));
    let intake = Intake::new(axis, Arc::new(sink));
    let watch = Watch::sampling(plan, catalogue, contexts, sender, streams, readings, intake);
    Watching { watch, points, began, _told: told, _folder: folder }
}

impl Watching {
    fn of(&self, signal: &str) -> Vec<Point> {
        let points = self.points.lock().expect("ours");
        points.iter().filter(|(id, _)| id.as_str() == signal).map(|(_, point)| point.clone()).collect()
    }

    fn numbers(&self, signal: &str) -> Vec<f64> {
        let number = |point: Point| match point.taken {
            Taken::Number { value, .. } => Some(value),
            _ => None,
        };
        self.of(signal).into_iter().filter_map(number).collect()
    }

    async fn sees(&self, what: &str, mut is: impl FnMut(&Self, &Live) -> bool) {
        let mut live = self.watch.live();
        let seen = tokio::time::timeout(wait::PATIENCE, live.wait_for(|live| is(self, live))).await;
        let told = || format!("{what}: {:#?}\n{:#?}", self.watch.live().borrow().signals, self.points);
        assert!(seen.is_ok(), "{}", told());
    }
}

fn signal(id: &str, rest: &str) -> String {
    format!("[[signal]]\nid = \"{id}\"\nevery = \"400ms\"\n{rest}\n")
}

fn share(server: &str, kind: &str) -> String {
    format!(
        "promql = {{ server = '{server}', query = 'sum(rate(errors_total{{service=\"api\",kind=\"{kind}\"}}[5s])) / \
         sum(rate(requests_total{{service=\"api\"}}[5s]))', samples = 'sum(increase(requests_total{{service=\"api\"}}[5s]))' \
         }}\nunit = 'ratio'\nstale_after = '4s'"
    )
}

fn near(number: f64, wanted: f64) -> bool {
    (number - wanted).abs() < wanted * 0.05
}

#[tokio::test]
async fn samples_of_a_real_prometheus_count_once_for_when_they_were_so() {
    let Some(program) = tool("prometheus") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (steady, mortal) = (Arc::new(State::default()), Arc::new(State::default()));
    let (at, mortal_at) = (service(steady).await, service(Arc::clone(&mortal)).await);
    let prometheus = Server::prometheus(&program, folder.path(), &config(at, mortal_at, None), "groups: []\n");
    let server = prometheus.url();
    let promql = |query: &str| format!("promql = {{ server = '{server}', query = '{query}' }}\nstale_after = '4s'");
    let watching = watching(&[
        signal("share", &share(&server, "few")),
        signal("count", &format!("counter = true\n{}", promql("requests_total{service=\"api\"}"))),
        signal("each", &format!("counter = true\ninstance = 'service'\n{}", promql("requests_total"))),
        signal("took", &format!("unit = 's'\nstale_after = '4s'\npromql = {{ server = '{server}', histogram = 'took_seconds_bucket{{service=\"api\"}}' }}")),
        signal("several", &promql("errors_total{service=\"api\"}")),
    ]
    .concat());
    watching
        .sees("enough of each", |of, _| {
            of.numbers("share").len() >= 3 && of.numbers("count").len() >= 5 && of.of("took").len() >= 5
        })
        .await;
    assert!(watching.numbers("share").iter().all(|share| near(*share, 0.02)), "{:?}", watching.numbers("share"));
    // It is scraped every second and asked more often: each scrape counts once, for when it was.
    let counts = watching.of("count");
    let numbers: Vec<(i64, f64)> = counts
        .iter()
        .filter_map(|point| match point.taken {
            Taken::Number { value, .. } => Some((point.at.0, value)),
            _ => None,
        })
        .collect();
    assert!(
        numbers.windows(2).all(|pair| pair[1].1 > pair[0].1 && (pair[1].0 - pair[0].0 - 1_000).abs() < 600),
        "{numbers:?}"
    );
    let now = i64::try_from(watching.began.elapsed().as_millis()).expect("soon");
    assert!(numbers.iter().all(|(at, _)| *at < now));
    let first = watching.of("took").into_iter().find_map(|point| match point.taken {
        Taken::Histogram { upto, .. } => Some(upto),
        _ => None,
    });
    let upto = first.expect("a histogram");
    assert_eq!(upto.iter().map(|(bound, _)| *bound).collect::<Vec<_>>(), [0.5, 1.0, f64::INFINITY]);
    assert!(near(upto[0].1 / upto[2].1, 0.9), "{upto:?}");
    // Two series where one is wanted are no number, however often one asks.
    assert!(watching.numbers("several").is_empty() && !watching.of("several").is_empty());
    // One of two is gone: the other goes on counting, and of the gone one nothing is made up.
    let of_each = |name: &str| {
        watching
            .of("each")
            .into_iter()
            .filter(|point| matches!(&point.taken, Taken::Number { instance, .. } if instance.as_deref() == Some(name)))
            .count()
    };
    assert!(of_each("mortal") > 0 && of_each("api") > 0, "{:?}", watching.of("each"));
    mortal.gone.store(true, Ordering::SeqCst);
    let before = of_each("api");
    watching.sees("three more of the other", |_, _| of_each("api") >= before + 3).await;
    let gone = of_each("mortal");
    watching.sees("two more", |_, _| of_each("api") >= before + 5).await;
    assert_eq!(of_each("mortal"), gone, "a target that is gone counts no further");
}

#[tokio::test]
async fn a_target_that_is_gone_is_stale_and_a_restarted_prometheus_is_no_recovery() {
    let Some(program) = tool("prometheus") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let state = Arc::new(State::default());
    let at = service(Arc::clone(&state)).await;
    let begin = |at_address: &str, folder: &Path| {
        Server::prometheus_at(at_address, &program, folder, &config(at, at, None), "groups: []\n")
    };
    let prometheus = begin("127.0.0.1:0", folder.path());
    let (server, address) = (prometheus.url(), prometheus.address.to_string());
    let watching = watching(&signal("share", &share(&server, "many")));
    watching.sees("the breach", |of, _| of.numbers("share").len() >= 2).await;
    drop(prometheus);
    let lost = |of: &Watching| of.of("share").iter().filter(|point| point.taken == Taken::Nothing).count();
    let before = lost(&watching);
    watching
        .sees("nothing", |of, live| {
            lost(of) > before + 1
                && live
                    .signals
                    .values()
                    .any(|view| view.last_error.as_deref().is_some_and(|why| why.contains("refused")))
        })
        .await;
    // Without what it knew: as where its disk was lost.
    let fresh = tempfile::tempdir().expect("a folder");
    let numbers = watching.numbers("share").len();
    let prometheus = begin(&address, fresh.path());
    watching.sees("numbers again", |of, _| of.numbers("share").len() >= numbers + 2).await;
    assert!(watching.numbers("share").iter().all(|share| near(*share, 0.08)), "{:?}", watching.numbers("share"));
    // The target is gone: what it counted last is old before it is out of sight.
    state.gone.store(true, Ordering::SeqCst);
    watching.sees("stale", |_, live| live.signals.values().any(|view| view.last_error.is_some())).await;
    let last = watching.numbers("share").len();
    let before = lost(&watching);
    watching.sees("nothing, and nothing more", |of, _| lost(of) >= before + 5).await;
    assert!(watching.numbers("share").len() <= last + 1, "{:?}", watching.of("share"));
    assert!(watching.numbers("share").iter().all(|share| near(*share, 0.08)));
    drop(prometheus);
}
