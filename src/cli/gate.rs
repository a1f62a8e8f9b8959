//! `tminus gate`: runs checks once, without a launch. For CI and for a look before the launch.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::headless::{self, Progress};
use super::say::{self, err};
use super::{INTERRUPTED, assemble, outfile, runtime};
use crate::base::jq::Jq;
use crate::base::proc::this_program;
use crate::base::wire::{Client, Limits, Network};
use crate::clock;
use crate::engine::effects::Effects;
use crate::engine::run::{Crew, Loop, Parts, wires};
use crate::engine::select::{Selected, select};
use crate::engine::time::{Axis, Pace};
use crate::engine::world::{self, World};
use crate::evidence::junit::{Run, junit};
use crate::journal::{self, Holder, Journal, LaunchFolder, Purpose};
use crate::launch::board::{Board, ItemState, Progress as Going};
use crate::launch::command::Command;
use crate::launch::event::{Actor, Event, Mode};
use crate::launch::plan::Item;
use crate::launch::port::Snapshot;
use crate::launch::time::{Instant, Now};
use crate::launch::verdict::{Finding, Verdict};
use crate::plan::{Loaded, Options};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The plan file.
    plan: PathBuf,
    /// Phases or items to run, with what they need; every gate before T-0 unless named.
    names: Vec<String>,
    /// Print one JSON document with every verdict, expected, seen and duration.
    #[arg(long)]
    json: bool,
    /// Write every verdict as JUnit XML, for a CI server.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The place to look at: the plan's own environment, or one of its targets.
    #[arg(long, value_name = "TARGET")]
    env: Option<String>,
    /// Keep the journal of this run in a new folder.
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
}

/// # Errors
/// The plan, the names or the folder are wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    // Before anything that may fail: whoever reads it after exit code 3 would take the one of before for this run's.
    arguments.junit.as_deref().map(outfile::clear).transpose()?;
    let source = assemble::read(&arguments.plan)?;
    let loaded = assemble::load(
        &source,
        &Options { target: arguments.env.clone(), without_secrets: true, no_launch: true, ..Options::default() },
    )?;
    for unset in &loaded.unset {
        err!("tminus: {} is not set ({}): what needs it cannot be told", unset.variable, source.at(unset.span));
    }
    let selected = select(&loaded.plan, &arguments.names).map_err(anyhow::Error::msg)?;
    runtime()?.block_on(fly(arguments, loaded, selected))
}

async fn fly(arguments: &Arguments, loaded: Loaded, selected: Selected) -> anyhow::Result<i32> {
    let plan = Arc::new(selected.plan);
    let journal = match &arguments.journal {
        None => Journal::in_memory()?,
        Some(path) => {
            let folder = LaunchFolder::create(path)?;
            let opened = journal::open(&folder, Purpose::Act(Holder::here("gate", clock::wall())))?;
            opened.journal.ok_or_else(|| anyhow::anyhow!("the journal was opened for reading only"))?
        }
    };
    let (observations_in, observations) = mpsc::channel(4096);
    let world = World::new(world::Parts {
        plan: Arc::clone(&plan),
        catalogue: Arc::new(loaded.catalogue),
        client: Client::new(&Network::Outside, Limits::default()).map_err(anyhow::Error::msg)?,
        jq: Jq::default(),
        observations: observations_in,
        program: this_program(),
        folder: None,
        base: assemble::base_of(Path::new(&loaded.source.name)),
        simulated: None,
    });
    world.redactor.cover().for_good();
    let (_live, live) = watch::channel(Arc::default());
    let now = Now { instant: Instant(0), wall: clock::wall() };
    let (wires, port) = wires(Snapshot::unopened(Arc::clone(&plan), Mode::Gate, now, clock::boot(), String::new()));
    let parts = Parts {
        board: Board::new(Arc::clone(&plan)),
        axis: Axis::new(Axis::machine(), Instant(0)),
        journal,
        effects: Effects { world, watch: None, outputs: Arc::new(|_, _| ()), faults: None, decisions: Arc::default() },
        observations,
        live,
        pace: Pace::Real,
        script: Vec::new(),
        operator: Actor::engine(),
        folder: None,
    };
    let mut looping = Loop::new(parts, wires);
    let opened = Event::LaunchOpened {
        plan: plan.id.clone(),
        plan_hash: plan.hash.clone(),
        mode: Mode::Gate,
        start: 0,
        release: plan.release.clone(),
        target: plan.target.clone(),
    };
    looping.state(opened, Actor::engine()).await.map_err(anyhow::Error::msg)?;
    let began = clock::boot();
    let crew: Crew =
        Box::new(|board, _| over(board).then(|| (Actor::engine(), Command::End { why: "every check has run".into() })));
    let progress = Progress::start(&port);
    let board = tokio::select! {
        board = looping.run(Some(crew)) => board,
        () = headless::interrupted() => return Ok(INTERRUPTED),
    };
    progress.stop();
    let verdict =
        Verdict::worst(board.items.values().map(|state| state.verdict(None, Instant(0)).unwrap_or(Verdict::Unknown)));
    let code = code(&board, verdict);
    let took = Duration::from_millis(u64::try_from(clock::boot() - began).unwrap_or(0));
    let out = if arguments.json {
        serde_json::to_string_pretty(&document(&board, &selected.left_out, verdict, code, took))? + "\n"
    } else {
        lines(&board, &selected.left_out, verdict, took)
    };
    say::whole(&out);
    let Some(path) = &arguments.junit else { return Ok(code) };
    let run = Run { left_out: &selected.left_out, exit: code, took };
    Ok(outfile::last(path, junit(&board, Instant(0), run).as_bytes(), code))
}

/// Nothing runs and nothing more can start.
fn over(board: &Board) -> bool {
    board.items.values().all(|state| matches!(state.progress, Going::Ended { .. } | Going::Blocked { .. }))
}

/// 0 where every item passed, or warned (a launch would want that acknowledged; here it is said); else 1 if anything failed, 2 if nothing did and something cannot
/// be told.
fn code(board: &Board, worst: Verdict) -> i32 {
    let clear = board.plan.items.values().all(|item| {
        let state = board.item(&item.id).and_then(|state| state.verdict(None, Instant(0)));
        match state {
            Some(Verdict::Pass | Verdict::Warn) => true,
            Some(Verdict::Skipped) => item.allow_skipped,
            _ => false,
        }
    });
    match (clear && !board.items.is_empty(), worst) {
        (true, _) => 0,
        (false, Verdict::Unknown | Verdict::Stale) => 2,
        (false, _) => 1,
    }
}

fn in_order(board: &Board) -> impl Iterator<Item = &Item> {
    board.plan.phases.iter().flat_map(|phase| &phase.items).filter_map(|id| board.plan.items.get(id))
}

fn document(
    board: &Board,
    left_out: &[(crate::launch::id::ItemId, String)],
    verdict: Verdict,
    code: i32,
    took: Duration,
) -> Value {
    let items: Vec<Value> = in_order(board).map(|item| item_document(board, item)).collect();
    let left_out: Vec<Value> = left_out.iter().map(|(id, why)| json!({ "id": id, "why": why })).collect();
    json!({
        "version": 1,
        "plan": board.plan.id,
        "title": board.plan.title,
        "environment": board.plan.environment,
        "plan_sha256": board.plan.hash,
        "verdict": verdict,
        // Nobody can waive where there is no launch.
        "waivers": 0,
        "exit": code,
        "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "items": items,
        "left_out": left_out,
    })
}

fn item_document(board: &Board, item: &Item) -> Value {
    let state = board.item(&item.id);
    let report = state.and_then(|state| state.report.as_ref());
    let blocked = state.and_then(|state| match &state.progress {
        Going::Blocked { by } => Some(format!("not run: {by}")),
        _ => None,
    });
    let findings: Vec<Value> = report.map(|report| report.findings.iter().map(finding).collect()).unwrap_or_default();
    json!({
        "id": item.id,
        "title": item.title,
        "phase": item.phase,
        "kind": item.kind,
        "verdict": state.and_then(|state| state.verdict(None, Instant(0))).unwrap_or(Verdict::Unknown),
        "attempt": state.and_then(|state| state.attempt),
        "retries": state.map_or(0, |state| state.retries),
        "took_ms": report.map(|report| u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX)),
        "summary": blocked.or_else(|| report.map(|report| report.summary.clone())),
        "findings": findings,
    })
}

fn finding(finding: &Finding) -> Value {
    let Finding { row, subject, expected, seen, verdict } = finding;
    json!({ "row": row, "subject": subject, "expected": expected, "seen": seen, "verdict": verdict })
}

fn lines(board: &Board, left_out: &[(crate::launch::id::ItemId, String)], verdict: Verdict, took: Duration) -> String {
    let mut out = String::new();
    for item in in_order(board) {
        let document = item_document(board, item);
        let verdict = document["verdict"].as_str().unwrap_or_default();
        let took = document["took_ms"].as_u64().map(|ms| format!("{ms} ms")).unwrap_or_default();
        let summary = document["summary"].as_str().unwrap_or_default();
        let retried = board.item(&item.id).and_then(ItemState::retried);
        let retried = retried.map(|retried| format!(", {retried}")).unwrap_or_default();
        out.push_str(&format!("{verdict:<8}{took:>8}  {}: {summary}{retried}\n", item.id));
    }
    for (id, why) in left_out {
        out.push_str(&format!("left out         {id}: {why}\n"));
    }
    let checks = match board.items.len() {
        0 => "nothing was checked: the plan has no gate before T-0; name a phase or an item".to_owned(),
        1 => "1 check".to_owned(),
        many => format!("{many} checks"),
    };
    out.push_str(&format!("\n{checks}, {verdict}, {} ms\n", took.as_millis()));
    out
}
