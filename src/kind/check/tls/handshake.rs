//! One handshake: what the server presents is recorded and always taken, so that a certificate can be read that
//! nothing trusts. Whether it is trusted is asked afterwards (`certificate`); nothing is sent on such a
//! connection.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::Version;
use super::hello::{Heard, LONGEST, client_hello, heard};
use crate::base::wire::Cause;

/// What a server presented.
#[derive(Debug, Clone, Default)]
pub(super) struct Presented {
    /// Its own certificate first, as it sent them.
    pub chain: Vec<CertificateDer<'static>>,
    /// Why its signature on the handshake does not prove that it holds the key.
    pub unsigned: Option<String>,
}

/// How one handshake went.
pub(super) struct Tried {
    pub presented: Option<Presented>,
    /// Of a handshake that came to its end.
    pub version: Option<Version>,
    pub error: Option<io::Error>,
}

/// Connects to the first of the host's addresses that lets us in.
///
/// # Errors
/// Why none does.
pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream, Cause> {
    let found = tokio::net::lookup_host((host, port)).await.map_err(|error| Cause::of_lookup(&error))?;
    let mut last = Cause::NotResolved;
    for address in found {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Cause::of_io(&error),
        }
    }
    Err(last)
}

/// One handshake over `stream` in any of `versions`.
pub(super) async fn shake(
    stream: TcpStream,
    name: ServerName<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<Tried, Cause> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let recorder = Arc::new(Recorder::new(&provider));
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| Cause::Ours(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let (version, error) = match connected {
        Ok(stream) => (stream.get_ref().1.protocol_version().and_then(version_of), None),
        Err(error) => (None, Some(error)),
    };
    Ok(Tried { presented: recorder.presented(), version, error })
}

fn version_of(version: ProtocolVersion) -> Option<Version> {
    match version {
        ProtocolVersion::TLSv1_2 => Some(Version::V12),
        ProtocolVersion::TLSv1_3 => Some(Version::V13),
        _ => None,
    }
}

/// The alert with which the server ended a handshake, if it did.
pub(super) fn alert_of(error: &io::Error) -> Option<AlertDescription> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

/// Whether the server at `address` accepts `version`. It must be known to answer: that nothing comes back is
/// said as [`Heard::Wordless`], and no more.
pub(super) async fn ask(address: SocketAddr, name: &ServerName<'static>, version: Version, until: Instant) -> Heard {
    let asked = async {
        let stream = match TcpStream::connect(address).await {
            Ok(stream) => stream,
            Err(error) => return Heard::Unclear(Cause::of_io(&error).words()),
        };
        match version {
            Version::V10 | Version::V11 => by_hand(stream, name, version).await,
            Version::V12 => by_library(stream, name, &rustls::version::TLS12).await,
            Version::V13 => by_library(stream, name, &rustls::version::TLS13).await,
        }
    };
    timeout_at(until, asked).await.unwrap_or_else(|_| Heard::Unclear("no answer in time".to_owned()))
}

async fn by_library(
    stream: TcpStream,
    name: &ServerName<'static>,
    version: &'static SupportedProtocolVersion,
) -> Heard {
    let tried = match shake(stream, name.clone(), &[version]).await {
        Ok(tried) => tried,
        Err(cause) => return Heard::Unclear(cause.words()),
    };
    // A certificate comes after the version is agreed upon.
    let Some(error) = tried.error.filter(|_| tried.presented.is_none()) else { return Heard::Accepted };
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::AlertReceived(AlertDescription::InternalError)) => {
            Heard::Unclear("alert internal_error: it failed by itself".to_owned())
        }
        Some(Error::AlertReceived(alert)) => Heard::Refused(format!("alert {alert:?}")),
        Some(Error::PeerIncompatible(why)) => Heard::Refused(format!("it answered with another version ({why:?})")),
        Some(other) => Heard::Unclear(other.to_string()),
        None => wordless(&error),
    }
}

async fn by_hand(mut stream: TcpStream, name: &ServerName<'static>, version: Version) -> Heard {
    let mut random = [0; 32];
    if rustls::crypto::ring::default_provider().secure_random.fill(&mut random).is_err() {
        return Heard::Unclear("no random bytes".to_owned());
    }
    let told = match name {
        ServerName::DnsName(name) => Some(name.as_ref()),
        _ => None,
    };
    if let Err(error) = stream.write_all(&client_hello(version, told, random)).await {
        return wordless(&error);
    }
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece).await {
            Ok(0) if answer.is_empty() => return Heard::Wordless("it closed the connection"),
            Ok(0) => return Heard::Unclear("it closed the connection in the midst of its answer".to_owned()),
            Ok(read) => answer.extend_from_slice(&piece[..read]),
            Err(error) if answer.is_empty() => return wordless(&error),
            Err(error) => return Heard::Unclear(Cause::of_io(&error).words()),
        }
        if let Some(heard) = heard(&answer, version) {
            return heard;
        }
        if answer.len() > LONGEST {
            return Heard::Unclear("its answer is too long".to_owned());
        }
    }
}

fn wordless(error: &io::Error) -> Heard {
    match Cause::of_io(error) {
        Cause::Reset => Heard::Wordless("it reset the connection"),
        Cause::ClosedEarly => Heard::Wordless("it closed the connection"),
        other => Heard::Unclear(other.words()),
    }
}

/// Whether the server still comes up for a client of today, within `most`.
pub(super) async fn still_answers(address: SocketAddr, name: &ServerName<'static>, most: Duration) -> bool {
    let again = async {
        let stream = TcpStream::connect(address).await.ok()?;
        shake(stream, name.clone(), rustls::DEFAULT_VERSIONS).await.ok()?.presented
    };
    tokio::time::timeout(most, again).await.ok().flatten().is_some()
}

/// Takes every certificate and keeps it.
#[derive(Debug)]
struct Recorder {
    algorithms: WebPkiSupportedAlgorithms,
    seen: Mutex<Option<Presented>>,
}

impl Recorder {
    fn new(provider: &CryptoProvider) -> Self {
        Self { algorithms: provider.signature_verification_algorithms, seen: Mutex::new(None) }
    }

    fn presented(&self) -> Option<Presented> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn signed(&self, held: Result<HandshakeSignatureValid, Error>) -> HandshakeSignatureValid {
        if let (Err(error), Some(presented)) = (held, self.seen.lock().unwrap_or_else(PoisonError::into_inner).as_mut())
        {
            presented.unsigned = Some(error.to_string());
        }
        HandshakeSignatureValid::assertion()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Presented { chain, unsigned: None });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(self.signed(rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(self.signed(rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
