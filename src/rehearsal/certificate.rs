//! The certificate of a rehearsal: an authority and one certificate for every host of the plan, made
//! on the spot, kept in memory, trusted by nobody but the client that is given it.

use std::collections::BTreeSet;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::StartError;

/// What the listener shows, and what a client must trust for it.
#[derive(Debug)]
pub struct Certificate {
    pub server: Arc<ServerConfig>,
    /// The authority's certificate.
    pub pem: String,
}

/// # Errors
/// A host's name does not go into a certificate, or ring refuses the key.
pub fn make(hosts: &BTreeSet<String>) -> Result<Certificate, StartError> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "tminus rehearsal");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut names = hosts.clone();
    names.insert("localhost".to_owned());
    let names: Vec<String> = names.into_iter().map(|name| name.trim_matches(['[', ']']).to_owned()).collect();
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(names)?.signed_by(&key, &authority)?;

    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Certificate { server: Arc::new(server), pem: authority.pem() })
}
