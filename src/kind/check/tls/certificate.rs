//! What a presented certificate says, and whether it is trusted: as a JSON document, in words. Everything in it
//! is the server's own claim and read as such. It judges nothing.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};
use serde_json::{Map, Value, json};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::handshake::Presented;
use crate::launch::time::Wall;

/// Bytes of a CA file.
const LONGEST_CA: u64 = 1 << 20;
/// Names of a certificate that are told.
const MOST_NAMES: usize = 500;
/// Seconds in a hundredth of a day.
const HUNDREDTH: i64 = 864;

/// Whom we trust.
pub(super) struct Roots {
    store: RootCertStore,
}

impl Roots {
    /// Those of a PEM file.
    ///
    /// # Errors
    /// It cannot be read, or holds no certificate.
    pub fn of_file(path: &Path) -> Result<Self, String> {
        let told = |why: String| format!("the CA file {}: {why}", path.display());
        let size = std::fs::metadata(path).map_err(|error| told(error.to_string()))?.len();
        if size > LONGEST_CA {
            return Err(told(format!("more than {} MiB", LONGEST_CA >> 20)));
        }
        let pem = std::fs::read(path).map_err(|error| told(error.to_string()))?;
        Self::of_pem(&pem).map_err(told)
    }

    /// Those of `pem`.
    ///
    /// # Errors
    /// It holds no certificate, or something that is none.
    pub fn of_pem(pem: &[u8]) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| error.to_string())?;
            store.add(certificate).map_err(|error| error.to_string())?;
        }
        if store.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(Self { store }) }
    }

    /// Those of this host, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`, as the `http` check trusts them.
    ///
    /// # Errors
    /// There are none.
    pub fn of_host() -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        // Some of a host's may be broken, and the others good.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() { Err("this host has no CA certificates to trust".to_owned()) } else { Ok(Self { store }) }
    }
}

/// A certificate as far as we read it.
struct Read {
    subject: String,
    issuer: String,
    not_before: i64,
    not_after: i64,
    names: Vec<String>,
}

impl Read {
    fn of(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        let names = read.subject_alternative_name().ok().flatten();
        let names = names.map(|names| names.value.general_names.iter().filter_map(name).take(MOST_NAMES).collect());
        Some(Self {
            subject: read.subject().to_string(),
            issuer: read.issuer().to_string(),
            not_before: read.validity().not_before.timestamp(),
            not_after: read.validity().not_after.timestamp(),
            names: names.unwrap_or_default(),
        })
    }

    fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}

/// What `presented` says at `now`, and whether `roots` trust it for `name`: `not_before`, `not_after`,
/// `days_left`, `names`, `subject`, `issuer`, `sent`, `verified` (null where it could not be asked) and `why`.
/// What cannot be read is null.
pub(super) fn told(
    presented: &Presented,
    roots: &Result<Roots, String>,
    name: &ServerName<'_>,
    now: Wall,
) -> Map<String, Value> {
    let own = presented.chain.first().and_then(Read::of);
    let (verified, why) = match roots {
        Ok(roots) => match trusted(presented, roots, name, now) {
            Ok(()) => (json!(true), Value::Null),
            Err(why) => (json!(false), json!(why)),
        },
        Err(why) => (Value::Null, json!(why)),
    };
    let mut told = Map::new();
    let mut put = |key: &str, value: Value| told.insert(key.to_owned(), value);
    put("not_before", json!(own.as_ref().map(|own| instant(own.not_before))));
    put("not_after", json!(own.as_ref().map(|own| instant(own.not_after))));
    put("days_left", json!(own.as_ref().map(|own| days(own.not_after - now.timestamp()))));
    put("names", json!(own.as_ref().map(|own| &own.names)));
    put("subject", json!(own.as_ref().map(|own| &own.subject)));
    put("issuer", json!(own.as_ref().map(|own| &own.issuer)));
    put("sent", json!(presented.chain.len()));
    put("verified", verified);
    put("why", why);
    told
}

/// Days to a hundredth, rounded down: what is left is never told longer than it is.
fn days(seconds: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a certificate lasts fewer days than a float counts")]
    let hundredths = seconds.div_euclid(HUNDREDTH) as f64;
    hundredths / 100.0
}

fn instant(seconds: i64) -> String {
    let at = DateTime::from_timestamp(seconds, 0);
    at.map_or_else(|| seconds.to_string(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn trusted(presented: &Presented, roots: &Roots, name: &ServerName<'_>, now: Wall) -> Result<(), String> {
    let Some((own, others)) = presented.chain.split_first() else {
        return Err("the server presented no certificate".to_owned());
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots.store.clone()), provider).build();
    let verifier = verifier.map_err(|error| error.to_string())?;
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    if let Err(error) = verifier.verify_server_cert(own, others, name, &[], at) {
        return Err(why(&error, &presented.chain, name, now.timestamp()));
    }
    match &presented.unsigned {
        Some(why) => Err(format!("the server does not prove that it holds the certificate's key: {why}")),
        None => Ok(()),
    }
}

/// Why it is not trusted, in words that tell one cure from another.
fn why(error: &Error, chain: &[CertificateDer<'_>], name: &ServerName<'_>, now: i64) -> String {
    let read: Vec<Read> = chain.iter().filter_map(Read::of).collect();
    let Some(own) = read.first() else { return "the certificate cannot be read".to_owned() };
    let Error::InvalidCertificate(invalid) = error else { return error.to_string() };
    match invalid {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            match read.iter().find(|one| one.not_after < now) {
                Some(one) => format!("{} expired on {}", whose(one, own), instant(one.not_after)),
                None => "a certificate of its chain has expired".to_owned(),
            }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            match read.iter().find(|one| one.not_before > now) {
                Some(one) => format!("{} is not valid before {}", whose(one, own), instant(one.not_before)),
                None => "a certificate of its chain is not valid yet".to_owned(),
            }
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let names = if own.names.is_empty() { "no name at all".to_owned() } else { own.names.join(", ") };
            format!("it is not for {}, but for {names}", name.to_str())
        }
        _ if own.is_self_issued() => "it is self-signed, and not among those we trust".to_owned(),
        CertificateError::UnknownIssuer => untrusted(&read),
        CertificateError::BadSignature => {
            format!("its issuer {} has the name of one we trust, and the signature is not theirs", own.issuer)
        }
        other => Error::InvalidCertificate(other.clone()).to_string(),
    }
}

fn whose(one: &Read, own: &Read) -> String {
    match one.subject == own.subject {
        true => "it".to_owned(),
        false => format!("the certificate of its chain for {}", one.subject),
    }
}

/// Where a chain ends that leads to nobody we trust.
fn untrusted(chain: &[Read]) -> String {
    let Some(last) = chain.last() else { return "the server presented no certificate".to_owned() };
    if last.is_self_issued() {
        return format!("its chain ends in {}, which is not among those we trust", last.subject);
    }
    match chain.len() {
        1 => format!(
            "a short chain: the server sent one certificate and no intermediate, and its issuer {} is not among those \
             we trust",
            last.issuer
        ),
        sent => format!(
            "a short chain: the server sent {sent} certificates, and the issuer of the last, {}, is not among those \
             we trust",
            last.issuer
        ),
    }
}

/// True where `names`, those of a certificate, cover `wanted`: itself, or by a `*` that stands for its first
/// label (RFC 9525 section 6.3).
pub(super) fn covers<'a>(mut names: impl Iterator<Item = &'a str>, wanted: &str) -> bool {
    let wanted = wanted.trim_end_matches('.').to_ascii_lowercase();
    let address = wanted.parse::<IpAddr>().ok();
    let behind = wanted.split_once('.').filter(|_| address.is_none()).map(|(_, behind)| behind);
    names.any(|name| {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let wild = || name.strip_prefix("*.").is_some_and(|rest| behind == Some(rest) && rest.contains('.'));
        match address {
            Some(address) => name.parse::<IpAddr>() == Ok(address),
            None => name == wanted || !wanted.starts_with('*') && wild(),
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        for (names, wanted, covered) in [
            (&["api.example.com"][..], "API.example.com.", true),
            (&["*.example.com"], "api.example.com", true),
            (&["*.example.com"], "a.b.example.com", false),
            (&["*.example.com"], "example.com", false),
            (&["*.example.com"], "*.example.com", true),
            (&["*.com"], "example.com", false),
            (&["10.0.0.1"], "10.0.0.1", true),
            (&["*.0.0.1"], "10.0.0.1", false),
            (&["0:0:0:0:0:0:0:1"], "::1", true),
            (&[], "api.example.com", false),
        ] {
            assert_eq!(covers(names.iter().copied(), wanted), covered, "{names:?} {wanted}");
        }
    }

    #[test]
    fn days_are_never_told_longer_than_they_are() {
        assert_eq!(days(7 * 86_400 - 1).to_bits(), 6.99_f64.to_bits());
        assert_eq!(days(7 * 86_400).to_bits(), 7.0_f64.to_bits());
        assert!(days(-1) < 0.0);
    }

    #[test]
    fn a_ca_file_that_holds_none_is_no_trust() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Roots::of_pem(pem.as_bytes()).is_err(), "{pem}");
        }
    }

    proptest! {
        #[test]
        fn no_certificate_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let presented = Presented { chain: vec![CertificateDer::from(bytes)], unsigned: None };
            let name = ServerName::try_from("api.example.com").expect("a name");
            let told = told(&presented, &Err("nobody".to_owned()), &name, Wall::default());
            prop_assert!(told["verified"].is_null());
        }
    }
}
