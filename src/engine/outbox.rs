//! Makes messages of the journal as it grows, and hands them to the outbox: it reads the store as an attached console
//! does, on a thread of its own, so that the loop knows nothing of it and waits for nothing of it. What was told
//! before is known by its place, so it reads from the first record whenever a console comes back.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::acting::Acting;
use super::attached::reading::Reading;
use super::world::World;
use crate::base::reach::{Hidden, Reach};
use crate::clock;
use crate::journal::LaunchFolder;
use crate::kind::Catalogue;
use crate::launch::id::NotifyId;
use crate::launch::plan::{Notify, Plan};
use crate::notify::outbox::{Hands, Outbox, over};
use crate::notify::standing::{self, Standing};
use crate::notify::telling::Telling;

/// How often the journal is looked at.
const EVERY: Duration = Duration::from_millis(200);

/// Where each target of `plan` is reached: in a rehearsal, the simulated one. Nothing there was ever told the real.
#[must_use]
pub fn reaches(plan: &Plan, catalogue: &Catalogue, simulated: bool) -> BTreeMap<NotifyId, Reach> {
    if !simulated {
        return catalogue.notify.clone();
    }
    let reach = |id: &NotifyId| Reach {
        address: Hidden::new(format!("http://notify.rehearsal.invalid{}{id}", Notify::SIMULATED)),
        key: Some(Hidden::new("simulated-key")),
        headers: Vec::new(),
    };
    plan.notify.iter().map(|notify| (notify.id.clone(), reach(&notify.id))).collect()
}

/// The reader of a journal that tells of it.
pub struct Following {
    outbox: Outbox,
    launch: PathBuf,
    acting: Acting,
    stop: CancellationToken,
    reading: JoinHandle<()>,
}

/// Begins the outbox of `world`, whose journal stands at `head`, and follows that journal from its first record on;
/// `first` is the plan that the launch was opened with.
#[must_use]
pub fn follow(world: &World, folder: &LaunchFolder, first: Arc<Plan>, head: u64) -> Following {
    let (acting, follows) = (world.acting.clone(), world.acting.clone());
    let hands = Hands {
        send: over(&world.client),
        redactor: world.redactor.clone(),
        reaches: reaches(&world.plan, &world.catalogue, world.simulated.is_some()),
        simulated: world.simulated.is_some(),
        launch: folder.path().to_owned(),
        may: Arc::new(move || acting.may()),
        wall: clock::wall,
        chance,
    };
    let outbox = world.outbox.clone();
    outbox.begin(hands, &world.plan.notify, head);
    let stop = CancellationToken::new();
    let eyes = Eyes { reading: Reading::new(folder.clone(), first), telling: Telling::default(), kept: Vec::new() };
    let reading = tokio::spawn(read(outbox.clone(), eyes, folder.clone(), stop.clone(), follows.clone()));
    Following { outbox, launch: folder.path().to_owned(), acting: follows, stop, reading }
}

struct Eyes {
    reading: Reading,
    telling: Telling,
    /// As it was kept last.
    kept: Vec<Standing>,
}

async fn read(outbox: Outbox, mut eyes: Eyes, folder: LaunchFolder, stop: CancellationToken, acting: Acting) {
    tokio::select! {
        () = outbox.wanted() => {}
        // Nobody was to be told anything.
        () = stop.cancelled(), if !outbox.is_wanted() => return,
    }
    loop {
        let last = stop.is_cancelled();
        // Another console tells from here on, and says who is not being told.
        if !acting.may() {
            return;
        }
        let (own, place) = (outbox.clone(), folder.clone());
        let looked = tokio::task::spawn_blocking(move || {
            eyes.look(&own, place.path());
            eyes
        });
        let Ok(back) = looked.await else { return };
        eyes = back;
        if last {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

impl Eyes {
    fn look(&mut self, outbox: &Outbox, launch: &Path) {
        let telling = &mut self.telling;
        self.reading.read_on(&mut |record, board| {
            let targets: &[Notify] = &board.plan.notify;
            telling.take(record, board).iter().for_each(|message| outbox.put(targets, message));
        });
        let wrong = self.reading.signs().wrong.map(|why| format!("nobody is told of what comes next: {why}"));
        outbox.deaf(wrong);
        let standing = outbox.standing();
        // Nothing of it need survive: the ledgers do.
        if standing != self.kept && standing::keep(launch, &standing).is_ok() {
            self.kept = standing;
        }
    }
}

impl Following {
    /// Reads the journal to its end and waits until all of it is told and written down, at most for `patience`: a
    /// target that failed once is tried again. Who was not told of everything.
    pub async fn finish(self, patience: Duration) -> Vec<String> {
        let Self { outbox, launch, acting, stop, mut reading } = self;
        stop.cancel();
        let told = async {
            let _ = (&mut reading).await;
            while !outbox.is_settled() {
                tokio::time::sleep(EVERY / 10).await;
            }
        };
        let _ = tokio::time::timeout(patience, told).await;
        outbox.stop();
        reading.abort();
        let standing = outbox.standing();
        if !acting.may() {
            return Vec::new();
        }
        if !standing.is_empty() {
            // It is shown, and stands in the ledgers.
            let _ = standing::keep(&launch, &standing);
        }
        let untold = |standing: &Standing| standing.waiting > 0 || standing.words().is_some();
        standing.iter().filter(|standing| untold(standing)).map(Standing::line).collect()
    }
}

/// Between 0 and 1; so that what failed together does not come back together, nothing hangs on it.
fn chance() -> f64 {
    let drawn = RandomState::new().build_hasher().finish() >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float of this size has")]
    let drawn = drawn as f64;
    drawn / 9_007_199_254_740_992.0
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
