//! A launch that is watched: its objectives are evaluated from what its monitors see, a console that is killed and
//! returns has its windows full again, and a block of samples that was altered is named.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::binary::{Place, Ran, ended, signal};
use crate::pty::{Seat, WIDE};
use crate::told::records;
use crate::wait::comes;
use rustix::process::Signal;
use tminus::launch::event::{Event, Recorded};
use tminus::launch::objective::{Counts, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PLAN: &str = r#"
[plan]
schema = 1
id = "watching"
title = "Watching"
environment = "test"

[clock]
start = "T-1h"

[[phase]]
id = "gate"
title = "Gate"
at = "T-30m"
gate = true

[[phase.item]]
id = "up"
title = "Up"
[phase.item.http]
get = "URL"
expect = { status = 200 }

[[monitor]]
id = "api"
every = "200ms"
[monitor.http]
get = "URL"
expect = { status = 200 }

[[objective]]
id = "errors"
signal = "monitor.api"
that = "error_rate <= 5%"
window = "60s"
min_samples = 20
evaluate_every = "1s"
"#;

/// Answers every request with the status that is set; its address.
async fn serve(status: Arc<AtomicU16>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let status = Arc::clone(&status);
            tokio::spawn(async move {
                let mut asked = [0; 4_096];
                while let Ok(1..) = stream.read(&mut asked).await {
                    let head = format!("HTTP/1.1 {} Told\r\ncontent-length: 0\r\n\r\n", status.load(Ordering::SeqCst));
                    if stream.write_all(head.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    url
}

/// What the objective counted, each time.
fn counted(records: &[Recorded]) -> Vec<Counts> {
    let rounds = records.iter().filter_map(|record| match &record.event {
        Event::Evaluated { rounds } => Some(rounds),
        _ => None,
    });
    rounds.flatten().filter_map(|round| round.counts.get(&"errors".into()).cloned()).collect()
}

async fn counts(folder: &Path, wanted: impl Fn(&Counts) -> bool) {
    comes("such counts", || counted(&records(folder)).iter().any(&wanted)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_console_has_its_windows_full_again_and_an_altered_block_is_named() {
    let status = Arc::new(AtomicU16::new(200));
    let url = serve(Arc::clone(&status)).await;
    let place = Place::new(&[]);
    let plan = place.path("plan.toml");
    std::fs::write(&plan, PLAN.replace("URL", &url)).expect("written");
    let folder = place.path("launch");
    let at = folder.display().to_string();
    let mut first = place.start(&["run", &plan.display().to_string(), "--headless", "--launch", &at]);
    counts(&folder, |counts| counts.seen.of >= 10 && counts.seen.against == 0).await;
    status.store(500, Ordering::SeqCst);
    counts(&folder, |counts| counts.seen.of >= 20 && counts.seen.against * 20 > counts.seen.of).await;
    // What is on disk by now, the next console knows.
    let block = folder.join("samples/monitor.api/000000-0");
    let written = || std::fs::metadata(&block).map_or(0, |file| file.len());
    comes("samples on disk", || written() >= 7 * 30).await;
    signal(&first, Signal::KILL);
    let _ = first.wait().await;
    let before = records(&folder).len();

    // On a terminal: after a crash a headless console has nobody to wait for, and leaves.
    let mut second = Seat::start(&place.path(""), &["run", "--launch", &at, "--name", "ann"], &[], WIDE);
    comes("another round", || !counted(&records(&folder)[before..]).is_empty()).await;
    let again = counted(&records(&folder)[before..]).remove(0);
    // So many looks take it five seconds.
    assert!(again.seen.of >= 25 && again.seen.against >= 1, "{again:?}");
    assert!(again.known < Span(60_000), "before the launch nobody watched: {again:?}");
    comes("a record of the samples", || {
        records(&folder).iter().any(|record| matches!(record.event, Event::SamplesKept { .. }))
    })
    .await;
    second.signal(Signal::TERM);
    second.over();

    let whole = place.run(&["verify", &at]).await;
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert!(whole.out.contains("every block of samples"), "{whole:?}");
    let mut bytes = std::fs::read(&block).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&block, bytes).expect("written");
    let broken = place.run(&["verify", &at]).await;
    assert_eq!(broken.code, Some(1), "{broken:?}");
    assert!(broken.out.contains("wrong: samples/monitor.api") && broken.out.contains("of minute 0"), "{broken:?}");
}

const WORDS: &str = r#"
[roles.lead]
title = "Lead"
votes = true

[[trigger]]
id = "hands"
when = "manual"
then = "rollback.back"
mode = "auto"
veto = "10m"
[[trigger]]
id = "calls"
when = "manual"
then = "rollback.back"
[[trigger]]
id = "errors-4m"
when = "objective.errors"
for = "4m"
then = "rollback.back"

[[rollback]]
id = "back"
key = "1"
[[rollback.step]]
id = "redeploy"
class = "idempotent"
run = { command = ["true"] }
[[rollback.verify]]
id = "served"
http = { get = "URL", expect = { status = 200 } }
"#;

/// `tminus trigger LAUNCH …` of somebody at another terminal.
async fn says(place: &Place, words: &[&str]) -> Ran {
    let at = place.path("launch").display().to_string();
    let ran = place.run(&[&["trigger", &at], words, &["--name", "bob"]].concat()).await;
    assert!(!ran.err.contains("panicked"), "{ran:?}");
    ran
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_is_fired_vetoed_and_taken_on_from_another_terminal() {
    let url = serve(Arc::new(AtomicU16::new(200))).await;
    let place = Place::new(&[]);
    let (plan, folder) = (place.path("plan.toml"), place.path("launch"));
    std::fs::write(&plan, format!("{PLAN}{WORDS}").replace("URL", &url)).expect("written");
    let at = folder.display().to_string();
    let holder = place.start(&["run", &plan.display().to_string(), "--headless", "--name", "ana", "--launch", &at]);
    counts(&folder, |counts| counts.seen.of >= 20).await;
    let refused = async |words: &[&str], why: &str| {
        let ran = says(&place, words).await;
        let told = format!("{}{}", ran.out, ran.err);
        assert!(!matches!(ran.code, None | Some(0)) && told.contains(why), "{why}: {ran:?}");
    };
    refused(&["hands", "fire", "users", "call"], "--as").await;
    refused(&["hands", "fire", "--as", "lead"], "needs a reason").await;
    refused(&["hands", "shoot", "--as", "lead"], "veto, take-on or fire").await;
    refused(&["handz", "veto", "--as", "lead"], "hands").await;
    refused(&["hands", "veto", "no", "--as", "lead"], "has not fired").await;
    refused(&["hands", "take-on", "--as", "lead"], "nothing to acknowledge").await;
    refused(&["hands", "take-on", "mine", "--as", "lead"], "takes no reason").await;
    let done = async |words: &[&str]| {
        let ran = says(&place, words).await;
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
    };
    done(&["hands", "fire", "users", "call", "--as", "lead"]).await;
    refused(&["hands", "take-on", "--as", "lead"], "starts by itself: veto it").await;
    done(&["hands", "veto", "it", "is", "us", "--as", "lead"]).await;
    done(&["calls", "fire", "they", "call", "--as", "lead"]).await;
    done(&["calls", "take-on", "--as", "lead"]).await;
    signal(&holder, Signal::TERM);
    let left = ended(holder).await;
    assert!(left.err.contains("interrupted"), "{left:?}");

    let told = records(&folder);
    let of = |wanted: &str| {
        let words = told.iter().filter_map(|record| match &record.event {
            Event::TriggerFired { trigger, why, starts } if trigger.as_str() == wanted => {
                Some(format!("fired {why} {}", starts.is_some()))
            }
            Event::TriggerVetoed { trigger, why } if trigger.as_str() == wanted => {
                Some(format!("vetoed by {} as {:?}: {why}", record.actor.name, record.actor.role.as_ref()?.as_str()))
            }
            Event::TriggerAcknowledged { trigger } if trigger.as_str() == wanted => {
                Some(format!("taken on by {}", record.actor.name))
            }
            _ => None,
        });
        words.collect::<Vec<_>>()
    };
    assert_eq!(of("hands"), ["fired by bob (Lead): users call true", "vetoed by bob as \"lead\": it is us"]);
    assert_eq!(of("calls"), ["fired by bob (Lead): they call false", "taken on by bob"]);
    assert!(told.iter().all(|record| !matches!(record.event, Event::RollbackRequested { .. })), "nothing was started");
}
