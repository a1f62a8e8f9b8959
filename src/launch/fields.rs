//! What a person types before a step begins: the values that a message is sent with. Typed one by one, each a
//! record of its own, so that a console that dies between two loses none. They count for one attempt.

use super::board::Board;
use super::command::Refusal;
use super::event::Event;
use super::id::ItemId;
use super::item::ItemState;
use super::plan::{Item, Plan};

/// Characters of a value.
pub const LONGEST: usize = 2_000;

/// What `item` asks for, in the order of the plan.
#[must_use]
pub fn asked<'p>(plan: &'p Plan, item: &ItemId) -> &'p [String] {
    plan.fields.get(item).map_or(&[], Vec::as_slice)
}

/// The first field that is still to be typed.
#[must_use]
pub fn missing<'p>(plan: &'p Plan, item: &ItemId, state: &ItemState) -> Option<&'p str> {
    asked(plan, item).iter().find(|field| !state.fields.contains_key(*field)).map(String::as_str)
}

/// The field to type once `field` is, of those that are still to be typed.
#[must_use]
pub fn after<'p>(plan: &'p Plan, item: &ItemId, field: &str, state: Option<&ItemState>) -> Option<&'p str> {
    let typed = |asked: &String| state.is_some_and(|state| state.fields.contains_key(asked));
    let mut left = asked(plan, item).iter().filter(|asked| *asked != field && !typed(asked));
    left.next().map(String::as_str)
}

/// Whether everything is typed that a step's next attempt needs.
///
/// # Errors
/// What is missing.
pub(super) fn filled(plan: &Plan, item: &ItemId, state: &ItemState) -> Result<(), Refusal> {
    match missing(plan, item, state) {
        Some(field) => Err(Refusal(format!("{item} asks for `{field}`: type it first"))),
        None => Ok(()),
    }
}

/// Takes a value for the next attempt.
///
/// # Errors
/// There is no such field, nothing in it or too much, or the attempt runs.
pub(super) fn fill(board: &Board, item: &Item, field: &str, value: &str) -> Result<Event, Refusal> {
    if !asked(&board.plan, &item.id).iter().any(|asked| asked == field) {
        return Err(Refusal(format!("{} asks for no `{field}`", item.id)));
    }
    if board.item(&item.id).is_some_and(ItemState::is_running) {
        return Err(Refusal(format!("{} is running", item.id)));
    }
    let value = value.trim();
    if value.is_empty() {
        return Err(Refusal(format!("`{field}` is empty: say it, or that there is none")));
    }
    if value.chars().count() > LONGEST {
        return Err(Refusal(format!("`{field}` is longer than {LONGEST} characters")));
    }
    Ok(Event::FieldFilled { item: item.id.clone(), field: field.to_owned(), value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::command::{Command, Input, Observation};
    use super::super::event::{Actor, Event};
    use super::super::id::Attempt;
    use super::super::plan::{Act, Class, Confirm, Second, SpecId};
    use super::super::samples::{Flight, plan};
    use super::super::verdict::{Outcome, Verdict};
    use super::*;

    fn flight() -> Flight {
        let mut plan = plan();
        plan.fields.insert("health".into(), vec!["impact".to_owned(), "eta".to_owned()]);
        let (spec, class, confirm) = (SpecId(3), Class::Idempotent, Confirm::Key);
        let step = Act::Step { spec, class, confirm, second: Second::None };
        plan.items.get_mut(&"health".into()).expect("there").act = step;
        Flight::of(plan)
    }

    fn command(flight: &mut Flight, command: Command) -> Result<(), String> {
        flight.input(&Input::Command { by: Actor::person("ana", None), command })
    }

    fn fill(flight: &mut Flight, field: &str, value: &str) -> Result<(), String> {
        command(flight, Command::Fill { item: "health".into(), field: field.into(), value: value.into() })
    }

    fn run(flight: &mut Flight) -> Result<(), String> {
        command(flight, Command::RunItem { item: "health".into() })
    }

    fn next(flight: &Flight) -> Option<String> {
        let id = ItemId::new("health");
        missing(&flight.board.plan, &id, flight.board.item(&id).expect("there")).map(str::to_owned)
    }

    #[test]
    fn the_next_field_is_one_that_is_still_to_be_typed() {
        let flight = flight();
        let item = "health".into();
        let state = flight.board.item(&item);
        assert_eq!(after(&flight.board.plan, &item, "impact", state), Some("eta"));
        assert_eq!(after(&flight.board.plan, &item, "eta", state), Some("impact"), "in whatever order they were begun");
        assert_eq!(after(&flight.board.plan, &"nothing".into(), "eta", None), None);
    }

    #[test]
    fn a_step_begins_only_with_all_it_asks_for_and_each_value_is_a_record() {
        let mut flight = flight();
        assert_eq!(next(&flight).as_deref(), Some("impact"));
        assert_eq!(run(&mut flight).expect_err("nothing was typed"), "health asks for `impact`: type it first");
        fill(&mut flight, "impact", " logins fail ").expect("taken");
        assert_eq!(next(&flight).as_deref(), Some("eta"));
        assert!(run(&mut flight).expect_err("half of it").contains("`eta`"));
        fill(&mut flight, "eta", "soon").expect("taken");
        fill(&mut flight, "eta", "14:30").expect("put right");
        run(&mut flight).expect("it runs");
        let typed = |record: &super::super::event::Recorded| match &record.event {
            Event::FieldFilled { field, value, .. } => Some((field.clone(), value.clone())),
            _ => None,
        };
        let typed: Vec<_> = flight.records.iter().filter_map(typed).collect();
        let said = |field: &str, value: &str| (field.to_owned(), value.to_owned());
        assert_eq!(typed, [said("impact", "logins fail"), said("eta", "soon"), said("eta", "14:30")]);
        let known = flight.board.item(&"health".into()).expect("there");
        assert_eq!(known.fields["eta"], "14:30", "the attempt that runs has them");
        assert!(fill(&mut flight, "eta", "15:00").expect_err("too late").contains("is running"));
    }

    #[test]
    fn what_was_typed_counts_for_one_attempt() {
        let mut flight = flight();
        for field in ["impact", "eta"] {
            fill(&mut flight, field, "none").expect("taken");
        }
        run(&mut flight).expect("it runs");
        let outcome = Outcome { exit: Some(1), ..Outcome::default() };
        let ended =
            Observation::StepEnded { item: "health".into(), attempt: Attempt(1), verdict: Verdict::Fail, outcome };
        flight.input(&Input::Observation(ended)).expect("no refusal");
        assert_eq!(next(&flight).as_deref(), Some("impact"));
        assert!(run(&mut flight).is_err());
    }

    #[test]
    fn a_field_that_nobody_asked_for_and_an_empty_or_endless_value_are_refused() {
        let mut flight = flight();
        for (field, value, why) in [
            ("impakt", "x", "asks for no `impakt`"),
            ("impact", "  ", "is empty"),
            ("impact", &"x".repeat(LONGEST + 1), "is longer than"),
        ] {
            assert!(fill(&mut flight, field, value).expect_err(why).contains(why), "{field}");
        }
        let other = Command::Fill { item: "login".into(), field: "impact".into(), value: "x".into() };
        assert!(command(&mut flight, other).is_err());
    }
}
