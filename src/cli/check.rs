//! `tminus check PLAN`: everything that is wrong with a plan, and its checks tried on their examples.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;

use super::say::{self, err};
use super::{WRONG, assemble, runtime};
use crate::base::jq::Jq;
use crate::plan::{Environment, check_report};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The plan file.
    plan: PathBuf,
    /// The place that is meant: the plan's own environment, or one of its targets.
    #[arg(long, value_name = "TARGET")]
    env: Option<String>,
}

/// # Errors
/// The plan cannot be read.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let source = match assemble::read(&arguments.plan) {
        Ok(source) => source,
        Err(error) => {
            err!("tminus: {error:#}");
            return Ok(WRONG);
        }
    };
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (environment, jq) = (Environment::of_process(), Jq::default());
    let checked = runtime()?.block_on(check_report(&source, &environment, arguments.env.clone(), &jq, colour));
    say::whole(&checked.text);
    Ok(i32::from(checked.errors > 0))
}
