//! What a person is told of a launch that another console holds, was taken over from one, or took.

use crate::journal::{LeaseError, OpenError, TookOver};
use crate::launch::event::{Actor, Event};
use crate::launch::port::Snapshot;

/// Why a launch was not opened, and where another console holds it, how to come by it all the same.
#[must_use]
pub fn refused(why: anyhow::Error, again: &str, launch: &str) -> anyhow::Error {
    match why.downcast_ref() {
        Some(OpenError::Lease(LeaseError::Held(_) | LeaseError::Overtaken(_))) => anyhow::anyhow!(
            "{why}\n  to attach to it, as it is: `tminus watch {launch}`\n  \
             to take it over, so that the other console can no longer act: `{again} --take-over`"
        ),
        _ => why,
    }
}

/// What the journal is told of a take-over, before the console's return. Nothing where the other console
/// had left by itself meanwhile.
#[must_use]
pub fn taken(took_over: Option<&TookOver>, first: &Event, operator: &Actor) -> Vec<(Actor, Event)> {
    let (Some(took_over), Event::ConsoleReturned { clean: false, .. }) = (took_over, first) else { return Vec::new() };
    let event = match &took_over.from {
        Some(from) => Event::TookOver { from: from.name.clone(), pid: from.pid, host: from.host.clone() },
        None => Event::TookOver { from: "a console without a name".into(), pid: 0, host: String::new() },
    };
    let ended = took_over.ended.as_ref().map(|_| (Actor::engine(), Event::noted(told(took_over))));
    [(operator.clone(), event)].into_iter().chain(ended).collect()
}

/// What came of a take-over, for whoever took.
#[must_use]
pub fn told(took_over: &TookOver) -> String {
    let from = took_over.from.as_ref().map_or_else(
        || "a console that had not written its name".to_owned(),
        |from| format!("{} (process {} on {})", from.name, from.pid, from.host),
    );
    match &took_over.ended {
        Some(ended) => {
            let which = match took_over.from.as_ref() == Some(ended) {
                true => "that process".to_owned(),
                false => format!("process {} of {}, from whom it was taken over before,", ended.pid, ended.name),
            };
            format!(
                "taken over from {from}; {which} stood in the middle of a write to the journal and was ended with \
                 SIGKILL: its steps go on, its terminal may need `reset`"
            )
        }
        None => format!("taken over from {from}: that console can no longer act"),
    }
}

/// What a console says that leaves because another one acts now.
#[must_use]
pub fn left(snapshot: &Snapshot, again: &str) -> Option<String> {
    let words = snapshot.taken_over.as_ref()?;
    Some(format!("{words}; to take it back: `{again} --take-over`"))
}
