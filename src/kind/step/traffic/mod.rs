//! The `traffic` step: how much of the traffic the canary gets. It reads, sets, takes back and finishes, and
//! believes nothing it did not read back. What the drivers know of their systems is in their own files;
//! `course` is what is common to all: compare, write, read back, verify.

mod course;
mod finish;
mod gateway;
mod gauge;
mod kube;
mod nginx;
mod own;
mod promote;
mod rollouts;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use super::{Acting, Command, Exposed, Step};
use crate::base::table::Table;
use crate::base::template::{Scope, Shape, Template, Unbound};
use crate::kind::invocation::exposed;
use crate::kind::{Kind, check};
use crate::launch::verdict::Report;

pub use gauge::percent;
pub use nginx::{COOKIE_VALUES, PREFIX};

/// The table of a `traffic` step.
#[derive(Debug, Clone)]
pub struct Traffic {
    driver: Box<Driver>,
    action: Action,
    /// A number or a text, in percent of the traffic.
    weight: Option<Shape>,
    /// The header that leads to the canary, and the value it must have, where one is said.
    header: Option<(Template, Option<Template>)>,
    /// The cookie that leads to the canary where it says `always`.
    cookie: Option<Template>,
    /// How long what was written may take to be read back.
    within: Duration,
    promote: Option<Box<promote::Promote>>,
    verify: Option<Box<Verify>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Read,
    Set,
    Undo,
    Finish,
}

#[derive(Debug, Clone)]
enum Driver {
    /// The canary's own Ingress.
    Nginx {
        at: At,
        ingress: Template,
        stable: Option<Template>,
        canary: Option<Template>,
    },
    Gateway {
        at: At,
        route: Template,
        stable: Template,
        canary: Template,
    },
    Rollouts {
        at: At,
        rollout: Template,
    },
    Command {
        read: Vec<Template>,
        set: Vec<Template>,
    },
}

/// Where kubectl looks: never where it was pointed at last.
#[derive(Debug, Clone)]
struct At {
    context: Template,
    namespace: Template,
    kubeconfig: Option<Template>,
}

/// What must be true of what is served.
#[derive(Debug, Clone)]
struct Verify {
    within: Duration,
    check: check::Spec,
}

impl Step for Traffic {
    const KIND: Kind = Kind {
        name: "traffic",
        family: "step",
        line: "reads or sets the canary's share of the traffic and reads it back, takes it away again (`undo`), or \
               finishes: promotes, verifies the version, and only then removes the canary",
        example: "driver = \"nginx\"\n\
                  action = \"set\"\n\
                  context = \"production\"\n\
                  namespace = \"shop\"\n\
                  ingress = \"shop-canary\"\n\
                  weight = \"10%\"\n",
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        table::read(table)
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        let weight = self.weight.as_ref().map(|weight| match weight.value(scope).as_ref().map(percent) {
            Ok(Ok(percent)) => format!("the canary gets {percent}%, read back"),
            _ => "the canary gets its share, read back".to_owned(),
        });
        let action = match self.action {
            Action::Read => weight.or(Some("the canary's share can be read".to_owned())),
            Action::Set => weight.or(Some("the canary's header or cookie, read back".to_owned())),
            Action::Undo => Some("the canary gets nothing, read back".to_owned()),
            Action::Finish => Some("promoted; the canary goes only once the version is verified".to_owned()),
        };
        let verify = self.verify.iter().flat_map(|verify| verify.check.expects(scope));
        action.into_iter().chain(verify).collect()
    }

    fn exposed(&self, scope: &Scope) -> Vec<Exposed> {
        let verify = self.verify.iter().filter_map(|verify| verify.check.invoked());
        let verify = verify.flat_map(|run| run.exposed(scope));
        exposed(self.in_sight(), scope).into_iter().chain(verify).collect()
    }

    fn checks(&self, scope: &Scope) -> Vec<(Cow<'_, check::Spec>, Scope)> {
        self.verify.iter().map(|verify| (Cow::Borrowed(&verify.check), scope.clone())).collect()
    }

    fn changes(&self) -> Option<String> {
        let action = match self.action {
            Action::Read => return None,
            Action::Set => "set",
            Action::Undo => "undo",
            Action::Finish => "finish",
        };
        Some(format!("`action = \"{action}\"` changes where the traffic goes"))
    }

    fn shares(&self, scope: &Scope) -> Option<BTreeSet<String>> {
        match self.action {
            Action::Read => Some(BTreeSet::new()),
            _ => self.share_of(scope).map(|share| BTreeSet::from([share])),
        }
    }

    async fn act(&self, cx: &Acting) -> Report {
        course::act(self, cx).await
    }
}

impl Traffic {
    /// The name whose value is its whole weight, where it sets one: what a sequence over weights binds.
    #[must_use]
    pub fn sets(&self) -> Option<&str> {
        match (&self.weight, self.action) {
            (Some(Shape::Text(weight)), Action::Set) => weight.names().next(),
            _ => None,
        }
    }

    /// Which share it is that it changes, where that is all it changes and can be told from another.
    fn share_of(&self, scope: &Scope) -> Option<String> {
        let (word, at, name) = match self.driver.as_ref() {
            Driver::Nginx { at, ingress, .. } => ("nginx", at, ingress),
            Driver::Gateway { at, route, .. } => ("gateway", at, route),
            Driver::Rollouts { at, rollout } => ("rollouts", at, rollout),
            Driver::Command { .. } => return None,
        };
        let told = |template: &Template| template.text(scope).ok();
        let (context, namespace, name) = (told(&at.context)?, told(&at.namespace)?, told(name)?);
        self.promote.is_none().then(|| format!("{word} {context} {namespace} {name}"))
    }

    /// The canary's share as it is, in percent.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn share(&self, cx: &Acting) -> Result<f64, String> {
        course::share(self, cx).await
    }

    /// What it is that the canary gets nothing: a command of the plan's knows shares alone.
    fn nothing(&self) -> gauge::Wanted {
        match self.driver.as_ref() {
            Driver::Command { .. } => gauge::Wanted { share: Some(gauge::Share::NONE), ..gauge::Wanted::default() },
            _ => gauge::Wanted::nothing(),
        }
    }

    /// Whatever stands among arguments.
    fn in_sight(&self) -> Vec<&Template> {
        let mut seen: Vec<&Template> = match self.driver.as_ref() {
            Driver::Nginx { at, ingress, stable, canary } => {
                at.templates().chain([ingress]).chain(stable).chain(canary).collect()
            }
            Driver::Gateway { at, route, stable, canary } => at.templates().chain([route, stable, canary]).collect(),
            Driver::Rollouts { at, rollout } => at.templates().chain([rollout]).collect(),
            Driver::Command { read, set } => read.iter().chain(set).collect(),
        };
        seen.extend(self.promote.iter().flat_map(|promote| promote.templates()));
        seen
    }
}

impl At {
    fn templates(&self) -> impl Iterator<Item = &Template> {
        [&self.context, &self.namespace].into_iter().chain(&self.kubeconfig)
    }
}

/// A command of the plan's, with the values of `scope` that may be seen in it.
fn command(argv: &[Template], scope: &Scope) -> Result<Command, Unbound> {
    let open = scope.without_secrets();
    let argv = argv.iter().map(|template| template.text(&open)).collect::<Result<_, _>>()?;
    Ok(Command { argv, cwd: None, env: Vec::new(), stdin: None })
}
