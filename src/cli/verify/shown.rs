//! What was seen of a bundle, for people and for machines.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::bundle::Bundle;
use super::{WHOLE, said, said_of, verdict};
use crate::base::text::printable;
use crate::evidence::bundle::statement::word;
use crate::journal::chain::Head;
use crate::launch::event::Mode;

pub fn told(seen: &Bundle, code: i32) -> String {
    let mut out = String::new();
    if let Some(statement) = &seen.statement {
        let about = &statement.predicate;
        let mode = if about.mode == word(Mode::Rehearsal) { "REHEARSAL of" } else { "of" };
        let version = about.release.version.as_deref().map(|version| format!(", {version}")).unwrap_or_default();
        let title = if about.plan.title.is_empty() { &about.plan.id } else { &about.plan.title };
        let environment = &about.plan.environment;
        let _ = writeln!(out, "bundle {mode} {}", printable(&format!("{title}{version}, {environment}")));
        let _ = writeln!(out, "{} files, {} records", statement.subject.len(), seen.told.count);
    }
    let ends = [("first", seen.told.first.as_ref()), ("last", Some(&seen.told.last)), ("head", seen.head.as_ref())];
    for (name, head) in ends.iter().filter_map(|(name, head)| Some((name, head.filter(|head| head.seq > 0)?))) {
        let _ = writeln!(out, "  {name:<5} {:>8}  {}", head.seq, head.hash);
    }
    let _ = match seen.signer {
        Some(key) => writeln!(out, "signed with the key {key}"),
        None if seen.looked.findings.iter().any(|said| said.file.ends_with("dsse.json")) => Ok(()),
        None => writeln!(out, "not signed: it agrees with itself, and nobody vouches for it"),
    };
    said_of(&mut out, &seen.looked, code);
    if code == WHOLE && seen.mode == Some(Mode::Rehearsal) {
        out.push_str("REHEARSAL: it proves nothing of a launch\n");
    }
    out
}

pub fn document(path: &Path, seen: &Bundle, code: i32) -> Value {
    let head = |head: &Head| json!({ "record": head.seq, "hash": head.hash.to_string() });
    let looked = &seen.looked;
    json!({
        "bundle": path.display().to_string(),
        "verdict": verdict(code),
        "mode": seen.mode.map(word),
        "files": seen.statement.as_ref().map(|statement| statement.subject.len()),
        "records": seen.told.count,
        "last": Some(&seen.told.last).filter(|head| head.seq > 0).map(head),
        "head": seen.head.as_ref().map(head),
        "signed_by": seen.signer.map(|key| key.to_string()),
        "rollbacks": looked.runs.iter().map(|run| json!({ "folder": run.folder, "lines": run.lines })).collect::<Vec<_>>(),
        "checked": looked.checked,
        "findings": said(&looked.findings),
        "doubts": said(&looked.doubts),
        "notices": said(&looked.notices),
    })
}
