//! Who acts at this console from now on: a role of the plan and the name of whoever holds it; or the
//! operator again.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_input::Input;

use super::field;
use crate::launch::event::Actor;
use crate::launch::people;
use crate::launch::plan;
use crate::ui::action::Action;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::{list, sheet};

/// Lines that are no role: the operator's, what is asked, the field, what is wrong, the keys.
const AROUND: usize = 5;

/// The dialog: a line for each role, the last one for the operator.
#[derive(Debug, Clone, Default)]
pub struct ActAs {
    pub selected: usize,
    pub input: Input,
    /// Why the last answer was not taken.
    pub wrong: Option<String>,
}

impl ActAs {
    /// How many lines there are to choose from.
    #[must_use]
    pub fn choices(view: &View<'_>) -> usize {
        view.plan().roles.len() + 1
    }

    fn role<'v>(&self, view: &View<'v>) -> Option<&'v plan::Role> {
        view.plan().roles.get(self.selected)
    }

    /// Writes the next of the role's people into the field.
    pub fn next_person(&mut self, view: &View<'_>) {
        let Some(people) = self.role(view).map(|role| &role.people).filter(|people| !people.is_empty()) else { return };
        let at = people.iter().position(|person| people::is_same(person, self.input.value()));
        let next = at.map_or(0, |at| (at + 1) % people.len());
        self.input = Input::new(people[next].clone());
        self.wrong = None;
    }

    /// Who acts then; none is whoever opened the console.
    ///
    /// # Errors
    /// The name is missing, nobody's, or not of the role's people.
    pub fn answer(&self, view: &View<'_>) -> Result<Option<Actor>, String> {
        let Some(role) = self.role(view) else { return Ok(None) };
        let name = self.input.value().trim();
        if name.is_empty() {
            return Err("type the name of whoever acts".into());
        }
        if !people::is_free(name) {
            return Err(format!("`{name}` is the launch's own: no person is called so"));
        }
        people::answers_to(view.plan(), &role.id, name).map_err(|refusal| refusal.0)?;
        Ok(Some(Actor::person(name, Some(role.id.clone()))))
    }
}

pub fn draw(dialog: &ActAs, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let roles = &view.plan().roles;
    let height = u16::try_from(roles.len() + AROUND + 3).unwrap_or(u16::MAX);
    let inner = sheet::sheet(sheet::middle(area, 76, height), "Act as", "", Role::Focus, view.theme, buf);
    let room = usize::from(inner.height).saturating_sub(AROUND).max(1);
    let seen = list::around(0, dialog.selected, ActAs::choices(view), room);
    sheet::window(inner, &seen, ActAs::choices(view), Role::Focus, view.theme, buf);
    let mut rows: Vec<Row<'_>> = Vec::new();
    for at in seen {
        let row = Row::new(view.theme);
        let row = match roles.get(at) {
            Some(role) => row
                .say(Role::Plain, format!(" {}", role.title))
                .right(Role::Muted, format!("{} ", role.people.join(", "))),
            None => row.say(Role::Plain, " whoever opened this console"),
        };
        rows.push(if at == dialog.selected { row.over(view.theme.selected(true)) } else { row });
    }
    let named = dialog.role(view).is_some();
    let row = Row::new(view.theme);
    rows.push(row.clone());
    let at = rows.len() + 1;
    rows.push(match (named, dialog.role(view).is_some_and(|role| !role.people.is_empty())) {
        (true, true) => {
            let key = view.keymap.label(Action::Choice).unwrap_or_default();
            row.clone()
                .say(Role::Plain, " Who acts:")
                .right(Role::Muted, format!("{key} takes the next of its people "))
        }
        (true, false) => row.clone().say(Role::Plain, " Who acts:"),
        _ => row.clone().say(Role::Plain, " What is done from here is the operator's again."),
    });
    rows.push(row.clone());
    rows.push(match &dialog.wrong {
        Some(wrong) => row.say(Role::Failed, format!(" {wrong}")),
        None => row,
    });
    rows.push(super::answers(view, "do it", "leave it"));
    sheet::rows(rows, inner, buf);
    if !named {
        return None;
    }
    let y = inner.y + u16::try_from(at).unwrap_or(0);
    let line = Rect { x: inner.x + 1, y, width: inner.width.saturating_sub(2), height: 1 };
    field(&dialog.input, "> ", view, line.intersection(inner), buf)
}
