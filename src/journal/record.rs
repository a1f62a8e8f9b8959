//! A record: one event as the exact bytes that are hashed and kept, version 1.
//!
//! `{"v":1,"seq":7,"at":1200,"occurred_at":…,"recorded_at":…,"actor":{…},"type":"GatePassed","data":{…}}`,
//! all times in milliseconds. What stands in `wire` is frozen: a change of meaning is a version 2.

use std::borrow::Cow;
use std::ops::Deref;

use chrono::serde::ts_milliseconds;
use serde::{Deserialize, Serialize, Serializer};

use super::audit::{Content, Unread};
use super::whole;
use super::wire::{ActorV1, EventV1, TYPES};
use crate::launch::event::{Actor, Event, Recorded};
use crate::launch::time::{Instant, Now, Wall};

/// The version this build writes, and the newest it reads.
pub const VERSION: u32 = 1;

/// No record is larger, in bytes. Reports cut what they quote long before.
pub const LARGEST: usize = 8 * 1024 * 1024;

/// An event that has no place in the journal yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub at: Instant,
    pub occurred_at: Wall,
    pub recorded_at: Wall,
    pub actor: Actor,
    pub event: Event,
}

impl Draft {
    /// Something that happens now.
    #[must_use]
    pub fn now(now: Now, actor: Actor, event: Event) -> Self {
        Self { at: now.instant, occurred_at: now.wall, recorded_at: now.wall, actor, event }
    }

    /// The record at `seq`.
    #[must_use]
    pub fn record(self, seq: u64) -> Recorded {
        let Self { at, occurred_at, recorded_at, actor, event } = self;
        Recorded { seq, at, occurred_at, recorded_at, actor, event }
    }

    pub(super) fn settled(self, seq: u64) -> Result<Settled, EncodeError> {
        Settled::of(&self.record(seq))
    }
}

/// A record as its bytes tell it, with them: what the board must fold, so that a replay can never differ from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    record: Recorded,
    bytes: Vec<u8>,
}

/// Why an event has no bytes.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("write the record: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error("write the record: it has {0} bytes, more than {LARGEST}")]
    TooLarge(usize),
    /// Nothing is kept that could not be read back.
    #[error("write the record: it could not be read back: {0}")]
    Unreadable(#[from] DecodeError),
}

/// Why bytes are no record to this build.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("this record is of version {0}, and this tminus reads up to version {VERSION}: use a newer one")]
    NewerVersion(u32),
    #[error("this tminus knows no event `{0}`: use a newer one")]
    UnknownType(String),
    #[error("this is no record: {0}")]
    Malformed(#[source] serde_json::Error),
}

/// The bytes of `recorded`. Spans and wall times are kept to the millisecond.
///
/// # Errors
/// Too large, or holding what JSON cannot.
pub fn encode(recorded: &Recorded) -> Result<Vec<u8>, EncodeError> {
    let bytes = serde_json::to_vec(&Written {
        v: VERSION,
        seq: recorded.seq,
        at: recorded.at,
        occurred_at: recorded.occurred_at,
        recorded_at: recorded.recorded_at,
        actor: &recorded.actor,
        event: EventRef(&recorded.event),
    })?;
    if bytes.len() > LARGEST { Err(EncodeError::TooLarge(bytes.len())) } else { Ok(bytes) }
}

/// The record that `bytes` are.
///
/// # Errors
/// Of a newer version, of an unknown type, or no record at all.
pub fn decode(bytes: &[u8]) -> Result<Recorded, DecodeError> {
    whole::read(bytes).map_or_else(|| decode_twice(bytes), Ok)
}

/// As [`decode`], and knows why it cannot.
fn decode_twice(bytes: &[u8]) -> Result<Recorded, DecodeError> {
    // The envelope first, skipping `data`; then the event, skipping the envelope.
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|wrong| newer(bytes).unwrap_or(wrong.into()))?;
    if envelope.v > VERSION {
        return Err(DecodeError::NewerVersion(envelope.v));
    }
    let mut event = serde_json::Deserializer::from_slice(bytes);
    let event = EventV1::deserialize(&mut event).map_err(|wrong| {
        let known = TYPES.contains(&envelope.kind.as_ref());
        if known { DecodeError::Malformed(wrong) } else { DecodeError::UnknownType(envelope.kind.into_owned()) }
    })?;
    Ok(Recorded {
        seq: envelope.seq,
        at: envelope.at,
        occurred_at: envelope.occurred_at,
        recorded_at: envelope.recorded_at,
        actor: envelope.actor,
        event,
    })
}

impl Settled {
    /// The bytes of `recorded`, and the record as these tell it.
    ///
    /// # Errors
    /// As [`encode`], or bytes that could not be read back.
    pub fn of(recorded: &Recorded) -> Result<Self, EncodeError> {
        let bytes = encode(recorded)?;
        let record = decode(&bytes)?;
        Ok(Self { record, bytes })
    }

    /// As the next after `seq`: its own bytes where it is that, others where something came before it.
    pub(super) fn after(self, seq: u64) -> Result<Self, EncodeError> {
        if self.record.seq == seq + 1 { Ok(self) } else { Draft::from(self.record).settled(seq + 1) }
    }

    pub(super) fn parts(self) -> (Recorded, Vec<u8>) {
        (self.record, self.bytes)
    }
}

impl Deref for Settled {
    type Target = Recorded;

    fn deref(&self) -> &Recorded {
        &self.record
    }
}

impl From<Settled> for Recorded {
    fn from(settled: Settled) -> Self {
        settled.record
    }
}

impl From<Recorded> for Draft {
    fn from(record: Recorded) -> Self {
        let Recorded { at, occurred_at, recorded_at, actor, event, .. } = record;
        Self { at, occurred_at, recorded_at, actor, event }
    }
}

/// A newer version may have another envelope altogether.
fn newer(bytes: &[u8]) -> Option<DecodeError> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    let Version { v } = serde_json::from_slice(bytes).ok()?;
    (v > VERSION).then_some(DecodeError::NewerVersion(v))
}

impl Content for Recorded {
    fn read(bytes: &[u8]) -> Result<Self, Unread> {
        decode(bytes).map_err(|wrong| match wrong {
            DecodeError::NewerVersion(_) | DecodeError::UnknownType(_) => Unread::Newer(wrong.to_string()),
            DecodeError::Malformed(_) => Unread::Not(wrong.to_string()),
        })
    }

    fn seq(&self) -> u64 {
        self.seq
    }
}

impl From<serde_json::Error> for DecodeError {
    fn from(wrong: serde_json::Error) -> Self {
        Self::Malformed(wrong)
    }
}

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    seq: u64,
    at: Instant,
    #[serde(with = "ts_milliseconds")]
    occurred_at: Wall,
    #[serde(with = "ts_milliseconds")]
    recorded_at: Wall,
    #[serde(serialize_with = "actor")]
    actor: &'a Actor,
    #[serde(flatten)]
    event: EventRef<'a>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    v: u32,
    seq: u64,
    at: Instant,
    #[serde(with = "ts_milliseconds")]
    occurred_at: Wall,
    #[serde(with = "ts_milliseconds")]
    recorded_at: Wall,
    #[serde(with = "ActorV1")]
    actor: Actor,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

struct EventRef<'a>(&'a Event);

impl Serialize for EventRef<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        EventV1::serialize(self.0, out)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference, and the field is one")]
fn actor<S: Serializer>(actor: &&Actor, out: S) -> Result<S::Ok, S::Error> {
    ActorV1::serialize(actor, out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::samples;

    #[test]
    fn steps_marked_by_hand_are_told_beside_waivers_and_an_old_record_says_none() {
        let event = Event::GatePassed { phase: "gate-a".into(), waivers: 1, marked: 2 };
        let recorded = samples::recorded(7, event);
        let bytes = encode(&recorded).expect("encodes");
        assert!(String::from_utf8_lossy(&bytes).contains(r#""waivers":1,"marked":2"#));
        assert_eq!(decode(&bytes).expect("decodes"), recorded);
        let old = samples::recorded(7, samples::gate_passed());
        let bytes = encode(&old).expect("encodes");
        assert!(!String::from_utf8_lossy(&bytes).contains("marked"), "as version 1 always wrote it");
        assert_eq!(decode(&bytes).expect("decodes"), old);
    }

    #[test]
    fn the_bytes_are_those_of_version_1() {
        let recorded = samples::recorded(7, samples::gate_passed());
        let bytes = String::from_utf8(encode(&recorded).expect("encodes")).expect("text");
        assert_eq!(
            bytes,
            r#"{"v":1,"seq":7,"at":700,"occurred_at":1700000000007,"recorded_at":1700000000007,"actor":{"name":"ann","role":"lead","scripted":false},"type":"GatePassed","data":{"phase":"gate-a","waivers":1}}"#
        );
    }

    #[test]
    fn a_newer_version_is_told_from_a_broken_record() {
        for (bytes, wanted) in [
            (r#"{"v":2,"what":"ever"}"#, "version 2"),
            (
                r#"{"v":9,"seq":1,"at":0,"occurred_at":0,"recorded_at":0,"actor":{"name":"a","role":null,"scripted":false},"type":"Resumed"}"#,
                "version 9",
            ),
            (
                r#"{"v":1,"seq":1,"at":0,"occurred_at":0,"recorded_at":0,"actor":{"name":"a","role":null,"scripted":false},"type":"MoonLanded","data":{}}"#,
                "no event `MoonLanded`",
            ),
            (
                r#"{"v":1,"seq":1,"at":0,"occurred_at":0,"recorded_at":0,"actor":{"name":"a","role":null,"scripted":false},"type":"GatePassed","data":{}}"#,
                "no record",
            ),
            ("", "no record"),
            ("[]", "no record"),
        ] {
            let wrong = decode(bytes.as_bytes()).expect_err(bytes).to_string();
            assert!(wrong.contains(wanted), "{bytes}: {wrong}");
        }
    }

    #[test]
    fn every_type_is_known_by_its_name() {
        let events = samples::one_of_each();
        let mut names: Vec<String> = events
            .iter()
            .map(|event| {
                let bytes = encode(&samples::recorded(1, event.clone())).expect("encodes");
                let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
                value["type"].as_str().expect("a type").to_owned()
            })
            .collect();
        let mut types: Vec<String> = TYPES.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        names.dedup();
        types.sort();
        assert_eq!(names, types, "samples and TYPES both hold every event");
    }

    #[test]
    fn one_pass_reads_one_of_each_and_takes_no_liberty() {
        for event in samples::one_of_each() {
            let recorded = samples::recorded(3, event);
            let bytes = encode(&recorded).expect("encodes");
            assert_eq!(whole::read(&bytes).as_ref(), Some(&recorded));
            let text = String::from_utf8(bytes).expect("text");
            for other in [
                text.replacen("\"seq\":3", "\"seq\":3,\"seq\":3", 1),
                text.replacen("\"v\":1", "\"v\":2", 1),
                format!("{text}x"),
                text.replacen("\"at\":300,", "", 1),
            ] {
                assert_ne!(other, text);
                assert!(whole::read(other.as_bytes()).is_none() && decode(other.as_bytes()).is_err(), "{other}");
            }
        }
    }

    #[test]
    fn what_could_not_be_read_back_has_no_bytes() {
        let mut deep = serde_json::Value::Null;
        for _ in 0..126 {
            deep = serde_json::Value::Array(vec![deep]);
        }
        let recorded = samples::recorded(1, samples::captured(deep));
        assert!(matches!(Settled::of(&recorded), Err(EncodeError::Unreadable(_))));
        let huge = samples::recorded(1, Event::noted("x".repeat(LARGEST)));
        assert!(matches!(Settled::of(&huge), Err(EncodeError::TooLarge(_))));
    }

    #[test]
    fn a_settled_record_is_what_its_bytes_say() {
        let mut recorded = samples::recorded(1, Event::Slept { gap: std::time::Duration::from_nanos(1_999_999) });
        recorded.occurred_at += chrono::TimeDelta::nanoseconds(5);
        let (settled, bytes) = Settled::of(&recorded).expect("settles").parts();
        assert_eq!(settled, decode(&bytes).expect("decodes"));
        assert_eq!(settled.event, Event::Slept { gap: std::time::Duration::from_millis(1) });
    }

    proptest! {
        #[test]
        fn every_record_reads_back(recorded in samples::any_recorded()) {
            let (settled, bytes) = Settled::of(&recorded).expect("settles").parts();
            prop_assert_eq!(&settled, &recorded);
            prop_assert_eq!(encode(&settled).expect("encodes"), bytes);
        }

        #[test]
        fn one_pass_reads_what_two_read(
            recorded in samples::any_recorded(),
            at in any::<usize>(),
            with in any::<u8>(),
        ) {
            let mut bytes = encode(&recorded).expect("encodes");
            prop_assert_eq!(whole::read(&bytes), Some(recorded));
            let at = at % bytes.len();
            bytes[at] = with;
            if let Some(read) = whole::read(&bytes) {
                prop_assert_eq!(decode_twice(&bytes).ok(), Some(read));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn no_damage_makes_it_panic(recorded in samples::any_recorded(), at in any::<usize>(), with in any::<u8>()) {
            let mut bytes = encode(&recorded).expect("encodes");
            let at = at % bytes.len();
            bytes[at] = with;
            let _ = decode(&bytes);
            let _ = decode(&bytes[..at]);
        }
    }
}
