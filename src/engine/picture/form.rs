//! What one line says of the live picture: what changed since the line before. Pure. The words are the wire's own,
//! so that `launch::live` may change; whoever hears them believes no length and no text of them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use crate::base::text::{cut, printable};
use crate::journal::Holder;
use crate::launch::live::{
    LINES_KEPT, Line, Live, MonitorView, SAMPLES_KEPT, Sample, SignalView, StreamView, WeightView,
};
use crate::launch::time::Wall;
use crate::launch::verdict::Verdict;

/// The form that this build says and hears.
pub const VERSION: u32 = 1;
/// Lines of streams that the first line brings along, all streams together; what is older is in their files.
const FIRST_LINES: usize = 4_000;
/// The same for every line after it.
const LINES: usize = 1_000;
/// Columns of a text.
const COLUMNS: usize = 500;
/// More of one family is no launch's.
const MOST: usize = 4_096;

/// One line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub v: u32,
    /// What was said before counts no more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub whole: bool,
    /// Who looks: said first, for whoever may not read it from the lock.
    #[serde(default, skip_serializing_if = "is_default")]
    pub holder: Option<Holder>,
    #[serde(default, skip_serializing_if = "is_default")]
    monitors: Vec<MonitorSaid>,
    #[serde(default, skip_serializing_if = "is_default")]
    signals: Vec<SignalSaid>,
    #[serde(default, skip_serializing_if = "is_default")]
    streams: Vec<StreamSaid>,
    #[serde(default, skip_serializing_if = "is_default")]
    weights: Vec<WeightSaid>,
    #[serde(default, skip_serializing_if = "is_default")]
    overflowed: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct MonitorSaid {
    id: String,
    /// The samples go on from those that were said before.
    on: bool,
    /// Milliseconds since 1970, the verdict, and how many microseconds it took.
    samples: Vec<(i64, Option<Verdict>, u64)>,
    verdict: Option<Verdict>,
    failures: u32,
    error: Option<String>,
    p50: Option<u64>,
    p95: Option<u64>,
    up: Option<f64>,
    missed: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct SignalSaid {
    id: String,
    on: bool,
    /// What is no number is said as none.
    numbers: Vec<(i64, Option<f64>)>,
    error: Option<String>,
    warning: Option<String>,
    looked: Option<i64>,
    generated: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct StreamSaid {
    id: String,
    open: bool,
    finished: bool,
    /// The newest lines since those that were said before.
    lines: Vec<LineSaid>,
    /// Lines before those that are not said.
    skipped: u64,
    total: u64,
    per_second: f64,
    /// In milliseconds.
    gap: u64,
    reconnects: u32,
    dropped: u64,
    errors: u64,
    error: Option<String>,
}

/// When, its tag, its text, and whether it is an error.
type LineSaid = (i64, String, String, bool);

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct WeightSaid {
    item: String,
    wanted: Option<f64>,
    seen: Option<f64>,
    at: Option<i64>,
}

fn is_default<T: Default + PartialEq>(said: &T) -> bool {
    *said == T::default()
}

/// The first line: who looks.
#[must_use]
pub fn greet(holder: &Holder) -> Said {
    Said { v: VERSION, whole: true, holder: Some(holder.clone()), ..Said::default() }
}

/// What changed from `before` to `now`, or all of it where nothing was said before; none where nothing did. `clean`
/// takes out what must not leave this console.
#[must_use]
pub fn say(before: Option<&Live>, now: &Live, clean: &dyn Fn(&str) -> String) -> Said {
    let nothing = Live::default();
    let whole = before.is_none();
    let before = before.unwrap_or(&nothing);
    let text = |text: &Option<String>| text.as_deref().map(clean);
    let monitors = changed(&before.monitors, &now.monitors, MonitorView::eq).map(|(id, old, view)| {
        let (on, samples) = later(old.map(|old| &old.samples), &view.samples);
        let sample = |sample: &Sample| (millis(sample.at), Some(sample.verdict), micros(sample.took));
        MonitorSaid {
            id: id.as_str().to_owned(),
            on,
            samples: samples.map(sample).collect(),
            verdict: view.verdict,
            failures: view.failures,
            error: text(&view.last_error),
            p50: view.p50.map(micros),
            p95: view.p95.map(micros),
            up: view.up,
            missed: view.missed,
        }
    });
    let signals = changed(&before.signals, &now.signals, SignalView::eq).map(|(id, old, view)| {
        let (on, numbers) = later(old.map(|old| &old.numbers), &view.numbers);
        SignalSaid {
            id: id.as_str().to_owned(),
            on,
            numbers: numbers.map(|(at, number)| (millis(*at), Some(*number))).collect(),
            error: text(&view.last_error),
            warning: text(&view.warning),
            looked: view.looked.map(millis),
            generated: view.generated,
        }
    });
    let streams: Vec<_> = changed(&before.streams, &now.streams, same_stream).collect();
    // Each has its part of the room, so that one that pours leaves the others theirs.
    let room = if whole { FIRST_LINES } else { LINES } / streams.len().max(1);
    let streams = streams.into_iter().map(|(id, old, view)| {
        let came = view.came.saturating_sub(old.map_or(0, |old| old.came));
        let new = usize::try_from(came).unwrap_or(usize::MAX).min(view.lines.len()).min(room);
        let line = |line: &Line| (millis(line.at), clean(&line.tag), clean(&line.text), line.error);
        StreamSaid {
            id: id.as_str().to_owned(),
            open: view.open,
            finished: view.finished,
            lines: view.lines.range(view.lines.len() - new..).map(line).collect(),
            skipped: came - new as u64,
            total: view.total,
            per_second: view.per_second,
            gap: u64::try_from(view.longest_gap.as_millis()).unwrap_or(u64::MAX),
            reconnects: view.reconnects,
            dropped: view.dropped,
            errors: view.errors,
            error: text(&view.last_error),
        }
    });
    let weights = changed(&before.weights, &now.weights, WeightView::eq).map(|(item, _, view)| WeightSaid {
        item: item.as_str().to_owned(),
        wanted: view.wanted,
        seen: view.seen,
        at: view.at.map(millis),
    });
    Said {
        v: VERSION,
        whole,
        holder: None,
        monitors: monitors.collect(),
        signals: signals.collect(),
        streams: streams.collect(),
        weights: weights.collect(),
        overflowed: now.overflowed,
    }
}

/// Takes what was said into `live`. Whatever it says, `live` stays bounded and printable.
pub fn hear(live: &mut Live, said: Said) {
    if said.whole {
        *live = Live::default();
    }
    let text = |text: Option<String>| text.map(|text| shown(&text));
    for said in said.monitors {
        let Some(view) = entry(&mut live.monitors, said.id.as_str()) else { continue };
        let samples = said.samples.into_iter().filter_map(|(at, verdict, took)| {
            let (at, verdict) = (wall(at)?, verdict.unwrap_or(Verdict::Unknown));
            Some(Sample { at, verdict, took: Duration::from_micros(took) })
        });
        follow(&mut view.samples, said.on, samples, SAMPLES_KEPT);
        (view.verdict, view.failures, view.missed) = (said.verdict, said.failures, said.missed);
        (view.p50, view.p95) = (said.p50.map(Duration::from_micros), said.p95.map(Duration::from_micros));
        view.up = said.up.filter(|up| up.is_finite());
        view.last_error = text(said.error);
    }
    for said in said.signals {
        let Some(view) = entry(&mut live.signals, said.id.as_str()) else { continue };
        let numbers = said.numbers.into_iter().filter_map(|(at, number)| Some((wall(at)?, number?)));
        follow(&mut view.numbers, said.on, numbers.filter(|(_, number)| number.is_finite()), SAMPLES_KEPT);
        (view.last_error, view.warning) = (text(said.error), text(said.warning));
        (view.looked, view.generated) = (said.looked.and_then(wall), said.generated);
    }
    for said in said.streams {
        let Some(view) = entry(&mut live.streams, said.id.as_str()) else { continue };
        hear_stream(view, said);
    }
    for said in said.weights {
        let Some(view) = entry(&mut live.weights, said.item.as_str()) else { continue };
        let finite = |share: Option<f64>| share.filter(|share| share.is_finite());
        *view = WeightView { wanted: finite(said.wanted), seen: finite(said.seen), at: said.at.and_then(wall) };
    }
    live.overflowed = said.overflowed;
}

fn hear_stream(view: &mut StreamView, said: StreamSaid) {
    let lines = said.lines.into_iter().filter_map(|(at, tag, text, error)| {
        Some(Line { at: wall(at)?, tag: cut(&printable(&tag), 40), text: shown(&text), error })
    });
    let lines: Vec<Line> = lines.collect();
    // A gap is seen where it is, not read over. Before the first line there is none: its file has the rest.
    let gap = lines.first().filter(|_| said.skipped > 0 && !view.lines.is_empty()).map(|first| Line {
        at: first.at,
        tag: "…".to_owned(),
        text: format!("{} lines are not shown here; they are in the stream's file", said.skipped),
        error: false,
    });
    let came = said.skipped.saturating_add(lines.len() as u64);
    view.came = view.came.saturating_add(came);
    follow(&mut view.lines, true, gap.into_iter().chain(lines), LINES_KEPT);
    (view.open, view.finished) = (said.open, said.finished);
    (view.total, view.dropped, view.errors) = (said.total, said.dropped, said.errors);
    view.per_second = if said.per_second.is_finite() { said.per_second.max(0.0) } else { 0.0 };
    (view.longest_gap, view.reconnects) = (Duration::from_millis(said.gap), said.reconnects);
    view.last_error = said.error.map(|error| shown(&error));
}

/// `live` of a console that has told nothing since the time in `since`: what it showed was then, and none of it is
/// health now.
#[must_use]
pub fn aged(live: &Live, since: &str) -> Live {
    let mut aged = live.clone();
    let why = format!("nothing came from the operator's console since {since}");
    for view in aged.monitors.values_mut() {
        view.verdict = view.verdict.map(|known| match known {
            Verdict::Pass | Verdict::Warn => Verdict::Stale,
            other => other,
        });
        view.last_error = Some(why.clone());
    }
    for view in aged.signals.values_mut() {
        view.last_error = Some(why.clone());
    }
    for view in aged.streams.values_mut() {
        (view.open, view.per_second) = (false, 0.0);
        view.last_error = Some(why.clone());
    }
    aged
}

/// What `now` has that `before` has not, or has otherwise.
fn changed<'a, K: Ord, V>(
    before: &'a BTreeMap<K, V>,
    now: &'a BTreeMap<K, V>,
    same: impl Fn(&V, &V) -> bool + 'a,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, &'a V)> {
    let each = now.iter().map(|(id, view)| (id, before.get(id), view));
    each.filter(move |(_, old, view)| old.is_none_or(|old| !same(old, view)))
}

/// But for its lines, of which `came` tells.
fn same_stream(one: &StreamView, other: &StreamView) -> bool {
    let of = |view: &StreamView| {
        let counts = (view.came, view.total, view.dropped, view.errors, view.reconnects);
        (counts, view.open, view.finished, view.per_second.to_bits(), view.longest_gap)
    };
    of(one) == of(other) && one.last_error == other.last_error
}

/// Those of `now` after the last of `before`, and true; all of them where they do not follow on each other.
fn later<'a, T: PartialEq>(
    before: Option<&VecDeque<T>>,
    now: &'a VecDeque<T>,
) -> (bool, std::collections::vec_deque::Iter<'a, T>) {
    let last = before.and_then(VecDeque::back);
    match last.and_then(|last| now.iter().rev().position(|known| known == last)) {
        Some(new) => (true, now.range(now.len() - new..)),
        None => (false, now.range(..)),
    }
}

/// Puts what came to what is there, or in its place, and keeps the newest.
fn follow<T>(kept: &mut VecDeque<T>, on: bool, came: impl Iterator<Item = T>, most: usize) {
    if !on {
        kept.clear();
    }
    for one in came {
        if kept.len() == most {
            kept.pop_front();
        }
        kept.push_back(one);
    }
}

/// The view of `id`; none where there are more than any launch has.
fn entry<'a, K, V: Default>(views: &'a mut BTreeMap<K, V>, id: &str) -> Option<&'a mut V>
where
    K: Ord + for<'k> From<&'k str>,
{
    let id = K::from(id);
    (views.len() < MOST || views.contains_key(&id)).then(|| views.entry(id).or_default())
}

fn shown(text: &str) -> String {
    cut(&printable(text), COLUMNS)
}

fn millis(at: Wall) -> i64 {
    at.timestamp_millis()
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn wall(millis: i64) -> Option<Wall> {
    DateTime::from_timestamp_millis(millis)
}
