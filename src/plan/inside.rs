//! What stands inside a step's own table: the checks that guard a `sequence` or verify a `traffic`, the steps of
//! a `sequence`, and the name it binds for them. The kind reads them; here is what the plan does with them
//! besides: examples, lint, names.

use toml::de::{DeTable, DeValue};

use super::reader::Inside;
use super::{effects, examples, lint};
use crate::base::source::Span;
use crate::base::table::{Placed, Table};
use crate::kind::{Kind, check, step};

/// Where checks stand in a kind's table.
const CHECKS: [(&str, &str); 2] = [("sequence", "guard"), ("traffic", "verify")];

/// The checks in the table of `kind`, in the order in which the kind tells them, with their examples read and
/// their programs looked at.
pub(super) fn checks(kind: Kind, table: &Table<'_>, called: &str) -> Vec<Inside> {
    let Some((_, key)) = CHECKS.into_iter().find(|(owner, _)| *owner == kind.name) else { return Vec::new() };
    let listed = |key: &str| table.any(key).map(|Placed { value, span }| owners(value, span)).unwrap_or_default();
    let own = listed(key).into_iter().map(|(entries, span)| one(table, key, entries, span, called));
    let own: Vec<Inside> = own.collect();
    // Those of the steps inside come after, in the order of the steps.
    let inside = ["steps", "undo"].into_iter().filter(|_| kind.name == "sequence").flat_map(|key| {
        listed(key).into_iter().flat_map(move |(entries, span)| of_step(table, key, entries, span, called))
    });
    own.into_iter().chain(inside).collect()
}

/// The checks of a step inside a sequence: what its answer is judged by, and those in its own table.
fn of_step(table: &Table<'_>, key: &str, entries: &DeTable<'_>, span: Span, called: &str) -> Vec<Inside> {
    let path = format!("{}.{key}]", table.path.trim_end_matches(']'));
    let owner = Table::new(path.as_str(), span, entries, table.notes());
    let found = step::KINDS.iter().find_map(|kind| match owner.any(kind.name) {
        Some(Placed { value: DeValue::Table(inner), span }) => Some((*kind, inner, span)),
        _ => None,
    });
    let Some((kind, inner, at)) = found else { return Vec::new() };
    let called = match owner.any("id") {
        Some(Placed { value: DeValue::String(id), .. }) => format!("`{id}` of {called}"),
        _ => format!("`{}` of {called}", kind.name),
    };
    if kind.name == "send" {
        effects::examples(&owner, kind);
        return vec![Inside { span: at, called, examples: examples::read(&owner) }];
    }
    checks(kind, &Table::new(path.as_str(), at, inner, table.notes()), &called)
}

fn one(table: &Table<'_>, key: &str, entries: &DeTable<'_>, span: Span, called: &str) -> Inside {
    let path = format!("{}.{key}]", table.path.trim_end_matches(']'));
    let owner = Table::new(path.as_str(), span, entries, table.notes());
    let examples = examples::read(&owner);
    for kind in check::KINDS {
        if let Some(Placed { value: DeValue::Table(inner), span }) = owner.any(kind.name) {
            lint::programs(*kind, &Table::new(path.as_str(), span, inner, table.notes()));
            effects::examples(&owner, *kind);
        }
    }
    let id = match owner.any("id") {
        Some(Placed { value: DeValue::String(id), .. }) => format!("{key} `{id}`"),
        _ => key.to_owned(),
    };
    Inside { span, called: format!("{id} of {called}"), examples }
}

/// The steps inside: each with its kind and its own table.
pub(super) fn steps<'d>(kind: Kind, table: &'d DeTable<'d>) -> Vec<(Kind, &'d DeTable<'d>)> {
    if kind.name != "sequence" {
        return Vec::new();
    }
    let all = ["steps", "undo"].into_iter().filter_map(|key| table.get(key));
    let owners = all.flat_map(|value| owners(value.get_ref(), value.span().into()));
    let inner = |(owner, _): (&'d DeTable<'d>, Span)| {
        let found = |kind: &Kind| owner.get(kind.name)?.get_ref().as_table().map(|table| (*kind, table));
        step::KINDS.iter().find_map(found)
    };
    owners.filter_map(inner).collect()
}

/// The name that a sequence gives each value.
pub(super) fn binds(kind: Kind, table: &Table<'_>) -> Vec<(String, Span)> {
    match table.any("for_each") {
        Some(Placed { value: DeValue::Table(entries), .. }) if kind.name == "sequence" => {
            entries.keys().map(|name| (name.get_ref().to_string(), name.span().into())).collect()
        }
        _ => Vec::new(),
    }
}

/// A list of tables, or one.
fn owners<'d>(value: &'d DeValue<'d>, span: Span) -> Vec<(&'d DeTable<'d>, Span)> {
    match value {
        DeValue::Table(one) => vec![(one, span)],
        DeValue::Array(all) => {
            all.iter().filter_map(|value| Some((value.get_ref().as_table()?, value.span().into()))).collect()
        }
        _ => Vec::new(),
    }
}
