//! The pass over the file: which table is read when, and what the readers of the nouns share. A reader
//! never stops at a mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use super::canaries::Canary;
use super::items::Draft;
use super::names::{Names, Stands};
use super::objectives::ObjectivePlace;
use super::processes::Handed;
use super::secrets::Secret;
use super::sessions::SessionDraft;
use super::targets::Target;
use super::triggers::TriggerPlace;
use super::vars::Var;
use super::{Environment, Hidden, Options, Variables, branches, effects, examples, inside, kinds, lint, needs, soaks};
use crate::base::known::Wanted;
use crate::base::secret::Redactor;
use crate::base::source::{Diagnostic, Source, Span};
use crate::base::table::{Notes, Placed, Table};
use crate::base::template::Scope;
use crate::base::text::printable;
use crate::kind::example::Examples;
use crate::kind::expect::fresh::NOW;
use crate::kind::{Catalogue, Entry, Kind, Spec, check, step};
use crate::launch::id::{ItemId, MonitorId, ObjectiveId, RoleId, RollbackId, SessionId};
use crate::launch::plan::{Plan, Release, SpecId};
use crate::launch::time::Mark;

/// Where a catalogue entry stands in the file, and what a trial of it must know.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Of the kind's table.
    pub span: Span,
    /// How messages call it: `item csrf`.
    pub called: String,
    /// Names it captures from its answers, each with its place and the jq program, where it is one.
    pub captures: Vec<(String, Span, Option<String>)>,
    /// A further value of a `for_each` whose first entry stands for it.
    pub repeats: bool,
    /// Checks inside a step's own table.
    pub inside: Vec<Inside>,
    /// Names that a step's own table binds for what is inside.
    pub binds: Vec<(String, Span)>,
}

/// A check inside a step's own table, to be tried as any other.
#[derive(Debug, Clone, Default)]
pub struct Inside {
    pub span: Span,
    /// How messages call it: `guard health of item ramp`.
    pub called: String,
    pub examples: Examples,
}

/// A variable of the environment that the plan names and that is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unset {
    /// The variable of the environment.
    pub variable: String,
    pub span: Span,
}

/// What a pass comes to; the diagnostics are with the notes.
#[derive(Debug)]
pub(super) struct Read {
    pub plan: Plan,
    pub catalogue: Catalogue,
    pub warnings: Vec<Diagnostic>,
    pub places: Vec<Place>,
    pub unset: Vec<Unset>,
    pub canaries: Vec<Canary>,
    pub targets: Vec<String>,
    pub environment: Variables,
    pub hidden: Hidden,
}

pub(super) struct Reader<'a> {
    pub source: &'a Source,
    pub notes: &'a Notes,
    pub environment: &'a Environment,
    pub options: &'a Options,
    /// Knows each secret as soon as it is read.
    pub redactor: Redactor,
    /// Vars and secrets.
    pub scope: Scope,
    /// Vars, secrets and baseline values.
    pub names: Names,
    pub sessions: Vec<SessionDraft>,
    /// Those of monitors, which begin anew at each look.
    pub of_monitors: Vec<SessionDraft>,
    pub handed: Handed,
    /// Items whose programs hand out what the item being read uses.
    pub stands_on: Vec<Placed<String>>,
    /// Names that the entries made lately use.
    pub used: BTreeSet<String>,
    /// The roles that may approve, and where that is said.
    pub approvers: Vec<(RoleId, Span)>,
    /// What each soak names.
    pub soaks: Vec<soaks::Asked>,
    /// Every objective whose id was read, sound or not.
    pub objectives_seen: BTreeSet<ObjectiveId>,
    pub objective_places: Vec<ObjectivePlace>,
    pub trigger_places: Vec<TriggerPlace>,
    /// Verify items that the first good answer satisfies.
    pub verified_at_once: Vec<(RollbackId, ItemId, Span)>,
    pub canaries: Vec<Canary>,
    /// Monitors of one alert each, with whose servers they ask.
    pub alerts_implied: Vec<(MonitorId, MonitorId)>,
    /// The variables as written.
    pub vars: BTreeMap<String, Var>,
    /// Every `[target.ID]`, in the order of the file.
    pub targets: Vec<Target>,
    /// As [secrets] says where each comes from.
    pub secrets: BTreeMap<String, Secret>,
    /// The environment that the plan says it is for.
    pub written_for: String,
    /// The environment variables that variables name.
    pub named: Variables,
    /// Those with secrets.
    pub secret: BTreeSet<String>,
    /// Where the variables stand whose lack was reported.
    pub wanted: BTreeSet<Span>,
    pub plan: Plan,
    pub catalogue: Catalogue,
    pub places: Vec<Place>,
    pub unset: Vec<Unset>,
}

/// The one kind table of an owner, with its examples.
pub(super) struct Body {
    pub kind: Kind,
    /// None where the kind is `manual` or `wait`, or the table is wrong.
    pub spec: Option<Spec>,
    pub examples: Examples,
    pub place: Place,
    /// Names its examples use: they may say what the answer itself hands out.
    pub told: Vec<(String, Span)>,
    /// How long one attempt may sensibly take, where the kind's table says it.
    pub deadline: Option<Duration>,
    /// The kind's own table as a document.
    pub text: Arc<str>,
    /// `rehearse = "real"`.
    pub real: bool,
}

impl<'a> Reader<'a> {
    pub fn new(
        source: &'a Source,
        notes: &'a Notes,
        environment: &'a Environment,
        options: &'a Options,
        redactor: Redactor,
    ) -> Self {
        Self {
            source,
            notes,
            environment,
            options,
            redactor,
            scope: Scope::default(),
            names: Names::default(),
            sessions: Vec::new(),
            of_monitors: Vec::new(),
            handed: Handed::new(),
            stands_on: Vec::new(),
            used: BTreeSet::new(),
            approvers: Vec::new(),
            soaks: Vec::new(),
            objectives_seen: BTreeSet::new(),
            objective_places: Vec::new(),
            trigger_places: Vec::new(),
            verified_at_once: Vec::new(),
            canaries: Vec::new(),
            alerts_implied: Vec::new(),
            vars: BTreeMap::new(),
            targets: Vec::new(),
            secrets: BTreeMap::new(),
            written_for: String::new(),
            named: Variables::new(),
            secret: BTreeSet::new(),
            wanted: BTreeSet::new(),
            plan: Plan::default(),
            catalogue: Catalogue::default(),
            places: Vec::new(),
            unset: Vec::new(),
        }
    }

    /// Reads everything. What gives names stands before what uses them.
    pub fn read(mut self, root: Table<'a>) -> Read {
        self.read_head(&root);
        self.read_vars(&root);
        self.read_targets(&root);
        self.read_secrets(&root);
        self.read_baseline(&root);
        self.read_roles(&root);
        self.read_sessions(&root);
        let drafts: Vec<Draft> = self.read_phases(&root);
        self.close_processes();
        needs::resolve(&mut self.plan, &drafts, self.notes);
        self.read_evidence(&root, &drafts);
        branches::resolve(&mut self.plan, &drafts, self.notes);
        self.read_monitors(&root);
        self.read_streams(&root, &drafts);
        self.read_signals(&root);
        self.read_objectives(&root);
        self.resolve_soaks();
        self.read_rollbacks(&root);
        self.read_triggers(&root);
        self.check_signals();
        self.resolve_stops();
        self.read_playbooks(&root, &drafts);
        self.resolve_drills();
        self.read_escalations(&root);
        self.read_notify(&root);
        self.read_control(&root);
        self.read_poll(&root);
        self.fill_polls();
        self.read_criteria(&root, &drafts);
        self.read_clock(&root);
        self.size_canaries();
        self.lint_watched();
        root.finish();
        self.catalogue.sessions = self.session_plans();
        self.catalogue.secrets = self.scope.secrets().collect();
        let targets = self.targets.into_iter().map(|target| target.id).collect();
        let mut environment = self.named;
        let hidden = Hidden { names: self.secret, redactor: self.redactor };
        environment.retain(|name, value| !hidden.hides(name, value.as_deref()));
        let Self { plan, catalogue, places, unset, canaries, .. } = self;
        Read { plan, catalogue, warnings: Vec::new(), places, unset, canaries, targets, environment, hidden }
    }

    /// `[plan]`
    fn read_head(&mut self, root: &Table<'a>) {
        if !root.has("plan") {
            root.missing("plan", "`[plan]` with `schema = 1`, `id` and `title`");
            return;
        }
        let Some(head) = root.table("plan") else { return };
        if !head.has("schema") {
            head.missing("schema", "`schema = 1`");
        }
        if let Some(schema) = head.integer("schema")
            && schema.value != 1
        {
            head.wrong_value(schema.span, format!("schema {} is not known here: this version reads 1", schema.value));
        }
        self.plan.id = self.need_id(&head, "`id = \"release-1\"`").map(|id| id.value).unwrap_or_default();
        self.plan.title = head.need_text("title", "`title = \"…\"`").map(|text| shown(&text)).unwrap_or_default();
        self.plan.environment = head.text("environment").map(|text| shown(&text)).unwrap_or_default();
        self.plan.description = head.text("description").map(|text| shown(&text)).unwrap_or_default();
        if let Some(release) = head.table("release") {
            self.plan.release = Release {
                version: release.text("version").map(|text| shown(&text)),
                commit: release.text("commit").map(|text| shown(&text)),
                artifact: release.text("artifact").map(|text| shown(&text)),
            };
            release.finish();
        }
        head.finish();
    }

    /// `[control]`
    fn read_control(&mut self, root: &Table<'a>) {
        let Some(control) = root.table("control") else { return };
        let body = self.body_of(<check::http::Http as check::Check>::KIND, control, "the control probe");
        let names = self.names.clone();
        self.plan.control = self.enter(ItemId::new("control"), body, &names, &Scope::default(), None, false);
    }

    /// An `id` that is there and fit to be a slug.
    pub fn need_id(&self, table: &Table<'_>, what: &str) -> Option<Placed<String>> {
        let id = table.need_text("id", what)?;
        let fits = id.value.len() <= 64
            && id.value.starts_with(|first: char| first.is_ascii_alphanumeric())
            && id.value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if fits {
            return Some(id);
        }
        let message = format!("`{}` is no id: letters, digits, `-`, `_` and `.`, at most 64", printable(&id.value));
        table.wrong_value(id.span, message);
        None
    }

    /// A title, or the id where there is none.
    pub fn title(&self, table: &Table<'_>, id: &str) -> String {
        table.text("title").map_or_else(|| id.to_owned(), |text| shown(&text))
    }

    pub fn mark(&self, table: &Table<'_>, key: &'static str) -> Option<Placed<Mark>> {
        table.learn(key, Wanted::Mark);
        let text = table.text(key)?;
        match mark_of(&text.value) {
            Ok(value) => Some(Placed { value, span: text.span }),
            Err(why) => {
                table.wrong_value(text.span, why);
                None
            }
        }
    }

    /// The kind table of `owner` and its examples. Names it uses wait in the notes for [`Self::enter`].
    pub fn body(&self, owner: &Table<'a>, fit: &[Kind], called: &str) -> Option<Body> {
        let found = kinds::one(owner, fit);
        let _ = self.notes.take_names();
        let examples = examples::read(owner);
        let told = self.notes.take_names();
        let (kind, table) = found?;
        effects::examples(owner, kind);
        let body = self.body_of(kind, table, called);
        let real = read_rehearse(owner, &body);
        Some(Body { examples, told, real, ..body })
    }

    /// A table that is the kind's own, without an owner around it.
    pub fn body_of(&self, kind: Kind, table: Table<'_>, called: &str) -> Body {
        lint::programs(kind, &table);
        let place = Place {
            span: table.span,
            called: called.to_owned(),
            captures: captures(&table),
            inside: inside::checks(kind, &table, called),
            binds: inside::binds(kind, &table),
            ..Place::default()
        };
        let deadline = match table.any("deadline") {
            Some(Placed { value: DeValue::String(text), .. }) => humantime::parse_duration(text).ok(),
            _ => None,
        };
        let text = Arc::from(table.written());
        let spec = check::Spec::read(kind.name, &table)
            .map(Spec::Check)
            .or_else(|| step::Spec::read(kind.name, &table).map(Spec::Step));
        let deadline = deadline.or_else(|| match &spec {
            Some(Spec::Check(check)) => check.lasts(),
            _ => None,
        });
        if kind.family == "check" || kind.family == "step" {
            table.finish();
        }
        Body { kind, spec, examples: Examples::default(), told: Vec::new(), place, deadline, text, real: false }
    }

    /// Enters a body in the catalogue, its names checked against what is bound at its place.
    pub fn enter(
        &mut self,
        owner: ItemId,
        body: Body,
        names: &Names,
        extra: &Scope,
        session: Option<SessionId>,
        repeats: bool,
    ) -> Option<SpecId> {
        let used = self.notes.take_names();
        self.used.extend(used.iter().map(|(name, _)| name.clone()));
        let mut inside = names.clone();
        for (name, span) in &body.place.binds {
            inside.bind(name, *span, Stands::Key, self.notes);
        }
        inside.check(&used, self.source, self.notes);
        self.stand_on(&used);
        self.stand_on(&body.told);
        if !body.told.is_empty() {
            let mut within = names.clone();
            // An example may say when it was made: now.
            let told: Vec<_> = body.told.iter().filter(|(name, _)| !NOW.contains(&name.as_str())).cloned().collect();
            // What is wrong with a captured name was reported where it is bound.
            let unheard = Notes::default();
            for (name, span, _) in &body.place.captures {
                within.bind(name, *span, Stands::Capture, &unheard);
            }
            within.check(&told, self.source, self.notes);
        }
        let scope = self.scope.with(extra);
        if let Some(spec) = body.spec.as_ref().filter(|_| !repeats) {
            self.check_addresses(spec, session.as_ref(), &scope);
        }
        if let Some(Spec::Step(step)) = &body.spec {
            self.plan.sets.extend(step.shares(&scope).map(|shares| (owner.clone(), shares)));
            lint::exposed(step, &scope, body.place.span, self.notes);
            for (check, scope) in step.checks(&scope) {
                let invoked = check.invoked();
                invoked.into_iter().for_each(|run| lint::invoked(run, &inside, &scope, body.place.span, self.notes));
            }
        }
        if let Some(invocation) = body.spec.as_ref().and_then(Spec::invoked) {
            lint::invoked(invocation, names, &scope, body.place.span, self.notes);
        }
        let mut examples = body.examples;
        examples::give_state(&mut examples, body.spec.as_ref(), &scope, self.notes, body.place.span);
        let entry = Entry { owner, spec: body.spec?, scope, session, examples, text: body.text, real: body.real };
        self.places.push(Place { repeats, ..body.place });
        Some(self.catalogue.add(entry))
    }
}

/// `rehearse`: whether a rehearsal does for real what it would else answer from the examples. What asks over
/// HTTP always asks the simulated target.
fn read_rehearse(owner: &Table<'_>, body: &Body) -> bool {
    if !matches!(body.kind.family, "check" | "step") {
        return false;
    }
    let real = owner.word("rehearse", &[("simulated", false), ("real", true)]).unwrap_or(false);
    let wire = match &body.spec {
        Some(Spec::Check(check)) => check.is_wire(),
        Some(Spec::Step(step)) => step.asks().is_some(),
        _ => false,
    };
    if real && wire {
        let why = format!("on `{}`: a rehearsal asks nobody but its own target over HTTP", body.kind.name);
        effects::refuse(owner, "rehearse", &why);
    }
    real
}

/// Text of the plan for a screen.
pub(super) fn shown(text: &Placed<String>) -> String {
    printable(text.value.trim())
}

/// A mark within ten years of T-0, so that sums of marks stay sums.
pub(super) fn mark_of(text: &str) -> Result<Mark, String> {
    const TEN_YEARS: i64 = 3_653 * 86_400_000;
    let mark = Mark::parse(text)?;
    if mark.0.abs() > TEN_YEARS {
        return Err(format!("`{}` is more than ten years from T-0", printable(text)));
    }
    Ok(mark)
}

/// What a kind's table captures: `capture = { name = "jq program" }` or `{ name = { … } }`.
fn captures(table: &Table<'_>) -> Vec<(String, Span, Option<String>)> {
    let Some(Placed { value: DeValue::Table(entries), .. }) = table.any("capture") else { return Vec::new() };
    let mut found: Vec<_> = entries
        .iter()
        .map(|(name, how)| {
            let program = how.get_ref().as_str().map(str::to_owned);
            (name.get_ref().to_string(), Span::from(name.span()), program)
        })
        .collect();
    found.sort_by_key(|(_, span, _)| *span);
    found
}
