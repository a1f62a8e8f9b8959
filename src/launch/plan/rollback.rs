//! A way back as the plan says it. Part of [`super`].

use std::time::Duration;

use super::{Class, Confirm, SpecId};
use crate::launch::id::{ItemId, RoleId, RollbackId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    pub id: RollbackId,
    pub title: String,
    /// The key that chooses it.
    pub key: char,
    pub deadline: Duration,
    pub confirm: Confirm,
    /// In order; ids are `ROLLBACK/STEP`.
    pub steps: Vec<RollbackStep>,
    /// What decides whether it worked; never empty.
    pub verify: Vec<Verify>,
    /// Names of the baseline values that its steps and checks use.
    pub uses: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackStep {
    pub id: ItemId,
    pub title: String,
    pub spec: SpecId,
    pub class: Class,
    pub timeout: Duration,
    /// What to do by hand if this fails.
    pub by_hand: String,
    /// The role of which another person than the asker turns the second key before it runs.
    pub needs_approval: Option<RoleId>,
    pub fallback: Option<Fallback>,
}

impl RollbackStep {
    /// Its entry of the catalogue, and its fallback's.
    pub fn specs(&self) -> impl Iterator<Item = SpecId> {
        [Some(self.spec), self.fallback.as_ref().map(|fallback| fallback.spec)].into_iter().flatten()
    }
}

/// What runs in the place of a rollback's step that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// `ROLLBACK/STEP/fallback`.
    pub id: ItemId,
    pub spec: SpecId,
    pub timeout: Duration,
}

impl Fallback {
    /// What the fallback of `step` is called.
    #[must_use]
    pub fn of(step: &ItemId) -> ItemId {
        ItemId::new(format!("{step}/fallback"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify {
    pub id: ItemId,
    pub title: String,
    pub spec: SpecId,
    pub timeout: Duration,
    /// Tried again for this long before it counts as not verified.
    pub within: Duration,
    /// Every look must pass for this long before it counts: a service that fails in part answers well at times.
    pub lasts: Duration,
}
