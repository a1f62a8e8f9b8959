//! The page of how often the bundled plans' triggers fire though nothing is wrong.

use std::fmt::Write as _;

use tminus::base::source::Source;
use tminus::launch::false_trips::{Noise, false_trips};
use tminus::launch::plan::{Condition, Plan, Trigger};
use tminus::plan::{self, Environment, Options};

/// Shares of samples that fail though nothing is wrong.
const SHARES: [f64; 3] = [0.001, 0.01, 0.02];

pub fn page(made: &str) -> String {
    let mut page = format!(
        "# How often noise fires a trigger\n\n{made}\n\nAn upper bound for the triggers of the bundled plans, where samples \
         fail independently of each other though nothing is wrong: each with the probability at the head of its column. \
         Outages, retries and bursts are no noise; they are what a trigger is for. How \
         many requests a number of Prometheus or of a script is made of no plan says: those are not counted here. `launch/false_trips.rs` says what is \
         counted, and its tests hold it to exact binomial tables and to simulated days.\n\n"
    );
    let heads: Vec<String> = SHARES.iter().map(|share| format!("{}% fail", share * 100.0)).collect();
    let _ = writeln!(
        page,
        "| plan | trigger | fires on | {} |\n|---|---|---|{}",
        heads.join(" | "),
        "---|".repeat(SHARES.len())
    );
    for (name, plan) in bundled() {
        for trigger in &plan.triggers {
            let cells: Vec<String> = SHARES.iter().map(|share| told(&plan, trigger, *share)).collect();
            let _ =
                writeln!(page, "| {name} | `{}` | {} | {} |", trigger.id, fires_on(&plan, trigger), cells.join(" | "));
        }
    }
    page
}

fn told(plan: &Plan, trigger: &Trigger, share: f64) -> String {
    let samples = match &trigger.when {
        Condition::Objective(id) => {
            let objective = plan.objectives.iter().find(|known| known.id == *id).expect("an objective");
            let monitor = objective.signal.monitor().and_then(|id| plan.monitors.iter().find(|known| known.id == id));
            // How many requests another system's number is made of the plan does not say.
            let Some(every) = monitor.map(|monitor| monitor.every) else { return "as its source counts".to_owned() };
            u64::try_from(objective.window.as_millis() / every.as_millis()).expect("a few")
        }
        // Whoever rules the alert has said how often it may be wrong.
        Condition::Monitor(id) if id.as_str().starts_with("alert.") => return "as its source counts".to_owned(),
        _ => 1,
    };
    false_trips(plan, trigger, Noise { share, samples })
        .map_or_else(|| "never by itself".to_owned(), |trips| trips.words())
}

fn fires_on(plan: &Plan, trigger: &Trigger) -> String {
    let lasts = humantime::format_duration(trigger.lasts);
    match &trigger.when {
        Condition::Objective(id) => {
            let objective = plan.objectives.iter().find(|known| known.id == *id).expect("an objective");
            let window = humantime::format_duration(objective.window);
            format!("not {} in {window}, for {lasts}", objective.that.words())
        }
        Condition::Monitor(id) => {
            let monitor = plan.monitors.iter().find(|known| known.id == *id).expect("a monitor");
            format!("{} failures of `{id}` in a row", monitor.fails_after + 1)
        }
        Condition::Manual => "a person's word".to_owned(),
    }
}

/// Every plan in config/ with triggers, by name.
fn bundled() -> Vec<(String, Plan)> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config")).expect("config/");
    let mut all: Vec<(String, Plan)> = folder
        .filter_map(|file| {
            let path = file.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.extension().is_none_or(|extension| extension != "toml") || name == "keymap.toml" {
                return None;
            }
            let source = Source::new(name.as_str(), std::fs::read_to_string(&path).expect("text"));
            let options = Options { rehearsal: true, ..Options::default() };
            let loaded = plan::load(source, &Environment::of_process(), &options).expect("a sound plan");
            Some((name, loaded.plan))
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}
