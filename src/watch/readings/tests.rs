//! What windows come to, what survives an amendment, a restart and a disk that cannot be written.

mod skipped;

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::launch::objective::Span;
use crate::launch::plan::{Beside, Monitor, Signal, SignalSource, SpecId};
use crate::launch::threshold::{Threshold, Unit};
use crate::launch::verdict::Verdict;
use crate::watch::point::Taken;

const SECOND: i64 = 1_000;

/// A launch whose time is told by hand.
struct Desk {
    now: Arc<AtomicI64>,
    readings: Arc<Readings>,
    intake: Intake,
}

fn span(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn objective(id: &str, signal: &str, that: &str, beside: Beside) -> Objective {
    Objective {
        id: id.into(),
        title: id.to_owned(),
        signal: signal.into(),
        beside,
        that: Threshold::parse(that).expect("a threshold"),
        window: span(30),
        min_samples: 20,
        stale_after: span(20),
        evaluate_every: span(10),
        unknown_for: span(60),
    }
}

fn monitor(id: &str) -> Monitor {
    Monitor {
        id: id.into(),
        title: id.to_owned(),
        spec: SpecId(0),
        every: span(1),
        timeout: span(5),
        fails_after: 3,
        items: Vec::new(),
        ready_for: None,
    }
}

fn counter(id: &str) -> Signal {
    Signal {
        id: id.into(),
        title: id.to_owned(),
        source: SignalSource::Asked(SpecId(0)),
        unit: Unit::parse("ratio").expect("a unit"),
        counter: true,
        every: span(5),
        timeout: span(5),
        stale_after: span(20),
        baseline: Vec::new(),
    }
}

pub fn plan(objectives: Vec<Objective>) -> Plan {
    Plan {
        monitors: vec![monitor("api"), monitor("web")],
        signals: vec![counter("errors"), counter("requests")],
        objectives,
        ..Plan::default()
    }
}

impl Desk {
    fn of(plan: &Plan) -> Self {
        Self::at(plan, 0)
    }

    fn at(plan: &Plan, at: i64) -> Self {
        let now = Arc::new(AtomicI64::new(at));
        let told = Arc::clone(&now);
        let readings = Readings::new(Arc::new(move || Instant(told.load(Ordering::SeqCst))), plan);
        readings.watched(Instant(at), None);
        let intake = readings.intake();
        Self { now, readings, intake }
    }

    /// Whoever watches by another plan hands in anew.
    fn anew(self) -> Self {
        Self { intake: self.readings.intake(), ..self }
    }

    fn pass(&self, to: i64) {
        self.now.store(to, Ordering::SeqCst);
        self.readings.watched(Instant(to), None);
    }

    fn look(&self, id: &str, verdict: Verdict) {
        let taken = Taken::Look { verdict, took: Duration::from_millis(12) };
        self.intake.take(&id.into(), Point { at: self.intake.now(), taken, generated: false });
    }

    fn number(&self, id: &str, value: f64) {
        let taken = Taken::Number { value, instance: None, samples: None };
        self.intake.take(&id.into(), Point { at: self.intake.now(), taken, generated: false });
    }

    /// A look each second from now to `until`, each with the verdict that `says` gives its second.
    fn looks(&self, id: &str, until: i64, says: impl Fn(i64) -> Verdict) {
        let from = self.intake.now().0.div_euclid(SECOND) + 1;
        for second in from..=until.div_euclid(SECOND) {
            self.pass(second * SECOND);
            self.look(id, says(second));
        }
    }

    fn counts(&self, id: &str, at: i64) -> Counts {
        self.readings.evaluate(Instant(at)).remove(&id.into()).expect("due")
    }
}

fn errors() -> Plan {
    plan(vec![objective("errors", "monitor.api", "error_rate <= 5%", Beside::Nothing)])
}

#[test]
fn an_objective_is_counted_when_it_is_due_and_over_what_was_watched() {
    let desk = Desk::of(&errors());
    desk.looks("monitor.api", 35_000, |second| if second % 10 == 0 { Verdict::Fail } else { Verdict::Pass });
    let counts = desk.counts("errors", 30_000);
    // The look at 30 s is the next bucket's.
    assert_eq!((counts.seen.of, counts.seen.against, counts.known), (29, 2, Span(30_000)));
    assert_eq!((counts.newest, counts.late, counts.generated), (Some(Instant(29_000)), 0, false));
    assert!(desk.readings.evaluate(Instant(35_000)).is_empty(), "nothing is due");
    assert_eq!(desk.counts("errors", 10_000).known, Span(10_000), "before it nobody watched");
    // The machine slept for 12 s.
    desk.now.store(47_000, Ordering::SeqCst);
    desk.readings.watched(Instant(47_000), Some(span(12)));
    desk.pass(50_000);
    assert_eq!(desk.counts("errors", 50_000).known, Span(18_000));
}

#[test]
fn a_share_of_a_counter_is_counted_in_whole_numbers_over_the_same_buckets() {
    let per = objective("share", "errors", "<= 5%", Beside::Per("requests".into()));
    let desk = Desk::of(&plan(vec![per]));
    for (second, errors, requests) in [(1, 0.0, 1_000.0), (6, 3.0, 1_100.0), (11, 7.0, 1_200.0), (31, 9.0, 1_300.0)] {
        desk.pass(second * SECOND);
        desk.number("errors", errors);
        desk.number("requests", requests);
    }
    let counts = desk.counts("share", 30_000);
    assert_eq!((counts.seen.against, counts.seen.of), (7, 200));
    assert_eq!(counts.beside.and_then(|beside| beside.value).map(|value| value.get()), Some(200.0));
    // Requests that say nothing leave nothing to be a share of, whatever the errors say.
    desk.pass(60_000);
    let counts = desk.counts("share", 70_000);
    assert_eq!((counts.seen.of, counts.newest), (0, Some(Instant(31_000))));
}

#[test]
fn a_canary_and_its_baseline_are_counted_over_the_same_window() {
    let against = Beside::Against { baseline: "monitor.web".into(), both_ways: false, confidence: 99_900 };
    let desk = Desk::of(&plan(vec![objective("canary", "monitor.api", "error_rate <= 1%", against)]));
    desk.looks("monitor.api", 9_000, |_| Verdict::Fail);
    desk.looks("monitor.web", 29_000, |_| Verdict::Pass);
    let counts = desk.counts("canary", 30_000);
    let beside = counts.beside.expect("another side");
    assert_eq!((counts.seen.of, counts.seen.against, beside.of, beside.against), (9, 9, 20, 0));
    assert_eq!(counts.newest, Some(Instant(9_000)), "of the side that is older");
}

#[test]
fn an_amendment_keeps_what_nothing_was_changed_of() {
    let mut plan = errors();
    plan.objectives.push(objective("slow", "monitor.api", "p95 <= 1s", Beside::Nothing));
    let desk = Desk::of(&plan);
    desk.looks("monitor.api", 15_000, |_| Verdict::Pass);
    plan.objectives[1].that = Threshold::parse("p95 <= 2s").expect("a threshold");
    desk.readings.under(&plan, &[]);
    let desk = desk.anew();
    desk.looks("monitor.api", 29_000, |_| Verdict::Pass);
    desk.pass(30_000);
    let (kept, anew) = (desk.counts("errors", 30_000), desk.counts("slow", 30_000));
    assert_eq!((kept.seen.of, kept.known), (29, Span(30_000)));
    assert_eq!((anew.seen.of, anew.known), (14, Span(15_000)));
}

#[test]
fn one_of_several_that_is_silent_for_too_long_is_told_until_it_tells_again() {
    let desk = Desk::of(&plan(vec![objective("grows", "errors", "change <= 5", Beside::Nothing)]));
    let silent = |desk: &Desk, at: i64, who: &[&str]| {
        let who: Vec<Arc<str>> = who.iter().map(|name| (*name).into()).collect();
        desk.intake.silent(&"errors".into(), Instant(at), &who);
    };
    let told = |desk: &Desk, at: i64| desk.counts("grows", at).silent;
    silent(&desk, 5_000, &["b"]);
    silent(&desk, 15_000, &["b", "c"]);
    assert_eq!(told(&desk, 20_000), None, "a look may be missing");
    assert_eq!(told(&desk, 30_000).as_deref(), Some("b"), "older than 20 s");
    assert_eq!(told(&desk, 40_000).as_deref(), Some("b and 1 more"));
    silent(&desk, 42_000, &["c"]);
    assert_eq!(told(&desk, 50_000).as_deref(), Some("c"));
    // Under another plan everybody is asked anew; what ends late of the one before tells nothing.
    desk.readings.under(&plan(vec![objective("grows", "errors", "change <= 5", Beside::Nothing)]), &[]);
    silent(&desk, 51_000, &["d"]);
    assert_eq!(told(&desk, 60_000).as_deref(), Some("c"), "and who was silent is");
    let desk = desk.anew();
    silent(&desk, 61_000, &["c"]);
    assert_eq!(told(&desk, 70_000).as_deref(), Some("c"));
    silent(&desk, 71_000, &[]);
    assert_eq!(told(&desk, 80_000), None);
}

#[test]
fn what_was_said_to_another_question_is_in_no_window() {
    let mut plan = errors();
    plan.objectives.push(objective("web", "monitor.web", "error_rate <= 5%", Beside::Nothing));
    let desk = Desk::of(&plan);
    desk.looks("monitor.api", 15_000, |_| Verdict::Fail);
    desk.look("monitor.web", Verdict::Fail);
    desk.readings.under(&plan, &["monitor.api".into()]);
    // A look of the old question that ends only now.
    desk.look("monitor.api", Verdict::Fail);
    let desk = desk.anew();
    desk.looks("monitor.api", 29_000, |_| Verdict::Pass);
    desk.pass(30_000);
    let (anew, kept) = (desk.counts("errors", 30_000), desk.counts("web", 30_000));
    assert_eq!((anew.seen.of, anew.seen.against, anew.known), (14, 0, Span(15_000)));
    assert_eq!((kept.seen.of, kept.known), (1, Span(30_000)));
}

#[test]
fn what_was_said_to_another_question_does_not_come_back_from_the_disk() {
    let place = tempfile::tempdir().expect("a folder");
    let (first, mut vouched) = (Desk::of(&errors()), Vouched::default());
    first.readings.state().keeps();
    let mut keeper = Keeper::new(place.path().to_owned());
    for until in (5_000..=60_000).step_by(5_000) {
        first.looks("monitor.api", until, |second| if second <= 45 { Verdict::Fail } else { Verdict::Pass });
        kept(&first, &mut keeper, &mut vouched);
    }
    let second = Desk::at(&errors(), 60_000);
    let asked = BTreeMap::from([("monitor.api".into(), Instant(45_500))]);
    let told = second.readings.read_back(place.path(), &vouched, &HashMap::new(), &asked);
    assert_eq!(told, Vec::<String>::new());
    let counts = second.counts("errors", 60_000);
    assert_eq!((counts.seen.of, counts.seen.against), (14, 0), "of 46 s to 59 s");
    assert!(counts.known <= Span(14_500), "{:?}", counts.known);
}

/// What one console kept, with what the journal has of it.
fn kept(desk: &Desk, keeper: &mut Keeper, vouched: &mut Vouched) {
    desk.readings.keep(keeper, false);
    for observation in desk.readings.sealed() {
        let Observation::SamplesKept { minute, blocks } = observation else { panic!("of another kind") };
        vouched.take(minute, &blocks);
    }
}

fn back(desk: &Desk, folder: &Path, vouched: &Vouched) -> Vec<String> {
    desk.readings.read_back(folder, vouched, &HashMap::new(), &BTreeMap::new())
}

#[test]
fn a_console_that_returns_has_its_windows_full_again() {
    let place = tempfile::tempdir().expect("a folder");
    let mut plan = errors();
    plan.objectives[0].window = span(300);
    let (first, mut vouched) = (Desk::of(&plan), Vouched::default());
    first.readings.state().keeps();
    let mut keeper = Keeper::new(place.path().join("samples"));
    for until in (5_000..=250_000).step_by(5_000) {
        first.looks("monitor.api", until, |second| if second % 7 == 0 { Verdict::Fail } else { Verdict::Pass });
        first.look("monitor.web", Verdict::Pass);
        kept(&first, &mut keeper, &mut vouched);
    }
    // Killed: what came after the last page is lost.
    first.looks("monitor.api", 253_000, |_| Verdict::Fail);
    let before = first.counts("errors", 250_000);
    drop(first);

    let second = Desk::at(&plan, 280_000);
    assert_eq!(back(&second, &place.path().join("samples"), &vouched), Vec::<String>::new());
    let again = second.counts("errors", 250_000);
    assert_eq!(again, Counts { seen: again.seen, ..before.clone() });
    assert_eq!((again.seen.of, again.seen.against), (before.seen.of, before.seen.against));
    second.pass(300_000);
    let counts = second.counts("errors", 300_000);
    assert_eq!((counts.known, counts.seen.of), (Span(270_000), 250), "the hole is known to be one");
    // What the first could not have vouched for is: its last minute, of both signals and the watching.
    let sealed = second.readings.sealed();
    let [Observation::SamplesKept { minute: Instant(240_000), blocks }] = &sealed[..] else { panic!("{sealed:?}") };
    let mut names: Vec<&str> = blocks.iter().map(|block| block.signal.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, [".watched", "monitor.api", "monitor.web"]);
}

#[test]
fn what_a_source_told_afterwards_is_counted_apart_and_only_where_all_of_a_window_is_told() {
    let mut plan = plan(vec![objective("level", "level", "<= 5", Beside::Nothing)]);
    plan.signals.push(Signal { counter: false, every: span(10), ..counter("level") });
    plan.objectives[0].min_samples = 1;
    let number = |value| Taken::Number { value, instance: None, samples: None };
    let point = |at: i64| Point { at: Instant(at - 500), taken: number(at as f64), generated: false };
    let points = (0..=30).map(|step| (Instant(step * 10_000), point(step * 10_000))).collect();
    let said = Said { points, holes: vec![(Instant(100_000), Instant(110_000))] };
    let hole = (Instant(61_000), Instant(299_000));
    let rounds = refilled(&plan, &["level".into()], Instant(0), hole, vec![("level".into(), said)]);
    let told: Vec<i64> = rounds.iter().map(|round| round.at.0 / SECOND).collect();
    let wanted: Vec<i64> = (7..=29).filter(|step| !(11..=13).contains(step)).map(|step| step * 10).collect();
    assert_eq!(told, wanted);
    for round in rounds {
        let counts = &round.counts[&"level".into()];
        // As of its own time: nothing of what came later.
        assert_eq!(counts.seen.value.map(|value| value.get()), Some(round.at.0 as f64));
        assert_eq!((counts.known, counts.late, counts.generated), (Span(30_000), 0, false));
    }
}

#[test]
fn what_was_watched_is_known_without_gaps_though_pages_are_written_between_two_looks() {
    let place = tempfile::tempdir().expect("a folder");
    let mut plan = errors();
    plan.objectives[0].window = span(300);
    let (first, mut vouched) = (Desk::of(&plan), Vouched::default());
    first.readings.state().keeps();
    let mut keeper = Keeper::new(place.path().to_owned());
    for until in (5_000..=250_000).step_by(5_000) {
        first.looks("monitor.api", until, |_| Verdict::Pass);
        // The thread that writes does so at any time; the loop has not looked since.
        first.now.store(until + 700, Ordering::SeqCst);
        kept(&first, &mut keeper, &mut vouched);
    }
    let second = Desk::at(&plan, 260_000);
    assert_eq!(back(&second, place.path(), &vouched), Vec::<String>::new());
    assert_eq!(second.counts("errors", 250_000).known, Span(250_000));
}

#[test]
fn what_consoles_before_it_watched_is_not_written_again_as_another_time() {
    let place = tempfile::tempdir().expect("a folder");
    let mut plan = errors();
    plan.objectives[0].window = span(300);
    let mut vouched = Vouched::default();
    for (begins, until) in [(0, 50_000), (130_000, 140_000)] {
        let desk = Desk::at(&plan, begins);
        back(&desk, place.path(), &vouched);
        desk.readings.state().keeps();
        desk.looks("monitor.api", until, |_| Verdict::Pass);
        kept(&desk, &mut Keeper::new(place.path().to_owned()), &mut vouched);
    }
    let third = Desk::at(&plan, 150_000);
    back(&third, place.path(), &vouched);
    assert_eq!(third.counts("errors", 150_000).known, Span(60_000), "50 s and 10 s, and nobody between them");
}

#[test]
fn a_block_that_was_altered_is_told_and_not_believed() {
    let place = tempfile::tempdir().expect("a folder");
    let mut plan = errors();
    plan.objectives[0].window = span(300);
    let (first, mut vouched) = (Desk::of(&plan), Vouched::default());
    first.readings.state().keeps();
    let mut keeper = Keeper::new(place.path().to_owned());
    for until in (5_000..=250_000).step_by(5_000) {
        first.looks("monitor.api", until, |_| Verdict::Fail);
        kept(&first, &mut keeper, &mut vouched);
    }
    assert_eq!(kept::audit(&place.path(), &vouched).wrong, []);
    // With care: somebody makes the failures of minute 2 passes, and its checks hold.
    let file = place.path().join("monitor.api/000000-0");
    kept::forge(&file, 2);
    let audited = kept::audit(&place.path(), &vouched);
    let wrong = "the samples of monitor.api of minute 2 are not those that were kept";
    assert_eq!(audited.wrong, [("monitor.api/000000-0".to_owned(), wrong.to_owned())]);

    let second = Desk::at(&plan, 255_000);
    let told = back(&second, place.path(), &vouched);
    assert_eq!(told, ["the samples of monitor.api of minute 2 are not as they were kept: they are not believed"]);
    second.pass(260_000);
    let counts = second.counts("errors", 260_000);
    assert_eq!((counts.seen.of, counts.seen.against), (190, 190), "none of them is taken for health");
    assert_eq!(counts.known, Span(260_000 - 60_000 - 5_000), "and the minute is not known");
}

#[test]
fn samples_that_a_disk_cannot_take_are_told_and_memory_is_bounded() {
    let place = tempfile::tempdir().expect("a folder");
    // Where the folder would be there is a file.
    let path = place.path().join("samples");
    std::fs::write(&path, "").expect("written");
    let desk = Desk::of(&errors());
    desk.readings.state().keeps();
    let mut keeper = Keeper::new(path.clone());
    for until in (5_000..=120_000).step_by(5_000) {
        desk.looks("monitor.api", until, |_| Verdict::Pass);
        desk.readings.keep(&mut keeper, false);
    }
    assert!(desk.readings.trouble().expect("told").starts_with("samples cannot be kept: "));
    assert!(desk.readings.sealed().is_empty());
    assert_eq!(desk.counts("errors", 120_000).seen.of, 30, "what is counted does not need the disk");
    // And when the disk is well again nothing is missing.
    std::fs::remove_file(&path).expect("removed");
    desk.pass(121_000);
    let mut vouched = Vouched::default();
    kept(&desk, &mut keeper, &mut vouched);
    assert_eq!(desk.readings.trouble(), None);
    let second = Desk::at(&errors(), 122_000);
    assert_eq!(back(&second, &path, &vouched), Vec::<String>::new());
    assert_eq!(second.counts("errors", 120_000).seen.of, 30);
}
