//! Reads a record in one pass: its envelope on the way, its event as it comes. What goes wrong is told
//! by `record`, which reads twice and knows why.

use std::borrow::Cow;
use std::fmt;

use chrono::DateTime;
use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::record::VERSION;
use super::wire::{ActorV1, EventV1};
use crate::launch::event::{Actor, Recorded};
use crate::launch::time::{Instant, Wall};

/// The record that `bytes` are; none where they are none to this build, or not in the plain form that
/// this build writes.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Recorded> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut envelope = Envelope::default();
    let mut from = serde_json::Deserializer::from_str(text);
    let event = EventV1::deserialize(Split { from: &mut from, envelope: &mut envelope }).ok()?;
    from.end().ok()?;
    let Envelope { v, seq, at, occurred_at, recorded_at, actor } = envelope;
    if v? > VERSION {
        return None;
    }
    Some(Recorded { seq: seq?, at: at?, occurred_at: occurred_at?, recorded_at: recorded_at?, actor: actor?, event })
}

#[derive(Default)]
struct Envelope {
    v: Option<u32>,
    seq: Option<u64>,
    at: Option<Instant>,
    occurred_at: Option<Wall>,
    recorded_at: Option<Wall>,
    actor: Option<Actor>,
}

impl Envelope {
    /// Takes the value of `key` where it is the envelope's.
    fn take<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<bool, M::Error> {
        match key {
            "v" => once(&mut self.v, map.next_value()?),
            "seq" => once(&mut self.seq, map.next_value()?),
            "at" => once(&mut self.at, map.next_value()?),
            "occurred_at" => once(&mut self.occurred_at, wall(map.next_value()?)?),
            "recorded_at" => once(&mut self.recorded_at, wall(map.next_value()?)?),
            "actor" => once(&mut self.actor, map.next_value::<Who>()?.0),
            _ => return Ok(false),
        }?;
        Ok(true)
    }
}

/// A key that stands there twice is no plain form.
fn once<T, E: Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("twice")),
    }
}

fn wall<E: Error>(millis: i64) -> Result<Wall, E> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| E::custom("no time"))
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Who(#[serde(with = "ActorV1")] Actor);

/// A map whose envelope goes one way and the rest another.
struct Split<'a, D> {
    from: D,
    envelope: &'a mut Envelope,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Split<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.from.deserialize_map(Split { from: visitor, envelope: self.envelope })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Split<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.from.expecting(f)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<V::Value, M::Error> {
        self.from.visit_map(Split { from: map, envelope: self.envelope })
    }
}

impl<'de, M: MapAccess<'de>> MapAccess<'de> for Split<'_, M> {
    type Error = M::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, M::Error> {
        while let Some(Key(key)) = self.from.next_key::<Key<'de>>()? {
            if !self.envelope.take(&key, &mut self.from)? {
                return seed.deserialize(CowStrDeserializer::new(key)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, M::Error> {
        self.from.next_value_seed(seed)
    }
}

/// A key, borrowed where it can be.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
