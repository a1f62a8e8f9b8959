//! A monitor: one check repeated without drift, its samples, and the verdict that counts. It judges
//! nothing itself and never takes silence for health.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outlet::Outlet;
use super::point::{Intake, Point, Taken};
use super::rhythm::Rhythm;
use crate::clock;
use crate::launch::command::Observation;
use crate::launch::id::{MonitorId, SignalId};
use crate::launch::live::Sample;
use crate::launch::verdict::{Report, Verdict};

/// How a monitor is repeated and counted.
#[derive(Debug, Clone)]
pub(super) struct Course {
    pub id: MonitorId,
    pub every: Duration,
    /// Failures in a row that do not count yet: with 3 the fourth counts.
    pub fails_after: u32,
    /// The first look; monitors are spread so that they do not all look at once.
    pub first: Instant,
    /// Where its samples go.
    pub signal: SignalId,
    /// Told when a look would see something new, as a value that it may stand on: then it looks at once.
    pub learnt: watch::Receiver<()>,
}

/// Looks every `course.every` until cancelled; missed ticks are counted.
///
/// A look is a sample of the instant it was answered at, or given up: only then was it known to be so, and however
/// long a target hangs its failures are never too late to count.
pub(super) async fn keep<L, F>(
    mut course: Course,
    mut look: L,
    outlet: Outlet,
    intake: Intake,
    cancel: CancellationToken,
) where
    L: FnMut() -> F,
    F: Future<Output = Report>,
{
    let mut rhythm = Rhythm::new(course.first, course.every);
    loop {
        // A look between two ticks leaves the rhythm as it is.
        let missed = tokio::select! {
            biased;
            missed = rhythm.next(&cancel) => match missed {
                Some(missed) => missed,
                None => return,
            },
            () = learnt(&mut course.learnt) => 0,
        };
        let report = tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            report = look() => report,
        };
        let taken = Taken::Look { verdict: report.verdict, took: report.took };
        let point = Point { at: intake.now(), taken, generated: false };
        let changed = outlet.show(|live| {
            let view = live.monitors.entry(course.id.clone()).or_default();
            view.missed += missed;
            if !matches!(report.verdict, Verdict::Pass | Verdict::Skipped) {
                view.last_error = Some(report.summary.clone());
            }
            let sample = Sample { at: clock::wall(), verdict: report.verdict, took: report.took };
            view.take(sample, course.fails_after)
        });
        if let Some(verdict) = changed {
            let observation = Observation::MonitorChanged { monitor: course.id.clone(), verdict, why: report.summary };
            outlet.tell(observation, &cancel).await;
        }
        // After its verdict was told: a rehearsal that has this sample skips no time before it has that, too.
        intake.take(&course.signal, point);
    }
}

/// Returns when something new came; never where nobody tells any more.
async fn learnt(news: &mut watch::Receiver<()>) {
    if news.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;

    use tokio::sync::mpsc;

    use super::*;
    use crate::launch::time::Instant as At;

    fn report(verdict: Verdict, ms: u64) -> Report {
        Report::plain(verdict, verdict.word(), Duration::from_millis(ms))
    }

    fn course(every: u64) -> Course {
        let every = Duration::from_millis(every);
        let signal = SignalId::new("monitor.api");
        Course {
            id: MonitorId::new("api"),
            every,
            fails_after: 3,
            first: Instant::now(),
            signal,
            learnt: watch::channel(()).1,
        }
    }

    type Taken = Vec<(SignalId, Point)>;

    /// Takes samples with the milliseconds since `began` as their axis.
    fn intake(began: Instant) -> (Intake, Arc<Mutex<Taken>>) {
        let taken: Arc<Mutex<Taken>> = Arc::default();
        let to = Arc::clone(&taken);
        let axis = Arc::new(move || At(i64::try_from(began.elapsed().as_millis()).expect("short")));
        let sink = move |signal: &SignalId, point| to.lock().expect("ours").push((signal.clone(), point));
        (Intake::new(axis, Arc::new(sink)), taken)
    }

    #[tokio::test(start_paused = true)]
    async fn looks_do_not_drift_and_a_slow_one_costs_its_ticks_only() {
        let (sender, _kept) = mpsc::channel(8);
        let outlet = Outlet::new(sender);
        let cancel = CancellationToken::new();
        let began = Instant::now();
        let at = Arc::new(Mutex::new(Vec::new()));
        let look = {
            let at = Arc::clone(&at);
            move || {
                let mut at = at.lock().expect("ours");
                at.push(began.elapsed().as_millis());
                // The third look lasts 2.5 s, the others 0.3 s.
                let lasts = Duration::from_millis(if at.len() == 3 { 2_500 } else { 300 });
                async move {
                    tokio::time::sleep(lasts).await;
                    Report::plain(Verdict::Pass, "", lasts)
                }
            }
        };
        let (intake, taken) = intake(began);
        let task = tokio::spawn(keep(course(1_000), look, outlet.clone(), intake, cancel.clone()));
        tokio::time::sleep(Duration::from_millis(7_900)).await;
        cancel.cancel();
        task.await.expect("no panic");
        assert_eq!(*at.lock().expect("ours"), [0, 1_000, 2_000, 4_500, 5_000, 6_000, 7_000]);
        assert_eq!(outlet.show(|live| live.monitors[&MonitorId::new("api")].missed), 1);
        let taken = taken.lock().expect("ours");
        let told = |(signal, point): &(SignalId, Point)| (signal.to_string(), point.at.0);
        let at = [300, 1_300, 4_500, 4_800, 5_300, 6_300, 7_300].map(|at| ("monitor.api".to_owned(), at));
        assert_eq!(taken.iter().map(told).collect::<Vec<_>>(), at, "when each was answered");
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_came_is_looked_with_at_once_and_the_rhythm_stays() {
        let (sender, _kept) = mpsc::channel(8);
        let (cancel, values) = (CancellationToken::new(), watch::Sender::default());
        let began = Instant::now();
        let at = Arc::new(Mutex::new(Vec::new()));
        let look = {
            let at = Arc::clone(&at);
            move || {
                at.lock().expect("ours").push(began.elapsed().as_secs());
                std::future::ready(report(Verdict::Unknown, 1))
            }
        };
        let course = Course { learnt: values.subscribe(), ..course(30_000) };
        let outlet = Outlet::new(sender);
        let task = tokio::spawn(keep(course, look, outlet.clone(), intake(began).0, cancel.clone()));
        tokio::time::sleep(Duration::from_secs(7)).await;
        values.send_replace(());
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(values);
        tokio::time::sleep(Duration::from_secs(30)).await;
        cancel.cancel();
        task.await.expect("no panic");
        assert_eq!(*at.lock().expect("ours"), [0, 7, 30, 60, 90]);
        assert_eq!(outlet.show(|live| live.monitors[&MonitorId::new("api")].missed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_the_verdict_that_counts_is_told_and_nothing_else() {
        let (sender, mut told) = mpsc::channel(8);
        let cancel = CancellationToken::new();
        let mut count = 0;
        let look = move || {
            count += 1;
            let verdict = if (3..=7).contains(&count) { Verdict::Fail } else { Verdict::Pass };
            std::future::ready(report(verdict, 1))
        };
        let began = Instant::now();
        let intake = intake(began).0;
        let task = tokio::spawn(keep(course(1_000), look, Outlet::new(sender), intake, cancel.clone()));
        let mut changes = Vec::new();
        for _ in 0..3 {
            if let Some(Observation::MonitorChanged { verdict, .. }) = told.recv().await {
                changes.push((began.elapsed().as_secs(), verdict));
            }
        }
        assert_eq!(changes, [(0, Verdict::Pass), (5, Verdict::Fail), (7, Verdict::Pass)]);
        cancel.cancel();
        task.await.expect("no panic");
    }
}
