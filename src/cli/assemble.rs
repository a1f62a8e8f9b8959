//! Puts a launch together: the plan read and its mistakes told, the folder, the journal, the world, the
//! loop. What `run` and `rehearse` share.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use tokio::sync::mpsc;

use super::anchor::{Anchor, Clocks};
use super::group::Group;
use super::plans::Plans;
use super::reopen::{Told, reopen, stranded};
use super::say::err;
use super::site::Site;
use super::take_over::{self, refused, taken};
use super::{Common, logging, person, unwritten};
use crate::base::boundary::reach;
use crate::base::jq::Jq;
use crate::base::source::Source;
use crate::base::text::printable;
use crate::base::wire::{Client, Limits};
use crate::engine::acting::{self, Acting};
use crate::engine::amending::{self, Amender, Keep, Move};
use crate::engine::effects::{Effects, Faults, Offers, Switch};
use crate::engine::outbox::{self, Following};
use crate::engine::revisions;
use crate::engine::run::{Loop, Parts, Switching, Wires};
use crate::engine::steps::Outputs;
use crate::engine::time::{Axis, Pace};
use crate::engine::unwritten::launch_of;
use crate::engine::world::{self, World};
use crate::journal::{Beat, Holder, LaunchFolder, Purpose, TookOver};
use crate::kind::Catalogue;
use crate::launch;
use crate::launch::board::Board;
use crate::launch::countdown::Countdown;
use crate::launch::event::{Actor, Event, Mode};
use crate::launch::id::ObjectiveId;
use crate::launch::objective::ObjectiveState;
use crate::launch::plan::{Notify, Plan};
use crate::launch::time::Instant;
use crate::plan::{self, Environment, Hidden, Loaded, Options};
use crate::rehearsal::{Target, Traffic};
use crate::watch::Readings;
use crate::{base, clock};

/// Bytes kept back, given up when the disk is full, so that a rollback can still write its log.
const RESERVE: usize = 1 << 20;

/// The target of a rehearsal, and its faults.
pub struct Rehearsal {
    pub target: Arc<Target>,
    /// The numbers of its signals.
    pub traffic: Arc<Traffic>,
    pub switch: Switch,
    /// What of it a plan's target can have.
    pub offers: Offers,
    pub script: Vec<Switching>,
    /// The target of another plan.
    pub moves: Move,
}

/// What a launch is opened with.
pub struct Opening {
    pub source: Source,
    pub plan: Arc<Plan>,
    /// The plans that it went by before, oldest first.
    pub earlier: Vec<Arc<Plan>>,
    pub catalogue: Arc<Catalogue>,
    pub folder: LaunchFolder,
    /// False for the folder of a launch to go on with.
    pub new: bool,
    pub site: Site,
    /// What the plan's secrets stand in.
    pub hidden: Hidden,
    pub pace: Pace,
    pub rehearsal: Option<Rehearsal>,
    pub operator: Actor,
    /// Take it from the console that holds it, if one does.
    pub take_over: bool,
}

/// A launch that is ready to fly.
pub struct Flight {
    pub looping: Loop,
    /// The simulated target of a rehearsal: up as long as this lives.
    pub target: Option<Arc<Target>>,
    /// What a person should know about the journal that was found.
    pub noticed: Vec<String>,
    /// Tells others of the launch, for as long as it is flown and a little longer.
    pub telling: Following,
}

/// Reads a plan file.
///
/// # Errors
/// It cannot be read, or is no text.
pub fn read(path: &Path) -> anyhow::Result<Source> {
    let failed = || format!("failed to read the plan {}", path.display());
    let mut bytes = Vec::new();
    // One byte more than is allowed tells too much from just enough, and a device without end ends here.
    let most = u64::try_from(plan::LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path).with_context(failed)?.take(most).read_to_end(&mut bytes).with_context(failed)?;
    if bytes.len() > plan::LARGEST {
        bail!("the plan {} is larger than the {} MiB that are read", path.display(), plan::LARGEST >> 20);
    }
    let text = String::from_utf8(bytes).with_context(|| format!("the plan {} is no UTF-8 text", path.display()))?;
    Ok(Source::new(path.display().to_string(), text))
}

/// Loads a plan; its mistakes are printed, all of them, and end the command.
///
/// # Errors
/// The plan is not sound.
pub fn load(source: &Source, options: &Options) -> anyhow::Result<Loaded> {
    match plan::load(source.clone(), &Environment::of_process(), options) {
        Ok(loaded) => Ok(loaded),
        Err(mistakes) => {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            err!("{}", source.render(&mistakes, colour));
            match mistakes.iter().all(|mistake| mistake.code == "missing-variable") {
                true => bail!("{} cannot be flown from here: set what it needs", source.name),
                false => bail!("{} is not sound: {}", source.name, plan::counts(&mistakes)),
            }
        }
    }
}

/// The launch folder: the one named, or a new one in the state folder of this user.
///
/// # Errors
/// It cannot be made, is not readable, or is no launch.
pub fn folder(common: &Common, plan: &str, rehearsal: bool) -> anyhow::Result<(LaunchFolder, bool)> {
    let kind = if rehearsal { "rehearsals" } else { "launches" };
    let own = || {
        let stamp = clock::wall().format("%Y%m%d-%H%M%S%.3f");
        state_folder().join(kind).join(format!("{plan}-{stamp}"))
    };
    let group = common.group.as_deref().map(Group::named).transpose()?;
    let path = common.launch.clone().unwrap_or_else(own);
    group.as_ref().map_or(Ok(()), |group| group.reaches(&path))?;
    let new = common.launch.is_none() || !LaunchFolder::began(&path);
    let folder = if new { LaunchFolder::create(path)? } else { LaunchFolder::open(path)? };
    // What is made in it from here on is as the folder has it.
    group.map_or(Ok(()), |group| group.share(&folder))?;
    Ok((folder, new))
}

/// The folder of the launch to go on with, where --launch names one that was begun. `named` is whether a plan
/// is, too: without it nobody knows what a launch was that never began.
///
/// # Errors
/// Its console was killed before it began, and no plan is named.
pub fn existing(common: &Common, named: bool) -> anyhow::Result<Option<&Path>> {
    let Some(path) = common.launch.as_deref() else { return Ok(None) };
    if !named && LaunchFolder::never_began(path) {
        bail!(
            "the launch in {} was ended before it began, and nothing of it happened: name its plan to open it \
             again, or take another folder",
            path.display()
        );
    }
    if path.join("journal.db").exists() && !LaunchFolder::began(path) && !LaunchFolder::never_began(path) {
        return Err(unsited(path));
    }
    Ok(LaunchFolder::began(path).then_some(path))
}

/// Records, and no way to go on with them: where its steps run stands nowhere else.
fn unsited(path: &Path) -> anyhow::Error {
    let path = path.display();
    anyhow::anyhow!("{path} holds the journal of a launch, and not how it was opened (launch.json): put it back")
}

/// `$XDG_STATE_HOME/tminus`, or `~/.local/state/tminus`, or the temporary folder.
fn state_folder() -> PathBuf {
    let of = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = of("HOME").map(|home| home.join(".local/state"));
    of("XDG_STATE_HOME").or(home).unwrap_or_else(std::env::temp_dir).join("tminus")
}

/// The site of a launch to go on with.
///
/// # Errors
/// `launch.json` cannot be read.
pub fn site(folder: &LaunchFolder) -> anyhow::Result<Site> {
    let path = folder.launch();
    let bytes = std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not readable as a launch", path.display()))
}

/// How the plan is read: for the place that is asked for, or as when the launch was opened, where it is gone on with.
///
/// # Errors
/// Another is asked for.
pub fn options(asked: Option<&str>, known: Option<&Site>) -> anyhow::Result<Options> {
    let Some(site) = known else { return Ok(Options { target: asked.map(str::to_owned), ..Options::default() }) };
    if let Some(asked) = asked.filter(|asked| site.target.as_deref() != Some(*asked)) {
        let opened = site.target.as_deref().map_or("what the plan itself says".to_owned(), printable);
        bail!("this launch was opened for {opened}, not {}: leave --env out to go on with it", printable(asked));
    }
    Ok(site.options())
}

/// The operator as the arguments name one.
///
/// # Errors
/// The role is not in the plan or other people's, or the name is none for a person.
pub fn operator(common: &Common, plan: &Plan) -> anyhow::Result<Actor> {
    person::actor(plan, &common.name, common.role.as_deref())
}

/// Opens the journal, brings the board to where it stood, and makes the loop.
///
/// # Errors
/// Another console holds the folder, or something of it cannot be read or written.
pub async fn open(opening: Opening, wires: Wires) -> anyhow::Result<Flight> {
    let folder = opening.folder.clone();
    let mut ours = None;
    let flight = put_together(opening, wires, &mut ours).await;
    flight.map_err(|why| match ours {
        Some(Ours { new: false, took }) => stranded(&why, took.as_ref(), folder.path()),
        Some(Ours { new: true, .. }) | None => why,
    })
}

/// A launch whose journal was opened.
struct Ours {
    new: bool,
    took: Option<TookOver>,
}

/// As [`open`]; `ours` is set once nobody else acts.
async fn put_together(opening: Opening, wires: Wires, ours: &mut Option<Ours>) -> anyhow::Result<Flight> {
    let Opening { source, plan, earlier, catalogue, folder, new, mut site, hidden, pace, .. } = opening;
    let (rehearsal, operator, take_over) = (opening.rehearsal, opening.operator, opening.take_over);
    let first = earlier.first().map_or_else(|| Arc::clone(&plan), Arc::clone);
    let plans = Plans { earlier, newest: Arc::clone(&plan) };
    let holder = Holder::here(operator.name.clone(), clock::wall());
    let (opened, told) = {
        let folder = folder.clone();
        let purpose = if take_over { Purpose::TakeOver(holder) } else { Purpose::Act(holder) };
        let launch = printable(&folder.path().display().to_string());
        let again = format!("tminus {} --launch {launch}", site.word());
        let opened = tokio::task::spawn_blocking(move || reopen(&folder, &plans, purpose)).await?;
        opened.map_err(|why| refused(why, &again, &launch))?
    };
    let Some(journal) = opened.journal else { bail!("the journal was opened for reading only") };
    if let Some(by) = journal.taken_over() {
        bail!("{}", acting::words(by.as_ref()));
    }
    *ours = Some(Ours { new, took: opened.took_over.clone() });
    // The order is that of `LaunchFolder::began`: with the site there, the launch can be gone on with.
    if new {
        if told.last().is_some() {
            return Err(unsited(folder.path()));
        }
        folder.write(&folder.plan(), source.text.as_bytes())?;
        reach("plan-frozen");
        folder.write(&folder.path().join("reserve"), &[0; RESERVE])?;
        reach("reserve-kept");
    }
    if !new && plan::hash(&std::fs::read_to_string(folder.plan()).unwrap_or_default()) != plan.hash {
        // Its console died between the record of an amendment and this file.
        revisions::put_in_force(&folder, &source.text, &site.environment, &hidden)?;
    }
    let earlier = self::site(&folder).ok();
    let (earlier_side, anchor) = earlier.map_or((None, None), |site| (site.side, site.anchor));
    let (side, unkept) = unwritten::place(folder.path(), site.side.as_deref());
    let used = side.as_ref().and_then(|side| side.parent()).map(Path::to_owned).or(site.side.take());
    // Where an earlier console kept what it could not record is known until that is read in.
    site.side = if new { used.clone() } else { earlier_side.clone() };
    let axis = axis(&told.board, opened.beat, anchor.as_ref().filter(|_| !site.rehearsal));
    // Read first: the axis never seems to have stood elsewhere than it did, but by less than a millisecond on.
    let clocks = Clocks::read();
    site.anchor = clocks.anchor(axis.now().instant).filter(|_| !site.rehearsal);
    folder.write(&folder.launch(), &serde_json::to_vec_pretty(&site)?)?;
    reach("launch-filed");
    if told.last().is_none() {
        fits(&plan)?;
    }
    let Told { board, done, vouched, .. } = told;
    let (left, t) = left_at(&board, opened.beat);
    let over = board.ended.is_some();
    let launch_of = launch_of(&board);
    if let Some(rehearsal) = &rehearsal {
        rehearsal.traffic.along(axis.told(), !new);
        // The target is a new one: it misbehaves as the old one did.
        board.faults.iter().for_each(|fault| (rehearsal.switch)(fault, true));
        done.iter().for_each(|step| rehearsal.target.restore(step));
    }
    let (observations_in, observations) = mpsc::channel(4096);
    let mut world = World::new(world::Parts {
        plan: Arc::clone(&plan),
        catalogue: Arc::clone(&catalogue),
        client: Client::new(&site.network, Limits::default()).map_err(anyhow::Error::msg)?,
        jq: Jq::default(),
        observations: observations_in,
        program: base::proc::this_program(),
        folder: Some(folder.path().to_owned()),
        base: site.base.clone(),
        simulated: site.target(),
    });
    world.acting = Acting::by(journal.stake());
    world.redactor.cover().for_good();
    logging::to(&folder.console_log(), &world.redactor);
    let redactor = world.redactor.clone();
    let readings = Readings::new(axis.told(), &plan);
    if let Some(rehearsal) = &rehearsal {
        readings.made_by(Arc::clone(&rehearsal.traffic) as _);
    }
    let late = |(id, state): (&ObjectiveId, &ObjectiveState)| (id.clone(), state.counts.late);
    let late = board.objectives.iter().map(late).collect();
    let read = readings.read_back(&folder.samples(), &vouched, &late, &board.revisions.asked);
    if !over {
        readings.keep_in(folder.samples()).context("failed to begin to keep samples")?;
    }
    let telling = outbox::follow(&world, &folder, first, board.seq);
    let watch = amending::watch(&world, folder.streams(), Arc::clone(&readings));
    let (target, faults, script, moves) = match rehearsal {
        Some(Rehearsal { target, switch, offers, script, moves, .. }) => {
            let script = script.into_iter().filter_map(|switching| switching.left(&board)).collect();
            let faults = Faults::new(switch, offers, &world.plan, &world.catalogue);
            (Some(target), Some(faults), script, Some(moves))
        }
        None => (None, None, Vec::new(), None),
    };
    let (live, stage) = (watch.live(), Arc::new(Mutex::new(Arc::clone(&watch))));
    let shown = Arc::clone(&stage);
    // The shim took out what was known when it began; what was captured since then must not be shown either.
    let outputs: Outputs = Arc::new(move |item, mut view| {
        view.tail.iter_mut().for_each(|line| *line = redactor.text(line));
        shown.lock().unwrap_or_else(PoisonError::into_inner).show_output(item.clone(), view);
    });
    let parts = Parts {
        board,
        axis,
        journal,
        effects: Effects { world, watch: Some(watch), outputs, faults, decisions: Arc::default() },
        observations,
        live,
        pace,
        script,
        operator: operator.clone(),
        folder: Some(folder.path().to_owned()),
    };
    let mut looping = Loop::new(parts, wires).with_side(side);
    let mut noticed: Vec<String> = opened.noticed.iter().map(ToString::to_string).collect();
    // Nothing is added to a launch that has ended.
    if !over {
        if !new {
            let named = earlier_side.as_deref();
            noticed.extend(unwritten::read_in(&mut looping, &folder, &launch_of, named).await?);
            if used != earlier_side {
                site.side.clone_from(&used);
                folder.write(&folder.launch(), &serde_json::to_vec_pretty(&site)?)?;
            }
        }
        let event = first_event(&plan, left, t, site.rehearsal);
        for (actor, event) in taken(opened.took_over.as_ref(), &event, &operator) {
            looping.state(event, actor).await.map_err(anyhow::Error::msg)?;
        }
        looping.state(event, operator.clone()).await.map_err(anyhow::Error::msg)?;
        // What was found of the journal itself stands in it from now on.
        for notice in &opened.noticed {
            let told = Event::noted(format!("the journal: {notice}"));
            looping.state(told, Actor::engine()).await.map_err(anyhow::Error::msg)?;
        }
        for told in &read {
            looping.state(Event::noted(told.clone()), Actor::engine()).await.map_err(anyhow::Error::msg)?;
        }
    }
    noticed.extend(read);
    let (place, filed) = (folder.clone(), site.clone());
    let keep: Keep = Arc::new(move |network| {
        // An amendment may have written there since.
        let filed = self::site(&place).unwrap_or_else(|_| filed.clone());
        let site = Site { network: network.clone(), ..filed };
        let bytes = serde_json::to_vec_pretty(&site).map_err(|why| why.to_string())?;
        place.write(&place.launch(), &bytes).map_err(|why| why.to_string())
    });
    let (base, rehearsal) = (site.base.clone(), site.rehearsal);
    let amender = amending::Parts { folder: folder.clone(), base, rehearsal, stage, moves, keep, readings };
    let looping = looping.with_amender(Amender::new(amender));
    // A rehearsal proves nothing that must not be lost.
    noticed.extend(unkept.filter(|_| !site.rehearsal));
    noticed.extend(opened.took_over.as_ref().map(take_over::told));
    if site.rehearsal && !plan.notify.is_empty() {
        let whom = plan.notify.iter().map(Notify::called).collect::<Vec<_>>().join(", ");
        noticed.push(format!("what {whom} would be told goes to the simulated target, and to nobody else"));
    }
    Ok(Flight { looping, target, noticed, telling })
}

/// Where the axis stands: at the last thing known, carried on as [`Clocks::axis`] has it.
pub fn axis(board: &Board, beat: Option<Beat>, anchor: Option<&Anchor>) -> Axis {
    let recorded = board.recent.back().map(|record| (record.at, record.recorded_at));
    let known = beat.map(|beat| (beat.at, beat.wall)).into_iter().chain(recorded).max_by_key(|(at, _)| *at);
    Axis::new(Axis::machine(), Clocks::read().axis(anchor, known))
}

/// How the console before left: by itself or not; and the last T that is known.
#[must_use]
pub fn left_at(board: &Board, beat: Option<Beat>) -> (Option<bool>, i64) {
    let left = board.recent.back().map(|record| record.event == Event::ConsoleLeft);
    // A heartbeat from before the last record tells less than the record.
    let beat = beat.filter(|beat| beat.at >= board.at).map(|beat| beat.t);
    (left, beat.or_else(|| board.clock.as_ref().map(|clock| clock.t)).unwrap_or_default())
}

/// The opening of a new launch, or a console's return to one, which was `left` by itself or not.
pub fn first_event(plan: &Plan, left: Option<bool>, t: i64, rehearsal: bool) -> Event {
    match left {
        None => Event::LaunchOpened {
            plan: plan.id.clone(),
            plan_hash: plan.hash.clone(),
            mode: if rehearsal { Mode::Rehearsal } else { Mode::Launch },
            start: plan.start(clock::wall()),
            release: plan.release.clone(),
            target: plan.target.clone(),
        },
        Some(clean) => Event::ConsoleReturned { clean, t },
    }
}

/// The folder of a plan, absolute.
pub fn base_of(plan: &Path) -> PathBuf {
    let folder = plan.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

/// The next console may be opened in another folder.
pub fn absolute(path: &PathBuf) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.clone())
}

/// The plan of a launch to go on with, as it lay in its own folder: files it names are told from there.
pub fn named(site: &Site) -> String {
    let file = Path::new(&site.plan).file_name().unwrap_or_default();
    site.base.join(file).display().to_string()
}

/// Whether a new launch of `plan` can meet its own clock and window now; asked before anything is made.
///
/// # Errors
/// Why it cannot.
pub fn fits(plan: &Plan) -> anyhow::Result<()> {
    let terms = launch::board::terms(plan, Instant(0), clock::wall());
    Countdown::new(Instant(0), plan.start(clock::wall()), terms).context("the plan's clock")?;
    Ok(())
}

/// A launch keeps the plan it was opened with.
///
/// # Errors
/// The one named now differs from it.
pub fn same_text(named: &Path, frozen: &Source, folder: &LaunchFolder) -> anyhow::Result<()> {
    if read(named)?.text != frozen.text {
        let launch = printable(&folder.path().display().to_string());
        bail!(
            "{} differs from the plan this launch was opened with ({}): a launch keeps its plan; \
             leave the plan out to go on with the frozen one, or change it with `tminus amend {launch} {}`",
            named.display(),
            folder.plan().display(),
            named.display()
        );
    }
    Ok(())
}
