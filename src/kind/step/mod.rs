//! Steps: they act on the world. Every one runs under the shim, writes an intent first, and ends in an
//! outcome. One file a kind, one line in the list below.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::example::Answered;
use super::{Kind, check};
use crate::base::proc::StopSignal;
use crate::base::table::{Placed, Table};
use crate::base::template::{Scope, Template, Unbound};
use crate::launch::verdict::{Report, Verdict};

pub mod act;
pub mod child;
pub mod dispatch;
pub mod drill;
pub mod nested;
pub mod notify;
pub mod ours;
pub mod process;
pub mod run;
pub mod send;
pub mod sequence;
pub mod simulate;
pub mod snapshot;
pub mod traffic;
pub mod weight;

pub use super::invocation::{Command, Exposed};
pub use ours::Acting;

/// What the shim starts for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// A command of the plan's.
    Command(Command),
    /// A hidden subcommand of this same binary, with its arguments.
    Hidden(Vec<String>),
    /// This same binary: [`Step::act`] is run under the shim, so that it outlives the console as a command
    /// does.
    Ours,
}

/// How a program that lives on is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    pub signal: StopSignal,
    /// From that signal to KILL.
    pub grace: Duration,
}

/// A kind of step. It gives a command, or acts by itself ([`ours`]).
pub trait Step: Sized + Clone + Send + Sync {
    const KIND: Kind;

    /// False where a rollback goes on although it failed: an announcement must not keep anybody from going back.
    const BLOCKS_ROLLBACK: bool = true;

    fn read(table: &Table<'_>) -> Option<Self>;

    fn expects(&self, scope: &Scope) -> Vec<String>;

    /// # Errors
    /// A name without a value.
    fn how(&self, scope: &Scope) -> Result<How, Unbound> {
        let _ = scope;
        Ok(How::Ours)
    }

    /// Exit codes mapped by the plan. A step of ours ends with the codes of [`ours::EXITS`].
    fn exits(&self) -> &[(i32, Verdict)] {
        &ours::EXITS
    }

    /// Names whose values a person types before each attempt.
    fn fields(&self) -> &[String] {
        &[]
    }

    /// Places where a secret of `scope` would be in sight of `ps`: the plan that has one is refused.
    fn exposed(&self, scope: &Scope) -> Vec<Exposed> {
        let _ = scope;
        Vec::new()
    }

    /// The check that its answer is judged by, where it asks somebody: it is tried on the step's examples as any
    /// check is.
    fn asks(&self) -> Option<check::Spec> {
        None
    }

    /// What it asks, where it asks somebody without a check of its own: a whole address.
    fn address(&self) -> Option<&Template> {
        None
    }

    /// What it changes, where its table alone shows that it changes something: then no plan may call it
    /// `readonly`, for that is what a console repeats by itself. What a command does only the plan's author knows.
    fn changes(&self) -> Option<String> {
        None
    }

    /// The shares of traffic that it sets, where it changes nothing else and each can be told from others: so that a
    /// rollback which sets another is known to leave it alone.
    fn shares(&self, scope: &Scope) -> Option<BTreeSet<String>> {
        let _ = scope;
        None
    }

    /// Set where it starts a program that lives on once the step has passed.
    fn life(&self) -> Option<Life> {
        None
    }

    /// Whether it acts also in a rehearsal, where it asks the simulated target itself.
    fn simulates(&self) -> bool {
        false
    }

    /// The item whose program it stops.
    fn stops(&self) -> Option<&Placed<String>> {
        None
    }

    /// The values it would take from what `example` says.
    ///
    /// # Errors
    /// What the example does not say, so that the step would not pass.
    fn said(&self, example: &Answered) -> Result<BTreeMap<String, Value>, String> {
        let _ = example;
        Ok(BTreeMap::new())
    }

    /// How long it waits by itself, besides what its work takes: its timeout must be longer.
    fn least(&self, scope: &Scope) -> Duration {
        let _ = scope;
        Duration::ZERO
    }

    /// The checks inside, each with what is bound where it stands: they are tried before they are trusted.
    fn checks(&self, scope: &Scope) -> Vec<(Cow<'_, check::Spec>, Scope)> {
        let _ = scope;
        Vec::new()
    }

    /// Acts, where it is one of ours: in a process of its own, under the shim. What it says goes to `cx.say`
    /// while it happens; the report tells how it ended. It is ended by TERM, at its timeout or by a cancel.
    fn act(&self, cx: &Acting) -> impl Future<Output = Report> + Send {
        let _ = cx;
        std::future::ready(Report::plain(Verdict::Unknown, "this kind gives a command", Duration::ZERO))
    }
}

macro_rules! steps {
    ($($module:ident :: $kind:ident),* $(,)?) => {
        /// Any step's table, read.
        #[derive(Debug, Clone)]
        pub enum Spec { $($kind($module::$kind),)* }

        /// Every kind of step, in the order of the reference page.
        pub const KINDS: &[Kind] = &[$($module::$kind::KIND,)*];

        impl Spec {
            #[must_use]
            pub fn read(name: &str, table: &Table<'_>) -> Option<Self> {
                $(if name == $module::$kind::KIND.name {
                    return $module::$kind::read(table).map(Self::$kind);
                })*
                None
            }

            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => $module::$kind::KIND,)* }
            }

            #[must_use]
            pub fn expects(&self, scope: &Scope) -> Vec<String> {
                match self { $(Self::$kind(step) => step.expects(scope),)* }
            }

            /// # Errors
            /// A name without a value.
            pub fn how(&self, scope: &Scope) -> Result<How, Unbound> {
                match self { $(Self::$kind(step) => step.how(scope),)* }
            }

            /// Names whose values a person types before each attempt.
            #[must_use]
            pub fn fields(&self) -> &[String] {
                match self { $(Self::$kind(step) => step.fields(),)* }
            }

            /// True where a rollback stops when this fails.
            #[must_use]
            pub fn blocks_rollback(&self) -> bool {
                match self { $(Self::$kind(_) => <$module::$kind as Step>::BLOCKS_ROLLBACK,)* }
            }

            /// The check that its answer is judged by, where it asks somebody.
            #[must_use]
            pub fn asks(&self) -> Option<check::Spec> {
                match self { $(Self::$kind(step) => step.asks(),)* }
            }

            /// What it asks, where it asks somebody without a check of its own.
            #[must_use]
            pub fn address(&self) -> Option<&Template> {
                match self { $(Self::$kind(step) => step.address(),)* }
            }

            /// What it changes, where its table alone shows that.
            #[must_use]
            pub fn changes(&self) -> Option<String> {
                match self { $(Self::$kind(step) => step.changes(),)* }
            }

            #[must_use]
            pub fn shares(&self, scope: &Scope) -> Option<BTreeSet<String>> {
                match self { $(Self::$kind(step) => step.shares(scope),)* }
            }

            #[must_use]
            pub fn life(&self) -> Option<Life> {
                match self { $(Self::$kind(step) => step.life(),)* }
            }

            #[must_use]
            pub fn simulates(&self) -> bool {
                match self { $(Self::$kind(step) => step.simulates(),)* }
            }

            #[must_use]
            pub fn stops(&self) -> Option<&Placed<String>> {
                match self { $(Self::$kind(step) => step.stops(),)* }
            }

            /// # Errors
            /// What the example does not say.
            pub fn said(&self, example: &Answered) -> Result<BTreeMap<String, Value>, String> {
                match self { $(Self::$kind(step) => step.said(example),)* }
            }

            pub async fn act(&self, cx: &Acting) -> Report {
                match self { $(Self::$kind(step) => step.act(cx).await,)* }
            }

            #[must_use]
            pub fn least(&self, scope: &Scope) -> Duration {
                match self { $(Self::$kind(step) => step.least(scope),)* }
            }

            #[must_use]
            pub fn checks(&self, scope: &Scope) -> Vec<(Cow<'_, check::Spec>, Scope)> {
                match self { $(Self::$kind(step) => step.checks(scope),)* }
            }

            #[must_use]
            pub fn exits(&self) -> &[(i32, Verdict)] {
                match self { $(Self::$kind(step) => step.exits(),)* }
            }

            /// Places where a secret of `scope` would be in sight of `ps`.
            #[must_use]
            pub fn exposed(&self, scope: &Scope) -> Vec<Exposed> {
                match self { $(Self::$kind(step) => step.exposed(scope),)* }
            }
        }
    };
}

steps![
    run::Run,
    send::Send,
    process::Process,
    sequence::Sequence,
    traffic::Traffic,
    dispatch::Dispatch,
    snapshot::Snapshot,
    notify::Notify,
    drill::Drill
];
