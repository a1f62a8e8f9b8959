//! The verdict on an objective, from counts alone. Part of [`super`].

use std::time::Duration;

use super::{Counts, Measured};
use crate::launch::plan::{Beside, Objective};
use crate::launch::proportions::{deviations, difference};
use crate::launch::threshold::{Figure, Is, Of, Unit, percent, shown};
use crate::launch::time::Instant;
use crate::launch::verdict::Verdict;

/// What an objective comes to at `at`, and why in a few words; `unit` is the one its signal counts in.
///
/// Missing data is not health (rules.md, "Objectives"): with nothing newer than `stale_after` it is stale, with too
/// few samples unknown. A hole of more than one bucket in the watching, and one of several sources that
/// is silent, take a pass away and hide no breach.
#[must_use]
pub fn judge(objective: &Objective, unit: Unit, counts: &Counts, at: Instant) -> (Verdict, String) {
    if let Some(why) = &counts.refused {
        return (Verdict::Unknown, why.clone());
    }
    let Some(newest) = counts.newest else { return (Verdict::Unknown, "no data".to_owned()) };
    let age = at.since(newest);
    if age > objective.stale_after {
        return (Verdict::Stale, format!("nothing for {}", words(age)));
    }
    let judged = match (&objective.beside, &counts.beside) {
        (Beside::Nothing, _) => alone(objective, unit, &counts.seen),
        (Beside::Per(_), Some(beside)) => per(objective, &counts.seen, beside),
        (Beside::Minus(_), Some(beside)) => minus(objective, unit, &counts.seen, beside),
        (Beside::Against { both_ways, confidence, .. }, Some(beside)) => {
            against(objective, &counts.seen, beside, *both_ways, *confidence)
        }
        (_, None) => Err("nothing to compare with".to_owned()),
    };
    let known = Duration::from(counts.known);
    let hole = known.is_zero() || known + objective.evaluate_every < objective.window;
    match judged {
        Err(why) => (Verdict::Unknown, why),
        Ok((true, why)) if hole => {
            let (known, window) = (words(counts.known.into()), words(objective.window));
            (Verdict::Unknown, format!("{why}, but only {known} of {window} watched"))
        }
        // What grew while nobody watched is missing from it: too little growth proves nothing then.
        Ok((false, why)) if hole && is_growth(objective) && !matches!(objective.that.is, Is::AtMost | Is::Less) => {
            (Verdict::Unknown, format!("{why}, but only {} watched", words(counts.known.into())))
        }
        // One of several that says nothing is not well by what the others say, and what it grew by is missing.
        Ok((holds, why))
            if counts.silent.is_some()
                && (holds || is_growth(objective) && !matches!(objective.that.is, Is::AtMost | Is::Less)) =>
        {
            (Verdict::Unknown, format!("{why}, but {} tells nothing", counts.silent.as_deref().unwrap_or_default()))
        }
        Ok((true, why)) => (Verdict::Pass, why),
        Ok((false, why)) => (Verdict::Fail, why),
    }
}

/// Whether it holds, and the words for it; or why it cannot be told.
type Judged = Result<(bool, String), String>;

fn is_growth(objective: &Objective) -> bool {
    objective.that.of.is_growth()
}

fn least(objective: &Objective) -> u64 {
    let own = if matches!(objective.beside, Beside::Nothing) { objective.that.least_samples() } else { 1 };
    objective.min_samples.max(own).max(1)
}

fn enough(objective: &Objective, samples: u64, whose: &str) -> Result<(), String> {
    let least = least(objective);
    if samples < least { Err(format!("{samples} of {least} samples{whose}")) } else { Ok(()) }
}

fn alone(objective: &Objective, unit: Unit, seen: &Measured) -> Judged {
    enough(objective, seen.of, "")?;
    let that = &objective.that;
    if that.of.is_counted() {
        return Ok((that.holds_counted(seen.against, seen.of), counted(objective, seen)));
    }
    let figure = number(objective, seen)?;
    Ok((that.holds_figure(figure, unit), told(objective, figure, unit)))
}

/// A ratio of growths: of none nothing is known, of few one failure is many percent. So the growth of what it is
/// divided by must be as many as `min_samples`.
fn per(objective: &Objective, seen: &Measured, beside: &Measured) -> Judged {
    let (Some(part), Some(whole)) = (seen.value, beside.value) else {
        return Err("too few samples to grow".to_owned());
    };
    let (part, whole) = (part.get(), whole.get());
    if part < 0.0 || whole <= 0.0 {
        return Err("nothing grew that it could be a share of".to_owned());
    }
    let least = objective.min_samples.max(objective.that.least_of_share()).max(1);
    if whole < least as f64 {
        return Err(format!("{} of {least}", plain(whole)));
    }
    let share = Figure::of(part).over(Figure::of(whole));
    let holds = objective.that.holds_figure(share, Unit::base(crate::launch::threshold::Dimension::Share));
    let rounded = percent(whole_number(part), whole_number(whole), objective.that.limit_share());
    Ok((holds, format!("{rounded} of {}", plain(whole))))
}

/// The difference of one figure of both. A percentile is counted at its threshold, never known: it has none.
fn minus(objective: &Objective, unit: Unit, seen: &Measured, beside: &Measured) -> Judged {
    enough(objective, seen.of, "")?;
    enough(objective, beside.of, " beside")?;
    let figure = |measured: &Measured| match objective.that.of {
        Of::ErrorRate => Ok(Figure::share(measured.against.min(measured.of), measured.of)),
        Of::Up => Ok(Figure::share(measured.of - measured.against.min(measured.of), measured.of)),
        Of::Percentile(_) | Of::Max => Err("a latency that is counted has no difference".to_owned()),
        Of::Value | Of::Rate | Of::Change => number(objective, measured),
    };
    let (seen, beside) = (figure(seen)?, figure(beside)?);
    let unit =
        if objective.that.of.is_counted() { Unit::base(crate::launch::threshold::Dimension::Share) } else { unit };
    let between = seen.minus(beside);
    let holds = objective.that.holds_figure(between, unit);
    let side = |figure: Figure| told(objective, figure, unit);
    Ok((holds, format!("{} ({} − {})", side(between), side(seen), side(beside))))
}

/// Two shares over the same window: a breach only where the whole interval of their difference lies beyond what the
/// threshold allows, so that noise is none.
fn against(objective: &Objective, seen: &Measured, beside: &Measured, both_ways: bool, confidence: u32) -> Judged {
    if !objective.that.of.is_counted() {
        return Err("only samples that are counted compare with a baseline".to_owned());
    }
    enough(objective, seen.of, "")?;
    enough(objective, beside.of, " of the baseline")?;
    let sure = sure(confidence);
    let z = deviations(if both_ways { f64::midpoint(1.0, sure) } else { sure });
    let bad = |measured: &Measured| (objective.that.bad(measured.against, measured.of), measured.of);
    let (low, high) = difference(bad(seen), bad(beside), z);
    let margin = objective.that.margin();
    let worse = low > margin || (both_ways && high < -margin);
    let share = objective.that.share();
    let side = |measured: &Measured| {
        let (bad, of) = bad(measured);
        format!("{} of {of}", percent(bad, of, share))
    };
    Ok((!worse, format!("{} bad, baseline {}", side(seen), side(beside))))
}

/// A confidence in thousandths of a percent as a share: more than chance, and never certain.
#[must_use]
pub fn sure(confidence: u32) -> f64 {
    f64::from(confidence.clamp(50_000, 99_999)) / 100_000.0
}

/// The number that is compared where samples are not counted.
fn number(objective: &Objective, measured: &Measured) -> Result<Figure, String> {
    let missing = if is_growth(objective) { "too few samples to grow" } else { "no number" };
    let value = measured.value.ok_or_else(|| missing.to_owned())?;
    let figure = Figure::of(value.get());
    Ok(match objective.that.of {
        // Over the whole window, as the growth is: exact, since neither is rounded before they meet.
        Of::Rate => figure.over(Figure::of(objective.window.as_millis() as f64).over(Figure::of(1_000.0))),
        _ => figure,
    })
}

fn counted(objective: &Objective, seen: &Measured) -> String {
    let that = &objective.that;
    let against = seen.against.min(seen.of);
    match that.of {
        Of::Up => format!("{} of {}", percent(seen.of - against, seen.of, that.share()), seen.of),
        Of::Max => format!("{against} of {} beyond {}", seen.of, that.limit.words()),
        Of::Percentile(_) => {
            let share = percent(against, seen.of, that.share());
            format!("{share} of {} beyond {}", seen.of, that.limit.words())
        }
        _ => format!("{} of {}", percent(against, seen.of, that.share()), seen.of),
    }
}

/// A number beside its limit; with a few digits where it is endless.
fn told(objective: &Objective, figure: Figure, unit: Unit) -> String {
    let limit = &objective.that.limit;
    let exact = shown(figure.get(), unit, limit);
    let digits = exact.strip_suffix(limit.unit.word).unwrap_or(&exact);
    let short = digits.parse::<f64>().ok().map(|number| {
        let places = if number.abs() >= 100.0 { 1 } else { 3 };
        let short = format!("{number:.places$}");
        short.trim_end_matches('0').trim_end_matches('.').to_owned()
    });
    // Shortened only where it says the same of its limit.
    let holds = |text: &str| text.parse().ok().map(|number| objective.that.holds(number, limit.unit));
    let same = short.filter(|short| digits.contains('.') && holds(short) == holds(digits));
    let number = same.unwrap_or_else(|| digits.to_owned());
    let each = match objective.that.of {
        Of::Rate => "/s".to_owned(),
        Of::Change => format!(" in {}", words(objective.window)),
        _ => String::new(),
    };
    format!("{number}{}{each}", limit.unit.word)
}

fn plain(number: f64) -> String {
    let text = format!("{number:.1}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is for words alone")]
fn whole_number(number: f64) -> u64 {
    number.max(0.0).round() as u64
}

fn words(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string().replace(' ', "")
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
