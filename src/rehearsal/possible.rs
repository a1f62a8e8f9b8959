//! Which faults the simulated target of a plan can have: one that would bend nothing is not offered. What a plan may
//! have is offered rather than not: nobody is told that a target cannot fail in a way in which it can.

use super::fault::Fault;
use crate::kind::{Catalogue, Entry, Spec};
use crate::launch::plan::Plan;

/// In the order of [`Fault::ALL`].
#[must_use]
pub fn possible(plan: &Plan, catalogue: &Catalogue) -> Vec<Fault> {
    let simulated: Vec<&Entry> = catalogue.entries.iter().map(AsRef::as_ref).filter(|entry| !entry.real).collect();
    let any = |is: fn(&Entry) -> bool| simulated.iter().any(|entry| is(entry));
    let wire = any(is_wire);
    let flows = any(|entry| kind(entry) == Some("sse"));
    let numbers = !plan.signals.is_empty() || any(|entry| matches!(kind(entry), Some("signal" | "alerts")));
    let lines = any(|entry| matches!(entry.spec, Spec::Tail(_)));
    let has = |fault: Fault| match fault {
        Fault::Down | Fault::Slow | Fault::Flap | Fault::BadJson | Fault::WrongStatus | Fault::Reset => wire,
        Fault::Errors => wire || numbers || lines,
        Fault::Latency | Fault::ClockSkew => wire || numbers,
        Fault::CorsOpen => any(|entry| kind(entry) == Some("cors")),
        Fault::StreamStalls | Fault::StreamDrops | Fault::StreamNeverEnds => flows,
        Fault::CsrfRotates => any(|entry| is_wire(entry) && entry.session.is_some()),
        Fault::RollbackLies => !plan.rollbacks.is_empty(),
        Fault::NoData => numbers || lines,
        Fault::CounterReset => plan.signals.iter().any(|signal| signal.counter),
        Fault::StickyUsers => !plan.signals.is_empty(),
        // Of one thing each: `failing` lists them.
        Fault::Fail => false,
    };
    Fault::ALL.into_iter().map(|(fault, ..)| fault).filter(|fault| has(*fault)).collect()
}

/// The word of its kind, where a check is one.
fn kind(entry: &Entry) -> Option<&'static str> {
    if let Spec::Check(check) = &entry.spec { Some(check.kind().name) } else { None }
}

/// Whether it is asked over HTTP.
fn is_wire(entry: &Entry) -> bool {
    match &entry.spec {
        Spec::Check(check) => check.is_wire(),
        Spec::Step(step) => step.asks().is_some() || step.address().is_some(),
        Spec::Signal(asked) => asked.invoked().is_none(),
        Spec::Tail(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Source;
    use crate::plan::{Environment, Options, load};

    fn of(text: &str) -> Vec<Fault> {
        let head = "[plan]\nschema = 1\nid = 'p'\ntitle = 'P'\n[[phase]]\nid = 'a'\nat = 'T-1h'\n";
        let options = Options { rehearsal: true, ..Options::default() };
        let source = Source::new("plan.toml", format!("{head}{text}"));
        let loaded = load(source, &Environment::default(), &options).expect("sound");
        possible(&loaded.plan, &loaded.catalogue)
    }

    #[test]
    fn only_what_would_bend_something_is_offered() {
        assert_eq!(of("[[phase.item]]\nid = 'i'\nmanual = {}\n"), []);
        let http = of("[[phase.item]]\nid = 'i'\nhttp = { get = 'http://a.example/' }\n");
        assert!(http.contains(&Fault::Down) && http.contains(&Fault::Errors), "{http:?}");
        for fault in [Fault::CorsOpen, Fault::StreamStalls, Fault::RollbackLies, Fault::NoData, Fault::CsrfRotates] {
            assert!(!http.contains(&fault), "{fault}");
        }
        let program = of("[[phase.item]]\nid = 'i'\ncommand = { command = ['true'] }\n");
        assert_eq!(program, [], "no fault reaches a program");
    }

    #[test]
    fn the_bundled_launch_has_them_in_the_order_of_the_page() {
        let options = Options { rehearsal: true, ..Options::default() };
        let source = Source::new("omniai.toml", include_str!("../../config/omniai.toml"));
        let loaded = load(source, &Environment::of_process(), &options).expect("sound");
        let found = possible(&loaded.plan, &loaded.catalogue);
        assert!(found.is_sorted() && found.len() > 12, "{found:?}");
        for fault in [Fault::CorsOpen, Fault::StreamDrops, Fault::RollbackLies, Fault::CsrfRotates] {
            assert!(found.contains(&fault), "{fault}");
        }
    }
}
