//! Somebody at a second terminal who writes notes while consoles die: what was answered as recorded is in the
//! journal, once, under that number.

use std::path::{Path, PathBuf};

use tminus::engine::inbox::ask;
use tminus::engine::inbox::form::{self, Answer};
use tminus::launch::command::Command;
use tminus::launch::event::{Event, Recorded};
use tminus::launch::id::RequestId;

#[derive(Default)]
pub struct Scribe {
    asked: Vec<Asked>,
}

struct Asked {
    id: RequestId,
    text: String,
    answer: Option<Answer>,
}

impl Scribe {
    /// Asks for one more note, where there is an inbox.
    pub fn writes(&mut self, launch: &Path) {
        let inbox = launch.join("inbox");
        if !inbox.is_dir() || self.asked.len() >= 40 {
            return;
        }
        let text = format!("note {}", self.asked.len() + 1);
        let request = ask::request("bea", None, Command::note(text.clone())).expect("a request");
        ask::submit(&inbox, &request).expect("submitted");
        self.asked.push(Asked { id: request.id, text, answer: None });
    }

    /// Reads what was answered by now.
    pub fn reads(&mut self, launch: &Path) {
        for asked in self.asked.iter_mut().filter(|asked| asked.answer.is_none()) {
            if let Ok(bytes) = std::fs::read(file(launch, &asked.id, "answer")) {
                let answer = form::decode_answer(&bytes, &asked.id);
                asked.answer = Some(answer.expect("an answer is whole, or not there"));
            }
        }
    }

    /// Each note is on record once, or waits: none is lost, none is there twice.
    pub fn judge(&self, launch: &Path, records: &[Recorded]) {
        for Asked { id, text, answer } in &self.asked {
            let noted = records.iter().filter(|record| record.event == Event::noted(text.clone()));
            let decided: Vec<&Recorded> = records
                .iter()
                .filter(|record| matches!(&record.event, Event::RequestDecided { request, .. } if request == id))
                .collect();
            let noted = noted.count();
            assert!(noted <= 1 && decided.len() == noted, "{text}: {noted} notes, decided by {decided:?}");
            match answer {
                Some(Answer::Recorded(seq)) => {
                    assert_eq!(decided.first().map(|record| record.seq), Some(*seq), "{text} was said to be #{seq}");
                }
                Some(Answer::Refused(why)) => panic!("{text} was refused: {why}"),
                None => {
                    let waits = ["json", "taken", "answer"].iter().any(|state| file(launch, id, state).exists());
                    assert!(waits, "{text} is nowhere");
                }
            }
        }
    }

    pub fn answered(&self) -> usize {
        self.asked.iter().filter(|asked| asked.answer.is_some()).count()
    }
}

fn file(launch: &Path, id: &RequestId, state: &str) -> PathBuf {
    launch.join("inbox").join(format!("{id}.{state}"))
}
