//! A console's view of the rollback runner: starts it, reads what it told from its log, and shows its
//! output. The runner needs none of this: it goes on when nobody looks.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::rollback::{self, Log, code};
use super::steps::{Following, Outputs};
use super::world::World;
use crate::launch::command::Observation;
use crate::launch::event::{RollbackEnd, RollbackFact};
use crate::launch::id::{ItemId, RollbackId};

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Starts the runner of a rollback that was only now asked for, and follows it. An end that lies there
/// already is that of a run which this journal does not know: it is no answer to this request.
pub fn begin(world: &World, outputs: &Outputs, id: &RollbackId, run: u32) {
    let Some(launch) = world.folder.clone().filter(|_| world.acting.may()) else { return };
    let started = rollback::set_aside(&launch, run, id).and_then(|()| {
        let runner = rollback::start(&world.program, &launch, run, id)?;
        Ok(runner.ended())
    });
    let followed = Followed { launch, id: id.clone(), run, told: 0 };
    tokio::spawn(followed.follow_on(world.observations.clone(), Arc::clone(outputs), started));
}

/// Follows a rollback that an earlier console was told of, after the `told` facts that its journal holds.
/// A runner is started all the same: it joins one that lives, answers what has ended, goes on with what a
/// dead one left, and begins what was asked for and never started.
pub fn resume(world: &World, outputs: &Outputs, id: &RollbackId, run: u32, told: u32) {
    let Some(launch) = world.folder.clone().filter(|_| world.acting.may()) else { return };
    let started = rollback::start(&world.program, &launch, run, id).map(rollback::Runner::ended);
    let followed = Followed { launch, id: id.clone(), run, told };
    tokio::spawn(followed.follow_on(world.observations.clone(), Arc::clone(outputs), started));
}

/// One run of a rollback, as its log tells it.
struct Followed {
    launch: PathBuf,
    id: RollbackId,
    run: u32,
    /// Facts of the log that are in the journal.
    told: u32,
}

impl Followed {
    /// Tells every fact of the log once. `started` is our own runner until it exits: while it has not, it
    /// lives, whatever the log looks like. After that a runner lives where the log is held.
    async fn follow_on(
        mut self,
        observations: mpsc::Sender<Observation>,
        outputs: Outputs,
        started: io::Result<impl Future<Output = io::Result<Option<i32>>>>,
    ) {
        let path = rollback::log_of(&self.launch, self.run, &self.id);
        let folder = rollback::folder(&self.launch, self.run, &self.id);
        let (mut ours, mut ended) = match started {
            Ok(runner) => (Some(Box::pin(runner)), None),
            Err(error) => (None, Some(format!("failed to start its runner: {error}"))),
        };
        let mut log = Log::follow(&path);
        let mut passed = 0;
        let mut following: Option<Following> = None;
        let mut over = false;
        while !over {
            // Before the log is read: all that a runner told is in it when it is gone.
            let gone = ended.clone().filter(|_| !Log::is_held(&path).unwrap_or(true));
            let (entries, broken) = match log.read() {
                Ok(entries) => (entries, None),
                Err(error) => {
                    // A runner that begins puts a broken log aside: its own is read from the start.
                    (log, passed) = (Log::follow(&path), 0);
                    (Vec::new(), Some(error.to_string()))
                }
            };
            for entry in entries {
                if let RollbackFact::StepStarted { step } = &entry.fact {
                    following = Some(Following::new(&outputs, step, &rollback::attempt_folder(&folder, step, 1)));
                }
                passed += 1;
                over = matches!(entry.fact, RollbackFact::Ended { .. });
                // An end that the board had would not be followed.
                if passed > self.told || over {
                    self.told = self.told.max(passed);
                    self.tell(&observations, entry.fact).await;
                }
                if over {
                    break;
                }
            }
            if let Some(following) = &mut following {
                following.look();
            }
            if let (Some(why), false) = (gone, over) {
                self.tell(&observations, self.unknown(&broken.unwrap_or(why))).await;
                over = true;
            }
            if over {
                break;
            }
            match &mut ours {
                Some(runner) => tokio::select! {
                    exit = runner => (ours, ended) = (None, Some(words(exit))),
                    () = tokio::time::sleep(LOOK) => {}
                },
                None => tokio::time::sleep(LOOK).await,
            }
        }
        if let Some(runner) = ours {
            // Reaped when it ends; what it came to is in its log.
            let _ = runner.await;
        }
    }

    async fn tell(&self, observations: &mpsc::Sender<Observation>, fact: RollbackFact) {
        // A loop that is gone wants to know nothing.
        let _ = observations.send(Observation::RollbackTold { run: self.run, fact }).await;
    }

    fn unknown(&self, why: &str) -> RollbackFact {
        let end = RollbackEnd::FailedAtStep {
            step: ItemId::new(self.id.as_str()),
            why: why.to_owned(),
            by_hand: "look at the rollback's folder for what was done, and finish by hand".into(),
        };
        RollbackFact::Ended { end, took: Duration::ZERO }
    }
}

/// Why a runner that has exited tells no more.
fn words(exit: io::Result<Option<i32>>) -> String {
    match exit {
        Ok(Some(code::JOINED)) => "the runner it joined died".to_owned(),
        Ok(Some(code)) => format!("its runner ended with exit code {code}, and its log tells no end"),
        Ok(None) => "its runner died".to_owned(),
        Err(error) => format!("failed to wait for its runner: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::mpsc::error::TryRecvError;

    use super::*;
    use crate::engine::rollback::Opened;

    struct Place {
        folder: tempfile::TempDir,
        observations: mpsc::Sender<Observation>,
        told: mpsc::Receiver<Observation>,
    }

    impl Place {
        fn new() -> Self {
            let (observations, told) = mpsc::channel(64);
            Self { folder: tempfile::tempdir().expect("a folder"), observations, told }
        }

        fn follow(
            &self,
            told: u32,
            started: io::Result<impl Future<Output = io::Result<Option<i32>>> + Send + 'static>,
        ) -> tokio::task::JoinHandle<()> {
            let followed = Followed { launch: self.folder.path().to_owned(), id: "back".into(), run: 1, told };
            tokio::spawn(followed.follow_on(self.observations.clone(), Arc::new(|_, _| ()), started))
        }

        fn log(&self) -> Log {
            let path = rollback::log_of(self.folder.path(), 1, &"back".into());
            match Log::open(&path, &self.folder.path().join("reserve")).expect("opened") {
                Opened::Ours(log, _) => log,
                Opened::Held => panic!("held"),
            }
        }

        async fn next(&mut self) -> RollbackFact {
            match self.told.recv().await.expect("a fact") {
                Observation::RollbackTold { run: 1, fact } => fact,
                other => panic!("another observation: {other:?}"),
            }
        }
    }

    fn say(log: &mut Log, fact: &RollbackFact) {
        log.tell("2026-01-02T03:04:05Z".parse().expect("a time"), fact).expect("told");
    }

    fn why(fact: RollbackFact) -> String {
        match fact {
            RollbackFact::Ended { end: RollbackEnd::FailedAtStep { why, .. }, .. } => why,
            other => panic!("another fact: {other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_runner_of_ours_is_dead_when_it_exits_and_not_before() {
        let mut place = Place::new();
        let (exit, exited) = tokio::sync::oneshot::channel();
        place.follow(0, Ok(async { Ok(exited.await.unwrap_or_default()) }));
        // A disk that is slow or full: for a minute there is no log at all.
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(matches!(place.told.try_recv(), Err(TryRecvError::Empty)));
        exit.send(None).expect("it waits");
        assert_eq!(why(place.next().await), "its runner died");
    }

    #[tokio::test(start_paused = true)]
    async fn what_it_told_before_it_exited_is_read_first() {
        let mut place = Place::new();
        let ended = RollbackFact::Ended { end: RollbackEnd::Verified, took: Duration::ZERO };
        let mut log = place.log();
        let last = ended.clone();
        place.follow(
            0,
            Ok(async move {
                say(&mut log, &RollbackFact::Started { pid: 7 });
                say(&mut log, &last);
                Ok(Some(code::VERIFIED))
            }),
        );
        assert_eq!(place.next().await, RollbackFact::Started { pid: 7 });
        assert_eq!(place.next().await, ended);
    }

    #[tokio::test(start_paused = true)]
    async fn a_runner_that_could_not_be_started_is_the_end_at_once() {
        let mut place = Place::new();
        let none: io::Result<std::future::Ready<io::Result<Option<i32>>>> = Err(io::Error::other("no memory"));
        place.follow(0, none);
        assert_eq!(why(place.next().await), "failed to start its runner: no memory");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_joined_is_followed_for_as_long_as_the_log_is_held() {
        let mut place = Place::new();
        let mut log = place.log();
        place.follow(0, Ok(ready(Ok(Some(code::JOINED)))));
        tokio::time::sleep(Duration::from_secs(60)).await;
        say(&mut log, &RollbackFact::Started { pid: 7 });
        assert_eq!(place.next().await, RollbackFact::Started { pid: 7 });
        drop(log);
        assert_eq!(why(place.next().await), "the runner it joined died");
    }

    #[tokio::test(start_paused = true)]
    async fn a_console_that_returns_tells_no_fact_twice() {
        let mut place = Place::new();
        let mut log = place.log();
        let step = ItemId::new("back/one");
        say(&mut log, &RollbackFact::Started { pid: 7 });
        say(&mut log, &RollbackFact::StepStarted { step });
        let follow = place.follow(2, Ok(pending()));
        tokio::time::sleep(Duration::from_secs(1)).await;
        say(&mut log, &RollbackFact::Started { pid: 8 });
        assert_eq!(place.next().await, RollbackFact::Started { pid: 8 });
        follow.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_a_new_runner_puts_aside_is_no_end() {
        let mut place = Place::new();
        drop(place.log());
        let path = rollback::log_of(place.folder.path(), 1, &"back".into());
        std::fs::write(&path, "no line of ours\n").expect("written");
        let follow = place.follow(0, Ok(pending()));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(matches!(place.told.try_recv(), Err(TryRecvError::Empty)));
        say(&mut place.log(), &RollbackFact::Started { pid: 8 });
        assert_eq!(place.next().await, RollbackFact::Started { pid: 8 });
        follow.abort();
    }
}
