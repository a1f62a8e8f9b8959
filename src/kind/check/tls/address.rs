//! Where a `tls` check goes and what name it asks for, once its values are known.

use std::net::IpAddr;

use rustls::pki_types::ServerName;
use url::Url;

use super::Tls;
use crate::base::template::{Scope, Unbound};

/// The port of https.
const HTTPS: u16 = 443;

/// An endpoint with the name it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub host: String,
    pub port: u16,
    pub name: String,
}

impl Endpoint {
    /// # Errors
    /// A name without a value, or an address that is none, as a sentence.
    pub fn of(tls: &Tls, scope: &Scope) -> Result<Self, String> {
        let unbound = |unbound: Unbound| unbound.to_string();
        let written = tls.host.text(scope).map_err(unbound)?;
        let (host, port) = split(&written).ok_or_else(|| format!("`{written}` is no host: write api.example.com"))?;
        let name = match &tls.server_name {
            Some(name) => name.text(scope).map_err(unbound)?,
            None => host.clone(),
        };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        Ok(Self { port: tls.port.or(port).unwrap_or(HTTPS), host, name })
    }

    /// As the library takes it.
    ///
    /// # Errors
    /// That it is no name.
    pub fn server_name(&self) -> Result<ServerName<'static>, String> {
        ServerName::try_from(self.name.clone()).map_err(|_| format!("`{}` is no name of a server", self.name))
    }

    /// `api.example.com:443`, with the name where it is another.
    pub fn label(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let asked =
            if self.name == self.host.to_ascii_lowercase() { String::new() } else { format!(" for {}", self.name) };
        format!("{host}:{}{asked}", self.port)
    }
}

/// Host and port of `written`: a name, an address, either with a port, or an address with its scheme.
fn split(written: &str) -> Option<(String, Option<u16>)> {
    if let Ok(address) = written.parse::<IpAddr>() {
        return Some((address.to_string(), None));
    }
    let whole = if written.contains("://") { written.to_owned() } else { format!("tls://{written}") };
    let url = Url::parse(&whole).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let wrong = !url.username().is_empty() || host.contains(char::is_whitespace) || host.contains('{');
    (!wrong).then_some((host, url.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_an_address_or_where_a_service_answers() {
        for (written, host, port) in [
            ("api.example.com", "api.example.com", None),
            ("api.example.com:8443", "api.example.com", Some(8443)),
            ("https://api.example.com", "api.example.com", None),
            ("https://api.example.com:8443/health?x=1", "api.example.com", Some(8443)),
            ("127.0.0.1", "127.0.0.1", None),
            ("127.0.0.1:8443", "127.0.0.1", Some(8443)),
            ("::1", "::1", None),
            ("[::1]:8443", "::1", Some(8443)),
        ] {
            assert_eq!(split(written), Some((host.to_owned(), port)), "{written}");
        }
        for wrong in ["", "https://", "a b", "user@host", "host:99999"] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }
}
