//! `choice` items and `when`: which items stand on which branch. A branch that cannot be chosen, or is chosen
//! after what stands on it, is a mistake of the plan.

use std::collections::BTreeMap;

use super::items::Draft;
use super::reader::{Reader, shown};
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Notes, Placed, Table};
use crate::base::text::printable;
use crate::launch::id::ItemId;
use crate::launch::plan::{Act, Branch, Plan, When};

/// A `when` as written.
#[derive(Debug, Clone)]
pub(super) struct Branched {
    pub choice: Placed<String>,
    is: Vec<Placed<String>>,
}

/// What a branch is called in the file.
fn is_branch(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    id.len() <= 64 && id.starts_with(|first: char| first.is_ascii_alphanumeric()) && id.chars().all(fits)
}

impl<'a> Reader<'a> {
    /// `[phase.item.choice]`: a role, and at least two options.
    pub(super) fn read_choice(&self, item: &Table<'a>) -> Option<Act> {
        let choice = item.table("choice")?;
        let role = self.role_of(&choice);
        if !choice.has("options") {
            choice.missing("options", "`options = [{ id = \"named\" }, { id = \"ephemeral\" }]`");
        }
        let mut options: Vec<Branch> = Vec::new();
        let (tables, mut first) = (choice.tables("options"), BTreeMap::new());
        let few = tables.len() < 2 && choice.has("options");
        for option in tables {
            let id = option.need_text("id", "`id = \"named\"`");
            let title = option.text("title").map(|text| shown(&text));
            option.finish();
            let Some(id) = id else { continue };
            if !is_branch(&id.value) {
                let message =
                    format!("`{}` is no id: letters, digits, `-`, `_` and `.`, at most 64", printable(&id.value));
                choice.wrong_value(id.span, message);
            } else if let Some(before) = first.insert(id.value.clone(), id.span) {
                let wrong =
                    Diagnostic::error("duplicate-id", id.span, format!("`{}` is the id of two options", id.value));
                self.notes.report(wrong.label("again here").also(before, "first here"));
            } else {
                let title = title.unwrap_or_else(|| id.value.clone());
                options.push(Branch { id: id.value, title });
            }
        }
        if few {
            let span = choice.any("options").map_or(choice.span, |placed| placed.span);
            choice.wrong_value(span, "a choice between fewer than two options is none");
        }
        choice.finish();
        if let Some((_, span)) = item.keys().into_iter().find(|(key, _)| *key == "for_each") {
            self.notes.report(
                Diagnostic::error(
                    "wrong-key",
                    span,
                    "`for_each` on `choice`: which of its copies would select the branch?",
                )
                .label("a choice is made once"),
            );
        }
        Some(Act::Choice { options, role })
    }

    /// `when = { choice = "tunnel-mode", is = "named" }` of an item or a phase.
    pub(super) fn read_when(&self, owner: &Table<'a>) -> Option<Branched> {
        let when = owner.table("when")?;
        let choice = when.need_text("choice", "`choice = \"tunnel-mode\"`");
        if !when.has("is") {
            when.missing("is", "`is = \"named\"`");
        }
        let is = when.texts("is");
        if is.is_empty() && when.has("is") {
            let span = when.any("is").map_or(when.span, |placed| placed.span);
            when.wrong_value(span, "`is` names no branch: nothing could ever run here");
        }
        when.finish();
        choice.map(|choice| Branched { choice, is })
    }
}

/// Puts every item on its branch, and reports branches that are none.
pub(super) fn resolve(plan: &mut Plan, drafts: &[Draft], notes: &Notes) {
    let by_slug: BTreeMap<&str, &Draft> = drafts.iter().map(|draft| (draft.slug.value.as_str(), draft)).collect();
    let mut told: Vec<Span> = Vec::new();
    for draft in drafts {
        let Some(when) = &draft.when else { continue };
        let Some(found) = branch(plan, when, &by_slug) else {
            // A phase's is met by each of its items.
            if !told.contains(&when.choice.span) {
                told.push(when.choice.span);
                unsound(plan, when, drafts, &by_slug).into_iter().for_each(|wrong| notes.report(wrong));
            }
            continue;
        };
        late(plan, draft, when, &found).into_iter().for_each(|wrong| notes.report(wrong));
        for (_, id) in &draft.copies {
            if let Some(item) = plan.items.get_mut(id) {
                item.when = Some(found.clone());
            }
        }
    }
    // Where both the phase and its item say so, one is not to be passed over in silence.
    for draft in drafts.iter().filter(|draft| draft.when.is_some()) {
        let Some(outer) = &draft.phase_when else { continue };
        let mut at = draft.when.as_ref().map(|when| when.choice.value.clone());
        let mut left = drafts.len();
        while let Some(slug) = at.take().filter(|_| left > 0) {
            left -= 1;
            let choice = by_slug.get(slug.as_str());
            let on_it = choice.and_then(|choice| choice.when.as_ref()).map(|when| when.choice.value.clone());
            match on_it {
                Some(next) if next == outer.choice.value => break,
                Some(next) => at = Some(next),
                None if choice.is_none() => {}
                None => {
                    let when = draft.when.as_ref().map_or(draft.slug.span, |when| when.choice.span);
                    let message =
                        format!("item `{}` stands on two branches: its own and its phase's", draft.slug.value);
                    let wrong = Diagnostic::error("two-branches", when, message).label("its own");
                    let help = format!("put the choice `{slug}` on the phase's branch too: then it says both");
                    notes.report(wrong.also(outer.choice.span, "its phase's").help(help));
                }
            }
        }
    }
}

fn options<'p>(plan: &'p Plan, id: &str) -> Option<&'p [Branch]> {
    match &plan.item(&ItemId::new(id))?.act {
        Act::Choice { options, .. } => Some(options),
        _ => None,
    }
}

/// The branch that `when` names, where there is such.
fn branch(plan: &Plan, when: &Branched, by_slug: &BTreeMap<&str, &Draft>) -> Option<When> {
    let options = by_slug.get(when.choice.value.as_str()).and_then(|_| options(plan, &when.choice.value))?;
    let sound = when.is.iter().all(|is| options.iter().any(|option| option.id == is.value)) && !when.is.is_empty();
    let is = when.is.iter().map(|is| is.value.clone()).collect();
    sound.then(|| When { choice: ItemId::new(&when.choice.value), is })
}

fn unsound(plan: &Plan, when: &Branched, drafts: &[Draft], by_slug: &BTreeMap<&str, &Draft>) -> Vec<Diagnostic> {
    let asked = &when.choice;
    let name = printable(&asked.value);
    let choices = || drafts.iter().map(|draft| draft.slug.value.as_str()).filter(|slug| options(plan, slug).is_some());
    let near = |wrong: Diagnostic, near: Option<&str>, none: &str| match near {
        Some(near) => wrong.label(format!("did you mean `{near}`?")),
        None => wrong.label(none.to_owned()),
    };
    let Some(options) = options(plan, &asked.value) else {
        let message = match by_slug.contains_key(asked.value.as_str()) {
            true => format!("item `{name}` is no choice"),
            false => format!("there is no choice `{name}`"),
        };
        let wrong = Diagnostic::error("unknown-choice", asked.span, message);
        return vec![near(wrong, nearest(&asked.value, choices()), "not a choice of this plan")];
    };
    let ids = || options.iter().map(|option| option.id.as_str());
    let known = ids().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let unknown = when.is.iter().filter(|is| !ids().any(|id| id == is.value));
    unknown
        .map(|is| {
            let message = format!("choice `{name}` has no option `{}`", printable(&is.value));
            let wrong = Diagnostic::error("unknown-option", is.span, message);
            near(wrong, nearest(&is.value, ids()), "not one of its options").help(format!("one of {known}"))
        })
        .collect()
}

/// What stands on a branch cannot be due before the choice is.
fn late(plan: &Plan, draft: &Draft, when: &Branched, found: &When) -> Option<Diagnostic> {
    let choice = plan.item(&found.choice)?;
    let item = draft.copies.iter().find_map(|(_, id)| plan.item(id))?;
    (choice.at < item.at).then(|| {
        let message = format!("item `{}` at {} stands on a choice at {}", draft.slug.value, item.at, choice.at);
        Diagnostic::error("wrong-order", when.choice.span, message)
            .label("chosen after it is due")
            .help("give the choice an earlier mark")
    })
}
