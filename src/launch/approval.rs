//! The second key of a rollback's step: whose word counts. The runner decides by this, and whoever hands a word
//! in asks here first, so that all of them say the same. Pure.

use super::event::Actor;
use super::id::RoleId;
use super::people::{hand, is_one_hand, is_same};
use super::plan::{Power, Role};
use crate::base::text::printable;

/// Whether `by` may approve a step that needs the approval of `wanted`, in a rollback that `asker` asked for.
/// `rehearsal` alone knows a scripted crew. Where `asker` is none, nobody could tell who that was.
///
/// # Errors
/// Why not, as a sentence that says who may.
pub fn judge(
    roles: &[Role],
    wanted: &RoleId,
    asker: Option<&Actor>,
    by: &Actor,
    rehearsal: bool,
) -> Result<(), String> {
    let Some(role) = roles.iter().find(|role| role.id == *wanted) else {
        return Err(format!("the plan has no role `{wanted}`"));
    };
    let name = printable(&by.name);
    match &by.role {
        Some(carried) if *carried == role.id => {}
        Some(carried) => {
            let carried = printable(carried.as_str());
            return Err(format!("it is for {} to approve (as `{wanted}`), not for `{carried}`", role.title));
        }
        None => return Err(format!("say that you act for {}: as `{wanted}`", role.title)),
    }
    if !role.may.contains(&Power::Approve) {
        return Err(format!("`{wanted}` may not approve"));
    }
    if by.scripted {
        return if rehearsal { Ok(()) } else { Err("a scripted crew approves in a rehearsal alone".to_owned()) };
    }
    let Some(asker) = asker else {
        return Err(
            "nobody can tell who asked for this rollback, so nobody can tell a second person from the first: do \
                    the step by hand"
                .to_owned(),
        );
    };
    if is_same(&asker.name, &by.name) {
        return Err(format!("{name} asked for this rollback: the second key is another person's"));
    }
    if is_one_hand(asker, by) {
        let hand = printable(hand(by));
        return Err(format!(
            "{hand} wrote down who asked for this rollback, or asked: the second key is turned by another person's own \
             hand"
        ));
    }
    if !role.people.is_empty() && !role.people.iter().any(|known| is_same(known, &name)) {
        return Err(format!("{name} does not hold {}: the plan names {}", role.title, role.people.join(", ")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(id: &str, people: &[&str], may: &[Power]) -> Role {
        Role {
            id: id.into(),
            title: id.to_uppercase(),
            people: people.iter().map(|name| (*name).to_owned()).collect(),
            votes: false,
            may: may.iter().copied().collect(),
        }
    }

    fn said(asker: Option<&str>, by: &Actor, rehearsal: bool) -> Result<(), String> {
        let roles = [
            role("dba", &["Ben Berg", "ana"], &[Power::Approve]),
            role("ops", &[], &[Power::Approve]),
            role("lead", &[], &[Power::Resume]),
        ];
        let wanted = if by.name.ends_with('!') { "lead" } else { "dba" };
        let asker = asker.map(|name| match name.split_once(" by ") {
            Some((name, hand)) => Actor { recorded_by: Some(hand.into()), ..Actor::person(name, None) },
            None => Actor::person(name, None),
        });
        judge(&roles, &wanted.into(), asker.as_ref(), by, rehearsal)
    }

    #[test]
    fn the_second_key_is_another_person_s_of_the_role() {
        let person = |name: &str, role: &str| Actor::person(name, Some(role.into()));
        let by_hand = |name: &str, hand: &str| Actor { recorded_by: Some(hand.into()), ..person(name, "dba") };
        assert_eq!(said(Some("ana"), &person("ben  berg", "dba"), false), Ok(()));
        assert_eq!(said(Some("ana"), &by_hand("ben berg", "eve"), false), Ok(()));
        for (asker, by, why) in [
            (Some("ana"), person("ana", "dba"), "another person's"),
            (Some("ana"), person(" ANA ", "dba"), "another person's"),
            (Some("ana"), person("eve", "dba"), "the plan names Ben Berg, ana"),
            (Some("ana"), person("ben berg", "ops"), "it is for DBA to approve (as `dba`), not for `ops`"),
            (Some("ana"), Actor::person("ben berg", None), "say that you act for DBA"),
            (Some("ana"), by_hand("ben berg", "ANA"), "another person's own hand"),
            (Some("ben berg by ana"), person("ana", "dba"), "another person's own hand"),
            (Some("eve by ana"), by_hand("ben berg", "ana"), "another person's own hand"),
            (None, person("ben berg", "dba"), "nobody can tell who asked"),
            (Some("ana"), person("ben!", "lead"), "may not approve"),
        ] {
            let refused = said(asker, &by, true).expect_err("refused");
            assert!(refused.contains(why), "{by:?}: {refused}");
        }
    }

    #[test]
    fn a_scripted_crew_turns_it_in_a_rehearsal_alone() {
        let crew = Actor { scripted: true, ..Actor::person("crew", Some("dba".into())) };
        assert_eq!(said(Some("crew"), &crew, true), Ok(()));
        assert!(said(Some("crew"), &crew, false).is_err());
        assert!(said(Some("crew"), &Actor { role: Some("ops".into()), ..crew }, true).is_err());
    }
}
