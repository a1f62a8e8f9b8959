//! What the readers of a file's tables ask for, gathered while they read: the reference of the format is
//! made from it. It reads nothing itself and knows no format.

use std::collections::BTreeMap;
use std::fmt;

/// The keys that were asked for, of each table that was met, by the table's path as messages call it. A
/// name that is the user's own stands as `NAME`.
pub type Known = BTreeMap<String, BTreeMap<&'static str, Wanted>>;

/// What a key's value must be. Of two ways to ask for one key the later in this order tells more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// It was only asked whether the key is there.
    There,
    Any,
    Text,
    Template,
    Mark,
    Duration,
    Words(Vec<&'static str>),
    Flag,
    Integer,
    Texts,
    Templates,
    Shape,
    Table,
    Tables,
    /// A table whose keys are the user's own.
    Named,
    NamedTemplates,
    /// Of the format, and refused by this version.
    Refused,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::There | Self::Any => "any value",
            Self::Text => "text",
            Self::Template => "template",
            Self::Mark => "mark",
            Self::Duration => "duration",
            Self::Words(words) => return write!(f, "`{}`", words.join("`, `")),
            Self::Flag => "true or false",
            Self::Integer => "whole number",
            Self::Texts => "text, or a list",
            Self::Templates => "template, or a list",
            Self::Shape => "JSON of templates",
            Self::Table => "table",
            Self::Tables => "list of tables",
            Self::Named => "table of names",
            Self::NamedTemplates => "table of templates",
            Self::Refused => "refused",
        })
    }
}
