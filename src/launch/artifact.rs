//! Artifacts: what was seen and is too large for a record, kept as a file whose SHA-256 the record names. Pure: it
//! names the files, `evidence` and the shim write them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::id::{Attempt, ItemId};
use crate::base::text::hex;

/// Larger files are given as evidence by a link, in bytes.
pub const LARGEST_GIVEN: u64 = 64 << 20;
/// The folder of those that are named by their hash, in the launch's own.
pub const FOLDER: &str = "artifacts";
/// Bytes of one body that are kept beside its record.
pub const KEPT: usize = 1 << 20;
/// What an attempt at a step leaves, in its own folder.
pub const OUTPUTS: [&str; 2] = ["stdout", "stderr"];

/// A file that a record stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// What it is, for people: `response body`, `stdout`.
    pub name: String,
    /// In lower case hex: of the bytes as they are kept, without secrets.
    pub sha256: String,
    pub bytes: u64,
    /// There was more than is kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cut: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Bytes on their way to become an artifact, as they came: whoever keeps them takes the secrets out. They stand in no
/// record, and on no screen.
#[derive(Clone, PartialEq, Eq)]
pub struct Whole {
    pub name: &'static str,
    pub bytes: Bytes,
    /// There was more.
    pub cut: bool,
}

impl std::fmt::Debug for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Whole({}, {} bytes)", self.name, self.bytes.len())
    }
}

impl Artifact {
    /// Where one lies that is named by its hash, from the launch's folder.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{FOLDER}/{}", self.sha256)
    }

    /// Where an output of a step lies, from the launch's folder.
    #[must_use]
    pub fn place_of_output(&self, item: &ItemId, attempt: Attempt) -> String {
        format!("steps/{}/{}/{}", item.folder(), attempt.0, self.name)
    }

    /// `response body, 41230 bytes`.
    #[must_use]
    pub fn words(&self) -> String {
        let cut = if self.cut { ", cut here" } else { "" };
        format!("{}, {} bytes{cut}", self.name, self.bytes)
    }
}

/// The SHA-256 of `bytes` as an artifact is named by it.
#[must_use]
pub fn name_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// True where `name` could be that of an artifact: 64 digits of lower case hex.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
