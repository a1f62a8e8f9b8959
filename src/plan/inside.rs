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
    let Some(Placed { value, span }) = table.any(key) else { return Vec::new() };
    owners(value, span).into_iter().map(|(entries, span)| one(table, key, entries, span, called)).collect()
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
