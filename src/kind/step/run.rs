//! The `run` step (to come).

use super::{Command, Step};
use crate::base::table::Table;
use crate::base::template::{Scope, Template, Unbound};
use crate::kind::Kind;
use crate::launch::verdict::Verdict;

#[derive(Debug, Clone)]
pub struct Run {
    argv: Vec<Template>,
    exits: Vec<(i32, Verdict)>,
}

impl Step for Run {
    const KIND: Kind = Kind {
        name: "run",
        family: "step",
        line: "runs a command under the shim; exit 0 passes unless the plan maps it otherwise",
        example: "command = [\"bash\", \"scripts/deploy.sh\"]\n",
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        Some(Self { argv: table.templates("command"), exits: Vec::new() })
    }
    fn expects(&self, _scope: &Scope) -> Vec<String> {
        Vec::new()
    }
    fn command(&self, scope: &Scope) -> Result<Command, Unbound> {
        let argv = self.argv.iter().map(|template| template.text(scope)).collect::<Result<_, _>>()?;
        Ok(Command { argv, cwd: None, env: Vec::new(), stdin: None })
    }
    fn exits(&self) -> &[(i32, Verdict)] {
        &self.exits
    }
}
