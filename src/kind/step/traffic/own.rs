//! The plan's own commands: one says the weight, one sets it. What the second says is not believed; the first
//! is asked again.

use std::time::Duration;

use super::course::{Change, Look};
use super::gauge::{Gauge, Share, Wanted};
use super::kube::{Trouble, What};
use crate::kind::exchange::shown;
use crate::kind::step::{Acting, Command, child};

/// Of one call that reads.
const PATIENCE: Duration = Duration::from_secs(30);
/// The variable in which a command that sets is told the weight, in percent.
const WEIGHT: &str = "TMINUS_WEIGHT";
/// Columns of an output that is shown.
const SHOWN: usize = 120;

#[derive(Debug, Clone)]
pub(super) struct Own {
    pub read: Command,
    pub set: Option<Command>,
}

impl Own {
    pub async fn look(&self, wanted: Option<&Wanted>, cx: &Acting) -> Result<Look, Trouble> {
        let heard = child::heard(&self.read, &cx.look.base, PATIENCE).await;
        let blind = |why: String| Trouble::of(What::Blind, why);
        if let Some(error) = &heard.outcome.error {
            return Err(blind(error.clone()));
        }
        if heard.outcome.exit != Some(0) {
            let end = heard.stderr.lines().next_back().unwrap_or_default();
            return Err(blind(format!("`read`: {}: {}", heard.outcome.words(), shown(end, SHOWN, &cx.look.redactor))));
        }
        let said = String::from_utf8_lossy(&heard.stdout);
        let share = share(&said).ok_or_else(|| {
            blind(format!("`read` printed no number of percent: {}", shown(said.trim(), SHOWN, &cx.look.redactor)))
        })?;
        let gauge = Gauge::of(share);
        let unmet = wanted.and_then(|wanted| wanted.share).filter(|share| !gauge.share.is(*share));
        let change = match (unmet, &self.set) {
            (None, _) => None,
            (Some(share), Some(set)) => {
                let mut set = set.clone();
                set.env.push((WEIGHT.to_owned(), share.words().trim_end_matches('%').to_owned()));
                Some(Change::Run(set))
            }
            (Some(_), None) => return Err(Trouble::of(What::Refused, "the plan says no `set` command")),
        };
        Ok(Look { gauge, change })
    }
}

/// Sets: whatever it comes to, the reading decides.
pub(super) async fn set(command: &Command, cx: &Acting) -> Result<(), Trouble> {
    cx.say(&format!("running {}", command.argv.join(" ")));
    let outcome = child::through(command, &cx.look.base).await;
    match (&outcome.error, outcome.exit) {
        (Some(error), _) if outcome.never_ran => Err(Trouble::of(What::Blind, error)),
        (None, Some(0)) => Ok(()),
        _ => Err(Trouble::of(What::Lost, format!("`set`: {}", outcome.words()))),
    }
}

/// The number of percent that a text is: `10`, `10%`, `12.5`.
fn share(said: &str) -> Option<Share> {
    let text = said.trim().trim_matches('"').trim_end_matches('%').trim_end();
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(part.len()).ok()?);
    let share = Share { part: whole.parse::<u64>().ok()? * scale + part.parse::<u64>().ok()?, of: 100 * scale };
    (share.part <= share.of).then_some(share)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_number_of_percent_is_one() {
        for (said, percent) in [("10", 10), ("10%\n", 10), (" 0 ", 0), ("100.0", 100), ("\"50\"", 50)] {
            assert!(share(said).is_some_and(|share| share.is(Share::of_percent(percent))), "{said}");
        }
        for said in ["", "%", "ten", "10 20", "-1", "101", "100.1", "1e1", "10.", "null", "99999999999999999999"] {
            assert_eq!(share(said), None, "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_output_panics(said in "[0-9.% \\n\"a-]{0,40}") {
            if let Some(share) = share(&said) {
                prop_assert!(share.part <= share.of);
            }
        }
    }
}
