//! The verdict on the lines of a window. Silence is no health: where no line came, or none says anything of
//! what is asked, it is unknown. No text of a line gets into a finding that is about what must not be logged.

use std::time::Duration;

use serde_json::Value;

use super::lines::{Line, keys, read};
use super::{Count, Log, Number, Ratio, Stat};
use crate::base::jq::{Jq, Program, Said};
use crate::base::template::Scope;
use crate::kind::check::Seen;
use crate::launch::threshold::{self, Unit};
use crate::launch::verdict::{Finding, Report, Verdict};

/// Places that a finding names.
const TOLD: usize = 3;

pub(super) async fn report(log: &Log, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
    let answer = match seen.answers.first() {
        Some((_, Ok(answer))) => answer,
        Some((_, Err(cause))) => {
            let verdict = Verdict::of_silence(cause, false);
            let found = Finding { verdict, ..Finding::unknown("lines", "lines to read", cause.words()) };
            return Report::of(vec![found], Duration::ZERO);
        }
        None => return Report::plain(Verdict::Unknown, "nothing was looked at", Duration::ZERO),
    };
    let lines = read(&answer.http.body);
    if let Some(ended) = &answer.ended
        && (ended.error.is_some() || ended.signal.is_some() || ended.exit.is_some_and(|exit| exit != 0))
    {
        let last = String::from_utf8_lossy(&ended.stderr).lines().last().unwrap_or_default().to_owned();
        let why = ended.error.clone().unwrap_or_else(|| match ended.exit {
            Some(exit) => format!("exit {exit} {last}"),
            None => format!("a signal ended it {last}"),
        });
        return Report::of(vec![Finding::unknown("command", "the log", why)], answer.http.took);
    }
    if lines.is_empty() {
        return Report::of(vec![Finding::unknown("lines", "at least one", "none")], answer.http.took);
    }
    Report::of(findings(log, &lines, scope, jq).await, answer.http.took)
}

async fn findings(log: &Log, lines: &[Line], scope: &Scope, jq: &Jq) -> Vec<Finding> {
    let expect = &log.expect;
    let json: Vec<&Value> = lines.iter().filter_map(|line| line.json.as_ref()).collect();
    let mut found = Vec::new();
    if let Some((at, all)) = &expect.events {
        let mut named = Vec::new();
        for value in &json {
            if let Ok(Value::String(name)) = jq.value(at, value, scope).await {
                named.push(name);
            }
        }
        for wanted in all {
            let count = named.iter().filter(|name| *name == wanted).count();
            let subject = format!("event {wanted}");
            found.push(match (count, named.is_empty()) {
                (0, true) => Finding::unknown(subject, "in the log", format!("no line has {}", at.text)),
                (0, false) => Finding::held(subject, "in the log", format!("not among {} events", named.len()), false),
                (some, _) => Finding::held(subject, "in the log", format!("{some} times"), true),
            });
        }
    }
    for count in &expect.counts {
        found.push(counted(count, &json, scope, jq).await);
    }
    for ratio in &expect.ratios {
        found.push(shared(ratio, &json, scope, jq).await);
    }
    for number in &expect.numbers {
        found.push(measured(number, &json, scope, jq).await);
    }
    found.extend(expect.forbidden_keys.iter().map(|pattern| {
        let mut places = Vec::new();
        for line in lines {
            let Some(json) = &line.json else { continue };
            keys(json, "", &mut |key, path| {
                if pattern.is_match(key) {
                    places.push(format!("{path} in line {}", line.number));
                }
            });
        }
        let subject = format!("keys like {pattern}");
        if json.is_empty() { Finding::unknown(subject, "none", "no line is JSON") } else { none(subject, &places) }
    }));
    found.extend(expect.forbidden_values.iter().map(|pattern| {
        let on = lines.iter().filter(|line| pattern.is_match(&line.text));
        none(format!("values like {pattern}"), &on.map(|line| format!("line {}", line.number)).collect::<Vec<_>>())
    }));
    found.extend(expect.text.iter().map(|pattern| {
        let count = lines.iter().filter(|line| pattern.is_match(&line.text)).count();
        Finding::held(format!("text {pattern}"), "a line", format!("{count} of {} lines", lines.len()), count > 0)
    }));
    found.extend(expect.text_absent.iter().map(|pattern| {
        let on = lines.iter().filter(|line| pattern.is_match(&line.text));
        none(format!("text {pattern}"), &on.map(|line| format!("line {}", line.number)).collect::<Vec<_>>())
    }));
    found
}

fn none(subject: String, places: &[String]) -> Finding {
    let seen = match places {
        [] => "none".to_owned(),
        few if few.len() <= TOLD => few.join(", "),
        many => format!("{} and {} more", many[..TOLD].join(", "), many.len() - TOLD),
    };
    Finding::held(subject, "none", seen, places.is_empty())
}

/// How many lines hold `program`, and how many say anything of it at all.
async fn fits(program: &Program, json: &[&Value], scope: &Scope, jq: &Jq) -> (Vec<bool>, u64) {
    let (mut fits, mut known) = (Vec::with_capacity(json.len()), 0);
    for value in json {
        let said = jq.holds(program, value, scope).await;
        known += u64::from(!matches!(said, Said::Unknown { .. }));
        fits.push(said == Said::True);
    }
    (fits, known)
}

async fn counted(count: &Count, json: &[&Value], scope: &Scope, jq: &Jq) -> Finding {
    let (fits, known) = fits(&count.of, json, scope, jq).await;
    let subject = format!("lines with {}", count.of.text);
    if known == 0 {
        return Finding::unknown(subject, count.that.words(), "no line says anything of it");
    }
    let held = fits.iter().filter(|fits| **fits).count();
    let holds = count.that.holds(whole(held), Unit::base(threshold::Dimension::Plain));
    Finding::held(subject, count.that.words(), held.to_string(), holds)
}

async fn shared(ratio: &Ratio, json: &[&Value], scope: &Scope, jq: &Jq) -> Finding {
    let subject = ratio.of.text.clone();
    let among: Vec<bool> = match &ratio.to {
        Some(to) => fits(to, json, scope, jq).await.0,
        None => vec![true; json.len()],
    };
    let within: Vec<&Value> = json.iter().zip(&among).filter(|(_, among)| **among).map(|(value, _)| *value).collect();
    let (fits, known) = fits(&ratio.of, &within, scope, jq).await;
    let expected = ratio.words();
    // A line that says nothing of it is no line without it: it would thin out a share of errors.
    if known < ratio.min.max(1) {
        let seen = format!("{} lines, {known} of which say anything of it", within.len());
        return Finding::unknown(subject, expected, seen);
    }
    let held = fits.iter().filter(|fits| **fits).count();
    let all = usize::try_from(known).unwrap_or(usize::MAX);
    let share = whole(held) / whole(all);
    let holds = ratio.that.holds(share, Unit::base(threshold::Dimension::Share));
    Finding::held(subject, expected, format!("{held} of {all}"), holds)
}

async fn measured(number: &Number, json: &[&Value], scope: &Scope, jq: &Jq) -> Finding {
    let of = match &number.of {
        Some(of) => fits(of, json, scope, jq).await.0,
        None => vec![true; json.len()],
    };
    let mut values = Vec::new();
    for (value, _) in json.iter().zip(&of).filter(|(_, of)| **of) {
        if let Ok(Value::Number(found)) = jq.value(&number.json, value, scope).await {
            values.extend(found.as_f64().filter(|value| value.is_finite()));
        }
    }
    let (subject, expected) = (format!("{} of {}", number.stat.word(), number.json.text), number.words());
    let enough = u64::try_from(values.len()).unwrap_or(0) >= number.min;
    match number.stat.of(&values).filter(|_| enough) {
        Some(found) => {
            let seen = threshold::shown(found, number.unit, &number.that.limit);
            let seen = format!("{seen} of {} numbers", values.len());
            Finding::held(subject, expected, seen, number.that.holds(found, number.unit))
        }
        None => Finding::unknown(subject, expected, format!("{} numbers, {} wanted", values.len(), number.min)),
    }
}

impl Stat {
    fn of(self, values: &[f64]) -> Option<f64> {
        let last = *values.last()?;
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let rank = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        match self {
            Self::Last => Some(last),
            Self::Min => sorted.first().copied(),
            Self::Max => sorted.last().copied(),
            Self::Sum => Some(values.iter().sum()),
            Self::Mean => Some(values.iter().sum::<f64>() / whole(values.len())),
            Self::P50 => rank(50),
            Self::P95 => rank(95),
            Self::P99 => rank(99),
        }
    }
}

fn whole(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
