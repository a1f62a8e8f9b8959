//! The bell (rules.md, "Bells"): once for news, and every minute, until somebody acknowledges it, for what
//! needs a key within five minutes. Nothing else makes a sound. What calls is the board's to say; here stands
//! only when it is heard.

use std::collections::BTreeSet;

use crate::launch::board::Board;
use crate::launch::event::{Event, Recorded};
use crate::launch::id::RollbackId;
use crate::launch::incident::{Change, calls};
use crate::launch::rollback::{Light, readiness};
use crate::launch::telling::tell;
use crate::launch::time::Instant;
use crate::launch::watching;

/// Milliseconds between two bells for the same.
const EVERY: i64 = 60_000;

#[derive(Debug, Clone, Default)]
pub struct Bell {
    /// The last record that was heard of; none before the first look at a launch.
    heard: Option<u64>,
    /// Boot time of the last bell.
    rang: Option<i64>,
    /// The last bell was the first for its reason.
    first: bool,
    /// What the last bell told as news.
    news: Option<String>,
    /// Rollbacks whose readiness light is red, or was and nobody knows better since.
    red: BTreeSet<RollbackId>,
}

impl Bell {
    /// Whether the bell rings at boot time `boot`, for a board as it is at `now`.
    pub fn rings(&mut self, board: &Board, now: Instant, boot: i64) -> bool {
        if board.seq == 0 {
            return false;
        }
        // What happened before this console was there is no news to it; what still calls is.
        let before = self.heard.replace(board.seq);
        let after = before.unwrap_or(board.seq);
        let turned = self.turned_red(board) && before.is_some();
        let mut since = board.recent.iter().rev().take_while(|record| record.seq > after);
        let news = since.find(|record| is_news(record));
        let new = turned || news.is_some();
        let called = board.ended.is_none() && !(calls(board, now).is_empty() && watching::calls(board, now).is_empty());
        let again = called && self.rang.is_none_or(|rang| boot.saturating_sub(rang) >= EVERY);
        if !called {
            // What calls next is heard at once.
            self.rang = None;
        }
        if !new && !again {
            return false;
        }
        self.first = new || self.rang.is_none();
        self.news = news.map(|record| tell(record));
        if called {
            self.rang = Some(boot);
        }
        true
    }

    /// Whether the last bell was for something that it had not rung for before.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.first
    }

    /// What happened that the last bell was for; none where something calls.
    #[must_use]
    pub fn news(&self) -> Option<String> {
        self.news.clone()
    }
}

impl Bell {
    /// Whether the readiness light of a rollback turned red since the last look: the way back is shut, and nobody
    /// may notice before it is needed.
    fn turned_red(&mut self, board: &Board) -> bool {
        let mut turned = false;
        for rollback in board.plan.rollbacks.iter().filter(|_| board.ended.is_none()) {
            match readiness(board, rollback).light {
                Light::NotReady => turned |= self.red.insert(rollback.id.clone()),
                // Silence turns no failure into anything better, and the next one into no news.
                Light::Unknown => {}
                Light::Ready | Light::Unasked => {
                    self.red.remove(&rollback.id);
                }
            }
        }
        turned
    }
}

fn is_news(record: &Recorded) -> bool {
    match &record.event {
        Event::IncidentOpened { .. }
        | Event::IncidentRang { .. }
        // What others stand on is gone, and nobody wanted it.
        | Event::ProcessEnded { asked: false, .. } => true,
        Event::IncidentChanged { change, .. } => matches!(change, Change::Severity(_) | Change::Relapsed(_)),
        event => watching::is_news(event),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::launch::command::{Input, Observation};
    use crate::launch::plan::{Monitor, SpecId};
    use crate::launch::samples::{Flight, plan};
    use crate::launch::verdict::Verdict;

    #[test]
    fn a_readiness_light_that_turns_red_is_heard_once() {
        let mut plan = plan();
        plan.monitors = vec![Monitor {
            id: "front/context".into(),
            title: "Context".into(),
            spec: SpecId(9),
            every: Duration::from_secs(30),
            timeout: Duration::from_secs(1),
            fails_after: 0,
            items: Vec::new(),
            ready_for: Some("front".into()),
        }];
        let mut flight = Flight::of(plan);
        let mut bell = Bell::default();
        assert!(!bell.rings(&flight.board, flight.now, 0), "not looked at yet");
        let mut boot = 0;
        use Verdict::{Fail, Pass, Skipped, Unknown};
        for (verdict, rings) in [
            (Unknown, false),
            (Fail, true),
            (Unknown, false),
            (Skipped, false),
            (Fail, false),
            (Pass, false),
            (Fail, true),
        ] {
            let seen = Observation::MonitorChanged { monitor: "front/context".into(), verdict, why: "seen".into() };
            flight.input(&Input::Observation(seen)).expect("no refusal");
            boot += 1_000;
            assert_eq!(bell.rings(&flight.board, flight.now, boot), rings, "{verdict} at {boot}");
            assert!(!bell.rings(&flight.board, flight.now, boot + 90_000), "it needs no key: {verdict}");
        }
        assert!(!Bell::default().rings(&flight.board, flight.now, boot), "what was red before is no news");
    }
}
