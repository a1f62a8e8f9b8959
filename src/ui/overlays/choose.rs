//! The branches of a choice, of which one is selected while its reason is typed.

use crate::launch::id::ItemId;
use crate::launch::plan::{Act, Branch};
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::list::around;
use crate::ui::widgets::row::Row;

/// Branches seen at once.
const ROWS: usize = 8;

/// The branches of `item`; none where it is no choice.
#[must_use]
pub fn options<'v>(item: &ItemId, view: &View<'v>) -> &'v [Branch] {
    match view.plan().item(item).map(|item| &item.act) {
        Some(Act::Choice { options, .. }) => options,
        _ => &[],
    }
}

/// Where the present branch stands among them.
#[must_use]
pub fn present(item: &ItemId, view: &View<'_>) -> Option<usize> {
    let made = view.board().item(item)?.chosen.as_ref()?;
    options(item, view).iter().position(|branch| branch.id == made.option)
}

/// One line a branch, and what the keys do; in `most` lines.
#[must_use]
pub fn rows<'v>(item: &ItemId, selected: usize, (keys, most): (&str, usize), view: &View<'v>) -> Vec<Row<'v>> {
    let (options, present) = (options(item, view), present(item, view));
    let seen = around(0, selected, options.len(), ROWS.min(most.saturating_sub(1)).max(1));
    let mut rows: Vec<Row<'v>> = seen
        .map(|at| {
            let branch = &options[at];
            let row = Row::new(view.theme)
                .say(Role::Title, format!(" {}", branch.id))
                .say(Role::Plain, format!("  {} ", branch.title));
            let row = if present == Some(at) { row.right(Role::Passed, "chosen ") } else { row };
            if at == selected { row.over(view.theme.selected(true)) } else { row }
        })
        .collect();
    rows.push(
        Row::new(view.theme)
            .say(Role::Muted, format!(" {} of {}", selected + 1, options.len()))
            .right(Role::Muted, keys),
    );
    rows
}
