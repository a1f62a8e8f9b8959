//! `tminus judge` and `tminus sign`: a person's word on a criterion, and a role's name under a sign-off, asked of
//! the console that holds the launch. Exit codes as of `tminus vote`.

use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::ask::{Asking, ask_of, carries};
use super::frozen::one_of;
use crate::launch::command::Command;
use crate::launch::id::{CriterionId, ItemId, RoleId};
use crate::launch::plan::Act;

#[derive(Debug, Args)]
pub struct Judge {
    #[command(flatten)]
    asking: Asking,
    /// The criterion, by its id.
    criterion: String,
    /// met or not-met of a go criterion; excluded or occurs of a no-go; or waived.
    #[arg(value_parser = word)]
    word: Word,
    /// How you know, or why it is waived.
    #[arg(required = true)]
    note: Vec<String>,
    /// How long a waiver counts.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    lasts: Option<Duration>,
}

#[derive(Debug, Args)]
pub struct Sign {
    #[command(flatten)]
    asking: Asking,
    /// The sign-off, by its item's id.
    item: String,
    /// A remark beside the name.
    note: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Met,
    NotMet,
    Excluded,
    Occurs,
    Waived,
}

fn word(word: &str) -> Result<Word, String> {
    match word.to_lowercase().replace(['-', '_', ' '], "").as_str() {
        "met" => Ok(Word::Met),
        "notmet" => Ok(Word::NotMet),
        "excluded" => Ok(Word::Excluded),
        "occurs" => Ok(Word::Occurs),
        "waived" => Ok(Word::Waived),
        _ => Err("say met, not-met, excluded, occurs, or waived".to_owned()),
    }
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn judge(judge: &Judge) -> anyhow::Result<i32> {
    ask_of(&judge.asking, |frozen, role| {
        carries(role)?;
        let known = frozen.plan.criteria.iter().map(|criterion| criterion.id.as_str());
        let id = CriterionId::new(one_of("criterion", &judge.criterion, known)?);
        let note = judge.note.join(" ");
        let no_go = frozen.plan.criteria.iter().any(|criterion| criterion.id == id && criterion.no_go);
        match judge.word {
            // Met could be read either way: what must not be is so, or is not.
            Word::Met | Word::NotMet if no_go => {
                bail!("{id} is a no-go criterion: say excluded where it does not occur, or occurs")
            }
            Word::Excluded | Word::Occurs if !no_go => bail!("{id} is a go criterion: say met or not-met"),
            _ => {}
        }
        Ok(match (judge.word, judge.lasts) {
            (Word::Waived, None) => bail!("say how long the waiver counts: --for 4h"),
            (Word::Waived, Some(lasts)) => Command::WaiveCriterion { criterion: id, reason: note, lasts },
            (_, Some(_)) => bail!("--for is for a waiver: a judgement stands until another"),
            (Word::Met | Word::Excluded, None) => Command::Judge { criterion: id, met: true, note },
            (Word::NotMet | Word::Occurs, None) => Command::Judge { criterion: id, met: false, note },
        })
    })
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn sign(sign: &Sign) -> anyhow::Result<i32> {
    ask_of(&sign.asking, |frozen, role| {
        let role = carries(role)?.clone();
        let known = frozen.plan.items.values().filter(|item| matches!(item.act, Act::Signoff { .. }));
        let item = ItemId::new(one_of("sign-off", &sign.item, known.map(|item| item.id.as_str()))?);
        if let Some(Act::Signoff { roles }) = frozen.plan.item(&item).map(|item| &item.act) {
            one_of("signature of", role.as_str(), roles.iter().map(RoleId::as_str))?;
        }
        Ok(Command::Sign { item, role, note: sign.note.join(" ") })
    })
}
