//! The wire form of requests about incidents, version 1.

use serde::{Deserialize, Serialize};

use super::{NoRequest, said, short};
use crate::launch::command::Command;
use crate::launch::id::SeverityId;
use crate::launch::incident::{Change, Stage};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenV1 {
    title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    severity: Option<String>,
    detected_by: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeV1 {
    incident: u32,
    change: WhatV1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WhatV1 {
    Severity(String),
    Commander(String),
    Impact(String),
    Mitigation(String),
    FollowUp(String),
    /// One of the words of [`Stage`].
    Stage(String),
    Relapsed(String),
    Note(String),
    Acknowledged,
}

pub(super) fn open(title: &str, severity: Option<&SeverityId>, detected_by: &str) -> OpenV1 {
    let severity = severity.map(ToString::to_string);
    OpenV1 { title: title.to_owned(), severity, detected_by: detected_by.to_owned() }
}

pub(super) fn change(incident: u32, change: &Change) -> ChangeV1 {
    let change = match change.clone() {
        Change::Severity(severity) => WhatV1::Severity(severity.to_string()),
        Change::Commander(name) => WhatV1::Commander(name),
        Change::Impact(words) => WhatV1::Impact(words),
        Change::Mitigation(words) => WhatV1::Mitigation(words),
        Change::FollowUp(id) => WhatV1::FollowUp(id),
        Change::Stage(stage) => WhatV1::Stage(stage.word().to_owned()),
        Change::Relapsed(why) => WhatV1::Relapsed(why),
        Change::Note(words) => WhatV1::Note(words),
        Change::Acknowledged => WhatV1::Acknowledged,
    };
    ChangeV1 { incident, change }
}

impl OpenV1 {
    pub(super) fn read(self) -> Result<Command, NoRequest> {
        let severity = self.severity.map(|severity| short("severity", &severity).map(SeverityId::new)).transpose()?;
        Ok(Command::OpenIncident {
            title: said(&self.title)?,
            severity,
            detected_by: short("noticer", &self.detected_by)?,
        })
    }
}

impl ChangeV1 {
    pub(super) fn read(self) -> Result<Command, NoRequest> {
        let change = match self.change {
            WhatV1::Severity(severity) => Change::Severity(SeverityId::new(short("severity", &severity)?)),
            WhatV1::Commander(name) => Change::Commander(short("commander", &name)?),
            WhatV1::Impact(words) => Change::Impact(said(&words)?),
            WhatV1::Mitigation(words) => Change::Mitigation(said(&words)?),
            WhatV1::FollowUp(id) => Change::FollowUp(short("follow-up", &id)?),
            WhatV1::Stage(word) => {
                let known = Stage::WORDS.iter().find(|(known, _)| *known == word);
                let stage = known.ok_or_else(|| NoRequest::Malformed("there is no such stage".to_owned()))?;
                Change::Stage(stage.1)
            }
            WhatV1::Relapsed(why) => Change::Relapsed(said(&why)?),
            WhatV1::Note(words) => Change::Note(said(&words)?),
            WhatV1::Acknowledged => Change::Acknowledged,
        };
        Ok(Command::ChangeIncident { incident: self.incident, change })
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use crate::launch::incident::{Change, Stage};

    fn asked(command: Command) -> Request {
        let id = RequestId::new("0123456789abcdef0123456789abcdef");
        let asked_at = Wall::from_timestamp_millis(1_700_000_000_123).expect("a time");
        Request { id, name: "bob".into(), role: None, asked_at, command }
    }

    #[test]
    fn version_1_reads_back_and_stays_as_it_is() {
        let text = || "it is down\nfor all".to_owned();
        let changes = [
            Change::Severity("sev-1".into()),
            Change::Commander("ana".into()),
            Change::Impact(text()),
            Change::Mitigation(text()),
            Change::FollowUp("bd-12".into()),
            Change::Stage(Stage::Mitigated),
            Change::Relapsed(text()),
            Change::Note(text()),
            Change::Acknowledged,
        ];
        let open = |severity: Option<&str>| Command::OpenIncident {
            title: text(),
            severity: severity.map(Into::into),
            detected_by: "smoke".into(),
        };
        let changes = changes.into_iter().map(|change| Command::ChangeIncident { incident: 7, change });
        for command in changes.chain([open(None), open(Some("sev-2"))]) {
            let request = asked(command);
            assert_eq!(decode(&encode(&request).expect("written")), Ok(request));
        }
        let bytes = encode(&asked(open(Some("sev-2")))).expect("written");
        let bytes = String::from_utf8(bytes).expect("text");
        let wanted =
            r#""command":{"open_incident":{"title":"it is down\nfor all","severity":"sev-2","detected_by":"smoke"}}"#;
        assert!(bytes.contains(wanted), "{bytes}");
        let change = Command::ChangeIncident { incident: 7, change: Change::Stage(Stage::Mitigated) };
        let bytes = String::from_utf8(encode(&asked(change)).expect("written")).expect("text");
        assert!(bytes.contains(r#"{"change_incident":{"incident":7,"change":{"stage":"mitigated"}}}"#), "{bytes}");
    }

    #[test]
    fn what_is_too_long_or_unknown_is_no_request() {
        let long = asked(Command::OpenIncident {
            title: "x".repeat(LONGEST_TEXT + 1),
            severity: None,
            detected_by: "b".into(),
        });
        assert_eq!(encode(&long), Err(NoRequest::TooLong("text")));
        let change = Command::ChangeIncident { incident: 1, change: Change::Stage(Stage::Closed) };
        let bytes = encode(&asked(change)).expect("written");
        let other = String::from_utf8(bytes).expect("text").replace("closed", "gone");
        assert!(matches!(decode(other.as_bytes()), Err(NoRequest::Malformed(_))));
    }
}
