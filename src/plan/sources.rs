//! `[[signal]]`: where numbers come from for as long as the launch is open, beside monitors: what is asked for, and
//! what is taken out of the lines of streams.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::items::CHECK_TIMEOUT;
use super::monitors::SHORTEST_EVERY;
use super::reader::{Body, Place, Reader};
use super::{effects, examples};
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::base::template::Scope;
use crate::base::text::printable;
use crate::kind::check::Check as _;
use crate::kind::check::signal::asked::Asked;
use crate::kind::check::signal::{STALE, Signal as SignalCheck};
use crate::kind::tail::Take;
use crate::kind::{Kind, Spec};
use crate::launch::id::{ItemId, SignalId, StreamId};
use crate::launch::plan::{Signal, SignalSource};

/// How often a number is asked for.
const EVERY: Duration = Duration::from_secs(10);

const SOURCES: [&str; 5] = ["promql", "json", "command", "shell", "from"];
/// What is said of an answer that is asked for, and not of lines that come by themselves.
const OF_ASKED: [&str; 6] = ["every", "timeout", "stale_after", "counter", "instance", "example"];

impl<'a> Reader<'a> {
    /// After the streams, whose lines some are taken from.
    pub(super) fn read_signals(&mut self, root: &Table<'a>) {
        let mut ids = BTreeMap::new();
        for table in root.tables("signal") {
            let id = self.need_id(&table, "`id = \"errors\"`");
            if let Some(id) = &id {
                self.claim_slug(&mut ids, id);
                if id.value.starts_with("monitor.") {
                    table.wrong_value(id.span, "`monitor.ID` is the signal of a monitor's own looks");
                }
            }
            let slug = id.map(|id| id.value).unwrap_or_default();
            let title = self.title(&table, &slug);
            if self.has_one_source(&table) {
                match table.text("from") {
                    Some(from) => self.read_taken(&table, &slug, title, &from),
                    None => self.read_asked(&table, &slug, title),
                }
            }
            table.finish();
        }
    }

    fn has_one_source(&self, table: &Table<'a>) -> bool {
        let there: Vec<(&str, Span)> = table.keys().into_iter().filter(|(key, _)| SOURCES.contains(key)).collect();
        match there.as_slice() {
            [_] => true,
            [] => {
                table.missing("promql", "one source: `promql`, `json`, `command`, `shell` or `from = \"stream.app\"`");
                false
            }
            [(first, _), (second, span), ..] => {
                let wrong = format!("{} has both `{first}` and `{second}`", table.path);
                self.notes.report(Diagnostic::error("wrong-value", *span, wrong).label("one source a signal"));
                false
            }
        }
    }

    fn read_asked(&mut self, table: &Table<'a>, slug: &str, title: String) {
        let every = self.span_over_zero(table, "every").unwrap_or(EVERY);
        if every < SHORTEST_EVERY {
            table.wrong_value(table.span, "`every` is less than 100ms: that is a load test, not a look");
        }
        let timeout = self.span_over_zero(table, "timeout").unwrap_or(CHECK_TIMEOUT);
        let target = self.target_of(table);
        let owner = ItemId::new(format!("signal.{slug}"));
        let _ = self.notes.take_names();
        let examples = examples::read(table);
        let told = self.notes.take_names();
        effects::examples(table, SignalCheck::KIND);
        let Some(asked) = Asked::read(table) else { return };
        let (unit, counter) = (asked.unit, asked.counter);
        let stale_after = asked.stale_after.unwrap_or(STALE);
        let real = asked.invoked().is_some()
            && table.word("rehearse", &[("simulated", false), ("real", true)]).unwrap_or(false);
        let place = Place { span: table.span, called: format!("signal {slug}"), ..Place::default() };
        let body = Body {
            kind: KIND,
            spec: Some(Spec::Signal(Box::new(asked))),
            examples,
            place,
            told,
            deadline: None,
            text: Arc::from(""),
            real,
        };
        let names = self.names.clone();
        let launch = self.stand_at(target.as_ref().map(|target| target.value.as_str()));
        self.used.clear();
        let spec = self.enter(owner, body, &names, &Scope::default(), None, false);
        self.scope = launch;
        if let Some(spec) = spec {
            let (id, source) = (SignalId::new(slug), SignalSource::Asked(spec));
            let baseline = self.baseline_used();
            self.plan.signals.push(Signal { id, title, source, unit, counter, every, timeout, stale_after, baseline });
        }
    }

    fn read_taken(&mut self, table: &Table<'a>, slug: &str, title: String, from: &Placed<String>) {
        for key in OF_ASKED {
            effects::refuse(table, key, "on a signal that is taken out of a stream: its lines come by themselves");
        }
        for key in ["every", "timeout", "stale_after"] {
            let _ = table.duration(key);
        }
        let _ = (table.flag("counter"), table.any("instance"), table.any("example"));
        effects::refuse(table, "target", "on a signal that is taken out of a stream: it is where the stream is");
        let _ = self.notes.take_names();
        let read = Take::read(table, SignalId::new(slug));
        let used = self.notes.take_names();
        self.names.check(&used, self.source, self.notes);
        let streams = self.streams_of(from);
        let (Some(take), Some(first)) = (read, streams.first()) else { return };
        let unit = take.unit;
        let source = SignalSource::Stream(first.0.clone());
        for (stream, whose) in streams {
            let mut take = take.clone();
            take.instance = whose.map(Arc::from);
            self.catalogue.taken.entry(stream).or_default().push(take);
        }
        self.plan.signals.push(Signal {
            id: SignalId::new(slug),
            title,
            source,
            unit,
            counter: false,
            every: EVERY,
            timeout: CHECK_TIMEOUT,
            stale_after: STALE,
            baseline: Vec::new(),
        });
    }

    /// The tails that `from` names, each with the value it is for where there are several.
    fn streams_of(&self, from: &Placed<String>) -> Vec<(StreamId, Option<String>)> {
        let wrong = |message: String, label: String| {
            self.notes.report(Diagnostic::error("unknown-stream", from.span, message).label(label));
            Vec::new()
        };
        let slugs = || self.plan.streams.iter().map(|stream| base(stream.id.as_str()));
        let Some(slug) = from.value.strip_prefix("stream.") else {
            let of = if from.value.starts_with("monitor.") {
                "an objective looks at a monitor by itself: `signal = \"monitor.api\"`"
            } else {
                "write `from = \"stream.app\"`"
            };
            return wrong(format!("`{}` is no source of a signal", printable(&from.value)), of.to_owned());
        };
        let found = self.plan.streams.iter().filter(|stream| base(stream.id.as_str()) == slug);
        let found: Vec<_> = found
            .map(|stream| {
                let key = stream.id.as_str().strip_prefix(slug).unwrap_or_default();
                let key = key.strip_prefix('[').and_then(|key| key.strip_suffix(']'));
                (stream.id.clone(), key.map(str::to_owned))
            })
            .collect();
        if found.is_empty() {
            let label = match nearest(slug, slugs()) {
                Some(near) => format!("did you mean `stream.{near}`?"),
                None => "not a stream of this plan".to_owned(),
            };
            return wrong(format!("there is no stream `{}`", printable(slug)), label);
        }
        found
    }
}

/// The slug of an id, without the value it is for.
fn base(id: &str) -> &str {
    id.split_once('[').map_or(id, |(slug, _)| slug)
}

/// What stands for a signal where a kind is asked for.
const KIND: Kind = Kind { name: "signal", family: "signal", line: "a number asked for again and again", example: "" };
