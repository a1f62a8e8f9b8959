//! `tminus report LAUNCH`: what a launch came to, as one HTML file or as Markdown. Reads only, while a console holds
//! the launch too. Exit codes: 0 it was made, 2 not all of the journal could be read, and the report says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::frozen::Frozen;
use super::say::{self, err};
use super::strangers::strangers;
use super::{CANNOT_TELL, outfile};
use crate::base::text::printable;
use crate::engine::{revisions, rollback};
use crate::evidence::report::{self, Document, Sample, Series, Story, Stranger};
use crate::journal::{self, LaunchFolder, Noticed, Purpose};
use crate::launch::event::Event;
use crate::launch::verdict::Verdict;
use crate::watch::kept::{Vouched, history};
use crate::watch::point::{Point, Taken};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
    /// Where to write it; to standard output unless named. A file that is there is replaced.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// As Markdown, for a wiki or a post-mortem, instead of HTML.
    #[arg(long)]
    markdown: bool,
}

/// A launch as it is told, and whether all of its journal was read.
pub struct Told {
    pub document: Document,
    pub whole: bool,
}

/// # Errors
/// The folder is no launch, its plan does not load, or the file cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let frozen = Frozen::open(&arguments.launch)?;
    let told = read(&frozen)?;
    let text = if arguments.markdown { report::markdown(&told.document) } else { report::html(&told.document) };
    match &arguments.out {
        Some(path) => outfile::write(path, text.as_bytes())?,
        None => say::whole(&text),
    }
    if told.whole {
        return Ok(0);
    }
    let launch = printable(&frozen.folder.path().display().to_string());
    err!(
        "tminus: not all of the journal could be read, and the report says so; `tminus verify {launch}` says what is wrong"
    );
    Ok(CANNOT_TELL)
}

/// Reads a launch for its report: the journal as far as it is sound, and the samples that its records vouch for.
///
/// # Errors
/// The journal cannot be read.
pub fn read(frozen: &Frozen) -> anyhow::Result<Told> {
    let folder = &frozen.folder;
    let mut story = Story::new(Arc::clone(&frozen.first));
    story.learn(&frozen.plan);
    let mut vouched = Vouched::default();
    let opened = journal::open_each(folder, Purpose::Read, &mut |record| {
        match &record.event {
            Event::PlanAmended { revision, plan_hash, .. } if !story.knows(plan_hash) => {
                match revisions::load(folder, *revision, plan_hash) {
                    Ok(plan) => story.learn(&plan),
                    Err(why) => story.doubt(why),
                }
            }
            Event::LaunchOpened { plan_hash, .. } if *plan_hash != frozen.first.hash => {
                story.doubt("plan.toml is not the plan this launch was opened with: what is told may be wrong");
            }
            Event::SamplesKept { minute, blocks } => vouched.take(*minute, blocks),
            _ => {}
        }
        story.take(&record);
    })?;
    for notice in &opened.noticed {
        story.doubt(format!("The journal: {notice}"));
    }
    unjournaled(folder.path(), &mut story);
    story.ends(opened.head);
    samples(folder, &vouched, &mut story);
    let document = story.told().redacted(&frozen.redactor);
    Ok(Told { document, whole: !opened.noticed.iter().any(Noticed::is_short) })
}

/// What rollbacks came to that the journal does not tell to their end, by their runners' own logs.
fn unjournaled(launch: &Path, story: &mut Story) {
    let runs = match strangers(launch, |run| story.tells_end_of(run)) {
        Ok(runs) => runs,
        Err(why) => {
            return story.doubt(format!("the folder of rollbacks cannot be read, there may have been some: {why}"));
        }
    };
    for rollback::Found { run, rollback, request } in runs {
        let rollback::Progress { begun, end } = rollback::progress(launch, run, &rollback);
        let asked = request.map(|request| (request.at, request.name, request.why));
        story.stranger(Stranger { run, rollback, asked, begun, end });
    }
}

fn samples(folder: &LaunchFolder, vouched: &Vouched, story: &mut Story) {
    let frames = story.frames();
    for (signal, counter) in story.signals() {
        let mut series: Vec<Series> = frames.iter().map(|frame| Series::new(*frame, counter)).collect();
        let told = history(&folder.samples().as_path(), &signal, vouched, &mut |point, _| {
            let Point { at, taken, generated } = point;
            let sample = sample(taken);
            series.iter_mut().for_each(|series| series.take(at, sample.clone(), generated));
        });
        for why in told {
            story.doubt(why);
        }
        story.samples(signal, series);
    }
}

fn sample(taken: Taken) -> Sample {
    match taken {
        Taken::Look { verdict, took } => {
            let told = !matches!(verdict, Verdict::Unknown | Verdict::Stale | Verdict::Skipped);
            Sample::Look { failed: verdict == Verdict::Fail, told, took }
        }
        Taken::Number { value, instance, .. } => Sample::Number { value, of: instance },
        Taken::Histogram { .. } => Sample::Histogram,
        Taken::Nothing => Sample::Nothing,
    }
}
