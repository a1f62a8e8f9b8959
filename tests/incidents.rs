//! Incidents from any terminal, decided by the console that holds the launch: opened and changed by whoever
//! stands by, each deadline told once though the console is killed on the way, the record kept beside the
//! journal.

use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::time::Duration;

use crate::binary::{Place, Ran};
use crate::told::{board, records};
use crate::wait::comes;
use tminus::clock;
use tminus::launch::event::{Event, Recorded};
use tminus::launch::incident::{Due, Stage, find};
use tokio::process::Child;

/// Its only step waits until someone writes into its fifo: the launch stands there for as long as a test looks.
const PLAN: &str = r##"
[plan]
schema = 1
id = "partner-release"
title = "Partner release"
environment = "production"
release = { version = "2.4.0", commit = "8f2c1d" }

[clock]
start = "T-1h"

[roles.operator]
title = "Operator"

[roles.scribe]
title = "Scribe"

[[escalation]]
severity = "sev-1"
title = "Outage"
guide = "the app is away, nothing is generated, or data may be damaged"
triage = "4s"
levels = [
  { id = "L1", title = "Health endpoints and basic metrics", after = "0s", contacts = ["#production-alerts", "oncall@example.com"] },
  { id = "L2", title = "Flags and canary", after = "2s", contacts = ["#release-leads"] },
  { id = "L3", title = "Full rollback", after = "1h", contacts = ["incident-command@example.com"] },
]

[[escalation]]
severity = "sev-2"
title = "Degraded"
guide = "partners cannot test as they should"
triage = "10m"

[[escalation]]
severity = "sev-3"
title = "Defect"
guide = "small, and there is a way around it"
triage = "10m"

[[phase]]
id = "act"
title = "Act"
at = "T-1h"

[[phase.item]]
id = "hold-on"
title = "Something that takes its time"
class = "once"
auto = true
timeout = "50s"
[phase.item.run]
command = ["cat", "FIFO"]
"##;

struct Held {
    place: Place,
    folder: PathBuf,
    holder: Child,
    fifo: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Opened for writing and closed, the fifo ends what reads it.
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        let _ = std::fs::OpenOptions::new().write(true).custom_flags(flags).open(&self.fifo);
    }
}

impl Held {
    async fn new() -> Self {
        let place = Place::new(&[]);
        let (folder, fifo) = (place.path("launch"), place.path("fifo"));
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
        std::fs::write(place.path("plan.toml"), PLAN.replace("FIFO", &fifo.display().to_string())).expect("written");
        let holder = Self::start(&place, &folder);
        let held = Self { place, folder, holder, fifo };
        comes("a running step", || held.has(|event| matches!(event, Event::StepStarted { .. }))).await;
        held
    }

    fn start(place: &Place, folder: &std::path::Path) -> Child {
        let (plan, folder) = (place.path("plan.toml").display().to_string(), folder.display().to_string());
        place.start(&["run", &plan, "--headless", "--name", "ana", "--launch", &folder])
    }

    async fn incident(&self, more: &[&str]) -> Ran {
        let folder = self.folder.display().to_string();
        self.place.run(&[&["incident", &folder], more].concat()).await
    }

    /// kill -9.
    async fn kill(&mut self) {
        let _ = self.holder.kill().await;
    }

    async fn come_back(&mut self) {
        let returned = |event: &Event| matches!(event, Event::ConsoleReturned { .. });
        let before = self.told(returned).len();
        self.holder = Self::start(&self.place, &self.folder);
        comes("a return", || self.told(returned).len() > before).await;
    }

    fn told(&self, wanted: impl Fn(&Event) -> bool) -> Vec<Recorded> {
        records(&self.folder).into_iter().filter(|record| wanted(&record.event)).collect()
    }

    fn has(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        !self.told(wanted).is_empty()
    }

    fn rang(&self) -> Vec<String> {
        let rang = records(&self.folder).into_iter().filter_map(|record| match record.event {
            Event::IncidentRang { due, .. } => Some(due.word().to_owned()),
            _ => None,
        });
        rang.collect()
    }

    fn record(&self, number: u32) -> String {
        std::fs::read_to_string(self.folder.join(format!("evidence/incident-{number}.md"))).unwrap_or_default()
    }
}

#[tokio::test]
async fn a_scribe_opens_and_changes_one_and_its_record_has_every_field() {
    let held = Held::new().await;
    let opened =
        held.incident(&["open", "orders", "fail", "--severity", "sev-2", "--detected-by", "partner", "--name", "bob"]);
    let opened = opened.await;
    assert_eq!(opened.code, Some(0), "{opened:?}");
    for (field, value) in [
        ("commander", "cy"),
        ("impact", "no orders | for *any* partner"),
        ("mitigation", "old version back"),
        ("follow-up", "bd-12"),
        ("note", "the cache is full"),
        ("stage", "mitigated"),
        ("stage", "resolved"),
        ("stage", "closed"),
    ] {
        let set = held.incident(&["set", "1", field, value, "--name", "bob"]).await;
        // What ends its calls is for a role, as taking them on is.
        if ["resolved", "closed"].contains(&value) {
            assert!(set.code == Some(1) && set.err.contains("ask as a role"), "{value}: {set:?}");
            let set = held.incident(&["set", "1", field, value, "--name", "bob", "--as", "operator"]).await;
            assert_eq!(set.code, Some(0), "{value}: {set:?}");
            continue;
        }
        assert_eq!(set.code, Some(0), "{field}: {set:?}");
    }
    let board = board(&held.folder, &records(&held.folder));
    let known = find(&board, 1).expect("opened");
    assert_eq!((known.stage, known.detected_by.as_str()), (Stage::Closed, "partner"));
    assert!(known.timeline.iter().all(|entry| entry.by.name == "bob"));
    assert_eq!(known.timeline.iter().filter(|entry| entry.by.role.is_some()).count(), 2);
    let export = held.incident(&["export", "1"]).await;
    comes("the record", || held.record(1) == export.out).await;
    for part in [
        "# Incident 1: orders fail",
        "Launch: Partner release, production, release 2.4.0 8f2c1d",
        "- **Severity:** sev-2, Degraded: partners cannot test as they should",
        "- **Detected by:** partner",
        "- **Commander:** cy",
        "- **Impact summary:** no orders \\| for \\*any\\* partner",
        "- **Mitigation decision:** old version back",
        "- **Recovery:** 2",
        "- **Follow-up issues:** bd-12",
        "note: the cache is full | bob |",
    ] {
        assert!(export.out.contains(part), "{part} in\n{}", export.out);
    }
    let mode = |name: &str| std::fs::metadata(held.folder.join(name)).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode("evidence"), mode("evidence/incident-1.md")), (0o700, 0o600));
    let list = held.incident(&["list"]).await;
    assert!(list.out.starts_with("  1  sev-2        CLOSED ") && list.out.contains("cy  orders fail"), "{list:?}");
    let show = held.incident(&["show", "1"]).await;
    assert!(show.out.contains("Commander             cy"), "{show:?}");
}

#[tokio::test]
async fn what_is_wrong_is_told_before_or_by_the_console() {
    let held = Held::new().await;
    let opened = held.incident(&["open", "orders fail", "--severity", "sev-2"]).await;
    assert_eq!(opened.code, Some(0), "{opened:?}");
    for (arguments, code, wanted) in [
        (&["open", "x", "--severity", "sev1"][..], 3, "no severity `sev1` in this plan, did you mean `sev-1`?"),
        (&["open", " "], 1, "an incident needs a title"),
        (&["set", "1", "comander", "cy"], 3, "did you mean `commander`?"),
        (&["set", "1", "stage", "fixed"], 3, "no stage `fixed`"),
        (&["set", "1", "stage", "active"], 3, "say why it is active again"),
        (&["set", "1", "commander"], 3, "the value is missing"),
        (&["set", "7", "note", "x"], 1, "no incident 7: there is 1 alone"),
        (&["set", "1", "stage", "closed"], 1, "ask as a role"),
        (&["set", "1", "stage", "closed", "--as", "operator"], 1, "has the id of a follow-up that tracks it"),
        (&["set", "1", "acknowledge"], 1, "ask as a role"),
        (&["set", "1", "acknowledge", "--as", "operator"], 1, "rings for nothing"),
        (&["show", "7"], 3, "no incident 7: there are 1"),
        (&["export", "7"], 3, "no incident 7: there are 1"),
    ] {
        let ran = held.incident(arguments).await;
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(wanted), "{arguments:?}: {ran:?}");
    }
}

#[tokio::test]
async fn deadlines_are_told_once_though_the_console_is_killed_before_them_and_after() {
    let mut held = Held::new().await;
    let opened = held.incident(&["open", "orders fail", "--severity", "sev-1"]).await;
    assert_eq!(opened.code, Some(0), "{opened:?}");
    held.kill().await;
    let begun = held.told(|event| matches!(event, Event::IncidentOpened { .. }))[0].occurred_at;
    // Nobody is there while L2 and triage pass.
    comes("the deadlines", || clock::wall() - begun > chrono::TimeDelta::milliseconds(4_100)).await;
    held.come_back().await;
    comes("triage", || held.has(|event| matches!(event, Event::IncidentRang { due: Due::Triage, .. }))).await;
    assert_eq!(held.rang(), ["L1", "L2", "triage"], "oldest first");
    held.kill().await;
    // One that died between the record and the file left it unwritten: whoever comes back writes it.
    std::fs::remove_file(held.folder.join("evidence/incident-1.md")).expect("removed");
    held.come_back().await;
    comes("the record again", || held.record(1).contains("TRIAGE DUE")).await;
    let noted = held.incident(&["set", "1", "note", "still looking"]).await;
    assert_eq!(noted.code, Some(0), "{noted:?}");
    assert_eq!(held.rang(), ["L1", "L2", "triage"], "and none of them again");
    comes("the record", || held.record(1).contains("note: still looking")).await;
    let record = held.record(1);
    for part in [
        "ESCALATED to L1: call \\#production-alerts, oncall@example.com",
        "ESCALATED to L2: call \\#release-leads",
        "TRIAGE DUE: it has no commander",
    ] {
        assert!(record.contains(part), "{part} in\n{record}");
    }
    let taken = held.incident(&["set", "1", "acknowledge", "--as", "operator", "--name", "cy"]).await;
    assert_eq!(taken.code, Some(0), "{taken:?}");
    comes("the acknowledgement", || held.record(1).matches("| cy (operator) |").count() == 4).await;
}

#[tokio::test]
async fn what_was_noticed_while_nobody_was_there_is_opened_as_of_then() {
    let mut held = Held::new().await;
    held.kill().await;
    let opened = held.incident(&["open", "all is dark", "--severity", "sev-2", "--name", "bob"]).await;
    assert_eq!((opened.code, opened.err.contains("the incident is kept in its inbox")), (Some(2), true), "{opened:?}");
    let set = held.incident(&["set", "1", "stage", "resolved"]).await;
    assert_eq!((set.code, set.err.contains("nothing was asked")), (Some(2), true), "{set:?}");
    let asked = clock::wall();
    comes("a second", || clock::wall() - asked > chrono::TimeDelta::seconds(1)).await;
    held.come_back().await;
    comes("the incident", || held.has(|event| matches!(event, Event::IncidentOpened { .. }))).await;
    let record = &held.told(|event| matches!(event, Event::IncidentOpened { .. }))[0];
    assert!(record.occurred_at <= asked && record.recorded_at > asked, "{record:?}");
    let board = board(&held.folder, &records(&held.folder));
    let known = find(&board, 1).expect("opened");
    let late = Duration::from_millis(u64::try_from(record.at.0 - known.since.0).expect("before"));
    assert!(late >= Duration::from_secs(1), "its deadlines count from when it was noticed: {late:?}");
    assert_eq!((record.actor.name.as_str(), known.stage), ("bob", Stage::Active));
}
