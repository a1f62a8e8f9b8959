//! The `drill` step: one of the plan's rollbacks, for real and to its end, against another place than the one
//! that is launched to. How a rollback runs is the engine's; here is what the plan says of a drill.

use super::{How, Step};
use crate::base::table::{Placed, Table};
use crate::base::template::{Scope, Unbound};
use crate::kind::Kind;
use crate::launch::verdict::Verdict;

/// The hidden subcommand that runs a drill under the shim: `tminus __drill ROLLBACK TARGET`.
pub const DRILL: &str = "__drill";

/// The runner's codes ([`crate::engine::rollback::code`] says them): it was verified within its deadline; it was
/// not; it failed at a step; another runner had its folder; it was no less so before anything was done. That last is
/// unknown, and no warning: what holds without the rollback tells nothing of it, and what is left are exit codes.
const EXITS: [(i32, Verdict); 5] =
    [(0, Verdict::Pass), (1, Verdict::Fail), (2, Verdict::Fail), (3, Verdict::Unknown), (4, Verdict::Unknown)];

#[derive(Debug, Clone, PartialEq)]
pub struct Drill {
    /// The rollback's id; its place in the file is for messages.
    pub rollback: Placed<String>,
    /// A `[target.ID]` of the plan.
    pub target: Placed<String>,
}

impl Step for Drill {
    const KIND: Kind = Kind {
        name: "drill",
        family: "step",
        line: "runs a rollback for real against another target of the plan, timed against its deadline; \
               it passes once that is verified in time, and is unknown where it was so before: \
               give it something to take back",
        example: "rollback = \"frontend\"\ntarget = \"staging\"\n",
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        let rollback = table.need_text("rollback", "`rollback = \"frontend\"`: a rollback of this plan");
        let target = table.need_text("target", "`target = \"staging\"`: a `[target.ID]` of this plan");
        Some(Self { rollback: rollback?, target: target? })
    }

    fn expects(&self, _scope: &Scope) -> Vec<String> {
        let verified =
            format!("rollback {} on {} is verified within its deadline", self.rollback.value, self.target.value);
        vec![verified, "that was not so before".to_owned()]
    }

    fn how(&self, _scope: &Scope) -> Result<How, Unbound> {
        Ok(How::Hidden(vec![DRILL.to_owned(), self.rollback.value.clone(), self.target.value.clone()]))
    }

    fn changes(&self) -> Option<String> {
        Some(format!("it rolls back {} for real", self.target.value))
    }

    fn exits(&self) -> &[(i32, Verdict)] {
        &EXITS
    }
}
