//! Whether this console still acts. Asked by every task just before it touches the world: one that woke
//! from an hour's sleep must not go on with what it was about to do.

use tokio_util::sync::CancellationToken;

use crate::journal::{Holder, Stake};

/// The right to act, as a task sees it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Acting {
    /// None where there is no lease to lose: `tminus gate`, a journal in memory.
    stake: Option<Stake>,
    over: CancellationToken,
}

impl Acting {
    /// For as long as `stake` stands.
    #[must_use]
    pub fn by(stake: Option<&Stake>) -> Self {
        Self { stake: stake.cloned(), over: CancellationToken::new() }
    }

    /// Looks anew: a clock that stood still tells nobody.
    #[must_use]
    pub fn may(&self) -> bool {
        !self.over.is_cancelled() && self.stake.as_ref().is_none_or(Stake::stands)
    }

    /// Ends everything that waits for [`Acting::stopped`].
    pub fn stop(&self) {
        self.over.cancel();
    }

    /// Waits until this console acts no more.
    pub async fn stopped(&self) {
        self.over.cancelled().await;
    }
}

/// What a console says that was taken over. What matters most comes first: a narrow screen cuts the rest.
#[must_use]
pub fn words(by: Option<&Holder>) -> String {
    let who = by.map_or_else(
        || "another console".to_owned(),
        |Holder { name, pid, host, since }| {
            format!("{name} at {} (process {pid} on {host})", since.format("%H:%M:%S UTC"))
        },
    );
    format!("this console can no longer act: the launch was taken over by {who}")
}
