//! By what way a request goes: which certificates it trusts and shows, which protocol it speaks, how much of an
//! answer it takes. It reads no file and opens no connection.

use bytes::Bytes;
use hyper_util::client::proxy::matcher::Matcher;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use url::Url;

use super::Cause;

/// What one item or session asks of the connection beside the usual.
#[derive(Debug, Clone, Default)]
pub struct Way {
    pub identity: Option<Arc<Identity>>,
    /// The protocol that is wanted; none takes what the server chooses.
    pub version: Option<Version>,
    /// Bytes of a body that are kept; the client's limit where none is said.
    pub body: Option<u64>,
}

/// A protocol that a plan may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// HTTP/1.1: nothing else is offered.
    One,
    /// HTTP/2: offered by ALPN beside 1.1, so that a server without it still answers and is told apart.
    /// Without TLS it is spoken at once.
    Two,
}

/// The TLS side of a client: whom it trusts, and who it says it is. Never printed: it holds a private key.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Certificates in PEM that are trusted instead of the host's.
    pub(super) trusted: Option<Bytes>,
    /// A certificate, its chain and its private key in PEM.
    pub(super) own: Option<Bytes>,
    pub(super) print: [u8; 32],
}

impl Identity {
    /// Of PEM files' contents; `own` is certificate and key, in any order.
    #[must_use]
    pub fn new(trusted: Option<Bytes>, own: Option<Bytes>) -> Self {
        let mut print = Sha256::new();
        for part in [&trusted, &own] {
            print.update([u8::from(part.is_some())]);
            print.update(part.as_ref().map_or(0, |part| part.len() as u64).to_be_bytes());
            print.update(part.as_deref().unwrap_or_default());
        }
        Self { trusted, own, print: print.finalize().into() }
    }

    /// Puts it into a connector.
    pub(super) fn equip(&self, mut pool: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Cause> {
        if let Some(trusted) = &self.trusted {
            let wrong = |why: String| Cause::Ours(format!("the CA file cannot be used: {why}"));
            let all = reqwest::Certificate::from_pem_bundle(trusted).map_err(|why| wrong(why.to_string()))?;
            if all.is_empty() {
                return Err(wrong("no certificate is in it".to_owned()));
            }
            pool = pool.tls_certs_only(all);
        }
        if let Some(own) = &self.own {
            // Its words could quote the file.
            let wrong = |_| Cause::Ours("the client certificate and its key cannot be used together".to_owned());
            pool = pool.identity(reqwest::Identity::from_pem(own).map_err(wrong)?);
        }
        Ok(pool)
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (trusted, own) = (self.trusted.is_some(), self.own.is_some());
        f.debug_struct("Identity").field("trusted", &trusted).field("own", &own).finish_non_exhaustive()
    }
}

impl Version {
    /// `HTTP/2`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::One => "HTTP/1.1",
            Self::Two => "HTTP/2",
        }
    }

    #[must_use]
    pub fn is(self, seen: http::Version) -> bool {
        seen == self.seen()
    }

    /// As an answer has it.
    #[must_use]
    pub fn seen(self) -> http::Version {
        match self {
            Self::One => http::Version::HTTP_11,
            Self::Two => http::Version::HTTP_2,
        }
    }
}

/// Host and port of the proxy that the environment says for `url`, without its user and password.
pub(super) fn proxy_for(url: &Url) -> Option<String> {
    let through = Matcher::from_system().intercept(&url.as_str().parse().ok()?)?;
    Some(through.uri().authority()?.as_str().rsplit('@').next()?.to_owned())
}

/// What failed between us and a proxy is our own network's, and says nothing of the target.
pub(super) fn of_proxy(cause: Cause, proxy: &str) -> Cause {
    match cause {
        Cause::Refused | Cause::NotResolved | Cause::NoRoute => {
            Cause::Ours(format!("the proxy {proxy} cannot be reached: {}", cause.words()))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_known_by_its_contents_and_shows_none_of_them() {
        let of = |trusted: Option<&'static str>, own: Option<&'static str>| {
            Identity::new(trusted.map(Bytes::from), own.map(Bytes::from))
        };
        let all = [
            of(None, None),
            of(Some("a"), None),
            of(None, Some("a")),
            of(Some("a"), Some("b")),
            of(Some("ab"), Some("")),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|other| other.print != one.print), "{at}");
        }
        let own = of(None, Some("PRIVATE KEY hunter22"));
        assert!(!format!("{own:?}").contains("hunter22"));
        assert_eq!(own.print, of(None, Some("PRIVATE KEY hunter22")).print);
    }

    #[test]
    fn a_proxy_that_cannot_be_reached_is_no_word_about_the_target() {
        for cause in [Cause::Refused, Cause::NotResolved, Cause::NoRoute] {
            assert!(matches!(of_proxy(cause, "proxy:3128"), Cause::Ours(why) if why.contains("proxy:3128")));
        }
        assert_eq!(of_proxy(Cause::TimedOut, "proxy:3128"), Cause::TimedOut);
    }
}
