//! What is told is heard, whole or by its changes; nothing of it is unbounded, unescaped or secret; who tells no
//! more is not believed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::form::{self, Said};
use super::hear::Hearing;
use super::tell::Teller;
use super::{SOCKET, place};
use crate::base::secret::Redactor;
use crate::clock;
use crate::journal::{Held, Holder};
use crate::launch::event::Mode;
use crate::launch::live::{LINES_KEPT, Line, Live, MonitorView, SAMPLES_KEPT, Sample, WeightView};
use crate::launch::port::{Picture, Snapshot};
use crate::launch::samples::plan;
use crate::launch::time::{Instant, Now, Wall};
use crate::launch::verdict::Verdict;

const PATIENCE: Duration = Duration::from_secs(20);

fn wall(millis: i64) -> Wall {
    DateTime::from_timestamp_millis(1_700_000_000_000).expect("a time") + TimeDelta::milliseconds(millis)
}

fn as_is(text: &str) -> String {
    text.to_owned()
}

fn line(text: &str) -> Line {
    Line { at: wall(1), tag: "tick".into(), text: text.into(), error: false }
}

fn sampled(live: &mut Live, id: &str, at: i64, verdict: Verdict) {
    let view = live.monitors.entry(id.into()).or_default();
    view.samples.push_back(Sample { at: wall(at), verdict, took: Duration::from_micros(1_234) });
    let over = view.samples.len().saturating_sub(SAMPLES_KEPT);
    view.samples.drain(..over);
    view.verdict = Some(verdict);
}

fn poured(live: &mut Live, id: &str, texts: &[String]) {
    let view = live.streams.entry(id.into()).or_default();
    view.open = true;
    view.came += texts.len() as u64;
    view.total += texts.len() as u64;
    view.lines.extend(texts.iter().map(|text| line(text)));
    let over = view.lines.len().saturating_sub(LINES_KEPT);
    view.lines.drain(..over);
}

/// As it comes over the wire.
fn sent(said: &Said) -> Said {
    let line = serde_json::to_vec(said).expect("said");
    serde_json::from_slice(&line).expect("heard")
}

fn same(heard: &Live, live: &Live) {
    assert_eq!(heard.monitors, live.monitors);
    assert_eq!(heard.signals, live.signals);
    assert_eq!(heard.weights, live.weights);
    assert_eq!(heard.overflowed, live.overflowed);
    for (id, view) in &live.streams {
        let told = &heard.streams[id];
        assert_eq!((&told.lines, told.came, told.total, told.open), (&view.lines, view.came, view.total, view.open));
    }
}

#[derive(Debug, Clone)]
enum Change {
    Sample(u8, i64, bool),
    Lines(u8, Vec<String>),
    Number(u8, i64, f64),
    Weight(f64),
    Wrong(u8, Option<String>),
    /// Everything is told anew, as to one who comes later.
    Say,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..3_u8, 0..1_000_i64, any::<bool>()).prop_map(|(id, at, well)| Change::Sample(id, at, well)),
        // Lines that are the same, too: a stream may say one thing a thousand times.
        (0..3_u8, prop::collection::vec("[ab]{0,2}", 0..40)).prop_map(|(id, lines)| Change::Lines(id, lines)),
        (0..3_u8, 0..1_000_i64, -9.0..9.0_f64).prop_map(|(id, at, number)| Change::Number(id, at, number)),
        (0.0..100.0_f64).prop_map(Change::Weight),
        (0..3_u8, prop::option::of("[a-z ]{1,9}")).prop_map(|(id, why)| Change::Wrong(id, why)),
        Just(Change::Say),
    ]
}

fn make(live: &mut Live, change: Change) {
    match change {
        Change::Sample(id, at, well) => {
            sampled(live, &format!("m{id}"), at, if well { Verdict::Pass } else { Verdict::Fail });
        }
        Change::Lines(id, lines) => poured(live, &format!("s{id}"), &lines),
        Change::Number(id, at, number) => {
            live.signals.entry(format!("n{id}").as_str().into()).or_default().numbers.push_back((wall(at), number));
        }
        Change::Weight(share) => {
            let view = WeightView { wanted: Some(share), seen: None, at: Some(wall(2)) };
            live.weights.insert("canary".into(), view);
        }
        Change::Wrong(id, why) => {
            live.monitors.entry(format!("m{id}").as_str().into()).or_default().last_error = why;
            live.overflowed += 1;
        }
        Change::Say => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_told_by_its_changes_is_what_there_is(changes in prop::collection::vec(change(), 0..30)) {
        let (mut live, mut heard, mut before) = (Live::default(), Live::default(), None);
        for change in changes {
            let say = matches!(change, Change::Say);
            make(&mut live, change);
            if say {
                form::hear(&mut heard, sent(&form::say(before.as_ref(), &live, &as_is)));
                before = Some(live.clone());
                same(&heard, &live);
            }
        }
    }

    #[test]
    fn whatever_is_said_stays_bounded_and_steers_no_terminal(
        ids in prop::collection::vec("\\PC{0,9}|[\u{1b}\u{7}\u{9b}]{1,3}x", 1..3),
        text in "[\\PC\u{1b}\u{7}\u{9b}\u{202e}\r\n]{0,600}",
        at in any::<i64>(), count in any::<u64>(), number in any::<f64>(), on in any::<bool>(),
    ) {
        let lines: Vec<_> = (0..2_100).map(|at| serde_json::json!([1, "t", if at % 64 == 0 { &text } else { "" }, true])).collect();
        let samples: Vec<_> = (0..300).map(|_| serde_json::json!([at, "pass", count])).collect();
        let numbers: Vec<_> = (0..300).map(|_| serde_json::json!([1, number])).collect();
        let said = serde_json::json!({
            "v": 1,
            "monitors": ids.iter().map(|id| serde_json::json!({
                "id": id, "on": on, "samples": samples, "error": text, "up": number,
            })).collect::<Vec<_>>(),
            "signals": [{ "id": "n", "on": on, "numbers": numbers, "error": text, "warning": text, "looked": at }],
            "streams": [{ "id": "s", "lines": lines, "skipped": count, "total": count, "error": text,
                "per_second": number }],
            "overflowed": count,
        });
        let said: Said = serde_json::from_value(said).expect("a line");
        let mut live = Live::default();
        for _ in 0..2 {
            form::hear(&mut live, said.clone());
        }
        let steers = |text: &str| text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\n', '\r']);
        for view in live.monitors.values() {
            prop_assert!(view.samples.len() <= SAMPLES_KEPT);
            prop_assert!(!view.last_error.as_deref().is_some_and(steers));
        }
        prop_assert!(live.signals.values().all(|view| view.numbers.len() <= SAMPLES_KEPT));
        let stream = live.streams.values().next().expect("a stream");
        prop_assert!(stream.lines.len() <= LINES_KEPT);
        for line in &stream.lines {
            prop_assert!(!steers(&line.tag) && !steers(&line.text));
            prop_assert!(crate::base::text::columns(&line.text) <= 500);
        }
    }
}

#[test]
fn more_than_any_launch_has_is_not_kept() {
    let monitors: Vec<_> = (0..10_000).map(|id| serde_json::json!({ "id": id.to_string() })).collect();
    let said = serde_json::json!({ "v": 1, "monitors": monitors });
    let mut live = Live::default();
    form::hear(&mut live, serde_json::from_value(said).expect("a line"));
    assert_eq!(live.monitors.len(), 4_096);
}

#[test]
fn a_stream_that_pours_is_told_by_its_newest_lines_and_the_gap_is_seen() {
    let (mut live, mut heard) = (Live::default(), Live::default());
    let texts = |from: usize, to: usize| (from..to).map(|line| line.to_string()).collect::<Vec<_>>();
    poured(&mut live, "s", &texts(0, 10));
    form::hear(&mut heard, form::say(None, &live, &as_is));
    let before = live.clone();
    poured(&mut live, "s", &texts(10, 5_000));
    poured(&mut live, "quiet", &texts(0, 1));
    let said = form::say(Some(&before), &live, &as_is);
    assert!(serde_json::to_vec(&said).expect("said").len() < 100_000);
    form::hear(&mut heard, said);
    let told: Vec<&str> = heard.streams[&"s".into()].lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(told[..10], texts(0, 10)[..], "what was told stays");
    assert_eq!(told[10], "4490 lines are not shown here; they are in the stream's file");
    assert_eq!(told[11..], texts(4_500, 5_000)[..]);
    assert_eq!(heard.streams[&"s".into()].total, 5_000);
    assert_eq!(heard.streams[&"quiet".into()].lines.len(), 1, "one that pours leaves the others theirs");
}

#[test]
fn no_text_goes_out_as_it_is() {
    let secret = "hunter22-long";
    let mut live = Live::default();
    poured(&mut live, "s", &[format!("token={secret}")]);
    live.streams.values_mut().for_each(|view| {
        view.last_error = Some(secret.into());
        view.lines[0].tag = secret.into();
    });
    live.monitors.insert("m".into(), MonitorView { last_error: Some(secret.into()), ..MonitorView::default() });
    let signal = live.signals.entry("n".into()).or_default();
    (signal.last_error, signal.warning) = (Some(secret.into()), Some(secret.into()));
    let redactor = Redactor::new([secret.to_owned()]);
    let said = serde_json::to_string(&form::say(None, &live, &|text| redactor.text(text))).expect("said");
    assert!(!said.contains(secret), "{said}");
    assert_eq!(said.matches("redacted").count(), 6, "{said}");
}

#[test]
fn what_is_old_is_no_health() {
    let mut live = Live::default();
    sampled(&mut live, "well", 1, Verdict::Pass);
    sampled(&mut live, "ill", 1, Verdict::Fail);
    poured(&mut live, "s", &["a".to_owned()]);
    live.signals.entry("n".into()).or_default().numbers.push_back((wall(1), 1.0));
    let aged = form::aged(&live, "22:13:20 UTC");
    let verdict = |id: &str| aged.monitors[&id.into()].verdict;
    assert_eq!((verdict("well"), verdict("ill")), (Some(Verdict::Stale), Some(Verdict::Fail)));
    let why = aged.monitors[&"well".into()].last_error.clone().expect("said");
    assert_eq!(why, "nothing came from the operator's console since 22:13:20 UTC");
    assert_eq!(aged.signals[&"n".into()].last_error, Some(why.clone()));
    let stream = &aged.streams[&"s".into()];
    assert_eq!((stream.open, stream.last_error.clone(), stream.lines.len()), (false, Some(why), 1));
}

fn snapshot(live: Live) -> Arc<Snapshot> {
    let now = Now { instant: Instant(0), wall: clock::wall() };
    let first = Snapshot::unopened(Arc::new(plan()), Mode::Launch, now, clock::boot(), String::new());
    Arc::new(Snapshot { live: Arc::new(live), ..first })
}

fn telling(launch: &Path, live: &Live) -> (watch::Sender<Arc<Snapshot>>, Teller) {
    let (to, snapshots) = watch::channel(snapshot(live.clone()));
    let teller =
        Teller::open(launch, &Holder::here("ana", clock::wall()), snapshots, Redactor::default()).expect("a socket");
    (to, teller)
}

async fn until(hearing: &Hearing, what: &str, wanted: impl Fn(&Live, Picture) -> bool) {
    let look = async {
        loop {
            let (live, picture) = hearing.picture(clock::boot());
            if wanted(&live, picture) {
                return;
            }
            let _ = tokio::time::timeout(Duration::from_millis(20), hearing.came()).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, look).await.is_ok(), "no {what}: {:?}", hearing.picture(clock::boot()).1);
}

/// A launch folder of a longer path than a socket can have.
fn far(place: &Path) -> PathBuf {
    let launch = place.join("a-long-name-for-a-launch".repeat(6)).join("l");
    std::fs::create_dir_all(&launch).expect("made");
    launch
}

#[tokio::test]
async fn who_listens_sees_what_is_seen_and_since_when_nobody_tells() {
    let dir = tempfile::tempdir().expect("a folder");
    let launch = far(dir.path());
    let hearing = Hearing::of(&launch);
    assert_eq!(hearing.picture(clock::boot()).1, Picture::Missing);
    let mut live = Live::default();
    sampled(&mut live, "api", 1, Verdict::Pass);
    let (to, teller) = telling(&launch, &live);
    let samples = |live: &Live| live.monitors.get(&"api".into()).map_or(0, |view| view.samples.len());
    until(&hearing, "first sample", |live, picture| samples(live) == 1 && picture == Picture::Told).await;
    sampled(&mut live, "api", 2, Verdict::Fail);
    to.send_replace(snapshot(live.clone()));
    until(&hearing, "second sample", |live, _| samples(live) == 2).await;
    let ana = |held: Held| matches!(held, Held::By(Some(holder)) if holder.name == "ana");
    assert!(ana(hearing.held()), "who may not look at the lock knows who holds it");
    let there = launch.clone();
    assert!(ana(tokio::task::spawn_blocking(move || super::hear::held(&there)).await.expect("asked")));
    // A console that stands still has its socket still.
    let silent = hearing.picture(clock::boot() + 3_000).1;
    assert!(matches!(silent, Picture::Old { .. }), "{silent:?}");
    drop((to, teller));
    until(&hearing, "its end", |live, picture| samples(live) == 2 && matches!(picture, Picture::Old { .. })).await;
    assert!(!launch.join(SOCKET).exists(), "nothing is left behind");
    assert_eq!((hearing.held(), super::hear::held(&launch)), (Held::Free, Held::Free));
    // The next console may have seen other things.
    let mut other = Live::default();
    sampled(&mut other, "web", 3, Verdict::Pass);
    let _next = telling(&launch, &other);
    until(&hearing, "the next console", |live, picture| {
        picture == Picture::Told && live.monitors.len() == 1 && live.monitors.contains_key(&"web".into())
    })
    .await;
}

#[tokio::test]
async fn one_that_takes_nothing_keeps_nobody_and_a_socket_that_was_taken_over_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let launch = far(dir.path());
    let mut live = Live::default();
    let long = "x".repeat(400);
    poured(&mut live, "s", &vec![long.clone(); 2_000]);
    let (to, old) = telling(&launch, &live);
    let (_folder, path) = place(&launch).expect("a place");
    let mut deaf = UnixStream::connect(&path).await.expect("connected");
    let hearing = Hearing::of(&launch);
    let came = |live: &Live| live.streams.get(&"s".into()).map_or(0, |view| view.came);
    for round in 1..=5_u64 {
        until(&hearing, "lines", |live, _| came(live) == round * 2_000).await;
        poured(&mut live, "s", &vec![long.clone(); 2_000]);
        to.send_replace(snapshot(live.clone()));
    }
    // It is let go: nobody is at the other end any more.
    let let_go = async {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while deaf.write_all(b".").await.is_ok() {
            looks.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, let_go).await.is_ok(), "it is told for ever");
    let (_to, _new) = telling(&launch, &Live::default());
    drop(old);
    assert!(launch.join(SOCKET).exists(), "it is the other console's");
}

#[tokio::test]
async fn what_is_no_line_of_ours_is_not_heard() {
    for said in ["no json\n", "{\"v\":2,\"whole\":true}\n", "{\"v\":1}\n", "{\"v\":1,\"whole\":true"] {
        let dir = tempfile::tempdir().expect("a folder");
        let listener = tokio::net::UnixListener::bind(dir.path().join(SOCKET)).expect("bound");
        let hearing = Hearing::of(dir.path());
        let (mut stream, _) = listener.accept().await.expect("connected");
        stream.write_all(said.as_bytes()).await.expect("said");
        drop(stream);
        // It comes again: the first is done with.
        listener.accept().await.expect("connected again");
        assert_eq!(hearing.picture(clock::boot()).1, Picture::Missing, "{said}");
    }
}
