//! A port onto a launch that has happened: it shows what a reel tells, at the time that was then, and moves as its
//! console wishes. It has no journal, no effects and no network; whatever is asked of it is refused.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::run::{Wires, wires};
use crate::clock;
use crate::evidence::replay::{Film, Playhead, Reel};
use crate::launch::board::Board;
use crate::launch::command::{Command, Refusal};
use crate::launch::live::Live;
use crate::launch::port::{Ask, Picture, Port, Seat, Snapshot};
use crate::launch::replay::Wish;
use crate::launch::time::Instant;

/// How often a replay that runs is looked at.
const TICK: Duration = Duration::from_millis(50);

/// What is shown beside the reel.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Where it was read from.
    pub from: String,
    /// What must be known of it: not all of it could be read.
    pub alarm: Option<String>,
}

/// Shows `reel` from its first record on, standing still, until the port is dropped.
#[must_use]
pub fn play(reel: Reel, film: Film, speed: u32, about: About) -> Port {
    let mut screen = Screen::new(reel, film, speed, about);
    let (Wires { snapshots, asks }, port) = wires(screen.snapshot());
    let (to, wishes) = mpsc::unbounded_channel();
    tokio::spawn(refuse(asks));
    tokio::spawn(async move { screen.run(snapshots, wishes).await });
    Port { wishes: Some(to), ..port }
}

/// Nothing acts, whoever asks.
async fn refuse(mut asks: mpsc::Receiver<Ask>) {
    while let Some(Ask { command, reply, .. }) = asks.recv().await {
        let answer = match command {
            // Nothing is left.
            Command::Leave => Ok(()),
            _ => Err(Refusal("this is a replay: nothing acts, what is shown has happened".into())),
        };
        let _ = reply.send(answer);
    }
}

struct Screen {
    reel: Reel,
    film: Film,
    head: Playhead,
    about: About,
    /// The board that is shown, and after how many records it is.
    shown: (usize, Arc<Board>),
    /// What was sampled, as it was at this instant.
    sampled: (Instant, Arc<Live>),
    /// Boot time of the last look.
    looked: i64,
}

impl Screen {
    fn new(reel: Reel, film: Film, speed: u32, about: About) -> Self {
        let head = Playhead::new(&reel, speed);
        let shown = (head.place(), Arc::new(reel.at(head.place())));
        // Before all that was sampled.
        let sampled = (Instant(i64::MIN), Arc::default());
        Self { reel, film, head, about, shown, sampled, looked: clock::boot() }
    }

    async fn run(&mut self, snapshots: watch::Sender<Arc<Snapshot>>, mut wishes: mpsc::UnboundedReceiver<Wish>) {
        loop {
            let wish = tokio::select! {
                wish = wishes.recv() => match wish {
                    Some(wish) => Some(wish),
                    None => return,
                },
                () = tokio::time::sleep(TICK), if self.head.is_playing() => None,
            };
            self.pass();
            // A key that is held comes as many: one picture is enough for those that wait.
            let mut next = wish;
            while let Some(wish) = next {
                self.head.take(&self.reel, wish);
                next = wishes.try_recv().ok();
            }
            snapshots.send_replace(Arc::new(self.snapshot()));
        }
    }

    fn pass(&mut self) {
        let now = clock::boot();
        let elapsed = u64::try_from(now - std::mem::replace(&mut self.looked, now)).unwrap_or(0);
        self.head.pass(&self.reel, Duration::from_millis(elapsed));
    }

    fn snapshot(&mut self) -> Snapshot {
        let place = self.head.place();
        if place != self.shown.0 {
            self.shown = (place, Arc::new(self.reel.from(&self.shown.1, self.shown.0, place)));
        }
        let (board, now) = (Arc::clone(&self.shown.1), self.head.now(&self.reel));
        let (mode, plan) = (board.mode, Arc::clone(&board.plan.0));
        if now.instant != self.sampled.0 {
            let wall = |at| self.reel.wall(self.reel.place(at), at);
            self.sampled = (now.instant, Arc::new(self.film.live(&plan, now.instant, &wall)));
        }
        let live = Arc::clone(&self.sampled.1);
        let first = Snapshot::unopened(plan, mode, now, clock::boot(), self.about.from.clone());
        Snapshot {
            board,
            live,
            alarm: self.about.alarm.clone(),
            seat: Seat::Replay(self.head.standpoint(&self.reel)),
            picture: Picture::Told,
            ..first
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::launch::replay::{Standpoint, Way};
    use crate::launch::samples::{Flight, plan};

    fn reel() -> Reel {
        let mut flight = Flight::of(plan());
        for text in ["one", "two", "three"] {
            flight.command(Command::note(text)).expect("noted");
        }
        Reel::new(Board::new(Arc::clone(&flight.board.plan.0)), flight.records)
    }

    fn stands(snapshot: &Snapshot) -> Standpoint {
        let Seat::Replay(at) = snapshot.seat else { panic!("no replay: {:?}", snapshot.seat) };
        at
    }

    #[tokio::test]
    async fn it_moves_as_it_is_wished_and_refuses_whatever_is_asked() {
        let reel = reel();
        let (of, whole) = (u64::try_from(reel.len()).expect("few"), reel.at(reel.len()));
        let mut port = play(reel, Film::default(), 60, About { from: "b.zip".into(), alarm: Some("short".into()) });
        let first = Arc::clone(&port.snapshots.borrow_and_update());
        assert_eq!((stands(&first).record, stands(&first).of, first.alarm.as_deref()), (1, of, Some("short")));
        let wishes = port.wishes.clone().expect("a replay");
        for (wish, record) in [(Wish::Record(Way::On), 2), (Wish::Whole(Way::On), of), (Wish::Whole(Way::Back), 1)] {
            wishes.send(wish).expect("it runs");
            let moved = port.snapshots.wait_for(|snapshot| stands(snapshot).record == record);
            let moved = tokio::time::timeout(Duration::from_secs(20), moved).await.expect("in time").expect("it runs");
            assert_eq!(moved.board.seq, record);
            assert!(record != of || *moved.board == whole);
        }
        for (command, refused) in [(Command::note("odd"), true), (Command::Resume, true), (Command::Leave, false)] {
            let (reply, answer) = oneshot::channel();
            port.asks.send(Ask { by: None, command, reply }).await.expect("taken");
            let answer = answer.await.expect("answered");
            assert_eq!(answer.is_err_and(|why| why.0.contains("this is a replay")), refused);
        }
    }
}
