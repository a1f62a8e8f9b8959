//! Checks and steps that stand inside a step's own table: an owner with the table of exactly one kind. One
//! level deep: what stands inside holds no others.

use super::Spec;
use crate::base::source::{Diagnostic, nearest};
use crate::base::table::Table;
use crate::kind::{Kind, check};

/// The steps that may stand in another.
pub const STEPS: [&str; 3] = ["run", "send", "traffic"];

/// The check of `owner`.
pub fn check(owner: &Table<'_>) -> Option<check::Spec> {
    let (kind, table) = one(owner, check::KINDS.iter().copied())?;
    let spec = check::Spec::read(kind.name, &table);
    table.finish();
    spec
}

/// The step of `owner`, of the kinds that may stand in another step.
pub fn step(owner: &Table<'_>) -> Option<Spec> {
    let fit = super::KINDS.iter().copied().filter(|kind| STEPS.contains(&kind.name));
    let (kind, table) = one(owner, fit)?;
    let spec = Spec::read(kind.name, &table);
    table.finish();
    spec
}

fn one<'a>(owner: &Table<'a>, fit: impl Iterator<Item = Kind>) -> Option<(Kind, Table<'a>)> {
    let fit: Vec<Kind> = fit.collect();
    let there: Vec<Kind> = fit.iter().copied().filter(|kind| owner.has(kind.name)).collect();
    match there.as_slice() {
        [kind] => Some((*kind, owner.table(kind.name)?)),
        [] => {
            let known = fit.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
            let message = format!("{} has no kind that can stand here: what does it do?", owner.path);
            let wrong = Diagnostic::error("no-kind", owner.span, message).help(format!("one of {known}"));
            let near = owner.keys().into_iter().find_map(|(key, _)| nearest(key, fit.iter().map(|kind| kind.name)));
            owner.notes().report(match near {
                Some(near) => wrong.label(format!("did you mean `{near}`?")),
                None => wrong.label("add one table of a kind"),
            });
            None
        }
        [first, second, ..] => {
            let span = owner.keys().into_iter().find(|(key, _)| *key == second.name).map_or(owner.span, |(_, at)| at);
            let message = format!("{} is `{}` and `{}` at once: one kind each", owner.path, first.name, second.name);
            owner.notes().report(Diagnostic::error("two-kinds", span, message).label("the second kind"));
            None
        }
    }
}
