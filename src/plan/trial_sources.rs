//! Signals and streams of lines are tried on their examples, as checks are: a good one tells a number, a bad one tells
//! none, and out of the lines of a stream its signals take something. Nothing here touches a wire.

use super::Loaded;
use super::reader::Place;
use crate::base::jq::Jq;
use crate::base::source::Diagnostic;
use crate::base::template::Scope;
use crate::kind::check::signal::asked::Asked;
use crate::kind::example::Answered;
use crate::kind::tail::{Sampled, Tail, Take};
use crate::kind::{Entry, Spec};
use crate::launch::id::StreamId;
use crate::launch::verdict::Verdict;

pub(super) async fn all(loaded: &Loaded, jq: &Jq) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (entry, place) in loaded.catalogue.entries.iter().zip(&loaded.places) {
        let scope = loaded.catalogue.handed.with(&entry.scope);
        match &entry.spec {
            Spec::Signal(asked) => signal(asked, entry, place, &scope, jq, &mut found).await,
            Spec::Tail(tail) => {
                let id = entry.owner.as_str().strip_prefix("stream.").unwrap_or_default();
                let takes = loaded.catalogue.taken.get(&StreamId::new(id)).map(Vec::as_slice).unwrap_or_default();
                lines(tail, takes, entry, place, &scope, jq, &mut found).await;
            }
            _ => {}
        }
    }
    found
}

fn wrong(place: &Place, example: &Answered, message: String, label: String) -> Diagnostic {
    let span = if example.span == crate::base::source::Span::default() { place.span } else { example.span };
    Diagnostic::error("wrong-example", span, message).label(label)
}

async fn signal(asked: &Asked, entry: &Entry, place: &Place, scope: &Scope, jq: &Jq, found: &mut Vec<Diagnostic>) {
    let goods = match entry.examples.good.is_empty() {
        false => entry.examples.good.clone(),
        true => match asked.derive() {
            Ok(derived) => vec![Answered { span: place.span, ..derived }],
            Err(why) => {
                let message = format!("{} cannot be tried: no good example: {why}", place.called);
                let help = "write an `example` with `good = { … }`, so that it is tried before it is trusted";
                found.push(Diagnostic::warning("no-example", place.span, message).help(help));
                return;
            }
        },
    };
    for good in &goods {
        let told = asked.told(&asked.seen(good, scope), scope, jq).await;
        if let Some(why) = told.wrong {
            found.push(wrong(place, good, format!("{} reads no number of its good example", place.called), why));
        }
    }
    for (bad, gives) in &entry.examples.bad {
        let told = asked.told(&asked.seen(bad, scope), scope, jq).await;
        let tells = told.wrong.is_none();
        if !matches!(gives, Verdict::Unknown | Verdict::Stale) {
            let message = format!("a bad example of {} cannot come to {gives}", place.called);
            found.push(wrong(place, bad, message, "a signal tells a number, or is `unknown` or `stale`".to_owned()));
        } else if tells {
            let message = format!("{} reads a number of a bad example", place.called);
            found.push(wrong(place, bad, message, format!("wanted: {gives}")));
        }
    }
}

async fn lines(
    tail: &Tail,
    takes: &[Take],
    entry: &Entry,
    place: &Place,
    scope: &Scope,
    jq: &Jq,
    found: &mut Vec<Diagnostic>,
) {
    if entry.examples.good.is_empty() && !takes.is_empty() {
        let message = format!("{} cannot be tried: what a signal takes out of its lines is not shown", place.called);
        let help = "write an `example` with `good = { body = \"…\" }`: lines as they will be";
        found.push(Diagnostic::warning("no-example", place.span, message).help(help));
    }
    for good in &entry.examples.good {
        let lines = Tail::lines(good);
        let mut failed = None;
        for line in &lines {
            if tail.errors.has(line, scope, jq).await {
                failed = Some(line.text.clone());
            }
        }
        if lines.is_empty() {
            let label = "write `body`, or `stdout`".to_owned();
            found.push(wrong(place, good, format!("a good example of {} has no line", place.called), label));
        }
        if let Some(text) = failed {
            found.push(wrong(place, good, format!("an error stands in a good example of {}", place.called), text));
        }
        for take in takes {
            let mut samples = 0;
            for line in &lines {
                let sampled = take.of(line, false, scope, jq).await;
                samples += usize::from(matches!(sampled, Some(Sampled::Number(_) | Sampled::Ended { .. })));
            }
            if samples == 0 {
                let message = format!("signal {} takes nothing out of a good example of {}", take.signal, place.called);
                found.push(wrong(place, good, message, "no line has what it looks for".to_owned()));
            }
        }
    }
    for (bad, gives) in &entry.examples.bad {
        let lines = Tail::lines(bad);
        let mut verdict = if lines.is_empty() { Verdict::Unknown } else { Verdict::Pass };
        for line in &lines {
            if tail.errors.has(line, scope, jq).await {
                verdict = Verdict::Fail;
            }
        }
        if verdict != *gives {
            let message = format!("a bad example of {} comes to {verdict}, not {gives}", place.called);
            found.push(wrong(place, bad, message, "what its `errors` make of it".to_owned()));
        }
    }
}
