//! How a request says who sends it: a bearer token, a user with a password, or a signature of its body. What is
//! signed and with which key is the plan's; the key goes nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::body::Made;
use super::sorted::sorted;
use crate::base::signature::hmac_sha256;
use crate::base::template::{Scope, Template, Unbound};
use crate::base::wire::Cause;

/// What a request or a session says of it. A part that a request says takes the place of its session's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Auth {
    pub user: Option<User>,
    pub hmac: Option<Hmac>,
    /// `auth = "none"`: nothing of the session's either.
    pub nobody: bool,
}

/// What `Authorization` says.
#[derive(Debug, Clone, PartialEq)]
pub enum User {
    Bearer(Template),
    Basic { user: Template, password: Template },
}

/// A signature in a header: hex of HMAC-SHA256.
#[derive(Debug, Clone, PartialEq)]
pub struct Hmac {
    pub secret: Template,
    pub header: String,
    /// Stands before the hex: `sha256=`, `v1=`.
    pub prefix: String,
    /// Where the time goes, in whole seconds of Unix time.
    pub timestamp_header: Option<String>,
    pub over: Over,
}

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The bytes that are sent.
    Body,
    /// The time, a point, and the bytes that are sent.
    TimestampBody,
    /// The time, a point, and the JSON with its keys sorted.
    TimestampSorted,
}

impl Over {
    pub(super) const WORDS: [(&'static str, Self); 3] = [
        ("body", Self::Body),
        ("timestamp.body", Self::TimestampBody),
        ("timestamp.sorted-json", Self::TimestampSorted),
    ];

    #[must_use]
    pub fn has_time(self) -> bool {
        self != Self::Body
    }
}

impl Auth {
    /// What counts for a request: its own parts, else those of its session.
    #[must_use]
    pub fn over<'a>(&'a self, session: Option<&'a Self>) -> (Option<&'a User>, Option<&'a Hmac>) {
        let session = session.filter(|_| !self.nobody);
        let user = self.user.as_ref().or_else(|| session?.user.as_ref());
        (user, self.hmac.as_ref().or_else(|| session?.hmac.as_ref()))
    }
}

impl User {
    /// The value of `Authorization`.
    pub(super) fn value(&self, scope: &Scope) -> Result<String, Cause> {
        let ours = |unbound: Unbound| Cause::Ours(unbound.to_string());
        match self {
            Self::Bearer(token) => Ok(format!("Bearer {}", token.text(scope).map_err(ours)?)),
            Self::Basic { user, password } => {
                let (user, password) = (user.text(scope).map_err(ours)?, password.text(scope).map_err(ours)?);
                if user.contains(':') {
                    // RFC 7617: the first colon ends the name, so the server would read another one.
                    return Err(Cause::Ours("the user of `basic` holds a colon, which ends it".to_owned()));
                }
                Ok(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
        }
    }
}

impl Hmac {
    /// The headers of a signature made at `now`, in seconds of Unix time.
    pub(super) fn headers(&self, body: &Made, scope: &Scope, now: i64) -> Result<Vec<(String, String)>, Cause> {
        let secret = self.secret.text(scope).map_err(|unbound| Cause::Ours(unbound.to_string()))?;
        let time = now.to_string();
        let bytes = body.bytes.as_deref().unwrap_or_default();
        let text;
        let parts: [&[u8]; 3] = match self.over {
            Over::Body => [b"", b"", bytes],
            Over::TimestampBody => [time.as_bytes(), b".", bytes],
            Over::TimestampSorted => {
                let json = body.json.as_ref().ok_or_else(|| {
                    Cause::Ours(format!("`{}` is signed over a body of JSON, and there is none", self.header))
                })?;
                text = sorted(json);
                [time.as_bytes(), b".", text.as_bytes()]
            }
        };
        let mut headers = vec![(
            self.header.clone(),
            format!("{}{}", self.prefix, hmac_sha256(secret.as_bytes(), &parts).map_err(Cause::Ours)?),
        )];
        headers.extend(self.timestamp_header.clone().map(|header| (header, time)));
        Ok(headers)
    }

    /// The names of its headers.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.header.as_str()).chain(self.timestamp_header.as_deref())
    }
}
