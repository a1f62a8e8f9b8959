//! The signature: a DSSE envelope version 1 around the bytes of the manifest, signed with ed25519. The key's id is the
//! public key itself, so that a reader without one can at least say by which key it was signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::key::{Public, Secret};

/// What in-toto has its statements called.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    keyid: String,
    sig: String,
}

/// Why an envelope proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    #[error("it is no envelope of ours: {0}")]
    Not(String),
    #[error("it was signed over another manifest than the one beside it")]
    Payload,
    #[error("its signature is not that of the key it names")]
    Signature,
}

/// What a signature is taken over, as DSSE v1 says: `DSSEv1 LENGTH TYPE LENGTH BODY`.
#[must_use]
pub fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// The envelope around `payload`, in its one form.
///
/// # Errors
/// None of its own.
pub fn sign(payload: &[u8], key: &Secret) -> serde_json::Result<Vec<u8>> {
    let sig = STANDARD.encode(key.sign(&encoded(PAYLOAD_TYPE, payload)));
    let envelope = Envelope {
        payload: STANDARD.encode(payload),
        payload_type: PAYLOAD_TYPE.to_owned(),
        signatures: vec![Signature { keyid: key.public().to_string(), sig }],
    };
    written(&envelope)
}

fn written(envelope: &Envelope) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(envelope)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The key that signed `payload` in the envelope `bytes`. Whether it is to be trusted is another question.
///
/// # Errors
/// It proves nothing.
pub fn signer(bytes: &[u8], payload: &[u8]) -> Result<Public, Unproven> {
    let not = |why: &str| Unproven::Not(why.to_owned());
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|wrong| Unproven::Not(wrong.to_string()))?;
    if written(&envelope).ok().as_deref() != Some(bytes) {
        return Err(not("it is not in the form that tminus writes"));
    }
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(not("its payload is of another type"));
    }
    let [signature] = envelope.signatures.as_slice() else { return Err(not("it has not one signature")) };
    if STANDARD.decode(&envelope.payload).ok().as_deref() != Some(payload) {
        return Err(Unproven::Payload);
    }
    let key: Public = signature.keyid.parse().map_err(|()| not("it names no key"))?;
    let sig = STANDARD.decode(&signature.sig).map_err(|_| not("its signature is no base64"))?;
    match key.proves(&encoded(PAYLOAD_TYPE, payload), &sig) {
        true => Ok(key),
        false => Err(Unproven::Signature),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_encoded_as_the_specifications_own_example() {
        assert_eq!(
            encoded("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(encoded("", b""), b"DSSEv1 0  0 ");
    }

    #[test]
    fn a_signature_stands_for_these_bytes_and_this_key_alone() {
        let (key, other) = (Secret::of([7; 32]).expect("a key"), Secret::of([8; 32]).expect("a key"));
        let envelope = sign(b"{\"a\":1}\n", &key).expect("signed");
        assert_eq!(signer(&envelope, b"{\"a\":1}\n"), Ok(key.public()));
        assert_eq!(signer(&envelope, b"{\"a\":2}\n"), Err(Unproven::Payload));
        let text = String::from_utf8(envelope.clone()).expect("text");
        let claimed = text.replace(&key.public().to_string(), &other.public().to_string());
        assert_eq!(signer(claimed.as_bytes(), b"{\"a\":1}\n"), Err(Unproven::Signature));
        let typed = text.replace("in-toto", "out-toto");
        assert!(matches!(signer(typed.as_bytes(), b"{\"a\":1}\n"), Err(Unproven::Not(_))));
        for at in 0..envelope.len() {
            let mut bytes = envelope.clone();
            bytes[at] ^= 1;
            assert!(signer(&bytes, b"{\"a\":1}\n").is_err(), "byte {at}");
        }
    }
}
