//! A scribe follows on a small terminal of his own: what he writes stands at the operator's, with when it happened, and
//! what the operator does stands at his. He changes nothing but the journal.

use super::*;

#[test]
fn what_the_scribe_writes_stands_at_both_with_when_it_happened() {
    let stage = Stage::new(&calm("scribe", "[roles.scribe]\ntitle = \"Scribe\"\n"));
    let mut ana = stage.opens("run", &[]);
    as_role(&mut ana, "▶ counting", Role::Running);
    ana.press("\t\t\tz");
    ana.until("the journal alone", |shown| shown.contains("┌ Journal") && !shown.contains("Checklist"));
    let mut bob = stage.sits((80, 24), &["watch", &stage.at(), "--as", "scribe", "--name", "bob"]);
    as_role(&mut bob, "ATTACHED", Role::Held);
    bob.sees("watching as bob · Scribe");
    bob.press("n");
    bob.sees("happens now");
    bob.press("2m ago the pager rang");
    as_role(&mut bob, "happened", Role::Focus);
    bob.press("\r");
    bob.sees("accepted");
    // At the operator's, with both times.
    ana.sees("the pager rang");
    assert!(ana.shown().contains("(written "), "{}", ana.shown());
    // What the operator does stands at his, on a screen of half the size.
    ana.press("p");
    ana.sees("Hold the countdown");
    ana.press("who was paged\r");
    as_role(&mut bob, "HOLD · ana: who was paged", Role::Held);
    // The note is put right by another; neither is lost.
    bob.press("\t\t\tz");
    bob.until("the journal alone", |shown| shown.contains("┌ Journal") && !shown.contains("Checklist"));
    bob.press("/): the pager\r");
    bob.press("N");
    bob.sees("It stays as it is; what it should have said:");
    bob.press("\x17\x17\x17");
    bob.press("the pager of the database rang\r");
    bob.sees("accepted");
    ana.sees("the pager of the database rang");
    // Nothing but notes is a scribe's without its power: it is said, and nothing happens.
    bob.press("\x1b");
    bob.until("all panes again", |shown| shown.contains("Checklist"));
    bob.press("P");
    bob.until("a way on or a refusal", |shown| shown.contains("release the hold of ana"));
    bob.press("\r");
    bob.sees("may not");
    ana.press("q");
    assert_eq!(ana.ends(), 0);
    bob.sees("nobody holds this launch since");
    bob.press("\x1b");
    bob.until("no sheet", |shown| !shown.contains("┌ Holds"));
    bob.press("q");
    assert_eq!(bob.ends(), 0);
    bob.gave_back();

    let notes: Vec<_> = stage.told(|record| match &record.event {
        Event::Noted { text, amends } => {
            let later = (record.recorded_at - record.occurred_at).num_seconds();
            Some((record.seq, record.actor.name.clone(), text.clone(), *amends, later))
        }
        _ => None,
    });
    let [(seq, by, text, None, later), (_, again, put_right, Some(amends), _)] = &notes[..] else {
        panic!("{notes:?}")
    };
    assert_eq!((by.as_str(), again.as_str(), text.as_str()), ("bob", "bob", "the pager rang"));
    assert!((119..=180).contains(later), "{later} s");
    assert_eq!((amends, put_right.as_str()), (seq, "the pager of the database rang"));
    let others = stage.told(|record| match &record.event {
        Event::Noted { .. } => None,
        Event::RequestDecided { refused, .. } => refused.clone(),
        other => (record.actor.name == "bob").then(|| format!("{other:?}")),
    });
    assert!(matches!(&others[..], [refused] if refused.contains("may not")), "he changed nothing: {others:?}");
    assert!(stage.board().clock.is_some_and(|clock| clock.latches.contains_key("ana")), "it still holds");
}
