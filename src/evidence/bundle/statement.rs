//! `manifest.json`: what a bundle holds, as an in-toto Statement v1. Its subjects are the entries, in their order; its
//! predicate says whose they are. Written in one form, so that two that say the same are the same bytes.

use serde::{Deserialize, Serialize};

use crate::base::text::hex;
use crate::base::zip::Sums;
use crate::journal::chain::Head;
use crate::launch::event::Mode;

/// As the specification of Statement v1 has it.
pub const KIND: &str = "https://in-toto.io/Statement/v1";
/// The version of the predicate that this build writes.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    pub kind: String,
    pub subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    pub predicate: Predicate,
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    pub name: String,
    pub digest: Digest,
    pub annotations: Annotations,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annotations {
    pub bytes: u64,
    /// SHA-256 of its deflated bytes, where it is deflated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<String>,
}

/// What a bundle is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    pub version: u32,
    /// `launch`, `rehearsal` or `gate`.
    pub mode: String,
    pub plan: PlanTold,
    pub release: ReleaseTold,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<String>,
    pub journal: JournalTold,
    pub made_by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanTold {
    pub id: String,
    pub title: String,
    pub environment: String,
    /// Of the plan that the launch was opened with.
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseTold {
    pub version: Option<String>,
    pub commit: Option<String>,
    pub artifact: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalTold {
    pub records: u64,
    /// The last of them.
    pub head: HeadTold,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadTold {
    pub record: u64,
    pub sha256: String,
}

/// Why bytes are no manifest of ours.
#[derive(Debug, thiserror::Error)]
pub enum NoStatement {
    #[error("it is of version {0}, and this tminus reads version {VERSION}: use a newer one")]
    Newer(u32),
    #[error("it is no statement: {0}")]
    Not(String),
}

impl From<Head> for HeadTold {
    fn from(head: Head) -> Self {
        Self { record: head.seq, sha256: head.hash.to_string() }
    }
}

/// How a launch was opened, as one word.
#[must_use]
pub fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Launch => "launch",
        Mode::Rehearsal => "rehearsal",
        Mode::Gate => "gate",
    }
}

/// The type says it too: what takes evidence of launches takes none of rehearsals by its type alone.
#[must_use]
pub fn type_of(mode: &str) -> String {
    format!("urn:tminus:{mode}:v{VERSION}")
}

impl Subject {
    #[must_use]
    pub fn new(name: &str, sums: &Sums) -> Self {
        Self {
            name: name.to_owned(),
            digest: Digest { sha256: hex(&sums.sha256) },
            annotations: Annotations { bytes: sums.bytes, packed: sums.packed.map(|packed| hex(&packed)) },
        }
    }
}

impl Statement {
    #[must_use]
    pub fn new(subject: Vec<Subject>, predicate: Predicate) -> Self {
        Self { kind: KIND.to_owned(), subject, predicate_type: type_of(&predicate.mode), predicate }
    }

    /// The one form of it.
    ///
    /// # Errors
    /// None of its own.
    pub fn bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// # Errors
    /// The bytes are none in that form.
    pub fn read(bytes: &[u8]) -> Result<Self, NoStatement> {
        #[derive(Deserialize)]
        struct Versioned {
            predicate: OfVersion,
        }
        #[derive(Deserialize)]
        struct OfVersion {
            version: u32,
        }
        let not = |wrong: serde_json::Error| match serde_json::from_slice(bytes) {
            Ok(Versioned { predicate: OfVersion { version } }) if version > VERSION => NoStatement::Newer(version),
            _ => NoStatement::Not(wrong.to_string()),
        };
        let statement: Self = serde_json::from_slice(bytes).map_err(not)?;
        if statement.predicate.version != VERSION {
            return Err(NoStatement::Newer(statement.predicate.version));
        }
        if statement.kind != KIND || statement.predicate_type != type_of(&statement.predicate.mode) {
            return Err(NoStatement::Not("its type is another".to_owned()));
        }
        match statement.bytes() {
            Ok(same) if same == bytes => Ok(statement),
            _ => Err(NoStatement::Not("it is not in the form that tminus writes".to_owned())),
        }
    }
}
