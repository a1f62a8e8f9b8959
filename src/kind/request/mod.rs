//! The one builder of requests: what the `http` and `sse` checks and the step `send` say of a request, read
//! from their tables and made whole with the values at hand and their session. It judges no answer.

mod auth;
mod body;
mod build;
mod follow;
mod multipart;
mod sorted;
mod table;
#[cfg(test)]
mod tests;
mod tls;

use crate::base::template::{Scope, Template};
use crate::base::text::cut;
use crate::base::wire::Version;

pub use auth::{Auth, Hmac, Over, User};
pub use body::Body;
pub use build::Asked;
pub use follow::{Hop, Sent, Trail};
pub use multipart::{Part, What};
pub(crate) use table::{Takes, auth_of, header_name, headers_of, read, tls_of};
pub use tls::Files;

/// A request as the plan says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Whole, or a path behind the session's base.
    pub address: Template,
    pub headers: Vec<(String, Template)>,
    pub body: Option<Body>,
    pub auth: Auth,
    pub redirects: Redirects,
    /// The protocol that the answer must come by; none takes any.
    pub version: Option<Version>,
    /// Takes the place of the session's.
    pub tls: Option<Files>,
    /// Bytes of an answer's body that are read; the client's limit where none is said.
    pub limit: Option<u64>,
}

/// Columns of a body that are told.
const TOLD: usize = 1_000;

impl Call {
    /// What is asked, for people: method, address and body. Secrets stay as the plan writes them.
    #[must_use]
    pub fn words(&self, scope: &Scope) -> String {
        let body = self.body.as_ref().map(|body| format!(", with {}", cut(&body.words(scope), TOLD)));
        format!("{} {}{}", self.method, self.address.open(scope), body.unwrap_or_default())
    }

    /// A plain GET.
    #[must_use]
    pub fn get(address: Template, headers: Vec<(String, Template)>) -> Self {
        Self {
            method: "GET",
            address,
            headers,
            body: None,
            auth: Auth::default(),
            redirects: Redirects::None,
            version: None,
            tls: None,
            limit: None,
        }
    }
}

/// What is done with an answer that sends us elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// It is the answer.
    #[default]
    None,
    /// At most [`HOPS`] of them are followed.
    Follow,
    /// It is the answer that is wanted.
    Expect,
}

/// Redirects that are followed.
pub const HOPS: usize = 10;
