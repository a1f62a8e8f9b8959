//! `tminus kinds`: every kind of item with an example, or those that are named.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::bail;
use clap::Args;

use crate::base::source::nearest;
use crate::base::text::printable;
use crate::kind::Kind;
use crate::plan::kinds;
use crate::ui::widgets::row::wrap;

/// Columns of a line about a kind.
const WIDTH: usize = 96;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Kinds to print; all of them unless named.
    names: Vec<String>,
}

/// Prints the kinds.
///
/// # Errors
/// A name is no kind's; standard output is gone.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    for name in &arguments.names {
        if !kinds::all().any(|kind| kind.name == name) {
            let near = nearest(name, kinds::all().map(|kind| kind.name));
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            bail!("no kind is called `{}`{near}", printable(name));
        }
    }
    let wanted =
        kinds::all().filter(|kind| arguments.names.is_empty() || arguments.names.iter().any(|name| name == kind.name));
    std::io::stdout().write_all(text(wanted).as_bytes())?;
    Ok(0)
}

/// Each kind: its word, what it does, and how it stands in a plan.
#[must_use]
pub fn text(wanted: impl Iterator<Item = Kind>) -> String {
    let mut out = String::new();
    for kind in wanted {
        let _ = writeln!(out, "{} ({})", kind.name, kind.family);
        for line in wrap(kind.line, WIDTH) {
            let _ = writeln!(out, "  {line}");
        }
        let _ = writeln!(out, "\n  [phase.item.{}]", kind.name);
        for line in kind.example.lines() {
            let _ = writeln!(out, "  {line}");
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kind_does_fits_a_screen_and_one_may_be_asked_for() {
        let all = text(kinds::all());
        for kind in kinds::all() {
            let alone = text(std::iter::once(kind));
            assert!(all.contains(&alone), "{}", kind.name);
            assert!(
                alone.lines().take_while(|line| !line.is_empty()).all(|line| line.chars().count() <= 100),
                "{alone}"
            );
        }
        let wrong = run(&Arguments { names: vec!["htpp".to_owned()] }).expect_err("no kind").to_string();
        assert!(wrong.contains("`http`"), "{wrong}");
    }
}
