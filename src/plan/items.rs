//! `[[phase.item]]`: the lines of the checklist. Reads the common fields and the one kind table, and
//! repeats the item for each value of its `for_each` or its session's.

use std::sync::Arc;
use std::time::Duration;

use super::branches::Branched;
use super::names::{Names, Stands};
use super::phases::Slugs;
use super::reader::{Body, Reader, shown};
use super::sessions::each;
use super::{MOST_ITEMS, effects, kinds, lint};
use crate::base::source::Diagnostic;
use crate::base::table::{Placed, Table};
use crate::base::template::Scope;
use crate::kind::{Kind, Spec};
use crate::launch::id::{ItemId, RoleId, SessionId};
use crate::launch::plan::{Act, Class, Confirm, Every, Item, OnFail, OnPreempt, Second, SpecId};

/// One attempt of a check may take this long unless the item says otherwise.
pub(super) const CHECK_TIMEOUT: Duration = Duration::from_secs(10);
/// A program takes longer than a request.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);
/// A stream is read to its terminal event, so its check may take longer.
const STREAM_TIMEOUT: Duration = Duration::from_secs(60);
/// What connecting and tearing down may take on top of a deadline the kind's table says.
const AROUND_DEADLINE: Duration = Duration::from_secs(5);
/// One attempt of a step.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(600);

/// One attempt of a step that only asks.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// An item as written: what `needs` must know to order its copies.
#[derive(Debug)]
pub(super) struct Draft {
    pub slug: Placed<String>,
    /// Index of its phase in the plan.
    pub phase: usize,
    /// Index of its session in the file.
    pub session: Option<usize>,
    /// What its copies are for: the name bound, none where there is one copy.
    pub repeats: Option<String>,
    /// Each copy: the value it is for, and its id.
    pub copies: Vec<(Option<String>, ItemId)>,
    pub needs: Vec<Placed<String>>,
    /// The pieces of evidence that its report is.
    pub evidence: Vec<Placed<String>>,
    /// The branch it stands on: its own, else its phase's.
    pub when: Option<Branched>,
    /// Its phase's, where it has one of its own too.
    pub phase_when: Option<Branched>,
}

/// What every copy of an item shares.
struct Common {
    title: String,
    why: String,
    timeout: Option<Duration>,
    retries: u32,
    valid_for: Option<Duration>,
    allow_skipped: bool,
    auto: Option<Placed<bool>>,
    on_fail: OnFail,
    on_preempt: Option<OnPreempt>,
    class: Option<Class>,
    confirm: Option<Confirm>,
    second: Second,
    every: Option<Every>,
    target: Option<String>,
}

/// How the copies of an item come about.
struct Copies {
    session: Option<usize>,
    repeats: Option<String>,
    each: Vec<(Option<String>, Scope, Option<SessionId>)>,
    names: Names,
}

impl<'a> Reader<'a> {
    pub(super) fn read_item(
        &mut self,
        table: Table<'a>,
        (of_phase, at_phase): (Option<&Branched>, Option<&Placed<String>>),
        slugs: &mut Slugs,
        drafts: &mut Vec<Draft>,
    ) {
        let id = self.need_id(&table, "`id = \"health\"`");
        if let Some(id) = &id {
            self.claim_slug(slugs, id);
        }
        let slug = id.unwrap_or(Placed { value: "item".to_owned(), span: table.span });
        let mut common = self.common(&table, &slug.value);
        let at = self.item_mark(&table);
        let (needs, evidence) = (table.texts("needs"), table.texts("evidence"));
        let (when, phase_when) = match (self.read_when(&table), of_phase) {
            (Some(own), outer) => (Some(own), outer.cloned()),
            (None, outer) => (outer.cloned(), None),
        };
        let target = self.item_target(&table, at_phase);
        let launch = self.stand_at(target.as_deref());
        common.target = target.filter(|target| *target != self.plan.environment);
        let copies = self.copies(&table);
        let fit: Vec<Kind> = kinds::all().collect();
        let body = self.body(&table, &fit, &format!("item {}", slug.value));
        let phase = self.plan.phases.len().saturating_sub(1);
        let (Some(body), Some(copies)) = (body, copies) else {
            // Others may need it all the same: that is not wrong too.
            let copies = vec![(None, ItemId::new(&slug.value))];
            drafts.push(Draft { slug, phase, session: None, repeats: None, copies, needs, evidence, when, phase_when });
            table.finish();
            self.scope = launch;
            return;
        };
        if self.plan.items.len() + copies.each.len() > MOST_ITEMS {
            let message = format!("more than {MOST_ITEMS} items");
            self.notes.report(Diagnostic::error("too-many-items", slug.span, message));
        } else {
            let made = self.make(&table, &slug, &common, at, body, &copies);
            let mut needs = needs;
            self.needs_of_values(&mut needs);
            let Copies { session, repeats, .. } = copies;
            drafts.push(Draft { slug, phase, session, repeats, copies: made, needs, evidence, when, phase_when });
        }
        table.finish();
        self.scope = launch;
    }

    fn common(&self, table: &Table<'_>, slug: &str) -> Common {
        let retries = table.integer("retries").map_or(0, |retries| match u32::try_from(retries.value) {
            Ok(few) if few <= 100 => few,
            _ => {
                table.wrong_value(retries.span, format!("{} retries: 0 to 100", retries.value));
                0
            }
        });
        let auto = table.plain("auto").map(|placed| placed.span);
        Common {
            title: self.title(table, slug),
            why: table.text("why").map(|text| shown(&text)).unwrap_or_default(),
            timeout: self.span_over_zero(table, "timeout"),
            retries,
            valid_for: self.span_over_zero(table, "valid_for"),
            allow_skipped: table.flag("allow_skipped").unwrap_or(false),
            auto: table.flag("auto").zip(auto).map(|(value, span)| Placed { value, span }),
            on_fail: table.word("on_fail", &OnFail::WORDS).unwrap_or(OnFail::Block),
            on_preempt: table.word("on_preempt", &OnPreempt::WORDS),
            class: table.word("class", &Class::WORDS),
            confirm: table.word("confirm", &Confirm::WORDS),
            second: self.read_second(table),
            every: self.every(table),
            target: None,
        }
    }

    pub(super) fn span_over_zero(&self, table: &Table<'_>, key: &'static str) -> Option<Duration> {
        let span = table.duration(key)?;
        if span.is_zero() {
            let at = table.plain(key).map_or(table.span, |placed| placed.span);
            table.wrong_value(at, format!("`{key}` of nothing: it must be longer than 0s"));
            return None;
        }
        Some(span)
    }

    /// An item's own mark; it cannot be before its phase opens.
    fn item_mark(&self, table: &Table<'_>) -> Option<crate::launch::time::Mark> {
        let at = self.mark(table, "at")?;
        let phase = self.plan.phases.last()?;
        if at.value > phase.at {
            let message = format!("an item at {} in a phase that opens at {}", at.value, phase.at);
            self.notes.report(Diagnostic::error("wrong-order", at.span, message).label("before its phase"));
        }
        Some(at.value)
    }

    fn copies(&self, table: &Table<'a>) -> Option<Copies> {
        let session = self.session_of(table);
        let own_key = table.keys().into_iter().find(|(key, _)| *key == "for_each").map(|(_, span)| span);
        let own = self.read_repeat(table);
        match session.ok()? {
            Some(index) => {
                let session = &self.sessions[index];
                if let Some(span) = own_key {
                    let message = format!("an item of session `{}` cannot repeat by itself", session.slug);
                    let wrong = Diagnostic::error("wrong-value", span, message);
                    self.notes
                        .report(wrong.help("give the session the for_each: each value gets a session of its own"));
                    return None;
                }
                let each = session.each().into_iter().map(|(id, key, scope)| (key, scope, Some(id))).collect();
                let repeats = session.repeat.as_ref().map(|repeat| repeat.name.clone());
                Some(Copies { session: Some(index), repeats, each, names: session.names.clone() })
            }
            None if own_key.is_some() && own.is_none() => None,
            None => {
                let mut names = self.names.clone();
                if let Some(own) = &own {
                    names.bind(&own.name, own.span, Stands::Key, self.notes);
                }
                let repeats = own.as_ref().map(|own| own.name.clone());
                let each = each(own.as_ref()).into_iter().map(|(key, scope)| (key, scope, None)).collect();
                Some(Copies { session: None, repeats, each, names })
            }
        }
    }

    /// Enters every copy in the catalogue and the plan.
    fn make(
        &mut self,
        table: &Table<'a>,
        slug: &Placed<String>,
        common: &Common,
        at: Option<crate::launch::time::Mark>,
        body: Body,
        copies: &Copies,
    ) -> Vec<(Option<String>, ItemId)> {
        self.check_place(table, common, &body, copies.session.is_some());
        self.check_timeout(table, common, &body);
        let act = self.act_without_spec(table, &body);
        let mut alone = copies.names.clone();
        let bound = copies.session.map_or(&mut alone, |index| &mut self.sessions[index].names);
        for (name, at, _) in body.place.captures.iter().filter(|_| body.kind.family != "step") {
            bound.bind(name, *at, Stands::Capture, self.notes);
        }
        let handed_out = (body.kind.family == "step").then(|| body.place.clone());
        let expects = |scope: &Scope| match &body.spec {
            Some(Spec::Check(check)) => check.expects(scope),
            Some(Spec::Step(step)) => step.expects(scope),
            _ => Vec::new(),
        };
        let expects: Vec<Vec<String>> =
            copies.each.iter().map(|(_, scope, _)| expects(&self.scope.with(scope))).collect();
        let confirm = confirm_of(common);
        if body.kind.family == "step" {
            lint::command(table, body.kind, confirm, &copies.names, self.notes);
        }
        let mut names = copies.names.clone();
        let fields = match &body.spec {
            Some(Spec::Step(step)) => step.fields().to_vec(),
            _ => Vec::new(),
        };
        fields.iter().for_each(|field| names.bind(field, body.place.span, Stands::Field, self.notes));
        let (mut entry, mut made) = (Some(body), Vec::new());
        self.used = copies.session.map(|index| self.sessions[index].used.clone()).unwrap_or_default();
        for ((index, (key, scope, session)), expects) in copies.each.iter().enumerate().zip(expects) {
            let id = ItemId::keyed(&slug.value, key.as_deref());
            made.push((key.clone(), id.clone()));
            let last = index + 1 == copies.each.len();
            let body = if last { entry.take() } else { entry.as_ref().map(Body::copy) };
            let Some(body) = body else { continue };
            let (kind, deadline) = (body.kind, body.deadline);
            let least = body.least(&self.scope.with(scope));
            if index == 0 {
                self.enough(table, common.timeout, least);
            }
            let spec = self.enter(id.clone(), body, &names, scope, session.clone(), index > 0);
            let act = match (&act, spec) {
                (Some(act), _) => act.clone(),
                (None, Some(spec)) => self.act_with(spec, kind, common, confirm),
                (None, None) => continue,
            };
            if !fields.is_empty() {
                self.plan.fields.insert(id.clone(), fields.clone());
            }
            let mut item = self.item(id, kind, deadline, least, common, at, act, session.clone(), expects);
            item.baseline = self.baseline_used();
            if index == 0 && item.every.is_some() {
                self.check_every(table, &item);
            }
            self.place(item);
        }
        if let Some(place) = handed_out {
            self.bind_process(slug, &place, made.len() > 1);
        }
        made
    }

    #[expect(clippy::too_many_arguments, reason = "each is one column of the item")]
    fn item(
        &self,
        id: ItemId,
        kind: Kind,
        deadline: Option<Duration>,
        least: Duration,
        common: &Common,
        at: Option<crate::launch::time::Mark>,
        act: Act,
        session: Option<SessionId>,
        expects: Vec<String>,
    ) -> Item {
        let (phase, opens) = self.plan.phases.last().map(|phase| (phase.id.clone(), phase.at)).unzip();
        let auto = match act {
            Act::Check(_) => true,
            _ => common.auto.as_ref().is_some_and(|auto| auto.value),
        };
        Item {
            id,
            title: common.title.clone(),
            why: common.why.clone(),
            phase: phase.unwrap_or_else(|| "".into()),
            kind: kind.name,
            timeout: common.timeout.unwrap_or_else(|| timeout_of(kind, deadline, least)),
            act,
            at: at.or(opens).unwrap_or_default(),
            needs: Vec::new(),
            target: common.target.clone(),
            session,
            retries: common.retries,
            valid_for: common.valid_for,
            allow_skipped: common.allow_skipped,
            auto,
            on_fail: common.on_fail,
            on_preempt: common.on_preempt.unwrap_or_default(),
            expects,
            when: None,
            every: common.every,
            baseline: Vec::new(),
        }
    }

    /// Reports a timeout that a step's own waits alone would exceed: it would be ended half way, always.
    pub(super) fn enough(&self, table: &Table<'_>, timeout: Option<Duration>, least: Duration) {
        if timeout.is_some_and(|timeout| timeout <= least) {
            let span = table.plain("timeout").map_or(table.span, |placed| placed.span);
            let message = format!("its waits alone take {}", humantime::format_duration(least));
            let wrong = Diagnostic::error("wrong-value", span, message).label("it would be ended half way");
            self.notes.report(wrong.help("leave `timeout` out, or say more than its waits and its steps take"));
        }
    }

    fn place(&mut self, item: Item) {
        if let Some(phase) = self.plan.phases.last_mut() {
            phase.items.push(item.id.clone());
        }
        self.plan.items.insert(item.id.clone(), item);
    }

    /// What of the common fields does not go with the kind.
    fn check_place(&self, table: &Table<'_>, common: &Common, body: &Body, in_session: bool) {
        let step = body.kind.family == "step";
        let refuse = |key: &'static str, why: &str| {
            let span = table.keys().into_iter().find(|(there, _)| *there == key).map_or(table.span, |(_, span)| span);
            self.notes.report(Diagnostic::error("wrong-key", span, format!("`{key}` on `{}`: {why}", body.kind.name)));
        };
        if step {
            self.check_class(table, common.class, Some(body), &body.place.called);
        }
        if !step && table.has("class") {
            refuse("class", "only a step repeats or not");
        }
        if !step && table.has("confirm") {
            refuse("confirm", "only a step is confirmed");
        }
        if !step && common.second != Second::None {
            refuse("second", "a person's word is given in `manual`, and `second` stands in its table");
        }
        let asks = matches!(&body.spec, Some(Spec::Step(step)) if !step.fields().is_empty());
        if asks && common.auto.as_ref().is_some_and(|auto| auto.value) {
            refuse("auto", "a step whose `fields` a person types does not run by itself");
        }
        let waits = matches!(common.confirm, Some(Confirm::Key | Confirm::Type));
        if step && waits && common.auto.as_ref().is_some_and(|auto| auto.value) {
            refuse("confirm", "a step that a person confirms does not run by itself: leave `auto` or `confirm` out");
        }
        if step && common.second != Second::None && common.auto.as_ref().is_some_and(|auto| auto.value) {
            refuse("second", "a step that waits for a person's word does not run by itself: leave `auto` out");
        }
        if !step && common.auto.is_some() {
            refuse("auto", "a check always runs by itself, and a person never does");
        }
        if !step && table.has("on_preempt") {
            refuse("on_preempt", "a rollback cancels steps alone, a check is in nobody's way");
        }
        if body.kind.family != "check" {
            effects::refuse(table, "retries", "here: only a check is tried again");
        }
        if !step && body.kind.family != "check" {
            let why = format!("on `{}`: nothing is asked or run", body.kind.name);
            effects::refuse(table, "timeout", &why);
            effects::refuse(table, "example", &why);
        }
        if in_session && body.kind.family != "check" {
            refuse("session", "only checks share cookies and captured values; a step names its own credentials");
        }
    }

    /// A check that asks for a time of its own must be given it.
    fn check_timeout(&self, table: &Table<'_>, common: &Common, body: &Body) {
        let Some(Spec::Check(check)) = &body.spec else { return };
        let (Some(timeout), Some(lasts)) = (common.timeout, check.lasts()) else { return };
        if timeout < lasts {
            let [timeout, lasts] = [timeout, lasts].map(humantime::format_duration);
            let span = table.any("timeout").map_or(table.span, |placed| placed.span);
            let message = format!("a timeout of {timeout} ends `{}` before its {lasts} are over", body.kind.name);
            let help = "leave `timeout` out: it is long enough by itself";
            self.notes.report(Diagnostic::error("wrong-value", span, message).help(help));
        }
    }

    fn act_with(&self, spec: SpecId, kind: Kind, common: &Common, confirm: Confirm) -> Act {
        match kind.family {
            "step" => {
                Act::Step { spec, class: common.class.unwrap_or(Class::Once), confirm, second: common.second.clone() }
            }
            _ => Act::Check(spec),
        }
    }

    /// `role` of a person's item.
    pub(super) fn role_of(&self, table: &Table<'_>) -> Option<RoleId> {
        let role = table.text("role");
        if let Some(wrong) = role.as_ref().and_then(|role| self.unknown_role(role)) {
            self.notes.report(wrong);
        }
        role.map(|role| RoleId::new(role.value))
    }

    /// What people do, `wait` and `soak` have no entry in the catalogue.
    fn act_without_spec(&mut self, table: &Table<'a>, body: &Body) -> Option<Act> {
        match body.kind.name {
            "manual" => {
                let manual = table.table("manual")?;
                let (role, second) = (self.role_of(&manual), self.read_second(&manual));
                manual.finish();
                Some(Act::Manual { role, second })
            }
            "poll" => {
                let poll = table.table("poll")?;
                let act = self.poll_item(&poll);
                poll.finish();
                Some(act)
            }
            "signoff" => {
                let signoff = table.table("signoff")?;
                let act = self.signoff_item(&signoff);
                signoff.finish();
                Some(act)
            }
            "choice" => self.read_choice(table),
            "wait" => {
                let wait = table.table("wait")?;
                if !wait.has("for") {
                    wait.missing("for", "`for = \"10m\"`");
                }
                let span = self.span_over_zero(&wait, "for");
                wait.finish();
                Some(Act::Wait { span: span.unwrap_or_default() })
            }
            "soak" => self.read_soak(table),
            _ => None,
        }
    }
}

/// Looking needs no confirmation; whatever changes something needs a key unless the plan says otherwise.
fn confirm_of(common: &Common) -> Confirm {
    let by_class = if common.class == Some(Class::Readonly) { Confirm::None } else { Confirm::Key };
    common.confirm.unwrap_or(by_class)
}

impl Body {
    /// How long it waits by itself.
    pub(super) fn least(&self, scope: &Scope) -> Duration {
        match &self.spec {
            Some(Spec::Step(step)) => step.least(scope),
            _ => Duration::ZERO,
        }
    }

    pub(super) fn copy(&self) -> Self {
        Self {
            kind: self.kind,
            spec: self.spec.clone(),
            examples: self.examples.clone(),
            told: self.told.clone(),
            place: self.place.clone(),
            deadline: self.deadline,
            text: Arc::clone(&self.text),
            real: self.real,
        }
    }
}

/// The timeout of one attempt where the item says none.
pub(super) fn timeout_of(kind: Kind, deadline: Option<Duration>, least: Duration) -> Duration {
    match (kind.family, kind.name) {
        ("step", "send") => SEND_TIMEOUT,
        ("step", _) => STEP_TIMEOUT.saturating_add(least),
        (_, "command") => COMMAND_TIMEOUT,
        (_, "sse") => deadline.unwrap_or(STREAM_TIMEOUT).saturating_add(AROUND_DEADLINE),
        // Of a check that asks more than once the last answer may take as long as any.
        _ => CHECK_TIMEOUT.saturating_add(deadline.unwrap_or_default()),
    }
}
