//! What HTTP items of one session share: base address, headers, cookie jar, captured values. It lives
//! in memory only; cookies and captured values are never on disk, so a session that was interrupted
//! starts again at its first item.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::template::{Scope, Template};

/// A session as the plan says it, for one value of its `for_each`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionPlan {
    pub base: Option<Template>,
    pub headers: Vec<(String, Template)>,
    /// Whether it keeps a cookie jar.
    pub cookies: bool,
    /// Values known at load, the `for_each` value among them.
    pub scope: Scope,
}

/// A session under way. Cheap to clone; all clones are the same session.
#[derive(Debug, Clone, Default)]
pub struct Session {
    pub plan: Arc<SessionPlan>,
    state: Arc<Mutex<State>>,
}

/// What a session has gathered.
#[derive(Debug, Default)]
pub struct State {
    pub jar: cookie_store::CookieStore,
    /// Values captured so far, by name; each is a secret for the redactor if it is long enough.
    pub captured: Scope,
}

impl Session {
    #[must_use]
    pub fn new(plan: SessionPlan) -> Self {
        Self { plan: Arc::new(plan), state: Arc::default() }
    }

    /// Never held across an await.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plan's values with everything captured so far.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.plan.scope.with(&self.state().captured)
    }
}
