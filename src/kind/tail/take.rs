//! What a signal takes out of the lines of a stream: of each line that is meant a number, or whether it failed and
//! how long it took.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::base::jq::{Jq, Program, Said};
use crate::base::source::Diagnostic;
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::kind::check::log::lines::Line;
use crate::kind::expect::program;
use crate::launch::id::SignalId;
use crate::launch::threshold::{Dimension, Unit};

/// What is taken out of a line.
#[derive(Debug, Clone)]
pub struct Take {
    pub signal: SignalId,
    /// Which lines are meant; all that have the number, where none is said.
    of: Option<Program>,
    place: Option<Place>,
    /// Each line is a sample that failed or did not: an error of the stream failed.
    pub errors: bool,
    pub unit: Unit,
    /// Whose lines they are, where a stream is one of several.
    pub instance: Option<Arc<str>>,
}

#[derive(Debug, Clone)]
enum Place {
    Json(Program),
    /// Its one group.
    Pattern(Regex),
}

/// What one line came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Sampled {
    Number(f64),
    /// Zero where the line does not say how long it took.
    Ended {
        failed: bool,
        took: Duration,
    },
    /// The line is meant and says no number.
    Nothing(String),
}

impl Take {
    /// Reads `where`, `jq` or `regex`, `errors` and `unit` of a signal that comes `from` a stream.
    #[must_use]
    pub fn read(table: &Table<'_>, signal: SignalId) -> Option<Self> {
        let read = |key| table.text(key).map(|text| program(table, &text.value, text.span));
        let (of, jq) = (read("where"), read("jq"));
        let pattern = table.text("regex").map(|text| {
            let pattern = crate::kind::document::pattern(table, "regex", &text.value, text.span)?;
            if pattern.captures_len() != 2 {
                table.wrong_value(text.span, "`regex` needs one group, around the number: `took=([0-9.]+)ms`");
                return None;
            }
            Some(pattern)
        });
        let errors = table.flag("errors").unwrap_or(false);
        let unit = table.text("unit").map(|text| (Unit::parse(&text.value), text.span));
        let place = match (jq, pattern) {
            (Some(_), Some(_)) => {
                table.wrong_value(table.span, "the number is found by `jq` or by `regex`, not by both");
                return None;
            }
            (Some(program), None) => Some(Place::Json(program?)),
            (None, Some(pattern)) => Some(Place::Pattern(pattern?)),
            (None, None) => None,
        };
        if place.is_none() && !errors {
            let message = format!("{} takes nothing out of its stream", table.path);
            let wrong = Diagnostic::error("missing-key", table.span, message).label("nothing to sample");
            let help = "say `jq` or `regex` for a number of each line, or `errors = true` for whether it is an error";
            table.notes().report(wrong.help(help));
            return None;
        }
        let unit = match unit {
            Some((Ok(unit), span)) if errors && unit.dimension != Dimension::Time => {
                table
                    .wrong_value(span, "of a line that fails or not the number says how long it took: `unit = \"ms\"`");
                return None;
            }
            Some((Ok(unit), _)) => unit,
            Some((Err(why), span)) => {
                table.wrong_value(span, why);
                return None;
            }
            None if errors && place.is_some() => {
                table.missing("unit", "`unit = \"ms\"`: what the log writes its times in");
                return None;
            }
            None => Unit::base(Dimension::Plain),
        };
        let of = match of {
            Some(of) => Some(of?),
            None => None,
        };
        Some(Self { signal, of, place, errors, unit, instance: None })
    }

    /// What `line` comes to, which its stream takes for an error or not; none where it is not meant.
    pub async fn of(&self, line: &Line, error: bool, scope: &Scope, jq: &Jq) -> Option<Sampled> {
        if let Some(of) = &self.of {
            // A line that says nothing of it is not meant.
            if jq.holds(of, line.json.as_ref()?, scope).await != Said::True {
                return None;
            }
        }
        let number = match &self.place {
            None => None,
            Some(Place::Pattern(pattern)) => pattern
                .captures(&line.text)
                .and_then(|found| found.get(1)?.as_str().parse::<f64>().ok())
                .filter(|number| number.is_finite())
                .ok_or_else(|| format!("nothing matches {pattern}"))
                .into(),
            Some(Place::Json(program)) => Some(match &line.json {
                Some(json) => match jq.value(program, json, scope).await {
                    Ok(value) => value
                        .as_f64()
                        .filter(|number| number.is_finite())
                        .ok_or_else(|| format!("{}: no number", program.text)),
                    Err(why) => Err(why),
                },
                None => Err(format!("{}: the line is no JSON", program.text)),
            }),
        };
        let meant = self.of.is_some();
        if !self.errors {
            return match number? {
                Ok(number) => Some(Sampled::Number(number)),
                Err(why) if meant => Some(Sampled::Nothing(why)),
                Err(_) => None,
            };
        }
        let took = number.map(|number| number.map(|number| span(number * self.unit.in_base())));
        match took {
            None => Some(Sampled::Ended { failed: error, took: Duration::ZERO }),
            Some(Ok(took)) => Some(Sampled::Ended { failed: error, took }),
            // An error has no time, often enough, and is one all the same.
            Some(Err(_)) if error => Some(Sampled::Ended { failed: true, took: Duration::ZERO }),
            Some(Err(why)) if meant => Some(Sampled::Nothing(why)),
            Some(Err(_)) => None,
        }
    }
}

fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
