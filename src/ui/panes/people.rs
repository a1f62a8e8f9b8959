//! The table of a poll or a sign-off in the detail: role, name, what was said, when.

use crate::launch::ballot;
use crate::launch::id::RoleId;
use crate::launch::plan::{Act, Item};
use crate::launch::signoff;
use crate::launch::telling::vote_words;
use crate::launch::time::Wall;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::{Row, wrap};

/// The rows of an item that several roles decide; none of another.
#[must_use]
pub fn rows<'v>(item: &Item, view: &View<'v>, width: usize) -> Vec<Row<'v>> {
    match &item.act {
        Act::Signoff { roles } => signatures(item, roles, view, width),
        Act::Poll { roles, .. } => votes(item, roles, view, width),
        _ => Vec::new(),
    }
}

fn title(view: &View<'_>, role: &RoleId) -> String {
    view.plan().role(role).map_or_else(|| role.to_string(), |role| role.title.clone())
}

/// `2026-05-04 14:03`, in the launch's zone.
fn date(view: &View<'_>, at: Wall) -> String {
    at.with_timezone(&view.offset).format("%Y-%m-%d %H:%M").to_string()
}

fn named(by: &crate::launch::event::Actor) -> String {
    if by.scripted { format!("{} (scripted)", by.name) } else { by.name.clone() }
}

fn signatures<'v>(item: &Item, roles: &[RoleId], view: &View<'v>, width: usize) -> Vec<Row<'v>> {
    let row = || Row::new(view.theme);
    let glyphs = view.theme.glyphs;
    let signed = signoff::signatures(view.board(), &item.id);
    let half = width / 2;
    let head = row().say(Role::Muted, "  role").tab(half).say(Role::Muted, "signed by").right(Role::Muted, "date");
    let mut rows = vec![head];
    for role in roles {
        let title = title(view, role);
        let Some(signature) = signed.get(role) else {
            let open = row().say(Role::Muted, format!("{} ", glyphs.waiting)).say(Role::Plain, title);
            rows.push(open.at_most(half.saturating_sub(1)).tab(half).say(Role::Muted, "not signed"));
            continue;
        };
        let line = row().say(Role::Passed, format!("{} ", glyphs.pass)).say(Role::Plain, title);
        let line = line.at_most(half.saturating_sub(1)).tab(half).say(Role::Plain, named(&signature.by));
        rows.push(line.right(Role::Muted, date(view, signature.at)));
        let lines = wrap(&signature.note, width.saturating_sub(2));
        rows.extend(lines.iter().map(|line| row().say(Role::Muted, format!("  {line}"))));
    }
    rows
}

fn votes<'v>(item: &Item, roles: &[RoleId], view: &View<'v>, width: usize) -> Vec<Row<'v>> {
    let row = || Row::new(view.theme);
    let votes = ballot::votes(view.board(), Some(&item.id));
    let mut rows = Vec::new();
    for role in roles {
        let name = row().say(Role::Plain, title(view, role)).at_most((width / 3).saturating_sub(1)).tab(width / 3);
        rows.push(match votes.get(role) {
            Some(ballot) => {
                let said = format!("{} · {}", vote_words(&ballot.vote), named(&ballot.by));
                name.say(Role::Plain, said).right(Role::Muted, date(view, ballot.at))
            }
            None => name.say(Role::Muted, "silent"),
        });
    }
    rows
}
