//! A body of several parts, texts and files, as browsers send it (RFC 7578). Its boundary is made from the
//! parts and proven to stand in none of them.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::base::template::{Scope, Template, Unbound};
use crate::base::wire::{Cause, size_words};

/// Bytes of all files of one request.
pub const MOST_BYTES: u64 = 16 << 20;

/// One part.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub name: String,
    pub what: What,
    /// Its `Content-Type`; a file's is `application/octet-stream` otherwise.
    pub kind: Option<String>,
    /// What the file is called; its own name otherwise.
    pub filename: Option<Template>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Value(Template),
    /// Relative to the plan's folder.
    File(Template),
}

/// A part with its head, ready to be joined.
struct Whole {
    head: String,
    content: Bytes,
}

/// The body, and the boundary between its parts.
pub(super) async fn made(parts: &[Part], scope: &Scope, base: &Path) -> Result<(Bytes, String), Cause> {
    let ours = |unbound: Unbound| Cause::Ours(unbound.to_string());
    let mut all = Vec::with_capacity(parts.len());
    let mut room = MOST_BYTES;
    for part in parts {
        let mut head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(&part.name));
        let content: Bytes = match &part.what {
            What::Value(value) => value.text(scope).map_err(ours)?.into(),
            What::File(file) => {
                let path = base.join(file.text(scope).map_err(ours)?);
                let name = match &part.filename {
                    Some(name) => name.text(scope).map_err(ours)?,
                    None => path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
                };
                head.push_str(&format!("; filename=\"{}\"", quoted(&name)));
                read(path, room).await?
            }
        };
        room = room.saturating_sub(content.len() as u64);
        let kind = match (&part.kind, &part.what) {
            (Some(kind), _) => Some(kind.as_str()),
            (None, What::File(_)) => Some("application/octet-stream"),
            (None, What::Value(_)) => None,
        };
        head.extend(kind.map(|kind| format!("\r\nContent-Type: {kind}")));
        all.push(Whole { head, content });
    }
    Ok(joined(&all))
}

/// A small regular file of the plan, whole. A pipe or a device would hold the request for ever.
pub(super) async fn read(path: PathBuf, most: u64) -> Result<Bytes, Cause> {
    let shown = path.display().to_string();
    let reading = tokio::task::spawn_blocking(move || {
        if !std::fs::metadata(&path).map_err(|why| why.to_string())?.is_file() {
            return Err("it is no regular file".to_owned());
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path).map_err(|why| why.to_string())?;
        file.take(most + 1).read_to_end(&mut bytes).map_err(|why| why.to_string())?;
        match bytes.len() as u64 > most {
            true => Err(format!("it holds more than {}", size_words(most))),
            false => Ok(Bytes::from(bytes)),
        }
    });
    let read = reading.await.map_err(|why| Cause::Ours(why.to_string()))?;
    read.map_err(|why| Cause::Ours(format!("the file `{shown}` cannot be sent: {why}")))
}

fn joined(parts: &[Whole]) -> (Bytes, String) {
    let boundary = boundary(&parts.iter().map(|part| part.content.as_ref()).collect::<Vec<_>>());
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(format!("--{boundary}\r\n{}\r\n\r\n", part.head).as_bytes());
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (body.into(), boundary)
}

/// A line that none of `contents` holds. The same for the same parts, so that a request can be compared with
/// another.
fn boundary(contents: &[&[u8]]) -> String {
    let mut print = Sha256::new();
    contents.iter().for_each(|content| {
        print.update((content.len() as u64).to_be_bytes());
        print.update(content);
    });
    let print: [u8; 32] = print.finalize().into();
    distinct(u128::from_be_bytes(std::array::from_fn(|at| print[at])), contents)
}

fn distinct(first: u128, contents: &[&[u8]]) -> String {
    let mut number = first;
    loop {
        let boundary = format!("tminus-{number:032x}");
        let within = |content: &&[u8]| content.windows(boundary.len()).any(|part| part == boundary.as_bytes());
        if !contents.iter().any(within) {
            return boundary;
        }
        number = number.wrapping_add(1);
    }
}

/// A name between quotes, as browsers write it: nothing in it may end the line or the quotes.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_boundary_that_a_part_holds_is_not_taken() {
        let taken = format!("x tminus-{:032x} y", 7);
        assert_eq!(distinct(7, &[taken.as_bytes()]), format!("tminus-{:032x}", 8));
        let both = format!("tminus-{:032x}tminus-{:032x}", 7, 8);
        assert_eq!(distinct(7, &[both.as_bytes()]), format!("tminus-{:032x}", 9));
    }

    #[test]
    fn a_name_cannot_end_its_line() {
        assert_eq!(quoted("a\"; x=\"b\r\nX: y"), "a%22; x=%22b%0D%0AX: y");
    }

    #[tokio::test]
    async fn files_are_read_beside_the_plan_and_within_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.txt"), "0123456789").expect("written");
        let file = |name: &str| read(folder.path().join(name), 10);
        assert_eq!(file("a.txt").await, Ok(Bytes::from("0123456789")));
        let over = read(folder.path().join("a.txt"), 9).await;
        assert!(matches!(&over, Err(Cause::Ours(why)) if why.contains("more than 9 bytes")), "{over:?}");
        for (name, why) in [("none", "No such file"), (".", "no regular file")] {
            let found = file(name).await;
            assert!(matches!(&found, Err(Cause::Ours(told)) if told.contains(why)), "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn the_boundary_stands_in_no_part(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4)) {
            let parts: Vec<Whole> = contents.iter().map(|content| Whole { head: "H: x".into(), content: Bytes::from(content.clone()) }).collect();
            let (body, boundary) = joined(&parts);
            let marks = body.windows(boundary.len()).filter(|part| *part == boundary.as_bytes()).count();
            prop_assert_eq!(marks, contents.len() + 1);
        }
    }
}
