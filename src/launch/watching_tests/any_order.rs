//! Whatever comes in whatever order: nothing panics, what is replayed is what was live, and no rule is broken.

use proptest::prelude::*;

use super::*;

/// One thing that may happen.
#[derive(Debug, Clone)]
enum Happens {
    Passes(u64),
    /// Rounds of `errors`, at these offsets from now in seconds, with so many percent failed.
    Evaluated(Vec<(i64, Option<u64>)>),
    Told(Verdict),
    Slept(u64),
    CameBack(u64),
    Start,
    Ends,
    Command(Command),
}

fn happens() -> impl Strategy<Value = Happens> {
    let percent = prop::option::weighted(0.8, prop::sample::select(vec![0_u64, 5, 6, 100]));
    let ids = prop::sample::select(vec!["auto", "ask", "api", "manual", "nothing"]).prop_map(TriggerId::new);
    let command = (ids, 0..6).prop_map(|(trigger, which)| match which {
        0 => Command::Veto { trigger, why: "no".into() },
        1 => Command::AcknowledgeTrigger { trigger },
        2 => Command::FireTrigger { trigger, why: "seen".into() },
        3 => Command::Rollback { rollback: "front".into(), why: "by hand".into() },
        4 => Command::Thaw { why: "go on".into() },
        _ => Command::ReleaseHold { who: "watch errors".into() },
    });
    prop_oneof![
        3 => (0_u64..200).prop_map(Happens::Passes),
        8 => percent.clone().prop_map(|percent| Happens::Evaluated(vec![(0, percent)])),
        2 => prop::collection::vec((-100_i64..100, percent), 0..4).prop_map(Happens::Evaluated),
        2 => prop::sample::select(Verdict::ALL.to_vec()).prop_map(Happens::Told),
        1 => (0_u64..4_000).prop_map(Happens::Slept),
        1 => (0_u64..4_000).prop_map(Happens::CameBack),
        3 => Just(Happens::Start),
        1 => Just(Happens::Ends),
        4 => command.prop_map(Happens::Command),
    ]
}

fn happened(flight: &mut Flight, what: Happens) {
    match what {
        Happens::Passes(seconds) => flight.pass(Duration::from_secs(seconds)),
        Happens::Evaluated(rounds) => {
            if rounds.len() == 1 {
                flight.pass(10 * SECOND);
            }
            let at = |offset: i64| Instant(flight.now.0 + offset * 1_000);
            let rounds = rounds.iter().map(|(offset, percent)| evaluated(at(*offset), *percent)).collect();
            flight.input(&Input::Observation(Observation::Evaluated { rounds })).expect("no refusal");
        }
        Happens::Told(verdict) => {
            let observation = Observation::MonitorChanged { monitor: "api".into(), verdict, why: "seen".into() };
            flight.input(&Input::Observation(observation)).expect("no refusal");
        }
        Happens::Slept(seconds) => {
            let gap = Duration::from_secs(seconds);
            flight.now = flight.now.plus(gap);
            flight.input(&Input::Observation(Observation::Slept { gap })).expect("no refusal");
        }
        Happens::CameBack(seconds) => {
            let t = flight.board.clock.as_ref().map_or(0, |clock| clock.t);
            flight.now = flight.now.plus(Duration::from_secs(seconds));
            flight.record(flight.now, Actor::engine(), Event::ConsoleReturned { clean: seconds % 2 == 0, t });
            flight.follow();
        }
        Happens::Start => {
            start(flight);
        }
        Happens::Ends => {
            if flight.board.rolling_back().is_some() {
                end(flight);
            }
        }
        Happens::Command(command) => {
            let _ = flight.command(command);
        }
    }
}

fn triggers() -> Vec<Trigger> {
    let short =
        |id: &str, when, mode| Trigger { lasts: 20 * SECOND, recovers_after: 40 * SECOND, ..trigger(id, when, mode) };
    let until = Trigger { armed_until: Some(Mark(10 * 60_000)), ..short("ask", errors(), FireMode::Ask) };
    vec![
        short("auto", errors(), auto(10)),
        Trigger { then: "all".into(), ..until },
        short("api", Condition::Monitor("api".into()), auto(0)),
        short("manual", Condition::Manual, auto(5)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_order_folds_to_what_it_replays_to(all in prop::collection::vec(happens(), 1..60)) {
        let mut flight = flight(triggers());
        for what in all {
            happened(&mut flight, what);
        }
        let replayed = Board::replay(std::sync::Arc::clone(&flight.board.plan.0), &flight.records);
        prop_assert_eq!(&replayed.triggers, &flight.board.triggers);
        prop_assert_eq!(&replayed.objectives, &flight.board.objectives);
        prop_assert_eq!(&replayed.let_go, &flight.board.let_go);
        prop_assert!(replayed == flight.board);
        // No machine begins a rollback while one runs, or one of a trigger twice.
        let mut runs = false;
        let mut by_itself = BTreeMap::new();
        for record in &flight.records {
            match &record.event {
                Event::RollbackRequested { why, .. } => {
                    prop_assert!(!runs, "a second beside the first");
                    runs = true;
                    if record.actor == Actor::engine() {
                        let trigger = why.split(':').next().unwrap_or_default().to_owned();
                        let count = by_itself.entry(trigger).or_insert(0);
                        *count += 1;
                        prop_assert!(*count == 1, "twice by itself: {why}");
                    }
                }
                Event::RollbackTold { .. } => runs = false,
                _ => {}
            }
        }
        // No fire without so many seconds of evaluations that said so.
        for (place, record) in flight.records.iter().enumerate() {
            let Event::TriggerFired { trigger, why, .. } = &record.event else { continue };
            if trigger.as_str() == "auto" && !why.starts_with("by ") {
                let bad = flight.records[..place].iter().filter(|known| match &known.event {
                    Event::Evaluated { rounds } => rounds.iter().any(|round| {
                        round.counts.values().any(|counts| counts.seen.against > 5)
                    }),
                    _ => false,
                });
                prop_assert!(bad.count() > 0, "it fired on nothing");
            }
        }
    }
}
