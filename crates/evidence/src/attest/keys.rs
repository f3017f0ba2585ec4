//! Keys of ed25519, in the files that OpenSSL writes and reads.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ed25519_compact as ed25519;
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};

use super::file;
use crate::bundle::hex;
use crate::{Error, ErrorKind};

const MOST: u64 = 16 << 10;

/// A key that signs.
pub struct Key(ed25519::KeyPair);

/// A key that verifies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519::PublicKey);

impl Key {
    /// Reads a key from a file: PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has no such key.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let pem = text(path, "read the key")?;
        let pair = ed25519::KeyPair::from_pem(&pem).map_err(|_| {
            Error::usage(format!(
                "use the key {}: it is no ed25519 key in PKCS#8 and PEM; `openssl genpkey -algorithm ed25519` makes one",
                path.display()
            ))
        })?;
        Ok(Self(pair))
    }

    /// Makes a key, and the file for it, which only its owner may read. A file that is there already is left as it is.
    ///
    /// # Errors
    ///
    /// When the file is there, or cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let fail = |error: io::Error| {
            let message = format!("write the key {}: {error}", path.display());
            Error::new(ErrorKind::Io, message)
        };
        let pair = generate().map_err(fail)?;
        let mut options = OpenOptions::new();
        let made = options.write(true).create_new(true).mode(0o600).open(path);
        let mut file = made.map_err(fail)?;
        let written = file
            .write_all(pair.sk.to_pem().as_bytes())
            .and_then(|()| file.sync_all());
        written.map_err(|error| {
            // Half a key is none.
            let _ = fs::remove_file(path);
            fail(error)
        })?;
        Ok(Self(pair))
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.pk)
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sk.sign(bytes, None).to_vec()
    }
}

/// Never the key of nothing, which a source of zeros would give.
fn generate() -> io::Result<ed25519::KeyPair> {
    let mut seed = [0; 32];
    let mut filled = 0;
    while filled < seed.len() {
        filled += getrandom(&mut seed[filled..], GetRandomFlags::empty())?;
    }
    ed25519::KeyPair::try_from_seed(ed25519::Seed::new(seed)).map_err(io::Error::other)
}

impl PublicKey {
    /// Reads a key from a file: PEM, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has no such key, or one with which anything would be signed.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let pem = text(path, "read the public key")?;
        let key = ed25519::PublicKey::from_pem(&pem);
        let key = key.and_then(|key| key.validate().map(|()| Self(key)));
        key.map_err(|_| {
            Error::usage(format!(
                "use the public key {}: it is no ed25519 public key in PEM; `openssl pkey -in KEY -pubout` writes one",
                path.display()
            ))
        })
    }

    /// As a file has it.
    pub fn to_pem(&self) -> String {
        self.0.to_pem()
    }

    /// What envelopes call it: the SHA-256 of its DER, in hexadecimal digits.
    pub fn id(&self) -> String {
        hex(Sha256::digest(self.0.to_der()))
    }

    pub(super) fn has_signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let signature = ed25519::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.0.verify(bytes, &signature).is_ok())
    }
}

fn text(path: &Path, doing: &str) -> Result<String, Error> {
    let bytes = file::read(path, MOST).map_err(|error| {
        let message = format!("{doing} {}: {error}", path.display());
        Error::new(ErrorKind::Io, message)
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.public().id())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}
