//! What polling a signal promises: its rhythm, the time its numbers count for, and that silence is told.

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::signals::{Course, keep};
use super::*;
use crate::kind::check::signal::asked::{Sample, What};
use crate::launch::id::SignalId;
use crate::launch::time::Instant as Axis;
use crate::watch::point::{Point, Taken};

type Kept = Arc<Mutex<Vec<Point>>>;

/// An intake whose axis is paused time from 1000 s on.
fn intake() -> (Intake, Kept) {
    let (began, kept) = (Instant::now(), Kept::default());
    let to = Arc::clone(&kept);
    let axis = move || Axis(1_000_000).plus(began.elapsed());
    (Intake::new(Arc::new(axis), Arc::new(move |_, point| to.lock().expect("ours").push(point))), kept)
}

fn number(value: f64, age: u64, instance: Option<&str>) -> Sample {
    let instance = instance.map(Arc::from);
    Sample { instance, what: What::Number(value), age: Duration::from_millis(age), of: None }
}

fn told(samples: Vec<Sample>, wrong: Option<&str>) -> Told {
    Told { samples, wrong: wrong.map(str::to_owned), ..Told::default() }
}

/// Polls every 10 s, for so many seconds of paused time; each question is answered in turn, after its wait.
async fn polled(answers: Vec<(u64, Told)>, seconds: u64) -> (Vec<Point>, crate::launch::live::SignalView) {
    let (intake, kept) = intake();
    let (sender, _kept) = mpsc::channel(8);
    let (outlet, cancel) = (Outlet::new(sender), CancellationToken::new());
    let id = SignalId::new("s");
    let (every, limit) = (Duration::from_secs(10), Duration::from_secs(12));
    let course = Course { id: id.clone(), every, first: Instant::now(), limit };
    let mut answers = answers.into_iter();
    let ask = move || {
        let answer = answers.next();
        async move {
            let Some((wait, told)) = answer else { std::future::pending().await };
            tokio::time::sleep(Duration::from_secs(wait)).await;
            told
        }
    };
    let task = tokio::spawn(keep(course, ask, intake, outlet.clone(), cancel.clone()));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    cancel.cancel();
    task.await.expect("no panic");
    let view = outlet.show(|live| live.signals.get(&id).cloned().unwrap_or_default());
    let points = kept.lock().expect("ours").clone();
    (points, view)
}

fn at(points: &[Point]) -> Vec<(i64, Option<f64>)> {
    let one = |point: &Point| match &point.taken {
        Taken::Number { value, .. } => (point.at.0 - 1_000_000, Some(*value)),
        _ => (point.at.0 - 1_000_000, None),
    };
    points.iter().map(one).collect()
}

#[tokio::test(start_paused = true)]
async fn a_number_counts_for_when_it_was_so_and_the_same_one_once() {
    let (points, view) = polled(
        vec![
            (0, told(vec![number(1.0, 4_000, None)], None)),
            // The same scrape once more, ten seconds later.
            (0, told(vec![number(1.0, 14_020, None)], None)),
            (0, told(vec![number(2.0, 3_000, None)], None)),
        ],
        25,
    )
    .await;
    assert_eq!(at(&points), [(-4_000, Some(1.0)), (17_000, Some(2.0))]);
    assert_eq!((view.numbers.len(), view.last_error), (2, None));
}

#[tokio::test(start_paused = true)]
async fn numbers_without_an_age_count_each_time() {
    let same = || (0, told(vec![number(5.0, 0, Some("a")), number(5.0, 0, Some("b"))], None));
    let (points, view) = polled(vec![same(), same()], 15).await;
    assert_eq!(points.len(), 4);
    assert_eq!(view.numbers.iter().map(|(_, number)| *number).collect::<Vec<_>>(), [10.0, 10.0]);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_tell_is_nothing_and_never_a_number() {
    let (points, view) = polled(
        vec![
            (0, told(vec![], Some("connection refused"))),
            // One of two processes could not tell: that is said beside the other's number.
            (0, told(vec![number(1.0, 0, Some("a"))], Some("b: no number"))),
            (0, told(vec![], None)),
        ],
        25,
    )
    .await;
    assert_eq!(at(&points), [(0, None), (10_000, Some(1.0)), (10_000, None), (20_000, None)]);
    assert_eq!((view.numbers.len(), view.last_error.as_deref()), (1, Some("nothing was told")));
}

#[tokio::test(start_paused = true)]
async fn each_answer_tells_who_of_several_was_silent_and_no_answer_tells_of_nobody() {
    let (began, heard) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
    let to = Arc::clone(&heard);
    let silences = move |_: &SignalId, at: Axis, who: &[Arc<str>]| {
        to.lock().expect("ours").push((at.0, who.iter().map(ToString::to_string).collect::<Vec<_>>()));
    };
    let intake = Intake::new(Arc::new(move || Axis(0).plus(began.elapsed())), Arc::new(|_, _| {}));
    let intake = intake.with_silences(Arc::new(silences));
    let b = || Told { silent: vec!["b".into()], ..told(vec![number(1.0, 0, Some("a"))], Some("b: 503")) };
    let both = told(vec![number(1.0, 0, Some("a")), number(1.0, 0, Some("b"))], None);
    let mut answers = [b(), told(vec![], Some("not answered")), b(), both].into_iter();
    let (sender, _kept) = mpsc::channel(8);
    let (outlet, cancel) = (Outlet::new(sender), CancellationToken::new());
    let every = Duration::from_secs(10);
    let course = Course { id: SignalId::new("s"), every, first: Instant::now(), limit: every };
    let ask = move || std::future::ready(answers.next().unwrap_or_default());
    let task = tokio::spawn(keep(course, ask, intake, outlet, cancel.clone()));
    tokio::time::sleep(Duration::from_secs(35)).await;
    cancel.cancel();
    task.await.expect("no panic");
    let who = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(*heard.lock().expect("ours"), [(0, who(&["b"])), (20_000, who(&["b"])), (30_000, who(&[]))]);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_hangs_is_given_up_and_the_rhythm_stays() {
    let quick = || (0, told(vec![number(1.0, 0, None)], None));
    let (points, _) = polled(vec![(60, told(vec![], None)), quick(), quick()], 35).await;
    // Given up after 12 s; asked again at once, and then at the old ticks.
    assert_eq!(at(&points), [(0, None), (12_000, Some(1.0)), (20_000, Some(1.0))]);
}

#[tokio::test(start_paused = true)]
async fn the_buckets_of_a_histogram_are_handed_on_whole() {
    let upto: Arc<[(f64, f64)]> = [(0.5, 3.0), (f64::INFINITY, 4.0)].into();
    let sample = Sample { what: What::Buckets(Arc::clone(&upto)), ..number(0.0, 2_000, Some("a")) };
    let (points, view) = polled(vec![(0, told(vec![sample], None))], 5).await;
    assert_eq!(points[0].taken, Taken::Histogram { upto, instance: Some("a".into()) });
    assert_eq!(view.numbers.back().map(|(_, number)| *number), Some(4.0));
}
