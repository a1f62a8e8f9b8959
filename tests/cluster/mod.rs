//! An API server on loopback, as far as kubectl's `--raw` sees one: objects with a `resourceVersion` that a
//! write must carry, or gets 409. What the controllers behind it do is up to each test.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tminus::base::proc::{self, OutcomeFile, Standing};
use tminus::base::secret::Redactor;
use tminus::base::source::Source;
use tminus::base::wire::Network;
use tminus::kind::step::act::{self, Ground};
use tminus::kind::step::ours::REPORT;
use tminus::kind::step::weight;
use tminus::launch::id::ItemId;
use tminus::launch::verdict::{Report, Weight};
use tminus::plan::{self, Environment, Options};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tminus");
const PATIENCE: Duration = Duration::from_secs(60);

/// What stands behind the API after a write: path of the object, all objects.
pub type Controller = Box<dyn FnMut(&str, &mut BTreeMap<String, Value>) + Send>;

/// What is served, by the objects there are.
pub type Served = Box<dyn Fn(&BTreeMap<String, Value>) -> Value + Send>;

#[derive(Default)]
pub struct State {
    /// By path.
    pub objects: BTreeMap<String, Value>,
    version: u64,
    /// Writes that were taken: method and path.
    pub writes: Vec<String>,
    pub conflicts: usize,
    /// Writes before which another writer is faster.
    pub rivals: usize,
    pub controller: Option<Controller>,
    /// Answers to whatever is no object: what is served.
    pub served: Option<Served>,
    /// Status of every read, where it is not to be answered.
    pub refuses: Option<u16>,
}

pub struct Cluster {
    pub address: SocketAddr,
    pub folder: TempDir,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What a step came to.
pub struct Came {
    pub outcome: OutcomeFile,
    pub report: Report,
    pub said: String,
    /// What it told of the canary's share.
    pub weight: Option<Weight>,
}

impl Cluster {
    pub async fn start(objects: impl IntoIterator<Item = (String, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        for (path, object) in objects {
            locked(&state).place(&path, object);
        }
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&state), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "",
            "clusters": [{ "name": "c", "cluster": { "server": format!("http://{address}") } }],
            "users": [{ "name": "u", "user": {} }],
            "contexts": [{ "name": "prod", "context": { "cluster": "c", "user": "u", "namespace": "elsewhere" } }],
        });
        std::fs::write(folder.path().join("kubeconfig"), config.to_string()).expect("written");
        Self { address, folder, state, server }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    pub fn object(&self, path: &str) -> Value {
        self.state().objects.get(path).cloned().expect("an object")
    }

    /// The server goes away, with every connection refused from then on.
    pub fn stop(&self) {
        self.server.abort();
    }

    /// Runs the one item of a plan with this table under the real shim.
    pub async fn run(&self, table: &str) -> Came {
        self.run_with(table, &[]).await
    }

    pub async fn run_with(&self, table: &str, env: &[(&str, &str)]) -> Came {
        let table = table.replace("SERVED", &format!("http://{}/served", self.address));
        let text = in_plan(&table);
        let source = Source::new("plan.toml", text);
        let loaded = plan::load(source.clone(), &Environment::of_process(), &Options::default())
            .unwrap_or_else(|found| panic!("{}", source.render(&found, false)));
        let item = loaded.plan.items.values().next().expect("an item");
        let entry = loaded.catalogue.entries.first().expect("an entry");
        let ground = Ground {
            program: PROGRAM.as_ref(),
            base: self.folder.path(),
            redactor: &Redactor::default(),
            network: &Network::Outside,
            simulated: None,
        };
        let (mut intent, mut private) =
            act::prepared(entry, &ItemId::new("i"), &entry.scope, item.timeout, ground).expect("prepared");
        for (name, value) in env {
            intent.env.push((*name).to_owned());
            private.env.push(((*name).to_owned(), (*value).to_owned()));
        }
        let dir = tempfile::Builder::new().tempdir_in(self.folder.path()).expect("a folder").keep().join("attempt");
        let started = proc::start(PROGRAM.as_ref(), &dir, &intent, &private).expect("started");
        let ended = tokio::time::timeout(PATIENCE, started.ended()).await.expect("in time").expect("looked");
        let Standing::Ended(outcome) = ended else { panic!("no outcome: {ended:?}") };
        let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap_or_default();
        let said = format!("{}{}", read("stdout"), read("stderr"));
        let report = serde_json::from_str(&read(REPORT)).unwrap_or_else(|error| panic!("{error}: {said}"));
        Came { outcome: *outcome, report, said, weight: weight::told(&dir).map(|(weight, _)| weight) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A plan whose one item is this step.
pub fn in_plan(table: &str) -> String {
    format!(
        "[plan]\nschema = 1\nid = \"x\"\ntitle = \"X\"\n[[phase]]\nid = \"p\"\nat = \"T-1h\"\n[[phase.item]]\nid = \
         \"i\"\nclass = \"idempotent\"\n{table}"
    )
}

/// Whether kubectl is here. Outside CI its absence is told and the test is passed over; in CI it fails.
pub fn kubectl(test: &str) -> bool {
    let there = std::process::Command::new("kubectl").args(["version", "--client"]).output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "kubectl is missing in CI");
    if !there {
        eprintln!("skipped: {test}: kubectl is not here");
    }
    there
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Stores an object under a new version.
    pub fn place(&mut self, path: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if object["metadata"]["generation"].is_null() {
            object["metadata"]["generation"] = json!(1);
        }
        self.objects.insert(path.to_owned(), object);
    }

    fn read(&self, path: &str) -> (u16, Value) {
        if let Some(status) = self.refuses {
            return failure(status, "Forbidden", "you may not");
        }
        if let Some(object) = self.objects.get(path) {
            return (200, object.clone());
        }
        if path == "/served" {
            return (200, self.served.as_ref().map_or(Value::Null, |served| served(&self.objects)));
        }
        let inside = format!("{path}/");
        let known = ["ingresses", "deployments", "rollouts", "httproutes"];
        if known.iter().any(|kind| path.ends_with(&format!("/{kind}"))) {
            // Objects of a list do not say what they are, as of a real server.
            let bare = |object: &Value| {
                let mut object = object.clone();
                let fields = object.as_object_mut().expect("an object");
                fields.shift_remove("kind");
                fields.shift_remove("apiVersion");
                object
            };
            let items: Vec<Value> =
                self.objects.iter().filter(|(at, _)| at.starts_with(&inside)).map(|(_, object)| bare(object)).collect();
            return (200, json!({ "kind": "List", "apiVersion": "v1", "items": items }));
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        failure(404, "NotFound", &format!("things \"{name}\" not found"))
    }

    fn write(&mut self, path: &str, mut object: Value) -> (u16, Value) {
        let (at, status) = match path.strip_suffix("/status") {
            Some(at) => (at.to_owned(), true),
            None => (path.to_owned(), false),
        };
        let Some(mut there) = self.objects.get(&at).cloned() else { return failure(404, "NotFound", "not found") };
        if object["kind"].is_null() || object["apiVersion"].is_null() {
            return failure(400, "BadRequest", "Object 'Kind' is missing");
        }
        if self.rivals > 0 {
            self.rivals -= 1;
            there["metadata"]["labels"]["rival"] = json!(self.rivals.to_string());
            self.place(&at, there.clone());
            there = self.objects[&at].clone();
        }
        if object["metadata"]["resourceVersion"] != there["metadata"]["resourceVersion"] {
            self.conflicts += 1;
            return failure(
                409,
                "Conflict",
                "the object has been modified; please apply your changes to the latest version",
            );
        }
        if status {
            there["status"] = object["status"].take();
            object = there;
        } else if object["spec"] != there["spec"] {
            let generation = there["metadata"]["generation"].as_u64().unwrap_or(1) + 1;
            object["metadata"]["generation"] = json!(generation);
        }
        self.writes.push(path.to_owned());
        self.place(&at, object.clone());
        if let Some(mut controller) = self.controller.take() {
            controller(&at, &mut self.objects);
            self.controller = Some(controller);
        }
        (200, object)
    }
}

fn failure(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    (code, status)
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let path = head.uri.path();
    let (code, value) = match head.method {
        Method::GET => locked(&state).read(path),
        Method::PUT => match serde_json::from_slice(&body) {
            Ok(object) => locked(&state).write(path, object),
            Err(error) => failure(400, "BadRequest", &error.to_string()),
        },
        _ => failure(405, "MethodNotAllowed", "only read and replaced here"),
    };
    let answer = Response::builder().status(code).header("content-type", "application/json");
    Ok(answer.body(Full::new(value.to_string().into())).expect("an answer"))
}
