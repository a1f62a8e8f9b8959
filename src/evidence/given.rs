//! What people gave as evidence, where that is a file: whether it is there still. A record alone is no evidence.

use std::path::Path;

use crate::base::regular;
use crate::launch::artifact::{LARGEST_GIVEN, name_of};
use crate::launch::board::Board;
use crate::launch::seen::name_in;

/// What of `board` was given as a file and is not in the folder `artifacts` any more, or is another there; completes
/// «missing». Blocks.
#[must_use]
pub fn gone(artifacts: &Path, board: &Board) -> Vec<String> {
    let mut gone = Vec::new();
    for (evidence, given) in &board.evidence {
        let Some(name) = name_in(&given.what) else { continue };
        let state = match regular::read(&artifacts.join(name), LARGEST_GIVEN) {
            Ok(bytes) if name_of(&bytes) == name => continue,
            Ok(_) => "is another file now",
            Err(_) => "is not there any more",
        };
        gone.push(format!("evidence {evidence} was given as artifacts/{name}, and that {state}: give it again"));
    }
    gone
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::launch::closing::Given;
    use crate::launch::event::Actor;
    use crate::launch::samples::plan;
    use crate::launch::time::Wall;

    #[test]
    fn a_file_that_was_given_is_there_or_named() {
        let place = tempfile::tempdir().expect("a folder");
        let mut board = Board::new(std::sync::Arc::new(plan()));
        for (id, text) in [("kept", "kept"), ("altered", "altered"), ("lost", "lost")] {
            let name = name_of(text.as_bytes());
            let what = format!("{id}.log ({} bytes, sha256 {name})", text.len());
            let given = Given { what, by: Actor::engine(), at: Wall::default() };
            board.evidence.insert(id.into(), given);
            fs::write(place.path().join(&name), text).expect("written");
        }
        let words = Given { what: "by hand".into(), by: Actor::engine(), at: Wall::default() };
        board.evidence.insert("words".into(), words);
        assert_eq!(gone(place.path(), &board), Vec::<String>::new());
        fs::write(place.path().join(name_of(b"altered")), "another").expect("written");
        fs::remove_file(place.path().join(name_of(b"lost"))).expect("removed");
        let gone = gone(place.path(), &board);
        assert_eq!(gone.len(), 2, "{gone:?}");
        assert!(gone[0].contains("altered") && gone[0].contains("is another file now"), "{gone:?}");
        assert!(gone[1].contains("lost") && gone[1].contains("is not there any more"), "{gone:?}");
    }
}
