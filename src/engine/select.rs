//! What of a plan `tminus gate` runs: the checks asked for, with everything they need before them. Steps
//! and people are left out, and so is what depends on them: each is named, none is passed over.

use std::collections::BTreeSet;

use crate::base::source::nearest;
use crate::launch::id::ItemId;
use crate::launch::plan::{Act, Item, Plan};

/// A plan with only the checks of a gate run, and what was left out of it with why.
#[derive(Debug, Clone)]
pub struct Selected {
    pub plan: Plan,
    pub left_out: Vec<(ItemId, String)>,
}

/// Picks the phases, items and slugs in `wanted`; nothing named means every gate before T-0.
///
/// # Errors
/// A name that is no phase and no item, with the nearest that is.
pub fn select(plan: &Plan, wanted: &[String]) -> Result<Selected, String> {
    let mut asked = BTreeSet::new();
    for name in wanted {
        let found: Vec<&Item> = plan
            .items
            .values()
            .filter(|item| item.phase.as_str() == name || item.id.as_str() == name || item.id.slug() == name)
            .collect();
        if found.is_empty() {
            let phases = plan.phases.iter().map(|phase| phase.id.as_str());
            let near = nearest(name, phases.chain(plan.items.keys().map(ItemId::slug)));
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("no phase or item is called `{name}`{near}"));
        }
        asked.extend(found.into_iter().map(|item| item.id.clone()));
    }
    if wanted.is_empty() {
        let gates = plan.phases.iter().filter(|phase| phase.gate && phase.at.0 > 0);
        asked.extend(gates.flat_map(|phase| phase.items.iter().cloned()));
    }
    Ok(keep(plan, &asked))
}

fn keep(plan: &Plan, asked: &BTreeSet<ItemId>) -> Selected {
    let mut all = BTreeSet::new();
    let mut open: Vec<ItemId> = asked.iter().cloned().collect();
    while let Some(id) = open.pop() {
        if let Some(item) = plan.item(&id).filter(|_| all.insert(id.clone())) {
            open.extend(item.needs.iter().cloned());
            open.extend(earlier_in_session(plan, item));
        }
    }
    let mut left_out: Vec<(ItemId, String)> = Vec::new();
    loop {
        let before = left_out.len();
        for id in &all {
            let Some(item) = plan.item(id).filter(|item| left_out.iter().all(|(out, _)| *out != item.id)) else {
                continue;
            };
            let needs_out = |id: &ItemId| left_out.iter().any(|(out, _)| out == id);
            let why = match item.act {
                // Nobody chooses in a gate run.
                _ if item.when.is_some() => {
                    item.when.as_ref().map(|when| format!("stands on a branch of {}", when.choice))
                }
                Act::Check(_) => {
                    let before = earlier_in_session(plan, item);
                    item.needs.iter().chain(&before).find(|id| needs_out(id)).map(|id| format!("needs {id}"))
                }
                Act::Step { .. } => Some("acts on the world".to_owned()),
                Act::Manual { .. } | Act::Choice { .. } | Act::Poll { .. } | Act::Signoff { .. } => {
                    Some("is for a person".to_owned())
                }
                Act::Wait { .. } | Act::Soak(_) => Some("is a matter of time".to_owned()),
            };
            left_out.extend(why.map(|why| (id.clone(), why)));
        }
        if left_out.len() == before {
            break;
        }
    }
    all.retain(|id| left_out.iter().all(|(out, _)| out != id));
    left_out.retain(|(id, _)| asked.contains(id));
    let mut plan = plan.clone();
    plan.items.retain(|id, _| all.contains(id));
    for phase in &mut plan.phases {
        phase.items.retain(|id| all.contains(id));
    }
    plan.phases.retain(|phase| !phase.items.is_empty());
    (plan.monitors, plan.streams, plan.baseline) = (Vec::new(), Vec::new(), Vec::new());
    Selected { plan, left_out }
}

fn earlier_in_session(plan: &Plan, item: &Item) -> Vec<ItemId> {
    let Some(session) = &item.session else { return Vec::new() };
    let order = plan.phases.iter().flat_map(|phase| &phase.items);
    let before = order.take_while(|id| **id != item.id);
    before.filter(|id| plan.item(id).is_some_and(|other| other.session.as_ref() == Some(session))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::id::SessionId;
    use crate::launch::samples;

    #[test]
    fn what_follows_a_left_out_item_in_its_session_is_left_out_too() {
        let mut plan = samples::plan();
        for id in ["health", "login", "chat"] {
            let item = plan.items.get_mut(&ItemId::new(id)).expect("there");
            item.session = Some(SessionId::new("smoke"));
        }
        // The first of the session needs a person.
        plan.items.get_mut(&ItemId::new("health")).expect("there").needs = vec!["attest".into()];
        let selected = select(&plan, &["chat".into()]).expect("known");
        assert!(selected.plan.items.is_empty(), "its cookies come from what does not run");
        assert_eq!(
            selected.left_out,
            [(ItemId::new("chat"), "needs login".to_owned())],
            "login needs health, which needs a person"
        );
    }

    #[test]
    fn a_name_brings_what_it_needs_and_a_wrong_one_says_the_nearest() {
        let plan = samples::plan();
        let selected = select(&plan, &["chat".into()]).expect("known");
        assert_eq!(selected.plan.items.keys().map(ItemId::as_str).collect::<Vec<_>>(), ["chat", "login"]);
        assert!(select(&plan, &["chta".into()]).expect_err("unknown").contains("did you mean `chat`?"));
    }
}
