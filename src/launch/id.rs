//! Names of things, as newtypes: the plan's slugs, the `for_each` key, the attempt. Never ordinals
//! (rules.md, "Journal first").

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

/// File systems end names at 255 bytes, and a run, an attempt or an ending is added to this one.
const LONGEST_FOLDER: usize = 120;
/// Bytes of the hash at the end of a folder of a long id.
const HASH_KEPT: usize = 16;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(deserialize_with = "shared")] pub std::sync::Arc<str>);

        impl $name {
            #[must_use]
            pub fn new(name: impl AsRef<str>) -> Self {
                Self(name.as_ref().into())
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }
    )*};
}

names! {
    /// A phase's slug.
    PhaseId;
    /// An item: its slug, and its `for_each` value in brackets: `login[https://a.example]`.
    ItemId;
    /// A session: its slug, and its `for_each` value in brackets.
    SessionId;
    MonitorId;
    StreamId;
    /// A signal of the plan; `monitor.ID` is the series of a monitor's looks.
    SignalId;
    ObjectiveId;
    TriggerId;
    RollbackId;
    RoleId;
    /// A line of the go/no-go list.
    CriterionId;
    PlaybookId;
    /// A severity of the plan's guide: `sev-1`.
    SeverityId;
    /// Somebody who is told while a launch runs.
    NotifyId;
    /// A piece of evidence the launch must have before it may be closed.
    EvidenceId;
    /// A request of an attached terminal: drawn by chance where it was made, so that no two are the same.
    RequestId;
}

/// A name in one allocation: a long journal is mostly names.
fn shared<'de, D: Deserializer<'de>>(from: D) -> Result<std::sync::Arc<str>, D::Error> {
    struct Name;

    impl Visitor<'_> for Name {
        type Value = std::sync::Arc<str>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
            Ok(name.into())
        }
    }
    from.deserialize_str(Name)
}

/// Which try at an item this is, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempt(pub u32);

impl ItemId {
    /// The id of `slug` for one value of its `for_each`.
    #[must_use]
    pub fn keyed(slug: &str, key: Option<&str>) -> Self {
        Self::new(keyed(slug, key))
    }

    /// The slug without its `for_each` key.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.0.split('[').next().unwrap_or(&self.0)
    }

    /// A name fit for a folder: letters, digits, `-`, `_`, `.`, `%`, `~` only, never `.` or `..`, at most 120
    /// bytes, and no two ids the same. A long id, as that of a `for_each` over URLs, ends in its hash.
    #[must_use]
    pub fn folder(&self) -> String {
        let mut name = String::with_capacity(self.0.len());
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(byte.into()),
                other => name.push_str(&format!("%{other:02x}")),
            }
        }
        if name.len() > LONGEST_FOLDER {
            let hash = Sha256::digest(self.0.as_bytes());
            // `~` stands in no short name. All is ASCII: it can be cut anywhere.
            name.truncate(LONGEST_FOLDER - 1 - 2 * HASH_KEPT);
            name.push('~');
            hash.iter().take(HASH_KEPT).for_each(|byte| name.push_str(&format!("{byte:02x}")));
        } else if name.bytes().all(|byte| byte == b'.') {
            name = name.replace('.', "%2e");
        }
        name
    }
}

impl SessionId {
    #[must_use]
    pub fn keyed(slug: &str, key: Option<&str>) -> Self {
        Self::new(keyed(slug, key))
    }
}

fn keyed(slug: &str, key: Option<&str>) -> String {
    key.map_or_else(|| slug.to_owned(), |key| format!("{slug}[{key}]"))
}

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_different_ids_differ_and_hold_no_separator() {
        let a = ItemId::keyed("login", Some("https://a.example/x"));
        let b = ItemId::keyed("login", Some("https://a.example_x"));
        assert_eq!(a.slug(), "login");
        assert_ne!(a.folder(), b.folder());
        assert!(!a.folder().contains('/'));
        for dots in [".", "..", "..."] {
            assert!(!ItemId::new(dots).folder().starts_with('.'));
        }
    }

    #[test]
    fn folders_of_long_ids_fit_a_file_system_and_still_differ() {
        let key = "https://a.example/".repeat(40);
        let (a, b) = (ItemId::keyed("login", Some(&key)), ItemId::keyed("login", Some(&format!("{key}x"))));
        assert_ne!(a.folder(), b.folder());
        let place = tempfile::tempdir().expect("a folder");
        for folder in [a.folder(), b.folder()] {
            assert!(folder.len() <= LONGEST_FOLDER && folder.starts_with("login%5b"), "{folder}");
            std::fs::create_dir(place.path().join(format!("1-{folder}.old-1000"))).expect("made");
        }
    }
}
