//! Every kind an item can have: the catalogue's checks and steps, and those that need no table of
//! their own elsewhere: what people do, `wait` and `soak`. Finds the one kind table of an item.

use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::kind::{Kind, check, step};
use toml::de::DeValue;

pub const MANUAL: Kind = Kind {
    name: "manual",
    family: "human",
    line: "a person of a role attests, with a note, that it is so",
    example: "role = \"scribe\"\n",
};

pub const WAIT: Kind = Kind {
    name: "wait",
    family: "time",
    line: "passes once this much launch time has gone by since it was opened",
    example: "for = \"10m\"\n",
};

pub const SOAK: Kind = Kind {
    name: "soak",
    family: "time",
    line: "objectives hold for a continuous time; what nobody knew earns nothing, and a breach begins it anew",
    example: "objectives = [\"errors\"]\nfor = \"48h\"\nmax_gap = \"5m\"\ndeadline = \"72h\"\n",
};

pub const POLL: Kind = Kind {
    name: "poll",
    family: "human",
    line: "roles vote GO or NO-GO once more, beside the criteria of a stage",
    example: "stage = \"observed\"\nroles = [\"scribe\"]\n",
};

pub const SIGNOFF: Kind = Kind {
    name: "signoff",
    family: "human",
    line: "each of these roles puts its name under it",
    example: "roles = [\"scribe\"]\n",
};

pub const CHOICE: Kind = Kind {
    name: "choice",
    family: "human",
    line: "a person of a role selects a branch, with a reason; what stands on the others is skipped",
    example: "role = \"scribe\"\noptions = [{ id = \"named\", title = \"Named tunnel\" }, { id = \"ephemeral\" }]\n",
};

/// Every kind this version runs, in the order of the reference page.
pub fn all() -> impl Iterator<Item = Kind> {
    check::KINDS.iter().chain(step::KINDS).copied().chain([MANUAL, CHOICE, POLL, SIGNOFF, WAIT, SOAK])
}

/// The one kind table of `owner`, of the kinds in `fit`. Reports where there is none, or more.
pub(super) fn one<'a>(owner: &Table<'a>, fit: &[Kind]) -> Option<(Kind, Table<'a>)> {
    let there: Vec<Kind> = fit.iter().copied().filter(|kind| owner.has(kind.name)).collect();
    let place = |kind: Kind| owner.keys().into_iter().find(|(key, _)| *key == kind.name).map(|(_, span)| span);
    match there.as_slice() {
        [] => {
            report_none(owner, fit);
            None
        }
        [kind] => {
            let example = kind.example.lines().next().unwrap_or_default();
            Some((*kind, owner.table_like(kind.name, &format!("{} = {{ {example} }}", kind.name))?))
        }
        [first, second, ..] => {
            let message = format!("{} is `{}` and `{}` at once: one kind each", owner.path, first.name, second.name);
            let wrong = Diagnostic::error("two-kinds", place(*second).unwrap_or(owner.span), message);
            owner.notes().report(match place(*first) {
                Some(also) => wrong.label("the second kind").also(also, "the first"),
                None => wrong,
            });
            None
        }
    }
}

/// A table under a key that is no common field was meant as a kind: that is said, not that one is missing.
fn report_none(owner: &Table<'_>, fit: &[Kind]) {
    let known = fit.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    let mut meant = false;
    for (key, span) in owner.keys() {
        let is_table = matches!(owner.any(key), Some(Placed { value: DeValue::Table(_), .. }));
        if !is_table || COMMON.contains(&key) {
            continue;
        }
        meant = true;
        owner.accept(key);
        owner.notes().report(misnamed(owner, key, span, fit, &known));
    }
    if !meant {
        let message = format!("{} has no kind: what does it do?", owner.path);
        let wrong = Diagnostic::error("no-kind", owner.span, message).label("add one table of a kind");
        owner.notes().report(wrong.help(format!("one of {known}")));
    }
}

fn misnamed(owner: &Table<'_>, key: &str, span: Span, fit: &[Kind], known: &str) -> Diagnostic {
    if all().any(|kind| kind.name == key) {
        return Diagnostic::error("wrong-kind", span, format!("`{key}` cannot stand in {}", owner.path))
            .label("not a kind that fits here")
            .help(format!("one of {known}"));
    }
    let wrong = Diagnostic::error("unknown-kind", span, format!("unknown kind `{key}` in {}", owner.path));
    let label = match nearest(key, fit.iter().map(|kind| kind.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "not a kind".to_owned(),
    };
    wrong.label(label).help(format!("one of {known}"))
}

/// Common fields that are tables themselves.
const COMMON: [&str; 4] = ["example", "for_each", "evidence", "when"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_kinds_share_a_name() {
        let mut names: Vec<_> = all().map(|kind| kind.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
