//! Starts a workflow, once. Between asking and knowing there is a time in which nobody knows whether a run
//! began: whatever cuts it short, the run is searched for before anything is asked again.

use serde_json::{Map, Value, json};

use super::find::{Found, named, of, search, two};
use super::follow::{follow, judged};
use super::hub::{Hub, server_time, wait_of};
use super::record::{Record, Stage, left_open, nonce};
use super::{Dispatch, Start, Stop};
use crate::base::wire::{Answer, Cause};
use crate::kind::check::github::{encoded, limited, meaning, parsed};
use crate::kind::exchange::status_words;
use crate::launch::verdict::{Finding, Verdict};

/// What came of asking for a run.
enum Came {
    /// The API says which.
    Run(Found),
    /// Accepted, and not said which.
    Accepted,
    /// Nobody knows.
    Silence(String),
    /// Nothing began.
    Refused(Stop),
}

fn unknown(why: impl Into<String>) -> Stop {
    Stop(Verdict::Unknown, why.into())
}

impl Dispatch {
    pub(super) async fn begin(&self, start: &Start, hub: &Hub<'_>) -> Result<Vec<Finding>, Stop> {
        let scope = &hub.cx.look.scope;
        let text =
            |template: &crate::base::template::Template| template.text(scope).map_err(|no| unknown(no.to_string()));
        let (workflow, reference) = (text(&start.workflow)?, text(&start.reference)?);
        let mut record = Record::new(&hub.place.repo, &workflow);
        let open = left_open(&hub.cx.dir, &record).map_err(unknown)?;
        // What an earlier attempt left open is no matter of what this one was refused.
        let before = |stop: Stop| if open.is_some() { stop } else { nothing_began(stop) };
        let now = ready(hub, &workflow).await.map_err(before)?;
        if let Some(open) = open.clone() {
            record = open;
            if let Some(run) = self.begun_before(&mut record, hub).await? {
                return self.to_its_end(start, record, run, hub).await;
            }
        }
        stands_at(hub, &reference).await.map_err(before)?;
        record.since = record.since.or(now);
        if start.nonce_input.is_some() && record.nonce.is_none() {
            record.nonce = Some(nonce(&hub.cx.dir, now));
        }
        let mut inputs = Map::new();
        for (name, value) in &start.inputs {
            inputs.insert(name.clone(), text(value)?.into());
        }
        if let (Some(name), Some(nonce)) = (&start.nonce_input, &record.nonce) {
            inputs.insert(name.clone(), nonce.as_str().into());
        }
        let run = self.ask(&mut record, &workflow, &reference, inputs, hub).await?;
        self.to_its_end(start, record, run, hub).await
    }

    /// What an earlier attempt began, where it is to be found. Where it is not, this one may ask, by the same nonce:
    /// a run that comes late is then seen to be one too many.
    async fn begun_before(&self, record: &mut Record, hub: &Hub<'_>) -> Result<Option<u64>, Stop> {
        if let Some(run) = record.run {
            hub.cx.say(&format!("an earlier attempt began run {run}: it is followed, nothing is started"));
            return Ok(Some(run));
        }
        let Some(nonce) = record.nonce.clone() else {
            let why = "an earlier attempt may have started a run, and nothing tells which: nothing was started; \
                       `nonce_input` would tell";
            return Err(unknown(why));
        };
        hub.cx.say(&format!("an earlier attempt may have started a run: {nonce} is looked for"));
        let found = search(hub, &record.workflow, &nonce, record.since, self.search).await?;
        match found {
            Some(found) => {
                hub.cx.say(&format!("run {}: {}", found.id, found.url));
                Ok(Some(found.id))
            }
            None if record.stage == Stage::Asked => {
                let why = format!("an earlier attempt's request was accepted, and no run with {nonce} is to be found");
                Err(unknown(format!("{why}: nothing was started")))
            }
            None => {
                hub.cx.say("no such run: the earlier attempt started none");
                Ok(None)
            }
        }
    }

    /// Asks for a run and finds it.
    async fn ask(
        &self,
        record: &mut Record,
        workflow: &str,
        reference: &str,
        inputs: Map<String, Value>,
        hub: &Hub<'_>,
    ) -> Result<u64, Stop> {
        let keep = |record: &Record| record.keep(&hub.cx.dir);
        let nonce = record.nonce.clone();
        record.stage = Stage::Asking;
        keep(record).map_err(|why| unknown(format!("nothing was started: {why}")))?;
        hub.cx.say(&match &nonce {
            Some(nonce) => format!("starting {workflow} on {reference} as {nonce}"),
            None => format!("starting {workflow} on {reference}"),
        });
        let why = match post(hub, workflow, reference, inputs).await {
            Came::Run(found) => {
                record.run = Some(found.id);
                record.stage = Stage::Asked;
                keep(record).unwrap_or_else(|why| hub.cx.say(&why));
                hub.cx.say(&format!("run {}: {}", found.id, found.url));
                return Ok(found.id);
            }
            Came::Refused(stop) => {
                record.stage = Stage::Refused;
                keep(record).unwrap_or_else(|why| hub.cx.say(&why));
                return Err(stop);
            }
            Came::Accepted => {
                record.stage = Stage::Asked;
                keep(record).unwrap_or_else(|why| hub.cx.say(&why));
                "it was accepted".to_owned()
            }
            Came::Silence(why) => format!("whether it was started is not known ({why})"),
        };
        let Some(nonce) = nonce else {
            return Err(unknown(format!("{why}, and which run it is cannot be told: `nonce_input` would tell")));
        };
        hub.cx.say(&format!("{why}: {nonce} is looked for, nothing is started again"));
        let found = search(hub, workflow, &nonce, record.since, self.search).await?;
        let span = humantime::format_duration(self.search);
        let found = found.ok_or_else(|| unknown(format!("{why}, and no run with {nonce} was found within {span}")))?;
        record.run = Some(found.id);
        record.stage = Stage::Asked;
        keep(record).unwrap_or_else(|why| hub.cx.say(&why));
        hub.cx.say(&format!("run {}: {}", found.id, found.url));
        Ok(found.id)
    }

    async fn to_its_end(
        &self,
        start: &Start,
        mut record: Record,
        run: u64,
        hub: &Hub<'_>,
    ) -> Result<Vec<Finding>, Stop> {
        record.run = Some(run);
        record.keep(&hub.cx.dir).unwrap_or_else(|why| hub.cx.say(&why));
        let ended = match follow(hub, run, 1).await {
            Err(stop) if stop.0 == Verdict::Fail => {
                record.stage = Stage::Ended;
                record.keep(&hub.cx.dir).unwrap_or_else(|why| hub.cx.say(&why));
                return Err(stop);
            }
            ended => ended?,
        };
        record.stage = Stage::Ended;
        record.conclusion = Some(ended.conclusion.clone());
        record.keep(&hub.cx.dir).unwrap_or_else(|why| hub.cx.say(&why));
        let mut all = judged(hub, run, &ended);
        if let (Some(nonce), true) = (&record.nonce, start.nonce_input.is_some()) {
            let all_named = named(hub, &record.workflow, nonce, record.since).await?;
            all.push(match all_named.as_slice() {
                [] => Finding::unknown("runs of the dispatch", "one", format!("none carries {nonce}")),
                [one] => {
                    Finding::held("runs of the dispatch", "one", format!("{} carries {nonce}", one.id), one.id == run)
                }
                many => Finding::held("runs of the dispatch", "one", two(nonce, many).1, false),
            });
        }
        Ok(all)
    }
}

/// Nothing was asked for yet: whatever stopped it, it is known that nothing began.
fn nothing_began(Stop(_, why): Stop) -> Stop {
    let said = if why.starts_with(NOTHING) { why } else { format!("{NOTHING}: {why}") };
    Stop(Verdict::Fail, said)
}

const NOTHING: &str = "nothing was started";

/// The server's time, where the workflow may be started.
async fn ready(hub: &Hub<'_>, workflow: &str) -> Result<Option<i64>, Stop> {
    let path = hub.place.of_repo(&format!("/actions/workflows/{}", encoded(workflow)));
    let (json, headers) = hub.read(&path).await?;
    match json.get("state").and_then(Value::as_str) {
        Some("active") => Ok(server_time(&headers)),
        Some(state) => Err(Stop(Verdict::Fail, format!("nothing was started: {workflow} is {state}"))),
        None => Err(unknown(format!("nothing was started: no word on the state of {workflow}"))),
    }
}

/// A run is of what its ref stands at when it is started: that is looked at before, not only after.
async fn stands_at(hub: &Hub<'_>, reference: &str) -> Result<(), Stop> {
    let path = hub.place.of_repo(&format!("/commits?sha={}&per_page=1", encoded(reference)));
    let (json, _) = hub.read(&path).await?;
    let sha = json.get(0).and_then(|commit| commit.get("sha")).and_then(Value::as_str);
    match sha {
        Some(sha) if sha.eq_ignore_ascii_case(&hub.commit) => Ok(()),
        Some(sha) => {
            let why = format!("nothing was started: {reference} stands at {sha}, not at {}", hub.commit);
            Err(Stop(Verdict::Fail, why))
        }
        None => Err(unknown(format!("nothing was started: no word on where {reference} stands"))),
    }
}

/// Sends the one request that starts a run. It is sent again only where the answer says that nothing began.
async fn post(hub: &Hub<'_>, workflow: &str, reference: &str, inputs: Map<String, Value>) -> Came {
    let path = hub.place.of_repo(&format!("/actions/workflows/{}/dispatches", encoded(workflow)));
    let mut body = json!({ "ref": reference, "inputs": inputs, "return_run_details": true });
    loop {
        match hub.send(hub.place.post(&path, Some(&body))).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                return run_of(&answer).map_or(Came::Accepted, Came::Run);
            }
            Ok(answer) if answer.status >= 500 => return Came::Silence(status_words(answer.status)),
            Ok(answer) => {
                if let Some(why) = limited(&answer) {
                    hub.cx.say(&format!("not started: {why}"));
                    if hub.rest(wait_of(&answer)).await.is_ok() {
                        continue;
                    }
                    return Came::Refused(unknown(format!("nothing was started: {why}, beyond our time")));
                }
                let told = String::from_utf8_lossy(&answer.body);
                // An API older than this key refuses the whole request.
                if answer.status == 422
                    && told.contains("return_run_details")
                    && body.get("return_run_details").is_some()
                {
                    body = json!({ "ref": reference, "inputs": body["inputs"] });
                    continue;
                }
                let (_, why) = meaning(&answer, hub.place.has_token());
                let why = format!("nothing was started: {}{why}", status_words(answer.status));
                return Came::Refused(Stop(Verdict::Fail, why));
            }
            Err(cause) => {
                let verdict = Verdict::of_silence(&cause, false);
                let why = cause.words();
                return match cause {
                    // Not even the connection came up.
                    Cause::NotResolved | Cause::NoRoute | Cause::Refused | Cause::Tls(_) | Cause::Ours(_) => {
                        Came::Refused(Stop(verdict, format!("nothing was started: {why}")))
                    }
                    _ => Came::Silence(why),
                };
            }
        }
    }
}

/// The run that the answer names, where the API is one that does.
fn run_of(answer: &Answer) -> Option<Found> {
    let json = parsed(&answer.body).ok()?;
    let id = json.get("workflow_run_id")?.as_u64()?;
    let url = json.get("html_url").and_then(Value::as_str).unwrap_or_default().to_owned();
    of(&json!({ "id": id, "html_url": url }))
}
