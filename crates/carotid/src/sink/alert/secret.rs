//! Signatures that tell a receiver who sent a message, as "Standard Webhooks" 1.0 has them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key that sender and receiver share. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

/// A secret that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// There is nothing but white space.
    #[error("it is empty")]
    Empty,
    /// It is not base64.
    #[error(
        "it is not base64 after its whsec_ (a secret is whsec_ and the base64 of random bytes)"
    )]
    Encoding,
    /// It can be guessed.
    #[error("it has {bytes} bytes; at least {} are wanted", Secret::SHORTEST)]
    Short {
        /// How many it has.
        bytes: usize,
    },
}

impl Secret {
    /// Fewer bytes are refused; the specification wants 24 to 64.
    pub const SHORTEST: usize = 24;

    /// Reads `whsec_` and base64; the prefix may be missing.
    ///
    /// # Errors
    ///
    /// Text that is no base64, or too short to be a secret.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_| SecretError::Encoding)?;
        if bytes.len() < Self::SHORTEST {
            return Err(SecretError::Short { bytes: bytes.len() });
        }
        Ok(Self(bytes.into()))
    }

    /// One or several, a line each: while a secret is being replaced, both the old and the new sign.
    ///
    /// # Errors
    ///
    /// A line that is no secret, or no line at all.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, SecretError> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let secrets = lines.map(Self::parse).collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() {
            return Err(SecretError::Empty);
        }
        Ok(secrets)
    }

    /// The signature of a message sent at `timestamp`, in seconds since 1970: `v1,` and the base64 of the
    /// HMAC-SHA256 of `id.timestamp.body`.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key may have any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_own_example_is_signed_alike() {
        // From the reference libraries of Standard Webhooks.
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn what_is_no_secret_is_refused_and_no_secret_is_printed() {
        assert_eq!(Secret::parse(" \n"), Err(SecretError::Empty));
        assert_eq!(Secret::parse("whsec_$"), Err(SecretError::Encoding));
        assert_eq!(
            Secret::parse("whsec_c2hvcnQ="),
            Err(SecretError::Short { bytes: 5 })
        );
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
        assert_eq!(Secret::parse_all(&text.repeat(2)).unwrap().len(), 2);
        let printed = format!("{:?}", Secret::parse(text).unwrap());
        assert_eq!(printed, "Secret(…)");
    }
}
