//! Signatures of what is sent: hex of HMAC-SHA256.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::text::hex;

/// Hex of HMAC-SHA256 of the parts, one behind the other.
///
/// # Errors
/// The key cannot be used, in words.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Result<String, String> {
    // A key of any length will do: the error is one of other algorithms.
    let keyed = Hmac::<Sha256>::new_from_slice(key);
    let mut keyed = keyed.map_err(|why| format!("the key of a signature cannot be used: {why}"))?;
    parts.iter().for_each(|part| keyed.update(part));
    Ok(hex(&keyed.finalize().into_bytes()))
}
