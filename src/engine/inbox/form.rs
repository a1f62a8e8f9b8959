//! The wire form of requests and answers, version 1: what attached terminals and the holder write for each
//! other. Hostile until parsed: the forms are closed, and every name and text has its limit.

use std::time::Duration;

use chrono::serde::{ts_milliseconds, ts_milliseconds_option};
use serde::{Deserialize, Serialize};

mod incident;
mod trigger;

use crate::base::text::printable_lines;
use crate::launch::amend::Amendment;
use crate::launch::board::Decided;
use crate::launch::command::Command;
use crate::launch::event::Vote;
use crate::launch::id::{CriterionId, EvidenceId, ItemId, PlaybookId, RequestId, RoleId};
use crate::launch::people::is_free;
use crate::launch::time::{Instant, Wall};
use crate::launch::waiver;

/// The version this build writes, and the only one it reads.
pub const VERSION: u32 = 1;
/// A request or an answer is not larger, in bytes.
pub const LARGEST: usize = 64 * 1024;
/// A name, an id or a role, in bytes.
const LONGEST_NAME: usize = 512;
/// What is said, in bytes: the journal keeps it, and the pane keeps hundreds of records.
pub const LONGEST_TEXT: usize = 16 * 1024;
/// Hexadecimal digits of an id: 128 bits of chance.
const ID_DIGITS: usize = 32;

/// What an attached terminal asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub id: RequestId,
    /// What its asker calls itself; whose file it is says whether that stands.
    pub name: String,
    pub role: Option<RoleId>,
    pub asked_at: Wall,
    pub command: Command,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// In the journal, as this record.
    Recorded(u64),
    Refused(String),
}

/// Why bytes are no request, as a sentence for its asker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRequest {
    #[error("it has more than the {LARGEST} bytes that are read")]
    TooLarge,
    #[error("it is no request: {0}")]
    Malformed(String),
    #[error("it is a request of version {0}, and this tminus reads version {VERSION}")]
    Version(u32),
    #[error("`{0}` is no id of a request: 32 hexadecimal digits, drawn by chance")]
    Id(String),
    #[error("its {0} is longer than what is read")]
    TooLong(&'static str),
    #[error("its asker has no name")]
    Nameless,
    #[error("`{0}` is no name for a person here: it is the launch's own")]
    Reserved(String),
    #[error("a name stands for its own account here: `{asked}` is not `{own}`, whose account asked")]
    Borrowed { asked: String, own: String },
    #[error("`{0}` has an account of its own that may ask in this launch: it asks from there")]
    HasOwnAccount(String),
    /// Asked by a console of this build for what the file has no words for.
    #[error("this cannot be asked from an attached terminal")]
    NotForRequests,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestV1 {
    v: u32,
    id: RequestId,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<RoleId>,
    #[serde(with = "ts_milliseconds")]
    asked_at: Wall,
    command: AskedV1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum AskedV1 {
    /// Its plan lies beside it; this is its hash.
    Amend {
        plan: String,
        reason: String,
    },
    OpenIncident(incident::OpenV1),
    ChangeIncident(incident::ChangeV1),
    Attest {
        item: ItemId,
        note: String,
        passed: bool,
    },
    Evidence {
        evidence: EvidenceId,
        what: String,
    },
    Close(CloseV1),
    Note {
        text: String,
        /// When it happened, in milliseconds, where that is not when it was asked.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "ts_milliseconds_option")]
        occurred_at: Option<Wall>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amends: Option<u64>,
    },
    Playbook {
        playbook: PlaybookId,
    },
    Trigger(trigger::TriggerV1),
    Hold {
        why: String,
    },
    Release {
        who: String,
    },
    Vote {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poll: Option<ItemId>,
        role: RoleId,
        vote: VoteV1,
    },
    Acknowledge {
        item: ItemId,
    },
    Judge {
        criterion: CriterionId,
        met: bool,
        note: String,
    },
    /// How long it counts, in milliseconds.
    WaiveCriterion {
        criterion: CriterionId,
        reason: String,
        lasts: u64,
    },
    Sign {
        item: ItemId,
        role: RoleId,
        note: String,
    },
    Choose {
        item: ItemId,
        option: String,
        reason: String,
    },
    Waive {
        item: ItemId,
        reason: String,
        lasts_ms: u64,
    },
    /// When the hole began, on the launch's axis.
    WaiveHole {
        item: ItemId,
        hole: i64,
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseV1 {
    why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anyway: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum VoteV1 {
    Go,
    NoGo { reason: String },
    GoWithWaiver { reason: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerV1 {
    v: u32,
    id: RequestId,
    /// The record that says what was decided; none where nothing could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// The bytes of a request.
///
/// # Errors
/// Its command has no place in one, or something of it is too long.
pub fn encode(request: &Request) -> Result<Vec<u8>, NoRequest> {
    let command = match &request.command {
        Command::Note { text, occurred_at, amends } => {
            AskedV1::Note { text: text.clone(), occurred_at: *occurred_at, amends: *amends }
        }
        Command::RunPlaybook { playbook } => AskedV1::Playbook { playbook: playbook.clone() },
        Command::CallHold { why } => AskedV1::Hold { why: why.clone() },
        Command::ReleaseHold { who } => AskedV1::Release { who: who.clone() },
        Command::Vote { poll, role, vote } => {
            AskedV1::Vote { poll: poll.clone(), role: role.clone(), vote: written(vote) }
        }
        Command::Acknowledge { item } => AskedV1::Acknowledge { item: item.clone() },
        Command::Amend { amendment: Ok(amendment), reason } => {
            AskedV1::Amend { plan: amendment.plan_hash.clone(), reason: reason.clone() }
        }
        Command::Judge { criterion, met, note } => {
            AskedV1::Judge { criterion: criterion.clone(), met: *met, note: note.clone() }
        }
        Command::WaiveCriterion { criterion, reason, lasts } => AskedV1::WaiveCriterion {
            criterion: criterion.clone(),
            reason: reason.clone(),
            lasts: u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX),
        },
        Command::Sign { item, role, note } => {
            AskedV1::Sign { item: item.clone(), role: role.clone(), note: note.clone() }
        }
        Command::OpenIncident { title, severity, detected_by } => {
            AskedV1::OpenIncident(incident::open(title, severity.as_ref(), detected_by))
        }
        Command::ChangeIncident { incident, change } => AskedV1::ChangeIncident(incident::change(*incident, change)),
        Command::Attest { item, note, passed } => {
            AskedV1::Attest { item: item.clone(), note: note.clone(), passed: *passed }
        }
        Command::GiveEvidence { evidence, what } => {
            AskedV1::Evidence { evidence: evidence.clone(), what: what.clone() }
        }
        Command::Close { why, anyway, .. } => AskedV1::Close(CloseV1 { why: why.clone(), anyway: anyway.clone() }),
        Command::Choose { item, option, reason } => {
            AskedV1::Choose { item: item.clone(), option: option.clone(), reason: reason.clone() }
        }
        Command::Waive { item, reason, lasts } => {
            AskedV1::Waive { item: item.clone(), reason: reason.clone(), lasts_ms: waiver::lasts_ms(*lasts) }
        }
        Command::WaiveHole { item, hole, reason } => {
            AskedV1::WaiveHole { item: item.clone(), hole: hole.0, reason: reason.clone() }
        }
        other => AskedV1::Trigger(trigger::written(other).ok_or(NoRequest::NotForRequests)?),
    };
    let Request { id, name, role, asked_at, .. } = request.clone();
    let form = RequestV1 { v: VERSION, id, name, role, asked_at, command };
    let bytes = serde_json::to_vec(&form).map_err(|wrong| NoRequest::Malformed(wrong.to_string()))?;
    // What its reader would refuse is not written.
    decode(&bytes).map(|_| bytes)
}

/// The request that `bytes` are.
///
/// # Errors
/// They are none, or something of it is too long.
pub fn decode(bytes: &[u8]) -> Result<Request, NoRequest> {
    if bytes.len() > LARGEST {
        return Err(NoRequest::TooLarge);
    }
    let form: RequestV1 =
        serde_json::from_slice(bytes).map_err(|wrong| newer(bytes).unwrap_or_else(|| malformed(&wrong)))?;
    if form.v != VERSION {
        return Err(NoRequest::Version(form.v));
    }
    if !is_id(form.id.as_str()) {
        return Err(NoRequest::Id(form.id.as_str().chars().take(ID_DIGITS).collect()));
    }
    let name = named(&form.name)?;
    let role = form.role.map(|role| short("role", role.as_str()).map(RoleId::new)).transpose()?;
    let command = match form.command {
        AskedV1::Note { text, occurred_at, amends } => Command::Note { text: said(&text)?, occurred_at, amends },
        AskedV1::Playbook { playbook } => {
            Command::RunPlaybook { playbook: PlaybookId::new(short("playbook", playbook.as_str())?) }
        }
        AskedV1::Hold { why } => Command::CallHold { why: said(&why)? },
        AskedV1::Release { who } => Command::ReleaseHold { who: short("caller", &who)? },
        AskedV1::Vote { poll, role, vote } => Command::Vote {
            poll: poll.map(|poll| short("poll", poll.as_str()).map(ItemId::new)).transpose()?,
            role: RoleId::new(short("role", role.as_str())?),
            vote: read(vote)?,
        },
        AskedV1::Acknowledge { item } => Command::Acknowledge { item: ItemId::new(short("item", item.as_str())?) },
        AskedV1::Amend { plan, reason } => {
            let plan_hash = short("plan", &plan)?;
            Command::Amend { amendment: Ok(Amendment { plan_hash, ..Amendment::default() }), reason: said(&reason)? }
        }
        AskedV1::Judge { criterion, met, note } => {
            let criterion = CriterionId::new(short("criterion", criterion.as_str())?);
            Command::Judge { criterion, met, note: said(&note)? }
        }
        AskedV1::WaiveCriterion { criterion, reason, lasts } => Command::WaiveCriterion {
            criterion: CriterionId::new(short("criterion", criterion.as_str())?),
            reason: said(&reason)?,
            lasts: Duration::from_millis(lasts),
        },
        AskedV1::Sign { item, role, note } => Command::Sign {
            item: ItemId::new(short("item", item.as_str())?),
            role: RoleId::new(short("role", role.as_str())?),
            note: said(&note)?,
        },
        AskedV1::Trigger(form) => form.read()?,
        AskedV1::OpenIncident(form) => form.read()?,
        AskedV1::ChangeIncident(form) => form.read()?,
        AskedV1::Attest { item, note, passed } => {
            Command::Attest { item: ItemId::new(short("item", item.as_str())?), note: said(&note)?, passed }
        }
        AskedV1::Evidence { evidence, what } => Command::GiveEvidence {
            evidence: EvidenceId::new(short("evidence", evidence.as_str())?),
            what: said(&what)?,
        },
        AskedV1::Close(CloseV1 { why, anyway }) => {
            Command::Close { why: said(&why)?, anyway: anyway.as_deref().map(said).transpose()?, gone: Vec::new() }
        }
        AskedV1::Choose { item, option, reason } => Command::Choose {
            item: ItemId::new(short("item", item.as_str())?),
            option: short("branch", &option)?,
            reason: said(&reason)?,
        },
        AskedV1::Waive { item, reason, lasts_ms } => Command::Waive {
            item: ItemId::new(short("item", item.as_str())?),
            reason: said(&reason)?,
            lasts: Duration::from_millis(lasts_ms),
        },
        AskedV1::WaiveHole { item, hole, reason } => Command::WaiveHole {
            item: ItemId::new(short("item", item.as_str())?),
            hole: Instant(hole),
            reason: said(&reason)?,
        },
    };
    Ok(Request { id: form.id, name, role, asked_at: form.asked_at, command })
}

/// The bytes of the answer to `id`.
///
/// # Errors
/// They could not be written as JSON.
pub fn encode_answer(id: &RequestId, decided: &Decided) -> serde_json::Result<Vec<u8>> {
    let Decided { seq, refused } = decided.clone();
    serde_json::to_vec(&AnswerV1 { v: VERSION, id: id.clone(), seq: Some(seq), refused })
}

/// The bytes of the answer to what was no request.
///
/// # Errors
/// They could not be written as JSON.
pub fn encode_refusal(id: &RequestId, why: &NoRequest) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&AnswerV1 { v: VERSION, id: id.clone(), seq: None, refused: Some(why.to_string()) })
}

/// The answer to `id` that `bytes` are.
#[must_use]
pub fn decode_answer(bytes: &[u8], id: &RequestId) -> Option<Answer> {
    let form: AnswerV1 = serde_json::from_slice(bytes).ok()?;
    match form {
        AnswerV1 { v: VERSION, id: of, seq, refused } if of == *id => match (seq, refused) {
            (_, Some(why)) => Some(Answer::Refused(printable_lines(&why))),
            (Some(seq), None) => Some(Answer::Recorded(seq)),
            (None, None) => None,
        },
        _ => None,
    }
}

/// Whether `text` can be the id of a request, and so the name of a file.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `name` as that of a person.
///
/// # Errors
/// It is none.
pub fn named(name: &str) -> Result<String, NoRequest> {
    let name = short("name", name)?;
    if name.is_empty() {
        return Err(NoRequest::Nameless);
    }
    if !is_free(&name) {
        return Err(NoRequest::Reserved(name));
    }
    Ok(name)
}

fn short(what: &'static str, text: &str) -> Result<String, NoRequest> {
    if text.len() > LONGEST_NAME { Err(NoRequest::TooLong(what)) } else { Ok(printable_lines(text).trim().to_owned()) }
}

fn said(text: &str) -> Result<String, NoRequest> {
    if text.len() > LONGEST_TEXT { Err(NoRequest::TooLong("text")) } else { Ok(printable_lines(text)) }
}

fn written(vote: &Vote) -> VoteV1 {
    match vote {
        Vote::Go => VoteV1::Go,
        Vote::NoGo { reason } => VoteV1::NoGo { reason: reason.clone() },
        Vote::GoWithWaiver { reason } => VoteV1::GoWithWaiver { reason: reason.clone() },
    }
}

fn read(vote: VoteV1) -> Result<Vote, NoRequest> {
    Ok(match vote {
        VoteV1::Go => Vote::Go,
        VoteV1::NoGo { reason } => Vote::NoGo { reason: said(&reason)? },
        VoteV1::GoWithWaiver { reason } => Vote::GoWithWaiver { reason: said(&reason)? },
    })
}

/// A newer version may have another form altogether.
fn newer(bytes: &[u8]) -> Option<NoRequest> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    let Version { v } = serde_json::from_slice(bytes).ok()?;
    (v > VERSION).then_some(NoRequest::Version(v))
}

/// Not serde's whole message: it quotes what it read.
fn malformed(wrong: &serde_json::Error) -> NoRequest {
    let what = match wrong.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is no JSON",
        serde_json::error::Category::Data => "a field is missing, unknown, or of another type",
    };
    NoRequest::Malformed(format!("{what} (line {}, column {})", wrong.line(), wrong.column()))
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
