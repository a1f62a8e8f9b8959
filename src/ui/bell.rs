//! The bell (rules.md, "Bells"): once for news, and every minute, until somebody acknowledges it, for what
//! needs a key within five minutes. Nothing else makes a sound. What calls is the board's to say; here stands
//! only when it is heard.

use crate::launch::board::Board;
use crate::launch::event::{Event, Recorded};
use crate::launch::incident::{Change, calls};
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
}

impl Bell {
    /// Whether the bell rings at boot time `boot`, for a board as it is at `now`.
    pub fn rings(&mut self, board: &Board, now: Instant, boot: i64) -> bool {
        if board.seq == 0 {
            return false;
        }
        // What happened before this console was there is no news to it; what still calls is.
        let after = self.heard.replace(board.seq).unwrap_or(board.seq);
        let new = board.recent.iter().rev().take_while(|record| record.seq > after).any(|record| is_news(record));
        let called = board.ended.is_none() && !(calls(board, now).is_empty() && watching::calls(board, now).is_empty());
        let again = called && self.rang.is_none_or(|rang| boot.saturating_sub(rang) >= EVERY);
        if !called {
            // What calls next is heard at once.
            self.rang = None;
        }
        if !new && !again {
            return false;
        }
        if called {
            self.rang = Some(boot);
        }
        true
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
