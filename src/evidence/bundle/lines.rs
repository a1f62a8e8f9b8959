//! The journal as lines: `{"seq":7,"hash":"…","record":{…}}`, the record's bytes exactly as they were hashed. Each line
//! has one form only, so that no byte of it is without meaning.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;

use crate::journal::chain::{Hash, Link};

/// Bytes of a line beside those of its record, at most.
pub const AROUND: usize = 256;

/// The line of `link`, with its end.
#[must_use]
pub fn line(link: &Link) -> Vec<u8> {
    let mut out = Vec::with_capacity(link.bytes.len() + AROUND);
    // Writing to memory does not fail.
    let _ = write!(out, "{{\"seq\":{},\"hash\":\"{}\",", link.seq, link.hash);
    if is_json(&link.bytes) {
        out.extend_from_slice(b"\"record\":");
        out.extend_from_slice(&link.bytes);
        out.extend_from_slice(b"}\n");
    } else {
        let _ = write!(out, "\"base64\":\"{}\"}}", STANDARD.encode(&link.bytes));
        out.push(b'\n');
    }
    out
}

/// The link that a line tells, without its end; none where it is not in that form.
#[must_use]
pub fn link(line: &[u8]) -> Option<Link> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let (seq, rest) = rest.split_at(digits);
    let seq = std::str::from_utf8(seq).ok()?.parse().ok()?;
    let rest = rest.strip_prefix(b",\"hash\":\"")?;
    let (hash, rest) = rest.split_at_checked(64)?;
    let hash: Hash = std::str::from_utf8(hash).ok()?.parse().ok()?;
    let rest = rest.strip_prefix(b"\",")?.strip_suffix(b"}")?;
    let bytes = match rest.strip_prefix(b"\"record\":") {
        Some(record) => record.to_vec(),
        None => STANDARD.decode(rest.strip_prefix(b"\"base64\":\"")?.strip_suffix(b"\"")?).ok()?,
    };
    let link = Link { seq, hash, bytes };
    (self::line(&link).strip_suffix(b"\n") == Some(line)).then_some(link)
}

/// JSON on one line, as every sound record is.
fn is_json(bytes: &[u8]) -> bool {
    !bytes.contains(&b'\n') && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(seq: u64, bytes: &[u8]) -> Link {
        Link { seq, hash: Hash([0xab; 32]), bytes: bytes.to_vec() }
    }

    #[test]
    fn a_record_stands_in_its_line_as_it_was_hashed_and_any_json_reader_reads_it() {
        let record = br#"{"v":1,"seq":7,"data":{"note":"a \"b\""}}"#;
        let line = line(&of(7, record));
        assert_eq!(
            String::from_utf8(line.clone()).expect("text"),
            format!("{{\"seq\":7,\"hash\":\"{}\",\"record\":{}}}\n", "ab".repeat(32), String::from_utf8_lossy(record))
        );
        let value: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
        assert_eq!(value["record"]["seq"], 7);
        assert_eq!(link(&line[..line.len() - 1]), Some(of(7, record)));
    }

    #[test]
    fn a_line_has_one_form() {
        let line = line(&of(7, b"{}"));
        let text = String::from_utf8(line[..line.len() - 1].to_vec()).expect("text");
        assert!(link(text.as_bytes()).is_some());
        for other in [
            text.replace(":7,", ":07,"),
            text.replace(":7,", ": 7,"),
            text.replace("abab", "ABab"),
            format!("{text} "),
            text.replace("{}", "{"),
            text.replace("\"record\":{}", "\"base64\":\"e30=\""),
            String::new(),
        ] {
            assert_eq!(link(other.as_bytes()), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_stand_in_a_line(seq: u64, bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let line = line(&of(seq, &bytes));
            prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            prop_assert_eq!(link(&line[..line.len() - 1]), Some(of(seq, &bytes)));
        }
    }
}
