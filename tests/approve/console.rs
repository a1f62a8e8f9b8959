//! The second key turned at a console: the one that holds the launch, and one that is attached to it.

use tminus::launch::event::{Actor, RollbackFact};

use super::{KEYED, Signal, approved, launch, stands};
use crate::anywhere::{Launch, facts, is_over, verified};
use crate::binary::{ended, signal};
use crate::pty::{Seat, WIDE};
use crate::told::records;
use crate::wait::comes;

/// Asks for the key, and says yes.
fn turn(seat: &mut Seat) {
    seat.sees("WAITS FOR dba");
    seat.press("A");
    seat.sees("Approve back/two as ben for dba: two?");
    seat.press("\r");
}

fn seat(launch: &Launch, arguments: &[&str]) -> Seat {
    let arguments = [arguments, &["--name", "ben", "--as", "dba"]].concat();
    Seat::start(&launch.place.path(""), &arguments, &[], WIDE)
}

fn by_ben(told: &[Actor]) {
    assert_eq!(told, [Actor::person("ben", Some("dba".into()))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attached_console_turns_it_while_the_holder_stands_still() {
    let launch = launch("5m", "true", KEYED).await;
    let holder = launch.holder().await;
    signal(&holder, Signal::STOP);
    let asked = launch.ask("back", &["--name", "bob"]);
    stands(&launch).await;
    let mut ben = seat(&launch, &["watch", &launch.at()]);
    turn(&mut ben);
    verified(&ended(asked).await);
    ben.sees("VERIFIED");
    by_ben(&approved(&launch));
    ben.kill();
    signal(&holder, Signal::KILL);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_that_holds_the_launch_turns_it_and_journals_whose_it_was() {
    let launch = launch("5m", "true", KEYED).await;
    let plan = launch.place.path("plan.toml").display().to_string();
    let mut ben = seat(&launch, &["run", &plan, "--launch", &launch.at()]);
    launch.until_ran("once\n").await;
    let asked = launch.ask("back", &["--name", "bob"]);
    turn(&mut ben);
    verified(&ended(asked).await);
    ben.sees("VERIFIED");
    by_ben(&approved(&launch));
    launch.until(is_over).await;
    let told = |fact: &RollbackFact| matches!(fact, RollbackFact::Approved { by, .. } if by.name == "ben");
    comes("its record", || facts(&records(&launch.folder), 1).iter().any(told)).await;
    ben.kill();
}
