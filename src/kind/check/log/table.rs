//! Reads the `log` table, with every mistake at its place, and says its expectations in words.

use super::{Begin, Count, Expect, Log, Number, Ratio, Source, Stat, Window};
use crate::base::jq::Program;
use crate::base::table::{Placed, Table};
use crate::kind::document::patterns;
use crate::kind::invocation::Invocation;
use crate::launch::threshold::{Dimension, Threshold, Unit};

pub(super) fn read(table: &Table<'_>) -> Option<Log> {
    let source = source(table);
    let (whole, until) = (table.duration("for"), table.duration("within"));
    if let (Some(_), Some(_)) = (whole, until) {
        let span = table.plain("within").map_or(table.span, |placed| placed.span);
        table.wrong_value(span, "`for` or `within`: all of a time, or until everything has come");
    }
    let window = match (whole, until) {
        (Some(span), _) => Window::For(span),
        (None, Some(span)) => Window::Within(span),
        (None, None) => Window::Now,
    };
    let begin = table.word("begin", &[("start", Begin::Start), ("end", Begin::End)]);
    let from_its_end = begin == Some(Begin::End) && window == Window::Now;
    if from_its_end {
        let span = table.plain("begin").map_or(table.span, |placed| placed.span);
        table.wrong_value(span, "nothing comes after the end at once: say `for` or `within`");
    }
    let begin = begin.unwrap_or(if window == Window::Now { Begin::Start } else { Begin::End });
    if !table.has("expect") {
        table.missing(
            "expect",
            "`expect = { events = { at = \".event\", all = [\"…\"] } }`: what must be logged, or never",
        );
    }
    let expect = table.table("expect").map(expect).unwrap_or_default();
    Some(Log { source: source?, begin, window, expect })
}

fn source(table: &Table<'_>) -> Option<Source> {
    let file = table.template("file");
    let invoked = table.has("command") || table.has("shell");
    match file {
        Some(file) if invoked => {
            table.wrong_value(file.span, "one log: `file`, `command` or `shell`");
            None
        }
        Some(file) => Some(Source::File(file)),
        None if invoked => Invocation::read(table).map(Source::Command),
        None => {
            table.missing("file", "`file = \"logs/app.log\"`, or `command = [\"kubectl\", \"logs\", \"…\"]`");
            None
        }
    }
}

fn expect(table: Table<'_>) -> Expect {
    let mut read = Expect {
        events: table.table("events").and_then(events),
        counts: table.tables("count").into_iter().filter_map(count).collect(),
        ratios: table.tables("ratio").into_iter().filter_map(ratio).collect(),
        numbers: table.tables("number").into_iter().filter_map(number).collect(),
        text: patterns(&table, "text"),
        text_absent: patterns(&table, "text_absent"),
        ..Expect::default()
    };
    if let Some(forbidden) = table.table("forbidden") {
        read.forbidden_keys = patterns(&forbidden, "keys");
        read.forbidden_values = patterns(&forbidden, "values");
        forbidden.finish();
    }
    table.finish();
    read
}

fn events(table: Table<'_>) -> Option<(Program, Vec<String>)> {
    let at = program(&table, "at", "`at = \".event\"`: where a line names its event");
    let all: Vec<String> = table.texts("all").into_iter().map(|name| name.value).collect();
    if all.is_empty() {
        table.missing("all", "`all = [\"session_started\"]`: the events that must have come");
    }
    table.finish();
    Some((at?, all))
}

fn count(table: Table<'_>) -> Option<Count> {
    let of = program(&table, "where", "`where = '.level == \"error\"'`: which lines are counted");
    let that = threshold(&table);
    table.finish();
    Some(Count { of: of?, that: that? })
}

fn ratio(table: Table<'_>) -> Option<Ratio> {
    let of = program(&table, "of", "`of = '.level == \"error\"'`: which lines");
    let to = table.has("to").then(|| program(&table, "to", ""));
    let (that, min) = (threshold(&table), least(&table));
    table.finish();
    let to = match to {
        Some(to) => Some(to?),
        None => None,
    };
    Some(Ratio { of: of?, to, that: that?, min })
}

fn number(table: Table<'_>) -> Option<Number> {
    let json = program(&table, "jq", "`jq = \".latencyMs\"`: where the number stands");
    let of = table.has("where").then(|| program(&table, "where", ""));
    let stat = table.word("stat", &Stat::WORDS).unwrap_or(Stat::Last);
    let (that, min) = (threshold(&table), least(&table));
    let unit = that.as_ref().and_then(|that| unit(&table, that));
    table.finish();
    let of = match of {
        Some(of) => Some(of?),
        None => None,
    };
    Some(Number { json: json?, of, stat, that: that?, unit: unit?, min })
}

/// `unit`: what the log writes the number in. It is of the limit's own kind.
fn unit(table: &Table<'_>, that: &Threshold) -> Option<Unit> {
    let wanted = that.limit.unit.dimension;
    let Some(Placed { value, span }) = table.text("unit") else {
        if wanted == Dimension::Plain {
            return Some(Unit::base(wanted));
        }
        table.missing("unit", "`unit = \"ms\"`: what the log writes this number in");
        return None;
    };
    match Unit::parse(&value) {
        Ok(unit) if unit.dimension == wanted => return Some(unit),
        Ok(_) => table.wrong_value(span, format!("`{value}` cannot be compared with {}", that.limit.words())),
        Err(why) => table.wrong_value(span, why),
    }
    None
}

/// `min`: how many lines must be there before they say anything.
fn least(table: &Table<'_>) -> u64 {
    table.integer("min").map_or(1, |least| match u64::try_from(least.value) {
        Ok(some) if some > 0 => some,
        _ => {
            table.wrong_value(least.span, "`min` is at least 1: of no lines nothing follows");
            1
        }
    })
}

fn threshold(table: &Table<'_>) -> Option<Threshold> {
    let Placed { value, span } = table.need_text("that", "`that = \"<= 5%\"`")?;
    match Threshold::parse(&value) {
        Ok(that) if that.of.is_counted() => {
            table.wrong_value(span, "a comparison with one number: what it is of is said beside it");
            None
        }
        Ok(that) => Some(that),
        Err(why) => {
            table.wrong_value(span, why);
            None
        }
    }
}

fn program(table: &Table<'_>, key: &'static str, what: &str) -> Option<Program> {
    let Placed { value, span } = table.need_text(key, what)?;
    crate::kind::expect::program(table, &value, span)
}

impl Expect {
    /// What only time can bring.
    pub(super) fn asks_for_something(&self) -> bool {
        self.events.is_some() || !self.counts.is_empty() || !self.text.is_empty()
    }

    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some((at, all)) = &self.events {
            words.push(format!("{} names each of {}", at.text, all.join(", ")));
        }
        words.extend(self.counts.iter().map(|count| format!("lines with {}: {}", count.of.text, count.that.words())));
        words.extend(self.ratios.iter().map(Ratio::words));
        words.extend(self.numbers.iter().map(Number::words));
        words.extend(self.forbidden_keys.iter().map(|key| format!("no key like {key}")));
        words.extend(self.forbidden_values.iter().map(|value| format!("nothing like {value}")));
        words.extend(self.text.iter().map(|text| format!("a line like {text}")));
        words.extend(self.text_absent.iter().map(|text| format!("no line like {text}")));
        words
    }
}

impl Ratio {
    pub(super) fn words(&self) -> String {
        let to = self.to.as_ref().map_or_else(|| "all JSON lines".to_owned(), |to| to.text.clone());
        format!("share of {} among {to}: {}", self.of.text, self.that.words())
    }
}

impl Number {
    pub(super) fn words(&self) -> String {
        let of = self.of.as_ref().map(|of| format!(" where {}", of.text)).unwrap_or_default();
        format!("{} of {}{of}: {}", self.stat.word(), self.json.text, self.that.words())
    }
}
