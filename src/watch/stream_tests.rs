//! The promises of the live tail, over scripted answers and paused time: above all what its client
//! would do by itself and must not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use toml::de::DeTable;

use super::guard::{Opened, Opens};
use super::outlet::Outlet;
use super::raw::Raw;
use super::stream::Tail;
use crate::base::jq::Jq;
use crate::base::secret::Redactor;
use crate::base::table::{Notes, Table};
use crate::base::template::{Scope, Template};
use crate::base::wire::{Cause, Request};
use crate::kind::check::Check;
use crate::kind::check::sse::Sse;
use crate::kind::session::{Session, SessionPlan};
use crate::launch::command::Observation;
use crate::launch::id::StreamId;
use crate::launch::live::{LINES_KEPT, StreamView};

/// One answer: status, headers, chunks with the wait before each, whether the server closes then.
type Told = (u16, Vec<(&'static str, String)>, Vec<(u64, Vec<u8>)>, bool);

/// Answers in turn; after the last, no answer ever.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Result<Told, Cause>>>>,
    asked: Arc<Mutex<Vec<(Instant, Request)>>>,
    /// Held by every open connection.
    held: Arc<()>,
}

impl Opens for Script {
    async fn open(&self, request: Request) -> Result<Opened, Cause> {
        self.asked.lock().expect("ours").push((Instant::now(), request));
        let next = self.answers.lock().expect("ours").pop_front();
        let Some(next) = next else { std::future::pending().await };
        let (status, headers, chunks, closes) = next?;
        let held = Arc::clone(&self.held);
        let told = stream::iter(chunks).then(move |(wait, bytes)| {
            let held = Arc::clone(&held);
            async move {
                let _held = held;
                tokio::time::sleep(Duration::from_millis(wait)).await;
                Ok(Bytes::from(bytes))
            }
        });
        let breaks = headers.iter().any(|(name, _)| *name == "x-break").then_some(Err(Cause::Reset));
        let told = told.chain(stream::iter(breaks));
        let body = if closes { told.boxed() } else { told.chain(stream::pending()).boxed() };
        let headers = headers.into_iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::try_from(value).expect("a value"))
        });
        Ok(Opened { status, headers: headers.collect(), body })
    }
}

fn events(chunks: &[(u64, &[u8])], closes: bool) -> Result<Told, Cause> {
    let kind = vec![("content-type", "text/event-stream; charset=utf-8".to_owned())];
    Ok((200, kind, chunks.iter().map(|(wait, bytes)| (*wait, bytes.to_vec())).collect(), closes))
}

fn status(status: u16) -> Result<Told, Cause> {
    Ok((status, vec![("content-type", "text/event-stream".to_owned())], Vec::new(), true))
}

fn moved(to: &str) -> Result<Told, Cause> {
    Ok((307, vec![("location", to.to_owned())], Vec::new(), true))
}

fn sse(text: &str) -> Sse {
    let (parsed, _) = DeTable::parse_recoverable(text);
    let notes = Notes::default();
    Sse::read(&Table::new("[stream.sse]", parsed.span().into(), parsed.get_ref(), &notes)).expect("a table")
}

struct Played {
    view: StreamView,
    asked: Vec<(u64, Request)>,
    told: Vec<(bool, String)>,
    /// Whether the tail ended by itself.
    ended: bool,
    raw: String,
}

const TABLE: &str = "get = 'https://a.example/stream'\nexpect = { never = [{ event = 'oops' }] }\nuntil = { any = [{ event = 'done' }] }\n";

/// Tails for so many seconds of paused time.
async fn played(answers: Vec<Result<Told, Cause>>, seconds: u64) -> Played {
    played_with(answers, seconds, &Arc::new(())).await
}

fn tail(script: Script, raw: Raw, outlet: &Outlet, cancel: &CancellationToken) -> Tail<Script> {
    let plan = SessionPlan {
        headers: vec![("Authorization".to_owned(), Template::literal("Bearer s3cr3t-token"))],
        ..SessionPlan::default()
    };
    Tail {
        id: StreamId::new("s"),
        sse: sse(TABLE),
        opens: script,
        jq: Jq::default(),
        redactor: Redactor::new(["s3cr3t-token".to_owned()]),
        scope: Scope::default(),
        base: std::path::PathBuf::new(),
        session: Some(Session::new(plan)),
        raw,
        outlet: outlet.clone(),
        taking: super::taking::Taking {
            takes: Vec::new(),
            intake: super::point::Intake::new(Arc::new(|| crate::launch::time::Instant(0)), Arc::new(|_, _| {})),
            outlet: outlet.clone(),
            scope: Scope::default(),
            jq: Jq::default(),
            redactor: Redactor::default(),
        },
        cancel: cancel.clone(),
    }
}

/// The same; each open connection holds `held` until it is dropped.
async fn played_with(answers: Vec<Result<Told, Cause>>, seconds: u64, held: &Arc<()>) -> Played {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("streams/s.sse");
    let script = Script { answers: Arc::new(Mutex::new(answers.into())), ..Script::default() };
    let script = Script { held: Arc::clone(held), ..script };
    let (sender, mut observations) = mpsc::channel(64);
    let (outlet, cancel) = (Outlet::new(sender), CancellationToken::new());
    let tail = tail(script.clone(), Raw::open(&path), &outlet, &cancel);
    let began = Instant::now();
    let task = tokio::spawn(tail.keep());
    tokio::time::sleep(Duration::from_millis(seconds * 1_000 + 500)).await;
    let ended = task.is_finished();
    let view = outlet.show(|live| live.streams.get(&StreamId::new("s")).cloned().unwrap_or_default());
    cancel.cancel();
    task.await.expect("no panic");
    let mut told = Vec::new();
    while let Ok(observation) = observations.try_recv() {
        if let Observation::StreamChanged { open, why, .. } = observation {
            told.push((open, why));
        }
    }
    let asked =
        script.asked.lock().expect("ours").drain(..).map(|(at, request)| ((at - began).as_secs(), request)).collect();
    let raw = std::fs::read_to_string(&path).expect("its file");
    Played { view, asked, told, ended, raw }
}

fn last_event_id(request: &Request) -> Option<&str> {
    let mut headers = request.headers.iter();
    headers.find(|(name, _)| name == "Last-Event-ID").map(|(_, value)| value.as_str())
}

#[tokio::test(start_paused = true)]
async fn a_tail_ends_at_the_terminal_event_though_the_server_keeps_the_stream_open() {
    let chunks: &[(u64, &[u8])] =
        &[(100, b"data: hello\n\n"), (2_000, b"event: done\ndata: {}\n\ndata: after\n\n"), (500, b"data: more\n\n")];
    let (answer, held) = (events(chunks, false), Arc::new(()));
    let played = played_with(vec![answer], 60, &held).await;
    assert_eq!(Arc::strong_count(&held), 1, "the connection is dropped");
    let view = played.view;
    assert!(!view.open && view.finished && played.ended);
    assert_eq!((view.total, view.errors, view.reconnects, view.last_error), (2, 0, 0, None));
    assert_eq!(view.longest_gap, Duration::from_secs(2));
    let lines: Vec<_> = view.lines.iter().map(|line| (line.tag.as_str(), line.text.as_str())).collect();
    assert_eq!(lines, [("message", "hello"), ("done", "{}")]);
    assert!(view.per_second.abs() < 0.05, "the rate falls: {}", view.per_second);
    assert_eq!(played.told.iter().map(|(open, _)| *open).collect::<Vec<_>>(), [true, false]);
    assert_eq!(played.asked.len(), 1, "no reconnect");
}

#[tokio::test(start_paused = true)]
async fn a_close_after_the_terminal_event_ends_the_tail_without_an_error() {
    let played = played(vec![events(&[(1, b"event: done\ndata: {}\n\n")], true)], 60).await;
    assert!(played.ended && played.view.finished && !played.view.open);
    assert_eq!((played.view.last_error, played.asked.len()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_break_is_kept_and_shown() {
    // The redactor holds the end back: it may be the beginning of a secret.
    let chunks = vec![(0, b"data: the last word is s3cr\n\n".to_vec()), (0, b"data: s3cr".to_vec())];
    let kind = vec![("content-type", "text/event-stream".to_owned()), ("x-break", "1".to_owned())];
    let played = played(vec![Ok((200, kind, chunks, true))], 0).await;
    assert!(played.raw.ends_with("data: s3cr"), "{}", played.raw);
    assert_eq!((played.view.total, played.view.last_error.as_deref()), (1, Some("connection reset")));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_heard_in_the_middle_of_a_flood() {
    let flood: Vec<u8> = (0..200).flat_map(|n| format!("data: {n}\n\n").into_bytes()).collect();
    let (sender, mut observations) = mpsc::channel(1);
    let opened = || Observation::StreamChanged { stream: StreamId::new("x"), open: true, why: String::new() };
    sender.try_send(opened()).expect("room for one");
    let (outlet, cancel) = (Outlet::new(sender), CancellationToken::new());
    let script =
        Script { answers: Arc::new(Mutex::new(vec![events(&[(0, &flood)], false)].into())), ..Script::default() };
    let folder = tempfile::tempdir().expect("a folder");
    let task = tokio::spawn(tail(script, Raw::open(&folder.path().join("s.sse")), &outlet, &cancel).keep());
    // Everything is there, and the tail waits to tell that it is open: nobody listens.
    tokio::time::sleep(Duration::from_secs(1)).await;
    cancel.cancel();
    task.await.expect("no panic");
    let total = outlet.show(|live| live.streams.get(&StreamId::new("s")).map(|view| view.total));
    assert_eq!(total, Some(0));
    assert!(observations.try_recv().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lost_stream_is_told_and_taken_up_again_with_the_last_id_even_after_an_event_without_one() {
    let first = events(&[(0, b"id: 7\ndata: a\n\ndata: b\n\n")], true);
    let second = events(&[(0, b"data: c\n\nid: 8\ndata: cut")], true);
    let played = played(vec![first, second, events(&[], false)], 60).await;
    let ids: Vec<_> = played.asked.iter().map(|(_, request)| last_event_id(request)).collect();
    assert_eq!(ids, [None, Some("7"), Some("7")], "an id counts only with its whole event");
    assert_eq!((played.view.total, played.view.reconnects), (3, 2));
    assert_eq!(played.told.iter().map(|(open, _)| *open).collect::<Vec<_>>(), [true, false, true, false, true]);
    assert_eq!(played.told[1].1, "the server closed it");
}

#[tokio::test(start_paused = true)]
async fn waits_grow_to_their_cap_and_every_attempt_is_counted() {
    let played = played((0..20).map(|_| Err(Cause::Refused)).collect(), 125).await;
    let at: Vec<u64> = played.asked.iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [0, 1, 3, 7, 15, 31, 61, 91, 121]);
    assert_eq!((played.view.reconnects, played.view.last_error.as_deref()), (8, Some("connection refused")));
    assert_eq!(played.told, [(false, "connection refused".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_server_s_wish_for_a_wait_is_followed_within_bounds() {
    for (wish, waited) in [("retry: 99999999\n\n", 30), ("retry: 5000\n\n", 5)] {
        let text = format!("{wish}data: x\n\n");
        let played = played(vec![events(&[(0, text.as_bytes())], true)], 50).await;
        assert_eq!(played.asked[1].0, waited, "{wish}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_go_to_the_own_origin_only() {
    let own = vec![moved("/moved?x=1"), events(&[], false)];
    let followed = played(own, 5).await;
    assert_eq!(followed.asked[1].1.url, "https://a.example/moved?x=1");
    for to in ["https://evil.example/stream", "http://a.example/stream", "https://a.example:444/", "//evil.example"] {
        let refused = played(vec![moved(to)], 0).await;
        assert_eq!(refused.asked.len(), 1, "{to}");
        assert!(refused.told[0].1.contains("is not followed"), "{:?}", refused.told);
    }
    let looped = played((0..50).map(|_| moved("/stream")).collect(), 0).await;
    assert_eq!(looped.asked.len(), 6, "a loop ends");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_asked_for_ever() {
    let nothing = played(vec![status(204), events(&[], false)], 300).await;
    assert!(nothing.ended && nothing.asked.len() == 1);
    let denied = played((0..50).map(|_| status(401)).collect(), 3_600).await;
    assert!(denied.ended && denied.asked.len() == 5);
    assert_eq!(denied.view.last_error.as_deref(), Some("401 Unauthorized; not tried again"));
    let json =
        Ok((200, vec![("content-type", "application/json".to_owned())], vec![(0, b"data: x\n\n".to_vec())], true));
    let other = played(vec![json], 0).await;
    assert_eq!((other.view.total, other.told[0].0), (0, false));
    assert!(other.told[0].1.contains("application/json"));
    let busy = played((0..3).map(|_| status(429)).chain([events(&[], false)]).collect(), 60).await;
    assert!(busy.view.open && busy.view.reconnects == 3);
}

#[tokio::test(start_paused = true)]
async fn a_line_without_end_is_cut_off_and_what_was_whole_is_shown() {
    let mut chunks: Vec<(u64, Vec<u8>)> = vec![(0, b"data: whole\n\n".to_vec())];
    chunks.extend((0..4_000).map(|_| (0, vec![b'x'; 64 << 10])));
    let kind = vec![("content-type", "text/event-stream".to_owned())];
    let played = played(vec![Ok((200, kind, chunks, false)), events(&[], false)], 10).await;
    assert_eq!((played.view.total, played.view.reconnects), (1, 1));
    assert_eq!(played.told[1].1, "a line of more than 65536 bytes");
    assert!(played.raw.len() < 256 << 10);
}

#[tokio::test(start_paused = true)]
async fn no_secret_and_no_escape_sequence_reaches_screen_or_file() {
    let chunks: &[(u64, &[u8])] = &[
        (1, b"event: \x1b[31mx\ndata: a s3cr"),
        (1, b"3t-token b\x1b]0;t\x07\ndata: s3cr\x1b[0m3t-token\nfoo: bar\n\n"),
    ];
    let played = played(vec![events(chunks, false)], 5).await;
    let line = &played.view.lines[0];
    for text in [&line.tag, &line.text] {
        assert!(!text.contains("s3cr3t-token") && !text.chars().any(char::is_control), "{text:?}");
    }
    assert_eq!(line.tag, "x");
    assert!(!played.raw.contains("s3cr3t-token"), "{}", played.raw);
    assert!(played.raw.contains("foo: bar"), "raw lines are kept: {}", played.raw);
}

#[tokio::test(start_paused = true)]
async fn the_pane_is_bounded_and_counts_what_fell_off() {
    let flood: Vec<u8> = (0..50_000).flat_map(|n| format!("data: {n}\r\n\r\n").into_bytes()).collect();
    let large = [b"event: oops\ndata: ".as_slice(), &[b'y'; 60 << 10], b"\n\n"].concat();
    let played = played(vec![events(&[(0, &flood), (1_000, &large)], false)], 5).await;
    let view = played.view;
    assert_eq!((view.total, view.lines.len(), view.errors), (50_001, LINES_KEPT, 1));
    // Those that fell off, and the one that was cut.
    assert_eq!(view.dropped, 50_001 - LINES_KEPT as u64 + 1);
    assert!(view.lines.iter().all(|line| line.text.len() < 4_096));
    assert!(view.lines.back().is_some_and(|line| line.error));
}
