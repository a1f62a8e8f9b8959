//! What must come before what: `needs` of items resolved to their copies, and rings found. Items of one
//! session follow each other, and what a gate holds back follows the gate, so both count.

use std::collections::{BTreeMap, BTreeSet};

use super::items::Draft;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Notes, Placed};
use crate::base::text::printable;
use crate::launch::id::ItemId;
use crate::launch::plan::Plan;

/// Resolves every item's `needs` and reports unknown ones and rings.
pub(super) fn resolve(plan: &mut Plan, drafts: &[Draft], notes: &Notes) {
    let by_slug: BTreeMap<&str, usize> =
        drafts.iter().enumerate().map(|(index, draft)| (draft.slug.value.as_str(), index)).collect();
    let phases: BTreeMap<String, usize> =
        plan.phases.iter().enumerate().map(|(index, phase)| (phase.id.as_str().to_owned(), index)).collect();
    for draft in drafts {
        for need in &draft.needs {
            if let Some(&other) = by_slug.get(need.value.as_str()) {
                link(plan, draft, &drafts[other]);
            } else if let Some(&phase) = phases.get(need.value.as_str()) {
                let items = plan.phases[phase].items.clone();
                for (_, id) in &draft.copies {
                    add(plan, id, items.iter());
                }
            } else {
                let known = by_slug.keys().copied().chain(phases.keys().map(String::as_str));
                notes.report(unknown(need, known));
            }
        }
    }
    Graph::of(plan, drafts, &by_slug, &phases).report_rings(notes);
}

/// Copies for the same value of the same list follow each other; else each copy needs all.
fn link(plan: &mut Plan, draft: &Draft, other: &Draft) {
    let paired = draft.repeats.is_some() && draft.repeats == other.repeats;
    for (key, id) in &draft.copies {
        let same = other.copies.iter().filter(|(theirs, _)| paired && theirs == key).map(|(_, id)| id);
        let found: Vec<&ItemId> = same.collect();
        if found.is_empty() {
            add(plan, id, other.copies.iter().map(|(_, id)| id));
        } else {
            add(plan, id, found.into_iter());
        }
    }
}

fn add<'i>(plan: &mut Plan, id: &ItemId, needed: impl Iterator<Item = &'i ItemId>) {
    if let Some(item) = plan.items.get_mut(id) {
        for other in needed {
            if !item.needs.contains(other) {
                item.needs.push(other.clone());
            }
        }
    }
}

fn unknown<'n>(need: &Placed<String>, known: impl Iterator<Item = &'n str>) -> Diagnostic {
    let message = format!("there is no item or phase `{}`", printable(&need.value));
    let wrong = Diagnostic::error("unknown-need", need.span, message);
    match nearest(&need.value, known) {
        Some(near) => wrong.label(format!("did you mean `{near}`?")),
        None => wrong.label("not in this plan"),
    }
}

/// Why one node waits for another.
#[derive(Debug, Clone, Copy)]
struct Edge {
    to: usize,
    /// Where the plan says so; none where it follows from a session or a gate.
    span: Option<Span>,
}

/// Items by their drafts, then the opening of each phase, then its end.
struct Graph {
    names: Vec<String>,
    places: Vec<Span>,
    edges: Vec<Vec<Edge>>,
}

impl Graph {
    fn of(plan: &Plan, drafts: &[Draft], by_slug: &BTreeMap<&str, usize>, phases: &BTreeMap<String, usize>) -> Self {
        let (items, count) = (drafts.len(), plan.phases.len());
        let (opens, ends) = (|phase: usize| items + phase, |phase: usize| items + count + phase);
        let mut edges: Vec<Vec<Edge>> = vec![Vec::new(); items + 2 * count];
        let mut last_of_session: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, draft) in drafts.iter().enumerate() {
            for need in &draft.needs {
                let other = by_slug.get(need.value.as_str()).copied();
                let to = other.or_else(|| phases.get(&need.value).map(|phase| ends(*phase)));
                edges[index].extend(to.map(|to| Edge { to, span: Some(need.span) }));
            }
            // What stands on a branch waits for its choice.
            if let Some(when) = &draft.when {
                let to = by_slug.get(when.choice.value.as_str()).copied();
                edges[index].extend(to.map(|to| Edge { to, span: Some(when.choice.span) }));
            }
            if draft.phase < count {
                edges[index].push(Edge { to: opens(draft.phase), span: None });
                edges[ends(draft.phase)].push(Edge { to: index, span: None });
            }
            if let Some(before) = draft.session.and_then(|session| last_of_session.insert(session, index)) {
                edges[index].push(Edge { to: before, span: None });
            }
        }
        for (index, phase) in plan.phases.iter().enumerate() {
            edges[ends(index)].push(Edge { to: opens(index), span: None });
            for need in &phase.needs {
                let to = phases.get(need.as_str()).map(|needed| ends(*needed));
                edges[opens(index)].extend(to.map(|to| Edge { to, span: None }));
            }
            if let Some(before) = index.checked_sub(1).filter(|before| plan.phases[*before].gate) {
                edges[opens(index)].push(Edge { to: ends(before), span: None });
            }
        }
        let items = drafts.iter().map(|draft| draft.slug.value.clone());
        let phase_names = || plan.phases.iter().map(|phase| phase.id.as_str().to_owned());
        let names = items.chain(phase_names()).chain(phase_names()).collect();
        let places = drafts.iter().map(|draft| draft.slug.span).collect();
        Self { names, places, edges }
    }

    /// Walks depth first without recursion; every ring is reported once, by the walk that closes it.
    fn report_rings(&self, notes: &Notes) {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            Never,
            Open,
            Done,
        }
        let mut seen = vec![Seen::Never; self.edges.len()];
        for start in 0..self.edges.len() {
            if seen[start] != Seen::Never {
                continue;
            }
            seen[start] = Seen::Open;
            let mut path: Vec<(usize, usize)> = vec![(start, 0)];
            while let Some((node, next)) = path.last_mut() {
                let Some(edge) = self.edges[*node].get(*next) else {
                    seen[*node] = Seen::Done;
                    path.pop();
                    continue;
                };
                *next += 1;
                match seen[edge.to] {
                    Seen::Never => {
                        seen[edge.to] = Seen::Open;
                        path.push((edge.to, 0));
                    }
                    Seen::Open => self.report_ring(&path, edge.to, notes),
                    Seen::Done => {}
                }
            }
        }
    }

    fn report_ring(&self, path: &[(usize, usize)], back_to: usize, notes: &Notes) {
        let ring: Vec<(usize, Edge)> = path
            .iter()
            .skip_while(|(node, _)| *node != back_to)
            .filter_map(|(node, next)| Some((*node, *self.edges[*node].get(next.checked_sub(1)?)?)))
            .collect();
        let mut names: Vec<&str> = ring.iter().map(|(node, _)| self.names[*node].as_str()).collect();
        names.dedup();
        names.extend(names.first().copied());
        let mut shown = BTreeSet::new();
        let said: Vec<(Span, usize)> = ring
            .iter()
            .filter_map(|(_, edge)| Some((edge.span?, edge.to)))
            .filter(|(at, _)| shown.insert(*at))
            .collect();
        let chain = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" needs ");
        let place = |node: usize| self.places.get(node).copied();
        let first = said.first().map(|(span, _)| *span).or_else(|| ring.iter().find_map(|(node, _)| place(*node)));
        let wrong = Diagnostic::error("ring", first.unwrap_or_default(), format!("a ring: {chain}"));
        let wrong = wrong.label("waits for what waits for it");
        let wrong = match said.get(1) {
            Some((span, _)) => wrong.also(*span, "and here"),
            None => wrong.help("items of one session follow each other, and phases follow a gate before them"),
        };
        notes.report(wrong);
    }
}
