//! A journal of 1,000,000 events: opened to its board in a fresh process (wall, processor time, peak
//! memory), where that time goes, verified by the binary; and a synced append beside a bare write and sync
//! of the same bytes. Prints figures beside their budgets.
//!
//! `cargo bench --bench journal -- [EVENTS]` (default 1,000,000).

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::DateTime;
use tminus::base::source::Source;
use tminus::journal::chain::{Head, Link, Walk};
use tminus::journal::sqlite::Sqlite;
use tminus::journal::store::{Durable, Expected, Store};
use tminus::journal::{Draft, Holder, LaunchFolder, Purpose, head, open, open_each, record};
use tminus::launch::board::Board;
use tminus::launch::event::{Actor, Event, Mode, Recorded, Vote};
use tminus::launch::id::{Attempt, ItemId, RoleId};
use tminus::launch::plan::Plan;
use tminus::launch::time::{Instant, Now, Wall};
use tminus::launch::verdict::{Finding, Outcome, Report, Verdict};
use tminus::plan::{Environment, Options, load};
use tokio::time::Instant as Clock;

const TMINUS: &str = env!("CARGO_BIN_EXE_tminus");
const EVENTS: u64 = 1_000_000;
/// Records a transaction while the journal is made.
const BATCH: u64 = 10_000;
const ROUNDS: usize = 5;
const APPENDS: usize = 2_000;
const MIB: f64 = 1024.0 * 1024.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["__open", folder] => to_board(Path::new(folder)),
        ["__stages", folder] => stages(Path::new(folder)),
        [events] => events.parse().context("the number of events must be a number").and_then(figures),
        _ => figures(EVENTS),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("journal: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn figures(events: u64) -> Result<()> {
    // Where this was built: a real disk, where the temporary folder may be in memory.
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let folder = LaunchFolder::create(place.path().join("launch"))?;
    let bytes = make(&folder, events)?;
    let file = std::fs::metadata(folder.journal())?.len();
    let each = bytes as f64 / events as f64;
    println!("a journal of {events} events, {each:.0} bytes each, {:.0} MiB of database", file as f64 / MIB);

    let this = std::env::current_exe()?;
    let (mut walls, mut cpus, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (wall, out) = ran(Command::new(&this).arg("__open").arg(folder.path()))?;
        let mut said = out.split_whitespace().map(|word| word.parse::<f64>().unwrap_or_default());
        let (seq, cpu, peak) = (said.next(), said.next().unwrap_or_default(), said.next().unwrap_or_default());
        ensure!(seq == Some(events as f64), "the board ends at {seq:?}");
        walls.push(wall.as_secs_f64());
        cpus.push(cpu);
        peaks.push(peak);
    }
    println!("opened to its board, whole process, median of {ROUNDS} (load {})", load_average());
    println!("  wall         {:>7.2} s     (budget 2)", median(&mut walls));
    println!("  fastest      {:>7.2} s", walls.first().copied().unwrap_or_default());
    println!("  processor    {:>7.2} s", median(&mut cpus));
    println!("  peak memory  {:>7.1} MiB   (budget 300), VmHWM", median(&mut peaks) / 1024.0);
    let (_, out) = ran(Command::new(&this).arg("__stages").arg(folder.path()))?;
    print!("{out}");
    let (wall, _) = ran(Command::new(TMINUS).arg("verify").arg(folder.path()))?;
    println!("tminus verify  {:>7.2} s", wall.as_secs_f64());
    appends(place.path())
}

fn ran(command: &mut Command) -> Result<(Duration, String)> {
    let began = Clock::now();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let took = began.elapsed();
    // `verify` has no plan to find here: it says so, and has looked at every record all the same.
    ensure!(matches!(output.status.code(), Some(0 | 1)), "{command:?}: {}", output.status);
    Ok((took, String::from_utf8(output.stdout)?))
}

fn median(all: &mut [f64]) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

fn plan() -> Result<Arc<Plan>> {
    let source = Source::new("omniai.toml", include_str!("../config/omniai.toml"));
    let options = Options { rehearsal: true, ..Options::default() };
    let loaded = load(source, &Environment::of_process(), &options);
    Ok(Arc::new(loaded.map_err(|mistakes| anyhow::anyhow!("{} mistakes", mistakes.len()))?.plan))
}

fn wall(n: u64) -> Wall {
    let millis = 1_700_000_000_000 + i64::try_from(n).unwrap_or_default() * 100;
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// What a long launch is made of: monitors that change, checks that run again, notes, votes, steps.
fn event(n: u64, plan: &Plan, items: &[ItemId]) -> Event {
    let item = || items[usize::try_from(n / 7).unwrap_or_default() % items.len()].clone();
    let attempt = Attempt(u32::try_from(n / 50 + 1).unwrap_or_default());
    let why =
        |words: &str| format!("{words}: request {n} to https://api.omniplexity.example/v1/chat took {} ms", n % 900);
    let took = Duration::from_millis(n % 700);
    let monitor = || plan.monitors.get(usize::try_from(n).unwrap_or_default() % plan.monitors.len().max(1));
    match n % 100 {
        0..35 => Event::MonitorChanged {
            monitor: monitor().map_or_else(|| "api".into(), |monitor| monitor.id.clone()),
            verdict: if n.is_multiple_of(2) { Verdict::Pass } else { Verdict::Fail },
            why: why("the answer is late"),
        },
        35..52 => Event::ItemStarted { item: item(), attempt },
        52..75 => {
            let finding = |subject: &str| Finding::held(subject, "200", "200", true);
            let findings = vec![finding("status"), finding("header content-type"), finding(".ok")];
            Event::ItemEnded { item: item(), attempt, report: Report::of(findings, took) }
        }
        75..87 => Event::noted(why("the error rate of the canary rose and fell again, we look at the logs")),
        87..90 => Event::Voted {
            poll: None,
            bound: None,
            role: plan.roles.first().map_or_else(|| RoleId::new("lead"), |role| role.id.clone()),
            vote: Vote::NoGo { reason: why("not yet") },
        },
        90..95 => Event::StreamChanged {
            stream: "chat".into(),
            open: n.is_multiple_of(2),
            why: why("the stream ended early"),
        },
        95 => Event::StepIntended { item: item(), attempt },
        96 | 97 => Event::StepStarted { item: item(), attempt, pid: 4711 },
        _ => {
            let outcome = Outcome { exit: Some(0), took, ..Outcome::default() };
            Event::StepEnded { item: item(), attempt, verdict: Verdict::Pass, outcome }
        }
    }
}

fn recorded(n: u64, plan: &Plan, items: &[ItemId]) -> Recorded {
    let event = match n {
        1 => Event::LaunchOpened {
            plan: plan.id.clone(),
            plan_hash: plan.hash.clone(),
            mode: Mode::Rehearsal,
            start: plan.start(wall(n)),
            release: plan.release.clone(),
            target: None,
        },
        _ => event(n, plan, items),
    };
    let now = Now { instant: Instant(i64::try_from(n).unwrap_or_default() * 100), wall: wall(n) };
    Draft::now(now, Actor::person("operator", Some(RoleId::new("release-lead"))), event).record(n)
}

/// Writes the journal, and says how many bytes its records have.
fn make(folder: &LaunchFolder, events: u64) -> Result<u64> {
    let plan = plan()?;
    let items: Vec<ItemId> = plan.items.keys().cloned().collect();
    let mut store = Sqlite::open(&folder.journal())?;
    let epoch = store.raise_epoch()?;
    let (mut at, mut bytes) = (Head::default(), 0);
    while at.seq < events {
        let before = at;
        let mut links = Vec::new();
        while at.seq < events && at.seq < before.seq + BATCH {
            let kept = record::encode(&recorded(at.seq + 1, &plan, &items))?;
            bytes += kept.len() as u64;
            at = at.then(&kept);
            links.push(Link { seq: at.seq, hash: at.hash, bytes: kept });
        }
        store.append(Expected { epoch, head: before }, &links, Durable::Written)?;
    }
    store.settle()?;
    head::write(&folder.head(), at)?;
    Ok(bytes)
}

fn holder() -> Purpose {
    Purpose::Act(Holder::here("bench", wall(0)))
}

/// Opens as a console does, and prints what it came to: records, processor seconds, peak KiB.
fn to_board(folder: &Path) -> Result<()> {
    let folder = LaunchFolder::open(folder)?;
    let mut board = Board::new(plan()?);
    let opened = open_each(&folder, holder(), &mut |record| board.take(Arc::new(record)))?;
    ensure!(opened.journal.is_some() && opened.noticed.is_empty(), "{:?}", opened.noticed);
    println!("{} {} {}", board.seq, processor_seconds()?, peak_kib()?);
    Ok(())
}

fn processor_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    // User and system time, in hundredths of a second on every Linux.
    Ok((ticks(11) + ticks(12)) / 100.0)
}

fn peak_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak memory")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// Where the time goes, one thread doing one thing more each time.
fn stages(folder: &Path) -> Result<()> {
    let folder = LaunchFolder::open(folder)?;
    let plan = plan()?;
    let stage = |name: &str, each: &mut dyn FnMut(Link)| -> Result<()> {
        let mut store = Sqlite::open_to_read(&folder.journal())?;
        let began = Clock::now();
        store.read(&mut |link| {
            each(link);
            true
        })?;
        println!("  {name:<12} {:>7.2} s", began.elapsed().as_secs_f64());
        Ok(())
    };
    println!("in one thread:");
    stage("read", &mut drop)?;
    let mut walk = Walk::new(None);
    stage("and hash", &mut |link| drop(walk.prove(&link)))?;
    stage("read, decode", &mut |link| drop(record::decode(&link.bytes)))?;
    let mut board = Board::new(plan);
    stage("and fold", &mut |link| {
        if let Ok(record) = record::decode(&link.bytes) {
            board.take(Arc::new(record));
        }
    })
}

/// Synced appends through the journal, each beside a bare write and sync of as many bytes.
fn appends(place: &Path) -> Result<()> {
    let plan = plan()?;
    let items: Vec<ItemId> = plan.items.keys().cloned().collect();
    let folder = LaunchFolder::create(place.join("appends"))?;
    let journal = open(&folder, holder())?.journal.context("to act")?;
    let mut bare = File::create(place.join("bare"))?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    runtime.block_on(async {
        for n in 2..APPENDS as u64 + 2 {
            let Recorded { at, occurred_at, recorded_at, actor, event, .. } = recorded(n, &plan, &items);
            let draft = Draft { at, occurred_at, recorded_at, actor, event };
            let bytes = record::encode(&draft.clone().record(n))?;
            let began = Clock::now();
            journal.append(vec![draft], Durable::Synced).await?;
            ours.push(began.elapsed().as_secs_f64() * 1000.0);
            let began = Clock::now();
            bare.write_all(&bytes)?;
            bare.sync_data()?;
            floor.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        anyhow::Ok(())
    })?;
    runtime.block_on(journal.close());
    println!("{APPENDS} synced appends, each beside a bare write and fdatasync of its bytes");
    for (name, all) in [("append", &mut ours), ("bare", &mut floor)] {
        let p50 = median(all);
        let p99 = all.get(all.len() * 99 / 100).copied().unwrap_or_default();
        println!("  {name:<12} {p50:>7.2} ms p50 {p99:>7.2} ms p99");
    }
    Ok(())
}
