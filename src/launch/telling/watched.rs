//! What watching came to, as one line. Part of [`super`].

use super::{after_colon, span};
use crate::launch::event::{Event, Recorded};
use crate::launch::objective::{Counts, Round};

/// Objectives that a line names.
const NAMED: usize = 4;

pub(super) fn tell(record: &Recorded, by: &str) -> String {
    match &record.event {
        Event::Evaluated { rounds } => evaluated(rounds),
        Event::HoleFilled { rounds } => {
            let (first, last) = (rounds.first().map(|round| round.at), rounds.last().map(|round| round.at));
            let over = first.zip(last).map_or(std::time::Duration::ZERO, |(first, last)| last.since(first));
            format!("a hole in the watching, told by its source afterwards over {}: {}", span(over), evaluated(rounds))
        }
        Event::TriggerFired { trigger, why, starts } => {
            let starts = starts.map(|at| format!("; its rollback starts by itself in {}", span(at.since(record.at))));
            format!("TRIGGER {trigger} FIRED: {why}{}", starts.unwrap_or_default())
        }
        Event::TriggerVetoed { trigger, why } => format!("trigger {trigger} VETOED{by}{}", after_colon(why)),
        other => format!("{other:?}"),
    }
}

/// What was counted last; what it came to is the plan's to say.
fn evaluated(rounds: &[Round]) -> String {
    let Some(last) = rounds.last() else { return "nothing evaluated".to_owned() };
    let named: Vec<String> =
        last.counts.iter().take(NAMED).map(|(id, counts)| format!("{id} {}", words(counts))).collect();
    let more = match last.counts.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let times = if rounds.len() > 1 { format!(" {} times", rounds.len()) } else { String::new() };
    format!("evaluated{times}: {}{more}", named.join(", "))
}

fn words(counts: &Counts) -> String {
    let seen = &counts.seen;
    match (seen.of, seen.value) {
        (0, None) => "no data".to_owned(),
        (_, Some(value)) => value.get().to_string(),
        (of, None) => format!("{} of {of} against it", seen.against),
    }
}
