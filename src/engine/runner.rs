//! A console's view of the rollback runner: starts it, reads what it told from its log, and shows its
//! output. The runner needs none of this: it goes on when nobody looks.

mod begin;

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;

use super::rollback::{self, Follow, Log, LogError, Opened, Request, code};
use super::steps::{Following, Outputs};
use super::world::World;
use crate::clock;
use crate::launch::command::Observation;
use crate::launch::event::{RollbackEnd, RollbackFact};
use crate::launch::id::{ItemId, RollbackId};
use crate::launch::time::Wall;

pub use begin::{begin, hand_over, resume};

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// So many runners of ours may join one that dies.
const JOINS: u32 = 5;

/// One run of a rollback, as its log tells it.
struct Followed {
    launch: PathBuf,
    id: RollbackId,
    run: u32,
    /// Facts of the log that are in the journal.
    told: u32,
    /// When it was asked for.
    asked: Wall,
    /// A runner was seen alive by this console, or started by it: it is gone on with however long a step takes.
    seen: bool,
}

/// The log of a run and the output of its step, read on.
struct Reading {
    log: Follow,
    /// Facts that were read.
    passed: u32,
    following: Option<Following>,
    outputs: Outputs,
    observations: mpsc::Sender<Observation>,
}

type Exit = io::Result<Option<i32>>;
/// A runner of ours on its way to its exit.
type Exiting = Pin<Box<dyn Future<Output = Exit> + Send>>;

/// What a look at the log says of its runner.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Life {
    Lives,
    Gone,
    /// The log is another user's, or no file: nobody here will ever know.
    Unseen(String),
}

/// No runner is left, and the log tells no end.
#[derive(Debug, Clone)]
struct Gone {
    why: String,
    /// Ours had joined another's.
    joined: bool,
}

impl Followed {
    fn new(launch: PathBuf, request: &Request, told: u32) -> Self {
        let (id, run) = (request.rollback.clone(), request.run);
        // Facts that the journal holds were told from a log that was put aside, or from this one: twice is no
        // harm, and not at all is.
        let told = if rollback::is_put_aside(&launch, run, &id) { 0 } else { told };
        Self { launch, id, run, told, asked: request.at, seen: false }
    }

    /// Another's runs it, it has ended, or nobody begins it any more by itself.
    fn needs_no_runner(&self) -> bool {
        self.life() != Life::Gone
            || rollback::progress(&self.launch, self.run, &self.id).end.is_some()
            || self.too_late().is_some()
    }

    /// Its end, where it was asked for, or left by its runner, too long ago to be set going by itself.
    fn too_late(&self) -> Option<RollbackEnd> {
        rollback::too_late(&self.launch, self.run, &self.id, self.asked).filter(|_| !self.seen)
    }

    fn path(&self) -> PathBuf {
        rollback::log_of(&self.launch, self.run, &self.id)
    }

    /// A runner holds its log as long as it lives. One that cannot be looked at for the moment may live.
    fn life(&self) -> Life {
        use io::ErrorKind::{Other, PermissionDenied};
        match Log::is_held(&self.path()) {
            Ok(false) => Life::Gone,
            Err(error) if matches!(error.kind(), PermissionDenied | Other) => {
                Life::Unseen(format!("its log cannot be read: {error}"))
            }
            Ok(true) | Err(_) => Life::Lives,
        }
    }

    fn start(&self, world: &World) -> io::Result<Exiting> {
        let runner = rollback::start(&world.program, &self.launch, self.run, &self.id)?;
        Ok(Box::pin(runner.ended()))
    }

    fn reading(&self, outputs: Outputs, observations: mpsc::Sender<Observation>) -> Reading {
        Reading { log: Log::follow(&self.path()), passed: 0, following: None, outputs, observations }
    }

    /// To the end of the run, wherever its runner came from. `started` is one of ours; where there is none,
    /// another's is followed for as long as it lives, and one of ours goes on where that left off.
    async fn on_to_its_end(mut self, world: World, outputs: Outputs, started: Option<io::Result<Exiting>>) {
        let mut reading = self.reading(outputs, world.observations.clone());
        let (mut next, mut joined) = (started, 0);
        self.seen |= next.is_some();
        loop {
            let started = match next.take() {
                Some(started) => started,
                None => match self.attend_other(&mut reading).await {
                    None => return,
                    // Nobody can tell what was done: none of ours goes on from there.
                    Some(Life::Unseen(why)) => {
                        self.conclude(&reading, Gone::new(why)).await;
                        return;
                    }
                    Some(_) => match self.too_late() {
                        Some(end) => {
                            if self.close(&reading, RollbackFact::Ended { end, took: Duration::ZERO }).await {
                                return;
                            }
                            continue;
                        }
                        None => self.start(&world),
                    },
                },
            };
            self.seen = true;
            let Some(gone) = self.attend(&mut reading, started).await else { return };
            joined += u32::from(gone.joined);
            // Ours only joined one that has died since: another of ours goes on, and not for ever.
            let again = gone.joined && joined < JOINS;
            if !again && self.conclude(&reading, gone).await {
                return;
            }
        }
    }

    /// Follows a runner of another's for as long as it lives. None where the run came to its end.
    async fn attend_other(&mut self, reading: &mut Reading) -> Option<Life> {
        loop {
            let life = self.life();
            self.seen |= life == Life::Lives;
            if self.look(reading).await == Ok(true) {
                return None;
            }
            if life != Life::Lives {
                return Some(life);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Tells what is new in the log, each fact once. True at its end; the words of a log that is broken.
    async fn look(&mut self, reading: &mut Reading) -> Result<bool, String> {
        let entries = match reading.log.read() {
            Ok(entries) => entries,
            Err(error) => {
                // A runner that begins puts a broken log aside: its own is read from the start, and what is in
                // it was not told, whatever was told from the other.
                (reading.log, reading.passed) = (Log::follow(&self.path()), 0);
                if matches!(error, LogError::Broken { .. }) {
                    self.told = 0;
                }
                return Err(error.to_string());
            }
        };
        let mut over = false;
        for entry in entries {
            if let Some((step, acts)) = rollback::begins(&entry.fact) {
                let folder = rollback::folder(&self.launch, self.run, &self.id);
                let attempt = rollback::attempt_folder(&folder, &acts, 1);
                reading.following = Some(Following::new(&reading.outputs, step, &attempt));
            }
            reading.passed += 1;
            over = matches!(entry.fact, RollbackFact::Ended { .. });
            // An end that the board had would not be followed.
            if reading.passed > self.told || over {
                self.told = self.told.max(reading.passed);
                self.tell(&reading.observations, entry.fact).await;
            }
            if over {
                break;
            }
        }
        if let Some(following) = &mut reading.following {
            following.look();
        }
        Ok(over)
    }

    /// `started` is our own runner until it exits: while it has not, it lives, whatever the log looks like.
    /// After that a runner lives where the log is held. None where the run came to its end.
    async fn attend(&mut self, reading: &mut Reading, started: io::Result<impl Future<Output = Exit>>) -> Option<Gone> {
        let (mut ours, mut ended) = match started {
            Ok(runner) => (Some(Box::pin(runner)), None),
            Err(error) => (None, Some(Gone::new(format!("failed to start its runner: {error}")))),
        };
        let gone = loop {
            // Before the log is read: all that a runner told is in it when it is gone.
            let gone = ended.clone().filter(|_| self.life() != Life::Lives);
            let looked = self.look(reading).await;
            if looked == Ok(true) {
                break None;
            }
            if let Some(gone) = gone {
                break Some(Gone { why: looked.err().unwrap_or(gone.why), ..gone });
            }
            match &mut ours {
                Some(runner) => tokio::select! {
                    exit = runner => (ours, ended) = (None, Some(gone_with(exit))),
                    () = tokio::time::sleep(LOOK) => {}
                },
                None => tokio::time::sleep(LOOK).await,
            }
        };
        if let Some(runner) = ours {
            // Reaped when it ends; what it came to is in its log.
            let _ = runner.await;
        }
        gone
    }

    /// Tells the end of a run that nobody goes on with. False where the log is read on.
    async fn conclude(&self, reading: &Reading, gone: Gone) -> bool {
        self.close(reading, self.unknown(&gone.why)).await
    }

    /// Ends the run with `end`, as [`Followed::conclude`] does.
    async fn close(&self, reading: &Reading, end: RollbackFact) -> bool {
        // Whoever asks for it next must not go on with what is told to have ended.
        let kept = self.keep(&end);
        if kept {
            self.tell(&reading.observations, end).await;
        }
        kept
    }

    /// Writes an end that no runner told into the log. False where one has begun to write there, or has
    /// written an end of its own by now: the log is read on.
    fn keep(&self, end: &RollbackFact) -> bool {
        match Log::open(&self.path(), &self.launch.join("reserve")) {
            Ok(Opened::Held) => false,
            Ok(Opened::Ours(mut log, before)) => {
                if rollback::ended(&before).is_some() {
                    return false;
                }
                if let Err(error) = log.tell(clock::wall(), end) {
                    tracing::error!("{error}");
                }
                true
            }
            Err(error) => {
                tracing::error!("{error}");
                true
            }
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
fn gone_with(exit: Exit) -> Gone {
    match exit {
        Ok(Some(code::JOINED)) => Gone { why: "the runner it joined died".to_owned(), joined: true },
        Ok(Some(code)) => Gone::new(format!("its runner ended with exit code {code}, and its log tells no end")),
        Ok(None) => Gone::new("its runner died".to_owned()),
        Err(error) => Gone::new(format!("failed to wait for its runner: {error}")),
    }
}

impl Gone {
    fn new(why: String) -> Self {
        Self { why, joined: false }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Arc;

    use tokio::sync::mpsc::error::TryRecvError;

    use super::*;
    use crate::launch::event::Actor;

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
            let request = Request::new("back".into(), 1, &Actor::engine(), "bad", clock::wall());
            let mut followed = Followed::new(self.folder.path().to_owned(), &request, told);
            let mut reading = followed.reading(Arc::new(|_, _| ()), self.observations.clone());
            tokio::spawn(async move {
                if let Some(gone) = followed.attend(&mut reading, started).await {
                    assert!(followed.conclude(&reading, gone).await);
                }
            })
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
