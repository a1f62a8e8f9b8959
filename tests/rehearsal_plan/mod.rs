//! A launch in small, loaded and flown against its simulated target: every item in the order of the
//! plan, checks by their kind, steps by asking the target as the shim does.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tminus::base::jq::Jq;
use tminus::base::secret::Redactor;
use tminus::base::source::Source;
use tminus::base::template::Scope;
use tminus::base::wire::{Client, Limits, Request};
use tminus::kind::check::Context;
use tminus::kind::session::Session;
use tminus::kind::{Catalogue, Spec};
use tminus::launch::id::{ItemId, SessionId};
use tminus::launch::plan::{Act, SpecId};
use tminus::launch::verdict::Report;
use tminus::plan::{Environment, Loaded, Options, load};
use tminus::rehearsal::{Faults, Target};

/// A plan with its target up.
pub struct Flight {
    pub loaded: Loaded,
    pub target: Target,
    pub client: Client,
    jq: Jq,
    sessions: BTreeMap<SessionId, Session>,
    baseline: Scope,
}

pub fn small() -> Loaded {
    read("plan.toml", include_str!("plan.toml"))
}

/// The bundled plan, its longest waits shortened: how long a stream may stall is the plan's business,
/// that it may not stall for ever is what is looked at here.
pub fn bundled() -> Loaded {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/omniai.toml")).expect("the plan");
    let most = |key: &str| match key {
        "deadline" => Some("4s"),
        "first_event" | "max_gap" => Some("3s"),
        _ => None,
    };
    // Spans in seconds only: a rollback's deadline is in minutes, and stays.
    let shorter = |line: &str| {
        let (key, value) = line.split_once(" = ")?;
        let seconds = value.trim_matches('"').strip_suffix('s')?.parse::<u32>().ok()?;
        most(key).filter(|_| seconds > 4).map(|short| format!("{key} = \"{short}\""))
    };
    let lines = text.lines().map(|line| shorter(line).unwrap_or_else(|| line.to_owned()));
    let text = lines.collect::<Vec<_>>().join("\n");
    read("omniai.toml", &text)
}

pub fn read(name: &str, text: &str) -> Loaded {
    let environment: Environment =
        [("SMOKE_USERNAME", "smoke-account"), ("SMOKE_PASSWORD", "correct horse battery")].into_iter().collect();
    let options = Options { rehearsal: true, ..Options::default() };
    load(Source::new(name, text), &environment, &options)
        .unwrap_or_else(|wrong| panic!("{}", Source::new(name, text).render(&wrong, false)))
}

impl Flight {
    pub async fn of(loaded: Loaded, faults: &[&str]) -> Self {
        let faults = Faults::new(faults.iter().map(|fault| fault.parse().unwrap_or_else(|why| panic!("{why}"))));
        let target = Target::start(&loaded.plan, &loaded.catalogue, faults).await.expect("a target");
        let client = Client::new(&target.network(), Limits::default()).expect("a client");
        let sessions = &loaded.catalogue.sessions;
        let sessions = sessions.iter().map(|(id, plan)| (id.clone(), Session::new(plan.clone()))).collect();
        let jq = Jq::with_worker(env!("CARGO_BIN_EXE_tminus")).with_deadline(Duration::from_secs(20));
        Self { loaded, target, client, jq, sessions, baseline: Scope::default() }
    }

    /// Captures what was good before, as before T-0: with every fault off for that time.
    pub async fn capture_baseline(&mut self) {
        let on = self.target.faults.on();
        on.iter().for_each(|fault| self.target.faults.switch(*fault, false));
        for baseline in self.loaded.plan.baseline.clone() {
            let ran = self.look_at(baseline.spec, Duration::from_secs(10)).await;
            for (name, value) in ran.captured {
                self.baseline.bind(name, value);
            }
        }
        on.iter().for_each(|fault| self.target.faults.switch(*fault, true));
    }

    /// Flies every phase; what each check found.
    pub async fn fly(&mut self) -> Vec<(ItemId, Report)> {
        self.capture_baseline().await;
        let mut found = Vec::new();
        let order: Vec<ItemId> = self.loaded.plan.phases.iter().flat_map(|phase| phase.items.clone()).collect();
        for id in order {
            let item = self.loaded.plan.item(&id).expect("an item of the plan");
            let timeout = item.timeout;
            match item.act {
                Act::Check(spec) => found.push((id, self.look_at(spec, timeout).await.report)),
                Act::Step { .. } => assert_eq!(self.act(&id).await["exit"], 0, "{id}"),
                _ => {}
            }
        }
        found
    }

    /// Rolls back; what each verify item found.
    pub async fn roll_back(&self, which: usize) -> Vec<(ItemId, Report)> {
        let rollback = self.loaded.plan.rollbacks[which].clone();
        for step in &rollback.steps {
            assert_eq!(self.act(&step.id).await["exit"], 0, "{}", step.id);
        }
        let mut found = Vec::new();
        for verify in rollback.verify {
            found.push((verify.id, self.look_at(verify.spec, verify.timeout).await.report));
        }
        found
    }

    pub async fn look_at(&self, spec: SpecId, timeout: Duration) -> tminus::kind::check::Ran {
        let catalogue: &Catalogue = &self.loaded.catalogue;
        let entry = catalogue.get(spec).expect("an entry");
        let Spec::Check(check) = &entry.spec else { panic!("{} is no check", entry.owner) };
        let cx = Context {
            jq: self.jq.clone(),
            redactor: Redactor::new(catalogue.secrets.iter().cloned()),
            scope: entry.scope.with(&self.baseline),
            session: entry.session.as_ref().map(|id| self.sessions[id].clone()),
            timeout,
            owner: entry.owner.clone(),
            simulated: Some(self.target.address),
            ..Context::new(self.client.clone())
        };
        check.run(&cx).await
    }

    pub async fn act(&self, step: &ItemId) -> Value {
        let url = format!("http://{}/__tminus/step/{step}", self.target.address);
        let request = Request { method: "POST".into(), url, ..Request::default() };
        let answer = self.client.send(request, Duration::from_secs(10)).await.expect("an answer");
        serde_json::from_slice(&answer.body).expect("JSON")
    }
}
