//! An API server on loopback that behaves as GitHub does for one repository. Every request is held against the
//! published document, and so is every answer of success: what is wrong is told when the test ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::spec::{Call, Spec};
use super::world::{COMMIT, Start, TOKEN, World};

pub struct Stub {
    pub url: String,
    world: Arc<Mutex<World>>,
    serving: JoinHandle<()>,
}

impl Stub {
    pub async fn start(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (world, spec) = (Arc::new(Mutex::new(world)), Spec::shared());
        let (known, base) = (Arc::clone(&world), url.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (world, spec, base) = (Arc::clone(&known), Arc::clone(&spec), base.clone());
                let service =
                    service_fn(move |request| answer(request, Arc::clone(&world), Arc::clone(&spec), base.clone()));
                tokio::spawn(async move {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { url, world, serving }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often a request was made whose path holds `part`.
    pub fn count(&self, method: &str, part: &str) -> usize {
        self.world().asked.iter().filter(|(known, path)| known == method && path.contains(part)).count()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.serving.abort();
        let wrong = std::mem::take(&mut self.world().wrong);
        assert!(std::thread::panicking() || wrong.is_empty(), "not as GitHub's document has it: {wrong:#?}");
    }
}

/// The connection is closed instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct Lost;

async fn answer(
    request: Request<Incoming>,
    world: Arc<Mutex<World>>,
    spec: Arc<Spec>,
    base: String,
) -> Result<Response<Full<Bytes>>, Lost> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
    let (method, path) = (head.method.as_str().to_owned(), percent_decoded(head.uri.path()));
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    world.asked.push((method.clone(), format!("{path}?{}", head.uri.query().unwrap_or_default())));
    // What GitHub's own links lead to is the same by another name.
    let path = path.replace("/repositories/1296269/", "/repos/o/r/");
    let Some(call) = spec.call(&method, &path) else {
        world.wrong.push(format!("{method} {path} is no call of the document"));
        return Ok(error(404, "Not Found"));
    };
    let mistakes = spec.mistakes(&call, &query, &headers, &body);
    world.wrong.extend(mistakes);
    if !headers.iter().any(|(name, value)| name == "authorization" && *value == format!("Bearer {TOKEN}")) {
        return Ok(error(401, "Bad credentials"));
    }
    if !path.starts_with("/repos/o/r") {
        return Ok(error(404, "Not Found"));
    }
    if let Some(at) =
        world.troubles.iter().position(|one| one.method == method && path.contains(one.at) && one.times > 0)
    {
        world.troubles[at].times -= 1;
        let trouble = world.troubles[at].clone();
        let mut response = Response::builder().status(trouble.status);
        for (name, value) in &trouble.headers {
            response = response.header(*name, value);
        }
        return response.body(Full::from(trouble.body.to_string())).map_err(|_| Lost);
    }
    let body = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let reply = world.reply(&spec, &call, &query, &body)?;
    if reply.status / 100 == 2 && reply.status != 204 {
        let mistakes = spec.answer_mistakes(&call, &reply.json);
        world.wrong.extend(mistakes.into_iter().map(|why| format!("our own answer to {method} {path}: {why}")));
    }
    let mut response = Response::builder().status(reply.status).header("content-type", "application/json");
    if let Some(scopes) = world.scopes {
        response = response.header("x-oauth-scopes", scopes);
    }
    if let Some(next) = reply.next {
        let rest = path.strip_prefix("/repos/o/r").unwrap_or_default();
        let mut pairs: Vec<(String, String)> = query.into_iter().filter(|(name, _)| name != "page").collect();
        pairs.push(("page".to_owned(), next.to_string()));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let link = format!("<{base}/repositories/1296269{rest}?{query}>; rel=\"next\", <{base}/x>; rel=\"last\"");
        response = response.header("link", link);
    }
    let body = if reply.status == 204 { Bytes::new() } else { reply.json.to_string().into() };
    response.body(Full::new(body)).map_err(|_| Lost)
}

fn error(status: u16, message: &str) -> Response<Full<Bytes>> {
    let body = json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string() });
    Response::builder().status(status).body(Full::from(body.to_string())).expect("a response")
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .expect("one")
        .1
        .into_owned()
}

struct Reply {
    status: u16,
    json: Value,
    next: Option<usize>,
}

fn ok(json: Value) -> Reply {
    Reply { status: 200, json, next: None }
}

fn refused(status: u16, message: &str) -> Reply {
    Reply { status, json: json!({ "message": message }), next: None }
}

impl World {
    /// A run as the document's own example has it, with what matters here.
    pub fn run(&mut self, spec: &Spec, title: &str, event: &str) -> u64 {
        let call = spec.call("GET", "/repos/o/r/actions/runs/1").expect("a call");
        let mut run = spec.example(&call);
        let id = self.next_run;
        self.next_run += 1;
        let number = self.runs.len() + 42;
        for (key, value) in [
            ("id", json!(id)),
            ("run_number", json!(number)),
            ("run_attempt", json!(1)),
            ("display_title", json!(title)),
            ("event", json!(event)),
            ("head_branch", json!("main")),
            ("head_sha", json!(self.head)),
            ("status", json!("queued")),
            ("conclusion", json!(null)),
            ("created_at", json!("2026-11-21T20:00:00Z")),
            ("html_url", json!(format!("https://github.com/o/r/actions/runs/{id}"))),
        ] {
            run[key] = value;
        }
        run["looks"] = json!(0);
        self.runs.push(run);
        id
    }

    fn reply(&mut self, spec: &Spec, call: &Call<'_>, query: &[(String, String)], body: &Value) -> Result<Reply, Lost> {
        let value = |name: &str| call.values.get(name).cloned().unwrap_or_default();
        let asked = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let page: usize = asked("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        let example = || spec.example(call);
        let short = call.template.strip_prefix("/repos/{owner}/{repo}").expect("a repository's");
        Ok(match short {
            "" => {
                let mut repo = example();
                repo["permissions"] = self.permissions.clone();
                repo["private"] = json!(true);
                // The published example lacks what its own schema requires.
                repo["language"] = json!(null);
                repo["source"]["language"] = json!(null);
                ok(repo)
            }
            "/actions/workflows/{workflow_id}" => {
                let mut workflow = example();
                workflow["state"] = json!(self.workflow_state);
                ok(workflow)
            }
            "/actions/workflows/{workflow_id}/dispatches" => return self.dispatched(spec, body),
            "/actions/workflows/{workflow_id}/runs" => {
                let fits = |run: &&Value| {
                    ["event", "head_sha"].iter().all(|key| asked(key).is_none_or(|wanted| run[*key] == wanted.as_str()))
                        && asked("branch").is_none_or(|wanted| run["head_branch"] == wanted.as_str())
                };
                let mut runs: Vec<Value> = self.runs.iter().filter(fits).cloned().collect();
                runs.reverse();
                self.paged(runs, page, Some("workflow_runs"))
            }
            "/actions/runs/{run_id}" => self.looked(&value("run_id")),
            "/actions/runs/{run_id}/jobs" => {
                let mut jobs = example();
                let run = self.runs.iter().find(|run| is(run, &value("run_id")));
                let run = run.cloned().unwrap_or_default();
                jobs["jobs"][0]["name"] = json!("tag");
                // As above.
                jobs["jobs"][0]["created_at"] = json!("2026-11-21T20:00:00Z");
                jobs["jobs"][0]["status"] = run["status"].clone();
                jobs["jobs"][0]["conclusion"] = run["conclusion"].clone();
                ok(jobs)
            }
            "/actions/runs/{run_id}/cancel" => Reply { status: 202, json: json!({}), next: None },
            "/actions/runs/{run_id}/rerun" => self.run_again(&value("run_id")),
            "/commits" => {
                let mut commits = example();
                commits[0]["sha"] = json!(self.head);
                ok(commits)
            }
            "/commits/{ref}/status" => {
                let mut combined = example();
                let one = combined["statuses"][0].clone();
                let statuses: Vec<Value> = self
                    .statuses
                    .iter()
                    .map(|(context, state)| with(&one, &[("context", json!(context)), ("state", json!(state))]))
                    .collect();
                let Reply { json: page, next, .. } = self.paged(statuses, page, Some("statuses"));
                combined["statuses"] = page["statuses"].clone();
                combined["total_count"] = page["total_count"].clone();
                combined["sha"] = json!(value("ref"));
                Reply { status: 200, json: combined, next }
            }
            "/commits/{ref}/check-runs" => {
                let one = example()["check_runs"][0].clone();
                let checks = self.checks.iter().map(|(name, status, conclusion)| {
                    let sha = json!(value("ref"));
                    with(
                        &one,
                        &[
                            ("name", json!(name)),
                            ("status", json!(status)),
                            ("conclusion", json!(conclusion)),
                            ("head_sha", sha),
                        ],
                    )
                });
                let checks = checks.collect();
                self.paged(checks, page, Some("check_runs"))
            }
            "/contents/{path}" => {
                if value("path") != ".github/workflows/release-tag.yml" || asked("ref").as_deref() != Some(COMMIT) {
                    return Ok(refused(404, "Not Found"));
                }
                let mut file = example();
                // As GitHub does: in lines of sixty.
                let packed = STANDARD.encode(&self.workflow_text);
                let lines: Vec<&str> =
                    packed.as_bytes().chunks(60).filter_map(|line| std::str::from_utf8(line).ok()).collect();
                file["content"] = json!(format!("{}\n", lines.join("\n")));
                ok(file)
            }
            "/git/matching-refs/{ref}" => {
                let one = example()[0].clone();
                let begins = format!("refs/{}", value("ref"));
                let fitting = self.refs.iter().filter(|(name, ..)| format!("refs/tags/{name}").starts_with(&begins));
                let refs = fitting.map(|(name, kind, sha)| {
                    let mut object = one["object"].clone();
                    object["type"] = json!(kind);
                    object["sha"] = json!(sha);
                    with(&one, &[("ref", json!(format!("refs/tags/{name}"))), ("object", object)])
                });
                ok(refs.collect())
            }
            "/git/tags/{tag_sha}" => match self.tag_objects.get(&value("tag_sha")) {
                Some((kind, sha)) => {
                    let mut object = example();
                    object["object"]["type"] = json!(kind);
                    object["object"]["sha"] = json!(sha);
                    ok(object)
                }
                None => refused(404, "Not Found"),
            },
            "/releases" => {
                let one = example()[0].clone();
                let releases = self.releases.iter().map(|(id, tag, draft)| {
                    with(&one, &[("id", json!(id)), ("tag_name", json!(tag)), ("draft", json!(draft))])
                });
                let releases = releases.collect();
                self.paged(releases, page, None)
            }
            "/tags" => {
                let one = example()[0].clone();
                let tags = self.refs.iter().map(|(name, _, sha)| {
                    let commit = self.tag_objects.get(sha).map_or(sha, |(_, commit)| commit);
                    let mut tag = with(&one, &[("name", json!(name))]);
                    tag["commit"]["sha"] = json!(commit);
                    tag
                });
                let tags = tags.collect();
                self.paged(tags, page, None)
            }
            other => refused(404, other),
        })
    }

    fn paged(&self, all: Vec<Value>, page: usize, key: Option<&str>) -> Reply {
        let count = all.len();
        let here: Vec<Value> = all.into_iter().skip((page - 1) * self.page).take(self.page).collect();
        let next = (page * self.page < count).then_some(page + 1);
        let json = match key {
            Some(key) => json!({ "total_count": count, key: here }),
            None => Value::Array(here),
        };
        Reply { status: 200, json, next }
    }

    fn dispatched(&mut self, spec: &Spec, body: &Value) -> Result<Reply, Lost> {
        let details = body.get("return_run_details").is_some();
        if self.start == Start::Untold && details {
            let message = "Invalid request.\n\n\"return_run_details\" is not a permitted key.";
            return Ok(refused(422, message));
        }
        let title =
            format!("release {}", body.pointer("/inputs/launch_nonce").and_then(Value::as_str).unwrap_or("by hand"));
        let runs = match self.start {
            Start::LostBefore | Start::Swallowed => 0,
            Start::Twice => 2,
            _ => 1,
        };
        let mut id = 0;
        for _ in 0..runs {
            id = self.run(spec, &title, "workflow_dispatch");
        }
        let empty = Reply { status: 204, json: Value::Null, next: None };
        match self.start {
            Start::Told => {
                let url = format!("https://api.github.com/repos/o/r/actions/runs/{id}");
                let html = format!("https://github.com/o/r/actions/runs/{id}");
                Ok(ok(json!({ "workflow_run_id": id, "run_url": url, "html_url": html })))
            }
            Start::BegunUnanswered | Start::LostBefore => Err(Lost),
            _ => Ok(empty),
        }
    }

    /// The run, one look later.
    fn looked(&mut self, id: &str) -> Reply {
        let (looks, conclusion) = (self.looks, self.conclusion);
        let Some(run) = self.runs.iter_mut().find(|run| is(run, id)) else {
            return refused(404, "Not Found");
        };
        let seen = usize::try_from(run["looks"].as_u64().unwrap_or_default()).unwrap_or_default();
        run["looks"] = json!(seen + 1);
        if run["status"] != "completed" {
            let (status, ended) = match seen {
                seen if seen >= looks => ("completed", json!(conclusion)),
                0 => ("queued", Value::Null),
                _ => ("in_progress", Value::Null),
            };
            run["status"] = json!(status);
            run["conclusion"] = ended;
        }
        ok(run.clone())
    }

    fn run_again(&mut self, id: &str) -> Reply {
        let head = self.head.clone();
        let Some(run) = self.runs.iter_mut().find(|run| is(run, id)) else {
            return refused(404, "Not Found");
        };
        run["run_attempt"] = json!(run["run_attempt"].as_u64().unwrap_or(1) + 1);
        run["status"] = json!("queued");
        run["conclusion"] = Value::Null;
        run["looks"] = json!(0);
        if let Some(tag) = self.tag_by_rerun {
            self.refs.push((tag.to_owned(), "commit", head));
        }
        Reply { status: 201, json: json!({}), next: None }
    }
}

fn with(one: &Value, changes: &[(&str, Value)]) -> Value {
    let mut other = one.clone();
    for (key, value) in changes {
        other[*key] = value.clone();
    }
    other
}

fn is(run: &Value, id: &str) -> bool {
    run["id"].as_u64() == id.parse().ok()
}
