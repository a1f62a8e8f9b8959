//! What a launch needs to go by another plan while it is flown: the file read and compared with the plan in
//! force, the world and the watch made anew. The loop decides; steps in flight notice nothing.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::effects::Effects;
use super::inbox;
use super::revisions;
use super::world::World;
use crate::base::regular;
use crate::base::source::Source;
use crate::base::text::{cut, printable, printable_lines};
use crate::base::wire::{Client, Limits, Network};
use crate::journal::LaunchFolder;
use crate::kind::Catalogue;
use crate::launch::amend::{Amendment, again, fits, told};
use crate::launch::board::{Board, Progress};
use crate::launch::id::{ItemId, RequestId, SessionId};
use crate::launch::plan::{Act, Plan};
use crate::launch::port::Proposal;
use crate::launch::time::Instant;
use crate::launch::verdict::Verdict;
use crate::plan::{self, Environment, Hidden, Options, Variables, diff};
use crate::watch::{Readings, Watch};

/// How long a stream's head may take; monitors have timeouts of their own.
pub const WATCH_TIMEOUT: Duration = Duration::from_secs(10);
/// A plan that a launch is amended to is not larger, in bytes.
pub const LARGEST: usize = 1 << 20;
/// Columns and lines of the mistakes of a plan that a refusal tells.
const MISTAKES_KEPT: usize = 4_000;

/// The place of the simulated target of a rehearsal, made for another plan; the one before lives on for what
/// is in flight.
pub struct Moved {
    pub network: Network,
    pub address: SocketAddr,
    pub target: Arc<dyn Any + Send + Sync>,
}

pub type Moving = Pin<Box<dyn Future<Output = Result<Moved, String>> + Send>>;
/// Makes the simulated target of another plan, on which these steps have succeeded.
pub type Move = Arc<dyn Fn(Arc<Plan>, Arc<Catalogue>, Vec<ItemId>) -> Moving + Send + Sync>;
/// Writes down where the target of a rehearsal is, for rollbacks that start from plain files.
pub type Keep = Arc<dyn Fn(&Network) -> Result<(), String> + Send + Sync>;
/// The watch whose picture is shown: steps in flight show their output in whichever it is.
pub type Stage = Arc<Mutex<Arc<Watch>>>;

/// What [`Amender`] is made of.
pub struct Parts {
    pub folder: LaunchFolder,
    /// The folder of the plan, where its secrets' files are told from.
    pub base: PathBuf,
    pub rehearsal: bool,
    pub stage: Stage,
    pub moves: Option<Move>,
    pub keep: Keep,
    /// What was seen so far: an amendment loses nothing of it.
    pub readings: Arc<Readings>,
}

/// Looks plans over for a launch, and makes what it needs to go by one.
pub struct Amender {
    parts: Parts,
    /// Targets that something may still ask.
    targets: Vec<Arc<dyn Any + Send + Sync>>,
}

/// A plan that loads, compared with the one in force.
pub struct Prepared {
    pub plan: Arc<Plan>,
    pub catalogue: Arc<Catalogue>,
    pub text: String,
    /// The environment variables that its variables stand on.
    pub environment: Variables,
    pub hidden: Hidden,
    pub amendment: Amendment,
}

impl fmt::Debug for Amender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Amender").field("folder", &self.parts.folder).finish_non_exhaustive()
    }
}

/// Reads a plan file to amend by.
///
/// # Errors
/// It cannot be read, is too large, or no text: a sentence.
pub fn read(path: &Path) -> Result<String, String> {
    let shown = printable(&path.display().to_string());
    let bytes = regular::read(path, LARGEST as u64).map_err(|why| format!("{shown} cannot be read: {why}"))?;
    String::from_utf8(bytes).map_err(|_| format!("{shown} is no UTF-8 text"))
}

/// Loads `text` and compares it with the plan that `board` goes by. Blocks.
///
/// # Errors
/// Its mistakes, or that the plan in force is in no file any more.
pub fn prepare(folder: &LaunchFolder, source: &Source, options: &Options, board: &Board) -> Result<Prepared, String> {
    let text = source.text.clone();
    if text.len() > LARGEST {
        return Err(format!("a plan that a launch is amended to has at most {} MiB", LARGEST >> 20));
    }
    // Another plan than the one that was opened is held to all that a new one is.
    let options = Options { no_launch: false, ..options.clone() };
    let loaded = plan::load(source.clone(), &Environment::of_process(), &options).map_err(|mistakes| {
        let told = printable_lines(&source.render(&mistakes, false));
        format!("the plan is not sound:\n{}", told.chars().take(MISTAKES_KEPT).collect::<String>())
    })?;
    let old = revisions::text(folder, board.revisions.number, &board.plan.hash)?;
    let amendment = diff::amendment(&old, &text, &loaded.plan);
    Ok(Prepared {
        environment: loaded.environment,
        hidden: loaded.hidden,
        plan: Arc::new(loaded.plan),
        catalogue: Arc::new(loaded.catalogue),
        text,
        amendment,
    })
}

impl Amender {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts, targets: Vec::new() }
    }

    #[must_use]
    pub fn folder(&self) -> &LaunchFolder {
        &self.parts.folder
    }

    /// As [`prepare`], of what is called `name`.
    ///
    /// # Errors
    /// As [`prepare`].
    pub fn prepare(&self, name: &Path, text: String, board: &Board) -> Result<Prepared, String> {
        let name = name.file_name().unwrap_or(name.as_os_str());
        let source = Source::new(self.parts.base.join(name).display().to_string(), text);
        let site = revisions::site(&self.parts.folder)?;
        let options = Options { rehearsal: self.parts.rehearsal, without_secrets: false, ..site.options() };
        prepare(&self.parts.folder, &source, &options, board)
    }

    /// What a request for an amendment handed in beside it.
    ///
    /// # Errors
    /// There is none, or none of ours.
    pub fn handed_in(&self, id: &RequestId) -> Result<String, String> {
        inbox::plan::take(&self.parts.folder.inbox(), id)
    }

    /// Looks a plan file over for whoever asks at the console.
    #[must_use]
    pub fn look_over(&self, number: u32, path: &str, board: &Board, now: Instant) -> (Proposal, Option<Prepared>) {
        let prepared = read(Path::new(path)).and_then(|text| self.prepare(Path::new(path), text, board));
        let fits = prepared.and_then(|prepared| {
            fits(board, &prepared.plan, &prepared.amendment, now).map_err(|why| why.0)?;
            Ok(prepared)
        });
        let path = cut(&printable(path), 200);
        match fits {
            Ok(prepared) => {
                let (found, notes) = (Ok(prepared.amendment.clone()), told(board, &prepared.plan, now));
                (Proposal { number, path, found, notes }, Some(prepared))
            }
            Err(why) => (Proposal { number, path, found: Err(why), notes: Vec::new() }, None),
        }
    }

    /// The simulated target for `prepared`, in a rehearsal.
    ///
    /// # Errors
    /// It could not be made.
    pub async fn moved(&self, prepared: &Prepared, board: &Board) -> Result<Option<(Moved, Client)>, String> {
        let Some(moves) = &self.parts.moves else { return Ok(None) };
        let moved = moves(Arc::clone(&prepared.plan), Arc::clone(&prepared.catalogue), done(board)).await?;
        let client = Client::new(&moved.network, Limits::default())?;
        Ok(Some((moved, client)))
    }

    /// The hands for `prepared` in place of `old`, which watch nothing any more; what is in flight goes on.
    /// What could not be written down is said.
    pub fn refit(
        &mut self,
        prepared: &Prepared,
        moved: Option<(Moved, Client)>,
        old: &mut Effects,
    ) -> Result<(), String> {
        let again = again(&old.world.plan, &prepared.plan, &prepared.amendment.changed);
        let keeps = |id: &SessionId| {
            let mut mates = prepared.plan.items.values().filter(|item| item.session.as_ref() == Some(id));
            !mates.any(|item| again.contains(&item.id))
        };
        let kept = moved.as_ref().map_or(Ok(()), |(moved, _)| (self.parts.keep)(&moved.network));
        let place = moved.map(|(moved, client)| {
            self.targets.push(moved.target);
            (client, moved.address)
        });
        let world = old.world.under(&prepared.plan, &prepared.catalogue, place, keeps);
        let readings = Arc::clone(&self.parts.readings);
        readings.under(&prepared.plan, &prepared.amendment.asked);
        let watch = watch(&world, self.parts.folder.streams(), readings);
        if let Some(earlier) = old.watch.replace(Arc::clone(&watch)) {
            tokio::spawn(async move { earlier.stop().await });
        }
        *self.parts.stage.lock().unwrap_or_else(PoisonError::into_inner) = watch;
        old.world = world;
        kept
    }
}

/// The steps that succeeded, in the order of the plan, and those of rollbacks after them.
fn done(board: &Board) -> Vec<ItemId> {
    let order = board.plan.phases.iter().flat_map(|phase| &phase.items);
    let passed = |id: &&ItemId| {
        let step = board.plan.item(id).is_some_and(|item| matches!(item.act, Act::Step { .. }));
        let ended = board.item(id).map(|state| &state.progress);
        step && matches!(ended, Some(Progress::Ended { verdict: Verdict::Pass, .. }))
    };
    let rolled = board.rollbacks.iter().flat_map(|run| &run.steps);
    let rolled = rolled.filter(|step| step.end.as_ref().is_some_and(|(verdict, _)| *verdict == Verdict::Pass));
    order.filter(passed).chain(rolled.map(|step| &step.step)).cloned().collect()
}

/// The monitors and streams of a world, looking from now on; what they see goes to `readings`.
#[must_use]
pub fn watch(world: &World, streams: PathBuf, readings: Arc<Readings>) -> Arc<Watch> {
    let watching = world.clone();
    let watch = Arc::new(Watch::start(
        &world.plan,
        Arc::clone(&world.catalogue),
        Arc::new(move |entry| watching.context(entry, &watching.known(), WATCH_TIMEOUT)),
        world.observations.clone(),
        streams,
        readings,
    ));
    world.see(watch.samples());
    watch
}
