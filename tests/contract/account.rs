//! Who is asking: origins, CSRF tokens, the session. Login rotates the token; the old one is then refused.

use http::Method;
use serde_json::json;

use super::reply::Reply;
use super::{Asked, ORIGIN, PASSWORD, USERNAME};

/// Logins a minute from one address. A test ends long before its minute does.
const LOGINS: usize = 10;

#[derive(Default)]
pub struct Account {
    issued: usize,
    tokens: Vec<String>,
    sessions: Vec<String>,
    logins: usize,
}

impl Account {
    /// What the middleware refuses before any route is reached.
    pub fn refuse(&self, asked: &Asked) -> Option<Reply> {
        let origin = asked.header("origin").or_else(|| asked.header("referer"));
        let Some(origin) = origin else { return Some(Reply::forbidden("E2004", "Origin or Referer required")) };
        if asked.method != Method::POST {
            return None;
        }
        if !origin.starts_with(ORIGIN) || origin.len() != ORIGIN.len() {
            return Some(Reply::forbidden("E2003", "Origin not allowed"));
        }
        let (header, cookie) = (asked.header("x-csrf-token"), asked.cookie("omni_csrf"));
        let known = header.is_some_and(|token| self.tokens.iter().any(|issued| issued == token));
        (!known || header != cookie).then(|| Reply::forbidden("E2002", "CSRF token mismatch"))
    }

    /// A session cookie that a login gave out.
    pub fn knows(&self, asked: &Asked) -> bool {
        asked.cookie("omni_session").is_some_and(|session| self.sessions.iter().any(|known| known == session))
    }

    pub fn bootstrap(&mut self) -> Reply {
        let token = self.issue();
        Reply::json(200, &json!({ "csrf_token": token })).cookie(&format!("omni_csrf={token}; Path=/; SameSite=lax"))
    }

    pub fn login(&mut self, asked: &Asked) -> Reply {
        self.logins += 1;
        if self.logins > LOGINS {
            return Reply::error(429, "E1101", "Too many login attempts").header("retry-after", "60");
        }
        if asked.json["username"] != USERNAME || asked.json["password"] != PASSWORD {
            return Reply::error(401, "E4010", "Invalid credentials");
        }
        self.tokens.retain(|token| asked.header("x-csrf-token") != Some(token));
        let token = self.issue();
        let session = format!("session-{:06}", self.issued);
        self.sessions.push(session.clone());
        Reply::json(200, &json!({ "user": { "username": USERNAME }, "csrf_token": token }))
            .cookie(&format!("omni_session={session}; HttpOnly; Path=/; SameSite=lax"))
            .cookie(&format!("omni_csrf={token}; Path=/; SameSite=lax"))
    }

    fn issue(&mut self) -> String {
        self.issued += 1;
        let token = format!("csrf-token-{:06}", self.issued);
        self.tokens.push(token.clone());
        token
    }
}
