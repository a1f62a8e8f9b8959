//! What the end of a launch is told as: what came of it, what it left in service, and which alerts nothing ends any
//! more. Part of [`super`].

use std::collections::BTreeSet;

use super::Draft;
use crate::launch::board::Board;
use crate::launch::countdown::Phase;
use crate::launch::plan::{Act as ItemAct, Topic};
use crate::launch::{closing, gate};
use crate::notify::message::{Deed, Launch, Tone};

/// The subject of what is said to whoever keeps alerts, and to nobody else.
pub(super) const ALERT: &str = "alert";

/// Alerts that the end of a launch leaves open: what they tell of may stand, and reads as mended once they are resolved.
const OUTLIVE: [&str; 2] = ["incident", "rollback"];

/// The end of a launch, and what it left in service. `missing` is what a person closed it without; none where nobody
/// closed it.
pub(super) fn ended(board: &Board, launch: &Launch, missing: Option<&Vec<String>>) -> Vec<Draft> {
    let lifted = board.clock.as_ref().is_some_and(|clock| clock.phase == Phase::Liftoff);
    let back = board.rolling_back().is_some() || closing::taken_back(board).is_some();
    let steps = board.plan.items.values().filter(|item| matches!(item.act, ItemAct::Step { .. }));
    let through = match missing {
        Some(_) => closing::unfinished(board, board.at).is_empty(),
        None => board.plan.phases.iter().all(|phase| gate::standing(board, phase, board.at).is_clear()),
    };
    let missing = missing.map_or(&[][..], Vec::as_slice);
    let (outcome, tone) = match (lifted, back, through) {
        (false, ..) => ("cancel", Tone::Warn),
        (true, true, _) | (true, false, false) => ("failure", Tone::Bad),
        (true, false, true) if missing.is_empty() => ("success", Tone::Good),
        (true, false, true) => ("success", Tone::Warn),
    };
    let finished = Draft::new(Topic::Launch, tone, Deed::PipelineFinished { outcome });
    let mut drafts = vec![finished.lines(missing.iter().cloned()).change()];
    // A plan that acts on nothing deploys nothing, whatever its release is called.
    if let (Some(artifact), "success", true) = (&launch.artifact, outcome, steps.count() > 0) {
        let deed = Deed::ServiceDeployed { artifact: purl(&launch.plan, artifact) };
        let head = format!("{artifact} is in service at {}", launch.environment);
        drafts.push(Draft::new(Topic::Launch, Tone::Good, deed).head(head));
    }
    drafts
}

/// What is said of the alerts in `open` that nothing will end any more: the launch is over, and nobody is to be kept
/// awake for it.
pub(super) fn left_open(open: &BTreeSet<String>) -> Vec<Draft> {
    let family = |key: &str| key.split('/').next().unwrap_or_default().to_owned();
    let own = open.iter().filter(|key| !OUTLIVE.contains(&family(key).as_str()));
    own.map(|key| {
        let word = family(key);
        let topic = Topic::WORDS.iter().find(|(known, _)| *known == word).map_or(Topic::Launch, |(_, topic)| *topic);
        let draft = Draft::own(topic, Tone::Plain, ALERT, "dropped", key);
        draft.head(format!("the launch has ended: {key} is watched no more")).resolves(key.clone())
    })
    .collect()
}

/// What is deployed as a package URL: as it is where it is one, else a generic one of the plan's.
pub(super) fn purl(plan: &str, artifact: &str) -> String {
    if artifact.starts_with("pkg:") {
        return artifact.to_owned();
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let escaped = artifact.bytes().fold(String::new(), |mut out, byte| {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    });
    format!("pkg:generic/{plan}@{escaped}")
}
