//! The clerk without a loop: what it hands over, what it answers, what it gives back.

use super::*;
use crate::engine::inbox::ask::{self, Settled};
use crate::engine::inbox::form::Answer;
use crate::launch::board::Decided;
use crate::launch::samples::plan;

fn clerk(inbox: &Path) -> Clerk {
    let redactor = Redactor::new(["hunter22-long".to_owned()]);
    let ours = rustix::process::geteuid().as_raw();
    Clerk { inbox: inbox.to_owned(), redactor, ours, stuck: HashSet::new() }
}

fn submit(inbox: &Path, command: Command) -> RequestId {
    let request = ask::request("bob", Some("lead".into()), command).expect("a request");
    ask::submit(inbox, &request).expect("submitted");
    request.id
}

fn handed(clerk: &mut Clerk) -> Vec<Input> {
    let looked = clerk.look().expect("looked");
    clerk.take(&looked.requests)
}

#[test]
fn a_secret_pasted_anywhere_does_not_pass() {
    let place = tempfile::tempdir().expect("a folder");
    let secret = "was hunter22-long";
    for command in [
        Command::note(secret),
        Command::CallHold { why: secret.into() },
        Command::ReleaseHold { who: secret.into() },
        Command::Acknowledge { item: secret.into() },
        Command::Vote {
            poll: Some(secret.into()),
            role: secret.into(),
            vote: crate::launch::event::Vote::NoGo { reason: secret.into() },
        },
        Command::Sign { item: secret.into(), role: secret.into(), note: secret.into() },
        Command::Judge { criterion: secret.into(), met: true, note: secret.into() },
        Command::WaiveCriterion { criterion: secret.into(), reason: secret.into(), lasts: Duration::from_secs(1) },
    ] {
        let id = submit(place.path(), command);
        let told = format!("{:?}", handed(&mut clerk(place.path())));
        assert!(!told.contains("hunter22") && told.contains("«redacted»"), "{told}");
        std::fs::remove_file(place.path().join(take::name_of(&id))).expect("removed");
    }
}

#[test]
fn the_answer_is_what_the_board_says_and_what_it_does_not_say_is_given_back() {
    let place = tempfile::tempdir().expect("a folder");
    let [yes, no, lost] = ["a", "b", "c"].map(|text| submit(place.path(), Command::note(text)));
    let mut clerk = clerk(place.path());
    assert_eq!(handed(&mut clerk).len(), 3);
    let mut board = Board::new(Arc::new(plan()));
    let known = [(&yes, None), (&no, Some("no".to_owned()))];
    let known = known.map(|(id, refused)| (id.clone(), Decided { seq: 7, refused }));
    board.requests = Arc::new(known.into_iter().collect());
    let ids = [yes.clone(), no.clone(), lost.clone()];
    assert_eq!(clerk.answer(&ids, Some(&board)), (false, false));
    let answer = |id| ask::wait(place.path(), id, Duration::ZERO);
    assert_eq!(answer(&yes), Some(Answer::Recorded(7)));
    assert_eq!(answer(&no), Some(Answer::Refused("no".into())));
    assert_eq!(answer(&lost), None, "the journal could not be written: it is tried again");
    assert_eq!(handed(&mut clerk).len(), 1);
}

#[tokio::test]
async fn a_loop_that_leaves_gives_everything_back() {
    let place = tempfile::tempdir().expect("a folder");
    let id = submit(place.path(), Command::note("a"));
    let (_well, health) = watch::channel(Health::Well);
    let mut desk = Desk::open(place.path().to_owned(), Redactor::default(), health);
    let handed = desk.next().await;
    assert_eq!(handed.inputs.iter().filter_map(id_of).collect::<Vec<_>>(), [&id]);
    assert!(!ask::withdraw(place.path(), &id), "it may be decided just now");
    drop((handed, desk));
    let back = async {
        while !ask::withdraw(place.path(), &id) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back).await.expect("it is had back");
}

#[tokio::test]
async fn a_console_that_lost_its_launch_takes_nothing_more() {
    let place = tempfile::tempdir().expect("a folder");
    let (_lost, health) = watch::channel(Health::Lost("taken over".into()));
    let mut desk = Desk::open(place.path().to_owned(), Redactor::default(), health);
    let id = submit(place.path(), Command::CallHold { why: "a".into() });
    assert!(tokio::time::timeout(Duration::from_millis(300), desk.next()).await.is_err());
    assert!(ask::withdraw(place.path(), &id), "it is the next console's");
}

#[test]
fn nobody_in_time_means_withdrawn_for_a_hold_and_kept_for_a_note() {
    let place = tempfile::tempdir().expect("a folder");
    let ask = |command| {
        let request = ask::request("bob", None, command).expect("a request");
        ask::ask(place.path(), &request, Duration::ZERO).expect("asked")
    };
    assert_eq!(ask(Command::CallHold { why: "a".into() }), Settled::Withdrawn);
    assert_eq!(ask(Command::note("a")), Settled::Kept);
    assert_eq!(handed(&mut clerk(place.path())).len(), 1, "the note alone");
}

#[test]
fn a_request_is_as_old_as_the_turn_it_is_decided_in() {
    let place = tempfile::tempdir().expect("a folder");
    submit(place.path(), Command::CallHold { why: "smoke".into() });
    let inputs = handed(&mut clerk(place.path()));
    let (decided, _after) = oneshot::channel();
    let (inputs, _) = Handed { inputs, taken_at: 5_000, decided }.at(5_000 + 61_000);
    let [Input::Request { age, .. }] = inputs.as_slice() else { panic!("{inputs:?}") };
    assert!(*age >= Duration::from_secs(61), "the loop stood still for a minute after it was read: {age:?}");
}
