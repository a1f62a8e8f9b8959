//! What the one thing answers that `fail:ID` makes fail: its plan's own example of a failure. A program or a step without
//! one exits 1, an HTTP check without one is answered 500; what else has none cannot be made to fail, and is not offered.

use serde_json::json;

use crate::base::template::Shape;
use crate::kind::example::{Answered, Examples};
use crate::kind::{Catalogue, Entry, Spec, check};
use crate::launch::id::ItemId;
use crate::launch::plan::{Act, DecidedBy, Plan};
use crate::launch::verdict::Verdict;

/// The answer under which `entry` fails; none where the plan shows no failure of it. Signals and streams have none: they
/// tell, and what is told is judged by others.
#[must_use]
pub(super) fn answer(entry: &Entry) -> Option<Answered> {
    let written = entry.examples.bad.iter().find(|(_, gives)| *gives == Verdict::Fail).map(|(bad, _)| bad.clone());
    match &entry.spec {
        Spec::Signal(_) | Spec::Tail(_) => None,
        Spec::Step(_) => {
            let told = written.unwrap_or_default();
            Some(Answered { exit: told.exit.or(Some(1)), ..told })
        }
        Spec::Check(check) => written.or_else(|| plain(check)),
    }
}

/// How a kind fails of which every failure looks alike.
fn plain(check: &check::Spec) -> Option<Answered> {
    match check {
        check::Spec::Command(_) => Some(Answered { exit: Some(1), ..Answered::default() }),
        check::Spec::Http(_) => {
            let json = Shape::Plain(json!({ "error": "simulated: it was made to fail" }));
            Some(Answered { status: Some(500), json: Some(json), ..Answered::default() })
        }
        _ => None,
    }
}

/// The examples of an entry with its failure in place of what is well.
#[must_use]
pub(super) fn examples(entry: &Entry) -> Option<Examples> {
    answer(entry).map(|answer| Examples { good: vec![answer], ..Examples::default() })
}

/// Whom `fail:ID` can be of, by their ids: what the target answers, in the order of the plan, then what the scripted crew
/// says.
#[must_use]
pub fn able(plan: &Plan, catalogue: &Catalogue) -> Vec<ItemId> {
    let control = plan.control.and_then(|control| catalogue.get(control));
    let told = catalogue.entries.iter().filter(|entry| !entry.real && answer(entry).is_some());
    let told = told.filter(|entry| control.is_none_or(|control| control.owner != entry.owner));
    let manual = |id: &&ItemId| plan.item(id).is_some_and(|item| matches!(item.act, Act::Manual { .. }));
    let people = plan.phases.iter().flat_map(|phase| &phase.items).filter(manual).cloned();
    let judged = plan.criteria.iter().filter(|criterion| matches!(criterion.by, DecidedBy::Person { .. }));
    let judged = judged.map(|criterion| ItemId::new(criterion.id.as_str()));
    told.map(|entry| entry.owner.clone()).chain(people).chain(judged).collect()
}
