//! The certificates that a plan names for a session or a request, read when they are needed: one that was
//! renewed meanwhile counts. It checks no certificate.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::multipart::read;
use crate::base::template::{Scope, Template, Unbound};
use crate::base::wire::{Cause, Identity};

/// Bytes of one file: a bundle of every public CA has a fifth of it.
const LARGEST: u64 = 1 << 20;

/// Files in PEM, relative to the plan's folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Files {
    /// Trusted instead of the host's CAs.
    pub ca: Option<Template>,
    /// Our certificate with its chain, and its private key.
    pub own: Option<(Template, Template)>,
}

impl Files {
    /// # Errors
    /// A name without a value, a file that cannot be read.
    pub(super) async fn read(&self, scope: &Scope, base: &Path) -> Result<Arc<Identity>, Cause> {
        let file = async |template: &Template| {
            let path = template.text(scope).map_err(|unbound: Unbound| Cause::Ours(unbound.to_string()))?;
            read(base.join(path), LARGEST).await
        };
        let trusted = match &self.ca {
            Some(ca) => Some(file(ca).await?),
            None => None,
        };
        let own = match &self.own {
            Some((certificate, key)) => {
                Some(Bytes::from([file(certificate).await?.as_ref(), b"\n", file(key).await?.as_ref()].concat()))
            }
            None => None,
        };
        Ok(Arc::new(Identity::new(trusted, own)))
    }
}
