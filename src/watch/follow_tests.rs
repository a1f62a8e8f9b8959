//! What following lines promises: nothing lost at a rotation, nothing kept that must not be seen, bounded memory, and
//! that a program which ends is seen to end.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use toml::de::DeTable;

use super::follow::Follow;
use super::point::{Point, Taken};
use super::*;
use crate::base::table::{Notes, Table};
use crate::base::wire::{Client, Limits, Network};
use crate::kind::tail::Take;
use crate::launch::id::SignalId;
use crate::launch::live::StreamView;
use crate::launch::time::Instant as Axis;

/// A stream being followed.
struct Followed {
    folder: tempfile::TempDir,
    outlet: Outlet,
    cancel: CancellationToken,
    samples: Arc<Mutex<Vec<Point>>>,
    told: mpsc::Receiver<Observation>,
    task: tokio::task::JoinHandle<()>,
}

const PATIENCE: Duration = Duration::from_secs(30);

fn table<T>(text: &str, read: impl FnOnce(&Table<'_>) -> Option<T>) -> T {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[stream]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = read(&table);
    table.finish();
    let found = notes.take_diagnostics();
    assert!(found.is_empty(), "{text}: {found:?}");
    read.expect("a table")
}

/// Follows what `text` says, a signal taking what `takes` says.
fn follow(text: &str, takes: &str, before: &str) -> Followed {
    let folder = tempfile::tempdir().expect("a folder");
    if !before.is_empty() {
        std::fs::write(folder.path().join("app.log"), before).expect("written");
    }
    let (sender, told) = mpsc::channel(64);
    let (outlet, cancel) = (Outlet::new(sender), CancellationToken::new());
    let samples = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&samples);
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    let redactor = crate::base::secret::Redactor::new(["s3cr3t-token".to_owned()]);
    let cx = Context { base: folder.path().to_owned(), redactor: redactor.clone(), ..Context::new(client) };
    let taking = Taking {
        takes: vec![table(takes, |table| Take::read(table, SignalId::new("s")))],
        intake: Intake::new(Arc::new(|| Axis(7)), Arc::new(move |_, point| to.lock().expect("ours").push(point))),
        outlet: outlet.clone(),
        scope: cx.scope.clone(),
        jq: cx.jq.clone(),
        redactor,
    };
    let raw = Raw::open(&folder.path().join("kept.log"));
    let (id, tail) = (StreamId::new("app"), table(text, Tail::read));
    let follow = Follow { id, tail, cx, raw, outlet: outlet.clone(), taking, cancel: cancel.clone() };
    let task = tokio::spawn(follow.keep());
    Followed { folder, outlet, cancel, samples, told, task }
}

impl Followed {
    fn log(&self) -> PathBuf {
        self.folder.path().join("app.log")
    }

    fn view(&self) -> StreamView {
        self.outlet.show(|live| live.streams.get(&StreamId::new("app")).cloned().unwrap_or_default())
    }

    /// Waits until the picture is so.
    async fn until(&self, what: &str, is: impl Fn(&StreamView) -> bool) -> StreamView {
        let until = async {
            let mut looks = tokio::time::interval(Duration::from_millis(5));
            loop {
                looks.tick().await;
                let view = self.view();
                if is(&view) {
                    return view;
                }
            }
        };
        let Ok(view) = tokio::time::timeout(PATIENCE, until).await else { panic!("{what}: {:#?}", self.view()) };
        view
    }

    fn texts(&self) -> Vec<String> {
        self.view().lines.iter().map(|line| line.text.clone()).collect()
    }

    fn kept(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("kept.log")).expect("kept")
    }

    async fn end(self) -> (Vec<Point>, Vec<(bool, String)>) {
        self.cancel.cancel();
        self.task.await.expect("no panic");
        let mut told = self.told;
        let mut changes = Vec::new();
        while let Ok(Observation::StreamChanged { open, why, .. }) = told.try_recv() {
            changes.push((open, why));
        }
        let samples = self.samples.lock().expect("ours").clone();
        (samples, changes)
    }
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("opened");
    file.write_all(text.as_bytes()).expect("written");
}

const ERRORS: &str = "errors = { level = 'error' }\nredact = 'user=\\S+'\n";

#[tokio::test]
async fn a_file_is_followed_through_rotation_and_truncation() {
    let followed = follow(&format!("log = 'app.log'\n{ERRORS}"), "jq = '.ms'", "{\"ms\":1,\"a\":\"old\"}\n");
    followed.until("open", |view| view.open).await;
    let log = followed.log();
    append(&log, "{\"ms\":2}\nhalf of a ");
    followed.until("a line", |view| view.total == 1).await;
    append(&log, "line user=anna s3cr3t-token\n{\"ms\":3,\"level\":\"error\"}\nthe last");
    followed.until("three lines", |view| view.total == 3).await;
    std::fs::rename(&log, followed.folder.path().join("app.log.1")).expect("moved");
    append(&followed.folder.path().join("app.log.1"), " of the old\n");
    append(&log, "{\"ms\":4,\"more\":true}\n");
    followed.until("five lines", |view| view.total == 5).await;
    std::fs::write(&log, "{\"ms\":5}\n").expect("cut short");
    let view = followed.until("after the truncation", |view| view.total >= 6).await;
    assert_eq!((view.total, view.errors, view.open), (6, 1, true));
    assert_eq!(followed.texts()[1], "half of a line (redacted) «redacted»");
    assert!(!followed.kept().contains("anna") && !followed.kept().contains("s3cr3t"), "{}", followed.kept());
    assert!(followed.kept().contains("the last of the old"), "{}", followed.kept());
    let (samples, changes) = followed.end().await;
    let numbers: Vec<f64> = samples
        .iter()
        .filter_map(|point| match point.taken {
            Taken::Number { value, .. } => Some(value),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [2.0, 3.0, 4.0, 5.0], "what was there before is no sample of now");
    assert_eq!(changes.first().map(|(open, _)| *open), Some(true));
}

#[tokio::test]
async fn what_was_there_is_shown_from_the_start_and_never_counted() {
    let text = format!("log = 'app.log'\nbegin = 'start'\n{ERRORS}");
    let followed = follow(&text, "jq = '.ms'", "{\"ms\":1}\n{\"ms\":2}\n");
    followed.until("two lines", |view| view.total == 2).await;
    append(&followed.log(), "{\"ms\":3}\n");
    followed.until("a third", |view| view.total == 3).await;
    let (samples, _) = followed.end().await;
    assert_eq!(samples.len(), 1, "{samples:?}");
    assert!(matches!(samples[0].taken, Taken::Number { value, .. } if value == 3.0));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_waited_for_and_that_is_said() {
    let followed = follow(&format!("log = 'app.log'\n{ERRORS}"), "jq = '.ms'", "");
    let view = followed.until("said", |view| view.last_error.is_some()).await;
    assert!(!view.open && view.last_error.as_deref().is_some_and(|why| why.contains("No such file")), "{view:?}");
    append(&followed.log(), "{\"ms\":1}\n");
    followed.until("its first line", |view| view.total == 1).await;
    let (samples, changes) = followed.end().await;
    assert_eq!(samples.len(), 1, "what came after we waited for it is new");
    assert_eq!(changes.iter().map(|(open, _)| *open).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn a_long_line_is_cut_and_is_no_sample_and_many_lines_cost_what_the_pane_keeps() {
    let followed = follow(&format!("log = 'app.log'\n{ERRORS}"), "regex = 'n=([0-9]+)'", "x\n");
    followed.until("open", |view| view.open).await;
    let long = "x".repeat(40 << 10);
    append(&followed.log(), &format!("n=1 user=anna {long} n=2\n"));
    let many: String = (0..5_000).map(|at| format!("line {at}\n")).collect();
    append(&followed.log(), &many);
    let view = followed.until("all", |view| view.total == 5_001).await;
    assert!(view.lines.len() <= crate::launch::live::LINES_KEPT && view.dropped >= 3_000, "{}", view.dropped);
    let kept = followed.kept();
    let first = kept.lines().next().expect("a line").to_owned();
    assert!(first.ends_with("(cut)") && first.len() < 1_000 && !first.contains("anna"), "{first}");
    let (samples, _) = followed.end().await;
    assert!(samples.is_empty(), "{samples:?}");
}

#[tokio::test]
async fn a_program_that_ends_is_started_again_and_shown_as_reconnects() {
    let script = "echo '{\"ms\":1,\"level\":\"error\"}'; echo oops >&2; exit 3";
    let text = format!("command = ['sh', '-c', {script:?}]\n{ERRORS}");
    let followed = follow(&text, "errors = true\njq = '.ms'\nunit = 'ms'", "");
    let view = followed.until("a second start", |view| view.reconnects >= 1 && view.errors >= 2).await;
    assert!(view.errors >= 2, "{view:?}");
    assert!(view.last_error.as_deref().is_some_and(|why| why.contains("exit 3") && why.contains("oops")), "{view:?}");
    let (samples, changes) = followed.end().await;
    let failed = |point: &Point| matches!(point.taken, Taken::Look { verdict: Verdict::Fail, took } if took == Duration::from_millis(1));
    assert!(samples.iter().all(failed) && !samples.is_empty(), "{samples:?}");
    assert_eq!(changes.iter().take(3).map(|(open, _)| *open).collect::<Vec<_>>(), [true, false, true]);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said_and_tried_again() {
    let followed = follow("command = ['/no/such/program']\n", "jq = '.ms'", "");
    let view = followed.until("said", |view| view.last_error.is_some()).await;
    assert!(!view.open && view.total == 0, "{view:?}");
    let (samples, changes) = followed.end().await;
    assert!(samples.is_empty() && changes.iter().all(|(open, _)| !open), "{changes:?}");
}

#[tokio::test]
async fn whose_lines_they_are_is_told_without_a_secret() {
    let samples: Arc<Mutex<Vec<Point>>> = Arc::default();
    let to = Arc::clone(&samples);
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    let cx = Context::new(client);
    let mut take = table("jq = '.n'", |table| Take::read(table, SignalId::new("s")));
    take.instance = Some("of-s3cr3t-token".into());
    let taking = Taking {
        takes: vec![take],
        intake: Intake::new(Arc::new(|| Axis(7)), Arc::new(move |_, point| to.lock().expect("ours").push(point))),
        outlet: Outlet::new(mpsc::channel(8).0),
        scope: cx.scope.clone(),
        jq: cx.jq.clone(),
        redactor: crate::base::secret::Redactor::new(["s3cr3t-token".to_owned()]),
    };
    taking.text("{\"n\":4}", false).await;
    let samples = samples.lock().expect("ours");
    let [Point { taken: Taken::Number { instance: Some(whose), .. }, .. }] = samples.as_slice() else {
        panic!("{samples:?}")
    };
    assert!(whose.starts_with("of-") && !whose.contains("s3cr3t"), "{whose}");
}
