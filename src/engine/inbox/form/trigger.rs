//! A word on a trigger, as it is asked for. Part of [`super`].

use serde::{Deserialize, Serialize};

use super::{NoRequest, said, short};
use crate::launch::command::Command;
use crate::launch::id::TriggerId;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerV1 {
    trigger: TriggerId,
    word: WordV1,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    why: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WordV1 {
    Veto,
    TakeOn,
    Fire,
}

/// The form of a command that is of a trigger.
pub fn written(command: &Command) -> Option<TriggerV1> {
    let (trigger, word, why) = match command {
        Command::Veto { trigger, why } => (trigger, WordV1::Veto, why.clone()),
        Command::AcknowledgeTrigger { trigger } => (trigger, WordV1::TakeOn, String::new()),
        Command::FireTrigger { trigger, why } => (trigger, WordV1::Fire, why.clone()),
        _ => return None,
    };
    Some(TriggerV1 { trigger: trigger.clone(), word, why })
}

impl TriggerV1 {
    pub fn read(self) -> Result<Command, NoRequest> {
        let trigger = TriggerId::new(short("trigger", self.trigger.as_str())?);
        Ok(match self.word {
            WordV1::Veto => Command::Veto { trigger, why: said(&self.why)? },
            WordV1::TakeOn => Command::AcknowledgeTrigger { trigger },
            WordV1::Fire => Command::FireTrigger { trigger, why: said(&self.why)? },
        })
    }
}
