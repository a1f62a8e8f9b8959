//! Events of watching to test with. Part of [`super`].

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::launch::event::{Event, SampleBlock};
use crate::launch::id::ObjectiveId;
use crate::launch::objective::{Counts, Measured, Number, Round, Span};
use crate::launch::time::Instant;

pub fn one_of_each() -> Vec<Event> {
    let why = || "6.1% of 240".to_owned();
    let seen =
        Measured { of: 240, against: 15, untold: 3, value: Number::new(0.1 + 0.2), shown: Number::new(2.5), resets: 1 };
    let full = Counts {
        seen,
        beside: Some(Measured { of: 1, ..Measured::default() }),
        newest: Some(Instant(599_000)),
        known: Span(30_000),
        late: 2,
        generated: true,
        refused: Some("no bucket ends at 750ms".to_owned()),
        silent: Some("http://b/metrics".to_owned()),
    };
    let round =
        |at: i64, counts: Counts| Round { at: Instant(at), counts: BTreeMap::from([("errors".into(), counts)]) };
    let block = SampleBlock { signal: "monitor.api".into(), sha256: "ab".repeat(32), samples: 60 };
    vec![
        Event::Evaluated { rounds: vec![round(600_000, full.clone()), round(610_000, Counts::default())] },
        Event::Evaluated { rounds: vec![] },
        Event::HoleFilled { rounds: vec![round(600_000, Counts { generated: false, ..full })] },
        Event::SamplesKept { minute: Instant(540_000), blocks: vec![block] },
        Event::TriggerFired { trigger: "errors-2m".into(), why: why(), starts: Some(Instant(620_000)) },
        Event::TriggerFired { trigger: "errors-2m".into(), why: why(), starts: None },
        Event::TriggerVetoed { trigger: "errors-2m".into(), why: why() },
        Event::TriggerAcknowledged { trigger: "errors-2m".into() },
        Event::SoakHoleWaived { item: "soak".into(), hole: Instant(540_000), reason: why() },
    ]
}

fn any_measured() -> impl Strategy<Value = Measured> {
    let number = || any::<f64>().prop_map(Number::new);
    (any::<[u64; 4]>(), number(), number()).prop_map(|([of, against, untold, resets], value, shown)| Measured {
        of,
        against,
        untold,
        value,
        shown,
        resets,
    })
}

pub fn any_evaluated() -> impl Strategy<Value = Event> {
    let counts = (any_measured(), prop::option::of(any_measured()), any::<Option<i64>>(), any::<[u64; 2]>());
    let counts = counts.prop_map(|(seen, beside, newest, [known, late])| Counts {
        seen,
        beside,
        newest: newest.map(Instant),
        known: Span(known),
        late,
        generated: known % 2 == 0,
        refused: (late % 2 == 0).then(|| late.to_string()),
        silent: (known % 3 == 0).then(|| known.to_string()),
    });
    let round = (any::<i64>(), prop::collection::btree_map(super::any_text().prop_map(ObjectiveId::new), counts, 0..3))
        .prop_map(|(at, counts)| Round { at: Instant(at), counts });
    prop::collection::vec(round, 0..3).prop_map(|rounds| Event::Evaluated { rounds })
}
