//! What everything else stands on, and what knows nothing of launches: sources with spans, tables read
//! with their spans, templates, secrets, HTTP and SSE on the wire, processes, outside text.

pub mod boundary;
pub mod hint;
pub mod jq;
pub mod known;
pub mod proc;
pub mod reach;
pub mod regular;
pub mod rights;
pub mod secret;
pub mod signature;
pub mod source;
pub mod table;
pub mod template;
pub mod text;
pub mod wire;
pub mod written;
pub mod zip;
