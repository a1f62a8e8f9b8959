//! Version 1 of what the events of watching are made of, frozen apart from the domain.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::launch::event::SampleBlock;
use crate::launch::id::{ObjectiveId, SignalId};
use crate::launch::objective::{Counts, Measured, Number, Round, Span};
use crate::launch::time::Instant;

#[derive(Serialize, Deserialize)]
struct RoundV1 {
    at: Instant,
    counts: BTreeMap<ObjectiveId, CountsV1>,
}

#[derive(Serialize, Deserialize)]
struct CountsV1 {
    seen: MeasuredV1,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beside: Option<MeasuredV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Instant>,
    /// Milliseconds.
    known: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    late: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    generated: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    silent: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct MeasuredV1 {
    of: u64,
    against: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    untold: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown: Option<Number>,
    #[serde(default, skip_serializing_if = "is_zero")]
    resets: u64,
}

#[derive(Serialize, Deserialize)]
struct BlockV1 {
    signal: SignalId,
    sha256: String,
    samples: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<&Measured> for MeasuredV1 {
    fn from(from: &Measured) -> Self {
        let Measured { of, against, untold, value, shown, resets } = *from;
        Self { of, against, untold, value, shown, resets }
    }
}

impl From<MeasuredV1> for Measured {
    fn from(from: MeasuredV1) -> Self {
        let MeasuredV1 { of, against, untold, value, shown, resets } = from;
        Self { of, against, untold, value, shown, resets }
    }
}

impl From<&Counts> for CountsV1 {
    fn from(from: &Counts) -> Self {
        let Counts { seen, beside, newest, known, late, generated, refused, silent } = from;
        let beside = beside.as_ref().map(MeasuredV1::from);
        let (newest, known, late, generated) = (*newest, known.0, *late, *generated);
        let (refused, silent) = (refused.clone(), silent.clone());
        Self { seen: seen.into(), beside, newest, known, late, generated, refused, silent }
    }
}

impl From<CountsV1> for Counts {
    fn from(from: CountsV1) -> Self {
        let CountsV1 { seen, beside, newest, known, late, generated, refused, silent } = from;
        let (seen, beside) = (seen.into(), beside.map(Measured::from));
        Self { seen, beside, newest, known: Span(known), late, generated, refused, silent }
    }
}

pub(super) mod rounds {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{CountsV1, Round, RoundV1};

    pub fn serialize<S: Serializer>(rounds: &[Round], to: S) -> Result<S::Ok, S::Error> {
        let counts = |round: &Round| round.counts.iter().map(|(id, counts)| (id.clone(), counts.into())).collect();
        let all: Vec<RoundV1> = rounds.iter().map(|round| RoundV1 { at: round.at, counts: counts(round) }).collect();
        all.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Round>, D::Error> {
        let all = Vec::<RoundV1>::deserialize(from)?;
        let counts = |all: std::collections::BTreeMap<_, CountsV1>| {
            all.into_iter().map(|(id, counts)| (id, counts.into())).collect()
        };
        Ok(all.into_iter().map(|round| Round { at: round.at, counts: counts(round.counts) }).collect())
    }
}

pub(super) mod blocks {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{BlockV1, SampleBlock};

    pub fn serialize<S: Serializer>(blocks: &[SampleBlock], to: S) -> Result<S::Ok, S::Error> {
        let block = |block: &SampleBlock| {
            let SampleBlock { signal, sha256, samples } = block.clone();
            BlockV1 { signal, sha256, samples }
        };
        blocks.iter().map(block).collect::<Vec<_>>().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SampleBlock>, D::Error> {
        let block = |BlockV1 { signal, sha256, samples }| SampleBlock { signal, sha256, samples };
        Ok(Vec::<BlockV1>::deserialize(from)?.into_iter().map(block).collect())
    }
}
