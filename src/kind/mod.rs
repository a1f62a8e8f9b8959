//! The kinds of item: what looks (`check`), what acts (`step`), and the catalogue that holds each
//! item's own table. A kind is one file and one line in its list; parsing, `tminus kinds`, the
//! reference page and the looping tests follow from the lists.

pub mod check;
pub mod document;
pub mod example;
pub mod exchange;
pub mod expect;
pub mod invocation;
pub mod request;
pub mod session;
pub mod step;
pub mod tail;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::reach::Reach;
use crate::base::template::Scope;
use crate::launch::id::{ItemId, NotifyId, SessionId, StreamId};
use crate::launch::plan::SpecId;

/// What a kind is, for `tminus kinds`, the reference page and the tests that loop over all kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The word in the plan: `http`.
    pub name: &'static str,
    /// `check`, `step`, `human` or `time`.
    pub family: &'static str,
    /// One sentence: what it does and what it ends in.
    pub line: &'static str,
    /// A table body that parses: what stands under `[phase.item.NAME]`.
    pub example: &'static str,
}

/// A kind's table, read.
#[derive(Debug, Clone)]
pub enum Spec {
    Check(check::Spec),
    Step(step::Spec),
    /// What a signal asks, which ends in numbers and no verdict.
    Signal(Box<check::signal::asked::Asked>),
    /// A log or a program whose lines are followed.
    Tail(Box<tail::Tail>),
}

impl Spec {
    /// What it runs, where it runs a program for a look.
    #[must_use]
    pub fn invoked(&self) -> Option<&invocation::Invocation> {
        match self {
            Self::Check(check) => check.invoked(),
            Self::Step(_) => None,
            Self::Signal(asked) => asked.invoked(),
            Self::Tail(tail) => tail.invoked(),
        }
    }
}

/// One entry: a kind's table with what it needs at its place in the plan.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The item, monitor, stream, baseline or rollback step this belongs to, as messages call it.
    pub owner: ItemId,
    pub spec: Spec,
    /// Values known at load: vars, secrets, the `for_each` value.
    pub scope: Scope,
    pub session: Option<SessionId>,
    /// In the order of the plan; good ones as written, not derived.
    pub examples: example::Examples,
    /// The kind's own table as a TOML document: a step of ours is read from it again where it acts.
    pub text: Arc<str>,
    /// `rehearse = "real"`: a rehearsal does this for real instead of answering from its examples.
    pub real: bool,
}

/// Every kind's table of a plan.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pub entries: Vec<Arc<Entry>>,
    pub sessions: BTreeMap<SessionId, session::SessionPlan>,
    /// What programs that live on hand out, as their good examples say: for trials and rehearsals alone.
    pub handed: Scope,
    /// Every secret value of the plan, for the redactor.
    pub secrets: Vec<String>,
    /// What signals take out of the lines of streams.
    pub taken: BTreeMap<StreamId, Vec<tail::Take>>,
    /// Where whom the plan has told is reached; not where a secret for it is not set.
    pub notify: BTreeMap<NotifyId, Reach>,
}

impl Catalogue {
    pub fn add(&mut self, entry: Entry) -> SpecId {
        self.entries.push(Arc::new(entry));
        SpecId(self.entries.len() - 1)
    }

    #[must_use]
    pub fn get(&self, spec: SpecId) -> Option<&Arc<Entry>> {
        self.entries.get(spec.0)
    }
}
