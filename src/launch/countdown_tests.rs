//! The 34 vectors of the reference model, each under its name there, and the model's invariants over
//! random flights. The numbers are the model's: where one fails, the clock is wrong.

use proptest::prelude::*;

use super::Phase::{Counting, Cutoff, Holding, Liftoff};
use super::*;

const S: i64 = 1000;
const M: i64 = 60 * S;
const H: i64 = 60 * M;

fn hms(hours: i64, minutes: i64) -> i64 {
    hours * H + minutes * M
}

fn span(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).expect("a span"))
}

fn terms(holds: &[(i64, i64)]) -> Terms {
    Terms { holds: holds.iter().map(|(mark, ms)| (Mark(*mark), span(*ms))).collect(), ..Terms::default() }
}

/// A countdown and how often T-0 fired.
struct Flight {
    clock: Countdown,
    fired: usize,
}

impl Flight {
    fn new(now: i64, t: i64, terms: Terms) -> Self {
        Self { clock: Countdown::new(Instant(now), t, terms).expect("a sound plan"), fired: 0 }
    }

    fn tick(&mut self, to: i64) {
        let passed = self.clock.tick(Instant(to));
        self.fired += passed.iter().filter(|(_, passage)| *passage == Passage::Liftoff).count();
    }

    fn resume(&mut self) {
        self.clock.resume(true).expect("resumes");
    }

    fn t0(&self) -> Option<i64> {
        self.clock.t0.map(|at| at.0)
    }

    fn stands(&self) -> (Phase, i64) {
        (self.clock.phase, self.clock.t)
    }
}

#[test]
fn sts_l_and_state_and_t_minus_9_and_t0_and_fired_once() {
    let mut sts = Flight::new(hms(13, 40), 20 * M, terms(&[(20 * M, 30 * M), (9 * M, 10 * M)]));
    assert_eq!(sts.clock.l(), 60 * M, "sts L");
    assert_eq!(sts.clock.phase, Holding, "sts state");
    sts.tick(hms(14, 10));
    sts.resume();
    sts.tick(hms(14, 21));
    assert_eq!(sts.stands(), (Holding, 9 * M), "sts at T-9");
    sts.tick(hms(14, 31));
    sts.resume();
    sts.tick(hms(14, 41));
    assert_eq!(sts.t0(), Some(hms(14, 40)), "sts T0");
    assert_eq!(sts.fired, 1, "fired once");
}

#[test]
fn eft1_l_and_t0() {
    let mut eft1 = Flight::new(hms(6, 46), 4 * M, terms(&[(4 * M, 15 * M)]));
    assert_eq!(eft1.clock.l(), 19 * M, "eft1 L");
    eft1.tick(hms(7, 1));
    eft1.resume();
    eft1.tick(hms(7, 6));
    assert_eq!(eft1.t0(), Some(hms(7, 5)), "eft1 T0");
}

#[test]
fn slip_accrues_and_l_runs_in_hold_and_clamped_and_slip_bought_back() {
    let mut flight = Flight::new(0, 60 * M, terms(&[(10 * M, 10 * M)]));
    flight.tick(30 * M);
    flight.clock.hold("DBA", "lag").expect("held");
    flight.tick(37 * M);
    assert_eq!(flight.clock.slip(), 7 * M, "slip accrues");
    assert_eq!(flight.clock.l(), 70 * M - 37 * M, "L runs in hold");
    flight.clock.release("DBA");
    flight.resume();
    flight.tick(57 * M);
    assert_eq!(flight.stands(), (Holding, 10 * M), "clamped");
    flight.tick(60 * M);
    flight.resume();
    assert_eq!(flight.clock.slip(), 0, "slip bought back");
}

#[test]
fn two_holds() {
    let mut flight = Flight::new(0, 10 * M, terms(&[]));
    flight.clock.hold("SEC", "x").expect("held");
    flight.clock.hold("DBA", "y").expect("held");
    flight.clock.release("SEC");
    assert_eq!(flight.clock.resume(true), Err(Refused::OpenHolds(vec!["DBA".into()])), "two holds");
}

#[test]
fn latest_resume_and_late_resume() {
    let mut flight = Flight::new(0, 31 * S, Terms { closes: Some(Instant(60 * S)), ..terms(&[]) });
    flight.clock.hold("APU", "teased switch").expect("held");
    assert_eq!(flight.clock.latest_resume(), Some(Instant(29 * S)), "latest resume");
    flight.tick(29 * S + 1);
    flight.clock.release("APU");
    assert_eq!(flight.clock.resume(true), Err(Refused::PastLatestResume), "late resume");
}

#[test]
fn t_minus_1_30_and_limit_and_recycled_and_t0_after_recycle() {
    let plan = Terms {
        recycle: [Mark(10 * M)].into(),
        terminal: Mark(6 * M),
        no_hold_below: Mark(33 * S),
        max_terminal_hold: Some(span(3 * M)),
        ..terms(&[])
    };
    let mut flight = Flight::new(0, 10 * M, plan);
    flight.tick(8 * M + 30 * S);
    assert_eq!(flight.clock.t, 90 * S, "T-1:30");
    flight.clock.hold("LD", "demo").expect("held");
    flight.tick(11 * M + 31 * S);
    assert_eq!(flight.clock.phase, Cutoff, "limit");
    flight.clock.recycle(Mark(10 * M)).expect("recycled");
    assert_eq!((flight.stands(), flight.clock.attempt), ((Holding, 10 * M), 2), "recycled");
    flight.clock.release("recycle");
    flight.clock.release("LD");
    flight.resume();
    flight.tick(30 * M);
    assert_eq!(flight.t0(), Some(21 * M + 31 * S), "T0 after recycle");
}

#[test]
fn no_hold_and_cutoff_final() {
    let plan = Terms { terminal: Mark(40 * S), no_hold_below: Mark(33 * S), ..terms(&[]) };
    let mut flight = Flight::new(0, 40 * S, plan);
    flight.tick(10 * S);
    assert_eq!(flight.clock.hold("X", "late"), Err(Refused::BelowNoHold), "no-hold");
    flight.clock.cutoff().expect("cut off");
    flight.tick(10 * M);
    assert_eq!((flight.fired, flight.clock.t), (0, 30 * S), "cutoff final");
}

#[test]
fn sleep_clamps() {
    let mut flight = Flight::new(0, 60 * M, terms(&[(10 * M, 5 * M)]));
    flight.tick(5 * H);
    assert_eq!((flight.stands(), flight.fired), ((Holding, 10 * M), 0), "sleep clamps");
}

#[test]
fn restart_and_restart_never_fires() {
    let mut flight = Flight::new(0, 10 * M, terms(&[]));
    flight.tick(8 * M);
    flight.clock.restart(flight.clock.t, Instant(8 * M + 90 * S));
    assert_eq!((flight.stands(), flight.clock.slip()), ((Holding, 2 * M), 90 * S), "restart");
    flight.tick(H);
    assert_eq!(flight.fired, 0, "restart never fires");
}

#[test]
fn sleep_never_fires() {
    let mut flight = Flight::new(0, 10 * M, terms(&[]));
    flight.clock.wake(Instant(5 * H), &[]);
    assert_eq!((flight.clock.phase, flight.fired, flight.clock.t > 0), (Holding, 0, true), "sleep never fires");
}

#[test]
fn sleep_stops_at_mark() {
    let mut flight = Flight::new(0, 60 * M, terms(&[]));
    flight.clock.wake(Instant(40 * M), &[Mark(30 * M), Mark(25 * M)]);
    assert_eq!(flight.stands(), (Holding, 30 * M), "sleep stops at mark");
}

#[test]
fn reopen_counts_on() {
    let mut flight = Flight::new(0, 24 * H, terms(&[]));
    flight.clock.reopen(Instant(8 * H), &[Mark(2 * H)]);
    assert_eq!((flight.stands(), flight.clock.slip()), ((Counting, 16 * H), 0), "reopen counts on");
}

#[test]
fn reopen_stops_at_mark() {
    let mut flight = Flight::new(0, 24 * H, terms(&[]));
    flight.clock.reopen(Instant(23 * H), &[Mark(2 * H)]);
    assert_eq!((flight.stands(), flight.clock.slip()), ((Holding, 2 * H), H), "reopen stops at mark");
}

#[test]
fn catch_up() {
    let mut flight = Flight::new(0, 3 * H, terms(&[]));
    flight.tick(H);
    flight.clock.restart(flight.clock.t, Instant(H + 10 * M));
    flight.clock.catch_up(&[Mark(H)]).expect("caught up");
    flight.clock.release(CONSOLE_RESTART);
    flight.resume();
    assert_eq!((flight.clock.t, flight.clock.slip()), (110 * M, 0), "catch up");
}

#[test]
fn latch_survives_recycle() {
    let mut flight = Flight::new(0, 60 * M, Terms { recycle: [Mark(30 * M)].into(), ..terms(&[]) });
    flight.tick(50 * M);
    flight.clock.hold("DBA", "lag").expect("held");
    flight.clock.recycle(Mark(30 * M)).expect("recycled");
    flight.clock.release("recycle");
    assert_eq!(flight.clock.resume(true), Err(Refused::OpenHolds(vec!["DBA".into()])), "latch survives recycle");
}

/// Beside the vectors: the model's comment on `recycle`, tried.
#[test]
fn a_recycle_plans_again_the_holds_after_its_mark_and_not_the_one_at_it() {
    let plan = Terms { recycle: [Mark(20 * M)].into(), ..terms(&[(20 * M, 5 * M), (10 * M, 5 * M)]) };
    let mut flight = Flight::new(0, 30 * M, plan);
    for mark in [20 * M, 10 * M] {
        flight.tick(flight.clock.now.0 + H);
        assert_eq!(flight.stands(), (Holding, mark));
        flight.resume();
    }
    flight.clock.hold("LD", "again").expect("held");
    flight.clock.recycle(Mark(20 * M)).expect("recycled");
    flight.clock.release("recycle");
    flight.clock.release("LD");
    flight.resume();
    assert_eq!(flight.stands(), (Counting, 20 * M));
    flight.tick(flight.clock.now.0 + H);
    assert_eq!(flight.stands(), (Holding, 10 * M));
}

#[test]
fn catch_up_counts_all_and_catch_up_once() {
    let mut flight = Flight::new(0, 10 * M, terms(&[]));
    flight.tick(2 * M);
    flight.clock.restart(8 * M, Instant(3 * M));
    flight.tick(5 * M);
    flight.clock.catch_up(&[]).expect("caught up");
    assert_eq!(flight.clock.t, 5 * M, "catch up counts all");
    assert_eq!(flight.clock.catch_up(&[]), Err(Refused::NothingToCatchUp), "catch up once");
}

#[test]
fn woken_hold_is_served() {
    let mut flight = Flight::new(0, 60 * M, terms(&[(10 * M, 5 * M)]));
    flight.clock.wake(Instant(5 * H), &[]);
    let clock = &flight.clock;
    let served = (clock.latches.contains_key(BUILT_IN), clock.release_at.map(|at| at.0 - clock.now.0), clock.t);
    assert_eq!(served, (true, Some(5 * M), 10 * M), "woken hold is served");
}

#[test]
fn clock_set_back() {
    let mut flight = Flight::new(10 * M, 60 * M, terms(&[]));
    flight.tick(20 * M);
    flight.clock.restart(flight.clock.t, Instant(15 * M));
    assert_eq!(flight.clock.slip(), 0, "clock set back");
}

#[test]
fn hold_at_t0() {
    let refused = Countdown::new(Instant(0), 10 * M, terms(&[(0, 5 * M)])).map(|clock| clock.t);
    assert_eq!(refused, Err(Refused::HoldAtZero), "hold at T-0");
}

/// What the model's random flights do.
#[derive(Debug, Clone)]
enum Operation {
    Tick(i64),
    Hold(&'static str),
    /// Releases the open latches chosen by bits, then resumes.
    Resume(u8),
    Recycle(usize),
    Cutoff,
    Reslip(i64),
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        50 => (1..15 * M).prop_map(Operation::Tick),
        10 => prop_oneof![Just("a"), Just("b"), Just("c")].prop_map(Operation::Hold),
        // Three of four latches released, on average, so that flights do get on.
        20 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Operation::Resume(a | b)),
        10 => (0..2usize).prop_map(Operation::Recycle),
        1 => Just(Operation::Cutoff),
        10 => (0..10 * M).prop_map(Operation::Reslip),
    ]
}

fn any_plan() -> impl Strategy<Value = (Terms, [Mark; 2])> {
    let holds = proptest::collection::btree_map(1..60i64, 0..20i64, 0..4);
    let closes = prop_oneof![Just(None), Just(Some(Instant(90 * M))), Just(Some(Instant(180 * M)))];
    let recycle = proptest::sample::subsequence(vec![5 * M, 10 * M, 20 * M, 40 * M], 2);
    (holds, recycle, closes).prop_map(|(holds, recycle, closes)| {
        let holds: Vec<(i64, i64)> = holds.into_iter().map(|(mark, minutes)| (mark * M, minutes * M)).collect();
        let marks = [Mark(recycle[0]), Mark(recycle[1])];
        let plan = Terms {
            recycle: marks.into(),
            terminal: Mark(6 * M),
            no_hold_below: Mark(33 * S),
            closes,
            max_terminal_hold: Some(span(3 * M)),
            ..terms(&holds)
        };
        (plan, marks)
    })
}

/// One flight, held to the model's invariants; whether it reached T-0.
fn flown(plan: Terms, marks: [Mark; 2], operations: Vec<Operation>) -> Result<bool, TestCaseError> {
    let closes = plan.closes;
    let Ok(clock) = Countdown::new(Instant(0), 60 * M, plan) else { return Ok(false) };
    let mut flight = Flight { clock, fired: 0 };
    for operation in operations {
        let before = flight.clock.t;
        let mut ceiling = before;
        // A refusal is an answer, too: what must hold then is that nothing moved.
        let unmoved = flight.clock.clone();
        let refused = match operation {
            Operation::Tick(by) => {
                flight.tick(flight.clock.now.0 + by);
                false
            }
            Operation::Hold(who) => flight.clock.hold(who, "x").is_err(),
            Operation::Resume(bits) => {
                let open: Vec<String> = flight.clock.latches.keys().filter(|who| *who != BUILT_IN).cloned().collect();
                for (n, who) in open.iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1) {
                    prop_assert!(n < 8);
                    flight.clock.release(who);
                }
                flight.clock.resume(true).is_err() && open.is_empty()
            }
            Operation::Recycle(which) => match flight.clock.recycle(marks[which]) {
                Ok(()) => {
                    prop_assert!(flight.clock.t > before);
                    ceiling = flight.clock.t;
                    false
                }
                Err(_) => true,
            },
            Operation::Cutoff => flight.clock.cutoff().is_err(),
            Operation::Reslip(by) => match flight.clock.projected() {
                Some(at) if flight.clock.phase == Holding => flight.clock.reslip(Instant(at.0 + by)).is_err(),
                _ => false,
            },
        };
        let clock = &flight.clock;
        if refused {
            prop_assert_eq!(clock, &unmoved);
        }
        prop_assert!(clock.t <= ceiling && clock.t >= 0 && flight.fired <= 1);
        if let Some(projected) = clock.projected() {
            prop_assert_eq!(projected.0, clock.published.0 + clock.slip());
        }
        if clock.phase == Counting {
            prop_assert!(clock.pending().all(|(mark, _)| mark.0 < clock.t), "passed a hold at T {}", clock.t);
        }
        if clock.phase == Liftoff {
            prop_assert_eq!(clock.t, 0);
            prop_assert!(closes.is_none_or(|close| clock.t0.is_some_and(|t0| t0 <= close)));
            return Ok(true);
        }
    }
    Ok(false)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn t_only_falls_and_fires_once_and_never_passes_an_unserved_hold(
        (plan, marks) in any_plan(),
        operations in proptest::collection::vec(any_operation(), 30),
    ) {
        flown(plan, marks, operations)?;
    }
}

/// SplitMix64: what proptest makes of 20,000 flights takes a minute.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((z ^ (z >> 31)) % u64::try_from(sides).expect("some")).expect("small")
    }

    fn plan(&mut self) -> (Terms, [Mark; 2]) {
        let holds: Vec<(i64, i64)> = (0..self.below(4)).map(|_| (1 + self.below(59), self.below(20))).collect();
        let holds: BTreeMap<i64, i64> = holds.into_iter().collect();
        let holds: Vec<(i64, i64)> = holds.into_iter().map(|(mark, minutes)| (mark * M, minutes * M)).collect();
        let mut points = vec![5 * M, 10 * M, 20 * M, 40 * M];
        let marks = [4, 3].map(|left| Mark(points.remove(usize::try_from(self.below(left)).expect("small"))));
        let closes = [None, Some(Instant(90 * M)), Some(Instant(180 * M))];
        let plan = Terms {
            recycle: marks.into(),
            terminal: Mark(6 * M),
            no_hold_below: Mark(33 * S),
            closes: closes[usize::try_from(self.below(3)).expect("small")],
            max_terminal_hold: Some(span(3 * M)),
            ..terms(&holds)
        };
        (plan, marks)
    }

    /// As the model draws: `random.choice('ttttthrrxcs')`.
    fn operation(&mut self) -> Operation {
        match self.below(11) {
            0..=4 => Operation::Tick(1 + self.below(15 * M - 1)),
            5 => Operation::Hold(["a", "b", "c"][usize::try_from(self.below(3)).expect("small")]),
            6 | 7 => Operation::Resume((0..8).map(|bit| u8::from(self.below(5) > 0) << bit).sum()),
            8 => Operation::Recycle(usize::try_from(self.below(2)).expect("small")),
            9 if self.below(10) == 0 => Operation::Cutoff,
            // The model lets nine of ten cutoffs be nothing.
            9 => Operation::Tick(0),
            _ => Operation::Reslip(self.below(10 * M)),
        }
    }
}

/// As many flights as the model flies; there a fifth of them reach T-0.
#[test]
fn twenty_thousand_flights_keep_the_invariants_and_many_reach_t0() {
    let mut dice = Dice(7);
    let mut lifted = 0;
    for flight in 0..20_000 {
        let (plan, marks) = dice.plan();
        let operations = (0..30).map(|_| dice.operation()).collect();
        match flown(plan, marks, operations) {
            Ok(true) => lifted += 1,
            Ok(false) => {}
            Err(broken) => panic!("flight {flight}: {broken}"),
        }
    }
    assert!((3_000..6_000).contains(&lifted), "{lifted} reached T-0");
}

#[test]
fn t0_is_always_ahead_and_fires_once() {
    for start in [0, -5 * S] {
        let mut flight = Flight::new(7 * S, start, terms(&[]));
        assert_eq!(flight.stands(), (Counting, 1), "opened at {start}");
        flight.tick(7 * S);
        assert_eq!(flight.fired, 0);
        flight.tick(8 * S);
        assert_eq!((flight.fired, flight.t0()), (1, Some(7 * S + 1)));
    }
}
