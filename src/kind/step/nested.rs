//! Checks and steps that stand inside a step's own table: an owner with the table of exactly one kind. One
//! level deep: what stands inside holds no others.

use std::time::Duration;

use toml::de::DeValue;

use super::Spec;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::kind::{Kind, check};

/// The steps that may stand in another.
pub const STEPS: [&str; 3] = ["run", "send", "traffic"];

/// Of one look.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A program takes longer than a request.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(60);

/// How long one look of `check` may take: what it asks for itself, and what any look may, of which there is no more
/// than `left`.
#[must_use]
pub fn timeout(check: &check::Spec, left: Duration) -> Duration {
    let any = if check.invoked().is_some() { PROGRAM_TIMEOUT } else { TIMEOUT };
    any.min(left).saturating_add(check.lasts().unwrap_or_default())
}

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
            none(owner, &fit);
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

/// What was meant as a kind is told at its own place.
fn none(owner: &Table<'_>, fit: &[Kind]) {
    let known = format!("one of {}", fit.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", "));
    let is_table = |key: &str| matches!(owner.any(key), Some(Placed { value: DeValue::Table(_), .. }));
    let meant = owner.keys().into_iter().find(|(key, _)| *key != "example" && is_table(key));
    let wrong = match meant {
        None => {
            let message = format!("{} has no kind: what does it do?", owner.path);
            Diagnostic::error("no-kind", owner.span, message).label("add one table of a kind")
        }
        Some((key, span)) => {
            owner.accept(key);
            let is_kind = check::KINDS.iter().chain(super::KINDS).any(|kind| kind.name == key);
            match nearest(key, fit.iter().map(|kind| kind.name)) {
                _ if is_kind => {
                    Diagnostic::error("wrong-kind", span, format!("`{key}` cannot stand in {}", owner.path))
                        .label("not a kind that fits here")
                }
                Some(near) => unknown(owner, key, span).label(format!("did you mean `{near}`?")),
                None => unknown(owner, key, span).label("not a kind"),
            }
        }
    };
    owner.notes().report(wrong.help(known));
}

fn unknown(owner: &Table<'_>, key: &str, span: Span) -> Diagnostic {
    Diagnostic::error("unknown-kind", span, format!("unknown kind `{key}` in {}", owner.path))
}
