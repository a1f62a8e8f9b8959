//! Keys of ed25519 as PEM files that other tools read: PKCS #8 for the secret, SubjectPublicKeyInfo for the public
//! half (RFC 8410). A secret key is read only from a file that is its owner's alone.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::base::regular;
use crate::base::text::hex;

/// No key file is longer, in bytes.
const LONGEST: u64 = 4096;
/// The DER in front of the 32 bytes, which fixes the algorithm and every length.
const SECRET_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const PUBLIC_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A secret key.
pub struct Secret(Ed25519KeyPair);

/// A public key; shown in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Public([u8; 32]);

/// Why there is no key; completes «failed to».
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("read the key {0}: {1}")]
    Unread(PathBuf, io::Error),
    #[error("read the key {path}: it is no {what} of ed25519 in PEM; `tminus keygen` makes a pair")]
    Not { path: PathBuf, what: &'static str },
    #[error("use the key {0}: others may read it; `chmod 600` it, and think of it as known")]
    Open(PathBuf),
    #[error("write {0}: {1}")]
    Unwritten(PathBuf, io::Error),
    #[error("make a key: the system gave no random bytes")]
    NoChance,
}

impl Secret {
    /// The key of a seed; none where the library takes none.
    #[must_use]
    pub fn of(seed: [u8; 32]) -> Option<Self> {
        Ed25519KeyPair::from_seed_unchecked(&seed).ok().map(Self)
    }

    /// # Errors
    /// The file is no such key, or open to others.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let unread = |why| KeyError::Unread(path.to_owned(), why);
        let mode = std::fs::metadata(path).map_err(unread)?.mode();
        let text = path.canonicalize().and_then(|path| regular::read(&path, LONGEST)).map_err(unread)?;
        if mode & 0o077 != 0 {
            return Err(KeyError::Open(path.to_owned()));
        }
        let seed = pem(&text, "PRIVATE KEY").and_then(|der| der.strip_prefix(&SECRET_HEAD)?.try_into().ok());
        seed.and_then(Self::of).ok_or_else(|| KeyError::Not { path: path.to_owned(), what: "secret key" })
    }

    #[must_use]
    pub fn public(&self) -> Public {
        let mut public = [0; 32];
        public.iter_mut().zip(self.0.public_key().as_ref()).for_each(|(to, from)| *to = *from);
        Public(public)
    }

    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        let mut sig = [0; 64];
        sig.iter_mut().zip(self.0.sign(bytes).as_ref()).for_each(|(to, from)| *to = *from);
        sig
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret of {}", self.public())
    }
}

impl Public {
    /// The public key in `path`; that of a secret key there is taken too.
    ///
    /// # Errors
    /// The file is no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = path
            .canonicalize()
            .and_then(|path| regular::read(&path, LONGEST))
            .map_err(|why| KeyError::Unread(path.to_owned(), why))?;
        if pem(&text, "PRIVATE KEY").is_some() {
            return Secret::read(path).map(|secret| secret.public());
        }
        let public = pem(&text, "PUBLIC KEY").and_then(|der| der.strip_prefix(&PUBLIC_HEAD)?.try_into().ok());
        public.map(Self).ok_or_else(|| KeyError::Not { path: path.to_owned(), what: "public key" })
    }

    /// Whether `sig` is this key's signature of `bytes`.
    #[must_use]
    pub fn proves(&self, bytes: &[u8], sig: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(bytes, sig).is_ok()
    }
}

impl fmt::Display for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl FromStr for Public {
    type Err = ();

    /// Of lower case hex alone.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| ())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ())?;
        }
        if hex(&key) == text { Ok(Self(key)) } else { Err(()) }
    }
}

/// Makes a pair: the secret at `path`, 0600, and the public half beside it as `path.pub`. Nothing that is there is
/// written over.
///
/// # Errors
/// A file is there, or cannot be written.
pub fn generate(path: &Path) -> Result<(PathBuf, Public), KeyError> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::NoChance)?;
    let public = Secret::of(seed).ok_or(KeyError::NoChance)?.public();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".pub");
    let beside = PathBuf::from(beside);
    let write = |path: &Path, mode: u32, label: &str, head: &[u8], key: &[u8]| {
        let text =
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode([head, key].concat()));
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
        written.map_err(|why| KeyError::Unwritten(path.to_owned(), why))
    };
    write(path, 0o600, "PRIVATE KEY", &SECRET_HEAD, &seed)?;
    write(&beside, 0o644, "PUBLIC KEY", &PUBLIC_HEAD, &public.0)?;
    Ok((beside, public))
}

/// What stands between the lines of a PEM file with this label.
fn pem(text: &[u8], label: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let body =
        text.strip_prefix(&format!("-----BEGIN {label}-----"))?.strip_suffix(&format!("-----END {label}-----"))?;
    STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    /// RFC 8032, 7.1, test 2.
    #[test]
    fn it_signs_as_the_standards_own_vector() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
        };
        let seed = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = Secret::of(seed.try_into().expect("32 bytes")).expect("a key");
        assert_eq!(key.public().to_string(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let sig = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(key.sign(&[0x72]).to_vec(), bytes(sig));
        assert!(key.public().proves(&[0x72], &bytes(sig)) && !key.public().proves(&[0x73], &bytes(sig)));
    }

    #[test]
    fn a_pair_is_its_owners_and_is_never_written_over() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("key");
        let (beside, public) = generate(&path).expect("made");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(Public::read(&beside).expect("read"), public);
        assert_eq!(Public::read(&path).expect("read"), public);
        assert_eq!(Secret::read(&path).expect("read").public(), public);
        assert_eq!(public.to_string().parse(), Ok(public));
        assert!(!format!("{:?}", Secret::read(&path)).contains("BEGIN"));
        let before = fs::read(&path).expect("read");
        generate(&path).expect_err("there");
        assert_eq!(fs::read(&path).expect("read"), before);
        Secret::read(&beside).expect_err("the public half");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("opened");
        assert!(Secret::read(&path).expect_err("open").to_string().contains("others may read it"));
        for (text, what) in [("", "empty"), ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "short")] {
            fs::write(&beside, text).expect("written");
            Public::read(&beside).expect_err(what);
        }
    }

    #[test]
    fn openssl_reads_the_pair_and_ours_reads_openssls() {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name).display().to_string();
        let openssl = |arguments: &[&str]| Command::new("openssl").args(arguments).output();
        if openssl(&["version"]).is_err() {
            assert!(std::env::var_os("CI").is_none(), "openssl is not installed");
            return;
        }
        let ran = |arguments: &[&str]| {
            let ran = openssl(arguments).expect("ran");
            assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
        };
        generate(Path::new(&at("key"))).expect("made");
        let key = Secret::read(Path::new(&at("key"))).expect("read");
        fs::write(at("said"), b"what was said").expect("written");
        fs::write(at("sig"), key.sign(b"what was said")).expect("written");
        ran(&[
            "pkeyutl",
            "-verify",
            "-rawin",
            "-pubin",
            "-inkey",
            &at("key.pub"),
            "-in",
            &at("said"),
            "-sigfile",
            &at("sig"),
        ]);
        ran(&["pkeyutl", "-sign", "-rawin", "-inkey", &at("key"), "-in", &at("said"), "-out", &at("theirs")]);
        assert_eq!(fs::read(at("theirs")).expect("signed"), key.sign(b"what was said"));
        ran(&["genpkey", "-algorithm", "ed25519", "-out", &at("other")]);
        fs::set_permissions(at("other"), fs::Permissions::from_mode(0o600)).expect("closed");
        ran(&["pkey", "-in", &at("other"), "-pubout", "-out", &at("other.pub")]);
        let other = Secret::read(Path::new(&at("other"))).expect("read");
        assert_eq!(Public::read(Path::new(&at("other.pub"))).expect("read"), other.public());
    }
}
