//! Runs and their event streams. A run whose input says `long` or `thousand` goes on until it is
//! cancelled. The stream stays open after its last event, as the backend's does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::reply::Reply;
use super::{Asked, STREAMS, Shared};

/// Between two comments that keep the connection alive.
const PING: Duration = Duration::from_secs(10);
/// Between two pieces of a long run.
const PACE: Duration = Duration::from_millis(5);

pub struct Run {
    id: String,
    events: Mutex<Vec<(&'static str, Value)>>,
    ended: Mutex<bool>,
    news: Notify,
}

impl Run {
    fn tell(&self, event: &'static str, data: Value) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push((event, data));
        self.news.notify_waiters();
    }

    /// True the first time only.
    fn end(&self) -> bool {
        !std::mem::replace(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner), true)
    }

    fn has_ended(&self) -> bool {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The frame after event number `seen`.
    fn frame(&self, seen: usize) -> Option<String> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let (event, data) = events.get(seen)?;
        Some(format!("id: {}\nevent: {event}\ndata: {data}\n\n", seen + 1))
    }
}

fn delta(text: &str) -> Value {
    json!({ "type": "delta", "content": text })
}

pub fn start(shared: &Shared, asked: &Asked) -> Reply {
    let (Some(_), Some(input)) = (asked.json["conversation_id"].as_str(), asked.json["input"].as_str()) else {
        return Reply::error(422, "E4220", "conversation_id and input are required");
    };
    let mut state = shared.state();
    let id = format!("run-{:06}", state.runs.len() + 1);
    let run = Arc::new(Run { id: id.clone(), events: Mutex::default(), ended: Mutex::default(), news: Notify::new() });
    state.runs.push(run.clone());
    if input.contains("long") || input.contains("thousand") {
        tokio::spawn(async move {
            let mut pace = tokio::time::interval(PACE);
            while !run.has_ended() {
                pace.tick().await;
                if !run.has_ended() {
                    run.tell("message", delta("more "));
                }
            }
        });
    } else {
        for piece in ["Deterministic ", "stream ", "response."] {
            run.tell("message", delta(piece));
        }
        let full = json!({ "type": "full", "content": "Deterministic stream response.", "usage": {} });
        run.tell("message", full);
        run.end();
        run.tell("done", json!({ "status": "completed", "run_id": id }));
    }
    Reply::json(200, &json!({ "run_id": id, "status": "running" }))
}

fn find(shared: &Shared, id: Option<&str>) -> Option<Arc<Run>> {
    shared.state().runs.iter().find(|run| Some(run.id.as_str()) == id).cloned()
}

pub fn cancel(shared: &Shared, asked: &Asked) -> Reply {
    let Some(run) = find(shared, asked.json["run_id"].as_str()) else {
        return Reply::error(404, "E4040", "Run not found");
    };
    if !shared.behaviour.cancel_lies && run.end() {
        run.tell("stopped", json!({ "run_id": run.id }));
    }
    Reply::json(200, &json!({ "status": "cancelled", "run_id": run.id }))
}

/// A reader's slot, free again when the reader is gone.
struct Slot(Arc<Shared>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.state().open_streams -= 1;
    }
}

pub fn stream(shared: &Arc<Shared>, asked: &Asked) -> Reply {
    let Some(run) = find(shared, asked.query("run_id")) else {
        return Reply::error(404, "E4040", "Run not found");
    };
    let mut state = shared.state();
    if state.open_streams + shared.behaviour.streams_of_others >= STREAMS {
        return Reply::error(429, "E4290", "Too many concurrent streams");
    }
    state.open_streams += 1;
    drop(state);
    let slot = Slot(shared.clone());
    let after = asked.query("after").or_else(|| asked.header("last-event-id"));
    let seen = after.and_then(|after| after.parse::<usize>().ok()).unwrap_or(0);
    Reply::events(stream::unfold((run, seen, slot), |(run, seen, slot)| async move {
        loop {
            let news = run.news.notified();
            if let Some(frame) = run.frame(seen) {
                drop(news);
                return Some((frame, (run, seen + 1, slot)));
            }
            if tokio::time::timeout(PING, news).await.is_err() {
                return Some((": ping\n\n".to_owned(), (run, seen, slot)));
            }
        }
    }))
}
