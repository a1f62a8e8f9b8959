//! Watching: 48 hours of 20 monitors at 1 Hz in simulated time (memory, disk), and 100 endpoints at 1 Hz for a minute
//! of real time (processor, memory). Prints figures beside their budgets; judges nothing.
//!
//! `cargo bench --bench watching -- [SECONDS]` (default 60 of real time).

mod usage;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tminus::journal::{self, LaunchFolder, Purpose};
use tminus::launch::command::Observation;
use tminus::launch::event::Event;
use tminus::launch::id::SignalId;
use tminus::launch::plan::{Beside, Monitor, Objective, Plan, SpecId};
use tminus::launch::threshold::Threshold;
use tminus::launch::time::Instant;
use tminus::launch::verdict::Verdict;
use tminus::watch::Readings;
use tminus::watch::point::{Point, Taken};
use usage::{TICKS, memory_kib, processor_ticks};

const TMINUS: &str = env!("CARGO_BIN_EXE_tminus");
const HOURS: i64 = 48;
const MONITORS: i64 = 20;
const ENDPOINTS: usize = 100;

fn main() -> ExitCode {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(60);
    let ran = tokio::runtime::Runtime::new().context("no runtime").and_then(|runtime| {
        let _inside = runtime.enter();
        days()?;
        endpoints(Duration::from_secs(seconds))
    });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("watching: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn monitor(number: i64) -> Monitor {
    Monitor {
        id: format!("m{number}").as_str().into(),
        title: String::new(),
        spec: SpecId(0),
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(5),
        fails_after: 3,
        items: Vec::new(),
        ready_for: None,
    }
}

/// Half of them over half a minute, half over a day.
fn objective(number: i64) -> Result<Objective> {
    let that = if number % 2 == 0 { "error_rate <= 5%" } else { "p95 <= 1.5s" };
    let window = if number % 4 < 2 { 30 } else { 86_400 };
    Ok(Objective {
        id: format!("o{number}").as_str().into(),
        title: String::new(),
        signal: format!("monitor.m{number}").as_str().into(),
        beside: Beside::Nothing,
        that: Threshold::parse(that).map_err(anyhow::Error::msg)?,
        window: Duration::from_secs(window),
        min_samples: 20,
        stale_after: Duration::from_secs(20),
        evaluate_every: Duration::from_secs(10),
        unknown_for: Duration::from_secs(60),
    })
}

fn days() -> Result<()> {
    let place = tempfile::tempdir()?;
    let objectives = (0..MONITORS).map(objective).collect::<Result<Vec<_>>>()?;
    let plan = Plan { monitors: (0..MONITORS).map(monitor).collect(), objectives, ..Plan::default() };
    let now = Arc::new(AtomicI64::new(0));
    let told = Arc::clone(&now);
    let readings = Readings::new(Arc::new(move || Instant(told.load(Ordering::SeqCst))), &plan);
    readings.keep_in(place.path().join("samples"))?;
    let intake = readings.intake();
    let signals: Vec<SignalId> = plan.monitors.iter().map(|monitor| SignalId::of_monitor(&monitor.id)).collect();
    let began = tokio::time::Instant::now();
    let (mut blocks, mut evaluations) = (0_usize, 0_usize);
    // The longest windows are a day's: full after it.
    let (mut first, mut day, mut most) = (0.0, 0.0, 0.0_f64);
    for second in 1..=HOURS * 3_600 {
        now.store(second * 1_000, Ordering::SeqCst);
        readings.watched(Instant(second * 1_000), None);
        for (signal, number) in signals.iter().zip(0_u64..) {
            let ms = 5 + (second.unsigned_abs() * 7 + number * 13) % 90;
            let verdict = if (second.unsigned_abs() + number) % 97 == 0 { Verdict::Fail } else { Verdict::Pass };
            let taken = Taken::Look { verdict, took: Duration::from_millis(ms) };
            intake.take(signal, Point { at: Instant(second * 1_000), taken, generated: false });
        }
        if second % 10 == 0 {
            evaluations += readings.evaluate(Instant(second * 1_000)).len();
        }
        // As often as the thread writes by itself: the disk sees the pages of a real launch.
        if second % 5 == 0 {
            readings.hurry();
            std::thread::yield_now();
        }
        if second % 3_600 == 0 {
            blocks += sealed(&readings, second / 60);
            let memory = memory_mib(std::process::id())?;
            most = most.max(memory);
            match second {
                3_600 => first = memory,
                86_400 => day = memory,
                _ => {}
            }
        }
    }
    let disk = used(place.path())?;
    println!("{HOURS} h of {MONITORS} monitors at 1 Hz, simulated in {:.1} s", began.elapsed().as_secs_f64());
    println!("  memory   {most:>7.1} MiB   (budget 60), after the first hour {first:.1}, after the first day {day:.1}");
    println!("  disk     {disk:>7.1} MiB   (budget 200), {blocks} blocks");
    println!("  {evaluations} evaluations");
    Ok(())
}

/// Waits until the minutes before `minute` are on disk.
fn sealed(readings: &Readings, minute: i64) -> usize {
    let mut count = 0;
    for _ in 0..2_000 {
        for observation in readings.sealed() {
            let Observation::SamplesKept { minute: sealed, blocks } = observation else { continue };
            count += blocks.len();
            if sealed.0 >= (minute - 1) * 60_000 {
                return count;
            }
        }
        readings.hurry();
        std::thread::sleep(Duration::from_millis(5));
    }
    count
}

/// MiB that a folder takes on disk.
fn used(folder: &Path) -> Result<f64> {
    let out = Command::new("du").arg("-sk").arg(folder).output()?;
    let text = String::from_utf8(out.stdout)?;
    let kib: f64 = text.split_whitespace().next().context("no size")?.parse()?;
    Ok(kib / 1_024.0)
}

fn endpoints(time: Duration) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    let place = tempfile::tempdir()?;
    let mut plan = String::from(HEAD);
    for number in 0..ENDPOINTS {
        plan.push_str(&format!(
            "[[monitor]]\nid = \"m{number}\"\nevery = \"1s\"\n[monitor.http]\nget = \"{url}{number}\"\nexpect = {{ status = 200 }}\n\n"
        ));
        if number % 10 == 0 {
            plan.push_str(&format!(
                "[[objective]]\nid = \"o{number}\"\nsignal = \"monitor.m{number}\"\nthat = \"error_rate <= 5%\"\nwindow = \"30s\"\n\
                 evaluate_every = \"1s\"\n\n"
            ));
        }
    }
    let path = place.path().join("plan.toml");
    std::fs::write(&path, plan.replace("URL", &url))?;
    let child = Command::new(TMINUS)
        .args(["run", "--headless", "--launch"])
        .arg(place.path().join("launch"))
        .arg(&path)
        .env("HOME", place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // The first seconds are its opening.
    std::thread::sleep(Duration::from_secs(3));
    let (processor, memory) = used_by(&mut [child], time)?;
    println!("{ENDPOINTS} endpoints at 1 Hz for {time:?}, samples kept, headless");
    println!("  processor {processor:>6.2} %     (budget 5)");
    println!("  memory    {memory:>6.1} MiB   (budget 40)");
    let (count, late) = late(&place.path().join("launch"))?;
    println!("  {count} evaluations of 10 objectives, the latest {late} ms after its instant (budget 250)");
    match peers(&url, place.path(), time) {
        Ok((processor, memory)) => {
            println!("  blackbox_exporter with Prometheus, beside it: {processor:.2} %, {memory:.1} MiB");
        }
        Err(why) => println!("  blackbox_exporter with Prometheus is not compared: {why:#}"),
    }
    Ok(())
}

/// How many evaluations a launch recorded, and how long after its instant the latest was: what a trigger adds to its
/// interval, as it fires in the turn that evaluates.
fn late(launch: &Path) -> Result<(usize, i64)> {
    let opened = journal::open(&LaunchFolder::open(launch)?, Purpose::Read)?;
    let mut late = Vec::new();
    for record in &opened.records {
        if let Event::Evaluated { rounds } = &record.event {
            late.extend(rounds.iter().map(|round| record.at.0 - round.at.0));
        }
    }
    Ok((late.len(), late.iter().copied().max().context("no evaluation")?))
}

/// Percent of a core and MiB of these together, over `time`; they are ended.
fn used_by(children: &mut [Child], time: Duration) -> Result<(f64, f64)> {
    let measured = (|| {
        let ticks = |children: &[Child]| children.iter().map(|child| processor_ticks(child.id())).sum::<Result<f64>>();
        let before = ticks(children)?;
        std::thread::sleep(time);
        let memory = children.iter().map(|child| memory_mib(child.id())).sum::<Result<f64>>()?;
        Ok::<_, anyhow::Error>((100.0 * (ticks(children)? - before) / TICKS / time.as_secs_f64(), memory))
    })();
    for child in children {
        let _ = child.kill();
        let _ = child.wait();
    }
    measured
}

/// The same endpoints, as often, by the pair that is usually put to it.
fn peers(url: &str, place: &Path, time: Duration) -> Result<(f64, f64)> {
    let free = || -> Result<u16> { Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port()) };
    let (blackbox, prometheus) = (free()?, free()?);
    let targets: Vec<String> = (0..ENDPOINTS).map(|number| format!("'{url}{number}'")).collect();
    let modules = place.join("blackbox.yml");
    std::fs::write(&modules, "modules:\n  up:\n    prober: http\n    timeout: 5s\n")?;
    let scrapes = place.join("prometheus.yml");
    let config = format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: up\n  metrics_path: /probe\n  params:\n    module: [up]\n  \
         static_configs:\n  - targets: [{}]\n  relabel_configs:\n  - source_labels: [__address__]\n    target_label: __param_target\n  \
         - source_labels: [__param_target]\n    target_label: instance\n  - target_label: __address__\n    replacement: \
         127.0.0.1:{blackbox}\n",
        targets.join(", ")
    );
    std::fs::write(&scrapes, config)?;
    let start = |program: &str, arguments: &[String]| {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().with_context(|| format!("{program} does not start"))
    };
    let listen = |port: u16| format!("--web.listen-address=127.0.0.1:{port}");
    let storage = format!("--storage.tsdb.path={}", place.join("tsdb").display());
    let asked = [
        ("prometheus-blackbox-exporter", vec![format!("--config.file={}", modules.display()), listen(blackbox)]),
        ("prometheus", vec![format!("--config.file={}", scrapes.display()), storage, listen(prometheus)]),
    ];
    let mut children = Vec::new();
    for (program, arguments) in asked {
        match start(program, &arguments) {
            Ok(child) => children.push(child),
            Err(why) => {
                let _ = used_by(&mut children, Duration::ZERO);
                return Err(why);
            }
        }
    }
    std::thread::sleep(Duration::from_secs(5));
    used_by(&mut children, time)
}

fn answer(mut stream: std::net::TcpStream) {
    let mut asked = [0; 4_096];
    while let Ok(1..) = stream.read(&mut asked) {
        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

fn memory_mib(pid: u32) -> Result<f64> {
    Ok(memory_kib(pid)? / 1_024.0)
}

const HEAD: &str = r#"
[plan]
schema = 1
id = "many"
title = "Many"
environment = "bench"

[clock]
start = "T-2h"

[[phase]]
id = "gate"
title = "Gate"
at = "T-1h"
gate = true

[[phase.item]]
id = "up"
title = "Up"
[phase.item.http]
get = "URL"
expect = { status = 200 }

"#;
